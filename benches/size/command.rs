//! One command as a process: how long it took, and the most memory that it had.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one command took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub seconds: f64,
    pub peak_kb: u64,
}

impl Taken {
    /// The one in the middle by time, with the highest peak of all.
    pub fn median(mut taken: Vec<Self>) -> Self {
        taken.sort_by(|one, two| one.seconds.total_cmp(&two.seconds));
        Self {
            peak_kb: taken.iter().map(|taken| taken.peak_kb).max().unwrap_or(0),
            seconds: taken[taken.len() / 2].seconds,
        }
    }
}

/// Runs a command to its end, which must be `code`.
pub fn take(command: &mut Command, code: i32) -> Taken {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let peak_kb = peak(&mut child);
    let seconds = began.elapsed().as_secs_f64();
    let output = child.wait_with_output().expect("our own child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    Taken { seconds, peak_kb }
}

/// Peak resident memory of a child in kB, watched to its end: the kernel's mark only rises.
fn peak(child: &mut Child) -> u64 {
    let mut seen = 0;
    while child.try_wait().expect("our own child").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let mark = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
        seen = mark.unwrap_or(seen);
        std::thread::sleep(Duration::from_millis(2));
    }
    seen
}

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

/// The power of the length that the time grows with, from the smallest to the largest; `None`: there is one length only.
pub fn exponent(lengths: &[u64], taken: &[Taken]) -> Option<f64> {
    let ends = |ratio: f64| (ratio > 1.0).then(|| ratio.ln());
    #[expect(clippy::cast_precision_loss, reason = "lengths of journals are small")]
    let longer = *lengths.last()? as f64 / *lengths.first()? as f64;
    let slower = taken.last()?.seconds / taken.first()?.seconds;
    Some(slower.ln() / ends(longer)?)
}
