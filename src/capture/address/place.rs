//! Whether the machine that an address names is there to be asked or to listen at: a name that nobody knows and an address that is another machine's
//! are told as what they are, not as a socket's error.

use std::net::{IpAddr, UdpSocket};

use super::{SrtMode, StreamKind, StreamSource};
use crate::address::{Unfound, look_up};

impl StreamSource {
    /// What is wrong with the host of this address on this machine now, with the remedy. A name is looked up, which may take seconds; nobody is
    /// called.
    pub fn check_place(&self) -> Result<(), String> {
        let (host, port) = match &self.kind {
            StreamKind::Rtp { at, .. } | StreamKind::MpegTs { at } | StreamKind::Rist { at, .. } | StreamKind::Srt { at, .. } => {
                (at.host.as_str(), at.port)
            }
            StreamKind::Rtsp { url, .. } | StreamKind::Rtmp { url, .. } | StreamKind::Hls { url } => (host_of(url.expose()), 80),
            StreamKind::V4l2 { .. } | StreamKind::Ndi { .. } | StreamKind::DeckLink { .. } | StreamKind::Aravis { .. } => return Ok(()),
        };
        if host.is_empty() {
            return Ok(());
        }
        // What the label hides may be part of a password.
        let shown = ["//", "@", "["].iter().any(|before| self.label().contains(&format!("{before}{host}")));
        let named = if shown { format!("{host:?}") } else { "the host of its address".to_owned() };
        let listens = self.listens();
        let found = look_up(&(host, port)).map_err(|why| {
            let instead = match (listens, why) {
                (true, _) => LISTEN,
                (false, Unfound::Unknown) => "correct the name, or write the machine's IP address",
                (false, Unfound::NobodyAnswers) => "or write the machine's IP address",
            };
            format!("{named} {}; {instead}", why.in_words())
        })?;
        if !listens || found.iter().any(|at| at.ip().is_multicast() || is_own(at.ip())) {
            return Ok(());
        }
        let calls = matches!(self.kind, StreamKind::Srt { mode: SrtMode::Listener, .. });
        let caller = if calls { ". To call that machine, take mode=listener out" } else { "" };
        Err(format!(
            "{named} is no address of this machine, and packets are received here (`ip address` lists what it has); {LISTEN}{caller}"
        ))
    }
}

const LISTEN: &str = "write an address of this machine, a multicast group, or no host at all, only the port, to listen everywhere";

/// Whether packets to that address come here.
fn is_own(ip: IpAddr) -> bool {
    match UdpSocket::bind((ip, 0)) {
        Ok(_bound) => true,
        // Whatever else is wrong, it is not that.
        Err(e) => e.kind() != std::io::ErrorKind::AddrNotAvailable,
    }
}

/// The host in a URL; empty where it has none.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let at = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    if let Some(bracketed) = at.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or_default();
    }
    at.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::capture::FeedSource;

    fn told(address: &str) -> Result<(), String> {
        let FeedSource::Stream(stream) = FeedSource::parse(address).unwrap() else { panic!("{address} is no stream") };
        stream.check_place()
    }

    #[test]
    fn hosts_that_are_there_are_well() {
        for address in [
            "udp://:5000",
            "udp://@:5000",
            "udp://127.0.0.1:5000",
            "udp://239.1.1.1:5000",
            "rtp://[::]:5000",
            "srt://:7001",
            // They may be switched off: whether they answer is another question.
            "srt://192.0.2.7:7001",
            "rtsp://u:p@192.0.2.7:554/a",
            "rtsp://[2001:db8::7]/a",
            "http://192.0.2.7/a.m3u8",
            "ndi:CAM (1)",
        ] {
            assert_eq!(told(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_host_that_nobody_knows_and_one_that_is_elsewhere_are_named_with_the_remedy() {
        for scheme in ["udp", "rtp", "rist", "srt", "rtsp", "rtmp"] {
            let why = told(&format!("{scheme}://no..host:5000{}", if scheme == "rtmp" { "/a/b" } else { "" })).unwrap_err();
            assert!(why.contains("\"no..host\"") && why.contains("look up") && why.contains("write"), "{why}");
            assert_eq!(why.contains("no host at all"), matches!(scheme, "udp" | "rtp" | "rist"), "{why}");
        }
        // Of the addresses that are kept for documents no machine has one (RFC 5737).
        for address in ["udp://192.0.2.7:5000", "rtp://192.0.2.7:5000", "rist://192.0.2.7:5000", "srt://192.0.2.7:7001?mode=listener"] {
            let why = told(address).unwrap_err();
            assert!(why.contains("192.0.2.7") && why.contains("no address of this machine") && why.contains("ip address"), "{why}");
        }
        // An `@` behind the first slash may belong to a password.
        let why = told("rtsp://user:sec/ret@10.0.0.1/a").map_or_else(|why| why, |()| String::new());
        assert!(!why.contains("sec") && !why.contains("ret"), "{why}");
    }
}
