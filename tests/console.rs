//! The console's panels: what they look like in each state, and what a click asks for.
//!
//! Pictures are compared with the goldens of `tests/snapshots`, made by the software adapter. To accept a change:
//! `UPDATE_SNAPSHOTS=true cargo test --release --test console`, then look at what changed.
#![cfg(feature = "console")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{cell::RefCell, rc::Rc, sync::Arc};

use egui_kittest::{Harness, SnapshotOptions, kittest::Queryable as _};
use volte::{
    console::{
        self, Arrangement, ConsoleState, FaderView, Language, Layout, Panel, PictureTexture, SurfaceRow, SurfaceView, SurfaceWish, Textures,
    },
    engine::{
        CalibrateOrder, CalibrationStage, CalibrationView, Command, CommandKind, DiskState, DiskTier, FreeView, GraphicsView, Light,
        LockView, OperatorView, OperatorsView, PivotView, Quality, RollView, Slice, SlicesView, Snapshot,
    },
    frame::Picture,
    replay::{
        Event, EventColor, EventEdit, EventId,
        graphics::{Graphic, GraphicEdit, GraphicKind, GraphicList},
        operators::{Holder, LockChannel, LockOrder, OperatorName},
        path::{Easing, PathChannel, PathEdit, Preset},
        playlist::{ElementId, PlaylistEdit, Transition},
    },
};

mod support {
    pub mod calibration;
    pub mod states;
}
use support::{
    calibration,
    states::{State, picture, snapshot, with_second},
};

/// Strict enough that a moved line or a changed word fails, loose enough for the last bit of another driver's filter.
fn options() -> SnapshotOptions {
    SnapshotOptions::new().threshold(1.2).max_failed_pixels(16_usize)
}

/// What the drawn interface asked for, and what keeps its pictures alive.
#[derive(Default)]
struct Desk {
    commands: Vec<Command>,
    state: ConsoleState,
    handles: Vec<egui::TextureHandle>,
}

fn upload(ctx: &egui::Context, desk: &mut Desk, name: &str, picture: &Picture) -> PictureTexture {
    let size = [picture.width() as usize, picture.height() as usize];
    let image = egui::ColorImage::from_rgba_unmultiplied(size, picture.rgba());
    let handle = ctx.load_texture(name, image, egui::TextureOptions::LINEAR);
    let id = handle.id();
    desk.handles.push(handle);
    PictureTexture { id, size_px: [picture.width(), picture.height()] }
}

fn textures(ctx: &egui::Context, desk: &mut Desk, s: &Snapshot) -> Textures {
    let cameras: Vec<_> = (0..s.cameras.len()).map(|k| Some(upload(ctx, desk, &format!("camera {k}"), &picture(k)))).collect();
    let preview = s.preview.as_ref().map(|p| upload(ctx, desk, "preview", &picture(p.position as usize)));
    let program = (!s.cameras.is_empty()).then(|| upload(ctx, desk, "program", &picture(6)));
    // The prepared instant is another picture than the live one.
    let frozen = (0..s.cameras.len()).map(|k| Some(upload(ctx, desk, &format!("frozen {k}"), &picture(k + 4)))).collect();
    let second = s.second.as_ref().map(|_| upload(ctx, desk, "program B", &picture(2)));
    Textures { cameras, frozen, preview, program, second }
}

/// A harness that draws one panel (or all of them) of a state.
fn harness(s: Snapshot, panel: Option<Panel>, size: egui::Vec2) -> (Harness<'static>, Rc<RefCell<Desk>>) {
    let desk = Rc::new(RefCell::new(Desk::default()));
    let drawn = Rc::clone(&desk);
    let mut made: Option<Textures> = None;
    let harness =
        Harness::builder().with_size(size).with_pixels_per_point(1.0).with_context_setup(console::apply_style).wgpu().build_ui(move |ui| {
            let mut desk = drawn.borrow_mut();
            if made.is_none() {
                made = Some(textures(ui.ctx(), &mut desk, &s));
            }
            let textures = made.as_ref().unwrap();
            let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
            ui.scope_builder(egui::UiBuilder::new().max_rect(whole), |ui| {
                let Desk { commands, state, .. } = &mut *desk;
                match panel {
                    Some(panel) => panel.show(ui, &s, textures, state, commands),
                    None => commands.extend(console::show(ui, &s, textures, state)),
                }
            });
        });
    (harness, desk)
}

/// The size that a panel has in a window of 1280×720.
fn size_of(panel: Panel, s: &Snapshot) -> egui::Vec2 {
    let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 720.0));
    Layout::of(whole, s.cameras.len()).rect(panel).size().round()
}

fn golden_of_every_state(panel: Panel) {
    let mut results = egui_kittest::SnapshotResults::new();
    for state in State::ALL {
        let s = snapshot(state);
        let size = size_of(panel, &snapshot(State::Live));
        let (mut harness, _desk) = harness(s, Some(panel), size);
        harness.run_steps(3);
        let name = format!("{panel:?}_{}", state.name()).to_lowercase();
        results.add(harness.try_snapshot_options(name, &options()));
    }
    results.unwrap();
}

/// Takes what is at the first point along the others and lets it go at the last.
fn drag_along(harness: &mut Harness<'static>, points: &[egui::Pos2]) {
    for (k, at) in points.iter().enumerate() {
        if k == 0 {
            harness.drag_at(*at);
        } else {
            harness.hover_at(*at);
        }
        harness.run_steps(1);
    }
    harness.drop_at(points[points.len() - 1]);
    harness.run_steps(1);
}

macro_rules! goldens {
    ($($name:ident $panel:ident),+ $(,)?) => {
        mod looks {
            use super::*;
            $(#[test] fn $name() { golden_of_every_state(Panel::$panel); })+
        }
    };
}
goldens!(
    header Header, preview Preview, t_bar TBar, program Program, orbit_bar OrbitBar, transport Transport, jog Jog, multiview Multiview,
    timeline Timeline, events Events, playlist Playlist, cameras Cameras, budgets Budgets, status Status,
);

#[test]
fn the_whole_console_in_every_state() {
    let mut results = egui_kittest::SnapshotResults::new();
    for state in State::ALL {
        let (mut harness, _desk) = harness(snapshot(state), None, egui::vec2(1280.0, 720.0));
        harness.run_steps(3);
        results.add(harness.try_snapshot_options(format!("console_{}", state.name()), &options()));
    }
    results.unwrap();
}

#[test]
fn the_comparison_can_fail() {
    // Another state against the golden of `live`: the same panel, one word and one colour differ.
    let folder = tempfile::tempdir().unwrap();
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/header_live.png");
    std::fs::copy(&golden, folder.path().join("header_live.png")).expect("the golden of the header exists");
    let s = snapshot(State::Armed);
    let size = size_of(Panel::Header, &s);
    let (mut harness, _desk) = harness(s, Some(Panel::Header), size);
    harness.run_steps(3);
    // Not through the harness: UPDATE_SNAPSHOTS must not make this pass by rewriting the copy.
    let drawn = harness.render().unwrap();
    let golden = image::open(&golden).unwrap().into_rgba8();
    assert_eq!(drawn.dimensions(), golden.dimensions());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_none() {
        let options = options().output_path(folder.path());
        let result = egui_kittest::try_image_snapshot_options(&drawn, "header_live", &options);
        assert!(result.is_err(), "another state passed as `live`");
        let same = egui_kittest::try_image_snapshot_options(&golden, "header_live", &options);
        assert!(same.is_ok(), "the golden differs from itself");
    }
    let differing = drawn.pixels().zip(golden.pixels()).filter(|(a, b)| a != b).count();
    assert!(differing > 500, "only {differing} pixels differ");
}

/// Clicks a label and returns what was asked for.
fn click(state: State, panel: Panel, label: &str) -> Vec<Command> {
    let s = snapshot(state);
    let size = size_of(panel, &snapshot(State::Live));
    let (mut harness, desk) = harness(s, Some(panel), size);
    harness.run_steps(2);
    harness.get_by_label(label).click();
    harness.run_steps(2);
    desk.take().commands
}

#[test]
fn transport_buttons_ask_for_their_commands() {
    assert_eq!(click(State::Live, Panel::Transport, "MARK"), [Command::Mark]);
    assert_eq!(click(State::Armed, Panel::Transport, "TAKE"), [Command::Take]);
    assert_eq!(click(State::OnAir, Panel::Transport, "RETURN"), [Command::Return]);
    assert_eq!(click(State::Live, Panel::Transport, "Bounce left"), [Command::SelectMove(3)]);
    assert_eq!(click(State::Armed, Panel::Transport, "EXPORT"), [Command::Export]);
}

/// The simple console of a state, drawn twice.
fn simple(state: State) -> (Harness<'static>, Rc<RefCell<Desk>>) {
    let (mut harness, desk) = harness(snapshot(state), None, egui::vec2(1280.0, 720.0));
    desk.borrow_mut().state.obey(&Command::SimpleLayout);
    harness.run_steps(3);
    (harness, desk)
}

#[test]
fn the_simple_console_does_the_next_step_with_one_button() {
    for (state, label, asked) in [
        (State::Live, "MARK: Freeze what has just happened", Command::Mark),
        (State::Armed, "TAKE: Put the turn on air", Command::Take),
        (State::OnAir, "RETURN: Back to the live camera", Command::Return),
    ] {
        let (mut harness, desk) = simple(state);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        assert_eq!(desk.take().commands, [asked], "{state:?}");
    }
    // Without a camera there is nothing to mark.
    let (mut harness, desk) = simple(State::Idle);
    harness.get_by_label("MARK: Freeze what has just happened").click();
    harness.run_steps(2);
    assert_eq!(desk.take().commands, []);
    // Beside it: what is prepared is put away, the turn is changed, and the whole console comes back.
    let (mut harness, desk) = simple(State::Armed);
    assert!(harness.query_by_label("Timeline").is_none(), "the timeline is of the whole console");
    for label in ["RETURN", "Which turn: Orbit right"] {
        harness.get_by_label(label).click();
        harness.run_steps(2);
    }
    assert_eq!(desk.borrow_mut().commands.split_off(0), [Command::Return, Command::NextMove]);
    harness.get_by_label("WHOLE CONSOLE").click();
    harness.run_steps(2);
    harness.get_by_label("Timeline");
    assert_eq!(desk.borrow().commands, [], "the window does that itself");
    // What is typed into a panel that is not there brings it back.
    for command in [Command::Search, Command::Rename, Command::SaveTemplate(String::new())] {
        desk.borrow_mut().state.arrangement = Arrangement::Simple;
        desk.borrow_mut().state.obey(&command);
        assert_eq!(desk.borrow().state.arrangement, Arrangement::Whole, "{command:?}");
    }
    let mut results = egui_kittest::SnapshotResults::new();
    let (mut harness, _desk) = simple(State::Armed);
    results.add(harness.try_snapshot_options("console_simple", &options()));
    results.unwrap();
}

/// The phase changes under a finger that taps twice: the second tap does nothing.
#[test]
fn a_second_tap_on_the_one_button_never_takes_what_nobody_has_looked_at() {
    let shown = Rc::new(RefCell::new(snapshot(State::Live)));
    let desk = Rc::new(RefCell::new(Desk::default()));
    let (drawn, told) = (Rc::clone(&shown), Rc::clone(&desk));
    let mut harness =
        Harness::builder().with_size(egui::vec2(1280.0, 200.0)).with_step_dt(0.05).with_context_setup(console::apply_style).build_ui(
            move |ui| {
                let Desk { commands, state, .. } = &mut *told.borrow_mut();
                Panel::NextStep.show(ui, &drawn.borrow(), &Textures::default(), state, commands);
            },
        );
    harness.run_steps(2);
    harness.get_by_label("MARK: Freeze what has just happened").click();
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().commands.split_off(0), [Command::Mark]);
    *shown.borrow_mut() = snapshot(State::Armed);
    harness.run_steps(1);
    harness.get_by_label("TAKE: Put the turn on air").click();
    harness.run_steps(2);
    assert_eq!(desk.borrow().commands, [], "taken within a tenth of a second");
    harness.run_steps(20);
    harness.get_by_label("TAKE: Put the turn on air").click();
    harness.run_steps(2);
    assert_eq!(desk.borrow().commands, [Command::Take]);
}

#[test]
fn what_cannot_be_done_asks_for_nothing() {
    assert_eq!(click(State::Live, Panel::Transport, "TAKE"), []);
    assert_eq!(click(State::Live, Panel::Transport, "RETURN"), []);
    assert_eq!(click(State::Idle, Panel::Transport, "MARK"), []);
    // The event on air cannot be removed; the others can.
    assert_eq!(click(State::OnAir, Panel::Events, "Remove E003"), []);
    assert_eq!(click(State::OnAir, Panel::Events, "Remove Corner kick, first half"), [Command::RemoveEvent(EventId(2))]);
}

#[test]
fn lists_and_pictures_can_be_clicked() {
    assert_eq!(click(State::Live, Panel::Events, "Event Corner kick, first half"), [Command::SelectEvent(EventId(2))]);
    assert_eq!(click(State::Live, Panel::Multiview, "Camera 3 cam03"), [Command::SelectCamera(2)]);
    assert_eq!(click(State::CameraLost, Panel::Cameras, "Health of cam05: LOST"), [Command::SelectCamera(4)]);
    assert_eq!(click(State::CameraLost, Panel::Cameras, "Health of cam09: BUMPED"), [Command::SelectCamera(8)]);
    assert_eq!(click(State::Live, Panel::Jog, "-10"), [Command::JogFrames(-10)]);
    assert_eq!(click(State::Live, Panel::Header, "Hero"), [Command::SetQuality(Some(Quality::Hero))]);
    assert_eq!(click(State::Live, Panel::Header, "Keys"), [Command::ShowKeys]);
    // In the middle of the timeline, on a whole frame of the ring.
    let asked = click(State::Live, Panel::Timeline, "Timeline");
    let [Command::JogTo(at)] = asked[..] else { panic!("{asked:?}") };
    let s = snapshot(State::Live);
    let newest = s.ring.newest.unwrap();
    assert_eq!((newest - at) % s.rate.interval_nanos(), 0);
    assert!(at > s.ring.oldest.unwrap() && at < newest);
}

#[test]
fn the_disk_is_shown_when_there_is_recording() {
    for (state, label) in [
        (DiskState::Recording, "On disk 4.00 GB of 8.00 GB   25 min left"),
        (DiskState::Paused, "On disk 4.00 GB of 8.00 GB   paused"),
        (DiskState::Failed, "On disk not recorded"),
    ] {
        let mut s = snapshot(State::Live);
        s.ring.disk = DiskTier { state, bytes: 4_000_000_000, budget_bytes: 8_000_000_000, oldest: None, secs_left: Some(1500.0) };
        let size = size_of(Panel::Budgets, &s);
        let (mut harness, _desk) = harness(s, Some(Panel::Budgets), size);
        harness.run_steps(2);
        harness.get_by_label(label);
    }
    let s = snapshot(State::Live);
    let size = size_of(Panel::Budgets, &s);
    let (mut harness, _desk) = harness(s, Some(Panel::Budgets), size);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("On disk").is_none());
}

#[test]
fn old_events_stand_beside_the_ring_and_can_be_chosen() {
    let mut s = snapshot(State::Live);
    let mut old = s.events[0].clone();
    old.instant = s.ring.oldest.unwrap().plus_nanos(-3_600_000_000_000);
    (old.begin, old.end) = (old.instant, old.instant);
    let names: Vec<String> = (0..30).map(|k| format!("K{k:02}")).collect();
    let kept = names.iter().enumerate().map(|(k, name)| Event { id: EventId(100 + k as u64), name: name.clone(), ..old.clone() });
    s.events = kept.chain(s.events.iter().cloned()).collect::<Vec<_>>().into();
    let size = size_of(Panel::Timeline, &s);
    let (mut harness, desk) = harness(s.clone(), Some(Panel::Timeline), size);
    harness.run_steps(2);
    harness.get_by_label("Kept K29").click();
    harness.run_steps(2);
    assert_eq!(desk.borrow().commands, [Command::SelectEvent(EventId(129))]);
    assert!(harness.query_by_label("Kept K00").is_none(), "as many as have room");
    // The lane still is the ring: its middle is half of the ring ago, not half an hour.
    harness.get_by_label("Timeline").click();
    harness.run_steps(2);
    let asked = desk.borrow().commands.clone();
    let Some(Command::JogTo(at)) = asked.last() else { panic!("{asked:?}") };
    let middle = s.ring.oldest.unwrap().plus_nanos((s.now - s.ring.oldest.unwrap()) / 2);
    assert!(at.distance_nanos(middle) < 1_000_000_000, "{at} {middle}");
}

#[test]
fn the_ladder_and_the_truth_are_at_hand() {
    assert_eq!(click(State::Armed, Panel::OrbitBar, "Heat"), [Command::ToggleHeatMap]);
    assert_eq!(click(State::Armed, Panel::OrbitBar, "Real pixels"), [Command::ToggleRealPixels]);
    assert_eq!(click(State::Armed, Panel::OrbitBar, "Ladder"), [Command::NextRung]);
    let mut results = egui_kittest::SnapshotResults::new();
    for (name, real_pixels_only, truth) in [("heat", false, "Truth 23.1 dB   soft fade"), ("real_pixels", true, "Truth real pixels")] {
        let mut s = snapshot(State::OnAir);
        s.heat_map = !real_pixels_only;
        s.real_pixels_only = real_pixels_only;
        for panel in [Panel::Preview, Panel::OrbitBar] {
            let size = size_of(panel, &s);
            let (mut harness, _desk) = harness(s.clone(), Some(panel), size);
            harness.run_steps(3);
            if panel == Panel::Preview {
                harness.get_by_label(truth);
            }
            results.add(harness.try_snapshot_options(format!("{panel:?}_{name}").to_lowercase(), &options()));
        }
    }
    results.unwrap();
}

#[test]
fn ranges_are_marked_and_edits_taken_back() {
    assert_eq!(click(State::Live, Panel::Transport, "IN"), [Command::MarkIn]);
    assert_eq!(click(State::Live, Panel::Transport, "OUT"), [Command::MarkOut]);
    assert_eq!(click(State::Live, Panel::Transport, "LAST 5 S"), [Command::LastFive]);
    assert_eq!(click(State::Live, Panel::Transport, "LAST 10 S"), [Command::LastTen]);
    assert_eq!(click(State::Idle, Panel::Transport, "IN"), []);
    assert_eq!(click(State::Live, Panel::Events, "Undo"), [Command::Undo]);
    assert_eq!(click(State::Live, Panel::Events, "Redo"), [], "nothing was taken back");
}

#[test]
fn preview_plays_and_program_rolls_on() {
    assert_eq!(click(State::Armed, Panel::Jog, "PLAY"), [Command::Play]);
    assert_eq!(click(State::Live, Panel::Jog, "PLAY"), [], "nothing is prepared");
    assert_eq!(click(State::Armed, Panel::Jog, "-"), [Command::StepSpeed(-1)]);
    assert_eq!(click(State::Armed, Panel::Jog, "50 %"), [Command::SetSpeed(-50)]);
    assert_eq!(click(State::OnAir, Panel::Jog, "ROLL ON"), [Command::RollOn]);
    assert_eq!(click(State::Armed, Panel::Jog, "ROLL ON"), [], "nothing is on air");
    let mut results = egui_kittest::SnapshotResults::new();
    let mut s = snapshot(State::OnAir);
    let at = s.events[2].begin;
    s.program.roll = Some(RollView { instant: at, speed_percent: 50, between: None });
    s.preview.as_mut().unwrap().roll = Some(RollView { instant: at, speed_percent: -200, between: None });
    for panel in [Panel::Preview, Panel::Program, Panel::Jog] {
        let (mut harness, _desk) = harness(s.clone(), Some(panel), size_of(panel, &s));
        harness.run_steps(3);
        results.add(harness.try_snapshot_options(format!("{panel:?}_rolling").to_lowercase(), &options()));
    }
    results.unwrap();
}

#[test]
fn the_palette_finds_and_runs_commands() {
    let (mut harness, desk) = harness(snapshot(State::Armed), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    desk.borrow_mut().state.obey(&Command::Palette);
    harness.run_steps(2);
    harness.snapshot_options("console_palette", &options());
    harness.get_by_label("Find a command").type_text("last 10");
    harness.run_steps(2);
    harness.get_by_label("Run LAST 10 S");
    assert!(harness.query_by_label("Run TAKE").is_none() && desk.borrow().commands.is_empty());
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().commands.drain(..).collect::<Vec<_>>(), [Command::LastTen]);
    assert!(harness.query_by_label("Command palette").is_none(), "it is put away");
    // A click runs the row; the event is the prepared one.
    desk.borrow_mut().state.obey(&Command::Palette);
    harness.run_steps(2);
    harness.get_by_label("Find a command").type_text("forget");
    harness.run_steps(2);
    harness.get_by_label("Run Remove").click();
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().commands.drain(..).collect::<Vec<_>>(), [Command::RemoveEvent(EventId(3))]);
    // Escape leaves.
    desk.borrow_mut().state.obey(&Command::Palette);
    harness.run_steps(2);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert!(desk.borrow().commands.is_empty() && harness.query_by_label("Command palette").is_none());
}

#[test]
fn the_playlist_is_made_ordered_and_played() {
    let edit = |edit| [Command::EditPlaylist(edit)];
    assert_eq!(click(State::Armed, Panel::Playlist, "ADD"), [Command::AddElement]);
    assert_eq!(click(State::Live, Panel::Playlist, "ADD"), [], "nothing is prepared");
    assert_eq!(click(State::Armed, Panel::Playlist, "TEMPLATE"), [Command::ApplyTemplate]);
    assert_eq!(click(State::Armed, Panel::Playlist, "PLAY LIST"), [Command::PlayList]);
    assert_eq!(click(State::Live, Panel::Playlist, "PLAY LIST"), [], "it is empty");
    assert_eq!(click(State::OnAir, Panel::Playlist, "NEXT"), [Command::NextElement]);
    assert_eq!(click(State::Armed, Panel::Playlist, "NEXT"), [], "it is not on air");
    assert_eq!(click(State::Armed, Panel::Playlist, "LOOP"), edit(PlaylistEdit::Loop(true)));
    assert_eq!(click(State::Armed, Panel::Playlist, "SAVE"), [Command::SaveTemplate(String::new())], "the window asks for its name");
    assert_eq!(click(State::Live, Panel::Playlist, "SAVE"), [], "it is empty");
    assert_eq!(click(State::Armed, Panel::Playlist, "Take out 1"), edit(PlaylistEdit::Remove(ElementId(1))));
    // The chosen element's controls.
    let s = snapshot(State::Armed);
    let size = egui::vec2(360.0, 220.0);
    let (mut harness, desk) = harness(s, Some(Panel::Playlist), size);
    harness.run_steps(2);
    harness.get_by_label("Element 2 E003 Orbit right").click();
    harness.run_steps(2);
    harness.snapshot_options("playlist_controls", &options());
    let mut asked = |label: &str| {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        desk.borrow_mut().commands.drain(..).collect::<Vec<_>>()
    };
    assert_eq!(asked("Dissolve 0.5"), edit(PlaylistEdit::Transition(ElementId(2), Transition::Dissolve { secs: 1.0 })));
    assert_eq!(asked("Hold"), edit(PlaylistEdit::Hold(ElementId(2), true)));
    assert_eq!(asked("Earlier"), edit(PlaylistEdit::Place(ElementId(2), 0)));
    assert_eq!(asked("Later"), edit(PlaylistEdit::Place(ElementId(2), 2)));
    assert_eq!(asked("+"), [], "a frozen move has no speed");
    assert_eq!(asked("Element 1 E003 Roll"), []);
    assert_eq!(asked("+"), edit(PlaylistEdit::Speed(ElementId(1), 75)));
    assert_eq!(asked("Cut"), [], "nothing is before the first");
    // A right click: the speed at its end.
    let mut ramped = |label: &str| {
        harness.get_by_label(label).click_secondary();
        harness.run_steps(2);
        desk.borrow_mut().commands.drain(..).collect::<Vec<_>>()
    };
    assert_eq!(ramped("-"), edit(PlaylistEdit::Ramp(ElementId(1), Some(33))));
    assert_eq!(ramped("+"), edit(PlaylistEdit::Ramp(ElementId(1), Some(75))));
}

#[test]
fn elements_of_the_playlist_say_their_timecode() {
    let mut results = egui_kittest::SnapshotResults::new();
    for (size, name) in [(egui::vec2(360.0, 220.0), None), (egui::vec2(470.0, 220.0), Some("playlist_wide"))] {
        let (mut harness, _desk) = harness(snapshot(State::Armed), Some(Panel::Playlist), size);
        harness.run_steps(2);
        if let Some(name) = name {
            results.add(harness.try_snapshot_options(name, &options()));
        }
        harness.get_by_label("Element 2 E003 Orbit right").hover();
        harness.run_steps(8);
        harness.get_by_label_contains("Starts at 00:00:05:25 of the list, with the picture of 10:00:02:00");
    }
    results.unwrap();
}

#[test]
fn the_path_editor_edits_keys_by_hand() {
    let (mut harness, desk) = harness(snapshot(State::Armed), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    harness.get_by_label("PATH").click();
    harness.run_steps(3);
    harness.snapshot_options("console_path", &options());
    assert!(desk.borrow().commands.is_empty() && harness.query_by_label("Timeline").is_none());
    let mut asked = |label: &str| {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        desk.borrow_mut().commands.drain(..).collect::<Vec<_>>()
    };
    assert_eq!(asked("Punch in"), [Command::NewPath(Preset::PunchIn)]);
    assert_eq!(asked("360 loop"), [], "on an open arc");
    assert_eq!(asked("NEXT PATH"), [Command::NextPath]);
    let edit = |edit| [Command::EditPath(edit)];
    assert_eq!(asked("Longer"), edit(PathEdit::Length(4.5)));
    assert_eq!(asked("STEADY"), edit(PathEdit::Stabilize(true)));
    assert_eq!(asked("Key 3 at 3.50 s: Where 11.00"), [Command::ScrubPath(3.5)]);
    assert_eq!(asked("Key later"), edit(PathEdit::At(2, 3.6)));
    assert_eq!(asked("Key lower"), edit(PathEdit::Set(2, PathChannel::Position, 9.75)));
    assert_eq!(asked("In and out"), edit(PathEdit::Ease(2, Easing::Linear)));
    assert_eq!(asked("Zoom"), []);
    assert_eq!(asked("Key higher"), edit(PathEdit::Set(2, PathChannel::Zoom, 1.5)));
    assert_eq!(asked("Take out key"), edit(PathEdit::RemoveKey(2)));
    assert_eq!(asked("Where"), []);
    // A key frame is dragged half a second to the left.
    let from = harness.get_by_label("Key 2 at 0.50 s: Where 4.00").rect().center();
    let graph = harness.get_by_label("Path graph Where").rect().shrink(6.0);
    let to = from + egui::vec2(graph.width() / 8.0, 0.0);
    drag_along(&mut harness, &[from, to]);
    let asked: Vec<_> = desk.borrow_mut().commands.drain(..).collect();
    let [Command::EditPath(PathEdit::Move { key: 1, at_secs, channel: PathChannel::Position, value })] = asked[..] else {
        panic!("{asked:?}")
    };
    assert!((at_secs - 1.0).abs() < 0.05 && (value - 3.0).abs() < 0.1, "{at_secs} {value}");
    // On the plan it goes along the arc. Keys 1 and 2 are at one place, so are 3 and 4: each can be taken.
    for (key, to, wanted) in [(2, 4, 10.0), (1, 3, 10.0), (4, 2, 3.0), (3, 1, 3.0)] {
        let place = |harness: &Harness<'static>, k: i32| {
            let at = if k < 3 { "4.00" } else { "11.00" };
            harness.get_by_label(&format!("Plan key {k} at {at}")).rect().center()
        };
        let (from, to) = (place(&harness, key), place(&harness, to));
        drag_along(&mut harness, &[from, from.lerp(to, 0.5), to]);
        let asked: Vec<_> = desk.borrow_mut().commands.drain(..).collect();
        let [Command::EditPath(PathEdit::Set(k, PathChannel::Position, value))] = asked[..] else { panic!("key {key}: {asked:?}") };
        assert!(k + 1 == key as usize && (value - wanted).abs() < 0.35, "key {key} went to {value}");
    }
    // Its name is typed.
    harness.get_by_label("NAME").click();
    harness.run_steps(2);
    harness.get_by_label("Path name").type_text("Over the bar");
    harness.run_steps(2);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().commands.drain(..).collect::<Vec<_>>(), edit(PathEdit::Name("Over the bar".to_owned())));
}

#[test]
fn the_prepared_event_is_rated_coloured_and_renamed_in_place() {
    let of = |edit| [Command::EditEvent(EventId(3), edit)];
    assert_eq!(click(State::Armed, Panel::Events, "Rate 4"), of(EventEdit::Rating(4)));
    assert_eq!(click(State::Armed, Panel::Events, "Colour none"), of(EventEdit::Color(EventColor::Red)));
    let s = snapshot(State::Armed);
    let size = size_of(Panel::Events, &s);
    let (mut harness, desk) = harness(s, Some(Panel::Events), size);
    harness.run_steps(2);
    // F2 puts the keyboard into the name; Enter leaves it.
    desk.borrow_mut().state.obey(&Command::Rename);
    harness.run_steps(2);
    harness.get_by_label("Event name").type_text("Goal 2");
    harness.run_steps(2);
    assert!(desk.borrow().commands.is_empty(), "not while typing");
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().commands.drain(..).collect::<Vec<_>>(), of(EventEdit::Name("Goal 2".to_owned())));
    // Escape leaves it as it was.
    desk.borrow_mut().state.obey(&Command::Rename);
    harness.run_steps(2);
    harness.get_by_label("Event name").type_text("x");
    harness.run_steps(2);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert!(desk.borrow().commands.is_empty());
}

#[test]
fn events_are_searched() {
    let s = snapshot(State::Live);
    let size = size_of(Panel::Events, &s);
    let (mut harness, desk) = harness(s, Some(Panel::Events), size);
    harness.run_steps(2);
    harness.get_by_label("Event E003");
    desk.borrow_mut().state.obey(&Command::Search);
    harness.run_steps(2);
    harness.get_by_label("Search events").type_text("foul *3");
    harness.run_steps(2);
    harness.get_by_label("Event E001");
    assert!(harness.query_by_label("Event E003").is_none() && desk.borrow().state.query == "foul *3");
    assert!(desk.borrow().commands.is_empty());
}

#[test]
fn states_are_told_in_words() {
    for (state, panel, label) in [
        (State::Live, Panel::Header, "State LIVE"),
        (State::Armed, Panel::Header, "State ARMED"),
        (State::OnAir, Panel::Header, "State ON AIR"),
        (State::Armed, Panel::Preview, "PRV E003"),
        (State::Live, Panel::Program, "PGM live cam07"),
        (State::OnAir, Panel::Program, "PGM REPLAY"),
        (State::Live, Panel::Multiview, "Camera 7 cam07 PGM"),
        (State::Armed, Panel::Multiview, "Camera 4 cam04 PRV"),
    ] {
        let s = snapshot(state);
        let (mut harness, _desk) = harness(s, Some(panel), size_of(panel, &snapshot(State::Live)));
        harness.run_steps(2);
        harness.get_by_label(label);
    }
}

#[test]
fn the_orbit_bar_is_dragged_by_hand() {
    let s = snapshot(State::Armed);
    let size = size_of(Panel::OrbitBar, &s);
    let (mut harness, desk) = harness(s, Some(Panel::OrbitBar), size);
    harness.run_steps(2);
    let y = size.y * 0.55;
    harness.drag_at(egui::pos2(size.x * 0.4, y));
    harness.run_steps(1);
    harness.hover_at(egui::pos2(size.x * 0.5, y));
    harness.run_steps(1);
    harness.hover_at(egui::pos2(size.x * 2.0, y));
    harness.run_steps(1);
    harness.drop_at(egui::pos2(size.x * 2.0, y));
    harness.run_steps(1);
    let positions: Vec<f64> =
        desk.borrow().commands.iter().map(|c| if let Command::SetOrbit(p) = c { *p } else { panic!("{c:?}") }).collect();
    assert!(positions.iter().any(|p| (p - 5.5).abs() < 0.05), "the middle of twelve cameras: {positions:?}");
    assert_eq!(positions.last(), Some(&11.0), "beyond the end is the end");
}

#[test]
fn a_turn_of_the_jog_wheel_is_frames() {
    let s = snapshot(State::Armed);
    let size = size_of(Panel::Jog, &s);
    let (mut harness, desk) = harness(s, Some(Panel::Jog), size);
    harness.run_steps(2);
    let wheel = harness.get_by_label("Jog wheel").rect();
    let at = |turn: f32| wheel.center() + egui::Vec2::angled(turn * std::f32::consts::TAU) * wheel.width() * 0.35;
    harness.drag_at(at(0.0));
    harness.run_steps(1);
    for k in 1..=20 {
        harness.hover_at(at(k as f32 * 0.025));
        harness.run_steps(1);
    }
    harness.drop_at(at(0.5));
    harness.run_steps(1);
    let frames: i32 = desk.borrow().commands.iter().map(|c| if let Command::JogFrames(f) = c { *f } else { panic!("{c:?}") }).sum();
    assert!((11..=12).contains(&frames), "half a turn is twelve frames, got {frames}");
}

/// The state with an event whose pivot is known, and with the pictures of its instant.
fn with_pivot() -> Snapshot {
    let mut s = snapshot(State::Armed);
    let p = s.preview.as_mut().unwrap();
    p.frames = (0..12).map(|k| Some(std::sync::Arc::new(picture(k + 4)))).collect();
    p.pivot = Some(PivotView {
        at_m: Some([0.2, -0.3, 1.4]),
        in_cameras: (0..12).map(|k| (k != 5).then_some([0.4 + 0.01 * k as f32, 0.6])).collect(),
        in_preview: Some([0.5, 0.5]),
        first_click: None,
    });
    s
}

#[test]
fn a_click_in_a_picture_is_the_pivot() {
    // In preview, where the picture is letterboxed: beside it nothing is asked for.
    let s = with_pivot();
    let size = size_of(Panel::Preview, &s);
    let (mut preview, desk) = harness(s.clone(), Some(Panel::Preview), size);
    preview.run_steps(2);
    let mut results = egui_kittest::SnapshotResults::new();
    results.add(preview.try_snapshot_options("preview_pivot", &options()));
    let room = preview.get_by_label("Preview picture").rect();
    let height = room.width() * 54.0 / 96.0;
    let shown = if height <= room.height() {
        egui::Rect::from_center_size(room.center(), egui::vec2(room.width(), height))
    } else {
        egui::Rect::from_center_size(room.center(), egui::vec2(room.height() * 96.0 / 54.0, room.height()))
    };
    let click_at = |harness: &mut Harness<'static>, at: egui::Pos2| {
        harness.hover_at(at);
        harness.drag_at(at);
        harness.run_steps(1);
        harness.drop_at(at);
        harness.run_steps(2);
    };
    click_at(&mut preview, shown.min + shown.size() * egui::vec2(0.25, 0.75));
    let asked: Vec<_> = desk.borrow_mut().commands.drain(..).collect();
    let [Command::PickPivot { camera: None, at: [x, y] }] = asked[..] else { panic!("{asked:?}") };
    assert!((x - 0.25).abs() < 0.01 && (y - 0.75).abs() < 0.01, "{x} {y}");
    // Nothing of an instant that belongs to no event, or of one that rolls.
    for (event, rolls) in [(false, false), (true, true)] {
        let mut s = with_pivot();
        let p = s.preview.as_mut().unwrap();
        p.event = p.event.filter(|_| event);
        p.roll = rolls.then_some(RollView { instant: p.instant, speed_percent: 50, between: None });
        let (mut preview, desk) = harness(s, Some(Panel::Preview), size);
        preview.run_steps(2);
        click_at(&mut preview, shown.center());
        assert_eq!(desk.borrow().commands, [], "event {event}, rolls {rolls}");
    }
    // In the tiles a click is the live camera, until PIVOT is on: then they show the prepared instant, and a click is the pivot.
    let (mut all, desk) = harness(s, None, egui::vec2(1280.0, 720.0));
    all.run_steps(2);
    let tile = all.get_by_label_contains("Camera 3 cam03").rect();
    // The label line below the picture is no picture.
    let at = egui::pos2(tile.center().x, tile.top() + (tile.height() - 16.0) * 0.5);
    click_at(&mut all, at);
    assert_eq!(desk.borrow_mut().commands.drain(..).collect::<Vec<_>>(), [Command::SelectCamera(2)]);
    all.get_by_label("PIVOT").click();
    all.run_steps(2);
    assert!(desk.borrow().state.picks() && desk.borrow().commands.is_empty(), "the window answers this itself");
    results.add(all.try_snapshot_options("console_pivot", &options()));
    click_at(&mut all, at);
    let asked: Vec<_> = desk.borrow_mut().commands.drain(..).collect();
    let [Command::PickPivot { camera: Some(2), at: [x, y] }] = asked[..] else { panic!("{asked:?}") };
    assert!((x - 0.5).abs() < 0.03 && (y - 0.5).abs() < 0.03, "{x} {y}");
    all.get_by_label("PIVOT").click();
    all.run_steps(2);
    assert!(!desk.borrow().state.picks());
    results.unwrap();
}

#[test]
fn the_t_bar_is_under_the_finger() {
    let drag = |state: State, in_time: bool| {
        let s = snapshot(state);
        let stands = s.t_bar(in_time).unwrap_or(0.5) as f32;
        let size = size_of(Panel::TBar, &snapshot(State::Live));
        let (mut harness, desk) = harness(s, Some(Panel::TBar), size);
        harness.run_steps(2);
        if in_time {
            harness.get_by_label("TIME").click();
            harness.run_steps(2);
        }
        let bar = harness.get_by_label("T-bar").rect();
        // The finger comes down on the lever, somewhat beside its middle: nothing jumps.
        let lever = egui::pos2(bar.center().x, bar.top() + 15.0 + (bar.height() - 30.0) * stands);
        harness.drag_at(lever + egui::vec2(0.0, 6.0));
        harness.run_steps(1);
        assert_eq!(desk.borrow().commands, []);
        harness.hover_at(lever + egui::vec2(0.0, 6.0 + bar.height() * 0.1));
        harness.run_steps(1);
        harness.hover_at(bar.center_bottom() + egui::vec2(0.0, 90.0));
        harness.run_steps(1);
        harness.drop_at(bar.center_bottom() + egui::vec2(0.0, 90.0));
        harness.run_steps(1);
        (f64::from(stands), desk.take().commands)
    };
    for (state, in_time) in [(State::Armed, false), (State::Armed, true), (State::OnAir, false), (State::OnAir, true)] {
        let (stands, asked) = drag(state, in_time);
        let shares: Vec<f64> = asked
            .iter()
            .map(|c| match c {
                Command::TBar { share, in_time: t } if *t == in_time => *share,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(shares.len() >= 2 && shares.windows(2).all(|p| p[0] <= p[1]), "{shares:?}");
        assert!((shares[0] - stands - 0.1).abs() < 0.03, "from {stands}: {shares:?}");
        assert_eq!(shares.last(), Some(&1.0), "beyond the end is the end");
    }
    assert_eq!(drag(State::Idle, false).1, [], "there is no arc");
    assert_eq!(drag(State::Live, true).1, [], "there is no event");
}

#[test]
fn a_finger_beside_the_lever_calls_it_in_preview_and_never_makes_program_jump() {
    let press = |state: State, on_to_lever: bool| {
        let s = snapshot(state);
        let stands = s.t_bar(false).unwrap() as f32;
        let size = size_of(Panel::TBar, &snapshot(State::Live));
        let (mut harness, desk) = harness(s, Some(Panel::TBar), size);
        harness.run_steps(2);
        let bar = harness.get_by_label("T-bar").rect();
        let at = |share: f32| egui::pos2(bar.center().x, bar.top() + 15.0 + (bar.height() - 30.0) * share);
        harness.drag_at(at(0.95));
        harness.run_steps(2);
        let end = if on_to_lever { stands } else { 0.9 };
        for k in 0..=8 {
            harness.hover_at(at(0.95 + (end - 0.95) * k as f32 / 8.0));
            harness.run_steps(1);
        }
        harness.drop_at(at(end));
        harness.run_steps(2);
        desk.take().commands
    };
    let first = |asked: &[Command]| match asked.first() {
        Some(Command::TBar { share, .. }) => *share,
        other => panic!("{other:?}"),
    };
    assert!(first(&press(State::Armed, false)) > 0.85);
    assert_eq!(press(State::OnAir, false), [], "a slip");
    // There it is taken into the hand.
    let on_air = snapshot(State::OnAir).t_bar(false).unwrap();
    let picked = press(State::OnAir, true);
    assert!(first(&picked) - on_air < 0.06, "{picked:?}");
}

#[test]
fn a_fader_that_waits_is_drawn_beside_the_lever_and_told() {
    let fader = |t_bar| FaderView { control: "cc 1 7".to_owned(), kind: Some(CommandKind::TBar), at: 0.9, to: 0.48, t_bar };
    let told = "Status cc 1 7 (T-bar) stands at 90 % of its way: move it to 48 %, there it takes hold";
    let ghost = "The fader stands here; it takes hold where the lever stands";
    let (mut harness, desk) = harness(snapshot(State::OnAir), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    assert!(harness.query_by_label(ghost).is_none() && harness.query_by_label(told).is_none());
    desk.borrow_mut().state.fader = Some(fader(Some(false)));
    harness.run_steps(2);
    harness.get_by_label(told);
    let (ghost_at, bar) = (harness.get_by_label(ghost).rect(), harness.get_by_label("T-bar").rect());
    assert!(ghost_at.center().y > bar.top() + bar.height() * 0.8 && bar.contains_rect(ghost_at.shrink(1.0)), "{ghost_at:?} in {bar:?}");
    // It moves time, and the lever shows space; and one that moves something else has no place here.
    for other in [fader(Some(true)), FaderView { kind: Some(CommandKind::SetOrbit), ..fader(None) }] {
        desk.borrow_mut().state.fader = Some(other);
        harness.run_steps(2);
        assert!(harness.query_by_label(ghost).is_none());
    }
}

#[test]
fn controls_are_learned_by_touching() {
    let row = |words: &str, kind, control: Option<&str>| SurfaceRow {
        words: words.to_owned(),
        kind: Some(kind),
        control: control.map(str::to_owned),
    };
    let view = SurfaceView {
        rows: vec![
            row("mark", CommandKind::Mark, Some("note 1 60")),
            row("take", CommandKind::Take, None),
            row("t-bar {}", CommandKind::TBar, Some("cc 1 7")),
        ],
        ..SurfaceView::default()
    };
    let (mut harness, desk) = harness(snapshot(State::Armed), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    desk.borrow_mut().state.obey(&Command::Controls);
    harness.run_steps(2);
    harness.get_by_label("Choose a command, then touch the control that shall ask for it");
    desk.borrow_mut().state.surface = Some(view.clone());
    harness.run_steps(2);
    harness.snapshot_options("console_controls", &options());
    let mut wished = |label: &str| {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        desk.borrow_mut().state.take_surface_wishes()
    };
    assert_eq!(wished("take on no control"), [SurfaceWish::Learn(Some("take".to_owned()))]);
    assert_eq!(wished("Forget mark"), [SurfaceWish::Forget("mark".to_owned())]);
    // While it waits, the same row stops it; what was touched is told.
    desk.borrow_mut().state.surface =
        Some(SurfaceView { learning: Some("take".to_owned()), last: Some("cc 1 7".to_owned()), ..view.clone() });
    assert_eq!(wished("take on no control"), [SurfaceWish::Learn(None)]);
    harness.get_by_label("take: touch a control now. Esc stops");
    desk.borrow_mut().state.surface = Some(SurfaceView { last: Some("cc 1 7".to_owned()), ..view });
    harness.run_steps(2);
    harness.get_by_label("Touched last: cc 1 7");
    // Put away: nothing is learned any more, and nothing below was touched.
    assert_eq!(desk.borrow().state.top(), Some(Command::Controls));
    desk.borrow_mut().state.obey(&Command::Controls);
    harness.run_steps(2);
    assert_eq!(desk.borrow_mut().state.take_surface_wishes(), [SurfaceWish::Learn(None)]);
    assert!(desk.borrow().commands.is_empty() && harness.query_by_label("Control surfaces").is_none());
}

#[test]
fn a_right_click_ticks_the_angle_of_the_prepared_event() {
    let click = |s: Snapshot, label: &str| {
        let (mut harness, desk) = harness(s, None, egui::vec2(1280.0, 720.0));
        harness.run_steps(2);
        harness.get_by_label_contains(label).click_secondary();
        harness.run_steps(2);
        desk.take().commands
    };
    let s = snapshot(State::Armed);
    let (id, name) = (s.preview.as_ref().and_then(|p| p.event).unwrap(), s.cameras[8].name.clone());
    let asked = |ticked| [Command::EditEvent(id, EventEdit::Angle { camera: name.clone(), ticked })];
    assert_eq!(click(s.clone(), "9 cam09"), asked(true));
    // It is seen and said, and the same takes it off again.
    let mut with = s;
    let mut events = with.events.to_vec();
    events.iter_mut().filter(|e| e.id == id).for_each(|e| e.angles = vec![name.clone()]);
    with.events = events.into();
    assert_eq!(click(with, "9 cam09, angle ticked"), asked(false));
    assert_eq!(click(snapshot(State::Live), "9 cam09"), [], "no event is prepared");
}

#[test]
fn program_b_stands_beside_the_cameras() {
    let (mut harness, _desk) = harness(with_second(snapshot(State::Armed)), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    harness.snapshot_options("console_second", &options());
}

#[test]
fn keys_are_shown_and_put_away() {
    let (mut harness, desk) = harness(snapshot(State::Live), None, egui::vec2(1280.0, 720.0));
    harness.run_steps(2);
    harness.get_by_label("Keys").click();
    harness.run_steps(2);
    assert!(desk.borrow().state.keys_shown);
    assert!(desk.borrow().commands.is_empty(), "the window answers this itself");
    harness.snapshot_options("console_keys", &options());
    // The longest words are French.
    desk.borrow_mut().state.language = Language::from_tag("fr").unwrap();
    harness.run_steps(2);
    harness.snapshot_options("console_keys_fr", &options());
    desk.borrow_mut().state.language = Language::default();
    harness.run_steps(2);
    harness.get_by_label("Map of the keys").click();
    harness.run_steps(2);
    assert!(!desk.borrow().state.keys_shown);
}

/// The state with graphics, a solved instant and a program without them.
fn with_graphics() -> Snapshot {
    let mut s = with_pivot();
    let p = s.preview.as_mut().unwrap();
    (p.readiness, p.pivot) = (volte::replay::Readiness::Solved, None);
    let mut list = GraphicList::default();
    for graphic in [
        Graphic::new(GraphicKind::Line, vec![[0.0; 3], [3.0, 4.0, 0.0]]),
        Graphic { shown: false, ..Graphic::new(GraphicKind::Circle, vec![[0.0; 3], [1.5, 0.0, 0.0]]) },
        Graphic { text: "HOME 2 : 1 AWAY".to_owned(), ..Graphic::new(GraphicKind::Bug, vec![]) },
    ] {
        list.apply(&GraphicEdit::Add(graphic)).unwrap();
    }
    s.graphics = std::sync::Arc::new(GraphicsView {
        graphics: list.all().to_vec(),
        clean: true,
        waits_for_take: true,
        draft: Some((GraphicKind::Distance, 1)),
        in_preview: vec![[0.3, 0.7]],
        in_cameras: (0..12).map(|_| vec![[0.35, 0.7]]).collect(),
    });
    s
}

#[test]
fn locks_are_seen_and_taken_over_at_the_top_of_the_console() {
    let mut s = snapshot(State::Armed);
    let (mut alone, _) = harness(s.clone(), None, egui::vec2(1280.0, 720.0));
    alone.run_steps(2);
    assert!(alone.query_by_label_contains("Operators").is_none(), "who works alone sees no locks");
    let anna: OperatorName = "anna".parse().unwrap();
    let lock = |channel, holder, away| LockView { channel, holder, held_secs: 3.0, away };
    s.operators = std::sync::Arc::new(OperatorsView {
        locks: vec![],
        operators: vec![OperatorView { name: anna.clone(), silent_secs: 1.0, away: false }],
    });
    let (mut there, _) = harness(s.clone(), None, egui::vec2(1280.0, 720.0));
    there.run_steps(2);
    there.get_by_label("Operators: anna");
    std::sync::Arc::make_mut(&mut s.operators).locks =
        vec![lock(LockChannel::Program, Holder::Operator(anna), true), lock(LockChannel::Rig, Holder::Console, false)];
    let (mut all, desk) = harness(s, None, egui::vec2(1280.0, 720.0));
    let take = |desk: &Rc<RefCell<Desk>>| desk.borrow_mut().commands.drain(..).collect::<Vec<_>>();
    for (label, order, channel) in [
        ("TAKE OVER: program", LockOrder::TakeOver, LockChannel::Program),
        ("UNLOCK: rig and match", LockOrder::Unlock, LockChannel::Rig),
        ("LOCK: outputs", LockOrder::Lock, LockChannel::Outputs),
    ] {
        all.run_steps(2);
        all.get_by_label("program: anna (away), rig and match: console").click();
        all.run_steps(2);
        let button = all.get_by_label(label);
        assert!(button.rect().height() >= 28.0, "{label} {:?}", button.rect());
        button.click();
        all.run_steps(2);
        assert_eq!(take(&desk), [Command::Lock(order, Some(channel))], "{label}");
    }
}

#[test]
fn graphics_are_drawn_by_clicks_and_kept_in_a_list() {
    let (mut all, desk) = harness(with_graphics(), None, egui::vec2(1280.0, 720.0));
    all.run_steps(2);
    let mut results = egui_kittest::SnapshotResults::new();
    all.get_by_label("GRAPHICS").click();
    all.run_steps(2);
    let take = |desk: &Rc<RefCell<Desk>>| desk.borrow_mut().commands.drain(..).collect::<Vec<_>>();
    assert_eq!(take(&desk), [], "the window answers this itself");
    // Without a tool a click in preview is the pivot; with one it draws.
    all.get_by_label("Distance").click();
    all.run_steps(2);
    results.add(all.try_snapshot_options("console_graphics", &options()));
    let room = all.get_by_label("Preview picture").rect();
    let at = room.center();
    all.hover_at(at);
    all.drag_at(at);
    all.run_steps(1);
    all.drop_at(at);
    all.run_steps(2);
    let [Command::DrawGraphic { kind: GraphicKind::Distance, file: None, camera: None, at: [x, y] }] = take(&desk)[..] else {
        panic!("no point was asked for")
    };
    assert!((x - 0.5).abs() < 0.02 && (y - 0.5).abs() < 0.02, "{x} {y}");
    // A right click drops what is half drawn.
    all.get_by_label("Preview picture").click_secondary();
    all.run_steps(2);
    assert_eq!(take(&desk), [Command::DropGraphic]);
    for (label, command) in [
        ("Show line-1", Command::EditGraphics(GraphicEdit::Show("line-1".to_owned(), false))),
        ("Show circle-1", Command::EditGraphics(GraphicEdit::Show("circle-1".to_owned(), true))),
        ("Remove line-1", Command::EditGraphics(GraphicEdit::Remove("line-1".to_owned()))),
        ("Colour of line-1", Command::EditGraphics(GraphicEdit::Color("line-1".to_owned(), [255, 255, 255]))),
        ("CLEAN", Command::CleanFeed(None)),
        ("TO AIR", Command::GraphicsToAir),
    ] {
        all.get_by_label(label).click();
        all.run_steps(2);
        assert_eq!(take(&desk), [command], "{label}");
    }
    // Words become a bug, files too.
    for (words, is_file) in [("HOME 3 : 1 AWAY", false), ("/a/logo.PNG", true)] {
        all.get_by_label("Words or picture").focus();
        all.run_steps(1);
        all.get_by_label("Words or picture").type_text(words);
        all.run_steps(2);
        all.get_by_label("BUG").click();
        all.run_steps(2);
        let [Command::EditGraphics(GraphicEdit::Add(bug))] = &take(&desk)[..] else { panic!("no bug of {words}") };
        assert_eq!((bug.kind, bug.file.is_some(), bug.text.as_str()), (GraphicKind::Bug, is_file, if is_file { "" } else { words }));
    }
    assert!(desk.borrow().state.top().is_none(), "Esc is the way back to live, also while the score is kept");
    results.unwrap();
}

#[test]
fn what_is_off_the_arc_and_how_many_instants_are_shown_is_said_and_taken_back_by_a_click() {
    let mut s = with_pivot();
    s.free = FreeView { dolly_m: 1.2, height_m: -0.4, unsure_share: Some(0.21) };
    s.slices = std::sync::Arc::new(SlicesView {
        instants: [9, 8].map(|k| s.now.plus_nanos(-k * 1_000_000_000)).to_vec(),
        ready: vec![s.now.plus_nanos(-9_000_000_000)],
    });
    let (mut all, desk) = harness(s, None, egui::vec2(1280.0, 720.0));
    all.run_steps(2);
    all.get_by_label_contains("FREE +1.2 m nearer, -0.4 m higher: 21 % of the picture is unsure").click();
    all.run_steps(2);
    all.get_by_label_contains("phase 2 of 3").click();
    all.run_steps(2);
    let asked: Vec<_> = desk.borrow_mut().commands.drain(..).collect();
    assert_eq!(asked, [Command::FreeTo { dolly_m: 0.0, height_m: 0.0 }, Command::Slice(Slice::Off)]);
    all.try_snapshot_options("console_free", &options()).unwrap();
}

/// The page of the calibration, open, in a state of it.
fn calibrating(view: Option<CalibrationView>, language: Language, size: [f32; 2]) -> (Harness<'static>, Rc<RefCell<Desk>>) {
    let mut s = snapshot(State::Live);
    s.calibration = view.map(Arc::new);
    let (mut all, desk) = harness(s, None, size.into());
    desk.borrow_mut().state = ConsoleState::speaking(language);
    desk.borrow_mut().state.obey(&Command::CalibratePage);
    all.run_steps(3);
    (all, desk)
}

#[test]
fn the_page_of_the_calibration_begins_coaches_and_judges() {
    let english = Language::default();
    let french = Language::from_tag("fr").unwrap();
    let refused = CalibrationView {
        board: "circles:4x11:0.02".to_owned(),
        stage: CalibrationStage::Refused(volte::calibrate::board::Board::said("circles:4x11:0.02").unwrap_err().to_string()),
        ..calibration::carried()
    };
    let hd = [1920.0, 1080.0];
    let mut results = egui_kittest::SnapshotResults::new();
    for (name, view, language, size) in [
        ("begin", None, english, [1280.0, 720.0]),
        ("refused", Some(refused), english, [1280.0, 720.0]),
        ("carried", Some(calibration::carried()), english, [1280.0, 720.0]),
        ("carried_large", Some(calibration::carried()), english, hd),
        ("carried_fr", Some(calibration::carried()), french, [1280.0, 720.0]),
        ("green", Some(calibration::judged(Light::Green)), english, [1280.0, 720.0]),
        ("amber_fr", Some(calibration::judged(Light::Amber)), french, [1280.0, 720.0]),
        ("red", Some(calibration::judged(Light::Red)), english, hd),
    ] {
        let (mut all, _desk) = calibrating(view, language, size);
        all.remove_cursor();
        all.run_steps(2);
        results.add(all.try_snapshot_options(format!("calibrate_{name}"), &options()));
    }
    results.unwrap();
}

#[test]
fn the_page_of_the_calibration_asks_for_what_is_pressed() {
    let pressed = |view: Option<CalibrationView>, labels: &[&str]| {
        let (mut all, desk) = calibrating(view, Language::default(), [1280.0, 720.0]);
        for label in labels {
            all.get_by_label(label).click();
            all.run_steps(2);
        }
        desk.take().commands
    };
    let order = |order| Command::Calibrate(order);
    let begun = pressed(None, &["chessboard:7x10:0.030", "START"]);
    assert_eq!(begun, [order(CalibrateOrder::Start("chessboard:7x10:0.030".to_owned()))]);
    assert_eq!(pressed(None, &["START"]), [], "no board, nothing to begin with");
    let carried = calibration::carried();
    assert_eq!(pressed(Some(carried.clone()), &["FLOOR", "FINISH"]), [order(CalibrateOrder::Floor), order(CalibrateOrder::Finish)]);
    // What was carried for minutes is not lost by one click.
    assert_eq!(pressed(Some(carried.clone()), &["CANCEL"]), []);
    assert_eq!(pressed(Some(carried.clone()), &["CANCEL", "FLOOR"]), [order(CalibrateOrder::Floor)]);
    assert_eq!(pressed(Some(carried.clone()), &["CANCEL", "SURE? ALL IS LOST"]), [order(CalibrateOrder::Cancel)]);
    assert_eq!(
        pressed(Some(calibration::judged(Light::Amber)), &["USE NOW", "SAVE RIG", "GO ON"]),
        [order(CalibrateOrder::Use), order(CalibrateOrder::Save), order(CalibrateOrder::GoOn)]
    );
    assert_eq!(pressed(Some(calibration::judged(Light::Green)), &["CLOSE"]), [order(CalibrateOrder::Cancel)], "it is saved");
    // The way back leaves the calibration alone.
    let (mut all, desk) = calibrating(Some(carried), Language::default(), [1280.0, 720.0]);
    assert_eq!(desk.borrow().state.top(), Some(Command::CalibratePage), "Escape puts the page away, not the replay");
    all.get_by_label("BACK").click();
    all.run_steps(2);
    assert_eq!((desk.borrow().state.top(), desk.borrow().commands.len()), (None, 0));
    assert!(all.query_by_label("MARK").is_some());
}

#[test]
fn the_one_with_the_board_reads_the_next_thing_from_three_metres() {
    // Letters of a monitor of 24 inches in full HD, 0.277 mm per pixel: capitals are 0.7 of the size, and 10 mm are read from 3 m (the 20 minutes of arc
    // that DIN 1450 asks for at least are 6 mm of a small letter there).
    let (all, _desk) = calibrating(Some(calibration::carried()), Language::default(), [1920.0, 1080.0]);
    let next = all.get_by_label_contains("Hold the board where cam05 and cam06 both see it").rect();
    assert!(next.height() > 0.2 * 1080.0 && next.width() > 0.7 * 1920.0, "{next:?}");
}
