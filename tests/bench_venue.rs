//! The venue bench: a wrong depth is seen to lower the score, a run writes what it must, and a stopped one leaves nothing.
//! No data needed. Small pictures; a software adapter takes a minute or two, most of it for compiling shaders.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs;

use volte::{
    engine::bench::{
        BenchError,
        venue::{self, Part, Scope},
    },
    frame::{Picture, metrics::psnr_db},
    gpu::{Gpu, GpuOptions},
    scene::{Scene, SceneError},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig, landmarks_in_world},
    view::{ViewMode, ViewSynthesizer},
};

fn tiny() -> Scope {
    Scope { size_px: (128, 72), ..Scope::quick() }
}

#[test]
fn a_wrong_depth_lowers_the_oracle() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions::default()).unwrap();
    let mut synthesizer = ViewSynthesizer::new(&gpu).unwrap();
    let stand = VenueRig { unevenness: 0.0, ..VenueRig::of_size(160, 90) };
    let mut rig = stand.on_arc(4, 18.0);
    rig.points_in_world = landmarks_in_world();
    let now = MediaTime::from_secs_f64(0.9);
    let frames: Vec<_> = rig.cameras.iter().map(|c| venue.render(c, now).unwrap()).collect();
    let pictures: Vec<&Picture> = frames.iter().map(|f| &f.picture).collect();
    let target = stand.between(4, 18.0, false).cameras.remove(1);
    let truth = venue.render_picture(&target, now).unwrap();
    let mut score = |scene: &Scene| {
        let view = synthesizer.render(scene, &target, ViewMode::Synthesis).unwrap();
        psnr_db(&view.read(&gpu).unwrap(), &truth, None).unwrap()
    };
    let with = |factor: f32| {
        let depths: Vec<Vec<f32>> = frames.iter().map(|f| f.depth.iter().map(|z| z * factor).collect()).collect();
        let depths: Vec<&[f32]> = depths.iter().map(Vec::as_slice).collect();
        Scene::with_depth(&gpu, &rig, &pictures, &depths).unwrap()
    };
    let [right, near, far] = [1.0, 0.9, 1.15].map(|factor| score(&with(factor)));
    let fade = {
        let scene = Scene::without_depth(&gpu, &rig, &pictures).unwrap();
        let view = synthesizer.render(&scene, &target, ViewMode::CrossFade).unwrap();
        psnr_db(&view.read(&gpu).unwrap(), &truth, None).unwrap()
    };
    println!("true depth {right:.2} dB, 10 % too near {near:.2}, 15 % too far {far:.2}, cross-fade {fade:.2}");
    assert!(right > near + 1.5 && right > far + 1.5 && right > fade + 2.0);

    // What does not fit is refused by name.
    let short = [frames[0].depth.as_slice(); 3];
    assert!(matches!(Scene::with_depth(&gpu, &rig, &pictures, &short), Err(SceneError::Input(_))));
    let crooked = [&frames[0].depth[1..], &frames[1].depth, &frames[2].depth, &frames[3].depth];
    let told = Scene::with_depth(&gpu, &rig, &pictures, &crooked).unwrap_err().to_string();
    assert!(told.contains(&rig.cameras[0].name) && told.contains("160×90"), "{told}");
}

#[test]
fn a_run_is_whole_and_a_stopped_one_leaves_nothing() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut shares = Vec::new();
    let mut told = Vec::new();
    let parts = [Part::Orbit, Part::Robustness];
    let report = venue::run(
        &parts,
        &tiny(),
        &gpu,
        &out,
        &mut |p| {
            shares.push(p.share);
            true
        },
        &mut |part, _| told.push(part),
    )
    .unwrap();
    println!("{}", report.text());
    assert_eq!(told, parts);
    assert!(shares.windows(2).all(|w| w[0] <= w[1] + 1e-9) && *shares.last().unwrap() > 0.9, "{shares:?}");
    let orbit = report.orbit.as_ref().unwrap();
    assert_eq!((orbit.positions.len(), orbit.runs.len()), (4, 4));
    assert!(orbit.runs.iter().all(|r| r.luma_errors.len() == 4 && r.unfilled == 0));
    let [own, known, plain, _] = orbit.runs.as_slice() else { panic!("four runs") };
    assert!(own.mean_db > plain.mean_db && known.mean_db > plain.mean_db, "worse than a plain warp");
    let robustness = report.robustness.as_ref().unwrap();
    let curve = |unit: &str| robustness.curves.iter().find(|c| c.unit == unit).unwrap();
    assert!(curve("px").cost_db(2.0).0 > 0.3, "two px of error cost nothing: {:?}", curve("px").points);
    assert!(curve("EV").cost_db(1.0).0 > 0.3, "a stop costs nothing, without the gains: {:?}", curve("EV").points);
    let (own_gaps, others) = robustness.dead_cost_db();
    assert!(own_gaps > others, "a dead camera costs {own_gaps} dB in its gaps, {others} dB elsewhere");

    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("plain warp"));
    for file in ["scores.json", "pictures/venue-orbit.svg", "pictures/venue-calibration.svg"] {
        assert!(out.join(file).is_file(), "no {file}");
    }
    // A report of this bench is replaced; the other bench leaves it alone. A stopped run leaves nothing.
    let stopped = venue::run(&parts, &tiny(), &gpu, &out, &mut |p| p.share < 0.05, &mut |_, _| {}).unwrap_err();
    assert!(matches!(stopped, BenchError::Cancelled { done: 0, of: 2, .. }), "{stopped}");
    assert!(!out.exists(), "a stopped run left a folder");
}

#[test]
fn hard_scenes_are_scored_where_they_are() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let scope = Scope { size_px: (160, 90), scenes: vec!["net".to_owned(), "wall".to_owned()], ..Scope::quick() };
    let report = venue::run(&[Part::Scenes], &scope, &gpu, &out, &mut |_| true, &mut |_, _| {}).unwrap();
    println!("{}", report.text());
    let rows = &report.scenes.as_ref().unwrap().rows;
    assert_eq!(rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["net", "wall"]);
    for row in rows {
        assert!(row.region_share > 0.002 && row.region_share < 0.5, "{}: {}", row.name, row.region_share);
        // A picture without depth is wrong, and the score says so, there as well as on the whole.
        let (right, wrong) = (row.oracle, row.cross_fade);
        assert!(right.region_db > wrong.region_db + 1.0 && right.psnr_db > wrong.psnr_db + 1.0, "{row:?}");
    }
    for file in ["scene-net.png", "scene-net-truth.png", "scene-wall-plain-warp.png"] {
        assert!(out.join("pictures").join(file).is_file(), "no {file}");
    }
}

#[test]
fn plates_and_mattes_are_true_and_views_gain_by_them() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let scope = Scope { size_px: (256, 144), ..Scope::quick() };
    let report = venue::run(&[Part::Layers], &scope, &gpu, &out, &mut |_| true, &mut |_, _| {}).unwrap();
    println!("{}", report.text());
    let part = report.layers.as_ref().unwrap();
    assert!(part.plate_db > 33.0 && part.plate_known_share > 0.8, "plates: {} dB, {} known", part.plate_db, part.plate_known_share);
    assert!(part.missed_share < 0.05 && part.false_share < 0.08, "mattes: missed {}, false {}", part.missed_share, part.false_share);
    let [without, with, _] = part.rows.as_slice() else { panic!("three rows") };
    assert!(with.score.band_db > without.score.band_db + 0.7, "around the athlete: {with:?} after {without:?}");
    assert!(with.score.psnr_db > without.score.psnr_db + 0.1, "on the whole: {with:?} after {without:?}");
    for file in ["layers-plate.png", "layers-with-plates.png", "layers-truth.png"] {
        assert!(out.join("pictures").join(file).is_file(), "no {file}");
    }
}

#[test]
fn cameras_a_stop_and_800_kelvin_off_look_alike_and_cost_the_hidden_ones_little() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let scope = Scope { size_px: (240, 135), ..Scope::quick() };
    let report = venue::run(&[Part::Colour], &scope, &gpu, &out, &mut |_| true, &mut |_, _| {}).unwrap();
    println!("{}", report.text());
    let part = report.colour.as_ref().unwrap();
    assert!(part.cameras.iter().all(|c| c.as_it_is > 5.0), "a cast that nobody sees: {:?}", part.cameras);
    assert!(part.worst_delta_e() <= 2.0, "{:?}", part.cameras);
    let cost_db = part.hidden_db.0 - part.hidden_db.1;
    assert!(cost_db <= 0.5, "hidden cameras: {:?}", part.hidden_db);
    assert!(out.join("pictures/colour-cast.png").is_file());
}

#[test]
fn unknown_parts_are_refused_by_name() {
    assert!(matches!(Part::only(&["unicorn".to_owned()]), Err(BenchError::NoSuchPart { .. })));
}
