//! `volte provenance`: a written file set against its sidecar and its content credentials, and what of it is real.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use volte::output::{
    Sidecar,
    credentials::{self, Told},
    provenance,
};

/// What `volte provenance` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Written files, pictures of a sequence, or sidecars (.json), which stand for all their files.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Also say what every frame was made of.
    #[arg(long)]
    frames: bool,
    /// Certificates (PEM) that you trust, such as the venue's root: content credentials must lead to one of them.
    #[arg(long, value_name = "FILE.pem")]
    trust: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let roots = match &args.trust {
        Some(file) => Some(std::fs::read_to_string(file).with_context(|| format!("cannot read the certificates {}", file.display()))?),
        None => None,
    };
    for file in &args.files {
        let signed = if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            None
        } else {
            credentials::read(file, roots.as_deref())?
        };
        if args.trust.is_some() && !signed.as_ref().is_some_and(|told| told.is_trusted) {
            let what =
                if signed.is_some() { "its content credentials do not lead" } else { "it has no content credentials, so nothing leads" };
            bail!("{} cannot be trusted: {what} to a certificate of --trust", file.display());
        }
        // Whoever has the film alone has its credentials.
        if let (Some(told), false) = (&signed, provenance::has_sidecar(file)) {
            println!("{}: is what was signed; there is no sidecar to set it against", file.display());
            tell_signed(told);
            continue;
        }
        let (sidecar, place) = provenance::check(file)?;
        println!("{}: is what was written, as {} says", file.display(), place.display());
        if let Some(told) = &signed {
            agree(file, told, &sidecar)?;
            tell_signed(told);
        }
        tell(&sidecar, args.frames);
    }
    Ok(())
}

/// The manifest and the sidecar are about the same words.
fn agree(file: &Path, told: &Told, sidecar: &Sidecar) -> anyhow::Result<()> {
    match &told.claim {
        Some(claim) if claim.sidecar_words_sha256 != sidecar.words_sha256 => {
            bail!("{} cannot be trusted: its content credentials were signed over another sidecar", file.display())
        }
        _ => Ok(()),
    }
}

fn tell_signed(told: &Told) {
    let trusted = if told.is_trusted { "trusted" } else { "its root is not among those named by --trust" };
    println!("  signed by {} ({trusted}); {}", told.signer, told.source_type);
    if let Some(claim) = &told.claim {
        println!("  signed words: {}", claim.summary.line(claim.frames));
    }
}

fn tell(sidecar: &Sidecar, frames: bool) {
    println!("  made by {} on {}; path {:?}", sidecar.made_by, sidecar.header.gpu, sidecar.header.path);
    println!("  {}", sidecar.summary.line(sidecar.frames.len()));
    for (camera, why) in &sidecar.header.left_out {
        println!("  left out: {camera}: {why}");
    }
    if !sidecar.header.graphics.is_empty() {
        println!("  graphics added: {}", sidecar.header.graphics.join(", "));
    }
    if !sidecar.header.slices.is_empty() {
        let instants = sidecar.header.slices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        println!("  other instants in the same picture: {instants}");
    }
    if !sidecar.header.plates.is_empty() {
        println!("  with plates of: {}", sidecar.header.plates.join(", "));
    }
    if !sidecar.header.retimed.is_empty() {
        println!("  interpolated between two frames: {}", sidecar.header.retimed.join(", "));
    }
    if !frames {
        return;
    }
    for frame in &sidecar.frames {
        let of = frame.sources.iter().filter(|s| s.1 > 0.0).map(|(c, w)| format!("{c} {:.0} %", w * 100.0)).collect::<Vec<_>>().join(", ");
        let truth = frame.gap_db.map_or_else(String::new, |db| format!(", gap {db:.1} dB"));
        let what =
            if frame.real_pixels { "real pixels".to_owned() } else { format!("{:.1} % synthesized", frame.synthesized_share * 100.0) };
        println!("  {:5}  {}  {what}, {of}{truth}", frame.index, frame.timecode);
    }
}
