//! What a node sends by itself to one console: times, states, small pictures, the units of watched cameras.
//!
//! The ring is the queue: a console that reads too slowly gets the newest (drop-oldest for units, by whole groups of pictures;
//! latest for small pictures). What is under way is bounded by what the console says it has read.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::report;
use super::server::Shared;
use crate::link::{Header, LinkError, Message, SealedWriter};
use crate::ring::FeedId;
use crate::time::MediaTime;

/// Bytes that may be under way.
const WINDOW_BYTES: u64 = 512 << 10;
/// How often it looks for something new.
const TICK: Duration = Duration::from_millis(4);
/// Times of the newest frames.
const HEADS_EVERY: Duration = Duration::from_millis(20);
/// States and counters.
const STATUS_EVERY: Duration = Duration::from_millis(500);
/// Units of one camera at a time.
const UNITS: usize = 8;
/// Quality of the small pictures, percent.
const JPEG_QUALITY: u8 = 75;

/// What one console wants, and the way to it.
#[derive(Debug)]
pub(super) struct Streaming {
    shared: Arc<Shared>,
    writer: Mutex<SealedWriter<TcpStream>>,
    previews: AtomicBool,
    live: Mutex<Vec<usize>>,
    got_bytes: AtomicU64,
    done: AtomicBool,
}

/// How far a watched camera is.
struct Cursor {
    camera: usize,
    feed: FeedId,
    /// `u64::MAX`: begins with the newest keyframe.
    next_order: u64,
}

impl Streaming {
    pub(super) fn new(shared: Arc<Shared>, writer: SealedWriter<TcpStream>) -> Arc<Self> {
        let writer = Mutex::new(writer);
        Arc::new(Self {
            shared,
            writer,
            previews: AtomicBool::new(false),
            live: Mutex::default(),
            got_bytes: AtomicU64::new(0),
            done: AtomicBool::new(false),
        })
    }

    pub(super) fn pong(&self, t1: i64, t2: i64) -> Result<(), LinkError> {
        let mut writer = self.writer.lock();
        // Whoever had the writer before took time; the answer leaves now.
        let t3 = self.shared.pretend.tell(self.shared.session.house_now());
        writer.send(&Message::new(Header::Pong { t1, t2, t3 }))
    }

    pub(super) fn got(&self, bytes: u64) {
        self.got_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(super) fn watch(&self, previews: bool, live: &[u16]) {
        self.previews.store(previews, Ordering::Relaxed);
        let mut wanted: Vec<usize> = live.iter().map(|c| usize::from(*c)).filter(|c| *c < self.shared.cameras.len()).collect();
        wanted.dedup();
        *self.live.lock() = wanted;
    }

    pub(super) fn end(&self) {
        self.done.store(true, Ordering::Relaxed);
        self.writer.lock().stream().shutdown(Shutdown::Both).ok();
    }

    /// Sends until the console is gone.
    pub(super) fn run(&self) {
        if let Err(e) = self.send_all() {
            tracing::info!("a console is gone: {e}");
        }
        // The reading side notices.
        if let Some(writer) = self.writer.try_lock() {
            writer.stream().shutdown(Shutdown::Both).ok();
        }
    }

    fn send(&self, message: &Message) -> Result<(), LinkError> {
        self.writer.lock().send(message)
    }

    fn has_room(&self) -> bool {
        self.writer.lock().bytes().saturating_sub(self.got_bytes.load(Ordering::Relaxed)) < WINDOW_BYTES
    }

    fn send_all(&self) -> Result<(), LinkError> {
        let cameras = self.shared.cameras.len();
        let (mut heads_at, mut status_at) = (Instant::now(), Instant::now());
        let mut cursors: Vec<Cursor> = Vec::new();
        let mut shown: Vec<Option<MediaTime>> = vec![None; cameras];
        let mut next_preview = 0;
        while !self.done.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now >= heads_at && self.has_room() {
                heads_at = now + HEADS_EVERY;
                self.send(&Message::new(report::heads(&self.shared)))?;
            }
            if now >= status_at && self.has_room() {
                status_at = now + STATUS_EVERY;
                self.send(&Message::new(report::status(&self.shared)))?;
            }
            self.send_live(&mut cursors)?;
            // One small picture at a time: nothing else waits for more than one.
            for step in 0..if self.previews.load(Ordering::Relaxed) { cameras } else { 0 } {
                let camera = (next_preview + step) % cameras;
                if self.has_room() && self.send_preview(camera, &mut shown[camera])? {
                    next_preview = camera + 1;
                    break;
                }
            }
            thread::sleep(TICK.saturating_sub(now.elapsed()));
        }
        Ok(())
    }

    fn send_preview(&self, camera: usize, shown: &mut Option<MediaTime>) -> Result<bool, LinkError> {
        let (feed, _) = self.shared.cameras[camera];
        let Some(preview) = self.shared.session.preview(feed).filter(|p| Some(p.time) != *shown) else { return Ok(false) };
        *shown = Some(preview.time);
        let Some(jpeg) = preview.picture.to_jpeg(JPEG_QUALITY) else { return Ok(false) };
        let header = Header::Preview { camera: camera as u16, at: self.shared.pretend.tell(preview.time) };
        self.send(&Message { header, payload: jpeg.into() })?;
        Ok(true)
    }

    fn send_live(&self, cursors: &mut Vec<Cursor>) -> Result<(), LinkError> {
        let wanted = self.live.lock().clone();
        cursors.retain(|c| wanted.contains(&c.camera));
        for camera in wanted {
            if !cursors.iter().any(|c| c.camera == camera) {
                cursors.push(Cursor { camera, feed: self.shared.cameras[camera].0, next_order: u64::MAX });
            }
        }
        let ring = self.shared.session.ring();
        for cursor in cursors {
            if cursor.next_order == u64::MAX {
                let Some(keyframe) = ring.newest_keyframe(cursor.feed) else { continue };
                cursor.next_order = keyframe.order;
            }
            for unit in ring.follow(cursor.feed, cursor.next_order, UNITS) {
                if unit.order != cursor.next_order && !unit.keyframe {
                    // The ring had to jump.
                    cursor.next_order = u64::MAX;
                    break;
                }
                if !self.has_room() {
                    break;
                }
                let note = unit.keyframe.then(|| self.shared.session.formats().note(cursor.feed, unit.format)).flatten();
                let head = report::unit_head(&unit, 0, self.shared.pretend);
                let header = Header::Live { camera: cursor.camera as u16, unit: head, note };
                self.send(&Message { header, payload: unit.payload.clone() })?;
                cursor.next_order = unit.order + 1;
            }
        }
        Ok(())
    }
}
