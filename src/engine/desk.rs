//! What an operator makes, kept as small text files: the playlist, templates, paths. Files are written by a thread of their own, whole or
//! not at all: a new file beside the old one, brought to the disk, then put in its place.
//!
//! Must not know: what is in the texts.

mod look;

pub use look::ConsoleLook;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

/// Where it is kept; what has no place is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeskFiles {
    /// The playlist: beside the recording that it shows.
    pub playlist: Option<PathBuf>,
    /// Folder of the operator's own `templates` and `paths`, and of how the console was left.
    pub folder: Option<PathBuf>,
    /// The graphics; else `graphics.toml` in the folder.
    pub graphics: Option<PathBuf>,
}

impl DeskFiles {
    /// Where things are kept for a recording folder (or none) and a desk folder (or none): the playlist goes where the events are, and ends
    /// with them where nothing is recorded; a recording without a desk has one inside.
    pub fn of(recording: Option<&Path>, desk: Option<&Path>) -> Self {
        let folder = desk.map(Path::to_owned).or_else(|| recording.map(|r| r.join("desk")));
        let playlist = recording.map(|f| f.join("playlist.toml"));
        Self { playlist, folder, graphics: None }
    }
}

/// More files of a kind than this are not read.
const MOST_FILES: usize = 500;
/// Larger files than this are none of ours, bytes.
const MOST_BYTES: u64 = 1 << 20;
/// What could not be written is tried again so often.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Writes texts to files. Of one file the latest text counts; nothing is waited for, except at the end.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// `None`: the file shall go.
    latest: BTreeMap<PathBuf, Option<String>>,
    problem: Option<String>,
    ends: bool,
}

impl Writer {
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        let thread = thread::Builder::new().name("desk".to_owned()).spawn(move || run(&mine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// This text shall be in that file.
    pub fn post_latest(&self, file: PathBuf, text: String) {
        self.shared.state.lock().latest.insert(file, Some(text));
        self.shared.changed.notify_one();
    }

    /// That file shall not be there.
    pub fn remove_latest(&self, file: PathBuf) {
        self.shared.state.lock().latest.insert(file, None);
        self.shared.changed.notify_one();
    }

    /// What is wrong with writing, now.
    pub fn problem(&self) -> Option<String> {
        self.shared.state.lock().problem.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.state.lock().ends = true;
        self.shared.changed.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the desk thread ended by panic");
        }
    }
}

fn run(shared: &Shared) {
    let mut state = shared.state.lock();
    // What could not be written: one file does not hold up the others.
    let mut failed: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    loop {
        // What is new is written before anything old is removed, and nothing is removed while something could not be written.
        let writes = state.latest.iter().find(|(_, text)| text.is_some()).map(|(file, _)| file.clone());
        let next = writes.or_else(|| state.latest.keys().next().filter(|_| failed.is_empty()).cloned());
        let Some((file, text)) = next.and_then(|file| state.latest.remove_entry(&file)) else {
            if state.ends {
                if !failed.is_empty() {
                    tracing::error!("{}", state.problem.as_deref().unwrap_or_default());
                }
                return;
            }
            if failed.is_empty() {
                shared.changed.wait(&mut state);
            } else {
                let _ = shared.changed.wait_for(&mut state, AGAIN_AFTER);
                for (file, text) in std::mem::take(&mut failed) {
                    // What came meanwhile is newer.
                    state.latest.entry(file).or_insert(text);
                }
            }
            continue;
        };
        // What could not be written before is older.
        failed.remove(&file);
        drop(state);
        let written = match &text {
            Some(text) => write_whole(&file, text),
            None => fs::remove_file(&file).or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) }),
        };
        state = shared.state.lock();
        match written {
            Ok(()) if failed.is_empty() => state.problem = None,
            Ok(()) => {}
            Err(source) => {
                let path = file.display();
                state.problem = Some(format!("{path} is not kept: {source}. Make room, or let this user write there; it is tried again"));
                failed.insert(file, text);
            }
        }
    }
}

/// The file has this text, or what it had before, whatever happens meanwhile.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = folder.join(name);
    let written = File::create(&beside).and_then(|mut f| {
        f.write_all(text.as_bytes())?;
        f.sync_all()?;
        fs::rename(&beside, file)?;
        // The folder names the file: it must reach the disk as well. Not every system can be asked for that.
        let _ = File::open(folder).and_then(|f| f.sync_all());
        Ok(())
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// The text of a file; `None` when there is none.
pub(super) fn read(file: &Path) -> Result<Option<String>, String> {
    match fs::metadata(file) {
        Ok(meta) if meta.len() > MOST_BYTES => return Err("it is larger than such a file can be".to_owned()),
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    }
    fs::read_to_string(file).map(Some).map_err(|e| e.to_string())
}

/// All `.toml` files of a folder by name, with their texts or why they cannot be read.
pub(super) fn read_folder(folder: &Path) -> Vec<(PathBuf, Result<String, String>)> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml") && f.is_file());
    files.sort();
    files.truncate(MOST_FILES);
    files.into_iter().map(|f| (f.clone(), read(&f).and_then(|text| text.ok_or_else(|| "it is gone".to_owned())))).collect()
}

/// Puts a file aside that is not understood, so that nothing overwrites it; where it is now.
pub(super) fn put_aside(file: &Path, why: &str) -> io::Result<PathBuf> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..10_000).map(|k| file.with_file_name(format!("{stem}.{why}-{k}.toml"))).find(|f| !f.exists());
    let aside = free.ok_or_else(|| io::Error::other("there are too many of them already"))?;
    fs::rename(file, &aside)?;
    Ok(aside)
}

/// The file for a thing of that name: the one that has it already, else a free one.
pub(super) fn file_for(folder: &Path, name: &str, taken: &[(String, PathBuf)]) -> PathBuf {
    if let Some((_, file)) = taken.iter().find(|(n, _)| n == name) {
        return file.clone();
    }
    let mut slug: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    slug.truncate(60);
    let slug = match slug.trim_matches('-') {
        "" => "unnamed",
        slug => slug,
    };
    let free = |f: &PathBuf| !f.exists() && taken.iter().all(|(_, t)| t != f);
    let numbered = std::iter::once(format!("{slug}.toml")).chain((2..10_000).map(|k| format!("{slug}-{k}.toml")));
    numbered.map(|n| folder.join(n)).find(free).unwrap_or_else(|| folder.join(format!("{slug}.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_text_is_in_the_file_and_nothing_is_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/er/list.toml");
        let writer = Writer::start().unwrap();
        for k in 0..50 {
            writer.post_latest(file.clone(), format!("n = {k}"));
        }
        drop(writer);
        assert_eq!(fs::read_to_string(&file).unwrap(), "n = 49");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told_and_written_later() {
        let dir = tempfile::tempdir().unwrap();
        // A file stands where the folder should be.
        let blocked = dir.path().join("desk");
        fs::write(&blocked, "x").unwrap();
        let file = blocked.join("list.toml");
        let writer = Writer::start().unwrap();
        writer.post_latest(file.clone(), "a = 1".to_owned());
        let begun = std::time::Instant::now();
        let told = loop {
            if let Some(problem) = writer.problem() {
                break problem;
            }
            assert!(begun.elapsed().as_secs() < 10);
            thread::sleep(Duration::from_millis(5));
        };
        assert!(told.contains("list.toml") && told.contains("Make room"), "{told}");
        fs::remove_file(&blocked).unwrap();
        drop(writer);
        assert_eq!(fs::read_to_string(&file).unwrap(), "a = 1");
    }

    #[test]
    fn a_file_that_cannot_be_written_holds_up_no_other_and_nothing_goes_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("a");
        fs::write(&blocked, "x").unwrap();
        let (other, old) = (dir.path().join("b.toml"), dir.path().join("old.toml"));
        fs::write(&old, "what it was").unwrap();
        let writer = Writer::start().unwrap();
        writer.post_latest(blocked.join("list.toml"), "a = 1".to_owned());
        writer.post_latest(other.clone(), "b = 1".to_owned());
        writer.remove_latest(old.clone());
        let begun = std::time::Instant::now();
        while !other.exists() || writer.problem().is_none() {
            assert!(begun.elapsed().as_secs() < 10);
            thread::sleep(Duration::from_millis(5));
        }
        drop(writer);
        assert_eq!(fs::read_to_string(&other).unwrap(), "b = 1");
        assert!(old.exists(), "its successor may be the one that was not written");
    }

    #[cfg(unix)]
    #[test]
    fn what_could_not_be_written_never_replaces_what_came_later() {
        let dir = tempfile::tempdir().unwrap();
        let (blocked, slow) = (dir.path().join("a"), dir.path().join("b.toml"));
        fs::write(&blocked, "x").unwrap();
        // A pipe stands where the other file is written: nobody gets on before it is read.
        let pipe = dir.path().join("b.toml.new");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let file = blocked.join("list.toml");
        let writer = Writer::start().unwrap();
        writer.post_latest(file.clone(), "old".to_owned());
        writer.post_latest(slow, "b = 1".to_owned());
        let begun = std::time::Instant::now();
        while writer.problem().is_none() {
            assert!(begun.elapsed().as_secs() < 10);
            thread::sleep(Duration::from_millis(5));
        }
        // The first has failed, and the second is being written.
        thread::sleep(Duration::from_millis(200));
        fs::remove_file(&blocked).unwrap();
        writer.post_latest(file.clone(), "new".to_owned());
        let read = thread::Builder::new().name("reads the pipe".to_owned()).spawn(move || fs::read(&pipe)).unwrap();
        let begun = std::time::Instant::now();
        while !file.exists() {
            assert!(begun.elapsed().as_secs() < 10);
            thread::sleep(Duration::from_millis(5));
        }
        drop(writer);
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        read.join().unwrap().ok();
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("playlist.toml");
        let mut aside = Vec::new();
        for text in ["one", "two"] {
            fs::write(&file, text).unwrap();
            aside.push(put_aside(&file, "unreadable").unwrap());
        }
        assert_eq!(aside.iter().map(|f| fs::read_to_string(f).unwrap()).collect::<Vec<_>>(), ["one", "two"]);
        let taken = [("Wide, close".to_owned(), dir.path().join("x.toml"))];
        assert_eq!(file_for(dir.path(), "Wide, close", &taken), dir.path().join("x.toml"));
        assert_eq!(file_for(dir.path(), "Ünter / ..", &taken), dir.path().join("nter.toml"));
        assert_eq!(file_for(dir.path(), "///", &taken), dir.path().join("unnamed.toml"));
        fs::write(dir.path().join("goal.toml"), "").unwrap();
        assert_eq!(file_for(dir.path(), "Goal", &taken), dir.path().join("goal-2.toml"));
    }
}
