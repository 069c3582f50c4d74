//! The commit guard: what `drygate guard` prints, run by psql on the real production of a test, as the role of the change.
//! Invariant: what aborts leaves every row and every column as it was (`state`).

mod carried_out;
mod swapped;
mod versions;
mod worlds;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ServerBinaries};
use serde_json::Value;

use super::changing::ChangedWorkspace;
use super::support::server::{SUPERUSER, Workspace, own_cluster, text};
use worlds::server_major;

/// Runs SQL with psql as a role, as its first lines say.
fn psql(cluster: &Cluster, role: &str, database: &str, sql: &[u8]) -> Output {
    let program = ServerBinaries::find().expect("a server").psql();
    let mut child = Command::new(program.expect("psql"))
        .args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-f", "-"])
        .env("PGHOST", cluster.socket_dir())
        .env("PGPORT", "5432")
        .env("PGUSER", role)
        .env("PGDATABASE", database)
        .env("PGCLIENTENCODING", "UTF8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let mut input = child.stdin.take().expect("piped");
    // It may end before it has read everything.
    let _ = input.write_all(sql);
    drop(input);
    child.wait_with_output().expect("our own child")
}

/// Every row of the shop, and every column.
fn state(workspace: &Workspace) -> Vec<Vec<Option<String>>> {
    let mut rows = workspace.sql(
        "SELECT attrelid::regclass::text, attname::text, attnum::text FROM pg_attribute
          WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace) AND attnum > 0 ORDER BY 1, 3",
    );
    for table in ["customer", "orders", "order_log", "visit"] {
        rows.extend(workspace.sql(&format!("SELECT t::text FROM shop.{table} t ORDER BY 1")));
    }
    rows
}

struct Approved {
    world: ChangedWorkspace,
    run: String,
    sealed: Value,
}

impl Approved {
    fn demo() -> Self {
        Self::of(ChangedWorkspace::of_demo_profile(valid_for_2_hours))
    }

    fn of(world: ChangedWorkspace) -> Self {
        let waiting = world.to_sg2();
        let run = text(&waiting["run_id"]).to_owned();
        assert_eq!(waiting["change"]["valid_seconds"], 7_200);
        let refused = world.drygate(&["guard", &run]).expect(3);
        assert!(
            refused.stdout.is_empty() && refused.stderr.contains("no sealed PASS"),
            "{refused:?}"
        );
        let sealed = world.approve(&waiting, "SG2").expect(0).json();
        Self { world, run, sealed }
    }

    fn guard(&self, words: &[&str]) -> String {
        self.world
            .drygate(&[&["guard", &self.run], words].concat())
            .expect(0)
            .stdout
    }

    fn run_in(&self, database: &str, sql: &str) -> (bool, String) {
        let ran = psql(
            &self.world.workspace.cluster,
            "shop_owner",
            database,
            sql.as_bytes(),
        );
        (
            ran.status.success(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    }

    /// With `before` done to production, it aborts and says so; `undo` sets production back.
    #[track_caller]
    fn aborts(&self, guard: &str, before: &str, undo: &str, says: &str) {
        let workspace = &self.world.workspace;
        workspace.sql(before);
        let was = state(workspace);
        let (committed, said) = self.run_in(&workspace.database, guard);
        assert!(!committed && said.contains(says), "{before}: {said}");
        assert_eq!(state(workspace), was, "{before}: something stayed");
        workspace.sql(undo);
    }
}

fn valid_for_2_hours(profile: &str) -> String {
    profile.replace("[change]\n", "[change]\nvalid = \"2h\"\n")
}

/// On another server, in another database, as another role, in another session.
fn aborts_elsewhere(approved: &Approved, guard: &str) {
    let workspace = &approved.world.workspace;
    let major = server_major(&workspace.cluster);
    let older = guard.replace(
        &format!("/ 10000 <> {major}"),
        &format!("/ 10000 <> {}", major - 1),
    );
    approved.aborts(&older, "", "", &format!("drygate: server {major}."));
    let cluster = "SELECT system_identifier::text FROM pg_control_system()";
    let cluster = workspace.sql(cluster)[0][0].clone().expect("a number");
    let elsewhere = guard.replace(&format!("E'{cluster}'"), "E'1'");
    let says = format!("drygate: cluster {cluster}, approved was 1");
    approved.aborts(&elsewhere, "", "", &says);
    approved.aborts(
        guard,
        "ALTER ROLE shop_owner SET track_counts = off",
        "ALTER ROLE shop_owner RESET track_counts",
        "track_counts is off",
    );
    let later = format!("BEGIN;\nINSERT INTO shop.customer VALUES (77777, 'DE');\n{guard}");
    approved.aborts(&later, "", "", "this session wrote before");
    let (as_other, said) = {
        let ran = psql(
            &workspace.cluster,
            "postgres",
            &workspace.database,
            guard.as_bytes(),
        );
        (
            ran.status.success(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    assert!(
        !as_other && said.contains("role postgres, approved was shop_owner"),
        "{said}"
    );
    let other = format!("{}_other", workspace.database);
    workspace
        .cluster
        .query(
            "postgres",
            "postgres",
            &format!("CREATE DATABASE {other} TEMPLATE {}", workspace.database),
        )
        .expect("a copy");
    let (committed, said) = approved.run_in(&other, guard);
    assert!(
        !committed && said.contains(&format!("database {other}, approved was")),
        "{said}"
    );

    // The same name, and the same rows.
    let (database, aside) = (&workspace.database, format!("{other}_aside"));
    let in_place_of = |one: &str, two: &str| {
        let rename = format!("ALTER DATABASE {one} RENAME TO {two}");
        workspace
            .cluster
            .query("postgres", "postgres", &rename)
            .expect("nobody is connected");
    };
    in_place_of(database, &aside);
    in_place_of(&other, database);
    approved.aborts(guard, "", "", "another database of this name: oid");
    in_place_of(database, &other);
    in_place_of(&aside, database);
}

/// In the world as it was approved it commits; in others it aborts, with both sides.
fn commits_as_approved_alone(approved: &Approved) {
    let workspace = &approved.world.workspace;
    let guard = approved.guard(&[]);
    approved.aborts(
        &guard,
        "ALTER TABLE shop.orders DISABLE TRIGGER USER; INSERT INTO shop.orders VALUES (100000, 1, 5); ALTER TABLE shop.orders ENABLE TRIGGER USER",
        "DELETE FROM shop.orders WHERE id = 100000",
        "shop.orders approved insert 0 update 1000 delete 0, found insert 0 update 1001 delete 0",
    );
    approved.aborts(
        &guard,
        "CREATE TABLE public.kept AS SELECT * FROM shop.orders WHERE id = 7; CREATE TABLE public.kept_log AS SELECT * FROM shop.order_log WHERE order_id = 7;
         DELETE FROM shop.order_log WHERE order_id = 7; DELETE FROM shop.orders WHERE id = 7",
        "INSERT INTO shop.orders SELECT * FROM public.kept; DROP TABLE public.kept, public.kept_log",
        "shop.orders approved insert 0 update 1000 delete 0, found insert 0 update 999 delete 0",
    );
    approved.aborts(
        &guard,
        "CREATE INDEX another ON shop.orders (total)",
        "DROP INDEX shop.another",
        "shop.orders is defined as",
    );
    approved.aborts(
        &guard,
        "ALTER FUNCTION shop.log_order() OWNER TO shop_owner; CREATE TABLE shop.audit (a int); ALTER TABLE shop.audit OWNER TO shop_owner;
         CREATE FUNCTION shop.beside() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop.audit VALUES (1); RETURN NULL; END';
         CREATE TRIGGER beside AFTER INSERT ON shop.order_log FOR EACH STATEMENT EXECUTE FUNCTION shop.beside()",
        "DROP TRIGGER beside ON shop.order_log; DROP TABLE shop.audit",
        "shop.order_log is defined as",
    );
    let expired = guard.replace(
        "clock_timestamp() > E'",
        "clock_timestamp() + '3 hours' > E'",
    );
    approved.aborts(&expired, "", "", "the approval was valid until");
    aborts_elsewhere(approved, &guard);
    // More than its range, and then within it. A customer more is no row of the change.
    approved.aborts(
        &guard,
        "INSERT INTO shop.visit SELECT 900000 + n, 1, '2024-05-05' FROM generate_series(1, 50) AS n",
        "DELETE FROM shop.visit WHERE id > 900000",
        "shop.visit approved insert 0 update 0 delete 300..400, found insert 0 update 0 delete 416",
    );
    workspace.sql("INSERT INTO shop.customer VALUES (5000, 'DE'); INSERT INTO shop.visit VALUES (900000, 5000, '2024-05-05')");
    let (committed, said) = approved.run_in(&workspace.database, &guard);
    assert!(committed, "{said}");
    let left = workspace.sql("SELECT count(*) FILTER (WHERE region IS NULL)::text, (SELECT count(*)::text FROM shop.visit WHERE day < '2025-01-01') FROM shop.orders");
    assert_eq!(left, [["0", "0"].map(|it| Some(it.to_owned()))]);
}

#[test]
fn what_was_approved_commits_and_nothing_else_does() {
    let approved = Approved::demo();
    let workspace = &approved.world.workspace;
    let guard = approved.guard(&[]);
    let migration = fs::read_to_string(&approved.world.change).expect("a file");
    assert!(guard.contains(&migration), "the script itself: {guard}");
    let first: String = guard.lines().take(8).collect();
    assert!(
        first.contains("HOW MANY rows")
            && first.contains("not WHICH")
            && first.contains("Valid until"),
        "{guard}"
    );
    let parts = approved.guard(&["--parts"]);
    assert!(
        parts.contains("NOT bound") && !parts.contains("ADD COLUMN"),
        "{parts}"
    );
    assert_eq!(parts.matches("DO LANGUAGE plpgsql").count(), 2);

    commits_as_approved_alone(&approved);

    let blobs = workspace.run_dir(&approved.sealed).join("blobs");
    let script = fs::read_dir(blobs)
        .expect("blobs")
        .flatten()
        .map(|it| it.path());
    let mut script =
        script.filter(|path| fs::read(path).is_ok_and(|text| text == migration.as_bytes()));
    fs::write(script.next().expect("the script"), "DROP TABLE shop.orders").expect("written");
    let refused = approved.world.drygate(&["guard", &approved.run]).expect(7);
    assert!(refused.stdout.is_empty(), "{refused:?}");
}

/// The statement that gives the digests of definitions, and that of runs before there were formats.
const DEFINITIONS: [&str; 2] = [
    include_str!("../../assets/sql/shadow/definitions.sql"),
    include_str!("../../assets/sql/shadow/definitions_1.sql"),
];

#[test]
fn two_definitions_never_have_one_digest() {
    let cluster = own_cluster(&ClusterOptions::default());
    cluster.create_database("twins").expect("a database");
    // A name that reads as the end of one column and the beginning of the next, and a NULL that is left out.
    let twins = "CREATE TABLE public.two (a integer, b integer);
        CREATE TABLE public.one (\"a integer f   2 b\" integer);";
    cluster.load("twins", twins).expect("it loads");
    let digests = DEFINITIONS.map(|statement| {
        let rows = cluster.query(SUPERUSER, "twins", statement);
        let rows = rows.expect("it is answered").into_iter();
        rows.filter_map(|row| row[2].clone()).collect::<Vec<_>>()
    });
    let [now, then] = &digests;
    assert_eq!((now.len(), then.len()), (2, 2));
    assert_ne!(now[0], now[1]);
    assert_eq!(then[0], then[1], "joined by blanks they are one text");
}
