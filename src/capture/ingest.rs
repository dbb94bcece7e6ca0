//! From a parsed picture to an access unit in the ring: the end of every feed's streaming thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::clock::HouseClock;
use super::codec::{Codec, h264_is_droppable};
use super::decode::FeedFormats;
use super::feed::{FeedShared, Trouble};
use super::inlet::Incoming;
use super::rate::RateMeter;
use super::record::Recording;
use super::sound::SoundTap;
use crate::ring::{AccessUnit, Push, Refusal, Ring};
use crate::time::{FrameRate, MediaTime};

/// A frame further ahead of now than this is not of this world, nanoseconds.
pub(super) const MOST_AHEAD_NANOS: i64 = 2_000_000_000;
/// A unit of fewer bytes is copied.
const LEAST_KEPT: usize = 4096;
/// So many frames in time end it that frames were ahead: one here and there is not told each time anew.
const AHEAD_FOR: u32 = 100;
/// Each frame takes this part of a frame interval of an operator's nudge.
const NUDGE_SLEW: i64 = 32;

/// Stamps and stores one feed's units. Only its own streaming thread writes to it.
#[derive(Debug)]
pub(super) struct Ingest {
    ring: Arc<Ring>,
    pub shared: Arc<FeedShared>,
    formats: Arc<FeedFormats>,
    clock: HouseClock,
    late_after_nanos: Option<i64>,
    recording: Option<Arc<Recording>>,
    /// The source was uncompressed and is encoded on arrival.
    pub is_raw: AtomicBool,
    /// It is to be decoded and encoded again, every frame by itself.
    pub make_intra: bool,
    /// Its times may be far ahead of now: a file that is read as fast as it can be.
    pub reads_ahead: AtomicBool,
    /// Its source's memory is made for each unit alone, as large as it is: the ring keeps it as it is, without a copy.
    pub keeps_memory: AtomicBool,
    /// Its rate is what it declares, however few pictures come: they are made here.
    pub is_pushed: AtomicBool,
    /// Its own sound is the sound of the venue.
    pub sound: Option<SoundTap>,
    stream: Mutex<Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    caps: Option<gst::Caps>,
    codec: Option<Codec>,
    format: u16,
    nal_length_bytes: Option<usize>,
    interval_nanos: i64,
    rate: RateMeter,
    /// What the stream says of itself.
    declared_rate: Option<FrameRate>,
    /// The last keyframe and the frames that came since, itself included.
    key: Option<(MediaTime, i64)>,
    /// How much of the operator's nudge is in, nanoseconds.
    nudged_nanos: i64,
    /// Frames until it is over that some were ahead of now; 0 while none was.
    ahead: u32,
}

impl Ingest {
    pub(super) fn new(
        ring: Arc<Ring>,
        shared: Arc<FeedShared>,
        formats: Arc<FeedFormats>,
        clock: HouseClock,
        late_after_nanos: Option<i64>,
        make_intra: bool,
        recording: Option<Arc<Recording>>,
        sound: Option<SoundTap>,
    ) -> Self {
        let stream = Mutex::default();
        Self {
            ring,
            shared,
            formats,
            clock,
            late_after_nanos,
            recording,
            is_raw: AtomicBool::new(false),
            make_intra,
            reads_ahead: AtomicBool::new(false),
            keeps_memory: AtomicBool::new(false),
            is_pushed: AtomicBool::new(false),
            sound,
            stream,
        }
    }

    /// The clock that arrivals are judged by.
    pub(super) const fn clock(&self) -> &HouseClock {
        &self.clock
    }

    /// The feed's frame interval as far as it is known, nanoseconds.
    pub(super) fn declared_interval_nanos(&self) -> Option<i64> {
        self.ring.interval_nanos(self.shared.id)
    }

    /// Takes one picture; `origin` is the house time of running time zero.
    pub(super) fn take(&self, incoming: Incoming<'_>, origin: MediaTime) {
        let buffer = incoming.buffer;
        let shared = &self.shared;
        let size = buffer.size();
        shared.received.add_one();
        shared.bytes.add(size as u64);
        // Times beyond a century are no times.
        let running = incoming.running_nanos(buffer.pts().or(buffer.dts())).filter(|nanos| nanos.unsigned_abs() < 1 << 61);
        let Some(running) = running else {
            shared.no_time.add_one();
            return;
        };
        let mut stream = self.stream.lock();
        // The same description is the same object: this compares addresses.
        if let Some(caps) = incoming.caps
            && stream.caps.as_ref() != Some(caps)
            && !self.begin(&mut stream, caps.clone())
        {
            return;
        }
        let own_memory = if self.keeps_memory.load(Ordering::Relaxed) { payload_of(buffer, size) } else { None };
        let Some(payload) = own_memory.or_else(|| buffer.map_readable().ok().map(|map| Bytes::copy_from_slice(&map))) else {
            shared.complain(Trouble::Frame, "a buffer of its source cannot be read; the frame is left out".to_owned());
            return;
        };
        // A part of a frame at a time: frames that are reordered keep their order.
        let most = (stream.interval_nanos / NUDGE_SLEW).max(100_000);
        stream.nudged_nanos += (shared.nudged_nanos() - stream.nudged_nanos).clamp(-most, most);
        let own = origin.plus_nanos(running);
        let pts = own.plus_nanos(stream.nudged_nanos);
        let buffer_flags = buffer.flags();
        let codec = stream.codec;
        let keyframe = !buffer_flags.contains(gst::BufferFlags::DELTA_UNIT) || codec.is_some_and(Codec::is_intra_only);
        let nanos = buffer.duration().map_or(stream.interval_nanos, |d| d.nseconds() as i64);
        let droppable = !keyframe && codec == Some(Codec::H264) && h264_is_droppable(&payload, stream.nal_length_bytes);
        let mut unit = AccessUnit::new(pts, u32::try_from(nanos).unwrap_or(0), keyframe, payload);
        unit.format = stream.format;
        unit.droppable = droppable;
        unit.flags.damaged = buffer_flags.contains(gst::BufferFlags::CORRUPTED);
        let delay = self.clock.now() - pts;
        if -delay > MOST_AHEAD_NANOS && !self.reads_ahead.load(Ordering::Relaxed) {
            // In the ring it would push out everybody's past.
            if stream.ahead == 0 {
                let secs = -delay as f64 * 1e-9;
                let words = format!("its frames are {secs:.1} s ahead of now and are left out. Check the camera's clock, and its offset");
                shared.complain(Trouble::Ahead, words);
            }
            stream.ahead = AHEAD_FOR;
            shared.clock_ahead.add_one();
            return;
        }
        if stream.ahead > 0 {
            stream.ahead -= 1;
            if stream.ahead == 0 {
                shared.over(Trouble::Ahead);
            }
        }
        unit.flags.late = self.late_after_nanos.is_some_and(|limit| delay > limit);
        shared.delay_nanos.store(delay, Ordering::Relaxed);
        // By the source's own times: house time is still settling when a stream begins.
        self.measure_rate(&mut stream, running);
        let (late, damaged) = (unit.flags.late, unit.flags.damaged);
        // References only: the payload is shared by memory and disk.
        let for_disk = self.recording.as_ref().and_then(|recording| Some((recording.recorder()?, unit.clone())));
        let outcome = self.ring.push(shared.id, unit);
        // What marks leave no room for in memory can still be recorded.
        if let (Some((recorder, mut unit)), Push::Stored(_) | Push::Refused(Refusal::PinsFull)) = (for_disk, outcome) {
            if let Push::Stored(flags) = outcome {
                unit.flags = flags;
            }
            recorder.offer(shared.id, unit);
        }
        match outcome {
            Push::Stored(flags) => {
                shared.duplicated.add(u64::from(flags.duplicated));
                shared.late.add(u64::from(late));
                shared.damaged.add(u64::from(damaged));
                self.count_missing(&mut stream, own, keyframe, flags.duplicated);
                shared.arrived(pts);
            }
            Push::Refused(Refusal::PinsFull) => shared.pins_full.add_one(),
            Push::Refused(Refusal::TimeWentBack) => shared.clock_back.add_one(),
            Push::Refused(Refusal::NoKeyframe | Refusal::UnknownFeed) => shared.no_keyframe.add_one(),
        }
    }

    /// The stream's description changed; false when it cannot be kept.
    fn begin(&self, stream: &mut Stream, caps: gst::Caps) -> bool {
        let Some(parsed) = Codec::of_caps(&caps) else {
            self.shared.fail(format!("its codec is unknown ({caps}); deliver H.264, H.265, MJPEG, ProRes, MPEG-4 or raw video"));
            return false;
        };
        let structure = caps.structure(0);
        let get = |name: &str| structure.and_then(|s| s.get::<i32>(name).ok()).and_then(|v| u32::try_from(v).ok());
        let rate = structure
            .and_then(|s| s.get::<gst::Fraction>("framerate").ok())
            .and_then(|f| FrameRate::new(u32::try_from(f.numer()).ok()?, u32::try_from(f.denom()).ok()?));
        if let Some(rate) = rate {
            stream.interval_nanos = rate.interval_nanos();
            self.ring.set_interval(self.shared.id, stream.interval_nanos);
        } else if stream.caps.is_some() {
            // Another stream than before, which says nothing of its rate: it is measured again.
            stream.interval_nanos = 0;
        }
        let avc = structure.is_some_and(|s| s.get::<&str>("stream-format").is_ok_and(|f| f.starts_with("avc")));
        stream.nal_length_bytes = avc.then(|| {
            let header = structure.and_then(|s| s.get::<gst::Buffer>("codec_data").ok());
            let map = header.as_ref().and_then(|b| b.map_readable().ok());
            map.and_then(|m| m.get(4).map(|b| usize::from(b & 3) + 1)).unwrap_or(4)
        });
        let codec = if self.is_raw.load(Ordering::Relaxed) { Codec::Raw } else { parsed };
        self.shared.describe(codec, get("width").zip(get("height")), rate);
        stream.codec = Some(codec);
        stream.rate.restart(rate.map(FrameRate::interval_nanos));
        stream.declared_rate = rate;
        stream.format = self.formats.add(self.shared.id, &caps, codec);
        stream.caps = Some(caps);
        true
    }

    /// Feeds that declare no rate, or one that is not true (cameras do), get the median distance of their frames.
    fn measure_rate(&self, stream: &mut Stream, running_nanos: i64) {
        let declared = stream.rate.declared_nanos();
        if declared > 0 && self.is_pushed.load(Ordering::Relaxed) {
            return;
        }
        let Some(interval) = stream.rate.saw(running_nanos) else { return };
        if declared > 0 && !stream.rate.is_as_declared(interval) {
            let fps = |nanos: i64| 1e9 / nanos as f64;
            let (says, is) = (fps(declared), fps(interval));
            let words = format!("it says {says:.1} frames a second and sends {is:.1}: the latter is taken. Set its rate right");
            self.shared.complain(Trouble::Rate, words);
        } else {
            self.shared.over(Trouble::Rate);
        }
        if interval == stream.interval_nanos {
            return;
        }
        stream.interval_nanos = interval;
        self.ring.set_interval(self.shared.id, interval);
        // What is missing is counted from keyframe to keyframe, by one rate.
        stream.key = None;
        let measured = || u32::try_from(interval).ok().and_then(|nanos| FrameRate::new(1_000_000_000, nanos));
        let rate = stream.declared_rate.filter(|_| interval == declared).or_else(measured);
        if let (Some(codec), Some(rate)) = (stream.codec, rate) {
            self.shared.describe(codec, None, Some(rate));
        }
    }

    /// Counts the frames that should have come between two keyframes and did not.
    fn count_missing(&self, stream: &mut Stream, pts: MediaTime, keyframe: bool, duplicated: bool) {
        let interval = stream.interval_nanos;
        if interval <= 0 {
            return;
        }
        let missing = &self.shared.missing;
        match &mut stream.key {
            Some((key, count)) if keyframe => {
                if pts - *key < interval / 4 {
                    return; // the same time again
                }
                let expected = (pts - *key + interval / 2) / interval;
                missing.add(u64::try_from(expected - *count).unwrap_or(0));
                stream.key = Some((pts, 1));
            }
            // A leading picture of an open group belongs before the keyframe; it was taken for missing there.
            Some((key, _)) if pts < *key => missing.set(missing.get().saturating_sub(1)),
            Some((_, count)) => *count += i64::from(!duplicated),
            None => stream.key = keyframe.then_some((pts, 1)),
        }
    }
}

/// A buffer's own memory as bytes, where it is one piece of plain memory that holds nothing else. What is small is copied: the pieces around it
/// would be a larger part.
fn payload_of(buffer: &gst::BufferRef, size: usize) -> Option<Bytes> {
    if size < LEAST_KEPT || buffer.n_memory() != 1 {
        return None;
    }
    let memory = buffer.memory(0)?;
    // Part of something larger, of a device or of a pool would keep that from its owner.
    if memory.parent().is_some() || !memory.is_type("SystemMemory") || memory.maxsize() > memory.size() + memory.size() / 32 {
        return None;
    }
    memory.into_mapped_memory_readable().ok().map(Bytes::from_owner)
}
