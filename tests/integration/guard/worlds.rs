//! Random worlds for the text of the guard: names that want to leave their quotes, triggers, cascades, rows that joined, left or
//! were swapped. Invariant: it commits if and only if every table has as many rows written as were approved; what these are follows
//! from the rows alone, not from the server's counters (`counts`).

use drygate::postgres::throwaway::{Cluster, ClusterOptions};
use drygate::report::{CommitGuard, GuardedFile};
use drygate::run::ApprovedRows;
use drygate::simulate::RowRange;
use drygate::survey::{Digest, UtcTime, quoted_identifier};

use super::psql;

const WORLDS: u64 = 200;

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

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A name of at most 63 bytes, of these or 63 of them whole.
    fn name(&mut self, suffix: &str) -> String {
        let at = usize::try_from(self.below(17)).expect("small");
        let name = NAMES
            .get(at)
            .map_or_else(|| "x".repeat(63 - suffix.len()), |name| (*name).to_owned());
        format!("{name}{suffix}")
    }
}

struct World {
    schema: String,
    tables: [String; 4],
    inserts: u64,
}

impl World {
    fn sql(&self, at: usize) -> String {
        format!(
            "{}.{}",
            quoted_identifier(&self.schema),
            quoted_identifier(&self.tables[at])
        )
    }

    /// Units with a group that says what becomes of them; children that go with them; a log of updates; a table beside.
    fn make(&self, random: &mut Random) -> String {
        let [unit, child, log, beside] = [0, 1, 2, 3].map(|at| self.sql(at));
        let schema = quoted_identifier(&self.schema);
        let (up, down) = (random.below(5), random.below(4));
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
             INSERT INTO {child} (unit) SELECT id FROM {unit};
             GRANT USAGE ON SCHEMA {schema} TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO PUBLIC;"
        )
    }

    fn script(&self) -> String {
        let unit = self.sql(0);
        format!(
            "INSERT INTO {unit} (grp, v) SELECT 'i', n FROM generate_series(1, {}) n;
             UPDATE {unit} SET v = v + 1 WHERE grp = 'u'; UPDATE {unit} SET v = v + 1 WHERE grp = 'u';
             DELETE FROM {unit} WHERE grp = 'd' -- without an end",
            self.inserts
        )
    }

    /// What somebody else does to it meanwhile.
    fn meanwhile(&self, kind: u64) -> String {
        let [unit, child, _, _] = [0, 1, 2, 3].map(|at| self.sql(at));
        let add = |group: &str| format!("INSERT INTO {unit} (grp, v) VALUES ('{group}', 9);");
        let take = |group: &str| {
            format!(
                "DELETE FROM {unit} WHERE id = (SELECT min(id) FROM {unit} WHERE grp = '{group}');"
            )
        };
        match kind {
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
            _ => take("d") + &add("d"),
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
            [self.inserts, 2 * updates, deletes],
            [0, 0, cascaded],
            [2 * updates, 0, 0],
            [tells * self.inserts, 0, 0],
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
        let mut random = Random(seed);
        let world = World {
            schema: random.name(&format!("{seed}")),
            tables: ["0", "1", "2", "3"].map(|suffix| random.name(suffix)),
            inserts: random.below(4),
        };
        let sql = |sql: &str| {
            cluster
                .query("postgres", database, sql)
                .unwrap_or_else(|error| panic!("{seed}: {error}"))
        };
        sql(&world.make(&mut random));
        let approved = world.counts(&cluster, database);
        // At times a range, of the units' updates and what follows from them.
        let wide = random.below(3) * random.below(2);
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
                    rows: approved[at].map(|rows| around(rows, if ranged { wide } else { 0 })),
                }
            })
            .collect();
        let kind = random.below(9);
        sql(&world.meanwhile(kind));
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
            "{seed}, kind {kind}: {approved:?} {found:?} {said}"
        );
        if within {
            committed += 1;
            swapped += u64::from(kind == 3 && approved[0][1] > 0);
            let inserted = sql(&format!(
                "SELECT count(*)::text FROM {} WHERE grp = 'i'",
                world.sql(0)
            ));
            assert_eq!(inserted, [[Some(world.inserts.to_string())]], "{seed}");
        } else {
            aborted += 1;
            assert!(said.contains("not as approved"), "{seed}: {said}");
            assert_eq!(contents(), before, "{seed}: something stayed");
        }
    }
    assert!(
        committed > 50 && aborted > 50 && swapped > 3,
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
