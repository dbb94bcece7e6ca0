//! What follows from the watch's word: a bumped camera is left out of moments from then on, and comes back where it was solved. What is
//! prepared with it is prepared anew, and so is what was taken before anybody had looked; a take waits a little for the look. What was on air
//! when the camera was bumped was seen by it before, and stays.
//!
//! Must not know: how a bump is found.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Director, PreviewState, calibration::free_name};
use crate::{
    calibrate::Ailment,
    engine::{
        NoticeLevel, Stand,
        export_thread::ExportNews,
        rig_book::RigBook,
        watch_thread::{WatchDesk, WatchReport},
    },
    frame::Moment,
    rig::{self, Format, Rig},
    time::MediaTime,
};

/// A camera that is watched by fewer points than this, where half of the others have so many, does not fit the rig.
const FEW_POINTS: usize = 16;
const MANY_POINTS: usize = 80;
/// Moments of which is remembered whether they were looked at.
const LOOKS: usize = 16;
/// A take keeps what program shows for so long at most, until the moment was looked at.
const TAKE_WAITS: Duration = Duration::from_millis(300);
/// How the reason begins for which a bumped camera is left out.
const BUMPED_WORDS: &str = "it was bumped";

/// What the director knows of where the cameras stand.
#[derive(Debug)]
pub(in crate::engine) struct WatchState {
    pub desk: Arc<WatchDesk>,
    pub(super) book: Arc<RigBook>,
    /// By index in the rig.
    pub(super) stands: Vec<Stand>,
    ailments: Vec<Vec<Ailment>>,
    /// Somebody can tell by a picture whether its camera stands.
    can_tell: bool,
    /// Moments whose pictures are looked at before all others: since when, and whether that is done. Oldest first.
    looks: Vec<(MediaTime, Instant, bool)>,
}

impl WatchState {
    pub fn new(book: Arc<RigBook>) -> Self {
        let stands = vec![Stand::default(); book.newest().cameras.len()];
        let ailments = vec![Vec::new(); stands.len()];
        Self { desk: Arc::default(), book, stands, ailments, can_tell: false, looks: Vec::new() }
    }

    /// Nobody looks any more.
    pub fn has_ended(&mut self) {
        self.can_tell = false;
    }

    /// This moment is shown or is about to be: whether a camera was bumped before it is asked first.
    pub fn look_first(&mut self, moment: Arc<Moment>) {
        self.looks.retain(|look| look.0 != moment.instant);
        if self.looks.len() >= LOOKS {
            self.looks.remove(0);
        }
        self.looks.push((moment.instant, Instant::now(), false));
        self.desk.check_first(moment);
    }

    fn looked_at(&mut self, instant: MediaTime) {
        for look in self.looks.iter_mut().filter(|look| look.0 == instant) {
            look.2 = true;
        }
    }

    /// Whether the pictures of an instant were looked at, as far as anybody can.
    pub fn is_looked_at(&self, instant: MediaTime) -> bool {
        !self.can_tell || self.looks.iter().any(|look| look.0 == instant && look.2)
    }

    /// The same, or somebody has waited for it for so long.
    pub fn is_looked_at_within(&self, instant: MediaTime, within: Duration) -> bool {
        !self.can_tell || self.looks.iter().all(|look| look.0 != instant || look.2 || look.1.elapsed() >= within)
    }

    /// How a camera (index in the rig) stands.
    pub fn stand(&self, camera: usize) -> Stand {
        self.stands.get(camera).copied().unwrap_or_default()
    }

    /// What is wrong with a camera's pictures.
    pub fn ailments(&self, camera: usize) -> &[Ailment] {
        self.ailments.get(camera).map_or(&[], Vec::as_slice)
    }

    /// The same, set anew; what it was before.
    pub fn replace_ailments(&mut self, camera: usize, now: Vec<Ailment>) -> Vec<Ailment> {
        self.ailments.get_mut(camera).map(|place| std::mem::replace(place, now)).unwrap_or_default()
    }

    /// The rig as it stands now.
    pub fn rig_now(&self) -> Arc<Rig> {
        self.book.newest()
    }

    /// The rig as it stood at an instant.
    pub fn rig_at(&self, instant: MediaTime) -> Arc<Rig> {
        self.book.at(instant)
    }

    fn set(&mut self, camera: usize, stand: Stand) {
        if let Some(place) = self.stands.get_mut(camera) {
            *place = stand;
        }
    }
}

impl Director {
    /// What the watch found with that edition of the rig book.
    pub(super) fn watch_report(&mut self, edition: u64, report: WatchReport) {
        // Of a place in a world that is gone; pictures are the same in any.
        if edition != self.watch.book.edition()
            && !matches!(report, WatchReport::Health { .. } | WatchReport::Plates(_) | WatchReport::Checked { .. })
        {
            return;
        }
        let name = |camera: usize| self.feeds.rig().cameras.get(camera).map_or_else(String::new, |c| c.name.clone());
        match report {
            WatchReport::Learned { points, secs } => {
                let watched = points.iter().filter(|p| **p >= FEW_POINTS).count();
                self.watch.can_tell |= watched > 0;
                tracing::info!(?points, "the hall is learned, {secs:.1} s: {watched} of {} cameras are watched", points.len());
                self.tell_misfits(&points);
                for (camera, points) in points.into_iter().enumerate() {
                    match self.watch.stand(camera) {
                        Stand::NotWatched if points >= FEW_POINTS => self.watch.set(camera, Stand::Stands),
                        Stand::Stands if points < FEW_POINTS => self.watch.set(camera, Stand::NotWatched),
                        _ => {}
                    }
                }
            }
            WatchReport::NotLearned { why } => tracing::warn!("cameras are not watched for bumps: {why}"),
            WatchReport::Bumped { camera, after, shift_px, turned_rad } => {
                let name = name(camera);
                self.watch.set(camera, Stand::Bumped { shift_px, needs_hand: false });
                let degrees = turned_rad.to_degrees();
                self.watch.book.bumped(camera, after, &format!("{BUMPED_WORDS} ({shift_px:.1} px, {degrees:.2}°) and is not solved again"));
                self.warn(format!(
                    "{name} was bumped: its picture moved by {shift_px:.1} px ({degrees:.2}°). Replays from now on leave it out until it stands still and is solved anew"
                ));
                self.prepare_without(after);
            }
            WatchReport::Solved { camera, from, resolved } => {
                let name = name(camera);
                let (turned_deg, moved_m) = (resolved.turned_rad.to_degrees(), resolved.moved_m);
                self.watch.book.stands_again(camera, from, Some(&resolved.camera));
                self.watch.set(camera, Stand::Solved { turned_deg, moved_m });
                self.notice(
                    NoticeLevel::Info,
                    format!(
                        "{name} stands still and is solved anew: turned by {turned_deg:.2}°, moved by {:.0} mm, {} points fit to {:.2} px. Replays from now on use it again; the rig file is as it was",
                        moved_m * 1e3,
                        resolved.points,
                        resolved.median_px
                    ),
                );
                self.prepare_with(from);
            }
            WatchReport::StandsAgain { camera, from } => {
                let name = name(camera);
                self.watch.book.stands_again(camera, from, None);
                self.watch.set(camera, Stand::Stands);
                self.notice(NoticeLevel::Info, format!("{name} stands where it stood before. Replays from now on use it again"));
                self.prepare_with(from);
            }
            WatchReport::Unsolved { camera, why } => {
                let name = name(camera);
                if let Stand::Bumped { shift_px, .. } = self.watch.stand(camera) {
                    self.watch.set(camera, Stand::Bumped { shift_px, needs_hand: true });
                }
                self.warn(format!("{name} was bumped and cannot be solved anew: {why}. Replays leave it out"));
            }
            WatchReport::Checked { instant } => self.watch.looked_at(instant),
            WatchReport::Fitted(fitted) => self.fit.found(fitted),
            WatchReport::Plates(news) => self.plates_learned(news),
            WatchReport::Health { camera, ailments } => self.health_report(camera, &ailments),
            WatchReport::Seen { camera, enough } => {
                let name = name(camera);
                if enough {
                    self.watch.set(camera, Stand::Stands);
                } else {
                    self.watch.set(camera, Stand::Unsure);
                    self.warn(format!(
                        "{name} shows too little to say whether it still stands: covered, dark, out of focus or zoomed? Look at its picture"
                    ));
                }
            }
        }
    }

    /// Cameras of which hardly anything fits the rig where the others fit well.
    fn tell_misfits(&mut self, points: &[usize]) {
        let mut sorted = points.to_vec();
        sorted.sort_unstable();
        if sorted.get(sorted.len() / 2).is_none_or(|middle| *middle < MANY_POINTS) {
            return;
        }
        for (camera, _) in points.iter().enumerate().filter(|(_, points)| **points < FEW_POINTS) {
            // One that shows nothing yet, or belongs to another machine, is not meant.
            let (name, shows) =
                (self.feeds.rig().cameras[camera].name.clone(), self.feeds.live_picture(camera).is_some() && !self.feeds.is_remote(camera));
            if shows && self.watch.stand(camera) == Stand::NotWatched {
                self.warn(format!(
                    "{name} hardly fits the rig, so nobody notices if it is bumped. Was it moved since the rig was made? `volte rig refine` finds out; a smooth or dark background does the same"
                ));
            }
        }
    }

    /// Writes the rig as it stands now beside the show.
    pub(super) fn save_rig(&mut self) {
        let (rig, folder, news) = (self.watch.book.newest(), self.export_folder.clone(), self.exports.clone());
        // A disk may take its time.
        let written = std::thread::Builder::new().name("rig".to_owned()).spawn(move || {
            let path = free_name(&folder, "rig_now").ok_or_else(|| "there are too many of them already".to_owned());
            let saved = path.and_then(|path| rig::save(&rig, &path, Format::RigToml).map(|()| path).map_err(|e| e.to_string()));
            // The engine outlives this thread or has ended; then nobody wants to know.
            news.send(ExportNews::Rig(saved)).ok();
        });
        if let Err(e) = written {
            self.warn(format!("The rig was not written: no thread can be started: {e}. Close other programs"));
        }
    }

    /// Moments in hand lose the camera that was bumped after `after`; the prepared one is solved anew without it, and so is what is on air: it
    /// was taken before anybody had looked.
    fn prepare_without(&mut self, after: MediaTime) {
        let book = Arc::clone(&self.watch.book);
        let mut changed = Vec::new();
        let (on_air, mut own_pictures) = (self.on_air_instant(), false);
        for moment in &mut self.moments {
            if moment.frames.iter().all(|f| f.time.max(moment.instant) <= after) {
                continue;
            }
            let honest = book.honest(Moment::clone(moment));
            if honest.frames.is_empty() && Some(moment.instant) == on_air {
                // All were bumped: what each of them saw is as true as it was, and program steps through that.
                own_pictures = true;
                continue;
            }
            if honest.frames.len() != moment.frames.len() {
                changed.push(moment.instant);
                *moment = Arc::new(honest);
            }
        }
        if own_pictures || on_air.is_some_and(|at| changed.contains(&at)) {
            self.air_has_no_scene();
        }
        self.slices_without_bumped();
        self.prepare_again(&changed);
    }

    /// Whether program keeps what it shows because the instant that was taken is still being looked at.
    pub(super) fn waits_for_look(&mut self, instant: MediaTime) -> bool {
        if self.watch.is_looked_at(instant) || self.program.cut_at.elapsed() >= TAKE_WAITS {
            return false;
        }
        let Some(moment) = self.moment(instant) else { return false };
        if !self.watch.looks.iter().any(|look| look.0 == instant) {
            self.watch.look_first(moment);
        }
        true
    }

    /// Moments in hand from `from` on are fetched anew, with the camera that came back.
    pub(super) fn prepare_with(&mut self, from: MediaTime) {
        let on_air = self.on_air_instant();
        let (stale, kept) = std::mem::take(&mut self.moments).into_iter().partition(|m| m.instant >= from && Some(m.instant) != on_air);
        self.moments = kept;
        let stale: Vec<MediaTime> = stale.into_iter().map(|m: Arc<Moment>| m.instant).collect();
        self.prepare_again(&stale);
    }

    /// A moment without cameras that turned out to have been bumped.
    pub(super) fn without_bumped(&self, moment: &Arc<Moment>) -> Arc<Moment> {
        let honest = self.watch.book.honest(Moment::clone(moment));
        if honest.frames.len() == moment.frames.len() { Arc::clone(moment) } else { Arc::new(honest) }
    }

    /// A moment as it is to be believed now; `None` where a camera is missing that has come back, so that it must be fetched anew.
    fn believed(&self, moment: &Arc<Moment>) -> Option<Arc<Moment>> {
        let book = &self.watch.book;
        let is_back = |(name, why): &(String, String)| {
            why.starts_with(BUMPED_WORDS)
                && book.newest().index_of(name).is_some_and(|i| book.absence(i, moment.instant, moment.instant).is_none())
        };
        if moment.left_out.iter().any(is_back) {
            return None;
        }
        Some(self.without_bumped(moment))
    }

    /// The moment in hand, as it is to be believed now. What was on air when a camera was bumped is put right here.
    pub(super) fn moment_of_now(&mut self, instant: MediaTime) -> Option<Arc<Moment>> {
        let moment = self.moment(instant)?;
        if self.on_air_instant() == Some(instant) {
            let honest = self.without_bumped(&moment);
            return Some(if honest.frames.is_empty() { moment } else { honest });
        }
        let believed = self.believed(&moment);
        self.moments.retain(|m| m.instant != instant);
        self.moments.extend(believed.clone());
        believed
    }

    fn prepare_again(&mut self, instants: &[MediaTime]) {
        let Some(instant) = self.transport.preview().map(|p| p.instant).filter(|at| instants.contains(at)) else { return };
        self.transport.forget_prepared();
        self.preview = PreviewState { roll: self.preview.roll.take(), scrub_secs: self.preview.scrub_secs, ..PreviewState::default() };
        self.refresh_ladder();
        self.start_preparing(instant);
    }
}
