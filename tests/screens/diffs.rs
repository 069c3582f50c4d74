//! The diff screen in each of its situations, at each size. Invariant: what is drawn was compared by the product from scripted events.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::compare::{AlignedDocuments, Compare, ReviewNote};
use drygate::run::{ApprovalGate, RunResult};
use drygate::survey::{Digest, FactKey, FactKind, Sides};
use drygate::tui::event_loop::frame;
use drygate::tui::model::{Model, Over};
use drygate::tui::open_text::TextSubject;
use drygate::tui::update::{ScreenEffect, update};
use drygate::tui::{Colours, Letters, LocalRequest, ScreenMessage, Theme};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::stage::{drawn, lines, messages, model, plain};
use drygate::testing::ScriptedRun;

const SIZES: [(u16, u16); 3] = [(80, 24), (160, 48), (200, 60)];

fn press(model: &mut Model, keys: &str) -> Vec<ScreenEffect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        let event = TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let at = Duration::ZERO;
        effects.extend(update(model, ScreenMessage::Terminal { event, at }, at));
    }
    effects
}

/// The document of a fact arrives.
fn arrives(model: &mut Model, key: &str, kind: FactKind, before: &str, after: &str) {
    let Over::Diff(view) = &model.over else {
        panic!("the diff screen is open");
    };
    let compare = view.compare.clone();
    let texts = Sides::new(Some(before.to_owned()), Some(after.to_owned()));
    let messages = ScreenMessage::Opened {
        compare,
        key: FactKey::new(key),
        result: Ok(Arc::new(AlignedDocuments::of(texts, kind))),
    };
    let _ = update(model, messages, Duration::ZERO);
}

fn drifted(theme: Theme) -> Model {
    let mut model = model(&ScriptedRun::drifted(), "09:33:10", theme);
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
  -- Điều khoản: 条文を施行する, \u{202e}reversed\u{202c}, e\u{301}\u{323}
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
        .replace("条文を施行する", "条文を廃止する")
        .replace("v.is_current;", "v.is_current AND v.enacted_at IS NULL;")
}

/// Grants of many tables; the one that came is to a role with a name that would reorder the line.
fn grants() -> (String, String) {
    let line = |n: usize| format!("table public.t{n:03} reader SELECT\tby owner\n");
    let before: String = (0..337).map(line).collect();
    let one = "table public.unit_version app\u{202e}writer INSERT\tby owner with grant option\n";
    (before.clone(), before + one)
}

/// Two thousand units, one of which was enacted by somebody with an escape sequence in its title.
fn units() -> (String, String) {
    let unit = |n: usize, state: &str| {
        let title = if n == 1_717 {
            "Điều 1717. 漢字 \\u001b[2J"
        } else {
            "Điều khoản 漢字, e\u{301}"
        };
        format!("ICX-CONST-{n:04}\t{{\"id\":{n},\"title\":\"{title}\",\"state\":\"{state}\"}}\n")
    };
    let state = |n| if n == 1_717 { "enacted" } else { "draft" };
    let before = (0..2_000).map(|n| unit(n, "draft")).collect();
    (before, (0..2_000).map(|n| unit(n, state(n))).collect())
}

/// A situation: what `d` and one more key show.
struct Situation {
    name: &'static str,
    script: ScriptedRun,
    document: Option<(&'static str, FactKind, (String, String))>,
    /// What the screen has to say about the change.
    says: &'static str,
}

fn situations() -> Vec<Situation> {
    let mut sealed = ScriptedRun::at_sg2(false);
    sealed.closes().seals(RunResult::Pass, None);
    let function = (FUNCTION.to_owned(), replaced());
    let situation = |name, script, document, says| Situation {
        name,
        script,
        document,
        says,
    };
    let (function_key, grants_key) = ("fn_iu_enact_md5", "grant_matrix_sha");
    vec![
        situation("nothing_changed", sealed, None, "PROVEN"),
        situation(
            "one_fact",
            ScriptedRun::drifted_over(&["icx_draft"]),
            None,
            "icx_draft 60 -> 59",
        ),
        situation(
            "function",
            ScriptedRun::drifted_over(&[function_key]),
            Some((function_key, FactKind::Md5, function)),
            "line 8, column 21",
        ),
        situation(
            "grants",
            ScriptedRun::drifted_over(&[grants_key]),
            Some((grants_key, FactKind::Sha256, grants())),
            "INSERT on table public.unit_version to app\\u{202e}writer: added",
        ),
        situation(
            "units",
            ScriptedRun::drifted_over(&["unit_version"]),
            Some(("unit_version", FactKind::Content, units())),
            "ICX-CONST-1717, state: [draft -> enacted]",
        ),
        situation("drift", ScriptedRun::drifted(), None, "8 changed"),
    ]
}

impl Situation {
    /// The screen after `d` and Enter.
    fn shown(&self, theme: Theme) -> Model {
        let mut model = model(&self.script, "09:52:10", theme);
        let _ = press(&mut model, "d");
        if let Some((key, kind, (before, after))) = &self.document {
            arrives(&mut model, key, *kind, before, after);
            let _ = press(&mut model, "\n");
        }
        model
    }
}

/// The stretches of each line that are not plain: where, in which colour, how.
fn styles(buffer: &Buffer) -> String {
    let mut text = String::new();
    let style = |x: u16, y: u16| {
        let cell = &buffer[(x, y)];
        (cell.fg, cell.bg, cell.modifier)
    };
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let this = style(x, y);
            let end = (x..buffer.area.width).find(|at| style(*at, y) != this);
            let end = end.unwrap_or(buffer.area.width);
            if this != (Color::Reset, Color::Reset, Modifier::empty()) {
                let words: String = (x..end).map(|at| buffer[(at, y)].symbol()).collect();
                let (colour, ground, modifier) = this;
                assert_eq!(ground, Color::Reset, "no ground is coloured");
                let line = format!("{y:>3} {x:>3} {colour:?} {modifier:?} {words}\n");
                text += &line;
            }
            x = end;
        }
    }
    text
}

#[test]
fn each_situation_without_colour_in_sixteen_and_in_ascii() {
    for situation in situations() {
        let name = situation.name;
        let mut model = situation.shown(plain());
        for size in SIZES {
            let buffer = frame(&mut model, size.0, size.1);
            let text = lines(&buffer);
            assert!(text.contains(situation.says), "{name} {size:?}\n{text}");
            let coloured = |line: &str| line.split_whitespace().nth(2) != Some("Reset");
            let colours = styles(&buffer);
            assert!(!colours.lines().any(coloured), "NO_COLOR\n{colours}");
            insta::assert_snapshot!(format!("diff_{name}_{}x{}", size.0, size.1), text);
        }
        let mut sixteen = situation.shown(Theme::new(false, Colours::Sixteen));
        let mut ascii = situation.shown(Theme::new(true, Colours::Off));
        for (width, height) in [(80, 24), (200, 60)] {
            let buffer = frame(&mut sixteen, width, height);
            let plain = drawn(&mut model, (width, height));
            assert_eq!(lines(&buffer), plain, "colours change no letter");
            let name = format!("diff_{name}_sixteen_{width}x{height}");
            insta::assert_snapshot!(name, styles(&buffer));
            let text = drawn(&mut ascii, (width, height));
            let name = format!("diff_{}_ascii_{width}x{height}", situation.name);
            insta::assert_snapshot!(name, text);
        }
    }
}

#[test]
fn ascii_keeps_the_letters_of_data_unless_the_terminal_has_none() {
    let theme = Theme::new(true, Colours::Off);
    for situation in situations() {
        let mut ours = situation.shown(theme);
        let mut escaped = situation.shown(theme.with_letters(Letters::Ascii));
        for size in SIZES {
            let text = drawn(&mut ours, size);
            let frames = |c: char| matches!(u32::from(c), 0x2010..=0x27bf | 0xb7);
            assert!(!text.contains(frames), "{text}");
            if situation.name == "units" {
                assert!(text.contains("Điều khoản"), "{text}");
            }
            let text = drawn(&mut escaped, size);
            assert!(text.is_ascii(), "{text}");
            if situation.name == "units" {
                assert!(text.contains("\\u{110}i\\u{1ec1}u"), "{text}");
            }
        }
    }
}

#[test]
fn d_stands_on_the_first_change_that_can_be_opened() {
    let mut model = drifted(plain());
    let Over::Diff(view) = &model.over else {
        panic!("the diff screen is open");
    };
    let chosen = view.fact().map(|fact| fact.key.as_str());
    assert_eq!(
        chosen,
        Some("fn_iu_enact_md5"),
        "icx_draft has nothing behind it"
    );
    let key = "fn_iu_enact_md5";
    arrives(&mut model, key, FactKind::Md5, FUNCTION, &replaced());
    let _ = press(&mut model, "\n");
    let text = drawn(&mut model, (80, 24));
    assert!(
        text.contains("line 8, column 21") && text.contains("change 1 of 3"),
        "{text}"
    );
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
fn help_and_how_it_was_read_scroll_and_count_what_is_not_on_screen() {
    let mut model = drifted(plain());
    for (key, last) in [("?", "draw everything anew"), ("s", "sha256 of its SQL")] {
        let _ = press(&mut model, key);
        let text = drawn(&mut model, (80, 24));
        assert!(
            text.contains("0 lines above, ") && text.contains("Esc closes"),
            "{text}"
        );
        let _ = press(&mut model, "G");
        let text = drawn(&mut model, (80, 24));
        assert!(text.contains(", 0 below") && text.contains(last), "{text}");
        let _ = press(&mut model, "\u{1b}");
    }
    let text = drawn(&mut model, (80, 24));
    assert!(text.contains("1 FACTS"), "{text}");
}

#[test]
fn keys_move_search_fold_and_come_back() {
    let mut model = drifted(plain());
    let _ = press(&mut model, "K");
    let effects = press(&mut model, "K");
    assert!(
        effects.is_empty(),
        "no document is behind these facts: {effects:?}"
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
        text.contains("251>line 250"),
        "a match inside a fold opens it: {text}"
    );
    let _ = press(&mut model, "n");
    assert!(seen(&mut model).contains("No further match"));
    let _ = press(&mut model, "z");
    assert!(seen(&mut model).contains("251>line 250"));
    let _ = press(&mut model, "s");
    assert!(seen(&mut model).contains("transaction nonce"));
    let effects = press(&mut model, "\u{1b}\u{1b}m");
    assert!(effects.is_empty());
    let effects = press(&mut model, "expected\n");
    let fact = Some(FactKey::new("fn_iu_enact_md5"));
    let text = "expected".to_owned();
    assert_eq!(
        effects,
        [ScreenEffect::Local(LocalRequest::Note { fact, text })]
    );
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
fn the_document_takes_the_whole_width_and_gives_it_back() {
    let mut model = drifted(plain());
    choose(&mut model, "fn_iu_enact_md5");
    let wide = "a line that is longer than one side of the pane ".repeat(2);
    let (before, after) = (format!("{wide}one\n"), format!("{wide}two\n"));
    arrives(
        &mut model,
        "fn_iu_enact_md5",
        FactKind::Md5,
        &before,
        &after,
    );
    let facts = |model: &mut Model| drawn(model, (160, 48)).contains("1 FACTS");
    assert!(facts(&mut model));
    let _ = press(&mut model, "2");
    assert!(facts(&mut model), "the first press only goes there");
    let _ = press(&mut model, "2");
    let text = drawn(&mut model, (160, 48));
    assert!(!text.contains("1 FACTS"), "{text}");
    let line = text
        .lines()
        .find(|line| line.contains("fn_iu_enact_md5") && line.contains("wrap on"));
    assert!(
        line.is_some_and(|line| line.starts_with('┌') && line.ends_with('┐')),
        "{text}"
    );
    let _ = press(&mut model, "1");
    assert!(facts(&mut model), "the list has its place");
    let _ = press(&mut model, "2");
    assert!(!facts(&mut model), "the choice is kept");
    let _ = press(&mut model, "2");
    assert!(facts(&mut model));
}

#[test]
fn o_opens_the_fold_under_the_cursor_and_no_other_and_folds_it_again() {
    let mut model = drifted(plain());
    choose(&mut model, "fn_iu_enact_md5");
    let text: String = (0..36).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    let changed = text
        .replace("line 12\n", "line twelve\n")
        .replace("line 24\n", "line two dozen\n");
    let kind = FactKind::Md5;
    arrives(&mut model, "fn_iu_enact_md5", kind, &text, &changed);
    let folds = |model: &mut Model| -> Vec<String> {
        let text = drawn(model, (160, 48));
        let fold = |line: &str| line.contains(" equal lines ...").then(|| line.to_owned());
        text.lines().filter_map(fold).collect()
    };
    let _ = press(&mut model, "2o");
    assert!(drawn(&mut model, (160, 48)).contains("No fold under the cursor"));
    assert_eq!(folds(&mut model).len(), 3);
    // From the change up over three lines of its surroundings to the fold.
    let _ = press(&mut model, "kkkk");
    let before = folds(&mut model);
    assert!(
        before[0].contains(">... 9 equal lines ... (o opens)"),
        "{before:?}"
    );
    let _ = press(&mut model, "o");
    let opened = folds(&mut model);
    assert_eq!(opened.len(), 2, "{opened:?}");
    assert!(
        opened[0].contains("5 equal lines") && opened[1].contains("8 equal lines"),
        "{opened:?}"
    );
    snap("fold_opened", &mut model);
    let _ = press(&mut model, "jjo");
    assert_eq!(folds(&mut model), before, "from within, it folds again");
    let _ = press(&mut model, "]]o");
    assert!(drawn(&mut model, (160, 48)).contains("No fold under the cursor"));
    let _ = press(&mut model, "Go");
    assert_eq!(folds(&mut model).len(), 2, "the last one is open");
    assert!(drawn(&mut model, (160, 48)).contains("36 line 35"));
}

#[test]
fn the_cursor_stays_on_screen_however_lines_are_laid_out() {
    let mut model = drifted(plain());
    choose(&mut model, "fn_iu_enact_md5");
    let long = |n: usize| format!("{n} {}\n", "word ".repeat(n % 7 * 20));
    let text: String = (0..80).map(long).collect();
    let changed = text.replace("word word word", "word term word");
    let kind = FactKind::Md5;
    arrives(&mut model, "fn_iu_enact_md5", kind, &text, &changed);
    let _ = press(&mut model, "2");
    for (width, height) in [(160, 48), (100, 20), (80, 24), (60, 16)] {
        let at = Duration::ZERO;
        let event = TerminalEvent::Resize(width, height);
        let _ = update(&mut model, ScreenMessage::Terminal { event, at }, at);
        for keys in [
            "]]]",
            "jjjjjjjjjjjjjjjj",
            "w",
            "z",
            "kkkkkkk",
            "o",
            "w",
            "z",
            "G",
            "[",
            "g",
            "/79 w\n",
            "N",
        ] {
            let _ = press(&mut model, keys);
            let text = drawn(&mut model, (width, height));
            // Below the band and beside the facts, only the cursor is drawn so.
            let facts = if width >= 100 { 46 } else { 0 };
            let body = text.lines().skip(8);
            let marked = body.filter(|line| line.chars().skip(facts).any(|c| c == '>'));
            assert_eq!(marked.count(), 1, "{keys:?} at {width}x{height}:\n{text}");
        }
    }
}

/// Text of every kind: wide, combining, bidi, control, long, empty.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[a-z ]{0,300}",
        Just("\u{202e}\u{2066}\u{200b}\u{1b}[2J\u{9b}\t\r\n".to_owned()),
        Just("漢字かな交じり文".repeat(20)),
        Just(format!("e{}", "\u{301}".repeat(40))),
        Just("👩\u{200d}👩\u{200d}👧🇻🇳🇻".to_owned()),
        Just("a\nb\nc\nd\ne\nf\ng\nh\ni\n".to_owned()),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

#[test]
fn while_a_run_waits_pinned_against_now_is_live() {
    let mut script = ScriptedRun::at_sg2(false);
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
    let told = messages(&script).len();
    script
        .clock("09:32:15")
        .live_read(false, &[("icx_draft", "59")], None);
    for messages in messages(&script).into_iter().skip(told) {
        let _ = update(&mut model, messages, Duration::ZERO);
    }
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("FACTS MOVED") && text.contains("60 | 59"),
        "{text}"
    );
    assert!(!text.contains("read in another way"), "{text}");
    assert!(text.contains(">! icx_draft"), "{text}");
}

#[test]
fn a_note_says_so_as_soon_as_the_run_goes_on() {
    let mut script = ScriptedRun::at_sg2(false);
    script.clock("09:31:15").live_read(false, &[], None);
    let mut model = model(&script, "09:31:15", plain());
    let told = messages(&script).len();
    let _ = press(&mut model, "d");
    let note = ReviewNote {
        by: "opb 09:31Z".to_owned(),
        fact: None,
        text: "all as it was".to_owned(),
        head_seq: told as u64 - 1,
        head_sha256: Digest::of("head"),
        is_stale: false,
        is_foreign: false,
        since: None,
    };
    let _ = update(&mut model, ScreenMessage::Notes(vec![note]), Duration::ZERO);
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("\"all as it was\"") && !text.contains("went on"),
        "{text}"
    );
    script.clock("09:32:15").live_read(false, &[], None);
    for messages in messages(&script).into_iter().skip(told) {
        let _ = update(&mut model, messages, Duration::ZERO);
    }
    let text = drawn(&mut model, (160, 48));
    assert!(text.contains("! the run went on: the note saw"), "{text}");
}

#[test]
fn a_note_stands_with_the_fact_that_it_is_about() {
    let mut model = model(&ScriptedRun::drifted(), "09:33:10", plain());
    let _ = press(&mut model, "d");
    let note = |fact: &str, text: &str| ReviewNote {
        by: "opb 09:31Z".to_owned(),
        fact: Some(FactKey::new(fact)),
        text: text.to_owned(),
        head_seq: 0,
        head_sha256: Digest::of("head"),
        is_stale: false,
        is_foreign: false,
        since: None,
    };
    let notes = vec![
        note("icx_draft", "one less?"),
        note("icx_draft", "0017, by op_c"),
        note("role", "as it was"),
    ];
    let _ = update(&mut model, ScreenMessage::Notes(notes), Duration::ZERO);
    let text = drawn(&mut model, (80, 40));
    let lines: Vec<&str> = text.lines().collect();
    let below = |fact: &str| {
        let found = lines.iter().position(|line| line.contains(fact));
        let rest = &lines[found.unwrap_or_else(|| panic!("{fact} in\n{text}")) + 1..];
        rest[..rest.len().min(2)].join("\n")
    };
    let draft = "opb 09:31Z and 1 more: \"0017, by op_c\"";
    assert!(below("! icx_draft").contains(draft), "{text}");
    let equal = "opb 09:31Z: \"as it was\"";
    assert!(below("= role").contains(equal), "{text}");
}

#[test]
fn enter_on_a_fact_that_moved_opens_it_side_by_side() {
    let mut model = model(&ScriptedRun::drifted(), "09:33:10", plain());
    let _ = press(&mut model, "2jjj\n");
    let Over::Diff(view) = &model.over else {
        panic!("icx_draft moved: {:?}", model.over);
    };
    assert_eq!(view.fact().map(|fact| fact.key.as_str()), Some("icx_draft"));
    let _ = press(&mut model, "\u{1b}k\n");
    let Over::Reading(reading) = &model.over else {
        panic!("icx_total did not: {:?}", model.over);
    };
    let key = FactKey::new("icx_total");
    assert_eq!(reading.subject, TextSubject::Fact(key));
    let _ = press(&mut model, "\u{1b}");
    assert_eq!(model.over, Over::Nothing);
}

#[test]
fn what_a_whole_read_found_stays_found_when_a_partial_read_follows() {
    let mut script = ScriptedRun::at_sg2(false);
    let moved = Digest::of("unit after").to_string();
    script
        .clock("09:31:15")
        .live_read(true, &[("unit_version", &moved)], None);
    script.clock("09:31:20").live_read(false, &[], None);
    let mut model = model(&script, "09:31:20", plain());
    let text = drawn(&mut model, (160, 48));
    let rows = |text: &str| text.matches("live_read  ").count();
    assert_eq!(
        rows(&text),
        2,
        "one row would hide that a fact moved: {text}"
    );
    let _ = press(&mut model, "d");
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("FACTS MOVED") && text.contains("! unit_version"),
        "{text}"
    );
    assert!(text.contains("= icx_draft"), "read again and equal: {text}");
}

#[test]
fn a_side_that_was_not_kept_is_not_called_removed() {
    let mut script = ScriptedRun::at_sg2(false);
    let moved = Digest::of("unit after").to_string();
    script
        .clock("09:31:15")
        .live_read(true, &[("unit_version", &moved)], None);
    let mut model = model(&script, "09:31:20", plain());
    let _ = press(&mut model, "d");
    let Over::Diff(view) = &model.over else {
        panic!("the diff screen is open");
    };
    let compare = view.compare.clone();
    let texts = Sides::new(Some("ICX-CONST-0017\t{}\n".to_owned()), None);
    let messages = ScreenMessage::Opened {
        compare,
        key: FactKey::new("unit_version"),
        result: Ok(Arc::new(AlignedDocuments::of(texts, FactKind::Content))),
    };
    let _ = update(&mut model, messages, Duration::ZERO);
    let text = drawn(&mut model, (160, 48));
    for says in [
        "The document of the right side was not kept while waiting: r reads it and keeps it.",
        "1 row of one side",
        "1 ICX-CONST-0017",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert!(!text.contains("removed"), "{text}");
}

/// Hostile texts at any size. `make check` leaves these out.
mod exhaustive {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_text_no_size_and_no_keys_make_the_screen_panic(
            shared in hostile(), before in hostile(), after in hostile(),
            sizes in prop::collection::vec((0_u16..=400, 0_u16..=120), 1..4),
            keys in "[\\[\\]jkJKgGowznNs12?\n\u{1b}]{0,30}",
        ) {
            let mut model = drifted(plain());
            choose(&mut model, "fn_iu_enact_md5");
            let (before, after) = (format!("{shared}{before}{shared}"), format!("{shared}{after}{shared}"));
            arrives(&mut model, "fn_iu_enact_md5", FactKind::Md5, &before, &after);
            let _ = press(&mut model, "2");
            for (width, height) in sizes {
                let at = Duration::ZERO;
                let event = TerminalEvent::Resize(width, height);
                let _ = update(&mut model, ScreenMessage::Terminal { event, at }, at);
                for key in keys.chars() {
                    let _ = press(&mut model, &key.to_string());
                    if !matches!(model.over, Over::Diff(_)) {
                        let _ = press(&mut model, "d2");
                    }
                }
                let text = drawn(&mut model, (width, height));
                prop_assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{9b}', '\t']), "{}", text);
            }
        }
    }
}
