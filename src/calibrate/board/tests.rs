//! Rigs of known truth from corners that were never drawn: what the solver reaches, and what it says where it cannot.

use glam::{DMat3, DVec2, DVec3};

use super::*;
use crate::{
    calibrate::{
        bundle::{rotation_of, rotation_vector},
        tests::noise,
    },
    geometry::{Distortion, Lens, Pose},
    rig::{Camera, Rig},
};

/// About a normal distribution.
fn grain(seed: u64) -> f64 {
    noise(seed * 3) + noise(seed * 3 + 1) + noise(seed * 3 + 2)
}

/// Cameras `step_deg` apart, `away_m` from a subject, 1280 × 720, each with a lens a little different.
pub(super) fn arc(n: usize, step_deg: f64, away_m: f64, focal_px: f64) -> Rig {
    let camera = |i: usize| {
        let a = (step_deg * (i as f64 - 0.5 * (n - 1) as f64)).to_radians();
        let eye = DVec3::new(away_m * a.sin(), -away_m * a.cos(), 1.6 + 0.05 * noise(i as u64));
        let focal = focal_px * (1.0 + 0.01 * noise(50 + i as u64));
        let lens = Lens {
            distortion: Distortion::BrownConrady {
                k: [-0.12 + 0.01 * noise(90 + i as u64), 0.05, 0.0, 0.0, 0.0, 0.0],
                p: [0.0004, -0.0003],
            },
            ..Lens::pinhole(focal, focal, 640.0 + 8.0 * noise(60 + i as u64), 360.0 + 8.0 * noise(70 + i as u64))
        };
        Camera {
            name: format!("cam{i:02}"),
            width_px: 1280,
            height_px: 720,
            lens,
            camera_from_world: Pose::look_at(eye, DVec3::new(0.0, 0.0, 1.2), DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    };
    Rig { cameras: (0..n).map(camera).collect(), points_in_world: vec![] }
}

pub(super) fn the_board() -> Board {
    Board::parse("charuco:8x6:0.12:0.09:4x4_50").unwrap()
}

/// The board carried through the volume: at each instant somewhere, tilted somehow, towards one camera after the other.
pub(super) fn carried(rig: &Rig, board: &Board, instants: usize, reach_m: f64) -> Vec<Pose> {
    (0..instants)
        .map(|t| {
            let s = 1000 + 10 * t as u64;
            let towards = rig.cameras[t * 7 % rig.cameras.len()].center_in_world();
            let middle = DVec3::Z * 1.2;
            let at = DVec3::new(noise(s), noise(s + 1), 0.7 * noise(s + 2)) * reach_m + middle;
            // Every other time nearer to a camera, which it then fills.
            let at = if t % 2 == 0 { at } else { middle.lerp(towards, 0.45 + 0.15 * noise(s + 6)) + (at - middle) * 0.6 };
            let facing = Pose::look_at(at, towards, DVec3::Z).unwrap().rotation.transpose();
            // Seen from the front: x to the right of the viewer, y down, z away from him.
            let front = facing * DMat3::from_rotation_y(std::f64::consts::PI);
            let tilt = rotation_of(DVec3::new(0.8 * noise(s + 3), 0.8 * noise(s + 4), 0.5 * noise(s + 5)));
            let rotation = front * tilt;
            Pose { rotation, translation: at - rotation * (0.5 * board.size_m()).extend(0.0) }
        })
        .collect()
}

/// What the cameras see of it, to a deviation of `sigma_px`.
pub(super) fn seen(rig: &Rig, board: &Board, boards: &[Pose], sigma_px: f64) -> Vec<Seen> {
    let mut all = Vec::new();
    for (instant, pose) in boards.iter().enumerate() {
        for (camera, c) in rig.cameras.iter().enumerate() {
            // From behind, and far from the side, nothing is seen.
            let middle = pose.apply((0.5 * board.size_m()).extend(0.0));
            let facing = pose.rotation.z_axis.dot((middle - c.center_in_world()).normalize_or(DVec3::Z));
            if facing < 0.35 {
                continue;
            }
            let at = |i: usize| {
                let s = (instant * 100_000 + camera * 1000 + i) as u64;
                let px = c.project(pose.apply(board.corner_m(i).extend(0.0))).filter(|px| c.contains_px(*px))?;
                Some((i, px + DVec2::new(grain(2 * s), grain(2 * s + 1)) * sigma_px))
            };
            let corners: Vec<(usize, DVec2)> = (0..board.corner_count()).filter_map(at).collect();
            if corners.len() >= 8 {
                all.push(Seen::still(camera, instant, corners));
            }
        }
    }
    all
}

pub(super) fn candidates(rig: &Rig, known: bool) -> Vec<Candidate> {
    let of = |c: &Camera| Candidate { name: c.name.clone(), width_px: c.width_px, height_px: c.height_px, lens: known.then_some(c.lens) };
    rig.cameras.iter().map(of).collect()
}

pub(super) fn solved(board: &Board, rig: &Rig, seen: &[Seen]) -> Calibration {
    calibrate(board, &candidates(rig, false), seen, &BoardOptions::default(), &mut |_| true).unwrap()
}

/// How far centres (m) and rotations (rad) are off at worst, after the best turn and shift of the whole; never its scale.
pub(super) fn off(truth: &Rig, found: &Rig) -> (f64, f64) {
    let of = |c: &Camera| found.camera(&c.name).unwrap().clone();
    let pairs: Vec<(Camera, Camera)> = truth.cameras.iter().map(|c| (c.clone(), of(c))).collect();
    let n = pairs.len() as f64;
    let sum =
        pairs.iter().map(|(t, f)| t.camera_from_world.rotation.transpose() * f.camera_from_world.rotation).fold(DMat3::ZERO, |a, m| a + m);
    let truth_from_found = Pose::orthonormalized(sum).unwrap();
    let shift = pairs.iter().map(|(t, f)| t.center_in_world() - truth_from_found * f.center_in_world()).sum::<DVec3>() / n;
    let place = |(t, f): &(Camera, Camera)| (t.center_in_world() - truth_from_found * f.center_in_world() - shift).length();
    let turn = |(t, f): &(Camera, Camera)| {
        rotation_vector(t.camera_from_world.rotation * truth_from_found * f.camera_from_world.rotation.transpose()).length()
    };
    (pairs.iter().map(place).fold(0.0, f64::max), pairs.iter().map(turn).fold(0.0, f64::max))
}

#[test]
fn twelve_cameras_on_an_arc() {
    let (rig, board) = (arc(12, 6.0, 6.0, 1200.0), the_board());
    let seen = seen(&rig, &board, &carried(&rig, &board, 150, 1.3), 0.07);
    let r = solved(&board, &rig, &seen);
    let (place_m, turn_rad) = off(&rig, &r.rig);
    println!(
        "{} sightings: rms {:.3} p95 {:.3} px; centres {:.2} mm, rotation {:.4}°",
        seen.len(),
        r.rms_px,
        r.p95_px,
        place_m * 1e3,
        turn_rad.to_degrees()
    );
    for (c, f) in rig.cameras.iter().zip(&r.cameras) {
        let lens = r.rig.camera(&c.name).unwrap().lens;
        println!(
            "  {}: focal {:+.2} ± {:.2} px, place ± {:.2} mm, {} boards",
            c.name,
            lens.fx_px - c.lens.fx_px,
            f.deviation.focal_px,
            f.deviation.place_m * 1e3,
            f.boards
        );
    }
    assert!(place_m < 0.002 && turn_rad.to_degrees() < 0.02 && r.rms_px < 0.3, "{place_m} {turn_rad} {}", r.rms_px);
    assert_eq!(r.light(), Light::Green);
    assert!(r.taken_out.is_empty() && r.cameras.iter().all(|c| c.unsolved.is_none()));
    // What is told of the deviations holds: hardly a lens is off by more than three of them.
    let far = rig
        .cameras
        .iter()
        .zip(&r.cameras)
        .filter(|(c, f)| (r.rig.camera(&c.name).unwrap().lens.fx_px - c.lens.fx_px).abs() > 3.0 * f.deviation.focal_px);
    assert!(far.count() <= 1);
}

#[test]
fn long_lenses_hold() {
    // 4800 px at 1280 are 135 mm on full frame; the cameras stand 20 m away.
    let (rig, board) = (arc(5, 5.0, 20.0, 4800.0), Board::parse("charuco:8x6:0.2:0.15:4x4_50").unwrap());
    let seen = seen(&rig, &board, &carried(&rig, &board, 80, 1.2), 0.1);
    let r = solved(&board, &rig, &seen);
    let (place_m, turn_rad) = off(&rig, &r.rig);
    println!("long: rms {:.3} px; centres {:.1} mm, rotation {:.4}°", r.rms_px, place_m * 1e3, turn_rad.to_degrees());
    for (c, f) in rig.cameras.iter().zip(&r.cameras) {
        let found = r.rig.camera(&c.name).unwrap().lens.fx_px;
        println!("  {}: {:+.1} ± {:.1} px", c.name, found - c.lens.fx_px, f.deviation.focal_px);
        assert!((found / c.lens.fx_px - 1.0).abs() < 0.01 && (found - c.lens.fx_px).abs() < 4.0 * f.deviation.focal_px);
    }
    assert!(r.rms_px < 0.2 && r.light() == Light::Green && place_m < 0.1);
}

#[test]
fn a_board_that_was_never_tilted_leaves_the_lens_unknown_and_says_so() {
    let (rig, board) = (arc(2, 1.0, 20.0, 4800.0), the_board());
    // Always square to the first camera.
    let rotation = rig.cameras[0].camera_from_world.rotation.transpose();
    let boards: Vec<Pose> = (0..30)
        .map(|t| Pose { rotation, translation: DVec3::new(noise(t), 0.2 * noise(t + 50), 0.5 * noise(t + 99)) + DVec3::Z * 1.2 })
        .collect();
    let e = calibrate(&board, &candidates(&rig, false), &seen(&rig, &board, &boards, 0.1), &BoardOptions::default(), &mut |_| true)
        .unwrap_err();
    let told = e.to_string();
    for word in ["cam00", "focal length", "Tilt the board", "--lenses"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    // With lenses that are known it is enough.
    let r = calibrate(&board, &candidates(&rig, true), &seen(&rig, &board, &boards, 0.1), &BoardOptions::default(), &mut |_| true).unwrap();
    assert_eq!(r.rig.cameras.len(), 2);
}

#[test]
fn cameras_without_a_link_are_named_with_where_to_hold_the_board() {
    let (rig, board) = (arc(6, 10.0, 6.0, 1200.0), the_board());
    let all = seen(&rig, &board, &carried(&rig, &board, 80, 1.2), 0.1);
    // No instant has the board in both of cam00…cam03 and cam04, cam05.
    let parted: Vec<Seen> = all.into_iter().filter(|s| (s.camera < 4) == (s.instant % 3 < 2)).collect();
    let r = solved(&board, &rig, &parted);
    let names: Vec<&str> = r.rig.cameras.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["cam00", "cam01", "cam02", "cam03"], "what hangs together is solved");
    assert_eq!(r.light(), Light::Red);
    let told = r.cameras[4].unsolved.as_ref().unwrap().to_string();
    for word in ["0 with cam03", "Hold the board where cam04 and cam03 both see it"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let part = rig.restricted_to(&[0, 1, 2, 3]);
    assert!(off(&part, &r.rig).0 < 0.004);
}

#[test]
fn a_camera_out_of_step_and_one_that_is_mirrored_are_told() {
    let (rig, board) = (arc(5, 8.0, 6.0, 1200.0), the_board());
    let boards = carried(&rig, &board, 70, 1.2);
    let mut all = seen(&rig, &board, &boards, 0.1);
    // The clock of cam02 is an instant behind: it shows each board where another one was.
    let shown = |s: &Seen| Seen { instant: (s.instant + 1) % 70, ..s.clone() };
    for s in all.iter_mut().filter(|s| s.camera == 2) {
        *s = shown(s);
    }
    let r = solved(&board, &rig, &all);
    let told = r.cameras[2].unsolved.as_ref().unwrap().to_string();
    assert!(told.contains("both saw it, but they do not agree") && told.contains("in step"), "{told}");
    assert_eq!(r.rig.cameras.len(), 4);
    // Mirrored: corners where a mirror would show them.
    let mut all = seen(&rig, &board, &boards, 0.1);
    for s in all.iter_mut().filter(|s| s.camera == 1) {
        s.corners.iter_mut().for_each(|(_, px)| px.x = 1280.0 - px.x);
    }
    let r = solved(&board, &rig, &all);
    let told = r.cameras[1].unsolved.as_ref().unwrap().to_string();
    assert!(told.contains("mirrored"), "{told}");
}

#[test]
fn boards_that_contradict_all_others_are_taken_out_and_named() {
    let (rig, board) = (arc(6, 8.0, 6.0, 1200.0), the_board());
    let mut all = seen(&rig, &board, &carried(&rig, &board, 80, 1.2), 0.1);
    let shifted: Vec<usize> = (0..all.len()).step_by(17).collect();
    for i in &shifted {
        all[*i].corners.iter_mut().for_each(|(_, px)| *px += DVec2::new(9.0, -4.0));
    }
    // And single corners anywhere.
    for s in all.iter_mut().step_by(5) {
        s.corners[3].1 += DVec2::new(-6.0, 5.0);
    }
    let r = solved(&board, &rig, &all);
    let (place_m, turn_rad) = off(&rig, &r.rig);
    assert!(place_m < 0.003 && turn_rad.to_degrees() < 0.06 && r.rms_px < 0.2, "{place_m} {turn_rad} {}", r.rms_px);
    for i in shifted {
        let s = &all[i];
        assert!(r.taken_out.iter().any(|t| (t.camera, t.instant) == (s.camera, s.instant)), "{} at {}", s.camera, s.instant);
    }
    assert!(r.cameras.iter().all(|c| c.wrong > 0));
}

#[test]
fn a_board_that_moved_while_they_looked_does_not_bend_the_lenses() {
    let (rig, board) = (arc(4, 10.0, 4.0, 1200.0), the_board());
    let boards = carried(&rig, &board, 60, 0.9);
    let mut all = Vec::new();
    for i in 0..4 {
        // Each camera sees it a little elsewhere: up to 6 mm.
        let moved: Vec<Pose> = boards
            .iter()
            .enumerate()
            .map(|(t, b)| Pose {
                translation: b.translation + DVec3::new(noise(t as u64 * 9 + i), noise(t as u64 * 7 + i), 0.0) * 0.006,
                ..*b
            })
            .collect();
        all.extend(seen(&rig, &board, &moved, 0.08).into_iter().filter(|s| s.camera == i as usize));
    }
    let r = solved(&board, &rig, &all);
    let told = |f: &GateFinding| f.what.contains("the board moved while they looked") && f.what.contains("genlock");
    assert!(r.findings.iter().any(told), "{:?}", r.findings);
    assert!(r.light() > Light::Green);
    for (c, f) in rig.cameras.iter().zip(&r.cameras) {
        let focal = r.rig.camera(&c.name).unwrap().lens.fx_px;
        assert!((focal - c.lens.fx_px).abs() < 4.0 * f.deviation.focal_px.max(0.3), "{}: {focal} {:?}", c.name, f.deviation);
    }
}

#[test]
fn the_floor_is_where_the_board_lay_and_a_board_that_did_not_lie_is_refused() {
    let (rig, board) = (arc(5, 10.0, 6.0, 1200.0), the_board());
    let mut boards = carried(&rig, &board, 60, 1.2);
    // On the floor at instant 60, printed side up, its x along the world's −x, off the middle.
    let lying = DMat3::from_cols(DVec3::NEG_X, DVec3::Y, DVec3::NEG_Z);
    boards.push(Pose { rotation: lying, translation: DVec3::new(0.6, -1.5, 0.0) });
    let mut all = Vec::new();
    for (i, c) in rig.cameras.iter().enumerate() {
        let lens = Lens { fx_px: 1000.0, fy_px: 1000.0, ..c.lens };
        let high = c.center_in_world() + DVec3::Z * 1.5;
        let down = Pose::look_at(high, DVec3::new(0.0, 0.0, 0.7), DVec3::Z).unwrap();
        let rig = Rig { cameras: vec![Camera { lens, camera_from_world: down, ..c.clone() }], points_in_world: vec![] };
        let only = seen(&rig, &board, &boards[..60], 0.1);
        all.extend(only.into_iter().map(|s| Seen { camera: i, ..s }));
        // Lying, it is seen too flat for the others' rule.
        let corners = (0..board.corner_count())
            .filter_map(|k| Some((k, rig.cameras[0].project(boards[60].apply(board.corner_m(k).extend(0.0)))?)))
            .filter(|(_, px)| c.contains_px(*px));
        all.push(Seen::still(i, 60, corners.collect()));
    }
    all.retain(|s| s.corners.len() >= 8);
    let options = |floor| BoardOptions { floor: Some(floor), ..BoardOptions::default() };
    let r = calibrate(&board, &candidates(&rig, false), &all, &options(60), &mut |_| true).unwrap();
    for (c, was) in r.rig.cameras.iter().zip(&rig.cameras) {
        let height = was.center_in_world().z + 1.5;
        assert!((c.center_in_world().z - height).abs() < 0.006, "{}: {} m above the floor, not {height}", c.name, c.center_in_world().z);
    }
    // The board's middle is the origin: all stand as far from it as they do.
    let middle = boards[60].apply((0.5 * board.size_m()).extend(0.0));
    let (c, was) = (&r.rig.cameras[2], &rig.cameras[2]);
    assert!((c.center_in_world().length() - (was.center_in_world() + DVec3::Z * 1.5 - middle).length()).abs() < 0.006);
    // Turned over, it would put the cameras under the floor.
    let upside_down = |s: &Seen| Seen { corners: s.corners.iter().map(|(k, px)| (mirrored(&board, *k), *px)).collect(), ..s.clone() };
    let told = {
        let standing = all.iter().filter(|s| s.instant == 60).count();
        assert!(standing > 1);
        let e = calibrate(&board, &candidates(&rig, false), &all, &options(99), &mut |_| true).unwrap_err();
        assert_eq!(e, BoardFailure::NoFloor);
        let facing_down: Vec<Seen> = all.iter().map(|s| if s.instant == 60 { upside_down(s) } else { s.clone() }).collect();
        calibrate(&board, &candidates(&rig, false), &facing_down, &options(60), &mut |_| true).unwrap_err().to_string()
    };
    assert!(told.contains("does not lie"), "{told}");
}

/// The corner at the same height on the other side.
fn mirrored(board: &Board, corner: usize) -> usize {
    let across = board.columns as usize - 1;
    corner / across * across + across - 1 - corner % across
}

/// Both sides of a board: what each camera sees of the one that faces it.
fn seen_on_both_sides(rig: &Rig, board: &Board, boards: &[Pose], sigma_px: f64) -> Vec<Seen> {
    let front = Board { back: None, ..board.clone() };
    let back = board.back().unwrap();
    let turned: Vec<Pose> = boards.iter().map(|b| b.then_from(&board.front_from_back())).collect();
    let mut all = seen(rig, &front, boards, sigma_px);
    let mut behind = seen(rig, back, &turned, sigma_px);
    for (i, _) in behind.iter_mut().flat_map(|s| &mut s.corners) {
        *i += board.corner_count();
    }
    all.extend(behind);
    all
}

/// Eight cameras all around, and a board with two sides.
fn ring() -> (Rig, Board) {
    let side = |first: u32| Board::parse(&format!("charuco:10x8:0.12:0.09:4x4_100:from{first}")).unwrap();
    (arc(8, 45.0, 5.0, 1200.0), side(0).two_sided(side(40), 0.02).unwrap())
}

#[test]
fn a_board_with_two_sides_ties_cameras_that_face_each_other() {
    let (rig, board) = ring();
    let boards = carried(&rig, &board, 180, 1.0);
    let all = seen_on_both_sides(&rig, &board, &boards, 0.07);
    // At one time a camera sees one side, and cameras that face each other see both.
    let side = |s: &Seen| s.corners[0].0 >= board.corner_count();
    assert!(all.iter().any(|s| all.iter().any(|o| o.instant == s.instant && o.camera == (s.camera + 4) % 8 && side(o) != side(s))));
    let r = solved(&board, &rig, &all);
    let (place_m, turn_rad) = off(&rig, &r.rig);
    println!(
        "two sides: {} sightings, rms {:.3} px; centres {:.2} mm, rotation {:.4}°",
        all.len(),
        r.rms_px,
        place_m * 1e3,
        turn_rad.to_degrees()
    );
    assert!(place_m < 0.002 && turn_rad.to_degrees() < 0.02 && r.rms_px < 0.3, "{place_m} {turn_rad} {}", r.rms_px);
    assert_eq!((r.back_off_m, r.fit_light()), (None, Light::Green), "{:?}", r.notes);
    // Eight cameras all around are too far apart for anything in between, and that is all there is to say.
    assert!(r.light() == Light::Amber && r.findings.iter().all(|f| f.what.contains("too far apart for synthesis")), "{:?}", r.findings);
    let facing = r.links.iter().filter(|l| l.to - l.from == 4);
    assert!(facing.clone().count() == 4 && facing.clone().all(Link::holds), "{:?}", r.links);
    // With one side alone, cameras that face each other share nothing.
    let front: Vec<Seen> = all.iter().filter(|s| !side(s)).cloned().collect();
    let one = solved(&Board { back: None, ..board.clone() }, &rig, &front);
    assert!(one.links.iter().filter(|l| l.to - l.from == 4).all(|l| l.shared == 0));
    // They are tied through those beside them all the same, and none of them comes to stand on the other side, upside down or looking outwards.
    let (place_m, turn_rad) = off(&rig, &one.rig);
    println!("one side: centres {:.2} mm, rotation {:.4}°", place_m * 1e3, turn_rad.to_degrees());
    assert!(one.rig.cameras.len() == 8 && place_m < 0.01 && turn_rad.to_degrees() < 0.1, "{place_m} {turn_rad}");
}

#[test]
fn cameras_that_share_boards_with_their_neighbours_only_are_chained() {
    let (rig, board) = (arc(6, 20.0, 5.0, 1200.0), the_board());
    let all = seen(&rig, &board, &carried(&rig, &board, 150, 1.2), 0.07);
    // Each instant belongs to one pair of neighbours: a tenth of its boards is all that a camera has in common with any other on the way.
    let chain: Vec<Seen> = all.into_iter().filter(|s| [s.instant % 5, s.instant % 5 + 1].contains(&s.camera)).collect();
    let r = solved(&board, &rig, &chain);
    let (place_m, turn_rad) = off(&rig, &r.rig);
    println!("chained: rms {:.3} px, centres {:.2} mm, rotation {:.4}°", r.rms_px, place_m * 1e3, turn_rad.to_degrees());
    assert!(r.links.iter().all(|l| l.holds() == (l.to - l.from == 1)), "{:?}", r.links);
    assert!(
        r.rig.cameras.len() == 6 && place_m < 0.006 && turn_rad.to_degrees() < 0.1 && r.rms_px < 0.15,
        "{place_m} {turn_rad} {}",
        r.rms_px
    );
}

#[test]
fn a_wrong_thickness_and_a_back_that_is_not_in_the_middle_are_told_with_how_much() {
    let (rig, board) = ring();
    let boards = carried(&rig, &board, 60, 1.0);
    let all = seen_on_both_sides(&rig, &board, &boards, 0.07);
    let (place_m, turn_rad) = off(&rig, &solved(&board, &rig, &all).rig);
    let wrong = Board { back: None, ..board.clone() }.two_sided(board.back().unwrap().clone(), 0.014).unwrap();
    let r = solved(&wrong, &rig, &all);
    println!("6 mm thicker than told: {:?}; {:?}", r.back_off_m, r.notes);
    let off_m = r.back_off_m.unwrap();
    assert_eq!(r.fit_light(), Light::Amber);
    assert!((off_m.z - 0.006).abs() < 0.001 && off_m.x.abs() < 0.001 && r.light() == Light::Amber, "{off_m}");
    // The rig is not worse for it.
    assert!(off(&rig, &r.rig).0 < 1.1 * place_m + 1e-5 && off(&rig, &r.rig).1 < 1.1 * turn_rad + 1e-6);
    assert!(r.notes.iter().any(|n| n.contains("mm apart, not 14.0 as --thickness has it")), "{:?}", r.notes);
    // Printed 4 mm to the right of the middle, as seen from the front.
    let mut shifted = seen_on_both_sides(&rig, &board, &boards, 0.07);
    let aside: Vec<Pose> = boards.iter().map(|b| Pose { translation: b.translation + b.rotation.x_axis * 0.004, ..*b }).collect();
    let moved = seen_on_both_sides(&rig, &board, &aside, 0.07);
    shifted.retain(|s| s.corners[0].0 < board.corner_count());
    shifted.extend(moved.into_iter().filter(|s| s.corners[0].0 >= board.corner_count()));
    let r = solved(&board, &rig, &shifted);
    println!("4 mm to the right: {:?}; {:?}", r.back_off_m, r.notes);
    assert!(r.notes.iter().any(|n| n.contains("mm towards the right of the front's")), "{:?}", r.notes);
    assert!((r.back_off_m.unwrap().x - 0.004).abs() < 0.001);
}

#[test]
fn it_says_how_far_it_is_and_stops_when_told() {
    let (rig, board) = (arc(3, 8.0, 6.0, 1200.0), the_board());
    let all = seen(&rig, &board, &carried(&rig, &board, 30, 1.2), 0.1);
    let mut told = Vec::new();
    calibrate(&board, &candidates(&rig, false), &all, &BoardOptions::default(), &mut |share| {
        told.push(share);
        true
    })
    .unwrap();
    assert!(told.len() > 10 && told.is_sorted() && told.iter().all(|s| (0.0..=1.0).contains(s)), "{told:?}");
    for after in [0, 3, told.len() - 1] {
        let mut calls = 0;
        let e = calibrate(&board, &candidates(&rig, false), &all, &BoardOptions::default(), &mut |_| {
            calls += 1;
            calls <= after
        });
        assert_eq!(e.unwrap_err(), BoardFailure::Cancelled);
    }
}

/// What is told of a lens holds: how far it is off, in deviations, over many runs, where corners are off each by chance and where whole stretches of the time are
/// off together, as a board that bends in the hands that hold it.
#[test]
fn deviations_of_lenses_hold_also_where_boards_in_turn_are_off_together() {
    let (rig, board) = (arc(1, 0.0, 6.0, 1200.0), the_board());
    let c = &rig.cameras[0];
    let own = |run: usize, bent_m: f64, sigma_px: f64| {
        let boards = &carried(&rig, &board, 40 * (run + 1), 1.2)[40 * run..];
        let views: Vec<Vec<(DVec3, DVec2)>> = boards
            .iter()
            .enumerate()
            .map(|(t, pose)| {
                let bend_m = bent_m * noise((1000 * run + t / 10) as u64);
                let corner = |i: usize| {
                    let (flat, s) = (board.corner_m(i), (run * 100_000 + t * 1000 + i) as u64);
                    let arm = (flat - 0.5 * board.size_m()) / (0.5 * board.size_m());
                    let px = c.project(pose.apply(flat.extend(bend_m * (arm.x * arm.x - 0.5))))?;
                    let px = px + DVec2::new(grain(2 * s), grain(2 * s + 1)) * sigma_px;
                    c.contains_px(px).then_some((flat.extend(0.0), px))
                };
                (0..board.corner_count()).filter_map(corner).collect()
            })
            .filter(|v: &Vec<_>| v.len() >= 8)
            .collect();
        let found = super::lens_start::own_lens(c, &views, &board, LensModel::Five).unwrap();
        let d = found.deviation;
        [
            (found.lens.fx_px - c.lens.fx_px) / d.focal_px,
            (found.lens.cx_px - c.lens.cx_px) / d.center_px.0,
            (found.lens.cy_px - c.lens.cy_px) / d.center_px.1,
        ]
    };
    for (what, bent_m, sigma_px) in [("corners by chance", 0.0, 0.1), ("a board that bends", 0.004, 0.05)] {
        let mut off: Vec<f64> = (0..16).flat_map(|run| own(run, bent_m, sigma_px)).map(f64::abs).collect();
        off.sort_by(f64::total_cmp);
        let rms = (off.iter().map(|z| z * z).sum::<f64>() / off.len() as f64).sqrt();
        println!(
            "{what}: off by {rms:.2} deviations in the mean square, half by {:.2}, all by {:.2}",
            off[off.len() / 2],
            off[off.len() - 1]
        );
        // With each board for itself, as if none were like the one before it, the second is 1.42.
        assert!((0.4..1.3).contains(&rms), "{what}: {rms}");
    }
}
