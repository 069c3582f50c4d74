//! The context pins of a run, from what is recorded of it: written at G2, and made again by `verify`.

use super::{recorded_ssot, repository_at_g0};
use crate::profile::Profile;
use crate::run::{ContextPins, Gate, RunState, Signer};

/// The pins of a run whose pin is taken; `None`: it has none.
pub fn context_pins(run: &RunState, profile: &Profile) -> Option<ContextPins> {
    let (created, pin) = (run.created.as_ref()?, run.pin.as_ref()?);
    let heads = repository_at_g0(run).map_or_else(Vec::new, |seen| {
        let mut heads = vec![("HEAD".to_owned(), seen.head)];
        heads.extend(seen.main);
        heads
    });
    let functions = profile.functions.iter().filter_map(|function| {
        let pinned = pin.fact(&function.key)?.observed.value()?;
        Some((function.key.clone(), pinned.to_owned()))
    });
    let checks = run.gates.get(&Gate::G0).map(|gate| gate.checks.as_slice());
    let ssot = recorded_ssot(checks.unwrap_or_default()).into_iter();
    Some(ContextPins {
        run_id: created.run_id.clone(),
        round: run.round(),
        mode: created.mode,
        execution_enabled: created.mode.execution_enabled(),
        signer: Signer::StubSigning,
        profile_sha256: created.profile_sha256.clone(),
        facts_digest: pin.facts_digest.clone(),
        simulator_input_digest: pin.input_digest(),
        pin_nonce: pin.snapshot.nonce.clone(),
        discoverers: [
            "LiveReadOnlyDiscoverer".to_owned(),
            "LiveDryRunDiscoverer".to_owned(),
        ],
        functions: functions.collect(),
        ssot: ssot
            .filter_map(|(name, seen)| Some((name, seen.ok()?)))
            .collect(),
        heads,
    })
}
