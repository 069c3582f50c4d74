//! How many faults a test caused, and how many of them did not happen. `make torture` gathers the counts of all tests.
//! Invariant: a test that fails is counted too. Held by `Drop`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

/// The file that counts are appended to, one line each; without it they are only printed.
const COUNTS: &str = "DRYGATE_FAULT_COUNTS";
/// How long the whole suite may take, in minutes. Without it, tests cause a small part of their faults.
const MINUTES: &str = "DRYGATE_FAULT_MINUTES";
/// What chance begins with.
const SEED: &str = "DRYGATE_FAULT_SEED";

/// The minutes in which the full numbers of faults are caused.
const FULL_MINUTES: u64 = 60;

/// Counts of one kind of fault. They are written when the value is dropped.
#[derive(Debug)]
pub struct FaultCounts {
    number: u8,
    fault: &'static str,
    injected: AtomicU64,
    void: AtomicU64,
}

impl FaultCounts {
    /// `number`: the kind's number in `docs/RELIABILITY.md`, 1 to 24. `fault`: what is done, in words.
    pub const fn new(number: u8, fault: &'static str) -> Self {
        Self {
            number,
            fault,
            injected: AtomicU64::new(0),
            void: AtomicU64::new(0),
        }
    }

    /// One more fault happened.
    pub fn injected(&self) {
        self.add_injected(1);
    }

    /// `count` more faults happened.
    pub fn add_injected(&self, count: u64) {
        self.injected.fetch_add(count, Ordering::SeqCst);
    }

    /// One more fault was prepared and did not happen, so that it proves nothing.
    pub fn void(&self) {
        self.void.fetch_add(1, Ordering::SeqCst);
    }

    /// The faults that happened, and those that did not.
    pub fn so_far(&self) -> (u64, u64) {
        let of = |number: &AtomicU64| number.load(Ordering::SeqCst);
        (of(&self.injected), of(&self.void))
    }
}

impl Drop for FaultCounts {
    #[expect(clippy::print_stdout, reason = "tests print what they counted")]
    fn drop(&mut self) {
        let (injected, void) = self.so_far();
        let failed = u8::from(thread::panicking());
        let line = format!(
            "F{}\t{}\t{injected}\t{void}\t{failed}",
            self.number, self.fault
        );
        println!("{}", line.replace('\t', " | "));
        let Some(path) = env::var_os(COUNTS) else {
            return;
        };
        // Tests run at the same time: a line is one write to a file that is only appended to.
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            println!("the counts could not be written: {error}");
        }
    }
}

/// How many faults to cause: `sample` in `make test`, `full` in a suite of 60 minutes, and a part of `full` in a shorter one.
pub fn fault_rounds(sample: u64, full: u64) -> u64 {
    match number(MINUTES) {
        Some(minutes) => (full * minutes / FULL_MINUTES).max(sample),
        None => sample,
    }
}

/// What chance begins with: `DRYGATE_FAULT_SEED`, else a number of the test's own.
pub fn fault_seed(own: u64) -> u64 {
    number(SEED).map_or(own, |seed| seed ^ own)
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
