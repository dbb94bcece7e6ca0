//! Which spot of one picture is which of another, by likeness alone: each other's best, and clearly better than the next.

use super::spots::{Spot, UNIT};

/// A match's distance is at most this share of the next one's (Lowe 2004, §7.1).
const RATIO: f64 = 0.82;
/// Candidates this near to each other are the same place, px.
const SAME_PLACE_PX: f64 = 3.0;

/// The three likest spots of the other picture: (dot product, index).
#[derive(Clone, Copy)]
struct Likest([(i32, u32); 3]);

impl Likest {
    const NONE: Self = Self([(-1, u32::MAX); 3]);

    fn offer(&mut self, dot: i32, index: usize) {
        let [a, b, c] = &mut self.0;
        if dot <= c.0 {
            return;
        }
        let new = (dot, index as u32);
        if dot > a.0 {
            (*c, *b, *a) = (*b, *a, new);
        } else if dot > b.0 {
            (*c, *b) = (*b, new);
        } else {
            *c = new;
        }
    }

    /// The best one, if the next that is somewhere else is clearly worse.
    fn clear(&self, among: &[Spot]) -> Option<usize> {
        let [best, rest @ ..] = &self.0;
        let spot = among.get(best.1 as usize)?;
        let far = |dot: i32| (2.0 - 2.0 * f64::from(dot) / (UNIT * UNIT)).max(0.0).sqrt();
        let next = rest.iter().find(|(_, i)| among.get(*i as usize).is_some_and(|s| (s.px - spot.px).length() > SAME_PLACE_PX));
        (next.is_none_or(|n| far(best.0) <= RATIO * far(n.0))).then_some(best.1 as usize)
    }
}

/// Pairs of indices.
pub(super) fn matches(a: &[Spot], b: &[Spot]) -> Vec<(usize, usize)> {
    let (mut of_a, mut of_b) = (vec![Likest::NONE; a.len()], vec![Likest::NONE; b.len()]);
    // In blocks that stay in the cache.
    for (block, chunk) in b.chunks(256).enumerate() {
        for (i, s) in a.iter().enumerate() {
            for (k, t) in chunk.iter().enumerate() {
                let j = block * 256 + k;
                let dot: i32 = s.numbers.iter().zip(t.numbers.iter()).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
                of_a[i].offer(dot, j);
                of_b[j].offer(dot, i);
            }
        }
    }
    let best_in_b = |i: usize| of_a[i].clear(b);
    (0..a.len()).filter_map(|i| Some((i, best_in_b(i)?))).filter(|(i, j)| of_b[*j].clear(a) == Some(*i)).collect()
}

/// The largest spots: few of them tell which pictures have anything in common.
pub(super) fn largest(spots: &[Spot], count: usize) -> Vec<Spot> {
    let mut order: Vec<usize> = (0..spots.len()).collect();
    order.sort_by(|a, b| spots[*b].size_px.total_cmp(&spots[*a].size_px).then(a.cmp(b)));
    order.truncate(count);
    order.into_iter().map(|i| spots[i].clone()).collect()
}
