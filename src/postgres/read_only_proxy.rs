//! The read-only proxy: `pg_dump` talks to it as to a server, and what it may ask is asked in our own transaction.
//! Invariant: nothing reaches the server but what `judge` lets pass; one connection is taken, from our own child (SO_PEERCRED),
//! in a directory of mode 0700 (`ReadOnlyProxy::serve`; tests `proxied_statement::what_is_on_no_list_is_refused` and
//! `the_proxy_refuses_what_pg_dump_never_asks` of tests/integration/rehearsal).

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_postgres::{SimpleColumn, SimpleQueryMessage};

use super::error::{CallError, UnknownReason};
use super::protocol::{STARTUP, code_of, error_of, first_message, length, put, text_of};
use super::proxied_statement::{ProxyRuling, judge, taken_out};
use super::session::Session;
use super::statement::Statement;
use super::waiting_behind::WaitingBehind;

/// The number in the name of the socket.
pub(super) const PORT: u16 = 5432;

/// Longest message of a client, in bytes. `pg_dump` sends lists of all tables in one statement.
const MESSAGE_MAX: usize = 64 << 20;

/// Type `text`: a client that only looks at names and values needs no other.
const TEXT_OID: i32 = 25;

/// How long a client may take to come.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Why the proxy ended before its client said goodbye.
#[derive(Debug)]
pub(super) enum ProxyEnd {
    /// A statement was refused, with the reason and its beginning.
    Refused(String),
    /// Production could not answer, or refused to.
    Source(CallError),
    /// Somebody waits behind us.
    MadeWay,
    /// The socket failed, or the client is not our child, or spoke another protocol.
    Client(String),
}

impl From<io::Error> for ProxyEnd {
    fn from(error: io::Error) -> Self {
        Self::Client(format!("the connection of pg_dump failed: {error}"))
    }
}

/// A socket for one client.
pub(super) struct ReadOnlyProxy {
    listener: UnixListener,
}

impl ReadOnlyProxy {
    /// Listens in `directory`, which only this account may enter.
    pub(super) fn listen(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!(".s.PGSQL.{PORT}"));
        Ok(Self {
            listener: UnixListener::bind(path)?,
        })
    }

    /// Serves the one connection of `client` until it says goodbye.
    pub(super) async fn serve(
        self,
        client: &mut Child,
        session: &mut Session,
        watch: &WaitingBehind,
    ) -> Result<(), ProxyEnd> {
        let mut stream = self.accept(client).await?;
        if !greet(&mut stream, session.server().version_num).await? {
            return Ok(());
        }
        let mut prepared = BTreeSet::new();
        let mut in_transaction = b'I';
        while let Some((kind, body)) = message(&mut stream).await? {
            let text = match kind {
                b'Q' => {
                    String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(&body)).into_owned()
                }
                b'X' => return Ok(()),
                other => {
                    let what = format!("a message of type {:?}", char::from(other));
                    return refuse(&mut stream, &what).await;
                }
            };
            if watch.found().is_some() {
                return Err(ProxyEnd::MadeWay);
            }
            let ruling = match judge(&text, &mut prepared) {
                Ok(ruling) => ruling,
                Err(why) => {
                    let shown: String = text.chars().take(200).collect();
                    return refuse(&mut stream, &format!("{why}: {shown}")).await;
                }
            };
            let mut out = Vec::new();
            match ruling {
                ProxyRuling::Swallow(tag) => {
                    match tag {
                        "BEGIN" => in_transaction = b'T',
                        "COMMIT" => in_transaction = b'I',
                        _ => {}
                    }
                    put(&mut out, b'C', &text_of(tag));
                }
                ProxyRuling::Answer(value) => {
                    put(&mut out, b'T', &columns(&["set_config"]));
                    put(&mut out, b'D', &cells(&[Some(value)]));
                    put(&mut out, b'C', &text_of("SELECT 1"));
                }
                ProxyRuling::Send(sql) => {
                    match session.simple(&Statement::proxied(&sql)).await {
                        Ok(messages) => answer(&mut out, &messages, &text),
                        Err(error) => {
                            let (code, says) = match &error {
                                CallError::Refused(UnknownReason::Sql { code, message }) => {
                                    (code.clone(), message.clone())
                                }
                                other => ("57000".to_owned(), other.to_string()),
                            };
                            put(&mut out, b'E', &error_of(&code, &says));
                            // The client may be gone already; why production did not answer is what counts.
                            let _ = stream.write_all(&out).await;
                            return Err(ProxyEnd::Source(error));
                        }
                    }
                }
            }
            put(&mut out, b'Z', &[in_transaction]);
            stream.write_all(&out).await?;
        }
        Ok(())
    }

    async fn accept(self, client: &mut Child) -> Result<UnixStream, ProxyEnd> {
        let taken = async {
            loop {
                tokio::select! {
                    taken = self.listener.accept() => return Ok(Some(taken?.0)),
                    () = sleep(Duration::from_millis(20)) => {
                        if client.try_wait()?.is_some() {
                            return Ok(None);
                        }
                    }
                }
            }
        };
        let taken: io::Result<Option<UnixStream>> = timeout(CONNECT_LIMIT, taken)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream =
            taken?.ok_or_else(|| ProxyEnd::Client("pg_dump ended by itself".to_owned()))?;
        let peer = stream.peer_cred()?.pid();
        // The listener is closed when this returns: nobody else can come.
        let is_child = peer.and_then(|pid| u32::try_from(pid).ok()) == Some(client.id());
        if is_child || taken_out("peer") {
            Ok(stream)
        } else {
            Err(ProxyEnd::Client(format!(
                "another process connected to the read-only proxy: PID {}",
                peer.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
            )))
        }
    }
}

async fn refuse(stream: &mut UnixStream, why: &str) -> Result<(), ProxyEnd> {
    let mut out = Vec::new();
    put(
        &mut out,
        b'E',
        &error_of("42501", &format!("the read-only proxy refused {why}")),
    );
    let _ = stream.write_all(&out).await;
    Err(ProxyEnd::Refused(why.to_owned()))
}

/// The first messages; false where the client only asked to cancel.
async fn greet(stream: &mut UnixStream, version_num: u32) -> Result<bool, ProxyEnd> {
    if code_of(&first_message(stream).await?) != STARTUP {
        return Ok(false);
    }
    let version = format!("{}.{}", version_num / 10_000, version_num % 10_000);
    let mut out = Vec::new();
    put(&mut out, b'R', &0_i32.to_be_bytes());
    for (name, value) in [
        ("server_version", version.as_str()),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("standard_conforming_strings", "on"),
        ("integer_datetimes", "on"),
        ("DateStyle", "ISO, MDY"),
        ("TimeZone", "UTC"),
    ] {
        let pair = [text_of(name), text_of(value)].concat();
        put(&mut out, b'S', &pair);
    }
    put(&mut out, b'K', &[0; 8]);
    put(&mut out, b'Z', b"I");
    stream.write_all(&out).await?;
    Ok(true)
}

/// The next message; `None`: the client is gone.
async fn message(stream: &mut UnixStream) -> Result<Option<(u8, Vec<u8>)>, ProxyEnd> {
    let kind = match stream.read_u8().await {
        Ok(kind) => kind,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let length = stream.read_i32().await?;
    Ok(Some((kind, body(stream, length).await?)))
}

async fn body(stream: &mut UnixStream, length: i32) -> Result<Vec<u8>, ProxyEnd> {
    let left = usize::try_from(length)
        .ok()
        .and_then(|it| it.checked_sub(4));
    match left.filter(|left| *left <= MESSAGE_MAX) {
        Some(left) => {
            let mut body = vec![0; left];
            stream.read_exact(&mut body).await?;
            Ok(body)
        }
        None => Err(ProxyEnd::Client(format!("a message of {length} bytes"))),
    }
}

/// What the server answered, as the client expects it.
fn answer(out: &mut Vec<u8>, messages: &[SimpleQueryMessage], sql: &str) {
    let mut rows = 0_u64;
    let mut has_columns = false;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(described) => {
                has_columns = true;
                let names: Vec<&str> = described.iter().map(SimpleColumn::name).collect();
                put(out, b'T', &columns(&names));
            }
            SimpleQueryMessage::Row(row) => {
                rows += 1;
                let values: Vec<Option<&str>> = (0..row.len()).map(|at| row.get(at)).collect();
                put(out, b'D', &cells(&values));
            }
            _ => {}
        }
    }
    let tag = if has_columns {
        format!("SELECT {rows}")
    } else {
        let verb = sql.split_whitespace().next().unwrap_or_default();
        verb.to_uppercase()
    };
    put(out, b'C', &text_of(&tag));
}

fn count_of(items: usize) -> [u8; 2] {
    i16::try_from(items).unwrap_or(i16::MAX).to_be_bytes()
}

fn columns(names: &[&str]) -> Vec<u8> {
    let mut body = count_of(names.len()).to_vec();
    for name in names {
        body.extend(text_of(name));
        body.extend([0; 6]);
        body.extend(TEXT_OID.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend([0; 2]);
    }
    body
}

fn cells(values: &[Option<&str>]) -> Vec<u8> {
    let mut body = count_of(values.len()).to_vec();
    for value in values {
        match value {
            Some(value) => {
                body.extend(length(value.len()).to_be_bytes());
                body.extend(value.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    body
}
