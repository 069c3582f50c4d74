//! No word of one team in the texts of the program: they come from its profile.
//! Invariant: what is allowed is a name of the journal, of JSON or of a profile's key, and says where it stands.

use super::{File, has_word};

/// Words of the team of `icx-const`, and the names of its tables.
const WORDS: &[&str] = &[
    "CUT",
    "VERIFY",
    "ENACT",
    "O4",
    "ICX",
    "OR / TD",
    "OR/TD",
    "constitution",
    "Điều",
    "enact",
    "enacts",
    "enacted",
    "candidate",
    "candidates",
    "source_document",
    "source_version",
    "information_unit",
    "unit_version",
    "lifecycle_log",
];

/// The demo of that team, what tests share, and the profile itself.
const OF_THE_DEMO: &[&str] = &[
    "src/testing/",
    "src/postgres/throwaway/",
    "src/repo/throwaway.rs",
    "src/profile/builtin.rs",
];

/// Names that journal, JSON or profiles have, with the file that writes or reads them.
const NAMES: &[(&str, &str)] = &[
    // The stream of the live units, in journal and JSON.
    ("src/audit/after_rows.rs", "candidates"),
    ("src/audit/claims.rs", "candidates"),
    ("src/audit/feasibility.rs", "candidates"),
    ("src/compare/fact.rs", "candidates"),
    ("src/postgres/candidates.rs", "candidates"),
    ("src/survey/compare.rs", "candidates"),
    ("src/survey/fact.rs", "candidates"),
    ("src/survey/survey_taken.rs", "candidates"),
    // Keys of a profile.
    ("src/profile/validate.rs", "candidates"),
    ("src/profile/validate.rs", "enact"),
    ("src/audit/names_exist.rs", "enact"),
    ("src/profile/validate_facts.rs", "candidates"),
    // The third step, in the journal and in the name of its ledger.
    ("src/journal/misplaced.rs", "enact"),
    ("src/simulate/step.rs", "enact"),
    // The facts that the first table of checks knew as the source.
    ("src/audit/source_tables.rs", "source_document"),
    ("src/audit/source_tables.rs", "source_version"),
];

/// The string literals of the code that is shipped, one below the other.
fn literals(text: &str, code: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut literals = String::new();
    for (line, blanked) in shipped.lines().zip(code.lines()) {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let pairs = line.bytes().zip(blanked.bytes());
        let kept: Vec<u8> = pairs
            .map(|(byte, blank)| if byte == blank { b' ' } else { byte })
            .collect();
        literals.extend([&*String::from_utf8_lossy(&kept), "\n"]);
    }
    literals
}

/// The words of the team that a file says.
pub fn team_words(path: &str, text: &str, code: &str) -> Vec<String> {
    let is_test = path.ends_with("tests.rs") || path.ends_with("fixture.rs");
    if is_test || OF_THE_DEMO.iter().any(|demo| path.starts_with(demo)) {
        return Vec::new();
    }
    let literals = literals(text, code);
    let allowed = |word: &str| NAMES.contains(&(path, word));
    let said = WORDS
        .iter()
        .filter(|word| has_word(&literals, word) && !allowed(word));
    said.map(|word| {
        format!("\"{word}\": a word of one team; `RunState::words` has those of the run")
    })
    .collect()
}

/// Every allowed name is still there: one that is gone is taken off the list.
pub fn unused_names(files: &[File]) -> Vec<String> {
    let is_there = |path: &str, word: &str| {
        let file = files.iter().find(|(file, _)| file == path);
        file.is_some_and(|(_, text)| has_word(text, word))
    };
    let gone = NAMES.iter().filter(|(path, word)| !is_there(path, word));
    gone.map(|(path, word)| format!("{path}: has no {word:?} any more"))
        .collect()
}
