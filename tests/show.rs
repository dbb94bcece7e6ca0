//! One show from live to live on the venue with eight feeds: mark, pivot, a path, preview, take, roll on, return; by keys alone, by MIDI alone and by
//! words alone. The three must be the same show, picture by picture, and program is looked at throughout: never black, the right instant, the
//! right place on the arc, the right frame.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use volte::{
    control::{self, Key, KeyContext, Modifiers, hub::Hub, mapping::Mapping, surface::Surface},
    engine::{
        Command, Engine, EngineOptions, FeedHealth, FeedStatus, Feeds, LivePicture, ProgramKind, Quality, RingStatus, Rung, Snapshot,
    },
    frame::{Moment, MomentFrame, Picture, metrics::psnr_db},
    gpu::{Gpu, GpuOptions},
    replay::{EventId, Phase, Readiness, path::Track},
    rig::Rig,
    time::{FrameRate, MediaTime},
    venue::{SMASH_PHASE, Venue, VenueOptions, VenueRig},
};

const CAMERAS: usize = 8;
const SIZE_PX: (u32, u32) = (160, 90);
const FPS: u32 = 25;
/// Frames of the film, and the one that is newest when the show begins: the smash.
const FRAMES: i64 = 17;
const MARKED: i64 = 8;
/// The camera that is live, and the last one, where the replay rolls on: of these every frame is drawn, of the others the marked one.
const LIVE: usize = 4;
const LAST: usize = CAMERAS - 1;
/// The film begins here in house time: whole loops, so that frame [`MARKED`] is the smash.
const BEGIN_SECS: f64 = 20.0;
const SOON: Duration = Duration::from_secs(20);
/// The first pipelines on a software adapter take their time.
const LATER: Duration = Duration::from_mins(3);

/// Every frame of every camera, drawn once.
struct Film {
    rig: Rig,
    begin: MediaTime,
    frames: Vec<Vec<Arc<Picture>>>,
    /// Which camera and frame a picture is, by its pixels.
    known: HashMap<Vec<u8>, (usize, i64)>,
}

fn time_of(begin: MediaTime, frame: i64) -> MediaTime {
    begin.plus_nanos(frame * 1_000_000_000 / i64::from(FPS))
}

impl Film {
    fn draw(venue: &mut Venue, options: &VenueOptions) -> Self {
        let rig = VenueRig::arc(CAMERAS, 70.0, 6.0, SIZE_PX);
        let smash = MediaTime::from_secs_f64(BEGIN_SECS + f64::from(SMASH_PHASE * options.period_secs()));
        let begin = smash.plus_nanos(-MARKED * 1_000_000_000 / i64::from(FPS));
        let mut known = HashMap::new();
        let mut frames = Vec::new();
        for (k, camera) in rig.cameras.iter().enumerate() {
            let mut draw = |frame: i64| {
                let picture = Arc::new(venue.render_picture(camera, time_of(begin, frame)).unwrap());
                assert_eq!(known.insert(picture.rgba().to_vec(), (k, frame)), None, "two frames are alike: the test sees nothing");
                picture
            };
            let marked = draw(MARKED);
            let is_drawn = |frame: i64| frame > MARKED && (k == LIVE || k == LAST);
            frames.push((0..FRAMES).map(|frame| if is_drawn(frame) { draw(frame) } else { Arc::clone(&marked) }).collect::<Vec<_>>());
        }
        Self { rig, begin, frames, known }
    }

    fn time(&self, frame: i64) -> MediaTime {
        time_of(self.begin, frame)
    }
}

/// The film as live feeds; time moves only when told to.
struct FilmFeeds {
    film: Arc<Film>,
    now_nanos: AtomicI64,
}

impl FilmFeeds {
    fn newest_frame(&self) -> i64 {
        let nanos = self.now_nanos.load(Ordering::SeqCst) - self.film.begin.nanos();
        (nanos * i64::from(FPS) / 1_000_000_000).clamp(0, FRAMES - 1)
    }

    /// The clock goes on by so many frames; when the film has ended, its last frame stays the newest.
    fn advance(&self, frames: i64) -> MediaTime {
        let step = frames * 1_000_000_000 / i64::from(FPS);
        MediaTime::from_nanos(self.now_nanos.fetch_add(step, Ordering::SeqCst) + step)
    }

    fn live(&self, camera: usize, frame: i64) -> LivePicture {
        LivePicture { picture: Arc::clone(&self.film.frames[camera][frame as usize]), time: self.film.time(frame) }
    }
}

impl Feeds for FilmFeeds {
    fn rig(&self) -> &Rig {
        &self.film.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.now_nanos.load(Ordering::SeqCst))
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(FPS)
    }

    fn status(&self) -> Vec<FeedStatus> {
        let newest = Some(self.film.time(self.newest_frame()));
        vec![FeedStatus { health: FeedHealth::Good, fps: f64::from(FPS), newest, ..FeedStatus::default() }; CAMERAS]
    }

    fn ring(&self) -> RingStatus {
        RingStatus {
            oldest: Some(self.film.begin),
            newest: Some(self.film.time(self.newest_frame())),
            budget_bytes: 1 << 30,
            budget_nanos: 60_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        Some(self.live(camera, self.newest_frame()))
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let frame = ((instant - self.film.begin) as f64 * f64::from(FPS) * 1e-9).round() as i64;
        let picture = |k: usize| self.film.frames[k].get(frame as usize).cloned().ok_or("not in the film");
        let mut moment = Moment { instant, ..Moment::default() };
        for (k, camera) in self.film.rig.cameras.iter().enumerate() {
            let frame = MomentFrame { camera: camera.name.clone(), picture: picture(k)?, time: instant, error_nanos: 0, retimed: false };
            moment.frames.push(frame);
        }
        Ok(moment)
    }

    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        let all = (0..=self.newest_frame()).filter(|k| (from..until).contains(&self.film.time(*k)));
        Ok(all.take(limit).map(|k| self.live(camera, k)).collect())
    }

    fn pin(&self, _event: EventId, _begin: MediaTime, _end: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _event: EventId) {}
}

/// What operates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Keys,
    Midi,
    Words,
}

const PLAIN: Modifiers = Modifiers { shift: false, ctrl: false };
const SHIFT: Modifiers = Modifiers { shift: true, ctrl: false };

/// A surface as it stands on a desk: pads, an endless knob.
const SURFACE: &str = r#"
version = 1
controls = [
    { control = "note 1 36", command = "camera 5" },
    { control = "note 1 37", command = "mark" },
    { control = "note 1 38", command = "pivot-at preview 0.5 0.5" },
    { control = "note 1 39", command = "orbit-to 0" },
    { control = "note 1 40", command = "new-path freeze-orbit" },
    { control = "note 1 41", command = "take" },
    { control = "note 1 42", command = "roll-on" },
    { control = "note 1 43", command = "return" },
    { control = "note 1 44", command = "speed 100" },
    { control = "cc 1 16", command = "orbit-by {}", step = 0.125 },
]
"#;

/// One gesture in each of the three ways.
struct Gesture {
    keys: &'static [(Key, Modifiers)],
    midi: &'static [u8],
    words: &'static [&'static str],
}

const CAMERA: Gesture = Gesture { keys: &[(Key::Digit(5), PLAIN)], midi: &[0x90, 36, 100, 36, 0], words: &["camera 5"] };
const MARK: Gesture = Gesture { keys: &[(Key::Space, PLAIN)], midi: &[0x90, 37, 100, 37, 0], words: &["mark"] };
const PIVOT: Gesture =
    Gesture { keys: &[(Key::Character('x'), SHIFT)], midi: &[0x90, 38, 100, 38, 0], words: &["pivot-at preview 0.5 0.5"] };
const HOME: Gesture = Gesture { keys: &[(Key::Home, PLAIN)], midi: &[0x90, 39, 100, 39, 0], words: &["orbit-to 0"] };
const ALONG: Gesture = Gesture {
    keys: &[(Key::Right, PLAIN), (Key::Right, PLAIN), (Key::Right, PLAIN), (Key::Right, PLAIN)],
    // Two clicks at once, then one and one.
    midi: &[0xb0, 16, 2, 16, 1, 16, 1],
    words: &["orbit-by 0.25", "orbit-by 0.25"],
};
const PATH: Gesture = Gesture { keys: &[(Key::Character('n'), SHIFT)], midi: &[0x90, 40, 100, 40, 0], words: &["new-path freeze-orbit"] };
const TAKE: Gesture = Gesture { keys: &[(Key::Enter, PLAIN)], midi: &[0x90, 41, 100, 41, 0], words: &["take"] };
const ROLL_ON: Gesture = Gesture { keys: &[(Key::Enter, SHIFT)], midi: &[0x90, 42, 100, 42, 0], words: &["roll-on"] };
const RETURN: Gesture = Gesture { keys: &[(Key::Escape, PLAIN)], midi: &[0x90, 43, 100, 43, 0], words: &["return"] };
/// 50 % is where it begins; two steps up.
const SPEED: Gesture = Gesture {
    keys: &[(Key::Character('.'), PLAIN), (Key::Character('.'), PLAIN)],
    midi: &[0x90, 44, 100, 44, 0],
    words: &["speed 75", "speed 100"],
};

struct Desk<'a> {
    engine: &'a Engine,
    hub: Hub,
    surface: Surface,
    by: By,
}

impl Desk<'_> {
    fn does(&self, gesture: &Gesture) {
        match self.by {
            By::Keys => {
                for (key, modifiers) in gesture.keys {
                    // As the window does it.
                    let context = KeyContext::of(&self.engine.snapshot());
                    self.hub.send(control::command_for(*key, *modifiers, &context).unwrap()).unwrap();
                }
            }
            By::Midi => {
                let words = self.surface.midi(gesture.midi, &self.engine.snapshot());
                assert!(!words.is_empty(), "{:?}", gesture.midi);
                for w in &words {
                    self.hub.say(w).unwrap();
                }
            }
            By::Words => gesture.words.iter().for_each(|w| drop(self.hub.say(w).unwrap())),
        }
    }

    fn expect(&self, timeout: Duration, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(timeout, wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            let preview = s.preview.as_ref().map(|p| (p.instant, p.position, p.readiness, &p.problem));
            panic!("{:?}: {what} did not happen: {:?} {preview:?} {:?} notices {:?}", self.by, s.phase, s.program.kind, s.notices)
        })
    }

    /// Program when nothing more comes of what was asked for.
    fn settled(&self) -> Arc<Snapshot> {
        let (mut s, mut since) = (self.engine.snapshot(), Instant::now());
        while since.elapsed() < Duration::from_millis(250) {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.engine.snapshot();
            if now.program.shown.serial != s.program.shown.serial {
                since = Instant::now();
            }
            s = now;
        }
        s
    }
}

/// What a show was, to be compared.
#[derive(Debug, Default)]
struct Shown {
    pivot_mm: Option<[i32; 3]>,
    /// Where preview stood when the pivot was chosen.
    picked_at: f64,
    preview_at: f64,
    preview: Option<Arc<Picture>>,
    /// What somebody else saw from [`OWN`] meanwhile.
    own: Option<Arc<Picture>>,
    /// (position, picture) of the orbit on air.
    orbit: Vec<(f64, Arc<Picture>)>,
    /// (camera, frame) of the roll.
    rolled: Vec<(usize, i64)>,
}

fn small(picture: &Picture) -> Picture {
    let whole = image::RgbaImage::from_raw(picture.width(), picture.height(), picture.rgba().to_vec()).unwrap();
    let (w, h) = SIZE_PX;
    Picture::from_rgba(w, h, image::imageops::resize(&whole, w, h, image::imageops::FilterType::Triangle).into_raw()).unwrap()
}

/// A producer's own place along the arc.
const OWN: f64 = 5.4;
/// Seconds of the orbit at which program is looked at, in frames of it.
const LOOKS: [i64; 5] = [0, 30, 50, 70, 120];

/// Ends the watch of program also where the show fails: else it would go on for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn run(by: By, film: &Arc<Film>) -> Shown {
    let feeds = Arc::new(FilmFeeds { film: Arc::clone(film), now_nanos: AtomicI64::new(film.time(MARKED).nanos()) });
    let options = EngineOptions { quality: Some(Quality::Draft), without_watch: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap();
    // The rungs of the gaps are chosen, so that they do not follow how far the truth meter happens to be.
    for gap in 0..CAMERAS - 1 {
        assert!(engine.send(Command::SetRung { gap, rung: Some(Rung::Synthesis) }));
    }
    let surface = Surface::of_mapping(Mapping::from_toml(SURFACE).unwrap());
    let desk = Desk { engine: &engine, hub: Hub::new(engine.handle(), None), surface, by };
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Every picture that program ever shows, but the colour bars before the first.
        let watch = scope.spawn(|| {
            let (mut serial, mut seen) = (0, 0_u32);
            while !ended.load(Ordering::Relaxed) {
                let s = engine.snapshot();
                if s.program.shown.serial != serial {
                    serial = s.program.shown.serial;
                    seen += 1;
                    let bright = s.program.shown.picture.rgba().chunks_exact(4).filter(|p| p[..3].iter().any(|v| *v > 40)).count();
                    assert!(bright * 10 > s.program.shown.picture.rgba().len() / 4, "{by:?}: program is black at {}", s.now);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        let ends = Ends(&ended);
        let shown = show(&desk, &feeds);
        drop(ends);
        assert!(watch.join().unwrap() > 10, "program was not seen");
        shown
    })
}

fn show(desk: &Desk<'_>, feeds: &FilmFeeds) -> Shown {
    let film = &feeds.film;
    let mut shown = Shown::default();
    let known = |s: &Snapshot| film.known.get(s.program.shown.picture.rgba()).copied();
    // Live, on the fifth camera of the arc, at its newest frame.
    desk.does(&CAMERA);
    desk.expect(SOON, "live", |s| s.program.kind == ProgramKind::Live(LIVE) && known(s) == Some((LIVE, MARKED)));
    desk.expect(LATER, "a GPU", |s| !s.gpu.adapter.is_empty());
    desk.does(&MARK);
    let instant = film.time(MARKED);
    let solved = |s: &Snapshot| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved && p.instant == instant);
    desk.expect(LATER, "a solved instant", solved);
    // The pivot is what stands in the middle of preview: the athlete.
    shown.picked_at = desk.engine.snapshot().position;
    desk.does(&PIVOT);
    let s = desk.expect(SOON, "a pivot", |s| s.events.first().is_some_and(|e| e.pivot_mm.is_some()));
    shown.pivot_mm = s.events[0].pivot_mm;
    // Preview, half a gap along.
    desk.does(&HOME);
    desk.does(&ALONG);
    // The picture of that place, not the one of the place before: it is made of the two cameras at its sides.
    let ends = [&film.rig.cameras[0].name, &film.rig.cameras[1].name];
    let s = desk.expect(LATER, "a synthesized preview", |s| {
        let p = s.preview.as_ref();
        let is_between = |r: &volte::view::ViewReport| ends.iter().all(|e| r.sources.iter().any(|(name, w)| name == *e && *w > 0.25));
        p.is_some_and(|p| {
            p.report.as_ref().is_some_and(is_between)
                && (p.position - 0.5).abs() < 1e-9
                && p.pivot.as_ref().is_some_and(|v| v.in_preview.is_some())
        })
    });
    let centred = s.preview.as_ref().unwrap().pivot.as_ref().unwrap().in_preview.unwrap();
    assert!(centred.iter().all(|v| (v - 0.5).abs() < 0.06), "{:?}: the pivot is not in the middle of preview: {centred:?}", desk.by);
    std::thread::sleep(Duration::from_millis(600));
    let s = desk.engine.snapshot();
    (shown.preview_at, shown.preview) = (s.position, s.preview.as_ref().and_then(|p| p.shown.as_ref()).map(|p| Arc::clone(&p.picture)));
    // A producer looks on from a place of their own, and nothing of the operator's moves.
    shown.own = Some(desk.engine.handle().look(OWN, 320, LATER).unwrap());
    let after = desk.engine.snapshot();
    let size = |s: &Snapshot| s.preview.as_ref().and_then(|p| p.shown.as_ref()).map(|p| (p.picture.width(), p.picture.height()));
    assert_eq!((after.position.to_bits(), after.program.kind, size(&after)), (s.position.to_bits(), s.program.kind, size(&s)));
    // The path, and on air with it.
    desk.does(&HOME);
    desk.does(&PATH);
    let s = desk.expect(SOON, "an own path is chosen", |s| s.paths.path.is_some() && s.chosen_move + 1 == s.moves.len());
    let path = s.paths.path.clone().unwrap();
    desk.does(&TAKE);
    desk.expect(SOON, "on air", |s| s.phase == Phase::OnAir);
    desk.settled();
    let track = Track::new(&path, &film.rig, instant, 16, 9).unwrap();
    let mut elapsed = 0;
    for wanted in LOOKS {
        // The picture of this place is another one than that of the place before.
        let before = (wanted != elapsed).then(|| desk.engine.snapshot().program.shown.serial);
        feeds.advance(wanted - elapsed);
        elapsed = wanted;
        let place = track.sample(f64::from(wanted as i32) / f64::from(FPS)).position;
        desk.expect(LATER, "the place of the path", |s| {
            matches!(s.program.kind, ProgramKind::Replay { position, instant: at, solved: true, .. } if (position - place).abs() < 1e-6 && at == instant)
                && s.program.report.is_some()
                && before != Some(s.program.shown.serial)
        });
        let s = desk.settled();
        let ProgramKind::Replay { position, .. } = s.program.kind else { panic!("{:?}", s.program.kind) };
        shown.orbit.push((position, Arc::clone(&s.program.shown.picture)));
    }
    // Time runs on from there, frame by frame, on the last camera.
    desk.does(&SPEED);
    desk.expect(SOON, "full speed", |s| s.speed_percent == 100);
    desk.does(&ROLL_ON);
    desk.expect(SOON, "it rolls", |s| matches!(s.program.kind, ProgramKind::Replay { progress, .. } if progress < 0.5));
    desk.settled();
    for k in 1..=8 {
        feeds.advance(1);
        let s = desk.expect(SOON, "the next frame", |s| known(s) == Some((LAST, MARKED + k)));
        shown.rolled.push(known(&s).unwrap());
        assert!(s.program.roll.is_some_and(|r| r.instant == film.time(MARKED + k) && r.speed_percent == 100), "{:?}", s.program.roll);
    }
    // Live again, at what is newest now.
    desk.does(&RETURN);
    desk.expect(SOON, "live again", |s| s.program.kind == ProgramKind::Live(LIVE) && known(s) == Some((LIVE, FRAMES - 1)));
    shown
}

#[test]
fn the_same_show_by_keys_by_midi_and_by_words() {
    let begun = Instant::now();
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let options = VenueOptions { samples: 1, ..VenueOptions::default() };
    let mut venue = Venue::new(&gpu, options.clone()).unwrap();
    let film = Arc::new(Film::draw(&mut venue, &options));
    println!("film {:?}", begun.elapsed());
    let shows = [By::Words, By::Keys, By::Midi].map(|by| {
        let shown = run(by, &film);
        println!("{by:?} {:?}: pivot {:?}, {:?}", begun.elapsed(), shown.pivot_mm, shown.orbit.iter().map(|o| o.0).collect::<Vec<_>>());
        shown
    });
    let [first, others @ ..] = &shows;
    let instant = film.time(MARKED);

    // The pivot is on the athlete.
    let pivot = first.pivot_mm.unwrap().map(|mm| f64::from(mm) * 1e-3);
    let path = volte::replay::path::still(first.picked_at, 0.0, 1.0);
    let eye = Track::new(&path, &film.rig, instant, SIZE_PX.0, SIZE_PX.1).unwrap().sample(0.0).camera;
    let truth = venue.render(&eye, instant).unwrap();
    let middle = (SIZE_PX.1 / 2 * SIZE_PX.0 + SIZE_PX.0 / 2) as usize;
    let p_in_camera = eye.lens.unproject([f64::from(SIZE_PX.0) / 2.0, f64::from(SIZE_PX.1) / 2.0].into()) * f64::from(truth.depth[middle]);
    let off = eye.camera_from_world.inverse().apply(p_in_camera).distance(pivot.into());
    println!("the pivot is {off:.2} m from what stands in the middle, {:.1} m away", truth.depth[middle]);
    assert!(off < 0.3 && truth.matte[middle] > 128, "the pivot {pivot:?} is {off:.2} m from the athlete");

    // Each picture of the orbit shows the marked instant from its place: truth of that place and instant is nearer than that of others.
    let standing = |position: f64| {
        let path = volte::replay::path::still(position, 0.0, 1.0).about(pivot);
        Track::new(&path, &film.rig, instant, SIZE_PX.0, SIZE_PX.1).unwrap().sample(0.0).camera
    };
    let mut seen = Vec::new();
    let own = first.own.iter().map(|picture| (OWN, Arc::clone(picture)));
    for (position, picture) in &first.orbit.iter().cloned().chain(own).collect::<Vec<_>>() {
        let picture = small(picture);
        let mut db =
            |position: f64, at: MediaTime| psnr_db(&picture, &venue.render_picture(&standing(position), at).unwrap(), None).unwrap();
        let right = db(*position, instant);
        let elsewhere = if *position > 3.5 { position - 0.7 } else { position + 0.7 };
        let (place, time) = (db(elsewhere, instant), db(*position, film.time(MARKED + 6)));
        println!("{position:.3}: {right:.1} dB; from {elsewhere:.2}: {place:.1}; six frames later: {time:.1}");
        seen.push((*position, right, place, time));
    }
    for (position, right, place, time) in seen {
        // The virtual camera is turned about the pivot, and what it sees beside the outermost cameras was seen by nobody.
        assert!(right > 16.0 && right > place + 2.0 && right > time + 0.8, "at {position}: {right} {place} {time}");
    }
    assert!(first.orbit.windows(2).all(|pair| pair[0].0 <= pair[1].0), "the cameras are not passed in their order");
    assert_eq!((first.orbit[0].0, first.orbit[LOOKS.len() - 1].0), (0.0, (CAMERAS - 1) as f64), "from end to end");
    assert_eq!(first.rolled, (1..=8).map(|k| (LAST, MARKED + k)).collect::<Vec<_>>());

    // The same show each time: to the millimetre, to the frame, and in its pictures as far as the adapter adds in the same order.
    for other in others {
        assert_eq!((other.pivot_mm, &other.rolled), (first.pivot_mm, &first.rolled));
        assert_eq!(other.preview_at.to_bits(), first.preview_at.to_bits());
        let positions = |shown: &Shown| shown.orbit.iter().map(|(p, _)| p.to_bits()).collect::<Vec<_>>();
        assert_eq!(positions(other), positions(first));
        let pairs = first.orbit.iter().zip(&other.orbit).map(|(a, b)| (&a.1, &b.1));
        for (k, (a, b)) in pairs.chain(first.preview.iter().zip(&other.preview)).enumerate() {
            let same = a.rgba() == b.rgba() || psnr_db(a, b, None).unwrap() > 45.0;
            assert!(same, "picture {k} differs: {:.1} dB", psnr_db(a, b, None).unwrap());
        }
    }
}

#[test]
fn every_gesture_is_a_command_in_each_way() {
    // What the three ways ask for is not taken from one table: here they are read side by side.
    let context = KeyContext { arc_length: 7.0, ..KeyContext::default() };
    for gesture in [CAMERA, MARK, PIVOT, HOME, PATH, TAKE, ROLL_ON, RETURN] {
        let surface = Surface::of_mapping(Mapping::from_toml(SURFACE).unwrap());
        let words = |w: &str| control::text::command_of(w).unwrap();
        let by_keys: Vec<Command> = gesture.keys.iter().map(|(k, m)| control::command_for(*k, *m, &context).unwrap()).collect();
        let by_midi: Vec<Command> = surface.midi(gesture.midi, &Snapshot::empty()).iter().map(|w| words(w)).collect();
        let by_words: Vec<Command> = gesture.words.iter().map(|w| words(w)).collect();
        assert_eq!((&by_keys, &by_midi), (&by_words, &by_words));
    }
}
