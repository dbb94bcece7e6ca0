//! The sidecar: a JSON file that says what every frame was made of. For officials, for archives, for bug reports.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Codec, Credentials, OutputError, OutputSpec, OutputSummary,
    digest::sha256_of_bytes,
    program::Timecode,
    provenance::{Hashed, Summary},
    staging::{Staged, publish_both},
};
use crate::{
    telemetry::{Energy, EnergyMeter},
    time::{FrameRate, MediaTime},
};

/// Version of the sidecar's layout.
pub const SIDECAR_VERSION: u32 = 2;

/// What one frame was made of.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FrameReport {
    /// Number of the frame, from 0.
    pub index: u64,
    /// The instant that it shows, nanoseconds on the house clock.
    pub instant_nanos: MediaTime,
    /// The same as a label: time of day of the house clock, frames at the file's rate. Whoever writes the frame fills it in.
    #[serde(default)]
    pub timecode: String,
    /// Fractional camera index on the arc.
    pub position: f64,
    /// How it was rendered.
    pub mode: String,
    /// (camera, weight 0…1), heaviest first.
    pub sources: Vec<(String, f32)>,
    /// When each of the sources took its frame, nanoseconds on the house clock.
    #[serde(default)]
    pub source_nanos: Vec<MediaTime>,
    /// Every pixel is one real camera's, of one real frame: turned as a whole towards the virtual camera, but neither mixed nor made up.
    #[serde(default)]
    pub real_pixels: bool,
    /// Share of pixels that are not one camera's real pixels, 0…1.
    pub synthesized_share: f32,
    /// Share of pixels that no camera saw and that were filled, 0…1.
    pub filled_share: f32,
    /// The rung of the fallback ladder that the frame's gap was on: `synthesis`, `soft_fade` or `cut`; empty when the export
    /// followed no ladder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rung: String,
    /// Why it was on that rung: `score`, `estimate`, `operator` or `real_pixels_only`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rung_reason: String,
    /// The leave-one-out score of the frame's gap, dB; absent when it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_db: Option<f64>,
}

impl FrameReport {
    /// The same as frame `index` of a file of that rate.
    pub(super) fn numbered(&self, index: u64, rate: FrameRate) -> Self {
        let of_day = self.instant_nanos.nanos().rem_euclid(DAY_NANOS) as u64;
        Self { index, timecode: Timecode::of_frame(Timecode::frame_at(of_day, rate), rate).to_string(), ..self.clone() }
    }
}

const DAY_NANOS: i64 = 24 * 3600 * 1_000_000_000;

/// What holds for the whole file.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SidecarHeader {
    /// The instant of the mark, nanoseconds on the house clock.
    pub mark_nanos: MediaTime,
    /// Name of the path.
    pub path: String,
    /// Names of the rig's cameras, in the rig's order.
    pub cameras: Vec<String>,
    /// (camera, why) of cameras that gave no honest frame.
    pub left_out: Vec<(String, String)>,
    /// Cameras whose picture at the mark was interpolated between two of their frames: no camera made it.
    #[serde(default)]
    pub retimed: Vec<String>,
    /// Graphics that were drawn into the scene or on top of it, by name: no camera saw them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graphics: Vec<String>,
    /// Other instants whose movement is in the same pictures, nanoseconds on the house clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<MediaTime>,
    /// Cameras of which it was known what they see when nobody is there, and whose pictures were taken apart by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plates: Vec<String>,
    /// The GPU that rendered.
    pub gpu: String,
    /// Counts what the export takes; the sidecar's `energy` is what it says at the end.
    #[serde(skip)]
    pub meter: Option<EnergyMeter>,
    /// Signs the file; the manifest in it says what the sidecar sums up.
    #[serde(skip)]
    pub credentials: Option<Credentials>,
}

/// The whole sidecar.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sidecar {
    /// [`SIDECAR_VERSION`].
    pub version: u32,
    /// The program and its version.
    pub made_by: String,
    /// File name of the pictures (of the first, in a sequence).
    pub file: String,
    /// Pixels across.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
    /// Frames per second.
    pub rate: FrameRate,
    /// Codec of the file.
    pub codec: String,
    /// What holds for the whole file.
    #[serde(flatten)]
    pub header: SidecarHeader,
    /// What the machine took while it was made; no part of the hashed words, because it is never the same twice.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub energy: Energy,
    /// All frames together.
    #[serde(default)]
    pub summary: Summary,
    /// SHA-256 of all words of this sidecar but this one, `energy`, `file` and `files`; video files carry it in their comment.
    #[serde(default)]
    pub words_sha256: String,
    /// The written files and their SHA-256: one, or every picture of a sequence.
    #[serde(default)]
    pub files: Vec<Hashed>,
    /// One per frame.
    pub frames: Vec<FrameReport>,
}

/// Older sidecars have no such words, and are hashed as they were.
fn is_unknown(energy: &Energy) -> bool {
    *energy == Energy::default()
}

impl Sidecar {
    /// For the file `name` written by `spec`.
    pub(super) fn new(spec: &OutputSpec, codec: Codec, name: &str, header: &SidecarHeader, frames: Vec<FrameReport>) -> Self {
        let mut sidecar = Self {
            version: SIDECAR_VERSION,
            made_by: concat!("volte ", env!("CARGO_PKG_VERSION")).to_owned(),
            file: name.to_owned(),
            width_px: spec.width_px,
            height_px: spec.height_px,
            rate: spec.rate,
            codec: codec.name().to_owned(),
            header: header.clone(),
            energy: header.meter.as_ref().map(EnergyMeter::energy).unwrap_or_default(),
            summary: Summary::of(&frames),
            words_sha256: String::new(),
            files: vec![],
            frames,
        };
        sidecar.words_sha256 = sidecar.hash_of_words();
        sidecar
    }

    /// Of everything but the hashes and the file's name: the same however the text is laid out, and whatever the file is called.
    pub(super) fn hash_of_words(&self) -> String {
        let bare = Self { energy: Energy::default(), file: String::new(), words_sha256: String::new(), files: vec![], ..self.clone() };
        // Numbers, texts and lists: there is nothing in it that JSON cannot write.
        sha256_of_bytes(&serde_json::to_vec(&bare).unwrap_or_default())
    }

    /// Signs the `file` that will be called `named`, where that was asked for: before it is hashed.
    pub(super) fn sign(&self, file: &Path, named: &Path) -> Result<(), OutputError> {
        match &self.header.credentials {
            Some(credentials) => credentials.sign(file, named, self, &self.frames),
            None => Ok(()),
        }
    }

    /// The sidecar's file names, the usual one first: `NAME.json` beside `NAME.mp4`, and `NAME.mp4.json` where that one is another file's.
    pub fn paths_for(file: &Path) -> [PathBuf; 2] {
        let mut whole = file.as_os_str().to_owned();
        whole.push(".json");
        [file.with_extension("json"), whole.into()]
    }

    /// Whether it is about a file of that name.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.file == name || self.files.iter().any(|f| f.name == name)
    }

    /// Takes the place for the words about the file `name` before anything is rendered, so that nothing is rendered in vain: the usual place,
    /// or the other one where the usual one is another file's.
    pub(super) fn reserve([usual, other]: &[PathBuf; 2], name: &str, overwrite: bool) -> Result<Staged, OutputError> {
        let is_own = |place: &Path| Self::read(place).is_ok_and(|s| s.lists(name));
        // What is looked at first must not be an older film's.
        if !is_own(other) && (usual.symlink_metadata().is_err() || is_own(usual)) {
            match Staged::create_sidecar(usual, overwrite) {
                // The words of another export that is under way.
                Err(OutputError::Busy { .. }) => {}
                staged => return staged,
            }
        }
        Staged::create_sidecar(other, overwrite)
    }

    /// The same for the single file of `spec`, where words are wanted.
    pub(super) fn reserve_for(spec: &OutputSpec) -> Result<Option<Staged>, OutputError> {
        let name = spec.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        spec.sidecar.is_some().then(|| Self::reserve(&Self::paths_for(&spec.path), &name, spec.overwrite)).transpose()
    }

    /// Writes it under its temporary name; the caller publishes.
    pub(super) fn write_to(&self, staged: &Staged) -> Result<(), OutputError> {
        let io = |e| OutputError::io(staged.target(), e);
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| io(std::io::Error::other(e)))?;
        text.push(b'\n');
        fs::write(staged.temporary(), text).map_err(io)?;
        staged.sync()
    }
}

/// Publishes a finished single file of so many `frames` that were read back, and its sidecar where a `place` was taken for one.
pub(super) fn publish_with_sidecar(
    staged: Staged,
    place: Option<Staged>,
    spec: &OutputSpec,
    codec: Codec,
    (written, frames): (Vec<FrameReport>, u64),
) -> Result<OutputSummary, OutputError> {
    let name = spec.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if let (Some(header), Some(place)) = (&spec.sidecar, &place) {
        let mut sidecar = Sidecar::new(spec, codec, &name, header, written);
        sidecar.sign(staged.temporary(), &spec.path)?;
        staged.sync()?;
        sidecar.files = vec![Hashed::of(staged.temporary(), &name)?];
        sidecar.write_to(place)?;
    }
    let bytes = staged.bytes();
    let (path, sidecar) = publish_both(staged, place)?;
    Ok(OutputSummary { path, sidecar, frames, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(path: PathBuf, overwrite: bool) -> OutputSpec {
        OutputSpec {
            path,
            width_px: 16,
            height_px: 8,
            rate: FrameRate::whole(25),
            codec: None,
            threads: 0,
            overwrite,
            sidecar: Some(SidecarHeader::default()),
            cancel: super::super::CancelToken::default(),
        }
    }

    fn write(path: PathBuf, overwrite: bool) -> Result<OutputSummary, OutputError> {
        let mut sink = super::super::open(spec(path, overwrite))?;
        sink.write(&crate::frame::Picture::filled(16, 8, [200, 10, 10, 255]), &FrameReport::default())?;
        sink.finish()
    }

    fn check(file: &Path) -> PathBuf {
        super::super::provenance::check(file).unwrap_or_else(|e| panic!("{e}")).1
    }

    #[test]
    fn words_of_two_files_of_one_name_stand_beside_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, words) in [("turn.gif", "turn.json"), ("turn.html", "turn.html.json"), ("turn_%04d.png", "turn.png.json")] {
            assert_eq!(write(at(name), false).unwrap().sidecar, Some(at(words)), "{name}");
        }
        let all = [("turn.gif", "turn.json"), ("turn.html", "turn.html.json"), ("turn_0000.png", "turn.png.json")];
        for again in [false, true] {
            for (file, words) in all {
                assert_eq!(check(&at(file)), at(words), "{again}");
            }
            // Each again, in another turn: every one replaces its own words alone.
            for name in ["turn_%04d.png", "turn.html", "turn.gif"].into_iter().filter(|_| !again) {
                write(at(name), true).unwrap();
            }
        }
        // Nor is a file that is no sidecar at all ever replaced by one.
        std::fs::write(at("rig.json"), "{}").unwrap();
        assert_eq!(write(at("rig.gif"), true).unwrap().sidecar, Some(at("rig.gif.json")));
        assert_eq!(std::fs::read(at("rig.json")).unwrap(), b"{}");
    }

    #[test]
    fn words_that_have_no_place_are_named_before_anything_is_rendered() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(at("turn.gif"), false).unwrap();
        write(at("row_%04d.png"), false).unwrap();
        std::fs::remove_file(at("turn.gif")).unwrap();
        std::fs::remove_file(at("row_0000.png")).unwrap();
        for name in ["turn.gif", "row_%04d.png"] {
            let e = super::super::open(spec(at(name), false)).err().unwrap_or_else(|| panic!("{name} is taken")).to_string();
            assert!(e.contains(".json") && e.contains("exists"), "{e}");
            assert!(super::super::open(spec(at(name), true)).is_ok());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn two_exports_of_one_stem_that_are_under_way_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let picture = crate::frame::Picture::filled(16, 8, [200, 10, 10, 255]);
        let mut sinks = ["a.gif", "a.html"].map(|name| super::super::open(spec(at(name), false)).unwrap_or_else(|e| panic!("{e}")));
        for sink in &mut sinks {
            sink.write(&picture, &FrameReport::default()).unwrap();
        }
        let words = sinks.map(|sink| sink.finish().unwrap().sidecar.unwrap());
        assert_eq!(words, [at("a.json"), at("a.html.json")]);
        assert_eq!((check(&at("a.gif")), check(&at("a.html"))), (at("a.json"), at("a.html.json")));
    }
}
