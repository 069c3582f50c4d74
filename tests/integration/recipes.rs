//! The recipes of docs/recipes.md, block by block, in a shell, on the shop of the demo.
//! Invariant: what is run is the text of the page (`blocks`).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use drygate::postgres::throwaway::ServerBinaries;
use rstest::rstest;
use serde_json::Value;

use super::change_command::{Tool, python, without_change};
use super::changing::ChangedWorkspace;
use super::support::server::{Answer, finish, text};

/// A store of objects, as far as the recipes ask for one.
const AWS: &str = "#!/bin/sh
set -eu
[ \"$1 $2\" = 's3 cp' ]
store=\"$HOME/store\"
mkdir -p \"$store/team-evidence\"
place() { case $1 in s3://*) echo \"$store/${1#s3://}\";; *) echo \"$1\";; esac; }
cp \"$(place \"$3\")\" \"$(place \"$4\")\"
";

/// One program can be told; here two recipes are.
const ON_END: &str = "#!/bin/sh
set -eu
cat > told
./keep-the-head < told
./archive-the-run < told
";

/// The blocks of no tool in a language.
fn blocks(language: &str) -> Vec<(String, String)> {
    let mut blocks = all_blocks(language);
    blocks.retain(|(about, _)| !about.contains("tool="));
    blocks
}

/// The blocks of a tool in a language.
fn blocks_of(tool: &str, language: &str) -> Vec<(String, String)> {
    let mut blocks = all_blocks(language);
    let named = format!("tool={tool}");
    blocks.retain(|(about, _)| about.split(' ').any(|word| word == named));
    blocks
}

/// The blocks of a page in a language: what stands behind its name in the first line, and the text.
fn all_blocks(language: &str) -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md");
    let page = fs::read_to_string(page).expect("the page");
    let fence = format!("```{language}");
    let mut parts = page.split(&fence).skip(1);
    let block = |part: &str| {
        let (text, _) = part.split_once("\n```")?;
        let (about, text) = text.split_once('\n')?;
        Some((about.trim().to_owned(), format!("{text}\n")))
    };
    parts.by_ref().filter_map(block).collect()
}

struct Shell {
    world: ChangedWorkspace,
    path: String,
}

impl Shell {
    fn new() -> Self {
        Self::with(|profile| {
            format!("{profile}\n[hooks]\non_end = [\"./on-end\"]\ntimeout = \"60s\"\n")
        })
    }

    fn with(profile: impl Fn(&str) -> String) -> Self {
        let world = ChangedWorkspace::of_demo_profile(profile);
        let place = world.workspace.place();
        let programs = place.join("programs");
        fs::create_dir(&programs).expect("a new directory");
        let psql = ServerBinaries::find().expect("a server").psql();
        let psql = psql.expect("psql");
        let linked = [
            (Path::new(env!("CARGO_BIN_EXE_drygate")), "drygate"),
            (psql.as_path(), "psql"),
        ];
        for (program, name) in linked {
            std::os::unix::fs::symlink(program, programs.join(name)).expect("a new link");
        }
        let path = std::env::var("PATH").expect("a path");
        let path = format!(
            "{}:{}:{path}",
            programs.display(),
            python().join("bin").display()
        );
        let shell = Self { world, path };
        shell.write("programs/aws", AWS);
        shell.write("on-end", ON_END);
        let repository = "git init -q . && git config user.name op && git config user.email op@example.org && git add changed.toml && git commit -qm profile";
        shell.run(repository, &[]).expect(0);
        shell
    }

    /// A program beside the profile.
    fn write(&self, name: &str, text: &str) {
        let path = self.world.workspace.place().join(name);
        fs::write(&path, text).expect("a new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("our own file");
    }

    fn run(&self, script: &str, more: &[(&str, &str)]) -> Answer {
        let workspace = &self.world.workspace;
        let place = workspace.place();
        let change_url = format!(
            "host={} port=5432 user=shop_owner dbname={}",
            workspace.cluster.socket_dir().display(),
            workspace.database
        );
        let child = Command::new("bash")
            .args(["-eu", "-o", "pipefail", "-c", script])
            .current_dir(place)
            .env_clear()
            .env("PATH", &self.path)
            .env("LANG", "C.UTF-8")
            // Runs are where a user has them: a hook has no other variable.
            .env("HOME", place.join("home"))
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("DRYGATE_DATABASE_URL", workspace.url())
            .env("DRYGATE_PROFILE", place.join("changed.toml"))
            .env("DRYGATE_REPO", place.join("repository"))
            .env("CHANGE_URL", change_url)
            .env("PGHOST", workspace.cluster.socket_dir())
            .env("PGDATABASE", &workspace.database)
            .env("PGUSER", "shop_owner")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        finish(child.expect("a shell"))
    }

    /// What a person read on the sheet.
    fn digest(&self) -> String {
        let answer = self.run("drygate resume last --headless --json", &[]);
        let document: Value = serde_json::from_str(&answer.stdout).unwrap_or(Value::Null);
        document["evidence"].as_str().unwrap_or("none").to_owned()
    }
}

#[test]
fn every_block_of_the_recipes_does_what_the_page_says() {
    let blocks = blocks("sh");
    let shell = Shell::new();
    let (files, commands): (Vec<_>, Vec<_>) =
        (blocks.iter()).partition(|(about, _)| !about.is_empty());
    for (about, script) in &files {
        let name = about.strip_prefix("file=").expect("the name of a file");
        shell.write(name, script);
    }
    let mut ran = 0;
    for (_, script) in commands {
        let digest = if script.contains("$DIGEST") {
            shell.digest()
        } else {
            String::new()
        };
        let answer = shell.run(script, &[("DIGEST", &digest)]);
        assert_eq!(answer.code, 0, "{script}{}{}", answer.stdout, answer.stderr);
        ran += 1;
    }
    assert_eq!((files.len(), ran), (2, 9));
    let place = shell.world.workspace.place();
    let listed = fs::read_to_string(place.join("runs.json")).expect("runs");
    let listed: Value = serde_json::from_str(&listed).expect("a document");
    assert_eq!(
        text(&listed["runs"][0]["carried_out"]),
        "came_true",
        "{listed}"
    );
    // Not the head that was kept: a note of another head is refused.
    let other = shell.run("drygate verify last --head 1:0000000000000000000000000000000000000000000000000000000000000000", &[]);
    assert_eq!(other.code, 7, "{other:?}");
}

#[test]
fn every_step_of_the_pipeline_does_its_work() {
    let [(_, pipeline)] = &blocks("yaml")[..] else {
        panic!("one pipeline");
    };
    let shell = Shell::new();
    shell.write("keep-the-head", "#!/bin/sh\n");
    shell.write("archive-the-run", "#!/bin/sh\n");
    let steps: Vec<&str> = pipeline
        .lines()
        .filter_map(|line| line.strip_prefix("    - "))
        .collect();
    assert_eq!(steps.len(), 8, "{pipeline}");
    let baseline =
        "drygate rehearse --change migration.sql --role shop_owner --json > baseline.json";
    shell.run(baseline, &[]).expect(0);
    for step in steps {
        let digest = if step.contains("$DIGEST") {
            shell.digest()
        } else {
            String::new()
        };
        let answer = shell.run(step, &[("DIGEST", &digest)]);
        assert_eq!(answer.code, 0, "{step}\n{}{}", answer.stdout, answer.stderr);
    }
    let place = shell.world.workspace.place();
    let comment = fs::read_to_string(place.join("comment.md")).expect("a comment");
    for says in [
        "### PASS: rehearsal of `migration.sql` as `shop_owner`",
        "Effect, commands and locks are those of `baseline.json` (the same script).",
        "| `shop.orders` | #0 | #1000 | #0 | #0 | region |",
        "AccessExclusiveLock held",
        "<details><summary>Schema: ",
    ] {
        assert!(comment.contains(says), "{says}: {comment}");
    }
    // The change is carried out: the same script does something else now.
    let again = "drygate rehearse --change migration.sql --role shop_owner --against baseline.json --markdown";
    let failed = shell.run(again, &[]).expect(9);
    assert!(
        failed.stdout.contains("Not as `baseline.json`"),
        "{failed:?}"
    );
    fs::write(
        place.join("other.sql"),
        "UPDATE shop.orders SET region = 'EU' WHERE id <= 3;\n",
    )
    .expect("a file");
    let other = "drygate rehearse --change other.sql --role shop_owner --against last";
    let differs = shell.run(other, &[]).expect(2);
    assert!(
        differs.stdout.contains("another script") && differs.stdout.contains("effect.shop.orders="),
        "{differs:?}"
    );
}

#[rstest]
#[case("sqitch", Tool::Sqitch)]
#[case("alembic", Tool::Alembic)]
#[case("django", Tool::Django)]
fn a_change_of_a_tool_goes_from_the_question_to_the_answer(#[case] name: &str, #[case] tool: Tool) {
    if !tool.on_this_machine() {
        return;
    }
    let of_page = |language| blocks_of(name, language);
    let [(_, policy)] = &of_page("toml")[..] else {
        panic!("one change");
    };
    let policy = policy.replace("/opt/venv", &python().display().to_string());
    let shell = Shell::with(|profile| format!("{}\n{policy}", without_change(profile)));
    let place = shell.world.workspace.place();
    let files = tool.files(0.0).into_iter();
    let mut files: Vec<(String, String)> = files
        .map(|(name, text)| (format!("db/{name}"), text))
        .collect();
    for (about, text) in of_page("python") {
        let (_, name) = about.split_once("file=").expect("the name of a file");
        files.retain(|(file, _)| file != name);
        files.push((name.to_owned(), text));
    }
    for (name, text) in &files {
        let path = place.join(name);
        fs::create_dir_all(path.parent().expect("below db")).expect("a directory");
        fs::write(path, text).expect("a new file");
    }
    let prepared = "GRANT CREATE ON DATABASE {} TO shop_owner; GRANT CREATE ON SCHEMA shop TO shop_owner;
      ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT USAGE ON SCHEMAS TO context_pack_readonly;
      ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT SELECT ON TABLES TO context_pack_readonly;
      ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT SELECT ON SEQUENCES TO context_pack_readonly";
    let prepared = prepared.replace("{}", &shell.world.workspace.database);
    shell.world.workspace.sql(&prepared);
    let general = blocks("sh");
    let asks = general.iter().filter(|(about, script)| {
        let first = script.contains("drygate run ") || script.contains("drygate approve ");
        about.is_empty() && first
    });
    let asks: Vec<String> = asks.map(|(_, script)| script.clone()).collect();
    assert_eq!(asks.len(), 3, "run, SG1, SG2");
    let carries_out = of_page("sh").into_iter().map(|(_, script)| script);
    for script in asks.into_iter().chain(carries_out) {
        let digest = if script.contains("$DIGEST") {
            shell.digest()
        } else {
            String::new()
        };
        let answer = shell.run(&script, &[("DIGEST", &digest)]);
        assert_eq!(answer.code, 0, "{script}{}{}", answer.stdout, answer.stderr);
    }
    let listed = shell.run("drygate runs --json", &[]).expect(0).json();
    assert_eq!(
        text(&listed["runs"][0]["carried_out"]),
        "came_true",
        "{listed}"
    );
}
