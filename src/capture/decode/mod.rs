//! From the ring to pictures: the moment decoder.
//!
//! For an instant, every camera's group of pictures is decoded from its last keyframe up to the frame, all cameras in
//! parallel, and only that frame is copied out. Decoders stay warm between moments; what was decoded about the playhead stays, too (`near`),
//! and its neighbours are decoded ahead (`ahead`).

mod ahead;
mod element;
pub(super) mod hardware;
mod near;
mod runner;

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

pub(super) use element::Decoder;
pub use near::NearStatus;
use runner::{REORDERED, Runner};

use super::Codec;
use super::node::{Asked, Nodes};
use super::record::Note;
use crate::frame::{Moment, MomentFrame, Picture, YuvFrame};
use crate::ring::disk::{DiskStore, FoundOnDisk};
use crate::ring::{AccessUnit, Dishonest, FeedId, GopForInstant, Ring};
use crate::telemetry::Counter;
use crate::time::MediaTime;

/// Rolls at once that keep their decoders: on program, in preview, in a dissolve, and what comes next, on A and on B.
const RUNNERS: usize = 10;
/// Of one feed: on A, on B, and in preview.
const RUNNERS_OF_FEED: usize = 3;

/// Why a feed's frame cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The ring has no honest frame.
    #[error(transparent)]
    Dishonest(#[from] Dishonest),
    /// The stream's headers never came.
    #[error("its codec headers are not known yet; wait for its next keyframe")]
    NoFormat,
    /// No decoder.
    #[error("no decoder for {codec} is installed (one of {wanted}); `volte devices` lists what is there")]
    NoDecoder {
        /// The codec.
        codec: Codec,
        /// Elements that would do.
        wanted: String,
    },
    /// The decoder failed.
    #[error("its frame cannot be decoded: {reason}")]
    Failed {
        /// What the decoder said.
        reason: String,
    },
    /// The node that has the camera does not give it.
    #[error("{reason}")]
    Node {
        /// Why, and what helps.
        reason: String,
    },
    /// The decoder delivered something that cannot be used.
    #[error("its pictures are {format}; only 8- and 10-bit planar YUV is understood")]
    Format {
        /// The format's name.
        format: String,
    },
}

/// A camera by name, and its frame with the error in time, nanoseconds, or why there is none.
pub type NamedFrame = (Arc<str>, Result<(TimedFrame, i64), DecodeError>);

/// One format (codec headers) of a stream.
#[derive(Debug, Clone)]
pub(super) struct StreamFormat {
    pub caps: gst::Caps,
    pub codec: Codec,
}

/// So many formats of a feed are known at once: one that changes with every reconnect for days must not grow.
const MOST_FORMATS: usize = 256;

/// The formats of every feed, numbered as in [`AccessUnit::format`]; the oldest is forgotten where there are too many.
#[derive(Debug, Default)]
pub struct FeedFormats(RwLock<Vec<Formats>>);

/// The formats of one feed.
#[derive(Debug, Clone, Default)]
struct Formats {
    /// The number of the first one that is known; numbers begin again after 65 535.
    first: u16,
    known: VecDeque<StreamFormat>,
}

impl Formats {
    fn add(&mut self, caps: &gst::Caps, codec: Codec) -> u16 {
        let known = self.known.iter().position(|f| &f.caps == caps);
        // One that is about to be forgotten and still used is entered anew: what comes now must outlive it.
        let known = known.filter(|at| self.known.len() < MOST_FORMATS || *at >= MOST_FORMATS / 2);
        let at = known.unwrap_or_else(|| {
            if self.known.len() == MOST_FORMATS {
                self.known.pop_front();
                self.first = self.first.wrapping_add(1);
            }
            self.known.push_back(StreamFormat { caps: caps.clone(), codec });
            self.known.len() - 1
        });
        self.first.wrapping_add(at as u16)
    }

    fn get(&self, number: u16) -> Option<&StreamFormat> {
        self.known.get(usize::from(number.wrapping_sub(self.first)))
    }
}

impl FeedFormats {
    /// The number of a format; a new one is added.
    pub(super) fn add(&self, feed: FeedId, caps: &gst::Caps, codec: Codec) -> u16 {
        let mut feeds = self.0.write();
        if feeds.len() <= feed.0 {
            feeds.resize(feed.0 + 1, Formats::default());
        }
        feeds[feed.0].add(caps, codec)
    }

    /// A format in words that another machine understands.
    pub(super) fn note(&self, feed: FeedId, format: u16) -> Option<String> {
        self.get(feed, format).map(|f| Note::of(f.codec, &f.caps))
    }

    pub(super) fn get(&self, feed: FeedId, format: u16) -> Option<StreamFormat> {
        self.0.read().get(feed.0)?.get(format).cloned()
    }
}

/// A decoded frame and when it was seen.
#[derive(Debug, Clone)]
pub struct TimedFrame {
    /// House time.
    pub time: MediaTime,
    /// The picture.
    pub frame: YuvFrame,
}

/// What a node answered, or what was fetched of it before.
type Answered = Result<GopForInstant, DecodeError>;
/// How a feed's frame is to be had.
#[derive(Debug)]
enum Way {
    /// By this machine's ring or disk.
    Here,
    /// It was fetched of its node before.
    Fetched(GopForInstant),
    /// Its node was asked.
    Asked(Asked),
}
/// A feed's units from … until.
type UnitsOfRange = (FeedId, Vec<AccessUnit>, (MediaTime, MediaTime));

/// Decodes moments from a ring. Share it; all methods take `&self`.
#[derive(Debug)]
pub struct MomentDecoder {
    ring: Arc<Ring>,
    formats: Arc<FeedFormats>,
    /// What memory no longer has.
    disk: OnceLock<Arc<DiskStore>>,
    /// Those that have feeds of other machines.
    nodes: Option<Arc<Nodes>>,
    /// Warm decoders per feed, as many as ever worked on it at once.
    idle: Mutex<Vec<Vec<Decoder>>>,
    /// Decoders that stay with a feed that rolls, the one used last at the end.
    runners: Mutex<Vec<Runner>>,
    /// Decoded pictures about the playhead.
    near: Mutex<near::Near>,
    /// Who decodes ahead: a moment that is wanted never waits for one of these.
    ahead: OnceLock<Option<rayon::ThreadPool>>,
    units: Counter,
}

impl MomentDecoder {
    /// A decoder for the feeds of `ring`.
    pub fn new(ring: Arc<Ring>, formats: Arc<FeedFormats>) -> Self {
        let (idle, runners, near) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { ring, formats, disk: OnceLock::new(), nodes: None, idle, runners, near, ahead: OnceLock::new(), units: Counter::default() }
    }

    /// With a recording folder for what memory no longer has.
    #[must_use]
    pub fn with_disk(self, disk: Arc<DiskStore>) -> Self {
        Self { disk: disk.into(), ..self }
    }

    /// The same for a folder that could not be used at first; another one is not taken.
    pub(super) fn set_disk(&self, disk: &Arc<DiskStore>) {
        self.disk.set(Arc::clone(disk)).ok();
    }

    /// With nodes that have some of the feeds.
    #[must_use]
    pub(super) fn with_nodes(self, nodes: Arc<Nodes>) -> Self {
        Self { nodes: Some(nodes), ..self }
    }

    /// Asks the feed's node, if it has one, memory here does not do and nothing that was fetched before does.
    fn ask(&self, feed: FeedId, instant: MediaTime) -> Way {
        let Some(nodes) = self.nodes.as_ref().filter(|nodes| nodes.has(feed)) else { return Way::Here };
        if self.ring.gop_for(feed, instant).is_ok() {
            return Way::Here;
        }
        let fetched = self.ring.interval_nanos(feed).and_then(|interval_nanos| nodes.fetched(feed, instant, interval_nanos));
        fetched.map(Way::Fetched).or_else(|| nodes.ask(feed, instant).map(Way::Asked)).unwrap_or(Way::Here)
    }

    /// What came of it; `None` for what is to be had here.
    fn answered(&self, feed: FeedId, instant: MediaTime, way: Way) -> Option<Answered> {
        match way {
            Way::Here => None,
            Way::Fetched(gop) => Some(Ok(gop)),
            Way::Asked(asked) => {
                let nodes = self.nodes.as_ref()?;
                Some(nodes.answer(feed, &asked, instant).map_err(|reason| DecodeError::Node { reason }))
            }
        }
    }

    /// What must be decoded to see a feed of this machine at an instant.
    pub(super) fn gop_for(&self, feed: FeedId, instant: MediaTime) -> Result<GopForInstant, DecodeError> {
        let in_memory = self.ring.gop_for(feed, instant);
        let (Some(disk), Err(Dishonest::Empty | Dishonest::NoKeyframe | Dishonest::TooFar { .. })) = (self.disk.get(), &in_memory) else {
            return Ok(in_memory?);
        };
        let name = self.ring.feeds().into_iter().find_map(|(id, name)| (id == feed).then_some(name));
        let interval_nanos = self.ring.interval_nanos(feed).unwrap_or(0);
        match disk.gop_for(&name.unwrap_or_default(), instant, interval_nanos) {
            Ok(FoundOnDisk { mut gop, notes }) => {
                self.number_formats(feed, &mut gop.units, &notes)?;
                Ok(gop)
            }
            // Nothing there either: what memory says is nearer to the cause, unless it is that it is empty.
            Err(Dishonest::Empty) => Ok(in_memory?),
            Err(why) => Err(why.into()),
        }
    }

    /// Units from the disk number their formats by what their segments say; from here on by the feed's list.
    fn number_formats(&self, feed: FeedId, units: &mut [AccessUnit], notes: &[String]) -> Result<(), DecodeError> {
        let known = |note: &String| Note::read(note).map(|stream| self.formats.add(feed, &stream.caps, stream.codec));
        let numbers: Vec<Option<u16>> = notes.iter().map(known).collect();
        for unit in units {
            unit.format = numbers.get(usize::from(unit.format)).copied().flatten().ok_or(DecodeError::NoFormat)?;
        }
        Ok(())
    }

    /// Units of a range, from the disk where memory does not reach back far enough.
    pub(super) fn range(&self, feed: FeedId, from: MediaTime, until: MediaTime) -> Result<Vec<AccessUnit>, DecodeError> {
        if let Some(nodes) = self.nodes.as_ref().filter(|nodes| nodes.has(feed)) {
            return nodes.range(feed, from, until).map_err(|reason| DecodeError::Node { reason });
        }
        let in_memory = self.ring.range(feed, from, until);
        let interval_nanos = self.ring.interval_nanos(feed).unwrap_or(0);
        let (Some(disk), true) = (self.disk.get(), in_memory.first().is_none_or(|u| u.pts > from.plus_nanos(interval_nanos))) else {
            return Ok(in_memory);
        };
        let name = self.ring.feeds().into_iter().find_map(|(id, name)| (id == feed).then_some(name));
        let (mut on_disk, notes) = disk.range(&name.unwrap_or_default(), from, until);
        if on_disk.iter().filter(|u| u.pts >= from).count() <= in_memory.iter().filter(|u| u.pts >= from).count() {
            return Ok(in_memory);
        }
        self.number_formats(feed, &mut on_disk, &notes)?;
        Ok(on_disk)
    }

    /// Access units that were given to decoders so far: what moments and rolls cost.
    pub fn units_decoded(&self) -> u64 {
        self.units.get()
    }

    /// Makes a decoder for every feed that has none, so that the first moment is as fast as the next.
    pub fn warm(&self) {
        for (feed, _) in self.ring.feeds() {
            if let Some(format) = self.formats.get(feed, 0)
                && let Ok(decoder) = self.checkout(feed, &format)
            {
                self.give_back(feed, decoder);
            }
        }
    }

    fn checkout(&self, feed: FeedId, format: &StreamFormat) -> Result<Decoder, DecodeError> {
        let hardware = hardware::to_try(format.codec, &format.caps);
        let mut idle = self.idle.lock();
        if idle.len() <= feed.0 {
            idle.resize_with(feed.0 + 1, Vec::new);
        }
        while let Some(decoder) = idle[feed.0].pop() {
            if decoder.codec() == format.codec && decoder.hardware().is_none_or(|name| hardware.iter().any(|h| h == name)) {
                return Ok(decoder);
            }
        }
        drop(idle);
        // All cameras decode at once: give each its share of the cores.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Decoder::for_moments(format, cores.div_ceil(self.ring.feeds().len().max(1)))
    }

    fn give_back(&self, feed: FeedId, decoder: Decoder) {
        if let Some(idle) = self.idle.lock().get_mut(feed.0) {
            idle.push(decoder);
        }
    }

    fn decode_units(&self, feed: FeedId, units: &[AccessUnit], wanted: &dyn Fn(MediaTime) -> bool) -> Result<Vec<TimedFrame>, DecodeError> {
        self.decode_units_unless(feed, units, wanted, &|| false)
    }

    /// The same; what comes after the frame at which `give_up` says so is not decoded.
    fn decode_units_unless(
        &self,
        feed: FeedId,
        units: &[AccessUnit],
        wanted: &dyn Fn(MediaTime) -> bool,
        give_up: &dyn Fn() -> bool,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        let Some(first) = units.first() else { return Ok(Vec::new()) };
        let format = self.formats.get(feed, first.format).ok_or(DecodeError::NoFormat)?;
        let mut decoder = self.checkout(feed, &format)?;
        let asks_on = || {
            let ends = give_up();
            self.units.add(u64::from(!ends));
            ends
        };
        let result = decoder.decode_unless(units, wanted, &asks_on, |number| self.formats.get(feed, number));
        // One of hardware may have met what only it cannot do.
        let owed = units.iter().filter(|unit| wanted(unit.pts)).count();
        let has_all = result.as_ref().is_ok_and(|frames| frames.len() >= owed) || give_up();
        if let Some(name) = decoder.hardware().filter(|_| !has_all).map(str::to_owned)
            && let Ok(mut software) = Decoder::new(format.codec, Self::runner_threads())
        {
            let again = software.decode_unless(units, wanted, &asks_on, |number| self.formats.get(feed, number));
            let (before, now) = (result.as_ref().map_or(0, Vec::len), again.as_ref().map_or(0, Vec::len));
            if now > before {
                let problem = result.err().map_or_else(|| format!("it gave {before} of {owed} pictures"), |e| e.to_string());
                hardware::leave_alone(&name, &problem);
                self.give_back(feed, software);
                return again;
            }
        }
        // A decoder that failed is not trusted with the next moment.
        if result.is_ok() {
            self.give_back(feed, decoder);
        }
        result
    }

    /// One camera's honest frame at `instant`, with `time − instant` in nanoseconds.
    pub fn decode_frame(&self, feed: FeedId, instant: MediaTime) -> Result<(TimedFrame, i64), DecodeError> {
        let asked = self.answered(feed, instant, self.ask(feed, instant));
        self.decode_asked(feed, instant, asked)
    }

    fn decode_asked(&self, feed: FeedId, instant: MediaTime, asked: Option<Answered>) -> Result<(TimedFrame, i64), DecodeError> {
        let gop = asked.unwrap_or_else(|| self.gop_for(feed, instant))?;
        Ok((self.decode_gop(feed, &gop)?, gop.error_nanos))
    }

    fn decode_gop(&self, feed: FeedId, gop: &GopForInstant) -> Result<TimedFrame, DecodeError> {
        let frames = self.decode_units(feed, &gop.units, &|time| time == gop.pts)?;
        frames.into_iter().next().ok_or_else(|| DecodeError::Failed { reason: "the decoder gave no picture".to_owned() })
    }

    /// The picture of a frame, which is decoded only where it is not at hand.
    fn picture_of(&self, feed: FeedId, gop: &GopForInstant) -> Result<Arc<Picture>, DecodeError> {
        if let Some(picture) = self.near.lock().get(feed, gop.pts) {
            return Ok(picture);
        }
        let short = || DecodeError::Failed { reason: "its planes are incomplete".to_owned() };
        let timed = self.decode_gop(feed, gop)?;
        let picture = Arc::new(timed.frame.to_picture().ok_or_else(short)?);
        self.near.lock().put(feed, timed.time, &picture);
        Ok(picture)
    }

    /// One camera's honest frames with `from ≤ time < until`, in order of time, at most `limit` of them.
    pub fn decode_range(&self, feed: FeedId, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<TimedFrame>, DecodeError> {
        self.decode_range_of(feed, &self.range(feed, from, until)?, (from, until), limit)
    }

    fn decode_range_of(
        &self,
        feed: FeedId,
        units: &[AccessUnit],
        (from, until): (MediaTime, MediaTime),
        limit: usize,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        let mut times: Vec<MediaTime> =
            units.iter().filter(|u| u.pts >= from && u.pts < until && u.flags.is_honest()).map(|u| u.pts).collect();
        times.sort_unstable();
        times.truncate(limit);
        let Some(last) = times.last().copied() else { return Ok(Vec::new()) };
        let end = units.iter().rposition(|u| times.binary_search(&u.pts).is_ok()).map_or(0, |i| i + 1);
        let needed: Vec<AccessUnit> =
            units[..end].iter().filter(|u| !u.droppable || times.binary_search(&u.pts).is_ok()).cloned().collect();
        let mut frames = self.decode_units(feed, &needed, &|time| time <= last && times.binary_search(&time).is_ok())?;
        frames.sort_by_key(|frame| frame.time);
        Ok(frames)
    }

    /// The same for ranges that follow each other: what was decoded on the way to one is not decoded again for the next. Ranges in any
    /// other order cost what [`Self::decode_range`] costs.
    pub fn decode_onward(&self, feed: FeedId, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<TimedFrame>, DecodeError> {
        let reach = self.ring.interval_nanos(feed).unwrap_or(40_000_000) * (REORDERED as i64 + 1);
        let units = self.range(feed, from, until.plus_nanos(reach))?;
        let mut times: Vec<MediaTime> =
            units.iter().filter(|u| u.pts >= from && u.pts < until && u.flags.is_honest()).map(|u| u.pts).collect();
        times.sort_unstable();
        times.dedup();
        times.truncate(limit);
        let (Some(first), Some(_)) = (units.first(), times.first()) else { return Ok(Vec::new()) };
        let is_whole = first.keyframe && units.windows(2).all(|pair| pair[1].order == pair[0].order + 1);
        let end = units.iter().rposition(|u| times.binary_search(&u.pts).is_ok()).map_or(0, |i| i + 1);
        let format = self.formats.get(feed, first.format).ok_or(DecodeError::NoFormat)?;
        if !is_whole {
            return self.decode_range(feed, from, until, limit);
        }
        // Others roll at the same time, perhaps on the same feed: who takes one that stands elsewhere makes both begin at a keyframe each time.
        let taken = {
            let mut runners = self.runners.lock();
            let is_same = |r: &Runner| r.feed == feed && r.codec() == format.codec;
            let goes_on = runners.iter().position(|r| is_same(r) && r.goes_on_at(&units, &times) > 0);
            let spare =
                || if runners.iter().filter(|r| is_same(r)).count() < RUNNERS_OF_FEED { None } else { runners.iter().position(is_same) };
            goes_on.or_else(spare).map(|at| runners.remove(at))
        };
        let mut runner = match taken {
            Some(runner) => runner,
            None => Runner::new(feed, Decoder::new(format.codec, Self::runner_threads())?),
        };
        let result = runner.decode(&units[..units.len().min(end + REORDERED)], end, &times, |number| self.formats.get(feed, number));
        self.units.add(runner.take_count());
        let surplus: Vec<Runner> = {
            let mut runners = self.runners.lock();
            // One that failed begins anew.
            if result.is_ok() {
                runners.push(runner);
            }
            let over = runners.len().saturating_sub(RUNNERS);
            runners.drain(..over).collect()
        };
        // It takes a while to stop a decoder: nobody waits for that.
        drop(surplus);
        result
    }

    /// Few cameras roll at once, and a thread of a decoder holds a frame back.
    fn runner_threads() -> usize {
        (std::thread::available_parallelism().map_or(1, usize::from) / 4).clamp(1, 4)
    }

    /// For each frame of `moment`, the same camera's next honest frame on the other side of the instant, at most two frame intervals from it;
    /// `None` where there is none, and where the frame is of the very instant.
    pub fn other_side(&self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        // Nodes are waited for here, not where everybody's pictures are decoded.
        let range_of = |frame: &MomentFrame| {
            let feed = self.ring.feed_named(&frame.camera)?;
            let reach = 2 * self.ring.interval_nanos(feed).unwrap_or(40_000_000);
            let (from, until) = match frame.error_nanos {
                0 => return None,
                // It was seen before the instant: the next one after it.
                error if error < 0 => (moment.instant, frame.time.plus_nanos(reach)),
                _ => (frame.time.plus_nanos(-reach), moment.instant.plus_nanos(1)),
            };
            Some((feed, self.range(feed, from, until).ok()?, (from, until)))
        };
        let of_frame = |(frame, range): (&MomentFrame, Option<UnitsOfRange>)| {
            let (feed, units, range) = range?;
            let honest = units.iter().filter(|u| u.pts >= range.0 && u.pts < range.1 && u.flags.is_honest()).map(|u| u.pts);
            let time = if frame.error_nanos < 0 { honest.min() } else { honest.max() }?;
            if let Some(at_hand) = self.near.lock().get(feed, time) {
                return Some((at_hand, time));
            }
            let frames = self.decode_range_of(feed, &units, (time, time.plus_nanos(1)), 1).ok()?;
            let other = Arc::new(frames.first()?.frame.to_picture()?);
            self.near.lock().put(feed, time, &other);
            Some((other, time))
        };
        let ranges: Vec<_> = moment.frames.iter().map(|frame| (frame, range_of(frame))).collect();
        ranges.into_par_iter().map(of_frame).collect()
    }

    /// All feeds; those of nodes are asked all at once and waited for here, not where everybody's pictures are decoded.
    fn ask_all(&self, instant: MediaTime) -> Vec<(FeedId, Arc<str>, Option<Answered>)> {
        let asked: Vec<_> = self.ring.feeds().into_iter().map(|(feed, name)| (feed, name, self.ask(feed, instant))).collect();
        asked.into_iter().map(|(feed, name, way)| (feed, name, self.answered(feed, instant, way))).collect()
    }

    /// The decoded planes of all cameras at `instant`, in the ring's order; who is missing says why.
    pub fn decode_planes(&self, instant: MediaTime) -> Vec<NamedFrame> {
        let asked = self.ask_all(instant);
        asked.into_par_iter().map(|(feed, name, asked)| (name, self.decode_asked(feed, instant, asked))).collect()
    }

    /// The moment at `instant`: one picture per camera; cameras without an honest frame are left out by name.
    pub fn decode(&self, instant: MediaTime) -> Moment {
        let mut moment = Moment { instant, ..Moment::default() };
        let asked = self.ask_all(instant);
        let decoded: Vec<_> = asked
            .into_par_iter()
            .map(|(feed, name, asked)| {
                let gop = asked.unwrap_or_else(|| self.gop_for(feed, instant));
                let picture = gop.and_then(|gop| Ok((self.picture_of(feed, &gop)?, gop.pts, gop.error_nanos)));
                (name, picture)
            })
            .collect();
        for (name, picture) in decoded {
            match picture {
                Ok((picture, time, error_nanos)) => {
                    moment.frames.push(MomentFrame { camera: name.to_string(), picture, time, error_nanos, retimed: false });
                }
                Err(why) => moment.left_out.push((name.to_string(), why.to_string())),
            }
        }
        moment
    }
}

/// The moment at `instant` with decoders made for the purpose. Who decodes more than once keeps a [`MomentDecoder`].
pub fn decode_moment(ring: &Arc<Ring>, formats: &Arc<FeedFormats>, instant: MediaTime) -> Moment {
    MomentDecoder::new(Arc::clone(ring), Arc::clone(formats)).decode(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_few_and_keep_their_numbers_also_beyond_the_last_one() {
        gst::init().unwrap();
        let caps = |k: i32| gst::Caps::builder("video/x-h264").field("number", k).build();
        let mut formats = Formats { first: u16::MAX - 300, ..Formats::default() };
        let numbers: Vec<u16> = (0..1000).map(|k| formats.add(&caps(k), Codec::H264)).collect();
        assert_eq!(formats.known.len(), MOST_FORMATS);
        for (k, number) in numbers.iter().enumerate() {
            let known = formats.get(*number).map(|f| f.caps == caps(k as i32));
            assert_eq!(known, (k >= 1000 - MOST_FORMATS).then_some(true), "{k}");
        }
        // The same again has the same number.
        assert_eq!(formats.add(&caps(900), Codec::H264), numbers[900]);
        assert_eq!(formats.add(&caps(3), Codec::H264), numbers[999].wrapping_add(1));
    }
}
