//! Every rig file of the development data, unmodified, against what its README says of it.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::HashMap;

use volte::rig::{Arc, Rig, load, pictures};

mod support {
    pub mod data;
}
use support::data::data;

fn rig(path: &str) -> Rig {
    load(&data(path)).unwrap_or_else(|e| panic!("{e}"))
}

fn gaps_deg(rig: &Rig, arc: &Arc) -> Vec<f64> {
    (0..arc.gap_count()).map(|k| arc.gap_rad(rig, k).to_degrees()).collect()
}

/// Camera count, closedness and the median gap in degrees.
fn assert_arc(rig: &Rig, cameras: usize, closed: bool, median_gap_deg: f64, tolerance_deg: f64) -> Arc {
    assert_eq!(rig.cameras.len(), cameras);
    let arc = Arc::fit(rig).unwrap();
    let mut gaps = gaps_deg(rig, &arc);
    assert_eq!(arc.closed, closed, "gaps {gaps:.1?}");
    gaps.sort_by(f64::total_cmp);
    let median = gaps[gaps.len() / 2];
    assert!((median - median_gap_deg).abs() < tolerance_deg, "median gap {median}°, expected {median_gap_deg}°; all: {gaps:.1?}");
    arc
}

/// The named part of the rig.
fn part(rig: &Rig, names: &[String]) -> Rig {
    assert!(names.len() > 1);
    rig.clone().only(names).unwrap()
}

/// A JSON file of named lists of camera names.
fn lists(path: &str) -> HashMap<String, Vec<String>> {
    serde_json::from_str(&std::fs::read_to_string(data(path)).unwrap()).unwrap()
}

#[test]
fn fox() {
    // The file describes 67 pictures, the set has 50 of them.
    let all = rig("fox/transforms.json");
    assert_eq!(all.cameras.len(), 67);
    let text = std::fs::read_to_string(data("fox/arc.txt")).unwrap();
    let names: Vec<String> = text.split_whitespace().map(|n| n.trim_end_matches(".jpg").to_owned()).collect();
    assert_arc(&part(&all, &names), 18, false, 4.5, 1.0);
    let m = pictures::match_rig(&all, &data("fox/images")).unwrap();
    assert_eq!((m.rig.cameras.len(), m.rig.cameras[0].width_px, m.notices.len()), (50, 1080, 1));
}

#[test]
fn dino48() {
    let all = rig("dino48/dino_par.txt");
    assert_eq!(all.cameras.len(), 363);
    let m = pictures::match_rig(&all, &data("dino48/images")).unwrap();
    assert_eq!(m.notices.len(), 1, "{:?}", m.notices);
    assert_arc(&m.rig, 48, true, 7.7, 0.5);
    assert_eq!((m.rig.cameras[0].width_px, m.rig.cameras[0].height_px), (640, 480));
}

#[test]
fn dino_sr16() {
    let all = rig("dinoSR16/dinoSR_par.txt");
    let m = pictures::match_rig(&all, &data("dinoSR16/images")).unwrap();
    assert!(m.notices.is_empty(), "{:?}", m.notices);
    assert_arc(&m.rig, 16, true, 22.0, 1.5);
}

#[test]
fn dtu24() {
    let all = rig("dtu24/sparse");
    assert_eq!(pictures::match_rig(&all, &data("dtu24/images")).unwrap().rig.cameras.len(), 49);
    let arcs = lists("dtu24/arcs.json");
    for (name, n) in [("bottom11", 11), ("row2", 10), ("row3", 9)] {
        let row = part(&all, &arcs[name]);
        let arc = assert_arc(&row, n, false, 11.5, 1.0);
        // The list is in order along the arc.
        let mut order = arc.order.clone();
        if order[0] > order[1] {
            order.reverse();
        }
        assert_eq!(order, (0..n).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn cape() {
    let all = rig("cape");
    assert_eq!(pictures::match_rig(&all, &data("cape/images")).unwrap().rig.cameras.len(), 39);
    let rings = lists("cape/rings.json");
    for (name, n) in [("el20", 19), ("el35", 20)] {
        let ring = part(&all, &rings[name]);
        assert_arc(&ring, n, true, 17.0, 3.0);
    }
}

#[test]
fn banana() {
    let all = rig("banana/sparse");
    let m = pictures::match_rig(&all, &data("banana/images")).unwrap();
    assert_arc(&m.rig, 15, true, 24.0, 5.0);
    assert!(!all.cameras[0].lens.distortion.is_none());
}

#[test]
fn walk_and_its_orbit() {
    let all = rig("walk/transforms.json");
    let arc = assert_arc(&all, 12, false, 6.0, 0.1);
    let names: Vec<&str> = arc.order.iter().map(|&i| all.cameras[i].name.as_str()).collect();
    let sorted: Vec<String> = (0..12).map(|i| format!("cam{i:02}")).collect();
    assert_eq!(names, sorted);
    assert!((arc.up_in_world.z - 1.0).abs() < 0.05, "z is up: {}", arc.up_in_world);
    assert_eq!(pictures::match_rig(&all, &data("walk/images")).unwrap().paths.len(), 12);
    let orbit = rig("walk/transforms_orbit.json");
    assert_arc(&orbit, 11, false, 6.0, 0.1);
    assert!(pictures::match_rig(&orbit, &data("walk/orbit")).unwrap().notices.is_empty());
    // The orbit's cameras stand in the middle of the gaps.
    for k in 0..11 {
        let middle = (all.cameras[arc.order[k]].center_in_world() + all.cameras[arc.order[k + 1]].center_in_world()) * 0.5;
        assert!((orbit.cameras[k].center_in_world() - middle).length() < 0.15, "{k}");
    }
}

#[test]
fn balance() {
    let all = rig("balance/Calib_scene.toml");
    assert_eq!(all.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["cam01", "cam02", "cam03", "cam04"]);
    assert_eq!((all.cameras[0].width_px, all.cameras[0].height_px), (1088, 1920));
    let arc = Arc::fit(&all).unwrap();
    println!("{:.1?} {}", gaps_deg(&all, &arc), arc.closed);
}

#[test]
fn charuco() {
    let all = rig("charuco/camera_array.toml");
    assert_eq!(all.cameras.len(), 4);
    for c in &all.cameras {
        // Four cameras around a table, and the world's origin in front of each.
        assert!(c.center_in_world().length() < 2.0, "{} {}", c.name, c.center_in_world());
        assert!(c.camera_from_world.translation.z > 0.0);
    }
}

#[test]
fn a_rig_for_other_cameras_is_refused_by_name() {
    let e = pictures::match_rig(&rig("walk/transforms.json"), &data("fox/images")).unwrap_err().to_string();
    assert!(e.contains("\"cam00\"") && e.contains("fox"), "{e}");
}

#[test]
fn qualisys_and_pose2sim_of_the_same_calibration_agree() {
    let (toml, qca) = (rig("balance/Calib_scene.toml"), rig("balance/Calib.qca.txt"));
    for (a, b) in toml.cameras.iter().zip(&qca.cameras) {
        assert_eq!((&a.name, a.width_px, a.height_px), (&b.name, b.width_px, b.height_px));
        let p_in_world = glam::DVec3::new(0.2, 0.1, 1.1);
        let (pa, pb) = (a.project(p_in_world).unwrap(), b.project(p_in_world).unwrap());
        assert!((pa - pb).length() < 1e-3, "{}: {pa} {pb}", a.name);
    }
}
