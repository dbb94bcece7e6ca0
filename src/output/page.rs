//! The orbit as a page: one HTML file with all pictures in it, which any browser plays and lets its reader drag around the athlete,
//! from a disk, without a server.
//!
//! The sidecar's words stand in the page as well: it says of every picture what it was made of. Must not know: how pictures were made.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    Codec, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, Sidecar, check_size,
    provenance::Hashed,
    staging::{Staged, publish_both},
};
use crate::frame::Picture;

const HEAD: &str = include_str!("../../assets/page/head.html");
const TAIL: &str = include_str!("../../assets/page/tail.html");
/// What stands around the pictures and around their words.
const PICTURES_END: &str = "];\n</script>\n";
const MANIFEST: &str = "<script id=\"manifest\" type=\"application/json\">\n";
const MANIFEST_END: &str = "\n</script>\n";
/// JPEG quality: no blocks are seen, at a tenth of a PNG.
const QUALITY: u8 = 88;
/// More makes no browser happy, bytes.
const MOST_BYTES: u64 = 400_000_000;

/// A page that is being written.
pub(super) struct Page {
    spec: OutputSpec,
    staged: Staged,
    words: Option<Staged>,
    file: BufWriter<File>,
    bytes: u64,
    written: Vec<FrameReport>,
    /// Pictures that wait to be coded on all cores together; bounded by the number of cores.
    waiting: Vec<Picture>,
}

impl Page {
    pub(super) fn open(spec: OutputSpec) -> Result<Self, OutputError> {
        let staged = Staged::create(&spec.path, spec.overwrite)?;
        let words = Sidecar::reserve_for(&spec)?;
        let mut file = BufWriter::new(File::create(staged.temporary()).map_err(|e| OutputError::io(&spec.path, e))?);
        file.write_all(HEAD.as_bytes()).map_err(|e| OutputError::io(&spec.path, e))?;
        Ok(Self { spec, staged, words, file, bytes: 0, written: Vec::new(), waiting: Vec::new() })
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let coded: Option<Vec<String>> = self.waiting.par_iter().map(|p| Some(STANDARD.encode(p.to_jpeg(QUALITY)?))).collect();
        self.waiting.clear();
        let too_large = || OutputError::Page {
            path: self.spec.path.clone(),
            problem: "a picture is too large for JPEG. Choose a smaller --size".to_owned(),
        };
        for picture in coded.ok_or_else(too_large)? {
            self.bytes += picture.len() as u64;
            if self.bytes > MOST_BYTES {
                let problem = format!(
                    "its pictures take more than {} MB. Choose a smaller --size, a lower --rate or a shorter move",
                    MOST_BYTES / 1_000_000
                );
                return Err(OutputError::Page { path: self.spec.path.clone(), problem });
            }
            writeln!(self.file, "\"{picture}\",").map_err(|e| OutputError::io(&self.spec.path, e))?;
        }
        Ok(())
    }

    /// Reads the pictures back: how many there are.
    fn verify(&self) -> Result<u64, OutputError> {
        let wrong = |problem: String| OutputError::Verify { path: self.spec.path.clone(), problem };
        let file = File::open(self.staged.temporary()).map_err(|e| OutputError::io(&self.spec.path, e))?;
        let mut frames = 0;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|e| OutputError::io(&self.spec.path, e))?;
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            let Some(coded) = line.strip_prefix('"').and_then(|line| line.strip_suffix("\",")) else { continue };
            let jpeg = STANDARD.decode(coded).map_err(|e| wrong(format!("picture {frames}: {e}")))?;
            let back = Picture::from_jpeg(&jpeg, 16384).ok_or_else(|| wrong(format!("picture {frames} is no JPEG")))?;
            if (back.width(), back.height()) != (self.spec.width_px, self.spec.height_px) {
                return Err(wrong(format!("picture {frames} has {}×{} px", back.width(), back.height())));
            }
            frames += 1;
        }
        if frames == self.written.len() as u64 {
            Ok(frames)
        } else {
            Err(wrong(format!("{frames} of {} pictures are there", self.written.len())))
        }
    }
}

/// JSON inside of a page: it must not end the script that it stands in.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

impl FrameSink for Page {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        if self.spec.cancel.is_cancelled() {
            return Err(OutputError::Cancelled);
        }
        check_size(&self.spec, picture)?;
        let index = self.written.len() as u64;
        self.waiting.push(picture.clone());
        self.written.push(report.numbered(index, self.spec.rate));
        if self.waiting.len() >= rayon::current_num_threads() { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        self.flush()?;
        let header = self.spec.sidecar.clone().unwrap_or_default();
        let name = self.spec.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut manifest = Sidecar::new(&self.spec, Codec::Jpeg, &name, &header, self.written.clone());
        let io = |e: std::io::Error| OutputError::io(&self.spec.path, e);
        // The page is the same each time; what it took stands in the sidecar.
        let bare = Sidecar { energy: crate::telemetry::Energy::default(), ..manifest.clone() };
        let json = serde_json::to_string(&bare).map_err(|e| io(std::io::Error::other(e)))?;
        for part in [PICTURES_END, MANIFEST, &embedded(&json), MANIFEST_END, TAIL] {
            self.file.write_all(part.as_bytes()).map_err(io)?;
        }
        self.file.flush().map_err(io)?;
        self.staged.sync()?;
        let frames = self.verify()?;
        let bytes = self.file.get_ref().metadata().map_err(io)?.len();
        if let Some(words) = &self.words {
            manifest.files = vec![Hashed::of(self.staged.temporary(), &name)?];
            manifest.write_to(words)?;
        }
        let Self { staged, words, .. } = *self;
        let (path, sidecar) = publish_both(staged, words)?;
        Ok(OutputSummary { path, sidecar, frames, bytes })
    }

    fn cancel(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_end_the_script_that_they_stand_in() {
        let json = embedded(r#"{"path":"</script><script>alert(1)"}"#);
        assert!(!json.contains('<'));
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["path"], "</script><script>alert(1)");
    }

    #[test]
    fn a_page_asks_for_nothing_outside_of_it() {
        for part in [HEAD, TAIL] {
            assert!(!part.contains("http://") && !part.contains("https://") && !part.contains("src=\""), "{part}");
        }
        assert!(HEAD.contains("default-src 'none'") && HEAD.ends_with("const PICTURES = [\n"));
    }
}
