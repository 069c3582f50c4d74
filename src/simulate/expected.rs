//! What a profile expects of a change: rows per table, each number exact or a range. Declared and never measured.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of rows: `60`, or from least to most: `10000..11000`, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRange", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowRange {
    /// The fewest rows.
    pub least: u64,
    /// The most rows.
    pub most: u64,
}

impl RowRange {
    /// Whether so many rows are in it.
    pub fn contains(&self, rows: u64) -> bool {
        (self.least..=self.most).contains(&rows)
    }

    /// Whether it is one number.
    pub fn is_exact(&self) -> bool {
        self.least == self.most
    }
}

impl fmt::Display for RowRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exact() {
            write!(f, "{}", self.least)
        } else {
            write!(f, "{}..{}", self.least, self.most)
        }
    }
}

/// How a range is written: a number, or a text.
#[derive(Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum WrittenRange {
    /// Exactly so many.
    Number(u64),
    /// `60` or `10000..11000`.
    Text(String),
}

impl TryFrom<WrittenRange> for RowRange {
    type Error = String;

    fn try_from(written: WrittenRange) -> Result<Self, Self::Error> {
        let text = match written {
            WrittenRange::Number(rows) => {
                return Ok(Self {
                    least: rows,
                    most: rows,
                });
            }
            WrittenRange::Text(text) => text,
        };
        let (least, most) = text.split_once("..").unwrap_or((&text, &text));
        let range = least.trim().parse().ok().zip(most.trim().parse().ok());
        range
            .map(|(least, most)| Self { least, most })
            .filter(|range| range.least <= range.most)
            .ok_or_else(|| format!("{text:?} is no number of rows: write 60, or 10000..11000"))
    }
}

impl From<RowRange> for String {
    fn from(range: RowRange) -> Self {
        range.to_string()
    }
}

/// The rows of one table that a change is expected to change. What is not named is expected to be no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExpectedRows {
    /// Schema and name: `shop.orders`.
    pub table: String,
    /// Rows inserted.
    #[serde(default)]
    pub insert: RowRange,
    /// Rows updated.
    #[serde(default)]
    pub update: RowRange,
    /// Rows deleted.
    #[serde(default)]
    pub delete: RowRange,
}

#[cfg(test)]
mod tests {
    use super::{ExpectedRows, RowRange};

    #[test]
    fn a_range_is_a_number_or_two_and_reads_back_as_it_was_written() {
        let read = |json: &str| serde_json::from_str::<RowRange>(json);
        for (json, least, most) in [
            ("60", 60, 60),
            ("\"60\"", 60, 60),
            ("\"10..20\"", 10, 20),
            ("\" 1 .. 2 \"", 1, 2),
        ] {
            let range = read(json).expect("a range");
            assert_eq!((range.least, range.most), (least, most));
            let written = serde_json::to_string(&range).expect("plain data");
            assert_eq!(read(&written).ok(), Some(range));
        }
        for json in ["\"20..10\"", "\"many\"", "-1", "\"1..2..3\""] {
            assert!(read(json).is_err(), "{json}");
        }
        let range = read("\"10..20\"").expect("a range");
        assert_eq!(
            [9, 10, 20, 21].map(|rows| range.contains(rows)),
            [false, true, true, false]
        );
    }

    #[test]
    fn what_is_not_named_is_expected_to_be_no_row() {
        let expected: ExpectedRows =
            serde_json::from_str(r#"{"table":"t","update":3}"#).expect("rows");
        assert!(expected.insert.contains(0) && !expected.insert.contains(1));
        assert!(expected.update.contains(3));
    }
}
