//! Poolers and engines without notifications in front of a store: polling is the protocol.
//! Invariant: what is missing changes the delay and nothing else.

use super::team::{PASS, Team};
use super::wire::StoreLink;
use crate::support::pooler::{PgBouncer, Pooler, pool};
use crate::support::server::{finish, text};

#[test]
fn a_run_is_followed_without_notifications() {
    for with_hints in [true, false] {
        let team = Team::new();
        let link = StoreLink::to(&team.store);
        if !with_hints {
            link.unknown("LISTEN drygate");
        }
        let one = team.machine("a", "alice");
        let url = if with_hints {
            team.store.url("bob", &team.database)
        } else {
            link.url("bob", &team.database)
        };
        let other = team.machine_at("b", &url);
        let first = one.run().expect(3).json();
        let run_id = text(&first["run_id"]).to_owned();
        let watching = other.start(&["watch", &run_id, "--events"]);
        let last = one.go_on(one.approve(&first, "SG1"));
        assert_eq!(last["result"], PASS);
        let watched = finish(watching).expect(0);
        let lines: Vec<&str> = watched.stdout.lines().collect();
        assert_eq!(lines, team.lines(&run_id), "hints: {with_hints}");
    }
}

#[test]
fn a_pooler_that_refuses_settings_at_startup_may_stand_in_front_of_a_store() {
    let team = Team::new();
    let host = tempfile::tempdir().expect("a directory");
    pool(&team.store, host.path(), Pooler::RefusesOptions);
    let url = |role: &str| {
        let (host, database) = (host.path().display(), &team.database);
        format!("postgresql:///{database}?host={host}&port=5432&user={role}")
    };
    let one = team.machine_at("a", &url("alice"));
    let other = team.machine_at("b", &url("bob"));
    let first = one.run().expect(3).json();
    let last = other.go_on(other.approve(&first, "SG1"));
    one.verify(text(&last["run_id"]));
}

#[test]
fn both_modes_of_pgbouncer_may_stand_in_front_of_a_store() {
    for mode in ["session", "transaction"] {
        let team = Team::new();
        let users = "\"alice\" \"\"\n\"bob\" \"\"\n";
        let settings = format!("auth_type = trust\npool_mode = {mode}\n");
        let Some(bouncer) = PgBouncer::start(&team.store, &settings, users) else {
            return;
        };
        let url = |role: &str| {
            let (host, port, database) =
                (bouncer.place().display(), PgBouncer::PORT, &team.database);
            format!("postgresql:///{database}?host={host}&port={port}&user={role}")
        };
        let one = team.machine_at("a", &url("alice"));
        let other = team.machine_at("b", &url("bob"));
        let first = one.run().expect(3).json();
        let last = other.go_on(other.approve(&first, "SG1"));
        one.verify(text(&last["run_id"]));
    }
}
