//! The clock that a sender names in its stream (RFC 7273): believed once it was reached, not because an address names it.
//!
//! GStreamer's jitter buffer notes the shared clock's time on a packet only when it has that clock's time itself. A server that never
//! answers, or a network without a grandmaster, leaves packets without that note, and timed by their arrival.

use gst::prelude::PadExt as _;

use super::sender_clock::Noted;
use crate::capture::address::ReferenceServer;
use crate::capture::clock::keep_ntp;

/// Keeps a clock of this server for as long as the program runs; to be called before a jitter buffer gets the server's name.
///
/// A jitter buffer that goes may leave its clock to GStreamer's own timer thread; see [`keep_ntp`]. Clocks of PTP live as long anyway. False where
/// the server's name cannot be looked up now: then no jitter buffer may get it.
pub(super) fn keep(server: &ReferenceServer) -> bool {
    match server {
        ReferenceServer::Ntp { host, port } => keep_ntp(host, *port).is_ok(),
        ReferenceServer::Ptp { .. } => true,
    }
}

/// Packets may come so long without the shared clock's time before that is told, nanoseconds: PTP takes some seconds to find its
/// grandmaster.
const PATIENCE_NANOS: i64 = 8_000_000_000;

/// Who names a shared clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    /// `ts_refclk=` of the address.
    Address,
    /// The description (SDP) of an RTSP camera.
    Description,
}

/// Whether packets carry the time of the clock that is named. Owned by one streaming thread.
#[derive(Debug)]
pub(super) struct SharedClock {
    /// As SDP names it; nothing where it names none.
    named: String,
    by: NamedBy,
    /// Packets have come without its time since then, nanoseconds of house time.
    without_since: Option<i64>,
    believed: bool,
    complained: bool,
}

impl SharedClock {
    /// One that an address names.
    pub fn addressed(server: &ReferenceServer) -> Self {
        Self::new(server.to_string(), NamedBy::Address)
    }

    /// The one that the description of an RTSP camera names, as its pad carries it; where it names none, that is told.
    pub fn described(pad: &gst::Pad) -> Self {
        let caps = pad.current_caps();
        let told = |field: &str| caps.as_ref()?.structure(0)?.get::<String>(field).ok();
        // Without the offset of its own times the clock says nothing of them.
        let offset = told("a-mediaclk").is_some_and(|media| media.starts_with("direct="));
        Self::new(told("a-ts-refclk").filter(|_| offset).unwrap_or_default(), NamedBy::Description)
    }

    const fn new(named: String, by: NamedBy) -> Self {
        Self { named, by, without_since: None, believed: false, complained: false }
    }

    /// Whether a note on a packet is of this clock: the jitter buffer makes notes of the sender's own clock, too, from its reports, which name nobody.
    pub fn is_noted(&self, reference: &gst::CapsRef) -> bool {
        let names = |s: &gst::StructureRef| s.name() == "timestamp/x-ptp" || s.has_field("host");
        !self.named.is_empty() && reference.structure(0).is_some_and(names)
    }

    /// A packet at `now_nanos` of house time, with the shared clock's time on it or without.
    pub fn note(&mut self, has_time: bool, now_nanos: i64) -> Noted {
        if has_time {
            self.without_since = None;
            self.complained = false;
            return if std::mem::replace(&mut self.believed, true) { Noted::Same } else { Noted::Begun };
        }
        let since = *self.without_since.get_or_insert(now_nanos);
        if now_nanos.saturating_sub(since) < PATIENCE_NANOS || std::mem::replace(&mut self.complained, true) {
            return Noted::Same;
        }
        self.believed = false;
        let named = &self.named;
        // Whole sentences: each is told in the console's language.
        Noted::Lost(match (self.by, named.starts_with("ptp=")) {
            _ if named.is_empty() => {
                "its description (SDP) names no clock that it shares (a=ts-refclk and a=mediaclk:direct=…); times are those of arrival. Set the camera to PTP or NTP, or take time=refclk out of the address".to_owned()
            }
            (NamedBy::Address, false) => format!(
                "the clock that its address names ({named}) cannot be reached; times are those of arrival. See that the server runs and that its packets come through to this machine, or take ts_refclk out of the address"
            ),
            (NamedBy::Address, true) => format!(
                "the clock that its address names ({named}) cannot be reached; times are those of arrival. See that a PTP grandmaster of that domain is there and that its packets come through to this machine, or take ts_refclk out of the address"
            ),
            (NamedBy::Description, false) => format!(
                "the clock that its description (SDP) names ({named}) cannot be reached; times are those of arrival. See that the server runs and that its packets come through to this machine, or take time=refclk out of the address"
            ),
            (NamedBy::Description, true) => format!(
                "the clock that its description (SDP) names ({named}) cannot be reached; times are those of arrival. See that a PTP grandmaster of that domain is there and that its packets come through to this machine, or take time=refclk out of the address"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_clock_is_believed_when_its_time_comes_and_missed_once_when_it_does_not() {
        let mut clock = SharedClock::new("ntp=10.0.0.9:123".to_owned(), NamedBy::Address);
        assert_eq!([0, 4, 7].map(|s| clock.note(false, s * SECOND)), [Noted::Same, Noted::Same, Noted::Same]);
        let Noted::Lost(told) = clock.note(false, 9 * SECOND) else { panic!("nothing was told") };
        assert!(told.contains("ntp=10.0.0.9:123") && told.contains("arrival") && told.contains("the server runs"), "{told}");
        assert_eq!(clock.note(false, 99 * SECOND), Noted::Same);
        // It came after all, and goes for good; one packet without it is nothing.
        assert_eq!([100, 101].map(|s| clock.note(true, s * SECOND)), [Noted::Begun, Noted::Same]);
        assert_eq!(clock.note(false, 102 * SECOND), Noted::Same);
        assert_eq!(clock.note(true, 103 * SECOND), Noted::Same);
        assert_eq!(clock.note(false, 111 * SECOND), Noted::Same);
        assert!(matches!(clock.note(false, 120 * SECOND), Noted::Lost(_)));
        assert_eq!(clock.note(true, 121 * SECOND), Noted::Begun);
        let mut ptp = SharedClock::new("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:0".to_owned(), NamedBy::Description);
        ptp.note(false, 0);
        let Noted::Lost(told) = ptp.note(false, 10 * SECOND) else { panic!("nothing was told") };
        assert!(told.contains("grandmaster") && told.contains("time=refclk"), "{told}");
        let mut none = SharedClock::new(String::new(), NamedBy::Description);
        none.note(false, 0);
        let Noted::Lost(told) = none.note(false, 10 * SECOND) else { panic!("nothing was told") };
        assert!(told.contains("names no clock") && told.contains("time=refclk"), "{told}");
    }
}
