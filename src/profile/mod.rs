//! What to ask: the schema of a profile, the built-in one, validation with line and column. Invariant: reads text it is given, opens nothing.

mod builtin;
mod parse;
mod schema;

pub use builtin::{BUILT_IN, built_in};
pub use parse::{ProfileError, parse};
pub use schema::{
    ContentSpec, FactSpec, FunctionSpec, GrantScope, Labels, OutOfScope, Profile, ProfileApprovals,
    RoleAllowances, SqlSpec, SsotDocument, TargetSpec, TestResults, Timeouts, TlsMode,
};
