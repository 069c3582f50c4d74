//! The way of a scripted run from gate to gate: what a runner and the people who decide do, one step each.

use super::scripted_run::ScriptedRun;
use super::scripted_survey::ENACTED;
use crate::audit;
use crate::run::{
    ApprovalGate, Decision, DriftFound, Event, EvidenceRenewed, Gate, RenewalReason, RunResult,
    RunSealed, State, StopCode, SurveyPurpose,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Survey};

impl ScriptedRun {
    /// Up to G1 working.
    pub fn up_to_feasibility(&mut self) -> &mut Self {
        self.gate(Gate::G0).becomes(State::Prechecked);
        self.clock("09:14:05").gate_started(Gate::G1)
    }

    /// G1 and G2, from the pin to the prediction.
    pub fn pinned_and_seeded(&mut self) -> &mut Self {
        self.survey_taken(SurveyPurpose::Pin).checked(Gate::G1);
        self.gate_finished(Gate::G1).becomes(State::Surveyed);
        self.gate_started(Gate::G2).context_pinned();
        self.effect_predicted().checked(Gate::G2);
        self.gate_finished(Gate::G2).becomes(State::Seeded);
        self.gate_started(Gate::G3)
    }

    /// From the start to SG1.
    pub fn until_sg1(&mut self) -> &mut Self {
        self.up_to_feasibility().pinned_and_seeded();
        self.clock("09:15:10").waits(ApprovalGate::SG1)
    }

    /// From SG1 to SG2.
    pub fn until_sg2(&mut self) -> &mut Self {
        self.clock("09:17:20")
            .decides(Decision::Approve, "op_a", None)
            .survey_taken(SurveyPurpose::ApproveSg1);
        self.clock("09:17:21")
            .step(SimulatedStep::Cut, State::CutSimulated);
        self.clock("09:17:22")
            .step(SimulatedStep::Verify, State::Verified)
            .checked(Gate::G3);
        self.clock("09:17:24").waits(ApprovalGate::SG2)
    }

    /// A run that waits at SG1.
    pub fn at_sg1(enacted: bool) -> Self {
        let mut script = Self::new(enacted);
        script.until_sg1();
        script
    }

    /// A run that waits at SG2.
    pub fn at_sg2(enacted: bool) -> Self {
        let mut script = Self::at_sg1(enacted);
        script.until_sg2();
        script
    }

    /// The approval at SG2 finds drift: a unit enacted, a function replaced.
    pub fn drifted() -> Self {
        Self::drifted_over(&ENACTED)
    }

    /// The approval at SG2 finds that these facts have other values.
    pub fn drifted_over(keys: &[&str]) -> Self {
        let mut script = Self::at_sg2(false);
        script.drifts(keys);
        script
    }

    /// New evidence after drift: SG1 again, its sheet led by the difference.
    pub fn renewed() -> Self {
        let mut script = Self::drifted();
        script.renews();
        script
    }

    /// From SG2 to the stop: the approval finds that these facts have other values.
    pub fn drifts(&mut self, keys: &[&str]) -> &mut Self {
        self.clock("09:33:05")
            .decides(Decision::Approve, "op_a", None);
        self.somebody_changes(keys).clock("09:33:06");
        self.survey_taken(SurveyPurpose::ApproveSg2);
        let drift = self.changes();
        let message = format!("{} of 15 facts differ from the evidence.", drift.len());
        let (_, latest) = self.run.latest.as_ref().expect("a survey");
        let nonce = latest.snapshot.nonce.clone();
        self.attributed(&drift);
        let gate = Some(ApprovalGate::SG2);
        self.push(Event::DriftFound(DriftFound { gate, drift, nonce }));
        let code = StopCode::StopFactsDrifted;
        self.stop(code, gate, &message, "Take new evidence.");
        self.returns(Some(code))
    }

    /// From the drift back to SG1, on a new pin.
    pub fn renews(&mut self) -> &mut Self {
        let renewed = EvidenceRenewed {
            gate: ApprovalGate::SG2,
            reason: RenewalReason::Drift,
        };
        self.clock("09:33:40").push(Event::EvidenceRenewed(renewed));
        self.gate(Gate::G0);
        self.gate_started(Gate::G1).pinned_and_seeded();
        self.waits(ApprovalGate::SG1)
    }

    /// From SG2 to the last step, with the facts as they are now.
    pub fn closes(&mut self) -> &mut Self {
        self.clock("09:50:00")
            .decides(Decision::Approve, "opb", None);
        self.survey_taken(SurveyPurpose::ApproveSg2);
        self.clock("09:50:01")
            .step(SimulatedStep::Enact, State::EnactSimulated)
            .checked(Gate::G3)
    }

    /// The post survey, which a test may damage.
    pub fn post_surveyed(&mut self, damage: impl FnOnce(&mut Survey)) -> &mut Self {
        self.clock("09:51:00")
            .survey_damaged(SurveyPurpose::Post, damage)
            .becomes(State::PostSurveyed)
    }

    /// From the post survey to the second return: verdict, G3 and G4.
    pub fn judged(&mut self, stop_code: Option<StopCode>) -> &mut Self {
        let mut judged = audit::non_mutation(&self.run);
        if !judged.changes.is_empty() {
            judged.changes = self.changes();
        }
        self.push(Event::NonMutationJudged(Box::new(judged)));
        self.becomes(State::CloseoutReported).returns(stop_code);
        self.checked(Gate::G3).gate_finished(Gate::G3);
        self.gate(Gate::G4).returns(stop_code)
    }

    /// From the last step to the seal.
    pub fn seals(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        self.post_surveyed(|_| {}).judged(stop_code);
        self.ends(outcome, stop_code)
    }

    /// G5, G6, seal.
    pub fn ends(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        self.gate(Gate::G5).gate(Gate::G6);
        self.sealed(outcome, stop_code)
    }

    /// The last record.
    pub fn sealed(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        let report = |nth: u32| (format!("{nth:02}.md"), Digest::of(nth.to_string()));
        let result = format!("{}{}", self.created().result_prefix, outcome.suffix());
        self.clock("09:52:10").push(Event::RunSealed(RunSealed {
            result,
            outcome,
            exit_code: outcome.exit_code(),
            stop_code,
            template_version: 1,
            reports: (1..=13).map(report).collect(),
        }))
    }
}
