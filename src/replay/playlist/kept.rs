//! The playlist as small text, so that it is there again after a restart.
//!
//! Must not know: files, and who keeps the events that it shows.

use super::{Element, ElementId, MOST_ELEMENTS, Playlist, Shot, Towards, Transition};
use crate::{
    replay::{EventId, EventList},
    time::MediaTime,
};

/// Version of the text.
const VERSION: u32 = 1;

/// What is wrong with a playlist that was kept.
#[derive(Debug, thiserror::Error)]
pub enum PlaylistError {
    /// It is no playlist.
    #[error("the playlist is not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Made by another version.
    #[error("the playlist is of version {0}, this program reads version {VERSION}. Open it with the program that wrote it")]
    Version(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Angle,
    Move,
    Still,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u64,
    event: u64,
    mark_nanos: i64,
    in_nanos: i64,
    out_nanos: i64,
    shot: Kind,
    #[serde(rename = "move", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secs: Option<f64>,
    /// Along the arc, gaps, from 0.
    position: f64,
    speed_percent: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ramp_percent: Option<i32>,
    /// Of whatever transition.
    #[serde(default)]
    dissolve_secs: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wipe: Option<Towards>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stinger: Option<u8>,
    #[serde(default)]
    hold: bool,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    #[serde(default)]
    looped: bool,
    #[serde(rename = "element", default)]
    lines: Vec<Line>,
}

impl Line {
    fn of(e: &Element) -> Self {
        let (shot, name, secs) = match &e.shot {
            Shot::Angle => (Kind::Angle, None, None),
            Shot::Move(name) => (Kind::Move, Some(name.clone()), None),
            Shot::Still { secs } => (Kind::Still, None, Some(*secs)),
        };
        Self {
            id: e.id.0,
            event: e.event.0,
            mark_nanos: e.mark.nanos(),
            in_nanos: e.begin.nanos(),
            out_nanos: e.end.nanos(),
            shot,
            name,
            secs,
            position: e.position,
            speed_percent: e.speed_percent,
            ramp_percent: e.ramp_percent,
            dissolve_secs: e.transition.secs(),
            wipe: e.transition.wipe(),
            stinger: e.transition.stinger(),
            hold: e.hold,
        }
    }

    fn element(self) -> Element {
        let transition = Transition::of(self.dissolve_secs, self.wipe, self.stinger);
        Element {
            id: ElementId(self.id),
            event: EventId(self.event),
            mark: MediaTime::from_nanos(self.mark_nanos),
            begin: MediaTime::from_nanos(self.in_nanos),
            end: MediaTime::from_nanos(self.out_nanos),
            shot: match self.shot {
                Kind::Angle => Shot::Angle,
                Kind::Move => Shot::Move(self.name.unwrap_or_default()),
                Kind::Still => Shot::Still { secs: self.secs.unwrap_or(2.0) },
            },
            position: self.position,
            speed_percent: self.speed_percent,
            ramp_percent: self.ramp_percent,
            transition,
            hold: self.hold,
        }
        .tidied()
    }
}

impl Playlist {
    /// The text form.
    pub fn to_toml(&self) -> String {
        let text = Text { version: VERSION, looped: self.looped, lines: self.elements.iter().map(Line::of).collect() };
        // Plain numbers and words: there is nothing in it that TOML cannot write.
        toml::to_string(&text).unwrap_or_default()
    }

    /// Reads the text form. Elements of events that are not there any more, or that lie where the event never was, have nothing to show:
    /// they are left out and counted.
    pub fn from_toml(text: &str, events: &EventList) -> Result<(Self, usize), PlaylistError> {
        #[derive(serde::Deserialize)]
        struct Head {
            version: Option<u32>,
        }
        if let Ok(Head { version: Some(found) }) = toml::from_str::<Head>(text)
            && found != VERSION
        {
            return Err(PlaylistError::Version(found));
        }
        let Text { looped, lines, .. } = toml::from_str(text)?;
        let count = lines.len();
        let mut list = Self { looped, ..Self::default() };
        for element in lines.into_iter().map(Line::element) {
            let is_there = events.get(element.event).is_some_and(|event| {
                // Another event may have its number: what it shows lies about the event, though not always within.
                let (from, until) = event.pinned_range();
                let (begin, end) = (element.begin.min(element.mark), element.end.max(element.mark));
                begin <= until && end >= from
            });
            if !is_there || list.elements.len() >= MOST_ELEMENTS {
                continue;
            }
            // Identities are kept where they are honest, so that what was written down about them still fits.
            let taken = element.id.0 == 0 || list.elements.iter().any(|e| e.id == element.id);
            let id = if taken { ElementId(list.next + 1) } else { element.id };
            list.next = list.next.max(id.0);
            list.elements.push(Element { id, ..element });
        }
        let left_out = count - list.elements.len();
        Ok((list, left_out))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replay::{EventRules, playlist::PlaylistEdit};

    fn events() -> EventList {
        let mut events = EventList::default();
        for secs in [100.0, 200.0, 300.0] {
            events.mark(MediaTime::from_secs_f64(secs), EventRules::default());
        }
        events
    }

    fn element() -> impl Strategy<Value = Element> {
        let shot = prop_oneof![
            Just(Shot::Angle),
            "[a-zA-Z \"'\\\\é#=\n]{0,20}".prop_map(Shot::Move),
            (0.0..700.0f64).prop_map(|secs| Shot::Still { secs }),
        ];
        let transition = prop_oneof![Just(Transition::Cut), (0.0..6.0f64).prop_map(|secs| Transition::Dissolve { secs })];
        let ramp = prop::option::of(-500..500i32);
        (0..3usize, shot, -20.0..20.0f64, -500..500i32, ramp, transition, any::<bool>()).prop_map(
            |(which, shot, position, speed, ramp_percent, transition, hold)| {
                let event = events().iter().nth(which).unwrap().clone();
                Element { ramp_percent, transition, hold, ..Element::of(&event, shot, position, speed) }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(elements in prop::collection::vec(element(), 0..8), looped: bool, out in prop::option::of(0..8usize)) {
            let mut list = Playlist::default();
            list.apply(&PlaylistEdit::Add(elements));
            list.apply(&PlaylistEdit::Loop(looped));
            if let Some(id) = out.and_then(|k| list.elements().get(k)).map(|e| e.id) {
                list.apply(&PlaylistEdit::Remove(id));
            }
            let (read, left_out) = Playlist::from_toml(&list.to_toml(), &events()).unwrap();
            prop_assert_eq!(left_out, 0);
            prop_assert_eq!(read.elements(), list.elements());
            prop_assert_eq!(read.looped, list.looped);
        }

        #[test]
        fn a_text_that_was_cut_off_is_never_half_believed(cut in 0.0..1.0f64) {
            let mut list = Playlist::default();
            let events = events();
            list.apply(&PlaylistEdit::Add(events.iter().map(|e| Element::of(e, Shot::Angle, 1.0, 50)).collect()));
            let text = list.to_toml();
            let at = (text.len() as f64 * cut) as usize;
            // Cut inside of a line it is an error, or what stands before the cut in whole lines.
            if let Ok((read, _)) = Playlist::from_toml(&text[..at], &events) {
                prop_assert!(read.elements().iter().zip(list.elements()).all(|(a, b)| (a.id, a.event) == (b.id, b.event)));
            }
        }
    }

    #[test]
    fn what_has_no_event_is_counted_and_identities_go_on() {
        let all = events();
        let mut list = Playlist::default();
        list.apply(&PlaylistEdit::Add(all.iter().map(|e| Element::of(e, Shot::Angle, 1.0, 50)).collect()));
        // The session was not recorded: its first event has the number of another one's.
        let mut anew = EventList::default();
        anew.mark(MediaTime::from_secs_f64(5.0), EventRules::default());
        let (read, left_out) = Playlist::from_toml(&list.to_toml(), &anew).unwrap();
        assert_eq!((read.elements().len(), left_out), (0, 3));
        let (mut read, _) = Playlist::from_toml(&list.to_toml(), &all).unwrap();
        let first = all.iter().next().unwrap();
        read.apply(&PlaylistEdit::Add(vec![Element::of(first, Shot::Angle, 0.0, 50)]));
        assert_eq!(read.elements().last().unwrap().id, ElementId(4));
    }

    #[test]
    fn another_version_is_named() {
        let told = Playlist::from_toml("version = 9\nbeyond = 1", &events()).unwrap_err().to_string();
        assert!(told.contains("version 9"), "{told}");
        assert!(Playlist::from_toml("version = 1\n[[element]]\nid = 1", &events()).is_err());
    }
}
