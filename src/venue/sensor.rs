//! What a sensor makes of light: it averages over the pixel and, through the optics, a little beyond; and over the time that the shutter
//! is open.
//!
//! The venue alone draws points in time, and few rays per pixel. That suits a live show, but what is finer than a pixel then flickers from
//! one camera to the next as it does in no real camera. A bench that compares pixels draws through a sensor. Truth is not averaged: depth is
//! that of the ray through the pixel's centre in the middle of the exposure.

use super::{Venue, VenueError, VenueFrame};
use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
    rig::Camera,
    time::MediaTime,
};

/// How light is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensor {
    /// The venue is drawn so many times larger and averaged in linear light; made odd, so that a ray goes through each pixel's centre.
    /// 1: as the venue draws it.
    pub fineness: u32,
    /// Whether the optics blur over one pixel more (the low-pass filter in front of a sensor, and the lens): a tent two pixels wide in
    /// place of a box of one.
    pub low_pass: bool,
    /// How long the shutter is open, around the time asked for, nanoseconds.
    pub shutter_nanos: i64,
    /// In how many instants of that time the venue is drawn.
    pub instants: u32,
}

impl Sensor {
    /// The venue as it draws itself: a few rays per pixel, one instant.
    pub const NONE: Self = Self { fineness: 1, low_pass: false, shutter_nanos: 0, instants: 1 };
    /// A camera with its optics: nine grid points per pixel (the venue adds its own rays to each), a low-pass filter, a short shutter.
    pub const CAMERA: Self = Self { fineness: 3, low_pass: true, ..Self::NONE };

    /// The times that one exposure sees; the middle one is `time` when they are odd in number.
    fn times(&self, time: MediaTime) -> Vec<MediaTime> {
        let n = if self.shutter_nanos > 0 { i64::from(self.instants.clamp(1, 64)) } else { 1 };
        (0..n).map(|i| time.plus_nanos(self.shutter_nanos * (2 * i + 1 - n) / (2 * n))).collect()
    }

    /// Weights of the fine pixels along one axis, the first one `first` fine pixels beside the pixel's first.
    fn weights(&self, fineness: usize) -> (isize, Vec<f32>) {
        let n = fineness as isize;
        if self.low_pass && n > 1 {
            // A box of one pixel, twice.
            let total = (n * n) as f32;
            (-(n / 2), (1 - n..n).map(|d| (n - d.abs()) as f32 / total).collect())
        } else {
            (0, vec![1.0 / n as f32; fineness])
        }
    }
}

impl Venue {
    /// What a camera with this sensor sees, with the truth.
    pub fn expose(&mut self, camera: &Camera, time: MediaTime, sensor: &Sensor) -> Result<VenueFrame, VenueError> {
        if sensor.fineness <= 1 && sensor.shutter_nanos <= 0 {
            return self.render(camera, time);
        }
        let (w, h) = (camera.width_px, camera.height_px);
        let fineness = (sensor.fineness | 1).min((8192 / w.max(h).max(1)).max(1)).max(1);
        // A size that leaves room for an even number only.
        let fineness = if fineness % 2 == 0 { fineness - 1 } else { fineness };
        let fine = camera.scaled_to(w * fineness, h * fineness);
        let middle = self.render(&fine, time)?;
        let times = sensor.times(time);
        let mut sums = vec![[0.0_f32; 3]; w as usize * h as usize];
        for at in &times {
            let picture = if *at == time { middle.picture.clone() } else { self.render_picture(&fine, *at)? };
            gather(&picture, fineness as usize, sensor, 1.0 / times.len() as f32, &mut sums);
        }
        let rgba = sums.iter().flat_map(|s| {
            let [r, g, b] = s.map(|v| (srgb_from_linear(v.clamp(0.0, 1.0)) * 255.0).round() as u8);
            [r, g, b, 255]
        });
        let picture = Picture::from_rgba(w, h, rgba.collect())?;
        let (n, across) = (fineness as usize, (w * fineness) as usize);
        let first = |i: usize| (i / w as usize * n * across) + i % w as usize * n;
        let pixels = 0..w as usize * h as usize;
        let depth = pixels.clone().map(|i| middle.depth[first(i) + n / 2 * (across + 1)]).collect();
        let covered = |i: usize| (0..n * n).map(|k| u32::from(middle.matte[first(i) + k / n * across + k % n])).sum::<u32>();
        let matte = pixels.map(|i| (f64::from(covered(i)) / (n * n) as f64).round() as u8).collect();
        Ok(VenueFrame { picture, depth, matte })
    }
}

/// Adds a picture that is `fineness` times larger to the sums of linear light, with this share.
fn gather(fine: &Picture, fineness: usize, sensor: &Sensor, share: f32, sums: &mut [[f32; 3]]) {
    let linear: [f32; 256] = std::array::from_fn(|v| linear_from_srgb(v as f32 / 255.0));
    let (first, weights) = sensor.weights(fineness);
    let (fine_w, fine_h) = (fine.width() as usize, fine.height() as usize);
    let (w, h) = (fine_w / fineness, fine_h / fineness);
    // Beyond the border light comes as from the border.
    let inside = |at: usize, k: usize, n: usize| (at as isize * fineness as isize + first + k as isize).clamp(0, n as isize - 1) as usize;
    let mut rows = vec![[0.0_f32; 3]; w * fine_h];
    for (y, row) in rows.chunks_exact_mut(w.max(1)).enumerate() {
        for (x, sum) in row.iter_mut().enumerate() {
            for (k, weight) in weights.iter().enumerate() {
                let at = (y * fine_w + inside(x, k, fine_w)) * 4;
                for c in 0..3 {
                    sum[c] += weight * linear[usize::from(fine.rgba()[at + c])];
                }
            }
        }
    }
    for (i, sum) in sums.iter_mut().enumerate().take(w * h) {
        let (x, y) = (i % w, i / w);
        for (k, weight) in weights.iter().enumerate() {
            let from = rows[inside(y, k, fine_h) * w + x];
            for c in 0..3 {
                sum[c] += share * weight * from[c];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_averaged_and_not_code_values() {
        // A chessboard of fine pixels: half the light, which is code value 188 and not 128.
        let fine =
            Picture::from_rgba(18, 9, (0..162).flat_map(|i| if (i % 18 + i / 18) % 2 == 0 { [255; 4] } else { [0, 0, 0, 255] }).collect())
                .unwrap();
        for low_pass in [false, true] {
            let sensor = Sensor { low_pass, ..Sensor::CAMERA };
            let mut sums = vec![[0.0; 3]; 6 * 3];
            gather(&fine, 3, &sensor, 1.0, &mut sums);
            for s in &sums {
                assert!((s[0] - 0.5).abs() < 0.07 && s[0] == s[2], "{s:?}");
            }
        }
        let (first, weights) = Sensor::CAMERA.weights(3);
        assert_eq!((first, weights.len()), (-1, 5));
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6 && weights[2] > weights[1]);
    }

    #[test]
    fn a_shutter_is_open_around_its_time() {
        let now = MediaTime::from_secs_f64(1.0);
        let open = Sensor { shutter_nanos: 9_000, instants: 3, ..Sensor::NONE };
        let times: Vec<i64> = open.times(now).iter().map(|t| t.nanos() - now.nanos()).collect();
        assert_eq!(times, [-3_000, 0, 3_000]);
        assert_eq!(Sensor::CAMERA.times(now), [now]);
    }
}
