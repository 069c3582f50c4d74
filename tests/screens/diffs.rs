//! The diff screen in each of its situations, at each size. Invariant: what is drawn was compared by the product from scripted events.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::desk::{Compare, Opened};
use drygate::run::{ApprovalGate, RunResult};
use drygate::survey::{FactKey, FactKind, Sides};
use drygate::tui::model::{Model, Over};
use drygate::tui::update::{Wish, update};
use drygate::tui::{Colours, News, Order, Theme};

use crate::fixture::Script;
use crate::stage::{drawn, model, news, plain};

const SIZES: [(u16, u16); 3] = [(80, 24), (160, 48), (200, 60)];

fn press(model: &mut Model, keys: &str) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        let event = TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let at = Duration::ZERO;
        wishes.extend(update(model, News::Terminal { event, at }, at));
    }
    wishes
}

/// The document of a fact arrives.
fn arrives(model: &mut Model, key: &str, kind: FactKind, before: &str, after: &str) {
    let Over::Diff(view) = &model.over else {
        panic!("the diff screen is open");
    };
    let compare = view.compare.clone();
    let texts = Sides::new(Some(before.to_owned()), Some(after.to_owned()));
    let news = News::Opened {
        compare,
        key: FactKey::new(key),
        result: Ok(Arc::new(Opened::of(texts, kind))),
    };
    let _ = update(model, news, Duration::ZERO);
}

fn drifted(theme: Theme) -> Model {
    let mut model = model(&Script::drifted(), "09:33:10", theme);
    let _ = press(&mut model, "d");
    model
}

/// Chooses a fact with `J`.
fn choose(model: &mut Model, key: &str) {
    for _ in 0..40 {
        let Over::Diff(view) = &model.over else {
            panic!("the diff screen is open");
        };
        if view.fact().is_some_and(|fact| fact.key.as_str() == key) {
            return;
        }
        let _ = press(model, "J");
    }
    panic!("no fact {key}");
}

fn snap(name: &str, model: &mut Model) {
    for size in SIZES {
        let text = drawn(model, size);
        insta::assert_snapshot!(format!("diff_{name}_{}x{}", size.0, size.1), text);
    }
}

const FUNCTION: &str = "CREATE OR REPLACE FUNCTION public.fn_iu_enact(p_unit uuid, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_unit public.information_unit%ROWTYPE;
BEGIN
  SELECT * INTO v_unit
    FROM public.information_unit u
   WHERE u.id = p_unit
     FOR UPDATE;
  IF v_unit.state <> 'draft' THEN
    RAISE EXCEPTION 'unit % is no draft', p_unit
      USING ERRCODE = 'P0001';
  END IF;

  UPDATE public.unit_version v
     SET enacted_at = now()
   WHERE v.unit_id = p_unit
     AND v.is_current;
END;
$function$
";

fn replaced() -> String {
    FUNCTION
        .replace("<> 'draft'", "NOT IN ('draft', 'review')")
        .replace("v.is_current;", "v.is_current AND v.enacted_at IS NULL;")
}

#[test]
fn nothing_changed() {
    let mut script = Script::at_sg2(false);
    script.closes().seals(RunResult::Pass, None);
    let mut model = model(&script, "09:52:10", plain());
    let _ = press(&mut model, "d");
    snap("nothing_changed", &mut model);
}

#[test]
fn facts_drifted() {
    snap("drift", &mut drifted(plain()));
}

#[test]
fn a_function_changed() {
    for (name, theme) in [
        ("function", plain()),
        ("function_ascii", Theme::new(true, Colours::Off)),
    ] {
        let mut model = drifted(theme);
        choose(&mut model, "fn_iu_enact_md5");
        arrives(
            &mut model,
            "fn_iu_enact_md5",
            FactKind::Md5,
            FUNCTION,
            &replaced(),
        );
        let _ = press(&mut model, "2");
        let text = drawn(&mut model, (160, 48));
        assert!(text.contains("line 12, column 19"), "{text}");
        snap(name, &mut model);
    }
}

#[test]
fn one_grant_is_named_with_grantee_object_and_privilege() {
    let mut model = drifted(plain());
    choose(&mut model, "grant_matrix_sha");
    let line = |n: usize| format!("table public.t{n:03} reader SELECT\tby owner\n");
    let before: String = (0..337).map(line).collect();
    let after = format!(
        "{before}table public.unit_version app_writer INSERT\tby owner with grant option\n"
    );
    arrives(
        &mut model,
        "grant_matrix_sha",
        FactKind::Sha256,
        &before,
        &after,
    );
    let _ = press(&mut model, "2");
    let text = drawn(&mut model, (80, 24));
    assert!(
        text.contains("INSERT on table public.unit_version to app_writer: added"),
        "{text}"
    );
    snap("grants", &mut model);
}

#[test]
fn one_unit_among_many_is_named_with_its_field() {
    let mut model = drifted(plain());
    choose(&mut model, "unit_version");
    let unit = |n: usize, state: &str| {
        format!(
            "ICX-CONST-{n:04}\t{{\"id\":{n},\"title\":\"Điều {n}. 漢字\",\"state\":\"{state}\"}}\n"
        )
    };
    let before: String = (0..2_000).map(|n| unit(n, "draft")).collect();
    let state = |n| if n == 1_717 { "enacted" } else { "draft" };
    let after: String = (0..2_000).map(|n| unit(n, state(n))).collect();
    arrives(
        &mut model,
        "unit_version",
        FactKind::Content,
        &before,
        &after,
    );
    let _ = press(&mut model, "2");
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("ICX-CONST-1717, field state: \"draft\" -> \"enacted\""),
        "{text}"
    );
    snap("units", &mut model);
}

#[test]
fn hostile_text_is_written_out_and_the_frame_holds() {
    let mut model = drifted(plain());
    choose(&mut model, "fn_iu_enact_md5");
    let before = "one\n\u{1b}[2J漢字\u{202e}abc\u{200b}\te\u{301}\n";
    let after = "one\n\u{1b}[2J漢文\u{202e}abc\u{200b}\te\u{301}\u{301}\u{301}\u{301}\u{301}\n";
    arrives(&mut model, "fn_iu_enact_md5", FactKind::Md5, before, after);
    let _ = press(&mut model, "2");
    snap("hostile", &mut model);
    for (width, height) in [(20, 5), (59, 15), (60, 16), (99, 30), (100, 29), (300, 90)] {
        let text = drawn(&mut model, (width, height));
        assert!(
            !text.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\t']),
            "{text}"
        );
    }
}

#[test]
fn keys_move_search_fold_and_come_back() {
    let mut model = drifted(plain());
    let wishes = press(&mut model, "J");
    assert!(
        wishes.is_empty(),
        "no document is behind these facts: {wishes:?}"
    );
    choose(&mut model, "fn_iu_enact_md5");
    let long: String = (0..500).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    let changed = long
        .replace("line 100\n", "line one hundred\n")
        .replace("line 400\n", "Line 400\n");
    arrives(
        &mut model,
        "fn_iu_enact_md5",
        FactKind::Md5,
        &long,
        &changed,
    );
    let seen = |model: &mut Model| drawn(model, (160, 48));
    assert!(seen(&mut model).contains("change 1 of 2"));
    let _ = press(&mut model, "]");
    assert!(seen(&mut model).contains("change 2 of 2"));
    let _ = press(&mut model, "]");
    assert!(seen(&mut model).contains("No further change"));
    let _ = press(&mut model, "[");
    let text = seen(&mut model);
    assert!(
        text.contains("line one hundred") && text.contains("293 equal lines"),
        "{text}"
    );
    let _ = press(&mut model, "2/line 250\n");
    let text = seen(&mut model);
    assert!(
        text.contains("251 line 250"),
        "a match inside a fold opens it: {text}"
    );
    let _ = press(&mut model, "n");
    assert!(seen(&mut model).contains("No further match"));
    let _ = press(&mut model, "z");
    assert!(seen(&mut model).contains("251 line 250"));
    let _ = press(&mut model, "s");
    assert!(seen(&mut model).contains("transaction nonce"));
    let wishes = press(&mut model, "\u{1b}\u{1b}m");
    assert!(wishes.is_empty());
    let wishes = press(&mut model, "expected\n");
    let fact = Some(FactKey::new("fn_iu_enact_md5"));
    let text = "expected".to_owned();
    assert_eq!(wishes, [Wish::Order(Order::Note { fact, text })]);
    let _ = press(&mut model, "c");
    assert!(seen(&mut model).contains("equal facts hidden"));
    let Over::Diff(view) = &model.over else {
        panic!("still open");
    };
    assert_eq!(view.compare, Compare::Evidence(ApprovalGate::SG2));
    let _ = press(&mut model, "\u{1b}\u{1b}");
    assert_eq!(model.over, Over::Nothing);
}

#[test]
fn while_a_run_waits_pinned_against_now_is_live() {
    let mut script = Script::at_sg2(false);
    script.clock("09:31:15").live_read(false, &[], None);
    let mut model = model(&script, "09:31:15", plain());
    let _ = press(&mut model, "d");
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("NOTHING READ AGAIN DIFFERS") && text.contains("pinned | now"),
        "{text}"
    );
    assert!(
        text.contains("not read again") && !text.contains("NOTHING DIFFERS"),
        "{text}"
    );
    let told = news(&script).len();
    script
        .clock("09:32:15")
        .live_read(false, &[("icx_draft", "59")], None);
    for news in news(&script).into_iter().skip(told) {
        let _ = update(&mut model, news, Duration::ZERO);
    }
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("FACTS MOVED") && text.contains("60 | 59"),
        "{text}"
    );
    assert!(!text.contains("read in another way"), "{text}");
}
