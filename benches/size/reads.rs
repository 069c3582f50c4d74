//! The reads of a run that waits for a very long time, as the program would have written them.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use drygate::journal::{DiskStorage, JournalReader, Permissions, Storage, encode_line};
use drygate::run::{Event, LiveRead, Purpose, TransactionClosed, TransactionOpened};
use drygate::survey::{Digest, TransactionProof, UtcTime};

/// Lines that a run has beside its reads, about.
const OTHER_LINES: u64 = 250;

/// Lengthens the journal by reads while the run waits: a transaction and its read, again and again.
pub fn until(directory: &Path, lines: u64) {
    let storage = DiskStorage::open(directory, Permissions::private()).expect("a directory");
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
