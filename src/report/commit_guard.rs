//! The commit guard: an approved script, wrapped in checks of plain SQL which abort the transaction that it stands in.
//! Invariant: no name of a database, table, role, file or run can end a literal or a comment of what is printed (`literal`,
//! `comment`; test `no_name_leaves_its_literal_or_its_comment`), and COMMIT comes behind every check, in the text itself.

use std::fmt::Write as _;

use super::visible;
use crate::run::ApprovedRows;
use crate::survey::{Digest, EvidenceFormat, TableDefinition, UtcTime};

/// The statements that were sent to production for the definitions that are compared: that of older runs, and that of today.
const DEFINITIONS: [(EvidenceFormat, &str); 2] = [
    (
        EvidenceFormat::One,
        include_str!("../../assets/sql/shadow/definitions_1.sql"),
    ),
    (
        EvidenceFormat::Two,
        include_str!("../../assets/sql/shadow/definitions.sql"),
    ),
];
/// Quotes both blocks. Literals hold no dollar sign.
const QUOTE: &str = "$drygate$";

/// A file of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedFile {
    /// Its path.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// What is checked around a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitGuard {
    /// The run that it was approved in.
    pub run_id: String,
    /// Which part of the change it is; `None`: the whole.
    pub phase: Option<&'static str>,
    /// The database.
    pub database: String,
    /// Its oid, where it is known.
    pub database_oid: Option<u32>,
    /// Identifier of the cluster, where it is known.
    pub system_identifier: Option<String>,
    /// Major version of the server.
    pub major: u32,
    /// The role that it runs as.
    pub role: String,
    /// When SG2 was approved.
    pub approved_at: UtcTime,
    /// Until when it may be committed; `None`: without a limit.
    pub valid_until: Option<UtcTime>,
    /// How the tables were defined that it writes.
    pub definitions: Vec<TableDefinition>,
    /// The rows that it may write, no others; the error says why they cannot be checked.
    pub rows: Result<Vec<ApprovedRows>, String>,
    /// What else is not bound, in sentences.
    pub not_bound: Vec<String>,
    /// The files, in order.
    pub files: Vec<GuardedFile>,
}

impl CommitGuard {
    /// The script with the checks around it, as one transaction.
    pub fn script(&self) -> Vec<u8> {
        let mut text = self.says(false);
        text.push_str("BEGIN;\n");
        text.push_str(&self.before());
        let mut whole = text.into_bytes();
        for file in &self.files {
            let named = format!("{} sha256 {}", visible(&file.path), file.sha256);
            whole.extend(comment(&named).bytes());
            whole.extend(&file.text);
            // A last line without an end, or a last statement without one, ends here.
            whole.extend(b"\n;\n");
        }
        whole.extend(self.after().bytes());
        whole.extend(b"COMMIT;\n");
        whole
    }

    /// The checks alone, for another tool: they must stand in the transaction of the script, at its beginning and at its end.
    pub fn parts(&self) -> Vec<u8> {
        let mut text = self.says(true);
        text.push_str(&comment(
            "BEFORE the script, as the first of its transaction:",
        ));
        text.push_str(&self.before());
        text.push_str(&comment(
            "AFTER the script, as the last of its transaction:",
        ));
        text.push_str(&self.after());
        text.into_bytes()
    }

    /// The first lines: how to run it, and what it binds and does not.
    fn says(&self, parts: bool) -> String {
        let mut says = vec![format!(
            "drygate guard: the change{} of run {}, approved {}",
            self.phase
                .map_or_else(String::new, |phase| format!(" (phase of {phase})")),
            self.run_id,
            self.approved_at
        )];
        let role = &self.role;
        if parts {
            says.push(format!(
                "These are the checks alone, for a tool that runs the script in ONE transaction, in a new session, as {role}."
            ));
            says.push(
                "The script is NOT bound: nothing here knows which one stands between them."
                    .to_owned(),
            );
        } else {
            says.push(format!(
                "Run it in a new session as {role}: psql -X -v ON_ERROR_STOP=1 -f THIS_FILE. It has its own BEGIN and COMMIT."
            ));
            says.push("Bound: the bytes of the script, as they were approved, between the two blocks of checks.".to_owned());
        }
        says.push("Checked before: database and server, role, validity, definition of the tables that it writes.".to_owned());
        says.push(match &self.rows {
            Ok(_) => "Checked after: HOW MANY rows each table had inserted, updated and deleted, not WHICH: one row in place of \
                 another commits."
                .to_owned(),
            Err(why) => format!("NOT CHECKED after: the rows that it wrote, because {why}. What is checked before remains."),
        });
        if self.rows.is_ok() {
            says.push(
                "The counts are the server's: a row that is updated twice counts twice. They do not see what other sessions do."
                    .to_owned(),
            );
        }
        says.push(match self.valid_until {
            Some(until) => format!("Valid until {until}, by the clock of the server."),
            None => "Valid without a limit of time: the profile sets none.".to_owned(),
        });
        says.extend(self.not_bound.iter().cloned());
        says.iter().map(|line| comment(line)).collect()
    }

    fn before(&self) -> String {
        let mut body = String::new();
        let mut refuse = |when: &str, says: &str| {
            let _ = write!(
                body,
                "  IF {when} THEN\n    RAISE EXCEPTION USING MESSAGE = {says};\n  END IF;\n"
            );
        };
        let database = literal(&self.database);
        refuse(
            &format!("pg_catalog.current_database() <> {database}"),
            &format!(
                "'drygate: database ' || pg_catalog.current_database() || ', approved was ' || {database}"
            ),
        );
        let major = self.major;
        refuse(
            &format!("pg_catalog.current_setting('server_version_num')::int4 / 10000 <> {major}"),
            &format!(
                "'drygate: server ' || pg_catalog.current_setting('server_version') || ', approved was PostgreSQL {major}'"
            ),
        );
        let role = literal(&self.role);
        refuse(
            &format!("current_user <> {role}"),
            &format!("'drygate: role ' || current_user || ', approved was ' || {role}"),
        );
        if let Some(oid) = self.database_oid {
            let here = "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())";
            refuse(
                &format!("{here} <> {oid}"),
                &format!(
                    "'drygate: another database of this name: oid ' || {here} || ', approved was {oid}'"
                ),
            );
        }
        if let Some(until) = self.valid_until {
            let until = literal(&until.to_string());
            refuse(
                &format!("pg_catalog.clock_timestamp() > {until}::timestamptz"),
                &format!(
                    "'drygate: it is ' || pg_catalog.clock_timestamp() || ', and the approval was valid until ' || {until}"
                ),
            );
        }
        if self.rows.is_ok() {
            refuse(
                "pg_catalog.current_setting('track_counts') <> 'on'",
                "'drygate: track_counts is off, so rows cannot be counted'",
            );
            refuse(
                "EXISTS (SELECT FROM pg_catalog.pg_stat_xact_user_tables AS s WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0)",
                "'drygate: this session wrote before, so rows cannot be told apart: begin in a new session'",
            );
        }
        if let Some(identifier) = &self.system_identifier {
            let identifier = literal(identifier);
            let _ = write!(
                body,
                "  IF pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
    SELECT c.system_identifier::text INTO v_text FROM pg_catalog.pg_control_system() AS c;
    IF v_text <> {identifier} THEN
      RAISE EXCEPTION USING MESSAGE = 'drygate: cluster ' || v_text || ', approved was ' || {identifier};
    END IF;
  ELSE
    RAISE NOTICE 'drygate: this role may not read the identifier of the cluster: it is not checked';
  END IF;\n"
            );
        }
        for (format, statement) in DEFINITIONS {
            body.push_str(&self.definition_check(format, statement));
        }
        let run = literal(&self.run_id);
        // What the block sets for itself is set back: the script runs as it was approved.
        block(&format!(
            "DECLARE
  v_text text;
  v_path text := pg_catalog.current_setting('search_path');
  v_quote text := pg_catalog.current_setting('quote_all_identifiers');
BEGIN
  PERFORM pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
{body}  PERFORM pg_catalog.set_config('search_path', v_path, true), pg_catalog.set_config('quote_all_identifiers', v_quote, true);
  PERFORM pg_catalog.set_config('drygate.guard', {run} || ' ' || pg_catalog.pg_current_xact_id(), true);
END"
        ))
    }

    fn definition_check(&self, format: EvidenceFormat, statement: &str) -> String {
        let of_format = self.definitions.iter().filter(|it| it.format == format);
        let approved: Vec<String> = of_format
            .map(|it| {
                format!(
                    "({}, {}, {})",
                    literal(&it.schema),
                    literal(&it.table),
                    literal(it.sha256.as_str())
                )
            })
            .collect();
        if approved.is_empty() {
            return String::new();
        }
        format!(
                "  SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I is defined as %s, approved was %s', a.s, a.t, \
                 coalesce(n.d, 'nothing'), a.d), '; ' ORDER BY a.s, a.t) INTO v_text
    FROM (VALUES {}) AS a (s, t, d)
    LEFT JOIN (\n{}) AS n (s, t, d) ON n.s = a.s AND n.t = a.t
   WHERE n.d IS DISTINCT FROM a.d;
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION USING MESSAGE = 'drygate: not as approved: ' || v_text;
  END IF;\n",
                approved.join(",\n           "),
                statement.trim_end()
            )
    }

    fn after(&self) -> String {
        let Ok(rows) = &self.rows else {
            return String::new();
        };
        let run = literal(&self.run_id);
        // Without a name, so that there is a row where nothing may be written.
        let mut approved = vec![
            "(NULL::text, NULL::text, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8)"
                .to_owned(),
        ];
        approved.extend(rows.iter().map(|it| {
            let numbers: Vec<String> = it
                .rows
                .iter()
                .flat_map(|range| [range.least, range.most])
                .map(|rows| rows.to_string())
                .collect();
            format!(
                "({}, {}, {})",
                literal(&it.schema),
                literal(&it.table),
                numbers.join(", ")
            )
        }));
        // Nothing comes behind but COMMIT: the path needs not be set back.
        let block = block(&format!(
            "DECLARE
  v_text text;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  IF pg_catalog.current_setting('drygate.guard', true) IS DISTINCT FROM {run} || ' ' || pg_catalog.pg_current_xact_id() THEN
    RAISE EXCEPTION 'drygate: the script ended the transaction that the checks began: what it committed before stays';
  END IF;
  IF pg_catalog.current_setting('track_counts') <> 'on' THEN
    RAISE EXCEPTION 'drygate: track_counts is off, so rows cannot be counted';
  END IF;
  SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I approved insert %s update %s delete %s, found insert %s update %s delete %s',
           coalesce(a.s, f.s), coalesce(a.t, f.t),
           CASE WHEN a.i = a.im THEN coalesce(a.i, 0)::text ELSE coalesce(a.i || '..' || a.im, '0') END,
           CASE WHEN a.u = a.um THEN coalesce(a.u, 0)::text ELSE coalesce(a.u || '..' || a.um, '0') END,
           CASE WHEN a.d = a.dm THEN coalesce(a.d, 0)::text ELSE coalesce(a.d || '..' || a.dm, '0') END,
           coalesce(f.i, 0), coalesce(f.u, 0), coalesce(f.d, 0)), '; ' ORDER BY coalesce(a.s, f.s), coalesce(a.t, f.t)) INTO v_text
    FROM (VALUES {}) AS a (s, t, i, im, u, um, d, dm)
    FULL JOIN (
      SELECT n.nspname::text, c.relname::text, sum(s.n_tup_ins), sum(s.n_tup_upd), sum(s.n_tup_del)
        FROM pg_catalog.pg_stat_xact_user_tables AS s
        JOIN pg_catalog.pg_class AS k ON k.oid = s.relid AND k.relkind IN ('r', 'p') AND k.relpersistence <> 't'
        JOIN pg_catalog.pg_class AS c ON c.oid = coalesce(pg_catalog.pg_partition_root(k.oid)::oid, k.oid)
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
       GROUP BY 1, 2) AS f (s, t, i, u, d) ON f.s = a.s AND f.t = a.t
   WHERE coalesce(f.i, 0) NOT BETWEEN coalesce(a.i, 0) AND coalesce(a.im, 0)
      OR coalesce(f.u, 0) NOT BETWEEN coalesce(a.u, 0) AND coalesce(a.um, 0)
      OR coalesce(f.d, 0) NOT BETWEEN coalesce(a.d, 0) AND coalesce(a.dm, 0);
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION USING MESSAGE = 'drygate: not as approved: ' || v_text;
  END IF;
END",
            approved.join(",\n           ")
        ));
        format!("SET CONSTRAINTS ALL IMMEDIATE;\n{block}")
    }
}

fn block(body: &str) -> String {
    format!("DO LANGUAGE plpgsql {QUOTE}\n{body}\n{QUOTE};\n")
}

/// A line of comment. What could end it is escaped.
fn comment(text: &str) -> String {
    format!("-- {}\n", visible(text))
}

/// A text as a constant of SQL, of letters, digits and escapes alone: whatever encoding the client has, however strings are read
/// there, and wherever the constant stands, it ends where it ends.
fn literal(text: &str) -> String {
    let mut literal = "E'".to_owned();
    for c in text.chars() {
        let _ = match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' | ' ' => write!(literal, "{c}"),
            c => write!(literal, "\\U{:08X}", u32::from(c)),
        };
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::{CommitGuard, DEFINITIONS, comment, literal};
    use crate::survey::{Digest, EvidenceFormat, TableDefinition, UtcTime};

    #[test]
    fn a_definition_is_compared_by_the_statement_that_gave_its_digest() {
        let of = |format| CommitGuard {
            run_id: "r".to_owned(),
            phase: None,
            database: "d".to_owned(),
            database_oid: None,
            system_identifier: None,
            major: 15,
            role: "r".to_owned(),
            approved_at: UtcTime::from_unix_micros(0),
            valid_until: None,
            definitions: vec![TableDefinition {
                schema: "s".to_owned(),
                table: "t".to_owned(),
                sha256: Digest::zero(),
                format,
            }],
            rows: Ok(Vec::new()),
            not_bound: Vec::new(),
            files: Vec::new(),
        };
        // Of a run from before there were formats.
        let first = r#"{"schema":"s","table":"t","sha256":"#;
        let first = format!("{first}\"{}\"}}", Digest::zero());
        let first: TableDefinition = serde_json::from_str(&first).expect("it reads");
        assert_eq!(first.format, EvidenceFormat::One);
        for (format, _) in DEFINITIONS {
            let text = String::from_utf8(of(format).parts()).expect("text");
            for (other, statement) in DEFINITIONS {
                assert_eq!(text.contains(statement.trim_end()), other == format);
            }
        }
    }

    #[test]
    fn no_name_leaves_its_literal_or_its_comment() {
        let names = [
            "a'b",
            "a\\b",
            "$drygate$",
            "*/",
            "--",
            "line\nbreak",
            "\u{2028}",
            "\u{202e}",
            "\u{1f600}",
            "\u{85}",
            ";",
            ":v",
        ];
        for name in names {
            let literal = literal(name);
            let inner = &literal[2..literal.len() - 1];
            let plain = |c: char| c.is_ascii_alphanumeric() || "_.- \\".contains(c);
            assert!(inner.chars().all(plain), "{literal}");
            let comment = comment(name);
            assert!(
                comment.starts_with("-- ") && comment.ends_with('\n'),
                "{comment}"
            );
            let line = &comment[..comment.len() - 1];
            assert!(
                !line.contains(|c: char| c.is_control() || c == '\u{2028}'),
                "{comment}"
            );
        }
    }
}
