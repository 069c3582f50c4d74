//! Rules for a profile beyond its types. A message names the key and what is allowed.

use super::findings::Findings;
use super::hooks::validate_hooks;
use super::parse::mode_of;
use super::validate_change::validate_change;
use super::validate_facts::validate_facts;
use super::validate_words::validate_words;
use super::{PathStep, Problem, Profile, Timeouts, TomlDocument, nearest, ttl_seconds};
use crate::run::{CheckName, ClaimName};
use crate::simulate::Lifecycle;

/// Colours of the target label, as a profile names them.
pub const TARGET_COLORS: [&str; 8] = [
    "neutral", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
];

/// The longest timeout of a profile, in milliseconds: one day.
const TIMEOUT_MAX_MS: u64 = 86_400_000;

/// The longest time that all transactions of a run may be given together, in seconds: one year.
const RUN_SECONDS_MAX: u64 = 31_536_000;

/// The largest budget of rows or bytes. TOML has signed 64-bit integers.
const COUNT_MAX: u64 = i64::MAX as u64;

/// Validates the profile of a new run; the error is the first problem in the file.
pub(super) fn validate(document: &TomlDocument<'_>, profile: &Profile) -> Result<(), Problem> {
    let mut findings = rules_of_every_version(document, profile);
    excluded_checks(&mut findings, profile);
    findings.first()
}

/// Validates the profile of a run that was begun. Checks that it excludes and that this drygate does not know, or does not let
/// it exclude any more, are no reason not to read the run: the audit gives such an exclusion no effect.
pub(super) fn validate_recorded(
    document: &TomlDocument<'_>,
    profile: &Profile,
) -> Result<(), Problem> {
    rules_of_every_version(document, profile).first()
}

/// The rules that hold for new and recorded profiles alike.
fn rules_of_every_version<'d, 't>(
    document: &'d TomlDocument<'t>,
    profile: &Profile,
) -> Findings<'d, 't> {
    let mut findings = Findings::of(document);
    identity(&mut findings, profile);
    target(&mut findings, profile);
    ssot(&mut findings, profile);
    validate_facts(&mut findings, profile);
    units(&mut findings, profile);
    if let Some(declared) = &profile.lifecycle {
        lifecycle(&mut findings, declared);
    }
    exclusions(&mut findings, profile);
    limits(&mut findings, profile);
    validate_change(&mut findings, profile);
    validate_hooks(&mut findings, &profile.hooks);
    validate_words(&mut findings, &profile.words);
    findings
}

fn identity(findings: &mut Findings<'_, '_>, profile: &Profile) {
    if profile.schema != 1 {
        let message = format!("schema is {}; this version reads schema 1", profile.schema);
        findings.refuse(&[PathStep::Key("schema")], message);
    }
    let lower = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    let name = &profile.name;
    if name.is_empty() || !name.chars().all(|c| lower(c) || c == '-' || c == '_') {
        findings.refuse(
            &[PathStep::Key("name")],
            "name must be of a-z, 0-9, - and _",
        );
    }
    let prefix = &profile.run_prefix;
    // Run ids, and so the names of run directories, begin with it.
    if !(1..=16).contains(&prefix.len()) || !prefix.chars().all(lower) {
        findings.refuse(
            &[PathStep::Key("run_prefix")],
            "run_prefix must be 1 to 16 of a-z and 0-9",
        );
    }
    let upper = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '_';
    let prefix = &profile.result_prefix;
    if !(1..=64).contains(&prefix.len()) || !prefix.chars().all(upper) {
        let message = "result_prefix must be 1 to 64 of A-Z, 0-9 and _";
        findings.refuse(&[PathStep::Key("result_prefix")], message);
    }
    if let Some(mode) = &profile.mode
        && !["dryrun", "dry-run", "dry_run"].contains(&mode_of(mode).as_str())
    {
        findings.refuse(&[PathStep::Key("mode")], "mode can only be \"dryrun\"");
    }
    for (key, text) in [
        ("title", &profile.title),
        ("collection", &profile.collection),
        ("handover", &profile.handover),
    ] {
        findings.not_blank(&[PathStep::Key(key)], text);
    }
    if let Some(note) = &profile.note {
        findings.not_blank(&[PathStep::Key("note")], note);
    }
    let [sg1, sg2] = profile.gate_labels(profile.change.is_some());
    let labels = PathStep::Key("labels");
    findings.not_blank(&[labels, PathStep::Key("sg1")], &sg1);
    findings.not_blank(&[labels, PathStep::Key("sg2")], &sg2);
}

fn target(findings: &mut Findings<'_, '_>, profile: &Profile) {
    let at = |key| [PathStep::Key("target"), PathStep::Key(key)];
    findings.not_blank(&at("label"), &profile.target.label);
    findings.identifier(&at("expected_role"), &profile.target.expected_role);
    let color = profile.target.color.as_str();
    if !TARGET_COLORS.contains(&color) {
        let near = nearest(color, TARGET_COLORS)
            .map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
        let message = format!(
            "no colour {color:?}; there are {}{near}",
            TARGET_COLORS.join(", ")
        );
        findings.refuse(&at("color"), message);
    }
}

fn ssot(findings: &mut Findings<'_, '_>, profile: &Profile) {
    for (index, document) in profile.ssot.iter().enumerate() {
        let here = [PathStep::Key("ssot"), PathStep::Index(index)];
        let at = |key| [here[0], here[1], PathStep::Key(key)];
        findings.not_blank(&at("name"), &document.name);
        match (&document.path, &document.text) {
            (Some(path), None) => findings.not_blank(&at("path"), path),
            (None, Some(text)) => findings.not_blank(&at("text"), text),
            (Some(_), Some(_)) => {
                findings.refuse(
                    &at("text"),
                    "an SSOT document has a path or a text, not both",
                );
            }
            (None, None) => findings.refuse(&here, "an SSOT document needs a path or a text"),
        }
        if profile.ssot[..index]
            .iter()
            .any(|other| other.name == document.name)
        {
            let message = format!("there are two SSOT documents {:?}", document.name);
            findings.refuse(&at("name"), message);
        }
    }
}

/// Units are simulated as a whole: one of the keys without the others means nothing.
fn units(findings: &mut Findings<'_, '_>, profile: &Profile) {
    let keys = [
        ("pieces", profile.pieces.is_some()),
        ("candidates", profile.candidates.is_some()),
        ("lifecycle", profile.lifecycle.is_some()),
    ];
    let Some((there, _)) = keys.into_iter().find(|(_, there)| *there) else {
        return;
    };
    for (key, _) in keys.into_iter().filter(|(_, there)| !there) {
        let message = format!(
            "missing key `{key}`: pieces, candidates and lifecycle are there together or not at all"
        );
        findings.refuse(&[PathStep::Key(there)], message);
    }
}

fn lifecycle(findings: &mut Findings<'_, '_>, lifecycle: &Lifecycle) {
    let at = |key| [PathStep::Key("lifecycle"), PathStep::Key(key)];
    for (index, state) in lifecycle.states.iter().enumerate() {
        findings.not_blank(
            &[at("states")[0], at("states")[1], PathStep::Index(index)],
            state,
        );
    }
    findings.distinct(&at("states"), lifecycle.states.iter().map(String::as_str));
    for (key, state) in [
        ("initial", &lifecycle.initial),
        ("target", &lifecycle.target),
    ] {
        if !lifecycle.states.contains(state) {
            let states = lifecycle.states.join(", ");
            findings.refuse(
                &at(key),
                format!("lifecycle.{key} {state:?} is none of the states: {states}"),
            );
        }
    }
    if lifecycle.initial == lifecycle.target {
        findings.refuse(
            &at("target"),
            "lifecycle.target must be another state than lifecycle.initial",
        );
    }
    for (key, effects) in [("cut", &lifecycle.cut), ("enact", &lifecycle.enact)] {
        for (index, effect) in effects.iter().enumerate() {
            let table = [
                at(key)[0],
                at(key)[1],
                PathStep::Index(index),
                PathStep::Key("table"),
            ];
            findings.identifier(&table, &effect.table);
            if effects[..index]
                .iter()
                .any(|other| other.table == effect.table)
            {
                findings.refuse(
                    &table,
                    format!("lifecycle.{key} has {:?} twice", effect.table),
                );
            }
        }
    }
}

/// Checks the form of the exclusions: a name, a reason, no name twice. `excluded_checks` says which names are allowed.
fn exclusions(findings: &mut Findings<'_, '_>, profile: &Profile) {
    for (index, out) in profile.out_of_scope.iter().enumerate() {
        let at = |key| {
            [
                PathStep::Key("out_of_scope"),
                PathStep::Index(index),
                PathStep::Key(key),
            ]
        };
        findings.not_blank(&at("check"), out.check.name());
        findings.not_blank(&at("reason"), &out.reason);
        if profile.out_of_scope[..index]
            .iter()
            .any(|other| other.check == out.check)
        {
            findings.refuse(&at("check"), format!("{} is excluded twice", out.check));
        }
    }
}

/// Refuses exclusions of checks that there are not, or that no profile may exclude.
fn excluded_checks(findings: &mut Findings<'_, '_>, profile: &Profile) {
    for (index, out) in profile.out_of_scope.iter().enumerate() {
        let name = out.check.name();
        let at = [
            PathStep::Key("out_of_scope"),
            PathStep::Index(index),
            PathStep::Key("check"),
        ];
        if ClaimName::ALL.iter().any(|claim| claim.name() == name) {
            findings.refuse(&at, format!("{name} cannot be excluded: it is a claim"));
        } else if matches!(out.check, CheckName::Other(_)) {
            let near = nearest(name, CheckName::ALL.iter().map(CheckName::name))
                .map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
            findings.refuse(&at, format!("there is no check {name:?}{near}"));
        } else if !out.check.may_be_excluded() {
            let message = format!(
                "{name} cannot be excluded: a claim, a probe of G5 or a whole gate rests on it"
            );
            findings.refuse(&at, message);
        }
    }
}

/// Checks durations, timeouts, budgets and lists of names. A timeout of zero is refused: PostgreSQL reads 0 as no limit.
fn limits(findings: &mut Findings<'_, '_>, profile: &Profile) {
    if let Err(error) = ttl_seconds(&profile.approvals.ttl) {
        findings.refuse(
            &[PathStep::Key("approvals"), PathStep::Key("ttl")],
            error.to_string(),
        );
    }
    let Timeouts {
        connect_ms,
        statement_ms,
        lock_ms,
    } = profile.timeouts;
    for (key, value) in [
        ("connect_ms", connect_ms),
        ("statement_ms", statement_ms),
        ("lock_ms", lock_ms),
    ] {
        if !(1..=TIMEOUT_MAX_MS).contains(&value) {
            let message = format!("timeouts.{key} must be from 1 to {TIMEOUT_MAX_MS}");
            findings.refuse(&[PathStep::Key("timeouts"), PathStep::Key(key)], message);
        }
    }
    let budgets = &profile.budgets;
    for (key, value, most) in [
        (
            "transaction_seconds_max",
            Some(budgets.transaction_seconds_max),
            TIMEOUT_MAX_MS / 1_000,
        ),
        ("rows_max", budgets.rows_max, COUNT_MAX),
        ("bytes_max", budgets.bytes_max, COUNT_MAX),
        ("run_seconds_max", budgets.run_seconds_max, RUN_SECONDS_MAX),
        ("run_rows_max", budgets.run_rows_max, COUNT_MAX),
        ("run_bytes_max", budgets.run_bytes_max, COUNT_MAX),
    ] {
        if value.is_some_and(|value| !(1..=most).contains(&value)) {
            let message = format!("budgets.{key} must be from 1 to {most}");
            findings.refuse(&[PathStep::Key("budgets"), PathStep::Key(key)], message);
        }
    }
    for (key, list) in [
        ("allow", &profile.role.allow),
        ("functions", &profile.role.functions),
    ] {
        for (index, text) in list.iter().enumerate() {
            findings.not_blank(
                &[
                    PathStep::Key("role"),
                    PathStep::Key(key),
                    PathStep::Index(index),
                ],
                text,
            );
        }
    }
    if let Some(path) = &profile.tests.full_discover {
        findings.not_blank(
            &[PathStep::Key("tests"), PathStep::Key("full_discover")],
            path,
        );
    }
}
