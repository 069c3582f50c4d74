//! What we can prove: gate checks, claims and forbidden-action detectors, and what `verify` recomputes. Invariant: pure; no verdict without the evidence it was computed from.
