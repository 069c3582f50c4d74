//! The ways in which a statement leads to a function that it does not name. Invariant: every resolver has a shape that is refused through it.

use super::catalogue::Part;

/// One way.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The first version that knows it.
    pub since: u32,
    /// Adds it to a catalogue.
    pub add: fn(&mut Part<'_>),
}

const fn shape(add: fn(&mut Part<'_>)) -> Shape {
    Shape { since: 0, add }
}

/// All of them.
pub const SHAPES: &[Shape] = &[
    shape(child),
    shape(view),
    shape(index),
    shape(check),
    Shape {
        since: 140_000,
        add: statistics,
    },
    Shape {
        since: 180_000,
        add: generated,
    },
    shape(partition),
    shape(policy),
    shape(cast),
    shape(class),
    shape(domain),
    shape(range),
    shape(operator),
    shape(type_function),
    shape(aggregate),
    shape(default_of_an_argument),
    shape(text_search),
];

fn count(part: &mut Part<'_>, table: &str) {
    let sql = match part.random.below(4) {
        0 => format!("SELECT count(*)::text FROM {table}"),
        1 => format!("SELECT max(t.id)::text FROM {table} AS t"),
        2 => format!("SELECT id AS value FROM {table} WHERE id = 1"),
        _ => format!("SELECT '1' WHERE EXISTS (TABLE {table})"),
    };
    part.ask(sql);
}

fn table(part: &mut Part<'_>) -> String {
    let table = part.name();
    part.make(&format!("CREATE TABLE {table} (id integer)"));
    part.make(&format!("INSERT INTO {table} VALUES (1), (2)"));
    table
}

/// A child with a constraint or an index, below a table without.
fn child(part: &mut Part<'_>) {
    let parent = table(part);
    let child = part.name();
    let condition = part.condition();
    if part.random.below(2) == 0 {
        part.make(&format!(
            "CREATE TABLE {child} (CHECK ({condition})) INHERITS ({parent})"
        ));
    } else {
        part.make(&format!("CREATE TABLE {child} () INHERITS ({parent})"));
        part.make(&format!("CREATE INDEX ON {child} (id) WHERE {condition}"));
    }
    count(part, &parent);
}

/// A view over views.
fn view(part: &mut Part<'_>) {
    let mut below = table(part);
    let mut condition = part.condition();
    for _ in 0..=part.random.below(3) {
        let view = part.name();
        let kind = if part.random.below(5) == 0 {
            "VIEW"
        } else {
            "OR REPLACE VIEW"
        };
        part.make(&format!(
            "CREATE {kind} {view} AS SELECT id FROM {below} WHERE {condition}"
        ));
        below = view;
        "id > 0".clone_into(&mut condition);
    }
    count(part, &below);
}

/// A predicate or an expression of an index.
fn index(part: &mut Part<'_>) {
    let table = table(part);
    let condition = part.condition();
    let sql = match part.random.below(3) {
        0 => format!("CREATE INDEX ON {table} (id) WHERE {condition}"),
        1 => format!("CREATE INDEX ON {table} (({condition}))"),
        _ => format!("CREATE INDEX ON {table} USING hash (id) WHERE {condition}"),
    };
    part.make(&sql);
    count(part, &table);
}

/// A CHECK constraint.
fn check(part: &mut Part<'_>) {
    let table = table(part);
    let condition = part.condition();
    part.make(&format!(
        "ALTER TABLE {table} ADD CHECK ({condition}) NOT VALID"
    ));
    count(part, &table);
}

/// Expressions of extended statistics.
fn statistics(part: &mut Part<'_>) {
    let table = table(part);
    let name = part.name();
    let condition = part.condition();
    part.make(&format!(
        "CREATE STATISTICS {name} ON ({condition}), (id + 1) FROM {table}"
    ));
    count(part, &table);
}

/// A column that is computed when it is read. It may call PostgreSQL's own functions only, of which some have an effect.
fn generated(part: &mut Part<'_>) {
    let table = part.name();
    part.make("ALTER FUNCTION pg_catalog.pg_try_advisory_lock(bigint) IMMUTABLE");
    part.make(&format!(
        "CREATE TABLE {table} (id integer, g boolean GENERATED ALWAYS AS (pg_catalog.pg_try_advisory_lock(id)) VIRTUAL)"
    ));
    part.make("ALTER FUNCTION pg_catalog.pg_try_advisory_lock(bigint) VOLATILE");
    count(part, &table);
}

/// An operator class of one's own over integers, that is nobody's default.
fn own_order(part: &mut Part<'_>) -> String {
    let order = part.trap(
        "integer, integer",
        "integer",
        "pg_catalog.btint4cmp($1, $2)",
    );
    let class = part.name();
    part.make(&format!(
        "CREATE OPERATOR CLASS {class} FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 {order}(integer, integer)"
    ));
    class
}

/// A partition key.
fn partition(part: &mut Part<'_>) {
    let class = own_order(part);
    let table = part.name();
    part.make(&format!(
        "CREATE TABLE {table} (id integer) PARTITION BY RANGE (id {class})"
    ));
    for (from, to) in [(0, 10), (10, 20)] {
        let one = part.name();
        part.make(&format!(
            "CREATE TABLE {one} PARTITION OF {table} FOR VALUES FROM ({from}) TO ({to})"
        ));
    }
    part.ask(format!("SELECT count(*)::text FROM {table} WHERE id = 1"));
}

/// A policy, asked or not.
fn policy(part: &mut Part<'_>) {
    let table = table(part);
    let condition = part.condition();
    part.make(&format!("CREATE POLICY p ON {table} USING ({condition})"));
    count(part, &table);
}

fn words(part: &mut Part<'_>) -> String {
    let name = part.name();
    part.make(&format!("CREATE TYPE {name} AS ENUM ('low', 'high')"));
    name
}

/// A cast of what a column has within it.
fn cast(part: &mut Part<'_>) {
    let words = words(part);
    let (to, value) = part.random.of(&[
        ("text", "'x'::text"),
        ("json", "'1'::json"),
        ("integer", "1"),
    ]);
    let run = part.trap(&words, to, value);
    let context = part.random.of(&["", " AS ASSIGNMENT", " AS IMPLICIT"]);
    part.make(&format!(
        "CREATE CAST ({words} AS {to}) WITH FUNCTION {run}({words}){context}"
    ));
    let kind = part.nested(&words);
    part.column_of(&kind);
}

/// The class by which a type within a column is compared.
fn class(part: &mut Part<'_>) {
    let words = words(part);
    let schema = part.schema.clone();
    let equal = part.trap(&format!("{words}, {words}"), "boolean", "true");
    part.make(&format!(
        "CREATE OPERATOR {schema}.= (LEFTARG = {words}, RIGHTARG = {words}, FUNCTION = {equal})"
    ));
    let class = part.name();
    if part.random.below(2) == 0 {
        let order = part.trap(&format!("{words}, {words}"), "integer", "0");
        part.make(&format!(
            "CREATE OPERATOR CLASS {class} DEFAULT FOR TYPE {words} USING btree AS OPERATOR 3 {schema}.=, FUNCTION 1 {order}({words}, {words})"
        ));
    } else {
        let hash = part.trap(&words, "integer", "1");
        part.make(&format!(
            "CREATE OPERATOR CLASS {class} DEFAULT FOR TYPE {words} USING hash AS OPERATOR 1 {schema}.=, FUNCTION 1 {hash}({words})"
        ));
    }
    let kind = part.nested(&words);
    part.column_of(&kind);
}

/// The check of a domain.
fn domain(part: &mut Part<'_>) {
    let name = part.name();
    let condition = part.condition();
    part.make(&format!(
        "CREATE DOMAIN {name} AS text CHECK ({condition} OR VALUE IS NULL)"
    ));
    let kind = part.nested(&name);
    part.column_of(&kind);
}

/// The order of a range, or its difference.
fn range(part: &mut Part<'_>) {
    let name = part.name();
    let table = part.name();
    if part.random.below(2) == 0 {
        let class = own_order(part);
        part.make(&format!(
            "CREATE TYPE {name} AS RANGE (SUBTYPE = integer, SUBTYPE_OPCLASS = {class})"
        ));
    } else {
        let difference = part.trap(
            "integer, integer",
            "double precision",
            "1::double precision",
        );
        part.make(&format!(
            "CREATE TYPE {name} AS RANGE (SUBTYPE = integer, SUBTYPE_DIFF = {difference})"
        ));
    }
    part.make(&format!("CREATE TABLE {table} (r {name})"));
    part.make(&format!("INSERT INTO {table} VALUES ('[1,2]'), ('[2,3]')"));
    // The server reads the constant while it parses.
    part.ask(format!(
        "SELECT count(DISTINCT r)::text FROM {table} WHERE r = '[1,2]'"
    ));
}

/// An operator that a view uses.
fn operator(part: &mut Part<'_>) {
    let table = table(part);
    let schema = part.schema.clone();
    let run = part.trap("integer, integer", "boolean", "true");
    part.make(&format!(
        "CREATE OPERATOR {schema}.<=>> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = {run})"
    ));
    let view = part.name();
    part.make(&format!(
        "CREATE VIEW {view} AS SELECT id FROM {table} WHERE id OPERATOR({schema}.<=>>) 1"
    ));
    count(part, &view);
}

/// How a type reads its modifier.
fn type_function(part: &mut Part<'_>) {
    let name = part.name();
    part.make(&format!("CREATE TYPE {name}"));
    let read = part.name();
    let write = part.name();
    part.make(&format!(
        "CREATE FUNCTION {read}(cstring, oid, integer) RETURNS {name} LANGUAGE internal IMMUTABLE STRICT AS 'varcharin'"
    ));
    part.make(&format!(
        "CREATE FUNCTION {write}({name}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout'"
    ));
    let modifier = part.trap("cstring[]", "integer", "5");
    part.make(&format!(
        "CREATE TYPE {name} (INPUT = {read}, OUTPUT = {write}, TYPMOD_IN = {modifier}, LIKE = pg_catalog.varchar)"
    ));
    let kind = part.nested(&name);
    part.column_of(&kind);
}

/// An aggregate that the profile names: its parts are still others'.
fn aggregate(part: &mut Part<'_>) {
    let table = table(part);
    let state = part.trap("integer, integer", "integer", "1");
    let schema = part.schema.trim_matches('"').to_owned();
    let written = part.schema.clone();
    part.nth += 1;
    let name = format!("agg{}", part.nth);
    part.make(&format!(
        "CREATE AGGREGATE {written}.{name}(integer) (SFUNC = {state}, STYPE = integer, INITCOND = '0')"
    ));
    part.to.allowed.push(format!("{schema}.{name}"));
    part.ask(format!("SELECT {written}.{name}(id)::text FROM {table}"));
}

/// A function that the profile names, and what the default of its argument calls.
fn default_of_an_argument(part: &mut Part<'_>) {
    let run = part.trap("", "integer", "1");
    let schema = part.schema.trim_matches('"').to_owned();
    let written = part.schema.clone();
    part.nth += 1;
    let name = format!("named{}", part.nth);
    part.make(&format!(
        "CREATE FUNCTION {written}.{name}(integer DEFAULT {run}()) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1'"
    ));
    part.to.allowed.push(format!("{schema}.{name}"));
    part.ask(format!("SELECT {written}.{name}()::text"));
}

/// A dictionary by a template of one's own, in the configuration of a view.
fn text_search(part: &mut Part<'_>) {
    let lexize = part.name();
    part.make(&format!(
        "CREATE FUNCTION {lexize}(internal, internal, internal, internal) RETURNS internal LANGUAGE internal AS 'pg_advisory_lock_int8'"
    ));
    let (template, dictionary, configuration) = (part.name(), part.name(), part.name());
    part.make(&format!(
        "CREATE TEXT SEARCH TEMPLATE {template} (LEXIZE = {lexize})"
    ));
    part.make(&format!(
        "CREATE TEXT SEARCH DICTIONARY {dictionary} (TEMPLATE = {template})"
    ));
    part.make(&format!(
        "CREATE TEXT SEARCH CONFIGURATION {configuration} (COPY = pg_catalog.simple)"
    ));
    part.make(&format!(
        "ALTER TEXT SEARCH CONFIGURATION {configuration} ALTER MAPPING FOR asciiword WITH {dictionary}"
    ));
    let view = part.name();
    let named = if part.random.below(2) == 0 {
        format!("'{configuration}'::regconfig")
    } else {
        "('pg_catalog.' || 'simple')::regconfig".to_owned()
    };
    part.make(&format!(
        "CREATE VIEW {view} AS SELECT 1 AS id, to_tsvector({named}, 'a word') AS v"
    ));
    part.ask(format!("SELECT v::text FROM {view}"));
}
