//! One line of text with inks: built, padded, cut with a mark, wrapped. It holds only [`Shown`] text.

use std::borrow::Cow;

use super::Shown;
use crate::tui::theme::Ink;

/// A line of pieces, each with its ink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(Vec<(Shown, Ink)>);

impl Text {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line in plain ink.
    pub fn plain<'a>(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new().with(Ink::Plain, text)
    }

    /// A line in one ink.
    pub fn inked<'a>(ink: Ink, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new().with(ink, text)
    }

    /// The line with more text behind it.
    #[must_use]
    pub fn with<'a>(mut self, ink: Ink, text: impl Into<Cow<'a, str>>) -> Self {
        self.push(ink, text);
        self
    }

    /// Appends text in an ink.
    pub fn push<'a>(&mut self, ink: Ink, text: impl Into<Cow<'a, str>>) {
        let shown = Shown::of(text);
        if !shown.as_str().is_empty() {
            self.0.push((shown, ink));
        }
    }

    /// The line with another line behind it.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line, cut or padded so that it is exactly `width` columns, with one more piece behind it.
    #[must_use]
    pub fn to_column(self, width: usize) -> Self {
        let fit = self.clip(width, "…");
        let missing = width - fit.width();
        fit.with(Ink::Plain, " ".repeat(missing))
    }

    /// The line with spaces before it, so that it ends at column `width`; cut if it is longer.
    #[must_use]
    pub fn right(self, width: usize) -> Self {
        let fit = self.clip(width, "…");
        Self::plain(" ".repeat(width - fit.width())).then(fit)
    }

    /// The pieces with their inks.
    pub fn pieces(&self) -> impl Iterator<Item = (&Shown, Ink)> {
        self.0.iter().map(|(shown, ink)| (shown, *ink))
    }

    /// Columns it takes on screen.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(shown, _)| shown.width()).sum()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without ink.
    pub fn flat(&self) -> String {
        self.0.iter().map(|(shown, _)| shown.as_str()).collect()
    }

    /// The line with each piece as it is shown elsewhere.
    #[must_use]
    pub fn shown_as(&self, shown: impl Fn(&Shown) -> Shown) -> Self {
        Self(
            self.0
                .iter()
                .map(|(piece, ink)| (shown(piece), *ink))
                .collect(),
        )
    }

    /// The whole line in one ink.
    #[must_use]
    pub fn all_in(mut self, ink: Ink) -> Self {
        for piece in &mut self.0 {
            piece.1 = ink;
        }
        self
    }

    /// The line if it fits `width`, else its beginning with `mark` and, where there is room, the count of columns cut off.
    #[must_use]
    pub fn clip(self, width: usize, mark: &str) -> Self {
        let whole = self.width();
        if whole <= width {
            return self;
        }
        let mark_width = Shown::of(mark).width();
        let counted = |kept: usize| format!("{mark}+{}", whole - kept);
        // Room for the largest count that is possible.
        let digits = counted(0).chars().count() + mark_width - mark.chars().count();
        // In less room the count would leave almost nothing of the text.
        if width >= digits + 6 {
            let (head, kept) = self.head(width - digits);
            return head.with(Ink::Dim, counted(kept));
        }
        if width < mark_width {
            return self.head(width).0;
        }
        self.head(width - mark_width).0.with(Ink::Dim, mark)
    }

    /// The beginning that fits `width` columns, and how many columns that is.
    fn head(&self, width: usize) -> (Self, usize) {
        let mut head = Self::new();
        let mut used = 0;
        for (shown, ink) in &self.0 {
            let (fits, rest) = shown.split_at_width(width - used);
            used += fits.width();
            if !fits.as_str().is_empty() {
                head.0.push((fits, *ink));
            }
            if !rest.as_str().is_empty() {
                break;
            }
        }
        (head, used)
    }

    /// The line broken at spaces into lines of at most `width` columns; a word longer than that is broken where it must.
    pub fn wrap(&self, width: usize) -> Vec<Self> {
        if width == 0 {
            return Vec::new();
        }
        let mut lines = vec![Self::new()];
        let mut used = 0;
        for (word, spaces, ink) in self.words() {
            let mut word = word;
            let need = word.width();
            if used > 0 && used + spaces + need > width {
                lines.push(Self::new());
                used = 0;
            } else if spaces > 0 && (used > 0 || lines.len() == 1) {
                // Indentation of the first line is kept; where a line is broken the blanks go.
                let room = spaces.min(width - used);
                push_last(&mut lines, Shown::of(" ".repeat(room)), ink);
                used += room;
            }
            while word.width() > width - used {
                let (fits, rest) = word.split_at_width(width - used);
                // A character wider than the line would never fit: it is put there all the same, or this would not end.
                if fits.as_str().is_empty() && used == 0 {
                    break;
                }
                push_last(&mut lines, fits, ink);
                lines.push(Self::new());
                used = 0;
                word = rest;
            }
            used += word.width();
            push_last(&mut lines, word, ink);
        }
        lines
    }

    /// Words, each with the number of spaces before it.
    fn words(&self) -> Vec<(Shown, usize, Ink)> {
        let mut words = Vec::new();
        let mut spaces = 0;
        for (shown, ink) in &self.0 {
            for (nth, word) in shown.as_str().split(' ').enumerate() {
                spaces += usize::from(nth > 0);
                if !word.is_empty() {
                    words.push((Shown::of(word), spaces, *ink));
                    spaces = 0;
                }
            }
        }
        words
    }
}

fn push_last(lines: &mut [Text], shown: Shown, ink: Ink) {
    if let Some(last) = lines.last_mut()
        && !shown.as_str().is_empty()
    {
        last.0.push((shown, ink));
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn a_cut_carries_a_mark_and_a_count() {
        assert_eq!(
            Text::plain("abcdefghijklmnop").clip(12, "…").flat(),
            "abcdefgh…+8"
        );
        assert_eq!(Text::plain("abcdefgh").clip(5, "…").flat(), "abcd…");
        assert_eq!(Text::plain("abc").clip(3, "…").flat(), "abc");
        assert_eq!(Text::plain("abc").to_column(5).flat(), "abc  ");
        assert_eq!(Text::plain("60").right(5).flat(), "   60");
    }

    #[test]
    fn lines_break_at_spaces_and_lose_nothing() {
        let lines: Vec<String> = Text::plain("one two  three")
            .wrap(8)
            .iter()
            .map(Text::flat)
            .collect();
        assert_eq!(lines, ["one two", "three"]);
        let lines: Vec<String> = Text::plain("abcdefghij k")
            .wrap(4)
            .iter()
            .map(Text::flat)
            .collect();
        assert_eq!(lines, ["abcd", "efgh", "ij k"]);
    }
}
