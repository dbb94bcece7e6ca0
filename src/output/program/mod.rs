//! The program output: one picture per tick of the output's own clock, in one fixed format, for as long as it runs.
//!
//! Whatever happens before it, a picture goes out: the newest one there is, the last one again (counted), or before any a slate
//! that says what is missing. Threads: `program` owns the clock; it waits for nobody but the clock, and whoever takes its frames
//! drops the oldest when it is behind.
//!
//! Must not know: cameras, replays, who chose the picture.

mod canvas;
mod channel;
mod clock;
mod format;
mod timecode;

pub use channel::{Channel, ChannelError, ChannelOptions, ChannelStatus, Due, Frame, FrameTaker, PictureSource, TakerId, Tick};
pub use clock::TickClock;
pub use format::{FormatError, ProgramFormat};
pub use timecode::Timecode;
