//! What a rehearsal reads of production: catalogue, schema by `pg_dump` through the read-only proxy, rows by COPY.
//! Invariant: all of it is one read-only transaction; `pg_dump` and each COPY stand in a savepoint that is rolled back, so that
//! no lock outlives its read (`dump`, `copy`), and nothing more is asked once somebody waits behind us (`nobody_waits`).

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use super::call::{Call, PlannedRead};
use super::connect::{ConnectOptions, connect};
use super::copy_pace::{CopyPace, deadline_ms};
use super::error::{CallError, UnknownReason};
use super::read_only_proxy::{PORT, ProxyEnd, ReadOnlyProxy};
use super::session::Session;
use super::settings::ConnectionSettings;
use super::socket::PER_QUESTION;
use super::source_catalogue::{SourceCatalogue, SourceRelation, SourceSequence};
use super::statement::Statement;
use super::statement_record::StatementRecord;
use super::throwaway::ScratchDirectory;
use super::waiting_behind::WaitingBehind;
use super::wire::AnswerRows;
use crate::profile::Profile;
use crate::runner::target::{Purpose, TargetError, Witness};
use crate::survey::{
    EvidenceFormat, ServerIdentity, TableDefinition, TransactionProof, quoted_identifier,
};

/// After how many rows it is told how many have come.
const TOLD_EVERY: u64 = 20_000;

/// The open transaction on production.
pub struct ShadowSource {
    session: Session,
    watch: WaitingBehind,
    record: StatementRecord,
    user: String,
    database: String,
    bytes_per_second: Option<u64>,
}

impl ShadowSource {
    /// Opens the transaction as `name`, and the second connection that looks whether anybody waits behind it.
    pub async fn open(
        settings: &ConnectionSettings,
        profile: &Profile,
        name: &str,
        witness: &mut dyn Witness,
    ) -> Result<Self, TargetError> {
        let options = ConnectOptions {
            application_name: name.to_owned(),
            tls: profile.target.tls,
            timeouts: profile.timeouts.clone(),
            budgets: profile.budgets.clone(),
            answer_bytes_max: PER_QUESTION,
            record: StatementRecord::default(),
        };
        let wire = connect(settings, &options).await?;
        let session = Session::open(
            wire,
            Purpose::Rehearsal,
            &options,
            &profile.role.functions,
            witness,
        )
        .await?;
        if let Some(error) = session.unfit(profile.target.require_standby) {
            // Its end is measured where it can be; why it is unfit is what counts.
            drop(session.close().await);
            return Err(error);
        }
        if let Err(error) = witness.reached(session.server()) {
            drop(session.close().await);
            return Err(error.into());
        }
        let (pid, canceller) = session.backend().ok_or_else(|| {
            TargetError::Unfit("the server does not tell the process id of our backend".to_owned())
        })?;
        let watch = WaitingBehind::start(settings, &options, pid, canceller).await?;
        Ok(Self {
            session,
            watch,
            record: options.record,
            user: settings.user.clone(),
            database: settings.database.clone(),
            bytes_per_second: profile.rehearsal.bytes_per_second,
        })
    }

    /// The server.
    pub fn server(&self) -> &ServerIdentity {
        self.session.server()
    }

    /// Reads the catalogue.
    pub async fn catalogue(&mut self) -> Result<SourceCatalogue, TargetError> {
        let asked = [
            ("roles", Statement::SHADOW_ROLES),
            ("members of roles", Statement::SHADOW_MEMBERS),
            ("settings of roles", Statement::SHADOW_ROLE_SETTINGS),
            ("privileges of the database", Statement::SHADOW_DATABASE),
            ("encoding of the database", Statement::SHADOW_ENVIRONMENT),
            ("extensions", Statement::SHADOW_EXTENSIONS),
            ("relations", Statement::SHADOW_RELATIONS),
            ("sequences", Statement::SHADOW_SEQUENCES),
            ("definitions of tables", Statement::SHADOW_DEFINITIONS),
        ];
        let reads = asked.map(|(name, statement)| PlannedRead::ask(name, statement));
        let mut answers = self.read(&reads).await?.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Vec::new()));
        let mut found = SourceCatalogue::default();
        for row in next()? {
            let [statement, name, may_log_in] = fixed(row);
            // The superuser of a throwaway cluster is there already.
            if !statement.is_empty() {
                found.roles.push(statement);
            }
            found.logins.insert(name, may_log_in == "true");
        }
        found.roles.extend(firsts(next()?));
        let settings = firsts(next()?);
        found.database = firsts(next()?);
        found.database.extend(settings);
        found.environment = fixed(next()?.into_iter().next().unwrap_or_default());
        let extensions = next()?.into_iter().map(fixed);
        found.extensions = extensions.map(|[name, version]| (name, version)).collect();
        for row in next()? {
            let unreadable = row.get(4).cloned().flatten();
            let [oid, schema, name, kind, _, columns, rows, pages, block] = fixed(row);
            found.relations.push(SourceRelation {
                oid,
                schema,
                name,
                kind,
                unreadable,
                columns,
                rows: estimated(&rows),
                bytes: pages.parse::<u64>().unwrap_or(0) * block.parse::<u64>().unwrap_or(0),
            });
        }
        let sequences = next()?;
        for row in next()? {
            let [schema, table, sha256] = fixed(row);
            if let Ok(sha256) = sha256.parse() {
                found.definitions.push(TableDefinition {
                    schema,
                    table,
                    sha256,
                    format: EvidenceFormat::NEWEST,
                });
            }
        }
        found.sequences = self.sequences(sequences).await?;
        Ok(found)
    }

    async fn sequences(&mut self, rows: AnswerRows) -> Result<Vec<SourceSequence>, TargetError> {
        let mut sequences = Vec::new();
        let mut reads = Vec::new();
        for row in rows {
            let has_owner = row.get(3).is_some_and(Option::is_some);
            let [schema, name, readable, owner_schema, owner, column] = fixed(row);
            let readable = readable == "true";
            if readable {
                let read = Statement::sequence(&schema, &name);
                reads.push(PlannedRead::ask(format!("sequence {name}"), read));
            }
            let sequence = SourceSequence {
                schema,
                name,
                owner: has_owner.then_some([owner_schema, owner, column]),
                last: None,
            };
            sequences.push((readable, sequence));
        }
        let mut answers = self.read(&reads).await?.into_iter();
        for (readable, sequence) in &mut sequences {
            if *readable {
                let row = answers.next().unwrap_or(Ok(Vec::new()))?;
                let [last, called] = fixed(row.into_iter().next().unwrap_or_default());
                sequence.last = last.parse().ok().map(|last| (last, called == "true"));
            }
        }
        let sequences = sequences.into_iter();
        Ok(sequences.map(|(_, sequence)| sequence).collect())
    }

    async fn read(
        &mut self,
        reads: &[PlannedRead],
    ) -> Result<Vec<Result<AnswerRows, TargetError>>, TargetError> {
        self.nobody_waits()?;
        let answers = self.session.read(reads, &mut |_| {}).await;
        let answers = answers.map_err(|error| self.ended(error))?;
        let named = answers.into_iter().zip(reads);
        Ok(named
            .map(|(answer, read)| answer.map_err(|error| self.ended(error.reading(&read.name))))
            .collect())
    }

    /// Runs `pg_dump --schema-only` through the read-only proxy and leaves its archive at `to`. The inner error says why there is
    /// no schema although production could be read.
    pub async fn dump(
        &mut self,
        program: &Path,
        to: &Path,
        without: &[&SourceRelation],
    ) -> Result<Result<(), String>, TargetError> {
        self.nobody_waits()?;
        self.steps(&[Statement::SAVEPOINT]).await?;
        let dumped = self.dump_in_savepoint(program, to, without).await;
        let back = self.back().await;
        if let Ok(Err(ProxyEnd::MadeWay)) = &dumped {
            self.nobody_waits()?;
        }
        let dumped = match dumped {
            Ok(Err(ProxyEnd::Source(error @ CallError::Unavailable { .. }))) => {
                return Err(self.ended(error.reading("the schema")));
            }
            other => other,
        };
        back?;
        Ok(match dumped {
            Ok(Ok(())) => Ok(()),
            Ok(Err(ProxyEnd::Refused(why))) => Err(format!(
                "the read-only proxy refused what pg_dump asked: {why}"
            )),
            Ok(Err(ProxyEnd::Source(error))) => Err(format!("production refused pg_dump: {error}")),
            Ok(Err(ProxyEnd::MadeWay)) => Err("somebody waits behind us".to_owned()),
            Ok(Err(ProxyEnd::Client(why))) => Err(why),
            Err(error) => Err(format!("pg_dump could not be run: {error}")),
        })
    }

    async fn dump_in_savepoint(
        &mut self,
        program: &Path,
        to: &Path,
        without: &[&SourceRelation],
    ) -> io::Result<Result<(), ProxyEnd>> {
        let private = ScratchDirectory::private().map_err(io::Error::other)?;
        let proxy = ReadOnlyProxy::listen(private.path())?;
        let said = private.path().join("said");
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable")
            .env("PGPASSFILE", "/dev/null")
            .args([
                "--schema-only",
                "--format=custom",
                "--no-password",
                "--no-tablespaces",
            ])
            .arg("--no-subscriptions")
            .arg("--host")
            .arg(private.path())
            .arg(format!("--port={PORT}"))
            .arg(format!("--username={}", self.user))
            .arg("--file")
            .arg(to);
        for relation in without {
            let pattern = format!(
                "{}.{}",
                quoted_identifier(&relation.schema),
                quoted_identifier(&relation.name)
            );
            command.arg(format!("--exclude-table={pattern}"));
        }
        let database = self.database.replace('\\', "\\\\").replace('\'', "\\'");
        command
            .arg(format!("--dbname=dbname='{database}'"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?);
        let mut child = command.spawn()?;
        let served = proxy
            .serve(&mut child, &mut self.session, &self.watch)
            .await;
        if served.is_err() {
            // It has nobody to talk to any more.
            let _ = child.kill();
        }
        let status = ended(&mut child).await?;
        if served.is_ok() && !status.success() {
            let said = std::fs::read(&said).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let said = said
                .lines()
                .find(|line| line.contains("error"))
                .unwrap_or("it said nothing");
            return Ok(Err(ProxyEnd::Client(format!(
                "pg_dump ended with {status}: {said}"
            ))));
        }
        if served.is_ok() && !std::fs::metadata(to).is_ok_and(|archive| archive.len() > 0) {
            let why = "pg_dump ended without an error, and wrote nothing".to_owned();
            return Ok(Err(ProxyEnd::Client(why)));
        }
        Ok(served)
    }

    /// Writes these columns of a table to `to`, as COPY gives them; gives the number of rows, or why they are unknown. `told` is told
    /// how many have come, now and then.
    pub async fn copy(
        &mut self,
        relation: &SourceRelation,
        columns: &str,
        to: File,
        told: &mut dyn FnMut(u64),
    ) -> Result<Result<u64, String>, TargetError> {
        self.nobody_waits()?;
        self.steps(&[Statement::SAVEPOINT]).await?;
        let copied = self.copy_in_savepoint(relation, columns, to, told).await;
        let back = self.back().await;
        let copied = copied?;
        back.map(|()| copied)
    }

    async fn copy_in_savepoint(
        &mut self,
        relation: &SourceRelation,
        columns: &str,
        to: File,
        told: &mut dyn FnMut(u64),
    ) -> Result<Result<u64, String>, TargetError> {
        // Until the savepoint is rolled back. A whole table takes longer than a question; who waits behind it ends it sooner.
        let deadline = deadline_ms(self.bytes_per_second, relation.bytes);
        let longer = Call::with(Statement::SEEDING_TIMEOUT, vec![deadline]);
        self.calls(&[longer]).await?;
        let mut to = BufWriter::with_capacity(1 << 18, to);
        let statement = Statement::copy_rows(&relation.schema, &relation.name, columns);
        let mut kept = Ok(());
        let mut come = 0_u64;
        told(0);
        let mut keep = |row: &[u8]| {
            come += 1;
            if come.is_multiple_of(TOLD_EVERY) {
                told(come);
            }
            // On a full disk the rest is read and dropped: the transaction goes on, and its end can be measured.
            if kept.is_ok() {
                kept = to.write_all(row);
            }
            Ok(())
        };
        let pace = CopyPace::of(self.bytes_per_second, &self.watch);
        let copied = self.session.copy(&statement, &mut keep, &pace).await;
        let kept = kept.and_then(|()| to.flush());
        let copied = match copied {
            Ok(rows) => Ok(rows),
            Err(CallError::Refused(reason)) => Err(reason),
            Err(error) => return Err(self.ended(error.reading(&relation.name))),
        };
        let mut unmoved = None;
        if copied.is_ok() {
            // Asked while the lock is held. TRUNCATE and a rewrite leave another file, which our snapshot cannot see.
            let ask = Call::with(Statement::NOT_REWRITTEN, vec![relation.oid.clone()]);
            let answers = self.session.batch(&[ask], &mut |_| {}).await;
            let answers = answers.map_err(|error| self.ended(error))?;
            let first = answers.into_iter().next().unwrap_or(Ok(Vec::new()));
            let rows = first.map_err(|error| self.ended(error))?;
            unmoved = rows.into_iter().flatten().next().flatten();
        }
        if let Err(error) = kept {
            return Ok(Err(format!("they cannot be kept on this machine: {error}")));
        }
        Ok(match copied {
            Ok(rows) if unmoved.as_deref() == Some("true") => Ok(rows),
            Ok(_) => Err("it was rewritten or replaced since the snapshot was taken".to_owned()),
            Err(UnknownReason::Sql { code, message }) => Err(format!("{code} {message}")),
            Err(reason) => Err(reason.to_string()),
        })
    }

    /// Gives back what was locked since the savepoint. Whatever failed behind it: else the end of the transaction could not be
    /// measured.
    async fn back(&mut self) -> Result<(), TargetError> {
        self.steps(&[Statement::ROLLBACK_TO, Statement::RELEASE])
            .await
    }

    /// Keeps the transaction from being ended as idle.
    pub async fn stay(&mut self) -> Result<(), TargetError> {
        self.nobody_waits()?;
        self.steps(&[Statement::STILL_HERE]).await
    }

    async fn steps(&mut self, statements: &[Statement]) -> Result<(), TargetError> {
        let calls: Vec<Call> = statements.iter().cloned().map(Call::from).collect();
        self.calls(&calls).await
    }

    async fn calls(&mut self, calls: &[Call]) -> Result<(), TargetError> {
        let answers = self.session.batch(calls, &mut |_| {}).await;
        let answers = answers.map_err(|error| self.ended(error))?;
        for answer in answers {
            answer.map_err(|error| self.ended(error))?;
        }
        Ok(())
    }

    fn nobody_waits(&self) -> Result<(), TargetError> {
        self.watch
            .found()
            .map_or(Ok(()), |why| Err(why.clone().into()))
    }

    /// Somebody who waits behind us is why our statement was cancelled.
    fn ended(&self, error: CallError) -> TargetError {
        let waits = self.watch.found().cloned();
        waits.map_or_else(|| error.into_target(), TargetError::Unavailable)
    }

    /// Measures the end and rolls back. Gives the proof, and every statement that was sent, once each.
    pub async fn close(
        self,
        witness: &mut dyn Witness,
    ) -> (Result<TransactionProof, TargetError>, Vec<String>) {
        drop(self.watch);
        let closed = self.session.close().await.map_err(CallError::into_target);
        let proof = closed.and_then(|closed| {
            witness.closed(&closed.proof)?;
            Ok(closed.proof)
        });
        (proof, self.record.statements())
    }
}

async fn ended(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// The number of rows of the catalogue, `1e+06`; -1 where the table was neither vacuumed nor analyzed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, and not below zero"
)]
fn estimated(rows: &str) -> Option<u64> {
    let rows = rows.parse::<f64>().ok().filter(|rows| *rows >= 0.0);
    rows.map(|rows| rows.round() as u64)
}

fn firsts(rows: AnswerRows) -> Vec<String> {
    rows.into_iter()
        .filter_map(|row| row.into_iter().next()?)
        .collect()
}

/// The first cells of a row; one that is NULL or not there is empty.
fn fixed<const N: usize>(row: Vec<Option<String>>) -> [String; N] {
    let mut cells = row.into_iter();
    std::array::from_fn(|_| cells.next().flatten().unwrap_or_default())
}
