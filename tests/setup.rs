//! `scripts/setup` on a machine of links and stand-ins, without root and without network. Invariant: the script finds no
//! program but those that the test put there, and sees no file system but the test's own.
#![cfg(target_os = "linux")]

#[path = "setup/bench.rs"]
mod bench;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const SETUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/setup");
const WANTED: &str = env!("CARGO_PKG_RUST_VERSION");
const CONF: &str = "etc/postgresql-common/createcluster.conf";
const OF_THE_PACKAGE: &str = "# the package's own\n";
const NO_CLUSTER: &str = "create_main_cluster = false";

/// What the script may use of the real machine.
const TOOLS: [&str; 21] = [
    "awk", "bash", "cat", "cp", "dirname", "env", "flock", "grep", "head", "ln", "mkdir", "mktemp",
    "mv", "rm", "sed", "sleep", "sort", "tail", "touch", "tr", "true",
];

/// Notes its call with the cluster setting of that moment, then does as the test wants; an install brings what was missing.
const APT_GET: &str = r##"
setting=$(grep -s create_main_cluster "$ROOT/etc/postgresql-common/createcluster.conf")
case " $* " in *" update "*) step=update ;; *" --download-only "*) step=fetch ;; *) step=install ;; esac
echo "$step [$setting] $*" >>"$ROOT/calls"
if [ -e "$ROOT/script.$step" ]; then . "$ROOT/script.$step"; fi
[ $step = install ] || exit 0
printf "%s\n" "# the package's own" >"$ROOT/etc/postgresql-common/createcluster.conf.ucf-dist"
mkdir -p "$ROOT/etc/init.d" "$ROOT/usr/lib/postgresql/15/bin"
touch "$ROOT/etc/init.d/postgresql"
cp "$ROOT/bin/initdb.new" "$ROOT/usr/lib/postgresql/15/bin/initdb"
cp "$ROOT/bin/initdb.new" "$ROOT/usr/lib/postgresql/15/bin/postgres"
"##;

struct Machine(tempfile::TempDir);

impl Machine {
    /// With Rust, a compiler, git and python3; PostgreSQL is missing.
    fn bare() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["bin", "var/lib/dpkg", "etc/ssl/certs"] {
            fs::create_dir_all(machine.path(folder)).expect("a new folder");
        }
        machine.write("etc/ssl/certs/ca-certificates.crt", "a certificate");
        for tool in TOOLS {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            let found = found.iter().find(|path| path.exists());
            symlink(found.expect(tool), machine.path("bin").join(tool)).expect("a new link");
        }
        machine.rust(WANTED);
        // A compiler reads its input to the end.
        machine.program("cc", "cat >/dev/null");
        for program in ["git", "python3", "initdb.new"] {
            machine.program(program, "exit 0");
        }
        machine.program("apt-get", APT_GET);
        machine.program("dpkg-query", "exit 1");
        machine.program("update-rc.d", "echo \"update-rc.d $*\" >>\"$ROOT/calls\"");
        machine.account(0);
        machine
    }

    fn rust(&self, version: &str) {
        for program in ["cargo", "rustc"] {
            self.program(program, &format!("echo '{program} {version} (of a test)'"));
        }
    }

    fn account(&self, uid: u32) {
        self.program("id", &format!("echo {uid}"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Another process writes it: while this one starts programs for other tests, a file that it has open for writing
    /// cannot be executed.
    fn program(&self, name: &str, text: &str) {
        let text = format!("#!/usr/bin/env bash\n{text}\n");
        let written = Command::new("bash")
            .args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""])
            .arg(self.path("bin").join(name))
            .arg(text)
            .status();
        assert!(written.expect("bash runs").success());
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What apt-get and the service tool were asked, in order.
    fn calls(&self) -> Vec<String> {
        self.read("calls").lines().map(str::to_owned).collect()
    }

    /// Files beside the configuration file that the script made for its own use.
    fn left(&self) -> Vec<String> {
        let listed = fs::read_dir(self.path("etc/postgresql-common"))
            .into_iter()
            .flatten();
        let names = listed
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("drygate")).collect()
    }

    fn start(&self, program: &str, words: &[&str]) -> Child {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("ROOT", self.0.path())
            .env("DRYGATE_SETUP_ROOT", self.0.path())
            .env("TMPDIR", self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("it starts")
    }

    fn setup(&self) -> Said {
        Said::of(
            self.start(SETUP, &[])
                .wait_with_output()
                .expect("our child"),
        )
    }

    /// Waits until no setup and no apt-get of one is at work.
    fn wait_for_lock(&self) {
        let folder = self.path("var/lib/dpkg").display().to_string();
        let waited = self.start("flock", &[&folder, "true"]).wait();
        assert!(waited.expect("our child").success());
    }

    /// A step of apt-get that tells the test that it began, and waits for the test to let it go on.
    fn hold(&self, step: &str, then: &str) -> Held {
        for pipe in ["began", "go-on"] {
            let made = Command::new("mkfifo").arg(self.path(pipe)).status();
            assert!(made.expect("mkfifo runs").success());
        }
        let text = format!(
            "rm \"$ROOT/script.{step}\"; echo >\"$ROOT/began\"; cat \"$ROOT/go-on\" >/dev/null; {then}"
        );
        self.write(&format!("script.{step}"), &text);
        let setup = self.start(SETUP, &[]);
        fs::read(self.path("began")).expect("the step begins");
        Held {
            setup,
            go_on: self.path("go-on"),
        }
    }
}

struct Held {
    setup: Child,
    go_on: PathBuf,
}

impl Held {
    /// To the script that `setup` starts for root, wherever it runs; apt-get is at work below it.
    fn signal_part_of_root(&self, signal: Signal) {
        let part = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.setup.id()));
        let part: i32 = part.expect("/proc").trim().parse().expect("one child");
        kill_process(Pid::from_raw(part).expect("no pid is 0"), signal).expect("it lives");
    }

    fn go_on(&self) {
        fs::write(&self.go_on, "").expect("the step waits");
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    text: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self {
            code: output.status.code(),
            text: String::from_utf8(text).expect("UTF-8"),
        }
    }
}

#[test]
fn a_machine_that_has_all_hears_nothing() {
    let machine = Machine::bare();
    for program in ["initdb", "postgres"] {
        machine.program(program, "exit 0");
    }
    let said = machine.setup();
    assert_eq!((said.code, said.text.as_str()), (Some(0), ""));
    assert_eq!(machine.calls(), Vec::<String>::new());
}

#[test]
fn a_rust_that_is_too_old_is_named_with_the_one_that_is_needed() {
    let machine = Machine::bare();
    machine.rust("1.63.0");
    let said = machine.setup();
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in [
        WANTED,
        "cargo 1.63.0",
        "rustc 1.63.0",
        "https://sh.rustup.rs",
        "cargo/env",
    ] {
        assert!(said.text.contains(words), "{words}: {}", said.text);
    }
    machine.program("rustup", "exit 0");
    let said = machine.setup().text;
    assert!(said.contains("rustup toolchain install stable"), "{said}");
    // As rustup's stand-in for cargo says when no toolchain was chosen.
    machine.program("cargo", "echo 'error: no default toolchain' >&2; exit 1");
    assert!(machine.setup().text.contains("no cargo that runs"));
    assert_eq!(machine.calls(), Vec::<String>::new());
    machine.rust("1.1000.0-nightly");
    assert_eq!(machine.setup().code, Some(0), "1000 is above 95");
}

#[test]
fn root_installs_the_programs_and_no_cluster() {
    let machine = Machine::bare();
    let said = machine.setup();
    assert_eq!(said.code, Some(0), "{said:?}");
    let calls = machine.calls();
    let [update, fetch, install, service] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert!(update.starts_with("update "), "{update}");
    assert!(fetch.contains("--download-only"), "{fetch}");
    for words in [NO_CLUSTER, "--no-install-recommends", " postgresql"] {
        assert!(install.contains(words), "{words}: {install}");
    }
    assert_eq!(service, "update-rc.d postgresql disable");
    assert_eq!(machine.read(CONF), OF_THE_PACKAGE);
    assert_eq!(machine.left(), Vec::<String>::new());
}

#[test]
fn what_was_there_before_stays_as_it_was() {
    let machine = Machine::bare();
    machine.program("dpkg-query", "printf installed");
    machine.write(CONF, "# of the administrator\n");
    assert_eq!(machine.setup().code, Some(0));
    assert!(
        machine.calls()[2].contains(NO_CLUSTER),
        "{:?}",
        machine.calls()
    );
    assert_eq!(machine.calls().len(), 3, "the service is left alone");
    assert_eq!(machine.read(CONF), "# of the administrator\n");
    assert_eq!(machine.left(), Vec::<String>::new());
}

#[test]
fn without_sudo_the_printed_command_is_all_that_root_needs() {
    let machine = Machine::bare();
    machine.account(1000);
    let said = machine.setup();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(machine.calls(), Vec::<String>::new());
    let printed = said.text.lines().last().expect("a command").trim();
    let pasted = machine.start("/bin/bash", &["-c", printed]);
    let pasted = Said::of(pasted.wait_with_output().expect("our child"));
    assert_eq!(pasted.code, Some(0), "{printed}: {pasted:?}");
    assert!(
        machine.calls()[0].starts_with("update "),
        "{:?}",
        machine.calls()
    );
    assert_eq!(machine.read(CONF), OF_THE_PACKAGE);
    assert_eq!(machine.setup().text, "", "nothing is missing now");
}

#[test]
fn sudo_is_announced_with_what_it_will_run_before_it_asks() {
    let machine = Machine::bare();
    machine.account(1000);
    machine.program("sudo", "echo '[sudo] password for op_a:' >&2; exec \"$@\"");
    let said = machine.setup();
    assert_eq!(said.code, Some(0), "{said:?}");
    let (before, _) = said.text.split_once("[sudo]").expect("sudo asked");
    for words in ["may ask for your password", SETUP, "packages postgresql"] {
        assert!(before.contains(words), "{words}: {before}");
    }
    let machine = Machine::bare();
    machine.account(1000);
    machine.program("sudo", "exit 1");
    let said = machine.setup();
    assert_eq!(said.code, Some(1));
    let last = said.text.lines().last().expect("a line");
    assert!(
        last.contains("As root: ") && last.ends_with("packages postgresql"),
        "{last}"
    );
}

#[test]
fn a_held_lock_is_told_and_waited_for() {
    for step in ["update", "fetch", "install"] {
        let machine = Machine::bare();
        let held = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (unattended-upgr)";
        let text = format!("rm \"$ROOT/script.{step}\"; echo '{held}'; exit 100");
        machine.write(&format!("script.{step}"), &text);
        let said = machine.setup();
        assert_eq!(said.code, Some(0), "{step}: {said:?}");
        assert!(said.text.contains(held), "{step}: {}", said.text);
        let told = said.text.matches("fetching packages").count();
        assert_eq!(told, 1, "{step}: {}", said.text);
        assert_eq!(machine.read(CONF), OF_THE_PACKAGE);
    }
}

#[test]
fn a_dead_repository_is_a_warning() {
    let machine = Machine::bare();
    machine.write(
        "script.update",
        "echo 'E: the repository is gone'; exit 100",
    );
    let said = machine.setup();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.text.contains("warning: "), "{}", said.text);
    assert!(
        said.text.contains("E: the repository is gone"),
        "{}",
        said.text
    );
}

#[test]
fn after_a_failure_the_machine_has_its_own_file_again() {
    for before in [None, Some("# of the administrator\n")] {
        let machine = Machine::bare();
        before.inspect(|text| machine.write(CONF, text));
        let own = || before.unwrap_or_default();
        machine.write(
            "script.install",
            "echo 'E: it cannot be unpacked'; exit 100",
        );
        let said = machine.setup();
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.text.contains("E: it cannot be unpacked"),
            "{}",
            said.text
        );
        assert_eq!(machine.read(CONF), own(), "after a failure");
    }
}

#[test]
fn a_signal_waits_for_apt_and_then_the_machine_has_its_own_file_again() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let machine = Machine::bare();
        let held = machine.hold("fetch", "exit 100");
        held.signal_part_of_root(signal);
        held.go_on();
        held.setup.wait_with_output().expect("our child");
        machine.wait_for_lock();
        assert_eq!(machine.read(CONF), "", "fetching, {signal:?}");
        assert_eq!(machine.left(), Vec::<String>::new());

        let machine = Machine::bare();
        let held = machine.hold("install", "");
        held.signal_part_of_root(signal);
        held.go_on();
        held.setup.wait_with_output().expect("our child");
        machine.wait_for_lock();
        assert_eq!(machine.read(CONF), OF_THE_PACKAGE, "{signal:?}");
        let last = machine.calls().pop();
        assert_eq!(last.as_deref(), Some("update-rc.d postgresql disable"));
    }
}

#[test]
fn after_a_kill_the_next_setup_repairs_it_even_if_nothing_is_missing() {
    for before in [None, Some("# of the administrator\n")] {
        let machine = Machine::bare();
        before.inspect(|text| machine.write(CONF, text));
        let held = machine.hold("install", "");
        assert!(machine.read(CONF).contains(NO_CLUSTER));
        held.signal_part_of_root(Signal::KILL);
        held.go_on();
        held.setup.wait_with_output().expect("our child");
        machine.wait_for_lock();
        assert!(machine.read(CONF).contains(NO_CLUSTER), "it was killed");
        let next = machine.setup();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!(
            machine.read(CONF),
            before.unwrap_or(OF_THE_PACKAGE),
            "{next:?}"
        );
        assert_eq!(machine.left(), Vec::<String>::new());
        let disabled = machine
            .calls()
            .iter()
            .any(|call| call.starts_with("update-rc.d"));
        assert!(disabled, "{:?}", machine.calls());
    }
}
