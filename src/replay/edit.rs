//! Edits of events, and the history that takes them back. Transport is never undone: what is on air stays on air.
//!
//! Must not know: who asked, where events are written down.

use super::{
    Event, EventColor, EventList, event::BEST_RATING, graphics::GraphicList, operators::LockChannel, path::PathList, playlist::Playlist,
    trim::TrimList,
};
use crate::time::MediaTime;

/// Steps that can be taken back.
const STEPS: usize = 200;
/// The longest name, keyword or note, characters.
const LONGEST_TEXT: usize = 400;

/// One change of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventEdit {
    /// Another name; an empty one changes nothing.
    Name(String),
    /// 0 to [`BEST_RATING`]; more is the best.
    Rating(u8),
    /// A colour.
    Color(EventColor),
    /// Notes.
    Notes(String),
    /// Keywords.
    Keywords(Vec<String>),
    /// Tick or clear a camera's angle.
    Angle {
        /// The camera's name.
        camera: String,
        /// Ticked.
        ticked: bool,
    },
    /// In point; out and reference point are taken along where they would lie before it.
    In(MediaTime),
    /// Out point; in and reference point are taken along where they would lie after it.
    Out(MediaTime),
    /// What its moves turn about, millimetres in the world; `None` is the centre of the arc.
    Pivot(Option<[i32; 3]>),
}

fn tidy(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()
}

impl EventEdit {
    /// The event with this change.
    pub fn applied(&self, event: &Event) -> Event {
        let mut e = event.clone();
        match self {
            Self::Name(name) => {
                let name = tidy(name);
                if !name.is_empty() {
                    e.name = name;
                }
            }
            Self::Rating(rating) => e.rating = (*rating).min(BEST_RATING),
            Self::Color(color) => e.color = *color,
            Self::Notes(notes) => e.notes = tidy(notes),
            Self::Keywords(words) => e.keywords = words.iter().map(|w| tidy(w)).filter(|w| !w.is_empty()).collect(),
            Self::Angle { camera, ticked } => {
                e.angles.retain(|c| c != camera);
                if *ticked {
                    e.angles.push(camera.clone());
                    e.angles.sort_unstable();
                }
            }
            Self::Pivot(pivot) => e.pivot_mm = *pivot,
            Self::In(at) => (e.begin, e.end) = (*at, e.end.max(*at)),
            Self::Out(at) => (e.begin, e.end) = (e.begin.min(*at), *at),
        }
        if matches!(self, Self::In(_) | Self::Out(_)) {
            e.instant = e.instant.clamp(e.begin, e.end);
            let (from, until) = event.widest.unwrap_or((event.begin, event.end));
            e.widest = Some((from.min(e.begin), until.max(e.end)));
        }
        e
    }
}

/// What one step changed.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few hundred at most, and most are of events")]
pub(super) enum Change {
    Event { before: Option<Event>, after: Option<Event> },
    Playlist { before: Playlist, after: Playlist },
    Paths { before: PathList, after: PathList },
    Graphics { before: GraphicList, after: GraphicList },
    Trims { before: TrimList, after: TrimList },
}

impl Change {
    fn turned(&self) -> Self {
        match self.clone() {
            Self::Event { before, after } => Self::Event { before: after, after: before },
            Self::Playlist { before, after } => Self::Playlist { before: after, after: before },
            Self::Paths { before, after } => Self::Paths { before: after, after: before },
            Self::Graphics { before, after } => Self::Graphics { before: after, after: before },
            Self::Trims { before, after } => Self::Trims { before: after, after: before },
        }
    }

    fn is_none(&self) -> bool {
        match self {
            Self::Event { before, after } => before == after,
            Self::Playlist { before, after } => before == after,
            Self::Paths { before, after } => before == after,
            Self::Graphics { before, after } => before == after,
            Self::Trims { before, after } => before == after,
        }
    }
}

/// What can be taken back, and what was.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    done: Vec<Change>,
    undone: Vec<Change>,
}

impl History {
    /// Remembers a step; what was taken back before is gone.
    pub fn push(&mut self, change: Change) {
        if change.is_none() {
            return;
        }
        self.undone.clear();
        self.done.push(change);
        if self.done.len() > STEPS {
            self.done.remove(0);
        }
    }

    /// The step that undo (or, `again`, redo) would make now.
    pub fn next(&self, again: bool) -> Option<Change> {
        if again { self.undone.last().cloned() } else { self.done.last().map(Change::turned) }
    }

    /// Which channel undo (or, `again`, redo) would change now.
    pub fn channel(&self, again: bool) -> Option<LockChannel> {
        let change = if again { self.undone.last() } else { self.done.last() };
        change.map(|change| match change {
            Change::Event { .. } | Change::Playlist { .. } | Change::Paths { .. } => LockChannel::Desk,
            Change::Graphics { .. } => LockChannel::Graphics,
            Change::Trims { .. } => LockChannel::Rig,
        })
    }

    /// That step was made.
    pub fn step(&mut self, again: bool) {
        let (from, to) = if again { (&mut self.undone, &mut self.done) } else { (&mut self.done, &mut self.undone) };
        to.extend(from.pop());
    }

    /// How many steps were made, less those that were taken back.
    pub const fn steps(&self) -> usize {
        self.done.len()
    }

    /// Whether there is something to undo, and to redo.
    pub const fn can(&self) -> (bool, bool) {
        (!self.done.is_empty(), !self.undone.is_empty())
    }
}

/// Edits an event of a list; `None` when it is not there.
pub(super) fn edit(list: &mut EventList, history: &mut History, id: super::EventId, change: &EventEdit) -> Option<Event> {
    let event = list.get_mut(id)?;
    let before = event.clone();
    *event = change.applied(event);
    let after = event.clone();
    history.push(Change::Event { before: Some(before), after: Some(after.clone()) });
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::EventRules;

    #[test]
    fn in_and_out_keep_their_order_and_nothing_that_was_kept_is_let_go() {
        let mut list = EventList::default();
        let e = list.mark(MediaTime::from_secs_f64(100.0), EventRules::default()).clone();
        let at = MediaTime::from_secs_f64;
        let narrow = EventEdit::In(at(100.5)).applied(&e);
        assert_eq!((narrow.begin, narrow.instant, narrow.end), (at(100.5), at(100.5), at(101.0)));
        assert_eq!(narrow.pinned_range(), e.pinned_range());
        let over = EventEdit::Out(at(90.0)).applied(&narrow);
        assert_eq!((over.begin, over.instant, over.end), (at(90.0), at(90.0), at(90.0)));
        assert_eq!(over.pinned_range(), (at(85.0), at(106.0)));
    }

    #[test]
    fn words_are_tidied() {
        let e = Event { name: "E001".to_owned(), ..Event::default() };
        assert_eq!(EventEdit::Name("  ".to_owned()).applied(&e).name, "E001");
        assert_eq!(EventEdit::Name(" Goal\n 2 ".to_owned()).applied(&e).name, "Goal 2");
        assert_eq!(EventEdit::Rating(9).applied(&e).rating, BEST_RATING);
        let ticked = EventEdit::Angle { camera: "b".to_owned(), ticked: true }.applied(&e);
        assert_eq!(ticked.angles, ["b"]);
        assert!(EventEdit::Angle { camera: "b".to_owned(), ticked: false }.applied(&ticked).angles.is_empty());
    }
}
