use glam::{DMat3, DQuat, DVec3};
use proptest::prelude::*;

use super::*;
use crate::{
    geometry::{Distortion, Lens, Pose},
    rig::{Camera, Rig},
    time::{FrameRate, MediaTime},
};

/// A rig as people place it: uneven in azimuth, distance, height, aim and roll; `wobble` 0 gives a perfect one.
fn rig(n: usize, span_deg: f64, closed: bool, wobble: f64, base_roll_deg: f64) -> Rig {
    let step = span_deg.to_radians() / if closed { n as f64 } else { (n - 1) as f64 };
    let noise = |i: usize, c: usize| (((i * 12 + c) as f64 * 12.9898).sin() * 43_758.545).fract() * wobble;
    let target = DVec3::new(0.5, -0.2, 1.0);
    let cameras = (0..n)
        .map(|i| {
            let a = step * (i as f64 + 0.3 * noise(i, 0));
            let r = 4.0 * (1.0 + 0.1 * noise(i, 1));
            let eye = target + DVec3::new(r * a.cos(), r * a.sin(), 0.4 + 0.2 * noise(i, 2));
            let aim = target + DVec3::new(noise(i, 3), noise(i, 4), noise(i, 5)) * 0.15;
            let looks = Pose::look_at(eye, aim, DVec3::Z).unwrap();
            let rolled = DMat3::from_rotation_z((base_roll_deg + 3.0 * noise(i, 6)).to_radians()) * looks.rotation;
            let f = 600.0 * (1.0 + 0.05 * noise(i, 7));
            Camera {
                name: format!("cam{i:02}"),
                width_px: 640,
                height_px: 360,
                lens: Lens {
                    distortion: Distortion::BrownConrady { k: [0.03 * noise(i, 8), 0.0, 0.0, 0.0, 0.0, 0.0], p: [0.0; 2] },
                    ..Lens::pinhole(f, f, 320.0 + 4.0 * noise(i, 9), 180.0)
                },
                camera_from_world: Pose { rotation: rolled, translation: -(rolled * eye) },
                clock_offset_nanos: 0,
            }
        })
        .collect();
    Rig { cameras, points_in_world: vec![] }
}

fn standing_at(camera: Station) -> Path {
    Path {
        version: PATH_VERSION,
        name: "stand".into(),
        duration_secs: 1.0,
        looped: false,
        stabilize: false,
        keys: vec![Key::new(0.0, camera)],
    }
}

fn orbit(from: f64, to: f64, secs: f64) -> Path {
    Preset::FreezeOrbit.path(&PresetOptions { from, to, secs, hold_secs: 0.0, ..PresetOptions::default() })
}

fn apart(a: &Camera, b: &Camera) -> f64 {
    let turn = DQuat::from_mat3(&(a.camera_from_world.rotation * b.camera_from_world.rotation.transpose())).normalize();
    (a.center_in_world() - b.center_in_world()).length() + 2.0 * turn.w.abs().min(1.0).acos()
}

#[test]
fn at_a_physical_camera_the_virtual_one_is_that_camera() {
    for rig in [
        rig(12, 66.0, false, 1.0, 0.0),
        rig(16, 360.0, true, 1.0, 0.0),
        rig(4, 360.0, true, 1.0, 0.0),
        rig(2, 40.0, false, 1.0, 0.0),
        rig(9, 90.0, false, 1.0, 90.0),
        rig(16, 360.0, true, 1.0, 90.0),
    ] {
        for camera in &rig.cameras {
            let track = Track::new(&standing_at(Station::Camera(camera.name.clone())), &rig, MediaTime::ZERO, 640, 360).unwrap();
            let got = track.sample(0.3).camera;
            assert!((got.center_in_world() - camera.center_in_world()).length() < 1e-9, "{}", camera.name);
            let turn = got.camera_from_world.rotation - camera.camera_from_world.rotation;
            assert!(turn.to_cols_array().iter().all(|v| v.abs() < 1e-9), "{}: {turn:?}", camera.name);
            // What counts: the same point lands on the same pixel, through the distortion too.
            let p = DVec3::new(0.6, -0.1, 1.3);
            assert!((got.project(p).unwrap() - camera.project(p).unwrap()).length() < 1e-6);
        }
    }
}

#[test]
fn other_output_sizes_crop_and_scale() {
    let rig = rig(6, 40.0, false, 0.0, 0.0);
    let p = DVec3::new(0.7, 0.0, 1.2);
    let at_own = rig.cameras[2].project(p).unwrap();
    let project = |w, h| {
        let path = standing_at(Station::Camera("cam02".into()));
        Track::new(&path, &rig, MediaTime::ZERO, w, h).unwrap().sample(0.0).camera.project(p).unwrap()
    };
    // Twice the size: twice the position.
    assert!((project(1280, 720) - at_own * 2.0).length() < 1e-9);
    // Square: the left and right 140 px are cut, nothing is squeezed.
    let square = project(360, 360);
    assert!((square.x - (at_own.x - 140.0)).abs() < 1e-9 && (square.y - at_own.y).abs() < 1e-9);
    // Zoom about the middle.
    let mut path = standing_at(Station::Camera("cam02".into()));
    path.keys[0].zoom = 2.0;
    let zoomed = Track::new(&path, &rig, MediaTime::ZERO, 640, 360).unwrap().sample(0.0).camera.project(p).unwrap();
    let middle = glam::DVec2::new(320.0, 180.0);
    assert!((zoomed - (middle + (at_own - middle) * 2.0)).length() < 1e-6);
}

/// The largest relative jump of velocity between two neighbouring steps of `dt`, over the typical velocity.
fn velocity_jump(track: &Track, secs: f64, dt: f64) -> f64 {
    let p = DVec3::new(0.6, -0.1, 1.3);
    let state = |t: f64| {
        let c = track.sample(t).camera;
        let px = c.project(p).unwrap() / 640.0;
        (c.center_in_world(), px)
    };
    let steps = (secs / dt) as usize;
    let points: Vec<_> = (0..=steps).map(|i| state(i as f64 * dt)).collect();
    let v: Vec<_> = points.windows(2).map(|w| ((w[1].0 - w[0].0) / dt, (w[1].1 - w[0].1) / dt)).collect();
    let jump = v.windows(2).map(|w| (w[1].0 - w[0].0).length() + (w[1].1 - w[0].1).length()).fold(0.0, f64::max);
    let typical = v.iter().map(|v| v.0.length()).fold(0.0, f64::max);
    jump / typical
}

#[test]
fn the_curve_has_no_kinks() {
    for (rig, from, to) in [
        (rig(12, 66.0, false, 1.0, 0.0), 0.0, 11.0),
        (rig(16, 360.0, true, 1.0, 0.0), 10.0, 25.0),
        (rig(4, 360.0, true, 0.4, 0.0), 0.0, 7.0),
        (rig(16, 360.0, true, 1.0, 90.0), -3.0, 20.0),
    ] {
        let track = Track::new(&orbit(from, to, 2.0), &rig, MediaTime::ZERO, 640, 360).unwrap();
        // C¹: the jump of velocity shrinks with the step; a kink would stay.
        let (coarse, fine) = (velocity_jump(&track, 2.0, 1e-3), velocity_jump(&track, 2.0, 1e-4));
        assert!(fine < coarse * 0.2 && fine < 0.02, "{coarse} {fine}");
    }
    // The measure must be able to fail: a piecewise-linear run through uneven key frames has a kink.
    let mut kinked = orbit(0.0, 11.0, 2.0);
    kinked.keys.insert(1, Key::new(0.5, Station::Position(8.0)));
    kinked.keys.iter_mut().for_each(|k| k.ease = Easing::Linear);
    let track = Track::new(&kinked, &rig(12, 66.0, false, 0.0, 0.0), MediaTime::ZERO, 640, 360).unwrap();
    assert!(velocity_jump(&track, 2.0, 1e-4) > 0.2);
}

#[test]
fn wide_gaps_keep_the_distance() {
    // Four cameras 90° apart: a chord between neighbours would come 29 % nearer to the athlete.
    let rig = rig(4, 360.0, true, 0.0, 0.0);
    let track = Track::new(&orbit(0.0, 4.0, 1.0), &rig, MediaTime::ZERO, 640, 360).unwrap();
    let target = track.arc().center_in_world;
    let want = (rig.cameras[0].center_in_world() - target).length();
    for i in 0..=100 {
        let c = track.sample(f64::from(i) / 100.0).camera;
        assert!(((c.center_in_world() - target).length() / want - 1.0).abs() < 1e-6);
        // And it keeps looking at the subject.
        let px = c.project(target).unwrap();
        assert!((px - glam::DVec2::new(320.0, 180.0)).length() < 1.0, "{px}");
    }
}

#[test]
fn a_loop_has_no_seam() {
    let rig = rig(16, 360.0, true, 1.0, 0.0);
    let options = PresetOptions { from: 3.0, ring_cameras: 16, secs: 4.0, ..PresetOptions::default() };
    let track = Track::new(&Preset::Loop.path(&options), &rig, MediaTime::ZERO, 640, 360).unwrap();
    let rate = FrameRate::whole(50);
    let n = track.path().frame_count(rate) as usize;
    assert_eq!(n, 200);
    let frame = |i: usize| track.sample(rate.frame_nanos(i as i64) as f64 * 1e-9).camera;
    let steps: Vec<f64> = (0..n).map(|i| apart(&frame(i), &frame((i + 1) % n))).collect();
    let mean = steps.iter().sum::<f64>() / n as f64;
    let seam = steps[n - 1];
    assert!((seam / mean - 1.0).abs() < 0.3, "the step over the seam is {seam}, the mean {mean}");
    assert!(velocity_jump(&track, 8.0, 1e-4) < 0.02, "also when it runs twice");
    assert!(apart(&track.sample(0.0).camera, &track.sample(4.0).camera) < 1e-9);
    // On an open arc there is none.
    let open = self::rig(8, 60.0, false, 0.0, 0.0);
    let e = Track::new(&Preset::Loop.path(&PresetOptions { ring_cameras: 8, ..options }), &open, MediaTime::ZERO, 64, 64).unwrap_err();
    assert!(e.to_string().contains("open") && e.to_string().contains("bounce"), "{e}");
}

#[test]
fn presets_do_what_their_names_say() {
    let rig = rig(12, 66.0, false, 1.0, 0.0);
    let mark = MediaTime::from_secs_f64(100.0);
    let options = PresetOptions { from: 1.0, to: 9.0, secs: 4.0, hold_secs: 0.5, speed: 0.5, ..PresetOptions::default() };
    let track = |p: Preset| Track::new(&p.path(&options), &rig, mark, 640, 360).unwrap();
    let position = |t: &Track, at: f64| t.sample(at).position;

    let t = track(Preset::FreezeOrbit);
    assert!(t.path().is_frozen());
    assert!((position(&t, 0.0) - 1.0).abs() < 1e-9 && (position(&t, 0.49) - 1.0).abs() < 1e-9);
    assert!((position(&t, 3.51) - 9.0).abs() < 1e-9 && (position(&t, 99.0) - 9.0).abs() < 1e-9);
    assert_eq!(t.sample(2.0).instant, mark);

    let t = track(Preset::Bounce);
    assert!((position(&t, 2.0) - 9.0).abs() < 1e-9 && (position(&t, 4.0) - 1.0).abs() < 1e-9);

    let t = track(Preset::Whip);
    assert!((position(&t, 1.3) - 1.0).abs() < 1e-9 && (position(&t, 2.7) - 9.0).abs() < 1e-9);
    assert!(t.sample(3.0).zoom > 1.1);

    let t = track(Preset::RollThrough);
    assert!(!t.path().is_frozen());
    assert!((position(&t, 4.0) - 9.0).abs() < 1e-9);
    for i in 0..=40 {
        let at = f64::from(i) * 0.1;
        assert!((t.sample(at).instant - mark - (at * 0.5e9) as i64).abs() < 1000, "time runs evenly at half speed");
    }
    let t = track(Preset::Slow);
    assert!((position(&t, 3.0) - 1.0).abs() < 1e-9);
    assert_eq!(t.sample(3.0).instant - mark, 1_500_000_000);
    for preset in Preset::ALL {
        assert_eq!(Preset::from_name(preset.name()), Some(preset));
    }
}

#[test]
fn stabilized_the_subject_stands_still() {
    let rig = rig(12, 66.0, false, 1.0, 0.0);
    let run = |stabilize: bool| {
        let mut path = orbit(0.0, 11.0, 2.0);
        path.stabilize = stabilize;
        let track = Track::new(&path, &rig, MediaTime::ZERO, 640, 360).unwrap();
        let c = track.arc().center_in_world;
        let up = track.arc().up_in_world;
        let seen: Vec<_> = (0..=200)
            .map(|i| track.sample(f64::from(i) * 0.01).camera)
            .map(|v| (v.project(c).unwrap(), (v.project(c + up * 0.2).unwrap() - v.project(c - up * 0.2).unwrap()).length()))
            .collect();
        let spread = |f: &dyn Fn(&(glam::DVec2, f64)) -> f64| {
            let v: Vec<f64> = seen.iter().map(f).collect();
            v.iter().copied().fold(f64::MIN, f64::max) - v.iter().copied().fold(f64::MAX, f64::min)
        };
        (spread(&|s| s.0.x), spread(&|s| s.0.y), spread(&|s| s.1 / seen[0].1))
    };
    let (wild, steady) = (run(false), run(true));
    assert!(wild.0 > 5.0 && wild.2 > 0.05, "the rig must wobble for the test to mean something: {wild:?}");
    assert!(steady.0 < 1e-6 && steady.1 < 1e-6 && steady.2 < 0.01, "{steady:?}");
    // The enlarged picture shows nothing that its camera did not see.
    let mut path = standing_at(Station::Camera("cam04".into()));
    path.stabilize = true;
    let v = Track::new(&path, &rig, MediaTime::ZERO, 640, 360).unwrap().sample(0.0).camera;
    for (x, y) in [(0.0, 0.0), (640.0, 0.0), (0.0, 360.0), (640.0, 360.0)] {
        let ray = v.camera_from_world.rotation.transpose() * v.lens.unproject(glam::DVec2::new(x, y));
        let px = rig.cameras[4].project(v.center_in_world() + ray * 5.0).unwrap();
        assert!(rig.cameras[4].contains_px(px), "{px}");
    }
}

#[test]
fn pivot_height_and_roll() {
    let rig = rig(12, 66.0, false, 0.0, 0.0);
    let mut path = standing_at(Station::Position(5.5));
    let pivot = DVec3::new(0.9, 0.3, 0.6);
    path.keys[0].pivot_m = Some(pivot.to_array());
    path.keys[0].height_m = 0.7;
    let track = Track::new(&path, &rig, MediaTime::ZERO, 640, 360).unwrap();
    let c = track.sample(0.0).camera;
    assert!((c.project(pivot).unwrap() - glam::DVec2::new(320.0, 180.0)).length() < 1e-6);
    let level = Track::new(&standing_at(Station::Position(5.5)), &rig, MediaTime::ZERO, 640, 360).unwrap().sample(0.0).camera;
    assert!((((c.center_in_world() - level.center_in_world()).dot(track.arc().up_in_world)) - 0.7).abs() < 1e-9);
    // Rolled clockwise by 90°, what was up is right.
    let mut path = standing_at(Station::Position(5.5));
    path.keys[0].roll_deg = 90.0;
    let rolled = Track::new(&path, &rig, MediaTime::ZERO, 640, 360).unwrap();
    let head = rolled.arc().center_in_world + rolled.arc().up_in_world * 0.2;
    let px = rolled.sample(0.0).camera.project(head).unwrap();
    assert!(px.x > 330.0 && (px.y - 180.0).abs() < 1.0, "{px}");
}

#[test]
fn the_text_round_trips_and_rejects() {
    let mut path = Preset::Whip.path(&PresetOptions::default());
    path.keys[0].camera = Station::Camera("cam03".into());
    path.keys[1].camera = Station::Angle(AngleAlongArc { angle_deg: 12.5 });
    path.keys[1].pivot_m = Some([0.0, 1.0, 2.0]);
    let text = path.to_toml().unwrap();
    assert_eq!(Path::from_toml(&text).unwrap(), path, "{text}");

    let wrong = |text: &str, says: &str| {
        let e = Path::from_toml(text).unwrap_err().to_string();
        assert!(e.contains(says), "{e}");
    };
    let head = "version = 1\nname = \"x\"\nduration_secs = 1.0\n";
    wrong(&format!("{head}[[key]]\nat_secs = 0.0\ncamera = 0\nspeling = 1\n"), "speling");
    wrong("version = 9\nname = \"x\"\nnovelty = 3", "version 9");
    wrong(&format!("{head}key = []\n"), "no key frame");
    wrong(&format!("{head}[[key]]\nat_secs = 0.5\ncamera = 0\n[[key]]\nat_secs = 0.5\ncamera = 1\n"), "not later");
    wrong(&format!("{head}[[key]]\nat_secs = 2.0\ncamera = 0\n"), "after its end");
    wrong(&format!("{head}[[key]]\nat_secs = 0.0\ncamera = nan\n"), "not a number");
    wrong(&format!("{head}[[key]]\nat_secs = 0.0\ncamera = 0\nzoom = 0.0\n"), "zooms");
    wrong(&format!("{head}looped = true\n[[key]]\nat_secs = 0.0\ncamera = 0\n"), "loop");
}

#[test]
fn wrong_places_are_named() {
    let rig = rig(5, 40.0, false, 0.0, 0.0);
    let lay = |s: Station| Track::new(&standing_at(s), &rig, MediaTime::ZERO, 64, 64).map(|_| ()).unwrap_err().to_string();
    assert!(lay(Station::Camera("nobody".into())).contains("nobody"));
    assert!(lay(Station::Position(4.5)).contains("ends at 4"));
    assert!(lay(Station::Angle(AngleAlongArc { angle_deg: 60.0 })).contains("open"));
}

#[test]
fn the_shorter_way_round() {
    assert!((shorter_way(1.0, 15.0, 16, true) + 1.0).abs() < 1e-12);
    assert!((shorter_way(14.0, 2.0, 16, true) - 18.0).abs() < 1e-12);
    assert!((shorter_way(1.0, 5.0, 16, true) - 5.0).abs() < 1e-12);
    assert!((shorter_way(0.0, 11.0, 12, false) - 11.0).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any rig, any way along it: finite, proper rotations, time monotone where its key frames are, steps bounded.
    #[test]
    fn any_path_is_sane(
        n in 2_usize..20, closed: bool, wobble in 0.0..1.0_f64, roll in -180.0..180.0_f64,
        stops in prop::collection::vec((0.0..1.0_f64, 0.0..2.0_f64, 0_usize..5), 2..6), stabilize: bool,
    ) {
        let closed = closed && n >= 4;
        let rig = rig(n, if closed { 360.0 } else { 80.0 }, closed, wobble, roll);
        let mut instant = -1.0;
        let keys = stops.iter().enumerate().map(|(i, (place, wait, ease))| {
            instant += wait;
            let ease = [Easing::Linear, Easing::EaseIn, Easing::EaseOut, Easing::EaseInOut, Easing::Smooth][*ease];
            Key::new(i as f64 * 0.5, Station::Position(place * (n - 1) as f64)).showing(instant).eased(ease)
        }).collect::<Vec<_>>();
        let secs = 0.5 * stops.len() as f64;
        let path = Path { version: PATH_VERSION, name: "any".into(), duration_secs: secs, looped: false, stabilize, keys };
        prop_assert_eq!(&Path::from_toml(&path.to_toml().unwrap()).unwrap(), &path);
        let track = Track::new(&path, &rig, MediaTime::ZERO, 320, 180).unwrap();
        let mut last: Option<PathSample> = None;
        for i in 0..=400 {
            let s = track.sample(secs * f64::from(i) / 400.0);
            let r = s.camera.camera_from_world.rotation;
            prop_assert!((r.determinant() - 1.0).abs() < 1e-9 && s.camera.center_in_world().is_finite());
            prop_assert!(s.camera.lens.fx_px.is_finite() && s.camera.lens.fx_px > 0.0);
            if let Some(last) = last {
                prop_assert!(s.instant >= last.instant, "time runs backwards at {i}");
                prop_assert!(apart(&s.camera, &last.camera) < 1.0, "a jump at {i}");
            }
            last = Some(s);
        }
    }
}
