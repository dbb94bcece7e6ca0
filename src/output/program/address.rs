//! Where program goes: addresses of sinks, in parts that are checked. Passphrases and stream keys are [`Secret`]s.
//!
//! Must not know: GStreamer.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::address::{Endpoint, Options, Secret, Where, endpoint, redact_text, redact_uri};

/// How pictures are coded on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SinkCodec {
    /// H.264, 8 bit 4:2:0.
    H264,
    /// H.265, 8 bit 4:2:0.
    H265,
    /// AV1, 8 bit 4:2:0.
    Av1,
    /// One JPEG per frame.
    Mjpeg,
    /// ProRes 422.
    ProRes,
    /// As they are.
    Raw,
}

impl SinkCodec {
    /// Every codec.
    pub const ALL: [Self; 6] = [Self::H264, Self::H265, Self::Av1, Self::Mjpeg, Self::ProRes, Self::Raw];

    /// Its name in show files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Av1 => "av1",
            Self::Mjpeg => "mjpeg",
            Self::ProRes => "prores",
            Self::Raw => "raw",
        }
    }

    /// Whether it is made of interlaced frames, too.
    pub const fn has_fields(self) -> bool {
        matches!(self, Self::H264 | Self::ProRes | Self::Raw)
    }

    /// The codec of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// Who calls whom over SRT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtSide {
    /// Volte calls the receiver.
    Caller,
    /// Receivers call Volte, any number of them.
    Listener,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Fragmented MP4.
    Mp4,
    /// Fragmented `QuickTime`.
    Mov,
    /// Matroska.
    Matroska,
    /// MPEG transport stream.
    Ts,
}

/// What RTP carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtpForm {
    /// A transport stream (SMPTE ST 2022-2): receivers need no description.
    Ts,
    /// The codec's own payload; receivers need the SDP.
    Elementary {
        /// Payload type.
        payload: u8,
    },
}

/// Where a sink goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkKind {
    /// MPEG-TS over UDP, unicast or multicast.
    Udp {
        /// To whom.
        at: Endpoint,
        /// How many routers multicast may cross.
        ttl: u32,
    },
    /// RTP.
    Rtp {
        /// To whom.
        at: Endpoint,
        /// In which form.
        form: RtpForm,
        /// Where to write the description for receivers.
        sdp: Option<PathBuf>,
    },
    /// MPEG-TS over SRT.
    Srt {
        /// The receiver, or the port that receivers call.
        at: Endpoint,
        /// Who calls.
        side: SrtSide,
        /// Encrypts.
        passphrase: Option<Secret>,
        /// Length of the key, bytes.
        key_bytes: u32,
        /// Time for repeats, milliseconds.
        latency_ms: u32,
        /// Which stream, for servers that take many.
        stream_id: Option<Secret>,
    },
    /// RTMP or RTMPS.
    Rtmp {
        /// The whole address: its last part is the stream's key.
        url: Secret,
    },
    /// MPEG-TS over RIST, simple profile.
    Rist {
        /// To whom.
        at: Endpoint,
        /// How long packets are kept for repeats, milliseconds.
        buffer_ms: u32,
    },
    /// A folder that any web server serves.
    Hls {
        /// The folder.
        folder: PathBuf,
        /// Length of a segment, seconds.
        segment_secs: u32,
        /// Segments in the list.
        keep: u32,
    },
    /// The same for DASH players.
    Dash {
        /// The folder.
        folder: PathBuf,
        /// Length of a segment, seconds.
        segment_secs: u32,
        /// Segments in the description.
        keep: u32,
    },
    /// A file.
    File {
        /// Its name; one that is there is never replaced, a number is added.
        path: PathBuf,
        /// What it is.
        container: Container,
    },
    /// WebRTC, by way of a WHIP server (RFC 9725).
    Whip {
        /// The server.
        at: Endpoint,
        /// The whole address as HTTP has it: its path may be the stream's key.
        url: Secret,
        /// What the server knows us by (a bearer token).
        token: Option<Secret>,
    },
    /// NDI.
    Ndi {
        /// The name on the network.
        name: String,
    },
    /// An output of a Blackmagic card.
    DeckLink {
        /// Number of the output.
        device: u32,
    },
    /// A virtual camera (v4l2loopback).
    V4l2 {
        /// Its device.
        device: String,
    },
}

/// A sink's address.
#[derive(Clone, PartialEq, Eq)]
pub struct SinkAddress {
    /// In parts.
    pub kind: SinkKind,
    label: String,
    secrets: Vec<Secret>,
}

impl fmt::Debug for SinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// Why an address is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{uri}: {reason}")]
pub struct SinkAddressError {
    uri: String,
    reason: String,
}

/// Put in after secrets were taken out: it looks like addresses.
const FORMS: &str = "write udp://, rtp://, srt://, rtmp://, rtmps:// or rist://HOST:PORT, whip:// or whips://HOST/PATH, hls:FOLDER, dash:FOLDER, ndi:NAME, decklink:NUMBER, \
                     v4l2:/dev/videoN, or a file's name that ends in .mp4, .mov, .mkv or .ts (docs/output.md)";

impl SinkAddress {
    /// The address as it may be shown.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `text` without this address's secrets.
    pub fn redact(&self, text: &str) -> String {
        redact_text(text, &self.secrets)
    }

    /// Codecs that it carries; the first is the standard.
    pub const fn codecs(&self) -> &'static [SinkCodec] {
        use SinkCodec::{Av1, H264, H265, Mjpeg, ProRes, Raw};
        match &self.kind {
            SinkKind::Udp { .. } | SinkKind::Srt { .. } | SinkKind::Rist { .. } | SinkKind::Rtp { form: RtpForm::Ts, .. } => &[H264, H265],
            SinkKind::Rtp { .. } => &[H264, H265, Mjpeg],
            SinkKind::Rtmp { .. } | SinkKind::Hls { .. } | SinkKind::Whip { .. } => &[H264],
            SinkKind::Dash { .. } => &[H264, H265, Av1],
            SinkKind::File { container, .. } => match container {
                Container::Mp4 => &[H264, H265, Av1],
                Container::Ts => &[H264, H265],
                Container::Matroska => &[H264, H265, Av1, Mjpeg],
                Container::Mov => &[ProRes, H264, H265, Mjpeg],
            },
            SinkKind::Ndi { .. } | SinkKind::DeckLink { .. } | SinkKind::V4l2 { .. } => &[Raw],
        }
    }

    /// Whether sound can go with it.
    pub const fn takes_sound(&self) -> bool {
        !matches!(
            self.kind,
            SinkKind::Rtp { form: RtpForm::Elementary { .. }, .. }
                | SinkKind::Ndi { .. }
                | SinkKind::DeckLink { .. }
                | SinkKind::V4l2 { .. }
        )
    }

    /// Whether interlaced pictures can go there, where the codec has them: browsers have none.
    pub const fn takes_fields(&self) -> bool {
        !matches!(self.kind, SinkKind::Whip { .. })
    }

    /// What to check when it does not work, as a sentence.
    pub fn remedy(&self) -> String {
        match &self.kind {
            SinkKind::Udp { .. } | SinkKind::Rtp { .. } => "Check the address and the network".to_owned(),
            SinkKind::Srt { side: SrtSide::Listener, at, .. } => {
                format!("Check that no other program listens on port {} (UDP) of this machine", at.port)
            }
            SinkKind::Srt { .. } => {
                "Check that the receiver listens there, the port (UDP), and that both have the same passphrase".to_owned()
            }
            SinkKind::Rtmp { .. } => "Check the server's address and the stream's key".to_owned(),
            SinkKind::Whip { .. } => "Check the server's address, its path and the token".to_owned(),
            SinkKind::Rist { .. } => "Check the receiver's address, and that its port is even".to_owned(),
            SinkKind::Hls { folder, .. } | SinkKind::Dash { folder, .. } => format!("Check that {folder:?} can be written and has room"),
            SinkKind::File { path, .. } => format!("Check that {:?} can be written and has room", path.parent().unwrap_or(path)),
            SinkKind::Ndi { .. } => "Check the NDI runtime".to_owned(),
            SinkKind::DeckLink { device } => {
                format!("Check that output {device} of the card is there and free, and that it has this format")
            }
            SinkKind::V4l2 { device } => format!("Check that {device} is there (modprobe v4l2loopback) and free"),
        }
    }

    /// Relative names begin at `folder`.
    #[must_use]
    pub fn beside(mut self, folder: &std::path::Path) -> Self {
        match &mut self.kind {
            SinkKind::Hls { folder: path, .. }
            | SinkKind::Dash { folder: path, .. }
            | SinkKind::File { path, .. }
            | SinkKind::Rtp { sdp: Some(path), .. } => {
                *path = folder.join(&*path);
            }
            _ => {}
        }
        self
    }
}

impl FromStr for SinkAddress {
    type Err = SinkAddressError;

    fn from_str(uri: &str) -> Result<Self, SinkAddressError> {
        let (label, secrets) = redact_uri(uri);
        match kind_of(uri.trim()) {
            Ok(kind) => Ok(Self { kind, label, secrets }),
            Err(reason) => Err(SinkAddressError { uri: label, reason: redact_text(&reason, &secrets).replace("FORMS", FORMS) }),
        }
    }
}

fn kind_of(uri: &str) -> Result<SinkKind, String> {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme).filter(|s| s.len() > 1 && s.bytes().all(|b| b.is_ascii_alphanumeric()));
    let Some(scheme) = scheme else { return file(uri) };
    let (rest, scheme) = (&uri[scheme.len() + 1..], scheme.to_ascii_lowercase());
    if ["udp", "rtp", "srt", "rtmp", "rtmps", "rist", "whip", "whips"].contains(&scheme.as_str()) && !rest.starts_with("//") {
        return Err(format!("write {scheme}://HOST:PORT…"));
    }
    let (at, mut options) = Options::split(rest);
    let kind = match scheme.as_str() {
        "udp" => SinkKind::Udp { at: endpoint(at, Where::There)?, ttl: options.take_whole("ttl", 1..=255)?.unwrap_or(8) },
        "rtp" => rtp(at, &mut options)?,
        "srt" => srt(at, &mut options)?,
        "rtmp" | "rtmps" => return rtmp(uri, at),
        "whip" => return whip("http", 80, at, options),
        "whips" => return whip("https", 443, at, options),
        "rist" => {
            let at = endpoint(at, Where::There)?;
            if !at.port.is_multiple_of(2) {
                return Err(format!("port {} is odd; RIST takes an even port and the one after it", at.port));
            }
            SinkKind::Rist { at, buffer_ms: options.take_whole("latency_ms", 0..=60_000)?.unwrap_or(1200) }
        }
        "hls" if !at.is_empty() => SinkKind::Hls {
            folder: PathBuf::from(at),
            segment_secs: options.take_whole("segment_s", 1..=60)?.unwrap_or(2),
            keep: options.take_whole("keep", 3..=100_000)?.unwrap_or(6),
        },
        "dash" if !at.is_empty() => SinkKind::Dash {
            folder: PathBuf::from(at),
            segment_secs: options.take_whole("segment_s", 1..=60)?.unwrap_or(2),
            keep: options.take_whole("keep", 3..=100_000)?.unwrap_or(6),
        },
        "dash" => return Err("the folder is missing: write dash:FOLDER".to_owned()),
        "hls" => return Err("the folder is missing: write hls:FOLDER".to_owned()),
        "file" => return file(rest.strip_prefix("//").unwrap_or(rest)),
        "ndi" if !at.trim().is_empty() => SinkKind::Ndi { name: at.trim().to_owned() },
        "decklink" => {
            SinkKind::DeckLink { device: at.trim().parse().map_err(|_e| "write decklink:NUMBER, the first output being 0".to_owned())? }
        }
        "v4l2" if at.starts_with("/dev/") => SinkKind::V4l2 { device: at.to_owned() },
        _ => return Err("nothing can be sent there; FORMS".to_owned()),
    };
    options.nothing_left("docs/output.md")?;
    Ok(kind)
}

fn file(name: &str) -> Result<SinkKind, String> {
    let path = PathBuf::from(name);
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let container = match extension.as_str() {
        "mp4" | "m4v" => Container::Mp4,
        "mov" => Container::Mov,
        "mkv" => Container::Matroska,
        "ts" | "m2ts" => Container::Ts,
        _ => return Err("nothing can be sent there; FORMS".to_owned()),
    };
    Ok(SinkKind::File { path, container })
}

fn rtp(at: &str, options: &mut Options) -> Result<SinkKind, String> {
    let at = endpoint(at, Where::There)?;
    let payload = options.take_whole("payload", 96..=127)?;
    let sdp = options.take("sdp").map(PathBuf::from);
    let form = match options.take("encoding").as_deref() {
        None | Some("ts") if payload.is_none() && sdp.is_none() => RtpForm::Ts,
        None | Some("ts") => return Err("payload and sdp belong to encoding=es; a transport stream needs none of them".to_owned()),
        Some("es") => RtpForm::Elementary { payload: payload.unwrap_or(96) as u8 },
        Some(other) => return Err(format!("encoding={other} is none of ts (a transport stream) and es (the codec's own packets)")),
    };
    Ok(SinkKind::Rtp { at, form, sdp })
}

fn srt(at: &str, options: &mut Options) -> Result<SinkKind, String> {
    let side = match options.take("mode").as_deref() {
        None if at.trim_matches('/').starts_with(':') => SrtSide::Listener,
        None | Some("caller") => SrtSide::Caller,
        Some("listener") => SrtSide::Listener,
        Some(other) => return Err(format!("mode={other} is none of caller, listener")),
    };
    let at = endpoint(at, if side == SrtSide::Caller { Where::There } else { Where::Here })?;
    let passphrase = options.take("passphrase");
    if passphrase.as_ref().is_some_and(|p| !(10..=79).contains(&p.len())) {
        return Err("the passphrase must have 10 to 79 characters".to_owned());
    }
    let key_bytes = match options.take_whole("pbkeylen", 16..=32)?.unwrap_or(16) {
        bytes @ (16 | 24 | 32) => bytes,
        other => return Err(format!("pbkeylen={other} is none of 16, 24, 32")),
    };
    let latency_ms = options.take_whole("latency_ms", 0..=60_000)?;
    let latency_ms = latency_ms.map_or_else(|| options.take_whole("latency", 0..=60_000), |ms| Ok(Some(ms)))?.unwrap_or(125);
    let stream_id = options.take("streamid").map(Secret::new);
    Ok(SinkKind::Srt { at, side, passphrase: passphrase.map(Secret::new), key_bytes, latency_ms, stream_id })
}

fn rtmp(uri: &str, at: &str) -> Result<SinkKind, String> {
    let parts: Vec<&str> = at.trim_start_matches('/').splitn(3, '/').collect();
    match parts[..] {
        [host, app, key] if !host.is_empty() && !app.is_empty() && !key.is_empty() => Ok(SinkKind::Rtmp { url: Secret::new(uri) }),
        _ => Err("write rtmp://HOST/APPLICATION/KEY…".to_owned()),
    }
}

/// The options that are not ours are the server's: some have the stream's name there.
fn whip(http: &str, usual_port: u16, at: &str, mut options: Options) -> Result<SinkKind, String> {
    let at = at.strip_prefix("//").unwrap_or(at);
    let (authority, path) = at.split_once('/').unwrap_or((at, ""));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let server = if has_port { endpoint(authority, Where::There) } else { endpoint(&format!("{authority}:{usual_port}"), Where::There) };
    let server = server.map_err(|why| format!("{why} (write whip{}://HOST[:PORT]/PATH…)", &http[4..]))?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b));
    let query = options.foreign_query(&["token"]);
    if !plain(path) || !plain(&query) {
        return Err("the path has a letter that no web address has: write it as %XX".to_owned());
    }
    let token = options.take("token");
    if token.as_ref().is_some_and(|t| t.is_empty() || !t.bytes().all(|b| b.is_ascii_graphic())) {
        return Err("the token must be letters, digits and signs without spaces, and not empty".to_owned());
    }
    let url = Secret::new(format!("{http}://{authority}/{path}{query}"));
    Ok(SinkKind::Whip { at: server, url, token: token.map(Secret::new) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(uri: &str) -> SinkAddress {
        uri.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    fn refused(uri: &str) -> String {
        uri.parse::<SinkAddress>().unwrap_err().to_string()
    }

    #[test]
    fn every_form_is_read() {
        assert!(matches!(parsed("udp://239.1.2.3:5000?ttl=3").kind, SinkKind::Udp { ttl: 3, .. }));
        assert!(matches!(parsed("rtp://10.0.0.9:5004").kind, SinkKind::Rtp { form: RtpForm::Ts, sdp: None, .. }));
        let SinkKind::Rtp { form, sdp, .. } = parsed("rtp://h:5004?encoding=es&payload=97&sdp=a/b.sdp").kind else { panic!() };
        assert_eq!((form, sdp), (RtpForm::Elementary { payload: 97 }, Some(PathBuf::from("a/b.sdp"))));
        let SinkKind::Srt { side, passphrase, latency_ms, key_bytes, .. } =
            parsed("srt://:7001?passphrase=correct-horse&latency_ms=60&pbkeylen=32").kind
        else {
            panic!()
        };
        assert_eq!((side, passphrase, latency_ms, key_bytes), (SrtSide::Listener, Some(Secret::new("correct-horse")), 60, 32));
        assert!(matches!(parsed("srt://h:7001").kind, SinkKind::Srt { side: SrtSide::Caller, .. }));
        assert!(matches!(parsed("rtmps://live.example.org/app/key-1?x=y").kind, SinkKind::Rtmp { .. }));
        let SinkKind::Whip { at, url, token } = parsed("whips://live.example.org/whip/abc?app=live&token=s%33cret&stream=x").kind else {
            panic!()
        };
        assert_eq!((at.host.as_str(), at.port, token), ("live.example.org", 443, Some(Secret::new("s3cret"))));
        assert_eq!(url, Secret::new("https://live.example.org/whip/abc?app=live&stream=x"));
        let SinkKind::Whip { at, url, token: None } = parsed("whip://[::1]:8889/live/whip").kind else { panic!() };
        assert_eq!((at.host.as_str(), at.port, url), ("::1", 8889, Secret::new("http://[::1]:8889/live/whip")));
        assert!(matches!(parsed("rist://h:6000").kind, SinkKind::Rist { buffer_ms: 1200, .. }));
        assert!(matches!(parsed("hls:web/live?segment_s=1&keep=4").kind, SinkKind::Hls { segment_secs: 1, keep: 4, .. }));
        assert!(matches!(parsed("dash:web/live?keep=9").kind, SinkKind::Dash { segment_secs: 2, keep: 9, .. }));
        assert!(matches!(parsed("decklink:1").kind, SinkKind::DeckLink { device: 1 }));
        assert!(matches!(parsed("v4l2:/dev/video9").kind, SinkKind::V4l2 { .. }));
        assert_eq!(parsed("ndi:Volte 1").kind, SinkKind::Ndi { name: "Volte 1".into() });
        let file = parsed("out/show.MOV").beside(std::path::Path::new("/shows"));
        assert_eq!(file.kind, SinkKind::File { path: "/shows/out/show.MOV".into(), container: Container::Mov });
        assert_eq!(file.codecs()[0], SinkCodec::ProRes);
        assert!(matches!(parsed("file:///a/b.mkv").kind, SinkKind::File { container: Container::Matroska, .. }));
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        for (uri, word) in [
            ("srt://h:1?passphrase=short-1", "10 to 79"),
            ("srt://h:1?passphrase=never-shown-1&mode=both", "caller, listener"),
            ("srt://h:1?pasphrase=never-shown-1", "not known"),
            ("srt://h?passphrase=never-shown-1", "port"),
            ("rtmp://h/never-shown-1", "APPLICATION/KEY"),
            ("http://h/x.m3u8", "docs/output.md"),
            ("show.avi", "rtmps:// or rist://HOST:PORT"),
            ("", "docs/output.md"),
            ("hls:", "FOLDER"),
            ("dash:", "dash:FOLDER"),
            ("dash:web?keep=1", "keep"),
            ("decklink:first", "NUMBER"),
            ("rist://h:6001", "odd"),
            ("udp:h:1", "udp://"),
            ("rtp://h:5004?encoding=h264", "ts"),
            ("whip:h/never-shown-5", "whip://"),
            ("whip:///never-shown-5", "whip://HOST[:PORT]/PATH"),
            ("whips://h:99999/never-shown-5?token=never-shown-6", "whips://HOST[:PORT]/PATH"),
            ("whip://user:never-shown-5@h/x", "not a port"),
            ("whip://h/never-shown-5>?token=x", "%XX"),
            ("whip://h/never-shown-5?token=", "token"),
        ] {
            let told = refused(uri);
            assert!(told.contains(word) && !told.contains("never-shown") && !told.contains("short-1"), "{uri}: {told}");
        }
        let address = parsed("rtmp://live.example.org/app/never-shown-2");
        assert!(!format!("{address:?} {:?} {}", address.kind, address.label()).contains("never-shown"));
        assert!(!address.redact("cannot open rtmp://live.example.org/app/never-shown-2 (never-shown-2)").contains("never-shown"));
        let address = parsed("whips://live.example.org:8443/never-shown-7/whip?token=never-shown-8&app=live");
        assert_eq!(address.label(), "whips://live.example.org:8443/***?token=***&app=***");
        assert!(!format!("{address:?} {:?}", address.kind).contains("never-shown"));
        assert!(!address.redact("POST https://live.example.org:8443/never-shown-7/whip: never-shown-8").contains("never-shown"));
        let address = parsed("srt://h:1?passphrase=never-shown-3&streamid=never-shown-4");
        assert!(!format!("{address:?} {:?}", address.kind).contains("never-shown"));
    }
}
