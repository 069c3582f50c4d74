//! A pooler between the program and its server, that refuses settings at startup or puts other words into what is asked.
//! Invariant: the server is a real one and answers what it is asked; the pooler ends with its listener.

use std::io::{Read, Result, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use drygate::postgres::throwaway::Cluster;

/// What is asked, and what is asked instead.
pub type Replaced = &'static [(&'static str, &'static str)];

const SOCKET: &str = ".s.PGSQL.5432";

/// What is different behind a pooler.
#[derive(Clone, Copy)]
pub enum Pooler {
    /// As PgBouncer by default: a startup packet with `options` is refused.
    RefusesOptions,
    /// Other words are put into what is asked.
    Replaces(Replaced),
}

/// Starts a pooler that listens in `directory`, which is the host to connect to.
pub fn pool(cluster: &Cluster, directory: &Path, pooler: Pooler) {
    let listener = UnixListener::bind(directory.join(SOCKET)).expect("a new socket");
    let server = cluster.socket_dir().join(SOCKET);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect(&server).expect("the server listens");
            thread::spawn(move || {
                let mut answers = server.try_clone().expect("a second handle");
                let mut back = client.try_clone().expect("a second handle");
                thread::spawn(move || {
                    // It ends when either side is shut.
                    let _ = std::io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(Shutdown::Both);
                });
                // The client goes away when it has what it wanted.
                let _ = forward(&client, &server, pooler);
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
}

fn forward(mut client: &UnixStream, mut server: &UnixStream, pooler: Pooler) -> Result<()> {
    // The first message has no tag.
    let startup = body(client)?;
    let replaced = match pooler {
        Pooler::RefusesOptions if startup.windows(9).any(|part| part == b"\0options\0") => {
            return client.write_all(&refusal());
        }
        Pooler::RefusesOptions => &[],
        Pooler::Replaces(replaced) => replaced,
    };
    server.write_all(&startup)?;
    loop {
        let mut tag = [0];
        client.read_exact(&mut tag)?;
        let message = body(client)?;
        let message = match tag {
            [b'P'] => reworded(&message, replaced),
            _ => message,
        };
        server.write_all(&tag)?;
        server.write_all(&message)?;
    }
}

/// An ErrorResponse in the words of PgBouncer.
fn refusal() -> Vec<u8> {
    let fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
    let length = u32::try_from(fields.len() + 4).expect("a short message");
    [b"E", &length.to_be_bytes()[..], fields].concat()
}

/// Length and content of a message.
fn body(mut client: &UnixStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut message = length.to_vec();
    message.resize(u32::from_be_bytes(length) as usize, 0);
    client.read_exact(&mut message[4..])?;
    Ok(message)
}

fn reworded(message: &[u8], replaced: Replaced) -> Vec<u8> {
    let asked = String::from_utf8_lossy(&message[4..]).into_owned();
    let asked = replaced
        .iter()
        .fold(asked, |asked, (from, to)| asked.replace(from, to));
    let length = u32::try_from(asked.len() + 4).expect("a short message");
    [&length.to_be_bytes(), asked.as_bytes()].concat()
}
