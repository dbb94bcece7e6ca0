//! Scene and view together, on real pictures: what a view must be, and that a wrong one is told from a right one.
//! Needs `VOLTE_DATA` (else `../shared/data`). Small pictures: the software adapter does it in a minute or two.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use glam::{DMat3, DQuat, DVec3};
use volte::{
    frame::{
        Picture,
        metrics::{self, psnr_db},
    },
    geometry::Pose,
    gpu::{Gpu, GpuOptions},
    replay::trim::{Trim, TrimEdit, TrimList},
    rig::{self, Camera, Rig},
    scene::{ByHand, Match, Matching, Scene, SceneError, SceneOptions, SceneSolver},
    venue::{Faults, OpticFaults},
    view::{ViewError, ViewMode, ViewSynthesizer},
};

mod support {
    pub mod data;
}
use support::data::data;

/// The named cameras of a set with their pictures, scaled to `width_px`.
fn cameras_of(set: &str, names: &[&str], width_px: u32) -> (Rig, Vec<Picture>) {
    let file = if set == "dinoSR16" { "dinoSR_par.txt" } else { "transforms.json" };
    let rig = rig::load(&data(set).join(file)).unwrap();
    let keep: Vec<usize> =
        names.iter().map(|n| rig.index_of(n).unwrap_or_else(|| panic!("{set} has no camera {n}: {:?}", rig.cameras[0].name))).collect();
    let matched = rig::pictures::match_rig(&rig.restricted_to(&keep), &data(set).join("images")).unwrap();
    let mut rig = matched.rig;
    let pictures = rig
        .cameras
        .iter_mut()
        .zip(&matched.paths)
        .map(|(camera, path)| {
            let picture = Picture::load(path).unwrap();
            let height_px = (picture.height() * width_px).div_ceil(picture.width());
            *camera = camera.scaled_to(width_px, height_px);
            picture.resized(width_px, height_px)
        })
        .collect();
    (rig, pictures)
}

/// Neighbours of the walk, 6° apart.
fn walk(cameras: std::ops::Range<usize>, width_px: u32) -> (Rig, Vec<Picture>) {
    let mut names: Vec<String> = rig::load(&data("walk/transforms.json")).unwrap().cameras.into_iter().map(|c| c.name).collect();
    names.sort();
    let names: Vec<&str> = names[cameras].iter().map(String::as_str).collect();
    cameras_of("walk", &names, width_px)
}

struct Studio {
    gpu: Gpu,
    solver: SceneSolver,
    synthesizer: ViewSynthesizer,
}

impl Studio {
    fn open() -> Self {
        let gpu = Gpu::open(&GpuOptions::default()).unwrap();
        Self { solver: SceneSolver::new(&gpu).unwrap(), synthesizer: ViewSynthesizer::new(&gpu).unwrap(), gpu }
    }

    fn solve(&mut self, rig: &Rig, pictures: &[Picture], depth_size_px: u32) -> Scene {
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let options = SceneOptions { max_depth_size_px: Some(depth_size_px), ..SceneOptions::default() };
        self.solver.solve(rig, &pictures, &options, &mut |_| true).unwrap()
    }

    fn view(&mut self, scene: &Scene, target: &Camera, mode: ViewMode) -> Picture {
        self.synthesizer.render(scene, target, mode).unwrap().read(&self.gpu).unwrap()
    }

    /// Hides camera `held`, synthesizes it from the rest, and scores it, dB.
    fn score_of_hidden(&mut self, rig: &Rig, pictures: &[Picture], held: usize, modes: &[ViewMode]) -> Vec<f64> {
        let rest: Vec<usize> = (0..rig.cameras.len()).filter(|&i| i != held).collect();
        let inputs: Vec<Picture> = rest.iter().map(|&i| pictures[i].clone()).collect();
        let scene = self.solve(&rig.restricted_to(&rest), &inputs, pictures[0].width().max(pictures[0].height()));
        // The target is where the rig says that the hidden camera stands.
        modes.iter().map(|&m| psnr_db(&pictures[held], &self.view(&scene, &rig.cameras[held], m), None).unwrap()).collect()
    }
}

/// The camera turned about its own vertical axis, where it stands.
fn turned(camera: &Camera, angle_deg: f64) -> Camera {
    let turn = DMat3::from_quat(DQuat::from_rotation_y(angle_deg.to_radians()));
    let own = camera.camera_from_world;
    Camera { camera_from_world: Pose { rotation: turn * own.rotation, translation: turn * own.translation }, ..camera.clone() }
}

#[test]
fn at_a_physical_camera_the_view_is_its_picture() {
    let mut studio = Studio::open();
    let fox: Vec<String> = std::fs::read_to_string(data("fox/arc.txt")).unwrap().split_whitespace().map(str::to_owned).collect();
    let fox: Vec<&str> = fox[6..9].iter().map(|name| name.rsplit('/').next().unwrap().trim_end_matches(".jpg")).collect();
    for (what, (rig, pictures)) in [("walk", walk(4..8, 320)), ("fox, a distorted lens", cameras_of("fox", &fox, 180))] {
        assert_eq!(rig.cameras[0].lens.distortion.is_none(), what == "walk", "{what}: the case that this was chosen for");
        let scene = studio.solve(&rig, &pictures, 160);
        for (camera, picture) in rig.cameras.iter().zip(&pictures) {
            let view = studio.view(&scene, camera, ViewMode::Synthesis);
            let db = psnr_db(picture, &view, None).unwrap();
            println!("{what}: {} {db:.2} dB", camera.name);
            assert!(db >= 45.0, "{what}: the view at {} is not its picture: {db:.2} dB", camera.name);
        }
        // The measure tells one camera's picture from the next one's.
        let other = studio.view(&scene, &rig.cameras[1], ViewMode::Synthesis);
        assert!(psnr_db(&pictures[0], &other, None).unwrap() < 35.0, "{what}: the wrong camera's view passes");
    }
}

/// The picture as a camera with another exposure gives it, in linear light.
fn exposed(picture: &Picture, stops: f64) -> Picture {
    let table: Vec<u8> = (0..256)
        .map(|v| {
            let v = f64::from(v) / 255.0;
            let linear = if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
            let l = (linear * stops.exp2()).min(1.0);
            let v = if l <= 0.003_130_8 { l * 12.92 } else { 1.055 * l.powf(1.0 / 2.4) - 0.055 };
            (v * 255.0).round() as u8
        })
        .collect();
    let mut out = picture.clone();
    for px in out.rgba_mut().chunks_exact_mut(4) {
        px[..3].iter_mut().for_each(|v| *v = table[usize::from(*v)]);
    }
    out
}

#[test]
fn cameras_of_different_exposure_are_matched() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(3..8, 320);
    // The hidden camera stands between a darker and a brighter one.
    let stops = [-0.5, -0.5, 0.0, 0.5, 0.5];
    let rest = [0, 1, 3, 4];
    let inputs: Vec<Picture> = rest.iter().map(|&i| exposed(&pictures[i], stops[i])).collect();
    let inputs_rig = rig.restricted_to(&rest);
    let mut scene = studio.solve(&inputs_rig, &inputs, 320);
    println!("{:.2?}", scene.exposures);
    for (found, &i) in scene.exposures.iter().zip(&rest) {
        assert!(found.iter().all(|e| (f64::from(*e) - stops[i]).abs() < 0.1), "{found:?} for {}", stops[i]);
    }
    let score = |studio: &mut Studio, scene: &Scene| {
        psnr_db(&pictures[2], &studio.view(scene, &rig.cameras[2], ViewMode::Synthesis), None).unwrap()
    };
    let matched = score(&mut studio, &scene);
    // At a camera the view still is that camera's own picture, with its exposure.
    let own = psnr_db(&inputs[1], &studio.view(&scene, &inputs_rig.cameras[1], ViewMode::Synthesis), None).unwrap();
    scene.exposures.fill([0.0; 3]);
    scene.set_match(Match { level: Matching::Glide, shading: false }, vec![]);
    let as_they_are = score(&mut studio, &scene);
    println!("matched {matched:.2} dB, as they are {as_they_are:.2} dB, at a camera {own:.2} dB");
    assert!(matched > as_they_are + 1.0 && own >= 45.0);
}

#[test]
fn dark_rims_and_other_responses_are_matched_and_clean_cameras_are_left_alone() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(3..8, 320);
    let rest = [0, 1, 3, 4];
    let inputs_rig = rig.restricted_to(&rest);
    let of = |faults: &dyn Fn(usize) -> Faults| -> Vec<Picture> {
        let with = |(k, i): (usize, &usize)| {
            let mut picture = pictures[*i].clone();
            faults(k).degrade(&mut picture, 0);
            picture
        };
        rest.iter().enumerate().map(with).collect()
    };
    let clean = studio.solve(&inputs_rig, &of(&|_| Faults::default()), 320);
    println!("clean: {:.3?}", clean.shadings);
    let most = clean.shadings.iter().map(|s| s.corner_stops().abs().max(s.curve[0].abs())).fold(0.0, f32::max);
    let optics = |k: usize| OpticFaults { vignette: 0.45, gamma: if k.is_multiple_of(2) { 1.1 } else { 0.9 }, ..OpticFaults::default() };
    let inputs = of(&|k| Faults { optics: optics(k), ..Faults::default() });
    let mut scene = studio.solve(&inputs_rig, &inputs, 320);
    println!("with rims and responses: {:.3?}", scene.shadings);
    let own = psnr_db(&inputs[1], &studio.view(&scene, &inputs_rig.cameras[1], ViewMode::Synthesis), None).unwrap();
    scene.set_match(Matching::Common.into(), vec![]);
    let score = |studio: &mut Studio, scene: &Scene| {
        psnr_db(&pictures[2], &studio.view(scene, &rig.cameras[2], ViewMode::Synthesis), None).unwrap()
    };
    let matched = score(&mut studio, &scene);
    scene.set_match(Match { level: Matching::Common, shading: false }, vec![]);
    let as_they_are = score(&mut studio, &scene);
    println!("matched {matched:.2} dB, exposures alone {as_they_are:.2} dB, at a camera {own:.2} dB, clean at most {most:.3}");
    assert!(matched > as_they_are + 0.5 && own >= 45.0, "{matched} {as_they_are} {own}");
    assert!(most < 0.12, "clean cameras have no rim and no response of their own");
}

/// Median CIEDE2000 difference between two pictures, over pixels that are neither clipped nor nearly black in either.
fn median_delta_e(a: &Picture, b: &Picture) -> f64 {
    let is_clear = |p: &[u8]| p[..3].iter().all(|v| (8..247).contains(v));
    let lab = |p: &[u8]| volte::color::lab_from_srgb([p[0], p[1], p[2]]);
    let pixels = a.rgba().chunks_exact(4).zip(b.rgba().chunks_exact(4)).step_by(7);
    let mut found: Vec<f64> =
        pixels.filter(|(a, b)| is_clear(a) && is_clear(b)).map(|(a, b)| volte::color::delta_e_2000(lab(a), lab(b))).collect();
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

#[test]
fn at_a_common_level_cameras_of_different_exposure_and_white_look_alike() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(2..8, 320);
    let cast = |ev: f32, kelvin: f32| Faults { exposure_ev: ev, gains: Faults::gains_of_kelvin(6504.0 + kelvin), ..Faults::default() };
    // Every second one is a stop brighter and 800 K bluer, the others a stop darker and 800 K redder.
    let inputs: Vec<Picture> = pictures
        .iter()
        .enumerate()
        .map(|(i, picture)| {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            let mut picture = picture.clone();
            cast(sign, 800.0 * sign).degrade(&mut picture, 0);
            picture
        })
        .collect();
    let mut scene = studio.solve(&rig, &inputs, 320);
    println!("{:.2?}, in the middle {:.2?}", scene.exposures, scene.middle_exposure(true));
    let mut worst = |scene: &Scene, what: &str| {
        let of = |i: usize| median_delta_e(&studio.view(scene, &rig.cameras[i], ViewMode::Synthesis), &pictures[i]);
        let each: Vec<f64> = (0..rig.cameras.len()).map(of).collect();
        println!("{what}: median ΔE2000 at each camera {each:.2?}");
        each.into_iter().fold(0.0, f64::max)
    };
    let as_they_are = worst(&scene, "as they are");
    scene.set_match(Matching::Common.into(), vec![]);
    let matched = worst(&scene, "at a common level");
    assert!(matched <= 2.0 && as_they_are > 5.0, "{matched} {as_they_are}");
}

#[test]
fn a_trimmed_camera_is_brighter_by_what_was_told_and_the_others_are_not() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(2..8, 160);
    let mut scene = studio.solve(&rig, &pictures, 160);
    // How many stops a view is brighter per channel: the middle over clear pixels.
    let stops = |a: &Picture, b: &Picture| -> [f64; 3] {
        std::array::from_fn(|k| {
            let pairs = a
                .rgba()
                .chunks_exact(4)
                .zip(b.rgba().chunks_exact(4))
                .filter(|(a, b)| (30..200).contains(&a[k]) && (30..200).contains(&b[k]));
            let linear = |v: u8| f64::from(volte::color::linear_from_srgb(f32::from(v) / 255.0));
            let mut each: Vec<f64> = pairs.map(|(a, b)| (linear(b[k]) / linear(a[k])).log2()).collect();
            each.sort_by(f64::total_cmp);
            each[each.len() / 2]
        })
    };
    let (own, far) = (rig.cameras[1].clone(), rig.cameras[4].clone());
    let warm = Trim { ev: 0.3, kelvin: 900.0, tint: -0.1, ..Trim::default() };
    let mut list = TrimList::default();
    list.edit(&own.name, &TrimEdit { ev: Some(warm.ev), kelvin: Some(warm.kelvin), tint: Some(warm.tint), ..TrimEdit::default() });
    let by_hand = |list: &TrimList| -> Vec<ByHand> {
        let of = |t: Trim| ByHand { stops: t.stops(), corner_stops: t.vignette, contrast: t.contrast };
        list.of_all(rig.cameras.iter().map(|c| c.name.as_str())).into_iter().map(of).collect()
    };
    let trims = by_hand(&list);
    for matching in Matching::ALL {
        scene.set_match(matching.into(), vec![]);
        let before = [&own, &far].map(|c| studio.view(&scene, c, ViewMode::Synthesis));
        scene.set_match(matching.into(), trims.clone());
        let after = [&own, &far].map(|c| studio.view(&scene, c, ViewMode::Synthesis));
        let seen = stops(&before[0], &after[0]);
        println!("{matching:?}: {seen:.3?} stops, told {:.3?}", warm.stops());
        for (seen, told) in seen.iter().zip(warm.stops()) {
            assert!((seen - f64::from(told)).abs() < 0.05, "{matching:?}: {seen} stops, not {told}");
        }
        assert!(stops(&before[1], &after[1]).iter().all(|s| s.abs() < 0.01), "{matching:?}: another camera has changed");
        // A camera's own picture alone is never changed, and a reset is as if nothing had been.
        let alone = studio.view(&scene, &own, ViewMode::Nearest);
        list.edit(&own.name, &TrimEdit::RESET);
        scene.set_match(matching.into(), by_hand(&list));
        assert_eq!(studio.view(&scene, &own, ViewMode::Nearest).rgba(), alone.rgba());
        assert_eq!(studio.view(&scene, &own, ViewMode::Synthesis).rgba(), before[0].rgba());
        scene.set_match(matching.into(), vec![ByHand::default(); rig.cameras.len()]);
        assert_eq!(studio.view(&scene, &own, ViewMode::Synthesis).rgba(), before[0].rgba());
    }
}

#[test]
fn there_is_no_hole_wherever_the_target_stands() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(4..8, 160);
    let scene = studio.solve(&rig, &pictures, 160);
    let pivot = scene.plan.center_in_world;
    let eye = rig.cameras[1].center_in_world();
    let up = DVec3::Z;
    let at = |eye: DVec3, target: DVec3| Camera { camera_from_world: Pose::look_at(eye, target, up).unwrap(), ..rig.cameras[1].clone() };
    let around = |deg: f64| pivot + DQuat::from_rotation_z(deg.to_radians()) * (eye - pivot);
    let mut rotated_lens = rig.cameras[1].clone();
    rotated_lens.lens.distortion = volte::geometry::Distortion::BrownConrady { k: [-0.2, 0.05, 0.0, 0.0, 0.0, 0.0], p: [0.001, -0.001] };
    let targets = [
        ("between two cameras", at(around(3.0), pivot)),
        ("far outside the arc", at(around(80.0), pivot)),
        ("on the other side", at(around(180.0), pivot)),
        ("behind the cameras", at(pivot + (eye - pivot) * 3.0, pivot)),
        ("near the subject", at(pivot + (eye - pivot) * 0.25, pivot)),
        ("at the pivot, looking out", at(pivot, eye)),
        ("at a camera, turned around", at(eye, eye + (eye - pivot))),
        ("high above", at(pivot + DVec3::new(0.1, 0.0, 8.0), pivot)),
        ("with a distorted lens", rotated_lens),
    ];
    for (what, target) in targets {
        for mode in [ViewMode::Synthesis, ViewMode::CrossFade, ViewMode::Nearest] {
            let view = studio.synthesizer.render(&scene, &target, mode).unwrap();
            let picture = view.read(&studio.gpu).unwrap();
            assert_eq!((picture.width(), picture.height()), (target.width_px, target.height_px));
            let holes = picture.rgba().chunks_exact(4).filter(|p| p[3] != 255).count();
            assert_eq!(holes, 0, "{what}, {mode:?}: {holes} pixels are not opaque");
            // Opaque black would be a hole too: the walk has no large black parts.
            let black = picture.rgba().chunks_exact(4).filter(|p| p[0].max(p[1]).max(p[2]) < 2).count();
            let share = black as f64 / f64::from(picture.width() * picture.height());
            assert!(share < 0.05, "{what}, {mode:?}: {:.1} % of the pixels are black", share * 100.0);
            let weights: f32 = view.report.sources.iter().map(|s| s.1).sum();
            assert!((weights - 1.0).abs() < 1e-3, "{what}, {mode:?}: weights sum to {weights}");
            assert!((0.0..=1.0).contains(&view.report.filled_share) && (0.0..=1.0).contains(&view.report.synthesized_share));
        }
    }
    // A target that is nowhere.
    let mut lost = rig.cameras[1].clone();
    lost.camera_from_world.translation = DVec3::splat(1e9);
    let picture = studio.view(&scene, &lost, ViewMode::Synthesis);
    assert!(picture.rgba().chunks_exact(4).all(|p| p[3] == 255));
}

#[test]
fn synthesis_beats_the_cross_fade_and_a_wrong_rig_is_seen() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(3..8, 400);
    let held = 2;
    let scores = studio.score_of_hidden(&rig, &pictures, held, &[ViewMode::Synthesis, ViewMode::CrossFade, ViewMode::Nearest]);
    println!(
        "hidden {}: synthesis {:.2} dB, cross-fade {:.2} dB, nearest {:.2} dB",
        rig.cameras[held].name, scores[0], scores[1], scores[2]
    );
    assert!(scores[0] >= scores[1] + 3.0, "synthesis {:.2} dB, cross-fade {:.2} dB", scores[0], scores[1]);
    // A neighbour whose pose is 2° wrong.
    let mut wrong = rig.clone();
    wrong.cameras[held - 1] = turned(&rig.cameras[held - 1], 2.0);
    let score = studio.score_of_hidden(&wrong, &pictures, held, &[ViewMode::Synthesis])[0];
    println!("with a neighbour turned by 2°: {score:.2} dB");
    assert!(score < scores[0] - 1.0, "a wrong pose does not show: {score:.2} dB against {:.2} dB", scores[0]);
}

#[test]
fn the_same_moment_gives_the_same_bytes() {
    let (rig, pictures) = walk(4..7, 160);
    let target = Camera { camera_from_world: rig.cameras[1].camera_from_world, ..rig.cameras[0].clone() };
    let run = |studio: &mut Studio| {
        let scene = studio.solve(&rig, &pictures, 160);
        let depths: Vec<Vec<u8>> = (0..3).map(|layer| studio.gpu.read_texture(&scene.depths, layer).unwrap()).collect();
        (depths, studio.view(&scene, &target, ViewMode::Synthesis))
    };
    let mut studio = Studio::open();
    let first = run(&mut studio);
    assert!(first == run(&mut studio), "the second solve differs");
    assert!(first == run(&mut Studio::open()), "another device gives another result");
    let mut dimmed = pictures.clone();
    dimmed[1].rgba_mut().iter_mut().for_each(|v| *v = v.saturating_sub(40));
    let scene = studio.solve(&rig, &dimmed, 160);
    assert!(first.1 != studio.view(&scene, &target, ViewMode::Synthesis), "the comparison sees no difference");
}

#[test]
fn wrong_input_is_a_clear_error() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(4..7, 96);
    let all: Vec<&Picture> = pictures.iter().collect();
    let options = SceneOptions { max_depth_size_px: Some(96), ..SceneOptions::default() };
    let mut refused = |rig: &Rig, pictures: &[&Picture], words: &[&str]| {
        let error = studio.solver.solve(rig, pictures, &options, &mut |_| true).expect_err("was accepted");
        assert!(matches!(error, SceneError::Input(_)), "{error:?}");
        let text = error.to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{text:?} does not say {words:?}");
    };
    refused(&Rig::default(), &[], &["at least one camera"]);
    refused(&rig, &all[..2], &["2 pictures", "3 cameras"]);
    let small = pictures[1].resized(48, 27);
    refused(&rig, &[all[0], &small, all[2]], &[&rig.cameras[1].name, "48×27", "96×54"]);

    // Cancelled at the first word and at the last.
    for limit in [0.0, 0.5, 1.0] {
        let error = studio.solver.solve(&rig, &all, &options, &mut |p| p < limit).expect_err("was not cancelled");
        assert!(matches!(error, SceneError::Cancelled), "{error:?}");
    }
    // It goes on after errors; progress rises to 1.
    let mut seen = Vec::new();
    let mut progress = |p: f32| {
        seen.push(p);
        true
    };
    let scene = studio.solver.solve(&rig, &all, &options, &mut progress).unwrap();
    assert!(seen.windows(2).all(|w| w[0] <= w[1]) && seen.last() == Some(&1.0), "{seen:?}");

    for (width_px, height_px, word) in [(0, 54, "no size"), (1 << 20, 54, "larger")] {
        let target = Camera { width_px, height_px, ..rig.cameras[0].clone() };
        let error = studio.synthesizer.render(&scene, &target, ViewMode::Synthesis).expect_err("was accepted");
        assert!(matches!(&error, ViewError::Input(text) if text.contains(word)), "{error}");
    }
    // One camera alone still gives pictures.
    let scene = studio.solve(&rig.restricted_to(&[0]), &pictures[..1], 96);
    let picture = studio.view(&scene, &rig.cameras[1], ViewMode::Synthesis);
    assert!(picture.rgba().chunks_exact(4).all(|p| p[3] == 255));
    assert!(metrics::ssim(&pictures[0], &studio.view(&scene, &rig.cameras[0], ViewMode::Synthesis)).unwrap() > 0.9);
}

#[test]
fn an_export_can_measure_its_gaps() {
    use volte::{
        engine::{RungReason, export::Moments, gaps},
        frame::{Moment, MomentFrame},
        time::MediaTime,
    };
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let (rig, pictures) = walk(2..8, 200);
    let frame = |(camera, picture): (&Camera, &Picture)| MomentFrame {
        camera: camera.name.clone(),
        picture: std::sync::Arc::new(picture.clone()),
        time: MediaTime::ZERO,
        error_nanos: 0,
        retimed: false,
    };
    // One camera shows something else: its gaps, and only its, must pay for it.
    let moment = |spoiled: Option<usize>| {
        let mut frames: Vec<MomentFrame> = rig.cameras.iter().zip(&pictures).map(frame).collect();
        if let Some(k) = spoiled {
            let mut upside_down = pictures[k].clone();
            upside_down.rgba_mut().reverse();
            upside_down.rgba_mut().chunks_exact_mut(4).for_each(<[u8]>::reverse);
            frames[k].picture = std::sync::Arc::new(upside_down);
        }
        Moments::One(Moment { instant: MediaTime::ZERO, frames, ..Moment::default() })
    };
    let measured = |spoiled| gaps::measured(&gpu, &rig, &mut moment(spoiled), MediaTime::ZERO, &mut |_| true).unwrap();
    let (sound, bad) = (measured(None), measured(Some(2)));
    let dbs = |gaps: &[volte::engine::GapState]| gaps.iter().map(|g| g.score.map_or(f64::NAN, |s| s.db)).collect::<Vec<_>>();
    println!("{:.1?} {:.1?}", dbs(&sound), dbs(&bad));
    assert!(sound.len() == 5 && sound.iter().all(|g| g.why == RungReason::Score), "{sound:?}");
    assert!(dbs(&bad).iter().zip(dbs(&sound)).any(|(b, s)| *b < s - 6.0), "a wrong picture does not show");
    let cancelled = gaps::measured(&gpu, &rig, &mut moment(None), MediaTime::ZERO, &mut |_| false);
    assert!(cancelled.is_err_and(|e| e.to_string().contains("cancelled")));
}

#[test]
fn a_lost_device_is_an_error_and_the_next_one_goes_on() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(4..7, 120);
    let scene = studio.solve(&rig, &pictures, 120);
    let before = studio.view(&scene, &rig.cameras[1], ViewMode::Synthesis);
    let unread = studio.synthesizer.render(&scene, &rig.cameras[0], ViewMode::Synthesis).unwrap();
    // As when a driver is reset: from here on the device does nothing.
    studio.gpu.device.destroy();
    let inputs: Vec<&Picture> = pictures.iter().collect();
    let solve = studio.solver.solve(&rig, &inputs, &SceneOptions::default(), &mut |_| true);
    let told = solve.err().map_or_else(String::new, |e| e.to_string());
    assert!(told.contains("lost") && studio.gpu.is_lost(), "solve: {told:?}");
    let view = studio.synthesizer.render(&scene, &rig.cameras[1], ViewMode::Synthesis);
    let told = view.err().map_or_else(String::new, |e| e.to_string());
    assert!(told.contains("lost"), "view: {told:?}");
    assert!(unread.read(&studio.gpu).is_err() && unread.read_trust(&studio.gpu).is_err());
    drop(scene);
    let mut next = Studio::open();
    let scene = next.solve(&rig, &pictures, 120);
    assert_eq!(next.view(&scene, &rig.cameras[1], ViewMode::Synthesis).rgba(), before.rgba());
}

#[test]
fn where_passes_are_not_waited_for_a_solve_is_given_up_between_its_stages() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let (rig, pictures) = walk(4..7, 160);
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let mut solver = SceneSolver::new(&gpu).unwrap();
    let asked = |solver: &mut SceneSolver, most: usize| {
        let mut asked = Vec::new();
        let solved = solver.solve(&rig, &pictures, &SceneOptions::default(), &mut |share| {
            asked.push(share);
            asked.len() <= most
        });
        (asked, solved.map(drop))
    };
    let (often, _) = asked(&mut solver, usize::MAX);
    let mut solver = solver.asking_rarely();
    let (rarely, solved) = asked(&mut solver, usize::MAX);
    println!("{} times where passes are waited for, else {rarely:?}", often.len());
    assert!(solved.is_ok() && rarely.len() < often.len() / 2 && rarely.windows(2).all(|pair| pair[0] <= pair[1]), "{rarely:?}");
    // Before and after the search at the coarsest level, before each camera, after the check, after each camera's planes, at the end.
    let within = |low: f32, high: f32| rarely.iter().filter(|share| (low..high).contains(*share)).count();
    assert!(within(0.0, 0.149) == 1 && within(0.149, 0.151) == 2 && within(0.151, 0.84) == 2 && within(0.86, 2.0) >= 2, "{rarely:?}");
    for most in [1, 4, rarely.len() - 2] {
        let (told, solved) = asked(&mut solver, most);
        assert!(matches!(solved, Err(SceneError::Cancelled)) && told.len() == most + 1, "{most}: {told:?} {solved:?}");
    }
}

/// No rims, no other exposure: the response alone, which two numbers per camera describe.
#[test]
fn another_response_alone_is_matched() {
    let mut studio = Studio::open();
    let (rig, pictures) = walk(3..8, 320);
    let rest = [0, 1, 3, 4];
    let inputs_rig = rig.restricted_to(&rest);
    let with = |(k, i): (usize, &usize)| {
        let mut picture = pictures[*i].clone();
        let optics = OpticFaults { gamma: if k.is_multiple_of(2) { 1.1 } else { 1.0 }, ..OpticFaults::default() };
        Faults { optics, ..Faults::default() }.degrade(&mut picture, 0);
        picture
    };
    let inputs: Vec<Picture> = rest.iter().enumerate().map(with).collect();
    let mut scene = studio.solve(&inputs_rig, &inputs, 320);
    println!("{:.3?} {:.3?}", scene.exposures, scene.shadings);
    // A gamma of 1.1 adds a tenth of the stops about the middle grey; what all have in common is nobody's.
    let slope = |k: usize| scene.shadings[k].curve[0];
    for (k, beside) in [(0, 1), (2, 1), (2, 3)] {
        assert!((0.06..0.13).contains(&(slope(k) - slope(beside))), "{} {}", slope(k), slope(beside));
    }
    assert!(scene.shadings.iter().all(|s| s.rim_stops == [0.0; 2]), "there are no rims");
    let score = |studio: &mut Studio, scene: &Scene| {
        psnr_db(&pictures[2], &studio.view(scene, &rig.cameras[2], ViewMode::Synthesis), None).unwrap()
    };
    scene.set_match(Matching::Common.into(), vec![]);
    let matched = score(&mut studio, &scene);
    scene.set_match(Match { level: Matching::Common, shading: false }, vec![]);
    let exposures_alone = score(&mut studio, &scene);
    println!("matched {matched:.2} dB, exposures alone {exposures_alone:.2} dB");
    assert!(matched > exposures_alone, "{matched} {exposures_alone}");
}

#[test]
fn before_a_plain_backdrop_the_subject_is_cut_out_and_the_view_is_truer() {
    let mut studio = Studio::open();
    // Black cloth, 22° between neighbours.
    let names: Vec<String> = [5, 6, 7, 8, 9, 10].map(|i| format!("dinoSR{i:04}")).into();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (rig, pictures) = cameras_of("dinoSR16", &names, 320);
    let held = 2;
    let rest: Vec<usize> = (0..6).filter(|&i| i != held).collect();
    let inputs: Vec<&Picture> = rest.iter().map(|&i| &pictures[i]).collect();
    let mut score = |has_plates: bool| {
        let options = SceneOptions { max_depth_size_px: Some(320), has_plates, ..SceneOptions::default() };
        let scene = studio.solver.solve(&rig.restricted_to(&rest), &inputs, &options, &mut |_| true).unwrap();
        assert_eq!(scene.has_plain_backdrop(), !has_plates);
        let view = studio.synthesizer.render(&scene, &rig.cameras[held], ViewMode::Synthesis).unwrap();
        let trust = view.read_trust(&studio.gpu).unwrap();
        let sure = trust.iter().filter(|t| **t >= 1.0).count() as f64 / trust.len() as f64;
        let own = studio.view(&scene, &rig.cameras[1], ViewMode::Synthesis);
        let picture = view.read(&studio.gpu).unwrap();
        (psnr_db(&pictures[held], &picture, None).unwrap(), psnr_db(&pictures[1], &own, None).unwrap(), sure, view.report.filled_share)
    };
    let (found, unaware) = (score(false), score(true));
    println!("{found:?}, without looking for a backdrop {unaware:?}");
    assert!(found.0 > unaware.0 + 1.0, "{:.2} dB, without looking for a backdrop {:.2}", found.0, unaware.0);
    // At a camera the view is that camera's picture, and the cloth, half of the picture, is known to be cloth.
    assert!(found.1 > 45.0 && found.2 > 0.4 && found.3 == 0.0);

    // A hall is none, and nothing changes there.
    let (rig, pictures) = walk(4..7, 200);
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let scenes = [false, true].map(|has_plates| {
        let options = SceneOptions { max_depth_size_px: Some(100), has_plates, ..SceneOptions::default() };
        studio.solver.solve(&rig, &pictures, &options, &mut |_| true).unwrap()
    });
    assert!(scenes.iter().all(|s| s.background.is_none()));
    let [one, other] = scenes.map(|s| s.read_depth(&studio.gpu, 1).unwrap());
    assert_eq!(one, other);
}
