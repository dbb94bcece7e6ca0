//! What is known about an output and its sinks: plain values for whoever shows them.

use super::{ChannelStatus, ProgramFormat};
use crate::sound::SoundStatus;

/// How a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkState {
    /// It is being opened, or waits for the first keyframe.
    #[default]
    Starting,
    /// Frames go out.
    Running,
    /// It broke; it is opened again after a while.
    Retrying,
    /// No other attempt would help: something is not installed.
    Failed,
}

impl SinkState {
    /// One word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
        }
    }
}

/// One sink.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Where it goes, without secrets.
    pub address: String,
    /// What it carries: codec and the encoder that makes it.
    pub codec: String,
    /// How it is.
    pub state: SinkState,
    /// Frames handed over since it was added.
    pub frames: u64,
    /// Bytes of video handed over.
    pub bytes: u64,
    /// Bits per second over the last second or two.
    pub bits_per_sec: u64,
    /// Frames that it lost: its encoder or itself were behind.
    pub dropped: u64,
    /// Frames that passed while it was not connected.
    pub missed: u64,
    /// How often it was opened again.
    pub retries: u64,
    /// What is wrong and the remedy.
    pub problem: Option<String>,
}

/// An output with its sinks.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramStatus {
    /// Size and rate.
    pub format: ProgramFormat,
    /// Its clock.
    pub channel: ChannelStatus,
    /// In the order in which they were added.
    pub sinks: Vec<SinkStatus>,
    /// What is heard.
    pub sound: SoundStatus,
}
