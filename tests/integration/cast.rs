//! `drygate replay --cast` on a really rehearsed run. Invariant: the recording is played through a terminal emulator and compared with the replay itself, frame by frame.

use std::fs;
use std::num::NonZeroU16;
use std::path::Path;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::pty::{Exit, Launch};
use super::support::screen::{Screen, Style};
use super::support::server::{Workspace, text};

/// What a wait counts at most, in seconds.
const IDLE_MAX_S: f64 = 2.0;

/// A recording, read.
pub struct Cast {
    header: Value,
    events: Vec<(f64, String)>,
}

impl Cast {
    /// Reads a recording; nothing in it may drive a terminal before it is played.
    #[track_caller]
    pub fn read(bytes: &[u8]) -> Self {
        let inert = |byte: &u8| *byte == b'\n' || (*byte >= b' ' && *byte != 0x7f);
        assert!(
            bytes.iter().all(inert),
            "no control character is written raw"
        );
        let lines = str::from_utf8(bytes).expect("UTF-8").lines();
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let header = lines.next().expect("a header");
        let event = |event: Value| {
            assert_eq!(
                (event.as_array().map(Vec::len), &event[1]),
                (Some(3), &"o".into())
            );
            let at = event[0].as_f64().expect("seconds");
            (at, text(&event[2]).to_owned())
        };
        Self {
            header,
            events: lines.map(event).collect(),
        }
    }

    fn player(&self) -> vt100::Parser {
        let side = |key: &str| {
            let side = self.header[key]
                .as_u64()
                .and_then(|side| side.try_into().ok());
            side.and_then(NonZeroU16::new).expect("a side")
        };
        vt100::Parser::new(side("height"), side("width"), 0)
    }

    /// The screen at each record.
    pub fn frames(&self) -> Vec<Screen> {
        let mut player = self.player();
        let (_, records) = self.events.split_last().expect("an end");
        let show = |(_, written): &(f64, String)| {
            player.process(written.as_bytes());
            Screen::from_vt(player.screen())
        };
        records.iter().map(show).collect()
    }

    /// When each event comes, in microseconds.
    pub fn micros(&self) -> Vec<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "a few minutes")]
        let micros = |(seconds, _): &(f64, String)| (seconds * 1e6).round() as i64;
        self.events.iter().map(micros).collect()
    }

    /// The screen once everything was played.
    fn end(&self) -> Screen {
        let mut player = self.player();
        for (_, written) in &self.events {
            player.process(written.as_bytes());
        }
        let end = Screen::from_vt(player.screen());
        let screen = player.screen();
        assert!(!screen.hide_cursor(), "the cursor is given back");
        assert!(!screen.alternate_screen());
        player.process("☃".as_bytes());
        let next = Screen::from_vt(player.screen());
        assert_eq!(*next.style_of("☃"), Style::default(), "and plain letters");
        end
    }
}

/// The replay of a run as its own screen shows it.
fn replayed(workspace: &Workspace, run_id: &str, size: (u16, u16)) -> Screen {
    let data = workspace.data().display().to_string();
    let mut terminal = Launch::drygate(["replay", run_id, "--data-dir", &data])
        .env("CI", "")
        .size(size.0, size.1)
        .open();
    // The footer is drawn last.
    let end = terminal.wait_for("q back");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    end
}

fn file(workspace: &Workspace, name: &str) -> String {
    workspace.place().join(name).display().to_string()
}

fn cast(workspace: &Workspace, of: &str, name: &str, words: &[&str]) -> Vec<u8> {
    let path = file(workspace, name);
    let first = ["replay", of, "--cast", &path, "--color", "always"];
    workspace.drygate(&[&first, words].concat()).expect(0);
    fs::read(&path).expect("it was written")
}

#[test]
fn a_recording_shows_every_record_as_the_replay_does() {
    let workspace = Workspace::new(Scenario::Draft);
    let run = workspace.run_to_the_end().expect(0).json();
    let run_id = text(&run["run_id"]);
    let journal = workspace.journal(&run);
    let bytes = cast(&workspace, run_id, "run.cast", &[]);
    let recorded = Cast::read(&bytes);

    let header = &recorded.header;
    assert_eq!(
        (&header["version"], &header["idle_time_limit"]),
        (&2.into(), &2.into())
    );
    assert_eq!(
        (&header["width"], &header["height"]),
        (&160.into(), &48.into())
    );
    let title = format!("drygate replay {run_id} (waits over 2 s are cut to 2 s)");
    assert_eq!(header["title"], title);
    let second = journal[0]["at"].as_str().and_then(|at| at.parse().ok());
    let second = second.map(|at: drygate::survey::UtcTime| at.unix_micros() / 1_000_000);
    assert_eq!(header["timestamp"].as_i64(), second);

    assert_eq!(
        recorded.events.len(),
        journal.len() + 1,
        "each record, and the end"
    );
    let mut player = recorded.player();
    let mut last_at = 0.0;
    for (record, (at, written)) in journal.iter().zip(&recorded.events) {
        assert!(
            (0.0..=IDLE_MAX_S).contains(&(at - last_at)),
            "{last_at} {at}"
        );
        last_at = *at;
        player.process(written.as_bytes());
        let seq = record["seq"].to_string();
        let words = ["replay", run_id, "--at", &seq, "--json"];
        let told = workspace.drygate(&words).expect(0).json();
        let frame = told["replay"]["frame"].as_array().expect("lines");
        let frame: Vec<&str> = frame.iter().map(text).collect();
        let screen = Screen::from_vt(player.screen());
        let shown: Vec<String> = (0..48).map(|row| screen.row(row)).collect();
        assert_eq!(shown, frame, "record {seq}");
    }

    // The same once more, elsewhere and at once.
    assert!(cast(&workspace, run_id, "again.cast", &[]) == bytes);
    let archive = file(&workspace, "run.tar.gz");
    workspace
        .drygate(&["export", run_id, "--output", &archive])
        .expect(0);
    assert!(cast(&workspace, &archive, "archive.cast", &[]) == bytes);
    let printed = workspace.drygate(&["replay", run_id, "--cast", "-", "--color", "always"]);
    assert!(printed.expect(0).stdout.as_bytes() == bytes);

    for (size, words) in [
        ((160, 48), &[][..]),
        ((80, 24), &["--width", "80", "--height", "24"]),
    ] {
        let name = format!("{}.cast", size.0);
        let end = Cast::read(&cast(&workspace, run_id, &name, words)).end();
        let screen = replayed(&workspace, run_id, size);
        // A recording is for others: its next command names no program and directory of this machine.
        let told = |screen: &Screen| -> Vec<String> {
            let text = screen.to_string();
            let names = |line: &&str| line.contains("next: ") || line.contains("y copies");
            let lines = text.lines().filter(|line| !names(line));
            lines.map(str::to_owned).collect()
        };
        assert!(
            told(&end) == told(&screen),
            "{end}\n\nbut the replay:\n{screen}"
        );
    }
}

#[test]
fn a_recording_replaces_nothing_and_says_what_it_wrote() {
    let workspace = Workspace::new(Scenario::Draft);
    let run = workspace.run_to_sg2();
    let run_id = text(&run["run_id"]);
    let path = file(&workspace, "run.cast");
    let words = ["replay", run_id, "--cast", &path];
    let said = workspace.drygate(&words).expect(0);
    let bytes = fs::read(&path).expect("written");
    let sha256 = drygate::survey::Digest::of(&bytes);
    assert_eq!(said.stdout, format!("{sha256}  {path}\n"));
    assert!(said.stderr.contains("asciinema play"), "{}", said.stderr);
    let told = workspace.drygate(&[&words[..], &["--json"]].concat());
    let told = told.expect(0).json();
    assert_eq!(told["sha256"], sha256.as_str());
    assert_eq!(told["bytes"], bytes.len());
    assert_eq!(told["frames"], workspace.journal(&run).len());

    fs::write(&path, b"mine").expect("our own file");
    let refused = workspace.drygate(&words).expect(64);
    assert!(
        refused.stderr.contains("nothing is overwritten"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).expect("still there"), b"mine");
    let both = workspace.drygate(&["replay", run_id, "--cast", "-", "--json"]);
    assert!(both.expect(64).stderr.contains("name a file for the cast"));
    let nowhere = file(&workspace, "no/such/folder.cast");
    let failed = workspace.drygate(&["replay", run_id, "--cast", &nowhere]);
    let failed = failed.expect(74);
    assert!(failed.stderr.contains("STOP_STORAGE_FAILED"), "{failed:?}");
    assert!(!Path::new(&nowhere).exists());
}
