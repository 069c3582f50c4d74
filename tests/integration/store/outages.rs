//! A store whose server dies, is replaced by its standby, or stands behind a link that delivers late.
//! Invariant: what was acknowledged is in the store, and what arrives late changes nothing.

use std::sync::Arc;

use drygate::postgres::throwaway::{Cluster, ClusterOptions};
use drygate::testing::FaultCounts;
use rustix::process::{Pid, Signal, kill_process};

use super::team::{Team, until};
use super::unreachable::{disturbed, goes_on, run_id};
use super::wire::StoreLink;
use crate::support::ground::family;
use crate::support::server::{SUPERUSER, text};

fn kill(processes: Vec<Pid>) {
    for process in processes {
        // It may have ended with the one before.
        let _ = kill_process(process, Signal::KILL);
    }
}

#[test]
fn a_store_that_recovers_from_a_crash_has_each_acknowledged_line() {
    let counts = FaultCounts::new(10, "the server of the run store crashes and recovers");
    // This server acknowledges commits that a crash forgets: the program does not take that for an answer.
    let team = Team::on(&ClusterOptions::default());
    assert_eq!(team.value("SHOW synchronous_commit"), "off");
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let (lines, ended) = disturbed(&one, 3, || {
        let pid = team.value("SELECT pid FROM pg_stat_activity WHERE usename = 'alice' LIMIT 1");
        kill(
            Pid::from_raw(pid.parse().expect("a number"))
                .into_iter()
                .collect(),
        );
        counts.injected();
    });
    // It recovers within the tries of the program, or it does not.
    assert!([3, 74].contains(&ended.code), "{ended:?}");
    until("it takes connections again", || {
        let asked = team.store.query(SUPERUSER, &team.database, "SELECT 1");
        asked.is_ok()
    });
    goes_on(&one, &other, &lines);
}

#[test]
fn a_store_that_fails_over_has_each_acknowledged_line() {
    let counts = FaultCounts::new(10, "the standby of the run store is promoted");
    let team = Team::on(&ClusterOptions::default());
    let standby = Cluster::standby_of(&team.store, &ClusterOptions::default());
    let standby = standby.expect("a standby");
    // Only a standby that has each commit may follow: docs/store.md says so.
    for setting in [
        "synchronous_standby_names = '*'",
        "synchronous_commit = 'remote_apply'",
    ] {
        team.sql(&format!("ALTER SYSTEM SET {setting}"));
    }
    team.sql("SELECT pg_reload_conf()");
    until("the standby is synchronous", || {
        team.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"
    });
    let primary = Arc::clone(&team.store);
    let team = Team {
        store: Arc::new(standby),
        ..team
    };
    let hosts = [&primary, &team.store].map(|cluster| cluster.socket_dir().display().to_string());
    let url = |role: &str| {
        let (hosts, database) = (hosts.join(","), &team.database);
        format!(
            "host={hosts} port=5432,5432 user={role} dbname={database} target_session_attrs=primary"
        )
    };
    let one = team.machine_at("a", &url("alice"));
    let other = team.machine_at("b", &url("bob"));
    let (lines, ended) = disturbed(&one, 3, || kill(family(primary.postmaster_pid())));
    counts.injected();
    assert_eq!(ended.code, 74, "{ended:?}");
    let said = "the run store is not reached";
    assert!(ended.stderr.contains(said), "{ended:?}");
    let refused = other.drygate(&["resume", &run_id(&lines), "--headless", "--json"]);
    assert_ne!(refused.code, 3, "nobody takes lines yet: {refused:?}");
    for setting in ["synchronous_standby_names", "synchronous_commit"] {
        team.sql(&format!("ALTER SYSTEM RESET {setting}"));
    }
    team.sql("SELECT pg_reload_conf()");
    assert_eq!(team.value("SELECT pg_promote()"), "t");
    goes_on(&one, &other, &lines);
}

#[test]
fn what_a_silent_link_delivers_late_changes_nothing() {
    let counts = FaultCounts::new(11, "a link to the run store is silent, and delivers late");
    let team = Team::new();
    let link = StoreLink::to(&team.store);
    let one = team.machine_at("a", &link.url("alice", &team.database));
    let other = team.machine("b", "bob");
    let (lines, ended) = disturbed(&one, 3, || link.hold(true));
    counts.injected();
    assert_eq!(ended.code, 74, "{ended:?}");
    assert!(ended.stderr.contains("no answer within 5 s"), "{ended:?}");
    let run_id = run_id(&lines);
    let words = ["resume", run_id.as_str(), "--headless", "--json"];
    other.take_over(&words).expect(3);
    let taken_over = team.lines(&run_id);
    assert!(link.held() > 0, "a statement is on its way");
    link.hold(false);
    until("it has arrived", || link.held() == 0);
    assert_eq!(team.lines(&run_id), taken_over);
    goes_on(&one, &other, &lines);
}

/// A trigger that drops what is put: each part the first time, or always.
fn loses_parts(team: &Team, always: bool) {
    let keeps = if always { "false" } else { "found" };
    team.sql("CREATE TABLE drygate.lost (sha256 text, part integer)");
    team.sql(&format!(
        "CREATE FUNCTION drygate.lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN \
           PERFORM FROM drygate.lost l WHERE l.sha256 = NEW.sha256 AND l.part = NEW.part; \
           IF {keeps} THEN RETURN NEW; END IF; \
           INSERT INTO drygate.lost VALUES (NEW.sha256, NEW.part); RETURN NULL; END$$"
    ));
    team.sql(
        "CREATE TRIGGER lose BEFORE INSERT ON drygate.content FOR EACH ROW EXECUTE FUNCTION drygate.lose()",
    );
}

/// A crash between the parts of a file and its name loses parts whose commit the server had not on its disk.
#[test]
fn a_part_that_is_lost_before_its_file_is_named_is_put_again() {
    let team = Team::new();
    loses_parts(&team, false);
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let last = other.go_on(one.run());
    other.verify(text(&last["run_id"]));
    let missing = "SELECT count(*) FROM drygate.file f WHERE f.parts <> \
                   (SELECT count(*) FROM drygate.content c WHERE c.sha256 = f.sha256)";
    assert_eq!(team.value(missing), "0");
    assert_ne!(team.value("SELECT count(*) FROM drygate.lost"), "0");
}

#[test]
fn a_store_that_keeps_no_part_takes_no_file() {
    let team = Team::new();
    loses_parts(&team, true);
    let refused = team.machine("a", "alice").run();
    assert_eq!(refused.code, 74, "{refused:?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("it does not keep the parts of"), "{said}");
}
