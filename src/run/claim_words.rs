//! What is said of a claim in a line, on screens and in texts: one word for one verdict, wherever it stands.
//! Invariant: what was not measured never reads as holding (test `each_verdict_has_words_of_its_own`).

use super::{Claim, ClaimName, ClaimVerdict};

/// What is said in short of a claim without a verdict.
pub const NOT_CHECKED: &str = "not checked";

/// What is said of a claim, in the fewest words and in a few more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimWords {
    /// `same server`: five of these with their letters fit 78 columns.
    pub short: String,
    /// `same server, no restart`.
    pub whole: String,
}

impl ClaimWords {
    fn of(short: &str, whole: &str) -> Self {
        Self {
            short: short.to_owned(),
            whole: whole.to_owned(),
        }
    }
}

impl Claim {
    /// The words for this verdict. `differing`: how many facts are known to differ where B has no verdict yet, 0 where none are.
    pub fn words(&self, differing: usize) -> ClaimWords {
        use ClaimVerdict::{False, Holds, NotChecked};
        match (self.name, self.verdict) {
            (ClaimName::A, Holds) => ClaimWords::of("no writes", "our sessions wrote nothing"),
            (ClaimName::A, False) => ClaimWords::of("WROTE", "OUR SESSIONS WROTE"),
            (ClaimName::A, NotChecked) => not_checked("our sessions"),
            (ClaimName::B, Holds) => ClaimWords::of("equal", "facts equal"),
            (ClaimName::B, False) => differ(self.changed().unwrap_or(differing)),
            (ClaimName::B, NotChecked) => self.so_far(differing),
            (ClaimName::C, Holds) => ClaimWords::of("quiet", "cluster quiet"),
            (ClaimName::C, False) => ClaimWords::of("not quiet", "cluster not quiet"),
            (ClaimName::C, NotChecked) => not_checked("cluster"),
            (ClaimName::D, Holds) => ClaimWords::of("read-only", "role could not write"),
            (ClaimName::D, False) => ClaimWords::of("COULD WRITE", "ROLE COULD WRITE"),
            (ClaimName::D, NotChecked) => not_checked("role"),
            (ClaimName::E, Holds) => ClaimWords::of("same server", "same server, no restart"),
            (ClaimName::E, False) => self.other_server(),
            (ClaimName::E, NotChecked) => not_checked("server"),
        }
    }

    /// How many facts its raw values name as changed; `None`: they do not say.
    fn changed(&self) -> Option<usize> {
        self.raw.get("changed")?.as_array().map(Vec::len)
    }

    /// Claim B before the second survey.
    fn so_far(&self, differing: usize) -> ClaimWords {
        match self.measured.as_str() {
            _ if differing > 0 => differ(differing),
            "equal so far" => ClaimWords::of("equal so far", "facts equal so far"),
            "one snapshot so far" => ClaimWords::of("read once", "facts read once"),
            _ => not_checked("facts"),
        }
    }

    /// A restart, a failover and another server are three things.
    fn other_server(&self) -> ClaimWords {
        let differences = self.raw.get("differences").and_then(|all| all.as_array());
        let names = |name: &str| {
            let mut all = differences
                .into_iter()
                .flatten()
                .filter_map(|one| one.as_str());
            all.any(|one| one.starts_with(name))
        };
        if names("system_identifier") || names("database") {
            ClaimWords::of("OTHER SERVER", "OTHER SERVER OR DATABASE")
        } else if names("timeline") {
            ClaimWords::of("FAILED OVER", "SERVER FAILED OVER")
        } else {
            ClaimWords::of("RESTARTED", "SERVER RESTARTED")
        }
    }
}

fn not_checked(what: &str) -> ClaimWords {
    ClaimWords {
        short: NOT_CHECKED.to_owned(),
        whole: format!("{what}: {NOT_CHECKED}"),
    }
}

fn differ(count: usize) -> ClaimWords {
    let whole = match count {
        1 => "1 fact differs".to_owned(),
        count => format!("{count} facts differ"),
    };
    ClaimWords {
        short: format!("{count} differ"),
        whole,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use crate::run::{Claim, ClaimName, ClaimVerdict};

    fn claim(name: ClaimName, verdict: ClaimVerdict) -> Claim {
        Claim {
            name,
            verdict,
            measured: String::new(),
            raw: json!({ "changed": ["a"], "differences": ["postmaster_start: a -> b"] }),
        }
    }

    #[test]
    fn each_verdict_has_words_of_its_own() {
        for name in ClaimName::ALL {
            let verdicts = [
                ClaimVerdict::Holds,
                ClaimVerdict::False,
                ClaimVerdict::NotChecked,
            ];
            let words = verdicts.map(|verdict| claim(name, verdict).words(0));
            let short: BTreeSet<&str> = words.iter().map(|words| words.short.as_str()).collect();
            let whole: BTreeSet<&str> = words.iter().map(|words| words.whole.as_str()).collect();
            assert_eq!((short.len(), whole.len()), (3, 3), "{name:?}: {words:?}");
            assert!(words[2].whole.ends_with("not checked"), "{words:?}");
        }
        let restarted = claim(ClaimName::E, ClaimVerdict::False);
        assert_eq!(restarted.words(0).short, "RESTARTED");
    }
}
