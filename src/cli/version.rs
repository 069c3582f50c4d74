//! What `drygate --version` prints. Invariant: it is about this very program, without a look at files or git ([`version`]).

use std::sync::LazyLock;

use crate::survey::EvidenceFormat;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    // A build of another kind has no commit, so that no build of a work tree with changes claims to be one.
    let commit = option_env!("DRYGATE_COMMIT").unwrap_or("not told: not built by scripts/dist");
    let built_for = || format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let target = option_env!("DRYGATE_TARGET").map_or_else(built_for, str::to_owned);
    format!(
        "{}\ncommit {commit}\ntarget {target}\nevidence format {}, profile schema 1, JSON documents 1",
        env!("CARGO_PKG_VERSION"),
        u32::from(EvidenceFormat::NEWEST)
    )
});

/// Version, commit, target and formats. `-V` prints the version alone.
pub(super) fn version() -> &'static str {
    &VERSION
}
