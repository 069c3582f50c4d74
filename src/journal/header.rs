//! The fixed front of a journal line, read without parsing the rest. Invariant: only the bytes that the writer would have written pass.

use std::ops::Range;

use super::chain::Hex;
use super::format::VERSION;

/// How a time is written.
const TIME: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";

/// What every line begins with, and where it stands in the line. Small enough to be kept beside a line that is read on later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineHeader {
    pub(super) v: u32,
    pub(super) seq: u64,
    pub(super) seq_at: usize,
    time_at: usize,
    pub(super) prev: Hex,
    pub(super) prev_at: usize,
    pub(super) event_at: usize,
    event_end: usize,
}

/// A byte that the writer would not have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderFault {
    pub(super) at: usize,
    pub(super) what: String,
    /// The version that the line claims, if it is newer than ours: then the rest may rightly look different.
    pub(super) newer: Option<u32>,
}

impl LineHeader {
    /// Reads the front of a line and checks that the line is printable and closed.
    pub(super) fn parse(line: &[u8]) -> Result<Self, HeaderFault> {
        let mut cursor = LineParser {
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
        let time_at = cursor.at;
        cursor.time()?;
        cursor.literal("\",\"prev\":\"")?;
        let prev_at = cursor.at;
        let prev = cursor.digest()?;
        cursor.literal("\",\"event\":\"")?;
        let event_at = cursor.at;
        cursor.name()?;
        let event_end = cursor.at;
        cursor.literal("\"")?;
        cursor.printable_and_closed()?;
        Ok(Self {
            v,
            seq,
            seq_at,
            time_at,
            prev,
            prev_at,
            event_at,
            event_end,
        })
    }

    /// Where the time stands.
    pub(super) fn time(&self) -> Range<usize> {
        self.time_at..self.time_at + TIME.len()
    }

    /// Where the name of the event stands.
    pub(super) fn event(&self) -> Range<usize> {
        self.event_at..self.event_end
    }

    /// Behind the name of the event and its quote.
    pub(super) fn end(&self) -> usize {
        self.event_end + 1
    }
}

/// Reads fixed texts from a line; also used for HEAD.
pub(super) struct LineParser<'a> {
    pub(super) line: &'a [u8],
    pub(super) at: usize,
    pub(super) newer: Option<u32>,
}

impl LineParser<'_> {
    pub(super) fn fault(&self, at: usize, what: impl Into<String>) -> HeaderFault {
        HeaderFault {
            at,
            what: what.into(),
            newer: self.newer,
        }
    }

    pub(super) fn literal(&mut self, expected: &str) -> Result<(), HeaderFault> {
        let rest = &self.line[self.at..];
        if rest.starts_with(expected.as_bytes()) {
            self.at += expected.len();
            return Ok(());
        }
        let pairs = rest.iter().zip(expected.as_bytes());
        let same = pairs.take_while(|(found, wanted)| found == wanted).count();
        Err(self.fault(self.at + same, format!("{expected:?} was expected")))
    }

    pub(super) fn number(&mut self) -> Result<u64, HeaderFault> {
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

    fn time(&mut self) -> Result<(), HeaderFault> {
        let right = |(found, shape): (&u8, &u8)| match shape {
            b'0' => found.is_ascii_digit(),
            shape => found == shape,
        };
        let what = "a UTC time with microseconds was expected";
        self.fixed(TIME, right, what).map(|_| ())
    }

    pub(super) fn digest(&mut self) -> Result<Hex, HeaderFault> {
        let hex = |(found, _): (&u8, &u8)| matches!(found, b'0'..=b'9' | b'a'..=b'f');
        self.fixed(&[0; 64], hex, "64 lowercase hex characters were expected")
    }

    /// So many bytes, each of which is right beside its shape.
    fn fixed<const N: usize>(
        &mut self,
        shape: &[u8; N],
        right: impl Fn((&u8, &u8)) -> bool,
        what: &str,
    ) -> Result<[u8; N], HeaderFault> {
        let rest = &self.line[self.at..];
        if let Some(found) = rest.first_chunk::<N>() {
            // Without an early exit the compiler looks at many bytes at once.
            let all = found
                .iter()
                .zip(shape)
                .fold(true, |all, pair| all & right(pair));
            if all {
                self.at += N;
                return Ok(*found);
            }
        }
        let good = rest.iter().zip(shape).take_while(|pair| right(*pair));
        Err(self.fault(self.at + good.count(), what))
    }

    fn name(&mut self) -> Result<(), HeaderFault> {
        let rest = &self.line[self.at..];
        let part =
            |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'_';
        let length = rest.iter().take_while(part).count();
        self.at += length;
        if length == 0 || rest.get(length) != Some(&b'"') {
            return Err(self.fault(self.at, "the name of an event was expected"));
        }
        Ok(())
    }

    fn printable_and_closed(&self) -> Result<(), HeaderFault> {
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
