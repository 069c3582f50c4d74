//! The two streams, read in batches as the witness asks for them. Invariant: memory is a few batches, and a text is a digest before it leaves here.

use std::collections::VecDeque;

use super::error::CallError;
use super::session::Session;
use super::statement::Statement;
use super::validate::{Query, Rulings};
use super::wire::{Pending, Rows};
use crate::profile::Profile;
use crate::runner::target::{Progress, TargetError, Witness};
use crate::simulate::{Piece, Unit, Want};
use crate::survey::Digest;

/// The digest of content that is NULL: of a text that no content is hashed from, because its bytes are not UTF-8.
fn digest_of(content: Option<&str>) -> Digest {
    content.map_or_else(|| Digest::of(b"\xffNULL"), Digest::of)
}

/// How many FETCHes are on their way at once: the server reads the next batch while this one is hashed.
const AHEAD: usize = 2;

/// One stream, read ahead.
struct Batches {
    query: &'static str,
    fetch: Statement,
    pending: VecDeque<Pending>,
}

impl Batches {
    fn of(query: &'static str, fetch: Statement) -> Self {
        Self {
            query,
            fetch,
            pending: VecDeque::new(),
        }
    }

    async fn next(&mut self, session: &mut Session) -> Result<Rows, TargetError> {
        while self.pending.len() < AHEAD {
            let pending = session.start(self.fetch.clone()).await;
            self.pending.push_back(pending);
        }
        match self.pending.pop_front() {
            Some(pending) => answered(self.query, session.finish(pending).await),
            None => Ok(Vec::new()),
        }
    }
}

/// Streams pieces and units until the witness wants nothing more.
pub(super) async fn stream(
    session: &mut Session,
    profile: &Profile,
    rulings: &Rulings,
    witness: &mut dyn Witness,
) -> Result<(), TargetError> {
    for query in [Query::of_pieces(profile), Query::of_units(profile)] {
        let declare = permitted(&query, rulings)?;
        answered(&query.name, session.ask(declare).await)?;
    }
    let mut pieces = Batches::of("source pieces", Statement::FETCH_PIECES);
    let mut units = Batches::of("live units", Statement::FETCH_UNITS);
    let mut read = 0_u64;
    loop {
        match witness.wants() {
            Want::Pieces => {
                let rows = pieces.next(session).await?;
                let batch = rows.into_iter().map(piece).collect::<Result<Vec<_>, _>>()?;
                witness.pieces(batch)?;
            }
            Want::Units => {
                let rows = units.next(session).await?;
                let batch = rows.into_iter().map(unit).collect::<Result<Vec<_>, _>>()?;
                read += batch.len() as u64;
                witness.units(batch)?;
                witness.progress(Progress {
                    what: "Live units".to_owned(),
                    noun: "rows",
                    done: read,
                    total: None,
                });
            }
            Want::Nothing => return Ok(()),
        }
    }
}

fn permitted(query: &Query, rulings: &Rulings) -> Result<Statement, TargetError> {
    let refused = |message: String| TargetError::Stream {
        query: query.name.clone(),
        message,
    };
    let sql = query
        .sql
        .as_ref()
        .map_err(|reason| refused(reason.clone()))?;
    match rulings.get(&query.name) {
        Some(ruling) => match &ruling.refused {
            Some(reason) => Err(refused(reason.clone())),
            None => Ok(query.declare(sql)),
        },
        None => Err(refused("it was not ruled on".to_owned())),
    }
}

fn answered(query: &str, answer: Result<Rows, CallError>) -> Result<Rows, TargetError> {
    answer.map_err(|error| match error {
        unavailable @ CallError::Unavailable { .. } => unavailable.into_target(),
        refused @ CallError::Refused { .. } => malformed(query, refused.reason()),
    })
}

fn malformed(query: &str, message: String) -> TargetError {
    TargetError::Stream {
        query: query.to_owned(),
        message,
    }
}

fn piece(row: Vec<Option<String>>) -> Result<Piece, TargetError> {
    let Ok([Some(key), content]) = <[Option<String>; 2]>::try_from(row) else {
        return Err(malformed("source pieces", "a key is NULL".to_owned()));
    };
    Ok(Piece {
        key,
        content: digest_of(content.as_deref()),
    })
}

fn unit(row: Vec<Option<String>>) -> Result<Unit, TargetError> {
    let Ok([Some(key), content, Some(state)]) = <[Option<String>; 3]>::try_from(row) else {
        return Err(malformed(
            "live units",
            "a key or a state is NULL".to_owned(),
        ));
    };
    Ok(Unit {
        key,
        content: digest_of(content.as_deref()),
        state,
    })
}
