//! Which lines of a hunk belong together, by key or by similarity. The work is limited by `COMPARISONS_MAX` and `HUNK_MAX`.
//! Invariant: order is kept and no line is used twice. Held by the test
//! `every_line_of_each_side_is_in_one_row_in_order` of tests/align.rs.

use std::collections::HashMap;
use std::ops::Range;

use super::align::{AlignedRow, DocumentShape};
use super::{Lines, Sides};

/// Comparisons of two lines for a whole document; a hunk beyond that is paired in order.
const COMPARISONS_MAX: usize = 200_000;
/// Comparisons of two lines for one hunk (removed times added lines); a larger hunk is paired in order.
const HUNK_MAX: usize = 2_500;
/// How similar two lines must be to stand beside each other, in percent.
const ALIKE_MIN: usize = 40;

/// Comparisons that were made for a document so far.
#[derive(Debug, Default)]
pub(super) struct Work {
    comparisons: usize,
}

/// The rows of a hunk; `None`: lines stand beside each other in order, which needs no list.
pub(super) fn pair(
    documents: Sides<&Lines>,
    before: &Range<usize>,
    after: &Range<usize>,
    shape: DocumentShape,
    work: &mut Work,
) -> Option<Box<[AlignedRow]>> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let pairs = match shape {
        DocumentShape::Keyed => by_key(documents, before, after),
        DocumentShape::Text => {
            // One line for one: there is nothing to choose.
            if before.len() == 1 && after.len() == 1 {
                return None;
            }
            // `by_likeness` compares each line of one side with each of the other: quadratic, hence the limits.
            let cost = before.len() * after.len();
            if cost > HUNK_MAX || work.comparisons + cost > COMPARISONS_MAX {
                return None;
            }
            work.comparisons += cost;
            by_likeness(documents, before, after)
        }
    };
    Some(rows(before, after, &pairs))
}

/// The key of a row: the text before its first tab. A line without a tab is its own key.
pub(super) fn key(line: &str) -> &str {
    line.split_once('\t').map_or(line, |(key, _)| key)
}

fn by_key(
    documents: Sides<&Lines>,
    before: &Range<usize>,
    after: &Range<usize>,
) -> Vec<(usize, usize)> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    // Backwards, so that `pop_if` takes the first unused line of a key.
    for line in after.clone().rev() {
        let key = key(documents.after.line(line));
        places.entry(key).or_default().push(line);
    }
    let mut pairs = Vec::new();
    let mut next = after.start;
    for line in before.clone() {
        let place = places.get_mut(key(documents.before.line(line)));
        // Pairs must not cross. A row that would cross is removed here and added there, and `find_moved` may name it as moved.
        if let Some(found) = place.and_then(|lines| lines.pop_if(|at| *at >= next)) {
            pairs.push((line, found));
            next = found + 1;
        }
    }
    pairs
}

/// The pairs, in order, with the greatest total similarity.
fn by_likeness(
    documents: Sides<&Lines>,
    before: &Range<usize>,
    after: &Range<usize>,
) -> Vec<(usize, usize)> {
    let (rows, columns) = (before.len(), after.len());
    let likeness: Vec<usize> = before
        .clone()
        .flat_map(|one| after.clone().map(move |two| (one, two)))
        .map(|(one, two)| alike(documents.before.line(one), documents.after.line(two)))
        .collect();
    let at = |row: usize, column: usize| row * (columns + 1) + column;
    // Dynamic programming from the ends: each cell is the best total of the lines from there on.
    let mut best = vec![0_usize; (rows + 1) * (columns + 1)];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let alone = best[at(row + 1, column)].max(best[at(row, column + 1)]);
            let here = likeness[row * columns + column];
            let both = if here >= ALIKE_MIN {
                here + best[at(row + 1, column + 1)]
            } else {
                0
            };
            best[at(row, column)] = alone.max(both);
        }
    }
    // From the beginning along the best totals; where several are as good, a pair is taken first.
    let (mut row, mut column) = (0, 0);
    let mut pairs = Vec::new();
    while row < rows && column < columns {
        let here = likeness[row * columns + column];
        if here >= ALIKE_MIN && best[at(row, column)] == here + best[at(row + 1, column + 1)] {
            pairs.push((before.start + row, after.start + column));
            row += 1;
            column += 1;
        } else if best[at(row, column)] == best[at(row + 1, column)] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// Similarity of two lines in percent: the greater of how much of the longer line has the same beginning and end, and
/// how many words both share.
fn alike(one: &str, two: &str) -> usize {
    let (one, two) = (one.trim().as_bytes(), two.trim().as_bytes());
    let longer = one.len().max(two.len());
    if longer == 0 {
        return 100;
    }
    let shorter = one.len().min(two.len());
    let start = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let rest = shorter - start;
    let (ends, others) = (one.iter().rev(), two.iter().rev());
    let end = ends
        .zip(others)
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let edges = (start + end) * 100 / longer;
    edges.max(shared_words(one, two))
}

fn shared_words(one: &[u8], two: &[u8]) -> usize {
    // Bytes from 0x80 on belong to non-ASCII characters, which count as letters.
    let words = |line: &[u8]| -> Vec<Vec<u8>> {
        let words =
            line.split(|byte| !(byte.is_ascii_alphanumeric() || *byte >= 0x80 || *byte == b'_'));
        words
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (mut one, mut two) = (words(one), words(two));
    one.sort_unstable();
    two.sort_unstable();
    // Both lists are sorted: one merge counts the words that are in both, repeated words as often as both have them.
    let total = one.len().max(two.len());
    let (mut left, mut right, mut shared) = (0, 0, 0_usize);
    while left < one.len() && right < two.len() {
        match one[left].cmp(&two[right]) {
            std::cmp::Ordering::Less => left += 1,
            std::cmp::Ordering::Greater => right += 1,
            std::cmp::Ordering::Equal => {
                shared += 1;
                left += 1;
                right += 1;
            }
        }
    }
    (shared * 100).checked_div(total).unwrap_or(0)
}

/// The rows of a hunk: before each pair what is only on the left, then what is only on the right.
fn rows(
    before: &Range<usize>,
    after: &Range<usize>,
    pairs: &[(usize, usize)],
) -> Box<[AlignedRow]> {
    let mut rows = Vec::with_capacity(before.len() + after.len() - pairs.len());
    let (mut one, mut two) = (before.start, after.start);
    // The ends of both ranges are a last pair that makes no row: it brings the lines behind the last real pair.
    let ends = std::iter::once((before.end, after.end));
    for (nth, (left, right)) in pairs.iter().copied().chain(ends).enumerate() {
        rows.extend((one..left).map(|before| AlignedRow::Removed { before }));
        rows.extend((two..right).map(|after| AlignedRow::Added { after }));
        if nth < pairs.len() {
            let (before, after) = (left, right);
            rows.push(AlignedRow::Changed { before, after });
        }
        (one, two) = (left + 1, right + 1);
    }
    rows.into_boxed_slice()
}
