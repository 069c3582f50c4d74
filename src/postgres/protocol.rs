//! Messages of PostgreSQL's wire protocol, version 3, for a client that talks to one of our proxies.
//! Invariant: of a message that only passes no more than `KEPT_MAX` bytes are held, however long it is (`MessageScanner::next`; test
//! `a_long_message_is_measured_whole_and_kept_in_part`).

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::survey::{Digest, Hasher};

/// The code of a first message that begins a session.
pub const STARTUP: i32 = 196_608;

const ENCRYPTION: [i32; 2] = [80_877_103, 80_877_104];

/// Longest first message, in bytes, as a server takes it.
const FIRST_MAX: usize = 10_000;

/// What is kept of the body of a message, in bytes.
pub const KEPT_MAX: usize = 4_096;

/// The first message of a client, its code in front. Encryption is refused, and the next one is taken for it.
pub async fn first_message(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    loop {
        let length = stream.read_i32().await?;
        let left = usize::try_from(length).ok();
        let left = left.and_then(|it| it.checked_sub(4));
        let Some(left) = left.filter(|left| (4..=FIRST_MAX).contains(left)) else {
            return Err(io::Error::other(format!(
                "a first message of {length} bytes"
            )));
        };
        let mut body = vec![0; left];
        stream.read_exact(&mut body).await?;
        if !ENCRYPTION.contains(&code_of(&body)) {
            return Ok(body);
        }
        stream.write_all(b"N").await?;
    }
}

/// The code of a first message.
pub fn code_of(first: &[u8]) -> i32 {
    let code = first.first_chunk::<4>();
    code.map_or(0, |bytes| i32::from_be_bytes(*bytes))
}

/// Appends a message.
pub fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend(length(body.len() + 4).to_be_bytes());
    out.extend(body);
}

/// No message of ours comes near the limit: an answer of the server has one too (`ReadAllowance`).
pub(super) fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// A text as it stands in a message.
pub fn text_of(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

/// The texts of a body up to one that has no end, each without its end.
pub fn texts(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == 0)
}

/// An error for a client.
pub fn error_of(code: &str, says: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', says)] {
        body.push(field);
        body.extend(text_of(&value.replace('\0', " ")));
    }
    body.push(0);
    body
}

/// A message that passed.
#[derive(Debug)]
pub struct PassedMessage {
    /// Its type.
    pub kind: u8,
    /// Its body, at most `KEPT_MAX` bytes of it.
    pub body: Vec<u8>,
    /// The whole of the SQL that a client sent with it.
    pub sql: Option<SqlDigest>,
}

/// How long an SQL text is, and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlDigest {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: Digest,
}

/// Tells messages apart in the bytes of one direction, as they come.
#[derive(Debug, Default)]
pub struct MessageScanner {
    head: Vec<u8>,
    left: usize,
    body: Vec<u8>,
    sql: Option<SqlText>,
}

/// The SQL of a message, which stands behind so many other texts.
#[derive(Debug)]
struct SqlText {
    behind: usize,
    bytes: u64,
    hasher: Hasher,
}

impl SqlText {
    /// Whether this kind of message of a client has SQL, and behind how many texts.
    fn of(kind: u8) -> Option<Self> {
        let behind = match kind {
            b'Q' => 0,
            b'P' => 1,
            _ => return None,
        };
        Some(Self {
            behind,
            bytes: 0,
            hasher: Hasher::new(),
        })
    }

    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            let end = bytes.iter().position(|byte| *byte == 0);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.behind == 0 {
                self.bytes += part.len() as u64;
                self.hasher.update(part);
            }
            let Some(end) = end else { return };
            if self.behind == 0 {
                // What follows is no SQL; no message has so many texts.
                self.behind = usize::MAX;
                return;
            }
            self.behind -= 1;
            bytes = &bytes[end + 1..];
        }
    }
}

impl MessageScanner {
    /// Reads on until a message ends. Gives how many of the bytes belong to it, and the message where it ended. `of_client`: the bytes
    /// are of a client, whose SQL is measured.
    pub fn next(
        &mut self,
        bytes: &[u8],
        of_client: bool,
    ) -> io::Result<(usize, Option<PassedMessage>)> {
        let mut used = 0;
        if self.head.len() < 5 {
            used = bytes.len().min(5 - self.head.len());
            self.head.extend(&bytes[..used]);
            let Some(&[kind, ref length @ ..]) = self.head.first_chunk::<5>() else {
                return Ok((used, None));
            };
            let length = i32::from_be_bytes(*length);
            let left = usize::try_from(length).ok();
            let left = left.and_then(|length| length.checked_sub(4));
            self.left =
                left.ok_or_else(|| io::Error::other(format!("a message of {length} bytes")))?;
            self.sql = SqlText::of(kind).filter(|_| of_client);
        }
        let part = &bytes[used..];
        let part = &part[..part.len().min(self.left)];
        let kept = part.len().min(KEPT_MAX - self.body.len());
        self.body.extend(&part[..kept]);
        if let Some(sql) = &mut self.sql {
            sql.take(part);
        }
        self.left -= part.len();
        used += part.len();
        if self.left > 0 {
            return Ok((used, None));
        }
        let kind = self.head.first().copied().unwrap_or_default();
        self.head.clear();
        let sql = self.sql.take().map(|sql| SqlDigest {
            bytes: sql.bytes,
            sha256: sql.hasher.finish(),
        });
        let body = std::mem::take(&mut self.body);
        Ok((used, Some(PassedMessage { kind, body, sql })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message, of bytes that come in parts of this size.
    fn scanned(bytes: &[u8], size: usize) -> Vec<PassedMessage> {
        let mut scanner = MessageScanner::default();
        let mut found = Vec::new();
        for part in bytes.chunks(size) {
            let mut at = 0;
            while at < part.len() {
                let (used, message) = scanner.next(&part[at..], true).expect("messages");
                at += used;
                found.extend(message);
            }
        }
        found
    }

    #[test]
    fn messages_are_the_same_however_their_bytes_come() {
        let mut bytes = Vec::new();
        put(&mut bytes, b'P', b"name\0SELECT $1\0\0\0");
        put(&mut bytes, b'S', b"");
        put(&mut bytes, b'Q', b"SELECT 2\0");
        for size in [1, 2, 3, 7, 1_000] {
            let found = scanned(&bytes, size);
            let kinds: Vec<u8> = found.iter().map(|message| message.kind).collect();
            assert_eq!(kinds, b"PSQ", "{size}");
            assert_eq!(found[0].body, b"name\0SELECT $1\0\0\0");
            let sql = |text: &str| SqlDigest {
                bytes: text.len() as u64,
                sha256: Digest::of(text),
            };
            assert_eq!(found[0].sql, Some(sql("SELECT $1")));
            assert_eq!(found[1].sql, None);
            assert_eq!(found[2].sql, Some(sql("SELECT 2")));
        }
    }

    #[test]
    fn a_long_message_is_measured_whole_and_kept_in_part() {
        let long = "x".repeat(10 * KEPT_MAX);
        let mut bytes = Vec::new();
        put(&mut bytes, b'Q', &text_of(&long));
        let found = scanned(&bytes, 1_000);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].body.len(), KEPT_MAX);
        let sql = found[0].sql.as_ref().expect("SQL");
        assert_eq!((sql.bytes, &sql.sha256), (40_960, &Digest::of(&long)));
        assert!(
            MessageScanner::default()
                .next(b"Q\0\0\0\x03", true)
                .is_err()
        );
    }
}
