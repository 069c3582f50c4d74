//! Whether the parts of PostgreSQL that our own statements call are PostgreSQL's own.
//! Invariant: until they are known to be, nothing is asked but what calls no function, operator or cast of anybody
//! (`assets/sql/own_parts.sql` selects columns, the simple protocol answers in text; test
//! `what_stands_in_for_a_part_of_our_own_statements_is_never_run`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::content;
use super::error::{CallError, UnknownReason};
use super::lexer::{Token, tokens};
use super::statement::{CONSTANTS, Statement};
use super::wire::Wire;

/// The first number that PostgreSQL gives to an object of somebody else.
const FIRST_OF_OTHERS: u32 = 16_384;
/// Functions below are known by number in every version; those above are made by scripts of `initdb`.
const FIRST_BY_SCRIPT: u32 = 10_000;
/// Relations below are catalogues.
const FIRST_NO_CATALOGUE: u32 = 12_000;
/// The schema `pg_catalog`.
const PG_CATALOG: u32 = 11;
/// The language `internal`, whose functions are called by their number: what the catalogue says of their code is not asked.
const INTERNAL: u32 = 12;

/// Conversions, which come in C.
const CONVERSIONS: std::ops::RangeInclusive<u32> = 4302..=4387;

/// Functions that come in SQL, in any version; sorted.
const IN_SQL: [u32; 50] = [
    879, 880, 1176, 1215, 1216, 1285, 1290, 1296, 1298, 1305, 1306, 1307, 1309, 1310, 1311, 1348,
    1384, 1386, 1426, 1481, 1544, 1708, 1710, 1741, 1810, 1811, 1812, 1848, 1993, 2003, 2004, 2042,
    2043, 2044, 2059, 2074, 2325, 2546, 2547, 2548, 2549, 2550, 2631, 2932, 3050, 3935, 3936, 5023,
    6183, 6184,
];

/// The name of everything that our own statements call.
static CALLED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut called = BTreeSet::new();
    for text in CONSTANTS {
        // The marks of parameters are no tokens of a profile's SQL.
        let tokens = tokens(&text.replace('$', "")).unwrap_or_default();
        for pair in tokens.windows(2) {
            if let [Token::Word { text, .. }, Token::Sign('(')] = pair {
                called.insert(text.clone());
            }
        }
    }
    let short = |name: &&str| name.rsplit('.').next().unwrap_or_default().to_owned();
    called.extend(content::CALLED.iter().map(short));
    // Of the statements that are written around SQL of a profile.
    let written = ["convert_to", "count", "encode", "octet_length", "sha256"];
    called.extend(written.map(str::to_owned));
    called
});

/// Begins, and judges the parts of PostgreSQL that our own statements call, in one round trip.
pub(super) async fn begin(wire: &mut Wire, allowed: &[String]) -> Result<(), CallError> {
    let mut parts = OwnParts::new(allowed);
    let mut see = |place: usize, cells: &[&str]| parts.see(place, cells);
    let looked = wire.look(Statement::BEGIN_AND_OWN_PARTS, &mut see).await;
    looked.map_err(|error| match error {
        CallError::Refused(why) => CallError::Refused(
            format!("the catalogues cannot be read: {why}; a role needs what PostgreSQL grants to PUBLIC").into(),
        ),
        unavailable @ CallError::Unavailable { .. } => unavailable.reading("the catalogues"),
    })?;
    parts.judged().map_err(CallError::Refused)
}

/// What the rows of `assets/sql/own_parts.sql` say.
#[derive(Debug)]
struct OwnParts<'a> {
    allowed: &'a [String],
    schemas: BTreeMap<u32, String>,
    types: BTreeMap<u32, String>,
    allowed_functions: BTreeSet<u32>,
    own_functions: u32,
    rules: u32,
    forged: Option<String>,
}

impl<'a> OwnParts<'a> {
    /// Nothing is known yet; `allowed` are the functions that the profile names.
    fn new(allowed: &'a [String]) -> Self {
        Self {
            allowed,
            schemas: BTreeMap::new(),
            types: BTreeMap::new(),
            allowed_functions: BTreeSet::new(),
            own_functions: 0,
            rules: 0,
            forged: None,
        }
    }

    /// Takes one row of the statement at `place`; the first is BEGIN.
    fn see(&mut self, place: usize, cells: &[&str]) {
        // What is no number is nobody's.
        let numbers: Vec<u32> = cells
            .iter()
            .map(|cell| cell.parse().unwrap_or(u32::MAX))
            .collect();
        let name = |at: usize| cells.get(at).copied().unwrap_or_default();
        let forged = match (place, numbers.as_slice()) {
            (1, [oid, _]) => {
                self.schemas.insert(*oid, name(1).to_owned());
                None
            }
            (2, [oid, _, functions @ ..]) => self.type_of_others(*oid, name(1), functions),
            (3, [oid, schema, _, language, support]) => {
                self.function_of_others(*oid, (*schema, name(2)), *language, *support)
            }
            (4, [oid, from, to, function]) => {
                let own = *from < FIRST_OF_OTHERS && *to < FIRST_OF_OTHERS;
                let added = *oid >= FIRST_OF_OTHERS && *function != 0;
                let forged = own && (added || *function >= FIRST_OF_OTHERS);
                (forged && !self.allowed_functions.contains(function)).then(|| {
                    let name = |oid: &u32| self.types.get(oid).cloned().unwrap_or_default();
                    format!("the cast from {} to {}", name(from), name(to))
                })
            }
            (5, [oid, schema, _, parts @ ..]) => {
                let forged = *schema == PG_CATALOG && self.of_others(&[&[*oid], parts].concat());
                (forged
                    && !parts
                        .iter()
                        .any(|part| self.allowed_functions.contains(part)))
                .then(|| format!("the operator pg_catalog.{}", name(2)))
            }
            (6, [oid, parts @ ..]) => (*oid < FIRST_OF_OTHERS && self.of_others(parts))
                .then(|| format!("the aggregate function with the number {oid}")),
            (7, [relation]) => {
                self.rules += 1;
                of_catalogue(*relation)
            }
            (8 | 10, [relation]) => of_catalogue(*relation),
            (9, [index, relation]) if *index >= FIRST_OF_OTHERS => of_catalogue(*relation),
            (9, [_, _]) => None,
            _ => Some("the catalogue".to_owned()),
        };
        if self.forged.is_none() {
            self.forged = forged;
        }
    }

    fn of_others(&self, parts: &[u32]) -> bool {
        let mut parts = parts.iter();
        parts.any(|part| *part >= FIRST_OF_OTHERS && !self.allowed_functions.contains(part))
    }

    fn type_of_others(&mut self, oid: u32, name: &str, functions: &[u32]) -> Option<String> {
        if oid >= FIRST_OF_OTHERS {
            return None;
        }
        self.types.insert(oid, name.to_owned());
        self.of_others(functions)
            .then(|| format!("the input or output of the type {name}"))
    }

    fn function_of_others(
        &mut self,
        oid: u32,
        (schema, name): (u32, &str),
        language: u32,
        support: u32,
    ) -> Option<String> {
        let in_schema = self.schemas.get(&schema).map_or("", String::as_str);
        let full = format!("{in_schema}.{name}");
        if oid >= FIRST_OF_OTHERS {
            let in_catalogue = schema == PG_CATALOG;
            let mut allowed = self.allowed.iter();
            if allowed.any(|allowed| *allowed == full || in_catalogue && allowed == name) {
                self.allowed_functions.insert(oid);
                return None;
            }
            return (in_catalogue && CALLED.contains(name)).then(|| format!("the function {full}"));
        }
        self.own_functions += 1;
        let comes_otherwise = oid >= FIRST_BY_SCRIPT
            || CONVERSIONS.contains(&oid)
            || IN_SQL.binary_search(&oid).is_ok();
        let replaced = language != INTERNAL && !comes_otherwise;
        (replaced || support >= FIRST_OF_OTHERS).then(|| format!("the function {full}"))
    }

    /// Why nothing may be asked.
    fn judged(self) -> Result<(), UnknownReason> {
        if let Some(forged) = self.forged {
            let reason = format!(
                "{forged} is not PostgreSQL's own here: our own statements could run it, so nothing was asked"
            );
            return Err(reason.into());
        }
        if self.own_functions == 0 || self.rules == 0 {
            return Err("the parts of PostgreSQL could not be read".into());
        }
        Ok(())
    }
}

/// A child, index, rule or statistics object of somebody that belongs to a catalogue.
fn of_catalogue(relation: u32) -> Option<String> {
    let forged = relation < FIRST_NO_CATALOGUE;
    forged.then(|| format!("what belongs to the catalogue with the number {relation}"))
}

#[cfg(test)]
mod tests {
    use super::{CALLED, IN_SQL};

    #[test]
    fn the_functions_in_sql_are_sorted_and_so_can_be_searched() {
        assert!(IN_SQL.is_sorted());
    }

    #[test]
    fn what_our_own_statements_call_is_read_out_of_them() {
        for name in ["set_config", "pg_lock_status", "string_to_array", "sha256"] {
            assert!(CALLED.contains(name), "{name}");
        }
    }
}
