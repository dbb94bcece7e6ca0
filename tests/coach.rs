//! A board before live feeds: the coach looks on, says what is missing, and a rig comes of what it saw; the same as a command.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use glam::{DMat3, DVec2, DVec3};
use parking_lot::Mutex;
use volte::{
    calibrate::board::{Advice, Board, LensModel, Light},
    engine::{
        FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus,
        board_looks::{BoardLooks, LookOptions},
    },
    frame::{Moment, MomentFrame, Picture},
    geometry::Pose,
    replay::{Event, EventId},
    rig::{Camera, Rig},
    time::{FrameRate, MediaTime},
    venue::VenueRig,
};

const BOARD: &str = "charuco:6x5:0.22:0.176:4x4_50";
/// Where the cameras look.
const MIDDLE: DVec3 = DVec3::new(0.0, 0.0, 1.2);

/// Three cameras on an arc, one of them with a clock of its own.
fn rig(width_px: u32, height_px: u32) -> Rig {
    let mut rig = VenueRig::of_size(width_px, height_px).on_arc(3, 24.0);
    rig.cameras[1].clock_offset_nanos = 7_000_000;
    rig
}

/// The board before the camera: turned, tipped, somewhere in the middle of the volume, each time elsewhere.
fn pose(rig: &Rig, board: &Board, k: i64) -> Pose {
    let angle = k as f64 * 2.4;
    let c = &rig.cameras[k as usize % rig.cameras.len()];
    let towards = c.center_in_world();
    let at = MIDDLE.lerp(towards, 0.1 + 0.35 * (k % 4) as f64 / 4.0)
        + DVec3::new(0.5 * angle.cos(), 0.3 * angle.sin(), 0.35 * (1.7 * angle).sin());
    let front = Pose::look_at(at, towards, DVec3::Z).unwrap().rotation.transpose() * DMat3::from_rotation_y(std::f64::consts::PI);
    let (turn, tip) = [(0.6, 0.0), (0.0, 0.55), (-0.6, 0.1), (0.1, -0.55)][k as usize / 3 % 4];
    let rotation = front * DMat3::from_rotation_y(turn) * DMat3::from_rotation_x(tip);
    Pose { rotation, translation: at - rotation * (0.5 * board.size_m()).extend(0.0) }
}

/// The board as a camera sees it before a gray wall: 16 samples per pixel of it, where they differ.
fn drawn(board: &Board, camera: &Camera, world_from_board: &Pose) -> Picture {
    let (w, h) = (camera.width_px, camera.height_px);
    let board_from_camera = camera.camera_from_world.then_from(world_from_board).inverse();
    let (size, margin) = (board.size_m(), 0.5 * board.square_m);
    let value_at = |px: DVec2| {
        let ray = board_from_camera.rotation * camera.lens.unproject(px);
        let t = -board_from_camera.translation.z / ray.z;
        let p = (board_from_camera.translation + ray * t).truncate();
        let hits = t > 0.0 && p.cmpgt(DVec2::splat(-margin)).all() && p.cmplt(size + margin).all();
        if !hits {
            return 90.0;
        }
        if board.is_dark_at(p) { 30.0 } else { 200.0 }
    };
    // Where the board may be: the wall is drawn in no time.
    let (mut least, mut most) = (DVec2::ZERO, DVec2::new(f64::from(w), f64::from(h)));
    let edge = |x: f64, y: f64| DVec2::new(x, y) * (size + 2.0 * margin) - margin;
    let corners = [edge(0.0, 0.0), edge(1.0, 0.0), edge(0.0, 1.0), edge(1.0, 1.0)];
    let seen: Vec<DVec2> = corners.iter().filter_map(|p| camera.project(world_from_board.apply(p.extend(0.0)))).collect();
    if seen.len() == 4 {
        least = seen.iter().copied().fold(DVec2::INFINITY, DVec2::min) - 3.0;
        most = seen.iter().copied().fold(DVec2::NEG_INFINITY, DVec2::max) + 3.0;
    }
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for y in 0..h {
        for x in 0..w {
            let at = DVec2::new(f64::from(x), f64::from(y));
            let sample = |i: u32| value_at(at + DVec2::new(f64::from(i % 4), f64::from(i / 4)) * 0.25 + 0.125);
            let v = if at.cmplt(least).any() || at.cmpgt(most).any() {
                90
            } else {
                let ends = [0, 3, 12, 15].map(sample);
                if ends.iter().all(|v| *v == ends[0]) { ends[0] as u8 } else { ((0..16).map(sample).sum::<f64>() / 16.0).round() as u8 }
            };
            rgba.extend([v, v, v, 255]);
        }
    }
    Picture::from_rgba(w, h, rgba).unwrap()
}

/// Feeds on which somebody carries the board; time moves when it is told to.
struct BoardFeeds {
    truth: Rig,
    /// What the show knows of it.
    rig: Rig,
    board: Board,
    now_nanos: AtomicI64,
    /// The board stays in one place for so long.
    held_nanos: i64,
    /// The camera whose picture is mirrored.
    mirrored: Option<usize>,
    /// Camera 1 sends smaller pictures from now on.
    is_smaller: AtomicBool,
    /// No camera has a picture of the instant.
    is_refused: AtomicBool,
}

/// What a camera sees of the board in a place: drawn once for all tests, which all want the same ones at one time.
fn seen_in_place(board: &Board, rig: &Rig, camera: usize, k: i64) -> Arc<Picture> {
    type Place = Arc<OnceLock<Arc<Picture>>>;
    static DRAWN: Mutex<BTreeMap<(String, bool, i64), Place>> = Mutex::new(BTreeMap::new());
    // Poses go by the cameras' order.
    let is_straight = rig.cameras[0].name < rig.cameras[2].name;
    let place = Arc::clone(DRAWN.lock().entry((rig.cameras[camera].name.clone(), is_straight, k)).or_default());
    Arc::clone(place.get_or_init(|| Arc::new(drawn(board, &rig.cameras[camera], &pose(rig, board, k)))))
}

impl BoardFeeds {
    fn new(held_nanos: i64, mirrored: Option<usize>) -> Self {
        let board = Board::parse(BOARD).unwrap();
        let now_nanos = AtomicI64::new(1_000_000_000);
        let [is_smaller, is_refused] = [false; 2].map(AtomicBool::new);
        let rig = rig(640, 360);
        Self { truth: rig.clone(), rig, board, now_nanos, held_nanos, mirrored, is_smaller, is_refused }
    }

    /// The same before there is a rig, in another order than along the arc.
    fn without_rig() -> Self {
        let mut feeds = Self::new(1_000_000_000, None);
        feeds.truth.cameras.swap(0, 2);
        let unposed = |c: &Camera| Camera { width_px: c.width_px, height_px: c.height_px, ..Camera::unposed(&c.name) };
        feeds.rig = Rig { cameras: feeds.truth.cameras.iter().map(unposed).collect(), points_in_world: vec![] };
        feeds
    }

    fn advance(&self, nanos: i64) {
        self.now_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Feeds for BoardFeeds {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.now_nanos.load(Ordering::Relaxed))
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }

    fn status(&self) -> Vec<FeedStatus> {
        vec![FeedStatus { health: FeedHealth::Good, ..FeedStatus::default() }; self.truth.cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        RingStatus { newest: Some(self.now()), ..RingStatus::default() }
    }

    fn live_picture(&self, _camera: usize) -> Option<LivePicture> {
        None
    }

    fn picture_at(&self, camera: usize, instant: MediaTime) -> Option<LivePicture> {
        let k = instant.nanos() / self.held_nanos;
        if camera == 1 && self.is_smaller.load(Ordering::Relaxed) {
            let picture = Arc::new(drawn(&self.board, &rig(320, 180).cameras[camera], &pose(&self.truth, &self.board, k)));
            return Some(LivePicture { picture, time: instant });
        }
        let mut picture = seen_in_place(&self.board, &self.truth, camera, k);
        if self.mirrored == Some(camera) {
            let row = picture.width() as usize * 4;
            Arc::make_mut(&mut picture).rgba_mut().chunks_exact_mut(row).for_each(|row| {
                let flipped: Vec<u8> = row.chunks_exact(4).rev().flatten().copied().collect();
                row.copy_from_slice(&flipped);
            });
        }
        if self.is_refused.load(Ordering::Relaxed) {
            // Only one of long ago, or none.
            return (camera == 0).then(|| LivePicture { picture, time: instant.plus_nanos(-350_000_000) });
        }
        // Frames come as they come: a little beside the instant.
        Some(LivePicture { picture, time: instant.plus_nanos(3_000_000 * camera as i64) })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let frame = |(k, camera): (usize, &Camera)| {
            let live = self.picture_at(k, instant)?;
            let error_nanos = live.time.nanos() - instant.nanos();
            Some(MomentFrame { camera: camera.name.clone(), picture: live.picture, time: live.time, error_nanos, retimed: false })
        };
        Ok(Moment { instant, frames: self.truth.cameras.iter().enumerate().filter_map(frame).collect(), ..Moment::default() })
    }

    fn remember(&self, _event: &Event) -> Result<(), String> {
        Ok(())
    }

    fn pin(&self, _event: EventId, _begin: MediaTime, _end: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _event: EventId) {}
}

fn looks(feeds: &BoardFeeds, lenses: Option<Rig>) -> BoardLooks {
    let board = feeds.board.clone();
    let options = LookOptions { board, most_motion_px: 4.0, every_secs: 0.25, threads: 2, lenses, model: LensModel::Pinhole };
    BoardLooks::new(feeds, options).unwrap()
}

#[test]
fn a_board_carried_before_live_cameras_becomes_a_rig() {
    // A second in each place, looked at once: the look back tells that it was held still.
    let feeds = BoardFeeds::new(1_000_000_000, None);
    let mut looks = looks(&feeds, None);
    assert_eq!(looks.coach().advice(), Advice::Begin);
    feeds.advance(700_000_000);
    let mut told = Vec::new();
    for k in 0..28 {
        assert!(looks.look(&feeds, &|| true).unwrap().is_some_and(|seen| seen <= 3));
        assert_eq!(looks.look(&feeds, &|| true).unwrap(), None, "nothing new is not looked at");
        feeds.advance(1_000_000_000);
        told.push(looks.coach().advice().to_string());
        if k == 1 {
            looks.lies_on_the_floor();
            assert_eq!(looks.floor_secs(), Some(looks.secs()));
        }
    }
    println!("{}", told.join("\n"));
    let coach = looks.coach();
    println!("{:?}", coach.cameras().iter().map(|c| (c.boards, c.turned, c.tipped, c.pictures)).collect::<Vec<_>>());
    assert!(coach.is_enough(), "{}", coach.advice());
    assert!(coach.cameras().iter().all(|c| c.boards >= 8 && c.boards <= 28 && c.pictures > 28 + c.boards / 2));
    let mut job = looks.job();
    assert!(job.clone().solve(&mut |_| false).is_err(), "it can be cancelled");
    // Where it was told to lie it does not: that is said, and nothing is solved.
    let told = job.solve(&mut |_| true).unwrap_err().to_string();
    assert!(told.contains("does not lie") || told.contains("not used"), "{told}");
    job = without_floor(&feeds, &looks);
    let mut shares = Vec::new();
    let solved = job
        .solve(&mut |share| {
            shares.push(share);
            true
        })
        .unwrap();
    let c = &solved.calibration;
    println!("{:?}: rms {:.3} px, 95 % within {:.3}; {:?}", c.light(), c.rms_px, c.p95_px, solved.remedies);
    assert!(shares.len() > 5 && shares.is_sorted());
    assert_eq!((c.light(), c.rig.cameras.len()), (Light::Green, 3));
    assert_eq!(c.rig.cameras[1].clock_offset_nanos, 7_000_000, "clock offsets that are known stay");
    // The cameras stand as far from each other as they do.
    let apart = |rig: &Rig, i: usize, j: usize| (rig.cameras[i].center_in_world() - rig.cameras[j].center_in_world()).length();
    for (i, j) in [(0, 1), (1, 2), (0, 2)] {
        let (is, was) = (apart(&c.rig, i, j), apart(&feeds.truth, i, j));
        assert!((is / was - 1.0).abs() < 0.01, "{i} {j}: {is} m, not {was}");
    }
}

/// What was seen, looked at once more without a word of the floor.
fn without_floor(feeds: &BoardFeeds, before: &BoardLooks) -> volte::engine::board_looks::BoardJob {
    let mut again = looks(feeds, None);
    feeds.advance(-(before.secs() * 1e9).round() as i64);
    while again.coach().cameras()[0].pictures < before.coach().cameras()[0].pictures {
        again.look(feeds, &|| true).unwrap();
        feeds.advance(1_000_000_000);
    }
    again.job()
}

#[test]
fn a_board_in_motion_a_mirrored_camera_and_a_stop_are_what_they_are() {
    // Every look sees it elsewhere.
    let moving = BoardFeeds::new(150_000_000, None);
    let mut looks_at = looks(&moving, Some(moving.truth.clone()));
    for _ in 0..6 {
        looks_at.look(&moving, &|| true).unwrap();
        moving.advance(3_000_000_000);
    }
    assert!(looks_at.coach().cameras().iter().all(|c| c.boards == 0), "{:?}", looks_at.coach().cameras());
    assert!(looks_at.coach().pairs().is_empty() && looks_at.coach().cameras().iter().any(|c| c.reasons.contains_key("moving")));
    // Mirrored: told by name, and nothing else first.
    let feeds = BoardFeeds::new(1_000_000_000, Some(2));
    let mut looks_at = looks(&feeds, None);
    feeds.advance(700_000_000);
    for _ in 0..6 {
        looks_at.look(&feeds, &|| true).unwrap();
        feeds.advance(1_000_000_000);
    }
    assert_eq!(looks_at.coach().advice(), Advice::Mirror { camera: feeds.truth.cameras[2].name.clone() });
    // Whoever is told to stop keeps nothing of the look that was broken off.
    let before = looks_at.coach().cameras()[0].pictures;
    assert_eq!(looks_at.look(&feeds, &|| false).unwrap(), None);
    assert_eq!(looks_at.coach().cameras()[0].pictures, before);
    // One that changes its size is left out and named; what was carried stays, and the others go on.
    let pictures = |looks_at: &BoardLooks| [0, 1, 2].map(|i| looks_at.coach().cameras()[i].pictures);
    let before = pictures(&looks_at);
    assert_eq!(looks_at.other_size(), None);
    feeds.is_smaller.store(true, Ordering::Relaxed);
    feeds.advance(1_000_000_000);
    looks_at.look(&feeds, &|| true).unwrap();
    let after = pictures(&looks_at);
    assert!(after[0] > before[0] && after[1] == before[1] && after[2] > before[2], "{before:?} {after:?}");
    let told = looks_at.other_size().unwrap();
    assert!(told.starts_with(&feeds.truth.cameras[1].name) && told.contains("320 × 180") && told.contains("640 × 360"), "{told}");
}

#[test]
fn where_every_picture_is_refused_it_says_whose_and_why() {
    let feeds = BoardFeeds::new(1_000_000_000, None);
    let mut looks_at = looks(&feeds, None);
    looks_at.look(&feeds, &|| true).unwrap();
    assert!(looks_at.nobody().is_none() && looks_at.refusals().iter().all(Option::is_none));
    feeds.is_refused.store(true, Ordering::Relaxed);
    feeds.advance(1_000_000_000);
    assert_eq!(looks_at.look(&feeds, &|| true).unwrap(), Some(0));
    let told = looks_at.nobody().unwrap();
    let [a, b] = [0, 1].map(|i| feeds.truth.cameras[i].name.clone());
    assert!(
        told.contains(&format!("{a}: its nearest picture is 350 ms beside")) && told.contains(&format!("{b}: it has no picture")),
        "{told}"
    );
    assert!(told.contains("offset_ms") && told.contains("40 ms at most"), "{told}");
}

/// The same by the operator's commands, in a running show.
mod show {
    use std::time::Duration;

    use volte::engine::{
        CalibrateOrder, CalibrationStage, CalibrationView, Command, Engine, EngineOptions, GapQuality, JudgedRig, ProgramKind, Snapshot,
    };
    use volte::{replay::Readiness, scene::Quality};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn started(feeds: &Arc<BoardFeeds>, folder: &std::path::Path) -> Engine {
        started_with(feeds, folder, true)
    }

    fn started_with(feeds: &Arc<BoardFeeds>, folder: &std::path::Path, without_gpu: bool) -> Engine {
        let options = EngineOptions {
            without_gpu,
            quality: Some(Quality::Draft),
            without_watch: true,
            export_folder: Some(folder.to_owned()),
            rig_file: Some(folder.join("rig.toml")),
            ..EngineOptions::default()
        };
        Engine::start(Arc::clone(feeds) as Arc<dyn Feeds>, &options).unwrap()
    }

    fn say(engine: &Engine, order: CalibrateOrder) {
        assert!(engine.send(Command::Calibrate(order)));
    }

    fn until(engine: &Engine, what: &str, wanted: impl Fn(&CalibrationView) -> bool) -> Arc<CalibrationView> {
        let is_so = |s: &Snapshot| s.calibration.as_ref().is_some_and(|c| wanted(c));
        let found = engine.wait_for(LONG, is_so).and_then(|s| s.calibration.clone());
        found.unwrap_or_else(|| panic!("{what}: {:?}", engine.snapshot().calibration))
    }

    fn told(engine: &Engine, words: &str) {
        let told = engine.wait_for(LONG, |s| s.notices.iter().any(|n| n.text.contains(words)));
        assert!(told.is_some(), "nobody says {words:?}: {:?}", engine.snapshot().notices);
    }

    fn files(folder: &std::path::Path) -> Vec<String> {
        let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }

    /// Calibrated with what is seen in so many places.
    fn judged(engine: &Engine, feeds: &BoardFeeds, places: usize) -> Box<JudgedRig> {
        say(engine, CalibrateOrder::Start(BOARD.to_owned()));
        until(engine, "looks", |c| c.cameras.iter().all(|c| c.pictures > 0));
        (0..places).for_each(|_| drop(carried_on(engine, feeds)));
        say(engine, CalibrateOrder::Finish);
        let solved = until(engine, "solved", |c| matches!(c.stage, CalibrationStage::Judged(_) | CalibrationStage::Failed(_)));
        let CalibrationStage::Judged(judged) = solved.stage.clone() else { panic!("{:?}", solved.stage) };
        judged
    }

    /// A second later: the board is held elsewhere, and was looked at there.
    fn carried_on(engine: &Engine, feeds: &BoardFeeds) -> Arc<CalibrationView> {
        let pictures = |c: &CalibrationView| c.cameras.iter().map(|c| c.pictures).sum::<usize>();
        let before = engine.snapshot().calibration.as_ref().map_or(0, |c| pictures(c));
        feeds.advance(1_000_000_000);
        until(engine, "a look", |c| pictures(c) > before)
    }

    #[test]
    fn a_board_carried_before_a_running_show_becomes_a_rig_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Arc::new(BoardFeeds::new(1_000_000_000, None));
        feeds.advance(700_000_000);
        let engine = started(&feeds, folder.path());
        say(&engine, CalibrateOrder::Start(BOARD.to_owned()));
        until(&engine, "looks", |c| c.stage == CalibrationStage::Looking { waits: false } && c.cameras.iter().all(|c| c.pictures > 0));
        // One at a time.
        say(&engine, CalibrateOrder::Start(BOARD.to_owned()));
        told(&engine, "A calibration is under way");
        say(&engine, CalibrateOrder::Save);
        told(&engine, "The calibration has no rig yet");
        let mut shares = vec![0.0];
        let mut seen = carried_on(&engine, &feeds);
        for k in 0..26 {
            assert!(seen.share >= *shares.last().unwrap());
            shares.push(seen.share);
            if k == 1 {
                say(&engine, CalibrateOrder::Floor);
                until(&engine, "floor", |c| c.floor_secs.is_some());
            }
            seen = carried_on(&engine, &feeds);
        }
        assert!(seen.is_enough && seen.share > 0.999, "{} {:?}", seen.share, seen.advice);
        assert_eq!(
            seen.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            engine.snapshot().cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>()
        );
        assert!(seen.cameras.iter().all(|c| c.boards >= c.needed && c.turned > 1 && c.tipped > 1 && c.cells.iter().sum::<u32>() > 100));
        assert!(seen.links.iter().filter(|l| l.holds && l.from < l.to).count() >= 2, "{:?}", seen.links);

        say(&engine, CalibrateOrder::Finish);
        let solved = until(&engine, "solved", |c| matches!(c.stage, CalibrationStage::Judged(_) | CalibrationStage::Failed(_)));
        let CalibrationStage::Judged(judged) = &solved.stage else { panic!("{:?}", solved.stage) };
        println!("{judged:?}");
        assert_eq!((judged.light, judged.saved.as_deref()), (Light::Green, None));
        assert!(judged.rms_px < 0.5 && judged.step_px.unwrap().2 && judged.cameras.iter().all(|c| c.unsolved.is_none() && c.boards > 5));
        assert_eq!(judged.gaps.iter().map(|g| g.quality).collect::<Vec<_>>(), [GapQuality::Good; 2], "{:?}", judged.gaps);
        // The board did not lie where that was said: it is a rig all the same, and that is told first.
        assert!(judged.remedies[0].starts_with("solved without a floor"), "{:?}", judged.remedies);

        // The show has no rig file yet: this is it. The next one goes beside it.
        assert_eq!(files(folder.path()), [""; 0]);
        say(&engine, CalibrateOrder::Save);
        let saved = |c: &CalibrationView| {
            if let CalibrationStage::Judged(j) = &c.stage { j.saved.clone().unwrap_or_default() } else { String::new() }
        };
        until(&engine, "saved", |c| saved(c).ends_with("rig.toml"));
        told(&engine, "where the show looks for it");
        let written = std::fs::read(folder.path().join("rig.toml")).unwrap();
        let rig = volte::rig::load(&folder.path().join("rig.toml")).unwrap();
        assert_eq!((rig.cameras.len(), rig.cameras[1].clock_offset_nanos), (3, 7_000_000));
        let apart = |rig: &Rig| (rig.cameras[0].center_in_world() - rig.cameras[2].center_in_world()).length();
        assert!((apart(&rig) / apart(&feeds.truth) - 1.0).abs() < 0.01);
        say(&engine, CalibrateOrder::Save);
        until(&engine, "saved again", |c| saved(c).ends_with("rig_calibrated.toml"));
        assert_eq!(std::fs::read(folder.path().join("rig.toml")).unwrap(), written, "the show's rig file is never overwritten");

        // The running show takes it: what is marked from now on has the rig that was written, what was marked before its own.
        let used = |c: &CalibrationView| if let CalibrationStage::Judged(j) = &c.stage { j.used } else { None };
        let newest = feeds.now();
        say(&engine, CalibrateOrder::Use);
        let from = used(&until(&engine, "used", |c| used(c).is_some())).unwrap();
        assert!(from > newest, "an instant that could be marked before is older");
        told(&engine, "from now on; older events keep theirs");
        assert!(engine.send(Command::SaveRig));
        told(&engine, "rig_now.toml");
        let now = volte::rig::load(&folder.path().join("rig_now.toml")).unwrap();
        assert_eq!(now.cameras, rig.cameras);
        assert_eq!(engine.snapshot().gaps.len(), 2);
        std::fs::remove_file(folder.path().join("rig_now.toml")).unwrap();

        // What was carried stays when it goes on.
        say(&engine, CalibrateOrder::GoOn);
        let on = until(&engine, "goes on", |c| c.stage == CalibrationStage::Looking { waits: false });
        assert!(on.cameras.iter().zip(&seen.cameras).all(|(now, then)| now.boards >= then.boards));
        say(&engine, CalibrateOrder::Cancel);
        assert!(engine.wait_for(LONG, |s| s.calibration.is_none()).is_some());
        assert_eq!(files(folder.path()), ["rig.toml", "rig_calibrated.toml"]);
    }

    #[test]
    fn what_cannot_be_begun_says_why_and_a_cancelled_one_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Arc::new(BoardFeeds::new(1_000_000_000, None));
        feeds.advance(700_000_000);
        let engine = started(&feeds, folder.path());
        say(&engine, CalibrateOrder::Finish);
        told(&engine, "No calibration is under way");
        say(&engine, CalibrateOrder::Start("circles:4x11:0.02".to_owned()));
        let refused = until(
            &engine,
            "refused",
            |c| matches!(&c.stage, CalibrationStage::Refused(why) if why.contains("none of") && why.contains("Say e.g.")),
        );
        assert_eq!((refused.board.as_str(), refused.cameras.len()), ("circles:4x11:0.02", 3));
        say(&engine, CalibrateOrder::Cancel);
        assert!(engine.wait_for(LONG, |s| s.calibration.is_none()).is_some());
        // Begun, and given up after a few looks.
        say(&engine, CalibrateOrder::Start(BOARD.to_owned()));
        until(&engine, "looks", |c| c.cameras.iter().all(|c| c.pictures > 0));
        carried_on(&engine, &feeds);
        // Too little is no rig: it says so, and goes on.
        say(&engine, CalibrateOrder::Finish);
        let failed = until(&engine, "fails", |c| matches!(c.stage, CalibrationStage::Failed(_)));
        let CalibrationStage::Failed(why) = &failed.stage else { panic!() };
        assert!(why.contains("no two cameras could be put together") && why.contains("are needed"), "{why}");
        say(&engine, CalibrateOrder::GoOn);
        until(&engine, "goes on", |c| matches!(c.stage, CalibrationStage::Looking { .. }));
        // Pictures that nobody can use are told.
        feeds.is_refused.store(true, Ordering::Relaxed);
        feeds.advance(1_000_000_000);
        let told_now = until(&engine, "refusals", |c| c.told.is_some());
        assert!(told_now.told.as_deref().unwrap().contains("350 ms beside") && told_now.cameras.iter().all(|c| c.refused.is_some()));
        say(&engine, CalibrateOrder::Cancel);
        assert!(engine.wait_for(LONG, |s| s.calibration.is_none()).is_some());
        told(&engine, "The calibration is cancelled; nothing was written");
        assert_eq!(files(folder.path()), [""; 0]);
    }

    #[test]
    fn a_show_without_a_rig_takes_the_calibrated_one_and_comes_to_its_first_orbit() {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Arc::new(BoardFeeds::without_rig());
        feeds.advance(700_000_000);
        let engine = started_with(&feeds, folder.path(), false);
        let names = |s: &Snapshot| s.cameras.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&engine.snapshot())[0].clone(), engine.snapshot().gaps.len()), (feeds.truth.cameras[0].name.clone(), 0));
        assert!(engine.wait_for(LONG, |s| !s.gpu.adapter.is_empty()).is_some());
        // Before, a replay steps through the cameras, and why is told.
        assert!(engine.send(Command::Mark));
        told(&engine, "Nobody knew yet where the cameras stand");
        assert_ne!(judged(&engine, &feeds, 26).light, Light::Red);
        say(&engine, CalibrateOrder::Use);
        told(
            &engine,
            "mark an instant (Space) for the first orbit. What it records and sends begins when it is opened again without --calibrate. It is not saved yet: SAVE RIG",
        );
        let now = engine.wait_for(LONG, |s| s.gaps.len() == 2).unwrap();
        // Along the arc, whatever the order was before.
        let mut along = names(&now);
        along.sort();
        assert_eq!(names(&now), along);
        assert!(
            now.calibration
                .as_ref()
                .is_some_and(|c| matches!(&c.stage, CalibrationStage::Judged(j) if j.used.is_some() && j.saved.is_none()))
        );
        assert!(!now.closed && now.moves.iter().all(|m| m.name != "Full turn"));
        // An instant at which the board was carried is solved with it, as any later one.
        feeds.advance(1_000_000_000);
        assert!(engine.send(Command::Mark));
        let is_solved = |s: &Snapshot| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved && p.instant == feeds.now());
        let solved = engine.wait_for(LONG, is_solved);
        assert!(
            solved.is_some(),
            "{:?} {:?}",
            engine.snapshot().preview.as_ref().map(|p| (p.readiness, p.problem.clone())),
            engine.snapshot().notices
        );
        // On air nothing changes.
        assert!(engine.send(Command::Take));
        assert!(engine.wait_for(LONG, |s| matches!(s.program.kind, ProgramKind::Replay { solved: true, .. })).is_some());
        say(&engine, CalibrateOrder::Use);
        told(&engine, "The calibrated rig is not used: a replay is on air. Go back to live first (RETURN)");
        assert!(engine.send(Command::Return));
        assert!(engine.wait_for(LONG, |s| matches!(s.program.kind, ProgramKind::Live(_))).is_some());
        // And the first event, from before the board was there, still has none.
        assert!(engine.send(Command::PreviousEvent));
        let first = engine.wait_for(LONG, |s| s.preview.as_ref().is_some_and(|p| p.instant < feeds.now())).unwrap();
        assert_ne!(first.preview.as_ref().unwrap().readiness, Readiness::Solved);
    }

    #[test]
    fn a_rig_without_a_camera_is_not_used_and_lenses_that_are_given_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Arc::new(BoardFeeds::new(1_000_000_000, Some(2)));
        feeds.advance(700_000_000);
        let engine = started(&feeds, folder.path());
        say(&engine, CalibrateOrder::Use);
        told(&engine, "No calibration is under way");
        // Lenses of nobody are refused before anything is carried.
        let nobody = Rig { cameras: vec![Camera { name: "studio".to_owned(), ..feeds.truth.cameras[0].clone() }], points_in_world: vec![] };
        let file = |name: &str| folder.path().join(name).display().to_string();
        volte::rig::save(&nobody, &folder.path().join("nobody.toml"), volte::rig::Format::RigToml).unwrap();
        let why = |c: &CalibrationView| if let CalibrationStage::Refused(why) = &c.stage { why.clone() } else { String::new() };
        for (lenses, word) in [(file("missing.toml"), "the lenses cannot be read"), (file("nobody.toml"), "they are of studio")] {
            say(&engine, CalibrateOrder::Start(format!("{BOARD} lenses {lenses}")));
            let refused = until(&engine, word, |c| why(c).contains(word));
            assert_eq!((refused.board.as_str(), &refused.lenses), (BOARD, &lenses));
        }
        // Those of the first are known, whatever its name's capitals; that of the second is of pictures of another shape.
        let mut known = feeds.truth.restricted_to(&[0, 1]);
        known.cameras[0].name = known.cameras[0].name.to_uppercase();
        known.cameras[1].height_px *= 2;
        volte::rig::save(&known, &folder.path().join("lenses.toml"), volte::rig::Format::RigToml).unwrap();
        say(&engine, CalibrateOrder::Start(format!("{BOARD} lenses {}", file("lenses.toml"))));
        let knows = |c: &CalibrationView| c.cameras.iter().map(|c| c.knows_lens).collect::<Vec<_>>();
        let shape = until(&engine, "another shape", |c| c.told.as_ref().is_some_and(|t| t.contains("which is another shape")));
        assert_eq!(knows(&shape), [true, false, false]);
        // Taken back while it is carried, and given again.
        say(&engine, CalibrateOrder::Lenses("none".to_owned()));
        until(&engine, "none are known", |c| knows(c) == [false; 3] && c.lenses.is_empty());
        say(&engine, CalibrateOrder::Lenses(file("nobody.toml")));
        until(&engine, "nobody's lenses", |c| c.told.as_ref().is_some_and(|t| t.contains("they are of studio")));
        say(&engine, CalibrateOrder::Lenses(file("lenses.toml")));
        until(&engine, "lenses", |c| knows(c) == [true, false, false]);
        (0..14).for_each(|_| drop(carried_on(&engine, &feeds)));
        say(&engine, CalibrateOrder::Finish);
        let solved = until(&engine, "solved", |c| matches!(c.stage, CalibrationStage::Judged(_) | CalibrationStage::Failed(_)));
        let CalibrationStage::Judged(judged) = &solved.stage else { panic!("{:?}", solved.stage) };
        println!("{judged:?}");
        assert_eq!((judged.light, judged.cameras[0].focal_px, judged.cameras[1].focal_px.is_some()), (Light::Red, None, true));
        assert!(judged.cameras[2].reasons.iter().any(|(why, n)| *why == "mirrored" && *n > 3), "{:?}", judged.cameras[2]);
        assert!(judged.gaps[0].disparity_px.is_some_and(|px| px > 10.0) && judged.remedies[0].contains("another shape"));
        say(&engine, CalibrateOrder::Use);
        told(&engine, &format!("The calibrated rig is not used: {}: not in it", feeds.truth.cameras[2].name));
    }

    #[test]
    fn it_waits_while_a_replay_moves_on_air_and_goes_on_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Arc::new(BoardFeeds::new(1_000_000_000, None));
        feeds.advance(700_000_000);
        let engine = started(&feeds, folder.path());
        say(&engine, CalibrateOrder::Start(BOARD.to_owned()));
        until(&engine, "looks", |c| c.cameras.iter().all(|c| c.pictures > 0));
        assert!(engine.send(Command::Mark));
        assert!(engine.wait_for(LONG, |s| s.can_take).is_some());
        assert!(engine.send(Command::Take));
        assert!(engine.wait_for(LONG, |s| matches!(s.program.kind, ProgramKind::Replay { .. })).is_some());
        let waits = until(&engine, "waits", |c| c.stage == CalibrationStage::Looking { waits: true });
        // A new instant is not looked at meanwhile.
        feeds.advance(1_000_000_000);
        let still = engine.wait_for(LONG, |s| s.program.frames > 10).unwrap();
        let pictures = |c: &CalibrationView| c.cameras.iter().map(|c| c.pictures).sum::<usize>();
        if matches!(still.program.kind, ProgramKind::Replay { progress, .. } if progress < 1.0) {
            assert_eq!(still.calibration.as_ref().map(|c| pictures(c)), Some(pictures(&waits)));
        }
        assert!(engine.send(Command::Return));
        until(&engine, "goes on", |c| pictures(c) > pictures(&waits));
    }
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
mod command {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        path::Path,
        process::{Child, Command, Stdio},
    };

    use super::*;

    /// Pictures of two cameras that see the board held in eight places, each for two seconds, ten pictures a second; and their lenses.
    fn taken(folder: &Path) -> Vec<String> {
        let (board, rig) = (Board::parse(BOARD).unwrap(), rig(640, 360));
        for name in ["cam_a", "cam_b"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let mut known = rig.restricted_to(&[0, 1]);
        for (camera, name) in known.cameras.iter_mut().zip(["cam_a", "cam_b"]) {
            name.clone_into(&mut camera.name);
            for k in 0..8_i64 {
                let mut picture = drawn(&board, camera, &pose(&rig, &board, k));
                let file = |n: i64| folder.join(name).join(format!("{n:04}.jpg"));
                for n in 0..20 {
                    // No two pictures are the same, as of cameras: those that are count as repetitions of a stalled one.
                    let gray = 10 * n as u8;
                    picture.rgba_mut().chunks_exact_mut(4 * 640).take(16).for_each(|row| row[..4 * 16].fill(gray));
                    picture.save(&file(20 * k + n)).unwrap();
                }
                // Twice, so that a slow machine has time.
                (0..20).for_each(|n| std::fs::copy(file(20 * k + n), file(160 + 20 * k + n)).map(|_| ()).unwrap());
            }
        }
        volte::rig::save(&known, &folder.join("lenses.toml"), volte::rig::Format::RigToml).unwrap();
        let address = |name: &str| format!("{name}=images:{}/%04d.jpg?fps=10", folder.join(name).display());
        vec![address("cam_a"), address("cam_b")]
    }

    fn started(folder: &Path, live: &[String], more: &[&str]) -> Child {
        let file = |name: &str| folder.join(name).display().to_string();
        Command::new(env!("CARGO_BIN_EXE_volte"))
            .args([
                "calibrate",
                "--board",
                BOARD,
                "--seconds",
                "60",
                "--lenses",
                &file("lenses.toml"),
                "--out",
                &file("rig.toml"),
                "--live",
            ])
            .args(live)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[test]
    fn the_command_coaches_until_enter_writes_the_rig_and_cancelled_it_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let live = taken(folder.path());
        let mut child = started(folder.path(), &live, &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = Vec::new();
        for line in lines.by_ref() {
            // The first word of the coach says that they are looked at.
            let enough = line.contains("enough to finish") || line.contains("enough: finish");
            told.push(line);
            if enough {
                child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
                break;
            }
        }
        told.extend(lines);
        let told = told.join("\n");
        assert!(child.wait().unwrap().success(), "{told}");
        for word in ["2 cameras: cam_a, cam_b", "hold the board", "enough", "2 of 2 cameras written to"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!told.contains("60 s are over"), "{told}");
        let written = volte::rig::load(&folder.path().join("rig.toml")).unwrap();
        assert_eq!(written.cameras.len(), 2);
        // And once more, cancelled.
        std::fs::remove_file(folder.path().join("rig.toml")).unwrap();
        let mut child = started(folder.path(), &live, &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.by_ref().any(|line| line.contains("[boards: cam_a")));
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        lines.for_each(drop);
        let mut why = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut why).unwrap();
        assert!(!child.wait().unwrap().success() && why.contains("cancelled; nothing was written"), "{why}");
        assert!(!folder.path().join("rig.toml").exists());
    }

    #[test]
    fn what_cannot_be_looked_at_live_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("rig.toml").display().to_string();
        let refused = |arguments: &[&str], word: &str| {
            let run = Command::new(env!("CARGO_BIN_EXE_volte"))
                .args([&["calibrate", "--board", BOARD], arguments].concat())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let why = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(!run.status.success() && why.contains(word) && !why.contains("panicked"), "{arguments:?}: {why}");
            why
        };
        refused(&["--live", "a=rtsp://10.0.0.1/x", "b=rtsp://10.0.0.2/x"], "--out");
        refused(&["--live", "nowhere.toml", "--out", &out], "no show file");
        refused(&["--live", "a=images:nowhere/%04d.png", "--out", &out], "two at least");
        refused(&["--live", "--pictures", "x", "--out", &out], "--pictures");
        refused(&["--until-green", "--footage", "x"], "--live");
        let why = refused(&["--live", "rtsp://user:secret@10.0.0.1/x", "--out", &out], "cam01=");
        assert!(!why.contains("secret"), "{why}");
        assert!(!Path::new(&out).exists());
    }

    #[test]
    fn a_show_file_is_a_source_and_until_green_it_finishes_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let feed = |address: &String| {
            let (camera, address) = address.split_once('=').unwrap();
            format!("[[feeds]]\ncamera = {camera:?}\naddress = {address:?}\n")
        };
        let feeds: String = taken(folder.path()).iter().map(feed).collect();
        let show = folder.path().join("show.toml");
        // Its rig is not there yet.
        std::fs::write(&show, format!("name = \"hall\"\nrig = \"no-such-rig.toml\"\n{feeds}")).unwrap();
        let mut child = started(folder.path(), &[show.display().to_string()], &["--until-green"]);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = Vec::new();
        for line in lines {
            if line.contains("[boards: cam_a 1") {
                child.stdin.as_mut().unwrap().write_all(b"f\n").unwrap();
            }
            told.push(line);
        }
        let told = told.join("\n");
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
        assert!(child.wait().unwrap().success(), "{told}\n{errors}");
        println!("{told}\n{errors}");
        assert!(told.contains("green: 2 of 2 cameras") && !told.contains("60 s are over"), "{told}");
        // It did not lie where that was said: the rig is solved all the same, and that is told.
        if told.contains("the board lies on the floor at") {
            assert!(errors.contains("The rig is solved without a floor"), "{errors}");
        } else {
            assert!(told.contains("no camera sees the board now"), "{told}");
        }
        assert_eq!(volte::rig::load(&folder.path().join("rig.toml")).unwrap().cameras.len(), 2);
    }
}
