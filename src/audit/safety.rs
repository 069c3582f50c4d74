//! G5: the built-in probes and the declared result of a full test run.
//! Invariant: a probe that was not run is NOT CHECKED (test `a_run_without_one_of_its_probes_is_incomplete`); a declared result
//! is never a check.

use serde_json::json;

use crate::run::{Check, CheckName, Verdict};
use crate::survey::{Declared, Digest, UtcTime};

/// The probes of the contract. All must be run, for real, each time.
pub const PROBES: [CheckName; 9] = [
    CheckName::LiveRefused,
    CheckName::LiveProfileRefused,
    CheckName::ExecutionRefused,
    CheckName::KillSwitchOff,
    CheckName::ApprovalOfWrongGateRefused,
    CheckName::ApprovalOfOtherEvidenceRefused,
    CheckName::ApprovalExpiredRefused,
    CheckName::ApprovalUsedTwiceRefused,
    CheckName::WritingStatementRefused,
];

/// What one probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// One of [`PROBES`].
    pub name: CheckName,
    /// What must be seen: `STOP_LIVE_REFUSED`.
    pub expected: String,
    /// What the probe saw.
    pub saw: String,
    /// Whether that is what must be seen.
    pub holds: bool,
}

/// One check for each probe; a probe of the contract that is missing is named.
pub fn g5(seen: &[ProbeResult]) -> Vec<Check> {
    let missing = PROBES
        .into_iter()
        .filter(|name| !seen.iter().any(|probe| probe.name == *name));
    seen.iter()
        .map(|probe| {
            Check::evaluated(
                probe.name.clone(),
                // A probe that saw nothing was not run for real.
                probe.holds && !probe.saw.is_empty(),
                if probe.holds {
                    probe.saw.clone()
                } else {
                    format!("expected {}, saw {}", probe.expected, probe.saw)
                },
                json!({"expected": probe.expected, "saw": probe.saw, "holds": probe.holds}),
            )
        })
        .chain(missing.map(|name| {
            Check::not_checked(
                name,
                "the probe was not run",
                "drygate resume RUN_ID runs it",
            )
        }))
        .collect()
}

/// `9/9 PASS`, counted from the recorded checks of G5.
pub fn probes_passed(checks: &[Check]) -> String {
    let passed = checks.iter().filter(|c| c.verdict == Verdict::Pass).count();
    let worst = Verdict::of_gate(checks.iter().map(|c| c.verdict));
    format!("{passed}/{} {worst}", checks.len())
}

/// What a full test run said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullDiscover {
    /// Tests that passed, and tests in all. Nothing checked them.
    pub passed_of: Declared<(u64, u64)>,
    /// SHA-256 of the result file.
    pub sha256: Digest,
    /// When the file was last changed, where known.
    pub written_at: Option<UtcTime>,
}

/// Reads a result file: all its lines of the form `N passed` with `N failed`, the last one counts.
pub fn full_discover(text: &str, written_at: Option<UtcTime>) -> Option<FullDiscover> {
    let (passed, failed) = text.lines().rev().find_map(counts)?;
    Some(FullDiscover {
        passed_of: Declared::new((passed, passed.checked_add(failed)?)),
        sha256: Digest::of(text),
        written_at,
    })
}

fn counts(line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let before = |name: &str| {
        words
            .windows(2)
            .find(|pair| pair[1] == name)
            .and_then(|pair| pair[0].parse::<u64>().ok())
    };
    Some((before("passed")?, before("failed")?))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::probes;
    use super::super::journal_fixture::passed;
    use super::super::result::result;
    use super::{full_discover, g5, probes_passed};
    use crate::run::{Gate, RunResult, Verdict};

    #[test]
    fn a_probe_that_fails_or_is_missing_is_no_pass() {
        assert_eq!(probes_passed(&g5(&probes())), "9/9 PASS");
        let mut failing = probes();
        failing[2].holds = false;
        assert_eq!(probes_passed(&g5(&failing)), "8/9 FAIL");
        let mut mute = probes();
        mute[2].saw.clear();
        assert_eq!(g5(&mute)[2].verdict, Verdict::Fail);
        let mut fewer = probes();
        fewer.pop();
        assert_eq!(probes_passed(&g5(&fewer)), "8/9 NOT CHECKED");
        assert_eq!(probes_passed(&g5(&[])), "0/9 NOT CHECKED");
    }

    #[test]
    fn a_run_without_one_of_its_probes_is_incomplete() {
        for nth in 0..probes().len() {
            let mut fewer = probes();
            let name = fewer.remove(nth).name;
            let checks = g5(&fewer);
            let row = checks.iter().find(|check| check.name == name);
            assert_eq!(row.expect("named").verdict, Verdict::NotChecked, "{name}");
            let mut run = passed().run;
            let gate = run.gates.get_mut(&Gate::G5).expect("G5 was run");
            let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
            gate.checks = checks.into();
            gate.finished.as_mut().expect("finished").0 = verdict;
            assert_eq!(result(&run), RunResult::Incomplete, "{name}");
        }
    }

    #[test]
    fn the_last_result_line_of_a_file_is_declared() {
        let text = "test result: FAILED. 3 passed; 1 failed; 0 ignored\ntest result: ok. 366 passed; 0 failed;\nbye\n";
        let seen = full_discover(text, None).expect("a result");
        assert_eq!(seen.passed_of.get(), &(366, 366));
        assert_eq!(full_discover("all is well", None), None);
    }
}
