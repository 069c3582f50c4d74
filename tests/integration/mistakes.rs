//! Mistakes that users make, each with what is said: what is wrong, where, and what to do. The texts are one snapshot, to be read.
//! Invariant: no mistake ends with 0, and each says more than one word (`said`).

use std::fs;

use drygate::postgres::throwaway::Scenario;
use drygate::profile::built_in;

use super::support::server::{Workspace, text};

/// On the command line. `URL`, `RUN`, `DIGEST` and `PLACE` stand for what the workspace has.
const COMMANDS: &[&str] = &[
    "runn",
    "run --databse-url URL",
    "run --profile",
    "run --profile nosuch --database-url URL",
    "run --profile ./nosuch.toml --database-url URL",
    "run --profile PLACE --database-url URL",
    "run --database-url",
    "run --database-url mysql://reader@db/shop",
    "run --database-url postgresql://reader@db:port/shop",
    "run --database-url postgresql://reader@db/shop?sslmod=require",
    "run --database-url postgresql://reader@db/shop?sslmode=sometimes",
    "run --database-url postgresql://reader@db/shop?connect_timeout=soon",
    "run --database-url service=nosuch",
    "run --database-url postgresql://reader@127.0.0.1:1/shop",
    "run --database-url host=/nosuch",
    "run --database-url URL --change nosuch.sql --role kb_owner",
    "run --database-url URL --role kb_owner",
    "run --database-url URL --live-interval often",
    "run --database-url URL --json --events",
    "run --database-url URL --theme pink",
    "run --database-url URL --mode live",
    "run --database-url URL --repo /nosuch",
    "run --database-url URL --data-dir /proc/nosuch",
    "approve",
    "approve RUN",
    "approve RUN SG3 --digest DIGEST",
    "approve RUN SG2 --digest DIGEST",
    "approve RUN SG1 --digest 12345",
    "approve RUN SG1 --digest 0000000000000000000000000000000000000000000000000000000000000000",
    "approve nosuch SG1 --digest DIGEST",
    "reject RUN SG1 --digest DIGEST",
    "resume nosuch",
    "resume RUN --database-url postgresql://reader@127.0.0.1:1/kb",
    "diff",
    "diff RUN nosuch",
    "replay nosuch",
    "replay /etc/passwd",
    "replay RUN --svg",
    "verify nosuch",
    "verify RUN --head 1234",
    "verify /etc/passwd",
    "report nosuch",
    "report RUN 99",
    "export RUN",
    "export nosuch --output PLACE/x.tar",
    "export RUN --output /nosuch/x.tar",
    "import nosuch.tar",
    "import /etc/passwd",
    "recheck RUN",
    "runs remove",
    "runs remove --older-than soon",
    "runs --since whenever",
    "watch nosuch",
    "profile",
    "profile show nosuch",
    "profile init /nosuch/x.toml",
    "profile check /etc/passwd",
    "demo --scenario nosuch",
    "demo --database-url URL",
    "demo --profile publishing",
    "completions sh",
    "man nosuch",
    "config show --colour never",
    "rehearse",
    "survey --profile nosuch",
];

/// In a profile: what is written in the place of what.
const PROFILES: &[(&str, &str)] = &[
    ("schema = 1", "schema = 2"),
    ("schema = 1\n", ""),
    ("name = \"publishing\"", "name = \"Publishing Flow\""),
    ("name = \"publishing\"", "name = publishing"),
    ("title = ", "titel = "),
    ("[words]", "[word]"),
    ("type = \"integer\"", "type = \"number\""),
    ("key = \"drafts\"", "key = \"Drafts\""),
    ("key = \"published\"", "key = \"drafts\""),
    ("count = \"site.article\"", "count = \"article\""),
    (
        "count = \"site.article\"\nwhere = \"embargo\"",
        "sql = \"DELETE FROM site.article\"",
    ),
    (
        "count = \"site.article\"\nwhere = \"embargo\"",
        "sql = \"SELECT pg_sleep(9)::text\"",
    ),
    ("count = \"site.article\"\n", ""),
    ("expect = \"0\"", "expect = \"none\""),
    ("row_key = [\"slug\"]", "row_key = []"),
    ("row_key = [\"slug\"]", "row_key = [\"id\"]"),
    ("initial = \"draft\"", "initial = \"drafted\""),
    ("color = \"red\"", "color = \"crimson\""),
    ("[lifecycle]", "[out_of_scope]\ncheck = \"x\"\n[lifecycle]"),
    (
        "[pieces]",
        "[[out_of_scope]]\ncheck = \"repository_presnt\"\nreason = \"none\"\n[pieces]",
    ),
    ("[pieces]", "[approvals]\nttl = \"8 hours\"\n[pieces]"),
    ("[pieces]", "[timeouts]\nlock_ms = 0\n[pieces]"),
    ("[pieces]", "[hooks]\non_wait = \"tell\"\n[pieces]"),
    (
        "[pieces]",
        "[change]\nrole = \"site_owner\"\nfiles = [\"nosuch.sql\"]\n[pieces]",
    ),
    ("[pieces]", "mode = \"live\"\n[pieces]"),
    ("[words]", "[words"),
    ("steps = [\"IMPORT\", ", "steps = [\"IMPORTING\", "),
    ("steps = [\"IMPORT\", ", "steps = ["),
];

/// The text with a word for each digest, short id, time and number of a journal line.
fn without_chance(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        out.push_str(match word.len() {
            64 if word.bytes().all(hex) => "HEX64",
            8 if word.bytes().all(hex) => "HEX8",
            16 if word.ends_with('Z') && word.starts_with("20") => "TIME",
            _ if out.ends_with("head=") => "N",
            _ => word,
        });
        let between = after.find(is_word).unwrap_or(after.len());
        out.push_str(&after[..between]);
        rest = &after[between..];
    }
    out
}

/// What a command line says, without what differs from one machine or run to the next.
fn said(workspace: &Workspace, shown: &str, words: &[String], known: &[(String, &str)]) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = workspace.drygate(&words);
    assert_ne!(answer.code, 0, "{shown}: {answer:?}");
    let mut text = format!("{}{}", answer.stdout, answer.stderr);
    for (value, name) in known {
        text = text.replace(value, name);
    }
    assert!(text.split_whitespace().count() > 1, "{shown}: {text}");
    let text = without_chance(&text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!(
        "$ drygate {shown}\nexit {}\n{}\n",
        answer.code,
        lines.join("\n")
    )
}

#[test]
fn each_mistake_is_told_with_what_to_do() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    let (run, digest) = (
        text(&waiting["run_id"]).to_owned(),
        text(&waiting["evidence"]).to_owned(),
    );
    let place = workspace.place().display().to_string();
    let sockets = workspace.cluster.socket_dir().display().to_string();
    let known = [
        (run.clone(), "RUN"),
        (run[run.len() - 8..].to_owned(), "RUN8"),
        (digest.clone(), "DIGEST"),
        (workspace.url(), "URL"),
        (place.clone(), "PLACE"),
        (sockets, "SOCKETS"),
        (workspace.database.clone(), "DATABASE"),
        (env!("CARGO_BIN_EXE_drygate").to_owned(), "drygate"),
    ];
    let mut all = Vec::new();
    for command in COMMANDS {
        let words = command.split(' ').map(|word| {
            word.replace("URL", &workspace.url())
                .replace("RUN", &run)
                .replace("DIGEST", &digest)
                .replace("PLACE", &place)
        });
        let mut words: Vec<String> = words.collect();
        if ["run", "approve", "reject", "resume", "recheck"].contains(&words[0].as_str()) {
            words.push("--headless".to_owned());
        }
        all.push(said(&workspace, command, &words, &known));
    }
    let (_, publishing) = built_in("publishing").expect("it parses");
    for (from, to) in PROFILES {
        assert!(publishing.contains(from), "{from}");
        let file = workspace.place().join("mine.toml");
        fs::write(&file, publishing.replacen(from, to, 1)).expect("our own file");
        let words = ["profile", "check", file.to_str().expect("UTF-8")].map(str::to_owned);
        let shown = format!("profile check mine.toml    # {to:?} in the place of {from:?}");
        all.push(said(&workspace, &shown, &words, &known));
    }
    insta::assert_snapshot!(all.join("\n"));
}
