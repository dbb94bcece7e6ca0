//! Recording that begins with the session or, where its folder cannot be used then, as soon as it can: a disk that is mounted late, another
//! program that ends, rights that are given.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::{DiskStatus, Recorder};
use crate::capture::clock::{ClockReference, HouseClock};
use crate::capture::decode::FeedFormats;
use crate::capture::error::CaptureError;
use crate::ring::disk::{DiskConfig, DiskError, DiskStore, Kept};
use crate::time::MediaTime;

/// A folder that cannot be used is tried again after this, then after twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// Who starts again at once finds the program before still closing its files.
const OTHER_ENDS_WITHIN: Duration = Duration::from_secs(2);
/// The end of the session is looked for this often.
const TICK: Duration = Duration::from_millis(25);
/// Marks that wait for the folder; the oldest go first.
const WAITING_MARKS: usize = 1024;

/// Recording as it was asked for.
#[derive(Debug)]
pub(in crate::capture) struct Recording {
    config: DiskConfig,
    names: Vec<Arc<str>>,
    formats: Arc<FeedFormats>,
    begun: OnceLock<Arc<Recorder>>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Why it cannot begin, and the remedy.
    problem: String,
    marks: BTreeMap<u64, Kept>,
    /// Seconds of the session that are not on disk.
    late_secs: Option<f64>,
}

impl Recording {
    /// Opens the folder, and sets the house clock: it goes on where earlier sessions were. Without the folder there is capture all the
    /// same, and [`Recording::begin_late`] tries again.
    pub fn open(
        config: DiskConfig,
        reference: &ClockReference,
        names: Vec<Arc<str>>,
        formats: &Arc<FeedFormats>,
    ) -> Result<(HouseClock, Self), CaptureError> {
        let recording = Self { config, names, formats: Arc::clone(formats), begun: OnceLock::new(), waiting: Mutex::default() };
        let ends_soon = Instant::now() + OTHER_ENDS_WITHIN;
        let mut opened = DiskStore::open(recording.config.clone(), wall_nanos());
        while matches!(opened, Err(DiskError::InUse { .. })) && Instant::now() < ends_soon {
            std::thread::sleep(TICK);
            opened = DiskStore::open(recording.config.clone(), wall_nanos());
        }
        match opened {
            Ok(store) => {
                let clock = HouseClock::continuing(reference, store.start());
                recording.begun.set(recording.start(store)?).ok();
                Ok((clock, recording))
            }
            Err(e) => {
                tracing::warn!("no recording to disk: {e}");
                recording.waiting.lock().problem = e.to_string();
                Ok((HouseClock::continuing(reference, MediaTime::ZERO), recording))
            }
        }
    }

    fn start(&self, store: DiskStore) -> Result<Arc<Recorder>, CaptureError> {
        tracing::info!("recording into {:?}: {:?}", self.config.folder, store.restored());
        if let Some(nanos) = store.restored().clock_set_back_nanos {
            let secs = nanos as f64 * 1e-9;
            tracing::warn!("the wall clock is {secs:.1} s behind the newest recording: it was set back. House time goes on after it");
        }
        Ok(Arc::new(Recorder::start(Arc::new(store), &self.names, Arc::clone(&self.formats))?))
    }

    /// What records, once it has begun.
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.begun.get()
    }

    /// Tries until the folder can be used or the session ends; `began` is told of the folder before anything is recorded into it.
    pub fn begin_late(&self, clock: &HouseClock, stop: &AtomicBool, began: impl Fn(&Arc<DiskStore>)) {
        let (since, mut pause) = (clock.now(), FIRST_PAUSE);
        while self.begun.get().is_none() {
            let due = Instant::now() + pause;
            while Instant::now() < due {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(TICK);
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
            let opened = DiskStore::open_late(self.config.clone(), wall_nanos(), clock.now()).map_err(|e| e.to_string());
            match opened.and_then(|store| self.start(store).map_err(|e| e.to_string())) {
                Ok(recorder) => {
                    recorder.begin_with_keyframes();
                    began(recorder.store());
                    let late_secs = (clock.now() - since) as f64 * 1e-9;
                    tracing::warn!("recording to disk begins {late_secs:.0} s late");
                    let mut waiting = self.waiting.lock();
                    for kept in std::mem::take(&mut waiting.marks).into_values() {
                        if let Err(why) = recorder.keep(kept) {
                            tracing::warn!("{why}");
                        }
                    }
                    waiting.late_secs = Some(late_secs);
                    self.begun.set(recorder).ok();
                }
                Err(why) => self.waiting.lock().problem = why,
            }
        }
    }

    /// Keeps a range; before recording begins it waits for that.
    pub fn keep(&self, kept: Kept) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        if let Some(recorder) = self.begun.get() {
            return recorder.keep(kept);
        }
        waiting.marks.insert(kept.id, kept);
        if waiting.marks.len() > WAITING_MARKS {
            waiting.marks.pop_first();
        }
        Ok(())
    }

    /// Keeps it no longer.
    pub fn forget(&self, id: u64) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        if let Some(recorder) = self.begun.get() {
            return recorder.forget(id);
        }
        waiting.marks.remove(&id);
        Ok(())
    }

    pub fn status(&self) -> DiskStatus {
        let waiting = self.waiting.lock();
        match self.begun.get() {
            Some(recorder) => DiskStatus { late_secs: waiting.late_secs, ..recorder.status() },
            None => DiskStatus::failed(self.config.folder.clone(), self.config.budget_bytes, waiting.problem.clone()),
        }
    }
}

fn wall_nanos() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    wall.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
