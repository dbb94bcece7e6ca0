//! A camera is bumped by 0.3° in mid-show, and the orbit on air never shows it: six cameras of the venue, one of which really turns and is turned
//! back. What program shows is compared with what the rig that was true showed, and with a moment that has the camera not.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use glam::{DMat3, DVec3};
use parking_lot::Mutex;
use volte::{
    engine::{Command, Engine, EngineOptions, Feeds, ProgramKind, Quality, Snapshot, Stand},
    frame::{Picture, metrics},
    geometry::Pose,
    gpu::{Gpu, GpuOptions},
    replay::Readiness,
    rig::{Camera, Rig, load},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig, landmarks_in_world},
};

mod support {
    pub mod running_feeds;
}
use support::running_feeds::{Cameras, KEYFRAME_NANOS, RunningFeeds};

/// House time runs so many times faster than the clock on the wall.
const FASTER: i64 = 2;
const SIZE_PX: (u32, u32) = (320, 180);
const CAMERAS: usize = 6;
const BUMPED: usize = 2;
const TURN_DEG: f64 = 0.3;
/// So many different keyframes.
const PHASES: i64 = 2;

/// What was drawn of the venue, once for all shows.
struct Drawn {
    /// As it stands at first, and the camera when it is turned.
    rig: Rig,
    turned: Camera,
    /// By camera, then by time; the turned camera's last.
    pictures: Vec<Vec<Arc<Picture>>>,
}

static DRAWN: LazyLock<Drawn> = LazyLock::new(|| {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let options = VenueOptions { samples: 2, ..VenueOptions::default() };
    let mut venue = Venue::new(&gpu, options.clone()).unwrap();
    let rig = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(CAMERAS, 6.0 * (CAMERAS - 1) as f64);
    let rig = Rig { points_in_world: landmarks_in_world(), ..rig };
    let mut turned = rig.cameras[BUMPED].clone();
    let pose = &mut turned.camera_from_world;
    let turn = DMat3::from_axis_angle(DVec3::new(0.6, -0.64, 0.48), TURN_DEG.to_radians());
    *pose = Pose { rotation: turn * pose.rotation, translation: turn * pose.translation };
    let mut draw = |camera: &Camera| -> Vec<Arc<Picture>> {
        let at = |k: i64| MediaTime::from_nanos((options.period_nanos as f64 * (0.35 + k as f64 / PHASES as f64)) as i64);
        (0..PHASES).map(|k| Arc::new(venue.render_picture(camera, at(k)).unwrap())).collect()
    };
    let pictures = rig.cameras.iter().chain([&turned]).map(&mut draw).collect();
    Drawn { rig, turned, pictures }
});

/// Six cameras, one of which is turned and turned back.
struct Turning {
    rig: Rig,
    /// It is turned from the first time on, back from the second, and so on.
    bumps: Mutex<Vec<MediaTime>>,
    /// The watch gets no more pictures of it after a bump than these; they are counted.
    most: Mutex<usize>,
    handed: Mutex<Vec<MediaTime>>,
}

impl Cameras for Turning {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn picture(&self, camera: usize, at: MediaTime) -> Arc<Picture> {
        let turns = self.bumps.lock().iter().filter(|bump| at >= **bump).count();
        let shown = if camera == BUMPED && turns % 2 == 1 { CAMERAS } else { camera };
        Arc::clone(&DRAWN.pictures[shown][(at.nanos() / KEYFRAME_NANOS % PHASES) as usize])
    }

    fn hands(&self, camera: usize, keyframe: MediaTime) -> bool {
        if camera == BUMPED && self.bumps.lock().last().is_some_and(|bump| keyframe >= *bump) {
            let mut handed = self.handed.lock();
            if handed.len() >= *self.most.lock() {
                return false;
            }
            handed.push(keyframe);
        }
        true
    }
}

/// Where on the way around the subject the orbit is looked at, on both sides of the camera: shares of the move.
const PLACES: [f64; 2] = [0.3, 0.5];

struct Show {
    feeds: Arc<RunningFeeds<Turning>>,
    engine: Engine,
}

impl Show {
    fn start(folder: &Path) -> Self {
        let drawn = LazyLock::force(&DRAWN);
        let feeds = Arc::new(RunningFeeds::new(
            FASTER,
            Turning { rig: drawn.rig.clone(), bumps: Mutex::default(), most: Mutex::new(usize::MAX), handed: Mutex::default() },
        ));
        let options = EngineOptions {
            quality: Some(Quality::Draft),
            without_plates: true,
            export_folder: Some(folder.to_owned()),
            ..EngineOptions::default()
        };
        Self { engine: Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap(), feeds }
    }

    fn wait(&self, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(Duration::from_mins(6), wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            panic!("no {what}: {:?} {:?} {:?}", s.program.kind, s.cameras.iter().map(|c| c.stand).collect::<Vec<_>>(), s.notices)
        })
    }

    fn send(&self, command: Command) {
        assert!(self.engine.send(command));
    }

    fn stand(&self, s: &Snapshot) -> Stand {
        s.cameras.iter().find(|c| c.name == self.feeds.rig.cameras[BUMPED].name).map_or(Stand::NotWatched, |c| c.stand)
    }

    /// The next time at which the cameras show their first picture, which a whole half second has.
    fn next_round(&self) -> MediaTime {
        let round = KEYFRAME_NANOS * PHASES;
        MediaTime::from_nanos((self.feeds.now().nanos() / round + 1) * round)
    }

    /// The camera is turned at the beginning of the next round.
    fn bump(&self) -> MediaTime {
        let at = self.next_round();
        self.feeds.bumps.lock().push(at);
        at
    }

    /// Prepares the first frame of a round that is past.
    fn prepare(&self, round: MediaTime, least: Readiness) {
        let instant = round.plus_nanos(40_000_000);
        self.wait("frame", |s| s.now > instant);
        self.send(Command::SetOrbit(0.0));
        self.send(Command::JogTo(instant));
        self.wait("moment", |s| s.preview.as_ref().is_some_and(|p| p.instant == instant && p.readiness >= least));
    }

    fn take(&self, round: MediaTime, least: Readiness) {
        self.prepare(round, least);
        self.send(Command::Take);
        self.wait("take", |s| matches!(s.program.kind, ProgramKind::Replay { instant, .. } if instant >= round));
    }

    /// What program shows at a share of the way, by hand: what was asked for before may be on its way still, so it is asked for again.
    fn on_air(&self, share: f64, times: u32) -> Arc<Picture> {
        self.wait("scene", |s| matches!(s.program.kind, ProgramKind::Replay { solved: true, .. }));
        let mut shown = Arc::new(Picture::filled(1, 1, [0; 4]));
        for k in 0..times {
            let serial = self.engine.snapshot().program.shown.serial;
            self.send(Command::TBar { share: share + 1e-5 * f64::from(k + times), in_time: false });
            let s = self.wait("picture", |s| s.program.shown.serial != serial && s.program.report.is_some());
            shown = Arc::clone(&s.program.shown.picture);
        }
        shown
    }

    fn orbit(&self) -> Vec<Arc<Picture>> {
        self.on_air(PLACES[0], 1);
        PLACES.map(|share| self.on_air(share, 2)).to_vec()
    }

    /// The orbit of a moment that is prepared in peace.
    fn orbit_of(&self, round: MediaTime) -> Vec<Arc<Picture>> {
        self.take(round, Readiness::Solved);
        self.orbit()
    }
}

/// The worst of the pictures, dB.
fn psnr_db(pictures: &[Arc<Picture>], reference: &[Arc<Picture>]) -> f64 {
    let db = |(a, b): (&Arc<Picture>, &Arc<Picture>)| metrics::psnr_db(a, b, None).unwrap();
    pictures.iter().zip(reference).map(db).fold(f64::INFINITY, f64::min)
}

#[test]
fn the_orbit_on_air_goes_through_a_bump_of_a_third_of_a_degree_and_a_take_right_after_one_does_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    let show = Show::start(folder.path());
    show.wait("watch", |s| s.cameras.len() == CAMERAS && s.cameras.iter().all(|c| c.stand == Stand::Stands));
    let before = show.orbit_of(show.next_round());
    // It is noticed from the keyframes of 2 s and solved from those of 5 s, or never; the orbit that is on air goes on meanwhile.
    let of_secs = |secs: i64| (secs * 1_000_000_000 / KEYFRAME_NANOS) as usize;
    let (most, handed) = (|most| *show.feeds.most.lock() = most, || show.feeds.handed.lock().len());
    most(of_secs(2));
    let at = show.bump();
    let s = show.wait("notice", |s| s.now > at && matches!(show.stand(s), Stand::Bumped { .. } | Stand::Solved { .. }));
    println!("noticed by keyframe {} after it, {:.2} s of house time", handed(), (s.now.nanos() - at.nanos()) as f64 * 1e-9);
    most(of_secs(5));
    let through = show.orbit();
    let s = show.wait("place", |s| matches!(show.stand(s), Stand::Solved { .. }));
    println!("solved by keyframe {} at the latest", handed());
    assert!(s.cameras.iter().filter(|c| matches!(c.stand, Stand::Bumped { .. } | Stand::Solved { .. })).count() == 1);
    let db = psnr_db(&through, &before);
    println!("on air through the bump: {db:.1} dB");
    // Who shows the bump is below 30 (further down). Most often these are the same to the bit; where hidden cameras could score a gap before the
    // take, which a bump makes worthless, they are at 50.
    assert!(db > 45.0, "{db}");
    // The camera stands where it was solved, for all that is on the stage.
    show.send(Command::SaveRig);
    show.wait("rig", |s| s.notices.iter().any(|n| n.text.starts_with("The rig as it stands is written to ")));
    let solved = load(&folder.path().join("rig_now.toml")).unwrap();
    let truth = &DRAWN.turned;
    let off = |c: &Camera| {
        let stage = (0..27).map(|k| DVec3::new(f64::from(k % 3 - 1), f64::from(k / 3 % 3 - 1), 0.3 + 0.8 * f64::from(k / 9)));
        stage.map(|p| (c.project(p).unwrap() - truth.project(p).unwrap()).length()).fold(0.0, f64::max)
    };
    let (was, is) = (off(&DRAWN.rig.cameras[BUMPED]), off(&solved.cameras[BUMPED]));
    println!("{was:.2} px off before, {is:.3} px solved, of {} px", SIZE_PX.0);
    assert!(is < 0.5 && is < 0.3 * was);

    // It is turned back. Nobody but the take brings the camera before the watch, and the take comes first.
    show.feeds.handed.lock().clear();
    most(0);
    let at = show.bump();
    show.take(at, Readiness::RealCameras);
    let name = &show.feeds.rig.cameras[BUMPED].name;
    let is_in = |s: &Snapshot| s.program.report.as_ref().is_some_and(|r| r.sources.iter().any(|(source, _)| source == name));
    let s = show.wait("scene", |s| {
        assert!(!is_in(s), "{:?}", s.program.report);
        matches!(s.program.kind, ProgramKind::Replay { solved: true, .. })
    });
    assert!(matches!(show.stand(&s), Stand::Bumped { .. }), "{:?}", show.stand(&s));
    assert_eq!(s.preview.as_ref().unwrap().left_out.iter().map(|l| &l.0).collect::<Vec<_>>(), [name]);
    let without = show.orbit();
    assert!(!is_in(&show.engine.snapshot()));
    // As a moment that is prepared in peace without the camera, which one with the camera is not.
    let in_peace = show.orbit_of(MediaTime::from_nanos(at.nanos() + 40_000_000));
    let (same, other) = (psnr_db(&without, &in_peace), psnr_db(&without, &before));
    println!("against a moment without the camera: {same:.1} dB, with it {other:.1} dB");
    assert!(same > 38.0 && other < 30.0, "{same} {other}");
    // It stands where it stood at first, and is solved there: the orbit is what it was with the rig that was true.
    most(usize::MAX);
    show.wait("place", |s| matches!(show.stand(s), Stand::Solved { .. } | Stand::Stands));
    let db = psnr_db(&show.orbit_of(show.next_round()), &before);
    println!("against the rig that was true: {db:.1} dB");
    assert!(db > other + 5.0, "{db} {other}");
}
