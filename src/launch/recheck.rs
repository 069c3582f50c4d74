//! `drygate recheck`: one read-only survey against a sealed run.
//! Invariant: without `--after` nothing that is not a verified PASS gives 0 (`Rechecked::outcome`; test
//! `a_sealed_pass_holds_until_one_row_changes_and_then_names_it` of tests/integration/recheck.rs).

use std::io::{BufRead, BufReader};

use super::recheck_result::Rechecked;
use super::survey::{Streamed, SurveyWitness};
use super::{LaunchError, lookup, print, recheck_result, rehearse, run, run_plan, verify};
use crate::audit;
use crate::audit::{After, AfterMatcher, ChangeAfter, TableRows, UnitsJudged};
use crate::cli::{RunRef, Settings};
use crate::compare::{AfterChange, Comparison, RecheckSurvey};
use crate::journal::{Blobs, DirectoryStore, JournalError, RunStore, kept_salt};
use crate::postgres::LiveReadOnlyDiscoverer;
use crate::profile::Profile;
use crate::rehearsal::{ChangeScript, Copies, LedgerUse};
use crate::run::{
    ApprovalGate, ChangeRehearsed, RehearsalOutcome, RowsAfter, RunCreated, RunId, RunState,
    StepDone, StopCode, Verdict,
};
use crate::runner::target::{SurveyRequest, Taken, Target as _};
use crate::simulate::{SimulatedStep, UnitDecision};
use crate::survey::{
    Digest, DocumentSource, EvidenceFormat, FactChange, FactDocument, FactKey, ServerIdentity,
    Sides, Survey, TransactionProof, changes_with_rows, rows_of,
};

/// The unit ledger, a line at a time.
type Ledger = Box<dyn Iterator<Item = UnitDecision>>;

/// A run that can be rechecked.
struct SealedRun {
    run_id: RunId,
    run: RunState,
    created: RunCreated,
    profile: Profile,
    blobs: Blobs,
}

impl SealedRun {
    /// The error of a run that lacks something, with the exit code of its own stop.
    fn lacks(&self, why: impl Into<String>) -> LaunchError {
        LaunchError::NotRechecked {
            run_id: self.run_id.clone(),
            why: why.into(),
            stop: self.run.stop_code(),
            next: None,
        }
    }
}

/// `drygate recheck RUN_ID [--after]`.
pub fn recheck(settings: &Settings, meant: &RunRef, after: bool) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    if !store.is_sealed(&run_id)? {
        let run = lookup::history(&store, &run_id)?.into_run();
        return Err(LaunchError::NotRechecked {
            why: "is not sealed: there is no result yet that could still hold".to_owned(),
            stop: run.stop_code(),
            next: Some(run.come_back(&settings.call)),
            run_id,
        });
    }
    let broken = verify::findings(&store, &run_id)?;
    if !broken.is_empty() {
        return recheck_result::broken(settings, &run_id, &broken);
    }
    let sealed = read(&store, run_id)?;
    let Some(before) = sealed.run.post.as_deref().or(sealed.run.pin.as_deref()) else {
        return Err(sealed.lacks("ended before its first survey: there is nothing to compare with"));
    };
    let predicted = if after { enact(&sealed)? } else { None };
    let ledger = || predicted.map(|step| open_ledger(&store, &sealed, step));
    let (mut taken, seen) = survey(settings, &sealed, before, ledger)
        .map_err(|error| over_demo(settings, &sealed, error))?;
    let rows = after.then(|| rows_after(settings, &store, &sealed));
    let (rows, read) = rows.transpose()?.flatten().unzip();
    let then = |digest: &Digest| sealed.blobs.open(digest);
    let documents = std::mem::take(&mut taken.documents);
    let now = |digest: &Digest| {
        let text = of_digest(&documents, digest)?.text();
        Some(Box::new(text.as_bytes()) as Box<dyn BufRead>)
    };
    let formats = Sides::new(sealed.created.evidence_format, EvidenceFormat::NEWEST);
    let grants = sealed.profile.grants_key();
    let not_comparable = audit::not_comparable(formats, &before.facts, &taken.survey.facts, grants);
    let differing = changes_with_rows(before, &taken.survey, &then, &now);
    let (mut changes, mut beside) = (differing.voids, differing.beside);
    for list in [&mut changes, &mut beside] {
        list.retain(|change| !not_comparable.contains(&change.key));
    }
    let moved = MovedSince {
        sealed: &sealed,
        taken: &taken,
        changes: &changes,
    };
    let change_after = rows.map(|rows| moved.rows(rows));
    let protected = || {
        let mut rows = table_rows(
            &sealed.profile,
            Sides::new(before, &taken.survey),
            &then,
            &now,
        );
        for (content, (_, rows)) in sealed.profile.contents.iter().zip(&mut rows) {
            // The documents are written otherwise: nothing can be said of their rows.
            if not_comparable.iter().any(|key| key.as_str() == content.key) {
                *rows = Err("its rows were digested in another format by an earlier version");
            }
        }
        rows
    };
    let after = seen
        .units
        .and_then(|units| moved.units(units, protected, change_after.as_ref()));
    let change_after = change_after.map(|mut of_rows| {
        // What the units explain is not beside the change.
        let by_units = |key: &FactKey| {
            let mut moved = after.iter().flat_map(|of_units| &of_units.moved);
            moved.any(|moved| moved.key == *key)
        };
        of_rows.beside.retain(|change| !by_units(&change.key));
        of_rows
    });
    let found = Rechecked {
        run: &sealed.run,
        run_id: &sealed.run_id,
        before,
        now: &taken.survey,
        proof: seen.proof.as_ref(),
        changes: &changes,
        beside: &beside,
        not_comparable: &not_comparable,
        after: after.as_ref(),
        change_after: change_after.as_ref(),
        rows_proof: read.as_ref().and_then(|read| read.proof.as_ref()),
        rows_server: read.as_ref().and_then(|read| read.server.as_ref()),
    };
    if settings.headless {
        return recheck_result::tell(settings, &store, &found);
    }
    let of_now = RecheckSurvey {
        survey: &taken.survey,
        proof: found.proof,
        documents,
        origins: &taken.origins,
        changes: &changes,
        beside: &beside,
        after: found.after,
        change_after: found.change_after,
        came: after_change(&found),
    };
    let comparison = Comparison::rechecked(&sealed.run, before, of_now);
    recheck_result::show(settings, &store, &found, comparison)
}

/// What came of the change, for the headline of the screen; `None`: it was not asked for.
fn after_change(found: &Rechecked<'_>) -> Option<AfterChange> {
    let asked = found.after.is_some() || found.change_after.is_some();
    let outcome = found.outcome();
    asked.then(|| AfterChange {
        came: found.carried_out(),
        says: format!("{}. {}", outcome.message, outcome.next),
    })
}

/// The server of a demo is gone with it.
fn over_demo(settings: &Settings, sealed: &SealedRun, error: LaunchError) -> LaunchError {
    let lost = error.stop_code() == Some(StopCode::StopDatabaseUnavailable);
    if lost && sealed.run.is_demo() && settings.database_url.is_none() {
        let run_id = sealed.run_id.clone();
        return LaunchError::DemoIsOver { run_id };
    }
    error
}

/// What moved since the run, to be judged by what was predicted.
struct MovedSince<'a> {
    sealed: &'a SealedRun,
    taken: &'a Taken,
    changes: &'a [FactChange],
}

impl MovedSince<'_> {
    /// The relations that the query of a fact reads.
    fn read_by(&self, key: &str) -> Vec<String> {
        let query = match key {
            "pieces" => "source pieces".to_owned(),
            key => format!("fact {key}"),
        };
        let mut rulings = self.taken.rulings.iter();
        let ruling = rulings.find(|ruling| ruling.query == query);
        ruling.map_or_else(Vec::new, |ruling| ruling.relations.clone())
    }

    fn rows(&self, rows: RowsAfter) -> ChangeAfter {
        let outcome = rehearsed(&self.sealed.run).map(|(_, outcome)| outcome);
        let read_by = |key: &str| self.read_by(key);
        ChangeAfter::judge(&self.sealed.profile, outcome, rows, self.changes, &read_by)
    }

    /// `None`: nothing was simulated.
    fn units(
        &self,
        units: UnitsJudged,
        protected: impl FnOnce() -> Vec<TableRows>,
        by_rows: Option<&ChangeAfter>,
    ) -> Option<After> {
        let profile = &self.sealed.profile;
        let (effect, _) = self.sealed.run.predicted.as_ref()?;
        let lifecycle = profile.lifecycle.as_ref()?;
        // What the rows explain is not asked of the units.
        let explained = |key: &FactKey| {
            let mut moved = by_rows.into_iter().flat_map(|after| &after.moved);
            moved.any(|moved| moved.key == *key)
        };
        let changes = self.changes.iter().filter(|change| !explained(&change.key));
        let changes = changes.cloned().collect();
        let read_by = |key: &str| self.read_by(key);
        let rows = protected();
        Some(audit::after(
            profile, lifecycle, effect, units, &rows, changes, &read_by,
        ))
    }
}

fn of_digest<'d>(documents: &'d [FactDocument], digest: &Digest) -> Option<&'d FactDocument> {
    let mut documents = documents.iter();
    documents.find(|document| document.reference().sha256 == *digest)
}

fn read(store: &DirectoryStore, run_id: RunId) -> Result<SealedRun, LaunchError> {
    let run = lookup::history(store, &run_id)?.into_run();
    let blobs = store.blobs(&run_id)?;
    let Some(created) = run.created.as_deref().cloned() else {
        return Err(LaunchError::NeverBegun { run_id });
    };
    let (_, profile) = print::recorded_profile(&run_id, &created, &blobs)?;
    Ok(SealedRun {
        run_id,
        run,
        created,
        profile,
        blobs,
    })
}

/// What the last step decided, unit by unit, in the round that the run ended with.
fn enact(sealed: &SealedRun) -> Result<Option<&StepDone>, LaunchError> {
    let mut steps = sealed.run.steps.iter().rev();
    let step = steps.find(|s| s.step == SimulatedStep::Enact);
    if step.is_none() && rehearsed(&sealed.run).is_none() {
        let last = sealed.run.words().step(SimulatedStep::Enact);
        return Err(sealed.lacks(format!(
            "never simulated {last} and rehearsed no change: it predicted nothing that could have come true"
        )));
    }
    Ok(step)
}

/// What the change did when it was rehearsed last, for the approval of SG2.
fn rehearsed(run: &RunState) -> Option<(&ChangeRehearsed, &RehearsalOutcome)> {
    let last = run.rehearsal_of(ApprovalGate::SG2)?;
    Some((last, last.outcome.as_deref()?))
}

/// The rows and the schema of production beside those of the rehearsal; `None`: there was none.
fn rows_after(
    settings: &Settings,
    store: &DirectoryStore,
    sealed: &SealedRun,
) -> Result<Option<(RowsAfter, RowsRead)>, LaunchError> {
    let run = &sealed.run;
    let Some(((last, outcome), declared)) = rehearsed(run).zip(run.change()) else {
        return Ok(None);
    };
    let not_compared = |why: &str| {
        let rows = RowsAfter {
            not_checked: vec![why.to_owned()],
            ..RowsAfter::default()
        };
        Ok(Some((rows, RowsRead::default())))
    };
    let Some(ledger) = &last.ledger else {
        return not_compared(
            "no ledger of its rows is kept: the run is of an earlier version, or the change failed",
        );
    };
    let path = DirectoryStore::run_path(&sealed.run_id);
    let salt = kept_salt(&**store.storage(), &path)?;
    let salt = salt.filter(|salt| Some(Digest::of(salt)) == outcome.key_salt_sha256);
    let Some(key_salt) = salt else {
        return not_compared(
            "the salt of its row keys is not here: it stays on the machine of the run",
        );
    };
    let wrote = outcome.effect.iter().map(|table| table.table.clone());
    let read = outcome.seeded.iter().map(|table| table.table.clone());
    let change = ChangeScript {
        phases: Vec::new(),
        command: None,
        role: declared.role.clone(),
        hidden: run::hidden(&settings.data_dir.value),
        copies: Copies::All,
        asked: read.chain(wrote).collect(),
        show: declared.show.clone(),
        name: format!("drygate/recheck/{}", sealed.run_id.tail()),
        key_salt,
    };
    let connection = run::connection_of(settings, &sealed.created)?;
    let open = || sealed.blobs.open(ledger);
    let profile = &sealed.profile;
    let found = rehearse::on_shadow(&connection, profile, &change, LedgerUse::Compare(&open))?;
    if let Some(rows) = found.compared {
        let read = RowsRead {
            proof: found.proof,
            server: found.production,
        };
        return Ok(Some((rows, read)));
    }
    let mut checks = found.checks.iter();
    let why = checks.find(|check| check.verdict != Verdict::Pass);
    not_compared(why.map_or("no check says why", |check| &check.says))
}

/// Where the rows of production were read.
#[derive(Default)]
struct RowsRead {
    /// What was measured of their transaction.
    proof: Option<TransactionProof>,
    /// The server.
    server: Option<ServerIdentity>,
}

fn open_ledger(
    store: &DirectoryStore,
    sealed: &SealedRun,
    step: &StepDone,
) -> Result<Ledger, LaunchError> {
    let path = DirectoryStore::run_path(&sealed.run_id).join(&step.ledger.file);
    let file = store
        .storage()
        .open_read(&path, 0)
        .map_err(JournalError::from)?;
    // Its length and digest were verified before: every line is there and parses.
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    Ok(Box::new(lines.filter_map(|line| {
        serde_json::from_str::<UnitDecision>(&line).ok()
    })))
}

/// Why nothing is known of the rows of a protected table.
const NOT_KEPT: &str = "it is too long: its rows were not kept";

fn table_rows<'a>(
    profile: &Profile,
    surveys: Sides<&Survey>,
    then: DocumentSource<'a>,
    now: DocumentSource<'a>,
) -> Vec<TableRows> {
    let contents = profile.contents.iter();
    contents
        .map(|content| {
            let rows = rows_of(&content.key, surveys.before, surveys.after, then, now);
            (content.table.clone(), rows.ok_or(NOT_KEPT))
        })
        .collect()
}

/// What was seen besides the facts.
struct RecheckReads {
    proof: Option<TransactionProof>,
    units: Option<UnitsJudged>,
}

/// `ledger` opens what was predicted, anew for each try of the survey; `None`: nothing is judged by it.
fn survey(
    settings: &Settings,
    sealed: &SealedRun,
    before: &Survey,
    ledger: impl Fn() -> Option<Result<Ledger, LaunchError>>,
) -> Result<(Taken, RecheckReads), LaunchError> {
    let connection = run::connection_of(settings, &sealed.created)?;
    let mut target = LiveReadOnlyDiscoverer::new(
        connection,
        sealed.profile.clone(),
        &format!("recheck/{}", sealed.run_id.tail()),
    )
    .for_role(sealed.run.change().map(|change| change.role.as_str()));
    target.pin_runs(audit::pinned_runs(&sealed.run));
    let lifecycle = sealed.profile.lifecycle.as_ref();
    let mut matcher = Ok(None);
    let witness = SurveyWitness::new(|streamed| match (streamed, &mut matcher) {
        // A survey that is tried again streams from the beginning, so the ledger is opened again.
        (Streamed::Begin, matcher) => {
            let begun = ledger().transpose();
            let begun = begun.map(|ledger| ledger.zip(lifecycle));
            *matcher = begun
                .map(|begun| begun.map(|(rows, lifecycle)| AfterMatcher::new(lifecycle, rows)));
        }
        (Streamed::Pairing(pairing), Ok(Some(matcher))) => matcher.feed(pairing),
        (Streamed::Pairing(_) | Streamed::Progress(_), _) => {}
    });
    // The blobs of the run have them, and all documents together are long.
    let witness = witness.keeping(before.documents());
    let (taken, proof) = witness.look(&mut target, SurveyRequest::SURVEY)?;
    let matcher = matcher?;
    // Units that were not all read are not judged.
    let read = taken.survey.unread.is_empty();
    let units = matcher.filter(|_| read).map(AfterMatcher::finish);
    Ok((taken, RecheckReads { proof, units }))
}
