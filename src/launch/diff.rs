//! `drygate diff`: what changed, from journal and blobs alone, as a screen, as text or as one JSON document. No database is
//! needed.

use std::io::IsTerminal;

use super::{LaunchError, diff_text, lookup, output, review, run_plan, terminal_session};
use crate::cli::{DiffCommand, RunRef, Settings};
use crate::compare::{
    AlignedDocuments, Change, Compare, ComparedFact, Comparison, ReviewNote, SideValue,
    explain_row, rehearsed_lines, unit_lines,
};
use crate::documents::{ClaimMeasured, DiffDocument, DiffFact, DiffRow, SchemaVersion};
use crate::journal::{Blobs, DirectoryStore, Ledgers, RunStore};
use crate::run::{History, LastPass, RunId, RunResult, exit};
use crate::survey::{AlignedRow, Digest, RowChange, Side, Sides, field_changes};

/// Exit code when something differs.
const DIFFERS: u8 = 2;

/// A run, read for comparing.
pub(super) struct LoadedRun {
    /// Id of the run.
    pub run_id: RunId,
    /// The run, folded from its journal.
    pub history: History,
    /// Its documents.
    pub blobs: Blobs,
    /// Its notes; an error: they do not chain.
    pub notes: Result<Vec<ReviewNote>, String>,
}

impl LoadedRun {
    /// Reads a run.
    pub fn of(store: &DirectoryStore, meant: &RunRef) -> Result<Self, LaunchError> {
        let run_id = lookup::resolve(store, meant)?;
        Self::by_id(store, run_id)
    }

    /// Reads a run by its whole name.
    pub fn by_id(store: &DirectoryStore, run_id: RunId) -> Result<Self, LaunchError> {
        Ok(Self {
            history: lookup::history(store, &run_id)?,
            blobs: store.blobs(&run_id)?,
            notes: review::notes(&review::reviews(store, &run_id))
                .map_err(|error| error.to_string()),
            run_id,
        })
    }

    /// The copy of the last PASS that this run keeps.
    pub fn last_pass(&self) -> Option<LastPass> {
        serde_json::from_slice(&self.blobs.get(self.history.last_pass()?).ok()?).ok()
    }
}

/// Largest unit ledger, in bytes, that is opened as a whole: 64 MiB.
const LEDGER_BYTES_MAX: u64 = 64 << 20;

/// Where the documents of each side are.
#[derive(Clone)]
pub(super) struct SideDocuments {
    /// The blobs of each side, tried in order.
    pub blobs: Sides<Vec<Blobs>>,
    /// The unit ledgers of the run.
    pub ledgers: Ledgers,
}

impl SideDocuments {
    /// The documents of a run that is compared with itself.
    pub fn of(store: &DirectoryStore, run_id: &RunId) -> Result<Self, LaunchError> {
        let own = vec![store.blobs(run_id)?];
        Ok(Self {
            blobs: Sides::new(own.clone(), own),
            ledgers: Ledgers::new(store.storage().clone(), &DirectoryStore::run_path(run_id)),
        })
    }

    /// Opens the documents of a fact.
    pub fn open(&self, fact: &ComparedFact) -> Result<AlignedDocuments, LaunchError> {
        let text = |side: Side| self.text(fact, side);
        let texts = Sides::new(text(Side::Before)?, text(Side::After)?);
        Ok(AlignedDocuments::of(texts, fact.kind))
    }

    fn text(&self, fact: &ComparedFact, side: Side) -> Result<Option<String>, LaunchError> {
        let value = fact.sides.get(side).as_ref();
        if let Some(rehearsal) = value.and_then(|value| value.rehearsal.as_ref()) {
            let Some(blob) = kept(rehearsal, self.blobs.get(side))? else {
                return Ok(None);
            };
            return rehearsed_lines(&blob, &fact.key, side).map_err(LaunchError::Corrupt);
        }
        match value.and_then(|value| value.ledger.as_ref()) {
            Some(ledger) if ledger.bytes > LEDGER_BYTES_MAX => Err(LaunchError::LedgerTooLong {
                file: ledger.file.clone(),
                rows: ledger.rows,
            }),
            Some(ledger) => {
                let text = self.ledgers.text(&ledger.file, &ledger.sha256)?;
                let lines = unit_lines(ledger, &text, side).map_err(LaunchError::Corrupt)?;
                Ok(Some(lines))
            }
            None => text_of(value, self.blobs.get(side)),
        }
    }
}

/// A comparison, and where its documents are.
pub(super) struct OpenComparison {
    /// The comparison.
    pub comparison: Comparison,
    /// Its documents.
    pub documents: SideDocuments,
}

impl OpenComparison {
    /// Opens the documents of a fact; `None`: there is nothing behind it.
    pub fn open(&self, fact: &ComparedFact) -> Result<Option<AlignedDocuments>, LaunchError> {
        fact.opens().then(|| self.documents.open(fact)).transpose()
    }
}

/// The document of a value; `None`: it has none, or it was not kept. One that is damaged is an error.
fn text_of(value: Option<&SideValue>, blobs: &[Blobs]) -> Result<Option<String>, LaunchError> {
    let Some(value) = value else {
        return Ok(None);
    };
    if let Some(text) = &value.text {
        return Ok(Some(text.clone()));
    }
    let document = value.document.as_ref();
    document.map_or(Ok(None), |document| kept(&document.sha256, blobs))
}

/// The first of these that has it; a document of the last PASS is looked for in this run first, then in its own.
fn kept(digest: &Digest, blobs: &[Blobs]) -> Result<Option<String>, LaunchError> {
    for blobs in blobs {
        if blobs
            .contains(digest)
            .map_err(crate::journal::JournalError::from)?
        {
            return Ok(Some(utf8(blobs, digest)?));
        }
    }
    Ok(None)
}

fn utf8(blobs: &Blobs, digest: &Digest) -> Result<String, LaunchError> {
    let bytes = blobs.get(digest)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Compares what was asked for.
pub(super) fn open_comparison(
    store: &DirectoryStore,
    read: &LoadedRun,
    command: &DiffCommand,
) -> Result<OpenComparison, LaunchError> {
    let last_pass = read.last_pass();
    let mut documents = SideDocuments::of(store, &read.run_id)?;
    let compare = match (&command.other, command.evidence) {
        (Some(other), _) => {
            let other = LoadedRun::of(store, other)?;
            let comparison = Comparison::between(&read.history, &other.history)
                .map_err(LaunchError::NotComparable)?;
            documents.blobs.after = vec![other.blobs];
            return Ok(OpenComparison {
                comparison,
                documents,
            });
        }
        (None, Some(gate)) => Compare::Evidence(gate),
        _ if command.gates => Compare::Gates,
        _ if command.last_pass => Compare::LastPass,
        _ if command.predicted => Compare::Predicted,
        _ if command.rehearsed => Compare::Rehearsed,
        _ => best(read, last_pass.as_ref())?,
    };
    if let (Compare::LastPass, Some(last)) = (&compare, &last_pass) {
        // Its documents are in its own run, as long as that is kept.
        documents
            .blobs
            .before
            .extend(store.blobs(&last.run_id).ok());
    }
    let comparison = Comparison::within(&read.history, &compare, last_pass.as_ref());
    let comparison = comparison.map_err(LaunchError::NotComparable)?;
    Ok(OpenComparison {
        comparison,
        documents,
    })
}

/// What tells most of what this run has seen.
fn best(read: &LoadedRun, last_pass: Option<&LastPass>) -> Result<Compare, LaunchError> {
    let mut all = Comparison::available(&read.history).into_iter();
    let can = |compare: &Compare| Comparison::within(&read.history, compare, last_pass).is_ok();
    let nothing =
        || LaunchError::NotComparable(format!("{} has nothing to compare yet", read.run_id));
    all.find(can).ok_or_else(nothing)
}

/// Prints the differences of a run.
pub fn diff(settings: &Settings, command: &DiffCommand) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let read = LoadedRun::of(&store, &command.run)?;
    let plain = command.stat || command.width.is_some();
    if !settings.headless && !plain {
        return review::show(settings, &store, &read, command);
    }
    let compared = open_comparison(&store, &read, command)?;
    if settings.json() {
        output::document(&document(&read, &compared)?)?;
    } else {
        let terminal = std::io::stdout().is_terminal();
        let width = command.width.map(usize::from).or_else(|| {
            let (columns, _) = crossterm::terminal::size().ok().filter(|_| terminal)?;
            Some(usize::from(columns))
        });
        let colour = settings.color.value.is_on(terminal);
        let page = diff_text::TextLayout {
            width,
            stat: command.stat,
            theme: terminal_session::coloured(settings, colour),
            colour,
        };
        output::print(&diff_text::text(&read, &compared, page)?)?;
    }
    Ok(exit_code(&compared.comparison))
}

/// Exit code: 2 if something differs, 11 if something could not be compared, else 0.
pub(super) fn exit_code(comparison: &Comparison) -> u8 {
    let uncompared = |fact: &ComparedFact| fact.change == Change::NotComparable;
    if comparison.differs() {
        DIFFERS
    } else if comparison.facts.iter().any(uncompared) {
        RunResult::Incomplete.exit_code()
    } else {
        exit::OK
    }
}

/// Rows of one document that are listed; the rest is counted.
const ROWS_MAX: usize = 1_000;

/// The comparison as a JSON document.
fn document(read: &LoadedRun, compared: &OpenComparison) -> Result<DiffDocument, LaunchError> {
    let comparison = &compared.comparison;
    let facts = comparison.facts.iter();
    let facts = facts.map(|fact| fact_document(compared, fact));
    let claims = comparison.claims.iter().map(|claim| {
        let measured = ClaimMeasured {
            verdict: claim.verdict,
            measured: claim.measured.clone(),
        };
        (claim.name.name(), measured)
    });
    let notes = read.notes.as_ref();
    Ok(DiffDocument {
        schema: SchemaVersion,
        run_id: read.run_id.clone(),
        compare: comparison.compare.to_string(),
        headline: comparison.headline(),
        differs: comparison.differs(),
        facts_changed: comparison.differing(),
        facts_beside: comparison.beside(),
        facts_equal: comparison.equal(),
        facts_not_read: comparison.not_read(),
        sides: comparison.sources.clone(),
        verdict: comparison.verdict,
        claims: claims.collect(),
        attribution: comparison.attribution.clone(),
        method: comparison.method.clone(),
        facts: facts.collect::<Result<_, _>>()?,
        notes: notes.ok().cloned(),
        notes_broken: notes.err().cloned(),
    })
}

fn fact_document(compared: &OpenComparison, fact: &ComparedFact) -> Result<DiffFact, LaunchError> {
    let opened = if fact.change.differs() {
        compared.open(fact)?
    } else {
        None
    };
    let (rows, counts, left_out) = match &opened {
        Some(opened) if opened.is_whole() => {
            let counts = opened.alignment.counts();
            let rows = rows(opened);
            // A rehearsal counts more rows than it keeps.
            let after = fact.sides.after.as_ref();
            let rehearsed = after.filter(|side| side.rehearsal.is_some());
            let all = rehearsed.and_then(|side| usize::try_from(side.rows?).ok());
            let left_out = all.unwrap_or(0).max(counts.differing()) - rows.len();
            (rows, Some(counts), left_out)
        }
        _ => (fact.rows.iter().map(recorded).collect(), None, 0),
    };
    Ok(DiffFact {
        key: fact.key.clone(),
        label: fact.label.clone(),
        change: fact.change,
        before: fact.sides.before.clone(),
        after: fact.sides.after.clone(),
        method_differs: fact.method_differs(),
        rows,
        rows_left_out: left_out,
        counts,
    })
}

/// A row that the journal names, where no documents were kept.
fn recorded(row: &RowChange) -> DiffRow {
    DiffRow::Recorded {
        key: row.key.clone(),
        before: row.approved.clone(),
        after: row.found.clone(),
    }
}

fn rows(opened: &AlignedDocuments) -> Vec<DiffRow> {
    let alignment = &opened.alignment;
    (0..alignment.changes())
        .filter_map(|nth| alignment.change(nth))
        .flatten()
        .take(ROWS_MAX)
        .map(|at| {
            let row = alignment.row(at);
            let side = |side| opened.line(row, side);
            let (one, two) = (side(Side::Before), side(Side::After));
            let number = |side| row.line(side).map(|line| line + 1);
            let fields = match row {
                AlignedRow::Changed { .. } => field_changes(one.unwrap_or(""), two.unwrap_or("")),
                _ => Vec::new(),
            };
            DiffRow::Line {
                says: explain_row(opened, at),
                before: one.map(str::to_owned),
                after: two.map(str::to_owned),
                before_line: number(Side::Before),
                after_line: number(Side::After),
                fields,
            }
        })
        .collect()
}
