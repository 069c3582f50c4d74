//! What of a script for psql decides whether checks around it are its own transaction's.
//! Invariant: it errs towards more: a statement that only looks as if it ended a transaction counts as one (`of`).

use super::lexer::{Token, tokens};

/// What a script has of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptShape {
    /// A statement that begins or ends a transaction.
    pub ends_transactions: bool,
    /// A meta-command of psql.
    pub has_meta_commands: bool,
    /// It cannot be read with certainty.
    pub is_unclear: bool,
}

/// First words of statements that begin or end a transaction. ROLLBACK counts although it may name a savepoint.
const CONTROL: [&str; 6] = ["begin", "start", "commit", "end", "rollback", "abort"];

impl ScriptShape {
    /// Reads a script.
    pub fn of(text: &[u8]) -> Self {
        let Some(tokens) = std::str::from_utf8(text)
            .ok()
            .and_then(|text| tokens(text).ok())
        else {
            return Self {
                is_unclear: true,
                ..Self::default()
            };
        };
        let mut shape = Self::default();
        let mut first = true;
        for (at, token) in tokens.iter().enumerate() {
            if let Token::Word {
                text,
                quoted: false,
            } = token
                && first
            {
                let prepares = text == "prepare"
                    && matches!(tokens.get(at + 1), Some(Token::Word { text, .. }) if text == "transaction");
                shape.ends_transactions |= prepares || CONTROL.contains(&text.as_str());
            }
            // What stands behind a meta-command can be a statement of its own.
            shape.has_meta_commands |= *token == Token::Sign('\\');
            first = *token == Token::Sign(';');
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::ScriptShape;

    #[test]
    fn transactions_and_meta_commands_are_seen_where_they_are_ones() {
        let of = |text: &str| {
            let shape = ScriptShape::of(text.as_bytes());
            (
                shape.ends_transactions,
                shape.has_meta_commands,
                shape.is_unclear,
            )
        };
        let plain = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN 1; END$$; SELECT '; COMMIT;' -- ; COMMIT\n";
        assert_eq!(of(plain), (false, false, false));
        assert_eq!(
            of("SAVEPOINT a; RELEASE a; SELECT E'\\\\'"),
            (false, false, false)
        );
        for control in [
            "SELECT 1; commit",
            "/* */ BEGIN; SELECT 1",
            "PREPARE TRANSACTION 'a'",
            ";;END",
        ] {
            assert_eq!(of(control), (true, false, false), "{control}");
        }
        assert_eq!(of("\\i other.sql\nSELECT 1;"), (false, true, false));
        assert_eq!(of("SELECT 'open"), (false, false, true));
        assert!(ScriptShape::of(b"SELECT '\xff'").is_unclear);
    }
}
