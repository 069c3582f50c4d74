//! Tables of any width. Invariant: what is read of them is bounded in memory, and a table without a document still has its
//! digest. The bound here is loose: the program that is tested is not optimised and is large itself.

use std::fs;
use std::process::Child;
use std::time::Duration;

use crate::support::server::{Answer, Workspace, approval, finish, own_cluster, text};
use drygate::postgres::throwaway::{ClusterOptions, Scenario};

/// 52 MB in rows of 1.3 kB, 30 rows of 1 MB, 500 units of 153 kB.
const WIDE: &str = "
CREATE TABLE public.many AS SELECT g AS id, repeat(md5(g::text), 41) AS body FROM generate_series(1, 40000) AS g;
CREATE TABLE public.huge (id integer, body text);
ALTER TABLE public.huge ALTER body SET STORAGE EXTERNAL;
INSERT INTO public.huge SELECT g, repeat(md5(g::text), 32768) FROM generate_series(1, 30) AS g;
INSERT INTO public.source_document VALUES ('doc-wide', 'WIDE', 'Wide', '2026-01-01');
INSERT INTO public.source_version VALUES ('doc-wide/1', 'doc-wide', 1, 'wide', true, '2026-01-01');
INSERT INTO public.information_unit SELECT 'WIDE-' || lpad(n::text, 6, '0'), 'ICX-CONST', 'doc-wide/1', 't ' || n, 'enacted', '2026-01-01'
  FROM generate_series(1, 500) AS n;
INSERT INTO public.unit_version SELECT 'WIDE-' || lpad(n::text, 6, '0') || '/1', 'WIDE-' || lpad(n::text, 6, '0'), 1,
         repeat(md5(n::text), 4800), true, '2026-01-01', '2026-01-01'
  FROM generate_series(1, 500) AS n;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly;
";

const PEAK_MAX_MB: u64 = 110;

fn with_wide_tables(profile: &str) -> String {
    let table = |name: &str| {
        format!(
            "[[contents]]\nkey = \"{name}\"\nschema = \"public\"\ntable = \"{name}\"\ncolumns = [\"id\", \"body\"]\nrow_key = [\"id\"]\n\n"
        )
    };
    let tables = format!("{}{}[pieces]\n", table("many"), table("huge"));
    profile.replacen("[pieces]\n", &tables, 1)
}

/// Runs the program to its end; gives the most memory that it was seen to hold, in MB.
fn with_peak(workspace: &Workspace, words: &[&str]) -> (Answer, u64) {
    let mut child = workspace
        .command(words)
        .spawn()
        .expect("the program starts");
    let peak = peak_until_it_ends(&mut child);
    assert!(peak > 0 || !cfg!(target_os = "linux"), "it was seen");
    (finish(child), peak)
}

/// The most memory that a process held as long as it was seen, in MB.
fn peak_until_it_ends(child: &mut Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("our own child").is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.map(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>());
        peak = peak.max(kib.and_then(Result::ok).unwrap_or_default() / 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

#[test]
fn tables_of_any_width_are_read_in_bounded_memory() {
    let workspace = Workspace::new(Scenario::Enacted);
    workspace
        .cluster
        .load(&workspace.database, WIDE)
        .expect("loaded");
    let profile = workspace.profile("wide.toml", with_wide_tables);
    let url = workspace.url();
    let survey = [
        "survey",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let (read, peak) = with_peak(&workspace, &survey);
    let read = read.expect(0).json();
    assert!(peak < PEAK_MAX_MB, "{peak} MB");
    for key in ["many", "huge", "unit_version", "candidates"] {
        let value = &read["facts"][key]["value"];
        let known = match key {
            "candidates" => read["candidates"]["rows"] == 560,
            _ => value.as_str().is_some_and(|value| value.starts_with("v2:")),
        };
        assert!(known, "{key}: {read}");
    }
}

/// A matrix of 200,000 privileges: 1,360 tables with seven for twenty roles and for the owner.
const MATRIX: &str = "
CREATE SCHEMA matrix;
DO $$ BEGIN
  FOR n IN 0..19 LOOP EXECUTE format('CREATE ROLE wide_%s', n); END LOOP;
  FOR n IN 1..1360 LOOP
    EXECUTE format('CREATE TABLE matrix.wide_%s ()', n);
    EXECUTE format('GRANT ALL ON matrix.wide_%s TO %s', n, (SELECT string_agg('wide_' || r, ', ') FROM generate_series(0, 19) AS r));
  END LOOP;
END $$";

/// The two documents that differ are compared in little more memory than they take themselves.
#[test]
fn one_grant_that_changed_in_a_long_matrix_is_named_in_bounded_memory() {
    // Of its own: every run on a server sees its roles.
    let cluster = own_cluster(&ClusterOptions::default());
    let workspace = Workspace::on(cluster, Scenario::Enacted);
    workspace
        .cluster
        .load(&workspace.database, MATRIX)
        .expect("loaded");
    let profile = workspace.profile("matrix.toml", |profile| {
        let (public, both) = ("[\"public\"]", "[\"public\", \"matrix\"]");
        profile.replacen(public, both, 1)
    });
    let url = workspace.url();
    let begin = ["run", "--headless", "--json", "--database-url", &url];
    let begin = [&begin[..], &["--profile", &profile]].concat();
    let (answer, same) = with_peak(&workspace, &begin);
    let waiting = answer.expect(3).json();
    workspace
        .cluster
        .load(
            &workspace.database,
            "GRANT SELECT ON matrix.wide_7 TO PUBLIC",
        )
        .expect("granted");
    let (approved, changed) = with_peak(&workspace, &approval(&waiting, "SG1"));
    let approved = approved.expect(3).json();
    let rows = &approved["beside"][0]["rows"];
    assert_eq!(text(&rows[0]["key"]), "table matrix.wide_7 PUBLIC SELECT");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{approved}");
    let matrix = workspace.run_dir(&waiting).join("blobs");
    let lengths = fs::read_dir(matrix).expect("blobs").map(|blob| {
        let about = blob.and_then(|blob| blob.metadata());
        about.expect("a file").len()
    });
    let document = lengths.max().expect("a blob") >> 20;
    assert!(document >= 8, "{document} MB");
    let more = changed.saturating_sub(same);
    assert!(more < 3 * document, "{more} MB more for {document} MB");
}
