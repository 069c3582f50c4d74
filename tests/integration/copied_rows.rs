//! A run with a change on a database that others write to, and one whose process dies while rows lie on the disk.
//! Invariant: what moved inside of the declared range is approved and named row by row, what moved beyond it is drift; and the run
//! says that copied rows are on the disk until they are gone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use serde_json::Value;

use super::changing::ChangedWorkspace;
use super::rehearsal::ends::{named_in_processes, until};
use super::support::ground::clusters_of;
use super::support::server::{place_of_clusters, text};

const CHANGE: &str = "UPDATE public.note SET seen = true WHERE NOT seen;\n";

/// The rows that joined or left, by the last rehearsal of a run.
fn moved(world: &ChangedWorkspace, document: &Value) -> Value {
    let rehearsals = world.workspace.events(document, "change_rehearsed");
    rehearsals.last().expect("a rehearsal")["moved"].clone()
}

#[test]
fn rows_of_other_writers_inside_the_range_are_approved_and_named_and_one_beyond_is_drift() {
    let expect = "[{ table = \"public.note\", update = \"5..25\" }]";
    let world = ChangedWorkspace::new(CHANGE, Some(expect));
    let waiting = world.to_sg2();
    let workspace = &world.workspace;
    // Not touched by the change: it is not asked about.
    workspace.sql("INSERT INTO public.note SELECT n, true FROM generate_series(900, 930) AS n");
    thread::scope(|scope| {
        for writer in 0..20 {
            let insert = format!("INSERT INTO public.note VALUES ({}, false)", 100 + writer);
            scope.spawn(move || workspace.sql(&insert));
        }
    });
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    let rows = moved(&world, &sealed);
    assert_eq!(rows[0]["table"], "public.note");
    assert_eq!(rows[0]["operation"], "update");
    let joined = rows[0]["joined"].as_array().expect("keys");
    assert_eq!(joined.len(), 20, "{rows}");
    assert!(joined.iter().all(|key| text(key).len() == 64), "{rows}");
    assert_eq!(rows[0]["left"], serde_json::json!([]));
    let reports = fs::read_dir(workspace.run_dir(&sealed).join("kb")).expect("reports");
    let mut reports = reports.flatten().map(|report| report.path());
    let report = reports.find(|path| path.to_string_lossy().contains("14-rehearsal"));
    let report = fs::read_to_string(report.expect("report 14")).expect("a text");
    assert!(
        report.contains(&format!(
            "public.note update joined: key {}",
            text(&joined[0])
        )),
        "{report}"
    );
    world
        .drygate(&["verify", text(&sealed["run_id"])])
        .expect(0);
}

#[test]
fn one_row_beyond_the_range_is_drift_with_both_effects() {
    let expect = "[{ table = \"public.note\", update = \"5..24\" }]";
    let world = ChangedWorkspace::new(CHANGE, Some(expect));
    let waiting = world.to_sg2();
    world
        .workspace
        .sql("INSERT INTO public.note SELECT n, false FROM generate_series(100, 119) AS n");
    let drifted = world.approve(&waiting, "SG2").expect(4).json();
    let drift = &drifted["drift"];
    assert_eq!(drift[0]["key"], "effect.public.note");
    assert!(text(&drift[0]["approved"]).contains("update #5"), "{drift}");
    assert!(text(&drift[0]["found"]).contains("update #25"), "{drift}");
    let joined = moved(&world, &drifted)[0]["joined"].clone();
    assert_eq!(joined.as_array().expect("keys").len(), 20);
}

#[test]
fn a_run_that_was_killed_says_that_copied_rows_are_on_the_disk_until_the_next_start() {
    // Any start of the program removes what is left where it looks, so that a test beside this one would.
    let place = match place_of_clusters() {
        Some((_, place)) => tempfile::tempdir_in(place),
        None => tempfile::tempdir(),
    };
    let place = place.expect("a directory");
    // The account of the server must get through it.
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    // Without a row it ends at once.
    let world = ChangedWorkspace::new("SELECT pg_sleep(3600) FROM public.note LIMIT 1;\n", None)
        .with_clusters_in(place.path());
    let waiting = world.run().expect(3).json();
    let on_disk = || {
        let listed = world.drygate(&["runs", "--json"]).expect(0).json();
        listed["runs"][0]["copies_on_disk"].clone()
    };
    assert_eq!(on_disk(), false);
    let mut approving = world.spawn_approval(&waiting, "SG1");
    let owner = approving.id();
    until("the wait of the change", || {
        clusters_of(owner, place.path()).iter().any(|place| {
            // The rows are loaded, and their files are gone again.
            place.join("said").exists() && !place.join("rows-1").exists()
        }) && on_disk() == true
    });
    let places = clusters_of(owner, place.path());
    approving.kill().expect("ours");
    approving.wait().expect("ours");
    until("the end of every process", || {
        !places.iter().any(|place| named_in_processes(place))
    });
    assert!(places.iter().any(|place| place.exists()));
    assert_eq!(on_disk(), true);
    let listed = world.drygate(&["runs"]).expect(0).stdout;
    assert!(listed.contains("copied rows on disk"), "{listed}");
    let rejected = [
        "reject",
        text(&waiting["run_id"]),
        "SG1",
        "--reason",
        "it never ends",
    ];
    world.drygate(&rejected);
    assert_eq!(on_disk(), false);
    for place in &places {
        assert!(!place.exists(), "{} is left", place.display());
    }
}
