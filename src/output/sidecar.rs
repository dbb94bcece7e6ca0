//! The sidecar: a JSON file that says what every frame was made of. For officials, for archives, for bug reports.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{
    Codec, OutputError, OutputSpec, OutputSummary,
    digest::sha256_of_bytes,
    program::Timecode,
    provenance::{Hashed, Summary},
    staging::Staged,
};
use crate::{
    telemetry::{Energy, EnergyMeter},
    time::{FrameRate, MediaTime},
};

/// Version of the sidecar's layout.
pub const SIDECAR_VERSION: u32 = 2;

/// What one frame was made of.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FrameReport {
    /// Number of the frame, from 0.
    pub index: u64,
    /// The instant that it shows, nanoseconds on the house clock.
    pub instant_nanos: MediaTime,
    /// The same as a label: time of day of the house clock, frames at the file's rate. Whoever writes the frame fills it in.
    #[serde(default)]
    pub timecode: String,
    /// Fractional camera index on the arc.
    pub position: f64,
    /// How it was rendered.
    pub mode: String,
    /// (camera, weight 0…1), heaviest first.
    pub sources: Vec<(String, f32)>,
    /// When each of the sources took its frame, nanoseconds on the house clock.
    #[serde(default)]
    pub source_nanos: Vec<MediaTime>,
    /// Every pixel is one real camera's, of one real frame: turned as a whole towards the virtual camera, but neither mixed nor made up.
    #[serde(default)]
    pub real_pixels: bool,
    /// Share of pixels that are not one camera's real pixels, 0…1.
    pub synthesized_share: f32,
    /// Share of pixels that no camera saw and that were filled, 0…1.
    pub filled_share: f32,
    /// The rung of the fallback ladder that the frame's gap was on: `synthesis`, `soft_fade` or `cut`; empty when the export
    /// followed no ladder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rung: String,
    /// Why it was on that rung: `score`, `estimate`, `operator` or `real_pixels_only`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rung_reason: String,
    /// The leave-one-out score of the frame's gap, dB; absent when it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_db: Option<f64>,
}

impl FrameReport {
    /// The same as frame `index` of a file of that rate.
    pub(super) fn numbered(&self, index: u64, rate: FrameRate) -> Self {
        let of_day = self.instant_nanos.nanos().rem_euclid(DAY_NANOS) as u64;
        Self { index, timecode: Timecode::of_frame(Timecode::frame_at(of_day, rate), rate).to_string(), ..self.clone() }
    }
}

const DAY_NANOS: i64 = 24 * 3600 * 1_000_000_000;

/// What holds for the whole file.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SidecarHeader {
    /// The instant of the mark, nanoseconds on the house clock.
    pub mark_nanos: MediaTime,
    /// Name of the path.
    pub path: String,
    /// Names of the rig's cameras, in the rig's order.
    pub cameras: Vec<String>,
    /// (camera, why) of cameras that gave no honest frame.
    pub left_out: Vec<(String, String)>,
    /// Cameras whose picture at the mark was interpolated between two of their frames: no camera made it.
    #[serde(default)]
    pub retimed: Vec<String>,
    /// Graphics that were drawn into the scene or on top of it, by name: no camera saw them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graphics: Vec<String>,
    /// Other instants whose movement is in the same pictures, nanoseconds on the house clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<MediaTime>,
    /// The GPU that rendered.
    pub gpu: String,
    /// Counts what the export takes; the sidecar's `energy` is what it says at the end.
    #[serde(skip)]
    pub meter: Option<EnergyMeter>,
}

/// The whole sidecar.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sidecar {
    /// [`SIDECAR_VERSION`].
    pub version: u32,
    /// The program and its version.
    pub made_by: String,
    /// File name of the pictures (of the first, in a sequence).
    pub file: String,
    /// Pixels across.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
    /// Frames per second.
    pub rate: FrameRate,
    /// Codec of the file.
    pub codec: String,
    /// What holds for the whole file.
    #[serde(flatten)]
    pub header: SidecarHeader,
    /// What the machine took while it was made; no part of the hashed words, because it is never the same twice.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub energy: Energy,
    /// All frames together.
    #[serde(default)]
    pub summary: Summary,
    /// SHA-256 of all words of this sidecar but this one, `energy`, `file` and `files`; video files carry it in their comment.
    #[serde(default)]
    pub words_sha256: String,
    /// The written files and their SHA-256: one, or every picture of a sequence.
    #[serde(default)]
    pub files: Vec<Hashed>,
    /// One per frame.
    pub frames: Vec<FrameReport>,
}

/// Older sidecars have no such words, and are hashed as they were.
fn is_unknown(energy: &Energy) -> bool {
    *energy == Energy::default()
}

impl Sidecar {
    /// For the file `name` written by `spec`.
    pub(super) fn new(spec: &OutputSpec, codec: Codec, name: &str, header: &SidecarHeader, frames: Vec<FrameReport>) -> Self {
        let mut sidecar = Self {
            version: SIDECAR_VERSION,
            made_by: concat!("volte ", env!("CARGO_PKG_VERSION")).to_owned(),
            file: name.to_owned(),
            width_px: spec.width_px,
            height_px: spec.height_px,
            rate: spec.rate,
            codec: codec.name().to_owned(),
            header: header.clone(),
            energy: header.meter.as_ref().map(EnergyMeter::energy).unwrap_or_default(),
            summary: Summary::of(&frames),
            words_sha256: String::new(),
            files: vec![],
            frames,
        };
        sidecar.words_sha256 = sidecar.hash_of_words();
        sidecar
    }

    /// Of everything but the hashes and the file's name: the same however the text is laid out, and whatever the file is called.
    pub(super) fn hash_of_words(&self) -> String {
        let bare = Self { energy: Energy::default(), file: String::new(), words_sha256: String::new(), files: vec![], ..self.clone() };
        // Numbers, texts and lists: there is nothing in it that JSON cannot write.
        sha256_of_bytes(&serde_json::to_vec(&bare).unwrap_or_default())
    }

    /// The sidecar's file name: `NAME.json` beside `NAME.mp4`.
    pub fn path_for(file: &Path) -> PathBuf {
        file.with_extension("json")
    }

    /// Writes it under a temporary name; the caller publishes.
    pub(super) fn stage(&self, path: &Path, overwrite: bool) -> Result<Staged, OutputError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| OutputError::io(path, std::io::Error::other(e)))?;
        text.push(b'\n');
        let staged = Staged::create(path, overwrite)?;
        std::fs::File::create(staged.temporary()).and_then(|mut f| f.write_all(&text)).map_err(|e| OutputError::io(path, e))?;
        staged.sync()?;
        Ok(staged)
    }
}

/// Publishes a finished single file of so many `frames` that were read back, and its sidecar where `spec` asks for one.
pub(super) fn publish_with_sidecar(
    staged: Staged,
    spec: &OutputSpec,
    codec: Codec,
    (written, frames): (Vec<FrameReport>, u64),
) -> Result<OutputSummary, OutputError> {
    let bytes = staged.bytes();
    let name = spec.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let sidecar = match &spec.sidecar {
        Some(header) => {
            let mut sidecar = Sidecar::new(spec, codec, &name, header, written);
            sidecar.files = vec![Hashed::of(staged.temporary(), &name)?];
            Some(sidecar.stage(&Sidecar::path_for(&spec.path), spec.overwrite)?)
        }
        None => None,
    };
    let path = staged.publish()?;
    let sidecar = sidecar.map(Staged::publish).transpose()?;
    Ok(OutputSummary { path, sidecar, frames, bytes })
}
