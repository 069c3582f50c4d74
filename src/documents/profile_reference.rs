//! Makes `docs/profiles.md` from the schema of a profile and the examples of `assets/profiles/reference.toml` (test
//! `the_reference_of_profiles_is_that_of_the_schema`). Invariant: every key of the schema is in it, with an example that is read
//! from a profile that parses (`example`).
//!
//! After a deliberate change of the schema `DRYGATE_WRITE_SCHEMAS=1 cargo test --lib profile_reference` writes the file anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::schemas::profile_schema;
use crate::profile::{BUILT_IN, TomlDocument, parse};
use crate::run::{CheckName, Gate};

/// Where examples are looked for, in this order.
const EXAMPLES: [&str; 3] = [
    include_str!("../../assets/profiles/reference.toml"),
    include_str!("../../assets/profiles/schema-migration.toml"),
    include_str!("../../assets/profiles/sqitch.toml"),
];

const HEAD: &str = "# The profile language

A profile says what a change is, what is asked of the database, and what a person is asked at SG1 and SG2. It is a TOML file; it holds no
password, and no address of a server. `drygate profile init FILE --database-url URL` writes one that passes as it is, and
`drygate profile check FILE --database-url URL` says what would keep a run from PASS, with the line to write.

A key that is not listed here is an error with line, column and the nearest key. `assets/schemas/profile.schema.json` is the same as a
JSON Schema, for editors: with Taplo or Even Better TOML, `#:schema ./profile.schema.json` as the first line of a profile turns on
completion and checks while you type.

This file is made from that schema by a test; every example is read from a profile that parses.
";

/// The definition that a key is made of; `None`: a plain value.
fn definition_of<'a>(definitions: &'a Value, property: &Value) -> Option<&'a Value> {
    let of = |value: &Value| value["$ref"].as_str().map(str::to_owned);
    let mut either = property["anyOf"].as_array().into_iter().flatten();
    let name = of(property)
        .or_else(|| of(&property["items"]))
        .or_else(|| either.find_map(of))?;
    Some(&definitions[name.strip_prefix("#/$defs/")?])
}

fn is_table(definition: &Value) -> bool {
    definition.get("properties").is_some()
}

/// The keys of a table, those that must be there first.
fn keys(table: &Value) -> Vec<(&str, &Value, bool)> {
    let required = table["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    let properties = table["properties"].as_object().expect("a table");
    let mut keys: Vec<(&str, &Value, bool)> = properties
        .iter()
        .map(|(key, property)| (key.as_str(), property, required.contains(&key.as_str())))
        .collect();
    keys.sort_by_key(|(key, ..)| required.iter().position(|name| name == key).unwrap_or(99));
    keys
}

fn kind(definitions: &Value, property: &Value) -> String {
    if let Some(definition) = definition_of(definitions, property) {
        let consts = definition["oneOf"].as_array().into_iter().flatten();
        let words: Vec<String> = consts
            .filter_map(|one| Some(format!("`{}`", one["const"].as_str()?)))
            .collect();
        return match (is_table(definition), property.get("items").is_some()) {
            (true, true) => "list of tables".to_owned(),
            (true, false) => "table".to_owned(),
            (false, _) if !words.is_empty() => words.join(", "),
            (false, _) if definition["type"] == "string" => "text".to_owned(),
            (false, _) => "whole number or range".to_owned(),
        };
    }
    let is = |name: &str| {
        let kind = &property["type"];
        kind == name
            || kind
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|it| it == name))
    };
    let kinds = [
        ("string", "text"),
        ("integer", "whole number"),
        ("boolean", "`true` or `false`"),
        ("array", "list of texts"),
        ("object", "table"),
    ];
    let found = kinds.into_iter().find(|(name, _)| is(name));
    found.expect("a kind that is known").1.to_owned()
}

/// A value as TOML writes it on one line.
fn toml(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().map(toml).collect())),
        Value::Object(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml(value)));
            format!("{{ {} }}", list(pairs.collect()))
        }
        other => other.to_string(),
    }
}

/// What all the tables have at a key; the items of a list one by one.
fn below<'a>(tables: &[&'a Value], key: &str) -> Vec<&'a Value> {
    let values = tables.iter().filter_map(|table| table.get(key));
    values
        .flat_map(|value| match value.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![value],
        })
        .collect()
}

/// A section for one table, then one for each table in it. `examples`: such tables of real profiles.
fn section(made: &mut String, definitions: &Value, path: &str, table: &Value, examples: &[&Value]) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        made,
        "| key | value | default | example | meaning |\n|---|---|---|---|---|"
    );
    for (key, property, required) in keys(table) {
        let example = example(definitions, path, key, property, examples);
        let of_table = definition_of(definitions, property).is_some_and(is_table);
        let default = match (&property["default"], required) {
            (_, true) => "must be there".to_owned(),
            (_, false) if of_table => "as below".to_owned(),
            (Value::Null, false) => "none".to_owned(),
            (default, false) => format!("`{}`", toml(default)),
        };
        let text = property["description"].as_str().unwrap_or_default();
        let cells = [
            format!("`{key}`"),
            kind(definitions, property),
            default,
            example,
            text.split_whitespace().collect::<Vec<_>>().join(" "),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(made, "| {} |", cells.join(" | "));
    }
    for (key, property, _) in keys(table) {
        let Some(definition) = definition_of(definitions, property).filter(|it| is_table(it))
        else {
            continue;
        };
        let name = [path, key].into_iter().filter(|part| !part.is_empty());
        let name = name.collect::<Vec<_>>().join(".");
        let title = match property.get("items") {
            Some(_) => format!("[[{name}]]"),
            None => format!("[{name}]"),
        };
        let about = definition["description"].as_str().unwrap_or_default();
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(made, "\n## `{title}`\n\n{about}\n");
        section(made, definitions, &name, definition, &below(examples, key));
    }
}

fn example(
    definitions: &Value,
    path: &str,
    key: &str,
    property: &Value,
    examples: &[&Value],
) -> String {
    let found = examples.iter().find_map(|table| table.get(key));
    let found = found.unwrap_or_else(|| panic!("no example of {path}.{key} in reference.toml"));
    let table = definition_of(definitions, property).is_some_and(is_table);
    if table {
        return "below".to_owned();
    }
    format!("`{}`", toml(found))
}

/// The worked profiles, by what their first lines say.
fn worked(made: &mut String) {
    made.push_str("\n## Worked profiles\n\n`drygate profile show NAME` prints them.\n\n");
    for (name, text) in BUILT_IN {
        let lines = text.lines().take_while(|line| line.starts_with('#'));
        let about: Vec<&str> = lines
            .map(|line| line.trim_start_matches(['#', ' ']))
            .collect();
        let _ = writeln!(made, "- **`{name}`**: {}", about.join(" "));
    }
}

/// The checks that a profile may leave out, by gate.
fn excludable(made: &mut String) {
    made.push_str(
        "\n## Checks that may be left out\n\n`[[out_of_scope]]` names one of these, with a reason that every report shows. What proves that \
         nothing was written cannot be left out.\n\n",
    );
    for gate in Gate::ALL {
        let names = CheckName::ALL
            .iter()
            .filter(|check| check.may_be_excluded() && check.gate() == Some(gate));
        let names: Vec<String> = names.map(|check| format!("`{check}`")).collect();
        if !names.is_empty() {
            let _ = writeln!(made, "- {gate}: {}", names.join(", "));
        }
    }
}

#[test]
fn the_reference_of_profiles_is_that_of_the_schema() {
    let examples = EXAMPLES.map(|text| {
        parse("reference.toml", text).expect("it parses");
        let plain = TomlDocument::read(text).expect("TOML").plain();
        serde_json::from_str::<Value>(&plain.expect("plain values")).expect("JSON")
    });
    let schema = profile_schema();
    let mut made = format!("{HEAD}\n## The keys of a profile\n\n");
    let all: Vec<&Value> = examples.iter().collect();
    section(&mut made, &schema["$defs"], "", &schema, &all);
    worked(&mut made);
    excludable(&mut made);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    if std::env::var_os("DRYGATE_WRITE_SCHEMAS").is_some() {
        fs::write(&path, &made).expect("a file");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/profiles.md is not what the schema says: see the head of this file"
    );
}
