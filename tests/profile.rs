//! Profiles that are refused, each with the line and column of what is wrong. Invariant: the built-in profile with one change is what each row is about.

use std::io;
use std::path::Path;

use drygate::audit::scope;
use drygate::profile::{
    BUILT_IN, ProfileError, ProfileOrigin, TEXT_BYTES_MAX, built_in, load, parse, parse_recorded,
};
use drygate::run::{Check, CheckName, ClaimName, Gate, RunState, Verdict};
use proptest::prelude::{any, prop, proptest};
use rstest::rstest;

/// The built-in profile with one text replaced, and the line and column at which `mark` stands in it then.
fn changed(from: &str, to: &str, mark: &str) -> (String, String) {
    let text = BUILT_IN[0].1;
    assert!(text.contains(from), "the built-in profile has no {from:?}");
    let text = text.replacen(from, to, 1);
    let at = match mark.strip_prefix("2nd ") {
        Some(mark) => text.match_indices(mark).nth(1).expect("twice").0,
        None => text.find(mark).expect("the mark stands in the profile"),
    };
    let line = text[..at].matches('\n').count() + 1;
    let column = at - text[..at].rfind('\n').map_or(0, |newline| newline + 1) + 1;
    (text, format!("p.toml:{line}:{column}: "))
}

#[rstest]
#[case("schema = 1", "schema = 2", "2\n", "this version reads schema 1")]
#[case("name = \"icx-const\"", "name = \"ICX\"", "\"ICX\"", "a-z, 0-9")]
#[case("title =", "titel =", "titel", "the nearest is `title`")]
#[case("\"ictr\"", "\"\"", "\"\"\nresult", "1 to 16")]
#[case("\"ictr\"", "\"seventeen-letters\"", "\"seventeen", "1 to 16")]
#[case("\"O4_LIVE_DRYRUN_ORCHESTRATION\"", "\"o4\"", "\"o4\"", "A-Z")]
#[case("\"ICX-CONST\"", "\" \"", "\" \"", "collection must not be empty")]
#[case(
    "mode = \"dryrun\"",
    "mode = \"wet\"",
    "\"wet\"",
    "can only be \"dryrun\""
)]
#[case(
    "color = \"red\"",
    "color = \"rad\"",
    "\"rad\"",
    "the nearest is \"red\""
)]
#[case(
    "color = \"red\"",
    "colour = \"red\"",
    "colour",
    "the nearest is `color`"
)]
#[case(
    "\"context_pack_readonly\"",
    "\"\"",
    "\"\"\n\n[labels]",
    "expected_role"
)]
#[case("sg2 = \"allow ENACT\"\n", "", "[labels]", "missing key `sg2`")]
#[case(
    "name = \"icx-const lifecycle\"\n",
    "name = \"x\"\npath = \"x.md\"\n",
    "\"\"\"",
    "not both"
)]
#[case(
    "[[facts]]",
    "[[ssot]]\nname = \"x\"\n[[facts]]",
    "2nd [[ssot]]",
    "needs a path or a text"
)]
#[case(
    "key = \"icx_draft\"",
    "key = \"icx_total\"",
    "2nd \"icx_total\"",
    "two facts with the key"
)]
#[case(
    "key = \"icx_draft\"",
    "key = \"role\"",
    "\"role\"",
    "every survey has already"
)]
#[case(
    "key = \"icx_draft\"",
    "key = \"Draft!\"",
    "\"Draft!\"",
    "a-z, 0-9 and _"
)]
#[case(
    "key = \"fn_iu_enact_md5\"",
    "key = \"icx_total\"",
    "2nd \"icx_total\"",
    "two facts"
)]
#[case(
    "key = \"grant_matrix_sha\"",
    "key = \"icx_total\"",
    "2nd \"icx_total\"",
    "two facts"
)]
#[case(
    "key = \"unit_version\"",
    "key = \"icx_total\"",
    "2nd \"icx_total\"",
    "two facts"
)]
#[case(
    "type = \"integer\"",
    "type = \"intger\"",
    "\"intger\"",
    "the nearest is `integer`"
)]
#[case("live = true", "live = 1", "1\nsql", "boolean")]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "",
    "[[facts]]\nkey = \"lifecycle_log_rows\"",
    "needs sql or count"
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "sql = \"x\"\ncount = \"public.t\"",
    "\"public.t\"",
    "not both"
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "count = \"lifecycle_log\"",
    "\"lifecycle_log\"\n\n[[functions]]",
    "with its schema"
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "count = \"public.t; drop\"",
    "\"public.t; drop\"",
    "with its schema"
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "sql = \"x\"\nwhere = \"y\"",
    "\"y\"",
    "where belongs to count"
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "sql = \" \"",
    "\" \"",
    "facts.sql must not be empty"
)]
#[case("live = true", "expect = \"sixty\"", "\"sixty\"", "a whole number")]
#[case(
    "name = \"fn_iu_enact\"",
    "name = \"fn_iu_enact\"\nexpect = \"ABC\"",
    "\"ABC\"",
    "32 characters"
)]
#[case(
    "name = \"fn_iu_enact\"",
    "name = \"\"",
    "\"\"\n\n[[functions]]",
    "functions.name must be a name"
)]
#[case("schemas = [\"public\"]", "schemas = []", "[]", "must name a schema")]
#[case(
    "schemas = [\"public\"]",
    "schemas = [\"public\", \"public\"]",
    "\"public\"]",
    "twice"
)]
#[case(
    "table = \"source_document\"",
    "table = \"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss\"",
    "\"ssss",
    "63 bytes"
)]
#[case(
    "row_key = [\"id\"]",
    "row_key = [\"nope\"]",
    "\"nope\"",
    "none of the columns: id, collection"
)]
#[case("row_key = [\"id\"]", "row_key = []", "[]", "must name a column")]
#[case(
    "row_key = [\"id\"]",
    "row_key = [\"id\"]\nhide = [\"nope\"]",
    "\"nope\"",
    "none of the columns: id, collection"
)]
#[case(
    "row_key = [\"id\"]",
    "row_key = [\"id\"]\nhide = [\"id\"]",
    "\"id\"]\n\n",
    "part of row_key"
)]
#[case(
    "row_key = [\"id\"]",
    "row_key = [\"id\"]\nhide = [\"title\", \"title\"]",
    "\"title\"]\n\n",
    "twice"
)]
#[case(
    "\"id\", \"collection\", \"title\"",
    "\"id\", \"title\", \"title\"",
    "2nd \"title\"",
    "twice"
)]
#[case(
    "steps = [\"CUT\"",
    "steps = [\"CUT OFF\"",
    "[\"CUT OFF\"",
    "must be of 1 to 7 letters"
)]
#[case("03 = [\"o4", "3 = [\"o4", "[\"o4-impl", "a number from 01 to 14")]
#[case(
    "03 = [\"o4",
    "03 = [\"../../o4",
    "[\"../../o4",
    "must be of a-z, 0-9 and -"
)]
#[case(
    "forbidden_source_mutation = ",
    "forbidden_source_mutatio = ",
    "\"source_document /",
    "the nearest is \"forbidden_source_mutation\""
)]
#[case(
    "initial = \"draft\"",
    "initial = \"drat\"",
    "\"drat\"",
    "none of the states: draft, enacted"
)]
#[case(
    "target = \"enacted\"",
    "target = \"draft\"",
    "\"draft\"\ncut",
    "another state"
)]
#[case(
    "states = [\"draft\", \"enacted\"]",
    "states = [\"draft\", \"draft\", \"enacted\"]",
    "\"draft\", \"enacted\"]",
    "twice"
)]
#[case(
    "{ table = \"unit_version\", insert = 1 }",
    "{ table = \"information_unit\", insert = 1 }",
    "\"information_unit\", insert = 1 },\n]",
    "twice"
)]
#[case("insert = 1", "insert = -1", "-1", "")]
#[case(
    "[labels]",
    "[approvals]\nttl = \"8 hours\"\n[labels]",
    "\"8 hours\"",
    "such as 8h"
)]
#[case(
    "[labels]",
    "[approvals]\ndistinkt = true\n[labels]",
    "distinkt",
    "the nearest is `distinct`"
)]
#[case(
    "[labels]",
    "[timeouts]\nlock_ms = 0\n[labels]",
    "0\n[labels]",
    "from 1 to 86400000"
)]
#[case(
    "[labels]",
    "[budgets]\nrows_max = 0\n[labels]",
    "0\n[labels]",
    "budgets.rows_max must be from 1"
)]
#[case(
    "[labels]",
    "[budgets]\nrun_rows_max = 0\n[labels]",
    "0\n[labels]",
    "budgets.run_rows_max must be from 1"
)]
#[case(
    "[labels]",
    "[budgets]\nrun_seconds_max = 31536001\n[labels]",
    "31536001\n[labels]",
    "from 1 to 31536000"
)]
#[case(
    "[labels]",
    "[budgets]\nrun_bytes = 1\n[labels]",
    "run_bytes",
    "the nearest is `run_bytes_max`"
)]
#[case(
    "[labels]",
    "[budgets]\ntransaction_seconds_max = 90000\n[labels]",
    "90000\n[labels]",
    "from 1 to 86400"
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"role_is_read_only\"\nreason = \"x\"\n[labels]",
    "\"role_is_read_only\"",
    "cannot be excluded"
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"live_refused\"\nreason = \"x\"\n[labels]",
    "\"live_refused\"",
    "cannot be excluded"
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"database_can_be_surveyed\"\nreason = \"x\"\n[labels]",
    "\"database_can_be_surveyed\"",
    "cannot be excluded"
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"B\"\nreason = \"x\"\n[labels]",
    "\"B\"",
    "B cannot be excluded: it is a claim"
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"repository_presence\"\nreason = \"x\"\n[labels]",
    "\"repository_presence\"",
    "there is no check \"repository_presence\"; the nearest is \"repository_present\""
)]
#[case(
    "[labels]",
    "[[out_of_scope]]\ncheck = \"repository_present\"\nreason = \"\"\n[labels]",
    "\"\"\n[labels]",
    "reason must not be empty"
)]
#[case(
    "[labels]",
    "[role]\nallow = [\"\"]\n[labels]",
    "\"\"]",
    "must not be empty"
)]
#[case(
    "[labels]",
    "[hooks]\non_wiat = [\"x\"]\n[labels]",
    "on_wiat",
    "the nearest is `on_wait`"
)]
#[case(
    "[labels]",
    "[hooks]\non_wait = []\n[labels]",
    "[]\n[labels]",
    "must name a program"
)]
#[case(
    "[labels]",
    "[hooks]\non_stop = [\" \"]\n[labels]",
    "\" \"]",
    "hooks.on_stop must not be empty"
)]
#[case(
    "[labels]",
    "[hooks]\non_end = [\"x\", \"a\\u0000b\"]\n[labels]",
    "\"a\\u0000b\"]",
    "NUL byte"
)]
#[case(
    "[labels]",
    "[hooks]\non_end = \"a shell line\"\n[labels]",
    "\"a shell line\"",
    "expected a list"
)]
#[case(
    "[labels]",
    "[hooks]\ntimeout = \"10\"\n[labels]",
    "\"10\"\n[labels]",
    "no duration"
)]
#[case(
    "[labels]",
    "[hooks]\ntimeout = \"1h\"\n[labels]",
    "\"1h\"",
    "from 1s to 10m"
)]
#[case("[labels]", "[target]\n[labels]", "target]\n[labels]", "duplicate key")]
#[case("[labels]", "[labels", "\nsg1", "")]
fn one_change_is_refused_where_it_stands(
    #[case] from: &str,
    #[case] to: &str,
    #[case] mark: &str,
    #[case] says: &str,
) {
    let (text, position) = changed(from, to, mark);
    let error = parse("p.toml", &text).expect_err("refused").to_string();
    assert!(
        error.starts_with(&position),
        "{error}\nexpected at {position}"
    );
    assert!(error.contains(says), "{error}");
}

#[rstest]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "count = \"public.lifecycle_log\"\nwhere = \"true\""
)]
#[case(
    "sql = \"SELECT count(*)::text FROM public.lifecycle_log\"",
    "count = '\"My Schema\".\"My Table\"'"
)]
#[case("live = true", "expect = \"60\"")]
#[case(
    "[labels]",
    "[hooks]\non_wait = [\"notify\", \"\", \"$HOME; x\"]\ntimeout = \"10m\"\n[labels]"
)]
fn what_is_allowed_is_taken(#[case] from: &str, #[case] to: &str) {
    let text = BUILT_IN[0].1.replacen(from, to, 1);
    let taken = parse("p.toml", &text);
    assert!(taken.is_ok(), "{taken:?}");
}

#[test]
fn the_built_in_profile_is_valid_and_its_evidence_good_for_eight_hours() {
    let (profile, _) = built_in("icx-const").expect("valid");
    assert_eq!(profile.approvals.ttl_seconds(), 8 * 3600);
    assert_eq!(profile.approvals.needs_group(), None);
}

#[test]
fn the_first_problem_of_a_file_is_the_one_that_is_told() {
    let text = BUILT_IN[0]
        .1
        .replacen("initial = \"draft\"", "initial = \"x\"", 1);
    let (_, position) = changed("sg1 = \"allow CUT\"", "sg1 = \"\"", "\"\"\nsg2");
    let text = text.replacen("sg1 = \"allow CUT\"", "sg1 = \"\"", 1);
    let error = parse("p.toml", &text).expect_err("refused").to_string();
    assert!(error.starts_with(&position), "{error}");
}

/// The built-in profile with an exclusion in it.
fn excluding(check: &str) -> String {
    let exclusion =
        format!("[[out_of_scope]]\ncheck = {check:?}\nreason = \"for a reason\"\n[labels]");
    BUILT_IN[0].1.replacen("[labels]", &exclusion, 1)
}

#[test]
fn a_profile_may_exclude_what_the_checks_say_and_nothing_else() {
    for check in CheckName::ALL {
        let parsed = parse("p.toml", &excluding(check.name()));
        assert_eq!(
            parsed.is_ok(),
            check.may_be_excluded(),
            "{check}: {parsed:?}"
        );
    }
    let claims = ClaimName::ALL.iter().map(|claim| claim.name());
    for name in claims.chain(["invented", "repository", " role_is_read_only "]) {
        assert!(parse("p.toml", &excluding(name)).is_err(), "{name}");
    }
}

#[test]
fn the_contract_lists_each_check_with_its_gate_and_whether_it_may_be_excluded() {
    let contract = include_str!("../docs/contract.md");
    let rows = contract.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, gate, name, may, _, _] = cells[..] else {
            return None;
        };
        let known = Gate::ALL.iter().any(|known| known.name() == gate);
        known.then(|| (gate, name.trim_matches('`'), may))
    });
    let of_gates = CheckName::ALL.iter().filter_map(|check| {
        let may = if check.may_be_excluded() { "yes" } else { "no" };
        Some((check.gate()?.name(), check.name(), may))
    });
    assert_eq!(rows.collect::<Vec<_>>(), of_gates.collect::<Vec<_>>());
}

/// A run that was begun before an exclusion was refused is still read; the exclusion has no effect.
#[test]
fn the_profile_of_an_older_run_is_read_with_exclusions_that_are_refused_now() {
    for name in ["repository", "database_can_be_surveyed", "A"] {
        let profile = parse_recorded("p.toml", &excluding(name), None).expect("read");
        let check = profile.out_of_scope[0].check.clone();
        assert_eq!(check.name(), name);
        let failing = Check::evaluated(check, false, "It fails.", serde_json::json!(1));
        let judged = scope(&RunState::default(), &profile, vec![failing]);
        assert_eq!(judged[0].verdict, Verdict::Fail, "{name}");
    }
}

#[test]
fn a_profile_is_found_by_name_or_path() {
    let nothing = |_: &Path| Err(io::ErrorKind::NotFound.into());
    let found = load("icx-const", &nothing).expect("built in");
    assert_eq!(found.origin, ProfileOrigin::BuiltIn("icx-const"));
    assert_eq!(found.text, BUILT_IN[0].1);
    let read = |_: &Path| Ok(BUILT_IN[0].1.to_owned());
    let file = load("/p/x.toml", &read).expect("a file");
    assert_eq!(file.origin, ProfileOrigin::File("/p/x.toml".into()));
    assert_eq!(file.profile, found.profile);
    let unknown = load("icx-cnst", &nothing).expect_err("none");
    assert!(matches!(unknown, ProfileError::Unknown { .. }), "{unknown}");
    assert!(unknown.to_string().contains("icx-const"), "{unknown}");
    let missing = load("/p/x.toml", &nothing).expect_err("none").to_string();
    assert!(
        missing.starts_with("/p/x.toml: cannot be read: "),
        "{missing}"
    );
}

/// The built-in profile without the tables or arrays of tables of these names.
fn without(names: &[&str]) -> String {
    let mut kept = true;
    let lines = BUILT_IN[0].1.split_inclusive('\n');
    lines
        .filter(|line| {
            if line.starts_with('[') {
                let name = line.trim().trim_matches(['[', ']']);
                kept = !names.contains(&name);
            }
            kept
        })
        .collect()
}

const CHANGE: &str = "\n[change]\nrole = \"kb_migrator\"\nfiles = [\"enact.sql\"]\n";

#[test]
fn units_are_asked_for_as_a_whole_and_a_profile_without_a_change_asks_something() {
    let units = ["pieces", "candidates", "lifecycle"];
    let facts_alone = without(&[&units[..], &["labels"]].concat());
    let facts_alone = parse("p.toml", &facts_alone).expect("named by its steps");
    assert_eq!(facts_alone.gate_labels(false), ["allow CUT", "allow ENACT"]);
    assert_eq!(
        facts_alone.gate_labels(true),
        ["allow COPY", "allow CHANGE"]
    );
    let named = parse("p.toml", &without(&["labels"])).expect("named by its steps");
    assert_eq!(named.gate_labels(false), ["allow CUT", "allow ENACT"]);
    let plain = without(&[
        "labels",
        "words",
        "words.gates",
        "words.reports",
        "words.audit",
    ]);
    let plain = parse("p.toml", &plain).expect("plain words");
    assert_eq!(plain.gate_labels(false), ["allow PREPARE", "allow CHANGE"]);
    let facts_alone = parse("p.toml", &without(&[&units[..], &["grants"]].concat()));
    assert!(facts_alone.expect("facts alone").units().is_none());
    let none = without(&[&units[..], &["facts", "contents"]].concat());
    // Its run says that nothing was asked.
    parse("p.toml", &none).expect("nothing asked");
    let others = ["labels", "facts", "functions", "grants", "contents"];
    let alone = without(&[&units[..], &others].concat());
    let profile = parse("p.toml", &format!("{alone}{CHANGE}")).expect("a change alone");
    assert!(profile.units().is_none() && profile.facts.is_empty());
    assert_eq!(profile.gate_labels(true), ["allow COPY", "allow CHANGE"]);
    for name in units {
        let text = format!("{}{CHANGE}", without(&[name]));
        let error = parse("p.toml", &text).expect_err(name).to_string();
        assert!(
            error.contains(&format!("missing key `{name}`: ")),
            "{error}"
        );
        assert!(error.contains("together or not at all"), "{error}");
    }
}

#[rstest]
#[case(
    "copy_before_sg1 = true\n",
    "copy_before_sg1 = true\nbytes_per_second = 0\n",
    "bytes_per_second must be at least 1"
)]
#[case(
    "[rehearsal]\ncopy_before_sg1 = true\n",
    "",
    "needs copy_before_sg1 = true in [rehearsal]"
)]
#[case("gate = \"SG1\"", "gate = \"SG2\"", "there are two phases of SG2")]
#[case("files = [\"cut.sql\"]", "files = []", "a phase must name a file")]
#[case(
    "role = \"m\"",
    "role = \"m\"\nfiles = [\"x.sql\"]",
    "files or phases, not both"
)]
#[case("gate = \"SG1\"", "gate = \"SG3\"", "SG3")]
fn phases_are_refused_that_nobody_could_rehearse(
    #[case] from: &str,
    #[case] to: &str,
    #[case] says: &str,
) {
    let policy = "\n[change]\nrole = \"m\"\n\n[[change.phase]]\ngate = \"SG1\"\nfiles = [\"cut.sql\"]\n\n\
      [[change.phase]]\ngate = \"SG2\"\nfiles = [\"enact.sql\"]\n\n[rehearsal]\ncopy_before_sg1 = true\n";
    let text = |policy: &str| format!("{}{policy}", BUILT_IN[0].1);
    let profile = parse("p.toml", &text(policy)).expect("two phases");
    let files = profile.change.expect("a change");
    assert_eq!(files.files(), (vec!["cut.sql", "enact.sql"], Some(1)));
    assert!(policy.contains(from));
    let error = parse("p.toml", &text(&policy.replacen(from, to, 1))).expect_err("refused");
    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case(
    "role = \"m\"",
    "role = \"m\"\nfiles = [\"x.sql\"]",
    "files for psql or a command, not both"
)]
#[case("[\"sqitch\", \"deploy\"]", "[]", "name the program first")]
#[case("directory = \"db\"", "directory = \" \"", "must not be")]
#[case("SQITCH_FULLNAME", "\"A=B\"", "no name of a variable")]
#[case("/opt/sqitch", "opt/sqitch", "name an absolute directory")]
#[case("/opt/sqitch", "/home", "name an absolute directory")]
#[case("/opt/sqitch", "/opt/../home", "name an absolute directory")]
#[case("programs", "program", "programs")]
fn a_command_is_refused_that_nobody_could_carry_out(
    #[case] from: &str,
    #[case] to: &str,
    #[case] says: &str,
) {
    let policy = "\n[change]\nrole = \"m\"\n\n[change.command]\nrun = [\"sqitch\", \"deploy\"]\ndirectory = \"db\"\n\
      environment = { SQITCH_FULLNAME = \"A Person\" }\nprograms = [\"/opt/sqitch\"]\n";
    let text = |policy: &str| format!("{}{policy}", BUILT_IN[0].1);
    assert!(parse("p.toml", &text(policy)).is_ok());
    assert!(policy.contains(from));
    let error = parse("p.toml", &text(&policy.replacen(from, to, 1))).expect_err("refused");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_text_that_is_too_long_too_deep_or_marked_is_refused() {
    let refused = |text: &str| parse("p.toml", text).expect_err("refused").to_string();
    assert!(refused(&"#".repeat(TEXT_BYTES_MAX + 1)).starts_with("p.toml:1:1: the file is longer"));
    assert!(refused("\u{feff}schema = 1").contains("byte order mark"));
    for text in [
        format!("schema = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("schema = {}1{}", "{a=".repeat(50_000), "}".repeat(50_000)),
        format!("[{}b]\n", "a.".repeat(50_000)),
        format!("{}b = 1\n", "a.".repeat(50_000)),
        format!("[[{}b]]\n", "a.".repeat(50_000)),
        "[[a]]\n".repeat(100_000),
    ] {
        let error = refused(&text);
        assert!(
            error.starts_with("p.toml:"),
            "{}",
            &error[..error.len().min(200)]
        );
        assert!(error.len() < 500, "{} bytes", error.len());
    }
}

#[test]
fn what_a_file_says_is_escaped_before_it_is_printed() {
    let error = parse("p.toml", "\"\\u001b]52;c;\\u202e\\u0007\" = 1").expect_err("refused");
    assert!(
        !error
            .to_string()
            .chars()
            .any(|c| c.is_control() || c == '\u{202e}'),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_panics_the_parser(text in any::<String>()) {
        let _ = parse("p.toml", &text);
    }

    #[test]
    fn no_damage_to_a_profile_panics_the_parser(
        cuts in prop::collection::vec((0.0..1.0_f64, 0_usize..40, "[\\PC\n\"'\\[\\]{}=.#\\\\]{0,6}"), 1..6)

    ) {
        let mut text = BUILT_IN[0].1.to_owned();
        for (place, length, insert) in cuts {
            let start = text.floor_char_boundary(position(text.len(), place));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &insert);
        }
        if let Err(ProfileError::Invalid { line, column, .. }) = parse("p.toml", &text) {
            assert!(line >= 1 && line <= text.matches('\n').count() + 1 && column >= 1);
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a short text is far from the limits of either type"
)]
fn position(length: usize, share: f64) -> usize {
    (length as f64 * share) as usize
}
