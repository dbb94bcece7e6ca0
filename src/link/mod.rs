//! What a console and its capture nodes say to each other: an authenticated, encrypted stream of messages over TCP, and how their
//! clocks relate.
//!
//! One key, known to both ends, is all there is to set up. The handshake and the sealing of every byte are the Noise protocol's
//! (`NNpsk2`, Curve25519, ChaCha20-Poly1305, BLAKE2s); a stream from which a byte is missing, added or changed ends. Whatever
//! arrives is bounded before it is believed: memory grows with bytes that came, never with lengths that are only claimed.
//!
//! Must not know: feeds, GStreamer, who listens and who calls, threads.

mod clock;
mod key;
mod message;
mod sealed;

pub use clock::{ClockReading, LinkClock};
pub use key::{KeyError, LinkKey};
pub use message::{CameraReport, Header, Inbox, Message, UnitHead};
pub use sealed::{SealedReader, SealedWriter, answer, call};

/// The version that both ends must speak.
pub const VERSION: u32 = 1;

/// Why a link cannot be, or is no more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The network said so.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The other end speaks something else.
    #[error("what answers there is no Volte of the same version; check address and port, and run the same version on both machines")]
    Foreign,
    /// The keys differ.
    #[error(
        "its key is another one; write the key of `volte node` there into `key` here (`volte node --new-key` makes a new one for both)"
    )]
    WrongKey,
    /// A sealed record was changed on its way.
    #[error("what arrived was changed on its way")]
    Broken,
    /// A message that is none.
    #[error("a message cannot be understood: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}
