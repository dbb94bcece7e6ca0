//! The GStreamer elements of encoders and sinks, and what brings the missing ones.

use gst::glib;
use gst::prelude::{ElementExt as _, GstObjectExt as _, GstValueExt as _, ObjectExt as _, PadExtManual as _};

use super::SinkCodec;

/// Elements and the packages of Debian and Ubuntu that bring them.
const PACKAGES: &[(&str, &[&str])] = &[
    ("gstreamer1.0-plugins-base", &["appsrc", "appsink", "videoconvert", "audiotestsrc", "audioconvert", "opusenc"]),
    (
        "gstreamer1.0-plugins-good",
        &[
            "udpsink",
            "rtph264pay",
            "rtph265pay",
            "rtpjpegpay",
            "rtpmp2tpay",
            "flvmux",
            "mp4mux",
            "qtmux",
            "matroskamux",
            "jpegenc",
            "v4l2sink",
            "aacparse",
            "audioparsers",
        ],
    ),
    (
        "gstreamer1.0-plugins-bad",
        &[
            "mpegtsmux",
            "srtsink",
            "rtmp2sink",
            "ristsink",
            "hlssink2",
            "h264parse",
            "h265parse",
            "x265enc",
            "openh264enc",
            "voaacenc",
            "jpegparse",
            "av1enc",
            "av1parse",
        ],
    ),
    ("gstreamer1.0-plugins-ugly", &["x264enc"]),
    ("gstreamer1.0-libav", &["avenc_aac", "avenc_prores_ks"]),
    ("libgstreamer1.0-0", &["filesink", "capsfilter", "queue"]),
];

/// What to install for an element, as a sentence without its full stop.
pub(super) fn remedy(element: &str) -> String {
    match element {
        "ndisink" => {
            "Debian has no package: build gst-plugin-ndi of gst-plugins-rs and install the NDI runtime (libndi) of ndi.video".to_owned()
        }
        "decklinkvideosink" => "Install the package gstreamer1.0-plugins-bad and Blackmagic's Desktop Video driver".to_owned(),
        _ => match PACKAGES.iter().find(|(_, elements)| elements.contains(&element)) {
            Some((package, _)) => format!("Install the package {package}"),
            None => "Install the plugin package that brings it".to_owned(),
        },
    }
}

/// Makes an element, or says what to install.
pub(super) fn make(name: &str) -> Result<gst::Element, String> {
    let missing = || format!("GStreamer has no element {name}. {}", remedy(name));
    gst::ElementFactory::find(name).ok_or_else(missing)?.create().build().map_err(|_e| missing())
}

pub(super) fn is_there(name: &str) -> bool {
    gst::ElementFactory::find(name).is_some()
}

/// Sets a property from its text, where the element has it and takes the value: encoders of other makers differ.
pub(super) fn set(element: &gst::Element, property: &str, value: &str) {
    let Some(spec) = element.find_property(property) else { return };
    match glib::Value::deserialize_with_pspec(value, &spec) {
        Ok(value) => element.set_property_from_value(property, &value),
        Err(_no) => tracing::debug!("{} takes no {property}={value}", element.name()),
    }
}

/// Encoders of a codec, best first: hardware, then software.
pub(super) const fn encoders(codec: SinkCodec) -> &'static [&'static str] {
    match codec {
        SinkCodec::H264 => &["nvh264enc", "vah264enc", "vah264lpenc", "vtenc_h264_hw", "x264enc", "openh264enc"],
        SinkCodec::H265 => &["nvh265enc", "vah265enc", "vah265lpenc", "vtenc_h265_hw", "x265enc"],
        SinkCodec::Av1 => &["nvav1enc", "vaav1enc", "vaav1lpenc", "qsvav1enc", "amfav1enc", "svtav1enc", "av1enc"],
        SinkCodec::Mjpeg => &["jpegenc"],
        SinkCodec::ProRes => &["avenc_prores_ks"],
        SinkCodec::Raw => &[],
    }
}

/// Encoders of a codec that are there, in the order in which a program output takes them. GStreamer must be initialised.
pub fn encoder_support(codec: SinkCodec) -> Vec<&'static str> {
    encoders(codec).iter().copied().filter(|name| is_there(name)).collect()
}

/// Set up for live: no frame waits for a later one, a keyframe every second, a constant rate.
pub(super) fn encoder(name: &str, kilobits: u32, group_frames: u32) -> Result<gst::Element, String> {
    let made = make(name)?;
    let (kilobits, bits, group) = (kilobits.to_string(), (u64::from(kilobits) * 1000).to_string(), group_frames.to_string());
    let before_next = group_frames.saturating_sub(1).to_string();
    let settings: &[(&str, &str)] = match name {
        "x264enc" => &[
            ("tune", "zerolatency"),
            ("speed-preset", "veryfast"),
            ("bitrate", &kilobits),
            ("key-int-max", &group),
            ("bframes", "0"),
            ("option-string", "scenecut=0:pic-struct=1"),
        ],
        "openh264enc" => &[("bitrate", &bits), ("gop-size", &group), ("rate-control", "bitrate"), ("complexity", "low")],
        // Without x265's message about itself (`info`): two kilobytes at every keyframe, and the element breaks off the first of them.
        "x265enc" => &[
            ("tune", "zerolatency"),
            ("speed-preset", "ultrafast"),
            ("bitrate", &kilobits),
            ("key-int-max", &group),
            ("log-level", "none"),
            ("option-string", "bframes=0:scenecut=0:repeat-headers=1:info=0"),
        ],
        "nvh264enc" | "nvh265enc" => {
            &[("bitrate", &kilobits), ("gop-size", &group), ("rc-mode", "cbr"), ("zerolatency", "true"), ("bframes", "0")]
        }
        "vah264enc" | "vah264lpenc" | "vah265enc" | "vah265lpenc" => {
            &[("bitrate", &kilobits), ("key-int-max", &group), ("rate-control", "cbr"), ("b-frames", "0")]
        }
        "vtenc_h264_hw" | "vtenc_h265_hw" => {
            &[("bitrate", &kilobits), ("max-keyframe-interval", &group), ("realtime", "true"), ("allow-frame-reordering", "false")]
        }
        "nvav1enc" => &[("bitrate", &kilobits), ("gop-size", &group), ("rate-control", "cbr"), ("zero-latency", "true"), ("b-frames", "0")],
        // Golden frames further on than the next would have to wait.
        "vaav1enc" | "vaav1lpenc" => {
            &[("bitrate", &kilobits), ("key-int-max", &group), ("rate-control", "cbr"), ("hierarchical-level", "1"), ("gf-group-size", "1")]
        }
        "qsvav1enc" => &[("bitrate", &kilobits), ("gop-size", &group), ("rate-control", "cbr"), ("low-latency", "true")],
        "amfav1enc" => &[("bitrate", &kilobits), ("gop-size", &group), ("rate-control", "cbr"), ("usage", "ultra-low-latency")],
        "svtav1enc" => &[
            ("preset", "10"),
            ("target-bitrate", &kilobits),
            ("intra-period-length", &before_next),
            ("parameters-string", "pred-struct=1:rc=2"),
        ],
        // Left at its standard, zero, the highest quantizer is below what libaom chooses at a constant rate, and it ends the whole program.
        "av1enc" => &[
            ("usage-profile", "realtime"),
            ("end-usage", "cbr"),
            ("cpu-used", "9"),
            ("target-bitrate", &kilobits),
            ("min-quantizer", "4"),
            ("max-quantizer", "60"),
            ("keyframe-max-dist", &group),
            ("lag-in-frames", "0"),
            ("tile-columns", "1"),
        ],
        "jpegenc" => &[("quality", "90")],
        "avenc_prores_ks" => &[("profile", "2")],
        _ => &[],
    };
    for (property, value) in settings {
        set(&made, property, value);
    }
    if encoders(SinkCodec::Av1).contains(&name) {
        crate::output::av1::tag_bt709(&made);
    }
    if name == "avenc_prores_ks"
        && let Some(pad) = made.static_pad("src")
    {
        pad.add_probe(gst::PadProbeType::BUFFER, |_pad, info| {
            if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
                crate::output::video::tag_prores_bt709(buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }
    Ok(made)
}

/// Whether an encoder codes interlaced frames as such. Those of hardware are not known to.
pub(super) fn codes_fields(name: &str) -> bool {
    matches!(name, "x264enc" | "avenc_prores_ks")
}

/// What a kind of sink needs and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSupport {
    /// Its name.
    pub name: &'static str,
    /// The form of its address.
    pub address: &'static str,
    /// Elements that it needs.
    pub elements: Vec<&'static str>,
    /// (element, remedy) of those that are missing.
    pub missing: Vec<(&'static str, String)>,
}

/// What this machine can send to. GStreamer must be initialised.
pub fn sink_support() -> Vec<SinkSupport> {
    const KINDS: [(&str, &str, &[&str]); 12] = [
        ("MPEG-TS over UDP", "udp://HOST:PORT", &["mpegtsmux", "udpsink"]),
        ("RTP", "rtp://HOST:PORT", &["mpegtsmux", "rtpmp2tpay", "rtph264pay", "udpsink"]),
        ("SRT", "srt://HOST:PORT, srt://:PORT", &["mpegtsmux", "srtsink"]),
        ("RTMP, RTMPS", "rtmp://HOST/APP/KEY", &["flvmux", "rtmp2sink"]),
        ("WHIP (WebRTC)", "whip://HOST/PATH, whips://HOST/PATH", &["h264parse", "opusenc"]),
        ("RIST", "rist://HOST:PORT", &["mpegtsmux", "rtpmp2tpay", "ristsink"]),
        ("HLS", "hls:FOLDER", &["hlssink2", "mpegtsmux"]),
        ("DASH", "dash:FOLDER", &["mp4mux"]),
        ("files", "NAME.mp4 .mov .mkv .ts", &["mp4mux", "qtmux", "matroskamux", "mpegtsmux", "filesink"]),
        ("NDI", "ndi:NAME", &["ndisink"]),
        ("SDI (DeckLink)", "decklink:NUMBER", &["decklinkvideosink"]),
        ("virtual camera", "v4l2:/dev/videoN", &["v4l2sink"]),
    ];
    let support = |&(name, address, elements): &(&'static str, &'static str, &[&'static str])| SinkSupport {
        name,
        address,
        elements: elements.to_vec(),
        missing: elements.iter().filter(|e| !is_there(e)).map(|e| (*e, remedy(e))).collect(),
    };
    KINDS.iter().map(support).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_brings_it() {
        gst::init().unwrap();
        assert_eq!(make("nosuchthing").unwrap_err(), "GStreamer has no element nosuchthing. Install the plugin package that brings it");
        assert!(remedy("srtsink").contains("gstreamer1.0-plugins-bad") && remedy("ndisink").contains("NDI runtime"));
        for support in sink_support() {
            assert_eq!(support.missing.is_empty(), support.elements.iter().all(|e| is_there(e)), "{support:?}");
        }
    }

    #[test]
    fn an_encoder_without_a_property_is_left_as_it_is() {
        gst::init().unwrap();
        let element = make("jpegenc").unwrap();
        set(&element, "no-such-property", "1");
        set(&element, "quality", "not a number");
        set(&element, "quality", "33");
        assert_eq!(element.property::<i32>("quality"), 33);
    }
}
