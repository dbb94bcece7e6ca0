//! The venue's loop drawn ahead, for machines that cannot draw it live.
//!
//! A software adapter needs a fifth of a second for a picture; sixteen cameras at 12.5 frames a second would need forty times
//! that. But the action repeats (two seconds by default), so its frames are drawn once, kept in memory and on disk, and fed
//! live from there: everything behind (encoders, ring, decoding) is as real as with cameras. Frames of the loop are drawn
//! in an order that halves the gaps, all cameras of a frame together, so the show can begin after a few: until the rest
//! is there a feed shows the last finished frame, the same one on every camera.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Venue, VenueError, VenueOptions};
use crate::frame::Picture;
use crate::rig::Camera;
use crate::time::MediaTime;

/// The phase of the loop 0…1 in which the athlete hits the ball.
pub const SMASH_PHASE: f32 = 0.48;

/// A camera as it really stands, and its rolling shutter in nanoseconds.
pub type Standpoint = (Camera, i64);

/// The loop's pictures, filled by one thread and read by any.
#[derive(Debug)]
pub struct PreparedLoop {
    standpoints: Vec<Standpoint>,
    options: VenueOptions,
    /// Per frame of the loop, per standpoint.
    pictures: Vec<Vec<OnceLock<Arc<Picture>>>>,
    is_ready: Vec<AtomicBool>,
    ready: AtomicUsize,
    drawn: AtomicUsize,
}

impl PreparedLoop {
    /// An empty loop of `frames` frames.
    pub fn new(standpoints: Vec<Standpoint>, options: VenueOptions, frames: usize) -> Self {
        let frames = frames.max(1);
        let pictures = (0..frames).map(|_| standpoints.iter().map(|_| OnceLock::new()).collect()).collect();
        Self {
            standpoints,
            options,
            pictures,
            is_ready: (0..frames).map(|_| AtomicBool::new(false)).collect(),
            ready: AtomicUsize::new(0),
            drawn: AtomicUsize::new(0),
        }
    }

    /// Frames of the loop.
    pub fn frame_count(&self) -> usize {
        self.pictures.len()
    }

    /// Frames that are drawn for all cameras.
    pub fn ready_count(&self) -> usize {
        self.ready.load(Ordering::Acquire)
    }

    /// Pictures that are drawn, of all cameras and frames.
    pub fn picture_count(&self) -> usize {
        self.drawn.load(Ordering::Acquire)
    }

    /// Frames in the order in which they are drawn: the smash first, then each as far as possible from those before.
    pub fn drawing_order(&self) -> Vec<usize> {
        let n = self.frame_count();
        let mut order = vec![(f64::from(SMASH_PHASE) * n as f64) as usize % n];
        let distance = |a: usize, b: usize| a.abs_diff(b).min(n - a.abs_diff(b));
        while order.len() < n {
            let next = (0..n)
                .filter(|i| !order.contains(i))
                .max_by_key(|&i| (order.iter().map(|&o| distance(i, o)).min().unwrap_or(0), n - i))
                .unwrap_or(0);
            order.push(next);
        }
        order
    }

    fn time_of(&self, frame: usize) -> MediaTime {
        MediaTime::from_nanos((i128::from(self.options.period_nanos) * frame as i128 / self.frame_count() as i128) as i64)
    }

    /// Folder of this very loop below `cache`: another rig, size or venue has another.
    pub fn folder(&self, cache: &Path) -> PathBuf {
        let text = format!("{} {:?} {} {:?}", env!("CARGO_PKG_VERSION"), self.options, self.frame_count(), self.standpoints);
        // FNV-1a: stable over versions of the compiler, unlike the standard hasher.
        let key = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        cache.join(format!("venue-{key:016x}"))
    }

    /// Draws all frames, taking those that `cache` holds and adding those that it does not. `go_on` is asked before every picture.
    pub fn fill(&self, venue: &mut Venue, cache: Option<&Path>, go_on: impl Fn() -> bool) -> Result<(), VenueError> {
        venue.set_options(self.options.clone());
        let folder = cache.map(|c| self.folder(c));
        for frame in self.drawing_order() {
            for (i, (camera, rolling_nanos)) in self.standpoints.iter().enumerate() {
                if !go_on() {
                    return Ok(());
                }
                let path = folder.as_ref().map(|f| f.join(format!("f{frame:03}_{i:03}.jpg")));
                let cached = path.as_ref().filter(|p| p.is_file()).and_then(|p| Picture::load(p).ok());
                let fits = |p: &Picture| (p.width(), p.height()) == (camera.width_px, camera.height_px);
                let picture = if let Some(picture) = cached.filter(fits) {
                    picture
                } else {
                    let picture = venue.render_rolling(camera, self.time_of(frame), *rolling_nanos)?;
                    if let Some(path) = &path
                        && let Err(problem) = keep(&picture, path)
                    {
                        tracing::debug!(%problem, "the venue's loop is not kept on disk");
                    }
                    picture
                };
                // Filled by this thread only; a second filler would find it set to the same picture.
                self.pictures[frame][i].set(Arc::new(picture)).ok();
                self.drawn.fetch_add(1, Ordering::AcqRel);
            }
            if !self.is_ready[frame].swap(true, Ordering::AcqRel) {
                self.ready.fetch_add(1, Ordering::AcqRel);
            }
        }
        Ok(())
    }

    /// The picture of a camera at a time: of the loop's frame at that time or, while that is not drawn, of the last before it
    /// that is. `None` before the first, or for a camera that is not in the loop.
    pub fn picture(&self, camera: &Camera, time: MediaTime) -> Option<Arc<Picture>> {
        let i = self.standpoints.iter().position(|(c, _)| c == camera)?;
        let n = self.frame_count();
        // Half a nanosecond of slack: frame times are rounded down.
        let at = ((f64::from(self.options.phase(time)) * n as f64 + 1e-3) as usize) % n;
        (0..n)
            .map(|back| (at + n - back) % n)
            .find(|&f| self.is_ready[f].load(Ordering::Acquire))
            .and_then(|f| self.pictures[f][i].get().cloned())
    }
}

/// Writes a picture under a temporary name first: another program may be filling the same folder.
fn keep(picture: &Picture, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("{}.jpg", std::process::id()));
    picture.save(&part)?;
    std::fs::rename(&part, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::VenueRig;

    #[test]
    fn frames_are_drawn_far_from_each_other_first() {
        let prepared = PreparedLoop::new(Vec::new(), VenueOptions::default(), 25);
        let order = prepared.drawing_order();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..25).collect::<Vec<_>>());
        for (k, frame) in order.iter().enumerate().take(8).skip(1) {
            let nearest = order[..k].iter().map(|o| o.abs_diff(*frame).min(25 - o.abs_diff(*frame))).min().unwrap();
            assert!(nearest * (k + 1).next_power_of_two() >= 25 / 2, "{order:?}");
        }
        let cameras = VenueRig::arc(2, 10.0, 6.0, (32, 18)).cameras;
        let a = PreparedLoop::new(vec![(cameras[0].clone(), 0)], VenueOptions::default(), 25);
        let b = PreparedLoop::new(vec![(cameras[1].clone(), 0)], VenueOptions::default(), 25);
        assert_ne!(a.folder(Path::new("/c")), b.folder(Path::new("/c")));
        assert!(a.picture(&cameras[0], MediaTime::ZERO).is_none());
    }
}
