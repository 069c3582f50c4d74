//! One hook as a child process.
//! Invariant: no shell, nothing of our environment but `ENVIRONMENT`, and no longer than its limit (`supervise`; test
//! `what_a_hook_left_in_its_group_ends_at_the_limit` of tests/integration/hooks.rs).

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::run::{HookEnd, HookOutcome, HookOutput, JournalHead};

/// Bytes kept of each output (4 KiB), because they are recorded in the journal; the rest is only counted.
const OUTPUT_BYTES_MAX: usize = 4 * 1024;

/// Names of the environment variables that a hook inherits. Others may hold passwords (`PGPASSWORD`).
const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// The variable that holds the last line of the journal, as `verify --head` takes it.
const HEAD: &str = "DRYGATE_HEAD";

/// A command to be run, with its directory, its input and its time limit.
pub(super) struct HookOrder {
    /// Program and arguments; not empty.
    pub words: Vec<String>,
    /// Where it starts, and where a program with `/` in its name is.
    pub directory: PathBuf,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// The last line of the journal, which it also finds in its environment.
    pub head: Option<JournalHead>,
    /// Time limit; when it is over the process group is killed.
    pub limit: Duration,
}

/// A running hook, seen from the runner.
pub(super) struct RunningHook {
    messages: Sender<HookMessage>,
}

impl RunningHook {
    /// Ends it now, and all that it started in its process group.
    pub fn cut(&self) {
        // The receiver is gone if the hook has ended: nothing to kill.
        let _ = self.messages.send(HookMessage::Cut);
    }
}

/// Messages to the thread that supervises a hook.
enum HookMessage {
    /// Its first process ended; it is not yet reaped, so that nobody else gets its number.
    Ended,
    /// An output was closed by all who held it.
    Closed,
    /// drygate was ended by a signal: kill the hook now.
    Cut,
}

/// Runs a hook on a thread of its own; `tell` is called once, there, when it is over.
pub(super) fn start(
    order: HookOrder,
    tell: impl FnOnce(HookOutcome) + Send + 'static,
) -> std::io::Result<RunningHook> {
    let (messages, inbox) = mpsc::channel();
    let running = RunningHook {
        messages: messages.clone(),
    };
    let thread = thread::Builder::new().name("hook".to_owned());
    thread.spawn(move || match spawn(&order) {
        Err(error) => tell(HookOutcome::bare(HookEnd::NotStarted {
            why: error.to_string(),
        })),
        Ok(child) => supervise(child, order, messages, &inbox, tell),
    })?;
    Ok(running)
}

fn spawn(order: &HookOrder) -> std::io::Result<Child> {
    let (program, arguments) = order
        .words
        .split_first()
        .ok_or(std::io::ErrorKind::InvalidInput)?;
    // As with a shell: only a bare name is looked up in `PATH`. A path is taken relative to the profile, not to where drygate
    // was started.
    let program = if program.contains('/') {
        order.directory.join(program)
    } else {
        program.into()
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .current_dir(existing(&order.directory))
        // A group of its own: Ctrl-C at the terminal does not reach it, and all that it starts can be killed together.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(head) = &order.head {
        command.env(HEAD, head.to_string());
    }
    command.spawn()
}

/// The directory, or the root where it is gone: a hook that needs no file of it can still tell.
fn existing(directory: &Path) -> &Path {
    if directory.is_dir() {
        directory
    } else {
        Path::new("/")
    }
}

/// Sees a hook to its end: its first process has ended and its outputs are closed, or it is out of time, or it is cut.
fn supervise(
    mut child: Child,
    order: HookOrder,
    messages: Sender<HookMessage>,
    inbox: &Receiver<HookMessage>,
    tell: impl FnOnce(HookOutcome),
) {
    let began = Instant::now();
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let stdout = capture(child.stdout.take(), messages.clone());
    let stderr = capture(child.stderr.take(), messages.clone());
    if let Some(mut stdin) = child.stdin.take() {
        // On a thread of its own: a hook that does not read would block the write once the pipe is full (64 KiB on Linux). A
        // broken pipe is no error.
        thread::spawn(move || drop(stdin.write_all(&order.input)));
    }
    thread::spawn(move || {
        if let Some(group) = group {
            // NOWAIT leaves the child a zombie: its number cannot be given to another process before the group was killed.
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = waitid(WaitId::Pid(group), ended);
        }
        let _ = messages.send(HookMessage::Ended);
    });
    let untimely = listen(inbox, began + order.limit, order.limit);
    if let Some(group) = group {
        // Background processes that the hook left in its group are killed as well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let end = untimely.unwrap_or_else(|| ended(&mut child));
    let taken = |output: &Mutex<HookOutput>| {
        std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner))
    };
    tell(HookOutcome {
        end,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        stdout: taken(&stdout),
        stderr: taken(&stderr),
    });
    // Reaped after the outcome was sent: after SIGKILL the kernel may take its time.
    let _ = child.wait();
}

/// Waits until all is over; `Some`: why it was not waited for any longer.
fn listen(inbox: &Receiver<HookMessage>, deadline: Instant, limit: Duration) -> Option<HookEnd> {
    // Its first process and two outputs.
    let mut open = 3;
    while open > 0 {
        match inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(HookMessage::Ended | HookMessage::Closed) => open -= 1,
            Ok(HookMessage::Cut) => return Some(HookEnd::Cut),
            Err(_) => {
                return Some(HookEnd::TimedOut {
                    limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
                });
            }
        }
    }
    None
}

fn ended(child: &mut Child) -> HookEnd {
    match child.wait() {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => HookEnd::Exited { code },
            (None, signal) => HookEnd::Signalled {
                signal: signal.unwrap_or(0),
            },
        },
        Err(_) => HookEnd::Unseen,
    }
}

/// Reads an output to its end on a thread of its own: the beginning is kept, all of it is counted.
fn capture(
    output: Option<impl Read + Send + 'static>,
    messages: Sender<HookMessage>,
) -> Arc<Mutex<HookOutput>> {
    let kept = Arc::new(Mutex::new(HookOutput::default()));
    let keeping = Arc::clone(&kept);
    thread::spawn(move || {
        let mut beginning = Vec::new();
        // Read to the end also beyond what is kept: a full pipe would block the hook.
        let mut chunk = [0; 16 * 1024];
        let mut output = output;
        while let Some(read) = output
            .as_mut()
            .and_then(|output| output.read(&mut chunk).ok())
        {
            if read == 0 {
                break;
            }
            let room = OUTPUT_BYTES_MAX - beginning.len();
            beginning.extend_from_slice(&chunk[..read.min(room)]);
            let mut kept = keeping.lock().unwrap_or_else(PoisonError::into_inner);
            kept.bytes += read as u64;
            kept.text = String::from_utf8_lossy(&beginning).into_owned();
        }
        let _ = messages.send(HookMessage::Closed);
    });
    kept
}
