//! What the operator adds by hand to the match, as scenes want it.
//!
//! Must not know: who edits it, where it is kept.

use crate::{
    replay::trim::{Trim, TrimList},
    rig::Rig,
    scene::ByHand,
};

/// Of the cameras of a rig, in their order; empty where nothing is added.
pub(super) fn by_hand(trims: &TrimList, rig: &Rig) -> Vec<ByHand> {
    let of = |t: Trim| ByHand { stops: t.stops(), corner_stops: t.vignette, contrast: t.contrast };
    trims.of_all(rig.cameras.iter().map(|c| c.name.as_str())).into_iter().map(of).collect()
}
