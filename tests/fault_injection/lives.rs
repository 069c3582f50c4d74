//! One run after the other in one data directory, where any command may meet a fault, beside a model of what was acknowledged (I1 to I3).
//! Invariant: what an exit code acknowledged is in the journal from then on, and in the end every run passed and verifies.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use drygate::run::TransactionEnd;
use drygate::survey::Digest;
use serde_json::Value;

use super::site::{Site, approve_waiting, code, entries, folded, json};
use drygate::testing::Random;

/// The runs of a site, and what the program said of them.
pub struct Lives {
    pub site: Site,
    /// Per run: the digests whose approval an exit code acknowledged.
    acknowledged: BTreeMap<PathBuf, Vec<String>>,
    /// What the run waits for: gate and evidence.
    waits: Option<Value>,
    /// The last run is sealed, or there is none.
    over: bool,
}

impl Lives {
    pub fn new(site: Site) -> Self {
        Self {
            site,
            acknowledged: BTreeMap::new(),
            waits: None,
            over: true,
        }
    }

    /// The words of the next command: the run begins, is approved or is resumed.
    pub fn next(&self) -> Vec<String> {
        let words: &[&str] = match &self.waits {
            Some(at) => &[
                "approve",
                "last",
                text(at, "gate"),
                "--digest",
                text(at, "evidence"),
            ],
            None if self.over => &["run"],
            None => &["resume", "last"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The command ended with 0 or 3, and what it said counts.
    pub fn ended(&mut self, given: &[String], exit: i32, said: &[u8]) {
        let document: Value = serde_json::from_slice(said).expect("one document");
        let run = self.site.last_run().expect("a run");
        if given[0] == "approve" {
            let approved = self.acknowledged.entry(run).or_default();
            approved.push(given[4].clone());
        }
        self.over = exit == 0;
        self.waits = (!self.over).then_some(document);
        self.must_stand();
    }

    /// The command was killed, or ended without what it was for: the next one resumes, or approves what the journal says was asked.
    pub fn failed(&mut self, chance: &mut Random) {
        let begun = self.site.last_run().filter(|run| !entries(run).is_empty());
        let Some(run) = begun else {
            (self.over, self.waits) = (true, None);
            return;
        };
        self.over = run.join("manifest.sha256").exists();
        let state = folded(&run);
        let asked = state.waits_at().filter(|_| state.owed_stop.is_none());
        let may = state.pending_approval().is_none() && chance.below(2) == 0;
        self.waits = asked
            .zip(state.evidence)
            .filter(|_| may && !self.over)
            .map(|(gate, evidence)| serde_json::json!({"gate": gate, "evidence": evidence.digest}));
        self.must_stand();
    }

    /// Nothing is in the way any more: the last run is brought to its end, and all runs are looked at. Gives how many there are,
    /// and how many of their transactions nobody saw the end of.
    pub fn finish(mut self) -> (usize, usize) {
        if !self.over {
            let mut stopped = self.site.drygate(&["resume", "last"]);
            while code(&stopped) == 3 {
                stopped = approve_waiting(&self.site, &json(&stopped));
            }
            assert_eq!(
                code(&stopped),
                0,
                "{}",
                String::from_utf8_lossy(&stopped.stdout)
            );
            self.over = true;
        }
        self.must_stand();
        let (mut passed, mut unseen) = (0, 0);
        let runs = fs::read_dir(self.site.data().join("runs"));
        for run in runs.into_iter().flatten() {
            let run = run.expect("a run").path();
            if entries(&run).is_empty() {
                continue;
            }
            let state = folded(&run);
            assert_eq!(
                state.sealed.as_ref().map(|sealed| sealed.2),
                Some(0),
                "{}",
                run.display()
            );
            let lost = |end: &TransactionEnd| matches!(end, TransactionEnd::Unseen(_));
            unseen += state.transactions.iter().filter(|t| lost(&t.end)).count();
            let directory = run.display().to_string();
            let verified = self.site.drygate(&["verify", &directory]);
            assert_eq!(
                code(&verified),
                0,
                "{}",
                String::from_utf8_lossy(&verified.stdout)
            );
            passed += 1;
        }
        (passed, unseen)
    }

    fn must_stand(&self) {
        for (run, digests) in &self.acknowledged {
            let state = folded(run);
            for digest in digests {
                let digest: Digest = digest.parse().expect("a digest");
                assert!(
                    state.approvals.iter().any(|a| a.evidence == digest),
                    "{}: an acknowledged approval is lost",
                    run.display()
                );
            }
        }
    }
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {document}"))
}
