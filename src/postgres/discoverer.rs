//! `LiveReadOnlyDiscoverer`: a survey from connect to disconnect.
//! Invariant: whatever happens after BEGIN, the end is measured and rolled back if the connection still lives (`take_once`
//! closes before it looks at what was read).

use std::collections::BTreeMap;

use tokio::time::sleep;

use super::candidates;
use super::connect::{ConnectOptions, connect};
use super::error::CallError;
use super::fact_reader::{FactReader, FactsRead};
use super::guard::guard;
use super::names;
use super::profile_query::queries;
use super::public_holders::{self, PublicHolders};
use super::resolver::Resolver;
use super::session::{Closed, Session};
use super::settings::ConnectionSettings;
use super::socket::per_question;
use super::statement_record::StatementRecord;
use super::tries::Tries;
use super::validate::{self, Ruled, Rules};
use crate::profile::Profile;
use crate::runner::target::{
    PinnedRuns, Purpose, SurveyRequest, Taken, Target, TargetError, TargetIdentity, Witness,
};
use crate::survey::{DatabaseNames, EvidenceFormat, Survey, facts_digest};

/// Surveys a live PostgreSQL read-only.
pub struct LiveReadOnlyDiscoverer {
    settings: ConnectionSettings,
    profile: Profile,
    options: ConnectOptions,
    format: EvidenceFormat,
    change_role: String,
    grant_rows: Option<u64>,
    pinned: PinnedRuns,
    without: Option<Resolver>,
    refused_through: BTreeMap<Resolver, u64>,
    public_holders: Option<PublicHolders>,
    names: Option<Result<DatabaseNames, String>>,
}

impl LiveReadOnlyDiscoverer {
    /// A discoverer; `run_id` becomes part of the `application_name` that the server shows.
    pub fn new(settings: ConnectionSettings, profile: Profile, run_id: &str) -> Self {
        let options = ConnectOptions {
            application_name: format!("drygate/{run_id}"),
            tls: profile.target.tls,
            timeouts: profile.timeouts.clone(),
            budgets: profile.budgets.clone(),
            answer_bytes_max: per_question(EvidenceFormat::NEWEST),
            record: StatementRecord::default(),
        };
        Self {
            settings,
            profile,
            options,
            format: EvidenceFormat::NEWEST,
            change_role: String::new(),
            grant_rows: None,
            pinned: PinnedRuns::new(),
            without: None,
            refused_through: BTreeMap::new(),
            public_holders: None,
            names: None,
        }
    }

    /// Each survey also reads who holds privileges through PUBLIC alone.
    #[must_use]
    pub fn asking_public_holders(mut self) -> Self {
        self.public_holders = Some(Err("no survey was taken".to_owned()));
        self
    }

    /// Each survey also reads what there is by name in the database.
    #[must_use]
    pub fn asking_names(mut self) -> Self {
        self.names = Some(Err("no survey was taken".to_owned()));
        self
    }

    /// What there is by name, by the last survey that asked, or why it is not known.
    pub fn names(&self) -> Result<DatabaseNames, String> {
        let asked = self.names.clone();
        asked.unwrap_or_else(|| Err("not asked".to_owned()))
    }

    /// Whether the profile names source pieces and live units.
    pub fn has_streams(&self) -> bool {
        self.profile.units().is_some()
    }

    /// Who holds privileges through PUBLIC alone, by the last survey that asked.
    pub fn public_holders(&self) -> PublicHolders {
        let asked = self.public_holders.clone();
        asked.unwrap_or_else(|| Err("not asked".to_owned()))
    }

    /// With one resolver left out: what it leads to is not seen. Only to show that a test would notice.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without(mut self, resolver: Resolver) -> Self {
        self.without = Some(resolver);
        self
    }

    /// How many queries were refused so far by a chain through each resolver.
    #[cfg(feature = "testing")]
    pub fn refused_through(&self) -> &BTreeMap<Resolver, u64> {
        &self.refused_through
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            allowed: &self.profile.role.functions,
            pinned: &self.pinned,
            without: self.without,
        }
    }

    /// Reads in the format of a run that was created with another one.
    #[must_use]
    pub fn in_format(mut self, format: EvidenceFormat) -> Self {
        self.format = format;
        self.options.answer_bytes_max = per_question(format);
        self
    }

    /// Of settings of roles, those of the role that the change runs as decide what a name means; without one those of all roles.
    #[must_use]
    pub fn for_role(mut self, role: Option<&str>) -> Self {
        role.unwrap_or_default().clone_into(&mut self.change_role);
        self
    }

    async fn take_once(
        &mut self,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
    ) -> Result<Taken, TargetError> {
        let wire = connect(&self.settings, &self.options).await?;
        let mut session = Session::open(
            wire,
            ask.purpose,
            &self.options,
            &self.profile.role.functions,
            witness,
        )
        .await?;
        let mut ruled = Ruled::default();
        let read = self.read(&mut session, ask, witness, &mut ruled).await;
        if let Some(resolve) = ruled.resolve.take() {
            session.ask_again(resolve);
        }
        // Before the error of the read is returned: a failed read needs its proof as well.
        let mut closed = session.close().await;
        let mut moved = None;
        let mut changed = BTreeMap::new();
        if let Ok(closed) = &mut closed {
            (moved, changed) = ruled.resolved_again(closed.again.take(), &self.rules());
            let lines = changed
                .iter()
                .map(|(query, what)| format!("{query}: {what}"));
            closed.proof.changed_while_read = lines.collect();
            witness.closed(&closed.proof)?;
        }
        let mut read = read?;
        let Closed {
            server, snapshot, ..
        } = closed.map_err(CallError::into_target)?;
        if let Some(relation) = moved {
            return Err(CallError::changed_since_snapshot(&relation).into_target());
        }
        read.forget(&changed);
        let survey = Survey {
            server,
            snapshot,
            facts_digest: facts_digest(&read.facts),
            facts: read.facts,
            role: read.role,
            candidates: None,
            pieces: None,
            unread: read.unread,
        };
        Ok(Taken {
            survey,
            documents: read.documents,
            origins: read.origins,
            rulings: read.rulings,
        })
    }

    /// Everything between the first answers and the end.
    async fn read(
        &mut self,
        session: &mut Session,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
        ruled: &mut Ruled,
    ) -> Result<FactsRead, TargetError> {
        if let Some(error) = session.unfit(self.profile.target.require_standby) {
            return Err(error);
        }
        witness.reached(session.server())?;
        // Ruled on in every transaction: a view may be replaced between any two of them.
        let queries = queries(&self.profile, ask, self.format);
        let done = validate::rule(session, &self.rules(), queries, witness).await;
        *ruled = done.map_err(CallError::into_target)?;
        for (resolver, refused) in &ruled.refused_through {
            *self.refused_through.entry(*resolver).or_default() += refused;
        }
        let rulings = ruled.rulings.clone();
        if ask.purpose == Purpose::Validation {
            return Ok(FactsRead::default());
        }
        let reader = FactReader {
            profile: &self.profile,
            rulings: &rulings,
            format: self.format,
            change_role: &self.change_role,
            grant_rows: self.grant_rows,
        };
        let mut read = if ask.live_only {
            reader.live_facts(session).await?
        } else {
            reader.all_facts(session, witness).await?
        };
        self.grant_rows = read.grant_rows.or(self.grant_rows);
        if self.public_holders.is_some() {
            self.public_holders = Some(public_holders::read(session).await?);
        }
        if self.names.is_some() {
            self.names = Some(names::read(session).await?);
        }
        if ask.streams {
            read.unread = candidates::stream(session, &self.profile, &rulings, witness).await?;
        }
        read.rulings = rulings.into_values().collect();
        Ok(read)
    }
}

impl Target for LiveReadOnlyDiscoverer {
    fn identity(&self) -> TargetIdentity {
        TargetIdentity {
            label: self.profile.target.label.clone(),
            color: self.profile.target.color.clone(),
            host: self.settings.shown_hosts(),
            port: self.settings.first_port(),
            database: self.settings.database.clone(),
            user: self.settings.user.clone(),
            reconnect: self.settings.reconnect(),
        }
    }

    fn without_passwords(&self, text: &str, is_cut: bool) -> String {
        self.settings.without_passwords(text, is_cut)
    }

    fn pin_runs(&mut self, pinned: PinnedRuns) {
        self.pinned = pinned;
    }

    async fn take(
        &mut self,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
    ) -> Result<Taken, TargetError> {
        let mut tries = Tries::of(&self.profile.timeouts);
        loop {
            let done = self.take_once(ask, witness).await;
            let pause = done.as_ref().err().and_then(|error| tries.pause(error));
            let Some(pause) = pause else {
                return done;
            };
            sleep(pause).await;
        }
    }

    fn statements(&self) -> Vec<String> {
        self.options.record.statements()
    }

    fn refuses_write(&self) -> Result<String, String> {
        // Never sent: it goes through the guard that every SQL text of a profile goes through.
        let sql = "INSERT INTO public.drygate_probe (id) VALUES (1)";
        match guard(sql, &self.profile.role.functions) {
            Err(reason) => Ok(format!("{sql}: {reason}")),
            Ok(_) => Err(format!("{sql}: it passed the statement guard")),
        }
    }
}
