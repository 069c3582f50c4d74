//! A document as lines, without a copy of its text.
//! Invariant: all lines joined are the document, byte for byte. Held by the test `the_lines_joined_are_the_text`.

use std::ops::Range;
use std::sync::Arc;

/// Bytes at the beginning of a text from which the number of its lines is estimated.
const SAMPLE: usize = 64 << 10;

/// A text with the byte offsets at which its lines begin.
#[derive(Debug, Clone)]
pub struct Lines {
    text: Arc<String>,
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of `text`. An empty text has none; a last line without `\n` is one.
    pub fn of(text: impl Into<String>) -> Self {
        let text = Arc::new(text.into());
        let bytes = text.as_bytes();
        // Reserved once from an estimate: the list of a long document would otherwise be copied each time it grows.
        let mut starts = Vec::with_capacity(expected(bytes));
        if !bytes.is_empty() {
            starts.push(0);
        }
        for at in memchr::memchr_iter(b'\n', bytes) {
            if at + 1 < bytes.len() {
                starts.push(at + 1);
            }
        }
        Self { text, starts }
    }

    /// The whole text, all line breaks included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The byte range of a line, its line break included.
    pub fn range(&self, line: usize) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        at(line)..at(line + 1)
    }

    /// The byte range of some lines, line breaks included.
    pub fn bytes(&self, lines: Range<usize>) -> Range<usize> {
        self.range(lines.start).start..self.range(lines.end).start
    }

    /// A line with its line break, if it has one.
    pub fn whole(&self, line: usize) -> &str {
        &self.text[self.range(line)]
    }

    /// A line without its line break.
    pub fn line(&self, line: usize) -> &str {
        let whole = self.whole(line);
        whole.strip_suffix('\n').unwrap_or(whole)
    }

    /// Whether the last line lacks its line break.
    pub fn is_unended(&self) -> bool {
        !self.text.is_empty() && !self.text.ends_with('\n')
    }

    /// The line that holds a byte, by binary search.
    pub fn line_at(&self, byte: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= byte)
            .saturating_sub(1)
    }
}

/// How many lines there are if all are as long as the first ones. To reserve more would waste memory.
fn expected(bytes: &[u8]) -> usize {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let lines = memchr::memchr_iter(b'\n', sample).count() + 1;
    (bytes.len() / sample.len().max(1)).saturating_mul(lines) + 1
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn the_lines_joined_are_the_text() {
        for text in ["", "\n", "a", "a\n", "a\n\nb", "\r\n\n漢\n\u{2028}"] {
            let lines = Lines::of(text);
            let joined: String = (0..lines.count()).map(|line| lines.whole(line)).collect();
            assert_eq!(joined, text);
            assert_eq!(
                lines.is_unended(),
                !text.is_empty() && !text.ends_with('\n')
            );
        }
        let lines = Lines::of("ab\ncd\n");
        assert_eq!(
            (lines.line_at(0), lines.line_at(2), lines.line_at(3)),
            (0, 0, 1)
        );
        assert_eq!(lines.line(1), "cd");
    }
}
