//! A link to the server that is damaged at a byte that a seed chooses, in every command that reads the database.
//! Invariant: what the server did not say ends in no PASS; what it could not say ends in exit 69, from where the run goes on to PASS.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use drygate::postgres::throwaway::ClusterOptions;
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};

use super::faulty_link::{Damage, Fault};
use super::stages::{Site, Stage, Worker};
use crate::support::server::Answer;

/// Where so many faults are caused, several are under way at once: some wait for a deadline.
const MANY: usize = 30;
const WORKERS: usize = 3;

/// Exit codes that the contract has for what a damaged reply can make of a command.
#[track_caller]
fn assert_fitting(stage: Stage, damage: Damage, answer: &Answer) {
    let code = answer.code;
    let fits = code == stage.undisturbed() || code == 69 || {
        // Drift, a check that fails, a claim that does not hold, a difference, something left unchecked, another server.
        damage.falsifies() && [2, 3, 4, 6, 9, 10, 11].contains(&code)
    };
    assert!(fits, "exit {code} by {damage:?}: {answer:?}");
}

/// One fault, and everything that must be true after it. `false`: it did not happen.
fn strike(stage: Stage, worker: &Worker<'_>, fault: Fault) -> bool {
    worker.reset(stage);
    let before = ["SG1", "SG2"].map(|gate| worker.approvals(gate));
    worker.link.arm(Some(fault));
    let answer = worker.drygate(&worker.words(stage), stage.limit());
    let (_, struck) = worker.link.disarm();
    assert_fitting(stage, fault.damage, &answer);
    worker.assert_approvals(stage, before, &answer);
    worker.assert_no_secret(&answer);
    if matches!(stage, Stage::Run | Stage::Sg1 | Stage::Sg2)
        && let Some(last) = worker.taken_up()
    {
        let passed = worker.is_pass(&last);
        assert!(passed || fault.damage.falsifies(), "{fault:?}: {last}");
    }
    worker.assert_verifies();
    struck
}

/// How many faults at a stage: in the sample, and in the long suite.
type Share = (Stage, u64, u64);

/// Faults of every kind at these stages.
fn faults_at(site: &Site, shares: &[Share], own_seed: u64) {
    let seed = fault_seed(own_seed);
    let of_share = |(stage, sample, full): &Share| {
        let rounds = fault_rounds(*sample, *full);
        (0..rounds).map(|_| *stage).collect::<Vec<_>>()
    };
    let rounds: Vec<Stage> = shares.iter().flat_map(of_share).collect();
    let workers = if rounds.len() < MANY { 1 } else { WORKERS };
    let workers: Vec<_> = (0..workers).map(|nth| Worker::new(site, nth)).collect();
    let observed = site.observed();
    // So that the few of a sample are not the same ones with every seed.
    let first = Random::new(seed).below(Damage::ALL.len() as u64);
    let first = usize::try_from(first).expect("small");
    for kind in 0..Damage::ALL.len().min(rounds.len()) {
        let (damage, words) = Damage::ALL[(first + kind) % Damage::ALL.len()];
        let counts = FaultCounts::new(11, words);
        let next = AtomicUsize::new(kind);
        let work = |worker: &Worker<'_>| {
            loop {
                let round = next.fetch_add(Damage::ALL.len(), Ordering::SeqCst);
                let Some(stage) = rounds.get(round) else {
                    break;
                };
                let mut random = Random::new(seed ^ ((round as u64) << 32));
                let fault = Fault {
                    damage,
                    at: random.below(worker.traffic(*stage)),
                    mask: 1 + u8::try_from(random.below(255)).expect("below 255"),
                };
                let struck = strike(*stage, worker, fault);
                assert_eq!(site.observed(), observed, "{stage:?} {fault:?}: it wrote");
                if struck {
                    counts.injected();
                } else {
                    counts.void();
                }
            }
        };
        thread::scope(|scope| {
            for worker in &workers {
                scope.spawn(|| work(worker));
            }
        });
    }
}

#[test]
fn a_damaged_link_costs_a_run_no_approval_and_makes_no_pass() {
    let shares = [
        (Stage::Survey, 3, 650),
        (Stage::Run, 1, 200),
        (Stage::Sg1, 1, 250),
        (Stage::Sg2, 2, 250),
        (Stage::Recheck, 3, 600),
    ];
    let site = Site::of_runs(&ClusterOptions::default());
    faults_at(&site, &shares, 0xd15c);
}

#[test]
fn a_damaged_link_makes_no_rehearsal_write() {
    faults_at(&Site::of_rehearsals(), &[(Stage::Rehearse, 1, 50)], 0x4ea2);
}
