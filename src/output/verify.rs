//! Reads a written video back: every frame is decoded and counted; size, rate and times must be as meant.

use std::path::Path;

use gst::prelude::*;

use super::{Codec, Container, OutputError, OutputSpec, video::element};

/// Decodes `file` from start to end.
pub(super) fn verify(file: &Path, spec: &OutputSpec, container: Container, codec: Codec, frames: u64) -> Result<(), OutputError> {
    let wrong = |problem: String| OutputError::Verify { path: spec.path.clone(), problem };
    let source = element("filesrc")?;
    source.set_property("location", file.to_string_lossy().as_ref());
    let demuxer = element(match container {
        Container::Matroska => "matroskademux",
        Container::Mxf => "mxfdemux",
        _ => "qtdemux",
    })?;
    let (parser, decoder) = match codec {
        Codec::H265 => (Some("h265parse"), "avdec_h265"),
        // Of the two that GStreamer has, the one that is quicker.
        Codec::Av1 | Codec::Avif => (Some("av1parse"), if gst::ElementFactory::find("dav1ddec").is_some() { "dav1ddec" } else { "av1dec" }),
        Codec::ProRes => (None, "avdec_prores"),
        Codec::Mjpeg => (Some("jpegparse"), "jpegdec"),
        Codec::DnxHr => (None, "avdec_dnxhd"),
        Codec::H264 | Codec::Gif | Codec::WebP | Codec::Png | Codec::Jpeg | Codec::Exr => (Some("h264parse"), "avdec_h264"),
    };
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(4).build();
    let mut tail: Vec<gst::Element> = vec![];
    if let Some(parser) = parser {
        tail.push(element(parser)?);
    }
    // Without the decoder the coded frames are counted, which still proves container, size and times.
    match element(decoder) {
        Ok(decoder) => tail.push(decoder),
        Err(error) => tracing::warn!(%error, "the file is verified without decoding"),
    }
    tail.push(sink.clone().upcast());

    let pipeline = gst::Pipeline::new();
    let linked = pipeline
        .add_many([&source, &demuxer])
        .and_then(|()| pipeline.add_many(&tail))
        .and_then(|()| source.link(&demuxer))
        .and_then(|()| gst::Element::link_many(&tail));
    linked.map_err(|e| wrong(e.to_string()))?;
    let first = tail[0].downgrade();
    demuxer.connect_pad_added(move |_demuxer, pad| {
        if pad.name().starts_with("audio") {
            return;
        }
        let target = first.upgrade().and_then(|e| e.static_pad("sink"));
        if let Some(target) = target
            && !target.is_linked()
            && let Err(error) = pad.link(&target)
        {
            tracing::warn!(%error, "the written stream does not fit its decoder");
        }
    });
    let result = read_all(&pipeline, &sink, spec, frames, &wrong);
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(%error, "the verifier does not stop cleanly");
    }
    result
}

fn read_all(
    pipeline: &gst::Pipeline,
    sink: &gst_app::AppSink,
    spec: &OutputSpec,
    frames: u64,
    wrong: &dyn Fn(String) -> OutputError,
) -> Result<(), OutputError> {
    let bus = pipeline.bus().ok_or_else(|| wrong("the pipeline has no bus".to_owned()))?;
    pipeline.set_state(gst::State::Playing).map_err(|e| wrong(e.to_string()))?;
    let mut count = 0_u64;
    let mut idle_polls = 0;
    loop {
        if spec.cancel.is_cancelled() {
            return Err(OutputError::Cancelled);
        }
        if let Some(message) = bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error])
            && let gst::MessageView::Error(e) = message.view()
        {
            return Err(wrong(e.error().to_string()));
        }
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(200)) else {
            if sink.is_eos() {
                break;
            }
            idle_polls += 1;
            if idle_polls > 150 {
                return Err(wrong("the decoder gives nothing for 30 s".to_owned()));
            }
            continue;
        };
        idle_polls = 0;
        let structure = sample.caps().and_then(|c| c.structure(0));
        let (width, height) = structure.map_or((None, None), |s| (s.get::<i32>("width").ok(), s.get::<i32>("height").ok()));
        if (width, height) != (Some(spec.width_px as i32), Some(spec.height_px as i32)) {
            return Err(wrong(format!("frame {count} has {width:?}×{height:?} px")));
        }
        // Matroska stores whole milliseconds; the others are exact to their timescale.
        let want = spec.rate.frame_nanos(count as i64);
        // Stream time: what a player shows, edit lists (reordered frames) taken into account.
        let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
        let pts = sample.buffer().and_then(gst::BufferRef::pts);
        let pts = segment.map_or(pts, |s| s.to_stream_time(pts)).map(|t| t.nseconds() as i64);
        if pts.is_none_or(|pts| (pts - want).abs() > 1_000_000) {
            return Err(wrong(format!("frame {count} stands at {pts:?} ns instead of {want} ns")));
        }
        count += 1;
    }
    if count == frames { Ok(()) } else { Err(wrong(format!("it has {count} frames instead of {frames}"))) }
}
