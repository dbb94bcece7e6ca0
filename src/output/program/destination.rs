//! Whether two sinks go to one place that takes only one of them.
//!
//! Must not know: GStreamer.

use std::path::{Path, PathBuf};

use super::{SinkAddress, SinkKind, SrtSide};

/// A sink would go where another goes already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the output {name:?} would go to {place}, where the output {other:?} goes already. {remedy}, or remove {other:?} first")]
pub struct Meeting {
    /// Whose place it would be.
    pub name: String,
    /// Whose it is.
    pub other: String,
    /// Without secrets.
    pub place: String,
    /// What to do.
    pub remedy: &'static str,
}

impl SinkAddress {
    /// What both would write into or send to at once, in words without secrets, and the way out; `None` when they do not meet.
    ///
    /// Two names of one machine are two places here: nobody is asked. Files never meet, because the second gets a number, and neither do
    /// callers of SRT, because a receiver may take many.
    pub fn meets(&self, other: &Self) -> Option<(String, &'static str)> {
        use SinkKind::{Dash, DeckLink, Hls, Ndi, Rist, Rtmp, Rtp, Srt, Udp, V4l2, Whip};
        const FOLDER: &str = "Give it a folder of its own";
        const PORT: &str = "Give it a port of its own";
        let meeting = match (&self.kind, &other.kind) {
            // One list each: players would be led from one to the other. HLS and DASH beside each other have other names.
            (Hls { folder, .. }, Hls { folder: second, .. }) | (Dash { folder, .. }, Dash { folder: second, .. }) => {
                (is_same_place(folder, second), format!("the folder {}", folder.display()), FOLDER)
            }
            (
                Udp { at, .. } | Rtp { at, .. } | Rist { at, .. },
                Udp { at: second, .. } | Rtp { at: second, .. } | Rist { at: second, .. },
            ) if at == second => (true, format!("port {} of {}", at.port, at.host), PORT),
            (Rtp { sdp: Some(file), .. }, Rtp { sdp: Some(second), .. }) => {
                (is_same_place(file, second), format!("the description {}", file.display()), "Name another with sdp=")
            }
            (Srt { side: SrtSide::Listener, at, .. }, Srt { side: SrtSide::Listener, at: second, .. }) => {
                (at.port == second.port, format!("port {} of this machine", at.port), PORT)
            }
            (Rtmp { url }, Rtmp { url: second }) | (Whip { url, .. }, Whip { url: second, .. }) => {
                (url == second, self.label().to_owned(), "Give it a key or a path of its own")
            }
            (Ndi { name }, Ndi { name: second }) => (name == second, format!("the NDI name {name:?}"), "Give it a name of its own"),
            (DeckLink { device }, DeckLink { device: second }) => {
                (device == second, format!("output {device} of the card"), "Give it an output of its own")
            }
            (V4l2 { device }, V4l2 { device: second }) => {
                (is_same_place(Path::new(device), Path::new(second)), device.clone(), "Give it a device of its own")
            }
            _ => return None,
        };
        let (is_met, place, remedy) = meeting;
        is_met.then_some((place, remedy))
    }
}

/// Whether two names lead to one place on the disk, be it there or not.
fn is_same_place(a: &Path, b: &Path) -> bool {
    real(a) == real(b)
}

/// The name without links and detours, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_e| path.to_owned());
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let mut found = there.as_ref().map_or_else(PathBuf::new, |(_, found)| found.clone());
    let rest = there.as_ref().and_then(|(part, _)| path.strip_prefix(part).ok()).unwrap_or(&path);
    for part in rest.components() {
        match part {
            std::path::Component::ParentDir => {
                found.pop();
            }
            std::path::Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(a: &str, b: &str) -> Option<(String, &'static str)> {
        let [a, b]: [SinkAddress; 2] = [a, b].map(|uri| uri.parse().unwrap());
        assert_eq!(a.meets(&b).is_some(), b.meets(&a).is_some(), "{a:?} and {b:?} see it differently");
        a.meets(&b)
    }

    #[test]
    fn sinks_that_would_write_over_each_other_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(folder.path().join("web")).unwrap();
        for (a, b) in [
            (format!("hls:{}", at("web")), format!("hls:{}?segment_s=1", at("web/"))),
            (format!("hls:{}", at("web")), format!("hls:{}", at("web/../web/."))),
            (format!("dash:{}", at("new/live")), format!("dash:{}", at("new/./other/../live"))),
            ("hls:a/b".to_owned(), "hls:./a/b/".to_owned()),
            ("udp://239.1.2.3:5000".to_owned(), "udp://239.1.2.3:5000?ttl=2".to_owned()),
            ("udp://h:5000".to_owned(), "rtp://h:5000".to_owned()),
            ("rtp://h:5000?encoding=es&sdp=a.sdp".to_owned(), "rtp://h:5002?encoding=es&sdp=./a.sdp".to_owned()),
            ("srt://:7001".to_owned(), "srt://127.0.0.1:7001?mode=listener&passphrase=correct-horse".to_owned()),
            ("rtmp://h/app/key".to_owned(), "rtmp://h/app/key".to_owned()),
            ("whips://h/live".to_owned(), "whips://h/live?token=x".to_owned()),
            ("decklink:1".to_owned(), "decklink:1".to_owned()),
            ("v4l2:/dev/video9".to_owned(), "v4l2:/dev/video9".to_owned()),
            ("ndi:Volte".to_owned(), "ndi:Volte".to_owned()),
        ] {
            let told = met(&a, &b);
            assert!(told.is_some(), "{a} and {b} meet");
            assert!(!format!("{told:?}").contains("key\"") && !format!("{told:?}").contains("app/key"), "{told:?}");
        }
        for (a, b) in [
            (format!("hls:{}", at("web")), format!("dash:{}", at("web"))),
            (format!("hls:{}", at("web")), format!("hls:{}", at("web2"))),
            ("udp://h:5000".to_owned(), "udp://h:5002".to_owned()),
            ("udp://h:5000".to_owned(), "udp://i:5000".to_owned()),
            ("srt://:7001".to_owned(), "srt://h:7001".to_owned()),
            ("srt://h:7001".to_owned(), "srt://h:7001".to_owned()),
            ("rtmp://h/app/key".to_owned(), "rtmp://h/app/key2".to_owned()),
            ("a.mkv".to_owned(), "a.mkv".to_owned()),
            ("decklink:1".to_owned(), "decklink:2".to_owned()),
        ] {
            assert_eq!(met(&a, &b), None, "{a} and {b} do not meet");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("web"), folder.path().join("link")).unwrap();
            assert!(met(&format!("dash:{}/x", at("link")), &format!("dash:{}/x", at("web"))).is_some(), "a link hides the folder");
        }
    }
}
