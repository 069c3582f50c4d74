//! `drygate export` and `import`: a run as one archive or as one page of HTML, and the run of an archive among one's own.
//! Invariant: nothing appears among the runs before it was verified, and an imported run is read only here (`publish` marks it
//! before the rename); an export reads the run and writes its file alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::files::WrittenFile;
use super::run_plan::own_person;
use super::{LaunchError, files, lookup, output, print, review, run_plan, verify};
use crate::archive::{
    ArchiveError, Limits, OpenedArchive, PagesCompared, PagesOf, open_archive, pack,
};
use crate::cli::{Output, RunRef, Settings};
use crate::documents::{ExportDocument, ImportDocument, SchemaVersion};
use crate::journal::{
    CACHE_DIR, DirectoryStore, ImportedFrom, JournalEntry, JournalError, RUNS_DIR, Review,
    ReviewStatus, RunFile, RunFiles, RunStore, mark_imported,
};
use crate::page::{PageInput, PageNote, is_listed, page};
use crate::report::{self, ReportInput};
use crate::run::{Event, History, JournalHead, RunId, RunState, exit};
use crate::runner;
use crate::runner::clock::{Clock, SystemClock};
use crate::survey::Digest;

/// Value of the OS field in a gzip header (RFC 1952): 255, unknown. Without it the same run would give other bytes on another
/// system.
const NO_SYSTEM: u8 = 255;

/// Exports a run that verifies.
pub fn export(settings: &Settings, meant: &RunRef, file: &Path) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    let Exported {
        written,
        is_sealed,
        standing,
        head,
    } = exported(&store, &run_id, file)?;
    if settings.output == Output::Json {
        output::document(&ExportDocument {
            schema: SchemaVersion,
            run_id,
            file: file.display().to_string(),
            sealed: is_sealed,
            files: written.made,
            bytes: written.bytes,
            sha256: written.sha256,
            head,
        })?;
    } else {
        output::line(&format!("{}  {}", written.sha256, files::visible(file)))?;
        output::say(&format!(
            "{run_id}: {} files, {} bytes, head {head}. {standing}",
            written.made, written.bytes
        ));
    }
    Ok(exit::OK)
}

/// An archive that was written.
pub(super) struct Exported {
    /// The archive, and how many files are in it.
    pub written: WrittenFile<u64>,
    /// Whether the run has its seal.
    pub is_sealed: bool,
    /// One line on where the run stands.
    pub standing: String,
    /// The last line of the journal that is in it.
    pub head: JournalHead,
}

/// Writes a run that verifies into an archive.
pub(super) fn exported(
    store: &DirectoryStore,
    run_id: &RunId,
    file: &Path,
) -> Result<Exported, LaunchError> {
    let run = lookup::history(store, run_id)?.into_run();
    let contents = RunFiles::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    // A damaged run is not exported: the archive would not verify either.
    if let Some(first) = verify::findings(store, run_id)?.first() {
        return Err(LaunchError::Corrupt(format!(
            "{run_id} does not verify, nothing was exported: {first}"
        )));
    }
    let standing = standing(&run, contents.is_sealed());
    let page = page_of(store, run_id, &contents)?;
    let of = PagesOf {
        run_id,
        standing: &standing,
        head: contents.head().into(),
    };
    let packing = |output: &mut dyn Write| pack(&of, &contents, &page, output);
    let written = files::write(file, &mut |output| packed(file, output, &packing))?;
    Ok(Exported {
        written,
        is_sealed: contents.is_sealed(),
        standing,
        head: contents.head().into(),
    })
}

/// What the pages of an archive are not, rendered again from its run: people without drygate open exactly these. A run that does
/// not read makes no page; that is said.
pub(super) fn compare_pages(opened: &OpenedArchive) -> Result<PagesCompared, LaunchError> {
    let (store, run_id) = (opened.store(), opened.run_id());
    let run = match lookup::history(store, run_id) {
        Ok(history) => history.into_run(),
        Err(error) => {
            return Ok(PagesCompared {
                findings: Vec::new(),
                not_checked: vec![format!("the pages of the archive: {error}")],
            });
        }
    };
    let contents = RunFiles::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    let page = page_of(store, run_id, &contents).map_err(|error| error.to_string());
    let of = PagesOf {
        run_id,
        standing: &standing(&run, contents.is_sealed()),
        head: contents.head().into(),
    };
    Ok(opened.pages().compare(&of, page))
}

/// One line on where the run stands.
fn standing(run: &RunState, sealed: bool) -> String {
    match &run.sealed {
        Some((result, _, _)) if sealed => format!("Sealed: {result}."),
        Some((result, _, _)) => {
            format!("Ended with {result}, not sealed yet: reports and manifest may be missing.")
        }
        None => match run.waits_at() {
            Some(gate) => format!(
                "Not sealed: it waited at {gate} ({}) when it was exported.",
                run.state
            ),
            None => format!("Not sealed: it was at {} when it was exported.", run.state),
        },
    }
}

type Packing<'a> = &'a dyn Fn(&mut dyn Write) -> Result<u64, ArchiveError>;

/// Packs, compressed where the name asks for it; gives how many files were packed.
fn packed(file: &Path, output: &mut dyn Write, packing: Packing<'_>) -> Result<u64, LaunchError> {
    let compressed = file
        .extension()
        .is_some_and(|extension| extension == "gz" || extension == "tgz");
    if !compressed {
        return Ok(packing(output)?);
    }
    let mut gzip = GzBuilder::new()
        .operating_system(NO_SYSTEM)
        .write(output, Compression::default());
    let files = packing(&mut gzip)?;
    let finished = gzip.finish();
    finished.map_err(|source| files::failed(file, source))?;
    Ok(files)
}

/// Makes the page of what of a run travels.
pub(super) fn page_of(
    store: &DirectoryStore,
    run_id: &RunId,
    contents: &RunFiles,
) -> Result<String, LaunchError> {
    let head = contents.head();
    let mut listed = Vec::new();
    let mut history = History::default();
    let mut records = 0;
    for entry in store.reader(run_id)?.walk::<Event>()? {
        let entry = entry?;
        // The run may be written meanwhile: the page is of the same head as the archive.
        if entry.seq > head.seq() {
            break;
        }
        runner::take(&mut history, &entry)?;
        records += 1;
        if is_listed(&entry.event) {
            listed.push((entry.seq, entry.at, entry.event));
        }
    }
    let run = history.run();
    let blobs = store.blobs(run_id)?;
    let document = |digest: &Digest| blobs.text(digest);
    let profile = print::profile_of(run_id, run, &document)?;
    let input = PageInput {
        report: ReportInput {
            run,
            profile: &profile,
            blobs: &document,
        },
        history: &history,
        listed: &listed,
        records,
        head: Some(head.sha256()),
        sealed: contents.is_sealed(),
        notes: &notes(store, run_id)?,
        hooks: &hooks(contents)?,
    };
    Ok(page(&input)?)
}

fn notes(store: &DirectoryStore, run_id: &RunId) -> Result<Vec<PageNote>, JournalError> {
    let reviews = review::reviews(store, run_id);
    let entries = reviews.read()?;
    let standings = reviews.standings(&entries)?;
    let note = |(entry, standing): (JournalEntry<Review>, ReviewStatus)| {
        let Review::NoteWritten { fact, text, by, .. } = entry.event;
        PageNote {
            at: entry.at,
            by: by.to_string(),
            fact,
            text,
            is_stale: standing != ReviewStatus::Current,
        }
    };
    Ok(entries.into_iter().zip(standings).map(note).collect())
}

/// The lines of `hooks.jsonl`, where there is one.
fn hooks(contents: &RunFiles) -> Result<Vec<String>, LaunchError> {
    let is_hooks = |file: &&RunFile| file.name == "hooks.jsonl";
    let Some(file) = contents.files().iter().find(is_hooks) else {
        return Ok(Vec::new());
    };
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut contents.open(file)?, &mut bytes)
        .map_err(LaunchError::output("cannot read hooks.jsonl"))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::to_owned).collect())
}

/// Imports an archive after verifying it.
pub fn import(settings: &Settings, file: &Path) -> Result<u8, LaunchError> {
    lookup::refuse_no_archive(file)?;
    let store = run_plan::store(settings)?;
    let root = store.storage().root().to_owned();
    for directory in [CACHE_DIR, RUNS_DIR] {
        let made = store.storage().create_dir(Path::new(directory));
        made.map_err(JournalError::from)?;
    }
    let permissions = run_plan::permissions(settings)?;
    // Below the data directory, so that the last step is a rename; what a crash leaves in the cache may be deleted.
    let cache = root.join(CACHE_DIR);
    let opened = open_archive(file, Some(&cache), permissions, Limits::default())?;
    let run_id = opened.run_id().clone();
    let mut findings = verify::findings(opened.store(), &run_id)?;
    findings.extend(compare_pages(&opened)?.findings);
    if let Some(first) = findings.first() {
        return Err(LaunchError::Corrupt(format!(
            "the archive {} does not verify, nothing was imported: {first}",
            visible(file)
        )));
    }
    let sealed = opened.store().is_sealed(&run_id)?;
    let there = store.runs()?.contains(&run_id);
    if there {
        compare(&store, &opened)?;
    } else {
        publish(&store, &opened)?;
    }
    tell(settings, &run_id, there, sealed)
}

/// Marks the run and gives it its name among the runs, in one step.
fn publish(store: &DirectoryStore, opened: &OpenedArchive) -> Result<(), LaunchError> {
    let run = DirectoryStore::run_path(opened.run_id());
    let by = own_person()?;
    let from = ImportedFrom {
        archive_sha256: opened.sha256().clone(),
        at: SystemClock.now(),
        by: format!("{}@{}", by.user, by.host),
    };
    mark_imported(&**opened.store().storage(), &run, &from)?;
    let failed = LaunchError::output("cannot put the run beside the others");
    let root = store.storage().root();
    fs::rename(opened.run_directory(), root.join(&run)).map_err(failed)?;
    File::open(root.join(RUNS_DIR))
        // The rename itself is durable only once the directory is synced.
        .and_then(|runs| runs.sync_all())
        .map_err(failed)
}

/// A run of that name is there: the same bytes, or it is refused with the file that differs.
fn compare(store: &DirectoryStore, opened: &OpenedArchive) -> Result<(), LaunchError> {
    let run_id = opened.run_id();
    let (here, there) = (digests(store, run_id)?, digests(opened.store(), run_id)?);
    let differs = |name: &&String| here.get(*name) != there.get(*name);
    let Some(first) = here.keys().chain(there.keys()).find(differs) else {
        return Ok(());
    };
    let how = match (here.get(first), there.get(first)) {
        (Some(_), None) => "is not in the archive",
        (None, _) => "is only in the archive",
        _ => "has other bytes",
    };
    Err(LaunchError::Corrupt(format!(
        "{run_id} is there already and is not the run of the archive: {first} {how}; nothing was imported"
    )))
}

fn digests(
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<BTreeMap<String, Digest>, LaunchError> {
    let contents = RunFiles::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    let mut digests = BTreeMap::new();
    for file in contents.files() {
        digests.insert(file.name.clone(), contents.digest(file)?);
    }
    Ok(digests)
}

fn tell(settings: &Settings, run_id: &RunId, there: bool, sealed: bool) -> Result<u8, LaunchError> {
    if settings.output == Output::Json {
        output::document(&ImportDocument {
            schema: SchemaVersion,
            run_id: run_id.clone(),
            imported: !there,
            already_there: there,
            sealed,
        })?;
        return Ok(exit::OK);
    }
    output::line(run_id.as_str())?;
    let report = settings.call.to(format!("report {}", run_id.tail()));
    output::say(&if there {
        "It is there already, with the same bytes.".to_owned()
    } else if sealed {
        format!("Imported: it verifies, and is read only here. Read it: {report}")
    } else {
        "Imported: it verifies as far as it went. It is not sealed, and is read only here: it can be resumed and decided on where it was made.".to_owned()
    });
    Ok(exit::OK)
}

fn visible(file: &Path) -> String {
    report::visible(&file.display().to_string())
}
