//! State of the diff screen: the chosen fact, the place in its document, what is being typed. It does not change the comparison
//! itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Size;

use super::diff_scroll;
use super::model::Search;
use super::screens::diff_areas;
use crate::compare::{AlignedDocuments, Change, Compare, ComparedFact, Comparison, ReviewNote};
use crate::run::{History, LastPass};
use crate::survey::{FactKey, Folding, Item};

/// A document that was asked for.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// Asked for, not here yet.
    Asked,
    /// Loaded and aligned.
    Here(Arc<AlignedDocuments>),
    /// Could not be read; the sentence says why.
    Failed(String),
}

impl PartialEq for Loaded {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Asked, Self::Asked) => true,
            // By pointer: comparing two documents line by line for each frame would be too slow.
            (Self::Here(one), Self::Here(two)) => Arc::ptr_eq(one, two),
            (Self::Failed(one), Self::Failed(two)) => one == two,
            _ => false,
        }
    }
}

/// A line of a folded document, as it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct DocumentPlace {
    /// Item of the folding.
    pub item: usize,
    /// Line within the item, from 0.
    pub line: usize,
}

impl DocumentPlace {
    /// The first line of an item.
    pub fn of(item: usize) -> Self {
        Self { item, line: 0 }
    }
}

/// A pane of the diff screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffPane {
    /// The list of facts and comparisons.
    Facts,
    /// The document of the chosen fact.
    Document,
}

/// What can lie open in place of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffPage {
    /// How both sides were read.
    HowRead,
    /// The help page.
    Keys,
}

/// The state of the diff screen.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that a key turns"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct DiffView {
    /// The comparisons that can be chosen.
    pub choices: Vec<Compare>,
    /// What is compared, or why it cannot be.
    pub outcome: Result<Box<Comparison>, String>,
    /// The comparison that is shown.
    pub compare: Compare,
    /// Equal facts are listed too.
    pub all: bool,
    /// The chosen row: facts first, then the comparisons.
    pub row: usize,
    /// The focused pane.
    pub pane: DiffPane,
    /// The document takes the whole width while it has the focus.
    pub whole: bool,
    /// Long lines are wrapped; else they are cut with a mark and a count.
    pub wrap: bool,
    /// One side under the other; `None`: as the width has it.
    pub stacked: Option<bool>,
    /// Documents by fact, as far as they were asked for.
    pub loaded: BTreeMap<FactKey, Loaded>,
    /// What of the chosen document is folded.
    pub folding: Folding,
    /// The first line on screen.
    pub top: DocumentPlace,
    /// The line that keys are about.
    pub cursor: DocumentPlace,
    /// The change that was gone to.
    pub change: Option<usize>,
    /// What lies open in place of the document, and its first line on screen.
    pub page: Option<(DiffPage, usize)>,
    /// The note being typed.
    pub typing: Option<String>,
    /// Reviewers' notes of this run.
    pub notes: Vec<ReviewNote>,
    /// The search; `None`: nothing is searched for.
    pub search: Option<Search>,
    /// The row of the last match.
    pub found: Option<usize>,
    /// Size of the terminal.
    pub size: Size,
    /// The answer to the last key.
    pub says: Option<String>,
    /// The run went on since it was compared.
    pub is_stale: bool,
    /// There is no run screen behind it.
    pub alone: bool,
    /// What it was opened with, where the run itself cannot make it again.
    pub given: Option<Box<Comparison>>,
}

impl DiffView {
    /// A view of a comparison.
    pub fn of(
        choices: Vec<Compare>,
        compare: Compare,
        outcome: Result<Comparison, String>,
        alone: bool,
    ) -> Self {
        let of_others = matches!(compare, Compare::Runs(_) | Compare::Rechecked);
        let outcome = outcome.map(Box::new);
        let mut view = Self {
            given: outcome.clone().ok().filter(|_| of_others),
            choices,
            outcome,
            compare,
            all: true,
            row: 0,
            pane: DiffPane::Facts,
            whole: false,
            wrap: true,
            stacked: None,
            loaded: BTreeMap::new(),
            folding: Folding::default(),
            top: DocumentPlace::default(),
            cursor: DocumentPlace::default(),
            change: None,
            page: None,
            typing: None,
            notes: Vec::new(),
            search: None,
            found: None,
            size: Size::new(160, 48),
            says: None,
            is_stale: false,
            alone,
        };
        view.row = view.first_row();
        view
    }

    /// The view that tells most of a run, on a screen of that size.
    pub fn best(history: &History, last_pass: Option<&LastPass>, size: Size) -> Self {
        let choices = Comparison::available(history);
        let mut outcomes = choices.iter().map(|compare| {
            let outcome = Comparison::within(history, compare, last_pass);
            (compare.clone(), outcome)
        });
        let first = outcomes.find(|(_, outcome)| outcome.is_ok());
        let (compare, outcome) = first.unwrap_or_else(|| {
            let why = "Nothing was read twice yet: there is nothing to compare.";
            (Compare::PrePost, Err(why.to_owned()))
        });
        let mut view = Self::of(choices, compare, outcome, false);
        view.size = size;
        view.show_document();
        view
    }

    /// Whether the document has the whole width.
    pub fn is_document_whole(&self) -> bool {
        self.whole && self.pane == DiffPane::Document
    }

    /// Where list and document do not fit beside each other: the document, if the chosen fact differs and has one.
    pub fn show_document(&mut self) {
        let fact = self.fact();
        let opens = fact.is_some_and(|fact| fact.change.differs() && fact.opens());
        if opens && !diff_areas(self, self.size).both {
            self.pane = DiffPane::Document;
        }
    }

    /// Takes another comparison in its place.
    pub fn choose(&mut self, compare: Compare, history: &History, last_pass: Option<&LastPass>) {
        self.outcome = match &self.given {
            Some(given) if given.compare == compare => Ok(given.clone()),
            _ => Comparison::within(history, &compare, last_pass).map(Box::new),
        };
        self.compare = compare;
        self.loaded.clear();
        self.row = self.first_row();
        self.to_start();
    }

    /// The same comparison again, after the run went on; place and folds stay.
    pub fn refresh(&mut self, history: &History, last_pass: Option<&LastPass>) {
        if matches!(self.compare, Compare::Runs(_) | Compare::Rechecked) {
            return;
        }
        self.choices = Comparison::available(history);
        let key = self.fact().map(|fact| fact.key.clone());
        let outcome = Comparison::within(history, &self.compare, last_pass).map(Box::new);
        // Nothing changed: the place in the document must not jump.
        if outcome == self.outcome {
            return;
        }
        // Whoever only looks at a list of equal facts is shown the first one that moves.
        let differed = self.facts().iter().any(|fact| fact.change.differs());
        let keeps_place = differed || self.pane == DiffPane::Document;
        self.outcome = outcome;
        self.loaded.clear();
        let key = key.filter(|_| keeps_place);
        let place = key.and_then(|key| self.facts().iter().position(|fact| fact.key == key));
        self.row = place.unwrap_or_else(|| self.first_row());
        self.to_start();
        if !keeps_place {
            self.show_document();
        }
    }

    /// The first fact that differs and has something to open, else the first that is listed.
    fn first_row(&self) -> usize {
        let facts = self.facts();
        let telling = |fact: &&ComparedFact| fact.change.differs() && fact.opens();
        facts.iter().position(telling).unwrap_or(0)
    }

    /// The facts that are listed, those that differ first.
    pub fn facts(&self) -> Vec<&ComparedFact> {
        let Ok(comparison) = &self.outcome else {
            return Vec::new();
        };
        let listed = |fact: &&ComparedFact| self.all || fact.change != Change::Equal;
        comparison.facts.iter().filter(listed).collect()
    }

    /// The chosen fact.
    pub fn fact(&self) -> Option<&ComparedFact> {
        self.facts().get(self.row).copied()
    }

    /// The comparison on the chosen row.
    pub fn choice(&self) -> Option<&Compare> {
        let facts = self.facts().len();
        self.choices.get(self.row.checked_sub(facts)?)
    }

    /// How many rows can be chosen.
    pub fn rows(&self) -> usize {
        self.facts().len() + self.choices.len()
    }

    /// The open document of the chosen fact.
    pub fn opened(&self) -> Option<&Arc<AlignedDocuments>> {
        match self.loaded.get(&self.fact()?.key) {
            Some(Loaded::Here(opened)) => Some(opened),
            _ => None,
        }
    }

    /// Takes a document that was asked for.
    pub fn came(&mut self, key: FactKey, result: Result<Arc<AlignedDocuments>, String>) {
        let loaded = match result {
            Ok(opened) => Loaded::Here(opened),
            Err(why) => Loaded::Failed(why),
        };
        let chosen = self.fact().is_some_and(|fact| fact.key == key);
        self.loaded.insert(key, loaded);
        if chosen {
            self.to_start();
        }
    }

    /// Opens a page, or closes it.
    pub fn turn(&mut self, page: DiffPage) {
        self.page = match self.page {
            Some((open, _)) if open == page => None,
            _ => Some((page, 0)),
        };
    }

    /// Goes to the first change of the chosen document.
    pub fn to_start(&mut self) {
        (self.top, self.cursor) = (DocumentPlace::default(), DocumentPlace::default());
        (self.change, self.found) = (None, None);
        let Some(opened) = self.opened().cloned() else {
            return;
        };
        self.folding = Folding::of(&opened.alignment);
        if opened.alignment.changes() > 0 {
            self.go_to_change(0);
        } else {
            // No change to go to: the one fold that hides the whole document is opened.
            self.folding.open(&opened.alignment, 0);
        }
    }

    /// Shows a change, with a few rows before it.
    pub fn go_to_change(&mut self, nth: usize) {
        let Some(opened) = self.opened().cloned() else {
            return;
        };
        if let Some(rows) = opened.alignment.change(nth) {
            (self.change, self.found) = (Some(nth), None);
            self.show_row(rows.start);
        }
    }

    /// Brings a row near the top of the screen; a fold over it is opened.
    pub fn show_row(&mut self, row: usize) {
        let Some(opened) = self.opened().cloned() else {
            return;
        };
        if let Some(gap) = self.folding.fold_over(row) {
            self.folding.open(&opened.alignment, gap);
        }
        diff_scroll::go_to_row(self, row);
    }

    /// The row under the cursor; on a fold, its first.
    pub fn row_at_cursor(&self) -> usize {
        match self.folding.item(self.cursor.item) {
            Some(Item::Row(row)) => row,
            Some(Item::Fold { rows, .. }) => rows.start,
            None => 0,
        }
    }
}
