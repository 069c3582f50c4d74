//! The screen on a real pty: this test binary starts itself as the child. Invariant: whatever ends it, the terminal is as it was; waits are on facts.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use drygate::journal::RunStore;
use drygate::run::{Ask, Event};
use drygate::tui::{
    Clocks, Colours, Guard, RequestRoutes, Screen, Source, TerminalWishes, Theme, catch_signals,
    spawn_input,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::home::Home;
use crate::stage::messages;
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

/// Set for the child alone.
const CHILD: &str = "DRYGATE_TEST_PTY_CHILD";
/// A bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_secs(30);

/// The child: a real guard, real threads, a scripted run. Does nothing when run as a test.
#[test]
fn pty_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let caught = catch_signals().expect("signals");
    let (guard, terminal) = Guard::take(TerminalWishes::default()).expect("a pty");
    let (sender, inbox) = channel();
    let began = Instant::now();
    let _input = spawn_input(
        sender.clone(),
        move || began.elapsed(),
        guard.background_query(),
    )
    .expect("input");
    let signals = caught
        .tell(sender.clone(), &guard, move || began.elapsed())
        .expect("signals");
    for messages in messages(&ScriptedRun::at_sg2(false)) {
        sender.send(messages).expect("open");
    }
    let mut screen = Screen::new(
        terminal,
        Box::new(guard.terminal_actions()),
        Theme::new(true, Colours::Sixteen),
        Source::Live,
        person("op_a"),
        Clocks {
            monotonic: Box::new(move || began.elapsed()),
            utc: Box::new(|| at("09:31:15")),
        },
        RequestRoutes {
            holder: Box::new(|request| {
                assert!(
                    request.ask != Ask::SurveyAgain,
                    "a panic while the screen is up"
                );
                true
            }),
            local: Box::new(|_| true),
        },
    );
    let screen_exit = screen.event_loop(&inbox);
    drop(signals);
    drop(guard);
    std::process::exit(i32::from(screen_exit.exit_code));
}

fn side(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a size")
}

struct TerminalOutput {
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Option<Box<dyn Write + Send>>,
    bytes: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    raw: Vec<u8>,
}

fn start() -> TerminalOutput {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this test"));
    command.args([
        "--exact",
        "pty::pty_child",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(CHILD, "1");
    on_pty(command)
}

fn on_pty(mut command: CommandBuilder) -> TerminalOutput {
    let size = PtySize {
        rows: 24,
        cols: 80,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).expect("a pty");
    command.env("TERM", "xterm-256color");
    let child = pair.slave.spawn_command(command).expect("the child starts");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let keys = pair.master.take_writer().expect("a writer");
    let (sender, bytes) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                return;
            }
        }
    });
    TerminalOutput {
        master: Some(pair.master),
        child,
        keys: Some(keys),
        bytes,
        parser: vt100::Parser::new(side(24), side(80), 0),
        raw: Vec::new(),
    }
}

impl TerminalOutput {
    /// Reads until the screen says so.
    fn until(&mut self, words: &str) {
        self.until_screen(words, |screen| screen.contents().contains(words));
    }

    /// Reads until the screen is as asked.
    fn until_screen(&mut self, what: &str, is: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.bytes.recv_timeout(left) else {
                panic!("no {what:?} on\n{}", self.parser.screen().contents());
            };
            self.parser.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    fn types(&mut self, keys: &str) {
        let writer = self.keys.as_mut().expect("open");
        writer.write_all(keys.as_bytes()).expect("a pty");
        writer.flush().expect("a pty");
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().expect("running")).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("alive");
    }

    /// Waits until the child has stopped itself.
    fn is_stopped(&self) {
        use rustix::process::{Pid, WaitOptions, waitpid};
        let pid = i32::try_from(self.child.process_id().expect("running")).expect("a pid");
        let stopped = waitpid(Pid::from_raw(pid), WaitOptions::UNTRACED).expect("our child");
        assert!(stopped.is_some_and(|(_, status)| status.stopped()));
    }

    /// Exit code, once everything that was written is read.
    fn ends(&mut self) -> u32 {
        let status = self.child.wait().expect("the child");
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
            self.parser.process(&bytes);
            self.raw.extend(bytes);
        }
        status.exit_code()
    }

    fn is_as_before(&self) {
        let text = String::from_utf8_lossy(&self.raw);
        for (on, off) in [
            ("\u{1b}[?1049h", "\u{1b}[?1049l"),
            ("\u{1b}[?2004h", "\u{1b}[?2004l"),
            ("\u{1b}[?25l", "\u{1b}[?25h"),
        ] {
            assert!(text.rfind(on) < text.rfind(off), "{off:?} after {on:?}");
        }
        let cooked = self.master.as_ref().expect("open").get_termios();
        let cooked = format!("{:?}", cooked.expect("a terminal").local_flags);
        assert!(
            cooked.contains("ICANON") && cooked.contains("ECHO"),
            "{cooked}"
        );
    }
}

#[test]
fn q_gives_the_terminal_back() {
    let mut seen = start();
    seen.until("SG2   ALLOW ENACT?");
    seen.types("d");
    seen.until("NOTHING DIFFERS");
    seen.types("q");
    seen.until("1 GATES");
    seen.types("q");
    assert_eq!(seen.ends(), 3);
    seen.is_as_before();
    let text = String::from_utf8_lossy(&seen.raw).into_owned();
    assert!(text.contains("\u{1b}]2;SG2 ALLOW ENACT? [PRODUCTION] 8a941203 drygate"));
}

#[test]
fn signals_give_the_terminal_back() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::HUP, Signal::USR1, Signal::ABORT] {
        let mut seen = start();
        seen.until("SG2   ALLOW ENACT?");
        seen.signal(signal);
        assert_eq!(seen.ends(), 128 + signal.as_raw().unsigned_abs());
        seen.is_as_before();
    }
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut seen = start();
    seen.until("SG2   ALLOW ENACT?");
    seen.types("r");
    assert_ne!(seen.ends(), 0);
    seen.is_as_before();
}

#[test]
fn a_terminal_that_is_gone_ends_the_screen() {
    let mut seen = start();
    seen.until("SG2   ALLOW ENACT?");
    // The reader thread holds a copy of the master: without a receiver it lets go at the next byte, which is the answer to
    // the Enter that a dropped writer sends.
    let (_, none) = channel();
    seen.bytes = none;
    seen.master = None;
    seen.keys = None;
    let end = Instant::now() + PATIENCE;
    while seen.child.try_wait().expect("the child").is_none() {
        assert!(Instant::now() < end, "the screen is still there");
        std::thread::yield_now();
    }
}

#[test]
fn a_new_size_is_drawn_at_once() {
    let mut seen = start();
    seen.until("SG2   ALLOW ENACT?");
    let size = PtySize {
        rows: 15,
        cols: 59,
        ..PtySize::default()
    };
    seen.parser.screen_mut().set_size(side(15), side(59));
    seen.master
        .as_ref()
        .expect("open")
        .resize(size)
        .expect("a pty");
    seen.until("needs 60x16");
    seen.types("q");
    assert_eq!(seen.ends(), 3);
}

#[test]
fn suspended_and_continued_it_draws_again() {
    let mut seen = start();
    seen.until("SG2   ALLOW ENACT?");
    seen.types("\u{1a}");
    seen.is_stopped();
    seen.until_screen("the screen of before", |screen| !screen.alternate_screen());
    seen.signal(rustix::process::Signal::CONT);
    seen.until("SG2   ALLOW ENACT?");
    seen.types("?");
    seen.until("KEYS");
    seen.types("q");
    assert_eq!(seen.ends(), 3);
    seen.is_as_before();
}

/// Fills a terminal with what stood on it before, each cell of it.
fn old_text(plain: &mut vt100::Parser) {
    plain.process(format!("\u{1b}[H{}", "old".repeat(24 * 80 / 3)).as_bytes());
}

/// Feeds a terminal that knows no alternate screen, as GNU screen by default and the Linux console.
fn feed_plain(plain: &mut vt100::Parser, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text
        .replace("\u{1b}[?1049h", "")
        .replace("\u{1b}[?1049l", "");
    plain.process(text.as_bytes());
}

#[test]
fn without_an_alternate_screen_no_old_text_stays_between_the_words() {
    let mut plain = vt100::Parser::new(side(24), side(80), 0);
    let mut seen = start();
    old_text(&mut plain);
    seen.until("SG2   ALLOW ENACT?");
    seen.types("a");
    seen.until("Esc leaves it waiting");
    feed_plain(&mut plain, &seen.raw);
    let is_the_same = |plain: &vt100::Parser, seen: &TerminalOutput| {
        let rows = |parser: &vt100::Parser| parser.screen().rows(0, 80).collect::<Vec<_>>();
        assert_eq!(rows(plain), rows(&seen.parser));
    };
    is_the_same(&plain, &seen);
    // Somebody writes over the screen: Ctrl-l repairs it.
    let from = seen.raw.len();
    old_text(&mut plain);
    seen.types("\u{c}\u{1b}");
    seen.until("1 GATES");
    feed_plain(&mut plain, &seen.raw[from..]);
    is_the_same(&plain, &seen);
    // A shell wrote while the screen was suspended.
    seen.types("\u{1a}");
    seen.is_stopped();
    let from = seen.raw.len();
    seen.until_screen("the screen of before", |screen| !screen.alternate_screen());
    feed_plain(&mut plain, &seen.raw[from..]);
    let from = seen.raw.len();
    old_text(&mut plain);
    seen.signal(rustix::process::Signal::CONT);
    seen.until("SG2   ALLOW ENACT?");
    feed_plain(&mut plain, &seen.raw[from..]);
    is_the_same(&plain, &seen);
    seen.types("q");
    assert_eq!(seen.ends(), 3);
}

#[test]
fn a_watcher_shows_what_stands_before_an_event_that_is_not_legal_and_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    let home = Home::at(place.path());
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    let begun = script.records.len();
    let name = "ictr-20261122T091402Z-8a941203";
    home.write(&script, name, &|_| {});
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_drygate"));
    command.args(["watch", name, "--data-dir"]);
    command.arg(place.path());
    command.env_remove("CI");
    let mut seen = on_pty(command);
    seen.until("· G2 minimal");
    script.pinned_and_seeded();
    let run = name.parse().expect("a run id");
    let (mut directory, _) = home.store.open(&run).expect("nobody holds it");
    let added = script.records[begun..].iter();
    // A run begins once.
    let added = added.chain(&script.records[..1]);
    let events: Vec<Event> = added.map(|record| (*record.event).clone()).collect();
    directory
        .append_all(at("09:40:00"), &events)
        .expect("it is written");
    seen.until("EVIDENCE CORRUPT");
    seen.until("✓ G2 minimal");
    seen.types("q");
    assert_eq!(seen.ends(), 7);
}
