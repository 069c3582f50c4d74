//! A random catalogue in a schema of its own, and random statements over it. Invariant: whatever a statement of it could call that is not PostgreSQL's own leaves a line in the
//! server's log.

use super::random::Random;
use super::shapes::{SHAPES, Shape};

/// A schema full of traps, with the statements of a profile over it.
pub struct Catalogue {
    /// What a superuser runs to make it.
    pub sql: String,
    /// Statements that lead to a trap.
    pub hostile: Vec<String>,
    /// A statement that leads to none, with its value.
    pub plain: (String, String),
    /// The functions that the profile names.
    pub allowed: Vec<String>,
}

/// What a shape adds, by which names and how many there are.
pub struct Part<'a> {
    /// The schema, as SQL writes it.
    pub schema: String,
    /// Makes every name of the schema another one.
    pub nth: usize,
    /// What decides.
    pub random: &'a mut Random,
    /// The catalogue.
    pub to: Catalogue,
}

impl Part<'_> {
    /// A new name, qualified; some need quotes.
    pub fn name(&mut self) -> String {
        self.nth += 1;
        let name = match self.random.below(4) {
            0 => format!("\"N {}\"", self.nth),
            1 => format!("\"n.{}\"", self.nth),
            _ => format!("n{}", self.nth),
        };
        format!("{}.{name}", self.schema)
    }

    /// More SQL for the superuser.
    pub fn make(&mut self, sql: &str) {
        self.to.sql.push_str(sql);
        self.to.sql.push_str(";\n");
    }

    /// One more statement of the profile.
    pub fn ask(&mut self, sql: String) {
        self.to.hostile.push(sql);
    }

    /// A function that leaves a line, in one of the languages that can.
    pub fn trap(&mut self, arguments: &str, returns: &str, value: &str) -> String {
        let name = self.name();
        let line = name.replace(['\'', '"', '.'], "_");
        let raised = format!("RAISE LOG 'trap of {line} executed'");
        if self.random.below(2) == 0 {
            self.make(&format!(
                "CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql IMMUTABLE AS $$BEGIN {raised}; RETURN {value}; END$$"
            ));
        } else {
            // A body in SQL can be put in the place of its call, so that no function of this name runs at all.
            let inner = self.name();
            self.make(&format!(
                "CREATE FUNCTION {inner}() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN {raised}; RETURN true; END$$"
            ));
            self.make(&format!(
                "CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN {inner}() THEN {value} ELSE {value} END$$"
            ));
        }
        name
    }

    /// Something boolean that runs a trap.
    pub fn condition(&mut self) -> String {
        let trap = self.trap("", "boolean", "true");
        let call = format!("{trap}()");
        match self.random.below(3) {
            0 => call,
            1 => format!("(CASE WHEN {call} THEN true ELSE false END)"),
            _ => {
                let equal = self.trap("integer, integer", "boolean", "true");
                let operator = self.random.of(&["===", "~~~", "<->>", "@@#"]);
                let schema = self.schema.clone();
                self.make(&format!(
                    "DO $do$BEGIN CREATE OPERATOR {schema}.{operator} (LEFTARG = integer, RIGHTARG = integer, FUNCTION = {equal}); EXCEPTION WHEN duplicate_function THEN NULL; END$do$"
                ));
                format!("(1 OPERATOR({schema}.{operator}) 1)")
            }
        }
    }

    /// A type around another: domains, arrays and composites, one to three of them.
    pub fn nested(&mut self, inner: &str) -> String {
        let mut around = inner.to_owned();
        for _ in 0..=self.random.below(3) {
            around = match self.random.below(3) {
                0 => {
                    let name = self.name();
                    self.make(&format!("CREATE DOMAIN {name} AS {around}"));
                    name
                }
                1 if !around.ends_with(']') => format!("{around}[]"),
                _ => {
                    let name = self.name();
                    self.make(&format!("CREATE TYPE {name} AS (n integer, f {around})"));
                    name
                }
            };
        }
        around
    }

    /// A table with a column of this type, and a statement that reads it.
    pub fn column_of(&mut self, kind: &str) {
        let table = self.name();
        self.make(&format!("CREATE TABLE {table} (id integer, c {kind})"));
        self.make(&format!("INSERT INTO {table} VALUES (1, NULL)"));
        let from = format!("FROM {table} AS t");
        let sql = match self.random.below(7) {
            0 => format!("SELECT c AS value {from}"),
            1 => format!("SELECT count(*)::text {from}"),
            2 => format!("SELECT to_json(t)::text {from}"),
            3 => format!("SELECT array_agg(c)::text {from}"),
            4 => format!("SELECT t::text {from}"),
            5 => format!("SELECT json_build_object('c', t.c)::text {from}"),
            _ => format!("WITH w AS (SELECT c {from}) SELECT count(w.c)::text FROM w"),
        };
        self.ask(sql);
    }
}

/// The catalogue of this number.
pub fn catalogue(number: usize, version: u32, random: &mut Random) -> Catalogue {
    let schema = match random.below(3) {
        0 => format!("\"Ring {number}\""),
        _ => format!("ring_{number}"),
    };
    let plain = format!("{schema}.plain");
    let rows = random.below(40);
    let sql = format!(
        "CREATE SCHEMA {schema};\nCREATE TABLE {plain} (id integer);\nINSERT INTO {plain} SELECT generate_series(1, {rows});\n"
    );
    let there: Vec<Shape> = SHAPES
        .iter()
        .copied()
        .filter(|shape| shape.since <= version)
        .collect();
    let shapes = random.several(&there, 6);
    let mut part = Part {
        schema,
        nth: 0,
        random,
        to: Catalogue {
            sql,
            hostile: Vec::new(),
            plain: (
                format!("SELECT count(*)::text FROM {plain}"),
                rows.to_string(),
            ),
            allowed: Vec::new(),
        },
    };
    for shape in shapes {
        (shape.add)(&mut part);
    }
    let schema = part.schema.clone();
    part.make(&format!(
        "GRANT USAGE ON SCHEMA {schema} TO context_pack_readonly"
    ));
    part.make(&format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO context_pack_readonly"
    ));
    part.to
}
