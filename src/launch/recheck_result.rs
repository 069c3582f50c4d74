//! What `recheck` found, as an exit code, as text and as one document. 0 only where nothing differs and the run was a PASS, or
//! with `--after` where the prediction came true.

use super::diff::LoadedRun;
use super::{LaunchError, lookup, output, review};
use crate::audit;
use crate::audit::{After, ChangeAfter};
use crate::cli::Settings;
use crate::compare::Comparison;
use crate::documents::{
    RecheckDocument, RecheckRefused, RecheckedSurvey, SchemaVersion, SurveyReference,
};
use crate::journal::{DirectoryStore, NewOutcome, Outcomes};
use crate::report::visible;
use crate::run::{CarriedOut, RunId, RunResult, RunState, SchemaOutcome, StopCode, exit};
use crate::runner::clock::{Clock as _, SystemClock};
use crate::runner::person;
use crate::survey::{FactChange, FactKey, ServerIdentity, Survey, TransactionProof};

/// Rows of one fact that the text names; the document has them all.
const ROWS_SHOWN: usize = 10;

/// Everything that was found.
pub struct Rechecked<'a> {
    /// The sealed run.
    pub run: &'a RunState,
    /// Id of the run.
    pub run_id: &'a RunId,
    /// Its last full survey.
    pub before: &'a Survey,
    /// The survey of now.
    pub now: &'a Survey,
    /// The proof of its transaction.
    pub proof: Option<&'a TransactionProof>,
    /// Facts that differ from its last survey.
    pub changes: &'a [FactChange],
    /// Facts that differ beside the change: they do not undo what was rehearsed.
    pub beside: &'a [FactChange],
    /// Facts that were digested in another evidence format.
    pub not_comparable: &'a [FactKey],
    /// The prediction against what happened, where that was asked for.
    pub after: Option<&'a After>,
    /// The rows of the rehearsed change against production, where that was asked for.
    pub change_after: Option<&'a ChangeAfter>,
    /// The proof of the transaction that these rows were read in.
    pub rows_proof: Option<&'a TransactionProof>,
    /// The server that these rows were read of, through a connection of their own.
    pub rows_server: Option<&'a ServerIdentity>,
}

/// Where it stands what came of the change: the line of `outcomes.jsonl`, or why it was not recorded.
type Recorded = Option<Result<u64, String>>;

/// Exit code and sentences that follow from what was found.
pub(super) struct RecheckOutcome {
    code: u8,
    stop_code: Option<StopCode>,
    pub message: String,
    pub next: String,
}

impl Rechecked<'_> {
    fn server(&self) -> Vec<String> {
        let mut different = different_server(&self.before.server, &self.now.server);
        let of_rows = self.rows_server.into_iter();
        for line in of_rows.flat_map(|rows| different_server(&self.before.server, rows)) {
            if !different.contains(&line) {
                different.push(line);
            }
        }
        different
    }

    fn result(&self) -> (&str, RunResult, u8) {
        self.run.sealed.as_ref().map_or(
            ("none", RunResult::Incomplete, 11),
            |(name, result, code)| (name.as_str(), *result, *code),
        )
    }

    pub(super) fn outcome(&self) -> RecheckOutcome {
        let proofs = self.proof.into_iter().chain(self.rows_proof);
        let violations: Vec<String> = proofs.flat_map(TransactionProof::violations).collect();
        let of = |code, stop_code, message: String, next: &str| RecheckOutcome {
            code,
            stop_code,
            message,
            next: next.to_owned(),
        };
        if let Some(violation) = violations.first() {
            let stop = StopCode::StopMutationSuspected;
            let message = format!("the transaction of this recheck was not clean: {violation}");
            return of(
                stop.exit_code(),
                Some(stop),
                message,
                "Find out before anything else is run.",
            );
        }
        let server = self.server();
        let (name, result, code) = self.result();
        let different = |message| of(exit::DIFFERENT, None, message, self.what_now());
        let not_comparable = || {
            let keys: Vec<&str> = self.not_comparable.iter().map(FactKey::as_str).collect();
            let message = format!(
                "not comparable: {}: the run was digested in another format by an earlier version; nothing else differs",
                keys.join(", ")
            );
            let next = "Rehearse again: a new run can be rechecked.";
            of(RunResult::Incomplete.exit_code(), None, message, next)
        };
        let asked = self.after.is_some() || self.change_after.is_some();
        match self.came() {
            _ if !server.is_empty() => different(format!("another server: {}", server.join("; "))),
            Some(CarriedOut::NotCarriedOut) if self.change_after.is_some() => different(format!(
                "the change was not carried out: {}",
                self.after_words()
            )),
            Some(CarriedOut::DidNotComeTrue | CarriedOut::NotCarriedOut) => different(format!(
                "the prediction did not come true: {}",
                self.after_words()
            )),
            _ if asked && !self.not_comparable.is_empty() => not_comparable(),
            Some(CarriedOut::CameTrue) => of(
                exit::OK,
                None,
                format!("the prediction came true: {}", self.after_words()),
                "Nothing to do.",
            ),
            None if asked => of(
                RunResult::Incomplete.exit_code(),
                None,
                format!("not compared whole: {}", self.after_words()),
                "What was not compared is named above.",
            ),
            None if !self.changes.is_empty() => different(format!(
                "{} differ from the run: {}",
                self.changes.len(),
                keys(self.changes)
            )),
            None if !self.not_comparable.is_empty() => not_comparable(),
            None if result == RunResult::Pass => of(
                exit::OK,
                None,
                self.holds(),
                "The change may go ahead as rehearsed.",
            ),
            None => of(
                code,
                None,
                format!("nothing differs, but the run is no PASS: {name}"),
                "Rehearse again until the result is PASS.",
            ),
        }
    }

    /// `it still holds: 24 facts equal, 1 changed beside: objects.beside`.
    fn holds(&self) -> String {
        let facts = &self.now.facts;
        let new = facts
            .iter()
            .filter(|fact| self.before.fact(fact.key.as_str()).is_none())
            .count();
        let equal = facts.len() - self.beside.len() - new;
        let mut words = vec![format!("it still holds: {equal} facts equal")];
        let beside = || {
            format!(
                "{} changed beside: {}",
                self.beside.len(),
                keys(self.beside)
            )
        };
        words.extend((!self.beside.is_empty()).then(beside));
        words.extend((new > 0).then(|| format!("{new} not read before")));
        words.join(", ")
    }

    /// What came of units and rows together; `None`: not asked for, or something was not compared.
    fn came(&self) -> Option<CarriedOut> {
        let units = self.after.map(After::carried_out);
        let rows = self.change_after.map(ChangeAfter::carried_out);
        match (units, rows) {
            (units, None) => units,
            (None, Some(rows)) => rows,
            (Some(units), Some(Some(rows))) if units == rows => Some(units),
            (Some(CarriedOut::DidNotComeTrue), _) => units,
            (Some(_), Some(None)) => None,
            (Some(_), Some(Some(_))) => Some(CarriedOut::DidNotComeTrue),
        }
    }

    fn after_words(&self) -> String {
        let units = self.after.map(After::words);
        let rows = self.change_after.map(ChangeAfter::words);
        units.into_iter().chain(rows).collect::<Vec<_>>().join("; ")
    }

    /// What came of the change; `None`: not asked for, or it cannot be said from this survey.
    pub(super) fn carried_out(&self) -> Option<CarriedOut> {
        let proofs = self.proof.into_iter().chain(self.rows_proof);
        let unclean = proofs
            .flat_map(TransactionProof::violations)
            .next()
            .is_some();
        let said = !unclean && self.server().is_empty() && self.not_comparable.is_empty();
        self.came().filter(|_| said)
    }

    /// Keeps beside the run what came of the change.
    fn record(&self, store: &DirectoryStore) -> Recorded {
        let found = NewOutcome {
            outcome: self.carried_out()?,
            says: self.after_words(),
            surveyed_at: self.now.snapshot.began_at,
            facts_digest: self.now.facts_digest.clone(),
        };
        if lookup::is_imported(store, self.run_id) {
            return Some(Err("the run is read only here".to_owned()));
        }
        let run = DirectoryStore::run_path(self.run_id);
        let outcomes = Outcomes::new(store.storage().clone(), &run);
        let own = person::own().map_err(|error| error.to_string());
        Some(own.and_then(|own| {
            let written = outcomes.write(SystemClock.now(), own, found);
            written
                .map(|entry| entry.seq + 1)
                .map_err(|error| error.to_string())
        }))
    }

    /// `did not come true: recorded in outcomes.jsonl, line 2`.
    fn outcome_line(&self, recorded: &Recorded) -> Option<String> {
        let came = self.carried_out()?.words();
        Some(match recorded.as_ref()? {
            Ok(line) => format!("{came}: recorded in outcomes.jsonl, line {line}"),
            Err(why) => format!("{came}: not recorded: {why}"),
        })
    }

    fn what_now(&self) -> &'static str {
        match (self.after, self.change_after) {
            (_, Some(_)) => "Read the rows that are named; a new run rehearses what is left.",
            (Some(_), None) => "Read the units that are named; a new run rehearses what is left.",
            (None, None) => "Do not go ahead on this run: start a new one.",
        }
    }
}

/// Another cluster, database, timeline or role. A restart or a new minor version does not undo a rehearsal; it is shown as a
/// fact of the survey.
fn different_server(one: &ServerIdentity, two: &ServerIdentity) -> Vec<String> {
    let mut different: Vec<String> = one
        .differences(two)
        .into_iter()
        .filter(|line| !line.starts_with("postmaster_start") && !line.starts_with("version"))
        .collect();
    if one.current_user != two.current_user {
        different.push(format!(
            "role: {} -> {}",
            one.current_user, two.current_user
        ));
    }
    different
}

fn keys(changes: &[FactChange]) -> String {
    let keys: Vec<&str> = changes.iter().map(|change| change.key.shown()).collect();
    keys.join(", ")
}

/// The evidence itself does not verify: nothing can be said on it.
pub fn broken(settings: &Settings, run_id: &RunId, findings: &[String]) -> Result<u8, LaunchError> {
    let stop = StopCode::StopEvidenceCorrupt;
    let next = format!(
        "{} names every finding.",
        settings.call.to(format!("verify {}", run_id.tail()))
    );
    let message = "the evidence of this run does not verify; nothing was compared";
    if settings.json() {
        output::document(&RecheckRefused {
            schema: SchemaVersion,
            run_id: run_id.clone(),
            holds: false,
            stop_code: stop,
            findings: findings.to_vec(),
            message: message.to_owned(),
            next,
        })?;
    } else {
        for finding in findings {
            output::line(&format!("{stop}: {}", visible(finding)))?;
        }
        output::say(&format!("drygate: {stop}: {message}"));
    }
    Ok(stop.exit_code())
}

/// Shows what was found on the diff screen; the message is said when it is left.
pub fn show(
    settings: &Settings,
    store: &DirectoryStore,
    found: &Rechecked<'_>,
    comparison: Comparison,
) -> Result<u8, LaunchError> {
    let outcome = found.outcome();
    let recorded = found.record(store);
    let read = LoadedRun::by_id(store, found.run_id.clone())?;
    let code = review::stage(settings, store, &read, comparison, outcome.code)?;
    if code == outcome.code {
        output::say(&visible(&format!("drygate: {}", outcome.message)));
        output::say(&outcome.next);
        if let Some(line) = found.outcome_line(&recorded) {
            output::say(&visible(&line));
        }
    }
    Ok(code)
}

/// Prints what was found and gives the exit code.
pub fn tell(
    settings: &Settings,
    store: &DirectoryStore,
    found: &Rechecked<'_>,
) -> Result<u8, LaunchError> {
    let outcome = found.outcome();
    let recorded = found.record(store);
    if settings.json() {
        if let Some(Err(why)) = &recorded {
            output::say(&visible(&format!("drygate: not recorded: {why}")));
        }
        output::document(&document(found, &outcome, recorded.and_then(Result::ok)))?;
    } else {
        output::print(&text(found, &outcome))?;
        if let Some(line) = found.outcome_line(&recorded) {
            output::line(&visible(&line))?;
        }
    }
    Ok(outcome.code)
}

fn document(
    found: &Rechecked<'_>,
    outcome: &RecheckOutcome,
    recorded_in_line: Option<u64>,
) -> RecheckDocument {
    RecheckDocument {
        schema: SchemaVersion,
        run_id: found.run_id.clone(),
        result: found.result().0.to_owned(),
        holds: outcome.code == exit::OK,
        stop_code: outcome.stop_code,
        exit_code: outcome.code,
        compared_with: SurveyReference {
            snapshot: found.before.snapshot.clone(),
            facts_digest: found.before.facts_digest.clone(),
        },
        survey: RecheckedSurvey {
            snapshot: found.now.snapshot.clone(),
            facts_digest: found.now.facts_digest.clone(),
            server: found.now.server.clone(),
        },
        server: found.server(),
        drift: found.changes.to_vec(),
        beside: found.beside.to_vec(),
        not_comparable: found.not_comparable.to_vec(),
        after: found.after.cloned(),
        change_after: found.change_after.cloned(),
        carried_out: found.carried_out(),
        recorded_in_line,
        proof: found.proof.cloned(),
        message: outcome.message.clone(),
        next: outcome.next.clone(),
    }
}

fn text(found: &Rechecked<'_>, outcome: &RecheckOutcome) -> String {
    let mut lines = vec![
        format!("run_id={}", found.run_id),
        format!("result={}", visible(found.result().0)),
        format!("surveyed_then={}", found.before.snapshot.began_at),
        format!("surveyed_now={}", found.now.snapshot.began_at),
    ];
    lines.extend(found.server().iter().map(|line| visible(line)));
    match found.after {
        None if found.change_after.is_some() => {}
        None => {
            lines.extend(found.changes.iter().flat_map(change_lines));
            for change in found.beside {
                lines.push("beside the change:".to_owned());
                lines.extend(change_lines(change));
            }
        }
        Some(after) => lines.extend(after_lines(after)),
    }
    if let Some(after) = found.change_after {
        lines.extend(rows_lines(after));
    }
    for key in found.not_comparable {
        lines.push(format!("{key}=not comparable"));
    }
    lines.push(visible(&outcome.message));
    lines.push(outcome.next.clone());
    lines.join("\n") + "\n"
}

fn side(value: Option<&String>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| visible(value))
}

fn pair(key: &str, approved: Option<&String>, found: Option<&String>) -> String {
    format!("{}={} -> {}", visible(key), side(approved), side(found))
}

fn change_lines(change: &FactChange) -> Vec<String> {
    let key = change.key.shown();
    let mut lines = vec![pair(key, change.approved.as_ref(), change.found.as_ref())];
    for row in change.rows.iter().take(ROWS_SHOWN) {
        let row = pair(&row.key, row.approved.as_ref(), row.found.as_ref());
        lines.push(format!("  {row}"));
    }
    let more = change.rows.len().saturating_sub(ROWS_SHOWN);
    if more > 0 {
        lines.push(format!("  {more} more; --json has them"));
    }
    lines
}

fn after_lines(after: &After) -> Vec<String> {
    let mut lines = Vec::new();
    for unit in &after.named {
        lines.push(format!(
            "{} {}: predicted {}, found {}",
            visible(&unit.key),
            unit.outcome.words(),
            unit.predicted,
            visible(&unit.found)
        ));
    }
    for table in &after.tables {
        let found = match (table.found, &table.not_known) {
            (Some(found), _) => format!("found {}", audit::row_words(found)),
            (None, Some(why)) => format!("not compared: {why}"),
            (None, None) => "not compared".to_owned(),
        };
        lines.push(format!(
            "{}: predicted {}, {found}",
            visible(&table.table),
            audit::row_words(table.predicted)
        ));
    }
    if !after.rows_compared {
        lines.push("rows were not compared unit by unit: too many units".to_owned());
    }
    for change in &after.beside {
        lines.push("beside the prediction:".to_owned());
        lines.extend(change_lines(change));
    }
    lines
}

fn rows_lines(after: &ChangeAfter) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &after.rows.tables {
        lines.push(visible(&table.line()));
        let rows = table.rows.iter().take(ROWS_SHOWN);
        lines.extend(rows.map(|row| format!("  {}", visible(&row.line()))));
        more(&mut lines, table.rows.len());
    }
    if after.rows.schema != SchemaOutcome::Unchanged {
        lines.push(format!("schema: {}", after.rows.schema.words()));
    }
    let shown = after.rows.schema_lines.iter().take(ROWS_SHOWN);
    lines.extend(shown.map(|line| format!("  {}", visible(line))));
    more(&mut lines, after.rows.schema_lines.len());
    for moved in &after.moved {
        let key = moved.key.shown();
        lines.push(match &moved.predicted {
            Some(predicted) => {
                let line = pair(key, moved.before.as_ref(), moved.now.as_ref());
                format!("{line}, predicted {}", visible(predicted))
            }
            None => format!("{}: moved with the change", visible(key)),
        });
    }
    for change in &after.beside {
        lines.push("beside the change:".to_owned());
        lines.extend(change_lines(change));
    }
    for what in &after.rows.not_checked {
        lines.push(format!("NOT CHECKED {}", visible(what)));
    }
    lines
}

fn more(lines: &mut Vec<String>, all: usize) {
    if all > ROWS_SHOWN {
        lines.push(format!("  {} more; --json has them", all - ROWS_SHOWN));
    }
}
