//! The format of a journal line: JSON in printable ASCII, so that `cat` on a terminal is harmless.
//! Invariant: the keys of a line stand in one order, so that the bytes can be hashed as they are. Held by `encode_line` and
//! the tests `keys_stand_in_the_order_of_the_contract` and `every_text_comes_back_and_is_printable_on_disk`.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::ser::Formatter;

use super::JournalError;
use super::chain::{Hex, digest};
use super::header::{HeaderFault, LineHeader};
use crate::run::{Event, RecordedEvent};
use crate::survey::{Digest, UtcTime};

/// The version of the format that is written.
///
/// Version 1: `v`, `seq`, `at`, `prev`, `event`, then the fields of the event. `prev` is the SHA-256 of the line before,
/// without its newline. Before the first release the events `hook_started` and `hook_ran` were added; they change no state.
pub const VERSION: u32 = 1;

/// The event after which no line is ever appended.
pub const SEALING_EVENT: &str = "run_sealed";

/// The longest line in bytes, 16 MiB, when writing and when reading. Larger documents are blobs.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// One line of the journal as it was read. `E` is an enum with serde's default (external) tagging: its variant is the `event`
/// of the line, and the fields of the variant stand beside the fields that every line has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry<E> {
    /// Version of the format.
    pub v: u32,
    /// Number of the line, from 0.
    pub seq: u64,
    /// When it was written, by the writer's clock, UTC with microseconds. The order of lines is that of `seq`.
    pub at: UtcTime,
    /// SHA-256 of the line before; 64 zeros in the first line.
    pub prev: Digest,
    /// SHA-256 of this line without its newline. The next line has it as `prev`.
    pub sha256: Digest,
    /// The event and its fields.
    pub event: E,
}

impl From<JournalEntry<Event>> for RecordedEvent {
    fn from(entry: JournalEntry<Event>) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            event: Arc::new(entry.event),
            head: entry.sha256,
        }
    }
}

/// The fields that every line has. An event must not have a field of one of these names.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u32,
    seq: u64,
    at: UtcTime,
    prev: Digest,
    event: &'a str,
}

/// Makes a line, without its newline, and checks that it can be read again. `seq` is its number, `prev` the
/// SHA-256 of the line before.
pub fn encode_line<E: Serialize>(
    seq: u64,
    at: UtcTime,
    prev: &Digest,
    event: &E,
) -> Result<Vec<u8>, JournalError> {
    let refused = |why: &dyn std::fmt::Display| JournalError::Encode(why.to_string());
    let line = written_line(seq, at, prev, event)?;
    if line.len() > LINE_BYTES_MAX {
        return Err(refused(&format_args!("{} bytes are too many", line.len())));
    }
    // Read back by the code of the reader: a line that would be damage later is refused before it is written.
    LineHeader::parse(&line).map_err(|fault| refused(&fault.what))?;
    let read: Envelope<'_> = serde_json::from_slice(&line).map_err(|why| refused(&why))?;
    if (read.v, read.seq, read.at) == (VERSION, seq, at) && read.prev == *prev {
        return Ok(line);
    }
    Err(refused(&"it does not read back as it was written"))
}

/// The bytes of a line, without its newline, as `encode_line` writes them.
fn written_line<E: Serialize>(
    seq: u64,
    at: UtcTime,
    prev: &Digest,
    event: &E,
) -> Result<Vec<u8>, JournalError> {
    let refused = |why: &dyn std::fmt::Display| JournalError::Encode(why.to_string());
    let event = to_ascii_json(event).map_err(|why| refused(&why))?;
    let (name, fields) =
        taken_apart(&event).ok_or_else(|| refused(&"an event has a name and fields"))?;
    let envelope = Envelope {
        v: VERSION,
        seq,
        at,
        prev: prev.clone(),
        event: name,
    };
    let mut line = to_ascii_json(&envelope).map_err(|why| refused(&why))?;
    // The closing brace is taken off and the fields of the event are put in.
    line.pop();
    if !fields.is_empty() {
        line.push(b',');
        line.extend_from_slice(fields);
    }
    line.push(b'}');
    Ok(line)
}

/// Takes `{"name":{fields}}` apart into name and fields.
fn taken_apart(event: &[u8]) -> Option<(&str, &[u8])> {
    let event = event.strip_prefix(b"{\"")?.strip_suffix(b"}}")?;
    let end = event.iter().position(|byte| *byte == b'"')?;
    let name = str::from_utf8(&event[..end]).ok()?;
    Some((name, event[end..].strip_prefix(b"\":{")?))
}

impl<E: Serialize> JournalEntry<E> {
    /// What `line`, which it was read from, has beyond what drygate writes of such an entry. What it lacks, an older version did
    /// not write.
    pub(super) fn beyond(&self, line: &[u8], header: &LineHeader) -> Option<String> {
        if self.is_written_as(line, header) {
            return None;
        }
        let again = written_line(self.seq, self.at, &self.prev, &self.event).ok()?;
        let values = (
            serde_json::from_slice::<Value>(line),
            serde_json::from_slice::<Value>(&again),
        );
        let (Ok(said), Ok(again)) = values else {
            return Some("is no JSON object".to_owned());
        };
        // The order of members says nothing to any reader, and versions may differ in it.
        let member = member_beyond(&said, &again, "")?;
        Some(format!(
            "has the member {member}, which drygate does not write there"
        ))
    }

    /// Whether the line is, byte for byte, what drygate writes of this entry.
    fn is_written_as(&self, line: &[u8], header: &LineHeader) -> bool {
        let name = &line[header.event()];
        let (front, fields) = line.split_at(header.end());
        let fields = fields.strip_prefix(b",").unwrap_or(fields);
        let envelope = Envelope {
            v: VERSION,
            seq: self.seq,
            at: self.at,
            prev: self.prev.clone(),
            event: str::from_utf8(name).unwrap_or_default(),
        };
        SameBytes::are_of([front, b"}"], &envelope)
            && SameBytes::are_of([b"{\"", name, b"\":{", fields, b"}"], &self.event)
    }
}

/// Compares what is written with these parts, one after the other, and keeps none of it.
struct SameBytes<'a, const N: usize> {
    parts: [&'a [u8]; N],
    at: usize,
}

impl<'a, const N: usize> SameBytes<'a, N> {
    /// Whether a value is written as these parts.
    fn are_of<T: Serialize>(parts: [&'a [u8]; N], value: &T) -> bool {
        let mut same = Self { parts, at: 0 };
        write_ascii_json(&mut same, value).is_ok() && same.parts.iter().all(|part| part.is_empty())
    }
}

impl<const N: usize> Write for SameBytes<'_, N> {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len();
        while let Some(part) = self.parts.get_mut(self.at).filter(|_| !bytes.is_empty()) {
            let together = bytes.len().min(part.len());
            if bytes[..together] != part[..together] {
                break;
            }
            (*part, bytes) = (&part[together..], &bytes[together..]);
            self.at += usize::from(part.is_empty());
        }
        if bytes.is_empty() {
            Ok(length)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first member of `said` that `written` does not have, or has with another value.
fn member_beyond(said: &Value, written: &Value, at: &str) -> Option<String> {
    match (said, written) {
        (Value::Object(said), Value::Object(written)) => said.iter().find_map(|(name, value)| {
            let at = format!("{at}.{name}");
            match written.get(name) {
                Some(other) => member_beyond(value, other, &at),
                None => Some(at[1..].to_owned()),
            }
        }),
        (Value::Array(said), Value::Array(written)) if said.len() == written.len() => {
            let mut pairs = said.iter().zip(written).enumerate();
            pairs.find_map(|(nth, (one, two))| member_beyond(one, two, &format!("{at}[{nth}]")))
        }
        _ => (said != written).then(|| at.trim_start_matches('.').to_owned()),
    }
}

impl<E: DeserializeOwned> JournalEntry<E> {
    /// Decodes a line whose header and SHA-256 are known already. The event is put together again in serde's external tagging:
    /// with the tag among the fields, serde would first collect all fields in a tree.
    pub(super) fn decode(
        line: &[u8],
        header: &LineHeader,
        sha256: &Hex,
    ) -> Result<Self, HeaderFault> {
        let fault = |at: usize, why: &dyn std::fmt::Display| {
            let what = why.to_string();
            // Where it is comes from the fault. serde's own line and column are those of the text
            // put together, which nobody sees.
            let (what, _) = what.rsplit_once(" at line ").unwrap_or((&what, ""));
            HeaderFault {
                at,
                what: format!("cannot be read as an event: {what}"),
                newer: None,
            }
        };
        let column = |why: &serde_json::Error| why.column().saturating_sub(1);
        let text = str::from_utf8(line).map_err(|why| fault(why.valid_up_to(), &why))?;
        let end = header.end();
        // `{...,"event":"name"` is followed by `}` or by a comma and a field. Other JSON readers refuse
        // a comma without a field.
        let begun = match &line[end..] {
            b"}" => end,
            [b',', b'"', ..] => end + 1,
            [b',', ..] => return Err(fault(end + 1, &"a field was expected")),
            _ => return Err(fault(end, &"a comma was expected")),
        };
        let fields = &text[begun..];
        let whole = || {
            let envelope = serde_json::from_str::<Envelope<'_>>(text);
            envelope.map_err(|why| fault(column(&why), &why))
        };
        // A field that appears twice reads differently in different JSON readers, so the whole line is parsed
        // once more as the envelope.
        if may_repeat_the_envelope(fields) {
            whole()?;
        }
        let name = &text[header.event()];
        let mut event = String::with_capacity(name.len() + fields.len() + "{\"\":{}".len());
        for part in ["{\"", name, "\":{", fields, "}"] {
            event.push_str(part);
        }
        // An error column in the put together text is moved back to its place in the line.
        let front = event.len() - fields.len() - 1;
        let event = serde_json::from_str(&event).map_err(|why| {
            let beyond = column(&why).checked_sub(front);
            let at = beyond.map_or(header.event().start, |beyond| begun + beyond);
            // If the line as a whole is no JSON, that error says more.
            whole().err().unwrap_or_else(|| fault(at, &why))
        })?;
        let at = text[header.time()].parse();
        Ok(Self {
            v: header.v,
            seq: header.seq,
            at: at.map_err(|why| fault(header.time().start, &why))?,
            prev: digest(&header.prev),
            sha256: digest(sha256),
            event,
        })
    }
}

/// Whether these fields may have a name of the envelope: the name stands somewhere in them, or an escape could hide it. Only
/// then is the line parsed a second time.
fn may_repeat_the_envelope(fields: &str) -> bool {
    // Built once, not for each line.
    static NAMES: LazyLock<[Finder<'_>; 5]> = LazyLock::new(|| {
        [r#""v""#, r#""seq""#, r#""at""#, r#""prev""#, r#""event""#].map(Finder::new)
    });
    let fields = fields.as_bytes();
    memchr::memchr(b'\\', fields).is_some() || NAMES.iter().any(|name| name.find(fields).is_some())
}

/// Compact JSON in printable ASCII. Control characters, DEL and everything beyond ASCII are written as `\u` escapes.
pub fn to_ascii_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    write_ascii_json(&mut bytes, value)?;
    Ok(bytes)
}

fn write_ascii_json<T: Serialize + ?Sized>(
    out: impl Write,
    value: &T,
) -> Result<(), serde_json::Error> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Ascii))
}

/// The JSON formatter that escapes everything but printable ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let printable = |character: char| matches!(character, ' '..='~');
        // Most texts are plain ASCII and are written in one piece.
        if fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let mut units = [0; 2];
            if printable(character) {
                writer.write_all(&[character as u8])?;
                continue;
            }
            // JSON escapes are UTF-16 units: a character beyond U+FFFF is two of them.
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::super::chain::sha256;
    use super::{HeaderFault, JournalEntry, JournalError, LineHeader, encode_line, to_ascii_json};
    use crate::survey::{Digest, UtcTime};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum TestEvent {
        CheckRecorded { name: String, rows: Option<u64> },
        Colliding { seq: u64 },
        Empty {},
        Bare,
    }

    fn read(line: &[u8]) -> Result<JournalEntry<TestEvent>, HeaderFault> {
        JournalEntry::decode(line, &LineHeader::parse(line)?, &sha256(line))
    }

    fn encode(event: &TestEvent) -> Result<Vec<u8>, JournalError> {
        encode_line(0, UtcTime::from_unix_micros(42), &Digest::zero(), event)
    }

    #[test]
    fn keys_stand_in_the_order_of_the_contract() {
        let event = TestEvent::CheckRecorded {
            name: "é\u{7f}\u{1b}[31m\u{1f600}".to_owned(),
            rows: None,
        };
        let line = encode(&event).expect("the event can be written");
        let zeros = "0".repeat(64);
        let expected = format!(
            "{{\"v\":1,\"seq\":0,\"at\":\"1970-01-01T00:00:00.000042Z\",\"prev\":\"{zeros}\",\
             \"event\":\"check_recorded\",\"name\":\"\\u00e9\\u007f\\u001b[31m\\ud83d\\ude00\",\"rows\":null}}"
        );
        assert_eq!(String::from_utf8_lossy(&line), expected);
    }

    #[test]
    fn an_event_that_brings_a_field_of_the_envelope_is_refused() {
        let error = encode(&TestEvent::Colliding { seq: 7 }).expect_err("two seq");
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }

    #[test]
    fn an_event_without_fields_is_a_line_and_one_that_is_only_a_name_is_refused() {
        let line = encode(&TestEvent::Empty {}).expect("the event can be written");
        assert!(line.ends_with(br#""event":"empty"}"#), "{line:?}");
        assert_eq!(
            read(&line).map(|entry| entry.event),
            Ok(TestEvent::Empty {})
        );
        let error = encode(&TestEvent::Bare).expect_err("no fields");
        assert!(error.to_string().contains("name and fields"), "{error}");
    }

    /// A line that is put together again must not be read if the line itself is no JSON, and the error names
    /// a byte of the line.
    #[test]
    fn a_line_that_is_no_object_of_its_own_is_refused_where_it_breaks() {
        let line = |rest: &str| {
            let zeros = "0".repeat(64);
            let front = r#"{"v":1,"seq":0,"at":"1970-01-01T00:00:00.000042Z","prev":""#;
            format!(r#"{front}{zeros}","event":{rest}"#)
        };
        let breaks = |rest: &str, wrong: &str| {
            let line = line(rest);
            let fault = read(line.as_bytes()).expect_err(rest);
            assert!(line[fault.at..].starts_with(wrong), "{rest}: {fault:?}");
            fault.what
        };
        let joined = r#""check_recorded","name":"a","rows":1},"empty":{}"#;
        breaks(joined, r#","empty""#);
        breaks(r#""check_recorded","name":"a","rows":1}}"#, "}");
        breaks(r#""check_recorded","name":7,"rows":1}"#, r#"7,"rows""#);
        breaks(r#""check_recorded"; "name":"a"}"#, r#"; "name""#);
        breaks(r#""empty",}"#, "}");
        breaks(r#""empty"}}"#, "}");
        for again in [
            r#""v":1"#,
            r#""seq":7"#,
            r#""s\u0065q":7"#,
            r#""at":"1970-01-01T00:00:00.000042Z""#,
            r#""prev":"""#,
            r#""event":"bare""#,
        ] {
            let said = read(line(&format!(r#""empty",{again}}}"#)).as_bytes());
            let said = said.expect_err(again).what;
            assert!(said.contains("duplicate field"), "{said}");
        }
        let said = breaks(r#""unknown","name":7}"#, "unknown");
        assert!(said.contains("unknown variant"), "{said}");
        let no_day = line(r#""empty"}"#).replace("01-01T", "13-01T");
        read(no_day.as_bytes()).expect_err("no such month");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_is_printable_on_disk(name in any::<String>(), rows: Option<u64>) {
            let event = TestEvent::CheckRecorded { name, rows };
            let line = encode(&event).expect("every text can be written");
            prop_assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(read(&line).map(|entry| entry.event), Ok(event));
        }

        #[test]
        fn keys_are_escaped_as_texts_are(key in any::<String>()) {
            let json = to_ascii_json(&std::collections::BTreeMap::from([(key, 1)])).expect("a map");
            prop_assert!(json.is_ascii() && !json.iter().any(u8::is_ascii_control));
        }
    }
}
