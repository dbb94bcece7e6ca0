//! Failures that users of open calibration tools report again and again, each with the words that an operator gets here.
//!
//! Others have their tests elsewhere. A graph that does not hang together, and where to hold the board: `calibrate::board::tests`
//! (`cameras_without_a_link_…`, `…_are_chained`, `a_board_with_two_sides_…`) and `coach_tests`; boards that are refused, with the reason: `each_rejection_…` here;
//! a mirrored camera: `the_command_ends_with_…` here, `a_mirrored_feed_…` in `calibrate_free`; an origin turned over: `the_floor_is_…`; clicked points that are
//! flipped: `a_court_gives_…` in `calibrate_free`; progress, cancelling and what is left: `it_says_how_far_…`, `coach`.

use super::*;

/// The board square before a camera of the middle, a little turned.
fn before(rig: &Rig, board: &Board, away_m: f64) -> (Camera, Pose) {
    let c = rig.cameras[6].clone();
    let rotation = c.camera_from_world.rotation.transpose() * DMat3::from_rotation_y(0.2) * DMat3::from_rotation_x(0.15);
    let at = c.center_in_world() + c.camera_from_world.forward_in_world() * away_m;
    (c, Pose { rotation, translation: at - rotation * (0.5 * board.size_m()).extend(0.0) })
}

/// What `detect` makes of a board that was cut so that `margin` squares are left about it, before a wall.
fn cut(rig: &Rig, text: &str, margin: f64, wall: f64) -> Result<(usize, usize, f64), String> {
    let board = Board::parse(text).unwrap();
    let (c, pose) = before(rig, &board, 3.2);
    let told = match detect(&board, &drawn(&board, &c, &pose, Shot { margin, wall, ..CLEAN })) {
        Ok(d) => Ok((d.corners.len(), board.corner_count(), rms_px(&board, &c, &pose, &d))),
        Err(why) => Err(why.to_string()),
    };
    println!("{text}, margin {margin}, wall {wall}: {told:?}");
    told
}

/// Before walls as dark and as bright as its own print.
#[test]
fn a_board_without_its_white_margin_is_found_or_says_what_is_missing() {
    let rig = venue_rig(640, 360);
    // These are cut to their squares: nothing is lost, for no corner lies at the rim.
    for text in ["charuco:6x5:0.22:0.176:4x4_50", "chessboard:7x6:0.17"] {
        for wall in [25.0, 200.0] {
            let (found, all, rms_px) = cut(&rig, text, 0.0, wall).unwrap();
            assert!(found == all && rms_px < 0.2, "{found} of {all}, {rms_px} px");
        }
    }
    // An AprilGrid has the margin within its outline: cut to the tags, those at the rim are lost before a dark wall, and nothing wrong is read instead.
    let (found, _, rms_px) = cut(&rig, "aprilgrid:5x4:0.2:0.3", -0.46, 25.0).unwrap();
    assert!(found >= 20 && rms_px < 0.2, "{found}, {rms_px} px");
    // Where too little is left, or nothing, the margin is named.
    let few = cut(&rig, "aprilgrid:4x3:0.25:0.3", -0.46, 25.0).unwrap_err();
    assert!(few.starts_with("too few corners: 8 of the 12") && few.contains("all of the board, with its margin, in the picture"), "{few}");
    let none = cut(&rig, "aprilgrid:3x2:0.3:0.3", -0.46, 25.0).unwrap_err();
    assert!(none.starts_with("no board seen") && none.contains("that its margin is not cut off"), "{none}");
    // The margin is what is missing: with it, the same boards are found.
    for text in ["aprilgrid:4x3:0.25:0.3", "aprilgrid:3x2:0.3:0.3"] {
        let (found, all, _) = cut(&rig, text, 0.0, 25.0).unwrap();
        assert_eq!(found, all);
    }
}

/// Three cameras with lenses of 200 mm (of full frame), 20 m away.
fn from_afar() -> Rig {
    let camera = |i: usize| {
        let a = (5.0 * (i as f64 - 1.0)).to_radians();
        let eye = DVec3::new(20.0 * a.sin(), -20.0 * a.cos(), 1.6 + 0.3 * i as f64);
        let focal = 200.0 / 36.0 * 640.0 * (1.0 + 0.01 * noise(50 + i as u64));
        let distortion = Distortion::BrownConrady { k: [0.15, 0.0, 0.0, 0.0, 0.0, 0.0], p: [0.0; 2] };
        Camera {
            name: format!("cam{i:02}"),
            width_px: 640,
            height_px: 360,
            lens: volte::geometry::Lens { distortion, ..volte::geometry::Lens::pinhole(focal, focal, 322.0, 178.0) },
            camera_from_world: Pose::look_at(eye, DVec3::new(0.0, 0.0, 1.2), DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    };
    Rig { cameras: (0..3).map(camera).collect(), points_in_world: vec![] }
}

/// Corners missed behind long lenses, and another result each time, of the same pictures.
#[test]
fn long_lenses_find_the_board_in_drawn_pictures_and_solve_to_the_same_file_each_time() {
    let (rig, board) = (from_afar(), Board::parse("charuco:6x5:0.2:0.15:4x4_50").unwrap());
    let pose = |t: u64| {
        let s = 1000 + 10 * t;
        let towards = rig.cameras[(t * 7) as usize % 3].center_in_world();
        let middle = DVec3::Z * 1.2 + DVec3::new(0.9 * noise(s), 0.9 * noise(s + 1), 0.3 * noise(s + 2));
        let at = if t.is_multiple_of(2) { middle } else { middle.lerp(towards, 0.15 + 0.15 * noise(s + 6)) };
        let front = Pose::look_at(at, towards, DVec3::Z).unwrap().rotation.transpose() * DMat3::from_rotation_y(std::f64::consts::PI);
        let turned = DMat3::from_rotation_x(0.8 * noise(s + 3)) * DMat3::from_rotation_y(0.8 * noise(s + 4));
        let rotation = front * turned * DMat3::from_rotation_z(0.5 * noise(s + 5));
        Pose { rotation, translation: at - rotation * (0.5 * board.size_m()).extend(0.0) }
    };
    let looks: Vec<(u64, usize)> = (0..26).flat_map(|t| (0..3).map(move |c| (t, c))).collect();
    let look = |&(t, camera): &(u64, usize)| {
        let (pose, c) = (pose(t), &rig.cameras[camera]);
        let inside = |i: &usize| c.project(pose.apply(board.corner_m(*i).extend(0.0))).is_some_and(|px| c.contains_px(px));
        let whole = (0..board.corner_count()).filter(inside).count();
        let found = detect(&board, &drawn(&board, c, &pose, Shot { seed: 3 * t + camera as u64, ..CLEAN }));
        (whole, found.map(|d| (rms_px(&board, c, &pose, &d), Seen::still(camera, t as usize, d.corners))))
    };
    let looked: Vec<_> = looks.par_iter().map(look).collect();
    let whole: usize = looked.iter().filter(|(_, r)| r.is_ok()).map(|(n, _)| n).sum();
    let missed = looked.iter().filter(|(n, r)| *n == board.corner_count() && r.is_err()).count();
    let (errors, seen): (Vec<f64>, Vec<Seen>) = looked.into_iter().filter_map(|(_, r)| r.ok()).unzip();
    let corners: usize = seen.iter().map(|s| s.corners.len()).sum();
    let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    println!("{} boards, {missed} whole ones missed, {corners} of {whole} corners, off by {rms:.3} px", seen.len());
    let solved = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let r = pool.install(|| calibrate(&board, &candidates(&rig), &seen, &BoardOptions::default(), &mut |_| true)).unwrap();
        let file = tempfile::tempdir().unwrap().path().join("rig.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        volte::rig::save(&r.rig, &file, volte::rig::Format::RigToml).unwrap();
        (std::fs::read(&file).unwrap(), r)
    };
    assert!(missed == 0 && corners * 100 >= whole * 98 && rms < 0.12, "{missed} {corners} {whole} {rms}");
    let (bytes, r) = solved(1);
    for (c, f) in rig.cameras.iter().zip(&r.cameras) {
        let off_px = r.rig.camera(&c.name).unwrap().lens.fx_px - c.lens.fx_px;
        println!("{}: focal length {off_px:+.1} ± {:.1} px of {:.1}", c.name, f.deviation.focal_px, c.lens.fx_px);
        assert!(off_px.abs() < 3.0 * f.deviation.focal_px && off_px.abs() < 0.003 * c.lens.fx_px, "{}: {off_px}", c.name);
    }
    let (place_m, turn_rad) = off(&rig, &r.rig);
    println!("{:?}, rms {:.3} px; centres {:.1} mm, rotation {:.4}°", r.light(), r.rms_px, place_m * 1e3, turn_rad.to_degrees());
    // 20 m away; turns and principal points behind such lenses are known together only (10 px are 0.16°).
    assert!(r.light() == Light::Green && r.rms_px < 0.12 && place_m < 0.01 && turn_rad.to_degrees() < 0.3);
    for threads in [1, 3] {
        assert!(solved(threads).0 == bytes, "the same pictures gave another rig with {threads} threads");
    }
    // The comparison knows another rig.
    let fewer: Vec<Seen> = seen.iter().filter(|s| s.instant > 0).cloned().collect();
    let other = calibrate(&board, &candidates(&rig), &fewer, &BoardOptions::default(), &mut |_| true).unwrap();
    assert_ne!(other.rig, r.rig);
}
