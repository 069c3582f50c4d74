//! A program in a terminal of its own, typed at and timed. The terminal says its background, as xterm does: a program that is not
//! answered waits for it at its end. Invariant: times are those of the bytes, taken when they come; what it takes to
//! draw them here is in none.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

pub const COLUMNS: u16 = 160;
pub const ROWS: u16 = 48;
/// Longer than any answer: a program that says nothing within it has missed the key.
const PATIENCE: Duration = Duration::from_mins(1);

/// The question for the colour of the background, and a black one.
const BACKGROUND_ASKED: &[u8] = b"\x1b]11;?";
const BACKGROUND: &[u8] = b"\x1b]11;rgb:0000/0000/0000\x1b\\";

/// What is typed, and what the terminal answers.
#[derive(Clone)]
struct Keyboard(Arc<Mutex<Box<dyn Write + Send>>>);

impl Keyboard {
    fn types(&self, bytes: &[u8]) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = writer.write_all(bytes).and_then(|()| writer.flush());
        sent.expect("a pty takes keys");
    }
}

/// What came from a program, each piece with its time.
#[derive(Default)]
struct ReceivedMessages {
    pieces: Mutex<Vec<(Instant, Vec<u8>)>>,
    more: Condvar,
}

impl ReceivedMessages {
    fn read_all(&self, mut from: Box<dyn Read + Send>, to: &Keyboard) {
        let mut chunk = [0; 1 << 14];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            let piece = (Instant::now(), chunk[..length].to_vec());
            let mut windows = piece.1.windows(BACKGROUND_ASKED.len());
            let asked = windows.any(|bytes| bytes == BACKGROUND_ASKED);
            self.lock().push(piece);
            self.more.notify_all();
            if asked {
                to.types(BACKGROUND);
            }
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
pub struct Session {
    began: Instant,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Keyboard,
    heard: Arc<ReceivedMessages>,
    /// The pieces so far that were drawn.
    screen: vt100::Parser,
    drawn: usize,
    _master: Box<dyn MasterPty + Send>,
}

impl Session {
    /// Starts a program with its arguments in a terminal of 160x48.
    pub fn start(words: &[String], directory: &Path) -> Self {
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
        let keyboard = Keyboard(Arc::new(Mutex::new(writer)));
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("it starts");
        let (hearing, answering) = (Arc::clone(&heard), keyboard.clone());
        thread::spawn(move || hearing.read_all(reader, &answering));
        Self {
            began,
            child,
            keyboard,
            heard,
            screen: vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0),
            drawn: 0,
            _master: pair.master,
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Types.
    pub fn key(&mut self, key: &str) {
        self.keyboard.types(key.as_bytes());
    }

    /// What was drawn last of what was waited for.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// Seconds from the start to the frame in which `shown` first holds.
    pub fn first(&mut self, shown: impl Fn(&vt100::Screen) -> bool) -> f64 {
        self.until(self.began, shown)
    }

    /// Seconds from a key to the frame in which `shown` is first so.
    pub fn shows(&mut self, key: &str, shown: impl Fn(&vt100::Screen) -> bool) -> f64 {
        let sent = Instant::now();
        self.key(key);
        self.until(sent, shown)
    }

    fn until(&mut self, since: Instant, shown: impl Fn(&vt100::Screen) -> bool) -> f64 {
        let end = Instant::now() + PATIENCE;
        loop {
            let at = self.heard.next_after(self.drawn);
            let screen = self.screen.screen();
            let at = at.unwrap_or_else(|| panic!("it does not draw: {}", screen.contents()));
            self.screen.process(&self.heard.lock()[self.drawn].1);
            self.drawn += 1;
            let screen = self.screen.screen();
            if shown(screen) {
                return at.saturating_duration_since(since).as_secs_f64();
            }
            assert!(Instant::now() < end, "not shown: {}", screen.contents());
        }
    }

    /// Seconds from a key to the first byte that follows it.
    pub fn answer(&mut self, key: &str) -> f64 {
        let known = self.heard.lock().len();
        let sent = Instant::now();
        self.key(key);
        let at = self.heard.next_after(known).expect("a key is answered");
        at.saturating_duration_since(sent).as_secs_f64()
    }

    /// Waits until nothing came for so long.
    pub fn settle(&self, silence: Duration) {
        self.heard.settle(silence);
    }

    /// Bytes that it wrote so far.
    pub fn bytes(&self) -> usize {
        let pieces = self.heard.lock();
        pieces.iter().map(|(_, piece)| piece.len()).sum()
    }

    /// Seconds from `end` to the end of the process.
    pub fn ends(mut self, end: impl FnOnce(&mut Self)) -> f64 {
        let began = Instant::now();
        end(&mut self);
        self.child.wait().expect("our own child");
        began.elapsed().as_secs_f64()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let raw = i32::try_from(self.pid()).expect("pids fit");
        kill_process(Pid::from_raw(raw).expect("no pid is 0"), signal).expect("our own child");
    }

    /// Seconds of a processor that its threads used so far.
    pub fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid()));
        let spent = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        };
        let tasks = tasks.into_iter().flatten().flatten();
        Duration::from_nanos(tasks.filter_map(spent).sum()).as_secs_f64()
    }
}

fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).expect("not 0")
}
