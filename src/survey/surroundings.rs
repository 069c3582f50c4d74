//! What is around the rows: definitions of protected tables, code that is called, privileges, name resolution. Which differences
//! of a fact void an approval, and which are listed beside the change.
//! Invariant: a value that is unknown, or a part that changed or is gone, voids. Held by `voids`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, Fact, FactKey, Hasher, Survey};

/// The key of the code that pinned functions and protected tables call.
pub const CALLED_CODE: &str = "called.code";
/// The key of who may change protected tables and pinned functions, by any path.
pub const PRIVILEGES: &str = "privileges.held";
/// The key of the settings and objects that decide what a name means.
pub const NAME_RESOLUTION: &str = "names.resolved";
/// The key of what else was read: roles, memberships, extensions, publications.
pub const BESIDE: &str = "objects.beside";

/// The key of the definition of a protected table.
pub fn definition_key(table: &str) -> String {
    format!("definition.{table}")
}

/// Whether a key is one of these facts. A profile cannot have one of them: its keys have no dot.
pub fn is_surroundings(key: &FactKey) -> bool {
    key.as_str().contains('.')
}

/// Whether a survey read what is around the rows. Surveys of drygate 0.1.0 did not.
pub fn reads_surroundings(facts: &[Fact]) -> bool {
    facts.iter().any(|fact| is_surroundings(&fact.key))
}

/// Which differences of a fact void an approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DriftRule {
    /// Every difference.
    #[default]
    Any,
    /// Every difference but partitions that are new and have no rows.
    NotNewParts,
    /// Every difference, where the privileges on protected objects differ as well.
    WithPrivileges,
    /// None: differences are listed beside the change.
    Beside,
}

impl DriftRule {
    /// Whether it is the rule of a fact without a rule of its own.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// The rule of a fact by its key. `grants`: the key of the grant matrix, where there is one; `strict`: `drift.strict` of the profile.
    pub fn of(key: &str, grants: Option<&str>, strict: bool) -> Self {
        match key {
            _ if strict => Self::Any,
            BESIDE => Self::Beside,
            key if grants == Some(key) => Self::WithPrivileges,
            key if key.starts_with("definition.") => Self::NotNewParts,
            _ => Self::Any,
        }
    }
}

/// A protected table, or one of its partitions or children, as one part of the document of its definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FactPart {
    /// Schema and name of the partition; empty: the table itself.
    pub name: String,
    /// SHA-256 over the lines of this part.
    pub sha256: Digest,
    /// Whether it has no rows for certain: it has no block, or is partitioned itself.
    #[serde(default)]
    pub without_rows: bool,
}

/// The parts of a definition's document by name, each with the digest of its lines. A line of a partition begins with
/// `[schema.name] `, one of the table itself with no bracket.
pub fn parts_of(document: &str) -> BTreeMap<String, Digest> {
    let mut parts: BTreeMap<String, Hasher> = BTreeMap::new();
    for line in document.lines() {
        let part = parts.entry(part_name(line).to_owned());
        part.or_default().field(line);
    }
    let digest = |(name, hasher): (String, Hasher)| (name, hasher.finish());
    parts.into_iter().map(digest).collect()
}

fn part_name(line: &str) -> &str {
    let Some(rest) = line.strip_prefix('[') else {
        return "";
    };
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            // A bracket inside a quoted name ends nothing.
            '"' => quoted = !quoted,
            ']' if !quoted => return &rest[..at],
            _ => {}
        }
    }
    ""
}

/// Whether a difference of this fact voids an approval. The two facts have other values, or one of them is unknown.
pub(super) fn voids(
    one: Option<&Fact>,
    two: Option<&Fact>,
    before: &Survey,
    after: &Survey,
) -> bool {
    let (Some(one), Some(two)) = (one, two) else {
        return true;
    };
    let unknown = one.observed.value().is_none() || two.observed.value().is_none();
    // Both sides must say it: a survey of another version or another policy has another rule.
    if unknown || one.drift != two.drift {
        return true;
    }
    match one.drift {
        DriftRule::Any => true,
        DriftRule::Beside => false,
        DriftRule::NotNewParts => !only_new_parts(&one.parts, &two.parts),
        DriftRule::WithPrivileges => {
            let held = |survey: &Survey| {
                let fact = survey.fact(PRIVILEGES)?;
                fact.observed.value().map(str::to_owned)
            };
            held(before).is_none() || held(before) != held(after)
        }
    }
}

/// Whether everything that was there before is there and the same, and something new is there, all of it without rows.
fn only_new_parts(before: &[FactPart], after: &[FactPart]) -> bool {
    fn named(parts: &[FactPart]) -> BTreeMap<&str, &FactPart> {
        parts
            .iter()
            .map(|part| (part.name.as_str(), part))
            .collect()
    }
    let (one, two) = (named(before), named(after));
    let kept = |(name, part): (&&str, &&FactPart)| {
        two.get(*name).is_some_and(|now| now.sha256 == part.sha256)
    };
    let harmless = |(name, part): (&&str, &&FactPart)| one.contains_key(*name) || part.without_rows;
    // Equal parts of unequal documents do not belong to these documents.
    !one.is_empty() && two.len() > one.len() && one.iter().all(kept) && two.iter().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::{DriftRule, FactPart, only_new_parts, parts_of};
    use crate::survey::Digest;

    fn part(name: &str, content: &str, without_rows: bool) -> FactPart {
        FactPart {
            name: name.to_owned(),
            sha256: Digest::of(content),
            without_rows,
        }
    }

    #[test]
    fn only_a_new_part_without_rows_is_beside() {
        let before = [part("", "t", false), part("p.one", "1", false)];
        let with = |more: &[FactPart]| [&before[..], more].concat();
        let new = part("p.two", "2", true);
        assert!(only_new_parts(&before, &with(std::slice::from_ref(&new))));
        assert!(!only_new_parts(
            &before,
            &with(&[part("p.two", "2", false)])
        ));
        assert!(!only_new_parts(&before, &before), "nothing is new");
        let changed = [before[0].clone(), part("p.one", "other", true), new.clone()];
        assert!(!only_new_parts(&before, &changed));
        assert!(
            !only_new_parts(&before, &[before[0].clone(), new.clone()]),
            "one is gone"
        );
        assert!(!only_new_parts(&[], &[new.clone(), new]));
    }

    #[test]
    fn each_line_belongs_to_one_part() {
        let text = "owner\ta\n[p.one] owner\ta\n[p.\"t]o\"] owner\ta\n[p.one] kind\ttable\n";
        let parts = parts_of(text);
        let names: Vec<&str> = parts.keys().map(String::as_str).collect();
        assert_eq!(names, ["", "p.\"t]o\"", "p.one"]);
        let other = parts_of(&text.replace("kind\ttable", "kind\tview"));
        let moved = parts
            .iter()
            .filter(|(name, digest)| other[*name] != **digest);
        assert_eq!(
            moved.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["p.one"]
        );
    }

    #[test]
    fn a_strict_profile_turns_every_rule_round() {
        for key in [
            "objects.beside",
            "grants",
            "definition.t",
            "privileges.held",
        ] {
            assert_eq!(DriftRule::of(key, Some("grants"), true), DriftRule::Any);
        }
        assert_eq!(
            DriftRule::of("grants", Some("grants"), false),
            DriftRule::WithPrivileges
        );
        assert_eq!(
            DriftRule::of("other", Some("grants"), false),
            DriftRule::Any
        );
    }
}
