//! A role that can write in more ways than a line of the journal holds. Invariant: G1 fails, the first ways are named, all that the
//! server told are a document, and the run is sealed.

use std::fs;

use crate::support::server::{Workspace, text};
use drygate::postgres::throwaway::Scenario;

/// 2,100 tables with names as long as they may be, 20 columns each, three privileges on each column for the role and for everybody:
/// 252,000 ways.
const WAYS: &str = "
DO $do$
DECLARE
  columns text := (SELECT string_agg('c' || n, ', ') FROM generate_series(1, 20) AS n);
BEGIN
  FOR n IN 1..2100 LOOP
    EXECUTE format('CREATE TABLE public.%I (%s)', rpad('t' || n || '_', 63, 'x'), replace(columns || ',', ',', ' integer,') || ' z integer');
    EXECUTE format('GRANT INSERT (%1$s), UPDATE (%1$s), REFERENCES (%1$s) ON public.%2$I TO context_pack_readonly, PUBLIC',
      columns, rpad('t' || n || '_', 63, 'x'));
  END LOOP;
END
$do$;
";

#[test]
fn a_role_that_can_write_in_252_000_ways_fails_g1_and_its_run_is_sealed() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace
        .cluster
        .load(&workspace.database, WAYS)
        .expect("a superuser may");
    // The question about columns takes its time on a machine that has much else to do.
    let profile = workspace.profile("patient.toml", |profile| {
        format!("{profile}\n[timeouts]\nstatement_ms = 300000\n")
    });
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let failed = workspace.drygate(&[&run[..], &["--profile", &profile]].concat());
    let failed = failed.expect(9).json();
    assert_eq!(failed["stop_code"], "STOP_GATE_FAILED");
    assert_eq!(failed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_FAIL");
    let recorded = workspace.events(&failed, "check_recorded");
    let check = recorded
        .iter()
        .map(|event| &event["check"])
        .find(|check| check["name"] == "role_is_read_only");
    let check = check.expect("it was judged");
    assert_eq!(check["verdict"], "FAIL");
    let says = text(&check["says"]);
    assert!(says.starts_with("column privilege: INSERT"), "{says}");
    assert!(says.ends_with(" more ways to write"), "{says}");
    assert!(says.len() < 8_000, "{} bytes", says.len());

    let survey = &workspace.events(&failed, "survey_taken")[0]["survey"];
    let named = survey["role"]["findings"].as_array().expect("a list").len();
    assert!((100..2_000).contains(&named), "{named} are named");
    let facts = survey["facts"].as_array().expect("facts");
    let fact = facts.iter().find(|fact| fact["key"] == "role_is_read_only");
    let document = &fact.expect("the fact")["document"]["sha256"];
    let path = workspace
        .run_dir(&failed)
        .join("blobs")
        .join(text(document));
    let document = fs::read_to_string(path).expect("a blob");
    let ways = document
        .lines()
        .filter(|line| line.starts_with("way to write\t"));
    assert!(ways.count() > 2_000, "what the server told is there");

    let longest = workspace.journal_text(&failed);
    let longest = longest.lines().map(str::len).max().expect("lines");
    assert!(longest < 1 << 20, "{longest} bytes in a line");
    workspace
        .drygate(&["verify", text(&failed["run_id"])])
        .expect(0);
}
