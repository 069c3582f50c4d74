//! What the record of a change keeps of texts that can hold values of rows: statements that no file of the script has, and messages of
//! errors.
//! Invariant: a constant or a quoted part of a message is kept only where the script or a function of the database has it
//! (`KnownTexts`).

use crate::run::{RecordedStatement, StatementError, one_line};

const WITHHELD: &str = "(withheld)";
/// SQLSTATE classes whose messages name objects alone: what was violated, what is missing, what is locked, what ran out. Their values are
/// in the detail.
const NAMING_CLASSES: [&str; 7] = ["23", "40", "42", "53", "55", "57", "58"];
/// A syntax error of class 42 repeats what it could not read, which can be a value.
const SYNTAX_ERROR: &str = "42601";
const DATA_EXCEPTION: &str = "22";

/// The script, and the functions that the database has: what they say is no value of a row.
pub(super) struct KnownTexts(String);

impl KnownTexts {
    pub(super) fn of(texts: &str) -> Self {
        Self(one_line(texts, usize::MAX))
    }

    /// What is kept of a statement; of one that has a constant and is no part of the script (`\gexec`, a generator, a tool) what stands
    /// before that.
    pub(super) fn statement(&self, text: &str) -> String {
        let in_line = one_line(text.trim_end_matches(".."), usize::MAX);
        match constant(text) {
            Some(at) if !self.0.contains(&in_line) => RecordedStatement::withheld(&text[..at]),
            _ => text.to_owned(),
        }
    }

    /// What is kept of the message of an error.
    pub(super) fn message(&self, error: &StatementError) -> String {
        let message = error.message.as_str();
        let Some(class) = error.code.get(..2) else {
            // A server always says a code: nothing is known of this text.
            return WITHHELD.to_owned();
        };
        // What a function raises are words of the team, which say what to correct.
        let names = NAMING_CLASSES.contains(&class) && error.code != SYNTAX_ERROR;
        if error.raised || names || self.has(message) {
            return message.to_owned();
        }
        let message = self.quoted(message);
        if class != DATA_EXCEPTION {
            return message;
        }
        let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        words(&message, |word| !is_number(word) || self.has(word))
    }

    /// A value can hold quotation marks itself: unless each quoted part is known, all between the first and the last mark is withheld.
    fn quoted(&self, message: &str) -> String {
        let (Some(first), Some(last)) = (message.find('"'), message.rfind('"')) else {
            return message.to_owned();
        };
        let mut parts = message.split('"').skip(1).step_by(2);
        if first == last || parts.all(|part| self.has(part)) {
            return message.to_owned();
        }
        format!("{}{WITHHELD}{}", &message[..=first], &message[last..])
    }

    /// Whether it is there as whole words.
    fn has(&self, text: &str) -> bool {
        let text = one_line(text, usize::MAX);
        let is_inner = |c: char| c.is_alphanumeric() || c == '_';
        let mut places = self.0.match_indices(&text);
        places.any(|(at, found)| {
            let before = self.0[..at].chars().next_back();
            let after = self.0[at + found.len()..].chars().next();
            ![before, after].into_iter().flatten().any(is_inner)
        })
    }
}

/// The words that may be kept, and in place of others that they are withheld.
fn words(message: &str, may_be_kept: impl Fn(&str) -> bool) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for word in message.split_whitespace() {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        if may_be_kept(core) {
            kept.push(word);
        } else if kept.last() != Some(&WITHHELD) {
            kept.push(WITHHELD);
        }
    }
    kept.join(" ")
}

/// Where the first constant begins: what is quoted, `'..'`, `$$..$$`, `$tag$..$tag$`, or a number; `$1` stands for a bound value.
fn constant(text: &str) -> Option<usize> {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let is_parameter = rest.starts_with(|c: char| c.is_ascii_digit());
        let in_name = before.is_alphanumeric() || before == '_' || before == '$';
        let begins_number = c.is_ascii_digit() && !in_name;
        if c == '\'' || c == '$' && !in_name && !is_parameter || begins_number {
            return Some(at);
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "UPDATE shop.orders SET total = 'abc'::integer WHERE id = 7;
        IF v > 5 THEN RAISE EXCEPTION 'order % of % is held', v, w; END IF;";

    fn message(code: &str, raised: bool, message: &str) -> String {
        KnownTexts::of(SCRIPT).message(&StatementError {
            severity: "ERROR".to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            raised,
        })
    }

    #[test]
    fn of_a_message_what_the_script_does_not_have_is_withheld() {
        for (code, raised, said, kept) in [
            // Constants of the script, and values of rows.
            (
                "22P02",
                false,
                "invalid input syntax for type integer: \"abc\"",
                "invalid input syntax for type integer: \"abc\"",
            ),
            (
                "22P02",
                false,
                "invalid input syntax for type integer: \"Jane\"",
                "invalid input syntax for type integer: \"(withheld)\"",
            ),
            (
                "22P02",
                false,
                "invalid input syntax for type integer: \"a\" Jane \"b\"",
                "invalid input syntax for type integer: \"(withheld)\"",
            ),
            (
                "22003",
                false,
                "value \"4711\" is out of range for type integer",
                "value \"(withheld)\" is out of range for type integer",
            ),
            (
                "22003",
                false,
                "setval: value 4711 is out of bounds",
                "setval: value (withheld) is out of bounds",
            ),
            (
                "22001",
                false,
                "value too long for type character varying(10)",
                "value too long for type character varying(10)",
            ),
            // Names of what is in the schema and not in the script.
            (
                "23514",
                false,
                "new row for relation \"orders\" violates check constraint \"orders_ck\"",
                "new row for relation \"orders\" violates check constraint \"orders_ck\"",
            ),
            (
                "42703",
                false,
                "column \"total\" of relation \"orders\" does not exist",
                "column \"total\" of relation \"orders\" does not exist",
            ),
            (
                "42P01",
                false,
                "relation \"changes\" does not exist",
                "relation \"changes\" does not exist",
            ),
            (
                "42601",
                false,
                "syntax error at or near \"Jane\"",
                "syntax error at or near \"(withheld)\"",
            ),
            // What a function says is said by the team.
            (
                "P0001",
                true,
                "order 4711 of \"Jane\" is held",
                "order 4711 of \"Jane\" is held",
            ),
        ] {
            assert_eq!(message(code, raised, said), kept, "{said}");
        }
    }

    #[test]
    fn of_a_statement_that_the_script_does_not_have_no_constant_is_kept() {
        let known = KnownTexts::of(SCRIPT);
        let is_kept = |text: &str| known.statement(text) == text;
        for text in [
            "UPDATE shop.orders\n SET total = 'abc'::integer WHERE id = 7",
            "UPDATE shop.orders SET tot..",
            "BEGIN",
            "COPY t1 FROM STDIN",
            "SELECT $1, t2.c3 FROM t2",
        ] {
            assert!(is_kept(text), "{text}");
        }
        for (text, kept) in [
            (
                "DELETE FROM t WHERE name = 'Jane'",
                "DELETE FROM t WHERE name =",
            ),
            ("DELETE FROM t WHERE id = 4711", "DELETE FROM t WHERE id ="),
            ("DELETE FROM t WHERE id=-4711", "DELETE FROM t WHERE id=-"),
            ("DO $$x$$", "DO"),
            ("DO $a$x$a$", "DO"),
            ("SELECT E'Jane'", "SELECT E"),
        ] {
            assert_eq!(known.statement(text), RecordedStatement::withheld(kept));
        }
    }
}
