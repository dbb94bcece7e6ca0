//! Plates for an export: learned from the footage's own past, or given as pictures of the empty stage.
//!
//! Must not know: windows, command lines, how a plate is made or used on the GPU.

use std::{path::Path, sync::Arc};

use super::export::{ExportError, MomentSource};
use crate::{
    frame::{Moment, Picture},
    gpu::Gpu,
    output::OutputError,
    rig::{Rig, pictures::match_rig},
    scene::{
        Backdrop, Layering, Scene, SceneError, SceneOptions, SceneSolver,
        plate::{LEAST_SAMPLES, Plate},
    },
    time::MediaTime,
};

/// Frames of each camera that a plate is learned from.
const SAMPLES: usize = 9;
/// All samples together are held at once: this much memory at most, else there are fewer of them.
const MOST_BYTES: u64 = 1_500_000_000;
/// A plate of which less is known belongs to a camera that moves, or to a crowd.
pub(super) const LEAST_KNOWN: f64 = 0.5;
/// Shorter footage is not looked at unasked: who is there stands still for too much of it.
const LONG_ENOUGH_NANOS: i64 = 4_000_000_000;

/// A camera's name and its plate.
pub type NamedPlate = (String, Arc<Plate>);

/// Whether footage of this length tells what moves, so that plates may be learned from it unasked.
pub const fn is_long_enough(from: MediaTime, until: MediaTime) -> bool {
    until.nanos() - from.nanos() >= LONG_ENOUGH_NANOS
}

/// Plates of the cameras, from frames spread over `from`…`until`. A camera with too few frames, or that moves, has none. `go_on` is asked
/// before every instant.
pub fn learned(
    source: &mut dyn MomentSource,
    rig: &Rig,
    (from, until): (MediaTime, MediaTime),
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<NamedPlate>, ExportError> {
    let length = (until - from).max(0);
    let mut moments: Vec<Moment> = Vec::new();
    let mut n = SAMPLES as i64;
    let mut k = 0;
    while k < n {
        if !go_on() {
            return Err(OutputError::Cancelled.into());
        }
        let instant = from.plus_nanos(length * (2 * k + 1) / (2 * n));
        let moment = source.moment_at(instant).map_err(|problem| ExportError::Moment { instant, problem })?;
        let bytes: u64 = moment.frames.iter().map(|f| f.picture.rgba().len() as u64).sum();
        if k == 0 {
            let most = (MOST_BYTES / bytes.max(1)).min(SAMPLES as u64) as usize;
            if most < LEAST_SAMPLES {
                tracing::warn!("no plates: {LEAST_SAMPLES} moments of this footage take more than {MOST_BYTES} bytes");
                return Ok(Vec::new());
            }
            // The first then stands a little early, which does no harm.
            n = most as i64;
        }
        moments.push(moment);
        k += 1;
    }
    let mut plates = Vec::new();
    for camera in &rig.cameras {
        let samples: Vec<&Picture> =
            moments.iter().filter_map(|m| Some(m.frames.iter().find(|f| f.camera == camera.name)?.picture.as_ref())).collect();
        match Plate::of(&samples) {
            Ok(plate) if plate.known_share() >= LEAST_KNOWN => plates.push((camera.name.clone(), Arc::new(plate))),
            Ok(plate) => {
                let known = plate.known_share() * 100.0;
                tracing::warn!(camera = %camera.name, "no plate: only {known:.0} % of its picture stands still. Does the camera move?");
            }
            Err(why) => tracing::warn!(camera = %camera.name, %why, "no plate"),
        }
    }
    Ok(plates)
}

/// Plates from a folder with a picture of the empty stage for every camera, named like the cameras.
pub fn given(rig: &Rig, folder: &Path) -> Result<Vec<NamedPlate>, ExportError> {
    let matched = match_rig(rig, folder)?;
    let load = |(camera, path): (&crate::rig::Camera, &std::path::PathBuf)| -> Result<NamedPlate, ExportError> {
        Ok((camera.name.clone(), Arc::new(Plate::given(Picture::load(path)?))))
    };
    matched.rig.cameras.iter().zip(&matched.paths).map(load).collect()
}

/// Solved plates, and what takes moments apart by them.
#[derive(Debug)]
pub(super) struct Layers {
    layering: Layering,
    backdrop: Backdrop,
}

impl Layers {
    /// Solves the plates of those cameras of `rig` that have one of their size; `None` when those are fewer than two.
    pub fn of(
        gpu: &Gpu,
        solver: &mut SceneSolver,
        rig: &Rig,
        plates: &[NamedPlate],
        options: &SceneOptions,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Option<Self>, SceneError> {
        let (mut keep, mut fitting) = (Vec::new(), Vec::new());
        for (i, camera) in rig.cameras.iter().enumerate() {
            if let Some((name, plate)) = plates.iter().find(|(name, _)| *name == camera.name) {
                let size = (plate.picture.width(), plate.picture.height());
                if size == (camera.width_px, camera.height_px) {
                    keep.push(i);
                    fitting.push(Arc::clone(plate));
                } else {
                    tracing::warn!(camera = %name, "its plate has {}×{} px, its pictures {}×{}: not used", size.0, size.1, camera.width_px, camera.height_px);
                }
            }
        }
        if keep.len() < 2 {
            return Ok(None);
        }
        let backdrop = Backdrop::solve(solver, &rig.restricted_to(&keep), fitting, options, progress)?;
        Ok(Some(Self { layering: Layering::new(gpu)?, backdrop }))
    }

    /// Takes a moment apart; left as it is where none of its cameras has a plate.
    pub fn split(&self, scene: &mut Scene, pictures: &[&Picture]) -> Result<(), SceneError> {
        if scene.rig.cameras.iter().any(|c| self.backdrop.rig().cameras.contains(c)) {
            self.layering.split(scene, pictures, &self.backdrop)?;
        }
        Ok(())
    }

    /// The same, asking before every camera whether to go on.
    pub fn split_while(&self, scene: &mut Scene, pictures: &[&Picture], go_on: &mut dyn FnMut() -> bool) -> Result<(), SceneError> {
        self.layering.split_while(scene, pictures, &self.backdrop, go_on)
    }

    /// What takes moments apart.
    pub const fn layering(&self) -> &Layering {
        &self.layering
    }

    /// GPU memory that they hold, bytes.
    pub fn bytes(&self) -> u64 {
        self.backdrop.bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        frame::MomentFrame,
        geometry::{Lens, Pose},
        rig::Camera,
    };

    /// A texture of much contrast, without repetition.
    fn wall(x: usize, y: usize) -> u8 {
        ((x as u32 * 73 + y as u32 * 1031).wrapping_mul(2_654_435_761) >> 13) as u8 % 240
    }

    /// A grey stage on which a white block walks; the second camera is held by hand.
    struct Walk;

    impl MomentSource for Walk {
        fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
            let step = (instant.nanos() / 100_000_000) as usize;
            let frame = |camera: &str, shake: usize| {
                let value = |i: usize| {
                    let (x, y) = (i % 64, i / 64);
                    if x / 6 == step % 10 && y > 12 { 250 } else { wall(x + shake * step, y) }
                };
                let rgba = (0..64 * 32).flat_map(|i| [value(i), value(i), value(i), 255]).collect();
                let picture = Arc::new(Picture::from_rgba(64, 32, rgba).unwrap());
                MomentFrame { camera: camera.to_owned(), picture, time: instant, error_nanos: 0, retimed: false }
            };
            Ok(Moment { instant, frames: vec![frame("a", 0), frame("b", 3)], ..Moment::default() })
        }
    }

    #[test]
    fn a_still_camera_has_a_plate_and_a_moving_one_has_none() {
        let camera = |name: &str| Camera {
            name: name.to_owned(),
            width_px: 64,
            height_px: 32,
            lens: Lens::pinhole(60.0, 60.0, 32.0, 16.0),
            camera_from_world: Pose::look_at(glam::DVec3::X, glam::DVec3::ZERO, glam::DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        };
        let rig = Rig { cameras: vec![camera("a"), camera("b"), camera("absent")], points_in_world: vec![] };
        let until = MediaTime::ZERO.plus_nanos(5_000_000_000);
        assert!(is_long_enough(MediaTime::ZERO, until) && !is_long_enough(until, until.plus_nanos(1_600_000_000)));
        let plates = learned(&mut Walk, &rig, (MediaTime::ZERO, until), &mut || true).unwrap();
        assert_eq!(plates.iter().map(|p| p.0.as_str()).collect::<Vec<_>>(), ["a"]);
        let wrong = plates[0].1.picture.rgba().chunks_exact(4).enumerate().filter(|(i, p)| p[0] != wall(i % 64, i / 64));
        assert!(wrong.count() < 20);
        let stopped = learned(&mut Walk, &rig, (MediaTime::ZERO, until), &mut || false).unwrap_err();
        assert!(stopped.is_cancelled());
    }
}
