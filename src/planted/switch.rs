//! Which planted bug is switched on in this process.
//! Invariant: at most one, and a name that is unknown is none: a test that it should turn red stays green then.

use std::sync::LazyLock;

use super::PlantedBug;

/// The environment variable that names it.
const VARIABLE: &str = "DRYGATE_PLANTED_BUG";

/// Whether this bug is switched on in this process.
pub(crate) fn planted(bug: PlantedBug) -> bool {
    static SWITCHED_ON: LazyLock<Option<PlantedBug>> = LazyLock::new(|| {
        let named = std::env::var(VARIABLE).ok()?;
        PlantedBug::ALL.into_iter().find(|bug| bug.name() == named)
    });
    *SWITCHED_ON == Some(bug)
}
