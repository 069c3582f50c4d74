//! Finding a text in documents. Invariant: small letters find both cases of ASCII, a capital finds itself alone; what is equal on both sides is read once.

use std::ops::Range;

use super::{Alignment, Lines, Side, Sides};

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// Bytes of a sample, from which it is learnt which of the wanted bytes are rare in a document.
const SAMPLE: usize = 2 << 10;
/// How many of them, spread over the document.
const SAMPLES: usize = 5;
/// Bytes looked at before a match among them is taken, on the way back.
const BACK: usize = 32 << 10;

/// A byte of the wanted text, and where it stands in it.
#[derive(Debug, Clone, Copy, Default)]
struct Probe {
    offset: usize,
    /// Set before comparing: what tells a capital from a small letter.
    fold: u8,
    byte: u8,
}

impl Probe {
    fn is_at(self, byte: u8) -> bool {
        byte | self.fold == self.byte
    }
}

/// The two of some probes that are least often right together in samples of a text.
fn rarest(all: &[Probe], text: &[u8]) -> [Probe; 2] {
    let step = (text.len() / SAMPLES).max(SAMPLE);
    let starts = (0..SAMPLES).map(|nth| nth * step + step / 2);
    let windows: Vec<&[u8]> = starts
        .filter_map(|start| text.get(start..(start + SAMPLE).min(text.len())))
        .flat_map(|sample| sample.windows(all.len().max(1)))
        .collect();
    let right = |probe: &Probe, window: &[u8]| probe.is_at(window[probe.offset]);
    let often = |probe: &Probe, among: &[&[u8]]| among.iter().filter(|at| right(probe, at)).count();
    let first = all.iter().min_by_key(|probe| often(probe, &windows));
    let first = first.copied().unwrap_or_default();
    let left: Vec<&[u8]> = windows.into_iter().filter(|at| right(&first, at)).collect();
    let others = all.iter().filter(|probe| probe.offset != first.offset);
    let second = others.min_by_key(|probe| often(probe, &left));
    [first, second.copied().unwrap_or(first)]
}

/// A text that is looked for. Two of its bytes, seldom right together, are looked for first, block by block.
#[derive(Debug, Clone)]
pub struct Wanted {
    bytes: Vec<u8>,
    folds: bool,
    probes: [Probe; 2],
}

impl Wanted {
    /// Prepares a search in documents like `sample`.
    pub fn of(text: &str, sample: &Lines) -> Self {
        let bytes = text.as_bytes().to_vec();
        let folds = !bytes.iter().any(u8::is_ascii_uppercase);
        let fold = |byte: &u8| 0x20 * u8::from(folds && byte.is_ascii_alphabetic());
        let all: Vec<Probe> = bytes
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
            probes: rarest(&all, sample.text().as_bytes()),
        }
    }

    /// Where it first stands in `text`.
    fn first_in(&self, text: &[u8]) -> Option<usize> {
        let [one, two] = self.probed(text)?;
        let (ones, one_rest) = one.as_chunks::<BLOCK>();
        let (twos, two_rest) = two.as_chunks::<BLOCK>();
        let likely =
            |(_, (one, two)): &(usize, (&[u8; BLOCK], &[u8; BLOCK]))| self.likely(one, two);
        let mut blocks = ones.iter().zip(twos).enumerate().filter(likely);
        let [first, second] = self.probes;
        let within = |start: usize, length: usize| {
            (start..start + length)
                .filter(|at| first.is_at(one[*at]) && second.is_at(two[*at]))
                .find(|at| self.is_at(text, *at))
        };
        blocks
            .find_map(|(nth, _)| within(nth * BLOCK, BLOCK))
            .or_else(|| {
                let start = ones.len() * BLOCK;
                within(start, one_rest.len().min(two_rest.len()))
            })
    }

    /// Where it last stands in `text`.
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

    /// The text as each of the probes sees it: byte `n` of both belongs to a match that begins at `n`.
    fn probed<'a>(&self, text: &'a [u8]) -> Option<[&'a [u8]; 2]> {
        let starts = (text.len() + 1).checked_sub(self.bytes.len())?;
        if self.bytes.is_empty() {
            return None;
        }
        Some(
            self.probes
                .map(|probe| &text[probe.offset..probe.offset + starts]),
        )
    }

    /// Whether a match may begin in a block. Written so that the compiler compares many bytes at a time.
    fn likely(&self, one: &[u8; BLOCK], two: &[u8; BLOCK]) -> bool {
        let [first, second] = self.probes;
        let mut any = 0;
        for at in 0..BLOCK {
            any |= u8::from(first.is_at(one[at])) & u8::from(second.is_at(two[at]));
        }
        any != 0
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

    /// The first of some lines that holds it.
    fn first_line(&self, lines: &Lines, among: Range<usize>) -> Option<usize> {
        let bytes = lines.bytes(among);
        let at = self.first_in(&lines.text().as_bytes()[bytes.clone()])?;
        Some(lines.line_at(bytes.start + at))
    }

    /// The last of some lines that holds it.
    fn last_line(&self, lines: &Lines, among: Range<usize>) -> Option<usize> {
        let bytes = lines.bytes(among);
        let at = self.last_in(&lines.text().as_bytes()[bytes.clone()])?;
        Some(lines.line_at(bytes.start + at))
    }
}

impl Alignment {
    /// The first row from `row` on that holds `wanted` on a side.
    pub fn find(&self, documents: Sides<&Lines>, wanted: &Wanted, row: usize) -> Option<usize> {
        self.parts_from(row).find_map(|part| {
            let side = |side: Side| {
                let among = part.lines.get(side).clone();
                let line = wanted.first_line(documents.get(side), among)?;
                Some(self.row_of(side, line))
            };
            let hits = [Some(Side::Before), part.differs.then_some(Side::After)];
            hits.into_iter().flatten().filter_map(side).min()
        })
    }

    /// The last row before `row` that holds `wanted` on a side.
    pub fn find_back(
        &self,
        documents: Sides<&Lines>,
        wanted: &Wanted,
        row: usize,
    ) -> Option<usize> {
        self.parts_until(row).find_map(|part| {
            let side = |side: Side| {
                let among = part.lines.get(side).clone();
                let line = wanted.last_line(documents.get(side), among)?;
                Some(self.row_of(side, line))
            };
            let hits = [Some(Side::Before), part.differs.then_some(Side::After)];
            hits.into_iter().flatten().filter_map(side).max()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use crate::survey::{Alignment, Lines, Shape, Sides};

    /// The plain way: row by row, byte by byte.
    fn rows(
        before: &str,
        after: &str,
        wanted: &str,
    ) -> (Vec<usize>, usize, impl Fn(bool, usize) -> Option<usize>) {
        let documents = Sides::new(Lines::of(before), Lines::of(after));
        let alignment = Alignment::of(documents.as_ref(), Shape::Text);
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
        let wanted = Wanted::of(wanted, &documents.before);
        let count = alignment.rows();
        let find = move |forward: bool, row: usize| {
            let documents = documents.as_ref();
            if forward {
                alignment.find(documents, &wanted, row)
            } else {
                alignment.find_back(documents, &wanted, row)
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
