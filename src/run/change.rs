//! The change that a run is about: its files, the tables that may be copied, and what came of its rehearsals.
//! Invariant: what differs from what was approved is computed from recorded values alone (`moved_change`, `moved_effect`), so
//! that `verify` finds it again.

use serde::{Deserialize, Serialize};

use super::effect_differences::{declared_range, effect_differences};
use super::subject::change;
use super::{
    ApprovalGate, ChangeCommand, ChangeRehearsed, LockPolicy, MovedRows, ProgramFile, Purpose,
    RehearsalCheck, RehearsalOutcome, RehearsedTable, RunState, TableToCopy, Verdict, counted,
};
use crate::simulate::ExpectedRows;
use crate::survey::{Digest, FactChange, UtcTime};

/// A change as the run was started with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunChange {
    /// The role that it runs as.
    pub role: String,
    /// Its files in the order in which they run, absolute; all files of the directory where a program carries it out.
    pub files: Vec<String>,
    /// The program that carries it out, with its directory absolute; left out where it is psql.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<ChangeCommand>,
    /// The rows that it is expected to change; none: nothing is expected of them.
    pub expect: Option<Vec<ExpectedRows>>,
    /// How many of its files, the first ones, belong to the phase of SG1; left out where the change has no phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_sg1: Option<usize>,
    /// The columns whose values are kept in the evidence; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub show: Vec<String>,
    /// How many bytes of rows are read of production in a second at most; left out where there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// How many seconds after SG2's approval it may be carried out; left out where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_seconds: Option<i64>,
    /// Which locks it may take, and for how long; left out where nothing is said of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locks: Option<LockPolicy>,
}

/// A file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeFile {
    /// Its path, as it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What is found where a file of the change was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeFileNow {
    /// Its path.
    pub path: String,
    /// Its SHA-256 now, or `gone`.
    pub found: ProgramFile,
}

/// When the two transactions began in which facts and rows were read: they are two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReadMoments {
    /// The last survey.
    pub facts: UtcTime,
    /// The transaction that the rows were copied in.
    pub rows: UtcTime,
}

/// Everything of the change that a person approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeEvidence {
    /// The role that it runs as.
    pub role: String,
    /// Its files as they were read.
    pub files: Vec<ChangeFile>,
    /// The program that carries it out, with its directory absolute; left out where it is psql.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<ChangeCommand>,
    /// The rows that it is expected to change; null: nothing is expected of them.
    pub expect: Option<Vec<ExpectedRows>>,
    /// The tables whose rows may be copied.
    pub copy: Vec<TableToCopy>,
    /// The columns whose values are kept in the evidence; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub show: Vec<String>,
    /// How many bytes of rows are read of production in a second at most; left out where there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// How many seconds after SG2's approval it may be carried out; left out where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_seconds: Option<i64>,
    /// Which locks it may take, and for how long; left out where nothing is said of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locks: Option<LockPolicy>,
    /// When facts and rows were read, where the change was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<ReadMoments>,
    /// Whether rows were copied before SG1, for the phase of SG1; left out where they were not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied_before_sg1: bool,
    /// Whether what was rehearsed is the phase of SG1 alone; left out where it is the whole change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_phase: bool,
    /// What was measured about the last rehearsal, or about its preparation where there is none yet.
    pub checks: Vec<RehearsalCheck>,
    /// What it did on the shadow, without its rows; null: it was not rehearsed.
    pub rehearsed: Option<RehearsalOutcome>,
    /// The rows that joined or left since the rehearsal that was approved; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<MovedRows>,
}

impl RunChange {
    /// What belongs to its files, by phase: each is a transaction of its own where psql carries it out.
    pub fn in_phases<T>(&self, mut files: Vec<T>) -> Vec<Vec<T>> {
        let of_sg1 = self.of_sg1.unwrap_or(0).min(files.len());
        // The phases of one gate alone have one part.
        let later = files.split_off(of_sg1);
        let phases = [files, later].into_iter();
        phases.filter(|files| !files.is_empty()).collect()
    }
}

impl ChangeEvidence {
    /// Its files as they are listed for people. Of a directory of very many one line, with the digest that `sha256sum` has of the
    /// list that it prints of them.
    pub fn listed_files(&self) -> Vec<ChangeFile> {
        match &self.command {
            Some(command) if ChangeCommand::are_many(self.files.len()) => {
                let lines = self.files.iter();
                let lines = lines.map(|file| format!("{}  {}\n", file.sha256, file.path));
                let list = lines.collect::<Vec<_>>().concat();
                vec![ChangeFile {
                    path: format!("{} ({} files)", command.directory, self.files.len()),
                    sha256: Digest::of(list),
                }]
            }
            _ => self.files.clone(),
        }
    }

    /// What a person has to know of how it was rehearsed.
    pub fn notes(&self) -> Vec<String> {
        let notes = [
            (
                self.first_phase,
                "This is the phase of SG1 alone; that of SG2 is rehearsed on top of it.",
            ),
            (
                self.copied_before_sg1,
                "Rows were copied before SG1, as copy_before_sg1 of the profile says.",
            ),
        ];
        let holds = notes.into_iter().filter(|(holds, _)| *holds);
        let mut lines: Vec<String> = holds.map(|(_, note)| note.to_owned()).collect();
        lines.extend(self.read_at.map(|at| {
            let (facts, rows) = (at.facts.clock(), at.rows.clock());
            format!("Facts were read {facts}, rows in another transaction {rows}: a row can have changed in between.")
        }));
        lines.extend(self.valid_seconds.map(|seconds| {
            format!("It may be carried out until {seconds} s after SG2's approval; drygate guard prints it so.")
        }));
        let locks = self.locks.iter();
        lines.extend(locks.map(|locks| format!("Of its locks: {}.", locks.words())));
        lines.extend(self.command.as_ref().map(|command| {
            format!(
                "{} carries it out in a copy of {}. Its files are approved, NOT the program itself and what it loads.",
                command.line(),
                command.directory
            )
        }));
        if !self.show.is_empty() {
            lines.push(format!("Values are kept of {}.", self.show.join(", ")));
        }
        lines
    }

    /// What is asked, in one sentence: what would be copied, or what the change did.
    pub fn sentence(&self) -> String {
        let Some(rehearsed) = &self.rehearsed else {
            return self.to_be_copied();
        };
        match &rehearsed.script.error {
            Some(error) => format!("{} FAILED when it was rehearsed: {error}", self.subject()),
            None if rehearsed.effect.is_empty() => {
                format!(
                    "{} changed no row and no table when it was rehearsed.",
                    self.subject()
                )
            }
            None => format!(
                "{} did, rehearsed: {} rows in {}.",
                self.subject(),
                rehearsed.rows(),
                counted(rehearsed.effect.len(), "table")
            ),
        }
    }

    /// What was rehearsed, as the subject of a sentence.
    pub fn subject(&self) -> &'static str {
        if self.first_phase {
            "The phase of SG1"
        } else {
            "The change"
        }
    }

    /// What approving copies before the change is rehearsed, or why it cannot be.
    pub fn to_be_copied(&self) -> String {
        let mut checks = self.checks.iter();
        if let Some(against) = checks.find(|check| check.verdict != Verdict::Pass) {
            return format!("The change cannot be rehearsed: {}", against.says);
        }
        // The list comes with its checks.
        if self.checks.is_empty() {
            return "The tables that the change asks for are being found.".to_owned();
        }
        let asked: Vec<_> = self.copy.iter().filter(|table| table.asked).collect();
        let tables = counted(asked.len(), "table");
        let size = TableToCopy::size_of(asked);
        let limit = self.bytes_per_second.map_or_else(String::new, |limit| {
            format!(", at most {limit} bytes a second")
        });
        format!(
            "Approving copies {tables} ({size}{limit}) to this machine and rehearses the change on them."
        )
    }

    /// In lines, for people: what is to be copied, and once it was rehearsed what it did.
    pub fn lines(&self) -> Vec<String> {
        let command = self.command.iter();
        let command =
            command.map(|it| format!("change={} in {} as {}", it.line(), it.directory, self.role));
        let mut lines: Vec<String> = command.collect();
        lines.extend((self.listed_files().iter()).map(|file| {
            format!(
                "change={} sha256={} as {}",
                file.path, file.sha256, self.role
            )
        }));
        let against = self
            .checks
            .iter()
            .filter(|check| check.verdict != Verdict::Pass);
        let against =
            against.map(|check| format!("{} {}: {}", check.verdict, check.name, check.says));
        let Some(rehearsed) = &self.rehearsed else {
            let asked = |asked| self.copy.iter().filter(move |table| table.asked == asked);
            for table in asked(true) {
                lines.push(format!("copy={} {}", table.table, table.size()));
            }
            let others = asked(false).count();
            if others > 0 {
                let others = counted(others, "other table");
                lines.push(format!(
                    "copy={others} of the same schemas, if the change asks for them"
                ));
            }
            lines.extend(against);
            return lines;
        };
        lines.push("# REHEARSED: measured on a throwaway copy of the database".to_owned());
        lines.extend(self.notes());
        lines.extend(rehearsed.lines());
        lines.extend(self.moved.iter().flat_map(MovedRows::lines));
        lines.extend(against);
        lines
    }
}

impl RunState {
    /// The change that the run was started with.
    pub fn change(&self) -> Option<&RunChange> {
        self.created.as_ref()?.change.as_ref()
    }

    /// Whether units are simulated: always, but where the profile names none.
    pub fn simulates(&self) -> bool {
        let created = self.created.as_ref();
        created.is_none_or(|created| !created.without_units)
    }

    /// Why there is no prediction, in a sentence.
    pub fn nothing_predicted(&self) -> &'static str {
        if self.simulates() {
            "Nothing was predicted."
        } else {
            "Nothing is simulated: the profile names no units."
        }
    }

    /// The last rehearsal of this round.
    pub fn last_rehearsal(&self) -> Option<&ChangeRehearsed> {
        self.rehearsals.last().map(|last| &**last)
    }

    /// The last rehearsal of this round of the whole change, else of its phase of SG1.
    pub fn shown_rehearsal(&self) -> Option<&ChangeRehearsed> {
        let first = self.first_phases.last().map(|last| &**last);
        self.last_rehearsal().or(first)
    }

    /// The last rehearsal of this round for the approval of `gate`.
    pub fn rehearsal_of(&self, gate: ApprovalGate) -> Option<&ChangeRehearsed> {
        let mut all = self.rehearsals.iter().rev();
        all.find(|one| one.gate == gate).map(|one| &**one)
    }

    /// Whether rows that were copied for a rehearsal are on the disk of its machine: it runs, or its process was killed and none was
    /// started there since.
    pub fn copies_on_disk(&self) -> bool {
        self.copying
    }

    /// When facts and rows of a rehearsal that ends now were read.
    pub(super) fn moments(&self) -> Option<ReadMoments> {
        let (_, latest) = self.latest.as_ref()?;
        let mut all = self.transactions.iter().rev();
        let copied = all.find(|one| one.purpose == Purpose::Rehearsal)?;
        Some(ReadMoments {
            facts: latest.snapshot.began_at,
            rows: copied.opened_at,
        })
    }

    /// What is known of the change by now; `None`: the run has none.
    pub fn change_evidence(&self) -> Option<ChangeEvidence> {
        let change = self.change()?;
        let listed = self.copy.as_deref();
        let whole = self.last_rehearsal();
        let last = self.shown_rehearsal();
        let prepared = listed.map(|listed| &listed.checks);
        let checks = last.map(|last| &last.checks).or(prepared);
        Some(ChangeEvidence {
            role: change.role.clone(),
            files: self.change_files.as_deref().cloned().unwrap_or_default(),
            command: change.command.clone(),
            expect: change.expect.clone(),
            copy: listed.map_or_else(Vec::new, |listed| listed.tables.clone()),
            show: change.show.clone(),
            bytes_per_second: change.bytes_per_second,
            valid_seconds: change.valid_seconds,
            locks: change.locks.clone(),
            read_at: self.read_moments.filter(|_| last.is_some()),
            copied_before_sg1: change.of_sg1.is_some_and(|files| files > 0),
            first_phase: whole.is_none() && last.is_some(),
            checks: checks.cloned().unwrap_or_default(),
            rehearsed: last.and_then(|last| last.outcome.as_deref().cloned()),
            moved: last.map_or_else(Vec::new, |last| last.moved.clone()),
        })
    }

    /// The files of the change as they were seen last; `None`: none were read.
    pub fn change_as_seen(&self) -> Option<Vec<ChangeFileNow>> {
        let read = self.change_files.as_ref()?.iter();
        let as_read = read.map(|file| ChangeFileNow {
            path: file.path.clone(),
            found: ProgramFile::Sha256(file.sha256.clone()),
        });
        let found = self.change_found.as_deref().cloned();
        Some(found.unwrap_or_else(|| as_read.collect()))
    }

    /// The files of the change that are not what was read of them.
    pub(super) fn moved_change(&self) -> Vec<FactChange> {
        let (Some(read), Some(found)) = (&self.change_files, &self.change_found) else {
            return Vec::new();
        };
        let command = self.change().and_then(|change| change.command.as_ref());
        let key = |path: &str| {
            let within = command.and_then(|it| it.path_within(path));
            let name = match within {
                Some(within) => within.to_str(),
                None => path.rsplit('/').next(),
            };
            format!("change.{}", name.unwrap_or(path))
        };
        let pairs = read.iter().zip(found.iter());
        let moved = pairs.filter(|(was, is)| ProgramFile::Sha256(was.sha256.clone()) != is.found);
        let moved = moved.map(|(was, is)| {
            let found = String::from(is.found.clone());
            change(&key(&was.path), was.sha256.to_string(), found)
        });
        // What came to the directory since stands behind what was read.
        let new = found.iter().skip(read.len());
        let new = new.map(|is| FactChange {
            approved: None,
            ..change(
                &key(&is.path),
                String::new(),
                String::from(is.found.clone()),
            )
        });
        moved.chain(new).collect()
    }

    /// What a rehearsal for an approval did outside of what was approved: the phase of SG1 by SG1's, the whole change by SG2's.
    pub(super) fn moved_effect(&self) -> Vec<FactChange> {
        let whole = self.rehearsal_of(ApprovalGate::SG1);
        let whole = whole.zip(self.rehearsal_of(ApprovalGate::SG2));
        match (whole, &self.first_phases[..]) {
            (Some((approved, again)), _) => self.moved_between(approved, again),
            // The first one is what SG1's sheet shows.
            (None, [approved, .., again]) => self.moved_between(approved, again),
            (None, _) => Vec::new(),
        }
    }

    fn moved_between(
        &self,
        approved: &ChangeRehearsed,
        again: &ChangeRehearsed,
    ) -> Vec<FactChange> {
        let (was, is) = match (&approved.outcome, &again.outcome) {
            (None, None) => return Vec::new(),
            (Some(was), Some(is)) => (was, is),
            (was, is) => {
                let side = |outcome: &Option<Box<RehearsalOutcome>>, of: &ChangeRehearsed| {
                    if outcome.is_some() {
                        "rehearsed".to_owned()
                    } else {
                        format!("not rehearsed: {}", of.why_not())
                    }
                };
                let sides = (side(was, approved), side(is, again));
                return vec![change("effect.rehearsal", sides.0, sides.1)];
            }
        };
        effect_differences(was, is, self.expected())
    }

    fn expected(&self) -> &[ExpectedRows] {
        let change = self.change();
        change
            .and_then(|change| change.expect.as_deref())
            .unwrap_or_default()
    }

    /// The counts of the second rehearsal that are other ones than those that were approved, inside of what `expect` allows.
    pub fn moved_in_range(&self) -> Vec<String> {
        let outcome = |gate| {
            self.rehearsal_of(gate)
                .and_then(|one| one.outcome.as_deref())
        };
        let (Some(was), Some(is)) = (outcome(ApprovalGate::SG1), outcome(ApprovalGate::SG2)) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for table in &is.effect {
            let Some(before) = was.table(&table.table) else {
                continue;
            };
            let pairs = before.rows_changed().into_iter().zip(table.rows_changed());
            for ((word, one), (_, two)) in pairs {
                let range = declared_range(self.expected(), &table.table, word);
                if one != two && range.is_some_and(|range| range.contains(*two.get())) {
                    let name = &table.table;
                    lines.push(format!("{name} {word} {one}, at the approval {two}"));
                }
            }
        }
        lines
    }

    /// Whether nobody expected what the change did to a table: neither `expect`, nor, without it, the prediction of the simulator
    /// where that predicts any row.
    pub fn is_unexpected(&self, table: &RehearsedTable) -> bool {
        let rows = table.rows_changed();
        if rows.iter().all(|(_, rows)| *rows.get() == 0) {
            return false;
        }
        let expect = self.change().and_then(|change| change.expect.as_ref());
        if let Some(expected) = expect {
            let named = expected.iter().find(|rows| rows.table == table.table);
            return named.is_none_or(|named| {
                let ranges = [named.insert, named.update, named.delete];
                let mut pairs = rows.iter().zip(ranges);
                pairs.any(|((_, rows), range)| !range.contains(*rows.get()))
            });
        }
        let Some((predicted, _)) = &self.predicted else {
            return false;
        };
        let bare = table.table.rsplit('.').next();
        let mut touched = predicted.touched().map(|known| known.table.as_str());
        let none = predicted.touched().next().is_none();
        !none && !touched.any(|known| Some(known) == bare)
    }
}
