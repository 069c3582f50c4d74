//! The commands on runs of any size: time, peak memory, and `sha256sum` of the same bytes. Sizes are lines of the journal, units,
//! and lines of the grant matrix. Invariant: the program itself is measured, as a process, on runs that it began, approved and
//! sealed; only the reads of a long wait are written by this measure, as the program would have written them.
//!
//! `cargo bench --bench size -- lines 10000 30000` tells other sizes; `units 100000 10000000` and `grants` do too. It fails where a
//! bar of the contract is missed.

mod command;
mod long_run;
mod reads;
mod server;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use command::{Taken, checksum, exponent};
use long_run::LongRun;
use server::Server;

const MEMORY_KB_MAX: u64 = 64 * 1024;
const VERIFY_MAX: f64 = 5.0;
/// Time grows with the size to this power at most; 1 is linear, and the start of a process makes it less.
const EXPONENT_MAX: f64 = 1.1;
const ROUNDS: usize = 3;

/// What grows from run to run.
#[derive(Clone, Copy, PartialEq)]
enum Growing {
    Lines,
    Units,
    Grants,
}

impl Growing {
    const ALL: [Self; 3] = [Self::Lines, Self::Units, Self::Grants];

    fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Units => "units",
            Self::Grants => "grants",
        }
    }

    fn sizes(self) -> Vec<u64> {
        match self {
            Self::Lines | Self::Units => vec![10_000, 100_000, 1_000_000],
            Self::Grants => vec![3_400, 34_000, 337_671],
        }
    }
}

/// One command at all sizes.
struct Row {
    name: &'static str,
    taken: Vec<Taken>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let named = |it: &Growing| words.iter().any(|word| word == it.name());
    let all = !Growing::ALL.iter().any(named);
    let asked: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let mut met = true;
    for growing in Growing::ALL.into_iter().filter(|it| all || named(it)) {
        let sizes = if asked.is_empty() {
            growing.sizes()
        } else {
            asked.clone()
        };
        met &= table(growing, &sizes);
    }
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Measures and tells the commands at these sizes.
fn table(growing: Growing, sizes: &[u64]) -> bool {
    let mut rows: Vec<Row> = Vec::new();
    let mut sums = Vec::new();
    for size in sizes {
        let server = Server::start();
        let (taken, sum) = measure(&server, growing, *size);
        for (name, taken) in taken {
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => row.taken.push(taken),
                None => rows.push(Row {
                    name,
                    taken: vec![taken],
                }),
            }
        }
        sums.push(sum);
    }
    let sum = sums.last().copied().unwrap_or_default();
    say(&format!(
        "{} {sizes:?}: sha256sum of the largest run {sum:.2} s",
        growing.name()
    ));
    rows.iter()
        .map(|row| tell(row, growing, sizes, sum))
        .fold(true, |all, met| all & met)
}

/// Every command on one run, in the order of its life, and the seconds of `sha256sum` of its files.
fn measure(server: &Server, growing: Growing, size: u64) -> (Vec<(&'static str, Taken)>, f64) {
    let profile = match growing {
        Growing::Lines => None,
        Growing::Units => Some(server.with_units(size)),
        Growing::Grants => Some(server.with_grants(size)),
    };
    let mut taken = Vec::new();
    if let Some(profile) = &profile {
        taken.push(("survey", LongRun::survey(server, profile)));
    }
    let (mut run, began) = LongRun::begin(server, profile.as_deref());
    taken.push(("run", began));
    taken.push(("approve SG1", run.approve("SG1", 3)));
    if growing == Growing::Lines {
        reads::until(&run.directory(), size);
        taken.push(("runs, while it waits", run.take(&["runs"], 0)));
        taken.push(("resume", run.take(&["resume", "last"], 3)));
    }
    taken.push(("approve SG2", run.approve("SG2", 0)));
    run.forget_index();
    taken.push(("runs, without an index", run.take(&["runs"], 0)));
    taken.push(("runs", run.take(&["runs"], 0)));
    // By turns, so that a machine that is busy for a while is so for both.
    let (mut verifies, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        verifies.push(run.take(&["verify", "last"], 0));
        sums.push(checksum(&run.directory()));
    }
    taken.push(("verify", Taken::median(verifies)));
    for (name, words) in [
        ("report", &["report", "last"][..]),
        ("report --json", &["report", "last", "--json"]),
        ("diff", &["diff", "last"]),
        ("replay", &["replay", "last", "--json"]),
        ("recheck", &["recheck", "last"]),
        ("export", &["export", "last", "--output", "run.tar.gz"]),
        ("verify of the archive", &["verify", "run.tar.gz"]),
    ] {
        taken.push((name, run.take(words, 0)));
    }
    sums.sort_by(f64::total_cmp);
    (taken, sums[sums.len() / 2])
}

/// Prints a row, and says whether its bars are met.
fn tell(row: &Row, growing: Growing, sizes: &[u64], sum: f64) -> bool {
    let peak = row.taken.iter().map(|taken| taken.peak_kb).max();
    let small = peak.is_some_and(|peak| peak <= MEMORY_KB_MAX);
    let exponent = exponent(sizes, &row.taken);
    let linear = exponent.is_none_or(|exponent| exponent <= EXPONENT_MAX);
    let ratio = row.taken.last().map_or(0.0, |taken| taken.seconds / sum);
    let quick = row.name != "verify" || growing != Growing::Lines || ratio <= VERIFY_MAX;
    let met = small && linear && quick;
    let figures: Vec<String> = sizes.iter().zip(&row.taken).map(figure).collect();
    say(&format!(
        "{:<24} {}  exponent {}  {ratio:.1} x sha256sum  {}",
        row.name,
        figures.join("  "),
        exponent.map_or_else(|| "-".to_owned(), |exponent| format!("{exponent:.2}")),
        if met { "met" } else { "NOT MET" },
    ));
    met
}

fn figure((size, taken): (&u64, &Taken)) -> String {
    let megabytes = taken.peak_kb.div_ceil(1_024);
    format!("{size}: {:.2} s {megabytes} MB", taken.seconds)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
