//! Commands as text: what an operator did, one line each, written down and done again; and small shows for tests.
//!
//! The commands' own words are [`super::text`]'s. A line is `at 12.5 take` (seconds since the start), `+0.5 take` (seconds after the line before), `take` (at once) or
//! `until on-air` (waits for a state); `as anna take` is what an operator of that name did. `#` begins a comment. Must not know: windows, files.

use std::time::{Duration, Instant};

use super::text::{command_of, what_is_wrong};
use crate::{
    engine::{Command, Engine, Snapshot},
    replay::{
        Phase, Readiness,
        operators::{OperatorName, OperatorNameError, Origin, Way},
    },
};

/// A state is waited for so long.
const WITHIN: Duration = Duration::from_mins(2);

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A line is no command.
    #[error("line {line}: {problem}. docs/operator.md lists the commands")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A state did not come.
    #[error("line {line}: the state {state:?} did not come within {} s. Now: {now}", WITHIN.as_secs())]
    Never {
        /// From 1.
        line: usize,
        /// The state.
        state: &'static str,
        /// What is instead.
        now: String,
    },
    /// The engine did not take a command.
    #[error("line {line}: the engine is behind and did not take the command. Run it on a faster machine")]
    Behind {
        /// From 1.
        line: usize,
    },
}

/// A state that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Pictures arrive.
    Recording,
    /// What is prepared can be taken.
    Armed,
    /// It is solved.
    Ready,
    /// A replay is on program.
    OnAir,
    /// Time runs on program.
    Rolling,
    /// A replay stands on program: its move has ended, or it was stopped.
    Standing,
    /// Program is live.
    Live,
}

impl Until {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Recording, "recording"),
        (Self::Armed, "armed"),
        (Self::Ready, "ready"),
        (Self::OnAir, "on-air"),
        (Self::Rolling, "rolling"),
        (Self::Standing, "standing"),
        (Self::Live, "live"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(u, _)| *u == self).map_or("", |(_, name)| name)
    }

    fn is_so(self, s: &Snapshot) -> bool {
        let on_air = s.phase == Phase::OnAir;
        match self {
            Self::Recording => s.ring.newest.is_some() && s.cameras.iter().any(|c| c.live.is_some()),
            Self::Armed => s.can_take,
            Self::Ready => s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved),
            Self::OnAir => on_air,
            Self::Rolling => on_air && s.program.roll.is_some_and(|r| r.speed_percent != 0),
            Self::Standing => {
                let ended = matches!(s.program.kind, crate::engine::ProgramKind::Replay { progress, .. } if progress >= 1.0);
                on_air && ended && s.program.roll.is_none_or(|r| r.speed_percent == 0)
            }
            Self::Live => !on_air,
        }
    }
}

/// When a step is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Seconds since the start.
    At(f64),
    /// Seconds after the step before.
    After(f64),
}

/// What it does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A command.
    Do(Command),
    /// A command of an operator with a name.
    As(OperatorName, Command),
    /// Waits.
    Wait(Until),
}

/// A line of a script: its number from 1, when, what.
pub type Line = (usize, When, Step);

/// Reads a script.
pub fn parse(text: &str) -> Result<Vec<Line>, ScriptError> {
    let mut lines = Vec::new();
    for (k, full) in text.lines().enumerate() {
        let line = k + 1;
        let wrong = |problem: String| ScriptError::Line { line, problem };
        let words = full.split('#').next().unwrap_or_default().trim();
        if words.is_empty() {
            continue;
        }
        let secs = |word: &str| {
            word.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0).ok_or_else(|| wrong(format!("{word:?} is no time in seconds")))
        };
        let (when, rest) = if let Some(rest) = words.strip_prefix("at ") {
            let (time, rest) = rest.trim().split_once(' ').ok_or_else(|| wrong("there is no command after the time".to_owned()))?;
            (When::At(secs(time)?), rest.trim())
        } else if let Some(rest) = words.strip_prefix('+') {
            let (time, rest) = rest.split_once(' ').ok_or_else(|| wrong("there is no command after the time".to_owned()))?;
            (When::After(secs(time)?), rest.trim())
        } else {
            (When::After(0.0), words)
        };
        let step = match rest.strip_prefix("until ") {
            Some(state) => {
                let known = Until::ALL.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
                let found = Until::ALL.iter().find(|(_, name)| *name == state.trim());
                Step::Wait(found.ok_or_else(|| wrong(format!("{state:?} is no state; there are {known}")))?.0)
            }
            None => match rest.strip_prefix("as ").map(|rest| rest.trim_start().split_once(' ').unwrap_or((rest, ""))) {
                Some((name, rest)) => {
                    let name = name.parse().map_err(|e: OperatorNameError| wrong(e.to_string()))?;
                    Step::As(name, command_of(rest.trim()).ok_or_else(|| wrong(what_is_wrong(rest)))?)
                }
                None => Step::Do(command_of(rest).ok_or_else(|| wrong(what_is_wrong(rest)))?),
            },
        };
        lines.push((line, when, step));
    }
    Ok(lines)
}

/// Runs a script on an engine; `told` hears of every line when it is done. Ends early when `cancelled`.
pub fn run(
    engine: &Engine,
    lines: &[Line],
    mut told: impl FnMut(usize, &Step, &Snapshot),
    cancelled: impl Fn() -> bool,
) -> Result<(), ScriptError> {
    let begun = Instant::now();
    for (line, when, step) in lines {
        let line = *line;
        let due = match when {
            When::At(secs) => begun + Duration::from_secs_f64(secs.min(1e6)),
            When::After(secs) => Instant::now() + Duration::from_secs_f64(secs.min(1e6)),
        };
        while Instant::now() < due && !cancelled() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(20)));
        }
        if cancelled() {
            return Ok(());
        }
        match step {
            Step::Do(command) | Step::As(_, command) => {
                let operator = if let Step::As(name, _) = step { Some(name.clone()) } else { None };
                let before = engine.snapshot().serial;
                if !engine.send_as(Origin { way: Way::Script, operator }, command.clone()) {
                    return Err(ScriptError::Behind { line });
                }
                // What comes next sees what this one did.
                let _ = engine.wait_for(Duration::from_secs(1), |s| s.serial > before + 1);
            }
            Step::Wait(until) => {
                let came = engine.wait_for(WITHIN, |s| until.is_so(s) || cancelled());
                if came.is_none() {
                    let s = engine.snapshot();
                    let now = format!("{}, {:?}, notices {:?}", s.phase.label(), s.program.kind, s.notices.last().map(|n| &n.text));
                    return Err(ScriptError::Never { line, state: until.name(), now });
                }
            }
        }
        told(line, step, &engine.snapshot());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::operators::{LockChannel, LockOrder};

    #[test]
    fn a_script_has_times_states_and_comments() {
        let lines = parse("# a show\nuntil recording\nat 2.5 mark # now\n\n+0.5 take\nreturn\n+1 as anna lock program").unwrap();
        assert_eq!(
            lines,
            [
                (2, When::After(0.0), Step::Wait(Until::Recording)),
                (3, When::At(2.5), Step::Do(Command::Mark)),
                (5, When::After(0.5), Step::Do(Command::Take)),
                (6, When::After(0.0), Step::Do(Command::Return)),
                (7, When::After(1.0), Step::As("anna".parse().unwrap(), Command::Lock(LockOrder::Lock, Some(LockChannel::Program)))),
            ]
        );
        for (text, word) in [
            ("mark\nfly", "line 2"),
            ("until lunch", "on-air"),
            ("at x take", "no time"),
            ("speed fast", "no command"),
            ("as console take", "no operator's name"),
            ("as anna fly", "no command"),
            ("as anna", "no command"),
            ("+1", "no command"),
        ] {
            let told = parse(text).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
