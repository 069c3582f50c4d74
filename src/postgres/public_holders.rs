//! Who holds a privilege through PUBLIC alone: whoever takes it from PUBLIC takes it from them.
//! Invariant: what could not be read is no empty list ([`PublicHolders`]).

use super::call::PlannedRead;
use super::read_batch::{ReadBatch, RowCounting};
use super::session::Session;
use super::statement::Statement;
use crate::runner::target::TargetError;

/// Holders that are named; more are not told apart (`LIMIT` of the SQL).
const NAMED_MAX: usize = 2_000;

/// A role that has a privilege because PUBLIC has it, and for no other reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHolder {
    /// The object, as a finding of the role survey names it.
    pub object: String,
    /// The privilege, as there.
    pub privilege: String,
    /// The name of the role.
    pub role: String,
}

/// All of them, or why they are not known.
pub type PublicHolders = Result<Vec<PublicHolder>, String>;

/// Reads them in the transaction of a survey.
pub(super) async fn read(session: &mut Session) -> Result<PublicHolders, TargetError> {
    let ask = PlannedRead::ask("roles behind PUBLIC", Statement::PUBLIC_HOLDERS);
    let plan = ReadBatch::default().stage("Roles behind PUBLIC", RowCounting::Answers, [Ok(ask)]);
    let answers = plan.run(session, &mut |_| {}).await?;
    let answer = answers.into_iter().next();
    Ok(match answer {
        Some(Ok(rows)) if rows.len() > NAMED_MAX => {
            Err(format!("more than {NAMED_MAX} roles and privileges"))
        }
        Some(Ok(rows)) => {
            let holder = |row: Vec<Option<String>>| {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let mut cell = || cells.next().unwrap_or_default();
                PublicHolder {
                    object: cell(),
                    privilege: cell(),
                    role: cell(),
                }
            };
            Ok(rows.into_iter().map(holder).collect())
        }
        Some(Err(reason)) => Err(reason.to_string()),
        None => Err("not asked".to_owned()),
    })
}
