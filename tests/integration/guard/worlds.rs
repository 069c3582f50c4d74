//! Random worlds for the text of the guard: names that want to leave their quotes, triggers, cascades, rows that joined, left or
//! were swapped. Invariant: it commits if and only if every table has as many rows written as were approved; what these are follows
//! from the rows alone, not from the server's counters (`counts`). The worlds whose swap the counts cannot see go on to
//! `recheck --after` (`swapped.rs`).

use drygate::postgres::throwaway::{Cluster, ClusterOptions};
use drygate::report::{CommitGuard, GuardedFile};
use drygate::run::ApprovedRows;
use drygate::simulate::RowRange;
use drygate::survey::{Digest, UtcTime, quoted_identifier};
use drygate::testing::Random;

use super::psql;

pub const WORLDS: u64 = 200;

/// Names that end a quote, a block or a comment where they are not quoted.
const NAMES: [&str; 16] = [
    "plain",
    "a\"b",
    "a'b",
    "a\\b",
    "$drygate$",
    "$$; ROLLBACK; $$",
    "line\nbreak\n; COMMIT; --",
    "*/ /* ;",
    "\u{fc}n\u{ef}\u{1f600}",
    "\u{202e}right",
    "'; DROP SCHEMA public CASCADE; --",
    "%I%s%%",
    ":var :'var'",
    "\\gexec",
    "E'\\'' || 1",
    "Tab\tle",
];

/// A name of at most 63 bytes, of these or 63 of them whole.
fn name(random: &mut Random, suffix: &str) -> String {
    let at = usize::try_from(random.below(17)).expect("small");
    let name = NAMES
        .get(at)
        .map_or_else(|| "x".repeat(63 - suffix.len()), |name| (*name).to_owned());
    format!("{name}{suffix}")
}

pub struct World {
    pub schema: String,
    /// Units, children, log, and a table beside.
    pub tables: [String; 4],
    /// Units that are inserted, updated and deleted.
    pub units: [u64; 3],
    /// By how much the rows of a range may differ.
    wide: u64,
    /// What somebody does to it between the approval and the change.
    kind: u64,
}

impl World {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let schema = name(&mut random, &format!("{seed}"));
        let tables = ["0", "1", "2", "3"].map(|suffix| name(&mut random, suffix));
        let units = [4, 5, 4].map(|end| random.below(end));
        // At times a range, of the units' updates and what follows from them.
        let wide = random.below(3) * random.below(2);
        let kind = random.below(10);
        Self {
            schema,
            tables,
            units,
            wide,
            kind,
        }
    }

    /// Whether one unit takes the place of another, which the counts cannot see.
    pub fn is_swapped(&self) -> bool {
        matches!(self.kind, 3 | 9) && self.units[1] > 0
    }

    /// Whether the unit that took the place is a new row.
    pub fn is_swapped_with_new(&self) -> bool {
        self.kind == 3
    }

    pub fn sql(&self, at: usize) -> String {
        format!(
            "{}.{}",
            quoted_identifier(&self.schema),
            quoted_identifier(&self.tables[at])
        )
    }

    /// Units with a group that says what becomes of them; children that go with them; a log of updates; a table beside.
    pub fn make(&self) -> String {
        let [unit, child, log, beside] = [0, 1, 2, 3].map(|at| self.sql(at));
        let schema = quoted_identifier(&self.schema);
        let [_, up, down] = self.units;
        format!(
            "CREATE SCHEMA {schema};
             CREATE TABLE {unit} (id serial PRIMARY KEY, grp text, v int);
             CREATE TABLE {child} (id serial PRIMARY KEY, unit int REFERENCES {unit} ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE {log} (at int); CREATE TABLE {beside} (at int);
             CREATE FUNCTION {schema}.logs() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN INSERT INTO {log} VALUES (NEW.id); RETURN NULL; END$f$;
             CREATE FUNCTION {schema}.tells() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN INSERT INTO {beside} VALUES (NEW.id); RETURN NULL; END$f$;
             CREATE CONSTRAINT TRIGGER logs AFTER UPDATE ON {unit} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.logs();
             INSERT INTO {unit} (grp, v) SELECT 'u', n FROM generate_series(1, {up}) n;
             INSERT INTO {unit} (grp, v) SELECT 'd', n FROM generate_series(1, {down}) n;
             INSERT INTO {unit} (grp, v) VALUES ('x', 1);
             INSERT INTO {child} (unit) SELECT id FROM {unit};"
        )
    }

    /// Lets a role use the schema, and gives it these rights on tables and sequences.
    pub fn grant(&self, rights: &str, role: &str) -> String {
        let schema = quoted_identifier(&self.schema);
        format!(
            "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role};
             GRANT {rights} ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
        )
    }

    pub fn script(&self) -> String {
        let unit = self.sql(0);
        format!(
            "INSERT INTO {unit} (grp, v) SELECT 'i', n FROM generate_series(1, {}) n;
             UPDATE {unit} SET v = v + 1 WHERE grp = 'u'; UPDATE {unit} SET v = v + 1 WHERE grp = 'u';
             DELETE FROM {unit} WHERE grp = 'd' -- without an end",
            self.units[0]
        )
    }

    /// What somebody else does to it meanwhile.
    pub fn meanwhile(&self) -> String {
        let [unit, child, _, _] = [0, 1, 2, 3].map(|at| self.sql(at));
        let add = |group: &str| format!("INSERT INTO {unit} (grp, v) VALUES ('{group}', 9);");
        let take = |group: &str| {
            format!(
                "DELETE FROM {unit} WHERE id = (SELECT min(id) FROM {unit} WHERE grp = '{group}');"
            )
        };
        match self.kind {
            0 => String::new(),
            1 => add("u"),
            2 => take("u"),
            3 => take("u") + &add("u"),
            4 => add("d"),
            5 => add("x") + &format!("UPDATE {unit} SET v = 77 WHERE grp = 'x';"),
            6 => format!("INSERT INTO {child} (unit) SELECT min(id) FROM {unit} WHERE grp = 'd';"),
            7 => {
                let schema = quoted_identifier(&self.schema);
                format!(
                    "CREATE TRIGGER tells AFTER INSERT ON {unit} FOR EACH ROW EXECUTE FUNCTION {schema}.tells();"
                )
            }
            8 => take("d") + &add("d"),
            _ => {
                let turn = |from: &str, to: &str| {
                    format!(
                        "UPDATE {unit} SET grp = '{to}' WHERE id = (SELECT min(id) FROM {unit} WHERE grp = '{from}');"
                    )
                };
                // Without the log: its rows would be those that the change is to write.
                format!(
                    "SET session_replication_role = replica; {}{} RESET session_replication_role;",
                    turn("u", "left"),
                    turn("x", "u")
                )
            }
        }
    }

    /// What the script writes in each table, by its rows.
    fn counts(&self, cluster: &Cluster, database: &str) -> [[u64; 3]; 4] {
        let [unit, child, _, _] = [0, 1, 2, 3].map(|at| self.sql(at));
        let found = cluster
            .query("postgres", database, &format!(
                "SELECT count(*) FILTER (WHERE grp = 'u')::text, count(*) FILTER (WHERE grp = 'd')::text,
                   (SELECT count(*)::text FROM {child} c JOIN {unit} p ON p.id = c.unit WHERE p.grp = 'd'),
                   (SELECT count(*)::text FROM pg_trigger t WHERE tgname = 'tells' AND tgrelid = '{}'::regclass) FROM {unit}",
                unit.replace('\'', "''")
            ))
            .expect("it can be counted");
        let numbers: Vec<u64> = found
            .into_iter()
            .flatten()
            .flatten()
            .map(|it| it.parse().expect("a number"))
            .collect();
        let [updates, deletes, cascaded, tells] = numbers[..] else {
            panic!("four numbers")
        };
        [
            [self.units[0], 2 * updates, deletes],
            [0, 0, cascaded],
            [2 * updates, 0, 0],
            [tells * self.units[0], 0, 0],
        ]
    }
}

#[test]
fn in_200_worlds_it_commits_if_and_only_if_the_counts_are_those_approved() {
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a server");
    let (role, database) = ("a'b\"c\\d\n$drygate$ --", "d'b\"\\\n$$ \u{1f600}");
    let (quoted_role, quoted_database) = (quoted_identifier(role), quoted_identifier(database));
    cluster
        .query(
            "postgres",
            "postgres",
            &format!("CREATE ROLE {quoted_role} LOGIN"),
        )
        .expect("a role");
    cluster
        .query(
            "postgres",
            "postgres",
            &format!("CREATE DATABASE {quoted_database}"),
        )
        .expect("a database");
    let (mut committed, mut aborted, mut swapped) = (0, 0, 0);
    for seed in 0..WORLDS {
        let world = World::of(seed);
        let sql = |sql: &str| {
            cluster
                .query("postgres", database, sql)
                .unwrap_or_else(|error| panic!("{seed}: {error}"))
        };
        sql(&world.make());
        sql(&world.grant("ALL", "PUBLIC"));
        let approved = world.counts(&cluster, database);
        let around = |rows: u64, by: u64| RowRange {
            least: rows.saturating_sub(by),
            most: rows + by,
        };
        let rows: Vec<ApprovedRows> = (0..4)
            .filter(|at| approved[*at] != [0; 3])
            .map(|at| {
                let ranged = at == 0 || at == 2;
                ApprovedRows {
                    schema: world.schema.clone(),
                    table: world.tables[at].clone(),
                    rows: approved[at]
                        .map(|rows| around(rows, if ranged { world.wide } else { 0 })),
                }
            })
            .collect();
        sql(&world.meanwhile());
        let found = world.counts(&cluster, database);
        let none = [around(0, 0); 3];
        let within = (0..4).all(|at| {
            let ranges = rows
                .iter()
                .find(|it| it.table == world.tables[at])
                .map_or(none, |it| it.rows);
            ranges
                .iter()
                .zip(found[at])
                .all(|(range, rows)| range.contains(rows))
        });
        let guard = guarded(&world, (role, database), server_major(&cluster), rows);
        let contents = || -> Vec<Vec<Option<String>>> {
            (0..4)
                .flat_map(|at| {
                    sql(&format!(
                        "SELECT t::text FROM {} t ORDER BY 1",
                        world.sql(at)
                    ))
                })
                .collect()
        };
        let before = contents();
        let ran = psql(&cluster, role, database, &guard.script());
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(
            ran.status.success(),
            within,
            "{seed}, kind {}: {approved:?} {found:?} {said}",
            world.kind
        );
        if within {
            committed += 1;
            swapped += u64::from(world.is_swapped());
            let inserted = sql(&format!(
                "SELECT count(*)::text FROM {} WHERE grp = 'i'",
                world.sql(0)
            ));
            assert_eq!(inserted, [[Some(world.units[0].to_string())]], "{seed}");
        } else {
            aborted += 1;
            assert!(said.contains("not as approved"), "{seed}: {said}");
            assert_eq!(contents(), before, "{seed}: something stayed");
        }
    }
    assert!(
        committed > 50 && aborted > 50 && swapped > 20,
        "{committed} {aborted} {swapped}"
    );
}

pub fn server_major(cluster: &Cluster) -> u32 {
    let found = cluster.query(
        "postgres",
        "postgres",
        "SELECT current_setting('server_version_num')::int / 10000",
    );
    let found = found
        .expect("a version")
        .into_iter()
        .flatten()
        .flatten()
        .next();
    found.expect("a value").parse().expect("a number")
}

/// The text for a world; the names of run and file are hostile as well.
fn guarded(
    world: &World,
    (role, database): (&str, &str),
    major: u32,
    rows: Vec<ApprovedRows>,
) -> CommitGuard {
    let script = world.script();
    CommitGuard {
        run_id: "run\n; DROP TABLE x; '\\".to_owned(),
        phase: None,
        database: database.to_owned(),
        database_oid: None,
        system_identifier: None,
        major,
        role: role.to_owned(),
        approved_at: UtcTime::from_unix_micros(0),
        valid_until: None,
        definitions: Vec::new(),
        rows: Ok(rows),
        not_bound: Vec::new(),
        files: vec![GuardedFile {
            path: "/a\nSELECT 1/0; -- \u{2028}b".to_owned(),
            sha256: Digest::of(&script),
            text: script.into_bytes(),
        }],
    }
}
