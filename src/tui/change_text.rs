//! The files of the change as a person reads them, from the blobs of the run.
//! Invariant: a file is asked for once, when its page is opened (`ChangeTexts::ask`), so that a directory of many costs what is
//! read of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Model, Over};
use super::open_text::TextSubject;
use crate::run::ChangeFile;
use crate::survey::Digest;

/// How much of a file is shown, 1 MiB: the page is made for each frame.
const SHOWN_MAX: usize = 1 << 20;

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeText {
    /// Its text, at most 1 MiB; bytes that are not UTF-8 are `U+FFFD`.
    pub text: String,
    /// Bytes of the whole file.
    pub bytes: usize,
    /// Bytes that are not shown.
    pub left_out: usize,
    /// Whether all that is shown is UTF-8.
    pub is_utf8: bool,
}

impl ChangeText {
    /// The text of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut shown = bytes.len().min(SHOWN_MAX);
        // Not within a character: the bytes behind its first begin with 10.
        while shown < bytes.len() && shown > 0 && bytes[shown] & 0xc0 == 0x80 {
            shown -= 1;
        }
        let text = String::from_utf8_lossy(&bytes[..shown]);
        Self {
            is_utf8: matches!(text, std::borrow::Cow::Borrowed(_)),
            text: text.into_owned(),
            bytes: bytes.len(),
            left_out: bytes.len() - shown,
        }
    }

    /// Its lines, without the line feeds.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let text = self.text.strip_suffix('\n').unwrap_or(&self.text);
        text.split('\n')
    }
}

/// A text, or why it cannot be shown.
type Read = Result<Arc<ChangeText>, String>;

/// The files that were asked for, by SHA-256; `None` until they came.
#[derive(Debug, Clone, Default)]
pub struct ChangeTexts(BTreeMap<Digest, Option<Read>>);

impl ChangeTexts {
    /// The text, or why there is none; `None`: it is being read.
    pub fn get(&self, sha256: &Digest) -> Option<&Read> {
        self.0.get(sha256)?.as_ref()
    }

    /// Notes that a file is wanted; `true`: it was not asked for before.
    fn ask(&mut self, sha256: &Digest) -> bool {
        let is_new = !self.0.contains_key(sha256);
        if is_new {
            self.0.insert(sha256.clone(), None);
        }
        is_new
    }

    /// A file came.
    pub(super) fn came(&mut self, sha256: Digest, result: Read) {
        self.0.insert(sha256, Some(result));
    }
}

/// The files that are read: on a sheet those of its evidence, else those that were read last.
pub fn files(model: &Model) -> &[ChangeFile] {
    let run = model.run();
    let approved = run.evidence.as_ref().filter(|evidence| match &model.over {
        Over::Approving(sheet) => evidence.digest == sheet.evidence,
        _ => false,
    });
    match approved.and_then(|evidence| evidence.sheet.change.as_ref()) {
        Some(change) => &change.files,
        None => run.change_files.as_deref().map_or(&[], Vec::as_slice),
    }
}

/// The file whose page is open and was not asked for yet.
pub(super) fn wanted(model: &mut Model) -> Option<Digest> {
    let reading = match &model.over {
        Over::Reading(reading) => Some(reading),
        Over::Approving(sheet) => sheet.reading(),
        _ => None,
    };
    let TextSubject::ChangeFile(nth) = reading?.subject else {
        return None;
    };
    let sha256 = files(model).get(nth)?.sha256.clone();
    model.change_texts.ask(&sha256).then_some(sha256)
}

#[cfg(test)]
mod tests {
    use super::{ChangeText, SHOWN_MAX};

    #[test]
    fn a_text_is_cut_between_two_characters_and_says_how_much_is_left_out() {
        let mut bytes = vec![b'x'; SHOWN_MAX - 1];
        bytes.extend("é\n".bytes());
        let text = ChangeText::of(&bytes);
        assert!(text.is_utf8, "it was cut within a character");
        assert_eq!((text.bytes, text.left_out), (SHOWN_MAX + 2, 3));
        let text = ChangeText::of(b"one\n\ntwo\n");
        assert_eq!(text.lines().collect::<Vec<_>>(), ["one", "", "two"]);
        assert_eq!((text.left_out, text.is_utf8), (0, true));
        assert!(!ChangeText::of(b"\xff;").is_utf8);
    }
}
