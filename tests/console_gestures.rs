//! How many gestures the jobs of an operator take: a running engine behind the whole console, and every key, click and drag is counted. docs/operator.md
//! has the same numbers in a table, which is read here: neither can change alone.
#![cfg(feature = "console")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    cell::RefCell,
    path::Path,
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use volte::{
    console::{self, Arrangement, ConsoleState, Textures},
    control::{self, Key, KeyContext, Modifiers},
    engine::{Command, Engine, EngineOptions, Feeds, ProgramKind, Quality, Snapshot},
    replay::{Phase, Readiness},
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::FakeFeeds;

const SIZE: egui::Vec2 = egui::vec2(1280.0, 720.0);
/// The first pipelines on a software adapter take their time.
const LATER: Duration = Duration::from_mins(3);
/// Steps of the drawn console after a gesture, each a quarter of a second of its clock: the large button rests for 0.6 s.
const REST_STEPS: usize = 4;
/// What nobody may need more of, from mark to the orbit in preview, and from preview to air.
const MOST_TO_PREVIEW: usize = 3;
const MOST_TO_AIR: usize = 1;

/// One thing that a hand does.
#[derive(Debug, Clone, PartialEq)]
enum Gesture {
    Key(Key),
    /// A button, a row or a bar by its name: in its middle.
    Click(Role, String),
}

use Gesture::{Click, Key as Press};

fn button(name: &str) -> Gesture {
    Click(Role::Button, name.to_owned())
}

fn orbit_bar() -> Gesture {
    Click(Role::Slider, "Orbit position".to_owned())
}

/// Somebody at the console of a running show.
struct Operator {
    feeds: Arc<FakeFeeds>,
    engine: Arc<Engine>,
    harness: Harness<'static>,
    state: Rc<RefCell<ConsoleState>>,
}

impl Operator {
    fn at(arrangement: Arrangement) -> Self {
        let feeds = Arc::new(FakeFeeds::new(4));
        let options = EngineOptions { quality: Some(Quality::Draft), ..EngineOptions::default() };
        let engine = Arc::new(Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap());
        let state = Rc::new(RefCell::new(ConsoleState::default()));
        state.borrow_mut().arrangement = arrangement;
        let (behind, drawn) = (Arc::clone(&engine), Rc::clone(&state));
        let harness = Harness::builder().with_size(SIZE).with_step_dt(0.25).with_context_setup(console::apply_style).build_ui(move |ui| {
            let s = behind.snapshot();
            let textures = Textures { cameras: vec![None; s.cameras.len()], ..Textures::default() };
            let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, SIZE);
            ui.scope_builder(egui::UiBuilder::new().max_rect(whole), |ui| {
                for command in console::show(ui, &s, &textures, &mut drawn.borrow_mut()) {
                    assert!(behind.send(command));
                }
            });
        });
        let mut operator = Self { feeds, engine, harness, state };
        operator.until("a GPU and live cameras", |s| !s.gpu.adapter.is_empty() && s.cameras.iter().all(|c| c.live.is_some()));
        operator
    }

    /// Time goes on and the console is drawn until something is so.
    fn until(&mut self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let begun = Instant::now();
        loop {
            self.feeds.advance_frames(1);
            self.harness.run_steps(1);
            let s = self.engine.snapshot();
            if wanted(&s) {
                return s;
            }
            let preview = s.preview.as_ref().map(|p| (p.instant, p.position, p.readiness));
            assert!(begun.elapsed() < LATER, "{what} is not so: {:?} {preview:?} {:?} {:?}", s.phase, s.program.kind, s.notices);
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What was asked for has been done, solved and drawn.
    fn settle(&mut self) -> Arc<Snapshot> {
        let frames = self.engine.snapshot().program.frames;
        self.until("rest", |s| {
            let solved = s.preview.as_ref().is_none_or(|p| p.readiness == Readiness::Solved && p.shown.is_some());
            s.program.frames > frames + 2 && solved
        });
        for _ in 0..REST_STEPS {
            self.harness.run_steps(1);
        }
        self.engine.snapshot()
    }

    fn does(&mut self, gesture: &Gesture) {
        match gesture {
            // As the window does it.
            Press(key) => {
                assert!(!self.harness.ctx.text_edit_focused(), "{gesture:?} would be typed into a field");
                let top = self.state.borrow().top().filter(|_| *key == Key::Escape);
                let context = KeyContext::of(&self.engine.snapshot());
                let command = top.or_else(|| control::command_for(*key, Modifiers::default(), &context));
                let command = command.unwrap_or_else(|| panic!("{gesture:?} does nothing"));
                if ConsoleState::owns(&command) {
                    self.state.borrow_mut().obey(&command);
                } else {
                    assert!(self.engine.send(command));
                }
            }
            Click(role, name) => self.harness.get_by_role_and_label(*role, name).click(),
        }
        // What was let go of is seen with the next picture.
        self.harness.run_steps(2);
    }

    /// Does one gesture after the other: only the last one reaches the goal, so that none of them was needless. How many they were.
    fn counted(&mut self, job: &str, way: &[Gesture], goal: impl Fn(&Snapshot) -> bool) -> Result<usize, String> {
        for (k, gesture) in way.iter().enumerate() {
            let s = self.settle();
            if goal(&s) {
                return Err(format!("{job}: done after {k} of {way:?}"));
            }
            self.does(gesture);
        }
        self.until(&format!("{job} after {way:?}"), goal);
        Ok(way.len())
    }
}

/// Preview shows an instant from between two cameras: the orbit, and no camera's own picture.
fn orbits_in_preview(s: &Snapshot, instant: Option<MediaTime>) -> bool {
    s.preview.as_ref().is_some_and(|p| {
        let between = (p.position - p.position.round()).abs() > 0.1 && p.report.as_ref().is_some_and(|r| r.sources.len() > 1);
        between && p.readiness == Readiness::Solved && p.shown.is_some() && instant.is_none_or(|at| p.instant == at)
    })
}

/// The orbit is on air: time stands, and the place moves.
fn orbits_on_air(s: &Snapshot, at: MediaTime, from: f64) -> bool {
    matches!(s.program.kind, ProgramKind::Replay { instant, position, .. } if instant == at && (position - from).abs() > 0.2)
}

/// The jobs of the table in docs/operator.md, in its order.
const JOBS: [&str; 3] =
    ["from live to the orbit of a new mark in preview", "from preview to air", "from live to the orbit of the event before the last"];

/// The number that the table of docs/operator.md gives a job in a column.
fn documented(job: &str, column: usize) -> usize {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operator.md")).unwrap();
    let row = page.lines().find(|l| l.starts_with(&format!("| {job} |"))).unwrap_or_else(|| panic!("docs/operator.md has no row {job:?}"));
    let cell = row.split('|').map(str::trim).nth(2 + column).unwrap();
    cell.split(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{cell:?} begins with no number"))
}

/// What each job takes in one column of the table.
fn a_show(column: usize, arrangement: Arrangement, [mark, take, back]: [&[Gesture]; 3]) {
    let mut operator = Operator::at(arrangement);
    let mut counts = [0; 3];
    counts[0] = operator.counted(JOBS[0], mark, |s| s.phase == Phase::Armed && s.events.len() == 1 && orbits_in_preview(s, None)).unwrap();
    let s = operator.settle();
    let (at, from) = s.preview.as_ref().map(|p| (p.instant, p.position)).unwrap();
    assert_eq!(at, s.events[0].instant);
    counts[1] = operator.counted(JOBS[1], take, |s| orbits_on_air(s, at, from)).unwrap();
    // A later event, and all is put away.
    for command in [Command::Return, Command::Return, Command::Mark] {
        assert!(operator.engine.send(command));
    }
    operator.until("a second event", |s| s.events.len() == 2 && s.phase == Phase::Armed && s.events[1].instant > at);
    // Where the replay was left hangs on when RETURN came: the way back begins at a camera's own picture.
    assert!(operator.engine.send(Command::SetOrbit(1.0)));
    operator.until("a camera's own picture", |s| s.preview.as_ref().is_some_and(|p| (p.position - 1.0).abs() < 1e-9));
    assert!(operator.engine.send(Command::Return));
    operator.until("live again", |s| s.phase == Phase::Live && s.preview.is_none());
    operator.state.borrow_mut().arrangement = arrangement;
    counts[2] = operator.counted(JOBS[2], back, |s| orbits_in_preview(s, Some(at))).unwrap();
    assert_eq!(counts, [0, 1, 2].map(|k| documented(JOBS[k], column)), "docs/operator.md has other numbers");
    assert!(counts[0] <= MOST_TO_PREVIEW && counts[1] == MOST_TO_AIR && counts[2] <= MOST_TO_PREVIEW, "{counts:?}");
}

#[test]
fn by_keyboard_the_orbit_is_two_keys_away_and_one_more_from_air() {
    let keys = |keys: &[Key]| keys.iter().copied().map(Press).collect::<Vec<_>>();
    let [mark, take, back] = [keys(&[Key::Space, Key::Right]), keys(&[Key::Enter]), keys(&[Key::PageUp, Key::PageUp, Key::Right])];
    a_show(0, Arrangement::Whole, [&mark, &take, &back]);
}

#[test]
fn by_mouse_the_orbit_is_two_clicks_away_and_one_more_from_air() {
    a_show(1, Arrangement::Whole, [&[button("MARK"), orbit_bar()], &[button("TAKE")], &[button("Event E001"), orbit_bar()]]);
}

#[test]
fn in_the_simple_console_the_orbit_is_two_clicks_away_and_one_more_from_air() {
    a_show(
        2,
        Arrangement::Simple,
        [
            &[button("MARK: Freeze what has just happened"), orbit_bar()],
            &[button("TAKE: Put the turn on air")],
            &[button("WHOLE CONSOLE"), button("Event E001"), orbit_bar()],
        ],
    );
}

/// The count can fail: what is done already counts as needless. A way that is too short never reaches its goal, as the ways above show before their last gesture.
#[test]
fn a_needless_gesture_is_seen() {
    let mut operator = Operator::at(Arrangement::Whole);
    let goal = |s: &Snapshot| s.phase == Phase::Armed && orbits_in_preview(s, None);
    assert_eq!(operator.counted("orbit", &[Press(Key::Space), Press(Key::Right)], goal), Ok(2));
    assert_eq!(operator.counted("orbit", &[Press(Key::Right)], goal), Err("orbit: done after 0 of [Key(Right)]".to_owned()));
}
