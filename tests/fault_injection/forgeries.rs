//! Forged runs: one record of a sealed run is changed, removed, doubled, swapped or put in, and everything that chains is made anew. Invariant: `verify` finds
//! it, but for what `FREE` lists; against the head that was kept it finds all of them.
//!
//! The forger knows the format: events are written by the product's own encoder, chain, HEAD and manifest fit. `DRYGATE_FORGERIES` sets how many are made,
//! `DRYGATE_FORGERY_SEED` which; the counts are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use drygate::journal::{JournalEntry, Storage, encode_line};
use drygate::run::{ApprovalGate, Event, JournalHead, KeptHead, RunResult};
use drygate::runner::target::TargetError;
use drygate::survey::{Digest, UtcTime};
use drygate::testing::SimulatedDisk;
use drygate::verify::{Verified, verify};
use serde_json::Value;

use super::world::World;

/// A sealed run, as its files and its records.
struct Sealed {
    name: String,
    disk: SimulatedDisk,
    run: PathBuf,
    records: Vec<Record>,
    head: JournalHead,
    honest: Verified,
}

/// A record that can be changed: time and event as JSON.
#[derive(Debug, Clone)]
struct Record {
    at: UtcTime,
    event: String,
    fields: Value,
}

impl Sealed {
    fn of(name: &str, world: &World, disk: &SimulatedDisk) -> Self {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let honest = verify(&storage, &world.path(), None).expect("it can be looked at");
        assert_eq!(honest.findings, Vec::<String>::new(), "{name}");
        assert!(honest.sealed, "{name}");
        Self {
            name: name.to_owned(),
            disk: disk.clone(),
            run: world.path(),
            records: world.entries().iter().map(Record::of).collect(),
            head: honest.head.clone().expect("it has lines"),
            honest,
        }
    }

    /// What `verify` says of the run with these records, everything that chains made anew.
    fn forged(&self, records: &[Record], kept: Option<&KeptHead>) -> Verified {
        let (mut journal, mut prev) = (Vec::new(), Digest::zero());
        for (seq, record) in (0..).zip(records) {
            let line = record.line(seq, &prev);
            prev = Digest::of(&line);
            journal.extend_from_slice(&line);
            journal.push(b'\n');
        }
        let head = format!("{{\"seq\":{},\"sha256\":\"{prev}\"}}\n", records.len() - 1);
        self.write("journal.jsonl", &journal);
        self.write("HEAD", head.as_bytes());
        let manifest = self.read("manifest.sha256");
        let manifest = String::from_utf8(manifest).expect("text");
        let anew = |line: &str| match line.split_once("  ") {
            Some((_, name @ ("journal.jsonl" | "HEAD"))) => {
                format!("{}  {name}\n", Digest::of(self.read(name)))
            }
            _ => format!("{line}\n"),
        };
        let manifest: String = manifest.lines().map(anew).collect();
        self.write("manifest.sha256", manifest.as_bytes());
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        verify(&storage, &self.run, kept).expect("it can be looked at")
    }

    fn outcome(&self) -> RunResult {
        let last = &self.records.last().expect("sealed").fields;
        serde_json::from_value(last["outcome"].clone()).expect("a result")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let content = self.disk.read(&self.run.join(name)).expect("readable");
        content.expect("it is there")
    }

    fn write(&self, name: &str, content: &[u8]) {
        self.disk.tamper(&self.run.join(name), content);
    }
}

impl Record {
    fn of(entry: &JournalEntry<Event>) -> Self {
        let event = serde_json::to_value(&entry.event).expect("plain data");
        let (name, fields) = event
            .as_object()
            .expect("a name and fields")
            .iter()
            .next()
            .expect("one");
        Self {
            at: entry.at,
            event: name.clone(),
            fields: fields.clone(),
        }
    }

    /// The line as the product writes it; of what is no event of it, as JSON has it.
    fn line(&self, seq: u64, prev: &Digest) -> Vec<u8> {
        let event = Value::Object(
            [(self.event.clone(), self.fields.clone())]
                .into_iter()
                .collect(),
        );
        let event = serde_json::from_value::<Event>(event.clone()).map_err(|_| event);
        let line = match &event {
            Ok(event) => encode_line(seq, self.at, prev, event),
            Err(other) => encode_line(seq, self.at, prev, other),
        };
        line.expect("it can be written")
    }
}

/// What a forger does to the records.
#[derive(Debug, Clone)]
struct Forgery {
    /// The kind of event, and its field: what the pair of the issue names.
    pair: (String, String),
    /// How it was done, in words.
    how: String,
    records: Vec<Record>,
}

/// A source of numbers that gives the same ones again for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        usize::try_from(z % end as u64).expect("below an end")
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// A place in a run that can be changed.
#[derive(Debug, Clone)]
struct Place {
    run: usize,
    record: usize,
    /// JSON pointer to a value of the event; empty: the record itself.
    pointer: String,
    act: Act,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Change,
    /// A member of a list or an object is taken out.
    Cut,
    /// A member that no version has is put into an object.
    Add,
    Time,
    Remove,
    Double,
    Swap,
    /// A record of the same kind of another run, or of another place, stands there.
    Foreign,
}

/// All places of all runs, by pair.
fn places(runs: &[Sealed]) -> BTreeMap<(String, String), Vec<Place>> {
    let mut places: BTreeMap<(String, String), Vec<Place>> = BTreeMap::new();
    for (run, sealed) in runs.iter().enumerate() {
        for (record, it) in sealed.records.iter().enumerate() {
            let mut put = |field: String, pointer: String, act: Act| {
                let place = Place {
                    run,
                    record,
                    pointer,
                    act,
                };
                let pair = (it.event.clone(), field);
                places.entry(pair).or_default().push(place);
            };
            for (word, act) in [
                ("at", Act::Time),
                ("removed", Act::Remove),
                ("doubled", Act::Double),
                ("swapped", Act::Swap),
                ("foreign", Act::Foreign),
            ] {
                put(format!("({word})"), String::new(), act);
            }
            walk(&it.fields, "", "", &mut put);
        }
    }
    places
}

fn walk(value: &Value, pointer: &str, field: &str, put: &mut dyn FnMut(String, String, Act)) {
    let named = |field: &str, name: &str| {
        if field.is_empty() {
            name.to_owned()
        } else {
            format!("{field}.{name}")
        }
    };
    match value {
        Value::Object(members) => {
            put(named(field, "(more)"), pointer.to_owned(), Act::Add);
            for (name, member) in members {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let below = format!("{pointer}/{escaped}");
                put(
                    format!("{} (cut)", named(field, name)),
                    below.clone(),
                    Act::Cut,
                );
                walk(member, &below, &named(field, name), put);
            }
        }
        Value::Array(members) => {
            for (nth, member) in members.iter().enumerate() {
                let below = format!("{pointer}/{nth}");
                put(format!("{field}[] (cut)"), below.clone(), Act::Cut);
                walk(member, &below, &format!("{field}[]"), put);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            put(field.to_owned(), pointer.to_owned(), Act::Change);
        }
    }
}

/// The forgery at a place; `None`: it would change nothing.
fn forge(
    runs: &[Sealed],
    pair: &(String, String),
    place: &Place,
    chance: &mut Chance,
) -> Option<Forgery> {
    let honest = &runs[place.run].records;
    let mut records = honest.clone();
    let at = place.record;
    let mut how = format!(
        "{}, record {at}{}: {:?}",
        runs[place.run].name, place.pointer, place.act
    );
    match place.act {
        Act::Remove => drop(records.remove(at)),
        Act::Double => records.insert(at, honest[at].clone()),
        Act::Swap => {
            let other = if at + 1 < records.len() {
                at + 1
            } else {
                at - 1
            };
            let (one, two) = (records[at].at, records[other].at);
            records.swap(at, other);
            // Times still rise.
            (records[at].at, records[other].at) = (one, two);
        }
        Act::Foreign => {
            let same = |record: &&Record| record.event == pair.0;
            let others: Vec<&Record> = runs
                .iter()
                .flat_map(|run| &run.records)
                .filter(same)
                .collect();
            records[at].fields = chance.of(&others).fields.clone();
        }
        Act::Time => {
            let shift = *chance.of(&[-3_600_000_000, -1_000, 1_000, 3_600_000_000]);
            records[at].at = UtcTime::from_unix_micros(honest[at].at.unix_micros() + shift);
            how = format!("{how} by {shift} us");
        }
        Act::Change => {
            let value = records[at].fields.pointer(&place.pointer)?.clone();
            let others = same_field(runs, &pair.0, &place.pointer);
            let fits = |other: &Value| {
                let mut fields = honest[at].fields.clone();
                *fields.pointer_mut(&place.pointer)? = other.clone();
                let event = Value::Object([(pair.0.clone(), fields)].into_iter().collect());
                serde_json::from_value::<Event>(event).ok()
            };
            let mut candidates = changed(&value, &others, chance);
            candidates.retain(|other| *other != value);
            let other = candidates
                .iter()
                .find(|other| fits(other).is_some())
                .or(candidates.first())?;
            how = format!("{how} {value} -> {other}");
            *records[at].fields.pointer_mut(&place.pointer)? = other.clone();
        }
        Act::Cut => {
            let (above, name) = place.pointer.rsplit_once('/')?;
            match records[at].fields.pointer_mut(above)? {
                Value::Object(members) => {
                    let name = name.replace("~1", "/").replace("~0", "~");
                    members.remove(&name)?;
                }
                Value::Array(members) => drop(members.remove(name.parse().ok()?)),
                _ => return None,
            }
        }
        Act::Add => {
            let members = records[at]
                .fields
                .pointer_mut(&place.pointer)?
                .as_object_mut()?;
            members.insert("more".to_owned(), Value::from(1));
        }
    }
    Some(Forgery {
        pair: pair.clone(),
        how,
        records,
    })
}

/// Values that stand in the same field of other records.
fn same_field(runs: &[Sealed], event: &str, pointer: &str) -> Vec<Value> {
    let records = runs.iter().flat_map(|run| &run.records);
    let same = records.filter(|record| record.event == event);
    same.filter_map(|record| record.fields.pointer(pointer).cloned())
        .collect()
}

/// Values that a forger would put there: those of the same field elsewhere, and what differs a little.
fn changed(value: &Value, others: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut values = Vec::new();
    match value {
        Value::Null => values.extend([Value::from("more"), Value::from(7), Value::from(true)]),
        Value::Bool(is) => values.push(Value::from(!is)),
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(7);
            values.extend([Value::from(number + 1), Value::from(number - 1)]);
            let first = chance.below(2);
            values.swap(0, first);
        }
        Value::String(text) => {
            if let Ok(time) = text.parse::<UtcTime>() {
                values.push(Value::from(time.plus_seconds(3_600).to_string()));
            } else if text.len() == 64 && text.parse::<Digest>().is_ok() {
                values.push(Value::from(Digest::of(text).to_string()));
            } else if let Ok(number) = text.parse::<i64>() {
                values.push(Value::from((number + 1).to_string()));
            } else {
                values.push(Value::from(format!("{text}x")));
            }
        }
        Value::Array(_) | Value::Object(_) => {}
    }
    if !others.is_empty() && (chance.below(2) == 0 || !matches!(value, Value::Number(_))) {
        values.insert(0, chance.of(others).clone());
    }
    values
}

/// Findings that are not of files which a forger who has the program renders again.
fn in_the_journal(verified: &Verified) -> bool {
    let rendered = |finding: &String| {
        ["kb/", "sidecar.json", "context.json"]
            .iter()
            .any(|file| finding.starts_with(file))
    };
    !verified.findings.iter().all(rendered)
}

/// Runs of every result: with drift, refusals and resumes, with hooks, with a check that the profile excludes.
fn runs() -> Vec<Sealed> {
    let mut runs = Vec::new();
    let mut keep = |name: &str, tell: &dyn Fn(&mut World, &SimulatedDisk)| {
        let disk = SimulatedDisk::new();
        let mut world = World::new(Arc::new(disk.clone()));
        tell(&mut world, &disk);
        runs.push(Sealed::of(name, &world, &disk));
    };
    keep("pass", &|world, _| {
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
    });
    keep("drifted", &|world, _| {
        world.tables = HOOKED;
        let outcome = world.begin().expect("it waits at SG1");
        let wrong = world.rejection(ApprovalGate::SG2);
        assert_eq!(world.take_up(Some(wrong)).expect("refused").exit_code, 6);
        world.spoiled.unit_state = Some("enacted");
        let drifted = world.take_up(Some(world.approval(&outcome.run)));
        assert_eq!(drifted.expect("it drifts").exit_code, 4);
        world.spoiled.unit_state = None;
        world.go_on().expect("it is sealed");
    });
    keep("changed by others", &|world, disk| {
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
        cut_back(world, disk);
        world.spoiled.fact = Some(("icx_draft", "59"));
        world.go_on().expect("it is sealed");
    });
    keep("rejected", &|world, _| {
        let outcome = world.begin().expect("it waits at SG1");
        let outcome = world.take_up(Some(world.approval(&outcome.run)));
        assert_eq!(outcome.expect("it waits at SG2").exit_code, 3);
        let rejection = world.rejection(ApprovalGate::SG2);
        assert_eq!(
            world.take_up(Some(rejection)).expect("rejected").exit_code,
            5
        );
    });
    keep("fail", &|world, _| {
        let unfit = "the session is not the expected role".to_owned();
        world.spoiled.error = Some(TargetError::Unfit(unfit));
        assert_eq!(world.begin().expect("it fails").exit_code, 9);
    });
    keep("stained", &|world, _| {
        world.spoiled.stained = true;
        assert_eq!(world.begin().expect("it fails").exit_code, 10);
    });
    keep("incomplete", &|world, _| {
        world.tables = EXCLUDED;
        world.repository.main = None;
        world.begin().expect("it waits at SG1");
        world.go_on().expect("it is sealed");
    });
    runs
}

const HOOKED: &str = "\n[hooks]\non_wait = [\"true\"]\non_stop = [\"true\"]\n";
const EXCLUDED: &str =
    "\n[[out_of_scope]]\ncheck = \"work_tree_recorded\"\nreason = \"no work tree here\"\n";

/// Puts a sealed run back to where its last step had been simulated, as a crash would have left it.
fn cut_back(world: &World, disk: &SimulatedDisk) {
    let run = world.path();
    let text = disk.read(&run.join("journal.jsonl")).expect("readable");
    let text = String::from_utf8(text.expect("a journal")).expect("text");
    let at = text
        .lines()
        .position(|line| line.contains("\"to\":\"enact_simulated\""));
    let at = at.expect("it came so far");
    let kept: Vec<&str> = text.lines().take(at + 1).collect();
    let head = format!("{{\"seq\":{at},\"sha256\":\"{}\"}}\n", Digest::of(kept[at]));
    disk.tamper(
        &run.join("journal.jsonl"),
        (kept.join("\n") + "\n").as_bytes(),
    );
    disk.tamper(&run.join("HEAD"), head.as_bytes());
    disk.remove(&run.join("manifest.sha256"))
        .expect("it was sealed");
    for report in disk.list(&run.join("kb")).expect("reports") {
        disk.remove(&run.join("kb").join(report.name))
            .expect("a report");
    }
}

#[test]
fn forgeries_of_sealed_runs_are_found() {
    let runs = runs();
    let results = |result: RunResult| match result {
        RunResult::Pass => "PASS",
        RunResult::ChangedByOthers => "CHANGED_BY_OTHERS",
        RunResult::Rejected => "REJECTED",
        RunResult::Fail => "FAIL",
        RunResult::MutationSuspected => "MUTATION_SUSPECTED",
        RunResult::Incomplete => "INCOMPLETE",
    };
    let came: BTreeSet<&str> = runs.iter().map(|run| results(run.outcome())).collect();
    assert_eq!(came.len(), 6, "{came:?}");
    let number = |name: &str, default: u64| {
        let set = std::env::var(name).ok();
        set.map_or(default, |text| text.parse().expect("a number"))
    };
    let (count, seed) = (
        number("DRYGATE_FORGERIES", 200),
        number("DRYGATE_FORGERY_SEED", 7),
    );
    let places = places(&runs);
    let pairs: Vec<&(String, String)> = places.keys().collect();
    let mut chance = Chance(seed);
    let (mut made, mut said, mut by_reports) = (0, 0, BTreeMap::<_, usize>::new());
    let mut accepted: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    while made < count {
        let pair = *chance.of(&pairs);
        let place = chance.of(&places[pair]);
        let Some(forgery) = forge(&runs, pair, place, &mut chance) else {
            continue;
        };
        let run = &runs[place.run];
        let kept = KeptHead {
            seq: Some(run.head.seq),
            sha256: run.head.sha256.clone(),
        };
        let verified = run.forged(&forgery.records, Some(&kept));
        if verified.kept_head.is_some() {
            // The forgery changed no byte.
            continue;
        }
        made += 1;
        assert!(
            !verified.findings.is_empty(),
            "against the kept head: {}",
            forgery.how
        );
        let verified = run.forged(&forgery.records, None);
        if in_the_journal(&verified) {
            continue;
        }
        if !verified.findings.is_empty() {
            *by_reports.entry(forgery.pair).or_default() += 1;
        } else if (&verified.not_checked, &verified.beside)
            == (&run.honest.not_checked, &run.honest.beside)
        {
            accepted.entry(forgery.pair).or_default().push(forgery.how);
        } else {
            said += 1;
        }
    }
    let all: usize = accepted.values().map(Vec::len).sum();
    println!(
        "{made} forgeries over {} pairs: {all} accepted, {said} NOT CHECKED",
        pairs.len()
    );
    for (pair, times) in &by_reports {
        println!("by reports alone {} {}: {times}", pair.0, pair.1);
    }
    for (pair, how) in &accepted {
        println!("accepted {} {}: {}, {}", pair.0, pair.1, how.len(), how[0]);
    }
}
