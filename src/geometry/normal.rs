//! Normal equations of small least-squares problems.

/// `(Σ w x xᵀ) · p = Σ w x y`, gathered row by row. Dense: for some hundred unknowns.
#[derive(Debug, Clone)]
pub struct NormalEquations {
    count: usize,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl NormalEquations {
    /// Of `count` unknowns.
    pub fn new(count: usize) -> Self {
        Self { count, matrix: vec![0.0; count * count], right: vec![0.0; count] }
    }

    /// Adds an equation `Σ coefficient · p[index] = wanted` with a weight; indices are smaller than the count.
    pub fn add(&mut self, row: &[(usize, f64)], wanted: f64, weight: f64) {
        for &(i, a) in row {
            self.right[i] += weight * a * wanted;
            for &(j, b) in row {
                self.matrix[i * self.count + j] += weight * a * b;
            }
        }
    }

    /// With the diagonal raised by a share of itself (Marquardt, 1963).
    #[must_use]
    pub fn damped(&self, share: f64) -> Self {
        let mut damped = self.clone();
        for i in 0..self.count {
            damped.matrix[i * self.count + i] *= 1.0 + share;
        }
        damped
    }

    /// The solution and the inverse of the matrix (row-major), by Cholesky's decomposition; `None` when some unknown is not
    /// determined.
    pub fn solve(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let n = self.count;
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                let rest = self.matrix[i * n + j] - dot;
                if i == j {
                    if rest <= 1e-14 * self.matrix[i * n + i].max(1e-300) {
                        return None;
                    }
                    lower[i * n + i] = rest.sqrt();
                } else {
                    lower[i * n + j] = rest / lower[j * n + j];
                }
            }
        }
        let back = |right: &mut [f64]| {
            for i in 0..n {
                let dot: f64 = (0..i).map(|k| lower[i * n + k] * right[k]).sum();
                right[i] = (right[i] - dot) / lower[i * n + i];
            }
            for i in (0..n).rev() {
                let dot: f64 = (i + 1..n).map(|k| lower[k * n + i] * right[k]).sum();
                right[i] = (right[i] - dot) / lower[i * n + i];
            }
        };
        let mut solution = self.right.clone();
        back(&mut solution);
        let mut inverse = vec![0.0; n * n];
        for column in 0..n {
            let mut unit = vec![0.0; n];
            unit[column] = 1.0;
            back(&mut unit);
            for (row, v) in unit.into_iter().enumerate() {
                inverse[row * n + column] = v;
            }
        }
        Some((solution, inverse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points_and_what_is_not_determined() {
        let mut line = NormalEquations::new(2);
        for (x, y) in [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)] {
            line.add(&[(0, 1.0), (1, x)], y, 2.0);
        }
        let (p, inverse) = line.solve().unwrap();
        assert!((p[0] - 1.0).abs() < 1e-12 && (p[1] - 2.0).abs() < 1e-12);
        // Σw = 6, Σwx = 6, Σwx² = 10: the inverse's last entry is 6 / (6·10 − 36).
        assert!((inverse[3] - 0.25).abs() < 1e-12 && (inverse[1] - inverse[2]).abs() < 1e-12);
        let mut same = NormalEquations::new(2);
        same.add(&[(0, 1.0), (1, 1.0)], 1.0, 1.0);
        assert!(same.solve().is_none());
    }
}
