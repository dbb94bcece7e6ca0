//! Plates of the live show: what the watch learned of what does not move goes to the GPU thread, and moments are shown with it where hidden
//! cameras say that it is truer. The operator can switch it off.
//!
//! Must not know: how a plate is learned, how a moment is taken apart.

use std::sync::Arc;

use super::Director;
use crate::{
    engine::{
        NoticeLevel, PlatesVerdict, PlatesView,
        board::LayerWish,
        ladder::can_be_hidden,
        live_plates::{PlateNews, PlateSet},
        plates::NamedPlate,
    },
    frame::Moment,
    time::MediaTime,
};

/// Cameras that judge plates: some around the prepared position, some far from it, since an orbit goes there too.
const JUDGES: usize = 5;
/// Verdicts that are remembered.
const KEPT: usize = 16;

/// What the director knows of plates.
#[derive(Debug, Default)]
pub(in crate::engine) struct PlateState {
    off: bool,
    /// There was no memory for them.
    let_go: bool,
    /// By index in the rig: how much is known, 0…1.
    known: Vec<Option<f32>>,
    news: Option<PlateNews>,
    /// Those that were learned last, and those that the GPU has.
    set: Option<Arc<PlateSet>>,
    solved: Option<Arc<PlateSet>>,
    /// Of moments, oldest first.
    verdicts: Vec<(MediaTime, Arc<PlateSet>, PlatesVerdict)>,
    /// Moments that have them already because the one before was truer so.
    assumed: Vec<(MediaTime, Arc<PlateSet>)>,
    number: u64,
    told_first: bool,
}

impl PlateState {
    pub fn new(live: bool) -> Self {
        Self { off: !live, ..Self::default() }
    }

    /// How much of a camera's plate is known, 0…1.
    pub fn known(&self, camera: usize) -> Option<f32> {
        self.known.get(camera).copied().flatten().filter(|_| !self.off)
    }

    /// A moment is solved, with these plates (or none) before anybody has judged it.
    pub fn assume(&mut self, instant: MediaTime, plates: Option<Arc<PlateSet>>) {
        self.assumed.retain(|a| a.0 != instant);
        if self.assumed.len() >= KEPT {
            self.assumed.remove(0);
        }
        self.assumed.extend(plates.map(|set| (instant, set)));
    }

    /// The plates that a moment is shown with.
    fn shown(&self, instant: MediaTime) -> Option<&Arc<PlateSet>> {
        let assumed = || self.assumed.iter().find(|a| a.0 == instant).map(|a| &a.1);
        let set = match self.verdict(instant) {
            Some((_, set, verdict)) => verdict.used.then_some(set),
            None => assumed(),
        };
        set.filter(|_| !self.off)
    }

    fn verdict(&self, instant: MediaTime) -> Option<&(MediaTime, Arc<PlateSet>, PlatesVerdict)> {
        self.verdicts.iter().find(|v| v.0 == instant)
    }
}

impl Director {
    /// The watch has learned.
    pub(super) fn plates_learned(&mut self, news: PlateNews) {
        self.plates.known.clone_from(&news.known);
        self.plates.news = Some(news);
        self.renew_plates();
    }

    /// Has the plates that there are solved, with the cameras as they stand.
    pub(super) fn renew_plates(&mut self) {
        if self.plates.off || self.plates.let_go {
            return;
        }
        let Some(news) = &self.plates.news else { return };
        self.plates.number += 1;
        let set = PlateSet::of(self.plates.number, &self.watch.rig_now(), &news.plates).map(Arc::new);
        if set.is_none() && self.plates.set.is_none() {
            return;
        }
        self.plates.set.clone_from(&set);
        self.board.post_plates_latest(set);
    }

    /// The GPU has solved plates, or cannot.
    pub(super) fn plates_solved(&mut self, number: u64, result: Result<usize, String>, secs: f64) {
        let set = self.plates.set.clone().filter(|set| set.number == number);
        match result {
            Ok(cameras) => {
                tracing::info!(cameras, "plates are solved, {secs:.1} s");
                if set.is_some() && !std::mem::replace(&mut self.plates.told_first, true) {
                    self.notice(
                        NoticeLevel::Info,
                        format!("What does not move is known of {cameras} cameras: moments are shown with it where that is truer. `plates off` shows none"),
                    );
                }
                self.plates.solved = set;
                if let Some(moment) = self.prepared_moment() {
                    self.start_layering(&moment);
                }
            }
            Err(why) => {
                tracing::warn!("no plates: {why}");
                self.plates.solved = None;
            }
        }
    }

    /// Whether moments may be shown with plates.
    pub(super) fn shows_plates(&self) -> bool {
        !self.plates.off && self.governor.affords_plates()
    }

    /// Has hidden cameras try plates on a solved moment.
    pub(super) fn start_layering(&mut self, moment: &Arc<Moment>) {
        let Some(set) = self.plates.solved.clone().filter(|_| self.shows_plates()) else {
            return self.board.post_layer_latest(None);
        };
        let present = self.present(moment.instant);
        let closed = self.closed();
        let judges = spread(&self.nearest_first((0..present.len()).filter(|&k| can_be_hidden(&present, closed, k)).collect()));
        self.board.post_layer_latest((!judges.is_empty()).then(|| LayerWish { moment: Arc::clone(moment), set, judges }));
    }

    /// The judges have spoken.
    pub(super) fn layered(&mut self, instant: MediaTime, set: Arc<PlateSet>, verdict: PlatesVerdict) {
        let is_news = self.plates.verdict(instant).is_none_or(|v| v.2 != verdict);
        self.plates.verdicts.retain(|v| v.0 != instant);
        if self.plates.verdicts.len() >= KEPT {
            self.plates.verdicts.remove(0);
        }
        self.plates.verdicts.push((instant, set, verdict));
        let PlatesVerdict { with_db, without_db, used } = verdict;
        let was_assumed = self.plates.assumed.iter().any(|a| a.0 == instant);
        self.plates.assume(instant, None);
        if self.transport.preview().is_some_and(|p| p.instant == instant) {
            if used {
                self.preview.asked = None;
            } else if was_assumed
                && self.on_air_instant() != Some(instant)
                && let Some(moment) = self.prepared_moment()
            {
                // It is shown with them until it is solved without.
                self.start_solving(moment);
            }
        }
        if is_news && used {
            self.notice(
                NoticeLevel::Info,
                format!("With plates: {with_db:.2} dB where cameras are left out, {without_db:.2} dB without; this moment has them"),
            );
        } else if is_news {
            self.notice(
                NoticeLevel::Info,
                format!("Without plates: {with_db:.2} dB with them where cameras are left out, {without_db:.2} dB without"),
            );
        }
    }

    /// There was no memory for plates.
    pub(super) fn plates_let_go(&mut self) {
        self.plates.let_go = true;
        (self.plates.solved, self.plates.verdicts, self.plates.assumed) = (None, vec![], vec![]);
        self.board.post_layer_latest(None);
        self.warn("The GPU has no memory left for plates: moments are shown without them. Close other programs that use the GPU, then give `plates live`".to_owned());
    }

    /// The device is another one: plates are solved anew.
    pub(super) fn plates_lost(&mut self) {
        (self.plates.solved, self.plates.assumed) = (None, vec![]);
        self.renew_plates();
    }

    /// The operator's choice; `None` is the other one.
    pub(super) fn choose_plates(&mut self, live: Option<bool>) {
        self.plates.off = !live.unwrap_or(self.plates.off);
        self.watch.desk.learn_plates(!self.plates.off);
        if !self.plates.off {
            self.plates.let_go = false;
            self.renew_plates();
            return self.notice(
                NoticeLevel::Info,
                "Plates: what does not move is learned; moments are shown with it where that is truer".to_owned(),
            );
        }
        self.plates = PlateState { number: self.plates.number, off: true, ..PlateState::default() };
        self.board.post_plates_latest(None);
        self.notice(NoticeLevel::Info, "Plates are off: every moment is solved alone".to_owned());
        // What is on air stays as it was taken.
        if let Some(moment) = self.prepared_moment().filter(|m| self.on_air_instant() != Some(m.instant)) {
            self.start_solving(moment);
        }
    }

    /// The plates that the prepared moment is shown with; none where it is shown without.
    pub(super) fn plates_of(&self, instant: MediaTime) -> Vec<NamedPlate> {
        self.plates.shown(instant).map_or_else(Vec::new, |set| set.of_rig(&self.watch.rig_at(instant)))
    }

    /// Plates as everybody else sees them.
    pub(in crate::engine) fn plates_view(&self) -> PlatesView {
        let instant = self.transport.preview().map(|p| p.instant);
        PlatesView {
            live: !self.plates.off,
            cameras: self.plates.solved.as_ref().map_or(0, |set| set.plates.len()),
            verdict: instant.and_then(|at| self.plates.verdict(at)).map(|v| v.2),
            shown: instant.is_some_and(|at| self.plates.shown(at).is_some()),
        }
    }
}

/// At most [`JUDGES`] of a list that begins with the nearest: from all distances.
fn spread(nearest_first: &[usize]) -> Vec<usize> {
    let n = nearest_first.len();
    if n <= JUDGES {
        return nearest_first.to_vec();
    }
    (0..JUDGES).map(|k| nearest_first[k * (n - 1) / (JUDGES - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_stand_near_and_far() {
        assert_eq!(spread(&[4, 5, 3]), [4, 5, 3]);
        assert_eq!(spread(&(10..26).collect::<Vec<_>>()), [10, 13, 17, 21, 25]);
    }
}
