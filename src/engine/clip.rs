//! A stretch of one camera as a file: its own frames, at the speed of a roll, with its sound. Nothing is solved and no GPU is needed.
//!
//! Must not know: windows, how frames come.

use std::sync::Arc;

use super::{
    Feeds, LivePicture,
    export::{ExportError, ExportProgress, ExportReport, ExportStage},
    export_rolls::{CameraFrames, wait_for},
    export_sound::{ExportSound, SourceSound},
    graphics::{Artist, Drawing},
};
use crate::{
    frame::Picture,
    output::{self, CancelToken, FrameReport, OutputError, OutputSpec, OutputSummary, SidecarHeader},
    replay::graphics::Graphic,
    telemetry::{EnergyMeter, StageTimes},
    time::{FrameRate, MediaTime},
};

/// What to write.
#[derive(Clone)]
pub(super) struct Clip {
    pub feeds: Arc<dyn Feeds>,
    /// The camera's index in the rig, and its number along the arc.
    pub camera: usize,
    pub number: usize,
    /// Where it begins and ends, in the order in which it runs.
    pub from: MediaTime,
    pub to: MediaTime,
    pub speed_percent: i32,
    /// Only those on top of everything are drawn: nobody solves the depth of these frames.
    pub graphics: Vec<Graphic>,
    /// The size is the camera's.
    pub output: OutputSpec,
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clip").field("camera", &self.camera).field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Clip {
    fn name(&self) -> &str {
        self.feeds.rig().cameras.get(self.camera).map_or("", |c| c.name.as_str())
    }

    fn frame_at(&self, frames: &mut CameraFrames, instant: MediaTime, shown: Option<&LivePicture>) -> Result<LivePicture, ExportError> {
        frames.at(instant, shown)?.ok_or_else(|| {
            let camera = self.name();
            ExportError::Moment { instant, problem: format!("{camera} has no frame there. Choose another camera, or trim the event") }
        })
    }

    /// The instant of frame `index` at a rate.
    fn instant(&self, index: u64, rate: FrameRate) -> MediaTime {
        let nanos = rate.frame_nanos(index as i64) as f64 * f64::from(self.speed_percent) / 100.0;
        self.from.plus_nanos(nanos.round() as i64)
    }

    /// Frames from its beginning up to its end, which is not shown any more.
    fn frame_count(&self, rate: FrameRate) -> u64 {
        let speed = f64::from(self.speed_percent.saturating_abs().max(1)) / 100.0;
        let secs = (self.to - self.from).unsigned_abs() as f64 * 1e-9 / speed;
        ((secs * rate.fps()).round() as u64).max(1)
    }

    /// Writes it: `progress` hears where it is, `cancel` stops it and leaves nothing.
    pub fn run(
        mut self,
        progress: &mut dyn FnMut(ExportProgress),
        cancel: &CancelToken,
        meter: &EnergyMeter,
    ) -> Result<ExportReport, ExportError> {
        let mut tell = |stage, share, frames_done, frames| {
            meter.look();
            progress(ExportProgress { stage, share, frames_done, frames });
        };
        let mut look_and_tell = |p: ExportProgress| tell(p.stage, p.share, p.frames_done, p.frames);
        wait_for(self.feeds.as_ref(), self.from.max(self.to), &mut look_and_tell, cancel)?;
        let mut artist = Artist::default();
        let drawing = Drawing::read(&self.graphics.iter().filter(|g| !g.is_in_scene()).cloned().collect::<Vec<_>>(), self.feeds.rig());
        if let Some(why) = drawing.problem() {
            return Err(ExportError::Graphics(why));
        }
        let first = self.frame_at(&mut CameraFrames::new(&self.feeds, self.camera), self.from, None)?;
        let own_px = (first.picture.width() & !1, first.picture.height() & !1);
        let ((width_px, height_px), rate) = output::fitted(&self.output.path, own_px, self.output.rate)?;
        (self.output.width_px, self.output.height_px, self.output.rate) = (width_px, height_px, rate);
        let frames = self.frame_count(rate);
        if let Some(wanted) = self.output.sidecar.take() {
            self.output.sidecar = Some(SidecarHeader {
                mark_nanos: self.from,
                path: format!("Roll {} %", self.speed_percent),
                cameras: vec![self.name().to_owned()],
                graphics: drawing.graphics.iter().map(|g| g.name.clone()).collect(),
                meter: Some(meter.clone()),
                credentials: wanted.credentials,
                ..SidecarHeader::default()
            });
        }
        let sound = self.feeds.sound().map(|input| SourceSound { input, offset_nanos: 0 });
        let mut sink = output::open_with(self.output.clone(), sound.is_some())?;
        let mut sound = sound.map(|source| ExportSound::new(source, rate, self.from));
        let mut frames_of = CameraFrames::new(&self.feeds, self.camera);
        // It stays where the camera has a hole.
        let mut shown: Option<LivePicture> = None;
        let mut work = || -> Result<(), ExportError> {
            for index in 0..frames {
                if cancel.is_cancelled() {
                    return Err(OutputError::Cancelled.into());
                }
                let instant = self.instant(index, rate);
                let frame = self.frame_at(&mut frames_of, instant, shown.as_ref())?;
                let mut picture: Arc<Picture> = Arc::clone(&frame.picture);
                let time = shown.insert(frame).time;
                if (picture.width(), picture.height()) != (width_px, height_px) {
                    picture = Arc::new(picture.resized(width_px, height_px));
                }
                if !drawing.is_empty() {
                    artist.overlay(Arc::make_mut(&mut picture), &drawing);
                }
                sink.write(
                    &picture,
                    &FrameReport {
                        index,
                        instant_nanos: instant,
                        position: self.number as f64,
                        mode: "nearest".to_owned(),
                        sources: vec![(self.name().to_owned(), 1.0)],
                        source_nanos: vec![time],
                        real_pixels: drawing.is_empty(),
                        ..FrameReport::default()
                    },
                )?;
                if let Some(sound) = &mut sound {
                    sink.write_sound(&sound.frame(index, instant, self.instant(index + 1, rate), index + 1 == frames))?;
                }
                tell(ExportStage::Rendering, (index + 1) as f32 / frames as f32, index + 1, frames);
            }
            Ok(())
        };
        if let Err(e) = work() {
            sink.cancel();
            return Err(e);
        }
        tell(ExportStage::Finishing, 0.0, frames, frames);
        let output: OutputSummary = sink.finish()?;
        let (secs, solve_gpu_secs) = (StageTimes::default(), StageTimes::default());
        Ok(ExportReport { output, moments: 0, left_out: vec![], secs, solve_gpu_secs })
    }
}
