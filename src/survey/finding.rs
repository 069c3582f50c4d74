//! Text search in a pair of aligned documents. A pattern without ASCII capitals ignores the case of ASCII letters; one with
//! a capital is matched exactly.
//! Invariant: forward and backward search find what a search row by row finds.
//! Held by the test `every_match_is_found_in_both_directions_and_from_every_row`.

use std::ops::Range;

use super::align::AlignedPart;
use super::{Alignment, Lines, Side, Sides};

/// Bytes that are compared as one block.
const BLOCK: usize = 64;
/// Bytes of one sample of a document. Samples tell which bytes of the pattern are rare there.
const SAMPLE: usize = 2 << 10;
/// How many samples are taken, spread over the document.
const SAMPLES: usize = 5;
/// How many bytes of the pattern are looked for before the whole pattern is compared.
const PROBES: usize = 4;
/// Lines of the left side that are searched in one go.
const SPAN: usize = 1 << 10;
/// Bytes that a backward search looks through at a time, from the end.
const BACK: usize = 32 << 10;

/// One byte of the pattern, and its place in the pattern.
#[derive(Debug, Clone, Copy, Default)]
struct Probe {
    offset: usize,
    /// The bit that is set in a byte of the text before it is compared: 0x20 turns an ASCII capital into a
    /// small letter, 0 changes nothing.
    fold: u8,
    byte: u8,
}

impl Probe {
    fn is_at(self, byte: u8) -> bool {
        byte | self.fold == self.byte
    }
}

/// The probes that are least often right at the same place of the samples, the rarest first.
fn rarest(mut all: Vec<Probe>, text: &[u8]) -> [Probe; PROBES] {
    let step = (text.len() / SAMPLES).max(SAMPLE);
    let starts = (0..SAMPLES).map(|nth| nth * step + step / 2);
    let mut left: Vec<&[u8]> = starts
        .filter_map(|start| text.get(start..(start + SAMPLE).min(text.len())))
        .flat_map(|sample| sample.windows(all.len().max(1)))
        .collect();
    let often = |probe: &Probe, among: &[&[u8]]| {
        let right = among
            .iter()
            .filter(|window| probe.is_at(window[probe.offset]));
        right.count()
    };
    // The sort is the tie-break: `min_by_key` takes the first of equals, which then is the one that is rarer by itself.
    all.sort_by_cached_key(|probe| often(probe, &left));
    // A pattern with fewer bytes than probes repeats its last probe.
    let mut last = Probe::default();
    std::array::from_fn(|_| {
        let next = (0..all.len()).min_by_key(|nth| often(&all[*nth], &left));
        if let Some(nth) = next {
            last = all.remove(nth);
            let right = |window: &&[u8]| last.is_at(window[last.offset]);
            // A probe that is right nowhere in the samples may be right everywhere in another part of the document. If it
            // emptied the list, the other probes would be chosen without any knowledge.
            if left.iter().any(right) {
                left.retain(right);
            }
        }
        last
    })
}

/// A text to search for. Four of its bytes, rarely right at the same place, are probed first, block by block: two of them
/// everywhere, the other two only where those two are right.
#[derive(Debug, Clone)]
pub struct SearchPattern {
    bytes: Vec<u8>,
    folds: bool,
    probes: [Probe; PROBES],
}

impl SearchPattern {
    /// Prepares a search. `sample` is one of the documents: it decides which bytes are probed, never what is found.
    pub fn of(text: &str, sample: &Lines) -> Self {
        let bytes = text.as_bytes().to_vec();
        let folds = !bytes.iter().any(u8::is_ascii_uppercase);
        let fold = |byte: &u8| 0x20 * u8::from(folds && byte.is_ascii_alphabetic());
        let all = bytes
            .iter()
            .enumerate()
            .map(|(offset, byte)| Probe {
                offset,
                fold: fold(byte),
                byte: *byte,
            })
            .collect();
        Self {
            bytes,
            folds,
            probes: rarest(all, sample.text().as_bytes()),
        }
    }

    /// The first place in `text`, in bytes.
    fn first_in(&self, text: &[u8]) -> Option<usize> {
        let probed = self.probed(text)?;
        // Every probe sees the text shifted by its own offset, so one index means one start of a match for all of them.
        let blocks = probed.map(|bytes| bytes.as_chunks::<BLOCK>().0);
        let [ones, twos, ..] = blocks;
        let mut places = ones.iter().zip(twos).enumerate();
        let hit = places.find_map(|(nth, (one, two))| {
            if !likely(&self.probes, [one, two]) {
                return None;
            }
            let all = blocks.map(|blocks| &blocks[nth]);
            let here = nth * BLOCK..(nth + 1) * BLOCK;
            let whole = likely(&self.probes, all).then(|| self.among(text, here));
            whole.flatten()
        });
        // The bytes behind the last whole block are compared one by one.
        hit.or_else(|| self.among(text, ones.len() * BLOCK..probed[0].len()))
    }

    /// The first of some starts at which the whole pattern stands.
    fn among(&self, text: &[u8], mut places: Range<usize>) -> Option<usize> {
        // The rarest byte first: most places fail on it alone.
        let rare = self.probes[0];
        places.find(|at| rare.is_at(text[at + rare.offset]) && self.is_at(text, *at))
    }

    /// The last place in `text`, in bytes.
    fn last_in(&self, text: &[u8]) -> Option<usize> {
        let mut end = text.len();
        loop {
            let start = end.saturating_sub(BACK);
            // A match may begin before `end` and go on behind it.
            let reach = (end + self.bytes.len().saturating_sub(1)).min(text.len());
            let mut last = None;
            let mut from = start;
            while let Some(at) = self.first_in(&text[from..reach]) {
                last = Some(from + at);
                from += at + 1;
            }
            if last.is_some() || start == 0 {
                return last;
            }
            end = start;
        }
    }

    /// The text as each probe sees it: byte `n` of each slice belongs to a match that begins at `n`. `None`: the pattern is
    /// empty or longer than the text.
    fn probed<'a>(&self, text: &'a [u8]) -> Option<[&'a [u8]; PROBES]> {
        let starts = (text.len() + 1).checked_sub(self.bytes.len())?;
        if self.bytes.is_empty() {
            return None;
        }
        Some(
            self.probes
                .map(|probe| &text[probe.offset..probe.offset + starts]),
        )
    }

    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let here = text.get(at..at + self.bytes.len());
        here.is_some_and(|here| {
            if self.folds {
                here.eq_ignore_ascii_case(&self.bytes)
            } else {
                here == self.bytes
            }
        })
    }

    /// The first of some lines that holds the pattern.
    fn first_line(&self, lines: &Lines, among: Range<usize>) -> Option<usize> {
        let bytes = lines.bytes(among);
        let at = self.first_in(&lines.text().as_bytes()[bytes.clone()])?;
        Some(lines.line_at(bytes.start + at))
    }

    /// The last of some lines that holds the pattern.
    fn last_line(&self, lines: &Lines, among: Range<usize>) -> Option<usize> {
        let bytes = lines.bytes(among);
        let at = self.last_in(&lines.text().as_bytes()[bytes.clone()])?;
        Some(lines.line_at(bytes.start + at))
    }
}

/// Whether the first `N` probes are right together at some place of a block. Without branches or an early exit, so that the
/// compiler compares many bytes at once.
fn likely<const N: usize>(probes: &[Probe; PROBES], blocks: [&[u8; BLOCK]; N]) -> bool {
    let mut any = 0;
    for at in 0..BLOCK {
        let mut right = 1;
        for (probe, block) in probes.iter().zip(blocks) {
            right &= u8::from(probe.is_at(block[at]));
        }
        any |= right;
    }
    any != 0
}

impl Alignment {
    /// The first row of a range that holds the pattern on one of the sides.
    pub fn find(
        &self,
        documents: Sides<&Lines>,
        wanted: &SearchPattern,
        rows: Range<usize>,
    ) -> Option<usize> {
        let mut parts = self.parts_of(rows);
        let mut spans = std::iter::from_fn(|| Span::next(&mut parts));
        spans.find_map(|span| {
            let one = wanted.first_line(documents.before, span.before);
            let mut others = span.after.into_iter();
            let two = others.find_map(|lines| wanted.first_line(documents.after, lines));
            // Both sides of the span are searched to their first hit; the smaller row is the answer.
            self.rows_of(one, two).min()
        })
    }

    /// The last row of a range that holds the pattern on one of the sides.
    pub fn find_back(
        &self,
        documents: Sides<&Lines>,
        wanted: &SearchPattern,
        rows: Range<usize>,
    ) -> Option<usize> {
        let mut parts = self.parts_of(rows).rev();
        let mut spans = std::iter::from_fn(|| Span::next(&mut parts));
        spans.find_map(|span| {
            let one = wanted.last_line(documents.before, span.before);
            let mut others = span.after.into_iter();
            let two = others.find_map(|lines| wanted.last_line(documents.after, lines));
            self.rows_of(one, two).max()
        })
    }

    fn rows_of(&self, before: Option<usize>, after: Option<usize>) -> impl Iterator<Item = usize> {
        let row = |side: Side, line: Option<usize>| line.map(|line| self.row_of(side, line));
        let hits = [row(Side::Before, before), row(Side::After, after)];
        hits.into_iter().flatten()
    }
}

/// Neighbouring parts that are searched in one go. Many short ranges, one after the other, are read more
/// slowly than a long one.
#[derive(Default)]
struct Span {
    /// All lines of the left side, from the first to the last part.
    before: Range<usize>,
    /// Lines of the right side that differ, in the order of the parts. Equal lines are searched on the left side only.
    after: Vec<Range<usize>>,
}

impl Span {
    /// The next parts, in the direction of the iterator; `None`: there are no more.
    fn next(parts: &mut impl Iterator<Item = AlignedPart>) -> Option<Self> {
        let mut span = None::<Self>;
        for part in parts {
            let span = span.get_or_insert_default();
            let (known, more) = (span.before.clone(), part.lines.before);
            // An empty range (only added lines) says nothing about where the span begins or ends.
            span.before = match (known.is_empty(), more.is_empty()) {
                (true, _) => more,
                (false, true) => known,
                (false, false) => known.start.min(more.start)..known.end.max(more.end),
            };
            span.after.extend(part.differs.then_some(part.lines.after));
            if span.before.len() >= SPAN {
                break;
            }
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use super::SearchPattern;
    use crate::survey::{Alignment, DocumentShape, Lines, Sides};

    /// The plain search, row by row and byte by byte, to compare with.
    fn rows(
        before: &str,
        after: &str,
        wanted: &str,
    ) -> (Vec<usize>, usize, impl Fn(bool, usize) -> Option<usize>) {
        let documents = Sides::new(Lines::of(before), Lines::of(after));
        let alignment = Alignment::of(documents.as_ref(), DocumentShape::Text);
        let holds = |line: &str| {
            if wanted.bytes().any(|byte| byte.is_ascii_uppercase()) {
                line.contains(wanted)
            } else {
                line.to_ascii_lowercase().contains(wanted)
            }
        };
        let hits = (0..alignment.rows())
            .filter(|row| {
                let row = alignment.row(*row);
                let mut sides = crate::survey::Side::BOTH.into_iter();
                sides.any(|side| {
                    row.line(side)
                        .is_some_and(|line| holds(documents.get(side).line(line)))
                })
            })
            .collect();
        let wanted = SearchPattern::of(wanted, &documents.before);
        let count = alignment.rows();
        let find = move |forward: bool, row: usize| {
            let documents = documents.as_ref();
            if forward {
                alignment.find(documents, &wanted, row..count)
            } else {
                alignment.find_back(documents, &wanted, 0..row)
            }
        };
        (hits, count, find)
    }

    #[test]
    fn every_match_is_found_in_both_directions_and_from_every_row() {
        let long: String = (0..90).fold(String::new(), |text, n| {
            text + &format!("row {n} of a Table, Điều {n}\n")
        });
        let changed = long
            .replace("row 17 ", "ROW 17 ")
            .replace("row 60 of", "line 60 of")
            .replace("row 40 ", "row 40 \nnew row 41 ");
        let documents = [
            (
                "Select a\nfrom b\nselect c\n",
                "Select a\nfrom select\nselect d\nx",
            ),
            ("", "a\n"),
            ("a", ""),
            (long.as_str(), changed.as_str()),
        ];
        for (before, after) in documents {
            for wanted in [
                "select",
                "Select",
                "a",
                "x",
                "row 17 ",
                "ROW",
                "9 of a table",
                "Điều 8",
                "line",
                "absent",
                "row 89 of a Table, Điều 89 and more",
            ] {
                let (hits, count, find) = rows(before, after, wanted);
                for row in 0..=count {
                    assert_eq!(
                        find(true, row),
                        hits.iter().copied().find(|hit| *hit >= row),
                        "{wanted:?} from {row}"
                    );
                    assert_eq!(
                        find(false, row),
                        hits.iter().copied().rfind(|hit| *hit < row),
                        "{wanted:?} before {row}"
                    );
                }
            }
        }
    }

    /// Texts of many rows. `make check` leaves these out.
    mod exhaustive {
        use super::*;

        #[test]
        fn matches_of_either_side_are_found_in_the_order_of_their_rows() {
            let line = |n: usize| format!("row {n} of many\n");
            let text = |words: &dyn Fn(usize) -> String| (0..82_000).map(words).collect::<String>();
            let before = text(&|n| match n {
                900 | 42_400 => "only the left has Stone\n".to_owned(),
                64_200 => "both have stone\n".to_owned(),
                _ => line(n),
            });
            let after = text(&|n| match n {
                100 | 899 | 42_300 | 81_900 => line(n) + "only the right has stone\n",
                901 => "another stone\n".to_owned(),
                64_200 => "both have stone\n".to_owned(),
                _ => line(n),
            });
            let (hits, count, find) = rows(&before, &after, "stone");
            // A line that is only on the left and one that is only on the right became one row.
            assert_eq!(hits.len(), 7);
            let beside = hits.iter().flat_map(|hit| hit.saturating_sub(2)..hit + 3);
            for row in beside.chain((0..=count).step_by(8_000)) {
                let (next, last) = (
                    hits.iter().copied().find(|hit| *hit >= row),
                    hits.iter().copied().rfind(|hit| *hit < row),
                );
                assert_eq!((find(true, row), find(false, row)), (next, last), "{row}");
            }
            let (_, count, find) = rows(&before, &after, "absent");
            assert_eq!((find(true, 0), find(false, count)), (None, None));
        }

        #[test]
        fn a_match_far_back_and_across_blocks_is_found() {
            let filler = "abcdefghij klmnop\n".repeat(5_000);
            for pad in 0..70 {
                let text = format!("{}Needle in {filler}", "x".repeat(pad));
                let (_, count, find) = rows(&text, &text, "needle in a");
                assert_eq!(
                    (find(true, 0), find(false, count)),
                    (Some(0), Some(0)),
                    "{pad}"
                );
            }
            let (_, _, find) = rows("a\n", "b\n", "");
            assert_eq!((find(true, 0), find(false, 9)), (None, None));
        }
    }
}
