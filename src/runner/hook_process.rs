//! One hook as a child process.
//! Invariant: no shell, nothing of our environment but `ENVIRONMENT`, and no longer than its limit (`supervise`; test
//! `what_a_hook_left_in_its_group_ends_at_the_limit` of tests/integration/hooks.rs).

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::run::{HookEnd, HookOutcome, HookOutput, JournalHead};

/// Bytes kept of each output (4 KiB), because they are recorded in the journal; the rest is only counted.
pub(super) const OUTPUT_BYTES_MAX: usize = 4 * 1024;

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

/// Runs a hook on a thread of its own; `tell` is called once, there, when it is over. Where no thread can be started, it is called at once.
pub(super) fn start(
    order: HookOrder,
    tell: impl Fn(HookOutcome) + Clone + Send + 'static,
) -> RunningHook {
    let (messages, inbox) = mpsc::channel();
    let running = RunningHook {
        messages: messages.clone(),
    };
    let not_started = |error: io::Error| {
        HookOutcome::bare(HookEnd::NotStarted {
            why: error.to_string(),
        })
    };
    let telling = tell.clone();
    let run = move || {
        // The threads first: a hook that nobody supervises must not run.
        let started = Helpers::start(&messages).and_then(|it| Ok((it, spawn(&order)?)));
        telling(match started {
            Err(error) => not_started(error),
            Ok((helpers, child)) => return supervise(child, order, helpers, &inbox, telling),
        });
    };
    if let Err(error) = thread::Builder::new().name("hook".to_owned()).spawn(run) {
        tell(not_started(error));
    }
    running
}

/// The threads of a hook, which wait for its pipes; dropped unused, they end.
struct Helpers {
    /// Writes its input.
    stdin: Sender<(ChildStdin, Vec<u8>)>,
    /// Waits for its first process.
    process: Sender<Option<Pid>>,
    stdout: OutputReader<ChildStdout>,
    stderr: OutputReader<ChildStderr>,
}

impl Helpers {
    fn start(messages: &Sender<HookMessage>) -> io::Result<Self> {
        let ends = messages.clone();
        Ok(Self {
            // On a thread of its own: a hook that does not read would block the write once the pipe is full (64 KiB on Linux). A
            // broken pipe is no error.
            stdin: helper(|(mut stdin, input): (ChildStdin, Vec<u8>)| {
                drop(stdin.write_all(&input));
            })?,
            process: helper(move |group: Option<Pid>| {
                if let Some(group) = group {
                    // NOWAIT leaves the child a zombie: its number cannot be given to another process before the group was killed.
                    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                    let _ = waitid(WaitId::Pid(group), ended);
                }
                let _ = ends.send(HookMessage::Ended);
            })?,
            stdout: OutputReader::start(messages.clone())?,
            stderr: OutputReader::start(messages.clone())?,
        })
    }
}

/// Starts a thread that does something once with what it is given.
fn helper<T: Send + 'static>(act: impl FnOnce(T) + Send + 'static) -> io::Result<Sender<T>> {
    let (give, given) = mpsc::channel();
    let run = move || given.recv().map_or((), act);
    thread::Builder::new().name("hook".to_owned()).spawn(run)?;
    Ok(give)
}

fn spawn(order: &HookOrder) -> io::Result<Child> {
    let (program, arguments) = order
        .words
        .split_first()
        .ok_or(io::ErrorKind::InvalidInput)?;
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
    helpers: Helpers,
    inbox: &Receiver<HookMessage>,
    tell: impl FnOnce(HookOutcome),
) {
    let began = Instant::now();
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Each thread waits for what it is given here, so none is gone.
    let stdout = helpers.stdout.read(child.stdout.take());
    let stderr = helpers.stderr.read(child.stderr.take());
    if let Some(stdin) = child.stdin.take() {
        let _ = helpers.stdin.send((stdin, order.input));
    }
    let _ = helpers.process.send(group);
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
struct OutputReader<R> {
    give: Sender<Option<R>>,
    kept: Arc<Mutex<HookOutput>>,
}

impl<R: Read + Send + 'static> OutputReader<R> {
    /// Starts the thread, which tells when the output is closed by all.
    fn start(messages: Sender<HookMessage>) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(HookOutput::default()));
        let keeping = Arc::clone(&kept);
        let give = helper(move |output: Option<R>| {
            keep(output, &keeping);
            let _ = messages.send(HookMessage::Closed);
        })?;
        Ok(Self { give, kept })
    }

    /// Begins to read; gives where the output is kept.
    fn read(self, output: Option<R>) -> Arc<Mutex<HookOutput>> {
        let _ = self.give.send(output);
        self.kept
    }
}

fn keep(mut output: Option<impl Read>, keeping: &Mutex<HookOutput>) {
    let mut beginning = Vec::new();
    // Read to the end also beyond what is kept: a full pipe would block the hook.
    let mut chunk = [0; 16 * 1024];
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
}
