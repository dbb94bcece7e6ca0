//! The curve through a path's key frames: C¹ between them as each key's easing says, held outside.

use super::{
    Easing, Path,
    spline::{hermite, monotone_slopes},
};

/// `N` channels over the path's time.
#[derive(Debug, Clone)]
pub(super) struct KeyCurve<const N: usize> {
    times: Vec<f64>,
    keys: Vec<[f64; N]>,
    /// Slopes at the start and the end of every span between key frames.
    slopes: Vec<([f64; N], [f64; N])>,
    duration_secs: f64,
    looped: bool,
}

impl<const N: usize> KeyCurve<N> {
    /// Through one value per key frame of a path that was checked.
    pub fn new(path: &Path, keys: Vec<[f64; N]>) -> Self {
        let times: Vec<f64> = path.keys.iter().map(|k| k.at_secs).collect();
        let smooth: Vec<Vec<f64>> =
            (0..N).map(|c| monotone_slopes(&times, &keys.iter().map(|k| k[c]).collect::<Vec<_>>(), path.looped)).collect();
        let slopes = (0..keys.len().saturating_sub(1))
            .map(|k| {
                let chord: [f64; N] = std::array::from_fn(|c| (keys[k + 1][c] - keys[k][c]) / (times[k + 1] - times[k]));
                let times_chord = |f: f64| chord.map(|v| v * f);
                match path.keys[k].ease {
                    Easing::Linear => (chord, chord),
                    Easing::EaseIn => (times_chord(0.0), times_chord(2.0)),
                    Easing::EaseOut => (times_chord(2.0), times_chord(0.0)),
                    Easing::EaseInOut => (times_chord(0.0), times_chord(0.0)),
                    Easing::Smooth => (std::array::from_fn(|c| smooth[c][k]), std::array::from_fn(|c| smooth[c][k + 1])),
                }
            })
            .collect();
        Self { times, keys, slopes, duration_secs: path.duration_secs, looped: path.looped }
    }

    /// The values at the key frames.
    pub fn keys(&self) -> &[[f64; N]] {
        &self.keys
    }

    /// The values at a time, seconds since the start.
    pub fn at(&self, t_secs: f64) -> [f64; N] {
        let t = if self.looped { t_secs.rem_euclid(self.duration_secs) } else { t_secs };
        let after = self.times.partition_point(|at| *at <= t);
        if after == 0 {
            return self.keys[0];
        }
        if after == self.keys.len() {
            return self.keys[after - 1];
        }
        let k = after - 1;
        let h = self.times[k + 1] - self.times[k];
        let u = (t - self.times[k]) / h;
        let (start, end) = &self.slopes[k];
        std::array::from_fn(|c| hermite(self.keys[k][c], self.keys[k + 1][c], start[c], end[c], h, u))
    }
}
