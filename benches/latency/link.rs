//! A link to a server with a delay, in this process. Invariant: bytes arrive in their order, none before its delay; a round trip is
//! what the client asks while it waits for no answer, so that what is pipelined is one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A link that listens on a port of this machine and leads to a unix socket. It ends with the process.
pub struct Link {
    port: u16,
    round_trips: Arc<AtomicU64>,
}

impl Link {
    /// A link to a server's socket on which each direction takes `delay`.
    pub fn to(socket: &Path, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let round_trips = Arc::<AtomicU64>::default();
        let (socket, counted) = (socket.to_owned(), Arc::clone(&round_trips));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (socket, counted) = (socket.clone(), Arc::clone(&counted));
                thread::spawn(move || join(&client, &socket, delay, counted));
            }
        });
        Self { port, round_trips }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Round trips so far, of all connections.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::SeqCst)
    }
}

/// One connection, until either side ends it.
fn join(client: &TcpStream, socket: &Path, delay: Duration, round_trips: Arc<AtomicU64>) {
    let server = UnixStream::connect(socket).expect("the server listens");
    client.set_nodelay(true).expect("a socket");
    let (from_client, from_server) = (client.try_clone(), server.try_clone());
    // What was asked and is not answered, of this connection.
    let open = Arc::<AtomicU64>::default();
    let answered = Arc::clone(&open);
    let (mut asks, mut ends) = (Messages::of_client(), Messages::of_server());
    let up = delayed(
        from_client.expect("a handle"),
        server.try_clone().expect("a handle"),
        delay,
        move |bytes| {
            let asked = asks.count(bytes);
            if asked > 0 && open.fetch_add(asked, Ordering::SeqCst) == 0 {
                round_trips.fetch_add(1, Ordering::SeqCst);
            }
        },
        |_| {},
    );
    let down = delayed(
        from_server.expect("a handle"),
        client.try_clone().expect("a handle"),
        delay,
        |_| {},
        move |bytes| {
            answered.fetch_sub(ends.count(bytes), Ordering::SeqCst);
        },
    );
    down.join().expect("it carries to the end");
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    up.join().expect("it carries to the end");
}

/// The messages of one direction, of which those are counted that ask for an answer, or end one. No encryption is taken.
struct Messages {
    /// The tags that are counted: Query and Sync of a client, ReadyForQuery of a server.
    counted: &'static [u8],
    /// Whether the next message is the first one of a client, which has no tag, and whose answer ends like every other.
    is_startup: bool,
    /// The beginning of a message whose length is not known yet.
    head: Vec<u8>,
    /// Bytes that are left of the message.
    left: usize,
}

impl Messages {
    fn of_client() -> Self {
        Self {
            is_startup: true,
            ..Self::of(b"QS")
        }
    }

    fn of_server() -> Self {
        Self::of(b"Z")
    }

    fn of(counted: &'static [u8]) -> Self {
        Self {
            counted,
            is_startup: false,
            head: Vec::new(),
            left: 0,
        }
    }

    /// How many of those that are counted begin in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut counted = 0;
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            (self.left, bytes) = (self.left - skipped, &bytes[skipped..]);
            let Some((first, rest)) = bytes.split_first() else {
                break;
            };
            self.head.push(*first);
            bytes = rest;
            let tag = usize::from(!self.is_startup);
            if let Some(length) = self.head.get(tag..)
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                counted += u64::from(self.is_startup || self.counted.contains(&self.head[0]));
                self.left = u32::from_be_bytes(length) as usize - 4;
                self.is_startup = false;
                self.head.clear();
            }
        }
        counted
    }
}

/// Carries bytes one way, each as long as `delay` after it came. `came` sees them when they came, `arrives` before they are handed on.
fn delayed(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    delay: Duration,
    mut came: impl FnMut(&[u8]) + Send + 'static,
    mut arrives: impl FnMut(&[u8]) + Send + 'static,
) -> thread::JoinHandle<()> {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let carrying = thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            arrives(&bytes);
            if to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        // An end comes as an error too: whoever killed its process.
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            came(&bytes[..read]);
            let piece = (Instant::now() + delay, bytes[..read].to_vec());
            if sender.send(piece).is_err() {
                break;
            }
        }
        drop(sender);
        carrying.join().expect("it carries to the end");
    })
}
