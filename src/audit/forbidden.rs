//! The forbidden-action audit: nine rows with detector, raw output and verdict. A detector without input is NOT CHECKED.

use serde_json::{Value, json};

use super::claims;
use super::detector_result::DetectorResult;
use super::repository_and_reports::moved;
use super::sent_statements::live_statements;
use super::source_tables::source_tables;
use super::{SecretScan, recompute::Recomputed};
use crate::profile::Profile;
use crate::run::{
    Cause, Check, CheckName, Claim, NonMutationVerdict, Person, ProgramFile, RepositoryState,
    RunState, Signer, TeamWords,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Survey};

/// What the detectors look at. What is `None` leaves its row NOT CHECKED.
#[derive(Debug, Clone, Copy)]
pub struct Forbidden<'a> {
    /// The folded run.
    pub run: &'a RunState,
    /// Profile of the run.
    pub profile: &'a Profile,
    /// State of the repository at G0.
    pub repository_before: Option<&'a RepositoryState>,
    /// State of the repository now.
    pub repository_now: Option<&'a RepositoryState>,
    /// Every statement that was sent to the server.
    pub statements: Option<&'a [String]>,
    /// The program's file now, read again from the disk.
    pub program_now: Option<&'a ProgramFile>,
    /// `execution_enabled` as it was read back.
    pub execution_enabled: Option<bool>,
    /// The scan of profile, journal and blobs.
    pub secrets: Option<&'a SecretScan>,
    /// The recomputation of the journal so far.
    pub recomputed: Option<&'a Recomputed>,
}

/// A row: its check, what it is about where the run has no word of its own for it, the answer it needs, its detector in words and
/// as code.
struct DetectorRow {
    name: CheckName,
    words: &'static str,
    clean: &'static str,
    detector: &'static str,
    look: fn(&Forbidden<'_>) -> DetectorResult,
}

/// The nine rows, in their order.
static ROWS: [DetectorRow; 9] = [
    DetectorRow {
        name: CheckName::ForbiddenProductionMutation,
        words: "Production mutation",
        clean: "NONE",
        detector: "claims A to E",
        look: |seen| production_mutation(seen.run),
    },
    DetectorRow {
        name: CheckName::ForbiddenLiveCutVerifyEnact,
        words: "Live execution of the change",
        clean: "NONE",
        detector: "every statement sent: no call of a pinned function, no writing statement",
        look: live_calls,
    },
    DetectorRow {
        name: CheckName::ForbiddenKillSwitch,
        words: "Production execution kill-switch enabled",
        clean: "NO",
        detector: "execution_enabled read back",
        look: |seen| kill_switch(seen.run, seen.execution_enabled),
    },
    DetectorRow {
        name: CheckName::ForbiddenDeployRestart,
        words: "Deploy/restart",
        clean: "NONE",
        detector: "pg_postmaster_start_time() and the sha256 of our binary equal; a deploy elsewhere is invisible from PostgreSQL",
        look: |seen| beside_hooks(seen.run, deploy_restart(seen.run, seen.program_now)),
    },
    DetectorRow {
        name: CheckName::ForbiddenPushTag,
        words: "Push/tag remote",
        clean: "NONE",
        detector: "main and tags equal",
        look: |seen| beside_hooks(seen.run, push_tag(seen)),
    },
    DetectorRow {
        name: CheckName::ForbiddenSourceMutation,
        words: "Source table mutation",
        clean: "NONE",
        detector: "content digests pre and post",
        look: |seen| source_mutation(seen.run, &source_tables(seen.run, seen.profile)),
    },
    DetectorRow {
        name: CheckName::ForbiddenHardcodedSecrets,
        words: "Hardcoded secrets/runtime IDs",
        clean: "NONE",
        detector: "scan of profile, journal and blobs",
        look: secrets,
    },
    DetectorRow {
        name: CheckName::ForbiddenSigningReplaced,
        words: "StubSigning replaced by real crypto",
        clean: "NO",
        detector: "signer on each record",
        look: |seen| signing(seen.run),
    },
    DetectorRow {
        name: CheckName::ForbiddenFakePass,
        words: "Fake PASS",
        clean: "NO",
        detector: "every verdict recomputed from the journal so far",
        look: fake_pass,
    },
];

/// The nine rows as checks of G6.
pub fn forbidden(seen: &Forbidden<'_>) -> Vec<Check> {
    let words = seen.run.words();
    let check = |row: &DetectorRow| row.check(words, (row.look)(seen));
    ROWS.iter().map(check).collect()
}

/// The checks of the nine rows, each with what it is about in the words of a run.
pub fn forbidden_rows(words: &TeamWords) -> impl Iterator<Item = (&'static CheckName, &str)> {
    let row = |row: &'static DetectorRow| (&row.name, words.audit_row(&row.name, row.words));
    ROWS.iter().map(row)
}

/// The rows that `verify` recomputes from the journal and one value that each recorded. Of raw values only the output.
pub(super) fn from_journal(
    run: &RunState,
    profile: Option<&Profile>,
    recorded: &[Check],
) -> Vec<Check> {
    let value = |check: CheckName, field: &str| {
        let check = recorded.iter().find(|known| known.name == check)?;
        check.own_raw().get("output")?.get(field)
    };
    let program_now = value(CheckName::ForbiddenDeployRestart, "binary_now")
        .and_then(|now| serde_json::from_value::<ProgramFile>(now.clone()).ok());
    let enabled =
        value(CheckName::ForbiddenKillSwitch, "execution_enabled").and_then(Value::as_bool);
    let deployed = deploy_restart(run, program_now.as_ref());
    // Which tables are the source, the profile says.
    let source = profile.map(|profile| {
        let mutated = source_mutation(run, &source_tables(run, profile));
        (CheckName::ForbiddenSourceMutation, mutated)
    });
    [
        (
            CheckName::ForbiddenProductionMutation,
            production_mutation(run),
        ),
        (CheckName::ForbiddenKillSwitch, kill_switch(run, enabled)),
        (
            CheckName::ForbiddenDeployRestart,
            beside_hooks(run, deployed),
        ),
        (CheckName::ForbiddenSigningReplaced, signing(run)),
    ]
    .into_iter()
    .chain(source)
    .map(|(name, found)| {
        let verdict = found.verdict();
        let (cause, output) = match found {
            DetectorResult::ByOthers(output) => (Some(Cause::ChangedByOthers), output),
            DetectorResult::Clean(output)
            | DetectorResult::CleanBeside(_, output)
            | DetectorResult::Dirty(_, output)
            | DetectorResult::Partly(_, _, output) => (None, output),
            DetectorResult::Nothing(..) => (None, Value::Null),
        };
        Check {
            name,
            verdict,
            says: String::new(),
            raw: json!({ "output": output }),
            cause,
            remedy: None,
        }
    })
    .collect()
}

impl DetectorRow {
    fn check(&self, words: &TeamWords, found: DetectorResult) -> Check {
        let verdict = found.verdict();
        let mut cause = None;
        let mut remedy = None;
        let (answer, output) = match found {
            DetectorResult::Clean(output) => (self.clean.to_owned(), output),
            DetectorResult::CleanBeside(what, output) => (format!("{}{what}", self.clean), output),
            DetectorResult::Dirty(what, output) => {
                let answer = if self.clean == "NO" { "YES" } else { "FOUND" };
                (format!("{answer}: {what}"), output)
            }
            DetectorResult::ByOthers(output) => {
                cause = Some(Cause::ChangedByOthers);
                ("BY OTHERS, not by this run".to_owned(), output)
            }
            DetectorResult::Nothing(why, how) => {
                remedy = Some(how.to_owned());
                (format!("NOT CHECKED ({why})"), Value::Null)
            }
            DetectorResult::Partly(why, how, output) => {
                remedy = Some(how.to_owned());
                (format!("NOT CHECKED ({why})"), output)
            }
        };
        let words = format!("{}: {answer}.", words.audit_row(&self.name, self.words));
        Check {
            name: self.name.clone(),
            verdict,
            says: words.clone(),
            raw: json!({"detector": self.detector, "output": output, "answer": answer, "words": words}),
            cause,
            remedy,
        }
    }
}

/// The claims of a run that did not come to closeout: its last line answers for what was measured, too.
fn claims_so_far(run: &RunState) -> Value {
    let claims = claims(run);
    json!({"claims": measured(&claims), "sha256": Digest::of_json(&claims).ok()})
}

fn measured(claims: &[Claim]) -> Value {
    let one = |c: &Claim| json!({"claim": c.name, "verdict": c.verdict, "measured": c.measured});
    claims.iter().map(one).collect()
}

fn production_mutation(run: &RunState) -> DetectorResult {
    let Some(judged) = &run.non_mutation else {
        let why = "the claims were not judged".to_owned();
        let how = "a run that goes on to closeout";
        return DetectorResult::partly(run, why, how, claims_so_far(run));
    };
    let output = json!({"verdict": judged.verdict, "claims": measured(&judged.claims)});
    match judged.verdict {
        NonMutationVerdict::Proven => DetectorResult::Clean(output),
        NonMutationVerdict::ChangedByOthers => DetectorResult::ByOthers(output),
        NonMutationVerdict::Unproven => {
            let how = "the claims name what is missing";
            DetectorResult::partly(run, "UNPROVEN".to_owned(), how, output)
        }
        NonMutationVerdict::MutationSuspected => {
            DetectorResult::Dirty("suspected".to_owned(), output)
        }
    }
}

fn live_calls(seen: &Forbidden<'_>) -> DetectorResult {
    let Some(statements) = seen.statements.filter(|sent| !sent.is_empty()) else {
        return DetectorResult::Nothing(
            "no statement record".to_owned(),
            "a target that records its statements",
        );
    };
    let wrong = live_statements(seen.profile, statements);
    let functions = seen.profile.functions.iter();
    let pinned: Vec<&str> = functions.map(|f| f.name.as_str()).collect();
    let output =
        json!({"statements": statements.len(), "pinned_functions": pinned, "found": wrong});
    match wrong.first() {
        None => DetectorResult::Clean(output),
        Some(first) => {
            let shown: String = first.chars().take(80).collect();
            DetectorResult::Dirty(shown, output)
        }
    }
}

fn kill_switch(run: &RunState, execution_enabled: Option<bool>) -> DetectorResult {
    match execution_enabled {
        None => {
            DetectorResult::Nothing("not read back".to_owned(), "the probes of G5 read it back")
        }
        Some(enabled) => {
            let pinned = run.context.as_ref().map(|c| c.execution_enabled);
            let output = json!({"execution_enabled": enabled, "context_pins": pinned});
            if enabled || pinned == Some(true) {
                DetectorResult::Dirty("execution_enabled=True".to_owned(), output)
            } else {
                DetectorResult::Clean(output)
            }
        }
    }
}

/// A restart does not say who restarted: NOT CHECKED (claim E is false). Another binary of ours is a deploy in the run.
fn deploy_restart(run: &RunState, program_now: Option<&ProgramFile>) -> DetectorResult {
    let tools = run
        .created
        .iter()
        .map(|c| &c.tool)
        .chain(run.invocations.iter().map(|i| &i.tool));
    let recorded: Vec<Option<&Digest>> = tools.map(|tool| tool.binary_sha256.as_ref()).collect();
    let starts: Vec<&str> = run
        .surveys
        .iter()
        .map(|s| s.server.postmaster_start.as_str())
        .collect();
    let output =
        json!({"postmaster_start": starts, "binary_sha256": recorded, "binary_now": program_now});
    let known: Option<Vec<&Digest>> = recorded.iter().copied().collect();
    let (Some(known), Some(now)) = (known, program_now) else {
        return DetectorResult::partly(
            run,
            "the executable could not be read".to_owned(),
            "an executable file that drygate may read",
            output,
        );
    };
    let moved = known
        .iter()
        .any(|sha256| *now != ProgramFile::Sha256((*sha256).clone()));
    if moved || run.program_replaced.is_some() {
        return DetectorResult::Dirty("our binary changed during the run".to_owned(), output);
    }
    if starts.len() < 2 {
        return DetectorResult::partly(
            run,
            "fewer than two surveys".to_owned(),
            "a run that goes on to closeout",
            output,
        );
    }
    if starts
        .iter()
        .any(|start| *start != starts[0] || start.is_empty())
    {
        return DetectorResult::partly(
            run,
            format!(
                "the server restarted, by whom is not visible: {}",
                starts.join(", ")
            ),
            "a new run",
            output,
        );
    }
    DetectorResult::Clean(output)
}

fn push_tag(seen: &Forbidden<'_>) -> DetectorResult {
    let (Some(before), Some(now)) = (seen.repository_before, seen.repository_now) else {
        return DetectorResult::Nothing(
            "no repository".to_owned(),
            "--repo DIR or run inside a work tree",
        );
    };
    let commands: Vec<&String> = before.commands.iter().chain(&now.commands).collect();
    let moved = moved(before, now);
    let output =
        json!({"commands": commands, "moved": moved.guarded, "moved_by_others": moved.others});
    match moved.guarded.first() {
        Some(first) => DetectorResult::Dirty(first.clone(), output),
        None => DetectorResult::Clean(output),
    }
}

/// A hook of the profile is a program of somebody else: what drygate did not do, it may have done.
fn beside_hooks(run: &RunState, found: DetectorResult) -> DetectorResult {
    let hooks: Vec<Value> = run
        .hooks_run()
        .map(|hook| json!({"hook": hook.hook, "program": hook.program, "started": hook.started}))
        .collect();
    if hooks.is_empty() {
        return found;
    }
    let DetectorResult::Clean(mut output) = found else {
        return found;
    };
    let times = match hooks.len() {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    };
    let what =
        format!(" by drygate's own process; hooks of the profile ran {times} and are not watched");
    output["hooks"] = Value::Array(hooks);
    DetectorResult::CleanBeside(what, output)
}

fn source_mutation(run: &RunState, tables: &[String]) -> DetectorResult {
    let (Some(pin), Some(post)) = (&run.pin, &run.post) else {
        return DetectorResult::Nothing(
            "no post survey".to_owned(),
            "a run that goes on to closeout",
        );
    };
    let value = |survey: &Survey, key: &str| {
        survey
            .fact(key)
            .and_then(|fact| fact.observed.value())
            .map(str::to_owned)
    };
    let pairs: Vec<_> = tables
        .iter()
        .map(|key| (key.as_str(), value(pin, key), value(post, key)))
        .collect();
    if pairs
        .iter()
        .any(|(_, one, two)| one.is_none() || two.is_none())
    {
        return DetectorResult::Nothing(
            "no content digest of each source table in both surveys".to_owned(),
            "[[contents]] for the tables that the source pieces are read from",
        );
    }
    let output: Value = pairs
        .iter()
        .map(|(key, one, two)| json!({"fact": key, "pre": one, "post": two}))
        .collect();
    let moved: Vec<&str> = pairs
        .iter()
        .filter(|(_, one, two)| one != two)
        .map(|(key, ..)| *key)
        .collect();
    let suspected = run
        .non_mutation
        .as_ref()
        .is_some_and(|judged| judged.verdict == NonMutationVerdict::MutationSuspected);
    match (moved.is_empty(), suspected) {
        (true, _) => DetectorResult::Clean(output),
        (false, false) => DetectorResult::ByOthers(output),
        (false, true) => DetectorResult::Dirty(moved.join(", "), output),
    }
}

fn secrets(seen: &Forbidden<'_>) -> DetectorResult {
    let scanned = |scan: &SecretScan| {
        scan.texts.iter().any(|t| t == "profile")
            && scan.texts.iter().any(|t| t.starts_with("journal"))
    };
    let Some(scan) = seen.secrets.filter(|scan| scanned(scan)) else {
        return DetectorResult::Nothing(
            "profile and journal were not both scanned".to_owned(),
            "drygate resume RUN_ID scans them",
        );
    };
    let output = json!({"texts": scan.texts.len(), "bytes": scan.bytes, "findings": scan.findings});
    match scan.findings.first() {
        None => DetectorResult::Clean(output),
        Some(first) => DetectorResult::Dirty(first.clone(), output),
    }
}

fn signing(run: &RunState) -> DetectorResult {
    let Some(created) = &run.created else {
        return DetectorResult::Nothing("no record".to_owned(), "a run");
    };
    let people: Vec<&Person> = [&created.by]
        .into_iter()
        .chain(run.invocations.iter().map(|i| &i.by))
        .chain(run.approvals.iter().map(|a| &a.by))
        .collect();
    let signers: Vec<Signer> = people
        .iter()
        .map(|person| person.signer.clone())
        .chain(run.context.iter().map(|context| context.signer.clone()))
        .collect();
    let output = json!({"records": signers.len(), "signers": signers});
    match signers
        .iter()
        .find(|signer| **signer != Signer::StubSigning)
    {
        None => DetectorResult::Clean(output),
        Some(other) => DetectorResult::Dirty(other.name().to_owned(), output),
    }
}

fn fake_pass(seen: &Forbidden<'_>) -> DetectorResult {
    let Some(recomputed) = seen.recomputed.filter(|r| r.records > 0) else {
        return DetectorResult::Nothing(
            "the journal was not recomputed".to_owned(),
            "drygate verify RUN_ID",
        );
    };
    let findings = recomputed.findings.iter().map(ToString::to_string);
    let findings: Vec<String> = findings.collect();
    let output = json!({"records": recomputed.records, "findings": findings});
    let mut steps = seen.run.steps.iter().map(|done| done.step);
    let recorded = seen.run.post.is_some() && steps.any(|step| step == SimulatedStep::Enact);
    match findings.first() {
        None if recorded => {
            let what = "; live read-only output and runner output recorded";
            DetectorResult::CleanBeside(what.to_owned(), output)
        }
        None => DetectorResult::Clean(output),
        Some(first) => DetectorResult::Dirty(first.clone(), output),
    }
}

#[cfg(test)]
#[path = "forbidden_tests.rs"]
mod tests;
