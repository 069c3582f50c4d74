//! `drygate recheck` against a real server: does a sealed PASS still hold, and did its prediction come true?
//! Invariant: every answer is of the program itself, and the run's directory stays as it was, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use serde_json::Value;

const DB: &str = "kb";
const READER: &str = "context_pack_readonly";

/// A server with one scenario, a data directory, and the run that was sealed on them.
struct Rehearsed {
    cluster: Cluster,
    home: tempfile::TempDir,
    run_id: String,
}

impl Rehearsed {
    fn of(scenario: Scenario) -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
        cluster.load_scenario(DB, scenario).expect("it loads");
        let home = tempfile::tempdir().expect("a folder");
        let repository = DemoRepository::create(&home.path().join("repository")).expect("git");
        let url = cluster.url(READER, DB);
        let repo = repository.path().display().to_string();
        let mut rehearsed = Self {
            cluster,
            home,
            run_id: String::new(),
        };
        let begun = rehearsed.json(&["run", "--database-url", &url, "--repo", &repo], 3);
        rehearsed.run_id = begun["run_id"].as_str().expect("a run").to_owned();
        let asked = rehearsed.approve("SG1", &begun, 3);
        let sealed = rehearsed.approve("SG2", &asked, 0);
        assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
        rehearsed
    }

    fn approve(&self, gate: &str, asked: &Value, code: i32) -> Value {
        let digest = asked["evidence"].as_str().expect("evidence");
        self.json(&["approve", &self.run_id, gate, "--digest", digest], code)
    }

    fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .args(["--headless", "--data-dir"])
            .arg(self.data())
            .env_remove("DRYGATE_DATABASE_URL");
        command.output().expect("it starts")
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn json(&self, words: &[&str], code: i32) -> Value {
        let output = self.command(&[words, &["--json"]].concat());
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    fn recheck(&self, words: &[&str], code: i32) -> Value {
        let before = files(&self.data());
        let found = self.json(&[&["recheck", &self.run_id], words].concat(), code);
        assert_eq!(files(&self.data()), before, "recheck wrote something");
        found
    }

    fn sql(&self, sql: &str) {
        self.cluster.load(DB, sql).expect("a superuser may");
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Every file of a run below the data directory, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                found.insert(path, bytes);
            }
        }
    }
    found
}

#[test]
fn a_sealed_pass_holds_until_one_row_changes_and_then_names_it() {
    let rehearsed = Rehearsed::of(Scenario::Enacted);
    let held = rehearsed.recheck(&[], 0);
    assert_eq!(held["holds"], true, "{held}");
    assert_eq!(held["drift"], serde_json::json!([]));

    rehearsed.sql(
        "UPDATE public.unit_version SET content = content || ' ' WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    let differs = rehearsed.recheck(&[], 2);
    assert_eq!(differs["holds"], false);
    let drift = differs["drift"].as_array().expect("drift");
    let table = drift.iter().find(|change| change["key"] == "unit_version");
    let rows = &table.expect("the table")["rows"];
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["key"], "ICX-CONST-0017/1");
    let (text, _) = texts(&rehearsed.command(&["recheck", "last"]));
    assert!(text.contains("ICX-CONST-0017/1="), "{text}");

    rehearsed.sql(
        "UPDATE public.unit_version SET content = rtrim(content) WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    rehearsed.recheck(&[], 0);
    rehearsed.sql("GRANT INSERT (title) ON public.information_unit TO context_pack_readonly");
    let granted = rehearsed.recheck(&[], 2).to_string();
    for key in ["role_is_read_only", "grant_matrix_sha"] {
        assert!(granted.contains(key), "{granted}");
    }
    rehearsed.sql("REVOKE INSERT (title) ON public.information_unit FROM context_pack_readonly");

    let journal = rehearsed
        .data()
        .join("runs")
        .join(&rehearsed.run_id)
        .join("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    let forged = text.replacen("PASS", "FAIL", 1);
    fs::write(&journal, forged).expect("writable");
    let corrupt = rehearsed.recheck(&[], 7);
    assert_eq!(corrupt["stop_code"], "STOP_EVIDENCE_CORRUPT", "{corrupt}");
}

#[test]
fn a_prediction_is_followed_unit_by_unit() {
    let rehearsed = Rehearsed::of(Scenario::Draft);
    let units = |found: &Value| {
        let units = &found["after"]["units"];
        ["as_predicted", "not_done", "otherwise", "not_predicted"]
            .map(|name| units[name].as_u64().unwrap_or_else(|| panic!("{found}")))
    };
    let named = |found: &Value, outcome: &str| -> Vec<String> {
        let named = found["after"]["named"].as_array().expect("named units");
        let of = named.iter().filter(|unit| unit["outcome"] == outcome);
        of.map(|unit| unit["key"].as_str().expect("a key").to_owned())
            .collect()
    };

    assert_eq!(units(&rehearsed.recheck(&["--after"], 2)), [0, 60, 0, 0]);
    rehearsed.sql(
        "SELECT public.fn_iu_enact(id, 'as rehearsed') FROM public.information_unit
          WHERE collection = 'ICX-CONST' AND id <> 'ICX-CONST-0042' ORDER BY id",
    );
    let most = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&most), [59, 1, 0, 0], "{}", most["after"]);
    assert_eq!(named(&most, "not_done"), ["ICX-CONST-0042"]);
    assert_eq!(most["after"]["beside"], serde_json::json!([]));

    rehearsed
        .sql("UPDATE public.information_unit SET state = 'enacted' WHERE id = 'ICX-CONST-0042'");
    let past_the_function = rehearsed.recheck(&["--after"], 2);
    assert_eq!(
        units(&past_the_function),
        [59, 0, 1, 0],
        "{}",
        past_the_function["after"]
    );
    assert_eq!(named(&past_the_function, "otherwise"), ["ICX-CONST-0042"]);

    rehearsed.sql(
        "UPDATE public.information_unit SET state = 'draft' WHERE id = 'ICX-CONST-0042';
         SELECT public.fn_iu_enact('ICX-CONST-0042', 'the last one');
         UPDATE public.information_unit SET updated_at = (SELECT updated_at FROM public.information_unit WHERE id = 'ICX-CONST-0041')
          WHERE id = 'ICX-CONST-0042'",
    );
    let done = rehearsed.recheck(&["--after"], 0);
    assert_eq!(units(&done), [60, 0, 0, 0], "{}", done["after"]);

    rehearsed.sql(
        "INSERT INTO public.information_unit SELECT 'ICX-CONST-0099', collection, source_version_id, title, state, updated_at
           FROM public.information_unit WHERE id = 'ICX-CONST-0001'",
    );
    let one_more = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&one_more), [60, 0, 0, 1], "{}", one_more["after"]);
    assert_eq!(named(&one_more, "not_predicted"), ["ICX-CONST-0099"]);
}
