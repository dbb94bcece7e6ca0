//! Plates that are learned while the show runs, from the pictures that the watch looks at anyway: what each camera knows, when that has
//! changed enough to be used, and who must begin anew.
//!
//! Memory is bounded: beyond [`MOST_BYTES`] cameras have none. Must not know: threads, the GPU, what is done with plates.

use std::sync::Arc;

use super::{
    LivePicture,
    plates::{LEAST_KNOWN, NamedPlate},
};
use crate::{
    frame::Picture,
    rig::Rig,
    scene::{
        plate::Plate,
        slow_plate::{SlowPlate, Taken},
    },
    time::MediaTime,
};

/// Media time between two pictures that a plate learns from, nanoseconds.
const EVERY_NANOS: i64 = 2_000_000_000;
/// All plates together take so much memory at most.
const MOST_BYTES: u64 = 1_500_000_000;
/// Looked at after so many pictures whether the plate has changed; then every thirty.
const LOOKED_AT: [u32; 6] = [10, 15, 20, 30, 45, 60];
/// Changes are told once there was no other for so long, so that all cameras' plates come together, nanoseconds.
const SETTLED_NANOS: i64 = 3_000_000_000;
/// They wait no longer than this, nanoseconds.
const LATEST_NANOS: i64 = 15_000_000_000;
/// A plate has changed where so much more or less of it is known …
const CHANGED_KNOWN: f64 = 0.02;
/// … or this share of its pixels is another colour,
const CHANGED_SHARE: f64 = 0.005;
/// by more code values than this.
const CHANGED_BY: u8 = 16;

/// What became of plates: by camera, in the rig's order.
#[derive(Debug, Clone)]
pub(super) struct PlateNews {
    /// The plates that are good for anything.
    pub plates: Vec<Option<Arc<Plate>>>,
    /// How much of each camera's plate is known, 0…1; `None` before anything can be said.
    pub known: Vec<Option<f32>>,
}

/// Plates of one time, with the cameras as they stood.
#[derive(Debug)]
pub(super) struct PlateSet {
    /// Another one is another set.
    pub number: u64,
    /// The cameras that have a plate.
    pub rig: Rig,
    /// Theirs, in the same order.
    pub plates: Vec<NamedPlate>,
}

impl PlateSet {
    /// Of the cameras that have a plate of their size; `None` where they are fewer than two.
    pub fn of(number: u64, rig: &Rig, plates: &[Option<Arc<Plate>>]) -> Option<Self> {
        let fits = |(i, plate): (usize, &Option<Arc<Plate>>)| {
            let (camera, plate) = (rig.cameras.get(i)?, plate.as_ref()?);
            let same = (plate.picture.width(), plate.picture.height()) == (camera.width_px, camera.height_px);
            same.then(|| (i, (camera.name.clone(), Arc::clone(plate))))
        };
        let (keep, plates): (Vec<usize>, Vec<NamedPlate>) = plates.iter().enumerate().filter_map(fits).unzip();
        (plates.len() >= 2).then(|| Self { number, rig: rig.restricted_to(&keep), plates })
    }

    /// The plates of cameras that stand in `rig` as they stood.
    pub fn of_rig(&self, rig: &Rig) -> Vec<NamedPlate> {
        let stands = |camera: &&crate::rig::Camera| rig.camera(&camera.name) == Some(camera);
        let names: Vec<&str> = self.rig.cameras.iter().filter(stands).map(|c| c.name.as_str()).collect();
        self.plates.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect()
    }
}

/// What one camera has learned.
#[derive(Debug, Default)]
struct Learning {
    slow: Option<SlowPlate>,
    taken: Option<MediaTime>,
    /// The plate as it was told last.
    given: Option<Arc<Plate>>,
    known: Option<f32>,
    /// Its pictures are not to be learned from.
    barred: bool,
}

/// What all of them have.
#[derive(Debug)]
pub(super) struct PlateLearner {
    cameras: Vec<Learning>,
    most_bytes: u64,
    /// Since when there is something to tell, and since when nothing was added to it.
    changed: Option<(MediaTime, MediaTime)>,
    /// It is to be told at once.
    urgent: bool,
    newest: MediaTime,
}

impl PlateLearner {
    pub fn new(cameras: usize) -> Self {
        Self {
            cameras: (0..cameras).map(|_| Learning::default()).collect(),
            most_bytes: MOST_BYTES,
            changed: None,
            urgent: false,
            newest: MediaTime::ZERO,
        }
    }

    /// Whether a camera's picture is wanted: the time of the last one that was taken.
    pub fn taken(&self, camera: usize) -> Option<MediaTime> {
        self.cameras.get(camera).and_then(|c| c.taken)
    }

    /// Whether a picture of that time is due.
    pub fn is_due(&self, camera: usize, time: MediaTime) -> bool {
        self.cameras.get(camera).is_some_and(|c| !c.barred && c.taken.is_none_or(|taken| time.nanos() - taken.nanos() >= EVERY_NANOS))
    }

    /// A camera's picture; learned from if its turn has come.
    pub fn offer(&mut self, camera: usize, live: &LivePicture) {
        self.newest = self.newest.max(live.time);
        if !self.is_due(camera, live.time) {
            return;
        }
        let size = (live.picture.width(), live.picture.height());
        let others: u64 = self.bytes_without(camera);
        let Some(learning) = self.cameras.get_mut(camera) else { return };
        learning.taken = Some(live.time);
        if others + SlowPlate::bytes_of(size) > self.most_bytes {
            if learning.slow.take().is_some() {
                self.forget(camera);
            }
            return;
        }
        let Some(slow) = &mut learning.slow else {
            learning.slow = Some(SlowPlate::new(&live.picture));
            return;
        };
        match slow.take(&live.picture) {
            Taken::Learned => {}
            Taken::Skipped => return,
            Taken::Restarted => {
                learning.known = None;
                if learning.given.take().is_some() {
                    (self.changed, self.urgent) = (Some((live.time, live.time)), true);
                }
                return;
            }
        }
        let n = slow.pictures();
        if LOOKED_AT.contains(&n) || n > LOOKED_AT[5] && n.is_multiple_of(30) {
            self.look(camera, live.time);
        }
    }

    /// Whether the plate is good, and another one than was told.
    fn look(&mut self, camera: usize, time: MediaTime) {
        let Some(learning) = self.cameras.get_mut(camera) else { return };
        let Some(plate) = learning.slow.as_ref().and_then(|slow| slow.plate().ok()) else { return };
        let known = plate.known_share();
        let before = learning.known.replace(known as f32);
        let plate = (known >= LEAST_KNOWN).then_some(plate);
        let is_news = match (&learning.given, &plate) {
            (Some(was), Some(now)) => has_changed(was, now),
            (was, now) => was.is_some() != now.is_some(),
        };
        if is_news {
            learning.given = plate.map(Arc::new);
        }
        if is_news || before.is_none_or(|before| (f64::from(before) - known).abs() >= CHANGED_KNOWN) {
            let since = self.changed.map_or(time, |(since, _)| since);
            self.changed = Some((since, time));
        }
    }

    /// A camera was bumped, is dirty or was learned anew: what it knew is of no use.
    pub fn forget(&mut self, camera: usize) {
        let Some(learning) = self.cameras.get_mut(camera) else { return };
        let barred = learning.barred;
        let was = std::mem::replace(learning, Learning { barred, taken: learning.taken, ..Learning::default() });
        if was.given.is_some() || was.known.is_some() {
            (self.changed, self.urgent) = (Some((self.newest, self.newest)), true);
        }
    }

    /// A camera's pictures are not to be learned from (any more).
    pub fn bar(&mut self, camera: usize, barred: bool) {
        let was = self.cameras.get_mut(camera).is_some_and(|c| std::mem::replace(&mut c.barred, barred));
        if was != barred {
            self.forget(camera);
        }
    }

    /// All that was learned is thrown away.
    pub fn clear(&mut self) {
        (0..self.cameras.len()).for_each(|camera| self.forget(camera));
    }

    /// What is to be told, once.
    pub fn news(&mut self) -> Option<PlateNews> {
        let (since, last) = self.changed?;
        let is_settled = self.newest.nanos() - last.nanos() >= SETTLED_NANOS || self.newest.nanos() - since.nanos() >= LATEST_NANOS;
        if !self.urgent && !is_settled {
            return None;
        }
        (self.changed, self.urgent) = (None, false);
        Some(PlateNews {
            plates: self.cameras.iter().map(|c| c.given.clone()).collect(),
            known: self.cameras.iter().map(|c| c.known).collect(),
        })
    }

    fn bytes_without(&self, camera: usize) -> u64 {
        let size = |c: &Learning| c.slow.as_ref().map_or(0, |slow| SlowPlate::bytes_of(slow.size()));
        self.cameras.iter().enumerate().filter(|(i, _)| *i != camera).map(|(_, c)| size(c)).sum()
    }
}

/// Whether a plate differs from what it was by more than its own noise.
fn has_changed(was: &Plate, now: &Plate) -> bool {
    if (was.known_share() - now.known_share()).abs() >= CHANGED_KNOWN || was.spread.len() != now.spread.len() {
        return true;
    }
    let (mut looked, mut other) = (0_u32, 0_u32);
    let pixels = |p: &Plate| -> Vec<[u8; 4]> {
        let picture: &Picture = &p.picture;
        picture.rgba().chunks_exact(4).step_by(5).map(|p| [p[0], p[1], p[2], p[3]]).collect()
    };
    for (a, b) in pixels(was).into_iter().zip(pixels(now)) {
        let both = a[3] >= 128 && b[3] >= 128;
        looked += 1;
        other += u32::from((a[3] >= 128) != (b[3] >= 128) || both && (0..3).any(|c| a[c].abs_diff(b[c]) > CHANGED_BY));
    }
    f64::from(other) > CHANGED_SHARE * f64::from(looked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(t: i64, size: (u32, u32), shift: usize) -> LivePicture {
        let rgba = (0..size.0 as usize * size.1 as usize).flat_map(|i| {
            let v = (((i + shift) * 2_654_435_761) >> 9) as u8 % 200 + 20;
            [v, v, v, 255]
        });
        LivePicture {
            picture: Arc::new(Picture::from_rgba(size.0, size.1, rgba.collect()).unwrap()),
            time: MediaTime::from_nanos(t * EVERY_NANOS),
        }
    }

    const SIZE: (u32, u32) = (64, 36);

    fn told(learner: &mut PlateLearner) -> Option<Vec<bool>> {
        learner.news().map(|n| n.plates.iter().map(Option::is_some).collect())
    }

    #[test]
    fn plates_are_told_together_once_they_are_known_and_not_again_while_nothing_changes() {
        let mut learner = PlateLearner::new(3);
        for t in 0..10 {
            learner.offer(0, &live(t, SIZE, 0));
            learner.offer(0, &live(t, SIZE, 1234));
            learner.offer(1, &live(t, SIZE, 7));
            assert!(learner.news().is_none(), "{t}: nothing is known yet");
        }
        learner.offer(0, &live(10, SIZE, 0));
        learner.offer(0, &live(12, SIZE, 0));
        assert_eq!(told(&mut learner), Some(vec![true, true, false]), "too often offered pictures do no harm");
        for t in 13..80 {
            learner.offer(0, &live(t, SIZE, 0));
            learner.offer(1, &live(t, SIZE, 7));
            assert!(told(&mut learner).is_none(), "{t}: nothing has changed");
        }
    }

    #[test]
    fn a_camera_that_was_bumped_or_is_dirty_loses_its_plate_at_once() {
        let mut learner = PlateLearner::new(2);
        let learn = |learner: &mut PlateLearner, from: i64, shift: usize| {
            for t in from..from + 14 {
                learner.offer(0, &live(t, SIZE, 0));
                learner.offer(1, &live(t, SIZE, shift));
            }
        };
        learn(&mut learner, 0, 7);
        assert_eq!(told(&mut learner), Some(vec![true, true]));
        learner.forget(1);
        assert_eq!(told(&mut learner), Some(vec![true, false]));
        learn(&mut learner, 20, 31);
        assert_eq!(told(&mut learner), Some(vec![true, true]));
        learner.bar(1, true);
        assert_eq!(told(&mut learner), Some(vec![true, false]));
        learn(&mut learner, 40, 31);
        assert_eq!(told(&mut learner), None, "dirt is learned");
        learner.bar(1, false);
        learn(&mut learner, 60, 31);
        assert_eq!(told(&mut learner), Some(vec![true, true]));
        // Turned away without anybody's word: a few pictures in a row show something else.
        let lost = (80..90).find_map(|t| {
            learner.offer(1, &live(t, SIZE, 1234));
            told(&mut learner)
        });
        assert_eq!(lost, Some(vec![true, false]));
        learner.clear();
        assert_eq!(told(&mut learner), Some(vec![false, false]));
    }

    #[test]
    fn memory_is_bounded() {
        let mut learner = PlateLearner::new(3);
        learner.most_bytes = 2 * SlowPlate::bytes_of(SIZE);
        for t in 0..14 {
            (0..3).for_each(|camera| learner.offer(camera, &live(t, SIZE, camera)));
        }
        assert_eq!(told(&mut learner), Some(vec![true, true, false]));
        // One that becomes larger gives way.
        (14..20).for_each(|t| learner.offer(0, &live(t, (640, 360), 0)));
        assert_eq!(told(&mut learner), Some(vec![false, true, false]));
    }

    #[test]
    fn a_set_is_of_cameras_that_stand_and_have_the_size_of_their_plate() {
        use crate::geometry::{Lens, Pose};
        let camera = |name: &str| crate::rig::Camera {
            name: name.to_owned(),
            width_px: 64,
            height_px: 36,
            lens: Lens::pinhole(60.0, 60.0, 32.0, 18.0),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 0,
        };
        let rig = Rig { cameras: ["a", "b", "c"].map(camera).to_vec(), points_in_world: vec![] };
        let plate = |w: u32| Some(Arc::new(Plate::given(Picture::filled(w, 36, [9; 4]))));
        assert!(PlateSet::of(1, &rig, &[plate(64), plate(60), None]).is_none(), "one is too few");
        let set = PlateSet::of(1, &rig, &[plate(64), plate(64), None]).unwrap();
        let mut moved = rig.clone();
        moved.cameras[1].camera_from_world.translation.x = 0.1;
        let names = |plates: Vec<NamedPlate>| plates.into_iter().map(|p| p.0).collect::<Vec<_>>();
        assert_eq!((names(set.of_rig(&rig)), names(set.of_rig(&moved))), (vec!["a".to_owned(), "b".to_owned()], vec!["a".to_owned()]));
    }
}
