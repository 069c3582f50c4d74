//! The guard on PostgreSQL 13 to 18: as many of them as are in `DRYGATE_TEST_SERVERS` (`make test-versions`), else what is installed.

use drygate::postgres::throwaway::{ClusterOptions, ServerBinaries};

use super::{Approved, commits_as_approved_alone, valid_for_2_hours};
use crate::changing::ChangedWorkspace;
use crate::rehearsal::versions::majors;

#[test]
fn on_every_version_what_was_approved_commits_and_nothing_else_does() {
    let (majors, path) = majors();
    for (major, bin) in majors {
        let options = ClusterOptions {
            binaries: Some(ServerBinaries::at(&bin).expect("a server")),
            ..ClusterOptions::default()
        };
        let world = ChangedWorkspace::of_demo_on(&options, valid_for_2_hours);
        let approved = Approved::of(world.on_path(path.clone().into()));
        let version = approved.world.workspace.sql("SHOW server_version_num");
        let version = version[0][0].as_ref().expect("a number");
        assert_eq!(version.len(), 6, "{version}");
        assert!(
            version.starts_with(&major.to_string()),
            "{major}: {version}"
        );
        commits_as_approved_alone(&approved);
    }
}
