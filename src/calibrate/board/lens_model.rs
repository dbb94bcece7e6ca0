//! Whether a camera's own pictures contradict the lens, or the kind of lens, that it is solved with.
//!
//! Boards are placed and the lens adjusted once with the model in question and once with another one that can do more. What the second
//! takes away of the squares beyond chance (an F ratio: R. A. Fisher) is no noise, it depends on the place in the picture. One camera alone:
//! boards that moved between the cameras' pictures have no part in it.

use glam::{DVec2, DVec3};

use super::{
    adjust::{Deviation, LensModel, Problem, State, View, residuals},
    outcome::{GateFinding, Light},
};
use crate::{
    geometry::{Distortion, Lens},
    rig::Camera,
};

/// A lens that a camera's own pictures contradict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Misfit {
    /// Root of the mean square of what depends on the place in the picture, px.
    pub systematic_px: f64,
    /// The model that explains it.
    pub better: LensModel,
    /// By what share the focal length is another one there.
    pub focal_share: f64,
    /// The lens was given.
    pub given: bool,
    /// By so much deviations are larger than the spread of boards says.
    pub widened: f64,
}

/// Beyond this the place of a camera is off by more than anybody accepts, px and share of the focal length.
const RED: (f64, f64) = (0.25, 0.02);
/// Squares that are taken away for each coefficient against the mean one: 1 is chance; corners of one board are off together, which makes it some.
const LEAST_RATIO: f64 = 20.0;
/// Less than this is no matter, px: of a model, of a lens that was given.
const LEAST_PX: (f64, f64) = (0.04, 0.1);
/// Of all squares at least this share: of a model, of a lens that was given.
const LEAST_SHARE: (f64, f64) = (0.1, 0.2);
/// Errors beyond are taken for wrong corners, px.
const SPREAD_PX: f64 = 1.0;

impl LensModel {
    /// How `--model` calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::Pinhole => "pinhole",
            Self::Five => "five",
            Self::Eight => "eight",
            Self::Fisheye => "fisheye",
        }
    }

    /// Models that may explain what this one does not, with how many coefficients they have more.
    const fn others(self) -> &'static [(Self, f64)] {
        match self {
            Self::Pinhole => &[(Self::Five, 5.0)],
            Self::Five => &[(Self::Eight, 3.0), (Self::Fisheye, 4.0)],
            Self::Eight => &[(Self::Fisheye, 4.0)],
            Self::Fisheye => &[(Self::Eight, 8.0)],
        }
    }

    /// That of a lens.
    fn of(d: &Distortion) -> Self {
        match d {
            Distortion::Fisheye { .. } => Self::Fisheye,
            Distortion::BrownConrady { k, .. } if k[3..].iter().any(|k| *k != 0.0) => Self::Eight,
            _ => Self::Five,
        }
    }
}

impl Misfit {
    /// What the gate says of it.
    pub fn finding(&self, camera: &str) -> GateFinding {
        let light = if self.systematic_px > RED.0 || self.focal_share > RED.1 { Light::Red } else { Light::Amber };
        let (off, focal, better) = (self.systematic_px, 100.0 * self.focal_share, self.better.word());
        let what = if self.given {
            format!(
                "the lens that was given does not fit these pictures: corners are off by {off:.2} px depending on where in the picture they are, and the \
                 focal length is another one by {focal:.1} %. Was it zoomed, or focused much nearer? Leave it out of --lenses, or give the right one"
            )
        } else {
            format!(
                "the lens model does not fit: corners are off by {off:.2} px depending on where in the picture they are, and the focal length is another one by \
                 {focal:.1} % with a model that can do more. Say --model {better}"
            )
        };
        GateFinding { light, cameras: vec![camera.to_owned()], what }
    }

    /// Deviations with what the model's misfit adds.
    pub fn widen(&self, d: &mut Deviation) {
        for value in [&mut d.focal_px, &mut d.center_px.0, &mut d.center_px.1, &mut d.rotation_rad, &mut d.place_m] {
            *value *= self.widened;
        }
    }
}

/// The sum of squares, of wrong corners less, px².
fn squares(state: &State, views: &[View]) -> f64 {
    let s2 = SPREAD_PX * SPREAD_PX;
    views.iter().flat_map(|v| residuals(state, v)).map(|r| s2 * (r.map_or(1e6, DVec2::length_squared) / s2).ln_1p()).sum()
}

/// Looks whether another model explains these views much better. `state` has them placed as well as the lens allows; `model` is what was looked for, none
/// of a lens that was given.
pub(super) fn misfit(state: &State, views: &[View], model: Option<LensModel>, deviation: &Deviation) -> Option<Misfit> {
    let camera = state.cameras.first()?;
    let now = squares(state, views);
    let corners: usize = views.iter().map(|v| v.corners.len()).sum();
    let left = 2.0 * corners as f64 - 6.0 * views.len() as f64 - 12.0;
    if left < 60.0 {
        return None;
    }
    let own = LensModel::of(&camera.lens.distortion);
    let others = model.map_or_else(|| vec![(own, 9.0)], |m| m.others().to_vec());
    let (least_px, least_share) = if model.is_none() { (LEAST_PX.1, LEAST_SHARE.1) } else { (LEAST_PX.0, LEAST_SHARE.0) };
    let mut best: Option<(f64, Misfit)> = None;
    for (other, coefficients) in others {
        let tried = with_model(camera, state, views, other);
        let then = squares(&tried, views);
        let ratio = (now - then) / coefficients / (then / left).max(1e-12);
        let systematic_px = ((now - then).max(0.0) / corners as f64).sqrt();
        if ratio < LEAST_RATIO
            || systematic_px < least_px
            || now - then < least_share * now
            || best.as_ref().is_some_and(|(b, _)| *b <= then)
        {
            continue;
        }
        let focal_px = (tried.cameras[0].lens.fx_px - camera.lens.fx_px).abs();
        let by_focal = if deviation.focal_px > 0.0 { focal_px / deviation.focal_px } else { 1.0 };
        let widened = (now / then.max(1e-12)).sqrt().max(by_focal).clamp(1.0, 30.0);
        best = Some((
            then,
            Misfit { systematic_px, better: other, focal_share: focal_px / camera.lens.fx_px, given: model.is_none(), widened },
        ));
    }
    best.map(|(_, m)| m)
}

/// The same views with another model.
fn with_model(camera: &Camera, state: &State, views: &[View], model: LensModel) -> State {
    let straight = Lens { distortion: model.straight(), ..camera.lens };
    let same_kind = std::mem::discriminant(&straight.distortion) == std::mem::discriminant(&camera.lens.distortion);
    let begin = if same_kind { camera.lens } else { straight };
    let mut tried = State { cameras: vec![Camera { lens: begin, ..camera.clone() }], back_off: DVec3::ZERO, ..state.clone() };
    for spread_px in if same_kind { [2.0, SPREAD_PX, SPREAD_PX] } else { [10.0, 2.0, SPREAD_PX] } {
        let problem = Problem { lens_free: vec![Some(model)], pose_free: vec![false], back_free: false, start: vec![straight], spread_px };
        problem.solve(&mut tried, views, 25, &mut || true);
    }
    tried
}
