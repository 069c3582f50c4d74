//! The real program against a real server, killed with SIGKILL (F2): while it waits at SG1 and SG2, and at random times. Invariant: what an exit code acknowledged is in the journal.

use std::io::Read;
use std::thread;
use std::time::Duration;

use drygate::journal::JournalEntry;
use drygate::run::Event;
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};

use super::lives::Lives;
use super::site::{Site, approve_waiting, code, entries, folded, json};

#[test]
fn killed_while_it_waits_it_goes_on_to_the_same_facts() {
    let site = Site::new();
    let returned = |times: usize| {
        move |entries: &[JournalEntry<Event>]| {
            let returns =
                |e: &&JournalEntry<Event>| matches!(e.event, Event::InvocationReturned(_));
            entries.iter().filter(returns).count() >= times
        }
    };
    site.kill_screen(&["run"], returned(1));
    let run = site.last_run().expect("a run");
    let facts = folded(&run).pin.expect("a pin").facts_digest.clone();

    let resumed = site.drygate(&["resume", "last"]);
    assert_eq!(
        code(&resumed),
        3,
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    let at_sg2 = approve_waiting(&site, &json(&resumed));
    assert_eq!(code(&at_sg2), 3);
    assert_eq!(json(&at_sg2)["gate"], "SG2");

    site.kill_screen(&["resume", "last"], returned(4));
    let resumed = site.drygate(&["resume", "last"]);
    assert_eq!(
        (code(&resumed), json(&resumed)["gate"].as_str()),
        (3, Some("SG2"))
    );
    let ended = approve_waiting(&site, &json(&resumed));
    assert_eq!(
        code(&ended),
        0,
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
    let document = json(&ended);
    assert_eq!(document["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(document["facts_digest"], facts.as_str());
    let numbers: Vec<u64> = document["returns"]
        .as_array()
        .expect("returns")
        .iter()
        .map(|r| r["r"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let resumed = |e: &JournalEntry<Event>| matches!(e.event, Event::RunResumed(_));
    assert_eq!(entries(&run).iter().filter(|e| resumed(e)).count(), 5);
    assert_eq!(code(&site.drygate(&["verify", "last"])), 0);
}

/// What a killed process had acknowledged is nothing; what an ended one said by its exit code must stand.
#[test]
fn killed_at_random_times_it_loses_nothing_that_was_acknowledged() {
    let rounds = fault_rounds(40, 700);
    let mut chance = Random::new(fault_seed(0x2026_1122));
    let counts = FaultCounts::new(2, "SIGKILL of the program at a random time");
    let mut lives = Lives::new(Site::new());
    for round in 0..rounds {
        let given = lives.next();
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let mut child = lives.site.command(&words).spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("piped");
        let reader = thread::spawn(move || {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).map(|_| said)
        });
        thread::sleep(Duration::from_millis(chance.below(1200)));
        child.kill().expect("it is ours");
        let status = child.wait().expect("it ended");
        let said = reader.join().expect("no panic").expect("readable");
        if let Some(exit) = status.code() {
            counts.void();
            assert!([0, 3].contains(&exit), "round {round}, {given:?}: {exit}");
            lives.ended(&given, exit, &said);
        } else {
            counts.injected();
            lives.failed(&mut chance);
        }
    }
    let (passed, unseen) = lives.finish();
    println!("{rounds} rounds: {passed} runs passed, {unseen} transactions unseen");
    assert!(counts.so_far().0 > 0);
}
