//! The house clock: one clock for all feeds; this machine's own, or one that an NTP or PTP server keeps for a whole venue.
//!
//! Must not know: feeds, what is done with their times.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gst::prelude::{ClockExt as _, ElementExt as _, ObjectExt as _, PipelineExt as _};
use parking_lot::Mutex;

use super::embedded::TimecodeReference;
use crate::address::{Unfound, look_up};
use crate::time::MediaTime;

/// From the beginning of NTP's era (1900) to that of Unix (1970), nanoseconds.
pub(super) const NTP_TO_UNIX_NANOS: i64 = 2_208_988_800_000_000_000;
/// PTP counts atomic time, which is ahead of UTC by so many seconds since 2017; used where this machine's clock cannot tell.
const TAI_MINUS_UTC_SECS: i64 = 37;
/// A network clock is waited for so long before a session begins without it: an NTP server answers when it is asked, a PTP grandmaster
/// speaks about once a second and is heard several times before it is believed.
const NTP_WITHIN: Duration = Duration::from_secs(10);
const PTP_WITHIN: Duration = Duration::from_secs(30);
/// A network clock that says nothing for so long is away; time goes on at the rate that it had.
const SILENT_AFTER: Duration = Duration::from_secs(90);

/// Which clock house time comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClockReference {
    /// This machine's monotonic clock.
    #[default]
    Machine,
    /// An NTP server.
    Ntp {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The PTP (IEEE 1588) grandmaster of a domain.
    Ptp {
        /// The domain.
        domain: u8,
        /// The network interface that it is reached by; `None` is every one.
        interface: Option<String>,
    },
}

impl FromStr for ClockReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let forms = "Forms: machine, ntp://HOST, ntp://HOST:PORT, ptp, ptp://DOMAIN, ptp://DOMAIN?interface=NAME";
        if text == "machine" {
            return Ok(Self::Machine);
        }
        if text == "ptp" {
            return Ok(Self::Ptp { domain: 0, interface: None });
        }
        if let Some(domain) = text.strip_prefix("ptp://") {
            let (domain, option) = domain.split_once('?').map_or((domain, None), |(domain, option)| (domain, Some(option)));
            let domain = domain.parse().map_err(|_e| format!("{domain:?} is no PTP domain (0 to 255). {forms}"))?;
            let interface = match option.map(|option| option.strip_prefix("interface=")) {
                Some(Some(name)) if !name.is_empty() => Some(name.to_owned()),
                None => None,
                Some(_) => return Err(format!("{text:?}: its option is no interface. {forms}")),
            };
            return Ok(Self::Ptp { domain, interface });
        }
        let Some(server) = text.strip_prefix("ntp://") else { return Err(format!("{text:?} is no clock. {forms}")) };
        // An IPv6 address stands in brackets.
        let (host, port) = match server.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_e| format!("{port:?} is no port. {forms}"))?),
            None => (server, 123),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 || host.chars().any(|c| c.is_whitespace() || c == '/') {
            return Err(format!("{text:?} names no server. {forms}"));
        }
        Ok(Self::Ntp { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for ClockReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine => f.write_str("this machine's clock"),
            Self::Ntp { host, port: 123 } => write!(f, "NTP {host}"),
            Self::Ntp { host, port } => write!(f, "NTP {host}:{port}"),
            Self::Ptp { domain, .. } => write!(f, "PTP domain {domain}"),
        }
    }
}

/// How the house clock fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HouseClockStatus {
    /// Whose time it is, in words.
    pub reference: String,
    /// There and back to the server, averaged, nanoseconds: time is wrong by half of it at most.
    pub round_trip_nanos: Option<i64>,
    /// What is wrong with it, and the remedy.
    pub problem: Option<String>,
}

impl std::fmt::Display for HouseClockStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reference)?;
        match self.round_trip_nanos {
            Some(nanos) => write!(f, " ± {:.1} ms", nanos as f64 * 0.5e-6),
            None => Ok(()),
        }
    }
}

/// What is heard of a network clock.
#[derive(Debug)]
struct Heard {
    begun: Instant,
    /// When it was heard last, nanoseconds since `begun`.
    at_nanos: AtomicI64,
    /// 0 while unknown.
    round_trip_nanos: AtomicI64,
}

impl Heard {
    fn note(&self, round_trip_nanos: Option<i64>) {
        self.at_nanos.store(i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX), Ordering::Relaxed);
        if let Some(nanos) = round_trip_nanos {
            self.round_trip_nanos.store(nanos, Ordering::Relaxed);
        }
    }

    fn is_silent(&self) -> bool {
        let silent = self.begun.elapsed().saturating_sub(Duration::from_nanos(self.at_nanos.load(Ordering::Relaxed).max(0) as u64));
        silent > SILENT_AFTER
    }
}

/// What ends with the last clone of a clock.
#[derive(Debug)]
struct Network {
    heard: Arc<Heard>,
    /// Where an NTP clock tells its statistics.
    bus: Option<gst::Bus>,
    ptp: Mutex<Option<gst_net::PtpStatisticsCallback>>,
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(callback) = self.ptp.lock().take() {
            callback.remove();
        }
    }
}

/// The clock that all feeds are stamped with: monotonic, whoever keeps it.
#[derive(Debug, Clone)]
pub struct HouseClock {
    clock: gst::Clock,
    epoch_nanos: i64,
    reference: ClockReference,
    network: Option<Arc<Network>>,
    /// Why it is not the clock that was wanted.
    refused: Option<String>,
    /// What the venue's timecode means in house time.
    timecodes: Arc<TimecodeReference>,
}

impl HouseClock {
    /// The system's monotonic clock; its epoch is now.
    pub fn monotonic() -> Self {
        Self::continuing(&ClockReference::Machine, MediaTime::ZERO)
    }

    /// House time is `now` now, and goes on from there, counted by `reference`. A network clock is waited for; one that does not come
    /// is replaced by this machine's for the whole session, and the status says so: a show does not wait for a clock, and house time
    /// does not jump.
    pub fn continuing(reference: &ClockReference, now: MediaTime) -> Self {
        let (clock, network, refused) = match opened(reference) {
            Ok((clock, network)) => (clock, network, None),
            Err(why) => {
                tracing::warn!("house clock: {why}");
                (gst::SystemClock::obtain(), None, Some(why))
            }
        };
        let reference = if refused.is_some() { ClockReference::Machine } else { reference.clone() };
        let epoch_nanos = (clock.time().nseconds() as i64).saturating_sub(now.nanos());
        Self { clock, epoch_nanos, reference, network: network.map(Arc::new), refused, timecodes: Arc::default() }
    }

    /// Makes a pipeline count by the house clock, whenever it starts: the result is the house time of its running time zero.
    /// That is zero, unless house time goes on from a session that ran for longer than this machine.
    pub(super) fn govern(&self, pipeline: &gst::Pipeline) -> MediaTime {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let base_nanos = self.epoch_nanos.max(0);
        pipeline.set_base_time(gst::ClockTime::from_nseconds(base_nanos as u64));
        MediaTime::from_nanos(base_nanos - self.epoch_nanos)
    }

    /// What the venue's timecode means in house time.
    pub(super) fn timecodes(&self) -> &TimecodeReference {
        &self.timecodes
    }

    /// House time now.
    pub fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.clock.time().nseconds() as i64 - self.epoch_nanos)
    }

    /// The time of day by whoever keeps the house clock, nanoseconds since 1970, UTC: what cameras that are set by the same server
    /// mean by now.
    pub fn unix_now_nanos(&self) -> i64 {
        let machine = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(0));
        match self.reference {
            ClockReference::Machine => machine(),
            ClockReference::Ntp { .. } => self.clock.time().nseconds() as i64 - NTP_TO_UNIX_NANOS,
            ClockReference::Ptp { .. } => utc_of_tai(self.clock.time().nseconds() as i64, machine()),
        }
    }

    /// How it fares. Cheap.
    pub fn status(&self) -> HouseClockStatus {
        let Some(network) = &self.network else {
            return HouseClockStatus { reference: self.reference.to_string(), round_trip_nanos: None, problem: self.refused.clone() };
        };
        while let Some(message) = network.bus.as_ref().and_then(gst::Bus::pop) {
            let Some(said) = message.structure().filter(|s| s.name() == "gst-netclock-statistics") else { continue };
            let round_trip = said.get::<u64>("rtt-average").or_else(|_e| said.get::<u64>("rtt"));
            network.heard.note(round_trip.ok().and_then(|nanos| i64::try_from(nanos).ok()));
        }
        let problem = network.heard.is_silent().then(|| {
            format!(
                "{} has not been heard for {} s; time goes on at the rate that it had. Check the server and the network",
                self.reference,
                SILENT_AFTER.as_secs()
            )
        });
        let round_trip = network.heard.round_trip_nanos.load(Ordering::Relaxed);
        HouseClockStatus { reference: self.reference.to_string(), round_trip_nanos: (round_trip > 0).then_some(round_trip), problem }
    }
}

/// UTC from atomic time: they are whole seconds apart, which this machine's clock tells unless it is not set at all.
fn utc_of_tai(tai_nanos: i64, machine_nanos: i64) -> i64 {
    let apart_secs = (tai_nanos.saturating_sub(machine_nanos) as f64 * 1e-9).round() as i64;
    // Since 1972 ten seconds, and not a minute in this century; a grandmaster may count UTC all the same.
    let secs = if (0..60).contains(&apart_secs) { apart_secs } else { TAI_MINUS_UTC_SECS };
    tai_nanos - secs * 1_000_000_000
}

/// Keeps GStreamer's clock of an NTP server for as long as the program runs.
///
/// When the last clock of a server goes, GStreamer (1.22) has the system clock remind it a minute later to stop asking. The system clock's own thread may
/// be the one that lets it go, holding the lock that the reminder needs: from then on everything that waits for the system clock waits for ever, in all
/// pipelines. A clock that is kept is never the last. It asks its server a few times a minute, as long as there is one.
///
/// An error where the name cannot be looked up now: such a clock never runs, and would be everybody's for as long as it is kept. A name may be looked
/// up here, which may take seconds.
pub(super) fn keep_ntp(host: &str, port: u16) -> Result<(), Unfound> {
    static KEPT: Mutex<BTreeMap<(String, u16), gst_net::NtpClock>> = Mutex::new(BTreeMap::new());
    if KEPT.lock().contains_key(&(host.to_owned(), port)) {
        return Ok(());
    }
    look_up(&(host, port))?;
    let of = || gst_net::NtpClock::new(None, host, i32::from(port), gst::ClockTime::ZERO);
    KEPT.lock().entry((host.to_owned(), port)).or_insert_with(of);
    Ok(())
}

/// The clock in step, or why not and what helps.
fn opened(reference: &ClockReference) -> Result<(gst::Clock, Option<Network>), String> {
    let heard = Arc::new(Heard { begun: Instant::now(), at_nanos: AtomicI64::new(0), round_trip_nanos: AtomicI64::new(0) });
    let (clock, network): (gst::Clock, Network) = match reference {
        ClockReference::Machine => return Ok((gst::SystemClock::obtain(), None)),
        ClockReference::Ntp { host, port } => {
            keep_ntp(host, *port).map_err(|why| {
                let mend = if why == Unfound::Unknown { "correct it, or write" } else { "or write" };
                format!(
                    "{reference}: {host:?} {}; {mend} an IP address. Times are this machine's for this session; then start again",
                    why.in_words()
                )
            })?;
            let clock = gst_net::NtpClock::new(None, host, i32::from(*port), gst::ClockTime::ZERO);
            let bus = gst::Bus::new();
            clock.set_property("bus", &bus);
            (clock.into(), Network { heard, bus: Some(bus), ptp: Mutex::new(None) })
        }
        ClockReference::Ptp { domain, interface } => {
            let refused = |e: gst::glib::BoolError| {
                format!(
                    "PTP does not start: {e}. GStreamer's gst-ptp-helper needs the right to open ports 319 and 320 \
                     (setcap cap_net_bind_service,cap_net_admin+ep on it). Times are this machine's"
                )
            };
            // Once for the process: another interface later would not be heard.
            let only: Vec<&str> = interface.iter().map(String::as_str).collect();
            gst_net::PtpClock::init(None, &only).map_err(refused)?;
            let clock = gst_net::PtpClock::new(None, u32::from(*domain)).map_err(refused)?;
            let (tell, of) = (Arc::clone(&heard), *domain);
            let callback = gst_net::PtpClock::add_statistics_callback(move |domain, said| {
                if domain == of && said.name() == "GstPtpStatisticsTimeUpdated" {
                    // The mean path delay is one way.
                    let delay = said.get::<u64>("mean-path-delay-avg").ok().and_then(|nanos| i64::try_from(nanos).ok());
                    tell.note(delay.map(|nanos| nanos.saturating_mul(2)));
                }
                gst::glib::ControlFlow::Continue
            });
            (clock.into(), Network { heard, bus: None, ptp: Mutex::new(Some(callback)) })
        }
    };
    let within = if network.bus.is_some() { NTP_WITHIN } else { PTP_WITHIN };
    if clock.wait_for_sync(gst::ClockTime::from_seconds(within.as_secs())).is_err() {
        let remedy = match reference {
            ClockReference::Ntp { .. } => "Check its name, that it runs, and that UDP reaches it",
            _ => {
                "Check that a grandmaster of this domain is on this network and multicast reaches this machine; with several networks name the interface (ptp://DOMAIN?interface=NAME)"
            }
        };
        return Err(format!(
            "{reference} did not answer within {} s: times are this machine's for this session. {remedy}; then start again",
            within.as_secs()
        ));
    }
    network.heard.note(None);
    Ok((clock, Some(network)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_what_is_none_is_told() {
        let ntp = |host: &str, port| Ok(ClockReference::Ntp { host: host.to_owned(), port });
        assert_eq!("machine".parse(), Ok(ClockReference::Machine));
        assert_eq!("ntp://time.venue".parse(), ntp("time.venue", 123));
        assert_eq!("ntp://10.0.0.7:1123".parse(), ntp("10.0.0.7", 1123));
        assert_eq!("ntp://[fe80::1]:9".parse(), ntp("fe80::1", 9));
        assert_eq!("ntp://fe80::1".parse(), ntp("fe80::1", 123));
        assert_eq!("ptp".parse(), Ok(ClockReference::Ptp { domain: 0, interface: None }));
        assert_eq!("ptp://127?interface=eth1".parse(), Ok(ClockReference::Ptp { domain: 127, interface: Some("eth1".to_owned()) }));
        for wrong in [
            "",
            "ntp",
            "ntp://",
            "ntp://:5",
            "ntp://a:99999",
            "ntp://a:0",
            "ntp://a b",
            "ptp://256",
            "ptp://1?x=y",
            "ptp://1?interface=",
            "gps",
            "ntp://a/b",
        ] {
            let why = wrong.parse::<ClockReference>().unwrap_err();
            assert!(why.contains("Forms: machine, ntp://HOST"), "{wrong}: {why}");
        }
    }

    #[test]
    fn atomic_time_is_whole_seconds_ahead() {
        let utc = 1_790_000_000_123_456_789_i64;
        for (apart, off) in [(37, 300_000_000), (37, -400_000_000), (0, 1000), (38, 0)] {
            assert_eq!(utc_of_tai(utc + apart * 1_000_000_000, utc + off), utc, "{apart} s, machine {off} ns off");
        }
        // A machine that is not set at all says nothing.
        assert_eq!(utc_of_tai(utc + 37_000_000_000, 0), utc);
    }
}
