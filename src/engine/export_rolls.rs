//! What an export of a running show shows where time runs along its path: cameras' own frames, as program shows them on air.
//!
//! Must not know: how frames come, how views are made.

use std::{sync::Arc, time::Duration};

use super::{
    Feeds, LivePicture,
    export::{ExportError, ExportProgress, ExportStage},
    export_sound::SourceSound,
    graphics::{Artist, Drawing},
    ladder::cut_camera,
    strip::BIAS_FRAMES,
};
use crate::{
    frame::{Moment, Picture},
    output::{CancelToken, FrameReport, OutputError},
    replay::{
        graphics::Graphic,
        path::{PathSample, Track},
    },
    time::{FrameRate, MediaTime},
};

/// Frames that are decoded at a time.
const CHUNK_FRAMES: i64 = 8;
/// The end of an event that is still to come is waited for so much longer, nanoseconds: frames need their time to come in.
const COME_IN_NANOS: i64 = 300_000_000;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Time stands where the path shows the same instant so much later, seconds.
const STANDS_SECS: f64 = 0.01;

/// One camera's own frames by time, a few of them at a time.
#[derive(Clone)]
pub(super) struct CameraFrames {
    feeds: Arc<dyn Feeds>,
    /// Index in the rig.
    pub camera: usize,
    chunk: Option<(i64, Vec<LivePicture>)>,
}

impl CameraFrames {
    pub fn new(feeds: &Arc<dyn Feeds>, camera: usize) -> Self {
        Self { feeds: Arc::clone(feeds), camera, chunk: None }
    }

    fn nanos(&self) -> i64 {
        CHUNK_FRAMES * self.feeds.rate().interval_nanos().max(1)
    }

    fn chunk(&self, index: i64) -> Result<Vec<LivePicture>, ExportError> {
        let (from, until) = (MediaTime::from_nanos(index * self.nanos()), MediaTime::from_nanos((index + 1) * self.nanos()));
        // A camera may be faster than the show.
        let frames = self.feeds.frames(self.camera, from, until, 4 * CHUNK_FRAMES as usize);
        frames.map_err(|problem| ExportError::Moment { instant: from, problem })
    }

    /// The frame that the camera shows at an instant, as on air; else `held`, what it showed before; else the first one after.
    pub fn at(&mut self, instant: MediaTime, held: Option<&LivePicture>) -> Result<Option<LivePicture>, ExportError> {
        let by = instant.plus_nanos((self.feeds.rate().interval_nanos() as f64 * BIAS_FRAMES) as i64);
        let index = by.nanos().div_euclid(self.nanos());
        if self.chunk.as_ref().is_none_or(|(there, _)| *there != index) {
            self.chunk = Some((index, self.chunk(index)?));
        }
        let last_before = |frames: &[LivePicture]| frames.iter().rev().find(|p| p.time <= by).cloned();
        let there = self.chunk.as_ref().map_or(&[][..], |(_, frames)| frames);
        Ok(match last_before(there) {
            Some(found) => Some(found),
            None => last_before(&self.chunk(index - 1)?).or_else(|| held.cloned()).or_else(|| there.first().cloned()),
        })
    }
}

/// Waits until frames of `last` can be there: what was marked a moment ago may not have come to its end.
pub(super) fn wait_for(
    feeds: &dyn Feeds,
    last: MediaTime,
    progress: &mut dyn FnMut(ExportProgress),
    cancel: &CancelToken,
) -> Result<(), ExportError> {
    while feeds.now() < last.plus_nanos(COME_IN_NANOS) {
        progress(ExportProgress { stage: ExportStage::Solving, share: 0.0, frames_done: 0, frames: 0 });
        if cancel.is_cancelled() {
            return Err(OutputError::Cancelled.into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// A moment in which time stands, and the cameras' own frames of every other instant.
#[derive(Clone)]
pub struct Rolling {
    feeds: Arc<dyn Feeds>,
    moment: Moment,
    /// Indices in the rig along the arc, and whether its end is its beginning.
    order: Vec<usize>,
    closed: bool,
    /// The camera (number along the arc) that was shown last, and its frames.
    shown: Option<usize>,
    frames: Option<CameraFrames>,
}

impl std::fmt::Debug for Rolling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rolling").field("moment", &self.moment.instant).field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Rolling {
    /// Of feeds whose cameras stand along an arc in that order (indices in the rig).
    pub fn new(feeds: Arc<dyn Feeds>, moment: Moment, order: &[usize], closed: bool) -> Self {
        Self { feeds, moment, order: order.to_vec(), closed, shown: None, frames: None }
    }

    /// The moment in which time stands.
    pub const fn moment(&self) -> &Moment {
        &self.moment
    }

    /// Its sound.
    pub(super) fn sound(&self) -> Option<SourceSound> {
        self.feeds.sound().map(|input| SourceSound { input, offset_nanos: 0 })
    }

    /// Whether time runs there, or stands at an instant that is not solved: a camera's own frame is shown.
    pub(super) fn runs(&self, track: &Track, at_secs: f64) -> bool {
        let shown = track.sample(at_secs).instant;
        let is_moment = shown.distance_nanos(self.moment.instant) * 2 < self.feeds.rate().interval_nanos().unsigned_abs();
        !is_moment || track.sample(at_secs + STANDS_SECS).instant != shown
    }

    /// Waits for the last instant of a path; whether its moment is shown anywhere along it.
    pub(super) fn begin(
        &self,
        track: &Track,
        (rate, frames): (FrameRate, u64),
        progress: &mut dyn FnMut(ExportProgress),
        cancel: &CancelToken,
    ) -> Result<bool, ExportError> {
        let secs = |index: u64| rate.frame_nanos(index as i64) as f64 * 1e-9;
        let last = (0..frames).map(|index| track.sample(secs(index)).instant).max();
        wait_for(self.feeds.as_ref(), last.unwrap_or(self.moment.instant), progress, cancel)?;
        Ok((0..frames).any(|index| !self.runs(track, secs(index))))
    }

    /// The nearest camera along the arc (its number) that has a frame there, and the frame.
    fn picture(&mut self, position: f64, instant: MediaTime) -> Result<(usize, LivePicture), ExportError> {
        let n = self.order.len();
        let position = if self.closed { position.rem_euclid(n as f64) } else { position };
        let mut present = vec![true; n];
        let mut shown = self.shown;
        let mut problem = "no camera has a frame there. Trim the event".to_owned();
        while let Some(k) = cut_camera(&present, self.closed, position, shown) {
            let camera = self.order[k];
            let frames = match self.frames.take().filter(|frames| frames.camera == camera) {
                Some(frames) => frames,
                None => CameraFrames::new(&self.feeds, camera),
            };
            match self.frames.insert(frames).at(instant, None) {
                Ok(Some(found)) => {
                    self.shown = Some(k);
                    return Ok((k, found));
                }
                Ok(None) => {}
                Err(ExportError::Moment { problem: why, .. }) => problem = why,
                Err(e) => return Err(e),
            }
            // The next camera takes its place, as on air.
            present[k] = false;
            shown = None;
        }
        Err(ExportError::Moment { instant, problem })
    }

    /// The frame of the file at a sample where time runs, with what lies on top.
    pub(super) fn frame(
        &mut self,
        (index, sample): (u64, &PathSample),
        (width_px, height_px): (u32, u32),
        artist: &mut Artist,
        drawing: &Drawing,
    ) -> Result<(Picture, FrameReport), ExportError> {
        let (k, frame) = self.picture(sample.position, sample.instant)?;
        let mut picture = if (frame.picture.width(), frame.picture.height()) == (width_px, height_px) {
            frame.picture.as_ref().clone()
        } else {
            frame.picture.resized(width_px, height_px)
        };
        artist.overlay(&mut picture, drawing);
        let name = self.feeds.rig().cameras.get(self.order[k]).map_or("", |c| c.name.as_str());
        let report = FrameReport {
            index,
            instant_nanos: sample.instant,
            position: k as f64,
            mode: "nearest".to_owned(),
            sources: vec![(name.to_owned(), 1.0)],
            source_nanos: vec![frame.time],
            real_pixels: drawing.graphics.iter().all(Graphic::is_in_scene),
            ..FrameReport::default()
        };
        Ok((picture, report))
    }
}
