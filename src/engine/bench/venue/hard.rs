//! The scenes part: what is hard for view synthesis, each alone, scored where it is.

use super::{
    Gallery, Scope,
    measure::mean,
    parts::{MIDDLES, solved_rhos},
    report::{InRegion, SceneRow, ScenesPart},
    stage::{Shots, Stage, Steps},
    warp::{self, Source},
};
use crate::{
    engine::bench::BenchError,
    frame::{Picture, metrics::psnr_db},
    scene::Scene,
    venue::{HARD_SCENES, HardScene},
    view::ViewMode,
};

/// Cameras of a scene's rig.
const CAMERAS: usize = 6;
/// Between the panels of a strip, px.
const SEAM_PX: u32 = 4;
/// Least and greatest width of a strip's panel, px of the picture.
const PANEL_PX: (u32, u32) = (120, 216);

/// Every scene: synthesis, cross-fade, plain warp of the nearest camera, and the same renderer with true depth.
pub fn scenes(stage: &mut Stage, scope: &Scope, gallery: &mut Gallery<'_>, steps: &mut Steps<'_>) -> Result<ScenesPart, BenchError> {
    let plain = (stage.venue.options().clone(), stage.sensor);
    let mut rows = Vec::new();
    let mut before: Option<(&HardScene, Shots, Scene)> = None;
    let chosen = scope.scenes.iter().filter_map(|name| HardScene::find(name));
    for scene in chosen {
        stage.venue.set_options(scene.options(&plain.0));
        stage.sensor = scene.sensor(plain.1);
        // Scenes that differ only in where one looks share their pictures and their solve.
        let (shots, solved) = match before.take() {
            Some((of, shots, solved)) if same_pictures(of, scene) => (shots, solved),
            _ => {
                let rig = scene.rig(scope.size_px.0, scope.size_px.1, CAMERAS, scope.near_deg);
                let shots = stage.shoot(&rig, scene.phase, steps)?;
                let solved = stage.solve(&shots, steps)?;
                (shots, solved)
            }
        };
        rows.push(score(stage, scene, &shots, &solved, gallery, steps)?);
        before = Some((scene, shots, solved));
    }
    stage.venue.set_options(plain.0);
    stage.sensor = plain.1;
    Ok(ScenesPart { spacing_deg: scope.near_deg, rows })
}

/// The names of all scenes.
pub fn all() -> Vec<String> {
    HARD_SCENES.iter().map(|s| s.name.to_owned()).collect()
}

fn same_pictures(a: &HardScene, b: &HardScene) -> bool {
    let rig = |s: &HardScene| s.rig(64, 36, CAMERAS, 6.0);
    (a.dressing, a.phase.to_bits(), a.shutter_nanos) == (b.dressing, b.phase.to_bits(), b.shutter_nanos) && rig(a) == rig(b)
}

/// Mid-gap views of a scene, in the whole and in its region.
fn score(
    stage: &mut Stage,
    scene: &HardScene,
    shots: &Shots,
    solved: &Scene,
    gallery: &mut Gallery<'_>,
    steps: &mut Steps<'_>,
) -> Result<SceneRow, BenchError> {
    let known = shots.known(&stage.gpu, 1.0)?;
    let rhos = solved_rhos(stage, solved, shots)?;
    let options = stage.venue.options().clone();
    let mut pairs: [Vec<InRegion>; 4] = Default::default();
    let mut shares = Vec::new();
    for position in MIDDLES {
        let target = stage.between(&shots.rig, position)?;
        let truth = stage.truth(&target, scene.phase, steps)?;
        let region = scene.region(&target, &truth, &options);
        let nearest = position.round() as usize;
        let source = Source { camera: &shots.rig.cameras[nearest], picture: &shots.pictures[nearest], rho: &rhos[nearest] };
        let shown = [
            stage.view(solved, &target, ViewMode::Synthesis, steps)?.1,
            stage.view(&known, &target, ViewMode::Synthesis, steps)?.1,
            warp::warp(&source, &target).picture,
            stage.view(solved, &target, ViewMode::CrossFade, steps)?.1,
        ];
        for (pairs, picture) in pairs.iter_mut().zip(&shown) {
            pairs.push(InRegion::of(picture, &truth.picture, &region)?);
        }
        shares.push(region.iter().filter(|r| **r).count() as f64 / region.len().max(1) as f64);
        if position == MIDDLES[1] {
            let file = format!("scene-{}", scene.name);
            for (what, picture) in ["synthesis", "oracle", "plain-warp", "cross-fade"].iter().zip(&shown) {
                gallery.add(&format!("{file}-{what}"), picture);
            }
            gallery.add(&format!("{file}-truth"), &truth.picture);
            gallery.add(&file, &strip(&[&truth.picture, &shown[2], &shown[0]], &region));
        }
    }
    let [synthesis, oracle, plain_warp, cross_fade] =
        pairs.map(|of| InRegion { psnr_db: mean(of.iter().map(|p| p.psnr_db)), region_db: mean(of.iter().map(|p| p.region_db)) });
    let name = scene.name.to_owned();
    Ok(SceneRow { name, about: scene.about, region_share: mean(shares), synthesis, oracle, plain_warp, cross_fade })
}

impl InRegion {
    /// Of a picture against the truth.
    fn of(picture: &Picture, truth: &Picture, region: &[bool]) -> Result<Self, BenchError> {
        Ok(Self { psnr_db: psnr_db(picture, truth, None)?, region_db: psnr_db(picture, truth, Some(region))? })
    }
}

/// Pictures side by side, cut to what is around the region and twice as large.
fn strip(pictures: &[&Picture], region: &[bool]) -> Picture {
    let (w, h) = pictures.first().map_or((1, 1), |p| (p.width(), p.height()));
    let inside = |i: &usize| region.get(*i) == Some(&true);
    let places: Vec<(u32, u32)> = (0..region.len()).filter(inside).map(|i| (i as u32 % w, i as u32 / w)).collect();
    let extent = |of: fn(&(u32, u32)) -> u32, size: u32, (least, most): (u32, u32)| {
        let (low, high) = (places.iter().map(of).min().unwrap_or(0), places.iter().map(of).max().unwrap_or(size - 1));
        let length = (high - low + 1 + size / 12).max(least).min(most).min(size);
        let start = (low + high).div_ceil(2).saturating_sub(length / 2).min(size - length);
        (start, length)
    };
    // Three to two, or a strip of long things would be a ribbon.
    let (x0, across) = extent(|p| p.0, w, PANEL_PX);
    let (y0, down) = extent(|p| p.1, h, (across * 2 / 3, across * 2 / 3));
    let panel = (across * 2 + SEAM_PX) as usize;
    let mut out = Picture::filled(panel as u32 * pictures.len() as u32 - SEAM_PX, down * 2, [255; 4]);
    let width = out.width() as usize;
    for (k, picture) in pictures.iter().enumerate() {
        for y in 0..down * 2 {
            for x in 0..across * 2 {
                let at = (y as usize * width + k * panel + x as usize) * 4;
                out.rgba_mut()[at..at + 4].copy_from_slice(&picture.pixel(x0 + x / 2, y0 + y / 2));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_shows_what_is_around_the_region() {
        let size = (300, 200);
        let mut picture = Picture::filled(size.0, size.1, [9, 9, 9, 255]);
        picture.rgba_mut()[(150 * 300 + 250) * 4..][..4].copy_from_slice(&[255, 0, 0, 255]);
        let region: Vec<bool> = (0..60_000).map(|i| i == 150 * 300 + 250).collect();
        let strip = strip(&[&picture, &picture], &region);
        assert_eq!((strip.width(), strip.height()), (2 * 240 + 4, 160));
        assert_eq!(strip.rgba().chunks_exact(4).filter(|p| p[..3] == [255, 0, 0]).count(), 8);
    }

    #[test]
    fn the_first_scenes_share_their_pictures_and_no_others_do() {
        let same: Vec<bool> = HARD_SCENES.windows(2).map(|w| same_pictures(&w[0], &w[1])).collect();
        assert_eq!(same.iter().filter(|s| **s).count(), 2, "{same:?}");
        assert!(same[0] && same[1]);
    }
}
