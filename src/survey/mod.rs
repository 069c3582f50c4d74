//! What we saw: facts, provenance, snapshots, digests and their comparison. Invariant: pure; imports nothing of ours.

mod compare;
mod digest;
mod fact;
mod proof;
mod provenance;
mod role;
mod snapshot;
mod taken;
mod time;

pub use compare::{FactChange, RowChange, compare, compare_rows};
pub use digest::{Digest, DigestError, Hasher, facts_digest};
pub use fact::{Document, DocumentRef, Fact, FactKey, FactKind, Observed};
pub use proof::{Footprint, Residue, TransactionProof};
pub use provenance::{Declared, Derived, Live, Provenance, Simulated};
pub use role::{RoleFinding, RoleSurvey, Severity};
pub use snapshot::{ServerIdentity, Snapshot};
pub use taken::{StreamDigest, Survey};
pub use time::UtcTime;
