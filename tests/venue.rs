//! The built-in venue's ground truth, on whatever adapter there is (the software one in CI).

use volte::gpu::{Gpu, GpuOptions};
use volte::time::MediaTime;
use volte::venue::{Venue, VenueOptions, VenueRig};

#[test]
fn the_same_camera_and_time_give_the_same_bytes() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let rig = VenueRig::arc(5, 60.0, 6.0, (96, 54));
    let time = MediaTime::from_secs_f64(0.4);
    let mut a = Venue::new(&gpu, VenueOptions::default()).unwrap();
    let first = a.render(&rig.cameras[2], time).unwrap();
    a.render(&rig.cameras[0], MediaTime::ZERO).unwrap();
    assert_eq!(first, a.render(&rig.cameras[2], time).unwrap());
    assert_eq!(first.picture, a.render_picture(&rig.cameras[2], time).unwrap());
    let mut b = Venue::new(&gpu, VenueOptions::default()).unwrap();
    assert_eq!(first, b.render(&rig.cameras[2], time).unwrap());
    assert_ne!(first.picture, b.render_picture(&rig.cameras[2], MediaTime::from_secs_f64(0.6)).unwrap());
}
