//! When the facts were read since they were pinned, and between which two readings one of them changed.
//! Invariant: a window is as narrow as the journal allows and no narrower. A value was true when its snapshot was taken, which
//! is known to lie between the begin and the end of its transaction: a window opens when the last equal reading began and closes
//! when the first differing one had ended (test `a_window_counts_every_reading`).

use std::collections::BTreeMap;

use super::{LiveRead, RunState, SurveyPurpose};
use crate::survey::{Fact, FactKey, Survey, UtcTime, differences};

/// When something was read, by our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ReadTime {
    /// When its transaction began.
    began_at: UtcTime,
    /// When the values had come.
    ended_at: UtcTime,
}

/// Between which times a fact changed, by our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeWindow {
    /// The last reading with the pinned value began then.
    pub after: UtcTime,
    /// The first reading with another value had ended then.
    pub before: UtcTime,
}

/// The reading of a pin and those since.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// The last reading of all facts, that of the pin among them.
    all: Option<ReadTime>,
    /// Whether all facts were read again since the pin.
    all_again: bool,
    /// The last reading of the `live` facts alone.
    live: Option<ReadTime>,
    /// The facts that differ from the pin by their last reading.
    moved: BTreeMap<FactKey, ChangeWindow>,
}

impl Readings {
    /// The last reading of a fact or stream, that of the pin among them.
    fn last(&self, is_live: bool) -> Option<ReadTime> {
        let live = self.live.filter(|_| is_live);
        let both = [self.all, live].into_iter().flatten();
        both.max_by_key(|reading| reading.ended_at)
    }

    /// A reading found these facts to differ from the pin, and what else it asked for to be equal.
    fn take(
        &mut self,
        now: ReadTime,
        differing: &[&FactKey],
        asked: impl Fn(&FactKey) -> bool,
        is_live: impl Fn(&FactKey) -> bool,
    ) {
        self.moved
            .retain(|key, _| !asked(key) || differing.contains(&key));
        for key in differing {
            if self.moved.contains_key(*key) {
                continue;
            }
            if let Some(last) = self.last(is_live(key)) {
                let window = ChangeWindow {
                    after: last.began_at,
                    before: now.ended_at,
                };
                self.moved.insert((*key).clone(), window);
            }
        }
    }
}

impl RunState {
    pub(super) fn read_by_survey(&mut self, purpose: SurveyPurpose, survey: &Survey) {
        let now = ReadTime {
            began_at: survey.snapshot.began_at,
            ended_at: survey.snapshot.ended_at,
        };
        let pin = self.pin.clone().filter(|_| purpose != SurveyPurpose::Pin);
        let Some(pin) = pin else {
            self.readings = Readings {
                all: Some(now),
                ..Readings::default()
            };
            return;
        };
        let found = differences(&pin, survey);
        let found = found.voids.iter().chain(&found.beside);
        let differing: Vec<&FactKey> = found.map(|change| &change.key).collect();
        let is_live = |key: &FactKey| pin.fact(key.as_str()).is_some_and(|fact| fact.live);
        self.readings.take(now, &differing, |_| true, is_live);
        self.readings.all = Some(now);
        self.readings.all_again = true;
    }

    pub(super) fn read_while_waiting(&mut self, read: &LiveRead) {
        let pin = self.pin.clone().filter(|_| read.failed.is_none());
        let Some(pin) = pin else { return };
        // The transaction that was opened last is that of this read; an earlier one only widens the window.
        let opened = self.transactions.last().map(|last| last.opened_at);
        let now = ReadTime {
            began_at: opened.unwrap_or(read.read_at),
            ended_at: read.read_at,
        };
        let is_live = |key: &FactKey| pin.fact(key.as_str()).is_some_and(|fact| fact.live);
        // What lies beside the change is in no list of a read: only a survey tells of it.
        let beside = self.beside.iter().map(|change| &change.key);
        let beside: Vec<&FactKey> = beside.collect();
        let asked = |key: &FactKey| (read.complete || is_live(key)) && !beside.contains(&key);
        let differing: Vec<&FactKey> = read.changed.iter().map(|change| &change.key).collect();
        self.readings.take(now, &differing, asked, is_live);
        if read.complete {
            self.readings.all = Some(now);
            self.readings.all_again = true;
        } else {
            self.readings.live = Some(now);
        }
    }

    /// When a fact of the pin was read again last; `None`: not since it was pinned.
    pub fn read_again_at(&self, fact: &Fact) -> Option<UtcTime> {
        let live = self.readings.live.filter(|_| fact.live);
        self.all_read_again_at()
            .max(live.map(|reading| reading.ended_at))
    }

    /// The value of a fact of the pin that was read last, by a survey or while waiting; `None`: it was unknown then.
    pub fn value_now(&self, fact: &Fact) -> Option<String> {
        if !self.readings.moved.contains_key(&fact.key) {
            return fact.observed.value().map(str::to_owned);
        }
        let survey = self.latest.as_ref().map(|(_, survey)| survey);
        let surveyed_at = survey.map(|survey| survey.snapshot.ended_at);
        // A read while waiting counts only if it is newer than the last full survey.
        let live = self.live.iter();
        let live = live.filter(|live| live.read_at > surveyed_at);
        let mut changed = live.flat_map(|live| &live.changed);
        match changed.find(|change| change.key == fact.key) {
            Some(change) => change.value.clone(),
            None => survey?.value(fact.key.as_str()).map(str::to_owned),
        }
    }

    /// When all facts were read again last; `None`: not since they were pinned.
    pub fn all_read_again_at(&self) -> Option<UtcTime> {
        let all = self.readings.all.filter(|_| self.readings.all_again);
        all.map(|reading| reading.ended_at)
    }

    /// When facts were read last, all of them or the `live` ones, at the pin or since.
    pub fn last_read_at(&self) -> Option<UtcTime> {
        self.readings.last(true).map(|reading| reading.ended_at)
    }

    /// Between which times these facts changed, as narrow as the journal has it; `None`: by their last reading none of them
    /// differs from the pin.
    pub fn changed_between<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a FactKey>,
    ) -> Option<ChangeWindow> {
        let moved = &self.readings.moved;
        let windows = keys.into_iter().filter_map(|key| moved.get(key));
        windows.copied().reduce(|one, two| ChangeWindow {
            after: one.after.min(two.after),
            before: one.before.max(two.before),
        })
    }

    /// How many things a comparison with the pin is about: its facts and its two streams.
    pub fn compared(&self) -> usize {
        self.pin.as_ref().map_or(0, |pin| {
            let streams = [&pin.pieces, &pin.candidates];
            pin.facts.len() + streams.into_iter().flatten().count()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::run::SurveyPurpose;
    use crate::survey::{FactKey, Live, Observed};
    use crate::testing::ScriptedRun;

    fn window(script: &ScriptedRun, key: &str) -> Option<(String, String)> {
        let window = script.run.changed_between([&FactKey::new(key)])?;
        Some((window.after.clock(), window.before.clock()))
    }

    fn clocks(after: &str, before: &str) -> (String, String) {
        (format!("{after}Z"), format!("{before}Z"))
    }

    #[test]
    fn a_window_counts_every_reading() {
        let mut script = ScriptedRun::at_sg2(false);
        // The survey that applied SG1 read all facts, this read only the live ones.
        script.clock("09:31:15").live_read(false, &[], None);
        let changed = [("icx_draft", "59"), ("unit_version", "else")];
        script.clock("09:33:00").live_read(true, &changed, None);
        let (live, whole) = (
            clocks("09:31:15", "09:33:00"),
            clocks("09:17:20", "09:33:00"),
        );
        assert_eq!(window(&script, "icx_draft").as_ref(), Some(&live));
        assert_eq!(window(&script, "unit_version").as_ref(), Some(&whole));
        // Seen with yet another value it did not change later, and what was not asked for stays found.
        let changed = [("icx_draft", "58")];
        script.clock("09:34:00").live_read(false, &changed, None);
        assert_eq!(window(&script, "icx_draft").as_ref(), Some(&live));
        assert_eq!(window(&script, "unit_version").as_ref(), Some(&whole));
        script.clock("09:35:00").live_read(false, &[], None);
        assert_eq!(window(&script, "icx_draft"), None);
        script.clock("09:36:00").live_read(true, &[], None);
        assert_eq!(window(&script, "unit_version"), None);
        let draft = script.fact("icx_draft");
        draft.observed = Observed::Live(Live::new("57".to_owned()));
        script.clock("09:37:00").survey_taken(SurveyPurpose::Again);
        assert_eq!(
            window(&script, "icx_draft"),
            Some(clocks("09:36:00", "09:37:00"))
        );
    }
}
