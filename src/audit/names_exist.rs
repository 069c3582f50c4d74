//! Whether the names of a profile are in the database, each with the line to write instead. A name that a change could make is not
//! judged. Names inside SQL are the server's to judge: the check of the plain reads says what it answered.

use serde_json::json;

use crate::profile::{PathStep, Profile, TomlDocument, nearest};
use crate::run::{Check, CheckName, counted, may_not_log_in};
use crate::survey::{DatabaseNames, NamedRelation, quoted_identifier};

/// A name of the profile that is not there, or not for the role.
struct NameFinding {
    line: usize,
    says: String,
    /// The line to write, or the statement to run.
    remedy: Option<String>,
    /// Whether the change could make it.
    may_come: bool,
}

/// The names of one profile, looked up one after the other.
struct Lookup<'a> {
    document: Option<TomlDocument<'a>>,
    names: &'a DatabaseNames,
    role: &'a str,
    asked: usize,
    found: Vec<NameFinding>,
}

/// Looks up each name of a profile. `text`: the profile's own, for the lines. `role`: the session's.
pub fn names_exist(
    profile: &Profile,
    text: &str,
    names: &Result<DatabaseNames, String>,
    role: &str,
) -> Check {
    const NAME: CheckName = CheckName::NamesExist;
    let names = match names {
        Ok(names) => names,
        Err(why) => {
            let says = format!("the names in the database could not be read: {why}");
            return Check::not_checked(NAME, says, "GRANT SELECT on the catalogue that it names");
        }
    };
    let mut lookup = Lookup {
        document: TomlDocument::read(text).ok(),
        names,
        role,
        asked: 0,
        found: Vec::new(),
    };
    lookup.profile(profile);
    let Lookup { asked, found, .. } = lookup;
    let lines: Vec<String> = found.iter().map(NameFinding::line).collect();
    let raw = json!({"names": asked, "missing": lines});
    let Some(first) = lines.first() else {
        let says = format!(
            "{} of the profile are in the database",
            counted(asked, "name")
        );
        return Check::evaluated(NAME, true, says, raw);
    };
    let says = format!(
        "{} of {} are not there: {first}",
        lines.len(),
        counted(asked, "name")
    );
    let remedies = lines.join("\n");
    if found.iter().all(|it| it.may_come) {
        return Check {
            raw,
            ..Check::not_checked(NAME, says, remedies)
        };
    }
    Check {
        remedy: Some(remedies),
        ..Check::evaluated(NAME, false, says, raw)
    }
}

impl NameFinding {
    fn line(&self) -> String {
        let remedy = self.remedy.as_deref();
        let remedy = remedy.map_or_else(String::new, |remedy| format!(": {remedy}"));
        format!("line {}: {}{remedy}", self.line, self.says)
    }
}

fn key<'s>(parts: &[&'s str], index: usize, last: &'s str) -> Vec<PathStep<'s>> {
    let mut path: Vec<PathStep<'_>> = parts.iter().map(|part| PathStep::Key(part)).collect();
    path.extend([PathStep::Index(index), PathStep::Key(last)]);
    path
}

fn toml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn full(relation: &NamedRelation) -> String {
    format!("{}.{}", relation.schema, relation.name)
}

/// Whether PostgreSQL itself has it: its names are not listed.
fn is_system(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

/// The parts of a name with its schema as a profile writes it: `public.unit`, `"Odd schema"."Unit"`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in name.chars() {
        match (c, quoted) {
            ('"', _) => quoted = !quoted,
            ('.', false) => parts.push(String::new()),
            _ => parts.last_mut().expect("never empty").push(c),
        }
    }
    parts
}

impl<'a> Lookup<'a> {
    fn profile(&mut self, profile: &Profile) {
        self.role_exists(
            &[PathStep::Key("target"), PathStep::Key("expected_role")],
            &profile.target.expected_role,
        );
        for (index, fact) in profile.facts.iter().enumerate() {
            if let Some(count) = &fact.count {
                self.counted(index, count);
            }
        }
        for (index, function) in profile.functions.iter().enumerate() {
            let path = key(&["functions"], index, "name");
            let write = |schema: &str, _: &str| format!("schema = {}", toml(schema));
            self.function(&path, &function.schema, &function.name, &write);
        }
        for (index, function) in profile.role.functions.iter().enumerate() {
            let path = [
                PathStep::Key("role"),
                PathStep::Key("functions"),
                PathStep::Index(index),
            ];
            if let [schema, name] = parts(function).as_slice() {
                let write = |schema: &str, name: &str| toml(&format!("{schema}.{name}"));
                self.function(&path, schema, name, &write);
            }
        }
        let schemas = profile.grants.iter().flat_map(|grants| &grants.schemas);
        for (index, schema) in schemas.enumerate() {
            let path = [
                PathStep::Key("grants"),
                PathStep::Key("schemas"),
                PathStep::Index(index),
            ];
            self.schema(&path, schema);
        }
        for (index, content) in profile.contents.iter().enumerate() {
            let path = key(&["contents"], index, "table");
            let write = |near: &NamedRelation| {
                if near.schema == content.schema {
                    format!("table = {}", toml(&near.name))
                } else {
                    format!(
                        "schema = {}, table = {}",
                        toml(&near.schema),
                        toml(&near.name)
                    )
                }
            };
            let Some(relation) = self.relation(&path, &content.schema, &content.table, &write)
            else {
                continue;
            };
            for (list, columns) in [("columns", &content.columns), ("row_key", &content.row_key)] {
                for (nth, column) in columns.iter().enumerate() {
                    let mut path = key(&["contents"], index, list);
                    path.push(PathStep::Index(nth));
                    self.column(&path, relation, column);
                }
            }
            self.row_key(index, relation, &content.row_key);
        }
        for (step, effects) in profile
            .lifecycle
            .iter()
            .flat_map(|lifecycle| [("cut", &lifecycle.cut), ("enact", &lifecycle.enact)])
        {
            for (index, effect) in effects.iter().enumerate() {
                self.effect(&key(&["lifecycle", step], index, "table"), &effect.table);
            }
        }
        if let Some(change) = &profile.change {
            let path = [PathStep::Key("change"), PathStep::Key("role")];
            self.role_exists(&path, &change.role);
            if self.names.roles.get(&change.role) == Some(&false) {
                let [says, remedy] = may_not_log_in(&change.role);
                self.missing(&path, says, Some(remedy));
            }
            for (index, rows) in change.expect.iter().flatten().enumerate() {
                self.of_change(&key(&["change", "expect"], index, "table"), &rows.table);
            }
        }
        for (index, column) in profile.rehearsal.show.iter().enumerate() {
            let path = [
                PathStep::Key("rehearsal"),
                PathStep::Key("show"),
                PathStep::Index(index),
            ];
            self.of_change(&path, column);
        }
    }

    fn missing(&mut self, path: &[PathStep<'_>], says: String, remedy: Option<String>) {
        let line = self.document.as_ref();
        let line = line.map_or(1, |document| document.position(path).line);
        self.found.push(NameFinding {
            line,
            says,
            remedy,
            may_come: false,
        });
    }

    /// A name that is in none of `names`.
    fn unknown<'n>(
        &mut self,
        path: &[PathStep<'_>],
        what: &str,
        name: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) {
        let near = nearest(name, names);
        let near = near.map(|near| format!("the nearest is {}", toml(near)));
        self.missing(path, format!("there is no {what} {}", toml(name)), near);
    }

    fn role_exists(&mut self, path: &[PathStep<'_>], role: &str) {
        self.asked += 1;
        let roles = &self.names.roles;
        if !roles.contains_key(role) {
            self.unknown(path, "role", role, roles.keys().map(String::as_str));
        }
    }

    fn schema(&mut self, path: &[PathStep<'_>], schema: &str) {
        self.asked += 1;
        let schemas = &self.names.schemas;
        if !is_system(schema) && !schemas.contains(schema) {
            self.unknown(path, "schema", schema, schemas.iter().map(String::as_str));
        }
    }

    /// Two rows of one key could not be told from each other, nor one row of it named.
    fn row_key(&mut self, index: usize, relation: &NamedRelation, row_key: &[String]) {
        let details = &relation.details;
        let columns = details.columns.as_deref().unwrap_or_default();
        let Some(keys) = &details.unique_keys else {
            return;
        };
        if row_key.iter().any(|column| !columns.contains(column)) {
            return;
        }
        self.asked += 1;
        let is_whole = |key: &Vec<String>| key.iter().all(|column| row_key.contains(column));
        if keys.iter().any(is_whole) {
            return;
        }
        let list = |names: &[String], name: &dyn Fn(&str) -> String| {
            let names: Vec<String> = names.iter().map(|column| name(column)).collect();
            names.join(", ")
        };
        // The key that shares most with what is written.
        let shared =
            |key: &&Vec<String>| key.iter().filter(|column| row_key.contains(column)).count();
        let near = keys.iter().rev().max_by_key(shared);
        let remedy = match near {
            Some(key) => format!("row_key = [{}]", list(key, &toml)),
            None => format!(
                "CREATE UNIQUE INDEX ON {}.{} ({});",
                quoted_identifier(&relation.schema),
                quoted_identifier(&relation.name),
                list(row_key, &quoted_identifier)
            ),
        };
        let says = format!(
            "no unique index of columns that are NOT NULL names the rows of {} by {}",
            full(relation),
            list(row_key, &toml)
        );
        self.missing(&key(&["contents"], index, "row_key"), says, Some(remedy));
    }

    fn function(
        &mut self,
        path: &[PathStep<'_>],
        schema: &str,
        name: &str,
        write: &dyn Fn(&str, &str) -> String,
    ) {
        self.asked += 1;
        let functions = &self.names.functions;
        if functions.contains(&(schema.to_owned(), name.to_owned())) {
            return;
        }
        if let Some((other, _)) = functions.iter().find(|(_, other)| other == name) {
            let says = format!(
                "there is no function {} in schema {}",
                toml(name),
                toml(schema)
            );
            self.missing(path, says, Some(write(other, name)));
            return;
        }
        let of_schema = functions.iter().filter(|(other, _)| other == schema);
        let own = of_schema.map(|(_, name)| name.as_str());
        self.unknown(path, "function", name, own);
    }

    /// The relation of a name, if it is there. What is not, or may not be read, is noted with what to write or to grant.
    fn relation(
        &mut self,
        path: &[PathStep<'_>],
        schema: &str,
        name: &str,
        write: &dyn Fn(&NamedRelation) -> String,
    ) -> Option<&'a NamedRelation> {
        self.asked += 1;
        let names = self.names;
        if is_system(schema) {
            return None;
        }
        if let Some(relation) = names.relation(schema, name) {
            if !relation.details.may_be_read {
                let says = format!("{} may not read {}", self.role, full(relation));
                let role = quoted_identifier(self.role);
                let (of, table) = (quoted_identifier(schema), quoted_identifier(name));
                let grant = format!(
                    "GRANT USAGE ON SCHEMA {of} TO {role}; GRANT SELECT ON {of}.{table} TO {role};"
                );
                self.missing(path, says, Some(grant));
            }
            return Some(relation);
        }
        let written = format!("{schema}.{name}");
        // In another schema, else by the whole name.
        let near = names
            .relations
            .iter()
            .find(|it| it.name == name)
            .or_else(|| {
                let all: Vec<String> = names.relations.iter().map(full).collect();
                let near = nearest(&written, all.iter().map(String::as_str))?;
                names.relations.iter().find(|it| full(it) == near)
            });
        let remedy =
            near.map(|near| format!("the nearest is {}: {}", toml(&full(near)), write(near)));
        self.missing(
            path,
            format!("there is no table {}", toml(&written)),
            remedy,
        );
        None
    }

    fn counted(&mut self, index: usize, count: &str) {
        let names = parts(count);
        let [schema, table] = names.as_slice() else {
            return;
        };
        let path = key(&["facts"], index, "count");
        self.relation(&path, schema, table, &|near| {
            let quoted = [&near.schema, &near.name].map(|name| quoted_identifier(name));
            format!("count = {}", toml(&quoted.join(".")))
        });
    }

    fn column(&mut self, path: &[PathStep<'_>], relation: &NamedRelation, column: &str) {
        self.asked += 1;
        let columns = relation.details.columns.as_deref().unwrap_or_default();
        if !columns.iter().any(|known| known == column) {
            let what = format!("column of {}", full(relation));
            self.unknown(path, &what, column, columns.iter().map(String::as_str));
        }
    }

    /// The table of an effect that a step declares: a name with or without its schema.
    fn effect(&mut self, path: &[PathStep<'_>], table: &str) {
        self.asked += 1;
        let relations = &self.names.relations;
        let unquoted = parts(table).join(".");
        let has = |it: &NamedRelation| {
            [table, &unquoted].contains(&it.name.as_str()) || full(it) == unquoted
        };
        if !relations.iter().any(has) {
            self.unknown(
                path,
                "table",
                table,
                relations.iter().map(|it| it.name.as_str()),
            );
        }
    }

    /// A table or column that the change may make: said only where another name is near enough to be meant.
    fn of_change(&mut self, path: &[PathStep<'_>], name: &str) {
        self.asked += 1;
        let parts = parts(name);
        let [schema, table, column @ ..] = parts.as_slice() else {
            return;
        };
        let relation = self.names.relation(schema, table);
        let near = match (relation, column) {
            (Some(_), []) => return,
            (Some(relation), [column, ..]) => {
                let columns = relation.details.columns.as_deref().unwrap_or_default();
                if columns.contains(column) {
                    return;
                }
                nearest(column, columns.iter().map(String::as_str)).map(str::to_owned)
            }
            (None, _) => {
                let all: Vec<String> = self.names.relations.iter().map(full).collect();
                nearest(&parts[..2].join("."), all.iter().map(String::as_str)).map(str::to_owned)
            }
        };
        if let Some(near) = near {
            let says = format!("{} is not there, unless the change makes it", toml(name));
            self.missing(path, says, Some(format!("the nearest is {}", toml(&near))));
            self.found.last_mut().expect("just pushed").may_come = true;
        }
    }
}
