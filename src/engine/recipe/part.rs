//! The parts of a recipe, as its text has them.

use std::path::PathBuf;

use crate::{
    engine::retime::RetimePolicy,
    output::{Codec, CredentialFiles},
    replay::path::Aspect,
    scene::{Matching, Quality},
    sound::FreezeSound,
    time::FrameRate,
    view::ViewMode,
};

/// The cameras.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RigPart {
    /// The calibration, in any format.
    pub file: PathBuf,
    /// Of the calibration as our own `rig.toml` would write it: the same in whatever format it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Only these cameras of it; empty: all.
    #[serde(default, rename = "use", skip_serializing_if = "Vec::is_empty")]
    pub cameras: Vec<String>,
}

/// A file that was used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256; without one, whatever it holds is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What the cameras saw: one of pictures, footage, recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePart {
    /// A folder with one picture per camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PathBuf>,
    /// Synchronized files, or folders of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub footage: Vec<PathBuf>,
    /// A folder that was recorded into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<PathBuf>,
    /// Of footage seconds since its first frame, of a recording a time or an event's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Of a recording: the instant on the house clock; it counts, whatever `at` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instant_nanos: Option<i64>,
    /// Of footage: the camera whose file carries the sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// What is heard while time stands still: `live`, `silence` or `tail` (standard).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_sound: Option<String>,
    /// The files that were used.
    #[serde(default, rename = "file", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SourceFile>,
}

impl SourcePart {
    /// The camera whose sound is wanted, and what is heard under a freeze.
    pub fn sound(&self) -> Option<(&str, FreezeSound)> {
        let freeze = self.freeze_sound.as_deref().and_then(FreezeSound::from_name).unwrap_or_default();
        self.sound.as_deref().map(|camera| (camera, freeze))
    }
}

/// How to show what is between the cameras.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Full synthesis.
    #[default]
    Synthesis,
    /// See [`ViewMode::SoftFade`].
    SoftFade,
    /// See [`ViewMode::CrossFade`].
    CrossFade,
    /// Real pixels only.
    Nearest,
    /// Every gap is measured first and shown as true as it allows.
    Ladder,
}

impl Mode {
    /// The one mode that holds everywhere; none for the ladder.
    pub const fn everywhere(self) -> Option<ViewMode> {
        match self {
            Self::Synthesis => Some(ViewMode::Synthesis),
            Self::SoftFade => Some(ViewMode::SoftFade),
            Self::CrossFade => Some(ViewMode::CrossFade),
            Self::Nearest => Some(ViewMode::Nearest),
            Self::Ladder => None,
        }
    }
}

/// What the cameras see when nobody is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Plates {
    /// Not known.
    #[default]
    Off,
    /// Learned where there is enough footage.
    Auto,
    /// Learned from any footage.
    Learn,
    /// A folder with a picture of the empty stage per camera.
    Folder(PathBuf),
}

impl From<String> for Plates {
    fn from(text: String) -> Self {
        match text.as_str() {
            "off" => Self::Off,
            "auto" => Self::Auto,
            "learn" => Self::Learn,
            _ => Self::Folder(text.into()),
        }
    }
}

impl From<Plates> for String {
    fn from(plates: Plates) -> Self {
        match plates {
            Plates::Off => "off".to_owned(),
            Plates::Auto => "auto".to_owned(),
            Plates::Learn => "learn".to_owned(),
            Plates::Folder(folder) => folder.to_string_lossy().into_owned(),
        }
    }
}

/// How to render.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderPart {
    /// Between the cameras.
    pub mode: Mode,
    /// How well depth is solved.
    pub quality: Quality,
    /// Longest side of the depth maps, px; else what the quality has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth_size_px: Option<u32>,
    /// `off`, `auto`, `learn`, or a folder.
    #[serde(default)]
    pub plates: Plates,
    /// Whether frames are interpolated to the very instant.
    #[serde(default = "never")]
    pub retime: RetimePolicy,
    /// What becomes of differences in exposure and white between the cameras; else they glide.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Matching>,
    /// Dark corners and responses of the cameras' own stay as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_shading: bool,
    /// Other instants whose movement is in the same picture, seconds since the mark.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices_secs: Vec<f64>,
}

const fn never() -> RetimePolicy {
    RetimePolicy::Off
}

impl Default for RenderPart {
    fn default() -> Self {
        Self {
            mode: Mode::Synthesis,
            quality: Quality::Air,
            depth_size_px: None,
            plates: Plates::Off,
            retime: RetimePolicy::Off,
            matching: None,
            no_shading: false,
            slices_secs: vec![],
        }
    }
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputPart {
    /// The file, or the pattern of a sequence.
    pub file: PathBuf,
    /// Width and height, px; else as the cameras' pictures, or the part of them that the crop leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_px: Option<[u32; 2]>,
    /// Shape of the frame, which then follows the pivot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Aspect>,
    /// Frames per second: `50`, `60000/1001`.
    #[serde(with = "rate_text")]
    pub rate: FrameRate,
    /// Codec; else the container's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<Codec>,
    /// How the codec was set, in words; they are this program's, and are not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// Threads of the encoder: with another number some encoders write other bytes. 0: as many as the machine likes.
    #[serde(default)]
    pub threads: u32,
    /// Whether the sidecar is written.
    #[serde(default = "yes")]
    pub sidecar: bool,
    /// Whose content credentials the file gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialFiles>,
}

const fn yes() -> bool {
    true
}

impl OutputPart {
    /// A file with everything else as usual.
    pub const fn new(file: PathBuf) -> Self {
        Self {
            file,
            size_px: None,
            crop: None,
            rate: FrameRate::whole(50),
            codec: None,
            settings: None,
            threads: 0,
            sidecar: true,
            credentials: None,
        }
    }
}

/// Frame rates as people write them.
mod rate_text {
    use crate::time::FrameRate;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    pub fn serialize<S: serde::Serializer>(rate: &FrameRate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(rate)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<FrameRate, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
