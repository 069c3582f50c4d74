//! G2: the parts that replace live execution (mode, signer, simulator, context pins) are in use.
//! Invariant: each is judged by what was written, not by what was meant (test `each_spoiled_seam_fails_its_own_check`).

use std::path::{Component, Path};

use serde_json::json;

use super::predict::{predict, same_rows};
use crate::profile::Profile;
use crate::run::{Check, CheckName, ContextPins, Mode, Signer};
use crate::simulate::{PredictedEffect, Simulation, StepCounts};
use crate::survey::{Digest, Survey};

/// What G2 looks at.
#[derive(Debug, Clone, Copy)]
pub struct DrySeams<'a> {
    /// Profile of the run.
    pub profile: &'a Profile,
    /// The survey that is the pin.
    pub pin: &'a Survey,
    /// What the simulator made of it.
    pub simulation: Option<&'a Simulation>,
    /// The context pins as they were made.
    pub context: &'a ContextPins,
    /// The bytes of `context.json` as they were read back.
    pub context_bytes: &'a [u8],
    /// The digest under which they are a blob.
    pub context_blob: &'a Digest,
    /// The prediction that is journalled.
    pub predicted: Option<(&'a PredictedEffect, &'a StepCounts)>,
    /// Path of the data directory.
    pub data_directory: &'a str,
    /// Every path that the storage wrote, by its own record.
    pub written: &'a [String],
}

/// The seven checks of G2, in the order of the table.
pub fn g2(dry_seams: &DrySeams<'_>) -> Vec<Check> {
    let context = dry_seams.context;
    let input = dry_seams.pin.input_digest();
    vec![
        Check::evaluated(
            CheckName::ModeDryrun,
            context.mode == Mode::Dryrun,
            context.mode.name(),
            json!({"mode": context.mode.name()}),
        ),
        Check::evaluated(
            CheckName::ExecutionDisabled,
            !context.execution_enabled && !context.mode.execution_enabled(),
            if context.execution_enabled {
                "execution_enabled=True"
            } else {
                "execution_enabled=False"
            },
            json!({"execution_enabled": context.execution_enabled}),
        ),
        Check::evaluated(
            CheckName::StubSigning,
            context.signer == Signer::StubSigning,
            format!("{} (a stub)", context.signer.name()),
            json!({"signer": context.signer.name()}),
        ),
        Check::evaluated(
            CheckName::SimulatorInputIsSurvey,
            context.simulator_input_digest == input
                && context.pin_nonce == dry_seams.pin.snapshot.nonce,
            "the simulator was seeded from the pin",
            json!({
                "simulator_input_digest": context.simulator_input_digest, "survey_input_digest": input,
                "context_pin_nonce": context.pin_nonce, "pin_nonce": dry_seams.pin.snapshot.nonce,
            }),
        ),
        context_pins_written(dry_seams),
        prediction_computed(dry_seams),
        nothing_written_outside(dry_seams.data_directory, dry_seams.written),
    ]
}

fn context_pins_written(dry_seams: &DrySeams<'_>) -> Check {
    let written = Digest::of(dry_seams.context_bytes);
    // Compared as bytes (digest) and as values: the file must be the blob, and must read back as the pins that are in use.
    let same = serde_json::from_slice::<ContextPins>(dry_seams.context_bytes)
        .is_ok_and(|read| read == *dry_seams.context);
    let facts = dry_seams.context.facts_digest == dry_seams.pin.facts_digest;
    Check::evaluated(
        CheckName::ContextPinsWritten,
        written == *dry_seams.context_blob && same && facts,
        format!("context.json round {}", dry_seams.context.round),
        json!({
            "file_sha256": written, "blob": dry_seams.context_blob, "reads_back_equal": same,
            "facts_digest": dry_seams.context.facts_digest, "pin_facts_digest": dry_seams.pin.facts_digest,
        }),
    )
}

fn prediction_computed(dry_seams: &DrySeams<'_>) -> Check {
    const NAME: CheckName = CheckName::PredictionComputed;
    let (Some((effect, counts)), Some(simulation)) = (dry_seams.predicted, dry_seams.simulation)
    else {
        return Check::not_checked(NAME, "no prediction was recorded", "seed the simulator");
    };
    // Computed again from the simulation: an edited prediction in the journal would differ.
    let Some(again) = predict(dry_seams.profile, simulation) else {
        return Check::not_checked(NAME, "the profile names no units", "seed the simulator");
    };
    // Sums stop at the end of the type, so the largest number stands for whatever is beyond it.
    let fits = *again.rows().get() < u64::MAX;
    let says = if fits {
        format!("a live run would change {} rows", effect.rows())
    } else {
        "a live run would change more rows than 64 bits can count".to_owned()
    };
    Check::evaluated(
        NAME,
        fits && same_rows(effect, &again) && *counts == simulation.counts,
        says,
        json!({"predicted": effect, "recomputed": again, "counts": counts}),
    )
}

fn nothing_written_outside(root: &str, written: &[String]) -> Check {
    const NAME: CheckName = CheckName::NothingWrittenOutside;
    if written.is_empty() || root.is_empty() {
        return Check::not_checked(
            NAME,
            "the storage has no record of its writes",
            "a storage that records what it writes",
        );
    }
    let outside: Vec<&String> = written.iter().filter(|path| !inside(root, path)).collect();
    let says = outside.first().map_or_else(
        || format!("{} paths, all in the data directory", written.len()),
        |first| {
            format!(
                "{} paths outside the data directory, first {first}",
                outside.len()
            )
        },
    );
    Check::evaluated(
        NAME,
        outside.is_empty(),
        says,
        json!({"data_directory": root, "written": written.len(), "outside": outside}),
    )
}

fn inside(root: &str, path: &str) -> bool {
    let path = Path::new(path);
    // `starts_with` compares components and does not resolve `..`.
    let climbs = path.components().any(|part| part == Component::ParentDir);
    path.starts_with(Path::new(root)) && !climbs
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{created, profile, simulation, survey};
    use super::super::predict;
    use super::{DrySeams, g2};
    use crate::run::{ContextPins, Verdict};
    use crate::simulate::{PredictedEffect, StepCounts};
    use crate::survey::{Digest, Simulated};
    use crate::testing::values::context;

    struct DrySeamsInputs {
        context: ContextPins,
        bytes: Vec<u8>,
        blob: Digest,
        predicted: Option<(PredictedEffect, StepCounts)>,
        written: Vec<String>,
    }

    fn sound() -> DrySeamsInputs {
        let context = context(&created(), &survey(1));
        let bytes = serde_json::to_vec(&context).expect("plain data");
        DrySeamsInputs {
            blob: Digest::of(&bytes),
            context,
            bytes,
            predicted: predict(&profile(), &simulation()).zip(Some(simulation().counts)),
            written: vec!["/data/runs/a/context.json".to_owned()],
        }
    }

    fn not_pass(damage: impl FnOnce(&mut DrySeamsInputs)) -> Vec<(String, Verdict)> {
        let mut world = sound();
        damage(&mut world);
        let checks = g2(&DrySeams {
            profile: &profile(),
            pin: &survey(1),
            simulation: Some(&simulation()),
            context: &world.context,
            context_bytes: &world.bytes,
            context_blob: &world.blob,
            predicted: world
                .predicted
                .as_ref()
                .map(|(effect, counts)| (effect, counts)),
            data_directory: "/data",
            written: &world.written,
        });
        let bad = checks.into_iter().filter(|c| c.verdict != Verdict::Pass);
        bad.map(|c| (c.name.to_string(), c.verdict)).collect()
    }

    fn rewrite(world: &mut DrySeamsInputs) {
        world.bytes = serde_json::to_vec(&world.context).expect("plain data");
        world.blob = Digest::of(&world.bytes);
    }

    #[test]
    fn each_spoiled_seam_fails_its_own_check() {
        type Damage = fn(&mut DrySeamsInputs);
        let cases: [(&str, Damage); 9] = [
            ("execution_disabled", |w| {
                w.context.execution_enabled = true;
                rewrite(w);
            }),
            ("simulator_input_is_survey", |w| {
                w.context.simulator_input_digest = Digest::zero();
                rewrite(w);
            }),
            ("context_pins_written", |w| w.blob = Digest::zero()),
            ("context_pins_written", |w| w.context.round = 2),
            ("prediction_computed", |w| {
                w.predicted.as_mut().expect("there").0.tables[0].update = Simulated::new(59);
            }),
            ("prediction_computed", |w| {
                w.predicted.as_mut().expect("there").1.verified = Simulated::new(59);
            }),
            ("nothing_written_outside", |w| {
                w.written.push("/etc/passwd".to_owned());
            }),
            ("nothing_written_outside", |w| {
                w.written.push("/data/../etc/passwd".to_owned());
            }),
            ("nothing_written_outside", |w| {
                w.written.push("/database".to_owned());
            }),
        ];
        assert_eq!(not_pass(|_| {}), Vec::new());
        for (name, damage) in cases {
            assert_eq!(not_pass(damage), [(name.to_owned(), Verdict::Fail)]);
        }
    }

    #[test]
    fn without_a_record_of_writes_or_a_prediction_nothing_is_checked() {
        let open = |name: &str| vec![(name.to_owned(), Verdict::NotChecked)];
        assert_eq!(
            not_pass(|w| w.written.clear()),
            open("nothing_written_outside")
        );
        assert_eq!(
            not_pass(|w| w.predicted = None),
            open("prediction_computed")
        );
    }
}
