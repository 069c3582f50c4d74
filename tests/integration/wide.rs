//! Tables of any width. Invariant: what is read of them is bounded in memory, and a table without a document still has its
//! digest. The bound here is loose: the program that is tested is not optimised and is large itself.

use std::fs;
use std::process::Child;
use std::time::Duration;

use crate::support::server::{Workspace, finish};
use drygate::postgres::throwaway::Scenario;

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
    let mut child = workspace
        .command(&survey)
        .spawn()
        .expect("the program starts");
    let peak = peak_until_it_ends(&mut child);
    let read = finish(child).expect(0).json();
    assert!(peak > 0 || !cfg!(target_os = "linux"), "it was seen");
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
