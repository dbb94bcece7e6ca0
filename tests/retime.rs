//! Pictures between two frames of a camera.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use volte::{
    engine::{
        Command, Engine, EngineOptions, FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus, Snapshot,
        retime::RetimePolicy,
        truth::{Hidden, TruthMeter},
    },
    frame::{Moment, MomentFrame, Picture, metrics::psnr_db},
    gpu::{Gpu, GpuOptions},
    replay::{EventId, Readiness},
    rig::Rig,
    scene::{Quality, Retimer},
    time::{FrameRate, MediaTime},
    venue::{Venue, VenueOptions, VenueRig},
    view::ViewMode,
};
#[cfg(feature = "gstreamer")]
use volte::{
    engine::{export::MomentSource as _, footage::Footage},
    frame::dissolve,
    output::CancelToken,
    scene::Missed,
};

#[cfg(feature = "gstreamer")]
mod support {
    pub mod data;
}
#[cfg(feature = "gstreamer")]
use support::data::data;

/// PSNR over the pixels that move or should: where any two of the pictures differ visibly.
fn moving(truth: &Picture, frames: [&Picture; 2]) -> Vec<bool> {
    let px = |p: &Picture, i: usize| p.rgba()[4 * i..4 * i + 3].iter().map(|v| i32::from(*v)).collect::<Vec<_>>();
    (0..truth.width() as usize * truth.height() as usize)
        .map(|i| {
            let [t, a, b] = [truth, frames[0], frames[1]].map(|p| px(p, i));
            (0..3).any(|c| (t[c] - a[c]).abs().max((t[c] - b[c]).abs()) > 10)
        })
        .collect()
}

#[test]
fn the_picture_between_two_frames_is_truer_than_the_nearer_frame() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 4, ..VenueOptions::default() }).unwrap();
    let rig = VenueRig::arc(3, 30.0, 6.0, (800, 450));
    let retimer = Retimer::new(&gpu).unwrap();
    let mut gains = Vec::new();
    for (at_secs, share, interval_nanos) in
        [(0.4, 0.3, 40_000_000_i64), (0.9, 0.5, 40_000_000), (1.3, 0.4, 20_000_000), (0.6, 0.15, 40_000_000)]
    {
        let begin = MediaTime::from_secs_f64(at_secs);
        let mut draw = |nanos: i64| venue.render_picture(&rig.cameras[1], begin.plus_nanos(nanos)).unwrap();
        let (a, b) = (draw(0), draw(interval_nanos));
        let truth = draw((interval_nanos as f32 * share) as i64);
        let start = std::time::Instant::now();
        let got = retimer.between(&gpu, [&a, &b], share).unwrap().picture;
        let secs = start.elapsed().as_secs_f64();
        let mask = moving(&truth, [&a, &b]);
        let score = |p: &Picture| psnr_db(p, &truth, Some(&mask)).unwrap();
        let nearer = if share > 0.5 { &b } else { &a };
        println!("{at_secs} s, share {share}: {:.2} dB, nearer frame {:.2} dB, {secs:.2} s", score(&got), score(nearer));
        gains.push(score(&got) - score(nearer));
        if let Some(folder) = std::env::var_os("VOLTE_TEST_PICTURES") {
            let folder = std::path::Path::new(&folder);
            for (name, p) in [("a", &a), ("b", &b), ("truth", &truth), ("got", &got)] {
                p.save(&folder.join(format!("retime-{at_secs}-{name}.png"))).unwrap();
            }
        }
    }
    assert!(gains.iter().all(|gain| *gain > 2.0), "{gains:?}");
}

/// Five cameras at 25 frames a second that saw their nearest frames up to 20 ms beside the instant; the middle one is hidden and
/// compared, on the athlete, with what it would have seen at the instant itself.
#[test]
fn an_athlete_in_motion_is_truer_from_interpolated_frames_than_from_nearest_ones() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 4, ..VenueOptions::default() }).unwrap();
    let mut rig = VenueRig::arc(5, 20.0, 6.0, (480, 270));
    for camera in &mut rig.cameras {
        camera.lens.fx_px *= 1.6;
        camera.lens.fy_px *= 1.6;
    }
    let retimer = Retimer::new(&gpu).unwrap();
    let mut meter = TruthMeter::new(&gpu, Quality::Air.scene()).unwrap();
    let mut gains = Vec::new();
    for at_secs in [0.5, 1.0] {
        let instant = MediaTime::from_secs_f64(at_secs);
        let mut draw = |camera: usize, nanos: i64| venue.render_picture(&rig.cameras[camera], instant.plus_nanos(nanos)).unwrap();
        let errors_ms: [i64; 5] = [-18, 16, 0, -14, 20];
        let (mut nearest, mut exact) = (Vec::new(), Vec::new());
        for (camera, error_ms) in errors_ms.iter().enumerate().filter(|(c, _)| *c != 2) {
            let near = draw(camera, error_ms * 1_000_000);
            let other = draw(camera, (error_ms - 40 * error_ms.signum()) * 1_000_000);
            exact.push(retimer.between(&gpu, [&near, &other], error_ms.abs() as f32 / 40.0).unwrap().picture);
            nearest.push(near);
        }
        let truth = venue.render(&rig.cameras[2], instant).unwrap();
        let athlete: Vec<bool> = truth.matte.iter().map(|m| *m > 0).collect();
        let inputs = rig.restricted_to(&[0, 1, 3, 4]);
        let hidden = [Hidden { camera: &rig.cameras[2], truth: &truth.picture, mask: Some(&athlete) }];
        let mut score = |pictures: &[Picture]| {
            let pictures: Vec<&Picture> = pictures.iter().collect();
            let truth = meter.compare(&inputs, &pictures, &hidden, &[ViewMode::Synthesis], &mut |_| true).unwrap();
            truth.held_out[0].mask_psnr_db.unwrap()
        };
        let (from_nearest, from_exact) = (score(&nearest), score(&exact));
        println!("{at_secs} s: athlete {from_exact:.2} dB from interpolated frames, {from_nearest:.2} dB from nearest");
        gains.push(from_exact - from_nearest);
    }
    assert!(gains.iter().sum::<f64>() / gains.len() as f64 > 2.0, "{gains:?}");
}

/// People on a treadmill and beside it, filmed at 60 frames a second: every second frame is hidden.
#[cfg(feature = "gstreamer")]
#[test]
fn hidden_frames_of_real_footage_are_truer_made_than_held_or_faded() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let retimer = Retimer::new(&gpu).unwrap();
    let rig = volte::rig::load(&data("balance/Calib.qca.txt")).unwrap();
    let mut footage = Footage::beginning(&rig, &[data("balance")], 0.6, &CancelToken::default()).unwrap();
    let from = footage.span().0;
    let mut at = |frame: i64| -> Vec<Picture> {
        let moment = footage.moment_at(from.plus_nanos(frame * 1_000_000_000 / 60)).unwrap();
        moment.frames.iter().map(|f| f.picture.resized(f.picture.width() / 3, f.picture.height() / 3)).collect()
    };
    let (before, hidden, after) = (at(20), at(21), at(22));
    assert_eq!(hidden.len(), 4);
    let mut gains = Vec::new();
    for (camera, truth) in hidden.iter().enumerate() {
        let (a, b) = (&before[camera], &after[camera]);
        let motion = retimer.motion_between(&gpu, [a, b]).unwrap();
        let made = retimer.draw(&gpu, &motion, 0.5, Missed::Faded).unwrap();
        let mask = moving(truth, [a, b]);
        let score = |p: &Picture| psnr_db(p, truth, Some(&mask)).unwrap();
        let (got, held, faded) = (score(&made.picture), score(a), score(&dissolve(a, b, 0.5)));
        let missed = made.missed_share / made.moving_share;
        println!("camera {camera}: made {got:.2} dB, held {held:.2}, faded {faded:.2}; nobody knows of {missed:.2} of what moves");
        assert!(made.agrees(), "{missed:.2}");
        gains.push((got - held, got - faded));
    }
    assert!(gains.iter().all(|g| g.0 > 2.0 && g.1 > 0.0), "{gains:?}");
    assert!(gains.iter().map(|g| g.1).sum::<f64>() > 4.0, "{gains:?}");
    // Two cameras' pictures have nothing to do with each other.
    let other = retimer.between(&gpu, [&before[0], &before[2]], 0.5).unwrap();
    assert!(!other.agrees(), "{} of {}", other.missed_share, other.moving_share);
}

#[test]
fn what_cannot_be_interpolated_is_refused_in_words_and_still_pictures_stay_untouched() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let retimer = Retimer::new(&gpu).unwrap();
    let (a, b) = (Picture::filled(64, 48, [90, 60, 30, 255]), Picture::filled(32, 48, [90, 60, 30, 255]));
    let told = retimer.between(&gpu, [&a, &b], 0.5).unwrap_err().to_string();
    assert!(told.contains("64×48") && told.contains("32×48"), "{told}");
    for share in [-0.1, 1.1, f32::NAN] {
        assert!(retimer.between(&gpu, [&a, &a], share).unwrap_err().to_string().contains("share"));
    }
    for share in [0.0, 0.5, 1.0] {
        assert_eq!(retimer.between(&gpu, [&a, &a], share).unwrap().picture, a);
    }
    // One pixel large, and one pixel high.
    for (w, h) in [(1, 1), (300, 1)] {
        let small = Picture::filled(w, h, [1, 2, 3, 255]);
        assert_eq!(retimer.between(&gpu, [&small, &small], 0.4).unwrap().picture, small);
    }
}

/// Six cameras of the venue that saw their frames beside the instant, for an engine; or, `in_step`, at it.
struct OffsetFeeds {
    rig: Rig,
    instant: MediaTime,
    /// Of each camera: the nearest frame, the one on the other side, and the one that nobody saw.
    pictures: Vec<[Arc<Picture>; 3]>,
    errors_nanos: Vec<i64>,
    in_step: bool,
}

const INTERVAL_NANOS: i64 = 40_000_000;

impl Feeds for OffsetFeeds {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        self.instant.plus_nanos(100_000_000)
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }

    fn status(&self) -> Vec<FeedStatus> {
        let status = FeedStatus { health: FeedHealth::Good, fps: 25.0, newest: Some(self.instant), ..FeedStatus::default() };
        vec![status; self.rig.cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        RingStatus { oldest: Some(MediaTime::ZERO), newest: Some(self.instant), budget_bytes: 1, budget_nanos: 1, ..RingStatus::default() }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        Some(LivePicture { picture: Arc::clone(&self.pictures[camera][0]), time: self.instant })
    }

    fn focus(&self, _: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let frame = |k: usize| {
            let error_nanos = if self.in_step { 0 } else { self.errors_nanos[k] };
            let picture = Arc::clone(&self.pictures[k][if self.in_step { 2 } else { 0 }]);
            MomentFrame {
                camera: self.rig.cameras[k].name.clone(),
                picture,
                time: instant.plus_nanos(error_nanos),
                error_nanos,
                retimed: false,
            }
        };
        Ok(Moment { instant, frames: (0..self.rig.cameras.len()).map(frame).collect(), ..Moment::default() })
    }

    fn other_side(&self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        let other = |(k, frame): (usize, &MomentFrame)| {
            let way = if frame.error_nanos < 0 { INTERVAL_NANOS } else { -INTERVAL_NANOS };
            Some((Arc::clone(&self.pictures[k][1]), frame.time.plus_nanos(way)))
        };
        moment.frames.iter().enumerate().map(other).collect()
    }

    fn pin(&self, _: EventId, _: MediaTime, _: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _: EventId) {}
}

#[test]
fn the_console_makes_moments_at_their_very_instant_where_hidden_cameras_say_that_it_is_truer() {
    let instant = MediaTime::from_secs_f64(1.0);
    let errors_nanos: Vec<i64> = [-18, 16, -12, 14, -17, 19].map(|ms: i64| ms * 1_000_000).to_vec();
    let (rig, pictures) = {
        let gpu = Gpu::open(&GpuOptions::default()).unwrap();
        let mut venue = Venue::new(&gpu, VenueOptions { samples: 4, ..VenueOptions::default() }).unwrap();
        let mut rig = VenueRig::arc(6, 25.0, 6.0, (320, 180));
        for camera in &mut rig.cameras {
            camera.lens.fx_px *= 1.8;
            camera.lens.fy_px *= 1.8;
        }
        let mut draw = |k: usize, nanos: i64| Arc::new(venue.render_picture(&rig.cameras[k], instant.plus_nanos(nanos)).unwrap());
        let of = |(k, error): (usize, &i64)| [draw(k, *error), draw(k, error - INTERVAL_NANOS * error.signum()), draw(k, 0)];
        let pictures: Vec<_> = errors_nanos.iter().enumerate().map(of).collect();
        (rig, pictures)
    };
    let run = |in_step: bool, retime: RetimePolicy, done: &dyn Fn(&Snapshot) -> bool| {
        let feeds = OffsetFeeds { rig: rig.clone(), instant, pictures: pictures.clone(), errors_nanos: errors_nanos.clone(), in_step };
        let options = EngineOptions { quality: Some(Quality::Draft), retime, ..EngineOptions::default() };
        let engine = Engine::start(Arc::new(feeds), &options).unwrap();
        let wait = |what: &str, is: &dyn Fn(&Snapshot) -> bool| {
            // Only a limit against waiting for ever: on a machine that does much else at once a truth meter takes minutes.
            let until = Instant::now() + Duration::from_mins(12);
            while !is(&engine.snapshot()) {
                assert!(Instant::now() < until, "{what}: {:?}", engine.snapshot().notices);
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        wait("no GPU", &|s| !s.gpu.adapter.is_empty());
        assert!(engine.send(Command::Mark) && engine.send(Command::SetOrbit(2.5)));
        wait("no view", &|s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved && p.report.is_some()));
        wait("not told", done);
        let snapshot = engine.snapshot();
        snapshot.preview.as_ref().unwrap().shown.as_ref().unwrap().picture.clone()
    };
    let truth = run(true, RetimePolicy::On, &|_| true);
    let nearest = run(false, RetimePolicy::Off, &|_| true);
    let exact = run(false, RetimePolicy::On, &|_| true);
    let mask = moving(&truth, [&nearest, &exact]);
    let score = |p: &Picture| psnr_db(p, &truth, Some(&mask)).unwrap();
    let (from_nearest, from_exact) = (score(&nearest), score(&exact));
    println!("to the view of cameras in step: {from_nearest:.2} dB from nearest frames, {from_exact:.2} dB from interpolated ones");
    assert!(from_exact > from_nearest + 1.0, "{from_nearest} {from_exact}");
    // By itself it finds out, and says so.
    let told = |s: &Snapshot| s.notices.iter().any(|n| n.text.contains("19.0 ms beside the instant") && n.text.contains("are truer"));
    run(false, RetimePolicy::Auto, &told);
}
