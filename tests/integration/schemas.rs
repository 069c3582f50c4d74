//! What the program writes, against the JSON Schemas of `assets/schemas`. Invariant: every schema is held against real output, and a
//! member that a schema does not name is found.

use std::fs;
use std::path::{Path, PathBuf};

use drygate::postgres::throwaway::Scenario;
use jsonschema::Validator;
use rstest::rstest;
use serde_json::{Value, json};

use super::golden::{Place, V1};
use super::rehearsal::world::World;
use super::support::server::{Workspace, text};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/schemas")
}

fn schema(name: &str) -> Validator {
    let file = folder().join(format!("{name}.schema.json"));
    let schema = fs::read(file).expect("a schema of that name");
    let schema = serde_json::from_slice(&schema).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn breaches(name: &str, document: &Value) -> Vec<String> {
    schema(name)
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[track_caller]
fn check(name: &str, document: &Value) {
    let breaches = breaches(name, document);
    assert!(breaches.is_empty(), "{name}: {breaches:#?}\n{document:#}");
}

/// Every line of a file of JSON lines.
#[track_caller]
fn check_lines(name: &str, file: &Path) {
    let validator = schema(name);
    let lines = fs::read_to_string(file).expect("a file");
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let breaches: Vec<String> = validator
            .iter_errors(&line)
            .map(|error| error.to_string())
            .collect();
        assert!(breaches.is_empty(), "{breaches:#?}\n{line:#}");
    }
}

#[track_caller]
fn check_file(name: &str, file: &Path) {
    let document = fs::read(file).expect("a file");
    check(
        name,
        &serde_json::from_slice(&document).expect("one document"),
    );
}

#[rstest]
#[case::replay("replay", 0, &["replay", V1])]
#[case::replay_begun("replay", 0, &["replay", V1, "--at", "0"])]
#[case::replay_waiting("replay", 0, &["replay", V1, "--at", "30"])]
#[case::cast("replay-cast", 0, &["replay", V1, "--cast", "a.cast"])]
#[case::svg("replay-svg", 0, &["replay", V1, "--svg", "a.svg"])]
#[case::runs("runs", 0, &["runs"])]
#[case::diff("diff", 0, &["diff", V1])]
#[case::diff_evidence("diff", 0, &["diff", V1, "--evidence", "SG1"])]
#[case::diff_predicted("diff", 2, &["diff", V1, "--predicted"])]
#[case::diff_runs("diff", 0, &["diff", V1, V1])]
#[case::verify("verify", 0, &["verify", V1])]
#[case::report("report", 0, &["report", V1])]
#[case::export("export", 0, &["export", V1, "--output", "a.tar"])]
#[case::config("config", 0, &["config", "show"])]
#[case::doctor("doctor", 9, &["doctor"])]
#[case::profile_check("profile-check", 11, &["profile", "check"])]
#[case::profile_list("profile-list", 0, &["profile", "list"])]
#[case::profile_show("profile-show", 0, &["profile", "show", "icx-const"])]
#[case::profile_init("profile-init", 0, &["profile", "init", "new.toml"])]
#[case::resume("run", 0, &["resume", V1])]
#[case::watch("run", 0, &["watch", V1])]
#[case::reject("run", 6, &["reject", V1, "SG1", "--reason", "no"])]
#[case::usage("run", 64, &["no-such-command"])]
#[case::no_profile("run", 78, &["run", "--profile", "none"])]
#[case::no_run("run", 64, &["verify", "none"])]
#[case::no_server("run", 69, &["survey", "--database-url", "postgres://a@127.0.0.1:1/b"])]
fn what_needs_no_server(#[case] name: &str, #[case] code: i32, #[case] words: &[&str]) {
    let words = [words, &["--json"]].concat();
    check(name, &Place::new().drygate(&words).expect(code).json());
}

#[test]
fn what_is_beside_the_run() {
    let place = Place::new();
    let runs = place.0.path().join("data/runs");
    check_file("sidecar", &runs.join(V1).join("sidecar.json"));
    check_lines("journal", &runs.join(V1).join("journal.jsonl"));

    let archive = place.drygate(&["export", V1, "--output", "a.tar", "--json"]);
    check("export", &archive.expect(0).json());
    for (already, code) in [(true, 0), (false, 0)] {
        let imported = place.drygate(&["import", "a.tar", "--json"]);
        let imported = imported.expect(code).json();
        check("import", &imported);
        assert_eq!(imported["already_there"], already);
        fs::remove_dir_all(runs.join(V1)).expect("it is there");
    }

    let spoilt = Place::new();
    let runs = spoilt.0.path().join("data/runs");
    fs::create_dir(runs.join("something")).expect("a new folder");
    let journal = runs.join(V1).join("journal.jsonl");
    let forged = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, forged.replacen("PASS", "FAIL", 1)).expect("our own file");
    let listed = spoilt.drygate(&["runs", "--json"]).expect(0).json();
    check("runs", &listed);
    assert_eq!(listed["runs"].as_array().map(Vec::len), Some(2));
    check(
        "verify",
        &spoilt.drygate(&["verify", V1, "--json"]).expect(7).json(),
    );
}

#[test]
fn a_run_that_passes() {
    let workspace = Workspace::new(Scenario::Draft);
    let hooks = ["on_wait", "on_stop", "on_end"].map(|hook| {
        format!("{hook} = [\"/bin/sh\", \"-c\", \"cat > told-{hook}-$$; echo said\"]\n")
    });
    let profile = workspace.profile("hooked.toml", |built_in| {
        format!("{built_in}\n[hooks]\n{}", hooks.concat())
    });
    let url = workspace.url();
    let ask = |words: &[&str], code| {
        let with = ["--json", "--profile", &profile, "--database-url", &url];
        workspace
            .drygate(&[words, &with].concat())
            .expect(code)
            .json()
    };
    check("profile-check", &ask(&["profile", "check"], 0));
    check("survey", &ask(&["survey"], 0));
    let waiting = ask(&["run", "--headless"], 3);
    check("run", &waiting);
    check("runs", &ask(&["runs"], 0));
    let waiting = workspace.approve(&waiting, "SG1").expect(3).json();
    check("run", &waiting);
    let run_id = text(&waiting["run_id"]);
    check_file("sidecar", &workspace.run_dir(&waiting).join("sidecar.json"));
    let sealed = workspace.approve(&waiting, "SG2").expect(0).json();
    check("run", &sealed);

    check("recheck", &ask(&["recheck", run_id], 0));
    check("recheck", &ask(&["recheck", run_id, "--after"], 2));
    check("report", &ask(&["report", run_id], 0));
    check("diff", &ask(&["diff", run_id, "--predicted"], 2));
    let journal = workspace.run_dir(&sealed).join("journal.jsonl");
    check_lines("journal", &journal);
    check_file("report", &workspace.run_dir(&sealed).join("kb/report.json"));

    let told = fs::read_dir(workspace.place()).expect("a folder");
    let mut told: Vec<PathBuf> = told.map(|entry| entry.expect("an entry").path()).collect();
    told.retain(|path| path.to_string_lossy().contains("told-"));
    assert_eq!(told.len(), 3, "two waits and the end: {told:?}");
    for path in &told {
        check_file("hook", path);
    }

    let forged = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, forged.replacen("PASS", "FAIL", 1)).expect("our own file");
    check("recheck-refused", &ask(&["recheck", run_id], 7));
}

#[test]
fn runs_that_drift_and_that_end_otherwise() {
    let workspace = Workspace::new(Scenario::Enacted);
    let waiting = workspace.run().expect(3).json();
    workspace.sql(
        "UPDATE public.unit_version SET content = content || ' ' WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    check("run", &drifted);
    assert_ne!(drifted["drift"], json!([]));
    let run_id = text(&drifted["run_id"]);
    let differs = workspace.drygate(&["diff", run_id, "--json"]);
    let differs = differs.expect(2).json();
    check("diff", &differs);
    assert!(differs["facts"][0]["rows"][0].get("says").is_some());
    check(
        "replay",
        &workspace
            .drygate(&["replay", run_id, "--json"])
            .expect(0)
            .json(),
    );

    let anew = workspace.resume(&drifted).expect(3).json();
    check("run", &anew);
    let words = ["reject", run_id, "SG1", "--reason", "not today", "--json"];
    check("run", &workspace.drygate(&words).expect(5).json());
    check(
        "report",
        &workspace
            .drygate(&["report", run_id, "--json"])
            .expect(0)
            .json(),
    );
    check(
        "runs",
        &workspace.drygate(&["runs", "--json"]).expect(0).json(),
    );
    check_lines(
        "journal",
        &workspace.run_dir(&drifted).join("journal.jsonl"),
    );
}

#[test]
fn a_profile_is_what_its_schema_says() {
    let place = Place::new();
    place
        .drygate(&["profile", "init", "starting.toml"])
        .expect(0);
    let starting = place.0.path().join("starting.toml");
    let starting = fs::read_to_string(starting).expect("it was written");
    let (_, built_in) = drygate::profile::built_in("icx-const").expect("it parses");
    for profile in [&*starting, built_in] {
        let profile: Value = toml::from_str(profile).expect("TOML");
        check("profile", &profile);
    }
    let unknown = built_in.replacen("[target]", "[target]\ncolour = \"red\"", 1);
    let unknown: Value = toml::from_str(&unknown).expect("TOML");
    let breaches = breaches("profile", &unknown);
    assert_eq!(breaches.len(), 1, "{breaches:?}");
    assert!(breaches[0].contains("colour"), "{breaches:?}");
}

/// Adds one member to every object of a document, one after the other, and gives how many of these the schema finds and takes.
fn planted(name: &str, document: &Value) -> (usize, Vec<String>) {
    let validator = schema(name);
    let (mut found, mut taken) = (0, Vec::new());
    let mut open = vec![String::new()];
    while let Some(pointer) = open.pop() {
        let value = document.pointer(&pointer).expect("it is there");
        if let Some(members) = value.as_object() {
            let mut other = document.clone();
            other.pointer_mut(&pointer).expect("it is there")["planted"] = json!([null]);
            if validator.is_valid(&other) {
                taken.push(pointer.clone());
            } else {
                found += 1;
            }
            open.extend(members.keys().map(|key| {
                let key = key.replace('~', "~0").replace('/', "~1");
                format!("{pointer}/{key}")
            }));
        }
        let items = value.as_array().map_or(0, Vec::len);
        open.extend((0..items).map(|nth| format!("{pointer}/{nth}")));
    }
    (found, taken)
}

#[rstest]
#[case("replay", &["replay", V1], &["/replay/event"])]
#[case("report", &["report", V1], &["/raw"])]
#[case("runs", &["runs"], &[])]
#[case("diff", &["diff", V1, "--predicted"], &[])]
#[case("doctor", &["doctor"], &[])]
#[case("profile-check", &["profile", "check"], &["/raw"])]
#[case("profile-list", &["profile", "list"], &[])]
#[case("profile-show", &["profile", "show"], &[])]
#[case("profile-init", &["profile", "init", "new.toml"], &[])]
fn a_member_that_no_schema_names_is_found(
    #[case] name: &str,
    #[case] words: &[&str],
    #[case] free: &[&str],
) {
    let document = Place::new().drygate(&[words, &["--json"]].concat()).json();
    let (found, mut taken) = planted(name, &document);
    assert!(found > 0);
    taken.retain(|pointer| !free.iter().any(|free| pointer.contains(free)));
    assert_eq!(taken, Vec::<String>::new(), "these take anything");
}

#[test]
fn a_rehearsal() {
    let world = World::shared();
    for (script, code) in [
        ("DELETE FROM shop.spare WHERE id = 1", 0),
        ("SELECT 1/0", 9),
    ] {
        check("rehearse", &world.rehearse(script).expect(code).json());
    }
}

#[test]
fn every_schema_is_held_against_something() {
    let here = include_str!("schemas.rs");
    for file in fs::read_dir(folder()).expect("a folder") {
        let file = file.expect("an entry").file_name();
        let file = file.to_string_lossy().into_owned();
        let name = file.trim_end_matches(".schema.json");
        assert!(here.contains(&format!("\"{name}\"")), "{file}");
    }
}
