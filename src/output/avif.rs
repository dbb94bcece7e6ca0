//! An AVIF: a preview of a few kilobytes a picture that browsers play, over and over; with a single picture a still.
//!
//! Pictures are coded by `av1enc`; the container around them is written here, because GStreamer has no element that writes it (the one of its
//! libav plugin refuses AV1). The first picture is an item, which viewers of stills show, and the first sample of a track, which players play.
//! ISO/IEC 14496-12 (boxes), 23008-12 (items, image sequences), AV1 Image File Format 1.1, AV1 Codec ISO Media File Format Binding 1.2.
//! Must not know: how pictures were made.

use std::fs;

use gst::prelude::*;

use super::{
    Codec, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, PREVIEW_PX, Sidecar,
    av1::{bare_sample, configuration, read_back, tag_color},
    check_size, planes_420_8bit,
    sidecar::publish_with_sidecar,
    staging::Staged,
    video::{LOSSLESS_QUEUE_FRAMES, element, encoder_of, frame_source},
};
use crate::{frame::Picture, time::FrameRate};

/// Coded pictures are kept until all are there, because the index stands before them: at most so many bytes.
const MOST_BYTES: u64 = 512 << 20;
/// An encoder that gives nothing for so long is dead, seconds.
const STALL_SECS: u64 = 120;
/// As pages show pictures without a profile, too: BT.709 primaries, the transfer of sRGB, BT.709's matrix (ISO/IEC 23091-2).
const COLOR: [u8; 3] = [1, 13, 1];

/// An AVIF that is being written.
pub(super) struct Avif {
    spec: OutputSpec,
    staged: Staged,
    words: Option<Staged>,
    pipeline: Running,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
    written: Vec<FrameReport>,
    samples: Vec<Sample>,
    /// The codec's configuration record, `av1C`.
    configuration: Vec<u8>,
    bytes: u64,
}

/// A pipeline that ends with its file, however that ends.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.set_state(gst::State::Null) {
            tracing::warn!(%error, "the encoder does not stop cleanly");
        }
    }
}

/// A coded picture.
struct Sample {
    data: Vec<u8>,
    is_key: bool,
}

/// A box.
fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = 8 + parts.iter().map(|p| p.len()).sum::<usize>();
    let mut all = (size as u32).to_be_bytes().to_vec();
    all.extend(name);
    for part in parts {
        all.extend(*part);
    }
    all
}

/// A box with version and flags.
fn full(name: [u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    let mut all: Vec<&[u8]> = vec![&head];
    all.extend(parts);
    boxed(name, &all)
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

/// Everything before the pictures. `at` is where the first one will stand.
struct Index<'a> {
    size_px: (u32, u32),
    rate: FrameRate,
    samples: &'a [Sample],
    configuration: &'a [u8],
}

impl Index<'_> {
    fn written(&self, at: u32) -> Vec<u8> {
        let is_film = self.samples.len() > 1;
        let brands: &[&[u8]] =
            if is_film { &[b"avis", &[0; 4], b"avisavifmsf1iso8mif1miafMA1B"] } else { &[b"avif", &[0; 4], b"avifmif1miafMA1B"] };
        let mut all = boxed(*b"ftyp", brands);
        all.extend(self.item(at));
        if is_film {
            all.extend(self.track(at));
        }
        all
    }

    /// `av1C` and `colr`, the same for the item and the track.
    fn looks(&self) -> (Vec<u8>, Vec<u8>) {
        let [primaries, transfer, matrix] = COLOR.map(u16::from);
        let color = [primaries, transfer, matrix].map(u16::to_be_bytes).concat();
        // Limited range.
        (boxed(*b"av1C", &[self.configuration]), boxed(*b"colr", &[b"nclx", &color, &[0]]))
    }

    /// The first picture as a still.
    fn item(&self, at: u32) -> Vec<u8> {
        let (w, h) = self.size_px;
        let (codec, color) = self.looks();
        let properties = [full(*b"ispe", 0, 0, &[&words(&[w, h])]), full(*b"pixi", 0, 0, &[&[3, 8, 8, 8]]), codec, color].concat();
        // All four; the codec's own is essential.
        let of_item = full(*b"ipma", 0, 0, &[&words(&[1]), &[0, 1, 4, 1, 2, 0x83, 4]]);
        let first = self.samples.first().map_or(0, |s| s.data.len() as u32);
        // Offsets and lengths of four bytes, no base; one item in one piece.
        let place = full(*b"iloc", 0, 0, &[&[0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1], &words(&[at, first])]);
        let kind = full(*b"infe", 2, 0, &[&[0, 1, 0, 0], b"av01", b"\0"]);
        full(
            *b"meta",
            0,
            0,
            &[
                &handler(),
                &full(*b"pitm", 0, 0, &[&[0, 1]]),
                &place,
                &full(*b"iinf", 0, 0, &[&[0, 1], &kind]),
                &boxed(*b"iprp", &[&boxed(*b"ipco", &[&properties]), &of_item]),
            ],
        )
    }

    /// All pictures as a film that begins again at its end.
    fn track(&self, at: u32) -> Vec<u8> {
        let (n, d) = (self.rate.numerator(), self.rate.denominator());
        let count = self.samples.len() as u32;
        let length = u64::from(count) * u64::from(d);
        let (w, h) = self.size_px;
        let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
        // It repeats, so there is no end of it; the edit list says how long one round is.
        let endless = u64::MAX.to_be_bytes();
        let dates = [0; 16];
        let movie = full(
            *b"mvhd",
            1,
            0,
            &[&dates, &words(&[n]), &endless, &words(&[0x1_0000, 0x0100_0000, 0, 0]), &matrix, &[0; 24], &words(&[2])],
        );
        let head = full(*b"tkhd", 1, 3, &[&dates, &words(&[1, 0]), &endless, &[0; 8], &[0; 8], &matrix, &words(&[w << 16, h << 16])]);
        let edit = full(*b"elst", 1, 1, &[&words(&[1]), &length.to_be_bytes(), &[0; 8], &words(&[0x1_0000])]);
        let media = full(*b"mdhd", 1, 0, &[&dates, &words(&[n]), &length.to_be_bytes(), &words(&[0x55c4_0000])]);
        let source = full(*b"dref", 0, 0, &[&words(&[1]), &full(*b"url ", 0, 1, &[])]);
        let info = boxed(*b"minf", &[&full(*b"vmhd", 0, 1, &[&[0; 8]]), &boxed(*b"dinf", &[&source]), &self.table(at, d)]);
        let media = boxed(*b"mdia", &[&media, &handler(), &info]);
        boxed(*b"moov", &[&movie, &boxed(*b"trak", &[&head, &boxed(*b"edts", &[&edit]), &media])])
    }

    /// Where each picture stands, and how it is coded.
    fn table(&self, at: u32, ticks: u32) -> Vec<u8> {
        let (w, h) = self.size_px;
        let (codec, color) = self.looks();
        let size = [(w as u16).to_be_bytes(), (h as u16).to_be_bytes()].concat();
        let entry = boxed(
            *b"av01",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &size,
                &words(&[0x48_0000, 0x48_0000, 0]),
                &[0, 1],
                &[0; 32],
                &[0, 24, 0xff, 0xff],
                &codec,
                &color,
                // Pictures may need any before them.
                &full(*b"ccst", 0, 0, &[&words(&[0x7c00_0000])]),
            ],
        );
        let count = self.samples.len() as u32;
        let sizes: Vec<u32> = self.samples.iter().map(|s| s.data.len() as u32).collect();
        let keys: Vec<u32> = (1..).zip(self.samples).filter(|(_, s)| s.is_key).map(|(k, _)| k).collect();
        boxed(
            *b"stbl",
            &[
                &full(*b"stsd", 0, 0, &[&words(&[1]), &entry]),
                &full(*b"stts", 0, 0, &[&words(&[1, count, ticks])]),
                &full(*b"stsc", 0, 0, &[&words(&[1, 1, count, 1])]),
                &full(*b"stsz", 0, 0, &[&words(&[0, count]), &words(&sizes)]),
                &full(*b"stss", 0, 0, &[&words(&[keys.len() as u32]), &words(&keys)]),
                &full(*b"stco", 0, 0, &[&words(&[1, at])]),
            ],
        )
    }
}

fn handler() -> Vec<u8> {
    full(*b"hdlr", 0, 0, &[&[0; 4], b"pict", &[0; 12], b"\0"])
}

impl Avif {
    pub(super) fn open(spec: OutputSpec) -> Result<Self, OutputError> {
        if spec.width_px.max(spec.height_px) > PREVIEW_PX {
            let problem = "an AVIF preview has at most 2048 px a side. Choose a smaller --size";
            return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem });
        }
        let broken = |problem: String| OutputError::Pipeline { path: spec.path.clone(), problem };
        gst::init().map_err(|e| broken(e.to_string()))?;
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", spec.width_px as i32)
            .field("height", spec.height_px as i32)
            .field("framerate", gst::Fraction::new(spec.rate.numerator() as i32, spec.rate.denominator() as i32))
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("interlace-mode", "progressive")
            .field("colorimetry", "bt709")
            .field("chroma-site", "mpeg2")
            .build();
        let source = frame_source(&caps);
        let (coding, parser) = encoder_of(Codec::Av1, &spec)?;
        for encoder in &coding {
            tag_color(encoder, COLOR);
        }
        let filter = element("capsfilter")?;
        filter
            .set_property("caps", gst::Caps::builder("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu").build());
        // What is coded is small: it waits here until it is taken.
        let sink = gst_app::AppSink::builder().sync(false).max_buffers(0).build();
        let pipeline = Running(gst::Pipeline::new());
        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        chain.extend(coding);
        chain.extend(parser);
        chain.extend([filter, sink.clone().upcast()]);
        pipeline.0.add_many(&chain).and_then(|()| gst::Element::link_many(&chain)).map_err(|e| broken(e.to_string()))?;
        let staged = Staged::create(&spec.path, spec.overwrite)?;
        let words = Sidecar::reserve_for(&spec)?;
        pipeline.0.set_state(gst::State::Playing).map_err(|e| broken(e.to_string()))?;
        let (written, samples, configuration) = (vec![], vec![], vec![]);
        Ok(Self { spec, staged, words, pipeline, source, sink, written, samples, configuration, bytes: 0 })
    }

    fn broken(&self, problem: impl Into<String>) -> OutputError {
        OutputError::Pipeline { path: self.spec.path.clone(), problem: problem.into() }
    }

    fn error(&self) -> Option<OutputError> {
        let message = self.pipeline.0.bus()?.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(e) => Some(self.broken(e.error().to_string())),
            _ => None,
        }
    }

    /// Takes what is coded by now, waiting for so long; whether there was something.
    fn take(&mut self, patience: gst::ClockTime) -> Result<bool, OutputError> {
        let Some(sample) = self.sink.try_pull_sample(patience) else {
            return self.error().map_or(Ok(false), Err);
        };
        let map = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or_else(|| self.broken("its encoder gives an empty picture"))?;
        let Some(data) = bare_sample(&map) else { return Err(self.broken("its encoder gives no AV1")) };
        let is_key = sample.buffer().is_some_and(|b| !b.flags().contains(gst::BufferFlags::DELTA_UNIT));
        if self.configuration.is_empty() {
            self.configuration = configuration(&map).unwrap_or_default();
        }
        self.bytes += data.len() as u64;
        if self.bytes > MOST_BYTES {
            return Err(self.broken("an AVIF preview has 512 MB at most. Choose a smaller --size"));
        }
        self.samples.push(Sample { data, is_key });
        Ok(true)
    }

    /// Reads the pictures back: how many there are, each of the right size.
    fn verify(&self) -> Result<u64, OutputError> {
        let wrong = |problem: String| OutputError::Verify { path: self.spec.path.clone(), problem };
        let file = fs::read(self.staged.temporary()).map_err(|e| OutputError::io(&self.spec.path, e))?;
        let mut at = file.len() - self.bytes as usize;
        let units = self.samples.iter().map(|s| {
            let own = file.get(at..at + s.data.len()).unwrap_or_default().to_vec();
            at += s.data.len();
            own
        });
        let frames = read_back(units.collect(), &self.spec).map_err(wrong)?;
        if frames == self.written.len() as u64 {
            Ok(frames)
        } else {
            Err(wrong(format!("{frames} of {} pictures are there", self.written.len())))
        }
    }
}

impl FrameSink for Avif {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        check_size(&self.spec, picture)?;
        let (index, rate) = (self.written.len() as u64, self.spec.rate);
        let begun = std::time::Instant::now();
        while self.source.current_level_buffers() >= LOSSLESS_QUEUE_FRAMES {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            self.take(gst::ClockTime::from_mseconds(2))?;
            if begun.elapsed().as_secs() > STALL_SECS {
                return Err(OutputError::Stalled { path: self.spec.path.clone(), secs: STALL_SECS });
            }
        }
        let mut buffer = gst::Buffer::from_mut_slice(planes_420_8bit(picture).data);
        if let Some(own) = buffer.get_mut() {
            let nanos = |k: u64| gst::ClockTime::from_nseconds(rate.frame_nanos(k as i64).max(0) as u64);
            own.set_pts(nanos(index));
            own.set_duration(nanos(index + 1) - nanos(index));
        }
        self.source.push_buffer(buffer).map_err(|e| self.error().unwrap_or_else(|| self.broken(e.to_string())))?;
        self.written.push(report.numbered(index, rate));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        self.source.end_of_stream().map_err(|e| self.broken(e.to_string()))?;
        let mut last = std::time::Instant::now();
        while !self.sink.is_eos() {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            if self.take(gst::ClockTime::from_mseconds(50))? {
                last = std::time::Instant::now();
            } else if last.elapsed().as_secs() > STALL_SECS {
                return Err(OutputError::Stalled { path: self.spec.path.clone(), secs: STALL_SECS });
            }
        }
        if self.samples.len() != self.written.len() || self.configuration.is_empty() {
            let problem = format!("its encoder gave {} of {} pictures", self.samples.len(), self.written.len());
            return Err(self.broken(problem));
        }
        let (size_px, rate) = ((self.spec.width_px, self.spec.height_px), self.spec.rate);
        let index = Index { size_px, rate, samples: &self.samples, configuration: &self.configuration };
        // Its own length does not depend on where the pictures stand.
        let begin = index.written(0).len() as u32 + 8;
        let mut all = index.written(begin);
        all.extend((self.bytes as u32 + 8).to_be_bytes());
        all.extend(b"mdat");
        self.samples.iter().for_each(|s| all.extend(&s.data));
        fs::write(self.staged.temporary(), all).map_err(|e| OutputError::io(&self.spec.path, e))?;
        self.staged.sync()?;
        let frames = self.verify()?;
        let Self { staged, words, spec, written, .. } = *self;
        publish_with_sidecar(staged, words, &spec, Codec::Avif, (written, frames))
    }

    fn cancel(self: Box<Self>) {}
}
