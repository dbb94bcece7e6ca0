//! The thread that looks at a board which is carried before the cameras of a running show, says what is missing, and solves the rig.
//!
//! It takes a bounded share of the machine, and waits while somebody waits for a picture. Must not know: what the engine does with its word,
//! where rigs are kept, GPUs.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};

use super::{
    CalibratedCamera, CalibratedLink, CalibrationStage, CalibrationView, FeedHealth, Feeds, GapQuality, JudgedCamera, JudgedGap, JudgedRig,
    board_looks::{BoardLooks, BoardSolved, LookOptions, MOST_SECS},
};
use crate::{
    calibrate::board::{Advice, Board, BoardFailure, Calibration, LensModel, Rejection},
    rig::{
        self, Rig,
        check::{Gap, Verdict},
    },
    time::MediaTime,
};

/// Least time from look to look, seconds.
const EVERY_SECS: f64 = 0.25;
/// Boards that move by more from frame to frame count for the lenses only, px.
const MOST_MOTION_PX: f64 = 4.0;
/// It rests for this share of the time that a look took, so that others get their turn.
const REST_SHARE: f64 = 0.5;
/// Without anything new to look at, or while somebody waits for a picture.
const IDLE: Duration = Duration::from_millis(20);
/// Without new pictures for so long the cameras are told.
const SILENT: Duration = Duration::from_secs(3);

/// What the operator wants of it, once each.
#[derive(Debug, Default, Clone)]
struct Wish {
    floor: bool,
    finish: bool,
    go_on: bool,
    /// A file of known lenses; empty for none.
    lenses: Option<String>,
}

/// Between the engine and the thread.
#[derive(Debug)]
pub(super) struct BoardDesk {
    wish: Mutex<Wish>,
    posted: Condvar,
    busy: AtomicBool,
    stop: AtomicBool,
    view: ArcSwap<CalibrationView>,
    rig: Mutex<Option<Solved>>,
}

/// A rig that was solved.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    pub rig: Arc<Rig>,
    /// The instant of the first look.
    pub begun: Option<MediaTime>,
}

impl BoardDesk {
    pub fn new(view: CalibrationView) -> Self {
        Self {
            wish: Mutex::default(),
            posted: Condvar::new(),
            busy: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            view: ArcSwap::from_pointee(view),
            rig: Mutex::default(),
        }
    }

    /// The board lies on the floor now.
    pub fn floor_latest(&self) {
        self.wish.lock().floor = true;
        self.posted.notify_one();
    }

    /// It is enough: the rig is solved.
    pub fn finish_latest(&self) {
        self.wish.lock().finish = true;
        self.posted.notify_one();
    }

    /// Carry on where it was finished.
    pub fn go_on_latest(&self) {
        self.wish.lock().go_on = true;
        self.posted.notify_one();
    }

    /// Lenses are known from this file; empty: none are.
    pub fn lenses_latest(&self, file: &str) {
        self.wish.lock().lenses = Some(file.to_owned());
        self.posted.notify_one();
    }

    /// Somebody waits for a picture, or nobody does any more.
    pub fn make_room(&self, wanted: bool) {
        self.busy.store(wanted, Ordering::Relaxed);
    }

    /// Ends the thread, soon; nobody waits for it.
    pub fn stop(&self) {
        // Under the lock, so that it is not missed between looking and waiting.
        let wish = self.wish.lock();
        self.stop.store(true, Ordering::Relaxed);
        drop(wish);
        self.posted.notify_all();
    }

    /// How it is now.
    pub fn view(&self) -> Arc<CalibrationView> {
        self.view.load_full()
    }

    /// The rig that was solved, if one was.
    pub fn solved(&self) -> Option<Solved> {
        self.rig.lock().clone()
    }

    /// The rig was written to this file.
    pub fn saved(&self, file: &str) {
        self.change(|view| {
            if let CalibrationStage::Judged(judged) = &mut view.stage {
                judged.saved = Some(file.to_owned());
            }
        });
    }

    /// The show uses it from this instant on.
    pub fn used(&self, from: MediaTime) {
        self.change(|view| {
            if let CalibrationStage::Judged(judged) = &mut view.stage {
                judged.used = Some(from);
            }
        });
    }

    fn change(&self, change: impl Fn(&mut CalibrationView)) {
        self.view.rcu(|view| {
            let mut view = view.as_ref().clone();
            change(&mut view);
            view
        });
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// What is wished, waiting for it for so long.
    fn wait(&self, patience: Duration) -> Wish {
        let mut wish = self.wish.lock();
        if !(wish.floor || wish.finish || wish.go_on || wish.lenses.is_some() || self.is_stopped()) {
            self.posted.wait_for(&mut wish, patience);
        }
        std::mem::take(&mut *wish)
    }
}

/// What is shown before anything was seen.
pub(super) fn blank((board, lenses): (&str, &str), stage: CalibrationStage, names: &[String]) -> CalibrationView {
    CalibrationView {
        board: board.to_owned(),
        lenses: lenses.to_owned(),
        stage,
        secs: 0.0,
        share: 0.0,
        advice: Advice::Begin,
        is_enough: false,
        reason: None,
        told: None,
        floor_secs: None,
        cameras: names.iter().map(|name| CalibratedCamera { name: name.clone(), ..CalibratedCamera::default() }).collect(),
        links: vec![],
    }
}

/// Runs until stopped. `order`: the cameras along the arc, by their index in the rig.
pub(super) fn run(feeds: &dyn Feeds, board: Board, order: &[usize], desk: &BoardDesk) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = LookOptions {
        board,
        most_motion_px: MOST_MOTION_PX,
        every_secs: EVERY_SECS,
        threads: (cores / 2).max(1),
        lenses: None,
        model: LensModel::Five,
    };
    let refused = |why: String| desk.change(|view| view.stage = CalibrationStage::Refused(why.clone()));
    let mut looks = match BoardLooks::new(feeds, options) {
        Ok(looks) => looks,
        Err(e) => return refused(e.to_string()),
    };
    let lenses = desk.view().lenses.clone();
    if let Err(why) = given(&mut looks, &lenses) {
        return refused(why);
    }
    Looker { feeds, order, desk, looks, fresh: Instant::now(), lenses, told: None }.serve();
}

/// Takes the lenses of a file (of none, where the name is empty); why not.
fn given(looks: &mut BoardLooks, file: &str) -> Result<(), String> {
    let lenses =
        if file.is_empty() { None } else { Some(rig::load(Path::new(file)).map_err(|e| format!("the lenses cannot be read: {e}"))?) };
    looks.give_lenses(lenses).map_err(|e| e.to_string())
}

struct Looker<'a> {
    feeds: &'a dyn Feeds,
    order: &'a [usize],
    desk: &'a BoardDesk,
    looks: BoardLooks,
    /// When there was something new to look at.
    fresh: Instant,
    /// The file of known lenses; empty without one.
    lenses: String,
    /// Why something was not taken, and since when that is told.
    told: Option<(Instant, String)>,
}

impl Looker<'_> {
    fn serve(&mut self) {
        let (mut rest, mut looking) = (Duration::ZERO, true);
        loop {
            let wish = self.desk.wait(if looking { rest } else { Duration::from_secs(1) });
            if self.desk.is_stopped() {
                return;
            }
            if wish.go_on && !looking {
                (looking, self.fresh) = (true, Instant::now());
                *self.desk.rig.lock() = None;
                self.publish(CalibrationStage::Looking { waits: false });
            }
            if let Some(file) = wish.lenses {
                self.told = given(&mut self.looks, &file).err().map(|why| (Instant::now(), why));
                if self.told.is_none() {
                    self.lenses = file;
                }
                if looking {
                    self.publish(CalibrationStage::Looking { waits: false });
                }
            }
            if !looking {
                continue;
            }
            if wish.floor {
                let unseen = "No camera sees the board now. Give it a clear view, and say FLOOR again";
                self.told = (!self.looks.lies_on_the_floor()).then(|| (Instant::now(), unseen.to_owned()));
                self.publish(CalibrationStage::Looking { waits: false });
            }
            // What is kept is bounded.
            if wish.finish || self.looks.secs() >= MOST_SECS {
                self.solve();
                looking = false;
                continue;
            }
            if self.desk.is_busy() {
                self.publish(CalibrationStage::Looking { waits: true });
                rest = IDLE;
                continue;
            }
            rest = self.look();
        }
    }

    /// Looks once; how long to rest afterwards.
    fn look(&mut self) -> Duration {
        let begun = Instant::now();
        let desk = self.desk;
        let looked = self.looks.look(self.feeds, &|| !desk.is_stopped() && !desk.is_busy());
        match looked {
            Ok(Some(_)) => {
                self.fresh = Instant::now();
                self.publish(CalibrationStage::Looking { waits: false });
                begun.elapsed().mul_f64(REST_SHARE).max(IDLE)
            }
            Ok(None) => {
                if self.fresh.elapsed() > SILENT {
                    self.publish(CalibrationStage::Looking { waits: false });
                    return 10 * IDLE;
                }
                IDLE
            }
            Err(e) => {
                // Pictures of another size are left out, so that this does not come; looking goes on if it does.
                tracing::warn!("a look at the board: {e}");
                10 * IDLE
            }
        }
    }

    fn solve(&self) {
        self.publish(CalibrationStage::Solving(0.0));
        let desk = self.desk;
        let mut told = 0.0;
        let solved = self.looks.solve(&mut |share| {
            // It has time; who waits for a picture has none.
            while desk.is_busy() && !desk.is_stopped() {
                std::thread::sleep(IDLE);
            }
            if share as f32 - told >= 0.01 {
                told = share as f32;
                desk.change(|view| view.stage = CalibrationStage::Solving(share as f32));
            }
            !desk.is_stopped()
        });
        match solved {
            Ok(solved) => {
                let judged = self.judged(&solved);
                *desk.rig.lock() = Some(Solved { rig: Arc::new(solved.calibration.rig), begun: self.looks.begun() });
                self.publish(CalibrationStage::Judged(Box::new(judged)));
            }
            Err(BoardFailure::Cancelled) => {}
            Err(e) => self.publish(CalibrationStage::Failed(e.to_string())),
        }
    }

    fn judged(&self, solved: &BoardSolved) -> JudgedRig {
        let c = &solved.calibration;
        let camera = |i: &usize| {
            let (candidate, fit) = (solved.cameras.get(*i)?, c.cameras.get(*i)?);
            let tally = solved.sightings.tallies.get(*i);
            let focal_px = c.rig.camera(&candidate.name).filter(|_| candidate.lens.is_none());
            Some(JudgedCamera {
                focal_px: focal_px.map(|camera| (camera.lens.fx_px, fit.deviation.focal_px)),
                clock_ms: c.clocks.get(*i).copied().flatten().map(|clock| (1e3 * clock.secs, 1e3 * clock.sigma_secs)),
                pictures: tally.map_or(0, |t| t.pictures),
                found: tally.map_or(0, |t| t.found),
                reasons: tally.map_or_else(Vec::new, |t| told_reasons(t.rejected.iter().map(|(why, (n, _))| (*why, *n)))),
                name: candidate.name.clone(),
                boards: fit.boards,
                taken_out: c.taken_out.iter().filter(|t| t.camera == *i).count(),
                rms_px: fit.rms_px,
                place_mm: fit.deviation.place_m * 1e3,
                unsolved: fit.unsolved.as_ref().map(ToString::to_string),
            })
        };
        let mut remedies = solved.remedies.clone();
        // What does not fit of the lenses that were given comes first.
        remedies.splice(0..0, self.looks.other_shape());
        JudgedRig {
            light: c.light(),
            rms_px: c.rms_px,
            p95_px: c.p95_px,
            step_px: c.step_px,
            cameras: self.order.iter().filter_map(camera).collect(),
            gaps: gaps(c),
            remedies,
            frame_ms: c.clocks.iter().flatten().next().map(|clock| 1e3 * clock.frame_secs),
            saved: None,
            used: None,
        }
    }

    fn publish(&self, stage: CalibrationStage) {
        let (looks, coach) = (&self.looks, self.looks.coach());
        let secs = looks.secs();
        let camera = |i: &usize| {
            let c = coach.cameras().get(*i)?;
            let refused = looks.refusals().get(*i).copied().flatten();
            Some(CalibratedCamera {
                name: c.name.clone(),
                boards: c.boards,
                needed: c.needed(),
                turned: c.turned,
                tipped: c.tipped,
                cells: c.cells.clone(),
                sees: c.sees && refused.is_none(),
                pictures: c.pictures,
                rejected: c.rejected.map(|(at, why)| (secs - at, why)),
                refused,
                knows_lens: c.knows_lens,
                reasons: told_reasons(c.reasons.iter().map(|(why, n)| (*why, *n))),
            })
        };
        let number = |camera: usize| self.order.iter().position(|i| *i == camera).unwrap_or(camera);
        let link = |p: &crate::calibrate::board::SharedBoards| {
            let (a, b) = (number(p.from), number(p.to));
            CalibratedLink { from: a.min(b), to: a.max(b), shared: p.shared, holds: p.holds() }
        };
        let advice = coach.advice();
        let view = CalibrationView {
            board: self.desk.view().board.clone(),
            lenses: self.lenses.clone(),
            stage,
            secs,
            share: coach.done_share() as f32,
            is_enough: coach.is_enough(),
            reason: coach.reason(&advice).map(|(camera, why)| (camera.to_owned(), why)),
            advice,
            told: self.told(),
            floor_secs: looks.floor_secs(),
            cameras: self.order.iter().filter_map(camera).collect(),
            links: coach.pairs().iter().map(link).collect(),
        };
        self.desk.view.store(Arc::new(view));
    }

    /// What else is to be said.
    fn told(&self) -> Option<String> {
        if let Some((_, why)) = self.told.as_ref().filter(|(at, _)| at.elapsed() < 2 * SILENT) {
            return Some(why.clone());
        }
        if self.fresh.elapsed() > SILENT && !self.desk.is_busy() {
            let status = self.feeds.status();
            let away = self.feeds.rig().cameras.iter().zip(&status).filter(|(_, s)| s.health != FeedHealth::Good);
            let told = away
                .map(|(c, s)| if s.note.is_empty() { format!("{}: no picture yet", c.name) } else { format!("{}: {}", c.name, s.note) });
            let told = told.take(2).collect::<Vec<_>>().join("; ");
            return Some(if told.is_empty() {
                "There is nothing new to look at: the cameras have stopped".to_owned()
            } else {
                format!("There is nothing new to look at. {told}")
            });
        }
        self.looks.nobody().or_else(|| self.looks.other_size().map(str::to_owned)).or_else(|| self.looks.other_shape())
    }
}

/// Reasons that say something about the board, the most frequent first: most pictures show none.
fn told_reasons(all: impl Iterator<Item = (&'static str, usize)>) -> Vec<(&'static str, usize)> {
    let mut told: Vec<_> = all.filter(|(why, _)| *why != Rejection::NoBoard.short()).collect();
    told.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    told
}

/// What can be expected between the cameras of a rig that was solved.
fn gaps(solved: &Calibration) -> Vec<JudgedGap> {
    let name = |i: usize| solved.rig.cameras.get(i).map_or_else(String::new, |c| c.name.clone());
    let gap = |g: &Gap| JudgedGap {
        from: name(g.from),
        to: name(g.to),
        degrees: g.degrees,
        disparity_px: Some(g.disparity_px),
        quality: match g.verdict {
            Verdict::Green => GapQuality::Good,
            Verdict::Amber => GapQuality::Fair,
            Verdict::Red => GapQuality::Poor,
        },
    };
    solved.gaps.iter().map(gap).collect()
}
