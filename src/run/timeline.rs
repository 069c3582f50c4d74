//! A whole run over time: the marks that a person looks for, and the facts that moved. Made from the journal's events alone, in
//! their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    ApprovalGate, ApprovalRecorded, ApprovalRefused, Decision, DriftFound, Event, Gate,
    GateFinished, GateStarted, LiveChange, LiveRead, RunSealed, State, StateChanged, StopCode,
    SurveyPurpose, SurveyTaken, Verdict,
};
use crate::survey::{FactKey, UtcTime};

/// Something that a person looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkKind {
    /// Checks of a gate began.
    GateStarted(Gate),
    /// A gate has its verdict.
    GateFinished(Gate, Verdict),
    /// The run waits at a gate from here on.
    Waits(ApprovalGate),
    /// A stop was raised.
    Stopped(StopCode, Option<ApprovalGate>),
    /// A person decided.
    Decided(ApprovalGate, Decision, Arc<str>),
    /// A decision was refused.
    Refused(ApprovalGate, Arc<str>),
    /// Facts had moved when it mattered.
    Drifted(Option<ApprovalGate>),
    /// Somebody took the run up.
    Resumed(Arc<str>),
    /// The last line, with the suffix of the result.
    Sealed(&'static str),
}

/// One of them, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Sequence number of the journal line.
    pub seq: u64,
    /// Time of the event.
    pub at: UtcTime,
    /// Kind of the mark.
    pub kind: MarkKind,
    /// Where it stands in a picture of the run in which long gaps are drawn short.
    pub place: u64,
}

impl Mark {
    /// Whether `[` and `]` halt here: where the run stopped, a person came or a gate failed, and at the end. Gates that began
    /// and passed are steps between two stops.
    pub fn halts(&self) -> bool {
        match self.kind {
            MarkKind::GateFinished(_, verdict) => verdict == Verdict::Fail,
            MarkKind::GateStarted(_) | MarkKind::Waits(_) => false,
            MarkKind::Stopped(..)
            | MarkKind::Decided(..)
            | MarkKind::Refused(..)
            | MarkKind::Drifted(_)
            | MarkKind::Resumed(_)
            | MarkKind::Sealed(_) => true,
        }
    }
}

/// A value that a fact had from some line on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Sequence number of the journal line.
    pub seq: u64,
    /// When it was read.
    pub at: UtcTime,
    /// The value; `None`: unknown.
    pub value: Option<Arc<str>>,
}

/// So many values of a fact are kept: one that moves at every read of a long wait has a hundred thousand.
const POINTS_MAX: usize = 4_096;

/// The values of one fact over time; of very many a part, the first and the last among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// The values it had, in order.
    pub points: Vec<Point>,
    pinned: Option<Arc<str>>,
    is_live: bool,
}

impl Track {
    fn becomes(&mut self, seq: u64, at: UtcTime, value: Option<&str>) {
        let last = self.points.last().map(|point| point.value.as_deref());
        if last != Some(value) {
            if self.points.len() >= POINTS_MAX {
                self.thin_out();
            }
            let value = value.map(Arc::from);
            self.points.push(Point { seq, at, value });
        }
    }

    /// Leaves out two of four values. Two that follow each other stay: of a fact that goes to and fro, both values are seen.
    fn thin_out(&mut self) {
        let last = self.points.len() - 1;
        let mut nth = 0;
        self.points.retain(|_| {
            nth += 1;
            (nth - 1) % 4 < 2 || nth - 1 == last
        });
    }

    /// Whether it was seen with more than one value.
    pub fn has_moved(&self) -> bool {
        self.points.len() > 1
    }
}

/// Marks and tracks of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What a person looks for, in order.
    pub marks: Vec<Mark>,
    /// Every fact, by its key.
    pub tracks: BTreeMap<FactKey, Track>,
    /// Time of the first line.
    pub began: Option<UtcTime>,
}

/// A gap is drawn as long as its logarithm: a thousandth of a doubling, from a sixteenth of a second on.
fn drawn(from: UtcTime, to: UtcTime) -> u64 {
    // A clock that was set back gives a gap of zero.
    let micros = u64::try_from(to.unix_micros() - from.unix_micros()).unwrap_or_default();
    let sixteenths = micros / 62_500 + 1;
    let doublings = u64::from(sixteenths.ilog2());
    let rest = sixteenths - (1 << doublings);
    doublings * 1_000 + ((rest * 1_000) >> doublings)
}

impl Timeline {
    /// Marks what this event brings. Copies what is shared only where it changes.
    pub(super) fn take(this: &mut Arc<Self>, seq: u64, at: UtcTime, event: &Event) {
        if this.began.is_none() {
            Arc::make_mut(this).began = Some(at);
        }
        if let Some(kind) = mark(event) {
            // Where a run does not keep time, a clock that was set back must not put a mark before the one before it.
            let at = this.marks.last().map_or(at, |last| last.at.max(at));
            let place = this.place(at);
            Arc::make_mut(this).marks.push(Mark {
                seq,
                at,
                kind,
                place,
            });
        }
        if let Event::SurveyTaken(taken) = event {
            Arc::make_mut(this).take_survey(seq, at, taken);
        } else if let Event::LiveRead(read) = event
            && read.failed.is_none()
            && this.is_moved_by(read)
        {
            Arc::make_mut(this).take_live_read(seq, at, read);
        }
    }

    fn take_survey(&mut self, seq: u64, at: UtcTime, taken: &SurveyTaken) {
        for fact in &taken.survey.facts {
            let track = self.tracks.entry(fact.key.clone()).or_default();
            let value = fact.observed.value();
            if taken.purpose == SurveyPurpose::Pin {
                track.pinned = value.map(Arc::from);
                track.is_live = fact.live;
            }
            track.becomes(seq, at, value);
        }
    }

    /// Whether a read found a value that is not the last one of its fact. Nearly all of a run that waits find none.
    fn is_moved_by(&self, read: &LiveRead) -> bool {
        let is_last = |track: &Track, value: Option<&str>| {
            let last = track.points.last().map(|point| point.value.as_deref());
            last == Some(value)
        };
        let changed = |change: &LiveChange| {
            let track = self.tracks.get(&change.key);
            track.is_none_or(|track| !is_last(track, change.value.as_deref()))
        };
        let back = |(key, track): (&FactKey, &Track)| {
            // A fact that was read and is not listed as changed has its pinned value again.
            let asked = read.complete || track.is_live;
            asked
                && !read.changed.iter().any(|change| change.key == *key)
                && !is_last(track, track.pinned.as_deref())
        };
        read.changed.iter().any(changed) || self.tracks.iter().any(back)
    }

    fn take_live_read(&mut self, seq: u64, at: UtcTime, read: &LiveRead) {
        for change in &read.changed {
            let track = self.tracks.entry(change.key.clone()).or_default();
            track.becomes(seq, at, change.value.as_deref());
        }
        for (key, track) in &mut self.tracks {
            let asked = read.complete || track.is_live;
            if asked && !read.changed.iter().any(|change| change.key == *key) {
                let pinned = track.pinned.clone();
                track.becomes(seq, at, pinned.as_deref());
            }
        }
    }

    /// Where a time stands in the picture: between two marks in proportion to the time, behind the last by its gap.
    pub fn place(&self, at: UtcTime) -> u64 {
        let after = self.marks.partition_point(|mark| mark.at <= at);
        let (from, place) = match after.checked_sub(1).map(|nth| &self.marks[nth]) {
            Some(mark) => (mark.at, mark.place),
            None => (self.began.unwrap_or(at), 0),
        };
        let Some(next) = self.marks.get(after) else {
            return place + drawn(from, at);
        };
        // i128, as the product of a place and microseconds may not fit in 64 bits.
        let share = |to: UtcTime| i128::from((to.unix_micros() - from.unix_micros()).max(0));
        let between =
            i128::from(next.place.saturating_sub(place)) * share(at) / share(next.at).max(1);
        place + u64::try_from(between).unwrap_or_default()
    }

    /// The whole length of the picture of a run whose last line was written at `last`.
    pub fn length(&self, last: UtcTime) -> u64 {
        self.place(last)
    }

    /// The facts that moved, those first that moved most often.
    pub fn moved(&self) -> Vec<(&FactKey, &Track)> {
        let mut moved: Vec<_> = self.tracks.iter().filter(|t| t.1.has_moved()).collect();
        moved.sort_by_key(|(_, track)| std::cmp::Reverse(track.points.len()));
        moved
    }

    /// The place to halt at after `seq`, or before it.
    pub fn halt(&self, seq: u64, forward: bool) -> Option<&Mark> {
        let halts = |mark: &&Mark| mark.halts();
        if forward {
            let from = self.marks.partition_point(|mark| mark.seq <= seq);
            self.marks[from..].iter().find(halts)
        } else {
            let to = self.marks.partition_point(|mark| mark.seq < seq);
            self.marks[..to].iter().rev().find(halts)
        }
    }

    /// The decision at `seq` or the last before it.
    pub fn decision(&self, seq: u64) -> Option<&Mark> {
        let to = self.marks.partition_point(|mark| mark.seq <= seq);
        let decided = |mark: &&Mark| matches!(mark.kind, MarkKind::Decided(..));
        self.marks[..to].iter().rev().find(decided)
    }
}

fn mark(event: &Event) -> Option<MarkKind> {
    Some(match event {
        Event::GateStarted(GateStarted { gate }) => MarkKind::GateStarted(*gate),
        Event::GateFinished(GateFinished { gate, verdict }) => {
            MarkKind::GateFinished(*gate, *verdict)
        }
        Event::StateChanged(StateChanged { to, .. }) => MarkKind::Waits(State::awaits(*to)?),
        Event::StopRaised(stop) => MarkKind::Stopped(stop.stop_code, stop.gate),
        Event::ApprovalRecorded(ApprovalRecorded {
            gate, decision, by, ..
        }) => MarkKind::Decided(*gate, *decision, by.name().into()),
        Event::ApprovalRefused(ApprovalRefused { gate, by, .. }) => {
            MarkKind::Refused(*gate, by.name().into())
        }
        Event::DriftFound(DriftFound { gate, .. }) => MarkKind::Drifted(*gate),
        Event::RunResumed(invocation) => MarkKind::Resumed(invocation.by.name().into()),
        Event::RunSealed(RunSealed { outcome, .. }) => MarkKind::Sealed(outcome.suffix()),
        Event::RunCreated(_)
        | Event::TornTailSetAside(_)
        | Event::CheckRecorded(_)
        | Event::TransactionOpened(_)
        | Event::TransactionClosed(_)
        | Event::TransactionUnseen(_)
        | Event::StatementsRecorded(_)
        | Event::SurveyTaken(_)
        | Event::ContextPinned(_)
        | Event::EffectPredicted(_)
        | Event::UnitsProgressed(_)
        | Event::EvidenceTaken(_)
        | Event::EvidenceShown(_)
        | Event::LiveRead(_)
        | Event::ChangesAttributed(_)
        | Event::EvidenceRenewed(_)
        | Event::InvocationReturned(_)
        | Event::NonMutationJudged(_)
        | Event::TestsDeclared(_)
        | Event::ProgramReplaced(_)
        | Event::RepositoryMoved(_)
        | Event::ChangeRead(_)
        | Event::ChangeMoved(_)
        | Event::CopyListed(_)
        | Event::ChangeRehearsed(_)
        | Event::HookStarted(_)
        | Event::HookRan(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Timeline;
    use crate::run::{
        ApprovalGate, ApprovalRefused, Decision, Event, Gate, GateFinished, GateStarted,
        LiveChange, LiveRead, Verdict,
    };
    use crate::survey::{FactKey, UtcTime};
    use crate::testing::values::person;

    #[test]
    fn between_two_stops_only_a_gate_that_failed_halts() {
        let mut timeline = Arc::new(Timeline::default());
        let events = [
            Event::GateStarted(GateStarted { gate: Gate::G0 }),
            finished(Gate::G0, Verdict::Pass),
            refused(),
            Event::GateStarted(GateStarted { gate: Gate::G1 }),
            finished(Gate::G1, Verdict::Fail),
        ];
        for (seq, event) in events.iter().enumerate() {
            Timeline::take(
                &mut timeline,
                seq as u64,
                UtcTime::from_unix_micros(0),
                event,
            );
        }
        let seq = |mark: Option<&super::Mark>| mark.map(|mark| mark.seq);
        assert_eq!(seq(timeline.halt(0, true)), Some(2));
        assert_eq!(seq(timeline.halt(2, true)), Some(4));
        assert_eq!(seq(timeline.halt(4, false)), Some(2));
        assert_eq!(seq(timeline.halt(2, false)), None);
    }

    #[test]
    fn a_fact_that_moves_at_every_read_keeps_a_bounded_number_of_values() {
        let key = FactKey::new("reads");
        let mut timeline = Arc::new(Timeline::default());
        for seq in 0..50_000_u64 {
            let read = Event::LiveRead(LiveRead {
                read_at: UtcTime::from_unix_micros(0),
                changed: vec![LiveChange {
                    key: key.clone(),
                    value: Some((seq % 2).to_string()),
                    reason: None,
                    rows: Vec::new(),
                }],
                complete: false,
                failed: None,
            });
            Timeline::take(
                &mut timeline,
                seq,
                UtcTime::from_unix_micros(i64::try_from(seq).expect("small")),
                &read,
            );
        }
        let points = &timeline.tracks[&key].points;
        assert!(points.len() <= super::POINTS_MAX, "{}", points.len());
        let ends = [points.first(), points.last()].map(|point| point.map(|point| point.seq));
        assert_eq!(ends, [Some(0), Some(49_999)]);
        let to_and_fro = |pair: &&[super::Point]| pair[0].value != pair[1].value;
        assert!(points.windows(2).filter(to_and_fro).count() > points.len() / 2);
        assert!(points.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    }

    fn finished(gate: Gate, verdict: Verdict) -> Event {
        Event::GateFinished(GateFinished { gate, verdict })
    }

    fn refused() -> Event {
        Event::ApprovalRefused(ApprovalRefused {
            gate: ApprovalGate::SG1,
            decision: Decision::Approve,
            evidence: None,
            reason: "no".to_owned(),
            by: person("op_a"),
        })
    }

    /// Older runs do not keep time: their lines may be before the ones before them.
    #[test]
    fn a_clock_that_was_set_back_moves_no_mark_back() {
        let mut timeline = Arc::new(Timeline::default());
        let refused = refused();
        for (seq, second) in [7, 7, 4, 30, 5, 390, 15, 19, 16].into_iter().enumerate() {
            let at = UtcTime::from_unix_micros(second * 1_000_000);
            Timeline::take(&mut timeline, seq as u64, at, &refused);
        }
        let sorted = |one: &[super::Mark]| one[0].at <= one[1].at && one[0].place <= one[1].place;
        assert!(
            timeline.marks.windows(2).all(sorted),
            "{:?}",
            timeline.marks
        );
        timeline.place(UtcTime::from_unix_micros(0));
    }
}
