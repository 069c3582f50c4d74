//! The words that changed in a row, with some of the text around them.
//! Invariant: where surrounding text is cut, an ellipsis stands. Held by `end_of`,
//! `beginning_of` and the test `each_changed_line_of_a_field_is_a_passage`.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    AlignedRow, Alignment, DocumentShape, FactChange, Lines, RowChange, Side, Sides,
    fields::fields, inline_changes::inline_changes, is_surroundings,
};

/// A change inside one line: the words before, the changed words of both sides, the words behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedWords {
    /// The field of the row; `None`: the row is a line of text.
    pub field: Option<String>,
    /// Equal text before the change.
    pub lead: String,
    /// The text that was there; empty: the words are new.
    pub gone: String,
    /// The text that is there now; empty: the words are gone.
    pub come: String,
    /// Equal text behind the change.
    pub trail: String,
}

impl ChangedWords {
    /// `[seven -> five]`. A side that is empty or blank is quoted, and what cannot be seen is written out.
    pub fn change(&self) -> String {
        let shown = |text: &str| match text.trim() {
            "" => format!("\"{}\"", written_out(text)),
            _ => written_out(text),
        };
        format!("[{} -> {}]", shown(&self.gone), shown(&self.come))
    }
}

impl fmt::Display for ChangedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.lead, self.change(), self.trail)
    }
}

/// `text` with line ends, tabs, blanks that are no space, invisible characters and the accents that stand on the letter before
/// them as escapes: `é` in one character and in two look alike.
fn written_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let unseen = c.is_control()
            || (c.is_whitespace() && c != ' ')
            || matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if unseen {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The changed words of a row, one entry for each changed line of each changed field, with at most `around` characters of text
/// on either side. Empty: the row is new or gone.
pub fn passages(row: &RowChange, around: usize) -> Vec<ChangedWords> {
    let (Some(one), Some(two)) = (&row.approved, &row.found) else {
        return Vec::new();
    };
    let (Some(before), Some(after)) = (fields(one), fields(two)) else {
        return changed_lines(None, one, two, around);
    };
    // Fields of the left side in their order, then those that only the right side has.
    let names = before.iter().chain(&after).map(|(name, _)| name);
    let mut told: Vec<&String> = Vec::new();
    let mut found = Vec::new();
    for name in names {
        if told.contains(&name) {
            continue;
        }
        told.push(name);
        let text = |fields: &[(String, String)]| {
            let mut fields = fields.iter();
            fields
                .find(|(known, _)| known == name)
                .map(|(_, text)| text.clone())
        };
        let (one, two) = (text(&before), text(&after));
        if one != two {
            // A missing field reads `none`; the JSON value null reads `null`.
            let [one, two] = [one, two].map(|text| text.unwrap_or_else(|| "none".to_owned()));
            found.extend(changed_lines(Some(name), &one, &two, around));
        }
    }
    found
}

/// A part of a sentence about a changed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentencePart {
    /// The text as it is shown.
    pub text: String,
    /// Whether it says what changed; else it says where.
    pub changed: bool,
}

/// How a sentence about a changed row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentenceStyle {
    /// Characters of equal text around each change.
    pub around: usize,
    /// How many changes are written out; the rest is counted.
    pub passages_max: usize,
    /// Whether names of fields are written.
    pub names_fields: bool,
}

/// The changes of a row as a sentence that follows its name: `, content: …at least [seven -> five] years…`.
pub fn sentence(row: &RowChange, style: SentenceStyle) -> Vec<SentencePart> {
    let span = |text: &str, changed| SentencePart {
        text: text.to_owned(),
        changed,
    };
    match (&row.approved, &row.found) {
        (None, _) => return vec![span(": new", true)],
        (_, None) => return vec![span(": gone", true)],
        _ => {}
    }
    let passages = passages(row, style.around);
    let max = style.passages_max;
    let mut spans = Vec::new();
    let mut field = None;
    for (nth, passage) in passages.iter().take(max).enumerate() {
        let before = match &passage.field {
            Some(name) if style.names_fields && field != Some(name) => format!(", {name}: "),
            _ if nth == 0 => ": ".to_owned(),
            _ => "  ".to_owned(),
        };
        field = passage.field.as_ref();
        spans.push(span(&before, false));
        spans.push(span(&passage.lead, false));
        spans.push(span(&passage.change(), true));
        spans.push(span(&passage.trail, false));
    }
    if passages.len() > max {
        spans.push(span(&format!("  and {} more", passages.len() - max), false));
    }
    spans
}

/// The row to show where there is room for one: one of the profile's facts, a changed row before a new or missing one, then the
/// shortest.
pub fn most_telling(changes: &[FactChange]) -> Option<(&FactChange, &RowChange)> {
    let rows = changes
        .iter()
        .flat_map(|change| change.rows.iter().map(move |row| (change, row)));
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    // A row without values on both sides only counts further rows (see `capped` in change.rs).
    rows.filter(|(_, row)| row.approved.is_some() || row.found.is_some())
        .min_by_key(|(change, row)| {
            // A grant says more in the grant matrix, a row more than the definition of its table.
            let around = is_surroundings(&change.key);
            let both = row.approved.is_some() && row.found.is_some();
            (around, !both, length(&row.approved) + length(&row.found))
        })
}

fn changed_lines(field: Option<&String>, one: &str, two: &str, around: usize) -> Vec<ChangedWords> {
    let documents = Sides::new(one, two).map(Lines::of);
    let alignment = Alignment::of(documents.as_ref(), DocumentShape::Text);
    let line = |row: AlignedRow, side: Side| {
        let line = row.line(side);
        line.map_or("", |line| documents.get(side).line(line))
    };
    (0..alignment.changes())
        .filter_map(|nth| alignment.change(nth))
        .flatten()
        .map(|row| alignment.row(row))
        .map(|row| {
            let (one, two) = (line(row, Side::Before), line(row, Side::After));
            ChangedWords {
                field: field.cloned(),
                ..passage(one, two, around)
            }
        })
        .collect()
}

/// One change from the first to the last word that differs.
fn passage(one: &str, two: &str, around: usize) -> ChangedWords {
    let marked = inline_changes(one, two);
    let span = |line: &str, ranges: &[std::ops::Range<usize>], equal_before: usize| {
        match (ranges.first(), ranges.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            // Nothing differs on this side, so the change is an insertion behind the common beginning.
            _ => equal_before.min(line.len())..equal_before.min(line.len()),
        }
    };
    let before_change = |marked: &[std::ops::Range<usize>]| marked.first().map(|range| range.start);
    let begin = before_change(&marked.before).into_iter();
    let begin = begin.chain(before_change(&marked.after)).min().unwrap_or(0);
    let (from, to) = (
        span(one, &marked.before, begin),
        span(two, &marked.after, begin),
    );
    // The text behind the change must be equal on both sides, so it is no longer than the shorter equal end.
    let tail = (one.len() - from.end).min(two.len() - to.end);
    let begin = begin.min(from.start).min(to.start);
    let (gone, come) = (&one[begin..one.len() - tail], &two[begin..two.len() - tail]);
    ChangedWords {
        field: None,
        lead: end_of(&one[..begin], around),
        gone: gone.to_owned(),
        come: come.to_owned(),
        trail: beginning_of(&one[one.len() - tail..], around),
    }
}

/// The last words of a text, at most `max` characters.
fn end_of(text: &str, max: usize) -> String {
    let mut kept = String::new();
    let mut count = 0;
    for word in text.split_word_bounds().rev() {
        // Graphemes, not bytes: a letter with its accents counts as one.
        count += word.graphemes(true).count();
        if count > max {
            return format!("…{}", kept.trim_start());
        }
        kept.insert_str(0, word);
    }
    kept
}

/// The first words of a text, at most `max` characters.
fn beginning_of(text: &str, max: usize) -> String {
    let mut kept = String::new();
    let mut count = 0;
    for word in text.split_word_bounds() {
        count += word.graphemes(true).count();
        if count > max {
            return format!("{}…", kept.trim_end());
        }
        kept.push_str(word);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{most_telling, passages};
    use crate::survey::{FactChange, FactKey, RowChange};

    fn row(key: &str, approved: Option<&str>, found: Option<&str>) -> RowChange {
        RowChange {
            key: key.to_owned(),
            approved: approved.map(str::to_owned),
            found: found.map(str::to_owned),
        }
    }

    fn sentence(one: &str, two: &str, around: usize) -> Vec<(Option<String>, String)> {
        passages(&row("k", Some(one), Some(two)), around)
            .into_iter()
            .map(|passage| (passage.field.clone(), passage.to_string()))
            .collect()
    }

    #[test]
    fn each_changed_line_of_a_field_is_a_passage() {
        let one = r#"{"id":1,"text":"giữ ít nhất bảy năm.\nKept for at least seven years. Logs are kept for ever."}"#;
        let two = r#"{"id":1,"text":"giữ ít nhất năm năm.\nKept for at least five years. Logs are kept for ever."}"#;
        let field = Some("text".to_owned());
        assert_eq!(
            sentence(one, two, 13),
            [
                (field.clone(), "giữ ít nhất [bảy -> năm] năm.".to_owned()),
                (
                    field,
                    "…for at least [seven -> five] years. Logs…".to_owned()
                )
            ]
        );
    }

    #[test]
    fn what_only_comes_or_only_goes_is_told_in_its_place() {
        assert_eq!(sentence("a b", "a b c", 9)[0].1, "a b[\"\" ->  c]");
        assert_eq!(sentence("a b c", "b c", 9)[0].1, "[a  -> \"\"]b c");
        assert_eq!(sentence("a a", "a a a", 9).len(), 1);
        let nothing = sentence(r#"{"a":1}"#, r#"{"b":null}"#, 9);
        assert_eq!(nothing[0], (Some("a".to_owned()), "[1 -> none]".to_owned()));
        assert_eq!(nothing[1].1, "[none -> null]");
    }

    #[test]
    fn a_short_changed_row_is_told_before_long_and_new_ones() {
        let change = |key: &str, rows| FactChange {
            key: FactKey::new(key),
            approved: None,
            found: None,
            reason: None,
            rows,
        };
        let changes = [
            change(
                "long",
                vec![row("a", Some("aaaaaaaaaa"), Some("bbbbbbbbbb"))],
            ),
            change("new", vec![row("b", None, Some("c"))]),
            change("short", vec![row("c", Some("aa"), Some("bb"))]),
            change("count", vec![]),
        ];
        let (fact, row) = most_telling(&changes).expect("rows");
        assert_eq!((fact.key.as_str(), row.key.as_str()), ("short", "c"));
        assert_eq!(most_telling(&changes[3..]), None);
    }
}
