//! `recheck --after` on a terminal: what came of the change is the headline, and what follows from it is no alarm. Invariant: each
//! outcome has its own words, and no `!` stands at what came true.

use std::time::Duration;

use drygate::audit::{ChangeAfter, MovedFact};
use drygate::compare::{AfterChange, Comparison, RecheckSurvey};
use drygate::run::{CarriedOut, RowsAfter, SchemaOutcome, TableRowsAfter};
use drygate::survey::{FactChange, FactKey, Origins};
use drygate::testing::ScriptedRun;
use drygate::tui::diff_view::DiffView;
use drygate::tui::{ScreenMessage, update::update};

use crate::changes::passed_run;
use crate::stage::{drawn, model, plain};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (160, 48)];

/// What stands on the screen when so many rows are as rehearsed and not done.
fn shown(came: Option<CarriedOut>, rows: (u64, u64), size: (u16, u16)) -> String {
    let script = passed_run();
    let mut later: ScriptedRun = passed_run();
    let is_done = rows.0 > 0;
    // The functions are no part of the change.
    let keys: &[&str] = if is_done {
        &["icx_draft", "information_unit", "fn_iu_enact_md5"]
    } else {
        &["fn_iu_enact_md5"]
    };
    later.somebody_changes(keys);
    let (before, now) = (script.survey(90), later.survey(91));
    let changes: Vec<FactChange> = now
        .facts
        .iter()
        .zip(&before.facts)
        .filter(|(now, before)| now.observed != before.observed)
        .map(|(now, before)| FactChange {
            key: now.key.clone(),
            approved: before.observed.value().map(str::to_owned),
            found: now.observed.value().map(str::to_owned),
            reason: None,
            rows: Vec::new(),
        })
        .collect();
    let of_rows = RowsAfter {
        tables: vec![TableRowsAfter {
            table: "public.information_unit".to_owned(),
            as_rehearsed: rows.0,
            not_done: rows.1,
            ..TableRowsAfter::default()
        }],
        schema: SchemaOutcome::AsRehearsed,
        ..RowsAfter::default()
    };
    let follow = changes
        .iter()
        .filter(|it| it.key != FactKey::new("fn_iu_enact_md5"));
    let change_after = ChangeAfter {
        rows: of_rows,
        moved: follow
            .map(|change| MovedFact {
                key: change.key.clone(),
                before: change.approved.clone(),
                predicted: change.found.clone(),
                now: change.found.clone(),
            })
            .collect(),
        beside: Vec::new(),
    };
    let words = came.map_or("not compared whole", CarriedOut::words);
    let comparison = Comparison::rechecked(
        &script.run,
        &before,
        RecheckSurvey {
            survey: &now,
            proof: None,
            documents: Vec::new(),
            origins: &Origins::default(),
            changes: &changes,
            beside: &[],
            after: None,
            change_after: Some(&change_after),
            came: Some(AfterChange {
                came,
                says: format!("the change, {words}: {}. Look.", change_after.words()),
            }),
        },
    );
    let compare = comparison.compare.clone();
    let view = DiffView::of(vec![compare.clone()], compare, Ok(comparison), true);
    let mut model = model(&script, "09:52:10", plain());
    let _ = update(
        &mut model,
        ScreenMessage::Compared(Box::new(view)),
        Duration::ZERO,
    );
    drawn(&mut model, size)
}

#[test]
fn what_came_of_the_change_is_the_headline() {
    for (came, rows, headline) in [
        (Some(CarriedOut::CameTrue), (80, 0), "CAME TRUE"),
        (Some(CarriedOut::NotCarriedOut), (0, 80), "NOT CARRIED OUT"),
        (
            Some(CarriedOut::DidNotComeTrue),
            (79, 1),
            "DID NOT COME TRUE",
        ),
        (None, (80, 0), "NOT COMPARED"),
    ] {
        for size in SIZES {
            let text = shown(came, rows, size);
            let band = text.lines().nth(1).expect("a band");
            assert!(band.contains(&format!("━ {headline} ━")), "{text}");
            let told = "rows as rehearsed";
            assert!(text.contains(&format!("{} {told}", rows.0)), "{text}");
            assert!(text.contains("Look."), "{text}");
        }
    }
}

#[test]
fn what_follows_from_the_change_is_no_alarm() {
    for size in SIZES {
        let text = shown(Some(CarriedOut::CameTrue), (80, 0), size);
        for (mark, fact) in [
            ("✓", "rows one by one"),
            ("✓", "icx_draft"),
            ("✓", "information_unit"),
            // Nobody predicted it.
            ("!", "fn_iu_enact_md5"),
        ] {
            assert!(
                text.contains(&format!("{mark} {fact}")),
                "{mark} {fact}: {text}"
            );
        }
        assert!(
            text.contains("1 changed, 2 follow from the change"),
            "{text}"
        );
        let text = shown(Some(CarriedOut::DidNotComeTrue), (79, 1), size);
        assert!(text.contains("! rows one by one"), "{text}");
    }
    let text = shown(Some(CarriedOut::CameTrue), (80, 0), (80, 24));
    insta::assert_snapshot!("came_true_80x24", text);
    let text = shown(Some(CarriedOut::NotCarriedOut), (0, 80), (80, 24));
    insta::assert_snapshot!("not_carried_out_80x24", text);
}
