//! Which package brings a GStreamer element: so that what is missing is named with its remedy.

/// Elements and where they come from, by the names of Debian's and Ubuntu's packages.
const PACKAGES: &[(&str, &[&str])] = &[
    ("gstreamer1.0-plugins-base", &["parsebin", "videoconvert", "videoscale", "appsrc", "appsink", "tcpclientsrc"]),
    (
        "gstreamer1.0-plugins-good",
        &[
            "rtspsrc",
            "udpsrc",
            "rtpjitterbuffer",
            "rtph264depay",
            "rtph265depay",
            "rtpjpegdepay",
            "rtpvrawdepay",
            "rtpmp2tdepay",
            "rtpmp4vdepay",
            "souphttpsrc",
            "flvdemux",
            "qtdemux",
            "matroskademux",
            "v4l2src",
            "v4l2h264dec",
            "v4l2h265dec",
            "v4l2h264enc",
            "imagesequencesrc",
            "pngdec",
            "jpegdec",
            "jpegenc",
        ],
    ),
    (
        "gstreamer1.0-plugins-bad",
        &[
            "srtsrc",
            "ristsrc",
            "rtmp2src",
            "rtmpsrc",
            "hlsdemux",
            "tsdemux",
            "tsparse",
            "h264parse",
            "h265parse",
            "jpegparse",
            "x265enc",
            "openh264dec",
            "libde265dec",
            "bayer2rgb",
        ],
    ),
    ("gstreamer1.0-plugins-ugly", &["x264enc"]),
    ("gstreamer1.0-libav", &["avdec_h264", "avdec_h265", "avdec_mjpeg", "avdec_prores", "avdec_mpeg4", "avenc_prores_ks"]),
];

/// Elements that need more than a package, in words.
const SPECIAL: &[(&str, &str)] = &[
    ("ndisrc", "Debian has no package: build gst-plugin-ndi of gst-plugins-rs and install the NDI runtime (libndi) of ndi.video"),
    ("ndisrcdemux", "Debian has no package: build gst-plugin-ndi of gst-plugins-rs and install the NDI runtime (libndi) of ndi.video"),
    ("decklinkvideosrc", "Install the package gstreamer1.0-plugins-bad and Blackmagic's Desktop Video driver"),
    ("aravissrc", "Install the package libaravis-0.8-0"),
    ("nvh264dec", "Install the package gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("nvh265dec", "Install the package gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("nvjpegdec", "Install the package gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("nvh264enc", "Install the package gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("nvh265enc", "Install the package gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("vah264dec", "Install the package gstreamer1.0-plugins-bad and a VA driver (intel-media-va-driver or mesa-va-drivers)"),
    ("vah265dec", "Install the package gstreamer1.0-plugins-bad and a VA driver (intel-media-va-driver or mesa-va-drivers)"),
    ("vajpegdec", "Install the package gstreamer1.0-plugins-bad and a VA driver (intel-media-va-driver or mesa-va-drivers)"),
    ("vah264enc", "Install the package gstreamer1.0-plugins-bad and a VA driver (intel-media-va-driver or mesa-va-drivers)"),
    ("vah265enc", "Install the package gstreamer1.0-plugins-bad and a VA driver (intel-media-va-driver or mesa-va-drivers)"),
];

/// What to install for an element, as a sentence without its full stop. Names joined by " or " are looked up by the first.
pub fn remedy_for_element(element: &str) -> String {
    let first = element.split(" or ").next().unwrap_or(element);
    if let Some((_, words)) = SPECIAL.iter().find(|(name, _)| *name == first) {
        return (*words).to_owned();
    }
    match PACKAGES.iter().find(|(_, elements)| elements.contains(&first)) {
        Some((package, _)) => format!("Install the package {package}"),
        None => "Install the plugin package that brings it (`volte devices` lists what is there)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remedy_names_something_to_install() {
        assert_eq!(remedy_for_element("srtsrc"), "Install the package gstreamer1.0-plugins-bad");
        assert!(remedy_for_element("ndisrc").contains("NDI runtime"));
        assert!(remedy_for_element("avdec_h264 or openh264dec").contains("libav"));
        assert!(remedy_for_element("nosuchthing").contains("volte devices"));
    }

    #[test]
    fn no_element_is_listed_twice() {
        let mut all: Vec<&str> = PACKAGES.iter().flat_map(|(_, e)| *e).chain(SPECIAL.iter().map(|(e, _)| e)).copied().collect();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
