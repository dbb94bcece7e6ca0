//! What comes first on the board.

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
    SolveWish { moment: Arc::new(moment), level: Quality::Air, serial: 0, first: vec![], plates: false, for_air: false }
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

#[test]
fn what_is_on_air_is_solved_after_preview_gives_way_to_it_and_comes_again() {
    let board = Board::default();
    let at = MediaTime::from_nanos;
    board.set_on_air(Some(at(1)));
    let mend = SolveWish { serial: 5, for_air: true, ..solve(1) };
    board.post_mend_latest(Some(mend.clone()));
    board.post_solve_latest(SolveWish { serial: 6, ..solve(2) });
    assert!(!board.goes_on(&mend), "preview waits for its own");
    assert!(matches!(board.wait(), Job::Solve(wish) if wish.serial == 6 && board.goes_on(&wish)));
    assert!(matches!(board.wait(), Job::Mend(wish) if wish.serial == 5 && board.goes_on(&wish)));
    // Given up in its middle, it is there again; pictures come before it.
    board.post_solve_latest(SolveWish { serial: 7, ..solve(3) });
    assert!(!board.goes_on(&mend));
    board.post_program_latest(view(1));
    assert!(matches!(board.wait(), Job::Program(_)));
    assert!(matches!(board.wait(), Job::Solve(wish) if wish.serial == 7));
    assert!(matches!(board.wait(), Job::Mend(_)));
    // Another one takes its place, it is done, or it leaves the air.
    board.post_mend_latest(Some(SolveWish { serial: 8, ..mend.clone() }));
    board.mended(5);
    assert!(!board.goes_on(&mend) && board.goes_on(&SolveWish { serial: 8, ..mend.clone() }));
    board.mended(8);
    assert!(!board.goes_on(&SolveWish { serial: 8, ..mend.clone() }));
    board.post_mend_latest(Some(mend.clone()));
    board.set_on_air(Some(at(2)));
    assert!(!board.goes_on(&mend));
}

#[test]
fn memory_that_somebody_else_needs_comes_before_everything_and_is_waited_for() {
    let board = Board::default();
    assert!(!board.spare_near(Duration::ZERO), "nobody serves the board");
    board.post_solve_latest(solve(1));
    board.post_program_latest(view(1));
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| board.spare_near(Duration::from_mins(1)));
        let mut served = 0;
        while !waits.is_finished() {
            // In the middle of a solve too.
            if let Some(Job::Spare) = board.take_view() {
                served += 1;
                board.near_spared(true);
            }
            std::thread::yield_now();
        }
        assert_eq!((waits.join().ok(), served), (Some(true), 1));
    });
    assert!(matches!(board.wait(), Job::Solve(_)), "the picture was taken above");
}
