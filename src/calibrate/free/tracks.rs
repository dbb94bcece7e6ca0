//! Matches of pairs joined to points that several cameras see.

use std::collections::BTreeMap;

use crate::calibrate::matching::{FeatureId, Sighting, Track};

/// A spot of a picture: moment, camera, index.
pub(super) type SpotId = (usize, usize, usize);

/// Joins matched spots; `px` says where a spot is in its camera's own picture. A point that one camera would see in two places keeps the
/// other cameras only.
pub(super) fn joined(matches: &[(SpotId, SpotId)], px: &dyn Fn(SpotId) -> glam::DVec2) -> Vec<Track> {
    let mut index: BTreeMap<SpotId, usize> = BTreeMap::new();
    let mut ids: Vec<SpotId> = Vec::new();
    let mut parent: Vec<usize> = Vec::new();
    let mut node = |id: SpotId, parent: &mut Vec<usize>| {
        *index.entry(id).or_insert_with(|| {
            ids.push(id);
            parent.push(parent.len());
            parent.len() - 1
        })
    };
    let edges: Vec<(usize, usize)> = matches.iter().map(|(a, b)| (node(*a, &mut parent), node(*b, &mut parent))).collect();
    for (a, b) in edges {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Vec<SpotId>> = BTreeMap::new();
    for (i, id) in ids.iter().enumerate() {
        groups.entry(root(&mut parent, i)).or_default().push(*id);
    }
    let track = |mut ids: Vec<SpotId>| {
        ids.sort_unstable();
        let once = |id: &SpotId| ids.iter().filter(|o| o.1 == id.1).count() == 1;
        let own: Vec<SpotId> = ids.iter().filter(|i| once(i)).copied().collect();
        let sightings = own.iter().map(|id| Sighting { camera: id.1, px: px(*id) }).collect();
        let features =
            own.iter().map(|(moment, camera, feature)| FeatureId { moment: *moment, camera: *camera, feature: *feature }).collect();
        (own.len() >= 2).then_some(Track { sightings, features })
    };
    groups.into_values().filter_map(track).collect()
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_become_points_and_contradictions_are_left_out() {
        let px = |id: SpotId| glam::DVec2::new(id.2 as f64, 0.0);
        let id = |camera, spot| (0, camera, spot);
        let all =
            joined(&[(id(0, 1), id(1, 1)), (id(1, 1), id(2, 4)), (id(0, 7), id(1, 8)), (id(1, 8), id(2, 9)), (id(2, 9), id(0, 3))], &px);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].sightings.iter().map(|s| (s.camera, s.px.x as usize)).collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 4)]);
        // Camera 0 would see it at 7 and at 3.
        assert_eq!(all[1].sightings.iter().map(|s| s.camera).collect::<Vec<_>>(), [1, 2]);
    }
}
