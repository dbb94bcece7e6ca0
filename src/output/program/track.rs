//! The sound track of a sink: the program's samples, coded as its container likes them, on the same time as its pictures.

use std::sync::Arc;

use gst::prelude::{Cast as _, ObjectExt as _};

use super::{Container, SinkCodec, SinkKind, SinkSpec, elements};
use crate::sound::{ProgramSound, RATE, Stereo, sample_at};

/// A sink that takes no sound keeps at most so much of it, samples: one second.
const INSIDE: u64 = RATE as u64;
/// Samples handed over at a time, at most.
const BLOCK: usize = 4800;

/// What a sink carries.
#[derive(Debug, Clone)]
pub(super) enum Carried {
    None,
    /// As long as the program's sound.
    Silence(Arc<ProgramSound>),
    Program(Arc<ProgramSound>),
}

/// How sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SoundCodec {
    Aac,
    Opus,
    Pcm,
}

impl SoundCodec {
    const fn of(spec: &SinkSpec) -> Self {
        match (&spec.address.kind, spec.codec) {
            (SinkKind::File { container: Container::Mov, .. }, SinkCodec::ProRes | SinkCodec::Mjpeg) => Self::Pcm,
            (SinkKind::File { container: Container::Matroska, .. } | SinkKind::Whip { .. }, _) => Self::Opus,
            _ => Self::Aac,
        }
    }
}

/// A sink's sound on its way.
#[derive(Debug)]
pub(super) struct SoundTrack {
    /// From the source to what the muxer takes.
    pub chain: Vec<gst::Element>,
    source: gst_app::AppSrc,
    sound: Arc<ProgramSound>,
    silent: bool,
    /// The sample of the track's time zero, and the next one.
    base: u64,
    next: u64,
    block: Vec<Stereo>,
}

/// AAC encoders, best first, and by how many samples what they give is later than what they were given, without saying so.
const AAC: [(&str, u64); 3] = [("fdkaacenc", 0), ("avenc_aac", 1024), ("voaacenc", 1600)];

impl SoundTrack {
    /// A track that begins with the picture at `base_nanos` of the program; `None` where none is wanted.
    pub fn new(carried: &Carried, spec: &SinkSpec, base_nanos: u64) -> Result<Option<Self>, String> {
        let (sound, silent) = match carried {
            Carried::None => return Ok(None),
            Carried::Silence(sound) => (sound, true),
            Carried::Program(sound) => (sound, false),
        };
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
        match SoundCodec::of(spec) {
            SoundCodec::Pcm => {}
            SoundCodec::Opus => {
                let encoder = elements::make("opusenc")?;
                elements::set(&encoder, "bitrate", "160000");
                chain.extend([elements::make("audioconvert")?, encoder]);
            }
            SoundCodec::Aac => {
                let (name, late) = AAC.into_iter().find(|(n, _)| elements::is_there(n)).unwrap_or(AAC[2]);
                lead = late;
                let encoder = elements::make(name)?;
                elements::set(&encoder, "bitrate", "160000");
                chain.extend([elements::make("audioconvert")?, encoder, elements::make("aacparse")?]);
            }
        }
        let queue = elements::make("queue")?;
        queue.set_property("max-size-buffers", 0_u32);
        queue.set_property("max-size-time", 2_000_000_000_u64);
        chain.push(queue);
        let base = sample_at(base_nanos as i64).max(0) as u64;
        // What the encoder gives too late is handed over too early.
        Ok(Some(Self { chain, source, sound: Arc::clone(sound), silent, base: base + lead, next: base + lead, block: Vec::new() }))
    }

    /// Hands over what there is by now, unless the sink is behind.
    pub fn feed(&mut self) {
        let bytes_inside = self.source.current_level_bytes();
        while bytes_inside < INSIDE * size_of::<Stereo>() as u64 {
            self.block.clear();
            self.sound.read(self.next, BLOCK, &mut self.block);
            if self.block.is_empty() {
                return;
            }
            if self.silent {
                self.block.fill([0; 2]);
            }
            let bytes: Vec<u8> = self.block.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
            let nanos = |sample: u64| gst::ClockTime::from_nseconds((u128::from(sample) * 1_000_000_000 / u128::from(RATE)) as u64);
            let (begin, end) = (nanos(self.next - self.base), nanos(self.next - self.base + self.block.len() as u64));
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            if let Some(own) = buffer.get_mut() {
                own.set_pts(begin);
                own.set_duration(end - begin);
            }
            self.next += self.block.len() as u64;
            // A sink that broke says so on its bus.
            if self.source.push_buffer(buffer).is_err() {
                return;
            }
        }
    }

    /// Nothing more comes.
    pub fn end(&self) {
        self.source.end_of_stream().ok();
    }
}
