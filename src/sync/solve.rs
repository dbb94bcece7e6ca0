//! From equations to clocks: one robust least-squares problem over all cameras, pairs and bursts.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{Match, Observation};
use crate::geometry::NormalEquations;

/// Bursts further apart than this in time show a skew, seconds.
const SKEW_AFTER_SECS: f64 = 8.0;
/// Calibration puts two cameras' lines beside each other by about this much everywhere, px.
const CALIBRATION_PX: f64 = 0.7;
/// Nothing is known of offsets before, seconds.
const OFFSET_PRIOR_SECS: f64 = 1.0;
/// Nothing is known of skews before but what crystals do, parts of one.
const SKEW_PRIOR: f64 = 100e-6;
/// How often points are moved to where the last solution says that they were at one time.
const ROUNDS: usize = 3;
/// A pair with fewer shared points says nothing.
const LEAST_OF_PAIR: usize = 6;
/// What all points of a pair in a burst err by together, px: small patches look different from two sides. Found on the venue, where
/// groups of points scatter by this much over their rate, whatever the rate.
const COMMON_PX: f64 = 0.07;

/// What the pictures say about one camera's clock, against the reference camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraClock {
    /// What must be added to its stamps to get the reference camera's time, nanoseconds, in the middle of the bursts.
    pub offset_nanos: i64,
    /// Standard deviation of that, nanoseconds.
    pub sigma_nanos: i64,
    /// How fast the offset grows and its standard deviation, parts per million; `None` over a short time.
    pub skew_ppm: Option<(f64, f64)>,
    /// Moving points that say so.
    pub points: usize,
}

/// All cameras' clocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The camera whose clock is the measure, by index.
    pub reference: usize,
    /// One per camera; `None` where no chain of shared moving points leads to the reference.
    pub cameras: Vec<Option<CameraClock>>,
    /// Time that offsets are given for: the middle of the bursts, seconds.
    pub middle_secs: f64,
    /// What is left beside the lines: robust standard deviation of one point, median over the pairs, px.
    pub residual_px: f64,
    /// Points used, and points left out as wrong.
    pub used: usize,
    /// Matches that contradict all others.
    pub rejected: usize,
}

/// Why no clock was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// Too little moves, or cameras stand too far apart.
    #[error(
        "too few moving points are seen by two neighbours ({0}) to tell when they were seen. Take an instant at which somebody moves fast across the picture, best up or down, and check that neighbours stand less than 28 degrees apart"
    )]
    TooFew(usize),
    /// The reference camera shares nothing.
    #[error("the reference camera shares no moving point with its neighbours. Choose another one")]
    Reference,
}

/// Solves the clocks of `cameras` cameras; `reference` is the measure, or else the camera that shares most.
///
/// # Errors
/// Where too few moving points are shared.
pub fn solve(matches: &[Match], cameras: usize, reference: Option<usize>) -> Result<Solution, SyncError> {
    let with = |solution: Option<&Solution>| -> Vec<Observation> {
        let about = |camera: usize, at_secs: f64| {
            let clock = solution.and_then(|s| Some((s.middle_secs, s.cameras.get(camera).copied().flatten()?)));
            clock.map_or(0.0, |(middle_secs, c)| {
                c.offset_nanos as f64 * 1e-9 + c.skew_ppm.map_or(0.0, |(ppm, _)| ppm * 1e-6 * (at_secs - middle_secs))
            })
        };
        matches.iter().map(|m| m.observation([about(m.i, m.at_secs), about(m.j, m.at_secs)])).collect()
    };
    let mut solution = solve_once(&with(None), cameras, reference)?;
    // What limbs do between frames is no straight line: the nearer the guess, the less that matters.
    for _ in 0..ROUNDS {
        solution = solve_once(&with(Some(&solution)), cameras, reference)?;
    }
    Ok(solution)
}

fn solve_once(observations: &[Observation], cameras: usize, reference: Option<usize>) -> Result<Solution, SyncError> {
    let mut of_pair: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for o in observations {
        *of_pair.entry((o.i, o.j)).or_default() += 1;
    }
    of_pair.retain(|&(i, j), count| *count >= LEAST_OF_PAIR && i < cameras && j < cameras);
    let observations: Vec<&Observation> = observations.iter().filter(|o| of_pair.contains_key(&(o.i, o.j))).collect();
    if observations.len() < 2 * LEAST_OF_PAIR {
        return Err(SyncError::TooFew(observations.len()));
    }
    let mut shared = vec![0; cameras];
    for (&(i, j), count) in &of_pair {
        shared[i] += count;
        shared[j] += count;
    }
    let reference = reference.unwrap_or_else(|| (0..cameras).max_by_key(|&c| (shared[c], usize::MAX - c)).unwrap_or(0));
    let reached = reached_from(reference, &of_pair, cameras);
    if reached.len() < 2 {
        return Err(SyncError::Reference);
    }
    let observations: Vec<&Observation> = observations.into_iter().filter(|o| reached.contains(&o.i)).collect();
    let witnesses = witnesses(&observations);
    if witnesses.is_empty() {
        return Err(SyncError::TooFew(observations.len()));
    }
    let (first, last) = witnesses.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), w| (a.min(w.at_secs), b.max(w.at_secs)));
    let middle_secs = f64::midpoint(first, last);
    let layout = Layout::new(&reached, reference, of_pair.keys().copied(), last - first > SKEW_AFTER_SECS, middle_secs);
    let fit = layout.fit(&witnesses).ok_or(SyncError::TooFew(observations.len()))?;
    let clock = |camera: usize| -> Option<CameraClock> {
        if !reached.contains(&camera) {
            return None;
        }
        let sigma = |u: usize| fit.covariance[u * layout.count + u].max(0.0).sqrt();
        let offset = layout.offset.get(&camera).copied();
        let (offset_secs, sigma_secs) = offset.map_or((0.0, 0.0), |u| (fit.values[u], sigma(u)));
        let skew = layout.has_skew.then(|| offset.map_or((0.0, 0.0), |u| (fit.values[u + 1] * 1e6, sigma(u + 1) * 1e6)));
        let points = witnesses.iter().filter(|w| w.pair.0 == camera || w.pair.1 == camera).map(|w| w.points).sum();
        let nanos = |secs: f64| (secs * 1e9).round() as i64;
        Some(CameraClock { offset_nanos: nanos(offset_secs), sigma_nanos: nanos(sigma_secs), skew_ppm: skew, points })
    };
    let used = witnesses.iter().map(|w| w.points).sum();
    let mut residuals: Vec<f64> = witnesses.iter().map(|w| w.scale_px).collect();
    residuals.sort_by(f64::total_cmp);
    Ok(Solution {
        reference,
        cameras: (0..cameras).map(clock).collect(),
        middle_secs,
        residual_px: residuals[residuals.len() / 2],
        used,
        rejected: observations.len() - used,
    })
}

/// Cameras that a chain of pairs leads to.
fn reached_from(reference: usize, of_pair: &BTreeMap<(usize, usize), usize>, cameras: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([reference]);
    for _ in 0..cameras {
        for &(i, j) in of_pair.keys() {
            if reached.contains(&i) || reached.contains(&j) {
                reached.extend([i, j]);
            }
        }
    }
    reached
}

/// What the points that two cameras share in one burst say together. They lie on the same few limbs and err together, so they are
/// one witness: a difference of two clocks, and by how much the lines lie beside each other everywhere.
struct Witness {
    pair: (usize, usize),
    at_secs: f64,
    /// (beside, px; clock of `j` minus clock of `i`, seconds).
    says: [f64; 2],
    /// Inverse of the covariance of `says`.
    information: [[f64; 2]; 2],
    points: usize,
    /// Robust standard deviation of one point, px.
    scale_px: f64,
}

fn witnesses(observations: &[&Observation]) -> Vec<Witness> {
    let mut groups: BTreeMap<(usize, usize, usize), Vec<&Observation>> = BTreeMap::new();
    for o in observations {
        groups.entry((o.burst, o.i, o.j)).or_default().push(o);
    }
    groups.into_values().filter(|g| g.len() >= LEAST_OF_PAIR).filter_map(|g| witness(&g)).collect()
}

/// A line through (rate, distance) by robust least squares: its slope is the difference of the clocks. First forgiving (Cauchy's
/// weights, which nothing escapes), then strict (Tukey's, which leave wrong matches out).
fn witness(group: &[&Observation]) -> Option<Witness> {
    let rows: Vec<(f64, f64)> = group.iter().map(|o| (o.rate_px_per_sec, -o.beside_px - o.rate_px_per_sec * o.stamps_apart_secs)).collect();
    let mut weights = vec![1.0; rows.len()];
    let (mut says, mut inverse, mut scale_px) = ([0.0; 2], [0.0; 4], f64::INFINITY);
    for round in 0..30 {
        let one_px = if scale_px.is_finite() { scale_px.powi(-2) } else { 1.0 };
        let mut equations = NormalEquations::new(2);
        equations.add(&[(0, 1.0)], 0.0, CALIBRATION_PX.powi(-2));
        equations.add(&[(1, 1.0)], 0.0, OFFSET_PRIOR_SECS.powi(-2));
        for ((rate, y), w) in rows.iter().zip(&weights) {
            equations.add(&[(0, 1.0), (1, *rate)], *y, w * one_px);
        }
        let (values, covariance) = equations.solve()?;
        (says, inverse) = ([values[0], values[1]], [covariance[0], covariance[1], covariance[2], covariance[3]]);
        let off: Vec<f64> = rows.iter().map(|(rate, y)| y - says[0] - rate * says[1]).collect();
        let mut sizes: Vec<f64> = off.iter().map(|r| r.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        scale_px = (1.4826 * sizes[sizes.len() / 2]).max(0.02);
        for (w, r) in weights.iter_mut().zip(&off) {
            let u = r / scale_px;
            *w = if round < 12 { 1.0 / (1.0 + (u / 2.385).powi(2)) } else { (1.0 - (u / 4.685).powi(2)).max(0.0).powi(2) };
        }
    }
    let sum: f64 = weights.iter().sum();
    let mean_square = rows.iter().zip(&weights).map(|((rate, _), w)| w * rate * rate).sum::<f64>() / sum.max(1e-9);
    let (a, b, d) = (inverse[0] + COMMON_PX.powi(2), inverse[1], inverse[3] + COMMON_PX.powi(2) / mean_square.max(1.0));
    let det = a * d - b * b;
    let points = weights.iter().filter(|w| **w > 0.0).count();
    (det > 0.0 && points >= LEAST_OF_PAIR).then(|| Witness {
        pair: (group[0].i, group[0].j),
        at_secs: group[0].at_secs,
        says,
        information: [[d / det, -b / det], [-b / det, a / det]],
        points,
        scale_px,
    })
}

/// Which unknown is what: per camera an offset (and a skew right after it), per pair what calibration errs.
struct Layout {
    count: usize,
    offset: BTreeMap<usize, usize>,
    pair: BTreeMap<(usize, usize), usize>,
    has_skew: bool,
    middle_secs: f64,
}

struct Fit {
    values: Vec<f64>,
    covariance: Vec<f64>,
}

impl Layout {
    fn new(
        reached: &BTreeSet<usize>,
        reference: usize,
        pairs: impl Iterator<Item = (usize, usize)>,
        has_skew: bool,
        middle_secs: f64,
    ) -> Self {
        let mut count = 0;
        let mut offset = BTreeMap::new();
        for &camera in reached.iter().filter(|c| **c != reference) {
            offset.insert(camera, count);
            count += if has_skew { 2 } else { 1 };
        }
        let mut pair = BTreeMap::new();
        for p in pairs.filter(|(i, _)| reached.contains(i)) {
            pair.insert(p, count);
            count += 1;
        }
        Self { count, offset, pair, has_skew, middle_secs }
    }

    /// What a witness's two words are made of: coefficients of the unknowns.
    fn rows(&self, w: &Witness) -> [Vec<(usize, f64)>; 2] {
        let mut clocks = Vec::with_capacity(4);
        let since = w.at_secs - self.middle_secs;
        for (camera, sign) in [(w.pair.0, -1.0), (w.pair.1, 1.0)] {
            if let Some(&u) = self.offset.get(&camera) {
                clocks.push((u, sign));
                if self.has_skew {
                    clocks.push((u + 1, sign * since));
                }
            }
        }
        [self.pair.get(&w.pair).map(|&u| (u, 1.0)).into_iter().collect(), clocks]
    }

    fn priors(&self, equations: &mut NormalEquations) {
        for &u in self.offset.values() {
            equations.add(&[(u, 1.0)], 0.0, OFFSET_PRIOR_SECS.powi(-2));
            if self.has_skew {
                equations.add(&[(u + 1, 1.0)], 0.0, SKEW_PRIOR.powi(-2));
            }
        }
        for &u in self.pair.values() {
            equations.add(&[(u, 1.0)], 0.0, CALIBRATION_PX.powi(-2));
        }
    }

    /// All witnesses together; one that contradicts the others loses its weight. Where they scatter more than they say, all are
    /// believed less (Birge's ratio).
    fn fit(&self, witnesses: &[Witness]) -> Option<Fit> {
        let rows: Vec<[Vec<(usize, f64)>; 2]> = witnesses.iter().map(|w| self.rows(w)).collect();
        let mut weights = vec![1.0; witnesses.len()];
        let mut fit = None;
        let mut excess = 1.0;
        for _ in 0..15 {
            let mut equations = NormalEquations::new(self.count);
            self.priors(&mut equations);
            for ((witness, [beside, clocks]), weight) in witnesses.iter().zip(&rows).zip(&weights) {
                // The information matrix as a sum of two squares.
                let [[a, b], [_, d]] = witness.information;
                let both: Vec<(usize, f64)> = beside.iter().copied().chain(clocks.iter().map(|&(u, c)| (u, c * b / a))).collect();
                equations.add(&both, witness.says[0] + witness.says[1] * b / a, weight * a);
                equations.add(clocks, witness.says[1], weight * (d - b * b / a).max(0.0));
            }
            let (values, covariance) = equations.solve()?;
            let mut sum = 0.0;
            for ((witness, words), weight) in witnesses.iter().zip(&rows).zip(&mut weights) {
                let [p, q] = [0, 1].map(|k| witness.says[k] - words[k].iter().map(|(u, c)| c * values[*u]).sum::<f64>());
                let [[a, b], [_, d]] = witness.information;
                let chi_square = a * p * p + 2.0 * b * p * q + d * q * q;
                *weight = 1.0 / (1.0 + chi_square / 20.0);
                sum += *weight * chi_square;
            }
            let freedom = (2 * witnesses.len()).saturating_sub(self.count).max(1) as f64;
            excess = f64::max(sum / freedom, 1.0);
            fit = Some(Fit { values, covariance });
        }
        fit.map(|fit| Fit { covariance: fit.covariance.iter().map(|v| v * excess).collect(), ..fit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made-up points of a chain of four cameras with known clocks, 0.17 px of noise, a calibration error per pair, a
    /// fifth of wrong matches.
    fn made_up(offsets_secs: [f64; 4], skews: [f64; 4], bursts: usize) -> Vec<Observation> {
        let mut h = 12345_u64;
        let mut noise = || {
            h = h.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (h >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let mut out = Vec::new();
        for burst in 0..bursts {
            let at_secs = burst as f64 * 5.0;
            let middle = (bursts - 1) as f64 * 2.5;
            for (i, j, error_px) in [(0, 1, 0.3), (1, 2, -0.5), (2, 3, 0.2), (0, 2, 0.1)] {
                for k in 0..60 {
                    let rate_px_per_sec = 900.0 * noise();
                    let clock = |c: usize| offsets_secs[c] + skews[c] * (at_secs - middle);
                    let stamps_apart_secs = 0.002 * noise();
                    let true_px = -rate_px_per_sec * (stamps_apart_secs + clock(j) - clock(i)) + error_px;
                    let beside_px = if k % 5 == 0 { 40.0 * noise() } else { true_px + 0.6 * noise() };
                    out.push(Observation { i, j, burst, at_secs, beside_px, rate_px_per_sec, stamps_apart_secs });
                }
            }
        }
        out
    }

    #[test]
    fn known_clocks_come_out_and_the_sigmas_are_true() {
        let (offsets, skews) = ([0.0, 0.012, -0.019, 0.004], [0.0, 50e-6, -50e-6, 10e-6]);
        let solution = solve_once(&made_up(offsets, skews, 13), 5, Some(0)).unwrap();
        assert!(solution.cameras[4].is_none(), "nobody shares anything with the fifth");
        for c in 1..4 {
            let clock = solution.cameras[c].unwrap();
            let off = clock.offset_nanos as f64 * 1e-9 - offsets[c];
            assert!(off.abs() < 3e-4 && off.abs() < 5e-9 * clock.sigma_nanos as f64, "{c}: {off} ± {}", clock.sigma_nanos);
            let (skew, sigma) = clock.skew_ppm.unwrap();
            assert!((skew - skews[c] * 1e6).abs() < 5.0 && sigma < 7.0, "{c}: {skew} ± {sigma}");
        }
        assert!(solution.rejected > 400 && solution.rejected < 800, "{}", solution.rejected);
        assert!((0.1..0.3).contains(&solution.residual_px), "{}", solution.residual_px);
    }

    #[test]
    fn too_little_is_an_error_with_a_remedy_and_a_single_burst_is_less_sure() {
        let points = made_up([0.0, 0.01, 0.0, 0.0], [0.0; 4], 1);
        let single = solve_once(&points, 4, Some(0)).unwrap().cameras[1].unwrap();
        assert!(single.skew_ppm.is_none());
        let many = solve_once(&made_up([0.0, 0.01, 0.0, 0.0], [0.0; 4], 13), 4, Some(0)).unwrap().cameras[1].unwrap();
        assert!(single.sigma_nanos > many.sigma_nanos, "{} {}", single.sigma_nanos, many.sigma_nanos);
        let told = solve_once(&points[..9], 4, None).unwrap_err().to_string();
        assert!(told.contains("moves"), "{told}");
        assert_eq!(solve_once(&points, 5, Some(4)).unwrap_err(), SyncError::Reference);
    }
}
