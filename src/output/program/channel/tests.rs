use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::{frame::wipe, time::MediaTime};

/// A source that does as it is told.
struct Script(Box<dyn FnMut(u64) -> Due + Send>, u64);

impl PictureSource for Script {
    fn due(&mut self) -> Due {
        self.1 += 1;
        (self.0)(self.1 - 1)
    }
}

fn due(picture: Option<Arc<Picture>>, shot: u64) -> Due {
    Due { picture, missing: "nothing yet".into(), shot, synthesized: false, overdue: false, age_nanos: None }
}

fn grey(level: u8) -> Arc<Picture> {
    Arc::new(Picture::filled(64, 36, [level, level, level, 255]))
}

#[derive(Default, Clone)]
struct Seen(Arc<Mutex<Vec<(u64, u8, Timecode)>>>);

impl FrameTaker for Seen {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        self.0.lock().push((tick.index, frame.as_ref().as_ref()[0], tick.timecode));
    }
}

fn run(
    options: &ChannelOptions,
    script: impl FnMut(u64) -> Due + Send + 'static,
    frames: u64,
) -> (Vec<(u64, u8, Timecode)>, ChannelStatus, Work) {
    let mut work = Work::new(options, Box::new(Script(Box::new(script), 0)), None);
    let shared = Shared::default();
    let seen = Seen::default();
    shared.takers.lock().all.push((1, Signal::Program, Box::new(seen.clone())));
    for index in 0..frames {
        work.frame(index, &shared);
    }
    let out = seen.0.lock().clone();
    (out, *shared.status.lock(), work)
}

fn options() -> ChannelOptions {
    ChannelOptions { begin_label: Some(0), ..ChannelOptions::new("64x36p50".parse().unwrap()) }
}

#[test]
fn a_slate_then_pictures_then_the_last_one_again() {
    let (a, b) = (grey(100), grey(200));
    let script = move |n: u64| match n {
        0..3 => due(None, 0),
        3..5 => due(Some(Arc::clone(&a)), 1),
        5 => due(Some(Arc::clone(&b)), 1),
        // Whoever brings pictures has died.
        _ => Due { overdue: true, ..due(None, 1) },
    };
    let (seen, status, _) = run(&options(), script, 10);
    assert!(seen.iter().enumerate().all(|(k, s)| s.0 == k as u64 && s.2 == Timecode::of_frame(k as u64, options().format.rate)));
    let levels: Vec<u8> = seen.iter().map(|s| s.1).collect();
    assert!(levels[..3].iter().all(|y| *y > 20), "black before the first picture: {levels:?}");
    assert_eq!(levels[3..], [102, 102, 188, 188, 188, 188, 188], "{levels:?}");
    assert_eq!((status.frames, status.slates, status.repeated, status.underruns), (10, 3, 2 + 1 + 4, 4));
}

#[test]
fn a_dissolve_moves_from_one_shot_to_the_other() {
    let (a, b) = (grey(0), grey(255));
    let script = move |n: u64| if n < 2 { due(Some(Arc::clone(&a)), 1) } else { due(Some(Arc::clone(&b)), 2) };
    let (seen, _, _) = run(&ChannelOptions { dissolve_frames: 3, ..options() }, script, 8);
    let levels: Vec<u8> = seen.iter().map(|s| s.1).collect();
    assert_eq!(levels, [16, 16, 71, 126, 180, 235, 235, 235]);
}

#[test]
fn a_keyer_with_fill_and_key_makes_program_again() {
    /// Live 0..3, a replay 3..10, another 10..16, live again.
    struct Cuts(u64, [Arc<Picture>; 3]);
    impl PictureSource for Cuts {
        fn due(&mut self) -> Due {
            self.0 += 1;
            let (picture, shot) = match self.0 - 1 {
                0..3 => (0, 1),
                3..10 => (1, 2),
                10..16 => (2, 3),
                _ => (0, 4),
            };
            due(Some(Arc::clone(&self.1[picture])), shot)
        }

        fn keyed(&self) -> Option<Keyed> {
            let picture = if self.0 <= 10 { &self.1[1] } else { &self.1[2] };
            (4..=16).contains(&self.0).then(|| Keyed::whole(Arc::clone(picture)))
        }
    }
    for dissolve_frames in [0, 3] {
        let options = ChannelOptions { dissolve_frames, ..options() };
        let mut work = Work::new(&options, Box::new(Cuts(0, [grey(60), grey(200), grey(120)])), None);
        let shared = Shared::default();
        let seen = SIGNALS.map(|signal| {
            let seen = Seen::default();
            shared.takers.lock().all.push((1, signal, Box::new(seen.clone())));
            seen
        });
        (0..22).for_each(|index| work.frame(index, &shared));
        let levels = |k: usize| seen[k].0.lock().iter().map(|s| i32::from(s.1)).collect::<Vec<_>>();
        let [program, fill, key] = [levels(0), levels(1), levels(2)];
        let live = program[0];
        for k in 0..22 {
            let share = f64::from(key[k] - 16) / 219.0;
            let laid = f64::from(fill[k]).mul_add(share, f64::from(live) * (1.0 - share));
            assert!((laid - f64::from(program[k])).abs() <= 1.5, "{k}: {} of {} over {live}, {}", fill[k], key[k], program[k]);
        }
        let white = key.iter().filter(|k| **k == 235).count();
        assert_eq!((key[..3].to_vec(), white), (vec![16; 3], 13 - dissolve_frames as usize));
        assert!(key[21] == 16 && fill[21] == 16 && fill[0] == 16);
    }
}

const SIGNALS: [Signal; 3] = [Signal::Program, Signal::Fill, Signal::Key];

/// What takers of program, fill and key get of a source, frame by frame.
fn all_signals(options: &ChannelOptions, source: impl PictureSource, frames: u64) -> ([Vec<Vec<u8>>; 3], Work) {
    signals(SIGNALS, options, source, frames)
}

fn signals(wanted: [Signal; 3], options: &ChannelOptions, source: impl PictureSource, frames: u64) -> ([Vec<Vec<u8>>; 3], Work) {
    #[derive(Default, Clone)]
    struct Whole(Arc<Mutex<Vec<Vec<u8>>>>);
    impl FrameTaker for Whole {
        fn take(&mut self, frame: &Arc<Frame>, _: Tick) {
            self.0.lock().push(frame.data.clone());
        }
    }
    let mut work = Work::new(options, Box::new(source), None);
    let shared = Shared::default();
    let seen = wanted.map(|signal| {
        let seen = Whole::default();
        shared.takers.lock().all.push((1, signal, Box::new(seen.clone())));
        seen
    });
    (0..frames).for_each(|index| work.frame(index, &shared));
    (seen.map(|seen| std::mem::take(&mut *seen.0.lock())), work)
}

/// The worst that fill and key over `live` are off from program in luma, but for at most so many pixels of each row.
fn worst_of([program, fill, key]: &[Vec<Vec<u8>>; 3], live: u8, soft_px: usize) -> f64 {
    let (w, h) = (64, 36);
    let mut worst: f64 = 0.0;
    for k in 0..program.len() {
        for row in 0..h {
            let mut off: Vec<f64> = (row * w..(row + 1) * w)
                .map(|i| {
                    let share = (f64::from(key[k][i]) - 16.0) / 219.0;
                    (f64::from(fill[k][i]).mul_add(share, f64::from(live) * (1.0 - share)) - f64::from(program[k][i])).abs()
                })
                .collect();
            off.sort_by(f64::total_cmp);
            worst = worst.max(off[w - 1 - soft_px]);
        }
    }
    worst
}

/// Live to frame 3, a replay that comes behind an edge to frame 23, stands, and goes behind another one from 33 on.
struct Wiped(u64, [Arc<Picture>; 2], Option<Keyed>);

impl PictureSource for Wiped {
    fn due(&mut self) -> Due {
        let [live, replay] = self.1.clone();
        let direction = [1.0, 0.0];
        let n = self.0;
        self.0 += 1;
        let keyed = |cover| Some(Keyed { fill: Arc::clone(&replay), cover, graphics: None });
        let (shot, picture, keyed) = match n {
            3..23 => {
                let share = (n - 3) as f32 / 20.0;
                (1, Arc::new(wipe(&live, &replay, share, direction)), keyed(Cover::Wipe { share, direction, comes: true }))
            }
            23..33 => (1, Arc::clone(&replay), keyed(Cover::Level(1.0))),
            33..53 => {
                let share = (n - 33) as f32 / 20.0;
                (1, Arc::new(wipe(&replay, &live, share, direction)), keyed(Cover::Wipe { share, direction, comes: false }))
            }
            _ => (1, live, None),
        };
        self.2 = keyed;
        due(Some(picture), shot)
    }

    fn keyed(&self) -> Option<Keyed> {
        self.2.clone()
    }
}

#[test]
fn a_keyer_makes_program_again_behind_the_edge_of_a_wipe() {
    let (seen, work) = all_signals(&options(), Wiped(0, [grey(60), grey(200)], None), 60);
    let live = seen[0][0][0];
    // Its soft edge is two of a hundred wide.
    assert!(worst_of(&seen, live, 3) <= 1.5, "{}", worst_of(&seen, live, 3));
    let key = &seen[2];
    let levels = |k: usize| (key[k][1], key[k][62]);
    assert_eq!([0, 3, 13, 28, 43, 58].map(levels), [(16, 16), (16, 16), (235, 16), (235, 235), (16, 235), (16, 16)]);
    assert!(seen[1][13][..64 * 36].iter().all(|y| *y == seen[1][28][0]), "the fill has live in it");
    assert!(work.flat.iter().flatten().count() == 2 && work.pool.len() <= 8, "{}", work.pool.len());
    // A key that is white as soon as a replay is on air would be noticed.
    let [program, fill, key] = seen;
    let white = key.iter().map(|key| vec![if key.contains(&235) { 235 } else { 16 }; key.len()]).collect();
    assert!(worst_of(&[program, fill, white], live, 3) > 20.0);
}

#[test]
fn a_return_in_the_middle_of_a_dissolve_keys_the_replay_alone() {
    /// Live, a replay from 3, live again from 6, in the middle of its dissolve of nine.
    struct Short(u64, [Arc<Picture>; 2]);
    impl PictureSource for Short {
        fn due(&mut self) -> Due {
            self.0 += 1;
            match self.0 - 1 {
                0..3 => due(Some(Arc::clone(&self.1[0])), 1),
                3..6 => due(Some(Arc::clone(&self.1[1])), 2),
                _ => due(Some(Arc::clone(&self.1[0])), 3),
            }
        }

        fn keyed(&self) -> Option<Keyed> {
            (4..=6).contains(&self.0).then(|| Keyed::whole(Arc::clone(&self.1[1])))
        }
    }
    let options = ChannelOptions { dissolve_frames: 9, ..options() };
    let (seen, _) = all_signals(&options, Short(0, [grey(60), grey(200)]), 20);
    let live = seen[0][0][0];
    assert!(worst_of(&seen, live, 0) <= 2.0, "{}", worst_of(&seen, live, 0));
    assert!(seen[2].iter().all(|key| key[0] < 120) && seen[2][6][0] > 60, "the key is white over the live picture");
    assert_eq!(seen[2][19][0], 16);
}

#[test]
fn graphics_go_out_alone_with_their_alpha() {
    /// Live to frame 3, a replay that comes behind an edge to 23, stands to 33, is half there to 43, and is cut.
    struct Bugged(u64, [Arc<Picture>; 2], Arc<Picture>);
    impl PictureSource for Bugged {
        fn due(&mut self) -> Due {
            self.0 += 1;
            due(Some(Arc::clone(&self.1[usize::from((4..=43).contains(&self.0))])), if self.0 > 43 { 2 } else { 1 })
        }

        fn keyed(&self) -> Option<Keyed> {
            let cover = match self.0 - 1 {
                n @ 3..23 => Cover::Wipe { share: (n - 3) as f32 / 20.0, direction: [1.0, 0.0], comes: true },
                23..33 => Cover::Level(1.0),
                33..43 => Cover::Level(0.5),
                _ => return None,
            };
            Some(Keyed { fill: Arc::clone(&self.1[1]), cover, graphics: Some(Arc::clone(&self.2)) })
        }
    }
    // Left of it nothing; then a quarter, half and all of a grey.
    let mut bug = Picture::filled(64, 36, [0; 4]);
    for (k, px) in bug.rgba_mut().chunks_exact_mut(4).enumerate() {
        px.copy_from_slice(&[[0; 4], [150, 150, 150, 64], [150, 150, 150, 128], [150, 150, 150, 255]][k % 64 / 16]);
    }
    let source = || Bugged(0, [grey(60), grey(200)], Arc::new(bug.clone()));
    let wanted = [Signal::Program, Signal::GraphicsFill, Signal::GraphicsKey];
    let ([program, fill, key], work) = signals(wanted, &options(), source(), 50);
    let columns = |frame: &[u8]| [8, 24, 40, 56].map(|x| frame[18 * 64 + x]);
    // 16 + 219 × code / 255.
    for k in 23..33 {
        assert_eq!((columns(&fill[k]), columns(&key[k])), ([16, 145, 145, 145], [16, 71, 126, 235]), "{k}");
        assert!(key[k][64 * 36..].iter().all(|c| *c == 128) && program[k][..64 * 36].iter().all(|y| *y == program[k][0]), "{k}");
    }
    for k in 33..43 {
        assert_eq!((columns(&fill[k]), columns(&key[k])), ([16, 145, 145, 145], [16, 44, 71, 126]), "{k}");
    }
    for k in (0..3).chain(43..50) {
        assert_eq!((columns(&fill[k]), columns(&key[k])), ([16; 4], [16; 4]), "{k}");
    }
    // Halfway, the edge has passed the left half only.
    assert_eq!(columns(&key[13])[..2], [16, 71]);
    assert_eq!(columns(&key[13])[3], 16);
    assert!(work.pool.len() <= 8, "{}", work.pool.len());
    // With the output's own dissolve it goes as the replay goes.
    let ([_, _, key], _) = signals(wanted, &ChannelOptions { dissolve_frames: 3, ..options() }, source(), 50);
    assert_eq!([43, 44, 45, 46].map(|k| columns(&key[k])[3]), [99, 71, 44, 16]);
    // Nobody takes it: nothing is drawn.
    let (_, work) = all_signals(&options(), source(), 50);
    assert!(work.graphics.is_none() && work.overlaid.is_none());
}

#[test]
fn the_key_of_a_long_dissolve_takes_no_memory_for_ever() {
    struct Long(u64, [Arc<Picture>; 2]);
    impl PictureSource for Long {
        fn due(&mut self) -> Due {
            self.0 += 1;
            due(Some(Arc::clone(&self.1[usize::from(self.0 > 2)])), u64::from(self.0 > 2))
        }

        fn keyed(&self) -> Option<Keyed> {
            (self.0 > 2).then(|| Keyed::whole(Arc::clone(&self.1[1])))
        }
    }
    let picture = [grey(60), grey(200)];
    let options = ChannelOptions { dissolve_frames: 300, ..options() };
    let (seen, work) = all_signals(&options, Long(0, picture.clone()), 310);
    assert!(seen[2].iter().map(|key| key[0]).collect::<std::collections::BTreeSet<_>>().len() > 200);
    assert!(work.pool.len() <= 8, "{} frames are kept", work.pool.len());
    // Where nobody takes them, there are none.
    let (_, _, work) = run(&options, move |n| due(Some(Arc::clone(&picture[usize::from(n > 1)])), u64::from(n > 1)), 20);
    assert!(work.flat.iter().all(Option::is_none) && work.covered.is_none());
}

#[test]
fn buffers_are_used_again() {
    let pictures: Vec<Arc<Picture>> = (0..7).map(|k| grey(30 + 20 * k)).collect();
    let (_, status, work) = run(&options(), move |n| due(Some(Arc::clone(&pictures[(n % 7) as usize])), 1), 300);
    assert_eq!(status.repeated, 0);
    assert!(work.pool.len() <= 4, "{} buffers for what one frame at a time needs", work.pool.len());
}

#[test]
fn somebody_who_keeps_frames_gets_his_own() {
    struct Keeper(Arc<Mutex<Vec<Arc<Frame>>>>);
    impl FrameTaker for Keeper {
        fn take(&mut self, frame: &Arc<Frame>, _: Tick) {
            self.0.lock().push(Arc::clone(frame));
        }
    }
    let kept = Arc::new(Mutex::new(Vec::new()));
    let script = |n: u64| due(Some(grey((n * 4) as u8)), 1);
    let mut work = Work::new(&options(), Box::new(Script(Box::new(script), 0)), None);
    let shared = Shared::default();
    shared.takers.lock().all.push((1, Signal::Program, Box::new(Keeper(Arc::clone(&kept)))));
    (0..40).for_each(|index| work.frame(index, &shared));
    let levels: Vec<u8> = kept.lock().iter().map(|f| f.data[0]).collect();
    assert!(levels.windows(2).all(|w| w[0] < w[1]), "a frame was written over while it was held: {levels:?}");
}

#[test]
fn the_thread_keeps_its_rate_and_takers_come_and_go() {
    let picture = grey(90);
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let script = move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        due(Some(Arc::clone(&picture)), 1)
    };
    let begun = Instant::now();
    let channel = Channel::start(&options(), Script(Box::new(script), 0)).unwrap();
    let (always, guest) = (Seen::default(), Seen::default());
    channel.add(always.clone());
    thread::sleep(Duration::from_millis(200));
    let id = channel.add(guest.clone());
    thread::sleep(Duration::from_millis(200));
    channel.remove(id);
    thread::sleep(Duration::from_millis(200));
    let status = channel.status();
    let elapsed = begun.elapsed().as_secs_f64();
    drop(channel);
    assert!((status.frames as f64 - elapsed * 50.0).abs() < 4.0, "{status:?} in {elapsed} s");
    let indices = |seen: &Seen| seen.0.lock().iter().map(|s| s.0).collect::<Vec<_>>();
    for seen in [indices(&always), indices(&guest)] {
        assert!(seen.windows(2).all(|w| w[1] == w[0] + 1), "{seen:?}");
    }
    assert!((5..30).contains(&guest.0.lock().len()), "{}", guest.0.lock().len());
    assert_eq!(status.skipped, 0);
}

/// Cameras that are cut between, whose pictures and sound tell their time, with takes, and with holes.
struct Show {
    rate: crate::time::FrameRate,
    /// Shown frame, and what is wrong with the feeds there.
    tick: u64,
    input: Option<Arc<SoundInput>>,
    /// Samples of sound that came in, on its own clock, which is fast by so much.
    written: i64,
    ppm: i64,
    cue: SoundCue,
    levels: Vec<Arc<Picture>>,
}

/// Frames of a replay, and between two of them.
const REPLAY: u64 = 150;
const EVERY: u64 = 3600;
/// Grey levels of live pictures, one after the other.
const LEVELS: u64 = 100;

impl Show {
    fn new(rate: crate::time::FrameRate, ppm: i64, with_sound: bool) -> Self {
        let input = with_sound.then(|| Arc::new(SoundInput::new("ramp", 4.0, 60_000_000, crate::sound::FreezeSound::Live)));
        let levels = (0..LEVELS).map(|k| Arc::new(Picture::filled(16, 16, [50 + 2 * k as u8, 50 + 2 * k as u8, 50 + 2 * k as u8, 255])));
        Self { rate, tick: 0, input, written: 0, ppm, cue: SoundCue::Silence, levels: levels.collect() }
    }

    /// Whether a replay is on air at a tick: fifty of them in an hour at 50.
    fn is_replay(tick: u64) -> bool {
        tick % EVERY > EVERY - REPLAY
    }
}

/// A sample that tells its time: a step every millisecond, 30 s until it begins again.
fn ramp(sample: i64) -> i16 {
    (sample.div_euclid(48).rem_euclid(30_000)) as i16
}

impl PictureSource for Show {
    fn due(&mut self) -> Due {
        let tick = self.tick;
        self.tick += 1;
        let now = MediaTime::from_nanos(self.rate.frame_nanos(tick as i64) + 1_000_000_000);
        if let Some(input) = &self.input {
            // Blocks of 10 ms, up to 20 ms after the picture, as the sound's own clock counts.
            let until = sample_at(now.nanos() + 20_000_000);
            loop {
                // What its clock calls so many samples is a little longer or shorter.
                let at = self.written + self.written * self.ppm / 1_000_000;
                if at >= until {
                    break;
                }
                let block: Vec<_> = (self.written..self.written + 480).map(|k| [ramp(k); 2]).collect();
                input.ring.write(MediaTime::from_nanos((i128::from(at) * 1_000_000_000 / 48_000) as i64 + 1), &block);
                self.written += 480;
            }
        }
        if Self::is_replay(tick) {
            self.cue = SoundCue::Freeze(crate::sound::FreezeSound::Live);
            return due(Some(Arc::clone(&self.levels[7])), 1 + tick / EVERY);
        }
        self.cue = SoundCue::Live(now);
        // Every minute or so the feed has nothing for a second.
        let picture = (tick % 3000 > 50).then(|| Arc::clone(&self.levels[(tick % LEVELS) as usize]));
        Due { overdue: picture.is_none(), ..due(picture, 0) }
    }

    fn sound(&mut self) -> SoundCue {
        self.cue
    }

    fn sound_input(&self) -> Option<Arc<SoundInput>> {
        self.input.clone()
    }
}

/// What a receiver notes: everything must be whole, whenever it came.
#[derive(Default)]
struct Judge {
    last: Option<(u64, Timecode)>,
    darkest: u8,
    frames: u64,
    /// Frames with the picture of the frame before, one after the other, and the most of them.
    still: (u64, u64),
    before: u8,
}

#[derive(Clone, Default)]
struct Judged(Arc<Mutex<Judge>>);

impl FrameTaker for Judged {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        let mut judge = self.0.lock();
        let level = frame.data[0];
        judge.darkest = if judge.frames == 0 { level } else { judge.darkest.min(level) };
        if let Some((index, timecode)) = judge.last {
            assert!(tick.index == index + 1 && tick.timecode != timecode, "{index} {timecode} {tick:?}");
        }
        judge.last = Some((tick.index, tick.timecode));
        judge.frames += 1;
        let still = if level == judge.before { judge.still.0 + 1 } else { 0 };
        judge.still = (still, judge.still.1.max(still));
        judge.before = level;
    }
}

/// The channel's work by the output's own clock, as fast as this machine goes: the thread wakes late, now and then by a lot.
fn hours(rate: &str, secs: i64, ppm: i64, with_sound: bool, mut look: impl FnMut(u64, &ProgramSound)) -> (Judged, ChannelStatus) {
    let rate: crate::time::FrameRate = rate.parse().unwrap();
    let format = ProgramFormat::new(16, 16, rate).unwrap();
    let show = Show::new(rate, ppm, with_sound);
    let input = show.sound_input();
    let options = ChannelOptions { dissolve_frames: 4, begin_label: Some(0), ..ChannelOptions::new(format) };
    let (mut work, shared) = (Work::new(&options, Box::new(show), input), Shared::default());
    let always = Judged::default();
    shared.takers.lock().all.push((1, Signal::Program, Box::new(always.clone())));
    let mut clock = TickClock::new(rate, 0);
    let (mut now, mut random, mut guest) = (0_i64, 1_u32, 2);
    while now < secs * 1_000_000_000 {
        while let Some(beat) = clock.take(now) {
            assert_eq!(beat.skipped, 0);
            work.frame(beat.index, &shared);
            look(beat.index, &shared.sound);
            // A sink is killed and another one comes, every few hundred frames.
            if beat.index % 700 == 699 {
                let mut takers = shared.takers.lock();
                takers.all.retain(|(id, ..)| *id == 1);
                guest += 1;
                takers.all.push((guest, Signal::Program, Box::new(Judged::default())));
            }
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Once in a while something else had the machine for up to 0.9 s.
        let late = if random >> 22 == 0 { i64::from(random % 900) * 1_000_000 } else { i64::from(random >> 12) % 3_000_000 };
        now = (clock.due_nanos() + late).max(now);
    }
    let status = *shared.status.lock();
    (always, status)
}

#[test]
fn two_hours_with_a_hundred_takes_and_sinks_that_come_and_go_have_every_frame() {
    let (rate, frames) = ("50", 360_000_u64);
    let (judged, status) = hours(rate, 7200, 0, false, |_, _| {});
    let judge = judged.0.lock();
    // A late wake at the very end leaves out less than a second of frames.
    assert!((frames - 60..frames + 2).contains(&judge.frames), "{rate}: {}", judge.frames);
    let takes = judge.frames / EVERY;
    println!("{rate}: {} frames, {takes} takes, darkest {}, longest still {}, {status:?}", judge.frames, judge.darkest, judge.still.1);
    assert!((99..=100).contains(&takes) && judge.darkest > 40 && (status.frames, status.skipped, status.slates) == (judge.frames, 0, 51));
    // A replay stands still, and the feed's second without pictures; nothing else does.
    assert!(judge.still.1 <= REPLAY + 60, "{}", judge.still.1);
    assert!(status.underruns > 5000);
}

#[test]
fn fifteen_minutes_of_sound_stay_with_its_pictures_whatever_its_clock() {
    for (rate, ppm) in [("59.94", 150), ("25", -150)] {
        let (mut next, mut worst, mut judged, mut elsewhere) = (0_u64, 0_i64, 0_u64, i64::MAX);
        let fps: crate::time::FrameRate = rate.parse().unwrap();
        let mut block = Vec::new();
        let (_, status) = hours(rate, 900, ppm, true, |index, sound| {
            // Whole samples to each frame, none missing and none too many.
            let end = sound.end();
            block.clear();
            sound.read(next, usize::MAX, &mut block);
            assert_eq!(block.len() as u64, end - next);
            let behind = index.saturating_sub(end / 48_000 * u64::from(fps.numerator()) / u64::from(fps.denominator()));
            assert!(behind < 2 * fps.fps() as u64 + 8);
            if let (Some(first), true) = (block.first(), next > 480_000) {
                // The sample at output time t was heard at house time t + 1 s, when it was called so on the house clock.
                let house = next as i64 + 48_000;
                let own = house - house * ppm / 1_000_000;
                let off_from = |sample: i64| {
                    let off = (i64::from(first[0]) - i64::from(ramp(sample))).rem_euclid(30_000);
                    off.min(30_000 - off)
                };
                // Under a dissolve of two places, and where the ramp begins anew, a sample tells nothing.
                let tells =
                    (200..29_800).contains(&i64::from(first[0])) && block.windows(2).all(|w| (w[1][0] - w[0][0]).unsigned_abs() <= 2);
                if tells {
                    (worst, judged) = (worst.max(off_from(own)), judged + 1);
                    // A tenth of a second beside it would be seen.
                    elsewhere = elsewhere.min(off_from(own + 4800));
                }
            }
            next = end;
        });
        println!("{rate}, {ppm} ppm: {judged} frames judged, worst {worst} ms, {} frames", status.frames);
        let samples = sample_at(fps.frame_nanos(status.frames as i64));
        assert!(samples as u64 - next <= 48_000, "{samples} {next}");
        assert!(judged * 10 > status.frames * 7 && (worst as f64) < 1000.0 / fps.fps(), "{rate}: {judged}, {worst} ms");
        assert!(elsewhere > 90, "{elsewhere}");
    }
}
