//! The simple arrangement's large button: it always does the next step of a replay.

use egui::{Rect, Ui, pos2, vec2};

use super::lang::{command, say, t, word};
use super::{ConsoleState, style, widgets};
use crate::{
    engine::{Command, CommandKind, Snapshot},
    replay::Phase,
};

/// So long after it has become another step nothing is done, seconds: a second tap of an eager hand would put on air what nobody has looked at.
const REST_SECS: f64 = 0.6;

/// What the button has been, and since when.
#[derive(Debug, Clone, Default)]
pub(super) struct NextStep {
    shown: Option<(CommandKind, f64)>,
}

impl NextStep {
    /// Whether the button, which is `kind` now, has been that for long enough.
    fn is_settled(&mut self, kind: CommandKind, now_secs: f64) -> bool {
        match self.shown {
            Some((was, since)) if was == kind => now_secs - since >= REST_SECS,
            // The first one of all follows no other.
            None => {
                self.shown = Some((kind, f64::NEG_INFINITY));
                true
            }
            Some(_) => {
                self.shown = Some((kind, now_secs));
                false
            }
        }
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let inner = widgets::panel(ui, "", "");
    let gap = 8.0;
    let side = (inner.width() * 0.2).clamp(180.0, 360.0);
    let big = Rect::from_min_max(inner.min, pos2(inner.right() - side - gap, inner.bottom()));
    let (kind, what, fill, color) = match snapshot.phase {
        Phase::Live => (CommandKind::Mark, t("next-step-mark"), style::AMBER, egui::Color32::BLACK),
        Phase::Armed => (CommandKind::Take, t("next-step-take"), style::PROGRAM, style::ON_COLOR),
        Phase::OnAir => (CommandKind::Return, t("next-step-return"), style::ACCENT, style::ON_COLOR),
    };
    let can = match kind {
        CommandKind::Mark => snapshot.cameras.iter().any(|c| c.live.is_some()),
        CommandKind::Take => snapshot.can_take,
        _ => true,
    };
    let settled = state.next_step.is_settled(kind, ui.input(|i| i.time));
    let info = command(kind);
    let label = format!("{}: {what}", info.name);
    let look = widgets::ButtonLook { fill, color, size: (big.height() * 0.24).clamp(24.0, 44.0), on: false };
    let response = widgets::big_button(ui, big, &label, info.shortcut, can, look);
    if response.on_hover_text(t("next-step-tip")).clicked() && settled {
        out.push(match kind {
            CommandKind::Mark => Command::Mark,
            CommandKind::Take => Command::Take,
            _ => Command::Return,
        });
    }

    // Three rows beside it: what is prepared put away, which turn, and the way out.
    let height = (inner.height() - 2.0 * gap) / 3.0;
    let row = |k: f32| Rect::from_min_size(pos2(big.right() + gap, inner.top() + (height + gap) * k), vec2(side, height));
    let look = widgets::ButtonLook { fill: style::RAISED, color: style::TEXT, size: 14.0, on: false };
    if widgets::command_button(ui, row(0.0), CommandKind::Return, snapshot.phase == Phase::Armed, look).clicked() {
        out.push(Command::Return);
    }
    let chosen = snapshot.moves.get(snapshot.chosen_move).map(|m| word("move", &m.name)).unwrap_or_default();
    let info = command(CommandKind::NextMove);
    let response = widgets::big_button(ui, row(1.0), &say!("next-step-move", name = chosen), "", !snapshot.moves.is_empty(), look);
    if response.on_hover_text(format!("{}. {}", info.shortcut, info.tooltip)).clicked() {
        out.push(Command::NextMove);
    }
    let info = command(CommandKind::SimpleLayout);
    let response = widgets::big_button(ui, row(2.0), t("whole-console"), "", true, look);
    if response.on_hover_text(format!("{}. {}", info.shortcut, info.tooltip)).clicked() {
        out.push(Command::SimpleLayout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eager_second_tap_does_nothing() {
        let mut step = NextStep::default();
        assert!(step.is_settled(CommandKind::Mark, 5.0), "the first one waits for nothing");
        assert!(!step.is_settled(CommandKind::Take, 5.1));
        assert!(!step.is_settled(CommandKind::Take, 5.1 + REST_SECS / 2.0));
        assert!(step.is_settled(CommandKind::Take, 5.2 + REST_SECS));
        // A take that failed at once is a mark again: that rests, too.
        assert!(!step.is_settled(CommandKind::Mark, 9.0) && step.is_settled(CommandKind::Mark, 9.7));
    }
}
