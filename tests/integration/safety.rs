//! What the program must never do, seen from outside: LIVE, writes, sessions left open, raw text, secrets, wrong exit codes.
//! Invariant: the server's log, the files and the bytes printed are the witnesses, not the program's own word.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use serde_json::{Value, json};

use super::support::pty::{Exit, Launch, Terminal};
use super::support::server::{Answer, Workspace, approval, files, finish, own_cluster, text};

/// Runs the program with further variables.
fn with(workspace: &Workspace, args: &[&str], variables: &[(&str, &str)]) -> Answer {
    let mut command = workspace.command(args);
    command.envs(variables.iter().copied());
    finish(command.spawn().expect("the program starts"))
}

#[test]
fn live_is_refused_by_its_name_and_nothing_is_made_or_connected() {
    let options = ClusterOptions {
        log_statement_all: true,
        settings: vec![("log_connections".to_owned(), "on".to_owned())],
        ..ClusterOptions::default()
    };
    let workspace = Workspace::on(own_cluster(&options), Scenario::Enacted);
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let live = workspace.profile("live.toml", |text| {
        text.replace("mode = \"dryrun\"", "mode = \"LIVE\"")
    });
    let enabled = workspace.profile("enabled.toml", |text| {
        text.replace("mode = \"dryrun\"", "execution_enabled = true")
    });
    let project = workspace.place().join("repository/drygate.toml");
    let user = workspace.place().join("home/.config/drygate/config.toml");
    fs::create_dir_all(user.parent().expect("it has one")).expect("a new directory");
    let log = || fs::read_to_string(workspace.cluster.log_path()).expect("a log");
    let quiet = log().len();
    let refuse = |way: &str, args: &[&str], variables: &[(&str, &str)]| {
        let words: Vec<&str> = run.iter().chain(args).copied().collect();
        let answer = with(&workspace, &words, variables).expect(8);
        let first = answer.stderr.lines().next().unwrap_or_default();
        assert!(
            first.contains("STOP_LIVE_REFUSED: ") && first.contains(way),
            "{way}: {first}"
        );
        assert_eq!(first.matches("STOP_LIVE_REFUSED").count(), 1, "{first}");
        assert_eq!(answer.json()["stop_code"], "STOP_LIVE_REFUSED");
        assert!(
            !workspace.data().join("runs").exists(),
            "{way}: no run is made"
        );
    };
    refuse("--mode live", &["--mode", "live"], &[]);
    refuse("DRYGATE_MODE=live", &[], &[("DRYGATE_MODE", "live")]);
    refuse(
        "DRYGATE_EXECUTION_ENABLED=true",
        &[],
        &[("DRYGATE_EXECUTION_ENABLED", "true")],
    );
    refuse("live.toml", &["--profile", &live], &[]);
    refuse("enabled.toml", &["--profile", &enabled], &[]);
    for (file, way) in [(&project, "drygate.toml"), (&user, "config.toml")] {
        for asked in ["mode = \"live\"", "execution_enabled = true"] {
            fs::write(file, format!("ascii = true\n{asked}\n")).expect("a new file");
            refuse(&format!("{way}:2:"), &[], &[]);
            refuse(asked, &[], &[]);
        }
        fs::remove_file(file).expect("our own file");
    }
    // A way that is asked for beside a flag that says otherwise is refused all the same.
    refuse(
        "DRYGATE_MODE=live",
        &["--mode", "dryrun"],
        &[("DRYGATE_MODE", "live")],
    );
    assert_eq!(&log()[quiet..], "", "nothing ever reached the server");
    workspace.run().expect(3);
}

/// The statements that sessions of `user` sent, out of the log of the server.
fn sent(log: &str, user: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut ours = false;
    for line in log.lines() {
        // Further lines of one statement begin with a tab.
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some(last)) = (ours, statements.last_mut()) {
                last.push('\n');
                last.push_str(more);
            }
            continue;
        }
        let (head, said) = line.split_once("|LOG:  ").unwrap_or(("", ""));
        let executed = said
            .split_once("execute ")
            .and_then(|(_, rest)| rest.split_once(": "));
        let sql = executed
            .map(|(_, sql)| sql)
            .or_else(|| said.strip_prefix("statement: "));
        ours = head.ends_with(user) && sql.is_some();
        statements.extend(sql.filter(|_| ours).map(str::to_owned));
    }
    statements
}

/// The closed list as its authors wrote it: the files of `assets/sql`, and what begins with one of these words.
fn is_on_the_closed_list(sql: &str, known: &[String], profile_sql: &[String]) -> bool {
    const CONTROL: [&str; 14] = [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "ROLLBACK",
        "SAVEPOINT s",
        "ROLLBACK TO SAVEPOINT s",
        "RELEASE SAVEPOINT s",
        "FETCH FORWARD 1 FROM fact",
        "FETCH FORWARD 2 FROM fact",
        "FETCH FORWARD 4 FROM fact",
        "FETCH FORWARD 100 FROM fact",
        "FETCH FORWARD 250 FROM fact",
        "FETCH FORWARD 2000 FROM fact",
        "FETCH FORWARD 200001 FROM fact",
        "FETCH FORWARD 2000 FROM pieces",
        "FETCH FORWARD 2000 FROM units",
    ];
    let plain = sql.trim();
    let declared = ["fact", "pieces", "units"].iter().any(|cursor| {
        let head = format!("DECLARE {cursor} NO SCROLL CURSOR WITHOUT HOLD FOR\n");
        plain.strip_prefix(&head).is_some_and(|select| {
            let of_profile = profile_sql.iter().any(|sql| select.contains(sql.trim()));
            let of_content = select.contains("pg_catalog.sha256(r.row) AS digest")
                || select.starts_with("SELECT r.key, r.row\n");
            let of_origin = select.contains("o.xmin::pg_catalog.text AS xmin")
                && select.contains("track_commit_timestamp");
            let of_file = known.iter().any(|known| known.trim() == select.trim());
            of_profile || of_content || of_origin || of_file
        })
    });
    declared
        || CONTROL.contains(&plain)
        || known.iter().any(|known| known.trim() == plain)
        || is_put_together(plain, known)
}

/// The one statement that is several files, with UNION ALL between them.
fn is_put_together(sql: &str, known: &[String]) -> bool {
    let mut parts: Vec<&str> = known.iter().map(|part| part.trim()).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let left = parts.iter().fold(sql.to_owned(), |left, part| {
        if part.is_empty() {
            left
        } else {
            left.replace(part, "")
        }
    });
    left.replace("UNION ALL", "").trim().is_empty()
}

#[test]
fn every_statement_of_a_whole_run_is_on_the_closed_list() {
    let options = ClusterOptions {
        log_statement_all: true,
        settings: vec![("log_line_prefix".to_owned(), "%a|%u|".to_owned())],
        ..ClusterOptions::default()
    };
    let workspace = Workspace::on(own_cluster(&options), Scenario::Draft);
    let last = workspace.run_to_the_end().expect(0).json();
    let log = fs::read_to_string(workspace.cluster.log_path()).expect("a log");
    let statements = sent(&log, "context_pack_readonly");
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sql");
    let known: Vec<String> = files(assets.as_ref())
        .into_iter()
        .map(|(_, bytes)| String::from_utf8(bytes).expect("UTF-8"))
        .collect();
    let (profile, _) = drygate::profile::built_in("icx-const").expect("it parses");
    let mut of_profile: Vec<String> = profile
        .facts
        .iter()
        .filter_map(|fact| fact.sql.clone())
        .collect();
    let units = profile.units().expect("source pieces and live units");
    of_profile.extend([units.pieces, units.candidates].map(str::to_owned));
    let strangers: Vec<&String> = statements
        .iter()
        .filter(|sql| !is_on_the_closed_list(sql, &known, &of_profile))
        .collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
    // One transaction for the survey, for each approval and for the post survey, and behind each a second one that
    // looks for what the first may have left in the session, and a third one that resolves again what could run; each rolled
    // back.
    // The catalogue is read in the same message as BEGIN.
    let begins =
        |sent: &&String| sent.starts_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    let opened = workspace.events(&last, "transaction_opened").len();
    assert_eq!(statements.iter().filter(begins).count(), 3 * opened);
    let ends = |sent: &&String| sent.trim() == "ROLLBACK";
    assert_eq!(statements.iter().filter(ends).count(), 3 * opened);
    assert!(
        opened == 4 && statements.len() > 200,
        "{opened} {}",
        statements.len()
    );
    assert!(
        !statements
            .iter()
            .flat_map(|sql| sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
            .any(|word| word.eq_ignore_ascii_case("COMMIT"))
    );
}

/// The sessions of the program that the server knows of in this database.
fn sessions(workspace: &Workspace) -> Vec<String> {
    let sql = format!(
        "SELECT application_name || ' ' || coalesce(state, '') FROM pg_catalog.pg_stat_activity \
          WHERE datname = '{}' AND pid <> pg_catalog.pg_backend_pid()",
        workspace.database
    );
    workspace
        .sql(&sql)
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// A screen in a pty that holds a run of this desk and waits at SG1; and the document that a script would have got.
fn held(workspace: &Workspace) -> (Terminal, Value) {
    let url = workspace.url();
    let screen = Launch::drygate(["run", "--database-url", &url, "--live-interval", "0"])
        .env("DRYGATE_DATA_DIR", workspace.data())
        .env("HOME", workspace.place().join("home"))
        .env("TMPDIR", workspace.place())
        .cwd(&workspace.place().join("repository"))
        .size(120, 36)
        .open();
    screen.wait_for("SG1   ALLOW CUT?");
    let listed = workspace.drygate(&["runs", "--json"]).expect(0).json();
    let run_id = listed["runs"][0]["run_id"].clone();
    let waiting = json!({ "run_id": run_id });
    let shown = workspace.events(&waiting, "stop_raised");
    let evidence = shown.last().expect("it waits")["evidence"].clone();
    (screen, json!({ "run_id": run_id, "evidence": evidence }))
}

#[test]
fn while_a_run_waits_no_session_is_open_and_its_holder_is_named_and_reached() {
    let workspace = Workspace::new(Scenario::Enacted);
    let (mut screen, waiting) = held(&workspace);
    // A backend may need a moment to see that its client left; nothing new may come after.
    while !sessions(&workspace).is_empty() {
        std::thread::yield_now();
    }
    let opened = workspace.events(&waiting, "transaction_opened").len();
    assert_eq!(sessions(&workspace), [""; 0]);

    let locked = workspace.resume(&waiting).expect(75);
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    for named in [screen.pid().to_string(), host] {
        assert!(locked.stderr.contains(&named), "{named}: {}", locked.stderr);
        assert!(text(&locked.json()["message"]).contains(&named));
    }
    assert_eq!(locked.json()["stop_code"], "STOP_RUN_LOCKED");
    assert_eq!(
        workspace.events(&waiting, "transaction_opened").len(),
        opened
    );

    // Two processes approve at once through the holder: one decision, one refusal.
    let words = approval(&waiting, "SG1");
    let both = [0; 2].map(|_| {
        workspace
            .command(&words)
            .spawn()
            .expect("the program starts")
    });
    let mut answers = both.map(finish);
    answers.sort_by_key(|answer| answer.code);
    assert_eq!(
        answers.each_ref().map(|answer| answer.code),
        [3, 6],
        "{answers:?}"
    );
    assert_eq!(workspace.events(&waiting, "approval_recorded").len(), 1);
    let second = answers[0].json();
    assert_eq!(second["gate"], "SG2");
    // The refusal of the second may stand in the band by now; the run waits either way.
    screen.wait_for("awaiting_lifecycle_authorization   evidence");
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    screen.wait_for("O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    screen.type_slowly("q");
    assert_eq!(screen.wait_exit(), Exit::Code(0));
}

#[test]
fn after_drift_a_resume_elsewhere_lets_the_holder_take_new_evidence_and_else_finds_the_run_held() {
    let workspace = Workspace::new(Scenario::Draft);
    let (mut screen, waiting) = held(&workspace);
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    assert_eq!(drifted["stop_code"], "STOP_FACTS_DRIFTED");

    let asked = workspace.resume(&waiting).expect(3).json();
    assert_eq!(asked["gate"], "SG1");
    assert_ne!(asked["evidence"], waiting["evidence"]);
    assert_eq!(workspace.events(&waiting, "run_resumed").len(), 0);
    screen.wait_for("SG1   ALLOW CUT?");

    // Its evidence stands now: there is nothing to take anew, and the run is another's.
    let locked = workspace.resume(&waiting).expect(75).json();
    assert_eq!(locked["stop_code"], "STOP_RUN_LOCKED");
    assert_eq!(workspace.events(&waiting, "evidence_renewed").len(), 1);
    screen.type_slowly("q");
    assert_eq!(screen.wait_exit(), Exit::Code(3));
}

/// Text that would drive a terminal, deceive a reader or break a layout.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]52;c;cm0gLXJmIC8=\u{7}\u{1b}]0;owned\u{1b}\\ \u{9b}31m\u{90}q\u{9c} a\u{8}b\rc\te\u{b}d\u{7f} \
    \u{202e}gpj.exe\u{202c} \u{2066}x\u{2069} \u{200f}\u{61c}\u{feff}\u{200b} e\u{301}\u{301}\u{301} \u{4e2d}\u{6587}\u{1f468}\u{200d}\u{1f469}";

const HOSTILE_NAME: &str = "\u{1b}[7m\u{9b}1m\u{202e}owned-name\r\n\t";

/// Characters that may not reach a terminal, and where the first is.
fn raw(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let bidi = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let control = |c: char| c.is_control() && c != '\n';
    let (at, found) = text.char_indices().find(|(_, c)| bidi(*c) || control(*c))?;
    let near: String = text[..at].chars().rev().take(40).collect();
    Some(format!(
        "{found:?} after {:?}",
        near.chars().rev().collect::<String>()
    ))
}

#[test]
fn hostile_text_of_a_unit_is_escaped_wherever_it_is_shown() {
    let workspace = Workspace::new(Scenario::Enacted);
    let waiting = workspace.run().expect(3).json();
    workspace.sql(&format!(
        "UPDATE public.source_version SET body = replace(body, 'Tên gọi và phạm vi', $h${HOSTILE}$h$) WHERE is_current; \
         UPDATE public.unit_version SET content = replace(content, 'Tên gọi và phạm vi', $h${HOSTILE}$h$) WHERE is_current; \
         UPDATE public.information_unit SET title = $h${HOSTILE}$h$ WHERE id = 'ICX-CONST-0001'"
    ));
    // Names are text of the database as well.
    workspace.sql(&format!(
        "CREATE TABLE public.\"{HOSTILE_NAME}\" (id integer); CREATE ROLE \"{HOSTILE_NAME}{0}\"; \
         GRANT SELECT ON public.\"{HOSTILE_NAME}\" TO \"{HOSTILE_NAME}{0}\"",
        workspace.database
    ));
    let mut answers = vec![workspace.approve(&waiting, "SG1").expect(4)];
    let drifted = answers[0].json();
    assert!(drifted["beside"].to_string().contains("owned-name"));
    let row = drifted["drift"].to_string();
    assert!(row.contains("exe"), "the hostile unit is what drifted");
    for flags in [&["--headless"][..], &["--headless", "--json"]] {
        let mut words = vec!["resume", text(&waiting["run_id"])];
        words.extend(flags);
        answers.push(workspace.drygate(&words).expect(3));
    }
    let asked = answers.last().expect("three").json();
    answers.push(workspace.approve(&asked, "SG1").expect(3));
    let second = answers.last().expect("four").json();
    answers.push(workspace.approve(&second, "SG2").expect(0));
    let id = text(&waiting["run_id"]);
    for words in [
        &["report", id][..],
        &["report", id, "--json"],
        &["verify", id],
        &["runs"],
    ] {
        answers.push(workspace.drygate(words).expect(0));
    }
    let url = workspace.url();
    for words in [
        &["survey", "-v"][..],
        &["survey", "--json"],
        &["profile", "check"],
    ] {
        let words: Vec<&str> = words
            .iter()
            .chain(&["--database-url", &url])
            .copied()
            .collect();
        answers.push(workspace.drygate(&words).expect(0));
    }
    for answer in &answers {
        for printed in [&answer.stdout, &answer.stderr] {
            assert_eq!(raw(printed.as_bytes()), None, "{printed:.300}");
        }
    }
    let run = workspace.run_dir(&waiting);
    for (path, bytes) in files(&run) {
        // Blobs are evidence, kept as it was read. Report 11 prints grants as lines of two columns.
        let columns = path.to_string_lossy().contains("/kb/11-grant-matrix");
        let bytes: Vec<u8> = bytes
            .into_iter()
            .filter(|byte| !columns || *byte != b'\t')
            .collect();
        if !path.starts_with(run.join("blobs")) {
            assert_eq!(raw(&bytes), None, "{}", path.display());
        }
    }
}

/// A secret in the forms in which it could leak.
fn disguises(secret: &str) -> Vec<String> {
    use std::fmt::Write as _;
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    });
    let percent = secret.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect("a string takes everything");
        text
    });
    vec![
        secret.to_owned(),
        hex.clone(),
        hex.to_uppercase(),
        percent,
        secret.replace('/', "%2F"),
        base64(secret.as_bytes()),
        base64(secret.as_bytes()).trim_end_matches('=').to_owned(),
        secret.chars().rev().collect(),
    ]
}

/// Base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (group >> (18 - 6 * place)) & 63;
            let letter = char::from(ALPHABET[digit as usize]);
            text.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    text
}

#[test]
fn a_password_is_in_no_file_and_in_nothing_that_is_printed() {
    const SECRET: &str = "cAnAry/7f3a9b-sesame";
    assert_eq!(base64(b"sesame!"), "c2VzYW1lIQ==");
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Enacted);
    // The server asks for the password indeed.
    workspace.sql(&format!(
        "ALTER ROLE context_pack_readonly PASSWORD '{SECRET}'"
    ));
    let rules = workspace.sql("SHOW hba_file")[0][0]
        .clone()
        .expect("a path");
    let trusting = fs::read_to_string(&rules).expect("readable for us");
    let asking = format!("local all context_pack_readonly scram-sha-256\n{trusting}");
    fs::write(&rules, asking).expect("writable for us");
    workspace.sql("SELECT pg_reload_conf()");
    let url = |password: &str| {
        let password = password.replace('/', "%2F");
        format!("{}&password={password}", workspace.url())
    };
    let (right, wrong) = (url(SECRET), url(&format!("{SECRET}-no")));
    let mut answers = Vec::new();
    let run = ["run", "--headless", "--json"];
    answers.push(with(&workspace, &run, &[("DRYGATE_DATABASE_URL", &wrong)]));
    assert_ne!(answers[0].code, 3, "the server asks: {:?}", answers[0]);
    let home = workspace.place().join("home/.pgpass");
    let first = with(&workspace, &run, &[("DRYGATE_DATABASE_URL", &right)]).expect(3);
    let waiting = first.json();
    answers.push(first);
    // The run knows its target, not the password: that comes from the passfile now.
    answers.push(workspace.approve(&waiting, "SG1"));
    assert_eq!(
        answers.last().expect("one").code,
        69,
        "no password, no connection: {answers:?}"
    );
    fs::write(&home, format!("*:*:*:context_pack_readonly:{SECRET}\n")).expect("a new file");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o600)).expect("our own file");
    answers.push(workspace.resume(&waiting).expect(3));
    let second = answers.last().expect("one").json();
    answers.push(workspace.approve(&second, "SG2").expect(0));
    let id = text(&waiting["run_id"]);
    for words in [
        &["report", id][..],
        &["config", "show"],
        &["survey", "-v"],
        &["verify", id],
    ] {
        answers.push(with(&workspace, words, &[("DRYGATE_DATABASE_URL", &right)]).expect(0));
    }
    let shown = [
        &["--database-url", right.as_str()][..],
        &["--database-url", wrong.as_str()],
    ];
    for words in shown {
        let words: Vec<&str> = run.iter().chain(words).copied().collect();
        answers.push(workspace.drygate(&words).expect(64));
    }
    // The archive and its page stand among the files that are searched.
    let archive = workspace.data().join("run.tar").display().to_string();
    let exported = ["export", id, "--output", &archive];
    answers.push(with(&workspace, &exported, &[("DRYGATE_DATABASE_URL", &right)]).expect(0));
    for disguise in disguises(SECRET) {
        for answer in &answers {
            assert!(
                !answer.stdout.contains(&disguise),
                "{disguise}: {}",
                answer.stdout
            );
            assert!(
                !answer.stderr.contains(&disguise),
                "{disguise}: {}",
                answer.stderr
            );
        }
        for (path, bytes) in files(&workspace.data()) {
            let found = bytes
                .windows(disguise.len())
                .any(|part| part == disguise.as_bytes());
            assert!(!found, "{disguise} in {}", path.display());
        }
    }
}

#[test]
fn each_way_to_fail_has_its_exit_code_and_says_what_to_do() {
    let workspace = Workspace::new(Scenario::Enacted);
    let url = workspace.url();
    let broken = workspace.place().join("broken.toml");
    fs::write(&broken, "schema = 1\nname = \"x\"\nrun_prefx = \"y\"\n").expect("a new file");
    let broken = broken.to_str().expect("UTF-8");
    let project = workspace.place().join("repository/drygate.toml");
    let cases: [(i32, &[&str], &[&str]); 9] = [
        (64, &["run", "--no-such-flag"], &["--no-such-flag"]),
        (64, &["approve", "last", "SG3", "--digest", "00"], &["SG3"]),
        (
            64,
            &["approve", "last", "SG1", "--digest", "abc"],
            &["64 characters"],
        ),
        (64, &["approve", "last", "SG1", "--headless"], &["--digest"]),
        (64, &["reject", "last", "SG1"], &["--reason"]),
        (64, &["resume", "nowhere", "--headless"], &["no run"]),
        (
            64,
            &[
                "run",
                "--headless",
                "--database-url",
                "postgresql://u:secret@h/d",
            ],
            &["password", "DRYGATE_DATABASE_URL"],
        ),
        (
            78,
            &["run", "--headless", "--profile", broken],
            &["broken.toml:3:", "run_prefix"],
        ),
        (
            78,
            &["run", "--headless", "--profile", "icx-cnst"],
            &["icx-const"],
        ),
    ];
    for (code, words, said) in cases {
        let answer = workspace.drygate(words);
        assert_eq!(answer.code, code, "{words:?}: {}", answer.stderr);
        assert_eq!(answer.stdout, "", "{words:?}: stdout is data");
        for said in said {
            assert!(
                answer.stderr.contains(said),
                "{words:?}: {said}: {}",
                answer.stderr
            );
        }
        assert!(!answer.stderr.contains("secret"));
    }
    fs::write(&project, "ascii = true\nlive_interval = -1.0\n").expect("a new file");
    let wrong = workspace.drygate(&["run", "--headless"]).expect(78);
    assert!(wrong.stderr.contains("drygate.toml:2:"), "{}", wrong.stderr);
    fs::remove_file(&project).expect("our own file");
    assert!(!workspace.data().join("runs").exists(), "no run is made");
    workspace
        .drygate(&["run", "--headless", "--database-url", &url])
        .expect(3);
}

#[test]
fn a_database_that_is_not_there_ends_with_69_and_the_run_goes_on_later() {
    let options = ClusterOptions::default();
    let workspace = Workspace::on(own_cluster(&options), Scenario::Enacted);
    let profile = workspace.profile("hasty.toml", |text| {
        format!("{text}\n[timeouts]\nconnect_ms = 300\nstatement_ms = 300\n")
    });
    let url = workspace.url();
    let stopped = workspace.stop_server();
    for flag in ["--json", "--events", "--headless"] {
        let words = [
            "run",
            "--headless",
            flag,
            "--database-url",
            &url,
            "--profile",
            &profile,
        ];
        let words: Vec<&str> = words
            .into_iter()
            .filter(|word| flag != "--headless" || *word != "--headless")
            .collect();
        let lost = workspace.drygate(&words).expect(69);
        let told = format!("{}{}", lost.stdout, lost.stderr);
        assert!(told.contains("STOP_DATABASE_UNAVAILABLE"), "{flag}: {told}");
        assert!(
            told.contains("300 ms") && told.contains("resume"),
            "{flag}: {told}"
        );
    }
    drop(stopped);
    let listed = workspace.drygate(&["runs", "--json"]).expect(0).json();
    let runs = listed["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 3);
    for run in runs {
        let failed = |record: &Value| record["check"]["verdict"] == "FAIL";
        assert!(
            !workspace.events(run, "check_recorded").iter().any(failed),
            "no check is recorded"
        );
        assert_eq!(workspace.resume(run).expect(3).json()["gate"], "SG1");
    }
}

#[test]
fn a_disk_that_is_full_ends_with_74_and_nothing_is_acknowledged() {
    use std::os::unix::process::CommandExt;
    let workspace = Workspace::new(Scenario::Enacted);
    let waiting = workspace.run().expect(3).json();
    let before = workspace.journal_text(&waiting);
    // The kernel refuses to let any file grow beyond what the journal has now: like a full disk, for this process alone.
    let limit = before.len().div_ceil(512);
    let words = approval(&waiting, "SG1").join(" ");
    let script = format!("ulimit -f {limit}; exec \"$0\" {words}");
    let program = workspace.command(&[]);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(program.get_program());
    shell.env_clear();
    for (name, value) in program.get_envs() {
        shell.env(name, value.expect("set"));
    }
    shell
        .current_dir(program.get_current_dir().expect("set"))
        .process_group(0);
    shell
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    let failed = finish(shell.spawn().expect("a shell")).expect(74).json();
    assert_eq!(failed["stop_code"], "STOP_STORAGE_FAILED");
    assert!(
        text(&failed["message"]).contains("journal.jsonl"),
        "{}",
        failed["message"]
    );
    let after = workspace.journal_text(&waiting);
    assert!(after.starts_with(&before));
    assert!(!after.contains("cut_simulated"));
    // With room again the run goes on from what is durable.
    let second = workspace.resume(&waiting);
    let document = second.json();
    match document["gate"].as_str() {
        Some("SG1") => workspace.approve(&document, "SG1").expect(3),
        _ => second.expect(3),
    };
    let last = workspace.resume(&waiting).expect(3).json();
    assert_eq!(
        workspace.approve(&last, "SG2").expect(0).json()["result"],
        "O4_LIVE_DRYRUN_ORCHESTRATION_PASS"
    );
}
