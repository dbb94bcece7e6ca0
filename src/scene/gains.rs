//! Exposure and colour of the cameras against each other, from surfaces that several of them see.
//!
//! Each pair of neighbours tells a ratio per channel (the median of a histogram, so that highlights and wrong depth do not count);
//! least squares over all pairs gives every camera its own exposure in stops about their mean, as in panorama stitching (Brown and
//! Lowe 2007, section 6), in linear light. Must not know: the GPU, virtual cameras.

/// Bins of a histogram (`BINS` of shaders/scene/gains.wgsl).
pub const BINS: usize = 128;
/// Bins per stop (`PER_STOP` there).
pub const PER_STOP: f64 = 16.0;
/// More pixels than these make a pair no surer.
const SURE_PIXELS: u32 = 2000;
/// Half of the pixels of a pair lie within so many stops where only the exposure differs (noise, wrong pixels, gloss).
const USUAL_STOPS: f64 = 0.2;
/// How readily pairs are believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// Every so many pixels in both directions are compared.
    pub stride_px: u32,
    /// Fewer pixels than these tell nothing about a pair.
    pub least_pixels: u32,
    /// Where half of the pixels lie wider than this, something else differs, stops.
    pub widest_stops: f64,
    /// A median of so many spreads is half believed.
    pub scatter: f64,
}

/// Of solved depth: what views are made with.
pub const SOLVED: Belief = Belief { stride_px: 4, least_pixels: 200, widest_stops: 0.6, scatter: 0.7 };
/// Of the search at the coarsest level, where many surfaces are wrong or mixed: what matching starts from.
pub const SEARCHED: Belief = Belief { stride_px: 1, least_pixels: 100, widest_stops: 1.5, scatter: 0.35 };
/// Pull towards no difference, against a pair's weight of one: cameras that no pair ties to the others stay as they are.
const PULL: f64 = 1e-6;

/// What a pair of cameras tells about one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The camera that is compared.
    pub camera: usize,
    /// Its neighbour.
    pub neighbour: usize,
    /// By how many stops `camera` is the brighter.
    pub stops: f64,
    /// 0…1.
    pub weight: f64,
}

/// Position in a histogram, in bins, below which `share` of its counts lie.
fn quantile(counts: &[u32], total: u32, share: f64) -> f64 {
    let wanted = f64::from(total) * share;
    let mut below = 0.0;
    for (bin, &count) in counts.iter().enumerate() {
        let count = f64::from(count);
        if count > 0.0 && below + count >= wanted {
            return bin as f64 - 0.5 + (wanted - below) / count;
        }
        below += count;
    }
    counts.len() as f64
}

/// The ratio in one histogram; `None` where too few pixels were compared, or where they do not agree.
pub fn ratio(camera: usize, neighbour: usize, counts: &[u32], belief: &Belief) -> Option<Ratio> {
    let total: u32 = counts.iter().sum();
    if total < belief.least_pixels {
        return None;
    }
    let at = |share: f64| quantile(counts, total, share);
    let spread_stops = (at(0.75) - at(0.25)) / PER_STOP;
    let median_stops = (at(0.5) - counts.len() as f64 * 0.5) / PER_STOP;
    // A small difference among widely scattered ones is gloss seen from two sides, not exposure: it is shrunk towards none.
    let clear = (median_stops / (belief.scatter * spread_stops).max(1e-3)).powi(2);
    (spread_stops <= belief.widest_stops).then(|| Ratio {
        camera,
        neighbour,
        stops: median_stops * clear / (clear + 1.0),
        weight: f64::from(total.min(SURE_PIXELS)) / f64::from(SURE_PIXELS) / (1.0 + (spread_stops / USUAL_STOPS).powi(2)),
    })
}

/// The exposure of each of `n` cameras, stops about the mean of all.
pub fn exposures(n: usize, ratios: &[Ratio]) -> Vec<f64> {
    // Normal equations, row by row with the right side last; positive definite because of the pull.
    let mut rows = vec![vec![0.0; n + 1]; n];
    for (i, row) in rows.iter_mut().enumerate() {
        row[i] = PULL;
    }
    for r in ratios {
        for (i, j, stops) in [(r.camera, r.neighbour, r.stops), (r.neighbour, r.camera, -r.stops)] {
            rows[i][i] += r.weight;
            rows[i][j] -= r.weight;
            rows[i][n] += r.weight * stops;
        }
    }
    for i in 0..n {
        let (above, below) = rows.split_at_mut(i + 1);
        let pivot = &above[i];
        for row in below {
            let share = row[i] / pivot[i];
            if share != 0.0 {
                for (to, from) in row.iter_mut().zip(pivot).skip(i) {
                    *to -= share * from;
                }
            }
        }
    }
    let mut own = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * own[j]).sum();
        own[i] = (rows[i][n] - known) / rows[i][i];
    }
    let mean = own.iter().sum::<f64>() / n.max(1) as f64;
    own.iter().map(|e| e - mean).collect()
}

/// What the linear light of each camera is multiplied with so that all are as the darkest one in each channel; `None` where they are `alike`,
/// within so many stops, already.
pub fn to_the_darkest(stops: &[[f32; 3]], alike: f32) -> Option<Vec<[f32; 3]>> {
    let least: [f32; 3] = std::array::from_fn(|k| stops.iter().map(|s| s[k]).fold(f32::INFINITY, f32::min));
    let differ = stops.iter().any(|s| s.iter().zip(least).any(|(s, least)| s - least > alike));
    differ.then(|| stops.iter().map(|s| std::array::from_fn(|k| (least[k] - s[k]).exp2())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_tells_its_median() {
        let mut counts = [0; BINS];
        counts[BINS / 2 + 8] = 300;
        let r = ratio(0, 1, &counts, &SOLVED).unwrap();
        assert!((r.stops - 0.5).abs() < 2e-3 && (0.13..0.15).contains(&r.weight), "{r:?}");
        // A quarter of nonsense moves it by less than a bin.
        counts[3] = 99;
        assert!((ratio(0, 1, &counts, &SOLVED).unwrap().stops - 0.5).abs() < 1.0 / PER_STOP);
        counts = [0; BINS];
        counts[5] = SOLVED.least_pixels - 1;
        assert_eq!(ratio(0, 1, &counts, &SOLVED), None);
    }

    #[test]
    fn cameras_are_brought_to_the_darkest_only_where_they_differ() {
        assert_eq!(to_the_darkest(&[[0.0; 3], [0.1, -0.04, 0.0]], 0.15), None);
        assert_eq!(to_the_darkest(&[], 0.15), None);
        // In the channel that differs, and in no other.
        let gains = to_the_darkest(&[[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]], 0.15).unwrap();
        assert_eq!(gains, [[0.5, 1.0, 1.0], [1.0; 3], [0.5, 1.0, 1.0]]);
    }

    #[test]
    fn what_a_search_found_is_believed_where_what_was_solved_is_not() {
        // An exposure of one stop among surfaces of which every third is wrong.
        let mut counts = [4; BINS];
        counts[BINS / 2 + 16] = 520;
        counts[BINS / 2 + 12] = 260;
        counts[BINS / 2 + 24] = 260;
        let searched = ratio(0, 1, &counts, &SEARCHED).unwrap();
        assert!((0.8..1.05).contains(&searched.stops), "{searched:?}");
        assert_eq!(ratio(0, 1, &counts, &SOLVED), None);
    }

    #[test]
    fn exposures_follow_from_pairs() {
        let truth = [0.7, -0.4, 0.1, -0.9, 0.5];
        let pair = |camera: usize, neighbour: usize| Ratio { camera, neighbour, stops: truth[camera] - truth[neighbour], weight: 0.5 };
        let found = exposures(5, &[pair(0, 1), pair(1, 2), pair(2, 3), pair(3, 4)]);
        assert!(found.iter().zip(truth).all(|(a, b)| (a - b).abs() < 0.02), "{found:?}");
        // Who is not compared with anybody stays in the middle.
        let found = exposures(6, &[pair(0, 1), pair(1, 2), pair(2, 3), pair(3, 4)]);
        assert!(found[5].abs() < 0.01, "{found:?}");
        assert_eq!(exposures(3, &[]), [0.0; 3]);
    }

    #[test]
    fn a_long_chain_is_followed_to_its_end() {
        let step = |i: usize| Ratio { camera: i + 1, neighbour: i, stops: 0.02, weight: 1.0 };
        let found = exposures(100, &(0..99).map(step).collect::<Vec<_>>());
        assert!((found[99] - found[0] - 1.98).abs() < 0.2, "{}", found[99] - found[0]);
    }
}
