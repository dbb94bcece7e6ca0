//! Output: pictures in, files out. Image sequences need nothing; video goes through GStreamer (feature `gstreamer`).
//! [`program`] is the other way out: a channel that never ends.
//!
//! A file appears under its name only when it is complete, read back and on the disk; an error or a cancel leaves
//! nothing behind. Next to it stands a sidecar that says what every frame was made of.
//! Must not know: rigs, scenes, GPU, who asked.

#[cfg(feature = "gstreamer")]
mod av1;
#[cfg(feature = "gstreamer")]
mod avif;
mod cancel;
pub mod credentials;
mod digest;
mod error;
mod exr;
#[cfg(feature = "gstreamer")]
mod film_sound;
mod gif;
mod page;
mod planes;
pub mod program;
pub mod provenance;
mod sequence;
mod sidecar;
mod staging;
#[cfg(feature = "gstreamer")]
mod undated;
#[cfg(feature = "gstreamer")]
mod verify;
#[cfg(feature = "gstreamer")]
mod video;
#[cfg(feature = "gstreamer")]
mod webp;

pub use cancel::CancelToken;
pub use credentials::{CredentialError, CredentialFiles, Credentials};
pub use digest::{sha256_of_bytes, sha256_of_file};
pub use error::OutputError;
pub use planes::{Planes, planes_420_8bit, planes_422_10bit};
pub use sidecar::{FrameReport, SIDECAR_VERSION, Sidecar, SidecarHeader};

use std::path::{Path, PathBuf};

use crate::{frame::Picture, time::FrameRate};

/// How the pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// H.264, 8 bit 4:2:0.
    H264,
    /// H.265, 8 bit 4:2:0.
    H265,
    /// AV1, 8 bit 4:2:0.
    Av1,
    /// ProRes 422 HQ, 10 bit 4:2:2.
    ProRes,
    /// One JPEG per frame in a film, 8 bit 4:2:2, full range.
    Mjpeg,
    /// `DNxHR` HQX, 10 bit 4:2:2.
    DnxHr,
    /// A GIF that plays over and over, 256 colours a picture.
    Gif,
    /// A WebP that plays over and over.
    WebP,
    /// An AVIF that plays over and over, or a still.
    Avif,
    /// One PNG file per frame.
    Png,
    /// One JPEG file per frame.
    Jpeg,
    /// One `OpenEXR` file per frame, 16-bit floats in linear light.
    Exr,
}

impl Codec {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Av1 => "av1",
            Self::ProRes => "prores",
            Self::Mjpeg => "mjpeg",
            Self::DnxHr => "dnxhr",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Exr => "exr",
        }
    }

    /// How files of it are coded, in words.
    pub const fn settings(self) -> &'static str {
        match self {
            Self::H264 => "x264 preset fast, constant quality 17, 2 B-frames, no macroblock tree, a key frame per second",
            Self::H265 => "x265 preset fast, constant rate factor 18, a key frame per second",
            Self::Av1 | Self::Avif => "libaom speed 6, quantizers 16 to 32 of 63, a key frame per second",
            Self::ProRes => "422 HQ",
            Self::Mjpeg => "quality 92, full range",
            Self::DnxHr => "HQX",
            Self::WebP => "quality 82, 4:2:0, times in milliseconds",
            Self::Gif => "256 colours a picture, times in hundredths of a second",
            Self::Png => "8 bit RGBA, exact",
            Self::Jpeg => "quality 95; in a page 88",
            Self::Exr => "16-bit floats, linear light, not packed",
        }
    }

    /// The codec of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    /// Every codec.
    pub const ALL: [Self; 12] = [
        Self::H264,
        Self::H265,
        Self::Av1,
        Self::ProRes,
        Self::Mjpeg,
        Self::DnxHr,
        Self::Gif,
        Self::WebP,
        Self::Avif,
        Self::Png,
        Self::Jpeg,
        Self::Exr,
    ];
}

/// The file's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `.mp4`: H.264, H.265, AV1.
    Mp4,
    /// `.mkv`: H.264, H.265, AV1, MJPEG.
    Matroska,
    /// `.mov`: ProRes, MJPEG, H.264, H.265.
    QuickTime,
    /// `.mxf`: `DNxHR`.
    Mxf,
    /// `.gif`.
    Gif,
    /// `.webp`.
    WebP,
    /// `.avif`.
    Avif,
    /// `.html`: a page with all pictures in it, to drag.
    Page,
    /// `.png`, `.jpg`, `.jpeg`, `.exr`: numbered files.
    Sequence,
}

/// Container and codec of a file name, `codec` being the caller's wish.
pub fn container_and_codec(path: &Path, codec: Option<Codec>) -> Result<(Container, Codec), OutputError> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (container, allowed): (_, &[Codec]) = match extension.as_str() {
        "mp4" | "m4v" => (Container::Mp4, &[Codec::H264, Codec::H265, Codec::Av1]),
        "mkv" => (Container::Matroska, &[Codec::H264, Codec::H265, Codec::Av1, Codec::Mjpeg]),
        "mov" => (Container::QuickTime, &[Codec::ProRes, Codec::Mjpeg, Codec::H264, Codec::H265]),
        "mxf" => (Container::Mxf, &[Codec::DnxHr]),
        "gif" => (Container::Gif, &[Codec::Gif]),
        "webp" => (Container::WebP, &[Codec::WebP]),
        "avif" => (Container::Avif, &[Codec::Avif]),
        "html" | "htm" => (Container::Page, &[Codec::Jpeg]),
        "png" => (Container::Sequence, &[Codec::Png]),
        "jpg" | "jpeg" => (Container::Sequence, &[Codec::Jpeg]),
        "exr" => (Container::Sequence, &[Codec::Exr]),
        _ => return Err(OutputError::Extension { path: path.to_owned() }),
    };
    let codec = codec.unwrap_or(allowed[0]);
    if !allowed.contains(&codec) {
        let allowed = allowed.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ");
        return Err(OutputError::CodecContainer { codec: codec.name(), extension, allowed });
    }
    Ok((container, codec))
}

/// Sides and rate of a preview (GIF, WebP, AVIF): what mail, chats and browsers show well. GIF players show anything shorter than two hundredths of
/// a second ten times slower.
const PREVIEW_PX: u32 = 2048;
const PREVIEW_FPS: f64 = 50.0;
/// What the encoder of `DNxHR` takes.
const DNXHR_SIZES: [(u32, u32); 2] = [(1920, 1080), (1280, 720)];
const ONLY_DNXHR: &str = "the encoder of DNxHR takes 1920×1080 and 1280×720 only";

/// Size and rate of a file of that name that is written without anybody's choosing them: as they are, smaller and every second (third, …) picture
/// for a preview. An error where its container cannot have pictures of that size.
pub fn fitted(path: &Path, (width, height): (u32, u32), rate: FrameRate) -> Result<((u32, u32), FrameRate), OutputError> {
    let (container, codec) = container_and_codec(path, None)?;
    if codec == Codec::DnxHr && !DNXHR_SIZES.contains(&(width, height)) {
        return Err(OutputError::Size { width, height, problem: ONLY_DNXHR });
    }
    if !matches!(container, Container::Gif | Container::WebP | Container::Avif) {
        return Ok(((width, height), rate));
    }
    let longest = width.max(height).max(1);
    let side = |px: u32| if longest > PREVIEW_PX { ((px * PREVIEW_PX / longest) & !1).max(2) } else { px };
    let every = (rate.fps() / PREVIEW_FPS - 1e-9).ceil().max(1.0) as u32;
    let (n, d) = (rate.numerator(), rate.denominator());
    let slower = if n % every == 0 { FrameRate::new(n / every, d) } else { FrameRate::new(n, d.saturating_mul(every)) };
    Ok(((side(width), side(height)), slower.unwrap_or(rate)))
}

/// What file to write.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    /// The file; for a sequence `NAME_%04d.png` or `NAME_####.png` (without a number mark, `_%04d` is added).
    pub path: PathBuf,
    /// Pixels across.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
    /// Frames per second.
    pub rate: FrameRate,
    /// The codec, else the container's first.
    pub codec: Option<Codec>,
    /// Threads of the encoder, where it asks for a number: with another number some write other bytes. 0: as many as it likes.
    pub threads: u32,
    /// Whether a file of that name may be replaced.
    pub overwrite: bool,
    /// What to write next to the file; `None` writes no sidecar.
    pub sidecar: Option<SidecarHeader>,
    /// Stops waiting and verifying, too.
    pub cancel: CancelToken,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OutputSummary {
    /// The file, or the first of a sequence.
    pub path: PathBuf,
    /// The sidecar.
    pub sidecar: Option<PathBuf>,
    /// Frames, counted by reading the file back.
    pub frames: u64,
    /// Bytes of the file or of all files of the sequence.
    pub bytes: u64,
}

/// Takes pictures in order. Dropping a sink without [`FrameSink::finish`] is a cancel.
pub trait FrameSink: Send {
    /// Adds one frame; waits while the encoder is behind (lossless, bounded).
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError>;

    /// Adds the sound of the frames so far, where the sink was opened with sound; others leave it out.
    fn write_sound(&mut self, _samples: &[crate::sound::Stereo]) -> Result<(), OutputError> {
        Ok(())
    }

    /// Completes, verifies and publishes the file.
    fn finish(self: Box<Self>) -> Result<OutputSummary, OutputError>;

    /// Gives up and leaves nothing behind.
    fn cancel(self: Box<Self>);
}

/// Opens the sink for the file name's extension.
///
/// ```
/// # use volte::{frame::Picture, output, time::FrameRate};
/// let folder = std::env::temp_dir().join(format!("volte-doc-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let mut sink = output::open(output::OutputSpec {
///     path: folder.join("shot_%04d.png"),
///     width_px: 16,
///     height_px: 8,
///     rate: FrameRate::whole(50),
///     codec: None,
///     threads: 0,
///     overwrite: true,
///     sidecar: None,
///     cancel: output::CancelToken::default(),
/// })?;
/// sink.write(&Picture::filled(16, 8, [200, 10, 10, 255]), &output::FrameReport::default())?;
/// assert_eq!(sink.finish()?.frames, 1);
/// assert!(folder.join("shot_0000.png").exists());
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open(spec: OutputSpec) -> Result<Box<dyn FrameSink>, OutputError> {
    open_with(spec, false)
}

/// The same; with `sound` films have a sound track, which [`FrameSink::write_sound`] fills.
pub fn open_with(spec: OutputSpec, sound: bool) -> Result<Box<dyn FrameSink>, OutputError> {
    let (container, codec) = container_and_codec(&spec.path, spec.codec)?;
    if spec.sidecar.as_ref().is_some_and(|header| header.credentials.is_some()) {
        Credentials::check(&spec.path, true)?;
    }
    if spec.width_px == 0 || spec.height_px == 0 || spec.width_px > 16384 || spec.height_px > 16384 {
        return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem: "each side must be 1 to 16384 px" });
    }
    if container == Container::Sequence {
        return Ok(Box::new(sequence::Sequence::open(spec)?));
    }
    if container == Container::Gif {
        return Ok(Box::new(gif::Gif::open(spec)?));
    }
    if container == Container::WebP {
        #[cfg(feature = "gstreamer")]
        return Ok(Box::new(webp::WebP::open(spec)?));
        #[cfg(not(feature = "gstreamer"))]
        return Err(OutputError::WithoutVideo { path: spec.path });
    }
    if container == Container::Page {
        return Ok(Box::new(page::Page::open(spec)?));
    }
    if codec == Codec::DnxHr && !DNXHR_SIZES.contains(&(spec.width_px, spec.height_px)) {
        return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem: ONLY_DNXHR });
    }
    if spec.width_px % 2 == 1 || spec.height_px % 2 == 1 {
        let problem = "video needs even sides, because colour is coded at half size";
        return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem });
    }
    #[cfg(feature = "gstreamer")]
    if container == Container::Avif {
        return Ok(Box::new(avif::Avif::open(spec)?));
    }
    #[cfg(feature = "gstreamer")]
    {
        Ok(Box::new(video::VideoFile::open(spec, container, codec, sound)?))
    }
    #[cfg(not(feature = "gstreamer"))]
    {
        let _ = (codec, sound);
        Err(OutputError::WithoutVideo { path: spec.path })
    }
}

/// The picture must have the size that the sink was opened for.
fn check_size(spec: &OutputSpec, picture: &Picture) -> Result<(), OutputError> {
    if picture.width() == spec.width_px && picture.height() == spec.height_px {
        return Ok(());
    }
    Err(OutputError::FrameSize { width: picture.width(), height: picture.height(), want_width: spec.width_px, want_height: spec.height_px })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_as_small_and_slow_as_it_must_be() {
        let fit = |name: &str, size, rate: &str| fitted(Path::new(name), size, rate.parse().unwrap()).map(|(s, r)| (s, r.to_string()));
        for name in ["a.gif", "a.webp", "a.avif"] {
            for (size, rate, want) in [
                ((1920, 1080), "60", ((1920, 1080), "30")),
                ((3840, 2160), "50", ((2048, 1152), "50")),
                ((2160, 3840), "59.94", ((1152, 2048), "30000/1001")),
                ((640, 360), "120", ((640, 360), "40")),
                ((640, 360), "119.88", ((640, 360), "40000/1001")),
                ((640, 360), "25", ((640, 360), "25")),
            ] {
                assert_eq!(fit(name, size, rate).unwrap(), (want.0, want.1.to_owned()), "{name} {size:?} {rate}");
            }
        }
        assert_eq!(fit("a.mp4", (3840, 2160), "120").unwrap(), ((3840, 2160), "120".to_owned()));
        assert!(fit("a.mxf", (1920, 1080), "50").is_ok());
        assert!(fit("a.mxf", (2048, 1080), "50").unwrap_err().to_string().contains("1920×1080"));
    }
}
