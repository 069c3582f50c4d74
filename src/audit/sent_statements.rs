//! Which statements that we sent could have written: they are compared with a list of writing words and the pinned names.

use crate::profile::Profile;

const WRITING_WORDS: [&str; 26] = [
    "ALTER", "ANALYZE", "CALL", "CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DO",
    "DROP", "END", "EXECUTE", "GRANT", "IMPORT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY",
    "REINDEX", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE", "VACUUM",
];

/// The statements that write or name a pinned function as if they called it.
pub(super) fn live_statements<'s>(profile: &Profile, statements: &'s [String]) -> Vec<&'s String> {
    let functions = &profile.functions;
    let pinned = |sent: &str| functions.iter().any(|f| calls(sent, &f.schema, &f.name));
    let sent = statements.iter();
    sent.filter(|sent| (writes(sent) && !reads_all_the_same(sent, statements)) || pinned(sent))
        .collect()
}

/// Whether a statement that begins with such a word only reads: the copy of a table to us, the weakest lock, and what `pg_dump`
/// has prepared before. A rehearsal sends these.
fn reads_all_the_same(statement: &str, all: &[String]) -> bool {
    let mut words = statement.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match first.as_str() {
        "COPY" => statement.starts_with("COPY (SELECT ") && statement.ends_with(") TO STDOUT"),
        "LOCK" => {
            let rest = statement.trim_end().trim_end_matches(';');
            // A name can hold a semicolon.
            let mut outside_of_names = rest.split('"').step_by(2);
            rest.ends_with(" IN ACCESS SHARE MODE") && outside_of_names.all(|it| !it.contains(';'))
        }
        "EXECUTE" => {
            let name = words.next().unwrap_or_default();
            let name = name.split('(').next().unwrap_or_default();
            all.iter().any(|prepared| prepares_a_read(prepared, name))
        }
        _ => false,
    }
}

/// Whether this statement prepares a read by that name.
fn prepares_a_read(statement: &str, name: &str) -> bool {
    let Some((head, body)) = statement.split_once(" AS") else {
        return false;
    };
    let mut words = head.split_whitespace();
    let prepares = words.next() == Some("PREPARE");
    let named = words.next().and_then(|word| word.split('(').next());
    let read = body.split_whitespace().next();
    prepares && named == Some(name) && matches!(read, Some("SELECT" | "WITH"))
}

/// Whether a SQL statement begins with a word that writes, commits or signals.
fn writes(statement: &str) -> bool {
    let first: String = statement
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    WRITING_WORDS.contains(&first.to_ascii_uppercase().as_str())
}

/// Whether a text calls a function: the name as a word, perhaps quoted, and an opening parenthesis behind it. With a schema
/// before it that is not the function's own it is another function: `pg_catalog.count(` is no call of `public.count`.
fn calls(statement: &str, schema: &str, name: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    let (schema, name) = (schema.to_ascii_lowercase(), name.to_ascii_lowercase());
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    lower.match_indices(&name).any(|(at, _)| {
        let before = lower[..at].trim_end_matches('"');
        let elsewhere = before.strip_suffix('.').is_some_and(|qualified| {
            let qualified = qualified.trim_end_matches('"');
            let written = qualified.rsplit(|c| !part_of_word(c)).next();
            !qualified.ends_with(&schema) && written.is_some_and(|written| !written.is_empty())
        });
        let after = lower[at + name.len()..]
            .trim_start_matches('"')
            .trim_start();
        let ends_word = before.ends_with(part_of_word);
        !name.is_empty() && !ends_word && !elsewhere && after.starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::{calls, reads_all_the_same, writes};

    #[test]
    fn what_a_rehearsal_reads_is_no_writing() {
        let prepared =
            "PREPARE dumpFunc(pg_catalog.oid) AS\nSELECT proretset FROM pg_catalog.pg_proc";
        let all = [prepared.to_owned(), "PREPARE w AS DELETE FROM t".to_owned()];
        for sent in [
            "COPY (SELECT a FROM ONLY public.t) TO STDOUT",
            "LOCK TABLE public.t, public.u IN ACCESS SHARE MODE",
            "LOCK TABLE public.\"a\"\"; COMMIT; --\" IN ACCESS SHARE MODE",
            "EXECUTE dumpFunc('1')",
        ] {
            assert!(writes(sent) && reads_all_the_same(sent, &all), "{sent}");
        }
        for sent in [
            "COPY public.t FROM STDIN",
            "COPY (SELECT a FROM t) TO PROGRAM 'x'",
            "COPY (DELETE FROM t RETURNING a) TO STDOUT",
            "LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
            "LOCK TABLE t; DELETE FROM t IN ACCESS SHARE MODE",
            "LOCK TABLE \"a\"; DELETE FROM \"b\" IN ACCESS SHARE MODE",
            "EXECUTE w",
            "EXECUTE other(1)",
            "DELETE FROM t",
        ] {
            assert!(!reads_all_the_same(sent, &all), "{sent}");
        }
    }

    #[test]
    fn writing_statements_and_calls_are_seen() {
        for sent in [
            "INSERT INTO t VALUES (1)",
            " commit",
            "Do $$ $$",
            "CALL p()",
        ] {
            assert!(writes(sent), "{sent}");
        }
        for sent in [
            "SELECT 1",
            "ROLLBACK TO s",
            "DECLARE c CURSOR FOR SELECT 1",
            "BEGIN READ ONLY",
        ] {
            assert!(!writes(sent), "{sent}");
        }
        for sent in [
            "SELECT public.fn_iu_enact('x')",
            "select FN_IU_ENACT ($1)",
            "SELECT \"fn_iu_enact\"(1)",
        ] {
            assert!(calls(sent, "public", "fn_iu_enact"), "{sent}");
        }
        for sent in [
            "SELECT pg_catalog.fn_iu_enact(1)",
            "SELECT \"other\".\"fn_iu_enact\"(1)",
            "SELECT 'fn_iu_enact'",
            "SELECT my_fn_iu_enact(1)",
            "SELECT fn_iu_enact_md5(1)",
        ] {
            assert!(!calls(sent, "public", "fn_iu_enact"), "{sent}");
        }
    }
}
