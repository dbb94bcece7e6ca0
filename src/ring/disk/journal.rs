//! What must survive beside the pictures: when house time began, and the marks. One JSON value per line, appended and handed to the
//! system at once; a torn last line is what a crash leaves, and is passed over.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::time::MediaTime;

/// The journal's name in the recording folder.
pub(super) const FILE_NAME: &str = "journal.jsonl";
/// A journal is never longer than this; what is longer was not written by this program.
const MAX_BYTES: u64 = 64 << 20;

/// A range of time that is kept, with what its owner wants to know of it later.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// The owner's identity for it.
    pub id: u64,
    /// From, house time.
    pub from: MediaTime,
    /// Until, house time.
    pub until: MediaTime,
    /// The owner's own words.
    pub data: serde_json::Value,
    /// What to add to times in `data`, nanoseconds: they are of a session that began before its folder could be used, and the
    /// owner's identity in them is another one than `id`. 0 otherwise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shift_nanos: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(nanos: &i64) -> bool {
    *nanos == 0
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The wall clock at house time zero, nanoseconds since 1970 (UTC).
    Epoch { unix_nanos: i64 },
    /// A session began.
    Session { unix_nanos: i64, house_nanos: i64 },
    /// A range is kept, or kept with other words.
    Keep(Kept),
    /// It is not kept any more.
    Forget { id: u64 },
}

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub epoch_unix_nanos: Option<i64>,
    pub kept: BTreeMap<u64, Kept>,
    /// Lines that could not be read.
    pub torn: usize,
    pub sessions: usize,
}

/// Opening a pipe or a device of that name could wait forever.
pub(super) fn plain_or_absent(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(is) if !is.is_file() => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path:?} is not a file; remove it"))),
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Reads what is there; a journal that is not there is empty.
pub(super) fn read(folder: &Path) -> io::Result<Past> {
    let mut past = Past::default();
    let mut bytes = Vec::new();
    let path = folder.join(FILE_NAME);
    plain_or_absent(&path)?;
    match File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(past),
        Err(e) => return Err(e),
    };
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(Line::Epoch { unix_nanos }) => {
                past.epoch_unix_nanos.get_or_insert(unix_nanos);
            }
            Ok(Line::Session { .. }) => past.sessions += 1,
            Ok(Line::Keep(kept)) => {
                past.kept.insert(kept.id, kept);
            }
            Ok(Line::Forget { id }) => {
                past.kept.remove(&id);
            }
            Err(_) => past.torn += 1,
        }
    }
    Ok(past)
}

/// The journal being written.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE_NAME);
        plain_or_absent(&path)?;
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
        // After a torn line, the next one begins on its own.
        if file.metadata()?.len() > 0 {
            file.write_all(b"\n")?;
        }
        Ok(Self { file, path })
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }

    pub(super) fn epoch(&mut self, unix_nanos: i64) -> io::Result<()> {
        self.append(&Line::Epoch { unix_nanos })
    }

    pub(super) fn session(&mut self, unix_nanos: i64, house_nanos: i64) -> io::Result<()> {
        self.append(&Line::Session { unix_nanos, house_nanos })
    }

    pub(super) fn keep(&mut self, kept: &Kept) -> io::Result<()> {
        self.append(&Line::Keep(kept.clone()))
    }

    pub(super) fn forget(&mut self, id: u64) -> io::Result<()> {
        self.append(&Line::Forget { id })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
