//! The policy of a machine: what every profile used on it asks of approvals at least.
//! Invariant: it only tightens (`Profile::under`; test `a_machine_s_policy_only_tightens`).

use serde::Deserialize;

use super::{Profile, ProfileError, TomlDocument};

/// The text of a policy file, read as what it asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MachinePolicy {
    /// Minimums of the profile's `[approvals]`.
    pub approvals: MinimumApprovals,
}

/// What is asked of approvals where a profile asks for less. `false` asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinimumApprovals {
    /// Only from a terminal.
    pub terminal: bool,
    /// SG2 by another person than SG1.
    pub distinct: bool,
    /// Not by the starter.
    pub exclude_starter: bool,
}

impl MachinePolicy {
    /// Parses the text of a policy file; `file` is only named in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let document = TomlDocument::read(text);
        let typed = document.and_then(|document| document.typed());
        typed.map_err(|problem| ProfileError::Invalid {
            file: file.to_owned(),
            line: problem.position.line,
            column: problem.position.column,
            message: problem.message,
        })
    }
}

impl Profile {
    /// The profile on a machine with this policy.
    #[must_use]
    pub fn under(mut self, policy: &MachinePolicy) -> Self {
        let (own, least) = (&mut self.approvals, &policy.approvals);
        own.terminal |= least.terminal;
        own.distinct |= least.distinct;
        own.exclude_starter |= least.exclude_starter;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::MachinePolicy;
    use crate::profile::built_in;

    #[test]
    fn a_machine_s_policy_only_tightens() {
        let (profile, _) = built_in("icx-const").expect("valid");
        let policy = |text| MachinePolicy::parse("policy.toml", text).expect("valid");
        let asked = |profile: &crate::profile::Profile| {
            let approvals = &profile.approvals;
            [
                approvals.terminal,
                approvals.distinct,
                approvals.exclude_starter,
            ]
        };
        let mut strict = profile.clone();
        for (text, all) in [
            ("", [false; 3]),
            ("[approvals]\nterminal = true\n", [true, false, false]),
            ("[approvals]\ndistinct = true\n", [false, true, false]),
            (
                "[approvals]\nexclude_starter = true\n",
                [false, false, true],
            ),
        ] {
            assert_eq!(asked(&profile.clone().under(&policy(text))), all, "{text}");
            strict = strict.under(&policy(text));
        }
        let lax = "[approvals]\nterminal = false\ndistinct = false\nexclude_starter = false\n";
        assert_eq!(asked(&strict.under(&policy(lax))), [true; 3]);
    }
}
