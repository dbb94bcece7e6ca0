//! The director's part for several operators: every command comes in here, with whose it is, and what another has locked is refused.
//!
//! Must not know: how operators reach the engine, what commands do.

use std::time::Duration;

use super::{Director, NoticeLevel};
use crate::{
    engine::{
        Command, LockView, LockedOut, OperatorView, OperatorsView,
        command::{Situation, channels},
        live::Asked,
    },
    replay::{
        Program, TransportCommand,
        operators::{AWAY_AFTER, LEFT_AFTER, LockChannel, LockOrder, LockRefusal, Origin},
    },
};

/// Channels as a notice names them.
fn named(channels: &[LockChannel]) -> String {
    channels.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ")
}

impl Director {
    /// Something came from an operator.
    pub(super) fn asked(&mut self, asked: Asked) {
        let now = self.begun.elapsed();
        match asked {
            Asked::Heard(origin) => self.operators.hear(&origin, now),
            Asked::Look(look) => self.keep_look(look),
            Asked::Command(origin, command, answer) => {
                self.operators.hear(&origin, now);
                let done = self.obey_as(&origin, command, now);
                // Who asked may have gone away.
                answer.map(|answer| answer.try_send(done).ok());
            }
        }
    }

    /// Does what somebody asks for, unless another has locked what it changes.
    fn obey_as(&mut self, origin: &Origin, command: Command, now: Duration) -> Result<(), LockedOut> {
        if let Command::Lock(order, channel) = command {
            return self.order_locks(origin, order, channel, now);
        }
        if let Err(refused) = self.operators.may(origin, channels(&command, &self.situation()), now) {
            return Err(self.refuse(origin, &refused, command.kind().info().name));
        }
        // A mark that waited would be lost; one that prepared itself would take preview out of another's hands.
        let noted = matches!(command, Command::Mark | Command::LastFive | Command::LastTen)
            && self.operators.may(origin, &[LockChannel::Preview], now).is_err();
        if noted {
            tracing::info!("operator {origin}: {command:?}, noted");
            self.note(&command);
        } else {
            self.command(command, origin);
        }
        Ok(())
    }

    fn situation(&self) -> Situation {
        let rolls = self.program.roll.is_some_and(|r| r.speed_percent != 0) && self.program.playing.as_ref().is_some_and(|p| p.plain);
        let replays = matches!(self.transport.program(), Program::Replay(_));
        Situation {
            on_air: replays || self.cueing.is_some() || self.starting.is_some(),
            program_rolls: replays && rolls,
            preview_rolls: self.preview.roll.is_some(),
            prepared: self.transport.preview().and_then(|p| p.event),
            undo_redo: (self.transport.travel_channel(false), self.transport.travel_channel(true)),
        }
    }

    /// Keeps a mark, and leaves preview as it is.
    fn note(&mut self, command: &Command) {
        let Some(at) = self.newest() else {
            return self.warn("Nothing to mark yet: no camera has delivered a picture. Check the camera list".to_owned());
        };
        let secs = match command {
            Command::LastFive => Some(5),
            Command::LastTen => Some(10),
            _ => None,
        };
        self.apply(TransportCommand::Note { from: secs.map(|s: i64| at.plus_nanos(-s * 1_000_000_000)), at });
        if let Some(holder) = self.operators.holder(LockChannel::Preview) {
            let text = format!("Marked, and not prepared: {holder} has locked preview");
            self.notice(NoticeLevel::Info, text);
        }
    }

    fn order_locks(&mut self, origin: &Origin, order: LockOrder, channel: Option<LockChannel>, now: Duration) -> Result<(), LockedOut> {
        let wanted = channel.map_or_else(|| LockChannel::ALL.to_vec(), |channel| vec![channel]);
        match self.operators.order(origin, order, &wanted, now) {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => {
                let channels = named(&changed);
                self.notice(
                    NoticeLevel::Info,
                    match order {
                        LockOrder::Lock => format!("{origin} has locked {channels}"),
                        LockOrder::Unlock => format!("{origin} has unlocked {channels}"),
                        LockOrder::TakeOver => format!("{origin} has taken over {channels}"),
                    },
                );
            }
            Err(refused) => {
                let name = match order {
                    LockOrder::Lock => "LOCK",
                    LockOrder::Unlock => "UNLOCK",
                    LockOrder::TakeOver => "TAKE OVER",
                };
                return Err(self.refuse(origin, &refused, name));
            }
        }
        Ok(())
    }

    /// Says why not, to whoever asked and to the console.
    fn refuse(&mut self, origin: &Origin, refused: &LockRefusal, name: &str) -> LockedOut {
        let away_secs = AWAY_AFTER.as_secs();
        let why = match refused {
            LockRefusal::Nameless => {
                "A lock needs a name. Say it as X-Volte-Operator or ?operator= (HTTP), or as /volte/as/NAME/lock (OSC)".to_owned()
            }
            LockRefusal::NotHeld => format!("UNLOCK of {origin} was not done: there is no such lock"),
            LockRefusal::Held { channel, holder, .. } if origin.is_console() => {
                let channel = channel.name();
                format!(
                    "{name} was not done: {holder} has locked {channel}. Take it over at the top of the console, or by take-over {channel}"
                )
            }
            LockRefusal::Held { channel, holder, away: true } => {
                let channel = channel.name();
                format!("{name} of {origin} was not done: {holder} has locked {channel} and is away. take-over {channel} gets it")
            }
            LockRefusal::Held { channel, holder, away: false } => {
                let channel = channel.name();
                format!(
                    "{name} of {origin} was not done: {holder} has locked {channel}. Ask {holder} for unlock {channel}, or the console; after {away_secs} s of silence take-over {channel} gets it"
                )
            }
        };
        // What somebody else was refused needs no hand at the console.
        self.notice(if origin.is_console() { NoticeLevel::Warning } else { NoticeLevel::Info }, why.clone());
        let held = match refused {
            LockRefusal::Held { channel, holder, .. } => Some((*channel, holder.clone())),
            LockRefusal::Nameless | LockRefusal::NotHeld => None,
        };
        LockedOut { why, held }
    }

    /// Locks of those who have left are let go.
    pub(super) fn let_locks_go(&mut self) {
        let secs = LEFT_AFTER.as_secs();
        for (channel, name) in self.operators.let_go(self.begun.elapsed()) {
            let channel = channel.name();
            self.notice(NoticeLevel::Info, format!("{name} has not been heard for {secs} s: {channel} is unlocked"));
        }
    }

    pub(in crate::engine) fn operators_view(&self) -> OperatorsView {
        let now = self.begun.elapsed();
        let lock = |(channel, lock): (LockChannel, &crate::replay::operators::Lock)| LockView {
            channel,
            holder: lock.holder.clone(),
            held_secs: now.saturating_sub(lock.since).as_secs_f64(),
            away: self.operators.is_away(&lock.holder, now),
        };
        OperatorsView {
            locks: self.operators.locks().map(lock).collect(),
            operators: self
                .operators
                .present(now)
                .map(|p| OperatorView { name: p.name, silent_secs: p.silent.as_secs_f64(), away: p.away })
                .collect(),
        }
    }
}
