//! What we can prove: gate checks, claims and forbidden-action detectors, and what `verify` recomputes. Invariant: pure; no verdict without the evidence it was computed from.

mod feasibility;
mod orchestration;
mod precheck;
mod predict;
mod seam;

pub use feasibility::{Feasibility, QuerySeen, g1};
pub use orchestration::{g3, g3_so_far};
pub use precheck::{SsotSeen, g0, repository_at_g0};
pub use predict::{predict, protected_tables, step_effect};
pub use seam::{Seam, g2};
