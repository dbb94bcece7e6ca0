//! Several operators on one engine: who asks, which channels of the show somebody has locked, and who may take a lock over.
//!
//! A lock keeps others' hands off, not strangers out: whether a name is true is not asked here. Must not know: commands, clocks (times are given as
//! durations since the start), how operators reach the engine.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc, time::Duration};

/// An operator who says nothing for so long is away: others with a name may take a lock over.
pub const AWAY_AFTER: Duration = Duration::from_secs(10);
/// An operator who says nothing for so long has left: the locks are let go.
pub const LEFT_AFTER: Duration = Duration::from_mins(1);
/// Operators that are remembered.
const MOST_OPERATORS: usize = 64;
/// Characters of a name.
const LONGEST_NAME: usize = 32;

/// What can be locked by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockChannel {
    /// What is on air: takes, the live camera, transitions, the playlist while it plays.
    Program,
    /// The same of the second channel.
    ProgramB,
    /// What is prepared: instant, position, move, speed.
    Preview,
    /// Events, playlist, templates, paths.
    Desk,
    /// The graphics.
    Graphics,
    /// The rig and the match of the cameras: trims, plates, quality, ladder, calibration.
    Rig,
    /// What leaves the machine: outputs, sound under a freeze, exports.
    Outputs,
}

impl LockChannel {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Program, Self::ProgramB, Self::Preview, Self::Desk, Self::Graphics, Self::Rig, Self::Outputs];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::ProgramB => "program-b",
            Self::Preview => "preview",
            Self::Desk => "desk",
            Self::Graphics => "graphics",
            Self::Rig => "rig",
            Self::Outputs => "outputs",
        }
    }

    /// The channel of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// The name that an operator goes by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorName(Arc<str>);

/// Why a word is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no operator's name: write 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores; `console` is the engine's own desk"
)]
pub struct OperatorNameError(String);

impl OperatorName {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = OperatorNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_short = (1..=LONGEST_NAME).contains(&name.chars().count());
        let is_word = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if is_short && is_word && !name.eq_ignore_ascii_case(Holder::CONSOLE) {
            return Ok(Self(Arc::from(name)));
        }
        Err(OperatorNameError(name.chars().filter(|c| !c.is_control()).take(2 * LONGEST_NAME).collect()))
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way that a command came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Keys, mouse and touch at the engine's own desk.
    #[default]
    Console,
    /// MIDI, jog shuttles and game pads of that desk.
    Surface,
    /// A script that runs on this machine.
    Script,
    /// OSC.
    Osc,
    /// The control API.
    Http,
}

impl Way {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Surface => "surface",
            Self::Script => "script",
            Self::Osc => "osc",
            Self::Http => "http",
        }
    }
}

/// Who asks, and which way it came. The console's keys, its surfaces and its scripts are one operator, unless a script says another's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The way.
    pub way: Way,
    /// The name, where one was said.
    pub operator: Option<OperatorName>,
}

impl Origin {
    /// Without a name.
    pub const fn unnamed(way: Way) -> Self {
        Self { way, operator: None }
    }

    /// With a name.
    pub const fn named(way: Way, operator: OperatorName) -> Self {
        Self { way, operator: Some(operator) }
    }

    /// Who a lock of this origin belongs to; `None` for those who come from elsewhere and say no name.
    pub fn holder(&self) -> Option<Holder> {
        match (&self.operator, self.way) {
            (Some(name), _) => Some(Holder::Operator(name.clone())),
            (None, Way::Console | Way::Surface | Way::Script) => Some(Holder::Console),
            (None, Way::Osc | Way::Http) => None,
        }
    }

    /// Whether it is the engine's own desk.
    pub const fn is_console(&self) -> bool {
        self.operator.is_none() && matches!(self.way, Way::Console | Way::Surface | Way::Script)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operator {
            Some(name) => name.fmt(f),
            None if self.is_console() => f.write_str(Holder::CONSOLE),
            None => write!(f, "somebody over {}", self.way.name()),
        }
    }
}

/// Whose a lock is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The engine's own desk, which is never away.
    Console,
    /// An operator with a name.
    Operator(OperatorName),
}

impl Holder {
    const CONSOLE: &'static str = "console";
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console => f.write_str(Self::CONSOLE),
            Self::Operator(name) => name.fmt(f),
        }
    }
}

/// What is to be done with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOrder {
    /// Lock what is free.
    Lock,
    /// Let go what is one's own; the console lets go anybody's.
    Unlock,
    /// Get what another has locked.
    TakeOver,
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Whose it is.
    pub holder: Holder,
    /// Since when.
    pub since: Duration,
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockRefusal {
    /// Another has locked it.
    Held {
        /// What.
        channel: LockChannel,
        /// Who.
        holder: Holder,
        /// The holder has not been heard for [`AWAY_AFTER`]: it can be taken over.
        away: bool,
    },
    /// A lock without a name would be nobody's.
    Nameless,
    /// There is nothing to let go.
    NotHeld,
}

/// When somebody was heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    at: Duration,
    /// A script says nothing between its lines, and is there: it does not leave, and what it holds can be taken over.
    by_script: bool,
}

/// An operator with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The name.
    pub name: OperatorName,
    /// Silent for so long.
    pub silent: Duration,
    /// Others may take over.
    pub away: bool,
}

/// The operators and their locks.
#[derive(Debug, Clone, Default)]
pub struct Operators {
    locks: BTreeMap<LockChannel, Lock>,
    heard: BTreeMap<OperatorName, Heard>,
}

impl Operators {
    /// The locks.
    pub fn locks(&self) -> impl Iterator<Item = (LockChannel, &Lock)> {
        self.locks.iter().map(|(channel, lock)| (*channel, lock))
    }

    /// Whose a channel is.
    pub fn holder(&self, channel: LockChannel) -> Option<&Holder> {
        self.locks.get(&channel).map(|lock| &lock.holder)
    }

    /// Those who said a name, by it.
    pub fn present(&self, now: Duration) -> impl Iterator<Item = Presence> {
        self.heard.iter().map(move |(name, heard)| Presence {
            name: name.clone(),
            silent: now.saturating_sub(heard.at),
            away: heard.by_script || now.saturating_sub(heard.at) >= AWAY_AFTER,
        })
    }

    /// Whether a holder has not been heard for long.
    pub fn is_away(&self, holder: &Holder, now: Duration) -> bool {
        match holder {
            Holder::Console => false,
            Holder::Operator(name) => {
                self.heard.get(name).is_none_or(|heard| heard.by_script || now.saturating_sub(heard.at) >= AWAY_AFTER)
            }
        }
    }

    /// Somebody said something.
    pub fn hear(&mut self, origin: &Origin, now: Duration) {
        let Some(name) = &origin.operator else { return };
        self.heard.insert(name.clone(), Heard { at: now, by_script: origin.way == Way::Script });
        while self.heard.len() > MOST_OPERATORS {
            // Who holds a lock is never forgotten, and there are fewer locks than places.
            let silent = self.heard.iter().filter(|(other, _)| *other != name && !self.holds(other));
            let Some(longest) = silent.min_by_key(|(_, heard)| heard.at).map(|(other, _)| other.clone()) else { return };
            self.heard.remove(&longest);
        }
    }

    fn holds(&self, name: &OperatorName) -> bool {
        self.locks.values().any(|lock| matches!(&lock.holder, Holder::Operator(holder) if holder == name))
    }

    /// Whether somebody may change all of these channels.
    pub fn may(&self, origin: &Origin, channels: &[LockChannel], now: Duration) -> Result<(), LockRefusal> {
        let own = origin.holder();
        let of_another = |channel: &LockChannel| self.holder(*channel).filter(|holder| own.as_ref() != Some(holder)).map(|h| (*channel, h));
        match channels.iter().find_map(of_another) {
            Some((channel, holder)) => Err(LockRefusal::Held { channel, holder: holder.clone(), away: self.is_away(holder, now) }),
            None => Ok(()),
        }
    }

    /// Does what is asked for with these channels, or nothing of it; the channels that changed hands.
    pub fn order(
        &mut self,
        origin: &Origin,
        order: LockOrder,
        channels: &[LockChannel],
        now: Duration,
    ) -> Result<Vec<LockChannel>, LockRefusal> {
        let holder = origin.holder().ok_or(LockRefusal::Nameless)?;
        self.hear(origin, now);
        match order {
            LockOrder::Lock => self.may(origin, channels, now)?,
            LockOrder::TakeOver if !origin.is_console() => {
                for channel in channels {
                    match self.may(origin, &[*channel], now) {
                        Err(LockRefusal::Held { away: true, .. }) | Ok(()) => {}
                        refused => return refused.map(|()| vec![]),
                    }
                }
            }
            LockOrder::TakeOver => {}
            LockOrder::Unlock => return self.unlock(origin, &holder, channels, now),
        }
        let mut changed = Vec::new();
        for channel in channels {
            if self.holder(*channel) != Some(&holder) {
                self.locks.insert(*channel, Lock { holder: holder.clone(), since: now });
                changed.push(*channel);
            }
        }
        Ok(changed)
    }

    fn unlock(&mut self, origin: &Origin, own: &Holder, channels: &[LockChannel], now: Duration) -> Result<Vec<LockChannel>, LockRefusal> {
        let held: Vec<LockChannel> = channels.iter().copied().filter(|c| self.locks.contains_key(c)).collect();
        let mine: Vec<LockChannel> = held.iter().copied().filter(|c| origin.is_console() || self.holder(*c) == Some(own)).collect();
        // Of many channels one's own are meant; of one, that one.
        if mine.is_empty() {
            self.may(origin, &held, now)?;
            return Err(LockRefusal::NotHeld);
        }
        self.locks.retain(|channel, _| !mine.contains(channel));
        Ok(mine)
    }

    /// Lets go the locks of those who have left, and forgets those; who held what.
    pub fn let_go(&mut self, now: Duration) -> Vec<(LockChannel, OperatorName)> {
        let left = |heard: &Heard| !heard.by_script && now.saturating_sub(heard.at) >= LEFT_AFTER;
        self.heard.retain(|_, heard| !left(heard));
        let heard = &self.heard;
        let mut gone = Vec::new();
        self.locks.retain(|channel, lock| match &lock.holder {
            Holder::Operator(name) if !heard.contains_key(name) => {
                gone.push((*channel, name.clone()));
                false
            }
            _ => true,
        });
        gone
    }
}
