//! A run of a team that publishes articles: what it prints is in its own words and in plain ones.
//! Invariant: no word of the built-in profile's team stands on a screen, in a text or in a report of another profile's run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use drygate::postgres::throwaway::Scenario;

use super::support::ground::{Ground, Home, RunFiles, Said, text, wait_at};
use super::support::pty::{Launch, Terminal, key};

/// Words of the team of `icx-const`. Names of states, checks and counters (`cut_simulated`) are words of their own.
const FOREIGN: &[&str] = &[
    "CUT",
    "VERIFY",
    "ENACT",
    "VERIFIED",
    "ENACTED",
    "Enact",
    "enact",
    "enacts",
    "enacted",
    "would_enact",
    "already_enacted",
    "O4",
    "o4",
    "ICX",
    "icx",
    "ictr",
    "TD",
    "source_document",
    "source_version",
    "candidate",
    "candidates",
    "constitution",
    "information_unit",
    "unit_version",
    "lifecycle_log",
    "Điều",
];

/// Between two keys of somebody who leafs through: the pause is the input, not a wait. A page that is late is on the next screen.
const PAUSE: Duration = Duration::from_millis(80);

const PRESS: &str = "
CREATE ROLE press_reader LOGIN;
CREATE ROLE press_editor LOGIN;
CREATE TABLE manuscript (slug text PRIMARY KEY, body text NOT NULL);
CREATE TABLE article (slug text PRIMARY KEY, body text NOT NULL, stage text NOT NULL);
CREATE TABLE article_log (slug text, stage text, PRIMARY KEY (slug, stage));
INSERT INTO manuscript SELECT 'article-' || g, 'Text of article ' || g FROM generate_series(10, 21) g;
INSERT INTO article SELECT slug, body, 'edited' FROM manuscript WHERE slug <> 'article-21';
GRANT USAGE ON SCHEMA public TO press_reader, press_editor;
GRANT ALL ON ALL TABLES IN SCHEMA public TO press_editor;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO press_reader;
";

const PROFILE: &str = r#"schema = 1
name = "press"
title = "Edited articles go to print"
run_prefix = "press"
result_prefix = "PRINT"
collection = "spring issue"
handover = "Nothing was printed."

[target]
label = "PRESS"
expected_role = "press_reader"

[[facts]]
key = "edited"
label = "edited articles"
type = "integer"
live = true
sql = "SELECT count(*)::text FROM public.article WHERE stage = 'edited'"

[grants]
key = "grants"
label = "grants"
schemas = ["public"]

[[contents]]
key = "manuscript"
schema = "public"
table = "manuscript"
columns = ["slug", "body"]
row_key = ["slug"]

[[contents]]
key = "article"
schema = "public"
table = "article"
columns = ["slug", "body", "stage"]
row_key = ["slug"]

[pieces]
sql = 'SELECT slug AS key, body AS content FROM public.manuscript ORDER BY slug COLLATE "C"'
[candidates]
sql = 'SELECT slug AS key, body AS content, stage AS state FROM public.article ORDER BY slug COLLATE "C"'
[lifecycle]
states = ["edited", "printed"]
initial = "edited"
target = "printed"
cut = [{ table = "article", insert = 1 }]
enact = [{ table = "article", update = 1 }, { table = "article_log", insert = 1 }]

[hooks]
on_wait = ["sh", "tell.sh"]
on_stop = ["sh", "tell.sh"]
on_end = ["sh", "tell.sh"]
"#;

/// A database of the press, and everything that was printed about it.
struct Press {
    ground: Ground,
    home: Home,
    printed: Vec<(String, String)>,
}

impl Press {
    fn new() -> Self {
        let ground = Ground::new(Scenario::Draft);
        let home = ground.home();
        let made = ground.cluster.create_database("press");
        made.expect("a new database");
        ground.cluster.load("press", PRESS).expect("it loads");
        fs::create_dir_all(home.place()).expect("a directory");
        repository(&home.place().join("articles"));
        fs::write(home.place().join("tell.sh"), "cat > \"told-$$\"\n").expect("a new file");
        Self {
            ground,
            home,
            printed: Vec::new(),
        }
    }

    /// The arguments of a new run with this text as its profile.
    fn new_run(&self, profile: &str) -> Vec<String> {
        let file = self.home.place().join("press.toml");
        fs::write(&file, profile).expect("a new file");
        let url = self.ground.cluster.url("press_reader", "press");
        let repository = self.home.place().join("articles").display().to_string();
        let file = file.display().to_string();
        [
            "run",
            "--profile",
            &file,
            "--database-url",
            &url,
            "--repo",
            &repository,
            "--live-interval",
            "0",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn keep(&mut self, place: &str, printed: &impl ToString) {
        self.printed.push((place.to_owned(), printed.to_string()));
    }

    fn script(&mut self, args: &[&str]) -> Said {
        let said = self.home.script(args);
        self.keep(&args.join(" "), &said.text);
        said
    }

    fn open(&self, args: &[&str], size: (u16, u16)) -> Terminal {
        let args = args.iter().map(|arg| (*arg).to_owned());
        let data = self.home.path.display().to_string();
        Launch::drygate(args.chain(["--data-dir".to_owned(), data]))
            .env("TMPDIR", self.home.place())
            .size(size.0, size.1)
            .open()
    }

    /// What one key shows; the screen is looked at once it stands still for the key after it.
    fn press(&mut self, terminal: &mut Terminal, place: &str, keys: &str) {
        for key in keys.chars() {
            terminal.keys(&key.to_string());
            sleep(PAUSE);
            self.keep(&format!("{place}, {key:?}"), &terminal.screen());
        }
    }

    /// All panes and pages of the run screen that a person can open.
    fn walk(&mut self, terminal: &mut Terminal, place: &str) {
        self.keep(place, &terminal.screen());
        let rows = "\r\x1bj".repeat(16);
        self.press(terminal, &format!("{place}: gates"), &format!("1g{rows}"));
        for pane in ["2", "3", "4", "5", "6"] {
            let keys = format!("{pane}g\r\x1bj\r\x1b{pane}G\x1b");
            self.press(terminal, &format!("{place}: pane {pane}"), &keys);
        }
        self.press(terminal, &format!("{place}: help"), "?G\x1b");
        self.press(
            terminal,
            &format!("{place}: differences"),
            "dJ\rJ\rJ\rG?\x1bq",
        );
    }

    fn sheet(&mut self, terminal: &mut Terminal, place: &str) {
        terminal.type_slowly("a");
        self.keep(place, &terminal.wait_for("Esc leaves it waiting"));
        for _ in 0..4 {
            terminal.keys(key::PAGE_DOWN).silence();
            self.keep(place, &terminal.screen());
        }
        super::support::ground::close_sheet(terminal);
    }

    fn run(&self) -> RunFiles {
        self.home.runs().pop().expect("a run")
    }

    fn approve(&mut self, gate: &str) -> Said {
        let run = self.run();
        self.script(&["approve", &run.id(), gate, "--digest", &run.evidence()])
    }

    /// What is printed of a run that is over.
    fn read_all(&mut self) {
        let run = self.run();
        let id = run.id();
        for args in [
            &["report", &*id][..],
            &["diff", &id, "--width", "160"],
            &["diff", &id, "--gates", "--width", "80"],
            &["diff", &id, "--predicted", "--width", "160"],
            &["diff", &id, "--stat"],
            &["verify", &id],
            &["runs"],
            &["recheck", &id],
            &["recheck", &id, "--after"],
            &["replay", &id],
        ] {
            let said = self.script(args);
            assert!(args[0] != "verify" || said.code == 0, "{}", said.text);
        }
        let last = run.journal().len();
        for seq in (0..last).step_by(9).chain([last - 1]) {
            let said = self.script(&["replay", &id, "--at", &seq.to_string()]);
            assert!(said.text.contains("REPLAY"), "{}", said.text);
        }
        for entry in fs::read_dir(run.path.join("kb")).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            self.keep(&name, &name.replace('-', " "));
            if path.extension().is_some_and(|kind| kind == "md") {
                self.keep(&name, &fs::read_to_string(&path).expect("a text"));
            }
        }
        let archive = self.home.place().join(format!("{id}.tar"));
        self.script(&["export", &id, "--output", &archive.display().to_string()]);
        for name in ["run.html", "CHECKING.txt"] {
            self.keep(name, &member(&archive, name));
        }
    }

    /// Every place where a foreign word stands.
    fn foreign(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (place, printed) in &self.printed {
            for line in printed.lines() {
                found.extend(foreign_word(line).map(|word| format!("{place}: {word}: {line}")));
            }
        }
        for (_, told) in told(self.home.place()) {
            for member in ["message", "next", "gate_label", "profile"] {
                let said = text(&told[member]);
                found.extend(foreign_word(&said).map(|word| format!("hook: {word}: {said}")));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// The first foreign word of a line. What stands in quotes is a name of JSON; a unit ledger is a file of the journal;
/// a word that was cut is the begin of another.
fn foreign_word(line: &str) -> Option<String> {
    let line = line.replace("<wbr>", "").replace("&quot;", "\"");
    let line = line.replace("-enact.jsonl", "");
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '…';
    let mut words = line.split(|c| !is_letter(c));
    let is_member = |word: &str| line.contains(&format!("\"{word}\""));
    let found = words.find(|word| FOREIGN.contains(word) && !is_member(word));
    found.map(str::to_owned)
}

/// A repository of the team: the demo's own speaks of another one.
fn repository(at: &Path) {
    for words in [
        &["init", "-q", "-b", "main"][..],
        &["config", "user.name", "Press"],
        &["config", "user.email", "press@example.org"],
        &[
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "articles of the spring issue",
        ],
        &["checkout", "-q", "-b", "spring"],
    ] {
        fs::create_dir_all(at).expect("a directory");
        let ended = Command::new("git").arg("-C").arg(at).args(words).status();
        assert!(ended.expect("git is there").success(), "{words:?}");
    }
}

/// One file of an archive, as text.
fn member(archive: &Path, name: &str) -> String {
    let file = fs::File::open(archive).expect("an archive");
    let mut archive = tar::Archive::new(file);
    let mut entries = archive
        .entries()
        .expect("members")
        .map(|entry| entry.expect("a member"));
    let found = entries.find(|entry| entry.path().expect("a name").ends_with(name));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut found.expect("the member"), &mut text).expect("a text");
    text
}

/// What the hooks were told.
fn told(place: &Path) -> Vec<(String, serde_json::Value)> {
    let listed = fs::read_dir(place)
        .expect("a folder")
        .map(|entry| entry.expect("readable"));
    let of_hooks = listed.filter(|entry| entry.file_name().to_string_lossy().starts_with("told-"));
    of_hooks
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a text");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).unwrap_or_default())
        })
        .collect()
}

fn nothing_foreign(press: &Press) {
    let found = press.foreign();
    let shown: Vec<String> = found.iter().take(400).cloned().collect();
    assert!(
        found.is_empty(),
        "{} places:\n{}",
        found.len(),
        shown.join("\n")
    );
}

#[test]
fn a_run_of_another_team_goes_to_pass_in_its_own_words() {
    let mut press = Press::new();
    let args = press.new_run(PROFILE);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut terminal = press.open(&args, (160, 48));
    wait_at(&terminal, "SG1");
    press.walk(&mut terminal, "160x48 at SG1");
    press.sheet(&mut terminal, "160x48 sheet of SG1");
    terminal.resize(80, 24);
    press.sheet(&mut terminal, "80x24 sheet of SG1");
    press.walk(&mut terminal, "80x24 at SG1");
    terminal.type_slowly("q").wait_exit();
    let said = press.approve("SG1");
    assert_eq!(said.code, 3, "{}", said.text);
    let id = press.run().id();
    let mut terminal = press.open(&[&id], (80, 24));
    wait_at(&terminal, "SG2");
    press.walk(&mut terminal, "80x24 at SG2");
    press.sheet(&mut terminal, "80x24 sheet of SG2");
    terminal.resize(160, 48);
    press.sheet(&mut terminal, "160x48 sheet of SG2");
    terminal.type_slowly("q").wait_exit();
    let said = press.approve("SG2");
    assert_eq!(said.code, 0, "{}", said.text);
    press.read_all();
    for size in [(160, 48), (80, 24)] {
        let mut terminal = press.open(&["replay", &id], size);
        terminal.wait_for("REPLAY");
        press.press(&mut terminal, "replay", "].].].].");
        press.walk(&mut terminal, "replay");
        press.press(&mut terminal, "reports", "phlllllllllllll\x1b");
        terminal.type_slowly("q").wait_exit();
    }
    assert!(told(press.home.place()).len() > 2);
    nothing_foreign(&press);
}

#[test]
fn drift_of_another_team_is_told_in_its_own_words() {
    let mut press = Press::new();
    let mut args = press.new_run(PROFILE);
    args.push("--headless".to_owned());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = press.script(&args);
    assert_eq!(said.code, 3, "{}", said.text);
    let moved = "UPDATE public.article SET body = 'Other text' WHERE slug = 'article-12'";
    press.ground.cluster.load("press", moved).expect("it runs");
    let said = press.approve("SG1");
    assert_eq!(said.code, 4, "{}", said.text);
    let id = press.run().id();
    for size in [(160, 48), (80, 24)] {
        let mut terminal = press.open(&[&id], size);
        terminal.wait_for("DRIFT");
        press.walk(&mut terminal, "drift");
        terminal.type_slowly("q").wait_exit();
    }
    press.script(&["diff", &id, "--width", "160"]);
    let said = press.script(&["resume", &id, "--headless"]);
    assert_eq!(said.code, 3, "{}", said.text);
    let mut terminal = press.open(&[&id], (160, 48));
    wait_at(&terminal, "SG1");
    press.sheet(&mut terminal, "sheet after drift");
    terminal.type_slowly("q").wait_exit();
    press.script(&["reject", &id, "SG1", "--reason", "not now"]);
    press.read_all();
    nothing_foreign(&press);
}

#[test]
fn a_failed_run_of_another_team_says_so_in_its_own_words() {
    let mut press = Press::new();
    let profile = PROFILE.replace("live = true", "live = true\nexpect = \"10\"");
    let mut args = press.new_run(&profile);
    args.push("--headless".to_owned());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = press.script(&args);
    assert_eq!(said.code, 9, "{}", said.text);
    let file = args[2];
    press.script(&["profile", "check", file, "--database-url", args[4]]);
    press.script(&["survey", "--profile", file, "--database-url", args[4]]);
    press.read_all();
    nothing_foreign(&press);
}

#[test]
fn a_rehearsed_change_of_another_team_is_told_in_its_own_words() {
    let mut press = Press::new();
    let units = PROFILE.find("[pieces]").expect("units")..PROFILE.find("[hooks]").expect("hooks");
    let mut profile = PROFILE.to_owned();
    profile.replace_range(units, "");
    let script = press.home.place().join("print.sql");
    let change = "INSERT INTO public.article_log SELECT slug, 'printed' FROM public.article WHERE stage = 'edited';\n\
                  UPDATE public.article SET stage = 'printed' WHERE stage = 'edited';\n";
    fs::write(&script, change).expect("a new file");
    let script = script.display().to_string();
    let mut args = press.new_run(&profile);
    let of_change = ["--change", &script, "--role", "press_editor"].map(str::to_owned);
    let url = args[4].clone();
    let mut rehearse = vec!["rehearse", "--database-url", &url];
    rehearse.extend(of_change.iter().map(String::as_str));
    let said = press.script(&rehearse);
    assert_eq!(said.code, 0, "{}", said.text);
    args.extend(of_change.clone());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut terminal = press.open(&args, (160, 48));
    for gate in ["SG1", "SG2"] {
        wait_at(&terminal, gate);
        for size in [(160, 48), (80, 24)] {
            terminal.resize(size.0, size.1);
            press.walk(&mut terminal, &format!("{size:?} at {gate}"));
            press.sheet(&mut terminal, &format!("{size:?} sheet of {gate}"));
        }
        terminal.type_slowly("q").wait_exit();
        let said = press.approve(gate);
        let code = if gate == "SG1" { 3 } else { 0 };
        assert_eq!(said.code, code, "{}", said.text);
        let id = press.run().id();
        let opens: &[&str] = if gate == "SG1" {
            &[&id]
        } else {
            &["replay", &id]
        };
        terminal = press.open(opens, (160, 48));
    }
    terminal.wait_for("REPLAY");
    press.press(&mut terminal, "replay", "].].].].");
    press.walk(&mut terminal, "replay");
    press.press(&mut terminal, "reports", "phlllllllllllll\x1b");
    terminal.type_slowly("q").wait_exit();
    press.read_all();
    let inserted = press
        .printed
        .iter()
        .any(|(_, text)| text.contains("public.article_log insert #11"));
    assert!(inserted, "the effect was printed");
    nothing_foreign(&press);
}
