//! A target that can also be rehearsed on: surveys as [`LiveReadOnlyDiscoverer`] takes them, and rehearsals in transactions of
//! their own.

use std::path::PathBuf;

use super::copies::Copies;
use super::ledger_file::LedgerUse;
use super::rehearse::{ChangeScript, Rehearsal, rehearse};
use crate::postgres::{ConnectionSettings, LiveReadOnlyDiscoverer};
use crate::profile::Profile;
use crate::runner::target::{
    PinnedRuns, RehearsalAnswer, RehearsalRequest, SurveyRequest, Taken, Target, TargetError,
    TargetIdentity, Witness,
};

/// A live database that is surveyed, and whose change is rehearsed on this machine.
pub struct RehearsedTarget {
    discoverer: LiveReadOnlyDiscoverer,
    settings: ConnectionSettings,
    profile: Profile,
    run_id: String,
    hidden: Vec<PathBuf>,
    statements: Vec<String>,
}

impl RehearsedTarget {
    /// A target of one run. `hidden`: what of this machine the change must not see, beside what it never sees.
    pub fn new(
        discoverer: LiveReadOnlyDiscoverer,
        settings: ConnectionSettings,
        profile: Profile,
        run_id: &str,
        hidden: Vec<PathBuf>,
    ) -> Self {
        Self {
            discoverer,
            settings,
            profile,
            run_id: run_id.to_owned(),
            hidden,
            statements: Vec::new(),
        }
    }
}

impl Target for RehearsedTarget {
    fn identity(&self) -> TargetIdentity {
        self.discoverer.identity()
    }

    fn without_passwords(&self, text: &str, is_cut: bool) -> String {
        self.discoverer.without_passwords(text, is_cut)
    }

    fn pin_runs(&mut self, pinned: PinnedRuns) {
        self.discoverer.pin_runs(pinned);
    }

    async fn take(
        &mut self,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
    ) -> Result<Taken, TargetError> {
        self.discoverer.take(ask, witness).await
    }

    async fn rehearse(
        &mut self,
        ask: RehearsalRequest,
        witness: &mut dyn Witness,
    ) -> Result<RehearsalAnswer, TargetError> {
        let change = ChangeScript {
            phases: ask.phases,
            command: ask.command,
            role: ask.role,
            hidden: self.hidden.clone(),
            copies: ask.copy.map_or(Copies::None, Copies::Only),
            asked: ask.asked,
            show: ask.show,
            name: format!("drygate/{}", self.run_id),
            key_salt: ask.key_salt,
        };
        let ledger = if ask.keep_rows {
            LedgerUse::Write
        } else {
            LedgerUse::None
        };
        let found = rehearse(&self.settings, &self.profile, &change, ledger, witness).await?;
        for statement in &found.statements {
            if !self.statements.contains(statement) {
                self.statements.push(statement.clone());
            }
        }
        Ok(answer(found))
    }

    fn statements(&self) -> Vec<String> {
        let mut all = self.discoverer.statements();
        let more = self.statements.iter().filter(|text| !all.contains(text));
        let more: Vec<String> = more.cloned().collect();
        all.extend(more);
        all
    }

    fn refuses_write(&self) -> Result<String, String> {
        self.discoverer.refuses_write()
    }
}

fn answer(found: Rehearsal) -> RehearsalAnswer {
    RehearsalAnswer {
        checks: found.checks,
        tables: found.tables,
        outcome: found.rehearsed,
        ledger: found.ledger,
    }
}
