//! What outlives the session: events on disk, and what is wrong with recording.

use super::{Director, NoticeLevel};
use crate::replay::{Event, Program};

impl Director {
    /// Takes over what earlier sessions marked.
    pub(super) fn restore_events(&mut self) {
        let events = self.feeds.restored();
        if events.is_empty() {
            return;
        }
        for event in &events {
            let (begin, end) = event.pinned_range();
            if let Err(why) = self.feeds.pin(event.id, begin, end) {
                self.warn(format!("{}: {why}", event.name));
            }
        }
        let count = events.len();
        self.transport.restore(events);
        self.notice(NoticeLevel::Info, format!("{count} events of earlier sessions are there again"));
    }

    /// Writes an event down where a restart finds it.
    pub(super) fn remember(&mut self, event: &Event) {
        if let Err(why) = self.feeds.remember(event) {
            self.warn(format!("{}: {why}", event.name));
        }
    }

    /// An event was taken: the count of its takes has changed.
    pub(super) fn remember_take(&mut self) {
        if let Program::Replay(on_air) = self.transport.program()
            && let Some(event) = on_air.event.and_then(|id| self.transport.events().get(id)).cloned()
        {
            self.remember(&event);
        }
    }

    /// Says once what is wrong with recording and with the feeds, and again when it comes back.
    pub(super) fn tell_recording(&mut self) {
        let warnings = self.feeds.warnings();
        for warning in &warnings {
            if !self.told.contains(warning) {
                self.warn(warning.clone());
            }
        }
        self.told = warnings;
    }
}
