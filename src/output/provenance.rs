//! What is real: a file set against its sidecar, and the sum of what its frames were made of.
//!
//! Three hashes hold a file and its words together: the sidecar names the file's SHA-256, its own words have one, and a video carries that
//! one in its comment. Who changes one of the two is found; who makes both anew is not: only a signature would tell that.

use std::path::{Path, PathBuf};

use super::{FrameReport, OutputError, Sidecar, sha256_of_file};

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hashed {
    /// Its name, beside the sidecar.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

impl Hashed {
    /// Of `file`, which will be called `name`.
    pub(super) fn of(file: &Path, name: &str) -> Result<Self, OutputError> {
        Ok(Self { name: name.to_owned(), sha256: sha256_of_file(file)? })
    }
}

/// All frames of a file together.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// Whether every frame shows one real camera's pixels and nothing else.
    pub real_pixels_only: bool,
    /// Frames that do.
    pub real_frames: u64,
    /// Mean share of pixels that are not one camera's real pixels, 0…1.
    pub synthesized_share: f64,
    /// The same of the frame that has most of it.
    pub most_synthesized_share: f64,
    /// The share of pixels that nobody saw, in the frame that has most of it.
    pub most_filled_share: f64,
    /// The cameras and their mean weight, heaviest first.
    pub cameras: Vec<(String, f64)>,
    /// The truth meter's lowest score of the gaps that were shown, dB; absent when none was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_gap_db: Option<f64>,
    /// The labels of the first and the last instant shown.
    pub timecodes: (String, String),
}

impl Summary {
    pub(super) fn of(frames: &[FrameReport]) -> Self {
        let n = frames.len().max(1) as f64;
        let mut cameras: Vec<(String, f64)> = vec![];
        for (camera, weight) in frames.iter().flat_map(|f| &f.sources) {
            let share = f64::from(*weight) / n;
            match cameras.iter_mut().find(|c| c.0 == *camera) {
                Some(known) => known.1 += share,
                None => cameras.push((camera.clone(), share)),
            }
        }
        cameras.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let most = |share: fn(&FrameReport) -> f32| frames.iter().map(|f| f64::from(share(f))).fold(0.0, f64::max);
        let real_frames = frames.iter().filter(|f| f.real_pixels).count() as u64;
        let label = |frame: Option<&FrameReport>| frame.map_or_else(String::new, |f| f.timecode.clone());
        Self {
            real_pixels_only: !frames.is_empty() && real_frames == frames.len() as u64,
            real_frames,
            synthesized_share: frames.iter().map(|f| f64::from(f.synthesized_share)).sum::<f64>() / n,
            most_synthesized_share: most(|f| f.synthesized_share),
            most_filled_share: most(|f| f.filled_share),
            cameras,
            worst_gap_db: frames.iter().filter_map(|f| f.gap_db).reduce(f64::min),
            timecodes: (label(frames.first()), label(frames.last())),
        }
    }

    /// In one line, for people.
    pub fn line(&self, frames: usize) -> String {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let real = if self.real_pixels_only {
            format!("real pixels only, all {frames} frames")
        } else {
            format!(
                "{} of pixels synthesized (at most {}), at most {} seen by nobody; {} of {frames} frames are one camera's real pixels",
                percent(self.synthesized_share),
                percent(self.most_synthesized_share),
                percent(self.most_filled_share),
                self.real_frames
            )
        };
        let cameras = self.cameras.iter().take(6).map(|(c, w)| format!("{c} {}", percent(*w))).collect::<Vec<_>>().join(", ");
        let more = if self.cameras.len() > 6 { format!(" and {} more", self.cameras.len() - 6) } else { String::new() };
        let truth = self.worst_gap_db.map_or_else(|| "not measured".to_owned(), |db| format!("{db:.1} dB at worst"));
        format!("{real}; cameras {cameras}{more}; truth meter {truth}; house time {} to {}", self.timecodes.0, self.timecodes.1)
    }
}

/// What stands before the hash in a video's comment.
const MARK: &str = "sidecar sha256:";

impl Sidecar {
    /// What a video carries in its comment.
    #[cfg(feature = "gstreamer")]
    pub(super) fn comment(&self) -> String {
        let graphics = &self.header.graphics;
        let drawn = if graphics.is_empty() { String::new() } else { format!("; graphics added: {}", graphics.join(", ")) };
        format!("{}: {}{drawn}; {MARK}{}", self.made_by, self.summary.line(self.frames.len()), self.words_sha256)
    }

    /// Reads one.
    pub fn read(file: &Path) -> Result<Self, OutputError> {
        let bytes = std::fs::read(file).map_err(|source| OutputError::Read { path: file.to_owned(), source })?;
        serde_json::from_slice(&bytes).map_err(|e| untrue(file, format!("it is no sidecar of this program ({e})")))
    }
}

fn untrue(path: &Path, problem: String) -> OutputError {
    OutputError::Untrue { path: path.to_owned(), problem }
}

/// Sets a written file, a picture of a sequence, or a sidecar with all its files against the sidecar; the sidecar, and where it lies.
pub fn check(file: &Path) -> Result<(Sidecar, PathBuf), OutputError> {
    let is_sidecar = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let place = if is_sidecar { file.to_owned() } else { sidecar_of(file)? };
    let sidecar = Sidecar::read(&place)?;
    if sidecar.words_sha256.is_empty() {
        return Err(untrue(&place, "it has no hashes: an older version wrote it".to_owned()));
    }
    if sidecar.hash_of_words() != sidecar.words_sha256 {
        return Err(untrue(&place, "its words were changed after it was written".to_owned()));
    }
    if sidecar.summary != Summary::of(&sidecar.frames) {
        return Err(untrue(&place, "its summary is not that of its frames".to_owned()));
    }
    // The list of files is not among the hashed words: an entry that was taken out must not hide a picture.
    let is_page = sidecar.files.first().is_some_and(|f| f.name.to_lowercase().ends_with(".html"));
    let is_sequence = matches!(sidecar.codec.as_str(), "png" | "jpeg" | "exr") && !is_page;
    let wanted = if is_sequence { sidecar.frames.len() } else { 1 };
    let names: std::collections::BTreeSet<&str> = sidecar.files.iter().map(|f| f.name.as_str()).collect();
    if names.len() != wanted || sidecar.files.len() != wanted {
        return Err(untrue(&place, format!("it lists {} files where it was written with {wanted}", sidecar.files.len())));
    }
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    for listed in sidecar.files.iter().filter(|f| is_sidecar || f.name == name) {
        let path = place.with_file_name(&listed.name);
        if sha256_of_file(&path)? != listed.sha256 {
            return Err(untrue(&path, "its bytes are not those that were written".to_owned()));
        }
        if matches!(sidecar.codec.as_str(), "png" | "jpeg" | "exr" | "webp" | "gif" | "avif" | "dnxhr") {
            continue;
        }
        if comment_hash(&path)?.as_ref() != Some(&sidecar.words_sha256) {
            return Err(untrue(&place, format!("it is not the sidecar that {} was written with", listed.name)));
        }
    }
    Ok((sidecar, place))
}

/// Whether there is a sidecar that lists the file.
pub fn has_sidecar(file: &Path) -> bool {
    sidecar_of(file).is_ok()
}

/// The sidecar that lists the file.
fn sidecar_of(file: &Path) -> Result<PathBuf, OutputError> {
    if !file.exists() {
        return Err(OutputError::Read { path: file.to_owned(), source: std::io::ErrorKind::NotFound.into() });
    }
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let lists = |place: &Path| Sidecar::read(place).is_ok_and(|s| s.files.iter().any(|f| f.name == name));
    let [beside, own] = Sidecar::paths_for(file);
    if let Some(found) = [&own, &beside].into_iter().find(|place| place.exists() && lists(place)) {
        return Ok(found.clone());
    }
    // A picture of a sequence: NAME_0007.png belongs to NAME.json.
    let stem = file.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['_', '-', '.']);
    let of_all = file.with_file_name(format!("{}.json", if stem.is_empty() { "sequence" } else { stem }));
    if lists(&of_all) {
        return Ok(of_all);
    }
    // Names of sequences are as free as their patterns.
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside_it = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut sidecars = beside_it.filter(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")));
    if let Some(found) = sidecars.find(|place| lists(place)) {
        return Ok(found);
    }
    let problem = format!("no sidecar lists it ({} would). Was it renamed, or written with --no-sidecar?", beside.display());
    Err(untrue(file, problem))
}

/// The hash in the comment of a video: its text stands in the file as it is.
fn comment_hash(file: &Path) -> Result<Option<String>, OutputError> {
    use std::io::Read as _;
    let read = |source| OutputError::Read { path: file.to_owned(), source };
    let mut from = std::fs::File::open(file).map_err(read)?;
    let (mut held, mut part) = (Vec::new(), vec![0; 1 << 20]);
    let length = MARK.len() + 64;
    loop {
        let n = from.read(&mut part).map_err(read)?;
        held.extend_from_slice(&part[..n]);
        let found = held.windows(length).find(|w| w.starts_with(MARK.as_bytes())).and_then(|w| std::str::from_utf8(&w[MARK.len()..]).ok());
        if let Some(hash) = found {
            return Ok(Some(hash.to_owned()));
        }
        if n == 0 {
            return Ok(None);
        }
        held.drain(..held.len().saturating_sub(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(camera: &str, share: f32, real: bool) -> FrameReport {
        FrameReport {
            sources: vec![(camera.to_owned(), 0.75), ("b".to_owned(), 0.25)],
            synthesized_share: share,
            real_pixels: real,
            gap_db: Some(30.0 + f64::from(share)),
            ..FrameReport::default()
        }
    }

    #[test]
    fn frames_are_summed_up() {
        let sum = Summary::of(&[frame("a", 0.5, false), frame("c", 0.0, true)]);
        assert!(!sum.real_pixels_only && sum.real_frames == 1);
        assert_eq!((sum.synthesized_share, sum.most_synthesized_share, sum.worst_gap_db), (0.25, 0.5, Some(30.0)));
        assert_eq!(sum.cameras, [("a".to_owned(), 0.375), ("c".to_owned(), 0.375), ("b".to_owned(), 0.25)]);
        assert!(Summary::of(&[frame("a", 0.0, true)]).real_pixels_only && !Summary::of(&[]).real_pixels_only);
    }

    #[test]
    fn a_comment_is_found_wherever_it_stands() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let hash = "0123456789abcdef".repeat(4);
        for at in [0, 1000, (1 << 20) - 20, (1 << 20) + 5] {
            std::fs::write(&file, [vec![7; at], format!("{MARK}{hash}").into_bytes(), vec![7; 300]].concat()).unwrap();
            assert_eq!(comment_hash(&file).unwrap().as_ref(), Some(&hash), "{at}");
        }
        std::fs::write(&file, "nothing").unwrap();
        assert_eq!(comment_hash(&file).unwrap(), None);
    }
}
