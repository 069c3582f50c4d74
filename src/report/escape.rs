//! Escapes text from the database and from users for Markdown. Invariant: the output is one line without control, bidi or
//! invisible characters (a tab in a code block excepted), and cannot end its table cell, code span or code block (tests
//! `nothing_leaves_its_line`, `hostile_text_of_the_database_stays_text`).

use std::fmt::Write as _;

/// Combining marks that a letter may carry: Vietnamese, decomposed, needs three at most.
const MARKS_MAX: usize = 3;

/// `text` on one line: ASCII and letters stay, everything else is shown as `\u{..}`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks_left = 0;
    for c in text.chars() {
        // A limit, because a long pile of combining marks draws over the lines above and below.
        if is_mark(c) && marks_left > 0 {
            marks_left -= 1;
            out.push(c);
            continue;
        }
        marks_left = if c.is_alphabetic() { MARKS_MAX } else { 0 };
        if matches!(c, ' '..='~') || is_plain_letter(c) {
            out.push(c);
        } else {
            escape_into(&mut out, c);
        }
    }
    out
}

/// `text` as running text or in a table cell: [`visible`], and nothing of it is Markdown or HTML.
pub fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    match block_marker(text) {
        Some(BlockMarker::Indent) => {
            escape_into(&mut out, ' ');
            rest = &rest[1..];
        }
        Some(BlockMarker::Sign(at)) => {
            out.push_str(&visible(&rest[..at]));
            out.push('\\');
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        None => {}
    }
    while let Some(at) = rest.find(is_markup) {
        out.push_str(&visible(&rest[..at]));
        out.push('\\');
        out.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(&visible(rest));
    out
}

/// `text` as a code span that is safe in a table cell too; a pipe is shown as `\u{7c}`.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    // In a table a `|` ends the cell even inside a code span, and a backslash there would be shown.
    let body = visible(text).replace('|', "\\u{7c}");
    let ticks = "`".repeat(longest_run(&body) + 1);
    // CommonMark strips one space from both ends of a code span; the padding also separates a backtick of the text from those
    // of the span.
    let edge = |c: Option<char>| matches!(c, Some('`' | ' '));
    let pad = if edge(body.chars().next()) || edge(body.chars().last()) {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{body}{pad}{ticks}")
}

/// Lines in a fence that is longer than any run of backticks inside; a tab stays a tab.
pub(super) fn fence<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut body = String::new();
    // A code block needs at least three backticks, one more than this.
    let mut longest = 2;
    for line in lines {
        // The documents have tab-separated columns; `visible` would show each tab as `\u{9}`.
        let columns: Vec<String> = line.split('\t').map(visible).collect();
        let line = columns.join("\t");
        longest = longest.max(longest_run(&line));
        body.push_str(&line);
        body.push('\n');
    }
    let ticks = "`".repeat(longest + 1);
    format!("{ticks}text\n{body}{ticks}")
}

/// Length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// What would make a line something else than a paragraph.
enum BlockMarker {
    /// An ASCII sign at this byte that a backslash makes plain.
    Sign(usize),
    /// Four spaces: a code block.
    Indent,
}

/// The block marker that a text begins with (CommonMark 0.31, chapter 4 and 5): of a heading, a list, a quotation, a break.
fn block_marker(text: &str) -> Option<BlockMarker> {
    let line = text.trim_start_matches(' ');
    let start = text.len() - line.len();
    if start >= 4 {
        return Some(BlockMarker::Indent);
    }
    let sign = line.chars().next()?;
    let after = line.trim_start_matches(sign);
    let ends_word = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    let only_signs = line.chars().all(|c| c == sign || c == ' ');
    let at = match sign {
        '>' => 0,
        '#' if ends_word(after) => 0,
        '-' | '+' if only_signs || ends_word(&line[1..]) => 0,
        '=' | '_' if only_signs => 0,
        '0'..='9' => {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let numbers = rest.starts_with(['.', ')']) && ends_word(&rest[1..]);
            numbers.then_some(line.len() - rest.len())?
        }
        _ => return None,
    };
    Some(BlockMarker::Sign(start + at))
}

/// Characters that start Markdown or HTML anywhere in a line. Those that matter only at its start are [`block_marker`]'s.
fn is_markup(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '[' | '<' | '&' | '|' | '~')
}

/// A letter that shows itself: the Hangul fillers are letters that nobody can see.
fn is_plain_letter(c: char) -> bool {
    let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c.is_alphabetic() && !filler && !is_mark(c)
}

/// Combining diacritical marks, U+0300 to U+036F.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn escape_into(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{code, fence, inline, visible};

    #[test]
    fn control_bidi_and_invisible_characters_are_shown() {
        assert_eq!(visible("a\u{1b}[31mb\r\n"), "a\\u{1b}[31mb\\u{d}\\u{a}");
        assert_eq!(visible("\u{202e}gnp\u{2066}"), "\\u{202e}gnp\\u{2066}");
        assert_eq!(
            visible("\u{200b}\u{3164}\u{7f}\u{9b}"),
            "\\u{200b}\\u{3164}\\u{7f}\\u{9b}"
        );
    }

    #[test]
    fn vietnamese_stays_composed_and_decomposed() {
        assert_eq!(
            visible("Điều 44 được triển khai"),
            "Điều 44 được triển khai"
        );
        assert_eq!(visible("o\u{31b}\u{309}"), "o\u{31b}\u{309}");
        assert_eq!(visible("\u{301}"), "\\u{301}");
        assert_eq!(
            visible(&format!("o{}", "\u{301}".repeat(4)))
                .matches("\\u")
                .count(),
            1
        );
    }

    #[test]
    fn running_text_is_no_markup() {
        assert_eq!(
            inline("<b>|`x`|[a](b) &#8238; *c* \\"),
            "\\<b>\\|\\`x\\`\\|\\[a](b) \\&#8238; \\*c\\* \\\\"
        );
    }

    #[test]
    fn running_text_is_no_heading_list_quotation_or_break() {
        for (text, expected) in [
            ("# a", "\\# a"),
            ("  ###", "  \\###"),
            ("- a", "\\- a"),
            ("+ a", "\\+ a"),
            ("---", "\\---"),
            ("===", "\\==="),
            ("_ _ _", "\\_ _ _"),
            (">a", "\\>a"),
            ("12. a", "12\\. a"),
            ("7)", "7\\)"),
            ("    a", "\\u{20}   a"),
            ("* a", "\\* a"),
            ("-5", "-5"),
            ("#7", "#7"),
            ("1.5 s", "1.5 s"),
            ("a - b", "a - b"),
            ("", ""),
        ] {
            assert_eq!(inline(text), expected);
        }
    }

    #[test]
    fn a_span_is_longer_than_its_backticks_and_has_no_pipe() {
        assert_eq!(code("a``b|c"), "```a``b\\u{7c}c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(""), "(empty)");
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        assert_eq!(
            fence(["a", "````", "b\tc"]),
            "`````text\na\n````\nb\tc\n`````"
        );
        assert_eq!(fence(["x\n```"]), "````text\nx\\u{a}```\n````");
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_line(text in any::<String>()) {
            for out in [visible(&text), inline(&text), code(&text)] {
                prop_assert!(out.chars().all(|c| !c.is_control()), "{out:?}");
            }
            let bare = inline(&text).replace("\\\\", "").replace("\\|", "");
            prop_assert!(!bare.contains('|'));
            let pipes = code(&text).contains('|');
            prop_assert!(!pipes);
        }
    }
}
