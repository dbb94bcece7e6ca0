//! Takes on every program format: with numbers burnt into the pictures, the first replay frame that goes out is the one that was marked,
//! and nothing else is between it and the live camera. No encoder is needed: what goes out is looked at before it is coded. Fill and key
//! beside it say the same.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use volte::engine::{Command, Engine, EngineOptions, Feeds, ProgramKind, Snapshot};
use volte::output::program::{ChannelOptions, Frame, FrameTaker, Signal, SinkSpec, Tick};
use volte::replay::graphics::{Corner, Graphic, GraphicEdit, GraphicKind};

mod support {
    pub mod fake_feeds;
    pub mod numbers;
    pub mod timed_feeds;
}
use support::fake_feeds::arc_rig;
use support::numbers::{HEIGHT, WIDTH, judge_takes, number_of};
use support::timed_feeds::TimedFeeds;

const PATIENCE: Duration = Duration::from_secs(15);
const PIXELS: usize = (WIDTH * HEIGHT) as usize;

/// A frame's place in the output, and its number.
type Numbered = (u64, Option<u16>);

/// Every frame that goes out.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Numbered>>>);

impl FrameTaker for Seen {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        self.0.lock().push((tick.index, number_of(&frame.as_ref().as_ref()[..PIXELS])));
    }
}

/// So many takes of marks at any time; what went out, and the frames that were marked.
fn takes(format: &str, cameras: &str, count: usize, mut random: u32) -> (Vec<Option<u16>>, Vec<u16>) {
    let feeds = Arc::new(TimedFeeds::with_rate(arc_rig(2, 12.0), cameras.parse().unwrap()));
    let options = EngineOptions { without_gpu: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap();
    engine.start_output(&ChannelOptions::new(format.parse().unwrap()), vec![]).unwrap();
    let seen = Seen::default();
    assert!(engine.watch_output(seen.clone()));
    let wait = |what: &str, done: &dyn Fn(&Snapshot) -> bool| {
        engine.wait_for(PATIENCE, |s| done(s)).unwrap_or_else(|| panic!("{format}: {what}: {:?}", engine.snapshot().notices))
    };
    let went_out = |wanted: &dyn Fn(u16) -> bool| {
        let until = std::time::Instant::now() + PATIENCE;
        while !seen.0.lock().last().is_some_and(|(_, number)| number.is_some_and(wanted)) {
            assert!(std::time::Instant::now() < until, "{format}: {:?}", seen.0.lock().last());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    went_out(&|_| true);
    let mut marks: Vec<u16> = Vec::new();
    for take in 0..count {
        // Any place within a frame.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::thread::sleep(Duration::from_micros(u64::from(random >> 12) % 45_000));
        let before = feeds.number_at(feeds.now());
        assert!(engine.send(Command::Mark));
        let armed = wait("it is not prepared", &|s| {
            s.events.len() == take + 1 && s.can_take && s.preview.as_ref().is_some_and(|p| p.event == s.events.last().map(|e| e.id))
        });
        let mark = feeds.number_at(armed.preview.as_ref().unwrap().instant);
        // What was newest when it was pressed, or when it was heard.
        assert!((before.saturating_sub(1)..=feeds.number_at(feeds.now())).contains(&mark), "{format}: {before} {mark}");
        marks.push(mark);
        went_out(&|live| live > mark + 1);
        assert!(engine.send(Command::Take));
        wait("no take", &|s| matches!(s.program.kind, ProgramKind::Replay { .. }));
        went_out(&|number| number == mark);
        assert!(engine.send(Command::Return));
        wait("no return", &|s| matches!(s.program.kind, ProgramKind::Live(_)));
        went_out(&|live| live > mark + 1);
    }
    drop(engine);
    let seen = seen.0.lock();
    assert!(seen.windows(2).all(|w| w[1].0 == w[0].0 + 1), "{format}: a frame is missing");
    (seen.iter().map(|(_, number)| *number).collect(), marks)
}

#[test]
fn two_hundred_takes_over_all_formats_begin_with_the_marked_frame() {
    let all = [("25", "50", 28), ("29.97", "29.97", 32), ("50", "50", 44), ("59.94", "59.94", 48), ("60", "60", 48)];
    assert_eq!(all.iter().map(|(.., count)| count).sum::<usize>(), 200);
    let run = |(k, (rate, cameras, count)): (usize, (&'static str, &'static str, usize))| {
        let format = format!("320x180p{rate}");
        let named = std::thread::Builder::new().name(format.clone());
        (format.clone(), named.spawn(move || takes(&format, cameras, count, 17 + k as u32)).unwrap(), count)
    };
    let shows: Vec<_> = all.into_iter().enumerate().map(run).collect();
    for (format, show, count) in shows {
        let (numbers, marks) = show.join().unwrap();
        assert_eq!(judge_takes(&numbers, &marks), Ok(count), "{format}");
        println!("{format}: {count} takes in {} frames", numbers.len());
        // It would be seen if a replay began with the frame after, or if one were black.
        let first = numbers.iter().zip(numbers.iter().skip(1)).position(|(a, b)| *b == Some(marks[7]) && a != b && *a > *b).unwrap() + 1;
        for wrong in [Some(marks[7] + 1), Some(marks[7] - 1), None] {
            let mut spoilt = numbers.clone();
            spoilt[first] = wrong;
            assert!(judge_takes(&spoilt, &marks).is_err(), "{format}: {wrong:?} is not seen");
        }
    }
}

/// Every frame of a recording in its order, also over midnight: its label, its number and its mean luma.
fn labelled(file: &Path) -> Vec<(String, (Option<u16>, u8))> {
    let of = |luma: &[u8]| (number_of(luma), (luma.iter().map(|v| usize::from(*v)).sum::<usize>() / PIXELS) as u8);
    labelled_of(file, of)
}

/// The same with anything of its luma.
fn labelled_of<T>(file: &Path, of: impl Fn(&[u8]) -> T) -> Vec<(String, T)> {
    let told = std::process::Command::new("ffprobe")
        .args("-v error -select_streams v:0 -show_entries frame_tags=timecode -of csv=p=0".split(' '))
        .arg(file)
        .output()
        .unwrap();
    let labels: Vec<String> =
        String::from_utf8(told.stdout).unwrap().lines().map(|l| l.trim_matches(',').to_owned()).filter(|l| !l.is_empty()).collect();
    // (Frames with other data beside them have an empty line more.)
    let luma = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(file)
        .args("-map 0:v -pix_fmt yuv420p -fps_mode passthrough -f rawvideo -".split(' '))
        .output()
        .unwrap()
        .stdout;
    labels.into_iter().zip(luma.chunks_exact(PIXELS * 3 / 2).map(|frame| of(&frame[..PIXELS]))).collect()
}

#[test]
fn fill_and_key_go_out_beside_program_frame_by_frame() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let engine =
        Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &EngineOptions { without_gpu: true, ..EngineOptions::default() }).unwrap();
    let signals = [Signal::Program, Signal::Fill, Signal::Key];
    let sinks = signals.map(|signal| {
        let file = dir.path().join(format!("{}.ts", signal.name()));
        let address = file.display().to_string().parse().unwrap();
        SinkSpec { signal, kilobits: 1500, ..SinkSpec::new(signal.name(), address) }
    });
    engine.start_output(&ChannelOptions::new("320x180p25".parse().unwrap()), sinks.to_vec()).unwrap();
    let wait = |what: &str, done: &dyn Fn(&Snapshot) -> bool| {
        engine.wait_for(PATIENCE, |s| done(s)).unwrap_or_else(|| panic!("{what}: {:?}", engine.snapshot().notices))
    };
    let frames = |s: &Snapshot| s.output.as_ref().map_or(0, |o| o.sinks.iter().map(|k| k.frames).min().unwrap_or(0));
    let mut marks = Vec::new();
    for take in 0..3 {
        let begun = frames(&engine.snapshot());
        wait("no output", &|s| frames(s) > begun + 25);
        assert!(engine.send(Command::Mark));
        let armed = wait("it is not prepared", &|s| s.events.len() == take + 1 && s.can_take);
        marks.push(feeds.number_at(armed.preview.as_ref().unwrap().instant));
        std::thread::sleep(Duration::from_millis(100));
        assert!(engine.send(Command::Take));
        let begun = frames(&wait("no take", &|s| matches!(s.program.kind, ProgramKind::Replay { .. })));
        wait("no replay", &|s| frames(s) > begun + 25);
        assert!(engine.send(Command::Return));
    }
    let begun = frames(&engine.snapshot());
    let told = wait("no end", &|s| frames(s) > begun + 25).output.clone().unwrap();
    assert_eq!(told.sinks[2].codec, "h264 of key (x264enc)");
    drop(engine);
    let [program, fill, key] = signals.map(|signal| labelled(&dir.path().join(format!("{}.ts", signal.name()))));
    let [fill, key] = [fill, key].map(|frames| frames.into_iter().collect::<std::collections::BTreeMap<_, _>>());
    let (mut white, mut compared, mut keyed) = (0, 0, std::collections::BTreeSet::new());
    for (label, (number, _)) in &program {
        let (Some((fill_number, fill_luma)), Some((_, key_luma))) = (fill.get(label), key.get(label)) else { continue };
        compared += 1;
        let number = number.unwrap_or_else(|| panic!("{label} is none of ours"));
        match key_luma {
            230.. => {
                white += 1;
                keyed.insert(number);
                assert!(marks.contains(&number) && *fill_number == Some(number), "{label}: {number}, fill {fill_number:?}");
            }
            ..=20 => assert!(*fill_luma <= 20, "{label}: {number}, fill {fill_luma}"),
            _ => panic!("{label}: a cut has no grey: {key_luma}"),
        }
    }
    println!("{compared} frames compared, {white} of them keyed");
    assert!(
        keyed.len() == 3 && white > 12 && compared > white + 20 && compared + 10 > program.len(),
        "{compared} {white} {}",
        program.len()
    );
    // Every frame of a replay is keyed, from its first to its last.
    let (mut last, mut replay) = (0, None);
    for (label, (number, _)) in &program {
        let number = number.unwrap();
        replay = if number < last { Some(number) } else { replay.filter(|mark| *mark == number) };
        let luma = key.get(label).map(|(_, luma)| *luma);
        assert!(replay.is_none() || luma.is_none_or(|luma| luma > 230), "{label}: {number} after {last} is keyed with {luma:?}");
        last = number;
    }
}

#[test]
fn a_score_goes_out_alone_while_program_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let engine =
        Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &EngineOptions { without_gpu: true, ..EngineOptions::default() }).unwrap();
    let signals = [Signal::Program, Signal::GraphicsFill, Signal::GraphicsKey];
    let file = |signal: Signal| dir.path().join(format!("{}.ts", signal.name()));
    let sinks = signals.map(|signal| {
        let address = file(signal).display().to_string().parse().unwrap();
        SinkSpec { signal, kilobits: 1500, ..SinkSpec::new(signal.name(), address) }
    });
    engine.start_output(&ChannelOptions::new("320x180p25".parse().unwrap()), sinks.to_vec()).unwrap();
    let wait = |what: &str, done: &dyn Fn(&Snapshot) -> bool| {
        engine.wait_for(PATIENCE, |s| done(s)).unwrap_or_else(|| panic!("{what}: {:?}", engine.snapshot().notices))
    };
    let frames = |s: &Snapshot| s.output.as_ref().map_or(0, |o| o.sinks.iter().map(|k| k.frames).min().unwrap_or(0));
    let score = Graphic { text: "HOME 2 : 1".to_owned(), corner: Corner::TopLeft, ..Graphic::new(GraphicKind::Bug, vec![]) };
    assert!(engine.send(Command::EditGraphics(GraphicEdit::Add(score))));
    assert!(engine.send(Command::CleanFeed(Some(true))));
    wait("no output", &|s| frames(s) > 25);
    assert!(engine.send(Command::Mark));
    // Live is well past the mark when the replay comes.
    let begun = frames(&wait("it is not prepared", &|s| s.can_take));
    wait("no output", &|s| frames(s) > begun + 10);
    assert!(engine.send(Command::Take));
    let begun = frames(&wait("no take", &|s| matches!(s.program.kind, ProgramKind::Replay { .. })));
    wait("no replay", &|s| frames(s) > begun + 25);
    assert!(engine.send(Command::Return));
    let begun = frames(&engine.snapshot());
    wait("no end", &|s| frames(s) > begun + 25);
    drop(engine);
    // Lit pixels of the score's corner, and of the rest.
    let lit = |luma: &[u8]| {
        let lit = luma.iter().enumerate().filter(|(_, y)| **y > 60).map(|(k, _)| (k as u32 % WIDTH < WIDTH / 2) && k as u32 / WIDTH < 40);
        let inside: Vec<bool> = lit.collect();
        (inside.iter().filter(|inside| **inside).count(), inside.iter().filter(|inside| !**inside).count())
    };
    let [fill, key] =
        [file(signals[1]), file(signals[2])].map(|file| labelled_of(&file, lit).into_iter().collect::<std::collections::BTreeMap<_, _>>());
    let (mut last, mut replay, mut shown, mut compared) = (0, false, 0, 0);
    for (label, (number, _)) in labelled(&file(signals[0])) {
        // Clean: no score over the numbers.
        let number = number.unwrap_or_else(|| panic!("{label} is none of ours"));
        replay = number < last || replay && number == last;
        last = number;
        let (Some(fill), Some(key)) = (fill.get(&label), key.get(&label)) else { continue };
        compared += 1;
        shown += u32::from(replay);
        assert!(if replay { key.0 > 100 && fill.0 > 50 } else { *key == (0, 0) && *fill == (0, 0) }, "{label}: {number}, {fill:?} {key:?}");
        assert!(key.1 == 0 && fill.1 == 0, "{label}: {fill:?} {key:?}");
    }
    println!("{compared} frames compared, {shown} with the score");
    assert!(shown > 20 && compared > shown + 30, "{shown} of {compared}");
}
