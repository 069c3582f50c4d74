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
//! | [`survey`] | facts, digests, comparison of documents (pure) | nothing of ours |
//! | [`simulate`] | the simulator and the predicted effect (pure) | `survey` |
//! | [`profile`] | schema and validation of a profile | `survey`, `simulate`, `run::ApprovalGate`, `run::ChangeCommand`, `run::CheckName`, `run::ClaimName`, `run::LockMode`, `run::LockPolicy`, `run::TeamWords` |
//! | [`run`] | events, state machine, history, approvals (pure) | `survey`, `simulate` |
//! | [`audit`] | checks of the gates, claims, what `verify` computes again (pure) | `run`, `survey`, `simulate`, `profile` |
//! | [`compare`] | two surveys side by side (pure) | `run`, `survey`, `simulate`, `audit` |
//! | [`documents`] | the JSON documents | `run`, `survey`, `simulate`, `audit`, `profile`, `compare` |
//! | [`journal`] | the files of a run: line format, hash chain, blobs, manifest, lock | `run`, `survey` |
//! | [`report`] | the 13 reports and their JSON twin | `run`, `survey`, `simulate`, `audit`, `profile`, `documents` |
//! | [`archive`] | export and import of a run | `run`, `survey`, `journal` |
//! | [`page`] | a run as one HTML page | `run`, `survey`, `simulate`, `audit`, `profile`, `compare`, `report` |
//! | [`runner`] | the driver of a run, and the socket other processes talk to | `run`, `survey`, `simulate`, `audit`, `profile`, `journal`, `report`, `documents` |
//! | [`postgres`] | reading a server | `survey`, `simulate`, `profile`, `runner::target` |
//! | [`rehearsal`] | a change on a throwaway copy of the database | `survey`, `run`, `profile`, `postgres`, `runner::target` |
//! | [`repo`] | reading git | `survey`, `profile`, `runner::target`, `runner::repository` |
//! | [`store`] | the run store of a team: runs mirrored into a PostgreSQL | `run`, `survey`, `journal`, `postgres` |
//! | [`replay`] | playback of a recorded run | `run`, `survey`, `simulate`, `journal` |
//! | [`verify`] | a whole run looked at again | `run`, `survey`, `simulate`, `audit`, `profile`, `postgres`, `journal`, `report`, `runner` |
//! | [`tui`] | the screens | `run`, `survey`, `simulate`, `audit`, `compare` |
//! | [`cli`] | arguments, configuration, exit codes | `run`, `profile`, `documents`, `survey::EvidenceFormat` |
//! | [`planted`] | bugs that tests switch on, to see who notices; every folder may import it | nothing of ours |
//! | `testing` | what tests share, with the feature of that name | `run`, `survey`, `simulate`, `audit`, `journal` |
//! | [`launch`] | one file for each command | everything |
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
pub mod planted;
pub mod postgres;
pub mod profile;
pub mod rehearsal;
pub mod replay;
pub mod repo;
pub mod report;
pub mod run;
pub mod runner;
pub mod simulate;
pub mod store;
pub mod survey;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tui;
pub mod verify;
