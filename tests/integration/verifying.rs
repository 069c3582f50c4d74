//! `drygate verify` on copies of real runs, offline, after somebody changed them.
//! Invariant: each change is one that a person could make with an editor, and the answer names what and where.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::survey::Digest;
use serde_json::Value;
use tempfile::TempDir;

use super::support::forging::chained;
use super::support::server::{Answer, Workspace, files, finish, own_cluster, planted_bug, text};

/// The files of a sealed run, by path inside its directory.
pub type Run = Vec<(PathBuf, Vec<u8>)>;

/// A run that passed, one that others disturbed before the end, one whose role could write.
struct Runs {
    passed: Run,
    disturbed: Run,
    unsafe_role: Run,
}

/// Made once, on a server that is gone before anything is verified.
fn runs() -> &'static Runs {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    RUNS.get_or_init(|| {
        let cluster = own_cluster(&ClusterOptions::default());
        let workspace = Workspace::on(cluster.clone(), Scenario::Draft);
        let sealed = workspace.run_to_the_end().expect(0).json();
        let passed = kept(&workspace, &sealed);
        workspace.cut_back(&sealed, |record| record["to"] == "enact_simulated");
        workspace.sql("UPDATE public.information_unit SET title = 'x' WHERE id = 'ICX-CONST-0042'");
        let disturbed = kept(&workspace, &workspace.resume(&sealed).expect(4).json());
        let workspace = Workspace::on(cluster, Scenario::UnsafeRole);
        let unsafe_role = kept(&workspace, &workspace.run().expect(9).json());
        Runs {
            passed,
            disturbed,
            unsafe_role,
        }
    })
}

pub fn kept(workspace: &Workspace, document: &Value) -> Run {
    let directory = workspace.run_dir(document);
    let inside = |path: PathBuf| path.strip_prefix(&directory).expect("inside").to_owned();
    files(&directory)
        .into_iter()
        .map(|(path, bytes)| (inside(path), bytes))
        .collect()
}

/// The files of a run that passed.
pub fn passed() -> &'static Run {
    &runs().passed
}

/// A copy of a run in a directory of its own.
pub struct Copy(TempDir);

impl Copy {
    pub fn of(run: &Run) -> Self {
        let copy = Self(tempfile::tempdir().expect("a temporary directory"));
        for (path, bytes) in run {
            let path = copy.file(path);
            fs::create_dir_all(path.parent().expect("inside")).expect("a directory");
            fs::write(path, bytes).expect("a new file");
        }
        copy
    }

    pub fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    /// Runs `drygate verify` with nothing but the directory.
    fn verify(&self) -> Answer {
        self.verify_with(&[])
    }

    pub fn verify_with(&self, flags: &[&str]) -> Answer {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drygate"));
        command.arg("verify").arg(self.0.path()).args(flags);
        command.env_clear().envs(planted_bug());
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        finish(command.spawn().expect("the program starts"))
    }

    pub fn lines(&self) -> Vec<String> {
        let journal = fs::read_to_string(self.file("journal.jsonl")).expect("a journal");
        journal.lines().map(str::to_owned).collect()
    }

    fn write_lines(&self, lines: &[String]) {
        fs::write(self.file("journal.jsonl"), lines.join("\n") + "\n").expect("our own file");
    }

    /// Writes the journal with numbers and chain recomputed, HEAD and manifest after it: the forger's whole toolbox.
    pub fn forge(&self, lines: &[String]) {
        let (forged, head) = chained(lines);
        self.write_lines(&forged);
        fs::write(self.file("HEAD"), head).expect("our own file");
        self.seal();
    }

    /// Recomputes the manifest, with every file that is there.
    pub fn seal(&self) {
        let mut manifest = String::new();
        for (path, bytes) in files(self.0.path()) {
            let name = path
                .strip_prefix(self.0.path())
                .expect("inside")
                .to_str()
                .expect("UTF-8");
            if !["LOCK", "manifest.sha256"].contains(&name) {
                let line = format!("{}  {name}\n", Digest::of(&bytes));
                manifest.push_str(&line);
            }
        }
        fs::write(self.file("manifest.sha256"), manifest).expect("our own file");
    }

    /// Replaces text in one file and recomputes the manifest.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.file(path);
        let before = fs::read_to_string(&path).expect("text");
        assert!(before.contains(from), "{from}: {before:.300}");
        fs::write(path, before.replace(from, to)).expect("our own file");
        self.seal();
    }

    /// Exit 7, and standard output names all of these.
    #[track_caller]
    fn is_corrupt(&self, what: &str, named: &[&str]) {
        let answer = self.verify();
        assert_eq!(answer.code, 7, "{what}: {}{}", answer.stdout, answer.stderr);
        for named in named {
            assert!(
                answer.stdout.contains(named),
                "{what}: {named}: {}",
                answer.stdout
            );
        }
        assert!(answer.stdout.contains("STOP_EVIDENCE_CORRUPT"), "{what}");
        let mut said: Vec<&str> = answer.stdout.lines().collect();
        said.sort_unstable();
        let all = said.len();
        said.dedup();
        assert_eq!(
            said.len(),
            all,
            "{what}: nothing is said twice: {}",
            answer.stdout
        );
    }
}

fn position(lines: &[String], fits: &[&str]) -> usize {
    let fitting = |line: &String| fits.iter().all(|part| line.contains(part));
    lines
        .iter()
        .position(fitting)
        .unwrap_or_else(|| panic!("no line with {fits:?}"))
}

#[test]
fn copies_that_nobody_changed_are_intact() {
    for run in [&runs().passed, &runs().disturbed, &runs().unsafe_role] {
        let copy = Copy::of(run);
        let answer = copy.verify().expect(0);
        assert!(answer.stdout.contains("intact"), "{}", answer.stdout);
        // What cannot be judged again is named.
        assert!(
            answer.stdout.contains("by their recorded values alone: ")
                && answer.stdout.contains("G5 writing_statement_refused"),
            "{}",
            answer.stdout
        );
        // The forger's tools by themselves change nothing.
        copy.forge(&copy.lines());
        assert_eq!(
            kept_in(&copy),
            *run,
            "forging without a change is the identity"
        );
    }
}

fn kept_in(copy: &Copy) -> Run {
    let inside = |path: PathBuf| path.strip_prefix(copy.0.path()).expect("inside").to_owned();
    files(copy.0.path())
        .into_iter()
        .map(|(path, bytes)| (inside(path), bytes))
        .collect()
}

#[test]
fn a_journal_that_was_touched_is_named_with_its_line() {
    type Act = fn(&mut Vec<String>);
    let acts: [(&str, &str, Act); 7] = [
        ("edited", "journal.jsonl, line 21", |lines| {
            lines[20] = lines[20].replacen("\"at\":\"2", "\"at\":\"3", 1);
        }),
        ("inserted", "journal.jsonl, line 22", |lines| {
            lines.insert(21, lines[20].clone());
        }),
        ("deleted", "journal.jsonl, line 21", |lines| {
            drop(lines.remove(20));
        }),
        ("reordered", "journal.jsonl, line 21", |lines| {
            lines.swap(20, 21);
        }),
        ("truncated", "journal.jsonl", |lines| {
            drop(lines.pop());
        }),
        ("cut within a line", "journal.jsonl", |lines| {
            let last = lines.last_mut().expect("a line");
            last.truncate(last.len() / 2);
        }),
        ("continued", "journal.jsonl", |lines| {
            lines.push(lines[20].clone());
        }),
    ];
    for (what, named, act) in acts {
        for sealed_again in [false, true] {
            let copy = Copy::of(&runs().passed);
            let mut lines = copy.lines();
            act(&mut lines);
            copy.write_lines(&lines);
            if sealed_again {
                copy.seal();
            }
            copy.is_corrupt(what, &[named]);
        }
    }
}

#[test]
fn one_flipped_byte_anywhere_is_named_with_its_file() {
    for (path, bytes) in &runs().passed {
        if path.as_os_str() == "LOCK" || bytes.is_empty() {
            continue;
        }
        let copy = Copy::of(&runs().passed);
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        fs::write(copy.file(path), flipped).expect("our own file");
        copy.is_corrupt("flipped", &[path.to_str().expect("UTF-8")]);
        if path.starts_with("kb") {
            let line = bytes[..middle].split(|byte| *byte == b'\n').count();
            copy.is_corrupt("flipped", &[&format!("from line {line}, byte {middle}")]);
        }
    }
}

#[test]
fn files_that_came_or_went_or_are_not_what_the_journal_says_are_named() {
    let copy = Copy::of(&runs().passed);
    fs::write(
        copy.file(format!("blobs/{}", Digest::of("foreign"))),
        "foreign",
    )
    .expect("a new file");
    copy.is_corrupt("a foreign blob", &["blobs/", "not in the manifest"]);

    let copy = Copy::of(&runs().passed);
    let wrong = format!("blobs/{}", Digest::of("one"));
    fs::write(copy.file(&wrong), "another").expect("a new file");
    copy.seal();
    copy.is_corrupt("a blob under another's name", &[&wrong]);

    let blobs: Vec<&PathBuf> = runs()
        .passed
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("blobs"))
        .collect();
    for blob in blobs {
        let copy = Copy::of(&runs().passed);
        fs::remove_file(copy.file(blob)).expect("our own file");
        copy.is_corrupt("a lost blob", &[blob.to_str().expect("UTF-8")]);
    }

    let reports: Vec<&PathBuf> = runs()
        .passed
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("kb") || path.starts_with("units"))
        .collect();
    assert!(reports.len() > 14, "{reports:?}");
    for report in reports {
        let report = report.to_str().expect("UTF-8");
        let copy = Copy::of(&runs().passed);
        let before = fs::read_to_string(copy.file(report)).expect("text");
        fs::write(copy.file(report), before + " ").expect("our own file");
        copy.seal();
        copy.is_corrupt("a touched report", &[report]);
        fs::remove_file(copy.file(report)).expect("our own file");
        copy.seal();
        copy.is_corrupt("a lost report", &[report]);
    }

    let copy = Copy::of(&runs().disturbed);
    copy.edit("sidecar.json", "CHANGED_BY_OTHERS", "PASS");
    copy.is_corrupt("a sidecar that says PASS", &["sidecar.json"]);
    let copy = Copy::of(&runs().passed);
    copy.edit("context.json", "\"round\"", "\"runde\"");
    copy.is_corrupt("other context pins", &["context.json"]);
}

/// One line that was changed, with everything behind it recomputed.
struct Forgery {
    what: &'static str,
    run: &'static Run,
    line: &'static [&'static str],
    from: &'static str,
    to: &'static str,
    /// Empty: the line itself is named.
    named: &'static str,
}

/// The terms of a run, loosened or tightened after the fact.
fn forged_terms() -> [Forgery; 2] {
    let forgery = |what, from, to, named| Forgery {
        what,
        run: &runs().passed,
        line: &["run_created"],
        from,
        to,
        named,
    };
    [
        forgery(
            "who may approve",
            "\"exclude_starter\":false",
            "\"exclude_starter\":true",
            "who may approve, and for how long is not that of the run's profile",
        ),
        forgery(
            "what the run may cost",
            "\"tool\":{",
            "\"budget\":{\"rows_max\":9000000},\"tool\":{",
            "what the run may cost is not that of the run's profile",
        ),
    ]
}

fn forgeries() -> [Forgery; 9] {
    let forgery = |what, run, line, from, to, named| Forgery {
        what,
        run,
        line,
        from,
        to,
        named,
    };
    let Runs {
        passed,
        disturbed,
        unsafe_role,
    } = runs();
    [
        forgery(
            "the proof",
            disturbed,
            &["non_mutation_judged"],
            "CHANGED_BY_OTHERS",
            "PROVEN",
            "",
        ),
        forgery(
            "the result",
            disturbed,
            &["run_sealed"],
            "CHANGED_BY_OTHERS",
            "PASS",
            "",
        ),
        forgery(
            "a failed check",
            unsafe_role,
            &["check_recorded", "\"FAIL\""],
            "\"FAIL\"",
            "\"PASS\"",
            "role_is_read_only is FAIL by its evidence, not PASS",
        ),
        forgery(
            "a failed gate",
            unsafe_role,
            &["gate_finished", "\"FAIL\""],
            "\"FAIL\"",
            "\"PASS\"",
            "",
        ),
        forgery(
            "a fact of the pin",
            passed,
            &["survey_taken", "\"60\""],
            "\"60\"",
            "\"61\"",
            "",
        ),
        forgery(
            "a counted unit",
            passed,
            &["units_progressed"],
            "60",
            "59",
            "cut_equals_prediction is FAIL by its evidence, not PASS",
        ),
        forgery(
            "the prediction",
            passed,
            &["effect_predicted"],
            "60",
            "59",
            "",
        ),
        forgery(
            "a decision",
            passed,
            &["approval_recorded"],
            "\"approve\"",
            "\"reject\"",
            "is illegal in state",
        ),
        forgery(
            "a transaction",
            passed,
            &["transaction_closed"],
            "\"nonce\":\"",
            "\"nonce\":\"f",
            "",
        ),
    ]
}

#[test]
fn a_forged_verdict_in_a_recomputed_chain_is_named_with_its_line() {
    for forgery in forgeries().into_iter().chain(forged_terms()) {
        let Forgery {
            what,
            run,
            line,
            from,
            to,
            named,
        } = forgery;
        let copy = Copy::of(run);
        let mut lines = copy.lines();
        let at = position(&lines, line);
        assert!(lines[at].contains(from), "{what}: {}", lines[at]);
        lines[at] = lines[at].replace(from, to);
        copy.forge(&lines);
        let own = format!("journal.jsonl, line {}", at + 1);
        copy.is_corrupt(
            what,
            &[
                "journal.jsonl, line ",
                if named.is_empty() { &own } else { named },
            ],
        );
    }
}

/// Every check line of a real run taken out, with everything behind it recomputed.
#[test]
fn a_check_that_is_cut_out_is_named_with_its_gate() {
    let copy = Copy::of(&runs().passed);
    let lines = copy.lines();
    let mut changed = 0;
    for (at, line) in lines.iter().enumerate() {
        let record: Value = serde_json::from_str(line).expect("an object");
        if record["event"] != "check_recorded" {
            continue;
        }
        let named = format!(
            "{} {}",
            text(&record["gate"]),
            text(&record["check"]["name"])
        );
        let mut cut = lines.clone();
        cut.remove(at);
        copy.forge(&cut);
        copy.is_corrupt("cut out", &[&named]);
        changed += 1;
    }
    // All checks of all gates, and those of G3 once more after each approval.
    assert_eq!(changed, 4 + 13 + 2 + 8 + 5 + 9 + 11 + 5 + 7);
}

#[test]
fn a_forger_who_changes_every_place_at_once_is_still_found() {
    let copy = Copy::of(&runs().disturbed);
    let forged: Vec<String> = copy
        .lines()
        .iter()
        .map(|line| {
            let judged = [
                "non_mutation_judged",
                "run_sealed",
                "\"G3\"",
                "stop_raised",
                "invocation_returned",
            ];
            if !judged.iter().any(|part| line.contains(part)) {
                return line.clone();
            }
            line.replace(
                "O4_LIVE_DRYRUN_ORCHESTRATION_CHANGED_BY_OTHERS",
                "O4_LIVE_DRYRUN_ORCHESTRATION_PASS",
            )
            .replace("CHANGED_BY_OTHERS", "PROVEN")
            .replace("changed_by_others", "pass")
            .replace("\"FAIL\"", "\"PASS\"")
            .replace("\"FAILS\"", "\"HOLDS\"")
        })
        .collect();
    assert_ne!(forged, copy.lines());
    copy.forge(&forged);
    copy.is_corrupt("everything says PASS", &["journal.jsonl, line "]);

    // An approval that was never given: without its record nothing that follows is legal.
    for gate in ["\"SG1\"", "\"SG2\""] {
        let copy = Copy::of(&runs().passed);
        let mut lines = copy.lines();
        let at = position(&lines, &["approval_recorded", gate]);
        lines.remove(at);
        copy.forge(&lines);
        copy.is_corrupt("no approval", &["journal.jsonl, line "]);
    }
}
