//! A run whose link to the store fails at any statement.
//! Invariant: it comes to the same as without: the same number of lines, PASS, and a journal that verifies.

use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};

use super::team::Team;
use super::wire::{StoreLink, Strike};
use crate::support::server::text;

const STRIKES: [Strike; 3] = [Strike::CutBefore, Strike::CutAfter, Strike::Conflict];

/// A whole run through the link; gives the events of its journal and how many statements it took.
fn whole_run(
    team: &Team,
    link: &StoreLink,
    name: &str,
    strike: Option<(u64, Strike)>,
    counts: &FaultCounts,
) -> (Vec<String>, u64) {
    let machine = team.machine_at(name, &link.url("alice", &team.database));
    link.arm(strike);
    let last = machine.go_on(machine.run());
    let statements = link.statements();
    let run_id = text(&last["run_id"]).to_owned();
    match strike {
        Some(_) if link.struck() => counts.injected(),
        Some(_) => counts.void(),
        None => {}
    }
    link.arm(None);
    machine.verify(&run_id);
    (team.stored_events(&run_id), statements)
}

#[test]
fn a_statement_that_fails_anywhere_changes_nothing() {
    let team = Team::new();
    let link = StoreLink::to(&team.store);
    let counts = FaultCounts::new(
        11,
        "a statement to the run store fails, or its answer is lost",
    );
    let (expected, statements) = whole_run(&team, &link, "undisturbed", None, &counts);
    assert!(statements > 50, "each line and file is one: {statements}");
    let mut random = Random::new(fault_seed(2300));
    let rounds = fault_rounds(6, 3 * statements);
    for round in 0..rounds {
        let strike = STRIKES[usize::try_from(round % 3).expect("small")];
        // All of them where there is time, else some by chance.
        let at = if rounds < statements {
            1 + random.below(statements)
        } else {
            1 + round / 3
        };
        let (events, _) = whole_run(
            &team,
            &link,
            &format!("m{round}"),
            Some((at, strike)),
            &counts,
        );
        assert_eq!(events, expected, "{strike:?} at statement {at}");
    }
}
