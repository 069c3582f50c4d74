//! Every command block of README and docs is run, as it stands there.
//! Invariant: a line that is not run is in `NOT_RUN`, with its reason; what a document shows of an answer is in the answer.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drygate::postgres::throwaway::{Scenario, ServerBinaries};
use serde_json::Value;

use crate::support::ground::{Ground, text};
use crate::support::pty::steers;

/// Lines that build the program or run all tests: this test is part of them.
const NOT_RUN: [&str; 2] = ["cargo ", "make "];

/// Documents whose blocks are run, each after the one before: a later one speaks of runs that an earlier one made.
const DOCUMENTS: [&str; 7] = [
    "README.md",
    "docs/rehearsal.md",
    "docs/automation.md",
    "docs/runs.md",
    "CONTRIBUTING.md",
    "docs/RELIABILITY.md",
    "docs/store.md",
];

/// What ends with another code than 0 where the document does not say `exit N` beside it.
const ENDS: [(&str, i32); 2] = [
    // Without a terminal a run stops at SG1, where a person at a screen would go on.
    ("drygate run ", 3),
    // One unit was left out of the real change, as the document shows it.
    ("drygate recheck last --after", 2),
];

/// The shop of the README: a change that back-fills a column, and a trigger that logs.
const SHOP: &str = "
CREATE ROLE migrator LOGIN;
CREATE SCHEMA shop AUTHORIZATION migrator;
SET ROLE migrator;
CREATE TABLE shop.orders (id int PRIMARY KEY, town text NOT NULL, region text);
CREATE TABLE shop.order_log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id int, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION shop.log() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO shop.order_log (order_id) VALUES (NEW.id); RETURN NEW; END';
CREATE TRIGGER log AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.log();
INSERT INTO shop.orders SELECT g, 'Kyiv' FROM generate_series(1, 7) g;
";
const CHANGE: &str = "UPDATE shop.orders SET region = 'east' WHERE town = 'Kyiv';\n";

/// The real change of the demo, which leaves one unit out.
const REAL_CHANGE: &str = "SELECT public.fn_iu_enact(id, 'for real') FROM public.information_unit WHERE id <> 'ICX-CONST-0042';\n";

/// One `$` line with what the document shows below it.
struct Line {
    command: String,
    comment: String,
    shown: Vec<String>,
}

/// The `console` blocks of a document.
fn lines(document: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let (command, comment) = command.split_once(" # ").unwrap_or((command, ""));
            lines.push(Line {
                command: command.trim().to_owned(),
                comment: comment.trim().to_owned(),
                shown: Vec::new(),
            });
        } else if inside {
            let last = lines.last_mut().expect("a command comes first");
            last.shown.push(line.to_owned());
        }
    }
    lines
}

impl Line {
    /// The exit code that the document says, or that its command has.
    fn ends(&self) -> i32 {
        let said = self.comment.split("exit ").nth(1);
        let said = said.and_then(|rest| {
            rest.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        });
        // `exit 2 where something differs` is no promise that something does.
        let said = said.filter(|_| !self.comment.contains(" where "));
        let known = ENDS
            .iter()
            .find(|(first, _)| self.command.starts_with(first));
        said.or(known.map(|(_, code)| *code)).unwrap_or(0)
    }
}

/// A person's machine: the program on the PATH, a work tree, a data directory, the databases that the documents speak of.
struct Machine {
    ground: Ground,
    bin: PathBuf,
    exported: Vec<(String, String)>,
}

impl Machine {
    fn new() -> Self {
        let ground = Ground::new(Scenario::Draft);
        ground.cluster.create_database("shop").expect("a database");
        ground.cluster.load("shop", SHOP).expect("it loads");
        let tree = ground.repository.path().to_owned();
        for (name, content) in [
            ("0042.sql", CHANGE),
            ("migrations/0042.sql", CHANGE),
            ("the-real-change.sql", REAL_CHANGE),
        ] {
            let path = tree.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        commit(&tree);
        let bin = ground.home().place().join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        symlink(env!("CARGO_BIN_EXE_drygate"), bin.join("drygate")).expect("a link");
        let psql = ServerBinaries::find()
            .expect("a server")
            .psql()
            .expect("psql");
        let url = ground.cluster.url("postgres", "kb");
        let script = format!(
            "#!/bin/sh\nexec '{}' -v ON_ERROR_STOP=1 -d '{url}' \"$@\"\n",
            psql.display()
        );
        fs::write(bin.join("psql"), script).expect("a file");
        fs::set_permissions(bin.join("psql"), fs::Permissions::from_mode(0o755)).expect("allowed");
        Self {
            ground,
            bin,
            exported: Vec::new(),
        }
    }

    /// The command with the names of this machine for those that a reader has to replace.
    fn named(&self, command: &str) -> String {
        let url = |user| self.ground.cluster.url(user, "shop");
        let mut command = command.to_owned();
        if command.contains("RUN_ID") {
            // The longer name first: the other is a part of it.
            for (name, run) in ["RUN_ID2", "RUN_ID"].into_iter().zip(self.runs()) {
                command = command.replace(name, &run);
            }
        }
        if command.contains("<64 hex>") {
            let last = self.runs().swap_remove(0);
            command = command.replace("<64 hex>", &self.asked(&last).1);
        }
        if command.contains("--at 09:33") {
            command = command.replace("09:33", &self.last_minute());
        }
        command
            .replace(
                "postgresql://admin@db.example/shop",
                &format!("'{}'", url("postgres")),
            )
            .replace(
                "'postgresql://reader@db.example/shop'",
                &format!("'{}'", url("reader")),
            )
            .replace(
                "postgresql://reader@host/shop",
                &format!("'{}'", url("reader")),
            )
    }

    fn shell(&self, command: &str) -> Output {
        let mut shell = Command::new("bash");
        shell
            .args(["-c", command])
            .current_dir(self.ground.repository.path());
        for (name, _) in std::env::vars_os() {
            if steers(&name.to_string_lossy()) {
                shell.env_remove(&name);
            }
        }
        let home = self.ground.home();
        let path = std::env::var("PATH").unwrap_or_default();
        shell
            .env("PATH", format!("{}:{path}", self.bin.display()))
            .env("HOME", home.place())
            .env("TMPDIR", home.place())
            .env("DRYGATE_DATA_DIR", home.path)
            .env(
                "STORE_OWNER",
                self.ground.cluster.url("postgres", "postgres"),
            )
            .envs(self.exported.iter().cloned());
        shell.output().expect("bash")
    }

    /// Runs one line and sees that it ends, and says, what the document says.
    fn run(&mut self, document: &str, line: &Line) {
        let command = self.named(&line.command);
        if let Some(export) = command.strip_prefix("export ") {
            let (name, value) = export.split_once('=').expect("a value");
            self.exported
                .push((name.to_owned(), value.trim_matches('\'').to_owned()));
            return;
        }
        let output = self.shell(&command);
        let out = String::from_utf8_lossy(&output.stdout);
        let all = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(line.ends()),
            "{document}: {command}\n{all}"
        );
        for shown in line.shown.iter().filter(|it| *it != "...") {
            assert!(
                all.lines().any(|it| it == shown),
                "{document}: {command}\nnot said: {shown}\n{all}"
            );
        }
    }

    /// The runs of this machine, the newest first.
    fn runs(&self) -> Vec<String> {
        let said = self.shell("drygate runs --json");
        let said: Value = serde_json::from_slice(&said.stdout).expect("a document");
        let runs = said["runs"].as_array().expect("runs");
        runs.iter().map(|it| text(&it["run_id"])).collect()
    }

    /// The minute of the last record of the newest run.
    fn last_minute(&self) -> String {
        let said = self.shell("drygate runs --json");
        let said: Value = serde_json::from_slice(&said.stdout).expect("a document");
        let at = text(&said["runs"][0]["last_at"]);
        let (_, clock) = at.split_once('T').expect("a time");
        clock[..5].to_owned()
    }

    /// What a person at the screen would do with the run that waits: both approvals.
    fn approve_both(&mut self) {
        for _ in 0..2 {
            let run = self.runs().swap_remove(0);
            let (gate, evidence) = self.asked(&run);
            let output = self.shell(&format!("drygate approve {run} {gate} --digest {evidence}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = if gate == "SG1" { 3 } else { 0 };
            assert_eq!(output.status.code(), Some(code), "{run} {gate}: {said}");
        }
    }

    /// The gate that the run waits at, and the digest of its evidence.
    fn asked(&self, run: &str) -> (String, String) {
        let sidecar = self
            .ground
            .home()
            .path
            .join("runs")
            .join(run)
            .join("sidecar.json");
        let sidecar = fs::read(sidecar).expect("a sidecar");
        let sidecar: Value = serde_json::from_slice(&sidecar).expect("JSON");
        (text(&sidecar["gate"]), text(&sidecar["evidence"]))
    }
}

/// The tree is as a person's: everything in it is committed.
fn commit(tree: &Path) {
    for words in [
        vec!["add", "-A"],
        vec![
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.example",
            "commit",
            "-qm",
            "A change",
        ],
    ] {
        let ran = Command::new("git").arg("-C").arg(tree).args(words).output();
        let ran = ran.expect("git");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

#[test]
fn every_command_of_the_documents_does_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut machine = Machine::new();
    let mut ran = 0;
    for name in DOCUMENTS {
        let document = fs::read_to_string(root.join(name)).expect("a document");
        if name == "docs/automation.md" {
            let url = machine.ground.cluster.url("context_pack_readonly", "kb");
            machine.exported = vec![("DRYGATE_DATABASE_URL".to_owned(), url)];
        }
        if name == "docs/runs.md" {
            // A second PASS, to compare with the last one.
            machine.shell("drygate run");
            machine.approve_both();
        }
        for line in lines(&document) {
            if NOT_RUN.iter().any(|first| line.command.starts_with(first)) {
                assert_builds(root, name, &line.command);
                continue;
            }
            machine.run(name, &line);
            ran += 1;
            if line.command.starts_with("drygate run ") && !line.command.contains("--headless") {
                machine.approve_both();
            }
        }
    }
    assert!(ran >= 20, "{ran} lines were run");
}

/// A line that is not run names a target, a scenario and a file that there are.
fn assert_builds(root: &Path, document: &str, command: &str) {
    if command.starts_with("make ") {
        let words = command.split(' ').collect::<Vec<_>>();
        let ran = Command::new("make")
            .arg("-n")
            .args(&words[1..])
            .current_dir(root)
            .output();
        assert!(ran.expect("make").status.success(), "{document}: {command}");
        let scenario = command.split("SCENARIO=").nth(1);
        let known = |name: &str| Scenario::ALL.iter().any(|it| it.name() == name);
        assert!(scenario.is_none_or(known), "{document}: {command}");
    }
}

#[test]
fn no_document_has_a_command_that_no_test_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [root.to_owned(), root.join("docs"), root.join("docs/adr")] {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        files.extend(
            entries
                .map(|it| it.path())
                .filter(|it| it.extension().is_some_and(|it| it == "md")),
        );
    }
    for file in files {
        let name = file
            .strip_prefix(root)
            .expect("below")
            .display()
            .to_string();
        if name == "docs/recipes.md" {
            // Its blocks are scripts, and `recipes` runs each.
            continue;
        }
        let document = fs::read_to_string(&file).expect("text");
        // A block in another shell's name would be passed over by the test above.
        for other in ["```sh", "```bash", "```shell"] {
            assert!(
                !document.contains(other),
                "{name}: a command block is `console`"
            );
        }
        assert!(
            lines(&document).is_empty() || DOCUMENTS.contains(&name.as_str()),
            "{name}"
        );
    }
}

/// The script of the documents checks the chain of a run as we do.
#[test]
fn the_script_of_the_documents_checks_a_chain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/evidence.md")).expect("a document");
    let script = document.split("```python\n").nth(1).expect("a script");
    let script = script.split("```").next().expect("its end");
    let place = tempfile::tempdir().expect("a folder");
    let check = |journal: &[u8]| {
        let path = place.path().join("journal.jsonl");
        fs::write(&path, journal).expect("a file");
        let ran = Command::new("python3")
            .arg("-c")
            .arg(script)
            .arg(path)
            .output();
        ran.expect("python3").status.success()
    };
    let golden = root.join("tests/golden/v1/ictr-20261125T230816Z-19e13937/journal.jsonl");
    let mut journal = fs::read(golden).expect("a golden run");
    assert!(check(&journal));
    let at = journal.len() / 2;
    journal[at] ^= 1;
    assert!(!check(&journal), "one bit");
}
