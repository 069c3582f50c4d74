//! What a person can do next about a run, with the command to type.
//! Invariant: every command works as printed (test `every_command_from_the_first_stop_to_the_seal_works_as_printed` of
//! tests/integration/printed.rs), and none resumes a demo, whose database is gone (`RunState::come_back`).

use super::{
    CarriedOut, CheckName, CommandLine, KnownOutcome, RunResult, RunState, Stop, StopCode, Verdict,
    shell_word,
};

impl RunState {
    /// Whether it is a demo: its database goes with the process that began it.
    pub fn is_demo(&self) -> bool {
        self.created.as_ref().is_some_and(|created| created.demo)
    }

    /// The first check that is FAIL or is going to be, by the sheet that waits or by what was found since.
    fn failing(&self) -> Option<CheckName> {
        let sheet = self.evidence.iter().flat_map(|e| &e.sheet.cannot_pass);
        let mut failing = sheet.filter(|one| one.verdict == Verdict::Fail);
        let replaced = self.program_replaced.as_ref();
        failing
            .next()
            .map(|one| one.check.clone())
            .or_else(|| replaced.map(|_| CheckName::ForbiddenDeployRestart))
    }

    /// What the stop says to do next, with the command that does it.
    pub fn advice(&self, stop: &Stop, call: &CommandLine) -> String {
        let tail = self.tail();
        let command = match (stop.stop_code, stop.gate, &stop.evidence) {
            (StopCode::StopApprovalRequired, Some(gate), Some(evidence)) => match self.failing() {
                Some(check) => {
                    let reason = format!("{check} is FAIL");
                    format!("reject {tail} {gate} --reason {}", shell_word(&reason))
                }
                None => format!("approve {tail} {gate} --digest {evidence}"),
            },
            (StopCode::StopFactsDrifted, ..) if !stop.state.is_final() => format!("resume {tail}"),
            (StopCode::StopDatabaseUnavailable, ..) => return self.go_on(&stop.next, call),
            _ => return stop.next.clone(),
        };
        format!("{}: {}", stop.next.trim_end_matches('.'), call.to(command))
    }

    /// How to go on once `first` is done, which is what made the runner end before the run did.
    pub fn go_on(&self, first: &str, call: &CommandLine) -> String {
        let first = match first.trim_end_matches('.') {
            "" => String::new(),
            first => format!("{first}. "),
        };
        format!("{first}{}", self.come_back(call))
    }

    /// Where the run stands that somebody leaves, without its name: `waits at SG2`.
    pub fn stands(&self) -> String {
        let drift = self.drift.as_ref().filter(|_| !self.state.is_final());
        match (drift, self.waits_at()) {
            (Some(drift), _) => {
                let gate = drift.gate.map_or("closeout", |gate| gate.name());
                format!("stopped at {gate}: facts drifted")
            }
            (None, Some(gate)) => format!("waits at {gate}"),
            (None, None) => format!("is at {}", self.state),
        }
    }

    /// How to come back to a run that is not sealed, once the process that holds it has gone.
    pub fn come_back(&self, call: &CommandLine) -> String {
        let tail = self.tail();
        if self.is_demo() {
            let replay = call.to(format!("replay {tail}"));
            return format!("The demo's database goes with it. Look at the run: {replay}");
        }
        let drifted = self.drift.is_some() && !self.state.is_final();
        let what = if drifted {
            "Take new evidence"
        } else {
            "Resume"
        };
        format!("{what}: {}", call.to(format!("resume {tail}")))
    }

    /// How to read and check a sealed run, and how to carry its change out as it was approved, or what was `seen` of that.
    pub fn reading(&self, call: &CommandLine, seen: Option<&KnownOutcome>) -> String {
        let tail = self.tail();
        let (report, verify) = (format!("report {tail}"), format!("verify {tail}"));
        let guard = if self.has_guard(seen) {
            let guard = call.to(format!("guard {tail}"));
            format!("; carry it out, wrapped in checks: {guard}")
        } else {
            String::new()
        };
        let sealed = self.last.map(|(_, at)| at);
        let seen = seen.zip(sealed).map(|(seen, sealed)| seen.words(sealed));
        let seen = seen.map_or_else(String::new, |seen| format!("; afterwards: {seen}"));
        format!(
            "Read it: {}; check it: {}{guard}{seen}",
            call.to(report),
            call.to(verify)
        )
    }

    /// Whether its change may be carried out as it was approved. The database of a demo is gone with it; one of which something was
    /// `seen` in production is not carried out again.
    pub fn has_guard(&self, seen: Option<&KnownOutcome>) -> bool {
        let passed = matches!(self.sealed, Some((_, RunResult::Pass, _)));
        let is_done = seen.is_some_and(|seen| seen.outcome != CarriedOut::NotCarriedOut);
        passed && !is_done && self.change().is_some() && !self.is_demo()
    }

    /// The end of its name, which is enough to name it.
    fn tail(&self) -> &str {
        self.run_id().map_or("RUN_ID", |id| id.tail())
    }
}
