//! The commands on runs of 10,000, 100,000 and 1,000,000 journal lines: time, peak memory, and `sha256sum` of the same bytes.
//! Invariant: the program itself is measured, as a process, on runs that it began, approved and sealed; only the reads of a long
//! wait are written by this measure, as the program would have written them.
//!
//! `cargo bench --bench size -- 10000 30000` tells other lengths. It fails where a bar of the contract is missed.

mod command;
mod long_run;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use command::{Taken, checksum};
use long_run::{LongRun, Server};

const LINES: [u64; 3] = [10_000, 100_000, 1_000_000];
const MEMORY_KB_MAX: u64 = 64 * 1024;
const VERIFY_MAX: f64 = 5.0;
/// Time grows with the length to this power at most; 1 is linear, and the start of a process makes it less.
const EXPONENT_MAX: f64 = 1.1;
const ROUNDS: usize = 3;

/// One command at all lengths.
struct Row {
    name: &'static str,
    taken: Vec<Taken>,
}

fn main() -> ExitCode {
    let asked: Vec<u64> = env::args().filter_map(|word| word.parse().ok()).collect();
    let lengths = if asked.is_empty() {
        LINES.to_vec()
    } else {
        asked
    };
    let server = Server::start();
    let mut rows: Vec<Row> = Vec::new();
    let mut sums = Vec::new();
    for lines in &lengths {
        let (taken, sum) = measure(&server, *lines);
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
    let mut met = true;
    for row in &rows {
        met &= tell(row, &lengths, &sums);
    }
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Every command on one run, in the order of its life, and the seconds of `sha256sum` of its files.
fn measure(server: &Server, lines: u64) -> (Vec<(&'static str, Taken)>, f64) {
    let run = LongRun::waiting(server, lines);
    let mut taken = vec![
        ("runs, while it waits", run.take(&["runs"], 0)),
        ("resume", run.take(&["resume", "last"], 3)),
        ("approve", run.approve("SG2", 0)),
    ];
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
fn tell(row: &Row, lengths: &[u64], sums: &[f64]) -> bool {
    let peak = row.taken.iter().map(|taken| taken.peak_kb).max();
    let small = peak.is_some_and(|peak| peak <= MEMORY_KB_MAX);
    let exponent = command::exponent(lengths, &row.taken);
    let linear = exponent.is_none_or(|exponent| exponent <= EXPONENT_MAX);
    let last = row.taken.last().zip(sums.last());
    let ratio = last.map_or(0.0, |(taken, sum)| taken.seconds / sum);
    let quick = row.name != "verify" || ratio <= VERIFY_MAX;
    let met = small && linear && quick;
    let figures: Vec<String> = lengths.iter().zip(&row.taken).map(figure).collect();
    say(&format!(
        "{:<24} {}  exponent {}  {ratio:.1} x sha256sum  {}",
        row.name,
        figures.join("  "),
        exponent.map_or_else(|| "-".to_owned(), |exponent| format!("{exponent:.2}")),
        if met { "met" } else { "NOT MET" },
    ));
    met
}

fn figure((lines, taken): (&u64, &Taken)) -> String {
    format!(
        "{lines}: {:.2} s {} MB",
        taken.seconds,
        taken.peak_kb / 1_024
    )
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
