//! A pooler between the program and its server: PgBouncer itself, or one that refuses settings at startup or puts other words
//! into what is asked. Invariant: the server is a real one and answers what it is asked; the pooler ends with its value.

use std::fs;
use std::io::{Read, Result, Write, stderr};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use drygate::postgres::throwaway::Cluster;
use tempfile::TempDir;

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
            // Types of arguments are no text: what is not replaced stays as it is.
            [b'P'] if !replaced.is_empty() => reworded(&message, replaced),
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

/// PgBouncer in front of a server, until dropped.
pub struct PgBouncer {
    process: Child,
    start: Command,
    place: TempDir,
}

impl PgBouncer {
    pub const PORT: u16 = 6432;

    /// With these settings beside its defaults and these lines of its file of users. `None`: it is not installed, which is said.
    pub fn start(cluster: &Cluster, settings: &str, users: &str) -> Option<Self> {
        let mut places = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/usr/local/bin/pgbouncer",
        ]
        .into_iter();
        let Some(program) = places.find(|place| Path::new(place).exists()) else {
            let _ = writeln!(stderr(), "NOT CHECKED: PgBouncer is not installed");
            return None;
        };
        // It refuses to run as root.
        let owner = fs::metadata(cluster.socket_dir()).expect("the server has one");
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().display();
        let server = cluster.socket_dir().display();
        let settings = format!(
            "[databases]\n* = host={server}\n[pgbouncer]\nlisten_port = {}\nunix_socket_dir = {path}\n\
             auth_file = {path}/users\n{settings}",
            Self::PORT
        );
        for (name, content) in [("ini", settings.as_str()), ("users", users)] {
            fs::write(place.path().join(name), content).expect("a new file");
        }
        chown(place.path(), Some(owner.uid()), Some(owner.gid())).expect("the tests may");
        let mut start = Command::new(program);
        start.args(["-q", "ini"]).current_dir(place.path());
        start.uid(owner.uid()).gid(owner.gid());
        let mut bouncer = Self {
            process: start.spawn().expect("it starts"),
            start,
            place,
        };
        bouncer.wait_until_it_listens();
        Some(bouncer)
    }

    fn wait_until_it_listens(&mut self) {
        let socket = self.place().join(format!(".s.PGSQL.{}", Self::PORT));
        // Its file is there before it listens.
        while UnixStream::connect(&socket).is_err() {
            let ended = self.process.try_wait().expect("it is ours");
            assert_eq!(ended, None, "PgBouncer ended");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, with the connections of its clients.
    pub fn kill(&mut self) {
        // Nothing is done about one that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again in the same place.
    pub fn start_again(&mut self) {
        // The file of a process that was killed stays; nobody listens behind it.
        let socket = self.place().join(format!(".s.PGSQL.{}", Self::PORT));
        let _ = fs::remove_file(socket);
        self.process = self.start.spawn().expect("it starts");
        self.wait_until_it_listens();
    }

    /// The directory of its socket.
    pub fn place(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.kill();
    }
}
