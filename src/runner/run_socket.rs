//! The Unix socket through which other processes of this machine reach the process that holds the run: decisions and watchers.
//! Invariant: a request names no person; who asks is taken from the peer credentials (`seen`, test
//! `who_decides_and_who_looks_is_what_the_kernel_says` of tests/integration/callers.rs).

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::net::unix::UCred;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::messages::{DecisionReply, RunnerCommand, RunnerMessage};
use super::watchers::{Watchers, WatchersChanged};
use super::{RunPlan, person};
use crate::journal::RUNS_DIR;
use crate::planted::{PlantedBug, planted};
use crate::run::{Ask, Event, Person, Request};

/// Longest request that is read, in bytes: a line of another process must not fill the memory.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// Time limit for a caller to send its request. A watcher has sent its own by then and may stay.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// Callers whose request is awaited or answered at the same time, at most: the holder needs file descriptors of its own.
const CALLERS_MAX: usize = 32;

/// Pause after a failed accept: out of descriptors, the next one would fail at once as well.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Pause between two lines of progress to one caller.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// How long a runner that ends waits for callers to read their answers.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// One line of JSON from the caller to the holder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum SocketRequest {
    /// The caller watches for as long as it stays connected.
    Watch,
    /// A person asks for something; who that is, the line does not say.
    #[serde(untagged)]
    Ask(Ask),
}

/// The refusal when the runner's command channel is full.
const BUSY: &str = "the holder is busy";

/// The listening socket; its file is removed when the runner ends.
pub struct SocketListener {
    path: PathBuf,
    task: JoinHandle<()>,
    /// Each served caller holds a sender; `recv` gives `None` once all of them are answered.
    served: mpsc::Receiver<()>,
}

impl SocketListener {
    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stops accepting and waits until the accepted callers have their answers, at most [`ANSWERED_WITHIN`].
    pub async fn finish(mut self) {
        self.task.abort();
        let all = async { while self.served.recv().await.is_some() {} };
        let _ = tokio::time::timeout(ANSWERED_WITHIN, all).await;
    }
}

impl Drop for SocketListener {
    fn drop(&mut self) {
        self.task.abort();
        // If this fails, the file that stays refuses connections, and the next holder replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Minimum age of a stale socket before it is removed: between `bind` and `listen` a new socket refuses connections too.
const STALE_AFTER: Duration = Duration::from_mins(1);

/// Removes the sockets in `directory` that a killed process left behind.
fn sweep(directory: &Path) {
    let listed = std::fs::read_dir(directory).into_iter().flatten().flatten();
    for path in listed.map(|entry| entry.path()) {
        let is_socket = path.extension().is_some_and(|kind| kind == "sock");
        if is_socket && is_old(&path) && refuses(&path) {
            // Another process may remove it at the same time.
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_old(path: &Path) -> bool {
    let made = std::fs::symlink_metadata(path).and_then(|found| found.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age >= STALE_AFTER))
}

/// Whether connecting is refused because no process listens. A socket without permission, or with a full queue, stays.
fn refuses(path: &Path) -> bool {
    let refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    UnixStream::connect(path).is_err_and(refused)
}

/// Listens for other processes. `None`: no socket could be made; `approve` then waits for the lock instead.
pub(super) fn listen(
    plan: &RunPlan,
    commands: mpsc::Sender<RunnerCommand>,
    told: broadcast::Sender<RunnerMessage>,
    watchers_changed: WatchersChanged,
) -> Option<SocketListener> {
    // Not every file system takes sockets: the next place may.
    let (path, listener) = plan.sockets.iter().find_map(bind)?;
    tracing::debug!(?path, "listens to other processes");
    if plan.store_group.is_some() {
        // Connecting to a Unix socket needs write permission on its file: without this, other accounts of the group never get
        // as far as their credentials. Who may open runs may also ask their holder.
        admit_group(&path, &plan.data_root.join(RUNS_DIR)).ok()?;
    }
    let door = SocketShutdown {
        own: plan.person.clone(),
        shared: plan.store_group.is_some(),
        commands,
        told,
        watchers: Watchers::new(watchers_changed),
    };
    // Nothing is ever sent: the channel only counts living senders.
    let (serving, served) = mpsc::channel(1);
    let task = tokio::spawn(accept(listener, door, serving));
    Some(SocketListener { path, task, served })
}

fn bind(path: &PathBuf) -> Option<(PathBuf, UnixListener)> {
    path.parent().map(sweep);
    // `bind` fails on an existing file. This process holds the run's lock, so a socket at this path is of a dead holder.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)
        .inspect_err(|error| tracing::warn!(?path, %error, "no socket for other processes here"));
    Some((path.clone(), listener.ok()?))
}

/// Accepts callers for as long as the runner lives. A failed accept is of that caller, or passes: the next one may be served.
async fn accept(listener: UnixListener, door: SocketShutdown, serving: mpsc::Sender<()>) {
    let places = Arc::new(Semaphore::new(CALLERS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a caller could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Written without waiting; a caller that does not read it sees the connection end.
            let _ = stream.try_write(&refusal(BUSY));
            continue;
        };
        let caller = Caller {
            place,
            serving: serving.clone(),
        };
        let door = door.clone();
        // An error here is a caller that disconnected: it has asked for nothing.
        tokio::spawn(async move { drop(door.serve(stream, caller).await) });
    }
}

/// What an accepted connection holds until it is answered, or watches.
struct Caller {
    place: OwnedSemaphorePermit,
    serving: mpsc::Sender<()>,
}

/// Lets the group that the runs are given to connect, and nobody else but the owner.
fn admit_group(socket: &Path, runs: &Path) -> std::io::Result<()> {
    let group = std::fs::metadata(runs)?.gid();
    std::os::unix::fs::chown(socket, None, Some(group))?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o660))
}

/// What a caller may reach.
#[derive(Clone)]
struct SocketShutdown {
    own: Person,
    shared: bool,
    commands: mpsc::Sender<RunnerCommand>,
    /// What the runner says to whoever waits.
    told: broadcast::Sender<RunnerMessage>,
    watchers: Watchers,
}

impl SocketShutdown {
    /// Serves one caller. A runner that ends waits for it from its request to its answer, not for a caller that says nothing.
    async fn serve(self, stream: tokio::net::UnixStream, caller: Caller) -> std::io::Result<()> {
        let Caller { place, serving } = caller;
        let unasked = serving.downgrade();
        drop(serving);
        // SO_PEERCRED: the kernel recorded these at connect, the caller cannot choose them.
        let peer = stream.peer_cred()?;
        let (reading, mut writing) = stream.into_split();
        let mut line = Vec::new();
        let mut reader = tokio::io::BufReader::new(reading.take(REQUEST_BYTES_MAX));
        tokio::time::timeout(ASKED_WITHIN, reader.read_until(b'\n', &mut line)).await??;
        let serving = unasked.upgrade();
        // Root may read and write the run anyway. In a shared store the mode 0660 of the socket has decided already.
        let known = peer.uid() == self.own.uid || peer.uid() == 0 || self.shared;
        let named = planted(PlantedBug::BelieveTheCaller)
            .then(|| take_named(&mut line))
            .flatten();
        let request = serde_json::from_slice(&line);
        let (uid, pid) = (peer.uid(), peer.pid());
        tracing::info!(uid, ?pid, known, ?request, "another process asks");
        let refused = match request {
            Err(_) => "the request is malformed",
            Ok(_) if !known => "the caller is of another account",
            Ok(SocketRequest::Ask(ask)) => {
                let mut by = match named {
                    Some(person) => person,
                    None => seen(peer).await?,
                };
                // The store sees this process write: that is said of its own account alone.
                by.store_role = self.own.store_role.clone().filter(|_| uid == self.own.uid);
                return self.relay(Request { by, ask }, &mut writing).await;
            }
            Ok(SocketRequest::Watch) => match self.watchers.enter(peer.uid()) {
                Some(seat) => {
                    // Watchers have a limit of their own, and the end of the run waits for none.
                    drop((serving, place));
                    // Nothing is sent to a watcher, so a slow one cannot hold the runner up; what it sends is discarded.
                    tokio::io::copy_buf(&mut reader, &mut tokio::io::sink()).await?;
                    drop(seat);
                    return Ok(());
                }
                None => "enough watchers are shown",
            },
        };
        tracing::info!(uid, ?pid, why = refused, "request refused");
        let why = refused.to_owned();
        say(&mut writing, &DecisionReply::Refused { why }).await
    }

    /// Passes a request on, and its answer back once the run has stopped again, where that is waited for; until then what the
    /// run does.
    async fn relay(
        &self,
        request: Request,
        writing: &mut tokio::net::unix::OwnedWriteHalf,
    ) -> std::io::Result<()> {
        let (answer, mut answered) = oneshot::channel();
        let mut told = self.told.subscribe();
        let caller = request.by.pid;
        let waits = request.ask.is_answered_by_the_next_stop();
        let command = RunnerCommand::Request {
            request: Box::new(request),
            answer: waits.then_some(answer),
        };
        // No waiting for a place: the caller gets an answer within its time limit.
        if self.commands.try_send(command).is_err() {
            let why = BUSY.to_owned();
            return say(writing, &DecisionReply::Refused { why }).await;
        }
        say(writing, &DecisionReply::Heard).await?;
        let mut said: Option<Instant> = None;
        loop {
            let message = tokio::select! {
                // What was recorded is said before the answer, which comes after it.
                biased;
                Ok(message) = told.recv() => message,
                reply = &mut answered => return match reply {
                    Ok(reply) => say(writing, &reply).await,
                    Err(_) => Ok(()),
                },
            };
            match message {
                RunnerMessage::Recorded { recorded, .. } => {
                    if let Event::ApprovalRecorded(made) = &*recorded.event
                        && made.by.pid == caller
                    {
                        let says = made.says(recorded.at);
                        say(writing, &DecisionReply::Durable { says }).await?;
                    }
                }
                RunnerMessage::Progress(progress) => {
                    if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
                        said = Some(Instant::now());
                        let says = progress.words();
                        say(writing, &DecisionReply::Working { says }).await?;
                    }
                }
            }
        }
    }
}

/// The person behind a caller. Looked up on a thread of its own: the account's name may come from a slow directory service,
/// which must delay neither the run nor its end.
async fn seen(peer: UCred) -> std::io::Result<Person> {
    let (sender, seen) = oneshot::channel();
    std::thread::Builder::new()
        .name("caller".to_owned())
        // A runner that ended meanwhile asks no more.
        .spawn(move || drop(sender.send(person::peer(peer.uid(), peer.pid()))))?;
    seen.await.map_err(std::io::Error::other)?
}

/// Takes the person that a request names out of it. Only a planted bug asks.
fn take_named(line: &mut Vec<u8>) -> Option<Person> {
    let mut request: serde_json::Value = serde_json::from_slice(line).ok()?;
    let by = request.as_object_mut()?.remove("by")?;
    *line = serde_json::to_vec(&request).ok()?;
    serde_json::from_value(by).ok()
}

async fn say(
    writing: &mut tokio::net::unix::OwnedWriteHalf,
    line: &DecisionReply,
) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    writing.write_all(&bytes).await
}

fn refusal(why: &str) -> Vec<u8> {
    let why = why.to_owned();
    let mut bytes = serde_json::to_vec(&DecisionReply::Refused { why }).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::{Duration, SystemTime};

    use super::{STALE_AFTER, admit_group, sweep};

    #[test]
    fn only_an_old_socket_that_nobody_listens_on_is_swept() {
        let place = tempfile::tempdir().expect("a folder");
        let socket = |name: &str, age: Duration| {
            let path = place.path().join(name);
            let listener = UnixListener::bind(&path).expect("a socket");
            let then = SystemTime::now() - age;
            rustix::fs::utimensat(
                rustix::fs::CWD,
                &path,
                &times(then),
                rustix::fs::AtFlags::empty(),
            )
            .expect("our own file");
            (path, listener)
        };
        let old = STALE_AFTER * 2;
        let (live, _listener) = socket("live.sock", old);
        let (stale, dead) = socket("stale.sock", old);
        let (fresh, young) = socket("fresh.sock", Duration::ZERO);
        let other = place.path().join("other.txt");
        let file = File::create(&other).expect("a file");
        file.set_times(FileTimes::new().set_modified(SystemTime::now() - old))
            .expect("our own file");
        drop((dead, young));
        // A process that another test is starting may hold a copy for a moment.
        while UnixStream::connect(&stale).is_ok() {}
        sweep(place.path());
        let left = [&live, &stale, &fresh, &other].map(|path| path.exists());
        assert_eq!(left, [true, false, true, true]);
    }

    fn times(at: SystemTime) -> rustix::fs::Timestamps {
        let since = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        let stamp = rustix::fs::Timespec {
            tv_sec: i64::try_from(since.as_secs()).expect("it fits"),
            tv_nsec: 0,
        };
        rustix::fs::Timestamps {
            last_access: stamp,
            last_modification: stamp,
        }
    }

    #[test]
    fn the_group_of_the_runs_may_connect_and_nobody_else() {
        let place = tempfile::tempdir().expect("a directory");
        let socket = place.path().join("run.sock");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        admit_group(&socket, place.path()).expect("it is ours");
        let (made, runs) = (socket.metadata(), place.path().metadata());
        let made = made.expect("it is there");
        assert_eq!(made.permissions().mode() & 0o777, 0o660);
        assert_eq!(made.gid(), runs.expect("it is there").gid());
    }
}
