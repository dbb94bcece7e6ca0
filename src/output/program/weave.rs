//! Fields out of pictures: two in a row are woven into one interlaced frame, the upper field first.
//!
//! Each picture gives every second of its lines, so that what moves moves as often as there are fields. Before, each line takes a quarter of either
//! neighbour, or single lines would flicker at the frame rate (the usual low-pass before interlacing, as in ffmpeg's `interlace` filter). In 4:2:0 rows of
//! colour go by turns as well: row 2k of the frame lies where row 2k of a picture does, and row 2k + 1 likewise (ISO/IEC 13818-2, figures 6-1 and 6-2).
//!
//! Must not know: encoders, sinks.

use std::sync::Arc;

use super::{Frame, FrameTaker, ProgramFormat, Tick, Timecode, canvas::Layout};

/// Stands between the channel and whoever takes interlaced frames.
pub(super) struct Weaver<T> {
    layout: Layout,
    /// The picture of the upper field.
    upper: Option<(Arc<Frame>, Tick)>,
    taker: T,
}

impl<T: FrameTaker> Weaver<T> {
    pub const fn new(format: ProgramFormat, taker: T) -> Self {
        Self { layout: Layout::new(format.width_px, format.height_px), upper: None, taker }
    }
}

impl<T: FrameTaker> FrameTaker for Weaver<T> {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        if tick.index.is_multiple_of(2) {
            self.upper = Some((Arc::clone(frame), tick));
            return;
        }
        // Whoever comes in the middle of a frame has one field of it.
        let upper = self.upper.take().filter(|(_, upper)| upper.index + 1 == tick.index);
        let Some((upper, first)) = upper else { return };
        let woven = if Arc::ptr_eq(&upper, frame) { smoothed(self.layout, frame) } else { woven(self.layout, &upper, frame) };
        let label = Timecode { frames: first.timecode.frames / 2, ..first.timecode };
        self.taker.take(&Arc::new(woven), Tick { index: first.index / 2, timecode: label });
    }
}

fn woven(layout: Layout, upper: &Frame, lower: &Frame) -> Frame {
    Frame::from_rows(layout, |plane, row| if row.is_multiple_of(2) { plane.of(upper) } else { plane.of(lower) })
}

/// A picture that stands still.
fn smoothed(layout: Layout, frame: &Frame) -> Frame {
    Frame::from_rows(layout, |plane, _| plane.of(frame))
}

/// A plane's place in a frame.
struct Plane {
    bytes: std::ops::Range<usize>,
}

impl Plane {
    fn of<'a>(&self, frame: &'a Frame) -> &'a [u8] {
        frame.as_ref().get(self.bytes.clone()).unwrap_or_default()
    }
}

impl Frame {
    /// Each row from the plane that is chosen for it, with a quarter of the rows above and below.
    fn from_rows<'a>(layout: Layout, from: impl Fn(&Plane, usize) -> &'a [u8]) -> Self {
        let mut data = vec![0; layout.bytes()];
        for (bytes, stride) in layout.planes() {
            let plane = Plane { bytes: bytes.clone() };
            let Some(out) = data.get_mut(bytes) else { continue };
            let rows = out.len() / stride.max(1);
            for (k, out) in out.chunks_exact_mut(stride).enumerate() {
                let whole = from(&plane, k);
                let row = |k: usize| whole.get(k * stride..(k + 1) * stride).unwrap_or_default();
                let (above, here, below) = (row(k.saturating_sub(1)), row(k), row((k + 1).min(rows - 1)));
                for (((out, a), h), b) in out.iter_mut().zip(above).zip(here).zip(below) {
                    *out = ((u16::from(*a) + 2 * u16::from(*h) + u16::from(*b) + 2) / 4) as u8;
                }
            }
        }
        Self::of(data)
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    type Taken = Arc<Mutex<Vec<(Arc<Frame>, Tick)>>>;

    struct Keep(Taken);

    impl FrameTaker for Keep {
        fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
            self.0.lock().push((Arc::clone(frame), tick));
        }
    }

    fn bytes_of(frame: &Frame) -> &[u8] {
        frame.as_ref()
    }

    fn tick(index: u64) -> Tick {
        Tick { index, timecode: Timecode { hours: 1, minutes: 2, seconds: 3, frames: (index % 50) as u8, drop_frame: false } }
    }

    fn flat(layout: Layout, level: u8) -> Arc<Frame> {
        Arc::new(Frame::of(vec![level; layout.bytes()]))
    }

    #[test]
    fn every_second_line_is_of_the_other_picture_in_all_planes() {
        let format: ProgramFormat = "20x16i50".parse().unwrap();
        let layout = Layout::new(20, 16);
        let taken = Taken::default();
        let mut weaver = Weaver::new(format, Keep(Arc::clone(&taken)));
        // It begins in the middle of a frame: that one is not sent.
        for index in 7..12 {
            weaver.take(&flat(layout, index as u8 * 10), tick(index));
        }
        let taken = taken.lock();
        assert_eq!(taken.iter().map(|t| (t.1.index, t.1.timecode.frames)).collect::<Vec<_>>(), [(4, 4), (5, 5)]);
        for (frame, tick) in taken.iter() {
            for (bytes, stride) in layout.planes() {
                for (row, line) in bytes_of(frame)[bytes].chunks_exact(stride).enumerate() {
                    let of = tick.index as u8 * 20 + if row % 2 == 0 { 0 } else { 10 };
                    assert!(line.iter().all(|v| *v == of), "frame {} row {row}: {line:?}", tick.index);
                }
            }
        }
    }

    #[test]
    fn a_single_line_does_not_flicker_and_a_skipped_picture_is_no_pair() {
        let format: ProgramFormat = "20x16i50".parse().unwrap();
        let layout = Layout::new(20, 16);
        let mut data = vec![0; layout.bytes()];
        data[5 * 20..6 * 20].fill(200);
        let still = Arc::new(Frame::of(data));
        let taken = Taken::default();
        let mut weaver = Weaver::new(format, Keep(Arc::clone(&taken)));
        weaver.take(&still, tick(2));
        weaver.take(&still, tick(3));
        // Of 4 and 7 nothing can be made.
        weaver.take(&still, tick(4));
        weaver.take(&still, tick(7));
        let taken = taken.lock();
        assert_eq!(taken.len(), 1);
        let field =
            |parity: usize| (0..16).filter(|row| row % 2 == parity).map(|row| u32::from(bytes_of(&taken[0].0)[row * 20])).sum::<u32>();
        assert_eq!((field(0), field(1)), (100, 100), "both fields are as bright");
    }
}
