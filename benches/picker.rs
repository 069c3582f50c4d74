//! The list of 10,000 runs: first frame with a warm index, a key in the search, and the index made anew.
//! Invariant: the runs are real directories with chain and HEAD, and it is the program in a terminal that lists them.
//!
//! `cargo bench --bench picker -- 1000` lists fewer; `-- --write DIRECTORY 1000` writes them and measures nothing.

#[path = "../tests/screens/home.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod home;
#[path = "terminal/session.rs"]
#[expect(dead_code, reason = "the bench of the run screen needs more of it")]
mod session;

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use drygate::run::{Decision, RunResult, State, StopCode};
use drygate::survey::UtcTime;
use drygate::testing::{
    MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, ScriptedRun, at, median,
    percentile, say,
};
use home::Home;
use session::Session;

const RUNS: usize = 10_000;
const ROUNDS: usize = 15;
const SECONDS: MeasuredUnit = MeasuredUnit::Seconds;
/// A key is answered within a frame of a screen with 60 of them.
const KEY: MeasuredBar = MeasuredBar::AtMost(0.016);

/// What a person types, letter by letter.
const QUERIES: [&str; 4] = [
    "drifted 2026-11-2",
    "staging !pass",
    "op_c sg2 fail",
    "ictr-2026102",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mode, place, count, ..] = words.as_slice()
        && mode == "--write"
    {
        write_runs(
            &Home::at(Path::new(place)),
            count.parse().expect("a number"),
        );
        return ExitCode::SUCCESS;
    }
    let asked = words.iter().skip(1).find_map(|word| word.parse().ok());
    let place = tempfile::tempdir().expect("a folder");
    measure(&Home::at(place.path()), asked.unwrap_or(RUNS))
}

/// How a run ends, as often as it does in a year of somebody's work.
fn scripts() -> Vec<ScriptedRun> {
    let mut passed = ScriptedRun::at_sg2(false);
    passed.closes().seals(RunResult::Pass, None);
    let mut incomplete = ScriptedRun::at_sg2(true);
    incomplete.closes().seals(RunResult::Incomplete, None);
    let mut rejected = ScriptedRun::at_sg1(false);
    let stop = Some(StopCode::StopApprovalRejected);
    rejected
        .decides(Decision::Reject, "op_b", Some("not on a Friday"))
        .becomes(State::Rejected)
        .returns(stop)
        .ends(RunResult::Rejected, stop);
    let mut drifted = ScriptedRun::renewed();
    drifted
        .decides(Decision::Reject, "op_c", Some("who enacted 0017?"))
        .becomes(State::Rejected)
        .returns(stop)
        .ends(RunResult::Rejected, stop);
    vec![passed, incomplete, rejected, drifted]
}

fn write_runs(home: &Home, count: usize) {
    let ended = scripts();
    let waiting = [
        ScriptedRun::at_sg1(false),
        ScriptedRun::at_sg2(false),
        ScriptedRun::drifted(),
    ];
    let first = at("09:14:02").unix_micros();
    for nth in 0..count {
        let micros = first - i64::try_from(nth).unwrap_or(0) * 3_000_000_000;
        let started = UtcTime::from_unix_micros(micros);
        let run_id = format!("ictr-{}-{nth:08x}", started.compact());
        let script = match nth % 1_000 {
            3 => &waiting[nth / 1_000 % waiting.len()],
            _ => &ended[if nth % 16 == 5 { 1 + nth / 16 % 3 } else { 0 }],
        };
        home.write(script, &run_id, &|created| {
            if nth % 3 == 0 {
                "STAGING".clone_into(&mut created.target.label);
                "cyan".clone_into(&mut created.target.color);
                "staging.example".clone_into(&mut created.target.host);
            }
            if nth % 7 == 0 {
                "icx-bylaws".clone_into(&mut created.profile);
            }
        });
    }
}

fn measure(home: &Home, runs: usize) -> ExitCode {
    let began = Instant::now();
    write_runs(home, runs);
    say(&format!(
        "{runs} runs written in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    let data = home.path.display().to_string();
    let list = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        let words = ["runs", "--json", "--data-dir", &data];
        ProcessCost::of(command.args(words).stdout(Stdio::null()), 0)
    };
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        fs::remove_file(home.cache())
            .or_else(not_there)
            .expect("it is ours");
        cold.push(list());
        warm.push(list());
    }
    let words = [env!("CARGO_BIN_EXE_drygate"), "runs", "--data-dir", &data];
    let words = words.map(str::to_owned);
    let all = |screen: &vt100::Screen| {
        let shown = screen.contents();
        let counted = [format!("{runs} here"), format!("all {runs}")];
        counted.iter().any(|count| shown.contains(count))
    };
    let (mut firsts, mut searches, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut session = Session::start(&words, &home.path);
        firsts.push(session.first(all));
        session.ends(|session| session.key("q"));
    }
    let mut session = Session::start(&words, &home.path);
    session.first(all);
    let mut pressed = |key: &str| {
        session.settle(Duration::from_millis(50));
        session.answer(key)
    };
    for query in QUERIES {
        pressed("/");
        searches.extend(query.chars().map(|letter| pressed(&letter.to_string())));
        pressed("\x1b");
    }
    for key in ["G", "g", "s", "s", "s", "s", "s", "4", "1", "j"] {
        others.push(pressed(key));
    }
    session.ends(|session| session.key("q"));
    let of = format!("of {runs} runs");
    let row =
        |what: &str, command: &str, seconds| MeasuredRow::new(what, command, seconds, SECONDS);
    let json = "drygate runs --json";
    let (cold, warm) = (ProcessCost::median(&cold), ProcessCost::median(&warm));
    let rows = [
        row(
            &format!("exec to the list {of}, warm index"),
            "drygate runs",
            median(&firsts),
        )
        .held_to(MeasuredBar::AtMost(0.1)),
        row(
            &format!("a letter in the search {of}"),
            "drygate runs",
            median(&searches),
        )
        .held_to(KEY),
        row(
            "the same, the slowest",
            "drygate runs",
            percentile(&searches, 100),
        )
        .held_to(KEY),
        row(
            "another key, the slowest",
            "drygate runs",
            percentile(&others, 100),
        ),
        row(
            &format!("{runs} runs printed, warm index"),
            json,
            warm.seconds,
        ),
        row("the same, every journal read anew", json, cold.seconds),
    ];
    RowVerdict::exit_code(rows.iter().map(MeasuredRow::tell))
}

fn not_there(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
