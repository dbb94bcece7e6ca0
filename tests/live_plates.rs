//! Plates in the running engine: learned from what the watch looks at, put behind a moment where hidden cameras say that it is truer so;
//! switched off; lost by a camera that is turned away. The venue's hall, with people who warm up and an athlete who comes in.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use volte::{
    engine::{Command, Engine, EngineOptions, Feeds, Quality, Snapshot},
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    replay::Readiness,
    rig::{Camera, Rig},
    time::MediaTime,
    venue::{Dressing, Venue, VenueOptions, VenueRig, landmarks_in_world},
};

mod support {
    pub mod running_feeds;
}
use support::running_feeds::{Cameras, KEYFRAME_NANOS, RunningFeeds};

/// House time runs so many times faster than the clock on the wall.
const FASTER: i64 = 20;
const SIZE_PX: (u32, u32) = (240, 136);
const CAMERAS: usize = 5;
/// Pictures of the past per camera.
const PAST: usize = 8;

/// What was drawn of the venue, once for all shows.
struct Drawn {
    rig: Rig,
    /// By camera, then by time: the hall before the athlete comes in.
    empty: Vec<Vec<Arc<Picture>>>,
    /// The moment.
    now: Vec<Arc<Picture>>,
}

static DRAWN: LazyLock<Drawn> = LazyLock::new(|| {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let options = VenueOptions { samples: 2, ..VenueOptions::default() };
    let mut venue = Venue::new(&gpu, options.clone()).unwrap();
    let rig = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(CAMERAS, 6.0 * (CAMERAS - 1) as f64);
    let rig = Rig { points_in_world: landmarks_in_world(), ..rig };
    let period = options.period_nanos;
    let mut draw = |camera: &Camera, share: f64| {
        Arc::new(venue.render_picture(camera, MediaTime::from_nanos((period as f64 * share) as i64)).unwrap())
    };
    let now = rig.cameras.iter().map(|c| draw(c, 0.35)).collect();
    venue.set_options(VenueOptions { dressing: Dressing::BeforeEntrance, ..options });
    let mut draw = |camera: &Camera, share: f64| {
        Arc::new(venue.render_picture(camera, MediaTime::from_nanos((period as f64 * share) as i64)).unwrap())
    };
    let empty = rig.cameras.iter().map(|c| (0..PAST).map(|k| draw(c, (k as f64 + 0.21) / PAST as f64)).collect()).collect();
    Drawn { rig, empty, now }
});

/// Cameras that show a past over and over; a moment is the athlete in mid-air.
struct Hall {
    /// The camera that was turned away.
    turned: Mutex<Option<usize>>,
}

impl Cameras for Hall {
    fn rig(&self) -> &Rig {
        &DRAWN.rig
    }

    fn picture(&self, camera: usize, at: MediaTime) -> Arc<Picture> {
        let shown = if *self.turned.lock() == Some(camera) { (camera + 2) % CAMERAS } else { camera };
        Arc::clone(&DRAWN.empty[shown][(at.nanos() / KEYFRAME_NANOS) as usize * 3 % PAST])
    }

    fn in_moment(&self, camera: usize, _: MediaTime) -> Arc<Picture> {
        Arc::clone(&DRAWN.now[camera])
    }
}

struct Show {
    feeds: Arc<RunningFeeds<Hall>>,
    engine: Engine,
}

impl Show {
    fn start(options: &EngineOptions) -> Self {
        // Time runs only once all is drawn.
        LazyLock::force(&DRAWN);
        let feeds = Arc::new(RunningFeeds::new(FASTER, Hall { turned: Mutex::default() }));
        let options = EngineOptions { quality: Some(Quality::Draft), ..options.clone() };
        Self { engine: Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap(), feeds }
    }

    fn wait(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(Duration::from_mins(6), wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            panic!("no {what}: {:?} {:?} {:?}", s.plates, s.cameras.iter().map(|c| c.plate_known).collect::<Vec<_>>(), s.notices)
        })
    }

    /// What preview's scene shows between two cameras; kept for whoever looks (`VOLTE_KEEP`).
    fn look(&self, name: &str) -> Picture {
        let picture = self.engine.handle().look(2.5, SIZE_PX.0, Duration::from_mins(1)).unwrap();
        if let Ok(folder) = std::env::var("VOLTE_KEEP") {
            picture.save(&std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
        }
        Picture::clone(&picture)
    }
}

#[test]
fn a_moment_is_truer_with_what_was_learned_live_and_shown_without_where_that_is_switched_off() {
    let show = Show::start(&EngineOptions::default());
    // The first seconds: as ever.
    let s = show.wait("cameras", |s| s.cameras.len() == CAMERAS);
    assert!(s.plates.live && s.plates.cameras == 0 && s.cameras.iter().all(|c| c.plate_known.is_none()));
    let instant = show.feeds.newest();
    assert!(show.engine.send(Command::JogTo(instant)));
    show.wait("solve", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved));
    let alone = show.look("alone");

    let s = show.wait("plates", |s| s.plates.cameras == CAMERAS);
    let known: Vec<f32> = s.cameras.iter().map(|c| c.plate_known.unwrap()).collect();
    println!("known of the plates: {known:.3?}");
    assert!(known.iter().all(|k| *k > 0.8), "{known:?}");
    // The moment that is prepared gains by it.
    let s = show.wait("verdict", |s| s.plates.verdict.is_some());
    let verdict = s.plates.verdict.unwrap();
    println!("hidden cameras: {:.2} dB alone, {:.2} dB with plates", verdict.without_db, verdict.with_db);
    assert!(verdict.used && verdict.with_db > verdict.without_db + 0.2, "{verdict:?}");
    assert!(s.notices.iter().any(|n| n.text.starts_with("With plates: ")), "{:?}", s.notices);
    let layered = show.look("with_plates");
    assert_ne!(alone, layered);

    // Off: as before, and nothing is learned.
    assert!(show.engine.send(Command::SetPlates(Some(false))));
    let s = show.wait("switch", |s| !s.plates.live && s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved));
    assert!(s.plates.verdict.is_none() && s.cameras.iter().all(|c| c.plate_known.is_none()));
    let until = Instant::now() + Duration::from_mins(2);
    while show.look("off") == layered {
        assert!(Instant::now() < until, "it still has its plates");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(show.engine.send(Command::SetPlates(None)));
    show.wait("the other choice", |s| s.plates.live);
}

#[test]
fn the_next_moment_has_them_at_once_and_so_has_an_export_and_who_lost_the_gpu_has_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        export_folder: Some(folder.path().to_owned()),
        export_name: Some("moment.gif".parse().unwrap()),
        ..EngineOptions::default()
    };
    let show = Show::start(&options);
    show.wait("plates", |s| s.plates.cameras == CAMERAS);
    let solved = |s: &Snapshot, at: MediaTime| s.preview.as_ref().is_some_and(|p| p.instant == at && p.readiness == Readiness::Solved);
    let jog = || {
        let at = show.feeds.newest();
        assert!(show.engine.send(Command::JogTo(at)));
        at
    };
    // The first has to wait until hidden cameras have spoken.
    let first = jog();
    let s = show.wait("solve", |s| solved(s, first));
    assert!(!s.plates.shown && s.plates.verdict.is_none());
    let alone = show.look("first_alone");
    let s = show.wait("verdict", |s| s.plates.verdict.is_some() && solved(s, first));
    assert!(s.plates.shown && s.plates.verdict.unwrap().used, "{:?}", s.plates);
    // The second is solved with them: who takes it right away takes them.
    let second = jog();
    let s = show.wait("second", |s| solved(s, second));
    assert!(s.plates.shown && s.plates.verdict.is_none(), "{:?}", s.plates);
    // The same pictures: what differs is what is behind them.
    assert_ne!(show.look("second"), alone);
    let shortest = (0..s.moves.len()).min_by(|a, b| s.moves[*a].secs.total_cmp(&s.moves[*b].secs)).unwrap();
    assert!(show.engine.send(Command::SelectMove(shortest)) && show.engine.send(Command::Export));
    show.wait("export", |s| s.exports.iter().any(|e| e.state == volte::engine::ExportState::Done));
    let sidecar = std::fs::read_to_string(folder.path().join("moment.json")).unwrap();
    let list = sidecar.split("\"plates\"").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    assert!(DRAWN.rig.cameras.iter().all(|c| list.contains(&c.name)), "{list}");
    // A GPU that is lost takes them with it: solved anew, they come back.
    show.engine.rehearse(volte::engine::GpuFault::DeviceLost);
    show.wait("another GPU", |s| s.gpu.recoveries == 1 && s.plates.cameras == CAMERAS && solved(s, second));
    let third = jog();
    let s = show.wait("verdict on another GPU", |s| s.plates.verdict.is_some() && solved(s, third));
    assert!(s.plates.shown && s.plates.verdict.unwrap().used, "{:?}", s.plates);
    assert_ne!(show.look("third"), alone);
}

#[test]
fn a_camera_that_looks_elsewhere_loses_its_plate_and_the_others_go_on() {
    let show = Show::start(&EngineOptions { without_gpu: true, ..EngineOptions::default() });
    let knows = |s: &Snapshot, camera: usize| {
        let name = &DRAWN.rig.cameras[camera].name;
        s.cameras.iter().find(|c| c.name == *name).unwrap().plate_known.is_some()
    };
    show.wait("plates", |s| s.cameras.len() == CAMERAS && (0..CAMERAS).all(|k| knows(s, k)));
    *show.feeds.turned.lock() = Some(2);
    show.wait("its loss", |s| !knows(s, 2));
    assert!((0..CAMERAS).filter(|k| *k != 2).all(|k| knows(&show.engine.snapshot(), k)));
    *show.feeds.turned.lock() = None;
    show.wait("its return", |s| (0..CAMERAS).all(|k| knows(s, k)));
}
