//! What else can be wrong with a camera: out of focus, dirty, flickering, stuck pixels. Each is found on the venue and on real footage and is
//! forgotten when it is mended; and where nothing is wrong, nothing is said.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::PathBuf;

use volte::{
    calibrate::{Ailment, Checkup},
    engine::{export::MomentSource as _, footage::Footage},
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    output::CancelToken,
    rig::{Rig, load},
    time::{FrameRate, MediaTime},
    venue::{Faults, Venue, VenueOptions, VenueRig, dirt_at, stuck_at},
};

mod support {
    pub mod data;
}
use support::data::data;

/// From look to look.
const EVERY_SECS: f64 = 2.0;
/// The healthy show before the fault, the time with the fault, and the time after it, looks.
const LOOKS: [usize; 3] = [8, 36, 9];

/// What cameras show, over and over.
struct Show {
    /// By camera, by instant.
    pictures: Vec<Vec<Picture>>,
}

impl Show {
    fn venue() -> Self {
        let gpu = Gpu::open(&GpuOptions::default()).unwrap();
        let mut venue = Venue::new(&gpu, VenueOptions { samples: 2, ..VenueOptions::default() }).unwrap();
        let rig = VenueRig::of_size(480, 270).on_arc(3, 60.0);
        let mut of =
            |camera| (0..5).map(|k| venue.render_picture(camera, MediaTime::from_secs_f64(0.38 * f64::from(k))).unwrap()).collect();
        let pictures = rig.cameras.iter().map(&mut of).collect();
        Self { pictures }
    }

    fn footage(rig: &Rig, files: &[PathBuf], every_secs: f64, count: usize, shrink: u32) -> Self {
        let mut footage = Footage::beginning(rig, files, every_secs * count as f64, &CancelToken::default()).unwrap();
        let (from, _) = footage.span();
        let mut pictures = vec![Vec::new(); rig.cameras.len()];
        for k in 0..count {
            let moment = footage.moment_at(from.plus_nanos((k as f64 * every_secs * 1e9) as i64)).unwrap();
            for (i, camera) in rig.cameras.iter().enumerate() {
                let frame = moment.frames.iter().find(|f| f.camera == camera.name);
                // Small: what is judged is the same, and there is much to look at.
                pictures[i].extend(frame.map(|f| f.picture.resized(f.picture.width() / shrink, f.picture.height() / shrink)));
            }
        }
        Self { pictures }
    }

    /// What a camera shows at a time, with its faults.
    fn shown(&self, camera: usize, time: MediaTime, frame: usize, faults: &Faults) -> Picture {
        let all = &self.pictures[camera];
        let mut picture = all[frame % all.len()].clone();
        faults.degrade_at(&mut picture, time.nanos() / 1_000_000, time);
        picture
    }

    /// Looks at all cameras, camera 1 with these faults: all that was said of it with the look at which it changed, and nothing of the others.
    fn said(&self, faults: &str) -> Vec<(usize, Vec<Ailment>)> {
        let faults: Faults = faults.parse().unwrap();
        let healthy = Faults::default();
        let mut checkup = Checkup::new(self.pictures.len());
        let mut said: Vec<(usize, Vec<Ailment>)> = Vec::new();
        for look in 0..LOOKS.iter().sum() {
            let time = MediaTime::from_secs_f64(look as f64 * EVERY_SECS);
            for camera in 0..self.pictures.len() {
                let own = if camera == 1 { &faults } else { &healthy };
                checkup.look(camera, &self.shown(camera, time, look, own), time);
                if camera == 1 && look % 4 == 0 {
                    let rate = FrameRate::whole(25);
                    let frames: Vec<Picture> =
                        (0..12).map(|k| self.shown(camera, time.plus_nanos(rate.frame_nanos(k)), look + k as usize / 6, own)).collect();
                    checkup.look_at_burst(camera, &frames.iter().collect::<Vec<_>>());
                }
            }
            let now = checkup.ailments(1);
            if said.last().map_or(!now.is_empty(), |(_, was)| was.len() != now.len()) {
                said.push((look, now));
            }
            for camera in (0..self.pictures.len()).filter(|c| *c != 1) {
                assert_eq!(checkup.ailments(camera), [], "camera {camera} at look {look} is healthy");
            }
        }
        said
    }

    /// Finds one fault, once, in time, and its end.
    fn finds(&self, fault: &str, is_it: impl Fn(&Ailment) -> bool) {
        let time = |looks: usize| looks as f64 * EVERY_SECS - 0.5;
        let (from, until) = (time(LOOKS[0]), time(LOOKS[0] + LOOKS[1]));
        let (name, strength) = fault.split_once('/').unwrap();
        let said = self.said(&format!("{name}={from}s-{until}s/{strength}"));
        println!("{fault}: {said:?}");
        let [(found, ailments), (mended, none)] = &said[..] else { panic!("{fault}: {said:?}") };
        assert!(ailments.len() == 1 && is_it(&ailments[0]), "{fault}: {ailments:?}");
        assert!(*found >= LOOKS[0] && *mended >= LOOKS[0] + LOOKS[1] && none.is_empty(), "{fault}: {said:?}");
    }
}

fn finds_all(show: &Show, strength: [f64; 4]) {
    let (w, h) = (show.pictures[1][0].width(), show.pictures[1][0].height());
    let [blur, dirt, flicker, stuck] = strength;
    show.finds(&format!("blur/{blur}"), |a| matches!(a, Ailment::Blurred { detail_percent } if *detail_percent < 60.0));
    let [x, y] = dirt_at(1);
    let is_there = |at: &[f32; 2]| (at[0] - x).abs() < 0.1 && (at[1] - y).abs() < 0.2;
    show.finds(&format!("dirt/{dirt}"), |a| matches!(a, Ailment::Dirty { at, .. } if is_there(at)));
    let is_measured = |percent: f32| (f64::from(percent) - 100.0 * flicker).abs() < 25.0 * flicker;
    show.finds(&format!("flicker/{flicker}"), |a| matches!(a, Ailment::Flickers { percent } if is_measured(*percent)));
    let placed = stuck_at(stuck as usize, w, h, 1);
    let is_one = |at: &[u32; 2]| placed.contains(&(at[0], at[1]));
    show.finds(&format!("stuck/{stuck}"), |a| matches!(a, Ailment::StuckPixels { count, at } if *count <= placed.len() && is_one(at)));
}

#[test]
fn in_the_venue_each_fault_is_named_and_forgotten_when_it_is_mended() {
    let show = Show::venue();
    for healthy in ["", "noise=1,ev=-0.7,kelvin=4300,vignette=0.3,gamma=1.1"] {
        assert_eq!(show.said(healthy), [], "{healthy:?}");
    }
    finds_all(&show, [2.0, 0.2, 0.08, 60.0]);
}

#[test]
fn on_real_footage_too_and_nothing_is_said_where_nothing_is_wrong() {
    let rig = load(&data("balance/Calib.qca.txt")).unwrap();
    let show = Show::footage(&rig, &[data("balance")], 0.1, 16, 2);
    assert_eq!(show.said(""), []);
    finds_all(&show, [2.0, 0.2, 0.08, 6.0]);
}

/// A board is carried through this one, and people stand before the cameras.
#[test]
fn people_who_stand_about_are_no_dirt() {
    let mut rig = load(&data("charuco/camera_array.toml")).unwrap();
    rig.cameras.iter_mut().for_each(|c| c.name = format!("cam_{}", c.name));
    let show = Show::footage(&rig, &[data("charuco")], 0.5, 36, 2);
    assert_eq!(show.said(""), []);
}
