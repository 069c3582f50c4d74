//! A journal of 1,000,000 events: first frame, seeks, memory, and the chain against `sha256sum`. Invariant: a run that waits, its events
//! legal, its file as the program writes it; what has a bar of the contract is the program in a terminal, but for the chain.
//!
//! `cargo bench --bench replay -- 100000` tells a shorter run. It fails where a bar of the contract is missed.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drygate::journal::{DiskStorage, JournalReader, Permissions, Storage, encode_line};
use drygate::replay::Recording;
use drygate::run::{Event, LiveRead, TransactionClosed, TransactionOpened};
use drygate::survey::{Digest, UtcTime};
use drygate::testing::values::person;
use drygate::testing::{
    MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, ScriptedRun, median,
    peak_bytes, percentile, say,
};
use drygate::tui::event_loop::frame;
use drygate::tui::model::Model;
use drygate::tui::{Colours, Source, Theme};
use ratatui::layout::Size;
use rustix::process::Signal;

#[path = "terminal/session.rs"]
#[expect(dead_code, reason = "the bench of the run screen needs more of it")]
mod session;

use session::{COLUMNS, ROWS, Session};

const EVENTS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const SEEKS: u64 = 400;
/// Seeks that are typed; each takes a moment in which nothing may be drawn.
const TYPED_SEEKS: u64 = 40;
const FIRST_FRAME: MeasuredBar = MeasuredBar::AtMost(0.1);
const SEEK: MeasuredBar = MeasuredBar::AtMost(0.016);
const MEMORY: MeasuredBar = MeasuredBar::AtMost(150_000.0 * 1024.0);
const CHAIN: MeasuredBar = MeasuredBar::AtMostTimes(1.5);
const SECONDS: MeasuredUnit = MeasuredUnit::Seconds;

fn main() -> ExitCode {
    let events = env::args().skip(1).find_map(|word| word.parse().ok());
    let events = events.unwrap_or(EVENTS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = write(home.path(), events);
    let journal = run.join("journal.jsonl");
    let bytes = fs::metadata(&journal).expect("a journal").len();
    say(&format!("{events} events, {} MB", bytes / 1_000_000));
    let verdicts = [
        screen(home.path(), events),
        printed(home.path(), &journal, events),
        chain(&run, &journal, events),
        seeks(&run),
    ];
    RowVerdict::exit_code(verdicts.into_iter().flatten())
}

/// A run that waits at SG2 while its facts are read again and again, as the program would have written it.
fn write(home: &Path, events: u64) -> PathBuf {
    let script = ScriptedRun::at_sg2(false);
    let run_id = script.run.run_id().expect("a run").to_string();
    let run = home.join("runs").join(run_id);
    fs::create_dir_all(run.join("blobs")).expect("a new directory");
    let mut lines = Lines {
        out: BufWriter::new(File::create(run.join("journal.jsonl")).expect("a new file")),
        seq: 0,
        prev: Digest::zero(),
    };
    for record in &script.records {
        lines.write(record.at, &record.event);
    }
    let mut reading = ScriptedRun::at_sg2(false);
    let before = reading.records.len();
    reading.live_read(false, &[], None);
    let cycle = reading.records[before..].to_vec();
    let mut at = script.records.last().expect("records").at;
    let mut id = script.run.transactions_opened();
    while lines.seq < events {
        id += 1;
        at = at.plus_seconds(60);
        for record in &cycle {
            lines.write(at, &numbered(&record.event, id, at));
        }
    }
    lines.out.flush().expect("written");
    let head = format!(
        "{{\"seq\":{},\"sha256\":\"{}\"}}\n",
        lines.seq - 1,
        lines.prev
    );
    fs::write(run.join("HEAD"), head).expect("a new file");
    run
}

fn numbered(event: &Event, number: u64, at: UtcTime) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::TransactionOpened(TransactionOpened { id, nonce, .. }) => {
            (*id, *nonce) = (number, format!("nonce{number}"));
        }
        Event::TransactionClosed(TransactionClosed { id, proof }) => {
            *id = number;
            let proof = std::sync::Arc::make_mut(proof);
            proof.nonce = format!("nonce{number}");
            proof.nonce_at_end.clone_from(&proof.nonce);
        }
        Event::LiveRead(LiveRead { read_at, .. }) => *read_at = at,
        _ => {}
    }
    event
}

struct Lines {
    out: BufWriter<File>,
    seq: u64,
    prev: Digest,
}

impl Lines {
    fn write(&mut self, at: UtcTime, event: &Event) {
        let line = encode_line(self.seq, at, &self.prev, event).expect("a line");
        self.out.write_all(&line).expect("written");
        self.out.write_all(b"\n").expect("written");
        self.prev = Digest::of(line);
        self.seq += 1;
    }
}

fn reader(run: &Path) -> JournalReader {
    let storage = DiskStorage::open(run, Permissions::private()).expect("a directory");
    JournalReader::new(Arc::new(storage) as Arc<dyn Storage>, Path::new(""))
}

fn sha256sum(journal: &Path) -> ProcessCost {
    let mut command = Command::new("sha256sum");
    ProcessCost::of(command.arg(journal).stdout(Stdio::null()), 0)
}

/// The chain, and `sha256sum` of the same bytes, by turns.
fn chain(run: &Path, journal: &Path, events: u64) -> Vec<RowVerdict> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let summary = reader(run).verify().expect("it chains");
        ours.push(began.elapsed().as_secs_f64());
        assert!(summary.lines > 0, "the journal was read");
        theirs.push(sha256sum(journal).seconds);
    }
    let what = format!("the chain of {events} events alone");
    let row = MeasuredRow::new(&what, "library: JournalReader", median(&ours), SECONDS)
        .beside("sha256sum of the same bytes", Some(median(&theirs)))
        .held_to(CHAIN);
    vec![row.tell()]
}

/// The frame of one record without a terminal, and `sha256sum` of the journal, by turns.
fn printed(home: &Path, journal: &Path, events: u64) -> Vec<RowVerdict> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(["replay", "last", "--at", &(events / 2).to_string()])
            .args(["--headless", "--data-dir"])
            .arg(home)
            .stdout(Stdio::null());
        ours.push(ProcessCost::of(&mut command, 0));
        theirs.push(sha256sum(journal));
    }
    let theirs = ProcessCost::median(&theirs).seconds;
    let what = format!("one record of {events} printed");
    let row = MeasuredRow::new(
        &what,
        "drygate replay last --at SEQ",
        ProcessCost::median(&ours).seconds,
        SECONDS,
    );
    vec![
        row.beside("sha256sum of the same bytes", Some(theirs))
            .tell(),
    ]
}

/// Seeks to places all over the run, each drawn.
fn seeks(run: &Path) -> Vec<RowVerdict> {
    let mut recording = Recording::open(&reader(run)).expect("a journal");
    let began = Instant::now();
    recording.read_all().expect("it chains");
    let read = began.elapsed().as_secs_f64();
    let last = recording.last().expect("a line").0;
    let theme = Theme::new(false, Colours::Sixteen);
    let size = Size::new(COLUMNS, ROWS);
    let now = recording.last().expect("a line").1;
    let mut times = Vec::new();
    for nth in 0..SEEKS {
        let began = Instant::now();
        let moment = recording.at(place(nth, last)).expect("a moment").clone();
        let mut model = Model::new(Source::Replay, person("op_a"), theme, size, now);
        model.history = moment;
        let drawn = frame(&mut model, size.width, size.height);
        times.push(began.elapsed().as_secs_f64());
        assert!(!drawn.content.is_empty(), "a frame");
    }
    let library = "library: Recording";
    let most = percentile(&times, 100);
    let rows = [
        MeasuredRow::new("all read once, in the background", library, read, SECONDS),
        MeasuredRow::new(
            "seek to any record, drawn, the slowest",
            library,
            most,
            SECONDS,
        )
        .held_to(SEEK),
    ];
    rows.iter().map(MeasuredRow::tell).collect()
}

/// Records all over a run, one after the other: a stride that shares no factor with the length goes everywhere.
fn place(nth: u64, last: u64) -> u64 {
    nth * 7_919_317 % last
}

/// The program itself in a terminal: first frame, seeks once everything was read, and memory.
fn screen(home: &Path, events: u64) -> Vec<RowVerdict> {
    let (mut firsts, mut seeks, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    let program = [
        env!("CARGO_BIN_EXE_drygate"),
        "replay",
        "last",
        "--data-dir",
    ];
    let mut words: Vec<String> = program.map(str::to_owned).to_vec();
    words.push(home.display().to_string());
    for round in 0..ROUNDS as u64 {
        let mut session = Session::start(&words, home);
        firsts.push(session.first(|screen| screen.contents().contains(" back")));
        // Once everything was read the replay stands at the last record.
        let whole = |screen: &vt100::Screen| screen.contents().contains("chain intact");
        session.shows(&format!(":{}\r", events - 1), whole);
        for nth in 0..TYPED_SEEKS {
            let seq = place(round * TYPED_SEEKS + nth, events - 1);
            session.key(&format!(":{seq}"));
            session.settle(Duration::from_millis(50));
            let there = format!("at seq {seq}, head ");
            seeks.push(session.shows("\r", |screen| screen.contents().contains(&there)));
        }
        peaks.push(peak_bytes(session.pid()).expect("it runs"));
        session.ends(|session| session.signal(Signal::TERM));
    }
    let of = format!("of {events} events");
    let command = "drygate replay last";
    let (median, most) = (percentile(&seeks, 50), percentile(&seeks, 100));
    let memory = percentile(&peaks, 100);
    let rows = [
        MeasuredRow::new(
            &format!("exec to the first frame {of}"),
            command,
            percentile(&firsts, 50),
            SECONDS,
        )
        .held_to(FIRST_FRAME),
        MeasuredRow::new(
            &format!("Enter to any record {of}"),
            command,
            median,
            SECONDS,
        )
        .held_to(SEEK),
        MeasuredRow::new("the same, the slowest", command, most, SECONDS),
        MeasuredRow::new(
            "peak memory once all was read",
            command,
            memory,
            MeasuredUnit::Bytes,
        )
        .held_to(MEMORY),
    ];
    rows.iter().map(MeasuredRow::tell).collect()
}
