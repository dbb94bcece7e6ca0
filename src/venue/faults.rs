//! The faults of real life, on request: seeded, deterministic, one set per camera.

use std::str::FromStr;

use glam::{DMat3, DQuat, DVec3};

use crate::color::{linear_from_srgb, srgb_from_linear};
use crate::frame::Picture;
use crate::geometry::Pose;
use crate::rig::Camera;
use crate::time::{FrameRate, MediaTime};

use super::optics::OpticFaults;

/// Somebody kicked the tripod.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bump {
    /// From this time on the camera points elsewhere; the rig file keeps the old pose.
    pub at: MediaTime,
    /// Rotation vector in the camera's axes, radians.
    pub rotation_rad: DVec3,
}

/// What is wrong with one camera. The default is a perfect camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Of everything random.
    pub seed: u64,
    /// A frame stamped `t` shows the venue at `t + clock_offset`: what must be added to the stamps to get house time.
    pub clock_offset_nanos: i64,
    /// The offset grows by this much per second of stamp: parts per million.
    pub skew_ppm: f64,
    /// Gains of red, green, blue in linear light.
    pub gains: [f32; 3],
    /// Exposure error, stops.
    pub exposure_ev: f32,
    /// Standard deviation of the noise that is always there, code values.
    pub noise_sigma: f32,
    /// Variance of the shot noise per code value.
    pub shot_noise: f32,
    /// Time from the first row to the last, nanoseconds.
    pub rolling_shutter_nanos: i64,
    /// Share of frames that never arrive.
    pub drop_share: f64,
    /// Share of frames that arrive late, and by how much.
    pub late_share: f64,
    /// Delay of a late frame, nanoseconds.
    pub late_by_nanos: i64,
    /// Share of frames that repeat the picture before.
    pub duplicate_share: f64,
    /// A kick.
    pub bump: Option<Bump>,
    /// No frames from this time on.
    pub dies_at: Option<MediaTime>,
    /// The rig file is wrong by about this much in the middle of the picture, px, in a seeded direction.
    pub calibration_error_px: f64,
    /// Every so often a frame is white, nanoseconds, and the venue's sound beeps at its very instant; 0 = never.
    pub flash_nanos: i64,
    /// Every so often of the venue's time a photographer's flash goes off and lights the rows that are being exposed, nanoseconds; 0 = never.
    pub strobe_nanos: i64,
    /// How long a row is exposed, where a flash asks for it, nanoseconds.
    pub exposure_nanos: i64,
    /// Lens, light and sensor.
    pub optics: OpticFaults,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 1,
            clock_offset_nanos: 0,
            skew_ppm: 0.0,
            gains: [1.0; 3],
            exposure_ev: 0.0,
            noise_sigma: 0.0,
            shot_noise: 0.0,
            rolling_shutter_nanos: 0,
            drop_share: 0.0,
            late_share: 0.0,
            late_by_nanos: 120_000_000,
            duplicate_share: 0.0,
            bump: None,
            dies_at: None,
            calibration_error_px: 0.0,
            flash_nanos: 0,
            strobe_nanos: 0,
            exposure_nanos: 8_000_000,
            optics: OpticFaults::default(),
        }
    }
}

/// A deterministic hash.
pub(super) fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

pub(super) fn unit(h: u64) -> f64 {
    (mix(h) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What becomes of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives in time.
    Good,
    /// It never arrives.
    Dropped,
    /// It arrives late by this many nanoseconds.
    Late(i64),
    /// It repeats the picture of the frame before.
    Duplicate,
}

impl Faults {
    /// The gains of a camera whose white is set for 6504 K under a light of `kelvin`: a first-order curve of the Planckian
    /// locus, normalized to keep green.
    pub fn gains_of_kelvin(kelvin: f32) -> [f32; 3] {
        let mired = 1e6 / kelvin.clamp(2000.0, 15_000.0) - 1e6 / 6504.0;
        [(mired * 0.0034).exp(), 1.0, (mired * -0.0042).exp()]
    }

    /// The venue's time that a frame stamped `pts` shows (in its first row).
    pub fn shown_time(&self, pts: MediaTime) -> MediaTime {
        pts.plus_nanos(self.clock_offset_nanos).plus_nanos((pts.nanos() as f64 * self.skew_ppm * 1e-6).round() as i64)
    }

    /// The camera as it really stands when it makes the frame stamped `pts`; `in_rig` is what the rig file says.
    pub fn true_camera(&self, in_rig: &Camera, pts: MediaTime) -> Camera {
        let mut camera = in_rig.clone();
        let turn = |camera: &mut Camera, r: DVec3| {
            let rotation = DMat3::from_quat(DQuat::from_scaled_axis(r));
            let extra = Pose { rotation, translation: DVec3::ZERO };
            camera.camera_from_world = extra.then_from(&camera.camera_from_world);
        };
        if self.calibration_error_px != 0.0 {
            let direction = unit(self.seed ^ 0xca11) * std::f64::consts::TAU;
            let angle = (self.calibration_error_px / in_rig.lens.fx_px).atan();
            turn(&mut camera, DVec3::new(direction.sin(), direction.cos(), 0.0) * angle);
        }
        if let Some(bump) = self.bump
            && pts >= bump.at
        {
            turn(&mut camera, bump.rotation_rad);
        }
        camera
    }

    /// Whether the camera still delivers at `pts`.
    pub fn is_alive(&self, pts: MediaTime) -> bool {
        self.dies_at.is_none_or(|end| pts < end)
    }

    /// What becomes of frame `index`.
    pub fn fate(&self, index: i64) -> Fate {
        let u = unit(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (index as u64).wrapping_mul(0xd1b5_4a32_d192_ed03));
        if u < self.drop_share {
            Fate::Dropped
        } else if u < self.drop_share + self.late_share {
            Fate::Late(self.late_by_nanos)
        } else if u < self.drop_share + self.late_share + self.duplicate_share {
            Fate::Duplicate
        } else {
            Fate::Good
        }
    }

    /// Refuses what only a stream of frames can show.
    pub fn refuse_in_stills(&self) -> Result<(), FaultError> {
        match [("drop", self.drop_share), ("late", self.late_share), ("duplicate", self.duplicate_share)].iter().find(|(_, s)| *s > 0.0) {
            Some((name, share)) => Err(FaultError::NoStream(format!("{name}={share}"))),
            None => Ok(()),
        }
    }

    /// Lights the rows that were being exposed when a flash went off, as a flash does that is short: by half of what is missing to white.
    /// `pts` is the frame's stamp.
    pub fn strobe(&self, picture: &mut Picture, pts: MediaTime) {
        if self.strobe_nanos <= 0 {
            return;
        }
        let begun = self.shown_time(pts).nanos();
        let (width, height) = (picture.width() as usize, i64::from(picture.height().max(1)));
        for (row, px) in picture.rgba_mut().chunks_exact_mut(4 * width).enumerate() {
            let from = begun + self.rolling_shutter_nanos * row as i64 / height;
            let until = from + self.exposure_nanos;
            // A multiple of the period within the row's exposure.
            if from.div_euclid(self.strobe_nanos) < until.div_euclid(self.strobe_nanos) {
                px.chunks_exact_mut(4).flat_map(|px| px.iter_mut().take(3)).for_each(|v| *v += (255 - *v) / 2);
            }
        }
    }

    /// Whether [`Self::degrade`] changes anything.
    pub fn touches_pixels(&self) -> bool {
        self.gains.iter().any(|g| g.to_bits() != 1_f32.to_bits())
            || self.exposure_ev != 0.0
            || self.noise_sigma > 0.0
            || self.shot_noise > 0.0
            || self.strobe_nanos > 0
            || self.optics.is_any()
    }

    /// All that happens to the picture of frame `index`, made at `time`.
    pub fn degrade_at(&self, picture: &mut Picture, index: i64, time: MediaTime) {
        self.optics.bend(picture, time, self.seed, self.rolling_shutter_nanos);
        self.strobe(picture, time);
        self.degrade(picture, index);
        self.optics.stick(picture, time, self.seed);
    }

    /// Colour cast, exposure, response and noise, which are always there; the noise of frame `index`.
    pub fn degrade(&self, picture: &mut Picture, index: i64) {
        if !self.touches_pixels() {
            return;
        }
        let gain = 2_f32.powf(self.exposure_ev);
        let response = |coded: f32| coded.powf(self.optics.gamma as f32) * 255.0;
        let curves: [[f32; 256]; 3] = self
            .gains
            .map(|g| std::array::from_fn(|v| response(srgb_from_linear((linear_from_srgb(v as f32 / 255.0) * g * gain).clamp(0.0, 1.0)))));
        let (width, height) = (picture.width(), picture.height());
        let frame_seed = mix(self.seed ^ (index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let noisy = self.noise_sigma > 0.0 || self.shot_noise > 0.0;
        for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
            let rim = if self.optics.vignette > 0.0 { self.optics.rim(i % width as usize, i / width as usize, width, height) } else { 1.0 };
            for (c, v) in px.iter_mut().take(3).enumerate() {
                let mut value = curves[c][usize::from(*v)];
                if rim < 1.0 {
                    let light = linear_from_srgb(f32::from(*v) / 255.0) * self.gains[c] * gain * rim;
                    value = response(srgb_from_linear(light.clamp(0.0, 1.0)));
                }
                if noisy {
                    let sigma = (self.noise_sigma * self.noise_sigma + self.shot_noise * value).sqrt();
                    value += sigma * normal(frame_seed ^ ((i as u64) << 2 | c as u64));
                }
                *v = value.round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// A standard normal number (sum of four uniform numbers of 16 bits: tails end at 3.5 σ, as a sensor's do at its clip).
fn normal(h: u64) -> f32 {
    let h = mix(h.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let sum: f32 = (0..4).map(|k| ((h >> (16 * k)) & 0xffff) as f32).sum();
    (sum / 65_535.0 - 2.0) * 1.732_05
}

impl Faults {
    /// Whether the frame of this time is white, at a rate: the first one of each period.
    pub fn flashes(&self, pts: MediaTime, rate: FrameRate) -> bool {
        self.flash_nanos > 0 && pts.nanos().rem_euclid(self.flash_nanos) < rate.interval_nanos()
    }
}

/// Faults that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// One fault of a list.
    #[error(
        "fault {0:?} is not understood. Write NAME=VALUE with commas between: offset=20ms, skew=50ppm, kelvin=4300, ev=-0.5, noise=2, \
         shot=0.05, rolling=12ms, drop=0.02, late=0.01, duplicate=0.02, bump=2s (or bump=2s/0.01), dies=5s, flash=1s, strobe=1s, exposure=8ms, calibration=1.5, seed=7, \
         blur=45s/2.5 (or blur=45s-90s/2.5), dirt=45s/0.1, flicker=45s/0.1, flickerhz=120, stuck=45s/5, vignette=0.3, gamma=1.1"
    )]
    NotUnderstood(String),
    /// No camera, or no faults.
    #[error("{0:?} does not say which camera has which fault. Write CAMERA:FAULT=VALUE, e.g. cam04:dies=5s or all:drop=0.02,noise=2")]
    Form(String),
    /// It needs a stream.
    #[error(
        "fault {0:?} happens to a stream of frames, and these are single pictures. Leave it out here, or see it live: volte demo --fault"
    )]
    NoStream(String),
    /// No such camera.
    #[error("there is no camera {camera:?} to have a fault: the cameras are {known}. Name one of them, or all")]
    Camera {
        /// As asked.
        camera: String,
        /// As they are.
        known: String,
    },
}

pub(super) fn secs(text: &str) -> Option<f64> {
    let (number, scale) = if let Some(n) = text.strip_suffix("ms") {
        (n, 1e-3)
    } else if let Some(n) = text.strip_suffix("us") {
        (n, 1e-6)
    } else {
        (text.strip_suffix('s').unwrap_or(text), 1.0)
    };
    number.trim().parse::<f64>().ok().filter(|v| v.is_finite()).map(|v| v * scale)
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut f = Self::default();
        for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
            let wrong = || FaultError::NotUnderstood(item.to_owned());
            let (name, value) = item.split_once('=').ok_or_else(wrong)?;
            let number =
                |suffix: &str| value.trim_end_matches(suffix).trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
            let share = || number("").ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(wrong);
            let nanos = |text: &str| secs(text).map(|s| (s * 1e9).round() as i64).ok_or_else(wrong);
            match name.trim() {
                "offset" => f.clock_offset_nanos = nanos(value)?,
                "skew" => f.skew_ppm = number("ppm")?,
                "kelvin" => f.gains = Self::gains_of_kelvin(number("K")? as f32),
                "ev" => f.exposure_ev = number("")? as f32,
                "noise" => f.noise_sigma = number("")?.max(0.0) as f32,
                "shot" => f.shot_noise = number("")?.max(0.0) as f32,
                "rolling" => f.rolling_shutter_nanos = nanos(value)?,
                "drop" => f.drop_share = share()?,
                "late" => f.late_share = share()?,
                "duplicate" => f.duplicate_share = share()?,
                "bump" => {
                    let (at, angle) = value.split_once('/').unwrap_or((value, "0.01"));
                    let angle = angle.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong)?;
                    f.bump = Some(Bump { at: MediaTime::from_nanos(nanos(at)?), rotation_rad: DVec3::new(0.3, 0.9, 0.2) * angle });
                }
                "dies" => f.dies_at = Some(MediaTime::from_nanos(nanos(value)?)),
                "flash" => f.flash_nanos = Some(nanos(value)?).filter(|n| *n >= 200_000_000).ok_or_else(wrong)?,
                "strobe" => f.strobe_nanos = Some(nanos(value)?).filter(|n| *n >= 200_000_000).ok_or_else(wrong)?,
                "exposure" => f.exposure_nanos = Some(nanos(value)?).filter(|n| *n > 0).ok_or_else(wrong)?,
                "calibration" => f.calibration_error_px = number("px")?,
                "seed" => f.seed = number("")? as u64,
                name => f.optics.read(name, value, item).unwrap_or_else(|| Err(wrong()))?,
            }
        }
        Ok(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::VenueRig;

    #[test]
    fn faults_are_read_and_refused() {
        let f: Faults = "offset=20ms, skew=50ppm,ev=-0.5,drop=0.25,bump=2s/0.02,dies=5s,calibration=1.5px,seed=7".parse().unwrap();
        assert_eq!(f.clock_offset_nanos, 20_000_000);
        assert_eq!(f.dies_at, Some(MediaTime::from_secs_f64(5.0)));
        assert_eq!(f.seed, 7);
        assert!(f.touches_pixels() && f.bump.is_some());
        for bad in ["offset", "offset=soon", "drop=1.5", "colour=red", "bump=2s/x", "bump=2s/inf", "noise=nan"] {
            assert!(bad.parse::<Faults>().unwrap_err().to_string().contains(bad), "{bad}");
        }
        assert_eq!("".parse::<Faults>().unwrap(), Faults::default());
    }

    #[test]
    fn shares_are_met_and_noise_has_its_sigma() {
        let f = Faults { drop_share: 0.1, late_share: 0.05, duplicate_share: 0.2, noise_sigma: 4.0, ..Faults::default() };
        let count = |fate: fn(&Fate) -> bool| (0..10_000).map(|i| f.fate(i)).filter(fate).count();
        assert!((900..1100).contains(&count(|x| *x == Fate::Dropped)));
        assert!((420..580).contains(&count(|x| matches!(x, Fate::Late(120_000_000)))));
        assert!((1850..2150).contains(&count(|x| *x == Fate::Duplicate)));
        let mut p = Picture::filled(128, 128, [120, 120, 120, 255]);
        f.degrade(&mut p, 3);
        let values: Vec<f64> = p.rgba().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).map(f64::from).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let sigma = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        assert!((mean - 120.0).abs() < 0.2 && (sigma - 4.0).abs() < 0.2, "{mean} {sigma}");
        assert!(p.rgba().chunks_exact(4).all(|p| p[3] == 255));
    }

    #[test]
    fn colour_and_exposure_act_in_linear_light() {
        let f = Faults { exposure_ev: -1.0, gains: [1.0, 1.0, 0.5], ..Faults::default() };
        let mut p = Picture::filled(2, 2, [200, 200, 200, 255]);
        f.degrade(&mut p, 0);
        let expected = |g: f32| (srgb_from_linear(linear_from_srgb(200.0 / 255.0) * g) * 255.0).round() as u8;
        assert_eq!(p.pixel(0, 0), [expected(0.5), expected(0.5), expected(0.25), 255]);
        let warm = Faults::gains_of_kelvin(3200.0);
        assert!(warm[0] > 1.2 && warm[2] < 0.8, "{warm:?}");
    }

    #[test]
    fn bumps_and_calibration_errors_move_the_picture_by_as_much_as_they_say() {
        let rig = VenueRig::arc(3, 40.0, 6.0, (640, 360));
        let c = &rig.cameras[1];
        let p = c.camera_from_world.inverse().apply(DVec3::new(0.0, 0.0, 6.0));
        let f = Faults { calibration_error_px: 2.0, ..Faults::default() };
        let moved = f.true_camera(c, MediaTime::ZERO).project(p).unwrap() - c.project(p).unwrap();
        assert!((moved.length() - 2.0).abs() < 0.02, "{moved}");
        let at = MediaTime::from_secs_f64(1.0);
        let f = Faults { bump: Some(Bump { at, rotation_rad: DVec3::new(0.0, 0.01, 0.0) }), ..Faults::default() };
        assert_eq!(f.true_camera(c, MediaTime::ZERO), *c);
        let moved = f.true_camera(c, at).project(p).unwrap() - c.project(p).unwrap();
        assert!((moved.x.abs() - 0.01 * c.lens.fx_px).abs() < 0.1, "{moved}");
        assert!((f.true_camera(c, at).center_in_world() - c.center_in_world()).length() < 1e-9);
    }

    #[test]
    fn clocks_are_off_as_told() {
        let f = Faults { clock_offset_nanos: -5_000_000, skew_ppm: 100.0, ..Faults::default() };
        assert_eq!(f.shown_time(MediaTime::ZERO).nanos(), -5_000_000);
        assert_eq!(f.shown_time(MediaTime::from_secs_f64(100.0)).nanos(), 100_000_000_000 - 5_000_000 + 10_000_000);
        let f = Faults { dies_at: Some(MediaTime::from_secs_f64(2.0)), ..Faults::default() };
        assert!(f.is_alive(MediaTime::from_nanos(1_999_999_999)) && !f.is_alive(MediaTime::from_secs_f64(2.0)));
    }
}
