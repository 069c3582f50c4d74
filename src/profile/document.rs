//! A TOML text with the position of every value. Invariant: a problem has a line and a column, and no control character of the
//! file reaches its message (`Problem`, `printable`; test `what_a_file_says_is_escaped_before_it_is_printed`).

use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::nearest;

/// The longest TOML text that is read, in bytes: 1 MB.
pub const TEXT_BYTES_MAX: usize = 1_000_000;

/// Line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters and not in bytes.
    pub column: usize,
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}:{}: {message}", .position.line, .position.column)]
pub struct Problem {
    /// Where the value that is wrong stands, or the place at which the parser gave up.
    pub position: TextPosition,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// A step into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep<'s> {
    /// A key of a table.
    Key(&'s str),
    /// An item of an array, from 0.
    Index(usize),
}

/// A text that is TOML.
#[derive(Debug)]
pub struct TomlDocument<'t> {
    text: &'t str,
    table: DeTable<'t>,
}

impl<'t> TomlDocument<'t> {
    /// Reads a text that is short enough, without byte order mark, and TOML.
    pub fn read(text: &'t str) -> Result<Self, Problem> {
        let refuse = |message: &str| {
            Err(Problem {
                position: TextPosition { line: 1, column: 1 },
                message: message.to_owned(),
            })
        };
        if text.len() > TEXT_BYTES_MAX {
            return refuse("the file is longer than 1 MB");
        }
        // The parser would report it as an illegal first character, which is invisible in an editor.
        if text.starts_with('\u{feff}') {
            return refuse("the file starts with a byte order mark; save it as UTF-8 without one");
        }
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                text,
                table: table.into_inner(),
            }),
            Err(error) => Err(problem(text, &error)),
        }
    }

    /// The whole document as a type.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(self.text).map_err(|error| problem(self.text, &error))
    }

    /// All of it on one line of JSON: what is written with escapes in the file is plain there.
    pub fn plain(&self) -> Option<String> {
        let values: serde_json::Value = self.typed().ok()?;
        Some(values.to_string())
    }

    /// A text, boolean or whole number at the top level, as it would be written, with its position.
    pub fn word(&self, key: &str) -> Option<(String, TextPosition)> {
        let value = self.table.get(key)?;
        let word = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            _ => return None,
        };
        Some((word, position(self.text, value.span().start)))
    }

    /// Where the value at the end of a path stands, or the last part of the path that is there.
    pub fn position(&self, path: &[PathStep<'_>]) -> TextPosition {
        let mut offset = 0;
        let Some((PathStep::Key(first), rest)) = path.split_first() else {
            return position(self.text, offset);
        };
        let mut value = self.table.get(*first);
        let mut rest = rest.iter();
        while let Some(found) = value {
            // Kept even where the next step is missing: the message then points at the deepest value that is there.
            offset = found.span().start;
            value = match (rest.next(), found.get_ref()) {
                (Some(PathStep::Key(key)), DeValue::Table(table)) => table.get(*key),
                (Some(PathStep::Index(index)), DeValue::Array(array)) => array.get(*index),
                _ => None,
            };
        }
        position(self.text, offset)
    }
}

/// Line and column of a byte offset.
fn position(text: &str, offset: usize) -> TextPosition {
    let before = &text[..text.floor_char_boundary(offset)];
    TextPosition {
        line: before.matches('\n').count() + 1,
        // Characters, so that an editor jumps to the same place after non-ASCII text.
        column: before.rsplit('\n').next().unwrap_or("").chars().count() + 1,
    }
}

fn problem(text: &str, error: &toml::de::Error) -> Problem {
    Problem {
        position: position(text, error.span().map_or(0, |span| span.start)),
        message: printable(&in_words_of_toml(error.message())),
    }
}

/// A message of the parser in the words of TOML, and with the nearest name in place of all of them where a name is unknown.
fn in_words_of_toml(message: &str) -> String {
    let message = message
        .replace("unknown field", "unknown key")
        .replace("unknown variant", "unknown value")
        .replace("missing field", "missing key")
        .replace(
            "expected a sequence",
            "expected a list: [..], or [[..]] for tables",
        )
        .replace("invalid type: sequence", "invalid type: a list")
        .replace("expected an array of length", "expected a list of length")
        .replace("invalid type: map", "invalid type: a table");
    // "unknown key `a`, expected one of `b`, `c`": every second part is a name, the first one what was written.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let near = match (message.starts_with("unknown "), quoted.next()) {
        (true, Some(written)) => nearest(written, quoted),
        _ => None,
    };
    match (near, message.split_once(", expected")) {
        (Some(name), Some((unknown, _))) => format!("{unknown}; the nearest is `{name}`"),
        _ => message,
    }
}

/// The text with everything escaped that could move a cursor or hide a word.
pub fn printable(text: &str) -> String {
    // `escape_debug` would put a backslash before quotes and backslashes too, which are harmless.
    let safe = |c: char| c == '"' || c == '\'' || c == '\\';
    text.chars()
        .flat_map(|c| {
            let kept = safe(c).then_some(c);
            let escaped = (!safe(c)).then(|| c.escape_debug());
            kept.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}
