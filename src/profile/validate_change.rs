//! Rules for the change of a profile. Invariant: where rows are copied before SG1, the profile says so (`phases`).

use std::path::Path;

use super::findings::Findings;
use super::{ChangePolicy, PathStep, Profile, ttl_seconds};
use crate::run::{ApprovalGate, LockMode};

/// Checks the change: its files, its phases, and what is expected of it.
pub(super) fn validate_change(findings: &mut Findings<'_, '_>, profile: &Profile) {
    for (index, column) in profile.rehearsal.show.iter().enumerate() {
        if column.split('.').filter(|part| !part.is_empty()).count() < 3 {
            let path = [
                PathStep::Key("rehearsal"),
                PathStep::Key("show"),
                PathStep::Index(index),
            ];
            let message = format!(
                "{column:?}: name a column with schema and table, such as shop.orders.region"
            );
            findings.refuse(&path, message);
        }
    }
    if profile.rehearsal.bytes_per_second == Some(0) {
        let path = ["rehearsal", "bytes_per_second"].map(PathStep::Key);
        findings.refuse(&path, "bytes_per_second must be at least 1".to_owned());
    }
    let Some(change) = &profile.change else {
        return;
    };
    let at = |key| [PathStep::Key("change"), PathStep::Key(key)];
    findings.identifier(&at("role"), &change.role);
    for (index, file) in change.files.iter().enumerate() {
        let [change, files] = at("files");
        findings.not_blank(&[change, files, PathStep::Index(index)], file);
    }
    if let Some(Err(error)) = change.valid.as_deref().map(ttl_seconds) {
        findings.refuse(&at("valid"), error.to_string());
    }
    let forbidden = change.locks.iter().flat_map(|locks| &locks.forbid);
    for (index, mode) in forbidden.enumerate() {
        if *mode == LockMode::AccessShare {
            let [change, locks] = at("locks");
            let path = [
                change,
                locks,
                PathStep::Key("forbid"),
                PathStep::Index(index),
            ];
            let message = "AccessShareLock, which every SELECT takes, is not recorded";
            findings.refuse(&path, message);
        }
    }
    phases(findings, profile, change);
    command(findings, change);
    let expected = change.expect.iter().flatten();
    let tables: Vec<&str> = expected.map(|rows| rows.table.as_str()).collect();
    findings.distinct(&at("expect"), tables.iter().copied());
    for (index, table) in tables.iter().enumerate() {
        if !table.contains('.') {
            let [change, expect] = at("expect");
            let path = [
                change,
                expect,
                PathStep::Index(index),
                PathStep::Key("table"),
            ];
            let message = format!("name the table with its schema, such as public.{table}");
            findings.refuse(&path, message);
        }
    }
}

/// The program that carries a change out.
fn command(findings: &mut Findings<'_, '_>, change: &ChangePolicy) {
    let Some(command) = &change.command else {
        return;
    };
    let at = |key| ["change", "command", key].map(PathStep::Key);
    if !change.files.is_empty() || !change.phase.is_empty() {
        let message = "a change has files for psql or a command, not both";
        findings.refuse(&["change", "command"].map(PathStep::Key), message);
    }
    if command
        .run
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        findings.refuse(&at("run"), "name the program first");
    }
    findings.not_blank(&at("directory"), &command.directory);
    let [changed, of, variables] = at("environment");
    for name in command.environment.keys() {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("{name:?} is no name of a variable");
            findings.refuse(&[changed, of, variables], message);
        }
    }
    for (index, directory) in command.programs.iter().enumerate() {
        let [change, command, programs] = at("programs");
        let path = Path::new(directory);
        let parts = path.components().count();
        // `/`, `/home` or `/var` would show everything of the machine.
        if !path.is_absolute() || parts < 3 || directory.contains("/..") {
            let message = format!(
                "{directory:?}: name an absolute directory below one of the root, such as /opt/venv"
            );
            findings.refuse(
                &[change, command, programs, PathStep::Index(index)],
                message,
            );
        }
    }
}

fn phases(findings: &mut Findings<'_, '_>, profile: &Profile, change: &ChangePolicy) {
    let at = |index, key| {
        [
            PathStep::Key("change"),
            PathStep::Key("phase"),
            PathStep::Index(index),
            PathStep::Key(key),
        ]
    };
    if !change.phase.is_empty() && !change.files.is_empty() {
        let message = "a change has files or phases, not both";
        findings.refuse(&[PathStep::Key("change"), PathStep::Key("files")], message);
    }
    for (index, phase) in change.phase.iter().enumerate() {
        let before = &change.phase[..index];
        if before.iter().any(|other| other.gate == phase.gate) {
            let message = format!("there are two phases of {}", phase.gate);
            findings.refuse(&at(index, "gate"), message);
        }
        if phase.files.is_empty() {
            findings.refuse(&at(index, "files"), "a phase must name a file");
        }
        for file in &phase.files {
            findings.not_blank(&at(index, "files"), file);
        }
    }
    let first = |phase: &super::PhaseSpec| phase.gate == ApprovalGate::SG1;
    let copies = profile.rehearsal.copy_before_sg1;
    match change.phase.iter().position(first) {
        Some(index) if !copies => {
            let message = "a phase of SG1 is rehearsed before anybody approved: it needs copy_before_sg1 = true in [rehearsal]";
            findings.refuse(&at(index, "gate"), message);
        }
        None if copies => {
            let message = "nothing is copied before SG1 without a [[change.phase]] of SG1";
            let path = [PathStep::Key("rehearsal"), PathStep::Key("copy_before_sg1")];
            findings.refuse(&path, message);
        }
        _ => {}
    }
}
