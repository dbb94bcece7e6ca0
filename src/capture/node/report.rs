//! What a node says of itself, and its answers to requests.

use std::net::TcpStream;

use super::server::{PretendClock, Shared};
use crate::capture::{FeedState, FeedStatus};
use crate::link::{CameraReport, Header, LinkError, Message, SealedWriter, UnitHead};
use crate::ring::AccessUnit;
use crate::ring::disk::DiskState;

/// A part of an answer is no longer than this, unless a single unit is.
const PART_BYTES: usize = 1 << 20;
/// An answer is no longer than this.
const ANSWER_BYTES: usize = 256 << 20;
/// A range is no longer than this, nanoseconds.
const RANGE_NANOS: i64 = 120_000_000_000;

pub(super) fn unit_head(unit: &AccessUnit, format: u16, pretend: PretendClock) -> UnitHead {
    UnitHead {
        at: pretend.tell(unit.pts),
        order: unit.order,
        nanos: unit.duration_nanos,
        format,
        key: unit.keyframe,
        droppable: unit.droppable,
        flags: u8::from(unit.flags.duplicated) | u8::from(unit.flags.late) << 1 | u8::from(unit.flags.damaged) << 2,
        len: unit.payload.len() as u32,
    }
}

pub(super) fn heads(shared: &Shared) -> Header {
    let newest = shared.session.status().iter().map(|s| s.newest.map(|at| shared.pretend.tell(at))).collect();
    Header::Heads { newest }
}

pub(super) fn status(shared: &Shared) -> Header {
    let (ring, disk) = (shared.session.ring().status(), shared.session.disk_status());
    let on_disk = disk.oldest.filter(|_| matches!(disk.state, DiskState::Recording | DiskState::Paused));
    let feeds = shared.session.status();
    // Of a feed that goes on; whose stream is away is told as its problem.
    let ails = |s: &FeedStatus| Some(format!("{}: {}", s.name, s.last_error.as_ref().filter(|_| s.state == FeedState::Live)?));
    let ailing: Vec<String> = feeds.iter().filter_map(ails).collect();
    let cameras = feeds.into_iter().map(|s| {
        let in_memory = ring.feeds.get(s.id.0).and_then(|f| f.oldest);
        let oldest = in_memory.map(|at| on_disk.map_or(at, |disk| disk.min(at)));
        let problem = match s.state {
            FeedState::Live | FeedState::Starting => None,
            FeedState::Ended => Some("its file is at its end. Start again, or loop it".to_owned()),
            FeedState::Reconnecting => Some(s.last_error.clone().unwrap_or_else(|| "it is away; connecting again".to_owned())),
            FeedState::Failed => Some(s.last_error.clone().unwrap_or_else(|| "it cannot go on".to_owned())),
        };
        CameraReport {
            name: s.name.to_string(),
            problem,
            failed: s.state == FeedState::Failed,
            codec: s.codec.map(|c| c.to_string()),
            size_px: s.size_px,
            rate: s.rate.map(|r| (r.numerator(), r.denominator())),
            received: s.received,
            dropped: s.dropped.total(),
            duplicated: s.duplicated,
            late: s.late,
            damaged: s.damaged,
            bytes: s.bytes,
            delay_nanos: s.delay_nanos,
            oldest: oldest.map(|at| shared.pretend.tell(at)),
            clock: s.clock_in_words(),
        }
    });
    let cameras = cameras.collect();
    // Asking the clock also empties what it has told of itself.
    let clock = shared.session.clock().status().problem.map(|problem| format!("House clock: {problem}"));
    let disk = disk.warnings().into_iter().map(|w| format!("Recording: {w}"));
    let warnings = disk.chain(clock).chain(ring.feed_warnings()).chain(ailing).collect();
    Header::Status { cameras, ring_bytes: ring.bytes, ring_budget_bytes: ring.budget_bytes, pinned_bytes: ring.pinned_bytes, warnings }
}

pub(super) fn answer_gop(shared: &Shared, to: &mut SealedWriter<TcpStream>, id: u64, camera: u16, at: i64) -> Result<(), LinkError> {
    let Some((feed, _)) = shared.cameras.get(usize::from(camera)) else { return refuse(to, id, "there is no such camera") };
    match shared.session.decoder().gop_for(*feed, shared.pretend.hear(at)) {
        Ok(gop) => answer(shared, to, id, camera, &gop.units),
        Err(why) => refuse(to, id, &why.to_string()),
    }
}

pub(super) fn answer_range(
    shared: &Shared,
    to: &mut SealedWriter<TcpStream>,
    id: u64,
    camera: u16,
    (from, until): (i64, i64),
) -> Result<(), LinkError> {
    let Some((feed, _)) = shared.cameras.get(usize::from(camera)) else { return refuse(to, id, "there is no such camera") };
    if until.saturating_sub(from) > RANGE_NANOS {
        return refuse(to, id, "the range is too long; ask for two minutes at most");
    }
    match shared.session.decoder().range(*feed, shared.pretend.hear(from), shared.pretend.hear(until)) {
        Ok(units) => answer(shared, to, id, camera, &units),
        Err(why) => refuse(to, id, &why.to_string()),
    }
}

fn refuse(to: &mut SealedWriter<TcpStream>, id: u64, why: &str) -> Result<(), LinkError> {
    to.send(&Message::new(Header::Failed { id, why: why.to_owned() }))
}

/// Units in parts; the last part brings the descriptions of their streams.
fn answer(shared: &Shared, to: &mut SealedWriter<TcpStream>, id: u64, camera: u16, units: &[AccessUnit]) -> Result<(), LinkError> {
    if units.iter().map(|u| u.payload.len()).sum::<usize>() > ANSWER_BYTES {
        return refuse(to, id, "that is more than an answer may hold; shorten the camera's keyframe interval");
    }
    let feed = shared.cameras[usize::from(camera)].0;
    let mut formats: Vec<u16> = Vec::new();
    let mut rest = units;
    loop {
        let (mut heads, mut payload) = (Vec::new(), Vec::new());
        while let Some((unit, others)) = rest.split_first()
            && (heads.is_empty() || payload.len() + unit.payload.len() <= PART_BYTES)
        {
            let format = formats.iter().position(|f| *f == unit.format).unwrap_or_else(|| {
                formats.push(unit.format);
                formats.len() - 1
            });
            heads.push(unit_head(unit, format as u16, shared.pretend));
            payload.extend_from_slice(&unit.payload);
            rest = others;
        }
        let last = rest.is_empty();
        let notes =
            if last { formats.iter().map(|f| shared.session.formats().note(feed, *f).unwrap_or_default()).collect() } else { Vec::new() };
        to.send(&Message { header: Header::Units { id, units: heads, notes, last }, payload: payload.into() })?;
        if last {
            return Ok(());
        }
    }
}
