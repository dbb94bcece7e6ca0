//! The venue on the air: encoded live feeds in the ring, and moments out of it that show what was drawn.
#![cfg(feature = "gstreamer")]

use std::time::{Duration, Instant};

use volte::{
    engine::venue_feeds::{VenueFeedOptions, VenueMode, VenueShow},
    frame::metrics::psnr_db,
    gpu::{Gpu, GpuOptions},
    time::{FrameRate, MediaTime},
    venue::{Venue, VenueOptions},
};

#[test]
fn the_venue_is_captured_live_and_a_moment_shows_the_truth() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let options = VenueFeedOptions {
        cameras: 3,
        span_deg: 20.0,
        size_px: Some((160, 90)),
        rate: Some(FrameRate::whole(10)),
        faults: vec![(1, "dies=4s".parse().unwrap()), (2, "drop=0.2".parse().unwrap())],
        cache: Some(cache.path().to_owned()),
        ..VenueFeedOptions::default()
    };
    let begin = Instant::now();
    let show = VenueShow::start(&gpu, &options, |_| {}).unwrap();
    println!("{:?} after {:?}", show.feeder.mode(), begin.elapsed());
    // Everything drawn, and six seconds on the air.
    let six = MediaTime::from_secs_f64(6.0);
    let deadline = Instant::now() + Duration::from_secs(90);
    let drawn = || show.feeder.drawn().0 == show.feeder.drawn().1;
    while !(drawn() && show.session.house_now() > six.plus_nanos(1_500_000_000)) {
        assert!(Instant::now() < deadline, "{:?}", show.feeder.drawn());
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = show.session.status();
    println!("{status:#?}");
    assert!(status[0].received > 20);
    assert!(status[2].dropped.missing > 0, "a dropped frame is counted as missing");
    let instant = show.session.house_now().plus_nanos(-1_000_000_000);
    let moment = show.session.moment(instant);
    assert!(moment.frames.iter().any(|f| f.camera == "cam00"), "{:?}", moment.left_out);
    assert!(moment.left_out.iter().any(|(name, _)| name == "cam01"), "the dead camera is left out by name");
    let frame = moment.frames.iter().find(|f| f.camera == "cam00").unwrap();
    let samples = if show.feeder.mode() == VenueMode::Live { 4 } else { 2 };
    let mut venue = Venue::new(&gpu, VenueOptions { samples, ..VenueOptions::default() }).unwrap();
    let truth = venue.render_picture(&show.rig.cameras[0], frame.time).unwrap();
    let other = venue.render_picture(&show.rig.cameras[0], frame.time.plus_nanos(300_000_000)).unwrap();
    let (right, wrong) = (psnr_db(&frame.picture, &truth, None).unwrap(), psnr_db(&frame.picture, &other, None).unwrap());
    println!("right time {right:.1} dB, another {wrong:.1} dB");
    assert!(right > 20.0 && right > wrong + 3.0, "{right} {wrong}");
    if show.feeder.mode() == VenueMode::Prepared {
        let kept = std::fs::read_dir(cache.path()).unwrap().flatten().flat_map(|d| std::fs::read_dir(d.path()).unwrap()).count();
        assert_eq!(kept, 3 * 20, "the loop is kept for the next start");
    }
}
