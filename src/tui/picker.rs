//! State of the list of runs: rows, filter, order, search, chosen run.
//! Invariant: the chosen run stays chosen, by its name, whatever arrives or is filtered (`Picker::select`; test
//! `news_leave_the_chosen_row_chosen` of tests/screens/picker.rs).

use std::collections::HashMap;

use ratatui::layout::Size;

use super::model::Search;
use super::picker_search::Texts;
use super::theme::Theme;
use crate::run::{CommandLine, RunFilter, RunOrder, RunRow, RunStatus};
use crate::survey::UtcTime;

/// Something to read that lies over the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PickerPage {
    /// Title of the page.
    pub title: String,
    /// Its parts, each with a name: the reports, or one.
    pub parts: Vec<(String, Vec<String>)>,
    /// The part that lies open.
    pub part: usize,
    /// First line on screen.
    pub top: usize,
}

/// What lies over the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PickerOver {
    /// The list is free.
    #[default]
    Nothing,
    /// All keys, from this line on.
    Help(usize),
    /// A page of text: a report, a verification.
    Page(PickerPage),
}

/// A message for the list of runs.
#[derive(Debug, Clone)]
pub enum PickerMessage {
    /// All runs that are known, and how many are still to be read.
    Rows(Vec<RunRow>, usize),
    /// Runs that were read, and how many are still to be read.
    Read(Vec<RunRow>, usize),
    /// What was asked for.
    Page(PickerPage),
    /// An answer in one sentence.
    Notice(String),
}

/// Everything that a frame of the list is drawn from.
#[derive(Debug, Clone)]
pub struct Picker {
    /// The rows, in order.
    rows: Vec<RunRow>,
    /// What a search looks in; made by the first one in these rows.
    texts: Option<Texts>,
    /// Which of them are shown, in order.
    shown: Vec<usize>,
    /// How many each filter shows.
    counts: [usize; RunFilter::ALL.len()],
    passed: usize,
    /// Name of the chosen row.
    chosen: Option<String>,
    /// Place of the chosen row among those shown.
    at: usize,
    /// Which runs are listed.
    pub filter: RunFilter,
    /// Order of the rows.
    pub order: RunOrder,
    /// The search; `None`: nothing is searched for.
    pub search: Option<Search>,
    /// What lies over the list.
    pub over: PickerOver,
    /// The answer to the last key, until the next.
    pub notice: Option<String>,
    /// Runs still to be read; `None`: the list is being made.
    pub to_read: Option<usize>,
    /// Where the runs are kept.
    pub home: String,
    /// How drygate is called from here.
    pub call: CommandLine,
    /// Colours and glyphs.
    pub theme: Theme,
    /// Size of the terminal.
    pub size: Size,
    /// When the runs were looked at: ages are of then, so that nothing ticks.
    pub now: UtcTime,
}

impl Picker {
    /// A list of which nothing is known yet.
    pub fn new(home: String, theme: Theme, now: UtcTime) -> Self {
        Self {
            rows: Vec::new(),
            texts: None,
            shown: Vec::new(),
            counts: [0; RunFilter::ALL.len()],
            passed: 0,
            chosen: None,
            at: 0,
            filter: RunFilter::All,
            order: RunOrder::default(),
            search: None,
            over: PickerOver::Nothing,
            notice: None,
            to_read: None,
            home,
            call: CommandLine::default(),
            theme,
            size: Size::new(80, 24),
            now,
        }
    }

    /// Applies a message; `now` is when the runs were looked at.
    pub fn take(&mut self, message: PickerMessage, now: UtcTime) {
        match message {
            PickerMessage::Rows(rows, left) => {
                self.now = now;
                self.rows = rows;
                self.to_read = Some(left);
                self.put_in_order();
            }
            PickerMessage::Read(rows, left) => {
                self.now = now;
                self.to_read = Some(left);
                self.merge(rows);
            }
            PickerMessage::Page(page) => {
                self.notice = None;
                self.over = PickerOver::Page(page);
            }
            PickerMessage::Notice(notice) => self.notice = Some(notice),
        }
    }

    fn merge(&mut self, read: Vec<RunRow>) {
        let places = self.rows.iter().enumerate();
        let places: HashMap<String, usize> =
            places.map(|(at, row)| (row.name.clone(), at)).collect();
        let mut changed = false;
        for row in read {
            match places.get(&row.name) {
                // Most runs read as they did: without a change the rows are not sorted again.
                Some(at) if self.rows[*at] == row => {}
                Some(at) => {
                    self.rows[*at] = row;
                    changed = true;
                }
                None => {
                    self.rows.push(row);
                    changed = true;
                }
            }
        }
        if changed {
            self.put_in_order();
        }
    }

    /// Sorts the rows and counts them for each filter.
    pub fn put_in_order(&mut self) {
        self.order.apply(&mut self.rows);
        // The texts hold places of rows, which just changed.
        self.texts = None;
        let count = |filter: RunFilter| self.rows.iter().filter(|row| filter.shows(row)).count();
        self.counts = RunFilter::ALL.map(count);
        let passed = |row: &&RunRow| matches!(&row.standing, RunStatus::Run(run) if run.passed());
        self.passed = self.rows.iter().filter(passed).count();
        self.select();
    }

    /// Finds anew which rows are shown.
    pub fn select(&mut self) {
        let query = self.search.as_ref().map_or("", |search| &search.text);
        let found = if query.trim().is_empty() {
            (0..self.rows.len()).collect()
        } else {
            let texts = self.texts.get_or_insert_with(|| Texts::of(&self.rows));
            texts.find(query)
        };
        let shows = |at: &usize| self.filter.shows(&self.rows[*at]);
        self.shown = found.into_iter().filter(shows).collect();
        let place = self.chosen.as_ref().and_then(|name| {
            let mut places = self.shown.iter();
            places.position(|at| self.rows[*at].name == *name)
        });
        // What was chosen and is not shown now is not forgotten: without the filter it is chosen again.
        self.at = place.unwrap_or(0);
    }

    /// Chooses a row by its place among those shown.
    pub fn choose(&mut self, place: usize) {
        self.at = place.min(self.shown.len().saturating_sub(1));
        self.chosen = self.chosen_row().map(|row| row.name.clone());
    }

    /// Place of the chosen row among those shown.
    pub fn place(&self) -> usize {
        self.at
    }

    /// The chosen row; `None`: no row is shown.
    pub fn chosen_row(&self) -> Option<&RunRow> {
        self.shown.get(self.at).map(|at| &self.rows[*at])
    }

    /// How many rows are shown.
    pub fn shown_len(&self) -> usize {
        self.shown.len()
    }

    /// The rows shown, from a place on.
    pub fn shown_from(&self, place: usize) -> impl Iterator<Item = &RunRow> {
        self.shown.iter().skip(place).map(|at| &self.rows[*at])
    }

    /// How many rows there are for a filter, the search apart.
    pub fn count(&self, filter: RunFilter) -> usize {
        let nth = RunFilter::ALL.iter().position(|known| *known == filter);
        nth.map_or(0, |nth| self.counts[nth])
    }

    /// How many runs were sealed as PASS, the search apart.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// The run that has waited longest for a person.
    pub fn waits_longest(&self) -> Option<&RunRow> {
        // What waits stands first in every order.
        self.rows
            .first()
            .filter(|row| RunFilter::Waiting.shows(row))
    }
}
