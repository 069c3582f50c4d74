//! drygate dry-runs a gated change against a live PostgreSQL without touching it, and proves that it did not.
//!
//! Start at [`launch`] (one file per command), [`run`] (what a run is) or [`runner`] (who does it). `docs/architecture.md` has the
//! picture, the threads and the ways of an approval, a fact and a journal line; `docs/contract.md` is what the program promises;
//! `docs/glossary.md` explains the words.
//!
//! # Code map
//!
//! | folder | what it is | may import |
//! |---|---|---|
//! | [`survey`] | what we saw (pure) | nothing of ours |
//! | [`simulate`] | what would happen (pure) | `survey` |
//! | [`profile`] | what to ask | `survey`, `simulate`, `run::CheckName`, `run::ClaimName` |
//! | [`run`] | what a run is (pure) | `survey`, `simulate` |
//! | [`audit`] | what we can prove (pure) | `run`, `survey`, `simulate`, `profile` |
//! | [`compare`] | what a reviewer compares (pure) | `run`, `survey`, `simulate`, `audit` |
//! | [`documents`] | what programs read | `run`, `survey`, `simulate`, `audit`, `profile`, `compare` |
//! | [`journal`] | what is written | `run`, `survey` |
//! | [`report`] | what is handed over | `run`, `survey`, `simulate`, `audit`, `profile`, `documents` |
//! | [`archive`] | what is carried away | `run`, `survey`, `journal` |
//! | [`page`] | what people without a terminal read | `run`, `survey`, `simulate`, `audit`, `profile`, `compare`, `report` |
//! | [`runner`] | who does it | `run`, `survey`, `simulate`, `audit`, `profile`, `journal`, `report`, `documents` |
//! | [`postgres`] | how we ask | `survey`, `simulate`, `profile`, `runner::target` |
//! | [`repo`] | what git says | `survey`, `profile`, `runner::target`, `runner::repository` |
//! | [`replay`] | who retells it | `run`, `survey`, `simulate`, `journal`, `compare` |
//! | [`tui`] | what is shown | `run`, `survey`, `simulate`, `audit`, `compare` |
//! | [`cli`] | arguments and exit codes | `run`, `profile`, `documents` |
//! | `testing` | what tests share, with the feature of that name | `run`, `survey`, `simulate`, `audit`, `journal` |
//! | [`launch`] | composition root | everything |
//!
//! `tests/architecture.rs` enforces the table, the length of files and their `//!`.
//!
//! # Invariants
//!
//! - A run is a list of facts; every screen is a function of that list.
//! - The machine is pure: no clock, socket, file or channel in `run`.
//! - Journal, sync, act, journal, sync, show. A journal failure stops the run.
//! - There is no code that could carry out `Mode.LIVE`.

pub(crate) mod archive;
pub mod audit;
pub mod cli;
pub mod compare;
pub mod documents;
pub mod journal;
pub mod launch;
pub(crate) mod page;
pub mod postgres;
pub mod profile;
pub mod replay;
pub mod repo;
pub(crate) mod report;
pub mod run;
pub mod runner;
pub mod simulate;
pub mod survey;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tui;
