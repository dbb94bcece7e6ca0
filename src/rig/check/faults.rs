//! What the check measures of cameras: bent lenses, matrices that are no rotations, cameras in one place, rolled cameras.

use glam::{DVec2, DVec3};

use super::{Arc, Camera, Finding, Rig, Severity, is_finite, is_sound};
use crate::geometry::Distortion;

/// The middle of sorted values; of an even number, the mean of the middle two. 0 of none.
pub(super) fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        n => 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
    }
}

/// A matrix that stretches or shears, in words.
pub(super) fn no_rotation(c: &Camera) -> Option<String> {
    let matrix = c.camera_from_world.rotation;
    if !is_finite(c) || c.camera_from_world.is_rigid() || matrix.determinant() < 0.0 {
        return None;
    }
    let rows = matrix.transpose();
    let lengths = [rows.x_axis, rows.y_axis, rows.z_axis].map(DVec3::length);
    Some(format!(
        "has a matrix that is no rotation: it stretches or shears (its rows have the lengths {:.3}, {:.3}, {:.3}; determinant {:.3})",
        lengths[0],
        lengths[1],
        lengths[2],
        matrix.determinant()
    ))
}

/// How a lens bends the corners of its picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bend {
    /// Distance from the centre as it is over as it would be without distortion, of the corner that is bent most.
    ratio: f64,
    /// Whether the model reaches the corners: no other ray is drawn to the same place.
    reaches: bool,
}

impl Bend {
    /// Beyond what any lens does, by far.
    pub(super) fn is_absurd(self) -> bool {
        !(0.4..=2.5).contains(&self.ratio)
    }

    pub(super) fn words(self) -> String {
        if self.reaches {
            format!("has a distortion that moves the corners of the picture to {:.2} times their distance from the centre", self.ratio)
        } else {
            "has a distortion that folds over before the corners of the picture".to_owned()
        }
    }
}

/// How far from the centre the ray would be drawn without distortion that is drawn to `bent`, as a share of the focal length: the first on the way
/// outwards. `None` where rays are drawn further inwards again before that; what folds over beyond it, no picture shows.
fn reached(distortion: &Distortion, bent: DVec2) -> Option<f64> {
    const STEPS: u32 = 400;
    /// Beyond 89° from the axis there is nothing to be drawn.
    const MOST_RAD: f64 = 1.553;
    let way = bent.try_normalize()?;
    let wanted = bent.length();
    let drawn = |ideal: f64| distortion.distort(way * ideal).dot(way);
    let (mut before, mut was) = (0.0, 0.0);
    for k in 1..=STEPS {
        let ideal = (MOST_RAD * f64::from(k) / f64::from(STEPS)).tan();
        let now = drawn(ideal);
        if now >= wanted {
            return Some(before + (ideal - before) * (wanted - was) / (now - was));
        }
        if now <= was {
            return None;
        }
        (before, was) = (ideal, now);
    }
    None
}

/// The bend of a sound camera, when it is beyond what lenses do.
pub(super) fn bend(c: &Camera) -> Option<Bend> {
    if !is_sound(c) || c.width_px == 0 || c.height_px == 0 || c.lens.distortion.is_none() {
        return None;
    }
    let (w, h) = (f64::from(c.width_px), f64::from(c.height_px));
    let focal_px = DVec2::new(c.lens.fx_px, c.lens.fy_px);
    let mut worst = Bend { ratio: 1.0, reaches: true };
    for corner in [DVec2::ZERO, DVec2::new(w, 0.0), DVec2::new(0.0, h), DVec2::new(w, h)] {
        let bent = (corner - DVec2::new(c.lens.cx_px, c.lens.cy_px)) / focal_px;
        let Some(ideal) = reached(&c.lens.distortion, bent) else {
            worst.reaches = false;
            continue;
        };
        // A fisheye is meant to draw angles.
        let straight = if let Distortion::Fisheye { .. } = c.lens.distortion { ideal.atan() } else { ideal };
        let ratio = bent.length() / straight.max(1e-12);
        if worst.reaches && ratio.ln().abs() > worst.ratio.ln().abs() {
            worst.ratio = ratio;
        }
    }
    (!worst.reaches || !(0.5..=1.6).contains(&worst.ratio)).then_some(worst)
}

/// Groups of cameras that stand within `reach_m` of each other, with the largest distance within each, metres.
pub(super) fn in_one_place(centers: &[DVec3], reach_m: f64) -> Vec<(Vec<usize>, f64)> {
    let mut groups: Vec<(Vec<usize>, f64)> = Vec::new();
    let mut taken = vec![false; centers.len()];
    for i in 0..centers.len() {
        if taken[i] {
            continue;
        }
        let here: Vec<usize> = (i..centers.len()).filter(|&j| !taken[j] && (centers[i] - centers[j]).length() <= reach_m).collect();
        if here.len() > 1 {
            for &j in &here {
                taken[j] = true;
            }
            let apart_m = here.iter().flat_map(|&a| here.iter().map(move |&b| (centers[a] - centers[b]).length())).fold(0.0, f64::max);
            groups.push((here, apart_m));
        }
    }
    groups
}

/// Cameras that are rolled against the others by more than an eighth of a turn. All are sound.
pub(super) fn rolls(rig: &Rig, arc: &Arc, findings: &mut Vec<Finding>) {
    // Where the world's up is in the picture, degrees clockwise from the picture's; none for cameras that look along it.
    let rolled: Vec<Option<f64>> = rig
        .cameras
        .iter()
        .map(|c| {
            let up = c.camera_from_world.rotation * arc.up_in_world;
            (up.truncate().length() > 0.3).then(|| up.x.atan2(-up.y).to_degrees())
        })
        .collect();
    let between = |a: f64, b: f64| ((a - b + 540.0).rem_euclid(360.0) - 180.0).abs();
    let known: Vec<f64> = rolled.iter().flatten().copied().collect();
    let agreeing = |a: f64| known.iter().filter(|&&b| between(a, b) < 30.0).count();
    let Some(usual) = known.iter().copied().max_by_key(|a| agreeing(*a)) else { return };
    if agreeing(usual) * 2 <= known.len() || known.len() < 3 {
        return;
    }
    for (c, roll) in rig.cameras.iter().zip(&rolled) {
        let Some(off) = roll.map(|r| between(r, usual)).filter(|off| *off > 45.0) else { continue };
        findings.push(Finding {
            severity: Severity::Warning,
            cameras: vec![c.name.clone()],
            what: format!("is rolled by {off:.0}° against the others"),
            remedy: "If it does not hang so, its picture was turned after calibration (EXIF, portrait) or its rotation is wrong: turn the picture back, or calibrate again",
        });
    }
}
