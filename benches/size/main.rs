//! The commands on runs of any size: time, peak memory, `sha256sum` of the same bytes and `psql` COPY of the same rows.
//! Invariant: the program itself is measured, as a process, on runs that it began, approved and sealed; only the reads of a long
//! wait are written by this measure, as the program would have written them.
//!
//! `cargo bench --bench size -- lines 10000 30000` tells one world at other sizes; `units 100000 10000000` is the largest that the
//! contract names. It fails where a bar of the contract is missed.

mod command;
mod life;
mod long_run;
mod reads;
mod server;
mod worlds;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use command::{Taken, exponent};
use life::{Measured, measure};
use server::Server;
use worlds::World;

const MEMORY_KB_MAX: u64 = 64 * 1024;
/// Time grows with the size to this power at most; 1 is linear, and the start of a process makes it less.
const EXPONENT_MAX: f64 = 1.1;
/// `verify` of a long journal against `sha256sum` of the run's files.
const VERIFY_MAX: f64 = 5.0;
/// The streams of a survey against `psql` COPY of the same rows to a file.
const STREAMS_MAX: f64 = 1.5;

/// One command at all sizes.
struct Row {
    name: &'static str,
    taken: Vec<Taken>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let named = |it: &World| words.iter().any(|word| word == it.name());
    let all = !World::ALL.iter().any(named);
    let asked: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    say(&line(
        [
            "command", "size", "seconds", "exponent", "peak MB", "ratio", "bar",
        ],
        "met",
    ));
    let mut met = true;
    for world in World::ALL.into_iter().filter(|it| all || named(it)) {
        let sizes = if asked.is_empty() {
            world.sizes()
        } else {
            asked.clone()
        };
        met &= table(world, &sizes);
    }
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Measures and tells the commands at these sizes.
fn table(world: World, sizes: &[u64]) -> bool {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = Measured::default();
    for size in sizes {
        let server = Server::start();
        last = measure(&server, world, *size);
        for (name, taken) in last.taken.drain(..) {
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => row.taken.push(taken),
                None => rows.push(Row {
                    name,
                    taken: vec![taken],
                }),
            }
        }
    }
    say(&format!(
        "{} {sizes:?}: of the largest, sha256sum of its files {:.2} s{}",
        world.name(),
        last.checksum_seconds,
        match last.copy_seconds {
            Some(copy) => format!(", psql COPY of its pieces and units {copy:.2} s"),
            None => String::new(),
        }
    ));
    rows.iter()
        .map(|row| tell(row, world, sizes, &last))
        .fold(true, |all, met| all & met)
}

/// Prints a row, and says whether its bars are met.
fn tell(row: &Row, world: World, sizes: &[u64], beside: &Measured) -> bool {
    let (Some(first), Some(last)) = (row.taken.first(), row.taken.last()) else {
        return true;
    };
    let peak = row.taken.iter().map(|taken| taken.peak_kb).max();
    let exponent = exponent(sizes, &row.taken);
    let (ratio, of, ratio_max) = match (row.name, world, beside.copy_seconds) {
        // Beside the streams everything else costs what it costs at the smallest size. Of one size they are not known.
        ("survey", World::Units, Some(copy)) if sizes.len() > 1 => {
            let streams = (last.seconds - first.seconds).max(0.0);
            (streams / copy, "psql", Some(STREAMS_MAX))
        }
        ("verify", World::Lines, _) => {
            let ratio = last.seconds / beside.checksum_seconds;
            (ratio, "sha256sum", Some(VERIFY_MAX))
        }
        _ => (last.seconds / beside.checksum_seconds, "sha256sum", None),
    };
    let met = peak.is_some_and(|peak| peak <= MEMORY_KB_MAX)
        && exponent.is_none_or(|exponent| exponent <= EXPONENT_MAX)
        && ratio_max.is_none_or(|max| ratio <= max);
    let ratio_bar = ratio_max.map_or_else(String::new, |max| format!(", {max} x {of}"));
    let bar = format!("64 MB, ^{EXPONENT_MAX}{ratio_bar}");
    for (nth, (size, taken)) in sizes.iter().zip(&row.taken).enumerate() {
        let is_last = nth + 1 == row.taken.len();
        let at_last = |text: String| if is_last { text } else { String::new() };
        say(&line(
            [
                row.name,
                &size.to_string(),
                &format!("{:.2}", taken.seconds),
                &at_last(exponent.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"))),
                &taken.peak_kb.div_ceil(1_024).to_string(),
                &at_last(format!("{ratio:.1} x {of}")),
                &at_last(bar.clone()),
            ],
            match (is_last, met) {
                (false, _) => "",
                (true, true) => "met",
                (true, false) => "NOT MET",
            },
        ));
    }
    met
}

fn line(cells: [&str; 7], met: &str) -> String {
    let [name, size, seconds, exponent, peak, ratio, bar] = cells;
    format!(
        "{name:<24} {size:>9} {seconds:>8} {exponent:>8} {peak:>7}  {ratio:<16} {bar:<24} {met}"
    )
}

fn say(line: &str) {
    // A closed stdout must not fail a measure.
    let _ = writeln!(std::io::stdout(), "{}", line.trim_end());
}
