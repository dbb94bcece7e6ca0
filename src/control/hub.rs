//! The one way in for everything outside of the windows: words become commands, are written down where that is wanted, and go to the
//! engine.
//!
//! Must not know: sockets, devices.

use std::{fs::File, io::Write as _, sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::text::{command_of, text_of, what_is_wrong};
use crate::{
    engine::{Command, CommandKind, EngineHandle, LockedOut, NotDone, Snapshot},
    replay::operators::{Origin, Way},
};

/// Why words were not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// They are no command.
    #[error("{0}. docs/operator.md lists the commands")]
    Words(String),
    /// They mean the prepared event, and there is none.
    #[error("no event is prepared. Mark an instant or choose an event first")]
    NothingPrepared,
    /// Another operator has locked what it changes.
    #[error(transparent)]
    Locked(LockedOut),
    /// The engine did not take it, or does not say whether it did it.
    #[error(transparent)]
    Engine(NotDone),
}

impl From<NotDone> for Refused {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Locked(why) => Self::Locked(why),
            why => Self::Engine(why),
        }
    }
}

/// Writes commands down, a line each, with their time since the start.
#[derive(Debug, Clone)]
pub struct Recorder {
    file: Arc<Mutex<File>>,
    begun: Instant,
}

impl Recorder {
    /// Into a file; time counts from now.
    pub fn new(file: File) -> Self {
        Self { file: Arc::new(Mutex::new(file)), begun: Instant::now() }
    }

    /// Writes a command down, if it has words; where a name was said, with that.
    pub fn tell(&self, origin: &Origin, command: &Command) {
        let Some(text) = text_of(command) else { return };
        let who = origin.operator.as_ref().map_or_else(String::new, |name| format!("as {name} "));
        // A disk that is full does not end the show.
        if let Err(e) = writeln!(self.file.lock(), "at {:.3} {who}{text}", self.begun.elapsed().as_secs_f64()) {
            tracing::warn!(%e, "a command was not written down");
        }
    }
}

/// The way in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    engine: EngineHandle,
    recorder: Option<Recorder>,
    origin: Origin,
}

/// Whether words mean the event in preview, whichever that is: `edit-event prepared …`, `remove-event prepared`.
pub(super) fn names_prepared(words: &str) -> bool {
    with_prepared(words, "0").is_some_and(|words| command_of(&words).is_some())
}

fn with_prepared(words: &str, id: &str) -> Option<String> {
    ["edit-event prepared", "remove-event prepared"].into_iter().find_map(|begin| {
        let rest = words.strip_prefix(begin).filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
        Some(format!("{} {id}{rest}", begin.split(' ').next()?))
    })
}

impl Hub {
    /// To an engine; `recorder` writes down what comes in.
    pub const fn new(engine: EngineHandle, recorder: Option<Recorder>) -> Self {
        Self { engine, recorder, origin: Origin::unnamed(Way::Console) }
    }

    /// The same way in for somebody else.
    #[must_use]
    pub fn of(&self, origin: Origin) -> Self {
        Self { origin, ..self.clone() }
    }

    /// Does what words ask for and says which command that was. The engine's word is waited for only where locks may stand in the way.
    pub fn say(&self, words: &str) -> Result<Command, Refused> {
        let command = self.understood(words)?;
        let is_lock = matches!(command.kind(), CommandKind::Lock | CommandKind::Unlock | CommandKind::TakeOver);
        if is_lock || !self.snapshot().operators.locks.is_empty() {
            self.ask(command.clone())?;
        } else {
            self.send(command.clone())?;
        }
        Ok(command)
    }

    /// Hands a command over and waits until the engine has done it, or says why not.
    pub fn ask(&self, command: Command) -> Result<(), Refused> {
        if let Some(recorder) = &self.recorder {
            recorder.tell(&self.origin, &command);
        }
        Ok(self.engine.ask(self.origin.clone(), command)?)
    }

    /// Who comes this way is there, so that locks stay; without a name nobody is.
    pub fn hear(&self) {
        if self.origin.operator.is_some() {
            self.engine.hear(self.origin.clone());
        }
    }

    /// The command of words; nothing is done.
    pub fn understood(&self, words: &str) -> Result<Command, Refused> {
        let words = words.trim();
        if !names_prepared(words) {
            return command_of(words).ok_or_else(|| Refused::Words(what_is_wrong(words)));
        }
        let prepared = self.snapshot().preview.as_ref().and_then(|p| p.event).ok_or(Refused::NothingPrepared)?;
        with_prepared(words, &prepared.0.to_string()).and_then(|w| command_of(&w)).ok_or_else(|| Refused::Words(what_is_wrong(words)))
    }

    /// Hands a command over.
    pub fn send(&self, command: Command) -> Result<(), Refused> {
        if let Some(recorder) = &self.recorder {
            recorder.tell(&self.origin, &command);
        }
        if self.engine.send_as(self.origin.clone(), command) { Ok(()) } else { Err(Refused::Engine(NotDone::Behind)) }
    }

    /// The state now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.engine.snapshot()
    }

    /// The engine.
    pub const fn engine(&self) -> &EngineHandle {
        &self.engine
    }
}
