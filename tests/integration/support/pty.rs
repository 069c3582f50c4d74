//! A program in a real pty of a given size, driven by keys and watched through a terminal emulator.
//! Invariant: nothing here sleeps to wait; a wait ends with its fact, or fails showing the screen.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::screen::Screen;
use super::wire::{ReceivedBytes, Wire};

/// How long a fact may take on a loaded machine. Far above anything that a test should see.
const PATIENCE: Duration = Duration::from_secs(90);

/// A person's time between two keys. The product takes characters under 5 ms apart for a paste.
const BETWEEN_KEYS: Duration = Duration::from_millis(50);

/// A held key comes about thirty times a second.
const BETWEEN_REPEATS: Duration = Duration::from_millis(33);

/// Longer than the 250 ms of silence that a sheet wants.
const SILENCE: Duration = Duration::from_millis(400);

/// Keys as a terminal sends them.
pub mod key {
    /// Return.
    pub const ENTER: &str = "\r";
    /// Escape.
    pub const ESC: &str = "\x1b";
    /// Up.
    pub const UP: &str = "\x1b[A";
    /// Down.
    pub const DOWN: &str = "\x1b[B";
    /// Page down.
    pub const PAGE_DOWN: &str = "\x1b[6~";
    /// Tab.
    pub const TAB: &str = "\t";
    /// Backspace.
    pub const BACKSPACE: &str = "\x7f";
    /// Control and C.
    pub const CTRL_C: &str = "\x03";
    /// Control and Z.
    pub const CTRL_Z: &str = "\x1a";
    /// Control and L.
    pub const CTRL_L: &str = "\x0c";
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u32),
    /// By this signal, in the words of the system.
    Signal(String),
}

/// The line discipline's settings, to compare before with after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discipline {
    flags: [u64; 4],
    characters: Vec<u8>,
}

/// A program about to be started.
pub struct Launch {
    command: CommandBuilder,
    columns: u16,
    rows: u16,
}

impl Launch {
    /// The program under test, with these arguments.
    pub fn drygate<I: IntoIterator<Item = S>, S: Into<OsString>>(args: I) -> Self {
        Self::program(env!("CARGO_BIN_EXE_drygate"), args)
    }

    /// Any program. The environment is kept, without what would steer drygate, libpq, its folders or its colours.
    pub fn program<I: IntoIterator<Item = S>, S: Into<OsString>>(program: &str, args: I) -> Self {
        let mut command = CommandBuilder::new(program);
        command.args(args.into_iter().map(Into::into));
        for (name, _) in std::env::vars_os() {
            if steers(&name.to_string_lossy()) {
                command.env_remove(&name);
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        Self {
            command,
            columns: 80,
            rows: 24,
        }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Where it starts.
    pub fn cwd(mut self, folder: &Path) -> Self {
        self.command.cwd(folder);
        self
    }

    /// The terminal's size.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// Starts it in a new pty.
    pub fn open(self) -> Terminal {
        let pair = native_pty_system()
            .openpty(pty_size(self.columns, self.rows))
            .expect("the system gives ptys");
        let before = discipline(pair.master.as_ref());
        let mut child = pair
            .slave
            .spawn_command(self.command)
            .expect("the program starts");
        drop(pair.slave);
        let shared = Arc::new(Shared::new(self.columns, self.rows));
        let reader = pair.master.try_clone_reader().expect("a second handle");
        let pid = child.process_id().expect("a running child has a pid");
        let readers = Arc::clone(&shared);
        let waiters = Arc::clone(&shared);
        Terminal {
            pid: Pid::from_raw(i32::try_from(pid).expect("pids fit")).expect("no pid is 0"),
            writer: Some(pair.master.take_writer().expect("taken once")),
            master: Some(pair.master),
            before,
            threads: vec![
                std::thread::spawn(move || readers.read_all(reader)),
                std::thread::spawn(move || {
                    let status = child.wait().expect("our own child");
                    let exit = status
                        .signal()
                        .map_or(Exit::Code(status.exit_code()), |name| {
                            Exit::Signal(name.to_owned())
                        });
                    waiters.change(|state| state.exit = Some(exit));
                }),
            ],
            shared,
        }
    }
}

struct State {
    wire: Wire,
    paused: bool,
    hung_up: bool,
    ended: bool,
    exit: Option<Exit>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn new(columns: u16, rows: u16) -> Self {
        Self {
            state: Mutex::new(State {
                wire: Wire::new(columns, rows),
                paused: false,
                hung_up: false,
                ended: false,
                exit: None,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics with the state in hand")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The reader thread: until the program has closed its side (an error, on Linux).
    fn read_all(&self, mut reader: Box<dyn Read + Send>) {
        let mut chunk = [0; 16 * 1024];
        loop {
            let state = self.lock();
            drop(self.changed.wait_while(state, |state| state.paused));
            match reader.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(length) => self.change(|state| state.wire.feed(&chunk[..length])),
            }
            if self.lock().hung_up {
                break;
            }
        }
        drop(reader);
        self.change(|state| state.ended = true);
    }

    /// Waits until `probe` finds what it looks for.
    #[track_caller]
    fn wait<T>(&self, what: &str, mut probe: impl FnMut(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(found) = probe(&state) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let over = state.ended && state.exit.is_some();
            if over || left.is_zero() {
                let why = if over {
                    "the program ended"
                } else {
                    "patience ended"
                };
                let (screen, exit) = (state.wire.screen(), state.exit.clone());
                drop(state);
                panic!("waited for {what}; {why} ({exit:?}) with this screen:\n{screen}");
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.expect("no thread panics with the state in hand").0;
        }
    }
}

/// A running program and the terminal around it.
pub struct Terminal {
    pid: Pid,
    writer: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    before: Discipline,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Terminal {
    fn master(&self) -> &dyn MasterPty {
        self.master.as_deref().expect("the terminal is open")
    }

    /// What is to be seen now.
    pub fn screen(&self) -> Screen {
        self.shared.lock().wire.screen()
    }

    /// Waits until the text stands in one row, and gives that screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> Screen {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen is as wanted; `what` says it when it never is.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&Screen) -> bool) -> Screen {
        self.shared
            .wait(what, |state| Some(state.wire.screen()).filter(&wanted))
    }

    /// Waits for something heard: a bell, a title, a copy.
    #[track_caller]
    pub fn wait_heard<T>(&self, what: &str, probe: impl Fn(&ReceivedBytes) -> Option<T>) -> T {
        self.shared.wait(what, |state| probe(state.wire.heard()))
    }

    /// Sends these bytes in one write.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        let writer = self.writer.as_mut().expect("the terminal is open");
        let sent = writer.write_all(keys.as_bytes());
        sent.and_then(|()| writer.flush())
            .expect("the terminal takes keys");
        self
    }

    /// Types as a person does: the pauses are the input, not a wait.
    pub fn type_slowly(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            std::thread::sleep(BETWEEN_KEYS);
            self.keys(character.encode_utf8(&mut [0; 4]));
        }
        self
    }

    /// Holds a key: its character comes again and again.
    pub fn hold(&mut self, key: &str, times: usize) -> &mut Self {
        for _ in 0..times {
            std::thread::sleep(BETWEEN_REPEATS);
            self.keys(key);
        }
        self
    }

    /// Hands off the keyboard for a moment: the pause is the input, not a wait.
    pub fn silence(&mut self) -> &mut Self {
        std::thread::sleep(SILENCE);
        self
    }

    /// Pastes as a terminal does for a program that asked for bracketed paste.
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"))
    }

    /// Makes the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.shared.change(|state| state.wire.resize(columns, rows));
        self.claim_size(columns, rows)
    }

    /// Tells the line a size that the emulator does not follow: for sizes that no emulator has.
    pub fn claim_size(&mut self, columns: u16, rows: u16) -> &mut Self {
        let size = pty_size(columns, rows);
        self.master()
            .resize(size)
            .expect("an open pty takes a size");
        self
    }

    /// Closes the terminal, as when its window is closed. `stir` is a key that makes the program write: the reading end
    /// is let go with the next byte.
    pub fn hang_up(&mut self, stir: &str) -> &mut Self {
        self.shared.change(|state| state.hung_up = true);
        self.keys(stir);
        self.shared.wait("the reading end to be let go", |state| {
            state.ended.then_some(())
        });
        self.writer = None;
        self.master = None;
        self
    }

    /// How many bytes the program writes within this time: a measure, and the time is the measure.
    pub fn bytes_within(&self, time: Duration) -> usize {
        let before = self.bytes_written();
        let deadline = Instant::now() + time;
        let mut state = self.shared.lock();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.expect("no thread panics with the state in hand").0;
        }
        state.wire.transcript.len() - before
    }

    /// Waits until the program has stopped itself (not ended), by the kernel's word.
    pub fn wait_stopped(&self) -> &Self {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid), options).expect("our own child");
        self
    }

    /// Waits until every mode that the program switched on is off again.
    #[track_caller]
    pub fn wait_given_back(&self) -> &Self {
        self.shared.wait("the terminal to be given back", |state| {
            state.wire.modes.left().is_empty().then_some(())
        });
        self
    }

    /// Sends the program a signal.
    pub fn signal(&mut self, signal: Signal) -> &mut Self {
        assert_eq!(self.shared.lock().exit, None, "the program has ended");
        kill_process(self.pid, signal).expect("our own child");
        self
    }

    /// Stops taking what the program writes, like a stalled terminal. One read already begun may still arrive.
    pub fn stop_reading(&mut self) -> &mut Self {
        self.shared.change(|state| state.paused = true);
        self
    }

    /// Takes again what the program writes.
    pub fn resume_reading(&mut self) -> &mut Self {
        self.shared.change(|state| state.paused = false);
        self
    }

    /// Waits until the program has ended and all it wrote has been read.
    #[track_caller]
    pub fn wait_exit(&self) -> Exit {
        self.shared.wait("the end of the program", |state| {
            state.exit.clone().filter(|_| state.ended)
        })
    }

    /// How the program ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        self.shared.lock().exit.clone()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How many bytes the program has written.
    pub fn bytes_written(&self) -> usize {
        self.shared.lock().wire.transcript.len()
    }

    /// Waits until the program has written more bytes than these.
    #[track_caller]
    pub fn wait_more_than(&self, bytes: usize) -> &Self {
        let more = |state: &State| (state.wire.transcript.len() > bytes).then_some(());
        self.shared.wait("more bytes", more);
        self
    }

    /// Every byte the program has written.
    pub fn transcript(&self) -> Vec<u8> {
        self.shared.lock().wire.transcript.clone()
    }

    /// The settings of the line, as they are now.
    pub fn discipline(&self) -> Discipline {
        discipline(self.master())
    }

    /// What is not as it was before the program started: modes switched on, and the line's settings.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = self.shared.lock().wire.modes.left();
        if self.discipline() != self.before {
            left.push("the line's settings (raw mode)".to_owned());
        }
        left
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.resume_reading();
        if self.shared.lock().exit.is_none() {
            kill_process(self.pid, Signal::KILL).ok();
        }
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// Variables of the tester's own session that a test must not depend on.
pub fn steers(name: &str) -> bool {
    let prefixes = ["DRYGATE_", "PG", "XDG_", "CLICOLOR", "TMUX"];
    let names = [
        "NO_COLOR",
        "COLORTERM",
        "FORCE_COLOR",
        "CI",
        "KITTY_WINDOW_ID",
        "TERM_PROGRAM",
    ];
    let names = [&names[..], &["WT_SESSION", "STY", "ZELLIJ"]].concat();
    let kept = [
        "DRYGATE_PG_BIN",
        "DRYGATE_PLANTED_BUG",
        "DRYGATE_TEST_CLUSTERS",
    ];
    !kept.contains(&name)
        && (prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name))
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn discipline(master: &dyn MasterPty) -> Discipline {
    let termios = master.get_termios().expect("a pty has a line discipline");
    Discipline {
        flags: [
            termios.input_flags.bits().into(),
            termios.output_flags.bits().into(),
            termios.control_flags.bits().into(),
            termios.local_flags.bits().into(),
        ],
        characters: termios.control_chars.to_vec(),
    }
}
