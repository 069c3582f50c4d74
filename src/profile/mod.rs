//! What to ask: the schema of a profile, the built-in one, validation with line and column. Invariant: reads text it is given, opens nothing.
