//! A forger who knows the format. Invariant: events are written by the product's own encoder, and whatever names bytes by their digest (chain, HEAD, manifest,
//! sheets, context pins, facts, blobs) is made anew everywhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drygate::journal::{JournalEntry, Storage, encode_line};
use drygate::run::{
    ContextPins, Event, EvidenceSheet, JournalHead, KeptHead, RehearsalOutcome, RunResult,
};
use drygate::survey::{Digest, Survey, UtcTime, facts_digest};
use drygate::testing::{Random, SimulatedDisk};
use drygate::verify::{Verified, verify};
use serde::Deserialize as _;
use serde_json::Value;

use super::world::World;

/// A sealed run, as its files and its records.
pub struct Sealed {
    pub name: String,
    disk: SimulatedDisk,
    run: PathBuf,
    pub records: Vec<Record>,
    pub head: JournalHead,
    pub honest: Verified,
    /// The blobs, by digest.
    blobs: BTreeMap<Digest, Vec<u8>>,
}

/// A record that can be changed: time and event as JSON.
#[derive(Debug, Clone)]
pub struct Record {
    pub at: UtcTime,
    pub event: String,
    pub fields: Value,
}

impl Sealed {
    pub fn of(name: &str, world: &World, disk: &SimulatedDisk) -> Self {
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
            blobs: blobs(disk, &world.path()),
        }
    }

    /// What `verify` says of this forgery, and whether a byte of the journal is another one.
    pub fn forged(&self, forgery: &Forgery) -> (Verified, bool) {
        let (mut journal, mut prev) = (Vec::new(), Digest::zero());
        for (seq, record) in (0..).zip(&forgery.records) {
            let line = record.line(seq, &prev);
            prev = Digest::of(&line);
            journal.extend_from_slice(&line);
            journal.push(b'\n');
        }
        let head = format!(
            "{{\"seq\":{},\"sha256\":\"{prev}\"}}\n",
            forgery.records.len() - 1
        );
        let changed = prev != self.head.sha256;
        self.write("journal.jsonl", &journal);
        self.write("HEAD", head.as_bytes());
        let gone = self
            .blobs
            .keys()
            .filter(|is| !forgery.blobs.contains_key(*is));
        let come = forgery
            .blobs
            .iter()
            .filter(|(is, _)| !self.blobs.contains_key(*is));
        let (gone, come): (Vec<_>, Vec<_>) = (gone.collect(), come.collect());
        let path = |is: &Digest| self.run.join("blobs").join(is.as_str());
        for is in &gone {
            self.disk.remove(&path(is)).expect("it is there");
        }
        for (is, bytes) in &come {
            self.put(&path(is), bytes);
        }
        let honest = self.read("manifest.sha256");
        let manifest = String::from_utf8(honest.clone()).expect("text");
        let kept = |line: &&str| {
            let name = line.split_once("  ").map(|(_, name)| name);
            let blob = name.and_then(|name| name.strip_prefix("blobs/"));
            blob.is_none_or(|blob| !gone.iter().any(|gone| gone.as_str() == blob))
        };
        let anew = |line: &str| match line.split_once("  ") {
            Some((_, name @ ("journal.jsonl" | "HEAD"))) => {
                format!("{}  {name}\n", Digest::of(self.read(name)))
            }
            _ => format!("{line}\n"),
        };
        let mut lines: Vec<String> = manifest.lines().filter(kept).map(anew).collect();
        lines.extend(come.iter().map(|(is, _)| format!("{is}  blobs/{is}\n")));
        lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
        self.write("manifest.sha256", lines.concat().as_bytes());
        let kept = KeptHead {
            seq: Some(self.head.seq),
            sha256: self.head.sha256.clone(),
        };
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let verified = verify(&storage, &self.run, Some(&kept)).expect("it can be looked at");
        for (is, _) in &come {
            self.disk.remove(&path(is)).expect("it is there");
        }
        for is in &gone {
            self.put(&path(is), &self.blobs[*is]);
        }
        self.write("manifest.sha256", &honest);
        (verified, changed)
    }

    /// The bytes of the change's one file.
    pub fn script(&self) -> &[u8] {
        &self.blobs[&self.script_sha256()]
    }

    fn script_sha256(&self) -> Digest {
        let mut records = self.records.iter();
        let read = records.find(|record| record.event == "change_read");
        let read = read.expect("the run has a change");
        let sha256 = read.fields["files"][0]["sha256"].as_str();
        sha256.and_then(|it| it.parse().ok()).expect("a digest")
    }

    /// The run with another text of the change's one file, named so wherever the file is.
    pub fn with_script(&self, text: &[u8]) -> Forgery {
        let (old, new) = (self.script_sha256(), Digest::of(text));
        let (mut records, mut blobs) = (self.records.clone(), self.blobs.clone());
        blobs.remove(&old);
        everywhere(&mut records, old.as_str(), new.as_str());
        blobs.insert(new, text.to_vec());
        heal(&mut records, &mut blobs);
        Forgery {
            pair: ("change_read".to_owned(), "files[].sha256 (blob)".to_owned()),
            how: format!("{:?}", String::from_utf8_lossy(text)),
            records,
            blobs,
        }
    }

    pub fn outcome(&self) -> RunResult {
        let last = &self.records.last().expect("sealed").fields;
        serde_json::from_value(last["outcome"].clone()).expect("a result")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let content = self.disk.read(&self.run.join(name)).expect("readable");
        content.expect("it is there")
    }

    fn put(&self, path: &Path, content: &[u8]) {
        let mut file = self.disk.create(path).expect("a new file");
        file.write(content).expect("room");
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
        let read = Event::deserialize(&event);
        // What no version writes is written as it stands.
        let same = |read: &Event| serde_json::to_value(read).is_ok_and(|again| again == event);
        let event = read.ok().filter(same).ok_or(event);
        let line = match &event {
            Ok(event) => encode_line(seq, self.at, prev, event),
            Err(other) => encode_line(seq, self.at, prev, other),
        };
        line.expect("it can be written")
    }
}

/// What a forger does to the records.
#[derive(Debug, Clone)]
pub struct Forgery {
    /// The kind of event, and its field: what the pair of the issue names.
    pub pair: (String, String),
    /// How it was done, in words.
    pub how: String,
    records: Vec<Record>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

/// A place in a run that can be changed.
#[derive(Debug, Clone)]
pub struct Place {
    pub run: usize,
    record: usize,
    of: Of,
    /// JSON pointer to a value of the event; empty: the record itself.
    pointer: String,
    act: Act,
}

/// What the pointer of a place points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Record,
    /// The lines of the ledger of rows that the record names, as one list.
    Ledger,
    /// The whole effect that the record names; the record has the same without rows.
    Effect,
}

impl Of {
    /// The kind of event that a pair has instead of the record's.
    fn named(self, event: &str) -> &str {
        match self {
            Self::Record => event,
            Self::Ledger => "(row ledger)",
            Self::Effect => "(whole effect)",
        }
    }

    /// The value that is forged, and the blob that has it.
    fn target(
        self,
        record: &Record,
        blobs: &BTreeMap<Digest, Vec<u8>>,
    ) -> Option<(Value, Option<Digest>)> {
        let blob = |field: &str| {
            let name: Digest = record.fields[field].as_str()?.parse().ok()?;
            let text = String::from_utf8(blobs.get(&name)?.clone()).ok()?;
            Some((text, Some(name)))
        };
        match self {
            Self::Record => Some((record.fields.clone(), None)),
            Self::Ledger => {
                let (text, name) = blob("ledger")?;
                let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
                Some((Value::from(lines.ok()?), name))
            }
            Self::Effect => {
                let (text, name) = blob("blob")?;
                Some((serde_json::from_str(&text).ok()?, name))
            }
        }
    }

    /// Puts the forged value there; `None`: it is none that the product reads.
    fn put(
        self,
        forged: Value,
        old: Option<&Digest>,
        at: usize,
        records: &mut [Record],
        blobs: &mut BTreeMap<Digest, Vec<u8>>,
    ) -> Option<()> {
        let bytes = match self {
            Self::Record => {
                records[at].fields = forged;
                return Some(());
            }
            Self::Ledger => {
                let lines = forged.as_array()?.iter().map(|line| format!("{line}\n"));
                lines.collect::<String>().into_bytes()
            }
            Self::Effect => {
                let whole: RehearsalOutcome = serde_json::from_value(forged).ok()?;
                records[at].fields["outcome"] = serde_json::to_value(whole.without_rows()).ok()?;
                serde_json::to_vec(&whole).ok()?
            }
        };
        let (old, new) = (old?, Digest::of(&bytes));
        blobs.remove(old);
        everywhere(records, old.as_str(), new.as_str());
        blobs.insert(new, bytes);
        Some(())
    }
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
    /// A record of another run is put in before it.
    Insert,
    /// The bytes of the blob that the field names are others.
    Blob,
}

impl Place {
    /// Whether it is in the check of the rendered reports, which is made again from the journal before it.
    pub fn is_of_reports(&self, runs: &[Sealed]) -> bool {
        runs[self.run].records[self.record].fields["check"]["name"] == "reports_render"
    }
}

/// The record that one is swapped with: the next, of the last the one before.
fn neighbour(sealed: &Sealed, record: usize) -> usize {
    if record + 1 < sealed.records.len() {
        record + 1
    } else {
        record - 1
    }
}

/// All places of all runs, by pair.
pub fn places(runs: &[Sealed]) -> BTreeMap<(String, String), Vec<Place>> {
    let mut places: BTreeMap<(String, String), Vec<Place>> = BTreeMap::new();
    for (run, sealed) in runs.iter().enumerate() {
        for (record, it) in sealed.records.iter().enumerate() {
            let mut put_of = |of: Of, field: String, pointer: String, act: Act| {
                let place = Place {
                    run,
                    record,
                    of,
                    pointer,
                    act,
                };
                let pair = (of.named(&it.event).to_owned(), field);
                places.entry(pair).or_default().push(place);
            };
            for of in [Of::Ledger, Of::Effect] {
                if it.event == "change_rehearsed"
                    && let Some((value, _)) = of.target(it, &sealed.blobs)
                {
                    walk(&value, "", "", &mut |field, pointer, act| {
                        put_of(of, field, pointer, act);
                    });
                }
            }
            let mut put = |field, pointer, act| put_of(Of::Record, field, pointer, act);
            let swapped = format!(
                "swapped with {}",
                sealed.records[neighbour(sealed, record)].event
            );
            for (word, act) in [
                ("at", Act::Time),
                ("removed", Act::Remove),
                ("doubled", Act::Double),
                (&swapped, Act::Swap),
                ("foreign", Act::Foreign),
                ("inserted", Act::Insert),
            ] {
                put(format!("({word})"), String::new(), act);
            }
            let mut names = |field: String, pointer: String, act: Act| {
                let value = it.fields.pointer(&pointer).and_then(Value::as_str);
                let blob = value.and_then(|value| value.parse::<Digest>().ok());
                let is_blob = blob.is_some_and(|blob| sealed.blobs.contains_key(&blob));
                // A ledger of rows is forged line by line.
                if act == Act::Change && is_blob && field != "ledger" {
                    put(format!("{field} (blob)"), pointer.clone(), Act::Blob);
                }
                put(field, pointer, act);
            };
            walk(&it.fields, "", "", &mut names);
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
pub fn forge(
    runs: &[Sealed],
    pair: &(String, String),
    place: &Place,
    chance: &mut Random,
) -> Option<Forgery> {
    let honest = &runs[place.run].records;
    let mut records = honest.clone();
    let mut blobs = runs[place.run].blobs.clone();
    let at = place.record;
    let mut how = format!(
        "{}, record {at}{}: {:?}",
        runs[place.run].name, place.pointer, place.act
    );
    match place.act {
        Act::Remove => drop(records.remove(at)),
        Act::Double => records.insert(at, honest[at].clone()),
        Act::Swap => {
            let other = neighbour(&runs[place.run], at);
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
        Act::Insert => {
            let from = chance.of(runs);
            records.insert(
                at,
                Record {
                    at: honest[at].at,
                    ..chance.of(&from.records).clone()
                },
            );
        }
        Act::Blob => {
            let named = records[at].fields.pointer(&place.pointer)?.as_str()?;
            let old: Digest = named.parse().ok()?;
            let mut bytes = blobs.remove(&old)?;
            match chance.below(3) {
                0 => bytes.extend(b"x\n"),
                1 => drop(bytes.pop()),
                _ => {
                    let middle = bytes.len() / 2;
                    *bytes.get_mut(middle)? ^= 1;
                }
            }
            let new = Digest::of(&bytes);
            everywhere(&mut records, old.as_str(), new.as_str());
            blobs.insert(new, bytes);
        }
        Act::Time => {
            let shift = *chance.of(&[-3_600_000_000, -1_000, 1_000, 3_600_000_000]);
            records[at].at = UtcTime::from_unix_micros(honest[at].at.unix_micros() + shift);
            how = format!("{how} by {shift} us");
        }
        Act::Change | Act::Cut | Act::Add => {
            let (mut forged, blob) = place.of.target(&honest[at], &blobs)?;
            how.push_str(&in_value(runs, (pair, place), &mut forged, chance)?);
            place
                .of
                .put(forged, blob.as_ref(), at, &mut records, &mut blobs)?;
        }
    }
    if chance.below(2) == 0 {
        heal(&mut records, &mut blobs);
        how.push_str(", digests made anew");
    }
    Some(Forgery {
        pair: pair.clone(),
        how,
        records,
        blobs,
    })
}

/// Changes, cuts or adds one value; what was done, in words.
fn in_value(
    runs: &[Sealed],
    (pair, place): (&(String, String), &Place),
    forged: &mut Value,
    chance: &mut Random,
) -> Option<String> {
    match place.act {
        Act::Change => {
            let value = forged.pointer(&place.pointer)?.clone();
            let others = match place.of {
                Of::Record => same_field(runs, &pair.0, &place.pointer),
                Of::Ledger | Of::Effect => Vec::new(),
            };
            let fits = |other: &Value| {
                let mut fields = forged.clone();
                *fields.pointer_mut(&place.pointer)? = other.clone();
                let event = Value::Object([(pair.0.clone(), fields)].into_iter().collect());
                serde_json::from_value::<Event>(event).ok()
            };
            let mut candidates = changed(&value, &others, chance);
            candidates.retain(|other| *other != value);
            let other = candidates
                .iter()
                .find(|other| fits(other).is_some())
                .or(candidates.first())?
                .clone();
            let how = format!(" {value} -> {other}");
            *forged.pointer_mut(&place.pointer)? = other;
            return Some(how);
        }
        // A member that is null and one that is absent are read alike.
        Act::Cut if forged.pointer(&place.pointer)?.is_null() => return None,
        Act::Cut => {
            let (above, name) = place.pointer.rsplit_once('/')?;
            match forged.pointer_mut(above)? {
                Value::Object(members) => {
                    let name = name.replace("~1", "/").replace("~0", "~");
                    members.remove(&name)?;
                }
                Value::Array(members) => drop(members.remove(name.parse().ok()?)),
                _ => return None,
            }
        }
        _ => {
            let members = forged.pointer_mut(&place.pointer)?.as_object_mut()?;
            members.insert("more".to_owned(), Value::from(1));
        }
    }
    Some(String::new())
}

/// Puts a text in the place of another, in every value of every record.
fn everywhere(records: &mut [Record], old: &str, new: &str) {
    fn replace(value: &mut Value, old: &str, new: &str) {
        match value {
            Value::String(text) if text.contains(old) => *text = text.replace(old, new),
            Value::Array(members) => members.iter_mut().for_each(|it| replace(it, old, new)),
            Value::Object(members) => members.values_mut().for_each(|it| replace(it, old, new)),
            _ => {}
        }
    }
    for record in records {
        replace(&mut record.fields, old, new);
    }
}

/// Makes every digest anew that is one of values in the journal: of facts, context pins and sheets, with what names them.
fn heal(records: &mut [Record], blobs: &mut BTreeMap<Digest, Vec<u8>>) {
    // A sheet names the context, which names the facts.
    for nth in 0..records.len() {
        let record = &records[nth];
        let found: Option<(Digest, Digest, Option<Vec<u8>>)> = match record.event.as_str() {
            "survey_taken" => {
                let survey = serde_json::from_value::<Survey>(record.fields["survey"].clone()).ok();
                survey.map(|s| (s.facts_digest.clone(), facts_digest(&s.facts), None))
            }
            "context_pinned" => {
                let pins = serde_json::from_value::<ContextPins>(record.fields["context"].clone());
                named(
                    &record.fields["blob"],
                    pins.ok().and_then(|pins| pins.bytes().ok()),
                )
            }
            "evidence_taken" => {
                let sheet = serde_json::from_value::<EvidenceSheet>(record.fields["sheet"].clone());
                named(
                    &record.fields["evidence"],
                    sheet.ok().and_then(|sheet| sheet.bytes().ok()),
                )
            }
            _ => None,
        };
        if let Some((old, new, bytes)) = found.filter(|(old, new, _)| old != new) {
            everywhere(records, old.as_str(), new.as_str());
            blobs.remove(&old);
            blobs.extend(bytes.map(|bytes| (new, bytes)));
        }
    }
}

/// The digest that a field names, that of the bytes, and these.
fn named(field: &Value, bytes: Option<Vec<u8>>) -> Option<(Digest, Digest, Option<Vec<u8>>)> {
    let bytes = bytes?;
    Some((
        field.as_str()?.parse().ok()?,
        Digest::of(&bytes),
        Some(bytes),
    ))
}

/// Values that stand in the same field of other records.
fn same_field(runs: &[Sealed], event: &str, pointer: &str) -> Vec<Value> {
    let records = runs.iter().flat_map(|run| &run.records);
    let same = records.filter(|record| record.event == event);
    same.filter_map(|record| record.fields.pointer(pointer).cloned())
        .collect()
}

/// Values that a forger would put there: those of the same field elsewhere, and what differs a little.
fn changed(value: &Value, others: &[Value], chance: &mut Random) -> Vec<Value> {
    let mut values = Vec::new();
    match value {
        Value::Null => values.extend([Value::from("more"), Value::from(7), Value::from(true)]),
        Value::Bool(is) => values.push(Value::from(!is)),
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(7);
            values.extend([Value::from(number + 1), Value::from(number - 1)]);
            let first = chance.index(2);
            values.swap(0, first);
        }
        Value::String(text) => {
            if let Ok(time) = text.parse::<UtcTime>() {
                values.push(Value::from(time.plus_seconds(3_600).to_string()));
            } else if text.len() == 64 && text.parse::<Digest>().is_ok() {
                values.push(Value::from(Digest::of(text).to_string()));
            } else if matches!(text.len(), 16 | 32) && text.bytes().all(|it| it.is_ascii_hexdigit())
            {
                // What is kept of a key or a value in a ledger of rows.
                values.push(Value::from(&Digest::of(text).as_str()[..text.len()]));
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

fn blobs(disk: &SimulatedDisk, run: &Path) -> BTreeMap<Digest, Vec<u8>> {
    let folder = run.join("blobs");
    let listed = disk.list(&folder).expect("it has blobs").into_iter();
    let read = |listed: drygate::journal::Listed| {
        let bytes = disk.read(&folder.join(&listed.name)).expect("readable");
        Some((listed.name.parse().ok()?, bytes?))
    };
    listed.filter_map(read).collect()
}
