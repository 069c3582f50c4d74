//! The list of 10,000 runs: first frame with a warm index, a key in the search, and the index made anew.
//! Invariant: the runs are real directories with chain and HEAD; every figure is printed, and each is measured over what a person does.

#[path = "../tests/screens/home.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod home;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::journal::RunIndex;
use drygate::run::{Decision, RunResult, State, StopCode};
use drygate::survey::UtcTime;
use drygate::tui::picker::{Picker, PickerMessage};
use drygate::tui::picker_keys::on_event;
use drygate::tui::picker_loop::picker_frame;
use drygate::tui::{Colours, Theme};

use drygate::testing::{ScriptedRun, at};
use home::Home;

const RUNS: usize = 10_000;
const ROUNDS: usize = 15;
const SIZE: (u16, u16) = (160, 48);

/// What a person types, letter by letter.
const QUERIES: [&str; 4] = [
    "drifted 2026-11-2",
    "staging !pass",
    "op_c sg2 fail",
    "ictr-2026102",
];

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mode, place, count] = words.as_slice()
        && mode == "--write"
    {
        let count = count.parse().map_err(io::Error::other)?;
        write_runs(&Home::at(Path::new(place)), count);
        return Ok(());
    }
    let place = std::env::temp_dir().join(format!("drygate-bench-picker-{}", std::process::id()));
    let measured = measure(&place);
    fs::remove_dir_all(&place)?;
    measured
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

fn measure(place: &Path) -> io::Result<()> {
    let home = Home::at(place);
    let began = Instant::now();
    write_runs(&home, RUNS);
    println(&format!(
        "{RUNS} runs written in {:.1} s",
        began.elapsed().as_secs_f64()
    ))?;

    let mut cold = Vec::new();
    for _ in 0..3 {
        fs::remove_file(home.cache()).or_else(not_there)?;
        let began = Instant::now();
        let (rows, read) = home.rows();
        cold.push(began.elapsed());
        assert_eq!((rows.len(), read), (RUNS, RUNS), "every journal is read");
    }
    report("index made anew, all journals read", &mut cold)?;

    let mut looks = Vec::new();
    let mut frames = Vec::new();
    let mut picker = new_picker(&home);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut fresh = new_picker(&home);
        look(&home, &mut fresh);
        looks.push(began.elapsed());
        let _ = picker_frame(&mut fresh, SIZE.0, SIZE.1);
        frames.push(began.elapsed());
        picker = fresh;
    }
    report("index looked at, warm", &mut looks)?;
    report("first frame, warm index", &mut frames)?;
    let first_frame = frames[frames.len() / 2];

    let mut keys = Vec::new();
    for query in QUERIES {
        press(&mut picker, KeyCode::Char('/'));
        for letter in query.chars() {
            let began = Instant::now();
            press(&mut picker, KeyCode::Char(letter));
            let _ = picker_frame(&mut picker, SIZE.0, SIZE.1);
            keys.push(began.elapsed());
        }
        println(&format!("  \"{query}\" finds {}", picker.shown_len()))?;
        press(&mut picker, KeyCode::Esc);
    }
    report("a key in the search, painted", &mut keys)?;
    let slowest_key = keys[keys.len() - 1];

    let mut moves = Vec::new();
    for key in ['G', 'g', 's', 's', 's', 's', 's', '4', '1', 'j'] {
        let began = Instant::now();
        press(&mut picker, KeyCode::Char(key));
        let _ = picker_frame(&mut picker, SIZE.0, SIZE.1);
        moves.push(began.elapsed());
    }
    report("another key (order, filter, move), painted", &mut moves)?;
    println(&format!(
        "bars: first frame under 100 ms: {}; slowest key in the search under 16 ms: {}",
        met(first_frame < Duration::from_millis(100)),
        met(slowest_key < Duration::from_millis(16)),
    ))
}

fn not_there(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

fn new_picker(home: &Home) -> Picker {
    let theme = Theme::new(false, Colours::Sixteen);
    Picker::new(home.path.display().to_string(), theme, at("09:31:15"))
}

/// What is done before the first frame.
fn look(home: &Home, picker: &mut Picker) {
    let index = RunIndex::look(&home.store).expect("it lists");
    let rows = index.rows().cloned().collect();
    picker.take(PickerMessage::Rows(rows, 0), at("09:31:15"));
    assert_eq!(picker.shown_len(), RUNS, "all of them are known");
}

fn press(picker: &mut Picker, code: KeyCode) {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    let _ = on_event(picker, &TerminalEvent::Key(key));
}

fn met(is: bool) -> &'static str {
    if is { "met" } else { "NOT MET" }
}

/// Sorts the times and prints them.
fn report(what: &str, times: &mut [Duration]) -> io::Result<()> {
    times.sort();
    let ms = |at: usize| times[at.min(times.len() - 1)].as_secs_f64() * 1_000.0;
    println(&format!(
        "{what}: median {:.2} ms, fastest {:.2} ms, slowest {:.2} ms, of {}",
        ms(times.len() / 2),
        ms(0),
        ms(times.len() - 1),
        times.len()
    ))
}

fn println(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}
