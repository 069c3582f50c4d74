//! A pooler that dies in front of the server, in the middle of a survey or while a run waits, and is started again.
//! Invariant: the command ends with exit 69 or as if nothing was, each approval is recorded once, and the run goes on to PASS.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use drygate::postgres::throwaway::Scenario;
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};

use crate::support::ground::{Ground, Said, text};
use crate::support::pooler::PgBouncer;
use crate::support::server::READER;

/// How often a run is taken up before it is said to go nowhere.
const TRIES: usize = 10;

/// Runs a command, and kills the pooler while a session of it reads. `false`: none was seen.
fn killed_while(
    ground: &Ground,
    bouncer: &mut PgBouncer,
    delay: Duration,
    command: impl FnOnce() -> Said,
) -> (Said, bool) {
    let over = AtomicBool::new(false);
    let reads = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{READER}' AND state <> 'idle'"
    );
    thread::scope(|scope| {
        let over = &over;
        let killed = scope.spawn(move || {
            while ground.ask(&reads) == "0" {
                if over.load(Ordering::SeqCst) {
                    return false;
                }
            }
            // Where in the survey is by chance, and nothing is judged by it.
            thread::sleep(delay);
            bouncer.kill();
            true
        });
        let said = command();
        over.store(true, Ordering::SeqCst);
        (said, killed.join().expect("no panic"))
    })
}

/// Goes on without a fault from what a command said, to the seal.
#[track_caller]
fn taken_up(ground: &Ground, run: &str, mut said: Said) -> Said {
    let home = ground.home();
    for _ in 0..TRIES {
        said = match said.code {
            69 => home.script(&["resume", run, "--headless", "--json"]),
            3 => home.approve(
                run,
                &text(&said.json["gate"]),
                &text(&said.json["evidence"]),
            ),
            _ => return said,
        };
    }
    panic!("{run} comes to no end: {}", said.text)
}

#[test]
fn a_pooler_that_is_killed_and_started_again_costs_no_approval() {
    let counts = FaultCounts::new(11, "PgBouncer is killed in a survey and started again");
    let mut random = Random::new(fault_seed(0x6432));
    for round in 0..fault_rounds(2, 40) {
        let mode = ["session", "transaction"][usize::from(round % 2 == 1)];
        let ground = Ground::new(Scenario::Draft);
        let users = format!("\"{READER}\" \"\"\n");
        let settings = format!("auth_type = trust\npool_mode = {mode}\n");
        let Some(mut bouncer) = PgBouncer::start(&ground.cluster, &settings, &users) else {
            return;
        };
        let (host, port) = (bouncer.place().display().to_string(), PgBouncer::PORT);
        let url = format!("postgresql:///kb?host={host}&port={port}&user={READER}");
        let repository = ground.repository.path().display().to_string();
        let run = ["run", "--headless", "--json", "--database-url", &url];
        let home = ground.home();
        let first = home.script(&[&run[..], &["--repo", &repository]].concat());
        assert_eq!(first.code, 3, "{}", first.text);
        let (run, digest) = (text(&first.json["run_id"]), text(&first.json["evidence"]));
        // While the run waits, and then in the survey of its approval.
        bouncer.kill();
        bouncer.start_again();
        let delay = Duration::from_millis(random.below(150));
        let approve = || home.approve(&run, "SG1", &digest);
        let (struck, was_killed) = killed_while(&ground, &mut bouncer, delay, approve);
        assert!(
            [3, 69].contains(&struck.code),
            "{mode}: {}: {}",
            struck.code,
            struck.text
        );
        if was_killed {
            counts.injected();
            bouncer.start_again();
        } else {
            counts.void();
        }
        let ended = taken_up(&ground, &run, struck);
        assert_eq!(ended.code, 0, "{mode}: {}", ended.text);
        let gates = home.run().decisions();
        assert_eq!(gates.len(), 2, "{mode}: each gate once: {gates:?}");
        let verified = home.script(&["verify", &run]);
        assert_eq!(verified.code, 0, "{}", verified.text);
    }
}
