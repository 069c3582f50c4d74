//! One line of text for each event, as the events pane shows it. Made from the event and the words of the run; the screen escapes it.

use super::{
    Decision, Event, EvidenceTaken, LiveRead, ProgramFile, RepositoryLook, Subject, TeamWords,
};

/// What the row of an event says.
#[expect(clippy::too_many_lines, reason = "one arm an event")]
pub fn text(words: &TeamWords, event: &Event) -> String {
    match event {
        Event::RunCreated(it) => format!("{} {} by {}", it.run_id, it.mode.name(), it.by.name()),
        Event::RunResumed(it) => format!("by {}", it.by),
        Event::TornTailSetAside(it) => format!("{} bytes set aside in {}", it.bytes, it.file),
        Event::GateStarted(it) => format!("{} {}", it.gate, words.title(it.gate)),
        Event::CheckRecorded(it) => {
            let check = &it.check;
            format!(
                "{} {} {}  {}",
                it.gate, check.name, check.verdict, check.says
            )
        }
        Event::GateFinished(it) => format!("{} {}: {}", it.gate, words.title(it.gate), it.verdict),
        Event::TransactionOpened(it) => format!("{} {:?}", it.id, it.purpose),
        Event::TransactionClosed(it) => format!(
            "{} {} after {} ms, {}",
            it.id,
            it.proof.ended_by,
            it.proof.footprint.transaction_us / 1000,
            if it.proof.is_clean() {
                "clean"
            } else if it.proof.violations().is_empty() {
                "not fully measured"
            } else {
                "NOT CLEAN"
            }
        ),
        Event::TransactionUnseen(it) => format!("{} end not seen: {}", it.id, it.reason),
        Event::StatementsRecorded(it) => {
            format!(
                "{} statements sent so far, {}",
                it.statements,
                it.blob.short()
            )
        }
        Event::SurveyTaken(it) => format!(
            "{:?}  {} facts, digest {}{}",
            it.purpose,
            it.survey.facts.len() + it.survey.streams().count(),
            it.survey.facts_digest.short(),
            match it.beside.len() {
                0 => String::new(),
                changed => format!(", {changed} changed beside"),
            }
        ),
        Event::ContextPinned(it) => format!("round {}", it.context.round),
        Event::EffectPredicted(it) => {
            format!("A live run would change {} rows", it.predicted.rows())
        }
        Event::UnitsProgressed(it) => {
            let step = words.step(it.step);
            format!("{step} ~{} units, {}", it.ledger.rows, it.ledger.file)
        }
        Event::StateChanged(it) => format!("{} -> {}", it.from, it.to),
        Event::InvocationReturned(it) => match it.stop_code {
            Some(code) => format!("r{} {} / {code}", it.r, it.state),
            None => format!("r{} {} / stop_code=None", it.r, it.state),
        },
        Event::NonMutationJudged(it) => it.verdict.to_string(),
        Event::TestsDeclared(it) => {
            let (passed, failed) = (it.passed, it.failed);
            format!("{}: {passed} passed, {failed} failed (DECLARED)", it.file)
        }
        Event::ProgramReplaced(it) => {
            format!(
                "drygate's own program on the disk is another one now: {}",
                it.found
            )
        }
        Event::RepositoryMoved(it) => match &it.found {
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
        Event::ChangeRead(it) => {
            let files = it.files.iter();
            let named: Vec<String> = files
                .map(|file| format!("{} {}", file.path, file.sha256.short()))
                .collect();
            named.join(", ")
        }
        Event::ChangeMoved(it) => {
            let files = it.files.iter();
            let named: Vec<String> = files
                .map(|file| format!("{} {}", file.path, ProgramFile::clone(&file.found)))
                .collect();
            format!(
                "a file of the change is another one now: {}",
                named.join(", ")
            )
        }
        Event::CopyListed(it) => {
            let asked = it.tables.iter().filter(|table| table.asked).count();
            format!(
                "the change asks for the rows of {}; {} may be copied once SG1 is approved",
                counted(asked, "table"),
                it.tables.len()
            )
        }
        Event::ChangeRehearsed(it) => match &it.outcome {
            None => format!(
                "for {}{}: not rehearsed: {}",
                it.gate,
                it.part(),
                it.why_not()
            ),
            Some(outcome) => {
                let tables = outcome.effect.iter();
                let named: Vec<String> = tables
                    .map(|table| format!("{} {}", table.table, table.words()))
                    .collect();
                let end = outcome
                    .script
                    .error
                    .as_deref()
                    .unwrap_or("it ran to its end");
                format!("for {}: {end}; {}", it.gate, named.join("; "))
            }
        },
        Event::HookStarted(it) => format!("{} {}", it.hook, it.program),
        Event::HookRan(it) => {
            let outcome = &it.outcome;
            format!("{} {} after {} ms", it.hook, outcome.end, outcome.took_ms)
        }
        Event::RunSealed(it) => it.result.clone(),
        Event::EvidenceTaken(EvidenceTaken {
            gate,
            round,
            evidence,
            ..
        }) => {
            format!("{gate} round {round} evidence {}", evidence.short())
        }
        Event::StopRaised(it) => {
            let gate = it.gate.map_or_else(String::new, |gate| format!("{gate} "));
            format!("{gate}{}  {} {}", it.stop_code, it.message, it.next)
        }
        Event::EvidenceShown(it) => {
            format!("{} {} to {}", it.gate, it.evidence.short(), it.by.name())
        }
        Event::ApprovalRecorded(it) => {
            let word = match it.decision {
                Decision::Approve => "approve",
                Decision::Reject => "reject",
                Decision::Withdraw => "withdraw",
            };
            let reason = it.reason.as_ref();
            let reason = reason.map_or_else(String::new, |r| format!("  \"{r}\""));
            let kind = match it.by.store_role {
                Some(_) => "store role",
                None => "OS account",
            };
            format!(
                "{} {word} by {} ({kind}, {})  evidence {}{reason}",
                it.gate,
                it.by.name(),
                it.by.signer.name(),
                it.evidence.short()
            )
        }
        Event::ApprovalRefused(it) => format!("{} by {}: {}", it.gate, it.by.name(), it.reason),
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
                let keys: Vec<&str> = changed.iter().map(|c| c.key.shown()).collect();
                format!("{} moved: {}", keys.len(), keys.join(", "))
            }
        },
        Event::ChangesAttributed(it) => {
            let rows = counted(it.rows.len(), "row");
            let by = match it.transactions().as_slice() {
                [one] => format!("transaction {one}"),
                several => format!("transactions {}", several.join(", ")),
            };
            format!("{rows}, {by}")
        }
        Event::DriftFound(it) => {
            let named = it.drift.iter().map(|change| {
                let approved = change.approved.as_deref().unwrap_or("unknown");
                let found = change.found.as_deref().unwrap_or("unknown");
                format!("{} {approved} -> {found}", change.key)
            });
            let named: Vec<String> = named.collect();
            let facts = Subject::among(&it.drift) == [Subject::Facts];
            let what = if facts { "fact" } else { "change" };
            format!("{}: {}", counted(it.drift.len(), what), named.join(", "))
        }
        Event::EvidenceRenewed(it) => format!("{} {:?}", it.gate, it.reason),
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
