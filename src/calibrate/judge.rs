//! The measure by which two rigs are compared: how far cameras see points from where they should.
//!
//! Distances from epipolar lines would be blind to half of what matters: a camera that is turned in the plane of the arc moves its points
//! *along* the lines. So each point is placed where a rig's cameras agree best, and all that see it are asked.

use rayon::prelude::*;

use super::{
    bundle::settled_point,
    matching::Track,
    triangulate::{off_px, triangulated},
};
use crate::rig::Camera;

/// Distances between where cameras see points and where they should, px of the cameras' pictures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Half of the sightings lie nearer.
    pub median_px: f64,
    /// Root of the mean square.
    pub rms_px: f64,
    /// 95 of 100 lie nearer.
    pub p95_px: f64,
    /// Over so many sightings.
    pub sightings: usize,
}

impl Errors {
    pub(super) fn of(mut off_px: Vec<f64>) -> Self {
        off_px.sort_by(f64::total_cmp);
        let n = off_px.len();
        let at = |share: f64| off_px.get(((n as f64 * share) as usize).min(n.saturating_sub(1))).copied().unwrap_or(0.0);
        let rms_px = (off_px.iter().map(|v| v * v).sum::<f64>() / n.max(1) as f64).sqrt();
        Self { median_px: at(0.5), rms_px, p95_px: at(0.95), sightings: n }
    }
}

/// Two rigs on the same sightings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub before: Errors,
    pub after: Errors,
    /// Sightings that fit neither.
    pub wrong: usize,
    /// Mean over the points of how much nearer they are seen after, and the standard deviation of that mean, px.
    pub gain_px: f64,
    pub gain_sigma_px: f64,
}

/// Smaller gains of the median are none.
const MIN_GAIN_PX: f64 = 0.01;
const MIN_GAIN_SHARE: f64 = 0.02;

impl Comparison {
    /// Whether the second rig is the better one: its median is lower by more than nothing, the gain is more than chance, and neither the mean square nor
    /// the worst twentieth grew.
    pub fn is_better(&self) -> bool {
        let (before, after) = (&self.before, &self.after);
        let enough = before.median_px - after.median_px >= MIN_GAIN_PX.max(MIN_GAIN_SHARE * before.median_px);
        let certain = self.gain_px > 2.0 * self.gain_sigma_px && after.rms_px <= before.rms_px && after.p95_px <= before.p95_px * 1.02;
        enough && certain
    }
}

/// Disagreement begins to count less here when a point is placed, px.
const SPREAD_PX: f64 = 1.0;
/// Nothing is so far off.
const FAR_PX: f64 = 1e4;

/// Compares on tracks that neither rig was made from.
pub(super) fn compare(before: &[Camera], after: &[Camera], tracks: &[Track]) -> Comparison {
    let off = |cameras: &[Camera]| -> Vec<Vec<f64>> {
        let of_track = |t: &Track| -> Vec<f64> {
            let Some(p) = triangulated(cameras, t, SPREAD_PX) else { return vec![FAR_PX; t.sightings.len()] };
            let p = settled_point(cameras, t, p, SPREAD_PX);
            t.sightings.iter().map(|s| off_px(cameras, s, p).filter(|r| r.is_finite()).unwrap_or(FAR_PX)).collect()
        };
        tracks.par_iter().map(of_track).collect()
    };
    let (off_before, off_after) = (off(before), off(after));
    let median = |off: &[Vec<f64>]| Errors::of(off.concat()).median_px;
    // A sighting that fits neither rig is wrong, or of a thing that moved; one that fits only one of them counts, up to the gate.
    let gate_px = (8.0 * median(&off_before).min(median(&off_after))).max(1.0);
    let (mut fits, mut gains, mut wrong) = (Vec::new(), Vec::new(), 0);
    for (before, after) in off_before.iter().zip(&off_after) {
        // A wrong match may happen to fit one rig; that is worth no more than so much.
        let cap = |v: f64| v.min(4.0 * gate_px);
        let fit = before.iter().zip(after).filter(|(b, a)| b.min(**a) <= gate_px);
        let own: Vec<(f64, f64)> = fit.map(|(b, a)| (cap(*b), cap(*a))).collect();
        wrong += before.len() - own.len();
        if !own.is_empty() {
            gains.push(own.iter().map(|(b, a)| b - a).sum::<f64>() / own.len() as f64);
        }
        fits.extend(own);
    }
    let n = gains.len().max(1) as f64;
    let gain_px = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|g| (g - gain_px).powi(2)).sum::<f64>() / n;
    Comparison {
        before: Errors::of(fits.iter().map(|f| f.0).collect()),
        after: Errors::of(fits.iter().map(|f| f.1).collect()),
        wrong,
        gain_px,
        gain_sigma_px: (variance / n).sqrt(),
    }
}
