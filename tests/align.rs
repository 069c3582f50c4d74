//! Alignment and cells of any two documents. Invariant: nothing of either side is lost, doubled or cut, at any width.

use drygate::compare::AlignedDocuments;
use drygate::survey::{
    AlignedRow, Alignment, DocumentShape, FactKind, Folding, Item, Lines, Side, Sides, column,
    field_changes, inline_changes,
};
use drygate::tui::screens::{DiffLayout, DiffLine, diff_lines};
use drygate::tui::{Colours, Theme};
use proptest::prelude::*;

fn aligned(before: &str, after: &str, shape: DocumentShape) -> (Sides<Lines>, Alignment) {
    let documents = Sides::new(Lines::of(before), Lines::of(after));
    let alignment = Alignment::of(documents.as_ref(), shape);
    (documents, alignment)
}

fn rows(alignment: &Alignment) -> Vec<AlignedRow> {
    (0..alignment.rows())
        .map(|row| alignment.row(row))
        .collect()
}

fn joined(documents: &Sides<Lines>, alignment: &Alignment, side: Side) -> String {
    let lines = rows(alignment).into_iter().filter_map(|row| row.line(side));
    lines.map(|line| documents.get(side).whole(line)).collect()
}

#[test]
fn a_function_shows_the_line_and_the_column() {
    let before = "BEGIN\n  IF a <> 'x' THEN\n  END IF;\nEND\n";
    let after = "BEGIN\n  IF a = 'x' THEN\n  END IF;\nEND\n";
    let (documents, alignment) = aligned(before, after, DocumentShape::Text);
    assert_eq!(
        alignment.row(1),
        AlignedRow::Changed {
            before: 1,
            after: 1
        }
    );
    let (one, two) = (documents.before.line(1), documents.after.line(1));
    assert_eq!(column(one, two), 8);
    let found = inline_changes(one, two);
    assert_eq!(
        (&one[found.before[0].clone()], &two[found.after[0].clone()]),
        ("<>", "=")
    );
}

#[test]
fn one_grant_among_many_is_one_added_row() {
    let line = |n: usize| format!("table public.t{n:05} reader SELECT\tby owner\n");
    let before: String = (0..1_000).map(line).collect();
    let mut lines: Vec<String> = (0..1_000).map(line).collect();
    lines.insert(
        501,
        "table public.t00500 writer INSERT\tby owner\n".to_owned(),
    );
    let (documents, alignment) = aligned(&before, &lines.concat(), DocumentShape::Keyed);
    assert_eq!(
        (alignment.counts().added, alignment.counts().differing()),
        (1, 1)
    );
    assert_eq!(alignment.changes(), 1);
    let row = alignment.change(0).expect("one change").start;
    let AlignedRow::Added { after } = alignment.row(row) else {
        panic!("an added row");
    };
    assert_eq!(
        documents.after.line(after),
        "table public.t00500 writer INSERT\tby owner"
    );
}

#[test]
fn rows_of_other_keys_never_stand_beside_each_other() {
    let (_, alignment) = aligned(
        "a\t1\nb\t2\nc\t3\n",
        "a\t1\nx\t2\nc\t4\n",
        DocumentShape::Keyed,
    );
    assert_eq!(
        rows(&alignment)[1..],
        [
            AlignedRow::Removed { before: 1 },
            AlignedRow::Added { after: 1 },
            AlignedRow::Changed {
                before: 2,
                after: 2
            }
        ]
    );
}

#[test]
fn a_moved_row_is_named_on_both_sides() {
    let (_, alignment) = aligned(
        "a\t1\nb\t2\nc\t3\nd\t4\n",
        "b\t2\nc\t3\nd\t4\na\t1\n",
        DocumentShape::Keyed,
    );
    assert_eq!(alignment.counts().moved, 1);
    assert_eq!(alignment.moved(Side::Before, 0), Some(3));
    assert_eq!(alignment.moved(Side::After, 3), Some(0));
    assert_eq!(alignment.moved(Side::After, 0), None);
}

#[test]
fn one_unit_among_a_hundred_thousand_names_its_field() {
    let unit =
        |n: usize, state: &str| format!("ICX-CONST-{n:06}\t{{\"id\":{n},\"state\":\"{state}\"}}\n");
    let before: String = (0..100_000).map(|n| unit(n, "draft")).collect();
    let state = |n| if n == 77_777 { "enacted" } else { "draft" };
    let after: String = (0..100_000).map(|n| unit(n, state(n))).collect();
    let (documents, alignment) = aligned(&before, &after, DocumentShape::Keyed);
    assert_eq!((alignment.changes(), alignment.counts().changed), (1, 1));
    let row = alignment.change(0).expect("one change").start;
    assert_eq!(row, 77_777);
    let fields = field_changes(documents.before.line(row), documents.after.line(row));
    assert_eq!((fields.len(), fields[0].field.as_str()), (1, "state"));
    let folding = Folding::of(&alignment);
    assert_eq!(folding.items(), 1 + 3 + 1 + 3 + 1);
    assert_eq!(
        folding.item(0),
        Some(Item::Fold {
            gap: 0,
            rows: 0..77_774
        })
    );
}

/// Documents that share lines, so that stretches of every kind come about.
fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[ab]",
        2 => "[ab]\t[12]",
        1 => "  [a-c] [a-c]+;",
        1 => any::<String>(),
    ];
    (prop::collection::vec(line, 0..40), any::<bool>()).prop_map(|(lines, ended)| {
        let text = lines.join("\n");
        if ended && !text.is_empty() {
            text + "\n"
        } else {
            text
        }
    })
}

proptest! {
    #[test]
    fn every_line_of_each_side_is_in_one_row_in_order(before in document(), after in document(), keyed: bool) {
        let shape = if keyed { DocumentShape::Keyed } else { DocumentShape::Text };
        let (documents, alignment) = aligned(&before, &after, shape);
        prop_assert_eq!(joined(&documents, &alignment, Side::Before), before);
        prop_assert_eq!(joined(&documents, &alignment, Side::After), after);
        for (nth, row) in rows(&alignment).into_iter().enumerate() {
            if let AlignedRow::Equal { before, after } = row {
                prop_assert_eq!(documents.before.whole(before), documents.after.whole(after));
            }
            for side in Side::BOTH {
                if let Some(line) = row.line(side) {
                    prop_assert_eq!(alignment.row_of(side, line), nth);
                }
            }
        }
    }

    #[test]
    fn a_row_is_seen_or_counted_in_one_fold(before in document(), after in document(), open in prop::collection::vec(0_usize..9, 0..4)) {
        let (_, alignment) = aligned(&before, &after, DocumentShape::Text);
        let mut folding = Folding::of(&alignment);
        for gap in open {
            folding.open(&alignment, gap);
        }
        let mut next = 0;
        for at in 0..folding.items() {
            match folding.item(at).expect("within") {
                Item::Row(row) => {
                    prop_assert_eq!(row, next);
                    prop_assert_eq!(folding.place(row), at);
                    next += 1;
                }
                Item::Fold { rows, .. } => {
                    prop_assert_eq!(rows.start, next);
                    prop_assert!(rows.len() > 1);
                    prop_assert_eq!(folding.place(rows.end - 1), at);
                    prop_assert!(folding.fold_over(rows.start).is_some());
                    next = rows.end;
                }
            }
        }
        prop_assert_eq!(next, alignment.rows());
        prop_assert_eq!(folding.item(folding.items()), None);
    }

    #[test]
    fn what_is_not_marked_is_equal(before in any::<String>(), after in any::<String>(), shared in "[a-z ]{0,12}") {
        let (before, after) = (format!("{shared}{before}{shared}"), format!("{shared}{after}{shared}"));
        let found = inline_changes(&before, &after);
        let rest = |line: &str, marked: &[std::ops::Range<usize>]| {
            let mut rest = String::new();
            let mut at = 0;
            for range in marked {
                rest.push_str(&line[at..range.start]);
                at = range.end;
            }
            rest + &line[at..]
        };
        prop_assert_eq!(rest(&before, &found.before), rest(&after, &found.after));
    }
}

/// Text of every kind: wide, combining, bidi, control, long, empty.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[a-z ]{0,200}",
        Just("\u{202e}\u{200b}\u{1b}[2J\u{9b}\t".to_owned()),
        Just("\u{2066}שלום\u{2069} عربى \u{61c}\u{200f}abc".to_owned()),
        Just("漢字かな交じり文".repeat(8)),
        Just(format!("e{}", "\u{301}".repeat(40))),
        Just("👩\u{200d}👩\u{200d}👧🇻🇳🇻".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// The document of a side, put together from the cells that were drawn.
fn from_cells(opened: &AlignedDocuments, drawn: &[DiffLine], side: Side) -> String {
    let lines = opened.documents.get(side);
    let mut text = String::new();
    let mut last = None;
    for (line, range) in drawn
        .iter()
        .filter_map(|drawn| drawn.cells.get(side).clone())
    {
        if let Some(before) = last.filter(|before| *before != line) {
            text.push_str(&lines.whole(before)[lines.line(before).len()..]);
        }
        last = Some(line);
        text.push_str(&lines.line(line)[range]);
    }
    if let Some(before) = last {
        text.push_str(&lines.whole(before)[lines.line(before).len()..]);
    }
    text
}

fn all_lines(opened: &AlignedDocuments, layout: DiffLayout) -> Vec<DiffLine> {
    let theme = Theme::new(false, Colours::Off);
    (0..opened.alignment.rows())
        .flat_map(|row| diff_lines(opened, &Item::Row(row), layout, theme))
        .collect()
}

proptest! {
    #[test]
    fn at_every_width_the_cells_give_both_sides_back(
        before in hostile(), after in hostile(), shared in hostile(), width in 20_usize..=400, split: bool,
    ) {
        let (before, after) = (format!("{shared}{before}"), format!("{shared}{after}"));
        let texts = Sides::new(Some(before.clone()), Some(after.clone()));
        let opened = AlignedDocuments::of(texts, FactKind::Text);
        let drawn = all_lines(&opened, DiffLayout { width, split, wrap: true, names_keys: true });
        prop_assert_eq!(from_cells(&opened, &drawn, Side::Before), before);
        prop_assert_eq!(from_cells(&opened, &drawn, Side::After), after);
        for line in &drawn {
            prop_assert!(line.text.width() <= width, "{} > {width}: {:?}", line.text.width(), line.text.flat());
        }
    }

    #[test]
    fn however_narrow_nothing_is_lost_and_nothing_panics(
        before in hostile(), after in hostile(), width in 0_usize..20, split: bool, wrap: bool,
    ) {
        let texts = Sides::new(Some(before.clone()), Some(after.clone()));
        let opened = AlignedDocuments::of(texts, FactKind::Text);
        let drawn = all_lines(&opened, DiffLayout { width, split, wrap, names_keys: true });
        prop_assert_eq!(from_cells(&opened, &drawn, Side::Before), before);
        prop_assert_eq!(from_cells(&opened, &drawn, Side::After), after);
    }

    #[test]
    fn without_wrapping_what_is_cut_has_a_mark_and_a_count(text in "[a-z]{1,300}", width in 20_usize..=400) {
        let opened = AlignedDocuments::of(Sides::new(Some(text.clone()), Some(text.clone())), FactKind::Text);
        let drawn = all_lines(&opened, DiffLayout { width, split: false, wrap: false, names_keys: false });
        let flat = drawn[0].text.flat();
        let shown = flat.trim_start_matches([' ', '1']);
        if let Some((kept, count)) = shown.split_once("…+") {
            let count: usize = count.parse().expect("a count");
            prop_assert_eq!(kept.len() + count, text.len());
        } else {
            prop_assert_eq!(shown, text.as_str());
        }
    }
}

/// Long documents of unlike lines, a few of them changed, gone, new or moved: the number of lines that differ, at most.
fn edited(lines: usize, edits: &[(usize, usize, usize)]) -> (String, String, usize) {
    let line = |n: usize| format!("table public.t{n:06} reader SELECT\tby owner\n");
    let before: Vec<String> = (0..lines).map(line).collect();
    let mut after = before.clone();
    let mut differing = 0;
    for (nth, (at, gone, new)) in edits.iter().enumerate() {
        let at = at % after.len();
        let end = (at + gone).min(after.len());
        let fresh = (0..*new).map(|n| format!("new {nth} {n}\tby owner\n"));
        differing += end - at + new;
        after.splice(at..end, fresh);
    }
    (before.concat(), after.concat(), differing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn long_documents_lose_nothing_and_nothing_equal_is_called_different(
        edits in prop::collection::vec((any::<usize>(), 0_usize..4, 0_usize..4), 0..40),
        blocks in prop::collection::vec((any::<usize>(), 0_usize..3_000, 0_usize..3_000), 0..4),
        unended: bool,
    ) {
        let edits: Vec<_> = edits.into_iter().chain(blocks).collect();
        let (before, mut after, differing) = edited(21_000, &edits);
        if unended {
            after.pop();
        }
        let (documents, alignment) = aligned(&before, &after, DocumentShape::Keyed);
        prop_assert_eq!(joined(&documents, &alignment, Side::Before), before);
        prop_assert_eq!(joined(&documents, &alignment, Side::After), after);
        for row in rows(&alignment) {
            if let AlignedRow::Equal { before, after } = row {
                prop_assert_eq!(documents.before.whole(before), documents.after.whole(after));
            }
        }
        let counts = alignment.counts();
        let found = 2 * counts.changed + counts.added + counts.removed;
        prop_assert!(found <= differing + 2 * usize::from(unended), "{counts:?} > {differing}");
    }

    #[test]
    fn long_documents_of_few_kinds_of_lines_lose_nothing(
        kinds in prop::collection::vec(0_usize..3, 21_000..21_200),
        edits in prop::collection::vec((any::<usize>(), 0_usize..40, 0_usize..40), 0..30),
    ) {
        let before: Vec<String> = kinds.iter().map(|kind| format!("{kind}\n")).collect();
        let mut after = before.clone();
        for (at, gone, new) in edits {
            let at = at % after.len();
            let end = (at + gone).min(after.len());
            after.splice(at..end, (0..new).map(|n| format!("{}\n", n % 4)));
        }
        let (before, after) = (before.concat(), after.concat());
        let (documents, alignment) = aligned(&before, &after, DocumentShape::Text);
        prop_assert_eq!(joined(&documents, &alignment, Side::Before), before);
        prop_assert_eq!(joined(&documents, &alignment, Side::After), after);
    }
}

#[test]
fn the_tab_between_a_key_and_its_value_is_a_blank_and_no_other_is() {
    let text = |rows: u32| Some(format!("asked: role attribute\t{rows} rows\tand a tab\n"));
    let texts = Sides::new(text(5), text(6));
    let opened = AlignedDocuments::of(texts, FactKind::Text);
    for split in [false, true] {
        let layout = DiffLayout {
            width: 140,
            split,
            wrap: true,
            names_keys: false,
        };
        let drawn = all_lines(&opened, layout);
        let shown: String = drawn.iter().map(|line| line.text.flat()).collect();
        assert!(
            shown.contains("asked: role attribute  5 rows\\tand"),
            "{shown}"
        );
        assert!(!shown.contains("attribute\\t"), "{shown}");
    }
}
