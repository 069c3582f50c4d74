//! How we ask: connection, session, role, grants, facts, candidates, proof. Invariant: only the closed list of statements reaches a server.

pub mod throwaway;
