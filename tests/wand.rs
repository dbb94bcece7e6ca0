//! A wand with two lights that is carried through the volume of the venue: found, and solved into the rig.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use glam::{DMat3, DVec2, DVec3};
use volte::{
    calibrate::{
        board::{BoardFailure, Light, NoWand, WandSession},
        free::{Distance, FreeFailure, Unjoined, ball, framed},
    },
    frame::Picture,
    geometry::Pose,
    rig::{Camera, Rig},
    venue::VenueRig,
};

const LENGTH_M: f64 = 0.5;
const SIZE_PX: (u32, u32) = (640, 360);

/// Deterministic, −1 to 1.
fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
}

/// Both ends of the wand at an instant, the brighter first.
fn wand(t: u64) -> [DVec3; 2] {
    let s = 20 * t;
    let middle = DVec3::new(1.3 * noise(s), 1.3 * noise(s + 1), 1.1 + 0.8 * noise(s + 2));
    let along = DVec3::new(noise(s + 3), noise(s + 4), noise(s + 5)).normalize_or(DVec3::X);
    [middle - 0.5 * LENGTH_M * along, middle + 0.5 * LENGTH_M * along]
}

/// A dim hall with grain and a lamp, and the lights of `ends` with their radii in px.
fn shown(camera: &Camera, lights: &[(DVec3, f64)], seed: u64) -> Picture {
    let (w, h) = SIZE_PX;
    let mut values: Vec<f64> = (0..u64::from(w * h)).map(|k| 30.0 + 3.0 * noise(seed.wrapping_mul(1 << 22) + k)).collect();
    let lamp = (DVec2::new(60.3, 30.7), 2.5);
    for (px, radius) in lights.iter().filter_map(|(p, r)| Some((camera.project(*p)?, *r))).chain([lamp]) {
        let reach = (radius * 4.0).ceil() as i64;
        for y in (px.y as i64 - reach).max(0)..(px.y as i64 + reach + 1).min(i64::from(h)) {
            for x in (px.x as i64 - reach).max(0)..(px.x as i64 + reach + 1).min(i64::from(w)) {
                let d = DVec2::new(x as f64 + 0.5, y as f64 + 0.5) - px;
                values[(y * i64::from(w) + x) as usize] += 260.0 * (-0.5 * d.length_squared() / (radius * radius)).exp();
            }
        }
    }
    let rgba = values.into_iter().flat_map(|v| [v.round().clamp(0.0, 255.0) as u8; 3].into_iter().chain([255])).collect();
    Picture::from_rgba(w, h, rgba).unwrap()
}

/// The rig of cameras, carried before for so many instants. `lights` says what camera `c` sees at instant `t`.
fn session(rig: &Rig, instants: u64, lights: impl Fn(u64, usize) -> Vec<(DVec3, f64)>) -> WandSession {
    let names: Vec<String> = rig.cameras.iter().map(|c| c.name.clone()).collect();
    let mut session = WandSession::new(LENGTH_M, &names);
    for t in 0..instants {
        let pictures: Vec<Picture> =
            rig.cameras.iter().enumerate().map(|(c, camera)| shown(camera, &lights(t, c), t * 64 + c as u64)).collect();
        session.look(t as f64 * 0.2, &pictures.iter().map(Some).collect::<Vec<_>>());
    }
    for (c, known) in session.cameras_mut().iter_mut().zip(&rig.cameras) {
        c.lens = Some(known.lens);
    }
    session
}

fn both(t: u64) -> Vec<(DVec3, f64)> {
    let [a, b] = wand(t);
    vec![(a, 2.2), (b, 1.6)]
}

/// The worst errors of centres (m) and rotations (degrees) after the best rigid motion of the whole.
fn errors(truth: &Rig, found: &Rig) -> (f64, f64) {
    let pairs: Vec<(&Camera, &Camera)> = found.cameras.iter().map(|c| (truth.camera(&c.name).unwrap(), c)).collect();
    let sum = pairs.iter().fold(DMat3::ZERO, |sum, (t, f)| sum + t.camera_from_world.rotation.transpose() * f.camera_from_world.rotation);
    let turn = Pose::orthonormalized(sum * (1.0 / pairs.len() as f64)).unwrap();
    let shift = pairs.iter().map(|(t, f)| t.center_in_world() - turn * f.center_in_world()).sum::<DVec3>() / pairs.len() as f64;
    pairs.iter().fold((0.0_f64, 0.0_f64), |(place, angle), (t, f)| {
        let off = (turn * f.center_in_world() + shift - t.center_in_world()).length();
        let r = t.camera_from_world.rotation * turn * f.camera_from_world.rotation.transpose();
        let cos = 0.5 * (r.x_axis.x + r.y_axis.y + r.z_axis.z - 1.0);
        (place.max(off), angle.max(cos.clamp(-1.0, 1.0).acos().to_degrees()))
    })
}

#[test]
fn twelve_cameras_are_placed_by_a_wand_to_two_millimetres() {
    let truth = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(12, 90.0);
    // In one of nine pictures of two cameras somebody holds a torch elsewhere.
    let lights = |t: u64, c: usize| {
        let torch = || DVec3::new(0.9 * noise(t * 7 + 3), 0.9 * noise(t * 7 + 4), 1.0);
        if c % 5 == 2 && t.is_multiple_of(9) { vec![(torch(), 2.6), (wand(t)[1], 1.6)] } else { both(t) }
    };
    let session = session(&truth, 110, lights);
    let solved = session.calibrate(&mut |_| true).unwrap();
    let (place_m, angle_deg) = errors(&truth, &solved.rig);
    println!(
        "{} cameras, centres within {:.2} mm, rotations within {angle_deg:.4}°, rms {:.3} px, {} taken out",
        solved.rig.cameras.len(),
        place_m * 1e3,
        solved.rms_px,
        solved.taken_out.len()
    );
    assert_eq!(solved.rig.cameras.len(), 12);
    assert!(place_m < 0.002 && angle_deg < 0.02 && solved.rms_px < 0.3, "{place_m} m {angle_deg}° {} px", solved.rms_px);
    let torches: Vec<usize> = solved.taken_out.iter().filter(|o| o.off_px > 10.0).map(|o| o.camera % 5).collect();
    assert!(solved.light() == Light::Green && torches.iter().all(|c| *c == 2), "{:?}", solved.taken_out);
    assert!(torches.len() > 10, "the torch is named");
    let cancelled = session.calibrate(&mut |_| false);
    assert!(matches!(cancelled, Err(BoardFailure::Cancelled)));
}

#[test]
fn what_is_wrong_with_a_wand_is_told_with_the_remedy() {
    let truth = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(4, 40.0);
    let told = |s: &WandSession, camera: usize| s.tallies()[camera].without.keys().map(|w| w.remedy()).collect::<Vec<_>>().join(" ");
    let alike = |t: u64| wand(t).map(|p| (p, 2.0)).to_vec();
    let session_of = |lights: &dyn Fn(u64, usize) -> Vec<(DVec3, f64)>| session(&truth, 30, lights);
    // The fourth sees nothing, the third has the lights equally bright, the second never sees the dimmer one.
    let s = session_of(&|t, c| match c {
        0 => both(t),
        1 => both(t)[..1].to_vec(),
        2 => alike(t),
        _ => vec![],
    });
    assert!(
        told(&s, 1).contains("hidden") && told(&s, 2).contains("dim one") && told(&s, 3).contains("no light that moves"),
        "{:?}",
        s.tallies()
    );
    let why = s.calibrate(&mut |_| true).unwrap_err().to_string();
    assert!(why.contains("Carry the wand where"), "{why}");
    // A camera that saw another take contradicts the others, by name; the rest is solved.
    let s = session_of(&|t, c| both(if c == 3 { t + 1000 } else { t }));
    let solved = s.calibrate(&mut |_| true).unwrap();
    assert_eq!(solved.rig.cameras.len(), 3);
    let why = solved.cameras[3].unsolved.as_ref().unwrap().to_string();
    assert!(why.contains("in step") && solved.light() == Light::Red, "{why}");
    // Without lenses there is nothing.
    let mut s = session_of(&|t, _| both(t));
    s.cameras_mut()[2].lens = None;
    let why = s.calibrate(&mut |_| true).unwrap_err().to_string();
    assert!(why.contains("--lenses") && why.contains(&truth.cameras[2].name), "{why}");
}

/// A ball of which one camera in the middle saw little, and in whose place two cameras see a torch now and then.
#[test]
fn eight_cameras_are_placed_by_one_ball_and_a_distance() {
    let truth = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(8, 70.0);
    let lights = |t: u64, c: usize| {
        let at = (wand(t)[0], 2.2);
        let torch = (DVec3::new(0.9 * noise(t * 7 + 3), 0.9 * noise(t * 7 + 4), 1.0), 2.6);
        match () {
            // Two lights are nobody's ball, another one alone is a wrong one.
            () if c == 2 && t.is_multiple_of(9) => vec![at, torch],
            () if c == 5 && t.is_multiple_of(9) => vec![torch],
            () => vec![at],
        }
    };
    let mut session = session(&truth, 110, lights);
    let candidates = session.cameras_mut().to_vec();
    let (sights, tallies) = session.ball();
    assert!(tallies[2].without[&NoWand::TwoLights] > 5 && tallies[0].found > 80, "{tallies:?}");
    let solved = ball(&candidates, &sights, &mut |_| true).unwrap();
    let apart = |rig: &Rig| (rig.cameras[0].center_in_world() - rig.cameras[7].center_in_world()).length();
    let known = Distance { from: truth.cameras[0].name.clone(), to: truth.cameras[7].name.clone(), m: apart(&truth) };
    let found = framed(&solved.rig, &[], &[], &[known]).unwrap().rig;
    let (place_m, angle_deg) = errors(&truth, &found);
    println!(
        "{:?}: centres within {:.2} mm, rotations within {angle_deg:.4}°, rms {:.3} px, wrong {:?}",
        solved.light(),
        place_m * 1e3,
        solved.errors.rms_px,
        solved.cameras.iter().map(|c| c.wrong).collect::<Vec<_>>()
    );
    assert!(found.cameras.len() == 8 && place_m < 0.003 && angle_deg < 0.02, "{place_m} m {angle_deg}°");
    assert_eq!(solved.light(), Light::Green);
    // The scale is the distance's: twice of it is twice as large.
    assert!((apart(&found) / apart(&truth) - 1.0).abs() < 1e-9);

    // A camera that hardly saw it is named, and what to do; the others stand.
    let mut blind = sights.clone();
    blind.iter_mut().skip(20).for_each(|at| at[3] = None);
    let solved = ball(&candidates, &blind, &mut |_| true).unwrap();
    assert_eq!(solved.rig.cameras.len(), 7);
    assert!(matches!(solved.cameras[3].unjoined, Some(Unjoined::NoBall { seen }) if seen <= 20), "{:?}", solved.cameras[3].unjoined);
    assert!(solved.remedies(&candidates).iter().any(|r| r.contains("Carry it before this camera")) && solved.light() == Light::Red);
    // One that saw it at other times does not belong to them.
    let mut late = sights.clone();
    (0..late.len()).for_each(|t| late[t][3] = sights[(t + 17) % sights.len()][3]);
    let solved = ball(&candidates, &late, &mut |_| true).unwrap();
    assert!(
        matches!(&solved.cameras[3].unjoined, Some(Unjoined::BallApart { shared, .. }) if *shared > 40),
        "{:?}",
        solved.cameras[3].unjoined
    );
    // Nobody together with anybody.
    let mut alone = sights;
    alone.iter_mut().enumerate().for_each(|(t, at)| (0..8).filter(|i| *i != t % 8).for_each(|i| at[i] = None));
    let why = ball(&candidates, &alone, &mut |_| true).unwrap_err();
    assert!(matches!(why, FreeFailure::NoBallTogether { shared: 0, .. }), "{why}");
    let mut unknown = candidates;
    unknown[1].lens = None;
    assert!(ball(&unknown, &blind, &mut |_| true).unwrap_err().to_string().contains("--lenses RIG"));
}
