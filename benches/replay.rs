//! A journal of 1,000,000 events: first frame, seeks, memory, and the chain against `sha256sum`. Invariant: a run that waits, its events legal, its file as the program writes it.
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
use drygate::testing::ScriptedRun;
use drygate::testing::values::person;
use drygate::tui::event_loop::frame;
use drygate::tui::model::Model;
use drygate::tui::{Colours, Source, Theme};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::layout::Size;

const EVENTS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const SEEKS: u64 = 400;
const FIRST_FRAME_MAX: Duration = Duration::from_millis(100);
const SEEK_MAX: Duration = Duration::from_millis(16);
const MEMORY_KB_MAX: u64 = 150_000;
const CHAIN_MAX: f64 = 1.5;

fn main() -> ExitCode {
    let events = env::args().skip(1).find_map(|word| word.parse().ok());
    let events = events.unwrap_or(EVENTS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = write(home.path(), events);
    let journal = run.join("journal.jsonl");
    let bytes = fs::metadata(&journal).expect("a journal").len();
    say(&format!("{events} events, {} MB", bytes / 1_000_000));
    let mut met = chain(&run, &journal);
    met &= seeks(&run, events);
    met &= screen(home.path(), events);
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Tells a bar and how far from it.
fn bar(what: &str, measured: &str, is_met: bool) -> bool {
    let verdict = if is_met { "met" } else { "NOT MET" };
    say(&format!("{what:<44} {measured:<28} {verdict}"));
    is_met
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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The chain, and `sha256sum` of the same bytes, by turns.
fn chain(run: &Path, journal: &Path) -> bool {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let summary = reader(run).verify().expect("it chains");
        ours.push(began.elapsed());
        assert!(summary.lines > 0, "the journal was read");
        let began = Instant::now();
        let status = Command::new("sha256sum")
            .arg(journal)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("sha256sum").success());
        theirs.push(began.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let measured = format!("{ratio:.2} ({ours:.0?} / {theirs:.0?})");
    bar(
        "verify of the chain / sha256sum",
        &measured,
        ratio <= CHAIN_MAX,
    )
}

/// Seeks to places all over the run, each drawn.
fn seeks(run: &Path, events: u64) -> bool {
    let mut recording = Recording::open(&reader(run)).expect("a journal");
    let began = Instant::now();
    recording.read_all().expect("it chains");
    say(&format!(
        "read through once, in the background: {:.1?}",
        began.elapsed()
    ));
    let last = recording.last().expect("a line").0;
    let theme = Theme::new(false, Colours::Sixteen);
    let size = Size::new(160, 48);
    let now = recording.last().expect("a line").1;
    let mut times = Vec::new();
    for nth in 0..SEEKS {
        // A stride that shares no factor with the length goes everywhere.
        let seq = nth * 7_919_317 % events.min(last);
        let began = Instant::now();
        let moment = recording.at(seq).expect("a moment").clone();
        let mut model = Model::new(Source::Replay, person("op_a"), theme, size, now);
        model.history = moment;
        let drawn = frame(&mut model, size.width, size.height);
        times.push(began.elapsed());
        assert!(!drawn.content.is_empty(), "a frame");
    }
    times.sort();
    let most = times[times.len() - 1];
    let measured = format!("p50 {:.1?}, most {most:.1?}", times[times.len() / 2]);
    bar("seek to any record, drawn", &measured, most <= SEEK_MAX)
}

/// The program itself in a terminal: first frame, and memory once everything was read.
fn screen(home: &Path, events: u64) -> bool {
    let mut firsts = Vec::new();
    let mut peak = 0;
    for _ in 0..ROUNDS {
        let size = PtySize {
            rows: 48,
            cols: 160,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(["replay", "last", "--data-dir"]);
        command.arg(home);
        command.env("TERM", "xterm-256color");
        command.env_remove("CI");
        let mut output = pair.master.try_clone_reader().expect("its output");
        let mut input = pair.master.take_writer().expect("its input");
        let began = Instant::now();
        let mut child = pair.slave.spawn_command(command).expect("it starts");
        drop(pair.slave);
        let mut seen = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        until(&mut output, &mut seen, " back");
        firsts.push(began.elapsed());
        // Once everything was read the replay stands at the last record.
        input
            .write_all(format!(":{}\r", events - 1).as_bytes())
            .expect("keys");
        until(&mut output, &mut seen, "chain intact");
        let pid = child.process_id().expect("it runs");
        peak = peak.max(peak_kb(pid));
        input.write_all(b"q").expect("keys");
        let _ = child.wait();
    }
    let first = median(firsts);
    let met = bar(
        "exec to first frame",
        &format!("{first:.1?}"),
        first <= FIRST_FRAME_MAX,
    );
    let memory = format!("{} MB", peak / 1_000);
    bar(
        "peak memory once all was read",
        &memory,
        peak <= MEMORY_KB_MAX,
    ) && met
}

/// Reads until the screen shows a text: what is written are changes of cells, which may hold it in pieces.
fn until(output: &mut dyn std::io::Read, screen: &mut vt100::Parser, text: &str) {
    let mut buffer = [0; 1 << 14];
    while !screen.screen().contents().contains(text) {
        let read = output.read(&mut buffer).expect("its output");
        let shown = screen.screen().contents();
        assert!(read > 0, "it ended without {text:?}: {shown}");
        screen.process(&buffer[..read]);
    }
}

fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).expect("not 0")
}

fn peak_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits.and_then(|kb| kb.parse().ok()).expect("a number")
}
