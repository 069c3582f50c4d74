//! The page of an opened row: checks with raw values, whole facts, what a claim cannot see. Values are wrapped, never cut.

use std::borrow::Cow;

use serde_json::Value;

use super::fact_row::all;
use super::text_page::TextPage;
use super::{gates, proof, rehearsed, words};
use crate::run::{
    ApprovalGate, Check, CheckName, ClaimName, Gate, SurveySummary, Verdict, counted,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Depth, Fact, FactKey, RoleSurvey};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// The page that a row of the panes opens.
pub(super) fn page(model: &Model, subject: &TextSubject) -> TextPage {
    match subject {
        TextSubject::Gate(gate) => gate_page(model, *gate),
        TextSubject::Approval(gate) => approval_page(model, *gate),
        TextSubject::Step(step) => step_page(model, *step),
        TextSubject::Fact(key) => fact_page(model, key),
        TextSubject::Stop(nth) => stop_page(model, *nth),
        TextSubject::Table(table) => table_page(model, table),
        TextSubject::Rehearsal => TextPage {
            title: "REHEARSED".to_owned(),
            lines: rehearsed::page(model.run()),
            copies: None,
        },
        TextSubject::Claim(name) => claim_page(model, *name),
        TextSubject::Event(seq) => event_page(model, *seq),
        TextSubject::Coming => TextPage {
            title: "STOP POINT TO COME".to_owned(),
            lines: vec![Text::plain(
                "Not reached. A run comes back to a person at SG1, at SG2, at closeout and after the idempotent resume.",
            )],
            copies: None,
        },
        TextSubject::Evidence
        | TextSubject::Help
        | TextSubject::Report(_)
        | TextSubject::Statement(..)
        | TextSubject::ChangeFile(_) => TextPage::default(),
    }
}

fn pair<'a>(name: &str, value: impl Into<Cow<'a, str>>) -> Text {
    Text::inked(Ink::Dim, format!("{name:<14}")).with(Ink::Plain, value)
}

/// JSON in as many lines as it has.
fn json(lines: &mut Vec<Text>, indent: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string());
    lines.extend(
        text.lines()
            .map(|line| Text::plain(format!("{indent}{line}"))),
    );
}

fn gate_page(model: &Model, gate: Gate) -> TextPage {
    let opens = key_of(model.scope(), Action::Open);
    let mut lines = Vec::new();
    match model.run().gates.get(&gate) {
        None => lines.push(Text::plain("Not begun.")),
        Some(run) => {
            lines.push(pair("began", run.started_at.to_string()));
            if let Some((verdict, at)) = run.finished {
                lines.push(pair("verdict", format!("{verdict}, {at}")));
            }
            if run.attempts > 1 {
                lines.push(pair("attempts", run.attempts.to_string()));
            }
            // Failed checks first: they are why somebody opens a gate.
            let mut checks: Vec<&Check> = run.checks.iter().collect();
            checks.sort_by_key(|check| match check.verdict {
                Verdict::Fail => 0,
                Verdict::NotChecked => 1,
                Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked => 2,
            });
            for check in checks {
                lines.push(Text::new());
                lines.push(
                    gates::verdict_mark(model.theme, check.verdict)
                        .with(Ink::Bold, format!(" {}", check.name))
                        .with(Ink::Plain, format!("  {}", check.verdict)),
                );
                lines.push(Text::plain(format!("    {}", check.says)));
                if let Some(remedy) = &check.remedy {
                    let does = match check.verdict {
                        Verdict::Fail => "would mend it",
                        Verdict::Pass
                        | Verdict::NotChecked
                        | Verdict::OutOfScope
                        | Verdict::NotAsked => "would check it",
                    };
                    lines.push(Text::plain(format!("    {does}: {remedy}")));
                }
                if let Some(role) = role_survey(check) {
                    derivation(&mut lines, &role, Depth::Grouped);
                    lines.push(Text::inked(
                        Ink::Dim,
                        format!("    all of it: {opens} on the fact role_is_read_only"),
                    ));
                } else {
                    json(&mut lines, "    ", &check.raw);
                }
            }
        }
    }
    TextPage {
        title: format!("{gate}  {}", model.run().words().title(gate)),
        lines,
        copies: None,
    }
}

/// The role survey that a check was computed from, where it is that check.
fn role_survey(check: &Check) -> Option<RoleSurvey> {
    let raw = check.raw.get("role")?;
    (check.name == CheckName::RoleIsReadOnly)
        .then(|| serde_json::from_value(raw.clone()).ok())
        .flatten()
}

fn derivation(lines: &mut Vec<Text>, role: &RoleSurvey, depth: Depth) {
    for line in role.derivation(depth) {
        let ink = if line.is_against {
            Ink::Bad
        } else {
            Ink::Plain
        };
        lines.push(Text::inked(ink, format!("    {}", line.text)));
    }
}

fn approval_page(model: &Model, gate: ApprovalGate) -> TextPage {
    let run = model.run();
    let mut lines = Vec::new();
    if let Some(evidence) = run.evidence.as_ref().filter(|e| e.gate == gate) {
        lines.push(pair("evidence", evidence.digest.as_str()));
        lines.push(pair("taken", evidence.taken_at.to_string()));
        lines.push(pair("expires", evidence.expires_at.to_string()));
    }
    let decisions = run
        .approvals
        .iter()
        .filter(|approval| approval.gate == gate);
    for approval in decisions {
        lines.push(Text::new());
        lines.push(Text::inked(
            Ink::Bold,
            format!(
                "{} {:?}",
                words::decided(approval.decision),
                approval.status
            ),
        ));
        lines.push(pair("by", approval.by.to_string()));
        lines.push(pair("at", approval.at.to_string()));
        lines.push(pair("evidence", approval.evidence.as_str()));
        lines.push(pair(
            "signer",
            format!("{} (a stub)", approval.by.signer.name()),
        ));
        if let Some(reason) = &approval.reason {
            lines.push(pair("reason", reason));
        }
    }
    lines.push(Text::new());
    lines.push(Text::plain(
        "Approver identity is an OS account, not cryptographic.",
    ));
    let shared = run
        .created
        .as_ref()
        .and_then(|created| created.shared_note());
    lines.extend(shared.map(Text::plain));
    TextPage {
        title: format!("{gate}  {}", run.gate_label(gate)),
        lines,
        copies: run
            .evidence
            .as_ref()
            .filter(|evidence| evidence.gate == gate)
            .map(|evidence| evidence.digest.to_string()),
    }
}

fn step_page(model: &Model, step: SimulatedStep) -> TextPage {
    let done = model.run().steps.iter().find(|done| done.step == step);
    let mut lines = Vec::new();
    let mut copies = None;
    match done {
        None => lines.push(Text::plain("Not simulated yet.")),
        Some(done) => {
            let counts = &done.counts;
            for (name, count) in [
                ("would_insert", counts.would_insert),
                ("already_present", counts.already_present),
                ("verified", counts.verified),
                ("unverified", counts.unverified),
                ("would_enact", counts.would_enact),
                ("already_enacted", counts.already_enacted),
            ] {
                let name = model.run().words().counter(name);
                lines.push(
                    Text::inked(Ink::Dim, format!("{name:<18}"))
                        .with(Ink::Simulated, count.to_string())
                        .with(Ink::Dim, "  SIMULATED"),
                );
            }
            lines.push(Text::new());
            lines.push(pair("simulated at", done.at.to_string()));
            lines.push(pair("ledger", &done.ledger.file));
            lines.push(pair("rows", done.ledger.rows.to_string()));
            lines.push(pair("sha256", done.ledger.sha256.as_str()));
            copies = Some(done.ledger.sha256.to_string());
        }
    }
    TextPage {
        title: format!("{}  SIMULATED", model.run().words().step(step)),
        lines,
        copies,
    }
}

fn fact_page(model: &Model, key: &FactKey) -> TextPage {
    let rows = all(model);
    let Some(row) = rows.iter().find(|row| row.key == *key) else {
        return TextPage::default();
    };
    let mut lines = vec![
        pair("label", &row.label),
        pair("pinned", words::value_or_unknown(row.pinned.as_deref())),
        pair(
            "now",
            if row.read_at.is_some() {
                words::value_or_unknown(row.now.as_deref())
            } else {
                "read again at approval"
            },
        ),
        pair("provenance", row.from),
    ];
    let run = model.run();
    let survey = run
        .pin
        .as_deref()
        .or(run.latest.as_ref().map(|(_, s)| &**s));
    if let Some(fact) = survey.and_then(|survey| survey.fact(key.as_str())) {
        lines.extend(origin(fact));
    }
    if let Some(survey) = survey {
        lines.push(pair("snapshot", &survey.snapshot.snapshot));
        lines.push(pair("server time", &survey.snapshot.server_time));
        if key.as_str() == RoleSurvey::READ_ONLY_FACT {
            lines.push(Text::new());
            lines.push(Text::inked(Ink::Bold, "role survey"));
            derivation(&mut lines, &survey.role, Depth::Whole);
        }
    }
    let drift = run.drift.iter().chain(&run.drifted_before);
    for change in drift
        .flat_map(|drift| &drift.changes)
        .filter(|c| c.key == *key)
    {
        lines.push(Text::new());
        lines.push(Text::inked(Ink::Drift, "drift: approved -> found"));
        for row in &change.rows {
            lines.push(Text::plain(format!(
                "  {}: {} -> {}",
                row.key,
                row.approved.as_deref().unwrap_or("none"),
                row.found.as_deref().unwrap_or("gone")
            )));
        }
    }
    TextPage {
        title: format!("FACT  {key}"),
        lines,
        copies: row.now.clone().or_else(|| row.pinned.clone()),
    }
}

fn origin(fact: &Fact) -> Vec<Text> {
    let mut lines = Vec::new();
    if let crate::survey::Observed::Unknown { unknown } = &fact.observed {
        lines.push(Text::inked(Ink::Bad, format!("unknown       {unknown}")));
    }
    if let Some(rows) = fact.rows {
        lines.push(pair("rows", rows.to_string()));
    }
    if let Some(sql) = &fact.sql_sha256 {
        lines.push(pair("SQL sha256", sql.as_str()));
    }
    if let Some(document) = &fact.document {
        lines.push(pair(
            "document",
            format!("blobs/{}  {} lines", document.sha256, document.lines),
        ));
    }
    lines
}

fn stop_page(model: &Model, nth: usize) -> TextPage {
    let run = model.run();
    let Some((state, code, at)) = run.returns.get(nth) else {
        return TextPage::default();
    };
    let mut lines = vec![
        pair("state", state.name()),
        pair("stop_code", code.map_or("None", |code| code.name())),
        pair("at", at.to_string()),
    ];
    let stop = run.stops.iter().rev().find(|raised| {
        Some(raised.stop.stop_code) == *code && raised.at <= *at && raised.stop.state == *state
    });
    if let Some(raised) = stop {
        lines.push(Text::new());
        lines.push(Text::plain(&raised.stop.message));
        lines.push(Text::plain(&raised.stop.next));
        if let Some(evidence) = &raised.stop.evidence {
            lines.push(pair("evidence", evidence.as_str()));
        }
    }
    TextPage {
        title: format!("STOP POINT  r{}", nth + 1),
        copies: stop.and_then(|raised| raised.stop.evidence.as_ref().map(ToString::to_string)),
        lines,
    }
}

fn table_page(model: &Model, table: &str) -> TextPage {
    let mut lines = Vec::new();
    let predicted = model.run().predicted.as_ref();
    if let Some(effect) = predicted.and_then(|(p, _)| p.tables.iter().find(|t| t.table == table)) {
        for (name, count) in [
            ("insert", effect.insert),
            ("update", effect.update),
            ("delete", effect.delete),
        ] {
            lines.push(
                Text::inked(Ink::Dim, format!("{name:<14}"))
                    .with(Ink::Simulated, count.to_string())
                    .with(Ink::Dim, "  rows, SIMULATED"),
            );
        }
    }
    lines.push(Text::plain(
        "Computed from the declared lifecycle and the live units; the simulator executes nothing.",
    ));
    TextPage {
        title: format!("PREDICTED EFFECT ON  {table}"),
        lines,
        copies: None,
    }
}

fn claim_page(model: &Model, name: ClaimName) -> TextPage {
    let mut lines = vec![Text::inked(Ink::Bold, name.says())];
    let claim = model.claims.iter().find(|claim| claim.name == name);
    if let Some(claim) = claim {
        lines.push(proof::mark(model, claim).with(
            Ink::Plain,
            format!(" {}: {}", claim.verdict.name(), claim.measured),
        ));
    }
    lines.push(Text::new());
    lines.push(Text::inked(Ink::Bold, "Cannot see: ").with(Ink::Plain, name.cannot_see()));
    lines.push(Text::new());
    if name == ClaimName::A {
        lines.extend(proof::cost(model).into_iter().map(Text::plain));
        lines.push(Text::new());
    }
    if name == ClaimName::D
        && let Some(last) = model.run().surveys.last()
    {
        lines.extend(role_warnings(last));
        lines.push(Text::new());
    }
    if let Some(claim) = claim {
        json(&mut lines, "", &claim.raw);
    }
    TextPage {
        title: format!("CLAIM {}", name.name()),
        lines,
        copies: claim.map(|claim| claim.raw.to_string()),
    }
}

/// The warnings of the last survey by name; those that every server gives are counted.
fn role_warnings(last: &SurveySummary) -> Vec<Text> {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let own = number(last.warnings - last.of_every_server);
    let mut lines = vec![Text::inked(
        Ink::Bold,
        format!("{}:", counted(own, "warning")),
    )];
    let named = last.named_warnings.iter();
    lines.extend(named.map(|warning| Text::plain(format!("  {warning}"))));
    let more = own - last.named_warnings.len();
    if more > 0 {
        lines.push(Text::inked(
            Ink::Dim,
            format!("  and {more} more: see the fact role_is_read_only"),
        ));
    }
    if last.of_every_server > 0 {
        let functions = counted(number(last.of_every_server), "function");
        lines.push(Text::inked(
            Ink::Dim,
            format!("  and {functions} of PostgreSQL itself that PUBLIC may run on every server: see the fact role_is_read_only"),
        ));
    }
    lines
}

fn event_page(model: &Model, seq: u64) -> TextPage {
    let row = model.run().rows.iter().find(|row| row.seq == seq);
    let Some(row) = row else {
        return TextPage {
            title: format!("EVENT {seq}"),
            lines: vec![Text::plain("No longer kept here; it is in journal.jsonl.")],
            copies: None,
        };
    };
    TextPage {
        title: format!("EVENT {seq}  {}", row.name),
        lines: vec![
            pair("at", row.at.to_string()),
            pair("journal line", seq.to_string()),
            Text::new(),
            Text::plain(&*row.text),
        ],
        copies: Some(row.text.to_string()),
    }
}
