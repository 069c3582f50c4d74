//! Composition root: one file per command. Invariant: the only place that sees every layer.
