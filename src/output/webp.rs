//! An animated WebP: a preview that every browser plays, over and over, in full colour and smaller than a GIF.
//!
//! Pictures are coded one by one by `webpenc`; the container around them is written here
//! (`developers.google.com/speed/webp/docs/riff_container`). Must not know: how pictures were made.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

use gst::prelude::*;

use super::{
    Codec, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, PREVIEW_PX, Sidecar, check_size, sidecar::publish_with_sidecar,
    staging::Staged, video::element,
};
use crate::{frame::Picture, time::FrameRate};

/// Browsers show anything of ten milliseconds or less ten times slower.
const MOST_FPS: f64 = 90.0;
/// Of 100.
const QUALITY: f32 = 82.0;
/// An encoder that gives nothing for so long is dead, seconds.
const STALL_SECS: u64 = 60;
/// The flag of an animation in `VP8X`; of an `ANMF` that replaces what was there.
const ANIMATED: u8 = 0x02;
const REPLACES: u8 = 0x02;

/// A WebP that is being written.
pub(super) struct WebP {
    spec: OutputSpec,
    staged: Staged,
    words: Option<Staged>,
    file: BufWriter<File>,
    coder: Coder,
    written: Vec<FrameReport>,
    bytes: u64,
}

/// Milliseconds that frame `index` is shown: their sum is never more than half of one off.
fn millis(index: u64, rate: FrameRate) -> u32 {
    let at = |index: u64| (rate.frame_nanos(index as i64) + 500_000) / 1_000_000;
    u32::try_from(at(index + 1) - at(index)).unwrap_or(0xff_ffff).min(0xff_ffff)
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut all = name.to_vec();
    all.extend((data.len() as u32).to_le_bytes());
    all.extend(data);
    // Chunks have even sizes.
    all.resize(all.len().next_multiple_of(2), 0);
    all
}

fn three_bytes(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

/// Name and data of the chunks within `data`.
fn chunks(mut data: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = data.split_at_checked(8)?;
        let size = u32::from_le_bytes(head[4..].try_into().ok()?) as usize;
        let own = rest.get(..size)?;
        data = rest.get(size.next_multiple_of(2)..).unwrap_or_default();
        Some((head[..4].try_into().ok()?, own))
    })
}

/// Size of a lossy picture by its own header (RFC 6386, 9.1).
fn size_of_vp8(data: &[u8]) -> Option<(u32, u32)> {
    let header = data.get(3..10).filter(|h| h[..3] == [0x9d, 0x01, 0x2a])?;
    let side = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]) & 0x3fff);
    Some((side(3), side(5)))
}

/// Codes one picture after the other.
struct Coder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
}

impl Coder {
    fn open(spec: &OutputSpec) -> Result<Self, OutputError> {
        let broken = |problem: String| OutputError::Pipeline { path: spec.path.clone(), problem };
        gst::init().map_err(|e| broken(e.to_string()))?;
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "RGBA")
            .field("width", spec.width_px as i32)
            .field("height", spec.height_px as i32)
            .field("framerate", gst::Fraction::new(spec.rate.numerator() as i32, spec.rate.denominator() as i32))
            .build();
        let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).is_live(false).max_buffers(2).build();
        let encoder = element("webpenc")?;
        encoder.set_property("quality", QUALITY);
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        let chain = [source.clone().upcast(), encoder, sink.clone().upcast()];
        pipeline.add_many(&chain).and_then(|()| gst::Element::link_many(&chain)).map_err(|e| broken(e.to_string()))?;
        pipeline.set_state(gst::State::Playing).map_err(|e| broken(e.to_string()))?;
        Ok(Self { pipeline, source, sink })
    }

    /// The picture's own chunks, without the file around them.
    fn code(&self, picture: &Picture, nanos: i64) -> Result<Vec<u8>, String> {
        let mut rgba = picture.rgba().to_vec();
        // A film has no holes.
        rgba.chunks_exact_mut(4).for_each(|px| px[3] = 255);
        let mut buffer = gst::Buffer::from_mut_slice(rgba);
        if let Some(own) = buffer.get_mut() {
            own.set_pts(gst::ClockTime::from_nseconds(nanos.max(0) as u64));
        }
        self.source.push_buffer(buffer).map_err(|e| e.to_string())?;
        let sample = self.sink.try_pull_sample(gst::ClockTime::from_seconds(STALL_SECS)).ok_or("its encoder gives nothing")?;
        let map = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or("its encoder gives an empty picture")?;
        let own = chunks(map.get(12..).unwrap_or_default()).filter(|(name, _)| [*b"VP8 ", *b"VP8L", *b"ALPH"].contains(name));
        let coded: Vec<u8> = own.flat_map(|(name, data)| chunk(name, data)).collect();
        if coded.is_empty() { Err("its encoder gives no WebP".to_owned()) } else { Ok(coded) }
    }
}

impl Drop for Coder {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).ok();
    }
}

impl WebP {
    pub(super) fn open(spec: OutputSpec) -> Result<Self, OutputError> {
        if spec.width_px.max(spec.height_px) > PREVIEW_PX {
            let problem = "a WebP preview has at most 2048 px a side. Choose a smaller --size";
            return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem });
        }
        if spec.rate.fps() > MOST_FPS {
            let problem = "a WebP plays at most 90 pictures a second. Choose a lower --rate, such as 50".to_owned();
            return Err(OutputError::Pipeline { path: spec.path, problem });
        }
        let coder = Coder::open(&spec)?;
        let staged = Staged::create(&spec.path, spec.overwrite)?;
        let words = Sidecar::reserve_for(&spec)?;
        let io = |e: std::io::Error| OutputError::io(&spec.path, e);
        let mut file = BufWriter::new(File::create(staged.temporary()).map_err(io)?);
        let (w, h) = (three_bytes(spec.width_px - 1), three_bytes(spec.height_px - 1));
        // Its size is written at the end.
        let mut head = b"RIFF\0\0\0\0WEBP".to_vec();
        head.extend(chunk(*b"VP8X", &[[ANIMATED, 0, 0, 0].as_slice(), &w, &h].concat()));
        // Black behind; over and over.
        head.extend(chunk(*b"ANIM", &[0, 0, 0, 255, 0, 0]));
        file.write_all(&head).map_err(io)?;
        Ok(Self { staged, words, file, coder, written: Vec::new(), bytes: head.len() as u64, spec })
    }

    fn broken(&self, problem: String) -> OutputError {
        OutputError::Pipeline { path: self.spec.path.clone(), problem }
    }

    /// Reads the file back: how many pictures there are, each of the right size.
    fn verify(&self) -> Result<u64, OutputError> {
        let wrong = |problem: String| OutputError::Verify { path: self.spec.path.clone(), problem };
        let io = |e: std::io::Error| OutputError::io(&self.spec.path, e);
        let mut file = BufReader::new(File::open(self.staged.temporary()).map_err(io)?);
        let mut head = [0; 12];
        file.read_exact(&mut head).map_err(io)?;
        let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]])) + 8;
        if &head[..4] != b"RIFF" || &head[8..] != b"WEBP" || size != self.bytes {
            return Err(wrong("its head is wrong".to_owned()));
        }
        let (mut at, mut frames) = (12, 0);
        while at < size {
            let mut head = [0; 8];
            file.read_exact(&mut head).map_err(io)?;
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]).next_multiple_of(2);
            let mut data = vec![0; length as usize];
            file.read_exact(&mut data).map_err(io)?;
            at += 8 + u64::from(length);
            if &head[..4] == b"ANMF" {
                let of_picture = chunks(data.get(16..).unwrap_or_default()).find(|(name, _)| name == b"VP8 ");
                if of_picture.and_then(|(_, data)| size_of_vp8(data)) != Some((self.spec.width_px, self.spec.height_px)) {
                    return Err(wrong(format!("picture {frames} has another size")));
                }
                frames += 1;
            }
        }
        if frames == self.written.len() as u64 {
            Ok(frames)
        } else {
            Err(wrong(format!("{frames} of {} pictures are there", self.written.len())))
        }
    }
}

impl FrameSink for WebP {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        if self.spec.cancel.is_cancelled() {
            return Err(OutputError::Cancelled);
        }
        check_size(&self.spec, picture)?;
        let (index, rate) = (self.written.len() as u64, self.spec.rate);
        let coded = self.coder.code(picture, rate.frame_nanos(index as i64)).map_err(|e| self.broken(e))?;
        let mut data = vec![0; 6];
        for value in [self.spec.width_px - 1, self.spec.height_px - 1, millis(index, rate)] {
            data.extend(three_bytes(value));
        }
        data.push(REPLACES);
        data.extend(coded);
        let frame = chunk(*b"ANMF", &data);
        if self.bytes + frame.len() as u64 > u64::from(u32::MAX) {
            return Err(self.broken("a WebP holds 4 GB at most. Choose a smaller --size".to_owned()));
        }
        self.file.write_all(&frame).map_err(|e| OutputError::io(&self.spec.path, e))?;
        self.bytes += frame.len() as u64;
        self.written.push(report.numbered(index, rate));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        let size = (self.bytes - 8) as u32;
        let file = &mut self.file;
        let ended = file.seek(SeekFrom::Start(4)).and_then(|_| file.write_all(&size.to_le_bytes())).and_then(|()| file.flush());
        ended.map_err(|e| OutputError::io(&self.spec.path, e))?;
        self.staged.sync()?;
        let frames = self.verify()?;
        let Self { staged, words, spec, written, .. } = *self;
        publish_with_sidecar(staged, words, &spec, Codec::WebP, (written, frames))
    }

    fn cancel(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_read_as_they_are_written_and_rubbish_ends_them() {
        let all = [chunk(*b"ABCD", &[1, 2, 3]), chunk(*b"EFGH", &[])].concat();
        assert_eq!(all.len(), 8 + 4 + 8);
        let read: Vec<_> = chunks(&all).collect();
        assert_eq!(read, [(*b"ABCD", &[1, 2, 3][..]), (*b"EFGH", &[][..])]);
        assert_eq!(chunks(&all[..10]).count(), 0);
        assert_eq!(size_of_vp8(&[0; 20]), None);
    }

    #[test]
    fn times_add_up_whatever_the_rate() {
        for rate in ["25", "29.97", "59.94"] {
            let rate: FrameRate = rate.parse().unwrap();
            let sum: i64 = (0..600).map(|k| i64::from(millis(k, rate))).sum();
            assert!((sum * 1_000_000 - rate.frame_nanos(600)).abs() <= 500_000, "{rate}: {sum}");
        }
    }
}
