//! The thread that watches whether the cameras stand where the rig says, (`watch_health`) what is wrong with their pictures, and
//! (`live_plates`) what in them never moves. It learns the hall once, looks at every camera's
//! newest picture in turn, and at every moment that is prepared; a camera that was bumped is solved anew alone, as soon as it is still.
//!
//! It takes a bounded share of the machine, and waits while somebody waits for a picture. Must not know: what the engine does with
//! its word, GPUs.

mod fitting;
mod turns;

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crossbeam::channel::Sender;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

pub(super) use super::watch_desk::WatchDesk;
use super::{
    Feeds, LivePicture,
    live_plates::{PlateLearner, PlateNews},
    rig_book::RigBook,
    watch_health::HealthWatch,
};
use crate::{
    calibrate::{Ailment, Look, Refined, Resolved, Watch},
    frame::{Moment, MomentFrame, Picture},
    rig::Camera,
    time::MediaTime,
};
use turns::Turns;

/// A camera is looked at this often at most.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Without anything new to look at.
const IDLE: Duration = Duration::from_millis(25);
/// The two looks that the hall is learned from lie so far apart at least, nanoseconds: who walks has gone on.
const BETWEEN_LEARNING_NANOS: i64 = 1_500_000_000;
/// Cameras that have no picture are waited for so long before the others are learned without them.
const WAIT_FOR_ALL: Duration = Duration::from_secs(10);
/// A hall that cannot be learned, or a camera that cannot be watched, is tried again after so long; then twice as long, and so on.
const TRY_AGAIN: Duration = Duration::from_secs(30);
const TRY_AGAIN_MOST: Duration = Duration::from_mins(10);
/// Two places at which a bumped camera was solved are one if the hall lies within this in both, px of a picture of [`FULL_SIDE_PX`].
const STILL_PX: f64 = 0.5;
/// A camera is solved when the hall fits this well, px of a picture of [`FULL_SIDE_PX`]: twice what pictures of that size give.
const SOLVED_PX: f64 = 0.5;
/// Longer side of the pictures that these bounds are meant for; smaller ones have the same, larger ones as much more.
const FULL_SIDE_PX: u32 = 1920;
/// A camera that shows too little for so long is told, and so is one that is bumped and could not be solved, nanoseconds.
const TELL_AFTER_NANOS: i64 = 5_000_000_000;
/// A bumped camera that could not be solved for long is looked at this often.
const LOOK_AT_LOST: Duration = Duration::from_secs(2);
/// A camera that was not looked at for so long delivers nothing, and is not waited for.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// While the hall is not learned, pictures of all cameras are asked for this often.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Regular looks wait so long while somebody waits for a picture.
const PUT_OFF: Duration = Duration::from_secs(1);

/// What the watch reports. Cameras are indices in the rig.
#[derive(Debug)]
pub(super) enum WatchReport {
    /// The hall is learned: by how many points each camera could be watched; below a handful it is not.
    Learned { points: Vec<usize>, secs: f64 },
    /// Another rig fits what the cameras show better than the one that is used.
    Fitted(Box<Refined>),
    /// It cannot be learned now.
    NotLearned { why: String },
    /// A camera was bumped: it was last seen to stand at `after`.
    Bumped { camera: usize, after: MediaTime, shift_px: f64, turned_rad: f64 },
    /// It stands still and was solved: from `from` on it stands here.
    Solved { camera: usize, from: MediaTime, resolved: Box<Resolved> },
    /// It stands where it stood before.
    StandsAgain { camera: usize, from: MediaTime },
    /// It is bumped and cannot be solved.
    Unsolved { camera: usize, why: String },
    /// It shows too little to say anything (`false`), or enough again.
    Seen { camera: usize, enough: bool },
    /// What is wrong with its pictures now.
    Health { camera: usize, ailments: Vec<Ailment> },
    /// What is known of what does not move has changed.
    Plates(PlateNews),
    /// The pictures of a moment were looked at, as far as anybody can; what there is to say of them was said before.
    Checked { instant: MediaTime },
}

/// With which edition of the rig book that was found.
pub(super) type WatchNews = (u64, WatchReport);

/// A bumped camera, until it is solved.
#[derive(Debug, Default)]
struct Out {
    /// Since when, by its pictures.
    since: MediaTime,
    /// Where it was solved the last time, from the picture of which time.
    tried: Option<(MediaTime, Resolved)>,
    told: bool,
}

/// What is known of a camera.
#[derive(Debug, Default)]
struct Seen {
    /// Time of the picture that was looked at last, and when that was.
    looked: Option<(MediaTime, Instant)>,
    stood: Option<MediaTime>,
    out: Option<Out>,
    unsure_since: Option<MediaTime>,
    told_unsure: bool,
}

/// When what could not be learned is tried again.
#[derive(Debug)]
struct Patience {
    next: Instant,
    pause: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { next: Instant::now(), pause: TRY_AGAIN }
    }

    fn later(&mut self) {
        self.next = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(TRY_AGAIN_MOST);
    }
}

struct Watcher<'a> {
    feeds: &'a dyn Feeds,
    book: &'a RigBook,
    /// The edition of the book that the hall is learned with.
    edition: u64,
    desk: &'a WatchDesk,
    reports: &'a Sender<WatchNews>,
    pool: rayon::ThreadPool,
    /// The first of the two looks that the hall is learned from.
    first: Option<(Instant, Vec<Option<LivePicture>>)>,
    patience: Patience,
    /// Rigs of which is known how well they fit.
    fitted: Vec<Vec<Camera>>,
    cameras: Vec<Seen>,
    health: HealthWatch,
    plates: PlateLearner,
    has_plates: bool,
    /// Pictures for plates alone are fetched from then on, and of which camera.
    next_plate: (Instant, usize),
    turns: Turns,
    /// The last look was at a bumped camera.
    was_out: bool,
    /// When pictures of all cameras were asked for last, and since when.
    asked: Option<Instant>,
    asking: Option<Instant>,
}

/// Runs until stopped.
pub(super) fn run(feeds: &dyn Feeds, book: &RigBook, desk: &WatchDesk, reports: &Sender<WatchNews>) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads((cores / 4).max(1)).thread_name(|k| format!("watch {k}")).build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(e) => {
            // Without it nothing is watched; everything else works.
            let why = format!("its threads cannot be started: {e}. Close other programs or raise the limit of processes");
            reports.send((book.edition(), WatchReport::NotLearned { why })).ok();
            return;
        }
    };
    let cameras: Vec<Seen> = feeds.rig().cameras.iter().map(|_| Seen::default()).collect();
    let health = HealthWatch::new(cameras.len());
    let plates = PlateLearner::new(cameras.len());
    let turns = Turns::new(cores, cameras.len(), Instant::now());
    Watcher {
        feeds,
        book,
        edition: book.edition(),
        desk,
        reports,
        pool,
        first: None,
        patience: Patience::new(),
        fitted: Vec::new(),
        cameras,
        health,
        plates,
        has_plates: false,
        next_plate: (Instant::now(), 0),
        turns,
        was_out: false,
        asked: None,
        asking: None,
    }
    .serve();
}

impl Watcher<'_> {
    fn serve(&mut self) {
        let Some(mut watch) = self.learn_first() else { return };
        let (mut next, mut rest) = (0, Duration::ZERO);
        loop {
            let Ok(check) = self.desk.wait(rest.max(Duration::from_millis(1))) else { return };
            if self.book.edition() != self.edition {
                // All cameras were calibrated anew: what was learned is of another world.
                self.cameras.iter_mut().for_each(|seen| *seen = Seen::default());
                (self.first, self.asked, self.asking, self.patience) = (None, None, None, Patience::new());
                let Some(learned) = self.learn_first() else { return };
                watch = learned;
                continue;
            }
            if let Some(moment) = check {
                self.check(&mut watch, &moment);
                rest = Duration::ZERO;
                continue;
            }
            let begun = Instant::now();
            let Some((camera, live)) = self.next_picture(&mut next) else {
                rest = IDLE;
                self.learn_again(&mut watch);
                self.tell_plates();
                continue;
            };
            if watch.can_watch(camera) {
                self.look(&mut watch, camera, &live.picture, live.time);
            } else {
                // It had its turn too: else it would be due for ever, and nothing would be learned again.
                self.cameras[camera].looked = Some((live.time, Instant::now()));
            }
            // A bumped camera is waited for.
            rest = self.turns.rest(begun.elapsed(), self.cameras.iter().any(|c| c.out.as_ref().is_some_and(|out| !out.told)));
            self.keep_up(camera, &live);
        }
    }

    /// Health and plate of a camera, where they are due.
    fn keep_up(&mut self, camera: usize, live: &LivePicture) {
        let begun = Instant::now();
        let is_there = |other: usize| self.cameras[other].looked.is_some_and(|(_, at)| at.elapsed() < GONE_AFTER);
        if !self.turns.is_due(camera, begun, is_there) {
            return;
        }
        self.look_at_health(camera, live);
        self.learn_plate(camera, live);
        let counts = begun.elapsed().saturating_sub(self.health.burst_took());
        self.turns.kept(camera, begun, Instant::now(), counts);
    }

    /// Focus, dirt, flicker and pixels, where nothing more urgent is to be done.
    fn look_at_health(&mut self, camera: usize, live: &LivePicture) {
        if self.cameras[camera].out.is_some() || self.desk.busy.load(Ordering::Relaxed) {
            return;
        }
        let (health, feeds) = (&mut self.health, self.feeds);
        if let Some(ailments) = self.pool.install(|| health.look(feeds, camera, live)) {
            // Dirt does not move either, and blur makes everything else.
            let spoils = |a: &Ailment| matches!(a, Ailment::Dirty { .. } | Ailment::Blurred { .. });
            self.plates.bar(camera, ailments.iter().any(spoils));
            self.report(WatchReport::Health { camera, ailments });
        }
    }

    /// Learns what does not move from a picture that was looked at.
    fn learn_plate(&mut self, camera: usize, live: &LivePicture) {
        // While a camera is away nobody knows what its picture is of.
        let is_away = self.cameras[camera].out.is_some();
        if !self.desk.without_plates.load(Ordering::Relaxed) && !is_away {
            self.has_plates = true;
            let plates = &mut self.plates;
            self.pool.install(|| plates.offer(camera, live));
        }
        self.tell_plates();
    }

    /// Says what has changed.
    fn tell_plates(&mut self) {
        if self.has_plates && self.desk.without_plates.load(Ordering::Relaxed) {
            self.has_plates = false;
            self.plates.clear();
        }
        if let Some(news) = self.plates.news() {
            self.report(WatchReport::Plates(news));
        }
    }

    /// While the hall cannot be learned nobody looks at pictures: one camera after the other is looked at for its plate alone.
    fn look_for_plates(&mut self) {
        let (due, camera) = self.next_plate;
        let is_busy = self.desk.busy.load(Ordering::Relaxed) || self.desk.without_plates.load(Ordering::Relaxed);
        if is_busy || Instant::now() < due || self.cameras.is_empty() {
            return self.tell_plates();
        }
        let begun = Instant::now();
        if let Some(live) = self.feeds.watch_picture(camera, self.plates.taken(camera)).filter(|p| self.plates.is_due(camera, p.time)) {
            self.learn_plate(camera, &live);
        }
        self.next_plate = (Instant::now() + self.turns.rest(begun.elapsed(), false), (camera + 1) % self.cameras.len());
    }

    fn report(&self, report: WatchReport) {
        // The engine outlives this thread or has ended; then nobody wants to know.
        self.reports.send((self.edition, report)).ok();
    }

    /// The newest pictures of all cameras, of the size that the rig says.
    fn all_pictures(&self) -> Vec<Option<LivePicture>> {
        let fits = |camera: &Camera, p: &LivePicture| (p.picture.width(), p.picture.height()) == (camera.width_px, camera.height_px);
        let rig = self.book.newest();
        rig.cameras.iter().enumerate().map(|(i, c)| self.feeds.watch_picture(i, None).filter(|p| fits(c, p))).collect()
    }

    /// The two looks, when both are there.
    fn material(&mut self) -> Option<[Vec<Option<LivePicture>>; 2]> {
        if self.asked.is_some_and(|at| at.elapsed() < ASK_EVERY) {
            return None;
        }
        self.asked = Some(Instant::now());
        let count = |pictures: &[Option<LivePicture>]| pictures.iter().flatten().count();
        let now = self.all_pictures();
        let Some((since, first)) = &self.first else {
            // All of them, or after a while those that there are.
            let waited = self.asking.get_or_insert_with(Instant::now).elapsed();
            if count(&now) >= 2 && (count(&now) == now.len() || waited > WAIT_FOR_ALL) {
                (self.first, self.asking) = (Some((Instant::now(), now)), None);
            }
            return None;
        };
        let is_later = |(was, now): (&Option<LivePicture>, &Option<LivePicture>)| match (was, now) {
            (Some(was), Some(now)) => now.time >= was.time.plus_nanos(BETWEEN_LEARNING_NANOS),
            _ => false,
        };
        let later = first.iter().zip(&now).filter(|pair| is_later(*pair)).count();
        if later >= 2 && (later == count(first) || since.elapsed() > WAIT_FOR_ALL) {
            let (_, first) = self.first.take()?;
            return Some([first, now]);
        }
        // Some came later than others: begin again with them.
        if since.elapsed() > 2 * WAIT_FOR_ALL {
            self.first = None;
        }
        None
    }

    fn learn(&self, looks: &[Vec<Option<LivePicture>>; 2]) -> Result<Watch, String> {
        let rig = self.book.newest();
        let moments: Vec<Vec<Option<&Picture>>> =
            looks.iter().map(|look| look.iter().map(|p| p.as_ref().map(|p| p.picture.as_ref())).collect()).collect();
        self.pool.install(|| Watch::learn(&rig, &moments, &mut |_| !self.desk.is_stopped())).map_err(|e| e.to_string())
    }

    /// Until the hall is learned; `None` when it is over before.
    fn learn_first(&mut self) -> Option<Watch> {
        let mut told = String::new();
        loop {
            match self.desk.wait(Duration::from_millis(100)) {
                Err(()) => return None,
                // Nobody can say anything of it yet.
                Ok(Some(moment)) => self.report(WatchReport::Checked { instant: moment.instant }),
                Ok(None) => {}
            }
            if std::mem::replace(&mut self.edition, self.book.edition()) != self.edition {
                self.first = None;
            }
            // Before there is a rig nobody knows where anything stands.
            if !self.book.is_calibrated() {
                continue;
            }
            self.look_for_plates();
            if Instant::now() < self.patience.next || self.desk.busy.load(Ordering::Relaxed) {
                continue;
            }
            let Some(looks) = self.material() else { continue };
            self.fit(&looks);
            let begun = Instant::now();
            match self.learn(&looks) {
                // Calibrated anew meanwhile: it is learned once more.
                Ok(_) if self.book.edition() != self.edition => {}
                Ok(watch) => {
                    self.adopted(&watch, &looks[1], None);
                    let points = (0..self.cameras.len()).map(|i| watch.points(i)).collect();
                    self.report(WatchReport::Learned { points, secs: begun.elapsed().as_secs_f64() });
                    self.patience = Patience::new();
                    self.patience.later();
                    return Some(watch);
                }
                Err(_) if self.desk.is_stopped() => return None,
                Err(why) => {
                    self.patience.later();
                    if why != told {
                        told.clone_from(&why);
                        self.report(WatchReport::NotLearned { why });
                    }
                }
            }
        }
    }

    /// These cameras (all without a list) stand where the rig says, at the time of these pictures.
    fn adopted(&mut self, watch: &Watch, pictures: &[Option<LivePicture>], only: Option<&[usize]>) {
        for (i, picture) in pictures.iter().enumerate().filter(|(i, _)| only.is_none_or(|only| only.contains(i))) {
            if let Some(picture) = picture.as_ref().filter(|_| watch.can_watch(i)) {
                self.cameras[i] = Seen { stood: Some(picture.time), ..Seen::default() };
            }
        }
    }

    /// Cameras that cannot be watched (they came late, it was dark, the light changed) are learned anew now and then.
    fn learn_again(&mut self, watch: &mut Watch) {
        if Instant::now() < self.patience.next
            || self.desk.busy.load(Ordering::Relaxed)
            || self.cameras.iter().any(|c| c.out.as_ref().is_some_and(|out| !out.told))
        {
            return;
        }
        let wanting: Vec<usize> = (0..self.cameras.len())
            .filter(|&i| self.cameras[i].out.is_none() && (!watch.can_watch(i) || self.cameras[i].unsure_since.is_some()))
            .collect();
        if wanting.is_empty() {
            return;
        }
        let Some(looks) = self.material() else { return };
        self.patience.later();
        let begun = Instant::now();
        let Ok(learned) = self.learn(&looks) else { return };
        let better: Vec<usize> = wanting.into_iter().filter(|&i| learned.can_watch(i)).collect();
        for &i in &better {
            if self.cameras[i].told_unsure {
                self.report(WatchReport::Seen { camera: i, enough: true });
            }
            watch.adopt(i, &learned);
            self.plates.forget(i);
        }
        self.adopted(watch, &looks[1], Some(&better));
        if !better.is_empty() {
            let points = (0..self.cameras.len()).map(|i| watch.points(i)).collect();
            self.report(WatchReport::Learned { points, secs: begun.elapsed().as_secs_f64() });
        }
    }

    /// The next camera to look at, with a picture that was not looked at.
    fn next_picture(&mut self, next: &mut usize) -> Option<(usize, LivePicture)> {
        let n = self.cameras.len();
        let newer = |i: usize| {
            let seen = &self.cameras[i];
            let picture = self.feeds.watch_picture(i, seen.looked.map(|(time, _)| time))?;
            Some((i, picture))
        };
        // Bumped ones and the others take turns, so that one that cannot be solved blinds nobody.
        let since = |i: usize| self.cameras[i].looked.map_or(Duration::MAX, |(_, when)| when.elapsed());
        let is_due_out = |i: &usize| {
            let out = self.cameras[*i].out.as_ref();
            out.is_some_and(|out| !out.told || since(*i) >= LOOK_AT_LOST)
        };
        if !std::mem::replace(&mut self.was_out, false) {
            let mut out: Vec<usize> = (0..n).filter(is_due_out).collect();
            out.sort_by_key(|&i| std::cmp::Reverse(since(i)));
            if let Some(found) = out.into_iter().find_map(newer) {
                self.was_out = true;
                return Some(found);
            }
        }
        let pause = if self.desk.busy.load(Ordering::Relaxed) { PUT_OFF } else { LOOK_EVERY };
        let due = |i: &usize| self.cameras[*i].out.is_none() && self.cameras[*i].looked.is_none_or(|(_, when)| when.elapsed() >= pause);
        let found = (0..n).map(|k| (*next + k) % n).filter(due).find_map(newer)?;
        *next = found.0 + 1;
        Some(found)
    }

    /// Looks at the pictures of a moment that are newer than what is known.
    fn check(&mut self, watch: &mut Watch, moment: &Moment) {
        let is_new = |frame: &MomentFrame| {
            let i = self.feeds.rig().index_of(&frame.camera)?;
            let is_known = self.cameras[i].out.is_some() || self.cameras[i].stood.is_none_or(|stood| frame.time <= stood);
            // What was interpolated in time is no camera's picture.
            (watch.can_watch(i) && !is_known && !frame.retimed).then_some(i)
        };
        let frames: Vec<(usize, &MomentFrame)> = moment.frames.iter().filter_map(|frame| Some((is_new(frame)?, frame))).collect();
        // Somebody may be about to take it.
        let looks: Vec<Look> = self.pool.install(|| frames.par_iter().map(|(i, frame)| watch.look(*i, &frame.picture)).collect());
        for ((i, frame), look) in frames.into_iter().zip(looks) {
            self.looked(watch, i, (&frame.picture, frame.time), look);
        }
        for frame in &moment.frames {
            let Some(i) = self.feeds.rig().index_of(&frame.camera) else { continue };
            let seen = &mut self.cameras[i];
            // It stood in the frame that this instant uses, though that lies before it: what happens later is not of this moment.
            if seen.out.is_none()
                && let Some(stood) = seen.stood.as_mut().filter(|stood| **stood >= frame.time)
            {
                *stood = (*stood).max(moment.instant);
            }
        }
        self.report(WatchReport::Checked { instant: moment.instant });
    }

    fn look(&mut self, watch: &mut Watch, camera: usize, picture: &Picture, time: MediaTime) {
        let look = self.pool.install(|| watch.look(camera, picture));
        self.looked(watch, camera, (picture, time), look);
    }

    /// What follows from a look.
    fn looked(&mut self, watch: &mut Watch, camera: usize, (picture, time): (&Picture, MediaTime), look: Look) {
        let seen = &mut self.cameras[camera];
        seen.looked = Some((seen.looked.map_or(time, |(was, _)| was.max(time)), Instant::now()));
        let mut told = Vec::new();
        match look {
            Look::Stands { .. } => {
                seen.stood = Some(time);
                seen.unsure_since = None;
                if seen.out.take().is_some() {
                    told.push(WatchReport::StandsAgain { camera, from: time });
                }
                if std::mem::take(&mut seen.told_unsure) {
                    told.push(WatchReport::Seen { camera, enough: true });
                }
            }
            Look::Moved { shift_px, turned_rad, .. } => {
                seen.unsure_since = None;
                if std::mem::take(&mut seen.told_unsure) {
                    told.push(WatchReport::Seen { camera, enough: true });
                }
                if seen.out.is_none() {
                    self.plates.forget(camera);
                    seen.out = Some(Out { since: time, ..Out::default() });
                    told.push(WatchReport::Bumped { camera, after: seen.stood.unwrap_or(time), shift_px, turned_rad });
                }
                told.extend(self.solve(watch, camera, picture, time));
            }
            Look::Unsure { .. } => {
                let since = *seen.unsure_since.get_or_insert(time);
                let is_long = time.nanos() - since.nanos() >= TELL_AFTER_NANOS;
                if let Some(out) = &mut seen.out {
                    if is_long && !std::mem::replace(&mut out.told, true) {
                        let why = "it shows too little of what it showed before. Was it turned away, zoomed or covered? Turn it back, or calibrate it again";
                        told.push(WatchReport::Unsolved { camera, why: why.to_owned() });
                    }
                } else if is_long && !std::mem::replace(&mut seen.told_unsure, true) {
                    told.push(WatchReport::Seen { camera, enough: false });
                }
            }
        }
        for report in told {
            self.report(report);
        }
    }

    /// Solves a bumped camera; it counts once two pictures in turn say the same.
    fn solve(&mut self, watch: &mut Watch, camera: usize, picture: &Picture, time: MediaTime) -> Option<WatchReport> {
        let solved = self.pool.install(|| watch.resolve(camera, picture));
        let full_sizes = f64::from(picture.width().max(picture.height()).max(FULL_SIDE_PX)) / f64::from(FULL_SIDE_PX);
        let out = self.cameras[camera].out.as_mut()?;
        let is_long = time.nanos() - out.since.nanos() >= TELL_AFTER_NANOS;
        let why = match solved {
            Ok(resolved) if resolved.median_px <= SOLVED_PX * full_sizes => {
                let before = out.tried.replace((time, resolved.clone()));
                let still = |(was, before): &(MediaTime, Resolved)| {
                    *was < time && watch.apart_px(camera, &before.camera, &resolved.camera) <= STILL_PX * full_sizes
                };
                if let Some((from, _)) = before.filter(still) {
                    watch.accept(camera, &resolved, picture);
                    self.health.moved(camera);
                    self.plates.forget(camera);
                    let seen = &mut self.cameras[camera];
                    (seen.out, seen.stood) = (None, Some(time));
                    return Some(WatchReport::Solved { camera, from, resolved: Box::new(resolved) });
                }
                "it does not stand still".to_owned()
            }
            Ok(resolved) => format!("its new place fits only to {:.1} px. Fix it, or calibrate it again", resolved.median_px),
            Err(e) => e.to_string(),
        };
        (is_long && !std::mem::replace(&mut out.told, true)).then_some(WatchReport::Unsolved { camera, why })
    }
}

#[cfg(test)]
mod tests;
