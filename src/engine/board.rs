//! The board between the engine and its GPU thread: what is wanted now, by discipline. Posting never waits.
//!
//! `latest`: one slot each for the program picture, the preview picture, the picked point, the solve, the measuring, the trial of plates, the
//! refining and the solve of plates; a newer wish replaces the older. These last four come late, in this order: only while nothing is on air and
//! nobody has asked for a picture for a while.

mod wishes;

pub(super) use wishes::{Job, LayerWish, LookWish, MeasureWish, PhaseWish, PickWish, RefineWish, SolveWish, ViewWish};

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{live::GpuFault, live_plates::PlateSet};
use crate::time::MediaTime;

/// Measuring begins, or goes on, when nothing else was wanted for so long: an operator who scrubs is not to feel it.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Debug, Default)]
struct Wishes {
    program: Option<ViewWish>,
    preview: Option<ViewWish>,
    pick: Option<PickWish>,
    solve: Option<SolveWish>,
    phase: Option<PhaseWish>,
    /// Of the newest slices.
    phase_serial: u64,
    /// The slices that pictures show or will show, those of them that are on air, and whether that has changed.
    phases: Vec<MediaTime>,
    phases_on_air: Vec<MediaTime>,
    phases_changed: bool,
    look: Option<LookWish>,
    measure: Option<MeasureWish>,
    layer: Option<LayerWish>,
    refine: Option<RefineWish>,
    plates: Option<Arc<PlateSet>>,
    drop_plates: bool,
    fault: Option<GpuFault>,
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
    /// Nothing is wanted of the GPU that somebody waits for.
    fn is_idle(&self) -> bool {
        let views = self.program.is_none() && self.preview.is_none() && self.pick.is_none();
        let nothing = views && self.solve.is_none() && self.phase.is_none() && self.fault.is_none();
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

    /// Replaces the wanted solve.
    pub fn post_solve_latest(&self, wish: SolveWish) {
        let mut wishes = self.wishes.lock();
        (wishes.preparing, wishes.serial) = (Some(wish.moment.instant), wish.serial);
        wishes.busy = Some(Instant::now());
        wishes.solve = Some(wish);
        drop(wishes);
        self.posted.notify_one();
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

    /// The pictures that may overtake a running solve.
    pub fn take_view(&self) -> Option<Job> {
        let mut wishes = self.wishes.lock();
        wishes.program.take().map(Job::Program).or_else(|| wishes.preview.take().map(Job::Preview))
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
            if let Some(wish) = wishes.program.take() {
                return Job::Program(wish);
            }
            if let Some(wish) = wishes.preview.take() {
                return Job::Preview(wish);
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
            if let Some(wish) = wishes.phase.take() {
                return Job::Phase(wish);
            }
            if let Some(wish) = wishes.look.take() {
                return Job::Look(wish);
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::Moment,
        geometry::{Lens, Pose},
        rig::Camera,
        scene::{Match, Quality},
        view::ViewMode,
    };

    fn view(nanos: i64) -> ViewWish {
        let target = Camera {
            name: "virtual".to_owned(),
            width_px: 16,
            height_px: 9,
            lens: Lens::pinhole(10.0, 10.0, 8.0, 4.5),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 0,
        };
        ViewWish {
            instant: MediaTime::from_nanos(nanos),
            target,
            mode: ViewMode::Synthesis,
            heat: false,
            weigh: false,
            matching: Match::default(),
            trims: Arc::default(),
            graphics: None,
            slices: vec![],
        }
    }

    fn solve(nanos: i64) -> SolveWish {
        let moment = Moment { instant: MediaTime::from_nanos(nanos), ..Moment::default() };
        SolveWish { moment: Arc::new(moment), level: Quality::Air, serial: 0, first: vec![] }
    }

    #[test]
    fn program_comes_before_preview_and_the_latest_wins() {
        let board = Board::default();
        board.post_solve_latest(solve(1));
        board.post_preview_latest(view(1));
        assert!(!board.post_program_latest(view(2)));
        assert!(board.post_program_latest(view(3)), "a missed program picture is told");
        assert!(matches!(board.wait(), Job::Program(v) if v.instant.nanos() == 3));
        assert!(matches!(board.wait(), Job::Preview(_)));
        assert!(matches!(board.wait(), Job::Solve(_)));
        board.stop();
        assert!(matches!(board.wait(), Job::Stop));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_dropped() {
        let board = Board::default();
        board.post_solve_latest(solve(1));
        board.post_preview_latest(view(1));
        assert!(board.wants(MediaTime::from_nanos(1), 0));
        // Another solve of the same instant takes its place.
        board.post_solve_latest(SolveWish { serial: 7, ..solve(1) });
        assert!(board.wants(MediaTime::from_nanos(1), 7) && !board.wants(MediaTime::from_nanos(1), 0));
        board.prepare_only(Some(MediaTime::from_nanos(2)));
        assert!(!board.wants(MediaTime::from_nanos(1), 0));
        assert!(board.take_view().is_none());
        board.post_program_latest(view(9));
        board.set_on_air(None);
        assert!(board.take_view().is_none(), "a return takes back the program picture");
        board.stop();
        assert!(matches!(board.wait(), Job::Stop));
    }

    #[test]
    fn slices_that_nobody_shows_are_let_go_and_those_on_air_are_not() {
        let board = Board::default();
        let at = MediaTime::from_nanos;
        board.keep_phases(vec![at(1), at(2)], vec![at(3)]);
        board.post_pick_latest(PickWish { instant: at(1), eye: view(1).target, at_px: [0.0; 2] });
        board.post_preview_latest(view(1));
        assert!(matches!(board.wait(), Job::Preview(_)), "a picture first");
        assert!(matches!(board.wait(), Job::KeepPhases));
        assert!(matches!(board.wait(), Job::Pick(_)), "told once");
        assert!([1, 2, 3].iter().all(|k| board.keeps_phase(at(*k))) && !board.keeps_phase(at(4)));
        board.keep_phases(vec![], vec![at(3)]);
        assert!(matches!(board.wait(), Job::KeepPhases));
        assert!(!board.keeps_phase(at(1)) && board.keeps_phase(at(3)) && board.has_phase_on_air(at(3)));
    }

    #[test]
    fn refining_comes_last_and_gives_way_at_once() {
        let board = Board::default();
        let at = MediaTime::from_nanos(1);
        board.prepare_only(Some(at));
        board.post_refine_latest(Some(RefineWish { moment: solve(1).moment, judges: vec![2] }));
        board.post_measure_latest(MeasureWish { moment: solve(1).moment, cameras: vec![4] });
        assert!(matches!(board.wait(), Job::Measure(_, 4)), "refining overtakes measuring");
        assert!(!board.may_refine(at));
        board.measured(at, 4);
        assert!(matches!(board.wait(), Job::Refine(_)));
        assert!(board.may_refine(at));
        // Anything else ends it: a picture, a measurement, the air, another instant.
        board.post_preview_latest(view(1));
        assert!(!board.may_refine(at));
        assert!(matches!(board.wait(), Job::Preview(_)));
        board.set_on_air(Some(at));
        assert!(!board.may_refine(at));
        board.set_on_air(None);
        assert!(matches!(board.wait(), Job::Refine(_)), "what was abandoned is asked for again");
        board.refined(at);
        assert!(!board.may_refine(at));
        board.post_refine_latest(Some(RefineWish { moment: solve(1).moment, judges: vec![] }));
        board.prepare_only(Some(MediaTime::from_nanos(2)));
        assert!(!board.may_refine(at));
        board.stop();
    }

    #[test]
    fn plates_are_solved_when_nobody_wants_anything_else() {
        let board = Board::default();
        let at = MediaTime::from_nanos(1);
        let set = |number| Arc::new(PlateSet { number, rig: crate::rig::Rig::default(), plates: vec![] });
        board.prepare_only(Some(at));
        board.post_plates_latest(Some(set(1)));
        board.post_refine_latest(Some(RefineWish { moment: solve(1).moment, judges: vec![2] }));
        board.post_layer_latest(Some(LayerWish { moment: solve(1).moment, set: set(1), judges: vec![2] }));
        assert!(matches!(board.wait(), Job::Layer(_)) && board.may_layer(at) && !board.may_refine(at));
        board.layered(at);
        assert!(matches!(board.wait(), Job::Refine(_)) && !board.may_solve_plates(1));
        board.refined(at);
        assert!(matches!(board.wait(), Job::Plates(p) if p.number == 1));
        assert!(board.may_solve_plates(1) && !board.may_solve_plates(2));
        board.set_on_air(Some(at));
        assert!(!board.may_solve_plates(1), "on air");
        board.set_on_air(None);
        // Newer ones take their place; what nobody wants any more is let go before anything is solved.
        board.post_plates_latest(Some(set(2)));
        board.plates_solved(1);
        assert!(board.may_solve_plates(2));
        board.post_layer_latest(Some(LayerWish { moment: solve(1).moment, set: set(2), judges: vec![2] }));
        board.post_plates_latest(None);
        board.post_solve_latest(solve(1));
        assert!(matches!(board.wait(), Job::DropPlates));
        assert!(matches!(board.wait(), Job::Solve(_)) && !board.may_layer(at));
    }

    #[test]
    fn measuring_waits_for_quiet_and_for_the_air() {
        let board = Board::default();
        let at = MediaTime::from_nanos(1);
        let wish = || MeasureWish { moment: solve(1).moment, cameras: vec![4, 2] };
        board.prepare_only(Some(at));
        board.post_measure_latest(wish());
        assert!(matches!(board.wait(), Job::Measure(_, 4)));
        // What was abandoned is asked for again; what is done is not.
        assert!(matches!(board.wait(), Job::Measure(_, 4)));
        board.measured(at, 4);
        // A picture comes first, and then a pause.
        board.post_preview_latest(view(1));
        assert!(!board.may_measure(at));
        let begun = Instant::now();
        assert!(matches!(board.wait(), Job::Preview(_)));
        assert!(board.may_measure(at));
        assert!(matches!(board.wait(), Job::Measure(_, 2)));
        assert!(begun.elapsed() >= QUIET / 2, "{:?}", begun.elapsed());
        board.set_on_air(Some(at));
        assert!(!board.may_measure(at));
        board.set_on_air(None);
        assert!(board.may_measure(at));
        // Another instant.
        board.prepare_only(Some(MediaTime::from_nanos(2)));
        assert!(!board.may_measure(at));
        board.post_measure_latest(wish());
        board.measured(at, 2);
        board.measured(at, 4);
        assert!(!board.may_measure(at), "all is measured");
        board.stop();
        assert!(matches!(board.wait(), Job::Stop));
    }
}
