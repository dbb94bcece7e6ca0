//! Codecs: how they are named, parsed, encoded and decoded.

use std::fmt;
use std::str::FromStr;

/// How a feed's pictures are coded in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
    /// Motion JPEG.
    Mjpeg,
    /// Apple ProRes.
    #[serde(rename = "prores")]
    ProRes,
    /// MPEG-4 part 2.
    Mpeg4,
    /// Uncompressed on arrival; kept as high-quality intra-only 4:2:2 JPEG.
    Raw,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] = [Self::H264, Self::H265, Self::Mjpeg, Self::ProRes, Self::Mpeg4, Self::Raw];

    /// The codec of a stream; `None` for one that cannot be kept.
    pub(super) fn of_caps(caps: &gst::CapsRef) -> Option<Self> {
        let structure = caps.structure(0)?;
        match structure.name().as_str() {
            "video/x-h264" => Some(Self::H264),
            "video/x-h265" => Some(Self::H265),
            "image/jpeg" => Some(Self::Mjpeg),
            "video/x-prores" => Some(Self::ProRes),
            "video/mpeg" if structure.get::<i32>("mpegversion") == Ok(4) => Some(Self::Mpeg4),
            "video/x-divx" => Some(Self::Mpeg4),
            // A sensor's pattern becomes pictures on arrival.
            "video/x-raw" | "video/x-bayer" => Some(Self::Raw),
            _ => None,
        }
    }

    /// Every frame is a keyframe.
    pub const fn is_intra_only(self) -> bool {
        matches!(self, Self::Mjpeg | Self::ProRes | Self::Raw)
    }

    /// Decoders in order of preference: exact, in system memory, native planar output.
    pub(super) const fn decoders(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["avdec_h264", "openh264dec"],
            Self::H265 => &["avdec_h265", "libde265dec"],
            Self::Mjpeg | Self::Raw => &["avdec_mjpeg", "jpegdec"],
            Self::ProRes => &["avdec_prores"],
            Self::Mpeg4 => &["avdec_mpeg4"],
        }
    }

    /// Hardware decoders that are tried before software for moments: exact, and each gives its pictures while it is fed (GStreamer's base
    /// classes of H.264 and H.265 decoders; those of V4L2's stateful drivers and of `VideoToolbox` give theirs in a thread of their own).
    pub(super) const fn moment_hardware(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["nvh264dec", "vah264dec", "d3d11h264dec", "v4l2slh264dec"],
            Self::H265 => &["nvh265dec", "vah265dec", "d3d11h265dec", "v4l2slh265dec"],
            // What is JPEG is not decoded to the same pictures by each of them; the rest has none.
            Self::Mjpeg | Self::Raw | Self::ProRes | Self::Mpeg4 => &[],
        }
    }

    /// What a decoder of it takes.
    pub(super) fn caps(self) -> gst::Caps {
        match self {
            Self::H264 => gst::Caps::new_empty_simple("video/x-h264"),
            Self::H265 => gst::Caps::new_empty_simple("video/x-h265"),
            Self::Mjpeg | Self::Raw => gst::Caps::new_empty_simple("image/jpeg"),
            Self::ProRes => gst::Caps::new_empty_simple("video/x-prores"),
            Self::Mpeg4 => gst::Caps::builder("video/mpeg").field("mpegversion", 4_i32).build(),
        }
    }

    /// Hardware decoders that are known and used by nothing; listed.
    const fn hardware_decoders(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["vtdec_hw", "v4l2h264dec"],
            Self::H265 => &["vtdec_hw", "v4l2h265dec"],
            Self::Mjpeg | Self::Raw => &["nvjpegdec", "vajpegdec"],
            Self::ProRes => &["vtdec_hw"],
            Self::Mpeg4 => &[],
        }
    }

    /// Hardware encoders that are known; neither pushed pictures nor exports use them (program outputs have a list of their own).
    const fn hardware_encoders(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["nvh264enc", "vah264enc", "vah264lpenc", "vtenc_h264_hw", "d3d11h264enc", "v4l2h264enc"],
            Self::H265 => &["nvh265enc", "vah265enc", "vah265lpenc", "vtenc_h265_hw", "d3d11h265enc", "v4l2h265enc"],
            Self::Mjpeg | Self::Raw => &["vajpegenc", "nvjpegenc", "v4l2jpegenc"],
            Self::ProRes => &["vtenc_prores"],
            Self::Mpeg4 => &[],
        }
    }

    /// Encoders for pushed pictures, in order of preference; none for a codec that is only read.
    pub(super) const fn encoders(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["x264enc"],
            Self::H265 => &["x265enc"],
            Self::Mjpeg | Self::Raw => &["jpegenc"],
            Self::ProRes => &["avenc_prores_ks"],
            Self::Mpeg4 => &[],
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Mjpeg => "MJPEG",
            Self::ProRes => "ProRes",
            Self::Mpeg4 => "MPEG-4",
            Self::Raw => "raw",
        })
    }
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s.to_ascii_lowercase().replace(['.', '-'], "").as_str() {
            "h264" | "avc" => Ok(Self::H264),
            "h265" | "hevc" => Ok(Self::H265),
            "mjpeg" | "jpeg" => Ok(Self::Mjpeg),
            "prores" => Ok(Self::ProRes),
            "mpeg4" => Ok(Self::Mpeg4),
            "raw" => Ok(Self::Raw),
            _ => Err(format!("codec {s:?} is none of h264, h265, mjpeg, prores, mpeg4, raw")),
        }
    }
}

/// What this machine can do with a codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecSupport {
    /// The codec.
    pub codec: Codec,
    /// Decoders that are there; the first is used.
    pub decoders: Vec<String>,
    /// Hardware decoders that are there and tried first for moments; one that fails where software does not is left alone.
    pub moment_hardware: Vec<String>,
    /// Other hardware decoders that are there; nothing uses them.
    pub hardware_decoders: Vec<String>,
    /// Encoders for pushed pictures that are there; the first is used.
    pub encoders: Vec<String>,
    /// Hardware encoders that are there; program outputs may use them (`output::program::encoder_support`), pushed pictures and
    /// exports do not.
    pub hardware_encoders: Vec<String>,
}

pub(super) fn first_available(names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| gst::ElementFactory::find(name).is_some())
}

/// What this machine can do with each codec. GStreamer must be initialised ([`super::init`]).
pub fn codec_support() -> Vec<CodecSupport> {
    let there = |names: &[&str]| names.iter().filter(|name| gst::ElementFactory::find(name).is_some()).map(ToString::to_string).collect();
    Codec::ALL
        .into_iter()
        .map(|codec| CodecSupport {
            codec,
            decoders: there(codec.decoders()),
            moment_hardware: super::decode::hardware::to_try(codec, &codec.caps()),
            hardware_decoders: there(codec.hardware_decoders()),
            encoders: there(codec.encoders()),
            hardware_encoders: there(codec.hardware_encoders()),
        })
        .collect()
}

/// Whether no other picture refers to this H.264 access unit (`nal_ref_idc` 0 in its first slice). `nal_length_bytes` is
/// the size of the length prefix of `avc` streams; `None` for byte streams. Unknown is "no".
pub(super) fn h264_is_droppable(data: &[u8], nal_length_bytes: Option<usize>) -> bool {
    let slice = match nal_length_bytes {
        Some(prefix) => avc_nal_headers(data, prefix).find(|header| is_slice(*header)),
        None => byte_stream_nal_headers(data).find(|header| is_slice(*header)),
    };
    slice.is_some_and(|header| header & 0x60 == 0)
}

const fn is_slice(header: u8) -> bool {
    matches!(header & 0x1f, 1..=5)
}

fn avc_nal_headers(data: &[u8], prefix: usize) -> impl Iterator<Item = u8> {
    let mut rest = data;
    std::iter::from_fn(move || {
        while prefix > 0 && rest.len() > prefix {
            let len = rest[..prefix].iter().fold(0_usize, |sum, b| sum << 8 | usize::from(*b));
            let header = rest[prefix];
            rest = rest.get(prefix.checked_add(len)?..).unwrap_or(&[]);
            // An empty one has no header: the byte behind its length is the next one's.
            if len > 0 {
                return Some(header);
            }
        }
        None
    })
}

fn byte_stream_nal_headers(data: &[u8]) -> impl Iterator<Item = u8> {
    data.windows(4).filter(|w| w[..3] == [0, 0, 1]).map(|w| w[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_reference_slices_are_told_apart() {
        // Access unit delimiter, then a slice of type 1 with nal_ref_idc 0 / 2.
        assert!(h264_is_droppable(&[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x01, 5], None));
        assert!(!h264_is_droppable(&[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 5], None));
        assert!(h264_is_droppable(&[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 2, 0x01, 5], Some(4)));
        assert!(!h264_is_droppable(&[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 2, 0x65, 5], Some(4)));
        // Garbage is never droppable, and never a panic.
        assert!(!h264_is_droppable(&[0xff; 9], Some(4)) && !h264_is_droppable(&[], None) && !h264_is_droppable(&[1, 2], Some(4)));
    }

    proptest::proptest! {
        /// Any bytes with any length of prefix: an answer.
        #[test]
        fn any_bytes_are_judged(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), prefix in 0_usize..10) {
            h264_is_droppable(&data, Some(prefix));
            h264_is_droppable(&data, None);
            proptest::prop_assert!(avc_nal_headers(&data, prefix).count() <= data.len());
        }

        /// Both forms of the same units are judged by the first slice among them.
        #[test]
        fn both_forms_say_the_same(headers in proptest::collection::vec(proptest::option::weighted(0.9, 1_u8..0x80), 0..8), prefix in 1_usize..5) {
            let (mut avc, mut bytes) = (Vec::new(), Vec::new());
            for header in &headers {
                // No start code and no emulation within; `None` is an empty unit, which only lengths can say.
                let body: Vec<u8> = header.map(|h| vec![h, 0x80, 0xff, 0x80]).unwrap_or_default();
                avc.extend_from_slice(&(body.len() as u32).to_be_bytes()[4 - prefix..]);
                avc.extend_from_slice(&body);
                if !body.is_empty() {
                    bytes.extend_from_slice(&[0, 0, 1]);
                    bytes.extend_from_slice(&body);
                }
            }
            let wanted = headers.iter().flatten().find(|h| (1..=5).contains(&(**h & 0x1f))).is_some_and(|h| h & 0x60 == 0);
            proptest::prop_assert_eq!(h264_is_droppable(&avc, Some(prefix)), wanted);
            proptest::prop_assert_eq!(h264_is_droppable(&bytes, None), wanted);
        }
    }

    #[test]
    fn names_round_trip() {
        for codec in Codec::ALL {
            assert_eq!(codec.to_string().parse::<Codec>(), Ok(codec));
        }
        assert!("vp9".parse::<Codec>().is_err());
    }
}
