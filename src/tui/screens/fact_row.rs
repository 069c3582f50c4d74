//! What is known of one fact over pin, now and last PASS. Made from the folded run alone, so that live run, watch and replay
//! show the same.

use crate::run::RunState;
use crate::survey::{
    Derived, DriftRule, Fact, FactKey, FactKind, Observed, Provenance, Survey, UtcTime,
    is_surroundings,
};
use crate::tui::model::Model;

/// How a fact stands to the last PASS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SinceLastPass {
    /// There is no PASS to compare with.
    NoPass,
    /// The value is that of the last PASS.
    Equal,
    /// It was digested in another evidence format.
    NotComparable,
    /// `3 lines`, or the value then.
    Differs(String),
}

/// One fact, as the pane and its page show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FactRow {
    pub key: FactKey,
    pub label: String,
    pub kind: FactKind,
    pub rows: Option<u64>,
    pub pinned: Option<String>,
    /// The value read last; `None`: unknown or not read.
    pub now: Option<String>,
    /// When it was read last since the pin; `None`: not yet.
    pub read_at: Option<UtcTime>,
    /// Whether the last value is not the pinned one, and voids an approval.
    pub moved: bool,
    /// Whether the last value is not the pinned one and lies beside the change.
    pub beside: bool,
    /// `-1`, `2 lines`.
    pub change: String,
    pub last_pass: SinceLastPass,
    /// Provenance of the pinned value.
    pub from: &'static str,
}

/// All facts of the pin, in the order of the profile, then what is around the rows, protected content and the streams last.
pub(super) fn all(model: &Model) -> Vec<FactRow> {
    let run = model.run();
    let latest = run.latest.as_ref().map(|(_, survey)| survey);
    let survey = run.pin.as_ref().or(latest);
    survey.map_or_else(Vec::new, |survey| rows(run, survey))
}

fn rows(run: &RunState, survey: &Survey) -> Vec<FactRow> {
    let streams = survey.streams().map(|(key, label, stream)| Fact {
        key: FactKey::new(key),
        label: label.to_owned(),
        kind: FactKind::Content,
        observed: Observed::Derived(Derived::new(stream.sha256.to_string())),
        rows: Some(stream.rows),
        document: None,
        sql_sha256: None,
        live: false,
        drift: DriftRule::Any,
        parts: Vec::new(),
    });
    let streams: Vec<Fact> = streams.collect();
    let facts = survey.facts.iter().chain(&streams);
    let (around, own): (Vec<&Fact>, Vec<&Fact>) =
        facts.partition(|fact| is_surroundings(&fact.key));
    let (content, other): (Vec<&Fact>, Vec<&Fact>) = own
        .into_iter()
        .partition(|fact| fact.kind == FactKind::Content);
    other
        .into_iter()
        .chain(around)
        .chain(content)
        .map(|fact| row(run, fact))
        .collect()
}

fn row(run: &RunState, fact: &Fact) -> FactRow {
    let pinned = fact.observed.value().map(str::to_owned);
    let read_at = run.read_again_at(fact);
    let now = run.value_now(fact);
    let differs = read_at.is_some() && now != pinned;
    let beside = differs && run.beside.iter().any(|change| change.key == fact.key);
    let moved = differs && !beside;
    FactRow {
        key: fact.key.clone(),
        label: fact.label.clone(),
        kind: fact.kind,
        rows: fact.rows,
        change: if moved {
            change(run, fact, now.as_deref())
        } else {
            String::new()
        },
        beside,
        now,
        read_at,
        moved,
        last_pass: last_pass(run, &fact.key),
        from: fact.observed.provenance().map_or("", Provenance::name),
        pinned,
    }
}

fn change(run: &RunState, fact: &Fact, now: Option<&str>) -> String {
    let numbers = fact
        .observed
        .value()
        .and_then(|value| value.parse::<i64>().ok())
        .zip(now.and_then(|value| value.parse::<i64>().ok()));
    if let (FactKind::Integer, Some((from, to))) = (fact.kind, numbers) {
        return format!("{:+}", i128::from(to) - i128::from(from));
    }
    let drifted = run.drift.iter().chain(&run.drifted_before);
    let drifted = drifted.flat_map(|drift| &drift.changes);
    let read = run.live.iter().flat_map(|live| &live.changed);
    let rows = drifted
        .map(|change| (&change.key, &change.rows))
        .chain(read.map(|change| (&change.key, &change.rows)))
        .find(|(key, rows)| **key == fact.key && !rows.is_empty())
        .map_or(0, |(_, rows)| rows.len());
    let one = if fact.kind == FactKind::Md5 {
        "line"
    } else {
        "row"
    };
    match rows {
        0 => "moved".to_owned(),
        n => crate::run::counted(n, one),
    }
}

fn last_pass(run: &RunState, key: &FactKey) -> SinceLastPass {
    let sheet = run.evidence.as_ref().map(|evidence| &evidence.sheet);
    let Some(sheet) = sheet.filter(|sheet| sheet.last_pass.is_some()) else {
        return SinceLastPass::NoPass;
    };
    // What a PASS keeps of the streams is not compared.
    if !sheet.facts.iter().any(|fact| fact.key == *key) {
        return SinceLastPass::NoPass;
    }
    let difference = sheet
        .last_pass_differences
        .iter()
        .find(|difference| difference.key == *key);
    if sheet.last_pass_not_comparable.contains(key) {
        return SinceLastPass::NotComparable;
    }
    match difference {
        None => SinceLastPass::Equal,
        Some(difference) => SinceLastPass::Differs(match difference.lines {
            Some(1) => "1 line".to_owned(),
            Some(lines) => format!("{lines} lines"),
            None => super::words::short_value(difference.then.as_deref().unwrap_or("new")),
        }),
    }
}
