//! Names of machines, and why one has no address: a name that is wrong and a network without a name server are two things to mend.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// Why a name has no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfound {
    /// Nobody knows it.
    Unknown,
    /// It could not be asked for now: no name server answers.
    NobodyAnswers,
}

impl Unfound {
    fn of(error: &io::Error) -> Self {
        // The system's reason comes as its words alone: "Temporary failure in name resolution" (glibc, BSD), "Try again" (musl), "a temporary error" (Windows).
        let said = error.to_string().to_lowercase();
        if said.contains("temporary") || said.contains("try again") { Self::NobodyAnswers } else { Self::Unknown }
    }

    /// The end of a sentence that begins with the name; what is to be written instead follows.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Unknown => "is neither an IP address nor a name that this machine can look up",
            Self::NobodyAnswers => {
                "cannot be looked up now: no name server answers this machine. Check its network, and its name server (`getent hosts NAME`)"
            }
        }
    }
}

/// The addresses of a host and port, at least one. A name is looked up, which may take seconds.
pub(crate) fn look_up(place: &(impl ToSocketAddrs + ?Sized)) -> Result<Vec<SocketAddr>, Unfound> {
    match place.to_socket_addrs() {
        Ok(found) => Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty()).ok_or(Unfound::Unknown),
        Err(e) => Err(Unfound::of(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_is_away_is_not_a_name_that_is_wrong() {
        let of = |said: &str| Unfound::of(&io::Error::other(format!("failed to lookup address information: {said}")));
        assert_eq!(of("Name or service not known"), Unfound::Unknown);
        assert_eq!(of("nodename nor servname provided, or not known"), Unfound::Unknown);
        assert_eq!(of("Temporary failure in name resolution"), Unfound::NobodyAnswers);
        assert_eq!(of("Try again"), Unfound::NobodyAnswers);
        assert_eq!(look_up(&("127.0.0.1", 7)).map(|found| found.len()), Ok(1));
        assert!(look_up("no..host:7").is_err());
    }
}
