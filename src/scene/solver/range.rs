//! The range of inverse depths in which to search, found by a quick solve where the rig has no points.

use super::{SceneSolver, Textures, view};
use crate::{
    gpu::{GpuError, Timer, storage},
    rig::Rig,
    scene::{Plan, gpu_data::PairGpu, memory},
};

impl SceneSolver {
    /// A quick solve below the coarsest level over the whole range; keeps what the cameras agree on.
    pub(super) fn tighten_range(&self, plan: &Plan, rig: &Rig, textures: &Textures, timer: &mut Timer) -> Result<(f64, f64), GpuError> {
        let gpu = &self.gpu;
        let level = plan.levels;
        let level_view = view(&textures.levels[level as usize]);
        let mut maps = Vec::new();
        let mut all_pairs = Vec::new();
        for i in 0..rig.cameras.len() {
            let parameters = self.parameters(plan, i, level);
            let (pairs, used) = self.pairs(plan, rig, i);
            let state = storage(gpu, "state", u64::from(parameters.width) * u64::from(parameters.height) * memory::STATE_BYTES);
            self.coarse("range", (&parameters, plan.looks_apart[i]), &pairs, &level_view, &state, timer);
            let bytes = gpu.read_buffer(&state)?;
            let floats: &[f32] = bytemuck::cast_slice(&bytes);
            maps.push((parameters.width, parameters.height, floats.chunks_exact(4).map(|s| s[0]).collect::<Vec<f32>>()));
            all_pairs.push(used);
        }
        Ok(agreed_range(plan, &maps, &all_pairs, level))
    }
}

/// Range of the inverse depths that at least one neighbour confirms within 1.5 px, with a margin.
fn agreed_range(plan: &Plan, maps: &[(u32, u32, Vec<f32>)], pairs: &[Vec<PairGpu>], level: u32) -> (f64, f64) {
    let scale = (1_u32 << level) as f32;
    let mut agreed = Vec::new();
    for (i, (w, h, rho)) in maps.iter().enumerate() {
        for (k, &r) in rho.iter().enumerate() {
            let p = [(k as u32 % w) as f32 + 0.5, (k as u32 / w) as f32 + 0.5].map(|v| v * scale);
            debug_assert!(k < (*w * *h) as usize);
            let confirmed = pairs[i].iter().any(|pair| {
                let Some((uv, z)) = pair.map(p, r) else { return false };
                let (sw, sh, other) = &maps[pair.size_layer[2] as usize];
                let (x, y) = ((uv[0] / scale).floor(), (uv[1] / scale).floor());
                if x < 0.0 || y < 0.0 || x >= *sw as f32 || y >= *sh as f32 {
                    return false;
                }
                let found = other[y as usize * *sw as usize + x as usize];
                (found - r / z).abs() < 1.5 * pair.size_layer[3] * scale
            });
            if confirmed {
                agreed.push(r);
            }
        }
    }
    let (lo, hi) = plan.rho_range;
    if agreed.len() < 200 {
        return (lo, hi);
    }
    agreed.sort_by(f32::total_cmp);
    let at = |q: f64| f64::from(agreed[((agreed.len() - 1) as f64 * q) as usize]);
    let (a, b) = (at(0.004), at(0.996));
    let margin = 0.08 * (b - a);
    let (a, b) = on_grid((a - margin).max(lo), (b + margin).min(hi));
    (a.max(lo), b.min(hi))
}

/// The range widened to round figures, a 64th of its span or less: what devices round differently shall not move every hypothesis.
fn on_grid(a: f64, b: f64) -> (f64, f64) {
    // A range without extent has the grid of its size.
    let step = (b - a).max(1e-6 * b.abs()).max(1e-30).log2().floor().exp2() / 64.0;
    ((a / step).floor() * step, (b / step).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::on_grid;

    #[test]
    fn a_range_a_little_different_is_the_same_range() {
        assert_eq!(on_grid(0.04649, 0.7987), on_grid(0.04654, 0.7988));
        let (a, b) = on_grid(0.1, 0.3);
        let (c, d) = on_grid(0.3, 0.3);
        assert!(c <= 0.3 && d >= 0.3 && d - c < 1e-6);
        assert!(a <= 0.1 && b >= 0.3 && b - a < 0.2 * (1.0 + 2.0 / 64.0), "{a} {b}");
    }
}
