//! Paths laid along the rigs of the development data, as they are: hand-held, tilted, closed, wide.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use volte::{
    replay::path::{PATH_VERSION, Path, Preset, PresetOptions, Station, Track},
    rig::{Rig, load, pictures},
    time::MediaTime,
};

mod support {
    pub mod data;
}
use support::data::data;

/// Names listed in a text or JSON file.
fn part(rig: &Rig, names: &[String]) -> Rig {
    let keep: Vec<usize> = names.iter().filter_map(|n| rig.index_of(n)).collect();
    assert!(keep.len() > 2);
    rig.restricted_to(&keep)
}

fn rigs() -> Vec<(&'static str, Rig)> {
    let with_pictures = |rig: &str, images: &str| pictures::match_rig(&load(&data(rig)).unwrap(), &data(images)).unwrap().rig;
    let fox = with_pictures("fox/transforms.json", "fox/images");
    let text = std::fs::read_to_string(data("fox/arc.txt")).unwrap();
    let arc: Vec<String> = text.split_whitespace().map(|n| n.trim_end_matches(".jpg").to_owned()).collect();
    let cape = with_pictures("cape/sparse", "cape/images");
    let rings: std::collections::BTreeMap<String, Vec<String>> =
        serde_json::from_str(&std::fs::read_to_string(data("cape/rings.json")).unwrap()).unwrap();
    let ring = part(&cape, rings.values().max_by_key(|r| r.len()).unwrap());
    vec![
        ("walk", with_pictures("walk/transforms.json", "walk/images")),
        ("fox arc", part(&fox, &arc)),
        ("dino48", with_pictures("dino48/dino_par.txt", "dino48/images")),
        ("dinoSR16", with_pictures("dinoSR16/dinoSR_par.txt", "dinoSR16/images")),
        ("cape ring", ring),
        ("balance", load(&data("balance/Calib_scene.toml")).unwrap()),
    ]
}

#[test]
fn at_every_real_camera_the_virtual_one_draws_the_same_picture() {
    for (name, rig) in rigs() {
        for camera in &rig.cameras {
            let path = Path {
                version: PATH_VERSION,
                name: "stand".into(),
                duration_secs: 1.0,
                looped: false,
                stabilize: false,
                keys: vec![volte::replay::path::Key::new(0.0, Station::Camera(camera.name.clone()))],
            };
            let track = Track::new(&path, &rig, MediaTime::ZERO, camera.width_px, camera.height_px).unwrap();
            let got = track.sample(0.5).camera;
            // A grid of pixels, far and near: the same rays.
            for (u, v) in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.3, 0.95)] {
                let px = glam::DVec2::new(u * f64::from(camera.width_px), v * f64::from(camera.height_px));
                for depth in [0.3, 1.0, 3.0] {
                    let ray = camera.lens.unproject(px) * depth * track.arc().radius_m;
                    let p = camera.camera_from_world.inverse().apply(ray);
                    let error = (got.project(p).unwrap() - px).length();
                    assert!(error < 0.01, "{name} {}: {error} px", camera.name);
                }
            }
        }
    }
}

#[test]
fn along_every_real_arc_the_subject_stays_in_the_picture_and_nothing_jumps() {
    for (name, rig) in rigs() {
        let n = rig.cameras.len();
        let (w, h) = (rig.cameras[0].width_px, rig.cameras[0].height_px);
        let closed = volte::rig::Arc::fit(&rig).unwrap().closed;
        let options =
            PresetOptions { from: 0.0, to: (n - 1) as f64, secs: 4.0, hold_secs: 0.0, ring_cameras: n, ..PresetOptions::default() };
        for stabilize in [false, true] {
            let preset = if closed { Preset::Loop } else { Preset::FreezeOrbit };
            let path = preset.path(&PresetOptions { stabilize, ..options });
            let track = Track::new(&path, &rig, MediaTime::ZERO, w, h).unwrap();
            let (center, radius) = (track.arc().center_in_world, track.arc().radius_m);
            let frames: Vec<_> = (0..=800).map(|i| track.sample(f64::from(i) / 200.0).camera).collect();
            let step = |a: &volte::rig::Camera, b: &volte::rig::Camera| (a.center_in_world() - b.center_in_world()).length() / radius;
            let steps: Vec<f64> = frames.windows(2).map(|f| step(&f[0], &f[1])).collect();
            let mean = steps.iter().sum::<f64>() / 800.0;
            let worst = steps.iter().copied().fold(0.0, f64::max);
            assert!(worst < 4.0 * mean, "{name}: a step of {worst:.4} radii, the mean is {mean:.4}");
            for (i, camera) in frames.iter().enumerate() {
                let px = camera.project(center).unwrap_or_else(|| panic!("{name} frame {i}: the subject is behind the camera"));
                assert!(camera.contains_px(px), "{name} frame {i}: the subject is at {px}");
                if stabilize {
                    let off = (px - glam::DVec2::new(f64::from(w), f64::from(h)) * 0.5).length();
                    assert!(off < 0.01, "{name} frame {i}: stabilized, yet the subject is {off} px off");
                }
            }
        }
    }
}
