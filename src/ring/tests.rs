use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

const FRAME: i64 = 20_000_000;

fn at(frame: i64) -> MediaTime {
    MediaTime::from_nanos(frame * FRAME)
}

fn payload(size: usize, seed: u64) -> Bytes {
    let mut data = vec![0_u8; size];
    data.iter_mut().zip(seed.to_le_bytes()).for_each(|(b, s)| *b = s);
    Bytes::from(data)
}

fn unit(frame: i64, keyframe: bool, size: usize) -> AccessUnit {
    AccessUnit::new(at(frame), FRAME as u32, keyframe, payload(size, frame as u64))
}

fn ring(budget_bytes: u64, frames: i64) -> Ring {
    Ring::new(RingConfig { budget_bytes, duration_nanos: frames * FRAME, detect_repeats: true })
}

/// Presentation numbers in the decode order of I0 P4 B2 b1 b3 (non-reference b), then P8 …, a keyframe every 12.
fn b_frames(ring: &Ring, feed: FeedId, gops: i64) {
    for g in 0..gops {
        let base = g * 13;
        ring.push(feed, unit(base, true, 100));
        for p in 0..3 {
            for (offset, droppable) in [(4, false), (2, false), (1, true), (3, true)] {
                let mut u = unit(base + p * 4 + offset, false, 10);
                u.droppable = droppable;
                assert!(matches!(ring.push(feed, u), Push::Stored(_)));
            }
        }
    }
}

#[test]
fn decode_order_to_a_b_frame_takes_only_what_it_needs() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    b_frames(&ring, feed, 3);
    let found = ring.gop_for(feed, at(13 + 7)).unwrap();
    let numbers: Vec<i64> = found.units.iter().map(|u| u.pts.nanos() / FRAME - 13).collect();
    // Frame 7 is a droppable b-frame; other droppable ones are skipped, and nothing after it is taken.
    assert_eq!(numbers, vec![0, 4, 2, 8, 6, 7]);
    assert_eq!((found.pts, found.error_nanos), (at(20), 0));
    // A little off the frame, the same frame, with its error.
    assert_eq!(ring.gop_for(feed, at(20).plus_nanos(-3_000_000)).unwrap().error_nanos, 3_000_000);
}

#[test]
fn leading_pictures_bring_the_group_before() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    for u in [unit(0, true, 9), unit(2, false, 9), unit(1, false, 9), unit(5, true, 9), unit(3, false, 9), unit(4, false, 9)] {
        assert!(matches!(ring.push(feed, u), Push::Stored(_)));
    }
    let numbers: Vec<i64> = ring.gop_for(feed, at(4)).unwrap().units.iter().map(|u| u.pts.nanos() / FRAME).collect();
    assert_eq!(numbers, vec![0, 2, 1, 5, 3, 4]);
    assert_eq!(ring.range(feed, at(3), at(5)).len(), 6);
    // A pin on the leading picture alone keeps both groups.
    ring.pin(at(4), at(5));
    assert_eq!(ring.status().pinned_bytes, 54);
}

#[test]
fn a_lost_frame_is_not_replaced_by_its_neighbour() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    for frame in [0, 1, 2, 4, 5] {
        ring.push(feed, unit(frame, true, 9));
    }
    assert!(matches!(ring.nearest(feed, at(3)), Err(Dishonest::TooFar { error_nanos, .. }) if error_nanos.abs() == FRAME));
    // Half an interval away is allowed: free-running cameras.
    assert_eq!(ring.nearest(feed, at(2).plus_nanos(FRAME / 2)).unwrap().unit.pts, at(2));
    assert!(ring.nearest(feed, at(2).plus_nanos(FRAME * 6 / 10)).is_err());
    assert!(matches!(ring.nearest(feed, at(900)), Err(Dishonest::TooFar { .. })));
    assert_eq!(ring.nearest(FeedId(7), at(0)), Err(Dishonest::UnknownFeed));
}

#[test]
fn repeated_and_late_frames_are_marked_and_never_used() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    ring.push(feed, unit(0, true, 64));
    ring.push(feed, unit(1, true, 64));
    // The same picture again at the next time: the camera stalled.
    let stalled = AccessUnit { payload: payload(64, 1), ..unit(2, true, 64) };
    assert_eq!(ring.push(feed, stalled), Push::Stored(UnitFlags { duplicated: true, ..UnitFlags::default() }));
    // Another picture at a time that is already taken.
    let again = AccessUnit { payload: payload(64, 99), ..unit(2, true, 64) };
    assert_eq!(ring.push(feed, again), Push::Stored(UnitFlags { duplicated: true, ..UnitFlags::default() }));
    let mut late = unit(3, true, 64);
    late.flags.late = true;
    ring.push(feed, late);
    assert!(matches!(ring.gop_for(feed, at(2)), Err(Dishonest::Marked { flags }) if flags.duplicated));
    let why = ring.gop_for(feed, at(3)).unwrap_err();
    assert!(why.to_string().contains("too late"), "{why}");
    assert_eq!(ring.gop_for(feed, at(1)).unwrap().pts, at(1));
}

#[test]
fn what_is_oldest_goes_first_over_all_feeds() {
    let ring = ring(1000, 1000);
    let a = ring.add_feed("a", FRAME);
    let b = ring.add_feed("b", FRAME);
    for frame in 0..40 {
        ring.push(a, unit(frame, frame % 2 == 0, 40));
        ring.push(b, unit(frame, frame % 2 == 0, 10));
    }
    let status = ring.status();
    assert!(status.bytes <= 1000 && status.bytes > 800, "{status:?}");
    let (oldest_a, oldest_b) = (status.feeds[0].oldest.unwrap(), status.feeds[1].oldest.unwrap());
    assert!(oldest_a.distance_nanos(oldest_b) <= 2 * FRAME as u64, "{status:?}");
    assert_eq!(status.feeds.iter().map(|f| f.bytes).sum::<u64>(), status.bytes);
}

#[test]
fn duration_bounds_even_a_feed_that_died() {
    let ring = ring(1 << 20, 10);
    let alive = ring.add_feed("alive", FRAME);
    let dead = ring.add_feed("dead", FRAME);
    ring.push(dead, unit(0, true, 10));
    for frame in 0..30 {
        ring.push(alive, unit(frame, true, 10));
    }
    let status = ring.status();
    assert_eq!(status.feeds[1].units, 0);
    // The horizon follows what was stored: one frame more than the ten, and one at either end.
    assert!(status.feeds[0].units <= 13, "{status:?}");
    assert_eq!(status.feeds[1].starved, 0);
}

#[test]
fn pins_survive_and_a_full_ring_says_so() {
    let ring = ring(1000, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    let pin = ring.pin(at(4), at(8));
    for frame in 0..100 {
        ring.push(feed, unit(frame, frame % 4 == 0, 50));
    }
    for frame in 4..8 {
        assert_eq!(ring.gop_for(feed, at(frame)).unwrap().pts, at(frame));
    }
    assert!(ring.gop_for(feed, at(2)).is_err() && ring.gop_for(feed, at(9)).is_err());
    // A pin that reaches into the future fills the budget: refused, counted, said.
    let greedy = ring.pin(at(90), at(10_000));
    for frame in 100..200 {
        ring.push(feed, unit(frame, frame % 4 == 0, 50));
    }
    let status = ring.status();
    assert!(status.bytes <= 1000 && status.pins_fill_budget(), "{status:?}");
    assert!(status.feeds[0].refused_pins_full > 50 && !status.warnings().is_empty());
    // Released, the ring records again, from a keyframe on.
    assert!(ring.unpin(greedy) && ring.unpin(pin) && !ring.unpin(pin));
    for frame in 201..220 {
        ring.push(feed, unit(frame, frame % 4 == 0, 50));
    }
    assert_eq!(ring.gop_for(feed, at(214)).unwrap().units.len(), 3);
    assert_eq!(ring.status().pinned_bytes, 0);
}

#[test]
fn a_group_larger_than_the_ring_is_named() {
    let ring = ring(100, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    for frame in 0..10 {
        ring.push(feed, unit(frame, frame == 0, 30));
    }
    let status = ring.status();
    assert!(status.feeds[0].starved > 0 && status.warnings()[0].contains("cam01"), "{status:?}");
    assert!(ring.gop_for(feed, at(9)).is_err());
}

#[test]
fn keyframes_that_are_far_apart_are_named_by_frames_and_by_seconds_with_the_remedy() {
    // Frames a second, frames from keyframe to keyframe, how many came, and what is told.
    for (fps, apart, frames, told) in [
        (25, 50, 300, None),
        // 100 frames are decoded quickly; four seconds without a picture are four seconds.
        (25, 100, 300, Some("100 frames (4.0 s)")),
        (25, 125, 300, Some("125 frames (5.0 s)")),
        (60, 120, 300, None),
        // The same frames in a second and a quarter: nobody waits, and the freeze is as quick.
        (100, 125, 300, None),
        // Two seconds, which are twice as many frames to decode as one wants.
        (100, 200, 900, Some("200 frames (2.0 s)")),
        (25, 250, 800, Some("250 frames (10.0 s)")),
        // None has come since the first: told as what is known, in words that stay as they are.
        (25, 10_000, 100, Some("at least 53 frames (2.1 s)")),
        (25, 10_000, 900, Some("at least 53 frames (2.1 s)")),
        (100, 10_000, 150, Some("at least 126 frames (1.3 s)")),
        (25, 1, 100, None),
    ] {
        let interval = 1_000_000_000 / fps;
        let ring = Ring::new(RingConfig { budget_bytes: 1 << 20, duration_nanos: 1000 * 1_000_000_000, ..RingConfig::default() });
        let feed = ring.add_feed("cam01", interval);
        for k in 0..frames {
            let pts = MediaTime::from_nanos(k * interval);
            ring.push(feed, AccessUnit::new(pts, interval as u32, k % apart == 0, Bytes::from(vec![k as u8; 9])));
        }
        let warnings = ring.status().feed_warnings();
        match told {
            None => assert_eq!(warnings, [""; 0], "{fps} fps, {apart}"),
            Some(told) => {
                assert!(
                    warnings.len() == 1 && warnings[0].starts_with("cam01: ") && warnings[0].contains(told),
                    "{warnings:?}, not {told}"
                );
                assert!(warnings[0].contains("keyframe interval") && warnings[0].contains("intra = true"), "{warnings:?}");
            }
        }
    }
}

#[test]
fn a_lost_keyframe_is_not_a_camera_that_is_badly_set() {
    let ring = Ring::new(RingConfig { budget_bytes: 1 << 20, duration_nanos: 1000 * 1_000_000_000, ..RingConfig::default() });
    let feed = ring.add_feed("cam01", 40_000_000);
    let mut frame = 0_i64;
    // Groups of so many frames; what is told while the last is being written.
    let mut come = |groups: &[i64]| {
        let mut told = Vec::new();
        for frames in groups {
            for k in 0..*frames {
                ring.push(
                    feed,
                    AccessUnit::new(MediaTime::from_nanos(frame * 40_000_000), 40_000_000, k == 0, Bytes::from(vec![frame as u8; 9])),
                );
                frame += 1;
                told = ring.status().feed_warnings();
            }
        }
        told
    };
    // Every two seconds; one is lost, then, later, two in a row.
    for groups in [&[50, 50, 50][..], &[100], &[50, 50, 150], &[50]] {
        assert_eq!(come(groups), [""; 0], "{groups:?}");
    }
    // It was set to another distance: told with the second of them, and as what is so far.
    assert_eq!(come(&[100]), [""; 0]);
    assert!(come(&[60])[0].contains("at least 53 frames"));
    assert!(come(&[100])[0].contains("60 frames (2.4 s)"));
    // None comes any more.
    let ring = Ring::new(RingConfig { budget_bytes: 1 << 20, duration_nanos: 1000 * 1_000_000_000, ..RingConfig::default() });
    let feed = ring.add_feed("cam01", 40_000_000);
    for k in 0..400_i64 {
        let is_key = k < 100 && k % 25 == 0;
        ring.push(feed, AccessUnit::new(MediaTime::from_nanos(k * 40_000_000), 40_000_000, is_key, Bytes::from(vec![k as u8; 9])));
        assert_eq!(ring.status().feed_warnings().is_empty(), k < 75 + 75, "{k}");
    }
}

#[test]
fn a_camera_that_was_away_has_no_distant_keyframes() {
    let ring = Ring::new(RingConfig { budget_bytes: 1 << 20, duration_nanos: 1000 * 1_000_000_000, ..RingConfig::default() });
    let feed = ring.add_feed("cam01", 40_000_000);
    for k in 0..200_i64 {
        // A minute is missing in the middle of a group.
        let pts = MediaTime::from_nanos(k * 40_000_000 + if k > 60 { 60_000_000_000 } else { 0 });
        ring.push(feed, AccessUnit::new(pts, 40_000_000, k % 50 == 0, Bytes::from(vec![k as u8; 9])));
    }
    assert_eq!(ring.status().feed_warnings(), [""; 0]);
}

#[test]
fn a_range_has_keyframes_of_one_time_wherever_it_is_cut() {
    let ring = ring(1 << 20, 10_000);
    let feed = ring.add_feed("cam01", FRAME);
    // Every frame a keyframe, each time twice, and more than is copied in one go.
    for frame in 0..1400 {
        assert!(matches!(ring.push(feed, unit((frame + 1) / 2, true, 4)), Push::Stored(_)));
    }
    let orders: Vec<u64> = ring.range(feed, at(0), at(10_000)).iter().map(|unit| unit.order).collect();
    assert_eq!(orders, (0..1400).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_goes_back_is_refused() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    ring.push(feed, unit(50, true, 10));
    assert_eq!(ring.push(feed, unit(3, true, 10)), Push::Refused(Refusal::TimeWentBack));
    assert_eq!(ring.push(feed, unit(51, false, 10)), Push::Refused(Refusal::NoKeyframe));
    assert!(matches!(ring.push(feed, unit(52, true, 10)), Push::Stored(_)));
    assert_eq!(ring.status().bytes, 20);
}

#[test]
fn followers_go_on_and_jump_when_behind() {
    let ring = ring(1 << 20, 1000);
    let feed = ring.add_feed("cam01", FRAME);
    for frame in 0..40 {
        ring.push(feed, unit(frame, frame % 10 == 0, 10));
    }
    assert_eq!(ring.follow(feed, 25, 100).len(), 15);
    assert_eq!(ring.follow(feed, 3, 100)[0].pts, at(30));
    assert!(ring.follow(feed, 40, 100).is_empty());
    assert_eq!(ring.newest_keyframe(feed).unwrap().pts, at(30));
}

#[derive(Debug, Clone)]
enum Step {
    Push { feed: usize, keyframe: bool, size: usize },
    Pin { from: i64, len: i64 },
    Unpin,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let push = (0_usize..3, prop::bool::weighted(0.3), 1_usize..120).prop_map(|(feed, keyframe, size)| Step::Push { feed, keyframe, size });
    let pin = (0_i64..150, 1_i64..30).prop_map(|(from, len)| Step::Pin { from, len });
    prop::collection::vec(prop_oneof![20 => push, 1 => pin, 1 => Just(Step::Unpin)], 1..400)
}

proptest! {
    #[test]
    fn invariants(steps in steps(), budget in 200_u64..3000, duration in 5_i64..100, shift in any::<u8>()) {
        let ring = ring(budget, duration);
        let feeds: Vec<FeedId> = (0..3).map(|i| ring.add_feed(&format!("cam{i}"), FRAME)).collect();
        let mut next = [i64::from(shift); 3];
        let mut pins: Vec<(PinId, i64, i64)> = Vec::new();
        for step in steps {
            let seen_before: Vec<Vec<MediaTime>> = feeds.iter().map(|f| all_pts(&ring, *f)).collect();
            match step {
                Step::Push { feed, keyframe, size } => {
                    let outcome = ring.push(feeds[feed], unit(next[feed], keyframe, size));
                    next[feed] += 1;
                    // Pinned units that were there are still there.
                    for (f, before) in feeds.iter().zip(&seen_before) {
                        let now = all_pts(&ring, *f);
                        for pts in before {
                            let frame = pts.nanos() / FRAME;
                            if pins.iter().any(|(_, from, until)| (*from..*until).contains(&frame)) {
                                prop_assert!(now.contains(pts), "pinned frame {frame} of {f:?} is gone");
                            }
                        }
                    }
                    if outcome == Push::Refused(Refusal::PinsFull) {
                        let status = ring.status();
                        prop_assert!(status.pinned_bytes + size as u64 > budget || status.bytes + size as u64 > budget);
                    }
                }
                Step::Pin { from, len } => pins.push((ring.pin(at(from), at(from + len)), from, from + len)),
                Step::Unpin => if let Some((id, ..)) = pins.pop() { prop_assert!(ring.unpin(id)); },
            }
            let status = ring.status();
            prop_assert!(status.bytes <= budget, "{status:?}");
            prop_assert_eq!(status.bytes, status.feeds.iter().map(|f| f.bytes).sum::<u64>());
            for (f, feed_status) in feeds.iter().zip(&status.feeds) {
                let units = ring.range(*f, MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX));
                prop_assert_eq!(units.len() as u64, feed_status.units);
                prop_assert!(units.windows(2).all(|w| w[0].order < w[1].order && w[0].pts < w[1].pts));
                prop_assert_eq!(units.iter().map(|u| u.payload.len() as u64).sum::<u64>(), feed_status.bytes);
                prop_assert!(units.first().is_none_or(|u| u.keyframe));
                // Every unit there can be reached, and its chain begins with a keyframe.
                for u in units.iter().step_by(7) {
                    let found = ring.gop_for(*f, u.pts).unwrap();
                    prop_assert!(found.units[0].keyframe && found.pts == u.pts);
                    prop_assert_eq!(found.units.last().unwrap().order, u.order);
                }
            }
        }
    }
}

/// One unit of a wild stream: how its time follows from the one before, frames; duration; keyframe, droppable; marks.
fn wild_units() -> impl Strategy<Value = Vec<(i64, u32, bool, bool, UnitFlags)>> {
    let step = prop_oneof![8 => Just(1_i64), 2 => Just(0), 2 => -4_i64..4, 1 => -300_i64..300, 1 => -(1_i64 << 31)..1 << 31];
    let duration = prop_oneof![Just(FRAME as u32), Just(0), Just(1), any::<u32>()];
    let marks = prop_oneof![
        6 => Just(UnitFlags::default()),
        1 => any::<(bool, bool)>().prop_map(|(late, damaged)| UnitFlags { duplicated: false, late, damaged })
    ];
    prop::collection::vec((step, duration, prop::bool::weighted(0.2), any::<bool>(), marks), 1..150)
}

proptest! {
    /// Times that repeat, jump and step back: the books hold, and what is found is what was asked for, or a reason.
    #[test]
    fn wild_times_are_kept_or_refused(units in wild_units(), interval in prop_oneof![Just(FRAME), Just(0)], budget in 200_u64..6000, pin in -20_i64..100) {
        let ring = ring(budget, 200);
        let feed = ring.add_feed("cam", interval);
        ring.pin(at(pin), at(pin + 10));
        let (mut frame, mut asked) = (0_i64, Vec::new());
        for (step, duration_nanos, keyframe, droppable, flags) in units {
            frame = (frame + step).clamp(-(1 << 32), 1 << 32);
            ring.push(feed, AccessUnit { duration_nanos, droppable, flags, ..unit(frame, keyframe, 30) });
            asked.push(at(frame));
        }
        let status = ring.status();
        prop_assert!(status.bytes <= budget);
        let all = ring.range(feed, MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX));
        prop_assert_eq!(all.len() as u64, status.feeds[0].units);
        prop_assert_eq!(30 * all.len() as u64, status.bytes);
        prop_assert!(all.windows(2).all(|w| w[0].order < w[1].order) && all.first().is_none_or(|u| u.keyframe));
        for instant in asked {
            let Ok(found) = ring.gop_for(feed, instant) else { continue };
            let last = found.units.last().unwrap();
            prop_assert!(last.flags.is_honest() && last.pts == found.pts && found.pts - instant == found.error_nanos);
            prop_assert!(found.units[0].keyframe && found.units.windows(2).all(|w| w[0].order < w[1].order));
            prop_assert!(found.units.iter().all(|u| all.iter().any(|there| there == u)), "a unit that the ring does not have");
            let known = if interval > 0 { interval } else { i64::from(last.duration_nanos) };
            let allowed = lookup::allowed_error_nanos(if known > 0 { known } else { 40_000_000 });
            prop_assert!(found.error_nanos.abs() <= allowed, "{} ns off", found.error_nanos);
        }
    }

    /// B-frames in decode order, losses, repeated units and unknown durations: every honest frame is found at its very time.
    #[test]
    fn honest_frames_of_reordered_streams_are_found(
        shapes in prop::collection::vec((1_i64..6, prop::collection::vec((0_i64..4, 0_u8..12), 0..8)), 1..30),
        has_duration: bool,
    ) {
        let ring = ring(1 << 20, 100_000);
        let feed = ring.add_feed("cam", FRAME);
        let (mut next, mut honest) = (0_i64, Vec::new());
        let mut push = |frame: i64, keyframe: bool, droppable: bool, fate: u8| {
            let duration_nanos = if has_duration { FRAME as u32 } else { 0 };
            // One in twelve is lost, one comes twice.
            for _ in 0..match fate { 0 => 0, 1 => 2, _ => 1 } {
                let outcome = ring.push(feed, AccessUnit { duration_nanos, droppable, ..unit(frame, keyframe, 10 + (frame % 7) as usize) });
                if outcome == Push::Stored(UnitFlags::default()) {
                    honest.push(frame);
                }
            }
        };
        for (lost_between, mini) in shapes {
            next += lost_between;
            push(next, true, false, 2);
            for (b_frames, fate) in mini {
                push(next + b_frames + 1, false, false, 2);
                (1..=b_frames).for_each(|b| push(next + b, false, true, fate));
                next += b_frames + 1;
            }
        }
        prop_assert!(honest.len() as u64 <= ring.status().feeds[0].units);
        for frame in honest {
            let found = ring.gop_for(feed, at(frame)).map_err(|e| proptest::test_runner::TestCaseError::fail(format!("frame {frame}: {e}")))?;
            prop_assert_eq!((found.pts, found.error_nanos), (at(frame), 0));
        }
    }
}

fn all_pts(ring: &Ring, feed: FeedId) -> Vec<MediaTime> {
    ring.range(feed, MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX)).iter().map(|u| u.pts).collect()
}

#[test]
fn producers_on_many_threads_keep_the_books() {
    let ring = Arc::new(ring(40_000, 10_000));
    let feeds: Vec<FeedId> = (0..4).map(|i| ring.add_feed(&format!("cam{i}"), FRAME)).collect();
    std::thread::scope(|scope| {
        for feed in &feeds {
            let ring = &ring;
            scope.spawn(move || {
                for frame in 0..3000 {
                    ring.push(*feed, unit(frame, frame % 6 == 0, 20 + (frame % 17) as usize));
                }
            });
        }
        scope.spawn(|| {
            for i in 0..200 {
                let pin = ring.pin(at(i * 10), at(i * 10 + 20));
                let _ = ring.gop_for(feeds[0], at(i * 10));
                ring.unpin(pin);
            }
        });
    });
    let status = ring.status();
    assert!(status.bytes <= 40_000, "{status:?}");
    assert_eq!(status.bytes, status.feeds.iter().map(|f| f.bytes).sum::<u64>());
}
