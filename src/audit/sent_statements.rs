//! Which statements that we sent could have written: they are compared with a list of writing words and the pinned names.

use crate::profile::Profile;

const WRITING_WORDS: [&str; 26] = [
    "ALTER", "ANALYZE", "CALL", "CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DO",
    "DROP", "END", "EXECUTE", "GRANT", "IMPORT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY",
    "REINDEX", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE", "VACUUM",
];

/// The statements that write or name a pinned function as if they called it.
pub(super) fn live_statements<'s>(profile: &Profile, statements: &'s [String]) -> Vec<&'s String> {
    let pinned = |sent: &str| profile.functions.iter().any(|f| calls(sent, &f.name));
    let sent = statements.iter();
    sent.filter(|sent| writes(sent) || pinned(sent)).collect()
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

/// Whether a text calls a function: the name as a word, perhaps quoted, and an opening parenthesis behind it.
fn calls(statement: &str, name: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    lower.match_indices(&name).any(|(at, _)| {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let before = lower[..at].chars().next_back();
        let after = lower[at + name.len()..]
            .trim_start_matches('"')
            .trim_start();
        !name.is_empty() && !before.is_some_and(part_of_word) && after.starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::{calls, writes};

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
            assert!(calls(sent, "fn_iu_enact"), "{sent}");
        }
        for sent in [
            "SELECT 'fn_iu_enact'",
            "SELECT my_fn_iu_enact(1)",
            "SELECT fn_iu_enact_md5(1)",
        ] {
            assert!(!calls(sent, "fn_iu_enact"), "{sent}");
        }
    }
}
