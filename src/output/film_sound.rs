//! The sound track of a film that is written: samples in, AAC or PCM beside the pictures.

use gst::prelude::*;

use super::{Codec, OutputError, video::element};
use crate::sound::{RATE, Stereo};

/// AAC encoders, best first, and by how many samples what they give is later than what they were given.
const AAC: [(&str, usize); 2] = [("avenc_aac", 1024), ("voaacenc", 1600)];

/// A film's sound on its way.
#[derive(Debug)]
pub(super) struct FilmSound {
    chain: Vec<gst::Element>,
    source: gst_app::AppSrc,
    /// Samples at the beginning that are left out, because the encoder gives its first ones late.
    lead: usize,
    left_out: usize,
    written: u64,
}

impl FilmSound {
    /// PCM where the pictures are for editing, else AAC.
    pub fn open(codec: Codec) -> Result<Self, OutputError> {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("layout", "interleaved")
            .field("rate", RATE as i32)
            .field("channels", 2)
            .field("channel-mask", gst::Bitmask::new(3))
            .build();
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .is_live(false)
            .block(false)
            .max_bytes(0)
            .max_time(gst::ClockTime::ZERO)
            .max_buffers(0)
            .build();
        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        let mut lead = 0;
        if !matches!(codec, Codec::ProRes | Codec::DnxHr | Codec::Mjpeg) {
            let (name, late) = AAC.into_iter().find(|(n, _)| gst::ElementFactory::find(n).is_some()).unwrap_or(AAC[1]);
            let encoder = element(name)?;
            encoder.set_property("bitrate", 192_000_i32);
            chain.extend([element("audioconvert")?, encoder, element("aacparse")?]);
            lead = late;
        }
        chain.push(element("queue")?);
        if let Some(queue) = chain.last() {
            // It holds all that the pictures' encoder is behind.
            queue.set_property("max-size-buffers", 0_u32);
            queue.set_property("max-size-bytes", 0_u32);
            queue.set_property("max-size-time", 0_u64);
        }
        Ok(Self { chain, source, lead, left_out: 0, written: 0 })
    }

    /// Into the pipeline, beside the pictures.
    pub fn join(&self, pipeline: &gst::Pipeline, muxer: &gst::Element) -> Result<(), gst::glib::BoolError> {
        pipeline.add_many(&self.chain)?;
        gst::Element::link_many(&self.chain)?;
        // The first free pad for sound: Matroska's was asked for already.
        let free = muxer.sink_pads().into_iter().find(|p| p.name().starts_with("audio") && !p.is_linked());
        // MXF calls it by its own name.
        let standard = if muxer.pad_template("audio_%u").is_some() { "audio_%u" } else { "bwf_audio_sink_%u" };
        let name = free.map_or_else(|| standard.to_owned(), |p| p.name().to_string());
        self.chain.last().map_or(Ok(()), |last| last.link_pads(None, muxer, Some(&name)))
    }

    /// The next samples.
    pub fn write(&mut self, samples: &[Stereo]) -> Result<(), String> {
        let skip = (self.lead - self.left_out).min(samples.len());
        self.left_out += skip;
        self.push(&samples[skip..])
    }

    fn push(&mut self, samples: &[Stereo]) -> Result<(), String> {
        if samples.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = samples.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        let nanos = |sample: u64| gst::ClockTime::from_nseconds((u128::from(sample) * 1_000_000_000 / u128::from(RATE)) as u64);
        let (begin, end) = (nanos(self.written), nanos(self.written + samples.len() as u64));
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(own) = buffer.get_mut() {
            own.set_pts(begin);
            own.set_duration(end - begin);
        }
        self.written += samples.len() as u64;
        self.source.push_buffer(buffer).map(|_| ()).map_err(|e| e.to_string())
    }

    /// Nothing more comes.
    pub fn end(&self) {
        self.source.end_of_stream().ok();
    }
}
