//! Marks, in and out points, edits and their undoing: the transport's part that changes the list of events.
//!
//! Must not know: program, except that what is on air is not removed.

use super::{Effect, Transport};
use crate::{
    replay::{
        Event, EventId, EventRules,
        edit::{Change, EventEdit, edit},
        operators::LockChannel,
        path::{ArcSpan, Path, PathEdit, PathError, PathList},
        playlist::{Playlist, PlaylistEdit},
    },
    time::MediaTime,
};

impl Transport {
    /// Where a new in or out point goes: where preview was jogged to, else the newest instant.
    fn playhead(&self, head: MediaTime) -> MediaTime {
        self.preview.as_ref().filter(|p| p.event.is_none()).map_or(head, |p| p.instant)
    }

    /// The event in preview and the instant at which it stands.
    fn prepared_event(&self) -> Option<(EventId, MediaTime)> {
        self.preview.as_ref().and_then(|p| Some((p.event?, p.instant)))
    }

    pub(super) fn mark_in(&mut self, head: MediaTime) -> Vec<Effect> {
        if let Some((id, at)) = self.prepared_event() {
            return self.edit(id, &EventEdit::In(at));
        }
        self.pending_in = Some(self.playhead(head));
        vec![]
    }

    pub(super) fn mark_out(&mut self, head: MediaTime) -> Vec<Effect> {
        match (self.pending_in, self.prepared_event()) {
            (Some(from), _) => self.mark_range(from, self.playhead(head)),
            (None, Some((id, at))) => self.edit(id, &EventEdit::Out(at)),
            (None, None) => {
                let out = self.playhead(head);
                self.mark_range(out.plus_nanos(-(self.rules.before_nanos + self.rules.after_nanos).max(0)), out)
            }
        }
    }

    /// Where an event may begin: not before what is recorded, so that its first frame has a picture.
    fn recorded(&self, begin: MediaTime, by: MediaTime) -> MediaTime {
        self.oldest.map_or(begin, |oldest| begin.max(oldest.min(by)))
    }

    pub(super) fn mark(&mut self, at: MediaTime) -> Vec<Effect> {
        let event = self.event_at(at);
        let mut effects = vec![Effect::Pin(event.clone())];
        effects.extend(self.prepare(Some(event.id), event.instant));
        effects
    }

    fn event_at(&mut self, at: MediaTime) -> Event {
        let whole = self.rules;
        let before_nanos = at - self.recorded(at.plus_nanos(-whole.before_nanos.max(0)), at);
        self.events.mark(at, EventRules { before_nanos, ..whole }).clone()
    }

    /// A mark that is kept while preview is somebody else's: of an instant, or of all since `from`.
    pub(super) fn note(&mut self, from: Option<MediaTime>, at: MediaTime) -> Vec<Effect> {
        let event = match from {
            Some(from) => self.event_of(from.min(at), at),
            None => self.event_at(at),
        };
        vec![Effect::Pin(event)]
    }

    fn event_of(&mut self, from: MediaTime, until: MediaTime) -> Event {
        let from = self.recorded(from, until);
        self.events.mark_range(from, until, from, self.rules).clone()
    }

    /// Which channel undo (or, `again`, redo) would change now.
    pub fn travel_channel(&self, again: bool) -> Option<LockChannel> {
        self.history.channel(again)
    }

    /// An event of a range; its beginning is prepared.
    pub(super) fn mark_range(&mut self, from: MediaTime, until: MediaTime) -> Vec<Effect> {
        self.pending_in = None;
        let event = self.event_of(from.min(until), from.max(until));
        let mut effects = vec![Effect::Pin(event.clone())];
        effects.extend(self.prepare(Some(event.id), event.instant));
        effects
    }

    pub(super) fn edit(&mut self, id: EventId, change: &EventEdit) -> Vec<Effect> {
        let before = self.events.get(id).map(Event::pinned_range);
        match edit(&mut self.events, &mut self.history, id, change) {
            Some(event) if before != Some(event.pinned_range()) => vec![Effect::Pin(event)],
            Some(event) => vec![Effect::Remember(event)],
            None => vec![Effect::Warn("That event is gone. Choose another one in the event list".to_owned())],
        }
    }

    /// One step back in the history, or forward again.
    pub(super) fn travel(&mut self, again: bool) -> Vec<Effect> {
        let Some(change) = self.history.next(again) else { return vec![] };
        let effects = match change {
            Change::Paths { after, .. } => {
                self.paths = after;
                vec![]
            }
            Change::Graphics { after, .. } => {
                self.graphics = after;
                vec![]
            }
            Change::Trims { after, .. } => {
                self.trims = after;
                vec![]
            }
            Change::Playlist { after, .. } => {
                self.playlist.put(after);
                vec![]
            }
            Change::Event { after: Some(event), .. } => {
                let id = event.id;
                self.events.put(event);
                self.events.get(id).cloned().map(Effect::Pin).into_iter().collect()
            }
            Change::Event { before: Some(event), after: None } => {
                let effects = self.take_out(event.id);
                if self.events.get(event.id).is_some() {
                    // It is on air: the step waits.
                    return effects;
                }
                effects
            }
            Change::Event { before: None, after: None } => vec![],
        };
        self.history.step(again);
        effects
    }

    /// The operator's own paths.
    pub const fn paths(&self) -> &PathList {
        &self.paths
    }

    /// The arc as far as paths care.
    pub const fn arc_span(&self) -> ArcSpan {
        ArcSpan { cameras: self.arc_order.len(), closed: self.closed }
    }

    /// Chooses another path; that is no edit.
    pub fn step_path(&mut self, by: i32) {
        self.paths.step(by);
    }

    /// Takes over a path of an earlier session; that is no edit.
    pub fn restore_path(&mut self, path: Path) -> Result<(), PathError> {
        self.paths.apply(&PathEdit::Add(path), self.arc_span())
    }

    /// Changes the chosen path; can be taken back.
    pub fn edit_path(&mut self, edit: &PathEdit) -> Result<(), PathError> {
        let before = self.paths.clone();
        self.paths.apply(edit, self.arc_span())?;
        self.history.push(Change::Paths { before, after: self.paths.clone() });
        Ok(())
    }

    /// Takes over the playlist of an earlier session; that is no edit.
    pub fn restore_playlist(&mut self, list: Playlist) {
        self.playlist.put(list);
    }

    pub(super) fn edit_playlist(&mut self, change: &PlaylistEdit) -> Vec<Effect> {
        let before = self.playlist.clone();
        match change {
            // Only what is in the list of events can be shown.
            PlaylistEdit::Add(elements) => {
                let known = elements.iter().filter(|e| self.events.get(e.event).is_some()).cloned().collect();
                self.playlist.apply(&PlaylistEdit::Add(known));
            }
            other => self.playlist.apply(other),
        }
        self.history.push(Change::Playlist { before, after: self.playlist.clone() });
        vec![]
    }

    pub(super) fn remove_event(&mut self, id: EventId) -> Vec<Effect> {
        let before = self.events.get(id).cloned();
        let effects = self.take_out(id);
        if before.is_some() && self.events.get(id).is_none() {
            self.history.push(Change::Event { before, after: None });
        }
        effects
    }

    fn take_out(&mut self, id: EventId) -> Vec<Effect> {
        if let Some(why) = self.airs(id) {
            return vec![Effect::Warn(why.to_owned())];
        }
        if self.playlist.shows(id) {
            return vec![Effect::Warn("This event is in the playlist. Take it out there before removing it".to_owned())];
        }
        if self.events.remove(id).is_none() {
            return vec![];
        }
        let mut effects = vec![Effect::Unpin(id)];
        if self.preview.as_ref().is_some_and(|p| p.event == Some(id)) {
            self.preview = None;
            effects.push(Effect::StopPreparing);
        }
        effects
    }
}
