//! Rows of `key<TAB>{json}` as fields, for people: each field with its text as it reads, not as JSON escapes it.
//! Invariant: every field is kept, in the order of its columns. Held by `Members`
//! and the test `a_row_is_told_in_the_order_of_its_columns_as_it_reads`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The members of a JSON object in the order of the text. `serde_json::Value` would sort them by name.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The members of a row in order, each a text or null; `None`: it is no row of these.
pub(super) fn members(row: &str) -> Option<Vec<(String, Option<String>)>> {
    let value = row.split_once('\t').map_or(row, |(_, value)| value);
    let Members(members) = serde_json::from_str(value).ok()?;
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, Some(text))),
        Value::Null => Some((name, None)),
        _ => None,
    };
    members.into_iter().map(text).collect()
}

/// The fields of a row, or of its value alone, as name and text; `None`: the value is no JSON object.
pub fn fields(row: &str) -> Option<Vec<(String, String)>> {
    let value = row.split_once('\t').map_or(row, |(_, value)| value);
    let Members(members) = serde_json::from_str(value).ok()?;
    // A string is taken without quotes and escapes; everything else is written as JSON. The text `null` is not NULL.
    let text = |value: Value| match value {
        Value::String(text) if text != "null" => text,
        other => other.to_string(),
    };
    Some(
        members
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect(),
    )
}

/// The row as text, a field a line. Further lines of a field follow below it, indented; `None`: the value is no JSON object.
pub fn a_field_a_line(row: &str) -> Option<String> {
    let mut text = String::new();
    for (name, value) in fields(row)? {
        text.push_str(&name);
        text.push(':');
        for (nth, line) in value.split('\n').enumerate() {
            text.push_str(if nth == 0 { " " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{a_field_a_line, fields};

    #[test]
    fn a_row_is_told_in_the_order_of_its_columns_as_it_reads() {
        let row =
            "u1\t{\"unit\":\"u1\",\"content\":\"one\\n\\\"two\\\"\\n\",\"nth\":7,\"gone\":null}";
        assert_eq!(
            a_field_a_line(row).expect("an object"),
            "unit: u1\ncontent: one\n  \"two\"\n  \nnth: 7\ngone: null\n"
        );
        assert_eq!(fields(row).map(|fields| fields.len()), Some(4));
        let null = |value: &str| fields(&format!("u1\t{{\"a\":{value}}}"));
        assert_ne!(null("null"), null("\"null\""), "NULL and the text");
        assert_eq!(fields("a\tby postgres"), None);
        assert_eq!(fields("[1]"), None);
    }
}
