//! Cameras that could not be joined because they show the world in a mirror: turned left to right, their pictures agree with another's.
//!
//! One such camera passes for one that sees something else, and its operator looks for texture where a switch in the camera's menu would do.

use glam::DVec3;
use rayon::prelude::*;

use super::{
    Unjoined,
    pairing::{largest, matches},
    solve::{COARSE, LIMIT_PX, Material, Whole},
    spots::{Spot, spots},
    two::{LEAST_MATCHES, two},
};
use crate::{calibrate::board::Candidate, calibrate::matching::luma, frame::Picture};

/// So many matches agree in a mirror before anybody is told: a goal or a stand is nearly the same both ways.
const LEAST_IN_MIRROR: usize = 3 * LEAST_MATCHES / 2;
/// And so many times as many as without it.
const CLEARLY: usize = 2;
/// So many cameras of the rig, those that look likest, are compared.
const COMPARED: usize = 3;

/// Says of each camera that is in no link whether its pictures are mirrored.
pub(super) fn name_mirrored(whole: &mut Whole, material: &Material, candidates: &[Candidate], moments: &[Vec<Option<&Picture>>]) {
    let lost: Vec<usize> = (0..candidates.len())
        .filter(|i| matches!(whole.unjoined[*i], Some(Unjoined::NoLink { .. } | Unjoined::NotPlaced { .. })))
        .collect();
    for i in lost {
        if let Some(why) = mirrored(i, whole, material, candidates, moments) {
            whole.unjoined[i] = Some(why);
        }
    }
}

fn mirrored(
    camera: usize,
    whole: &Whole,
    material: &Material,
    candidates: &[Candidate],
    moments: &[Vec<Option<&Picture>>],
) -> Option<Unjoined> {
    // The picture in which most is seen; one is enough, for the fault is in all of them.
    let moment = (0..moments.len()).max_by_key(|m| (material.spots_of(*m, camera).len(), usize::MAX - m))?;
    let mut turned = luma(moments[moment][camera]?);
    turned.values.chunks_exact_mut(turned.width).for_each(<[f32]>::reverse);
    let turned = spots(&turned);
    let joined: Vec<usize> = (0..candidates.len()).filter(|j| whole.grown.joined[*j]).collect();
    let few = largest(&turned, COARSE);
    let alike = |j: &usize| (matches(&few, &largest(material.spots_of(moment, *j), COARSE)).len(), *j);
    let mut likest: Vec<(usize, usize)> = joined.par_iter().map(alike).collect();
    likest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let compared = likest.iter().take(COMPARED).map(|(_, with)| {
        let agree = |own: &[Spot]| agreeing(whole, material, (camera, own), (*with, material.spots_of(moment, *with)));
        (agree(&turned), agree(material.spots_of(moment, camera)), *with)
    });
    let (matches, as_it_is, with) = compared.max_by_key(|(turned, ..)| *turned)?;
    let is_mirrored = matches >= LEAST_IN_MIRROR && matches >= CLEARLY * as_it_is;
    is_mirrored.then(|| Unjoined::Mirrored { with: candidates[with].name.clone(), matches, as_it_is })
}

/// Matches of two cameras' spots that one motion explains.
fn agreeing(whole: &Whole, material: &Material, (a, of_a): (usize, &[Spot]), (b, of_b): (usize, &[Spot])) -> usize {
    let ray = |i: usize, spot: &Spot| {
        let r = whole.grown.cameras[i].lens.unproject(spot.px * material.scale[i]);
        if r.z > 0.05 { r / r.z } else { DVec3::new(99.0, 99.0, 1.0) }
    };
    let rays: Vec<(DVec3, DVec3)> = matches(of_a, of_b).into_iter().map(|(i, j)| (ray(a, &of_a[i]), ray(b, &of_b[j]))).collect();
    let limit = |i: usize| LIMIT_PX.1 * material.scale[i] / whole.grown.cameras[i].lens.fx_px;
    two(&rays, 0.5 * (limit(a) + limit(b)), (a * 1000 + b) as u64).map_or(0, |two| two.inliers.len())
}
