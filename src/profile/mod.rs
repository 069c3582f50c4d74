//! Profiles: the schema, the built-in one, and validation with line and column. Opens no file: `load` is given the function
//! that reads.

mod builtin;
mod change_policy;
mod document;
mod duration;
mod findings;
mod hooks;
mod load;
mod machine_policy;
mod nearest;
mod parse;
mod schema;
mod validate;
mod validate_change;
mod validate_facts;
mod validate_words;

pub use builtin::{BUILT_IN, built_in};
pub use change_policy::{ChangePolicy, PhaseSpec, RehearsalPolicy};
pub use document::{PathStep, Problem, TEXT_BYTES_MAX, TextPosition, TomlDocument, printable};
pub use duration::{DurationError, ttl_seconds};
pub use hooks::Hooks;
pub use load::{LoadedProfile, ProfileOrigin, load};
pub use machine_policy::{MachinePolicy, MinimumApprovals};
pub use nearest::nearest;
pub use parse::{ProfileError, parse, parse_recorded};
pub use schema::{
    Budgets, ContentSpec, FactSpec, FunctionSpec, GrantScope, Labels, OutOfScope, Profile,
    ProfileApprovals, RoleAllowances, SqlSpec, SsotDocument, TargetSpec, TestResults, Timeouts,
    TlsMode, UnitsSpec,
};
pub use validate::TARGET_COLORS;
