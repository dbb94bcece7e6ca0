//! Pictures between a camera's frames, while it rolls slower than they come: which of them are wanted, which are there, and whether the GPU is
//! in time for them.
//!
//! Must not know: how they are made, what they are shown for.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::LivePicture;
use crate::{frame::Picture, time::MediaTime};

/// Pictures kept, bytes: two thirds of a second of 1080p50.
const BUDGET_BYTES: usize = 256 << 20;
/// So many are kept whatever they take.
const LEAST_KEPT: usize = 3;
/// A picture serves in the place of one that lies no farther from it than this, share of the way between the two frames.
const SAME_SHARE: f32 = 0.01;
/// Nearer than this to a frame, share of the way, it is that frame that is shown.
const AT_FRAME: f32 = 0.06;
/// Costs are believed from so many pictures on.
const LEAST_MEASURED: u32 = 3;
/// A GPU that would need so many times the time that there is is not asked at all.
const HOPELESS: f64 = 3.0;
/// Of so many pictures that were due, half may be late.
const JUDGED: usize = 24;
/// After so long a GPU that was not in time is tried once more.
pub(super) const TRIED_AGAIN: Duration = Duration::from_secs(10);

/// A picture between two frames of a camera (index in the rig).
#[derive(Debug, Clone)]
pub(super) struct BetweenWish {
    pub camera: usize,
    pub frames: [LivePicture; 2],
    /// From the first frame to the second, 0…1.
    pub share: f32,
    /// Program waits for it.
    pub on_air: bool,
}

impl BetweenWish {
    /// Times of the two frames.
    pub fn times(&self) -> [MediaTime; 2] {
        self.frames.each_ref().map(|f| f.time)
    }

    /// Whether both mean the same picture.
    pub fn is(&self, other: &Self) -> bool {
        self.camera == other.camera && self.times() == other.times() && (self.share - other.share).abs() < SAME_SHARE
    }
}

/// What became of a wish: the picture, or `None` where the two frames do not agree, or why there is none.
#[derive(Debug)]
pub(super) struct BetweenReport {
    pub wish: BetweenWish,
    pub result: Result<Option<Arc<Picture>>, String>,
    /// What it took.
    pub secs: f64,
}

/// Where an instant lies between a camera's frames.
#[derive(Debug, Clone)]
pub(super) enum Lies {
    /// At this frame, near enough.
    At(LivePicture),
    /// Between them: the share of the way.
    Between([LivePicture; 2], f32),
}

impl Lies {
    /// Where `at` lies between two frames about it.
    pub fn of(frames: [LivePicture; 2], at: MediaTime) -> Self {
        let way = (frames[1].time - frames[0].time).max(1);
        let share = ((at - frames[0].time) as f64 / way as f64).clamp(0.0, 1.0) as f32;
        let [before, after] = frames;
        match share {
            s if s < AT_FRAME => Self::At(before),
            s if s > 1.0 - AT_FRAME => Self::At(after),
            _ => Self::Between([before, after], share),
        }
    }
}

#[derive(Debug)]
struct Kept {
    camera: usize,
    times: [MediaTime; 2],
    share: f32,
    /// `None`: the frames do not agree.
    picture: Option<Arc<Picture>>,
    is_needed: bool,
    used: u64,
}

impl Kept {
    fn is(&self, camera: usize, times: [MediaTime; 2], share: f32) -> bool {
        self.camera == camera && self.times == times && (self.share - share).abs() < SAME_SHARE
    }

    fn bytes(&self) -> usize {
        self.picture.as_ref().map_or(0, |p| p.rgba().len())
    }
}

/// What is known of a picture that is due.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Due {
    Made(Arc<Picture>),
    /// The two frames do not agree.
    Unsure,
    /// It is not there.
    Late,
}

/// The pictures that are there, and what they cost.
#[derive(Debug, Default)]
pub(super) struct Betweens {
    kept: Vec<Kept>,
    clock: u64,
    /// What one takes, seconds, and of how many that is known.
    cost_secs: f64,
    measured: u32,
    /// Whether the last ones that were due were late.
    passed: VecDeque<bool>,
}

impl Betweens {
    /// From now on these are needed, the one that is due first in front: which of them are to be made, as many as fit.
    pub fn choose(&mut self, wishes: Vec<BetweenWish>) -> Vec<BetweenWish> {
        let mut bytes = 0;
        let (mut missing, mut count) = (Vec::new(), 0);
        self.kept.iter_mut().for_each(|k| k.is_needed = false);
        for wish in wishes {
            let picture = &wish.frames[0].picture;
            bytes += picture.rgba().len();
            count += 1;
            if bytes > BUDGET_BYTES && count > LEAST_KEPT {
                break;
            }
            match self.kept.iter_mut().find(|k| k.is(wish.camera, wish.times(), wish.share)) {
                Some(kept) => kept.is_needed = true,
                None if missing.iter().any(|m: &BetweenWish| m.is(&wish)) => {}
                None => missing.push(wish),
            }
        }
        missing
    }

    /// A picture is there, or its frames do not agree.
    pub fn add(&mut self, wish: &BetweenWish, picture: Option<Arc<Picture>>, secs: f64) {
        self.measured += 1;
        // The first ones carry what is done once.
        self.cost_secs = if self.measured <= LEAST_MEASURED { secs } else { 0.8 * self.cost_secs + 0.2 * secs };
        self.clock += 1;
        self.kept.retain(|k| !k.is(wish.camera, wish.times(), wish.share));
        self.kept.push(Kept { camera: wish.camera, times: wish.times(), share: wish.share, picture, is_needed: true, used: self.clock });
        let mut total: usize = self.kept.iter().map(Kept::bytes).sum();
        while (total > BUDGET_BYTES || self.kept.len() > 512) && self.kept.len() > LEAST_KEPT {
            let first = self.kept.iter().enumerate().min_by_key(|(_, k)| (k.is_needed, k.used)).map(|(i, _)| i);
            let Some(first) = first else { break };
            total -= self.kept.swap_remove(first).bytes();
        }
    }

    /// The picture at a share of the way between two frames.
    pub fn find(&mut self, camera: usize, times: [MediaTime; 2], share: f32) -> Due {
        self.clock += 1;
        let clock = self.clock;
        let Some(kept) = self.kept.iter_mut().find(|k| k.is(camera, times, share)) else { return Due::Late };
        kept.used = clock;
        kept.picture.clone().map_or(Due::Unsure, Due::Made)
    }

    /// What one takes, seconds; `None` until that is known.
    pub fn cost_secs(&self) -> Option<f64> {
        (self.measured >= LEAST_MEASURED).then_some(self.cost_secs)
    }

    /// Whether the GPU cannot be in time when so many are due in a second: it would need far too long, or was late too often.
    pub fn is_too_much(&self, per_sec: f64) -> bool {
        let late = self.passed.iter().filter(|late| **late).count();
        self.cost_secs().is_some_and(|cost| cost * per_sec > HOPELESS) || self.passed.len() >= JUDGED && 2 * late > JUDGED
    }

    /// A picture that was due is not due any more: whether it was late.
    pub fn passed(&mut self, late: bool) {
        if self.passed.len() >= JUDGED {
            self.passed.pop_front();
        }
        self.passed.push_back(late);
    }

    /// What they cost is asked anew.
    pub fn forget_cost(&mut self) {
        self.measured = 0;
        self.passed.clear();
    }

    /// Lets all go: they are not wanted any more.
    pub fn clear(&mut self) {
        self.kept = Vec::new();
        self.forget_cost();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(k: i64) -> LivePicture {
        LivePicture { picture: Arc::new(Picture::filled(4, 4, [k as u8, 1, 1, 255])), time: MediaTime::from_nanos(k * 20_000_000) }
    }

    fn wish(k: i64, share: f32) -> BetweenWish {
        BetweenWish { camera: 2, frames: [frame(k), frame(k + 1)], share, on_air: true }
    }

    #[test]
    fn an_instant_lies_at_a_frame_or_between_two() {
        let lies = |nanos: i64| Lies::of([frame(5), frame(6)], frame(5).time.plus_nanos(nanos));
        assert!(matches!(lies(0), Lies::At(p) if p.time == frame(5).time));
        assert!(matches!(lies(1_000_000), Lies::At(p) if p.time == frame(5).time));
        assert!(matches!(lies(19_000_000), Lies::At(p) if p.time == frame(6).time));
        assert!(matches!(lies(5_000_000), Lies::Between(_, share) if (share - 0.25).abs() < 1e-6));
        assert!(matches!(lies(-9_000_000), Lies::At(p) if p.time == frame(5).time));
    }

    #[test]
    fn what_is_there_is_not_made_again_and_is_found_by_its_place() {
        let mut betweens = Betweens::default();
        let list = betweens.choose(vec![wish(5, 0.25), wish(5, 0.5), wish(5, 0.2501)]);
        assert_eq!(list.len(), 2, "the third is the first");
        let picture = Arc::new(Picture::filled(4, 4, [9; 4]));
        betweens.add(&list[0], Some(Arc::clone(&picture)), 0.01);
        betweens.add(&list[1], None, 0.01);
        assert_eq!(betweens.find(2, wish(5, 0.0).times(), 0.25), Due::Made(picture));
        assert_eq!(betweens.find(2, wish(5, 0.0).times(), 0.5), Due::Unsure);
        for (camera, k, share) in [(2, 5, 0.75), (2, 6, 0.25), (1, 5, 0.25)] {
            assert_eq!(betweens.find(camera, wish(k, 0.0).times(), share), Due::Late, "{camera} {k} {share}");
        }
        assert!(betweens.choose(vec![wish(5, 0.25), wish(5, 0.5)]).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_what_is_needed_goes_last() {
        let mut betweens = Betweens::default();
        // 16 MiB each: sixteen fit.
        let picture = Arc::new(Picture::filled(2048, 2048, [9; 4]));
        let of = |k: i64| LivePicture { picture: Arc::clone(&picture), time: MediaTime::from_nanos(k * 20_000_000) };
        let large = |k: i64| BetweenWish { camera: 0, frames: [of(k), of(k + 1)], share: 0.5, on_air: false };
        for k in 0..40 {
            let list = betweens.choose((k..k + 30).map(large).collect());
            assert!(list.len() <= 16, "{} of thirty are asked for", list.len());
            betweens.add(&list[0], Some(Arc::clone(&picture)), 0.01);
            let bytes: usize = betweens.kept.iter().map(Kept::bytes).sum();
            assert!(bytes <= BUDGET_BYTES, "{bytes}");
            assert!(matches!(betweens.find(0, large(k).times(), 0.5), Due::Made(_)), "{k}");
        }
    }

    #[test]
    fn a_gpu_that_cannot_be_in_time_is_known_after_three_pictures() {
        let mut betweens = Betweens::default();
        for (k, secs) in [3.0, 0.05, 0.02].into_iter().enumerate() {
            assert!(!betweens.is_too_much(40.0), "nobody knows yet");
            betweens.add(&wish(k as i64, 0.5), None, secs);
        }
        assert!(betweens.is_too_much(200.0) && !betweens.is_too_much(100.0));
        betweens.forget_cost();
        assert!(!betweens.is_too_much(1e9));
        // Half of them may be late.
        for k in 0..JUDGED {
            assert!(!betweens.is_too_much(1.0), "{k}");
            betweens.passed(k % 2 == 0);
        }
        assert!(!betweens.is_too_much(1.0));
        betweens.passed(true);
        betweens.passed(true);
        assert!(betweens.is_too_much(1.0));
    }
}
