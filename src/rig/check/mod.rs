//! What a rig says and what is wrong with it: findings with remedies, the fitted arc, each gap's disparity range, and
//! with pictures the epipolar residual per neighbouring pair.
//!
//! Works on any rig, however broken (see [`super::formats::read`]). Must not know: the GPU, feeds, the command line.

mod canvas;
mod draw;
pub(crate) mod epipolar;
mod faults;
pub(crate) mod features;
pub(crate) mod font;
#[cfg(test)]
mod tests;

use std::fmt;

use glam::DVec3;

pub use draw::draw;
pub use epipolar::{Residual, epipolar_residuals};
pub use features::Luma;

use super::{Arc, Camera, Rig};
use crate::geometry::{Distortion, nearest_point_to_rays};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rig cannot be used as it is.
    Error,
    /// It can be used, but something is probably wrong or will look bad.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The cameras concerned; empty = the whole rig.
    pub cameras: Vec<String>,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What synthesis can do with a gap, by its disparity range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// At most 128 px: full synthesis.
    Green,
    /// At most 256 px: expect losses where things occlude each other.
    Amber,
    /// More: a cross-fade or a cut is more honest.
    Red,
}

impl Verdict {
    /// The verdict on a disparity range. 64 hypotheses at half resolution are comfortable, 128 are possible.
    pub fn of(disparity_px: f64) -> Self {
        if disparity_px <= 128.0 {
            Self::Green
        } else if disparity_px <= 256.0 {
            Self::Amber
        } else {
            Self::Red
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        })
    }
}

/// The space between two neighbours of the arc.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// Camera index on one side.
    pub from: usize,
    /// Camera index on the other side.
    pub to: usize,
    /// Angle seen from the subject, degrees.
    pub degrees: f64,
    /// Distance between the two cameras, metres.
    pub baseline_m: f64,
    /// Difference of disparity between the near and the far end of the subject (± a quarter of the radius), px.
    pub disparity_px: f64,
    /// What synthesis can do with it.
    pub verdict: Verdict,
    /// With pictures: how well they agree with the calibration. `None` without pictures or with too few matches.
    pub residual: Option<Residual>,
}

/// Everything that is known about a rig.
#[derive(Debug, Clone)]
pub struct Report {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// The arc, if one can be fitted.
    pub arc: Option<Arc>,
    /// Its gaps, in the order of the arc.
    pub gaps: Vec<Gap>,
}

impl Report {
    /// Whether the rig cannot be used as it is.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// Puts the residuals of [`epipolar_residuals`] to the gaps and adds what follows from them.
    pub fn add_residuals(&mut self, rig: &Rig, residuals: Vec<Option<Residual>>) {
        for (gap, residual) in self.gaps.iter_mut().zip(residuals) {
            gap.residual = residual;
        }
        let pair = |g: &Gap| format!("{}–{}", rig.cameras[g.from].name, rig.cameras[g.to].name);
        // A pixel, or a thousandth of a large picture.
        let limit_px = |g: &Gap| f64::max(1.5, 1e-3 * f64::from(rig.cameras[g.from].width_px.max(rig.cameras[g.from].height_px)));
        let off = |times: std::ops::Range<f64>| -> Vec<String> {
            self.gaps.iter().filter(|g| g.residual.is_some_and(|r| times.contains(&(r.median_px / limit_px(g))))).map(pair).collect()
        };
        let (bad, poor) = (off(2.0..f64::INFINITY), off(1.0..2.0));
        // Who disagrees with all its neighbours (two at least) was moved, as long as it is not the whole rig that is off.
        let is_bad = |g: &Gap| g.residual.map(|r| r.median_px >= 2.0 * limit_px(g));
        let moved: Vec<String> = (0..rig.cameras.len())
            .filter(|&i| {
                let own: Vec<bool> = self.gaps.iter().filter(|g| g.from == i || g.to == i).filter_map(is_bad).collect();
                own.len() >= 2 && own.iter().all(|bad| *bad)
            })
            .map(|i| rig.cameras[i].name.clone())
            .collect();
        let moved = if moved.len() * 2 < rig.cameras.len() { moved } else { vec![] };
        let unknown: Vec<String> = self.gaps.iter().filter(|g| g.residual.is_none()).map(pair).collect();
        let mut add = |severity, cameras: Vec<String>, what: &str, remedy| {
            if !cameras.is_empty() {
                self.findings.push(Finding { severity, cameras, what: what.into(), remedy });
            }
        };
        add(
            Severity::Error,
            moved,
            "disagrees with all its neighbours: it was probably moved, turned or zoomed after calibration",
            "Calibrate this camera again, or leave it out of the rig",
        );
        add(
            Severity::Error,
            bad,
            "the pictures contradict the calibration: matched points lie far beside their epipolar lines (median of 3 px, of large pictures 0.2 % of their longer side)",
            "Was a camera moved or zoomed after calibration? Are these the pictures of this rig and of one instant? Calibrate these cameras again",
        );
        add(
            Severity::Warning,
            poor,
            "matched points lie beside their epipolar lines (median of 1.5 px, of large pictures 0.1 % of their longer side)",
            "Edges will ghost between these cameras. Calibrate them again, with the board where the athlete will be",
        );
        add(
            Severity::Note,
            unknown,
            "too few matching points between the pictures to say whether the calibration fits them",
            "Normal for wide gaps, dark or smooth pictures; else check that the pictures belong to these cameras",
        );
        self.findings.sort_by_key(|f| f.severity);
    }
}

/// Looks at every camera and at the whole.
pub fn check(rig: &Rig) -> Report {
    let mut findings = Vec::new();
    each_camera(rig, &mut findings);
    names(rig, &mut findings);
    // Cameras with broken numbers would spoil what is fitted to all of them.
    let sound: Vec<usize> = (0..rig.cameras.len()).filter(|&i| is_sound(&rig.cameras[i])).collect();
    let part = rig.restricted_to(&sound);
    if rig.cameras.len() < 2 {
        findings.push(Finding {
            severity: if rig.cameras.is_empty() { Severity::Error } else { Severity::Warning },
            cameras: vec![],
            what: format!("the rig has {} camera{}", rig.cameras.len(), if rig.cameras.len() == 1 { "" } else { "s" }),
            remedy: "A replay that travels needs two at least; add the others to the file",
        });
    } else if part.cameras.len() >= 2 {
        together(&part, &mut findings);
    }
    let arc = Arc::fit(&part).ok().map(|a| Arc { order: a.order.iter().map(|&i| sound[i]).collect(), ..a });
    let gaps = arc.as_ref().map_or_else(Vec::new, |arc| gaps(rig, arc));
    if let Some(arc) = &arc {
        rows(arc, &gaps, &mut findings);
        faults::rolls(&part, arc, &mut findings);
    }
    spacing(rig, &gaps, &mut findings);
    findings.sort_by_key(|f| f.severity);
    Report { findings, arc, gaps }
}

/// The disparity range of the subject between two cameras, px: how much further its near end (a quarter of the radius
/// before the centre) moves between the pictures than its far end (a quarter behind).
pub fn disparity_range_px(a: &Camera, b: &Camera, arc: &Arc) -> f64 {
    let (ca, cb) = (a.center_in_world(), b.center_in_world());
    let distance = ((ca - arc.center_in_world).length() + (cb - arc.center_in_world).length()) * 0.5;
    let focal_px = (a.lens.fx_px + b.lens.fx_px) * 0.5;
    let half = 0.25 * arc.radius_m;
    let near = (distance - half).max(0.05 * distance);
    focal_px * (ca - cb).length() * (1.0 / near - 1.0 / (distance + half))
}

fn gaps(rig: &Rig, arc: &Arc) -> Vec<Gap> {
    (0..arc.gap_count())
        .map(|k| {
            let (from, to) = (arc.order[k], arc.order[(k + 1) % arc.order.len()]);
            let (a, b) = (&rig.cameras[from], &rig.cameras[to]);
            let disparity_px = disparity_range_px(a, b, arc);
            Gap {
                from,
                to,
                degrees: arc.gap_rad(rig, k).to_degrees(),
                baseline_m: (a.center_in_world() - b.center_in_world()).length(),
                disparity_px,
                verdict: Verdict::of(disparity_px),
                residual: None,
            }
        })
        .collect()
}

fn is_finite(c: &Camera) -> bool {
    let l = &c.lens;
    let distortion = match l.distortion {
        Distortion::None => true,
        Distortion::BrownConrady { k, p } => k.iter().chain(&p).all(|v| v.is_finite()),
        Distortion::Fisheye { k } => k.iter().all(|v| v.is_finite()),
    };
    distortion
        && [l.fx_px, l.fy_px, l.cx_px, l.cy_px].iter().all(|v| v.is_finite())
        && c.camera_from_world.rotation.is_finite()
        && c.camera_from_world.translation.is_finite()
}

fn is_sound(c: &Camera) -> bool {
    is_finite(c) && c.lens.fx_px > 0.0 && c.lens.fy_px > 0.0 && c.camera_from_world.is_rigid()
}

/// What can be seen of one camera alone, grouped by kind.
fn each_camera(rig: &Rig, findings: &mut Vec<Finding>) {
    type Test = fn(&Camera) -> Option<String>;
    let tests: [(Severity, Test, &'static str); 10] = [
        (
            Severity::Error,
            |c| (!is_finite(c)).then(|| "has a value that is not a number (NaN or infinite)".into()),
            "The calibration of this camera failed: calibrate it again, or remove it from the file",
        ),
        (
            Severity::Error,
            |c| {
                let l = &c.lens;
                (is_finite(c) && (l.fx_px <= 0.0 || l.fy_px <= 0.0))
                    .then(|| format!("has the focal length {} × {} px; it must be positive", l.fx_px, l.fy_px))
            },
            "Calibrate the lens; a negative focal length is often a sign of mirrored axes in the export",
        ),
        (
            Severity::Error,
            |c| {
                (is_finite(c) && c.camera_from_world.rotation.determinant() < 0.0)
                    .then(|| "has mirrored axes: its rotation turns right hands into left ones (determinant −1)".into())
            },
            "The export used a left-handed world (Unity, Unreal, DirectX): negate one axis of the world and of the camera in the exporter",
        ),
        (
            Severity::Error,
            faults::no_rotation,
            "Export the rotation alone, without scale or shear, with three digits after the point or more",
        ),
        (
            Severity::Error,
            |c| faults::bend(c).filter(|b| b.is_absurd()).map(faults::Bend::words),
            "No lens does that: are the coefficients in this format's order (k1 k2 p1 p2 k3), for this model, and for normalized coordinates? Calibrate the lens again",
        ),
        (
            Severity::Warning,
            |c| faults::bend(c).filter(|b| !b.is_absurd()).map(faults::Bend::words),
            "Calibrate with the board in the corners too, with fewer coefficients, or with the fisheye model for very wide lenses",
        ),
        (
            Severity::Warning,
            |c| {
                let ratio = c.lens.fx_px / c.lens.fy_px;
                (is_sound(c) && (ratio - 1.0).abs() > 0.05)
                    .then(|| format!("has focal lengths that differ by {:.0} % between x and y", (ratio - 1.0).abs() * 100.0))
            },
            "Pixels are square on today's cameras: was the picture stretched, or were width and height swapped?",
        ),
        (
            Severity::Warning,
            |c| {
                if !is_sound(c) || c.width_px == 0 {
                    return None;
                }
                let degrees = 2.0 * (0.5 * f64::from(c.width_px.max(c.height_px)) / c.lens.fx_px).atan().to_degrees();
                (!(1.0..=160.0).contains(&degrees)).then(|| format!("sees {degrees:.2}° from edge to edge, which no usual lens does"))
            },
            "Is the focal length given in pixels (not millimetres), and for this picture size?",
        ),
        (
            Severity::Warning,
            |c| {
                if !is_finite(c) || c.width_px == 0 {
                    return None;
                }
                let (w, h) = (f64::from(c.width_px), f64::from(c.height_px));
                let (dx, dy) = ((c.lens.cx_px - 0.5 * w) / w, (c.lens.cy_px - 0.5 * h) / h);
                (dx.abs() > 0.2 || dy.abs() > 0.2).then(|| {
                    format!(
                        "has its principal point at {:.0}, {:.0} in a picture of {} × {}, far from the middle",
                        c.lens.cx_px, c.lens.cy_px, c.width_px, c.height_px
                    )
                })
            },
            "Is the calibration for another picture size or a crop? Were x and y swapped (a turned camera)?",
        ),
        (
            Severity::Note,
            |c| (c.width_px == 0 || c.height_px == 0).then(|| "has no picture size in this format".into()),
            "Give the pictures (--pictures DIR): their size is taken",
        ),
    ];
    for (severity, test, remedy) in tests {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for c in &rig.cameras {
            if let Some(what) = test(c) {
                match groups.iter_mut().find(|(w, _)| *w == what) {
                    Some((_, names)) => names.push(c.name.clone()),
                    None => groups.push((what, vec![c.name.clone()])),
                }
            }
        }
        findings.extend(groups.into_iter().map(|(what, cameras)| Finding { severity, cameras, what, remedy }));
    }
}

fn names(rig: &Rig, findings: &mut Vec<Finding>) {
    let mut names: Vec<&str> = rig.cameras.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    let mut twice: Vec<String> = names.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0].to_owned()).collect();
    twice.dedup();
    if !twice.is_empty() {
        findings.push(Finding {
            severity: Severity::Error,
            cameras: twice,
            what: "is the name of more than one camera".into(),
            remedy: "Give each camera a name of its own: feeds and pictures are found by it",
        });
    }
}

/// The point that most cameras look at, however the others are turned: the crossing of two axes that agrees best with
/// all, then refined with those that agree. Metres.
pub fn subject_center(rig: &Rig) -> Option<DVec3> {
    const AGREES_RAD: f64 = 0.17;
    let rays: Vec<(DVec3, DVec3)> = rig.cameras.iter().map(|c| (c.center_in_world(), c.camera_from_world.forward_in_world())).collect();
    let off = |p: DVec3, (o, d): &(DVec3, DVec3)| if p == *o { AGREES_RAD } else { (p - *o).angle_between(*d) };
    let cost = |p: DVec3| rays.iter().map(|r| off(p, r).min(AGREES_RAD)).sum::<f64>();
    let n = rays.len();
    let step = (n * n / 2 / 4000).max(1);
    let best = (0..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .step_by(step)
        .filter_map(|(i, j)| nearest_point_to_rays(&[rays[i], rays[j]]))
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))?;
    let agreeing: Vec<_> = rays.iter().filter(|r| off(best, r) < AGREES_RAD).copied().collect();
    nearest_point_to_rays(&agreeing).filter(|p| cost(*p) <= cost(best)).or(Some(best))
}

/// Whether the first and the last of these, which stand in one place, are one camera's way around the subject and back to
/// where it began, as a turntable or a gantry makes it: one lens, and always on in one direction, once around.
fn is_round_trip(cameras: &[Camera], subject: DVec3) -> bool {
    const LARGEST_STEP_RAD: f64 = 2.6;
    let arms: Vec<DVec3> = cameras.iter().map(|c| c.center_in_world() - subject).collect();
    let Some(axis) = arms.windows(2).map(|w| w[0].cross(w[1])).sum::<DVec3>().try_normalize() else { return false };
    let flat: Vec<DVec3> = arms.iter().map(|a| a.reject_from_normalized(axis)).collect();
    let steps: Vec<f64> = flat.windows(2).map(|w| axis.dot(w[0].cross(w[1])).atan2(w[0].dot(w[1]))).collect();
    cameras.iter().all(|c| c.lens == cameras[0].lens)
        && steps.iter().all(|s| (0.0..LARGEST_STEP_RAD).contains(s))
        && (steps.iter().sum::<f64>() - std::f64::consts::TAU).abs() < 1e-3
}

/// What can be seen of the cameras together. All are sound.
fn together(rig: &Rig, findings: &mut Vec<Finding>) {
    let mut add = |severity, cameras: Vec<String>, what: String, remedy| findings.push(Finding { severity, cameras, what, remedy });
    let centers: Vec<DVec3> = rig.cameras.iter().map(Camera::center_in_world).collect();
    let subject = subject_center(rig);
    let mut distances: Vec<f64> = centers.iter().map(|c| (*c - subject.unwrap_or_default()).length()).collect();
    distances.sort_by(f64::total_cmp);
    let radius_m = faults::median(&distances);

    let mut repeated = Vec::new();
    for (cameras, apart_m) in faults::in_one_place(&centers, 1e-3 * radius_m) {
        if let [i, j] = cameras[..]
            && subject.is_some_and(|subject| is_round_trip(&rig.cameras[i..=j], subject))
        {
            repeated.push(format!("{}–{}", rig.cameras[i].name, rig.cameras[j].name));
            continue;
        }
        add(
            Severity::Error,
            cameras.iter().map(|&i| rig.cameras[i].name.clone()).collect(),
            format!("stand in one place ({}{:.1} mm apart)", if cameras.len() > 2 { "at most " } else { "" }, apart_m * 1000.0),
            "One has the pose of another, or poses were not solved: calibrate again, or keep one of them",
        );
    }
    if !repeated.is_empty() {
        add(
            Severity::Warning,
            repeated,
            "are one view, taken twice: one camera went all around and came back to where it began".into(),
            "Normal for a turntable or a gantry; cameras of one instant cannot stand so: remove one",
        );
    }

    let Some(subject) = subject else {
        add(
            Severity::Warning,
            vec![],
            "all cameras look in parallel, there is no common subject".into(),
            "Turn the cameras towards the subject; if they are, the rotations in the file are not those of the cameras",
        );
        return;
    };
    let angle_off = |c: &Camera| (subject - c.center_in_world()).angle_between(c.camera_from_world.forward_in_world()).to_degrees();
    let away: Vec<&Camera> = rig.cameras.iter().filter(|c| angle_off(c) > 90.0).collect();
    if away.len() * 2 > rig.cameras.len() {
        add(
            Severity::Error,
            vec![],
            format!("{} of {} cameras look away from the point where their axes meet", away.len(), rig.cameras.len()),
            "The file's camera axes are not those of its format: OpenCV and COLMAP look along +z, OpenGL and nerfstudio along −z. Turn y and z of each camera around",
        );
    } else {
        for c in away {
            add(
                Severity::Error,
                vec![c.name.clone()],
                format!("looks away from the subject, by {:.0}°", angle_off(c)),
                "Its rotation is wrong: calibrate it again, or turn its y and z axes around if it came from another tool than the rest",
            );
        }
        let outside: Vec<String> = rig
            .cameras
            .iter()
            .filter(|c| c.width_px > 0 && angle_off(c) <= 90.0 && !c.project(subject).is_some_and(|px| c.contains_px(px)))
            .map(|c| c.name.clone())
            .collect();
        if !outside.is_empty() {
            add(
                Severity::Warning,
                outside,
                "does not have the subject's centre in its picture".into(),
                "Is it pointed at the subject? A camera that sees something else cannot help the others",
            );
        }
    }
    for (c, center) in rig.cameras.iter().zip(&centers) {
        let times = (*center - subject).length() / radius_m.max(1e-300);
        if !(1.0 / 30.0..=30.0).contains(&times) {
            add(
                Severity::Error,
                vec![c.name.clone()],
                if times > 1.0 {
                    format!("stands {times:.0} times as far from the subject as the others")
                } else {
                    format!("stands {:.0} times nearer to the subject than the others", 1.0 / times.max(1e-9))
                },
                "Its position has another unit (millimetres against metres is a factor 1000): correct its translation",
            );
        }
    }
    if radius_m > 300.0 {
        add(
            Severity::Warning,
            vec![],
            format!("the cameras stand {radius_m:.0} m from the subject: the file is probably in millimetres"),
            "Divide all translations by 1000 and say metres; guard bands, pivots and the size of the subject depend on it",
        );
    } else if radius_m < 0.03 {
        add(
            Severity::Warning,
            vec![],
            format!("the cameras stand {:.2} mm from the subject: the file is probably in kilometres or without scale", radius_m * 1000.0),
            "Multiply all translations so that they are metres (a factor 1000 for kilometres); measure one distance between two cameras",
        );
    }
}

/// An order by azimuth jumps up and down between the rows of a rig that has several.
fn rows(arc: &Arc, gaps: &[Gap], findings: &mut Vec<Finding>) {
    let travelled: f64 = gaps.iter().map(|g| g.degrees).sum();
    let around = if arc.closed { 360.0 } else { arc.azimuth_rad.last().copied().unwrap_or(0.0).to_degrees() };
    if gaps.len() > 2 && travelled > 1.6 * around {
        findings.push(Finding {
            severity: Severity::Note,
            cameras: vec![],
            what: format!(
                "the cameras stand in more than one row: in the order around the subject the gaps add up to {travelled:.0}° on {around:.0}°"
            ),
            remedy: "The gaps below jump between the rows. Look at one row with --use A,B,…",
        });
    }
}

fn spacing(rig: &Rig, gaps: &[Gap], findings: &mut Vec<Finding>) {
    let pairs = |verdict| -> Vec<String> {
        gaps.iter().filter(|g| g.verdict == verdict).map(|g| format!("{}–{}", rig.cameras[g.from].name, rig.cameras[g.to].name)).collect()
    };
    let (red, amber) = (pairs(Verdict::Red), pairs(Verdict::Amber));
    for (severity, cameras, what, remedy) in [
        (
            Severity::Warning,
            red,
            "too far apart for synthesis: the subject's disparity ranges over more than 256 px",
            "Move them closer or add a camera between; else these gaps are bridged by a cross-fade or a cut",
        ),
        (
            Severity::Note,
            amber,
            "wide: the subject's disparity ranges over 128 to 256 px",
            "Expect losses where things occlude each other; a camera between would help",
        ),
    ] {
        if !cameras.is_empty() {
            findings.push(Finding { severity, cameras, what: what.into(), remedy });
        }
    }
}
