//! Which rig belongs to which instant. A camera that is bumped stands elsewhere from then on: moments from before are solved with
//! the rig of before, moments from after with the camera where it was solved anew, and in between the camera is left out, by name.
//! A rig that was calibrated in mid-show counts from its instant on.
//!
//! One writer (the engine), any number of readers that never wait. Must not know: who notices a bump, pictures.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{
    frame::Moment,
    geometry::Pose,
    rig::{Camera, Rig},
    time::MediaTime,
};

/// A time in which nobody knows where a camera stood.
#[derive(Debug, Clone, PartialEq)]
struct Absence {
    camera: usize,
    /// When it was last seen to stand: frames of this time are good.
    after: MediaTime,
    /// From here on it stands where it was solved; `None` while it is not.
    until: Option<MediaTime>,
    why: String,
}

impl Absence {
    /// Whether a frame of `time`, used for the instant `instant`, falls into it.
    fn holds(&self, instant: MediaTime, time: MediaTime) -> bool {
        instant.max(time) > self.after && self.until.is_none_or(|until| instant.min(time) < until)
    }
}

#[derive(Debug, Clone)]
struct Pages {
    /// (from, rig), in order of time; the first is from the beginning.
    rigs: Vec<(MediaTime, Arc<Rig>)>,
    absences: Vec<Absence>,
    /// How often all cameras were calibrated anew.
    edition: u64,
}

/// The book.
#[derive(Debug)]
pub(super) struct RigBook(ArcSwap<Pages>);

impl RigBook {
    /// A show that begins with this rig.
    pub fn new(rig: Rig) -> Self {
        Self(ArcSwap::from_pointee(Pages {
            rigs: vec![(MediaTime::from_nanos(i64::MIN), Arc::new(rig))],
            absences: Vec::new(),
            edition: 0,
        }))
    }

    /// Whether anybody knows where the cameras stand now: a show may be opened before there is a rig.
    pub fn is_calibrated(&self) -> bool {
        is_placed(&self.newest())
    }

    /// How often all cameras were calibrated anew. What was found with the rig of another edition is of another world.
    pub fn edition(&self) -> u64 {
        self.0.load().edition
    }

    /// From `from` on all cameras stand as this rig has them, which has the same cameras in the same order. What was missing until then is
    /// there again.
    pub fn renew(&self, from: MediaTime, rig: Rig) {
        let rig = Arc::new(rig);
        self.write(|pages| {
            // Pages stay in the order of time.
            let from = pages.rigs.last().map_or(from, |(last, _)| from.max(*last));
            pages.rigs.push((from, Arc::clone(&rig)));
            for absence in pages.absences.iter_mut().filter(|a| a.after < from && a.until.is_none_or(|until| until > from)) {
                absence.until = Some(from);
            }
            pages.edition += 1;
        });
    }

    /// The rig as it stood at an instant.
    pub fn at(&self, instant: MediaTime) -> Arc<Rig> {
        let pages = self.0.load();
        // The first page is from the beginning of time.
        let page = pages.rigs.iter().rposition(|(from, _)| *from <= instant).unwrap_or(0);
        Arc::clone(&pages.rigs[page].1)
    }

    /// The rig as it stands now.
    pub fn newest(&self) -> Arc<Rig> {
        self.at(MediaTime::from_nanos(i64::MAX))
    }

    /// A camera stood until `after`; where it stands since is not known.
    pub fn bumped(&self, camera: usize, after: MediaTime, why: &str) {
        self.write(|pages| {
            // Bumped again before it was solved: it is one absence.
            if !pages.absences.iter().any(|a| a.camera == camera && a.until.is_none()) {
                pages.absences.push(Absence { camera, after, until: None, why: why.to_owned() });
            }
        });
    }

    /// From `from` on the camera stands here; `None`: where it stood before.
    pub fn stands_again(&self, camera: usize, from: MediaTime, solved: Option<&Camera>) {
        self.write(|pages| {
            // Two cameras may be solved in any order of time: pages stay in theirs.
            let last = pages.rigs.last().map_or(from, |(last, _)| *last);
            let from = if solved.is_some() { from.max(last) } else { from };
            for absence in pages.absences.iter_mut().filter(|a| a.camera == camera && a.until.is_none()) {
                absence.until = Some(from);
            }
            let Some(solved) = solved else { return };
            let mut rig = pages.rigs.last().map(|(_, rig)| rig.as_ref().clone()).unwrap_or_default();
            let Some(place) = rig.cameras.get_mut(camera) else { return };
            *place = solved.clone();
            pages.rigs.push((from, Arc::new(rig)));
        });
    }

    /// Why a camera's frame of `time` cannot be used for an instant, if so.
    pub fn absence(&self, camera: usize, instant: MediaTime, time: MediaTime) -> Option<String> {
        self.0.load().absences.iter().find(|a| a.camera == camera && a.holds(instant, time)).map(|a| a.why.clone())
    }

    /// A moment without the frames of cameras that stood nobody knows where.
    pub fn honest(&self, mut moment: Moment) -> Moment {
        let pages = self.0.load_full();
        if pages.absences.is_empty() {
            return moment;
        }
        let rig = &pages.rigs[0].1;
        // Others belong to the frames, one each, or there are none.
        let mut others = std::mem::take(&mut moment.others).into_iter();
        let has_others = others.len() > 0;
        for frame in std::mem::take(&mut moment.frames) {
            let other = others.next().flatten();
            let why = rig.index_of(&frame.camera).and_then(|i| self.absence(i, moment.instant, frame.time));
            if let Some(why) = why {
                moment.left_out.push((frame.camera, why));
            } else {
                moment.frames.push(frame);
                if has_others {
                    moment.others.push(other);
                }
            }
        }
        moment
    }

    fn write(&self, change: impl Fn(&mut Pages)) {
        self.0.rcu(|pages| {
            let mut pages = pages.as_ref().clone();
            change(&mut pages);
            pages
        });
    }
}

/// Whether its cameras have places: as long as they are not calibrated, all stand in the origin.
pub(super) fn is_placed(rig: &Rig) -> bool {
    rig.cameras.iter().any(|c| c.camera_from_world != Pose::IDENTITY)
}

#[cfg(test)]
mod tests {
    use glam::{DMat3, DVec3};

    use super::*;
    use crate::{
        frame::{MomentFrame, Picture},
        geometry::{Lens, Pose},
    };

    fn camera(name: &str, x_m: f64) -> Camera {
        let camera_from_world = Pose { rotation: DMat3::IDENTITY, translation: DVec3::new(-x_m, 0.0, 0.0) };
        let lens = Lens::pinhole(50.0, 50.0, 32.0, 18.0);
        Camera { name: name.to_owned(), width_px: 64, height_px: 36, lens, camera_from_world, clock_offset_nanos: 0 }
    }

    fn at(secs: i64) -> MediaTime {
        MediaTime::from_nanos(secs * 1_000_000_000)
    }

    fn book() -> RigBook {
        RigBook::new(Rig { cameras: vec![camera("a", 0.0), camera("b", 1.0), camera("c", 2.0)], ..Rig::default() })
    }

    fn x_m(book: &RigBook, secs: i64) -> Vec<f64> {
        book.at(at(secs)).cameras.iter().map(|c| c.center_in_world().x).collect()
    }

    #[test]
    fn every_instant_has_the_rig_of_its_time() {
        let book = book();
        book.bumped(1, at(10), "b was bumped");
        assert_eq!(x_m(&book, 12), [0.0, 1.0, 2.0]);
        book.stands_again(1, at(13), Some(&camera("b", 1.5)));
        assert_eq!((x_m(&book, 12), x_m(&book, 13)), (vec![0.0, 1.0, 2.0], vec![0.0, 1.5, 2.0]));
        // The next one knows of the first.
        book.bumped(0, at(20), "a was bumped");
        book.stands_again(0, at(21), Some(&camera("a", -0.5)));
        assert_eq!((x_m(&book, 20), x_m(&book, 30)), (vec![0.0, 1.5, 2.0], vec![-0.5, 1.5, 2.0]));
        assert!((book.newest().cameras[1].center_in_world().x - 1.5).abs() < 1e-12);
    }

    #[test]
    fn a_camera_is_left_out_between_the_last_look_at_which_it_stood_and_its_new_place() {
        let book = book();
        book.bumped(1, at(10), "b was bumped");
        // A second word on the same bump changes nothing.
        book.bumped(1, at(11), "again");
        let out = |secs: i64| book.absence(1, at(secs), at(secs));
        assert_eq!((out(10), out(11).as_deref(), out(100).is_some()), (None, Some("b was bumped"), true));
        book.stands_again(1, at(13), None);
        assert_eq!((out(12).is_some(), out(13)), (true, None));
        // A frame from before for an instant after, and the other way round, does not count for either.
        assert!(book.absence(1, at(13), at(12)).is_some() && book.absence(1, at(12), at(13)).is_some());
        assert_eq!(book.absence(0, at(12), at(12)), None);
        assert_eq!(x_m(&book, 20), [0.0, 1.0, 2.0], "it stands where it stood");
    }

    #[test]
    fn a_new_calibration_counts_from_its_instant_on_and_ends_every_absence() {
        let book = book();
        assert!(book.is_calibrated() && !RigBook::new(Rig { cameras: vec![Camera::unposed("a")], ..Rig::default() }).is_calibrated());
        book.bumped(1, at(10), "b was bumped");
        let renewed = Rig { cameras: vec![camera("a", 7.0), camera("b", 8.0), camera("c", 9.0)], ..Rig::default() };
        book.renew(at(20), renewed);
        assert_eq!((x_m(&book, 19), x_m(&book, 20), book.edition()), (vec![0.0, 1.0, 2.0], vec![7.0, 8.0, 9.0], 1));
        assert_eq!((book.absence(1, at(15), at(15)).is_some(), book.absence(1, at(20), at(20))), (true, None));
        // What is bumped later is left out of the new one.
        book.bumped(2, at(30), "c was bumped");
        assert!(book.absence(2, at(31), at(31)).is_some());
        book.stands_again(2, at(32), Some(&camera("c", 9.5)));
        assert_eq!((x_m(&book, 31), x_m(&book, 32)), (vec![7.0, 8.0, 9.0], vec![7.0, 8.0, 9.5]));
        assert_eq!(book.edition(), 1, "one camera alone is no new calibration");
    }

    #[test]
    fn moments_name_the_camera_that_is_left_out_and_keep_the_others_in_step() {
        let book = book();
        let frame = |name: &str| MomentFrame {
            camera: name.to_owned(),
            picture: Arc::new(Picture::filled(4, 4, [9; 4])),
            time: at(12),
            error_nanos: 0,
            retimed: false,
        };
        let other = |secs: i64| Some((Arc::new(Picture::filled(4, 4, [9; 4])), at(secs)));
        let moment = Moment {
            instant: at(12),
            frames: ["a", "b", "c"].map(frame).to_vec(),
            others: vec![other(1), other(2), other(3)],
            ..Moment::default()
        };
        assert_eq!(book.honest(moment.clone()).frames.len(), 3);
        book.bumped(1, at(11), "b was bumped");
        let honest = book.honest(moment);
        assert_eq!(honest.frames.iter().map(|f| f.camera.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(honest.others.iter().flatten().map(|o| o.1).collect::<Vec<_>>(), [at(1), at(3)]);
        assert_eq!(honest.left_out, [("b".to_owned(), "b was bumped".to_owned())]);
    }
}
