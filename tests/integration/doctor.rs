//! `drygate doctor` and `drygate profile init` against a real server. Invariant: neither writes anything but the one new profile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::profile;
use serde_json::Value;

use crate::support::server::{Workspace, finish, own_cluster, text};

fn finding<'a>(document: &'a Value, name: &str) -> &'a Value {
    let findings = document["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document}"))
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let workspace = Workspace::new(Scenario::Draft);
    fs::set_permissions(workspace.data(), fs::Permissions::from_mode(0o700))
        .expect("our own folder");
    let url = workspace.url();
    let well = workspace
        .drygate(&["doctor", "--json", "--database-url", &url])
        .expect(0)
        .json();
    for name in [
        "data directory",
        "git",
        "repository",
        "profile",
        "rehearsal",
        "isolation",
        "database",
    ] {
        assert_eq!(finding(&well, name)["verdict"], "PASS", "{well}");
    }
    let rehearsal = text(&finding(&well, "rehearsal")["says"]);
    assert!(
        rehearsal.starts_with("production is PostgreSQL "),
        "{rehearsal}"
    );
    let isolation = text(&finding(&well, "isolation")["says"]);
    assert!(
        isolation.ends_with(" probes from inside held"),
        "{isolation}"
    );
    let database = text(&finding(&well, "database")["says"]);
    assert!(database.ends_with("the role cannot write"), "{database}");
    assert_eq!(finding(&well, "terminal")["verdict"], "NOT CHECKED");
    assert_eq!(
        fs::read_dir(workspace.data()).expect("a folder").count(),
        0,
        "nothing is written"
    );

    let without = workspace.drygate(&["doctor", "--json"]).expect(0).json();
    assert_eq!(finding(&without, "database")["verdict"], "NOT CHECKED");
    let rehearsal = text(&finding(&without, "rehearsal")["says"]);
    assert!(
        rehearsal.starts_with("production up to PostgreSQL "),
        "{rehearsal}"
    );

    // Nothing that walls in: no unshare, no bubblewrap.
    let few = workspace.place().join("few");
    fs::create_dir(&few).expect("a new folder");
    let linked = "for it; do ln -s \"$(command -v $it)\" \"$0\"; done";
    let linking = Command::new("sh")
        .args(["-c", linked])
        .arg(&few)
        .args(["git", "id"])
        .status();
    assert!(linking.expect("sh").success());
    let mut bare = workspace.command(&["doctor", "--json"]);
    let bare = finish(bare.env("PATH", &few).spawn().expect("the program starts"));
    let bare = bare.expect(0).json();
    let isolation = finding(&bare, "isolation");
    assert_eq!(isolation["verdict"], "NOT CHECKED", "{bare}");
    assert!(text(&isolation["next"]).contains("bubblewrap"), "{bare}");

    fs::create_dir_all(workspace.data().join("runs/notes\u{1b}[31m")).expect("a folder");
    fs::set_permissions(workspace.data(), fs::Permissions::from_mode(0o755))
        .expect("our own folder");
    let nowhere = format!("{url}&port=1&connect_timeout=1");
    let ill = workspace.drygate(&[
        "doctor",
        "--json",
        "--database-url",
        &nowhere,
        "--profile",
        "none",
    ]);
    let ill = ill.expect(9).json();
    assert_eq!(ill["verdict"], "FAIL");
    for (name, says) in [
        ("data directory", "mode 0755"),
        ("runs", "1 that do not read as runs"),
        ("profile", "none"),
    ] {
        let found = finding(&ill, name);
        assert_eq!(found["verdict"], "FAIL", "{found}");
        assert!(
            found["says"].as_str().is_some_and(|it| it.contains(says)),
            "{found}"
        );
        assert!(found["next"].is_string(), "{found}");
    }
    let unreachable = workspace.drygate(&["doctor", "--json", "--database-url", &nowhere]);
    let unreachable = unreachable.expect(9).json();
    assert_eq!(finding(&unreachable, "database")["verdict"], "FAIL");

    let people = workspace.drygate(&["doctor"]).expect(9).stdout;
    assert!(people.contains("FAIL         data directory"), "{people}");
    assert!(people.contains("chmod 700 "), "{people}");
    assert!(!people.contains('\u{1b}'), "{people}");
}

#[test]
fn the_doctor_sees_a_role_that_could_write() {
    let workspace = Workspace::new(Scenario::UnsafeRole);
    fs::set_permissions(workspace.data(), fs::Permissions::from_mode(0o700))
        .expect("our own folder");
    let url = workspace.url();
    let ill = workspace.drygate(&["doctor", "--json", "--database-url", &url]);
    let ill = ill.expect(9).json();
    let database = finding(&ill, "database");
    assert_eq!(database["verdict"], "FAIL");
    assert!(
        database["says"]
            .as_str()
            .is_some_and(|it| it.contains("could write in")),
        "{database}"
    );
}

#[test]
fn a_starting_profile_is_written_once_and_asks_for_the_tables_there() {
    let workspace = Workspace::new(Scenario::Draft);
    let file = workspace.place().join("mine.toml");
    let name = file.to_str().expect("UTF-8");
    let url = workspace.url();
    let written = workspace
        .drygate(&["profile", "init", name, "--database-url", &url])
        .expect(0);
    assert!(
        written.stderr.contains("drygate profile check"),
        "{}",
        written.stderr
    );
    let text = fs::read_to_string(&file).expect("a profile");
    let parsed = profile::parse(name, &text).expect("it parses");
    assert_eq!(parsed.target.expected_role, "context_pack_readonly");
    let counts: Vec<&str> = parsed
        .facts
        .iter()
        .filter_map(|fact| fact.count.as_deref())
        .collect();
    let tables = [
        "information_unit",
        "lifecycle_log",
        "source_document",
        "source_version",
        "unit_version",
    ];
    assert_eq!(counts, tables.map(|table| format!("public.{table}")));
    assert!(text.contains("\ntable = \"unit_version\""), "{text}");

    let again = workspace.drygate(&["profile", "init", name]).expect(64);
    assert!(
        again.stderr.contains("is left as it is"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read_to_string(&file).expect("a profile"), text);

    // What is proposed is answered.
    let words = ["profile", "check", name, "--database-url", &url];
    workspace.drygate(&words).expect(0);

    let bare = workspace.place().join("bare.toml");
    let bare_name = bare.to_str().expect("UTF-8");
    workspace.drygate(&["profile", "init", bare_name]).expect(0);
    let text = fs::read_to_string(&bare).expect("a profile");
    profile::parse(bare_name, &text).expect("it parses");
}

/// Units that are asked for, of which there are none.
const NO_UNITS: &str = "
[pieces]
sql = \"SELECT u.id AS key, u.id AS content FROM public.information_unit u WHERE false ORDER BY u.id COLLATE \\\"C\\\"\"
[candidates]
sql = \"SELECT u.id AS key, u.id AS content, u.state FROM public.information_unit u WHERE false ORDER BY u.id COLLATE \\\"C\\\"\"
[lifecycle]
states = [\"draft\", \"enacted\"]
initial = \"draft\"
target = \"enacted\"
cut = []
enact = []
";

/// The template with these replaced, in a file of the desk.
fn written(workspace: &Workspace, name: &str, edit: impl Fn(String) -> String) -> String {
    let file = workspace.place().join(name);
    let name = file.to_str().expect("UTF-8").to_owned();
    workspace
        .drygate(&["profile", "init", &name, "--database-url", &workspace.url()])
        .expect(0);
    let text = fs::read_to_string(&file).expect("a profile");
    fs::write(&file, edit(text)).expect("our own file");
    name
}

#[test]
fn the_doctor_fails_where_profile_check_fails() {
    let workspace = Workspace::new(Scenario::Draft);
    fs::set_permissions(workspace.data(), fs::Permissions::from_mode(0o700))
        .expect("our own folder");
    let url = workspace.url();
    let cases = [
        ("empty.toml", NO_UNITS, "database", "candidates_not_empty"),
        (
            "outside.toml",
            "[[ssot]]\nname = \"rules\"\npath = \"/dev/zero\"\n",
            "profile",
            "/dev/zero lies outside",
        ),
        (
            "id.toml",
            "# as in mychg-20261122T091402Z-8a941203\n",
            "profile",
            "is hard-coded",
        ),
    ];
    for (file, added, finding_of, why) in cases {
        let profile = written(&workspace, file, |text| text + added);
        let words = ["profile", "check", &profile, "--database-url", &url];
        let checked = workspace.drygate(&words);
        assert_ne!(checked.code, 0, "{}", checked.stdout);
        assert!(
            checked.stdout.contains(why) || checked.stderr.contains(why),
            "{}{}",
            checked.stdout,
            checked.stderr
        );
        let words = [
            "doctor",
            "--json",
            "--profile",
            &profile,
            "--database-url",
            &url,
        ];
        let ill = workspace.drygate(&words).expect(9).json();
        let found = finding(&ill, finding_of);
        assert_eq!(found["verdict"], "FAIL", "{found}");
        assert!(text(&found["says"]).contains(why), "{found}");
    }
}

#[test]
fn a_profile_is_checked_without_a_database_as_far_as_that_goes() {
    let workspace = Workspace::new(Scenario::Draft);
    let profile = written(&workspace, "mine.toml", |text| text);
    let checked = workspace
        .drygate(&["profile", "check", &profile])
        .expect(11);
    for said in [
        "PASS         sql_passes_guard",
        "NOT CHECKED  against_a_database",
        "candidates_not_empty",
        "--database-url",
    ] {
        assert!(checked.stdout.contains(said), "{said}: {}", checked.stdout);
    }
    let writes = written(&workspace, "writes.toml", |text| {
        text.replacen(
            "count = \"public.lifecycle_log\"",
            "sql = \"DELETE FROM public.lifecycle_log\"",
            1,
        )
    });
    let checked = workspace.drygate(&["profile", "check", &writes]).expect(9);
    assert!(
        checked.stdout.contains("not a plain read"),
        "{}",
        checked.stdout
    );
}

/// What the audit would find in a profile is told before a run exists; a document that may not be read before anybody is asked.
#[test]
fn what_a_profile_may_not_hold_or_name_is_told_before_anybody_is_asked() {
    let workspace = Workspace::new(Scenario::Draft);
    let url = workspace.url();
    let run = |profile: &str| {
        workspace.drygate(&[
            "run",
            "--headless",
            "--json",
            "--profile",
            profile,
            "--database-url",
            &url,
        ])
    };
    for (file, line, why) in [
        (
            "id.toml",
            "# as in mychg-20261122T091402Z-8a941203",
            "is hard-coded",
        ),
        (
            "secret.toml",
            "# postgresql://u:hunter2@db/kb",
            "a URL with a password",
        ),
    ] {
        let profile = workspace.profile(file, |text| format!("{text}\n{line}\n"));
        let refused = run(&profile).expect(78);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
        assert!(!workspace.data().join("runs").exists(), "no run is made");
    }
    let pipe = std::process::Command::new("mkfifo")
        .arg(workspace.place().join("pipe"))
        .status();
    assert!(pipe.expect("mkfifo runs").success());
    for (file, path, why) in [
        ("zero.toml", "/dev/zero", "/dev/zero lies outside"),
        ("pipe.toml", "pipe", "pipe is no regular file"),
    ] {
        let profile = workspace.profile(file, |text| {
            format!("{text}\n[[ssot]]\nname = \"rules\"\npath = \"{path}\"\n")
        });
        let failed = run(&profile).expect(9).json();
        assert!(
            text(&failed["message"]).contains(why),
            "{}",
            failed["message"]
        );
        let profile = workspace.profile(file, |text| {
            format!("{text}\n[tests]\nfull_discover = \"{path}\"\n")
        });
        let refused = run(&profile).expect(78);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}

#[test]
fn the_printed_role_is_one_that_a_survey_passes_with() {
    // The printed settings of a role are drift to every other run on the server.
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    workspace.sql(
        "CREATE ROLE fresh LOGIN;
         CREATE FUNCTION public.anybody() RETURNS integer LANGUAGE sql AS 'SELECT 1';
         GRANT TRUNCATE ON public.unit_version TO fresh;
         GRANT DELETE ON public.unit_version TO PUBLIC;
         CREATE ROLE clerk LOGIN;
         CREATE ROLE archivist LOGIN;
         GRANT DELETE ON public.unit_version TO archivist",
    );
    let profile = workspace.profile("fresh.toml", |built_in| {
        built_in.replace("context_pack_readonly", "fresh")
    });
    let of = |role: &str, words: &[&str]| {
        let url = workspace.url().replace("context_pack_readonly", role);
        let named = ["--profile", &profile, "--database-url", &url];
        workspace.drygate(&[words, &named].concat())
    };
    fs::set_permissions(workspace.data(), fs::Permissions::from_mode(0o700))
        .expect("our own folder");
    // Whoever owns the database asks first: the role may not even connect.
    let refused = of("fresh", &["doctor", "--json"]).expect(9).json();
    assert_eq!(
        finding(&refused, "database")["verdict"],
        "FAIL",
        "{refused}"
    );
    let sql = of("postgres", &["doctor", "--sql"]).expect(0).stdout;
    assert!(
        sql.contains("NOT CHECKED: what \"fresh\" itself may do"),
        "{sql}"
    );
    for statement in [
        "REVOKE DELETE ON public.unit_version FROM PUBLIC;",
        "REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;",
        "GRANT SELECT ON public.unit_version TO \"fresh\";",
    ] {
        assert!(sql.contains(statement), "{statement}: {sql}");
    }
    // Who has a grant of its own loses nothing, and neither does who had it through PUBLIC.
    let deletes = |sql: &str| {
        let named = sql.lines().filter(|line| line.starts_with("GRANT DELETE"));
        named.map(str::to_owned).collect::<String>()
    };
    assert!(deletes(&sql).contains("\"clerk\""), "{sql}");
    assert!(!deletes(&sql).contains("archivist"), "{sql}");
    workspace.sql(&sql);
    let may = |role: &str| {
        let asked =
            format!("SELECT has_table_privilege('{role}', 'public.unit_version', 'DELETE')::text");
        workspace.sql(&asked)[0][0].clone().expect("an answer")
    };
    assert_eq!(
        [may("clerk"), may("archivist"), may("fresh")],
        ["true", "true", "false"]
    );
    let before = of("fresh", &["doctor", "--json"]).expect(9).json();
    let says = text(&finding(&before, "database")["says"]);
    assert!(says.contains("could write in 1 ways"), "{says}");

    // Then the role itself.
    let own = of("fresh", &["doctor", "--sql"]).expect(0).stdout;
    assert!(
        own.contains("REVOKE TRUNCATE ON public.unit_version FROM \"fresh\";"),
        "{own}"
    );
    workspace.sql(&own);
    let after = of("fresh", &["doctor", "--json"]).expect(0).json();
    assert_eq!(finding(&after, "database")["verdict"], "PASS", "{after}");
    // What there is to grant does not depend on what is granted, nor on who asks.
    let grants = |sql: &str| {
        let granted = sql.lines();
        let granted =
            granted.filter(|line| line.starts_with("GRANT") && line.ends_with("TO \"fresh\";"));
        granted.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(grants(&own), grants(&sql));
    assert!(!own.contains("REVOKE EXECUTE"), "{own}");
}
