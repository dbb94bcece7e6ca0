//! The operator's own paths: whatever is done to them, each is one that can be laid along the rig and played without a jump.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use proptest::prelude::*;
use volte::{
    replay::path::{ArcSpan, Easing, MOST_KEYS, Path, PathChannel, PathEdit, PathList, Preset, PresetOptions, Track},
    rig::Rig,
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::arc_rig;

const CAMERAS: usize = 6;

/// An open arc, or a ring.
fn rig(closed: bool) -> Rig {
    arc_rig(CAMERAS, if closed { 300.0 } else { 60.0 })
}

const fn span(closed: bool) -> ArcSpan {
    ArcSpan { cameras: CAMERAS, closed }
}

fn preset(preset: Preset, from: f64, to: f64) -> Path {
    preset.path(&PresetOptions { from, to, secs: 3.0, hold_secs: 0.3, ring_cameras: CAMERAS, ..PresetOptions::default() })
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -12.0..12.0f64, 1 => -1e9..1e9f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

fn edit() -> impl Strategy<Value = PathEdit> {
    let key = 0..8usize;
    let channel = prop::sample::select(PathChannel::ALL.to_vec());
    prop_oneof![
        2 => (prop::sample::select(Preset::ALL.to_vec()), 0.0..5.0f64, 0.0..5.0f64).prop_map(|(p, a, b)| PathEdit::Add(preset(p, a, b))),
        1 => Just(PathEdit::Remove),
        1 => "[a-z ]{0,6}".prop_map(PathEdit::Name),
        2 => value().prop_map(PathEdit::Length),
        2 => any::<bool>().prop_map(PathEdit::Looped),
        1 => any::<bool>().prop_map(PathEdit::Stabilize),
        4 => value().prop_map(PathEdit::AddKey),
        2 => key.clone().prop_map(PathEdit::RemoveKey),
        4 => (key.clone(), value()).prop_map(|(k, at)| PathEdit::At(k, at)),
        6 => (key.clone(), channel.clone(), value()).prop_map(|(k, c, v)| PathEdit::Set(k, c, v)),
        2 => (key.clone(), value(), channel, value()).prop_map(|(key, at_secs, channel, value)| PathEdit::Move { key, at_secs, channel, value }),
        1 => (key.clone(), prop::option::of([-3.0..3.0f64, -3.0..3.0f64, 0.0..2.0f64])).prop_map(|(k, p)| PathEdit::Pivot(k, p)),
        3 => (key, prop::sample::select(Easing::ALL.to_vec())).prop_map(|(k, e)| PathEdit::Ease(k, e)),
    ]
}

/// Key by key, between the values of its ends; no number is none; no jump.
fn check_samples(track: &Track, path: &Path, closed: bool) -> Result<(), TestCaseError> {
    let steps = 160;
    let dt = path.duration_secs / f64::from(steps);
    let mut before: Option<volte::replay::path::PathSample> = None;
    for k in 0..=steps {
        // Not the very end of a loop, which is its beginning again.
        let t = (dt * f64::from(k)).min(path.duration_secs * (1.0 - 1e-9));
        let s = track.sample(t);
        let center = s.camera.center_in_world();
        prop_assert!(
            center.is_finite() && s.position.is_finite() && s.camera.lens.fx_px > 0.0 && s.camera.lens.fx_px.is_finite(),
            "{t} {s:?}"
        );
        prop_assert!(closed || (-1e-6..=CAMERAS as f64 - 1.0 + 1e-6).contains(&s.position), "{} leaves the arc", s.position);
        let after = path.keys.partition_point(|key| key.at_secs <= t);
        if after > 0 && after < path.keys.len() {
            let (a, b) = (&path.keys[after - 1], &path.keys[after]);
            let (low, high) = (a.instant_secs.min(b.instant_secs), a.instant_secs.max(b.instant_secs));
            let instant = (s.instant - MediaTime::ZERO) as f64 * 1e-9;
            prop_assert!((low - 1e-6..=high + 1e-6).contains(&instant), "{instant} is not between {low} and {high}");
        }
        if let Some(before) = before {
            // Twice the mean speed is the most that an easing asks for; three times is the most that stays monotone.
            let most = path.keys.windows(2).map(|w| {
                let rate = (PathChannel::Position.of(&w[1]) - PathChannel::Position.of(&w[0])).abs() / (w[1].at_secs - w[0].at_secs);
                3.2 * rate * dt
            });
            let most = most.fold(1e-6, f64::max);
            prop_assert!((s.position - before.position).abs() <= most + 1e-6, "{} to {} in {dt} s", before.position, s.position);
        }
        before = Some(s);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn whatever_is_edited_every_path_can_be_laid_and_played(closed: bool, edits in prop::collection::vec(edit(), 1..40)) {
        let rig = rig(closed);
        let mut list = PathList::default();
        for edit in &edits {
            let before = list.clone();
            if list.apply(edit, span(closed)).is_err() {
                prop_assert_eq!(&before, &list, "what is refused changes nothing");
            }
            for path in list.paths() {
                path.check().unwrap();
                prop_assert!(path.keys.len() <= MOST_KEYS && (closed || !path.looped));
            }
            let mut names: Vec<_> = list.paths().iter().map(|p| &p.name).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), list.paths().len(), "two have the same name");
        }
        for path in list.paths() {
            let track = Track::new(path, &rig, MediaTime::ZERO, 160, 90).map_err(|e| TestCaseError::fail(format!("{e}: {path:?}")))?;
            check_samples(&track, path, closed)?;
            // Its text is the same path.
            prop_assert_eq!(&Path::from_toml(&path.to_toml().unwrap()).unwrap(), path);
        }
    }

    #[test]
    fn smooth_and_gentle_paths_have_no_corner(places in prop::collection::vec((0.05..1.0f64, 0.0..5.0f64, 0.3..3.0f64), 2..7), smooth: bool) {
        let ease = if smooth { Easing::Smooth } else { Easing::EaseInOut };
        let mut at = 0.0;
        let keys: Vec<_> = places.iter().map(|(dt, position, zoom)| {
            at += dt;
            volte::replay::path::Key { zoom: *zoom, ..volte::replay::path::Key::new(at, volte::replay::path::Station::Position(*position)).eased(ease) }
        }).collect();
        let path = Path { duration_secs: at + 0.1, keys, ..preset(Preset::FreezeOrbit, 0.0, 1.0) };
        let track = Track::new(&path, &rig(false), MediaTime::ZERO, 160, 90).unwrap();
        let h = 1e-5;
        // The first and the last key frame are the ends of holds: there a path that runs through may begin at once.
        for key in &path.keys[1..path.keys.len() - 1] {
            let p = |t: f64| { let s = track.sample(t); [s.position, s.zoom.ln()] };
            let (left, here, right) = (p(key.at_secs - h), p(key.at_secs), p(key.at_secs + h));
            for c in 0..2 {
                let (before, after) = ((here[c] - left[c]) / h, (right[c] - here[c]) / h);
                prop_assert!((before - after).abs() < 0.05 * (1.0 + before.abs()), "{before} then {after} per second at {}", key.at_secs);
            }
        }
    }

    #[test]
    fn a_path_follows_the_pivot_of_another_event(
        pivots in prop::collection::vec(prop::option::of([-2.0..2.0f64, -2.0..2.0f64, 0.0..2.0f64]), 4),
        at in [-4.0..4.0f64, -4.0..4.0f64, 0.0..2.0f64],
    ) {
        let mut path = preset(Preset::FreezeOrbit, 0.0, 5.0);
        for (key, pivot) in path.keys.iter_mut().zip(&pivots) {
            key.pivot_m = *pivot;
        }
        let there = path.clone().about(at);
        prop_assert!(there.keys.iter().all(|k| k.pivot_m.is_some()));
        // The first that was keyed is there; the others keep their distances; doing it again changes nothing.
        let first = path.keys.iter().position(|k| k.pivot_m.is_some()).unwrap_or(0);
        let near = |a: [f64; 3], b: [f64; 3]| (0..3).all(|c| (a[c] - b[c]).abs() < 1e-9);
        prop_assert!(near(there.keys[first].pivot_m.unwrap(), at));
        let again = there.clone().about(at);
        for (a, b) in there.keys.iter().zip(&again.keys) {
            prop_assert!(near(a.pivot_m.unwrap(), b.pivot_m.unwrap()));
        }
        for (old, new) in path.keys.iter().zip(&there.keys) {
            if let (Some(p), Some(base)) = (old.pivot_m, path.keys[first].pivot_m) {
                let moved = new.pivot_m.unwrap();
                prop_assert!(near(std::array::from_fn(|c| moved[c] - at[c]), std::array::from_fn(|c| p[c] - base[c])));
            }
        }
        // The camera looks there: the pivot is in the middle of a steady picture.
        let steady = Path { stabilize: true, ..preset(Preset::FreezeOrbit, 0.0, 5.0).about(at) };
        let track = Track::new(&steady, &rig(false), MediaTime::ZERO, 160, 90).unwrap();
        for t in [0.0, 1.0, 1.7, 3.0] {
            let px = track.sample(t).camera.project(at.into());
            prop_assert!(px.is_some_and(|p| (p.x - 80.0).abs() < 1e-6 && (p.y - 45.0).abs() < 1e-6), "{px:?}");
        }
    }
}

#[test]
fn presets_do_what_they_are_called() {
    let keys =
        |p: Preset| preset(p, 1.0, 4.0).keys.iter().map(|k| (PathChannel::Position.of(k), k.instant_secs, k.zoom)).collect::<Vec<_>>();
    // Time runs up to the mark on one camera, then it stands and the view has jumped.
    let jump = keys(Preset::JumpFreeze);
    assert_eq!((jump[0].0, jump[1].0, jump[2].0), (1.0, 1.0, 4.0));
    assert!(jump[0].1 < 0.0 && jump[1..].iter().all(|k| k.1 == 0.0));
    let punch = keys(Preset::PunchIn);
    assert!(punch.iter().all(|k| (k.0, k.1) == (1.0, 0.0)) && punch.last().unwrap().2 == 2.0);
    let slow = keys(Preset::SlowOrbit);
    assert!(slow[0].1 == -slow[1].1 && slow[0].1 < 0.0 && (slow[0].0, slow[1].0) == (1.0, 4.0));
    for p in Preset::ALL {
        let track = Track::new(&preset(p, 1.0, 4.0), &rig(p == Preset::Loop), MediaTime::ZERO, 160, 90).unwrap();
        let path = track.path();
        if path.looped {
            let (end, start) = (track.sample(path.duration_secs * (1.0 - 1e-9)), track.sample(0.0));
            assert!((end.camera.center_in_world() - start.camera.center_in_world()).length() < 1e-4, "{} has a seam", p.name());
        }
    }
}

#[test]
fn a_key_frame_on_the_curve_changes_it_little_and_is_passed_without_stopping() {
    let mut list = PathList::default();
    list.apply(&PathEdit::Add(preset(Preset::FreezeOrbit, 0.0, 5.0)), span(false)).unwrap();
    let before = Track::new(list.chosen().unwrap(), &rig(false), MediaTime::ZERO, 160, 90).unwrap().sample(1.5).position;
    list.apply(&PathEdit::AddKey(1.5), span(false)).unwrap();
    let path = list.chosen().unwrap();
    assert_eq!(path.keys.len(), 5);
    let track = Track::new(path, &rig(false), MediaTime::ZERO, 160, 90).unwrap();
    assert!((track.sample(1.5).position - before).abs() < 1e-6);
    assert!((track.sample(1.51).position - track.sample(1.49).position).abs() > 0.01, "it stops there");
    // Too near to another one there is none.
    list.apply(&PathEdit::AddKey(1.51), span(false)).unwrap();
    assert_eq!(list.chosen().unwrap().keys.len(), 5);
}
