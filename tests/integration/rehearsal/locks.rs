//! A lock that another session holds while a change is rehearsed: while `pg_dump` reads, while a sequence is asked, while rows are
//! copied. Invariant: a run that outwaits it goes on to PASS, one that does not ends with 69 and is resumed, and no check and no drift
//! comes of it.

use std::time::Duration;

use serde_json::Value;

use super::ends::until;
use crate::changing::ChangedWorkspace;
use crate::support::server::{Answer, approval, finish, text};
use crate::support::table_lock::TableLock;

/// What no survey of the profile reads: a sequence, a table in partitions, and one whose copy takes its time.
const TABLES: &str = "CREATE SEQUENCE public.tally;
 CREATE TABLE public.halves (id integer) PARTITION BY RANGE (id);
 CREATE TABLE public.half PARTITION OF public.halves FOR VALUES FROM (0) TO (10);
 INSERT INTO public.half VALUES (1);
 CREATE TABLE public.a_slow (id integer PRIMARY KEY, body text);
 INSERT INTO public.a_slow SELECT n, repeat('x', 10000) FROM generate_series(1, 5) AS n;
 ALTER SEQUENCE public.tally OWNER TO kb_owner; ALTER TABLE public.halves OWNER TO kb_owner;
 ALTER TABLE public.half OWNER TO kb_owner; ALTER TABLE public.a_slow OWNER TO kb_owner;
 GRANT SELECT ON public.tally, public.halves, public.half, public.a_slow TO context_pack_readonly;";

const CHANGE: &str = "UPDATE public.a_slow SET body = 'y'; UPDATE public.note SET seen = true;
 UPDATE public.halves SET id = id + 1; SELECT nextval('public.tally');";

const EXPECTED: &str =
    "[{ table = \"public.a_slow\", update = 5 }, { table = \"public.note\", update = 5 },
 { table = \"public.halves\", insert = 1, delete = 1 }]";

const NOTE: &str = "LOCK TABLE public.note IN ACCESS EXCLUSIVE MODE";
const HALF: &str = "LOCK TABLE public.half IN ACCESS EXCLUSIVE MODE";
const TALLY: &str = "ALTER SEQUENCE public.tally RENAME TO another";

/// How long a lock may last that a run outwaits, in the contract.
const HELD: Duration = Duration::from_secs(9);

fn world(lock_ms: u32) -> ChangedWorkspace {
    // 50,000 bytes take 4 s.
    let behind = format!(
        "{EXPECTED}\n[rehearsal]\nbytes_per_second = 12500\n\n[timeouts]\nlock_ms = {lock_ms}"
    );
    let world = ChangedWorkspace::new(CHANGE, Some(&behind));
    world.workspace.sql(TABLES);
    world
}

fn lock(world: &ChangedWorkspace, statement: &str) -> TableLock {
    let workspace = &world.workspace;
    TableLock::by(&workspace.cluster, &workspace.database, statement)
}

/// A command that meets the lock of a statement, which is held until it was met so long: from its beginning, or once rows of the
/// table before are being copied.
#[track_caller]
fn outwaits(world: &ChangedWorkspace, words: &[&str], statement: &str, copies: bool) -> Answer {
    let start = || world.workspace.command(words).spawn().expect("the program");
    if !copies {
        let held = lock(world, statement);
        let child = start();
        held.hold(HELD);
        return finish(child);
    }
    let child = start();
    let copying = "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'COPY %slow%'";
    // It is the first of them. Its last question, for as long as its rows are taken.
    until("the copy before", || {
        world.workspace.sql(copying)[0][0].as_deref() == Some("1")
    });
    lock(world, statement).hold(HELD);
    finish(child)
}

/// What a run came to that met locks: nothing of them, and each end of a transaction was measured.
#[track_caller]
fn assert_passed(world: &ChangedWorkspace, sealed: &Value) {
    let workspace = &world.workspace;
    assert!(text(&sealed["result"]).ends_with("_PASS"), "{sealed:#}");
    assert!(workspace.events(sealed, "drift_found").is_empty());
    for recorded in workspace.events(sealed, "check_recorded") {
        let verdict = text(&recorded["check"]["verdict"]);
        assert!(!["FAIL", "NOT CHECKED"].contains(&verdict), "{recorded:#}");
    }
    let claim = &sealed["non_mutation"]["claims"]["A"];
    assert_eq!(claim["verdict"], "HOLDS", "{claim:#}");
    let verified = world.drygate(&["verify", text(&sealed["run_id"]), "--json"]);
    assert_eq!(verified.expect(0).json()["findings"], serde_json::json!([]));
}

/// What whoever approved was told while it took its time: first that the approval is durable, then what is done.
#[track_caller]
fn assert_told(said: &str) {
    let mut lines = said.lines();
    let recorded = lines.find(|line| line.starts_with("approval of SG1 recorded at "));
    assert!(recorded.is_some(), "{said}");
    assert!(lines.any(|line| line.ends_with(" ...")), "{said}");
}

/// A run over both gates, each of whose rehearsals is kept out for so long.
fn goes_on_by_itself(statement: &str) {
    // So long that each try is seen to wait.
    let world = world(1_000);
    let begins = world.begins();
    let begins: Vec<&str> = begins.iter().map(String::as_str).collect();
    let listed = outwaits(&world, &begins, statement, false);
    let asked = listed.expect(3).json();
    let first = outwaits(&world, &approval(&asked, "SG1"), statement, false);
    assert_told(&first.stderr);
    let asked = first.expect(3).json();
    // A sequence is asked before any table is copied.
    let second = approval(&asked, "SG2");
    let sealed = outwaits(&world, &second, statement, statement != TALLY);
    assert_passed(&world, &sealed.expect(0).json());
}

#[test]
fn a_lock_of_nine_seconds_at_any_read_of_a_rehearsal_is_outwaited() {
    std::thread::scope(|threads| {
        // All at once: they wait nearly all the time.
        for statement in [NOTE, HALF, TALLY] {
            threads.spawn(move || goes_on_by_itself(statement));
        }
    });
}

#[test]
fn a_lock_that_outlasts_the_tries_of_a_rehearsal_judges_nothing_and_is_resumed() {
    let world = world(20);
    let workspace = &world.workspace;
    let mut document = world.run().expect(3).json();
    for (gate, statement, code) in [("SG1", TALLY, 3), ("SG2", HALF, 0)] {
        let before = workspace.journal(&document).len();
        let held = lock(&world, statement);
        let stopped = world.approve(&document, gate).expect(69).json();
        assert_eq!(stopped["stop_code"], "STOP_DATABASE_UNAVAILABLE");
        let message = text(&stopped["message"]);
        assert!(message.contains("locked by another session"), "{message}");
        drop(held);
        let journal = workspace.journal(&document);
        let since = &journal[before..];
        let named = |name: &str| since.iter().filter(|it| it["event"] == name).count();
        for judged in ["check_recorded", "change_rehearsed", "drift_found"] {
            assert_eq!(named(judged), 0, "{judged}");
        }
        // The survey of the approval, and three rehearsals.
        assert_eq!(named("transaction_opened"), 4, "{since:#?}");
        document = workspace.resume(&document).expect(code).json();
    }
    assert_passed(&world, &document);
}
