//! `volte provenance`: a written file set against its sidecar, and what of it is real.

use std::path::PathBuf;

use volte::output::provenance;

/// What `volte provenance` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Written files, pictures of a sequence, or sidecars (.json), which stand for all their files.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Also say what every frame was made of.
    #[arg(long)]
    frames: bool,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    for file in &args.files {
        let (sidecar, place) = provenance::check(file)?;
        println!("{}: is what was written, as {} says", file.display(), place.display());
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
        if !args.frames {
            continue;
        }
        for frame in &sidecar.frames {
            let of =
                frame.sources.iter().filter(|s| s.1 > 0.0).map(|(c, w)| format!("{c} {:.0} %", w * 100.0)).collect::<Vec<_>>().join(", ");
            let truth = frame.gap_db.map_or_else(String::new, |db| format!(", gap {db:.1} dB"));
            let what =
                if frame.real_pixels { "real pixels".to_owned() } else { format!("{:.1} % synthesized", frame.synthesized_share * 100.0) };
            println!("  {:5}  {}  {what}, {of}{truth}", frame.index, frame.timecode);
        }
    }
    Ok(())
}
