//! The commands on runs of any size: time, peak memory, `sha256sum` of the same bytes and `psql` COPY of the same rows.
//! Invariant: the program itself is measured, as a process, on runs that it began, approved and sealed; only the reads of a long
//! wait are written by this measure, as the program would have written them.
//!
//! `cargo bench --bench size -- lines 10000 30000` tells one world at other sizes; `units 100000 10000000` is the largest that the
//! contract names. It fails where a bar of the contract is missed.

mod beside;
mod life;
mod long_run;
mod reads;
mod server;
mod worlds;

use std::env;
use std::process::ExitCode;

use beside::exponent;
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, say};
use life::{Measured, measure};
use server::Server;
use worlds::World;

const MEMORY: MeasuredBar = MeasuredBar::AtMost(64.0 * 1024.0 * 1024.0);
/// Time grows with the size to this power at most; 1 is linear, and the start of a process makes it less.
const EXPONENT: MeasuredBar = MeasuredBar::AtMost(1.1);
/// `verify` of a long journal against `sha256sum` of the run's files.
const VERIFY: MeasuredBar = MeasuredBar::AtMostTimes(5.0);
/// The streams of a survey against `psql` COPY of the same rows to a file.
const STREAMS: MeasuredBar = MeasuredBar::AtMostTimes(1.5);

/// One command at all sizes.
struct Row {
    name: &'static str,
    command: &'static str,
    taken: Vec<ProcessCost>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let named = |it: &World| words.iter().any(|word| word == it.name());
    let all = !World::ALL.iter().any(named);
    let asked: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let mut verdicts = Vec::new();
    for world in World::ALL.into_iter().filter(|it| all || named(it)) {
        let sizes = if asked.is_empty() {
            world.sizes()
        } else {
            asked.clone()
        };
        verdicts.extend(table(world, &sizes));
    }
    RowVerdict::exit_code(verdicts)
}

/// What a user types for a measure of this name.
fn command_of(name: &'static str) -> &'static str {
    match name {
        "approve SG1" => "approve last SG1 --digest HEX64",
        "approve SG2" => "approve last SG2 --digest HEX64",
        "runs, while it waits" | "runs, without an index" => "runs",
        "verify of the archive" => "verify FILE",
        "export" => "export last --output FILE",
        "replay" => "replay last --json",
        "report --json" => "report last --json",
        "resume" => "resume last",
        "verify" => "verify last",
        "report" => "report last",
        "diff" => "diff last",
        "recheck" => "recheck last",
        other => other,
    }
}

/// Measures and tells the commands at these sizes.
fn table(world: World, sizes: &[u64]) -> Vec<RowVerdict> {
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
                    command: command_of(name),
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
        .flat_map(|row| measured(row, world, sizes, &last))
        .map(|row| row.tell())
        .collect()
}

/// The rows of one command: time at the largest size beside another program, memory at its highest, and how time grows.
fn measured(row: &Row, world: World, sizes: &[u64], beside: &Measured) -> Vec<MeasuredRow> {
    let (Some(first), Some(last)) = (row.taken.first(), row.taken.last()) else {
        return Vec::new();
    };
    let largest = sizes.last().copied().unwrap_or_default();
    let (what, command) = (row.name, format!("drygate {}", row.command));
    let (of, seconds) = (
        format!("{what}, {largest} {}", world.counts()),
        MeasuredUnit::Seconds,
    );
    let time = MeasuredRow::new(&of, &command, last.seconds, seconds);
    let time = match (row.name, world, beside.copy_seconds) {
        // Beside the streams everything else costs what it costs at the smallest size. Of one size they are not known.
        ("survey", World::Units, Some(copy)) if sizes.len() > 1 => {
            let streams = (last.seconds - first.seconds).max(0.0);
            let of = format!("{of}, less what the smallest took");
            MeasuredRow::new(&of, &command, streams, seconds)
                .beside("psql COPY of the same rows", Some(copy))
                .held_to(STREAMS)
        }
        ("verify", World::Lines, _) => time
            .beside("sha256sum of its files", Some(beside.checksum_seconds))
            .held_to(VERIFY),
        _ => time,
    };
    let peak = row.taken.iter().map(|taken| taken.peak_bytes);
    let peak = peak.fold(0.0, f64::max);
    let memory = format!("{of}: peak memory of all sizes");
    let memory = MeasuredRow::new(&memory, &command, peak, MeasuredUnit::Bytes).held_to(MEMORY);
    let grows = exponent(sizes, &row.taken).map(|exponent| {
        let taken = sizes.iter().zip(&row.taken);
        let taken = taken.map(|(size, taken)| format!("{size} in {:.2} s", taken.seconds));
        let taken: Vec<String> = taken.collect();
        let of = format!("{what}, {}: {}", world.counts(), taken.join(", "));
        MeasuredRow::new(&of, &command, exponent, MeasuredUnit::Exponent).held_to(EXPONENT)
    });
    // The times of all sizes are in the row of how it grows.
    let time = (grows.is_none() || time.ratio().is_some()).then_some(time);
    time.into_iter().chain(Some(memory)).chain(grows).collect()
}
