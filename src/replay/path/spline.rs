//! Cubic Hermite curves through given values: C¹, exact at the knots.

/// The cubic Hermite polynomial on one span: values `a`, `b`, slopes `ma`, `mb` per unit of the knot, span `h`, `u` 0…1.
pub(super) fn hermite(a: f64, b: f64, ma: f64, mb: f64, h: f64, u: f64) -> f64 {
    let (u2, u3) = (u * u, u * u * u);
    // Written so that u = 0 and u = 1 give a and b to the bit.
    a + (b - a) * (3.0 * u2 - 2.0 * u3) + ma * h * (u3 - 2.0 * u2 + u) + mb * h * (u3 - u2)
}

/// Slopes that keep a curve through `values` monotone between neighbours (Fritsch and Butland 1984); zero at turning
/// points, the end span's own at open ends. With `wrapped`, the last value continues with the first.
pub(super) fn monotone_slopes(knots: &[f64], values: &[f64], wrapped: bool) -> Vec<f64> {
    let n = knots.len();
    let span = |k: usize| (knots[k + 1] - knots[k], (values[k + 1] - values[k]) / (knots[k + 1] - knots[k]));
    let joined = |(h0, d0): (f64, f64), (h1, d1): (f64, f64)| {
        if d0 * d1 <= 0.0 {
            return 0.0;
        }
        let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
        (w0 + w1) / (w0 / d0 + w1 / d1)
    };
    (0..n)
        .map(|k| {
            if k == 0 || k == n - 1 {
                match n {
                    1 => 0.0,
                    _ if wrapped => joined(span(n - 2), span(0)),
                    _ => span(k.saturating_sub(1)).1,
                }
            } else {
                joined(span(k - 1), span(k))
            }
        })
        .collect()
}

/// A C¹ curve of `N` channels through values at uneven knots; slopes from the parabola through three neighbours.
#[derive(Debug, Clone)]
pub(super) struct Spline<const N: usize> {
    knots: Vec<f64>,
    values: Vec<[f64; N]>,
    slopes: Vec<[f64; N]>,
}

impl<const N: usize> Spline<N> {
    /// Knots strictly increasing, one value each, at least one.
    pub(super) fn new(knots: Vec<f64>, values: Vec<[f64; N]>) -> Self {
        let n = knots.len();
        let chord = |k: usize, c: usize| (values[k + 1][c] - values[k][c]) / (knots[k + 1] - knots[k]);
        let slope = |k: usize, c: usize| {
            if n < 2 {
                return 0.0;
            }
            if n == 2 {
                return chord(0, c);
            }
            // At an end, the parabola of the first or last three.
            let m = k.clamp(1, n - 2);
            let (h0, h1) = (knots[m] - knots[m - 1], knots[m + 1] - knots[m]);
            let (d0, d1) = (chord(m - 1, c), chord(m, c));
            let second = (d1 - d0) / (h0 + h1);
            let middle = d0 + second * h0;
            middle + 2.0 * second * (knots[k] - knots[m])
        };
        let slopes = (0..n).map(|k| std::array::from_fn(|c| slope(k, c))).collect();
        Self { knots, values, slopes }
    }

    /// The value at `x`, held constant outside the knots.
    pub(super) fn at(&self, x: f64) -> [f64; N] {
        let last = self.knots.len() - 1;
        if last == 0 {
            return self.values[0];
        }
        let k = self.knots.partition_point(|v| *v <= x).clamp(1, last) - 1;
        let h = self.knots[k + 1] - self.knots[k];
        let u = ((x - self.knots[k]) / h).clamp(0.0, 1.0);
        std::array::from_fn(|c| hermite(self.values[k][c], self.values[k + 1][c], self.slopes[k][c], self.slopes[k + 1][c], h, u))
    }
}
