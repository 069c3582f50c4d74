//! Inline changes: which parts of two paired lines differ.
//! Invariant: what lies outside the ranges is equal on both sides. Held by
//! the test `what_is_not_marked_is_equal` of tests/align.rs.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput, TokenSource};
use serde::Serialize;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::Sides;

/// Bytes of a changed part up to which its words are compared. A longer part is marked as a whole.
const WORDS_BYTES_MAX: usize = 16 << 10;

/// The byte ranges that differ, on each side. They begin and end between characters.
pub type InlineChanges = Sides<Vec<Range<usize>>>;

/// The inline changes of two lines.
pub fn inline_changes(before: &str, after: &str) -> InlineChanges {
    if before == after {
        return Sides::default();
    }
    let edges = edges(before, after);
    let (one, two) = (&before[edges.before.clone()], &after[edges.after.clone()]);
    // Too long for a diff of words, or text on one side only: the part between the equal ends is the change.
    if one.len().max(two.len()) > WORDS_BYTES_MAX || one.is_empty() || two.is_empty() {
        return edges.map(|range| {
            if range.is_empty() {
                Vec::new()
            } else {
                vec![range]
            }
        });
    }
    words(one, two, Sides::new(edges.before.start, edges.after.start))
}

/// The column, in characters (graphemes) from 1, at which two lines begin to differ.
pub fn column(before: &str, after: &str) -> usize {
    let (one, two) = (before.graphemes(true), after.graphemes(true));
    one.zip(two).take_while(|(a, b)| a == b).count() + 1
}

/// Both lines without their equal beginning and equal end, cut at whole words.
fn edges(before: &str, after: &str) -> Sides<Range<usize>> {
    let tokens = Sides::new(before, after).map(|line| tokens(line).collect::<Vec<_>>());
    let (one, two) = (&tokens.before, &tokens.after);
    let shorter = one.len().min(two.len());
    let start = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let (ends, others) = (one.iter().rev(), two.iter().rev());
    // The equal end must not overlap the equal beginning, as it would for `a a` and `a a a`.
    let end = ends.zip(others).take(shorter - start);
    let end = end.take_while(|(a, b)| a == b).count();
    tokens.map(|tokens| {
        let bytes =
            |range: Range<usize>| tokens[range].iter().map(|token| token.len()).sum::<usize>();
        let from = bytes(0..start);
        from..from + bytes(start..tokens.len() - end)
    })
}

/// Words, and every other character alone. Scripts of wide characters (Chinese, Japanese) write no spaces: there
/// each character is a token.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let word = |c: char| c == '_' || (c.is_alphanumeric() && !is_wide(c));
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let length = if length == 0 {
            rest.graphemes(true).next()?.len()
        } else {
            // A combining mark may be no letter by itself: the last letter is taken with all its marks.
            let last = rest[..length].chars().next_back()?.len_utf8();
            let letter = rest[length - last..].graphemes(true).next()?;
            length - last + letter.len()
        };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        Some(token)
    })
}

fn is_wide(c: char) -> bool {
    !c.is_ascii() && unicode_width::UnicodeWidthChar::width(c) == Some(2)
}

struct Words<'a>(&'a str);

impl<'a> TokenSource for Words<'a> {
    type Token = &'a str;
    type Tokenizer = Box<dyn Iterator<Item = &'a str> + 'a>;

    fn tokenize(&self) -> Self::Tokenizer {
        Box::new(tokens(self.0))
    }

    fn estimate_tokens(&self) -> u32 {
        // Only reserves memory: about three bytes for each token.
        u32::try_from(self.0.len() / 3).unwrap_or(u32::MAX)
    }
}

fn words(before: &str, after: &str, offsets: Sides<usize>) -> InlineChanges {
    let input = InternedInput::new(Words(before), Words(after));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    // Byte offset of the end of each token, so that token numbers of the diff become byte ranges.
    let ends = Sides::new(before, after).map(|line| {
        let mut at = 0;
        let lengths = tokens(line).map(str::len);
        let mut ends = vec![0];
        ends.extend(lengths.map(|length| {
            at += length;
            at
        }));
        ends
    });
    let mut marks = InlineChanges::default();
    for hunk in diff.hunks() {
        let note =
            |found: &mut Vec<Range<usize>>, ends: &[usize], offset: usize, hunk: Range<u32>| {
                let range = offset + ends[hunk.start as usize]..offset + ends[hunk.end as usize];
                // Neighbouring ranges are joined, so that one change is one mark.
                match found.last_mut() {
                    _ if range.is_empty() => {}
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => found.push(range),
                }
            };
        note(&mut marks.before, &ends.before, offsets.before, hunk.before);
        note(&mut marks.after, &ends.after, offsets.after, hunk.after);
    }
    marks
}

/// One field that differs between two JSON rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FieldChange {
    /// Name of the field.
    pub field: String,
    /// Value on the left, as JSON; `None`: there is no such field.
    pub before: Option<String>,
    /// Value on the right, as JSON; `None`: there is no such field.
    pub after: Option<String>,
}

/// The fields that differ between two rows of `key<TAB>{json}`. Empty: none, or one of the values is no JSON object.
pub fn field_changes(before: &str, after: &str) -> Vec<FieldChange> {
    let object = |line: &str| {
        let value = line.split_once('\t').map_or(line, |(_, value)| value);
        match serde_json::from_str(value) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    };
    let (Some(one), Some(two)) = (object(before), object(after)) else {
        return Vec::new();
    };
    let text = |value: Option<&Value>| value.map(Value::to_string);
    let names = one
        .keys()
        .chain(two.keys().filter(|name| !one.contains_key(*name)));
    names
        .filter(|name| one.get(*name) != two.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            before: text(one.get(name)),
            after: text(two.get(name)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{column, field_changes, inline_changes};

    fn marked<'a>(line: &'a str, ranges: &[std::ops::Range<usize>]) -> Vec<&'a str> {
        ranges.iter().map(|range| &line[range.clone()]).collect()
    }

    #[test]
    fn the_words_that_changed_are_marked() {
        let (one, two) = (
            "IF v.state <> 'draft' THEN",
            "IF v.state NOT IN ('draft', 'review') THEN",
        );
        let found = inline_changes(one, two);
        assert_eq!(marked(one, &found.before), ["<>"]);
        assert_eq!(marked(two, &found.after), ["NOT", "IN (", ", 'review')"]);
        assert_eq!(column(one, two), 12);
        assert!(inline_changes("same", "same").before.is_empty());
    }

    #[test]
    fn a_changed_field_is_named() {
        let found = field_changes(
            "u1\t{\"a\":1,\"b\":\"x\"}",
            "u1\t{\"a\":1,\"b\":\"y\",\"c\":null}",
        );
        let named: Vec<_> = found
            .iter()
            .map(|f| (f.field.as_str(), f.before.as_deref(), f.after.as_deref()))
            .collect();
        assert_eq!(
            named,
            [
                ("b", Some("\"x\""), Some("\"y\"")),
                ("c", None, Some("null"))
            ]
        );
        assert!(field_changes("a\tby postgres", "a\tby x").is_empty());
    }

    #[test]
    fn a_character_of_a_script_without_spaces_is_marked_alone() {
        let (before, after) = ("unit 漢字\u{202e}abc", "unit 漢文\u{202e}abc");
        let found = inline_changes(before, after);
        assert_eq!(marked(before, &found.before), ["字"]);
        assert_eq!(marked(after, &found.after), ["文"]);
    }
}
