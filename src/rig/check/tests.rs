//! Rigs with one fault each, named with the remedy; disparity against the table of the research; residuals on pictures
//! that are rendered here.

use glam::{DMat3, DVec2};

use super::*;
use crate::geometry::{Lens, Pose};

fn camera_at(name: &str, eye: DVec3, target: DVec3) -> Camera {
    Camera {
        name: name.into(),
        width_px: 1920,
        height_px: 1080,
        lens: Lens::pinhole(2059.0, 2059.0, 960.0, 540.0),
        camera_from_world: Pose::look_at(eye, target, DVec3::Z).unwrap(),
        clock_offset_nanos: 0,
    }
}

fn arc_of(n: usize, step_deg: f64) -> Rig {
    let target = DVec3::new(0.0, 0.0, 1.2);
    let cameras = (0..n)
        .map(|i| {
            let a = (step_deg * i as f64).to_radians();
            camera_at(&format!("cam{i:02}"), target + DVec3::new(4.0 * a.cos(), 4.0 * a.sin(), 0.3), target)
        })
        .collect();
    Rig { cameras, points_in_world: vec![] }
}

fn bent(k: [f64; 2]) -> Distortion {
    Distortion::BrownConrady { k: [k[0], k[1], 0.0, 0.0, 0.0, 0.0], p: [0.0, 0.0] }
}

fn roll(c: &mut Camera, degrees: f64) {
    let turn = DMat3::from_rotation_z(degrees.to_radians());
    let pose = c.camera_from_world;
    c.camera_from_world = Pose { rotation: turn * pose.rotation, translation: turn * pose.translation };
}

#[test]
fn cameras_in_one_place_are_one_finding_and_usual_lenses_none() {
    let mut rig = arc_of(12, 6.0);
    for c in &mut rig.cameras[..8] {
        c.camera_from_world = arc_of(1, 0.0).cameras[0].camera_from_world;
    }
    let report = check(&rig);
    let one_place: Vec<&Finding> = report.findings.iter().filter(|f| f.what.contains("one place")).collect();
    assert!(one_place.len() == 1 && one_place[0].cameras.len() == 8, "{one_place:?}");
    // All hang upright, on their side, or head down: nobody is rolled against the others.
    for degrees in [90.0, 180.0] {
        let mut rig = arc_of(12, 6.0);
        rig.cameras.iter_mut().for_each(|c| roll(c, degrees));
        assert!(check(&rig).findings.is_empty(), "{degrees}: {:?}", check(&rig).findings);
    }
    for k in [[-0.3, 0.1], [0.1, 0.02], [-0.046, 0.14]] {
        let mut rig = arc_of(12, 6.0);
        rig.cameras.iter_mut().for_each(|c| c.lens.distortion = bent(k));
        assert!(check(&rig).findings.is_empty(), "{k:?}: {:?}", check(&rig).findings);
    }
    assert!(check(&Rig::default()).has_errors(), "no camera at all is an error");
    assert_eq!(faults::median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
}

/// The findings of that severity about that camera ("" = the whole rig).
fn findings<'a>(report: &'a Report, severity: Severity, camera: &str) -> Vec<&'a str> {
    let about =
        |f: &&Finding| f.severity == severity && (f.cameras.iter().any(|c| c == camera) || (camera.is_empty() && f.cameras.is_empty()));
    report.findings.iter().filter(about).map(|f| f.what.as_str()).collect()
}

#[test]
fn a_good_rig_has_no_findings_and_the_disparity_of_the_table() {
    let rig = arc_of(12, 6.0);
    let report = check(&rig);
    assert_eq!(report.findings, []);
    assert_eq!(report.gaps.len(), 11);
    for g in &report.gaps {
        // Worked out by hand: radius 4 m, subject ± 1 m, f = 2059 px, 6° → 0.42 m and 115 px.
        assert!((g.degrees - 6.0).abs() < 0.1 && (g.baseline_m - 0.42).abs() < 0.005 && (g.disparity_px - 115.0).abs() < 2.0, "{g:?}");
        assert_eq!(g.verdict, Verdict::Green);
    }
    assert_eq!(check(&arc_of(6, 12.0)).gaps[0].verdict, Verdict::Amber);
    let wide = check(&arc_of(6, 22.5));
    assert_eq!(wide.gaps[0].verdict, Verdict::Red);
    assert!(!wide.has_errors() && wide.findings[0].what.contains("too far apart"));
}

#[test]
fn each_fault_is_named_with_its_camera() {
    type Fault = fn(&mut Rig);
    let faults: [(&str, Fault, Severity, &str); 17] = [
        ("cam03", |r| r.cameras[3].lens.cx_px = f64::NAN, Severity::Error, "not a number"),
        ("cam03", |r| r.cameras[3].camera_from_world.translation.x = f64::INFINITY, Severity::Error, "not a number"),
        ("cam03", |r| r.cameras[3].lens.fy_px = 0.0, Severity::Error, "focal length"),
        (
            "cam03",
            |r| r.cameras[3].camera_from_world.rotation = DMat3::from_diagonal(DVec3::new(1.0, 1.0, -1.0)),
            Severity::Error,
            "mirrored",
        ),
        ("cam03", |r| r.cameras[3].camera_from_world.rotation *= 1.5, Severity::Error, "no rotation"),
        ("cam03", |r| r.cameras[3].camera_from_world = r.cameras[5].camera_from_world, Severity::Error, "stand in one place"),
        (
            "cam03",
            |r| {
                let eye = r.cameras[3].center_in_world();
                r.cameras[3].camera_from_world = Pose::look_at(eye, eye * 2.0, DVec3::Z).unwrap();
            },
            Severity::Error,
            "looks away",
        ),
        (
            "cam03",
            |r| {
                let eye = r.cameras[3].center_in_world();
                r.cameras[3].camera_from_world = Pose::look_at(eye, eye + DVec3::new(-4.0, 4.0, 0.0), DVec3::Z).unwrap();
            },
            Severity::Warning,
            "subject's centre",
        ),
        ("cam03", |r| r.cameras[3].camera_from_world.translation *= 1000.0, Severity::Error, "times as far from the subject"),
        ("cam05", |r| r.cameras[3].name = "cam05".into(), Severity::Error, "more than one camera"),
        ("cam03", |r| r.cameras[3].lens.cx_px = 300.0, Severity::Warning, "principal point"),
        ("cam03", |r| r.cameras[3].lens.fx_px *= 1.3, Severity::Warning, "differ"),
        ("cam03", |r| r.cameras[3].camera_from_world.rotation.x_axis *= 1.3, Severity::Error, "stretches or shears"),
        ("cam03", |r| r.cameras[3].lens.distortion = bent([50.0, 0.0]), Severity::Error, "distortion"),
        ("cam03", |r| r.cameras[3].lens.distortion = bent([-2.0, 0.0]), Severity::Warning, "folds over"),
        ("cam03", |r| roll(&mut r.cameras[3], 90.0), Severity::Warning, "rolled by 90°"),
        ("cam03", |r| roll(&mut r.cameras[3], -180.0), Severity::Warning, "rolled by 180°"),
    ];
    for (camera, fault, severity, told) in faults {
        let mut rig = arc_of(12, 6.0);
        fault(&mut rig);
        let report = check(&rig);
        let found = findings(&report, severity, camera);
        assert!(found.iter().any(|w| w.contains(told)), "{told}: {:?}", report.findings);
        let innocent = findings(&report, Severity::Error, "cam08");
        assert!(innocent.is_empty(), "{told}: {innocent:?}");
    }
}

#[test]
fn a_camera_that_came_all_around_is_no_error() {
    // Twelve views of a turntable and the first once more; then the same place in the middle of the way, and a second lens.
    let ring = arc_of(13, 30.0);
    let mut halfway = ring.clone();
    halfway.cameras[6].camera_from_world = ring.cameras[0].camera_from_world;
    let mut lenses = ring.clone();
    lenses.cameras[12].lens.fx_px *= 1.001;
    for (rig, pair, severity, told) in [
        (&ring, "cam00–cam12", Severity::Warning, "taken twice"),
        (&halfway, "cam00", Severity::Error, "stand in one place"),
        (&lenses, "cam12", Severity::Error, "stand in one place"),
    ] {
        let report = check(rig);
        assert!(findings(&report, severity, pair).iter().any(|w| w.contains(told)), "{told}: {:?}", report.findings);
        assert_eq!(report.has_errors(), severity == Severity::Error);
    }
}

#[test]
fn faults_of_the_whole_are_named() {
    let mut flipped = arc_of(8, 6.0);
    let mut millimetres = arc_of(8, 6.0);
    for c in &mut flipped.cameras {
        // OpenGL axes read as OpenCV's.
        let turn = DMat3::from_diagonal(DVec3::new(1.0, -1.0, -1.0));
        c.camera_from_world.rotation = turn * c.camera_from_world.rotation;
        c.camera_from_world.translation = turn * c.camera_from_world.translation;
    }
    for c in &mut millimetres.cameras {
        c.camera_from_world.translation *= 1000.0;
    }
    let report = check(&flipped);
    assert!(findings(&report, Severity::Error, "")[0].contains("8 of 8 cameras look away"), "{:?}", report.findings);
    assert!(report.findings[0].remedy.contains("OpenGL"));
    let report = check(&millimetres);
    assert!(findings(&report, Severity::Warning, "")[0].contains("millimetres"), "{:?}", report.findings);
    assert!(check(&Rig::default()).findings[0].what.contains("0 cameras"));
    let mut broken = arc_of(3, 6.0);
    broken.cameras[0].camera_from_world.translation.y = f64::NAN;
    assert_eq!(draw(&broken, &check(&broken), "broken").dimensions(), (1600, 900));
    draw(&Rig::default(), &check(&Rig::default()), "empty");
}

#[test]
fn several_rows_are_noted() {
    let mut rig = arc_of(10, 3.0);
    for c in rig.cameras.iter_mut().step_by(2) {
        let eye = c.center_in_world() + DVec3::Z * 1.5;
        c.camera_from_world = Pose::look_at(eye, DVec3::new(0.0, 0.0, 1.2), DVec3::Z).unwrap();
    }
    let report = check(&rig);
    assert!(findings(&report, Severity::Note, "").iter().any(|w| w.contains("more than one row")), "{:?}", report.findings);
}

/// A plane with a pattern behind the subject, seen by a camera: value noise that any position can be asked for.
fn render(c: &Camera, scale: f64) -> Luma {
    let (w, h) = ((f64::from(c.width_px) / scale) as usize, (f64::from(c.height_px) / scale) as usize);
    let hash = |x: i64, y: i64| {
        let mut v = (x.wrapping_mul(0x1f12_3bb5) ^ y.wrapping_mul(0x5bd1_e995)) as u64;
        v = (v ^ (v >> 15)).wrapping_mul(0x2c1b_3c6d_9a4f_1e2d);
        ((v >> 40) & 255) as f64
    };
    let noise = |p: DVec2| {
        let (i, f) = (p.floor(), p - p.floor());
        let s = f * f * (DVec2::splat(3.0) - f * 2.0);
        let at = |dx: i64, dy: i64| hash(i.x as i64 + dx, i.y as i64 + dy);
        (at(0, 0) * (1.0 - s.x) + at(1, 0) * s.x) * (1.0 - s.y) + (at(0, 1) * (1.0 - s.x) + at(1, 1) * s.x) * s.y
    };
    let world_from_camera = c.camera_from_world.inverse();
    let eye = c.center_in_world();
    let mut values = vec![0.0; w * h];
    for y in 0..h {
        for x in 0..w {
            let ray = world_from_camera.rotation * c.lens.unproject(DVec2::new(x as f64 + 0.5, y as f64 + 0.5) * scale);
            // The plane x = −0.3, with a step in depth for the lower half.
            let plane = |x0: f64| eye + ray * ((x0 - eye.x) / ray.x);
            let near = plane(0.4);
            let p = if near.z < 1.1 { near } else { plane(-0.3) };
            values[y * w + x] = noise(DVec2::new(p.y, p.z) * 22.0) as f32;
        }
    }
    Luma { width: w, height: h, values, scale }
}

#[test]
fn residuals_are_small_when_calibrated_and_tell_a_bumped_camera() {
    let scale = 4.0;
    let mut rig = arc_of(3, 5.0);
    rig.cameras[1].lens.distortion = Distortion::BrownConrady { k: [-0.1, 0.02, 0.0, 0.0, 0.0, 0.0], p: [0.001, 0.0] };
    let pictures: Vec<Luma> = rig.cameras.iter().map(|c| render(c, scale)).collect();
    let mut report = check(&rig);
    let arc = report.arc.clone().unwrap();
    let good = epipolar_residuals(&rig, &pictures, &arc, &report.gaps, &|_| ());
    for r in &good {
        let r = r.expect("matches");
        assert!(r.median_px < 0.25 * scale && r.matches > 60, "{r:?}");
    }
    // Pictures of something else match by chance only, and nothing is concluded.
    let mut other = pictures.clone();
    other[1].values.reverse();
    let none = epipolar_residuals(&rig, &other, &arc, &report.gaps, &|_| ());
    assert_eq!(none, [None, None]);
    // The last camera is nudged after its calibration, by 14 px of its picture and by 108 px.
    let calibrated = rig.cameras[2].camera_from_world;
    let mut nudged = |degrees: f64| {
        let nudge = DMat3::from_rotation_x(degrees.to_radians());
        rig.cameras[2].camera_from_world = Pose { rotation: nudge * calibrated.rotation, translation: nudge * calibrated.translation };
        epipolar_residuals(&rig, &pictures, &arc, &report.gaps, &|_| ())
    };
    for (degrees, at_least_px) in [(0.4, 8.0), (3.0, 80.0)] {
        let residuals = nudged(degrees);
        let moved = residuals.iter().flatten().filter(|r| r.median_px > at_least_px).count();
        assert_eq!(moved, 1, "{degrees}°: {residuals:?}");
    }
    let residuals = nudged(0.4);
    let mut one_pair = report.clone();
    one_pair.add_residuals(&rig, residuals);
    let error = &one_pair.findings[0];
    assert!(one_pair.has_errors() && error.cameras.len() == 1 && error.cameras[0].contains("cam02"), "{error:?}");
    // The one in the middle disagrees with both neighbours and is named.
    rig.cameras[2].camera_from_world = calibrated;
    let middle = &mut rig.cameras[1].camera_from_world;
    let nudge = DMat3::from_rotation_x(1.0_f64.to_radians());
    *middle = Pose { rotation: nudge * middle.rotation, translation: nudge * middle.translation };
    let residuals = epipolar_residuals(&rig, &pictures, &arc, &report.gaps, &|_| ());
    report.add_residuals(&rig, residuals);
    assert!(findings(&report, Severity::Error, "cam01")[0].contains("probably moved"), "{:?}", report.findings);
}

/// What folds over outside of the picture harms nobody, however the lens goes on there; inside it does.
#[test]
fn a_fold_outside_of_the_picture_is_no_fault() {
    let bent = |k: [f64; 3], focal_px: f64| {
        let mut rig = arc_of(6, 6.0);
        let lens = &mut rig.cameras[2].lens;
        (lens.fx_px, lens.fy_px) = (focal_px, focal_px);
        lens.distortion = Distortion::BrownConrady { k: [k[0], k[1], k[2], 0.0, 0.0, 0.0], p: [0.0; 2] };
        let name = rig.cameras[2].name.clone();
        findings(&check(&rig), Severity::Warning, &name).iter().any(|w| w.contains("folds over"))
    };
    // The corner is drawn at 0.61 of the focal length; this lens draws nothing beyond 0.77, which is at 1.15 before it is bent.
    let corner = |focal_px: f64| f64::hypot(960.0, 540.0) / focal_px;
    assert!((corner(1800.0) - 0.612).abs() < 1e-3);
    assert!(!bent([-0.25, 0.0, 0.0], 1800.0));
    // Further out it comes back, more than once.
    assert!(!bent([-0.25, 0.0, 0.002], 1800.0) && !bent([-0.3, 0.06, 0.0], 1800.0));
    // The same lens on a wider picture: the fold is in it.
    assert!(corner(1400.0) > 0.78 && bent([-0.25, 0.0, 0.0], 1400.0));
    assert!(corner(1440.0) < 0.7698 && !bent([-0.25, 0.0, 0.0], 1440.0), "just outside");
}
