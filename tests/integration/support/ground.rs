//! A server, a repository and a data directory of one test, and what a person or a script does on them.
//! Invariant: everything a test finds out it reads from the screen, from the run's own files or from the server itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::pty::{Launch, Terminal, key, steers};
use super::screen::Screen;
use super::server::place_of_clusters;
use super::table_lock::TableLock;

const DATABASE: &str = "kb";
const SUPERUSER: &str = "postgres";
const READER: &str = "context_pack_readonly";

/// What a run needs, all of it the test's own.
pub struct Ground {
    /// The server.
    pub cluster: Cluster,
    /// The repository that G0 looks at.
    pub repository: DemoRepository,
    place: TempDir,
}

impl Ground {
    /// A server with the scenario's data.
    pub fn new(scenario: Scenario) -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
        let loaded = cluster.load_scenario(DATABASE, scenario);
        loaded.expect("the scenario loads");
        let place = tempfile::tempdir().expect("a folder");
        let repository = DemoRepository::create(&place.path().join("repository"));
        Self {
            cluster,
            repository: repository.expect("a repository"),
            place,
        }
    }

    /// Where runs are kept.
    pub fn home(&self) -> Home {
        Home::at(self.place.path().join("home"))
    }

    /// The arguments of a new run on this ground.
    pub fn new_run(&self) -> Vec<String> {
        let repository = self.repository.path().display().to_string();
        let mut url = self.cluster.url(READER, DATABASE);
        url.push_str("&connect_timeout=2");
        ["run", "--database-url", &url, "--repo", &repository]
            .map(str::to_owned)
            .to_vec()
    }

    /// A new run on a terminal of 160x48, reading live facts every so many seconds (0: never).
    pub fn screen(&self, live_interval: &str) -> Launch {
        self.screen_of(env!("CARGO_BIN_EXE_drygate"), live_interval)
    }

    /// The same by another file of the program.
    pub fn screen_of(&self, program: &str, live_interval: &str) -> Launch {
        let mut args = self.new_run();
        args.extend(["--live-interval", live_interval, "--data-dir"].map(str::to_owned));
        args.push(self.home().path.display().to_string());
        Launch::program(program, args)
            .env("TMPDIR", self.place.path())
            .size(160, 48)
    }

    /// A new run on a terminal, waiting at SG1.
    #[track_caller]
    pub fn at_sg1(&self, live_interval: &str) -> Terminal {
        let terminal = self.screen(live_interval).open();
        wait_at(&terminal, "SG1");
        terminal
    }

    /// A new run without a screen.
    pub fn headless(&self) -> Said {
        let args = self.new_run();
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        args.extend(["--headless", "--json"]);
        self.home().script(&args)
    }

    /// Runs a script as superuser: somebody else, at work.
    pub fn intrude(&self, sql: &str) {
        self.cluster.load(DATABASE, sql).expect("the script runs");
    }

    /// One value, as text.
    pub fn ask(&self, sql: &str) -> String {
        let rows = self.cluster.query(SUPERUSER, DATABASE, sql);
        let row = rows.expect("the query runs").pop().expect("one row");
        row.into_iter().next().flatten().expect("one value")
    }

    /// Somebody else locks a relation until the value is dropped.
    pub fn lock(&self, table: &str) -> TableLock {
        TableLock::on(&self.cluster, DATABASE, table)
    }

    /// The server stops answering, all its processes, as under a dead disk.
    pub fn stop_server(&self) -> Stopped {
        let stopped = Stopped {
            processes: family(self.cluster.postmaster_pid()),
        };
        stopped.send(Signal::STOP);
        stopped
    }
}

/// A server that does not answer, until dropped.
pub struct Stopped {
    processes: Vec<Pid>,
}

impl Stopped {
    fn send(&self, signal: Signal) {
        for process in &self.processes {
            // A session may have ended meanwhile.
            let _ = kill_process(*process, signal);
        }
    }

    /// The server goes on.
    pub fn answer_again(self) {
        drop(self);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.send(Signal::CONT);
    }
}

/// A process and its children.
pub fn family(parent: u32) -> Vec<Pid> {
    processes()
        .into_iter()
        .filter(|(pid, of)| *pid == parent || *of == parent)
        .filter_map(|(pid, _)| Pid::from_raw(i32::try_from(pid).ok()?))
        .collect()
}

/// Every process and its parent. A bare Debian has no `ps`.
#[cfg(target_os = "linux")]
fn processes() -> Vec<(u32, u32)> {
    let listed = std::fs::read_dir("/proc").expect("/proc is mounted");
    listed
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            // `pid (name) state ppid ...`; a name may hold spaces and parentheses. The process may have ended meanwhile.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (_, rest) = stat.rsplit_once(')')?;
            Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn processes() -> Vec<(u32, u32)> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let listed = String::from_utf8(listed.expect("ps runs").stdout).expect("numbers");
    let rows = listed.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    rows.collect()
}

/// A data directory.
pub struct Home {
    /// The directory.
    pub path: PathBuf,
}

/// What a command without a terminal said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: i32,
    /// The document on standard output; null if there was none.
    pub json: Value,
    /// All of it.
    pub text: String,
}

impl Home {
    /// The data directory at that path.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The test's own folder, around the data directory: what a killed process leaves goes with it.
    pub fn place(&self) -> &Path {
        self.path.parent().expect("a folder of the test")
    }

    /// Runs a command of drygate without a terminal.
    pub fn script(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(args).arg("--data-dir").arg(&self.path);
        command.env("TMPDIR", self.place());
        for (name, _) in std::env::vars_os() {
            if steers(&name.to_string_lossy()) {
                command.env_remove(&name);
            }
        }
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("the program starts");
        let (out, err) = (
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr),
        );
        Said {
            code: status.code().expect("it ends by itself"),
            json: serde_json::from_str(&out).unwrap_or_default(),
            text: format!("{out}{err}"),
        }
    }

    /// Approves with the digest on the command line.
    pub fn approve(&self, run: &str, gate: &str, digest: &str) -> Said {
        self.script(&["approve", run, gate, "--digest", digest, "--json"])
    }

    /// The only run.
    #[track_caller]
    pub fn run(&self) -> RunFiles {
        let mut runs = self.runs();
        let run = runs.pop().expect("a run");
        assert!(runs.is_empty(), "one run: {runs:?}");
        run
    }

    /// All runs, in the order of their ids.
    pub fn runs(&self) -> Vec<RunFiles> {
        let listed = std::fs::read_dir(self.path.join("runs")).expect("there are runs");
        let mut runs: Vec<RunFiles> = listed
            .map(|entry| RunFiles {
                path: entry.expect("a readable folder").path(),
            })
            .collect();
        runs.sort_by(|one, two| one.path.cmp(&two.path));
        runs
    }
}

/// The files of one run.
#[derive(Debug)]
pub struct RunFiles {
    /// Its directory.
    pub path: PathBuf,
}

impl RunFiles {
    /// The run id.
    pub fn id(&self) -> String {
        let name = self.path.file_name().expect("a run id");
        name.to_string_lossy().into_owned()
    }

    /// One of its files.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.path.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// One of its files, as JSON.
    #[track_caller]
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// Whole journal lines.
    pub fn journal(&self) -> Vec<Value> {
        let text = self.read("journal.jsonl");
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole
            .map(|line| serde_json::from_str(line).expect("a journal line"))
            .collect()
    }

    /// The events of a name.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let mut lines = self.journal();
        lines.retain(|line| line["event"] == name);
        lines
    }

    /// The state that the journal folds to.
    pub fn state(&self) -> String {
        let last = self.events("state_changed").pop();
        last.map_or_else(|| "created".to_owned(), |line| text(&line["to"]))
    }

    /// Digest of the evidence that was asked for last.
    pub fn evidence(&self) -> String {
        text(&self.events("evidence_taken").pop().expect("evidence")["evidence"])
    }

    /// `SG1 approve`, `SG2 reject` ..., as recorded.
    pub fn decisions(&self) -> Vec<String> {
        let recorded = self.events("approval_recorded");
        let named = |line: &Value| format!("{} {}", text(&line["gate"]), text(&line["decision"]));
        recorded.iter().map(named).collect()
    }

    /// Why approvals were refused.
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.events("approval_refused");
        refused.iter().map(|line| text(&line["reason"])).collect()
    }

    /// The report of that number.
    #[track_caller]
    pub fn report(&self, number: &str) -> String {
        let listed = std::fs::read_dir(self.path.join("kb")).expect("reports");
        let names = listed.map(|entry| entry.expect("a readable folder").file_name());
        let mut names = names.map(|name| name.to_string_lossy().into_owned());
        let name = names.find(|name| name.starts_with(&format!("{number}-")));
        self.read(&format!("kb/{}", name.expect("the report")))
    }

    /// What `sha256sum -c manifest.sha256` says of it, if anything is wrong.
    pub fn manifest_complaints(&self) -> String {
        let tool = ["sha256sum", "shasum"]
            .into_iter()
            .find(|tool| installed(tool));
        let mut command = Command::new(tool.expect("sha256sum or shasum"));
        if tool == Some("shasum") {
            command.args(["-a", "256"]);
        }
        let said = command
            .args(["-c", "manifest.sha256"])
            .current_dir(&self.path)
            .output()
            .expect("it runs");
        let lines = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(lines.lines().count() > 13, "it checks files: {lines}");
        let bad = lines.lines().filter(|line| !line.ends_with(": OK"));
        bad.collect::<Vec<_>>().join("\n") + &String::from_utf8_lossy(&said.stderr)
    }
}

fn installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

/// A JSON string without its quotes.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Waits until the run waits for a person at the gate.
#[track_caller]
pub fn wait_at(terminal: &Terminal, gate: &str) -> Screen {
    terminal.wait_until(&format!("a wait at {gate}"), |screen| {
        let band = band(screen);
        let asks =
            band.starts_with(gate) && band.contains("? ") && band.contains("WAITING FOR YOU");
        asks && !shows_sheet(screen)
    })
}

/// Whether a sheet lies over the panes.
fn shows_sheet(screen: &Screen) -> bool {
    screen.contains("Esc leaves it waiting")
}

/// Closes the sheet, and waits until it is closed: Esc and a letter that are read together are another key.
#[track_caller]
pub fn close_sheet(terminal: &mut Terminal) {
    terminal.type_slowly(key::ESC);
    terminal.wait_until("the sheet to close", |screen| !shows_sheet(screen));
}

/// Title and right side of the band, the first heavy border under the header.
pub fn band(screen: &Screen) -> String {
    let mut header = (0..3).map(|row| screen.row(row));
    let title = header.find(|row| row.starts_with('┏')).unwrap_or_default();
    title.trim_matches(['┏', '━', '┓', ' ']).replace('━', "")
}

/// Whether the approval sheet is READY.
pub fn is_ready(screen: &Screen) -> bool {
    let (_, rows) = screen.size();
    (0..rows)
        .map(|row| screen.row(row))
        .any(|row| row.contains("READY") && row.contains("Esc leaves it waiting"))
}

/// The digest on the sheet: 64 hexadecimal digits on one line.
#[track_caller]
pub fn digest_on(screen: &Screen) -> String {
    let (_, rows) = screen.size();
    let hex = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let rows: Vec<String> = (0..rows).map(|row| screen.row(row)).collect();
    let found = rows.iter().flat_map(|row| row.split_whitespace()).find(hex);
    found
        .unwrap_or_else(|| panic!("no digest on this screen:\n{screen}"))
        .to_owned()
}

/// Opens the approval sheet and waits until it is READY; gives the digest on it.
#[track_caller]
pub fn open_sheet(terminal: &mut Terminal) -> String {
    terminal.type_slowly("a");
    digest_on(&terminal.wait_until("a sheet that is READY", is_ready))
}

/// Types as a person who looks: each character is seen in its place before the next.
#[track_caller]
pub fn type_seen(terminal: &mut Terminal, characters: &str) {
    for end in 1..=characters.len() {
        terminal.type_slowly(&characters[end - 1..end]);
        let places = "_".repeat(6 - end);
        terminal.wait_for(&format!("[{}{places}]", &characters[..end]));
    }
}

/// Presses Enter as a person who looks: once the sheet says that it counts.
#[track_caller]
pub fn press_enter(terminal: &mut Terminal) {
    terminal.wait_for("READY  Enter approves now");
    terminal.keys(key::ENTER);
}

/// Approves what is on the sheet, as a person does; gives its digest.
#[track_caller]
pub fn approve(terminal: &mut Terminal) -> String {
    let digest = open_sheet(terminal);
    type_seen(terminal, &digest[58..]);
    press_enter(terminal);
    digest
}

/// Whether there is a process of that id.
pub fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// The cluster directories whose owner is that process, which has this temporary directory.
pub fn clusters_of(owner: u32, temporary: &Path) -> Vec<PathBuf> {
    let of_tests = place_of_clusters().map(|(_, place)| PathBuf::from(place));
    let bases = [
        Some(Path::new("/tmp")),
        Some(temporary),
        of_tests.as_deref(),
    ];
    let entries = bases
        .iter()
        .flatten()
        .filter_map(|base| std::fs::read_dir(base).ok());
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_owned(path, owner))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

fn is_owned(path: &Path, owner: u32) -> bool {
    let marker = std::fs::read_to_string(path.join("owner")).unwrap_or_default();
    path.to_string_lossy().contains("drygate-pg-") && marker.trim() == format!("pid {owner}")
}
