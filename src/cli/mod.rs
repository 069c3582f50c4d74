//! Arguments, configuration and its origin, exit codes. Invariant: parsing has no side effect.
