//! Two runs whose grant matrix has 1,000,000 lines, with 1 % changed, against other tools on the same two documents.
//! Invariant: each is measured in processes of its own, by turns, over the same bytes; every figure is a median.
//!
//! `cargo bench --bench diff -- 100000` has shorter documents, of 30000 lines at least. It fails where a bar of the contract is missed. What is not installed is
//! NOT CHECKED.

#[path = "../../tests/screens/home.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod home;
mod screen;
#[path = "../terminal/session.rs"]
#[expect(dead_code, reason = "the bench of the run screen needs more of it")]
mod session;

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use drygate::survey::{Digest, DocumentRef, Live, Observed};
use drygate::testing::{
    MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, ScriptedRun, median,
};
use home::Home;
use session::Session;

const LINES: usize = 1_000_000;
const RUNS: usize = 7;
/// `delta` takes its time.
const DELTA_RUNS: usize = 1;
/// The fact whose document is compared.
const FACT: &str = "grant_matrix_sha";
/// The exit code of what found a difference, here and in `diff`.
const DIFFERS: i32 = 2;
const DIFFERS_TO_DIFF: i32 = 1;

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mode, before, after, ..] = words.as_slice()
        && mode == "--screen"
    {
        return screen::looked_at(before, after).map(|()| ExitCode::SUCCESS);
    }
    let asked = words.iter().skip(1).find_map(|word| word.parse().ok());
    let place = tempfile::tempdir()?;
    compare(place.path(), asked.unwrap_or(LINES))
}

fn line(n: usize, state: &str) -> String {
    format!(
        "table public.object_{n:07} grantee_{:03} SELECT\tby owner_{} {state}\n",
        n % 977,
        n % 7
    )
}

fn documents(lines: usize) -> [String; 2] {
    let mut before = String::new();
    let mut after = String::new();
    for n in 0..lines {
        before.push_str(&line(n, "plain"));
        // Every hundredth line: changed, and now and then gone or new.
        match n % 100 {
            50 if n % 1_000 == 50 => {}
            50 if n % 1_000 == 150 => {
                after.push_str(&line(n, "plain"));
                after.push_str(&line(n + lines, "new"));
            }
            50 => after.push_str(&line(n, "with grant option")),
            _ => after.push_str(&line(n, "plain")),
        }
    }
    [before, after]
}

/// A run that waits at SG1 and has seen this document.
fn write_run(home: &Home, run_id: &str, text: &str) {
    let digest = Digest::of(text);
    let mut script = ScriptedRun::new(false);
    let fact = script.fact(FACT);
    fact.observed = Observed::Live(Live::new(digest.to_string()));
    fact.document = Some(DocumentRef {
        sha256: digest.clone(),
        lines: text.lines().count() as u64,
    });
    script.until_sg1();
    let directory = home.write(&script, run_id, &|_| ());
    let blobs = directory.join("blobs");
    fs::create_dir_all(&blobs).expect("a directory");
    fs::write(blobs.join(digest.as_str()), text).expect("a document");
}

const BEFORE: &str = "ictr-20261122T091402Z-00000001";
const AFTER: &str = "ictr-20261122T101402Z-00000002";

fn compare(place: &Path, lines: usize) -> io::Result<ExitCode> {
    let home = Home::at(&place.join("data"));
    let files = ["before", "after"].map(|name| place.join(name).display().to_string());
    for ((file, run_id), text) in files.iter().zip([BEFORE, AFTER]).zip(documents(lines)) {
        write_run(&home, run_id, &text);
        fs::write(file, text)?;
    }
    let own = std::env::current_exe()?;
    let (mut ours, mut gits, mut diffs) = (vec![], vec![], vec![]);
    let (mut seen, mut looked) = (vec![], vec![]);
    let other = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(&files).stdout(Stdio::null());
        ProcessCost::of(&mut command, DIFFERS_TO_DIFF)
    };
    let diff = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        let words = ["diff", BEFORE, AFTER, "--headless", "--data-dir"];
        command.args(words).arg(&home.path);
        command
    };
    let printed = diff().output()?.stdout;
    let printed = String::from_utf8_lossy(&printed);
    let complete = printed.matches("with grant option").count();
    assert!(complete > lines / 200, "{complete} changes are printed");
    for _ in 0..RUNS {
        ours.push(ProcessCost::of(diff().stdout(Stdio::null()), DIFFERS));
        gits.push(other(&["git", "diff", "--no-index"]));
        diffs.push(other(&["diff"]));
        looked.push(on_a_terminal(&home));
        let screen = Command::new(&own).arg("--screen").args(&files).output()?;
        let printed = String::from_utf8_lossy(&screen.stdout);
        seen.push(screen::FrameTimes::read(&printed)?);
    }
    let has_delta = Command::new("delta").arg("--version").output().is_ok();
    let delta = [
        "delta",
        "--side-by-side",
        "--paging",
        "never",
        "--width",
        "160",
    ];
    let deltas = (0..DELTA_RUNS).filter(|_| has_delta).map(|_| other(&delta));
    let deltas: Vec<ProcessCost> = deltas.collect();
    let delta = has_delta.then(|| ProcessCost::median(&deltas).seconds);
    let [ours, git, diff] = [ours, gits, diffs].map(|all| ProcessCost::median(&all));

    let of = format!("diff of two documents of {lines} lines, 1 % changed");
    let command = "drygate diff RUN_ID RUN_ID2";
    let memory = format!("{of}: peak memory");
    let took = || MeasuredRow::new(&of, command, ours.seconds, MeasuredUnit::Seconds);
    let peak = || MeasuredRow::new(&memory, command, ours.peak_bytes, MeasuredUnit::Bytes);
    let once = MeasuredBar::AtMostTimes(1.0);
    let mut rows = vec![
        took()
            .beside("git diff --no-index", Some(git.seconds))
            .held_to(once),
        took()
            .beside("delta --side-by-side", delta)
            .held_to(MeasuredBar::AtMostTimes(0.1)),
        peak().beside("diff", Some(diff.peak_bytes)).held_to(once),
        peak().beside("git diff --no-index", Some(git.peak_bytes)),
    ];
    for (nth, (what, bar)) in LOOKED_AT.into_iter().enumerate() {
        let all: Vec<f64> = looked.iter().map(|times| times[nth]).collect();
        let row = MeasuredRow::new(what, command, median(&all), MeasuredUnit::Seconds);
        rows.push(row.held_to(bar));
    }
    rows.extend(screen::FrameTimes::median(&seen).rows());
    Ok(RowVerdict::exit_code(rows.iter().map(MeasuredRow::tell)))
}

/// What is done on a terminal, and what it is held to.
const LOOKED_AT: [(&str, MeasuredBar); 3] = [
    (
        "on the screen: exec to the facts that differ",
        MeasuredBar::None,
    ),
    (
        "on the screen: Enter to the document, read and drawn",
        MeasuredBar::None,
    ),
    (
        "on the screen: to the next change",
        MeasuredBar::AtMost(0.016),
    ),
];

/// Seconds of each step of a person at the comparison.
fn on_a_terminal(home: &Home) -> [f64; LOOKED_AT.len()] {
    let data = home.path.display().to_string();
    let program = env!("CARGO_BIN_EXE_drygate");
    let words = [program, "diff", BEFORE, AFTER, "--data-dir", &data];
    let mut session = Session::start(&words.map(str::to_owned), &home.path);
    let shows = |text: &'static str| move |screen: &vt100::Screen| screen.contents().contains(text);
    let facts = session.first(shows(FACT));
    session.settle(Duration::from_millis(50));
    let document = session.shows("\r", shows("change 1 of "));
    session.settle(Duration::from_millis(50));
    let next = session.shows("]", shows("change 2 of "));
    session.ends(|session| session.key("qq"));
    [facts, document, next]
}
