//! The band while the run waits for a person. What would make an approval fail is said before anybody tries.

use super::band::{Band, BandKey, state_line};
use super::changed_words::changed_within_band;
use super::{rehearsed, running, words};
use crate::run::{ApprovalGate, Drift, Evidence, Measure, RaisedStop, RunState, StopCode, Subject};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::Model;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// What is true from the first copied row to the end of the rehearsal, or, where its process was killed, to the next start.
const COPIES_ON_DISK: &str = "It is rehearsed: copied rows are on the disk of that machine until this ends, or drygate starts there again.";

const KEYS: [BandKey; 6] = [
    (Action::Approve, "approve"),
    (Action::Reject, "reject"),
    (Action::Evidence, "read the evidence"),
    (Action::Differences, "differences"),
    (Action::SurveyAgain, "survey again"),
    (Action::Quit, "leave it waiting"),
];

const KEYS_NARROW: [BandKey; 6] = [
    (Action::Approve, "approve"),
    (Action::Reject, "reject"),
    (Action::Evidence, "evidence"),
    (Action::Differences, "differences"),
    (Action::SurveyAgain, "survey again"),
    (Action::Quit, "leave"),
];

/// Of a run with a change.
const KEYS_CHANGE: [BandKey; 7] = [
    (Action::Approve, "approve"),
    (Action::Reject, "reject"),
    (Action::ChangeFiles, "read the change"),
    (Action::Evidence, "the evidence"),
    (Action::Differences, "differences"),
    (Action::SurveyAgain, "survey again"),
    (Action::Quit, "leave it waiting"),
];

const KEYS_CHANGE_NARROW: [BandKey; 7] = [
    (Action::Approve, "approve"),
    (Action::Reject, "reject"),
    (Action::ChangeFiles, "change"),
    (Action::Evidence, "evidence"),
    (Action::Differences, "diff"),
    (Action::SurveyAgain, "survey again"),
    (Action::Quit, "leave"),
];

const KEYS_RENEW: [BandKey; 5] = [
    (Action::SurveyAgain, "take new evidence"),
    (Action::Differences, "differences"),
    (Action::Evidence, "read the evidence"),
    (Action::Reject, "reject"),
    (Action::Quit, "leave it waiting"),
];

const KEYS_RENEW_NARROW: [BandKey; 5] = [
    (Action::SurveyAgain, "take new evidence"),
    (Action::Differences, "differences"),
    (Action::Evidence, "evidence"),
    (Action::Reject, "reject"),
    (Action::Quit, "leave"),
];

/// Nothing can be read any more, so that nothing can be approved.
const KEYS_SPENT: [BandKey; 4] = [
    (Action::Reject, "reject"),
    (Action::Evidence, "read the evidence"),
    (Action::Differences, "differences"),
    (Action::Quit, "leave it waiting"),
];

/// Behind a drift the evidence is what somebody approved.
pub(super) const APPROVER_SAW: &str = "what the approver saw";

const KEYS_DRIFT: [BandKey; 5] = [
    (Action::SurveyAgain, "take new evidence"),
    (Action::Differences, "approved | found"),
    (Action::Evidence, APPROVER_SAW),
    (Action::Reject, "reject"),
    (Action::Quit, "leave it waiting"),
];

/// The band at SG1 or SG2.
pub(super) fn band(model: &Model, gate: ApprovalGate, narrow: bool) -> Band {
    let run = model.run();
    let Some(evidence) = &run.evidence else {
        return Band::new(Ink::Running, gate.name(), "");
    };
    if let Some(pending) = run.pending_approval() {
        return Band::new(
            Ink::Running,
            format!("{gate}   APPROVAL PENDING"),
            "SURVEYING AGAIN",
        )
        .say(Text::plain(format!(
            "Approved by {} {}. All facts are read again before it takes effect.",
            pending.by.name(),
            pending.at.clock()
        )))
        .say(
            match (&model.progress, run.change(), run.copies_on_disk()) {
                (Some(progress), ..) => running::progress_line(model, progress),
                (None, Some(_), true) => Text::plain(COPIES_ON_DISK),
                (None, Some(_), false) => {
                    Text::plain("Then the change is rehearsed on a throwaway copy of the tables.")
                }
                (None, None, _) => prediction(run, evidence, gap(narrow)),
            },
        )
        .say(state_line(model, StopCode::StopApprovalRequired.name()))
        .keys(&[(Action::Quit, "leave: the approval is kept")]);
    }
    let question = format!("{gate}   {}?", run.gate_label(gate).to_uppercase());
    let carries = words::carries(run.words(), gate, evidence.sheet.predicted_counts.as_ref());
    let against = words::cannot_pass(run);
    // In this order: the first is what a person has to solve first.
    let situation = moved(model, gate)
        .or_else(|| expired(model, gate, evidence))
        .or_else(|| unread(model, &question))
        .or_else(|| refused(model, gate))
        .or_else(|| budget_spent(model, &question))
        .or_else(|| database_gone(model, &question));
    let spent = run.allowance().exhausted().is_some();
    let keys: &[_] = match (spent, narrow, run.change().is_some()) {
        (true, ..) => &KEYS_SPENT,
        (false, true, false) => &KEYS_NARROW,
        (false, false, false) => &KEYS,
        (false, true, true) => &KEYS_CHANGE_NARROW,
        (false, false, true) => &KEYS_CHANGE,
    };
    if let Some(mut band) = situation {
        // On a narrow screen there is no line left; approving would be refused there.
        if !narrow && !against.is_empty() {
            band.lines.insert(0, against);
        }
        let keys: &[_] = match (spent || band.keys.is_empty(), narrow) {
            (true, _) => keys,
            (false, true) => &KEYS_RENEW_NARROW,
            (false, false) => &KEYS_RENEW,
        };
        let full = band.lines.len() > if narrow { 1 } else { 2 };
        let predicted = if full {
            Text::new()
        } else {
            prediction_beside(model, &band, evidence, narrow)
        };
        return band
            .say(predicted)
            .say(state_line(model, StopCode::StopApprovalRequired.name()))
            .keys(keys)
            .needing_person();
    }
    let since = run.state_since.map_or_else(String::new, |at| {
        if narrow {
            at.clock_minutes()
        } else {
            at.clock()
        }
    });
    let ink = if against.is_empty() {
        Ink::Needed
    } else {
        Ink::Bad
    };
    // On a narrow screen one line leads, and takes the place of the last.
    let leads = !against.is_empty() || !evidence.sheet.drifted.is_empty();
    let earlier = if narrow && !against.is_empty() {
        Text::new()
    } else {
        since_earlier_evidence(model, evidence)
    };
    let band = Band::new(ink, question, right_side(model, evidence, &since, narrow))
        .carrying(carries, model.size.width)
        .say(against)
        .say(earlier);
    let predicted = prediction_beside(model, &band, evidence, narrow);
    band.say(predicted)
        .say(if narrow && leads {
            // What changed takes this line.
            Text::new()
        } else {
            differences(model, evidence, narrow, leads)
        })
        .say(state_line(model, StopCode::StopApprovalRequired.name()))
        .keys(keys)
        .needing_person()
}

/// What a live run would change, table by table where the band has the rows for it.
fn prediction_beside(model: &Model, band: &Band, evidence: &Evidence, narrow: bool) -> Text {
    let run = model.run();
    let whole = rehearsed::sentence(run, false);
    let whole = whole.unwrap_or_else(|| prediction(run, evidence, gap(narrow)));
    // A band has four rows for what it says, and one of them is kept for the line behind this one.
    let width = usize::from(model.size.width).saturating_sub(if narrow { 4 } else { 8 });
    let rows = |line: &Text| line.wrap(width).len();
    let taken: usize = band.lines.iter().map(rows).sum();
    // On a narrow screen with nothing above, the differences keep a row as well.
    let most = if narrow && taken == 0 { 2 } else { 3 };
    let fits = |line: &Text| taken + rows(line) <= most;
    if fits(&whole) {
        return whole;
    }
    let predicted = evidence.sheet.predicted.as_ref();
    let short = rehearsed::sentence(run, true)
        .or_else(|| predicted.map(words::prediction_short))
        .unwrap_or_default();
    if fits(&short) {
        return short;
    }
    rehearsed::counts(run).unwrap_or(short)
}

/// What a live run would change by the sheet.
fn prediction(run: &RunState, evidence: &Evidence, gap: &str) -> Text {
    let predicted = evidence.sheet.predicted.as_ref();
    match predicted {
        Some(predicted) => words::prediction(run, predicted, gap),
        None if run.simulates() || run.change().is_some() => Text::new(),
        None => Text::plain(run.nothing_predicted()),
    }
}

/// After drift the new evidence is led by what changed since the earlier one.
fn since_earlier_evidence(model: &Model, evidence: &Evidence) -> Text {
    let drifted = &evidence.sheet.drifted;
    if drifted.is_empty() {
        return Text::new();
    }
    let lead = Text::inked(Ink::Drift, "CHANGED  ");
    let taken = lead.width();
    lead.then(changed_within_band(model, drifted, taken))
}

fn gap(narrow: bool) -> &'static str {
    if narrow { " " } else { "    " }
}

fn right_side(model: &Model, evidence: &Evidence, since: &str, narrow: bool) -> String {
    let waiting = format!("WAITING FOR YOU since {since}");
    match (model.minutes_left(), narrow) {
        (Some(1), _) => format!("{waiting}   EXPIRES WITHIN 1 MINUTE"),
        (Some(minutes), _) => format!("{waiting}   EXPIRES IN {minutes} MINUTES"),
        (None, true) => waiting,
        (None, false) => format!(
            "{waiting}   evidence expires {}",
            evidence.expires_at.clock_minutes()
        ),
    }
}

/// Whether the facts still equal, and how the evidence stands to the last PASS; in short behind a line that leads.
fn differences(model: &Model, evidence: &Evidence, narrow: bool, behind: bool) -> Text {
    let run = model.run();
    let sheet = &evidence.sheet;
    let read = words::equal_when(run);
    let beside = match run.beside.len() {
        0 => String::new(),
        n => format!(" {n} changed beside."),
    };
    let resting = run.live_reads_rest().map(Measure::key);
    if narrow {
        let short = read.last().cloned().unwrap_or_default();
        let text = Text::plain(short.as_str());
        return if resting.is_some() {
            text.with(Ink::Plain, " Live reads rest (budget).")
        } else if beside.is_empty() {
            text.with(Ink::Plain, format!("  {}", words::last_pass_short(sheet)))
        } else {
            // Instead of how it stands to the last PASS: what changed now is more to a person who decides.
            text.with(Ink::Bold, beside)
        };
    }
    let ink = if sheet.last_pass_differences.is_empty() {
        Ink::Plain
    } else {
        Ink::Bold
    };
    let rest = resting.map_or_else(String::new, |key| {
        format!(" Live reads rest: {key} is kept for the surveys to come.")
    });
    let short = words::last_pass_short(sheet);
    let last_pass = match (beside.is_empty() && sheet.drifted.is_empty(), behind) {
        (true, true) => vec![words::last_pass(sheet), short],
        (true, false) => vec![words::last_pass(sheet)],
        (false, _) => vec![short],
    };
    let width = usize::from(model.size.width).saturating_sub(8);
    let line = |says: &String, last_pass: &String| {
        Text::plain(format!("{says}{rest}"))
            .with(Ink::Bold, beside.as_str())
            .with(Ink::Plain, "    ")
            .with(ink, last_pass.as_str())
    };
    // The longest form goes on in a second line, where there is one.
    let forms = last_pass.iter();
    let forms = forms.flat_map(|last_pass| read.iter().map(move |says| line(says, last_pass)));
    let forms: Vec<Text> = forms.collect();
    let fits = forms.iter().find(|form| form.width() <= width).cloned();
    fits.or_else(|| forms.first().cloned()).unwrap_or_default()
}

/// Facts that were seen to have moved while nobody approved.
fn moved(model: &Model, gate: ApprovalGate) -> Option<Band> {
    let run = model.run();
    let moved = run.moved();
    if moved.is_empty() {
        return None;
    }
    Some(
        Band::new(
            Ink::Drift,
            format!("{gate}   {} MOVED", Subject::title_among(&moved)),
            "APPROVING WOULD BE REFUSED",
        )
        .say(Text::plain(words::changed_by(run, &moved)))
        .say(changed_within_band(model, &moved, 0))
        .say(Text::plain(format!(
            "{} moved. {} takes new evidence; SG1 is asked again.",
            capital(&words::what_differs(run, &moved)),
            key_of(model.scope(), Action::SurveyAgain)
        )))
        .keys(&KEYS_RENEW),
    )
}

fn expired(model: &Model, gate: ApprovalGate, evidence: &Evidence) -> Option<Band> {
    if !model.is_expired() {
        return None;
    }
    let ttl = model.run().created.as_ref()?.approvals.ttl_seconds;
    let counted_from = evidence.expires_at.plus_seconds(-ttl);
    let since = if model.run().looks_again() {
        "Facts last read in full"
    } else {
        "Shown"
    };
    let good = match (ttl % 3600, ttl % 60) {
        (0, _) => format!("{} h", ttl / 3600),
        (_, 0) => format!("{} min", ttl / 60),
        _ => format!("{ttl} s"),
    };
    Some(
        Band::new(
            Ink::Needed,
            format!("{gate}   EVIDENCE EXPIRED"),
            "STILL WAITING",
        )
        .say(Text::plain(format!(
            "{since} {}, good for {good}. {} takes new evidence and shows what changed.",
            counted_from.clock(),
            key_of(model.scope(), Action::SurveyAgain)
        )))
        .keys(&KEYS_RENEW),
    )
}

fn refused(model: &Model, gate: ApprovalGate) -> Option<Band> {
    let why = model.run().refused.as_ref()?;
    Some(
        Band::new(
            Ink::Needed,
            format!("{gate}   APPROVAL REFUSED"),
            "STILL WAITING",
        )
        .say(Text::plain(why)),
    )
}

/// The repository cannot be looked at: an approval could not take effect.
fn unread(model: &Model, question: &str) -> Option<Band> {
    let why = model.run().repository_unread()?;
    Some(
        Band::new(Ink::Needed, question, "WAITING, APPROVING WOULD BE REFUSED").say(Text::plain(
            format!("The repository of the run could not be looked at: {why}"),
        )),
    )
}

/// Nothing more may be read: an approval could not take effect.
fn budget_spent(model: &Model, question: &str) -> Option<Band> {
    let spent = model.run().allowance().exhausted()?;
    let key = spent.measure.key();
    Some(
        Band::new(Ink::Needed, question, "WAITING, THE RUN'S BUDGET IS SPENT").say(Text::plain(
            format!(
                "{} of {} {} ({key}) are spent. {} rejects; more needs a new run.",
                spent.spent(),
                spent.limit(),
                spent.measure.unit(),
                key_of(model.scope(), Action::Reject),
            ),
        )),
    )
}

fn database_gone(model: &Model, question: &str) -> Option<Band> {
    let (why, since) = model.run().live.as_ref()?.failed.as_ref()?;
    Some(
        Band::new(Ink::Needed, question, "WAITING, LIVE CHECK FAILED").say(Text::plain(format!(
            "Not read since {}: {why}. The run is kept; approving needs the database.",
            since.clock()
        ))),
    )
}

/// The band of work that stands because the database was lost.
pub(super) fn database_lost(model: &Model, lost: &RaisedStop) -> Band {
    let since = lost.at.clock();
    let kept = match model.run().pending_approval() {
        Some(approval) => format!(
            "The run and the approval of {} are kept.",
            approval.by.name()
        ),
        None => "The run is kept.".to_owned(),
    };
    let right = format!("STOPPED since {since}, RESUMABLE");
    Band::new(Ink::Needed, "DATABASE UNAVAILABLE", right)
        .say(Text::plain(format!("{}.", lost.stop.message)))
        .say(Text::plain(format!("{kept} To do: {}.", lost.stop.next)))
        .say(state_line(model, lost.stop.stop_code.name()))
        .keys(&[
            (Action::SurveyAgain, "try again"),
            (Action::Open, "opens the row"),
            (Action::Quit, "leave"),
        ])
        .needing_person()
}

/// As a sentence begins.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The band of a drift that stands: the approval is void.
pub(super) fn drifted(model: &Model, drift: &Drift, narrow: bool) -> Band {
    let run = model.run();
    let gate = drift.gate.map_or("", ApprovalGate::name);
    let void = run
        .approvals
        .iter()
        .rev()
        .find(|approval| approval.status == crate::run::ApprovalStatus::Void);
    let stopped = format!("STOPPED at {}", drift.at.clock());
    let right = match void {
        Some(approval) if !narrow => {
            format!("{stopped}   approval of {} is void", approval.at.clock())
        }
        _ => stopped,
    };
    let by = void.map_or_else(
        || "the evidence".to_owned(),
        |approval| {
            let what = if narrow { "what" } else { "the evidence that" };
            format!("{what} {} approved", approval.by.name())
        },
    );
    let subjects = Subject::among(&drift.changes);
    let facts = capital(&words::what_differs(run, &drift.changes));
    let facts_differ = drift.changes.iter();
    let facts_differ = facts_differ.filter(|one| Subject::of(&one.key) == Subject::Facts);
    let one = facts_differ.count() <= 1 && subjects.len() == 1;
    let verb = if one { "differs" } else { "differ" };
    let title = Subject::title_among(&drift.changes);
    Band::new(Ink::Drift, format!("{gate}   {title} DRIFTED"), right)
        .say(Text::plain(words::changed_by(run, &drift.changes)))
        .say(changed_within_band(model, &drift.changes, 0))
        .say(Text::plain(if narrow {
            format!("{facts} {verb} from {by}. SG1 is asked again.")
        } else {
            let renews = key_of(model.scope(), Action::SurveyAgain);
            let beside = match run.beside.len() {
                0 => String::new(),
                n => format!(" {n} changed beside."),
            };
            format!("{facts} {verb} from {by}.{beside} Nothing was simulated further. {renews} takes new evidence; SG1 is asked again.")
        }))
        .say(state_line(model, StopCode::StopFactsDrifted.name()))
        .keys(if narrow { &KEYS_RENEW_NARROW } else { &KEYS_DRIFT })
        .needing_person()
}
