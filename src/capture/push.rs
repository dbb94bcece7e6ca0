//! Pictures that the program makes itself, encoded like a camera's: the venue's way into the ring.

use std::path::Path;
use std::sync::Arc;

use gst::prelude::{Cast as _, ElementExt as _, GObjectExtManualGst as _, GstBinExtManual as _, ObjectExt as _};

use super::chain::{element, filter, intra_chain};
use super::codec::{Codec, first_available};
use super::error::CaptureError;
use super::feed::FeedShared;
use super::file::watch_bus;
use super::ingest::Ingest;
use super::inlet::{Incoming, Inlet};
use crate::color::YuvMatrix;
use crate::frame::{Picture, YuvFormat, YuvFrame, YuvRange};
use crate::time::{FrameRate, MediaTime};

/// Pictures that may wait for the encoder; then the oldest is dropped and counted.
const WAITING_PICTURES: u64 = 8;

/// How pushed pictures are encoded. Everything is encoded as BT.709, studio range (JPEG: full range, BT.601).
#[derive(Debug, Clone, PartialEq)]
pub struct PushSettings {
    /// Picture width, px; even.
    pub width_px: u32,
    /// Picture height, px; even.
    pub height_px: u32,
    /// Frame rate.
    pub rate: FrameRate,
    /// Codec.
    pub codec: Codec,
    /// H.264, H.265: kilobits per second.
    pub bitrate_kbps: u32,
    /// H.264, H.265: frames from keyframe to keyframe.
    pub keyframe_every: u32,
    /// H.264: B-frames between references (0 = lowest latency).
    pub b_frames: u32,
}

impl PushSettings {
    /// H.264 at 12 Mbit/s for 1080p60 (in proportion for others), a keyframe every half second, no B-frames.
    pub fn h264(width_px: u32, height_px: u32, rate: FrameRate) -> Self {
        let pixels_per_sec = f64::from(width_px) * f64::from(height_px) * rate.fps();
        Self {
            width_px,
            height_px,
            rate,
            codec: Codec::H264,
            bitrate_kbps: ((pixels_per_sec / (1920.0 * 1080.0 * 60.0)).sqrt() * 12_000.0) as u32 + 500,
            keyframe_every: (rate.fps() / 2.0).round().max(1.0) as u32,
            b_frames: 0,
        }
    }

    /// The same with another codec.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Self {
        Self { codec, ..self }
    }
}

/// One picture for [`LiveInput::push_frame`]; its memory is not copied.
#[derive(Debug, Clone)]
pub enum LiveFrame {
    /// RGBA as displayed (sRGB/BT.709).
    Rgba(Arc<Picture>),
    /// Planar YUV with its own matrix and range.
    Yuv(YuvFrame),
}

struct PictureBytes(Arc<Picture>);

impl AsRef<[u8]> for PictureBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.rgba()
    }
}

/// Takes the pictures of one feed. Cheap to clone; [`LiveInput::push_frame`] never waits.
#[derive(Debug, Clone)]
pub struct LiveInput {
    source: gst_app::AppSrc,
    shared: Arc<FeedShared>,
    settings: PushSettings,
}

impl LiveInput {
    /// Hands over one picture seen at house time `time` (before the feed's clock offset is added). Never waits: when the
    /// encoder is behind, the oldest waiting picture is dropped and counted.
    pub fn push_frame(&self, time: MediaTime, frame: LiveFrame) -> Result<(), CaptureError> {
        let wrong = |reason: String| CaptureError::Frame { feed: self.shared.name.to_string(), reason };
        let nanos = u64::try_from(time.nanos()).map_err(|e| wrong(format!("its time {time} lies before the clock's beginning ({e})")))?;
        let (size, caps) = match &frame {
            LiveFrame::Rgba(picture) => ((picture.width(), picture.height()), self.caps("RGBA", "sRGB")),
            LiveFrame::Yuv(yuv) => {
                if yuv.data.len() < yuv.expected_bytes() {
                    return Err(wrong(format!("it has {} bytes, its size needs {}", yuv.data.len(), yuv.expected_bytes())));
                }
                ((yuv.width, yuv.height), self.caps(format_name(yuv.format), colorimetry(yuv.matrix, yuv.range)))
            }
        };
        let expected = (self.settings.width_px, self.settings.height_px);
        if size != expected {
            return Err(wrong(format!("it is {}×{}, the feed {}×{}", size.0, size.1, expected.0, expected.1)));
        }
        let mut buffer = match frame {
            LiveFrame::Rgba(picture) => gst::Buffer::from_slice(PictureBytes(picture)),
            LiveFrame::Yuv(yuv) => gst::Buffer::from_slice(yuv.data),
        };
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(nanos));
            buffer.set_duration(gst::ClockTime::from_nseconds(self.settings.rate.interval_nanos() as u64));
        }
        if self.source.current_level_buffers() >= WAITING_PICTURES {
            self.shared.overload.add_one();
        }
        let sample = gst::Sample::builder().buffer(&buffer).caps(&caps).build();
        self.source.push_sample(&sample).map_err(|e| {
            let cause = self.shared.status().last_error.unwrap_or_else(|| e.to_string());
            wrong(format!("the encoder does not take pictures: {cause}"))
        })?;
        Ok(())
    }

    /// The feed's settings.
    pub const fn settings(&self) -> &PushSettings {
        &self.settings
    }

    /// No more pictures will come: the encoder delivers what it holds back.
    pub fn finish(&self) {
        if let Err(e) = self.source.end_of_stream() {
            tracing::debug!(feed = &*self.shared.name, "end of stream: {e}");
        }
    }

    fn caps(&self, format: &str, colorimetry: &str) -> gst::Caps {
        let s = &self.settings;
        gst::Caps::builder("video/x-raw")
            .field("format", format)
            .field("width", s.width_px as i32)
            .field("height", s.height_px as i32)
            .field("framerate", gst::Fraction::new(s.rate.numerator() as i32, s.rate.denominator() as i32))
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("interlace-mode", "progressive")
            .field("colorimetry", colorimetry)
            .build()
    }
}

const fn format_name(format: YuvFormat) -> &'static str {
    match format {
        YuvFormat::Nv12 => "NV12",
        YuvFormat::I420 => "I420",
        YuvFormat::I422 => "Y42B",
        YuvFormat::I444 => "Y444",
    }
}

/// GStreamer's `range:matrix:transfer:primaries`.
const fn colorimetry(matrix: YuvMatrix, range: YuvRange) -> &'static str {
    match (matrix, range) {
        (YuvMatrix::Bt601, YuvRange::Limited) => "2:4:16:4",
        (YuvMatrix::Bt601, YuvRange::Full) => "1:4:16:4",
        (YuvMatrix::Bt709, YuvRange::Limited) => "2:3:5:1",
        (YuvMatrix::Bt709, YuvRange::Full) => "1:3:5:1",
        (YuvMatrix::Bt2020, YuvRange::Limited) => "2:6:13:7",
        (YuvMatrix::Bt2020, YuvRange::Full) => "1:6:13:7",
    }
}

/// A pushed feed at work.
#[derive(Debug)]
pub(super) struct PushFeed {
    pub pipeline: gst::Pipeline,
    pub input: LiveInput,
}

impl Drop for PushFeed {
    fn drop(&mut self) {
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!("the encoder does not stop: {e}");
        }
    }
}

impl PushFeed {
    /// Builds and starts the encoder; running time is house time.
    pub(super) fn open(settings: &PushSettings, ingest: &Arc<Ingest>) -> Result<Self, CaptureError> {
        let shared = Arc::clone(&ingest.shared);
        let wrong = |reason: String| CaptureError::Feed { feed: shared.name.to_string(), reason };
        if settings.width_px < 16
            || settings.height_px < 16
            || !settings.width_px.is_multiple_of(2)
            || !settings.height_px.is_multiple_of(2)
        {
            return Err(wrong(format!(
                "pictures of {}×{} cannot be encoded; use even sizes of at least 16",
                settings.width_px, settings.height_px
            )));
        }
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            .max_buffers(WAITING_PICTURES)
            .max_bytes(0)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        source.set_max_time(gst::ClockTime::ZERO);
        let sink_ingest = Arc::clone(ingest);
        let offset = MediaTime::from_nanos(shared.clock_offset_nanos);
        let at_end = Arc::clone(&shared);
        let take = move |incoming: Incoming<'_>| {
            sink_ingest.take(incoming, offset);
            Ok(gst::FlowSuccess::Ok)
        };
        let inlet = Inlet::new(take, move || at_end.end())?;
        ingest.is_raw.store(settings.codec == Codec::Raw, std::sync::atomic::Ordering::Relaxed);
        ingest.is_pushed.store(true, std::sync::atomic::Ordering::Relaxed);
        // Whoever makes pictures stamps them itself.
        ingest.reads_ahead.store(true, std::sync::atomic::Ordering::Relaxed);

        let pipeline = gst::Pipeline::new();
        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        chain.extend(encoder_chain(settings)?);
        chain.push(inlet.element().clone());
        pipeline.add_many(&chain).map_err(|e| wrong(e.to_string()))?;
        gst::Element::link_many(&chain).map_err(|e| wrong(e.to_string()))?;
        watch_bus(&pipeline, ingest, Path::new(&*shared.name));
        pipeline.set_state(gst::State::Playing).map_err(|e| wrong(format!("its encoder does not start: {e}")))?;
        let input = LiveInput { source, shared: Arc::clone(&shared), settings: settings.clone() };
        Ok(Self { pipeline, input })
    }
}

fn encoder_chain(settings: &PushSettings) -> Result<Vec<gst::Element>, CaptureError> {
    if settings.codec == Codec::Raw {
        return intra_chain();
    }
    let name = first_available(settings.codec.encoders()).ok_or_else(|| CaptureError::MissingElement {
        element: if settings.codec == Codec::Mpeg4 { "none".to_owned() } else { settings.codec.encoders().join(" or ") },
        purpose: format!("encoding {}", settings.codec),
    })?;
    let encoder = element(name, "encoding pushed pictures")?;
    let raw = |format: &str, colorimetry: &str| {
        filter(&gst::Caps::builder("video/x-raw").field("format", format).field("colorimetry", colorimetry).build())
    };
    let any = || filter(&gst::Caps::new_any());
    let hd = "2:3:5:1";
    let convert = element("videoconvert", "converting pictures")?;
    let coded = |media: &str| gst::Caps::builder(media).field("stream-format", "byte-stream").field("alignment", "au").build();
    let parser = |name: &str| -> Result<gst::Element, CaptureError> {
        let parser = element(name, "cutting the stream into frames")?;
        parser.set_property("config-interval", -1_i32);
        Ok(parser)
    };
    Ok(match settings.codec {
        Codec::H264 => {
            encoder.set_property_from_str("speed-preset", "veryfast");
            if settings.b_frames == 0 {
                encoder.set_property_from_str("tune", "zerolatency");
            } else {
                encoder.set_property("bframes", settings.b_frames);
                // Look ahead as little as B-frames allow: what waits in the encoder cannot be frozen yet.
                encoder.set_property("rc-lookahead", (settings.b_frames + 2) as i32);
                encoder.set_property("sync-lookahead", 0_i32);
            }
            encoder.set_property("bitrate", settings.bitrate_kbps);
            encoder.set_property("key-int-max", settings.keyframe_every);
            encoder.set_property("threads", 1_u32);
            vec![convert, raw("I420", hd)?, encoder, filter(&coded("video/x-h264"))?, parser("h264parse")?, filter(&coded("video/x-h264"))?]
        }
        Codec::H265 => {
            encoder.set_property_from_str("speed-preset", "ultrafast");
            encoder.set_property_from_str("tune", "zerolatency");
            encoder.set_property("bitrate", settings.bitrate_kbps);
            encoder.set_property("key-int-max", settings.keyframe_every as i32);
            encoder.set_property("option-string", "log-level=error:pools=1:frame-threads=1");
            vec![convert, raw("I420", hd)?, encoder, parser("h265parse")?, filter(&coded("video/x-h265"))?]
        }
        Codec::Mjpeg => {
            encoder.set_property("quality", 90_i32);
            vec![convert, raw("I420", "1:4:7:1")?, encoder, element("jpegparse", "reading JPEG headers")?]
        }
        Codec::ProRes => vec![convert, raw("I422_10LE", hd)?, encoder, any()?],
        Codec::Raw | Codec::Mpeg4 => intra_chain()?,
    })
}
