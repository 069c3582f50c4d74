//! What a process costs from its start to its end. Invariant: time is that of the process alone; memory is the kernel's own mark, which only rises.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::measured_row::median;

/// How often the mark of memory is read: what a process takes in its last moments may be missed.
const LOOKS: Duration = Duration::from_millis(2);

/// What one process cost, or a median of several.
#[derive(Debug, Clone, Copy)]
pub struct ProcessCost {
    /// From start to end, in seconds.
    pub seconds: f64,
    /// Resident memory at its highest, in bytes.
    pub peak_bytes: f64,
}

impl ProcessCost {
    /// Runs a command without input to its end.
    ///
    /// # Panics
    /// Where it does not start or ends with another code.
    pub fn of(command: &mut Command, code: i32) -> Self {
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let pid = child.id();
        let watching = thread::spawn(move || last_peak(pid));
        let output = child.wait_with_output().expect("our own child");
        let seconds = began.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
        Self {
            seconds,
            peak_bytes: watching.join().expect("it watches to the end"),
        }
    }

    /// The median of the times, and that of the peaks.
    pub fn median(all: &[Self]) -> Self {
        let of = |value: fn(&Self) -> f64| median(&all.iter().map(value).collect::<Vec<_>>());
        Self {
            seconds: of(|cost| cost.seconds),
            peak_bytes: of(|cost| cost.peak_bytes),
        }
    }
}

/// The highest resident memory so far of a process, in bytes; `None`: it has ended.
pub fn peak_bytes(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn last_peak(pid: u32) -> f64 {
    let mut last = 0.0;
    while let Some(peak) = peak_bytes(pid) {
        last = peak;
        thread::sleep(LOOKS);
    }
    last
}
