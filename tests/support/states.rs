//! The states of a show in which the console is tested: idle, live, armed, on air, camera lost.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::Arc;

use volte::{
    engine::{
        CameraView, ElementView, FeedHealth, FeedStatus, GapScore, GapView, GpuView, Ladder, LevelView, LivePicture, MoveView, Notice,
        NoticeLevel, PathPoint, PathsView, PlaylistView, PreviewView, ProgramKind, ProgramView, Quality, RingStatus, RollView, Rung,
        SecondView, Shading, ShownPicture, Snapshot, Stand, Tally, TruthProgress, slate,
    },
    frame::Picture,
    output::program::{ChannelStatus, ProgramStatus, SinkState, SinkStatus},
    replay::{
        Event, EventColor, EventId, Phase, Readiness,
        path::{Path, Preset, PresetOptions},
        playlist::{ElementId, Towards, Transition},
        trim::Trim,
    },
    sound::SoundStatus,
    time::{FrameRate, MediaTime},
    view::{ViewMode, ViewReport},
};

/// A state by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Idle,
    Live,
    Armed,
    OnAir,
    CameraLost,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Idle, Self::Live, Self::Armed, Self::OnAir, Self::CameraLost];

    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Live => "live",
            Self::Armed => "armed",
            Self::OnAir => "on_air",
            Self::CameraLost => "camera_lost",
        }
    }
}

const MOVES: [&str; 11] = [
    "Orbit right",
    "Orbit left",
    "Bounce right",
    "Bounce left",
    "Whip right",
    "Whip left",
    "Hold",
    "Roll",
    "Freeze right",
    "Freeze left",
    "Travel",
];
const NOW_SECS: f64 = 3725.48;

/// A picture that differs per camera: a stage with an athlete that moves across.
pub fn picture(camera: usize) -> Picture {
    let (w, h) = (96_u32, 54_u32);
    let mut picture = Picture::filled(w, h, [42, 60, 84, 255]);
    let middle = 20 + 4 * (camera as i32 % 16);
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i as u32 % w) as i32, (i as u32 / w) as i32);
        if y > 36 {
            px[..3].copy_from_slice(&[96, 74, 58]);
        }
        let head = (x - middle).pow(2) + (y - 16).pow(2) < 16;
        let body = (x - middle).abs() < 4 && (20..40).contains(&y);
        if head || body {
            px[..3].copy_from_slice(&[226, 180, 60]);
        }
    }
    picture
}

fn event(id: u64, secs: f64, takes: u32) -> Event {
    let instant = MediaTime::from_secs_f64(secs);
    Event {
        id: EventId(id),
        name: format!("E{id:03}"),
        instant,
        begin: instant.plus_nanos(-3_000_000_000),
        end: instant.plus_nanos(1_000_000_000),
        guard_nanos: 5_000_000_000,
        takes,
        ..Event::default()
    }
}

fn playlist(state: State) -> PlaylistView {
    let template = "Wide, freeze, close".to_owned();
    if !matches!(state, State::Armed | State::OnAir) {
        return PlaylistView { template, ..PlaylistView::default() };
    }
    let element = |id: u64, what: &str, camera: &str, speed_percent: i32, transition: Transition, secs: f64| ElementView {
        id: ElementId(id),
        event: "E003".to_owned(),
        what: what.to_owned(),
        camera: camera.to_owned(),
        rolls: what == "Roll",
        speed_percent,
        ramp_percent: (what == "Roll").then_some(speed_percent),
        transition,
        hold: id == 3,
        secs,
        starts_secs: [0.0, 5.5, 9.0, 10.0][id as usize - 1],
        from: MediaTime::from_secs_f64(36_000.0 + id as f64),
        on_air: state == State::OnAir && id == 2,
    };
    PlaylistView {
        elements: vec![
            element(1, "Roll", "cam01", 50, Transition::Cut, 6.0),
            element(2, "Orbit right", "cam01", 50, Transition::Dissolve { secs: 0.5 }, 4.0),
            element(3, "Still", "cam12", 50, Transition::Wipe { secs: 0.5, towards: Towards::Left }, 2.0),
            element(4, "Roll", "cam12", 33, Transition::Stinger { secs: 1.2, number: 1 }, 3.0),
        ],
        total_secs: 14.5,
        elapsed_secs: (state == State::OnAir).then_some(7.3),
        holds: false,
        looped: false,
        template,
    }
}

/// A path of the operator on a quarter of a circle, with its points where the rig would have them.
fn paths(state: State) -> PathsView {
    let angle = |position: f64| std::f64::consts::FRAC_PI_2 * position / 11.0;
    let at = |position: f64, r: f64| [r * angle(position).cos(), r * angle(position).sin()];
    let cameras_m = (0..12).map(|k| at(f64::from(k), 6.0)).collect();
    if !matches!(state, State::Armed | State::OnAir) {
        return PathsView { cameras_m, ..PathsView::default() };
    }
    let options = PresetOptions { from: 3.0, to: 10.0, secs: 4.0, hold_secs: 0.5, ..PresetOptions::default() };
    let mut path = Path { name: "Round the net".to_owned(), ..Preset::FreezeOrbit.path(&options) };
    path.keys[2].zoom = 1.4;
    let eased = |t: f64| {
        let u = ((t - 0.5) / 3.0).clamp(0.0, 1.0);
        u * u * (3.0 - 2.0 * u)
    };
    let point = |k: i32| {
        let at_secs = 4.0 * f64::from(k) / 59.0;
        let position = 3.0 + 7.0 * eased(at_secs);
        PathPoint { at_secs, eye_m: at(position, 6.0), values: [position, 0.0, 1.0 + 0.4 * eased(at_secs), 0.0, 0.0, 0.0] }
    };
    PathsView {
        names: vec!["Round the net".to_owned(), "High bounce".to_owned()],
        chosen: Some(0),
        path: Some(path),
        points: (0..60).map(point).collect(),
        problem: None,
        cameras_m,
    }
}

/// An output with one sink that runs and one that was lost.
fn output() -> ProgramStatus {
    let sink = |name: &str, state| SinkStatus { name: name.to_owned(), state, bits_per_sec: 8_100_000, ..SinkStatus::default() };
    ProgramStatus {
        format: "1080p50".parse().unwrap(),
        channel: ChannelStatus { frames: 900, underruns: 22, latency_nanos: Some(117_000_000), ..ChannelStatus::default() },
        sinks: vec![sink("truck", SinkState::Running), sink("web", SinkState::Retrying)],
        sound: SoundStatus::default(),
    }
}

fn stand(state: State, camera: usize) -> Stand {
    match (state, camera) {
        (State::CameraLost, 8) => Stand::Bumped { shift_px: 6.4, needs_hand: false },
        (State::CameraLost, 7) => Stand::Solved { turned_deg: 0.31, moved_m: 0.004 },
        _ => Stand::Stands,
    }
}

/// The snapshot of a state; everything in it is fixed.
pub fn snapshot(state: State) -> Snapshot {
    let mut s = Snapshot::empty();
    if state == State::Idle {
        return s;
    }
    let n = 12;
    let now = MediaTime::from_secs_f64(NOW_SECS);
    s.now = now;
    s.rate = FrameRate::whole(50);
    s.phase = match state {
        State::Armed => Phase::Armed,
        State::OnAir => Phase::OnAir,
        _ => Phase::Live,
    };
    let lost = (state == State::CameraLost).then_some(4);
    s.cameras = (0..n)
        .map(|k| CameraView {
            ailments: Vec::new(),
            on_second: false,
            name: format!("cam{:02}", k + 1),
            tally: match (state, k) {
                (State::OnAir, 6) | (State::Armed, 3) => Tally::Preview,
                (State::CameraLost, 5) | (State::Live | State::Armed, 6) => Tally::Program,
                _ => Tally::Off,
            },
            status: FeedStatus {
                health: match k {
                    k if Some(k) == lost => FeedHealth::Lost,
                    9 => FeedHealth::Degraded,
                    _ => FeedHealth::Good,
                },
                note: if k == 9 { "network drops frames: check the switch port".to_owned() } else { String::new() },
                fps: if Some(k) == lost { 0.0 } else { 50.0 },
                received: 186_274,
                dropped: if k == 9 { 14 } else { 0 },
                late: u64::from(k == 9) * 3,
                offset_nanos: k as i64 * 300_000 - 1_500_000,
                newest: Some(now),
                ..FeedStatus::default()
            },
            stand: stand(state, k),
            exposure_stops: (k % 3 == 0).then_some([0.12, 0.1, 0.05]),
            plate_known: (k % 3 == 0).then_some(0.93),
            shading: (k == 3).then_some(Shading { rim_stops: [0.4, 0.2], curve: [0.08, 0.01], exposure: [0.12, 0.1, 0.05] }),
            trim: Trim::default(),
            live: Some(LivePicture { picture: Arc::new(picture(k)), time: now }),
        })
        .collect();
    let mut ladder = Ladder::new(&[6.0, 6.1, 6.0, 5.9, 6.2, 8.0, 14.5, 15.0, 9.0, 31.0, 6.0]);
    if state == State::OnAir {
        // All but two gaps measured; one is chosen by hand.
        ladder.choose(5, Some(Rung::SoftFade));
        let db = [28.4, 28.4, 27.9, 26.0, 26.0, 27.2, 23.1, 23.1, 25.3, 16.4, 0.0];
        let score = |k: usize| GapScore { db: db[k], soft_db: db[k] - 0.2, lead_db: 0.0, ssim: 0.9, filled_share: 0.01, worse_end: k + 1 };
        ladder.update(&(0..11).map(|k| (k > 0 && k < 10).then(|| score(k))).collect::<Vec<_>>());
        s.truth = TruthProgress { measured: 8, of: 10 };
    }
    let bridged = |k: usize| lost.is_some_and(|l| k == l || k + 1 == l);
    s.gaps = ladder.gaps().iter().enumerate().map(|(k, state)| GapView { state: *state, bridged: bridged(k) }).collect();
    s.ring = RingStatus {
        bytes: 1_240_000_000,
        budget_bytes: 2_147_483_648,
        pinned_bytes: 310_000_000,
        oldest: Some(MediaTime::from_secs_f64(NOW_SECS - 68.0)),
        newest: Some(MediaTime::from_secs_f64(NOW_SECS - 0.08)),
        budget_nanos: 120_000_000_000,
        ..RingStatus::default()
    };
    let first = Event {
        rating: 4,
        color: EventColor::Blue,
        notes: "Elbow, seen from behind".to_owned(),
        keywords: vec!["foul".to_owned(), "home".to_owned()],
        ..event(1, NOW_SECS - 55.2, 2)
    };
    let second = Event { color: EventColor::Amber, name: "Corner kick, first half".to_owned(), ..event(2, NOW_SECS - 31.0, 0) };
    s.events = [first, second, event(3, NOW_SECS - 7.4, 0)].into();
    s.can_undo_redo = (true, false);
    s.playlist = Arc::new(playlist(state));
    s.paths = Arc::new(paths(state));
    s.moves = MOVES.map(|name| MoveView { name: name.to_owned(), tooltip: "Travel along the arc".to_owned(), secs: 4.0 }).into();
    s.gpu = GpuView {
        adapter: "llvmpipe (LLVM 15.0.6, 256 bits)".to_owned(),
        program_ms: 11.2,
        preview_ms: 8.7,
        solve_ms: 412.0,
        ..GpuView::default()
    };
    s.level = LevelView { level: Quality::Air, chosen: None, why: "there is time for it".to_owned(), ..LevelView::default() };
    s.level.costs[Quality::Draft as usize].solve_secs_per_camera = Some(0.0031);
    s.level.costs[Quality::Air as usize].solve_secs_per_camera = Some(0.0342);
    s.position = 3.4;
    "NTP 10.0.0.1 ± 0.2 ms".clone_into(&mut s.house_clock);
    s.program = ProgramView {
        kind: if state == State::CameraLost { ProgramKind::Live(5) } else { ProgramKind::Live(6) },
        report: None,
        shown: ShownPicture { picture: Arc::new(slate(96, 54)), serial: 7 },
        shot: 1,
        shown_shot: 1,
        mixes: false,
        waits: false,
        keyed: None,
        slices: vec![],
        roll: None,
        repeated: 0,
        frames: 4100,
    };
    let prepared = PreviewView {
        event: Some(EventId(3)),
        instant: s.events[2].instant,
        position: 3.4,
        readiness: Readiness::RealCameras,
        progress: 0.62,
        problem: None,
        report: None,
        left_out: vec![],
        shown: Some(ShownPicture { picture: Arc::new(picture(3)), serial: 9 }),
        roll: None,
        path_share: None,
        pivot: None,
        frames: vec![],
    };
    match state {
        State::Armed => {
            s.preview = Some(prepared);
            s.can_take = true;
        }
        State::OnAir => {
            s.position = 6.3;
            s.can_take = true;
            s.preview = Some(PreviewView {
                event: Some(EventId(2)),
                instant: s.events[1].instant,
                position: 6.3,
                readiness: Readiness::Solved,
                progress: 1.0,
                report: Some(ViewReport { mode: ViewMode::Synthesis, synthesized_share: 0.31, ..ViewReport::default() }),
                left_out: vec![("cam05".to_owned(), "no honest frame".to_owned())],
                ..prepared
            });
            s.program.kind = ProgramKind::Replay { instant: s.events[2].instant, position: 5.6, progress: 0.48, solved: true };
            s.program.repeated = 2;
            s.output = Some(Arc::new(output()));
        }
        State::CameraLost => {
            let text = "cam05 delivers no pictures: program went to cam06. Check its cable and power".to_owned();
            s.notices = [Notice { id: 1, at: now.plus_nanos(-1_000_000_000), level: NoticeLevel::Warning, text }].into();
        }
        State::Idle | State::Live => {}
    }
    s
}

/// The same with a program B that rolls, beside A: what rolls is no live camera, so no tally of B is lit.
pub fn with_second(mut s: Snapshot) -> Snapshot {
    let instant = s.now.plus_nanos(-3_000_000_000);
    let kind = ProgramKind::Replay { instant, position: 2.0, progress: 0.4, solved: false };
    let roll = Some(RollView { instant, speed_percent: 50, between: None });
    let program = ProgramView { kind, roll, ..s.program.clone() };
    s.second = Some(SecondView { program, live_camera: 6, speed_percent: 50, transition: Transition::Cut, output: s.output.clone() });
    s
}

/// The same with a program B that is live where A is.
pub fn with_second_live(s: Snapshot) -> Snapshot {
    let mut s = with_second(s);
    if let Some(b) = &mut s.second {
        (b.program.kind, b.program.roll) = (ProgramKind::Live(6), None);
    }
    let mut cameras = s.cameras.to_vec();
    cameras[6].on_second = true;
    s.cameras = cameras.into();
    s
}
