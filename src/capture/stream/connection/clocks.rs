//! Where a connection's times come from: what its packets and its transport stream tell of the sender's clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gst::prelude::{ElementExt as _, ObjectExt as _, PadExt as _, PadExtManual as _};
use parking_lot::Mutex;

use super::Link;
use crate::capture::feed::Trouble;
use crate::capture::stamp::TimeOrigin;
use crate::capture::stream::pcr::PcrClock;
use crate::capture::stream::rtp_clock::RtpClock;
use crate::capture::stream::sender_clock::Noted;
use crate::capture::stream::shared_clock::SharedClock;
use crate::time::{ClockEstimate, MediaTime};

/// How fast the RTP times of a pad's packets count.
pub(super) fn ticks_per_sec(pad: &gst::Pad) -> Option<u32> {
    let rate = pad.current_caps()?.structure(0)?.get::<i32>("clock-rate").ok()?;
    u32::try_from(rate).ok().filter(|rate| *rate > 0)
}

impl Link {
    /// Lets the sender's clock in a transport stream take the place of its packets' arrivals, for the demuxer behind it.
    pub(super) fn follow_reference(self: &Arc<Self>, pad: &gst::Pad, running_zero: MediaTime) {
        let (link, clock) = (Arc::downgrade(self), Mutex::new(PcrClock::default()));
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let (Some(link), Some(gst::PadProbeData::Buffer(buffer))) = (link.upgrade(), &mut info.data) else {
                return gst::PadProbeReturn::Ok;
            };
            // The source's own stamp is nearer to the wire than now.
            let arrived = buffer.dts_or_pts().map(|at| running_zero.plus_nanos(at.nseconds() as i64));
            let arrived = arrived.unwrap_or_else(|| link.ingest.clock().now());
            let mut clock = clock.lock();
            let sent = buffer.map_readable().ok().and_then(|bytes| clock.take(&bytes, arrived));
            let running = sent.and_then(|sent| u64::try_from(sent - running_zero).ok()).map(gst::ClockTime::from_nseconds);
            if let (Some(running), Some(estimate)) = (running, clock.estimate()) {
                let stamped = buffer.make_mut();
                stamped.set_pts(running);
                stamped.set_dts(running);
                link.found_reference(estimate);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Looks whether the jitter buffer knows the time of the clock that the address names.
    pub(super) fn follow_shared(self: &Arc<Self>, pad: &gst::Pad, clock: SharedClock) {
        let (link, clock) = (Arc::downgrade(self), Mutex::new(clock));
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let (Some(link), Some(gst::PadProbeData::Buffer(buffer))) = (link.upgrade(), &info.data) {
                let mut clock = clock.lock();
                let has_time = buffer.iter_meta::<gst::ReferenceTimestampMeta>().any(|meta| clock.is_noted(meta.reference()));
                let noted = clock.note(has_time, link.ingest.clock().now().nanos());
                drop(clock);
                link.shared_clock_is(noted);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Watches the sender's clock by the times of its packets, where GStreamer puts them on the house clock and keeps what it knows of them to itself.
    pub(super) fn follow_packets(self: &Arc<Self>, pad: &gst::Pad, running_zero: MediaTime) {
        let (link, clock) = (Arc::downgrade(self), Mutex::new(RtpClock::default()));
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |pad, info| {
            let Some(link) = link.upgrade() else { return gst::PadProbeReturn::Ok };
            let rate = || ticks_per_sec(pad).or_else(|| u32::try_from(link.rtp_rate.load(Ordering::Relaxed)).ok().filter(|rate| *rate > 0));
            let mut clock = clock.lock();
            let mut take = |buffer: &gst::BufferRef| {
                // The source's own stamp is nearer to the wire than now.
                let arrived = buffer.dts_or_pts().map(|at| running_zero.plus_nanos(at.nseconds() as i64));
                let arrived = arrived.unwrap_or_else(|| link.ingest.clock().now());
                buffer.map_readable().is_ok_and(|packet| clock.take(&packet, rate, arrived))
            };
            let is_new = match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => take(buffer),
                // All of them: what comes first of a picture tells when it came.
                Some(gst::PadProbeData::BufferList(list)) => list.iter().filter(|buffer| take(buffer)).count() > 0,
                _ => false,
            };
            if let (true, Some(estimate), None) = (is_new, clock.estimate(), link.embedded_origin()) {
                link.ingest.shared.set_source_clock(Some(estimate));
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// The same inside an RTSP source, which makes its jitter buffers itself.
    pub(super) fn follow_packets_of_rtsp(self: &Arc<Self>, rtsp: &gst::Element, running_zero: MediaTime) {
        let link = Arc::downgrade(self);
        rtsp.connect("new-manager", false, move |values| {
            let manager = values.get(1)?.get::<gst::Element>().ok()?;
            gst::glib::subclass::SignalId::lookup("new-jitterbuffer", manager.type_())?;
            let link = link.clone();
            manager.connect("new-jitterbuffer", false, move |values| {
                let pad = values.get(1)?.get::<gst::Element>().ok()?.static_pad("sink")?;
                link.upgrade()?.follow_packets(&pad, running_zero);
                None
            });
            None
        });
    }

    fn shared_clock_is(&self, noted: Noted) {
        let (origin, problem) = match noted {
            Noted::Same => return,
            Noted::Begun => (TimeOrigin::Rfc7273, None),
            Noted::Lost(problem) => (TimeOrigin::Arrival, Some(problem)),
        };
        *self.fallback.lock() = origin;
        let shared = &self.ingest.shared;
        // Timecode that is used already goes before.
        if self.embedded_origin().is_none() {
            shared.set_time_origin(origin);
        }
        match problem {
            Some(problem) => shared.complain(Trouble::SharedClock, format!("{}: {problem}", self.source.label())),
            None => shared.over(Trouble::SharedClock),
        }
    }

    fn found_reference(&self, estimate: ClockEstimate) {
        let is_new = std::mem::replace(&mut *self.fallback.lock(), TimeOrigin::Pcr) != TimeOrigin::Pcr;
        // Timecode that is used already goes before.
        if self.embedded_origin().is_some() {
            return;
        }
        if is_new {
            self.ingest.shared.set_time_origin(TimeOrigin::Pcr);
        }
        self.ingest.shared.set_source_clock(Some(estimate));
    }

    /// Reads what the jitter buffer noted of the sender's clock.
    pub(super) fn read_sender_times(self: &Arc<Self>, pad: &gst::Pad) {
        let link = Arc::downgrade(self);
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let (Some(link), Some(gst::PadProbeData::Buffer(buffer))) = (link.upgrade(), &info.data) {
                link.note_sender_time(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn note_sender_time(&self, pad: &gst::Pad, buffer: &gst::BufferRef) {
        let taken = buffer
            .iter_meta::<gst::ReferenceTimestampMeta>()
            .find(|meta| meta.reference().structure(0).is_some_and(|s| s.name() == "timestamp/x-ntp"));
        let (Some(taken), Some(pts)) = (taken, buffer.pts()) else { return };
        let Some(segment) = pad.sticky_event::<gst::event::Segment>(0) else { return };
        let Some(running) = segment.segment().downcast_ref::<gst::ClockTime>().and_then(|s| s.to_running_time(pts)) else { return };
        let shared = &self.ingest.shared;
        let ntp_nanos = taken.timestamp().nseconds();
        match self.sender_clock.note(ntp_nanos, running.nseconds() as i64, self.ingest.clock().now(), self.ingest.clock().unix_now_nanos())
        {
            Noted::Begun => {
                shared.over(Trouble::SenderClock);
                shared.set_time_origin(TimeOrigin::SenderReport);
            }
            Noted::Same => {}
            Noted::Lost(problem) => {
                shared.set_time_origin(*self.fallback.lock());
                shared.complain(Trouble::SenderClock, format!("{}: {problem}", self.source.label()));
            }
        }
    }
}
