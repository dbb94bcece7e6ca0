//! The adjustment alone, on points that were never matched: what wrong matches and thin evidence do to it.

use glam::{DVec2, DVec3};

use super::{
    LensFreedom,
    bundle::{Pull, linearized, moved, rotation_vector},
    judge::compare,
    matching::{FeatureId, Sighting, Track},
    refine::Adjuster,
};
use crate::{
    geometry::{Distortion, Lens, Pose},
    rig::{Camera, Rig},
};

/// Deterministic, −1 to 1.
pub(super) fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
}

fn vector(seed: u64) -> DVec3 {
    DVec3::new(noise(seed), noise(seed + 1), noise(seed + 2))
}

/// Cameras 6° apart, 6 m from a subject.
pub(super) fn arc(n: usize) -> Rig {
    let lens = Lens {
        distortion: Distortion::BrownConrady { k: [-0.05, 0.01, 0.0, 0.0, 0.0, 0.0], p: [0.0005, -0.0003] },
        ..Lens::pinhole(900.0, 900.0, 480.0, 270.0)
    };
    let camera = |i: usize| {
        let a = (6.0 * (i as f64 - 0.5 * (n - 1) as f64)).to_radians();
        let eye = DVec3::new(6.0 * a.sin(), -6.0 * a.cos(), 1.5 + 0.05 * noise(i as u64));
        Camera {
            name: format!("cam{i:02}"),
            width_px: 960,
            height_px: 540,
            lens,
            camera_from_world: Pose::look_at(eye, DVec3::new(0.0, 0.0, 1.2), DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    };
    Rig { cameras: (0..n).map(camera).collect(), points_in_world: vec![] }
}

/// What five neighbours see of points in the volume: `sigma_px` off, and a share of it anywhere within 16 px.
fn tracks(rig: &Rig, points: usize, sigma_px: f64, wrong: f64) -> Vec<Track> {
    let mut tracks = Vec::new();
    for k in 0..points as u64 {
        let p = DVec3::new(0.0, 1.0, 1.2) + vector(k * 1000) * DVec3::new(2.0, 3.0, 1.2);
        let first = (k as usize) % rig.cameras.len();
        let mut track = Track { sightings: vec![], features: vec![FeatureId { moment: 0, camera: first, feature: k as usize }] };
        for camera in first..(first + 5).min(rig.cameras.len()) {
            let c = &rig.cameras[camera];
            let Some(px) = c.project(p).filter(|px| c.contains_px(*px)) else { continue };
            let seed = k * 1000 + 100 + 10 * camera as u64;
            let is_wrong = 0.5 * (noise(seed) + 1.0) < wrong;
            let off = DVec2::new(noise(seed + 1), noise(seed + 2)) * if is_wrong { 16.0 } else { sigma_px * 1.73 };
            track.sightings.push(Sighting { camera, px: px + off });
        }
        if track.sightings.len() >= 2 {
            tracks.push(track);
        }
    }
    tracks
}

/// Every camera turned by about 0.3° and moved by about 5 mm.
fn perturbed(rig: &Rig) -> Rig {
    let cameras = rig.cameras.iter().enumerate().map(|(i, c)| {
        let seed = 77 * i as u64;
        moved(c, vector(seed) * 0.005, vector(seed + 9) * 0.005)
    });
    Rig { cameras: cameras.collect(), points_in_world: vec![] }
}

/// Mean difference of neighbours' relative rotations from the true ones, degrees.
fn off_deg(truth: &Rig, cameras: &[Camera]) -> f64 {
    let relative = |c: &[Camera], i: usize| c[i].camera_from_world.rotation * c[i - 1].camera_from_world.rotation.transpose();
    let n = cameras.len();
    let off = |i: usize| rotation_vector(relative(cameras, i) * relative(&truth.cameras, i).transpose()).length().to_degrees();
    (1..n).map(off).sum::<f64>() / (n - 1) as f64
}

#[test]
fn wrong_matches_do_not_pull() {
    let truth = arc(10);
    let rig = perturbed(&truth);
    let kept = vec![false; 10];
    let before_deg = off_deg(&truth, &rig.cameras);
    assert!(before_deg > 0.2, "{before_deg}");
    for (wrong, limit_deg) in [(0.0, 0.01), (0.2, 0.01), (0.4, 0.015)] {
        let mut adjuster = Adjuster::new(&rig, &kept, LensFreedom::Keep, 6.0);
        adjuster.adjust(tracks(&truth, 2000, 0.15, wrong), 4.0, &mut |_| true).unwrap();
        let after_deg = off_deg(&truth, &adjuster.state.cameras);
        println!("{wrong} wrong: {after_deg:.4}° between neighbours");
        assert!(after_deg < limit_deg, "{wrong} wrong: {after_deg}°");
        let middle = |c: &[Camera]| c.iter().map(Camera::center_in_world).sum::<DVec3>() / c.len() as f64;
        assert!((middle(&adjuster.state.cameras) - middle(&rig.cameras)).length() < 0.004, "the whole moved");
    }
}

#[test]
fn lenses_come_back_too() {
    let truth = arc(8);
    let mut rig = perturbed(&truth);
    for c in &mut rig.cameras {
        c.lens.fx_px *= 1.01;
        c.lens.fy_px *= 1.01;
        c.lens.distortion = Distortion::BrownConrady { k: [-0.02, 0.01, 0.0, 0.0, 0.0, 0.0], p: [0.0005, -0.0003] };
    }
    let kept = vec![false; 8];
    let mut adjuster = Adjuster::new(&rig, &kept, LensFreedom::Shared, 6.0);
    adjuster.adjust(tracks(&truth, 3000, 0.1, 0.1), 4.0, &mut |_| true).unwrap();
    let (lens, wanted) = (adjuster.state.cameras[0].lens, truth.cameras[0].lens);
    println!("{lens:?}");
    assert!(adjuster.state.cameras.iter().all(|c| c.lens == lens), "shared");
    assert!((lens.fx_px / wanted.fx_px - 1.0).abs() < 2e-3, "{lens:?}");
    let Distortion::BrownConrady { k, .. } = lens.distortion else { panic!("{lens:?}") };
    assert!((k[0] + 0.05).abs() < 0.005, "{k:?}");
}

#[test]
fn derivatives_are_those_of_the_projection() {
    let rig = arc(3);
    let p = DVec3::new(0.4, 0.3, 0.9);
    let camera = &rig.cameras[1];
    let s = Sighting { camera: 1, px: DVec2::new(400.0, 300.0) };
    let linear = linearized(camera, &s, p, true).unwrap();
    let at = |c: &Camera| c.project(p).unwrap() - s.px;
    assert!((linear.residual - at(camera)).length() < 1e-9);
    let h = 1e-5;
    for k in 0..6 {
        let step = |sign: f64| {
            let mut v = [DVec3::ZERO; 2];
            v[k / 3][k % 3] = sign * h;
            at(&moved(camera, v[0], v[1]))
        };
        let numeric = (step(1.0) - step(-1.0)) / (2.0 * h);
        assert!((numeric - linear.by_pose[k]).length() < 1e-3 * (1.0 + numeric.length()), "{k}: {numeric} against {}", linear.by_pose[k]);
    }
}

#[test]
fn a_long_lens_that_nobody_measured_keeps_its_middle_however_often_the_adjustment_begins_anew() {
    // Pixels that are not quite square, which the adjustment knows nothing of: moving the principal point explains some of it.
    let mut truth = arc(12);
    for c in &mut truth.cameras {
        c.lens = Lens::pinhole(5000.0, 5025.0, 486.0, 252.0);
    }
    let mut seen = Vec::new();
    for k in 0..900_u64 {
        let p = DVec3::new(0.0, 0.0, 1.2) + vector(k * 1000) * 0.4;
        let first = (k as usize) % truth.cameras.len();
        let mut track = Track { sightings: vec![], features: vec![FeatureId { moment: 0, camera: first, feature: k as usize }] };
        for camera in first..(first + 4).min(truth.cameras.len()) {
            let seed = k * 1000 + 100 + 10 * camera as u64;
            let off = DVec2::new(noise(seed + 1), noise(seed + 2)) * 0.4;
            track.sightings.extend(truth.cameras[camera].project(p).map(|px| Sighting { camera, px: px + off }));
        }
        seen.push(track);
    }
    let mut start = perturbed(&truth);
    start.cameras.iter_mut().for_each(|c| c.lens = Lens::pinhole(4700.0, 4700.0, 480.0, 270.0));
    let kept = vec![false; 12];
    let after = |lens_guessed: bool| {
        let mut rig = start.clone();
        for _ in 0..5 {
            let mut adjuster = Adjuster::new(&rig, &kept, LensFreedom::Shared, 6.0);
            adjuster.pull = Pull { lens_guessed, ..Pull::GUESSED };
            adjuster.adjust(seen.clone(), 2.0, &mut |_| true).unwrap();
            rig.cameras = adjuster.state.cameras.clone();
        }
        let lens = rig.cameras[0].lens;
        (DVec2::new(lens.cx_px - 480.0, lens.cy_px - 270.0).length(), lens.fx_px, off_deg(&truth, &rig.cameras))
    };
    let ((held, focal, turned), (strayed, _, worse)) = (after(true), after(false));
    println!(
        "middle {held:.1} px off, {turned:.3}°, focal length {focal:.0} px; pulled to what it had reached: {strayed:.1} px, {worse:.3}°"
    );
    assert!(held < 5.0 && turned < 0.05 && (focal / 5012.0 - 1.0).abs() < 0.02, "{held} {turned} {focal}");
    assert!(strayed > 20.0, "{strayed}: pulled to what was reached, it goes where it likes");
}

/// The judge of two rigs on points that neither was made from.
#[test]
fn a_better_rig_is_taken_and_a_worse_one_refused() {
    let truth = arc(8);
    let judges = tracks(&truth, 400, 0.15, 0.1);
    let off = perturbed(&truth);
    let better = |before: &Rig, after: &Rig| {
        let c = compare(&before.cameras, &after.cameras, &judges);
        println!("{:.3} → {:.3} px, gain {:.4} ± {:.4}", c.before.median_px, c.after.median_px, c.gain_px, c.gain_sigma_px);
        c.is_better()
    };
    assert!(better(&off, &truth));
    assert!(!better(&truth, &off));
    assert!(!better(&truth, &truth) && !better(&off, &off), "the same again is no gain");
    // A hair beside the truth is chance, both ways.
    let one = |rig: &Rig, camera: usize, turned_rad: f64| {
        let mut r = rig.clone();
        r.cameras[camera] = moved(&r.cameras[camera], DVec3::Y * turned_rad, DVec3::ZERO);
        r
    };
    let hair = one(&truth, 3, 2e-6);
    assert!(!better(&truth, &hair) && !better(&hair, &truth));
    // All cameras nearer to the truth, but for one that is bumped by a fifth of a degree: most points gain, the worst twentieth loses.
    let slightly = Rig {
        cameras: truth.cameras.iter().enumerate().map(|(i, c)| moved(c, vector(31 * i as u64) * 4e-4, DVec3::ZERO)).collect(),
        points_in_world: vec![],
    };
    assert!(better(&slightly, &truth));
    assert!(!better(&slightly, &one(&truth, 3, 0.2_f64.to_radians())));
    // A camera that is turned in the plane of the arc moves its points along the epipolar lines of its neighbours: the judge sees it all the same.
    let along = one(&truth, 4, 0.1_f64.to_radians());
    assert!(better(&along, &truth) && !better(&truth, &along));
}

/// The same sightings give the same rig, to the last bit, however many threads there are.
#[test]
fn the_number_of_threads_changes_nothing() {
    let truth = arc(8);
    let rig = perturbed(&truth);
    let solved = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let kept = vec![false; 8];
            let mut adjuster = Adjuster::new(&rig, &kept, LensFreedom::Shared, 6.0);
            adjuster.adjust(tracks(&truth, 900, 0.15, 0.2), 4.0, &mut |_| true).unwrap();
            adjuster.rig()
        })
    };
    let once = solved(1);
    assert_ne!(once, rig);
    for threads in [1, 2, 3, 7] {
        assert_eq!(solved(threads), once, "{threads} threads");
    }
}
