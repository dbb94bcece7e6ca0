//! Named test scenes: what is hard for view synthesis, each alone, with the region of the picture that it is about.
//!
//! A scene is a rig around the venue, an instant, perhaps something that is [added to the hall](Dressing), perhaps a shutter that is open
//! long. The region is known from the venue, not from pictures: the pixels whose ray passes through the thing before it meets
//! anything else. A score over it says what one over the whole picture hides.

use glam::{DMat3, DQuat, DVec2, DVec3, Vec3, Vec4Swizzles as _};

use super::layout::{kind, material};
use super::{Dressing, SMASH_PHASE, Sensor, VenueFrame, VenueOptions, VenueRig, dressing, font, landmarks_in_world, world};
use crate::{rig::Camera, rig::Rig};

/// What a scene is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    HighBar,
    Racket,
    Net,
    Hair,
    PlainFloor,
    PlainWall,
    Highlights,
    Swing,
    Overlap,
    Athlete,
}

/// A hard scene.
#[derive(Debug, Clone, PartialEq)]
pub struct HardScene {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is hard in it, in a few words.
    pub about: &'static str,
    /// What is added to the hall.
    pub dressing: Dressing,
    /// The instant, 0…1 of the action.
    pub phase: f32,
    /// How long the shutter is open, nanoseconds; 0: no time at all.
    pub shutter_nanos: i64,
    /// Where the middle of the arc stands, degrees to the right of the athlete's front.
    center_deg: f64,
    /// Horizontal fields of view of the even and of the odd cameras, degrees.
    fov_deg: [f64; 2],
    /// How far the even cameras look too low and the odd ones too high, degrees.
    tilt_deg: f64,
    subject: Subject,
}

const fn scene(name: &'static str, about: &'static str, subject: Subject) -> HardScene {
    HardScene {
        name,
        about,
        dressing: Dressing::None,
        phase: SMASH_PHASE,
        shutter_nanos: 0,
        center_deg: 0.0,
        fov_deg: [56.0, 56.0],
        tilt_deg: 0.0,
        subject,
    }
}

/// All scenes. The first three are one set of pictures.
pub static HARD_SCENES: [HardScene; 11] = [
    scene("bar", "a thin bar: 28 mm of steel, 8 m away", Subject::HighBar),
    scene("racket", "a racket: a thin frame and strings that one looks through", Subject::Racket),
    scene("net", "a net: cords of 4 mm, everything behind shows through", Subject::Net),
    HardScene { dressing: Dressing::LooseHair, ..scene("hair", "loose hair: strands of 4 mm in the air", Subject::Hair) },
    HardScene { center_deg: 150.0, ..scene("floor", "a floor without texture: fresh paint of one colour", Subject::PlainFloor) },
    HardScene { dressing: Dressing::PlainWall, ..scene("wall", "a wall without texture behind the athlete", Subject::PlainWall) },
    HardScene {
        dressing: Dressing::Lacquer,
        ..scene("highlights", "black lacquer: highlights that wander with the viewer", Subject::Highlights)
    },
    HardScene { shutter_nanos: 16_000_000, ..scene("blur", "motion blur: the smash with 1/60 s of shutter", Subject::Swing) },
    HardScene { center_deg: -53.0, ..scene("overlap", "people who hide each other", Subject::Overlap) },
    HardScene {
        fov_deg: [40.0, 40.0],
        tilt_deg: 10.0,
        ..scene("partial", "cameras that see only the upper or the lower half of the athlete, in turn", Subject::Athlete)
    },
    HardScene { fov_deg: [38.0, 72.0], ..scene("lenses", "lenses of 38° and 72° in turn", Subject::Athlete) },
];

impl HardScene {
    /// The scene of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        HARD_SCENES.iter().find(|s| s.name == name)
    }

    /// The names of all, for messages.
    pub fn names() -> String {
        HARD_SCENES.each_ref().map(|s| s.name).join(", ")
    }

    /// The venue's options with what this scene adds.
    #[must_use]
    pub fn options(&self, options: &VenueOptions) -> VenueOptions {
        VenueOptions { dressing: self.dressing, ..options.clone() }
    }

    /// A sensor with this scene's shutter.
    #[must_use]
    pub const fn sensor(&self, sensor: Sensor) -> Sensor {
        Sensor { shutter_nanos: self.shutter_nanos, instants: 7, ..sensor }
    }

    /// How its cameras are placed, but for what differs from camera to camera.
    pub fn place(&self, width_px: u32, height_px: u32) -> VenueRig {
        let fov_rad = 0.5 * (self.fov_deg[0] + self.fov_deg[1]).to_radians();
        VenueRig { fov_rad, center_deg: self.center_deg, ..VenueRig::of_size(width_px, height_px) }
    }

    /// `n` cameras `spacing_deg` apart, as riggers leave them, with the known points of a calibration.
    pub fn rig(&self, width_px: u32, height_px: u32, n: usize, spacing_deg: f64) -> Rig {
        let mut rig = self.place(width_px, height_px).on_arc(n, spacing_deg * n.saturating_sub(1) as f64);
        for (i, camera) in rig.cameras.iter_mut().enumerate() {
            let focal_px = 0.5 * f64::from(width_px) / (0.5 * self.fov_deg[i % 2].to_radians()).tan();
            camera.lens.fx_px = focal_px;
            camera.lens.fy_px = focal_px;
            let tilt = if i % 2 == 0 { self.tilt_deg } else { -self.tilt_deg };
            let turn = DMat3::from_quat(DQuat::from_rotation_x(tilt.to_radians()));
            let pose = &mut camera.camera_from_world;
            (pose.rotation, pose.translation) = (turn * pose.rotation, turn * pose.translation);
        }
        rig.points_in_world = landmarks_in_world();
        rig
    }

    /// The pixels that the scene is about, of what a camera sees in it.
    pub fn region(&self, camera: &Camera, frame: &VenueFrame, options: &VenueOptions) -> Vec<bool> {
        let width = camera.width_px as usize;
        match self.subject {
            Subject::Overlap => overlaps(frame, width),
            subject => {
                let volumes = self.volumes(subject, options);
                let world_from_camera = camera.camera_from_world.rotation.transpose();
                let eye = camera.center_in_world();
                let seen = frame.depth.iter().zip(&frame.matte).enumerate();
                seen.map(|(i, (&z, &matte))| {
                    let px = DVec2::new((i % width) as f64 + 0.5, (i / width) as f64 + 0.5);
                    let ray = camera.lens.unproject(px);
                    let ray = world_from_camera * (ray / ray.z);
                    // People are where the matte is; a volume is only a box around them.
                    let wanted = subject != Subject::Athlete || matte >= 128;
                    wanted && volumes.iter().any(|v| v.met_before(eye, ray, f64::from(z) + SLACK_M))
                })
                .collect()
            }
        }
    }

    /// Where the subject is, in the world.
    fn volumes(&self, subject: Subject, options: &VenueOptions) -> Vec<Volume> {
        let slab = |low: [f64; 3], high: [f64; 3]| vec![Volume::Slab(DVec3::from_array(low), DVec3::from_array(high))];
        let rod = |a: Vec3, b: Vec3, radius: f64| Volume::Rod(a.as_dvec3(), b.as_dvec3(), radius);
        match subject {
            Subject::HighBar => vec![rod(Vec3::new(-1.25, 2.35, 2.45), Vec3::new(1.25, 2.35, 2.45), 0.06)],
            Subject::Racket => strings(self.phase, options).map(|c| rod(c, c, 0.2)).collect(),
            Subject::Net => slab([-4.6, 3.05, 0.05], [4.6, 3.15, 0.98]),
            Subject::Hair => {
                let (joints, scale) = world::athlete_at(self.phase);
                let rods = dressing::strands(&joints, scale);
                rods.iter().flat_map(|[a, b, c]| [rod(*a, *b, 0.02), rod(*b, *c, 0.02)]).collect()
            }
            Subject::PlainFloor => slab([1.1, -3.3, -0.01], [4.3, -1.2, 0.01]),
            Subject::PlainWall => {
                let (center, half) = (dressing::WALL.0.as_dvec3(), dressing::WALL.1.as_dvec3());
                vec![Volume::Slab(center - half, center + half)]
            }
            Subject::Highlights => dressing::BALLS.iter().map(|(c, r)| rod(*c, *c, f64::from(*r) + 0.02)).collect(),
            Subject::Swing => {
                let half = self.shutter_nanos as f32 * 0.5e-9 / options.period_secs();
                let phases = [-half, 0.0, half].map(|d| self.phase + d);
                phases.iter().flat_map(|p| strings(*p, options).map(|c| rod(c, c, 0.22)).collect::<Vec<_>>()).collect()
            }
            Subject::Overlap => Vec::new(),
            Subject::Athlete => slab([-0.85, -0.45, 0.02], [0.75, 0.95, 3.2]),
        }
    }
}

/// A surface so close behind the entry into a volume is in it, metres.
const SLACK_M: f64 = 0.05;
/// Half width of the band around the border between two people, px at a picture width of 480.
const OVERLAP_PX: usize = 5;

/// The middle of the racket's strings at a phase.
fn strings(phase: f32, options: &VenueOptions) -> impl Iterator<Item = Vec3> {
    let (_, messages) = font::packed();
    let parts = world::at_phase(phase.rem_euclid(1.0), options.period_secs(), &messages, Dressing::None);
    parts.prims.into_iter().filter(|p| p.what[0] == kind::MESH && p.what[1] == material::CORD && p.origin.w > 0.5).map(|p| p.a.xyz())
}

/// The pixels around the border between two people who hide each other: both sides are people, their depths differ by more than 4 %.
fn overlaps(frame: &VenueFrame, width: usize) -> Vec<bool> {
    let (depth, matte) = (&frame.depth, &frame.matte);
    let height = depth.len() / width.max(1);
    let radius = (OVERLAP_PX * width / 480).max(1);
    let mut out = vec![false; depth.len()];
    let jump = |i: usize, k: usize| matte[i] >= 128 && matte[k] >= 128 && depth[i].max(depth[k]) > depth[i].min(depth[k]) * 1.04;
    for i in 0..depth.len() {
        let (x, y) = (i % width, i / width);
        if (x + 1 < width && jump(i, i + 1)) || (y + 1 < height && jump(i, i + width)) {
            for v in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                out[v * width + x.saturating_sub(radius)..v * width + (x + radius + 1).min(width)].fill(true);
            }
        }
    }
    out
}

/// A piece of the world.
#[derive(Debug, Clone, Copy)]
enum Volume {
    /// All between two corners.
    Slab(DVec3, DVec3),
    /// All that is so near to the line between two points; they may be one.
    Rod(DVec3, DVec3, f64),
}

impl Volume {
    /// Whether the ray `eye + t·ray` is in it at some t in 0…`end`.
    fn met_before(&self, eye: DVec3, ray: DVec3, end: f64) -> bool {
        match *self {
            Self::Slab(low, high) => {
                let (a, b) = ((low - eye) / ray, (high - eye) / ray);
                let (enter, leave) = (a.min(b).max_element().max(0.0), a.max(b).min_element());
                enter <= leave && enter <= end
            }
            Self::Rod(a, b, radius) => {
                // Nearest points of a line and a piece of a line.
                let (along, from) = (b - a, a - eye);
                let (rr, ra, aa) = (ray.dot(ray), ray.dot(along), along.dot(along));
                let det = rr * aa - ra * ra;
                let s = if det > 1e-12 { ((ra * ray.dot(from) - rr * along.dot(from)) / det).clamp(0.0, 1.0) } else { 0.0 };
                let near = from + along * s;
                let t = near.dot(ray) / rr;
                t > 0.0 && t - radius <= end && (near - ray * t).length() <= radius
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_meet_volumes_that_nothing_hides() {
        let eye = DVec3::new(0.0, -6.0, 1.0);
        let to = |x: f64, y: f64, z: f64| DVec3::new(x, y, z) - eye;
        let bar = Volume::Rod(DVec3::new(-1.0, 2.0, 2.0), DVec3::new(1.0, 2.0, 2.0), 0.05);
        assert!(bar.met_before(eye, to(0.3, 2.0, 2.02), 1.1) && bar.met_before(eye, to(1.02, 2.0, 2.0), 1.1));
        assert!(!bar.met_before(eye, to(0.3, 2.0, 2.1), 1.1) && !bar.met_before(eye, to(1.2, 2.0, 2.0), 1.1));
        assert!(!bar.met_before(eye, to(0.3, 2.0, 2.02), 0.5), "hidden by something nearer");
        let ball = Volume::Rod(DVec3::ZERO, DVec3::ZERO, 0.5);
        assert!(ball.met_before(eye, to(0.0, 0.0, 0.4), 2.0) && !ball.met_before(eye, to(0.0, 0.0, 0.7), 2.0));
        let net = Volume::Slab(DVec3::new(-1.0, 2.0, 0.0), DVec3::new(1.0, 2.1, 1.0));
        assert!(net.met_before(eye, to(0.0, 2.0, 0.5), 1.0) && !net.met_before(eye, to(0.0, 2.0, 1.5), 1.0));
        assert!(!net.met_before(eye, -to(0.0, 2.0, 0.5), 1.0), "behind the camera");
    }

    #[test]
    fn scenes_have_names_and_rigs_of_their_own() {
        assert_eq!(HardScene::find("net").map(|s| s.name), Some("net"));
        assert!(HardScene::find("unicorn").is_none() && HardScene::names().contains("bar, racket"));
        let lenses = HardScene::find("lenses").unwrap().rig(480, 270, 4, 6.0);
        assert!(lenses.cameras[0].lens.fx_px > 1.8 * lenses.cameras[1].lens.fx_px);
        let partial = HardScene::find("partial").unwrap().rig(480, 270, 4, 6.0);
        let up = |i: usize| partial.cameras[i].camera_from_world.rotation.row(2).z;
        assert!(up(0) < -0.1 && up(1) > 0.1, "{} {}", up(0), up(1));
        let overlap = HardScene::find("overlap").unwrap().rig(480, 270, 1, 6.0).cameras[0].center_in_world();
        assert!(overlap.x < -4.0 && overlap.y < -3.0, "{overlap}");
    }
}
