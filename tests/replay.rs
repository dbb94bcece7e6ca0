//! Properties of the replay model: no sequence of commands reaches a black program or loses a mark.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use volte::{
    replay::{
        Effect, EventColor, EventEdit, EventId, Phase, Program, Readiness, SecondCommand, Transport, TransportCommand,
        path::{Path, Roll, freeze_in_roll, ramped_roll, roll, still},
        playlist::{Element, ElementId, Player, Playlist, PlaylistEdit, Shot, Transition},
    },
    time::MediaTime,
};

const CAMERAS: usize = 5;

fn transport(closed: bool) -> Transport {
    let names = (0..CAMERAS).map(|i| format!("cam{i:02}")).collect();
    Transport::new(names, &[2, 0, 1, 4, 3], closed)
}

/// Instants from a small set, so that reports often meet what is prepared.
fn instant() -> impl Strategy<Value = MediaTime> {
    (0_i64..4).prop_map(|k| MediaTime::from_nanos(k * 40_000_000))
}

fn command() -> impl Strategy<Value = TransportCommand> {
    use TransportCommand as C;
    prop_oneof![
        3 => instant().prop_map(|at| C::Mark { at }),
        1 => (proptest::option::of(instant()), instant()).prop_map(|(from, at)| C::Note { from, at }),
        2 => (0_u64..6).prop_map(|id| C::SelectEvent(EventId(id))),
        1 => any::<bool>().prop_map(C::StepEvent),
        1 => (0_u64..6).prop_map(|id| C::RemoveEvent(EventId(id))),
        1 => instant().prop_map(|head| C::MarkIn { head }),
        1 => instant().prop_map(|head| C::MarkOut { head }),
        1 => (instant(), instant()).prop_map(|(from, head)| C::MarkLast { from, head }),
        3 => (0_u64..6, edit()).prop_map(|(id, edit)| C::Edit(EventId(id), edit)),
        3 => playlist_edit().prop_map(C::Playlist),
        2 => (0_u64..6, instant(), any::<f64>(), any::<bool>()).prop_map(|(id, instant, position, taken)| C::Cue {
            event: EventId(id),
            instant,
            position,
            solved: false,
            taken: taken.then_some(instant),
        }),
        2 => Just(C::Undo),
        1 => Just(C::Redo),
        1 => instant().prop_map(C::SetInstant),
        1 => prop_oneof![any::<f64>(), -20.0..20.0_f64].prop_map(C::SetOrbit),
        1 => prop_oneof![any::<f64>(), -3.0..3.0_f64].prop_map(C::MoveOrbit),
        4 => instant().prop_map(|now| C::Take { now }),
        3 => Just(C::Return),
        2 => (0..CAMERAS + 2).prop_map(C::SelectCamera),
        4 => instant().prop_map(C::MomentReady),
        4 => instant().prop_map(C::SceneReady),
        1 => (instant(), any::<bool>()).prop_map(|(instant, fatal)| C::PrepareFailed { instant, why: "no frames".to_owned(), fatal }),
        3 => (0..CAMERAS, any::<bool>()).prop_map(|(camera, alive)| C::CameraAlive { camera, alive }),
        1 => Just(C::ProgramFault("device lost".to_owned())),
        6 => second().prop_map(C::Second),
    ]
}

fn second() -> impl Strategy<Value = SecondCommand> {
    use SecondCommand as B;
    prop_oneof![
        3 => instant().prop_map(|now| B::Take { now }),
        2 => Just(B::Return),
        2 => (0..CAMERAS + 2).prop_map(B::SelectCamera),
        1 => Just(B::Fault("no frames".to_owned())),
    ]
}

fn element() -> impl Strategy<Value = Element> {
    let shot = prop_oneof![
        Just(Shot::Angle),
        Just(Shot::Move("Orbit right".to_owned())),
        prop_oneof![any::<f64>(), 0.0..9.0].prop_map(|secs| Shot::Still { secs }),
    ];
    let transition = prop_oneof![Just(Transition::Cut), prop_oneof![any::<f64>(), 0.0..3.0].prop_map(|secs| Transition::Dissolve { secs })];
    let ramp = prop::option::of(-500..500_i32);
    (0_u64..6, 0..9_i64, 0..9_i64, shot, -500..500_i32, ramp, transition, any::<bool>()).prop_map(
        |(event, begin, end, shot, speed_percent, ramp_percent, transition, hold)| Element {
            id: ElementId(0),
            event: EventId(event),
            mark: MediaTime::from_nanos(4_000_000_000),
            begin: MediaTime::from_nanos(begin * 1_000_000_000),
            end: MediaTime::from_nanos(end * 1_000_000_000),
            shot,
            position: 1.0,
            speed_percent,
            ramp_percent,
            transition,
            hold,
        },
    )
}

fn playlist_edit() -> impl Strategy<Value = PlaylistEdit> {
    use PlaylistEdit as E;
    let id = || (0_u64..8).prop_map(ElementId);
    prop_oneof![
        4 => prop::collection::vec(element(), 1..3).prop_map(E::Add),
        1 => id().prop_map(E::Remove),
        1 => (id(), 0_usize..9).prop_map(|(id, to)| E::Place(id, to)),
        1 => (id(), any::<i32>()).prop_map(|(id, speed)| E::Speed(id, speed)),
        1 => (id(), prop::option::of(any::<i32>())).prop_map(|(id, end)| E::Ramp(id, end)),
        1 => (id(), any::<f64>()).prop_map(|(id, secs)| E::Transition(id, Transition::Dissolve { secs })),
        1 => (id(), any::<bool>()).prop_map(|(id, hold)| E::Hold(id, hold)),
        1 => any::<bool>().prop_map(E::Loop),
        1 => Just(E::Clear),
    ]
}

/// How long an element lasts, as the engine lays it out.
fn secs_of(e: &Element) -> f64 {
    path_of(e).duration_secs
}

fn path_of(e: &Element) -> Path {
    let secs = |t: MediaTime| (t - e.mark) as f64 * 1e-9;
    let range = Roll { in_secs: secs(e.begin), out_secs: secs(e.end), speed: f64::from(e.speed_percent) / 100.0 };
    match &e.shot {
        Shot::Angle => {
            e.ramp_percent.map_or_else(|| roll(e.position, &range), |end| ramped_roll(e.position, &range, f64::from(end) / 100.0))
        }
        Shot::Move(_) => freeze_in_roll(e.position, 3.0, 2.0, &range),
        Shot::Still { secs } => still(e.position, 0.0, *secs),
    }
}

/// The instant of a path at a time, seconds since the mark. Where it stands still the easing does not matter.
fn instant_at(path: &Path, secs: f64) -> f64 {
    let next = path.keys.iter().position(|k| k.at_secs >= secs).unwrap_or(path.keys.len() - 1);
    let (a, b) = (&path.keys[next.saturating_sub(1)], &path.keys[next]);
    let share = if b.at_secs > a.at_secs { ((secs - a.at_secs) / (b.at_secs - a.at_secs)).clamp(0.0, 1.0) } else { 1.0 };
    a.instant_secs + (b.instant_secs - a.instant_secs) * share
}

fn edit() -> impl Strategy<Value = EventEdit> {
    use EventEdit as E;
    prop_oneof![
        "[a-z ]{0,4}".prop_map(E::Name),
        any::<u8>().prop_map(E::Rating),
        Just(E::Color(EventColor::Blue)),
        instant().prop_map(E::In),
        instant().prop_map(E::Out),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_playlist_always_shows_something_and_no_recording_runs_against_its_direction(
        edits in prop::collection::vec(playlist_edit(), 1..12),
        steps in prop::collection::vec(prop_oneof![4 => (0.0..2.0_f64).prop_map(Some), 1 => Just(None)], 1..60),
    ) {
        let mut list = Playlist::default();
        for edit in &edits {
            list.apply(edit);
        }
        let mut ids: Vec<_> = list.elements().iter().map(|e| e.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), list.elements().len(), "identities are not shared");
        let schedule = list.schedule(secs_of);
        let mut player = Player::default();
        // The slot in front, and the instant that it showed last.
        let mut last: Option<(usize, f64)> = None;
        let mut secs_before = 0.0;
        for step in &steps {
            match step {
                Some(by) => player.advance(*by, &schedule),
                None => player.next(&schedule),
            }
            prop_assert!(player.secs() >= secs_before, "the list runs backwards");
            secs_before = player.secs();
            let Some(place) = schedule.at(player.secs()) else {
                prop_assert!(list.elements().is_empty(), "nothing to show");
                continue;
            };
            let Some(e) = list.elements().get(place.slot) else { return Err(TestCaseError::fail("no such element")) };
            prop_assert!(place.local_secs >= 0.0 && place.local_secs <= secs_of(e) + 1e-9);
            if let Some((before, secs, share)) = place.from {
                prop_assert!(before + 1 == place.slot && (0.0..=1.0).contains(&share));
                prop_assert!(secs >= 0.0 && secs <= secs_of(&list.elements()[before]) + 1e-6, "it dissolves from what has ended");
            }
            prop_assert!(list.looped || last.is_none_or(|(slot, _)| place.slot >= slot), "an element came again");
            let at = instant_at(&path_of(e), place.local_secs);
            if let Some((slot, was)) = last && slot == place.slot && !list.looped {
                let forward = if e.speed_percent < 0 { was - at } else { at - was };
                prop_assert!(forward >= -1e-6, "{was} -> {at} at {} %", e.speed_percent);
            }
            last = Some((place.slot, at));
        }
    }

    #[test]
    fn program_is_never_black_and_no_mark_is_lost(closed in any::<bool>(), commands in prop::collection::vec(command(), 0..80)) {
        let mut transport = transport(closed);
        transport.open_second();
        let mut alive = [true; CAMERAS];
        let mut marks: BTreeSet<u64> = BTreeSet::new();
        let mut pinned: BTreeSet<u64> = BTreeSet::new();
        // Instants whose pictures were reported since they were last asked for.
        let mut ready: BTreeSet<i64> = BTreeSet::new();
        let mut cued = false;
        for command in commands {
            if let TransportCommand::CameraAlive { camera, alive: a } = &command {
                alive[*camera] = *a;
            }
            if let TransportCommand::MomentReady(at) | TransportCommand::SceneReady(at) = &command {
                ready.insert(at.nanos());
            }
            let mut removes = match &command {
                TransportCommand::RemoveEvent(id) => Some(id.0),
                _ => None,
            };
            let again = command == TransportCommand::Redo;
            let before: BTreeSet<u64> = transport.events().iter().map(|e| e.id.0).collect();
            cued = match &command {
                TransportCommand::Cue { taken, .. } if taken.is_some() || transport.phase() == Phase::OnAir => true,
                TransportCommand::Take { .. } if transport.can_take() => false,
                _ => cued,
            };
            let (of_second, of_camera) =
                (matches!(command, TransportCommand::Second(_)), matches!(command, TransportCommand::CameraAlive { .. }));
            let programs = (transport.program().clone(), transport.second().cloned());
            let shown: BTreeSet<u64> = transport.playlist().elements().iter().map(|e| e.event.0).collect();
            let effects = transport.apply(command);
            prop_assert!(transport.playlist().elements().iter().all(|e| transport.events().get(e.event).is_some()), "shows what is gone: {shown:?}");
            for effect in &effects {
                match effect {
                    Effect::Pin(event) => {
                        marks.insert(event.id.0);
                        pinned.insert(event.id.0);
                    }
                    Effect::Unpin(id) => {
                        if again {
                            // A removal that is made again was the operator's too.
                            removes = Some(id.0);
                        }
                        prop_assert_eq!(Some(id.0), removes, "only the operator unpins");
                        marks.remove(&id.0);
                        pinned.remove(&id.0);
                    }
                    _ => {}
                }
            }
            // Marks: what is in the list is what was marked and not removed by name; each is pinned.
            let after: BTreeSet<u64> = transport.events().iter().map(|e| e.id.0).collect();
            prop_assert!(before.difference(&after).all(|id| Some(*id) == removes));
            prop_assert_eq!(&after, &marks);
            prop_assert_eq!(&after, &pinned);
            for event in transport.events() {
                prop_assert!(event.begin <= event.instant && event.instant <= event.end, "{:?}", event);
                prop_assert!(event.rating <= 5 && !event.name.is_empty());
            }
            // Program: always something to show.
            match transport.program() {
                Program::Live { camera } => {
                    prop_assert!(alive[*camera], "program shows a dead camera");
                    prop_assert_eq!(*camera, transport.live_camera());
                }
                Program::Hold => prop_assert!(alive.iter().all(|a| !a), "held although a camera delivers"),
                // The owner of a playlist says that it has the pictures.
                Program::Replay(on_air) if cued => prop_assert!(on_air.from_position.is_finite()),
                Program::Replay(on_air) => {
                    prop_assert!(ready.contains(&on_air.instant.nanos()), "a replay without pictures is on air");
                    prop_assert!(on_air.from_position.is_finite());
                    if let Some(id) = on_air.event {
                        prop_assert!(transport.events().get(id).is_some(), "the event on air was removed");
                    }
                }
            }
            let Some(second) = transport.second() else { return Err(TestCaseError::fail("program B is gone")) };
            match &second.program {
                Program::Live { camera } => {
                    prop_assert!(alive[*camera], "program B shows a dead camera");
                    prop_assert_eq!(*camera, second.live_camera);
                }
                Program::Hold => prop_assert!(alive.iter().all(|a| !a), "program B held although a camera delivers"),
                Program::Replay(on_air) => {
                    prop_assert!(ready.contains(&on_air.instant.nanos()), "a replay without pictures is on program B");
                    prop_assert!(on_air.from_position.fract() == 0.0 && on_air.from_position < CAMERAS as f64);
                    prop_assert!(!on_air.solved, "program B has no scene");
                    if let Some(id) = on_air.event {
                        prop_assert!(transport.events().get(id).is_some(), "the event on program B was removed");
                    }
                }
            }
            // Neither channel moves the other; what a camera does both hear.
            if !of_camera {
                let kept = if of_second { *transport.program() == programs.0 } else { transport.second() == programs.1.as_ref() };
                prop_assert!(kept, "one channel has moved the other");
            }
            let cut_other = effects.contains(if of_second { &Effect::Cut } else { &Effect::CutSecond });
            prop_assert!(of_camera || !cut_other, "one channel has cut the other");
            if let Some(p) = transport.preview() {
                prop_assert!((0.0..CAMERAS as f64).contains(&p.position), "position {}", p.position);
                prop_assert!(transport.camera_at(p.position).is_some());
            }
            prop_assert_eq!(transport.phase() == Phase::OnAir, matches!(transport.program(), Program::Replay(_)));
        }
        // Whatever happened, one return leads back to live (or to the held picture when all cameras are dead).
        transport.apply(TransportCommand::Return);
        prop_assert!(!matches!(transport.program(), Program::Replay(_)));
        transport.apply(TransportCommand::Second(SecondCommand::Return));
        prop_assert!(transport.second().is_some_and(|b| !matches!(b.program, Program::Replay(_))));
    }
}

#[test]
fn events_do_not_begin_before_what_is_recorded() {
    let mut t = transport(false);
    let at = MediaTime::from_secs_f64;
    let recorded = Some(at(2.0));
    t.oldest = recorded;
    // The mark wants more past than there is.
    t.apply(TransportCommand::Mark { at: at(2.4) });
    t.apply(TransportCommand::MarkLast { from: at(-2.0), head: at(3.0) });
    t.apply(TransportCommand::Mark { at: at(60.0) });
    // A mark before everything: it stays where it was made.
    t.apply(TransportCommand::Mark { at: at(1.0) });
    let events: Vec<_> = t.events().iter().map(|e| (e.begin, e.instant, e.end)).collect();
    assert_eq!((events[0].0, events[0].1), (at(2.0), at(2.4)));
    assert_eq!(events[1], (at(2.0), at(2.0), at(3.0)));
    assert!(events[2].0 < at(60.0) && events[2].0 > at(50.0), "{:?}", events[2]);
    assert!(events[3].0 <= at(1.0) && events[3].1 == at(1.0), "{:?}", events[3]);
    // What is recorded moves on; what was marked does not.
    t.oldest = Some(at(100.0));
    t.apply(TransportCommand::Undo);
    assert_eq!(t.events().iter().next().map(|e| e.begin), Some(at(2.0)));
}

#[test]
fn mark_take_return() {
    let mut t = transport(false);
    let at = MediaTime::from_secs_f64(12.0);
    assert_eq!(t.phase(), Phase::Live);
    let effects = t.apply(TransportCommand::Mark { at });
    assert!(matches!(&effects[..], [Effect::Pin(e), Effect::Prepare(i)] if e.instant == at && *i == at));
    assert_eq!(t.phase(), Phase::Armed);

    // Too early: refused with a reason, program stays live.
    let effects = t.apply(TransportCommand::Take { now: at });
    assert!(matches!(&effects[..], [Effect::Warn(why)] if why.contains("fetched")), "{effects:?}");
    assert_eq!(t.phase(), Phase::Armed);

    t.apply(TransportCommand::MomentReady(at));
    assert!(t.can_take());
    t.apply(TransportCommand::SetOrbit(1.4));
    t.apply(TransportCommand::Take { now: at });
    let Program::Replay(on_air) = t.program() else { panic!("{:?}", t.program()) };
    assert!(!on_air.solved && on_air.from_position == 1.4);
    t.apply(TransportCommand::SceneReady(at));
    assert!(matches!(t.program(), Program::Replay(o) if o.solved));
    assert_eq!(t.events().iter().next().map(|e| e.takes), Some(1));

    // Choosing a camera on air says where the return goes.
    t.apply(TransportCommand::SelectCamera(3));
    assert_eq!(t.phase(), Phase::OnAir);
    t.apply(TransportCommand::Return);
    assert_eq!(t.program(), &Program::Live { camera: 3 });
    assert_eq!(t.phase(), Phase::Armed, "what was prepared is still there");
    t.apply(TransportCommand::Return);
    assert_eq!(t.phase(), Phase::Live);
}

#[test]
fn a_dead_live_camera_hands_over_to_its_neighbour_by_name() {
    let mut t = transport(false);
    t.apply(TransportCommand::SelectCamera(4));
    let effects = t.apply(TransportCommand::CameraAlive { camera: 4, alive: false });
    // 4 lies between 1 and 3 on the arc.
    let Program::Live { camera } = t.program() else { panic!("{:?}", t.program()) };
    assert!([1, 3].contains(camera));
    assert!(effects.iter().any(|e| matches!(e, Effect::Warn(w) if w.contains("cam04"))), "{effects:?}");
    for camera in 0..CAMERAS {
        t.apply(TransportCommand::CameraAlive { camera, alive: false });
    }
    assert_eq!(t.program(), &Program::Hold);
    t.apply(TransportCommand::CameraAlive { camera: 2, alive: true });
    assert_eq!(t.program(), &Program::Live { camera: 2 });
}

#[test]
fn a_failed_solve_still_steps_through_real_cameras() {
    let mut t = transport(true);
    let at = MediaTime::from_secs_f64(1.0);
    t.apply(TransportCommand::Mark { at });
    t.apply(TransportCommand::MomentReady(at));
    t.apply(TransportCommand::PrepareFailed { instant: at, why: "out of memory".to_owned(), fatal: false });
    let p = t.preview().unwrap();
    assert_eq!(p.readiness, Readiness::RealCameras);
    assert_eq!(p.problem.as_deref(), Some("out of memory"));
    assert!(t.can_take());
    // On a ring the orbit wraps.
    t.apply(TransportCommand::SetOrbit(0.25));
    t.apply(TransportCommand::MoveOrbit(-0.5));
    assert!((t.preview().unwrap().position - 4.75).abs() < 1e-9);
    assert_eq!(t.camera_at(4.75), Some(2));
}

#[test]
fn edits_are_taken_back_and_made_again_but_never_what_is_on_air() {
    let mut t = transport(false);
    let at = MediaTime::from_secs_f64(9.0);
    t.apply(TransportCommand::Mark { at });
    let id = t.events().iter().next().unwrap().id;
    let name = |t: &Transport| t.events().get(id).map(|e| e.name.clone());
    t.apply(TransportCommand::Edit(id, EventEdit::Name("Goal".to_owned())));
    t.apply(TransportCommand::Edit(id, EventEdit::Rating(4)));
    t.apply(TransportCommand::MomentReady(at));
    t.apply(TransportCommand::Take { now: at });
    t.apply(TransportCommand::Undo);
    t.apply(TransportCommand::Undo);
    assert_eq!(name(&t).as_deref(), Some("E001"));
    assert_eq!((t.phase(), t.events().get(id).unwrap().takes), (Phase::OnAir, 1), "transport and counts stay");
    assert_eq!(t.can_undo_redo(), (false, true));
    t.apply(TransportCommand::Redo);
    assert_eq!(name(&t).as_deref(), Some("Goal"));
    t.apply(TransportCommand::Return);
    t.apply(TransportCommand::RemoveEvent(id));
    assert_eq!(name(&t), None);
    let effects = t.apply(TransportCommand::Undo);
    assert!(matches!(&effects[..], [Effect::Pin(event)] if event.id == id), "{effects:?}");
    assert_eq!(name(&t).as_deref(), Some("Goal"));
    // What is on air is not removed by a redo either; the step waits.
    t.apply(TransportCommand::SelectEvent(id));
    t.apply(TransportCommand::MomentReady(at));
    t.apply(TransportCommand::Take { now: at });
    assert!(matches!(&t.apply(TransportCommand::Redo)[..], [Effect::Warn(_)]));
    t.apply(TransportCommand::Return);
    t.apply(TransportCommand::Redo);
    assert_eq!(name(&t), None);
}

#[test]
fn in_and_out_make_an_event_or_trim_the_prepared_one() {
    let mut t = transport(false);
    let at = MediaTime::from_secs_f64;
    t.apply(TransportCommand::MarkIn { head: at(10.0) });
    assert_eq!(t.pending_in(), Some(at(10.0)));
    t.apply(TransportCommand::MarkOut { head: at(12.5) });
    let e = t.events().iter().next().unwrap().clone();
    assert_eq!((e.begin, e.end, t.pending_in()), (at(10.0), at(12.5), None));
    assert_eq!(t.preview().unwrap().instant, at(10.0), "its beginning is prepared");
    // Now they trim it where preview stands.
    t.apply(TransportCommand::SetInstant(at(11.0)));
    t.apply(TransportCommand::MarkIn { head: at(20.0) });
    t.apply(TransportCommand::SetInstant(at(12.0)));
    t.apply(TransportCommand::MarkOut { head: at(20.0) });
    let trimmed = t.events().get(e.id).unwrap().clone();
    assert_eq!((trimmed.begin, trimmed.end), (at(11.0), at(12.0)));
    assert_eq!(trimmed.pinned_range(), e.pinned_range(), "what was kept stays kept");
    t.apply(TransportCommand::MarkLast { from: at(15.0), head: at(20.0) });
    assert_eq!(t.events().iter().last().map(volte::replay::Event::length_nanos), Some(5_000_000_000));
}
