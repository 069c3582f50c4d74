//! `drygate survey` and `drygate profile check`: one read-only survey without a run. No run is made, and no hook is run.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{LaunchError, output, print, run, run_plan};
use crate::audit::Feasibility;
use crate::cli::{Output, Settings};
use crate::documents::{
    ProfileCheckDocument, ProfileHook, SchemaVersion, SurveyDocument, SurveyFact,
};
use crate::postgres::{LibpqEnvironment, LiveReadOnlyDiscoverer, PublicHolders};
use crate::profile::{LoadedProfile, Profile};
use crate::report::visible;
use crate::run::{Check, CheckName, Gate, RunState, StopCode, Verdict};
use crate::runner::RunnerError;
use crate::runner::target::{
    Progress, Purpose, SurveyRequest, Taken, Target, Witness, WitnessError,
};
use crate::simulate::{Joiner, Pairing, Piece, StreamError, Unit, Want};
use crate::survey::{DatabaseNames, Digest, Fact, Survey, TransactionProof};
use crate::{audit, postgres};

/// All facts, and no units.
const FACTS: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: false,
};

/// Whether a database is named: by the settings, or by libpq's own variables.
pub(super) fn names_a_database(settings: &Settings) -> bool {
    settings.database_url.is_some() || LibpqEnvironment::of_process().names_a_server()
}

/// What can be said of a profile without a database: its text, its documents, its SQL. An error is one that no run would start
/// with.
pub(super) fn without_database(
    settings: &Settings,
    loaded: &LoadedProfile,
) -> Result<Vec<Check>, LaunchError> {
    let repository = run_plan::named_repository(settings)?;
    run_plan::refuse_profile(loaded, repository.as_ref())?;
    run::refuse_missing_change(loaded)?;
    let guarded = postgres::guarded(&loaded.profile);
    let refused: Vec<String> = guarded
        .iter()
        .filter_map(|(query, why)| Some(format!("{query}: {}", why.as_ref()?)))
        .collect();
    let says = if refused.is_empty() {
        format!("{} queries pass the guard", guarded.len())
    } else {
        refused.join("; ")
    };
    let raw = json!({"queries": guarded.len(), "refused": refused});
    let sql = Check::evaluated(CheckName::SqlPassesGuard, refused.is_empty(), says, raw);
    let documents = run_plan::ssot_check(loaded, repository.as_ref());
    let checks = documents.into_iter().chain([sql]).collect();
    Ok(audit::scope(&RunState::default(), &loaded.profile, checks))
}

/// Whatever surveys the settings' database as a profile asks for it.
pub(super) fn target(
    settings: &Settings,
    profile: &Profile,
) -> Result<LiveReadOnlyDiscoverer, LaunchError> {
    let connection = run::connection(settings)?;
    Ok(LiveReadOnlyDiscoverer::new(
        connection,
        profile.clone(),
        "survey",
    ))
}

/// One survey and the checks of G1 over it.
fn look(
    target: &mut LiveReadOnlyDiscoverer,
    loaded: &LoadedProfile,
) -> Result<(Taken, Option<TransactionProof>, Vec<Check>), LaunchError> {
    let witness = SurveyWitness::new(|_| ());
    let (taken, proof) = witness.look(target, SurveyRequest::SURVEY)?;
    let mut secrets = audit::SecretScan::default();
    secrets.profile(&loaded.text);
    let survey = serde_json::to_string(&taken.survey).map_err(RunnerError::from)?;
    secrets.text("survey", &survey);
    for document in &taken.documents {
        secrets.text("a document of the survey", document.text());
    }
    let checks = audit::g1(&Feasibility {
        profile: &loaded.profile,
        survey: &taken.survey,
        proof: proof.as_ref(),
        rulings: &taken.rulings,
        statements: &target.statements(),
        secrets: Some(&secrets),
        recomputed: None,
    });
    let checks = audit::scope(&RunState::default(), &loaded.profile, checks);
    Ok((taken, proof, checks))
}

/// One survey, the checks of G1 over it, and whether the names of the profile are in the database.
pub(super) fn look_with_names(
    settings: &Settings,
    loaded: &LoadedProfile,
) -> Result<(Taken, Vec<Check>), LaunchError> {
    let mut target = target(settings, &loaded.profile)?.asking_names();
    let (taken, _, checks) = look(&mut target, loaded)?;
    let role = &taken.survey.server.current_user;
    let names = audit::names_exist(&loaded.profile, &loaded.text, &target.names(), role);
    Ok((taken, [vec![names], checks].concat()))
}

/// A survey with what there is by name in the database.
pub(super) fn names(
    settings: &Settings,
    profile: &Profile,
) -> Result<(Taken, Result<DatabaseNames, String>), LaunchError> {
    let mut target = target(settings, profile)?.asking_names();
    let (taken, _) = SurveyWitness::new(|_| ()).look(&mut target, FACTS)?;
    Ok((taken, target.names()))
}

/// A survey for whoever makes a role: with what there is by name, and who holds privileges through PUBLIC alone.
pub(super) fn look_for_role(
    settings: &Settings,
    loaded: &LoadedProfile,
) -> Result<(Taken, PublicHolders, Result<DatabaseNames, String>), LaunchError> {
    let mut target = target(settings, &loaded.profile)?
        .asking_public_holders()
        .asking_names();
    let witness = SurveyWitness::new(|_| ());
    let (taken, _) = witness.look(&mut target, SurveyRequest::SURVEY)?;
    Ok((taken, target.public_holders(), target.names()))
}

/// `drygate survey`: prints the facts.
pub fn survey(settings: &Settings) -> Result<u8, LaunchError> {
    let loaded = print::load_profile(&settings.profile.value)?;
    let (taken, proof, _) = look(&mut target(settings, &loaded.profile)?, &loaded)?;
    let survey = &taken.survey;
    if settings.output == Output::Json {
        output::document(&document(survey, proof))?;
    } else {
        for fact in &survey.facts {
            let value = fact
                .observed
                .value()
                .map_or_else(|| "unknown".to_owned(), visible);
            output::line(&format!("{}={value}", fact.label))?;
        }
        output::line(&format!("facts_digest={}", survey.facts_digest))?;
        for stream in &survey.unread {
            let reason = visible(&stream.reason);
            output::line(&format!("{}=unknown ({reason})", stream.query))?;
        }
    }
    let could_write = survey.role.is_read_only() == Some(false);
    if could_write {
        output::say(&format!(
            "The role {} could write here: {} says how.",
            visible(&survey.role.role),
            settings.call.to("doctor")
        ));
    }
    Ok(
        if could_write || survey.unknown().next().is_some() || !survey.unread.is_empty() {
            StopCode::StopGateFailed.exit_code()
        } else {
            0
        },
    )
}

fn document(survey: &Survey, proof: Option<TransactionProof>) -> SurveyDocument {
    let value = |fact: &Fact| SurveyFact {
        value: fact.json_value(),
        provenance: fact.observed.provenance(),
    };
    let facts = survey.facts.iter();
    SurveyDocument {
        schema: SchemaVersion,
        server: survey.server.clone(),
        snapshot: survey.snapshot.clone(),
        facts: facts
            .map(|fact| (fact.key.to_string(), value(fact)))
            .collect(),
        facts_digest: survey.facts_digest.clone(),
        candidates: survey.candidates.clone(),
        pieces: survey.pieces.clone(),
        role: survey.role.clone(),
        proof,
        unread: survey.unread.clone(),
    }
}

/// What is left to check where no database is named.
fn left_to_check() -> Check {
    let checks = audit::required_checks(audit::CHECK_TABLE, Gate::G1).unwrap_or_default();
    let names: Vec<&str> = checks.iter().map(CheckName::name).collect();
    Check::not_checked(
        CheckName::AgainstADatabase,
        format!("no database is named; left are {}", names.join(", ")),
        "drygate profile check FILE --database-url postgresql://role@host/db",
    )
}

/// `drygate profile check`: what can be checked without a run; without a database, what can be checked without one.
pub fn check(settings: &Settings, name: Option<&str>) -> Result<u8, LaunchError> {
    let name = name.unwrap_or(&settings.profile.value);
    let loaded = print::load_profile(name)?;
    let hooks = hooks(&loaded);
    let mut checks = without_database(settings, &loaded)?;
    let repository = run_plan::repository_checks(settings)?;
    let repository = audit::scope(&RunState::default(), &loaded.profile, repository);
    checks.extend(repository);
    if names_a_database(settings) {
        // A profile that no run would start with has ended the command above, before it connects.
        checks.extend(look_with_names(settings, &loaded)?.1);
    } else {
        checks.extend(audit::nothing_asked(&RunState::default(), &loaded.profile));
        checks.push(left_to_check());
    }
    let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
    if settings.output == Output::Json {
        output::document(&ProfileCheckDocument {
            schema: SchemaVersion,
            verdict,
            checks,
            hooks,
        })?;
    } else {
        for check in &checks {
            output::line(&format!(
                "{:<12} {}  {}",
                check.verdict.name(),
                check.name,
                visible(&check.says)
            ))?;
            for line in check.remedy.iter().flat_map(|remedy| remedy.lines()) {
                output::line(&format!("{:<12} {}", "", visible(line)))?;
            }
        }
        for line in hook_lines(&hooks) {
            output::line(&line)?;
        }
        output::line(verdict.name())?;
    }
    Ok(match verdict {
        Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked => 0,
        Verdict::Fail => StopCode::StopGateFailed.exit_code(),
        Verdict::NotChecked => 11,
    })
}

/// The hooks of a profile, with the files that would be run.
fn hooks(loaded: &LoadedProfile) -> Vec<ProfileHook> {
    let directory = run_plan::directory(&loaded.origin);
    let hooks = &loaded.profile.hooks;
    let row = |(hook, words): (&'static str, &[String])| {
        let program = words.first().cloned().unwrap_or_default();
        ProfileHook {
            hook,
            file: found(&program, &directory).map(|path| path.display().to_string()),
            program,
            timeout: hooks.timeout.clone(),
        }
    };
    hooks.named().map(row).collect()
}

/// The hooks as lines of text.
fn hook_lines(hooks: &[ProfileHook]) -> Vec<String> {
    hooks
        .iter()
        .map(|hook| {
            let told = match &hook.file {
                Some(file) => format!("{}, {} at most", visible(file), visible(&hook.timeout)),
                None => format!("{} is not there or not executable", visible(&hook.program)),
            };
            format!("{:<12} {}  {told}; not run here", "hook", hook.hook)
        })
        .collect()
}

/// The file that a program's name stands for, as it will be looked for when the hook is run.
fn found(program: &str, directory: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(directory.join(program)).filter(|path| is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    candidates.into_iter().find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    let mode = std::fs::metadata(path).map(|found| (found.is_file(), found.permissions().mode()));
    mode.is_ok_and(|(is_file, mode)| is_file && mode & 0o111 != 0)
}

/// What the streams of a survey show.
pub(super) enum Streamed<'a> {
    /// The streams begin. What a try before has streamed is void.
    Begin,
    /// Two ends that belong together, or one without the other.
    Pairing(&'a Pairing),
    /// How far long work has come.
    Progress(Progress),
}

/// Keeps the proof of the one transaction, digests the streams, and shows what is paired in them.
pub(super) struct SurveyWitness<F> {
    joiner: Joiner,
    proof: Option<TransactionProof>,
    kept: BTreeSet<Digest>,
    shown: F,
}

impl<F: FnMut(Streamed<'_>)> SurveyWitness<F> {
    /// `shown` is called where the streams begin, and for each pairing in them.
    pub(super) fn new(shown: F) -> Self {
        Self {
            joiner: Joiner::new(),
            proof: None,
            kept: BTreeSet::new(),
            shown,
        }
    }

    /// With documents that the caller has: the survey does not give them again.
    pub(super) fn keeping(self, kept: BTreeSet<Digest>) -> Self {
        Self { kept, ..self }
    }

    /// One survey with the digests of its streams, if they are asked for, and the proof of its transaction.
    pub(super) fn look(
        mut self,
        target: &mut LiveReadOnlyDiscoverer,
        ask: SurveyRequest,
    ) -> Result<(Taken, Option<TransactionProof>), LaunchError> {
        // Nothing else runs in this command, so one thread is enough.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunnerError::from)?;
        let mut taken = runtime
            .block_on(target.take(ask, &mut self))
            .map_err(RunnerError::from)?;
        self.pair();
        // A stream that broke off has a digest of a part only.
        let streams = ask.streams && target.has_streams();
        if streams && taken.survey.unread.is_empty() {
            taken.survey.pieces = Some(self.joiner.pieces_digest());
            taken.survey.candidates = Some(self.joiner.units_digest());
        }
        Ok((taken, self.proof))
    }

    fn pair(&mut self) {
        while let Some(pairing) = self.joiner.next_pairing() {
            (self.shown)(Streamed::Pairing(&pairing));
        }
    }
}

fn witness_error(error: &StreamError) -> WitnessError {
    WitnessError {
        message: error.to_string(),
    }
}

impl<F: FnMut(Streamed<'_>)> Witness for SurveyWitness<F> {
    fn opening(&mut self, _: Purpose, _: &str) -> Result<(), WitnessError> {
        // Called again for every attempt: what an attempt before it streamed is of another snapshot.
        self.joiner = Joiner::new();
        (self.shown)(Streamed::Begin);
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.proof = Some(proof.clone());
        Ok(())
    }

    fn kept_documents(&self) -> BTreeSet<Digest> {
        self.kept.clone()
    }

    fn wants(&mut self) -> Want {
        self.pair();
        self.joiner.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.joiner
            .add_pieces(batch)
            .map_err(|error| witness_error(&error))
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.joiner
            .add_units(batch)
            .map_err(|error| witness_error(&error))
    }

    fn progress(&mut self, progress: Progress) {
        (self.shown)(Streamed::Progress(progress));
    }
}
