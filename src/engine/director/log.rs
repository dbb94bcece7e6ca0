//! The operator's log: each command with what it changed, one line each at level `info` (`volte -v`). The stream of positions
//! while the mouse drags is at level `debug`.
//!
//! Must not know: how a command is done.

use std::fmt;

use super::Director;
use crate::{
    engine::Command,
    replay::{EventId, Program, operators::Origin},
    time::MediaTime,
};

/// What of the state a command may change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    marks: usize,
    preview: Option<(Option<EventId>, MediaTime)>,
    position: f64,
    program: OnProgram,
    move_name: String,
    quality: &'static str,
    exporting: bool,
    edits: usize,
    pending_in: bool,
    speed_percent: i32,
    preview_rolls: Option<i32>,
}

#[derive(Debug, Clone, PartialEq)]
enum OnProgram {
    Live(String),
    Hold,
    Replay(MediaTime),
}

impl fmt::Display for OnProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(camera) => write!(f, "live {camera}"),
            Self::Hold => f.write_str("hold"),
            Self::Replay(at) => write!(f, "replay of {at}"),
        }
    }
}

impl Standing {
    pub fn of(director: &Director) -> Self {
        let transport = &director.transport;
        let program = match transport.program() {
            Program::Live { camera } => {
                OnProgram::Live(director.feeds.rig().cameras.get(*camera).map_or_else(String::new, |c| c.name.clone()))
            }
            Program::Hold => OnProgram::Hold,
            Program::Replay(on_air) => OnProgram::Replay(on_air.instant),
        };
        Self {
            marks: transport.events().iter().count(),
            preview: transport.preview().map(|p| (p.event, p.instant)),
            position: transport.position(),
            program,
            move_name: director.move_name().to_owned(),
            quality: director.governor.view().chosen.map_or("Auto", |level| level.label()),
            exporting: director.exports_of.current().is_some(),
            edits: transport.edits(),
            pending_in: transport.pending_in().is_some(),
            speed_percent: director.speed_percent,
            preview_rolls: director.preview.roll.as_ref().map(|r| r.speed_percent),
        }
    }

    /// What is different afterwards, in words; "nothing changed" if so.
    pub fn changes(&self, after: &Self) -> String {
        let mut told = Vec::new();
        let mut tell = |changed: bool, line: String| {
            if changed {
                told.push(line);
            }
        };
        tell(self.marks != after.marks, format!("marks {} -> {}", self.marks, after.marks));
        let preview = |s: &Self| s.preview.map_or_else(|| "empty".to_owned(), |(_, at)| at.to_string());
        tell(self.preview != after.preview, format!("preview {} -> {}", preview(self), preview(after)));
        // Bit for bit: a position that was clamped has not moved.
        let moved = self.position.to_bits() != after.position.to_bits();
        tell(moved, format!("position {:.3} -> {:.3}", self.position, after.position));
        tell(self.program != after.program, format!("program {} -> {}", self.program, after.program));
        tell(self.move_name != after.move_name, format!("move {} -> {}", self.move_name, after.move_name));
        tell(self.quality != after.quality, format!("quality {} -> {}", self.quality, after.quality));
        tell(self.edits != after.edits, format!("edits {} -> {}", self.edits, after.edits));
        tell(self.pending_in != after.pending_in, if after.pending_in { "in point set" } else { "no in point waits" }.to_owned());
        tell(self.speed_percent != after.speed_percent, format!("speed {} -> {} %", self.speed_percent, after.speed_percent));
        let rolls = |s: &Self| s.preview_rolls.map_or_else(|| "stands".to_owned(), |speed| format!("rolls at {speed} %"));
        tell(self.preview_rolls != after.preview_rolls, format!("preview {}", rolls(after)));
        tell(!self.exporting && after.exporting, "export begins".to_owned());
        if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") }
    }
}

/// Whoever is at the console is *the* operator; others are told by name.
fn who(origin: &Origin) -> String {
    if origin.is_console() { "operator".to_owned() } else { format!("operator {origin}") }
}

/// Writes the line.
pub(super) fn tell(command: &Command, origin: &Origin, before: &Standing, after: &Standing) {
    let changes = before.changes(after);
    if matches!(command, Command::SetOrbit(_) | Command::TBar { .. } | Command::JogTo(_)) {
        tracing::debug!("{}: {command:?}: {changes}", who(origin));
    } else {
        tracing::info!("{}: {command:?}: {changes}", who(origin));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_changed_and_nothing_else() {
        let before = Standing {
            marks: 0,
            preview: None,
            position: 2.0,
            program: OnProgram::Live("cam03".to_owned()),
            move_name: "Orbit right".to_owned(),
            quality: "Draft",
            exporting: false,
            edits: 0,
            pending_in: false,
            speed_percent: 50,
            preview_rolls: None,
        };
        assert_eq!(before.changes(&before.clone()), "nothing changed");
        let at = MediaTime::from_secs_f64(3.2);
        let marked = Standing { marks: 1, preview: Some((None, at)), ..before.clone() };
        assert_eq!(before.changes(&marked), "marks 0 -> 1, preview empty -> 00:00:03.200");
        let taken = Standing { program: OnProgram::Replay(at), position: 2.125, ..marked.clone() };
        assert_eq!(marked.changes(&taken), "position 2.000 -> 2.125, program live cam03 -> replay of 00:00:03.200");
        assert_eq!(taken.changes(&marked), "position 2.125 -> 2.000, program replay of 00:00:03.200 -> live cam03");
    }
}
