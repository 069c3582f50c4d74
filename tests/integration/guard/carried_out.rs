//! The guard by phases, around another tool, and where the server's counters are blind, each carried out for real.
//! Invariant: where it says that something is not checked, that is so (`a_script_whose_rows_cannot_be_counted..`).

use std::fs;

use drygate::survey::quoted_identifier;

use super::Approved;
use crate::changing::ChangedWorkspace;
use crate::support::server::text;

/// A change of the shop with these tables beside, of which nothing is expected.
fn approved_with(tables: &str, change: &str) -> Approved {
    let world = ChangedWorkspace::of_demo_profile(|profile| {
        let (head, _) = profile.split_once("expect = [").expect("it expects rows");
        head.to_owned()
    });
    world.workspace.sql(tables);
    fs::write(&world.change, change).expect("our own file");
    sealed(world)
}

fn approved(change: &str) -> Approved {
    approved_with("", change)
}

pub fn sealed(world: ChangedWorkspace) -> Approved {
    let waiting = world.to_sg2();
    let run = text(&waiting["run_id"]).to_owned();
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    Approved { world, run, sealed }
}

impl Approved {
    pub fn carries_out(&self, sql: &str) -> Result<(), String> {
        let (committed, said) = self.run_in(&self.world.workspace.database, sql);
        if committed { Ok(()) } else { Err(said) }
    }

    fn ask(&self, sql: &str) -> String {
        let answer = self.world.workspace.sql(sql);
        answer[0][0].clone().unwrap_or_default()
    }
}

#[test]
fn both_phases_are_carried_out_one_after_the_other() {
    let world = ChangedWorkspace::of_demo_profile(|profile| {
        let (head, _) = profile.split_once("files = [").expect("it has files");
        format!(
            "{head}\n[[change.phase]]\ngate = \"SG1\"\nfiles = [\"first.sql\"]\n
             [[change.phase]]\ngate = \"SG2\"\nfiles = [\"migration.sql\"]\n\n[rehearsal]\ncopy_before_sg1 = true\n"
        )
    });
    let first = "ALTER TABLE shop.orders ADD COLUMN region text;\nINSERT INTO shop.customer VALUES (100001, 'VN');\n";
    fs::write(world.workspace.place().join("first.sql"), first).expect("a new file");
    let second = "UPDATE shop.orders SET region = 'EU' WHERE id <= 300;\nDELETE FROM shop.visit WHERE id < 10;\n";
    fs::write(&world.change, second).expect("our own file");
    let approved = sealed(world);
    let refused = approved.world.drygate(&["guard", &approved.run]).expect(64);
    assert!(
        refused.stderr.contains("--phase SG1, then --phase SG2"),
        "{refused:?}"
    );
    let [first, second] = ["SG1", "SG2"].map(|phase| approved.guard(&["--phase", phase]));
    assert!(
        first.contains("ADD COLUMN") && !first.contains("DELETE FROM shop.visit"),
        "{first}"
    );
    assert!(
        second.contains("definition of tables is NOT CHECKED"),
        "{second}"
    );
    // The second one alone stands on nothing.
    let early = approved
        .carries_out(&second)
        .expect_err("there is no column yet");
    assert!(
        early.contains("\"region\" of relation \"orders\" does not exist"),
        "{early}"
    );
    approved.carries_out(&first).expect("as approved");
    // The first one once more is no longer what was approved: the table is another one.
    let again = approved.carries_out(&first).expect_err("it is done");
    assert!(again.contains("shop.orders is defined as"), "{again}");
    let workspace = &approved.world.workspace;
    workspace.sql("DELETE FROM shop.visit WHERE id = 3");
    let fewer = approved.carries_out(&second).expect_err("a visit is gone");
    assert!(
        fewer.contains(
            "shop.visit approved insert 0 update 0 delete 10, found insert 0 update 0 delete 9"
        ),
        "{fewer}"
    );
    workspace.sql("INSERT INTO shop.visit SELECT 3, customer_id, day FROM shop.visit WHERE id = 4");
    approved.carries_out(&second).expect("as approved");
    let region = approved.ask("SELECT count(*)::text FROM shop.orders WHERE region = 'EU'");
    assert_eq!(region, "300");
}

#[test]
fn the_parts_hold_a_script_of_another_tool_to_the_counts() {
    let script = "UPDATE shop.orders SET total = 0 WHERE id <= 20;\n";
    let approved = approved(script);
    let parts = approved.guard(&["--parts"]);
    let (before, after) = parts.split_once("-- AFTER the script").expect("both parts");
    let with =
        |script: &str| format!("BEGIN;\n{before}\n{script}\n-- AFTER the script{after}\nCOMMIT;\n");
    let zero = || approved.ask("SELECT count(*)::text FROM shop.orders WHERE total = 0");
    for (script, found) in [
        (
            "UPDATE shop.orders SET total = 0 WHERE id <= 21;",
            "update 21",
        ),
        (
            "UPDATE shop.orders SET total = 0 WHERE id <= 19;",
            "update 19",
        ),
        ("", "update 0"),
    ] {
        let said = approved
            .carries_out(&with(script))
            .expect_err("other counts");
        let says = format!(
            "shop.orders approved insert 0 update 20 delete 0, found insert 0 {found} delete 0"
        );
        assert!(said.contains(&says), "{said}");
        assert_eq!(zero(), "0");
    }
    // What ended the transaction on the way is said: it is too late to undo it.
    let ended = "UPDATE shop.orders SET total = 0 WHERE id <= 20; COMMIT; BEGIN;";
    let said = approved
        .carries_out(&with(ended))
        .expect_err("another transaction");
    assert!(
        said.contains("the script ended the transaction that the checks began"),
        "{said}"
    );
    approved
        .world
        .workspace
        .sql("UPDATE shop.orders SET total = 1 WHERE total = 0");
    approved.carries_out(&with(script)).expect("as approved");
    assert_eq!(zero(), "20");
}

#[test]
fn a_script_whose_rows_cannot_be_counted_has_no_check_after_it_and_says_so() {
    for (script, why, asked, done) in [
        (
            "TRUNCATE shop.order_log;\n",
            "because the server's counters do not see all of it: shop.order_log",
            "SELECT count(*)::text FROM shop.order_log",
            "0",
        ),
        (
            "ALTER TABLE shop.orders ALTER COLUMN total TYPE bigint;\nUPDATE shop.orders SET total = 0 WHERE id = 1;\n",
            "because the server's counters do not see all of it: shop.orders",
            "SELECT total::text FROM shop.orders WHERE id = 1",
            "0",
        ),
        (
            "UPDATE shop.orders SET total = 0 WHERE id = 1;\nCOMMIT;\nCREATE INDEX CONCURRENTLY by_total ON shop.orders (total);\n",
            "because the script begins or ends transactions itself",
            "SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'shop.by_total'::regclass",
            "true",
        ),
    ] {
        let approved = approved(script);
        let guard = approved.guard(&[]);
        let first: String = guard.lines().take(6).collect();
        assert!(
            first.contains("NOT CHECKED after: the rows that it wrote, ") && first.contains(why),
            "{first}"
        );
        assert!(first.contains("What is checked before remains"), "{first}");
        assert_eq!(guard.matches("DO LANGUAGE plpgsql").count(), 1, "{guard}");
        assert!(!guard.contains("pg_stat_xact_user_tables"), "{guard}");
        let workspace = &approved.world.workspace;
        // What is checked before remains.
        workspace.sql("CREATE INDEX another ON shop.orders (total); CREATE INDEX other ON shop.order_log (order_id)");
        let said = approved
            .carries_out(&guard)
            .expect_err("another definition");
        assert!(said.contains("is defined as"), "{script}: {said}");
        workspace.sql("DROP INDEX shop.another; DROP INDEX shop.other");
        approved.carries_out(&guard).expect("as approved");
        assert_eq!(approved.ask(asked), done, "{script}");
    }
}

#[test]
fn one_row_in_place_of_another_commits_and_is_named_afterwards() {
    let hostile = "a'b\"c\\d\n; COMMIT; -- $drygate$ */";
    let (table, column) = (
        quoted_identifier(hostile),
        quoted_identifier("v\"'; --\n$$"),
    );
    let tables = format!(
        "CREATE TABLE shop.{table} (id integer PRIMARY KEY, grp text, {column} integer);
         ALTER TABLE shop.{table} OWNER TO shop_owner; GRANT SELECT ON shop.{table} TO context_pack_readonly;
         INSERT INTO shop.{table} SELECT n, CASE WHEN n <= 4 THEN 'u' ELSE 'x' END, 0 FROM generate_series(1, 10) AS n"
    );
    let change = format!("UPDATE shop.{table} SET {column} = 1 WHERE grp = 'u';\n");
    let approved = approved_with(&tables, &change);
    let guard = approved.guard(&[]);
    let grp = |id: u32, grp: &str| {
        let sql = format!("UPDATE shop.{table} SET grp = '{grp}' WHERE id = {id}");
        approved.world.workspace.sql(&sql);
    };
    grp(9, "u");
    let more = approved.carries_out(&guard).expect_err("a row more");
    assert!(
        more.contains("approved insert 0 update 4 delete 0, found insert 0 update 5"),
        "{more}"
    );
    grp(2, "x");
    approved.carries_out(&guard).expect("as many rows");
    let words = ["recheck", &approved.run, "--after", "--headless", "--json"];
    let document = approved.world.drygate(&words).expect(2).json();
    let found = &document["change_after"]["rows"]["tables"][0];
    assert_eq!(found["table"], format!("shop.{hostile}"));
    for (outcome, rows) in [
        ("as_rehearsed", 3),
        ("not_done", 1),
        ("changed", 1),
        ("others_changed", 0),
    ] {
        assert_eq!(found[outcome], rows, "{outcome}: {found}");
    }
    let named = found["rows"].as_array().expect("rows").iter();
    let mut named: Vec<&str> = named.map(|row| text(&row["outcome"])).collect();
    named.sort_unstable();
    assert_eq!(named, ["changed", "not_done"]);
}
