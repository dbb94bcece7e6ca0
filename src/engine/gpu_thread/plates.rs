//! Plates in the background: solved when nobody wants anything else, and put behind a solved moment where hidden cameras say that it is
//! truer so. What is on air is left as it was taken. On memory shortage they go before anything else does.

use std::{sync::Arc, time::Instant};

use super::{
    super::{
        board::LayerWish,
        live_plates::PlateSet,
        plate_judge::{JudgedPlates, PlatesVerdict},
        plates::Layers,
        truth::TruthError,
    },
    GpuReport, Held, SCENES_BYTES, Worker, affordable,
};
use crate::{
    frame::{Moment, Picture},
    rig::{Camera, Rig},
    scene::{Memory, Quality, Scene, SceneError, SceneSolver},
    time::MediaTime,
};

/// Verdicts that are kept, so that a moment that is solved anew is not judged anew.
const VERDICTS: usize = 16;

/// What the GPU thread knows of plates.
#[derive(Default)]
pub(super) struct Plates {
    solved: Option<(Arc<PlateSet>, Layers)>,
    trial: Option<Trial>,
    /// (instant, plates, verdict), oldest first.
    verdicts: Vec<(MediaTime, u64, PlatesVerdict)>,
    /// The cameras whose plates were judged last, at any moment, and whether that moment was truer with them.
    before: Option<(Vec<Camera>, bool)>,
}

/// What the judges of a moment have said.
struct Trial {
    instant: MediaTime,
    number: u64,
    reduced: JudgedPlates,
    /// (camera, dB without and with plates; `None` where nothing can be said).
    scores: Vec<(usize, Option<(f64, f64)>)>,
}

impl Plates {
    fn verdict(&self, instant: MediaTime, number: u64) -> Option<PlatesVerdict> {
        self.verdicts.iter().find(|v| (v.0, v.1) == (instant, number)).map(|v| v.2)
    }

    /// Whether a moment of which nobody has said anything is likely to be truer with plates: the one before was, and the cameras stand as they stood.
    fn expects(&self, instant: MediaTime, rig: &Rig) -> bool {
        let Some((set, _)) = &self.solved else { return false };
        if let Some(verdict) = self.verdict(instant, set.number) {
            return verdict.used;
        }
        let is_as_before = |camera: &Camera| set.rig.cameras.contains(camera) && rig.cameras.contains(camera);
        self.before.as_ref().is_some_and(|(cameras, used)| *used && cameras.iter().all(is_as_before))
    }

    fn keep(&mut self, instant: MediaTime, number: u64, verdict: PlatesVerdict) {
        if let Some((set, _)) = self.solved.as_ref().filter(|(set, _)| set.number == number) {
            self.before = Some((set.rig.cameras.clone(), verdict.used));
        }
        self.verdicts.retain(|v| v.0 != instant);
        if self.verdicts.len() >= VERDICTS {
            self.verdicts.remove(0);
        }
        self.verdicts.push((instant, number, verdict));
    }

    fn bytes(&self) -> u64 {
        self.solved.as_ref().map_or(0, |(_, layers)| layers.bytes())
    }
}

impl Worker<'_> {
    /// Solves plates; gives way, to be done again later, as soon as anything else is wanted.
    pub(super) fn solve_plates(&mut self, solver: &mut SceneSolver, set: &Arc<PlateSet>) {
        let (begun, board, number) = (Instant::now(), self.board, set.number);
        let options = affordable(Quality::Air, &set.rig);
        let room = Memory::of(&set.rig, &options).scene_bytes <= SCENES_BYTES / 2;
        let mut go_on = |_| board.may_solve_plates(number);
        let solved = if room {
            let shortage = self.rehearse_shortage().map_err(SceneError::from);
            shortage.and_then(|()| Layers::of(&self.gpu, solver, &set.rig, &set.plates, &options, &mut go_on))
        } else {
            Err(SceneError::Input("they take more GPU memory than plates may".to_owned()))
        };
        let result = match solved {
            Ok(Some(layers)) => {
                let before = self.plates.before.take();
                self.plates = Plates { solved: Some((Arc::clone(set), layers)), before, ..Plates::default() };
                Ok(set.plates.len())
            }
            Ok(None) => Err("fewer than two cameras have one".to_owned()),
            Err(SceneError::Cancelled) => return,
            Err(_) if self.gpu.is_lost() => return,
            // It is on the board still: once more with what is let go.
            Err(e) if e.is_out_of_memory() && self.spare_near() => return,
            Err(e) => {
                if e.is_out_of_memory() {
                    self.spare_plates();
                }
                Err(e.to_string())
            }
        };
        board.plates_solved(number);
        self.report(GpuReport::PlatesSolved { number, result, secs: begun.elapsed().as_secs_f64() });
    }

    /// Plates are not wanted any more: scenes that have them are solved anew when they are wanted next.
    pub(super) fn drop_plates(&mut self) {
        self.plates = Plates::default();
        let on_air = self.board.on_air();
        for held in self.scenes.iter_mut().chain(&mut self.phases).filter(|h| Some(h.instant) != on_air) {
            held.is_stale |= held.scene.has_plates();
        }
    }

    /// Frees what plates take, but for what is on air; whether there was anything.
    pub(super) fn spare_plates(&mut self) -> bool {
        let on_air = self.board.on_air();
        let had = self.plates.solved.take().is_some();
        self.plates = Plates::default();
        let mut freed = had;
        for held in self.scenes.iter_mut().filter(|h| Some(h.instant) != on_air) {
            // Its depth was brought to the mattes: it serves until it is solved anew.
            if held.scene.has_plates() {
                held.scene.background = None;
                (held.is_stale, freed) = (true, true);
            }
        }
        if freed {
            tracing::warn!("no GPU memory left: plates are let go first");
            self.report(GpuReport::PlatesLetGo);
        }
        freed
    }

    /// Puts plates behind a solved moment, where the judges say that it is truer so.
    pub(super) fn layer(&mut self, solver: &mut SceneSolver, wish: &LayerWish) {
        let (begun, instant, number) = (Instant::now(), wish.moment.instant, wish.set.number);
        self.rig = self.book.at(instant);
        let is_of = |held: &Held| held.instant == instant && !held.is_part && Arc::ptr_eq(&held.rig, &self.rig);
        let held = self.scenes.iter().find(|held| is_of(held) && !held.is_stale);
        let fits = self.plates.solved.as_ref().is_some_and(|(set, _)| set.number == number);
        // A plain backdrop is as good as plates.
        let held = held.filter(|held| fits && !held.scene.has_plain_backdrop());
        let Some(is_plain) = held.map(|held| held.scene.background.is_none()) else {
            return self.board.layered(instant);
        };
        let moment = self.in_time(&wish.moment);
        let board = self.board;
        let ended = match self.judge_plates(solver, wish, &moment) {
            Ok(Some(verdict)) if verdict.used && is_plain => {
                self.put_behind(&moment, &mut || board.may_layer(instant)).map(|()| Some(verdict)).map_err(TruthError::from)
            }
            Ok(Some(verdict)) if !verdict.used && !is_plain => {
                // It got them because the one before was truer so; this one is not, and is solved anew.
                for held in self.scenes.iter_mut().filter(|held| held.instant == instant) {
                    held.is_stale = true;
                }
                Ok(Some(verdict))
            }
            other => other,
        };
        match ended {
            Err(TruthError::Scene(SceneError::Cancelled)) => return,
            Err(_) if self.gpu.is_lost() => return,
            Err(TruthError::Scene(e)) if e.is_out_of_memory() && self.spare_near() => return,
            Err(TruthError::Scene(e)) if e.is_out_of_memory() => drop(self.spare_plates()),
            Err(e) => tracing::warn!(%instant, %e, "without plates"),
            Ok(None) => tracing::debug!(%instant, "no camera can judge plates"),
            Ok(Some(verdict)) => {
                let (set, secs) = (Arc::clone(&wish.set), begun.elapsed().as_secs_f64());
                self.report(GpuReport::Layered { instant, set, verdict, secs });
            }
        }
        self.board.layered(instant);
    }

    /// Scores the judges that have not spoken yet, without and with plates.
    fn judge_plates(&mut self, solver: &mut SceneSolver, wish: &LayerWish, moment: &Moment) -> Result<Option<PlatesVerdict>, TruthError> {
        let (instant, number) = (moment.instant, wish.set.number);
        if let Some(verdict) = self.plates.verdict(instant, number) {
            return Ok(Some(verdict));
        }
        let keep = self.reduce(moment);
        let (Some((_, Ok(meter))), Some((set, layers))) = (&self.meter, &self.plates.solved) else { return Ok(None) };
        let mut trial = match self.plates.trial.take().filter(|t| (t.instant, t.number) == (instant, number)) {
            Some(trial) => trial,
            None => Trial { instant, number, reduced: JudgedPlates::new(meter, &set.of_rig(&self.rig)), scores: Vec::new() },
        };
        let board = self.board;
        let mut result = Ok(());
        for &camera in &wish.judges {
            let Some(hidden) = keep.iter().position(|&i| i == camera).filter(|_| trial.scores.iter().all(|s| s.0 != camera)) else {
                continue;
            };
            let hands = (&mut *solver, &mut self.synthesizer);
            match trial.reduced.score(meter, hands, layers.layering(), hidden, &mut |_| board.may_layer(instant)) {
                Ok(score) => trial.scores.push((camera, score)),
                Err(e) => {
                    result = Err(e);
                    break;
                }
            }
        }
        let scores: Vec<(f64, f64)> = trial.scores.iter().filter_map(|s| s.1).collect();
        self.plates.trial = Some(trial);
        result?;
        let verdict = PlatesVerdict::of(&scores);
        if let Some(verdict) = verdict {
            self.plates.keep(instant, number, verdict);
        }
        Ok(verdict)
    }

    /// Puts plates behind a moment that is solved and that nobody has judged yet, where that is likely to be truer; the plates.
    pub(super) fn put_behind_as_before(&mut self, moment: &Moment, mut go_on: impl FnMut() -> bool) -> Option<Arc<PlateSet>> {
        let instant = moment.instant;
        // It takes the GPU and this thread for longer than a picture lasts: never while a replay is on air. The judge puts them behind later.
        if !self.plates.expects(instant, &self.rig) || self.board.on_air().is_some() {
            return None;
        }
        let board = self.board;
        let mut go_on = || go_on() && board.on_air().is_none();
        let mut put = self.put_behind(moment, &mut go_on);
        if put.as_ref().is_err_and(SceneError::is_out_of_memory) && self.spare_near() {
            put = self.put_behind(moment, &mut go_on);
        }
        match put {
            Ok(()) => {}
            Err(SceneError::Cancelled) => return None,
            Err(e) if e.is_out_of_memory() => drop(self.spare_plates()),
            Err(e) => tracing::warn!(%instant, %e, "without plates"),
        }
        self.plates_behind(instant)
    }

    /// The plates that a resident moment is shown with.
    pub(super) fn plates_behind(&self, instant: MediaTime) -> Option<Arc<PlateSet>> {
        let has = self.scenes.iter().any(|held| held.instant == instant && held.scene.has_plates());
        self.plates.solved.as_ref().filter(|_| has).map(|(set, _)| Arc::clone(set))
    }

    /// Takes the scene of a moment apart, and those of the slices that are not on air.
    fn put_behind(&mut self, moment: &Moment, go_on: &mut dyn FnMut() -> bool) -> Result<(), SceneError> {
        let (board, instant) = (self.board, moment.instant);
        let Some((_, layers)) = &self.plates.solved else { return Ok(()) };
        let held: u64 = self.scenes.iter().chain(&self.phases).map(|h| h.scene.bytes()).sum();
        let mut bytes = held + self.plates.bytes();
        let mut split = |held: &mut Held, moment: &Moment| -> Result<(), SceneError> {
            // A background is at most as large as its scene, and a matte per pixel.
            bytes += held.scene.bytes() * 5 / 4;
            if bytes > SCENES_BYTES {
                tracing::info!(%instant, "no room for what is behind it on the GPU");
                return Ok(());
            }
            let pictures = pictures_of(&held.scene, moment);
            if pictures.len() == held.scene.rig.cameras.len() {
                layers.split_while(&mut held.scene, &pictures, go_on)?;
            }
            Ok(())
        };
        let is_plain = |h: &&mut Held| h.scene.background.is_none() && !board.has_phase_on_air(h.instant);
        // The slices first: a scene that has its plates is done.
        for held in self.phases.iter_mut().filter(is_plain) {
            let moment = Arc::clone(&held.moment);
            split(held, &moment)?;
        }
        match self.scenes.iter_mut().find(|h| h.instant == instant && !h.is_part) {
            Some(held) if !held.scene.has_plain_backdrop() => split(held, moment),
            _ => Ok(()),
        }
    }

    /// A slice that was solved after its moment got plates gets them too.
    pub(super) fn put_behind_slice(&self, base: Option<MediaTime>, scene: &mut Scene, moment: &Moment) {
        let Some((_, layers)) = &self.plates.solved else { return };
        let is_layered = self.scenes.iter().any(|h| Some(h.instant) == base && h.scene.has_plates());
        let pictures = pictures_of(scene, moment);
        if is_layered
            && scene.background.is_none()
            && pictures.len() == scene.rig.cameras.len()
            && let Err(e) = layers.split(scene, &pictures)
        {
            tracing::debug!(instant = %moment.instant, %e, "a slice without plates");
        }
    }
}

/// The pictures that a scene was solved from, in its cameras' order.
fn pictures_of<'m>(scene: &Scene, moment: &'m Moment) -> Vec<&'m Picture> {
    let of = |c: &Camera| moment.frames.iter().find(|f| f.camera == c.name).map(|f| f.picture.as_ref());
    scene.rig.cameras.iter().filter_map(of).collect()
}
