//! The socket under a connection, with a limit on what is read.
//! Invariant: between two grants a server cannot make us hold more than the allowance (`ReadAllowance`; test
//! `a_hostile_server_ends_as_an_error_and_not_in_memory`).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::thread;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

use super::hosts::HostAddress;
use super::keepalive::Keepalive;
use super::settings::ConnectionSettings;
use crate::survey::EvidenceFormat;

/// Largest answer to one question, in bytes on the wire and in memory.
pub(super) const PER_QUESTION: u64 = 20 * 1024 * 1024;

/// The same for a run of format 1, whose documents were limited by rows.
const PER_QUESTION_OF_FORMAT_ONE: u64 = 256 * 1024 * 1024;

/// The same for a run of this format.
pub(super) fn per_question(format: EvidenceFormat) -> u64 {
    match format {
        EvidenceFormat::One => PER_QUESTION_OF_FORMAT_ONE,
        EvidenceFormat::Two => PER_QUESTION,
    }
}

/// Largest amount of bytes before the first question (parameters, notices of a login trigger): 8 MiB.
const STARTUP: u64 = 8 * 1024 * 1024;

/// Bytes that the server may still send.
#[derive(Debug, Clone)]
pub(super) struct ReadAllowance {
    left: Arc<AtomicU64>,
    per_question: u64,
}

impl ReadAllowance {
    /// The allowance until the first question, with what each question then gets.
    pub(super) fn of_startup(per_question: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(STARTUP)),
            per_question,
        }
    }

    /// What each question gets, in MiB.
    pub(super) fn mib(&self) -> u64 {
        self.per_question >> 20
    }

    /// Resets the allowance for a question that is about to be asked.
    pub(super) fn grant(&self) {
        self.left.store(self.per_question, Ordering::SeqCst);
    }

    /// Takes from the allowance; false, and nothing is left, when there is not enough.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let left = self.left.load(Ordering::SeqCst).saturating_sub(bytes);
        self.left.store(left, Ordering::SeqCst);
        left > 0
    }

    /// Whether the allowance is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

/// Address of the server.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// Host name, which a certificate must carry.
    pub(super) host: String,
    hostaddr: Option<IpAddr>,
    port: u16,
    keepalive: Keepalive,
}

impl Endpoint {
    /// The address of one of the hosts in these settings.
    pub(super) fn of(server: &HostAddress, settings: &ConnectionSettings) -> Self {
        Self {
            host: server.host.clone(),
            hostaddr: server.hostaddr,
            port: server.port,
            keepalive: settings.keepalive.clone(),
        }
    }

    /// Opens a socket whose reader spends `allowance`.
    pub(super) async fn open(&self, allowance: ReadAllowance) -> io::Result<Metered> {
        if self.hostaddr.is_none() && self.host.starts_with('/') {
            let path = format!("{}/.s.PGSQL.{}", self.host, self.port);
            let stream = Stream::Unix(UnixStream::connect(path).await?);
            return Ok(Metered { stream, allowance });
        }
        let stream = match self.hostaddr {
            None => {
                let addresses = addresses(&self.host, self.port).await?;
                TcpStream::connect(addresses.as_slice()).await?
            }
            Some(addr) => TcpStream::connect((addr, self.port)).await?,
        };
        self.keepalive.set(&stream)?;
        let stream = Stream::Tcp(stream);
        Ok(Metered { stream, allowance })
    }
}

/// The addresses that a name has. Looked up on a thread of its own, because a resolver may take its time; on this one where none can be
/// started.
async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let named = (host.to_owned(), port);
    let look = |named: &(String, u16)| {
        let found = (named.0.as_str(), named.1).to_socket_addrs()?;
        Ok(found.collect())
    };
    let (tell, told) = oneshot::channel();
    let looked_up = named.clone();
    let started = thread::Builder::new()
        .name("resolver".to_owned())
        // Whoever stopped waiting asks no more.
        .spawn(move || drop(tell.send(look(&looked_up))));
    match started {
        Ok(_) => told.await.map_err(io::Error::other)?,
        Err(_) => look(&named),
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket that counts what it reads.
#[derive(Debug)]
pub(super) struct Metered {
    stream: Stream,
    allowance: ReadAllowance,
}

impl AsyncRead for Metered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        })?;
        let read = (buf.filled().len() - before) as u64;
        let within = this.allowance.spend(read);
        Poll::Ready(if within {
            Ok(())
        } else {
            Err(io::Error::other("the server sent more than it may"))
        })
    }
}

fn is_closed_by_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

impl AsyncWrite for Metered {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        match written {
            // The peer closed, and may have sent an error before. Pending leaves that to the reader, which gets the message or
            // the end of file, and wakes the task.
            Poll::Ready(Err(error)) if is_closed_by_peer(&error) => Poll::Pending,
            written => written,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
