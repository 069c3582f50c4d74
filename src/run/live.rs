//! What was read again while a run waits for a person.
//! Invariant: what a read did not ask for stays as an earlier read left it (`RunState::still_moved`; test
//! `what_a_whole_read_found_stays_found_when_a_partial_read_follows` of tests/screens/diffs.rs).

use super::{LiveChange, LiveRead, LiveView, RunState, Subject, SurveyPurpose};
use crate::survey::{FactChange, compare};

/// So many surveys that were taken while the run waits are recorded without anybody having asked. Claims and sheets list every
/// survey, and a line of the journal has an end.
const SURVEYS_OF_WAIT_MAX: usize = 100;

impl RunState {
    /// Whether a survey that differs from the last is still recorded where only the time had come to read again.
    pub fn records_surveys_of_wait(&self) -> bool {
        let again = self.surveys.iter();
        let again = again.filter(|survey| survey.purpose == SurveyPurpose::Again);
        again.count() < SURVEYS_OF_WAIT_MAX
    }

    pub(super) fn take_live_read(&mut self, read: &LiveRead) {
        let LiveRead {
            read_at,
            changed,
            complete,
            failed,
        } = read;
        let before = self.live.take();
        let reads = before.as_ref().map_or(0, |live| live.reads) + 1;
        if let Some(why) = failed {
            // What was read before stands, with the time that it was read at.
            let known = before.unwrap_or_default();
            let since = known.failed.map_or(*read_at, |(_, since)| since);
            self.live = Some(LiveView {
                failed: Some((why.clone(), since)),
                reads,
                ..known
            });
            return;
        }
        let mut moved: Vec<LiveChange> = changed
            .iter()
            .map(|change| with_known_rows(change, before.as_ref()))
            .collect();
        if !complete {
            moved.extend(self.still_moved(before.as_ref()));
        }
        self.live = Some(LiveView {
            read_at: Some(*read_at),
            changed: moved,
            complete: *complete,
            failed: None,
            reads,
        });
    }

    /// What an earlier, fuller read saw to have moved and this one did not ask for: not asking again refutes nothing.
    fn still_moved(&self, before: Option<&LiveView>) -> Vec<LiveChange> {
        let asked = |change: &LiveChange| {
            // Who answered is read in every transaction.
            if Subject::of(&change.key) == Subject::Server {
                return true;
            }
            let pin = self.pin.as_ref();
            let pinned = pin.and_then(|pin| pin.fact(change.key.as_str()));
            pinned.is_some_and(|fact| fact.live)
        };
        before.map_or_else(Vec::new, |live| {
            let kept = live.changed.iter().filter(|change| !asked(change));
            kept.cloned().collect()
        })
    }

    /// Whether facts, server, code or program were seen to have moved while the run waits.
    pub fn has_moved(&self) -> bool {
        !self.moved().is_empty()
    }

    /// What was seen to have moved while the run waits, as a drift would name it: facts and server by the last read that
    /// succeeded, code and program by the last look at them.
    pub fn moved(&self) -> Vec<FactChange> {
        let mut moved = self.moved_facts();
        moved.extend(self.moved_code());
        moved
    }

    fn moved_facts(&self) -> Vec<FactChange> {
        let (Some(pin), Some(live)) = (&self.pin, &self.live) else {
            return Vec::new();
        };
        let server = |key: &str| {
            let field = key.strip_prefix("server.")?;
            let mut fields = pin.server.fields().into_iter();
            fields.find(|known| known.0 == field).map(|known| known.1)
        };
        live.changed
            .iter()
            .map(|change| FactChange {
                key: change.key.clone(),
                approved: pin
                    .value(change.key.as_str())
                    .map(str::to_owned)
                    .or_else(|| server(change.key.as_str())),
                found: change.value.clone(),
                reason: change.reason.clone(),
                rows: change.rows.clone(),
            })
            .collect()
    }

    /// Whether the last read while waiting, or the drift that stands, found these differences from the pin and no others.
    pub fn is_known_to_differ_so(&self, changes: &[FactChange]) -> bool {
        let read = self.live.as_ref().map_or(&[][..], |live| &live.changed);
        let drift = self.drift.as_ref().map_or(&[][..], |drift| &drift.changes);
        let of_survey = |change: &&FactChange| {
            matches!(Subject::of(&change.key), Subject::Facts | Subject::Server)
        };
        let drifted: Vec<LiveChange> = drift
            .iter()
            .filter(of_survey)
            .map(LiveChange::from)
            .collect();
        shows_the_same(changes, read) || shows_the_same(changes, &drifted)
    }

    /// `1 fact changed beside: grant_matrix_sha (table public.heap OWNER and 5 more)`; `None`: the last survey found nothing.
    pub fn beside_words(&self) -> Option<String> {
        let name = |change: &FactChange| match change.rows.as_slice() {
            [] => change.key.to_string(),
            [one] => format!("{} ({})", change.key, one.key),
            [first, more @ ..] => format!("{} ({} and {} more)", change.key, first.key, more.len()),
        };
        let named: Vec<String> = self.beside.iter().map(name).collect();
        let facts = super::counted(named.len(), "fact");
        (!named.is_empty()).then(|| format!("{facts} changed beside: {}", named.join("; ")))
    }

    /// Whether the last recorded survey differs from the pin beside the change in just these facts, with these values.
    pub fn has_beside(&self, beside: &[FactChange]) -> bool {
        let known: Vec<LiveChange> = self.beside.iter().map(LiveChange::from).collect();
        shows_the_same(beside, &known)
    }

    /// The last recorded survey, if its differences from the pin are just those that the last read while waiting found.
    pub fn survey_of_last_read(&self) -> Option<&crate::survey::Survey> {
        let (pin, live) = (self.pin.as_ref()?, self.live.as_ref()?);
        let (_, latest) = self.latest.as_ref()?;
        let mut changes = compare(pin, latest);
        changes.extend(self.moved_server(&latest.server));
        shows_the_same(&changes, &live.changed).then_some(&**latest)
    }
}

/// A value that is read again is recorded without its rows: they are those of the read that first found it.
fn with_known_rows(change: &LiveChange, before: Option<&LiveView>) -> LiveChange {
    let known = before.into_iter().flat_map(|live| &live.changed);
    let mut known = known.filter(|known| same_answer(known, change));
    match (change.rows.is_empty(), known.next()) {
        (true, Some(known)) => known.clone(),
        _ => change.clone(),
    }
}

/// Whether both name the same facts with the same values found.
fn shows_the_same(changes: &[FactChange], read: &[LiveChange]) -> bool {
    let named = |change: &FactChange| {
        let mut read = read.iter();
        read.any(|read| same_answer(read, &LiveChange::from(change)))
    };
    changes.len() == read.len() && changes.iter().all(named)
}

fn same_answer(one: &LiveChange, two: &LiveChange) -> bool {
    (&one.key, &one.value, &one.reason) == (&two.key, &two.value, &two.reason)
}
