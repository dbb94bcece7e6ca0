//! Which cameras a view is made from, and how much each counts.

use super::ViewMode;
use crate::{rig::Camera, scene::Scene};

/// Sources of a full synthesis.
const SOURCES: usize = 4;
/// Angle from the target at which a camera counts 1/e of what its rank alone would have it count, degrees: far cameras see other
/// surfaces and other lights, whatever else there is. Chosen on the real pictures (docs/synthesis.md); rigs of a few degrees do not feel it.
const FAR_DEG: f64 = 40.0;

/// (camera index, weight; the weights sum to 1), nearest first. Weights are continuous along an orbit, and so is their derivative
/// but for the middle of a gap, where the first camera that is left out is another one (a bend of less than a tenth of a weight per
/// gap): a camera's weight reaches zero, with zero slope, where the next one takes its place (unstructured lumigraph, Buehler et al.
/// 2001), and one where the target stands at the camera.
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
    let angles: Vec<f64> = by_angle.iter().map(|(angle, _)| *angle).collect();
    by_angle.iter().zip(weights(&angles, mode)).map(|((_, i), w)| (*i, w as f32)).collect()
}

/// The weights of the nearest cameras from the angles to all of them, radians, nearest first: they sum to 1.
fn weights(angles: &[f64], mode: ViewMode) -> Vec<f64> {
    let count = match mode {
        ViewMode::Synthesis => SOURCES,
        ViewMode::SoftFade | ViewMode::CrossFade => 2,
        ViewMode::Nearest => 1,
    }
    .min(angles.len());
    let limit = angles.get(count).copied().unwrap_or_else(|| angles.last().map_or(1.0, |last| last * 1.25 + 1e-3)).max(1e-6);
    let raw = angles.iter().take(count).map(|angle| match mode {
        // Along the arc the two neighbours fade linearly.
        ViewMode::SoftFade | ViewMode::CrossFade | ViewMode::Nearest => 1.0 / (angle + 1e-6),
        ViewMode::Synthesis => {
            let far = (-(angle.to_degrees() / FAR_DEG).powi(2)).exp();
            far * (1.0 - angle / limit).max(0.0).powi(2) / (angle + 1e-5)
        }
    });
    let raw: Vec<f64> = raw.collect();
    let sum: f64 = raw.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return if angles.is_empty() { vec![] } else { vec![1.0] };
    }
    raw.iter().map(|w| w / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weight of each camera of a row where the target stands, by camera.
    fn along(cameras_deg: &[f64], at_deg: f64) -> Vec<f64> {
        let mut near: Vec<(f64, usize)> = cameras_deg.iter().enumerate().map(|(i, c)| ((c - at_deg).abs().to_radians(), i)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let angles: Vec<f64> = near.iter().map(|n| n.0).collect();
        let mut by_camera = vec![0.0; cameras_deg.len()];
        for ((_, i), w) in near.iter().zip(weights(&angles, ViewMode::Synthesis)) {
            by_camera[*i] = w;
        }
        by_camera
    }

    #[test]
    fn weights_go_over_from_camera_to_camera_without_a_jump_and_hardly_a_bend() {
        for spacing_deg in [3.0, 6.0, 15.0, 45.0] {
            let row: Vec<f64> = (0..8).map(|i| spacing_deg * f64::from(i)).collect();
            let step = spacing_deg * 1e-3;
            let (mut before, mut slope) = (along(&row, 2.0 * spacing_deg + step), vec![0.0; row.len()]);
            for k in 2..1999 {
                let now = along(&row, 2.0 * spacing_deg + step * f64::from(k));
                assert!((now.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                for i in 0..row.len() {
                    let next = (now[i] - before[i]) * 1e3;
                    // At a camera itself the sources meet in a point.
                    let at_camera = (k - 1000i32).abs() < 60 || k < 60 || k > 1940;
                    assert!(
                        at_camera || (next - slope[i]).abs() < 0.1 || k == 2,
                        "{spacing_deg}°, camera {i}, step {k}: {} to {next}",
                        slope[i]
                    );
                    slope[i] = next;
                }
                before = now;
            }
            assert!(along(&row, 3.0 * spacing_deg)[3] > 0.999);
        }
    }

    #[test]
    fn far_cameras_count_less_on_wide_rigs_and_narrow_rigs_do_not_feel_it() {
        let third = |spacing_deg: f64| along(&[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(|i| i * spacing_deg), 0.0)[1];
        let by_rank = third(0.5);
        assert!((third(6.0) - by_rank).abs() < 0.06 * by_rank, "{by_rank}, 6° {}", third(6.0));
        assert!(third(45.0) < 0.2 * by_rank, "{by_rank}, 45° {}", third(45.0));
    }

    #[test]
    fn a_camera_opposite_of_the_target_still_serves_when_it_is_alone() {
        assert_eq!(weights(&[std::f64::consts::PI], ViewMode::Synthesis), [1.0]);
        assert_eq!(weights(&[], ViewMode::Synthesis), [0.0; 0]);
    }
}
