//! One warm decoder, driven in the caller's own thread: no pipeline, no queue, no bus thread.
//!
//! The decoder element hangs between two pads of ours. Pushing a unit into the first runs the decoder at once; what it
//! delivers arrives in the second, where the frame that is wanted is copied out and the others are let go.

use std::sync::Arc;

use gst::prelude::{ElementExt as _, ObjectExt as _, PadExt as _, PadExtManual as _};
use gst_video::prelude::VideoFrameExt as _;
use parking_lot::Mutex;

use super::{Codec, DecodeError, StreamFormat, TimedFrame, hardware};
use crate::capture::codec::first_available;
use crate::color::YuvMatrix;
use crate::frame::{YuvFormat, YuvFrame, YuvRange};
use crate::ring::AccessUnit;
use crate::time::MediaTime;

/// Units are tagged with their time relative to the first one, plus this: leading pictures must not become negative.
const TAG_ORIGIN_NANOS: i64 = 3_600_000_000_000;

/// Frames that a decoder that goes on may still owe.
const MOST_WANTED: usize = 512;

#[derive(Debug, Default)]
struct Output {
    info: Option<gst_video::VideoInfo>,
    /// Colour as the stream itself declares it.
    colorimetry: Option<gst_video::VideoColorimetry>,
    /// Colour as the container declares it: the fallback, since containers know less (some lose the range).
    container_colorimetry: Option<gst_video::VideoColorimetry>,
    /// Tags that are wanted.
    wanted: Vec<u64>,
    frames: Vec<(u64, YuvFrame)>,
    error: Option<DecodeErrorText>,
}

#[derive(Debug)]
enum DecodeErrorText {
    Format(String),
    Failed(String),
}

/// A decoder element and the pads that drive it.
#[derive(Debug)]
pub(in crate::capture) struct Decoder {
    codec: Codec,
    /// The element's name where it is one of hardware.
    hardware: Option<String>,
    element: gst::Element,
    bus: gst::Bus,
    input: gst::Pad,
    output: gst::Pad,
    shared: Arc<Mutex<Output>>,
    caps: Option<gst::Caps>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let stopped = self.element.set_state(gst::State::Null);
        let deactivated = self.input.set_active(false).and_then(|()| self.output.set_active(false));
        if let (Err(e), _) = (stopped, deactivated) {
            tracing::debug!("a decoder does not stop: {e}");
        }
    }
}

fn failed(reason: impl Into<String>) -> DecodeError {
    DecodeError::Failed { reason: reason.into() }
}

impl Decoder {
    /// Makes and starts a decoder in software that uses `threads` threads of its own.
    pub(in crate::capture) fn new(codec: Codec, threads: usize) -> Result<Self, DecodeError> {
        let wanted = codec.decoders();
        let missing = || DecodeError::NoDecoder { codec, wanted: wanted.join(", ") };
        Self::of(first_available(wanted).ok_or_else(missing)?, codec, threads, false)
    }

    /// The same, of hardware where there is one that starts.
    pub(in crate::capture) fn for_moments(format: &StreamFormat, threads: usize) -> Result<Self, DecodeError> {
        let codec = format.codec;
        for name in hardware::to_try(codec, &format.caps) {
            match Self::of(&name, codec, threads, true) {
                Ok(decoder) => {
                    tracing::info!(element = name, %codec, "moments are decoded by hardware");
                    return Ok(decoder);
                }
                Err(problem) => hardware::leave_alone(&name, &problem.to_string()),
            }
        }
        Self::new(codec, threads)
    }

    /// The element's name where it is one of hardware.
    pub(in crate::capture) fn hardware(&self) -> Option<&str> {
        self.hardware.as_deref()
    }

    fn of(name: &str, codec: Codec, threads: usize, is_hardware: bool) -> Result<Self, DecodeError> {
        let element = gst::ElementFactory::make(name).build().map_err(|e| failed(e.to_string()))?;
        if element.has_property("max-threads") {
            element.set_property("max-threads", i32::try_from(threads).unwrap_or(1).max(1));
        }
        for (property, value) in [("qos", false), ("output-corrupt", false)] {
            if element.has_property(property) {
                element.set_property(property, value);
            }
        }
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let shared = Arc::new(Mutex::new(Output::default()));
        let input = gst::Pad::builder(gst::PadDirection::Src).name("input").build();
        let output = output_pad(&shared, is_hardware);
        let link = |a: &gst::Pad, b: Option<gst::Pad>| {
            let b = b.ok_or_else(|| failed("the decoder has no pads"))?;
            a.link(&b).map_err(|e| failed(format!("the decoder cannot be connected: {e}")))
        };
        link(&input, element.static_pad("sink"))?;
        let source = element.static_pad("src").ok_or_else(|| failed("the decoder has no pads"))?;
        source.link(&output).map_err(|e| failed(format!("the decoder cannot be connected: {e}")))?;
        let activate = |pad: &gst::Pad| pad.set_active(true).map_err(|e| failed(e.to_string()));
        activate(&output)?;
        activate(&input)?;
        element.set_state(gst::State::Playing).map_err(|e| failed(format!("the decoder does not start: {e}")))?;
        let hardware = is_hardware.then(|| name.to_owned());
        let decoder = Self { codec, hardware, element, bus, input, output, shared, caps: None };
        decoder.input.push_event(gst::event::StreamStart::new("volte"));
        Ok(decoder)
    }

    pub(in crate::capture) const fn codec(&self) -> Codec {
        self.codec
    }

    /// Decodes `units` (in decode order, beginning with a keyframe) and returns the frames whose time is `wanted`, in the
    /// order in which the decoder gives them; then forgets everything but its headers.
    pub(in crate::capture) fn decode(
        &mut self,
        units: &[AccessUnit],
        wanted: &dyn Fn(MediaTime) -> bool,
        format_of: impl Fn(u16) -> Option<StreamFormat>,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        self.decode_unless(units, wanted, &|| false, format_of)
    }

    /// The same; what comes after the frame at which `give_up` says so is not decoded.
    pub(in crate::capture) fn decode_unless(
        &mut self,
        units: &[AccessUnit],
        wanted: &dyn Fn(MediaTime) -> bool,
        give_up: &dyn Fn() -> bool,
        format_of: impl Fn(u16) -> Option<StreamFormat>,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        let Some(first) = units.first() else { return Ok(Vec::new()) };
        let origin = first.pts;
        {
            let mut shared = self.shared.lock();
            shared.frames.clear();
            shared.error = None;
            shared.wanted = units.iter().filter(|u| wanted(u.pts)).filter_map(|u| tag(u.pts, origin)).collect();
            shared.wanted.sort_unstable();
            shared.wanted.dedup();
        }
        let (mut number, mut is_whole) = (None, true);
        for unit in units {
            if give_up() {
                is_whole = false;
                break;
            }
            if number != Some(unit.format) {
                number = Some(unit.format);
                self.set_format(&format_of(unit.format).ok_or(DecodeError::NoFormat)?);
            }
            self.push(unit, origin)?;
        }
        // The end of the stream makes the decoder give what it holds back; the flush makes it ready for the next moment.
        self.input.push_event(gst::event::Eos::new());
        self.flush();
        let mut shared = self.shared.lock();
        match shared.error.take() {
            Some(DecodeErrorText::Format(format)) => return Err(DecodeError::Format { format }),
            Some(DecodeErrorText::Failed(reason)) => return Err(failed(reason)),
            None => {}
        }
        if is_whole && shared.frames.is_empty() && !shared.wanted.is_empty() {
            drop(shared);
            return Err(failed(self.complaint().unwrap_or_else(|| "the decoder gave no picture; its data is damaged".to_owned())));
        }
        Ok(shared.frames.drain(..).filter_map(|(tag, frame)| Some(TimedFrame { time: untag(tag, origin)?, frame })).collect())
    }

    /// Feeds units without draining, and returns the newest frame that came out: for live previews.
    pub(in crate::capture) fn feed_live(
        &mut self,
        units: &[AccessUnit],
        origin: MediaTime,
        format_of: impl Fn(u16) -> Option<StreamFormat>,
    ) -> Result<Option<TimedFrame>, DecodeError> {
        let mut number = None;
        self.shared.lock().error = None;
        for unit in units {
            if number != Some(unit.format) {
                number = Some(unit.format);
                self.set_format(&format_of(unit.format).ok_or(DecodeError::NoFormat)?);
            }
            {
                let mut shared = self.shared.lock();
                shared.wanted.extend(tag(unit.pts, origin));
                shared.wanted.sort_unstable();
                let surplus = shared.wanted.len().saturating_sub(32);
                shared.wanted.drain(..surplus);
            }
            self.push(unit, origin)?;
            let mut shared = self.shared.lock();
            if shared.frames.len() > 1 {
                let last = shared.frames.len() - 1;
                shared.frames.drain(..last);
            }
        }
        let mut shared = self.shared.lock();
        if let Some(error) = shared.error.take() {
            return Err(match error {
                DecodeErrorText::Format(format) => DecodeError::Format { format },
                DecodeErrorText::Failed(reason) => failed(reason),
            });
        }
        let last = shared.frames.pop();
        shared.frames.clear();
        Ok(last.and_then(|(tag, frame)| Some(TimedFrame { time: untag(tag, origin)?, frame })))
    }

    /// Feeds units in decode order without draining, and returns what came out of those whose time is `wanted`, now or before, in the
    /// order in which the decoder gives them.
    pub(in crate::capture) fn feed_on(
        &mut self,
        units: &[AccessUnit],
        origin: MediaTime,
        wanted: &dyn Fn(MediaTime) -> bool,
        format_of: impl Fn(u16) -> Option<StreamFormat>,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        let mut number = None;
        {
            let mut shared = self.shared.lock();
            shared.error = None;
            shared.wanted.extend(units.iter().filter(|u| wanted(u.pts)).filter_map(|u| tag(u.pts, origin)));
            shared.wanted.sort_unstable();
            shared.wanted.dedup();
            // Damaged frames never come.
            let surplus = shared.wanted.len().saturating_sub(MOST_WANTED);
            shared.wanted.drain(..surplus);
        }
        for unit in units {
            if number != Some(unit.format) {
                number = Some(unit.format);
                self.set_format(&format_of(unit.format).ok_or(DecodeError::NoFormat)?);
            }
            self.push(unit, origin)?;
        }
        self.taken_out(origin)
    }

    /// Whether the frame of a time that went in is still to come.
    pub(in crate::capture) fn owes(&self, time: MediaTime, origin: MediaTime) -> bool {
        tag(time, origin).is_some_and(|tag| self.shared.lock().wanted.binary_search(&tag).is_ok())
    }

    /// Makes the decoder give what it holds back; the next unit must be a keyframe.
    pub(in crate::capture) fn drain(&mut self, origin: MediaTime) -> Result<Vec<TimedFrame>, DecodeError> {
        self.input.push_event(gst::event::Eos::new());
        let rest = self.taken_out(origin);
        self.flush();
        rest
    }

    /// Forgets references and what was wanted: the next unit must be a keyframe.
    pub(in crate::capture) fn begin_anew(&mut self) {
        self.flush();
        let mut shared = self.shared.lock();
        shared.wanted.clear();
        shared.frames.clear();
        shared.error = None;
    }

    fn taken_out(&self, origin: MediaTime) -> Result<Vec<TimedFrame>, DecodeError> {
        let mut shared = self.shared.lock();
        match shared.error.take() {
            Some(DecodeErrorText::Format(format)) => Err(DecodeError::Format { format }),
            Some(DecodeErrorText::Failed(reason)) => Err(failed(reason)),
            None => Ok(shared.frames.drain(..).filter_map(|(tag, frame)| Some(TimedFrame { time: untag(tag, origin)?, frame })).collect()),
        }
    }

    /// Forgets all references: the next unit must be a keyframe.
    pub(in crate::capture) fn flush(&mut self) {
        self.input.push_event(gst::event::FlushStart::new());
        self.input.push_event(gst::event::FlushStop::new(true));
        // A flush takes the segment away; the caps stay, but the decoder wants to hear them again.
        self.caps = None;
    }

    fn set_format(&mut self, format: &StreamFormat) {
        if self.caps.as_ref() == Some(&format.caps) {
            return;
        }
        let mut caps = format.caps.clone();
        if matches!(format.codec, Codec::H264 | Codec::H265)
            && let Some(structure) = caps.make_mut().structure_mut(0)
        {
            let declared = structure.get::<&str>("colorimetry").ok().and_then(|c| c.parse().ok());
            structure.remove_field("colorimetry");
            self.shared.lock().container_colorimetry = declared;
        }
        self.input.push_event(gst::event::Caps::new(&caps));
        self.input.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        self.caps = Some(format.caps.clone());
    }

    fn push(&self, unit: &AccessUnit, origin: MediaTime) -> Result<(), DecodeError> {
        let mut buffer = gst::Buffer::from_slice(unit.payload.clone());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(tag(unit.pts, origin).map(gst::ClockTime::from_nseconds));
            if !unit.keyframe {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        match self.input.push(buffer) {
            Ok(_) => Ok(()),
            Err(flow) => {
                let own = match self.shared.lock().error.take() {
                    Some(DecodeErrorText::Format(format)) => return Err(DecodeError::Format { format }),
                    Some(DecodeErrorText::Failed(reason)) => Some(reason),
                    None => None,
                };
                Err(failed(own.or_else(|| self.complaint()).unwrap_or_else(|| format!("the decoder says {flow}"))))
            }
        }
    }

    /// The decoder's own words, if it posted any.
    fn complaint(&self) -> Option<String> {
        let mut last = None;
        while let Some(message) = self.bus.pop() {
            if let gst::MessageView::Error(error) = message.view() {
                last = Some(error.error().to_string());
            }
        }
        last
    }
}

fn tag(pts: MediaTime, origin: MediaTime) -> Option<u64> {
    u64::try_from(TAG_ORIGIN_NANOS.checked_add(pts - origin)?).ok()
}

fn untag(tag: u64, origin: MediaTime) -> Option<MediaTime> {
    Some(origin.plus_nanos(i64::try_from(tag).ok()? - TAG_ORIGIN_NANOS))
}

fn output_pad(shared: &Arc<Mutex<Output>>, is_hardware: bool) -> gst::Pad {
    // Hardware would leave its pictures in memory of its own.
    let taken = if is_hardware { in_system_memory() } else { gst::Caps::new_any() };
    let (for_chain, for_events) = (Arc::clone(shared), Arc::clone(shared));
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("output")
        .chain_function(move |_, _, buffer| {
            // Hardware hands out what software keeps back: a picture with holes is no picture.
            if buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
                return Ok(gst::FlowSuccess::Ok);
            }
            let mut shared = for_chain.lock();
            let Some(tag) = buffer.pts().map(gst::ClockTime::nseconds) else { return Ok(gst::FlowSuccess::Ok) };
            let Ok(found) = shared.wanted.binary_search(&tag) else { return Ok(gst::FlowSuccess::Ok) };
            shared.wanted.remove(found);
            let Some(info) = shared.info.clone() else { return Err(gst::FlowError::NotNegotiated) };
            let colorimetry = shared.colorimetry.or(shared.container_colorimetry);
            match to_yuv(buffer, &info, colorimetry) {
                Ok(frame) => {
                    shared.frames.push((tag, frame));
                    Ok(gst::FlowSuccess::Ok)
                }
                Err(e) => {
                    shared.error = Some(e);
                    Err(gst::FlowError::Error)
                }
            }
        })
        .event_function(move |_, _, event| {
            if let gst::EventView::Caps(caps) = event.view() {
                let caps = caps.caps();
                let mut shared = for_events.lock();
                shared.info = gst_video::VideoInfo::from_caps(caps).ok();
                let declares = caps.structure(0).is_some_and(|s| s.has_field("colorimetry"));
                shared.colorimetry = shared.info.as_ref().filter(|_| declares).map(gst_video::VideoInfo::colorimetry);
            }
            true
        })
        .query_function(move |pad, parent, query| match query.view_mut() {
            gst::QueryViewMut::Allocation(allocation) => {
                // Padded rows are welcome: the decoder writes its pictures where it wants, without a copy.
                allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
                true
            }
            // Whatever comes is looked at when it comes. By default a pad takes only what it took before, and a stream whose
            // format changes would end here.
            gst::QueryViewMut::AcceptCaps(accept) => {
                accept.set_result(true);
                true
            }
            gst::QueryViewMut::Caps(caps) => {
                let all = caps.filter_owned().map_or_else(|| taken.clone(), |filter| filter.intersect(&taken));
                caps.set_result(&all);
                true
            }
            _ => gst::Pad::query_default(pad, parent, query),
        })
        .build()
}

/// Pictures that [`to_yuv`] can read without asking a driver.
fn in_system_memory() -> gst::Caps {
    use gst_video::VideoFormat;
    let formats =
        [VideoFormat::Nv12, VideoFormat::P01010le, VideoFormat::I420, VideoFormat::I42010le, VideoFormat::Y42b, VideoFormat::Y444];
    gst_video::VideoCapsBuilder::new().format_list(formats).build()
}

/// What a decoded picture's planes are: layout, and how many bits of each sample to drop.
const fn layout(format: gst_video::VideoFormat) -> Option<(YuvFormat, u32)> {
    use gst_video::VideoFormat;
    match format {
        VideoFormat::I420 => Some((YuvFormat::I420, 0)),
        VideoFormat::Nv12 => Some((YuvFormat::Nv12, 0)),
        VideoFormat::Y42b => Some((YuvFormat::I422, 0)),
        VideoFormat::Y444 => Some((YuvFormat::I444, 0)),
        // What hardware gives of ten bits: they are the upper ones.
        VideoFormat::P01010le => Some((YuvFormat::Nv12, 8)),
        VideoFormat::I42010le => Some((YuvFormat::I420, 2)),
        VideoFormat::I42210le | VideoFormat::A42210le => Some((YuvFormat::I422, 2)),
        VideoFormat::Y44410le | VideoFormat::A44410le => Some((YuvFormat::I444, 2)),
        VideoFormat::I42212le => Some((YuvFormat::I422, 4)),
        VideoFormat::Y44412le => Some((YuvFormat::I444, 4)),
        _ => None,
    }
}

fn to_yuv(
    buffer: gst::Buffer,
    info: &gst_video::VideoInfo,
    colorimetry: Option<gst_video::VideoColorimetry>,
) -> Result<YuvFrame, DecodeErrorText> {
    let (format, surplus_bits) = layout(info.format()).ok_or_else(|| DecodeErrorText::Format(info.format().to_str().to_string()))?;
    let frame = gst_video::VideoFrame::from_buffer_readable(buffer, info)
        .map_err(|buffer| DecodeErrorText::Failed(format!("a decoded picture of {} bytes cannot be read", buffer.size())))?;
    let (width, height) = (info.width(), info.height());
    let full = colorimetry.is_some_and(|c| c.range() == gst_video::VideoColorRange::Range0_255);
    let range = if full { YuvRange::Full } else { YuvRange::Limited };
    let mut out = YuvFrame { width, height, format, matrix: matrix_of(info, colorimetry), range, data: bytes::Bytes::new() };
    let mut data = Vec::with_capacity(out.expected_bytes());
    let (chroma_width, chroma_height) = out.chroma_size();
    let planes = if format == YuvFormat::Nv12 { 2 } else { 3 };
    for plane in 0..planes {
        let (samples, rows) = match plane {
            0 => (width as usize, height as usize),
            _ if format == YuvFormat::Nv12 => (2 * chroma_width as usize, chroma_height as usize),
            _ => (chroma_width as usize, chroma_height as usize),
        };
        let torn = || DecodeErrorText::Failed("a decoded picture is shorter than its size says".to_owned());
        let source = frame.plane_data(plane).map_err(|e| DecodeErrorText::Failed(e.to_string()))?;
        let stride = usize::try_from(frame.plane_stride()[plane as usize]).unwrap_or(0);
        let row_bytes = if surplus_bits == 0 { samples } else { 2 * samples };
        for row in 0..rows {
            let line = source.get(row * stride..row * stride + row_bytes).ok_or_else(torn)?;
            if surplus_bits == 0 {
                data.extend_from_slice(line);
            } else {
                let (half, max) = (1_u32 << (surplus_bits - 1), 255);
                data.extend(
                    line.chunks_exact(2).map(|s| ((u32::from(u16::from_le_bytes([s[0], s[1]])) + half) >> surplus_bits).min(max) as u8),
                );
            }
        }
    }
    out.data = data.into();
    Ok(out)
}

/// The stream's matrix; streams that do not say are BT.709 from 720 lines or 1280 columns on, else BT.601, as receivers
/// assume.
fn matrix_of(info: &gst_video::VideoInfo, colorimetry: Option<gst_video::VideoColorimetry>) -> YuvMatrix {
    match colorimetry.map(|c| c.matrix()) {
        Some(gst_video::VideoColorMatrix::Bt709) => YuvMatrix::Bt709,
        Some(gst_video::VideoColorMatrix::Bt601 | gst_video::VideoColorMatrix::Fcc) => YuvMatrix::Bt601,
        Some(gst_video::VideoColorMatrix::Bt2020) => YuvMatrix::Bt2020,
        _ if info.width() >= 1280 || info.height() >= 720 => YuvMatrix::Bt709,
        _ => YuvMatrix::Bt601,
    }
}
