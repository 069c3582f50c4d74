//! What a run is made with: profile, person, machine, limits.
//! Invariant: fixed when the run is taken up; `Driver` holds it as an `Arc` and has no way to change it.

use std::path::PathBuf;
use std::sync::Arc;

use super::Program;
use crate::profile::Profile;
use crate::run::{ApprovalPolicy, CommandLine, LastPass, Person, TargetIdentity, ToolIdentity};
use crate::survey::Digest;

/// Everything that a runner needs beside database, journal and clock.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// The parsed profile.
    pub profile: Profile,
    /// The profile's text, byte for byte: its SHA-256 is pinned.
    pub profile_text: String,
    /// The directory of its file; `/` for a built-in one. Hooks start there.
    pub profile_directory: PathBuf,
    /// SSOT documents: name and text, or why it cannot be read.
    pub ssot: Vec<(String, Result<String, String>)>,
    /// Approval policy of the profile.
    pub approvals: ApprovalPolicy,
    /// Host, port, database and role of the target, without secrets.
    pub target: TargetIdentity,
    /// The person who runs this process, as the kernel says.
    pub person: Person,
    /// Version and SHA-256 of this binary.
    pub tool: ToolIdentity,
    /// The program itself: its file, and a fresh process of it.
    pub program: Arc<dyn Program>,
    /// Directory of the repository, if any.
    pub repository: Option<String>,
    /// Root that all writing must stay below.
    pub data_root: PathBuf,
    /// What the full test run left: text, SHA-256 and age in seconds.
    pub full_discover: Option<FullDiscoverFile>,
    /// Seconds between live reads while waiting; `None`: off.
    pub live_interval_s: Option<f64>,
    /// Where the socket for other processes can be, the best place first.
    pub sockets: Vec<PathBuf>,
    /// The cluster of the run store, which is never the surveyed one; `None`: there is no store, or it does not say.
    pub store_cluster: Option<String>,
    /// The group that runs are shared with (`store.group`): its members may approve through the socket.
    pub store_group: Option<String>,
    /// How drygate is called where this process was started, for commands that are printed.
    pub call: CommandLine,
    /// The last PASS of this profile and target.
    pub last_pass: Option<LastPass>,
}

/// A result file of a full test run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullDiscoverFile {
    /// Content of the file.
    pub text: String,
    /// SHA-256 of the content.
    pub sha256: Digest,
    /// Seconds since the file was changed.
    pub age_s: u64,
}
