//! Numbered PNG, JPEG or EXR files.
//!
//! The files are written into a hidden folder beside their place, read back, and only then moved there.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, Sidecar, check_size, container_and_codec, exr,
    provenance::Hashed,
    staging::{Staged, folder_of, give_name, sync_folder},
};
use crate::frame::Picture;

/// `NAME_%04d.png`, `NAME_####.png` or `NAME.png` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    before: String,
    digits: usize,
    after: String,
}

impl Pattern {
    fn of(name: &str) -> Self {
        let new = |before: &str, digits: usize, after: &str| Self { before: before.to_owned(), digits, after: after.to_owned() };
        if let Some((before, rest)) = name.split_once('%')
            && let Some((digits, after)) = rest.split_once('d')
            && (digits.is_empty() || (digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit())))
        {
            return new(before, digits.parse().unwrap_or(1).clamp(1, 12), after);
        }
        if let Some(start) = name.find('#') {
            let digits = name[start..].bytes().take_while(|b| *b == b'#').count();
            return new(&name[..start], digits.min(12), &name[start + digits..]);
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "png"));
        new(&format!("{stem}_"), 4, &format!(".{extension}"))
    }

    fn name(&self, index: u64) -> String {
        format!("{}{index:0width$}{}", self.before, self.after, width = self.digits)
    }

    /// Whether it is the name of one of its pictures.
    fn is_one(&self, name: &str) -> bool {
        let number = name.strip_prefix(&self.before).and_then(|rest| rest.strip_suffix(&self.after));
        number.and_then(|n| n.parse().ok()).is_some_and(|index| self.name(index) == name)
    }

    /// The name without its number.
    fn stem(&self) -> String {
        let stem = self.before.trim_end_matches(['_', '-', '.']);
        if stem.is_empty() { "sequence".to_owned() } else { stem.to_owned() }
    }
}

/// A hidden folder, removed with all that is in it when dropped.
#[derive(Debug)]
struct HiddenFolder {
    path: PathBuf,
    _lock: File,
}

impl HiddenFolder {
    fn create(path: PathBuf, target: &Path) -> Result<Self, OutputError> {
        let cannot = |source: std::io::Error| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OutputError::DiskFull { path: target.to_owned() },
            _ => OutputError::Folder { folder: folder_of(target).to_owned(), source },
        };
        match fs::create_dir(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(cannot(e)),
        }
        let lock = File::create(path.join("lock")).map_err(cannot)?;
        if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(OutputError::Busy { path: target.to_owned() });
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for HiddenFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "cannot remove the temporary folder");
        }
    }
}

fn is_exr(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("exr"))
}

/// Numbered picture files.
#[derive(Debug)]
pub(super) struct Sequence {
    spec: OutputSpec,
    pattern: Pattern,
    folder: PathBuf,
    hidden: HiddenFolder,
    /// The place of the words about them.
    words: Option<Staged>,
    written: Vec<FrameReport>,
    /// Pictures that wait to be coded on all cores together; bounded by the number of cores.
    waiting: Vec<(PathBuf, Picture)>,
}

impl Sequence {
    pub(super) fn open(spec: OutputSpec) -> Result<Self, OutputError> {
        let name = spec.path.file_name().ok_or_else(|| OutputError::Extension { path: spec.path.clone() })?.to_string_lossy();
        let pattern = Pattern::of(&name);
        let folder = folder_of(&spec.path).to_owned();
        // Any picture of that name: what an older sequence left would play as part of this one.
        let there = || fs::read_dir(&folder).into_iter().flatten().flatten();
        let is_one = |e: &fs::DirEntry| pattern.is_one(&e.file_name().to_string_lossy());
        if !spec.overwrite
            && let Some(older) = there().filter(is_one).map(|e| e.path()).min()
        {
            return Err(OutputError::Exists { path: older });
        }
        let hidden = HiddenFolder::create(folder.join(format!(".{}.part", pattern.stem())), &spec.path)?;
        let ending = spec.path.extension().unwrap_or_default().to_string_lossy();
        let places = [format!("{}.json", pattern.stem()), format!("{}.{ending}.json", pattern.stem())].map(|name| folder.join(name));
        let words = spec.sidecar.is_some().then(|| Sidecar::reserve(&places, &pattern.name(0), spec.overwrite)).transpose()?;
        Ok(Self { spec, pattern, folder, hidden, words, written: vec![], waiting: vec![] })
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let saved = self
            .waiting
            .par_iter()
            .try_for_each(|(path, picture)| {
                if is_exr(path) {
                    let write = std::fs::write(path, exr::coded(picture));
                    write.map_err(|e| crate::frame::PictureError::Write { path: path.clone(), source: image::ImageError::IoError(e) })?;
                } else {
                    picture.save(path)?;
                }
                // Durable before it gets its name.
                let sync = File::open(path).and_then(|f| f.sync_all());
                sync.map_err(|e| crate::frame::PictureError::Write { path: path.clone(), source: image::ImageError::IoError(e) })
            })
            .map_err(|e| match OutputError::picture(e) {
                // Name the file that the user asked for, not its temporary place.
                OutputError::DiskFull { .. } => OutputError::DiskFull { path: self.spec.path.clone() },
                OutputError::Io { source, .. } => OutputError::Io { path: self.spec.path.clone(), source },
                other => other,
            });
        self.waiting.clear();
        saved
    }

    /// Each picture says of itself what it was made of.
    fn sign(&self) -> Result<(), OutputError> {
        let Some((header, credentials)) = self.spec.sidecar.as_ref().and_then(|h| h.credentials.as_ref().map(|c| (h, c))) else {
            return Ok(());
        };
        let codec = container_and_codec(&self.spec.path, self.spec.codec)?.1;
        let sidecar = Sidecar::new(&self.spec, codec, &self.pattern.name(0), header, self.written.clone());
        self.written.par_iter().try_for_each(|report| {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            let name = self.pattern.name(report.index);
            let file = self.hidden.path.join(&name);
            credentials.sign(&file, &self.folder.join(&name), &sidecar, std::slice::from_ref(report))?;
            File::open(&file).and_then(|f| f.sync_all()).map_err(|e| OutputError::io(&self.spec.path, e))
        })
    }

    fn verify(&self) -> Result<u64, OutputError> {
        let wrong = |problem: String| OutputError::Verify { path: self.spec.path.clone(), problem };
        self.written
            .par_iter()
            .map(|report| {
                if self.spec.cancel.is_cancelled() {
                    return Err(OutputError::Cancelled);
                }
                let file = self.hidden.path.join(self.pattern.name(report.index));
                let bytes = fs::metadata(&file).map_err(|e| OutputError::io(&file, e))?.len();
                if is_exr(&file) {
                    // There is nothing packed in it that could be read back wrong: its length says whether it is whole.
                    let (w, h) = (u64::from(self.spec.width_px), u64::from(self.spec.height_px));
                    let pixels = h * (16 + w * 6);
                    let is_whole = (pixels + 200..pixels + 400).contains(&bytes);
                    return if is_whole { Ok(bytes) } else { Err(wrong(format!("frame {} has {bytes} bytes", report.index))) };
                }
                let back = Picture::load(&file).map_err(|e| wrong(format!("frame {}: {e}", report.index)))?;
                if (back.width(), back.height()) != (self.spec.width_px, self.spec.height_px) {
                    return Err(wrong(format!("frame {} has {}×{} px", report.index, back.width(), back.height())));
                }
                Ok(bytes)
            })
            .sum()
    }
}

impl FrameSink for Sequence {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        if self.spec.cancel.is_cancelled() {
            return Err(OutputError::Cancelled);
        }
        check_size(&self.spec, picture)?;
        let index = self.written.len() as u64;
        self.waiting.push((self.hidden.path.join(self.pattern.name(index)), picture.clone()));
        self.written.push(report.numbered(index, self.spec.rate));
        if self.waiting.len() >= rayon::current_num_threads() { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        self.flush()?;
        self.sign()?;
        let bytes = self.verify()?;
        let first = self.folder.join(self.pattern.name(0));
        let frames = self.written.len() as u64;
        if let (Some(header), Some(words)) = (&self.spec.sidecar, &self.words) {
            let codec = container_and_codec(&self.spec.path, self.spec.codec)?.1;
            let mut sidecar = Sidecar::new(&self.spec, codec, &self.pattern.name(0), header, std::mem::take(&mut self.written));
            let names: Vec<String> = (0..frames).map(|index| self.pattern.name(index)).collect();
            sidecar.files =
                names.par_iter().map(|name| Hashed::of(&self.hidden.path.join(name), name)).collect::<Result<_, OutputError>>()?;
            sidecar.write_to(words)?;
        }
        let mut moved: Vec<PathBuf> = vec![];
        // Best effort: the error that matters is the first.
        let take_back = |moved: &[PathBuf]| moved.iter().for_each(|file| drop(fs::remove_file(file)));
        for index in 0..frames {
            let name = self.pattern.name(index);
            let to = self.folder.join(&name);
            if let Err(e) = give_name(&self.hidden.path.join(&name), &to, self.spec.overwrite) {
                take_back(&moved);
                return Err(e);
            }
            moved.push(to);
        }
        if self.spec.overwrite {
            // What an older, longer sequence left behind its new end would play as part of this one.
            for index in frames.. {
                if fs::remove_file(self.folder.join(self.pattern.name(index))).is_err() {
                    break;
                }
            }
        }
        sync_folder(&first);
        let sidecar = self.words.take().map(Staged::publish).transpose().inspect_err(|_| {
            if !self.spec.overwrite {
                take_back(&moved);
            }
        })?;
        Ok(OutputSummary { path: first, sidecar, frames, bytes })
    }

    fn cancel(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_marks() {
        let name = |pattern: &str| Pattern::of(pattern).name(7);
        assert_eq!(name("a_%04d.png"), "a_0007.png");
        assert_eq!(name("a%d.jpg"), "a7.jpg");
        assert_eq!(name("a.######.png"), "a.000007.png");
        assert_eq!(name("a.png"), "a_0007.png");
        assert_eq!(name("100%.png"), "100%_0007.png");
        assert_eq!(Pattern::of("%04d.png").stem(), "sequence");
        let pattern = Pattern::of("a_%04d.png");
        assert!(["a_0000.png", "a_0500.png", "a_12345.png"].iter().all(|n| pattern.is_one(n)));
        assert!(["a_500.png", "a_0500.jpg", "a_.png", "a_0x00.png", "b_0500.png"].iter().all(|n| !pattern.is_one(n)));
        assert_eq!(Pattern::of("a_%04d.png").stem(), "a");
    }
}
