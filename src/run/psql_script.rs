//! A script split into statements as psql splits it. Invariant: what is given is what psql sends of a script that has no variable and
//! reads no other file (test `a_script_is_split_as_psql_splits_it`, whose texts psql 15 sent); where psql does otherwise, a text that it
//! never sends is given, and nothing is bound to it.

/// What psql may send of a statement, and where it begins in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScriptText {
    /// Bytes before it.
    pub(super) offset: u64,
    /// As psql sends it from version 15 on.
    pub(super) text: Vec<u8>,
    /// Without what stands behind `--` in a line, as older versions send it.
    pub(super) without_comments: Vec<u8>,
}

/// Calls `found` with each statement, in its order.
pub(super) fn split(script: &[u8], found: impl FnMut(ScriptText)) {
    // A mark of the byte order is no part of a text.
    let at = if script.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let mut splitter = Splitter {
        script,
        at,
        begin: at,
        text: Vec::new(),
        without_comments: Vec::new(),
        of_newline: None,
        words: StatementWords::default(),
        rows_follow: false,
        found,
    };
    while let Some(byte) = splitter.peek(0) {
        splitter.step(byte);
    }
    splitter.end();
}

/// What psql looks at in the words of a statement.
#[derive(Default)]
struct StatementWords {
    first: Vec<String>,
    last: String,
    parentheses: u32,
    /// Blocks of an SQL body: `BEGIN ATOMIC .. END`.
    blocks: u32,
    copies_rows: bool,
}

impl StatementWords {
    fn add(&mut self, word: &[u8]) {
        let word = String::from_utf8_lossy(word).to_lowercase();
        if self.first.len() < 4 {
            self.first.push(word.clone());
        }
        let first: Vec<&str> = self.first.iter().map(String::as_str).collect();
        let is_routine = matches!(
            first.as_slice(),
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure"]
        );
        if is_routine && self.parentheses == 0 {
            match word.as_str() {
                "begin" => self.blocks += 1,
                "case" if self.blocks > 0 => self.blocks += 1,
                "end" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        }
        let is_copy = self.first.first().is_some_and(|it| it == "copy");
        self.copies_rows |=
            is_copy && self.parentheses == 0 && self.last == "from" && word == "stdin";
        self.last = word;
    }
}

struct Splitter<'s, F> {
    script: &'s [u8],
    at: usize,
    begin: usize,
    text: Vec<u8>,
    without_comments: Vec<u8>,
    /// How long the text was behind the newline that was added last.
    of_newline: Option<usize>,
    words: StatementWords,
    /// From the next line on there are rows for a COPY.
    rows_follow: bool,
    found: F,
}

impl<F: FnMut(ScriptText)> Splitter<'_, F> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.script.get(self.at + ahead).copied()
    }

    fn step(&mut self, byte: u8) {
        let next = self.peek(1);
        match byte {
            b'\n' => self.newline(),
            b'\\' => self.meta_command(),
            b'-' if next == Some(b'-') => {
                let comment = self.rest_of_line();
                if !self.text.is_empty() {
                    self.text.extend(&self.script[self.at..self.at + comment]);
                }
                self.at += comment;
            }
            b'/' if next == Some(b'*') => self.take(self.block_comment()),
            b'\'' | b'"' => self.take(self.quoted(self.at, byte, false)),
            b'$' => self.take(self.dollar_quoted()),
            b';' => {
                self.take(1);
                if self.words.parentheses == 0 && self.words.blocks == 0 {
                    self.end();
                }
            }
            b'(' => {
                self.words.parentheses += 1;
                self.take(1);
            }
            b')' => {
                self.words.parentheses = self.words.parentheses.saturating_sub(1);
                self.take(1);
            }
            _ if is_inner(byte) => self.word(),
            // White space before a statement is no part of it.
            _ if byte.is_ascii_whitespace() && self.text.is_empty() => self.at += 1,
            _ => self.take(1),
        }
    }

    /// So many bytes belong to the statement.
    fn take(&mut self, length: usize) {
        if self.text.is_empty() {
            self.begin = self.at;
        }
        let bytes = &self.script[self.at..self.at + length];
        self.text.extend(bytes);
        self.without_comments.extend(bytes);
        self.at += length;
    }

    fn rest_of_line(&self) -> usize {
        let rest = &self.script[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        end.unwrap_or(rest.len())
    }

    /// The end of a line. Empty lines are left out, and the newline is that before the next line.
    fn newline(&mut self) {
        self.at += 1;
        if std::mem::take(&mut self.rows_follow) {
            self.skip_rows();
        }
        while self.peek(0) == Some(b'\n') {
            self.at += 1;
        }
        if !self.text.is_empty() && self.at < self.script.len() {
            self.text.push(b'\n');
            self.without_comments.push(b'\n');
            self.of_newline = Some(self.text.len());
        }
    }

    /// Goes behind the line that ends the rows.
    fn skip_rows(&mut self) {
        while self.at < self.script.len() {
            let line = &self.script[self.at..self.at + self.rest_of_line()];
            let is_end = line.strip_suffix(b"\r").unwrap_or(line) == b"\\.";
            self.at = (self.at + line.len() + 1).min(self.script.len());
            if is_end {
                return;
            }
        }
    }

    fn meta_command(&mut self) {
        if self.peek(1) == Some(b';') {
            self.at += 1;
            self.take(1);
            return;
        }
        // A line that has a meta-command alone adds nothing.
        if self.of_newline == Some(self.text.len()) {
            self.text.pop();
            self.without_comments.pop();
        }
        let line = &self.script[self.at + 1..self.at + self.rest_of_line()];
        let name = line.split(|byte| !byte.is_ascii_alphabetic()).next();
        match name.unwrap_or_default() {
            b"g" | b"gx" | b"gset" | b"gexec" | b"crosstabview" | b"watch" => self.end(),
            b"r" | b"reset" => self.forget(),
            _ => {}
        }
        self.at += 1 + line.len();
    }

    fn word(&mut self) {
        let rest = &self.script[self.at..];
        let length = rest
            .iter()
            .position(|byte| !(is_inner(*byte) || *byte == b'$'));
        let word = &rest[..length.unwrap_or(rest.len())];
        if matches!(word, b"e" | b"E") && rest.get(1) == Some(&b'\'') {
            let length = 1 + self.quoted(self.at + 1, b'\'', true);
            self.take(length);
            return;
        }
        if !word[0].is_ascii_digit() {
            self.words.add(word);
        }
        self.take(word.len());
    }

    /// How long what is quoted is, with both marks; a doubled mark is read as two of them.
    fn quoted(&self, from: usize, mark: u8, escapes: bool) -> usize {
        let mut at = from + 1;
        while let Some(byte) = self.script.get(at) {
            at += 1;
            if *byte == mark {
                break;
            }
            if escapes && *byte == b'\\' {
                at += 1;
            }
        }
        at.min(self.script.len()) - from
    }

    /// How long `$tag$..$tag$` is; a `$` of another meaning is one byte.
    fn dollar_quoted(&self) -> usize {
        let rest = &self.script[self.at..];
        let tag = rest[1..].iter().take_while(|byte| is_inner(**byte)).count();
        let is_mark = rest.get(tag + 1) == Some(&b'$') && !rest[1].is_ascii_digit();
        if !is_mark {
            return 1;
        }
        let (mark, body) = rest.split_at(tag + 2);
        let end = memchr::memmem::find(body, mark);
        end.map_or(rest.len(), |end| end + 2 * mark.len())
    }

    /// How long the comment is; they nest.
    fn block_comment(&self) -> usize {
        let rest = &self.script[self.at..];
        let (mut depth, mut at) = (0_usize, 0);
        while at < rest.len() {
            match rest.get(at..at + 2) {
                Some(b"/*") => (depth, at) = (depth + 1, at + 2),
                Some(b"*/") => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        at
    }

    /// The statement is sent.
    fn end(&mut self) {
        if !self.text.is_empty() {
            self.rows_follow = self.words.copies_rows;
            (self.found)(ScriptText {
                offset: self.begin as u64,
                text: std::mem::take(&mut self.text),
                without_comments: std::mem::take(&mut self.without_comments),
            });
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.text.clear();
        self.without_comments.clear();
        self.of_newline = None;
        self.words = StatementWords::default();
    }
}

/// Whether it can stand within a name.
fn is_inner(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ScriptText, split};

    fn texts(script: &str) -> Vec<ScriptText> {
        let mut found = Vec::new();
        split(script.as_bytes(), |text| found.push(text));
        found
    }

    fn shown(text: &[u8]) -> String {
        String::from_utf8_lossy(text).into_owned()
    }

    #[test]
    fn a_script_is_split_as_psql_splits_it() {
        let script = "\u{feff}-- head\n/* block */\n-- again\nSELECT 1;\n\nSELECT 2 -- tail\n\n  ,\n\n3; SELECT 4;  ;\n\
            DO $$\na\n\n-- b\nc\n$$;\nSELECT (1;2); \nSELECT 5 \\g\nSELECT 6 \\; SELECT 7;\n\
            create function f() returns int begin atomic select 1; case when 1 then 2 end; end;\n\
            COPY t FROM STDIN;\na\t1;\n\\.\nSELECT :foo, E'\\';' , ';', n'a''b;';\n\\set x 1\nSELECT 8\n\\echo hi;\n+ 1;\n\
            /* in\n\n/* ; */ block */ SELECT $a$ ; $a$, $1, \"a;b\";\n    -- last\nSELECT 9\n";
        let sent: Vec<String> = texts(script).iter().map(|it| shown(&it.text)).collect();
        assert_eq!(
            sent,
            [
                "/* block */\n-- again\nSELECT 1;",
                "SELECT 2 -- tail\n  ,\n3;",
                "SELECT 4;",
                ";",
                "DO $$\na\n\n-- b\nc\n$$;",
                "SELECT (1;2);",
                "SELECT 5 ",
                "SELECT 6 ; SELECT 7;",
                "create function f() returns int begin atomic select 1; case when 1 then 2 end; end;",
                "COPY t FROM STDIN;",
                "SELECT :foo, E'\\';' , ';', n'a''b;';",
                "SELECT 8\n+ 1;",
                "/* in\n\n/* ; */ block */ SELECT $a$ ; $a$, $1, \"a;b\";",
                "SELECT 9",
            ]
        );
        for found in texts(script) {
            let at = usize::try_from(found.offset).expect("small");
            assert!(script[at..].starts_with(&shown(&found.text)[..1]), "{at}");
        }
    }

    #[test]
    fn an_older_psql_leaves_comments_of_a_line_out() {
        let found = texts("SELECT 1, -- one\n  -- all of a line\n '--', $$--\n$$;");
        let [found] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            shown(&found.without_comments),
            "SELECT 1, \n  \n '--', $$--\n$$;"
        );
    }

    #[test]
    fn what_has_no_end_ends_with_its_file() {
        for script in [
            "SELECT 'a;",
            "SELECT $$a;",
            "SELECT /* a;",
            "SELECT E'\\",
            "SELECT \"a;",
            "$",
            "\\",
            "(;",
        ] {
            let found = texts(script);
            assert!(found.len() <= 1, "{script}");
            assert!(found.iter().all(|it| shown(&it.text) == script), "{script}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_it_is_read_to_its_end(script in "[-a'\"$;/*\\\\\n ()eE\r\u{e4}]{0,60}") {
            for found in texts(&script) {
                let at = usize::try_from(found.offset).expect("small");
                prop_assert_eq!(script.as_bytes()[at], found.text[0]);
                prop_assert!(at + found.text.len() <= script.len());
                prop_assert!(found.without_comments.len() <= found.text.len());
            }
        }
    }
}
