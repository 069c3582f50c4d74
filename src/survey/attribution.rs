//! Who changed the facts, as far as it is visible: transaction ids of rows, commit times, other sessions. What our role cannot
//! see is `None` or listed as unread.
//! Invariant: nothing of this enters the facts digest. Held by `facts_digest`, which takes facts alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FactChange, FactKey, Snapshot, Survey, UtcTime};

/// Rows that one attribution lists; the rest is counted.
const ROWS_MAX: usize = 200;

/// The transaction that wrote a row as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowOrigin {
    /// `xmin` of the row: a 32 bit transaction id, as text.
    pub xmin: String,
    /// When that transaction committed, by the server's clock; `None`: `track_commit_timestamp` is off, or the server
    /// has no time for it.
    pub committed_at: Option<String>,
}

/// What the origins of one fact are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginKeys {
    /// The keys of the rows of its document.
    Rows,
    /// Objects whose names the lines of its document begin with, as in the grant matrix.
    Objects,
    /// Objects that the lines of its document do not name: each of them is listed.
    Whole,
}

/// The transactions behind the rows of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactOrigins {
    /// The key of the fact.
    pub key: FactKey,
    /// What `origins` is keyed by.
    pub keys: OriginKeys,
    /// From row or object to the transaction that wrote it.
    pub origins: BTreeMap<String, RowOrigin>,
}

/// Another session on the same database, as far as our role may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OtherSession {
    /// Process id of its backend.
    pub pid: i32,
    /// The role that it logged in as.
    pub user: String,
    /// Its `application_name`, which it may choose freely.
    pub application: String,
    /// When it connected; `None`: our role may not see it.
    pub connected_at: Option<String>,
    /// When its transaction began; `None`: it has none, or our role may not see it.
    pub transaction_at: Option<String>,
    /// The transaction id that it holds; `None`: none is assigned, or our role may not see it.
    pub xid: Option<String>,
}

/// Everything that a survey read about who wrote, in its own transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// One entry for each fact that has rows behind it.
    pub facts: Vec<FactOrigins>,
    /// The other sessions of that moment.
    pub sessions: Vec<OtherSession>,
    /// Whether `track_commit_timestamp` is on.
    pub commit_times: bool,
    /// What could not be read, each with the reason.
    pub unread: Vec<String>,
}

/// One changed row, and the transaction that left it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowAttribution {
    /// The key of the fact.
    pub fact: FactKey,
    /// The row, or the object behind it.
    pub row: String,
    /// Its origin; `None`: the row is gone, or its origin was not read.
    pub origin: Option<RowOrigin>,
    /// Whether that transaction finished between the two snapshots, judged by its id; `None`: unknown.
    pub between: Option<bool>,
}

/// What is visible of who changed the facts between two snapshots, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attribution {
    /// Nonce of the survey that found the change.
    pub nonce: String,
    /// `xmax` of the snapshot before: a transaction of this id or a later one was not finished then.
    pub xmax_before: Option<u64>,
    /// `xmax` of the snapshot that found the change: transactions of this id or a later one are not in it.
    pub xmax_after: Option<u64>,
    /// When the survey before had ended, by our clock.
    pub after_time: UtcTime,
    /// When the survey that found the change began, by our clock.
    pub before_time: UtcTime,
    /// Whether the server keeps commit times.
    pub commit_times: bool,
    /// The changed rows, at most 200.
    pub rows: Vec<RowAttribution>,
    /// How many changed rows are not in `rows`.
    #[serde(default)]
    pub rows_more: u64,
    /// Other sessions when the change was found: one of them may have made it, or none.
    pub sessions: Vec<OtherSession>,
    /// What could not be read, each with the reason.
    pub unread: Vec<String>,
}

impl Attribution {
    /// What `origins` say about `changes` between two surveys.
    pub fn of(pin: &Survey, found: &Survey, changes: &[FactChange], origins: &Origins) -> Self {
        let mut rows = Vec::new();
        for change in changes {
            let known = origins.facts.iter().find(|of| of.key == change.key);
            attribute(change, known, &pin.snapshot, &found.snapshot, &mut rows);
        }
        let rows_more = rows.len().saturating_sub(ROWS_MAX) as u64;
        rows.truncate(ROWS_MAX);
        Self {
            nonce: found.snapshot.nonce.clone(),
            xmax_before: pin.snapshot.xmax(),
            xmax_after: found.snapshot.xmax(),
            after_time: pin.snapshot.ended_at,
            before_time: found.snapshot.began_at,
            commit_times: origins.commit_times,
            rows,
            rows_more,
            sessions: origins.sessions.clone(),
            unread: origins.unread.clone(),
        }
    }

    /// Whether nonce, transaction ids, times and judgements follow from these two surveys: `verify` computes them again.
    pub fn is_between(&self, pin: &Survey, found: &Survey) -> bool {
        let (one, two) = (&pin.snapshot, &found.snapshot);
        let judged = |row: &RowAttribution| {
            let origin = row.origin.as_ref();
            row.between == origin.and_then(|origin| finished_between(&origin.xmin, one, two))
        };
        self.nonce == two.nonce
            && self.xmax_before == one.xmax()
            && self.xmax_after == two.xmax()
            && self.after_time == one.ended_at
            && self.before_time == two.began_at
            && self.rows.iter().all(judged)
    }

    /// The transactions that are named, once each: `812 (committed 2026-05-21 02:14:07+00)`.
    pub fn transactions(&self) -> Vec<String> {
        let mut named = Vec::new();
        // A transaction that finished before the first snapshot cannot have made the change.
        for origin in self.rows.iter().filter(|r| r.between != Some(false)) {
            let Some(origin) = &origin.origin else {
                continue;
            };
            let line = origin.committed_at.as_ref().map_or_else(
                || origin.xmin.clone(),
                |at| format!("{} (committed {at})", origin.xmin),
            );
            if !named.contains(&line) {
                named.push(line);
            }
        }
        named
    }

    /// The session that holds a transaction which left one of the rows as it is; `None`: no session in sight does.
    pub fn session(&self) -> Option<&OtherSession> {
        let left = |xid: &String| {
            let mut origins = self.rows.iter().filter_map(|row| row.origin.as_ref());
            origins.any(|origin| origin.xmin == *xid)
        };
        let mut sessions = self.sessions.iter();
        sessions.find(|session| session.xid.as_ref().is_some_and(left))
    }

    /// The attribution as text, one value a line.
    pub fn lines(&self) -> Vec<String> {
        let id = |xmax: Option<u64>| xmax.map_or_else(|| "unknown".to_owned(), |x| x.to_string());
        let mut lines = vec![
            format!("found_by_nonce={}", self.nonce),
            format!("between={} -> {}", self.after_time, self.before_time),
            format!("xmax={} -> {}", id(self.xmax_before), id(self.xmax_after)),
            format!("track_commit_timestamp={}", self.commit_times),
        ];
        lines.extend(self.rows.iter().map(RowAttribution::line));
        if self.rows_more > 0 {
            lines.push(format!("{} more rows", self.rows_more));
        }
        lines.extend(self.sessions.iter().map(OtherSession::line));
        lines.extend(self.unread.iter().map(|why| format!("NOT CHECKED: {why}")));
        lines
    }
}

impl RowAttribution {
    /// `unit_version ICX-CONST-0017/1: xmin 812, finished between the two snapshots`.
    pub fn line(&self) -> String {
        let what = format!("{} {}", self.fact, self.row);
        let Some(origin) = &self.origin else {
            return format!("{what}: gone, or its transaction is not visible");
        };
        let when = match self.between {
            Some(true) => "finished between the two snapshots",
            Some(false) => "finished before the first snapshot",
            None => "not placed",
        };
        let committed = origin
            .committed_at
            .as_ref()
            .map_or_else(String::new, |at| format!(", committed {at}"));
        format!("{what}: xmin {}, {when}{committed}", origin.xmin)
    }
}

impl OtherSession {
    /// `session 4711: role app, application "batch"`.
    pub fn line(&self) -> String {
        let mut line = format!(
            "session {}: role {}, application {:?}",
            self.pid, self.user, self.application
        );
        for (name, value) in [
            ("connected", &self.connected_at),
            ("in a transaction since", &self.transaction_at),
            ("holds xid", &self.xid),
        ] {
            // Columns of `pg_stat_activity` that our role may not see are NULL; they are left out.
            if let Some(value) = value {
                line = format!("{line}, {name} {value}");
            }
        }
        line
    }
}

fn attribute(
    change: &FactChange,
    known: Option<&FactOrigins>,
    pin: &Snapshot,
    found: &Snapshot,
    rows: &mut Vec<RowAttribution>,
) {
    let mut note = |row: &str, origin: Option<&RowOrigin>| {
        rows.push(RowAttribution {
            fact: change.key.clone(),
            row: row.to_owned(),
            origin: origin.cloned(),
            between: origin.and_then(|origin| finished_between(&origin.xmin, pin, found)),
        });
    };
    let Some(known) = known else {
        return;
    };
    // The lines of the document do not say which object changed, so every object is listed.
    if known.keys == OriginKeys::Whole {
        for (object, origin) in &known.origins {
            note(object, Some(origin));
        }
        return;
    }
    for row in &change.rows {
        // A row that is gone has no `xmin` any more. A grant that is gone may still be explained by its object.
        let gone = row.found.is_none() && known.keys == OriginKeys::Rows;
        let origin = match known.keys {
            _ if gone => None,
            OriginKeys::Rows | OriginKeys::Whole => known.origins.get(&row.key),
            OriginKeys::Objects => object_of(&known.origins, &row.key),
        };
        note(&row.key, origin);
    }
}

/// The origin of the object with the longest name that a line begins with.
fn object_of<'o>(origins: &'o BTreeMap<String, RowOrigin>, line: &str) -> Option<&'o RowOrigin> {
    // Tried from the last space to the first, so that the longest name wins.
    let mut ends = line.match_indices(' ').map(|(at, _)| at).rev();
    ends.find_map(|end| origins.get(&line[..end]))
}

/// Whether a transaction with a 32 bit id finished after the first snapshot and before the second; `None`:
/// an id cannot be read.
fn finished_between(xmin: &str, pin: &Snapshot, found: &Snapshot) -> Option<bool> {
    let xmin: u32 = xmin.parse().ok()?;
    let (before, after) = (pin.xmax()?, found.xmax()?);
    // `pg_current_snapshot` gives 64 bit ids, `xmin` only the low 32 bits. These wrap around, so the distance is compared.
    let low = |id: u64| u32::try_from(id & u64::from(u32::MAX)).ok();
    let span = after.checked_sub(before)?;
    let running = |list: &str| {
        list.split(',')
            .filter_map(|id| low(id.parse().ok()?))
            .any(|id| id == xmin)
    };
    // A transaction that was running at the first snapshot is older than its `xmax`, but its rows were not visible then.
    let was_running = pin.snapshot.split(':').nth(2).is_some_and(running);
    Some(was_running || u64::from(xmin.wrapping_sub(low(before)?)) < span)
}

#[cfg(test)]
mod tests {
    use super::finished_between;
    use crate::survey::{Snapshot, UtcTime};

    fn snapshot(text: &str) -> Snapshot {
        Snapshot {
            nonce: String::new(),
            virtual_xid: String::new(),
            snapshot: text.to_owned(),
            server_time: String::new(),
            began_at: UtcTime::from_unix_micros(0),
            ended_at: UtcTime::from_unix_micros(0),
        }
    }

    #[test]
    fn an_id_is_placed_by_the_two_snapshots_even_where_ids_wrap() {
        let between = |xmin: &str, one: &str, two: &str| {
            finished_between(xmin, &snapshot(one), &snapshot(two))
        };
        assert_eq!(between("745", "745:745:", "747:747:"), Some(true));
        assert_eq!(between("744", "745:745:", "747:747:"), Some(false));
        assert_eq!(between("743", "743:745:743", "747:747:"), Some(true));
        assert_eq!(
            between("1", "4294967295:4294967295:", "4294967299:4294967299:"),
            Some(true)
        );
        assert_eq!(between("745", "745:745:", "745:745:"), Some(false));
        assert_eq!(between("x", "745:745:", "747:747:"), None);
    }
}
