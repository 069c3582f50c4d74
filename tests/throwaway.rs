//! The throwaway cluster and the demo content against a real server. Invariant: every test starts its own cluster and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use drygate::postgres::throwaway::{
    Cluster, ClusterOptions, ClusterOrigin, Scenario, ThrowawayError, sweep_abandoned,
};

const DB: &str = "kb";
const READER: &str = "context_pack_readonly";
const CONSTITUTION: &str = include_str!("../assets/demo/constitution.txt");
const PIECES: &str = include_str!("../assets/demo/pieces.sql");
const CANDIDATES: &str = include_str!("../assets/demo/candidates.sql");
/// Set for the child process that plays a crashing owner.
const OWNER_ROLE: &str = "DRYGATE_TEST_CLUSTER_OWNER";

const COUNTS: &str = "SELECT
  (SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST'),
  (SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST' AND state = 'draft'),
  (SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST' AND state = 'enacted'),
  (SELECT count(*) FROM public.unit_version WHERE enacted_at IS NOT NULL),
  (SELECT count(*) FROM public.lifecycle_log),
  (SELECT count(*) FROM public.source_document), (SELECT count(*) FROM public.source_version)";

/// The tables of a scenario.
const TABLES: &str = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1";

/// Functions, owners and grants of a scenario, in lines.
const DEFINITIONS: &str = "WITH own AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')
  SELECT 'f ' || pg_get_functiondef(oid) || proowner::regrole || proacl::text FROM pg_proc WHERE pronamespace IN (SELECT oid FROM own)
  UNION ALL SELECT 'c ' || oid::regclass || relowner::regrole || coalesce(relacl::text, '-')
              FROM pg_class WHERE relnamespace IN (SELECT oid FROM own)
  UNION ALL SELECT 'a ' || attrelid::regclass || attname || attacl::text FROM pg_attribute WHERE attacl IS NOT NULL
               AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM own))
  UNION ALL SELECT 'n ' || nspname || nspowner::regrole || nspacl::text FROM own
  UNION ALL SELECT 'b ' || datdba::regrole || datacl::text FROM pg_database WHERE datname = current_database()
  ORDER BY 1";

/// Everything that a scenario consists of.
fn content(cluster: &Cluster) -> Vec<Vec<String>> {
    let mut content = rows(cluster, "postgres", DEFINITIONS);
    for table in rows(cluster, "postgres", TABLES) {
        let read = format!("SELECT '{0}', t::text FROM {0} t ORDER BY 2", table[0]);
        content.extend(rows(cluster, "postgres", &read));
    }
    assert!(content.len() > 20, "{content:?}");
    content
}

/// Every row of the demo with its key, in an order that no change of a text moves.
const ROWS: &str = "SELECT id, t::text FROM public.source_document t
  UNION ALL SELECT id, t::text FROM public.source_version t
  UNION ALL SELECT id, t::text FROM public.information_unit t
  UNION ALL SELECT id, t::text FROM public.unit_version t
  UNION ALL SELECT id, t::text FROM public.lifecycle_log t
  ORDER BY id";

fn start() -> Cluster {
    Cluster::start(&ClusterOptions::default()).expect("a server is installed")
}

fn loaded(scenario: Scenario) -> Cluster {
    let cluster = start();
    cluster
        .load_scenario(DB, scenario)
        .expect("the scenario loads");
    cluster
}

/// All rows, every value shown; NULL reads as a word that no value has.
fn rows(cluster: &Cluster, user: &str, sql: &str) -> Vec<Vec<String>> {
    let rows = cluster
        .query(user, DB, sql)
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
    rows.into_iter()
        .map(|row| {
            row.into_iter()
                .map(|value| value.unwrap_or_else(|| "<NULL>".into()))
                .collect()
        })
        .collect()
}

/// Under the empty search_path that a survey has.
fn rows_as_surveyed(cluster: &Cluster, sql: &str) -> Vec<Vec<String>> {
    let sql = format!(
        "BEGIN READ ONLY; SET LOCAL search_path = ''; DECLARE c NO SCROLL CURSOR FOR\n{sql}\n; FETCH ALL FROM c; ROLLBACK"
    );
    rows(cluster, READER, &sql)
}

fn refusal(cluster: &Cluster, user: &str, sql: &str) -> String {
    match cluster.query(user, DB, sql) {
        Err(ThrowawayError::Refused { message, .. }) => message,
        other => panic!("{sql} was not refused: {other:?}"),
    }
}

/// The reference cut: what the text file says, read by a third hand.
fn cut_by_hand() -> Vec<(String, String)> {
    let mut units: Vec<(String, Vec<&str>)> = Vec::new();
    for line in CONSTITUTION.lines() {
        if let Some(key) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            units.push((key.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = units.last_mut() {
            lines.push(line);
        }
    }
    units
        .into_iter()
        .map(|(key, lines)| (key, lines.join("\n").trim_end().to_owned()))
        .collect()
}

/// The words that differ between two texts; both have equally many.
#[track_caller]
fn changed_words<'a>(before: &'a str, after: &'a str) -> Vec<(&'a str, &'a str)> {
    let words = |text: &'a str| text.split_whitespace().collect::<Vec<_>>();
    let (before, after) = (words(before), words(after));
    assert_eq!(before.len(), after.len(), "{before:?} {after:?}");
    let pairs = before.into_iter().zip(after);
    pairs.filter(|(old, new)| old != new).collect()
}

#[test]
fn a_cluster_answers_by_its_url_and_leaves_nothing_behind() {
    let cluster = start();
    let dir = cluster.socket_dir().to_path_buf();
    let pid = cluster.postmaster_pid();
    let socket = dir.join(".s.PGSQL.5432");
    assert!(socket.as_os_str().len() <= 103, "{}", socket.display());

    let config: tokio_postgres::Config = cluster
        .url("o'brien & co", "a/b")
        .parse()
        .expect("tokio-postgres reads it");
    assert_eq!(
        config.get_hosts(),
        [tokio_postgres::config::Host::Unix(dir.clone())]
    );
    assert_eq!(
        (config.get_user(), config.get_dbname()),
        (Some("o'brien & co"), Some("a/b"))
    );

    let asked = cluster.query(
        "postgres",
        "postgres",
        "SHOW listen_addresses; SELECT pg_postmaster_start_time() <= now()",
    );
    assert_eq!(
        asked.expect("it answers"),
        [[Some(String::new())], [Some("t".to_owned())]]
    );

    cluster.stop().expect("it stops");
    assert!(!dir.exists());
    assert!(!is_running(pid), "the server {pid} still runs");
}

#[test]
fn the_server_is_out_of_reach_of_the_terminals_ctrl_c() {
    let cluster = start();
    let group = |pid| rustix::process::getpgid(Some(process_id(pid))).expect("it runs");
    assert_ne!(group(cluster.postmaster_pid()), group(std::process::id()));
}

#[test]
fn a_server_that_was_halted_can_still_be_stopped() {
    let cluster = start();
    let (pid, dir) = (cluster.postmaster_pid(), cluster.socket_dir().to_path_buf());
    rustix::process::kill_process(process_id(pid), rustix::process::Signal::STOP).expect("it runs");
    drop(cluster);
    assert!(!dir.exists() && !is_running(pid));
}

#[test]
fn options_reach_the_server_and_statements_reach_the_log() {
    let options = ClusterOptions {
        log_statement_all: true,
        settings: vec![
            ("max_connections".into(), "7".into()),
            ("application_name".into(), "it's us".into()),
        ],
        ..Default::default()
    };
    let cluster = Cluster::start(&options).expect("a server is installed");
    let sql = "SHOW max_connections; SELECT 'seen in the log'; SELECT reset_val FROM pg_settings WHERE name = 'port'";
    let asked = cluster
        .query("postgres", "postgres", sql)
        .expect("it answers");
    assert_eq!(asked[0], [Some("7".to_owned())]);
    let log = fs::read_to_string(cluster.log_path()).expect("the log is readable for us");
    assert!(
        log.contains("statement: SHOW max_connections; SELECT 'seen in the log'"),
        "{log}"
    );
}

#[test]
fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let options = ClusterOptions {
        settings: vec![("shared_buffers".into(), "none".into())],
        ..Default::default()
    };
    let error = Cluster::start(&options).expect_err("the setting is nonsense");
    assert!(matches!(error, ThrowawayError::Start { .. }), "{error}");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}

#[test]
fn the_enacted_base_has_the_figures_of_the_source_report() {
    let cluster = loaded(Scenario::Enacted);
    assert_eq!(
        rows(&cluster, READER, COUNTS),
        [["60", "0", "60", "60", "60", "2", "3"]]
    );
    let current = "SELECT v.id FROM public.source_version v JOIN public.source_document d ON d.id = v.document_id
                    WHERE d.collection = 'ICX-CONST' AND v.is_current";
    assert_eq!(rows(&cluster, READER, current), [["SRC-ICX-CONST/v2"]]);
}

#[test]
fn pieces_and_candidates_are_the_text_cut_by_hand() {
    let cluster = loaded(Scenario::Draft);
    let expected = cut_by_hand();
    assert_eq!(expected.len(), 60);
    assert!(
        expected[16]
            .1
            .starts_with("Điều 17. Thời hạn lưu giữ\nCác phiên bản cũ")
    );
    assert!(
        expected[59]
            .1
            .ends_with("the duty to preserve and follow this Constitution.")
    );

    let pieces = rows_as_surveyed(&cluster, PIECES);
    let candidates = rows_as_surveyed(&cluster, CANDIDATES);
    for (index, (key, content)) in expected.iter().enumerate() {
        assert_eq!(pieces[index], [key.as_str(), content]);
        assert_eq!(candidates[index], [key.as_str(), content, "draft"]);
    }
    assert_eq!((pieces.len(), candidates.len()), (60, 60));
}

#[test]
fn every_unit_reads_in_vietnamese_and_then_in_english() {
    for (index, (key, content)) in cut_by_hand().iter().enumerate() {
        let number = index + 1;
        let [title, paragraph, english] = content.lines().collect::<Vec<_>>()[..] else {
            panic!("{key} has a title, a paragraph and an English line: {content}");
        };
        assert!(title.starts_with(&format!("Điều {number}. ")), "{title}");
        assert!(!paragraph.is_ascii(), "{paragraph}");
        assert!(
            english.starts_with(&format!("Article {number}. ")) && english.is_ascii(),
            "{english}"
        );
    }
}

#[test]
fn the_built_in_profile_asks_with_the_sql_tested_here() {
    let profile = include_str!("../assets/profiles/icx-const.toml");
    assert!(profile.contains(PIECES), "pieces");
    assert!(profile.contains(CANDIDATES), "candidates");
}

#[test]
fn the_reader_reads_everything_and_writes_nothing() {
    let cluster = loaded(Scenario::Enacted);
    for table in [
        "source_document",
        "source_version",
        "information_unit",
        "unit_version",
        "lifecycle_log",
    ] {
        rows(&cluster, READER, &format!("SELECT * FROM public.{table}"));
        for sql in [
            format!("DELETE FROM public.{table}"),
            format!("INSERT INTO public.{table} DEFAULT VALUES"),
            format!("UPDATE public.{table} SET id = id"),
            format!("TRUNCATE public.{table} CASCADE"),
        ] {
            assert!(
                refusal(&cluster, READER, &sql).starts_with("42501 "),
                "{sql}"
            );
        }
    }
    for sql in [
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "SELECT public.fn_iu_enact('ICX-CONST-0001', 'r')",
        "SELECT public.fn_iu_apply_edit_draft('ICX-CONST-0001', 'x')",
        "SET ROLE kb_owner",
    ] {
        assert!(
            refusal(&cluster, READER, sql).starts_with("42501 "),
            "{sql}"
        );
    }
    assert!(
        matches!(
            cluster.query("kb_owner", DB, "SELECT 1"),
            Err(ThrowawayError::Refused { .. })
        ),
        "NOLOGIN"
    );
}

#[test]
fn the_unsafe_role_has_one_write_grant_more() {
    let cluster = loaded(Scenario::UnsafeRole);
    assert_eq!(
        rows(&cluster, READER, COUNTS),
        [["60", "0", "60", "60", "60", "2", "3"]]
    );
    rows(
        &cluster,
        READER,
        "BEGIN; UPDATE public.unit_version SET content = content; ROLLBACK",
    );
    assert!(
        refusal(
            &cluster,
            READER,
            "UPDATE public.unit_version SET enacted_at = NULL"
        )
        .starts_with("42501 ")
    );
}

#[test]
fn fn_iu_enact_enacts_a_draft_once() {
    let cluster = loaded(Scenario::Draft);
    assert_eq!(
        rows(&cluster, READER, COUNTS),
        [["60", "60", "0", "0", "0", "2", "3"]]
    );

    let enact = "SELECT public.fn_iu_enact('ICX-CONST-0007', 'đã kiểm chứng')";
    assert_eq!(rows(&cluster, "postgres", enact), [["ICX-CONST-0007/v1"]]);
    assert_eq!(
        rows(&cluster, READER, COUNTS),
        [["60", "59", "1", "1", "1", "2", "3"]]
    );
    let log =
        "SELECT l.id, l.from_state, l.to_state, l.actor, l.reason, l.occurred_at = v.enacted_at
                 FROM public.lifecycle_log l JOIN public.unit_version v USING (unit_id)";
    assert_eq!(
        rows(&cluster, READER, log),
        [[
            "ICX-CONST-0007/1",
            "draft",
            "enacted",
            "postgres",
            "đã kiểm chứng",
            "t"
        ]]
    );

    assert!(refusal(&cluster, "postgres", enact).contains("is no draft, it is enacted"));
    let unknown = "SELECT public.fn_iu_enact('ICX-CONST-0061', 'r')";
    assert!(refusal(&cluster, "postgres", unknown).contains("does not exist"));
    assert_eq!(
        rows(&cluster, READER, COUNTS),
        [["60", "59", "1", "1", "1", "2", "3"]]
    );
}

#[test]
fn fn_iu_apply_edit_draft_makes_a_new_version_of_a_draft_only() {
    let cluster = loaded(Scenario::Draft);
    let edit = "SELECT public.fn_iu_apply_edit_draft('ICX-CONST-0002', E'Điều 2. Mục tiêu\\nPhục vụ con người.')";
    assert_eq!(rows(&cluster, "postgres", edit), [["ICX-CONST-0002/v2"]]);
    assert_eq!(
        rows(&cluster, "postgres", edit),
        [["ICX-CONST-0002/v2"]],
        "the same text is no new version"
    );
    let versions = "SELECT v.id, v.is_current, u.title FROM public.unit_version v
                      JOIN public.information_unit u ON u.id = v.unit_id WHERE u.id = 'ICX-CONST-0002' ORDER BY v.id";
    assert_eq!(
        rows(&cluster, READER, versions),
        [
            ["ICX-CONST-0002/v1", "f", "Điều 2. Mục tiêu"],
            ["ICX-CONST-0002/v2", "t", "Điều 2. Mục tiêu"]
        ]
    );
    rows(
        &cluster,
        "postgres",
        "SELECT public.fn_iu_enact('ICX-CONST-0002', 'r')",
    );
    assert!(refusal(&cluster, "postgres", edit).contains("is no draft"));
}

#[test]
fn two_clusters_from_the_printed_sql_are_the_same_content() {
    let (one, two) = (start(), start());
    // Another superuser, as on somebody else's machine, must not show.
    two.load("postgres", "CREATE ROLE boss SUPERUSER LOGIN")
        .expect("we are superuser");
    for scenario in Scenario::ALL {
        let loaded = |cluster: &Cluster, superuser: &str| {
            // The database is dropped again: the owner role and the grants of one scenario must not lean on another's.
            cluster
                .query(superuser, "postgres", &format!("CREATE DATABASE {DB}"))
                .expect("a fresh database");
            cluster
                .query(superuser, DB, &scenario.base_sql())
                .expect("the printed SQL loads");
            let content = content(cluster);
            cluster
                .load("postgres", &format!("DROP DATABASE {DB}"))
                .expect("nobody is in it");
            content
        };
        assert_eq!(loaded(&one, "postgres"), loaded(&two, "boss"), "{scenario}");
    }
}

#[test]
fn the_intrusion_changes_one_word_of_each_language_in_the_unit_and_its_source() {
    let cluster = loaded(Scenario::Drift);
    let (counts, before) = (rows(&cluster, READER, COUNTS), rows(&cluster, READER, ROWS));
    cluster
        .load(
            DB,
            Scenario::Drift
                .intrusion_sql()
                .expect("drift has an intruder"),
        )
        .expect("it runs");
    let after = rows(&cluster, READER, ROWS);

    assert_eq!(rows(&cluster, READER, COUNTS), counts);
    assert_eq!(after.len(), before.len());
    let moved: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (&*old[0], changed_words(&old[1], &new[1])))
        .collect();
    let words = vec![("bảy", "năm"), ("seven", "five")];
    assert_eq!(
        moved,
        [
            ("ICX-CONST-0017/v1", words.clone()),
            ("SRC-ICX-CONST/v2", words)
        ]
    );
    let units = rows_as_surveyed(&cluster, CANDIDATES);
    for words in ["ít nhất năm năm", "for at least five years"] {
        assert!(units[16][1].contains(words), "{}", units[16][1]);
    }
    let pieces = rows_as_surveyed(&cluster, PIECES);
    assert!(
        pieces
            .iter()
            .zip(&units)
            .all(|(piece, unit)| piece[..] == unit[..2]),
        "the cut still fits"
    );
    assert!(Scenario::Enacted.intrusion_sql().is_none());
}

/// Not a test of its own: the owner that the next test kills.
#[test]
fn owner_that_is_killed() {
    if std::env::var_os(OWNER_ROLE).is_none() {
        return;
    }
    let cluster = start();
    fs::write(
        "/dev/stdout",
        format!(
            "cluster {} {}\n",
            cluster.postmaster_pid(),
            cluster.socket_dir().display()
        ),
    )
    .expect("the parent reads");
    // Ends only by the signal, or with the parent.
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("the parent holds the other end");
}

#[test]
fn a_sweep_takes_what_a_killed_owner_left() {
    let mut owner = Command::new(std::env::current_exe().expect("we run"))
        .args(["--exact", "owner_that_is_killed", "--nocapture"])
        .env(OWNER_ROLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary runs");
    let (pid, dir) = announced(BufReader::new(owner.stdout.take().expect("piped")));

    assert!(
        !sweep_abandoned().contains(&dir),
        "a living owner keeps its cluster"
    );
    assert!(UnixStream::connect(dir.join(".s.PGSQL.5432")).is_ok());

    owner.kill().expect("it waits for us");
    owner.wait().expect("it was killed");
    // Another test's start may have swept first; what counts is that it is gone.
    sweep_abandoned();
    wait_while(|| dir.exists());
    // Not by and by: a server whose files are gone gives up by itself a minute later.
    assert!(
        !is_running(pid),
        "the files of a running server were removed"
    );
}

fn announced(mut lines: impl BufRead) -> (u32, PathBuf) {
    let mut line = String::new();
    while lines.read_line(&mut line).expect("the owner speaks") > 0 {
        if let Some(at) = line.find("cluster ") {
            let (pid, dir) = line[at + 8..]
                .trim_end()
                .split_once(' ')
                .expect("pid and directory");
            return (pid.parse().expect("a pid"), PathBuf::from(dir));
        }
        line.clear();
    }
    panic!("the owner ended without a cluster");
}

fn process_id(pid: u32) -> rustix::process::Pid {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("a process id")
}

/// A zombie has ended; only its number remains, without a command line.
fn is_running(pid: u32) -> bool {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    }
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .expect("ps is there");
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn wait_while(holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while holds() {
        assert!(
            std::time::Instant::now() < deadline,
            "still so after a minute"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_marker_that_is_not_ours_is_no_invitation() {
    let dir = Path::new("/tmp").join(format!("drygate-pg-test{}", std::process::id()));
    fs::create_dir(&dir).expect("a new name");
    fs::write(dir.join("letter.txt"), "mine").expect("ours");
    assert!(!sweep_abandoned().contains(&dir));
    assert!(dir.join("letter.txt").exists());
    fs::remove_dir_all(&dir).expect("ours");
}

#[test]
fn a_copied_cluster_is_another_server_with_the_same_files_and_a_made_one_has_its_own_identity() {
    let made = ClusterOptions {
        origin: ClusterOrigin::Made,
        ..Default::default()
    };
    let identity = |options| {
        let cluster = Cluster::start(options).expect("a server is installed");
        let asked = cluster.query(
            "postgres",
            "postgres",
            "SELECT system_identifier::text FROM pg_control_system(); SELECT datname::text FROM pg_database ORDER BY 1",
        );
        // What one of them is loaded with is in no other.
        cluster
            .load_scenario(DB, Scenario::Enacted)
            .expect("it loads");
        asked.expect("it answers")
    };
    let copied = ClusterOptions::default();
    let (first, second) = (identity(&copied), identity(&copied));
    assert_eq!(first, second);
    assert_eq!(first.len(), 4, "three databases of initdb: {first:?}");
    assert_ne!(identity(&made)[0], first[0]);
}
