//! The swaps of the random worlds that the counts cannot see, through one whole run: measured, approved twice, carried out as the guard
//! prints it. Invariant: the guard commits, and `recheck --after` names of each world the row that was left out and the one in its
//! place, with their values (`named`).

use std::fs;
use std::io::{Write as _, stderr};

use serde_json::{Value, json};

use super::Approved;
use super::carried_out::sealed;
use super::worlds::{WORLDS, World};
use crate::changing::ChangedWorkspace;
use crate::support::server::text;

/// What the profile expects of a world, and the values that may be shown.
fn declared(worlds: &[World]) -> String {
    let mut expected = Vec::new();
    let mut shown = Vec::new();
    for world in worlds {
        let [insert, update, delete] = world.units;
        let [unit, child, log, _] =
            [0, 1, 2, 3].map(|at| format!("{}.{}", world.schema, world.tables[at]));
        let rows = [
            (&unit, [insert, update, delete]),
            (&child, [0, 0, delete]),
            (&log, [2 * update, 0, 0]),
        ];
        expected.extend(rows.map(|(table, [insert, update, delete])| {
            let table = json!(table);
            format!(
                "{{ table = {table}, insert = {insert}, update = {update}, delete = {delete} }}"
            )
        }));
        shown
            .extend(["id", "grp", "v"].map(|column| json!(format!("{unit}.{column}")).to_string()));
    }
    format!(
        "expect = [\n{}\n]\n[rehearsal]\nshow = [{}]\n",
        expected.join(",\n"),
        shown.join(", ")
    )
}

/// The ids of the unit that is left out and of the one in its place, once they were swapped.
fn swap(approved: &Approved, world: &World) -> [String; 2] {
    let unit = world.sql(0);
    let workspace = &approved.world.workspace;
    let ask = |sql: &str| workspace.sql(sql)[0][0].clone().expect("an id");
    let left = ask(&format!("SELECT min(id)::text FROM {unit} WHERE grp = 'u'"));
    let beside = ask(&format!("SELECT min(id)::text FROM {unit} WHERE grp = 'x'"));
    workspace.sql(&world.meanwhile());
    let came = if world.is_swapped_with_new() {
        ask(&format!("SELECT max(id)::text FROM {unit}"))
    } else {
        beside
    };
    [left, came]
}

/// Each row of a world's units that is not as rehearsed, with its outcome and the values that differ: rehearsed and now.
fn named(document: &Value, world: &World) -> Vec<String> {
    let name = format!("{}.{}", world.schema, world.tables[0]);
    let tables = document["change_after"]["rows"]["tables"].as_array();
    let mut tables = tables.expect("rows were compared").iter();
    let found = tables.find(|table| table["table"] == name);
    let rows = found.expect("the table is there")["rows"].as_array();
    let side = |side: &Value| side.as_str().unwrap_or("-").to_owned();
    let value = |value: &Value| {
        let (rehearsed, now) = (side(&value["rehearsed"]), side(&value["now"]));
        format!(" {} {rehearsed} {now}", text(&value["column"]))
    };
    let row = |row: &Value| {
        let values = row["values"].as_array().expect("values").iter().map(value);
        let values: String = values.collect();
        format!("{} {}{values}", text(&row["row"]), text(&row["outcome"]))
    };
    let mut named: Vec<String> = rows.expect("rows").iter().map(row).collect();
    named.sort();
    named
}

#[test]
fn each_swap_of_the_200_worlds_commits_and_both_rows_are_named_afterwards() {
    let worlds: Vec<World> = (0..WORLDS)
        .map(World::of)
        .filter(World::is_swapped)
        .collect();
    let with_new = worlds.iter().filter(|it| it.is_swapped_with_new()).count();
    let changed = ChangedWorkspace::of_demo_profile(|profile| {
        let (head, _) = profile.split_once("expect = [").expect("it expects rows");
        format!("{head}{}", declared(&worlds))
    });
    let mut scripts = Vec::new();
    for world in &worlds {
        let rights =
            world.grant("SELECT", "context_pack_readonly") + &world.grant("ALL", "shop_owner");
        changed.workspace.sql(&(world.make() + &rights));
        scripts.push(world.script());
    }
    fs::write(&changed.change, scripts.join("\n;\n") + "\n;\n").expect("our own file");
    let approved = sealed(changed);
    let guard = approved.guard(&[]);
    let swapped: Vec<[String; 2]> = worlds.iter().map(|world| swap(&approved, world)).collect();
    approved.carries_out(&guard).expect("as many rows");
    let recheck = ["recheck", &approved.run, "--after", "--headless", "--json"];
    let document = approved.world.drygate(&recheck).expect(2).json();
    assert_eq!(document["carried_out"], "did_not_come_true");
    for (world, [left, came]) in worlds.iter().zip(&swapped) {
        let mut expected = if world.is_swapped_with_new() {
            [
                format!("id={left} otherwise id {left} - grp u - v 3 -"),
                format!("id={came} inserted id - {came} grp - u v - 11"),
            ]
        } else {
            [
                format!("id={left} not_done v 3 1"),
                format!("id={came} changed grp x u v 1 3"),
            ]
        };
        expected.sort();
        assert_eq!(named(&document, world), expected, "{:?}", world.schema);
    }
    let _ = writeln!(
        stderr(),
        "{} of {WORLDS} worlds with a swap, {with_new} with a new row: all committed, both rows named",
        worlds.len()
    );
    assert!(
        with_new >= 10 && worlds.len() - with_new >= 10,
        "{}",
        worlds.len()
    );
}
