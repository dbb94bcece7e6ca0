//! Clocks found from pictures: the venue with known offsets and skews.

#[path = "support/data.rs"]
mod data;

use std::{collections::BTreeMap, sync::Arc};

use volte::{
    gpu::{Gpu, GpuOptions},
    sync::{
        Burst, CameraBurst,
        flash::{RowLight, clocks, sightings},
        observe, solve,
    },
    time::{FrameRate, MediaTime, SourceClock},
    venue::{Faults, Venue, VenueOptions, VenueRig},
};

const OFFSETS_MS: [f64; 8] = [0.0, -20.0, 13.5, 20.0, -7.25, 3.0, -16.0, 9.0];
const ZOOM: f64 = 1.6;
const SKEWS_PPM: [f64; 8] = [0.0, 50.0, -50.0, 12.0, 35.0, -28.0, 5.0, -41.0];

/// Deterministic noise, 0 to 1.
fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Eight cameras that run freely behind a network for a minute: their own stamps become house time by when they arrive, and what that
/// cannot know (the transit, different for each) by what they show.
#[test]
fn offsets_within_a_millisecond_and_skews_within_5_ppm_after_a_minute() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 2, ..VenueOptions::default() }).unwrap();
    let mut rig = VenueRig::arc(8, 60.0, 6.0, (640, 360));
    // Close on the athlete, as a camera man would frame it.
    for camera in &mut rig.cameras {
        camera.lens.fx_px *= ZOOM;
        camera.lens.fy_px *= ZOOM;
    }
    let rate = FrameRate::whole(50);
    // The middle frames of the bursts; the last is at the end of the minute.
    let middles: [i64; 4] = [2_860, 2_905, 2_948, 2_998];
    let mut bursts: Vec<Burst> = vec![Vec::new(); middles.len()];
    // What must be added to the translated stamps to get the venue's time, at the end.
    let mut missing_ms = [0.0; 8];
    for (c, camera) in rig.cameras.iter().enumerate() {
        let faults = Faults {
            seed: c as u64,
            clock_offset_nanos: (OFFSETS_MS[c] * 1e6) as i64,
            skew_ppm: SKEWS_PPM[c],
            noise_sigma: 1.5,
            calibration_error_px: 0.15,
            ..Faults::default()
        };
        let mut clock = SourceClock::default();
        let mut translated = BTreeMap::new();
        for frame in 0..3_000 {
            let pts = MediaTime::from_nanos(rate.frame_nanos(frame));
            let seen = faults.shown_time(pts);
            let transit_nanos = 1e6 * (1.0 + c as f64 * 0.9) - 1.5e6 * (1.0 - noise((c as u64) << 32 | frame as u64)).ln();
            // The house clock has an epoch of its own.
            let arrival = seen.plus_nanos(7_000_000_000 + transit_nanos as i64);
            translated.insert(frame, clock.house_time(pts.nanos(), arrival).plus_nanos(-7_000_000_000));
        }
        let skew_ppm = clock.estimate().skew_ppm.unwrap();
        assert!((skew_ppm - SKEWS_PPM[c]).abs() < 5.0, "camera {c}: {skew_ppm} ppm, true {}", SKEWS_PPM[c]);
        let end = MediaTime::from_nanos(rate.frame_nanos(2_930));
        missing_ms[c] = (faults.shown_time(end) - translated[&2_930]) as f64 * 1e-6;
        for (burst, middle) in bursts.iter_mut().zip(middles) {
            let frames = [-1, 0, 1].map(|k| {
                let pts = MediaTime::from_nanos(rate.frame_nanos(middle + k));
                let mut picture = venue.render_picture(&faults.true_camera(camera, pts), faults.shown_time(pts)).unwrap();
                faults.degrade(&mut picture, middle + k);
                (translated[&(middle + k)], Arc::new(picture))
            });
            burst.push(Some(CameraBurst { camera: camera.clone(), frames }));
        }
    }
    let matches: Vec<_> = bursts.iter().enumerate().flat_map(|(n, burst)| observe(burst, n, 0.03)).collect();
    let solution = solve(&matches, 8, Some(3)).unwrap();
    println!("{} used, {} rejected, {:.2} px beside their lines", solution.used, solution.rejected, solution.residual_px);
    for (c, clock) in solution.cameras.iter().enumerate() {
        let clock = clock.unwrap();
        let (got_ms, sigma_ms) = (clock.offset_nanos as f64 * 1e-6, clock.sigma_nanos as f64 * 1e-6);
        let off_ms = got_ms - (missing_ms[c] - missing_ms[3]);
        println!("camera {c}: {got_ms:7.3} ms ± {sigma_ms:.3}, {off_ms:6.3} ms off, {} points", clock.points);
    }
    for (c, clock) in solution.cameras.iter().enumerate() {
        let clock = clock.unwrap();
        let off_ms = clock.offset_nanos as f64 * 1e-6 - (missing_ms[c] - missing_ms[3]);
        assert!(off_ms.abs() < 1.0, "camera {c} is {off_ms} ms off");
        assert!(off_ms.abs() < 5e-6 * clock.sigma_nanos as f64 + 0.1, "camera {c}: {off_ms} ms, and says ± {} ns", clock.sigma_nanos);
    }
    // The comparison can fail: without what the pictures say, somebody is milliseconds off.
    let worst = missing_ms.iter().map(|ms| (ms - missing_ms[3]).abs()).fold(0.0, f64::max);
    assert!(worst > 2.0, "{worst}");
}

/// Four cameras around the athlete, too far apart to share a moving point, a rolling shutter of 18 ms, and a flash three times.
#[test]
fn a_flash_tells_clocks_to_a_millisecond_however_far_apart() {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 1, ..VenueOptions::default() }).unwrap();
    let rig = VenueRig::arc(4, 270.0, 6.0, (160, 120));
    let (rate, readout, period_ms) = (FrameRate::whole(50), 18_000_000, 613);
    let offsets_ms = [0.0, -131.5, 47.25, 20.0];
    let mut light: Vec<Vec<RowLight>> = Vec::new();
    for ((c, camera), offset_ms) in rig.cameras.iter().enumerate().zip(offsets_ms) {
        let faults = Faults {
            seed: c as u64,
            clock_offset_nanos: (offset_ms * 1e6) as i64,
            noise_sigma: 2.0,
            exposure_ev: -0.5 * c as f32,
            rolling_shutter_nanos: readout,
            strobe_nanos: period_ms * 1_000_000,
            exposure_nanos: 12_000_000,
            ..Faults::default()
        };
        // The frames about three flashes: those between them show nothing.
        let about = (1..=3).map(|n| ((n * period_ms) as f64 - offset_ms) as i64 / 20);
        let frames = about.flat_map(|middle| middle - 4..middle + 4).map(|k| {
            let pts = MediaTime::from_nanos(rate.frame_nanos(k));
            let mut picture = venue.render_picture(camera, faults.shown_time(pts)).unwrap();
            faults.degrade_at(&mut picture, k, pts);
            RowLight::of_picture(pts, &picture)
        });
        light.push(frames.collect());
    }
    let found = |readout| {
        let seen: Vec<_> = light.iter().map(|l| sightings(l, rate.interval_nanos(), readout)).collect();
        let found = clocks(&seen, 3, 500_000_000);
        for (c, clock) in found.iter().enumerate() {
            let clock = clock.unwrap_or_else(|| panic!("camera {c}: {seen:?}"));
            let off_ms = clock.offset_nanos as f64 * 1e-6 - (offsets_ms[c] - offsets_ms[3]);
            let sigma_ms = clock.sigma_nanos as f64 * 1e-6;
            println!("readout {readout:?}, camera {c}: {off_ms:+.3} ms off, says ± {sigma_ms:.3}, {} flashes", clock.points);
            assert!(off_ms.abs() <= 3.0 * sigma_ms, "camera {c}: {off_ms} ms, {clock:?}");
            assert!(readout.is_none() || off_ms.abs() < 1.0, "camera {c}: {off_ms} ms");
        }
        found.into_iter().flatten().map(|c| c.sigma_nanos).max().unwrap()
    };
    let (known, unknown) = (found(Some(readout)), found(None));
    // Whoever does not know the readout is told that it is less sure.
    assert!(known < 500_000 && unknown > 1_500_000, "{known} {unknown}");
}

#[cfg(all(feature = "console", feature = "gstreamer"))]
#[test]
fn clocks_that_cannot_be_found_say_what_would_help() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("rig.toml");
    let balance = data::data("balance");
    let sync = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volte"));
        let output =
            command.args(["rig", "sync"]).arg(balance.join("Calib_scene.toml")).arg("--footage").arg(&balance).args(words).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // Four cameras a quarter of a circle apart share no point that looks the same.
    let (code, told) = sync(&["--bursts", "1", "--out", out.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("28 degrees") && !out.exists(), "{told}");
    for (words, named) in [(["--seconds", "nan"], "--seconds"), (["--within", "0"], "--within"), (["--reference", "nobody"], "nobody")] {
        let (code, told) = sync(&words);
        assert!(code != Some(0) && told.contains(named), "{told}");
    }
}
