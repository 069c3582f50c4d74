//! The closed list of what is ever sent to a server.
//! Invariant: a [`Statement`] is a constant of this file, a DECLARE around [`GuardedSql`], a statement that the read-only proxy let
//! pass ([`ProxiedSql`]) or the read of a table or sequence by its quoted name; its field is private, and no other file can make one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::guard::GuardedSql;
use super::profile_query::statements;
use super::proxied_statement::{ProxiedSql, ProxyRuling, judge};
use crate::planted::{PlantedBug, planted};
use crate::profile::Profile;
use crate::survey::quoted_identifier;

/// Longest content that comes itself, in bytes: our hash of a short text costs less than the server's.
const CONTENT_MAX: u64 = 1_024;

/// Longest key and state of a unit or piece, and value of a fact, in bytes.
pub(super) const KEY_MAX: u64 = 2_048;
pub(super) const STATE_MAX: u64 = 256;
pub(super) const VALUE_MAX: u64 = 65_536;

/// One statement of the closed list.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    text: Cow<'static, str>,
}

/// The constants: transaction control, and the SELECTs of `assets/sql`.
macro_rules! constants {
    ($($name:ident = $text:expr;)*) => {
        /// Their texts.
        pub(super) const CONSTANTS: &[&str] = &[$($text),*];

        impl Statement {
            $(
                #[doc = concat!("The constant statement `", stringify!($name), "`.")]
                pub(super) const $name: Self = Self { text: Cow::Borrowed($text) };
            )*
        }
    };
}

/// The steps from one object of the catalogue to others: every file selects resolver, words, catalogue and oid for the object `n`.
macro_rules! steps {
    ($first:literal $($next:literal)*) => {
        concat!(
            include_str!(concat!("../../assets/sql/reach/", $first, ".sql"))
            $(, "UNION ALL\n", include_str!(concat!("../../assets/sql/reach/", $next, ".sql")))*
        )
    };
}

/// The steps between what it finds, over and over until there are no new ones.
macro_rules! resolved {
    ($($file:literal)*) => {
        concat!(
            include_str!("../../assets/sql/reach/head.sql"),
            steps!($($file)*),
            include_str!("../../assets/sql/reach/tail.sql"),
        )
    };
}

constants! {
    BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    ROLLBACK = "ROLLBACK";
    SAVEPOINT = "SAVEPOINT s";
    ROLLBACK_TO = "ROLLBACK TO SAVEPOINT s";
    RELEASE = "RELEASE SAVEPOINT s";
    BEGIN_AND_OWN_PARTS = include_str!("../../assets/sql/own_parts.sql");
    OPENING = include_str!("../../assets/sql/opening.sql");
    SETTINGS = include_str!("../../assets/sql/settings.sql");
    IDENTITY = include_str!("../../assets/sql/identity.sql");
    SYSTEM_IDENTIFIER = include_str!("../../assets/sql/system_identifier.sql");
    TIMELINE = include_str!("../../assets/sql/timeline.sql");
    TRANSACTION_TIMEOUT = include_str!("../../assets/sql/transaction_timeout.sql");
    CLOSING = include_str!("../../assets/sql/closing.sql");
    LOCKS = include_str!("../../assets/sql/locks.sql");
    RESIDUE = include_str!("../../assets/sql/residue.sql");
    BACKEND_WAL = include_str!("../../assets/sql/backend_wal.sql");
    FUNCTION = include_str!("../../assets/sql/function.sql");
    OWN_LOCKS = include_str!("../../assets/sql/own_locks.sql");
    ATTRIBUTE_CALLS = include_str!("../../assets/sql/attribute_calls.sql");
    // Without statistics of the catalogues the planner reads them whole for each object: quadratic in the number of partitions.
    INDEXES_FIRST = include_str!("../../assets/sql/indexes_first.sql");
    RESOLVE = resolved!(
        "inheritance" "rules" "indexes" "constraints" "statistics" "generated_columns" "partitions" "policies" "columns" "domains"
        "arrays" "composites" "ranges" "casts" "operators" "operator_classes" "type_functions" "functions" "text_search"
        "built_ins" "references" "expressions"
    );
    // Through a cursor: a matrix may have tens of thousands of objects.
    DECLARE_GRANTS = concat!("DECLARE fact NO SCROLL CURSOR WITHOUT HOLD FOR\n", include_str!("../../assets/sql/grants.sql"));
    PUBLIC_HOLDERS = include_str!("../../assets/sql/public_holders.sql");
    NAMES = include_str!("../../assets/sql/names.sql");
    ROLE_ATTRIBUTES = include_str!("../../assets/sql/role_attributes.sql");
    ROLE_REACHABLE = include_str!("../../assets/sql/role_reachable.sql");
    ROLE_MEMBERSHIP = include_str!("../../assets/sql/role_membership.sql");
    ROLE_OWNERSHIP = include_str!("../../assets/sql/role_ownership.sql");
    ROLE_RELATIONS = include_str!("../../assets/sql/role_relations.sql");
    ROLE_COLUMNS = include_str!("../../assets/sql/role_columns.sql");
    ROLE_CREATE = include_str!("../../assets/sql/role_create.sql");
    ROLE_LANGUAGES = include_str!("../../assets/sql/role_languages.sql");
    ROLE_FOREIGN = include_str!("../../assets/sql/role_foreign.sql");
    ROLE_PARAMETERS = include_str!("../../assets/sql/role_parameters.sql");
    ROLE_DEFINERS = include_str!("../../assets/sql/role_definers.sql");
    ROLE_FUNCTIONS = include_str!("../../assets/sql/role_functions.sql");
    ROLE_BUILTINS = include_str!("../../assets/sql/role_builtins.sql");
    ROLE_DEFAULTS = include_str!("../../assets/sql/role_defaults.sql");
    ROLE_LARGE_OBJECTS = include_str!("../../assets/sql/role_large_objects.sql");
    ROLE_TRAPS = include_str!("../../assets/sql/role_traps.sql");
    ROLE_EVENT_TRIGGERS = include_str!("../../assets/sql/role_event_triggers.sql");
    // Through a cursor: a table may have thousands of partitions.
    DECLARE_DEFINITIONS = concat!("DECLARE fact NO SCROLL CURSOR WITHOUT HOLD FOR\n", include_str!("../../assets/sql/definition.sql"));
    PUBLICATIONS = include_str!("../../assets/sql/publications.sql");
    PUBLICATIONS_15 = include_str!("../../assets/sql/publications_15.sql");
    CALLED_CODE = include_str!("../../assets/sql/called_code.sql");
    PRIVILEGES = include_str!("../../assets/sql/privileges.sql");
    NAME_RESOLUTION = include_str!("../../assets/sql/name_resolution.sql");
    BESIDE = include_str!("../../assets/sql/beside.sql");
    BESIDE_15 = concat!(include_str!("../../assets/sql/beside.sql"), include_str!("../../assets/sql/beside_15.sql"));
    SESSIONS = include_str!("../../assets/sql/sessions.sql");
    ORIGINS_OBJECTS = include_str!("../../assets/sql/origins_objects.sql");
    ORIGINS_FUNCTIONS = include_str!("../../assets/sql/origins_functions.sql");
    SHADOW_ROLES = include_str!("../../assets/sql/shadow/roles.sql");
    SHADOW_MEMBERS = include_str!("../../assets/sql/shadow/members.sql");
    SHADOW_ROLE_SETTINGS = include_str!("../../assets/sql/shadow/role_settings.sql");
    SHADOW_DATABASE = include_str!("../../assets/sql/shadow/database.sql");
    SHADOW_ENVIRONMENT = include_str!("../../assets/sql/shadow/environment.sql");
    SHADOW_EXTENSIONS = include_str!("../../assets/sql/shadow/extensions.sql");
    SHADOW_RELATIONS = include_str!("../../assets/sql/shadow/relations.sql");
    SHADOW_DEFINITIONS = include_str!("../../assets/sql/shadow/definitions.sql");
    SHADOW_SEQUENCES = include_str!("../../assets/sql/shadow/sequences.sql");
    NOT_REWRITTEN = include_str!("../../assets/sql/shadow/not_rewritten.sql");
    SEEDING_TIMEOUT = include_str!("../../assets/sql/shadow/seeding_timeout.sql");
    WAITING_BEHIND = include_str!("../../assets/sql/shadow/waiting_behind.sql");
    STILL_HERE = "SELECT 'here'::pg_catalog.text";
    // One row more than a fact may have: two rows show that there are several, however many there are.
    FETCH_FACT = "FETCH FORWARD 2 FROM fact";
    FETCH_PART = "FETCH FORWARD 1 FROM fact";
    FETCH_MANY = "FETCH FORWARD 2000 FROM fact";
    FETCH_SOME = "FETCH FORWARD 100 FROM fact";
    FETCH_FEW = "FETCH FORWARD 4 FROM fact";
    // A line of a definition has at most 64 KiB, and so this many are within what one question may answer.
    FETCH_LINES = "FETCH FORWARD 250 FROM fact";
    // One row more than the longest document of format 1, so that a longer one is noticed.
    FETCH_ROWS = "FETCH FORWARD 200001 FROM fact";
    FETCH_PIECES = "FETCH FORWARD 2000 FROM pieces";
    FETCH_UNITS = "FETCH FORWARD 2000 FROM units";
}

/// The cursors that exist, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CursorName {
    /// Cursor of one fact.
    Fact,
    /// Cursor of the source pieces.
    Pieces,
    /// Cursor of the live units.
    Units,
}

impl CursorName {
    fn name(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Pieces => "pieces",
            Self::Units => "units",
        }
    }

    /// The columns that the profile's query has, all read as text.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Fact => &["value"],
            Self::Pieces => &["key", "content"],
            Self::Units => &["key", "content", "state"],
        }
    }
}

impl Statement {
    /// What makes the settings of our transaction.
    pub(super) fn opening() -> Self {
        let text = &Self::OPENING.text;
        if planted(PlantedBug::RowSecurityOn) {
            let text = text
                .replace("'row_security', 'off'", "'row_security', 'on'")
                .into();
            return Self { text };
        }
        if planted(PlantedBug::PublicInSearchPath) {
            let text = text
                .replace("'search_path', ''", "'search_path', 'public'")
                .into();
            return Self { text };
        }
        Self::OPENING
    }

    /// What ends our transaction.
    pub(super) fn end() -> Self {
        if planted(PlantedBug::CommitInsteadOfRollback) {
            let text = "COMMIT".into();
            return Self { text };
        }
        Self::ROLLBACK
    }

    /// A cursor over SQL of the profile. The SQL stands in a subquery, between newlines, and every column is cast to text. What a
    /// row may be long is bounded: of a long content comes its SHA-256, of a key, a state or a value that is too long its absence.
    pub(super) fn declare(cursor: CursorName, sql: &GuardedSql) -> Self {
        Self::declaration(cursor, &wrapped(cursor.columns(), sql))
    }

    /// A cursor over SQL that the program wrote, which casts to text by itself.
    pub(super) fn declare_written(cursor: CursorName, sql: &GuardedSql) -> Self {
        Self::declaration(cursor, sql.text())
    }

    /// What the server's own grammar is asked: may this SQL stand in a DECLARE? Only ever prepared.
    pub(super) fn grammar(sql: &GuardedSql) -> Self {
        Self::declaration(CursorName::Fact, sql.text())
    }

    /// The read itself, to be prepared and never executed, so that the server names the relations it would touch.
    pub(super) fn trial(cursor: CursorName, sql: &GuardedSql) -> Self {
        Self {
            text: Cow::Owned(wrapped(cursor.columns(), sql)),
        }
    }

    /// A statement of `pg_dump` that the read-only proxy let pass.
    pub(super) fn proxied(sql: &ProxiedSql) -> Self {
        Self {
            text: Cow::Owned(sql.text().to_owned()),
        }
    }

    /// The rows of one table as COPY writes them; `columns` as the server quoted them.
    pub(super) fn copy_rows(schema: &str, table: &str, columns: &str) -> Self {
        let relation = format!("{}.{}", quoted_identifier(schema), quoted_identifier(table));
        Self {
            text: Cow::Owned(format!(
                "COPY (SELECT {columns} FROM ONLY {relation}) TO STDOUT"
            )),
        }
    }

    /// Where a sequence stands.
    pub(super) fn sequence(schema: &str, name: &str) -> Self {
        Self {
            text: Cow::Owned(format!(
                "{SEQUENCE}{}.{}",
                quoted_identifier(schema),
                quoted_identifier(name)
            )),
        }
    }

    fn declaration(cursor: CursorName, select: &str) -> Self {
        let [head, tail] = declaration(cursor);
        Self {
            text: Cow::Owned(head + select + &tail),
        }
    }

    /// The SQL text, as it is sent.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// What drygate can send with the SQL of a profile, made once for all texts that are looked at.
#[derive(Debug)]
pub struct ClosedList {
    of_profile: BTreeSet<String>,
}

impl ClosedList {
    /// The closed list of a run with this profile.
    pub fn of(profile: &Profile) -> Self {
        let statements = statements(profile).into_iter();
        Self {
            of_profile: statements
                .map(|statement| statement.text.into_owned())
                .collect(),
        }
    }

    /// The first of these texts that drygate cannot have sent: it is no constant, none of the statements with the SQL of the profile,
    /// and, where a change was `rehearsed`, nothing that a rehearsal sends.
    pub fn first_beyond<'t>(&self, texts: &'t [String], rehearsed: bool) -> Option<&'t String> {
        let reads = |text: &str| CONSTANTS.contains(&text) || self.of_profile.contains(text);
        let mut prepared = BTreeSet::new();
        let mut proxied =
            |text: &str| matches!(judge(text, &mut prepared), Ok(ProxyRuling::Send(_)));
        if rehearsed {
            // What is executed was prepared, in whatever order the texts are kept.
            for text in texts {
                proxied(text);
            }
        }
        let row = |text: &str| {
            (text.starts_with("COPY (SELECT ") && text.ends_with(") TO STDOUT"))
                || text.starts_with(SEQUENCE)
        };
        let mut unlike = texts.iter().filter(|text| !reads(text));
        unlike.find(|text| !rehearsed || !(row(text) || proxied(text)))
    }
}

/// What the read of a sequence begins with.
const SEQUENCE: &str = "SELECT last_value::pg_catalog.text, is_called::pg_catalog.text FROM ";

/// What stands before and behind the SELECT of a cursor.
fn declaration(cursor: CursorName) -> [String; 2] {
    let name = cursor.name();
    let head = format!("DECLARE {name} NO SCROLL CURSOR WITHOUT HOLD FOR\n");
    [head, "\n".to_owned()]
}

fn wrapped(columns: &[&str], sql: &GuardedSql) -> String {
    let [head, tail] = wrapping(columns);
    head + sql.text() + &tail
}

/// What stands before and behind SQL of the profile.
fn wrapping(columns: &[&str]) -> [String; 2] {
    let list = |of: &dyn Fn(&str) -> String| {
        let columns: Vec<String> = columns.iter().map(|column| of(column)).collect();
        columns.join(", ")
    };
    let answers = list(&|column| answer(column));
    let casts = list(&|column| format!("q.{column}::pg_catalog.text AS {column}"));
    let names = list(&str::to_owned);
    [
        format!("SELECT {answers} FROM (SELECT {casts} FROM (\n"),
        format!("\n) AS q ({names}) OFFSET 0) AS v"),
    ]
}

/// What comes of a column: its text up to a length. Of a longer content its SHA-256 comes instead, and a value says how long it
/// would be, so that one that is too long is told from NULL.
fn answer(column: &str) -> String {
    let length = format!("pg_catalog.octet_length(v.{column})");
    let up_to = |bytes: u64| format!("CASE WHEN {length} <= {bytes} THEN v.{column} END");
    match column {
        "content" => format!(
            "{}, CASE WHEN {length} > {CONTENT_MAX} \
             THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(v.{column}, 'UTF8')), 'hex') END",
            up_to(CONTENT_MAX)
        ),
        "value" => format!("{}, {length}::pg_catalog.text", up_to(VALUE_MAX)),
        "state" => up_to(STATE_MAX),
        _ => up_to(KEY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{ClosedList, CursorName, Statement};
    use crate::postgres::guard::guard;
    use crate::profile::built_in;

    #[test]
    fn a_text_that_drygate_cannot_have_sent_is_told() {
        let (profile, _) = built_in("icx-const").expect("it parses");
        let list = ClosedList::of(&profile);
        let sql = guard(&profile.facts[0].sql.clone().expect("its own"), &[]);
        let sql = sql.expect("a plain read");
        let other = guard("SELECT 1", &[]).expect("a plain read");
        let reads = [
            Statement::BEGIN,
            Statement::CLOSING,
            Statement::declare(CursorName::Fact, &sql),
            Statement::grammar(&sql),
            Statement::trial(CursorName::Fact, &sql),
        ];
        for of_nobody in [
            Statement::declare(CursorName::Fact, &other),
            Statement::declare_written(CursorName::Fact, &other),
            Statement::trial(CursorName::Pieces, &other),
        ] {
            let of_nobody = [of_nobody.text().to_owned()];
            assert!(list.first_beyond(&of_nobody, false).is_some());
        }
        let rehearses = [
            Statement::copy_rows("public", "t", "a"),
            Statement::sequence("public", "s"),
        ];
        let texts = |all: &[Statement]| -> Vec<String> {
            all.iter().map(|one| one.text().to_owned()).collect()
        };
        let (reads, mut rehearses) = (texts(&reads), texts(&rehearses));
        // In the order in which they are kept.
        rehearses.extend(
            [
                "EXECUTE f(1)",
                "PREPARE f(int) AS SELECT 1 FROM pg_catalog.pg_class",
            ]
            .map(str::to_owned),
        );
        assert_eq!(list.first_beyond(&reads, false), None);
        assert_eq!(list.first_beyond(&rehearses, true), None);
        for text in reads.iter().chain(&rehearses) {
            let other = [format!("{text}; SELECT 2")];
            assert_eq!(list.first_beyond(&other, false), other.first());
        }
        for text in &rehearses {
            assert!(
                list.first_beyond(std::slice::from_ref(text), false)
                    .is_some()
            );
        }
        let writes = ["INSERT INTO t VALUES (1)".to_owned()];
        assert!(list.first_beyond(&writes, true).is_some());
    }
}
