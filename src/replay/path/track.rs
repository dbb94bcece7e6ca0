//! A path laid along a rig: the virtual camera for any time.
//!
//! The virtual camera's centre, its turn relative to "looking at the centre", and its lens are each a C¹ curve through
//! the physical cameras' values, so at a physical camera the virtual one *is* that camera. Between cameras the centre
//! is interpolated in cylinder coordinates about the arc's axis, which keeps the distance even across wide gaps.

use glam::{DMat3, DQuat, DVec2, DVec3};

use super::{Path, PathError, Station, crop::shift_px, curve::KeyCurve, spline::Spline};
use crate::{
    geometry::{Distortion, Lens, Pose},
    rig::{Arc, Camera, Rig},
    time::MediaTime,
};

/// One point of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathSample {
    /// The instant to show.
    pub instant: MediaTime,
    /// The virtual camera, in output pixels.
    pub camera: Camera,
    /// Fractional index in the arc's order; grows beyond the camera count with every turn of a ring.
    pub position: f64,
    /// Zoom factor (already in the camera's lens).
    pub zoom: f64,
}

/// Azimuth, radius, height; turn x y z w; ln fx, ln fy, cx, cy; distortion; size of the whole picture in output pixels.
const CHANNELS: usize = 21;
const TURN: usize = 3;
const LENS: usize = 7;
const DISTORTION: usize = 11;
const SIZE: usize = 19;

/// Which distortion the virtual lens has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DistortionKind {
    None,
    BrownConrady,
    Fisheye,
}

/// A path laid along a rig, for one output size.
#[derive(Debug, Clone)]
pub struct Track {
    path: Path,
    mark: MediaTime,
    width_px: u32,
    height_px: u32,
    arc: Arc,
    x_axis: DVec3,
    y_axis: DVec3,
    /// Angle along the arc of camera k of the order (and of the first camera after one turn of a closed ring).
    sigma_rad: Vec<f64>,
    curve: Spline<CHANNELS>,
    kind: DistortionKind,
    /// Stabilized: focal length in output pixels over the distance to the pivot in metres, safety crop included.
    focal_px_per_m: f64,
    /// The frame is shifted inside the cameras' pictures so that the pivot is in its middle.
    follows: bool,
    keyed: KeyCurve<KEY_CHANNELS>,
}

/// Angle along the arc, instant, ln zoom, height, roll, pivot.
/// A dolly ends at this share of the way to the pivot.
const FARTHEST_IN: f64 = 0.9;
const KEY_CHANNELS: usize = 9;
type KeyChannels = [f64; KEY_CHANNELS];

impl Track {
    /// Lays `path` along the cameras of `rig`; `mark` is the instant that the path's times count from. The output is
    /// cropped, never letterboxed.
    pub fn new(path: &Path, rig: &Rig, mark: MediaTime, width_px: u32, height_px: u32) -> Result<Self, PathError> {
        path.check()?;
        let arc = Arc::fit(rig)?;
        let cameras: Vec<&Camera> = arc.order.iter().map(|&i| &rig.cameras[i]).collect();
        let n = cameras.len();
        let centers: Vec<DVec3> = cameras.iter().map(|c| c.center_in_world() - arc.center_in_world).collect();
        let up = arc.up_in_world;
        let flat = centers[0] - up * centers[0].dot(up);
        let x_axis = flat.try_normalize().unwrap_or_else(|| up.any_orthonormal_vector());
        let y_axis = up.cross(x_axis);

        let mut sigma_rad = vec![0.0];
        for k in 0..arc.gap_count() {
            // Two cameras in one place would stop the curve: keep knots apart.
            sigma_rad.push(sigma_rad[k] + arc.gap_rad(rig, k).max(1e-6));
        }
        let kind = distortion_kind(&cameras);
        let mut track = Self {
            path: path.clone(),
            mark,
            width_px: width_px.max(1),
            height_px: height_px.max(1),
            x_axis,
            y_axis,
            curve: Spline::new(vec![0.0], vec![[0.0; CHANNELS]]),
            kind,
            focal_px_per_m: 0.0,
            follows: false,
            keyed: KeyCurve::new(&Path { keys: vec![], ..path.clone() }, vec![]),
            sigma_rad,
            arc,
        };
        // A closed ring is unrolled by two cameras on either side, so that slopes at the seam are those of the inside.
        let pad: isize = if track.arc.closed { 2 } else { 0 };
        let period = track.period_rad();
        let (mut knots, mut values) = (vec![], vec![]);
        let mut azimuth_before = f64::NAN;
        let mut turn_before = DQuat::IDENTITY;
        for k in -pad..n as isize + pad {
            let i = k.rem_euclid(n as isize) as usize;
            let c = centers[i];
            let mut azimuth = c.dot(y_axis).atan2(c.dot(x_axis));
            let mut turn = track.turn_of(cameras[i]);
            if !azimuth_before.is_nan() {
                azimuth += ((azimuth_before - azimuth) / std::f64::consts::TAU).round() * std::f64::consts::TAU;
                if turn.dot(turn_before) < 0.0 {
                    turn = -turn;
                }
            }
            (azimuth_before, turn_before) = (azimuth, turn);
            let height = c.dot(up);
            let lens = track.output_lens(cameras[i]);
            let mut v = [0.0; CHANNELS];
            v[..TURN].copy_from_slice(&[azimuth, (c - up * height).length(), height]);
            v[TURN..LENS].copy_from_slice(&turn.to_array());
            v[LENS..DISTORTION].copy_from_slice(&[lens.fx_px.ln(), lens.fy_px.ln(), lens.cx_px, lens.cy_px]);
            match lens.distortion {
                Distortion::BrownConrady { k, p } if kind == DistortionKind::BrownConrady => {
                    v[DISTORTION..DISTORTION + 6].copy_from_slice(&k);
                    v[DISTORTION + 6..SIZE].copy_from_slice(&p);
                }
                Distortion::Fisheye { k } if kind == DistortionKind::Fisheye => v[DISTORTION..DISTORTION + 4].copy_from_slice(&k),
                _ => {}
            }
            v[SIZE..].copy_from_slice(&track.covering(cameras[i]));
            let turns = k.div_euclid(n as isize);
            // An open arc has no period to add (it is infinite).
            knots.push(track.sigma_rad[i] + if turns == 0 { 0.0 } else { turns as f64 * period });
            values.push(v);
        }
        track.curve = Spline::new(knots, values);
        track.resolve_keys(rig)?;
        if path.stabilize {
            track.focal_px_per_m = track.steady_focal(&cameras);
        }
        Ok(track)
    }

    /// The same track with a frame that follows the pivot: it is shifted inside the cameras' pictures, as far as they go, so that the pivot
    /// stands in its middle. For frames of another shape than the cameras' ([`super::Aspect`]), which see only a part of them.
    #[must_use]
    pub fn following(self) -> Self {
        Self { follows: true, ..self }
    }

    /// The arc that the path runs along.
    pub const fn arc(&self) -> &Arc {
        &self.arc
    }

    /// The path.
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// Height above the cameras' curve and how much nearer than it, metres, and roll, degrees, at a time.
    pub fn values(&self, t_secs: f64) -> (f64, f64, f64) {
        let values = self.keyed.at(t_secs);
        (values[3], values[8], values[4].to_degrees())
    }

    /// Where the key frames stand along the arc, fractional indices.
    pub fn key_positions(&self) -> Vec<f64> {
        self.keyed.keys().iter().map(|k| self.position_of(k[0])).collect()
    }

    /// A point in the plane of the arc, metres from its centre: to the right, and up on a plan that has the cameras run counter-clockwise.
    pub fn on_plan(&self, p_in_world: DVec3) -> [f64; 2] {
        let p = p_in_world - self.arc.center_in_world;
        [p.dot(self.x_axis), p.dot(self.y_axis)]
    }

    /// The point of the path at `t_secs` since its start: held before the start and after the end, repeated for a loop.
    pub fn sample(&self, t_secs: f64) -> PathSample {
        let [sigma, instant_secs, ln_zoom, height_m, roll_rad, px, py, pz, dolly_m] = self.keyed.at(t_secs);
        let zoom = ln_zoom.exp();
        let pivot = DVec3::new(px, py, pz);
        let camera = self.followed(self.camera(sigma, zoom, (height_m, dolly_m), roll_rad, pivot), sigma, zoom, pivot);
        PathSample { instant: self.mark.plus_nanos((instant_secs * 1e9).round() as i64), camera, position: self.position_of(sigma), zoom }
    }

    /// The physical camera number `k` of the arc as it sees itself, with the frame that the path has at `t_secs`; for cuts.
    pub fn station(&self, k: usize, t_secs: f64) -> Option<Camera> {
        let sigma = *self.sigma_rad.get(k)?;
        let plain = Self { path: Path { stabilize: false, ..self.path.clone() }, ..self.clone() };
        let values = self.keyed.at(t_secs);
        let camera = plain.camera(sigma, 1.0, (0.0, 0.0), 0.0, self.arc.center_in_world);
        Some(plain.followed(camera, sigma, 1.0, DVec3::new(values[5], values[6], values[7])))
    }

    /// The camera with its frame shifted to the pivot, where the track follows it.
    fn followed(&self, mut camera: Camera, sigma: f64, zoom: f64, pivot: DVec3) -> Camera {
        if self.follows
            && let Some(px) = camera.project(pivot)
        {
            let v = self.curve_at(sigma);
            let (out_w, out_h) = (f64::from(self.width_px), f64::from(self.height_px));
            camera.lens.cx_px += shift_px(out_w * 0.5 - px.x, (v[SIZE] * zoom - out_w) * 0.5);
            camera.lens.cy_px += shift_px(out_h * 0.5 - px.y, (v[SIZE + 1] * zoom - out_h) * 0.5);
        }
        camera
    }

    fn curve_at(&self, sigma: f64) -> [f64; CHANNELS] {
        let period = self.period_rad();
        self.curve.at(if period.is_finite() { sigma.rem_euclid(period) } else { sigma })
    }

    fn period_rad(&self) -> f64 {
        if self.arc.closed { self.sigma_rad[self.sigma_rad.len() - 1] } else { f64::INFINITY }
    }

    /// Angle along the arc of a fractional index.
    fn sigma_of(&self, position: f64) -> Result<f64, PathError> {
        let n = self.arc.order.len();
        let last = n - 1;
        let (turns, inside) = if self.arc.closed {
            ((position / n as f64).floor(), position.rem_euclid(n as f64))
        } else {
            if !(-1e-9..=last as f64 + 1e-9).contains(&position) {
                return Err(PathError::OffTheArc { position, last });
            }
            (0.0, position.clamp(0.0, last as f64))
        };
        let k = (inside.floor() as usize).min(self.sigma_rad.len() - 2);
        let u = inside - k as f64;
        let sigma = self.sigma_rad[k] * (1.0 - u) + self.sigma_rad[k + 1] * u;
        Ok(if self.arc.closed { sigma + turns * self.period_rad() } else { sigma })
    }

    fn position_of(&self, sigma: f64) -> f64 {
        let period = self.period_rad();
        let (turns, inside) = if period.is_finite() { ((sigma / period).floor(), sigma.rem_euclid(period)) } else { (0.0, sigma) };
        let k = self.sigma_rad.partition_point(|s| *s <= inside).clamp(1, self.sigma_rad.len() - 1) - 1;
        let u = ((inside - self.sigma_rad[k]) / (self.sigma_rad[k + 1] - self.sigma_rad[k])).clamp(0.0, 1.0);
        turns * self.arc.order.len() as f64 + k as f64 + u
    }

    fn resolve_keys(&mut self, rig: &Rig) -> Result<(), PathError> {
        let invalid = |problem: &str| Err(PathError::Invalid { name: self.path.name.clone(), problem: problem.to_owned() });
        if self.path.looped && !self.arc.closed {
            return invalid("a loop needs a closed ring of cameras, and these stand on an open arc. Use a bounce");
        }
        let mut keys: Vec<KeyChannels> = vec![];
        for key in &self.path.keys {
            let sigma = match &key.camera {
                Station::Position(p) => self.sigma_of(*p)?,
                Station::Camera(name) => {
                    let k = rig.index_of(name).and_then(|i| self.arc.order.iter().position(|&o| o == i)).ok_or_else(|| {
                        let known = rig.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
                        PathError::UnknownCamera { camera: name.clone(), known }
                    })?;
                    self.sigma_of(k as f64)?
                }
                Station::Angle(a) => {
                    let sigma = a.angle_deg.to_radians();
                    let end = self.sigma_rad[self.sigma_rad.len() - 1];
                    if !self.arc.closed && !(-1e-9..=end + 1e-9).contains(&sigma) {
                        return Err(PathError::OffTheArc { position: self.position_of(sigma), last: self.arc.order.len() - 1 });
                    }
                    sigma
                }
            };
            let pivot = key.pivot_m.map_or(self.arc.center_in_world, DVec3::from_array);
            let roll = key.roll_deg.to_radians();
            keys.push([sigma, key.instant_secs, key.zoom.ln(), key.height_m, roll, pivot.x, pivot.y, pivot.z, key.dolly_m]);
        }
        if self.path.looped {
            let turns = (keys[keys.len() - 1][0] - keys[0][0]) / self.period_rad();
            let rest_differs = (1..KEY_CHANNELS).any(|c| (keys[keys.len() - 1][c] - keys[0][c]).abs() > 1e-9);
            if (turns - turns.round()).abs() > 1e-9 || rest_differs {
                return invalid("a loop must end where, and at the instant at which, it starts");
            }
        }
        self.keyed = KeyCurve::new(&self.path, keys);
        Ok(())
    }

    /// `camera_from_world` rotation as world-from-camera of a camera at `eye` that looks at `pivot`, upright.
    fn look(&self, eye: DVec3, pivot: DVec3) -> DQuat {
        let up = self.arc.up_in_world;
        // Straight above the pivot "upright" has no meaning: take the arc's first direction instead.
        let pose = Pose::look_at(eye, pivot, up).or_else(|| Pose::look_at(eye, pivot, self.x_axis));
        pose.map_or(DQuat::IDENTITY, |p| DQuat::from_mat3(&p.rotation.transpose()))
    }

    /// How a physical camera is turned against looking upright at the arc's centre.
    fn turn_of(&self, camera: &Camera) -> DQuat {
        let world_from_camera = DQuat::from_mat3(&camera.camera_from_world.rotation.transpose()).normalize();
        (self.look(camera.center_in_world(), self.arc.center_in_world).inverse() * world_from_camera).normalize()
    }

    /// Size of a camera's whole picture in output pixels, the frame being the largest part of it that has the output's shape.
    fn covering(&self, camera: &Camera) -> [f64; 2] {
        let (w, h) = (f64::from(camera.width_px.max(1)), f64::from(camera.height_px.max(1)));
        let s = (f64::from(self.width_px) / w).max(f64::from(self.height_px) / h);
        [w * s, h * s]
    }

    /// The camera's lens in output pixels: the largest centred crop of its picture that has the output's aspect.
    fn output_lens(&self, camera: &Camera) -> Lens {
        let (w, h) = (f64::from(camera.width_px.max(1)), f64::from(camera.height_px.max(1)));
        let (out_w, out_h) = (f64::from(self.width_px), f64::from(self.height_px));
        let s = (out_w / w).max(out_h / h);
        let scaled = camera.lens.scaled(s, s);
        Lens { cx_px: scaled.cx_px + (out_w - w * s) * 0.5, cy_px: scaled.cy_px + (out_h - h * s) * 0.5, ..scaled }
    }

    fn camera(&self, sigma: f64, zoom: f64, (height_m, dolly_m): (f64, f64), roll_rad: f64, pivot: DVec3) -> Camera {
        let v = self.curve_at(sigma);
        let (sin, cos) = v[0].sin_cos();
        let radial = (self.x_axis * cos + self.y_axis * sin) * v[1];
        let eye = self.arc.center_in_world + radial + self.arc.up_in_world * (v[2] + height_m);
        let eye = nearer(eye, pivot, dolly_m);
        let looks = self.look(eye, pivot);
        let (out_w, out_h) = (f64::from(self.width_px), f64::from(self.height_px));
        let (turn, lens) = if self.path.stabilize {
            let focal_px = self.focal_px_per_m * (eye - pivot).length() * zoom;
            (DQuat::IDENTITY, Lens::pinhole(focal_px, focal_px, out_w * 0.5, out_h * 0.5))
        } else {
            let turn = DQuat::from_array([v[TURN], v[TURN + 1], v[TURN + 2], v[TURN + 3]]).normalize();
            let l = &v[LENS..DISTORTION];
            let zoomed = |c: f64, half: f64| (c - half) * zoom + half;
            let lens = Lens {
                fx_px: l[0].exp() * zoom,
                fy_px: l[1].exp() * zoom,
                cx_px: zoomed(l[2], out_w * 0.5),
                cy_px: zoomed(l[3], out_h * 0.5),
                distortion: self.distortion(&v),
            };
            (turn, lens)
        };
        // The picture turns clockwise when the camera turns anticlockwise about its +z (forward) axis.
        let world_from_camera = looks * turn * DQuat::from_rotation_z(-roll_rad);
        let rotation = DMat3::from_quat(world_from_camera).transpose();
        Camera {
            name: "virtual".to_owned(),
            width_px: self.width_px,
            height_px: self.height_px,
            lens,
            camera_from_world: Pose { rotation, translation: -(rotation * eye) },
            clock_offset_nanos: 0,
        }
    }

    fn distortion(&self, v: &[f64; CHANNELS]) -> Distortion {
        let d = &v[DISTORTION..];
        match self.kind {
            DistortionKind::None => Distortion::None,
            DistortionKind::BrownConrady => Distortion::BrownConrady { k: [d[0], d[1], d[2], d[3], d[4], d[5]], p: [d[6], d[7]] },
            DistortionKind::Fisheye => Distortion::Fisheye { k: [d[0], d[1], d[2], d[3]] },
        }
    }

    /// Focal length (output pixels) per metre of distance: the cameras' mean, enlarged until the steady picture lies
    /// inside every physical camera's own picture (at most 3×: a camera that looks far aside must not rule them all).
    fn steady_focal(&self, cameras: &[&Camera]) -> f64 {
        let pivot = self.keyed.keys().first().map_or(self.arc.center_in_world, |k| DVec3::new(k[5], k[6], k[7]));
        let per_m = |c: &&Camera| {
            let lens = self.output_lens(c);
            (lens.fx_px * lens.fy_px).sqrt() / (c.center_in_world() - pivot).length().max(1e-9)
        };
        let mean = cameras.iter().map(per_m).sum::<f64>() / cameras.len() as f64;
        let (out_w, out_h) = (f64::from(self.width_px), f64::from(self.height_px));
        let fits = |factor: f64| {
            cameras.iter().all(|c| {
                let eye = c.center_in_world();
                let focal_px = mean * factor * (eye - pivot).length();
                let lens = Lens::pinhole(focal_px, focal_px, out_w * 0.5, out_h * 0.5);
                let camera_from_virtual = c.camera_from_world.rotation * DMat3::from_quat(self.look(eye, pivot));
                [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.0), (0.5, 1.0), (0.0, 0.5), (1.0, 0.5)].iter().all(|(x, y)| {
                    let ray = camera_from_virtual * lens.unproject(DVec2::new(x * out_w, y * out_h));
                    c.lens.project(ray).is_some_and(|px| c.contains_px(px))
                })
            })
        };
        let factor = (0..=40).map(|i| 1.0 + 0.05 * f64::from(i)).find(|f| fits(*f)).unwrap_or(3.0);
        mean * factor
    }
}

/// A place so much nearer to the pivot; it never reaches it.
fn nearer(eye: DVec3, pivot: DVec3, dolly_m: f64) -> DVec3 {
    let way = pivot - eye;
    let distance = way.length();
    // A curve that is followed to the bit stays so.
    if dolly_m == 0.0 || distance < 1e-6 {
        return eye;
    }
    eye + way * (dolly_m.min(distance * FARTHEST_IN) / distance)
}

fn distortion_kind(cameras: &[&Camera]) -> DistortionKind {
    let fisheyes = cameras.iter().filter(|c| matches!(c.lens.distortion, Distortion::Fisheye { .. })).count();
    if fisheyes == cameras.len() {
        DistortionKind::Fisheye
    } else if fisheyes > 0 || cameras.iter().all(|c| c.lens.distortion.is_none()) {
        // Fisheyes among plain lenses: only a pinhole lies between the two models.
        DistortionKind::None
    } else {
        DistortionKind::BrownConrady
    }
}
