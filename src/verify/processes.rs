//! Who wrote the lines of a journal, on which start of which machine, and when: processes of the run one after another.
//! Invariant: what one process says of itself in two lines is the same, and its times follow from each other
//! (`Processes::findings`).

use crate::run::{
    ApprovalRecorded, ApprovalRefused, ApprovalRequest, Decision, Event, EvidenceShown,
    EvidenceTaken, LiveRead, Person, RunState, judge,
};
use crate::survey::UtcTime;

/// The process that holds the run, and what it has said.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// Who it runs as, and the start of the machine.
    holder: Option<(Person, String)>,
    /// Milliseconds since a start of the machine, as they were recorded last.
    uptime: Option<(String, u64)>,
}

impl Processes {
    /// What does not follow in the next line.
    pub(super) fn findings(&mut self, run: &RunState, at: UtcTime, event: &Event) -> Vec<String> {
        let mut found = Vec::new();
        match event {
            Event::RunCreated(created) => {
                self.holder = Some((created.by.clone(), created.boot_id.clone()));
                found.extend(self.clock(&created.boot_id, created.uptime_ms));
            }
            Event::RunResumed(resumed) => {
                self.holder = Some((resumed.by.clone(), resumed.boot_id.clone()));
            }
            Event::EvidenceTaken(EvidenceTaken {
                boot_id,
                uptime_ms,
                expires_at,
                ..
            }) => {
                found.extend(self.clock(boot_id, *uptime_ms));
                found.extend(expiry(run, at, *expires_at));
            }
            Event::EvidenceShown(EvidenceShown {
                by,
                boot_id,
                uptime_ms,
                expires_at,
                ..
            }) => {
                found.extend(self.person(by));
                found.extend(self.clock(boot_id, *uptime_ms));
                found.extend(expiry(run, at, *expires_at));
            }
            Event::ApprovalRecorded(ApprovalRecorded {
                by,
                boot_id,
                uptime_ms,
                ..
            }) => {
                found.extend(self.person(by));
                found.extend(self.clock(boot_id, *uptime_ms));
            }
            Event::ApprovalRefused(refused) => {
                found.extend(self.person(&refused.by));
                let boot = self.holder.as_ref().map(|(_, boot)| boot.as_str());
                found.extend(refusal(run, at, boot.unwrap_or_default(), refused));
            }
            Event::InvocationReturned(_) => found.extend(self.came_back_unseen(run, at)),
            Event::LiveRead(LiveRead { read_at, .. }) if *read_at != at => {
                found.push("the time of the read is not that of the line".to_owned());
            }
            _ => {}
        }
        found
    }

    /// A process has one account, host and terminal: who has its number is itself.
    fn person(&self, by: &Person) -> Option<String> {
        let (holder, _) = self.holder.as_ref()?;
        let same = by.pid != holder.pid || by.pid == 0 || by == holder;
        (!same).then(|| format!("{by} has the process number of {holder}, who holds the run"))
    }

    /// Who comes back to a gate has shown its evidence on this start of the machine before.
    fn came_back_unseen(&self, run: &RunState, at: UtcTime) -> Option<String> {
        let (_, boot) = self.holder.as_ref()?;
        let gate = run.waits_at().filter(|_| run.drift.is_none())?;
        let evidence = run.evidence.as_ref().filter(|shown| shown.gate == gate)?;
        let unseen = evidence.shown_boot != *boot && at < evidence.expires_at;
        unseen.then(|| {
            "the run came back to a gate before its evidence was shown on this start of the machine"
                .to_owned()
        })
    }

    /// A process does not outlive its machine, and time since the start of one does not run back.
    fn clock(&mut self, boot_id: &str, uptime_ms: Option<u64>) -> Option<String> {
        let (_, boot) = self.holder.as_ref()?;
        if boot != boot_id {
            return Some("the machine was started anew under a process of the run".to_owned());
        }
        let now = uptime_ms?;
        let before = self.uptime.replace((boot_id.to_owned(), now));
        let before = before.filter(|(boot, _)| boot == boot_id);
        before
            .filter(|(_, before)| *before > now)
            .map(|(_, before)| {
                format!("the machine runs for {now} ms, and had run for {before} ms before")
            })
    }
}

/// Evidence is good for as long as the profile says, from the last complete read on that found all equal.
fn expiry(run: &RunState, at: UtcTime, expires_at: UtcTime) -> Option<String> {
    let follows = run.created.is_none() || run.good_until(at) == expires_at;
    (!follows).then(|| {
        "the expiry of the evidence does not follow from the last read of everything".to_owned()
    })
}

/// A refusal is the one that the run gives for such a request, or that of the approval which was taken back before it.
fn refusal(run: &RunState, at: UtcTime, boot: &str, refused: &ApprovalRefused) -> Option<String> {
    let ApprovalRefused {
        gate,
        decision,
        evidence,
        reason,
        by,
    } = refused;
    let request = |why: Option<&str>| ApprovalRequest {
        gate: *gate,
        decision: *decision,
        evidence: evidence.clone(),
        reason: why.map(str::to_owned),
    };
    let ruled = |why| judge(run, &request(why), by, at, boot).err();
    // The reason that was given with the request is not recorded.
    let mut given = [None, Some("given")].into_iter().filter_map(ruled);
    let last = run.approvals.last();
    let taken_back = last.is_some_and(|last| {
        last.decision == Decision::Withdraw
            && last.reason.as_ref() == Some(reason)
            && (last.gate, Some(&last.evidence)) == (*gate, evidence.as_ref())
            && *decision == Decision::Approve
    });
    let follows = taken_back || given.any(|refusal| refusal.to_string() == *reason);
    (!follows).then(|| "the decision is not refused so by the run".to_owned())
}
