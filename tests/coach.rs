//! A board before live feeds: the coach looks on, says what is missing, and a rig comes of what it saw; the same as a command.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
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
    frame::{Moment, Picture},
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

/// The board as a camera without distortion sees it before a gray wall, 16 samples per pixel.
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
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for y in 0..h {
        for x in 0..w {
            let sample =
                |i: u32| DVec2::new(f64::from(x) + f64::from(i % 4) * 0.25 + 0.125, f64::from(y) + f64::from(i / 4) * 0.25 + 0.125);
            let v = ((0..16).map(|i| value_at(sample(i))).sum::<f64>() / 16.0).round() as u8;
            rgba.extend([v, v, v, 255]);
        }
    }
    Picture::from_rgba(w, h, rgba).unwrap()
}

/// Feeds on which somebody carries the board; time moves when it is told to.
struct BoardFeeds {
    rig: Rig,
    board: Board,
    now_nanos: AtomicI64,
    /// The board stays in one place for so long.
    held_nanos: i64,
    /// The camera whose picture is mirrored.
    mirrored: Option<usize>,
    /// Camera 1 sends smaller pictures from now on.
    is_smaller: AtomicBool,
    drawn: Mutex<BTreeMap<(usize, i64), Arc<Picture>>>,
}

impl BoardFeeds {
    fn new(held_nanos: i64, mirrored: Option<usize>) -> Self {
        let board = Board::parse(BOARD).unwrap();
        let now_nanos = AtomicI64::new(1_000_000_000);
        Self { rig: rig(640, 360), board, now_nanos, held_nanos, mirrored, is_smaller: AtomicBool::new(false), drawn: Mutex::default() }
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
        vec![FeedStatus { health: FeedHealth::Good, ..FeedStatus::default() }; self.rig.cameras.len()]
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
            let picture = Arc::new(drawn(&self.board, &rig(320, 180).cameras[camera], &pose(&self.rig, &self.board, k)));
            return Some(LivePicture { picture, time: instant });
        }
        let known = self.drawn.lock().get(&(camera, k)).cloned();
        let picture = known.unwrap_or_else(|| {
            let mut picture = drawn(&self.board, &self.rig.cameras[camera], &pose(&self.rig, &self.board, k));
            if self.mirrored == Some(camera) {
                let row = picture.width() as usize * 4;
                picture.rgba_mut().chunks_exact_mut(row).for_each(|row| {
                    let flipped: Vec<u8> = row.chunks_exact(4).rev().flatten().copied().collect();
                    row.copy_from_slice(&flipped);
                });
            }
            let picture = Arc::new(picture);
            self.drawn.lock().insert((camera, k), Arc::clone(&picture));
            picture
        });
        // Frames come as they come: a little beside the instant.
        Some(LivePicture { picture, time: instant.plus_nanos(3_000_000 * camera as i64) })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, _instant: MediaTime) -> Result<Moment, String> {
        Err("nobody asks for moments here".to_owned())
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
        let (is, was) = (apart(&c.rig, i, j), apart(&feeds.rig, i, j));
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
    let mut looks_at = looks(&moving, Some(moving.rig.clone()));
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
    assert_eq!(looks_at.coach().advice(), Advice::Mirror { camera: feeds.rig.cameras[2].name.clone() });
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
    assert!(told.starts_with(&feeds.rig.cameras[1].name) && told.contains("320 × 180") && told.contains("640 × 360"), "{told}");
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

    fn started(folder: &Path, live: &[String]) -> Child {
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
        let mut child = started(folder.path(), &live);
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
        let mut child = started(folder.path(), &live);
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
}
