//! A run that waited for a very long time: begun and approved by the program, its reads while it waited written here.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use drygate::journal::{DiskStorage, JournalReader, Permissions, Storage, encode_line};
use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use drygate::run::{Event, LiveRead, Purpose, TransactionClosed, TransactionOpened};
use drygate::survey::{Digest, TransactionProof, UtcTime};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Taken, take};

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
/// Lines that a run has beside its reads, about.
const OTHER_LINES: u64 = 250;

/// A server with the scenario, and a repository.
pub struct Server {
    cluster: Cluster,
    place: TempDir,
}

impl Server {
    pub fn start() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
        cluster
            .load_scenario(DATABASE, Scenario::Draft)
            .expect("it loads");
        let place = tempfile::tempdir().expect("a folder");
        DemoRepository::create(&place.path().join("repository")).expect("git");
        Self { cluster, place }
    }
}

/// A run in a data directory of its own.
pub struct LongRun {
    home: TempDir,
    run_id: String,
}

impl LongRun {
    /// A run that waits at SG2, with a journal of about so many lines.
    pub fn waiting(server: &Server, lines: u64) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut run = Self {
            home,
            run_id: String::new(),
        };
        let url = server.cluster.url(READER, DATABASE);
        let repository = server.place.path().join("repository");
        let repository = repository.display().to_string();
        let began = run.json(&["run", "--database-url", &url, "--repo", &repository]);
        run.run_id = text(&began, "run_id");
        let evidence = text(&began, "evidence");
        run.json(&["approve", "last", "SG1", "--digest", &evidence]);
        run.reads_until(lines);
        run
    }

    /// The directory of the run.
    pub fn directory(&self) -> PathBuf {
        self.home.path().join("data/runs").join(&self.run_id)
    }

    /// Removes the index of runs, which may be deleted at any time.
    pub fn forget_index(&self) {
        fs::remove_dir_all(self.home.path().join("data/cache")).expect("it was there");
    }

    /// Measures a command.
    pub fn take(&self, words: &[&str], code: i32) -> Taken {
        take(self.command(words).arg("--headless"), code)
    }

    /// Measures the approval of the evidence that waits.
    pub fn approve(&self, gate: &str, code: i32) -> Taken {
        let stands = self.json(&["resume", "last"]);
        let evidence = text(&stands, "evidence");
        self.take(&["approve", "last", gate, "--digest", &evidence], code)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .arg("--data-dir")
            .arg(self.home.path().join("data"))
            .current_dir(self.home.path())
            .env("TMPDIR", self.home.path());
        command
    }

    fn json(&self, words: &[&str]) -> Value {
        let mut command = self.command(words);
        let output = command.args(["--headless", "--json"]).output();
        let output = output.expect("it starts");
        serde_json::from_slice(&output.stdout).expect("a document")
    }

    /// Lengthens the journal by reads while the run waits: a transaction and its read, again and again.
    fn reads_until(&self, lines: u64) {
        let directory = self.directory();
        let storage = DiskStorage::open(&directory, Permissions::private()).expect("a directory");
        let reader = JournalReader::new(Arc::new(storage) as Arc<dyn Storage>, Path::new(""));
        let entries = reader.entries::<Event>().expect("it verifies");
        let proof = entries.iter().rev().find_map(|entry| match &entry.event {
            Event::TransactionClosed(closed) => Some((closed.id, closed.proof.clone())),
            _ => None,
        });
        let (mut id, proof) = proof.expect("a transaction");
        let last = entries.last().expect("lines");
        let (mut seq, mut prev, at) = (last.seq, last.sha256.clone(), last.at);
        let file = OpenOptions::new()
            .append(true)
            .open(directory.join("journal.jsonl"));
        let mut out = BufWriter::new(file.expect("a journal"));
        while seq + OTHER_LINES < lines {
            id += 1;
            for event in read(id, at, &proof) {
                seq += 1;
                let line = encode_line(seq, at, &prev, &event).expect("a line");
                out.write_all(&line).expect("written");
                out.write_all(b"\n").expect("written");
                prev = Digest::of(line);
            }
        }
        out.flush().expect("written");
        let head = format!("{{\"seq\":{seq},\"sha256\":\"{prev}\"}}\n");
        fs::write(directory.join("HEAD"), head).expect("written");
    }
}

/// The records of one read that found nothing changed.
fn read(id: u64, at: UtcTime, like: &TransactionProof) -> [Event; 3] {
    let nonce = format!("{:.32}", Digest::of(id.to_string()));
    let virtual_xid = format!("5/{id}");
    let proof = TransactionProof {
        nonce_at_end: nonce.clone(),
        virtual_xid_at_end: virtual_xid.clone(),
        nonce: nonce.clone(),
        virtual_xid,
        ..like.clone()
    };
    [
        Event::TransactionOpened(TransactionOpened {
            id,
            purpose: Purpose::LiveRead,
            nonce,
        }),
        Event::TransactionClosed(TransactionClosed {
            id,
            proof: Arc::new(proof),
        }),
        Event::LiveRead(LiveRead {
            read_at: at,
            changed: Vec::new(),
            complete: false,
            failed: None,
        }),
    ]
}

fn text(document: &Value, member: &str) -> String {
    let text = document[member].as_str();
    text.unwrap_or_else(|| panic!("{member} of {document}"))
        .to_owned()
}
