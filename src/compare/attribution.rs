//! What changed, when, and by whom as far as visible. Invariant: it never names more than was measured, and says what cannot be seen.

use serde::Serialize;

use super::comparison::{Compare, SideSource};
use super::fact::ComparedFact;
use crate::run::{Claim, ClaimName, ClaimVerdict};
use crate::survey::{self, FactKind, SentenceStyle, Sides, UtcTime, sentence};

/// Facts named in one sentence; the rest is counted.
const NAMED_MAX: usize = 4;
/// How a row that changed is told beside other facts.
const STYLE: SentenceStyle = SentenceStyle {
    around: 24,
    passages_max: 2,
    names_fields: true,
};
/// Transactions named in one sentence; the rest is counted.
const TRANSACTIONS_MAX: usize = 2;

/// The sentences below the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttributionText {
    /// What.
    pub what: String,
    /// When.
    pub when: String,
    /// Who.
    pub who: String,
    /// Why it was not us, or that this is not shown.
    pub not_us: String,
    /// What cannot be seen.
    pub cannot_see: String,
    /// What differs, each in a few words: those that name a row first.
    pub named: Vec<String>,
    /// The same without the words that changed: the row is named.
    #[serde(skip)]
    pub rows: Vec<String>,
    /// The names alone, in the same order.
    #[serde(skip)]
    pub keys: Vec<String>,
    /// What was measured about who changed it, a line each.
    pub measured: Vec<String>,
}

impl AttributionText {
    pub(super) fn of(
        compare: &Compare,
        facts: &[ComparedFact],
        sources: &Sides<SideSource>,
        claims: &[Claim],
        measured: Option<&survey::Attribution>,
    ) -> Self {
        let mut changed: Vec<&ComparedFact> = facts.iter().filter(|f| f.change.differs()).collect();
        changed.sort_by_key(|fact| telling(fact));
        let named: Vec<String> = changed.iter().map(|fact| in_words(fact)).collect();
        let rows = changed.iter().map(|fact| one(fact)).collect();
        let keys = changed.iter().map(|fact| fact.name().to_owned());
        let claim_a = claims.iter().find(|claim| claim.name == ClaimName::A);
        let equal = named.is_empty();
        Self {
            what: listed(&named, NAMED_MAX),
            when: when(sources, measured, equal),
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

    /// What differs, in at most so many characters: what is not named is counted.
    pub fn what_within(&self, characters: usize) -> String {
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

fn is_digest(fact: &ComparedFact) -> bool {
    matches!(
        fact.kind,
        FactKind::Md5 | FactKind::Sha256 | FactKind::Content
    )
}

/// A named row says most, a digest alone says least.
fn telling(fact: &ComparedFact) -> usize {
    match (fact.rows.is_empty(), is_digest(fact)) {
        _ if fact.is_stream() => 3,
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// The words that changed, where one row did.
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

fn short(value: &str) -> String {
    if value.len() < 32 {
        return value.to_owned();
    }
    format!(
        "{}..{}",
        &value[..value.floor_char_boundary(8)],
        &value[value.ceil_char_boundary(value.len() - 4)..]
    )
}

/// The interval: from the end of one reading to the beginning of the other where both are known.
fn when(
    sources: &Sides<SideSource>,
    measured: Option<&survey::Attribution>,
    equal: bool,
) -> String {
    let read = sources.as_ref().map(|source| source.read_at);
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

/// Who, as far as rows and sessions show it.
fn who(compare: &Compare, measured: Option<&survey::Attribution>, equal: bool) -> String {
    let not_measured = match (compare, measured, equal) {
        (Compare::Predicted, ..) => "nobody: this is SIMULATED",
        (_, _, true) => "nobody",
        (_, Some(found), false) => return by(found),
        (Compare::Now, ..) => {
            "not measured while waiting: r reads all facts and who wrote their rows"
        }
        (Compare::LastPass | Compare::Runs(_), ..) => "not measured between two runs",
        _ => "not measured between these two readings",
    };
    not_measured.to_owned()
}

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
