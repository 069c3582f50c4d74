//! A link between the program and its server that is damaged once, at a byte of the server's replies.
//! Invariant: what passes before that byte passes unchanged; both ends are in this process and end with their connections.

use std::io::{BufReader, Error, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// Between two bytes of a link that trickles: 20 bytes a second.
const BETWEEN_BYTES: Duration = Duration::from_millis(50);

/// How late a message comes: less than the deadlines of the tests' profile.
const DELAY: Duration = Duration::from_millis(300);

/// What is done to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The connection ends in the middle of a message.
    Cut,
    /// The same, with a reset in place of an end.
    Reset,
    /// From here on the bytes come one at a time.
    Trickle,
    /// A message comes late.
    Delay,
    /// Nothing passes any more, in both directions and of new connections too, and nothing is closed.
    BlackHole,
    /// A byte is another one.
    FlippedByte,
    /// A bit is another one.
    FlippedBit,
    /// A message comes twice.
    Doubled,
    /// The length of a message is less than its body.
    ShortLength,
    /// Nothing is done to the link: something happens beside it, before the message passes (`FaultyLink::beside`).
    Nothing,
}

impl Damage {
    /// Every kind that damages, with the words that it is counted by.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Cut, "a link to the server is cut inside a reply"),
        (Self::Reset, "a link to the server is reset inside a reply"),
        (Self::Trickle, "a reply comes byte by byte"),
        (Self::Delay, "a reply comes late"),
        (
            Self::BlackHole,
            "a link to the server turns into a black hole",
        ),
        (Self::FlippedByte, "a byte of a reply is another one"),
        (Self::FlippedBit, "a bit of a reply is another one"),
        (Self::Doubled, "a message of a reply comes twice"),
        (Self::ShortLength, "a length in a reply is too small"),
    ];

    /// Whether the program can be told something that the server did not say.
    pub fn falsifies(self) -> bool {
        use Damage::{Doubled, FlippedBit, FlippedByte, ShortLength};
        matches!(self, FlippedByte | FlippedBit | Doubled | ShortLength)
    }
}

/// One damage at one place.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What is done.
    pub damage: Damage,
    /// To the message with this byte of the replies, over all connections since the link was armed.
    pub at: u64,
    /// Which bits of a byte, or how much of a length: not 0.
    pub mask: u8,
}

#[derive(Default)]
struct Traffic {
    fault: Option<Fault>,
    /// Bytes of replies since the link was armed.
    passed: u64,
    struck: bool,
    beside: Option<Beside>,
}

/// What happens in place of a damage.
type Beside = Box<dyn FnOnce() + Send>;

/// A proxy to the unix socket of a server, on a port of this machine.
pub struct FaultyLink {
    port: u16,
    traffic: Arc<Mutex<Traffic>>,
}

impl FaultyLink {
    /// Listens; undamaged.
    pub fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let traffic = Arc::<Mutex<Traffic>>::default();
        let of_link = Arc::clone(&traffic);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = UnixStream::connect(&socket) else {
                    // The server is gone, and with it the test.
                    return;
                };
                let traffic = Arc::clone(&of_link);
                // It ends as an error when either side goes away.
                thread::spawn(move || drop(Connection::new(client, server, traffic).forward()));
            }
        });
        Self { port, traffic }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Counts bytes from 0, and does this once where it is met.
    pub fn arm(&self, fault: Option<Fault>) {
        *lock(&self.traffic) = Traffic {
            fault,
            ..Traffic::default()
        };
    }

    /// Counts bytes from 0, and does something else once this byte of the replies is met, before it passes.
    pub fn beside(&self, at: u64, act: impl FnOnce() + Send + 'static) {
        *lock(&self.traffic) = Traffic {
            fault: Some(Fault {
                damage: Damage::Nothing,
                at,
                mask: 1,
            }),
            beside: Some(Box::new(act)),
            ..Traffic::default()
        };
    }

    /// Lets everything pass again; gives the bytes of replies since the link was armed, and whether it was damaged.
    pub fn disarm(&self) -> (u64, bool) {
        let traffic = std::mem::take(&mut *lock(&self.traffic));
        (traffic.passed, traffic.struck)
    }
}

fn lock(traffic: &Mutex<Traffic>) -> MutexGuard<'_, Traffic> {
    traffic.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Connection {
    client: TcpStream,
    server: UnixStream,
    traffic: Arc<Mutex<Traffic>>,
    /// Nothing passes any more.
    dark: Arc<AtomicBool>,
}

impl Connection {
    fn new(client: TcpStream, server: UnixStream, traffic: Arc<Mutex<Traffic>>) -> Self {
        let state = lock(&traffic);
        let hole = |fault: Fault| fault.damage == Damage::BlackHole;
        let dark = state.struck && state.fault.is_some_and(hole);
        drop(state);
        Self {
            client,
            server,
            traffic,
            dark: Arc::new(AtomicBool::new(dark)),
        }
    }

    fn forward(self) -> Result<()> {
        let requests = self.requests()?;
        let ended = self.replies();
        if self.dark.load(Ordering::SeqCst) {
            // The client goes away when it has waited long enough.
            let _ = requests.join();
        }
        let _ = self.server.shutdown(Shutdown::Both);
        // Not `Both`: a reset has no end before it.
        let _ = self.client.shutdown(Shutdown::Read);
        ended
    }

    /// Hands requests on in a thread of their own, until the client ends.
    fn requests(&self) -> Result<JoinHandle<()>> {
        let (mut client, mut server) = (self.client.try_clone()?, self.server.try_clone()?);
        let dark = Arc::clone(&self.dark);
        Ok(thread::spawn(move || {
            let mut chunk = [0; 8 * 1024];
            while let Ok(length @ 1..) = client.read(&mut chunk) {
                if !dark.load(Ordering::SeqCst) && server.write_all(&chunk[..length]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Both);
        }))
    }

    fn replies(&self) -> Result<()> {
        while !self.dark.load(Ordering::SeqCst) {
            let mut message = self.message()?;
            match self.struck_in(message.len()) {
                None => (&self.client).write_all(&message)?,
                Some((fault, offset)) => self.strike(fault, offset, &mut message)?,
            }
        }
        Ok(())
    }

    /// The next message of the server, whole.
    fn message(&self) -> Result<Vec<u8>> {
        let mut message = vec![0; 5];
        (&self.server).read_exact(&mut message)?;
        let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]);
        message.resize(1 + length as usize, 0);
        (&self.server).read_exact(&mut message[5..])?;
        Ok(message)
    }

    /// The fault, if its byte is among the next `length`, and how far from their begin.
    fn struck_in(&self, length: usize) -> Option<(Fault, usize)> {
        let mut traffic = lock(&self.traffic);
        let before = traffic.passed;
        traffic.passed += length as u64;
        let fault = traffic.fault.filter(|_| !traffic.struck)?;
        let offset = usize::try_from(fault.at.checked_sub(before)?).ok()?;
        traffic.struck = offset < length;
        traffic.struck.then_some((fault, offset))
    }

    /// An error: the connection is over.
    fn strike(&self, fault: Fault, offset: usize, message: &mut Vec<u8>) -> Result<()> {
        let mut client = &self.client;
        match fault.damage {
            Damage::Cut | Damage::Reset => {
                client.write_all(&message[..offset])?;
                if fault.damage == Damage::Reset {
                    set_socket_linger(client, Some(Duration::ZERO))?;
                }
                return Err(Error::other("cut"));
            }
            Damage::Trickle => {
                client.write_all(&message[..offset])?;
                let rest = message.split_off(offset);
                for byte in rest
                    .into_iter()
                    .map(Ok)
                    .chain(BufReader::new(&self.server).bytes())
                {
                    client.write_all(&[byte?])?;
                    sleep(BETWEEN_BYTES);
                }
                return Ok(());
            }
            Damage::Delay => sleep(DELAY),
            Damage::Nothing => {
                let act = lock(&self.traffic).beside.take();
                if let Some(act) = act {
                    act();
                }
            }
            Damage::BlackHole => {
                self.dark.store(true, Ordering::SeqCst);
                return Ok(());
            }
            Damage::FlippedByte => message[offset] ^= fault.mask,
            Damage::FlippedBit => message[offset] ^= 1 << (fault.mask % 8),
            Damage::Doubled => *message = message.repeat(2),
            Damage::ShortLength => {
                let length = u32::try_from(message.len() - 1).expect("a length");
                // Where there is no body, it is less than itself.
                let less = 1 + u32::from(fault.mask) % length.saturating_sub(4).max(1);
                message[1..5].copy_from_slice(&(length - less).to_be_bytes());
            }
        }
        client.write_all(message)
    }
}
