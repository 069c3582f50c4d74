//! The run screen as a terminal sees it, beside `btm` (bottom) in the same size. Invariant: both are started, typed at and ended in the same way, by turns.
//!
//! `cargo bench --bench screen`. Without `btm` (in `PATH` or `BTM=file`) its ratios are NOT CHECKED and only our own values are printed.
//! A frame is complete when the first and the last row of the screen have something in them. It fails where a bar is missed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
const COLUMNS: u16 = 160;
const ROWS: u16 = 48;
const STARTS: usize = 15;
const KEYS: usize = 150;
const ENDS: usize = 7;
/// Longer than any answer: a program that says nothing within it has missed the key.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a person leaves between two keys.
const BETWEEN_KEYS: Duration = Duration::from_millis(40);
const WAITS: Duration = Duration::from_secs(10);

/// What came from a program, each piece with its time.
#[derive(Default)]
struct ReceivedMessages {
    pieces: Mutex<Vec<(Instant, Vec<u8>)>>,
    more: Condvar,
}

impl ReceivedMessages {
    fn read_all(&self, mut from: Box<dyn Read + Send>) {
        let mut chunk = [0; 1 << 14];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            let piece = (Instant::now(), chunk[..length].to_vec());
            self.lock().push(piece);
            self.more.notify_all();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Vec<u8>)>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of the first piece after the first `known`.
    fn next_after(&self, known: usize) -> Option<Instant> {
        let pieces = self.lock();
        let waited = self
            .more
            .wait_timeout_while(pieces, PATIENCE, |pieces| pieces.len() <= known);
        let (pieces, _) = waited.unwrap_or_else(PoisonError::into_inner);
        pieces.get(known).map(|(at, _)| *at)
    }

    /// Waits until nothing came for so long.
    fn settle(&self, silence: Duration) {
        let mut pieces = self.lock();
        loop {
            let known = pieces.len();
            let waited = self
                .more
                .wait_timeout_while(pieces, silence, |pieces| pieces.len() <= known);
            let (after, timed) = waited.unwrap_or_else(PoisonError::into_inner);
            if timed.timed_out() {
                return;
            }
            pieces = after;
        }
    }
}

/// A program in a pty.
struct Session {
    began: Instant,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    heard: Arc<ReceivedMessages>,
    _master: Box<dyn MasterPty + Send>,
}

impl Session {
    fn start(words: &[String], directory: &Path) -> Self {
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        command.cwd(directory);
        command.env("TERM", "xterm-256color");
        for name in ["CI", "NO_COLOR", "TMUX", "TERM_PROGRAM"] {
            command.env_remove(name);
        }
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let heard = Arc::new(ReceivedMessages::default());
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("it starts");
        let hearing = Arc::clone(&heard);
        thread::spawn(move || hearing.read_all(reader));
        Self {
            began,
            child,
            writer,
            heard,
            _master: pair.master,
        }
    }

    fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    fn key(&mut self, key: &str) {
        let sent = self.writer.write_all(key.as_bytes());
        sent.and_then(|()| self.writer.flush())
            .expect("a pty takes keys");
    }

    /// From the start to the frame in which `complete` first holds.
    fn first(&self, complete: impl Fn(&vt100::Screen) -> bool) -> Duration {
        let mut screen = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
        let mut known = 0;
        loop {
            let at = self.heard.next_after(known).expect("it draws");
            screen.process(&self.heard.lock()[known].1);
            known += 1;
            if complete(screen.screen()) {
                return at - self.began;
            }
        }
    }

    /// From a key to the first byte that follows it.
    fn answer(&mut self, key: &str) -> Duration {
        let known = self.heard.lock().len();
        let sent = Instant::now();
        self.key(key);
        let at = self.heard.next_after(known).expect("a key is answered");
        at.saturating_duration_since(sent)
    }

    /// From a key to the frame in which `shown` is first so. Time is that of the bytes: what it takes to look at them is not in it.
    fn shows(
        &mut self,
        screen: &mut vt100::Parser,
        seen: &mut usize,
        key: &str,
        shown: impl Fn(&vt100::Screen) -> bool,
    ) -> Duration {
        let sent = Instant::now();
        self.key(key);
        loop {
            let at = self.heard.next_after(*seen).expect("a key is answered");
            screen.process(&self.heard.lock()[*seen].1);
            *seen += 1;
            if shown(screen.screen()) {
                return at.saturating_duration_since(sent);
            }
            assert!(sent.elapsed() < PATIENCE, "the key {key:?} was missed");
        }
    }

    /// From `end` to the end of the process.
    fn ends(mut self, end: impl FnOnce(&mut Self)) -> Duration {
        let began = Instant::now();
        end(&mut self);
        self.child.wait().expect("our own child");
        began.elapsed()
    }

    fn signal(&self, signal: Signal) {
        let raw = i32::try_from(self.pid()).expect("pids fit");
        kill_process(Pid::from_raw(raw).expect("no pid is 0"), signal).expect("our own child");
    }

    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid()));
        let spent = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        };
        let tasks = tasks.into_iter().flatten().flatten();
        Duration::from_nanos(tasks.filter_map(spent).sum())
    }

    fn peak_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        number.unwrap_or(0)
    }
}

fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).expect("not 0")
}

fn row(screen: &vt100::Screen, row: u16) -> String {
    let mut rows = screen.rows(0, COLUMNS);
    rows.nth(row.into()).unwrap_or_default()
}

fn is_complete(screen: &vt100::Screen) -> bool {
    let drawn = |at| !row(screen, at).trim().is_empty();
    drawn(0) && drawn(ROWS - 1)
}

fn helps(screen: &vt100::Screen) -> bool {
    screen.contents().contains("opens the sheet; the digest's")
}

fn waits(screen: &vt100::Screen) -> bool {
    screen.contents().contains("WAITING FOR YOU")
}

/// A program of the comparison: how it is started to be looked at, and when it is ready to be typed at.
struct Player {
    name: &'static str,
    bare: Vec<String>,
    idle: Vec<String>,
    /// While it records as fast as it can.
    busy: Option<Vec<String>>,
    ready: fn(&vt100::Screen) -> bool,
}

/// A way to end a program.
type End = fn(&mut Session);

/// Everything that is measured of one player.
#[derive(Default)]
struct Measured {
    values: BTreeMap<&'static str, Vec<u64>>,
}

impl Measured {
    fn add(&mut self, what: &'static str, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.values.entry(what).or_default().push(micros);
    }

    fn share(&self, what: &str, per_hundred: usize) -> u64 {
        let mut values = self.values.get(what).cloned().unwrap_or_default();
        values.sort_unstable();
        values[(values.len() - 1) * per_hundred / 100]
    }
}

fn idle(player: &Player, directory: &Path) -> Session {
    let session = Session::start(&player.idle, directory);
    session.first(player.ready);
    session.heard.settle(Duration::from_millis(200));
    session
}

fn measure(players: &[Player], directory: &Path) -> Vec<Measured> {
    let mut all: Vec<Measured> = players.iter().map(|_| Measured::default()).collect();
    for _ in 0..STARTS {
        for (player, measured) in players.iter().zip(&mut all) {
            let mut session = Session::start(&player.bare, directory);
            measured.add("first frame", session.first(is_complete));
            session.child.kill().expect("our own child");
            session.child.wait().expect("our own child");
        }
    }
    for (player, measured) in players.iter().zip(&mut all) {
        let mut session = idle(player, directory);
        for nth in 0..KEYS {
            thread::sleep(BETWEEN_KEYS);
            measured.add("key", session.answer(if nth % 2 == 0 { "j" } else { "k" }));
        }
        session.heard.settle(Duration::from_millis(300));
        let (bytes, cpu) = (bytes(&session), session.cpu());
        thread::sleep(WAITS);
        measured
            .values
            .entry("bytes")
            .or_default()
            .push(self::bytes(&session) - bytes);
        measured.add("cpu", session.cpu().saturating_sub(cpu));
        measured
            .values
            .entry("memory")
            .or_default()
            .push(session.peak_kb());
        session.ends(|session| session.key("q"));
    }
    for (player, measured) in players.iter().zip(&mut all) {
        let Some(words) = &player.busy else {
            continue;
        };
        let mut session = Session::start(words, directory);
        session.first(player.ready);
        let mut screen = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
        let mut seen = 0;
        for _ in 0..KEYS / 2 {
            thread::sleep(BETWEEN_KEYS);
            let took = session.shows(&mut screen, &mut seen, "?", helps);
            measured.add("busy key", took);
            thread::sleep(BETWEEN_KEYS);
            let took = session.shows(&mut screen, &mut seen, "\x1b", |screen| !helps(screen));
            measured.add("busy key", took);
        }
        session.ends(|session| session.key("q"));
    }
    for _ in 0..ENDS {
        for (player, measured) in players.iter().zip(&mut all) {
            let ends: [(&'static str, End); 3] = [
                ("exit q", |session| session.key("q")),
                ("exit TERM", |session| session.signal(Signal::TERM)),
                ("exit INT", |session| session.signal(Signal::INT)),
            ];
            for (what, end) in ends {
                measured.add(what, idle(player, directory).ends(end));
            }
        }
    }
    all
}

fn bytes(session: &Session) -> u64 {
    session
        .heard
        .lock()
        .iter()
        .map(|(_, piece)| piece.len() as u64)
        .sum()
}

fn say(line: &str) {
    // A closed stdout must not fail a measure.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn btm() -> Option<PathBuf> {
    let named = std::env::var_os("BTM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/btm");
    let candidates = named
        .into_iter()
        .chain(folders.iter().map(|f| f.join("btm")))
        .chain([own]);
    candidates.into_iter().find(|path| path.is_file())
}

/// One row of the measures: its bar is a share of the other's value in hundredths, or a value of its own.
struct Bar {
    says: &'static str,
    what: &'static str,
    /// What of the other it is held against, where that is something else.
    beside: Option<&'static str>,
    share: usize,
    unit: &'static str,
    of_other: Option<u64>,
    most: Option<u64>,
}

const BARS: [Bar; 10] = [
    Bar {
        says: "exec to first complete frame",
        what: "first frame",
        beside: None,
        share: 50,
        unit: "us",
        of_other: Some(50),
        most: None,
    },
    Bar {
        says: "key to paint, idle, p50",
        what: "key",
        beside: None,
        share: 50,
        unit: "us",
        of_other: Some(100),
        most: None,
    },
    Bar {
        says: "key to paint, idle, p99",
        what: "key",
        beside: None,
        share: 99,
        unit: "us",
        of_other: Some(50),
        most: None,
    },
    Bar {
        says: "key to paint, recording, p99",
        what: "busy key",
        beside: Some("key"),
        share: 99,
        unit: "us",
        of_other: Some(100),
        most: None,
    },
    Bar {
        says: "waiting 10 s: written",
        what: "bytes",
        beside: None,
        share: 50,
        unit: "bytes",
        of_other: None,
        most: Some(0),
    },
    Bar {
        says: "waiting 10 s: CPU",
        what: "cpu",
        beside: None,
        share: 50,
        unit: "us",
        of_other: None,
        most: Some(2_000),
    },
    Bar {
        says: "peak memory, connected",
        what: "memory",
        beside: None,
        share: 50,
        unit: "kB",
        of_other: Some(200),
        most: None,
    },
    Bar {
        says: "exit after q",
        what: "exit q",
        beside: None,
        share: 50,
        unit: "us",
        of_other: None,
        most: Some(20_000),
    },
    Bar {
        says: "exit after TERM",
        what: "exit TERM",
        beside: None,
        share: 50,
        unit: "us",
        of_other: None,
        most: Some(20_000),
    },
    Bar {
        says: "exit after INT",
        what: "exit INT",
        beside: None,
        share: 50,
        unit: "us",
        of_other: None,
        most: Some(20_000),
    },
];

/// Prints a row; false: its bar is missed.
fn judge(bar: &Bar, ours: &Measured, theirs: Option<&Measured>) -> bool {
    let own = ours.share(bar.what, bar.share);
    let beside = bar.beside.unwrap_or(bar.what);
    let other = theirs.map(|theirs| theirs.share(beside, bar.share));
    let beside = other.map_or_else(
        || "btm NOT CHECKED".to_owned(),
        |other| format!("btm {other} {}, ratio {}", bar.unit, hundredths(own, other)),
    );
    let holds = match (bar.of_other, other, bar.most) {
        (Some(share), Some(other), _) => own * 100 <= other * share,
        (None, _, Some(most)) => own <= most,
        _ => true,
    };
    let limit = match (bar.of_other, bar.most) {
        (Some(share), _) => format!("at most {} of btm", hundredths(share, 100)),
        (None, most) => format!("at most {} {}", most.unwrap_or(0), bar.unit),
    };
    let verdict = match (holds, bar.of_other.is_some() && other.is_none()) {
        (_, true) => "NOT CHECKED",
        (true, _) => "met",
        (false, _) => "MISSED",
    };
    say(&format!(
        "{:<30} {own} {}; {beside}; bar: {limit}: {verdict}",
        bar.says, bar.unit
    ));
    holds
}

fn hundredths(one: u64, two: u64) -> String {
    let share = (one * 100).checked_div(two).unwrap_or(0);
    format!("{}.{:02}", share / 100, share % 100)
}

fn main() -> ExitCode {
    let place = tempfile::tempdir().expect("a folder");
    let repository = DemoRepository::create(&place.path().join("repository")).expect("git");
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Draft)
        .expect("it loads");
    // A server that takes the connection and never says a word.
    let silent = place.path().join("silent");
    fs::create_dir(&silent).expect("a folder");
    let _mute = UnixListener::bind(silent.join(".s.PGSQL.5432")).expect("a socket");
    let drygate = |url: &str, home: &str, interval: &str| -> Vec<String> {
        let home = place.path().join(home).display().to_string();
        let repository = repository.path().display().to_string();
        let words = [
            env!("CARGO_BIN_EXE_drygate"),
            "run",
            "--live-interval",
            interval,
            "--database-url",
            url,
        ];
        let rest = ["--repo", &repository, "--data-dir", &home];
        words
            .iter()
            .chain(&rest)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let mute = format!(
        "postgresql://{READER}@/{DATABASE}?host={}",
        silent.display()
    );
    let url = cluster.url(READER, DATABASE);
    let mut players = vec![Player {
        name: "drygate",
        bare: drygate(&mute, "mute", "0"),
        idle: drygate(&url, "home", "0"),
        busy: Some(drygate(&url, "busy", "0.001")),
        ready: waits,
    }];
    if let Some(btm) = btm() {
        let words = vec![btm.display().to_string()];
        players.push(Player {
            name: "btm",
            bare: words.clone(),
            idle: words,
            busy: None,
            ready: is_complete,
        });
    } else {
        say("btm: NOT CHECKED, it is not installed (cargo install bottom --root target/tools)");
    }
    let measured = measure(&players, place.path());
    let names: Vec<&str> = players.iter().map(|player| player.name).collect();
    say(&format!(
        "{} in {COLUMNS}x{ROWS}, by turns",
        names.join(" and ")
    ));
    let missed = BARS
        .iter()
        .filter(|bar| !judge(bar, &measured[0], measured.get(1)))
        .count();
    if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
