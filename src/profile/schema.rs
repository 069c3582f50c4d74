//! The schema of a profile (contract, section 9). Invariant: unknown keys are errors (`deny_unknown_fields` on every table).

use serde::Deserialize;

use super::{ChangePolicy, Hooks, RehearsalPolicy};
use crate::run::{CheckName, TeamWords};
use crate::simulate::Lifecycle;
use crate::survey::FactKind;

/// A whole profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of this schema: 1.
    pub schema: u32,
    /// Name of the profile, of a-z, 0-9, - and _. Runs of one name and target are compared with each other.
    pub name: String,
    /// What is dry-run, in one line: on every screen and report.
    pub title: String,
    /// Run ids begin with it: `loans-20261129T190904Z-45612f34`.
    pub run_prefix: String,
    /// Results begin with it: `LOANS_PASS`, `LOANS_FAIL`, `LOANS_INCOMPLETE`.
    pub result_prefix: String,
    /// What the change belongs to: shown beside the title.
    pub collection: String,
    /// May only say `dryrun`; `live` is refused by its own stop.
    #[serde(default)]
    pub mode: Option<String>,
    /// May only be false; `true` is refused by its own stop.
    #[serde(default)]
    pub execution_enabled: Option<bool>,
    /// Where and as whom is read.
    pub target: TargetSpec,
    /// Labels of the approval gates. Without them `allow COPY` and `allow CHANGE` for a change, and without a change `allow` and the
    /// names of the first and the third step.
    #[serde(default)]
    pub labels: Option<Labels>,
    /// What the team calls steps, gates, reports and rows of the audit, where it has words of its own.
    #[serde(default)]
    pub words: TeamWords,
    /// Documents that the run is founded on: their SHA-256 is recorded, a change of one is drift.
    #[serde(default)]
    pub ssot: Vec<SsotDocument>,
    /// Values that are read, compared and shown.
    #[serde(default)]
    pub facts: Vec<FactSpec>,
    /// Functions that the change would call: a change of a definition is drift.
    #[serde(default)]
    pub functions: Vec<FunctionSpec>,
    /// Every grant in some schemas as one document.
    #[serde(default)]
    pub grants: Option<GrantScope>,
    /// Tables whose rows must stay as they are: a digest over every value.
    #[serde(default)]
    pub contents: Vec<ContentSpec>,
    /// Source pieces: `key text, content text`, ordered by `key COLLATE "C"`. Units are simulated where these, the live
    /// units and the lifecycle are there, all three or none.
    #[serde(default)]
    pub pieces: Option<SqlSpec>,
    /// Live units: `key text, content text, state text`, ordered by `key COLLATE "C"`.
    #[serde(default)]
    pub candidates: Option<SqlSpec>,
    /// The states of a unit, and the rows that each simulated step writes.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
    /// What the reading role may be able to do without failing G1.
    #[serde(default)]
    pub role: RoleAllowances,
    /// Checks that are left out, by name.
    #[serde(default)]
    pub out_of_scope: Vec<OutOfScope>,
    /// Who may approve, and for how long.
    #[serde(default)]
    pub approvals: ProfileApprovals,
    /// Which differences void an approval.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// Deadlines of connections, statements and locks.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// What one survey and a whole run may cost the server.
    #[serde(default)]
    pub budgets: Budgets,
    /// Commands that are told when a run waits, stops or ends.
    #[serde(default)]
    pub hooks: Hooks,
    /// The change itself, which is rehearsed on a throwaway copy of the database.
    #[serde(default)]
    pub change: Option<ChangePolicy>,
    /// How it is rehearsed.
    #[serde(default)]
    pub rehearsal: RehearsalPolicy,
    /// Result file of the full test run.
    #[serde(default)]
    pub tests: TestResults,
    /// The last words of report 07: what is to be done with a PASS, and what is not.
    pub handover: String,
    /// A note for report 07, under the heading `words.note`; without it the report has no such section. Older profiles call it
    /// `or_td_note`.
    #[serde(default, alias = "or_td_note")]
    pub note: Option<String>,
}

impl Profile {
    /// What the simulator is run on; `None`: nothing is simulated, the run is about a change alone.
    pub fn units(&self) -> Option<UnitsSpec<'_>> {
        Some(UnitsSpec {
            pieces: &self.pieces.as_ref()?.sql,
            candidates: &self.candidates.as_ref()?.sql,
            lifecycle: self.lifecycle.as_ref()?,
        })
    }

    /// Labels of SG1 and SG2, for a run that has a change (of the profile or of its command) or has none.
    pub fn gate_labels(&self, has_change: bool) -> [String; 2] {
        let simulates = self.units().is_some() && self.change.is_none();
        let [first, _, last] = &self.words.steps;
        match &self.labels {
            Some(labels) => [labels.sg1.clone(), labels.sg2.clone()],
            None if has_change && !simulates => ["allow COPY", "allow CHANGE"].map(str::to_owned),
            None => [first, last].map(|step| format!("allow {step}")),
        }
    }

    /// Key of the grant matrix, where there is one.
    pub fn grants_key(&self) -> Option<&str> {
        self.grants.as_ref().map(|grants| grants.key.as_str())
    }
}

/// What the simulator is run on: two streams, and what a step does to a unit.
#[derive(Debug, Clone, Copy)]
pub struct UnitsSpec<'p> {
    /// SQL of the source pieces.
    pub pieces: &'p str,
    /// SQL of the live units.
    pub candidates: &'p str,
    /// Lifecycle.
    pub lifecycle: &'p Lifecycle,
}

/// Where and as whom.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// The name of the place, shown on every screen: `PRODUCTION`, `STAGING`.
    pub label: String,
    /// One of the terminal's colour names; `neutral` by default.
    #[serde(default = "neutral")]
    pub color: String,
    /// The role that the session must be.
    pub expected_role: String,
    /// Refuse a primary.
    #[serde(default)]
    pub require_standby: bool,
    /// TLS to hosts that are not local.
    #[serde(default)]
    pub tls: TlsMode,
}

fn neutral() -> String {
    "neutral".to_owned()
}

/// How the connection to a host that is not local is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Encrypted, certificate and name verified.
    #[default]
    VerifyFull,
    /// Encrypted, certificate verified but not its name.
    VerifyCa,
    /// Encrypted, not verified.
    Require,
    /// Not encrypted.
    Disable,
}

/// Plain labels of the approval gates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// What a person allows at SG1: `allow CUT`.
    pub sg1: String,
    /// What a person allows at SG2: `allow ENACT`.
    pub sg2: String,
}

/// A document that the run is founded on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SsotDocument {
    /// Name for people.
    pub name: String,
    /// Path, relative to the profile's directory.
    #[serde(default)]
    pub path: Option<String>,
    /// The text itself, as the built-in profile has it.
    #[serde(default)]
    pub text: Option<String>,
}

/// One fact read by one SQL text that gives one row with one text column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FactSpec {
    /// Key in journal and JSON, of a-z, 0-9 and _.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// Kind of value.
    #[serde(rename = "type")]
    pub kind: FactKind,
    /// A plain read that gives one row with one text column.
    #[serde(default)]
    pub sql: Option<String>,
    /// In place of `sql`: a table with its schema, whose rows are counted.
    #[serde(default)]
    pub count: Option<String>,
    /// Which rows are counted: a condition of SQL.
    #[serde(default, rename = "where")]
    pub filter: Option<String>,
    /// The value that it must have (a check of G1).
    #[serde(default)]
    pub expect: Option<String>,
    /// Read again while a run waits.
    #[serde(default)]
    pub live: bool,
}

/// A function whose definition is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FunctionSpec {
    /// Key in journal and JSON, of a-z, 0-9 and _.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// Schema.
    pub schema: String,
    /// Name; all overloads are pinned together, ordered by argument types.
    pub name: String,
    /// The md5 that it must have (a check of G1).
    #[serde(default)]
    pub expect: Option<String>,
}

/// Which objects' grants are in the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GrantScope {
    /// Key in journal and JSON, of a-z, 0-9 and _.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// Schemas.
    pub schemas: Vec<String>,
    /// The SHA-256 that it must have.
    #[serde(default)]
    pub expect: Option<String>,
}

/// A protected table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContentSpec {
    /// Key in journal and JSON, of a-z, 0-9 and _; no other fact, function or table has it.
    pub key: String,
    /// Schema of the table.
    pub schema: String,
    /// Name of the table.
    pub table: String,
    /// Columns that take part, in this order.
    pub columns: Vec<String>,
    /// Columns that identify a row for people, part of `columns`.
    pub row_key: Vec<String>,
    /// Columns whose values are digested and never written down, part of `columns` and not of `row_key`.
    #[serde(default)]
    pub hide: Vec<String>,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SqlSpec {
    /// A plain read. Every function that it could run must be known to be harmless, or named in `role.functions`.
    pub sql: String,
}

/// What the role survey may find without failing: shown, never hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RoleAllowances {
    /// Findings by their line, such as `table privilege: UPDATE on pg_catalog.pg_settings via PUBLIC`.
    pub allow: Vec<String>,
    /// Functions beyond the built-in list that profile SQL may call.
    pub functions: Vec<String>,
}

/// A check that the profile excludes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutOfScope {
    /// Its name.
    pub check: CheckName,
    /// Why it is left out: every report shows it.
    pub reason: String,
}

/// Approval policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ProfileApprovals {
    /// How long evidence that was shown is good for: `8h`, `30m`, `90s`.
    pub ttl: String,
    /// Whether only a person at a terminal may approve.
    pub terminal: bool,
    /// Whether SG2 needs another person than SG1.
    pub distinct: bool,
    /// Whether the person that started the run may not approve it.
    pub exclude_starter: bool,
}

impl Default for ProfileApprovals {
    fn default() -> Self {
        Self {
            ttl: "8h".to_owned(),
            terminal: false,
            distinct: false,
            exclude_starter: false,
        }
    }
}

impl ProfileApprovals {
    /// How long shown evidence is good for. A text that is no duration, which no validated profile has, is no time at all.
    pub fn ttl_seconds(&self) -> i64 {
        super::ttl_seconds(&self.ttl).unwrap_or(0)
    }

    /// The key that needs a group to share the store with, if one is set.
    pub fn needs_group(&self) -> Option<&'static str> {
        if self.distinct {
            Some("distinct")
        } else if self.exclude_starter {
            Some("exclude_starter")
        } else {
            None
        }
    }
}

/// Which differences void an approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DriftPolicy {
    /// Whether what changed beside voids as well: everything that was read.
    pub strict: bool,
}

/// Deadlines of our own, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To connect.
    pub connect_ms: u64,
    /// For one statement (also `statement_timeout` on the server).
    pub statement_ms: u64,
    /// For a lock (`lock_timeout`).
    pub lock_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            statement_ms: 15_000,
            lock_ms: 500,
        }
    }
}

/// What one survey and a whole run may cost the server; beyond it the survey is rolled back and the run stops. How long one statement may take is `timeouts.statement_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// How long a survey may hold its snapshot.
    pub transaction_seconds_max: u64,
    /// Rows that it may receive.
    pub rows_max: Option<u64>,
    /// Bytes of values that it may receive.
    pub bytes_max: Option<u64>,
    /// Seconds that all transactions of a run may last together.
    pub run_seconds_max: Option<u64>,
    /// Rows that they may receive together.
    pub run_rows_max: Option<u64>,
    /// Bytes of values that they may receive together.
    pub run_bytes_max: Option<u64>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            transaction_seconds_max: 3_600,
            rows_max: None,
            bytes_max: None,
            run_seconds_max: None,
            run_rows_max: None,
            run_bytes_max: None,
        }
    }
}

/// Where a full test run left its result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TestResults {
    /// A file whose last line of the form `N passed, N failed` is taken as DECLARED.
    pub full_discover: Option<String>,
}
