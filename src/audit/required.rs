//! Which checks each gate must have. Invariant: one table for each version; the gates that run and `verify` are held to the same one.

use super::safety::PROBES;
use crate::run::Gate;

/// The version of the table that new runs record in `run_created`.
pub const CHECK_TABLE: u32 = 1;

/// What G1 has instead of its other checks, where the target was not fit to be surveyed. It is always FAIL.
pub(super) const UNFIT: &str = "database_can_be_surveyed";

/// The names of the checks that a finished gate has; `None`: a version that this drygate does not know.
pub fn required_checks(version: u32, gate: Gate) -> Option<&'static [&'static str]> {
    (version == CHECK_TABLE).then_some(match gate {
        Gate::G0 => &[
            "profile_loads",
            "ssot_documents",
            "repository_present",
            "branch_and_head",
            "main_and_feature_heads",
            "work_tree_recorded",
        ],
        Gate::G1 => &[
            "server_version_and_system_identifier",
            "standby_as_required",
            "session_role",
            "role_is_read_only",
            "transaction_read_only",
            "search_path_empty",
            "row_security_off",
            "session_left_nothing",
            "facts_are_plain_reads",
            "facts_answer",
            "facts_digest_holds",
            "expectations_met",
            "pins_met",
            "candidates_not_empty",
        ],
        Gate::G2 => &[
            "mode_dryrun",
            "execution_disabled",
            "stub_signing",
            "simulator_input_is_survey",
            "context_pins_written",
            "prediction_computed",
            "nothing_written_outside",
        ],
        Gate::G3 => &[
            "sg1_approved",
            "cut_equals_prediction",
            "verify_equals_prediction",
            "sg2_approved",
            "enact_equals_prediction",
            "counters_agree",
            "ledgers_complete",
            "non_mutation_proven",
        ],
        Gate::G4 => &[
            "refold_same_state",
            "refold_same_digests",
            "resume_returns_the_same",
            "resume_adds_no_transition",
            "resume_goes_on_where_it_was",
        ],
        Gate::G5 => &PROBES,
        Gate::G6 => &[
            "forbidden_production_mutation",
            "forbidden_live_cut_verify_enact",
            "forbidden_kill_switch",
            "forbidden_deploy_restart",
            "forbidden_push_tag",
            "forbidden_source_mutation",
            "forbidden_hardcoded_secrets",
            "forbidden_signing_replaced",
            "forbidden_fake_pass",
            "main_and_tags_unchanged",
            "reports_render",
        ],
    })
}

/// Why a gate may not have a check of this name.
pub(super) fn unknown_check(version: u32, gate: Gate, name: &str) -> Option<String> {
    let unfit = gate == Gate::G1 && name == UNFIT;
    let known = required_checks(version, gate).is_none_or(|names| names.contains(&name));
    (!known && !unfit).then(|| format!("{gate} has no check {name}"))
}

/// What a gate that is being finished lacks of its checks, by the names that were recorded.
pub(super) fn table_findings(version: u32, gate: Gate, recorded: &[&str]) -> Vec<String> {
    let Some(required) = required_checks(version, gate) else {
        return vec![format!(
            "{gate} cannot be judged: the run names version {version} of the table of checks, this drygate knows {CHECK_TABLE}"
        )];
    };
    if gate == Gate::G1 && recorded == [UNFIT] {
        return Vec::new();
    }
    let missing = required.iter().filter(|name| !recorded.contains(name));
    let mut found: Vec<String> = missing
        .map(|name| format!("{gate} {name} is not recorded"))
        .collect();
    if recorded.contains(&UNFIT) {
        found.push(format!("{gate} has {UNFIT} beside other checks"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::journal_fixture::{JournalFixture, passed};
    use super::{CHECK_TABLE, UNFIT, required_checks, table_findings, unknown_check};
    use crate::run::Gate;

    #[test]
    fn the_gates_of_a_run_have_the_checks_of_the_table() {
        for run in [
            passed().run,
            JournalFixture::new().until_sg1().rejected().run,
        ] {
            for (gate, done) in &run.gates {
                let required = required_checks(CHECK_TABLE, *gate).expect("the version of today");
                let recorded: Vec<&str> = done.checks.iter().map(|c| c.name.as_str()).collect();
                assert_eq!(recorded.len(), required.len(), "{gate}");
                let found = table_findings(CHECK_TABLE, *gate, &recorded);
                assert_eq!(found, Vec::<String>::new(), "{gate}");
            }
        }
    }

    #[test]
    fn missing_and_unknown_checks_and_versions_are_named() {
        let mut names = required_checks(CHECK_TABLE, Gate::G5)
            .expect("the version of today")
            .to_vec();
        let lost = names.remove(2);
        assert_eq!(
            table_findings(CHECK_TABLE, Gate::G5, &names),
            [format!("G5 {lost} is not recorded")]
        );
        assert_eq!(unknown_check(CHECK_TABLE, Gate::G5, names[0]), None);
        assert_eq!(
            unknown_check(CHECK_TABLE, Gate::G5, "invented"),
            Some("G5 has no check invented".to_owned())
        );
        assert!(table_findings(7, Gate::G5, &names)[0].contains("version 7"));
        assert!(table_findings(CHECK_TABLE, Gate::G1, &[UNFIT]).is_empty());
        assert!(!table_findings(CHECK_TABLE, Gate::G5, &[UNFIT]).is_empty());
    }
}
