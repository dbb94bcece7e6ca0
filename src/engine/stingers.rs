//! The stingers of the show: films with alpha, read once at the start on a thread of their own, so that none is waited for at a take.
//!
//! Must not know: when they are shown.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;

use crate::{
    frame::{Picture, Stinger},
    show::MOST_STINGERS,
    time::FrameRate,
};

/// Longer films, and files larger than these, are not taken.
const MOST_FRAMES: usize = 300;
const MOST_FILE_BYTES: u64 = 64_000_000;
const MOST_FILE_PIXELS: u64 = 50_000_000;
/// Wider frames are made smaller, px.
const WIDEST_PX: u32 = 1920;
/// All frames of all films together.
const MOST_BYTES: usize = 1_500_000_000;

/// A stinger as the show names it.
#[derive(Debug, Clone, PartialEq)]
pub struct StingerSource {
    /// A folder of PNG pictures with alpha, in the order of their names.
    pub folder: PathBuf,
    /// Pictures per second; `None` is the rate of the feeds.
    pub fps: Option<f64>,
}

#[derive(Debug, Clone)]
enum State {
    Reading,
    There(Arc<Stinger>),
    Wrong(String),
}

/// All of them, by their numbers from 1.
#[derive(Debug, Default)]
pub(super) struct Stingers {
    states: Arc<Mutex<Vec<State>>>,
    folders: Vec<PathBuf>,
    /// What was told of each.
    told: usize,
}

impl Stingers {
    /// Begins to read them.
    pub fn start(sources: &[StingerSource], rate: FrameRate) -> Self {
        let states = Arc::new(Mutex::new(vec![State::Reading; sources.len()]));
        let stingers = Self { states: Arc::clone(&states), folders: sources.iter().map(|s| s.folder.clone()).collect(), told: 0 };
        if sources.is_empty() {
            return stingers;
        }
        let sources = sources.to_vec();
        let read = move || {
            let mut room = MOST_BYTES;
            for (k, source) in sources.iter().enumerate() {
                let read = if k < MOST_STINGERS {
                    read(&source.folder, source.fps.unwrap_or_else(|| rate.fps()), &mut room)
                } else {
                    Err(format!("The stinger {} is not taken: there are {MOST_STINGERS} at most. Leave one out", source.folder.display()))
                };
                states.lock()[k] = read.map_or_else(State::Wrong, |stinger| State::There(Arc::new(stinger)));
                // Nobody wants them any more.
                if Arc::strong_count(&states) == 1 {
                    return;
                }
            }
        };
        // It ends by itself when all are read.
        if let Err(e) = thread::Builder::new().name("stingers".to_owned()).spawn(read) {
            tracing::error!(%e, "no thread for the stingers");
        }
        stingers
    }

    /// The one of a number, or why there is none.
    pub fn get(&self, number: u8) -> Result<Arc<Stinger>, String> {
        let states = self.states.lock();
        match usize::from(number).checked_sub(1).and_then(|k| states.get(k)) {
            Some(State::There(stinger)) => Ok(Arc::clone(stinger)),
            Some(State::Reading) => Err(format!("Stinger {number} is still being read. Try again in a moment")),
            Some(State::Wrong(why)) => Err(why.clone()),
            None => Err(format!(
                "There is no stinger {number}: the show has {}. Name its folder in the show file, [graphics] stingers",
                states.len()
            )),
        }
    }

    /// The length of each, seconds; 0 for one that is not there.
    pub fn lengths_secs(&self) -> Vec<f64> {
        let secs = |s: &State| if let State::There(stinger) = s { stinger.secs() } else { 0.0 };
        self.states.lock().iter().map(secs).collect()
    }

    /// What is to be told since this was last asked.
    pub fn news(&mut self) -> Option<String> {
        let states = self.states.lock();
        let (folder, state) = (self.folders.get(self.told)?, states.get(self.told)?);
        let number = self.told + 1;
        let news = match state {
            State::Reading => return None,
            State::There(stinger) if stinger.hides() => Some(String::new()),
            State::There(_) => Some(format!(
                "Stinger {number} ({}) never covers the whole picture: the change will be seen behind it. Make frames in the middle that cover it",
                folder.display()
            )),
            State::Wrong(why) => Some(why.clone()),
        };
        drop(states);
        self.told += 1;
        news
    }
}

/// Reads a film; what it takes is taken of the room, bytes.
fn read(folder: &Path, fps: f64, room: &mut usize) -> Result<Stinger, String> {
    let shown = folder.display();
    let entries = fs::read_dir(folder).map_err(|e| format!("The stinger {shown} cannot be read: {e}. Give a folder of PNG pictures"))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")));
    files.sort();
    if files.is_empty() {
        return Err(format!("The stinger {shown} has no PNG pictures. Write the film as pictures: ffmpeg -i FILM %04d.png"));
    }
    if files.len() > MOST_FRAMES {
        return Err(format!("The stinger {shown} has {} pictures, and at most {MOST_FRAMES} are taken. Make it shorter", files.len()));
    }
    let (mut frames, mut bytes) = (Vec::with_capacity(files.len()), 0);
    for file in &files {
        let picture = Picture::load_within(file, MOST_FILE_BYTES, MOST_FILE_PIXELS)
            .map_err(|e| format!("The stinger {shown} cannot be read: {e}"))?;
        let (w, h) = (picture.width(), picture.height());
        let smaller = |px: u32| (u64::from(px) * u64::from(WIDEST_PX) / u64::from(w.max(1))).max(1) as u32;
        let picture = if w > WIDEST_PX { picture.resized(WIDEST_PX, smaller(h)) } else { picture };
        bytes += picture.rgba().len();
        if bytes > *room {
            return Err(format!(
                "The stinger {shown} has no room: all stingers together take {} MB of memory at most. Make them shorter or smaller",
                MOST_BYTES / 1_000_000
            ));
        }
        frames.push(picture);
    }
    *room -= bytes;
    Stinger::new(frames, fps)
        .ok_or_else(|| format!("The stinger {shown} has no PNG pictures. Write the film as pictures: ffmpeg -i FILM %04d.png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_films_share_one_room() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Picture::filled(8, 4, [9, 9, 9, 255]);
        (0..3).for_each(|k| frame.save(&folder.path().join(format!("{k}.png"))).unwrap());
        let bytes = 3 * frame.rgba().len();
        let mut room = 2 * bytes + bytes / 2;
        for left in [bytes + bytes / 2, bytes / 2] {
            assert!(read(folder.path(), 25.0, &mut room).is_ok());
            assert_eq!(room, left);
        }
        let told = read(folder.path(), 25.0, &mut room).unwrap_err();
        assert!(told.contains("no room") && room == bytes / 2, "{told}");
    }

    #[test]
    fn no_more_than_there_are_numbers_for() {
        let folder = tempfile::tempdir().unwrap();
        Picture::filled(8, 4, [9, 9, 9, 255]).save(&folder.path().join("1.png")).unwrap();
        let sources = vec![StingerSource { folder: folder.path().to_owned(), fps: None }; 300];
        let mut stingers = Stingers::start(&sources, FrameRate::whole(25));
        let begun = std::time::Instant::now();
        let mut told = vec![];
        while told.len() < 300 && begun.elapsed().as_secs() < 10 {
            told.extend(stingers.news());
        }
        assert!(told[..MOST_STINGERS].iter().all(String::is_empty), "{:?}", &told[..MOST_STINGERS]);
        assert!(told[MOST_STINGERS..].iter().all(|t| t.contains("at most")) && told.len() == 300);
        assert_eq!(stingers.lengths_secs().iter().filter(|secs| **secs > 0.0).count(), MOST_STINGERS);
    }
}
