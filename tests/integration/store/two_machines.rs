//! A run that two machines go through together, and what is refused from the beginning.
//! Invariant: both machines end with the same bytes, which are those of the store.

use std::collections::BTreeMap;
use std::path::PathBuf;

use drygate::postgres::throwaway::Scenario;

use super::team::{Machine, PASS, Team};
use crate::support::server::{READER, SUPERUSER, Workspace, files, text};

/// The files of a run on a machine by their name below it. LOCK and what is derived are those of the machine.
fn run_files(machine: &Machine<'_>, run_id: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let run = machine.data().join("runs").join(run_id);
    let below = |path: PathBuf| path.strip_prefix(&run).expect("below it").to_owned();
    let all = files(&run).into_iter();
    let mut all: BTreeMap<_, _> = all.map(|(path, bytes)| (below(path), bytes)).collect();
    all.retain(|path, _| path.as_os_str() != "LOCK");
    all
}

#[test]
fn a_run_is_approved_on_two_machines_and_both_have_the_same_files() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let first = one.run().expect(3).json();
    let run_id = text(&first["run_id"]).to_owned();
    let second = other.approve(&first, "SG1").expect(3).json();
    let last = one.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], PASS);
    for machine in [&one, &other] {
        let verified = machine.verify(&run_id);
        assert!(verified.stdout.contains("gave 2 decisions"), "{verified:?}");
    }
    let (here, there) = (run_files(&one, &run_id), run_files(&other, &run_id));
    assert!(
        here.keys().eq(there.keys()),
        "{:?}\n{:?}",
        here.keys(),
        there.keys()
    );
    for (path, bytes) in &here {
        assert!(there[path] == *bytes, "{} differs", path.display());
    }
    let lines = team.lines(&run_id);
    let head = format!(
        "SELECT head_seq = {} AND head_sha256 = encode(sha256(line), 'hex') AND manifest_sha256 IS NOT NULL \
         AND until <= now() AND run.epoch = 3 FROM drygate.run JOIN drygate.line USING (run_id) \
         WHERE run_id = '{run_id}' AND seq = head_seq",
        lines.len() - 1
    );
    assert_eq!(
        team.value(&head),
        "t",
        "{:?}",
        team.sql("TABLE drygate.run")
    );
    let stamped = team.sql(&format!(
        "SELECT written_by FROM drygate.line WHERE run_id = '{run_id}' \
         AND convert_from(line, 'UTF8') LIKE '%\"approval_recorded\"%' ORDER BY seq"
    ));
    let by = |name: &str| vec![Some(name.to_owned())];
    assert_eq!(stamped, [by("bob"), by("alice")]);
}

#[test]
fn a_store_on_the_surveyed_server_is_refused() {
    let team = Team::new();
    let surveyed = Workspace::on(team.store.clone(), Scenario::Enacted);
    let machine = team.machine("a", "alice");
    let url = team.store.url(READER, &surveyed.database);
    let words = ["run", "--headless", "--json", "--database-url", &url];
    let refused = machine.drygate(&words).expect(78);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        said.contains("the run store is on the server that is to be surveyed"),
        "{said}"
    );
    let surveys = "SELECT count(*) FROM drygate.line WHERE convert_from(line, 'UTF8') LIKE '%\"survey_taken\"%'";
    assert_eq!(team.value(surveys), "0", "nothing was surveyed");
    // The database has its own objects by now: they go with it.
    let gone = format!("DROP DATABASE \"{}\" WITH (FORCE)", surveyed.database);
    team.store.load(SUPERUSER, &gone).expect("a superuser");
}

#[test]
fn two_runs_that_begin_at_the_same_time_are_two_runs() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let url = team.surveyed.url();
    let words = ["run", "--headless", "--json", "--database-url", &url];
    let started = [one.start(&words), other.start(&words)];
    let ids = started.map(|child| {
        let first = crate::support::server::finish(child).expect(3).json();
        text(&first["run_id"]).to_owned()
    });
    assert_ne!(ids[0], ids[1]);
    let listed = one.drygate(&["runs", "--json"]).expect(0).stdout;
    for id in &ids {
        assert!(listed.contains(id.as_str()), "{listed}");
    }
}

#[test]
fn what_came_of_a_change_is_listed_where_the_run_was_listed_before() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let sealed = one.go_on(one.run());
    let run_id = text(&sealed["run_id"]);
    let listed = || other.drygate(&["runs", "--json"]).expect(0).stdout;
    assert!(!listed().contains("came_true"), "{}", listed());
    let url = team.surveyed.url();
    let words = ["recheck", run_id, "--after", "--database-url", &url];
    let looked = one.drygate(&words).stdout;
    assert!(looked.contains("recorded in outcomes.jsonl"), "{looked}");
    assert!(listed().contains("came_true"), "{}", listed());
}

#[test]
fn old_sealed_runs_are_removed_by_the_printed_sql_and_copies_stay() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let old = one.go_on(one.run());
    let old = text(&old["run_id"]).to_owned();
    let waits = one.run().expect(3).json();
    let new = one.go_on(one.run());
    let days = |before: &str| format!("UPDATE {before} = now() - interval '100 days'");
    team.sql(&format!(
        "{} WHERE run_id IN ('{old}', '{}')",
        days("drygate.file SET written_at"),
        text(&waits["run_id"])
    ));
    let words = ["store", "prune", "--older-than", "90d", "--sql"];
    let printed = one.drygate(&words).expect(0);
    assert_eq!(team.lines(&old).len(), one.journal(&old).lines().count());
    let pruned = team.store.load(&team.database, &printed.stdout);
    pruned.expect("the printed SQL");
    let left = team.sql("SELECT run_id FROM drygate.run ORDER BY begun_at");
    let left: Vec<&str> = left.iter().filter_map(|row| row[0].as_deref()).collect();
    assert_eq!(left, [text(&waits["run_id"]), text(&new["run_id"])]);
    for table in ["line", "file"] {
        let of = format!("SELECT count(*) FROM drygate.{table} WHERE run_id = '{old}'");
        assert_eq!(team.value(&of), "0", "{table}");
    }
    let of_nobody = "SELECT count(*) FROM drygate.content c WHERE NOT EXISTS \
                     (SELECT FROM drygate.file f WHERE f.sha256 = c.sha256)";
    assert_eq!(team.value(of_nobody), "0");
    // What the others have is whole: another machine brings it here and goes on with it.
    other.verify(text(&new["run_id"]));
    other.go_on(other.approve(&waits, "SG1"));
    one.drygate(&["verify", &old]).expect(0);
    let compared = one.drygate(&["verify", &old, "--store"]);
    assert_ne!(compared.code, 0, "{compared:?}");
}
