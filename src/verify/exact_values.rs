//! Values of single lines, made again from the run, its profile and its documents.

use std::collections::BTreeSet;
use std::io::BufRead as _;

use crate::audit;
use crate::journal::Blobs;
use crate::postgres::ClosedList;
use crate::profile::Profile;
use crate::report;
use crate::run::{
    ContextPinned, Decision, DriftFound, EffectPredicted, Event, EvidenceTaken, HookEnd, LastPass,
    LiveChange, LiveRead, Purpose, RunState, StatementsRecorded, Subject, SurveyPurpose,
    SurveyTaken, Transaction, UnitsProgressed,
};
use crate::simulate::{Simulation, UnitVerification};
use crate::survey::{
    Attribution, Digest, Fact, FactChange, FactKey, FactKind, Survey, SurveyChanges,
    changes_with_rows, differences,
};

/// What does not follow in a line, which is not yet applied to the run.
pub(super) fn value_findings(
    run: &RunState,
    profile: &Profile,
    event: &Event,
    blobs: &Blobs,
) -> Vec<String> {
    match event {
        Event::RunCreated(created) => {
            let of_profile = (&created.target.label, &created.target.color)
                == (&profile.target.label, &profile.target.color);
            unless(
                of_profile,
                "label or colour of the target is not that of the profile",
            )
        }
        Event::SurveyTaken(taken) => survey(run, profile, taken, blobs),
        Event::ContextPinned(ContextPinned { context, blob }) => {
            let made = audit::context_pins(run, profile);
            let bytes = context.bytes().map(Digest::of);
            let same = made.as_ref() == Some(&**context) && bytes.is_ok_and(|is| is == *blob);
            unless(same, "the context pins are not what run and profile give")
        }
        Event::EffectPredicted(EffectPredicted {
            round, predicted, ..
        }) => {
            let simulation = run.pin_simulation.as_ref();
            let again = simulation.and_then(|simulation| audit::predict(profile, simulation));
            let same = *round == run.round() && again.as_ref() == Some(predicted);
            unless(same, "the prediction is not what the pin gives")
        }
        Event::UnitsProgressed(progressed) => step(run, profile, progressed),
        Event::EvidenceTaken(taken) => sheet(run, profile, taken, blobs),
        Event::ChangesAttributed(found) => unless(
            attributed(run, found),
            "what is attributed is not what the last survey differs in",
        ),
        Event::DriftFound(DriftFound { drift, .. }) => {
            let latest = run.latest.as_ref().map(|(_, latest)| latest);
            let again = run.pin.as_ref().zip(latest);
            let again =
                again.map(|(pin, latest)| run.differs(changes(pin, latest, blobs).voids, latest));
            unless(
                again.as_ref() == Some(drift),
                "the drift is not what the last survey differs in, row by row",
            )
        }
        Event::NonMutationJudged(judged) => {
            let mut again = audit::non_mutation(run);
            if let Some((pin, post)) = run.pin.as_ref().zip(run.post.as_ref()) {
                again.changes = changes(pin, post, blobs).voids;
            }
            unless(
                again == **judged,
                "the judgement is not what the run gives, word for word",
            )
        }
        _ => of_people(run, profile, event),
    }
}

fn unless(holds: bool, what: &str) -> Vec<String> {
    let finding = (!holds).then(|| what.to_owned());
    finding.into_iter().collect()
}

/// The texts that were sent: as many as the line says, each once in their order, of the closed list or with SQL of the profile.
pub(super) fn statements(
    run: &RunState,
    list: &ClosedList,
    recorded: &StatementsRecorded,
    blobs: &Blobs,
) -> Vec<String> {
    let texts = blobs.text(&recorded.blob);
    let texts = texts.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
    let count = texts.as_ref().map(|texts| texts.len() as u64);
    let mut found = unless(
        count == Some(recorded.statements),
        "the blob does not hold so many statements",
    );
    let texts = texts.unwrap_or_default();
    if let Some(other) = list.first_beyond(&texts, run.change().is_some()) {
        let first = other.lines().next().unwrap_or_default();
        found.push(format!(
            "the program cannot have sent the statement {first:?}"
        ));
    }
    found
}

/// What people, hooks and files of tests did, as far as run and profile bind it.
fn of_people(run: &RunState, profile: &Profile, event: &Event) -> Vec<String> {
    match event {
        Event::LiveRead(read) => unless(
            read_again(run, read),
            "what was read while the run waits is not what the pin and the last survey allow",
        ),
        Event::TestsDeclared(declared) => unless(
            profile.tests.full_discover.as_ref() == Some(&declared.file),
            "the profile names no such file of tests",
        ),
        Event::HookRan(ran) => {
            let limit = profile.hooks.limit().as_millis();
            let timed = match ran.outcome.end {
                HookEnd::TimedOut { limit_ms } => u128::from(limit_ms) == limit,
                _ => true,
            };
            let outputs = [&ran.outcome.stdout, &ran.outcome.stderr];
            let nothing = outputs
                .iter()
                .any(|out| out.text.is_empty() != (out.bytes == 0));
            unless(
                timed && !nothing,
                "the profile sets another limit for hooks, or an output has no bytes and is none",
            )
        }
        Event::ApprovalRecorded(recorded) => unless(
            recorded.decision != Decision::Approve || recorded.reason.is_none(),
            "an approval has no reason",
        ),
        Event::RunSealed(sealed) => unless(
            sealed.template_version == report::TEMPLATE_VERSION,
            "this version of drygate renders with other templates",
        ),
        _ => Vec::new(),
    }
}

/// What differs between two surveys, with rows as far as the documents are among the blobs.
fn changes(pin: &Survey, found: &Survey, blobs: &Blobs) -> SurveyChanges {
    let source = |digest: &Digest| blobs.open(digest);
    changes_with_rows(pin, found, &source, &source)
}

fn survey(run: &RunState, profile: &Profile, taken: &SurveyTaken, blobs: &Blobs) -> Vec<String> {
    let mut found = Vec::new();
    let survey = &taken.survey;
    // What is resolved and checked again afterwards has transactions of its own.
    let mut reads = run.transactions.iter().rev();
    let last = reads.find(|it| !matches!(it.purpose, Purpose::Validation | Purpose::Rehearsal));
    let is_of =
        |last: &Transaction| last.purpose == Purpose::Survey && last.is_of(&survey.snapshot.nonce);
    if !last.is_some_and(is_of) {
        found.push(
            "the survey was not read in the last transaction, or that was none for a survey"
                .to_owned(),
        );
    }
    for fact in &survey.facts {
        let key = &fact.key;
        if declared(profile, key.as_str()).is_some_and(|declared| declared != of_fact(fact)) {
            found.push(format!("{key} is not declared so in the profile"));
        }
        let lines = fact.document.as_ref().and_then(|reference| {
            let mut lines = blobs.open(&reference.sha256)?.lines();
            let has = lines.try_fold(0, |has, line| line.map(|_| has + 1).ok())?;
            Some((has, reference.lines))
        });
        if lines.is_some_and(|(has, said)| has != said) {
            found.push(format!("the document of {key} has another number of lines"));
        }
    }
    let role = survey.fact("role").map(Fact::value);
    if role.is_some_and(|role| role != survey.server.current_user || role != survey.role.role) {
        found.push("the role is not the one that was surveyed".to_owned());
    }
    let pin = run
        .pin
        .as_ref()
        .filter(|_| taken.purpose != SurveyPurpose::Pin);
    if let Some(pin) = pin {
        found.extend(unlike_pin(run, pin, taken));
        if changes(pin, survey, blobs).beside != taken.beside {
            found.push("what is listed beside is not what differs, row by row".to_owned());
        }
    }
    let read = survey.candidates.is_some() && survey.pieces.is_some();
    let asked = profile.units().is_some();
    if asked != taken.simulation.is_some() {
        found.push("units are simulated where the profile names none, or are not".to_owned());
    }
    if read != (asked && survey.unread.is_empty()) {
        found.push("the streams were read to their end, and were not".to_owned());
    }
    if !counts_fit(profile, taken) {
        found.push("the simulation does not fit the streams that it was made of".to_owned());
    }
    found
}

/// Label, kind and whether it is read while the run waits.
type Declared<'a> = (&'a str, FactKind, bool);

fn of_fact(fact: &Fact) -> Declared<'_> {
    (&fact.label, fact.kind, fact.live)
}

/// How the profile declares a fact; `None`: it is none of the profile.
fn declared<'p>(profile: &'p Profile, key: &str) -> Option<Declared<'p>> {
    let by_sql = profile.facts.iter().find(|fact| fact.key == key);
    let by_sql = by_sql.map(|fact| (fact.label.as_str(), fact.kind, fact.live));
    let function = profile
        .functions
        .iter()
        .find(|function| function.key == key);
    let function = function.map(|function| (function.label.as_str(), FactKind::Md5, false));
    let content = profile.contents.iter().find(|content| content.key == key);
    let content = content.map(|content| (content.key.as_str(), FactKind::Content, false));
    let grants = profile.grants.as_ref().filter(|grants| grants.key == key);
    let grants = grants.map(|grants| (grants.label.as_str(), FactKind::Sha256, false));
    by_sql.or(function).or(content).or(grants)
}

/// What a later survey says otherwise than the pin where both read the same.
fn unlike_pin(run: &RunState, pin: &Survey, taken: &SurveyTaken) -> Vec<String> {
    let mut found = Vec::new();
    let survey = &taken.survey;
    for fact in &survey.facts {
        let Some(pinned) = pin.fact(fact.key.as_str()) else {
            continue;
        };
        let asked = (of_fact(fact), &fact.sql_sha256) == (of_fact(pinned), &pinned.sql_sha256);
        let equal = fact.observed.value().is_some() && fact.observed == pinned.observed;
        if !asked || (equal && fact.rows != pinned.rows) {
            found.push(format!("{} is read otherwise than at the pin", fact.key));
        }
    }
    let streams = |survey: &Survey| (survey.pieces.clone(), survey.candidates.clone());
    let digests = |survey: &Survey| {
        let (pieces, candidates) = streams(survey);
        Some((pieces?.sha256, candidates?.sha256))
    };
    let same = digests(pin).is_some() && digests(pin) == digests(survey);
    if same && (streams(pin) != streams(survey) || run.pin_simulation != taken.simulation) {
        found.push(
            "the same streams are counted and simulated otherwise than at the pin".to_owned(),
        );
    }
    found
}

/// Whether the counts of a simulation can come of streams of such lengths, and of such states.
fn counts_fit(profile: &Profile, taken: &SurveyTaken) -> bool {
    let Some(simulation) = &taken.simulation else {
        return true;
    };
    let (counts, listed) = (&simulation.counts, &simulation.first_unverified);
    let [insert, present, verified, unverified, enact, enacted] = [
        counts.would_insert,
        counts.already_present,
        counts.verified,
        counts.unverified,
        counts.would_enact,
        counts.already_enacted,
    ]
    .map(|count| u128::from(*count.get()));
    let decided = verified + unverified;
    if listed.len() as u128 != unverified.min(20) || enact + enacted > decided {
        return false;
    }
    if !third_step_fits(profile, simulation) {
        return false;
    }
    let (Some(pieces), Some(units)) = (&taken.survey.pieces, &taken.survey.candidates) else {
        return true;
    };
    let doubled = listed
        .iter()
        .any(|(_, what)| what.to_string() == "duplicate")
        || unverified > 20;
    // A key that occurs twice is decided once more.
    doubled
        || (u128::from(pieces.rows) == insert + present
            && u128::from(units.rows) + insert == decided)
}

/// Whether the third step applies to as many units as VERIFY found in a state that it knows.
///
/// It applies to each unit that is equal, as cut or of another content, if every state of the lifecycle is where it begins or ends;
/// with more states to some of these at most.
fn third_step_fits(profile: &Profile, simulation: &Simulation) -> bool {
    let Some(lifecycle) = &profile.lifecycle else {
        return true;
    };
    let counts = &simulation.counts;
    let applies = counts.would_enact.get() + counts.already_enacted.get();
    let listed = simulation.first_unverified.len() as u64;
    let differing = simulation.first_unverified.iter();
    let differing = differing.filter(|(_, what)| *what == UnitVerification::Differs);
    let least = counts.verified.get() + differing.count() as u64;
    // Beyond the list nobody says what was found.
    let most = least + counts.unverified.get().saturating_sub(listed);
    let ends = [&lifecycle.initial, &lifecycle.target];
    let all_known = lifecycle.states.iter().all(|state| ends.contains(&state));
    applies <= most && (!all_known || applies >= least)
}

fn step(run: &RunState, profile: &Profile, progressed: &UnitsProgressed) -> Vec<String> {
    let UnitsProgressed {
        step,
        counts,
        effect,
        ledger,
        ..
    } = progressed;
    let name = format!("units/{}-{}.jsonl", run.round(), step.name());
    let called = run.words().step(*step);
    let mut found = Vec::new();
    if ledger.file != name {
        found.push(format!("the ledger of {called} is {name}"));
    }
    let again = profile
        .lifecycle
        .as_ref()
        .map(|lifecycle| audit::step_effect(profile, lifecycle, *step, counts));
    if again.as_ref() != Some(effect) {
        found.push(format!(
            "the effect of {called} is not what its counts give"
        ));
    }
    found
}

fn sheet(run: &RunState, profile: &Profile, taken: &EvidenceTaken, blobs: &Blobs) -> Vec<String> {
    let EvidenceTaken {
        gate, round, sheet, ..
    } = taken;
    let mut found = Vec::new();
    if (*gate, *round) != (sheet.gate, sheet.round) {
        found.push("the sheet is of another gate or round".to_owned());
    }
    let blob = sheet.last_pass.as_ref().map(|(_, _, blob)| blob);
    let last = blob.and_then(|blob| {
        let last: LastPass = serde_json::from_str(&blobs.text(blob)?).ok()?;
        Some((last, blob.clone()))
    });
    let last = last.as_ref().map(|(last, blob)| (last, blob.clone()));
    let version = env!("CARGO_PKG_VERSION");
    let made = audit::evidence_sheet(run, profile, sheet.gate, last, version);
    if made.as_ref() != Some(&**sheet) {
        found.push("the sheet is not what the run gives, word for word".to_owned());
    }
    found
}

/// Whether what is attributed are changes of the last survey.
fn attributed(run: &RunState, found: &Attribution) -> bool {
    let latest = run.latest.as_ref().map(|(_, latest)| latest);
    let Some((pin, latest)) = run.pin.as_ref().zip(latest) else {
        return false;
    };
    let changes = differences(pin, latest);
    let known = found.rows.iter().all(|row| {
        let mut told = changes.most_important().iter();
        let origin = row.origin.as_ref();
        let timed = origin.is_some_and(|origin| origin.committed_at.is_some());
        told.any(|change| change.key == row.fact) && (found.commit_times || !timed)
    });
    known && (found.rows_more == 0 || found.rows.len() == 200)
}

/// Whether a read can have found what it says: a read of everything is that of the last survey, or found what is known.
fn read_again(run: &RunState, read: &LiveRead) -> bool {
    if read.failed.is_some() {
        return read.changed.is_empty();
    }
    let Some(pin) = &run.pin else { return false };
    if read.changed.is_empty() {
        return true;
    }
    if !read.complete {
        let live = |change: &LiveChange| {
            let pinned = pin.fact(change.key.as_str()).filter(|fact| fact.live);
            pinned.is_some_and(|fact| fact.observed.value() != change.value.as_deref())
        };
        return read.changed.iter().all(live);
    }
    let named = |changes: &[FactChange]| {
        let answer = |key: &FactKey, value: &Option<String>, reason: &Option<String>| {
            (key.clone(), value.clone(), reason.clone())
        };
        let read: BTreeSet<_> = read
            .changed
            .iter()
            .map(|change| answer(&change.key, &change.value, &change.reason))
            .collect();
        let known = changes
            .iter()
            .map(|change| answer(&change.key, &change.found, &change.reason));
        read == known.collect()
    };
    let latest = run.latest.as_ref();
    let latest = latest.map(|(_, latest)| {
        let mut changes = differences(pin, latest).voids;
        changes.extend(run.moved_server(&latest.server));
        changes
    });
    // Code and program are looked at beside the database, and are no part of a read.
    let mut moved = run.moved();
    moved.retain(|change| matches!(Subject::of(&change.key), Subject::Facts | Subject::Server));
    let drift = run.drift.as_ref().map(|drift| &drift.changes);
    latest.is_some_and(|latest| named(&latest))
        || named(&moved)
        // Behind so many surveys the reads are recorded alone: no survey says what they found.
        || !run.records_surveys_of_wait()
        || drift.is_some_and(|drift| named(drift))
}
