//! What git says. Invariant: no git command of ours can write or push.

pub mod throwaway;
