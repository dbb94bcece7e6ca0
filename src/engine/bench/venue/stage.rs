//! What the parts of the bench work with: cameras on an arc, what they see with all truth, and the pipelines.

use crate::{
    engine::{
        bench::{BenchError, Progress},
        orbit::camera_at,
    },
    frame::Picture,
    gpu::Gpu,
    rig::{Camera, Rig},
    scene::{Scene, SceneError, SceneOptions, SceneSolver},
    time::MediaTime,
    venue::{Sensor, Venue, VenueFrame, VenueOptions, VenueRig, landmarks_in_world},
    view::{View, ViewMode, ViewSynthesizer},
};

/// What the steps cost, in solved cameras.
pub const FRAME_COST: f64 = 0.8;
/// See [`FRAME_COST`].
pub const VIEW_COST: f64 = 0.3;

/// Progress over all parts, and the way to stop.
pub struct Steps<'a> {
    /// The part that runs.
    pub part: &'static str,
    /// Its number, and how many there are.
    pub place: (usize, usize),
    /// Done, and in all, in solved cameras.
    pub done: f64,
    /// See `done`.
    pub whole: f64,
    /// Who is told; false stops.
    pub tell: &'a mut dyn FnMut(Progress<'_>) -> bool,
}

impl Steps<'_> {
    /// So much more is done.
    pub fn step(&mut self, cost: f64) -> Result<(), SceneError> {
        self.done += cost;
        if self.at(0.0) { Ok(()) } else { Err(SceneError::Cancelled) }
    }

    /// So much more will be done when this step ends.
    pub fn at(&mut self, ahead: f64) -> bool {
        let share = ((self.done + ahead) / self.whole).min(1.0);
        (self.tell)(Progress { set: self.part, index: self.place.0, sets: self.place.1, share })
    }
}

/// A moment of the venue: cameras, their pictures, their depth.
#[derive(Debug, Clone)]
pub struct Shots {
    /// What the rig file says.
    pub rig: Rig,
    /// What they see.
    pub pictures: Vec<Picture>,
    /// The truth: metres along each camera's z axis, per pixel.
    pub depths_m: Vec<Vec<f32>>,
}

impl Shots {
    /// The same without one camera.
    pub fn without(&self, camera: usize) -> Self {
        let keep: Vec<usize> = (0..self.rig.cameras.len()).filter(|&i| i != camera).collect();
        Self {
            rig: self.rig.restricted_to(&keep),
            pictures: keep.iter().map(|&i| self.pictures[i].clone()).collect(),
            depths_m: keep.iter().map(|&i| self.depths_m[i].clone()).collect(),
        }
    }

    /// The moment with the truth for a solve, each depth multiplied by `factor` (1: as it is).
    pub fn known(&self, gpu: &Gpu, factor: f32) -> Result<Scene, SceneError> {
        let wrong: Vec<Vec<f32>> = self.depths_m.iter().map(|d| d.iter().map(|z| z * factor).collect()).collect();
        let depths: Vec<&[f32]> = wrong.iter().map(Vec::as_slice).collect();
        Scene::with_depth(gpu, &self.rig, &self.pictures.iter().collect::<Vec<_>>(), &depths)
    }
}

/// Venue, solver and synthesizer, kept warm.
#[derive(Debug)]
pub struct Stage {
    /// Where all of it runs.
    pub gpu: Gpu,
    /// The venue.
    pub venue: Venue,
    /// Solves moments.
    pub solver: SceneSolver,
    /// Renders views.
    pub synthesizer: ViewSynthesizer,
    /// What the pictures go through.
    pub sensor: Sensor,
    size_px: (u32, u32),
    drawn: Vec<Drawn>,
}

/// A frame that was drawn, and of what: parts share cameras, and drawing is dear.
#[derive(Debug)]
struct Drawn {
    camera: Camera,
    time: MediaTime,
    options: VenueOptions,
    sensor: Sensor,
    frame: VenueFrame,
}

/// Frames that are kept, the oldest goes first: some 300 MB at the protocol's size.
const KEPT_FRAMES: usize = 256;

impl Stage {
    /// Compiles everything; pictures have this size and go through this sensor.
    pub fn new(gpu: &Gpu, size_px: (u32, u32), sensor: Sensor) -> Result<Self, BenchError> {
        // The finer grid of a sensor needs fewer rays at each of its points.
        let samples = if sensor.fineness > 1 { 2 } else { VenueOptions::default().samples };
        Ok(Self {
            gpu: gpu.clone(),
            venue: Venue::new(gpu, VenueOptions { samples, ..VenueOptions::default() })?,
            solver: SceneSolver::new(gpu)?,
            synthesizer: ViewSynthesizer::new(gpu)?,
            sensor,
            size_px,
            drawn: Vec::new(),
        })
    }

    /// Cameras on an arc, so many degrees apart, as riggers leave them (some centimetres and tenths of a degree off), 6 m from the
    /// athlete; with the known points that a calibration has.
    pub fn rig(&self, cameras: usize, spacing_deg: f64) -> Rig {
        let rig = VenueRig::of_size(self.size_px.0, self.size_px.1).on_arc(cameras, spacing_deg * (cameras - 1) as f64);
        Rig { points_in_world: landmarks_in_world(), ..rig }
    }

    /// When a phase of the action, 0…1, happens.
    pub fn time_of(&self, phase: f32) -> MediaTime {
        MediaTime::from_nanos((self.venue.options().period_nanos as f64 * f64::from(phase)) as i64)
    }

    /// What the cameras of a rig see.
    pub fn shoot(&mut self, rig: &Rig, phase: f32, steps: &mut Steps<'_>) -> Result<Shots, BenchError> {
        let mut shots = Shots { rig: rig.clone(), pictures: Vec::new(), depths_m: Vec::new() };
        for camera in &rig.cameras {
            let frame = self.truth(camera, phase, steps)?;
            shots.pictures.push(frame.picture);
            shots.depths_m.push(frame.depth);
        }
        Ok(shots)
    }

    /// What a camera sees, with depth.
    pub fn truth(&mut self, camera: &Camera, phase: f32, steps: &mut Steps<'_>) -> Result<VenueFrame, BenchError> {
        let (time, options, sensor) = (self.time_of(phase), self.venue.options().clone(), self.sensor);
        let of = |d: &&Drawn| d.camera == *camera && d.time == time && d.options == options && d.sensor == sensor;
        let frame = if let Some(drawn) = self.drawn.iter().find(of) {
            drawn.frame.clone()
        } else {
            let frame = self.venue.expose(camera, time, &sensor)?;
            if self.drawn.len() >= KEPT_FRAMES {
                self.drawn.remove(0);
            }
            self.drawn.push(Drawn { camera: camera.clone(), time, options, sensor, frame: frame.clone() });
            frame
        };
        steps.step(FRAME_COST)?;
        Ok(frame)
    }

    /// Solves a moment.
    pub fn solve(&mut self, shots: &Shots, steps: &mut Steps<'_>) -> Result<Scene, BenchError> {
        let cost = shots.rig.cameras.len() as f64;
        let pictures: Vec<&Picture> = shots.pictures.iter().collect();
        let scene = self.solver.solve(&shots.rig, &pictures, &SceneOptions::default(), &mut |p| steps.at(cost * f64::from(p)))?;
        steps.step(cost)?;
        Ok(scene)
    }

    /// The virtual camera of the product's own paths at a position along the arc, gaps.
    pub fn between(&self, rig: &Rig, position: f64) -> Result<Camera, BenchError> {
        Ok(camera_at(rig, position, self.size_px, None)?)
    }

    /// A view with its picture.
    pub fn view(&mut self, scene: &Scene, target: &Camera, mode: ViewMode, steps: &mut Steps<'_>) -> Result<(View, Picture), BenchError> {
        let view = self.synthesizer.render(scene, target, mode)?;
        let picture = view.read(&self.gpu)?;
        steps.step(if mode.needs_depth() { VIEW_COST } else { 0.1 })?;
        Ok((view, picture))
    }
}
