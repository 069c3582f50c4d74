//! Tests of `feasibility`: each test damages a value that a verdict is computed from and sees the verdict change.

use super::{Feasibility, QueryRuling, g1};
use crate::audit::SecretScan;
use crate::audit::fixture::{change, live, profile, rulings, survey};
use crate::profile::Profile;
use crate::run::{CheckName, Verdict};
use crate::survey::{Observed, RoleFinding, Severity, Survey, TransactionProof};
use crate::testing::values::proof;

struct FeasibilityInputs {
    profile: Profile,
    survey: Survey,
    proof: Option<TransactionProof>,
    rulings: Vec<QueryRuling>,
    statements: Vec<String>,
    secrets: Option<SecretScan>,
}

/// The checks that are not PASS after `spoil` changed the input.
fn not_pass(damage: impl FnOnce(&mut FeasibilityInputs)) -> Vec<(String, Verdict)> {
    let survey = survey(1);
    let mut world = FeasibilityInputs {
        profile: profile(),
        proof: Some(proof(&survey.snapshot)),
        survey,
        rulings: rulings(),
        statements: vec!["SELECT 1".to_owned()],
        secrets: Some(SecretScan::default()),
    };
    damage(&mut world);
    let checks = g1(&Feasibility {
        profile: &world.profile,
        survey: &world.survey,
        proof: world.proof.as_ref(),
        rulings: &world.rulings,
        statements: &world.statements,
        secrets: world.secrets.as_ref(),
        recomputed: None,
    });
    assert_eq!(checks.len(), 15);
    let bad = checks.into_iter().filter(|c| c.verdict != Verdict::Pass);
    bad.map(|c| (c.name.to_string(), c.verdict)).collect()
}

fn way() -> RoleFinding {
    RoleFinding {
        severity: Severity::Fail,
        kind: "table privilege".to_owned(),
        object: "public.unit_version".to_owned(),
        privilege: "INSERT".to_owned(),
        via: "context_pack_readonly".to_owned(),
        allowed: false,
    }
}

#[test]
fn each_spoiled_value_fails_its_own_check() {
    type Damage = fn(&mut FeasibilityInputs);
    let cases: [(&str, Damage); 23] = [
        ("audit_holds_at_pin", |w| {
            w.statements
                .push("SELECT md5(p.prosrc) WHERE 'fn_iu_enact(text)'::regprocedure".to_owned());
        }),
        ("audit_holds_at_pin", |w| {
            let scan = w.secrets.as_mut().expect("there");
            scan.text("blobs/x", "a postgres://u:secret@db/kb");
        }),
        ("server_version_and_system_identifier", |w| {
            w.survey.server.version_num = 120_022;
        }),
        ("standby_as_required", |w| {
            w.profile.target.require_standby = true;
        }),
        ("session_role", |w| {
            w.survey.server.session_user = "postgres".to_owned();
        }),
        ("session_role", |w| {
            w.survey.server.current_user = "postgres".to_owned();
        }),
        ("session_role", |w| {
            w.survey.role.role = "postgres".to_owned();
        }),
        ("role_is_read_only", |w| w.survey.role.findings.push(way())),
        ("transaction_read_only session_left_nothing", |w| {
            proof_of(w).read_only = Some(false);
        }),
        ("transaction_read_only session_left_nothing", |w| {
            proof_of(w).isolation = "serializable".to_owned();
        }),
        ("search_path_empty session_left_nothing", |w| {
            proof_of(w).search_path = "public".to_owned();
        }),
        ("row_security_off session_left_nothing", |w| {
            proof_of(w).row_security = "on".to_owned();
        }),
        ("session_left_nothing", |w| {
            proof_of(w).xid_assigned = Some("9".to_owned());
        }),
        ("facts_are_plain_reads", |w| {
            w.rulings[0].refused = Some("calls lo_create".to_owned());
        }),
        ("facts_answer", |w| {
            change(
                &mut w.survey,
                "icx_total",
                Observed::Unknown {
                    unknown: "42P01".to_owned(),
                },
            );
        }),
        ("facts_answer", |w| {
            w.survey
                .facts
                .retain(|f| f.key.as_str() != "lifecycle_log_rows");
            w.survey.facts_digest = crate::survey::facts_digest(&w.survey.facts);
        }),
        ("facts_digest_holds", |w| {
            w.survey.facts[0].observed = live("else");
        }),
        ("expectations_met", |w| {
            w.profile.facts[0].expect = Some("61".to_owned());
        }),
        ("pins_met", |w| {
            w.profile.functions[0].expect = Some("6ca9".to_owned());
        }),
        ("pins_met", |w| {
            w.profile.grants.as_mut().expect("declared").expect = Some("45d2".to_owned());
        }),
        ("pins_met", |w| {
            change(&mut w.survey, "fn_iu_enact_md5", live(""));
        }),
        ("candidates_not_empty", |w| {
            w.survey.candidates.as_mut().expect("read").rows = 0;
        }),
        ("facts_are_plain_reads", |w| {
            w.rulings.last_mut().expect("one").refused = Some("a view".to_owned());
        }),
    ];
    assert_eq!(not_pass(|_| {}), Vec::new());
    for (names, damage) in cases {
        let expected: Vec<_> = names
            .split(' ')
            .map(|n| (n.to_owned(), Verdict::Fail))
            .collect();
        assert_eq!(not_pass(damage), expected);
    }
}

fn proof_of(world: &mut FeasibilityInputs) -> &mut TransactionProof {
    world.proof.as_mut().expect("a proof")
}

#[test]
fn what_is_missing_is_not_checked() {
    type Damage = fn(&mut FeasibilityInputs);
    let cases: [(&str, Damage); 5] = [
        ("server_version_and_system_identifier", |w| {
            w.survey.server.system_identifier = None;
        }),
        ("role_is_read_only", |w| {
            w.survey.role.unanswered.push("sequences".to_owned());
        }),
        ("facts_are_plain_reads", |w| drop(w.rulings.pop())),
        ("candidates_not_empty", |w| w.survey.candidates = None),
        (
            "transaction_read_only search_path_empty row_security_off session_left_nothing",
            |w| w.proof = None,
        ),
    ];
    for (names, damage) in cases {
        let expected: Vec<_> = names
            .split(' ')
            .map(|n| (n.to_owned(), Verdict::NotChecked))
            .collect();
        assert_eq!(not_pass(damage), expected);
    }
    let foreign = not_pass(|w| proof_of(w).nonce = "of another transaction".to_owned());
    assert_eq!(foreign.len(), 4);
}

#[test]
fn a_way_to_write_is_named_by_table_and_privilege() {
    let mut survey = survey(1);
    survey.role.findings.push(way());
    let (profile, rulings) = (profile(), rulings());
    let checks = g1(&Feasibility {
        profile: &profile,
        survey: &survey,
        proof: None,
        rulings: &rulings,
        statements: &[],
        secrets: None,
        recomputed: None,
    });
    let check = checks
        .iter()
        .find(|c| c.name == CheckName::RoleIsReadOnly)
        .expect("there");
    assert!(check.says.contains("public.unit_version") && check.says.contains("INSERT"));
}
