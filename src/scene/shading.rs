//! What else makes a surface differ between cameras besides exposure: lenses that are darker towards their corners, and responses that
//! are not the others'.
//!
//! Surfaces that two cameras see in different places of their pictures tell both, as in panorama stitching (Goldman and Chen 2005, "Vignette and exposure
//! calibration and compensation"): of a surface that would be `u` stops about a middle grey camera `i` shows `v = u + e_i + r_i v + q_i v²` in each channel, and
//! `a_i ρ² + b_i ρ⁴` less than that, `ρ` being the distance from the middle of the picture (1 in its corners). Robust least squares, pulled
//! towards nothing; a quarter of the surfaces is kept out of it and judges whether anything was gained. Must not know: the GPU, virtual cameras.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::geometry::NormalEquations;

/// What a lens and a response make of the light.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shading {
    /// Stops lost at ρ = 1 that grow with ρ² and with ρ⁴.
    pub rim_stops: [f32; 2],
    /// What its response adds to the common one, stops: by the stops that it shows about [`MIDDLE_STOPS`], and by their square.
    pub curve: [f32; 2],
    /// Where rims and responses of all cameras are evened out, its exposure, stops per channel about the mean of all.
    pub exposure: [f32; 3],
}

impl Shading {
    /// Stops lost in the corners.
    pub fn corner_stops(&self) -> f32 {
        self.rim_stops[0] + self.rim_stops[1]
    }

    /// Light that is left at ρ², of 1 in the middle.
    pub fn light_at(&self, rho2: f32) -> f32 {
        (-(self.rim_stops[0] + self.rim_stops[1] * rho2) * rho2).exp2()
    }

    /// What its response adds to the common one where it shows so many stops about the middle grey.
    pub fn added_stops(&self, shown_stops: f32) -> f32 {
        let v = shown_stops.clamp(CURVE_STOPS.0, CURVE_STOPS.1);
        (self.curve[1] * v + self.curve[0]) * v
    }

    /// Whether lens and response are like the others'.
    pub fn is_none(&self) -> bool {
        self.rim_stops == [0.0; 2] && self.curve == [0.0; 2]
    }
}

/// The middle grey about which responses turn, stops (linear light of 0.18).
pub const MIDDLE_STOPS: f64 = -2.474;
/// Responses are known within so many stops about it; beyond they go on as they end (`CURVE_LOW`, `CURVE_HIGH` of shaders/common/light.wgsl).
pub const CURVE_STOPS: (f32, f32) = (-6.0, 2.5);

/// One surface in two cameras.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The two cameras.
    pub cameras: [usize; 2],
    /// Logarithms to the base 2 of the linear light that each shows, red, green and blue.
    pub stops: [[f64; 3]; 2],
    /// Squares of the distances from the middle of their pictures, 1 in the corners.
    pub rho2: [f64; 2],
}

/// Unknowns per camera: three exposures, two of the rim, two of the response.
const UNKNOWNS: usize = 7;
/// The first of the rim, of the response.
const RIM: usize = 3;
const CURVE: usize = 5;
type Look = [f64; UNKNOWNS];
/// How far each may be from nothing, roughly.
const USUAL: Look = [4.0, 4.0, 4.0, 0.5, 0.3, 0.15, 0.03];
/// A sample is known to so much, stops.
const SAMPLE_STOPS: f64 = 0.12;
/// Channels, samples of one surface and of one light are off together: so many count as one.
const TOGETHER: f64 = 8.0;
/// Fewer samples per camera tell nothing.
const LEAST_SAMPLES: usize = 30;
/// So many of a pair are enough.
const MOST_OF_PAIR: usize = 192;
/// So much of the disagreement must go, on samples that were kept out, for other exposures than those of the pixels' ratios: those are shrunk where
/// gloss may be taken for exposure, and should be.
/// A glossy model house before one camera on a robot's arm gains 0.20 by exposures that it does not have, and its hidden cameras lose 0.19 dB.
const EXPOSURE_GAIN: f64 = 0.4;
/// The same for rims and responses.
const GAIN: f64 = 0.03;
/// Less than this in a corner, stops, and less of a response than this, are nobody's fault.
const LEAST_CORNER: f64 = 0.1;
const LEAST_CURVE: [f64; 2] = [0.025, 0.01];
/// More of a response than this is none.
const MOST_CURVE: [f64; 2] = [0.35, 0.04];

/// What is looked for of each camera.
type Sought = Vec<[bool; UNKNOWNS]>;

/// What surfaces tell of the cameras.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Exposures, stops per channel about the mean of all: those that were given, or others that explain the surfaces clearly better.
    pub exposures: Vec<[f32; 3]>,
    /// Rims and responses, nothing where nothing is gained.
    pub shadings: Vec<Shading>,
}

/// The same surface of so many pairs of cameras: no more than tell something, spread over all that there are.
fn thinned(samples: &[Sample]) -> Vec<&Sample> {
    let mut counts: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    for s in samples {
        *counts.entry(s.cameras).or_default() += 1;
    }
    let mut seen: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    let is_taken = |s: &&Sample| {
        let (count, k) = (counts.get(&s.cameras).copied().unwrap_or(0), seen.entry(s.cameras).or_default());
        *k += 1;
        // Whenever the share of what was seen reaches the next one.
        *k * MOST_OF_PAIR / count.max(MOST_OF_PAIR) > (*k - 1) * MOST_OF_PAIR / count.max(MOST_OF_PAIR)
    };
    samples.iter().filter(is_taken).collect()
}

/// Of cameras whose exposures are known by their pixels' ratios ([`super::gains`]).
pub fn found(exposures: &[[f32; 3]], samples: &[Sample]) -> Found {
    let n = exposures.len();
    let none = || Found { exposures: exposures.to_vec(), shadings: vec![Shading::default(); n] };
    let samples = thinned(samples);
    if samples.len() < LEAST_SAMPLES * n.max(2) {
        return none();
    }
    // Every fourth judges: not its neighbours in the picture alone, but whole runs of them.
    let judges = |k: usize| (k / 8).is_multiple_of(4);
    let (kept, learned): (Vec<_>, Vec<_>) = samples.into_iter().enumerate().partition(|(k, _)| judges(*k));
    let kept: Vec<&Sample> = kept.into_iter().map(|(_, s)| s).collect();
    let learned: Vec<&Sample> = learned.into_iter().map(|(_, s)| s).collect();
    let try_model = |(rim, curve): (bool, usize)| {
        let mut sought = vec![[true, true, true, rim, rim, curve > 0, curve > 1]; n];
        let mut x = solved(n, &learned, &sought)?;
        if rim || curve > 0 {
            // What is no rim and no response is not sought; exposures are then found anew, so that all models are judged alike.
            thin_out(&mut sought, &centred(&x));
            x = centred(&solved(n, &learned, &sought)?);
            bound(&mut x, &sought);
        }
        Some((spread(&x, &kept), x))
    };
    let models = [(false, 0), (true, 0), (false, 1), (true, 1), (true, 2)];
    let mut tried = models.into_par_iter().map(try_model).collect::<Vec<_>>().into_iter().flatten();
    let Some((plain, of_surfaces)) = tried.next() else { return none() };
    let given: Vec<Look> = exposures.iter().map(|e| [f64::from(e[0]), f64::from(e[1]), f64::from(e[2]), 0.0, 0.0, 0.0, 0.0]).collect();
    let given_spread = spread(&given, &kept);
    let about_mean = |x: &[Look]| -> Vec<[f32; 3]> {
        let mean: [f64; 3] = std::array::from_fn(|k| x.iter().map(|c| c[k]).sum::<f64>() / n as f64);
        x.iter().map(|c| std::array::from_fn(|k| (c[k] - mean[k]) as f32)).collect()
    };
    let exposures = if plain < (1.0 - EXPOSURE_GAIN) * given_spread { about_mean(&of_surfaces) } else { exposures.to_vec() };
    let mut best: Option<(f64, Vec<Look>)> = None;
    let mut wanted = (1.0 - GAIN) * plain;
    for (spread, x) in tried {
        if spread < wanted {
            // The next must again be clearly better than this one.
            wanted = (1.0 - 0.5 * GAIN) * spread;
            best = Some((spread, x));
        }
    }
    tracing::debug!(given_spread, plain, ?best, "exposures, rims and responses of the cameras");
    let Some((_, x)) = best else { return Found { exposures, shadings: vec![Shading::default(); n] } };
    let of = |(c, exposure): (&Look, [f32; 3])| Shading {
        rim_stops: [c[RIM] as f32, c[RIM + 1] as f32],
        curve: [c[CURVE] as f32, c[CURVE + 1] as f32],
        exposure,
    };
    Found { exposures, shadings: x.iter().zip(about_mean(&x)).map(of).collect() }
}

/// What the cameras of a sample make of the surface besides itself, by the unknowns' coefficients (exposure, rim, response), in a channel: the
/// response is taken at what each shows of the surface that both are believed to see, so that noise of the one tells nothing of its own response.
fn coefficients(x: &[Look], s: &Sample, channel: usize) -> [[f64; 5]; 2] {
    let surface = |k: usize| {
        let (c, rho2) = (&x[s.cameras[k]], s.rho2[k]);
        let v = s.stops[k][channel] + (c[RIM] + c[RIM + 1] * rho2) * rho2 - MIDDLE_STOPS;
        v - (c[CURVE] + c[CURVE + 1] * v) * v - c[channel]
    };
    let u = 0.5 * (surface(0) + surface(1));
    std::array::from_fn(|k| {
        let (c, rho2) = (&x[s.cameras[k]], s.rho2[k]);
        let light = u + c[channel];
        let v = (light + (c[CURVE] + c[CURVE + 1] * light) * light).clamp(f64::from(CURVE_STOPS.0), f64::from(CURVE_STOPS.1));
        [1.0, -rho2, -rho2 * rho2, v, v * v]
    })
}

/// The unknowns that [`coefficients`] belong to.
const fn unknowns(channel: usize) -> [usize; 5] {
    [channel, RIM, RIM + 1, CURVE, CURVE + 1]
}

fn residual(x: &[Look], s: &Sample, channel: usize) -> f64 {
    let by = coefficients(x, s, channel);
    let of = |k: usize| by[k].iter().zip(unknowns(channel)).map(|(by, u)| by * x[s.cameras[k]][u]).sum::<f64>();
    s.stops[0][channel] - s.stops[1][channel] - (of(0) - of(1))
}

/// Middle of the disagreement, stops.
fn spread(x: &[Look], samples: &[&Sample]) -> f64 {
    let mut off: Vec<f64> = samples.iter().flat_map(|s| (0..3).map(|k| residual(x, s, k).abs())).collect();
    off.sort_by(f64::total_cmp);
    off.get(off.len() / 2).copied().unwrap_or(f64::INFINITY)
}

fn solved(n: usize, samples: &[&Sample], sought: &Sought) -> Option<Vec<Look>> {
    let mut x = vec![[0.0; UNKNOWNS]; n];
    let mut scale = 1.0;
    for _ in 0..6 {
        let mut equations = NormalEquations::new(n * UNKNOWNS);
        for (s, channel) in samples.iter().flat_map(|s| (0..3).map(move |channel| (s, channel))) {
            let weight = 1.0 / (1.0 + (residual(&x, s, channel) / scale).powi(2)) / (SAMPLE_STOPS * SAMPLE_STOPS * TOGETHER);
            let by = coefficients(&x, s, channel);
            let mut row = [(0, 0.0); 10];
            for (k, sign) in [(0, 1.0), (1, -1.0)] {
                let camera = s.cameras[k];
                for (place, (by, u)) in by[k].into_iter().zip(unknowns(channel)).enumerate() {
                    row[5 * k + place] = (camera * UNKNOWNS + u, if sought[camera][u] { sign * by } else { 0.0 });
                }
            }
            equations.add(&row, s.stops[0][channel] - s.stops[1][channel], weight);
        }
        for i in 0..n * UNKNOWNS {
            equations.add(&[(i, 1.0)], 0.0, USUAL[i % UNKNOWNS].powi(-2));
        }
        let (solution, _) = equations.solve()?;
        for (c, values) in x.iter_mut().zip(solution.chunks(UNKNOWNS)) {
            c.copy_from_slice(values);
        }
        scale = (2.5 * spread(&x, samples)).clamp(0.05, 1.0);
    }
    Some(x)
}

/// What all responses have in common nobody can tell: the middle one is none.
fn centred(x: &[Look]) -> Vec<Look> {
    let middle = |u: usize| {
        let mut all: Vec<f64> = x.iter().map(|c| c[u]).collect();
        all.sort_by(f64::total_cmp);
        match all.len() {
            0 => 0.0,
            n if n % 2 == 1 => all[n / 2],
            n => 0.5 * (all[n / 2 - 1] + all[n / 2]),
        }
    };
    let common = [middle(CURVE), middle(CURVE + 1)];
    x.iter().map(|c| [c[0], c[1], c[2], c[3], c[4], c[5] - common[0], c[6] - common[1]]).collect()
}

/// Lenses are never brighter towards their corners, and what is small is nothing.
fn thin_out(sought: &mut Sought, x: &[Look]) {
    for (sought, c) in sought.iter_mut().zip(x) {
        let (rim, curve) = ([c[RIM], c[RIM + 1]], [c[CURVE], c[CURVE + 1]]);
        let falls = (1..=10).all(|k| {
            let rho2 = f64::from(k) * 0.1;
            (rim[0] + rim[1] * rho2) * rho2 >= -0.02
        });
        let has_rim = rim[0] + rim[1] >= LEAST_CORNER && falls;
        let has_curve = curve[0].abs() >= LEAST_CURVE[0] || curve[1].abs() >= LEAST_CURVE[1];
        for k in 0..2 {
            sought[RIM + k] &= has_rim;
            sought[CURVE + k] &= has_curve;
        }
    }
}

/// Within what is believed; exactly nothing where nothing was sought.
fn bound(x: &mut [Look], sought: &Sought) {
    let most = [(RIM, 3.0), (RIM + 1, 3.0), (CURVE, MOST_CURVE[0]), (CURVE + 1, MOST_CURVE[1])];
    for (c, sought) in x.iter_mut().zip(sought) {
        for (u, most) in most {
            c[u] = if sought[u] { c[u].clamp(-most, most) } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic, −1 to 1.
    fn noise(seed: u64) -> f64 {
        let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
    }

    /// Surfaces that neighbours see, with gloss and people in one of ten.
    fn samples(truth: &[Look], gloss: f64) -> Vec<Sample> {
        let n = truth.len();
        (0..600 * (n - 1))
            .map(|k| {
                // Every camera against each of the others.
                let (seed, i) = (10 * k as u64, k % n);
                let cameras = [i, (i + 1 + k / n % (n - 1)) % n];
                let rho2 = [0.5 + 0.5 * noise(seed), 0.5 + 0.5 * noise(seed + 1)];
                let light = 2.0 * noise(seed + 2);
                let of = |c: usize, channel: usize| {
                    let (x, rho2) = (&truth[cameras[c]], rho2[c]);
                    let wrong = if noise(seed + 5) > 0.8 { 2.0 * noise(seed + 6 + c as u64) } else { 0.0 };
                    let gloss = gloss * noise(seed + 3 + c as u64);
                    let v = light + 0.3 * channel as f64 + x[channel];
                    MIDDLE_STOPS + v + (x[CURVE] + x[CURVE + 1] * v) * v - (x[RIM] + x[RIM + 1] * rho2) * rho2 + gloss + wrong
                };
                let stops = [0, 1].map(|c| [0, 1, 2].map(|channel| of(c, channel)));
                Sample { cameras, stops, rho2 }
            })
            .collect()
    }

    #[test]
    fn dark_rims_and_another_response_are_found_among_gloss_and_people() {
        let truth: [Look; 4] = [
            [0.2, 0.1, 0.2, 0.4, 0.2, 0.0, 0.0],
            [-0.3, -0.3, -0.3, 0.0, 0.0, 0.12, 0.0],
            [0.1, 0.2, 0.1, 0.5, 0.0, -0.08, 0.0],
            [0.0, 0.0, 0.0, 0.1, 0.6, 0.0, 0.03],
        ];
        let found = found(&[[0.0; 3]; 4], &samples(&truth, 0.1)).shadings;
        for (s, t) in found.iter().zip(&truth) {
            let off = (f64::from(s.corner_stops()) - t[RIM] - t[RIM + 1]).abs();
            assert!(off < 0.15 && (f64::from(s.curve[0]) - t[CURVE]).abs() < 0.04, "{s:?} of {t:?}");
            assert!((f64::from(s.curve[1]) - t[CURVE + 1]).abs() < 0.015, "{s:?} of {t:?}");
            assert!((0..3).all(|k| (f64::from(s.exposure[k] - found[1].exposure[k]) - t[k] + truth[1][k]).abs() < 0.1), "{s:?} of {t:?}");
        }
        assert!((found[1].light_at(1.0) - 1.0).abs() < 1e-6, "a lens without a rim has none");
    }

    #[test]
    fn where_there_is_nothing_nothing_is_found() {
        let of = |stops: f64, rim: f64| -> Look { [stops, stops, stops, rim, 0.0, 0.0, 0.0] };
        let truth = [of(0.5, 0.0), of(-0.5, 0.0), of(0.1, 0.0), of(0.0, 0.0)];
        let exposures = [[0.475; 3], [-0.525; 3], [0.075; 3], [-0.025; 3]];
        let is_nothing = |found: Found| found.shadings == [Shading::default(); 4] && found.exposures == exposures;
        for gloss in [0.05, 0.15, 0.4] {
            assert!(is_nothing(found(&exposures, &samples(&truth, gloss))), "{gloss}");
        }
        assert!(is_nothing(found(&exposures, &samples(&truth, 0.1)[..100])), "too few");
        // Corners that are brighter are something else: a light in the hall.
        let truth = [of(0.0, -0.5), of(0.0, -0.5), of(0.0, 0.0)];
        assert!(found(&[[0.0; 3]; 3], &samples(&truth, 0.1)).shadings.iter().all(Shading::is_none));
    }

    #[test]
    fn exposures_that_the_pixels_ratios_did_not_tell_are_told_by_the_surfaces() {
        let of = |red: f64, rest: f64| -> Look { [red, rest, rest, 0.0, 0.0, 0.0, 0.0] };
        let truth = [of(0.5, 0.5), of(-0.5, -0.5), of(0.9, 0.1), of(-0.9, -0.1)];
        let given = [[0.0, 0.5, 0.5], [0.0, -0.5, -0.5], [0.0, 0.1, 0.1], [0.0, -0.1, -0.1]];
        let told = found(&given, &samples(&truth, 0.1));
        let is_true = |(e, t): (&[f32; 3], &Look)| (0..3).all(|k| (f64::from(e[k]) - t[k]).abs() < 0.1);
        assert!(told.exposures.iter().zip(&truth).all(is_true), "{:?}", told.exposures);
        assert!(told.shadings.iter().all(Shading::is_none));
    }

    #[test]
    fn a_response_is_known_within_bounds() {
        let s = Shading { rim_stops: [0.3, 0.2], curve: [0.1, 0.02], exposure: [0.0; 3] };
        assert!((s.added_stops(1.0) - 0.12).abs() < 1e-6 && (s.light_at(1.0) - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((s.added_stops(9.0) - s.added_stops(CURVE_STOPS.1)).abs() < 1e-6);
    }
}
