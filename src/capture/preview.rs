//! Small live pictures of every feed for the multiview, at a bounded cost.
//!
//! One thread serves all feeds. It follows each feed in the ring, decodes what others refer to (never frames that nothing
//! needs), and keeps the newest picture ("latest"). When its share of the processor is spent it waits; a feed that it can no
//! longer follow jumps to its newest keyframe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::decode::{Decoder, FeedFormats};
use crate::frame::{Picture, YuvFormat, YuvFrame, YuvRange};
use crate::ring::{AccessUnit, FeedId, Ring};
use crate::time::MediaTime;

/// Units decoded per feed and round.
const UNITS_PER_ROUND: usize = 16;

/// How much the multiview may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewConfig {
    /// Off: no previews at all.
    pub enabled: bool,
    /// Width of the pictures, px; the height follows.
    pub width_px: u32,
    /// Pictures per second and feed, at most.
    pub max_fps: f64,
    /// Decode keyframes only: the cheapest.
    pub keyframes_only: bool,
    /// Share of one processor core that all previews together may use (0…1).
    pub max_core_share: f64,
}

impl Default for PreviewConfig {
    fn default() -> Self {
        Self { enabled: true, width_px: 320, max_fps: 5.0, keyframes_only: false, max_core_share: 0.4 }
    }
}

/// The newest small picture of a feed.
#[derive(Debug, Clone)]
pub struct PreviewFrame {
    /// The picture.
    pub picture: Arc<Picture>,
    /// House time of the frame.
    pub time: MediaTime,
}

/// The newest small picture of every feed; "latest" discipline.
#[derive(Debug)]
pub(super) struct Previews(Vec<ArcSwapOption<PreviewFrame>>);

impl Previews {
    pub(super) fn new(feeds: usize) -> Self {
        Self((0..feeds).map(|_| ArcSwapOption::empty()).collect())
    }

    pub(super) fn get(&self, feed: FeedId) -> Option<Arc<PreviewFrame>> {
        self.0.get(feed.0)?.load_full()
    }
}

struct Follower {
    feed: FeedId,
    decoder: Option<Decoder>,
    origin: MediaTime,
    next_order: u64,
    failures: u32,
}

impl Follower {
    fn round(&mut self, ring: &Ring, formats: &FeedFormats, config: &PreviewConfig) -> Option<(YuvFrame, MediaTime)> {
        let units: Vec<AccessUnit> = if config.keyframes_only {
            ring.newest_keyframe(self.feed).filter(|unit| unit.order >= self.next_order).into_iter().collect()
        } else {
            ring.follow(self.feed, self.next_order, UNITS_PER_ROUND)
        };
        let first = units.first()?;
        let restarts = config.keyframes_only || first.order != self.next_order || self.decoder.is_none();
        if restarts && !first.keyframe {
            self.next_order = first.order + 1;
            return None;
        }
        let format = formats.get(self.feed, first.format)?;
        if self.decoder.as_ref().is_none_or(|d| d.codec() != format.codec) {
            self.decoder = Decoder::new(format.codec, 1).ok();
        }
        let decoder = self.decoder.as_mut()?;
        if restarts {
            decoder.flush();
            self.origin = first.pts;
        }
        self.next_order = units.last()?.order + 1;
        let needed: Vec<AccessUnit> = units.into_iter().filter(|unit| !unit.droppable).collect();
        let out = if config.keyframes_only {
            decoder.decode(&needed, &|_| true, |n| formats.get(self.feed, n)).map(|mut frames| frames.pop())
        } else {
            decoder.feed_live(&needed, self.origin, |n| formats.get(self.feed, n))
        };
        match out {
            Ok(frame) => frame.map(|timed| (timed.frame, timed.time)),
            Err(e) => {
                self.failures += 1;
                tracing::debug!("preview: {e}");
                self.decoder = None;
                None
            }
        }
    }
}

/// Serves `feeds` until `stop`.
pub(super) fn run(
    ring: &Ring,
    formats: &FeedFormats,
    (previews, feeds): (&Previews, &[FeedId]),
    config: &PreviewConfig,
    stop: &AtomicBool,
) {
    let mut followers: Vec<Follower> =
        feeds.iter().map(|feed| Follower { feed: *feed, decoder: None, origin: MediaTime::ZERO, next_order: 0, failures: 0 }).collect();
    let share = config.max_core_share.clamp(0.01, 1.0);
    let pause = Duration::from_secs_f64(1.0 / config.max_fps.clamp(0.1, 60.0));
    while !stop.load(Ordering::Relaxed) {
        let round_began = Instant::now();
        for follower in &mut followers {
            let began = Instant::now();
            if let Some((frame, time)) = follower.round(ring, formats, config)
                && let Some(picture) = small_picture(&frame, config.width_px)
            {
                previews.0[follower.feed.0].store(Some(Arc::new(PreviewFrame { picture: Arc::new(picture), time })));
            }
            // Pay for the time used with rest.
            let rest = began.elapsed().mul_f64(1.0 / share - 1.0);
            if !rest.is_zero() {
                std::thread::sleep(rest.min(Duration::from_millis(500)));
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
        // Frames come at the camera's rate: look again after a frame or so, not only after a picture's pause.
        let left = pause.min(Duration::from_millis(100)).saturating_sub(round_began.elapsed());
        std::thread::sleep(left.max(Duration::from_millis(2)));
    }
}

/// Averages blocks of the frame down to `width_px`: cheap, and good enough to choose a camera by.
fn small_picture(frame: &YuvFrame, width_px: u32) -> Option<Picture> {
    if frame.data.len() < frame.expected_bytes() {
        return None;
    }
    let step = frame.width.div_ceil(width_px.clamp(16, frame.width.max(16))).max(1) as usize;
    let (w, h) = (frame.width as usize / step, frame.height as usize / step);
    let (cw, ch) = frame.chroma_size();
    let (cw, ch) = (cw as usize, ch as usize);
    let (luma, chroma) = frame.data.split_at(frame.width as usize * frame.height as usize);
    let (kr, kb) = frame.matrix.luma_weights();
    let (y_scale, y_offset, c_scale) = match frame.range {
        YuvRange::Limited => (255.0 / 219.0, 16.0, 255.0 / 224.0),
        YuvRange::Full => (1.0, 0.0, 1.0),
    };
    let (rv, bu) = (((2.0 - 2.0 * kr) * c_scale) as f32, ((2.0 - 2.0 * kb) * c_scale) as f32);
    let kg = (1.0 - kr - kb) as f32;
    let (gu, gv) = (-(kb as f32) / kg * bu, -(kr as f32) / kg * rv);
    let mut rgba = Vec::with_capacity(w * h * 4);
    for y in 0..h {
        for x in 0..w {
            // Four taps per block are enough to keep edges calm.
            let (x0, y0, half) = (x * step, y * step, step / 2);
            let tap = |dx: usize, dy: usize| u32::from(luma[(y0 + dy) * frame.width as usize + x0 + dx]);
            let sum = tap(0, 0) + tap(half, 0) + tap(0, half) + tap(half, half);
            let l = (sum as f32 * 0.25 - y_offset) * y_scale as f32;
            let (cx, cy) = ((x0 + half) * cw / frame.width as usize, (y0 + half) * ch / frame.height as usize);
            let (u, v) = match frame.format {
                YuvFormat::Nv12 => (chroma[(cy * cw + cx) * 2], chroma[(cy * cw + cx) * 2 + 1]),
                _ => (chroma[cy * cw + cx], chroma[cw * ch + cy * cw + cx]),
            };
            let (u, v) = (f32::from(u) - 128.0, f32::from(v) - 128.0);
            let code = |value: f32| value.round().clamp(0.0, 255.0) as u8;
            rgba.extend([code(l + rv * v), code(l + gu * u + gv * v), code(l + bu * u), 255]);
        }
    }
    Picture::from_rgba(w as u32, h as u32, rgba).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::YuvMatrix;

    #[test]
    fn small_pictures_keep_colour_and_shape() {
        let (w, h) = (640_u32, 360_u32);
        let mut data = vec![63_u8; (w * h) as usize];
        data.resize((w * h * 5 / 4) as usize, 102);
        data.resize((w * h * 3 / 2) as usize, 240);
        let red = YuvFrame {
            width: w,
            height: h,
            format: YuvFormat::I420,
            matrix: YuvMatrix::Bt709,
            range: YuvRange::Limited,
            data: data.into(),
        };
        let small = small_picture(&red, 320).unwrap();
        assert_eq!((small.width(), small.height()), (320, 180));
        let [r, g, b, _] = small.pixel(10, 10);
        assert!(r > 250 && g < 5 && b < 5, "{:?}", small.pixel(10, 10));
        assert!(small_picture(&YuvFrame { data: bytes::Bytes::new(), ..red }, 320).is_none());
    }
}
