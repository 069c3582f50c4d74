//! Parser for the fixed beginning of a journal line, which does not parse the rest of the JSON.
//! Invariant: only the bytes that the writer would write are accepted. Held by `LineHeader::parse`.

use std::ops::Range;

use super::chain::Hex;
use super::format::VERSION;

/// The form of a time; each 0 stands for a digit.
const TIME: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";

/// The fields at the beginning of every line, and their offsets in it. It is `Copy` and small, so that it can be kept
/// until the line is decoded.
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

/// A byte that the writer would not have written, with its offset in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderFault {
    pub(super) at: usize,
    pub(super) what: String,
    /// The version of the line if it is newer than ours: the rest may rightly look different then.
    pub(super) newer: Option<u32>,
}

impl LineHeader {
    /// Parses the beginning of a line, and checks that the line is printable and ends with `}`.
    pub(super) fn parse(line: &[u8]) -> Result<Self, HeaderFault> {
        let mut cursor = LineParser {
            line,
            at: 0,
            newer: None,
        };
        cursor.literal("{\"v\":")?;
        let v_at = cursor.at;
        // A number beyond 32 bits is a version newer than ours in any case.
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

    /// The range of the time in the line.
    pub(super) fn time(&self) -> Range<usize> {
        self.time_at..self.time_at + TIME.len()
    }

    /// The range of the event's name in the line.
    pub(super) fn event(&self) -> Range<usize> {
        self.event_at..self.event_end
    }

    /// The offset behind the name of the event and its quote.
    pub(super) fn end(&self) -> usize {
        self.event_end + 1
    }
}

/// Reads fixed texts and fields from a line. HEAD is parsed with it too.
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
        // One way to write a number: with leading zeros, two different lines would mean the same.
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

    /// `N` bytes, each of which fits the byte of `shape` at its place.
    fn fixed<const N: usize>(
        &mut self,
        shape: &[u8; N],
        right: impl Fn((&u8, &u8)) -> bool,
        what: &str,
    ) -> Result<[u8; N], HeaderFault> {
        let rest = &self.line[self.at..];
        if let Some(found) = rest.first_chunk::<N>() {
            // No early exit, so that the compiler can check many bytes at once.
            let all = found
                .iter()
                .zip(shape)
                .fold(true, |all, pair| all & right(pair));
            if all {
                self.at += N;
                return Ok(*found);
            }
        }
        // Only for the error: the first byte that does not fit.
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
        // No early exit, so that the compiler can check many bytes at once.
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
