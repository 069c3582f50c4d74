//! Text that is safe to show.
//! Invariant: no control, bidirectional or invisible character reaches the terminal (test
//! `what_acts_reorders_or_hides_is_written_out`); other files can make a [`Shown`] only with `Shown::of`.
//!
//! What is shown is measured over and over for each frame, and most of it is ASCII. Control characters were written out, so
//! there a byte is a column.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Combining marks that stay on one letter; more of them would be drawn over the lines above and are written out.
const MARKS_MAX: usize = 3;

/// Escaped text: the only kind that widgets take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown(String);

impl Shown {
    /// Escapes `text`: what could act on a terminal, reorder a line or hide in it becomes `\u{..}`.
    pub fn of<'a>(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        // The common case without a walk over graphemes.
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Self(text.into_owned());
        }
        let mut shown = String::with_capacity(text.len());
        for grapheme in text.graphemes(true) {
            push_grapheme(&mut shown, grapheme);
        }
        Self(shown)
    }

    /// The text as it may be drawn.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Columns it takes on screen.
    pub fn width(&self) -> usize {
        if self.0.is_ascii() {
            return self.0.len();
        }
        self.0.graphemes(true).map(columns).sum()
    }

    /// The longest beginning that fits `width` columns, and the rest.
    pub fn split_at_width(&self, width: usize) -> (Self, Self) {
        if self.0.is_ascii() {
            let (fitting, rest) = self.0.split_at(width.min(self.0.len()));
            return (Self(fitting.to_owned()), Self(rest.to_owned()));
        }
        let mut used = 0;
        for (at, grapheme) in self.0.grapheme_indices(true) {
            used += columns(grapheme);
            if used > width {
                return (Self(self.0[..at].to_owned()), Self(self.0[at..].to_owned()));
            }
        }
        (self.clone(), Self::default())
    }

    /// The longest end that fits `width` columns.
    #[must_use]
    pub fn end_of_width(&self, width: usize) -> Self {
        if self.0.is_ascii() {
            let start = self.0.len().saturating_sub(width);
            return Self(self.0[start..].to_owned());
        }
        let mut used = 0;
        let mut start = self.0.len();
        for (at, grapheme) in self.0.grapheme_indices(true).rev() {
            used += columns(grapheme);
            if used > width {
                break;
            }
            start = at;
        }
        Self(self.0[start..].to_owned())
    }

    /// The same with every character outside ASCII written out as `\u{..}`.
    #[must_use]
    pub fn ascii(&self) -> Self {
        let mut ascii = String::with_capacity(self.0.len());
        for c in self.0.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                let _ = write!(ascii, "\\u{{{:x}}}", u32::from(c));
            }
        }
        Self(ascii)
    }
}

/// Columns of one grapheme, as the drawing library counts them.
fn columns(grapheme: &str) -> usize {
    UnicodeWidthStr::width(grapheme)
}

fn push_grapheme(shown: &mut String, grapheme: &str) {
    let mut marks = 0;
    for (nth, c) in grapheme.chars().enumerate() {
        let mark = c.width() == Some(0);
        marks += usize::from(mark);
        // A mark at the beginning of a grapheme has no letter to stand on: it would combine with what is drawn before it.
        if is_hostile(c) || (mark && (nth == 0 || marks > MARKS_MAX)) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
}

/// Characters that act, reorder or hide.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            // Among them: blanks that look like a space, soft hyphen, Hangul fillers, variation selectors, zero-width and bidirectional controls, the byte
            // order mark, tag characters.
            0xa0
                | 0xad
                | 0x34f
                | 0x61c
                | 0x115f
                | 0x1160
                | 0x17b4
                | 0x17b5
                | 0x180b..=0x180f
                | 0x1680
                | 0x2000..=0x200f
                | 0x2028..=0x202f
                | 0x205f..=0x206f
                | 0x3000
                | 0x3164
                | 0xfe00..=0xfe0f
                | 0xfeff
                | 0xffa0
                | 0xfff0..=0xfffb
                | 0x1_3430..=0x1_345f
                | 0x1_bca0..=0x1_bca3
                | 0x1_d173..=0x1_d17a
                | 0xe_0000..=0xe_0fff
        )
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn what_acts_reorders_or_hides_is_written_out() {
        for (raw, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\u{9b}b\u{7f}", "a\\u{9b}b\\u{7f}"),
            ("abc\u{202e}def", "abc\\u{202e}def"),
            ("x\u{200b}y\u{2066}", "x\\u{200b}y\\u{2066}"),
            ("line\nline\t\r", "line\\u{a}line\\u{9}\\u{d}"),
            ("\u{301}a", "\\u{301}a"),
            ("e\u{301}", "e\u{301}"),
            ("\u{feff}\u{e0041}", "\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(Shown::of(raw).as_str(), shown);
        }
    }

    #[test]
    fn columns_are_those_of_the_screen() {
        assert_eq!(Shown::of("漢字").width(), 4);
        assert_eq!(Shown::of("e\u{301}a").width(), 2);
        let (one, rest) = Shown::of("漢字x").split_at_width(3);
        assert_eq!((one.as_str(), rest.as_str()), ("漢", "字x"));
        assert_eq!(Shown::of("漢字x").end_of_width(2).as_str(), "x");
        assert_eq!(Shown::of("漢x").ascii().as_str(), "\\u{6f22}x");
        for (raw, columns) in [("", 0), ("plain", 5), ("a\tb", 7), ("a\u{7f}", 7)] {
            let shown = Shown::of(raw);
            assert_eq!(shown.width(), columns, "{raw:?}");
            for width in 0..=columns + 1 {
                let (one, rest) = shown.split_at_width(width);
                assert_eq!(one.width(), width.min(columns));
                assert_eq!(format!("{}{}", one.as_str(), rest.as_str()), shown.as_str());
                let end = shown.end_of_width(width);
                assert_eq!(end.width(), width.min(columns));
                assert!(shown.as_str().ends_with(end.as_str()));
            }
        }
    }
}
