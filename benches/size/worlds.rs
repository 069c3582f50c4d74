//! What grows from run to run, and the profile that reads it.

use drygate::profile::built_in;

use crate::server::Server;

const PIECES: &str =
    "SELECT p.key, p.content FROM public.bench_piece p ORDER BY p.key COLLATE \"C\"";
const UNITS: &str =
    "SELECT u.key, u.content, u.state FROM public.bench_unit u ORDER BY u.key COLLATE \"C\"";

/// Privileges of one table: seven for twenty roles and for its owner.
const GRANTS_OF_TABLE: u64 = 147;
const ROLES: usize = 20;

/// Privileges that a role has on one table and can write with: all but SELECT.
const WAYS_OF_TABLE: u64 = 6;

/// What grows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Lines of the journal.
    Lines,
    /// Pieces and live units.
    Units,
    /// Rows of 1 MB of a protected table, which are pieces and units as well.
    Wide,
    /// Rows of two protected tables, which have a document each that is nearly as long as both may be together.
    Rows,
    /// Lines of the grant matrix, of which one changes while the run waits.
    Grants,
    /// Partitions of a protected table.
    Partitions,
    /// Ways in which the role can write.
    Ways,
}

impl World {
    pub const ALL: [Self; 7] = [
        Self::Lines,
        Self::Units,
        Self::Wide,
        Self::Rows,
        Self::Grants,
        Self::Partitions,
        Self::Ways,
    ];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Units => "units",
            Self::Wide => "wide",
            Self::Rows => "rows",
            Self::Grants => "grants",
            Self::Partitions => "partitions",
            Self::Ways => "ways",
        }
    }

    /// What its size counts, in words.
    pub fn counts(self) -> &'static str {
        match self {
            Self::Lines => "lines of the journal",
            Self::Units => "pieces and units",
            Self::Wide => "rows of 1 MB",
            Self::Rows => "rows with a document",
            Self::Grants => "lines of the grant matrix",
            Self::Partitions => "partitions",
            Self::Ways => "ways to write",
        }
    }

    /// The sizes that are measured where none are asked for.
    pub fn sizes(self) -> Vec<u64> {
        match self {
            Self::Lines | Self::Units => vec![10_000, 100_000, 1_000_000],
            // The fewest have a document that is nearly as long as one may be; the others have none.
            Self::Wide => vec![20, 200, 1_000],
            Self::Rows => vec![1_000, 10_000, 100_000],
            Self::Grants => vec![3_400, 34_000, 337_671],
            Self::Partitions => vec![20, 200, 2_000],
            Self::Ways => vec![2_520, 25_200, 252_000],
        }
    }

    /// Makes it on the server; gives the profile that reads it, or none for the built-in one.
    pub fn build(self, server: &Server, size: u64) -> Option<String> {
        let (_, built_in) = built_in("icx-const").expect("the built-in profile");
        let text = match self {
            Self::Lines => return None,
            Self::Units => {
                let text = "repeat('Every unit has a text of about this length. ', 2) || n";
                units(server, size, text);
                with_streams(built_in)
            }
            Self::Wide => {
                units(server, size, "repeat(md5(n::text), 32768)");
                with_table(&with_streams(built_in), "bench_unit", &["key", "content"])
            }
            Self::Rows => {
                let tables = ["bench_row", "bench_other"];
                tables.into_iter().fold(built_in.to_owned(), |profile, table| {
                    server.load(&format!(
                        "CREATE TABLE public.{table} AS SELECT n AS id, repeat(md5(n::text), 4) AS body FROM generate_series(1, {size}) n;
                         GRANT SELECT ON public.{table} TO {}",
                        Server::READER
                    ));
                    with_table(&profile, table, &["id", "body"])
                })
            }
            Self::Grants => {
                grants(server, size.div_ceil(GRANTS_OF_TABLE));
                let (public, both) = (
                    "schemas = [\"public\"]",
                    "schemas = [\"public\", \"matrix\"]",
                );
                built_in.replacen(public, both, 1)
            }
            Self::Partitions => {
                server.load(
                    "CREATE TABLE public.bench_parted (id integer, body text) PARTITION BY LIST (id)",
                );
                each(server, size, |n| {
                    format!(
                        "CREATE TABLE public.bench_part_{n} PARTITION OF public.bench_parted FOR VALUES IN ({n})"
                    )
                });
                server.load(&format!(
                    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
                    Server::READER
                ));
                with_table(built_in, "bench_parted", &["id", "body"])
            }
            Self::Ways => {
                each(server, size / WAYS_OF_TABLE, |n| {
                    format!(
                        "CREATE TABLE public.bench_way_{n} (id integer); GRANT ALL ON public.bench_way_{n} TO {}",
                        Server::READER
                    )
                });
                built_in.to_owned()
            }
        };
        server.load("VACUUM ANALYZE");
        Some(server.profile(&text))
    }

    /// What another session does while the run waits at SG1.
    pub fn meanwhile(self, server: &Server) {
        if self == Self::Grants {
            server.load("GRANT SELECT ON matrix.bench_1 TO PUBLIC");
        }
    }

    /// The queries of its two streams, where they are long.
    pub fn streams(self) -> Option<[&'static str; 2]> {
        matches!(self, Self::Units | Self::Wide).then_some([PIECES, UNITS])
    }
}

/// Statements for 0 up to a number, in transactions of 500.
fn each(server: &Server, count: u64, statement: impl Fn(u64) -> String) {
    for from in (0..count).step_by(500) {
        let to = (from + 500).min(count);
        let statements: Vec<String> = (from..to).map(&statement).collect();
        server.load(&statements.join(";\n"));
    }
}

/// So many pieces and units of this text.
fn units(server: &Server, size: u64, text: &str) {
    // As long as they are said to be on the disk as well: what is compressed would be read faster than it is.
    server.load(&format!(
        "CREATE TABLE public.bench_piece (key text, content text); ALTER TABLE public.bench_piece ALTER content SET STORAGE EXTERNAL;
         CREATE TABLE public.bench_unit (LIKE public.bench_piece INCLUDING STORAGE, state text);
         INSERT INTO public.bench_piece SELECT to_char(n, 'FM00000000'), {text} FROM generate_series(1, {size}) n;
         INSERT INTO public.bench_unit SELECT key, content, 'enacted' FROM public.bench_piece;
         CREATE INDEX ON public.bench_piece (key COLLATE \"C\"); CREATE INDEX ON public.bench_unit (key COLLATE \"C\");
         GRANT SELECT ON public.bench_piece, public.bench_unit TO {}",
        Server::READER
    ));
}

fn grants(server: &Server, tables: u64) {
    let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
    let create: Vec<String> = roles
        .iter()
        .map(|role| format!("CREATE ROLE {role}"))
        .collect();
    server.load(&format!("CREATE SCHEMA matrix; {}", create.join("; ")));
    let grantees = roles.join(", ");
    each(server, tables, |n| {
        format!(
            "CREATE TABLE matrix.bench_{n} (id integer);
             GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON matrix.bench_{n} TO {grantees}"
        )
    });
}

/// The profile with streams of the tables of this measure.
fn with_streams(profile: &str) -> String {
    let (before, rest) = profile.split_once("[pieces]").expect("pieces");
    let (_, after) = rest.split_once("[lifecycle]").expect("a lifecycle");
    format!(
        "{before}[pieces]\nsql = '''{PIECES}'''\n[candidates]\nsql = '''{UNITS}'''\n[timeouts]\nstatement_ms = 3600000\n[lifecycle]{after}"
    )
}

/// The profile with one more protected table, whose first column is the key.
fn with_table(profile: &str, table: &str, columns: &[&str]) -> String {
    let table = format!(
        "[[contents]]\nkey = \"{table}\"\nschema = \"public\"\ntable = \"{table}\"\ncolumns = {columns:?}\nrow_key = [{:?}]\n\n[pieces]\n",
        columns[0]
    );
    profile.replacen("[pieces]\n", &table, 1)
}
