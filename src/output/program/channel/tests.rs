use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

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
    shared.takers.lock().all.push((1, Box::new(seen.clone())));
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
    shared.takers.lock().all.push((1, Box::new(Keeper(Arc::clone(&kept)))));
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
