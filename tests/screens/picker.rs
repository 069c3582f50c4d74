//! The list of runs: situations at every size, and what its keys do. Invariant: the rows come from journals that the product's own writer made.

use std::fs;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::run::{Decision, RunFilter, RunResult, RunStatus, State, StopCode};
use drygate::tui::picker::{Picker, PickerMessage, PickerOver, PickerPage};
use drygate::tui::picker_keys::{Asked, Opening, PickerEffect, on_event};
use drygate::tui::picker_loop::picker_frame;
use drygate::tui::{Colours, Letters, Theme};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::home::{Home, flip};
use crate::stage::{lines, plain};
use drygate::testing::{ScriptedRun, at};

const SIZES: [(u16, u16); 3] = [(160, 48), (120, 36), (80, 24)];
const PASS: &str = "ictr-20261120T080000Z-11c0ffee";
const SG1: &str = "ictr-20261122T070000Z-8a941203";
const DRIFT: &str = "ictr-20261121T101500Z-0badcafe";
const FLIPPED: &str = "ictr-20261118T060000Z-0000f11b";
const FOREIGN: &str = "notes \u{1b}]52;c;QQ==\u{7} \u{202e}op_a";

/// One of everything that can lie among the runs.
fn busy() -> (TempDir, Home) {
    let place = tempfile::tempdir().expect("a folder");
    let home = Home::at(&place.path().join("data"));
    let mut passed = ScriptedRun::at_sg2(false);
    passed.closes().seals(RunResult::Pass, None);
    home.write(&passed, PASS, &|_| {});
    home.write(&ScriptedRun::at_sg1(false), SG1, &|_| {});
    home.write(&ScriptedRun::drifted(), DRIFT, &|_| {});
    let mut rejected = ScriptedRun::at_sg1(false);
    let stop = Some(StopCode::StopApprovalRejected);
    rejected
        .decides(Decision::Reject, "op_b", Some("not on a \u{1b}[5mFriday"))
        .becomes(State::Rejected)
        .returns(stop)
        .ends(RunResult::Rejected, stop);
    home.write(&rejected, "ictr-20261119T070000Z-00000004", &|created| {
        "STAGING".clone_into(&mut created.target.label);
        "staging".clone_into(&mut created.target.host);
        "tên\u{202e}hồ sơ 漢字 of a very long name".clone_into(&mut created.profile);
    });
    let flipped = home.write(&passed, FLIPPED, &|_| {});
    flip(&flipped.join("journal.jsonl"), 700);
    fs::create_dir(home.path.join("runs").join(FOREIGN)).expect("a folder");
    (place, home)
}

fn picker(home: &Home, theme: Theme) -> Picker {
    let mut picker = Picker::new("/srv/drygate".to_owned(), theme, at("09:31:15"));
    let (rows, _) = home.rows();
    picker.take(PickerMessage::Rows(rows, 0), at("09:31:15"));
    picker
}

fn press(picker: &mut Picker, code: KeyCode) -> Option<PickerEffect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    on_event(picker, &TerminalEvent::Key(key))
}

fn letters(picker: &mut Picker, text: &str) -> Option<PickerEffect> {
    let mut effect = None;
    for letter in text.chars() {
        effect = press(picker, KeyCode::Char(letter));
    }
    effect
}

fn chosen(picker: &Picker) -> String {
    let row = picker.chosen_row();
    row.map_or_else(String::new, |row| row.name.clone())
}

fn drawn(picker: &mut Picker, (width, height): (u16, u16)) -> String {
    lines(&picker_frame(picker, width, height))
}

fn choose(picker: &mut Picker, name: &str) {
    press(picker, KeyCode::Char('g'));
    while chosen(picker) != name {
        let place = picker.place();
        press(picker, KeyCode::Down);
        assert_ne!(picker.place(), place, "{name} is not in the list");
    }
}

#[test]
fn the_list_in_its_situations() {
    let (_place, home) = busy();
    assert_eq!(home.rows().1, 5, "at first every run is read");
    assert!(home.cache().is_file(), "what was read is kept");
    for size in SIZES {
        let mut picker = picker(&home, plain());
        let name = |what: &str| format!("picker_{what}_{}x{}", size.0, size.1);
        assert_snapshot!(name("waiting_first"), drawn(&mut picker, size));
        choose(&mut picker, FLIPPED);
        assert_snapshot!(name("damaged_chosen"), drawn(&mut picker, size));
        letters(&mut picker, "4/drift prod");
        assert_snapshot!(name("searching"), drawn(&mut picker, size));
    }
}

#[test]
fn a_demo_is_marked_and_waits_for_nobody() {
    let (_place, home) = busy();
    let (rows, _) = home.rows();
    let mut picker = picker(&home, plain());
    let waiting = picker.count(RunFilter::Waiting);
    assert!(waiting > 0, "some wait");
    let mut demos = rows.clone();
    for row in &mut demos {
        if let RunStatus::Run(run) = &mut row.standing {
            run.demo = true;
        }
    }
    picker.take(PickerMessage::Rows(demos, 0), at("09:31:15"));
    assert_eq!(picker.count(RunFilter::All), rows.len());
    assert_eq!(picker.count(RunFilter::Waiting), 0);
    for size in SIZES {
        let text = drawn(&mut picker, size);
        assert!(text.contains("NOTHING WAITS FOR A PERSON"), "{text}");
        assert!(text.contains("demo at SG"), "{text}");
        assert!(!text.contains("waits at"), "{text}");
        assert!(!text.contains("opens it to decide"), "{text}");
    }
}

#[test]
fn an_empty_home_says_what_to_do_first() {
    let place = tempfile::tempdir().expect("a folder");
    let home = Home::at(place.path());
    for size in [(160, 48), (80, 24)] {
        let mut picker = picker(&home, plain());
        let text = drawn(&mut picker, size);
        assert!(text.contains("drygate demo"), "{text}");
        assert_snapshot!(format!("picker_empty_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn help_names_every_key_and_reading_says_how_much_is_left() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    press(&mut picker, KeyCode::Char('?'));
    assert_snapshot!("picker_help_80x24", drawn(&mut picker, (80, 24)));
    let mut reading = Picker::new("/srv/drygate".to_owned(), plain(), at("09:31:15"));
    reading.take(PickerMessage::Rows(Vec::new(), 10_000), at("09:31:15"));
    let text = drawn(&mut reading, (80, 24));
    assert!(
        text.contains("READING THE RUNS") && text.contains("10000 still to be read"),
        "{text}"
    );
}

#[test]
fn ascii_is_ascii_and_without_colour_nothing_is_lost() {
    let (_place, home) = busy();
    let mut ascii = picker(
        &home,
        Theme::new(true, Colours::Off).with_letters(Letters::Ascii),
    );
    let text = drawn(&mut ascii, (160, 48));
    assert!(text.is_ascii(), "{text}");
    assert_snapshot!("picker_ascii_160x48", text);
    let mut coloured = picker(&home, Theme::new(false, Colours::Sixteen));
    let mut colourless = picker(&home, Theme::new(false, Colours::Off));
    assert_eq!(
        drawn(&mut coloured, (160, 48)),
        drawn(&mut colourless, (160, 48))
    );
    let buffer = picker_frame(&mut colourless, 160, 48);
    let colours = buffer.content().iter().map(|cell| (cell.fg, cell.bg));
    let plain = (ratatui::style::Color::Reset, ratatui::style::Color::Reset);
    assert!(
        colours.into_iter().all(|colours| colours == plain),
        "NO_COLOR has colours"
    );
}

#[test]
fn hostile_names_reasons_and_profiles_are_written_out_at_every_size() {
    let (_place, home) = busy();
    for (width, height) in [
        (160, 48),
        (120, 36),
        (80, 24),
        (60, 16),
        (59, 15),
        (1, 1),
        (400, 90),
    ] {
        let mut picker = picker(&home, plain());
        for _ in 0..6 {
            let text = drawn(&mut picker, (width, height));
            for c in ['\u{1b}', '\u{7}', '\u{202e}'] {
                assert!(!text.contains(c), "{width}x{height}: {c:?} in\n{text}");
            }
            press(&mut picker, KeyCode::Down);
        }
    }
    let mut picker = picker(&home, plain());
    choose(&mut picker, FOREIGN);
    assert!(drawn(&mut picker, (160, 48)).contains("notes \\u{1b}]52;c;QQ==\\u{7} \\u{202e}op_a"));
}

#[test]
fn a_drifted_run_is_found_with_a_filter_and_a_search_and_opened() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    letters(&mut picker, "4/2026-11-21");
    assert_eq!((picker.shown_len(), chosen(&picker).as_str()), (1, DRIFT));
    press(&mut picker, KeyCode::Enter);
    let opened = press(&mut picker, KeyCode::Enter);
    assert_eq!(
        opened,
        Some(PickerEffect::Open(DRIFT.to_owned(), Opening::Fitting))
    );
    let diff = press(&mut picker, KeyCode::Char('d'));
    assert_eq!(
        diff,
        Some(PickerEffect::Open(DRIFT.to_owned(), Opening::Differences))
    );
    let verify = press(&mut picker, KeyCode::Char('v'));
    assert_eq!(
        verify,
        Some(PickerEffect::Bring(DRIFT.to_owned(), Asked::Verify))
    );
    press(&mut picker, KeyCode::Esc);
    assert_eq!(picker.search, None, "Esc ends the search");
    assert_eq!(chosen(&picker), DRIFT);
    letters(&mut picker, "1");
    assert_eq!(picker.shown_len(), 6);
    assert_eq!(
        chosen(&picker),
        DRIFT,
        "the row stays chosen without the filter"
    );
}

#[test]
fn while_a_search_is_typed_no_letter_is_a_command() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    assert_eq!(letters(&mut picker, "/qdvpsS1?arx"), None);
    let search = picker.search.as_ref().map(|search| search.text.as_str());
    assert_eq!(search, Some("qdvpsS1?arx"));
    assert_eq!((picker.filter, picker.shown_len()), (RunFilter::All, 0));
    for _ in 0.."qdvpsS1?arx".len() {
        press(&mut picker, KeyCode::Backspace);
    }
    assert_eq!(picker.shown_len(), 6);
    press(&mut picker, KeyCode::Enter);
    assert_eq!(letters(&mut picker, "q"), Some(PickerEffect::Leave));
}

#[test]
fn what_does_not_read_is_verified_or_said_to_be_none() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    choose(&mut picker, FLIPPED);
    let effect = press(&mut picker, KeyCode::Enter);
    assert_eq!(
        effect,
        Some(PickerEffect::Bring(FLIPPED.to_owned(), Asked::Verify))
    );
    assert_eq!(press(&mut picker, KeyCode::Char('d')), None);
    assert!(
        picker
            .notice
            .as_deref()
            .is_some_and(|says| says.contains("journal.jsonl, line 1"))
    );
    choose(&mut picker, FOREIGN);
    assert_eq!(press(&mut picker, KeyCode::Enter), None);
    assert!(
        picker
            .notice
            .as_deref()
            .is_some_and(|says| says.contains("no run id"))
    );
    choose(&mut picker, PASS);
    let fitting = Opening::Fitting;
    for (key, effect) in [
        ('R', PickerEffect::Open(PASS.to_owned(), Opening::Replay)),
        ('w', PickerEffect::Open(PASS.to_owned(), Opening::Watch)),
        ('p', PickerEffect::Bring(PASS.to_owned(), Asked::Reports)),
        ('E', PickerEffect::Bring(PASS.to_owned(), Asked::Export)),
        ('r', PickerEffect::LookAgain),
        ('y', PickerEffect::Copy(PASS.to_owned())),
    ] {
        assert_eq!(
            press(&mut picker, KeyCode::Char(key)),
            Some(effect),
            "{key}"
        );
    }
    let effect = press(&mut picker, KeyCode::Enter);
    assert_eq!(effect, Some(PickerEffect::Open(PASS.to_owned(), fitting)));
    assert_eq!(letters(&mut picker, "a"), None);
    assert!(picker.notice.is_some(), "a says where decisions are made");
}

#[test]
fn news_leave_the_chosen_row_chosen() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    choose(&mut picker, PASS);
    home.write(
        &ScriptedRun::at_sg2(false),
        "ictr-20261122T080000Z-0000beef",
        &|_| {},
    );
    let (rows, _) = home.rows();
    picker.take(PickerMessage::Read(rows, 0), at("09:40:00"));
    assert_eq!((picker.shown_len(), chosen(&picker).as_str()), (7, PASS));
    letters(&mut picker, "sS");
    assert_eq!(chosen(&picker), PASS, "in another order as well");
}

#[test]
fn reports_are_paged_through_and_closed() {
    let (_place, home) = busy();
    let mut picker = picker(&home, plain());
    let part = |nth: usize| {
        let lines = (0..60).map(|line| format!("report {nth} line {line} \u{1b}[2J"));
        (format!("{nth:02}-x.md"), lines.collect())
    };
    picker.take(
        PickerMessage::Page(PickerPage {
            title: "REPORTS OF ..11c0ffee".to_owned(),
            parts: (1..=3).map(part).collect(),
            part: 1,
            top: 0,
        }),
        at("09:31:15"),
    );
    let text = drawn(&mut picker, (80, 24));
    assert!(
        text.contains("02-x.md   2 of 3") && text.contains("report 2 line 0 \\u{1b}[2J"),
        "{text}"
    );
    press(&mut picker, KeyCode::Char('l'));
    letters(&mut picker, "G");
    let text = drawn(&mut picker, (80, 24));
    assert!(text.contains("report 3 line 59"), "{text}");
    letters(&mut picker, "ll");
    assert!(drawn(&mut picker, (80, 24)).contains("report 2 line 0"));
    assert_eq!(
        letters(&mut picker, "q"),
        None,
        "q closes the page, not the list"
    );
    assert_eq!(picker.over, PickerOver::Nothing);
}
