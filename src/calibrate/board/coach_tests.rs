//! What the coach says, on boards whose corners were computed: each advice where it belongs, and none where a rig is ready to be solved.

use glam::{DMat3, DVec3};

use super::{
    tests::{arc, carried, seen, the_board},
    *,
};
use crate::{geometry::Pose, rig::Rig};

const FRAME_SECS: f64 = 0.04;

fn names(rig: &Rig) -> Vec<String> {
    rig.cameras.iter().map(|c| c.name.clone()).collect()
}

fn coach(rig: &Rig) -> Coach {
    Coach::new(the_board(), &names(rig), FRAME_SECS, 4.0)
}

fn size_px(rig: &Rig, camera: usize) -> (u32, u32) {
    (rig.cameras[camera].width_px, rig.cameras[camera].height_px)
}

/// What each camera sees of a board there.
fn detections(rig: &Rig, pose: &Pose) -> Vec<Result<Detection, Rejection>> {
    let mut all = vec![Err(Rejection::NoBoard); rig.cameras.len()];
    for s in seen(rig, &the_board(), std::slice::from_ref(pose), 0.05) {
        all[s.camera] = Ok(Detection { corners: s.corners, square_px: 30.0, edge_px: 1.2 });
    }
    all
}

/// The board held still there: two looks, a fifth of a second apart. Only those cameras look.
fn held(coach: &mut Coach, rig: &Rig, secs: f64, pose: &Pose, who: impl Fn(usize) -> bool) {
    let found = detections(rig, pose);
    for at in [secs, secs + 0.2] {
        for (i, result) in found.iter().enumerate().filter(|(i, _)| who(*i)) {
            coach.saw(i, at, size_px(rig, i), result);
        }
    }
}

/// Square to a camera, before it, turned and tipped by so many degrees, shifted in its picture.
fn before(rig: &Rig, camera: usize, (turned_deg, tipped_deg): (f64, f64), (x_m, y_m): (f64, f64)) -> Pose {
    let c = &rig.cameras[camera];
    let front = c.camera_from_world.rotation.transpose();
    let tilt = DMat3::from_rotation_y(turned_deg.to_radians()) * DMat3::from_rotation_x(tipped_deg.to_radians());
    let middle = c.camera_from_world.inverse().apply(DVec3::new(x_m, y_m, 2.4));
    let rotation = front * tilt;
    Pose { rotation, translation: middle - rotation * (0.5 * the_board().size_m()).extend(0.0) }
}

#[test]
fn when_the_coach_says_enough_a_rig_comes_of_it() {
    let rig = arc(6, 8.0, 6.0, 1200.0);
    let (mut coach, mut session) = (coach(&rig), BoardSession::new(the_board(), &names(&rig)));
    assert_eq!(coach.advice(), Advice::Begin);
    let boards = carried(&rig, &the_board(), 150, 1.2);
    let mut told: Vec<String> = Vec::new();
    let solved = |session: &BoardSession| {
        let (sightings, _) = session.sightings(FRAME_SECS, 4.0, None);
        calibrate(&the_board(), session.cameras(), &sightings.seen, &BoardOptions::default(), &mut |_| true)
    };
    let mut could_be_solved_at = None;
    for (t, pose) in boards.iter().enumerate() {
        let secs = 3.0 * t as f64;
        held(&mut coach, &rig, secs, pose, |_| true);
        for at in [secs, secs + 0.2] {
            session.keep(at, detections(&rig, pose).into_iter().enumerate().map(|(i, r)| Some((size_px(&rig, i), r))).collect()).unwrap();
        }
        let now = coach.advice().to_string();
        if told.last() != Some(&now) {
            told.push(now);
        }
        if coach.is_enough() && could_be_solved_at.is_none() {
            could_be_solved_at = Some(t + 1);
        }
        if coach.advice() == Advice::Enough {
            break;
        }
    }
    println!("could be solved after {could_be_solved_at:?} boards\n{}", told.join("\n"));
    assert!(could_be_solved_at.is_some_and(|n| n >= 5));
    assert_eq!(coach.advice(), Advice::Enough);
    assert!(coach.cameras().iter().all(|c| c.boards >= GOOD_BOARDS && c.parts().iter().all(|n| *n > 0)));
    assert_eq!(coach.groups(), [vec![0, 1, 2, 3, 4, 5]]);
    let r = solved(&session).unwrap();
    println!("{} boards: rms {:.3} px, {:?}", coach.cameras()[0].boards, r.rms_px, r.light());
    assert_eq!((r.rig.cameras.len(), r.light()), (6, Light::Green));
}

#[test]
fn cameras_without_a_link_are_named_and_counted() {
    let rig = arc(6, 10.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    for (t, pose) in carried(&rig, &the_board(), 90, 1.2).iter().enumerate() {
        // cam04 and cam05 never look while the others do.
        held(&mut coach, &rig, 10.0 * t as f64, pose, |i| (i < 4) == (t % 3 < 2));
    }
    assert_eq!(coach.groups(), [vec![0, 1, 2, 3], vec![4, 5]]);
    assert!(!coach.is_enough());
    assert_eq!(coach.advice().to_string(), "hold the board where cam03 and cam04 both see it: 0 of 3 shared");
    // Shared boards count by place: the same one twice is one.
    let both = before(&rig, 3, (5.0, 0.0), (0.1, 0.0));
    for k in 0..3 {
        held(&mut coach, &rig, 2000.0 + 10.0 * f64::from(k), &both, |i| i == 3 || i == 4);
    }
    assert_eq!(coach.advice().to_string(), "hold the board where cam03 and cam04 both see it: 1 of 3 shared");
    for k in 1..3 {
        let pose = before(&rig, 3, (5.0, 0.0), (0.1 - 0.2 * f64::from(k), 0.0));
        held(&mut coach, &rig, 3000.0 + 10.0 * f64::from(k), &pose, |i| i == 3 || i == 4);
    }
    assert_eq!(coach.groups().len(), 1);
    assert!(coach.is_enough(), "{}", coach.advice());
    // A link by three only would do; six make it firm.
    assert_eq!(coach.advice().to_string(), "hold the board where cam03 and cam04 both see it: 3 of 6 shared");
    assert!(coach.advice().is_optional());
}

#[test]
fn a_board_that_was_never_tilted_is_asked_to_be_turned_and_tipped() {
    let rig = arc(2, 6.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    let mut t = 0.0;
    let mut show = |coach: &mut Coach, tilt: (f64, f64), x: f64| {
        t += 10.0;
        held(coach, &rig, t, &before(&rig, 0, tilt, (0.1 * x, 0.05 * x)), |_| true);
    };
    for k in 0..8 {
        show(&mut coach, (0.0, 0.0), f64::from(k - 4));
    }
    assert_eq!((coach.cameras()[0].boards, coach.cameras()[0].turned, coach.cameras()[0].tipped), (8, 0, 0));
    assert_eq!(coach.advice().to_string(), "tilt it more towards cam00: turn it 30° to 45° to one side (0 of 2)");
    show(&mut coach, (35.0, 0.0), 1.0);
    show(&mut coach, (-35.0, 0.0), -1.0);
    assert_eq!((coach.cameras()[0].turned, coach.cameras()[0].tipped), (2, 0));
    assert_eq!(coach.advice().to_string(), "tilt it more towards cam00: tip it 30° to 45° up or down (0 of 2)");
    show(&mut coach, (0.0, 35.0), 1.0);
    show(&mut coach, (0.0, -35.0), -1.0);
    assert!(coach.is_enough(), "{}", coach.advice());
    // With lenses that are known nobody asks for it.
    let mut knows = Coach::new(the_board(), &names(&rig), FRAME_SECS, 4.0);
    (0..2).for_each(|i| knows.knows_lens(i, true));
    for k in 0..6 {
        held(&mut knows, &rig, 10.0 * f64::from(k), &before(&rig, 0, (0.0, 0.0), (0.1 * f64::from(k), 0.0)), |_| true);
    }
    assert_eq!(knows.advice(), Advice::Enough);
}

#[test]
fn a_mirrored_camera_and_another_board_come_first_until_they_are_right() {
    let rig = arc(3, 8.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    let (size, mirrored) = (size_px(&rig, 1), Err(Rejection::Mirrored { markers: 9 }));
    held(&mut coach, &rig, 0.0, &before(&rig, 0, (0.0, 0.0), (0.0, 0.0)), |i| i == 0);
    coach.saw(1, 0.0, size, &mirrored);
    assert_ne!(coach.advice(), Advice::Mirror { camera: "cam01".into() }, "once is chance");
    coach.saw(1, 1.0, size, &mirrored);
    // The board goes elsewhere: the mirror is there still.
    coach.saw(1, 2.0, size, &Err(Rejection::NoBoard));
    assert_eq!(coach.advice().to_string(), "cam01 shows a mirrored picture: switch the mirror (flip) off in the camera");
    held(&mut coach, &rig, 3.0, &before(&rig, 1, (0.0, 0.0), (0.0, 0.0)), |i| i != 2);
    assert_ne!(coach.advice(), Advice::Mirror { camera: "cam01".into() });
    // Who has read the board sees other markers of the hall: that is no reason to stop.
    for at in [4.0, 4.5] {
        coach.saw(1, at, size, &Err(Rejection::OtherBoard { markers: 12 }));
    }
    assert!(!coach.advice().to_string().contains("another board"), "{}", coach.advice());
    for at in [5.0, 6.0] {
        coach.saw(2, at, size, &Err(Rejection::OtherBoard { markers: 12 }));
    }
    assert!(coach.advice().to_string().starts_with("cam02 reads 12 markers of another board: check its description"), "{}", coach.advice());
    assert!(!coach.is_enough());
}

#[test]
fn a_board_in_motion_counts_for_no_pair_and_the_reason_is_told_while_it_is_fresh() {
    let rig = arc(2, 6.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    for k in 0..20 {
        // 10 cm in a fifth of a second: about 10 px per frame.
        let found = detections(&rig, &before(&rig, 0, (0.0, 0.0), (0.1 * f64::from(k - 10), 0.0)));
        (0..2).for_each(|i| coach.saw(i, 0.2 * f64::from(k), size_px(&rig, i), &found[i]));
    }
    assert_eq!((coach.cameras()[0].boards, coach.pairs().len()), (0, 0));
    assert!(coach.cameras()[0].views > 5 && coach.cameras()[0].reasons["moving"] > 5);
    let advice = coach.advice();
    assert_eq!(advice.to_string(), "hold the board before cam00: 0 of 5 boards");
    let (camera, why) = coach.reason(&advice).unwrap();
    assert!(camera == "cam00" && why.to_string().contains("Hold it still"), "{camera}: {why}");
    // Half a minute later nobody asks any more.
    coach.saw(0, 40.0, size_px(&rig, 0), &Err(Rejection::NoBoard));
    assert_eq!(coach.reason(&advice), None);
    // Too far away is told at once.
    coach.saw(0, 41.0, size_px(&rig, 0), &Err(Rejection::TooSmall { square_px: 5.0, needed_px: 9.0 }));
    assert!(coach.reason(&advice).unwrap().1.to_string().contains("Go nearer"));
}

#[test]
fn the_corner_that_never_saw_the_board_is_named() {
    let rig = arc(2, 6.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    let mut t = 0.0;
    // Everywhere, tilted all ways, but not in the upper left of cam00.
    for (x, y) in [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.35), (0.2, 0.55), (1.0, 0.6), (-1.0, 0.6), (0.3, -0.55), (1.0, -0.6)] {
        for tilt in [(35.0, 0.0), (-35.0, 0.0), (0.0, 35.0), (0.0, -30.0)] {
            for camera in 0..2 {
                t += 10.0;
                held(&mut coach, &rig, t, &before(&rig, camera, tilt, (x, y)), |i| x >= 0.0 || i == camera);
            }
        }
    }
    // cam01 sees it there.
    for x in [0.9, 1.0, 1.1] {
        held(&mut coach, &rig, t + 30.0 * x, &before(&rig, 1, (30.0, 0.0), (-x, -0.6)), |i| i == 1);
    }
    assert!(coach.is_enough(), "{}", coach.advice());
    assert_eq!(coach.cameras()[0].parts()[0], 0);
    assert_eq!(coach.advice().to_string(), "carry it into the upper left corner of cam00");
    for x in [0.9, 1.0, 1.1] {
        held(&mut coach, &rig, t + 100.0 + 30.0 * x, &before(&rig, 0, (30.0, 0.0), (-x, -0.6)), |i| i == 0);
    }
    assert_eq!(coach.advice(), Advice::Enough);
    assert_eq!(coach.advice().to_string(), "enough: finish");
}

#[test]
fn a_camera_without_pictures_is_told_when_nothing_can_be_done_where_the_board_is() {
    let rig = arc(3, 6.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    let mut t = 0.0;
    for tilt in [(0.0, 0.0), (35.0, 0.0), (-35.0, 0.0), (0.0, 35.0), (0.0, -30.0), (0.0, 10.0), (10.0, 10.0)] {
        t += 10.0;
        held(&mut coach, &rig, t, &before(&rig, 0, tilt, (0.0, 0.0)), |i| i < 2);
    }
    assert_eq!(coach.advice().to_string(), "cam02 gives no picture: check its power, its cable and its address");
    assert!(!coach.is_enough());
}

#[test]
fn the_back_of_a_board_counts_like_its_front() {
    let rig = arc(2, 6.0, 6.0, 1200.0);
    let back = Board::parse("charuco:8x6:0.12:0.09:4x4_100:from24").unwrap();
    let board = the_board().two_sided(back, 0.005).unwrap();
    let mut coach = Coach::new(board, &names(&rig), FRAME_SECS, 4.0);
    // cam01 sees the front, cam00 the same from behind: its corners are numbered after the front's.
    for (k, tilt) in [(0.0, 0.0), (35.0, 0.0), (0.0, 35.0)].into_iter().enumerate() {
        let found = detections(&rig, &before(&rig, 0, tilt, (0.0, 0.0)));
        for at in [0.0, 0.2] {
            for (camera, seen) in found.iter().enumerate() {
                let mut seen = seen.clone().unwrap();
                if camera == 0 {
                    seen.corners.iter_mut().for_each(|(i, _)| *i += the_board().corner_count());
                }
                coach.saw(camera, 10.0 * k as f64 + at, size_px(&rig, camera), &Ok(seen));
            }
        }
    }
    let of = |i: usize| (coach.cameras()[i].boards, coach.cameras()[i].turned, coach.cameras()[i].tipped);
    assert_eq!((of(0), of(1)), ((3, 1, 1), (3, 1, 1)));
    assert!(coach.pairs()[0].holds());
}

#[test]
fn where_nobody_can_read_the_board_it_says_why_and_the_share_done_grows_with_it() {
    let rig = arc(3, 8.0, 6.0, 1200.0);
    let mut coach = coach(&rig);
    let empty: Result<Detection, Rejection> = Err(Rejection::NoBoard);
    let small: Result<Detection, Rejection> = Err(Rejection::TooSmall { square_px: 5.0, needed_px: 9.0 });
    (0..3).for_each(|i| coach.saw(i, 1.0, size_px(&rig, i), &empty));
    assert_eq!((coach.advice(), coach.reason(&coach.advice())), (Advice::Begin, None));
    (0..3).for_each(|i| coach.saw(i, 2.0, size_px(&rig, i), if i == 1 { &small } else { &empty }));
    let told = coach.reason(&coach.advice()).unwrap();
    assert_eq!((coach.advice(), told.0), (Advice::Begin, rig.cameras[1].name.as_str()));
    assert!(told.1.to_string().contains("Go nearer"), "{}", told.1);
    // What a rig takes: 3 × (5 boards, 2 turned, 2 tipped) and 2 links of 3.
    assert!(coach.done_share().abs() < 1e-9);
    held(&mut coach, &rig, 10.0, &before(&rig, 1, (0.0, 0.0), (0.0, 0.0)), |i| i == 1);
    assert!((coach.done_share() - 1.0 / 33.0).abs() < 1e-9, "{}", coach.done_share());
    for (t, pose) in carried(&rig, &the_board(), 150, 1.2).iter().enumerate() {
        let before = coach.done_share();
        held(&mut coach, &rig, 20.0 + 3.0 * t as f64, pose, |_| true);
        assert!(coach.done_share() >= before);
        assert_eq!(coach.is_enough(), coach.done_share() > 0.999, "{}", coach.done_share());
    }
    assert!(coach.is_enough());
}
