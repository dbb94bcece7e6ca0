//! What can go wrong before a feed runs. What goes wrong while it runs is its [`super::FeedStatus`].

/// Errors of setting up capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// GStreamer is not usable.
    #[error("GStreamer does not start: {reason}. Install GStreamer 1.22 or newer with its base, good, bad, ugly and libav plugins")]
    Init {
        /// What GStreamer said.
        reason: String,
    },
    /// A plugin is missing.
    #[error("GStreamer has no element {element:?} ({purpose}). {}", super::packages::remedy_for_element(element))]
    MissingElement {
        /// The element.
        element: String,
        /// What it was wanted for.
        purpose: String,
    },
    /// Two feeds of one name.
    #[error("two feeds are named {name:?}; give every feed the name of its camera in the rig")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A feed cannot be set up.
    #[error("feed {feed:?}: {reason}")]
    Feed {
        /// The feed.
        feed: String,
        /// What is wrong and what helps.
        reason: String,
    },
    /// The address of a feed is not understood.
    #[error("feed address {uri:?}: {reason}")]
    Address {
        /// The address.
        uri: String,
        /// What is wrong and what helps.
        reason: String,
    },
    /// The operating system refuses a thread.
    #[error("cannot start the thread {name:?}: {source}")]
    Thread {
        /// The thread.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A node cannot listen.
    #[error("cannot listen at {address:?}: {source}. Write ADDRESS:PORT of this machine, with a port that is free")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A frame that cannot be taken.
    #[error("feed {feed:?} cannot take this frame: {reason}")]
    Frame {
        /// The feed.
        feed: String,
        /// What is wrong with it.
        reason: String,
    },
}
