//! The page of the calibration, in the place of everything but program and the cameras' health: begin with a board, see what is missing while it is
//! carried, judge the rig and save it. Whoever carries the board reads it from across the hall: the one next thing to do stands in big letters.

mod gate;
mod graph;
mod tiles;
mod words;

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, current, say, t};
use super::{ConsoleState, Field, Textures, event_fields, notices::notice, style, widgets, widgets::ButtonLook};
use crate::engine::{CalibrateOrder, CalibrationStage, CalibrationView, Command, CommandKind, Light, Snapshot};

/// Boards to begin with; what is printed is measured and corrected in the field.
const BOARDS: [&str; 4] =
    ["charuco:7x10:0.030:0.022:4x4_50", "charuco:10x8:0.100:0.075:4x4_100", "chessboard:7x10:0.030", "aprilgrid:6x6:0.088:0.3"];

/// What belongs to the window.
#[derive(Debug, Clone, Default)]
pub(super) struct CalibratePage {
    pub open: bool,
    /// The board that is typed, and the file of known lenses.
    board: String,
    lenses: String,
    /// CANCEL was pressed once: what was carried would be lost.
    cancelling: bool,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, textures: &Textures, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let view = snapshot.calibration.as_deref();
    let note = view.map_or_else(String::new, |v| {
        let board =
            if v.lenses.is_empty() { v.board.clone() } else { format!("{} · {}", v.board, say!("calib-lenses-of", file = &v.lenses)) };
        say!("calib-note", board = board, time = clock(v.secs))
    });
    let inner = widgets::panel(ui, t("panel-calibrate"), &note).shrink2(vec2(4.0, 0.0));
    let buttons = (inner.height() * 0.085).clamp(44.0, 72.0);
    let bottom = Rect::from_min_max(pos2(inner.left(), inner.bottom() - buttons), inner.max);
    let body = Rect::from_min_max(inner.min, pos2(inner.right(), bottom.top() - 8.0));
    match view.map(|v| (v, &v.stage)) {
        _ if snapshot.cameras.is_empty() => widgets::empty_state(ui, body, t("no-cameras"), t("calib-no-cameras")),
        None => begin(ui, body, None, state, out),
        Some((v, CalibrationStage::Refused(why))) => begin(ui, body, Some((v, why)), state, out),
        Some((v, CalibrationStage::Judged(judged))) => gate::show(ui, body, v, judged),
        Some((v, stage)) => carried(ui, body, v, stage, textures),
    }
    hands(ui, bottom, view, state, out);
}

/// Minutes and seconds.
fn clock(secs: f64) -> String {
    let secs = secs.max(0.0) as u64;
    format!("{}:{:02}", secs / 60, secs % 60)
}

/// Text in lines, as large as fits between two sizes; returns its height.
fn paragraph(ui: &Ui, rect: Rect, text: &str, (most, least): (f32, f32), color: Color32) -> f32 {
    let mut size = most;
    loop {
        let mut job = egui::text::LayoutJob::simple(text.to_owned(), style::text(size), color, rect.width().max(10.0));
        job.wrap.max_rows = ((rect.height() / (size * 1.1)) as usize).max(1);
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        if (galley.size().y <= rect.height() && !galley.elided) || size <= least {
            let height = galley.size().y;
            ui.painter().galley(rect.min, galley, color);
            return height;
        }
        size = (size * 0.92).max(least);
    }
}

/// A headline: in one line where that is nearly as large as in two, else in two of about one length; returns its height.
fn headline(ui: &Ui, rect: Rect, text: &str, (most, least): (f32, f32), color: Color32) -> f32 {
    let wide = |size: f32| ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), style::text(size), color)).size().x.max(1.0);
    let whole = wide(most);
    let alone = (most * rect.width() / whole).min(most);
    let in_two = (rect.height() / 2.3).min(1.7 * most * rect.width() / whole).min(most);
    if alone >= 0.85 * in_two {
        return paragraph(ui, rect, text, (alone * 0.99, least), color);
    }
    let narrow = Rect::from_min_size(rect.min, vec2((wide(in_two) * 0.58).clamp(rect.width() * 0.4, rect.width()), rect.height()));
    paragraph(ui, narrow, text, (in_two, least), color)
}

/// What stands somewhere, for those who do not see it.
fn labeled(ui: &Ui, rect: Rect, salt: impl std::hash::Hash + std::fmt::Debug, label: &str) -> egui::Response {
    let response = ui.interact(rect, ui.scope_id().with(("calibration", salt)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    response
}

/// Before the first look: which board it is.
fn begin(ui: &mut Ui, rect: Rect, refused: Option<(&CalibrationView, &String)>, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let wide = rect.width().min(860.0);
    let column = Rect::from_min_size(pos2(rect.center().x - 0.5 * wide, rect.top()), vec2(wide, rect.height()));
    let line = (rect.height() * 0.055).clamp(26.0, 46.0);
    let mut top = column.top() + line * 0.4;
    let mut row = |height: f32| {
        let at = Rect::from_min_size(pos2(column.left(), top), vec2(wide, height));
        top += height + line * 0.35;
        at
    };
    let at = row(line * 1.3);
    paragraph(ui, at, t("calib-which"), (line * 1.05, 18.0), style::TEXT);
    labeled(ui, at, "which", t("calib-which"));
    let field = row(36.0);
    let typed = Rect::from_min_max(field.min, pos2(field.right() - 150.0, field.bottom()));
    let mut board = std::mem::take(&mut state.calibration.board);
    let mut lenses = std::mem::take(&mut state.calibration.lenses);
    if board.is_empty()
        && let Some((view, _)) = refused
    {
        board.clone_from(&view.board);
        lenses.clone_from(&view.lenses);
    }
    let response = event_fields::text_field(ui, typed, t("calib-board"), t("calib-board-hint"), &mut board);
    if state.focus == Some(Field::Board) {
        response.request_focus();
        state.focus = None;
    }
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let can = !board.trim().is_empty();
    let look = ButtonLook { fill: style::ACCENT, color: style::ON_COLOR, size: 15.0, on: false };
    let at = Rect::from_min_max(pos2(field.right() - 142.0, field.top()), field.max);
    let pressed =
        widgets::big_button(ui, at, t("calib-start"), "", can, look).on_hover_text(command(CommandKind::Calibrate).tooltip).clicked();
    let presets = row(32.0);
    let width = (presets.width() + 6.0) / BOARDS.len() as f32;
    for (k, preset) in BOARDS.iter().enumerate() {
        let at = Rect::from_min_size(pos2(presets.left() + k as f32 * width, presets.top()), vec2(width - 6.0, presets.height()));
        let look = ButtonLook { fill: style::RAISED, color: style::TEXT, size: 12.5, on: board == *preset };
        if widgets::big_button(ui, at, preset, "", true, look).on_hover_text(t("calib-preset-tip")).clicked() {
            (*preset).clone_into(&mut board);
        }
    }
    let known = row(32.0);
    event_fields::text_field(ui, known, t("calib-lenses"), t("calib-lenses-hint"), &mut lenses);
    if can && (pressed || entered) {
        state.calibration.cancelling = false;
        if refused.is_some() {
            out.push(Command::Calibrate(CalibrateOrder::Cancel));
        }
        let with = if lenses.trim().is_empty() { String::new() } else { format!(" lenses {}", lenses.trim()) };
        out.push(Command::Calibrate(CalibrateOrder::Start(format!("{}{with}", board.trim()))));
    }
    (state.calibration.board, state.calibration.lenses) = (board, lenses);
    if let Some((_, why)) = refused {
        let told = notice(current(), why).into_owned();
        let at = row(line * 3.2);
        paragraph(ui, at, &told, (17.0, 12.0), style::AMBER);
        labeled(ui, at, "refused", &told);
    }
    for (k, text) in [t("calib-how-measure"), t("calib-how-carry"), t("calib-how-floor"), t("calib-how-show")].into_iter().enumerate() {
        let at = row(line * 1.5);
        let number = Rect::from_min_size(at.min, vec2(line, line));
        ui.painter().circle_filled(number.center(), line * 0.42, style::RAISED);
        ui.painter().text(number.center(), Align2::CENTER_CENTER, (k + 1).to_string(), style::text(line * 0.5), style::TEXT);
        let words = Rect::from_min_max(pos2(number.right() + 10.0, at.top() + 2.0), at.max);
        paragraph(ui, words, text, ((line * 0.48).clamp(13.0, 19.0), 11.0), style::DIM);
        labeled(ui, at, ("how", k), text);
    }
}

/// While the board is carried: what to do next, what hangs together, and every camera.
fn carried(ui: &mut Ui, rect: Rect, view: &CalibrationView, stage: &CalibrationStage, textures: &Textures) {
    let head = Rect::from_min_size(rect.min, vec2(rect.width(), rect.height() * 0.28));
    next_thing(ui, head, view, stage);
    let bar = Rect::from_min_size(pos2(rect.left(), head.bottom() + 4.0), vec2(rect.width(), 10.0));
    let (share, color) = match stage {
        CalibrationStage::Solving(share) => (*share, style::ACCENT),
        _ if view.is_enough => (1.0, style::PREVIEW),
        _ => (view.share, style::ACCENT),
    };
    widgets::fill_bar(ui, bar, share, color);
    let done = say!("calib-share", percent = format!("{:.0}", share * 100.0));
    labeled(ui, bar, "share", &done);
    let links = Rect::from_min_size(pos2(rect.left(), bar.bottom() + 6.0), vec2(rect.width(), (rect.height() * 0.17).clamp(76.0, 150.0)));
    graph::show(ui, links, view);
    let cameras = Rect::from_min_max(pos2(rect.left(), links.bottom() + 6.0), rect.max);
    tiles::show(ui, cameras, view, textures);
}

/// In big letters; under it how far that is, and why it does not go on.
fn next_thing(ui: &Ui, rect: Rect, view: &CalibrationView, stage: &CalibrationStage) {
    let (mut big, mut under, color) = match stage {
        CalibrationStage::Solving(share) => {
            (t("calib-solving").to_owned(), say!("calib-solving-share", percent = format!("{:.0}", share * 100.0)), style::TEXT)
        }
        CalibrationStage::Failed(why) => (t("calib-failed").to_owned(), notice(current(), why).into_owned(), style::AMBER),
        _ => {
            let (big, under) = words::advice(&view.advice);
            (big, under, if view.is_enough { style::PREVIEW_TEXT } else { style::TEXT })
        }
    };
    let is_looking = matches!(stage, CalibrationStage::Looking { .. });
    if is_looking && view.is_enough && view.advice.is_optional() {
        under = if under.is_empty() { t("calib-enough").to_owned() } else { format!("{under} · {}", t("calib-enough")) };
    }
    let told = match (&view.told, &view.reason) {
        _ if matches!(stage, CalibrationStage::Looking { waits: true }) => t("calib-waits").to_owned(),
        (Some(told), _) if is_looking => notice(current(), told).into_owned(),
        (None, Some((camera, why))) if is_looking => format!("{camera}: {}", words::rejection(why)),
        _ => String::new(),
    };
    if big.is_empty() {
        std::mem::swap(&mut big, &mut under);
    }
    let h = rect.height();
    let largest = (h * 0.42).clamp(30.0, 120.0);
    let room = Rect::from_min_size(rect.min, vec2(rect.width(), h * 0.62));
    let used = headline(ui, room, &big, (largest, 22.0), color);
    let small = (h * 0.16).clamp(15.0, 40.0);
    let line = Rect::from_min_size(
        pos2(rect.left(), rect.top() + used + 2.0),
        vec2(rect.width(), if is_looking { small * 1.3 } else { h - used }),
    );
    let used_under = if under.is_empty() { 0.0 } else { paragraph(ui, line, &under, (small, 12.0), style::DIM) };
    let rest = Rect::from_min_max(pos2(rect.left(), line.top() + used_under + 2.0), rect.max);
    if !told.is_empty() {
        paragraph(ui, rest, &told, (small, 12.0), style::AMBER);
    }
    let all = [big, under, told].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(". ");
    labeled(ui, rect, "next", &all);
}

/// What the operator does with it, along the lower edge.
fn hands(ui: &mut Ui, rect: Rect, view: Option<&CalibrationView>, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let plain = ButtonLook { fill: style::RAISED, color: style::TEXT, size: 17.0, on: false };
    let loud = ButtonLook { fill: style::PREVIEW, color: style::ON_COLOR, ..plain };
    let warning = ButtonLook { fill: style::AMBER, color: style::BACKGROUND, ..plain };
    let has_something = view.is_some_and(|v| v.cameras.iter().any(|c| c.boards > 0));
    let is_kept = view.is_some_and(|v| matches!(&v.stage, CalibrationStage::Judged(j) if j.saved.is_some() || j.used.is_some()));
    let sure = state.calibration.cancelling;
    let cancel = match (is_kept, sure) {
        (true, _) => (t("calib-close"), t("calib-close-tip"), true, plain, Some(CalibrateOrder::Cancel)),
        (false, true) => (t("calib-cancel-sure"), t("calib-cancel-tip"), true, warning, Some(CalibrateOrder::Cancel)),
        (false, false) => (t("calib-cancel"), t("calib-cancel-tip"), true, plain, Some(CalibrateOrder::Cancel)),
    };
    let go_on = (t("calib-go-on"), t("calib-go-on-tip"), true, plain, Some(CalibrateOrder::GoOn));
    let mut all = match view.map(|v| (v, &v.stage)) {
        None | Some((_, CalibrationStage::Refused(_))) => vec![],
        Some((v, CalibrationStage::Looking { .. })) => {
            let is_seen = v.cameras.iter().any(|c| c.sees);
            let floor = ButtonLook { on: v.floor_secs.is_some(), ..plain };
            let finish = if v.is_enough { loud } else { plain };
            vec![
                (t("calib-finish"), t("calib-finish-tip"), has_something, finish, Some(CalibrateOrder::Finish)),
                (t("calib-floor"), t("calib-floor-tip"), is_seen, floor, Some(CalibrateOrder::Floor)),
                cancel,
            ]
        }
        Some((_, CalibrationStage::Solving(_))) => vec![cancel],
        Some((_, CalibrationStage::Failed(_))) => vec![go_on, cancel],
        Some((_, CalibrationStage::Judged(judged))) => {
            let save = if judged.saved.is_none() { loud } else { plain };
            // Red is refused; the button says so by being dark.
            let (can_use, is_used) = (judged.light != Light::Red && judged.used.is_none(), judged.used.is_some());
            let take = if can_use { loud } else { ButtonLook { on: is_used, ..plain } };
            vec![
                (t("calib-use"), t("calib-use-tip"), can_use, take, Some(CalibrateOrder::Use)),
                (t("calib-save"), t("calib-save-tip"), true, save, Some(CalibrateOrder::Save)),
                go_on,
                cancel,
            ]
        }
    };
    all.push((t("calib-back"), t("calib-back-tip"), true, plain, None));
    let width = ((rect.width() + 8.0) / all.len().max(4) as f32).min(320.0);
    let last = all.len() - 1;
    for (k, (label, tip, can, look, order)) in all.into_iter().enumerate() {
        // The way back stands at the right, whatever else there is.
        let left = if k == last { rect.right() - width + 8.0 } else { rect.left() + k as f32 * width };
        let at = Rect::from_min_size(pos2(left, rect.top()), vec2(width - 8.0, rect.height()));
        if !widgets::big_button(ui, at, label, "", can, look).on_hover_text(tip).clicked() {
            continue;
        }
        let is_cancel = order == Some(CalibrateOrder::Cancel);
        // What was carried for minutes is not lost by one click.
        state.calibration.cancelling = is_cancel && has_something && !is_kept && !sure;
        match order {
            None => out.push(Command::CalibratePage),
            Some(_) if state.calibration.cancelling => {}
            Some(order) => out.push(Command::Calibrate(order)),
        }
    }
}
