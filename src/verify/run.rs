//! What is looked at in the directory of a run.
//! Invariant: nothing of the run is written, and one finding does not hide another (`verify`).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::VerifyError;
use super::exact::ExactLines;
use super::kept_head::KeptHeadSearch;
use super::layer::Layer;
use super::ledgers::ledgers;
use super::line_forms::LineForms;
use super::named_files::NamedFiles;
use super::rendered::reports;
use super::side_files::SideFileHeads;
use crate::audit::{self, KeptDocuments, RecomputeFinding, Recomputer};
use crate::journal::{
    Blobs, JournalEntry, JournalError, JournalReader, JournalSummary, MANIFEST, Storage, misplaced,
    verify_files,
};
use crate::profile::{self, Profile};
use crate::run::{Event, JournalHead, KeptHead, RunCreated, RunId, RunState};
use crate::survey::Digest;

/// What was found in a run and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verified {
    /// What does not hold, a sentence each. Empty: the run is intact.
    pub findings: Vec<String>,
    /// The looks that found something, but for that for the kept head.
    pub layers: BTreeSet<Layer>,
    /// What could not be looked at, a sentence each.
    pub not_checked: Vec<String>,
    /// What is no evidence of the run, or not yet, and is not as it should be. It condemns nothing.
    pub beside: Vec<String>,
    /// The checks that were judged by the values that they recorded themselves.
    pub by_own_values: Vec<String>,
    /// Records of the journal.
    pub records: u64,
    /// Blobs that have their digest.
    pub blobs: u64,
    /// Whether there is a manifest.
    pub sealed: bool,
    /// The run; empty where its journal does not begin.
    pub run_id: String,
    /// The last line of the journal; `None`: it does not read.
    pub head: Option<JournalHead>,
    /// The head that was kept, as the journal has it; `None`: none was given, or it is not there.
    pub kept_head: Option<JournalHead>,
}

/// Looks at everything in the run in this directory of the storage. `kept`: a head of its journal that was kept elsewhere.
pub fn verify(
    storage: &Arc<dyn Storage>,
    run: &Path,
    kept: Option<&KeptHead>,
) -> Result<Verified, VerifyError> {
    let mut found = look(storage, run, kept)?;
    // What two looks found alike is said once.
    let mut said = BTreeSet::new();
    found
        .findings
        .retain(|finding| said.insert(finding.clone()));
    Ok(found)
}

fn look(
    storage: &Arc<dyn Storage>,
    run: &Path,
    kept: Option<&KeptHead>,
) -> Result<Verified, VerifyError> {
    let mut found = Verified::default();
    let Some((journal, mut seen)) = whole_files(storage, run, &mut found)? else {
        return Ok(found);
    };
    found.beside.extend(behind(&journal));
    if journal.sealed && !found.sealed {
        let what = "is missing, though the journal ends with run_sealed: a resume writes it, if the process died before";
        found.findings.push(format!("{MANIFEST}: {what}"));
    }
    let reader = JournalReader::new(storage.clone(), run);
    let blobs = Blobs::new(storage.clone(), run);
    let document = |digest: &Digest| blobs.text(digest);
    let documents = KeptDocuments {
        text: &document,
        open: &|digest| blobs.open(digest),
    };
    let created = match first_line(&reader) {
        Ok(created) => created,
        Err(JournalError::Corrupt(corrupt)) => {
            found.findings.push(corrupt.to_string());
            return Ok(found);
        }
        Err(other) => return Err(other.into()),
    };
    let profile = created
        .as_ref()
        .and_then(|created| profile_of(created, &document));
    let mut again = Recomputer::new(profile.as_ref());
    let mut of_documents = Vec::new();
    let mut approved = None;
    let mut forms = LineForms::default();
    let mut exact = ExactLines::default();
    let mut search = kept.map(KeptHeadSearch::new);
    let mut named = NamedFiles::default();
    // One walk: whatever length the journal has, one line of it is in memory.
    for read in reader.walk_as_written::<Event>()? {
        let (entry, beyond, bytes) = match read {
            Ok(read) => read,
            Err(JournalError::Corrupt(corrupt)) => {
                found.findings.push(corrupt.to_string());
                forms.finish(&mut found);
                return Ok(found);
            }
            Err(other) => return Err(other.into()),
        };
        if again.is_legal() {
            exact.look(again.history(), profile.as_ref(), &entry, &blobs);
        }
        forms.look(&entry, beyond);
        let line = line_of(&entry);
        if let Some(search) = &mut search {
            search.look(&line);
        }
        seen.look(&line);
        named.look(&entry.event);
        again.feed(entry.seq, entry.at, &entry.event, &entry.sha256);
        if again.is_legal() {
            let history = again.history();
            exact.applied(history, profile.as_ref(), &entry.event, bytes, &blobs);
        }
        let event = (entry.seq, &entry.event);
        of_documents.extend(audit::document_findings(
            profile.as_ref(),
            event,
            &mut approved,
            documents,
        ));
        found.records += 1;
        found.head = Some(line);
    }
    let before = found.findings.len();
    forms.finish(&mut found);
    found.mark(Layer::Forms, before);
    if let Some(search) = search {
        search.finish(&mut found);
    }
    seen.finish(&mut found);
    let before = found.findings.len();
    named
        .compare(&**storage, run, &mut found)
        .map_err(JournalError::from)?;
    found.mark(Layer::NamedFiles, before);
    let renamed = created.and_then(|created| other_name(storage, run, &created));
    found.find(Layer::Files, renamed);
    exact.finish(&mut found, bytes_of_blobs(&**storage, run)?);
    let recomputed = again.finish();
    let line = |finding: &RecomputeFinding| {
        format!("journal.jsonl, line {}: {}", finding.seq + 1, finding.what)
    };
    found.find(Layer::Verdicts, recomputed.findings.iter().map(line));
    found.find(Layer::Documents, of_documents.iter().map(line));
    if recomputed.is_legal {
        let state = recomputed.history.into_run();
        compare_rest(&mut found, storage, run, &state, profile.as_ref(), &blobs)?;
    }
    Ok(found)
}

/// Looks at the files as they lie there. `None`: there is no journal that the others could be compared with.
fn whole_files(
    storage: &Arc<dyn Storage>,
    run: &Path,
    found: &mut Verified,
) -> Result<Option<(JournalSummary, SideFileHeads)>, VerifyError> {
    let misplaced = misplaced(&**storage, run).map_err(JournalError::from)?;
    found.find(Layer::Files, misplaced.iter().map(|m| m.damage.to_string()));
    // What is opened under such a name would be a file elsewhere, or a pipe that waits.
    if misplaced.iter().any(|misplaced| misplaced.is_irregular) {
        found
            .not_checked
            .push("the rest of the run: it is not only files".to_owned());
        return Ok(None);
    }
    let files = verify_files(storage, run)?;
    found.find(Layer::Files, files.findings.iter().map(ToString::to_string));
    found.blobs = files.blobs;
    found.sealed = files.manifest;
    let seen = SideFileHeads::read(storage, run, found)?;
    Ok(files.journal.map(|journal| (journal, seen)))
}

/// How many blobs a run has, and how many bytes they are together.
fn bytes_of_blobs(storage: &dyn Storage, run: &Path) -> Result<(u64, u64), JournalError> {
    let (mut blobs, mut bytes) = (0, 0);
    for listed in storage.list(&run.join("blobs"))? {
        if listed.name.parse::<Digest>().is_ok() {
            let path = run.join("blobs").join(&listed.name);
            blobs += 1;
            bytes += storage.len(&path)?.unwrap_or(0);
        }
    }
    Ok((blobs, bytes))
}

/// What the first line says; `None`: there is none, or it is another event.
fn first_line(reader: &JournalReader) -> Result<Option<RunCreated>, JournalError> {
    let first = reader.walk::<Event>()?.next().transpose()?;
    Ok(match first.map(|entry| entry.event) {
        Some(Event::RunCreated(created)) => Some(*created),
        _ => None,
    })
}

fn line_of(entry: &JournalEntry<Event>) -> JournalHead {
    JournalHead {
        seq: entry.seq,
        sha256: entry.sha256.clone(),
    }
}

/// What follows HEAD of a run that is not sealed.
fn behind(journal: &JournalSummary) -> Vec<String> {
    let mut said = Vec::new();
    if journal.lines > journal.acknowledged {
        said.push(format!(
            "journal.jsonl: {} lines behind HEAD chain and were never acknowledged; a resume keeps them",
            journal.lines - journal.acknowledged
        ));
    }
    if journal.torn_bytes > 0 {
        said.push(format!(
            "journal.jsonl, line {}, byte {}: {} bytes behind the last line that chains are no line; a resume sets them aside",
            journal.lines + 1,
            journal.end.offset(),
            journal.torn_bytes
        ));
    }
    said
}

/// The directory of one run under the name of another. What has no name of a run may be a copy that somebody looks at.
fn other_name(storage: &Arc<dyn Storage>, run: &Path, created: &RunCreated) -> Option<String> {
    let directory = storage.root().join(run);
    let name: RunId = directory.file_name()?.to_str()?.parse().ok()?;
    let own = &created.run_id;
    (name != *own).then(|| format!("the directory is named {name}, its journal is that of {own}"))
}

/// What the files beside the journal say against the run that it gives.
fn compare_rest(
    found: &mut Verified,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
    profile: Option<&Profile>,
    blobs: &Blobs,
) -> Result<(), VerifyError> {
    let document = |digest: &Digest| blobs.text(digest);
    found.run_id = run.run_id().map_or_else(String::new, ToString::to_string);
    found.by_own_values = audit::judged_by_own_values(run);
    let before = found.findings.len();
    statements(found, run, blobs);
    found.mark(Layer::Documents, before);
    let before = found.findings.len();
    ledgers(found, storage, run_directory, run)?;
    found.mark(Layer::Ledgers, before);
    match (profile, &run.sealed) {
        (Some(profile), Some(_)) => {
            let before = found.findings.len();
            reports(found, storage, run_directory, run, profile, &document)?;
            found.mark(Layer::Rendered, before);
        }
        (None, _) => found.not_checked.push(
            "the profile of the run does not parse: checks of G0 to G3, predictions and reports"
                .to_owned(),
        ),
        (Some(_), None) => {}
    }
    Ok(())
}

/// The profile that the first line names, bound by the policy of its machine; `None`: it names none that parses.
fn profile_of(
    created: &RunCreated,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Option<Profile> {
    let policy = match &created.policy_sha256 {
        Some(policy) => Some(document(policy)?),
        None => None,
    };
    let text = document(&created.profile_sha256)?;
    profile::parse_recorded("the profile of the run", &text, policy.as_deref()).ok()
}

/// The record of every statement that was sent; other documents are named by what stands in them.
fn statements(found: &mut Verified, run: &RunState, blobs: &Blobs) {
    for digest in &run.statements {
        if let Err(error) = blobs.check(digest) {
            found.findings.push(format!("{error} (the statements)"));
        }
    }
}
