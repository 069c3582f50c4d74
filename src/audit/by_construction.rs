//! What is true of every run by construction of drygate: sentences, which are in no count.

use super::required::table_of;
use crate::run::{Gate, RunState};

/// The sentences of a gate. Empty for a run whose table of checks counted them.
pub fn by_construction(run: &RunState, gate: Gate) -> &'static [&'static str] {
    if table_of(run) == 1 {
        return &[];
    }
    match gate {
        Gate::G0 => &[
            "The profile was read before the run began; its name and SHA-256 are recorded.",
            "Whether the work tree is clean is recorded; it need not be.",
        ],
        Gate::G1 => &[
            "Where the profile requires a standby, a primary is not surveyed at all.",
            "The facts digest is computed from the facts that were read.",
        ],
        Gate::G2 => &[
            "The mode is Mode.DRYRUN and execution_enabled=False: no code could carry out another.",
            "The signer is StubSigning: drygate has no other.",
            "The simulator is seeded from the survey that is the pin.",
            "Nothing is written outside the data directory: its storage takes no other path and follows no link.",
        ],
        Gate::G6 => &[
            "No git command of drygate can push: the list of its commands is closed, and all of them read.",
        ],
        Gate::G3 | Gate::G4 | Gate::G5 => &[],
    }
}
