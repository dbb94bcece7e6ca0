//! Files that appear under their name only when they are complete.
//!
//! A file is written as `.NAME.part` in the same folder, under an advisory lock so that two exports of one name do not
//! meet. A left-over of a killed process is not locked and is simply taken over. What appears under the name while it is being written is
//! replaced only where that was allowed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::OutputError;

/// Disks take names of 255 bytes, and `.NAME.EXT.json.part` is the longest that is written: that of the file `NAME.EXT` has so many bytes
/// more than its own.
const MOST_NAME_BYTES: usize = 244;
const MOST_SIDECAR_NAME_BYTES: usize = MOST_NAME_BYTES + ".json".len();

/// So often a temporary file is opened anew when another export published it meanwhile.
const TRIES: usize = 20;

/// A file under its temporary name; removed when dropped.
#[derive(Debug)]
pub(super) struct Staged {
    target: PathBuf,
    temporary: PathBuf,
    lock: File,
    overwrite: bool,
    published: bool,
}

/// Whether a file that was opened is (still) the one that its path names.
#[cfg(unix)]
fn is_the_one(opened: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |m: fs::Metadata| (m.dev(), m.ino());
    matches!((opened.metadata().map(of), fs::symlink_metadata(path).map(of)), (Ok(a), Ok(b)) if a == b)
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_the_one(_opened: &File, path: &Path) -> bool {
    path.exists()
}

impl Staged {
    /// Creates the temporary file beside `target`.
    pub(super) fn create(target: &Path, overwrite: bool) -> Result<Self, OutputError> {
        Self::create_named(target, overwrite, MOST_NAME_BYTES)
    }

    /// The same for the words beside a file.
    pub(super) fn create_sidecar(target: &Path, overwrite: bool) -> Result<Self, OutputError> {
        Self::create_named(target, overwrite, MOST_SIDECAR_NAME_BYTES)
    }

    fn create_named(target: &Path, overwrite: bool, most: usize) -> Result<Self, OutputError> {
        let Some(name) = target.file_name() else {
            return Err(OutputError::Extension { path: target.to_owned() });
        };
        if name.len() > most {
            return Err(OutputError::Name { path: target.to_owned(), bytes: name.len(), most });
        }
        let temporary = target.with_file_name(format!(".{}.part", name.to_string_lossy()));
        // Each time round somebody has published in between; a name that never is what was opened (a link) ends it.
        for _ in 0..TRIES {
            if target.is_dir() || (!overwrite && target.symlink_metadata().is_ok()) {
                return Err(OutputError::Exists { path: target.to_owned() });
            }
            let lock = Self::open(&temporary, target)?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OutputError::Busy { path: target.to_owned() }),
                // Some network disks know no locks: go on without.
                Err(TryLockError::Error(error)) => tracing::debug!(%error, "no file locks here"),
            }
            // Between opening and locking, whoever wrote it may have published it: then this is a finished file under another name.
            if !is_the_one(&lock, &temporary) {
                continue;
            }
            let staged = Self { target: target.to_owned(), temporary, lock, overwrite, published: false };
            staged.lock.set_len(0).map_err(|e| OutputError::io(target, e))?;
            return Ok(staged);
        }
        Err(OutputError::Busy { path: target.to_owned() })
    }

    fn open(temporary: &Path, target: &Path) -> Result<File, OutputError> {
        OpenOptions::new().create(true).write(true).truncate(false).open(temporary).map_err(|source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OutputError::DiskFull { path: target.to_owned() },
            _ => OutputError::Folder { folder: folder_of(target).to_owned(), source },
        })
    }

    /// Where to write.
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The final name.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Bytes now.
    pub(super) fn bytes(&self) -> u64 {
        self.lock.metadata().map_or(0, |m| m.len())
    }

    /// Waits until the bytes are on the disk.
    pub(super) fn sync(&self) -> Result<(), OutputError> {
        self.lock.sync_all().map_err(|e| OutputError::io(&self.target, e))
    }

    /// Gives the file its name. What appeared there meanwhile is replaced only where that was allowed.
    pub(super) fn publish(mut self) -> Result<PathBuf, OutputError> {
        give_name(&self.temporary, &self.target, self.overwrite)?;
        self.published = true;
        sync_folder(&self.target);
        Ok(self.target.clone())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.temporary)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(file = %self.temporary.display(), %error, "cannot remove the temporary file");
        }
    }
}

/// Gives a finished file its name; without `overwrite` only where nothing has that name.
pub(super) fn give_name(from: &Path, to: &Path, overwrite: bool) -> Result<(), OutputError> {
    let exists = || OutputError::Exists { path: to.to_owned() };
    if !overwrite {
        // A second name is refused where there is a file, a rename is not.
        match fs::hard_link(from, to) {
            Ok(()) => {
                // The file has its name: one name too many harms nobody.
                if let Err(error) = fs::remove_file(from) {
                    tracing::warn!(file = %from.display(), %error, "cannot remove the temporary name");
                }
                return Ok(());
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(exists()),
            // Some disks know no second names.
            Err(_) if to.symlink_metadata().is_ok() => return Err(exists()),
            Err(error) => tracing::debug!(%error, "no second names here"),
        }
    }
    fs::rename(from, to).map_err(|e| OutputError::io(to, e))
}

/// A file and the words about it get their names, or neither does. A file that replaced another one stays: the older one is gone already.
pub(super) fn publish_both(file: Staged, sidecar: Option<Staged>) -> Result<(PathBuf, Option<PathBuf>), OutputError> {
    let replaces = file.overwrite;
    let path = file.publish()?;
    match sidecar.map(Staged::publish).transpose() {
        Ok(sidecar) => Ok((path, sidecar)),
        Err(e) => {
            if !replaces && let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), %error, "cannot remove the file without its sidecar");
            }
            Err(e)
        }
    }
}

/// The folder of a file; `.` for a bare name.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes a rename durable. Not every file system can; then the rename is as durable as the system makes it.
pub(super) fn sync_folder(file: &Path) {
    if let Err(error) = File::open(folder_of(file)).and_then(|f| f.sync_all()) {
        tracing::debug!(%error, "cannot sync the folder");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.bin");
        let left = || fs::read_dir(dir.path()).unwrap().count();

        let staged = Staged::create(&target, false).unwrap();
        fs::write(staged.temporary(), b"half").unwrap();
        assert!(!target.exists());
        assert!(matches!(Staged::create(&target, false), Err(OutputError::Busy { .. })));
        drop(staged);
        assert_eq!(left(), 0);

        // The left-over of a killed process is taken over.
        fs::write(dir.path().join(".a.bin.part"), b"left over").unwrap();
        let staged = Staged::create(&target, false).unwrap();
        assert_eq!(staged.bytes(), 0);
        fs::write(staged.temporary(), b"whole").unwrap();
        staged.sync().unwrap();
        staged.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(left(), 1);

        assert!(matches!(Staged::create(&target, false), Err(OutputError::Exists { .. })));
        assert!(Staged::create(&target, true).is_ok());
        assert_eq!(fs::read(&target).unwrap(), b"whole", "kept until the new one is whole");
    }

    #[test]
    fn what_appears_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.bin");
        let staged = Staged::create(&target, false).unwrap();
        fs::write(staged.temporary(), b"mine").unwrap();
        fs::write(&target, b"somebody's").unwrap();
        assert!(matches!(staged.publish(), Err(OutputError::Exists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"somebody's");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // Where it was allowed, it is.
        let staged = Staged::create(&target, true).unwrap();
        fs::write(staged.temporary(), b"mine").unwrap();
        staged.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_published_is_not_taken_for_a_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let (part, target) = (dir.path().join(".a.bin.part"), dir.path().join("a.bin"));
        fs::write(&part, b"whole").unwrap();
        // Somebody opens it just before its owner gives it its name.
        let opened = OpenOptions::new().write(true).open(&part).unwrap();
        assert!(is_the_one(&opened, &part));
        give_name(&part, &target, false).unwrap();
        assert!(!is_the_one(&opened, &part), "it would be cut to nothing");
        fs::write(&part, b"another").unwrap();
        assert!(!is_the_one(&opened, &part));
        assert_eq!(fs::read(&target).unwrap(), b"whole");
    }

    #[test]
    fn a_file_without_its_words_does_not_stay() {
        let dir = tempfile::tempdir().unwrap();
        let [film, words] = ["a.mp4", "a.json"].map(|n| dir.path().join(n));
        for replaces in [false, true] {
            let (file, sidecar) = (Staged::create(&film, replaces).unwrap(), Staged::create_sidecar(&words, false).unwrap());
            fs::write(&words, b"somebody's").unwrap();
            assert!(publish_both(file, Some(sidecar)).is_err());
            assert_eq!(film.exists(), replaces);
            assert_eq!(fs::read(&words).unwrap(), b"somebody's");
            fs::remove_file(&words).unwrap();
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let e = Staged::create(Path::new("/nowhere/at/all.bin"), false).unwrap_err();
        assert!(e.to_string().contains("/nowhere/at"), "{e}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_temporary_file_is_an_error_and_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (target, other) = (dir.path().join("a.mp4"), dir.path().join("other"));
        fs::write(&other, "somebody's").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join(".a.mp4.part")).unwrap();
        assert!(matches!(Staged::create(&target, false), Err(OutputError::Busy { .. })));
        assert_eq!(fs::read(&other).unwrap(), b"somebody's");
    }
}
