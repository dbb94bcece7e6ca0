//! Dense symmetric matrices of some hundred to two thousand rows: the reduced camera system of an adjustment.

/// A symmetric matrix, row-major, all of it stored.
#[derive(Debug, Clone)]
pub(super) struct Symmetric {
    pub n: usize,
    pub values: Vec<f64>,
}

/// The lower triangle of Cholesky's decomposition.
#[derive(Debug)]
pub(super) struct Lower {
    n: usize,
    values: Vec<f64>,
}

impl Symmetric {
    pub fn zero(n: usize) -> Self {
        Self { n, values: vec![0.0; n * n] }
    }

    pub fn add(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.n + j] += value;
    }

    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
    }

    /// For matrices that are not symmetric after all, on the way to one that is.
    pub fn transposed(&self) -> Self {
        let n = self.n;
        Self { n, values: (0..n * n).map(|i| self.values[i % n * n + i / n]).collect() }
    }

    /// `None` where it is not positive definite.
    pub fn cholesky(&self) -> Option<Lower> {
        let n = self.n;
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            let (above, row) = lower.split_at_mut(i * n);
            let row = &mut row[..n];
            for j in 0..i {
                let other = &above[j * n..j * n + j];
                let dot: f64 = row[..j].iter().zip(other).map(|(a, b)| a * b).sum();
                row[j] = (self.at(i, j) - dot) / above[j * n + j];
            }
            let rest = self.at(i, i) - row[..i].iter().map(|v| v * v).sum::<f64>();
            if !(rest.is_finite() && rest > 1e-14 * self.at(i, i).max(1e-300)) {
                return None;
            }
            row[i] = rest.sqrt();
        }
        Some(Lower { n, values: lower })
    }
}

impl Lower {
    /// Solves in place.
    pub fn solve(&self, right: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            let dot: f64 = self.values[i * n..i * n + i].iter().zip(right.iter()).map(|(a, b)| a * b).sum();
            right[i] = (right[i] - dot) / self.values[i * n + i];
        }
        for i in (0..n).rev() {
            right[i] /= self.values[i * n + i];
            let value = right[i];
            for (r, l) in right[..i].iter_mut().zip(&self.values[i * n..i * n + i]) {
                *r -= l * value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_apart_multiplies_to_one() {
        let n = 7;
        let mut m = Symmetric::zero(n);
        for i in 0..n {
            for j in 0..n {
                m.add(i, j, 1.0 / (1.0 + (i as f64 - j as f64).abs()) + if i == j { 0.5 } else { 0.0 });
            }
        }
        let lower = m.cholesky().unwrap();
        for i in 0..n {
            let mut x: Vec<f64> = (0..n).map(|j| m.at(i, j)).collect();
            lower.solve(&mut x);
            for (j, x) in x.iter().enumerate() {
                assert!((x - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        m.add(3, 3, -5.0);
        assert!(m.cholesky().is_none());
    }
}
