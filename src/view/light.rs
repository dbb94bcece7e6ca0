//! How the light of a view's sources is brought to the view's: exposure and white, dark corners, responses, what is added by hand.
//!
//! Must not know: how the differences between the cameras are measured, the GPU.

use super::ViewMode;
use crate::scene::{Matching, Scene, gpu_data::CameraGpu};

/// Rim (two) and response (two) of one camera, as measured.
fn measured(scene: &Scene, i: usize) -> [f32; 4] {
    let shading = scene.shadings.get(i).copied().unwrap_or_default();
    [shading.rim_stops[0], shading.rim_stops[1], shading.curve[0], shading.curve[1]]
}

/// Sets gains and looks of the target (the first) and of its chosen sources with their weights (the others, in that order).
pub(super) fn bring_to_view(scene: &Scene, mode: ViewMode, chosen: &[(usize, f32)], cameras: &mut [CameraGpu]) {
    // Exposure, rim and response glide from camera to camera with the weights: at a camera the view has that camera's own. At the common level there
    // is no rim, and the response is the middle one. A camera's own picture alone is shown as it is.
    let is_own = mode == ViewMode::Nearest;
    let level = if is_own { Matching::Glide } else { scene.matching.level };
    let is_evened = scene.matching.shading && level != Matching::Off;
    let exposure: [f32; 3] = match level {
        Matching::Common => scene.middle_exposure(is_evened),
        Matching::Glide | Matching::Off => std::array::from_fn(|k| chosen.iter().map(|&(i, w)| w * scene.exposure(i, is_evened)[k]).sum()),
    };
    let own = |i: usize| if is_evened { measured(scene, i) } else { [0.0; 4] };
    let wanted: [f32; 4] = match level {
        Matching::Glide => std::array::from_fn(|k| chosen.iter().map(|&(i, w)| w * own(i)[k]).sum()),
        Matching::Common | Matching::Off => [0.0; 4],
    };
    let Some((target, sources)) = cameras.split_first_mut() else { return };
    target.look = [wanted[0], wanted[1], 0.0, 0.0];
    for (&(i, _), camera) in chosen.iter().zip(sources) {
        let own = own(i);
        camera.look = [own[0], own[1], wanted[2] - own[2], wanted[3] - own[3]];
        for (k, gain) in camera.gain.iter_mut().take(3).enumerate() {
            *gain = if level == Matching::Off { 1.0 } else { (exposure[k] - scene.exposure(i, is_evened)[k]).exp2() };
        }
        // By hand on top of it.
        if let Some(by_hand) = scene.by_hand.get(i).filter(|_| !is_own) {
            camera.gain.iter_mut().zip(by_hand.stops).for_each(|(gain, stops)| *gain *= stops.exp2());
            camera.look[0] += by_hand.corner_stops;
            camera.look[2] += by_hand.contrast;
        }
    }
}
