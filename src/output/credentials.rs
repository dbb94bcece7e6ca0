//! Content credentials (C2PA): a written file that says itself what of it is real, signed with the venue's key.
//!
//! The manifest says in C2PA's own words how the pictures came to be (an action with the IPTC's digital source type), and in an assertion of
//! our own what the sidecar sums up; it also names the sidecar's hash, so that the words about every single frame are signed with it. Terms:
//! C2PA Technical Specification 2.2, `cv.iptc.org/newscodes/digitalsourcetype`.
//!
//! Nothing here asks the net for anything: no time stamps are fetched, and roots are those that the caller names.
//! Must not know: how pictures were made.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{OutputError, Sidecar, provenance::Summary};

/// Our own assertion in the manifest.
pub const ASSERTION: &str = "volte.replay";

/// Where the venue's certificates and key lie, both PEM.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialFiles {
    /// The signer's certificate and those above it, in this order.
    pub certificates: PathBuf,
    /// Its private key, PKCS #8. It is read when an export begins, and neither shown nor copied.
    pub key: PathBuf,
}

/// Why nothing can be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A file cannot be read.
    #[error("content credentials: cannot read {path:?}: {problem}. Check the path and who may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The key is none that can sign.
    #[error(
        "content credentials: {path:?} is no private key that can sign ({problem}). Wanted: PEM, PKCS #8, not encrypted; ECDSA (P-256, P-384, \
         P-521) or Ed25519. `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW` makes one of an older form"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong; nothing of the key.
        problem: String,
    },
    /// What is signed with it is not accepted.
    #[error(
        "content credentials: what {certificates:?} and {key:?} sign is not accepted: {problem}. Wanted: a certificate that is valid today, \
         with digitalSignature and emailProtection (or another purpose of C2PA's list), first in the file, and the key that belongs to it"
    )]
    Refused {
        /// The certificates.
        certificates: PathBuf,
        /// The key.
        key: PathBuf,
        /// What a validator says.
        problem: String,
    },
    /// The container cannot carry them.
    #[error("content credentials cannot be put into {path:?}. Choose .mp4, .mov, .png, .jpg, .gif, .webp or .avif, or leave them out")]
    Container {
        /// The file.
        path: PathBuf,
    },
    /// They repeat the sidecar's words, which were not wanted.
    #[error("content credentials sign the sidecar's words: {path:?} needs its sidecar. Leave --no-sidecar out")]
    NoSidecar {
        /// The file.
        path: PathBuf,
    },
    /// Built without the feature `credentials`.
    #[error("this build signs nothing. Build with the feature `credentials`, or leave the content credentials out")]
    NotBuilt,
}

/// What a file's credentials say, when they are whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Who signed, by the certificate's own words.
    pub signer: String,
    /// Whether the certificate leads to a root that the caller named.
    pub is_trusted: bool,
    /// The digital source type of its first action, the last word of its address.
    pub source_type: String,
    /// Our own assertion; absent in files of others.
    pub claim: Option<Claim>,
}

/// Our own assertion: what the sidecar sums up.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// The program and its version.
    pub made_by: String,
    /// Frames that this is about: all of a film, one of a sequence.
    pub frames: usize,
    /// What they were made of.
    pub summary: Summary,
    /// (camera, why) of cameras that gave no honest frame.
    pub left_out: Vec<(String, String)>,
    /// Cameras whose picture was interpolated between two of their frames.
    pub retimed: Vec<String>,
    /// Graphics that no camera saw.
    pub graphics: Vec<String>,
    /// How many other instants are in the same pictures.
    pub slices: usize,
    /// SHA-256 of the sidecar's words, which tell of every frame.
    pub sidecar_words_sha256: String,
}

impl Claim {
    fn of(sidecar: &Sidecar, frames: &[super::FrameReport]) -> Self {
        let header = &sidecar.header;
        Self {
            made_by: sidecar.made_by.clone(),
            frames: frames.len(),
            summary: Summary::of(frames),
            left_out: header.left_out.clone(),
            retimed: header.retimed.clone(),
            graphics: header.graphics.clone(),
            slices: header.slices.len(),
            sidecar_words_sha256: sidecar.words_sha256.clone(),
        }
    }

    /// The IPTC's term for how such pictures come to be. One camera's pixels are a capture, several cameras' in turn a composite of
    /// captures; what was computed from several cameras' frames, without anything learned, is a computational capture; what no camera
    /// saw makes it a composite.
    pub fn source_type(&self) -> &'static str {
        let cameras = self.summary.cameras.iter().filter(|(_, weight)| *weight > 0.0).count();
        if !self.graphics.is_empty() {
            "composite"
        } else if !self.summary.real_pixels_only {
            "computationalCapture"
        } else if cameras > 1 {
            "compositeCapture"
        } else {
            "digitalCapture"
        }
    }
}

/// The media type of files that can carry credentials.
fn media_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_string_lossy().to_lowercase();
    Some(match extension.as_str() {
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        _ => return None,
    })
}

/// Certificates and key that were tried: they sign what a validator accepts.
#[derive(Clone)]
pub struct Credentials(Arc<imp::Signer>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.write_str("Credentials")
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Credentials {
    /// Reads certificates and key, and signs a picture with them on trial: what is wrong with them is told before anything is rendered.
    pub fn open(files: &CredentialFiles) -> Result<Self, CredentialError> {
        imp::Signer::open(files).map(|signer| Self(Arc::new(signer)))
    }

    /// Whether a file of that name can carry them, in words about it.
    pub fn check(path: &Path, has_sidecar: bool) -> Result<(), CredentialError> {
        if media_type(path).is_none() {
            return Err(CredentialError::Container { path: path.to_owned() });
        }
        if has_sidecar { Ok(()) } else { Err(CredentialError::NoSidecar { path: path.to_owned() }) }
    }

    /// Signs the `file` that will be called `named`; the sidecar has its words, but not yet the file's hash.
    pub(super) fn sign(&self, file: &Path, named: &Path, sidecar: &Sidecar, frames: &[super::FrameReport]) -> Result<(), OutputError> {
        self.0.sign(file, named, &Claim::of(sidecar, frames))
    }
}

/// What a file's credentials say; `None` where it has none. Credentials that do not fit the file are an error. `roots` are certificates
/// (PEM) that the caller trusts.
pub fn read(file: &Path, roots: Option<&str>) -> Result<Option<Told>, OutputError> {
    match media_type(file) {
        Some(media) => imp::read(file, media, roots),
        None => Ok(None),
    }
}

#[cfg(not(feature = "credentials"))]
mod imp {
    use super::{Claim, CredentialError, CredentialFiles, OutputError, Path, Told};

    /// There is none.
    pub enum Signer {}

    impl Signer {
        pub fn open(_files: &CredentialFiles) -> Result<Self, CredentialError> {
            Err(CredentialError::NotBuilt)
        }

        pub fn sign(&self, _file: &Path, _named: &Path, _claim: &Claim) -> Result<(), OutputError> {
            match *self {}
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "the same signature with and without the feature")]
    pub fn read(_file: &Path, _media: &str, _roots: Option<&str>) -> Result<Option<Told>, OutputError> {
        Ok(None)
    }
}

#[cfg(feature = "credentials")]
mod imp {
    use std::{
        fs::{self, File, OpenOptions},
        io::{Cursor, Read, Seek, Write},
    };

    use c2pa::{BoxedSigner, Builder, Context, Reader, SigningAlg, ValidationState, create_signer};
    use serde_json::{Value, json};

    use super::{ASSERTION, Claim, CredentialError, CredentialFiles, OutputError, Path, PathBuf, Told, media_type};

    /// Keys that are taken. RSA is not: the crate that would sign with it is open to timing (RUSTSEC-2023-0071).
    const ALGORITHMS: [SigningAlg; 4] = [SigningAlg::Es256, SigningAlg::Es384, SigningAlg::Es512, SigningAlg::Ed25519];

    pub struct Signer {
        signer: BoxedSigner,
    }

    /// Nothing is fetched, and what was signed is read again.
    fn context(roots: Option<&str>) -> Result<Context, c2pa::Error> {
        let mut settings = json!({
            "verify": { "verify_after_sign": true, "ocsp_fetch": false, "remote_manifest_fetch": false },
            "builder": { "thumbnail": { "enabled": false } },
        });
        if let Some(roots) = roots {
            settings["trust"] = json!({ "user_anchors": roots });
        }
        Context::new().with_settings(settings)
    }

    /// The manifest, by C2PA's rules.
    fn builder(claim: &Claim, title: &str) -> Result<Builder, c2pa::Error> {
        let agent = json!({ "name": "Volte", "version": env!("CARGO_PKG_VERSION") });
        let definition = json!({ "title": title, "claim_generator_info": [agent] });
        let mut builder = Builder::from_context(context(None)?).with_definition(definition)?;
        builder.add_action(json!({
            "action": "c2pa.created",
            "digitalSourceType": format!("http://cv.iptc.org/newscodes/digitalsourcetype/{}", claim.source_type()),
            "softwareAgent": agent,
            "description": claim.summary.line(claim.frames),
        }))?;
        if !claim.graphics.is_empty() {
            builder.add_action(json!({
                "action": "c2pa.edited",
                "softwareAgent": agent,
                "description": format!("graphics added: {}", claim.graphics.join(", ")),
            }))?;
        }
        builder.add_assertion_json(ASSERTION, claim)?;
        Ok(builder)
    }

    impl Signer {
        pub fn open(files: &CredentialFiles) -> Result<Self, CredentialError> {
            let read = |path: &PathBuf| fs::read(path).map_err(|e| CredentialError::Read { path: path.clone(), problem: e.to_string() });
            let (certificates, key) = (read(&files.certificates)?, read(&files.key)?);
            let no_key = |problem: &str| CredentialError::Key { path: files.key.clone(), problem: problem.to_owned() };
            let text = std::str::from_utf8(&key).map_err(|_binary| no_key("it is no text"))?;
            if text.contains("ENCRYPTED") {
                return Err(no_key("it is encrypted"));
            }
            if !text.contains("-----BEGIN PRIVATE KEY-----") {
                return Err(no_key("it has no BEGIN PRIVATE KEY"));
            }
            // The key itself says of which kind it is: the others cannot be read from it.
            let made = ALGORITHMS.into_iter().find_map(|alg| create_signer::from_keys(&certificates, &key, alg, None).ok());
            let signer = Self { signer: made.ok_or_else(|| no_key("it is of another kind, or damaged"))? };
            signer.try_out().map_err(|problem| CredentialError::Refused {
                certificates: files.certificates.clone(),
                key: files.key.clone(),
                problem,
            })?;
            Ok(signer)
        }

        /// Signs a small picture, and reads it as anybody would.
        fn try_out(&self) -> Result<(), String> {
            let mut png = Vec::new();
            let encoder = image::codecs::png::PngEncoder::new(&mut png);
            image::ImageEncoder::write_image(encoder, &[0; 12], 2, 2, image::ExtendedColorType::Rgb8).map_err(|e| e.to_string())?;
            let claim = Claim {
                made_by: String::new(),
                frames: 0,
                summary: super::Summary::default(),
                left_out: vec![],
                retimed: vec![],
                graphics: vec![],
                slices: 0,
                sidecar_words_sha256: String::new(),
            };
            let mut out = Cursor::new(Vec::new());
            self.write("image/png", "trial", &claim, &mut Cursor::new(png), &mut out).map_err(|e| e.to_string())?;
            out.set_position(0);
            told("image/png", out, None).map(|_| ())
        }

        fn write<R, W>(&self, media: &str, title: &str, claim: &Claim, from: &mut R, to: &mut W) -> Result<(), c2pa::Error>
        where
            R: Read + Seek + Send,
            W: Write + Read + Seek + Send,
        {
            builder(claim, title)?.sign(self.signer.as_ref(), media, from, to).map(|_manifest| ())
        }

        pub fn sign(&self, file: &Path, named: &Path, claim: &Claim) -> Result<(), OutputError> {
            let broken = |problem: String| OutputError::Sign { path: named.to_owned(), problem };
            let io = |e| OutputError::io(named, e);
            let media = media_type(named).ok_or_else(|| broken("its container carries no credentials".to_owned()))?;
            let title = named.file_name().unwrap_or_default().to_string_lossy();
            let scratch = Scratch(file.with_extension("signing"));
            let mut from = File::open(file).map_err(io)?;
            let mut to = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&scratch.0).map_err(io)?;
            self.write(media, &title, claim, &mut from, &mut to).map_err(|e| broken(e.to_string()))?;
            // Into the same file, which its writer holds and has locked.
            fs::copy(&scratch.0, file).map_err(io)?;
            Ok(())
        }
    }

    /// A file that goes when it is no longer needed.
    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // It may never have been made.
            drop(fs::remove_file(&self.0));
        }
    }

    /// What is wrong with credentials, or what they say.
    fn told(media: &str, stream: impl Read + Seek + Send, roots: Option<&str>) -> Result<Option<Told>, String> {
        let reader = match context(roots).and_then(|c| Reader::from_context(c).with_stream(media, stream)) {
            Ok(reader) => reader,
            Err(c2pa::Error::JumbfNotFound) => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        let state = reader.validation_state();
        if state == ValidationState::Invalid {
            let mut problems: Vec<String> = reader
                .validation_status()
                .into_iter()
                .flatten()
                .filter(|status| status.code() != "signingCredential.untrusted")
                .map(|status| status.explanation().map_or_else(|| status.code().to_owned(), |why| format!("{} ({why})", status.code())))
                .collect();
            problems.dedup();
            return Err(problems.join(", "));
        }
        let manifest = reader.active_manifest().ok_or("they hold no manifest")?;
        let actions: Option<Value> =
            ["c2pa.actions.v2", "c2pa.actions"].into_iter().find_map(|label| manifest.find_assertion::<Value>(label).ok());
        let source = actions.as_ref().and_then(|a| a["actions"][0]["digitalSourceType"].as_str()).unwrap_or_default();
        let signature = manifest.signature_info();
        let names = signature.map(|s| [s.common_name.clone(), s.issuer.clone()]).into_iter().flatten().flatten();
        Ok(Some(Told {
            signer: names.collect::<Vec<_>>().join(", "),
            is_trusted: state == ValidationState::Trusted,
            source_type: source.rsplit('/').next().unwrap_or_default().to_owned(),
            claim: manifest.find_assertion(ASSERTION).ok(),
        }))
    }

    pub fn read(file: &Path, media: &str, roots: Option<&str>) -> Result<Option<Told>, OutputError> {
        let stream = File::open(file).map_err(|source| OutputError::Read { path: file.to_owned(), source })?;
        told(media, stream, roots).map_err(|problem| OutputError::Untrue {
            path: file.to_owned(),
            problem: format!("its content credentials do not fit it: {problem}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::FrameReport;

    fn claim(frames: &[FrameReport], graphics: &[&str]) -> Claim {
        Claim {
            made_by: "volte".to_owned(),
            frames: frames.len(),
            summary: Summary::of(frames),
            left_out: vec![],
            retimed: vec![],
            graphics: graphics.iter().map(|g| (*g).to_owned()).collect(),
            slices: 0,
            sidecar_words_sha256: String::new(),
        }
    }

    #[test]
    fn pictures_are_called_what_they_are() {
        let frame =
            |camera: &str, real: bool| FrameReport { sources: vec![(camera.to_owned(), 1.0)], real_pixels: real, ..FrameReport::default() };
        let of = |frames: &[FrameReport], graphics: &[&str]| claim(frames, graphics).source_type();
        assert_eq!(of(&[frame("a", true), frame("a", true)], &[]), "digitalCapture");
        assert_eq!(of(&[frame("a", true), frame("b", true)], &[]), "compositeCapture");
        assert_eq!(of(&[frame("a", true), frame("b", false)], &[]), "computationalCapture");
        assert_eq!(of(&[frame("a", true)], &["offside line"]), "composite");
    }

    #[test]
    fn what_cannot_carry_credentials_is_named() {
        assert_eq!(Credentials::check(Path::new("a.MP4"), true), Ok(()));
        for name in ["a.mkv", "a.html", "a.mxf", "a_%04d.exr"] {
            assert!(Credentials::check(Path::new(name), true).unwrap_err().to_string().contains(".mp4"), "{name}");
        }
        assert!(Credentials::check(Path::new("a.mov"), false).unwrap_err().to_string().contains("--no-sidecar"));
    }
}
