//! The primary dies while a run waits, and its standby becomes the primary. Invariant: what was approved of one server is never carried
//! to another timeline in silence; with new evidence the run goes on there.

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::testing::FaultCounts;

use crate::support::server::{READER, SUPERUSER, Workspace, approval, own_cluster, text};

#[test]
fn a_promoted_standby_voids_what_was_approved_of_its_primary() {
    let counts = FaultCounts::new(10, "the primary dies and its standby is promoted");
    let primary = own_cluster(&ClusterOptions::default());
    let workspace = Workspace::on(primary, Scenario::Enacted);
    let standby = Cluster::standby_of(&workspace.cluster, &ClusterOptions::default());
    let standby = standby.expect("a standby");
    let hosts = [workspace.cluster.socket_dir(), standby.socket_dir()];
    let url = format!(
        "host={},{} port=5432,5432 user={READER} dbname={} target_session_attrs=primary",
        hosts[0].display(),
        hosts[1].display(),
        workspace.database
    );
    let words = ["run", "--headless", "--json", "--database-url", &url];
    let first = workspace.drygate(&words).expect(3).json();
    let pid = i32::try_from(workspace.cluster.postmaster_pid()).expect("a process");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    let promoted = standby.query(SUPERUSER, &workspace.database, "SELECT pg_promote()");
    assert_eq!(
        promoted.expect("a superuser may")[0][0].as_deref(),
        Some("t")
    );
    counts.injected();
    let approved = workspace.drygate(&approval(&first, "SG1")).expect(4).json();
    let drift = approved["drift"].as_array().expect("a list").iter();
    let keys: Vec<String> = drift.map(|moved| text(&moved["key"]).to_owned()).collect();
    let is_of_server = |key: &String| key.starts_with("server.");
    assert!(
        !keys.is_empty() && keys.iter().all(is_of_server),
        "{keys:?}"
    );
    // With new evidence it goes on, and says that it proves no more what it was to prove.
    let words = ["resume", text(&first["run_id"]), "--headless", "--json"];
    let renewed = workspace.drygate(&words).expect(3).json();
    let says = text(&renewed["message"]);
    assert!(says.contains("can no longer end as PASS"), "{says}");
    assert!(says.contains("claim E"), "{says}");
}
