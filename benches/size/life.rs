//! One run from its begin to its seal, and every command on it.

use drygate::testing::{ProcessCost, median};

use crate::beside::checksum;
use crate::long_run::LongRun;
use crate::reads;
use crate::server::Server;
use crate::worlds::World;

/// By turns with `sha256sum`, so that a machine that is busy for a while is so for both.
const ROUNDS: usize = 3;

/// The exit code of a run whose G1 failed.
const GATE_FAILED: i32 = 9;

/// What the commands took, and what others took for the same bytes.
#[derive(Default)]
pub struct Measured {
    pub taken: Vec<(&'static str, ProcessCost)>,
    /// `sha256sum` of all files of the run.
    pub checksum_seconds: f64,
    /// `psql` COPY of pieces and units to a file; `None`: they are few, or there is no `psql`.
    pub copy_seconds: Option<f64>,
}

/// Every command on one run, in the order of its life.
pub fn measure(server: &Server, world: World, size: u64) -> Measured {
    let profile = world.build(server, size);
    let fails = world == World::Ways;
    let mut taken = Vec::new();
    let mut copy_seconds = None;
    if let Some(profile) = &profile {
        let code = if fails { GATE_FAILED } else { 0 };
        taken.push(("survey", LongRun::survey(server, profile, code)));
        copy_seconds = world.streams().and_then(|streams| server.copy(streams));
    }
    let code = if fails { GATE_FAILED } else { 3 };
    let (mut run, began) = LongRun::begin(server, profile.as_deref(), code);
    taken.push(("run", began));
    if !fails {
        world.meanwhile(server);
        taken.push(("approve SG1", run.approve("SG1", 3)));
        if world == World::Lines {
            reads::until(&run.directory(), size);
            taken.push(("runs, while it waits", run.take(&["runs"], 0)));
        }
        taken.push(("resume", run.take(&["resume", "last"], 3)));
        taken.push(("approve SG2", run.approve("SG2", 0)));
    }
    run.forget_index();
    taken.push(("runs, without an index", run.take(&["runs"], 0)));
    taken.push(("runs", run.take(&["runs"], 0)));
    let (mut verifies, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        verifies.push(run.take(&["verify", "last"], 0));
        sums.push(checksum(&run.directory()));
    }
    taken.push(("verify", ProcessCost::median(&verifies)));
    for (name, words) in [
        ("report", &["report", "last"][..]),
        ("report --json", &["report", "last", "--json"]),
        ("replay", &["replay", "last", "--json"]),
        ("export", &["export", "last", "--output", "run.tar.gz"]),
        ("verify of the archive", &["verify", "run.tar.gz"]),
    ] {
        taken.push((name, run.take(words, 0)));
    }
    if !fails {
        let changed = if world == World::Grants { 2 } else { 0 };
        taken.push(("diff", run.take(&["diff", "last"], changed)));
        taken.push(("recheck", run.take(&["recheck", "last"], 0)));
    }
    Measured {
        taken,
        checksum_seconds: median(&sums),
        copy_seconds,
    }
}
