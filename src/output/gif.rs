//! An animated GIF: a preview that every browser, mail and chat plays, over and over. 256 colours a picture, times in hundredths of a second.
//!
//! Must not know: how pictures were made.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write as _},
};

use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};

use super::{
    Codec, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, PREVIEW_FPS, PREVIEW_PX, Sidecar, check_size,
    sidecar::publish_with_sidecar, staging::Staged,
};
use crate::{frame::Picture, time::FrameRate};

/// How thoroughly colours are chosen: 1 is best, 30 fastest (`NeuQuant`'s sampling).
const SPEED: i32 = 8;

type Encoder = gif::Encoder<BufWriter<File>>;

/// A GIF that is being written.
pub(super) struct Gif {
    spec: OutputSpec,
    staged: Staged,
    words: Option<Staged>,
    encoder: Option<Encoder>,
    written: Vec<FrameReport>,
    /// Pictures that wait for their colours, on all cores together; bounded by the number of cores.
    waiting: Vec<(Vec<u8>, u16)>,
}

/// Hundredths of a second that frame `index` is shown: their sum is never more than half of one off.
fn hundredths(index: u64, rate: FrameRate) -> u16 {
    let at = |index: u64| (rate.frame_nanos(index as i64) + 5_000_000) / 10_000_000;
    u16::try_from(at(index + 1) - at(index)).unwrap_or(u16::MAX)
}

impl Gif {
    pub(super) fn open(spec: OutputSpec) -> Result<Self, OutputError> {
        if spec.width_px.max(spec.height_px) > PREVIEW_PX {
            let problem = "a GIF has at most 2048 px a side. Choose a smaller --size";
            return Err(OutputError::Size { width: spec.width_px, height: spec.height_px, problem });
        }
        if spec.rate.fps() > PREVIEW_FPS {
            // Players show anything shorter than two hundredths ten times slower.
            let problem = "a GIF plays at most 50 pictures a second. Choose a lower --rate, such as 25".to_owned();
            return Err(OutputError::Pipeline { path: spec.path, problem });
        }
        let staged = Staged::create(&spec.path, spec.overwrite)?;
        let words = Sidecar::reserve_for(&spec)?;
        let io = |e: std::io::Error| OutputError::io(&spec.path, e);
        let file = BufWriter::new(File::create(staged.temporary()).map_err(io)?);
        let mut encoder =
            gif::Encoder::new(file, spec.width_px as u16, spec.height_px as u16, &[]).map_err(|e| io(std::io::Error::other(e)))?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(|e| io(std::io::Error::other(e)))?;
        Ok(Self { spec, staged, words, encoder: Some(encoder), written: Vec::new(), waiting: Vec::new() })
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let (w, h) = (self.spec.width_px as u16, self.spec.height_px as u16);
        let coded = |(rgba, delay): &mut (Vec<u8>, u16)| gif::Frame { delay: *delay, ..gif::Frame::from_rgba_speed(w, h, rgba, SPEED) };
        let frames: Vec<gif::Frame<'static>> = self.waiting.par_iter_mut().map(coded).collect();
        self.waiting.clear();
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        for frame in &frames {
            encoder.write_frame(frame).map_err(|e| OutputError::io(&self.spec.path, std::io::Error::other(e)))?;
        }
        Ok(())
    }

    /// Reads the pictures back: how many there are.
    fn verify(&self) -> Result<u64, OutputError> {
        let wrong = |problem: String| OutputError::Verify { path: self.spec.path.clone(), problem };
        let file = File::open(self.staged.temporary()).map_err(|e| OutputError::io(&self.spec.path, e))?;
        let mut decoder = gif::DecodeOptions::new().read_info(BufReader::new(file)).map_err(|e| wrong(e.to_string()))?;
        let mut frames = 0;
        while let Some(frame) = decoder.read_next_frame().map_err(|e| wrong(format!("picture {frames}: {e}")))? {
            if self.spec.cancel.is_cancelled() {
                return Err(OutputError::Cancelled);
            }
            if (u32::from(frame.width), u32::from(frame.height)) != (self.spec.width_px, self.spec.height_px) {
                return Err(wrong(format!("picture {frames} has {}×{} px", frame.width, frame.height)));
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

impl FrameSink for Gif {
    fn write(&mut self, picture: &Picture, report: &FrameReport) -> Result<(), OutputError> {
        if self.spec.cancel.is_cancelled() {
            return Err(OutputError::Cancelled);
        }
        check_size(&self.spec, picture)?;
        let index = self.written.len() as u64;
        let mut rgba = picture.rgba().to_vec();
        // A film has no holes.
        rgba.chunks_exact_mut(4).for_each(|px| px[3] = 255);
        self.waiting.push((rgba, hundredths(index, self.spec.rate)));
        self.written.push(report.numbered(index, self.spec.rate));
        if self.waiting.len() >= rayon::current_num_threads() { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<OutputSummary, OutputError> {
        if self.written.is_empty() {
            return Err(OutputError::Empty { path: self.spec.path.clone() });
        }
        self.flush()?;
        let io = |e: std::io::Error| OutputError::io(&self.spec.path, e);
        if let Some(encoder) = self.encoder.take() {
            // The trailer is written here.
            let mut file = encoder.into_inner().map_err(|e| io(std::io::Error::other(e)))?;
            file.flush().map_err(io)?;
        }
        self.staged.sync()?;
        let frames = self.verify()?;
        let Self { staged, words, spec, written, .. } = *self;
        publish_with_sidecar(staged, words, &spec, Codec::Gif, (written, frames))
    }

    fn cancel(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_whatever_the_rate() {
        for (rate, secs) in [("25", 4), ("12.5", 8), ("29.97", 10), ("50", 2), ("30", 10)] {
            let rate: FrameRate = rate.parse().unwrap();
            let frames = (rate.fps() * f64::from(secs)).round() as u64;
            let sum: i64 = (0..frames).map(|k| i64::from(hundredths(k, rate))).sum();
            assert!((sum - rate.frame_nanos(frames as i64) / 10_000_000).abs() <= 1, "{rate}: {sum}");
        }
    }
}
