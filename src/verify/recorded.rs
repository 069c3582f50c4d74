//! The statements that a change sent against the script that was approved, and what follows from them.
//! Invariant: places are found again by the function that found them, in the blobs of the approved files; records of versions that kept
//! no places are not judged (`findings`).

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::Blobs;
use crate::run::{
    ChangeFile, ChangeRehearsed, Event, LockMode, LongestLock, RecordedChange, RecordedStatement,
    RehearsalOutcome, RunState, ScriptStatements, TakenLock, safer_form,
};

/// What does not follow in a line about a rehearsal, which is not yet applied to the run.
pub(super) fn findings(run: &RunState, event: &Event, blobs: &Blobs) -> Vec<String> {
    let Event::ChangeRehearsed(rehearsed) = event else {
        return Vec::new();
    };
    // What does not read is found where the effect is looked at.
    let whole = rehearsed.blob.as_ref().and_then(|blob| {
        let bytes = blobs.get(blob).ok()?;
        serde_json::from_slice::<RehearsalOutcome>(&bytes).ok()
    });
    let Some(mut recorded) = whole.and_then(|whole| whole.recorded) else {
        return Vec::new();
    };
    if recorded.not_sent.is_none() {
        return Vec::new();
    }
    // A file that is missing is found where the files are looked at.
    let Some(scripts) = scripts(run, rehearsed, blobs) else {
        return Vec::new();
    };
    let mut found: Vec<String> = (recorded.statements())
        .filter_map(|(phase, nth, statement)| {
            let what = unlike_itself(statement)?;
            Some(format!("statement {phase}.{nth} of the change: {what}"))
        })
        .collect();
    found.extend(totals(&recorded).into_iter().map(str::to_owned));
    found.extend(unlike_script(&mut recorded, &scripts));
    found
}

/// The statements of the approved files by phase; `None`: one of the files is not there.
fn scripts(
    run: &RunState,
    rehearsed: &ChangeRehearsed,
    blobs: &Blobs,
) -> Option<Vec<ScriptStatements>> {
    let files = run.change_files.as_deref()?.clone();
    let mut phases = run.change()?.in_phases(files);
    if rehearsed.first_phase {
        phases.truncate(1);
    }
    let of_phase = |files: &Vec<_>| {
        let read = files
            .iter()
            .map(|file: &ChangeFile| blobs.get(&file.sha256).ok());
        Some(ScriptStatements::of(read.collect::<Option<Vec<_>>>()?))
    };
    phases.iter().map(of_phase).collect()
}

fn unlike_script(recorded: &mut RecordedChange, scripts: &[ScriptStatements]) -> Vec<String> {
    if recorded.phases.len() > scripts.len() {
        return vec!["statements were sent in more phases than the change has".to_owned()];
    }
    let mut found = Vec::new();
    let mut not_sent = 0;
    for (phase, (statements, script)) in recorded.phases.iter_mut().zip(scripts).enumerate() {
        let said: Vec<_> = statements.iter().map(|it| it.of_script).collect();
        not_sent += script.place(statements);
        for (nth, (statement, said)) in statements.iter().zip(said).enumerate() {
            let is_one = said.is_none() || script.has(statement);
            if statement.of_script != said || !is_one {
                let number = (phase + 1, nth + 1);
                found.push(format!(
                    "statement {}.{} of the change is not what the approved script has at its place",
                    number.0, number.1
                ));
            }
        }
    }
    if recorded.not_sent != Some(not_sent) {
        found.push(format!(
            "{not_sent} statements of the approved script were not sent, and another number is recorded"
        ));
    }
    found
}

/// What of a statement does not follow from the rest of it.
fn unlike_itself(statement: &RecordedStatement) -> Option<&'static str> {
    if !statement.is_one_text() {
        return Some("its text is not that of its length and digest");
    }
    let rows = RecordedStatement::rows_of(&statement.tags);
    if statement.rows.map(|rows| *rows.get()) != rows {
        return Some("its rows are not those of its tags");
    }
    let safer = safer_form(&statement.text, &statement.tags, &statement.locks);
    // Of what is withheld the form was named by the whole text.
    if !statement.is_withheld() && statement.safer.as_deref() != safer {
        return Some("another safer form is named");
    }
    None
}

/// What of the whole record does not follow from its statements, where all of them are there.
fn totals(recorded: &RecordedChange) -> Vec<&'static str> {
    let statements: Vec<_> = recorded.statements().collect();
    let tags = statements.iter().flat_map(|(.., it)| &it.tags);
    let named: BTreeSet<String> = tags.map(|tag| RecordedChange::command_of(tag)).collect();
    let commands: BTreeSet<String> = recorded.commands.iter().cloned().collect();
    let all = recorded.left_out == 0;
    let same = commands == named || !all && commands.is_superset(&named);
    let sorted = recorded.commands.is_sorted_by(|a, b| a < b);
    let mut found = Vec::new();
    if !same || !sorted {
        found.push("the commands of the change are not those of its statements");
    }
    let mut longest: BTreeMap<_, u64> = BTreeMap::new();
    for lock in statements.iter().flat_map(|(.., it)| &it.locks) {
        let held = longest.entry(key_of(lock)).or_default();
        *held = lock.held_ms.max(*held);
    }
    let told: BTreeMap<_, u64> = (recorded.locks.iter())
        .map(|it| (key_of(&it.lock), it.lock.held_ms))
        .collect();
    let is_there = |longest: &LongestLock| {
        let statement = statements
            .iter()
            .find(|(phase, nth, _)| (*phase, *nth as u64) == (longest.phase, longest.statement));
        statement.is_some_and(|(.., it)| it.locks.contains(&longest.lock))
    };
    if all && (told != longest || !recorded.locks.iter().all(is_there)) {
        found.push("the longest locks of the change are not those of its statements");
    }
    found
}

fn key_of(lock: &TakenLock) -> (&str, LockMode, bool) {
    (&lock.relation, lock.mode, lock.sampled)
}
