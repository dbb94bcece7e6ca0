//! Decoders of graphics hardware for moments: which are tried before software, and which have shown that they do not work here.
//!
//! A driver that is there says nothing: it may lack the profile, the size or the memory. So each is believed until it fails where software
//! then does not; from there on it is left alone until the program ends.
//!
//! Must not know: feeds, rings, moments.

use parking_lot::RwLock;

use crate::capture::Codec;

/// Elements that failed, with what they said.
static FAILED: RwLock<Vec<(String, String)>> = RwLock::new(Vec::new());

/// The variable that names decoders: `software` for none but software, or elements that are tried first, separated by commas.
pub(in crate::capture) const VARIABLE: &str = "VOLTE_DECODERS";

/// Hardware decoders that are there, take a stream (its profile and form included) and have not failed, in the order in which they are tried.
pub(in crate::capture) fn to_try(codec: Codec, stream: &gst::Caps) -> Vec<String> {
    named(codec, stream, &std::env::var(VARIABLE).unwrap_or_default())
}

/// The same with what the variable says.
fn named(codec: Codec, stream: &gst::Caps, variable: &str) -> Vec<String> {
    let words: Vec<&str> = variable.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let names = if words.is_empty() { codec.moment_hardware().to_vec() } else { words };
    let failed = FAILED.read();
    let takes = |name: &str| gst::ElementFactory::find(name).is_some_and(|factory| factory.can_sink_any_caps(stream));
    names.into_iter().filter(|name| !failed.iter().any(|(f, _)| f == name) && takes(name)).map(str::to_owned).collect()
}

/// Leaves an element alone from now on, because it failed where software did not.
pub(in crate::capture) fn leave_alone(element: &str, problem: &str) {
    let mut failed = FAILED.write();
    if !failed.iter().any(|(name, _)| name == element) {
        tracing::warn!(element, problem, "the hardware decoder fails where software does not: software from now on");
        failed.push((element.to_owned(), problem.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_tried_for_what_they_take_until_they_fail() {
        crate::capture::init().unwrap();
        // Another software decoder stands in for one of hardware; there is none on the machines that test.
        let h265 = |form: &str| gst::Caps::builder("video/x-h265").field("stream-format", form).field("alignment", "au").build();
        assert_eq!(named(Codec::H265, &h265("hvc1"), "libde265dec, avdec_mjpeg,nosuchdec"), ["libde265dec"]);
        assert!(named(Codec::H265, &h265("of-tomorrow"), "libde265dec").is_empty());
        assert_eq!(named(Codec::Mjpeg, &Codec::Mjpeg.caps(), "openh264dec,avdec_mjpeg"), ["avdec_mjpeg"]);
        for codec in Codec::ALL {
            assert!(named(codec, &codec.caps(), "software").is_empty(), "{codec}");
            // What is listed by itself is known to this GStreamer by its codec, or not at all.
            assert!(named(codec, &codec.caps(), "").iter().all(|name| codec.moment_hardware().contains(&name.as_str())));
        }
        leave_alone("avdec_mjpeg", "it said no");
        assert!(named(Codec::Mjpeg, &Codec::Mjpeg.caps(), "avdec_mjpeg").is_empty());
    }
}
