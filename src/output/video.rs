//! Video files by GStreamer: appsrc → encoder → parser → muxer → file.
//!
//! The queue into the encoder is lossless and bounded: `write` waits for room and meanwhile listens for errors, so a
//! full disk can neither lose a frame silently nor block forever.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use gst::prelude::*;

use super::{
    Codec, Container, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, Sidecar,
    av1::tag_bt709,
    check_size,
    film_sound::FilmSound,
    planes_420_8bit, planes_422_10bit,
    provenance::Hashed,
    sha256_of_bytes,
    staging::{Staged, publish_both},
    undated::{label_mxf, undate, unquote},
    verify,
};
use crate::frame::Picture;

/// Frames that may wait for the encoder.
pub(super) const LOSSLESS_QUEUE_FRAMES: u64 = 4;
/// An encoder that takes nothing for so long is dead.
const STALL: Duration = Duration::from_mins(2);

/// One video file.
#[derive(Debug)]
pub(super) struct VideoFile {
    spec: OutputSpec,
    container: Container,
    codec: Codec,
    pipeline: gst::Pipeline,
    muxer: gst::Element,
    source: gst_app::AppSrc,
    sound: Option<FilmSound>,
    bus: gst::Bus,
    info: gst_video::VideoInfo,
    written: Vec<FrameReport>,
    /// The muxer's own scratch file.
    scratch: PathBuf,
    staged: Option<Staged>,
    /// The place of the words about it.
    words: Option<Staged>,
}

/// Where pictures of a file go in, as they come: nothing is dropped, and whoever writes waits while [`LOSSLESS_QUEUE_FRAMES`] are on their way.
pub(super) fn frame_source(caps: &gst::Caps) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(false)
        .block(false)
        .max_bytes(0)
        .max_time(gst::ClockTime::ZERO)
        .max_buffers(LOSSLESS_QUEUE_FRAMES)
        .build()
}

/// Makes an element, or names the package that has it.
pub(super) fn element(name: &str) -> Result<gst::Element, OutputError> {
    let package = match name {
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "avenc_prores_ks" | "avenc_dnxhd" | "avdec_dnxhd" | "avdec_h264" | "avdec_h265" | "avdec_prores" => "gstreamer1.0-libav",
        "x265enc" | "h264parse" | "h265parse" | "voaacenc" | "webpenc" | "mxfmux" | "mxfdemux" | "av1enc" | "av1dec" | "av1parse" => {
            "gstreamer1.0-plugins-bad"
        }
        "filesrc" | "filesink" => "libgstreamer1.0-0",
        "appsrc" | "appsink" | "videoconvert" | "audioconvert" => "gstreamer1.0-plugins-base",
        _ => "gstreamer1.0-plugins-good",
    };
    let missing = || OutputError::Plugin { element: name.to_owned(), package };
    gst::ElementFactory::find(name).ok_or_else(missing)?.create().build().map_err(|e| {
        tracing::error!(element = name, error = %e, "GStreamer cannot make the element");
        missing()
    })
}

impl VideoFile {
    pub(super) fn open(spec: OutputSpec, container: Container, codec: Codec, sound: bool) -> Result<Self, OutputError> {
        let broken = |problem: String| OutputError::Pipeline { path: spec.path.clone(), problem };
        gst::init().map_err(|e| broken(e.to_string()))?;
        let format = if is_ten_bits(codec) { gst_video::VideoFormat::I42210le } else { gst_video::VideoFormat::I420 };
        let fps = gst::Fraction::new(spec.rate.numerator() as i32, spec.rate.denominator() as i32);
        let colorimetry = gst_video::VideoColorimetry::new(
            gst_video::VideoColorRange::Range16_235,
            gst_video::VideoColorMatrix::Bt709,
            gst_video::VideoTransferFunction::Bt709,
            gst_video::VideoColorPrimaries::Bt709,
        );
        let info = gst_video::VideoInfo::builder(format, spec.width_px, spec.height_px)
            .fps(fps)
            .par(gst::Fraction::new(1, 1))
            .interlace_mode(gst_video::VideoInterlaceMode::Progressive)
            .colorimetry(&colorimetry)
            .chroma_site(gst_video::VideoChromaSite::MPEG2)
            .build()
            .map_err(|e| broken(e.to_string()))?;
        let caps = info.to_caps().map_err(|e| broken(e.to_string()))?;

        let (coding, parser) = encoder_of(codec, &spec)?;
        let sound = if sound { Some(FilmSound::open(codec)?) } else { None };
        let muxer = element(match container {
            Container::Mp4 => "mp4mux",
            Container::Matroska => "matroskamux",
            Container::Mxf => "mxfmux",
            Container::QuickTime | Container::Sequence | Container::Page | Container::Gif | Container::WebP | Container::Avif => "qtmux",
        })?;
        let sink = element("filesink")?;
        // Only now touch the disk: a missing plugin leaves nothing.
        let staged = Staged::create(&spec.path, spec.overwrite)?;
        let words = Sidecar::reserve_for(&spec)?;
        let scratch = staged.temporary().with_extension("scratch");
        if matches!(container, Container::Mp4 | Container::QuickTime) {
            // The index goes in front, so that the file plays while it is still being copied or uploaded.
            muxer.set_property("faststart", true);
            muxer.set_property("faststart-file", scratch.to_string_lossy().as_ref());
        }
        if container == Container::Matroska {
            name_by_content(&muxer, &spec, codec, sound.is_some());
        }
        sink.set_property("location", staged.temporary().to_string_lossy().as_ref());
        sink.set_property("sync", false);

        let source = frame_source(&caps);
        let pipeline = gst::Pipeline::new();
        let mut chain = vec![source.clone().upcast::<gst::Element>()];
        chain.extend(coding);
        chain.extend(parser);
        chain.extend([muxer.clone(), sink]);
        pipeline.add_many(&chain).map_err(|e| broken(e.to_string()))?;
        gst::Element::link_many(&chain).map_err(|e| broken(e.to_string()))?;
        if let Some(sound) = &sound {
            sound.join(&pipeline, &muxer).map_err(|e| broken(e.to_string()))?;
        }
        let bus = pipeline.bus().ok_or_else(|| broken("the pipeline has no bus".to_owned()))?;
        let (written, staged) = (vec![], Some(staged));
        let file = Self { spec, container, codec, pipeline, muxer, source, sound, bus, info, written, scratch, staged, words };
        if let Err(e) = file.pipeline.set_state(gst::State::Playing) {
            return Err(file.error_now().unwrap_or_else(|| file.broken(e.to_string())));
        }
        Ok(file)
    }

    fn broken(&self, problem: String) -> OutputError {
        OutputError::Pipeline { path: self.spec.path.clone(), problem }
    }

    /// The error that waits on the bus.
    fn error_now(&self) -> Option<OutputError> {
        self.bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error]).map(|m| self.error_of(&m))
    }

    fn error_of(&self, message: &gst::Message) -> OutputError {
        let gst::MessageView::Error(e) = message.view() else {
            return self.broken("it ended early".to_owned());
        };
        let details = e.debug().map(|d| d.to_string()).unwrap_or_default();
        if e.error().matches(gst::ResourceError::NoSpaceLeft) || details.contains("No space left") {
            return OutputError::DiskFull { path: self.spec.path.clone() };
        }
        let details = details.lines().last().unwrap_or_default();
        self.broken(format!("{} ({details})", e.error()))
    }

    /// Gives the first frame its timecode: containers that have a track for it count on from there.
    fn label(&self, buffer: &mut gst::BufferRef, report: &FrameReport) {
        let rate = self.spec.rate;
        let parts: Vec<u32> = report.timecode.split([':', ';']).filter_map(|p| p.parse().ok()).collect();
        let [h, m, s, f] = parts[..] else { return };
        let drops =
            if report.timecode.contains(';') { gst_video::VideoTimeCodeFlags::DROP_FRAME } else { gst_video::VideoTimeCodeFlags::empty() };
        let fps = gst::Fraction::new(rate.numerator() as i32, rate.denominator() as i32);
        let code = gst_video::VideoTimeCode::new(fps, None, drops, h, m, s, f, 0);
        if let Ok(code) = gst_video::ValidVideoTimeCode::try_from(code) {
            gst_video::VideoTimeCodeMeta::add(buffer, &code);
        }
    }

    fn wait_for_room(&self) -> Result<(), OutputError> {
        let start = Instant::now();
        loop {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            let has_room = self.source.current_level_buffers() < LOSSLESS_QUEUE_FRAMES;
            let patience = if has_room { gst::ClockTime::ZERO } else { gst::ClockTime::from_mseconds(2) };
            if let Some(message) = self.bus.timed_pop_filtered(patience, &[gst::MessageType::Error]) {
                return Err(self.error_of(&message));
            }
            if has_room {
                return Ok(());
            }
            if start.elapsed() > STALL {
                return Err(OutputError::Stalled { path: self.spec.path.clone(), secs: STALL.as_secs() });
            }
        }
    }

    /// The words about all that was written, where they are wanted.
    fn sidecar(&self) -> Option<Sidecar> {
        let header = self.spec.sidecar.as_ref()?;
        let name = self.spec.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Some(Sidecar::new(&self.spec, self.codec, &name, header, self.written.clone()))
    }

    /// Waits until everything has reached the file.
    fn drain(&self) -> Result<(), OutputError> {
        if let Some(sound) = &self.sound {
            sound.end();
        }
        self.source.end_of_stream().map_err(|e| self.error_now().unwrap_or_else(|| self.broken(e.to_string())))?;
        let mut start = Instant::now();
        let mut bytes = 0;
        loop {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
            if let Some(message) = self.bus.timed_pop_filtered(gst::ClockTime::from_mseconds(50), &wanted) {
                return if message.type_() == gst::MessageType::Eos { Ok(()) } else { Err(self.error_of(&message)) };
            }
            let on_disk = self.staged.as_ref().map_or(0, Staged::bytes) + std::fs::metadata(&self.scratch).map_or(0, |m| m.len());
            if on_disk != bytes {
                (bytes, start) = (on_disk, Instant::now());
            }
            if start.elapsed() > STALL {
                return Err(OutputError::Stalled { path: self.spec.path.clone(), secs: STALL.as_secs() });
            }
        }
    }

    fn stop(&self) {
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%error, "the encoder does not stop cleanly");
        }
        // The muxer removes its scratch file itself when it ends well.
        let _ = std::fs::remove_file(&self.scratch);
    }
}

impl FrameSink for VideoFile {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        check_size(&self.spec, picture)?;
        let report = report.numbered(self.written.len() as u64, self.spec.rate);
        let planes = if is_ten_bits(self.codec) { planes_422_10bit(picture) } else { planes_420_8bit(picture) };
        if planes.data.len() != self.info.size() || planes.luma_stride as i32 != self.info.stride()[0] {
            return Err(self.broken(format!("it wants {} bytes per frame, not {}", self.info.size(), planes.data.len())));
        }
        let index = self.written.len() as i64;
        let (pts, next) = (self.spec.rate.frame_nanos(index), self.spec.rate.frame_nanos(index + 1));
        let mut buffer = gst::Buffer::from_mut_slice(planes.data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts as u64));
            buffer.set_duration(gst::ClockTime::from_nseconds((next - pts) as u64));
            if index == 0 {
                self.label(buffer, &report);
            }
        }
        self.wait_for_room()?;
        self.source.push_buffer(buffer).map_err(|e| self.error_now().unwrap_or_else(|| self.broken(e.to_string())))?;
        self.written.push(report);
        Ok(())
    }

    fn write_sound(&mut self, samples: &[crate::sound::Stereo]) -> Result<(), OutputError> {
        if let Some(sound) = &mut self.sound
            && let Err(problem) = sound.write(samples)
        {
            return Err(self.error_now().unwrap_or_else(|| self.broken(problem)));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        let sidecar = self.sidecar();
        if let (Some(sidecar), Some(tags)) = (&sidecar, self.muxer.dynamic_cast_ref::<gst::TagSetter>()) {
            // The muxer writes its tags when the stream ends.
            tags.add_tag::<gst::tags::Comment>(&sidecar.comment().as_str(), gst::TagMergeMode::Replace);
        }
        self.drain()?;
        self.stop();
        let Some(staged) = self.staged.take() else {
            return Err(self.broken("it was finished twice".to_owned()));
        };
        let frames = self.written.len() as u64;
        if matches!(self.container, Container::Mp4 | Container::QuickTime) {
            undate(staged.temporary()).map_err(|e| OutputError::io(&self.spec.path, e))?;
        } else if self.container == Container::Mxf {
            let (first, drops) =
                self.written.first().and_then(|report| frame_of_label(&report.timecode, self.spec.rate.fps())).unwrap_or_default();
            let places = label_mxf(staged.temporary(), first, drops).map_err(|e| OutputError::io(&self.spec.path, e))?;
            // Of the material and of the file itself.
            if places < 2 {
                let problem = format!("its timecode stands in {places} places instead of two or more");
                return Err(OutputError::Verify { path: self.spec.path.clone(), problem });
            }
        } else if let (Some(sidecar), Container::Matroska) = (&sidecar, self.container) {
            unquote(staged.temporary(), &sidecar.comment()).map_err(|e| OutputError::io(&self.spec.path, e))?;
        }
        if let Some(sidecar) = &sidecar {
            sidecar.sign(staged.temporary(), &self.spec.path)?;
        }
        verify::verify(staged.temporary(), &self.spec, self.container, self.codec, frames)?;
        staged.sync()?;
        let bytes = staged.bytes();
        let words = self.words.take();
        if let (Some(mut sidecar), Some(words)) = (sidecar, &words) {
            sidecar.files = vec![Hashed::of(staged.temporary(), &sidecar.file)?];
            sidecar.write_to(words)?;
        }
        let (path, sidecar) = publish_both(staged, words)?;
        Ok(OutputSummary { path, sidecar, frames, bytes })
    }

    fn cancel(self: Box<Self>) {}
}

impl Drop for VideoFile {
    fn drop(&mut self) {
        // Before the staged file goes, so that nobody writes to it any more.
        self.stop();
    }
}

/// Matroska gives every file and track a number by chance, and a date. The same pictures are to give the same bytes, so the numbers follow
/// from what is written: they are drawn right after the dice are set, by the thread that sets them.
fn name_by_content(muxer: &gst::Element, spec: &OutputSpec, codec: Codec, sound: bool) {
    let (w, h) = (spec.width_px, spec.height_px);
    let what = format!("{w} {h} {} {} {:?}", spec.rate, codec.name(), spec.sidecar);
    let seed = u32::from_str_radix(&sha256_of_bytes(what.as_bytes())[..8], 16).unwrap_or_default();
    if muxer.has_property("creation-time") {
        // Where Matroska's own time begins.
        muxer.set_property("creation-time", gst::glib::DateTime::from_utc(2001, 1, 1, 0, 0, 0.0).ok());
    }
    // The track's number is drawn with its pad, the file's when it begins.
    gst::glib::random_set_seed(!seed);
    let begins = muxer.request_pad_simple("video_%u");
    if sound {
        muxer.request_pad_simple("audio_%u");
    }
    real_chance();
    let Some(begins) = begins else { return };
    begins.add_probe(gst::PadProbeType::BUFFER, move |_pad, _info| {
        gst::glib::random_set_seed(seed);
        gst::PadProbeReturn::Remove
    });
    if let Some(goes) = muxer.static_pad("src") {
        // Others in this process want real chance again.
        let drawn = std::sync::atomic::AtomicU32::new(0);
        goes.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_pad, info| {
            let is_frame = drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 || info.buffer().is_none();
            if !is_frame {
                return gst::PadProbeReturn::Ok;
            }
            real_chance();
            gst::PadProbeReturn::Remove
        });
    }
}

/// Dice that nobody knows, as before.
fn real_chance() {
    use std::hash::{BuildHasher as _, Hasher as _};
    gst::glib::random_set_seed(std::collections::hash_map::RandomState::new().build_hasher().finish() as u32);
}

/// Frames since midnight of a label, and whether labels are dropped (SMPTE ST 12-1).
fn frame_of_label(label: &str, fps: f64) -> Option<(u64, bool)> {
    let parts: Vec<u64> = label.split([':', ';']).filter_map(|p| p.parse().ok()).collect();
    let [h, m, s, f] = parts[..] else { return None };
    let (per_sec, drops, minutes) = (fps.round() as u64, label.contains(';'), h * 60 + m);
    let dropped = if drops { per_sec / 15 * (minutes - minutes / 10) } else { 0 };
    Some((((minutes * 60 + s) * per_sec + f).saturating_sub(dropped), drops))
}

/// Codecs for editing.
const fn is_ten_bits(codec: Codec) -> bool {
    matches!(codec, Codec::ProRes | Codec::DnxHr)
}

/// The encoder, set up for a picture without visible loss, and its parser.
pub(super) fn encoder_of(codec: Codec, spec: &OutputSpec) -> Result<(Vec<gst::Element>, Option<gst::Element>), OutputError> {
    // A key frame per second: editors and players jump without waiting.
    let key_frames = (spec.rate.fps().round() as u32).max(1);
    match codec {
        Codec::H265 => {
            let encoder = element("x265enc")?;
            encoder.set_property_from_str("speed-preset", "fast");
            encoder.set_property_from_str("log-level", "none");
            encoder.set_property("key-int-max", key_frames as i32);
            // How many frames are coded at a time changes the bytes; how many threads share them does not.
            let frames = if spec.threads == 0 { String::new() } else { format!(":frame-threads={}", spec.threads.min(16)) };
            encoder.set_property("option-string", format!("crf=18{frames}").as_str());
            Ok((vec![encoder], Some(element("h265parse")?)))
        }
        Codec::Av1 | Codec::Avif => {
            let encoder = element("av1enc")?;
            encoder.set_property_from_str("usage-profile", "good-quality");
            encoder.set_property_from_str("end-usage", "q");
            encoder.set_property("cpu-used", 6_i32);
            // Left at its standard, zero, the highest is below what libaom chooses, and it ends the whole program.
            encoder.set_property("min-quantizer", 16_u32);
            encoder.set_property("max-quantizer", 32_u32);
            encoder.set_property("lag-in-frames", 19_u32);
            encoder.set_property("keyframe-max-dist", key_frames as i32);
            encoder.set_property("threads", spec.threads);
            encoder.set_property("tile-columns", 1_u32);
            tag_bt709(&encoder);
            Ok((vec![encoder], Some(element("av1parse")?)))
        }
        Codec::ProRes => {
            let encoder = element("avenc_prores_ks")?;
            encoder.set_property_from_str("profile", "3");
            if let Some(pad) = encoder.static_pad("src") {
                pad.add_probe(gst::PadProbeType::BUFFER, |_pad, info| {
                    if let Some(gst::PadProbeData::Buffer(buffer)) = info.data.as_mut() {
                        tag_prores_bt709(buffer);
                    }
                    gst::PadProbeReturn::Ok
                });
            }
            Ok((vec![encoder], None))
        }
        Codec::Mjpeg => {
            // Full range and BT.601, which is what JPEG means.
            let caps = gst::Caps::builder("video/x-raw").field("format", "Y42B").field("colorimetry", "1:4:0:1").build();
            let filter = element("capsfilter")?;
            filter.set_property("caps", &caps);
            let encoder = element("jpegenc")?;
            encoder.set_property("quality", 92_i32);
            Ok((vec![element("videoconvert")?, filter, encoder], None))
        }
        Codec::DnxHr => {
            let encoder = element("avenc_dnxhd")?;
            encoder.set_property_from_str("profile", "dnxhr_hqx");
            Ok((vec![encoder], None))
        }
        Codec::H264 | Codec::Gif | Codec::WebP | Codec::Png | Codec::Jpeg | Codec::Exr => {
            let encoder = element("x264enc")?;
            encoder.set_property_from_str("speed-preset", "fast");
            encoder.set_property_from_str("pass", "qual");
            encoder.set_property("quantizer", 17_u32);
            // Else the element caps constant quality at its default bit rate.
            encoder.set_property("vbv-buf-capacity", 0_u32);
            encoder.set_property("bframes", 2_u32);
            // With B-frames x264's tree reads memory that nobody wrote: the same pictures gave other bytes whenever the allocator handed
            // out used memory. Without it all macroblocks of a picture are coded alike, for a fifth more bytes.
            encoder.set_property("mb-tree", false);
            encoder.set_property("key-int-max", key_frames);
            encoder.set_property("threads", spec.threads);
            Ok((vec![encoder], Some(element("h264parse")?)))
        }
    }
}

/// The encoder leaves the colour fields of ProRes frame headers "unspecified"; write BT.709 there.
/// (SMPTE RDD 36, 5.1 and 6.1.1: frame size, 'icpf', then header size 2, version 2, encoder 4, width 2, height 2, flags 2,
/// colour primaries, transfer, matrix, one byte each.)
pub(super) fn tag_prores_bt709(buffer: &mut gst::Buffer) {
    if let Ok(mut map) = buffer.make_mut().map_writable() {
        let bytes = map.as_mut_slice();
        if bytes.len() > 28 && &bytes[4..8] == b"icpf" {
            bytes[22..25].copy_from_slice(&[1, 1, 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::program::Timecode;

    #[test]
    fn labels_are_counted_as_they_are_made() {
        for rate in ["25", "29.97", "50", "59.94"] {
            let rate: crate::time::FrameRate = rate.parse().unwrap();
            for frame in [0, 1, 1799, 1800, 17_982, 107_892, 1_000_001] {
                let label = Timecode::of_frame(frame, rate);
                assert_eq!(frame_of_label(&label.to_string(), rate.fps()), Some((frame, label.drop_frame)), "{label} at {rate}");
            }
        }
        assert_eq!(frame_of_label("", 25.0), None);
    }
}
