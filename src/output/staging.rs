//! Files that appear under their name only when they are complete.
//!
//! A file is written as `.NAME.part` in the same folder, under an advisory lock so that two exports of one name do not
//! meet. A left-over of a killed process is not locked and is simply taken over.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::OutputError;

/// Disks take names of 255 bytes, and `.NAME.json.part` is the longest that is written.
const MOST_NAME_BYTES: usize = 244;

/// A file under its temporary name; removed when dropped.
#[derive(Debug)]
pub(super) struct Staged {
    target: PathBuf,
    temporary: PathBuf,
    lock: File,
    published: bool,
}

impl Staged {
    /// Creates the temporary file beside `target`.
    pub(super) fn create(target: &Path, overwrite: bool) -> Result<Self, OutputError> {
        let Some(name) = target.file_name() else {
            return Err(OutputError::Extension { path: target.to_owned() });
        };
        if name.len() > MOST_NAME_BYTES {
            return Err(OutputError::Name { path: target.to_owned(), bytes: name.len(), most: MOST_NAME_BYTES });
        }
        if target.is_dir() || (!overwrite && target.symlink_metadata().is_ok()) {
            return Err(OutputError::Exists { path: target.to_owned() });
        }
        let temporary = target.with_file_name(format!(".{}.part", name.to_string_lossy()));
        let lock = OpenOptions::new().create(true).write(true).truncate(false).open(&temporary).map_err(|source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OutputError::DiskFull { path: target.to_owned() },
            _ => OutputError::Folder { folder: folder_of(target).to_owned(), source },
        })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OutputError::Busy { path: target.to_owned() }),
            // Some network disks know no locks: go on without.
            Err(TryLockError::Error(error)) => tracing::debug!(%error, "no file locks here"),
        }
        let staged = Self { target: target.to_owned(), temporary, lock, published: false };
        staged.lock.set_len(0).map_err(|e| OutputError::io(target, e))?;
        Ok(staged)
    }

    /// Where to write.
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The final name.
    #[cfg(feature = "gstreamer")]
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

    /// Gives the file its name.
    pub(super) fn publish(mut self) -> Result<PathBuf, OutputError> {
        fs::rename(&self.temporary, &self.target).map_err(|e| OutputError::io(&self.target, e))?;
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
    fn a_missing_folder_is_named() {
        let e = Staged::create(Path::new("/nowhere/at/all.bin"), false).unwrap_err();
        assert!(e.to_string().contains("/nowhere/at"), "{e}");
    }
}
