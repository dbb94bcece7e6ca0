//! Which cameras a view is made from, and how much each counts.

use super::ViewMode;
use crate::{rig::Camera, scene::Scene};

/// Sources of a full synthesis.
const SOURCES: usize = 4;

/// (camera index, weight; the weights sum to 1), nearest first. Weights are continuous with a continuous derivative along an
/// orbit: a camera's weight reaches zero, with zero slope, where the next one takes its place (unstructured lumigraph,
/// Buehler et al. 2001), and one where the target stands at the camera.
pub fn choose(scene: &Scene, target: &Camera, mode: ViewMode) -> Vec<(usize, f32)> {
    let pivot = scene.plan.center_in_world;
    let own = target.center_in_world() - pivot;
    let mut by_angle: Vec<(f64, usize)> = scene
        .rig
        .cameras
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let angle = own.angle_between(c.center_in_world() - pivot);
            // Not a number when a camera stands at the pivot: then it is no better than the worst.
            (if angle.is_finite() { angle } else { std::f64::consts::PI }, i)
        })
        .collect();
    by_angle.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = match mode {
        ViewMode::Synthesis => SOURCES,
        ViewMode::SoftFade | ViewMode::CrossFade => 2,
        ViewMode::Nearest => 1,
    }
    .min(by_angle.len());
    let limit = by_angle.get(count).map_or_else(|| by_angle.last().map_or(1.0, |l| l.0 * 1.25 + 1e-3), |n| n.0).max(1e-6);
    let raw: Vec<f64> = by_angle
        .iter()
        .take(count)
        .map(|(angle, _)| match mode {
            // Along the arc the two neighbours fade linearly.
            ViewMode::SoftFade | ViewMode::CrossFade | ViewMode::Nearest => 1.0 / (angle + 1e-6),
            ViewMode::Synthesis => (1.0 - angle / limit).max(0.0).powi(2) / (angle + 1e-5),
        })
        .collect();
    let sum: f64 = raw.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return by_angle.first().map(|(_, i)| (*i, 1.0)).into_iter().collect();
    }
    by_angle.iter().zip(raw).map(|((_, i), w)| (*i, (w / sum) as f32)).collect()
}
