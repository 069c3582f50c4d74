//! The fixed front of a journal line, read without parsing the rest. Invariant: only the bytes that the writer would have written pass.

use super::chain::Hex;
use super::format::VERSION;

/// What every line begins with, and where it stands in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) v: u32,
    pub(super) seq: u64,
    pub(super) seq_at: usize,
    pub(super) prev: Hex,
    pub(super) prev_at: usize,
    pub(super) event: &'a str,
    pub(super) event_at: usize,
    /// Behind the name of the event.
    pub(super) end: usize,
}

/// A byte that the writer would not have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
    /// The version that the line claims, if it is newer than ours: then the rest may rightly look different.
    pub(super) newer: Option<u32>,
}

impl<'a> Header<'a> {
    /// Reads the front of a line and checks that the line is printable and closed.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Fault> {
        let mut cursor = Cursor {
            line,
            at: 0,
            newer: None,
        };
        cursor.literal("{\"v\":")?;
        let v_at = cursor.at;
        let v = u32::try_from(cursor.number()?).unwrap_or(u32::MAX);
        cursor.newer = (v > VERSION).then_some(v);
        if v == 0 {
            return Err(cursor.fault(v_at, "there is no format version 0"));
        }
        cursor.literal(",\"seq\":")?;
        let seq_at = cursor.at;
        let seq = cursor.number()?;
        cursor.literal(",\"at\":\"")?;
        cursor.time()?;
        cursor.literal("\",\"prev\":\"")?;
        let prev_at = cursor.at;
        let prev = cursor.digest()?;
        cursor.literal("\",\"event\":\"")?;
        let event_at = cursor.at;
        let event = cursor.name()?;
        cursor.literal("\"")?;
        let end = cursor.at;
        cursor.printable_and_closed()?;
        Ok(Self {
            v,
            seq,
            seq_at,
            prev,
            prev_at,
            event,
            event_at,
            end,
        })
    }
}

/// Reads fixed texts from a line; also used for HEAD.
pub(super) struct Cursor<'a> {
    pub(super) line: &'a [u8],
    pub(super) at: usize,
    pub(super) newer: Option<u32>,
}

impl<'a> Cursor<'a> {
    pub(super) fn fault(&self, at: usize, what: impl Into<String>) -> Fault {
        Fault {
            at,
            what: what.into(),
            newer: self.newer,
        }
    }

    pub(super) fn literal(&mut self, expected: &str) -> Result<(), Fault> {
        for (index, byte) in expected.bytes().enumerate() {
            if self.line.get(self.at + index) != Some(&byte) {
                return Err(self.fault(self.at + index, format!("{expected:?} was expected")));
            }
        }
        self.at += expected.len();
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        let rest = &self.line[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let start = self.at;
        self.at += length;
        let canonical = digits == "0" || !digits.starts_with('0');
        match digits.parse() {
            Ok(number) if canonical => Ok(number),
            _ => Err(self.fault(start, "a number was expected")),
        }
    }

    fn time(&mut self) -> Result<(), Fault> {
        const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";
        for (index, shape) in SHAPE.iter().enumerate() {
            let found = self.line.get(self.at + index).copied().unwrap_or(b'?');
            let right = if *shape == b'0' {
                found.is_ascii_digit()
            } else {
                found == *shape
            };
            if !right {
                let what = "a UTC time with microseconds was expected";
                return Err(self.fault(self.at + index, what));
            }
        }
        self.at += SHAPE.len();
        Ok(())
    }

    pub(super) fn digest(&mut self) -> Result<Hex, Fault> {
        let mut digest = [0; 64];
        for (index, place) in digest.iter_mut().enumerate() {
            let found = self.line.get(self.at + index);
            let Some(byte @ (b'0'..=b'9' | b'a'..=b'f')) = found else {
                let what = "64 lowercase hex characters were expected";
                return Err(self.fault(self.at + index, what));
            };
            *place = *byte;
        }
        self.at += digest.len();
        Ok(digest)
    }

    fn name(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.line[self.at..];
        let part =
            |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'_';
        let length = rest.iter().take_while(part).count();
        let name = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        self.at += length;
        if name.is_empty() || rest.get(length) != Some(&b'"') {
            return Err(self.fault(self.at, "the name of an event was expected"));
        }
        Ok(name)
    }

    fn printable_and_closed(&self) -> Result<(), Fault> {
        let printable = |byte: &u8| (b' '..=b'~').contains(byte);
        // Without an early exit the compiler looks at many bytes at once.
        let all = self
            .line
            .iter()
            .fold(true, |all, byte| all & printable(byte));
        if !all {
            let at = self.line.iter().position(|byte| !printable(byte));
            let what = "a byte that is not printable ASCII";
            return Err(self.fault(at.unwrap_or_default(), what));
        }
        if self.line.last() == Some(&b'}') {
            return Ok(());
        }
        Err(self.fault(self.line.len(), "the line does not end with \"}\""))
    }
}
