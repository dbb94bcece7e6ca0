//! From a stream that was found to a sink: the end of a pipeline that files, streams and pushed pictures share.

use std::sync::atomic::Ordering;

use gst::prelude::{ElementExt as _, GstBinExtManual as _, ObjectExt as _, PadExt as _};

use super::codec::Codec;
use super::error::CaptureError;
use super::ingest::Ingest;
use super::inlet::Inlet;

/// Makes an element or says what is missing.
pub(super) fn element(name: &str, purpose: &str) -> Result<gst::Element, CaptureError> {
    gst::ElementFactory::make(name).build().map_err(|e| {
        tracing::debug!("{e}");
        CaptureError::MissingElement { element: name.to_owned(), purpose: purpose.to_owned() }
    })
}

/// An element that lets one format through.
pub(super) fn filter(caps: &gst::Caps) -> Result<gst::Element, CaptureError> {
    let filter = element("capsfilter", "choosing a format")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Uncompressed pictures → intra-only 4:2:2 JPEG (full range, BT.601: what JPEG means).
pub(super) fn intra_chain() -> Result<Vec<gst::Element>, CaptureError> {
    let raw = gst::Caps::builder("video/x-raw").field("format", "Y42B").field("colorimetry", "1:4:7:1").build();
    let encoder = element("jpegenc", "encoding uncompressed feeds")?;
    encoder.set_property("quality", 92_i32);
    Ok(vec![element("videoconvert", "converting pictures")?, filter(&raw)?, encoder, element("jpegparse", "reading JPEG headers")?])
}

/// The first decoder of a codec that is there.
fn decoder(codec: Codec) -> Result<gst::Element, CaptureError> {
    let made = codec.decoders().iter().find_map(|name| gst::ElementFactory::make(name).build().ok());
    made.ok_or_else(|| CaptureError::MissingElement {
        element: codec.decoders().join(" or "),
        purpose: format!("decoding {codec} on arrival"),
    })
}

/// Whether a stream is pictures.
pub(super) fn is_video(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|s| s.name().starts_with("video/") || s.name().starts_with("image/"))
}

/// What is wrong with a codec that cannot be kept; `whose` begins the sentence.
pub(super) fn unknown_codec(whose: &str, caps: &gst::CapsRef) -> String {
    let name = caps.structure(0).map_or("?", |s| s.name().as_str());
    format!(
        "the codec of {whose} is unknown ({name}); convert it to H.264, H.265, MJPEG, ProRes or MPEG-4, or install its GStreamer plugin"
    )
}

/// The elements between a stream of `codec` and `inlet`: whole access units, with their headers in front of every keyframe where the stream's description
/// has none; what is uncompressed is encoded. `caps` tells what the stream is already; unknown is "nothing".
pub(super) fn chain_into(
    inlet: &Inlet,
    codec: Codec,
    caps: Option<&gst::CapsRef>,
    ingest: &Ingest,
) -> Result<Vec<gst::Element>, CaptureError> {
    let described = caps.and_then(|caps| caps.structure(0));
    // What a container calls whole units is read all the same: its word on size, rate and keyframes is not the stream's.
    let is_parsed = described.is_some_and(|s| s.get::<&str>("alignment") == Ok("au") && s.get::<bool>("parsed") == Ok(true));
    let transcodes = ingest.make_intra && !codec.is_intra_only();
    ingest.is_raw.store(codec == Codec::Raw || transcodes, Ordering::Relaxed);
    let mut chain = Vec::new();
    match codec {
        Codec::Raw => {
            if described.is_some_and(|s| s.name() == "video/x-bayer") {
                chain.push(element("bayer2rgb", "colours of a sensor's pattern")?);
            }
            chain.extend(intra_chain()?);
        }
        Codec::H264 | Codec::H265 if !is_parsed => {
            let (name, media) = if codec == Codec::H264 { ("h264parse", "video/x-h264") } else { ("h265parse", "video/x-h265") };
            let parser = element(name, "cutting the stream into frames")?;
            if !described.is_some_and(|s| s.has_field("codec_data")) {
                parser.set_property("config-interval", -1_i32);
            }
            chain.push(parser);
            let whole = gst::Caps::builder(media).field("alignment", "au").build();
            if transcodes {
                chain.push(filter(&whole)?);
            } else {
                inlet.ask_for(whole);
            }
        }
        _ => {}
    }
    if transcodes {
        chain.push(decoder(codec)?);
        chain.extend(intra_chain()?);
    }
    chain.push(inlet.element().clone());
    Ok(chain)
}

/// Puts `chain` behind `pad` into a running pipeline.
pub(super) fn attach(pipeline: &gst::Pipeline, pad: &gst::Pad, chain: &[gst::Element], feed: &str) -> Result<(), CaptureError> {
    let wrong = |reason: String| CaptureError::Feed { feed: feed.to_owned(), reason };
    let refused = |e: gst::glib::BoolError| wrong(format!("its pipeline cannot be built: {e}"));
    pipeline.add_many(chain).map_err(refused)?;
    gst::Element::link_many(chain).map_err(refused)?;
    for e in chain.iter().rev() {
        e.sync_state_with_parent().map_err(refused)?;
    }
    match chain.first().and_then(|first| first.static_pad("sink")).map(|target| pad.link(&target)) {
        Some(Err(e)) => Err(wrong(format!("its pipeline cannot be linked: {e:?}"))),
        _ => Ok(()),
    }
}
