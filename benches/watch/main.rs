//! What watchers cost the runner: an approval as a command, and a runner that records as fast as it can, alone, then with eight watchers
//! of which one stands still, then alone again. Invariant: the runner and every watcher are the product's own code, each in a process of
//! its own.
//!
//! `cargo bench --bench watch -- 4 600 5` takes four watchers, 600 reads of all facts and five rounds; a directory as fourth
//! word holds the runs (a disk and a memory file system differ). It fails where the rate with watchers is under 0.9 of that
//! without, as the median over the rounds, or where two watchers end on different frames. All of a round is one run in one
//! directory, with the watched part between two others: disks and journals are slower the more was written before. A round in
//! which the host of a virtual machine took over a fiftieth of the processors for others is shown, left out and repeated.

mod approval;
#[path = "../terminal/session.rs"]
#[expect(dead_code, reason = "the bench of the run screen needs more of it")]
mod session;

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use drygate::journal::{DiskStorage, Permissions, RunStore as _};
use drygate::run::{Ask, Event, Request};
use drygate::runner::person;
use drygate::runner::{
    Handle, Patience, RunRecorder, RunnerCommand, RunnerMessage, RunnerOptions, TakenUp,
    WatchersChanged, fold, own_sockets, spawn,
};
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, median};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

#[path = "../../tests/fault_injection/recording.rs"]
mod recording;
#[expect(
    dead_code,
    clippy::unused_self,
    reason = "the crash ring uses more of it"
)]
#[path = "../../tests/fault_injection/world.rs"]
mod world;

use recording::{Damaged, Replayed, Still};
use world::World;

/// Where the process that runs keeps its run.
const RUNNER: &str = "DRYGATE_BENCH_RUNNER";
/// The least that is left of the runner's rate.
const BAR: MeasuredBar = MeasuredBar::AtLeastTimes(0.9);
/// The most that the host may have taken of the processors in a round that counts.
const STOLEN_MAX: f64 = 0.02;
/// What is called where no command emits that fast: facts are read again once a second at most.
const LIBRARY: &str = "library: runner::spawn";
/// So many rounds are tried for each that counts.
const TRIES: u64 = 3;
/// Wide enough that the number of the last journal line is never cut from the row of the server.
const SIZE: PtySize = PtySize {
    rows: 48,
    cols: 160,
    pixel_width: 0,
    pixel_height: 0,
};
/// A bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_mins(2);

/// A number that is waited for.
#[derive(Default)]
struct Count(Mutex<u64>, Condvar);

impl Count {
    fn get(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) {
        *self.get() += 1;
        self.1.notify_all();
    }

    fn wait_for(&self, number: u64) {
        let mut now = self.get();
        while *now < number {
            now = self.1.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

/// The process that holds the run. It waits at SG1; for each number on its standard input it reads all facts so many times as
/// fast as it can, and says the microseconds, the last journal line and who watches.
fn hold(home: &Path) {
    let storage = DiskStorage::create(home, Permissions::private()).expect("a directory");
    let mut world = World::new(Arc::new(storage));
    let (reads, last) = (Arc::new(Count::default()), Arc::new(AtomicUsize::new(0)));
    let (heard, told) = (reads.clone(), last.clone());
    world.heard = Some(Arc::new(move |notice| {
        if let RunnerMessage::Recorded { recorded, .. } = notice {
            told.store(
                usize::try_from(recorded.seq).expect("few"),
                Ordering::SeqCst,
            );
            if matches!(*recorded.event, Event::LiveRead(_)) {
                heard.add();
            }
        }
    }));
    world.begin().expect("it waits at SG1");
    let watchers = Arc::new(AtomicUsize::new(0));
    let present = watchers.clone();
    let watchers_changed =
        Box::new(move |uids: Vec<u32>| present.store(uids.len(), Ordering::SeqCst));
    let handle = stay(&world, watchers_changed);
    let commands = handle.commands();
    // Once for the warmth of it; then the run is at rest.
    let read = |times: u64| {
        let from = *reads.get();
        for _ in 0..times {
            commands
                .blocking_send(RunnerCommand::from(Request {
                    by: person::own().expect("files are left"),
                    ask: Ask::SurveyAgain,
                }))
                .expect("the runner runs");
        }
        reads.wait_for(from + times);
    };
    read(20);
    say(&format!("{} {}", world.run_id, last.load(Ordering::SeqCst)));
    for line in io::stdin().lines() {
        let times = line.expect("a line").parse().expect("a number");
        let began = Instant::now();
        read(times);
        let micros = began.elapsed().as_micros();
        let (last, watchers) = (last.load(Ordering::SeqCst), watchers.load(Ordering::SeqCst));
        say(&format!("{micros} {last} {watchers}"));
    }
}

/// Takes the run up, listens to other processes, and stays where it waits.
fn stay(world: &World, watchers_changed: WatchersChanged) -> Handle {
    let (directory, _) = world.store().open(&world.run_id).expect("it is free");
    let run = fold(&directory.reader()).expect("a legal journal");
    let recorder = RunRecorder::new(directory, run, world.clock.clone(), world.sink());
    let mut plan = world.plan();
    plan.person.uid = rustix::process::getuid().as_raw();
    plan.sockets = own_sockets(&world.store(), &world.run_id, false);
    let options = RunnerOptions {
        taken_up: TakenUp {
            resumed: true,
            torn: Vec::new(),
            renewing: false,
            elsewhere: false,
        },
        first: None,
        patience: Patience::Stay,
        watchers_changed,
        at_end: Box::new(|_| ()),
        at_exit: Box::new(|| ()),
    };
    let repository = Still(recording::recording().repository.clone());
    let target = || Replayed::new(Damaged::default());
    spawn(recorder, target, Some(repository), Arc::new(plan), options).expect("it is taken up")
}

/// The process that holds a run, seen from outside.
struct Holder {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Holder {
    fn start(home: &Path, recording: &Path) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(RUNNER, home)
            .env(recording::RECORDING, recording)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            requests: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    fn answer(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// Reads so many times; microseconds, last line, watchers.
    fn read(&mut self, times: u64) -> [u64; 3] {
        writeln!(self.requests, "{times}").expect("it listens");
        let answer = self.answer();
        [0, 1, 2].map(|nth| answer[nth].parse().expect("a number"))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Killed: nothing is measured of its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a watcher wrote and is not read yet.
type Wire = Arc<(Mutex<Vec<u8>>, Condvar)>;

/// A watcher on a terminal of its own. What it writes is taken at once and looked at only when it is asked for.
struct Watcher {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    wire: Wire,
    parser: vt100::Parser,
    _master: Box<dyn MasterPty + Send>,
}

impl Watcher {
    fn start(home: &Path, run: &str) -> Self {
        let pty = native_pty_system().openpty(SIZE).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(["watch", run, "--data-dir"]);
        command.arg(home);
        command.env("TERM", "xterm-256color");
        command.env_remove("CI");
        let child = pty.slave.spawn_command(command).expect("it starts");
        drop(pty.slave);
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let wire = Wire::default();
        let taking = wire.clone();
        thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                let mut unread = taking.0.lock().unwrap_or_else(PoisonError::into_inner);
                unread.extend_from_slice(&bytes[..read]);
                taking.1.notify_one();
            }
        });
        let (rows, columns) = (side(SIZE.rows), side(SIZE.cols));
        Self {
            child,
            wire,
            parser: vt100::Parser::new(rows, columns, 0),
            _master: pty.master,
        }
    }

    /// Waits until it shows that line of the journal; gives the frame.
    fn shows(&mut self, seq: u64) -> String {
        let words = format!("(seq {seq})");
        let end = Instant::now() + PATIENCE;
        loop {
            let mut unread = self.wire.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.parser.process(&unread);
            unread.clear();
            let frame = self.parser.screen().contents();
            if frame.contains(&words) {
                return frame;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {words:?} on\n{frame}");
            drop(self.wire.1.wait_timeout(unread, left));
        }
    }

    fn stop(&self) {
        let pid = self.child.process_id().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        kill_process(pid, Signal::STOP).expect("it is ours");
    }
}

fn side(cells: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(cells).expect("a size")
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a round gave.
struct Round {
    /// Records a second: alone, watched, alone again.
    rates: [f64; 3],
    /// Whether all watchers ended on one frame.
    same: bool,
    /// Share of the processors' time that the host gave to others.
    stolen: f64,
    /// Seconds after the last record until the last watcher showed it.
    late: f64,
}

impl Round {
    fn alone(&self) -> f64 {
        f64::midpoint(self.rates[0], self.rates[2])
    }

    fn ratio(&self) -> f64 {
        self.rates[1] / self.alone()
    }
}

/// Time of the processors so far, and how much of it the host gave to others; nothing where the system does not say it.
fn processors() -> (f64, f64) {
    let said = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = said.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; what guests took is in user and nice.
    let ticks: Vec<f64> = first
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|ticks| ticks.parse().ok())
        .collect();
    (ticks.iter().sum(), ticks.get(7).copied().unwrap_or(0.0))
}

/// A run with so many watchers in its middle.
fn measure(place: &Path, recording: &Path, watchers: usize, times: u64) -> Round {
    let home = tempfile::tempdir_in(place).expect("a directory");
    let mut holder = Holder::start(home.path(), recording);
    let begun = holder.answer();
    let (run, mut before) = (&begun[0], begun[1].parse().expect("a number"));
    let mut stolen: f64 = 0.0;
    let mut read = |watched: usize| {
        let (all_before, stolen_before) = processors();
        let [micros, last, present] = holder.read(times);
        let (all, taken) = processors();
        stolen = stolen.max((taken - stolen_before) / (all - all_before).max(1.0));
        assert_eq!(present, watched as u64, "all are shown, and no others");
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate of some thousand records"
        )]
        let rate = (last - before) as f64 * 1e6 / micros as f64;
        before = last;
        (rate, last)
    };
    let (first, last) = read(0);
    let mut watching: Vec<Watcher> = (0..watchers)
        .map(|_| Watcher::start(home.path(), run))
        .collect();
    for watcher in &mut watching {
        watcher.shows(last);
    }
    let (still, moving) = watching.split_last_mut().expect("a watcher");
    still.stop();
    let (watched, last) = read(watchers);
    let written = Instant::now();
    let frames: Vec<String> = moving.iter_mut().map(|one| one.shows(last)).collect();
    let late = written.elapsed().as_secs_f64();
    drop(watching);
    let (again, _) = read(0);
    Round {
        rates: [first, watched, again],
        same: frames.windows(2).all(|pair| pair[0] == pair[1]),
        stolen,
        late,
    }
}

fn main() -> ExitCode {
    if let Some(home) = env::var_os(RUNNER) {
        hold(&PathBuf::from(home));
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let number = |nth: usize, default: u64| {
        words
            .get(nth)
            .map_or(default, |word| word.parse().expect("a number"))
    };
    let watchers = usize::try_from(number(0, 8)).expect("few");
    let (times, rounds) = (number(1, 1_000), number(2, 5));
    let place = words.get(3).map_or_else(env::temp_dir, PathBuf::from);
    let kept = tempfile::tempdir().expect("a directory");
    let recording = kept.path().join("recording.json");
    let recorded = serde_json::to_vec(&*recording::recording()).expect("it can be kept");
    std::fs::write(&recording, recorded).expect("a file");
    say(&format!(
        "{watchers} watchers, one of them stopped, {times} reads of all facts a run, in {}",
        place.display()
    ));
    let approved = approval::measure(kept.path(), watchers, rounds, BAR).tell();
    let (mut rates, mut of_watched) = (Vec::new(), Vec::new());
    let (mut noise, mut same) = (Vec::new(), true);
    for _ in 0..rounds * TRIES {
        let round = measure(&place, &recording, watchers, times);
        let counts = round.stolen <= STOLEN_MAX;
        let [before, watched, after] = round.rates;
        say(&format!(
            "  {before:.0} records/s alone, {watched:.0} watched, {after:.0} alone: {:.2}; frames {} {:.1} s later, {:.0} % of the processors stolen{}",
            round.ratio(),
            if round.same { "equal" } else { "DIFFER" },
            round.late,
            100.0 * round.stolen,
            if counts { "" } else { ": left out" },
        ));
        same &= round.same;
        if counts {
            noise.push((before / after).max(after / before) - 1.0);
            rates.push(round.alone());
            of_watched.push(round.rates[1]);
        }
        if of_watched.len() as u64 == rounds {
            break;
        }
    }
    let what =
        format!("a runner that records as fast as it can, {watchers} watch, one of them stopped");
    let row = |rate| MeasuredRow::new(&what, LIBRARY, rate, MeasuredUnit::PerSecond).held_to(BAR);
    if of_watched.is_empty() {
        say("the host took the processors in every round");
        row(0.0).unmeasured().beside("the same alone", None).tell();
        return ExitCode::FAILURE;
    }
    let verdict = row(median(&of_watched))
        .beside("the same alone", Some(median(&rates)))
        .tell();
    say(&format!(
        "frames {}; two spells alone differ by {:.0} %",
        if same { "equal" } else { "DIFFER" },
        100.0 * median(&noise),
    ));
    match RowVerdict::exit_code([approved, verdict]) {
        code if same => code,
        _ => ExitCode::FAILURE,
    }
}
