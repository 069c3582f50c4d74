//! Finding a text in a document. Invariant: small letters find both cases of ASCII, a capital finds itself alone.

use super::Lines;

impl Lines {
    /// The first line from `line` on that holds `wanted`.
    pub fn find(&self, wanted: &str, line: usize) -> Option<usize> {
        let from = self.range(line).start;
        let at = find(&self.text().as_bytes()[from..], wanted)?;
        Some(self.line_at(from + at))
    }

    /// The last line before `line` that holds `wanted`.
    pub fn find_back(&self, wanted: &str, line: usize) -> Option<usize> {
        let holds = |line: &usize| find(self.line(*line).as_bytes(), wanted).is_some();
        (0..line.min(self.count())).rev().find(holds)
    }
}

/// Where `wanted` first stands in `text`.
fn find(text: &[u8], wanted: &str) -> Option<usize> {
    if wanted.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return memchr::memmem::find(text, wanted.as_bytes());
    }
    let wanted = wanted.as_bytes();
    let first = *wanted.first()?;
    let mut places = memchr::memchr2_iter(first, first.to_ascii_uppercase(), text);
    places.find(|at| {
        let here = text.get(*at..*at + wanted.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_found_in_both_directions() {
        let lines = Lines::of("Select a\nfrom b\nselect c\n");
        assert_eq!(lines.find("select", 0), Some(0));
        assert_eq!(lines.find("select", 1), Some(2));
        assert_eq!(lines.find("Select", 1), None);
        assert_eq!(lines.find("", 0), None);
        assert_eq!(lines.find("a", 9), None);
        assert_eq!(lines.find_back("select", 2), Some(0));
        assert_eq!(lines.find_back("select", 0), None);
    }
}
