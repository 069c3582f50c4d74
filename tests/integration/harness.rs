//! The harness itself, on programs that need no product. Invariant: what a ring relies on is seen to work, and to fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use ratatui::Terminal as Drawing;
use ratatui::backend::TestBackend;
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};
use rustix::process::Signal;

use crate::support::pty::{Exit, Launch, Terminal, key};
use crate::support::screen::Screen;

fn shell(script: &str) -> Terminal {
    Launch::program("/bin/sh", ["-c", script])
        .size(60, 10)
        .open()
}

#[test]
fn keys_reach_the_program_and_its_words_come_back() {
    let mut terminal = shell("echo ready; read -r line; echo \"<$line>\"; exit 7");
    terminal.wait_for("ready");
    terminal.type_slowly("b\u{1ea1}n").keys(key::ENTER);
    let screen = terminal.wait_for("<b\u{1ea1}n>");
    assert_eq!(screen.row(0), "ready");
    assert_eq!(screen.size(), (60, 10));
    assert_eq!(terminal.wait_exit(), Exit::Code(7));
    assert_eq!(terminal.exit(), Some(Exit::Code(7)));
    assert_eq!(terminal.bytes_written(), terminal.transcript().len());
}

#[test]
fn keys_arrive_as_a_terminal_sends_them() {
    let mut terminal =
        shell("stty raw -echo; printf up; head -c 17 | od -An -tx1 | tr -s ' \\n' ' '; stty sane");
    terminal.wait_for("up");
    let arrows = [key::UP, key::DOWN, key::PAGE_DOWN];
    let single = [key::ESC, key::ENTER, key::TAB, key::BACKSPACE];
    let control = [key::CTRL_C, key::CTRL_L, key::CTRL_Z];
    let keys: Vec<&str> = [&arrows[..], &single, &control].concat();
    terminal.keys(&keys.concat());
    terminal.wait_for("1b 5b 41 1b 5b 42 1b 5b 36 7e 1b 0d 09 7f 03 0c 1a");
}

#[test]
fn a_frame_is_seen_whole_or_not_at_all() {
    let mut terminal = shell(
        "printf 'old'; printf '\\033[?2026h\\rnew\\033]2;begun\\007'; read -r _; printf '\\033[?2026l'; read -r _",
    );
    terminal.wait_heard("the title", |heard| (heard.title == "begun").then_some(()));
    assert_eq!(terminal.screen().row(0), "old");
    assert_eq!(terminal.left_behind(), ["synchronized output (2026)"]);
    terminal
        .keys("\n")
        .wait_until("the frame", |screen| screen.row(0) == "new");
}

#[test]
fn the_program_under_test_starts_in_a_pty() {
    let terminal = Launch::drygate(["--version"]).open();
    assert_eq!(terminal.wait_exit(), Exit::Code(0), "{}", terminal.screen());
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

#[test]
fn a_wait_in_vain_shows_the_screen() {
    let terminal = shell("echo something else");
    let failed = catch_unwind(AssertUnwindSafe(|| terminal.wait_for("the fact")));
    let message = *failed
        .expect_err("the text never comes")
        .downcast::<String>()
        .expect("a formatted panic");
    assert!(message.contains("waited for \"the fact\""), "{message}");
    assert!(message.contains("something else"), "{message}");
}

#[test]
fn the_environment_is_the_tests_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Launch::program("/bin/sh", ["-c", "echo \"$TERM $MARK $(pwd)\""])
        .env("MARK", "here")
        .cwd(folder.path())
        .size(200, 10)
        .open();
    let name = folder.path().file_name().expect("a name");
    let screen = terminal.wait_for(&name.to_string_lossy());
    assert!(
        screen.row(0).starts_with("xterm-256color here /"),
        "{screen}"
    );
}

#[test]
fn a_signal_ends_the_program_by_name() {
    let mut terminal = shell("echo up; while :; do read -r _; done");
    terminal.wait_for("up");
    terminal.signal(Signal::TERM);
    assert!(matches!(terminal.wait_exit(), Exit::Signal(name) if name.starts_with("Terminated")));
}

#[test]
fn what_is_left_switched_on_is_named() {
    let mut terminal =
        shell("stty raw; printf '\\033[?1049h\\033[?25l'; printf on; read -r _; exit 0");
    terminal.wait_for("on");
    assert_eq!(
        terminal.left_behind(),
        [
            "cursor hidden (25)",
            "alternate screen (1049)",
            "the line's settings (raw mode)"
        ]
    );
    terminal.signal(Signal::KILL);
    terminal.wait_exit();
    assert_eq!(terminal.left_behind().len(), 3, "also after the end");
}

#[test]
fn a_program_that_cleans_up_leaves_nothing() {
    let mut terminal = shell(
        "old=$(stty -g); stty raw; printf '\\033[?1049hon'; head -c 1 >/dev/null; \
         stty \"$old\"; printf '\\033[?1049l'",
    );
    terminal.wait_for("on");
    let raw = terminal.discipline();
    terminal.keys("q");
    terminal.wait_exit();
    assert_ne!(terminal.discipline(), raw);
    assert!(
        terminal.left_behind().is_empty(),
        "{:?}",
        terminal.left_behind()
    );
}

#[test]
fn a_resize_reaches_the_program() {
    let mut terminal = shell("trap 'stty size' WINCH; echo up; while :; do read -r _; done");
    terminal.wait_for("up");
    terminal.resize(100, 30);
    assert_eq!(terminal.wait_for("30 100").size(), (100, 30));
}

#[test]
fn a_terminal_that_is_not_read_holds_the_program_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = Command::new("mkfifo")
        .arg("meanwhile")
        .current_dir(folder.path())
        .status();
    assert!(done.expect("mkfifo runs").success());
    let script = "read -r _; yes | head -n 200000 & \
         i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo over >meanwhile; wait; echo all written";
    let mut terminal = Launch::program("/bin/sh", ["-c", script])
        .cwd(folder.path())
        .open();
    terminal.stop_reading().keys(key::ENTER);
    // Opening the pipe waits for the shell, which has had time to count while its child could have written all.
    let over = std::fs::read_to_string(folder.path().join("meanwhile"));
    assert_eq!(over.expect("a pipe"), "over\n");
    assert!(
        terminal.bytes_written() < 100_000,
        "{}",
        terminal.bytes_written()
    );
    assert_eq!(terminal.exit(), None);
    terminal.resume_reading().wait_for("all written");
    terminal.wait_exit();
    assert!(terminal.bytes_written() > 400_000);
}

#[test]
fn bell_title_and_clipboard_are_heard() {
    let terminal = shell("printf '\\007\\033]2;drygate waits\\007\\033]52;c;YWJj\\007'; echo up");
    terminal.wait_for("up");
    terminal.wait_heard("a bell", |heard| (heard.bells == 1).then_some(()));
    terminal.wait_heard("a title", |heard| {
        (heard.title == "drygate waits").then_some(())
    });
    assert_eq!(
        terminal.wait_heard("a copy", |heard| heard.copied.first().cloned()),
        "YWJj"
    );
}

#[test]
fn a_paste_is_bracketed() {
    let mut terminal = shell(
        "stty -echo; echo up; read -r line; printf '%s' \"$line\" | od -An -tx1 | tr -s ' \\n' ' '",
    );
    terminal.wait_for("up");
    terminal.paste("ab").keys(key::ENTER);
    let screen = terminal.wait_for("1b 5b 32 30 31 7e");
    assert!(screen.contains("1b 5b 32 30 30 7e 61 62"), "{screen}");
}

#[test]
fn panes_are_found_by_title_in_both_kinds_of_border() {
    let plain = "\
+- 1 GATES ---++- 2 LIVE FACTS -- now -+\n\
| G0  6/6     || icx_total  60         |\n\
| \u{1ec7} \u{4e2d} end    || role                  |\n\
+-------------++-----------------------+\n\
| not a pane  |";
    let drawn = "\
\u{250c}\u{2500} 1 GATES \u{2500}\u{2510}\u{250f}\u{2501} 2 LIVE FACTS \u{2501}\u{2513}\n\
\u{2502} G0  6/6   \u{2502}\u{2503} icx_total  60  \u{2503}\n\
\u{2502} \u{1ec7} \u{4e2d} end  \u{2502}\u{2503} role           \u{2503}\n\
\u{2514}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2518}\u{2517}\u{2501}\u{2501}\u{2501}\u{251b}\n\
not a pane";
    for text in [plain, drawn] {
        let terminal = shell(&format!(
            "printf '{}'; read -r _",
            text.replace('\n', "\\r\\n")
        ));
        let screen = terminal.wait_for("not a pane");
        let facts = screen.pane("2 LIVE FACTS");
        assert_eq!(facts.lines, [" icx_total  60", " role"], "{screen}");
        assert_eq!(facts.origin.1, 0);
        assert!(facts.origin.0 > 10);
        assert_eq!(screen.pane("1 GATES").line("end"), " \u{1ec7} \u{4e2d} end");
        assert_eq!(screen.find_pane("3 STOP"), None);
        assert_eq!(terminal.screen(), screen);
    }
}

#[test]
fn a_screen_drawn_by_ratatui_reads_like_one_of_a_terminal() {
    let mut drawing = Drawing::new(TestBackend::new(30, 5)).expect("a backend in memory");
    drawing
        .draw(|frame| {
            let lines = vec![
                Line::from("icx_total  60").green().bold(),
                Line::from("\u{4e2d}\u{6587} end"),
            ];
            let pane = Block::bordered()
                .title("2 LIVE FACTS")
                .border_style(Style::new().dim());
            frame.render_widget(Paragraph::new(lines).block(pane), frame.area());
        })
        .expect("drawing in memory");
    let screen = Screen::from_buffer(drawing.backend().buffer());
    let pane = screen.pane("LIVE FACTS");
    assert_eq!(pane.line("icx_total"), "icx_total  60");
    assert_eq!(pane.lines[1], "\u{4e2d}\u{6587} end");
    assert_eq!(screen.find("end"), Some((6, 2)), "positions are cells");
    let style = screen.style_of("icx_total");
    assert_eq!(style.modifiers, Modifier::BOLD);
    assert_eq!(style.colour, vt100::Color::Idx(2));
    assert!(pane.text().starts_with("icx_total"));
    screen.assert_inert();
}

#[test]
fn a_bidi_override_is_not_inert() {
    let mut drawing = Drawing::new(TestBackend::new(10, 1)).expect("a backend in memory");
    drawing
        .draw(|frame| {
            frame.buffer_mut()[(3, 0)].set_symbol("a\u{202e}");
        })
        .expect("drawing in memory");
    let screen = Screen::from_buffer(drawing.backend().buffer());
    assert!(catch_unwind(|| screen.assert_inert()).is_err());
}
