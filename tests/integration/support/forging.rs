//! What somebody does who rewrites a journal. Invariant: what comes out chains, so that only what it says can give it away.

use std::fs;
use std::path::Path;

use drygate::survey::Digest;
use serde_json::Value;

use super::server::text;

/// The lines with numbers and chain recomputed, and their HEAD.
pub fn chained(lines: &[String]) -> (Vec<String>, String) {
    let mut previous = "0".repeat(64);
    let mut forged = Vec::new();
    for (seq, line) in lines.iter().enumerate() {
        let record: Value = serde_json::from_str(line).expect("an object");
        let number = format!("\"seq\":{}", record["seq"]);
        let line = line.replacen(&number, &format!("\"seq\":{seq}"), 1);
        let line = line.replacen(text(&record["prev"]), &previous, 1);
        previous = Digest::of(&line).to_string();
        forged.push(line);
    }
    let last = forged.len() - 1;
    let head = format!("{{\"seq\":{last},\"sha256\":\"{previous}\"}}\n");
    (forged, head)
}

/// Rewrites every line of the journal of a run that is not sealed.
pub fn rewrite(run: &Path, edit: impl Fn(&str) -> String) {
    let journal = run.join("journal.jsonl");
    let lines = fs::read_to_string(&journal).expect("a journal");
    let lines: Vec<String> = lines.lines().map(edit).collect();
    let (lines, head) = chained(&lines);
    fs::write(journal, lines.join("\n") + "\n").expect("our own file");
    fs::write(run.join("HEAD"), head).expect("our own file");
}
