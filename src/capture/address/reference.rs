//! The clock that an RTP sender names, as in SDP (RFC 7273: `ts-refclk` and `mediaclk`): what GStreamer's jitter buffer can follow of it.

use std::fmt;

/// A server whose clock sender and receiver share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceServer {
    /// NTP.
    Ntp {
        /// Its name or IPv4 address.
        host: String,
        /// Its port; 123 where none is said.
        port: u16,
    },
    /// PTP (IEEE 1588-2008).
    Ptp {
        /// The grandmaster's identity, eight bytes in hexadecimal with hyphens.
        grandmaster: String,
        /// Its domain.
        domain: u8,
    },
}

/// A sender's reference clock, and how its RTP times follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceClock {
    /// Whose clock it is.
    pub server: ReferenceServer,
    /// RTP time at the clock's zero, ticks.
    pub offset_ticks: u64,
}

impl ReferenceClock {
    /// From the values of `ts-refclk` and `mediaclk` in SDP; `direct=0` without the latter.
    pub(super) fn parse(clock: &str, media: Option<&str>) -> Result<Self, String> {
        let offset_ticks = match media {
            None => 0,
            Some(media) => media.strip_prefix("direct=").and_then(|ticks| ticks.parse().ok()).ok_or_else(|| {
                format!("mediaclk={media} is not direct=OFFSET with a whole number of ticks (`rate=` and `sender` are not read)")
            })?,
        };
        let server = server(clock).map_err(|why| {
            format!("ts_refclk={clock}: {why}; write ntp=HOST:PORT or ptp=IEEE1588-2008:GRANDMASTER:DOMAIN, as in the sender's SDP")
        })?;
        Ok(Self { server, offset_ticks })
    }

    /// As SDP and GStreamer's caps have it: `ts-refclk` and `mediaclk`.
    pub fn to_sdp(&self) -> (String, String) {
        (self.server.to_string(), format!("direct={}", self.offset_ticks))
    }
}

impl ReferenceServer {
    /// From a value of `ts-refclk` in SDP, or why it is none that can be followed.
    pub(in crate::capture) fn of_sdp(clock: &str) -> Result<Self, String> {
        server(clock)
    }
}

impl fmt::Display for ReferenceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ntp { host, port } => write!(f, "ntp={host}:{port}"),
            Self::Ptp { grandmaster, domain } => write!(f, "ptp=IEEE1588-2008:{grandmaster}:{domain}"),
        }
    }
}

fn server(clock: &str) -> Result<ReferenceServer, String> {
    if let Some(at) = clock.strip_prefix("ntp=") {
        if at.starts_with("/traceable/") {
            return Err("a traceable clock names no server".to_owned());
        }
        let (host, port) = at.split_once(':').map_or((at, Ok(123)), |(host, port)| (host, port.parse()));
        let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        return match port {
            Ok(port @ 1..) if named => Ok(ReferenceServer::Ntp { host: host.to_owned(), port }),
            _ if named => Err("its port is not one of 1 to 65535".to_owned()),
            _ => Err(format!("{host:?} is neither a name nor an IPv4 address")),
        };
    }
    let Some(ptp) = clock.strip_prefix("ptp=") else { return Err("it is neither ntp= nor ptp=".to_owned()) };
    let Some(ptp) = ptp.strip_prefix("IEEE1588-2008:") else {
        return Err("of PTP's versions only IEEE1588-2008 is followed".to_owned());
    };
    let (grandmaster, domain) = ptp.split_once(':').unwrap_or((ptp, "0"));
    let bytes: Vec<&str> = grandmaster.split('-').collect();
    if bytes.len() != 8 || !bytes.iter().all(|b| b.len() == 2 && b.bytes().all(|c| c.is_ascii_hexdigit())) {
        return Err(format!("{grandmaster:?} is no grandmaster (eight bytes, XX-XX-XX-XX-XX-XX-XX-XX)"));
    }
    let domain = domain.strip_prefix("domain-nmbr=").unwrap_or(domain);
    let domain = domain.parse().map_err(|_no| format!("the domain {domain:?} is none of 0 to 255"))?;
    Ok(ReferenceServer::Ptp { grandmaster: grandmaster.to_owned(), domain })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A camera writes what it likes into its description: nothing of it panics, and what is followed means the same when it is written again.
        #[test]
        fn whatever_a_camera_names_is_read_or_refused(
            kind in prop::sample::select(vec!["", "ntp=", "ptp=", "ptp=IEEE1588-2008:", "ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:"]),
            rest in "[ -~\u{e9}]{0,24}|[a-z0-9.]{1,9}(:[0-9]{1,6})?|(domain-nmbr=)?[0-9]{1,4}",
            media in prop::option::of("(direct=)?[0-9]{0,24}|[ -~]{0,12}"),
        ) {
            if let Ok(clock) = ReferenceClock::parse(&format!("{kind}{rest}"), media.as_deref()) {
                let (refclk, mediaclk) = clock.to_sdp();
                prop_assert_eq!(ReferenceClock::parse(&refclk, Some(&mediaclk)), Ok(clock));
            }
        }
    }

    #[test]
    fn what_can_be_followed_is_read_and_written_alike() {
        for (clock, media, is) in [
            ("ntp=10.0.0.1:9123", None, ("ntp=10.0.0.1:9123", "direct=0")),
            ("ntp=time.venue.lan", Some("direct=90000"), ("ntp=time.venue.lan:123", "direct=90000")),
            ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:37", None, ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:37", "direct=0")),
            ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0", None, ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:0", "direct=0")),
            ("ptp=IEEE1588-2008:39-a7-94-ff-fe-07-cb-d0:domain-nmbr=5", None, ("ptp=IEEE1588-2008:39-a7-94-ff-fe-07-cb-d0:5", "direct=0")),
        ] {
            let (refclk, mediaclk) = ReferenceClock::parse(clock, media).unwrap().to_sdp();
            assert_eq!((refclk.as_str(), mediaclk.as_str()), is);
            assert_eq!(ReferenceClock::parse(&refclk, Some(&mediaclk)).unwrap().to_sdp(), (refclk, mediaclk));
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_the_form_that_can() {
        for (clock, why) in [
            ("foo", "neither ntp= nor ptp="),
            ("", "neither ntp= nor ptp="),
            ("gps", "neither ntp= nor ptp="),
            ("localmac=39-A7-94-07-CB-D0", "neither ntp= nor ptp="),
            ("ntp=", "neither a name nor"),
            ("ntp=/traceable/", "names no server"),
            ("ntp=10.0.0.1:0", "port"),
            ("ntp=10.0.0.1:x", "port"),
            ("ntp=[::1]:123", "IPv4"),
            ("ptp=IEEE1588-2002:39-A7-94-FF-FE-07-CB-D0", "only IEEE1588-2008"),
            ("ptp=IEEE1588-2008:traceable", "no grandmaster"),
            ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB", "no grandmaster"),
            ("ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:256", "0 to 255"),
        ] {
            let told = ReferenceClock::parse(clock, None).unwrap_err();
            assert!(told.contains(why) && told.contains("ntp=HOST:PORT") && told.contains(clock), "{told}");
        }
        for media in ["sender", "direct=", "direct=-1", "direct=0 rate=1000/1001"] {
            let told = ReferenceClock::parse("ntp=h", Some(media)).unwrap_err();
            assert!(told.contains(media) && told.contains("direct=OFFSET"), "{told}");
        }
    }
}
