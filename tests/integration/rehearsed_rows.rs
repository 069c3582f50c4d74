//! What a change did row by row, and to the schema, as `diff`, report 14 and the page tell it.
//! Invariant: all of it is told from the run's directory alone, while nothing answers where production was.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::changing::ChangedWorkspace;
use super::page::Page;
use super::support::server::text;

/// The facts of `diff --rehearsed`, which needs no database.
#[track_caller]
fn differences(world: &ChangedWorkspace, run_id: &str) -> Value {
    let answer = world.drygate(&["diff", run_id, "--rehearsed", "--headless", "--json"]);
    answer.expect(2).json()
}

#[track_caller]
fn fact<'a>(document: &'a Value, key: &str) -> &'a Value {
    let mut facts = document["facts"].as_array().expect("facts").iter();
    let found = facts.find(|fact| fact["key"] == key);
    found.unwrap_or_else(|| panic!("{key} is not in {document:#}"))
}

/// Report 14, as it was written when the run ended.
fn report(world: &ChangedWorkspace, document: &Value) -> String {
    let folder = world.workspace.run_dir(document).join("kb");
    let mut paths = fs::read_dir(folder).expect("reports");
    let is_it = |path: &PathBuf| path.to_string_lossy().contains("14-rehearsal");
    let path = paths.find_map(|entry| Some(entry.ok()?.path()).filter(is_it));
    fs::read_to_string(path.expect("report 14")).expect("a text")
}

fn rows(fact: &Value) -> &[Value] {
    fact["rows"].as_array().expect("rows")
}

#[test]
fn the_migration_of_the_demo_is_told_row_by_row_with_its_schema() {
    let world = ChangedWorkspace::of_demo("");
    let waiting = world.to_sg2();
    let run_id = text(&waiting["run_id"]).to_owned();
    let stopped = world.workspace.stop_server();
    let document = differences(&world, &run_id);
    let said = document.to_string();
    let orders = fact(&document, "shop.orders");
    assert_eq!(orders["before"]["value"], "1000 rows");
    let shape = "update #1000, columns region, defined or written anew";
    assert_eq!(orders["after"]["value"], shape);
    assert_eq!(orders["after"]["provenance"], "REHEARSED");
    assert_eq!(
        (rows(orders).len(), &orders["rows_left_out"]),
        (1_000, &0.into())
    );
    for row in rows(orders) {
        let name = text(&row["says"]);
        assert!(name.starts_with("key "), "{name}");
        assert_eq!(row["fields"][0]["field"], "#", "{row}");
        assert_eq!(row["fields"][0]["after"], "\"update region\"", "{row}");
    }
    // No column is named in the profile, so no value is there.
    for value in ["APAC", "'EU'"] {
        assert!(!said.contains(&format!("\"{value}\"")), "{value}");
    }
    let visits = fact(&document, "shop.visit");
    assert_eq!(visits["after"]["value"], "delete #366");
    assert_eq!(visits["counts"]["removed"], 366);
    let schema = fact(&document, "schema");
    let lines: Vec<&str> = rows(schema).iter().map(|row| text(&row["after"])).collect();
    assert!(lines.contains(&"    region text"), "{lines:?}");
    let index = "CREATE INDEX orders_region ON shop.orders USING btree (region);";
    assert!(lines.contains(&index), "{lines:?}");
    // The statement that a line belongs to stands above it, on both sides.
    let printed = world
        .drygate(&["diff", &run_id, "--rehearsed", "--headless"])
        .expect(2);
    let stands = "  CREATE TABLE shop.orders (";
    let place = printed
        .stdout
        .lines()
        .position(|line| line.ends_with(stands.trim_start()));
    assert!(place.is_some(), "{}", printed.stdout);
    drop(stopped);
    // Once it is sealed, the report lists the first hundred, and how many there are beside.
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    let stopped = world.workspace.stop_server();
    let report = report(&world, &sealed);
    assert!(
        report.contains("`shop.orders`, 900 more rows not listed here:"),
        "{report}"
    );
    assert!(report.contains(": update region\n"), "{report}");
    assert!(report.contains(" CREATE TABLE shop.orders ("), "{report}");
    assert_eq!(
        fact(&differences(&world, &run_id), "shop.visit")["counts"]["removed"],
        366
    );
    let page = Page::of(&world.workspace, &sealed);
    let whole = page.named("body").next().expect("a body");
    assert!(whole.text.contains("before | #rehearsed"));
    assert!(whole.text.contains("update region"));
    world.drygate(&["verify", &run_id]).expect(0);
    drop(stopped);
}

#[test]
fn a_row_has_its_key_and_values_where_the_profile_shows_them_and_nothing_else() {
    let shows = "\n[rehearsal]\nbytes_per_second = 10000000\nshow = [\"shop.orders.id\", \"shop.orders.region\", \"shop.visit.day\"]\n";
    let world = ChangedWorkspace::of_demo(shows);
    let waiting = world.run().expect(3).json();
    let slower = ", at most 10000000 bytes a second) to this machine";
    assert!(text(&waiting["message"]).contains(slower), "{waiting}");
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    let run_id = text(&waiting["run_id"]).to_owned();
    let document = differences(&world, &run_id);
    let orders = fact(&document, "shop.orders");
    let mut named = rows(orders).iter();
    // Order 2 is of customer 3, who lives in VN.
    let second = named.find(|row| text(&row["says"]).starts_with("id=2,"));
    let second = second.expect("order 2").clone();
    let fields: Vec<[Value; 3]> = (second["fields"].as_array().expect("fields").iter())
        .map(|field| ["field", "before", "after"].map(|name| field[name].clone()))
        .collect();
    let json = |field: &str, before: Value, after: &str| [field.into(), before, after.into()];
    let did = json("#", Value::Null, "\"update region\"");
    assert_eq!(fields, [json("region", "null".into(), "\"APAC\""), did]);
    // A part of a key does not name a row.
    for row in rows(fact(&document, "shop.visit")) {
        assert!(text(&row["says"]).starts_with("key "), "{row}");
        assert!(text(&row["before"]).contains("\"day\":\"2024-"), "{row}");
        assert!(!row.to_string().contains("customer_id"), "{row}");
    }
    let log = rows(fact(&document, "shop.order_log"));
    assert_eq!(log.len(), 1_000);
    assert!(
        log.iter()
            .all(|row| text(&row["after"]).ends_with("\t{\"#\":\"insert\"}"))
    );
    let rejected = world.drygate(&["reject", &run_id, "SG2", "--reason", "seen", "--json"]);
    world.drygate(&["verify", &run_id]).expect(0);
    let report = report(&world, &rejected.expect(5).json());
    assert!(report.contains(": update region; id "), "{report}");
    assert!(report.contains("; region NULL -> "), "{report}");
}
