//! The command line as functions: words, variables and files in, command, settings or error out. Invariant: no test touches this machine's own configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use drygate::cli::{
    Cli, CliError, Color, Command, ConfigCommand, DatabaseUrl, DemoScenario, DiffCommand, Disk,
    Environment, Files, Origin, Output, POLICY_FILE, PolicyFile, ProfileCommand, ReplayCommand,
    ReplayFormat, RunPlace, RunRef, RunsCommand, check_approvals, clap_command, config_document,
    config_text, manual, parse, redact,
};
use drygate::profile::{MachinePolicy, load};
use drygate::run::{ApprovalGate, CommandLine, RunId, RunSort, State, StopCode, shell_word};
use rstest::rstest;

const ID: &str = "ictr-20260521T021523Z-8a941203";
const PASSWORD: &str = "s3cr3t-Pw";

#[derive(Default)]
struct Machine {
    variables: BTreeMap<String, OsString>,
    files: BTreeMap<PathBuf, String>,
    no_terminal: bool,
}

struct FakeFiles(BTreeMap<PathBuf, String>);

impl Files for FakeFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

impl Machine {
    fn new() -> Self {
        Self::default()
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    fn without_terminal(mut self) -> Self {
        self.no_terminal = true;
        self
    }

    fn run(self, words: &str) -> Result<Cli, CliError> {
        self.words(words.split_whitespace())
    }

    fn words<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Result<Cli, CliError> {
        let words = std::iter::once("drygate").chain(words).map(OsString::from);
        let environment = Environment {
            variables: self.variables,
            program: "drygate".into(),
            current_dir: "/repo/deep/here".into(),
            files: Box::new(FakeFiles(self.files)),
            user_config: Some("/home/me/.config/drygate/config.toml".into()),
            data_dir: Some("/home/me/.local/share/drygate".into()),
            is_terminal: !self.no_terminal,
        };
        parse(words, &environment)
    }
}

fn told(error: &CliError) -> String {
    format!("{error}, {}", error.hint(&CommandLine::default()))
}

fn last(part: &str) -> RunRef {
    part.parse().expect("a part of an id")
}

fn replay(run: RunPlace) -> ReplayCommand {
    ReplayCommand {
        run,
        at: None,
        cast: None,
        svg: None,
        width: None,
        height: None,
    }
}

#[rstest]
#[case("", Command::Open { run: None })]
#[case("8a941203", Command::Open { run: Some(last("8a941203")) })]
#[case("last", Command::Open { run: Some(RunRef::Last) })]
#[case("--json 8a94 -v", Command::Open { run: Some(last("8a94")) })]
#[case("demo", Command::Demo { shows: None, scenario: None, print_sql: false })]
#[case("demo --scenario unsafe-role --print-sql", Command::Demo { shows: None, scenario: Some(DemoScenario::UnsafeRole), print_sql: true })]
#[case("demo drift", Command::Demo { shows: Some(DemoScenario::Drift), scenario: None, print_sql: false })]
#[case("run", Command::Run { change: Vec::new(), role: None })]
#[case("resume ..8a941203", Command::Resume { run: last("8a941203") })]
#[case("approve last sg1", Command::Approve { run: RunRef::Last, gate: ApprovalGate::SG1, digest: None })]
#[case("reject last SG2 --reason no", Command::Reject { run: RunRef::Last, gate: ApprovalGate::SG2, reason: "no".into() })]
#[case("runs", Command::Runs(RunsCommand::default()))]
#[case(
    "runs --waiting --drifted --state created --sort target --reverse",
    Command::Runs(RunsCommand {
        waiting: true,
        drifted: true,
        state: Some(State::Created),
        sort: Some(RunSort::Target),
        reverse: true,
        ..RunsCommand::default()
    })
)]
#[case("verify 8a941203", Command::Verify { target: RunPlace::Run(last("8a941203")), head: None, store: false })]
#[case("verify ./8a941203", Command::Verify { target: RunPlace::Path("./8a941203".into()), head: None, store: false })]
#[case("verify /srv/Runs", Command::Verify { target: RunPlace::Path("/srv/Runs".into()), head: None, store: false })]
#[case("survey", Command::Survey)]
#[case("rehearse --change a.sql b.sql --role r", Command::Rehearse { change: vec!["a.sql".into(), "b.sql".into()], role: Some("r".to_owned()), against: None, markdown: false })]
#[case("rehearse --change a.sql --role r --against base.json --markdown", Command::Rehearse { change: vec!["a.sql".into()], role: Some("r".to_owned()), against: Some(RunPlace::Path("base.json".into())), markdown: true })]
#[case("recheck last", Command::Recheck { run: RunRef::Last, after: false })]
#[case("recheck 8a941203 --after", Command::Recheck { run: last("8a941203"), after: true })]
#[case("replay last", Command::Replay(replay(RunPlace::Run(RunRef::Last))))]
#[case("replay ./run.tar --at 09:33", Command::Replay(ReplayCommand { at: Some("09:33".into()), ..replay(RunPlace::Path("./run.tar".into())) }))]
#[case("replay last --cast - --width 100", Command::Replay(ReplayCommand { cast: Some("-".into()), width: Some(100), ..replay(RunPlace::Run(RunRef::Last)) }))]
#[case("replay last --at 3 --svg run.svg --height 40", Command::Replay(ReplayCommand { at: Some("3".into()), svg: Some("run.svg".into()), height: Some(40), ..replay(RunPlace::Run(RunRef::Last)) }))]
#[case("diff last", Command::Diff(DiffCommand::best(RunRef::Last)))]
#[case("diff last 8a94 --stat", Command::Diff(DiffCommand { other: Some(last("8a94")), stat: true, ..DiffCommand::best(RunRef::Last) }))]
#[case("report last", Command::Report { run: RunPlace::Run(RunRef::Last) })]
#[case("report ./run.tar", Command::Report { run: RunPlace::Path("./run.tar".into()) })]
#[case("export last --output run.tar", Command::Export { run: RunRef::Last, output: "run.tar".into() })]
#[case("import run.tar", Command::Import { file: "run.tar".into() })]
#[case("profile list", Command::Profile(ProfileCommand::List))]
#[case("profile show", Command::Profile(ProfileCommand::Show { name: None }))]
#[case("profile check my.toml", Command::Profile(ProfileCommand::Check { name: Some("my.toml".into()) }))]
#[case("config show", Command::Config(ConfigCommand::Show))]
#[case("man", Command::Man { command: Vec::new(), output: None })]
#[case("man profile check", Command::Man { command: vec!["profile".into(), "check".into()], output: None })]
fn every_command_is_read(#[case] words: &str, #[case] command: Command) {
    assert_eq!(
        Machine::new().run(words).expect("understood").command,
        command
    );
}

#[test]
fn a_replay_is_written_to_one_file() {
    let file = |words: &str| match Machine::new().run(words).expect("understood").command {
        Command::Replay(command) => command.file(),
        other => panic!("another command: {other:?}"),
    };
    assert_eq!(file("replay last --at 3"), None);
    let cast = file("replay last --cast - --width 100").expect("a file");
    assert_eq!(cast.format, ReplayFormat::Cast);
    assert_eq!(
        (cast.output, cast.width, cast.height),
        (None, Some(100), None)
    );
    let svg = file("replay last --svg run.svg").expect("a file");
    assert_eq!(svg.format, ReplayFormat::Svg);
    assert_eq!(svg.output, Some("run.svg".into()));
}

#[test]
fn a_digest_is_taken_whole_or_not_at_all() {
    let digest = "ab".repeat(32);
    let cli = Machine::new().run(&format!("approve last SG1 --digest {digest}"));
    let Command::Approve {
        digest: Some(taken),
        ..
    } = cli.expect("understood").command
    else {
        panic!("another command");
    };
    assert_eq!(taken, digest);
    for short in [&digest[1..], &digest.to_uppercase(), "last"] {
        let error = Machine::new().run(&format!("approve last SG1 --digest {short}"));
        assert_eq!(error.expect_err("refused").exit_code(), 64, "{short}");
    }
}

#[rstest]
#[case("rewind 8a941203", "unexpected argument")]
#[case("rewind", "\"rewind\" is no command")]
#[case("watch", "required arguments were not provided")]
#[case("run --yes", "--yes")]
#[case("approve last", "required arguments were not provided")]
#[case("approve last SG3", "SG1 or SG2")]
#[case("reject last SG1", "--reason")]
#[case("resume ../etc", "names no run")]
#[case("profile", "requires a subcommand")]
#[case("demo --scenario none", "possible values")]
#[case("run --json --events", "cannot be used with")]
#[case("run --live-interval soon", "--live-interval")]
#[case("run --live-interval -1", "--live-interval")]
#[case("run --live-interval 0.0001", "from 1 to 86400, and not 0")]
#[case("run --live-interval 0.999", "1 is the shortest interval")]
#[case("run --live-interval 86401", "from 1 to 86400, and not 0")]
#[case("run --live-interval NaN", "--live-interval")]
#[case("run --mode fast", "--mode fast")]
#[case("run --color blue", "blue")]
#[case("completions pigshell", "pigshell")]
#[case("replay last --cast run.cast --at 3", "cannot be used with")]
#[case("replay last --cast run.cast --svg run.svg", "cannot be used with")]
#[case("replay last --width 80", "<--cast <OUTPUT>|--svg <OUTPUT>>")]
#[case("replay last --cast - --height 2", "--height")]
fn what_is_not_understood_is_a_usage_error(#[case] words: &str, #[case] says: &str) {
    let error = Machine::new().run(words).expect_err("refused");
    assert_eq!(error.exit_code(), 64, "{error}");
    assert!(told(&error).contains(says), "{}", told(&error));
    assert!(!error.hint(&CommandLine::default()).is_empty());
    assert!(!told(&error).contains('\n'), "{error}");
}

#[test]
fn a_blank_reason_is_none() {
    let error = Machine::new().words(["reject", "last", "SG1", "--reason", "  "]);
    let error = error.expect_err("refused");
    assert_eq!(error.exit_code(), 64);
    assert!(
        error.to_string().contains("a rejection needs a reason"),
        "{error}"
    );
}

#[test]
fn a_slip_names_the_command_that_was_meant() {
    let error = Machine::new().run("veriffy").expect_err("no command");
    assert!(told(&error).contains("`verify`"), "{}", told(&error));
}

#[rstest]
#[case("--help", "Usage: drygate")]
#[case("approve --help", "--digest")]
#[case("--version", env!("CARGO_PKG_VERSION"))]
#[case("--version", "\nevidence format ")]
#[case("--version", "\ncommit ")]
#[case("--version", "\ntarget ")]
fn help_and_version_are_answers(#[case] words: &str, #[case] says: &str) {
    let answer = Machine::new().run(words).expect_err("an answer");
    assert_eq!(answer.exit_code(), 0);
    assert!(answer.to_stdout().expect("for stdout").contains(says));
}

const USER: &str = "/home/me/.config/drygate/config.toml";
const PROJECT: &str = "/repo/drygate.toml";

#[rstest]
#[case("run --mode live", "", "", "", "--mode live")]
#[case("run --mode Mode.LIVE", "", "", "", "--mode Mode.LIVE")]
#[case("run", "DRYGATE_MODE", "live", "", "DRYGATE_MODE=live")]
#[case(
    "run",
    "DRYGATE_EXECUTION_ENABLED",
    "true",
    "",
    "DRYGATE_EXECUTION_ENABLED=true"
)]
#[case(
    "run",
    "DRYGATE_EXECUTION_ENABLED",
    "yes please",
    "",
    "DRYGATE_EXECUTION_ENABLED=yes please"
)]
#[case(
    "run",
    "",
    "",
    "mode = \"live\"",
    "/repo/drygate.toml:1:8: mode = \"live\""
)]
#[case(
    "run",
    "",
    "",
    "ascii = 7\nmode = \"LIVE\"",
    "/repo/drygate.toml:2:8: mode = \"live\""
)]
#[case(
    "run",
    "",
    "",
    "execution_enabled = true",
    "/repo/drygate.toml:1:21: execution_enabled = true"
)]
#[case("verify last", "DRYGATE_MODE", "live", "", "DRYGATE_MODE=live")]
#[case(
    "config show",
    "",
    "",
    "execution_enabled = \"on\"",
    "execution_enabled = on"
)]
#[case("run --mode dryrun", "DRYGATE_MODE", "live", "", "DRYGATE_MODE=live")]
#[case(
    "run --database-url postgres://u:p@h/d --mode live",
    "",
    "",
    "colour = 1",
    "--mode live"
)]
fn live_is_refused_whichever_way_it_is_asked_for(
    #[case] words: &str,
    #[case] variable: &str,
    #[case] value: &str,
    #[case] config: &str,
    #[case] way: &str,
) {
    let machine = Machine::new()
        .file("/repo/.git", "")
        .variable(variable, value);
    let error = machine
        .file(PROJECT, config)
        .run(words)
        .expect_err("refused");
    assert_eq!(error.exit_code(), 8, "{error}");
    assert_eq!(error.stop_code(), Some(StopCode::StopLiveRefused));
    assert!(error.to_string().contains(way), "{error}");
}

#[test]
fn live_in_the_users_file_is_refused_before_the_project_file_is_found_wrong() {
    let machine = Machine::new()
        .file("/repo/.git", "")
        .file(PROJECT, "nonsense = 1");
    let error = machine
        .file(USER, "mode = \"live\"")
        .run("run")
        .expect_err("refused");
    assert_eq!(error.exit_code(), 8, "{error}");
}

#[test]
fn live_in_a_profile_is_refused_as_a_stop() {
    for (line, way) in [
        ("mode = \"live\"", "p.toml:1:8: mode = \"live\""),
        ("mode = \"Mode.LIVE\"", "p.toml:1:8: mode = \"live\""),
        (
            "execution_enabled = true",
            "p.toml:1:21: execution_enabled = true",
        ),
        (
            "execution_enabled = 1",
            "p.toml:1:21: execution_enabled = 1",
        ),
    ] {
        let error = CliError::from(load("p.toml", &|_| Ok(line.to_owned())).expect_err("refused"));
        assert_eq!(error.exit_code(), 8, "{error}");
        assert!(error.to_string().contains(way), "{error}");
    }
}

#[test]
fn execution_that_is_off_is_no_demand() {
    let machine = Machine::new().variable("DRYGATE_EXECUTION_ENABLED", "false");
    let cli = machine
        .variable("DRYGATE_MODE", "dryrun")
        .run("run")
        .expect("a dry run");
    assert_eq!(
        cli.settings.mode.origin,
        Origin::Environment("DRYGATE_MODE")
    );
    assert!(!cli.settings.mode.value.execution_enabled());
}

#[rstest]
#[case("postgres://u:s3cr3t-Pw@h/d", true)]
#[case("postgresql://u:s3cr3t-Pw@h:5432,h2:5433/d", true)]
#[case("postgres://u:s3cr3t-Pw/x@h/d", true)]
#[case("postgres://u:s3cr3t-Pw?x@h/d", true)]
#[case("postgres://u:a@s3cr3t-Pw@h/d", true)]
#[case("postgres://u@h/d?password=s3cr3t-Pw", true)]
#[case("postgres://u@h/d?sslmode=require&%70assword=s3cr3t-Pw", true)]
#[case("postgres://u@h/d?sslpassword=s3cr3t-Pw", true)]
#[case("host=h password=s3cr3t-Pw user=u", true)]
#[case("host=h PASSWORD = 's3cr3t-Pw and \\' more' user=u", true)]
#[case("postgres://u@h/d", false)]
#[case("postgres://u:@h/d", false)]
#[case("postgres://h:5432/d?options=x@y", false)]
#[case("postgres://[::1]:5432/d", false)]
#[case("postgres://u@[::1]/d", false)]
#[case("host=h user=u password=", false)]
#[case("host=/tmp dbname=d passfile=/home/me/.pgpass", false)]
fn a_password_is_found_and_hidden(#[case] url: &str, #[case] holds: bool) {
    let url = DatabaseUrl::new(url);
    assert_eq!(url.holds_password(), holds, "{url}");
    assert!(!format!("{url} {url:?}").contains(PASSWORD), "{url}");
    let argument = format!("--database-url={}", url.reveal());
    match Machine::new().words(["run", &argument]) {
        Ok(cli) => assert!(!holds && cli.settings.database_url.is_some()),
        Err(error) => {
            assert!(holds, "{error}");
            assert_eq!(error.exit_code(), 64);
            assert!(told(&error).contains("process list") && told(&error).contains("passfile"));
            assert!(!format!("{error:?} {}", told(&error)).contains(PASSWORD));
        }
    }
}

#[test]
fn a_variable_may_hold_a_password_and_a_file_may_not() {
    let url = format!("postgres://u:{PASSWORD}@h/d");
    let cli = Machine::new()
        .variable("DRYGATE_DATABASE_URL", &url)
        .run("config show");
    let settings = cli.expect("allowed").settings;
    assert_eq!(
        settings.database_url.as_ref().expect("set").value.reveal(),
        url
    );
    let shown = format!(
        "{settings:?} {} {}",
        config_text(&settings),
        serde_json::to_string(&config_document(&settings)).expect("plain data")
    );
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(shown.contains("postgres://u:***@h/d"), "{shown}");

    let error = Machine::new()
        .file(USER, &format!("\ndatabase_url = \"{url}\"\n"))
        .run("run");
    let error = error.expect_err("refused");
    assert_eq!(error.exit_code(), 78);
    assert!(
        told(&error).contains("config.toml:2:16") && told(&error).contains("passfile"),
        "{error}"
    );
    assert!(!format!("{error:?} {}", told(&error)).contains(PASSWORD));
}

#[test]
fn no_error_repeats_a_password_from_where_it_does_not_belong() {
    let url = format!("postgres://u:{PASSWORD}@h/d");
    let errors = [
        Machine::new().words([url.as_str()]),
        Machine::new().words(["run", &url]),
        Machine::new().words(["run", "--databse-url", &url]),
        Machine::new().words(["run", "--live-interval", &url]),
        Machine::new().words(["run", "--mode", &url]),
        Machine::new().words(["resume", &url]),
        Machine::new()
            .file(USER, &format!("live_interval = \"{url}\""))
            .run("run"),
        Machine::new()
            .file(USER, &format!("\"{url}\" = 1"))
            .run("run"),
        Machine::new().words(["run", &format!("--databse-url={url}")]),
        Machine::new()
            .variable("DRYGATE_EXECUTION_ENABLED", &url)
            .run("run"),
        Machine::new()
            .file(USER, &format!("execution_enabled = \"{url}\""))
            .run("run"),
    ];
    for error in errors {
        let error = error.expect_err("refused");
        assert!(
            !format!("{error:?} {}", told(&error)).contains(PASSWORD),
            "{error:?}"
        );
    }
    let profile = load("p.toml", &|_| Ok(format!("schema = \"{url}\"")));
    let error = CliError::from(profile.expect_err("refused"));
    assert!(!told(&error).contains(PASSWORD), "{error}");
    assert_eq!(redact("nothing to hide = here"), "nothing to hide = here");
}

#[test]
fn the_strongest_voice_is_heard_and_named() {
    let machine = || {
        Machine::new()
            .file("/repo/.git", "")
            .file(USER, "color = \"never\"\nprofile = \"./user.toml\"\nascii = true\n[store]\ngroup = \"dba\"")
            .file(PROJECT, "profile = \"icx-const\"\nrepo = \"..\"\n\nlive_interval = 20\ndata_dir = \"runs\"")
    };
    let cli = machine()
        .variable("DRYGATE_LIVE_INTERVAL", "30")
        .variable("DRYGATE_REPO", "work")
        .run("run --live-interval 2.5")
        .expect("understood");
    let settings = cli.settings;
    let interval = settings.live_interval_s.as_ref().expect("set");
    assert!((interval.value - 2.5).abs() < f64::EPSILON);
    assert_eq!(interval.origin, Origin::Flag("--live-interval"));
    let repo = settings.repo.as_ref().expect("set");
    assert_eq!(repo.value, Path::new("/repo/deep/here/work"));
    assert_eq!(repo.origin.to_string(), "DRYGATE_REPO");
    assert_eq!(settings.profile.value, "icx-const");
    assert_eq!(settings.profile.origin.to_string(), "/repo/drygate.toml:1");
    assert_eq!(settings.data_dir.value, Path::new("/repo/runs"));
    assert_eq!(settings.data_dir.origin.to_string(), "/repo/drygate.toml:5");
    assert_eq!(settings.color.value, Color::Never);
    assert_eq!(settings.ascii.origin.to_string(), format!("{USER}:3"));
    let notify = |words: &str, variable: &str| {
        let file = "notify = false";
        let machine = Machine::new()
            .variable("DRYGATE_NOTIFY", variable)
            .file(USER, file);
        let notify = machine.run(words).expect("understood").settings.notify;
        (notify.value, notify.origin.to_string())
    };
    let heard = |on: bool, origin: &str| (on, origin.to_owned());
    assert_eq!(notify("run --no-notify", "1"), heard(false, "--no-notify"));
    assert_eq!(notify("run", "1"), heard(true, "DRYGATE_NOTIFY"));
    assert_eq!(notify("run", ""), (false, format!("{USER}:1")));
    assert_eq!(settings.store_group.expect("set").value, "dba");
    assert_eq!(
        settings.files,
        [PathBuf::from(PROJECT), PathBuf::from(USER)]
    );

    for (locale, utf8) in [
        (&[("LANG", "vi_VN.UTF-8")][..], true),
        (&[("LANG", "vi_VN.UTF-8"), ("LC_ALL", "C")], false),
        (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], true),
        (&[("LC_ALL", ""), ("LANG", "de_DE.ISO-8859-1")], false),
        (&[], false),
    ] {
        let set = |machine: Machine, (name, value): &(&str, &str)| machine.variable(name, value);
        let machine = locale.iter().fold(Machine::new(), set);
        let settings = machine.run("run").expect("understood").settings;
        assert_eq!(settings.utf8, utf8, "{locale:?}");
    }

    let plain = Machine::new().run("run").expect("defaults").settings;
    assert_eq!(plain.profile.value, "icx-const");
    assert!(!plain.profile.is_set() && plain.database_url.is_none() && plain.files.is_empty());
    assert_eq!(
        plain.live_interval(60).map(|interval| interval.as_secs()),
        Some(60)
    );
    let off = Machine::new()
        .run("run --live-interval 0")
        .expect("off")
        .settings;
    assert_eq!(off.live_interval(60), None);
}

#[test]
fn theme_wheel_and_ascii_are_what_the_strongest_voice_says() {
    let theme = |words: &str, variable: &str| {
        let machine = Machine::new()
            .variable("DRYGATE_THEME", variable)
            .file(USER, "theme = \"high-contrast\"\nwheel = false");
        machine.run(words).map(|cli| cli.settings.theme)
    };
    let says = |words: &str, variable: &str| {
        let theme = theme(words, variable).expect("understood");
        (theme.value.name(), theme.origin.to_string())
    };
    assert_eq!(
        says("run --theme light", "dark"),
        ("light", "--theme".to_owned())
    );
    assert_eq!(says("run", "dark"), ("dark", "DRYGATE_THEME".to_owned()));
    assert_eq!(says("run", ""), ("high-contrast", format!("{USER}:1")));
    let wrong = theme("run", "pink").expect_err("no theme").to_string();
    assert!(wrong.contains("\"pink\" is no theme"), "{wrong}");
    let settings = |machine: Machine| machine.run("run").expect("understood").settings;
    let quiet = settings(Machine::new().variable("DRYGATE_WHEEL", "0"));
    assert!(!quiet.wheel.value && quiet.theme.value.name() == "auto");
    for (variable, locale, ascii, origin) in [
        ("LC_ALL", "C", true, "LC_ALL"),
        ("LANG", "vi_VN.UTF-8", false, "LANG"),
        ("LANG", "de_DE.ISO-8859-1", true, "LANG"),
    ] {
        let settings = settings(Machine::new().variable(variable, locale));
        let said = (settings.ascii.value, settings.ascii.origin.to_string());
        assert_eq!(said, (ascii, origin.to_owned()), "{locale}");
    }
    let kept = Machine::new()
        .variable("LANG", "C")
        .file(USER, "ascii = false");
    assert!(!settings(kept).ascii.value, "who says so gets them");
}

#[test]
fn the_project_file_is_sought_up_to_the_root_of_the_work_tree_and_no_further() {
    let above = || {
        Machine::new()
            .variable("LANG", "C.UTF-8")
            .file("/drygate.toml", "ascii = true")
            .file(PROJECT, "ascii = true")
    };
    let inside = above()
        .file("/repo/.git", "")
        .run("run")
        .expect("understood")
        .settings;
    assert_eq!(inside.ascii.origin.to_string(), "/repo/drygate.toml:1");
    let terminal_actions = above().run("run").expect("understood").settings;
    assert!(
        !terminal_actions.ascii.value,
        "a directory that is in no work tree has only its own file"
    );
}

#[rstest]
#[case("colour = \"never\"", "1:1", "the nearest is `color`")]
#[case("\n  databse_url = \"x\"", "2:3", "the nearest is `database_url`")]
#[case("ascii = 1", "1:9", "boolean")]
#[case("color = \"bluish\"", "1:9", "`auto`, `always`, `never`")]
#[case("live_interval = -1", "1:17", "1 to 86400")]
#[case("live_interval = nan", "1:17", "1 to 86400")]
#[case("live_interval = 0.5", "1:17", "1 is the shortest interval")]
#[case("mode = \"fast\"", "1:8", "\"fast\" is no mode")]
#[case("ascii = true\nascii = true", "2:1", "duplicate key")]
#[case("[store]\ngrp = \"x\"", "2:1", "the nearest is `group`")]
#[case("[store]\ngroup = \"a b\"", "2:9", "no name of a group")]
#[case("ascii =", "1:8", "")]
#[case("\u{feff}ascii = true", "1:1", "byte order mark")]
#[case(
    "\"\\u001b[2J\\u202e\" = 1",
    "1:1",
    "unknown key `\\u{1b}[2J\\u{202e}`"
)]
fn a_configuration_file_is_refused_with_line_and_column(
    #[case] text: &str,
    #[case] position: &str,
    #[case] says: &str,
) {
    let error = Machine::new()
        .file(USER, text)
        .run("run")
        .expect_err("refused");
    assert_eq!(error.exit_code(), 78, "{error}");
    let told = told(&error);
    assert!(told.starts_with(&format!("{USER}:{position}: ")), "{told}");
    assert!(told.contains(says), "{told}");
    assert!(!told.chars().any(char::is_control), "{told}");
}

#[test]
fn a_variable_that_cannot_be_is_a_configuration_error() {
    for (name, value) in [
        ("DRYGATE_LIVE_INTERVAL", "soon"),
        ("DRYGATE_LIVE_INTERVAL", "0.01"),
        ("DRYGATE_MODE", "fast"),
    ] {
        let error = Machine::new()
            .variable(name, value)
            .run("run")
            .expect_err("refused");
        assert_eq!(error.exit_code(), 78);
        assert!(error.to_string().contains(name), "{error}");
    }
    let empty = Machine::new()
        .variable("DRYGATE_LIVE_INTERVAL", "")
        .variable("DRYGATE_MODE", "");
    assert!(empty.run("run").is_ok(), "an empty variable is not set");
}

#[test]
fn colour_and_screen_follow_the_surroundings() {
    let settings = |machine: Machine, words| machine.run(words).expect("understood").settings;
    let plain = settings(Machine::new(), "run");
    assert!(!plain.headless && plain.interactive && plain.output == Output::Text);
    assert_eq!(plain.color.value, Color::Auto);
    assert!(plain.color.value.is_on(true) && !plain.color.value.is_on(false));
    let ci = settings(Machine::new().variable("CI", "true"), "run");
    assert!(ci.headless && !ci.interactive);
    assert!(settings(Machine::new().without_terminal(), "run").headless);
    assert!(settings(Machine::new(), "run --json").headless);
    assert_eq!(
        settings(Machine::new(), "run --events").output,
        Output::Events
    );
    let dumb = settings(Machine::new().variable("TERM", "dumb"), "run");
    assert!(dumb.headless && dumb.color.value == Color::Never);
    let no_color = || {
        Machine::new()
            .variable("NO_COLOR", "1")
            .file(USER, "color = \"always\"")
    };
    assert_eq!(settings(no_color(), "run").color.value, Color::Never);
    assert_eq!(
        settings(no_color(), "run --color always").color.value,
        Color::Always
    );
}

#[test]
fn a_run_is_found_by_either_end_and_never_guessed() {
    let ids: Vec<RunId> = [
        ID,
        "ictr-20260521T021524Z-8a941299",
        "aaa-20260522T000000Z-00000003",
    ]
    .iter()
    .map(|id| id.parse().expect("well formed"))
    .collect();
    let found = |part: &str| last(part).resolve(&ids).map(|run| run.to_string());
    for part in [ID, "941203", "ictr-20260521T021523"] {
        assert_eq!(found(part).expect("one"), ID, "{part}");
    }
    assert_eq!(found("last").expect("one"), "aaa-20260522T000000Z-00000003");
    let two = found("ictr-").expect_err("two");
    assert!(
        two.to_string().contains(ID) && two.to_string().contains("2 runs"),
        "{two}"
    );
    assert_eq!(found("ffff").expect_err("none").exit_code(), 64);
    assert_eq!(RunRef::Last.resolve(&[]).expect_err("none").exit_code(), 64);
}

#[test]
fn a_policy_about_persons_needs_a_shared_store() {
    let built_in = drygate::profile::BUILT_IN[0].1;
    let text = format!("{built_in}\n[approvals]\ndistinct = true\n");
    let line = text.lines().count();
    let profile = load("/p/x.toml", &|_| Ok(text.clone())).expect("valid");
    let alone = Machine::new().run("run").expect("understood").settings;
    let error = check_approvals(&profile, None, &alone).expect_err("refused");
    assert_eq!(error.exit_code(), 78);
    assert!(
        error
            .to_string()
            .starts_with(&format!("/p/x.toml:{line}:12: approvals.distinct")),
        "{error}"
    );
    let shared = Machine::new()
        .file(USER, "[store]\ngroup = \"dba\"")
        .run("run");
    let shared = shared.expect("understood").settings;
    assert!(check_approvals(&profile, None, &shared).is_ok());

    // What the profile does not ask for, the policy of the machine may.
    let lax = load("/p/y.toml", &|_| Ok(built_in.to_owned())).expect("valid");
    let text = "[approvals]\nexclude_starter = true\n".to_owned();
    let policy = MachinePolicy::parse("policy.toml", &text).expect("valid");
    let policy = PolicyFile { policy, text };
    assert!(check_approvals(&lax, None, &alone).is_ok());
    let error = check_approvals(&lax, Some(&policy), &alone).expect_err("refused");
    assert_eq!(error.exit_code(), 78);
    let at = format!("{POLICY_FILE}:2:19: approvals.exclude_starter needs a group");
    assert!(error.to_string().starts_with(&at), "{error}");
    assert!(check_approvals(&lax, Some(&policy), &shared).is_ok());
}

#[test]
fn the_manual_names_every_command() {
    let words = clap_command();
    let shown = || {
        let commands = words.get_subcommands();
        let commands = commands.filter(|command| !command.is_hide_set());
        commands.map(clap::Command::get_name)
    };
    let page = |words: &[String]| {
        let page = manual(words).expect("written").expect("a page");
        String::from_utf8(page).expect("UTF-8")
    };
    let whole = page(&[]);
    for command in shown() {
        let name = format!("drygate\\-{command}");
        assert!(whole.contains(&name), "{command}");
        let own = page(&[command.to_owned()]);
        assert!(own.contains(&name), "{own}");
    }
    for hidden in ["shadow", "nothing"] {
        assert!(manual(&[hidden.to_owned()]).expect("written").is_none());
    }
}

/// The commands that carry something out, with all words.
fn leaves(command: &clap::Command, above: &str) -> Vec<(String, clap::Command)> {
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut found = Vec::new();
    for command in shown {
        let words = format!("{above}{}", command.get_name());
        found.extend(leaves(command, &format!("{words} ")));
        if !command.has_subcommands() || words == "runs" {
            found.push((words, command.clone()));
        }
    }
    found
}

#[test]
fn every_example_is_read() {
    for (words, command) in leaves(&clap_command(), "") {
        let help = command.get_after_long_help().expect(&words).to_string();
        let examples: Vec<&str> = (help.lines())
            .filter_map(|line| line.trim().strip_prefix("drygate "))
            .collect();
        assert!(!examples.is_empty() || words == "completions", "{words}");
        assert!(help.contains("Exit codes:\n  0 "), "{help}");
        for example in examples {
            assert!(example.starts_with(&words), "{words}: {example}");
            let end = example.find(['#', '&', '|']).unwrap_or(example.len());
            let example = example[..end].trim().replace(['\'', '"'], "");
            let example = example.replace("$EVIDENCE", &"a".repeat(64));
            let example = example
                .replace("$HEAD", &"b".repeat(64))
                .replace("not on a Friday", "no");
            Machine::new().run(&example).expect(&example);
        }
    }
}

#[test]
fn settings_are_shown_with_their_origin() {
    let settings = Machine::new()
        .file(USER, "ascii = true")
        .run("config show --color never");
    let settings = settings.expect("understood").settings;
    let text = config_text(&settings);
    assert!(
        text.lines()
            .any(|line| line.starts_with("ascii ") && line.ends_with("config.toml:1")),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("color ") && line.ends_with("--color")),
        "{text}"
    );
    let json = serde_json::to_value(config_document(&settings)).expect("plain data");
    assert_eq!(json["settings"][1]["key"], "database_url");
    assert!(json["settings"][1]["value"].is_null());
    assert_eq!(
        json["settings"].as_array().map(Vec::len),
        Some(text.lines().count())
    );
}

#[cfg(unix)]
#[test]
fn real_files_that_cannot_be_configuration_are_refused_and_never_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    std::os::unix::fs::symlink(path("loop"), path("loop")).expect("a link");
    std::fs::write(path("big"), vec![b'#'; 10_000_000]).expect("a file");
    std::fs::write(path("latin"), b"# \xe9").expect("a file");
    std::fs::write(path("good"), "ascii = true").expect("a file");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path("pipe"),
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .expect("a pipe");
    for name in ["loop", "big", "latin", "pipe", "."] {
        let environment = Environment {
            variables: BTreeMap::new(),
            program: "drygate".into(),
            current_dir: directory.path().join("none"),
            files: Box::new(Disk),
            user_config: Some(path(name)),
            data_dir: Some(path("data")),
            is_terminal: true,
        };
        let error = parse(["drygate", "run"].map(OsString::from), &environment);
        assert_eq!(error.expect_err(name).exit_code(), 78, "{name}");
    }
    assert_eq!(Disk.read(&path("good")).expect("read"), "ascii = true");
    assert_eq!(
        Disk.read(&path("absent")).expect_err("absent").kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn a_shell_reads_every_word_back_as_it_was() {
    let words = [
        "plain/path-1.2",
        "",
        "a b",
        "it's",
        "$HOME",
        "`id`",
        "a\"b",
        "~root",
        "*",
        "a;b",
        "x\ny",
        "Hi\u{1ebf}n",
        "\\",
    ];
    for word in words {
        let script = format!("printf %s {}", shell_word(word));
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let read = shell.expect("a shell").stdout;
        assert_eq!(String::from_utf8_lossy(&read), word, "{script}");
    }
}

#[rstest]
#[case(&[""], "--database-url")]
#[case(&["  "], "--database-url")]
#[case(&["", "--json"], "--database-url")]
fn a_connection_string_that_says_nothing_is_usage(#[case] words: &[&str], #[case] named: &str) {
    for word in ["run", "survey", "doctor", "demo"] {
        let words = [&[word, "--database-url"], words].concat();
        let error = Machine::new().words(words).expect_err("it is empty");
        assert_eq!(error.exit_code(), 64, "{}", told(&error));
        assert!(told(&error).contains(named), "{}", told(&error));
    }
}

#[rstest]
#[case("database_url = ''")]
#[case("profile = ' '")]
#[case("data_dir = ''")]
#[case("repo = ''")]
fn a_file_that_says_nothing_with_a_key_is_wrong(#[case] line: &str) {
    let machine = Machine::new().file("/repo/drygate.toml", line);
    let error = machine.file("/repo/.git", "").run("run").expect_err(line);
    assert_eq!(error.exit_code(), 78, "{}", told(&error));
    let key = line.split(' ').next().expect("a key");
    assert!(
        told(&error).contains(&format!("{key}: is empty")),
        "{}",
        told(&error)
    );
}

#[rstest]
#[case("runs", None)]
#[case("runs --data-dir x", Some("/repo/deep/here/x"))]
#[case("demo", Some("/home/me/.local/share/drygate/demo"))]
#[case("demo --data-dir x", Some("/repo/deep/here/x"))]
fn a_printed_command_names_the_data_directory_where_it_must(
    #[case] words: &str,
    #[case] named: Option<&str>,
) {
    let settings = Machine::new().run(words).expect("it reads").settings;
    let named = named.map_or_else(String::new, |path| format!(" --data-dir {path}"));
    assert_eq!(settings.call.to("runs"), format!("drygate runs{named}"));
}

#[test]
fn a_data_directory_of_a_variable_or_a_file_is_named_too_and_a_demo_stays_below_it() {
    let by_variable = || Machine::new().variable("DRYGATE_DATA_DIR", "/srv/d");
    let file = Machine::new().file("/repo/.git", "");
    let by_file = file.file("/repo/drygate.toml", "data_dir = '/srv/d'");
    for machine in [by_variable(), by_file] {
        let settings = machine.run("runs").expect("it reads").settings;
        assert_eq!(settings.call.to("runs"), "drygate runs --data-dir /srv/d");
    }
    let demo = by_variable().run("demo").expect("it reads").settings;
    assert_eq!(demo.data_dir.value, PathBuf::from("/srv/d/demo"));
}
