//! The two streams, read in batches as the witness asks for them. Invariant: memory is one batch, and a text is a digest before it leaves here.

use super::error::CallError;
use super::session::Session;
use super::statement::Statement;
use super::validate::{Query, Rulings};
use super::wire::Rows;
use crate::profile::Profile;
use crate::runner::target::{Progress, TargetError, Witness};
use crate::simulate::{Piece, Unit, Want};
use crate::survey::Digest;

/// The digest of content that is NULL: of a text that no content is hashed from, because its bytes are not UTF-8.
fn digest_of(content: Option<&str>) -> Digest {
    content.map_or_else(|| Digest::of(b"\xffNULL"), Digest::of)
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
    let mut read = 0_u64;
    loop {
        match witness.wants() {
            Want::Pieces => {
                let rows = session.ask(Statement::FETCH_PIECES).await;
                let batch = answered("source pieces", rows)?
                    .iter()
                    .map(|row| piece(row))
                    .collect::<Result<Vec<_>, _>>()?;
                witness.pieces(batch)?;
            }
            Want::Units => {
                let rows = session.ask(Statement::FETCH_UNITS).await;
                let batch = answered("live units", rows)?
                    .iter()
                    .map(|row| unit(row))
                    .collect::<Result<Vec<_>, _>>()?;
                read += batch.len() as u64;
                witness.units(batch)?;
                witness.progress(Progress {
                    what: "Live units".to_owned(),
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

fn piece(row: &[Option<String>]) -> Result<Piece, TargetError> {
    let [Some(key), content] = row else {
        return Err(malformed("source pieces", "a key is NULL".to_owned()));
    };
    Ok(Piece {
        key: key.clone(),
        content: digest_of(content.as_deref()),
    })
}

fn unit(row: &[Option<String>]) -> Result<Unit, TargetError> {
    let [Some(key), content, Some(state)] = row else {
        return Err(malformed(
            "live units",
            "a key or a state is NULL".to_owned(),
        ));
    };
    Ok(Unit {
        key: key.clone(),
        content: digest_of(content.as_deref()),
        state: state.clone(),
    })
}
