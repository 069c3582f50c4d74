//! What stands beside a command, and how its time grows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use drygate::testing::ProcessCost;

/// Seconds that `sha256sum` takes for every file below a directory.
pub fn checksum(directory: &Path) -> f64 {
    let began = Instant::now();
    let status = Command::new("find")
        .arg(directory)
        .args(["-type", "f", "-exec", "sha256sum", "{}", "+"])
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("find and sha256sum").success());
    began.elapsed().as_secs_f64()
}

/// The power of the size that the time grows with, fitted to all sizes by least squares of the logarithms; `None`: there is one size
/// only.
pub fn exponent(sizes: &[u64], taken: &[ProcessCost]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let points = sizes
        .iter()
        .zip(taken)
        .map(|(size, taken)| ((*size as f64).ln(), taken.seconds.ln()));
    let points: Vec<(f64, f64)> = points.collect();
    #[expect(clippy::cast_precision_loss, reason = "a few points")]
    let mean =
        |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points
        .iter()
        .map(|(x, y)| (x - x_mean) * (y - y_mean))
        .sum();
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    (spread > 0.0).then(|| together / spread)
}
