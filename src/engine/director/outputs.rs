//! The director's part for program's outputs and its list of exports, while the show runs.

use super::{Director, NoticeLevel};
use crate::{
    engine::{ExportOrder, FeedHealth, FeedStatus},
    output::program::{SinkAddress, SinkKind},
    sound::FreezeSound,
};

impl Director {
    pub(super) fn tell_delivering(&mut self) {
        let delivers = |s: &&FeedStatus| matches!(s.health, FeedHealth::Good | FeedHealth::Degraded);
        let delivering = self.status.iter().filter(delivers).count();
        if delivering != self.delivering {
            self.delivering = delivering;
            tracing::info!("{delivering} of {} cameras deliver", self.status.len());
        }
    }

    pub(super) fn add_output(&mut self, name: &str, address: SinkAddress) {
        if self.writes_over(&address) {
            return;
        }
        let label = address.label().to_owned();
        match self.output.add_sink(name, address, self.second.as_ref().map(|b| &*b.output)) {
            Ok(()) => self.notice(NoticeLevel::Info, format!("Program goes to {name} as well ({label})")),
            Err(why) => self.warn(why),
        }
    }

    /// Whether an address would write over a file: whoever may command need not be who may do that.
    pub(super) fn writes_over(&mut self, address: &SinkAddress) -> bool {
        let SinkKind::Rtp { sdp: Some(file), .. } = &address.kind else { return false };
        if file.exists() {
            self.warn(format!("The file {} is there already, and is not written over on air. Name another with sdp=", file.display()));
        }
        file.exists()
    }

    pub(super) fn remove_output(&mut self, name: &str) {
        if self.output.remove_sink(name) {
            self.notice(NoticeLevel::Info, format!("Program goes to {name} no longer"));
        } else {
            self.warn(format!("There is no output {name:?}; there are: {}", self.output.sink_names()));
        }
    }

    pub(super) fn set_freeze_sound(&mut self, freeze: Option<FreezeSound>) {
        let Some(input) = self.feeds.sound() else {
            return self.warn("This show has no sound. Write [audio] in the show file".to_owned());
        };
        let next = || {
            let at = FreezeSound::ALL.iter().position(|f| *f == input.freeze()).unwrap_or(0);
            FreezeSound::ALL[(at + 1) % FreezeSound::ALL.len()]
        };
        let chosen = freeze.unwrap_or_else(next);
        input.set_freeze(chosen);
        self.notice(NoticeLevel::Info, format!("Under a freeze: {}", chosen.name()));
    }

    pub(super) fn edit_exports(&mut self, order: ExportOrder, number: u32) {
        if let Err(why) = self.exports_of.edit(order, number) {
            self.warn(why);
        }
    }
}
