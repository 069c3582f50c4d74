//! The shadow's process, seen from the process that reads production.
//! Invariant: when this is dropped the process and everything in its namespaces has ended (`Drop`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::message::{FromShadow, ToShadow};

/// What of its standard error is shown, in bytes.
const SAID_MAX: u64 = 4_096;

/// How long it may take to end without input.
const END_LIMIT: Duration = Duration::from_secs(20);

/// The running process.
pub(super) struct ShadowProcess {
    child: Child,
    to: Option<ChildStdin>,
    from: UnboundedReceiver<Result<FromShadow, String>>,
}

impl ShadowProcess {
    /// Starts it.
    pub(super) fn start(mut command: Command) -> Result<Self, String> {
        let program = Path::new(command.get_program()).display().to_string();
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program} cannot be run: {error}"))?;
        let to = child.stdin.take();
        let (tell, from) = unbounded_channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let listening = thread::Builder::new().name("shadow".to_owned());
        let listen = move || {
            let lines = stdout
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines());
            for line in lines {
                let message = line.map_err(|error| error.to_string()).and_then(|line| {
                    serde_json::from_str(&line).map_err(|error| error.to_string())
                });
                if tell.send(message).is_err() {
                    return;
                }
            }
            // Its last words, where it ended without a message.
            let mut said = String::new();
            if let Some(stderr) = stderr {
                let _ = stderr.take(SAID_MAX).read_to_string(&mut said);
            }
            let said = said.trim().lines().last().unwrap_or("it said nothing");
            let _ = tell.send(Err(format!("the shadow's process ended: {said}")));
        };
        let shadow = Self { child, to, from };
        // Dropped, it ends.
        listening
            .spawn(listen)
            .map_err(|error| format!("the shadow cannot be listened to: {error}"))?;
        Ok(shadow)
    }

    /// Tells it something.
    pub(super) fn tell(&mut self, message: &ToShadow) -> Result<(), String> {
        let mut line = serde_json::to_string(message).map_err(|error| error.to_string())?;
        line.push('\n');
        let to = self
            .to
            .as_mut()
            .ok_or("the shadow's process takes no message")?;
        to.write_all(line.as_bytes())
            .map_err(|error| format!("the shadow's process takes no message: {error}"))
    }

    /// The next thing that it says.
    pub(super) async fn next(&mut self) -> Result<FromShadow, String> {
        let message = self.from.recv().await;
        message.unwrap_or_else(|| Err("the shadow's process ended".to_owned()))
    }
}

impl Drop for ShadowProcess {
    fn drop(&mut self) {
        // Without input it ends by itself, and is waited for until everything in its namespaces has ended. Killed from outside
        // that would still be going on when this returns.
        self.to = None;
        let began = Instant::now();
        while began.elapsed() < END_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(3));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
