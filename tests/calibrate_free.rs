//! Rigs from pictures of the venue alone: what they reach with ground truth and on the development data, and what operators are told
//! where it cannot work.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::time::Instant;

use glam::{DMat3, DVec2, DVec3};
use volte::{
    calibrate::{
        board::{Candidate, GATE_PX, Light},
        free::{Click, Distance, Field, FrameFailure, FreeFailure, FreeOptions, FreeRig, Known, Unjoined, framed, free},
    },
    engine::refine::{SynthesisScores, synthesis_scores},
    frame::Picture,
    geometry::{Lens, Pose},
    gpu::{Gpu, GpuOptions},
    rig::{Camera, Rig, load, pictures},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig},
};

mod support {
    pub mod data;
}
use support::data::data;

/// Deterministic, −1 to 1.
fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
}

fn candidates(rig: &Rig, lens_known: bool) -> Vec<Candidate> {
    let one =
        |c: &Camera| Candidate { name: c.name.clone(), width_px: c.width_px, height_px: c.height_px, lens: lens_known.then_some(c.lens) };
    rig.cameras.iter().map(one).collect()
}

fn solved(what: &str, candidates: &[Candidate], seen: &[Option<&Picture>], options: &FreeOptions) -> FreeRig {
    let started = Instant::now();
    let mut told = Vec::new();
    let r = free(candidates, &[seen.to_vec()], options, &mut |share| {
        told.push(share);
        true
    })
    .unwrap();
    // Nobody sits before a bar that stands, or goes back.
    assert!(told.len() > 20 && told.is_sorted() && told.iter().all(|s| (0.0..=1.0).contains(s)), "{told:?}");
    println!(
        "{what}: {:?}, {} of {} cameras, {} points, rms {:.3}, median {:.3}, p95 {:.3} px; focal {:.1} px; {:.1} s",
        r.light(),
        r.rig.cameras.len(),
        candidates.len(),
        r.points,
        r.errors.rms_px,
        r.errors.median_px,
        r.errors.p95_px,
        r.rig.cameras[0].lens.fx_px,
        started.elapsed().as_secs_f64()
    );
    for line in r.remedies(candidates).iter().chain(&r.notes) {
        println!("- {line}");
    }
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

/// Largest difference between the distances of cameras, as a share of the mean distance.
fn distances_off(truth: &Rig, rig: &Rig) -> f64 {
    let n = rig.cameras.len();
    let of = |r: &Rig| -> Vec<f64> {
        let place = |i: usize| r.cameras[i].center_in_world();
        (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).map(|(i, j)| (place(i) - place(j)).length()).collect()
    };
    let (a, b) = (of(truth), of(rig));
    let scale = a.iter().sum::<f64>() / b.iter().sum::<f64>();
    a.iter().zip(&b).map(|(a, b)| (a - b * scale).abs()).fold(0.0, f64::max) * a.len() as f64 / a.iter().sum::<f64>()
}

/// The solved rig in metres, by one distance between two cameras.
fn in_metres(truth: &Rig, solved: &FreeRig) -> Rig {
    let (first, last) = (&truth.cameras[0], &truth.cameras[truth.cameras.len() - 1]);
    let m = (first.center_in_world() - last.center_in_world()).length();
    let distance = Distance { from: first.name.clone(), to: last.name.clone(), m };
    let framed = framed(&solved.rig, &[], &[], &[distance]).unwrap();
    assert!(framed.has_scale && !framed.has_floor);
    framed.rig
}

fn scores(what: &str, truth: &Rig, rig: &Rig, seen: &[Option<&Picture>]) -> SynthesisScores {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let s = synthesis_scores(&gpu, truth, rig, seen, &mut |_| true).unwrap().unwrap();
    println!("{what}, hidden cameras: {:.2} dB with the supplied rig, {:.2} dB with this one", s.before_db, s.after_db);
    s
}

/// Every camera turned by half a degree, each another way.
fn wrong(rig: &Rig) -> Rig {
    let mut rig = rig.clone();
    for (i, c) in rig.cameras.iter_mut().enumerate() {
        let axis = DVec3::new(noise(9 * i as u64), noise(9 * i as u64 + 1), noise(9 * i as u64 + 2)).normalize_or(DVec3::Z);
        let turn = DMat3::from_axis_angle(axis, 0.5_f64.to_radians());
        c.camera_from_world = Pose { rotation: turn * c.camera_from_world.rotation, translation: turn * c.camera_from_world.translation };
    }
    rig
}

#[test]
fn the_venue_without_a_target_and_with_a_guess_of_the_lenses() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 3, ..VenueOptions::default() }).unwrap();
    let truth = VenueRig::arc(12, 66.0, 6.0, (640, 360));
    let mut seen: Vec<Picture> =
        truth.cameras.iter().map(|c| venue.render_picture(c, MediaTime::from_nanos(960_000_000)).unwrap()).collect();
    for (c, picture) in seen.iter_mut().enumerate() {
        for (i, v) in picture.rgba_mut().iter_mut().enumerate().filter(|(i, _)| i % 4 < 3) {
            let seed = ((c as u64) << 32) ^ (3 * i as u64);
            let grain = 1.5 * (noise(seed) + noise(seed + 1) + noise(seed + 2));
            *v = (f64::from(*v) + grain).round().clamp(0.0, 255.0) as u8;
        }
    }
    let seen: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    // Somebody took the field of view of 56° for one of 50°.
    let guess = FreeOptions { field_of_view_deg: Some(50.0), ..FreeOptions::default() };
    let r = solved("venue, 12 cameras on 66°", &candidates(&truth, false), &seen, &guess);
    let (turn_deg, distance) = (between_neighbours_deg(&truth, &r.rig), distances_off(&truth, &r.rig));
    println!("between neighbours {turn_deg:.4}°, distances {:.3} %, true focal {:.1} px", 100.0 * distance, truth.cameras[0].lens.fx_px);
    assert_eq!(r.light(), Light::Green);
    assert!(r.errors.rms_px <= GATE_PX.0 && r.rig.cameras.len() == 12);
    assert!(turn_deg < 0.15 && distance < 0.005);
    assert!((r.rig.cameras[0].lens.fx_px / truth.cameras[0].lens.fx_px - 1.0).abs() < 0.01);
    let metric = in_metres(&truth, &r);
    let s = scores("venue", &truth, &metric, &seen);
    assert!(s.after_db > s.before_db - 0.3, "{s:?}");
    // The comparison sees a rig that is wrong.
    let s = scores("venue, each camera turned by 0.5°", &truth, &wrong(&metric), &seen);
    assert!(s.after_db < s.before_db - 0.3, "{s:?}");
}

/// A set of the development data, or the named part of it.
fn set(rig: &str, folder: &str, names: &[&str]) -> (Rig, Vec<Picture>) {
    let rig = load(&data(rig)).unwrap().only(names).unwrap();
    let matched = pictures::match_rig(&rig, &data(folder)).unwrap();
    let pictures = matched.paths.iter().map(|p| Picture::load(p).unwrap()).collect();
    (matched.rig, pictures)
}

/// Largest distance between cameras' places as a share of the mean one between neighbours, and between their rotations (degrees), after the best turn, shift and
/// scale of the whole.
fn off_as_a_whole(truth: &Rig, rig: &Rig) -> (f64, f64) {
    let pairs: Vec<(&Camera, &Camera)> = truth.cameras.iter().zip(&rig.cameras).collect();
    let turns = pairs.iter().map(|(t, f)| t.camera_from_world.rotation.transpose() * f.camera_from_world.rotation);
    let turn = Pose::orthonormalized(turns.fold(DMat3::ZERO, |a, m| a + m)).unwrap();
    let middle = |r: &Rig| r.cameras.iter().map(Camera::center_in_world).sum::<DVec3>() / r.cameras.len() as f64;
    let (a, b) = (middle(truth), middle(rig));
    let arms: Vec<(DVec3, DVec3)> = pairs.iter().map(|(t, f)| (t.center_in_world() - a, turn * (f.center_in_world() - b))).collect();
    let scale = arms.iter().map(|(t, f)| t.dot(*f)).sum::<f64>() / arms.iter().map(|(_, f)| f.length_squared()).sum::<f64>();
    let step = truth.cameras.windows(2).map(|c| (c[0].center_in_world() - c[1].center_in_world()).length()).sum::<f64>();
    let places = arms.iter().map(|(t, f)| (*t - *f * scale).length()).fold(0.0, f64::max) * (pairs.len() - 1) as f64 / step;
    let angle = |(t, f): &(&Camera, &Camera)| angle_deg(t.camera_from_world.rotation * turn * f.camera_from_world.rotation.transpose());
    // `turn` takes the found world to the true one.
    (places, pairs.iter().map(angle).fold(0.0, f64::max))
}

/// Photographs that somebody took by hand, at half their size: a rig of the pictures alone, held against the calibration that came with them.
#[test]
fn real_photographs_alone_give_a_rig_as_good_as_the_supplied_one() {
    let (mut fox, mut seen) = set("fox/transforms.json", "fox/images", &["0019", "0021", "0022", "0025", "0026"]);
    for (c, p) in fox.cameras.iter_mut().zip(&mut seen) {
        *p = p.resized(p.width() / 2, p.height() / 2);
        *c = c.scaled_to(p.width(), p.height());
    }
    let seen: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    // Somebody took the field of view of 70° for one of 55°.
    let guess = FreeOptions { field_of_view_deg: Some(55.0), ..FreeOptions::default() };
    let r = solved("fox, 5 cameras", &candidates(&fox, false), &seen, &guess);
    let agrees = |rig: &Rig| {
        let (places, turned_deg) = off_as_a_whole(&fox, rig);
        let (between_deg, distances) = (between_neighbours_deg(&fox, rig), distances_off(&fox, rig));
        println!(
            "places within {:.2} % of a step, rotations {turned_deg:.3}°, between neighbours {between_deg:.3}°, distances {:.2} %",
            100.0 * places,
            100.0 * distances
        );
        places < 0.03 && turned_deg < 0.5 && between_deg < 0.25 && distances < 0.005
    };
    assert!(r.light() != Light::Red && r.rig.cameras.len() == 5 && r.errors.rms_px <= GATE_PX.0);
    assert!(agrees(&r.rig) && agrees(&fox));
    assert!((r.rig.cameras[0].lens.fx_px / fox.cameras[0].lens.fx_px - 1.0).abs() < 0.015);
    let metric = in_metres(&fox, &r);
    // Two of them hidden are enough here.
    let four = [0, 1, 2, 3];
    let s = scores("fox", &fox.restricted_to(&four), &metric.restricted_to(&four), &seen[..4]);
    assert!(s.after_db > s.before_db - 0.5, "{s:?}");
    // The comparison refuses a rig that is half a degree off, and one with two cameras exchanged.
    let mut exchanged = metric.clone();
    let pose = exchanged.cameras[1].camera_from_world;
    exchanged.cameras[1].camera_from_world = exchanged.cameras[2].camera_from_world;
    exchanged.cameras[2].camera_from_world = pose;
    assert!(!agrees(&wrong(&metric)) && !agrees(&exchanged));
}

/// One feed with left and right swapped passes for a camera that sees something else, unless somebody looks into the mirror.
#[test]
fn a_mirrored_feed_is_told_as_what_it_is() {
    let (walk, mut seen) = set("walk/transforms.json", "walk/images", &["cam04", "cam05", "cam06", "cam07"]);
    let w = seen[3].width() as usize;
    for row in seen[3].rgba_mut().chunks_exact_mut(4 * w) {
        let turned: Vec<u8> = row.chunks_exact(4).rev().flatten().copied().collect();
        row.copy_from_slice(&turned);
    }
    let cameras = candidates(&walk, true);
    let options = FreeOptions { fine: false, ..FreeOptions::default() };
    let r = solved("walk, cam07 mirrored", &cameras, &seen.iter().map(Some).collect::<Vec<_>>(), &options);
    assert_eq!((r.light(), r.rig.cameras.len()), (Light::Red, 3));
    let told = r.remedies(&cameras).join("\n");
    for words in ["cam07: its picture is mirrored", "agree with cam0", "Switch the mirror (flip) off"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

fn fails(candidates: &[Candidate], seen: &[Option<&Picture>]) -> FreeFailure {
    free(candidates, &[seen.to_vec()], &FreeOptions::default(), &mut |_| true).unwrap_err()
}

#[test]
fn a_camera_that_cannot_be_joined_is_named_with_the_remedy() {
    let names = ["cam03", "cam04", "cam05", "cam06", "cam07"];
    let (walk, seen) = set("walk/transforms.json", "walk/images", &names);
    let gray = Picture::filled(walk.cameras[0].width_px, walk.cameras[0].height_px, [90, 90, 90, 255]);
    // One that looks at a lamp, and one whose picture is another venue's (here: upside down in a mirror).
    let mut strange = seen[4].clone();
    let (w, h) = (strange.width() as usize, strange.height() as usize);
    for (i, px) in strange.rgba_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i % w) as f64, (i / w) as f64);
        let blob = |k: u64| ((x - w as f64 * noise(k).abs()) / 9.0).powi(2) + ((y - h as f64 * noise(k + 500).abs()) / 9.0).powi(2);
        let v = (0..150).map(|k| (-0.5 * blob(k)).exp() * noise(k + 900)).sum::<f64>();
        px[..3].fill((128.0 + 100.0 * v).clamp(0.0, 255.0) as u8);
    }
    let of = [Some(&seen[0]), Some(&seen[1]), Some(&seen[2]), Some(&gray), Some(&strange)];
    let cameras = candidates(&walk, true);
    let r = solved("walk with two that see something else", &cameras, &of, &FreeOptions::default());
    assert_eq!(r.light(), Light::Red);
    assert_eq!(r.rig.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["cam03", "cam04", "cam05"]);
    assert!(matches!(r.cameras[3].unjoined, Some(Unjoined::NoTexture { .. })), "{:?}", r.cameras[3].unjoined);
    assert!(matches!(r.cameras[4].unjoined, Some(Unjoined::NoLink { .. } | Unjoined::NotPlaced { .. })), "{:?}", r.cameras[4].unjoined);
    let told = r.remedies(&cameras).join("\n");
    assert!(told.contains("cam06: only ") && told.contains("lights on"), "{told}");
    assert!(told.contains("cam07: ") && told.contains("half-way"), "{told}");

    // Nothing to see at all, too few pictures, another size, cancelled.
    let e = fails(&cameras, &[Some(&gray); 5]);
    assert!(matches!(&e, FreeFailure::NoTexture { cameras } if cameras.len() == 5) && e.to_string().contains("--board"), "{e}");
    let e = fails(&cameras, &[Some(&seen[0]), Some(&seen[1]), None, None, None]);
    assert!(e == FreeFailure::TooFewCameras(2) && e.to_string().contains("three at least"), "{e}");
    let small = gray.resized(64, 36);
    assert!(matches!(fails(&cameras, &[Some(&small); 5]), FreeFailure::OtherSize { .. }));
    let all: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    let cancelled = free(&cameras, &[all], &FreeOptions::default(), &mut |share| share < 0.2);
    assert_eq!(cancelled.unwrap_err(), FreeFailure::Cancelled);
}

/// Texture without end: blobs of three sizes.
fn texture(p: DVec2) -> f64 {
    let octave = |size: f64, seed: u64| {
        let q = p / size;
        let (x, y) = (q.x.floor(), q.y.floor());
        let corner = |dx: f64, dy: f64| noise(seed ^ (((x + dx) as i64 as u64) << 32) ^ ((y + dy) as i64 as u64 & 0xffff_ffff));
        let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
        let (u, v) = (smooth(q.x - x), smooth(q.y - y));
        let row = |dy: f64| corner(0.0, dy) * (1.0 - u) + corner(1.0, dy) * u;
        row(0.0) * (1.0 - v) + row(1.0) * v
    };
    128.0 + 45.0 * octave(0.09, 1) + 45.0 * octave(0.2, 2) + 35.0 * octave(0.6, 3)
}

/// What a camera sees where each ray ends at `place`.
fn drawn(c: &Camera, place: impl Fn(DVec3, DVec3) -> DVec2) -> Picture {
    let mut picture = Picture::filled(c.width_px, c.height_px, [0, 0, 0, 255]);
    let w = c.width_px as usize;
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let at = DVec2::new((i % w) as f64 + 0.5, (i / w) as f64 + 0.5);
        let ray = c.camera_from_world.rotation.transpose() * c.lens.unproject(at);
        px[..3].fill(texture(place(c.center_in_world(), ray)).clamp(0.0, 255.0) as u8);
    }
    picture
}

#[test]
fn a_wall_and_a_camera_that_pans_are_no_rig() {
    let camera = |k: u32, eye: DVec3, target: DVec3| Camera {
        name: format!("cam{k:02}"),
        width_px: 400,
        height_px: 300,
        lens: Lens::pinhole(420.0, 420.0, 200.0, 150.0),
        camera_from_world: Pose::look_at(eye, target, DVec3::Z).unwrap(),
        clock_offset_nanos: 0,
    };
    // Before a wall at y = 0.
    let wall: Vec<Camera> =
        (0..4).map(|k| camera(k, DVec3::new(f64::from(k) * 0.5 - 0.75, -4.0, 1.5), DVec3::new(0.0, 0.0, 1.5))).collect();
    let seen: Vec<Picture> = wall
        .iter()
        .map(|c| {
            drawn(c, |o, d| {
                let p = o - d * (o.y / d.y);
                DVec2::new(p.x, p.z)
            })
        })
        .collect();
    let rig = Rig { cameras: wall, points_in_world: vec![] };
    let of: Vec<Option<&Picture>> = seen.iter().map(Some).collect();
    let e = fails(&candidates(&rig, true), &of);
    assert!(matches!(e, FreeFailure::Flat { lens_known: true }) && e.to_string().contains("one plane"), "{e}");
    let e = fails(&candidates(&rig, false), &of);
    assert!(e.to_string().contains("--lenses"), "{e}");
    // One place, four directions.
    let pan: Vec<Camera> = (0..4).map(|k| camera(k, DVec3::ZERO, DVec3::new(0.12 * f64::from(k), 1.0, 0.0))).collect();
    let seen: Vec<Picture> = pan.iter().map(|c| drawn(c, |_, d| DVec2::new(4.0 * d.x / d.y, 4.0 * d.z / d.y))).collect();
    let rig = Rig { cameras: pan, points_in_world: vec![] };
    let e = fails(&candidates(&rig, true), &seen.iter().map(Some).collect::<Vec<_>>());
    assert!(e == FreeFailure::OnePlace && e.to_string().contains("one place"), "{e}");
}

/// A rig around a tennis court in an unknown world and scale, and clicks of some of its points, half a pixel off.
fn court(names: &[&str]) -> (Rig, Rig, Vec<Click>, Vec<Known>) {
    let truth = VenueRig::arc(6, 60.0, 22.0, (1280, 720));
    let turn = DMat3::from_euler(glam::EulerRot::XYZ, 0.4, -0.3, 2.0);
    let mut rig = truth.clone();
    for c in &mut rig.cameras {
        let center = turn * c.center_in_world() * 0.21 + DVec3::new(1.0, 2.0, -3.0);
        let rotation = c.camera_from_world.rotation * turn.transpose();
        c.camera_from_world = Pose { rotation, translation: -(rotation * center) };
    }
    let field = Field::named("tennis").unwrap();
    let known: Vec<Known> = field.points.into_iter().map(|p| Known { name: p.name, p_in_world: p.p_in_world }).collect();
    let mut clicks = Vec::new();
    for (k, p) in known.iter().filter(|k| names.contains(&k.name.as_str())).enumerate() {
        // Only whether they project matters here, not whether they lie within the picture.
        for (i, c) in truth.cameras.iter().enumerate() {
            if let Some(px) = c.project(p.p_in_world) {
                let seed = (100 * k + 10 * i) as u64;
                clicks.push(Click {
                    camera: c.name.clone(),
                    px: px + DVec2::new(noise(seed), noise(seed + 1)) * 0.7,
                    name: p.name.clone(),
                });
            }
        }
    }
    (truth, rig, clicks, known)
}

#[test]
fn a_court_gives_scale_floor_and_axes_and_wrong_points_are_named() {
    let names = [
        "a_service_left",
        "a_service_right",
        "b_service_left",
        "b_service_right",
        "a_service_middle",
        "b_service_middle",
        "net_middle_top",
    ];
    let (truth, rig, clicks, known) = court(&names);
    let framed_rig = framed(&rig, &clicks, &known, &[]).unwrap();
    assert!(framed_rig.has_scale && framed_rig.has_floor && framed_rig.points.len() == names.len());
    for (a, b) in truth.cameras.iter().zip(&framed_rig.rig.cameras) {
        let off_m = (a.center_in_world() - b.center_in_world()).length();
        assert!(off_m < 0.03, "{}: {off_m} m", a.name);
    }
    assert!(framed_rig.points.iter().all(|p| p.off_m.unwrap() < 0.03 && p.off_px < 2.0), "{:?}", framed_rig.points);
    // A distance that was measured beside it and does not fit is told.
    let m = 1.1 * (truth.cameras[0].center_in_world() - truth.cameras[5].center_in_world()).length();
    let distance = |m: f64| Distance { from: truth.cameras[0].name.clone(), to: truth.cameras[5].name.clone(), m };
    assert!(framed(&rig, &clicks, &known, &[distance(m)]).unwrap().notes.iter().any(|n| n.contains("as measured")));
    // Left and right swapped everywhere: the cameras would stand below the floor.
    let swap = |name: &str| name.replace("left", "#").replace("right", "left").replace('#', "right");
    let mirrored: Vec<Click> = clicks.iter().map(|c| Click { name: swap(&c.name), ..c.clone() }).collect();
    let e = framed(&rig, &mirrored, &known, &[]).unwrap_err();
    assert!(matches!(e, FrameFailure::Mirrored { .. }) && e.to_string().contains("Swap left and right"), "{e}");
    // Without the net, all in one plane, too.
    let flat: Vec<Click> = mirrored.iter().filter(|c| !c.name.starts_with("net")).cloned().collect();
    assert!(matches!(framed(&rig, &flat, &known, &[]), Err(FrameFailure::Mirrored { below: 6, of: 6 })));
    // One point taken for another.
    let wrong: Vec<Click> = clicks
        .iter()
        .map(|c| Click { name: if c.name == "b_service_left" { "b_singles_left".into() } else { c.name.clone() }, ..c.clone() })
        .collect();
    let e = framed(&rig, &wrong, &known, &[]).unwrap_err();
    assert!(matches!(&e, FrameFailure::WrongPoint { name, off_m } if name == "b_singles_left" && (*off_m - 5.485).abs() < 0.1), "{e}");
    // Another field.
    let football: Vec<Known> = known.iter().map(|k| Known { p_in_world: k.p_in_world * DVec3::new(1.0, 2.0, 1.0), ..k.clone() }).collect();
    assert!(matches!(framed(&rig, &clicks, &football, &[]), Err(FrameFailure::PointsDisagree { .. })));
    // One click beside, one click alone, too few points, a camera that is not there.
    let mut beside = clicks.clone();
    beside[2].px.x += 60.0;
    let e = framed(&rig, &beside, &known, &[]).unwrap_err();
    assert!(matches!(&e, FrameFailure::ClicksDisagree { camera, .. } if *camera == beside[2].camera), "{e}");
    assert!(matches!(framed(&rig, &clicks[..1], &known, &[]), Err(FrameFailure::OneClick(_))));
    assert!(matches!(framed(&rig, &clicks[..12], &known, &[]), Err(FrameFailure::TooFewPoints(2))));
    let stranger = Click { camera: "cam77".into(), ..clicks[0].clone() };
    assert!(matches!(framed(&rig, &[stranger], &known, &[]), Err(FrameFailure::UnknownCamera(_))));
}

#[test]
fn distances_give_the_scale_and_contradictions_are_told() {
    let (truth, rig, clicks, _) = court(&["a_service_left", "b_service_right", "a_singles_left"]);
    let away = |a: usize, b: usize| (truth.cameras[a].center_in_world() - truth.cameras[b].center_in_world()).length();
    let distance = |a: usize, b: usize, by: f64| Distance {
        from: truth.cameras[a].name.clone(),
        to: truth.cameras[b].name.clone(),
        m: by * away(a, b),
    };
    let f = framed(&rig, &[], &[], &[distance(0, 5, 1.0), distance(1, 2, 1.001)]).unwrap();
    let found = (f.rig.cameras[0].center_in_world() - f.rig.cameras[5].center_in_world()).length();
    assert!((found / away(0, 5) - 1.0).abs() < 2e-3 && f.has_scale && !f.has_floor);
    let e = framed(&rig, &[], &[], &[distance(0, 5, 1.0), distance(1, 4, 1.0), distance(1, 2, 1.2)]).unwrap_err();
    assert!(
        matches!(&e, FrameFailure::DistancesDisagree { from, .. } if *from == truth.cameras[1].name)
            && e.to_string().contains("Measure again"),
        "{e}"
    );
    let unknown = Distance { from: "net".into(), ..distance(0, 1, 1.0) };
    assert!(framed(&rig, &[], &[], &[unknown]).unwrap_err().to_string().contains(&truth.cameras[3].name));
    // Points that are called floor become it, two clicked points are a distance as well.
    let floor: Vec<Click> = clicks
        .iter()
        .map(|c| Click {
            name: c.name.replace("a_service_left", "floor1").replace("b_service_right", "floor2").replace("a_singles_left", "floor3"),
            ..c.clone()
        })
        .collect();
    let measured = Distance { from: "floor1".into(), to: "floor2".into(), m: (12.8_f64.powi(2) + 8.23_f64.powi(2)).sqrt() };
    let f = framed(&rig, &floor, &[], &[measured]).unwrap();
    assert!(f.has_scale && f.has_floor);
    for (a, b) in truth.cameras.iter().zip(&f.rig.cameras) {
        assert!((a.center_in_world().z - b.center_in_world().z).abs() < 0.1, "{}: {} {}", a.name, a.center_in_world(), b.center_in_world());
    }
    // Nobody knows the scale: it is said loudly.
    let f = framed(&rig, &[], &[], &[]).unwrap();
    assert!(!f.has_scale && f.notes.iter().any(|n| n.contains("scale is unknown") && n.contains("--distance")));
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
#[test]
fn the_command_line_solves_writes_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volte"));
        let output =
            command.arg("calibrate").args(arguments).env_remove("RUST_BACKTRACE").stdin(std::process::Stdio::null()).output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!told.contains("panicked"), "{told}");
        (output.status.success(), told)
    };
    let text = |p: std::path::PathBuf| p.to_string_lossy().into_owned();
    let (pictures, out) = (text(data("walk/images")), text(folder.path().join("rig.toml")));
    let lenses = text(data("walk/transforms.json"));
    // Some cameras of one moment, with a distance; the file is read back with the right scale.
    let (walk, _) = set("walk/transforms.json", "walk/images", &["cam04", "cam06"]);
    let m = (walk.cameras[0].center_in_world() - walk.cameras[1].center_in_world()).length();
    let metres = format!("{m}");
    let some = ["--pictures", &pictures, "--use", "cam04,cam05,cam06,cam07", "--lenses", &lenses];
    let (ok, told) = run(&[&some[..], &["--distance", "cam04", "cam06", &metres, "--out", &out]].concat());
    assert!(ok && told.contains("4 of 4 cameras written") && told.contains("green") && !told.contains("scale is unknown"), "{told}");
    let rig = load(std::path::Path::new(&out)).unwrap();
    let found = (rig.cameras[0].center_in_world() - rig.cameras[2].center_in_world()).length();
    assert!((found / m - 1.0).abs() < 1e-6, "{found} m, {m} m");
    // What cannot be meant is refused before any work.
    let refuses = |arguments: &[&str], named: &str| {
        let (ok, told) = run(arguments);
        assert!(!ok && told.contains(named), "{arguments:?}: {told}");
    };
    refuses(&[&some[..], &["--out", &out]].concat(), "--overwrite");
    refuses(&[&some[..], &["--distance", "cam04", "cam06", "far"]].concat(), "number above 0");
    refuses(&[&some[..], &["--field-of-view", "500"]].concat(), "between 2 and 150");
    refuses(&[&some[..], &["--floor", "1"]].concat(), "--points");
    refuses(
        &[&some[..], &["--board", "chessboard:7x10:0.03", "--distance", "cam04", "cam06", "1"]].concat(),
        "leave out --distance or --board",
    );
    let points = folder.path().join("points.txt");
    std::fs::write(&points, "# camera x y point\ncam04 100 200 net\ncam05 hundred 200 net\n").unwrap();
    let points = text(points);
    refuses(&[&some[..], &["--points", &points]].concat(), "line 3");
    refuses(&[&some[..], &["--points", &points, "--field", "golf"]].concat(), "line 3");
    std::fs::write(&points, "cam04 100 200 net\n").unwrap();
    refuses(&[&some[..], &["--points", &points, "--field", "golf"]].concat(), "table-tennis");
    // Folders of cameras, and gray pictures: an operator's message, and nothing is written.
    for camera in ["a", "b", "c"] {
        let own = folder.path().join("by-camera").join(camera);
        std::fs::create_dir_all(&own).unwrap();
        for instant in ["1.png", "2.png"] {
            Picture::filled(160, 120, [90, 90, 90, 255]).save(&own.join(instant)).unwrap();
        }
    }
    let (by_camera, none) = (text(folder.path().join("by-camera")), folder.path().join("none.toml"));
    refuses(&["--per-camera", "--pictures", &by_camera, "--out", &text(none.clone())], "too little texture");
    assert!(!none.exists());
}
