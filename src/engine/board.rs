//! The board between the engine and its GPU thread: what is wanted now, by discipline. Posting never waits.
//!
//! `latest`: one slot each for the program picture, the preview picture, the picked point, the solve, the solve of what is on air without a scene, the measuring, the trial of plates, the
//! refining and the solve of plates; a newer wish replaces the older. These last four come late, in this order: only while nothing is on air and
//! nobody has asked for a picture for a while.

mod wishes;

pub(super) use wishes::{Job, LayerWish, LookWish, MeasureWish, NearWish, PhaseWish, PickWish, RefineWish, SolveWish, ViewWish};

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{live::GpuFault, live_plates::PlateSet, slow_motion::BetweenWish};
use crate::time::MediaTime;

/// Measuring begins, or goes on, when nothing else was wanted for so long: an operator who scrubs is not to feel it.
const QUIET: Duration = Duration::from_millis(300);

/// Memory of the GPU that somebody else needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Spare {
    #[default]
    Nobody,
    Wanted,
    /// The GPU thread is at it.
    Taken,
    /// It is done; whether there was anything to let go.
    Done(bool),
}

#[derive(Debug, Default)]
struct Wishes {
    program: Option<ViewWish>,
    preview: Option<ViewWish>,
    pick: Option<PickWish>,
    solve: Option<SolveWish>,
    /// What is on air and has no scene; it stays here until it has one.
    mend: Option<SolveWish>,
    /// Pictures between frames, the one that is due first in front, and the one that was taken last.
    betweens: Vec<BetweenWish>,
    between: Option<BetweenWish>,
    phase: Option<PhaseWish>,
    /// Of the newest slices.
    phase_serial: u64,
    /// The slices that pictures show or will show, those of them that are on air, and whether that has changed.
    phases: Vec<MediaTime>,
    phases_on_air: Vec<MediaTime>,
    phases_changed: bool,
    look: Option<LookWish>,
    near: Option<NearWish>,
    measure: Option<MeasureWish>,
    layer: Option<LayerWish>,
    refine: Option<RefineWish>,
    plates: Option<Arc<PlateSet>>,
    drop_plates: bool,
    fault: Option<GpuFault>,
    spare: Spare,
    /// When anything but measuring and refining was last wanted.
    busy: Option<Instant>,
    /// The scene that must not be evicted.
    on_air: Option<MediaTime>,
    /// The instant that preview wants; a running solve of another one is cancelled.
    preparing: Option<MediaTime>,
    /// Of the newest solve that was wanted.
    serial: u64,
    stop: bool,
}

impl Wishes {
    /// The picture between frames that is due first; unless `all`, only one that program waits for. Beside a solved replay on air, too: its pictures
    /// cannot wait until one is made.
    fn take_between(&mut self, all: bool) -> Option<Job> {
        self.betweens.first().filter(|first| first.on_air || all && self.on_air.is_none())?;
        let wish = self.betweens.remove(0);
        self.between = Some(wish.clone());
        Some(Job::Between(Box::new(wish)))
    }

    fn takes_spare(&mut self) -> bool {
        let is_wanted = self.spare == Spare::Wanted;
        if is_wanted {
            self.spare = Spare::Taken;
        }
        is_wanted
    }

    /// Nothing is wanted of the GPU that somebody waits for.
    fn is_idle(&self) -> bool {
        let views = self.program.is_none() && self.preview.is_none() && self.pick.is_none();
        let nothing = views && self.betweens.is_empty() && self.solve.is_none() && self.phase.is_none() && self.fault.is_none();
        nothing && !self.stop && self.on_air.is_none()
    }

    fn may_measure(&self, instant: MediaTime) -> bool {
        self.is_idle() && self.measure.as_ref().is_some_and(|m| m.moment.instant == instant)
    }

    fn may_layer(&self, instant: MediaTime) -> bool {
        let is_next = self.is_idle() && self.measure.is_none() && !self.drop_plates;
        is_next && self.layer.as_ref().is_some_and(|l| l.moment.instant == instant)
    }

    fn may_refine(&self, instant: MediaTime) -> bool {
        self.is_idle()
            && self.measure.is_none()
            && self.layer.is_none()
            && self.refine.as_ref().is_some_and(|r| r.moment.instant == instant)
    }

    fn may_solve_plates(&self, number: u64) -> bool {
        let others = self.measure.is_some() || self.layer.is_some() || self.refine.is_some() || self.look.is_some() || self.drop_plates;
        self.is_idle() && !others && self.plates.as_ref().is_some_and(|p| p.number == number)
    }

    /// How long there must still be quiet before anything is done in the background.
    fn quiet_in(&self) -> Duration {
        self.busy.map_or(Duration::ZERO, |busy| QUIET.saturating_sub(busy.elapsed()))
    }

    /// What is next in the background, once there is quiet.
    fn next_in_background(&self) -> Option<Job> {
        if let Some(measure) = self.measure.as_ref().filter(|m| self.may_measure(m.moment.instant)) {
            return Some(Job::Measure(Arc::clone(&measure.moment), *measure.cameras.first()?));
        }
        if let Some(layer) = self.layer.as_ref().filter(|l| self.may_layer(l.moment.instant)) {
            return Some(Job::Layer(layer.clone()));
        }
        if let Some(refine) = self.refine.as_ref().filter(|r| self.may_refine(r.moment.instant)) {
            return Some(Job::Refine(refine.clone()));
        }
        self.plates.as_ref().filter(|p| self.may_solve_plates(p.number)).map(|p| Job::Plates(Arc::clone(p)))
    }
}

/// The board.
#[derive(Debug, Default)]
pub(super) struct Board {
    wishes: Mutex<Wishes>,
    posted: Condvar,
    /// Memory was let go, or there was none to let go.
    answered: Condvar,
}

impl Board {
    /// Replaces the wanted program picture; true when an older wish was never served.
    pub fn post_program_latest(&self, wish: ViewWish) -> bool {
        let mut wishes = self.wishes.lock();
        wishes.busy = Some(Instant::now());
        let missed = wishes.program.replace(wish).is_some();
        drop(wishes);
        self.posted.notify_one();
        missed
    }

    /// Replaces the wanted preview picture.
    pub fn post_preview_latest(&self, wish: ViewWish) {
        let mut wishes = self.wishes.lock();
        wishes.busy = Some(Instant::now());
        wishes.preview = Some(wish);
        drop(wishes);
        self.posted.notify_one();
    }

    /// Replaces the pictures between frames that are wanted, the one that is due first in front: those on air overtake a solve, the others
    /// come after it.
    pub fn post_betweens_latest(&self, mut wanted: Vec<BetweenWish>) {
        let mut wishes = self.wishes.lock();
        wanted.retain(|w| !wishes.between.as_ref().is_some_and(|taken| taken.is(w)));
        let is_any = !wanted.is_empty();
        wishes.betweens = wanted;
        drop(wishes);
        if is_any {
            self.posted.notify_one();
        }
    }

    /// The one that was taken last is there, or cannot be: it may be wanted again.
    pub fn between_made(&self) {
        self.wishes.lock().between = None;
    }

    /// Replaces the point that is looked for.
    pub fn post_pick_latest(&self, wish: PickWish) {
        self.wishes.lock().pick = Some(wish);
        self.posted.notify_one();
    }

    /// Replaces the look of those who look on: they come after everything that the operator waits for.
    pub fn post_look_latest(&self, wish: LookWish) {
        self.wishes.lock().look = Some(wish);
        self.posted.notify_one();
    }

    /// Replaces the pictures that are kept near: last of what is not background, since it is over at once.
    pub fn post_near_latest(&self, wish: NearWish) {
        self.wishes.lock().near = Some(wish);
        self.posted.notify_one();
    }

    /// The rest of them, unless others are wanted meanwhile.
    pub fn post_near_again(&self, wish: NearWish) {
        self.wishes.lock().near.get_or_insert(wish);
    }

    /// Replaces the wanted solve.
    pub fn post_solve_latest(&self, wish: SolveWish) {
        let mut wishes = self.wishes.lock();
        (wishes.preparing, wishes.serial) = (Some(wish.moment.instant), wish.serial);
        wishes.busy = Some(Instant::now());
        wishes.solve = Some(wish);
        drop(wishes);
        self.posted.notify_one();
    }

    /// Replaces what is on air and is to be solved: after what is in preview, which it gives way to.
    pub fn post_mend_latest(&self, wish: Option<SolveWish>) {
        let mut wishes = self.wishes.lock();
        wishes.busy = Some(Instant::now());
        wishes.mend = wish;
        drop(wishes);
        self.posted.notify_one();
    }

    /// What was on air is solved, or cannot be.
    pub fn mended(&self, serial: u64) {
        let mut wishes = self.wishes.lock();
        if wishes.mend.as_ref().is_some_and(|m| m.serial == serial) {
            wishes.mend = None;
        }
    }

    /// Has what is kept near on the GPU let go, for somebody who has a device of his own, and waits for that for so long; whether there was anything.
    pub fn spare_near(&self, patience: Duration) -> bool {
        let mut wishes = self.wishes.lock();
        wishes.spare = Spare::Wanted;
        self.posted.notify_all();
        let until = Instant::now() + patience;
        while !matches!(wishes.spare, Spare::Done(_)) && !wishes.stop {
            if self.answered.wait_until(&mut wishes, until).timed_out() {
                break;
            }
        }
        std::mem::take(&mut wishes.spare) == Spare::Done(true)
    }

    /// It is gone, or there was nothing.
    pub fn near_spared(&self, had: bool) {
        self.wishes.lock().spare = Spare::Done(had);
        self.answered.notify_all();
    }

    /// Replaces the slice that is wanted next.
    pub fn post_phase_latest(&self, wish: PhaseWish) {
        let mut wishes = self.wishes.lock();
        wishes.busy = Some(Instant::now());
        wishes.phase_serial = wish.serial;
        wishes.phase = Some(wish);
        drop(wishes);
        self.posted.notify_one();
    }

    /// No slices before this serial are wanted any more.
    pub fn forget_phases(&self, serial: u64) {
        let mut wishes = self.wishes.lock();
        (wishes.phase, wishes.phase_serial) = (None, serial);
    }

    /// Says which slices pictures show or will show, and which of them are on air; others are let go.
    pub fn keep_phases(&self, phases: Vec<MediaTime>, on_air: Vec<MediaTime>) {
        let mut wishes = self.wishes.lock();
        (wishes.phases, wishes.phases_on_air, wishes.phases_changed) = (phases, on_air, true);
        drop(wishes);
        self.posted.notify_one();
    }

    /// Whether a slice is shown or will be.
    pub fn keeps_phase(&self, instant: MediaTime) -> bool {
        let wishes = self.wishes.lock();
        wishes.phases.contains(&instant) || wishes.phases_on_air.contains(&instant)
    }

    /// Whether a slice is on air.
    pub fn has_phase_on_air(&self, instant: MediaTime) -> bool {
        self.wishes.lock().phases_on_air.contains(&instant)
    }

    /// Whether a slice may go on being solved.
    pub fn wants_phase(&self, serial: u64) -> bool {
        let wishes = self.wishes.lock();
        !wishes.stop && wishes.phase_serial == serial && wishes.solve.is_none()
    }

    /// Says which instant preview wants from now on; work for another one is dropped.
    pub fn prepare_only(&self, instant: Option<MediaTime>) {
        let mut wishes = self.wishes.lock();
        wishes.preparing = instant;
        if wishes.solve.as_ref().is_some_and(|s| Some(s.moment.instant) != instant) {
            wishes.solve = None;
        }
        if wishes.preview.as_ref().is_some_and(|v| Some(v.instant) != instant) {
            wishes.preview = None;
        }
        if wishes.measure.as_ref().is_some_and(|m| Some(m.moment.instant) != instant) {
            wishes.measure = None;
        }
        if wishes.refine.as_ref().is_some_and(|r| Some(r.moment.instant) != instant) {
            wishes.refine = None;
        }
        if wishes.layer.as_ref().is_some_and(|l| Some(l.moment.instant) != instant) {
            wishes.layer = None;
        }
    }

    /// Replaces what is to be shown with plates, if it is truer so; `None` is nothing.
    pub fn post_layer_latest(&self, wish: Option<LayerWish>) {
        self.wishes.lock().layer = wish;
        self.posted.notify_one();
    }

    /// Whether the trial of plates of this instant may go on: as [`Self::may_refine`].
    pub fn may_layer(&self, instant: MediaTime) -> bool {
        self.wishes.lock().may_layer(instant)
    }

    /// The trial of a moment has ended, or is not worth it.
    pub fn layered(&self, instant: MediaTime) {
        let mut wishes = self.wishes.lock();
        if wishes.layer.as_ref().is_some_and(|l| l.moment.instant == instant) {
            wishes.layer = None;
        }
    }

    /// Replaces the plates that are to be solved; `None`: none are wanted, and those that are there are let go.
    pub fn post_plates_latest(&self, set: Option<Arc<PlateSet>>) {
        let mut wishes = self.wishes.lock();
        if set.is_none() {
            wishes.layer = None;
        }
        (wishes.drop_plates, wishes.plates) = (set.is_none(), set);
        drop(wishes);
        self.posted.notify_one();
    }

    /// Whether the solve of these plates may go on: last of all, and by the same rules.
    pub fn may_solve_plates(&self, number: u64) -> bool {
        self.wishes.lock().may_solve_plates(number)
    }

    /// These plates are solved, or cannot be.
    pub fn plates_solved(&self, number: u64) {
        let mut wishes = self.wishes.lock();
        if wishes.plates.as_ref().is_some_and(|p| p.number == number) {
            wishes.plates = None;
        }
    }

    /// Replaces what is to be refined; `None` is nothing.
    pub fn post_refine_latest(&self, wish: Option<RefineWish>) {
        self.wishes.lock().refine = wish;
        self.posted.notify_one();
    }

    /// Whether the refining of this instant may go on: false as soon as anything else is wanted, or a replay is on air.
    pub fn may_refine(&self, instant: MediaTime) -> bool {
        self.wishes.lock().may_refine(instant)
    }

    /// A moment is refined, or not worth it.
    pub fn refined(&self, instant: MediaTime) {
        let mut wishes = self.wishes.lock();
        if wishes.refine.as_ref().is_some_and(|r| r.moment.instant == instant) {
            wishes.refine = None;
        }
    }

    /// Takes back the pictures that are wanted: their scenes are gone.
    pub fn forget_views(&self) {
        let mut wishes = self.wishes.lock();
        (wishes.program, wishes.preview) = (None, None);
        wishes.betweens.clear();
    }

    /// Lets something break, for rehearsal.
    pub fn post_fault_latest(&self, fault: GpuFault) {
        self.wishes.lock().fault = Some(fault);
        self.posted.notify_one();
    }

    /// Replaces what is to be measured; an empty list is nothing.
    pub fn post_measure_latest(&self, wish: MeasureWish) {
        self.wishes.lock().measure = (!wish.cameras.is_empty()).then_some(wish);
        self.posted.notify_one();
    }

    /// Whether the measuring of this instant may go on: false as soon as anything else is wanted, or a replay is on air.
    pub fn may_measure(&self, instant: MediaTime) -> bool {
        self.wishes.lock().may_measure(instant)
    }

    /// A camera is measured (or cannot be).
    pub fn measured(&self, instant: MediaTime, camera: usize) {
        let mut wishes = self.wishes.lock();
        if let Some(measure) = &mut wishes.measure
            && measure.moment.instant == instant
        {
            measure.cameras.retain(|c| *c != camera);
            if measure.cameras.is_empty() {
                wishes.measure = None;
            }
        }
    }

    /// Says which scene is on air.
    pub fn set_on_air(&self, instant: Option<MediaTime>) {
        let mut wishes = self.wishes.lock();
        wishes.on_air = instant;
        wishes.busy = Some(Instant::now());
        if wishes.mend.as_ref().is_some_and(|m| Some(m.moment.instant) != instant) {
            wishes.mend = None;
        }
        if instant.is_none() {
            wishes.program = None;
        }
        drop(wishes);
        self.posted.notify_one();
    }

    /// The scene that is on air.
    pub fn on_air(&self) -> Option<MediaTime> {
        self.wishes.lock().on_air
    }

    /// The instant that preview wants.
    pub fn preparing(&self) -> Option<MediaTime> {
        self.wishes.lock().preparing
    }

    /// Whether the solve of this instant that was wanted by this number is still wanted.
    pub fn wants(&self, instant: MediaTime, serial: u64) -> bool {
        let wishes = self.wishes.lock();
        !wishes.stop && wishes.preparing == Some(instant) && wishes.serial == serial
    }

    /// Whether a solve may go on: that of preview as long as it is wanted, that of what is on air as long as preview wants none besides.
    pub fn goes_on(&self, wish: &SolveWish) -> bool {
        if !wish.for_air {
            return self.wants(wish.moment.instant, wish.serial);
        }
        let wishes = self.wishes.lock();
        !wishes.stop && wishes.solve.is_none() && wishes.mend.as_ref().is_some_and(|m| m.serial == wish.serial)
    }

    /// The pictures that may overtake a running solve, and memory that is needed elsewhere.
    pub fn take_view(&self) -> Option<Job> {
        let mut wishes = self.wishes.lock();
        if wishes.takes_spare() {
            return Some(Job::Spare);
        }
        let view = wishes.program.take().map(Job::Program).or_else(|| wishes.preview.take().map(Job::Preview));
        view.or_else(|| wishes.take_between(false))
    }

    /// Waits for the most urgent job.
    pub fn wait(&self) -> Job {
        let mut wishes = self.wishes.lock();
        loop {
            if wishes.stop {
                return Job::Stop;
            }
            if let Some(fault) = wishes.fault.take() {
                return Job::Fault(fault);
            }
            if wishes.takes_spare() {
                return Job::Spare;
            }
            if let Some(wish) = wishes.program.take() {
                return Job::Program(wish);
            }
            if let Some(wish) = wishes.preview.take() {
                return Job::Preview(wish);
            }
            if let Some(job) = wishes.take_between(false) {
                return job;
            }
            if std::mem::take(&mut wishes.drop_plates) {
                return Job::DropPlates;
            }
            if std::mem::take(&mut wishes.phases_changed) {
                return Job::KeepPhases;
            }
            if let Some(wish) = wishes.pick.take() {
                return Job::Pick(wish);
            }
            if let Some(wish) = wishes.solve.take() {
                return Job::Solve(wish);
            }
            if let Some(wish) = wishes.mend.clone() {
                return Job::Mend(wish);
            }
            if let Some(wish) = wishes.phase.take() {
                return Job::Phase(wish);
            }
            if let Some(job) = wishes.take_between(true) {
                return job;
            }
            if let Some(wish) = wishes.look.take() {
                return Job::Look(wish);
            }
            if let Some(wish) = wishes.near.take() {
                return Job::Near(wish);
            }
            match wishes.next_in_background() {
                Some(job) => {
                    let quiet_in = wishes.quiet_in();
                    if quiet_in.is_zero() {
                        return job;
                    }
                    // Woken early or late: the loop looks again.
                    let _ = self.posted.wait_for(&mut wishes, quiet_in);
                }
                None => self.posted.wait(&mut wishes),
            }
        }
    }

    /// Waits for at most `timeout` and says whether the GPU thread shall end.
    pub fn wait_stopped(&self, timeout: Duration) -> bool {
        let mut wishes = self.wishes.lock();
        let until = Instant::now() + timeout;
        while !wishes.stop {
            if self.posted.wait_until(&mut wishes, until).timed_out() {
                break;
            }
        }
        wishes.stop
    }

    /// Asks the GPU thread to end.
    pub fn stop(&self) {
        self.wishes.lock().stop = true;
        self.posted.notify_all();
        self.answered.notify_all();
    }
}

#[cfg(test)]
mod tests;
