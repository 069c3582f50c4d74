//! Phrases that several regions share. A simulated number always carries its `~`.

use crate::audit;
use crate::run::{
    ApprovalGate, Decision, EvidenceSheet, LastPassDifference, Obstacle, RunState, Subject,
    TeamWords, counted,
};
use crate::simulate::{PredictedEffect, StepCounts};
use crate::survey::{Digest, FactChange, FactKind, UtcTime, content_hex, is_of_no_rows};
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// `5d0e7b21..c3f91a`: an evidence digest ends in the six characters that are typed.
pub fn evidence_short(digest: &Digest) -> String {
    format!("{}..{}", &digest.as_str()[..8], digest.last_six())
}

/// `12,400`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Whether the prediction is zero rows.
pub fn predicts_nothing(predicted: &PredictedEffect) -> bool {
    *predicted.rows().get() == 0
}

/// That the run can no longer end as PASS, with what keeps it from that; nothing where nothing is known.
pub(super) fn cannot_pass(run: &RunState) -> Text {
    let against = audit::cannot_pass(run);
    match Obstacle::at_best(&against) {
        None => Text::new(),
        Some(at_best) => Text::inked(
            Ink::Bad,
            format!(
                "NO PASS ANY MORE, {at_best} at best: {}",
                Obstacle::words(&against)
            ),
        ),
    }
}

/// What a live run would change, table by table, `gap` between the tables.
pub fn prediction(run: &RunState, predicted: &PredictedEffect, gap: &str) -> Text {
    let counts = run.predicted.as_ref().map(|(_, counts)| counts);
    if predicts_nothing(predicted) {
        let present = counts.map(|counts| counts.already_present);
        return match present {
            Some(present) if *present.get() > 0 => {
                Text::plain("A live run would change nothing: all ")
                    .with(Ink::Simulated, present.to_string())
                    .with(Ink::Plain, " units are already present.")
            }
            _ => Text::plain("A live run would change nothing."),
        };
    }
    let mut text = Text::plain("A live run would change ")
        .with(Ink::Bold, predicted.rows().to_string())
        .with(Ink::Plain, " rows:");
    let comma = if gap.len() > 1 { "" } else { "," };
    for (nth, table) in predicted.touched().enumerate() {
        let before = match (nth, gap.len() > 1) {
            (0, true) => "   ".to_owned(),
            (0, false) => " ".to_owned(),
            _ => format!("{comma}{gap}"),
        };
        text.push(Ink::Plain, format!("{before}{} ", table.table));
        text.push(Ink::Simulated, table.words());
    }
    let deleted = predicted.deleted();
    let before = format!("{comma}{gap}");
    if *deleted.get() == 0 {
        text.with(Ink::Plain, format!("{before}nothing deleted"))
            .with(Ink::Plain, if comma.is_empty() { "" } else { "." })
    } else {
        text.with(Ink::Plain, before)
            .with(Ink::Bad, format!("{deleted} DELETED"))
    }
}

/// `A live run would change ~180 rows in 3 tables, nothing deleted.`
pub fn prediction_short(predicted: &PredictedEffect) -> Text {
    if predicts_nothing(predicted) {
        return Text::plain("A live run would change nothing.");
    }
    let tables = counted(predicted.touched().count(), "table");
    let text = Text::plain("A live run would change ")
        .with(Ink::Bold, predicted.rows().to_string())
        .with(Ink::Plain, format!(" rows in {tables}, "));
    let deleted = predicted.deleted();
    if *deleted.get() == 0 {
        text.with(Ink::Plain, "nothing deleted.")
    } else {
        text.with(Ink::Bold, format!("{deleted} DELETED"))
    }
}

/// What the step behind a gate does, and to how many units: `inserts ~0 of 60`, `enacts ~60 of 60`; empty: no units are simulated.
pub fn carries(words: &TeamWords, gate: ApprovalGate, counts: Option<&StepCounts>) -> String {
    let Some(counts) = counts else {
        return String::new();
    };
    let units = counts.verified.get() + counts.unverified.get();
    let [first, last] = &words.does;
    match gate {
        ApprovalGate::SG1 => format!("{first} {} of {units}", counts.would_insert),
        ApprovalGate::SG2 => format!("{last} {} of {units}", counts.would_enact),
    }
}

/// How the evidence stands to the last PASS.
pub fn last_pass(sheet: &EvidenceSheet) -> String {
    let Some((_, sealed_at, _)) = &sheet.last_pass else {
        return "No PASS of this profile and target yet to compare with.".to_owned();
    };
    let (facts, others) = since_last_pass(sheet);
    let date = sealed_at.date();
    let not_comparable = not_comparable(sheet);
    if facts.is_empty() && others.is_empty() {
        return match not_comparable.as_str() {
            "" => format!("Equal to the last PASS ({date})."),
            which => format!("Nothing differs from the last PASS ({date}){which}."),
        };
    }
    let named: Vec<String> = facts
        .iter()
        .take(3)
        .map(|difference| match difference.lines {
            Some(1) => format!("{}, 1 line", difference.key),
            Some(lines) => format!("{}, {lines} lines", difference.key),
            None => difference.key.to_string(),
        })
        .collect();
    let more = match facts.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    // Pinned functions are facts of this kind.
    let code = facts.iter().all(|difference| {
        sheet
            .facts
            .iter()
            .any(|fact| fact.key == difference.key && fact.kind == FactKind::Md5)
    });
    let kind = if code { ", and it is code" } else { "" };
    let facts = match facts.len() {
        0 => String::new(),
        n => format!("{}{kind}: {}{more}", counted(n, "fact"), named.join("; ")),
    };
    let others = match (others.join(", "), facts.is_empty()) {
        (others, _) if others.is_empty() => String::new(),
        (others, true) => others,
        (others, false) => format!("; and {others}"),
    };
    format!("Different from the last PASS ({date}): {facts}{others}{not_comparable}.")
}

/// What differs from the last PASS: facts, and what is none: `the policy`, `the profile`, `the prediction`.
pub fn since_last_pass(sheet: &EvidenceSheet) -> (Vec<&LastPassDifference>, Vec<&'static str>) {
    let other = |difference: &LastPassDifference| {
        Some(match difference.key.as_str() {
            "policy" => "the policy",
            "policy_file" => "the policy file",
            "profile" => "the profile",
            "change" => "the change",
            "prediction" => "the prediction",
            _ => return None,
        })
    };
    let differences = sheet.last_pass_differences.iter();
    let others = differences.clone().filter_map(other).collect();
    let facts = differences.filter(|difference| other(difference).is_none());
    (facts.collect(), others)
}

/// What of the last PASS cannot be compared, as the end of a sentence; empty: everything can.
pub fn not_comparable(sheet: &EvidenceSheet) -> String {
    match sheet.last_pass_not_comparable.len() {
        0 => String::new(),
        n => format!(", {n} not comparable"),
    }
}

/// `Since last PASS: 1 fact, the profile.`
pub fn last_pass_short(sheet: &EvidenceSheet) -> String {
    let not = not_comparable(sheet);
    let (facts, others) = since_last_pass(sheet);
    if sheet.last_pass.is_none() {
        return "No PASS yet to compare with.".to_owned();
    }
    if facts.is_empty() && others.is_empty() {
        return if not.is_empty() {
            "Equal to the last PASS.".to_owned()
        } else {
            format!("Since last PASS: nothing{not}.")
        };
    }
    let counted = (!facts.is_empty()).then(|| counted(facts.len(), "fact"));
    let others = others.into_iter().map(str::to_owned);
    let named: Vec<String> = counted.into_iter().chain(others).collect();
    format!("Since last PASS: {}{not}.", named.join(", "))
}

/// Which facts were found equal to the evidence, and when; the longest form first.
pub fn equal_when(run: &RunState) -> Vec<String> {
    let Some(pin) = &run.pin else {
        return vec![String::new()];
    };
    let beside = run.beside.len();
    let all = run.compared() - beside;
    let live = pin.facts.iter().filter(|fact| fact.live).count();
    let others = all.saturating_sub(live);
    let word = if beside == 0 { "All" } else { "All other" };
    let pinned = pin.snapshot.began_at.clock();
    let whole = run.all_read_again_at().map(UtcTime::clock);
    let last = match live {
        // A read of the live facts alone reads none.
        0 => whole.clone(),
        _ => run.last_read_at().map(UtcTime::clock),
    };
    match (last, whole) {
        _ if !run.has_read_again() => vec![format!("Pinned {pinned}, not read again yet.")],
        (Some(last), Some(whole)) if whole != last && others > 0 => vec![
            format!(
                "{live} facts equal the evidence, read {last}; the other {others} equal at {whole}."
            ),
            format!("{live} facts equal {last}, {others} at {whole}."),
        ],
        (Some(last), None) if others > 0 => vec![
            format!(
                "{live} facts equal the evidence, read {last}; the other {others} not read since {pinned}."
            ),
            format!("{live} facts equal {last}, {others} not read again."),
        ],
        (Some(last), _) => vec![
            format!("{word} {all} facts equal the evidence, read {last}."),
            format!("{word} {all} facts equal {last}."),
        ],
        (None, _) => vec![format!("Pinned {pinned}, not read again yet.")],
    }
}

/// What a value is called where it may be missing.
pub fn value_or_unknown(value: Option<&str>) -> &str {
    value.unwrap_or("unknown")
}

/// A value short enough for a list: digests as first8..last4.
pub fn short_value(value: &str) -> String {
    if value.is_empty() || is_of_no_rows(value) {
        return "empty".to_owned();
    }
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = content_hex(value);
    // An MD5 or a SHA-256 in hex, of a content digest behind its format.
    if (digits.len() == 32 || digits.len() == 64) && hex(digits) {
        format!("{}..{}", &digits[..8], &digits[digits.len() - 4..])
    } else if is_commit(value) {
        value[..7].to_owned()
    } else {
        value.to_owned()
    }
}

/// A commit id of git (SHA-1), of which the first seven characters are usual.
fn is_commit(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `icx_draft 60 -> 59`.
pub fn change(key: &str, from: Option<&str>, to: Option<&str>) -> String {
    format!(
        "{key} {} -> {}",
        short_value(value_or_unknown(from)),
        short_value(value_or_unknown(to))
    )
}

/// Who or what made the difference, as far as it was measured: of the facts where they differ, else of what else did.
pub fn changed_by(run: &RunState, changes: &[FactChange]) -> String {
    match Subject::among(changes).first() {
        None | Some(Subject::Facts) => changed_by_others(run, changes),
        Some(other) => format!("{}.", other.says()),
    }
}

/// `2 of 17 facts`, `1 of 17 facts and the code`, `the server`.
pub fn what_differs(run: &RunState, changes: &[FactChange]) -> String {
    let all = run.compared();
    let facts = changes
        .iter()
        .filter(|one| Subject::of(&one.key) == Subject::Facts);
    let facts = format!("{} of {all} facts", facts.count());
    let named: Vec<&str> = Subject::among(changes)
        .into_iter()
        .map(|subject| match subject {
            Subject::Facts => facts.as_str(),
            other => other.word(),
        })
        .collect();
    named.join(" and ")
}

/// That somebody else changed these facts, when as narrow as the journal has it, and by which transactions as far as that was
/// measured.
pub fn changed_by_others(run: &RunState, changes: &[FactChange]) -> String {
    let window = run.changed_between(changes.iter().map(|change| &change.key));
    let found_last = |nonce: &str| {
        let latest = run.latest.as_ref();
        latest.is_some_and(|(_, survey)| survey.snapshot.nonce == nonce)
    };
    // An attribution belongs to the survey that it was measured with; an older one could blame the wrong transactions.
    let attribution = run.attribution.as_ref();
    let attribution = attribution.filter(|found| found_last(&found.nonce));
    let window = match (window, attribution) {
        (Some(window), _) => Some((window.after, window.before)),
        (None, found) => found.map(|found| (found.after_time, found.before_time)),
    };
    let when = window.map_or_else(String::new, |(after, before)| {
        format!(", {} to {}", after.clock(), before.clock())
    });
    let Some(found) = attribution else {
        return format!("Somebody else{when}; by which session was not measured.");
    };
    let transactions = found.transactions();
    let trace = match &transactions[..] {
        [] => String::new(),
        [one] => format!("  Row xmin {one}."),
        [first, others @ ..] => format!("  Row xmin {first} and {} more.", others.len()),
    };
    let session = match found.session() {
        Some(session) => format!("  Session {} of {}.", session.pid, session.user),
        None => "  Session not visible.".to_owned(),
    };
    format!("Somebody else{when}.{trace}{session}")
}

/// `unit_version ICX-CONST-0017/1, icx_draft 60 -> 59, 2 more`: rows by their names first, then plain values, digests last.
pub fn changes(changes: &[FactChange]) -> String {
    // Most useful first, as only four are named: unknown values and changed rows, then short values, then digests, which say
    // little.
    let rank = |change: &FactChange| match (&change.rows[..], change.approved.as_deref()) {
        _ if change.reason.is_some() => 0,
        ([_, ..], _) => 0,
        ([], Some(value)) if value.len() < 32 || is_commit(value) => 1,
        _ => 2,
    };
    let more = changes.len().saturating_sub(4);
    let mut sorted: Vec<&FactChange> = changes.iter().collect();
    sorted.sort_by_key(|change| rank(change));
    let named: Vec<String> = sorted
        .iter()
        .take(4)
        .map(|one| match (&one.rows[..], rank(one)) {
            _ if let Some(reason) = &one.reason => format!("{} unknown ({reason})", one.key),
            ([row], _) => format!("{} {}", one.key, row.key),
            ([first, others @ ..], _) => {
                let more = counted(others.len(), "more row");
                format!("{} {} and {more}", one.key, first.key)
            }
            ([], 1) => change(
                one.key.shown(),
                one.approved.as_deref(),
                one.found.as_deref(),
            ),
            ([], _) => one.key.to_string(),
        })
        .collect();
    let more = match more {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    named.join(", ") + &more
}

/// What changed beside by the last survey, as a part of the sheet; nothing where nothing did.
pub fn changed_beside(run: &RunState) -> Vec<Text> {
    if run.beside.is_empty() {
        return Vec::new();
    }
    let facts = counted(run.beside.len(), "fact");
    let heading = Text::inked(Ink::Bold, "CHANGED BESIDE");
    let mut text = vec![heading.with(Ink::Plain, format!("   {facts}, which voids nothing"))];
    text.extend(run.beside.iter().map(|change| {
        let rows = match change.rows.as_slice() {
            [] => String::new(),
            [row] => row.key.clone(),
            [row, more @ ..] => format!("{} and {} more", row.key, more.len()),
        };
        Text::plain(format!("  {:<26} {rows}", change.key.shown()))
    }));
    text.push(Text::new());
    text
}

/// Past participle of a decision.
pub fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
        Decision::Withdraw => "withdrawn",
    }
}
