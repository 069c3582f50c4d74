//! `drygate doctor`: what this machine has and lacks, line by line. It leaves no directory; what was not looked at is NOT
//! CHECKED, never PASS.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use super::{LaunchError, output, print, run, run_plan, store, survey};
use crate::cli::{self, Settings};
use crate::documents::{DoctorDocument, DoctorLine, SchemaVersion};
use crate::journal::{CACHE_DIR, DirectoryStore, DiskStorage, Permissions, RunIndex};
use crate::postgres;
use crate::postgres::throwaway::ServerBinaries;
use crate::profile::LoadedProfile;
use crate::rehearsal;
use crate::report::visible;
use crate::run::{Check, RehearsalCheck, RunFilter, RunResult, StopCode, Verdict, exit};
use crate::runner::{RunnerError, SHORTAGE_HINT};
use crate::store::StoreError;

impl DoctorLine {
    fn pass(name: &'static str, says: impl Into<String>) -> Self {
        Self::new(name, Verdict::Pass, says, None)
    }

    fn fail(name: &'static str, says: impl Into<String>, next: &str) -> Self {
        Self::new(name, Verdict::Fail, says, Some(next))
    }

    fn not_checked(name: &'static str, says: impl Into<String>, next: &str) -> Self {
        Self::new(name, Verdict::NotChecked, says, Some(next))
    }

    fn new(name: &str, verdict: Verdict, says: impl Into<String>, next: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            says: says.into(),
            next: next.map(str::to_owned),
        }
    }
}

/// Looks at everything and prints it: 0 nothing is wrong, 9 something is, 11 a check of the named database could not be made.
pub fn doctor(settings: &Settings) -> Result<u8, LaunchError> {
    let mut found = vec![DoctorLine::pass(
        "drygate",
        format!(
            "{} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    )];
    found.push(data_directory(settings));
    found.extend(runs(settings));
    found.extend(run_store(settings)?);
    found.push(git());
    found.push(repository(settings));
    found.push(server_binaries());
    found.extend(terminal(settings));
    found.extend(configuration(settings));
    let loaded = print::load_profile(&settings.profile.value);
    found.push(profile(settings, loaded.as_ref()));
    let (database, major) = database(settings, loaded.as_ref().ok());
    found.extend(rehearsal(settings, major)?);
    // As `profile check` ends, where it could ask.
    let open = database.verdict == Verdict::NotChecked && survey::names_a_database(settings);
    found.push(database);
    let wrong = found.iter().any(|finding| finding.verdict == Verdict::Fail);
    if settings.json() {
        let verdict = if wrong { Verdict::Fail } else { Verdict::Pass };
        output::document(&DoctorDocument {
            schema: SchemaVersion,
            verdict,
            findings: found,
        })?;
    } else {
        for finding in &found {
            let says = visible(&finding.says);
            output::line(&format!(
                "{:<12} {:<16} {says}",
                finding.verdict.name(),
                finding.name
            ))?;
            if let Some(next) = &finding.next {
                output::line(&format!("{:29} {}", "", visible(next)))?;
            }
        }
    }
    Ok(match (wrong, open) {
        (true, _) => StopCode::StopGateFailed.exit_code(),
        (false, true) => RunResult::Incomplete.exit_code(),
        (false, false) => 0,
    })
}

/// Prints the SQL that makes the profile's role in the named database.
pub fn role_sql(settings: &Settings) -> Result<u8, LaunchError> {
    let loaded = print::load_profile(&settings.profile.value)?;
    let (taken, holders, names) = survey::look_for_role(settings, &loaded)?;
    let of_server = (&names, &holders);
    let sql = postgres::role_setup(&loaded.profile, &taken.survey, &taken.rulings, of_server);
    output::print(&sql)?;
    Ok(exit::OK)
}

/// Whether runs can be kept, and who else could change them.
fn data_directory(settings: &Settings) -> DoctorLine {
    let name = "data directory";
    let path = &settings.data_dir.value;
    let shown = format!("{} ({})", path.display(), settings.data_dir.origin);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return DoctorLine::pass(
                name,
                format!("{shown} is not there yet: the first run makes it"),
            );
        }
        Err(error) => {
            let next = "Make it readable, or name another with --data-dir.";
            return DoctorLine::fail(name, format!("{shown}: {error}"), next);
        }
    };
    if !metadata.is_dir() {
        return DoctorLine::fail(
            name,
            format!("{shown} is no directory"),
            "Name another with --data-dir.",
        );
    }
    // access(2) asks the kernel; the mode bits alone do not know of read-only mounts or ACLs.
    if rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err() {
        let next = "Runs cannot be kept there: give yourself the right to write, or name another with --data-dir.";
        return DoctorLine::fail(name, format!("{shown} cannot be written"), next);
    }
    let mode = metadata.mode() & 0o7777;
    let shared = settings.store_group.is_some();
    let open = mode & if shared { 0o007 } else { 0o077 };
    if open != 0 {
        let next = format!(
            "Others may read or change runs: chmod {} {}",
            if shared { "2770" } else { "700" },
            path.display()
        );
        return DoctorLine::fail(name, format!("{shown} has mode {mode:04o}"), &next);
    }
    DoctorLine::pass(name, format!("{shown}, mode {mode:04o}"))
}

/// Whether the run store of the settings answers, and as whom this account is known there.
fn run_store(settings: &Settings) -> Result<Option<DoctorLine>, LaunchError> {
    let Some(url) = &settings.store_url else {
        return Ok(None);
    };
    let (name, shown) = ("run store", format!("{} ({})", url.value, url.origin));
    let asked = match store::client(&url.value, settings.store_lease_s.value) {
        Ok(client) => client.identity().map_err(LaunchError::from),
        Err(error) => Err(error),
    };
    Ok(Some(match asked {
        Ok(identity) => DoctorLine::pass(name, format!("{shown}, as role {}", identity.role)),
        Err(LaunchError::Store(StoreError::Shortage(why))) => {
            return Err(StoreError::Shortage(why).into());
        }
        Err(error) => {
            let next = error.hint(&settings.call).unwrap_or_default();
            DoctorLine::fail(name, format!("{shown}: {error}"), &next)
        }
    }))
}

/// What lies there, and whether the index knows it.
fn runs(settings: &Settings) -> Vec<DoctorLine> {
    let root = &settings.data_dir.value;
    // `open` makes nothing, unlike `run_plan::store`.
    let Ok(storage) = DiskStorage::open(root, Permissions::private()) else {
        return Vec::new();
    };
    let store = DirectoryStore::on(std::sync::Arc::new(storage));
    let mut index = match RunIndex::look(&store) {
        Ok(index) => index,
        Err(error) => {
            let next = "Make the directory readable.";
            return vec![DoctorLine::fail("runs", error.to_string(), next)];
        }
    };
    let known = index.rows().count();
    let cache = root.join(CACHE_DIR);
    let says = format!(
        "{}: knows {known} of {} without reading a journal; it can be deleted at any time",
        cache.display(),
        index.len()
    );
    index.read_changed(&mut |_, _| {});
    let count = |filter: RunFilter| index.rows().filter(|row| filter.shows(row)).count();
    let damaged = count(RunFilter::Damaged);
    let counted = format!(
        "{} here, {} waiting for a person, {damaged} that do not read as runs",
        index.len(),
        count(RunFilter::Waiting)
    );
    let runs = if damaged > 0 {
        DoctorLine::fail(
            "runs",
            counted,
            &format!(
                "{} names them, with file, line and byte.",
                settings.call.to("runs --damaged")
            ),
        )
    } else {
        DoctorLine::pass("runs", counted)
    };
    vec![runs, DoctorLine::pass("index", says)]
}

fn git() -> DoctorLine {
    let version = Command::new("git").arg("--version").output();
    match version {
        Ok(output) if output.status.success() => DoctorLine::pass(
            "git",
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        ),
        _ => DoctorLine::fail(
            "git",
            "cannot be run",
            "Install git: gate G0 asks it for branch, HEAD and tags.",
        ),
    }
}

fn repository(settings: &Settings) -> DoctorLine {
    let named = settings.repo.as_ref().map(|repo| repo.value.as_path());
    match (run_plan::repository(named), named) {
        (Ok(Some(repository)), _) => {
            DoctorLine::pass("repository", repository.directory().display().to_string())
        }
        (Ok(None), Some(named)) => DoctorLine::fail(
            "repository",
            format!("{} is in no git work tree", named.display()),
            "Name a work tree with --repo, or leave it out.",
        ),
        (Err(error), _) => DoctorLine::not_checked("repository", error.to_string(), SHORTAGE_HINT),
        (Ok(None), None) => DoctorLine::not_checked(
            "repository",
            "none around the current directory",
            "Gate G0 will be NOT CHECKED: run drygate inside a work tree, or name one with --repo.",
        ),
    }
}

/// Only the demo and `rehearse` need them.
fn server_binaries() -> DoctorLine {
    let name = "server binaries";
    match ServerBinaries::find() {
        Ok(found) => {
            let says = version_of(found.dir());
            DoctorLine::pass(name, format!("{} in {}", says, found.dir().display()))
        }
        Err(error) => {
            let next = error
                .remedy()
                .unwrap_or("Only the demo and `rehearse` need them.");
            DoctorLine::not_checked(
                name,
                format!("{error}; only the demo and `rehearse` need them"),
                next,
            )
        }
    }
}

fn version_of(bin: &Path) -> String {
    let output = Command::new(bin.join("postgres")).arg("--version").output();
    output.map_or_else(
        |_| "a server".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// What the screens can count on.
fn terminal(settings: &Settings) -> Vec<DoctorLine> {
    let both = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !both {
        let next = "Nothing to do: every screen has a command that needs no terminal.";
        return vec![DoctorLine::not_checked(
            "terminal",
            "stdin and stdout are no terminal",
            next,
        )];
    }
    let (columns, rows) = crossterm::terminal::size().unwrap_or_default();
    let size = format!("{columns}x{rows}");
    let size = if columns < 60 || rows < 16 {
        DoctorLine::fail(
            "terminal",
            size,
            "The screens need 60x16; 160x48 shows everything.",
        )
    } else {
        DoctorLine::pass("terminal", size)
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(variable);
    let utf8 = locale.as_ref().is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    let says = format!(
        "TERM={}, locale {}, colours {}",
        variable("TERM").unwrap_or_else(|| "unset".to_owned()),
        locale.as_deref().unwrap_or("unset"),
        if settings.color.value.is_on(true) {
            "on"
        } else {
            "off"
        }
    );
    let drawn = if utf8 || settings.ascii.value {
        DoctorLine::pass("characters", says)
    } else {
        DoctorLine::not_checked(
            "characters",
            says,
            "If frames look wrong: --ascii, or a UTF-8 locale.",
        )
    };
    vec![size, drawn]
}

/// Every setting that somebody made, with where it came from.
fn configuration(settings: &Settings) -> Vec<DoctorLine> {
    let files: Vec<String> = settings
        .files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let read = if files.is_empty() {
        "no file".to_owned()
    } else {
        files.join(", ")
    };
    let mut found = vec![DoctorLine::pass(
        "configuration",
        format!("read from {read}"),
    )];
    let set = cli::config_text(settings);
    let set = set
        .lines()
        .filter(|line| !line.trim_end().ends_with("default"));
    found.extend(set.map(|line| DoctorLine::pass("setting", line.trim())));
    found
}

/// What `profile check` says of the profile without a database.
fn profile(settings: &Settings, loaded: Result<&LoadedProfile, &LaunchError>) -> DoctorLine {
    let name = "profile";
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let next = format!(
                "{} names the built-in ones; {} writes one.",
                settings.call.anywhere("profile list"),
                settings.call.anywhere("profile init")
            );
            return DoctorLine::fail(name, error.to_string(), &next);
        }
    };
    let check = settings.profile_check(&settings.profile.value);
    let next = &format!("Correct it; {check} tries it again.");
    match survey::without_database(settings, loaded) {
        Err(error) => DoctorLine::fail(name, error.to_string(), next),
        Ok(checks) => {
            let said = format!("{}: {}", loaded.profile.name, loaded.profile.title);
            of_checks(name, said, &checks, next)
        }
    }
}

/// A finding over checks: the first that fails, else the first that could not be made, is named.
fn of_checks(name: &'static str, said: String, checks: &[Check], next: &str) -> DoctorLine {
    let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
    let first = checks.iter().find(|check| check.verdict == verdict);
    match (verdict, first) {
        (Verdict::Fail | Verdict::NotChecked, Some(check)) => {
            let says = format!("{said}; {}: {}", check.name, check.says);
            DoctorLine::new(name, verdict, says, Some(next))
        }
        _ => DoctorLine::pass(name, said),
    }
}

/// What a rehearsal of this database would take, or of any where none answered, and whether it is walled in.
fn rehearsal(
    settings: &Settings,
    major: Option<u32>,
) -> Result<impl Iterator<Item = DoctorLine>, LaunchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunnerError::from)?;
    let hidden = run::hidden(&settings.data_dir.value);
    let found = runtime.block_on(rehearsal::means(major, &hidden));
    let line =
        |it: RehearsalCheck| DoctorLine::new(&it.name, it.verdict, it.says, it.next.as_deref());
    Ok(found.into_iter().map(line))
}

/// One survey, with the checks that gate G1 makes of it; and the server's major version.
fn database(settings: &Settings, loaded: Option<&LoadedProfile>) -> (DoctorLine, Option<u32>) {
    let name = "database";
    if !survey::names_a_database(settings) {
        let next = "Name one: --database-url postgresql://role@host/db, or libpq's own variables.";
        let line = DoctorLine::not_checked(name, "no database is named", next);
        return (line, None);
    }
    let Some(loaded) = loaded else {
        let next = "Correct the profile first: it says what is asked.";
        let line = DoctorLine::not_checked(name, "not asked without a profile", next);
        return (line, None);
    };
    let (taken, checks) = match survey::look_with_names(settings, loaded) {
        Ok(looked) => looked,
        Err(error) => {
            let next = error
                .hint(&settings.call)
                .unwrap_or_else(|| "Check host, port, role and pg_hba.conf.".to_owned());
            // What keeps the database away for now says nothing of it.
            let line = if error.may_pass() {
                DoctorLine::not_checked(name, error.to_string(), &next)
            } else {
                DoctorLine::fail(name, error.to_string(), &next)
            };
            return (line, None);
        }
    };
    let server = &taken.survey.server;
    let writes = match taken.survey.role.is_read_only() {
        Some(true) => "the role cannot write".to_owned(),
        Some(false) => {
            let ways = taken.survey.role.ways_to_write().count();
            format!("the role could write in {ways} ways")
        }
        None => "whether the role could write was not fully answered".to_owned(),
    };
    let said = format!(
        "PostgreSQL {}, {} as {}, {}; {writes}",
        server.version, server.database, server.current_user, server.transport
    );
    let check = settings.profile_check(&settings.profile.value);
    let next = format!("{check} names every check; gate G1 makes the same ones.");
    let major = server.version_num / 10_000;
    (of_checks(name, said, &checks, &next), Some(major))
}
