//! What a solve and a view take of the GPU's memory: the formulas against what the device's allocator counts, the bounds that are
//! promised, and a rig of a hundred cameras.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::sync::atomic::{AtomicBool, Ordering};

use volte::{
    frame::{Picture, metrics::psnr_db},
    gpu::{Gpu, GpuError, GpuOptions},
    rig::{Camera, Rig},
    scene::{Aggregation, Backdrop, Layering, Memory, Quality, SceneOptions, SceneSolver, plate::Plate},
    view::{ViewMemory, ViewMode, ViewSynthesizer},
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::arc_rig;

/// The largest storage buffer that every adapter binds.
const PORTABLE_BINDING_BYTES: u64 = 128 << 20;

fn sized(rig: &Rig, width_px: u32, height_px: u32) -> Rig {
    let cameras = rig.cameras.iter().map(|c| c.scaled_to(width_px, height_px)).collect();
    Rig { cameras, points_in_world: vec![] }
}

/// A wall of soft blobs behind the pivot, seen through a camera: something to match.
fn picture_of(camera: &Camera) -> Picture {
    let mut picture = Picture::filled(camera.width_px, camera.height_px, [0, 0, 0, 255]);
    let world_from_camera = camera.camera_from_world.inverse();
    let width = camera.width_px as usize;
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let at = camera.lens.unproject(glam::DVec2::new((i % width) as f64 + 0.5, (i / width) as f64 + 0.5));
        let eye = camera.center_in_world();
        let ray = world_from_camera.rotation * at;
        // The plane x = −1.
        let hit = eye + ray * ((-1.0 - eye.x) / ray.x);
        for (k, v) in px.iter_mut().take(3).enumerate() {
            let wave = (hit.y * (3.1 + k as f64) + 0.7 * (hit.z * 4.3).sin()).sin() * (hit.z * (5.3 - k as f64) + hit.y).cos();
            *v = (128.0 + 100.0 * wave) as u8;
        }
    }
    picture
}

/// A rig on an arc and what its cameras see.
fn stage(cameras: usize, span_deg: f64, (width_px, height_px): (u32, u32)) -> (Rig, Vec<Picture>) {
    let rig = sized(&arc_rig(cameras, span_deg), width_px, height_px);
    let pictures = rig.cameras.iter().map(picture_of).collect();
    (rig, pictures)
}

/// The most that the device's allocator counts while `work` runs, looked at all the time.
fn peak_bytes<T>(gpu: &Gpu, work: impl FnOnce() -> T) -> (T, u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(gpu.allocated_bytes().unwrap_or(0));
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
            peak
        });
        let value = work();
        done.store(true, Ordering::Relaxed);
        (value, watch.join().unwrap())
    })
}

#[test]
fn the_formulas_say_what_is_allocated() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let Some(before) = gpu.allocated_bytes() else {
        return println!("this adapter does not count its memory");
    };
    let (rig, pictures) = stage(6, 30.0, (640, 360));
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let mut solver = SceneSolver::new(&gpu).unwrap();
    let options = SceneOptions::default();
    let (scene, peak) = peak_bytes(&gpu, || solver.solve(&rig, &pictures, &options, &mut |_| true).unwrap());
    let peak = peak - before;
    gpu.wait().unwrap();
    let memory = Memory::of(&rig, &options);
    let stays = gpu.allocated_bytes().unwrap() - before;
    println!("solve: {peak} of {}, stays: {stays} of {} bytes; {memory:?}", memory.peak_bytes(), memory.scene_bytes);
    let close = |found: u64, said: u64| found as f64 / said as f64;
    assert!((0.85..=1.02).contains(&close(peak, memory.peak_bytes())), "a solve takes {peak}, not {}", memory.peak_bytes());
    assert!((0.95..=1.1).contains(&close(stays, memory.scene_bytes)), "a scene takes {stays}, not {}", memory.scene_bytes);
    assert!((0.999..=1.001).contains(&close(scene.bytes(), memory.scene_bytes)));

    let mut synthesizer = ViewSynthesizer::new(&gpu).unwrap();
    let with_scene = gpu.allocated_bytes().unwrap();
    let (view, view_peak) = peak_bytes(&gpu, || synthesizer.render(&scene, &rig.cameras[2], ViewMode::Synthesis).unwrap());
    let view_bytes = view_peak - with_scene;
    let said = ViewMemory::of((640, 360), 4);
    println!("view: {view_bytes} of {} bytes", said.bytes);
    // This target needs no rays, and nothing was read back: 16 of 59 bytes per pixel.
    assert!((0.65..=1.02).contains(&close(view_bytes, said.bytes)), "a view takes {view_bytes}, not {}", said.bytes);
    // Everything is given back.
    drop((view, synthesizer, scene));
    gpu.wait().unwrap();
    let left = gpu.allocated_bytes().unwrap().saturating_sub(before);
    assert!(left < 1 << 20, "{left} bytes stay allocated");
}

#[test]
fn a_background_takes_what_the_formula_says() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let Some(_) = gpu.allocated_bytes() else {
        return println!("this adapter does not count its memory");
    };
    let size = (320, 180);
    let (rig, pictures) = stage(3, 12.0, size);
    let inputs: Vec<&Picture> = pictures.iter().collect();
    let options = SceneOptions::default();
    let mut solver = SceneSolver::new(&gpu).unwrap();
    let plates = pictures.iter().cloned().map(Plate::given).map(std::sync::Arc::new).collect();
    let backdrop = Backdrop::solve(&mut solver, &rig, plates, &options, &mut |_| true).unwrap();
    let mut scene = solver.solve(&rig, &inputs, &options, &mut |_| true).unwrap();
    let layering = Layering::new(&gpu).unwrap();
    gpu.wait().unwrap();
    let before = (gpu.allocated_bytes().unwrap(), scene.bytes());
    layering.split(&mut scene, &inputs, &backdrop).unwrap();
    gpu.wait().unwrap();
    let said = Memory::background_bytes(&rig, &options);
    let stays = gpu.allocated_bytes().unwrap() - before.0;
    println!("background: {stays} of {said} bytes");
    assert_eq!(scene.bytes() - before.1, said);
    assert!((0.9..=1.3).contains(&(stays as f64 / said as f64)), "a background takes {stays}, not {said}");
    // Where nothing stands before the plates the view is what it was, and at a camera it is that camera's picture.
    let mut synthesizer = ViewSynthesizer::new(&gpu).unwrap();
    let with_scene = gpu.allocated_bytes().unwrap();
    let (view, peak) = peak_bytes(&gpu, || synthesizer.render(&scene, &rig.cameras[1], ViewMode::Synthesis).unwrap());
    let said = ViewMemory::of(size, 3).with_background(size).bytes;
    assert!(peak - with_scene <= said * 11 / 10, "a view takes {}, not {said}", peak - with_scene);
    let db = psnr_db(&pictures[1], &view.read(&gpu).unwrap(), None).unwrap();
    assert!(db >= 45.0, "{db}");
}

#[test]
fn what_is_promised_is_kept() {
    let of = |cameras: usize, size: (u32, u32), options: SceneOptions| {
        let rig = sized(&arc_rig(cameras, 90.0), size.0, size.1);
        let (solve, view) = (Memory::of(&rig, &options), ViewMemory::of(size, 4));
        let all = solve.peak_bytes() + view.bytes;
        println!(
            "{cameras} x {}x{}: {:.2} GB, scene {:.2} GB, binding {:.1} MiB",
            size.0,
            size.1,
            all as f64 / 1e9,
            solve.scene_bytes as f64 / 1e9,
            solve.binding_bytes.max(view.binding_bytes) as f64 / 1_048_576.0
        );
        (all, solve.binding_bytes.max(view.binding_bytes), rig)
    };
    for level in Quality::ALL {
        let (hd, binding, _) = of(16, (1920, 1080), level.scene());
        assert!(hd <= 1_000_000_000 && binding <= PORTABLE_BINDING_BYTES, "{level:?}: {hd} {binding}");
        let (uhd, binding, _) = of(16, (3840, 2160), level.scene());
        assert!(uhd <= 4_000_000_000 && binding <= PORTABLE_BINDING_BYTES, "{level:?}: {uhd} {binding}");
    }
    // A hundred cameras fit into 4 GB with a little less depth; a DCI frame into the portable bindings.
    let (all, _, rig) = of(100, (1920, 1080), SceneOptions::default());
    assert!(all > 4_000_000_000, "there is nothing to fit");
    let fitted = SceneOptions::default().fitted(&rig, 4_000_000_000, u64::MAX);
    let size_px = fitted.max_depth_size_px.unwrap();
    println!("100 cameras: depth of {size_px} px");
    assert!(size_px >= 1500 && Memory::of(&rig, &fitted).peak_bytes() <= 4_000_000_000);
    let dci = sized(&arc_rig(4, 20.0), 4096, 2160);
    assert!(Memory::of(&dci, &SceneOptions::default()).binding_bytes > PORTABLE_BINDING_BYTES);
    let fitted = SceneOptions::default().fitted(&dci, u64::MAX, PORTABLE_BINDING_BYTES);
    assert!(Memory::of(&dci, &fitted).binding_bytes <= PORTABLE_BINDING_BYTES && fitted.max_depth_size_px.unwrap() > 3600, "{fitted:?}");
    // What fits is left as it is, and the impossible ends.
    assert_eq!(Quality::Draft.scene().fitted(&rig, u64::MAX, u64::MAX), Quality::Draft.scene());
    assert!(SceneOptions::default().fitted(&rig, 0, 0).max_depth_size_px.unwrap() <= 160);
}

#[test]
fn a_hundred_cameras_are_solved() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let (rig, pictures) = stage(100, 150.0, (48, 27));
    let inputs: Vec<&Picture> = pictures.iter().collect();
    let scene = SceneSolver::new(&gpu).unwrap().solve(&rig, &inputs, &SceneOptions::default(), &mut |_| true).unwrap();
    assert_eq!((scene.rig.cameras.len(), scene.depths.depth_or_array_layers()), (100, 100));
    let mut synthesizer = ViewSynthesizer::new(&gpu).unwrap();
    for k in [0, 37, 99] {
        let view = synthesizer.render(&scene, &rig.cameras[k], ViewMode::Synthesis).unwrap().read(&gpu).unwrap();
        let own = psnr_db(&pictures[k], &view, None).unwrap();
        let other = psnr_db(&pictures[(k + 50) % 100], &view, None).unwrap();
        println!("camera {k}: {own:.1} dB, another one: {other:.1} dB");
        assert!(own >= 40.0 && other < 25.0, "camera {k}: {own} {other}");
    }
}

#[test]
fn both_ways_of_aggregation_solve_the_same_scene() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let (rig, pictures) = stage(3, 12.0, (120, 68));
    let inputs: Vec<&Picture> = pictures.iter().collect();
    let mut solver = SceneSolver::new(&gpu).unwrap();
    // Barriers cost a processor dearly: a measurement that finds otherwise is none.
    assert!(!gpu.is_software() || solver.aggregation() == Aggregation::ThreadPerLine);
    let mut depths_with = |aggregation| {
        solver.set_aggregation(aggregation);
        let scene = solver.solve(&rig, &inputs, &SceneOptions::default(), &mut |_| true).unwrap();
        (0..3).map(|layer| gpu.read_texture(&scene.depths, layer).unwrap()).collect::<Vec<_>>()
    };
    assert!(depths_with(Aggregation::ThreadPerLine) == depths_with(Aggregation::GroupPerLine), "the depths differ");
}

#[test]
fn memory_that_runs_out_is_an_error_of_its_own() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let error = gpu.exhaust().expect_err("this device has endless memory");
    assert!(matches!(error, GpuError::OutOfMemory { .. }), "{error:?}");
    assert!(error.to_string().contains("Close other programs"), "{error}");
    // The device is as good as before.
    assert!(!gpu.is_lost());
    SceneSolver::new(&gpu).unwrap();
}
