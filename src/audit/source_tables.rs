//! Which protected tables are the source of the change: those that the source pieces are read from, as G1 ruled.

use serde_json::Value;

use super::required::table_of;
use crate::profile::{ContentSpec, Profile};
use crate::run::{Check, CheckName, Gate, RunState};

/// How G1 names the query of the source pieces.
const PIECES: &str = "source pieces";

/// The facts that hold the content of the tables which the source pieces are read from. Table 1 of the checks knew them by name.
pub(super) fn source_tables(run: &RunState, profile: &Profile) -> Vec<String> {
    if table_of(run) == 1 {
        return ["source_document", "source_version"]
            .map(str::to_owned)
            .into();
    }
    let read = pieces_relations(run);
    let is_source = |content: &&ContentSpec| {
        let table = format!("{}.{}", content.schema, content.table);
        read.contains(&table)
    };
    let sources = profile.contents.iter().filter(is_source);
    sources.map(|content| content.key.clone()).collect()
}

/// The relations that the query of the source pieces was ruled to touch in G1.
fn pieces_relations(run: &RunState) -> Vec<String> {
    let checks = run.gates.get(&Gate::G1).map(|gate| &gate.checks);
    let ruled = checks.and_then(|checks| {
        let of_rulings = |check: &&Check| check.name == CheckName::FactsArePlainReads;
        checks
            .iter()
            .find(of_rulings)?
            .own_raw()
            .get("rulings")?
            .as_array()
    });
    let of_pieces = |ruling: &&Value| ruling["query"] == PIECES;
    let pieces = ruled.and_then(|rulings| rulings.iter().find(of_pieces));
    pieces
        .and_then(|ruling| serde_json::from_value(ruling["relations"].clone()).ok())
        .unwrap_or_default()
}
