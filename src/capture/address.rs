//! Addresses of cameras on the network and in the machine: what is written in show files, in parts that are checked.
//!
//! Must not know: GStreamer. Secrets are held in [`Secret`], which never prints itself.

mod place;
mod reference;

use std::fmt;
use std::time::Duration;

use super::error::CaptureError;
pub use crate::address::{Endpoint, Secret};
use crate::address::{Options, Where, endpoint, percent_decoded, redact_text, redact_uri};
pub use reference::{ReferenceClock, ReferenceServer};

/// How RTSP brings its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RtspTransport {
    /// UDP, and TCP when nothing comes through.
    #[default]
    Auto,
    /// Within the RTSP connection: through firewalls, no loss, more delay under congestion.
    Tcp,
    /// Packets of their own.
    Udp,
}

/// Whose clock counts the times of an RTSP camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RtspClock {
    /// Nobody's that is known: arrival.
    #[default]
    Arrival,
    /// The camera's own, from its RTCP sender reports (`time=rtcp`).
    SenderReport,
    /// One that is shared with it, which its description (SDP) names (`time=refclk`, RFC 7273).
    Described,
}

/// Who calls whom over SRT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrtMode {
    /// Volte calls the camera.
    #[default]
    Caller,
    /// The camera calls Volte.
    Listener,
}

/// What RTP packets carry, for streams without a description (SDP).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpPayload {
    /// `encoding-name` of the RTP caps: H264, H265, JPEG, RAW, MP2T, MP4V-ES.
    pub encoding: &'static str,
    /// Payload type.
    pub payload: u8,
    /// Ticks per second.
    pub clock_rate: u32,
    /// Uncompressed: sampling, width, height, bits.
    pub raw: Option<(String, u32, u32, u32)>,
    /// RFC 7273: the clock that the sender shares with this machine.
    pub reference_clock: Option<ReferenceClock>,
}

/// Where a stream comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamKind {
    /// A camera's RTSP server.
    Rtsp {
        /// The whole address, user and password included.
        url: Secret,
        /// How packets come.
        transport: RtspTransport,
        /// Jitter buffer, milliseconds.
        latency_ms: u32,
        /// Whose clock its times are believed to be of.
        clock: RtspClock,
    },
    /// SRT.
    Srt {
        /// The peer, or where to listen.
        at: Endpoint,
        /// Who calls.
        mode: SrtMode,
        /// Encryption.
        passphrase: Option<Secret>,
        /// Time for retransmission, milliseconds.
        latency_ms: u32,
        /// Which of the peer's streams.
        stream_id: Option<Secret>,
    },
    /// RTP without a description.
    Rtp {
        /// Where packets arrive; a multicast group is joined.
        at: Endpoint,
        /// What they carry.
        payload: RtpPayload,
        /// Jitter buffer, milliseconds.
        latency_ms: u32,
    },
    /// MPEG-TS over UDP.
    MpegTs {
        /// Where packets arrive; a multicast group is joined.
        at: Endpoint,
    },
    /// RIST, simple profile.
    Rist {
        /// Where packets arrive; the port must be even.
        at: Endpoint,
        /// Time for retransmission, milliseconds.
        latency_ms: u32,
    },
    /// A stream of an RTMP server.
    Rtmp {
        /// The whole address.
        url: Secret,
        /// Read with librtmp (`client=librtmp`) rather than GStreamer's own client: it also takes what servers send outside of
        /// the stream that was asked for, as ffmpeg's does.
        with_librtmp: bool,
    },
    /// HTTP live streaming.
    Hls {
        /// The whole address of the play list.
        url: Secret,
    },
    /// A camera at this machine (USB, capture card).
    V4l2 {
        /// The device, e.g. /dev/video0.
        device: String,
        /// Asked for: `mjpeg`, `h264`, `h265`, `raw`; any when empty.
        format: Option<V4l2Format>,
        /// Asked for, px.
        size_px: Option<(u32, u32)>,
        /// Asked for.
        fps: Option<u32>,
    },
    /// NDI.
    Ndi {
        /// The source's name: MACHINE (CHANNEL).
        name: String,
    },
    /// SDI or HDMI through a Blackmagic card.
    DeckLink {
        /// The input, from 0.
        device: u32,
    },
    /// A camera of industry (`GenICam`).
    Aravis {
        /// The camera's name as `arv-tool` lists it.
        name: String,
    },
}

/// What a stream takes at this machine ([`StreamSource::takes`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken<'a> {
    /// A UDP port, at an address, a multicast group or (empty) any address of this machine.
    UdpPort {
        /// The address or group.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// A device by its name.
    Device(String),
}

impl Taken<'_> {
    /// Whether both cannot be had at once.
    pub fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            // Every address of the machine includes any of them. Groups are told apart when they are joined.
            (Self::UdpPort { host, port }, Self::UdpPort { host: b, port: q }) => {
                let is_any = |host: &str| matches!(host, "" | "0.0.0.0" | "::");
                port == q && (host == b || is_any(host) || is_any(b))
            }
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Taken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UdpPort { port, .. } => write!(f, "UDP port {port}"),
            Self::Device(name) => f.write_str(name),
        }
    }
}

/// What a V4L2 camera is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V4l2Format {
    /// Motion JPEG.
    Mjpeg,
    /// H.264.
    H264,
    /// H.265.
    H265,
    /// Uncompressed.
    Raw,
}

/// Which of a stream's times are wanted (`time=…` in its address).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeWish {
    /// The best that is there without anybody's word for it: a shared clock that the address names, the sender's clock in a transport stream,
    /// else arrival.
    #[default]
    Best,
    /// Arrival (`time=arrival`).
    Arrival,
    /// Timecode in the pictures (`time=timecode`): one generator keeps all cameras, says the operator.
    Timecode,
    /// Timecode as a tone on the stream's first sound track, left or right (`time=ltc`).
    Ltc,
}

/// A stream: where it comes from, and when its silence is a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSource {
    /// Where it comes from.
    pub kind: StreamKind,
    /// Connected anew when no picture came for so long.
    pub stall_after: Duration,
    /// Which of its times are wanted.
    pub time: TimeWish,
    /// The address without its secrets.
    label: String,
    secrets: Vec<Secret>,
}

impl StreamSource {
    /// The address as it may be shown.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `text` without this source's secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        redact_text(text, &self.secrets)
    }

    /// Whether it waits for packets rather than calling somebody: then there is nothing to connect anew while nobody sends.
    pub(super) const fn listens(&self) -> bool {
        matches!(
            self.kind,
            StreamKind::Rtp { .. } | StreamKind::MpegTs { .. } | StreamKind::Rist { .. } | StreamKind::Srt { mode: SrtMode::Listener, .. }
        )
    }

    /// What it takes at this machine for itself alone: a port or a device. `None` for what several may call.
    pub fn takes(&self) -> Option<Taken<'_>> {
        match &self.kind {
            StreamKind::Rtp { at, .. }
            | StreamKind::MpegTs { at }
            | StreamKind::Rist { at, .. }
            | StreamKind::Srt { mode: SrtMode::Listener, at, .. } => Some(Taken::UdpPort { host: &at.host, port: at.port }),
            StreamKind::V4l2 { device, .. } => Some(Taken::Device(device.clone())),
            StreamKind::DeckLink { device } => Some(Taken::Device(format!("decklink:{device}"))),
            StreamKind::Aravis { name } => Some(Taken::Device(format!("aravis:{name}"))),
            StreamKind::Srt { .. }
            | StreamKind::Rtsp { .. }
            | StreamKind::Rtmp { .. }
            | StreamKind::Hls { .. }
            | StreamKind::Ndi { .. } => None,
        }
    }

    /// What to check when it does not answer, as a sentence.
    pub(super) fn remedy(&self) -> String {
        match &self.kind {
            StreamKind::Rtsp { .. } => {
                "Check the camera's power, cable and address, user and password; ?transport=tcp helps through firewalls".to_owned()
            }
            StreamKind::Srt { mode: SrtMode::Listener, at, .. } => {
                format!("Let the sender call this machine at port {} (UDP), with the same passphrase; check the firewall", at.port)
            }
            StreamKind::Srt { .. } => {
                "Check that the sender listens there, the port (UDP), and that both have the same passphrase".to_owned()
            }
            StreamKind::Rtp { at, payload, .. } => {
                format!(
                    "Check that the sender sends RTP with {} as payload type {} to port {} of this machine, and the firewall",
                    payload.encoding, payload.payload, at.port
                )
            }
            StreamKind::MpegTs { at } => {
                format!("Check that the sender sends MPEG-TS to port {} of this machine, and the firewall", at.port)
            }
            StreamKind::Rist { at, .. } => {
                format!(
                    "Check that the sender sends RIST (simple profile) to ports {} and {} of this machine, and the firewall",
                    at.port,
                    at.port.saturating_add(1)
                )
            }
            StreamKind::Rtmp { .. } => "Check the server's address, and that something is published under that name".to_owned(),
            StreamKind::Hls { .. } => "Check the address of the play list in a browser".to_owned(),
            StreamKind::V4l2 { device, .. } => {
                format!("Check that {device} is plugged in, that no other program has it open, and that you are in the group \"video\"")
            }
            StreamKind::Ndi { name } => format!("Check that {name:?} is on the network and named so"),
            StreamKind::DeckLink { device } => {
                format!("Check the cable at input {device} of the card, and that no other program has it open")
            }
            StreamKind::Aravis { name } => format!("Check that arv-tool lists {name:?}, and that no other program has it open"),
        }
    }

    /// From an address; `None` when its scheme is none of a stream's.
    pub(super) fn parse(uri: &str) -> Option<Result<Self, CaptureError>> {
        let (scheme, rest) = uri.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        let network = ["rtsp", "rtsps", "srt", "rtp", "udp", "rist", "rtmp", "rtmps", "http", "https"].contains(&scheme.as_str());
        if network != rest.starts_with("//") && (network || !["v4l2", "ndi", "decklink", "aravis"].contains(&scheme.as_str())) {
            return network.then(|| Err(wrong(uri, &format!("write {scheme}://HOST:PORT…"))));
        }
        let parsed = match scheme.as_str() {
            "rtsp" | "rtsps" => rtsp(uri, rest),
            "srt" => srt(rest),
            "rtp" => rtp(rest),
            "udp" => {
                let (at, options) = Options::split(rest);
                endpoint(at, Where::Here).map(|at| (StreamKind::MpegTs { at }, options))
            }
            "rist" => rist(rest),
            "rtmp" | "rtmps" => rtmp(uri, rest),
            "http" | "https" => hls(uri, rest),
            "v4l2" => v4l2(rest),
            "ndi" => named(rest, "ndi:MACHINE (CHANNEL)", |name| StreamKind::Ndi { name }),
            "aravis" => named(rest, "aravis:NAME", |name| StreamKind::Aravis { name }),
            "decklink" => decklink(rest),
            _ => return None,
        };
        Some(parsed.and_then(|(kind, options)| Self::finish(uri, kind, options)).map_err(|reason| wrong(uri, &reason)))
    }

    fn finish(uri: &str, kind: StreamKind, mut options: Options) -> Result<Self, String> {
        let standard_secs = if matches!(kind, StreamKind::Hls { .. }) { 20.0 } else { 3.0 };
        let secs = options.take_number("stall_s", 0.2..=600.0)?.unwrap_or(standard_secs);
        let time = time_wish(&kind, &mut options)?;
        if let (TimeWish::Arrival, StreamKind::Rtp { payload: RtpPayload { reference_clock: Some(_), .. }, .. }) = (time, &kind) {
            let problem = "time=arrival and ts_refclk say two things: keep ts_refclk for the times of that clock, or time=arrival for when packets come here";
            return Err(problem.to_owned());
        }
        let passes_on = matches!(kind, StreamKind::Rtsp { .. } | StreamKind::Rtmp { .. } | StreamKind::Hls { .. });
        if !passes_on {
            options.nothing_left("docs/capture.md")?;
        }
        let (label, secrets) = redact_uri(uri);
        Ok(Self { kind, stall_after: Duration::from_secs_f64(secs), time, label, secrets })
    }
}

/// What `time=` says, where an address has it.
fn time_wish(kind: &StreamKind, options: &mut Options) -> Result<TimeWish, String> {
    // What follows the question mark is the server's there.
    if matches!(kind, StreamKind::Rtmp { .. } | StreamKind::Hls { .. }) {
        return Ok(TimeWish::Best);
    }
    let has_sound = match kind {
        StreamKind::Srt { .. } | StreamKind::MpegTs { .. } | StreamKind::Rist { .. } => true,
        StreamKind::Rtp { payload, .. } => payload.encoding == "MP2T",
        _ => false,
    };
    let reports = matches!(kind, StreamKind::Rtsp { .. });
    match options.take("time").as_deref() {
        None => Ok(TimeWish::Best),
        // RTSP's own, read there.
        Some("rtcp" | "refclk") if reports => Ok(TimeWish::Best),
        Some("arrival") => Ok(TimeWish::Arrival),
        Some("timecode") => Ok(TimeWish::Timecode),
        Some("ltc") if has_sound => Ok(TimeWish::Ltc),
        Some("ltc") => {
            Err("time=ltc needs sound beside the pictures: a transport stream (srt, udp, rist, rtp with encoding=ts)".to_owned())
        }
        Some(other) => Err(format!(
            "time={other} is none of arrival, timecode{}{}",
            if has_sound { ", ltc" } else { "" },
            if reports { ", rtcp, refclk" } else { "" }
        )),
    }
}

/// The error about an address: neither it nor the reason shows a secret.
pub(super) fn wrong(uri: &str, reason: &str) -> CaptureError {
    let (uri, secrets) = redact_uri(uri);
    CaptureError::Address { uri, reason: redact_text(reason, &secrets) }
}

/// An address that goes on to the server as it is, less our own options.
fn whole_url<'a>(uri: &'a str, rest: &'a str, ours: &[&str]) -> Result<(Secret, Options), String> {
    let (at, options) = Options::split(rest);
    if at.trim_start_matches("//").split('/').next().unwrap_or_default().is_empty() {
        return Err("the host is missing".to_owned());
    }
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    Ok((Secret::new(format!("{scheme}:{at}{}", options.foreign_query(&[ours, &["stall_s"]].concat()))), options))
}

fn rtsp(uri: &str, rest: &str) -> Result<(StreamKind, Options), String> {
    let (url, mut options) = whole_url(uri, rest, &["transport", "latency_ms", "time"])?;
    let transport = match options.take("transport").as_deref() {
        None | Some("auto") => RtspTransport::Auto,
        Some("tcp") => RtspTransport::Tcp,
        Some("udp") => RtspTransport::Udp,
        Some(other) => return Err(format!("transport={other} is none of auto, tcp, udp")),
    };
    let latency_ms = options.take_whole("latency_ms", 0..=60_000)?.unwrap_or(200);
    let clock = match options.get("time") {
        Some("rtcp") => RtspClock::SenderReport,
        Some("refclk") => RtspClock::Described,
        _ => RtspClock::Arrival,
    };
    Ok((StreamKind::Rtsp { url, transport, latency_ms, clock }, options))
}

fn rtmp(uri: &str, rest: &str) -> Result<(StreamKind, Options), String> {
    let (url, mut options) = whole_url(uri, rest, &["client"])?;
    let with_librtmp = match options.take("client").as_deref() {
        None | Some("gstreamer") => false,
        Some("librtmp") => true,
        Some(other) => return Err(format!("client={other} is none of gstreamer, librtmp")),
    };
    Ok((StreamKind::Rtmp { url, with_librtmp }, options))
}

fn hls(uri: &str, rest: &str) -> Result<(StreamKind, Options), String> {
    let (url, options) = whole_url(uri, rest, &[])?;
    if !url.expose().split('?').next().unwrap_or_default().to_ascii_lowercase().ends_with(".m3u8") {
        return Err("only HLS play lists (….m3u8) are read over HTTP; for a file, download it and use file:PATH".to_owned());
    }
    Ok((StreamKind::Hls { url }, options))
}

fn srt(rest: &str) -> Result<(StreamKind, Options), String> {
    let (at, mut options) = Options::split(rest);
    let mode = match options.take("mode").as_deref() {
        // As everywhere: an address without a host is one to listen at.
        None if at.starts_with("//:") => SrtMode::Listener,
        None | Some("caller") => SrtMode::Caller,
        Some("listener") => SrtMode::Listener,
        Some(other) => return Err(format!("mode={other} is none of caller, listener")),
    };
    let at = endpoint(at, if mode == SrtMode::Caller { Where::There } else { Where::Here })?;
    let passphrase = options.take("passphrase").map(Secret::new);
    if passphrase.as_ref().is_some_and(|p| !(10..=79).contains(&p.expose().len())) {
        return Err("SRT wants a passphrase of 10 to 79 characters".to_owned());
    }
    let latency_ms = options.take_whole("latency", 0..=60_000)?.unwrap_or(125);
    let stream_id = options.take("streamid").map(Secret::new);
    Ok((StreamKind::Srt { at, mode, passphrase, latency_ms, stream_id }, options))
}

fn rtp(rest: &str) -> Result<(StreamKind, Options), String> {
    let (at, mut options) = Options::split(rest);
    let at = endpoint(at, Where::Here)?;
    let (encoding, standard_payload) = match options.take("encoding").map(|e| e.to_ascii_lowercase()).as_deref() {
        None | Some("h264") => ("H264", 96),
        Some("h265" | "hevc") => ("H265", 96),
        Some("jpeg" | "mjpeg") => ("JPEG", 26),
        Some("raw") => ("RAW", 96),
        Some("ts" | "mp2t") => ("MP2T", 33),
        Some("mpeg4" | "mp4v-es") => ("MP4V-ES", 96),
        Some(other) => return Err(format!("encoding={other} is none of h264, h265, jpeg, raw, ts, mpeg4")),
    };
    let payload = options.take_whole("payload", 0..=127)?.unwrap_or(standard_payload) as u8;
    let clock_rate = options.take_whole("clock_rate", 1..=1_000_000_000)?.unwrap_or(90_000);
    let raw = if encoding == "RAW" {
        let sampling = options.take("sampling").unwrap_or_else(|| "YCbCr-4:2:2".to_owned());
        let depth = options.take_whole("depth", 8..=16)?.unwrap_or(8);
        let (width, height) = options.take_size("size")?.ok_or("encoding=raw needs its size, e.g. size=1920x1080")?;
        Some((sampling, width, height, depth))
    } else {
        None
    };
    let reference_clock = match options.take("ts_refclk") {
        None => None,
        Some(_) if encoding == "MP2T" => {
            return Err("ts_refclk is not used with encoding=ts: the transport stream has times of its own; take it out".to_owned());
        }
        Some(clock) => Some(ReferenceClock::parse(&clock, options.take("mediaclk").as_deref())?),
    };
    let latency_ms = options.take_whole("latency_ms", 0..=60_000)?.unwrap_or(100);
    Ok((StreamKind::Rtp { at, payload: RtpPayload { encoding, payload, clock_rate, raw, reference_clock }, latency_ms }, options))
}

fn rist(rest: &str) -> Result<(StreamKind, Options), String> {
    let (at, mut options) = Options::split(rest);
    let at = endpoint(at, Where::Here)?;
    if at.port % 2 == 1 {
        // Port 1 has no even port below it that could be used.
        let near = if at.port > 2 { at.port - 1 } else { 2 };
        return Err(format!("RIST needs an even port (RTCP takes the next); use {near}"));
    }
    Ok((StreamKind::Rist { at, latency_ms: options.take_whole("latency_ms", 0..=60_000)?.unwrap_or(200) }, options))
}

fn v4l2(rest: &str) -> Result<(StreamKind, Options), String> {
    let (device, mut options) = Options::split(rest);
    let device = if device.starts_with("//") { &device[1..] } else { device };
    if !device.starts_with("/dev/") {
        return Err("write v4l2:/dev/videoN; `volte devices` lists what is plugged in".to_owned());
    }
    let format = match options.take("format").as_deref() {
        None => None,
        Some("mjpeg" | "jpeg") => Some(V4l2Format::Mjpeg),
        Some("h264") => Some(V4l2Format::H264),
        Some("h265" | "hevc") => Some(V4l2Format::H265),
        Some("raw") => Some(V4l2Format::Raw),
        Some(other) => return Err(format!("format={other} is none of mjpeg, h264, h265, raw")),
    };
    let fps = options.take_whole("fps", 1..=1000)?;
    Ok((StreamKind::V4l2 { device: device.to_owned(), format, size_px: options.take_size("size")?, fps }, options))
}

fn decklink(rest: &str) -> Result<(StreamKind, Options), String> {
    let (number, options) = Options::split(rest);
    let device = number.parse().map_err(|_e| format!("{number:?} is not the number of an input; the first is decklink:0"))?;
    Ok((StreamKind::DeckLink { device }, options))
}

fn named(rest: &str, form: &str, kind: impl Fn(String) -> StreamKind) -> Result<(StreamKind, Options), String> {
    let (name, options) = Options::split(rest);
    let name = percent_decoded(name.trim_start_matches("//"));
    if name.is_empty() {
        return Err(format!("the name is missing: {form}"));
    }
    Ok((kind(name), options))
}

#[cfg(test)]
mod tests;
