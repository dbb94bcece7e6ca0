//! Seconds per picture of the built-in venue on this machine's adapter.

use criterion::{Criterion, criterion_group, criterion_main};
use volte::{
    gpu::{Gpu, GpuOptions},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig},
};

fn pictures(c: &mut Criterion) {
    let Ok(gpu) = Gpu::open(&GpuOptions::default()) else {
        eprintln!("no adapter: nothing to measure");
        return;
    };
    let mut group = c.benchmark_group("venue");
    group.sample_size(10);
    for (size, samples) in [((320, 180), 4), ((640, 360), 4), ((640, 360), 0)] {
        let Ok(mut venue) = Venue::new(&gpu, VenueOptions { samples, ..VenueOptions::default() }) else { return };
        let rig = VenueRig::arc(16, 90.0, 6.0, size);
        let mut frame = 0_i32;
        group.bench_function(format!("{}x{} samples {samples}", size.0, size.1), |b| {
            b.iter(|| {
                frame += 1;
                let camera = &rig.cameras[frame as usize % 16];
                venue.render_picture(camera, MediaTime::from_secs_f64(f64::from(frame) * 0.04))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
