//! Tests of `claims`: each test damages a value that a verdict is computed from and sees the verdict change.

use std::sync::Arc;

use serde_json::json;

use super::{claims, non_mutation};
use crate::audit::fixture::{again, change, live};
use crate::audit::journal_fixture::{at_sg1, at_sg2, post};
use crate::run::{
    ApprovalGate, ClaimName, ClaimVerdict, Event, NonMutationVerdict, Purpose, RunState,
    TransactionClosed, TransactionOpened, TransactionUnseen,
};
use crate::survey::{
    Digest, Observed, Residue, RoleFinding, Severity, Survey, TransactionProof, facts_digest,
};
use crate::testing::{ScriptedRun, at, values};

fn verdict(run: &RunState, name: ClaimName) -> ClaimVerdict {
    let all = claims(run);
    all.iter()
        .find(|c| c.name == name)
        .expect("all five")
        .verdict
}

fn by(name: ClaimName, damage: impl FnOnce(&mut Survey)) -> ClaimVerdict {
    verdict(&post(damage).run, name)
}

fn with_proof(damage: impl Fn(&mut TransactionProof)) -> RunState {
    let mut records = post(|_| {}).records;
    let last = records.iter_mut().rev().find_map(|record| {
        let event = Arc::make_mut(&mut record.event);
        let Event::TransactionClosed(TransactionClosed { proof, .. }) = event else {
            return None;
        };
        Some(proof)
    });
    damage(Arc::make_mut(last.expect("a closed transaction")));
    crate::audit::fixture::refold(&records)
}

#[test]
fn a_sound_run_is_proven() {
    let run = post(|_| {}).run;
    for name in ClaimName::ALL {
        assert_eq!(verdict(&run, name), ClaimVerdict::Holds, "{name:?}");
    }
    assert_eq!(non_mutation(&run).verdict, NonMutationVerdict::Proven);
}

#[test]
fn a_and_d_name_what_they_could_not_exclude() {
    let what = "fact icx_total: function public.f() was changed";
    let run = with_proof(|proof| proof.changed_while_read = vec![what.to_owned()]);
    for claim in claims(&run) {
        let names_it = claim.measured.contains(what);
        let about_it = matches!(claim.name, ClaimName::A | ClaimName::D);
        assert_eq!(names_it, about_it, "{claim:?}");
        let not_checked = claim.verdict == ClaimVerdict::NotChecked;
        assert_eq!(not_checked, about_it, "{claim:?}");
    }
    assert_eq!(non_mutation(&run).verdict, NonMutationVerdict::Unproven);
}

#[test]
fn d_names_what_it_could_not_exclude_beside_what_else_it_found() {
    let what = "fact icx_total: function public.f() was changed";
    for (answer, verdict) in [
        (Some(false), ClaimVerdict::False),
        (None, ClaimVerdict::NotChecked),
    ] {
        let mut run = with_proof(|proof| proof.changed_while_read = vec![what.to_owned()]);
        Arc::make_mut(&mut run.surveys)[0].read_only = answer;
        let all = claims(&run);
        let d = all.iter().find(|claim| claim.name == ClaimName::D);
        let d = d.expect("all five");
        assert_eq!(d.verdict, verdict, "{d:?}");
        assert!(d.measured.contains(what), "{d:?}");
        assert_eq!(d.raw["changed_while_read"], json!([what]), "{d:?}");
    }
}

fn left(proof: &mut TransactionProof) -> &mut Residue {
    proof.residue.as_mut().expect("it was read")
}

#[test]
fn a_is_not_checked_where_the_server_would_not_tell() {
    let untold: [fn(&mut TransactionProof); 3] = [
        |p| (p.read_only, p.rows_written) = (None, None),
        |p| p.locks.clear(),
        |p| p.residue = None,
    ];
    for damage in untold {
        let run = with_proof(|proof| {
            damage(proof);
            proof.nonce_at_end.clear();
            proof.read_only = None;
            proof.unmeasured = vec!["locks: 42501 permission denied".to_owned()];
        });
        assert_eq!(verdict(&run, ClaimName::A), ClaimVerdict::NotChecked);
        assert_eq!(non_mutation(&run).verdict, NonMutationVerdict::Unproven);
    }
}

#[test]
fn a_falls_with_every_raw_value_of_a_proof() {
    type Damage = fn(&mut TransactionProof);
    let spoils: [(&str, Damage); 18] = [
        ("nonce", |p| p.nonce = String::new()),
        ("nonce_at_end", |p| p.nonce_at_end = "other".to_owned()),
        ("virtual_xid", |p| p.virtual_xid = String::new()),
        ("virtual_xid_at_end", |p| {
            p.virtual_xid_at_end = "4/1".to_owned();
        }),
        ("server_time_at_end", |p| {
            p.server_time_at_end = "later".to_owned();
        }),
        ("read_only", |p| p.read_only = Some(false)),
        ("isolation", |p| p.isolation = "read committed".to_owned()),
        ("search_path", |p| p.search_path = "public".to_owned()),
        ("row_security", |p| p.row_security = "on".to_owned()),
        ("xid_assigned", |p| p.xid_assigned = Some("750".to_owned())),
        ("locks", |p| {
            p.locks.push("relation/RowExclusiveLock 1".to_owned());
        }),
        ("rows_written", |p| p.rows_written = Some(1)),
        ("ended_by", |p| p.ended_by = "COMMIT".to_owned()),
        ("rows_written not told", |p| p.rows_written = None),
        ("advisory_locks", |p| left(p).advisory_locks = 1),
        ("listening_channels", |p| left(p).listening_channels = 1),
        ("temp_schema", |p| left(p).temp_schema = true),
        ("prepared_transactions", |p| {
            left(p).prepared_transactions = 1;
        }),
    ];
    for (what, damage) in spoils {
        let run = with_proof(damage);
        assert_eq!(verdict(&run, ClaimName::A), ClaimVerdict::False, "{what}");
        assert_eq!(
            non_mutation(&run).verdict,
            NonMutationVerdict::MutationSuspected,
            "{what}"
        );
    }
}

#[test]
fn what_a_pooled_backend_carried_is_not_ours_and_what_came_to_it_is() {
    let carrying = |ours: u64| {
        with_proof(|proof| {
            proof.carried = Some(Residue {
                advisory_locks: 1,
                listening_channels: 1,
                temp_schema: true,
                prepared_transactions: 0,
            });
            proof.residue.clone_from(&proof.carried);
            left(proof).advisory_locks += ours;
            proof
                .locks
                .push(format!("advisory/ExclusiveLock x{}", 1 + ours));
        })
    };
    assert_eq!(verdict(&carrying(0), ClaimName::A), ClaimVerdict::Holds);
    assert_eq!(verdict(&carrying(1), ClaimName::A), ClaimVerdict::False);
}

#[test]
fn an_unseen_end_is_listed_and_does_not_spoil_a() {
    let mut journal = post(|_| {});
    let id = journal.run.transactions.len() as u64 + 1;
    let nonce = "killed".to_owned();
    let purpose = crate::run::Purpose::LiveRead;
    journal.push(Event::TransactionOpened(TransactionOpened {
        id,
        purpose,
        nonce,
    }));
    let reason = "link lost".to_owned();
    journal.push(Event::TransactionUnseen(TransactionUnseen { id, reason }));
    let claim = claims(&journal.run).remove(0);
    assert_eq!(claim.verdict, ClaimVerdict::Holds);
    assert_eq!(claim.raw["unseen"][0]["id"], id);
    assert_eq!(
        claim.measured,
        "4 of 5 transactions, 1 with unseen end (covered by D)"
    );
}

#[test]
fn nothing_measured_is_not_checked() {
    for claim in claims(&RunState::default()) {
        assert_eq!(claim.verdict, ClaimVerdict::NotChecked, "{:?}", claim.name);
    }
    let once = claims(&at_sg1().run);
    assert_eq!(once[1].measured, "one snapshot so far");
    let waiting = claims(&at_sg2().run);
    assert_eq!(
        (waiting[1].verdict, waiting[1].measured.as_str()),
        (ClaimVerdict::NotChecked, "equal so far")
    );
    assert_eq!(waiting[0].measured, "2 of 2 transactions");
}

#[test]
fn b_falls_with_every_fact_and_stream() {
    let keys: Vec<String> = post(|_| {})
        .run
        .pin
        .expect("pin")
        .facts
        .iter()
        .map(|f| f.key.to_string())
        .collect();
    assert_eq!(keys.len(), 15);
    for key in keys {
        let spoiled = post(|survey| change(survey, &key, live("else")));
        assert_eq!(
            verdict(&spoiled.run, ClaimName::B),
            ClaimVerdict::False,
            "{key}"
        );
        let judged = non_mutation(&spoiled.run);
        assert_eq!(judged.verdict, NonMutationVerdict::ChangedByOthers, "{key}");
        assert_eq!(judged.changes[0].key.as_str(), key);
        let unknown = Observed::Unknown {
            unknown: "42P01".to_owned(),
        };
        assert_eq!(
            by(ClaimName::B, |s| change(s, &key, unknown)),
            ClaimVerdict::NotChecked,
            "{key}"
        );
    }
    let moved =
        |s: &mut Survey| s.candidates.as_mut().expect("read").sha256 = s.facts_digest.clone();
    assert_eq!(by(ClaimName::B, moved), ClaimVerdict::False);
    let moved = |s: &mut Survey| s.pieces.as_mut().expect("read").sha256 = s.facts_digest.clone();
    assert_eq!(by(ClaimName::B, moved), ClaimVerdict::False);
}

#[test]
fn b_is_not_checked_unless_two_whole_snapshots_in_order_were_read() {
    type Damage = fn(&mut Survey, &Survey);
    let pin = post(|_| {}).run.pin.expect("pin");
    let spoils: [(&str, Damage); 5] = [
        ("nonce", |s, pin| {
            s.snapshot.nonce.clone_from(&pin.snapshot.nonce);
        }),
        ("virtual xid", |s, pin| {
            s.snapshot.virtual_xid.clone_from(&pin.snapshot.virtual_xid);
        }),
        ("candidates", |s, _| s.candidates = None),
        ("pieces", |s, _| s.pieces = None),
        ("digest", |s, _| {
            s.facts_digest = crate::survey::Digest::zero();
        }),
    ];
    for (what, damage) in spoils {
        assert_eq!(
            by(ClaimName::B, |s| damage(s, &pin)),
            ClaimVerdict::NotChecked,
            "{what}"
        );
    }
    let clock_went_back =
        |s: &mut Survey| s.snapshot.began_at = pin.snapshot.ended_at.plus_seconds(-3600);
    assert_eq!(by(ClaimName::B, clock_went_back), ClaimVerdict::Holds);
    let mut other_order = post(|_| {}).run;
    other_order.transactions.reverse();
    assert_eq!(
        verdict(&other_order, ClaimName::B),
        ClaimVerdict::NotChecked
    );
    let lost = |s: &mut Survey| {
        s.facts.pop();
        s.facts_digest = facts_digest(&s.facts);
    };
    assert_eq!(by(ClaimName::B, lost), ClaimVerdict::False);
}

#[test]
fn c_counts_what_finished_elsewhere() {
    let busy = post(|s| s.snapshot.snapshot = "914:914:".to_owned()).run;
    let claim = claims(&busy).remove(2);
    assert_eq!(
        (claim.verdict, claim.measured.as_str()),
        (ClaimVerdict::False, "169 finished elsewhere")
    );
    assert_eq!(non_mutation(&busy).verdict, NonMutationVerdict::Proven);
    for text in ["", "600:600:"] {
        assert_eq!(
            by(ClaimName::C, |s| s.snapshot.snapshot = text.to_owned()),
            ClaimVerdict::NotChecked
        );
    }
}

#[test]
fn d_falls_with_one_way_to_write_in_any_survey() {
    let finding = |allowed| RoleFinding {
        severity: Severity::Fail,
        kind: "table privilege".to_owned(),
        object: "public.unit_version".to_owned(),
        privilege: "INSERT".to_owned(),
        via: "PUBLIC".to_owned(),
        allowed,
    };
    assert_eq!(
        by(ClaimName::D, |s| s.role.findings.push(finding(false))),
        ClaimVerdict::False
    );
    assert_eq!(
        by(ClaimName::D, |s| s.role.findings.push(finding(true))),
        ClaimVerdict::Holds
    );
    assert_eq!(
        by(ClaimName::D, |s| s
            .role
            .unanswered
            .push("sequences".to_owned())),
        ClaimVerdict::NotChecked
    );
    assert_eq!(
        by(ClaimName::D, |s| s.role.asked.clear()),
        ClaimVerdict::NotChecked
    );
    let mut early = post(|_| {}).run;
    Arc::make_mut(&mut early.surveys)[1].read_only = Some(false);
    assert_eq!(verdict(&early, ClaimName::D), ClaimVerdict::False);
    assert_eq!(non_mutation(&early).verdict, NonMutationVerdict::Unproven);
}

#[test]
fn e_falls_with_every_part_of_the_identity() {
    type Damage = fn(&mut Survey);
    let spoils: [Damage; 5] = [
        |s| s.server.system_identifier = Some("1".to_owned()),
        |s| s.server.timeline = Some("2".to_owned()),
        |s| s.server.database = "other".to_owned(),
        |s| s.server.postmaster_start = "2026-11-22".to_owned(),
        |s| s.server.version = "17.1".to_owned(),
    ];
    for damage in spoils {
        let run = post(damage).run;
        assert_eq!(verdict(&run, ClaimName::E), ClaimVerdict::False);
        assert_eq!(non_mutation(&run).verdict, NonMutationVerdict::Unproven);
    }
    let mut nameless = post(|_| {}).run;
    for seen in Arc::make_mut(&mut nameless.surveys) {
        seen.server.system_identifier = None;
    }
    assert_eq!(verdict(&nameless, ClaimName::E), ClaimVerdict::NotChecked);
}

/// A run that waited at SG1 for so many reads of each kind: clean, not fully measured, and without a seen end.
fn after_a_long_wait(reads: u64) -> ScriptedRun {
    let mut script = at_sg1();
    for _ in 0..reads {
        script.live_read(false, &[], None);
        let id = script.run.transactions_opened() + 1;
        let purpose = Purpose::LiveRead;
        let opened = |id| TransactionOpened {
            id,
            purpose,
            nonce: format!("nonce{id}"),
        };
        let mut proof = values::proof(&values::snapshot(format!("nonce{id}"), id, at("09:16:00")));
        proof.unmeasured = vec!["locks: 42501 permission denied".to_owned()];
        proof.locks.clear();
        let proof = Arc::new(proof);
        script.push(Event::TransactionOpened(opened(id)));
        script.push(Event::TransactionClosed(TransactionClosed { id, proof }));
        let (id, reason) = (id + 1, "link lost".to_owned());
        script.push(Event::TransactionOpened(opened(id)));
        script.push(Event::TransactionUnseen(TransactionUnseen { id, reason }));
    }
    script
}

#[test]
fn reads_of_a_long_wait_are_counted_and_the_claim_does_not_grow_with_them() {
    let of = |reads: u64| {
        let run = after_a_long_wait(reads).run;
        let claim = claims(&run).remove(0);
        assert_eq!(
            claim.measured,
            format!(
                "{} of {} transactions, {reads} with unseen end (covered by D), {reads} not fully measured",
                reads + 1,
                3 * reads + 1
            )
        );
        assert_eq!(claim.verdict, ClaimVerdict::NotChecked);
        let length = serde_json::to_string(&claim.raw).expect("plain data").len();
        (claim.raw["not_listed"]["sha256"].to_string(), length)
    };
    let ((one, short), (two, long)) = (of(120), of(220));
    assert_ne!(one, two);
    // Only the numbers have become longer.
    assert!(short.abs_diff(long) < 300, "{short} and {long}");
}

#[test]
fn what_is_not_listed_is_recomputed() {
    let mut journal = after_a_long_wait(70);
    journal.until_sg2();
    assert_eq!(again(&journal.records).findings, Vec::new());
    let mut forged = 0;
    for nth in 0..journal.records.len() {
        let mut records = journal.records.clone();
        let event = Arc::make_mut(&mut records[nth].event);
        // A read that said something else than the digest on the sheet of SG2 covers, or another count on that sheet.
        if let Event::TransactionUnseen(unseen) = event
            && unseen.id > 170
        {
            unseen.reason = "another".to_owned();
        } else if let Event::EvidenceTaken(taken) = event
            && taken.gate == ApprovalGate::SG2
        {
            let sheet = Arc::make_mut(&mut taken.sheet);
            sheet.claims[0].raw["not_listed"]["clean"] = json!(71);
            taken.evidence = Digest::of(sheet.bytes().expect("plain data"));
        } else {
            continue;
        }
        forged += 1;
        let found = again(&records).findings;
        let named = "the claims of the sheet do not follow from the run";
        assert!(found.iter().any(|f| f.what == named), "{nth}: {found:?}");
    }
    assert!(forged > 1, "{forged}");
}
