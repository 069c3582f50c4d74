//! A link to the store that fails at one statement: what a lost connection, a failover or a conflict is to the program.
//! Invariant: statements are counted over all connections; each one before and after the struck one passes unchanged.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use drygate::postgres::throwaway::Cluster;
use tempfile::TempDir;

const SOCKET: &str = ".s.PGSQL.5432";

/// What is done to one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// The connection ends before the server has the statement.
    CutBefore,
    /// The server carried the statement out, and its answer is lost with the connection.
    CutAfter,
    /// The server says that it met another transaction; nothing was done.
    Conflict,
}

#[derive(Default)]
struct Traffic {
    statements: u64,
    strike: Option<(u64, Strike)>,
    open: Vec<UnixStream>,
}

/// Where statements wait that are not delivered yet.
#[derive(Default)]
struct Hold {
    holds: Mutex<bool>,
    changed: Condvar,
    /// Statements that wait, or are being answered after they waited.
    held: AtomicU64,
}

impl Hold {
    /// Gives whether it waited.
    fn wait(&self) -> bool {
        let mut holds = locked(&self.holds);
        if !*holds {
            return false;
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        while *holds {
            let woken = self.changed.wait(holds);
            holds = woken.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

/// A proxy in front of the store.
pub(super) struct StoreLink {
    place: TempDir,
    traffic: Arc<Mutex<Traffic>>,
    closed: Arc<AtomicBool>,
    hold: Arc<Hold>,
    /// Statements with this word fail, as with an engine that has none.
    unknown: Arc<Mutex<Option<&'static str>>>,
}

impl StoreLink {
    pub(super) fn to(cluster: &Cluster) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(place.path().join(SOCKET)).expect("a new socket");
        let link = Self {
            place,
            traffic: Arc::default(),
            closed: Arc::default(),
            hold: Arc::default(),
            unknown: Arc::default(),
        };
        let server: PathBuf = cluster.socket_dir().join(SOCKET);
        let (traffic, closed) = (link.traffic.clone(), link.closed.clone());
        let (hold, unknown) = (link.hold.clone(), link.unknown.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = UnixStream::connect(&server) else {
                    return;
                };
                let (traffic, hold, unknown) = (traffic.clone(), hold.clone(), unknown.clone());
                let handle = client.try_clone().expect("a second handle");
                locked(&traffic).open.push(handle);
                thread::spawn(move || {
                    // It ends as an error when either side goes away.
                    let _ = forward(&client, &server, &traffic, &hold, &unknown);
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.shutdown(Shutdown::Both);
                });
            }
        });
        link
    }

    /// The URL of a role's database behind it.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        let host = self.place.path().display();
        format!("postgresql:///{database}?host={host}&port=5432&user={role}")
    }

    /// Ends every connection and lets in no other one, or lets them in again.
    pub(super) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
        if closed {
            for open in locked(&self.traffic).open.drain(..) {
                // It may be gone.
                let _ = open.shutdown(Shutdown::Both);
            }
        }
    }

    /// Delivers no statement, or what it kept and everything again.
    pub(super) fn hold(&self, holds: bool) {
        *locked(&self.hold.holds) = holds;
        self.hold.changed.notify_all();
    }

    /// Statements that were asked and have no answer of the server yet.
    pub(super) fn held(&self) -> u64 {
        self.hold.held.load(Ordering::SeqCst)
    }

    /// Counts from nothing, and strikes one statement.
    pub(super) fn arm(&self, strike: Option<(u64, Strike)>) {
        let mut traffic = locked(&self.traffic);
        traffic.statements = 0;
        traffic.strike = strike;
    }

    /// Statements since it was armed.
    pub(super) fn statements(&self) -> u64 {
        locked(&self.traffic).statements
    }

    /// Whether the strike was done.
    pub(super) fn struck(&self) -> bool {
        locked(&self.traffic).strike.is_none()
    }

    /// Statements with this word fail.
    pub(super) fn unknown(&self, word: &'static str) {
        *locked(&self.unknown) = Some(word);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forward(
    client: &UnixStream,
    server: &UnixStream,
    traffic: &Mutex<Traffic>,
    hold: &Hold,
    unknown: &Mutex<Option<&'static str>>,
) -> Result<()> {
    // The first message has no tag.
    send(server, &body(client)?)?;
    answer(client, server, true)?;
    loop {
        let asked = statement(client)?;
        let strike = {
            let mut traffic = locked(traffic);
            traffic.statements += 1;
            let due = |(at, _): &(u64, Strike)| *at == traffic.statements;
            match traffic.strike.filter(due) {
                Some((_, strike)) => {
                    traffic.strike = None;
                    Some(strike)
                }
                None => None,
            }
        };
        let is_unknown = locked(unknown).is_some_and(|word| {
            let word = word.as_bytes();
            asked.windows(word.len()).any(|part| part == word)
        });
        match strike {
            _ if is_unknown => send(client, &error("0A000", "unknown statement"))?,
            None if hold.wait() => {
                send(server, &asked)?;
                // Who asked has given up.
                let answered = answer(client, server, false);
                hold.held.fetch_sub(1, Ordering::SeqCst);
                return answered;
            }
            None => {
                send(server, &asked)?;
                answer(client, server, true)?;
            }
            Some(Strike::CutBefore) => return Ok(()),
            Some(Strike::CutAfter) => {
                send(server, &asked)?;
                return answer(client, server, false);
            }
            Some(Strike::Conflict) => send(client, &error("40001", "could not serialize access"))?,
        }
    }
}

fn send(mut to: &UnixStream, bytes: &[u8]) -> Result<()> {
    to.write_all(bytes)
}

/// Length and content of a message.
fn body(mut from: &UnixStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut message = length.to_vec();
    message.resize(u32::from_be_bytes(length) as usize, 0);
    from.read_exact(&mut message[4..])?;
    Ok(message)
}

fn message(mut from: &UnixStream) -> Result<Vec<u8>> {
    let mut tag = [0];
    from.read_exact(&mut tag)?;
    Ok([&tag[..], &body(from)?].concat())
}

/// The messages of one statement: up to a Sync, or a simple query.
fn statement(client: &UnixStream) -> Result<Vec<u8>> {
    let mut asked = Vec::new();
    loop {
        let next = message(client)?;
        let tag = next[0];
        asked.extend(next);
        match tag {
            b'S' | b'Q' => return Ok(asked),
            b'X' => return Err(Error::other("the client goes")),
            _ => {}
        }
    }
}

/// Hands on what the server answers, up to its being ready for the next statement.
fn answer(client: &UnixStream, server: &UnixStream, passes: bool) -> Result<()> {
    loop {
        let next = message(server)?;
        if passes {
            send(client, &next)?;
        }
        if next[0] == b'Z' {
            return Ok(());
        }
    }
}

/// An error and a server that is ready again.
fn error(code: &str, words: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C{code}\0M{words}\0\0");
    let length = u32::try_from(fields.len() + 4).expect("a short message");
    [
        b"E",
        &length.to_be_bytes()[..],
        fields.as_bytes(),
        b"Z\0\0\0\x05I",
    ]
    .concat()
}
