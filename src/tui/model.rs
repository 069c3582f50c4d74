//! State of the run screen: the folded run, and how it is being looked at. Everything that is drawn is in here; drawing only
//! reads it.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use super::approve_sheet::ApproveSheet;
use super::change_text::ChangeTexts;
use super::diff_view::DiffView;
use super::inbox::{Source, StoreReach};
use super::keymap::{Action, KeyScope, key_of};
use super::open_text::OpenText;
use super::playback::PlaybackState;
use super::reject_sheet::RejectSheet;
use super::screens::PaneTexts;
use super::theme::Theme;
use crate::compare::ReviewNote;
use crate::run::{
    ApprovalRequest, Claim, CommandLine, History, KnownOutcome, LastPass, Person, Progress,
    RunState, Subject, judge,
};
use crate::survey::UtcTime;

/// Minimum time in ms over which a rate is measured; less is noise.
const RATE_AFTER_MS: u64 = 300;

/// A pane of the run screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    /// Pane 1: gates and their checks.
    Gates,
    /// Pane 2: facts, pinned and now.
    Facts,
    /// Pane 3: returns to a person.
    Stops,
    /// Pane 4: rows that a live run would change.
    Effect,
    /// Pane 5: the claims of the non-mutation proof.
    Proof,
    /// Pane 6: the journal, or the timeline of a replay.
    Events,
}

impl Pane {
    /// All, by their digit.
    pub const ALL: [Self; 6] = [
        Self::Gates,
        Self::Facts,
        Self::Stops,
        Self::Effect,
        Self::Proof,
        Self::Events,
    ];

    /// Index into arrays with one entry a pane, from 0.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The digit of the pane, from 1.
    pub fn digit(self) -> u8 {
        self as u8 + 1
    }
}

/// How one pane is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaneView {
    /// The row that was chosen; `None`: nobody has chosen one yet.
    pub row: Option<usize>,
    /// Keeps to the last row as rows come.
    pub follow: bool,
}

impl PaneView {
    /// The chosen row of so many; where nobody has chosen one, that on which the pane rests.
    pub fn chosen(self, rows: usize, rests_on: usize) -> usize {
        let last = rows.saturating_sub(1);
        if self.follow {
            last
        } else {
            self.row.unwrap_or(rests_on).min(last)
        }
    }
}

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Over {
    /// The panes are free.
    #[default]
    Nothing,
    /// A page of text.
    Reading(OpenText),
    /// The open approval sheet.
    Approving(ApproveSheet),
    /// The open rejection sheet.
    Rejecting(RejectSheet),
    /// Two sides of the facts.
    Diff(Box<DiffView>),
    /// Whether to leave while work runs.
    Leaving,
    /// A record or time being typed, to go to.
    GoingTo(String),
    /// The screen of an approver, as it was.
    Seen(Box<ApproverScreen>),
}

/// The screen that an approver had, and how it is looked at.
#[derive(Debug, Clone)]
pub struct ApproverScreen {
    /// `SG2 approved by op_a 09:33:05Z`
    pub says: String,
    /// What was drawn, at its own size.
    pub model: Model,
    /// First row on screen, where it has more than there are.
    pub top: u16,
}

impl PartialEq for ApproverScreen {
    fn eq(&self, other: &Self) -> bool {
        self.says == other.says && self.top == other.top
    }
}

/// A search in the focused pane or text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// What is looked for.
    pub text: String,
    /// Keys go into the text; else the search is done and can be repeated.
    pub typing: bool,
}

/// So much in so long: of few long answers, less than one comes in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many were done.
    pub done: u64,
    /// In how many milliseconds.
    pub passed_ms: u64,
}

impl Rate {
    /// So many in each 1,000 seconds.
    pub fn per_1000_seconds(self) -> u64 {
        let all = u128::from(self.done) * 1_000_000;
        u64::try_from(all / u128::from(self.passed_ms.max(1))).unwrap_or(u64::MAX)
    }
}

/// Everything that a frame is drawn from.
#[derive(Debug, Clone)]
pub struct Model {
    /// The run as its journal tells it.
    pub history: Arc<History>,
    /// How drygate is called from here.
    pub call: CommandLine,
    /// The last PASS of this profile and target.
    pub last_pass: Option<Box<LastPass>>,
    /// What came of the change, as it was looked at last; `None`: nobody looked.
    pub outcome: Option<KnownOutcome>,
    /// Reviewers' notes.
    pub notes: Vec<ReviewNote>,
    /// Where events come from.
    pub source: Source,
    /// The account that decides on this screen, shown as `you:` on the sheets.
    pub who: Person,
    /// Colours and glyphs.
    pub theme: Theme,
    /// Size of the terminal.
    pub size: Size,
    /// Wall clock at the last message; in a replay the time of the record.
    pub now: UtcTime,
    /// The focused pane.
    pub focus: Pane,
    /// The focused pane takes the whole body.
    pub enlarged: bool,
    /// How each pane is looked at.
    pub views: [PaneView; 6],
    /// What lies over the panes.
    pub over: Over,
    /// The search; `None`: nothing is searched for.
    pub search: Option<Search>,
    /// The answer to the last key, until the next.
    pub notice: Option<String>,
    /// Cached texts of the panes.
    pub panes: PaneTexts,
    /// The claims so far; computed anew when the run changed.
    pub claims: Vec<Claim>,
    /// The claims must be computed again before the next frame.
    pub claims_stale: bool,
    /// Progress of the long read that runs; `None`: none runs.
    pub progress: Option<Progress>,
    /// How fast it goes, once that was measured.
    pub rate: Option<Rate>,
    /// Where its rate is measured from: what, rows done, when.
    pub progress_from: Option<(String, u64, Duration)>,
    /// Names of those who watch from other processes.
    pub watchers: Vec<String>,
    /// Whether the run store answers.
    pub store_reach: StoreReach,
    /// The reports of the run, name and text, once they were asked for.
    pub reports: Arc<Vec<(String, String)>>,
    /// The files of the change that were asked for.
    pub change_texts: ChangeTexts,
    /// Where the replay stands, if this is one.
    pub playback: Option<Box<PlaybackState>>,
    /// The timeline is shown in place of the events.
    pub shows_timeline: bool,
    /// Exit code and sentences of the runner, once it ended.
    pub ended: Option<(u8, Vec<String>)>,
}

impl Model {
    /// A model of a run of which nothing is known yet.
    pub fn new(source: Source, who: Person, theme: Theme, size: Size, now: UtcTime) -> Self {
        let mut views = [PaneView::default(); 6];
        // Both are logs: the newest row is at the end.
        views[Pane::Events.index()].follow = true;
        views[Pane::Stops.index()].follow = true;
        Self {
            history: Arc::new(History::without_clean_reads()),
            call: CommandLine::default(),
            last_pass: None,
            outcome: None,
            notes: Vec::new(),
            source,
            who,
            theme,
            size,
            now,
            focus: Pane::Gates,
            enlarged: false,
            views,
            over: Over::Nothing,
            search: None,
            notice: None,
            panes: PaneTexts::default(),
            claims: Vec::new(),
            claims_stale: true,
            progress: None,
            rate: None,
            progress_from: None,
            watchers: Vec::new(),
            store_reach: StoreReach::Reached,
            reports: Arc::default(),
            change_texts: ChangeTexts::default(),
            playback: None,
            shows_timeline: true,
            ended: None,
        }
    }

    /// The state of the run.
    pub fn run(&self) -> &RunState {
        self.history.run()
    }

    /// Which rows of the key table apply to the panes.
    pub fn scope(&self) -> KeyScope {
        match self.source {
            Source::Replay => KeyScope::Replay,
            Source::Live | Source::Watching | Source::Unheld => KeyScope::Run,
        }
    }

    /// Whether the timeline stands in place of the events.
    pub fn has_timeline(&self) -> bool {
        self.playback.is_some() && self.shows_timeline
    }

    /// Says a sentence in the footer of what is on screen.
    pub fn say(&mut self, sentence: String) {
        match &mut self.over {
            Over::Diff(view) => view.says = Some(sentence),
            _ => self.notice = Some(sentence),
        }
    }

    /// Sets the time that is shown; in a replay it stays the time of the record.
    pub fn clock(&mut self, wall: UtcTime) {
        self.now = self.playback.as_ref().map_or(wall, |playback| playback.now);
    }

    /// Brings what is computed from the run up to date, once before a frame.
    pub fn refresh(&mut self) {
        if self.claims_stale {
            self.claims_stale = false;
            self.claims = match &self.run().non_mutation {
                Some(judged) => judged.claims.clone(),
                None => crate::audit::claims(self.run()),
            };
        }
    }

    /// Takes progress of a long read; its rate is measured from the first message about it.
    pub fn progressed(&mut self, progress: Progress, now: Duration) {
        self.rate = None;
        match &self.progress_from {
            Some((what, from, at)) if *what == progress.what && *from < progress.done => {
                let passed = now.saturating_sub(*at).as_millis();
                let passed_ms = u64::try_from(passed).unwrap_or(u64::MAX);
                if passed_ms >= RATE_AFTER_MS {
                    let done = progress.done - from;
                    self.rate = Some(Rate { done, passed_ms });
                }
            }
            _ => self.progress_from = Some((progress.what.clone(), progress.done, now)),
        }
        self.progress = Some(progress);
    }

    /// Seconds until the long work is done, where that follows from how fast it goes.
    pub fn seconds_left(&self) -> Option<u64> {
        let progress = self.progress.as_ref()?;
        let left = progress.total?.saturating_sub(progress.done);
        let rate = self.rate.map(Rate::per_1000_seconds)?;
        (rate > 0).then(|| left.saturating_mul(1_000).div_ceil(rate))
    }

    /// Whether work is going on now, so that time may be shown to pass.
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
            && !matches!(self.source, Source::Replay | Source::Unheld)
            && self.run().sealed.is_none()
            && self.run().database_lost.is_none()
            && (self.run().waits_at().is_none() || self.run().pending_approval().is_some())
            && self
                .run()
                .drift
                .as_ref()
                .is_none_or(|drift| drift.gate.is_none())
    }

    /// Whole minutes until the evidence that waits expires, within the last five.
    pub fn minutes_left(&self) -> Option<i64> {
        self.run().waits_at()?;
        let evidence = self.run().evidence.as_ref()?;
        let left = evidence.expires_at.unix_micros() - self.now.unix_micros();
        // The last five minutes, in microseconds.
        (left > 0 && left <= 300_000_000).then(|| left.div_euclid(60_000_000) + 1)
    }

    /// Why an approval of the evidence that waits would be refused, as far as that is known before it is given.
    pub fn refusal(&self) -> Option<String> {
        let run = self.run();
        let (gate, evidence) = (run.waits_at()?, run.evidence.as_ref()?);
        let moved = run.moved();
        if !moved.is_empty() {
            let what = Subject::counted(&moved);
            let closes = key_of(KeyScope::Sheet, Action::Back);
            let renews = key_of(KeyScope::Run, Action::SurveyAgain);
            return Some(format!(
                "{what} moved: {closes}, then {renews} takes new evidence."
            ));
        }
        if let Some(why) = run.repository_unread() {
            return Some(format!("The repository could not be looked at: {why}"));
        }
        let request = ApprovalRequest::approve(gate, evidence.digest.clone());
        // The same function that rules on the real approval, so that screen and runner cannot disagree.
        let ruling = judge(run, &request, &self.who, self.now, &evidence.shown_boot);
        ruling.err().map(|refusal| refusal.to_string())
    }

    /// Whether the evidence that waits has expired.
    pub fn is_expired(&self) -> bool {
        self.run().waits_at().is_some()
            && self
                .run()
                .evidence
                .as_ref()
                .is_some_and(|evidence| evidence.expires_at <= self.now)
    }

    /// Microseconds until what is said of the expiry changes: the last five minutes begin, a minute passes, it is expired.
    pub fn expiry_change(&self) -> Option<i64> {
        if self.source == Source::Replay {
            return None;
        }
        self.run().waits_at()?;
        let evidence = self.run().evidence.as_ref()?;
        let left = evidence.expires_at.unix_micros() - self.now.unix_micros();
        match left {
            ..=0 => None,
            1..=300_000_000 => Some((left - 1).rem_euclid(60_000_000) + 1),
            _ => Some(left - 300_000_000),
        }
    }
}
