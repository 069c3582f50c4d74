//! Tokens of an SQL text as PostgreSQL's own scanner sees them.
//! Invariant: what two scanners could read differently is an error, so that nothing hides in a literal (tests
//! `what_two_scanners_could_read_differently_is_refused`, `literals_and_comments_hide_nothing_and_show_nothing`).

/// One token of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or keyword, folded; quoted ones as written.
    Word {
        /// Text of the name, without quotes.
        text: String,
        /// Whether it stood in double quotes.
        quoted: bool,
    },
    /// A string constant of any kind.
    Text,
    /// Any other single character.
    Sign(char),
}

/// Why a text cannot be read with certainty.
pub(super) type LexError = String;

struct Scanner<'a> {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    after_escape_text: bool,
    parameters: bool,
    source: &'a str,
}

/// Splits SQL into tokens; comments are left out.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, LexError> {
    scanned(sql, false)
}

/// The same of SQL that may have parameters (`$1`), each of them the sign `$`. Strings between dollars are refused there.
pub(super) fn tokens_with_parameters(sql: &str) -> Result<Vec<Token>, LexError> {
    scanned(sql, true)
}

fn scanned(sql: &str, parameters: bool) -> Result<Vec<Token>, LexError> {
    let mut scanner = Scanner {
        chars: sql.chars().collect(),
        at: 0,
        tokens: Vec::new(),
        after_escape_text: false,
        parameters,
        source: sql,
    };
    while scanner.at < scanner.chars.len() {
        scanner.step()?;
    }
    Ok(scanner.tokens)
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn push(&mut self, token: Token) {
        self.after_escape_text = false;
        self.tokens.push(token);
    }

    fn step(&mut self) -> Result<(), LexError> {
        let here = self.chars[self.at];
        match (here, self.peek(1)) {
            ('-', Some('-')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment()?,
            ('\'', _) => self.text(false)?,
            ('"', _) => self.quoted()?,
            ('$', _) if self.parameters => self.parameter()?,
            ('$', _) => self.dollar()?,
            ('e' | 'E', Some('\'')) => {
                self.at += 1;
                self.text(true)?;
            }
            ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => {
                self.at += 1;
                self.text(false)?;
            }
            ('u' | 'U', Some('&')) if matches!(self.peek(2), Some('\'' | '"')) => {
                // Its escape character can be changed by a UESCAPE that follows later.
                return Err("text with U& escapes".to_owned());
            }
            _ if is_start(here) => self.word(),
            _ if here.is_whitespace() => self.at += 1,
            _ => {
                self.at += 1;
                self.push(Token::Sign(here));
            }
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n' && c != '\r') {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) -> Result<(), LexError> {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    // Block comments nest in PostgreSQL, unlike in C.
                    depth += 1;
                    self.at += 2;
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err("a comment without end".to_owned()),
            }
        }
    }

    /// A string constant. A piece that continues an escape string is read by other rules on the server: refused.
    fn text(&mut self, escapes: bool) -> Result<(), LexError> {
        if self.after_escape_text {
            return Err("a continued escape string".to_owned());
        }
        self.at += 1;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('\\'), Some(_)) if escapes => self.at += 2,
                (Some('\''), Some('\'')) => self.at += 2,
                (Some('\''), _) => {
                    self.at += 1;
                    self.push(Token::Text);
                    self.after_escape_text = escapes;
                    return Ok(());
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err("a string without end".to_owned()),
            }
        }
    }

    fn quoted(&mut self) -> Result<(), LexError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('"'), Some('"')) => {
                    text.push('"');
                    self.at += 2;
                }
                (Some('"'), _) => {
                    self.at += 1;
                    self.push(Token::Word { text, quoted: true });
                    return Ok(());
                }
                (Some(c), _) => {
                    text.push(c);
                    self.at += 1;
                }
                (None, _) => return Err("a quoted name without end".to_owned()),
            }
        }
    }

    fn parameter(&mut self) -> Result<(), LexError> {
        let digits = self.chars[self.at + 1..].iter();
        let digits = digits.take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return Err("a string between dollars".to_owned());
        }
        self.at += 1 + digits;
        self.push(Token::Sign('$'));
        Ok(())
    }

    fn dollar(&mut self) -> Result<(), LexError> {
        let tag: String = self.chars[self.at + 1..]
            .iter()
            .take_while(|c| is_start(**c) || c.is_ascii_digit())
            .collect();
        let end = self.at + 1 + tag.chars().count();
        if self.chars.get(end) != Some(&'$') || tag.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("a parameter or a stray $".to_owned());
        }
        let mark: Vec<char> = format!("${tag}$").chars().collect();
        let body = end + 1;
        let found = self.chars[body..]
            .windows(mark.len())
            .position(|window| window == mark);
        let Some(found) = found else {
            return Err(format!(
                "a dollar-quoted string without end in {} characters",
                self.source.len()
            ));
        };
        self.at = body + found + mark.len();
        self.push(Token::Text);
        Ok(())
    }

    fn word(&mut self) {
        let start = self.at;
        while self
            .peek(0)
            .is_some_and(|c| is_start(c) || c.is_ascii_digit() || c == '$')
        {
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        self.push(Token::Word {
            // PostgreSQL folds unquoted names to lower case.
            text: text.to_ascii_lowercase(),
            quoted: false,
        });
    }
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    fn words(sql: &str) -> Vec<String> {
        let tokens = tokens(sql).expect("readable SQL");
        let word = |token| match token {
            Token::Word { text, .. } => Some(text),
            _ => None,
        };
        tokens.into_iter().filter_map(word).collect()
    }

    #[test]
    fn literals_and_comments_hide_nothing_and_show_nothing() {
        assert_eq!(
            words("SELECT 'a''b' /* x /* y */ z */ -- w\n, \"Q\"\"q\""),
            ["select", "Q\"q"]
        );
        assert_eq!(
            words(r"SELECT E'\'' , evil('x'), '\', evil2()"),
            ["select", "evil", "evil2"]
        );
        assert_eq!(words("SELECT $x$ ' $y$ $x$ || f"), ["select", "f"]);
    }

    #[test]
    fn what_two_scanners_could_read_differently_is_refused() {
        assert!(
            tokens(
                r"SELECT E''
        '\'' , evil(), ''"
            )
            .is_err()
        );
        assert!(tokens("SELECT U&\"\\0065vil\"()").is_err());
        assert!(tokens("SELECT $1").is_err());
        assert!(tokens("SELECT 'open").is_err());
    }
}
