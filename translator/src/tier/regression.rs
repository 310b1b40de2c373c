//! A linear regression that learns from one sample at a time and forgets old ones.
//!
//! Exponentially weighted recursive least squares: S. Haykin, *Adaptive Filter Theory*, "Recursive least-squares adaptive
//! filters". A sample costs N² multiplications and no memory.

/// What a sample still counts when the next one has come.
const REMEMBERED: f64 = 0.99;

/// Largest trace of the covariance. Samples that are all alike say nothing about the other directions, in which forgetting
/// would let it grow without bound, and the next different sample would throw the weights anywhere.
const MAX_TRACE: f64 = 1e3;

/// Weights of `N` features.
#[derive(Clone, Debug)]
pub struct Regression<const N: usize> {
    weights: [f64; N],
    /// Of the weights, as a multiple of the variance of what is predicted.
    covariance: [[f64; N]; N],
}

impl<const N: usize> Regression<N> {
    /// Begins with these weights, each of which may be wrong by `doubt` times the scatter of the samples.
    pub fn new(weights: [f64; N], doubt: f64) -> Regression<N> {
        let mut covariance = [[0.0; N]; N];
        (0..N).for_each(|i| covariance[i][i] = doubt * doubt);
        Regression { weights, covariance }
    }

    /// What is expected for these features.
    pub fn predict(&self, features: &[f64; N]) -> f64 {
        dot(&self.weights, features)
    }

    /// Takes a sample in. Infinities and NaNs are left out.
    pub fn learn(&mut self, features: &[f64; N], seen: f64) {
        if !seen.is_finite() || features.iter().any(|feature| !feature.is_finite()) {
            return;
        }
        let trace: f64 = (0..N).map(|i| self.covariance[i][i]).sum();
        let remembered = if trace < MAX_TRACE { REMEMBERED } else { 1.0 };
        let moved = self.covariance.map(|row| dot(&row, features));
        let gain = moved.map(|value| value / (remembered + dot(features, &moved)));
        let error = seen - self.predict(features);
        for ((weight, row), gain) in self.weights.iter_mut().zip(&mut self.covariance).zip(gain) {
            *weight += gain * error;
            for (value, moved) in row.iter_mut().zip(moved) {
                *value = (*value - gain * moved) / remembered;
            }
        }
        // Rounding must not take the symmetry away, without which the recursion diverges.
        for i in 0..N {
            for j in 0..i {
                let mean = (self.covariance[i][j] + self.covariance[j][i]) / 2.0;
                (self.covariance[i][j], self.covariance[j][i]) = (mean, mean);
            }
        }
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1 that look random (a linear congruence; Knuth, TAOCP 2, 3.3.4).
    fn noise(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn largest_error(learned: &Regression<3>, truth: &[f64; 3]) -> f64 {
        learned.weights.iter().zip(truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    fn teach(regression: &mut Regression<3>, truth: &[f64; 3], samples: u32, state: &mut u64) {
        for _ in 0..samples {
            let features = [1.0, 3.0 * noise(state), 2.0 + noise(state)];
            regression.learn(&features, dot(truth, &features) + 0.1 * noise(state));
        }
    }

    #[test]
    fn it_converges_and_follows_a_change() {
        let mut state = 1;
        let (first, second) = ([5.0, -2.0, 0.5], [-1.0, 4.0, 3.0]);
        let mut regression = Regression::new([0.0; 3], 1.0);
        assert!(largest_error(&regression, &first) > 1.0);
        teach(&mut regression, &first, 300, &mut state);
        assert!(largest_error(&regression, &first) < 0.1, "{:?}", regression.weights);
        // What was true before is forgotten: after 1000 samples it counts e^-10.
        teach(&mut regression, &second, 1000, &mut state);
        assert!(largest_error(&regression, &second) < 0.1, "{:?}", regression.weights);
    }

    #[test]
    fn samples_that_are_all_alike_do_not_wind_it_up() {
        let mut state = 1;
        let truth = [5.0, -2.0, 0.5];
        let mut regression = Regression::new([0.0; 3], 1.0);
        teach(&mut regression, &truth, 300, &mut state);
        for _ in 0..100_000 {
            regression.learn(&[1.0, 0.0, 2.0], 6.0 + 0.1 * noise(&mut state));
        }
        let trace: f64 = (0..3).map(|i| regression.covariance[i][i]).sum();
        assert!(trace < 2.0 * MAX_TRACE, "{trace}");
        assert!((regression.predict(&[1.0, 0.0, 2.0]) - 6.0).abs() < 0.1);
        teach(&mut regression, &truth, 300, &mut state);
        assert!(largest_error(&regression, &truth) < 0.2, "{:?}", regression.weights);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut regression = Regression::new([1.0, 2.0], 1.0);
        regression.learn(&[1.0, 1.0], f64::INFINITY);
        regression.learn(&[f64::NAN, 1.0], 1.0);
        assert_eq!(regression.predict(&[1.0, 1.0]), 3.0);
    }
}
