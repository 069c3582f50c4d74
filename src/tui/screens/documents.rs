//! Whole documents: the evidence sheet, byte for byte as it is digested (escaped for the screen), and the help page.

use super::text_page::TextPage;
use crate::tui::keymap::{self, Action, KeyScope};
use crate::tui::model::Model;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// The evidence sheet, the whole JSON document.
pub(super) fn evidence(model: &Model) -> TextPage {
    let Some(evidence) = &model.run().evidence else {
        return TextPage {
            title: "EVIDENCE".to_owned(),
            lines: vec![Text::plain(
                "No evidence yet: it is taken when SG1 is reached.",
            )],
            copies: None,
        };
    };
    let mut lines = vec![
        Text::inked(Ink::Bold, "sha256  ").with(Ink::Plain, evidence.digest.as_str()),
        Text::plain(format!(
            "blobs/{} of this run; sha256sum of that file is the evidence digest.",
            evidence.digest
        )),
        Text::new(),
    ];
    match evidence.sheet.bytes() {
        Ok(bytes) => lines.extend(String::from_utf8_lossy(&bytes).lines().map(Text::plain)),
        Err(error) => lines.push(Text::inked(Ink::Bad, error.to_string())),
    }
    TextPage {
        title: format!("EVIDENCE OF {}  round {}", evidence.gate, evidence.round),
        lines,
        copies: Some(evidence.digest.to_string()),
    }
}

/// The keys of a screen with what they do beside them, wrapped for a width.
pub(super) fn key_lines(scope: KeyScope, width: usize) -> Vec<Text> {
    const KEYS: usize = 26;
    let mut lines = Vec::new();
    for binding in keymap::bindings(scope) {
        let help = Text::plain(binding.help).wrap(width.saturating_sub(KEYS));
        for (nth, does) in help.iter().enumerate() {
            let keys = if nth == 0 { binding.keys } else { "" };
            let keys = Text::inked(Ink::Bold, keys).to_column(KEYS);
            lines.push(keys.with(Ink::Plain, does.flat()));
        }
    }
    lines
}

/// The help page of a screen.
pub(super) fn help(scope: KeyScope, width: usize) -> TextPage {
    let mut lines = key_lines(scope, width);
    lines.push(Text::new());
    for line in [
        "No single key decides anything. While a sheet is open no letter is a command.",
        "~ before a number: SIMULATED.  # before a number: REHEARSED, on a throwaway copy.",
        "= same as pinned.  * differs from the last PASS.  ! drift.",
        "Everything here has a command twin: approve, reject, resume, replay, verify, report.",
    ] {
        lines.push(Text::plain(line));
    }
    TextPage {
        title: "KEYS".to_owned(),
        lines,
        copies: None,
    }
}

/// One of the reports, with its place among them.
pub(super) fn report(model: &Model, nth: usize) -> TextPage {
    let Some((name, text)) = model.reports.get(nth) else {
        return TextPage::default();
    };
    let key = |action| keymap::key_of(model.scope(), action);
    let (before, next) = (key(Action::Left), key(Action::Right));
    let all = model.reports.len();
    TextPage {
        title: format!("{name}   {} of {all} ({before} {next})", nth + 1),
        lines: text.lines().map(Text::plain).collect(),
        copies: Some(text.clone()),
    }
}
