//! What the gates expect of the simulator. A prediction is recomputed from counts and lifecycle, never copied from the record
//! it is compared with.

use std::collections::BTreeMap;

use crate::profile::Profile;
use crate::simulate::{Lifecycle, PredictedEffect, SimulatedStep, Simulation, StepCounts};

/// The tables whose content is protected; they are listed in every predicted effect.
pub fn protected_tables(profile: &Profile) -> Vec<String> {
    profile.contents.iter().map(|c| c.table.clone()).collect()
}

/// The predicted effect of a live run of all steps, from what the simulator made of the pin; none where the profile names no units.
pub fn predict(profile: &Profile, simulation: &Simulation) -> Option<PredictedEffect> {
    let lifecycle = profile.lifecycle.as_ref()?;
    Some(simulation.predicted(lifecycle, &protected_tables(profile)))
}

/// The rows that one step alone would change, by its counts.
pub fn step_effect(
    profile: &Profile,
    lifecycle: &Lifecycle,
    step: SimulatedStep,
    counts: &StepCounts,
) -> PredictedEffect {
    let (cut, enact) = match step {
        SimulatedStep::Cut => (*counts.would_insert.get(), 0),
        SimulatedStep::Verify => (0, 0),
        SimulatedStep::Enact => (0, *counts.would_enact.get()),
    };
    PredictedEffect::of(lifecycle, cut, enact, &protected_tables(profile))
}

/// Whether two effects change the same rows; tables that neither touches do not count.
pub(super) fn same_rows(one: &PredictedEffect, two: &PredictedEffect) -> bool {
    let rows = |effect: &PredictedEffect| -> BTreeMap<String, [u64; 3]> {
        effect
            .touched()
            .map(|t| {
                (
                    t.table.clone(),
                    [*t.insert.get(), *t.update.get(), *t.delete.get()],
                )
            })
            .collect()
    };
    rows(one) == rows(two)
}

/// The counts that belong to one step, as pairs of name and number.
pub(super) fn counts_of(step: SimulatedStep, counts: &StepCounts) -> [(&'static str, u64); 2] {
    match step {
        SimulatedStep::Cut => [
            ("would_insert", *counts.would_insert.get()),
            ("already_present", *counts.already_present.get()),
        ],
        SimulatedStep::Verify => [
            ("verified", *counts.verified.get()),
            ("unverified", *counts.unverified.get()),
        ],
        SimulatedStep::Enact => [
            ("would_enact", *counts.would_enact.get()),
            ("already_enacted", *counts.already_enacted.get()),
        ],
    }
}
