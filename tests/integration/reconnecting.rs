//! How a run that was taken up finds its server again. Invariant: what the run was started with is enough, no secret of it is kept,
//! and what is gone is named.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};

use super::support::server::{
    Answer, READER, Workspace, approval, files, finish, own_cluster, text,
};

pub const CANARY: &str = "canary-of-the-passfile";

/// A server that asks the reader for a password, and a password file that has it.
pub fn with_password() -> (Workspace, PathBuf) {
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    let hba = workspace.sql("SHOW hba_file")[0][0]
        .clone()
        .expect("a path");
    workspace.sql(&format!("ALTER ROLE {READER} PASSWORD '{CANARY}'"));
    workspace.sql(&format!(
        "COPY (SELECT 'local all {READER} scram-sha-256' UNION ALL SELECT 'local all all trust') TO '{hba}'"
    ));
    workspace.sql("SELECT pg_reload_conf()");
    let log_in = || {
        workspace
            .cluster
            .query(READER, &workspace.database, "SELECT 1")
    };
    while log_in().is_ok() {}
    let passfile = workspace.place().join("passfile");
    fs::write(&passfile, format!("*:*:*:{READER}:{CANARY}\n")).expect("a new file");
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).expect("our own file");
    (workspace, passfile)
}

fn with(workspace: &Workspace, words: &[&str], variables: &[(&str, &str)]) -> Answer {
    let mut command = workspace.command(words);
    command.envs(variables.iter().copied());
    finish(command.spawn().expect("the program starts"))
}

/// Words of the command line, and variables.
type Way<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

const RUN: [&str; 3] = ["run", "--headless", "--json"];

#[test]
fn a_run_is_taken_up_as_it_was_started_without_any_variable() {
    let (workspace, passfile) = with_password();
    let passfile = passfile.to_str().expect("UTF-8");
    let socket = workspace.cluster.socket_dir().display().to_string();
    let url = workspace.url();
    let port = url
        .split("port=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .expect("a port");
    let place = format!(
        "host={socket}\nport={port}\ndbname={}\nuser={READER}\n",
        workspace.database
    );
    let services = workspace.place().join("services");
    let text_of_services = format!(
        "[with_file]\n{place}passfile={passfile}\n[with_secret]\n{place}password={CANARY}\n"
    );
    fs::write(&services, text_of_services).expect("a new file");
    let services = services.to_str().expect("UTF-8");
    let in_text = format!("{url}&passfile={passfile}");
    let variables = [
        ("PGHOST", &*socket),
        ("PGPORT", port),
        ("PGDATABASE", &*workspace.database),
        ("PGUSER", READER),
        ("PGPASSFILE", passfile),
    ];
    let service = [("PGSERVICEFILE", services)];
    let named = [("PGSERVICEFILE", services), ("PGSERVICE", "with_file")];
    let ways: [Way<'_>; 5] = [
        (&["--database-url", "service=with_file"], &service),
        (&["--database-url", "service=with_secret"], &service),
        (&[], &named),
        (&[], &variables),
        (&["--database-url", &in_text], &[]),
    ];
    for (words, variables) in ways {
        let waiting = with(&workspace, &[&RUN[..], words].concat(), variables);
        let waiting = waiting.expect(3).json();
        let second = workspace.approve(&waiting, "SG1").expect(3).json();
        workspace.resume(&second).expect(3);
        let last = workspace.approve(&second, "SG2").expect(0).json();
        workspace
            .drygate(&["recheck", text(&last["run_id"])])
            .expect(0);
    }
    for (path, bytes) in files(&workspace.data()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(CANARY), "{}", path.display());
    }
}

#[test]
fn a_recorded_file_that_is_gone_is_named() {
    let (workspace, passfile) = with_password();
    let url = format!("{}&passfile={}", workspace.url(), passfile.display());
    let words = [&RUN[..], &["--database-url", &url]].concat();
    let waiting = with(&workspace, &words, &[]).expect(3).json();
    let moved = passfile.with_extension("moved");
    fs::rename(&passfile, &moved).expect("our own file");
    let lost = workspace.approve(&waiting, "SG1").expect(69).json();
    let message = text(&lost["message"]);
    let gone = format!("{} does not exist", passfile.display());
    assert!(message.contains(&gone), "{message}");
    fs::rename(&moved, &passfile).expect("our own file");
    workspace.resume(&waiting).expect(3);

    let services = workspace.place().join("services");
    let service = format!(
        "[one]\nhost={}\nport=6001\ndbname={}\nuser={READER}\npassfile={}\n",
        workspace.cluster.socket_dir().display(),
        workspace.database,
        passfile.display()
    );
    let port = url.split("port=").nth(1).expect("a port");
    let port = port.split('&').next().expect("a port");
    fs::write(&services, service.replace("6001", port)).expect("a new file");
    let words = [&RUN[..], &["--database-url", "service=one"]].concat();
    let variables = [("PGSERVICEFILE", services.to_str().expect("UTF-8"))];
    let waiting = with(&workspace, &words, &variables).expect(3).json();
    fs::remove_file(&services).expect("our own file");
    let answer = workspace.drygate(&approval(&waiting, "SG1"));
    let gone = format!("{} does not exist", services.display());
    assert!(answer.stderr.contains(&gone), "{answer:?}");
}
