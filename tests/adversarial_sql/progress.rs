//! How far a survey is, told while the server still answers. Invariant: what frees the server is what was told, never time.

use drygate::profile::FactSpec;
use drygate::runner::target::{
    Progress, Purpose, Taken, Target as _, TargetError, Witness, WitnessError,
};
use drygate::simulate::{Piece, Unit, Want};
use drygate::survey::TransactionProof;
use tokio::sync::oneshot;

use super::raw;
use super::support::{
    DATABASE, FULL, Memory, READER, block_on, discoverer, load, profile, versions,
};

/// A witness that frees a lock of another session as soon as it hears of a stage with so many done.
pub struct Freeing {
    memory: Memory,
    at: (&'static str, u64),
    free: Option<oneshot::Sender<()>>,
    /// Everything that was told.
    pub told: Vec<Progress>,
}

impl Freeing {
    /// A witness that only remembers.
    pub fn nothing() -> Self {
        Self {
            memory: Memory::default(),
            at: ("", 0),
            free: None,
            told: Vec::new(),
        }
    }
}

impl Witness for Freeing {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        self.memory.opening(purpose, nonce)
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.memory.closed(proof)
    }

    fn wants(&mut self) -> Want {
        self.memory.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.memory.pieces(batch)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.memory.units(batch)
    }

    fn progress(&mut self, progress: Progress) {
        if (progress.what.as_str(), progress.done) == self.at
            && let Some(free) = self.free.take()
        {
            // The other session may have ended by itself.
            let _gone = free.send(());
        }
        self.told.push(progress);
    }
}

/// A survey while another session locks a child of `table` until the witness hears `at`. A child is locked where its parent is read,
/// not where SQL is parsed.
fn survey_behind_a_lock(
    table: &str,
    at: (&'static str, u64),
) -> (Result<Taken, TargetError>, Vec<Progress>) {
    let cluster = versions().remove(0).cluster();
    load(
        &cluster,
        &format!("CREATE TABLE public.child () INHERITS ({table})"),
    );
    let mut profile = profile();
    // Long enough for the slowest machine: only a survey that never tells waits so long.
    profile.timeouts.lock_ms = 10_000;
    block_on(async {
        let mut discoverer = discoverer(&cluster.url(READER, DATABASE), profile);
        let locker = raw::connect(&cluster, "postgres").await;
        let lock = "BEGIN; LOCK TABLE public.child IN ACCESS EXCLUSIVE MODE";
        raw::run(&locker, lock).await;
        let (free, freed) = oneshot::channel();
        let unlock = tokio::spawn(async move {
            // Either the witness frees it, or the survey ended and with it the witness.
            let _told = freed.await;
            raw::run(&locker, "ROLLBACK").await;
        });
        let mut witness = Freeing {
            at,
            free: Some(free),
            ..Freeing::nothing()
        };
        let taken = discoverer.take(FULL, &mut witness).await;
        drop(witness.free.take());
        unlock.await.expect("the other session ends");
        (taken, witness.told)
    })
}

#[test]
fn each_answer_of_a_batch_is_told_while_the_server_still_works_on_the_next() {
    let profile = profile();
    let counts_the_log = |fact: &FactSpec| fact.key == "lifecycle_log_rows";
    let place = profile.facts.iter().position(counts_the_log);
    let before = place.expect("a fact that reads the table") as u64;
    assert!(before > 0, "an answer comes before the one that waits");
    let (taken, told) = survey_behind_a_lock("public.lifecycle_log", ("Facts", before));
    let taken = taken.expect("a survey");
    let unknown: Vec<_> = taken.survey.unknown().collect();
    assert!(unknown.is_empty(), "nothing waited in vain: {unknown:?}");
    for (what, noun) in [
        ("Checks of profile SQL", "queries"),
        ("Facts", "answers"),
        ("Protected tables", "answers"),
        ("Role survey", "answers"),
    ] {
        let steps: Vec<_> = told.iter().filter(|step| step.what == what).collect();
        let counts: Vec<u64> = steps.iter().map(|step| step.done).collect();
        let total = steps[0].total.expect("a total");
        assert!(total > 1, "{what}");
        assert_eq!(counts, (0..=total).collect::<Vec<_>>(), "{what}");
        assert!(steps.iter().all(|step| step.total == Some(total)), "{what}");
        assert!(steps.iter().all(|step| step.noun == noun), "{what}");
    }
}

#[test]
fn objects_of_a_long_grant_matrix_are_told_and_the_second_time_out_of_how_many() {
    let cluster = versions().remove(0).cluster();
    let many = "DO $$ BEGIN FOR n IN 1..2500 LOOP
        EXECUTE format('CREATE TYPE public.kind_%s AS (id integer)', n); END LOOP; END $$";
    load(&cluster, many);
    let mut discoverer = discoverer(&cluster.url(READER, DATABASE), profile());
    let mut told = || {
        let mut witness = Freeing::nothing();
        block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
        let of_matrix = |step: &Progress| step.what == "Grant matrix";
        witness.told.retain(of_matrix);
        let steps = witness.told.into_iter();
        steps
            .map(|step| (step.done, step.total))
            .collect::<Vec<_>>()
    };
    let mut first = told();
    let (all, _) = first.pop().expect("the last step");
    assert!(all > 2_500, "{all}");
    assert_eq!(first, [(0, None), (1_000, None), (2_000, None)]);
    let totals: Vec<_> = told().into_iter().map(|(_, total)| total).collect();
    assert_eq!(totals.len(), 4);
    assert_eq!(totals[0], Some(all), "{totals:?}");
    assert!(totals.windows(2).all(|pair| pair[0] == pair[1]));
}
