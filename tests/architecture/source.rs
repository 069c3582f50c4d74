//! Rust text seen as code: comments and literals blanked out, paths and `use` trees spelled out.
//! Invariant: blanking keeps the number of lines and bytes, so that a position means the same in both texts.

/// The text with comments, strings and character literals replaced by spaces.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' if !is_word_at(bytes, at.wrapping_sub(1)) => raw_string_end(bytes, at),
            b'\'' => char_end(bytes, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("whole characters were replaced by spaces")
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|b| **b != b'\n').count()
}

fn block_comment_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], from: usize) -> usize {
    let hashes = bytes[from + 1..].iter().take_while(|b| **b == b'#').count();
    let quote = from + 1 + hashes;
    if bytes.get(quote) != Some(&b'"') {
        return from;
    }
    let close: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    bytes[quote + 1..]
        .windows(close.len())
        .position(|window| window == close)
        .map_or(bytes.len(), |at| quote + 1 + at + close.len())
}

/// The end of a character literal, or `from` when the quote opens a lifetime.
fn char_end(bytes: &[u8], from: usize) -> usize {
    if bytes.get(from + 1) == Some(&b'\\') {
        let rest = &bytes[(from + 3).min(bytes.len())..];
        return rest
            .iter()
            .position(|b| *b == b'\'')
            .map_or(from, |at| from + 3 + at + 1);
    }
    (from + 2..from + 6)
        .find(|at| bytes.get(*at) == Some(&b'\''))
        .filter(|at| {
            std::str::from_utf8(&bytes[from + 1..*at]).is_ok_and(|s| s.chars().count() == 1)
        })
        .map_or(from, |at| at + 1)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_word_at(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).copied().is_some_and(is_word)
}

/// A path as written (`crate::run::state`), and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its segments, `crate` and `super` included.
    pub segments: Vec<String>,
    /// Byte position of the first segment.
    pub at: usize,
}

/// Every path of the code; a `use` tree is one path for each of its leaves.
pub fn paths(code: &str) -> Vec<Path> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if is_word(bytes[at]) {
            let (leaves, end) = tree(bytes, at);
            found.extend(leaves.into_iter().map(|segments| Path { segments, at }));
            at = end.max(at + 1);
        } else {
            at += 1;
        }
    }
    found
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Reads one path or tree at `at`: its leaves, and where it ends.
fn tree(bytes: &[u8], at: usize) -> (Vec<Vec<String>>, usize) {
    let end = at + bytes[at..].iter().take_while(|b| is_word(**b)).count();
    let head = String::from_utf8_lossy(&bytes[at..end]).into_owned();
    let colons = skip_space(bytes, end);
    if bytes.get(colons..colons + 2) != Some(b"::") {
        return (vec![vec![head]], end);
    }
    let next = skip_space(bytes, colons + 2);
    let (tails, end) = match bytes.get(next) {
        Some(b'{') => group(bytes, next + 1),
        Some(byte) if is_word(*byte) => tree(bytes, next),
        _ => (vec![Vec::new()], next),
    };
    let leaves = tails
        .into_iter()
        .map(|tail| std::iter::once(head.clone()).chain(tail).collect())
        .collect();
    (leaves, end)
}

fn group(bytes: &[u8], mut at: usize) -> (Vec<Vec<String>>, usize) {
    let mut leaves = Vec::new();
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at) {
            None => return (leaves, at),
            Some(b'}') => return (leaves, at + 1),
            Some(byte) if is_word(*byte) => {
                let (found, end) = tree(bytes, at);
                leaves.extend(found);
                at = end;
            }
            Some(_) => at += 1,
        }
    }
}

/// How many inline `mod name {` enclose the position.
pub fn inline_modules(code: &str, position: usize) -> usize {
    let bytes = code.as_bytes();
    let mut braces: Vec<bool> = Vec::new();
    for at in 0..position {
        match bytes[at] {
            b'{' => {
                let words: Vec<&str> = code[..at].split_whitespace().rev().take(2).collect();
                braces.push(words.get(1) == Some(&"mod"));
            }
            b'}' => {
                braces.pop();
            }
            _ => {}
        }
    }
    braces.into_iter().filter(|is_module| *is_module).count()
}

#[test]
fn comments_and_literals_are_blanked_and_positions_kept() {
    let text = "a // b\n\"c \\\" d\" 'e' '\\n' r#\"f \" g\"# h /* i /* j */ k */ l<'m> \u{1ea1}\n";
    let code = code_only(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(
        code.split_whitespace().collect::<Vec<_>>(),
        ["a", "h", "l<'m>", "\u{1ea1}"]
    );
}

#[test]
fn a_use_tree_is_spelled_out() {
    let found: Vec<String> = paths("use crate::{run::state, survey::{self, fact::Fact}};")
        .into_iter()
        .map(|path| path.segments.join("::"))
        .filter(|path| path.starts_with("crate"))
        .collect();
    assert_eq!(
        found,
        [
            "crate::run::state",
            "crate::survey::self",
            "crate::survey::fact::Fact"
        ]
    );
}
