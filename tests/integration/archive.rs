//! `drygate export` and `import`: one file, the same bytes each time, checked without drygate, opened elsewhere.
//! Invariant: the runs are real, and every archive that does harm was made with an ordinary tar library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::survey::Digest;
use serde_json::Value;
use tar::{Archive, Builder, EntryType, Header};
use tempfile::TempDir;

use super::support::server::{Answer, Workspace, files, finish, own_cluster, text};

/// A name and bytes for each file of an archive.
type Files = Vec<(String, Vec<u8>)>;

/// A place where runs are kept, far from any database.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    /// The program with nothing but this place.
    fn drygate(&self, words: &[&str]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.0.path())
            .env("DRYGATE_DATA_DIR", self.file("data"))
            .current_dir(self.0.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        finish(command.spawn().expect("the program starts"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.file(name);
        fs::write(&path, bytes).expect("a new file");
        path.display().to_string()
    }

    fn runs(&self) -> Vec<PathBuf> {
        let runs = self.file("data/runs");
        let listed = fs::read_dir(runs).into_iter().flatten();
        listed
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

/// A sealed run and one that waits at SG2 after drift, as archives; the server is gone.
struct Exported {
    sealed: Vec<u8>,
    drifted: Vec<u8>,
    facts: Value,
    run_id: String,
}

fn exported() -> &'static Exported {
    static EXPORTED: OnceLock<Exported> = OnceLock::new();
    EXPORTED.get_or_init(|| {
        let cluster = own_cluster(&ClusterOptions::default());
        let workspace = Workspace::on(cluster.clone(), Scenario::Draft);
        let sealed = workspace.run_to_the_end().expect(0).json();
        let other = Workspace::on(cluster, Scenario::Drift);
        let waiting = other.run_to_sg2();
        other.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
        let drifted = other.approve(&waiting, "SG2").expect(4).json();
        Exported {
            sealed: export(&workspace, &sealed),
            drifted: export(&other, &drifted),
            facts: sealed["facts"].clone(),
            run_id: text(&sealed["run_id"]).to_owned(),
        }
    })
}

/// Exports a run twice, once compressed, and gives the bytes.
fn export(workspace: &Workspace, run: &Value) -> Vec<u8> {
    let before = files(&workspace.run_dir(run));
    let written = |name: &str| {
        let path = workspace.place().join(name).display().to_string();
        let words = ["export", text(&run["run_id"]), "--output", &path, "--json"];
        let answer = workspace.drygate(&words).expect(0).json();
        let bytes = fs::read(&path).expect("it was written");
        assert_eq!(answer["sha256"], Digest::of(&bytes).as_str());
        assert_eq!(answer["bytes"], bytes.len());
        bytes
    };
    let bytes = written("one.tar");
    assert_eq!(bytes, written("two.tar"), "the same run, the same bytes");
    let compressed = written("one.tar.gz");
    assert_eq!(compressed, written("two.tar.gz"));
    assert!(compressed.len() < bytes.len() / 2);
    assert_eq!(
        before,
        files(&workspace.run_dir(run)),
        "the run was only read"
    );
    bytes
}

fn entries(archive: &[u8]) -> Files {
    let mut archive = Archive::new(archive);
    let entries = archive.entries().expect("a tar");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a name").display().to_string();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("its bytes");
            (name, bytes)
        })
        .collect()
}

fn header(kind: EntryType, bytes: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(bytes as u64);
    header.set_mode(0o644);
    header
}

/// Writes a name as it is: a library would refuse the harmful ones.
fn named(mut header: Header, name: &str) -> Header {
    let field = &mut header.as_old_mut().name;
    field[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    header
}

fn packed(files: &Files) -> Builder<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = header(EntryType::Regular, bytes.len());
        header.set_path(name).expect("a good name");
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).expect("memory");
    }
    builder
}

/// The files again with `SHA256SUMS` computed anew.
fn summed(mut files: Files) -> Files {
    let (top, _) = files[0].0.split_once('/').expect("a directory");
    let sums_name = format!("{top}/SHA256SUMS");
    let below = format!("{top}/");
    files.retain(|(name, _)| *name != sums_name);
    let line = |(name, bytes): &(String, Vec<u8>)| {
        let name = name.strip_prefix(&below).expect("below");
        format!("{}  {name}\n", Digest::of(bytes))
    };
    let sums: String = files.iter().map(line).collect();
    files.push((sums_name, sums.into_bytes()));
    files
}

#[test]
fn an_archive_is_checked_without_drygate() {
    for (archive, manifest) in [(&exported().sealed, true), (&exported().drifted, false)] {
        let place = Place::new();
        let file = place.put("run.tar", archive);
        let tar = Command::new("tar")
            .args(["xf", &file, "-C"])
            .arg(place.0.path())
            .status();
        assert!(tar.expect("this test needs tar").success());
        let (name, _) = entries(archive).swap_remove(0);
        let top = place.file(name.split_once('/').expect("a directory").0);
        let sums = |directory: &Path, list: &str| {
            let mut command = Command::new("sha256sum");
            let output = command.args(["-c", list]).current_dir(directory).output();
            output.expect("this test needs sha256sum").status.success()
        };
        assert!(sums(&top, "SHA256SUMS"));
        assert_eq!(sums(&top.join("run"), "manifest.sha256"), manifest);
        let chain = || {
            let mut command = Command::new("python3");
            let output = command.arg(top.join("check-chain.py")).output();
            output.expect("this test needs python3")
        };
        let script = fs::read_to_string(top.join("check-chain.py")).expect("a script");
        assert!(script.lines().count() <= 10, "{script}");
        let said = chain();
        assert!(said.status.success(), "{said:?}");
        let journal = fs::read_to_string(top.join("run/journal.jsonl")).expect("a journal");
        let head = Digest::of(journal.lines().last().expect("a line"));
        let records = journal.lines().count();
        let expected = format!("intact: {records} records, head {head}\n");
        assert_eq!(String::from_utf8_lossy(&said.stdout), expected);

        let edited = journal.replacen("SG1", "SG2", 1);
        fs::write(top.join("run/journal.jsonl"), edited).expect("our own file");
        assert!(!chain().status.success());
        let lines: Vec<&str> = journal.lines().collect();
        let cut = lines[..records - 1].join("\n") + "\n";
        fs::write(top.join("run/journal.jsonl"), cut).expect("our own file");
        assert!(
            !chain().status.success(),
            "HEAD names the line that is gone"
        );
    }
}

#[test]
fn an_imported_run_verifies_compares_and_reports_on_another_machine() {
    let Exported {
        sealed,
        facts,
        run_id,
        ..
    } = exported();
    let place = Place::new();
    let file = place.put("run.tar", sealed);
    let answer = place.drygate(&["import", &file, "--json"]).expect(0).json();
    assert_eq!(answer["run_id"], run_id.as_str());
    assert_eq!(
        (&answer["imported"], &answer["sealed"]),
        (&true.into(), &true.into())
    );
    place.drygate(&["verify", run_id]).expect(0);
    let compared = place.drygate(&["diff", run_id, "--json"]).expect(0).json();
    assert_eq!(compared["differs"], false);
    let report = place
        .drygate(&["report", "last", "--json"])
        .expect(0)
        .json();
    assert_eq!(report["facts"]["post"], *facts);

    let again = place.drygate(&["import", &file, "--json"]).expect(0).json();
    assert_eq!(again["already_there"], true);
    let exported = place.file("again.tar").display().to_string();
    place
        .drygate(&["export", run_id, "--output", &exported])
        .expect(0);
    assert_eq!(
        fs::read(&exported).expect("written"),
        *sealed,
        "nothing was lost"
    );
    let mut refused = place
        .drygate(&["export", run_id, "--output", &exported])
        .expect(0);
    assert!(refused.stdout.contains(Digest::of(sealed).as_str()));
    fs::write(&exported, b"mine").expect("our own file");
    refused = place
        .drygate(&["export", run_id, "--output", &exported])
        .expect(64);
    assert!(
        refused.stderr.contains("nothing is overwritten"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&exported).expect("still there"), b"mine");
}

#[test]
fn an_archive_is_opened_where_it_lies() {
    let place = Place::new();
    let file = place.put("run.tar", &exported().sealed);
    let verified = place.drygate(&["verify", &file, "--json"]).expect(0).json();
    assert_eq!(verified["intact"], true);
    assert_eq!(verified["run_id"], exported().run_id.as_str());
    let report = place.drygate(&["report", &file, "--json"]).expect(0).json();
    assert_eq!(report["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(place.runs(), Vec::<PathBuf>::new());
}

#[test]
fn a_waiting_run_from_elsewhere_is_read_only_here() {
    let place = Place::new();
    let file = place.put("run.tar", &exported().drifted);
    let answer = place.drygate(&["import", &file]).expect(0);
    assert!(answer.stderr.contains("read only here"), "{answer:?}");
    let run_id = answer.stdout.trim();
    place.drygate(&["verify", run_id]).expect(0);
    let compared = place.drygate(&["diff", run_id, "--json"]).expect(2).json();
    assert_eq!(compared["differs"], true);
    let before = files(&place.runs()[0]);
    let digest = "0".repeat(64);
    for words in [
        &["resume", run_id, "--headless"][..],
        &["approve", run_id, "SG2", "--digest", &digest],
        &["reject", run_id, "SG2", "--reason", "no"],
    ] {
        let refused = place.drygate(words).expect(75);
        assert!(
            refused.stderr.contains("imported"),
            "{words:?}: {refused:?}"
        );
    }
    assert_eq!(files(&place.runs()[0]), before);
}

#[test]
fn a_run_that_is_there_with_other_bytes_is_left_alone() {
    let place = Place::new();
    let file = place.put("run.tar", &exported().sealed);
    place.drygate(&["import", &file]).expect(0);
    let reviews = place.runs()[0].join("reviews.jsonl");
    fs::write(&reviews, "").expect("a new file");
    let refused = place.drygate(&["import", &file]).expect(7);
    assert!(
        refused
            .stderr
            .contains("reviews.jsonl is not in the archive"),
        "{refused:?}"
    );
    assert!(reviews.exists());
}

/// Imports what must be refused; gives what was said.
#[track_caller]
fn refused(archive: &[u8]) -> String {
    let place = Place::new();
    let file = place.put("run.tar", archive);
    let imported = place.drygate(&["import", &file]).expect(7);
    assert_eq!(place.runs(), Vec::<PathBuf>::new(), "{imported:?}");
    let cache = files(&place.file("data/cache"));
    assert!(cache.is_empty(), "{cache:?}");
    assert!(!place.file("harm").exists());
    place.drygate(&["verify", &file]).expect(7);
    assert!(
        imported.stderr.contains("STOP_EVIDENCE_CORRUPT"),
        "{imported:?}"
    );
    imported.stderr
}

#[test]
fn hostile_archives_are_refused_by_name() {
    let good = entries(&exported().sealed);
    let run_id = &exported().run_id;
    let with = |header: Header, bytes: &[u8]| {
        let mut builder = packed(&good);
        builder.append(&header, bytes).expect("memory");
        builder.into_inner().expect("memory")
    };
    let plain = |name: &str| with(named(header(EntryType::Regular, 4), name), b"harm");
    let of_kind = |kind: EntryType| {
        let mut header = header(kind, 0);
        header.set_link_name("/etc/passwd").expect("a short name");
        with(named(header, &format!("{run_id}/run/kb/x")), b"")
    };
    let mut huge = header(EntryType::Regular, 0);
    huge.set_size(1 << 50);
    let huge = with(named(huge, &format!("{run_id}/run/kb/x")), b"");
    let cases = [
        (plain("/tmp/harm"), "\"/tmp/harm\": an absolute name"),
        (plain("../../harm"), "climbs"),
        (plain(&format!("{run_id}/run/../../harm")), "climbs"),
        (
            plain(&format!("{run_id}/run/LOCK")),
            "a name that no file of a run has",
        ),
        (
            plain(&format!("{run_id}/run/IMPORTED")),
            "a name that no file of a run has",
        ),
        (plain(&format!("{run_id}/run/\u{1b}[2J")), "\\u{1b}[2J"),
        (plain(&format!("{run_id}/run/HEAD")), "it is there twice"),
        (
            plain("ictr-20260521T021523Z-8a941203/run/HEAD"),
            "is not below",
        ),
        (
            plain(&format!("{run_id}/run/kb/more.md")),
            "do not name the same files",
        ),
        (of_kind(EntryType::Symlink), "a link"),
        (of_kind(EntryType::Link), "a link"),
        (of_kind(EntryType::Fifo), "type '6'"),
        (of_kind(EntryType::Char), "type '3'"),
        (of_kind(EntryType::XHeader), "type 'x'"),
        (of_kind(EntryType::GNULongName), "type 'L'"),
        (of_kind(EntryType::GNUSparse), "type 'S'"),
        (huge, "1125899906842624 bytes"),
        (
            // Within a block of the archive: at the border of two it would only lack files.
            exported().sealed[..exported().sealed.len() / 1024 * 512 + 100].to_vec(),
            "damaged",
        ),
    ];
    for (archive, why) in cases {
        let said = refused(&archive);
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn what_is_no_archive_is_named_by_its_kind_and_not_shown() {
    let place = Place::new();
    let mut binary = vec![1_u8; 600];
    binary[100..109].copy_from_slice(b"SECRET-IN");
    for (bytes, kind) in [
        (b"no archive at all".repeat(100), "a text file"),
        (Vec::new(), "an empty file"),
        (binary, "a file of binary data"),
        (b"PK\x03\x04SECRET-IN".repeat(60), "a zip archive"),
        (b"\x1f\x8b\x08SECRET-IN".repeat(60), "a gzip file without"),
    ] {
        let file = place.put("thing", &bytes);
        for word in ["replay", "import", "verify", "report"] {
            let said = place.drygate(&[word, &file]).expect(64);
            assert!(said.stderr.contains(kind), "{word}: {}", said.stderr);
            for shown in ["SECRET", "at allno", "u{1}"] {
                assert!(!said.stderr.contains(shown), "{word}: {}", said.stderr);
            }
        }
    }
}

/// The files with one of them edited.
fn edited(files: &Files, name: &str, edit: impl Fn(&mut Vec<u8>)) -> Files {
    let mut files = files.clone();
    let found = files.iter_mut().find(|(known, _)| known.ends_with(name));
    edit(&mut found.expect("the file").1);
    files
}

fn bytes(files: &Files) -> Vec<u8> {
    packed(files).into_inner().expect("memory")
}

#[test]
fn a_page_of_an_archive_that_was_edited_is_found() {
    for archive in [&exported().sealed, &exported().drifted] {
        let good = entries(archive);
        for page in ["CHECKING.txt", "check-chain.py", "run.html"] {
            let other = edited(&good, page, |bytes| bytes.extend(b"\n<!-- more -->\n"));
            let said = refused(&bytes(&summed(other)));
            let finding = format!("{page}: is not what the run gives");
            assert!(said.contains(&finding), "{page}: {said}");
            let mut less = good.clone();
            less.retain(|(name, _)| !name.ends_with(page));
            let said = refused(&bytes(&summed(less)));
            let finding = format!("{page}: is missing in the archive");
            assert!(said.contains(&finding), "{page}: {said}");
        }
    }
}

#[test]
fn pages_of_another_version_are_judged_by_it_or_said_not_to_be() {
    let good = entries(&exported().sealed);
    let of_version = |version: &str| {
        edited(&good, "CHECKING.txt", |bytes| {
            let text = String::from_utf8(bytes.clone()).expect("text");
            let lines: Vec<&str> = text.lines().collect();
            let at = lines
                .iter()
                .position(|line| line.starts_with("Pages of version"));
            let at = at.expect("it names the version");
            assert!(lines[at - 1].starts_with("head="));
            let line = format!("{}\n{}\n", lines[at - 1], lines[at]);
            *bytes = text.replace(&line, version).into_bytes();
        })
    };
    let verified = |files: Files, code: i32| {
        let place = Place::new();
        let file = place.put("run.tar", &bytes(&summed(files)));
        let answer = place.drygate(&["verify", &file, "--json"]).expect(code);
        let document = answer.json();
        [&document["findings"], &document["not_checked"]].map(ToString::to_string)
    };
    // drygate 0.1.0 did not name the version; text and script were those of today.
    let [findings, not_checked] = verified(of_version(""), 0);
    assert_eq!(findings, "[]");
    assert!(
        not_checked.contains("run.html: it is of version 1"),
        "{not_checked}"
    );
    for page in ["CHECKING.txt", "check-chain.py"] {
        let other = edited(&of_version(""), page, |bytes| bytes.push(b'x'));
        let [findings, _] = verified(other, 7);
        assert!(findings.contains(page), "{page}: {findings}");
    }
    let [findings, not_checked] = verified(of_version("Pages of version 99.\n"), 0);
    assert_eq!(findings, "[]");
    assert!(
        not_checked.contains("they are of version 99"),
        "{not_checked}"
    );
}

/// The bytes of the pages of one version do not change once a release has written them: raise it in src/archive/pages.rs then.
#[test]
fn the_pages_of_a_version_stay_as_they_are() {
    let place = super::golden::Place::new();
    let file = place.0.path().join("run.tar").display().to_string();
    place
        .drygate(&["export", super::golden::V1, "--output", &file])
        .expect(0);
    let pages = entries(&fs::read(&file).expect("written"));
    let mut digests = String::new();
    for (name, bytes) in pages {
        let name = name.split_once('/').expect("a directory").1;
        if !name.starts_with("run/") && name != "SHA256SUMS" {
            digests.extend([name, " ", Digest::of(&bytes).as_str(), "\n"]);
        }
    }
    insta::assert_snapshot!(digests);
}

#[test]
fn an_archive_of_too_many_files_is_refused() {
    let run_id = &exported().run_id;
    let mut files = entries(&exported().sealed);
    files.extend((0..120_000).map(|n| (format!("{run_id}/run/units/{n}-cut.jsonl"), Vec::new())));
    let said = refused(&bytes(&files));
    assert!(said.contains("more than 20000 files"), "{said}");
}

#[test]
fn an_archive_that_was_edited_is_refused_with_what_was_edited() {
    let good = entries(&exported().sealed);
    let flip = |bytes: &mut Vec<u8>| bytes[40] ^= 1;
    let said = refused(&bytes(&edited(&good, "run/sidecar.json", flip)));
    assert!(
        said.contains("sidecar.json\": SHA256SUMS names other bytes"),
        "{said}"
    );
    // With the sums computed anew the manifest tells, and the chain.
    let said = refused(&bytes(&summed(edited(&good, "run/sidecar.json", flip))));
    assert!(
        said.contains("does not verify") && said.contains("sidecar.json"),
        "{said}"
    );
    let said = refused(&bytes(&summed(edited(&good, "run/journal.jsonl", flip))));
    assert!(said.contains("journal.jsonl, line 1"), "{said}");
    let mut files = good.clone();
    files.retain(|(name, _)| !name.ends_with("run/journal.jsonl"));
    let said = refused(&bytes(&summed(files)));
    assert!(said.contains("journal.jsonl"), "{said}");
    // The same files in another order are the same run.
    let mut files = good.clone();
    files.reverse();
    let place = Place::new();
    let file = place.put("run.tar", &bytes(&files));
    place.drygate(&["import", &file]).expect(0);
}
