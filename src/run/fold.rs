//! The state of a run, folded from the events of its journal. It changes only through [`super::History::take`] (doc tests of
//! [`super::History`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::budget::Costs;
use super::fold_parts::{
    Approval, ApprovalStatus, Drift, EventRow, Evidence, GateRun, LiveView, RaisedStop, StepDone,
    SurveySummary, Transaction, TransactionEnd, is_work,
};
use super::fold_transactions::ReadsAside;
use super::{
    ApprovalGate, ChangeFile, ChangeFileNow, ChangeRehearsed, Check, CheckName, ContextPins,
    CopyListed, Event, Gate, HookRun, Invocation, JournalHead, NonMutation, ProgramFile, Purpose,
    ReadMoments, Readings, RenewalReason, RepositoryLook, RepositoryState, RunCreated, RunId,
    RunResult, State, StopCode, SurveyPurpose, SurveyTaken, TeamWords, TestsDeclared,
    UnitsProgressed, Verdict,
};
use crate::simulate::{PredictedEffect, Simulation, StepCounts};
use crate::survey::{Attribution, Digest, FactChange, Survey, UtcTime, compare};

/// Rows kept for the events pane; older ones are counted.
const EVENT_ROWS_MAX: usize = 2_000;

/// Everything that is known of a run. What is large and seldom changes is shared between copies: playback keeps one each few
/// hundred lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// How it was started; `None` before the first event.
    pub created: Option<Arc<RunCreated>>,
    /// Time of the first event.
    pub started_at: Option<UtcTime>,
    /// State of the run's machine.
    pub state: State,
    /// When the state was reached.
    pub state_since: Option<UtcTime>,
    /// Number and time of the last event.
    pub last: Option<(u64, UtcTime)>,
    /// SHA-256 of the line of the last event.
    pub head: Option<Digest>,
    /// The gates that were begun.
    pub gates: BTreeMap<Gate, GateRun>,
    /// The pin: the survey that everything is compared with.
    pub pin: Option<Arc<Survey>>,
    /// What the simulator made of the pin.
    pub pin_simulation: Option<Arc<Simulation>>,
    /// The last full survey and what it was for.
    pub latest: Option<(SurveyPurpose, Arc<Survey>)>,
    /// What the last full survey differs in from the pin beside the change, with rows.
    pub beside: Vec<FactChange>,
    /// What the simulator made of the last full survey.
    pub latest_simulation: Option<Arc<Simulation>>,
    /// Every full survey of the run: the claims D and E are about all of them.
    pub surveys: Arc<Vec<SurveySummary>>,
    /// The post survey, once taken.
    pub post: Option<Arc<Survey>>,
    /// What was read last while waiting.
    pub live: Option<LiveView>,
    /// When facts were read, and between which readings one of them changed.
    pub readings: Readings,
    /// How often the facts were pinned anew: after drift, or where new evidence was asked for.
    pub renewals: u32,
    /// Context pins, once written at G2.
    pub context: Option<Arc<ContextPins>>,
    /// The predicted effect and counts.
    pub predicted: Option<(PredictedEffect, StepCounts)>,
    /// The steps simulated in this round.
    pub steps: Vec<StepDone>,
    /// The evidence of the gate that waits or waited last.
    pub evidence: Option<Evidence>,
    /// When the facts were last read in full and were those of the pin; at first when the pin was read.
    pub equal_at: Option<UtcTime>,
    /// Digests of evidence that is no longer current.
    pub earlier_evidence: Vec<(ApprovalGate, Digest)>,
    /// All decisions of people; none is ever removed.
    pub approvals: Vec<Approval>,
    /// A drift that stands.
    pub drift: Option<Drift>,
    /// What is visible of who changed the facts, as it was found last.
    pub attribution: Option<Box<Attribution>>,
    /// New evidence was asked for and is not yet taken.
    pub renewal: Option<RenewalReason>,
    /// Evidence of drift that the next sheet leads with.
    pub drifted_before: Option<Drift>,
    /// Our transactions, but for the reads that were set aside.
    pub transactions: Vec<Transaction>,
    /// What is left of the reads that were set aside.
    pub reads_aside: ReadsAside,
    /// What all of them have cost together.
    pub costs: Costs,
    /// Blobs of the statements that processes of this run have sent.
    pub statements: Vec<Digest>,
    /// The non-mutation judgement, once made.
    pub non_mutation: Option<Arc<NonMutation>>,
    /// Returns: state, stop code, time.
    pub returns: Vec<(State, Option<StopCode>, UtcTime)>,
    /// A stop was reached and not yet returned to a person.
    pub owes_return: bool,
    /// A stop that was reached and is not raised yet: a crash came in between, or it is the next thing to do.
    pub owed_stop: Option<StopCode>,
    /// Why the last decision was refused, until one is recorded or new evidence is taken.
    pub refused: Option<String>,
    /// All stops, in the order of the journal.
    pub stops: Vec<RaisedStop>,
    /// The database was lost during work, which stands until somebody tries again: the stop that says so.
    pub database_lost: Option<RaisedStop>,
    /// Hooks that were started before the seal.
    pub hooks: Vec<HookRun>,
    /// How often a process took the run up.
    pub resumes: u32,
    /// Who took it up each time, and with which binary.
    pub invocations: Vec<Invocation>,
    /// The full test run as it was declared.
    pub declared_tests: Option<TestsDeclared>,
    /// What was found last where the program of the run had been; `None`: it was never seen replaced.
    pub program_replaced: Option<ProgramFile>,
    /// That was recorded since the evidence was taken: who decides on that evidence was not told.
    pub program_moved: bool,
    /// The repository as G0 saw it last; `None`: it saw none.
    pub repository: Option<Arc<RepositoryState>>,
    /// What was found when it was looked at again; `None`: it was never seen otherwise.
    pub repository_found: Option<Arc<RepositoryLook>>,
    /// The files of the change as they were read last; none: the run has no change.
    pub change_files: Option<Arc<Vec<ChangeFile>>>,
    /// What was found of them since, where that was something else.
    pub change_found: Option<Arc<Vec<ChangeFileNow>>>,
    /// The tables that may be copied for the change.
    pub copy: Option<Arc<CopyListed>>,
    /// When facts and rows of the last rehearsal were read.
    pub read_moments: Option<ReadMoments>,
    /// The rehearsals of the phase of SG1 in this round: the one that SG1's sheet shows, then those for its approval.
    pub first_phases: Vec<Arc<ChangeRehearsed>>,
    /// The rehearsals of the whole change in this round, in order.
    pub rehearsals: Vec<Arc<ChangeRehearsed>>,
    /// A rehearsal on copied rows was begun, and nothing was recorded since by which they are gone again.
    pub copying: bool,
    /// Result and exit code, once sealed.
    pub sealed: Option<(String, RunResult, u8)>,
    /// Version of the report templates, once sealed.
    pub template_version: Option<u32>,
    /// Reports and their digests, once sealed.
    pub reports: Vec<(String, Digest)>,
    /// The last rows for the events pane.
    pub rows: VecDeque<EventRow>,
    /// Rows that are no longer kept.
    pub rows_dropped: u64,
}

impl RunState {
    /// The round: 1, and one more after each drift.
    pub fn round(&self) -> u32 {
        self.renewals + 1
    }

    /// The run's name, once created.
    pub fn run_id(&self) -> Option<&RunId> {
        self.created.as_ref().map(|created| &created.run_id)
    }

    /// The last line of its journal; `None` before the first.
    pub fn journal_head(&self) -> Option<JournalHead> {
        let ((seq, _), sha256) = self.last.zip(self.head.clone())?;
        Some(JournalHead { seq, sha256 })
    }

    /// Whether the run ended before its closeout, rejected or failed: what was to come will not.
    pub fn ended_early(&self) -> bool {
        matches!(self.state, State::Rejected | State::Failed)
    }

    /// Whether the facts were read again, in part or all, since they were pinned: one snapshot alone says nothing of change.
    pub fn has_read_again(&self) -> bool {
        let pinned = self.pin.as_ref().map(|pin| &pin.snapshot.nonce);
        let latest = self.latest.as_ref().map(|(_, last)| &last.snapshot.nonce);
        self.live
            .as_ref()
            .is_some_and(|live| live.read_at.is_some())
            || latest != pinned
    }

    /// The gate that the run waits at, unless it is sealed.
    pub fn waits_at(&self) -> Option<ApprovalGate> {
        if self.sealed.is_some() {
            None
        } else {
            self.state.awaits()
        }
    }

    /// The approval that is recorded and has not taken effect.
    pub fn pending_approval(&self) -> Option<&Approval> {
        self.approvals
            .iter()
            .rev()
            .find(|approval| approval.status == ApprovalStatus::Pending)
    }

    /// Whether a person rejected the run, though it may not have ended yet.
    pub fn is_rejected(&self) -> bool {
        let rejection = |a: &Approval| a.status == ApprovalStatus::Rejection;
        self.approvals.iter().any(rejection)
    }

    /// Whether `later` was read in another transaction, journalled before its BEGIN and after `earlier` had closed (claim B).
    pub fn follows(&self, earlier: &Survey, later: &Survey) -> bool {
        let place = |survey: &Survey| {
            self.transactions.iter().position(|transaction| {
                matches!(&transaction.end, TransactionEnd::Closed(proof) if proof.nonce == survey.snapshot.nonce)
            })
        };
        let in_order =
            matches!((place(earlier), place(later)), (Some(one), Some(two)) if one < two);
        in_order && earlier.snapshot.differs_from(&later.snapshot)
    }

    /// The plain label of a gate: `allow CHANGE`; empty before the run was created.
    pub fn gate_label(&self, gate: ApprovalGate) -> &str {
        let labels = self.created.as_ref().map(|created| &created.gate_labels);
        match (labels, gate) {
            (Some(labels), ApprovalGate::SG1) => &labels[0],
            (Some(labels), ApprovalGate::SG2) => &labels[1],
            (None, _) => "",
        }
    }

    /// The words that the run speaks in: those it recorded.
    pub fn words(&self) -> &TeamWords {
        match &self.created {
            Some(created) => created.words(),
            None => TeamWords::plain(),
        }
    }

    /// All checks of all gates, in order.
    pub fn checks(&self) -> impl Iterator<Item = (Gate, &Check)> {
        self.gates
            .iter()
            .flat_map(|(gate, run)| run.checks.iter().map(move |check| (*gate, check)))
    }

    /// PASS, FAIL, NOT CHECKED and OUT OF SCOPE checks recorded so far.
    pub fn verdict_counts(&self) -> [u64; 4] {
        let mut counts = [0; 4];
        for (_, check) in self.checks() {
            counts[match check.verdict {
                Verdict::Pass => 0,
                Verdict::Fail => 1,
                Verdict::NotChecked => 2,
                Verdict::OutOfScope => 3,
                Verdict::NotAsked => continue,
            }] += 1;
        }
        counts
    }

    /// Whether a gate is finished.
    pub fn finished(&self, gate: Gate) -> Option<Verdict> {
        self.gates.get(&gate)?.finished.map(|(verdict, _)| verdict)
    }

    /// Changes the run by one event that is [legal](super::legal()). Only [`super::History::take`] calls it.
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    pub(super) fn apply(&mut self, seq: u64, at: UtcTime, event: &Event) {
        self.remember_row(seq, at, event);
        self.last = Some((seq, at));
        if is_work(event) {
            self.database_lost = None;
        }
        match event {
            Event::RunCreated(created) => {
                self.created = Some(Arc::new((**created).clone()));
                self.started_at = Some(at);
                self.state_since = Some(at);
            }
            Event::RunResumed(invocation) => {
                self.resumes += 1;
                // What a killed process left is swept when one is started, on the same machine.
                let hosts = self.invocations.last().map(|last| &last.by.host);
                let hosts = hosts.or_else(|| self.created.as_ref().map(|it| &it.by.host));
                self.copying &= hosts.is_none_or(|host| *host != invocation.by.host);
                self.invocations.push((**invocation).clone());
                self.owes_return = true;
                // The process that had it open has died, so its end can no longer be seen.
                self.abandon_open_transactions();
            }
            Event::GateStarted(started) => self.start_gate(at, started.gate),
            Event::CheckRecorded(recorded) => {
                if let Some(run) = self.gates.get_mut(&recorded.gate) {
                    let checks = Arc::make_mut(&mut run.checks);
                    // A check that is recorded again replaces the one before (G3, whose checks are recorded as far as they are
                    // known).
                    checks.retain(|known| known.name != recorded.check.name);
                    checks.push(recorded.check.clone());
                }
                if recorded.check.name == CheckName::RepositoryPresent {
                    let seen = recorded.check.own_raw().get("repository").cloned();
                    let seen = seen.and_then(|seen| serde_json::from_value(seen).ok());
                    self.repository = seen.map(Arc::new);
                }
            }
            Event::GateFinished(finished) => {
                if let Some(run) = self.gates.get_mut(&finished.gate) {
                    run.finished = Some((finished.verdict, at));
                }
            }
            Event::TransactionOpened(opened) => {
                let copies = opened.purpose == Purpose::Rehearsal;
                self.copying |= copies && self.pending_approval().is_some();
                self.open_transaction(at, opened);
            }
            Event::TransactionClosed(closed) => {
                let end = TransactionEnd::Closed(closed.proof.clone());
                self.end_transaction(closed.id, end, None);
            }
            Event::TransactionUnseen(unseen) => {
                let end = TransactionEnd::Unseen(unseen.reason.clone());
                self.end_transaction(unseen.id, end, Some(at));
                self.copying = false;
            }
            Event::SurveyTaken(taken) => self.take_survey(at, taken),
            Event::StatementsRecorded(recorded) => self.statements.push(recorded.blob.clone()),
            Event::ContextPinned(pinned) => {
                self.context = Some(Arc::new((*pinned.context).clone()));
            }
            Event::EffectPredicted(predicted) => {
                self.predicted = Some((predicted.predicted.clone(), predicted.counts.clone()));
            }
            Event::UnitsProgressed(progressed) => self.take_step(at, progressed),
            Event::StateChanged(changed) => self.apply_state(at, changed.to),
            Event::LiveRead(read) => {
                self.read_while_waiting(read);
                self.take_live_read(read);
                self.extend_evidence(at, read);
            }
            Event::InvocationReturned(returned) => {
                self.returns.push((returned.state, returned.stop_code, at));
                self.owes_return = false;
            }
            Event::NonMutationJudged(judged) => {
                self.non_mutation = Some(Arc::new((**judged).clone()));
            }
            Event::RunSealed(sealed) => {
                self.template_version = Some(sealed.template_version);
                self.sealed = Some((sealed.result.clone(), sealed.outcome, sealed.exit_code));
                self.reports.clone_from(&sealed.reports);
            }
            Event::ChangesAttributed(found) => self.attribution = Some(found.clone()),
            Event::ProgramReplaced(replaced) => {
                self.program_replaced = Some(replaced.found.clone());
                self.program_moved = true;
            }
            Event::RepositoryMoved(moved) => {
                self.repository_found = Some(Arc::new(moved.found.clone()));
            }
            Event::ChangeRead(read) => {
                self.change_files = Some(Arc::new(read.files.clone()));
                self.change_found = None;
            }
            Event::ChangeMoved(moved) => {
                self.change_found = Some(Arc::new(moved.files.clone()));
            }
            Event::CopyListed(listed) => self.copy = Some(Arc::new(listed.clone())),
            Event::ChangeRehearsed(rehearsed) => {
                let rehearsed = Arc::new((**rehearsed).clone());
                self.read_moments = self.moments();
                match (rehearsed.first_phase, self.state) {
                    (true, State::Surveyed) => self.first_phases = vec![rehearsed],
                    (true, _) => self.first_phases.push(rehearsed),
                    (false, _) => self.rehearsals.push(rehearsed),
                }
                self.copying = false;
            }
            Event::TestsDeclared(declared) => self.declared_tests = Some(declared.clone()),
            Event::HookStarted(started) => self.start_hook(seq, at, started),
            Event::HookRan(ran) => self.end_hook(ran.started, &ran.outcome),
            Event::ApprovalRefused(refused) => self.refused = Some(refused.reason.clone()),
            Event::TornTailSetAside(_) => {}
            Event::EvidenceTaken(taken) => self.take_evidence(at, taken),
            Event::EvidenceShown(shown) => self.show_evidence(at, shown),
            Event::StopRaised(stop) => self.raise(at, stop),
            Event::ApprovalRecorded(recorded) => self.record_decision(at, recorded),
            Event::DriftFound(found) => self.find_drift(at, found),
            Event::EvidenceRenewed(renewed) => self.renewal = Some(renewed.reason),
        }
    }

    fn start_gate(&mut self, at: UtcTime, gate: Gate) {
        let attempts = self.gates.get(&gate).map_or(0, |run| run.attempts) + 1;
        self.gates.insert(
            gate,
            GateRun {
                started_at: at,
                attempts,
                checks: Arc::default(),
                finished: None,
            },
        );
        if gate == Gate::G0 {
            self.repository = None;
            self.repository_found = None;
        }
        // The resume proof at G4 is a return of its own, which the closing order owes.
        if gate == Gate::G4 {
            self.owes_return = true;
        }
    }

    fn take_survey(&mut self, at: UtcTime, taken: &SurveyTaken) {
        let SurveyTaken {
            purpose,
            survey,
            simulation,
            beside,
        } = taken;
        self.note_survey_of(&survey.snapshot.nonce);
        self.read_by_survey(*purpose, survey);
        Arc::make_mut(&mut self.surveys).push(SurveySummary::of(*purpose, survey));
        self.latest = Some((*purpose, survey.clone()));
        self.latest_simulation.clone_from(simulation);
        self.beside.clone_from(beside);
        match purpose {
            SurveyPurpose::Pin => {
                self.pin = Some(survey.clone());
                self.pin_simulation.clone_from(simulation);
                // Live reads were compared with the pin before.
                self.live = None;
            }
            SurveyPurpose::Post => self.post = Some(survey.clone()),
            SurveyPurpose::ApproveSg1 | SurveyPurpose::ApproveSg2 | SurveyPurpose::Again => {}
        }
        let pin = self.pin.as_ref();
        let equal = pin.is_some_and(|pin| compare(pin, survey).is_empty());
        if equal && self.moved_server(&survey.server).is_empty() {
            self.equal_at = Some(at);
        }
    }

    fn take_step(&mut self, at: UtcTime, progressed: &UnitsProgressed) {
        self.steps.retain(|done| done.step != progressed.step);
        self.steps.push(StepDone {
            step: progressed.step,
            round: progressed.round,
            counts: progressed.counts.clone(),
            effect: progressed.effect.clone(),
            ledger: progressed.ledger.clone(),
            at,
        });
    }

    fn remember_row(&mut self, seq: u64, at: UtcTime, event: &Event) {
        let quiet = matches!(
            event,
            Event::TransactionOpened(_)
                | Event::TransactionClosed(_)
                | Event::StatementsRecorded(_)
        );
        // Each live read brings a transaction: a waiting run would fill the pane with them.
        if quiet
            && self
                .rows
                .back()
                .is_some_and(|last| last.name == "live_read")
        {
            return;
        }
        let text = super::rows::text(self.words(), event).into();
        let last = self.rows.back_mut();
        let row = EventRow {
            seq,
            at,
            name: event.name(),
            text,
            folded: 0,
        };
        if let (Event::LiveRead(_), Some(last)) = (event, last)
            && (last.name, &last.text) == (row.name, &row.text)
        {
            let folded = last.folded + 1;
            *last = EventRow { folded, ..row };
            return;
        }
        if self.rows.len() == EVENT_ROWS_MAX {
            self.rows.pop_front();
            self.rows_dropped += 1;
        }
        self.rows.push_back(row);
    }
}
