//! The page of a run, from its directory. Invariant: of the same lines that travel with it, and reads only.

use super::diff::record;
use super::{LaunchError, print, review};
use crate::journal::{
    DirectoryStore, JournalEntry, JournalError, Review, ReviewStatus, RunFile, RunFiles, RunStore,
};
use crate::page::{PageInput, PageNote, page};
use crate::report::{FullDiscoverLine, ReportInput};
use crate::run::{Event, RunId};
use crate::runner::fold;
use crate::survey::{Digest, UtcTime};

/// Makes the page of what of a run travels.
pub(super) fn page_of(
    store: &DirectoryStore,
    run_id: &RunId,
    contents: &RunFiles,
) -> Result<String, LaunchError> {
    let head = contents.head();
    let mut entries: Vec<JournalEntry<Event>> = store.reader(run_id)?.entries()?;
    entries.retain(|entry| entry.seq <= head.seq());
    let run = fold(&entries)?;
    let blobs = store.blobs(run_id)?;
    let document = |digest: &Digest| String::from_utf8(blobs.get(digest).ok()?).ok();
    let profile = print::profile_of(run_id, &run, &document)?;
    let events: Vec<(u64, UtcTime, &Event)> = entries
        .iter()
        .map(|entry| (entry.seq, entry.at, &entry.event))
        .collect();
    let input = PageInput {
        report: ReportInput {
            run: &run,
            profile: &profile,
            blobs: &document,
            full_discover: FullDiscoverLine::recorded(&run),
        },
        record: &record(&entries),
        events: &events,
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
    std::io::Read::read_to_end(&mut contents.open(file)?, &mut bytes).map_err(|source| {
        LaunchError::Output {
            doing: "cannot read hooks.jsonl",
            source,
        }
    })?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::to_owned).collect())
}
