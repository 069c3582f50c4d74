//! The server process: is it there, and how it ends. Invariant: a process is signalled only if its command line names our data
//! directory.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::account::ServerAccount;
use super::directory::ClusterDirectory;
use super::error::escaped;
use super::{ServerBinaries, ThrowawayError};

const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Longer than the 5 s after which the server itself kills what is left of its own processes.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(3);
const LOG_LINES_SHOWN: usize = 8;

/// Starts the server as our child process and returns once it accepts connections.
pub(super) fn start(
    binaries: &ServerBinaries,
    account: ServerAccount,
    directory: &ClusterDirectory,
) -> Result<Child, ThrowawayError> {
    let log_path = directory.log();
    // Both outputs go to one file: without a log collector the server logs to standard error.
    let log = File::create(&log_path).map_err(ThrowawayError::io("cannot make", &log_path))?;
    let also_log = log
        .try_clone()
        .map_err(ThrowawayError::io("cannot open", &log_path))?;
    let program = binaries.program("postgres");
    let mut server = account
        .command(&program, directory.path())
        .arg("-D")
        .arg(directory.data())
        .stdout(log)
        .stderr(Stdio::from(also_log))
        .spawn()
        .map_err(ThrowawayError::io("cannot run", &program))?;
    match wait_until_ready(&mut server, directory) {
        Ok(()) => Ok(server),
        Err(reason) => {
            // The error of the start is the one to report; ending the rest is best effort.
            drop(stop_child(&mut server));
            Err(ThrowawayError::Start {
                reason,
                log: last_lines(&log_path),
            })
        }
    }
}

/// Ends our own server at once, waits for it and reaps it.
pub(super) fn stop_child(server: &mut Child) -> io::Result<ExitStatus> {
    if let Some(status) = server.try_wait()? {
        return Ok(status);
    }
    // The process was not waited for yet, so its number cannot belong to another one.
    if let Some(pid) = i32::try_from(server.id()).ok().and_then(Pid::from_raw) {
        signal_end(pid);
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    while Instant::now() < deadline {
        if let Some(status) = server.try_wait()? {
            return Ok(status);
        }
        thread::sleep(POLL_INTERVAL);
    }
    // It did not end in time.
    server.kill()?;
    server.wait()
}

/// Ends the server that a dead owner left behind on `data`, if it still runs.
pub(super) fn stop_orphan(data: &Path) {
    // postmaster.pid may be old: the number may belong to another process by now.
    let Some(pid) = postmaster_pid(data).filter(|pid| serves(*pid, data)) else {
        return;
    };
    signal_end(pid);
    let deadline = Instant::now() + STOP_TIMEOUT;
    // It is not our child and cannot be waited for, so it is looked at again and again.
    while serves(pid, data) {
        if Instant::now() >= deadline {
            // An error means that it has ended meanwhile, which is what is wanted.
            let _ = kill_process(pid, Signal::KILL);
            return;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// SIGQUIT asks for an immediate shutdown, without a checkpoint: the data is thrown away. SIGCONT lets a
/// stopped server act on it.
fn signal_end(pid: Pid) {
    for signal in [Signal::QUIT, Signal::CONT] {
        // A process that has ended cannot be signalled, and need not be.
        let _ = kill_process(pid, signal);
    }
}

/// Waits until the server accepts connections; `Err`: why it never did.
fn wait_until_ready(server: &mut Child, directory: &ClusterDirectory) -> Result<(), &'static str> {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if is_ready(&directory.data()) {
            return Ok(());
        }
        match server.try_wait() {
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Ok(Some(_)) => return Err("it ended while starting"),
            Err(_) => return Err("it could not be waited for"),
        }
    }
    Err("it was not ready in a minute")
}

/// Whether the server accepts connections: it writes its status into line 8 of its lock file (`postmaster.pid`).
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|status| status.trim_end() == "ready")
    })
}

/// The process id in the lock file of a data directory.
fn postmaster_pid(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines()
        .next()?
        .trim()
        .parse()
        .ok()
        // Never 0, 1 or less: as a signal target these are our process group, init and every process.
        .filter(|pid| *pid > 1)
        .and_then(Pid::from_raw)
}

/// Whether this process runs and is the server of `data`. Another process that was given the number since is not.
fn serves(pid: Pid, data: &Path) -> bool {
    let data = data.to_string_lossy();
    command_line(pid).is_some_and(|line| {
        // Arguments are separated by NUL in /proc and by spaces in the output of ps.
        line.split(['\0', ' ', '\n'])
            .any(|argument| argument == data)
    })
}

/// The command line of a process; `None`: it does not run.
#[cfg(target_os = "linux")]
fn command_line(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(not(target_os = "linux"))]
fn command_line(pid: Pid) -> Option<String> {
    let output = std::process::Command::new("ps")
        .args(["-o", "command=", "-p", &pid.as_raw_nonzero().to_string()])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of a log, escaped. A log that cannot be read gives an empty text.
fn last_lines(log: &Path) -> String {
    let text = fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    escaped(&lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n"))
}
