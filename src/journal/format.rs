//! The journal line. Invariant: printable ASCII with its keys in one order, so that `cat` is safe and the chain can be checked byte for byte.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use super::JournalError;
use super::header::Header;
use crate::survey::{Digest, UtcTime};

/// The version of the format that is written.
///
/// Changelog:
/// - 1: `v`, `seq`, `at`, `prev`, `event`, then the fields of the event. `prev` is the SHA-256 of the line before without its newline.
///   Before the first release the events `hook_started` and `hook_ran` joined it; they move no state.
pub const VERSION: u32 = 1;

/// The event after which no line is ever appended.
pub const SEALING_EVENT: &str = "run_sealed";

/// The longest line that is written or read. Documents are blobs, not events.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// One line of the journal. `E` is the event, an enum tagged by `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<E> {
    /// Version of the format.
    pub v: u32,
    /// Number of the line, from 0.
    pub seq: u64,
    /// When it was written, by the clock of the writer. Order is by `seq` only.
    pub at: UtcTime,
    /// SHA-256 of the line before; 64 zeros in the first.
    pub prev: Digest,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
}

/// The fields that every line has; an event must not bring one of its own.
#[derive(Deserialize)]
struct Envelope {
    v: u32,
    seq: u64,
    at: UtcTime,
    prev: Digest,
}

impl<E: Serialize> Entry<E> {
    /// The line without its newline, checked by the code that will read it.
    pub(super) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let refused = |why: &dyn std::fmt::Display| JournalError::Encode(why.to_string());
        let line = to_ascii_json(self).map_err(|why| refused(&why))?;
        if line.len() > LINE_BYTES_MAX {
            return Err(refused(&format_args!("{} bytes are too many", line.len())));
        }
        Header::parse(&line).map_err(|fault| refused(&fault.what))?;
        let envelope: Envelope = serde_json::from_slice(&line).map_err(|why| refused(&why))?;
        let (v, seq, at) = (envelope.v, envelope.seq, envelope.at);
        if (v, seq, at) == (self.v, self.seq, self.at) && envelope.prev == self.prev {
            return Ok(line);
        }
        Err(refused(&"it does not read back as it was written"))
    }
}

/// Compact JSON in printable ASCII: control characters, DEL and everything beyond ASCII are escaped.
pub fn to_ascii_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let printable = |character: char| matches!(character, ' '..='~');
        if fragment.chars().all(printable) {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let mut units = [0; 2];
            if printable(character) {
                writer.write_all(&[character as u8])?;
                continue;
            }
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

    use super::{Entry, VERSION, to_ascii_json};
    use crate::survey::{Digest, UtcTime};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Event {
        CheckRecorded { name: String, rows: Option<u64> },
        Colliding { seq: u64 },
    }

    fn entry(event: Event) -> Entry<Event> {
        Entry {
            v: VERSION,
            seq: 0,
            at: UtcTime::from_unix_micros(42),
            prev: Digest::zero(),
            event,
        }
    }

    #[test]
    fn keys_stand_in_the_order_of_the_contract() {
        let event = Event::CheckRecorded {
            name: "é\u{7f}\u{1b}[31m\u{1f600}".to_owned(),
            rows: None,
        };
        let line = entry(event).encode().expect("the event can be written");
        let zeros = "0".repeat(64);
        let expected = format!(
            "{{\"v\":1,\"seq\":0,\"at\":\"1970-01-01T00:00:00.000042Z\",\"prev\":\"{zeros}\",\
             \"event\":\"check_recorded\",\"name\":\"\\u00e9\\u007f\\u001b[31m\\ud83d\\ude00\",\"rows\":null}}"
        );
        assert_eq!(String::from_utf8_lossy(&line), expected);
    }

    #[test]
    fn an_event_that_brings_a_field_of_the_envelope_is_refused() {
        let error = entry(Event::Colliding { seq: 7 })
            .encode()
            .expect_err("two seq");
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_is_printable_on_disk(name in any::<String>(), rows: Option<u64>) {
            let entry = entry(Event::CheckRecorded { name, rows });
            let line = entry.encode().expect("every text can be written");
            prop_assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            let back: Entry<Event> = serde_json::from_slice(&line).expect("it reads back");
            prop_assert_eq!(back, entry);
        }

        #[test]
        fn keys_are_escaped_as_texts_are(key in any::<String>()) {
            let json = to_ascii_json(&std::collections::BTreeMap::from([(key, 1)])).expect("a map");
            prop_assert!(json.is_ascii() && !json.iter().any(u8::is_ascii_control));
        }
    }
}
