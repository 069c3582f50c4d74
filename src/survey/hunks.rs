//! The hunks of two documents, as ranges of lines.
//! Invariant: between two hunks the lines are equal, byte for byte. Held by the tests
//! `every_line_of_each_side_is_in_one_row_in_order` and
//! `long_documents_lose_nothing_and_nothing_equal_is_called_different` of tests/align.rs.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput, TokenSource};

use super::{Lines, Sides};

/// One hunk: a range of lines on each side.
type LineRanges = Sides<Range<usize>>;

/// Lines up to which two documents are given to the diff library as a whole, with the histogram algorithm.
const WHOLE_MAX: usize = 20_000;
/// Lines, of both sides together, within which the end of a change is looked for without the diff library.
const NEAR: usize = 16;
/// Equal lines that must follow before such an end is accepted.
const NEAR_ANCHOR: usize = 4;
/// Equal lines that must follow a hunk of a window before the hunk is accepted: further on, the cut of the window
/// may have distorted the result.
const ANCHOR: usize = 8;
/// Lines of each side in the first window. A window that led on too little is followed by one `WIDER` times as wide.
const WINDOW: usize = 256;
const WIDER: usize = 8;
/// Bytes compared in one step.
const BLOCK: usize = 4 << 10;

/// The hunks of two documents, in order.
pub(super) fn hunks(documents: Sides<&Lines>) -> Vec<LineRanges> {
    let whole = documents.map(|lines| 0..lines.count());
    if whole.before.len().max(whole.after.len()) <= WHOLE_MAX {
        return within(documents, &whole);
    }
    let mut walk = HunkWalk {
        documents,
        at: Sides::new(0, 0),
        window: WINDOW,
        found: Vec::new(),
    };
    while walk.step() {}
    walk.found
}

/// A walk through two long documents from change to change. Equal lines are compared as bytes, without a hash for each line,
/// and only the lines around a change are given to the diff library.
struct HunkWalk<'a> {
    documents: Sides<&'a Lines>,
    at: Sides<usize>,
    /// Lines of each side in the next window. It never shrinks: after a growth later windows are wide too, so that few windows
    /// lead on too little and the work stays linear.
    window: usize,
    found: Vec<LineRanges>,
}

impl HunkWalk<'_> {
    /// Skips equal lines and then one change; `false`: the end of both documents is reached.
    fn step(&mut self) -> bool {
        let equal = self.equal();
        self.at = self.at.map(|line| line + equal);
        let rest = self.rest();
        // One side has ended: the rest of the other is the last hunk.
        if rest.before.is_empty() || rest.after.is_empty() {
            if !rest.before.is_empty() || !rest.after.is_empty() {
                self.found.push(rest);
            }
            return false;
        }
        match self.near() {
            Some(change) => self.take(change),
            None => self.through_window(&rest),
        }
        true
    }

    fn rest(&self) -> LineRanges {
        Sides::new(
            self.at.before..self.documents.before.count(),
            self.at.after..self.documents.after.count(),
        )
    }

    /// How many whole lines are equal from here on.
    fn equal(&self) -> usize {
        let rest = self.rest();
        if rest.before.is_empty() || rest.after.is_empty() {
            return 0;
        }
        let from = Sides::new(
            self.documents.before.range(self.at.before).start,
            self.documents.after.range(self.at.after).start,
        );
        let one = &self.documents.before.text().as_bytes()[from.before..];
        let two = &self.documents.after.text().as_bytes()[from.after..];
        let same = same_bytes(one, two);
        if same == one.len() && same == two.len() {
            return rest.before.len();
        }
        // The lines before the one with the first different byte are equal.
        let end = from.before + same;
        let line = self.documents.before.line_at(end);
        // If the left side ended first and behind a line break, its last line is equal too.
        let whole = same > 0 && same == one.len() && one.ends_with(b"\n");
        line + usize::from(whole) - self.at.before
    }

    /// The smallest change from here that is followed by enough equal lines.
    fn near(&self) -> Option<LineRanges> {
        // By total cost (removed plus added lines), the cheapest first.
        let places = (1..=NEAR).flat_map(|cost| (0..=cost).map(move |gone| (gone, cost - gone)));
        let ends = places.map(|(gone, new)| (self.at.before + gone, self.at.after + new));
        let mut ends = ends.filter(|(before, after)| self.is_anchored(*before, *after));
        let (before, after) = ends.next()?;
        Some(Sides::new(self.at.before..before, self.at.after..after))
    }

    fn is_anchored(&self, before: usize, after: usize) -> bool {
        let (one, two) = (self.documents.before, self.documents.after);
        for nth in 0..NEAR_ANCHOR {
            let (before, after) = (before + nth, after + nth);
            match (before < one.count(), after < two.count()) {
                (true, true) if one.whole(before) == two.whole(after) => {}
                // Both documents end together: nothing more can follow.
                (false, false) => return true,
                _ => return false,
            }
        }
        true
    }

    fn take(&mut self, change: LineRanges) {
        self.at = Sides::new(change.before.end, change.after.end);
        let lines = (change.before.len(), change.after.len());
        // Only removed, only added, or one line for one: the diff library could not make it smaller.
        if lines.0 == 0 || lines.1 == 0 || lines == (1, 1) {
            self.found.push(change);
        } else {
            self.found.extend(within(self.documents, &change));
        }
    }

    /// Accepts the hunks of the next window up to the last one that enough equal lines follow.
    fn through_window(&mut self, rest: &LineRanges) {
        let window = self.window;
        let cut = |range: &Range<usize>| range.start..range.end.min(range.start + window);
        let here = Sides::new(cut(&rest.before), cut(&rest.after));
        let changes = within(self.documents, &here);
        // The window reaches both ends, so that no hunk in it can be an effect of the cut.
        if here == *rest {
            self.at = Sides::new(rest.before.end, rest.after.end);
            self.found.extend(changes);
            return;
        }
        let nexts = changes.iter().skip(1).map(|next| next.before.start);
        let nexts: Vec<usize> = nexts.chain([here.before.end]).collect();
        // The last hunk with a long enough equal range behind it; all before it are accepted as well.
        let believed = changes
            .iter()
            .zip(nexts)
            .rposition(|(change, next)| next - change.before.end >= ANCHOR)
            .map_or(0, |nth| nth + 1);
        let from = self.at.before + self.at.after;
        if let Some(last) = changes[..believed].last() {
            self.at = Sides::new(last.before.end, last.after.end);
        }
        // Both sides together went on by less than a quarter of the window: the next one is wider.
        let led_on = self.at.before + self.at.after - from;
        if led_on < window / 4 {
            self.window = window.saturating_mul(WIDER);
        }
        self.found.extend_from_slice(&changes[..believed]);
    }
}

/// How many bytes two texts have in common at their beginning.
fn same_bytes(one: &[u8], two: &[u8]) -> usize {
    // Whole blocks are compared by slice equality (one memcmp each), only the first block that differs byte by byte.
    let blocks = one.chunks_exact(BLOCK).zip(two.chunks_exact(BLOCK));
    let equal = BLOCK * blocks.take_while(|(one, two)| one == two).count();
    let rest = one[equal..].iter().zip(&two[equal..]);
    equal + rest.take_while(|(one, two)| one == two).count()
}

/// The hunks within a part of both documents, from the diff library. The part is hashed line by line.
fn within(documents: Sides<&Lines>, part: &LineRanges) -> Vec<LineRanges> {
    let input = InternedInput::new(
        LineTokens(documents.before, part.before.clone()),
        LineTokens(documents.after, part.after.clone()),
    );
    let changes = changes(engine(part), &input).into_iter();
    let from = |start: usize, range: Range<usize>| start + range.start..start + range.end;
    changes
        .map(|hunk| {
            Sides::new(
                from(part.before.start, hunk.before),
                from(part.after.start, hunk.after),
            )
        })
        .collect()
}

/// Ranges of two lists of lines that differ, in order. A last line with and without a line break is the same here.
pub fn line_hunks(before: &[&str], after: &[&str]) -> Vec<LineRanges> {
    let mut input = InternedInput::default();
    input.update_before(before.iter().copied());
    input.update_after(after.iter().copied());
    let whole = Sides::new(0..before.len(), 0..after.len());
    changes(engine(&whole), &input)
}

fn changes(engine: Algorithm, input: &InternedInput<&str>) -> Vec<LineRanges> {
    let mut diff = Diff::compute(engine, input);
    diff.postprocess_lines(input);
    let lines = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks()
        .map(|hunk| Sides::new(lines(hunk.before), lines(hunk.after)))
        .collect()
}

/// Histogram reads best, but splits long documents at one rare line after the other; Myers first drops every line of one
/// side alone.
fn engine(part: &LineRanges) -> Algorithm {
    if part.before.len().max(part.after.len()) > WHOLE_MAX {
        Algorithm::Myers
    } else {
        Algorithm::Histogram
    }
}

struct LineTokens<'a>(&'a Lines, Range<usize>);

impl<'a> TokenSource for LineTokens<'a> {
    type Token = &'a str;
    type Tokenizer = Box<dyn Iterator<Item = &'a str> + 'a>;

    fn tokenize(&self) -> Self::Tokenizer {
        let lines = self.0;
        Box::new(self.1.clone().map(|line| lines.whole(line)))
    }

    fn estimate_tokens(&self) -> u32 {
        u32::try_from(self.1.len()).unwrap_or(u32::MAX)
    }
}
