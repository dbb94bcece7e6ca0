//! Planes that are known, with noise, among what lies on none.

use glam::DVec3;

use super::*;
use crate::{
    geometry::{Lens, Pose},
    rig::Camera,
    scene::Plan,
};

fn rig() -> Rig {
    let cameras = (0..6)
        .map(|i| {
            let a = f64::from(i) * 8_f64.to_radians();
            Camera {
                name: format!("cam{i}"),
                width_px: 320,
                height_px: 180,
                lens: Lens::pinhole(300.0, 300.0, 160.0, 90.0),
                camera_from_world: Pose::look_at(DVec3::new(6.0 * a.sin(), -6.0 * a.cos(), 1.6), DVec3::new(0.0, 0.0, 0.9), DVec3::Z)
                    .unwrap(),
                clock_offset_nanos: 0,
            }
        })
        .collect();
    Rig { cameras, ..Rig::default() }
}

/// A repeatable number −0.5…0.5.
fn noise(k: usize) -> f64 {
    let h = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
}

/// Every pixel of a grid at the depth that `depth` gives along its ray (eye, direction), `noise_px` off.
fn samples(rig: &Rig, plan: &Plan, noise_px: f64, depth: impl Fn(DVec3, DVec3, usize) -> f64) -> Vec<Sample> {
    let mut out = Vec::new();
    for (i, camera) in rig.cameras.iter().enumerate() {
        let eye = camera.camera_from_world.center_in_world();
        let w = &plan.working[i];
        for y in (4..w.height_px).step_by(8) {
            for x in (4..w.width_px).step_by(8) {
                let px = [f64::from(x) + 0.5, f64::from(y) + 0.5];
                let mut s = Sample::of(rig, plan, i, px, 1.0, 0.8).unwrap();
                s.rho = 1.0 / depth(eye, s.ray_in_world, out.len()) + noise_px * noise(out.len()) * w.rho_per_px;
                out.push(s);
            }
        }
    }
    out
}

#[test]
fn floor_and_wall_are_found_to_a_tenth_of_a_px_among_noise_and_an_athlete() {
    let rig = rig();
    let plan = Plan::new(&rig, None);
    let eyes = Eyes::new(&rig, &plan);
    // A floor at height 0, a wall at y = 5, and every fourth pixel anywhere.
    let of_room = |eye: DVec3, ray: DVec3, k: usize| {
        let floor = if ray.z < 0.0 { -eye.z / ray.z } else { 1e9 };
        if k % 4 == 3 { 3.0 + 2.0 * noise(k * 7) } else { floor.min((5.0 - eye.y) / ray.y) }
    };
    let all = samples(&rig, &plan, 1.0, of_room);
    let found = planes(&eyes, &all);
    assert_eq!(found.len(), 2, "{found:?}");
    for (k, sample) in all.iter().enumerate().filter(|(k, _)| k % 4 != 3) {
        let eye = rig.cameras[sample.camera].camera_from_world.center_in_world();
        let truth = 1.0 / of_room(eye, sample.ray_in_world, k);
        let off_px = found.iter().map(|p| (eyes.rho(p.m, sample) - truth).abs() / eyes.units[sample.camera]).fold(f64::MAX, f64::min);
        assert!(off_px < 0.1, "sample {k} is {off_px} px off");
    }
    // In the picture: the same numbers.
    let floor = found.iter().max_by(|a, b| a.m.z.abs().total_cmp(&b.m.z.abs())).unwrap();
    let [a, b, c] = eyes.in_camera(floor, &rig, &plan, 2).map(f64::from);
    let s = Sample::of(&rig, &plan, 2, [100.5, 150.5], 1.0, 1.0).unwrap();
    assert!((a * 100.5 + b * 150.5 + c - eyes.rho(floor.m, &s)).abs() < 1e-6);
}

#[test]
fn what_is_no_plane_gives_no_large_one() {
    let rig = rig();
    let plan = Plan::new(&rig, None);
    let eyes = Eyes::new(&rig, &plan);
    let cloud = samples(&rig, &plan, 0.0, |_, _, k| 6.0 + 5.0 * noise(k));
    let share = planes(&eyes, &cloud).iter().map(|p| p.share).fold(0.0, f64::max);
    assert!(share < 0.1, "{share}");
    // A barrel about the subject.
    let barrel = samples(&rig, &plan, 0.0, |eye, ray, _| {
        let (a, b, c) = (ray.truncate().length_squared(), eye.truncate().dot(ray.truncate()), eye.truncate().length_squared() - 9.0);
        (-b + (b * b - a * c).max(0.0).sqrt()) / a
    });
    let most = planes(&eyes, &barrel).iter().map(|p| p.share).fold(0.0, f64::max);
    assert!(most < 0.3, "{most}");
    assert_eq!(planes(&eyes, &[]), []);
    assert!(Sample::of(&rig, &plan, 0, [1.0, 1.0], 0.2, 0.4).is_none(), "what is not trusted counts");
}
