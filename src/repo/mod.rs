//! What git says. Invariant: no git command of ours can write or push.

mod git;
pub mod throwaway;

pub use git::GitRepository;
