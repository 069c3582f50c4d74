//! The checks of each gate, made again whole: verdict, words and raw values.
//! Invariant: what only the world could say (a fresh process, the repository at the end, the disk) is taken from the recorded
//! values, and only a PASS is made again from it (`gate_findings`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::audit::{
    self, Feasibility, Forbidden, FreshFold, FreshResume, Recomputed, ReportRendering,
    ResumeResult, SecretScan,
};
use crate::journal::Blobs;
use crate::profile::Profile;
use crate::run::{
    Check, CheckName, Event, Gate, GateStarted, History, ProgramFile, RepositoryState, RunState,
    TransactionEnd, Verdict,
};
use crate::runner::rendered;
use crate::survey::Digest;

/// What the checks of the last gates were computed from, as the journal had it then.
#[derive(Debug, Default)]
pub(super) struct ClosingRecords {
    /// The run that a fresh process resumed a copy of.
    held: Option<RunState>,
    /// The run as it first waited.
    waited: Option<History>,
    /// Records of the journal, and its bytes, when G6 began.
    at_closing: Option<(u64, u64)>,
    /// The reports as they rendered then.
    reports: Vec<ReportRendering>,
    /// Documents that the reports are made from and that are not among the blobs.
    lost: Vec<Digest>,
    /// Bytes of the journal so far.
    bytes: u64,
    /// Bytes of the profile's text.
    profile: u64,
    /// What the scan for secrets said that it had read, where one was made: texts and bytes.
    scanned: Option<(Option<u64>, Option<u64>)>,
}

impl ClosingRecords {
    /// Looks at a line that is not yet applied.
    pub(super) fn before(&mut self, run: &RunState, event: &Event) {
        match event {
            Event::GateStarted(GateStarted { gate: Gate::G4 }) => self.held = Some(run.clone()),
            // The process that made the copy is gone; the next one makes its own.
            Event::RunResumed(_) => self.held = None,
            Event::InvocationReturned(_) | Event::CheckRecorded(_)
                if self.held.is_none() && is_open(run, Gate::G4) =>
            {
                self.held = Some(run.clone());
            }
            _ => {}
        }
    }

    /// Looks at a line that was applied, whoever wrote it; `bytes`: its length.
    pub(super) fn after(&mut self, history: &History, event: &Event, bytes: u64, blobs: &Blobs) {
        self.bytes += bytes;
        if let Event::RunCreated(created) = event {
            let text = blobs.text(&created.profile_sha256);
            self.profile = text.map_or(0, |text| text.len() as u64);
        }
        if self.waited.is_none() && audit::first_waits(history.run(), event) {
            self.waited = Some(history.clone().for_any_account());
        }
    }

    /// Remembers the run as G6 begins.
    pub(super) fn close(&mut self, history: &History, profile: &Profile, blobs: &Blobs) {
        let records = history.last().map_or(0, |(seq, _)| seq + 1);
        self.at_closing = Some((records, self.bytes));
        let run = history.run();
        let rendered = run
            .run_id()
            .map(|_| rendered(run, profile, &|digest| blobs.text(digest)));
        (self.reports, self.lost) = rendered.unwrap_or_default();
    }

    /// Why the scan for secrets cannot have read what it says. `blobs`: how many the run has, and their bytes.
    pub(super) fn scanned(&self, (blobs, bytes): (u64, u64)) -> Option<String> {
        let (said, (_, journal)) = self.scanned.zip(self.at_closing)?;
        // The profile is one text, and so is the journal.
        let there = (blobs + 2, self.profile + journal + bytes);
        let words = |number: Option<u64>| number.map_or_else(|| "no".to_owned(), |n| n.to_string());
        (said != (Some(there.0), Some(there.1))).then(|| {
            format!(
                "journal.jsonl: the scan for secrets read {} texts and {} bytes, the run has {} and {}",
                words(said.0),
                words(said.1),
                there.0,
                there.1
            )
        })
    }
}

fn is_open(run: &RunState, gate: Gate) -> bool {
    run.gates.get(&gate).is_some_and(|g| g.finished.is_none())
}

/// Why a check of G3, recorded as the run goes on, is not what the run gives.
pub(super) fn recorded_check(run: &RunState, profile: &Profile, check: &Check) -> Option<String> {
    let again = audit::g3(run, profile);
    let again = again.into_iter().find(|again| again.name == check.name)?;
    unlike(run, profile, Gate::G3, again, check)
}

/// What of the checks of a gate that is about to be finished is not what the run gives.
pub(super) fn gate_findings(
    run: &RunState,
    profile: &Profile,
    gate: Gate,
    closing: &mut ClosingRecords,
    blobs: &Blobs,
) -> Vec<String> {
    let Some(recorded) = run.gates.get(&gate).map(|g| g.checks.clone()) else {
        return Vec::new();
    };
    let (again, of_world) = match gate {
        Gate::G0 => (precheck(run, profile, &recorded), Vec::new()),
        Gate::G1 => (feasibility(run, profile, &recorded), Vec::new()),
        Gate::G2 => (
            Vec::new(),
            audit::journalled_seams(run, profile).unwrap_or_default(),
        ),
        Gate::G3 => (Vec::new(), Vec::new()),
        Gate::G4 => (Vec::new(), resumed(closing)),
        Gate::G5 => (Vec::new(), probes(run, closing, &recorded)),
        Gate::G6 => closing_checks(run, profile, &recorded, closing, blobs),
    };
    let again = again.into_iter().map(|check| (check, false));
    let of_world = of_world.into_iter().map(|check| (check, true));
    let mut found = Vec::new();
    for (check, of_world) in again.chain(of_world) {
        let Some(said) = recorded.iter().find(|said| said.name == check.name) else {
            continue;
        };
        // What the world said otherwise, the journal does not have; of a PASS it has all.
        let verdict = found_verdict(said);
        let judged = !of_world || verdict == check.verdict || verdict == Verdict::Pass;
        if judged {
            found.extend(unlike(run, profile, gate, check, said));
        }
    }
    match gate {
        Gate::G1 => found.extend(other_queries(run, profile, &recorded, blobs)),
        Gate::G6 => found.extend(two_repositories(run, &recorded)),
        Gate::G0 | Gate::G2 | Gate::G3 | Gate::G4 | Gate::G5 => {}
    }
    found
}

/// Two checks look at the repository at the end: what they say of it must be the same.
fn two_repositories(run: &RunState, recorded: &[Check]) -> Option<String> {
    let before = audit::repository_at_g0(run)?;
    let pushed = &raw(recorded, &CheckName::ForbiddenPushTag)["output"];
    let main = raw(recorded, &CheckName::MainAndTagsUnchanged);
    let seen = !pushed.is_null() || !main.is_null();
    let alike = repository_now(&before, pushed, main).is_some();
    (seen && !alike).then(|| {
        "G6: two checks saw the repository differently, or with other commands than G0".to_owned()
    })
}

/// The verdict that was found, whether or not the profile excludes the check.
fn found_verdict(said: &Check) -> Verdict {
    let found = said.raw.get("found").cloned();
    let found = found.and_then(|found| serde_json::from_value(found).ok());
    match (said.verdict, found) {
        (Verdict::OutOfScope, Some(found)) => found,
        (verdict, _) => verdict,
    }
}

fn unlike(
    run: &RunState,
    profile: &Profile,
    gate: Gate,
    again: Check,
    said: &Check,
) -> Option<String> {
    let again = audit::scope(run, profile, vec![again]).pop()?;
    let parts = [
        ("verdict is", said.verdict == again.verdict),
        ("words are", said.says == again.says),
        ("raw values are", said.raw == again.raw),
        ("cause is", said.cause == again.cause),
        ("remedy is", said.remedy == again.remedy),
    ];
    let (part, _) = parts.into_iter().find(|(_, same)| !same)?;
    let name = &said.name;
    Some(format!("{gate} {name}: its {part} not what the run gives"))
}

fn raw<'c>(recorded: &'c [Check], name: &CheckName) -> &'c Value {
    let check = recorded.iter().find(|check| check.name == *name);
    check.map_or(&Value::Null, |check| match check.verdict {
        Verdict::OutOfScope => &check.raw["raw"],
        _ => &check.raw,
    })
}

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn precheck(run: &RunState, profile: &Profile, recorded: &[Check]) -> Vec<Check> {
    let Some(created) = &run.created else {
        return Vec::new();
    };
    // A text that the profile itself has is not taken from what was recorded of it.
    let ssot: Vec<_> = audit::recorded_ssot(recorded)
        .into_iter()
        .map(|(name, seen)| {
            let document = profile.ssot.iter().find(|document| document.name == name);
            let text = document.and_then(|document| document.text.as_ref());
            (name, text.map_or(seen, |text| Ok(Digest::of(text))))
        })
        .collect();
    // Why there is no repository stands in the words of one check, and must stand in all.
    let present = recorded
        .iter()
        .find(|check| check.name == CheckName::RepositoryPresent);
    let why = present.map_or_else(String::new, |check| match check.verdict {
        Verdict::OutOfScope => text(&check.raw["said"]),
        _ => check.says.clone(),
    });
    let repository = audit::repository_at_g0(run).ok_or(why);
    audit::g0(profile, &created.profile_sha256, &ssot, &repository)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn feasibility(run: &RunState, profile: &Profile, recorded: &[Check]) -> Vec<Check> {
    let unfit = CheckName::DatabaseCanBeSurveyed;
    if recorded.iter().any(|check| check.name == unfit) {
        let raw = raw(recorded, &unfit);
        return vec![Check::evaluated(
            unfit,
            false,
            text(&raw["error"]),
            raw.clone(),
        )];
    }
    let Some(pin) = &run.pin else {
        return Vec::new();
    };
    let proof = run.transactions.iter().rev().find_map(|t| match &t.end {
        TransactionEnd::Closed(proof) => Some(&**proof),
        TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
    });
    let rulings = audit::recorded_rulings(recorded);
    let mut checks = audit::g1(&Feasibility {
        profile,
        survey: pin,
        proof: proof.filter(|proof| proof.nonce == pin.snapshot.nonce),
        rulings: &rulings,
        statements: &[],
        secrets: None,
        recomputed: None,
    });
    checks.retain(|check| check.name != CheckName::AuditHoldsAtPin);
    let audit = raw(recorded, &CheckName::AuditHoldsAtPin);
    checks.push(audit::audit_holds(
        &texts(&audit["findings"]),
        &texts(&audit["live"]),
        &texts(&audit["unlike"]),
    ));
    checks
}

/// The queries that were ruled on and are not those of the profile, or not those that the facts were read with.
fn other_queries(
    run: &RunState,
    profile: &Profile,
    recorded: &[Check],
    blobs: &Blobs,
) -> Vec<String> {
    let mut found = Vec::new();
    let sent = sent_queries(run, blobs);
    for ruling in audit::recorded_rulings(recorded) {
        let query = &ruling.query;
        let sql = match query.strip_prefix("fact ") {
            Some(key) => {
                let spec = profile.facts.iter().find(|fact| fact.key == key);
                let read = run.pin.as_ref().and_then(|pin| pin.fact(key));
                let read = read.and_then(|fact| fact.sql_sha256.as_ref());
                if read.is_some_and(|read| *read != ruling.sql_sha256) {
                    found.push(format!(
                        "G1: {query} was read with another query than was ruled on"
                    ));
                }
                spec.and_then(|spec| spec.sql.as_deref())
            }
            None if query == "source pieces" => profile.pieces.as_ref().map(|sql| sql.sql.as_str()),
            None if query == "live units" => {
                profile.candidates.as_ref().map(|sql| sql.sql.as_str())
            }
            None => None,
        };
        // What drygate wrote itself the profile does not have.
        if sql.is_none() && ruling.refused.is_none() && !sent.contains(&ruling.sql_sha256) {
            found.push(format!(
                "G1: {query} was ruled on with an SQL that was not sent"
            ));
        }
        if sql.is_some_and(|sql| Digest::of(sql) != ruling.sql_sha256) {
            found.push(format!(
                "G1: {query} was ruled on with another SQL than the profile's"
            ));
        }
    }
    found
}

/// SHA-256 of each SQL text that was sent for the grammar of the server to judge, as a cursor.
fn sent_queries(run: &RunState, blobs: &Blobs) -> BTreeSet<Digest> {
    let sent = sent(run, blobs);
    let cursors = sent.iter().filter(|text| text.starts_with("DECLARE "));
    let selects = cursors.filter_map(|text| text.split_once(" FOR\n")?.1.strip_suffix('\n'));
    selects.map(Digest::of).collect()
}

/// G4 as a fresh process that found no difference would have answered.
fn resumed(closing: &ClosingRecords) -> Vec<Check> {
    let Some(held) = &closing.held else {
        return Vec::new();
    };
    let Some((state, stop_code, _)) = held.returns.last() else {
        return Vec::new();
    };
    let seen = ResumeResult {
        state: *state,
        stop_code: *stop_code,
        transitions_added: 0,
    };
    let fresh = FreshFold::of(held, Vec::new(), seen);
    audit::g4(held, &FreshResume::Answered(Box::new(fresh)))
}

fn probes(run: &RunState, closing: &ClosingRecords, recorded: &[Check]) -> Vec<Check> {
    let context = run.context.as_ref().and_then(|pins| pins.bytes().ok());
    let refused = raw(recorded, &CheckName::WritingStatementRefused);
    let saw = text(&refused["saw"]);
    let answer = match refused["holds"].as_bool() {
        Some(true) => Ok(saw),
        _ => Err(saw),
    };
    audit::g5(&audit::probe(
        context.as_deref(),
        closing.waited.as_ref(),
        answer,
    ))
}

/// The checks of G6: those of the run, and those that rest on what was read at the end.
fn closing_checks(
    run: &RunState,
    profile: &Profile,
    recorded: &[Check],
    closing: &mut ClosingRecords,
    blobs: &Blobs,
) -> (Vec<Check>, Vec<Check>) {
    let output = |name: CheckName| &raw(recorded, &name)["output"];
    let before = audit::repository_at_g0(run);
    let now = before.as_ref().and_then(|before| {
        let pushed = output(CheckName::ForbiddenPushTag);
        let main = raw(recorded, &CheckName::MainAndTagsUnchanged);
        repository_now(before, pushed, main)
    });
    let statements = sent(run, blobs);
    let program = output(CheckName::ForbiddenDeployRestart)["binary_now"].clone();
    let program: Option<ProgramFile> = serde_json::from_value(program).ok();
    let scan = output(CheckName::ForbiddenHardcodedSecrets);
    let (count, bytes) = (scan["texts"].as_u64(), scan["bytes"].as_u64());
    closing.scanned = scan.is_object().then_some((count, bytes));
    let names = ["profile", "journal.jsonl"].into_iter();
    let names = names.chain(std::iter::repeat("blob"));
    let scan = SecretScan {
        texts: names
            .take(usize::try_from(count.unwrap_or(0).min(1_000_000)).unwrap_or(0))
            .map(str::to_owned)
            .collect(),
        bytes: bytes.unwrap_or(0),
        findings: texts(&scan["findings"]),
    };
    let recomputed = closing.at_closing.map(|(records, _)| Recomputed {
        records,
        ..Recomputed::default()
    });
    let mut checks = audit::forbidden(&Forbidden {
        run,
        profile,
        repository_before: before.as_ref(),
        repository_now: now.as_ref(),
        statements: Some(&statements),
        program_now: program.as_ref(),
        execution_enabled: run
            .context
            .as_ref()
            .map(|context| context.execution_enabled),
        secrets: Some(&scan),
        recomputed: recomputed.as_ref(),
    });
    checks.push(audit::main_and_tags_unchanged(
        before.as_ref(),
        now.as_ref(),
    ));
    if let Some(run_id) = run.run_id().filter(|_| !closing.reports.is_empty()) {
        checks.push(audit::reports_render(
            &audit::reports_of(run),
            run_id,
            &closing.reports,
            &closing.lost,
        ));
    }
    let of_run = |check: &Check| {
        [
            CheckName::ForbiddenProductionMutation,
            CheckName::ForbiddenSourceMutation,
            CheckName::ForbiddenSigningReplaced,
        ]
        .contains(&check.name)
    };
    checks.into_iter().partition(of_run)
}

/// Every statement that a process of the run kept before it was done.
fn sent(run: &RunState, blobs: &Blobs) -> Vec<String> {
    let texts = run.statements.iter().filter_map(|blob| {
        let text = blobs.text(blob)?;
        serde_json::from_str::<Vec<String>>(&text).ok()
    });
    let sent: BTreeSet<String> = texts.flatten().collect();
    sent.into_iter().collect()
}

/// The repository as G6 saw it, by the two checks that looked at it; `None`: none was seen, or they disagree.
fn repository_now(
    before: &RepositoryState,
    pushed: &Value,
    main: &Value,
) -> Option<RepositoryState> {
    let alike = ["moved", "moved_by_others"]
        .iter()
        .all(|field| pushed.get(field).is_some() && pushed.get(field) == main.get(field));
    // The commands are the same ones at each look.
    let commands = [before.commands.as_slice(), &before.commands].concat();
    if texts(&pushed["commands"]) != commands {
        return None;
    }
    let mut now = before.clone();
    // `refs/heads/x: 1234 -> 5678`, or `none` where there is no such ref.
    for line in texts(&main["moved_by_others"]) {
        let (name, commits) = line.split_once(": ")?;
        let (_, is) = commits.split_once(" -> ")?;
        now.refs.retain(|(known, _)| known != name);
        if is != "none" {
            now.refs.push((name.to_owned(), is.to_owned()));
        }
    }
    now.refs.sort();
    alike.then_some(now)
}
