//! Where the statements that a change sent stand in its script. Invariant: a statement has a place only where the SHA-256 of its whole
//! text is that of a statement of the script, so that neither text can be another one (`ScriptStatements::place`).

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::RecordedStatement;
use super::psql_script::split;
use crate::survey::Digest;

/// Bytes of the files of a phase in which places are looked for, the first ones: a directory of a change can be larger than memory.
const SCRIPT_MAX: usize = 8 << 20;

/// Where a statement stands in the files of its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScriptPlace {
    /// Number of the file in the phase, from 1.
    pub file: usize,
    /// Bytes before it in the file.
    pub offset: u64,
}

/// The statements of the files of a phase, as psql sends them.
#[derive(Debug, Default)]
pub struct ScriptStatements {
    texts: HashMap<Digest, KnownText>,
    statements: u64,
}

/// A text of the script.
#[derive(Debug)]
struct KnownText {
    places: Vec<ScriptPlace>,
    bytes: u64,
    kept: String,
}

impl ScriptStatements {
    /// Of the bytes of these files, in their order. Files that are too long together have no statements, nor have those behind them.
    pub fn of<T: AsRef<[u8]>>(files: impl IntoIterator<Item = T>) -> Self {
        let mut all = Self::default();
        let mut left = SCRIPT_MAX;
        for (nth, script) in files.into_iter().enumerate() {
            let script = script.as_ref();
            let Some(rest) = left.checked_sub(script.len()) else {
                break;
            };
            left = rest;
            split(script, |found| {
                let place = ScriptPlace {
                    file: nth + 1,
                    offset: found.offset,
                };
                all.statements += 1;
                all.add(place, &found.text);
                if found.without_comments != found.text {
                    all.add(place, &found.without_comments);
                }
            });
        }
        all
    }

    fn add(&mut self, place: ScriptPlace, text: &[u8]) {
        let known = self.texts.entry(Digest::of(text)).or_insert_with(|| {
            let kept = RecordedStatement::kept_text(text);
            KnownText {
                places: Vec::new(),
                bytes: text.len() as u64,
                kept,
            }
        });
        known.places.push(place);
    }

    /// Puts its place to each statement that is one of the script; a text that stands there more than once is sent in their order. Gives
    /// how many statements of the script are not among these.
    pub fn place(&self, sent: &mut [RecordedStatement]) -> u64 {
        let mut before: HashMap<&Digest, usize> = HashMap::new();
        let mut found: BTreeSet<ScriptPlace> = BTreeSet::new();
        for statement in sent {
            statement.of_script = None;
            let Some((text, known)) = self.texts.get_key_value(&statement.text_sha256) else {
                continue;
            };
            let nth = before.entry(text).or_default();
            let place = known.places.get(*nth).or(known.places.last());
            statement.of_script = place.copied();
            *nth += 1;
            found.extend(place);
        }
        self.statements - found.len() as u64
    }

    /// Whether what is kept of a statement that has a place is the beginning of its text, and its length the whole one's.
    pub fn has(&self, statement: &RecordedStatement) -> bool {
        let known = self.texts.get(&statement.text_sha256);
        known.is_some_and(|known| {
            (known.bytes, &known.kept) == (statement.text_bytes, &statement.text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT_MAX, ScriptPlace, ScriptStatements};
    use crate::run::{RecordedStatement, TransactionState};
    use crate::survey::Digest;

    fn sent(text: &str) -> RecordedStatement {
        RecordedStatement {
            text: RecordedStatement::kept_text(text.as_bytes()),
            text_bytes: text.len() as u64,
            text_sha256: Digest::of(text),
            of_script: None,
            tags: Vec::new(),
            rows: None,
            took_ms: 0,
            error: None,
            transaction: TransactionState::Open,
            locks: Vec::new(),
            safer: None,
        }
    }

    fn places(files: &[&str], texts: &[&str]) -> (Vec<Option<(usize, u64)>>, u64) {
        let mut all: Vec<RecordedStatement> = texts.iter().map(|text| sent(text)).collect();
        let script = ScriptStatements::of(files);
        let not_sent = script.place(&mut all);
        let found = all.iter().map(|it| {
            assert!(it.of_script.is_none() || script.has(it), "{}", it.text);
            it.of_script
                .map(|ScriptPlace { file, offset }| (file, offset))
        });
        (found.collect(), not_sent)
    }

    #[test]
    fn each_statement_of_a_script_has_its_place_and_what_a_tool_sends_has_none() {
        let files = [
            "-- one\nSELECT 1;\nDO $$BEGIN COMMIT; END$$;\n",
            "SELECT 1; SELECT 2;\n",
        ];
        let texts = [
            "BEGIN",
            "SELECT 1;",
            "DO $$BEGIN COMMIT; END$$;",
            "SELECT 1;",
            "COMMIT",
        ];
        let places_of = [None, Some((1, 7)), Some((1, 17)), Some((2, 0)), None];
        assert_eq!(places(&files, &texts), (places_of.to_vec(), 1));
        // Sent once more than it stands there.
        let (again, not_sent) = places(&["SELECT 1;"], &["SELECT 1;", "SELECT 1;"]);
        assert_eq!((again, not_sent), (vec![Some((1, 0)); 2], 0));
        assert_eq!(
            places(&["SELECT 1 , 2;"], &["SELECT 1, 2;"]),
            (vec![None], 1)
        );
        // An older psql.
        assert_eq!(
            places(&["SELECT 1 -- a\n;"], &["SELECT 1 \n;"]),
            (vec![Some((1, 0))], 0)
        );
    }

    #[test]
    fn of_a_long_statement_the_whole_text_counts() {
        let long = format!("SELECT '{}';", "a".repeat(5_000));
        let other = long.replace("a';", "b';");
        assert_eq!(places(&[&long], &[&long]), (vec![Some((1, 0))], 0));
        assert_eq!(places(&[&long], &[&other]), (vec![None], 1));
        let script = ScriptStatements::of([&long]);
        let damaged = |damage: &dyn Fn(&mut RecordedStatement)| {
            let mut statement = sent(&long);
            damage(&mut statement);
            script.has(&statement)
        };
        assert!(damaged(&|_| ()));
        assert!(!damaged(&|it| it.text_bytes += 1));
        assert!(!damaged(&|it| it.text.truncate(999)));
    }

    #[test]
    fn files_that_are_too_long_together_have_no_places() {
        let long = " ".repeat(SCRIPT_MAX - 9);
        let files = ["SELECT 1;", &long, "SELECT 2;"];
        let expected = (vec![Some((1, 0)), None], 0);
        assert_eq!(places(&files, &["SELECT 1;", "SELECT 2;"]), expected);
    }
}
