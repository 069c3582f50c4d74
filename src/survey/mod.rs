//! What we saw: facts, provenance, snapshots, digests and their comparison. Invariant: pure; imports nothing of ours.
