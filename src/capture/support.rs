//! What this machine can read: for every kind of address the elements that it needs, and what is missing.

use super::packages::remedy_for_element;

/// A kind of source, and whether it can be used here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSupport {
    /// Its name.
    pub name: &'static str,
    /// How its address begins.
    pub address: &'static str,
    /// GStreamer elements that it needs.
    pub elements: &'static [&'static str],
    /// Those that are not there, each with what to install.
    pub missing: Vec<(&'static str, String)>,
}

/// Kind, form of address, elements.
type Kind = (&'static str, &'static str, &'static [&'static str]);

const KINDS: [Kind; 13] = [
    ("files", "file:PATH", &["filesrc", "parsebin", "qtdemux"]),
    ("numbered pictures", "images:DIR/f_%05d.png", &["imagesequencesrc", "pngdec", "jpegenc"]),
    ("RTSP", "rtsp://", &["rtspsrc", "rtpjitterbuffer", "rtph264depay"]),
    ("SRT", "srt://", &["srtsrc", "tsdemux"]),
    ("RTP", "rtp://", &["udpsrc", "rtpjitterbuffer", "rtph264depay"]),
    ("MPEG-TS", "udp://", &["udpsrc", "tsdemux"]),
    ("RIST", "rist://", &["ristsrc", "rtpmp2tdepay", "tsdemux"]),
    ("RTMP", "rtmp://", &["rtmp2src", "flvdemux"]),
    ("HLS", "http://", &["souphttpsrc", "hlsdemux", "tsdemux"]),
    ("USB cameras", "v4l2:/dev/videoN", &["v4l2src"]),
    ("NDI", "ndi:NAME", &["ndisrc", "ndisrcdemux"]),
    ("SDI", "decklink:N", &["decklinkvideosrc"]),
    ("GenICam cameras", "aravis:NAME", &["aravissrc"]),
];

/// Every kind of source. GStreamer must be initialised ([`super::init`]).
pub fn source_support() -> Vec<SourceSupport> {
    let of = |(name, address, elements): Kind| {
        let gone = elements.iter().copied().filter(|e| gst::ElementFactory::find(e).is_none());
        SourceSupport { name, address, elements, missing: gone.map(|e| (e, remedy_for_element(e))).collect() }
    };
    KINDS.into_iter().map(of).collect()
}
