//! A store on PostgreSQL 13 to 18: as many of them as are in `DRYGATE_TEST_SERVERS` (`make test-versions`), else what is installed.

use drygate::postgres::throwaway::{ClusterOptions, ServerBinaries};

use super::team::Team;
use crate::rehearsal::versions::majors;
use crate::support::server::text;

#[test]
fn on_every_version_a_run_goes_through_two_machines() {
    for (major, bin) in majors().0 {
        let team = Team::on(&ClusterOptions {
            binaries: Some(ServerBinaries::at(&bin).expect("a server")),
            ..ClusterOptions::default()
        });
        let version = team.value("SHOW server_version_num");
        assert!(version.starts_with(&major.to_string()), "{version}");
        let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
        let first = one.run().expect(3).json();
        let last = one.go_on(other.approve(&first, "SG1"));
        let run_id = text(&last["run_id"]);
        one.verify(run_id);
        other.verify(run_id);
    }
}
