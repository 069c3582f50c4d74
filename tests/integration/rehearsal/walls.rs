//! A change that wants out, and programs that want more of production than they may. Invariant: nothing leaves.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use drygate::postgres::throwaway::ServerBinaries;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use super::layers::path_with;
use super::world::{OWNER, World, check, table};
use crate::support::server::{SUPERUSER, finish};

/// The command lines of all processes of this machine.
fn processes() -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let line = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    entries
        .filter_map(line)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Each way of making the walls; bubblewrap where it is installed.
#[rstest]
fn a_change_that_tries_every_way_out_reaches_nothing(
    #[values("unshare", "bubblewrap")] walls: &str,
) {
    let unshare = path_with(":");
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = env::split_paths(&path).any(|dir| dir.join("bwrap").is_file());
    if walls == "bubblewrap" && !installed {
        return;
    }
    let world = World::new();
    let admin = "CREATE ROLE shop_admin LOGIN SUPERUSER";
    world.cluster.load(SUPERUSER, admin).expect("a role");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    tcp.set_nonblocking(true).expect("a socket");
    let port = tcp.local_addr().expect("an address").port();
    let agent = world.home().parent().expect("a directory").join("agent");
    let unix = UnixListener::bind(&agent).expect("a socket");
    unix.set_nonblocking(true).expect("a socket");
    let outside = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let socket = world.cluster.socket_dir().display().to_string();
    let data = format!("{socket}/data");
    let places: Vec<PathBuf> = vec![
        outside.path().join("escaped"),
        world.home().join("escaped"),
        PathBuf::from(format!("{data}/escaped")),
        PathBuf::from("/var/tmp/drygate-escaped"),
        PathBuf::from("/run/drygate-escaped"),
    ];
    let handed_over = world.place().join("data/sockets");
    fs::create_dir_all(&handed_over).expect("ours");
    let handed_over = handed_over.join("0123456789abcdef.sock");
    let holder = UnixListener::bind(&handed_over).expect("a socket");
    holder.set_nonblocking(true).expect("a socket");
    let alive = format!("{}{}", std::process::id(), port);
    let mut script = Vec::new();
    for place in &places {
        script.push(format!("\\! echo x > {}\n", place.display()));
        script.push(format!(
            "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; echo x > {} || true';\n",
            place.display()
        ));
    }
    script.push(format!(
        "\\! bash -c 'echo x > /dev/tcp/127.0.0.1/{port}'\n\
         COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; bash -c \"echo x > /dev/tcp/127.0.0.1/{port}\" || true';\n\
         \\! psql -X -h {socket} -U postgres -d shop -c 'CREATE TABLE shop.escaped (a int)'\n\
         \\! psql -X -h 127.0.0.1 -p {port} -d shop -c 'SELECT 1'\n\
         DO $do$ BEGIN PERFORM public.dblink_exec('host={socket} user=postgres dbname=shop', 'CREATE TABLE shop.escaped (a int)');\n\
         EXCEPTION WHEN others THEN NULL; END $do$;\n\
         DO $do$ BEGIN CREATE SERVER out FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{socket}', dbname 'shop');\n\
         CREATE USER MAPPING FOR shop_admin SERVER out OPTIONS (user 'postgres', password_required 'false');\n\
         CREATE FOREIGN TABLE public.out_spare (id int, name text) SERVER out OPTIONS (schema_name 'shop', table_name 'spare');\n\
         INSERT INTO public.out_spare VALUES (99, 'escaped'); EXCEPTION WHEN others THEN NULL; END $do$;\n\
         \\! python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}')\"\n\
         \\! python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}')\"\n\
         \\! (setsid sleep {alive} > /dev/null 2>&1 &)\n\
         \\! env | grep -q -e SSH_AUTH_SOCK -e DRYGATE && touch {}\n\
         INSERT INTO shop.visit VALUES ('2026-09-09', 'came to its end');\n",
        agent.display(),
        handed_over.display(),
        places[0].display(),
    ));
    let mut command = world.command(&script.concat(), "shop_admin");
    if walls == "unshare" {
        let bin = ServerBinaries::find().expect("a server");
        command
            .env("PATH", unshare.path())
            .env("DRYGATE_PG_BIN", bin.dir());
    }
    let answer = finish(command.spawn().expect("the program"));
    let found = answer.expect(0).json();
    let says = check(&found, "isolation")["says"].to_string();
    assert!(says.contains(&format!("{walls}: ")), "{says}");
    assert_eq!(
        table(&found, "shop.visit")["inserted"]["value"],
        1,
        "every way was tried"
    );
    for place in &places {
        assert!(!place.exists(), "{} was written", place.display());
    }
    let came = [
        tcp.accept().map(drop),
        unix.accept().map(drop),
        holder.accept().map(drop),
    ];
    for error in came {
        let error = error.expect_err("somebody connected");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    let there = world.sql("SELECT count(*)::text FROM pg_class WHERE relname = 'escaped'");
    assert_eq!(there[0][0].as_deref(), Some("0"));
    let there = world.sql("SELECT count(*)::text FROM shop.spare WHERE id = 99");
    assert_eq!(there[0][0].as_deref(), Some("0"), "by a foreign table");
    let left: Vec<String> = processes()
        .into_iter()
        .filter(|line| line.contains(&alive))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_namespaces_nothing_of_the_change_runs() {
    let world = World::shared();
    // As root an account is looked for with `id`.
    let empty = tempfile::tempdir().expect("a temporary directory");
    symlink("/usr/bin/id", empty.path().join("id")).expect("a link");
    let bin = ServerBinaries::find()
        .expect("a server")
        .dir()
        .to_path_buf();
    let mut command = world.command("INSERT INTO shop.spare VALUES (9, 'x')", OWNER);
    command.env("PATH", empty.path()).env("DRYGATE_PG_BIN", bin);
    let found = finish(command.spawn().expect("the program"))
        .expect(11)
        .json();
    assert_eq!(
        check(&found, "isolation")["verdict"],
        "NOT CHECKED",
        "{found:#}"
    );
    assert_eq!(found["rehearsed"], Value::Null);
}

/// The programs of one version with another `pg_dump`. The fake is told its arguments after `--version` was answered.
pub(super) fn with_fake_dump(body: &str) -> TempDir {
    let place = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let bin = place.path().join("bin");
    fs::create_dir(&bin).expect("a directory");
    let server = ServerBinaries::find().expect("a server");
    let psql = server.psql().expect("psql");
    for program in ["initdb", "postgres"].map(|name| server.dir().join(name)) {
        let target = program.canonicalize().expect("a program");
        symlink(target, bin.join(program.file_name().expect("a name"))).expect("a link");
    }
    for program in ["psql", "pg_restore"] {
        symlink(psql.with_file_name(program), bin.join(program)).expect("a link");
    }
    let version = format!(
        "exec {} --version",
        psql.with_file_name("pg_dump").display()
    );
    let host = "while [ \"$1\" != --host ]; do shift; done; host=$2";
    let script =
        format!("#!/bin/sh\nif [ \"$1\" = --version ]; then {version}; fi\n{host}\n{body}\n");
    let fake = bin.join("pg_dump");
    fs::write(&fake, script).expect("a file");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("ours");
    place
}

fn schema_check(world: &World, body: &str) -> String {
    let fake = with_fake_dump(body);
    let mut command = world.command("SELECT 1", OWNER);
    command.env("DRYGATE_PG_BIN", fake.path().join("bin"));
    let found = finish(command.spawn().expect("the program"))
        .expect(11)
        .json();
    let schema = check(&found, "schema");
    assert_eq!(schema["verdict"], "NOT CHECKED");
    assert_eq!(check(&found, "production")["verdict"], "PASS", "{found:#}");
    schema["says"].as_str().expect("a sentence").to_owned()
}

#[test]
fn the_proxy_refuses_what_pg_dump_never_asks() {
    let world = World::new();
    for (statement, named) in [
        (
            "INSERT INTO shop.spare VALUES (77, 'x')",
            "INSERT is not on the list",
        ),
        (
            "SELECT * FROM shop.spare",
            "it reads a relation of the schema shop",
        ),
        ("START TRANSACTION", "START is not on the list"),
        ("SET ROLE postgres", "the setting role is not on the list"),
        (
            "SELECT pg_catalog.pg_terminate_backend(1)",
            "is not on the allow-list",
        ),
    ] {
        let psql = format!("exec psql -X -h \"$host\" -p 5432 -U x -d shop -c \"{statement}\"");
        let says = schema_check(&world, &psql);
        assert!(
            says.contains(named) && says.contains("proxy refused"),
            "{statement}: {says}"
        );
    }
    let rows = world.sql("SELECT count(*)::text FROM shop.spare");
    assert_eq!(rows[0][0].as_deref(), Some("5"));
}

#[test]
fn deadlines_of_pg_dump_are_swallowed_and_ours_stay() {
    let world = World::new();
    let place = tempfile::tempdir().expect("a temporary directory");
    let out = place.path().join("timeouts");
    let ask = "SELECT setting FROM pg_catalog.pg_settings WHERE name IN ('statement_timeout', 'lock_timeout') ORDER BY name";
    let body = format!(
        "exec psql -X -q -At -h \"$host\" -p 5432 -U x -d shop -o {} -c 'SET statement_timeout = 0' -c 'SET lock_timeout = 0' -c \"{ask}\" -c 'COPY x'",
        out.display()
    );
    let says = schema_check(&world, &body);
    assert!(says.contains("COPY is not on the list"), "{says}");
    let kept = fs::read_to_string(&out).expect("psql wrote");
    let (profile, _) = drygate::profile::built_in("icx-const").expect("it parses");
    let ours = format!(
        "{}\n{}\n",
        profile.timeouts.lock_ms, profile.timeouts.statement_ms
    );
    assert_eq!(kept, ours);
}

#[test]
fn the_proxy_takes_no_connection_but_that_of_its_child() {
    let world = World::new();
    let says = schema_check(
        &world,
        "psql -X -h \"$host\" -p 5432 -U x -d shop -c 'SELECT 1'; exit 1",
    );
    assert!(says.contains("another process connected"), "{says}");
}
