//! Rigs adjusted to their pictures: perturbed rigs of known truth, the development data's own, and what cannot work.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::time::Instant;

use glam::{DMat3, DVec2, DVec3};
use volte::{
    calibrate::{CalibrateError, Look, RefineOptions, Refined, ResolveError, Verdict, Watch, refine},
    frame::Picture,
    geometry::Pose,
    gpu::{Gpu, GpuOptions},
    rig::{Camera, Rig, load, pictures},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig},
};

mod support {
    pub mod data;
    pub mod turned;
}
use support::{data::data, turned::turned};

/// Deterministic, −1 to 1.
fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
}

fn direction(seed: u64) -> DVec3 {
    DVec3::new(noise(seed), noise(seed + 1), noise(seed + 2)).normalize_or(DVec3::Z)
}

/// Each camera turned about its own place by about so much, and moved.
fn perturbed(rig: &Rig, turned_deg: f64, moved_m: f64) -> Rig {
    let mut rig = rig.clone();
    for (i, c) in rig.cameras.iter_mut().enumerate() {
        let seed = 100 * i as u64;
        let turn_rad = (turned_deg * (1.0 + 0.5 * noise(seed + 7))).to_radians();
        let rotation = DMat3::from_axis_angle(direction(seed), turn_rad) * c.camera_from_world.rotation;
        let center = c.center_in_world() + direction(seed + 10) * moved_m;
        c.camera_from_world = Pose { rotation, translation: -(rotation * center) };
    }
    rig
}

/// A set of the development data, or the named part of it.
fn set(rig: &str, folder: &str, names: &[String]) -> (Rig, Vec<Picture>) {
    let rig = load(&data(rig)).unwrap().only(names).unwrap();
    let matched = pictures::match_rig(&rig, &data(folder)).unwrap();
    let pictures = matched.paths.iter().map(|p| Picture::load(p).unwrap()).collect();
    (matched.rig, pictures)
}

fn adjusted(what: &str, rig: &Rig, moments: &[Vec<Picture>]) -> Refined {
    let started = Instant::now();
    let seen: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Some).collect()).collect();
    let r = refine(rig, &seen, &RefineOptions::default(), &mut |_| true).unwrap();
    let (b, a) = (r.before, r.after);
    println!(
        "{what}: {:?}, {} points ± {:.3} px; {} kept out: median {:.3} → {:.3}, rms {:.3} → {:.3}, p95 {:.3} → {:.3} px; {:.1} s",
        r.verdict,
        r.points,
        r.sighting_sigma_px,
        b.sightings,
        b.median_px,
        a.median_px,
        b.rms_px,
        a.rms_px,
        b.p95_px,
        a.p95_px,
        started.elapsed().as_secs_f64()
    );
    r
}

fn angle_deg(r: DMat3) -> f64 {
    (0.5 * DVec3::new(r.y_axis.z - r.z_axis.y, r.z_axis.x - r.x_axis.z, r.x_axis.y - r.y_axis.x).length()).asin().to_degrees()
}

/// Mean difference from the true rotation between neighbours, degrees: nothing that all cameras share is in it.
fn between_neighbours_deg(truth: &Rig, rig: &Rig) -> f64 {
    let relative = |r: &Rig, i: usize| r.cameras[i].camera_from_world.rotation * r.cameras[i - 1].camera_from_world.rotation.transpose();
    let n = rig.cameras.len();
    (1..n).map(|i| angle_deg(relative(rig, i) * relative(truth, i).transpose())).sum::<f64>() / (n - 1) as f64
}

/// Largest difference from the true distances between cameras, metres, after the scale of all.
fn distances_m(truth: &Rig, rig: &Rig) -> f64 {
    let n = rig.cameras.len();
    let between = |r: &Rig, i: usize, j: usize| (r.cameras[i].center_in_world() - r.cameras[j].center_in_world()).length();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let scale =
        pairs.iter().map(|(i, j)| between(truth, *i, *j)).sum::<f64>() / pairs.iter().map(|(i, j)| between(rig, *i, *j)).sum::<f64>();
    pairs.iter().map(|(i, j)| (between(rig, *i, *j) * scale - between(truth, *i, *j)).abs()).fold(0.0, f64::max)
}

#[test]
fn a_rig_that_is_off_comes_back_on_the_venue() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 3, ..VenueOptions::default() }).unwrap();
    let truth = VenueRig::arc(9, 48.0, 6.0, (640, 360));
    let moments: Vec<Vec<Picture>> = [960_u64]
        .iter()
        .map(|ms| {
            let time = MediaTime::from_nanos(*ms as i64 * 1_000_000);
            let mut seen: Vec<Picture> = truth.cameras.iter().map(|c| venue.render_picture(c, time).unwrap()).collect();
            for (c, picture) in seen.iter_mut().enumerate() {
                for (i, v) in picture.rgba_mut().iter_mut().enumerate().filter(|(i, _)| i % 4 < 3) {
                    let seed = (ms << 40) ^ ((c as u64) << 32) ^ (3 * i as u64);
                    let grain = 1.5 * (noise(seed) + noise(seed + 1) + noise(seed + 2));
                    *v = (f64::from(*v) + grain).round().clamp(0.0, 255.0) as u8;
                }
            }
            seen
        })
        .collect();
    let off = perturbed(&truth, 0.3, 0.005);
    let r = adjusted("venue, 0.3° and 5 mm off", &off, &moments);
    let (before, after) = (between_neighbours_deg(&truth, &off), between_neighbours_deg(&truth, &r.rig));
    println!(
        "between neighbours {before:.4}° → {after:.4}°, distances {:.1} → {:.1} mm",
        distances_m(&truth, &off) * 1e3,
        distances_m(&truth, &r.rig) * 1e3
    );
    assert_eq!(r.verdict, Verdict::Better);
    assert!(before > 0.2 && after < 0.01, "{before}° → {after}°");
    assert!(distances_m(&truth, &r.rig) < 0.008);
    assert!(r.before.median_px > 0.7 && r.after.median_px < 0.12, "{:?} → {:?}", r.before, r.after);
    // The whole stays where the rig had it.
    let middle = |rig: &Rig| rig.cameras.iter().map(Camera::center_in_world).sum::<DVec3>() / 9.0;
    assert!((middle(&off) - middle(&r.rig)).length() < 0.003);
    // One camera that was bumped does not turn the others.
    let mut bumped = truth.clone();
    let c = &mut bumped.cameras[5];
    let turn = DMat3::from_axis_angle(DVec3::new(0.2, 0.9, 0.1).normalize_or(DVec3::Y), 0.5_f64.to_radians());
    c.camera_from_world = Pose { rotation: turn * c.camera_from_world.rotation, translation: turn * c.camera_from_world.translation };
    let r = adjusted("venue, cam05 bumped by 0.5°", &bumped, &moments[..1]);
    let turned: Vec<f64> = r.cameras.iter().map(|c| c.turned_rad.to_degrees()).collect();
    println!("turned by {turned:.3?}");
    assert!((turned[5] - 0.5).abs() < 0.03 && turned.iter().enumerate().all(|(i, t)| i == 5 || *t < 0.03), "{turned:?}");
}

#[test]
fn rigs_of_the_development_data_become_better_or_stay() {
    let (walk, seen) = set("walk/transforms.json", "walk/images", &[]);
    let fox: Vec<String> = std::fs::read_to_string(data("fox/arc.txt"))
        .unwrap()
        .split_whitespace()
        .take(9)
        .map(|n| n.trim_end_matches(".jpg").to_owned())
        .collect();
    let dtu: std::collections::HashMap<String, Vec<String>> =
        serde_json::from_str(&std::fs::read_to_string(data("dtu24/arcs.json")).unwrap()).unwrap();
    let (fox_rig, fox_seen) = set("fox/transforms.json", "fox/images", &fox);
    let (dtu_rig, dtu_seen) = set("dtu24/sparse", "dtu24/images", &dtu["bottom11"]);
    // The supplied rig of the photographs with every camera turned: that is better by far than nothing to gain.
    let off = perturbed(&fox_rig, 0.2, 0.0);
    let r = adjusted("fox, each camera turned by about 0.2°", &off, std::slice::from_ref(&fox_seen));
    let (before, after) = (between_neighbours_deg(&fox_rig, &off), between_neighbours_deg(&fox_rig, &r.rig));
    println!("between neighbours {before:.4}° → {after:.4}°");
    assert!(r.verdict == Verdict::Better && r.after.median_px < 0.5 * r.before.median_px, "{:?} → {:?}", r.before, r.after);
    assert!(before > 0.15 && after < 0.3 * before, "{before}° → {after}°");
    let sets = [("walk", walk, seen), ("fox", fox_rig, fox_seen), ("dtu24", dtu_rig, dtu_seen)];
    for (name, rig, seen) in sets {
        let r = adjusted(name, &rig, &[seen]);
        match r.verdict {
            Verdict::Better => assert!(r.after.median_px < r.before.median_px && r.after.rms_px <= r.before.rms_px),
            Verdict::NothingToGain => assert_eq!(r.rig, rig, "the rig must stay as it was"),
        }
        assert!(r.after.median_px < 1.1 * r.before.median_px && r.after.median_px < 0.5, "{:?} → {:?}", r.before, r.after);
    }
}

#[test]
fn what_cannot_work_is_told_with_the_cameras_and_the_remedy() {
    let (walk, seen) = set("walk/transforms.json", "walk/images", &[]);
    let fails = |rig: &Rig, seen: &[Option<&Picture>]| refine(rig, &[seen.to_vec()], &RefineOptions::default(), &mut |_| true).unwrap_err();
    // Nothing to hold on to.
    let gray = Picture::filled(walk.cameras[0].width_px, walk.cameras[0].height_px, [90, 90, 90, 255]);
    let e = fails(&walk, &[Some(&gray); 12]);
    assert!(matches!(e, CalibrateError::TooFewMatches { tracks: 0, .. }) && e.to_string().contains("texture"), "{e}");
    // Two groups too far apart.
    let far = walk.restricted_to(&[0, 1, 2, 3, 10, 11]);
    let of: Vec<Option<&Picture>> = [0, 1, 2, 3, 10, 11].iter().map(|i| Some(&seen[*i])).collect();
    let e = fails(&far, &of);
    let told = e.to_string();
    assert!(matches!(e, CalibrateError::Unconnected(_)) && told.contains("cam10, cam11 share") && told.contains("cam03"), "{told}");
    assert!(told.contains("--keep cam10,cam11"), "{told}");
    // One camera that sees a gray wall is named; kept, the others are adjusted and it stays.
    let mut one: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    one[4] = Some(&gray);
    let told = fails(&walk, &one).to_string();
    assert!(told.starts_with("cam04 shares"), "{told}");
    let keep = RefineOptions { keep: vec![4], ..RefineOptions::default() };
    let r = refine(&walk, std::slice::from_ref(&one), &keep, &mut |_| true).unwrap();
    assert_eq!(r.adjusted.cameras[4], walk.cameras[4]);
    // Pictures of another size, too few cameras, cancelled.
    let small = gray.resized(64, 36);
    assert!(matches!(fails(&walk, &[Some(&small); 12]), CalibrateError::PictureSize { .. }));
    let mut alone = [None; 12];
    alone[0] = Some(&gray);
    assert_eq!(fails(&walk, &alone), CalibrateError::TooFewCameras(1));
    let all: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    let cancelled = refine(&walk, &[all], &RefineOptions::default(), &mut |share| share < 0.3);
    assert!(matches!(cancelled, Err(CalibrateError::Cancelled)));
}

/// Grain, as a sensor has it, and an exposure that flickers.
fn seen_by_a_sensor(mut picture: Picture, seed: u64, gain: f64) -> Picture {
    for (i, v) in picture.rgba_mut().iter_mut().enumerate().filter(|(i, _)| i % 4 < 3) {
        let seed = (seed << 32) ^ (3 * i as u64);
        let grain = 1.5 * (noise(seed) + noise(seed + 1) + noise(seed + 2));
        *v = (f64::from(*v) * gain + grain).round().clamp(0.0, 255.0) as u8;
    }
    picture
}

#[test]
fn a_bumped_camera_is_noticed_and_solved_again() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 3, ..VenueOptions::default() }).unwrap();
    let rig = VenueRig::arc(6, 30.0, 6.0, (640, 360));
    let mut at = |camera: &Camera, ms: i64, gain: f64| {
        let picture = venue.render_picture(camera, MediaTime::from_nanos(ms * 1_000_000)).unwrap();
        seen_by_a_sensor(picture, ms as u64 ^ (gain * 100.0) as u64 ^ camera.name.len() as u64, gain)
    };
    let moments: Vec<Vec<Picture>> = [300, 960].iter().map(|ms| rig.cameras.iter().map(|c| at(c, *ms, 1.0)).collect()).collect();
    let learned: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Some).collect()).collect();
    let mut watch = Watch::learn(&rig, &learned, &mut |_| true).unwrap();
    // People have moved on and the light flickers by a third of a stop: everybody stands.
    for (i, c) in rig.cameras.iter().enumerate() {
        for (ms, gain) in [(1500, 1.0), (1700, 0.8), (1700, 1.25)] {
            let look = watch.look(i, &at(c, ms, gain));
            assert!(matches!(look, Look::Stands { share } if share > 0.5), "{} at {ms} ms × {gain}: {look:?}", c.name);
        }
    }
    // A bump of 0.3° about any axis, with a nudge of 5 mm; one look says it, and the camera is solved from the same picture.
    for (seed, camera) in [(1, 2), (2, 0), (3, 4)] {
        let mut bumped = rig.cameras[camera].clone();
        let turn = DMat3::from_axis_angle(direction(seed), 0.3_f64.to_radians());
        let center = bumped.center_in_world() + direction(seed + 50) * 0.005;
        let rotation = turn * bumped.camera_from_world.rotation;
        bumped.camera_from_world = Pose { rotation, translation: -(rotation * center) };
        let picture = at(&bumped, 1600, 0.9);
        let started = Instant::now();
        let look = watch.look(camera, &picture);
        let looked = started.elapsed();
        assert!(matches!(look, Look::Moved { .. }), "{look:?}");
        let r = watch.resolve(camera, &picture).unwrap();
        let solved = started.elapsed().saturating_sub(looked);
        // Where the athlete may be, the solved camera sees the world as the true one does.
        let off = |c: &Camera| {
            let volume = (0..27).map(|k| DVec3::new(f64::from(k % 3 - 1), f64::from(k / 3 % 3 - 1), 0.3 + 0.8 * f64::from(k / 9)));
            volume.map(|p| (c.project(p).unwrap() - bumped.project(p).unwrap()).length()).fold(0.0, f64::max)
        };
        println!(
            "{look:?} in {looked:.0?}; solved to {:.3} px from {} points in {solved:.0?}: {:.2} px off before, {:.3} px after",
            r.median_px,
            r.points,
            off(&rig.cameras[camera]),
            off(&r.camera)
        );
        assert!(off(&rig.cameras[camera]) > 0.9 && off(&r.camera) < 0.5);
        // Accepted, it stands where it is now, and a look at the old place would be a bump again.
        let mut after = watch.clone();
        after.accept(camera, &r, &picture);
        assert!(matches!(after.look(camera, &at(&bumped, 1800, 1.0)), Look::Stands { .. }));
        assert!(matches!(after.look(camera, &at(&rig.cameras[camera], 1800, 1.0)), Look::Moved { .. }));
        if camera == 4 {
            watch = after;
        }
    }
    // Somebody walks right before the camera: two fifths of the picture are another's, and it still stands; the lens cap says nothing.
    let mut hidden = at(&rig.cameras[1], 1500, 1.0);
    for y in 0..360 {
        for x in 180..440 {
            let i = 4 * (y * 640 + x);
            let shirt = (128.0 + 90.0 * noise((y / 7 * 640 + x / 7) as u64)) as u8;
            hidden.rgba_mut()[i..i + 3].fill(shirt);
        }
    }
    assert!(matches!(watch.look(1, &hidden), Look::Stands { .. }), "{:?}", watch.look(1, &hidden));
    let dark = Picture::filled(640, 360, [3, 3, 3, 255]);
    assert!(matches!(watch.look(1, &dark), Look::Unsure { found: 0, .. }));
    let e = watch.resolve(1, &dark).unwrap_err();
    assert!(matches!(e, ResolveError::NotFound { .. }) && e.to_string().contains("cam01") && e.to_string().contains("covered"), "{e}");
    assert!(matches!(watch.look(1, &dark.resized(320, 180)), Look::Unsure { .. }));
    assert_eq!(watch.resolve(99, &dark), Err(ResolveError::NoSuchCamera(99)));
}

/// How far two places of a camera show the world apart, px of its picture: the worst of the whole picture, at the subject's distance and about it.
fn worst_px(truth: &Camera, solved: &Camera, subject_in_world: DVec3) -> f64 {
    let (center, to_world) = (truth.center_in_world(), truth.camera_from_world.rotation.transpose());
    let size = DVec2::new(f64::from(truth.width_px), f64::from(truth.height_px));
    let off = |k: usize, far: f64| {
        let px = size * DVec2::new((k % 9) as f64 + 0.5, (k / 9) as f64 + 0.5) / 9.0;
        let ray = to_world * truth.lens.unproject(px);
        let p = center + ray / ray.length() * (subject_in_world - center).length() * far;
        (solved.project(p).unwrap() - px).length()
    };
    (0..81).flat_map(|k| [0.8, 1.0, 1.3].map(|far| off(k, far))).fold(0.0, f64::max)
}

/// Bumps of 0.3° about three axes: what the watch solves of them, told and held against the truth.
fn solved_within(
    what: &str,
    watch: &Watch,
    camera: usize,
    was: &Camera,
    subject_in_world: DVec3,
    mut seen: impl FnMut(&Camera, DMat3) -> Picture,
) -> f64 {
    let mut worst = 0.0_f64;
    for seed in [1, 2, 3] {
        let turn = DMat3::from_axis_angle(direction(seed), 0.3_f64.to_radians());
        let pose = was.camera_from_world;
        let truth =
            Camera { camera_from_world: Pose { rotation: turn * pose.rotation, translation: turn * pose.translation }, ..was.clone() };
        let picture = seen(&truth, turn);
        let started = Instant::now();
        let look = watch.look(camera, &picture);
        let looked = started.elapsed();
        assert!(matches!(look, Look::Moved { .. }), "{look:?}");
        let r = watch.resolve(camera, &picture).unwrap();
        let off = worst_px(&truth, &r.camera, subject_in_world);
        println!(
            "{what}: bumped by {:.1} px, looked at in {looked:.0?}, solved in {:.0?}: {} points ({} wrong) fit to {:.3} px; {off:.3} px off the truth at worst, moved by {:.1} mm",
            worst_px(&truth, was, subject_in_world),
            started.elapsed().saturating_sub(looked),
            r.points,
            r.wrong,
            r.median_px,
            r.moved_m * 1e3
        );
        worst = worst.max(off).max(r.median_px);
    }
    worst
}

/// Half a pixel of a picture of 1920, in real pictures of 1080×1920 of a rig that fits them to a third of a pixel: grain, another exposure.
#[test]
fn a_bumped_camera_is_solved_to_half_a_pixel_of_full_hd_on_real_pictures() {
    let text = std::fs::read_to_string(data("fox/arc.txt")).unwrap();
    let names: Vec<String> = text.split_whitespace().take(5).map(|n| n.trim_end_matches(".jpg").to_owned()).collect();
    let (rig, seen) = set("fox/transforms.json", "fox/images", &names);
    let learned: Vec<Vec<Option<&Picture>>> = vec![seen.iter().map(Some).collect()];
    let started = Instant::now();
    let watch = Watch::learn(&rig, &learned, &mut |_| true).unwrap();
    println!("{} × {} px, learned in {:.1?}", rig.cameras[2].width_px, rig.cameras[2].height_px, started.elapsed());
    println!("points: {:?}", (0..5).map(|i| watch.points(i)).collect::<Vec<_>>());
    let subject = volte::rig::check::subject_center(&rig).unwrap();
    let was = &rig.cameras[2];
    let started = Instant::now();
    assert!(matches!(watch.look(2, &seen[2]), Look::Stands { .. }));
    println!("a look at it as it stands: {:.1?}", started.elapsed());
    let worst = solved_within("fox", &watch, 2, was, subject, |_, turn| seen_by_a_sensor(turned(was, &seen[2], turn), 7, 0.9));
    assert!(worst <= 0.5, "{worst} px");
}

/// The same in the venue, at 1920×1080, where the cameras that look on see another moment.
#[test]
#[ignore = "draws the venue at full size, minutes without a graphics processor; the test before it judges the same bound on real pictures in every run. By hand: --test calibrate -- --ignored"]
fn a_bumped_camera_is_solved_to_half_a_pixel_of_full_hd_in_the_venue() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 2, ..VenueOptions::default() }).unwrap();
    let rig = VenueRig::arc(5, 24.0, 6.0, (1920, 1080));
    let mut at = |camera: &Camera, ms: i64, gain: f64| {
        let picture = venue.render_picture(camera, MediaTime::from_nanos(ms * 1_000_000)).unwrap();
        seen_by_a_sensor(picture, ms as u64, gain)
    };
    let moments: Vec<Vec<Picture>> = [300, 960].iter().map(|ms| rig.cameras.iter().map(|c| at(c, *ms, 1.0)).collect()).collect();
    let learned: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Some).collect()).collect();
    let started = Instant::now();
    let watch = Watch::learn(&rig, &learned, &mut |_| true).unwrap();
    println!("learned in {:.1?}; points: {:?}", started.elapsed(), (0..5).map(|i| watch.points(i)).collect::<Vec<_>>());
    let started = Instant::now();
    let stands = at(&rig.cameras[2], 1500, 1.0);
    println!("drawn in {:.1?}", started.elapsed());
    let started = Instant::now();
    assert!(matches!(watch.look(2, &stands), Look::Stands { .. }));
    println!("a look at a camera that stands: {:.1?}", started.elapsed());
    let worst = solved_within("venue", &watch, 2, &rig.cameras[2], DVec3::new(0.0, 0.0, 1.0), |truth, _| at(truth, 1600, 0.9));
    assert!(worst <= 0.5, "{worst} px");
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
#[test]
fn the_command_tells_what_it_did_and_writes_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let (off, out) = (dir.path().join("off.toml"), dir.path().join("better.toml"));
    let (walk, _) = set("walk/transforms.json", "walk/images", &[]);
    let walk = walk.restricted_to(&[3, 4, 5, 6, 7]);
    volte::rig::save(&perturbed(&walk, 0.2, 0.004), &off, volte::rig::Format::RigToml).unwrap();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volte"));
        let done = command.args(["rig", "refine"]).arg(&off).arg("--pictures").arg(data("walk/images")).args(words).output().unwrap();
        (done.status.success(), format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
    };
    let (fine, told) = run(&["--out", out.to_str().unwrap()]);
    assert!(fine && told.contains("better by") && told.contains("dB before") && told.contains("the adjusted rig written"), "{told}");
    // Five cameras on 24° see less of their own twist than a whole arc does.
    let off_deg = between_neighbours_deg(&walk, &load(&out).unwrap());
    assert!(off_deg < 0.06, "{off_deg}° of 0.35°");
    let (fine, told) = run(&["--out", out.to_str().unwrap()]);
    assert!(!fine && told.contains("--overwrite"), "{told}");
    for (words, named) in [(["--keep", "nobody"], "nobody"), (["--use", "cam04"], "two")] {
        let (fine, told) = run(&words);
        assert!(!fine && told.contains(named), "{told}");
    }
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
#[test]
fn a_rig_without_sizes_of_pictures_is_written_with_those_of_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.toml");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volte"));
    command.args(["rig", "refine"]).arg(data("dinoSR16/dinoSR_par.txt")).arg("--pictures").arg(data("dinoSR16/images"));
    let done = command.args(["--no-synthesis", "--out"]).arg(&out).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && told.contains("written to"), "{told}");
    let rig = load(&out).unwrap();
    assert!(rig.cameras.len() == 16 && rig.cameras.iter().all(|c| (c.width_px, c.height_px) == (640, 480)), "{told}");
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
#[test]
fn the_watch_names_the_camera_that_was_turned() {
    // One camera's picture, shifted by six pixels: as good as a turn about its vertical.
    let dir = tempfile::tempdir().unwrap();
    let (now, out) = (dir.path().join("now"), dir.path().join("now.toml"));
    std::fs::create_dir(&now).unwrap();
    let (walk, seen) = set("walk/transforms.json", "walk/images", &[]);
    for (c, picture) in walk.cameras.iter().zip(&seen) {
        let mut picture = picture.clone();
        if c.name == "cam07" {
            let (w, was) = (picture.width() as usize, picture.rgba().to_vec());
            for (row, from) in picture.rgba_mut().chunks_exact_mut(4 * w).zip(was.chunks_exact(4 * w)) {
                row[24..].copy_from_slice(&from[..4 * w - 24]);
            }
        }
        picture.save(&now.join(format!("{}.png", c.name))).unwrap();
    }
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volte"));
        command.args(["rig", "watch"]).arg(data("walk/transforms.json")).arg("--pictures").arg(data("walk/images"));
        let done = command.args([&now, &now]).args(words).output().unwrap();
        (done.status.success(), format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
    };
    let (fine, told) = run(&["--out", out.to_str().unwrap()]);
    println!("{told}");
    // Bumped once; in the third folder it stands where it was solved.
    assert!(fine && told.contains("cam07 was bumped, its picture moved by 6.") && told.contains("1 bump\n"), "{told}");
    let solved = load(&out).unwrap();
    let turned =
        |i: usize| angle_deg(solved.cameras[i].camera_from_world.rotation * walk.cameras[i].camera_from_world.rotation.transpose());
    let expected = (6.0 / walk.cameras[7].lens.fx_px).to_degrees();
    assert!((turned(7) - expected).abs() < 0.05 && (0..12).all(|i| i == 7 || turned(i) < 1e-6), "{} of {expected}", turned(7));
    for words in [["--every", "0"], ["--seconds", "nan"]] {
        let (fine, told) = run(&words);
        assert!(!fine && told.contains(words[0]), "{told}");
    }
}
