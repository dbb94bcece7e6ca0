//! Sound: what came in, on the house clock; what goes out under live pictures, freezes and rolls; and how loud that is.
//!
//! One format everywhere: 48 kHz, two channels. Must not know: GStreamer, cameras, who chooses what is heard.

mod input;
mod loudness;
mod ltc;
mod mix;
mod program;
mod ring;
mod stretch;

pub use input::{SoundInput, SoundStatus};
pub use loudness::{Loudness, LoudnessMeter};
pub use ltc::{LtcFrame, LtcReader, LtcWriter};
pub use mix::{Mixer, SoundCue};
pub use program::ProgramSound;
pub use ring::{SoundRing, SoundRingStatus};
pub use stretch::Stretch;

/// Samples per second and channel.
pub const RATE: u32 = 48_000;
/// Left and right.
pub type Stereo = [i16; 2];
/// The same while it is worked on, full scale 1.
pub type StereoF = [f32; 2];

/// Samples of a cross-fade between two sounds: 10 ms.
pub const FADE: usize = 480;

/// What is heard while time stands still in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FreezeSound {
    /// The live sound goes on.
    Live,
    /// Nothing.
    Silence,
    /// The live sound fades to silence.
    #[default]
    Tail,
}

impl FreezeSound {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Silence, Self::Tail];

    /// Its word in show files and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Silence => "silence",
            Self::Tail => "tail",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// Index of the sample that is heard at a time, nanoseconds.
pub const fn sample_at(nanos: i64) -> i64 {
    (nanos as i128 * RATE as i128).div_euclid(1_000_000_000) as i64
}

/// Weight of what comes at sample `at` of a fade of `length` samples: a raised cosine, so that neither end has an edge.
pub(crate) fn fade_in(at: usize, length: usize) -> f32 {
    let share = (at as f32 + 0.5) / length.max(1) as f32;
    0.5 - 0.5 * (share.min(1.0) * std::f32::consts::PI).cos()
}

/// The end of a block led to zero.
pub(crate) fn faded_out(block: &mut [StereoF], length: usize) {
    let begin = block.len().saturating_sub(length);
    for (k, sample) in block[begin..].iter_mut().enumerate() {
        *sample = sample.map(|v| v * (1.0 - fade_in(k, length)));
    }
}

/// Sixteen bits of a sample.
pub(crate) fn quantized([left, right]: StereoF) -> Stereo {
    let one = |v: f32| (v * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
    [one(left), one(right)]
}

pub(crate) fn unquantized([left, right]: Stereo) -> StereoF {
    [f32::from(left) / 32_768.0, f32::from(right) / 32_768.0]
}
