//! The documents behind a fact, opened side by side and aligned.
//! Invariant: a side without a document is not shown as an empty one. Held by `AlignedDocuments::present` and
//! the test `a_side_that_was_not_kept_is_not_called_removed` of tests/screens/diffs.rs.

use crate::survey::{
    AlignedRow, Alignment, DocumentShape, FactKind, Lines, RowChange, SentenceStyle, Side, Sides,
    a_field_a_line, column, hidden_columns, names_columns, sentence,
};

/// Style of the sentence about the row under the cursor.
const STYLE: SentenceStyle = SentenceStyle {
    around: 40,
    passages_max: 4,
    names_fields: true,
};

/// Two documents and their alignment.
#[derive(Debug, Clone)]
pub struct AlignedDocuments {
    /// The lines of each document.
    pub documents: Sides<Lines>,
    /// Which line stands beside which.
    pub alignment: Alignment,
    /// Whether lines are free text or rows with keys.
    pub shape: DocumentShape,
    /// Whether a document of the side could be read.
    pub present: Sides<bool>,
}

impl AlignedDocuments {
    /// Opens and aligns two documents; `None`: this side has none.
    pub fn of(texts: Sides<Option<String>>, kind: FactKind) -> Self {
        let present = texts.as_ref().map(Option::is_some);
        // A missing document is not an empty one: the other document stands on both sides, so that no line
        // is called removed or added.
        let texts = match (texts.before, texts.after) {
            (Some(one), Some(two)) => Sides::new(one, two),
            (Some(alone), None) | (None, Some(alone)) => Sides::new(alone.clone(), alone),
            (None, None) => Sides::default(),
        };
        let documents = texts.map(Lines::of);
        // The first line decides: rows of tables and grants are `key<TAB>value`. The source of a function (md5) is text
        // even where it has tabs.
        let first = |lines: &Lines| (lines.count() > 0).then(|| lines.line(0).contains('\t'));
        let keyed = kind != FactKind::Md5
            && first(&documents.before).or(first(&documents.after)) == Some(true);
        let shape = if keyed {
            DocumentShape::Keyed
        } else {
            DocumentShape::Text
        };
        Self::aligned(documents, shape, present)
    }

    fn aligned(documents: Sides<Lines>, shape: DocumentShape, present: Sides<bool>) -> Self {
        Self {
            alignment: Alignment::of(documents.as_ref(), shape),
            documents,
            shape,
            present,
        }
    }

    /// A row with fields as a small document, a field a line. An equal row is put on one line, so that it takes no room from
    /// the changed ones. `None`: the rows of this document have no fields.
    pub fn fields(&self, row: AlignedRow) -> Option<Self> {
        if self.shape == DocumentShape::Text {
            return None;
        }
        let is_equal = matches!(row, AlignedRow::Equal { .. });
        let text = |side: Side| match self.line(row, side) {
            Some(line) if is_equal => {
                let fields = a_field_a_line(line)?;
                Some(fields.lines().collect::<Vec<_>>().join("  ") + "\n")
            }
            Some(line) => a_field_a_line(line),
            None => Some(String::new()),
        };
        let texts = Sides::new(text(Side::Before)?, text(Side::After)?);
        let both = Sides::new(true, true);
        Some(Self::aligned(
            texts.map(Lines::of),
            DocumentShape::Text,
            both,
        ))
    }

    /// Whether both sides have a document, so that they can be compared.
    pub fn is_whole(&self) -> bool {
        self.present.before && self.present.after
    }

    /// The line that a row shows on a side, without its line break; `None`: the row is empty there.
    pub fn line(&self, row: AlignedRow, side: Side) -> Option<&str> {
        row.line(side)
            .map(|line| self.documents.get(side).line(line))
    }

    /// `2 lines changed, 1 added, 118 equal`.
    pub fn tally(&self) -> String {
        let counts = self.alignment.counts();
        let first = self.documents.as_ref().map(|lines| lines.line(0));
        // The line that names the columns is no row; where it differs it is counted as what changed.
        let heading = first.before == first.after && names_columns(first.before);
        let equal = counts.equal - usize::from(heading);
        let counted = |count: usize| match (self.shape, count) {
            (DocumentShape::Text, 1) => "1 line".to_owned(),
            (DocumentShape::Text, count) => format!("{count} lines"),
            (DocumentShape::Keyed, 1) => "1 row".to_owned(),
            (DocumentShape::Keyed, count) => format!("{count} rows"),
        };
        let moved = (counts.moved, "moved");
        let kinds = [
            (counts.changed, "changed"),
            (counts.added, "added"),
            (counts.removed, "removed"),
            moved,
        ];
        let parts: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .enumerate()
            .map(|(nth, (count, word))| match nth {
                0 => format!("{} {word}", counted(*count)),
                _ => format!("{count} {word}"),
            })
            .collect();
        // With one document there is no difference to count: only its length is said.
        if !self.is_whole() {
            return format!("{} of one side", counted(counts.equal));
        }
        if parts.is_empty() {
            let hidden = hidden_columns(first.before);
            let not_shown = if hidden.is_empty() {
                String::new()
            } else {
                format!(", values of {} are hidden and not shown", hidden.join(", "))
            };
            return format!("{} equal{not_shown}", counted(equal));
        }
        format!("{}, {equal} equal", parts.join(", "))
    }

    /// The first row that differs, as a sentence; `None`: nothing differs.
    pub fn first_difference(&self) -> Option<String> {
        let row = self.alignment.change(0)?.start;
        Some(explain_row(self, row))
    }
}

/// What differs in a row, as a sentence: line and column of a text, privilege, object and grantee of a grant, key
/// and field of a unit.
pub fn explain_row(opened: &AlignedDocuments, row: usize) -> String {
    let row = opened.alignment.row(row);
    match row {
        AlignedRow::Equal { before, after } => format!("{}: equal", numbers(before, after)),
        AlignedRow::Changed { before, after } => {
            let (one, two) = (
                opened.documents.before.line(before),
                opened.documents.after.line(after),
            );
            if opened.shape == DocumentShape::Keyed {
                return format!("{}{}", name(one), fields(one, two));
            }
            let at = column(one, two);
            let lines = numbers(before, after);
            // The texts are equal, so only the line break behind the last line can differ.
            if one == two {
                return format!("{lines}: the line break at the end");
            }
            format!("{lines}, column {at}")
        }
        AlignedRow::Removed { before } => alone(opened, Side::Before, before),
        AlignedRow::Added { after } => alone(opened, Side::After, after),
    }
}

/// `line 12`, or `line 12 | 14` where the numbers of both sides differ. People count from 1.
fn numbers(before: usize, after: usize) -> String {
    if before == after {
        return format!("line {}", before + 1);
    }
    format!("line {} | {}", before + 1, after + 1)
}

/// A line that only one side has: added, removed, or moved from the other side.
fn alone(opened: &AlignedDocuments, side: Side, line: usize) -> String {
    let text = opened.documents.get(side).line(line);
    let what = match opened.shape {
        DocumentShape::Keyed => name(text),
        DocumentShape::Text => format!("line {}", line + 1),
    };
    let does = match side {
        Side::Before => "removed",
        Side::After => "added",
    };
    match opened.alignment.moved(side, line) {
        Some(other) => format!("{what}: moved, line {} on the other side", other + 1),
        None => format!("{what}: {does}"),
    }
}

/// `INSERT on table public.unit_version to app_writer` for a grant, else the key of the row.
fn name(line: &str) -> String {
    let Some((key, value)) = line.split_once('\t') else {
        return line.to_owned();
    };
    let grant = value.starts_with("by ");
    // A line of the grant matrix is `object grantee privilege<TAB>by grantor`. It is split from its end, because
    // the object may have spaces.
    let split = key.rsplit_once(' ');
    match split.and_then(|(rest, privilege)| Some((object_and_grantee(rest)?, privilege))) {
        Some(((object, grantee), privilege)) if grant => {
            format!("{privilege} on {object} to {grantee}")
        }
        _ => key.to_owned(),
    }
}

/// Splits before the last name, which may be in quotes and have spaces.
fn object_and_grantee(text: &str) -> Option<(&str, &str)> {
    let Some(inside) = text.strip_suffix('"') else {
        return text.rsplit_once(' ');
    };
    // Quotes inside are doubled: the one that begins the name stands alone behind a space.
    let begins = inside.rmatch_indices(" \"").map(|(at, _)| at);
    let at = begins.into_iter().find(|at| {
        let name = &inside[at + 2..];
        name.replace("\"\"", "").find('"').is_none()
    })?;
    Some((&text[..at], &text[at + 1..]))
}

/// The changed fields behind the name of a row: `, content: …at least [seven -> five] years…`.
fn fields(one: &str, two: &str) -> String {
    let value = |line: &str| {
        let value = line.split_once('\t').map_or(line, |(_, value)| value);
        Some(value.to_owned())
    };
    let row = RowChange {
        key: String::new(),
        approved: value(one),
        found: value(two),
    };
    let spans = sentence(&row, STYLE);
    spans.into_iter().map(|span| span.text).collect()
}
