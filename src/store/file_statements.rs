//! What a run store is asked about the files of a run: their content by its digest, in parts, and which content a name has.
//! Invariant: a file of a held run lands only in the epoch that its writer knows; the row of the run is locked meanwhile.

use tokio_postgres::types::Type;

use super::StoreError;
use super::client::{AskError, Question};
use super::statements::{AskRun, DURABLE};
use crate::postgres::StoreConnection;
use crate::run::RunId;
use crate::survey::Digest;

/// Commits one part of what is in a file. It is found by its digest: twice is once.
pub(super) struct PutPart {
    pub(super) sha256: Digest,
    pub(super) part: i32,
    pub(super) body: Vec<u8>,
}

impl Question for PutPart {
    type Answer = ();

    async fn ask(&self, connection: &StoreConnection) -> Result<(), AskError> {
        connection
            .client()
            .query_typed(
                // It is durable with the file that names it, which is committed after it.
                "INSERT INTO drygate.content (sha256, part, body) VALUES ($1, $2, $3) ON CONFLICT (sha256, part) DO NOTHING \
                 RETURNING pg_catalog.set_config('synchronous_commit', 'off', true)",
                &[
                    (&self.sha256.as_str(), Type::TEXT),
                    (&self.part, Type::INT4),
                    (&self.body, Type::BYTEA),
                ],
            )
            .await?;
        Ok(())
    }
}

/// Whose file it is that is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileOwner {
    /// Of the process that holds the run in this epoch; the manifest among them seals it.
    Holder {
        /// The epoch.
        epoch: i64,
    },
    /// Of anybody: a file beside the journal, which follows this version of it.
    Beside {
        /// The version; 0: there is none.
        after: i64,
    },
}

/// Commits a file of a run whose content is there; false: a part of it is not, as after a crash of the server in between.
pub(super) struct PutFile {
    pub(super) run_id: RunId,
    pub(super) path: String,
    pub(super) sha256: Digest,
    pub(super) parts: i32,
    pub(super) owner: FileOwner,
    /// It is the manifest.
    pub(super) seals: bool,
}

impl Question for PutFile {
    type Answer = bool;

    async fn ask(&self, connection: &StoreConnection) -> Result<bool, AskError> {
        let client = connection.client();
        let (run_id, sha256) = (self.run_id.as_str(), self.sha256.as_str());
        let newest = "SELECT version, sha256 FROM drygate.file WHERE run_id = $1 AND path = $2 ORDER BY version DESC LIMIT 1";
        let newest = client
            .query_typed(newest, &[(&run_id, Type::TEXT), (&self.path, Type::TEXT)])
            .await?;
        let (version, there): (i64, Option<String>) = match newest.first() {
            Some(row) => (row.try_get(0)?, Some(row.try_get(1)?)),
            None => (0, None),
        };
        // An earlier try, or a step done again with the same outcome.
        if there.as_deref() == Some(sha256) {
            self.seal(connection).await?;
            return Ok(true);
        }
        let epoch = match self.owner {
            FileOwner::Holder { epoch } => Some(epoch),
            FileOwner::Beside { after } if after == version => None,
            FileOwner::Beside { .. } => {
                let why = format!("{} was written elsewhere meanwhile", self.path);
                return Err(AskError::Final(StoreError::Refused(why)));
            }
        };
        let next = version + 1;
        // The row of the run is locked: who takes it up meanwhile comes before or after.
        let put = format!(
            "WITH held AS (SELECT run_id FROM drygate.run WHERE run_id = $1 \
               AND ($6::bigint IS NULL OR (epoch = $6 AND manifest_sha256 IS NULL)) FOR UPDATE) \
             INSERT INTO drygate.file (run_id, path, version, sha256, parts) SELECT run_id, $2, $3, $4, $5 FROM held \
               WHERE (SELECT count(*) FROM drygate.content WHERE content.sha256 = $4) = $5 \
             RETURNING 1, {DURABLE}"
        );
        let put = client
            .query_typed(
                &put,
                &[
                    (&run_id, Type::TEXT),
                    (&self.path, Type::TEXT),
                    (&next, Type::INT8),
                    (&sha256, Type::TEXT),
                    (&self.parts, Type::INT4),
                    (&epoch, Type::INT8),
                ],
            )
            .await?;
        if put.is_empty() {
            return match self.refusal(connection).await? {
                Some(error) => Err(AskError::Final(error)),
                None => Ok(false),
            };
        }
        self.seal(connection).await?;
        Ok(true)
    }
}

impl PutFile {
    /// Says that the run has its seal, if this is it.
    async fn seal(&self, connection: &StoreConnection) -> Result<(), AskError> {
        if let (FileOwner::Holder { epoch }, true) = (self.owner, self.seals) {
            let seal = format!(
                "UPDATE drygate.run SET manifest_sha256 = $3, until = now() WHERE run_id = $1 AND epoch = $2 RETURNING {DURABLE}"
            );
            connection
                .client()
                .query_typed(
                    &seal,
                    &[
                        (&self.run_id.as_str(), Type::TEXT),
                        (&epoch, Type::INT8),
                        (&self.sha256.as_str(), Type::TEXT),
                    ],
                )
                .await?;
        }
        Ok(())
    }

    /// Why the run takes no file; `None`: it does.
    async fn refusal(&self, connection: &StoreConnection) -> Result<Option<StoreError>, AskError> {
        let run = AskRun(self.run_id.clone()).ask(connection).await?;
        Ok(match (run, self.owner) {
            (Some(run), FileOwner::Holder { epoch }) if run.epoch != epoch => {
                Some(StoreError::TakenOver(run.holder))
            }
            (Some(run), FileOwner::Holder { .. }) if run.is_sealed => {
                Some(StoreError::Forked("it is sealed there".to_owned()))
            }
            (Some(_), _) => None,
            (None, _) => Some(StoreError::Forked("it has none".to_owned())),
        })
    }
}

/// A file of a run, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredFile {
    pub(super) path: String,
    pub(super) version: i64,
    pub(super) sha256: Digest,
    pub(super) parts: i32,
}

/// The newest version of each file of a run.
pub(super) struct AskFiles(pub(super) RunId);

impl Question for AskFiles {
    type Answer = Vec<StoredFile>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        let asked = connection
            .client()
            .query_typed(
                "SELECT path, version, sha256, parts FROM drygate.file WHERE run_id = $1 ORDER BY path, version",
                &[(&self.0.as_str(), Type::TEXT)],
            )
            .await?;
        let mut files: Vec<StoredFile> = Vec::new();
        for row in &asked {
            let sha256: String = row.try_get(2)?;
            let wrong =
                |_| AskError::Final(StoreError::Refused("a digest that is none".to_owned()));
            let file = StoredFile {
                path: row.try_get(0)?,
                version: row.try_get(1)?,
                sha256: sha256.parse().map_err(wrong)?,
                parts: row.try_get(3)?,
            };
            if files.last().is_some_and(|last| last.path == file.path) {
                files.pop();
            }
            files.push(file);
        }
        Ok(files)
    }
}

/// One part of what is in a file; `None`: it is not there.
pub(super) struct AskPart {
    pub(super) sha256: Digest,
    pub(super) part: i32,
}

impl Question for AskPart {
    type Answer = Option<Vec<u8>>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        let asked = connection
            .client()
            .query_typed(
                "SELECT body FROM drygate.content WHERE sha256 = $1 AND part = $2",
                &[
                    (&self.sha256.as_str(), Type::TEXT),
                    (&self.part, Type::INT4),
                ],
            )
            .await?;
        Ok(asked.first().map(|row| row.try_get(0)).transpose()?)
    }
}
