//! Rulings on approvals, as one table over gate, digest, time, person, prior decisions, boot and policy. Invariant: every row is one run, one request, one outcome.

#![expect(
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a table is as long as its rows, and says how many there are"
)]

use std::sync::Arc;

use drygate::run::{
    AccountDoubt, ApprovalGate, ApprovalPolicy, ApprovalRecorded, ApprovalRequest, Decision, Event,
    EvidenceRenewed, EvidenceShown, EvidenceTaken, Person, RenewalReason, RunResult, State,
    StopCode, judge,
};
use drygate::survey::{Digest, UtcTime};
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

use ApprovalGate::{SG1, SG2};
use Decision::{Approve, Reject, Withdraw};

/// One row: everything that a ruling depends on.
struct Case {
    what: &'static str,
    script: ScriptedRun,
    gate: ApprovalGate,
    decision: Decision,
    /// `None`: no digest is named.
    digest: Option<Digest>,
    reason: Option<&'static str>,
    by: Person,
    now: UtcTime,
    boot: &'static str,
    policy: ApprovalPolicy,
    /// The decision that is recorded, or how the refusal begins.
    outcome: Result<Decision, &'static str>,
}

/// A good approval of what waits, five minutes later, by somebody else than the starter.
fn good(what: &'static str, script: ScriptedRun, gate: ApprovalGate) -> Case {
    let evidence = script.run.evidence.as_ref();
    Case {
        what,
        gate,
        decision: Approve,
        digest: evidence.map(|evidence| evidence.digest.clone()),
        reason: None,
        by: person_of("opb", 1001),
        now: at("09:40:00"),
        boot: "boot",
        policy: ApprovalPolicy::default(),
        outcome: Ok(Approve),
        script,
    }
}

fn person_of(user: &str, uid: u32) -> Person {
    Person {
        uid,
        ..person(user)
    }
}

fn sg1() -> ScriptedRun {
    ScriptedRun::at_sg1(false)
}

fn sg2() -> ScriptedRun {
    ScriptedRun::at_sg2(false)
}

/// SG1 was asked, its approval drifted, and it is asked anew.
fn renewed() -> ScriptedRun {
    ScriptedRun::renewed()
}

fn pending(mut script: ScriptedRun) -> ScriptedRun {
    script.decides(Approve, "op_a", None);
    script
}

fn digest_of(script: &ScriptedRun, gate: ApprovalGate) -> Digest {
    let earlier = script.run.earlier_evidence.iter();
    let mut known = earlier
        .filter(|(of, _)| *of == gate)
        .map(|(_, digest)| digest.clone());
    known.next().expect("that gate had evidence")
}

/// New evidence of the gate that waits, as expiry makes it: the same facts, another sheet.
fn renewed_by_expiry(mut script: ScriptedRun, gate: ApprovalGate) -> ScriptedRun {
    let reason = RenewalReason::Expiry;
    script
        .clock("18:00:00")
        .push(Event::EvidenceRenewed(EvidenceRenewed { gate, reason }));
    let mut sheet = script.sheet(gate);
    sheet.round += 1;
    let evidence = Digest::of(sheet.bytes().expect("plain data"));
    script.push(Event::EvidenceTaken(EvidenceTaken {
        gate,
        round: sheet.round,
        evidence,
        sheet: std::sync::Arc::new(sheet),
        expires_at: at("23:59:00"),
        boot_id: "boot".to_owned(),
        uptime_ms: None,
    }));
    script
}

fn shown_again(mut script: ScriptedRun, boot: &str, until: &str) -> ScriptedRun {
    let evidence = script.run.evidence.as_ref().expect("evidence");
    let (gate, evidence) = (evidence.gate, evidence.digest.clone());
    script.push(Event::EvidenceShown(EvidenceShown {
        gate,
        evidence,
        by: person("op_a"),
        expires_at: at(until),
        size: None,
        boot_id: boot.to_owned(),
        uptime_ms: None,
    }));
    script
}

fn rejected() -> ScriptedRun {
    let mut script = sg1();
    script
        .decides(Reject, "op_a", Some("no"))
        .becomes(State::Rejected);
    script
}

fn sealed() -> ScriptedRun {
    let mut script = sg2();
    script.closes().seals(RunResult::Pass, None);
    script
}

fn failed() -> ScriptedRun {
    let mut script = sg1();
    script.becomes(State::Failed);
    script
}

fn working() -> ScriptedRun {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    script
}

/// Rows about gate and digest.
fn of_gate_and_digest() -> Vec<Case> {
    let superseded = renewed_by_expiry(sg1(), SG1);
    let old = digest_of(&superseded, SG1);
    let (at_two, again) = (sg2(), renewed());
    let (of_one, of_two) = (digest_of(&at_two, SG1), digest_of(&again, SG2));
    let first_round = digest_of(&again, SG1);
    vec![
        good("SG1 as asked", sg1(), SG1),
        good("SG2 as asked", sg2(), SG2),
        good("SG1 anew after drift", renewed(), SG1),
        Case {
            now: at("18:01:00"),
            ..good("SG1 anew after expiry", renewed_by_expiry(sg1(), SG1), SG1)
        },
        Case {
            outcome: Err("The run waits at SG1, not at SG2"),
            ..good("SG2 named at SG1", sg1(), SG2)
        },
        Case {
            outcome: Err("The run waits at SG2, not at SG1"),
            ..good("SG1 named at SG2 with the digest of SG2", sg2(), SG1)
        },
        Case {
            digest: Some(of_one.clone()),
            outcome: Err("The digest is of SG1, not SG2"),
            ..good("digest of SG1 at SG2", sg2(), SG2)
        },
        Case {
            digest: Some(of_two),
            outcome: Err("The digest is of SG2, not SG1"),
            ..good("digest of SG2 at SG1 anew", again, SG1)
        },
        Case {
            digest: Some(first_round),
            outcome: Err("The digest is of earlier evidence of SG1"),
            ..good("digest of before the drift", renewed(), SG1)
        },
        Case {
            digest: Some(old),
            outcome: Err("The digest is of earlier evidence of SG1"),
            ..good("digest of before the expiry", superseded, SG1)
        },
        Case {
            digest: Some(Digest::of("other")),
            outcome: Err("The digest is of no evidence of this run"),
            ..good("digest of nothing", sg1(), SG1)
        },
        Case {
            digest: None,
            outcome: Err("The digest is of no evidence of this run"),
            ..good("no digest", sg1(), SG1)
        },
        Case {
            digest: Some(of_one),
            outcome: Err("The approval of SG1 was used already"),
            ..good("SG1 a second time, at SG2", at_two, SG1)
        },
        Case {
            digest: None,
            outcome: Err("The approval of SG1 was used already"),
            ..good("SG1 a second time without a digest", sg2(), SG1)
        },
    ]
}

/// Rows about time and boot.
fn of_time_and_boot() -> Vec<Case> {
    vec![
        Case {
            now: at("17:14:04"),
            ..good("a second before it expires", sg1(), SG1)
        },
        Case {
            now: at("17:14:05"),
            outcome: Err("The evidence expired at"),
            ..good("the moment it expires", sg1(), SG1)
        },
        Case {
            now: at("23:00:00"),
            outcome: Err("The evidence expired at"),
            ..good("long expired", sg2(), SG2)
        },
        Case {
            now: at("00:00:01"),
            ..good("the clock went backwards", sg1(), SG1)
        },
        Case {
            now: at("19:00:00"),
            ..good(
                "expired, but shown again meanwhile",
                shown_again(sg1(), "boot", "20:00:00"),
                SG1,
            )
        },
        Case {
            now: at("20:00:00"),
            outcome: Err("The evidence expired at"),
            ..good(
                "shown again and expired again",
                shown_again(sg1(), "boot", "20:00:00"),
                SG1,
            )
        },
        Case {
            boot: "other boot",
            outcome: Err("The machine was restarted"),
            ..good("after a reboot", sg1(), SG1)
        },
        Case {
            boot: "other boot",
            outcome: Err("The machine was restarted"),
            ..good("after a reboot at SG2", sg2(), SG2)
        },
        Case {
            boot: "other boot",
            ..good(
                "after a reboot, shown again",
                shown_again(sg1(), "other boot", "20:00:00"),
                SG1,
            )
        },
        Case {
            outcome: Err("The machine was restarted"),
            ..good(
                "shown in another boot since",
                shown_again(sg1(), "other boot", "20:00:00"),
                SG1,
            )
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            now: at("23:00:00"),
            outcome: Ok(Reject),
            ..good("rejecting what expired", sg1(), SG1)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            boot: "other boot",
            outcome: Ok(Reject),
            ..good("rejecting after a reboot", sg1(), SG1)
        },
        Case {
            decision: Withdraw,
            now: at("23:00:00"),
            outcome: Ok(Withdraw),
            ..good("withdrawing after expiry", pending(sg1()), SG1)
        },
    ]
}

/// Rows about earlier decisions and how far the run is.
fn of_prior_decisions() -> Vec<Case> {
    vec![
        Case {
            outcome: Err("The run is over (rejected)"),
            ..good(
                "approving what was rejected before a crash",
                rejection_pending(),
                SG1,
            )
        },
        Case {
            outcome: Err("An approval of SG1 is recorded already"),
            ..good("twice by another", pending(sg1()), SG1)
        },
        Case {
            by: person("op_a"),
            outcome: Err("An approval of SG1 is recorded already"),
            ..good("twice by the same", pending(sg1()), SG1)
        },
        Case {
            outcome: Err("An approval of SG2 is recorded already"),
            ..good("twice at SG2", pending(sg2()), SG2)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Withdraw),
            ..good("rejecting while one is pending", pending(sg1()), SG1)
        },
        Case {
            decision: Withdraw,
            outcome: Ok(Withdraw),
            ..good("withdrawing", pending(sg2()), SG2)
        },
        Case {
            decision: Withdraw,
            outcome: Err("No approval is pending"),
            ..good("withdrawing nothing", sg1(), SG1)
        },
        Case {
            outcome: Ok(Approve),
            ..good("approving after a withdrawal", withdrawn(), SG1)
        },
        Case {
            decision: Withdraw,
            outcome: Err("No approval is pending"),
            ..good("withdrawing twice", withdrawn(), SG1)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Reject),
            ..good("rejecting SG1", sg1(), SG1)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            digest: None,
            outcome: Ok(Reject),
            ..good("rejecting without a digest", sg2(), SG2)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            digest: Some(Digest::of("other")),
            outcome: Err("The digest is of no evidence"),
            ..good("rejecting other evidence", sg1(), SG1)
        },
        Case {
            decision: Reject,
            outcome: Err("A rejection needs a reason"),
            ..good("rejecting without a reason", sg1(), SG1)
        },
        Case {
            decision: Reject,
            reason: Some(" \t"),
            outcome: Err("A rejection needs a reason"),
            ..good("rejecting with a blank reason", sg1(), SG1)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            outcome: Err("The run waits at SG1, not at SG2"),
            ..good("rejecting the other gate", sg1(), SG2)
        },
        Case {
            outcome: Err("The facts drifted"),
            ..good("after drift", ScriptedRun::drifted(), SG2)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Reject),
            ..good("rejecting after drift", ScriptedRun::drifted(), SG2)
        },
        Case {
            outcome: Err("The run does not wait"),
            ..good("before the first stop", working(), SG1)
        },
        Case {
            outcome: Err("The run is over (rejected)"),
            ..good("after a rejection", rejected(), SG1)
        },
        Case {
            outcome: Err("The run is over (failed)"),
            ..good("after a failure", failed(), SG1)
        },
        Case {
            outcome: Err("The approval of SG2 was used already"),
            ..good("SG2 again on a sealed run", sealed(), SG2)
        },
        Case {
            digest: Some(Digest::of("other")),
            outcome: Err("The run is over (closeout_reported)"),
            ..good("anything on a sealed run", sealed(), SG2)
        },
        Case {
            decision: Reject,
            reason: Some("no"),
            outcome: Err("The run is over"),
            ..good("rejecting a sealed run", sealed(), SG2)
        },
    ]
}

/// A rejection that a crash kept from ending the run.
fn rejection_pending() -> ScriptedRun {
    let mut script = sg1();
    script.decides(Reject, "op_a", Some("no"));
    script
}

fn withdrawn() -> ScriptedRun {
    let mut script = pending(sg1());
    script.decides(Withdraw, "op_a", Some("too early"));
    script
}

/// Rows about persons and what the profile asks of them.
fn of_persons() -> Vec<Case> {
    let distinct = || ApprovalPolicy {
        distinct: true,
        ..ApprovalPolicy::default()
    };
    let excluded = || ApprovalPolicy {
        exclude_starter: true,
        ..ApprovalPolicy::default()
    };
    let terminal = || ApprovalPolicy {
        terminal: true,
        ..ApprovalPolicy::default()
    };
    let headless = Person {
        tty: None,
        ..person_of("opb", 1001)
    };
    let elsewhere = Person {
        host: "ops2".to_owned(),
        ..person("op_a")
    };
    let renamed = Person {
        user: "alias".to_owned(),
        ..person("op_a")
    };
    vec![
        Case {
            by: person("op_a"),
            ..good("both by the starter, no policy", sg2(), SG2)
        },
        Case {
            by: person("op_a"),
            policy: distinct(),
            outcome: Err("op_a approved SG1"),
            ..good("SG2 by who approved SG1", sg2(), SG2)
        },
        Case {
            by: renamed.clone(),
            policy: distinct(),
            outcome: Err("alias approved SG1"),
            ..good("SG2 by the same uid under another name", sg2(), SG2)
        },
        Case {
            by: elsewhere.clone(),
            policy: distinct(),
            outcome: Err("op_a approved SG1"),
            ..good("SG2 by the same uid under another host name", sg2(), SG2)
        },
        Case {
            by: elsewhere,
            policy: excluded(),
            outcome: Err("op_a started the run"),
            ..good("the starter under another host name", sg1(), SG1)
        },
        Case {
            policy: distinct(),
            ..good("SG2 by another person", sg2(), SG2)
        },
        Case {
            by: person("op_a"),
            policy: distinct(),
            ..good("SG1 by anybody under distinct", sg1(), SG1)
        },
        Case {
            by: person("op_a"),
            policy: distinct(),
            ..good(
                "SG1 anew: the voided approval does not count",
                renewed(),
                SG1,
            )
        },
        Case {
            by: person("op_a"),
            policy: excluded(),
            outcome: Err("op_a started the run"),
            ..good("SG1 by the starter", sg1(), SG1)
        },
        Case {
            by: renamed,
            policy: excluded(),
            outcome: Err("alias started the run"),
            ..good("the starter under another name", sg1(), SG1)
        },
        Case {
            policy: excluded(),
            ..good("SG1 by another than the starter", sg1(), SG1)
        },
        Case {
            by: person("op_a"),
            policy: excluded(),
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Reject),
            ..good("the starter may reject", sg1(), SG1)
        },
        Case {
            by: headless.clone(),
            ..good("without a terminal, no policy", sg1(), SG1)
        },
        Case {
            by: headless.clone(),
            policy: terminal(),
            outcome: Err("The profile accepts approvals from a terminal"),
            ..good("without a terminal", sg1(), SG1)
        },
        Case {
            policy: terminal(),
            ..good("from a terminal", sg1(), SG1)
        },
        Case {
            by: headless,
            policy: terminal(),
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Reject),
            ..good("rejecting without a terminal", sg1(), SG1)
        },
        Case {
            by: person("op_a"),
            policy: ApprovalPolicy {
                distinct: true,
                exclude_starter: true,
                ..ApprovalPolicy::default()
            },
            outcome: Err("op_a started the run"),
            ..good("both policies: the starter first", sg2(), SG2)
        },
    ]
}

/// Rows about one human being behind two accounts, and about accounts that do not tell.
fn of_logins_and_namespaces() -> Vec<Case> {
    let asks = |distinct, exclude_starter| ApprovalPolicy {
        distinct,
        exclude_starter,
        ..ApprovalPolicy::default()
    };
    let logged_in = |user: &str, uid, login| Person {
        login_uid: Some(login),
        ..person_of(user, uid)
    };
    let doubted = |doubt| Person {
        account_doubt: Some(doubt),
        ..person_of("opb", 1001)
    };
    // The script's op_a is of uid 1000 and has no login uid.
    let op_a_logged_in = |mut script: ScriptedRun| {
        let created = Arc::make_mut(script.run.created.as_mut().expect("created"));
        created.by.login_uid = Some(1000);
        for approval in &mut script.run.approvals {
            approval.by.login_uid = Some(1000);
        }
        script
    };
    vec![
        Case {
            by: logged_in("opb", 1001, 1000),
            policy: asks(true, false),
            outcome: Err("opb (the same login as op_a) approved SG1"),
            ..good("SG2 after sudo, of one login", op_a_logged_in(sg2()), SG2)
        },
        Case {
            by: logged_in("opb", 1001, 1000),
            policy: asks(false, true),
            outcome: Err("opb (the same login as op_a) started the run"),
            ..good(
                "the starter after sudo, of one login",
                op_a_logged_in(sg1()),
                SG1,
            )
        },
        Case {
            by: logged_in("root", 0, 1000),
            policy: asks(false, true),
            outcome: Err("root (the same login as op_a) started the run"),
            ..good("the starter as root", op_a_logged_in(sg1()), SG1)
        },
        Case {
            by: logged_in("opb", 1001, 1000),
            policy: asks(false, true),
            outcome: Err("opb (the same login as op_a) started the run"),
            ..good(
                "who logged in as an account whose service started",
                sg1(),
                SG1,
            )
        },
        Case {
            by: logged_in("opb", 1001, 1001),
            policy: asks(true, true),
            ..good("SG2 by another login", op_a_logged_in(sg2()), SG2)
        },
        Case {
            policy: asks(true, true),
            ..good(
                "SG2 by an account that nobody logged in for",
                op_a_logged_in(sg2()),
                SG2,
            )
        },
        Case {
            by: doubted(AccountDoubt::UserNamespace),
            policy: asks(true, false),
            outcome: Err("opb runs in a user namespace"),
            ..good("SG1 from a user namespace", sg1(), SG1)
        },
        Case {
            by: doubted(AccountDoubt::Container),
            policy: asks(false, true),
            outcome: Err("opb runs in a container"),
            ..good("SG1 from a container", sg1(), SG1)
        },
        Case {
            by: doubted(AccountDoubt::NotSeen),
            policy: asks(true, true),
            outcome: Err("opb cannot be seen in /proc"),
            ..good("SG2 by a process that cannot be seen", sg2(), SG2)
        },
        Case {
            by: doubted(AccountDoubt::NotSeen),
            ..good("a process that cannot be seen, no policy", sg1(), SG1)
        },
        Case {
            by: doubted(AccountDoubt::Container),
            policy: asks(true, true),
            decision: Reject,
            reason: Some("no"),
            outcome: Ok(Reject),
            ..good("rejecting from a container", sg1(), SG1)
        },
    ]
}

#[test]
fn every_ruling_is_as_the_table_says() {
    let mut cases = of_gate_and_digest();
    cases.extend(of_time_and_boot());
    cases.extend(of_prior_decisions());
    cases.extend(of_persons());
    cases.extend(of_logins_and_namespaces());
    assert!(cases.len() >= 40, "{} cases", cases.len());
    println!("{} cases", cases.len());
    for case in cases {
        let what = case.what;
        let mut run = case.script.run;
        Arc::make_mut(run.created.as_mut().expect("created")).approvals = case.policy;
        let waits_for = run
            .evidence
            .as_ref()
            .map(|evidence| evidence.digest.clone());
        let request = ApprovalRequest {
            gate: case.gate,
            decision: case.decision,
            evidence: case.digest,
            reason: case.reason.map(str::to_owned),
        };
        let before = run.clone();
        let ruling = judge(&run, &request, &case.by, case.now, case.boot);
        assert_eq!(run, before, "{what}: ruling changed the run");
        match (&ruling, case.outcome) {
            (Ok(ruling), Ok(decision)) => {
                assert_eq!(ruling.decision, decision, "{what}");
                assert_eq!(Some(&ruling.evidence), waits_for.as_ref(), "{what}");
                must_be_recordable(
                    &run,
                    &request,
                    &case.by,
                    ruling,
                    (case.now, case.boot),
                    what,
                );
            }
            (Err(refusal), Err(begins)) => {
                let said = refusal.to_string();
                assert!(said.starts_with(begins), "{what}: {said}");
            }
            _ => panic!("{what}: {ruling:?}"),
        }
    }
    assert_eq!(StopCode::StopApprovalRefused.exit_code(), 6);
}

/// What is allowed can be journalled: ruling and legality agree.
fn must_be_recordable(
    run: &drygate::run::RunState,
    request: &ApprovalRequest,
    by: &Person,
    ruling: &drygate::run::Ruling,
    (now, boot): (UtcTime, &str),
    what: &str,
) {
    let event = Event::ApprovalRecorded(ApprovalRecorded {
        gate: request.gate,
        decision: ruling.decision,
        evidence: ruling.evidence.clone(),
        reason: request.reason.clone(),
        by: by.clone(),
        boot_id: boot.to_owned(),
        uptime_ms: None,
    });
    let legal = drygate::run::legal(run, now, &event);
    assert!(legal.is_ok(), "{what}: {legal:?}");
}
