//! The last PASS on the approval sheet: what differs from it leads, what is the same is one line.

use super::approve_sheet::key;
use super::words;
use crate::run::{Evidence, LastPassDifference};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// What a sheet says of who may approve.
const POLICY_KEYS: [&str; 2] = ["policy", "policy_file"];

/// Who may approve is another question than at the last PASS: it leads the sheet, before anything that is to be approved.
pub(super) fn policy_changed(text: &mut Vec<Text>, evidence: &Evidence) {
    let differences = &evidence.sheet.last_pass_differences;
    let of_policy = |key: &str| POLICY_KEYS.contains(&key);
    let mut changed = differences
        .iter()
        .filter(|difference| of_policy(difference.key.as_str()))
        .peekable();
    if changed.peek().is_none() {
        return;
    }
    text.push(Text::inked(
        Ink::Needed,
        "WHO MAY APPROVE CHANGED SINCE THE LAST PASS",
    ));
    text.extend(changed.map(|difference| line(difference, "")));
    text.push(Text::new());
}

/// Adds what differs from the last PASS, or what it could not be compared in.
pub(super) fn lines(text: &mut Vec<Text>, evidence: &Evidence) {
    let sheet = &evidence.sheet;
    let Some((run_id, at, _)) = &sheet.last_pass else {
        text.push(Text::inked(Ink::Bold, "LAST PASS").with(
            Ink::Plain,
            "   none of this profile and target yet to compare with",
        ));
        text.push(Text::new());
        return;
    };
    let differences = &sheet.last_pass_differences;
    let not_comparable = &sheet.last_pass_not_comparable;
    let heading = match (differences.is_empty(), not_comparable.is_empty()) {
        (true, true) => "EQUAL TO THE LAST PASS",
        (true, false) => "NOTHING DIFFERS FROM THE LAST PASS, AS FAR AS IT IS COMPARABLE",
        (false, _) => "DIFFERENT FROM THE LAST PASS",
    };
    text.push(
        Text::inked(Ink::Bold, heading).with(Ink::Plain, format!(" ({run_id}, {})", at.date())),
    );
    for key in not_comparable {
        text.push(Text::plain(format!(
            "  {:<26} not comparable: it was read or digested in another way",
            key.as_str()
        )));
    }
    for difference in differences {
        let lines = difference.lines.map_or_else(String::new, |n| {
            format!(
                "   {}   ({} {} reads)",
                crate::run::counted(usize::try_from(n).unwrap_or(0), "line"),
                key(Action::Back),
                key_of(KeyScope::Run, Action::Differences)
            )
        });
        text.push(line(difference, &lines));
    }
    let named = |key: &str| differences.iter().any(|d| d.key.as_str() == key);
    let keys = differences.iter().map(|difference| &difference.key);
    let facts = keys
        .chain(not_comparable)
        .filter(|key| sheet.facts.iter().any(|fact| fact.key == **key))
        .count();
    let mut same = vec![match sheet.facts.len().saturating_sub(facts) {
        n if facts == 0 => format!("all {n} facts"),
        n => format!("the other {n} facts"),
    }];
    // Of what was not predicted nothing is the same.
    let asked = [("profile", true), ("prediction", sheet.predicted.is_some())];
    for (word, asked) in asked {
        if asked && !named(word) {
            same.push(format!("the {word}"));
        }
    }
    let listed = match same.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => same.join(""),
    };
    text.push(Text::plain(format!("  {listed} are the same")));
    text.push(Text::new());
}

/// `  policy                     any account -> exclude_starter`
fn line(difference: &LastPassDifference, more: &str) -> Text {
    let shown = |value: Option<&str>| {
        let short = words::short_value(words::value_or_unknown(value));
        short
            .split_once("..")
            .map_or(short.clone(), |(first, _)| first.to_owned())
    };
    Text::plain(format!(
        "  {:<26} {} -> {}{more}",
        difference.key.shown(),
        shown(difference.then.as_deref()),
        shown(difference.now.as_deref())
    ))
}
