//! Timecode as it comes with a stream: on its pictures (GStreamer's parsers read the SEI of H.264 and H.265, its SDI sources the
//! ancillary data), or as a tone on a sound track.
//!
//! Must not know: what labels mean in house time.

use parking_lot::Mutex;

use crate::capture::error::CaptureError;
use crate::capture::sound::stereo_tail;
use crate::sound::{LtcReader, RATE, Stereo};
use crate::time::{FrameRate, Timecode};

/// Sound whose time is so far from where the sound before it ended is another piece, nanoseconds.
const TORN_NANOS: i64 = 5_000_000;

/// The label on a picture, with the rate of the pictures as the stream tells it; `standard` where it tells none.
pub(super) fn on_picture(buffer: &gst::BufferRef, standard: impl FnOnce() -> Option<FrameRate>) -> Option<(Timecode, FrameRate)> {
    let code = buffer.meta::<gst_video::VideoTimeCodeMeta>()?.tc();
    let fps = code.fps();
    let told = u32::try_from(fps.numer()).ok().zip(u32::try_from(fps.denom()).ok()).and_then(|(n, d)| FrameRate::new(n, d));
    let [hours, minutes, seconds, frames] = [code.hours(), code.minutes(), code.seconds(), code.frames()].map(u8::try_from);
    let drop_frame = code.flags().contains(gst_video::VideoTimeCodeFlags::DROP_FRAME);
    let label = Timecode { hours: hours.ok()?, minutes: minutes.ok()?, seconds: seconds.ok()?, frames: frames.ok()?, drop_frame };
    Some((label, told.filter(|rate| rate.fps() >= 1.0).or_else(standard)?))
}

/// Both channels of a sound track, read for a tone; whichever has one.
#[derive(Debug, Default)]
struct Tone {
    channels: [LtcReader; 2],
    /// Running time at which the next block should begin.
    next_nanos: Option<i64>,
}

impl Tone {
    fn take(&mut self, running: i64, block: &[Stereo], heard: &mut impl FnMut(Timecode, FrameRate, i64)) {
        if self.next_nanos.is_none_or(|next| running.saturating_sub(next).saturating_abs() > TORN_NANOS) {
            self.channels = Default::default();
        }
        let nanos = |samples: f64| (samples * 1e9 / f64::from(RATE)) as i64;
        self.next_nanos = Some(running.saturating_add(nanos(block.len() as f64)));
        let begun = self.channels[0].samples() as f64;
        for pair in block {
            let [left, right] = pair.map(|s| f32::from(s) / 32_768.0);
            let right = self.channels[1].take(right);
            let read = self.channels[0].take(left).or(right);
            if let Some(frame) = read {
                heard(frame.label, frame.rate, running.saturating_add(nanos(frame.begins - begun)));
            }
        }
    }
}

/// The elements that read a tone: each label, its rate, and the running time at which its frame begins, nanoseconds.
pub(super) fn tone_tail(heard: impl Fn(Timecode, FrameRate, i64) + Send + Sync + 'static) -> Result<Vec<gst::Element>, CaptureError> {
    let tone = Mutex::new(Tone::default());
    stereo_tail(move |running, block| tone.lock().take(running, block, &mut |label, rate, at| heard(label, rate, at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::LtcWriter;

    #[test]
    fn a_tone_in_blocks_on_either_channel_gives_labels_in_the_tracks_time() {
        let rate = FrameRate::whole(25);
        let (mut writer, mut sound) = (LtcWriter::new(rate), Vec::new());
        (0..100).for_each(|k| writer.write(1000 + k, &mut sound));
        for right in [false, true] {
            let (mut tone, mut got) = (Tone::default(), Vec::new());
            for (k, block) in sound.chunks(1111).enumerate() {
                let block: Vec<Stereo> = block.iter().map(|s| (s * 32_000.0) as i16).map(|s| if right { [0, s] } else { [s, 0] }).collect();
                let begins = 7_000_000_000 + (k as f64 * 1111.0 / 48e-6) as i64;
                // A second is lost in the middle.
                let begins = if k >= 60 { begins + 1_000_000_000 } else { begins };
                tone.take(begins, &block, &mut |label, _, at| got.push((label, at)));
            }
            assert!(got.len() > 93, "{}", got.len());
            for (label, at) in got {
                let index = label.frame_of_day(rate).unwrap() as i64 - 1000;
                let lost = if at > 7_000_000_000 + 60 * 1111 * 1_000_000 / 48 { 1_000_000_000 } else { 0 };
                assert!((at - 7_000_000_000 - index * 40_000_000 - lost).abs() < 50_000, "{label} at {at}");
            }
        }
    }
}
