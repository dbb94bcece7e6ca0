//! The thread as it runs in a show: the hall is learned anew when all cameras were calibrated anew, and a bump after that is one against the new rig.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use glam::{DMat3, DVec2, DVec3};

use super::*;
use crate::{
    engine::{FeedStatus, RingStatus},
    geometry::{Lens, Pose},
    replay::EventId,
    rig::{Camera, Rig},
    time::FrameRate,
};

const SIZE_PX: (u32, u32) = (320, 180);
/// House time runs so many times faster than the clock on the wall.
const FASTER: i64 = 6;
const BUMPED: usize = 1;

/// Deterministic, 0 to 1.
fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Walls and floor of stones, lighter and darker, of two sizes.
fn brightness(p: DVec3) -> f64 {
    let stone = |size_m: f64| {
        let cell = (p / size_m).floor().as_i64vec3();
        noise((cell.x.wrapping_mul(73_856_093) ^ cell.y.wrapping_mul(19_349_663) ^ cell.z.wrapping_mul(83_492_791)).cast_unsigned())
    };
    40.0 + 120.0 * stone(0.31) + 60.0 * stone(0.13)
}

/// What a camera sees in a room of 10 m with a floor at 0.
fn seen(camera: &Camera) -> Arc<Picture> {
    let (eye, to_world) = (camera.center_in_world(), camera.camera_from_world.rotation.transpose());
    let at = |px: DVec2| {
        let ray = to_world * camera.lens.unproject(px);
        let walls = [(ray.x, eye.x, 5.0), (ray.y, eye.y, 5.0)]
            .map(|(d, o, far)| if d.abs() < 1e-9 { f64::INFINITY } else { (far * d.signum() - o) / d });
        let floor = if ray.z < 0.0 { -eye.z / ray.z } else { f64::INFINITY };
        brightness(eye + ray * walls[0].min(walls[1]).min(floor) * (1.0 - 1e-9))
    };
    let mut rgba = Vec::new();
    for (y, x) in (0..SIZE_PX.1).flat_map(|y| (0..SIZE_PX.0).map(move |x| (y, x))) {
        // Four samples per pixel, so that edges lie between pixels.
        let parts = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
        let value: f64 = parts.iter().map(|(dx, dy)| 0.25 * at(DVec2::new(f64::from(x) + dx, f64::from(y) + dy))).sum();
        rgba.extend([value as u8, value as u8, value as u8, 255]);
    }
    Arc::new(Picture::from_rgba(SIZE_PX.0, SIZE_PX.1, rgba).unwrap())
}

/// Cameras on an arc about the middle of the room, all turned by so much.
fn rig(turned_deg: f64) -> Rig {
    let camera = |k: u32| {
        let a = (f64::from(k) * 6.0 - 9.0 + turned_deg).to_radians();
        let eye = DVec3::new(4.0 * a.sin(), -4.0 * a.cos(), 1.6);
        Camera {
            name: format!("cam{k}"),
            width_px: SIZE_PX.0,
            height_px: SIZE_PX.1,
            lens: Lens::pinhole(260.0, 260.0, 160.0, 90.0),
            camera_from_world: Pose::look_at(eye, DVec3::new(0.0, 0.0, 1.0), DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    };
    Rig { cameras: (0..4).map(camera).collect(), points_in_world: vec![] }
}

/// One camera of a rig turned by 0.6°.
fn bumped(rig: &Rig) -> Camera {
    let mut camera = rig.cameras[BUMPED].clone();
    let turn = DMat3::from_axis_angle(DVec3::new(0.6, -0.64, 0.48), 0.6_f64.to_radians());
    let pose = &mut camera.camera_from_world;
    *pose = Pose { rotation: turn * pose.rotation, translation: turn * pose.translation };
    camera
}

/// Cameras that show one of some sets of pictures.
struct Room {
    rig: Rig,
    begun: Instant,
    sets: Vec<Vec<Arc<Picture>>>,
    shown: AtomicUsize,
}

impl Feeds for Room {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(FASTER * self.begun.elapsed().as_nanos() as i64)
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }

    fn status(&self) -> Vec<FeedStatus> {
        vec![]
    }

    fn ring(&self) -> RingStatus {
        RingStatus::default()
    }

    fn live_picture(&self, _: usize) -> Option<LivePicture> {
        None
    }

    fn watch_picture(&self, camera: usize, after: Option<MediaTime>) -> Option<LivePicture> {
        let time = MediaTime::from_nanos(self.now().nanos() / 500_000_000 * 500_000_000);
        let picture = Arc::clone(&self.sets[self.shown.load(Ordering::SeqCst)][camera]);
        after.is_none_or(|after| time > after).then_some(LivePicture { picture, time })
    }

    fn focus(&self, _: usize) {}

    fn moment(&self, _: MediaTime) -> Result<Moment, String> {
        Err("nobody asks".to_owned())
    }

    fn pin(&self, _: EventId, _: MediaTime, _: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _: EventId) {}
}

#[test]
fn after_a_new_calibration_the_hall_is_learned_anew_and_a_bump_is_one_against_the_new_rig() {
    let (before, after) = (rig(0.0), rig(3.0));
    let all = |rig: &Rig| rig.cameras.iter().map(seen).collect::<Vec<_>>();
    let mut with_bump = all(&after);
    with_bump[BUMPED] = seen(&bumped(&after));
    let sets = vec![all(&before), all(&after), with_bump];
    let room = Room { rig: before.clone(), begun: Instant::now(), sets, shown: AtomicUsize::new(0) };
    let (book, desk) = (RigBook::new(before), WatchDesk::default());
    let (out, reports) = crossbeam::channel::bounded::<WatchNews>(256);
    let show = |set: usize| room.shown.store(set, Ordering::SeqCst);
    let next = |what: &str, is_it: &dyn Fn(&WatchReport) -> bool| -> WatchNews {
        let until = Instant::now() + Duration::from_mins(2);
        loop {
            let news = reports.recv_deadline(until).unwrap_or_else(|e| panic!("{what} was not reported: {e}"));
            if is_it(&news.1) {
                return news;
            }
        }
    };
    let is_learned = |r: &WatchReport| matches!(r, WatchReport::Learned { .. });
    std::thread::scope(|threads| {
        threads.spawn(|| run(&room, &book, &desk, &out));
        // Whatever fails below, the thread ends.
        let ends = scopeguard(&desk);
        let (edition, learned) = next("the hall", &is_learned);
        assert!(matches!((edition, &learned), (0, WatchReport::Learned { points, .. }) if points.iter().all(|p| *p >= 16)), "{learned:?}");

        // Somebody turned the tower that carries all of them, and calibrated anew.
        show(1);
        book.renew(room.now(), after.clone());
        let (edition, learned) = next("the hall of the new rig", &is_learned);
        assert!(matches!((edition, &learned), (1, WatchReport::Learned { points, .. }) if points.iter().all(|p| *p >= 16)), "{learned:?}");

        show(2);
        let moved = |r: &WatchReport| matches!(r, WatchReport::Bumped { .. });
        let (edition, report) = next("the bump", &moved);
        let WatchReport::Bumped { camera, turned_rad, .. } = report else { unreachable!() };
        assert_eq!((edition, camera), (1, BUMPED));
        assert!((turned_rad.to_degrees() - 0.6).abs() < 0.1, "{}°", turned_rad.to_degrees());
        let solved = |r: &WatchReport| matches!(r, WatchReport::Solved { .. });
        let (edition, report) = next("the new place", &solved);
        let WatchReport::Solved { resolved, .. } = report else { unreachable!() };
        let truth = bumped(&after);
        let p = DVec3::new(0.0, 0.0, 1.0);
        let off = (resolved.camera.project(p).unwrap() - truth.project(p).unwrap()).length();
        assert!(edition == 1 && off < 0.5, "{off} px");
        drop(ends);
    });
}

/// Ends the thread when it is dropped.
fn scopeguard(desk: &WatchDesk) -> impl Drop + '_ {
    struct Ends<'a>(&'a WatchDesk);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.stop();
        }
    }
    Ends(desk)
}
