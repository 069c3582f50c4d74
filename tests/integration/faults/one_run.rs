//! Many processes that want one run at once. Invariant: whoever was not first learns why, and one decision is recorded.

use drygate::postgres::throwaway::Scenario;
use drygate::testing::{FaultCounts, fault_rounds};

use crate::support::server::{Workspace, approval, finish};

#[test]
fn of_many_who_approve_at_once_exactly_one_is_recorded() {
    let counts = FaultCounts::new(8, "processes that approve one run at once");
    let workspace = Workspace::new(Scenario::Enacted);
    let first = workspace.run().expect(3).json();
    let words = approval(&first, "SG1");
    let start = |_| {
        workspace
            .command(&words)
            .spawn()
            .expect("the program starts")
    };
    let started: Vec<_> = (0..fault_rounds(6, 50)).map(start).collect();
    let end = |child| {
        counts.injected();
        finish(child).code
    };
    let mut codes: Vec<i32> = started.into_iter().map(end).collect();
    codes.sort_unstable();
    assert_eq!(codes[0], 3, "{codes:?}");
    let took = codes.iter().filter(|code| **code == 3).count();
    assert_eq!(took, 1, "{codes:?}");
    let refused = codes[1..].iter().all(|code| [6, 75].contains(code));
    assert!(refused, "{codes:?}");
    let decisions = workspace.events(&first, "approval_recorded");
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    let changed = workspace.events(&first, "state_changed");
    let cut = changed
        .iter()
        .filter(|record| record["to"] == "cut_simulated");
    assert_eq!(cut.count(), 1);
}
