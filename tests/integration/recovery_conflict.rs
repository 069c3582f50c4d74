//! A run on a standby whose replay removes the rows that a survey reads.
//! Invariant: the standby is real, and what is replayed is written and vacuumed on its primary while the survey reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};

use crate::support::ground::{Ground, text};
use crate::support::server::SUPERUSER;

const READER: &str = "context_pack_readonly";

#[test]
fn a_recovery_conflict_tells_the_words_of_the_server_and_another_standby() {
    let ground = Ground::new(Scenario::Draft);
    let settings = [
        ("max_standby_streaming_delay", "0"),
        ("hot_standby_feedback", "off"),
    ];
    let options = ClusterOptions {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..ClusterOptions::default()
    };
    let standby = Cluster::standby_of(&ground.cluster, &options).expect("a standby");
    let url = standby.url(READER, "kb");
    let repository = ground.repository.path().display().to_string();
    let run = [
        "run",
        "--headless",
        "--json",
        "--repo",
        &repository,
        "--database-url",
        &url,
    ];
    let done = AtomicBool::new(false);
    let stopped = thread::scope(|scope| {
        scope.spawn(|| {
            // Rows that no snapshot of the primary needs any more: their removal is what the standby replays.
            while !done.load(Ordering::Relaxed) {
                ground.intrude("UPDATE public.unit_version SET content = content");
                ground.intrude("VACUUM public.unit_version");
            }
        });
        // A survey that was over before anything was replayed met no conflict: the next one may.
        let stopped = loop {
            let stopped = ground.home().script(&run);
            if stopped.code != 3 {
                break stopped;
            }
        };
        done.store(true, Ordering::Relaxed);
        stopped
    });
    assert_eq!(stopped.code, 69, "{}", stopped.text);
    let message = text(&stopped.json["message"]);
    assert!(message.contains("conflict with recovery"), "{message}");
    let next = text(&stopped.json["next"]);
    assert!(next.contains("max_standby_streaming_delay"), "{next}");
    // The same run goes on once all is replayed.
    let written = ground.ask("SELECT pg_catalog.pg_current_wal_lsn()");
    let replayed = format!("SELECT pg_catalog.pg_last_wal_replay_lsn() >= '{written}'");
    let is_replayed = || {
        let asked = standby.query(SUPERUSER, "kb", &replayed);
        asked.expect("a standby answers")[0][0].as_deref() == Some("t")
    };
    while !is_replayed() {
        thread::yield_now();
    }
    let run_id = text(&stopped.json["run_id"]);
    let resumed = ground
        .home()
        .script(&["resume", &run_id, "--headless", "--json"]);
    assert_eq!(resumed.code, 3, "{}", resumed.text);
}
