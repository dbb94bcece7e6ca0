//! Events: what a mark leaves on the timeline. A slice of time over *all* cameras, never a clip of one.
//!
//! A mark is one reference point; the event around it has a default length and guard bands, so that it can be widened
//! later without loss. Must not know: the ring that keeps the pictures (it is asked to pin [`Event::pinned_range`]).

use crate::time::MediaTime;

/// Identity of an event; never reused within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

/// Default length and guard bands of new events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EventRules {
    /// From the in point to the mark, nanoseconds.
    pub before_nanos: i64,
    /// From the mark to the out point, nanoseconds.
    pub after_nanos: i64,
    /// Kept on both sides beyond in and out, nanoseconds.
    pub guard_nanos: i64,
}

impl Default for EventRules {
    /// 4 s around the mark (most of it before: the operator marks what has just happened) and 5 s of guard.
    fn default() -> Self {
        Self { before_nanos: 3_000_000_000, after_nanos: 1_000_000_000, guard_nanos: 5_000_000_000 }
    }
}

/// A colour that sorts events; each has a name and, in lists, a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the colour of the same name")]
pub enum EventColor {
    #[default]
    None,
    Red,
    Amber,
    Green,
    Blue,
    Violet,
}

impl EventColor {
    /// All, in the order in which they are gone through.
    pub const ALL: [Self; 6] = [Self::None, Self::Red, Self::Amber, Self::Green, Self::Blue, Self::Violet];

    /// Its name, for search and for those who do not see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Violet => "violet",
        }
    }

    /// The next one; after the last, none again.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|c| *c == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// The best rating.
pub const BEST_RATING: u8 = 5;

/// A slice of time over all cameras with the instant that was marked.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Identity.
    pub id: EventId,
    /// Shown to the operator; `E001` until renamed.
    pub name: String,
    /// The marked instant.
    pub instant: MediaTime,
    /// In point, at or before the instant.
    pub begin: MediaTime,
    /// Out point, at or after the instant.
    pub end: MediaTime,
    /// Guard band on both sides, nanoseconds.
    pub guard_nanos: i64,
    /// How often it was on air.
    pub takes: u32,
    /// Words to find it by.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// 0 (none) to [`BEST_RATING`].
    #[serde(default)]
    pub rating: u8,
    /// Sorts it.
    #[serde(default)]
    pub color: EventColor,
    /// The operator's words.
    #[serde(default)]
    pub notes: String,
    /// Cameras whose angle was ticked, by name.
    #[serde(default)]
    pub angles: Vec<String>,
    /// What its moves turn about, millimetres in the world; `None` is the centre of the arc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pivot_mm: Option<[i32; 3]>,
    /// The widest that in and out ever were: what was kept once stays kept, so that an edit can be taken back.
    #[serde(default)]
    pub widest: Option<(MediaTime, MediaTime)>,
}

impl Event {
    /// What the ring must not overwrite: in to out, as wide as they ever were, with guard bands.
    pub fn pinned_range(&self) -> (MediaTime, MediaTime) {
        let (begin, end) = self.widest.map_or((self.begin, self.end), |(from, until)| (from.min(self.begin), until.max(self.end)));
        (begin.plus_nanos(-self.guard_nanos), end.plus_nanos(self.guard_nanos))
    }

    /// The same of a session whose numbers and house time were others: `nanos` later.
    #[must_use]
    pub fn moved(self, id: EventId, nanos: i64) -> Self {
        let by = |time: MediaTime| time.plus_nanos(nanos);
        Self {
            id,
            instant: by(self.instant),
            begin: by(self.begin),
            end: by(self.end),
            widest: self.widest.map(|(from, until)| (by(from), by(until))),
            ..self
        }
    }

    /// What its moves turn about, metres in the world.
    pub fn pivot_m(&self) -> Option<[f64; 3]> {
        self.pivot_mm.map(|p| p.map(|mm| f64::from(mm) * 1e-3))
    }

    /// Whether `at` lies between in and out.
    pub fn contains(&self, at: MediaTime) -> bool {
        self.begin <= at && at <= self.end
    }

    /// From in to out, nanoseconds.
    pub fn length_nanos(&self) -> i64 {
        self.end - self.begin
    }

    /// Whether every word of `query` is found in it, upper and lower case alike: in its name, keywords, notes, colour or ticked
    /// angles; `*3` asks for a rating of three or more.
    pub fn matches(&self, query: &str) -> bool {
        query.split_whitespace().all(|word| {
            if let Some(least) = word.strip_prefix('*').and_then(|n| n.parse::<u8>().ok()) {
                return self.rating >= least;
            }
            let word = word.to_lowercase();
            let texts = [&self.name, &self.notes].into_iter().chain(&self.keywords).chain(&self.angles);
            let in_texts = texts.into_iter().any(|text| text.to_lowercase().contains(&word));
            in_texts || self.color != EventColor::None && self.color.name().contains(&word)
        })
    }
}

/// All events of the session, in the order of their marks.
#[derive(Debug, Clone, Default)]
pub struct EventList {
    events: Vec<Event>,
    next: u64,
}

impl EventList {
    /// Takes over events of an earlier session; an identity that is there already is not taken again.
    pub fn restore(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if self.get(event.id).is_none() {
                self.next = self.next.max(event.id.0);
                self.events.push(event);
            }
        }
        self.events.sort_by_key(|e| e.id);
    }

    /// Drops a mark at `instant`.
    pub fn mark(&mut self, instant: MediaTime, rules: EventRules) -> &Event {
        let (begin, end) = (instant.plus_nanos(-rules.before_nanos.max(0)), instant.plus_nanos(rules.after_nanos.max(0)));
        self.mark_range(begin, end, instant, rules)
    }

    /// Adds an event from in to out (in either order) with a reference point between them.
    pub fn mark_range(&mut self, begin: MediaTime, end: MediaTime, instant: MediaTime, rules: EventRules) -> &Event {
        self.next += 1;
        let at = self.events.len();
        let (begin, end) = (begin.min(end), begin.max(end));
        self.events.push(Event {
            id: EventId(self.next),
            name: format!("E{:03}", self.next),
            instant: instant.clamp(begin, end),
            begin,
            end,
            guard_nanos: rules.guard_nanos.max(0),
            ..Event::default()
        });
        &self.events[at]
    }

    /// Puts an event back in its place, or in the place of what it was; how often it was taken is not forgotten.
    pub fn put(&mut self, mut event: Event) {
        self.next = self.next.max(event.id.0);
        match self.events.binary_search_by_key(&event.id, |e| e.id) {
            Ok(at) => {
                let was = &self.events[at];
                event.takes = event.takes.max(was.takes);
                // What was kept stays kept, so that the next step of the history finds its pictures.
                event.widest = match (event.widest, was.widest) {
                    (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                    (a, b) => a.or(b),
                };
                self.events[at] = event;
            }
            Err(at) => self.events.insert(at, event),
        }
    }

    /// The event of that identity.
    pub fn get(&self, id: EventId) -> Option<&Event> {
        self.events.iter().find(|e| e.id == id)
    }

    /// The same, to edit.
    pub fn get_mut(&mut self, id: EventId) -> Option<&mut Event> {
        self.events.iter_mut().find(|e| e.id == id)
    }

    /// Takes an event out; only an explicit command of the operator does this.
    pub fn remove(&mut self, id: EventId) -> Option<Event> {
        let at = self.events.iter().position(|e| e.id == id)?;
        Some(self.events.remove(at))
    }

    /// The neighbour of `id` in the list (`forward`: later mark), or the last event when `id` is none.
    pub fn neighbour(&self, id: Option<EventId>, forward: bool) -> Option<&Event> {
        match id.and_then(|id| self.events.iter().position(|e| e.id == id)) {
            None => self.events.last(),
            Some(at) if forward => self.events.get(at + 1),
            Some(at) => at.checked_sub(1).and_then(|before| self.events.get(before)),
        }
    }

    /// All, oldest mark first.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.events.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl<'a> IntoIterator for &'a EventList {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_makes_an_event_with_guards() {
        let mut list = EventList::default();
        let e = list.mark(MediaTime::from_secs_f64(100.0), EventRules::default()).clone();
        assert_eq!(e.name, "E001");
        assert_eq!((e.begin.secs_f64(), e.end.secs_f64()), (97.0, 101.0));
        assert_eq!(e.pinned_range(), (MediaTime::from_secs_f64(92.0), MediaTime::from_secs_f64(106.0)));
        assert!(e.contains(e.instant) && !e.contains(e.end.plus_nanos(1)));
    }

    #[test]
    fn events_are_found_by_words_colour_and_rating() {
        let mut list = EventList::default();
        list.mark(MediaTime::from_nanos(1), EventRules::default());
        let e = Event { rating: 3, color: EventColor::Blue, notes: "Foul at the Corner".to_owned(), ..list.iter().next().unwrap().clone() };
        let e = Event { keywords: vec!["penalty".to_owned()], angles: vec!["cam07".to_owned()], ..e };
        for (query, found) in [
            ("", true),
            ("corner FOUL", true),
            ("corner goal", false),
            ("blue", true),
            ("*3", true),
            ("*4", false),
            ("pen cam07 e001 *2", true),
            ("none", false),
        ] {
            assert_eq!(e.matches(query), found, "{query:?}");
        }
    }

    #[test]
    fn an_old_journal_is_read() {
        let text = r#"{"id":4,"name":"E004","instant":5,"begin":1,"end":9,"guard_nanos":2,"takes":1}"#;
        let e: Event = serde_json::from_str(text).unwrap();
        assert_eq!((e.id, e.rating, e.color, e.pinned_range().1), (EventId(4), 0, EventColor::None, MediaTime::from_nanos(11)));
    }

    #[test]
    fn events_of_an_earlier_session_go_on() {
        let mut earlier = EventList::default();
        for nanos in [5, 1] {
            earlier.mark(MediaTime::from_nanos(nanos), EventRules::default());
        }
        let mut list = EventList::default();
        list.restore(earlier.iter().rev().cloned().chain(earlier.iter().cloned()));
        assert_eq!(list.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["E001", "E002"]);
        assert_eq!(list.mark(MediaTime::from_nanos(9), EventRules::default()).name, "E003");
    }

    #[test]
    fn identities_are_not_reused_and_neighbours_are_found() {
        let mut list = EventList::default();
        let a = list.mark(MediaTime::from_nanos(1), EventRules::default()).id;
        let b = list.mark(MediaTime::from_nanos(2), EventRules::default()).id;
        assert!(list.remove(b).is_some());
        let c = list.mark(MediaTime::from_nanos(3), EventRules::default()).id;
        assert_ne!(b, c);
        assert_eq!(list.neighbour(Some(a), true).map(|e| e.id), Some(c));
        assert_eq!(list.neighbour(Some(a), false), None);
        assert_eq!(list.neighbour(None, false).map(|e| e.id), Some(c));
    }
}
