//! The built-in venue's ground truth, on whatever adapter there is (the software one in CI).
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use glam::{DMat3, DQuat, DVec2, DVec3};
use volte::{
    frame::{Picture, metrics::psnr_db},
    geometry::{Distortion, Pose},
    gpu::{Gpu, GpuOptions},
    rig::{self, Camera, Rig},
    scene::Plan,
    time::{FrameRate, MediaTime},
    venue::{
        Bump, Dataset, Dressing, FaultRequest, Faults, HARD_SCENES, Sensor, StreamEvent, Venue, VenueFrame, VenueOptions, VenueRig,
        VenueStream, depth_to_millimetres, landmarks_in_world,
    },
};

const SIZE: (u32, u32) = (160, 90);

fn venue() -> Venue {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    Venue::new(&gpu, VenueOptions::default()).unwrap()
}

fn secs(s: f64) -> MediaTime {
    MediaTime::from_secs_f64(s)
}

#[test]
fn the_same_camera_and_time_give_the_same_bytes() {
    let rig = VenueRig::arc(5, 60.0, 6.0, (96, 54));
    let mut a = venue();
    let first = a.render(&rig.cameras[2], secs(0.4)).unwrap();
    a.render(&rig.cameras[0], MediaTime::ZERO).unwrap();
    assert_eq!(first, a.render(&rig.cameras[2], secs(0.4)).unwrap());
    assert_eq!(first.picture, a.render_picture(&rig.cameras[2], secs(0.4)).unwrap());
    let mut b = venue();
    assert_eq!(first, b.render(&rig.cameras[2], secs(0.4)).unwrap());
    assert_ne!(first.picture, b.render_picture(&rig.cameras[2], secs(0.6)).unwrap());
}

/// How well what `a` sees agrees with what `b` sees when `a`'s depth is carried over by the poses.
#[derive(Debug)]
struct Agreement {
    /// Share of the carried points that lie in front of b's surface: impossible if depth and pose are right.
    impossible: f64,
    /// Share that meets b's surface.
    met: f64,
    /// Mean absolute difference of the colours of those, code values.
    color: f64,
}

/// Channel `c` at a position in pixels, bilinear.
fn between(picture: &Picture, px: DVec2, c: usize) -> f64 {
    let (at, t) = ((px - 0.5).floor(), (px - 0.5).fract());
    let v = |dx: u32, dy: u32| f64::from(picture.pixel(at.x as u32 + dx, at.y as u32 + dy)[c]);
    let top = v(0, 0) * (1.0 - t.x) + v(1, 0) * t.x;
    let bottom = v(0, 1) * (1.0 - t.x) + v(1, 1) * t.x;
    top * (1.0 - t.y) + bottom * t.y
}

fn agreement(a: (&Camera, &VenueFrame), b: (&Camera, &VenueFrame)) -> Agreement {
    let world_from_a = a.0.camera_from_world.inverse();
    let (w, h) = (a.0.width_px, a.0.height_px);
    let (mut all, mut impossible, mut met, mut color) = (0.0, 0.0, 0.0, 0.0);
    for y in 1..h - 1 {
        for x in 1..w - 1 {
            let depth = f64::from(a.1.depth[(y * w + x) as usize]);
            if !depth.is_finite() {
                continue;
            }
            let p = world_from_a.apply(a.0.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5)) * depth);
            let z = b.0.camera_from_world.apply(p).z;
            let Some(px) = b.0.project(p) else { continue };
            let (u, v) = (px.x.floor() as i64, px.y.floor() as i64);
            if u < 1 || v < 1 || u >= i64::from(w) - 1 || v >= i64::from(h) - 1 {
                continue;
            }
            // The nearest and the farthest surface of the pixel's neighbourhood: edges fall between pixels.
            let around = (-1..=1)
                .flat_map(|dy| (-1..=1).map(move |dx| ((v + dy) * i64::from(w) + u + dx) as usize))
                .map(|i| f64::from(b.1.depth[i]));
            let (near, far) = around.fold((f64::INFINITY, 0.0_f64), |(n, f), d| (n.min(d), f.max(d)));
            all += 1.0;
            if z < near * 0.985 {
                impossible += 1.0;
            } else if z <= far * 1.015 {
                met += 1.0;
                color += (0..3).map(|c| (f64::from(a.1.picture.pixel(x, y)[c]) - between(&b.1.picture, px, c)).abs()).sum::<f64>() / 3.0;
            }
        }
    }
    Agreement { impossible: impossible / all, met: met / all, color: color / met }
}

#[test]
fn depth_and_pose_carry_one_camera_into_the_next_and_a_wrong_pose_does_not() {
    let rig = VenueRig::arc(16, 90.0, 6.0, SIZE);
    let mut venue = venue();
    let frames: Vec<_> = [6, 7].iter().map(|&i| venue.render(&rig.cameras[i], secs(0.9)).unwrap()).collect();
    let (a, b) = (&rig.cameras[6], &rig.cameras[7]);
    let right = agreement((a, &frames[0]), (b, &frames[1]));
    println!("right pose: {right:?}");
    let good = |x: &Agreement| x.impossible < 0.01 && x.met > 0.85 && x.color < 16.0;
    assert!(good(&right), "{right:?}");
    // Moved by 15 cm, turned by 1°, and the neighbour's pose: none may pass.
    let moved = Pose { translation: b.camera_from_world.translation + DVec3::X * 0.15, ..b.camera_from_world };
    let turn = DMat3::from_quat(DQuat::from_rotation_x(1_f64.to_radians()));
    let turned = Pose { rotation: turn * b.camera_from_world.rotation, translation: turn * b.camera_from_world.translation };
    for wrong in [moved, turned, rig.cameras[8].camera_from_world] {
        let wrong = agreement((a, &frames[0]), (&Camera { camera_from_world: wrong, ..b.clone() }, &frames[1]));
        println!("wrong pose: {wrong:?}");
        assert!(!good(&wrong) && wrong.color > right.color * 1.15, "{wrong:?}");
    }
}

#[test]
fn the_landmarks_tell_a_solve_between_which_depths_to_look() {
    let rig = Rig { points_in_world: landmarks_in_world(), ..VenueRig::arc(16, 90.0, 6.0, SIZE) };
    let plan = Plan::new(&rig, None);
    assert!(plan.range_is_known);
    let (low, high) = plan.rho_range;
    assert!(high < 1.0 && low > 0.01, "{low} to {high} per metre is no help");
    let mut venue = venue();
    for i in [0, 7, 15] {
        let frame = venue.render(&rig.cameras[i], secs(0.96)).unwrap();
        let (all, inside) = frame.depth.iter().filter(|d| d.is_finite()).fold((0, 0), |(all, inside), d| {
            let rho = 1.0 / f64::from(*d);
            (all + 1, inside + usize::from((low..=high).contains(&rho)))
        });
        assert!(inside * 1000 >= all * 998, "camera {i}: {inside} of {all} pixels are in {low} to {high} per metre");
    }
}

#[test]
fn distorted_lenses_agree_with_the_ideal_one_through_the_projection() {
    let ideal = VenueRig { unevenness: 0.0, ..VenueRig::of_size(SIZE.0, SIZE.1) };
    let mut venue = venue();
    for distortion in [
        Distortion::BrownConrady { k: [-0.25, 0.06, 0.0, 0.0, 0.0, 0.0], p: [0.002, -0.003] },
        Distortion::BrownConrady { k: [0.1, -0.05, 0.01, 0.02, 0.01, 0.0], p: [0.0; 2] },
        Distortion::Fisheye { k: [-0.02, 0.01, -0.003, 0.0004] },
    ] {
        let a = ideal.on_arc(1, 0.0).cameras.remove(0);
        let b = VenueRig { distortion, ..ideal.clone() }.on_arc(1, 0.0).cameras.remove(0);
        let (fa, fb) = (venue.render(&a, secs(0.2)).unwrap(), venue.render(&b, secs(0.2)).unwrap());
        let carried = agreement((&a, &fa), (&b, &fb));
        println!("{distortion:?}: {carried:?}");
        // One centre: nothing is hidden from the other, so all but pixels between two surfaces must meet.
        assert!(carried.met > 0.99, "{distortion:?} {carried:?}");
        let ignored = agreement((&a, &fa), (&a, &fb));
        assert!(ignored.color > carried.color * 1.2, "the lens does nothing: {ignored:?} {carried:?}");
    }
}

#[test]
fn the_matte_covers_the_athlete_and_leaves_the_hall() {
    let rig = VenueRig::arc(3, 60.0, 6.0, SIZE);
    let camera = &rig.cameras[1];
    let frame = venue().render(camera, secs(0.04)).unwrap();
    let at = |p: DVec3| {
        let px = camera.project(p).unwrap();
        frame.matte[px.y as usize * SIZE.0 as usize + px.x as usize]
    };
    // The athlete's trunk stands over (-0.1, 0.25) all through the action.
    assert_eq!(at(DVec3::new(-0.1, 0.25, 0.95)), 255);
    assert_eq!(at(DVec3::new(-0.1, -0.9, 0.0)), 0, "the floor in front");
    assert_eq!(at(DVec3::new(0.0, 12.4, 3.0)), 0, "the stands");
    let share = frame.matte.iter().map(|m| f64::from(*m) / 255.0).sum::<f64>() / frame.matte.len() as f64;
    assert!((0.03..0.3).contains(&share), "{share}");
    assert!(frame.matte.iter().any(|m| (1..255).contains(m)), "edges are soft");
    // What is in the matte is nearer than the hall behind it (but for centres that just miss an edge).
    let full: Vec<f32> = frame.matte.iter().zip(&frame.depth).filter(|(m, _)| **m == 255).map(|(_, d)| *d).collect();
    assert!(full.iter().filter(|d| **d > 12.0).count() * 50 < full.len());
}

fn stream(faults: &str, camera: &Camera) -> VenueStream {
    VenueStream::new(camera.clone(), faults.parse().unwrap(), FrameRate::whole(25), MediaTime::ZERO)
}

fn frames(venue: &mut Venue, stream: &mut VenueStream, n: usize) -> Vec<StreamEvent> {
    (0..n).map(|_| stream.step(venue).unwrap()).collect()
}

#[test]
fn faults_of_the_stream_do_what_they_say() {
    let rig = VenueRig::arc(3, 60.0, 6.0, (96, 54));
    let camera = &rig.cameras[1];
    let mut venue = venue();
    let truth: Vec<Picture> = (0..8).map(|i| venue.render_picture(camera, secs(f64::from(i) * 0.04)).unwrap()).collect();

    // A clock that is 80 ms off shows, under stamp t, what happens at t + 80 ms.
    let shown = frames(&mut venue, &mut stream("offset=80ms", camera), 3);
    for (i, event) in shown.iter().enumerate() {
        let StreamEvent::Frame(f) = event else { panic!("{event:?}") };
        assert_eq!(f.pts, secs(i as f64 * 0.04));
        assert_eq!(*f.picture, truth[i + 2]);
        assert_ne!(*f.picture, truth[i]);
    }

    // Half of the frames dropped: the others keep their stamps.
    let mut s = stream("drop=0.5,seed=3", camera);
    let events = frames(&mut venue, &mut s, 8);
    let dropped = events.iter().filter(|e| matches!(e, StreamEvent::Dropped(_))).count();
    assert!((1..8).contains(&dropped), "{dropped}");
    for (i, event) in events.iter().enumerate() {
        if let StreamEvent::Frame(f) = event {
            assert_eq!((f.index, f.pts), (i as i64, secs(i as f64 * 0.04)));
            assert_eq!(*f.picture, truth[i]);
        }
    }
    // next_frame skips what is lost.
    let mut s = stream("drop=0.5,seed=3", camera);
    assert!((0..8 - dropped).all(|_| s.next_frame(&mut venue).unwrap().is_some()));

    // Every frame a duplicate: the first picture for ever, under new stamps.
    let events = frames(&mut venue, &mut stream("duplicate=1", camera), 3);
    for (i, event) in events.iter().enumerate() {
        let StreamEvent::Frame(f) = event else { panic!("{event:?}") };
        assert_eq!((f.is_duplicate, f.pts), (i > 0, secs(i as f64 * 0.04)));
        assert_eq!(*f.picture, truth[0]);
    }

    // Late, and dead.
    let events = frames(&mut venue, &mut stream("late=1,dies=60ms", camera), 3);
    assert!(matches!(&events[1], StreamEvent::Frame(f) if f.late_by_nanos == 120_000_000));
    assert_eq!(events[2], StreamEvent::Dead);
    assert!(stream("dies=0s", camera).next_frame(&mut venue).unwrap().is_none());
}

#[test]
fn faults_of_the_picture_do_what_they_say() {
    let rig = VenueRig::arc(3, 60.0, 6.0, (96, 54));
    let camera = &rig.cameras[1];
    let mut venue = venue();
    let truth = venue.render_picture(camera, secs(0.0)).unwrap();
    let mean = |p: &Picture, c: usize| p.rgba().iter().skip(c).step_by(4).map(|v| f64::from(*v)).sum::<f64>() / f64::from(96 * 54);
    let mut first = |faults: &str| {
        let StreamEvent::Frame(f) = stream(faults, camera).step(&mut venue).unwrap() else { panic!("no frame") };
        f.picture
    };
    let dark = first("ev=-1");
    assert!(mean(&dark, 1) < 0.8 * mean(&truth, 1) && mean(&dark, 1) > 0.6 * mean(&truth, 1));
    let warm = first("kelvin=4000");
    assert!(mean(&warm, 0) > 1.05 * mean(&truth, 0) && mean(&warm, 2) < 0.9 * mean(&truth, 2));
    let noisy = psnr_db(&first("noise=4"), &truth, None).unwrap();
    // 20·log10(255/4) = 36.1 dB, a little more where values clip at black.
    assert!((35.9..37.0).contains(&noisy), "{noisy}");
    assert_eq!(*first(""), truth);

    // A bump: the old pose before, from then on the picture of a turned camera.
    let bump = Bump { at: secs(0.04), rotation_rad: DVec3::new(0.0, 0.03, 0.0) };
    let faults = Faults { bump: Some(bump), ..Faults::default() };
    let mut s = VenueStream::new(camera.clone(), faults.clone(), FrameRate::whole(25), MediaTime::ZERO);
    let StreamEvent::Frame(before) = s.step(&mut venue).unwrap() else { panic!() };
    let StreamEvent::Frame(after) = s.step(&mut venue).unwrap() else { panic!() };
    assert_eq!(*before.picture, truth);
    let in_rig = venue.render_picture(camera, secs(0.04)).unwrap();
    let turned = venue.render_picture(&faults.true_camera(camera, secs(0.04)), secs(0.04)).unwrap();
    assert_eq!(*after.picture, turned);
    assert!(psnr_db(&after.picture, &in_rig, None).unwrap() < 25.0);
    // A calibration error is there from the start.
    let off = psnr_db(&stream_first(&mut venue, "calibration=3", camera), &truth, None).unwrap();
    assert!(off < 30.0, "{off}");

    // A rolling shutter: the first rows show the stamp's time, the last rows one readout later.
    let rolled = stream_first(&mut venue, "offset=840ms,rolling=40ms", camera);
    let (top, bottom) = (venue.render_picture(camera, secs(0.84)).unwrap(), venue.render_picture(camera, secs(0.88)).unwrap());
    let rows = |range: std::ops::Range<usize>| (0..96 * 54).map(|i| range.contains(&(i / 96))).collect::<Vec<_>>();
    let score = |p: &Picture, mask: &[bool]| psnr_db(&rolled, p, Some(mask)).unwrap();
    let (high, low) = (rows(0..14), rows(40..54));
    assert!(score(&top, &high) > score(&bottom, &high) + 1.0, "{} {}", score(&top, &high), score(&bottom, &high));
    assert!(score(&bottom, &low) > score(&top, &low) + 1.0, "{} {}", score(&bottom, &low), score(&top, &low));
}

fn stream_first(venue: &mut Venue, faults: &str, camera: &Camera) -> Picture {
    let StreamEvent::Frame(f) = stream(faults, camera).step(venue).unwrap() else { panic!("no frame") };
    (*f.picture).clone()
}

#[test]
fn the_benchmark_is_written_whole_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("hall");
    let place = VenueRig::of_size(64, 36);
    let dataset = Dataset {
        rig: place.on_arc(3, 30.0),
        orbit: place.between(3, 30.0, false),
        times: vec![secs(0.5)],
        ground_truth: true,
        faults: vec![],
        sensor: Sensor::NONE,
    };
    let mut venue = venue();
    dataset.write(&mut venue, &out, |_| true).unwrap();
    let read = rig::load(&out.join("transforms.json")).unwrap();
    let point = DVec3::new(0.2, 0.3, 1.0);
    for (ours, theirs) in dataset.rig.cameras.iter().zip(&read.cameras) {
        assert_eq!(ours.name, theirs.name);
        assert!((ours.project(point).unwrap() - theirs.project(point).unwrap()).length() < 1e-6);
    }
    let frame = venue.render(&dataset.rig.cameras[1], secs(0.5)).unwrap();
    assert_eq!(Picture::load(&out.join("images/cam01.png")).unwrap(), frame.picture);
    let depth = image::open(out.join("depth/cam01.png")).unwrap().into_luma16();
    assert!(depth.pixels().zip(&frame.depth).all(|(p, d)| p.0[0] == depth_to_millimetres(*d)));
    assert!(depth.pixels().any(|p| p.0[0] > 4000));
    assert_eq!(image::open(out.join("matte/cam01.png")).unwrap().into_luma8().into_raw(), frame.matte);
    for file in ["transforms_orbit.json", "orbit/o00_1.png", "orbit/o01_1.png", "orbit_depth/o01_1.png"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(dataset.write(&mut venue, &out, |_| true).unwrap_err().to_string().contains("not empty"));
    let stopped = dir.path().join("stopped");
    assert!(dataset.write(&mut venue, &stopped, |done| done < 2).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half-written");
}

#[test]
fn faults_of_the_benchmark_spoil_pictures_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let place = VenueRig::of_size(64, 36);
    let rig = place.on_arc(3, 30.0);
    let asked = ["cam01:ev=-1,bump=0s/0.05", "cam02:dies=0.4s"].map(|t| t.parse::<FaultRequest>().unwrap());
    let faults = FaultRequest::resolve(&asked, &["cam00", "cam01", "cam02"]).unwrap();
    let dataset = Dataset { rig, orbit: Rig::default(), times: vec![secs(0.5)], ground_truth: true, faults, sensor: Sensor::NONE };
    let mut venue = venue();
    let out = dir.path().join("hall");
    dataset.write(&mut venue, &out, |_| true).unwrap();
    // The calibration and the truth do not know of the bump; who is dead is not there.
    let read = rig::load(&out.join("transforms.json")).unwrap();
    assert_eq!(read.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["cam00", "cam01"]);
    assert!(!out.join("images/cam02.png").exists() && dataset.picture_count() == 2);
    let perfect = venue.render(&dataset.rig.cameras[1], secs(0.5)).unwrap();
    assert_eq!(image::open(out.join("matte/cam01.png")).unwrap().into_luma8().into_raw(), perfect.matte);
    let score = |picture: &Picture, name: &str| psnr_db(picture, &Picture::load(&out.join("images").join(name)).unwrap(), None).unwrap();
    assert!(score(&perfect.picture, "cam01.png") < 20.0, "darker and elsewhere: {}", score(&perfect.picture, "cam01.png"));
    let other = venue.render_picture(&dataset.rig.cameras[0], secs(0.5)).unwrap();
    assert!(score(&other, "cam00.png") > 60.0, "this camera has no fault");
    let streamy = Dataset { faults: vec!["late=0.1".parse().unwrap()], ..dataset.clone() };
    assert!(streamy.write(&mut venue, &dir.path().join("b"), |_| true).unwrap_err().to_string().contains("late=0.1"));
    let dead = Dataset { faults: vec!["dies=0s".parse().unwrap(); 3], ..dataset };
    assert!(dead.write(&mut venue, &dir.path().join("c"), |_| true).unwrap_err().to_string().contains("dead"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// A sensor averages what the venue draws finer, in light; its depth is that of the pixel's centre, and a shutter that is open long smears
/// what moves and nothing else.
#[test]
fn a_sensor_averages_over_the_pixel_and_the_shutter() {
    let camera = VenueRig::of_size(SIZE.0, SIZE.1).on_arc(3, 20.0).cameras.remove(1);
    let mut venue = venue();
    let now = secs(0.96);
    let plain = venue.render(&camera, now).unwrap();
    assert_eq!(venue.expose(&camera, now, &Sensor::NONE).unwrap(), plain);
    let fine = venue.expose(&camera, now, &Sensor::CAMERA).unwrap();
    let off = fine.depth.iter().zip(&plain.depth).filter(|(a, b)| !(a == b || ((**a - **b) / **b).abs() < 2e-3)).count();
    assert!(off * 200 < plain.depth.len(), "depth differs at {off} pixels");
    let db = psnr_db(&fine.picture, &plain.picture, None).unwrap();
    let rough = |p: &Picture| {
        let at = |i: usize| f64::from(p.rgba()[i]);
        (0..p.rgba().len() - 4).map(|i| (at(i) - at(i + 4)).abs()).sum::<f64>()
    };
    println!("{db:.1} dB to the plain picture; roughness {:.0} of {:.0}", rough(&fine.picture), rough(&plain.picture));
    assert!(db > 20.0 && db < 40.0, "{db}");
    assert!(rough(&fine.picture) < 0.9 * rough(&plain.picture), "nothing was averaged");

    let open = Sensor { shutter_nanos: 40_000_000, instants: 5, ..Sensor::NONE };
    let smeared = venue.expose(&camera, now, &open).unwrap();
    assert_eq!(smeared.depth, plain.depth);
    let still: Vec<bool> = plain.depth.iter().map(|z| *z > 16.0 && *z < 18.0).collect();
    let people: Vec<bool> = plain.matte.iter().map(|m| *m > 128).collect();
    let of = |mask: &[bool]| psnr_db(&smeared.picture, &plain.picture, Some(mask)).unwrap();
    assert!(of(&people) < 32.0 && of(&still) > of(&people) + 8.0, "{} {}", of(&people), of(&still));
}

/// Every hard scene draws, its region is somewhere and not everywhere, and a picture that is wrong there scores low there.
#[test]
fn every_hard_scene_has_a_region_that_tells_a_wrong_picture() {
    let mut venue = venue();
    let base = venue.options().clone();
    for scene in &HARD_SCENES {
        let options = scene.options(&base);
        venue.set_options(options.clone());
        let time = MediaTime::from_nanos((base.period_nanos as f64 * f64::from(scene.phase)) as i64);
        let rig = scene.rig(240, 135, 4, 6.0);
        let sensor = scene.sensor(Sensor::NONE);
        let truth = venue.expose(&rig.cameras[1], time, &sensor).unwrap();
        let region = scene.region(&rig.cameras[1], &truth, &options);
        let count = region.iter().filter(|r| **r).count();
        let in_region = |p: &Picture| psnr_db(p, &truth.picture, Some(&region)).unwrap();
        let neighbour = venue.expose(&rig.cameras[2], time, &sensor).unwrap().picture;
        println!("{:<11} {count:>5} px, the neighbour's picture {:.1} dB there", scene.name, in_region(&neighbour));
        assert!(count > 40 && count * 2 < region.len(), "{}: {count} of {} px", scene.name, region.len());
        assert!(in_region(&neighbour) < 30.0, "{}: another camera's picture passes", scene.name);
        // Wrong there and nowhere else: the region tells it, the whole picture hardly.
        let mut wrong = truth.picture.clone();
        for (p, inside) in wrong.rgba_mut().chunks_exact_mut(4).zip(&region) {
            if *inside {
                p[..3].iter_mut().for_each(|v| *v = v.saturating_add(40));
            }
        }
        let whole = psnr_db(&wrong, &truth.picture, None).unwrap();
        assert!(in_region(&wrong) < 18.0 && whole > in_region(&wrong) + 3.0, "{}: {} {whole}", scene.name, in_region(&wrong));
        // What the scene adds is in its region, the hall without it is another picture there.
        if scene.dressing != Dressing::None {
            venue.set_options(base.clone());
            let bare = venue.expose(&rig.cameras[1], time, &sensor).unwrap().picture;
            assert!(in_region(&bare) < 28.0, "{}: {}", scene.name, in_region(&bare));
        }
        if scene.shutter_nanos > 0 {
            let sharp = venue.render(&rig.cameras[1], time).unwrap().picture;
            assert!(in_region(&sharp) < 30.0, "{}: {}", scene.name, in_region(&sharp));
        }
    }
}
