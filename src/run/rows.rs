//! One line of text for each event, as the events pane shows it. Made from the event alone; the screen escapes it.

use super::{
    ApprovalRecorded, ApprovalRefused, CheckRecorded, ContextPinned, Decision, DriftFound,
    EffectPredicted, Event, EvidenceRenewed, EvidenceShown, EvidenceTaken, GateFinished,
    GateStarted, HookRan, HookStarted, InvocationReturned, LiveRead, ProgramReplaced,
    RepositoryLook, RepositoryMoved, RunSealed, StateChanged, StatementsRecorded, Subject,
    SurveyTaken, TestsDeclared, TornTailSetAside, TransactionClosed, TransactionOpened,
    TransactionUnseen, UnitsProgressed,
};

/// What the row of an event says.
#[expect(clippy::too_many_lines, reason = "one arm an event")]
pub fn text(event: &Event) -> String {
    match event {
        Event::RunCreated(created) => format!(
            "{} {} by {}",
            created.run_id,
            created.mode.name(),
            created.by.user
        ),
        Event::RunResumed(invocation) => format!("by {}", invocation.by),
        Event::TornTailSetAside(TornTailSetAside { file, bytes }) => {
            format!("{bytes} bytes set aside in {file}")
        }
        Event::GateStarted(GateStarted { gate }) => format!("{gate} {}", gate.title()),
        Event::CheckRecorded(CheckRecorded { gate, check }) => {
            format!("{gate} {} {}  {}", check.name, check.verdict, check.says)
        }
        Event::GateFinished(GateFinished { gate, verdict }) => {
            format!("{gate} {}: {verdict}", gate.title())
        }
        Event::TransactionOpened(TransactionOpened { id, purpose, .. }) => {
            format!("{id} {purpose:?}")
        }
        Event::TransactionClosed(TransactionClosed { id, proof }) => format!(
            "{id} {} after {} ms, {}",
            proof.ended_by,
            proof.footprint.transaction_us / 1000,
            if proof.is_clean() {
                "clean"
            } else if proof.violations().is_empty() {
                "not fully measured"
            } else {
                "NOT CLEAN"
            }
        ),
        Event::TransactionUnseen(TransactionUnseen { id, reason }) => {
            format!("{id} end not seen: {reason}")
        }
        Event::StatementsRecorded(StatementsRecorded { blob, statements }) => {
            format!("{statements} statements sent so far, {}", blob.short())
        }
        Event::SurveyTaken(SurveyTaken {
            purpose,
            survey,
            beside,
            ..
        }) => format!(
            "{purpose:?}  {} facts, digest {}{}",
            survey.facts.len(),
            survey.facts_digest.short(),
            match beside.len() {
                0 => String::new(),
                changed => format!(", {changed} changed beside"),
            }
        ),
        Event::ContextPinned(ContextPinned { context, .. }) => format!("round {}", context.round),
        Event::EffectPredicted(EffectPredicted { predicted, .. }) => {
            format!("A live run would change {} rows", predicted.rows())
        }
        Event::UnitsProgressed(UnitsProgressed { step, ledger, .. }) => {
            format!("{step} ~{} units, {}", ledger.rows, ledger.file)
        }
        Event::StateChanged(StateChanged { from, to }) => format!("{from} -> {to}"),
        Event::InvocationReturned(InvocationReturned {
            r,
            state,
            stop_code,
        }) => match stop_code {
            Some(code) => format!("r{r} {state} / {code}"),
            None => format!("r{r} {state} / stop_code=None"),
        },
        Event::NonMutationJudged(judged) => judged.verdict.to_string(),
        Event::TestsDeclared(TestsDeclared {
            passed,
            failed,
            file,
            ..
        }) => {
            format!("{file}: {passed} passed, {failed} failed (DECLARED)")
        }
        Event::ProgramReplaced(ProgramReplaced { found }) => {
            format!("drygate's own program on the disk is another one now: {found}")
        }
        Event::RepositoryMoved(RepositoryMoved { found }) => match found {
            RepositoryLook::Unread(why) => format!("the repository could not be looked at: {why}"),
            RepositoryLook::Seen(seen) => {
                let branch = seen.branch.as_deref().unwrap_or("detached HEAD");
                let tree = if seen.clean { "clean" } else { "changed" };
                let main = seen.main.as_ref().map_or("none", |main| &main.1);
                let tags = counted(seen.tags().count(), "tag");
                format!(
                    "the repository moved: {branch} {}, main {main}, {tags}, work tree {tree}",
                    seen.head
                )
            }
        },
        Event::HookStarted(HookStarted { hook, program, .. }) => format!("{hook} {program}"),
        Event::HookRan(HookRan { hook, outcome, .. }) => {
            format!("{hook} {} after {} ms", outcome.end, outcome.took_ms)
        }
        Event::RunSealed(RunSealed { result, .. }) => result.clone(),
        Event::EvidenceTaken(EvidenceTaken {
            gate,
            round,
            evidence,
            ..
        }) => {
            format!("{gate} round {round} evidence {}", evidence.short())
        }
        Event::StopRaised(stop) => {
            let gate = stop
                .gate
                .map_or_else(String::new, |gate| format!("{gate} "));
            format!("{gate}{}  {} {}", stop.stop_code, stop.message, stop.next)
        }
        Event::EvidenceShown(EvidenceShown {
            gate, evidence, by, ..
        }) => {
            format!("{gate} {} to {}", evidence.short(), by.user)
        }
        Event::ApprovalRecorded(ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason,
            by,
            ..
        }) => {
            let word = match decision {
                Decision::Approve => "approve",
                Decision::Reject => "reject",
                Decision::Withdraw => "withdraw",
            };
            let reason = reason
                .as_ref()
                .map_or_else(String::new, |r| format!("  \"{r}\""));
            format!(
                "{gate} {word} by {} (OS account, {})  evidence {}{reason}",
                by.user,
                by.signer.name(),
                evidence.short()
            )
        }
        Event::ApprovalRefused(ApprovalRefused {
            gate, reason, by, ..
        }) => format!("{gate} by {}: {reason}", by.user),
        Event::LiveRead(LiveRead {
            changed,
            failed,
            complete,
            ..
        }) => match failed {
            Some(why) => format!("failed: {why}"),
            None if changed.is_empty() && *complete => "all facts equal the pin".to_owned(),
            // Only these were read: of a content that has moved it says nothing.
            None if changed.is_empty() => "live facts equal the pin, contents not read".to_owned(),
            None => {
                let keys: Vec<&str> = changed.iter().map(|c| c.key.as_str()).collect();
                format!("{} moved: {}", keys.len(), keys.join(", "))
            }
        },
        Event::ChangesAttributed(found) => {
            let named = found.transactions();
            let rows = counted(found.rows.len(), "row");
            let by = match named.as_slice() {
                [one] => format!("transaction {one}"),
                several => format!("transactions {}", several.join(", ")),
            };
            format!("{rows}, {by}")
        }
        Event::DriftFound(DriftFound { drift, .. }) => {
            let named: Vec<String> = drift
                .iter()
                .map(|change| {
                    let side = |value: &Option<String>| {
                        value.clone().unwrap_or_else(|| "unknown".to_owned())
                    };
                    format!(
                        "{} {} -> {}",
                        change.key,
                        side(&change.approved),
                        side(&change.found)
                    )
                })
                .collect();
            let facts = Subject::among(drift) == [Subject::Facts];
            let what = if facts { "fact" } else { "change" };
            format!("{}: {}", counted(drift.len(), what), named.join(", "))
        }
        Event::EvidenceRenewed(EvidenceRenewed { gate, reason }) => format!("{gate} {reason:?}"),
    }
}

/// `1 fact`, `2 facts`.
pub fn counted(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}
