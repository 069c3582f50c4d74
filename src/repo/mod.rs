//! Git: what a repository says (gate G0), read only, and the small repository of the demo, the only one that is ever written.

mod git;
pub mod throwaway;

pub use git::GitRepository;
