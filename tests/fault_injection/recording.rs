//! A database that answers as a real one did. Invariant: what is replayed was read from a throwaway server by the product itself; only nonce, transaction and time are new.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::{self, Profile};
use drygate::repo::GitRepository;
use drygate::repo::throwaway::DemoRepository;
use drygate::run::{Progress, Purpose, RepositoryState, TargetIdentity};
use drygate::runner::repository::{Repository, RepositoryError};
use drygate::runner::target::{
    QueryRuling, RehearsalAnswer, RehearsalRequest, SurveyRequest, Taken, Target, TargetError,
    Witness, WitnessError,
};
use drygate::simulate::{Piece, Unit, Want};
use drygate::survey::{
    Digest, FactDocument, Live, Observed, Origins, Survey, TransactionProof, UtcTime, facts_digest,
};
use serde::{Deserialize, Serialize};

use self::rehearsed::rehearsed;

// Named, because a bench takes this file in by its path.
#[path = "rehearsed.rs"]
mod rehearsed;

/// One full survey of a real server, as the product saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    identity: TargetIdentity,
    survey: Survey,
    documents: Vec<String>,
    rulings: Vec<(String, Digest, Option<String>, Vec<String>)>,
    transactions: Vec<(Purpose, TransactionProof)>,
    pieces: Vec<Vec<Piece>>,
    units: Vec<Vec<Unit>>,
    statements: Vec<String>,
    pub repository: RepositoryReply,
}

/// What git said, in a form that can be kept.
pub type RepositoryReply = RepositoryState;

/// Where a child process finds the recording.
pub const RECORDING: &str = "DRYGATE_TEST_RECORDING";

/// The recording, made once in each process that has none to read.
pub fn recording() -> Arc<Recording> {
    static MADE: OnceLock<Arc<Recording>> = OnceLock::new();
    MADE.get_or_init(|| {
        Arc::new(match std::env::var_os(RECORDING) {
            Some(path) => {
                let bytes = std::fs::read(PathBuf::from(path)).expect("the parent wrote it");
                serde_json::from_slice(&bytes).expect("a recording")
            }
            None => record(),
        })
    })
    .clone()
}

/// The profile of the demo.
pub fn demo_profile() -> (Profile, String) {
    profile_with("")
}

/// The same with these tables after it.
pub fn profile_with(tables: &str) -> (Profile, String) {
    let text = format!("{}{tables}", profile::BUILT_IN[0].1);
    (
        profile::parse("icx-const", &text).expect("it is built in"),
        text,
    )
}

fn record() -> Recording {
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
    cluster
        .load_scenario("kb", Scenario::Draft)
        .expect("it loads");
    let url = cluster.url("context_pack_readonly", "kb");
    let settings =
        ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::of(&[])).expect("a url");
    let mut target = LiveReadOnlyDiscoverer::new(settings, demo_profile().0, "recording");
    let mut listener = Listener::default();
    let ask = SurveyRequest {
        purpose: Purpose::Survey,
        live_only: false,
        streams: true,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let taken = runtime
        .block_on(target.take(ask, &mut listener))
        .expect("a survey");
    let home = tempfile::tempdir().expect("a directory");
    let repository = DemoRepository::create(&home.path().join("repo")).expect("git is installed");
    let repository = GitRepository::around(repository.path()).expect("git runs");
    let repository = repository.expect("a repository");
    Recording {
        identity: target.identity(),
        survey: taken.survey,
        documents: taken
            .documents
            .into_iter()
            .map(FactDocument::into_text)
            .collect(),
        rulings: taken
            .rulings
            .into_iter()
            .map(|r| (r.query, r.sql_sha256, r.refused, r.relations))
            .collect(),
        transactions: listener.transactions,
        pieces: listener.pieces,
        units: listener.units,
        statements: target.statements(),
        repository: repository.look().expect("git answers"),
    }
}

/// Keeps what a target tells; asks for all pieces, then for all units.
#[derive(Default)]
struct Listener {
    opened: Option<Purpose>,
    transactions: Vec<(Purpose, TransactionProof)>,
    pieces: Vec<Vec<Piece>>,
    units: Vec<Vec<Unit>>,
}

impl Witness for Listener {
    fn opening(&mut self, purpose: Purpose, _nonce: &str) -> Result<(), WitnessError> {
        self.opened = Some(purpose);
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        let purpose = self.opened.take().expect("it was opened");
        self.transactions.push((purpose, proof.clone()));
        Ok(())
    }

    fn wants(&mut self) -> Want {
        match (self.pieces.last(), self.units.last()) {
            (None, _) => Want::Pieces,
            (Some(last), _) if !last.is_empty() => Want::Pieces,
            (_, None) => Want::Units,
            (_, Some(last)) if !last.is_empty() => Want::Units,
            _ => Want::Nothing,
        }
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.pieces.push(batch);
        Ok(())
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.units.push(batch);
        Ok(())
    }

    fn progress(&mut self, _progress: Progress) {}
}

/// What is otherwise than in the recording.
#[derive(Debug, Clone, Default)]
pub struct Damaged {
    /// A fact with another value.
    pub fact: Option<(&'static str, &'static str)>,
    /// A fact with another value in each survey.
    pub moving: Option<&'static str>,
    /// A unit whose state somebody changed.
    pub unit_state: Option<&'static str>,
    /// A first try of each survey ends after a part of its streams.
    pub broken_off: bool,
    /// The database does not answer.
    pub error: Option<TargetError>,
    /// The change fails on top of itself.
    pub fails_on_top: bool,
    /// Our transactions wrote something.
    pub stained: bool,
    /// Seconds that the clock of surveys is off.
    pub clock_s: i64,
}

/// Answers as the recorded server did.
pub struct Replayed {
    recording: Arc<Recording>,
    spoiled: Damaged,
    sent: bool,
}

impl Replayed {
    pub fn new(spoiled: Damaged) -> Self {
        Self {
            recording: recording(),
            spoiled,
            sent: false,
        }
    }

    fn now(&self) -> UtcTime {
        UtcTime::new(jiff::Timestamp::now()).plus_seconds(self.spoiled.clock_s)
    }

    fn survey(&self, nonce: &str, began_at: UtcTime) -> Survey {
        let mut survey = self.recording.survey.clone();
        if let Some((key, value)) = self.spoiled.fact {
            for fact in survey.facts.iter_mut().filter(|f| f.key.as_str() == key) {
                fact.observed = Observed::Live(Live::new(value.to_owned()));
            }
            survey.facts_digest = facts_digest(&survey.facts);
        }
        if let Some(key) = self.spoiled.moving {
            let value = began_at.unix_micros().to_string();
            for fact in survey.facts.iter_mut().filter(|f| f.key.as_str() == key) {
                fact.observed = Observed::Live(Live::new(value.clone()));
            }
            survey.facts_digest = facts_digest(&survey.facts);
        }
        survey.candidates = None;
        survey.pieces = None;
        nonce.clone_into(&mut survey.snapshot.nonce);
        survey.snapshot.virtual_xid = virtual_xid(nonce);
        survey.snapshot.began_at = began_at;
        survey.snapshot.ended_at = self.now();
        survey
    }
}

fn virtual_xid(nonce: &str) -> String {
    format!("3/{}", u32::from_str_radix(&nonce[..6], 16).expect("hex"))
}

/// The same end, of the transaction with this nonce.
fn of_nonce(mut proof: TransactionProof, nonce: &str) -> TransactionProof {
    nonce.clone_into(&mut proof.nonce);
    nonce.clone_into(&mut proof.nonce_at_end);
    proof.virtual_xid = virtual_xid(nonce);
    proof.virtual_xid_at_end = virtual_xid(nonce);
    proof
}

impl Target for Replayed {
    fn identity(&self) -> TargetIdentity {
        self.recording.identity.clone()
    }

    async fn take(
        &mut self,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
    ) -> Result<Taken, TargetError> {
        if let Some(error) = &self.spoiled.error {
            return Err(error.clone());
        }
        self.sent = true;
        let recording = self.recording.clone();
        let mut taken = None;
        if self.spoiled.broken_off && ask.streams {
            witness.opening(ask.purpose, &format!("{:032x}", 7))?;
            witness.pieces(recording.pieces[0].clone())?;
            witness.units(recording.units[0].clone())?;
        }
        for (purpose, proof) in &recording.transactions {
            let survey = *purpose != Purpose::Validation;
            let began_at = self.now();
            let nonce = format!("{:016x}{:016x}", getrandom::u64().expect("chance"), 0);
            witness.opening(if survey { ask.purpose } else { *purpose }, &nonce)?;
            if survey && ask.streams {
                let (mut pieces, mut units) = (recording.pieces.iter(), recording.units.iter());
                loop {
                    match witness.wants() {
                        Want::Pieces => {
                            witness.pieces(pieces.next().cloned().unwrap_or_default())?;
                        }
                        Want::Units => {
                            let mut batch = units.next().cloned().unwrap_or_default();
                            if let (Some(state), Some(unit)) =
                                (self.spoiled.unit_state, batch.first_mut())
                            {
                                state.clone_into(&mut unit.state);
                            }
                            witness.units(batch)?;
                        }
                        Want::Nothing => break,
                    }
                }
            }
            let mut proof = of_nonce(proof.clone(), &nonce);
            if self.spoiled.stained && survey {
                proof.rows_written = Some(1);
            }
            witness.closed(&proof)?;
            if survey {
                taken = Some(self.survey(&nonce, began_at));
            }
        }
        let rulings = recording.rulings.iter().cloned();
        Ok(Taken {
            survey: taken.expect("a survey was recorded"),
            documents: recording
                .documents
                .iter()
                .map(|text| FactDocument::new(text.clone()))
                .collect(),
            origins: Origins::default(),
            rulings: rulings
                .map(|(query, sql_sha256, refused, relations)| QueryRuling {
                    query,
                    sql_sha256,
                    refused,
                    relations,
                    runs: Some(Vec::new()),
                })
                .collect(),
        })
    }

    async fn rehearse(
        &mut self,
        ask: RehearsalRequest,
        witness: &mut dyn Witness,
    ) -> Result<RehearsalAnswer, TargetError> {
        let nonce = format!("{:016x}{:016x}", getrandom::u64().expect("chance"), 0);
        witness.opening(Purpose::Rehearsal, &nonce)?;
        let mut proofs = self.recording.transactions.iter();
        let (_, proof) = proofs.next().expect("a transaction was recorded");
        let proof = of_nonce(proof.clone(), &nonce);
        witness.closed(&proof)?;
        Ok(rehearsed(&ask, &proof, self.spoiled.fails_on_top))
    }

    fn statements(&self) -> Vec<String> {
        if self.sent {
            self.recording.statements.clone()
        } else {
            Vec::new()
        }
    }

    fn refuses_write(&self) -> Result<String, String> {
        Ok("INSERT: it is no statement of the closed list".to_owned())
    }
}

/// A repository that stands still.
pub struct Still(pub RepositoryReply);

impl Repository for Still {
    fn look(&self) -> Result<RepositoryState, RepositoryError> {
        Ok(self.0.clone())
    }
}
