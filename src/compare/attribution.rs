//! The sentences below a verdict: what changed, when, by whom as far as visible, why not by us, and what cannot be seen.

use serde::Serialize;

use super::comparison::{Compare, SideSource};
use super::fact::ComparedFact;
use crate::run::{ChangeWindow, Claim, ClaimName, ClaimVerdict};
use crate::survey::{self, FactKind, SentenceStyle, Sides, UtcTime, content_hex, sentence};

/// How many facts one sentence names; the rest is counted.
const NAMED_MAX: usize = 4;
/// Style of the sentence about a changed row, shorter because other facts stand beside it.
const STYLE: SentenceStyle = SentenceStyle {
    around: 24,
    passages_max: 2,
    names_fields: true,
};
/// How many transactions one sentence names; the rest is counted.
const TRANSACTIONS_MAX: usize = 2;

/// The sentences below the verdict. Each is complete: where nothing was measured, it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttributionText {
    /// What differs; of several facts the first ones.
    pub what: String,
    /// When it changed: between which two readings.
    pub when: String,
    /// Who changed it, as far as rows and sessions show.
    pub who: String,
    /// Why it was not us (claim A), or that this is not shown.
    pub not_us: String,
    /// What the comparison cannot see (claim B).
    pub cannot_see: String,
    /// Each fact that differs, with the words that changed. Facts with a named row come first.
    pub named: Vec<String>,
    /// The same without the changed words: fact and row alone.
    #[serde(skip)]
    pub rows: Vec<String>,
    /// The keys alone, in the same order.
    #[serde(skip)]
    pub keys: Vec<String>,
    /// What was measured about who changed it, one value a line.
    pub measured: Vec<String>,
}

impl AttributionText {
    pub(super) fn of(
        compare: &Compare,
        facts: &[ComparedFact],
        sources: &Sides<SideSource>,
        claims: &[Claim],
        measured: Option<&survey::Attribution>,
        window: Option<ChangeWindow>,
    ) -> Self {
        let mut changed: Vec<&ComparedFact> = facts.iter().filter(|f| f.change.differs()).collect();
        // Stable: facts that say equally much stay in the order of the comparison.
        changed.sort_by_key(|fact| telling(fact));
        let named: Vec<String> = changed.iter().map(|fact| in_words(fact)).collect();
        let rows = changed.iter().map(|fact| one(fact)).collect();
        let keys = changed.iter().map(|fact| fact.name().to_owned());
        let claim_a = claims.iter().find(|claim| claim.name == ClaimName::A);
        let equal = named.is_empty();
        Self {
            what: listed(&named, NAMED_MAX),
            when: when(sources, measured, window, equal),
            who: who(compare, measured, equal),
            not_us: claim_a.map_or_else(
                || "not measured".to_owned(),
                |claim| match claim.verdict {
                    ClaimVerdict::Holds => {
                        format!("{}: read-only, no xid, rolled back", claim.measured)
                    }
                    ClaimVerdict::False => format!("NOT SHOWN: {}", claim.measured),
                    ClaimVerdict::NotChecked => format!("NOT CHECKED: {}", claim.measured),
                },
            ),
            cannot_see: ClaimName::B.cannot_see().to_owned(),
            named,
            rows,
            keys: keys.collect(),
            measured: measured.map_or_else(Vec::new, survey::Attribution::lines),
        }
    }

    /// What differs, in at most this many characters. Facts that do not fit are counted.
    pub fn what_within(&self, characters: usize) -> String {
        // The longest form that fits: first with changed words, then with rows, then keys alone, each with
        // as many facts as possible.
        let fits = |named: &[String]| {
            let mut fewer = (1..=named.len().max(1)).rev().map(|max| listed(named, max));
            fewer.find(|text| text.chars().count() <= characters)
        };
        let shortest = || listed(&self.keys, 1);
        fits(&self.named)
            .or_else(|| fits(&self.rows))
            .or_else(|| fits(&self.keys))
            .unwrap_or_else(shortest)
    }
}

fn listed(named: &[String], max: usize) -> String {
    if named.is_empty() {
        return "nothing that was read differs".to_owned();
    }
    let shown = named[..named.len().min(max)].join("; ");
    match named.len().saturating_sub(max) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// Whether the value is a digest, which says nothing to a reader.
fn is_digest(fact: &ComparedFact) -> bool {
    matches!(
        fact.kind,
        FactKind::Md5 | FactKind::Sha256 | FactKind::Content
    )
}

/// The order in which facts are named: a fact with a row first, then a readable value, then a digest.
fn telling(fact: &ComparedFact) -> usize {
    match (fact.rows.is_empty(), is_digest(fact)) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// The fact with the words that changed, where exactly one row changed.
fn in_words(fact: &ComparedFact) -> String {
    match &fact.rows[..] {
        [row] if is_digest(fact) => {
            let spans = sentence(row, STYLE).into_iter();
            let said: String = spans.map(|span| span.text).collect();
            format!("{} {}{said}", fact.name(), row.key)
        }
        _ => one(fact),
    }
}

/// The fact with the row that changed, or with both values.
fn one(fact: &ComparedFact) -> String {
    let text = |value: Option<&String>| match value {
        None => "unknown".to_owned(),
        Some(value) => short(value),
    };
    let values = fact.sides.as_ref().map(|side| {
        side.as_ref()
            .map_or_else(|| "none".to_owned(), |value| text(value.value.as_ref()))
    });
    match fact.rows.first() {
        Some(row) if is_digest(fact) => match fact.rows.len() {
            1 => format!("{} ({})", fact.name(), row.key),
            rows => format!("{} ({} and {} more)", fact.name(), row.key, rows - 1),
        },
        _ => format!("{} {} -> {}", fact.name(), values.before, values.after),
    }
}

/// A long value by its first and last characters. It is cut between characters, because it may be any text of the database.
fn short(value: &str) -> String {
    let value = content_hex(value);
    if value.len() < 32 {
        return value.to_owned();
    }
    format!(
        "{}..{}",
        &value[..value.floor_char_boundary(8)],
        &value[value.ceil_char_boundary(value.len() - 4)..]
    )
}

/// Between which times it changed, as narrow as the journal has it; else when both sides were read.
fn when(
    sources: &Sides<SideSource>,
    measured: Option<&survey::Attribution>,
    window: Option<ChangeWindow>,
    equal: bool,
) -> String {
    let read = sources.as_ref().map(|source| source.read_at);
    if let Some(window) = window.filter(|_| !equal) {
        return format!("{} to {}", window.after.clock(), window.before.clock());
    }
    let (one, two) = match (measured, read.before, read.after) {
        (Some(found), ..) => (found.after_time, found.before_time),
        (None, Some(one), Some(two)) => (one, two),
        (None, ..) => return "not read from a database".to_owned(),
    };
    let [one, two] = [one, two].map(UtcTime::clock);
    if equal {
        format!("read {one}, {two}")
    } else {
        format!("{one} to {two}")
    }
}

/// Who changed it, as far as rows and sessions show; else why nobody can be named.
fn who(compare: &Compare, measured: Option<&survey::Attribution>, equal: bool) -> String {
    let not_measured = match (compare, measured, equal) {
        (Compare::Predicted, ..) => "nobody: this is SIMULATED",
        (Compare::Rehearsed, ..) => "the change, REHEARSED on a throwaway copy",
        (_, _, true) => "nobody",
        (_, Some(found), false) => return by(found),
        (Compare::Now, ..) => "not measured by this read: a full survey reads who wrote the rows",
        (Compare::LastPass | Compare::Runs(_), ..) => "not measured between two runs",
        _ => "not measured between these two readings",
    };
    not_measured.to_owned()
}

/// The transactions of the changed rows, and the session that holds one of them.
fn by(found: &survey::Attribution) -> String {
    let transactions = found.transactions();
    let named = &transactions[..transactions.len().min(TRANSACTIONS_MAX)];
    let more = transactions.len() - named.len();
    let rows = match (named, more) {
        ([], _) if found.session().is_none() => {
            return "neither transaction nor session visible".to_owned();
        }
        ([], _) => "no row names its transaction".to_owned(),
        (named, 0) => format!("row xmin {}", named.join(", ")),
        (named, more) => format!("row xmin {} and {more} more", named.join(", ")),
    };
    let session = match found.session() {
        Some(session) => format!("session {} of {}", session.pid, session.user),
        None => "session not visible".to_owned(),
    };
    format!("{rows}, {session}")
}
