//! `volte playlist`: the playlist of a recording, for editing programs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use volte::{
    engine::{interchange::ListExport, recording::event_of},
    replay::{EventList, path, playlist::Playlist},
    ring::disk::DiskStore,
    time::FrameRate,
};

/// What `volte playlist` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that was recorded into; its playlist.toml is read.
    folder: PathBuf,
    /// Write an OTIO timeline (JSON).
    #[arg(long, value_name = "FILE.otio")]
    otio: Option<PathBuf>,
    /// Write a CMX 3600 EDL.
    #[arg(long, value_name = "FILE.edl")]
    edl: Option<PathBuf>,
    /// Frames per second of the labels: 50, 59.94 or 60000/1001.
    #[arg(long, default_value = "25")]
    rate: FrameRate,
    /// Replace files of that name.
    #[arg(long)]
    overwrite: bool,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.otio.is_none() && args.edl.is_none() {
        bail!("nothing to write. Give --otio FILE, --edl FILE, or both");
    }
    let file = args.folder.join("playlist.toml");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}. Give the folder that a console with a playlist recorded into", file.display()))?;
    let mut events = EventList::default();
    let kept = DiskStore::look(&args.folder)?.kept();
    events.restore(kept.into_iter().filter_map(event_of));
    let (list, left_out) = Playlist::from_toml(&text, &events).with_context(|| format!("in {}", file.display()))?;
    if left_out > 0 {
        eprintln!("note: {left_out} elements are left out, their events are not in the recording any more");
    }
    let paths = args.folder.join("desk/paths");
    let title = args.folder.file_name().map_or_else(|| "volte".to_owned(), |n| n.to_string_lossy().into_owned());
    let laid = ListExport::new(&list, &events, args.rate, &title, &|name| own_secs(&paths, name));
    if let Some(to) = &args.otio {
        write(to, &format!("{:#}\n", laid.to_otio()), args.overwrite)?;
    }
    if let Some(to) = &args.edl {
        write(to, &laid.to_edl(), args.overwrite)?;
    }
    println!("{} elements, {} frames at {}", list.elements().len(), laid.frames(), args.rate);
    Ok(())
}

/// How long the operator's own path of that name lasts.
fn own_secs(folder: &Path, name: &str) -> Option<f64> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let read = |file: &PathBuf| path::Path::from_toml(&std::fs::read_to_string(file).ok()?).ok();
    files.iter().filter_map(read).find(|path| path.name == name).map(|path| path.duration_secs)
}

fn write(file: &Path, text: &str, overwrite: bool) -> anyhow::Result<()> {
    if !overwrite && file.symlink_metadata().is_ok() {
        bail!("{} exists. Choose another name, or allow to replace it (--overwrite)", file.display());
    }
    let part = file.with_file_name(format!(".{}.part", file.file_name().unwrap_or_default().to_string_lossy()));
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file)).with_context(|| format!("cannot write {}", file.display()))
}
