//! What a difference from the evidence is about: the facts, or what the run rests on beside them, which is server, code and
//! program.
//! Invariant: made of recorded values alone, so that `verify` finds a drift that leaves one out and an approval that took effect
//! over one (src/audit/moved_tests.rs).

use super::{
    CheckName, Gate, ProgramFile, RepositoryLook, RepositoryState, RunState, Verdict, counted,
};
use crate::survey::{Digest, FactChange, FactKey, RowChange, ServerIdentity, Survey};

/// The first version of the table of checks whose runs look at server, code and program again.
const SINCE_TABLE: u32 = 3;

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Facts of the database, and the two streams.
    Facts,
    /// The server that answered: another one, or restarted.
    Server,
    /// The repository that the run belongs to.
    Code,
    /// The file of the program that runs.
    Program,
    /// The files of the change.
    Change,
    /// What the change did when it was rehearsed.
    Effect,
}

impl Subject {
    /// What this key is about. A key of a profile has no dot.
    pub fn of(key: &FactKey) -> Self {
        match key.as_str().split_once('.') {
            Some(("server", _)) => Self::Server,
            Some(("repository", _)) => Self::Code,
            Some(("program", _)) => Self::Program,
            Some(("change", _)) => Self::Change,
            Some(("effect", _)) => Self::Effect,
            _ => Self::Facts,
        }
    }

    /// What these changes are about, once each, facts first.
    pub fn among(changes: &[FactChange]) -> Vec<Self> {
        let mut all: Vec<Self> = changes.iter().map(|one| Self::of(&one.key)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// In a title, what these changes are about first of all: `FACTS`; where no fact differs `CODE`.
    pub fn title_among(changes: &[FactChange]) -> &'static str {
        match Self::among(changes).first() {
            None | Some(Self::Facts) => "FACTS",
            Some(Self::Server) => "SERVER",
            Some(Self::Code) => "CODE",
            Some(Self::Program) => "PROGRAM",
            Some(Self::Change) => "CHANGE",
            Some(Self::Effect) => "EFFECT",
        }
    }

    /// `2 facts`, `1 fact and the code`.
    pub fn counted(changes: &[FactChange]) -> String {
        let facts = changes
            .iter()
            .filter(|one| Self::of(&one.key) == Self::Facts);
        let facts = counted(facts.count(), "fact");
        let named: Vec<&str> = Self::among(changes)
            .into_iter()
            .map(|subject| match subject {
                Self::Facts => facts.as_str(),
                Self::Server | Self::Code | Self::Program | Self::Change | Self::Effect => {
                    subject.word()
                }
            })
            .collect();
        named.join(" and ")
    }

    /// In a sentence, where it is not the facts: `the code`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Facts => "the facts",
            Self::Server => "the server",
            Self::Code => "the code",
            Self::Program => "drygate's own program",
            Self::Change => "the change",
            Self::Effect => "the rehearsed effect",
        }
    }

    /// What was seen of it, where it is not the facts.
    pub fn says(self) -> &'static str {
        match self {
            Self::Facts => "Facts differ from the pin",
            Self::Server => "The server is another one than at the pin, or was restarted",
            Self::Code => "The repository moved since G0 looked at it",
            Self::Program => "drygate's own program was replaced while the run waited",
            Self::Change => "A file of the change was replaced since it was read",
            Self::Effect => "Rehearsed again, the change did not do what was approved",
        }
    }
}

impl RunState {
    /// Whether server, code and program are looked at again in this run, and are drift where they moved. Runs that an older drygate
    /// began are judged by what was promised then.
    pub fn looks_again(&self) -> bool {
        let created = self.created.as_ref();
        created.is_some_and(|created| created.check_table >= SINCE_TABLE)
    }

    /// What differs between the server of the pin and this one, where that is drift.
    pub fn moved_server(&self, found: &ServerIdentity) -> Vec<FactChange> {
        let pin = self.pin.as_ref().filter(|_| self.looks_again());
        let changes = pin.map_or_else(Vec::new, |pin| pin.server.changes(found));
        let named = changes.into_iter();
        named
            .map(|(field, was, is)| change(&format!("server.{field}"), was, is))
            .collect()
    }

    /// What moved of code, program and change since the evidence was taken, as far as it was looked at.
    pub fn moved_code(&self) -> Vec<FactChange> {
        if !self.looks_again() {
            return Vec::new();
        }
        self.moved_repository()
            .into_iter()
            .chain(self.moved_program())
            .chain(self.moved_change())
            .collect()
    }

    /// What voids an approval by the last full survey, and by what was looked at beside it.
    pub fn differs(&self, facts: Vec<FactChange>, latest: &Survey) -> Vec<FactChange> {
        facts
            .into_iter()
            .chain(self.moved_server(&latest.server))
            .chain(self.moved_code())
            .chain(self.moved_effect())
            .collect()
    }

    /// Why the repository that G0 saw could not be looked at again.
    pub fn repository_unread(&self) -> Option<&str> {
        match self.repository_found.as_deref()? {
            RepositoryLook::Unread(why) => Some(why),
            RepositoryLook::Seen(_) => None,
        }
    }

    fn moved_repository(&self) -> Vec<FactChange> {
        let (Some(was), Some(RepositoryLook::Seen(is))) =
            (self.repository.as_deref(), self.repository_found.as_deref())
        else {
            return Vec::new();
        };
        // What the profile excludes at G0, nobody was asked to approve.
        let checks = self.gates.get(&Gate::G0).map(|gate| &gate.checks);
        let asked = |name: CheckName| {
            let mut checks = checks.iter().flat_map(|checks| checks.iter());
            checks.any(|check| check.name == name && check.verdict != Verdict::OutOfScope)
        };
        let mut changes = Vec::new();
        if asked(CheckName::BranchAndHead) {
            changes.extend(head_changes(was, is));
        }
        if asked(CheckName::MainAndFeatureHeads) {
            changes.extend(main_changes(was, is));
        }
        changes
    }

    fn moved_program(&self) -> Option<FactChange> {
        let found = self
            .program_replaced
            .as_ref()
            .filter(|_| self.program_moved)?;
        let was = self.created.as_ref()?.tool.binary_sha256.as_ref();
        let was = was.map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let is = ProgramFile::clone(found);
        Some(change("program.file", was, String::from(is)))
    }
}

pub(super) fn change(key: &str, approved: String, found: String) -> FactChange {
    FactChange {
        key: FactKey::new(key),
        approved: Some(approved),
        found: Some(found),
        reason: None,
        rows: Vec::new(),
    }
}

/// Branch, HEAD and work tree.
fn head_changes(was: &RepositoryState, is: &RepositoryState) -> Vec<FactChange> {
    let branch = |state: &RepositoryState| {
        let name = state.branch.as_deref();
        name.unwrap_or("detached HEAD").to_owned()
    };
    let tree = |state: &RepositoryState| {
        let word = if state.clean { "clean" } else { "changed" };
        word.to_owned()
    };
    let sides = [
        ("repository.branch", branch(was), branch(is)),
        ("repository.head", was.head.clone(), is.head.clone()),
        ("repository.work_tree", tree(was), tree(is)),
    ];
    let moved = sides.into_iter().filter(|(_, was, is)| was != is);
    moved.map(|(key, was, is)| change(key, was, is)).collect()
}

/// main and the tags.
fn main_changes(was: &RepositoryState, is: &RepositoryState) -> Vec<FactChange> {
    let mut changes = Vec::new();
    if was.main != is.main {
        let renamed = was.main.as_ref().map(|main| &main.0) != is.main.as_ref().map(|main| &main.0);
        let side = |state: &RepositoryState| match &state.main {
            Some((name, commit)) if renamed => format!("{name} {commit}"),
            Some((_, commit)) => commit.clone(),
            None => "none".to_owned(),
        };
        changes.push(change("repository.main", side(was), side(is)));
    }
    if !was.tags().eq(is.tags()) {
        changes.push(FactChange {
            rows: tag_rows(was, is),
            ..change("repository.tags", tags_digest(was), tags_digest(is))
        });
    }
    changes
}

fn tags_digest(state: &RepositoryState) -> String {
    let lines: Vec<String> = state
        .tags()
        .map(|(name, commit)| format!("{name} {commit}\n"))
        .collect();
    Digest::of(lines.concat()).to_string()
}

fn tag_rows(was: &RepositoryState, is: &RepositoryState) -> Vec<RowChange> {
    let commit_in = |state: &RepositoryState, name: &str| {
        let found = state.tags().find(|(known, _)| known == name);
        found.map(|(_, commit)| commit.clone())
    };
    let mut names: Vec<&String> = was.tags().chain(is.tags()).map(|tag| &tag.0).collect();
    names.sort();
    names.dedup();
    let rows = names.into_iter().map(|name| RowChange {
        key: name.clone(),
        approved: commit_in(was, name),
        found: commit_in(is, name),
    });
    rows.filter(|row| row.approved != row.found).collect()
}
