//! The planted bugs: their names, what each gets wrong, and the answer of a program without them.
//! Invariant: each has its place in the code and the test that notices (tests/architecture/planted.rs).

/// A mistake that can be switched on at the place where the right way stands: `if planted(PlantedBug::SkipFsync)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlantedBug {
    /// Lines are written to the journal and never synced.
    SkipFsync,
    /// A line is acknowledged whatever becomes of its sync.
    AcknowledgeBeforeFsync,
    /// A line of the journal need not name the digest of the line before it.
    SkipDigestCheck,
    /// Our transaction ends with COMMIT.
    CommitInsteadOfRollback,
    /// Facts that were read from one snapshot twice count as unchanged.
    ProveOnOneSnapshot,
    /// Policies filter the rows that we read, without a word.
    RowSecurityOn,
    /// A key that waited in the terminal since before the sheet was READY counts.
    NoInputDrain,
    /// What is pasted into the sheet, or comes as fast, counts as typed.
    AcceptPaste,
    /// What a held key repeats counts as typed.
    AcceptKeyRepeat,
    /// The journal is read as if HEAD promised nothing.
    IgnoreHead,
    /// A sync that failed is tried again, and its success is believed.
    RetryFailedFsync,
    /// Names without a schema are looked up in `public`.
    PublicInSearchPath,
    /// Who decides is what the caller's request says, not what the kernel says.
    BelieveTheCaller,
    /// A query is ruled on once for each process instead of in each transaction.
    JudgeOncePerProcess,
    /// G3 is judged without its check of the ledgers.
    DropRequiredCheck,
    /// `verify` compares a recorded check with itself instead of with what it computes.
    CompareWithItself,
    /// NULL and the empty text are the same in the digest of a row.
    DigestWithoutNullMark,
    /// Digests of rows are held in memory, however many there are.
    UnboundedBatch,
    /// How long evidence has been shown is told by the wall clock alone.
    StaleClock,
    /// A lock that another session holds is taken for the answer of the question.
    LockReadAsFail,
}

#[cfg(feature = "testing")]
impl PlantedBug {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::SkipFsync,
        Self::AcknowledgeBeforeFsync,
        Self::SkipDigestCheck,
        Self::CommitInsteadOfRollback,
        Self::ProveOnOneSnapshot,
        Self::RowSecurityOn,
        Self::NoInputDrain,
        Self::AcceptPaste,
        Self::AcceptKeyRepeat,
        Self::IgnoreHead,
        Self::RetryFailedFsync,
        Self::PublicInSearchPath,
        Self::BelieveTheCaller,
        Self::JudgeOncePerProcess,
        Self::DropRequiredCheck,
        Self::CompareWithItself,
        Self::DigestWithoutNullMark,
        Self::UnboundedBatch,
        Self::StaleClock,
        Self::LockReadAsFail,
    ];

    /// The name by which it is switched on.
    pub fn name(self) -> &'static str {
        match self {
            Self::SkipFsync => "skip-fsync",
            Self::AcknowledgeBeforeFsync => "acknowledge-before-fsync",
            Self::SkipDigestCheck => "skip-digest-check",
            Self::CommitInsteadOfRollback => "commit-instead-of-rollback",
            Self::ProveOnOneSnapshot => "prove-on-one-snapshot",
            Self::RowSecurityOn => "row-security-on",
            Self::NoInputDrain => "no-input-drain",
            Self::AcceptPaste => "accept-paste",
            Self::AcceptKeyRepeat => "accept-key-repeat",
            Self::IgnoreHead => "ignore-head",
            Self::RetryFailedFsync => "retry-failed-fsync",
            Self::PublicInSearchPath => "public-in-search-path",
            Self::BelieveTheCaller => "believe-the-caller",
            Self::JudgeOncePerProcess => "judge-once-per-process",
            Self::DropRequiredCheck => "drop-required-check",
            Self::CompareWithItself => "compare-with-itself",
            Self::DigestWithoutNullMark => "digest-without-null-mark",
            Self::UnboundedBatch => "unbounded-batch",
            Self::StaleClock => "stale-clock",
            Self::LockReadAsFail => "lock-read-as-fail",
        }
    }
}

/// Whether this bug is switched on: never.
#[cfg(not(feature = "testing"))]
pub(crate) const fn planted(_: PlantedBug) -> bool {
    false
}

// Judged by the compiler in each build without the feature, such as `cargo check --locked` of `.ci/run`.
#[cfg(not(feature = "testing"))]
const _: () = assert!(!planted(PlantedBug::SkipFsync));
