//! The playlist: what is shown after what, from which angle, how fast, and how one becomes the next.
//!
//! Must not know: pictures, rigs, how long a move takes (whoever lays it out says so), clocks.

mod kept;
mod schedule;
mod template;
mod transition;

pub use kept::PlaylistError;
pub use schedule::{Place, Player, Schedule, Slot};
pub use template::{Template, TemplateError};
pub use transition::{Towards, Transition};

use super::{Event, EventId};
use crate::time::MediaTime;

/// More elements than this are not taken.
pub const MOST_ELEMENTS: usize = 200;
/// The longest still, seconds.
const LONGEST_STILL_SECS: f64 = 600.0;
/// The shortest element, seconds.
const SHORTEST_SECS: f64 = 0.04;

/// Identity of an element; never reused within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ElementId(pub u64);

/// What an element shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Shot {
    /// A camera's own frames from in to out.
    Angle,
    /// A move by its name.
    Move(String),
    /// The mark stands for so long, seconds.
    Still {
        /// Seconds.
        secs: f64,
    },
}

/// One element.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Identity; given by the list.
    pub id: ElementId,
    /// The event that it shows.
    pub event: EventId,
    /// Its marked instant.
    pub mark: MediaTime,
    /// From here.
    pub begin: MediaTime,
    /// To here.
    pub end: MediaTime,
    /// What.
    pub shot: Shot,
    /// Where along the arc it begins, gaps.
    pub position: f64,
    /// How fast time runs, percent; negative backwards, never 0.
    pub speed_percent: i32,
    /// For a camera's own frames: how fast time runs at their end, percent, in the same direction; it changes evenly. `None`: as at the beginning.
    pub ramp_percent: Option<i32>,
    /// How it begins.
    pub transition: Transition,
    /// Its end stands until the operator goes on.
    pub hold: bool,
}

impl Element {
    /// A whole event.
    pub fn of(event: &Event, shot: Shot, position: f64, speed_percent: i32) -> Self {
        Self {
            id: ElementId::default(),
            event: event.id,
            mark: event.instant,
            begin: event.begin,
            end: event.end,
            shot,
            position,
            speed_percent,
            ramp_percent: None,
            transition: Transition::Cut,
            hold: false,
        }
    }

    /// How fast time runs on the average, 1 as it was; negative backwards.
    pub fn mean_speed(&self) -> f64 {
        f64::midpoint(f64::from(self.speed_percent), f64::from(self.ramp_percent.unwrap_or(self.speed_percent))) / 100.0
    }

    fn tidied(mut self) -> Self {
        self.position = if self.position.is_finite() { self.position } else { 0.0 };
        (self.begin, self.end) = (self.begin.min(self.end), self.begin.max(self.end));
        self.speed_percent = speed(self.speed_percent);
        // Only frames of a camera run from end to end; time never turns round in the middle.
        let ramp = self.ramp_percent.filter(|_| self.shot == Shot::Angle).map(|end| speed(end).abs() * self.speed_percent.signum());
        self.ramp_percent = ramp.filter(|end| *end != self.speed_percent);
        if let Shot::Still { secs } = &mut self.shot {
            *secs = if secs.is_finite() { secs.clamp(SHORTEST_SECS, LONGEST_STILL_SECS) } else { 2.0 };
        }
        self.transition = self.transition.tidied();
        self
    }
}

fn speed(percent: i32) -> i32 {
    let sign = if percent < 0 { -1 } else { 1 };
    percent.saturating_abs().clamp(5, 400) * sign
}

/// A change of the list; each can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum PlaylistEdit {
    /// Adds elements at the end.
    Add(Vec<Element>),
    /// Takes one out.
    Remove(ElementId),
    /// Puts one at a place, counted from 0; beyond the end is the end.
    Place(ElementId, usize),
    /// Its speed, percent.
    Speed(ElementId, i32),
    /// The speed that it ends with, percent; `None`: the one that it begins with.
    Ramp(ElementId, Option<i32>),
    /// How it begins.
    Transition(ElementId, Transition),
    /// Whether its end stands until the operator goes on.
    Hold(ElementId, bool),
    /// Over and over.
    Loop(bool),
    /// Nothing in it any more.
    Clear,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Playlist {
    elements: Vec<Element>,
    /// Over and over.
    pub looped: bool,
    next: u64,
}

impl Playlist {
    /// The elements in their order.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// Whether an element shows this event.
    pub fn shows(&self, event: EventId) -> bool {
        self.elements.iter().any(|e| e.event == event)
    }

    fn of(&mut self, id: ElementId) -> Option<&mut Element> {
        self.elements.iter_mut().find(|e| e.id == id)
    }

    /// Makes a change; what names an element that is not there changes nothing.
    pub fn apply(&mut self, edit: &PlaylistEdit) {
        match edit {
            PlaylistEdit::Add(elements) => {
                for element in elements.iter().take(MOST_ELEMENTS.saturating_sub(self.elements.len())) {
                    self.next += 1;
                    self.elements.push(Element { id: ElementId(self.next), ..element.clone().tidied() });
                }
            }
            PlaylistEdit::Remove(id) => self.elements.retain(|e| e.id != *id),
            PlaylistEdit::Place(id, to) => {
                if let Some(from) = self.elements.iter().position(|e| e.id == *id) {
                    let element = self.elements.remove(from);
                    self.elements.insert((*to).min(self.elements.len()), element);
                }
            }
            PlaylistEdit::Speed(id, percent) => {
                if let Some(element) = self.of(*id) {
                    *element = Element { speed_percent: *percent, ..element.clone() }.tidied();
                }
            }
            PlaylistEdit::Ramp(id, percent) => {
                if let Some(element) = self.of(*id) {
                    *element = Element { ramp_percent: *percent, ..element.clone() }.tidied();
                }
            }
            PlaylistEdit::Transition(id, transition) => {
                if let Some(element) = self.of(*id) {
                    element.transition = transition.tidied();
                }
            }
            PlaylistEdit::Hold(id, hold) => {
                if let Some(element) = self.of(*id) {
                    element.hold = *hold;
                }
            }
            PlaylistEdit::Loop(looped) => self.looped = *looped,
            PlaylistEdit::Clear => self.elements.clear(),
        }
    }

    /// Puts another list in the place of this one; identities go on.
    pub(super) fn put(&mut self, list: Self) {
        let next = self.next.max(list.next);
        *self = Self { next, ..list };
    }

    /// The list laid out in time, given how long each element lasts by itself, seconds.
    pub fn schedule(&self, secs_of: impl Fn(&Element) -> f64) -> Schedule {
        Schedule::new(self.elements.iter().map(|e| (secs_of(e), e.transition.secs(), e.hold)), self.looped)
    }
}
