//! What all addresses have in common: host and port, the options behind the question mark, and what of them may be shown.
//!
//! Must not know: who is at the other end. Secrets are held in [`Secret`], which never prints itself.

#[cfg(feature = "gstreamer")]
mod lookup;
mod options;
mod redact;

use std::fmt;

#[cfg(feature = "gstreamer")]
pub(crate) use lookup::{Unfound, look_up};
pub(crate) use options::{Options, Where, endpoint, percent_decoded};
pub(crate) use redact::{redact_text, redact_uri};

/// A passphrase. It is compared and handed over, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever opens the connection.
    #[cfg_attr(not(feature = "gstreamer"), allow(dead_code, reason = "only connections need it"))]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A machine and a port. An empty host is "any address of this machine".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}
