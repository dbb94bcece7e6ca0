//! What the match of 16 cameras takes: exposures, rims and responses, measured on the venue by the solve's own counter.
//!
//! `cargo bench --bench matching`, or with other widths of the pictures: `cargo bench --bench matching -- 1280`.

use anyhow::Context as _;
use volte::{
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    rig::Rig,
    scene::{SceneOptions, SceneSolver},
    time::MediaTime,
    venue::{Faults, OpticFaults, Venue, VenueOptions, VenueRig, landmarks_in_world},
};

const CAMERAS: usize = 16;

fn main() -> anyhow::Result<()> {
    let gpu = Gpu::open(&GpuOptions::default())?;
    let given: Vec<u32> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let widths = if given.is_empty() { vec![480, 960] } else { given };
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 2, ..VenueOptions::default() })?;
    let mut solver = SceneSolver::new(&gpu)?;
    println!("{CAMERAS} cameras 6° apart on {}, every second with dark corners and another response", gpu.info.name);
    for width_px in widths {
        let rig = VenueRig::of_size(width_px, width_px * 9 / 16).on_arc(CAMERAS, 6.0 * (CAMERAS - 1) as f64);
        let rig = Rig { points_in_world: landmarks_in_world(), ..rig };
        let mut pictures = Vec::new();
        for (k, camera) in rig.cameras.iter().enumerate() {
            let mut picture = venue.render_picture(camera, MediaTime::from_secs_f64(0.7))?;
            let optics = OpticFaults { vignette: 0.45, gamma: 1.1, ..OpticFaults::default() };
            if k % 2 == 1 {
                Faults { optics, exposure_ev: 0.5, ..Faults::default() }.degrade(&mut picture, 0);
            }
            pictures.push(picture);
        }
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let begun = std::time::Instant::now();
        let scene = solver.solve(&rig, &pictures, &SceneOptions::default(), &mut |_| true).context("the solve")?;
        let secs = begun.elapsed().as_secs_f64();
        let share = 100.0 * scene.match_secs / secs;
        println!(
            "{width_px} px wide: match {:.2} s of a solve of {secs:.1} s ({share:.1} %), corners {:.2?}",
            scene.match_secs,
            corners(&scene)
        );
        for (stage, secs) in scene.times.iter().filter(|(stage, _)| ["exposures", "shadings"].contains(stage)) {
            println!("    {stage:<10} {:8.1} ms by the adapter's own timestamps", secs * 1e3);
        }
    }
    Ok(())
}

/// Stops that each camera loses in its corners.
fn corners(scene: &volte::scene::Scene) -> Vec<f32> {
    scene.shadings.iter().map(volte::scene::Shading::corner_stops).collect()
}
