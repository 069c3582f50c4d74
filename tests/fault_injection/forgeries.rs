//! Forged runs: one record of a sealed run is changed, removed, doubled, swapped or put in, a blob is another one, and everything that chains or names bytes by
//! their digest is made anew. Invariant: `verify` finds it, but for the pairs of `free_fields`; against the head that was kept it finds all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drygate::journal::Storage;
use drygate::run::{ApprovalGate, RunResult};
use drygate::runner::target::TargetError;
use drygate::survey::Digest;
use drygate::testing::{FaultCounts, Random, SimulatedDisk, fault_rounds, fault_seed};
use drygate::verify::{Layer, Verified};
use rstest::rstest;

use super::forger::{Sealed, forge, places};
use super::free_fields::is_free;
use super::world::World;

/// What is found of a forgery, by how much work it is for the forger.
enum Outcome {
    /// The journal contradicts itself.
    InTheJournal,
    /// Only reports and side files differ, which he renders again.
    ByReports,
    /// It is said that something cannot be checked, or lies beside.
    Said,
    Nothing,
}

fn outcome(run: &Sealed, verified: &Verified, counts_again: bool) -> Outcome {
    let rendered = |finding: &&String| {
        let file = ["kb/", "sidecar.json", "context.json"]
            .iter()
            .any(|file| finding.starts_with(file));
        file || finding.contains("G6 reports_render: its raw values")
    };
    let kept = |finding: &&String| finding.contains("its head was kept");
    // He counts again what the scan read.
    let counted = |finding: &&String| finding.contains("the scan for secrets read");
    let findings = verified.findings.iter();
    let findings: Vec<&String> = findings
        .filter(|it| !(kept(it) || counts_again && counted(it)))
        .collect();
    let said =
        (&verified.not_checked, &verified.beside) != (&run.honest.not_checked, &run.honest.beside);
    match findings.iter().filter(|it| !rendered(it)).count() {
        // That remains when he has rendered the reports again.
        0 if said => Outcome::Said,
        0 if findings.is_empty() => Outcome::Nothing,
        0 => Outcome::ByReports,
        _ => Outcome::InTheJournal,
    }
}

/// Runs of every result: with drift, refusals and resumes, with hooks, with a check that the profile excludes.
fn runs() -> Vec<Sealed> {
    let mut runs = vec![
        changed("changed", false),
        changed("changed, fails on top", true),
    ];
    let mut keep = |name: &str, tell: &dyn Fn(&mut World, &SimulatedDisk)| {
        let disk = SimulatedDisk::new();
        let mut world = World::new(Arc::new(disk.clone()));
        tell(&mut world, &disk);
        runs.push(Sealed::of(name, &world, &disk));
    };
    keep("pass", &|world, _| {
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
    });
    keep("drifted", &|world, _| {
        world.tables = HOOKED;
        let outcome = world.begin().expect("it waits at SG1");
        let wrong = world.rejection(ApprovalGate::SG2);
        assert_eq!(world.take_up(Some(wrong)).expect("refused").exit_code, 6);
        world.spoiled.unit_state = Some("enacted");
        let drifted = world.take_up(Some(world.approval(&outcome.run)));
        assert_eq!(drifted.expect("it drifts").exit_code, 4);
        world.spoiled.unit_state = None;
        world.go_on().expect("it is sealed");
    });
    keep("changed by others", &|world, disk| {
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
        cut_back(world, disk);
        world.spoiled.fact = Some(("icx_draft", "59"));
        world.go_on().expect("it is sealed");
    });
    keep("rejected", &|world, _| {
        let outcome = world.begin().expect("it waits at SG1");
        let outcome = world.take_up(Some(world.approval(&outcome.run)));
        assert_eq!(outcome.expect("it waits at SG2").exit_code, 3);
        let rejection = world.rejection(ApprovalGate::SG2);
        assert_eq!(
            world.take_up(Some(rejection)).expect("rejected").exit_code,
            5
        );
    });
    keep("restarted", &|world, _| {
        world.spoiled.broken_off = true;
        world.begin().expect("it waits at SG1");
        world.clock.reboot();
        world.resume().expect("its evidence is shown again");
        world.go_on().expect("it is sealed");
    });
    keep("fail", &|world, _| {
        let unfit = "the session is not the expected role".to_owned();
        world.spoiled.error = Some(TargetError::Unfit(unfit));
        assert_eq!(world.begin().expect("it fails").exit_code, 9);
    });
    keep("stained", &|world, _| {
        world.spoiled.stained = true;
        assert_eq!(world.begin().expect("it fails").exit_code, 10);
    });
    keep("incomplete", &|world, _| {
        world.tables = EXCLUDED;
        world.repository.main = None;
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
    });
    runs
}

/// A run whose change is rehearsed at both approvals. `fails_on_top`: a run on top of the first fails, else it writes again.
fn changed(name: &str, fails_on_top: bool) -> Sealed {
    let disk = SimulatedDisk::new();
    let mut world = World::new(Arc::new(disk.clone()));
    world.tables = CHANGED;
    world.spoiled.fails_on_top = fails_on_top;
    world.begin().expect("it waits at SG1");
    world.go_on().expect("it is sealed");
    Sealed::of(name, &world, &disk)
}

const HOOKED: &str = "\n[hooks]\non_wait = [\"true\"]\non_stop = [\"true\"]\n";
const CHANGED: &str = "
[change]
role = \"kb_owner\"
expect = [{ table = \"public.information_unit\", update = 2 }, { table = \"public.lifecycle_log\", insert = \"1..3\" }]
";
const EXCLUDED: &str =
    "\n[[out_of_scope]]\ncheck = \"work_tree_recorded\"\nreason = \"no work tree here\"\n";

/// Puts a sealed run back to where its last step had been simulated, as a crash would have left it.
fn cut_back(world: &World, disk: &SimulatedDisk) {
    let run = world.path();
    let text = disk.read(&run.join("journal.jsonl")).expect("readable");
    let text = String::from_utf8(text.expect("a journal")).expect("text");
    let at = text
        .lines()
        .position(|line| line.contains("\"to\":\"enact_simulated\""));
    let at = at.expect("it came so far");
    let kept: Vec<&str> = text.lines().take(at + 1).collect();
    let head = format!("{{\"seq\":{at},\"sha256\":\"{}\"}}\n", Digest::of(kept[at]));
    disk.tamper(
        &run.join("journal.jsonl"),
        (kept.join("\n") + "\n").as_bytes(),
    );
    disk.tamper(&run.join("HEAD"), head.as_bytes());
    disk.remove(&run.join("manifest.sha256"))
        .expect("it was sealed");
    for report in disk.list(&run.join("kb")).expect("reports") {
        disk.remove(&run.join("kb").join(report.name))
            .expect("a report");
    }
}

/// What a forger got through with once: the order in which a person, a survey and a step come, and a count that was taken out.
const ACCEPTED_ONCE: [(&str, &str); 11] = [
    ("check_recorded", "(swapped with check_recorded)"),
    ("gate_started", "(swapped with transaction_opened)"),
    ("survey_taken", "(swapped with check_recorded)"),
    ("transaction_closed", "(swapped with statements_recorded)"),
    ("approval_recorded", "(swapped with transaction_opened)"),
    ("evidence_shown", "(swapped with invocation_returned)"),
    ("gate_started", "(swapped with evidence_taken)"),
    ("survey_taken", "(swapped with units_progressed)"),
    ("check_recorded", "check.raw.output.texts (cut)"),
    ("statements_recorded", "blob (blob)"),
    ("survey_taken", "simulation.counts.already_enacted.value"),
];

#[test]
fn what_was_accepted_once_is_found_wherever_it_is_done() {
    let runs = runs();
    let places = places(&runs);
    let mut chance = Random::new(7);
    for (event, field) in ACCEPTED_ONCE {
        let pair = (event.to_owned(), field.to_owned());
        let (mut made, mut found) = (0, 0);
        // Some of very many: all of them take minutes.
        let all = &places[&pair];
        for place in all.iter().step_by(1 + all.len() / 20) {
            let Some(forgery) = forge(&runs, &pair, place, &mut chance) else {
                continue;
            };
            let run = &runs[place.run];
            let (verified, changed) = run.forged(&forgery);
            assert!(changed, "{}", forgery.how);
            let is_found = matches!(outcome(run, &verified, false), Outcome::InTheJournal);
            // Of a pair that is free elsewhere, those that a verdict rests on.
            let may_pass = is_free(&run.name, event, field);
            assert!(is_found || may_pass, "{event} {field}: {}", forgery.how);
            made += 1;
            found += u32::from(is_found);
        }
        assert!(found > 0, "{event} {field}");
        println!("{event} {field}: {made} made, {found} found");
    }
}

/// What is recorded of a change, in parts that are forged beside each other.
#[rstest]
#[case::events(&["change_read", "change_moved", "copy_listed", "change_rehearsed"])]
#[case::ledger(&["(row ledger)"])]
#[case::effect(&["(whole effect)"])]
fn whatever_is_forged_of_a_change_is_found(#[case] of_a_change: &[&str]) {
    let runs = [
        changed("changed", false),
        changed("changed, fails on top", true),
    ];
    let places = places(&runs);
    let forges_events = !of_a_change[0].starts_with('(');
    let mut chance = Random::new(7);
    let mut made = 0;
    let mut accepted = Vec::new();
    for (pair, places) in &places {
        let (event, field) = pair;
        let is_check =
            forges_events && event == "check_recorded" && field == "(swapped with check_recorded)";
        if !is_check
            && (!of_a_change.contains(&event.as_str()) || is_free(&runs[0].name, event, field))
        {
            continue;
        }
        // Of the lines that look alike the last ones, which no later line repeats.
        let some = match event.as_str() {
            _ if is_check => places.len(),
            "(row ledger)" | "(whole effect)" => 1,
            _ => 2,
        };
        let of_run = |run| places.iter().rev().filter(move |it| it.run == run);
        // The two differ in their effect alone.
        let of_second = usize::from(event == "(whole effect)");
        for place in of_run(0).take(some).chain(of_run(1).take(of_second)) {
            let Some(forgery) = forge(&runs, pair, place, &mut chance) else {
                continue;
            };
            let run = &runs[place.run];
            let (verified, is_other) = run.forged(&forgery);
            made += u32::from(is_other);
            let found = matches!(
                outcome(run, &verified, event.starts_with('(')),
                Outcome::InTheJournal
            );
            if is_other && !found {
                println!("accepted: {event} {field}: {}", forgery.how);
                accepted.push(format!("{event} {field}: {}", forgery.how));
            }
        }
    }
    println!("{made} made, {} accepted", accepted.len());
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn another_script_is_found_wherever_its_statement_is_another_one() {
    let run = changed("changed", false);
    let script = run.script();
    let begin = script.windows(6).position(|six| six == b"SELECT");
    let begin = begin.expect("a statement");
    let (mut found, mut free) = (0, 0);
    let others = (0..script.len()).step_by(7).map(|at| {
        let mut other = script.to_vec();
        other[at] ^= 1;
        // What is no byte of the statement: the comment before it, and the end of its line.
        (other, at < begin || at + 1 == script.len())
    });
    let more = [
        ([script, b"SELECT 2;"].concat(), false),
        ([script, b"SELECT 2"].concat(), false),
        ([b"SELECT 2;", script].concat(), false),
        (script[..begin].to_vec(), false),
        ([script, b"-- a comment\n"].concat(), true),
    ];
    for (other, may_pass) in others.chain(more) {
        let forgery = run.with_script(&other);
        let (verified, _) = run.forged(&forgery);
        let is_found = matches!(outcome(&run, &verified, true), Outcome::InTheJournal);
        assert!(is_found || may_pass, "{}", forgery.how);
        found += u32::from(is_found);
        free += u32::from(!is_found);
    }
    println!("{found} found, {free} in a comment or behind the end");
    assert!(found > 20, "{found}");
}

#[test]
fn forgeries_of_sealed_runs_are_found() {
    let runs = runs();
    let results = |result: RunResult| match result {
        RunResult::Pass => "PASS",
        RunResult::ChangedByOthers => "CHANGED_BY_OTHERS",
        RunResult::Rejected => "REJECTED",
        RunResult::Fail => "FAIL",
        RunResult::MutationSuspected => "MUTATION_SUSPECTED",
        RunResult::Incomplete => "INCOMPLETE",
    };
    let came: BTreeSet<&str> = runs.iter().map(|run| results(run.outcome())).collect();
    assert_eq!(came.len(), 6, "{came:?}");
    let count = fault_rounds(200, 2_000);
    let counts = FaultCounts::new(
        5,
        "a line of a sealed run is forged and the chain is made anew",
    );
    let places = places(&runs);
    let pairs: Vec<&(String, String)> = places.keys().collect();
    let mut chance = Random::new(fault_seed(7));
    let (mut made, mut said) = (0, 0);
    // By kind of event: made, found in the journal.
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    // By look: the forgeries that no other look finds.
    let mut alone: BTreeMap<Layer, u64> = BTreeMap::new();
    let mut accepted: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut bad = Vec::new();
    while made < count {
        let pair = *chance.of(&pairs);
        let place = chance.of(&places[pair]);
        let Some(forgery) = forge(&runs, pair, place, &mut chance) else {
            continue;
        };
        let run = &runs[place.run];
        let (verified, changed) = run.forged(&forgery);
        if !changed {
            continue;
        }
        made += 1;
        counts.injected();
        assert!(
            verified.kept_head.is_none() && !verified.findings.is_empty(),
            "against the kept head: {}",
            forgery.how
        );
        let of_kind = kinds.entry(pair.0.clone()).or_default();
        of_kind.0 += 1;
        // Reports show almost everything, and a forger renders them again.
        let layers = verified.layers.iter();
        let layers: Vec<_> = layers.filter(|it| **it != Layer::Rendered).collect();
        if let [only] = layers.as_slice() {
            *alone.entry(**only).or_default() += 1;
        }
        match outcome(run, &verified, false) {
            Outcome::InTheJournal => of_kind.1 += 1,
            // The digests of reports are for the reports to give.
            Outcome::ByReports if place.is_of_reports(&runs) || pair.0 == "run_sealed" => {
                of_kind.1 += 1;
            }
            Outcome::Said => said += 1,
            Outcome::ByReports | Outcome::Nothing => {
                let (event, field) = &forgery.pair;
                if !is_free(&run.name, event, field) {
                    bad.push(format!("{event} {field}: {}", forgery.how));
                }
                accepted.entry(forgery.pair).or_default().push(forgery.how);
            }
        }
    }
    let all: usize = accepted.values().map(Vec::len).sum();
    println!(
        "{made} forgeries over {} pairs: against a kept head 0 accepted; without one {all} accepted, {said} NOT CHECKED",
        pairs.len()
    );
    for (kind, (made, found)) in &kinds {
        println!("{kind}: {made} made, {found} found");
    }
    for (layer, count) in &alone {
        println!("{layer:?} alone: {count}");
    }
    for ((event, field), how) in &accepted {
        println!("accepted: {event} {field}: {}, {}", how.len(), how[0]);
    }
    assert!(bad.is_empty(), "accepted and on no list: {bad:#?}");
}
