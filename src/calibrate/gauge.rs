//! The frame of the world: an adjustment may move all cameras together without a change of any picture. Here it is put back where the
//! rig that came in had it.

use glam::DVec3;

use super::bundle::{State, rotation_of, rotation_vector};
use crate::{
    geometry::{NormalEquations, Pose},
    rig::Camera,
};

/// Moves, turns and scales everything so that the cameras as a whole stand where `imported` has them, by rotations and centres alike, each
/// counting by how well it agrees. A camera that was bumped counts little. `of` are the cameras to go by.
pub(super) fn put_back(imported: &[Camera], state: &mut State, of: &[usize]) {
    if of.len() < 2 {
        return;
    }
    for _ in 0..4 {
        let now = &state.cameras;
        let middle = of.iter().map(|&i| now[i].center_in_world()).sum::<DVec3>() / of.len() as f64;
        // World rotations that would bring each camera back, and the ways that the centres would have to go.
        let turns: Vec<DVec3> = of
            .iter()
            .map(|&i| rotation_vector(imported[i].camera_from_world.rotation.transpose() * now[i].camera_from_world.rotation))
            .collect();
        let ways: Vec<DVec3> = of.iter().map(|&i| imported[i].center_in_world() - now[i].center_in_world()).collect();
        let arms: Vec<DVec3> = of.iter().map(|&i| now[i].center_in_world() - middle).collect();
        let Some((turn, scale, shift)) = common(&turns, &ways, &arms) else { return };
        let q = rotation_of(turn);
        let apply = |p: DVec3| q * (p - middle) * (1.0 + scale) + middle + shift;
        for camera in &mut state.cameras {
            let rotation = camera.camera_from_world.rotation * q.transpose();
            let rotation = Pose::orthonormalized(rotation).unwrap_or(rotation);
            camera.camera_from_world = Pose { rotation, translation: -(rotation * apply(camera.center_in_world())) };
        }
        state.points.iter_mut().for_each(|p| *p = apply(*p));
    }
}

/// The one turn (rad), scale (beyond 1) and shift (m) that most cameras would like.
fn common(turns: &[DVec3], ways: &[DVec3], arms: &[DVec3]) -> Option<(DVec3, f64, DVec3)> {
    let mut x = [0.0; 7];
    for round in 0..20 {
        let turn = DVec3::new(x[0], x[1], x[2]);
        let shift = DVec3::new(x[4], x[5], x[6]);
        let off_turn: Vec<f64> = turns.iter().map(|t| (*t - turn).length()).collect();
        let off_way: Vec<f64> = ways.iter().zip(arms).map(|(w, arm)| (*w - turn.cross(*arm) - *arm * x[3] - shift).length()).collect();
        // The spread that most have; at first everything counts.
        let (spread_turn, spread_way) = (middle_of(&off_turn).max(1e-7), middle_of(&off_way).max(1e-7));
        let weight =
            |off: f64, spread: f64| if round == 0 { 1.0 } else { 1.0 / (1.0 + (off / (2.0 * spread)).powi(2)) } / (spread * spread);
        let mut equations = NormalEquations::new(7);
        for ((turn, way), (arm, (off_turn, off_way))) in turns.iter().zip(ways).zip(arms.iter().zip(off_turn.iter().zip(&off_way))) {
            let (w_turn, w_way) = (weight(*off_turn, spread_turn), weight(*off_way, spread_way));
            for k in 0..3 {
                equations.add(&[(k, 1.0)], turn[k], w_turn);
                let axes = [DVec3::X, DVec3::Y, DVec3::Z];
                let row: Vec<(usize, f64)> = (0..3).map(|j| (j, axes[j].cross(*arm)[k])).chain([(3, arm[k]), (4 + k, 1.0)]).collect();
                equations.add(&row, way[k], w_way);
            }
        }
        x.copy_from_slice(&equations.solve()?.0);
    }
    Some((DVec3::new(x[0], x[1], x[2]), x[3], DVec3::new(x[4], x[5], x[6])))
}

fn middle_of(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calibrate::tests::arc, rig::Rig};

    #[test]
    fn a_whole_that_moved_comes_back_and_one_that_was_bumped_stays_bumped() {
        let rig: Rig = arc(8);
        let q = rotation_of(DVec3::new(0.01, -0.02, 0.03));
        let mut state = State { cameras: rig.cameras.clone(), points: vec![DVec3::new(0.1, 0.2, 1.0)] };
        for c in &mut state.cameras {
            let center = q * c.center_in_world() * 1.03 + DVec3::new(0.1, 0.0, -0.2);
            let rotation = c.camera_from_world.rotation * q.transpose();
            c.camera_from_world = Pose { rotation, translation: -(rotation * center) };
        }
        let bumped = rotation_of(DVec3::new(0.0, 0.03, 0.0));
        let pose = &mut state.cameras[3].camera_from_world;
        *pose = Pose { rotation: bumped * pose.rotation, translation: bumped * pose.translation };
        state.points[0] = q * state.points[0] * 1.03 + DVec3::new(0.1, 0.0, -0.2);
        put_back(&rig.cameras, &mut state, &(0..8).collect::<Vec<_>>());
        for (i, (now, was)) in state.cameras.iter().zip(&rig.cameras).enumerate() {
            let off = rotation_vector(now.camera_from_world.rotation * was.camera_from_world.rotation.transpose()).length();
            let expected = if i == 3 { 0.03 } else { 0.0 };
            assert!((off - expected).abs() < 1e-5, "camera {i}: {off} rad");
            assert!((now.center_in_world() - was.center_in_world()).length() < 1e-4, "camera {i}");
        }
        assert!((state.points[0] - DVec3::new(0.1, 0.2, 1.0)).length() < 1e-4);
    }
}
