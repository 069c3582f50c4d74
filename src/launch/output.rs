//! Standard output and standard error. Data goes to standard output; what a person should read about progress and failure to
//! standard error.

use std::io::{self, Write};

use serde::Serialize;

use super::LaunchError;

/// Prints `text` as it is.
pub fn print(text: &str) -> Result<(), LaunchError> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), LaunchError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|source| LaunchError::Output {
            doing: "cannot write to standard output",
            source,
        })
}

/// Prints `text` and a line break.
pub fn line(text: &str) -> Result<(), LaunchError> {
    print(&format!("{text}\n"))
}

/// Prints one JSON document in printable ASCII, so that no text in it drives a terminal. Members are in the order of their
/// names, whatever the struct has them in.
pub fn document(document: &impl Serialize) -> Result<(), LaunchError> {
    let sorted = serde_json::to_value(document);
    let text = sorted.and_then(|value| crate::journal::to_ascii_json(&value));
    let mut text = text.map_err(|error| LaunchError::Output {
        doing: "cannot write the document",
        source: error.into(),
    })?;
    text.push(b'\n');
    bytes(&text)
}

/// Says something to a person, on standard error. A closed standard error is no reason to fail.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
