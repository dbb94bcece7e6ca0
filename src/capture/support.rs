//! What this machine can read: for every kind of address the elements that it needs, and what is missing.

use super::address::StreamKind;
use super::feed::FeedSource;
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

/// The elements that a source needs and this machine has not, each with what to install. GStreamer must be initialised ([`super::init`]).
pub fn missing_elements(source: &FeedSource) -> Vec<(&'static str, String)> {
    let gone = needed(source).into_iter().filter(|e| gst::ElementFactory::find(e).is_none());
    gone.map(|e| (e, remedy_for_element(e))).collect()
}

fn needed(source: &FeedSource) -> Vec<&'static str> {
    let of = |kind: &str| KINDS.iter().find(|(name, ..)| *name == kind).map_or_else(Vec::new, |(.., elements)| elements.to_vec());
    let FeedSource::Stream(stream) = source else {
        return match source {
            // What is in a file says itself what reads it.
            FeedSource::File { .. } => vec!["filesrc", "parsebin"],
            FeedSource::Images { .. } => of("numbered pictures"),
            _ => vec![],
        };
    };
    match &stream.kind {
        StreamKind::Rtsp { .. } => vec!["rtspsrc", "rtpjitterbuffer"],
        StreamKind::Srt { .. } => of("SRT"),
        StreamKind::Rtp { payload, .. } => {
            let taken_apart = match payload.encoding {
                "H265" => "rtph265depay",
                "JPEG" => "rtpjpegdepay",
                "RAW" => "rtpvrawdepay",
                "MP2T" => "rtpmp2tdepay",
                "MP4V-ES" => "rtpmp4vdepay",
                _ => "rtph264depay",
            };
            vec!["udpsrc", "rtpjitterbuffer", taken_apart]
        }
        StreamKind::MpegTs { .. } => of("MPEG-TS"),
        StreamKind::Rist { .. } => of("RIST"),
        StreamKind::Rtmp { with_librtmp: true, .. } => vec!["rtmpsrc", "flvdemux"],
        StreamKind::Rtmp { .. } => of("RTMP"),
        StreamKind::Hls { .. } => of("HLS"),
        StreamKind::V4l2 { .. } => of("USB cameras"),
        StreamKind::Ndi { .. } => of("NDI"),
        StreamKind::DeckLink { .. } => of("SDI"),
        StreamKind::Aravis { .. } => of("GenICam cameras"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_needs_something_and_what_is_missing_is_named() {
        crate::capture::init().unwrap();
        for (address, element) in [
            ("a.mp4", "parsebin"),
            ("images:a/f_%05d.png", "imagesequencesrc"),
            ("rtsp://10.0.0.1/1", "rtspsrc"),
            ("srt://10.0.0.1:7001", "srtsrc"),
            ("rtp://:5000?encoding=jpeg", "rtpjpegdepay"),
            ("udp://:5000", "tsdemux"),
            ("rist://:5000", "ristsrc"),
            ("rtmp://10.0.0.1/a/b", "rtmp2src"),
            ("rtmp://10.0.0.1/a/b?client=librtmp", "rtmpsrc"),
            ("http://10.0.0.1/a.m3u8", "hlsdemux"),
            ("v4l2:/dev/video0", "v4l2src"),
            ("ndi:CAM (1)", "ndisrc"),
            ("decklink:0", "decklinkvideosrc"),
            ("aravis:Basler", "aravissrc"),
        ] {
            let source = FeedSource::parse(address).unwrap();
            assert!(needed(&source).contains(&element), "{address}");
            let absent = gst::ElementFactory::find(element).is_none();
            let told = missing_elements(&source);
            assert_eq!(told.iter().any(|(e, remedy)| *e == element && !remedy.is_empty()), absent, "{address}: {told:?}");
        }
    }
}
