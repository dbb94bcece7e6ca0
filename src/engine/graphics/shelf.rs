//! The picture files of graphics: read on a thread of their own, so that neither program nor preview waits for a disk; bounded each and together.
//!
//! Must not know: what is drawn with them, and where.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};

use crate::frame::Picture;

/// Larger files, or files of more pixels, are not read.
const MOST_BYTES: u64 = 64_000_000;
const MOST_PIXELS: u64 = 50_000_000;
/// Larger pictures than this are made smaller, px.
const LARGEST_PX: u32 = 4096;
/// All pictures together take no more than this.
const MOST_HELD_BYTES: u64 = 1_000_000_000;

/// A picture that was read, or why not; and the number of that reading.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// No two readings have the same.
    pub serial: u64,
    /// What came of it.
    pub picture: Result<Arc<Picture>, String>,
    /// Why a later reading gave nothing: the picture stays as it was.
    pub newer: Option<String>,
}

impl Loaded {
    /// What is wrong with the file as it is now.
    pub fn problem(&self) -> Option<&String> {
        self.newer.as_ref().or(self.picture.as_ref().err())
    }
}

/// Pictures by their files.
pub(crate) type Pictures = HashMap<PathBuf, Loaded>;

/// Reads a picture as it is drawn.
pub(super) fn load(file: &Path) -> Result<Arc<Picture>, String> {
    let picture = Picture::load_within(file, MOST_BYTES, MOST_PIXELS).map_err(|e| e.to_string())?;
    let longest = picture.width().max(picture.height());
    let smaller = |px: u32| (u64::from(px) * u64::from(LARGEST_PX) / u64::from(longest)).max(1) as u32;
    let fits = longest <= LARGEST_PX;
    Ok(Arc::new(if fits { picture } else { picture.resized(smaller(picture.width()), smaller(picture.height())) }))
}

#[derive(Debug, Default)]
struct State {
    wanted: Vec<PathBuf>,
    read: Pictures,
    /// Files that may have another picture than the one that was read.
    stale: HashSet<PathBuf>,
    serial: u64,
    ends: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The pictures that are wanted now. The thread starts with the first file.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Shelf {
    /// These files are wanted, and no others any more.
    pub fn want(&mut self, files: Vec<PathBuf>) {
        if files.is_empty() && self.thread.is_none() {
            return;
        }
        if self.thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new().name("graphics".to_owned()).spawn(move || run(&shared));
            self.thread = started.inspect_err(|e| tracing::error!(%e, "no thread for the pictures of graphics")).ok();
        }
        let mut state = self.shared.state.lock();
        state.read.retain(|file, _| files.contains(file));
        state.stale.retain(|file| files.contains(file));
        state.wanted = files;
        drop(state);
        self.shared.changed.notify_one();
    }

    /// This file may have another picture now, also where it is just being read. Until that is read, the older one stays.
    pub fn read_again(&self, file: &Path) {
        self.shared.state.lock().stale.insert(file.to_owned());
        self.shared.changed.notify_one();
    }

    /// Counts what was read.
    pub fn serial(&self) -> u64 {
        self.shared.state.lock().serial
    }

    /// What was read so far.
    pub fn pictures(&self) -> Pictures {
        self.shared.state.lock().read.clone()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.shared.state.lock().ends = true;
        self.shared.changed.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the graphics thread ended by panic");
        }
    }
}

fn run(shared: &Shared) {
    let mut state = shared.state.lock();
    while !state.ends {
        let is_due = |file: &&PathBuf| !state.read.contains_key(*file) || state.stale.contains(*file);
        let Some(file) = state.wanted.iter().find(is_due).cloned() else {
            shared.changed.wait(&mut state);
            continue;
        };
        state.stale.remove(&file);
        drop(state);
        let picture = load(&file);
        state = shared.state.lock();
        let bytes = |p: &Picture| p.rgba().len() as u64;
        let others = state.read.iter().filter(|(other, _)| **other != file);
        let held: u64 = others.filter_map(|(_, l)| l.picture.as_ref().ok()).map(|p| bytes(p)).sum();
        let picture = match picture {
            Ok(picture) if held + bytes(&picture) > MOST_HELD_BYTES => Err(format!(
                "{} has no room: the pictures of the graphics take {} GB already. Take some out, or make them smaller",
                file.display(),
                MOST_HELD_BYTES / 1_000_000_000
            )),
            picture => picture,
        };
        state.serial += 1;
        let serial = state.serial;
        // Nobody may want it any more.
        if state.wanted.contains(&file) {
            match (picture, state.read.get_mut(&file)) {
                // A file that is half written takes nothing away.
                (Err(why), Some(own)) if own.picture.is_ok() => own.newer = Some(why),
                (picture, _) => drop(state.read.insert(file, Loaded { serial, picture, newer: None })),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn wait(shelf: &Shelf, serial: u64) -> Pictures {
        let begun = Instant::now();
        while shelf.serial() < serial && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(2));
        }
        shelf.pictures()
    }

    #[test]
    fn what_is_wanted_is_read_and_what_is_not_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, none] = ["a.png", "b.png", "none.png"].map(|n| folder.path().join(n));
        Picture::filled(8, 4, [9, 9, 9, 255]).save(&a).unwrap();
        Picture::filled(2, 2, [7, 7, 7, 255]).save(&b).unwrap();
        let mut shelf = Shelf::default();
        shelf.want(vec![a.clone(), b.clone(), none.clone()]);
        let read = wait(&shelf, 3);
        assert_eq!(read[&a].picture.as_ref().unwrap().width(), 8);
        assert!(read[&none].picture.as_ref().unwrap_err().contains("none.png"));
        // Another picture under the same name is another reading.
        Picture::filled(16, 4, [9, 9, 9, 255]).save(&a).unwrap();
        shelf.read_again(&a);
        let again = wait(&shelf, 4);
        assert_eq!(again[&a].picture.as_ref().unwrap().width(), 16);
        assert_ne!(again[&a].serial, read[&a].serial);
        // Rubbish takes nothing away, and is told.
        std::fs::write(&a, "half a picture").unwrap();
        shelf.read_again(&a);
        let rubbish = wait(&shelf, 5);
        assert_eq!((rubbish[&a].picture.as_ref().unwrap().width(), rubbish[&a].serial), (16, again[&a].serial));
        assert!(rubbish[&a].problem().unwrap().contains("a.png"));
        Picture::filled(4, 4, [9, 9, 9, 255]).save(&a).unwrap();
        shelf.read_again(&a);
        let mended = wait(&shelf, 6);
        assert_eq!((mended[&a].picture.as_ref().unwrap().width(), mended[&a].problem()), (4, None));
        shelf.want(vec![b.clone()]);
        assert_eq!(shelf.pictures().keys().collect::<Vec<_>>(), [&b]);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large.png");
        Picture::filled(2000, 2000, [9, 9, 9, 255]).save(&large).unwrap();
        let mut shelf = Shelf::default();
        shelf.want(vec![large.clone()]);
        // Whether it is being read already or not begun: it is read once more after that, or anew.
        thread::sleep(Duration::from_millis(5));
        Picture::filled(8, 8, [9, 9, 9, 255]).save(&large).unwrap();
        shelf.read_again(&large);
        let begun = Instant::now();
        let width = || shelf.pictures().get(&large).and_then(|l| l.picture.as_ref().ok().map(|p| p.width()));
        while width() != Some(8) && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(width(), Some(8));
    }

    #[test]
    fn what_is_too_large_is_not_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wide.png");
        Picture::filled(300, 20, [1, 2, 3, 255]).save(&file).unwrap();
        let told = Picture::load_within(&file, MOST_BYTES, 5_999).unwrap_err().to_string();
        assert!(told.contains("300x20") && told.contains("wide.png"), "{told}");
        assert!(Picture::load_within(&file, 10, MOST_PIXELS).is_err());
        assert!(Picture::load_within(&file, MOST_BYTES, 6_000).is_ok());
        // Longer than is drawn: made smaller.
        Picture::filled(5000, 10, [1, 2, 3, 255]).save(&file).unwrap();
        assert_eq!(load(&file).unwrap().width(), LARGEST_PX);
    }
}
