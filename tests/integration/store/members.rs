//! Who may write what, and who did: roles of the store, forged decisions, several people at once.
//! Invariant: the store's server stamps each line with the role that wrote it, and no member can write a stamp.

use drygate::survey::Digest;
use drygate::testing::fault_rounds;
use serde_json::Value;

use super::team::{MEMBERS, PASS, Team};
use crate::support::server::{Answer, approval, finish, text};

/// A line that follows the last one of the store, with a decision copied from `alice` under another evidence.
fn forged(team: &Team, run_id: &str, like: &str) -> (u64, String) {
    let lines = team.lines(run_id);
    let last = lines.last().expect("it has lines");
    let approved = lines.iter().find(|line| line.contains(like));
    let approved: Value = serde_json::from_str(approved.expect("a decision")).expect("JSON");
    let seq = u64::try_from(lines.len()).expect("few lines");
    let replaced = |name: &str| approved[name].to_string();
    let decision = lines
        .iter()
        .find(|line| line.contains(like))
        .expect("a decision");
    let forged = decision
        .replace(
            &format!("\"seq\":{}", replaced("seq")),
            &format!("\"seq\":{seq}"),
        )
        .replace(text(&approved["prev"]), Digest::of(last).as_str());
    (seq, forged)
}

#[test]
fn a_decision_in_the_name_of_somebody_else_is_named_with_who_wrote_it() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let first = one.run().expect(3).json();
    let run_id = text(&first["run_id"]).to_owned();
    let second = one.approve(&first, "SG1").expect(3).json();
    assert_eq!(second["gate"], "SG2");
    let (seq, line) = forged(&team, &run_id, "\"approval_recorded\"");
    let sha256 = Digest::of(&line);
    let line = line.replace('\'', "''");
    let forgery = format!(
        "UPDATE drygate.run SET head_seq = {seq}, head_sha256 = '{sha256}' WHERE run_id = '{run_id}';\
         INSERT INTO drygate.line (run_id, seq, epoch, line) SELECT run_id, {seq}, epoch, convert_to('{line}', 'UTF8') \
         FROM drygate.run WHERE run_id = '{run_id}'"
    );
    let forged = team.store.query("mallory", &team.database, &forgery);
    forged.expect("a member may write lines");
    let verified = other.drygate(&["verify", &run_id, "--store"]);
    assert_ne!(verified.code, 0, "{verified:?}");
    let said = format!("{}{}", verified.stdout, verified.stderr);
    let named = format!(
        "line {}: a decision in the name of store role alice, and role mallory wrote it",
        seq + 1
    );
    assert!(said.contains(&named), "{named}\n{said}");
}

#[test]
fn no_member_writes_a_stamp_or_changes_a_line() {
    let team = Team::new();
    let machine = team.machine("a", "alice");
    let document = machine.run().expect(3).json();
    let run_id = text(&document["run_id"]);
    let before = team.sql("SELECT run_id, seq, line, written_by FROM drygate.line ORDER BY seq");
    for sql in [
        "INSERT INTO drygate.line (run_id, seq, epoch, line, written_by) VALUES ('{}', 900, 1, '', 'alice')",
        "INSERT INTO drygate.line (run_id, seq, epoch, line, written_at) VALUES ('{}', 900, 1, '', now())",
        "INSERT INTO drygate.file (run_id, path, version, sha256, parts, written_by) VALUES ('{}', 'x', 1, '', 1, 'alice')",
        "UPDATE drygate.line SET written_by = 'alice' WHERE run_id = '{}'",
        "UPDATE drygate.line SET line = '' WHERE run_id = '{}'",
        "DELETE FROM drygate.line WHERE run_id = '{}'",
        "DELETE FROM drygate.run WHERE run_id = '{}'",
        "UPDATE drygate.content SET body = ''",
        "DELETE FROM drygate.file WHERE run_id = '{}'",
        "TRUNCATE drygate.line",
        "CREATE TABLE drygate.own ()",
        "SET SESSION AUTHORIZATION alice",
    ] {
        let sql = sql.replace("{}", run_id);
        let refused = team.store.query("mallory", &team.database, &sql);
        let said = format!("{:?}", refused.expect_err(&sql));
        assert!(said.contains("permission denied"), "{sql}: {said}");
    }
    let after = team.sql("SELECT run_id, seq, line, written_by FROM drygate.line ORDER BY seq");
    assert_eq!(before, after);
    machine.verify(run_id);
}

#[test]
fn several_approvers_at_once_come_to_one_decision() {
    let team = Team::new();
    let starter = team.machine("starter", "alice");
    let document = starter.run().expect(3).json();
    let run_id = text(&document["run_id"]).to_owned();
    // Five machines, with a role each; the people of a machine share it.
    let machines: Vec<_> = (0..5)
        .map(|at| team.machine(&format!("m{at}"), MEMBERS[1 + at]))
        .collect();
    let approvers = usize::try_from(fault_rounds(6, 50)).expect("few").min(50);
    let words = approval(&document, "SG1");
    let asking: Vec<_> = (0..approvers)
        .map(|at| machines[at % machines.len()].start(&words))
        .collect();
    let answers: Vec<Answer> = asking.into_iter().map(finish).collect();
    let events = team.stored_events(&run_id);
    let recorded = events.iter().filter(|name| *name == "approval_recorded");
    assert_eq!(recorded.count(), 1, "{events:?}\n{answers:?}");
    let (passed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.code == 3);
    assert_eq!(passed.len(), 1, "{answers:?}");
    for answer in refused {
        assert!([6, 75].contains(&answer.code), "{answer:?}");
        let said = answer.stdout.len() + answer.stderr.len();
        assert!(said > 0, "it says why: {answer:?}");
    }
    for machine in &machines {
        machine.verify(&run_id);
    }
}

#[test]
fn another_person_is_another_role_of_the_store() {
    let team = Team::new();
    let profile = team.surveyed.profile("distinct.toml", |built_in| {
        assert!(!built_in.contains("\n[approvals]"), "it has none");
        format!("{built_in}\n[approvals]\ndistinct = true\n")
    });
    let (one, again) = (team.machine("a", "alice"), team.machine("b", "alice"));
    let other = team.machine("c", "bob");
    let url = team.surveyed.url();
    let words = [
        "run",
        "--headless",
        "--json",
        "--profile",
        &profile,
        "--database-url",
        &url,
    ];
    let first = one.drygate(&words).expect(3).json();
    let second = one.approve(&first, "SG1").expect(3).json();
    let refused = again.approve(&second, "SG2").expect(6);
    assert!(refused.stdout.contains("approvals.distinct"), "{refused:?}");
    // Another role of the same account is the same person still: the account is that of both.
    let same_account = other.approve(&second, "SG2").expect(6);
    assert!(
        same_account.stdout.contains("approvals.distinct"),
        "{same_account:?}"
    );
    // Another role and another account are another person, and no group shares a data directory.
    let last = other
        .as_account(65_533, &approval(&second, "SG2"))
        .expect(0)
        .json();
    assert_eq!(last["result"], PASS);
    one.verify(text(&last["run_id"]));
}
