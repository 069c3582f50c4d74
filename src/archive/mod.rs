//! Export and import: a run as one tar file, and the way back. The same run gives the same bytes, and nothing of a file from
//! elsewhere is used before it was checked.
//!
//! An archive is a tar of plain files, all below `<run_id>/`:
//!
//! ```text
//! CHECKING.txt      how to check it without drygate
//! SHA256SUMS        every other file of the archive: `sha256sum -c SHA256SUMS` passes
//! check-chain.py    ten lines that check the chain and HEAD
//! run.html          the run as a page
//! run/              the run's directory, without LOCK
//! ```

mod entry;
mod error;
mod kind;
mod layout;
mod opened;
mod pack;
mod pages;
mod unpack;

pub use error::{ArchiveError, EntryRefusal};
pub use opened::{OpenedArchive, open_archive};
pub use pack::pack;
pub use pages::{Pages, PagesCompared, PagesOf};
pub use unpack::{Limits, unpack};
