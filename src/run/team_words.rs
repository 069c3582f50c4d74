//! The words of a team for steps, gates, reports and audit rows: the profile gives them, the run records them.
//! Invariant: what a run says is in the words that it recorded, and no word of a team is in the code (tests/architecture.rs).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{CheckName, Gate};
use crate::simulate::SimulatedStep;

/// What a team calls its steps, gates, reports and the rows of the audit. What is left out has a plain name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TeamWords {
    /// The three simulated steps in their order, one word of at most 7 letters each: `["CUT", "VERIFY", "ENACT"]`. Default
    /// `["PREPARE", "COMPARE", "CHANGE"]`.
    pub steps: [String; 3],
    /// What the first and the third step do with a unit, as the sheet of SG1 and of SG2 say it (`enacts ~60 of 60 units`):
    /// `["inserts", "enacts"]`. Default `["inserts", "changes"]`.
    pub does: [String; 2],
    /// What the third step says of a unit that it would change, and of one that is changed already: `["would_enact",
    /// "already_enacted"]`. Default `["would_change", "already_changed"]`. Journal and JSON name these counters for every team alike.
    pub would: [String; 2],
    /// Titles of gates, each in full and as short as 80 columns ask for: `G1 = ["O4 dry-run feasibility", "feasibility"]`.
    /// Default of a gate that is not named: a plain title.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<Gate, [String; 2]>,
    /// Reports by their number, each with file name and title: `07 = ["final-o4-live-dryrun-report", "Final O4 Live Dry-run
    /// Report"]`. A file name is of a-z, 0-9 and `-`. Default of a report that is not named: a plain name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<String, [String; 2]>,
    /// Rows of the forbidden-action audit by their check: `forbidden_source_mutation = "source_document / source_version
    /// mutation"`. Default of a row that is not named: a plain text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit: BTreeMap<CheckName, String>,
    /// Heading of what report 07 proves: `What O4 proves`. Default `What this run proves`.
    pub proves: String,
    /// What report 07 calls the probes of G5: `O4 targeted`. Default `Built-in probes`.
    pub probes: String,
    /// Heading of the note of report 07: `OR / TD note`. Default `Note`.
    pub note: String,
}

impl Default for TeamWords {
    fn default() -> Self {
        Self {
            steps: ["PREPARE", "COMPARE", "CHANGE"].map(str::to_owned),
            does: ["inserts", "changes"].map(str::to_owned),
            would: ["would_change", "already_changed"].map(str::to_owned),
            gates: BTreeMap::new(),
            reports: BTreeMap::new(),
            audit: BTreeMap::new(),
            proves: "What this run proves".to_owned(),
            probes: "Built-in probes".to_owned(),
            note: "Note".to_owned(),
        }
    }
}

/// The part of a profile that is read here.
#[derive(Default, Deserialize)]
struct OnlyWords {
    words: TeamWords,
}

impl TeamWords {
    /// The plain ones.
    pub fn plain() -> &'static Self {
        static PLAIN: LazyLock<TeamWords> = LazyLock::new(TeamWords::default);
        &PLAIN
    }

    /// Those of runs that recorded none: the built-in profile's, which every run spoke then.
    pub fn of_older_runs() -> &'static Self {
        static OLDER: LazyLock<TeamWords> = LazyLock::new(|| {
            let profile = include_str!("../../assets/profiles/icx-const.toml");
            toml::from_str::<OnlyWords>(profile)
                .unwrap_or_default()
                .words
        });
        &OLDER
    }

    /// What a simulated step is called.
    pub fn step(&self, step: SimulatedStep) -> &str {
        &self.steps[step as usize]
    }

    /// A counter of the steps as people read it.
    pub fn counter<'w>(&'w self, name: &'w str) -> &'w str {
        match name {
            "would_enact" => &self.would[0],
            "already_enacted" => &self.would[1],
            name => name,
        }
    }

    /// Title of a gate.
    pub fn title(&self, gate: Gate) -> &str {
        let own = self.gates.get(&gate).map(|[title, _]| title.as_str());
        own.unwrap_or(gate.plain_titles()[0])
    }

    /// Title of a gate where there is little room.
    pub fn short_title(&self, gate: Gate) -> &str {
        let own = self.gates.get(&gate).map(|[_, short]| short.as_str());
        own.unwrap_or(gate.plain_titles()[1])
    }

    /// File name (without number, date and suffix) and title of a report. A name that could be a path is none: an archive that
    /// somebody made may record anything.
    pub fn report<'w>(&'w self, number: &str, plain: [&'w str; 2]) -> [&'w str; 2] {
        match self.reports.get(number) {
            Some([file, title]) if Self::is_file_name(file) => [file, title],
            _ => plain,
        }
    }

    /// Whether a text can be the middle of a report's file name.
    pub fn is_file_name(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=80).contains(&text.len()) && text.chars().all(plain)
    }

    /// What a row of the audit is about.
    pub fn audit_row<'w>(&'w self, check: &CheckName, plain: &'w str) -> &'w str {
        self.audit.get(check).map_or(plain, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::TeamWords;
    use crate::run::{CheckName, Gate};

    #[test]
    fn what_is_not_named_is_plain_and_an_older_run_speaks_as_it_did() {
        let (plain, older) = (TeamWords::plain(), TeamWords::of_older_runs());
        assert_eq!(plain.title(Gate::G1), "dry-run feasibility");
        assert_eq!(older.title(Gate::G1), "O4 dry-run feasibility");
        assert_eq!(older.short_title(Gate::G2), "minimal additions");
        assert_eq!(older.steps, ["CUT", "VERIFY", "ENACT"]);
        let row = older.audit_row(&CheckName::ForbiddenSourceMutation, "Source");
        assert_eq!(row, "source_document / source_version mutation");
    }

    #[test]
    fn a_file_name_that_could_be_a_path_is_not_used() {
        let mut words = TeamWords::default();
        for file in ["../../x", "a/b", "", "A", "x.md"] {
            let titled = [file.to_owned(), "Title".to_owned()];
            words.reports.insert("07".to_owned(), titled);
            assert_eq!(words.report("07", ["plain", "Plain"]), ["plain", "Plain"]);
        }
    }
}
