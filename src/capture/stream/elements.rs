//! The GStreamer elements that bring a stream into this machine, each set up for its address.

use gst::prelude::{GObjectExtManualGst as _, ObjectExt as _};

use super::shared_clock;
use crate::capture::address::{
    Endpoint, ReferenceClock, ReferenceServer, RtpPayload, RtspClock, RtspTransport, SrtMode, StreamKind, StreamSource, V4l2Format,
};
use crate::capture::chain::{element, filter};
use crate::capture::error::CaptureError;
use crate::capture::stamp::{Rule, TimeOrigin};

/// Kernel buffer for packets, bytes: a keyframe of 4K at 400 Mbit/s, whole.
const SOCKET_BYTES: i32 = 4 << 20;
const RTSP_TIMEOUT_MICROS: u64 = 5_000_000;

/// What is at the end of the source's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// One pad from the beginning.
    Always,
    /// The same; what comes out of it, a sensor's pattern or pictures, is known when it begins.
    Told,
    /// Pads that appear when the peer has answered.
    Later,
}

/// A source, ready to be put into a pipeline.
#[derive(Debug)]
pub(super) struct SourceElements {
    /// Linked in this order.
    pub elements: Vec<gst::Element>,
    pub ends: Ends,
    /// Coded: the video in it has to be found. Else it is uncompressed video already.
    pub coded: bool,
    /// What finds it, where that is certain; else `parsebin`, which waits until it has seen all that there is. Where streams begin one after the other
    /// and nothing tells how many there are, that is for ever.
    pub demuxer: Option<&'static str>,
    pub rule: Rule,
    pub time_origin: TimeOrigin,
    /// The last of them brings a transport stream, whole packets as they arrived.
    pub transport: bool,
}

/// Makes the elements of a source; what is missing is named with its package.
/// `wanted` is what is wanted of a source that can be asked: `video` or `audio`.
pub(super) fn make(source: &StreamSource, wanted: &'static str) -> Result<SourceElements, CaptureError> {
    match &source.kind {
        StreamKind::Rtsp { url, transport, latency_ms, clock } => {
            let rtsp = element("rtspsrc", "RTSP")?;
            rtsp.set_property("location", url.expose());
            rtsp.set_property("latency", *latency_ms);
            rtsp.set_property("tcp-timeout", RTSP_TIMEOUT_MICROS);
            rtsp.set_property("udp-buffer-size", SOCKET_BYTES);
            rtsp.set_property_from_str(
                "protocols",
                match transport {
                    RtspTransport::Auto => "tcp+udp-mcast+udp",
                    RtspTransport::Tcp => "tcp",
                    RtspTransport::Udp => "udp+udp-mcast",
                },
            );
            // Nothing else is asked for: it would be sent and thrown away.
            rtsp.connect("select-stream", false, move |values| {
                let caps = values.get(2).and_then(|v| v.get::<gst::Caps>().ok());
                let described = caps.as_ref().and_then(|c| c.structure(0));
                let is_wanted = described.and_then(|s| s.get::<&str>("media").ok()) == Some(wanted);
                // A clock that the camera names in its SDP becomes one of its jitter buffer's, believed or not.
                if let Some(server) = described.filter(|_| is_wanted).and_then(|s| s.get::<&str>("a-ts-refclk").ok())
                    && let Ok(server) = ReferenceServer::of_sdp(server)
                {
                    shared_clock::keep(&server);
                }
                Some(is_wanted.into())
            });
            match clock {
                RtspClock::Arrival => {}
                RtspClock::SenderReport => note_sender_times(&rtsp),
                RtspClock::Described => {
                    rtsp.set_property("rfc7273-sync", true);
                    // The note says that the clock was reached; until then times are those of arrival.
                    rtsp.set_property("add-reference-timestamp-meta", true);
                }
            }
            Ok(running(vec![rtsp], Ends::Later, true, TimeOrigin::Arrival))
        }
        StreamKind::Srt { .. } => srt(&source.kind),
        StreamKind::Rtp { at, payload, latency_ms } => rtp(at, payload, *latency_ms),
        StreamKind::MpegTs { at } => {
            let udp = udp(at)?;
            udp.set_property("caps", transport_stream());
            Ok(shortest(vec![udp], 0))
        }
        StreamKind::Rist { at, latency_ms } => {
            let rist = element("ristsrc", "RIST")?;
            rist.set_property("address", any(at));
            rist.set_property("port", u32::from(at.port));
            rist.set_property("receiver-buffer", *latency_ms);
            Ok(shortest(vec![rist], *latency_ms))
        }
        StreamKind::Rtmp { url, with_librtmp } => {
            let rtmp = element(if *with_librtmp { "rtmpsrc" } else { "rtmp2src" }, "RTMP")?;
            if *with_librtmp {
                // It waits until a block is full, which takes seconds where little moves.
                rtmp.set_property("blocksize", 1024_u32);
            }
            let live = if *with_librtmp { " live=1" } else { "" };
            rtmp.set_property("location", format!("{}{live}", url.expose()));
            Ok(SourceElements { transport: false, demuxer: Some("flvdemux"), ..shortest(vec![rtmp], 0) })
        }
        StreamKind::Hls { url } => {
            let http = element("souphttpsrc", "HTTP")?;
            http.set_property("location", url.expose());
            http.set_property("timeout", 10_u32);
            http.set_property("user-agent", concat!("volte/", env!("CARGO_PKG_VERSION")));
            let hls = element("hlsdemux", "HLS")?;
            Ok(SourceElements {
                elements: vec![http, hls],
                ends: Ends::Later,
                coded: true,
                demuxer: None,
                rule: Rule::Paced,
                time_origin: TimeOrigin::Container,
                transport: false,
            })
        }
        StreamKind::V4l2 { device, format, size_px, fps } => v4l2(device, *format, *size_px, *fps),
        StreamKind::Ndi { name } => {
            let ndi = element("ndisrc", "NDI")?;
            ndi.set_property("ndi-name", name);
            let demux = element("ndisrcdemux", "NDI")?;
            Ok(running(vec![ndi, demux], Ends::Later, false, TimeOrigin::Device))
        }
        StreamKind::DeckLink { device } => {
            let decklink = element("decklinkvideosrc", "SDI")?;
            decklink.set_property("device-number", *device as i32);
            Ok(running(vec![decklink], Ends::Always, false, TimeOrigin::Device))
        }
        StreamKind::Aravis { name } => {
            let camera = element("aravissrc", "GenICam cameras")?;
            camera.set_property("camera-name", name);
            let wanted = filter(&pattern_or_pictures())?;
            Ok(running(vec![camera, wanted], Ends::Told, false, TimeOrigin::Device))
        }
    }
}

/// Makes the jitter buffers of an RTSP source note the sender's own time on every packet.
fn note_sender_times(rtsp: &gst::Element) {
    rtsp.connect("new-manager", false, |values| {
        let manager = values.get(1)?.get::<gst::Element>().ok()?;
        gst::glib::subclass::SignalId::lookup("new-jitterbuffer", manager.type_())?;
        manager.connect("new-jitterbuffer", false, |values| {
            let buffer = values.get(1)?.get::<gst::Element>().ok()?;
            if buffer.has_property("add-reference-timestamp-meta") {
                buffer.set_property("add-reference-timestamp-meta", true);
            }
            None
        });
        None
    });
}

/// What is asked of an industrial camera: the pattern of its sensor (Bayer) first, where it has one and GStreamer can read it. It is all that the sensor
/// saw, in a third of the bytes of RGB; a monochrome camera has none.
fn pattern_or_pictures() -> gst::Caps {
    let mut caps = patterns().unwrap_or_else(gst::Caps::new_empty);
    caps.merge(gst::Caps::new_empty_simple("video/x-raw"));
    caps
}

/// The patterns of sensors that can be read.
fn patterns() -> Option<gst::Caps> {
    let reader = gst::ElementFactory::find("bayer2rgb")?;
    let readable = reader.static_pad_templates().into_iter().find(|pad| pad.direction() == gst::PadDirection::Sink)?;
    Some(readable.caps().clone())
}

const fn running(elements: Vec<gst::Element>, ends: Ends, coded: bool, time_origin: TimeOrigin) -> SourceElements {
    SourceElements { elements, ends, coded, demuxer: None, rule: Rule::Running, time_origin, transport: false }
}

const fn shortest(elements: Vec<gst::Element>, buffered_ms: u32) -> SourceElements {
    let rule = Rule::ShortestTransit { buffered_nanos: buffered_ms as i64 * 1_000_000 };
    SourceElements { elements, ends: Ends::Always, coded: true, demuxer: None, rule, time_origin: TimeOrigin::Arrival, transport: true }
}

fn transport_stream() -> gst::Caps {
    gst::Caps::builder("video/mpegts").field("systemstream", true).field("packetsize", 188).build()
}

fn any(at: &Endpoint) -> &str {
    if at.host.is_empty() { "0.0.0.0" } else { &at.host }
}

fn udp(at: &Endpoint) -> Result<gst::Element, CaptureError> {
    let udp = element("udpsrc", "receiving packets")?;
    udp.set_property("address", any(at));
    udp.set_property("port", i32::from(at.port));
    udp.set_property("buffer-size", SOCKET_BYTES);
    Ok(udp)
}

fn srt(kind: &StreamKind) -> Result<SourceElements, CaptureError> {
    let StreamKind::Srt { at, mode, passphrase, latency_ms, stream_id } = kind else {
        return Err(CaptureError::MissingElement { element: "srtsrc".to_owned(), purpose: "SRT".to_owned() });
    };
    let srt = element("srtsrc", "SRT")?;
    let host = if at.host.contains(':') { format!("[{}]", at.host) } else { at.host.clone() };
    let mode = if *mode == SrtMode::Listener { "listener" } else { "caller" };
    srt.set_property("uri", format!("srt://{host}:{}?mode={mode}", at.port));
    srt.set_property("latency", *latency_ms as i32);
    if let Some(passphrase) = passphrase {
        srt.set_property("passphrase", passphrase.expose());
    }
    if let Some(id) = stream_id {
        srt.set_property("streamid", id.expose());
    }
    // Connecting again is our own work: with backoff, and with a word to the operator.
    if srt.has_property("auto-reconnect") {
        srt.set_property("auto-reconnect", false);
    }
    Ok(shortest(vec![srt, filter(&transport_stream())?], *latency_ms))
}

fn rtp(at: &Endpoint, payload: &RtpPayload, latency_ms: u32) -> Result<SourceElements, CaptureError> {
    let udp = udp(at)?;
    let mut caps = gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", payload.encoding)
        .field("payload", i32::from(payload.payload))
        .field("clock-rate", payload.clock_rate as i32);
    if let Some((sampling, width, height, depth)) = &payload.raw {
        // As in SDP, where all of them are text.
        caps = caps.field("sampling", sampling).field("width", width.to_string()).field("height", height.to_string());
        caps = caps.field("depth", depth.to_string());
    }
    // Without it pictures come all the same, and it is told that the clock is not reached; the next connection asks again.
    let reference = payload.reference_clock.as_ref().filter(|reference| shared_clock::keep(&reference.server));
    if let Some((clock, media)) = reference.map(ReferenceClock::to_sdp) {
        caps = caps.field("a-ts-refclk", clock).field("a-mediaclk", media);
    }
    udp.set_property("caps", caps.build());
    let buffer = element("rtpjitterbuffer", "putting packets in order")?;
    buffer.set_property("latency", latency_ms);
    if reference.is_some() {
        buffer.set_property("rfc7273-sync", true);
        // The note says that the clock was reached; until then times are those of arrival.
        buffer.set_property("add-reference-timestamp-meta", true);
    }
    let mut made = running(vec![udp, buffer], Ends::Always, true, TimeOrigin::Arrival);
    if payload.encoding == "MP2T" {
        // The transport stream inside has times of its own.
        made.rule = Rule::ShortestTransit { buffered_nanos: i64::from(latency_ms) * 1_000_000 };
    }
    if payload.encoding == "RAW" {
        made.elements.push(element("rtpvrawdepay", "uncompressed RTP")?);
        made.coded = false;
    }
    Ok(made)
}

fn v4l2(device: &str, format: Option<V4l2Format>, size_px: Option<(u32, u32)>, fps: Option<u32>) -> Result<SourceElements, CaptureError> {
    let camera = element("v4l2src", "cameras at this machine")?;
    camera.set_property("device", device);
    let wanted = filter(&v4l2_caps(format, size_px, fps))?;
    let is_raw = format == Some(V4l2Format::Raw);
    Ok(running(vec![camera, wanted], if is_raw { Ends::Told } else { Ends::Always }, !is_raw, TimeOrigin::Device))
}

/// What is asked of a camera at this machine, in this order; the bare pattern of a sensor where it gives nothing else.
fn v4l2_caps(format: Option<V4l2Format>, size_px: Option<(u32, u32)>, fps: Option<u32>) -> gst::Caps {
    let media: &[&str] = match format {
        None => &["image/jpeg", "video/x-h264", "video/x-raw"],
        Some(V4l2Format::Mjpeg) => &["image/jpeg"],
        Some(V4l2Format::H264) => &["video/x-h264"],
        Some(V4l2Format::H265) => &["video/x-h265"],
        Some(V4l2Format::Raw) => &["video/x-raw"],
    };
    let mut caps = gst::Caps::new_empty();
    {
        let caps = caps.make_mut();
        for media in media {
            caps.append(gst::Caps::new_empty_simple(*media));
        }
        if let (None | Some(V4l2Format::Raw), Some(patterns)) = (format, patterns()) {
            caps.append(patterns);
        }
        for wanted in caps.iter_mut() {
            if let Some((width, height)) = size_px {
                wanted.set("width", width as i32);
                wanted.set("height", height as i32);
            }
            if let Some(fps) = fps {
                wanted.set("framerate", gst::Fraction::new(fps as i32, 1));
            }
        }
    }
    caps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensors_pattern_is_the_last_that_a_camera_here_is_asked_for() {
        crate::capture::init().expect("GStreamer");
        let names = |format| {
            let caps = v4l2_caps(format, Some((640, 480)), Some(50));
            for wanted in caps.iter() {
                assert_eq!((wanted.get::<i32>("width"), wanted.get("framerate")), (Ok(640), Ok(gst::Fraction::new(50, 1))), "{caps}");
            }
            let mut names: Vec<String> = caps.iter().map(|s| s.name().to_string()).collect();
            names.dedup();
            names
        };
        assert_eq!(names(None), ["image/jpeg", "video/x-h264", "video/x-raw", "video/x-bayer"]);
        assert_eq!(names(Some(V4l2Format::Raw)), ["video/x-raw", "video/x-bayer"]);
        assert_eq!(names(Some(V4l2Format::Mjpeg)), ["image/jpeg"]);
    }
}
