//! What changed, when, and by whom as far as visible. Invariant: it never names more than was measured, and says what cannot be seen.

use serde::Serialize;

use super::comparison::{Compare, SideSource};
use super::fact::ComparedFact;
use crate::run::{Claim, ClaimName, ClaimVerdict};
use crate::survey::{FactKind, Sides};

/// Facts named in one sentence; the rest is counted.
const NAMED_MAX: usize = 4;

/// The sentences below the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attribution {
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
}

impl Attribution {
    pub(super) fn of(
        compare: &Compare,
        facts: &[ComparedFact],
        sources: &Sides<SideSource>,
        claims: &[Claim],
    ) -> Self {
        let changed: Vec<&ComparedFact> = facts.iter().filter(|f| f.change.differs()).collect();
        let claim_a = claims.iter().find(|claim| claim.name == ClaimName::A);
        let who = match (compare, changed.is_empty()) {
            (Compare::Predicted, _) => "nobody: this is SIMULATED".to_owned(),
            (_, true) => "nobody".to_owned(),
            (_, false) => "session not visible: PostgreSQL keeps no name with a row".to_owned(),
        };
        Self {
            what: what(&changed),
            when: when(sources, changed.is_empty()),
            who,
            not_us: claim_a.map_or_else(
                || "not measured".to_owned(),
                |claim| match claim.verdict {
                    ClaimVerdict::Holds => claim.measured.clone(),
                    ClaimVerdict::False => format!("NOT SHOWN: {}", claim.measured),
                    ClaimVerdict::NotChecked => format!("NOT CHECKED: {}", claim.measured),
                },
            ),
            cannot_see: ClaimName::B.cannot_see().to_owned(),
        }
    }
}

fn what(changed: &[&ComparedFact]) -> String {
    if changed.is_empty() {
        return "nothing that was read differs".to_owned();
    }
    let named: Vec<String> = changed
        .iter()
        .take(NAMED_MAX)
        .map(|fact| one(fact))
        .collect();
    match changed.len().saturating_sub(NAMED_MAX) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
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
    let digest = matches!(
        fact.kind,
        FactKind::Md5 | FactKind::Sha256 | FactKind::Content
    );
    match fact.rows.first() {
        Some(row) if digest => match fact.rows.len() {
            1 => format!("{} ({})", fact.key, row.key),
            rows => format!("{} ({} and {} more)", fact.key, row.key, rows - 1),
        },
        _ => format!("{} {} -> {}", fact.key, values.before, values.after),
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

fn when(sources: &Sides<SideSource>, equal: bool) -> String {
    match (sources.before.read_at, sources.after.read_at) {
        (Some(one), Some(two)) if equal => format!("read {} and {}", one.clock(), two.clock()),
        (Some(one), Some(two)) => format!("between {} and {}", one.clock(), two.clock()),
        _ => "not read from a database".to_owned(),
    }
}
