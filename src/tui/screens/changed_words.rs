//! What changed of the facts, in a line of the band.
//! Invariant: the fact and the row are named first, at every width; the field where it has room beside all changed words (test
//! `the_fact_and_the_row_are_named_at_every_width`).

use super::words;
use crate::run::Subject;
use crate::survey::{FactChange, RowChange, SentenceStyle, most_telling, sentence};
use crate::tui::model::Model;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// Characters around changed words, from the most to the fewest that still tell where they stand.
const AROUND: [usize; 7] = [60, 40, 28, 18, 12, 6, 0];
/// Changed passages of one row that are shown, and whether their fields are named, from the most words to the fewest; other
/// passages are counted.
const PASSAGES: [(usize, bool); 4] = [(3, true), (3, false), (2, true), (1, true)];

/// The changed words of the row that says most, in at most `room` columns where that is possible:
/// `unit_version ICX-CONST-0017/1, content: …at least [seven -> five] years…`. `None`: no row behind a change is known.
fn changed_words(changes: &[FactChange], room: usize) -> Option<Text> {
    let (change, row) = most_telling(changes)?;
    // From the longest style to the shortest: the first that fits is taken, else the last, which is cut when it is drawn.
    let styles = PASSAGES
        .into_iter()
        .flat_map(|(passages_max, names_fields)| {
            AROUND.map(|around| SentenceStyle {
                around,
                passages_max,
                names_fields,
            })
        });
    let told = styles.map(|style| row_in_words(change, row, style));
    Some(Text::first_fitting(told, room))
}

/// What changed in a line of the band, beside `taken` columns: why a fact can no longer be read, else word by word where rows
/// are known, else the facts by name.
pub fn changed_within_band(model: &Model, changes: &[FactChange], taken: usize) -> Text {
    let width = usize::from(model.size.width);
    let margins = if width < 110 { 4 } else { 8 };
    // Rows tell of facts; beside them each of the others is named.
    let answered = changes
        .iter()
        .all(|change| change.reason.is_none() && Subject::of(&change.key) == Subject::Facts);
    let words = || changed_words(changes, width.saturating_sub(margins + taken));
    let told = answered.then(words).flatten();
    told.unwrap_or_else(|| Text::plain(words::changes(changes)))
}

fn row_in_words(change: &FactChange, row: &RowChange, style: SentenceStyle) -> Text {
    let name = format!("{} {}", change.key, row.key);
    let spans = sentence(row, style).into_iter();
    spans.fold(Text::inked(Ink::Bold, name), |text, span| {
        let ink = if span.changed { Ink::Drift } else { Ink::Plain };
        text.with(ink, span.text)
    })
}

#[cfg(test)]
mod tests {
    use super::changed_words;
    use crate::survey::{FactChange, FactKey, RowChange};

    #[test]
    fn the_fact_and_the_row_are_named_at_every_width() {
        let side = |state: &str, at: &str| {
            Some(format!(
                r#"{{"id":4,"state":"{state}","updated_at":"{at}"}}"#
            ))
        };
        let changes = [FactChange {
            key: FactKey::new("public_orders"),
            approved: None,
            found: None,
            reason: None,
            rows: vec![RowChange {
                key: "4".to_owned(),
                approved: side("paid", "2026-01-01 00:00:00+00"),
                found: side("shipped", "2026-11-30 21:41:26+00"),
            }],
        }];
        for room in 20..200 {
            let told = changed_words(&changes, room).expect("a row").flat();
            assert!(
                told.starts_with("public_orders 4") && told.contains("[paid -> shipped]"),
                "{room}: {told}"
            );
        }
        let told = |room| changed_words(&changes, room).expect("a row").flat();
        assert!(told(60).ends_with("  and 1 more"), "{}", told(60));
        assert!(told(160).contains(", updated_at: 2026-["), "{}", told(160));
    }
}
