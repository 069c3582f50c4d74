//! The run screen as a terminal sees it, beside `btm` (bottom) in the same size. Invariant: both are started, typed at and ended in the same way, by turns.
//!
//! `cargo bench --bench screen -- 2` takes two pairs. Without `btm` (in `PATH`, `target/tools/bin` or `BTM=file`) its ratios are NOT CHECKED.
//! A frame is complete when the first and the last row of the screen have something in them. It fails where a bar is missed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use drygate::testing::{
    MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, median, peak_bytes, percentile,
};
use rustix::process::Signal;

#[path = "terminal/session.rs"]
mod session;

use session::{COLUMNS, ROWS, Session};

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
const SUPERUSER: &str = "postgres";
/// Of each figure the median over so many pairs is told.
const PAIRS: usize = 7;
/// Starts, keys and ends of one player in one pair.
const STARTS: usize = 3;
const KEYS: usize = 150;
/// What a person leaves between two keys.
const BETWEEN_KEYS: Duration = Duration::from_millis(40);
const WAITS: Duration = Duration::from_secs(10);

fn row(screen: &vt100::Screen, row: u16) -> String {
    let mut rows = screen.rows(0, COLUMNS);
    rows.nth(row.into()).unwrap_or_default()
}

fn is_complete(screen: &vt100::Screen) -> bool {
    let drawn = |at| !row(screen, at).trim().is_empty();
    drawn(0) && drawn(ROWS - 1)
}

fn helps(screen: &vt100::Screen) -> bool {
    screen.contents().contains("opens the sheet; the digest's")
}

fn waits(screen: &vt100::Screen) -> bool {
    screen.contents().contains("WAITING FOR YOU")
}

/// A program of the comparison: how it is started to be looked at, and when it is ready to be typed at.
struct Player {
    bare: Vec<String>,
    idle: Vec<String>,
    /// While it records as fast as it can, from its start to where it waits.
    busy: Option<Vec<String>>,
    ready: fn(&vt100::Screen) -> bool,
}

/// A way to end a program.
type End = fn(&mut Session);

/// Everything that is measured of one player: seconds, bytes, sessions, of each pair.
#[derive(Default)]
struct Measured {
    pairs: Vec<BTreeMap<&'static str, Vec<f64>>>,
}

impl Measured {
    /// What is added from now on is of another pair.
    fn begin_pair(&mut self) {
        self.pairs.push(BTreeMap::new());
    }

    fn add(&mut self, what: &'static str, value: f64) {
        let pair = self.pairs.last_mut().expect("a pair has begun");
        pair.entry(what).or_default().push(value);
    }

    /// The median over the pairs of what so many of a hundred values do not exceed.
    fn figure(&self, what: &str, percent: usize) -> f64 {
        let pairs = self.pairs.iter();
        let figures: Vec<f64> = pairs.map(|pair| percentile(&pair[what], percent)).collect();
        median(&figures)
    }
}

fn idle(player: &Player, directory: &Path) -> Session {
    let mut session = Session::start(&player.idle, directory);
    session.first(player.ready);
    session.settle(Duration::from_millis(200));
    session
}

/// Sessions of drygate on the server.
fn sessions(cluster: &Cluster) -> f64 {
    let sql = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name LIKE 'drygate/%' AND pid <> pg_backend_pid()";
    let rows = cluster.query(SUPERUSER, DATABASE, sql).expect("a count");
    let count = rows[0][0].as_deref().and_then(|count| count.parse().ok());
    count.expect("a number")
}

/// Keys while it waits, then nothing for ten seconds.
fn waiting(player: &Player, measured: &mut Measured, directory: &Path, cluster: &Cluster) {
    let mut session = idle(player, directory);
    for nth in 0..KEYS {
        thread::sleep(BETWEEN_KEYS);
        measured.add("key", session.answer(if nth % 2 == 0 { "j" } else { "k" }));
    }
    session.settle(Duration::from_millis(300));
    let (bytes, cpu) = (session.bytes(), session.cpu());
    thread::sleep(WAITS);
    #[expect(clippy::cast_precision_loss, reason = "some kilobytes")]
    measured.add("bytes", (session.bytes() - bytes) as f64);
    measured.add("cpu", session.cpu() - cpu);
    measured.add("sessions", sessions(cluster));
    measured.add("memory", peak_bytes(session.pid()).unwrap_or(f64::NAN));
    session.ends(|session| session.key("q"));
}

/// Keys while a run begins: surveys are taken and gates are judged one after the other, and the runner records as fast as it can.
fn recording(words: &[String], measured: &mut Measured, directory: &Path) {
    let mut session = Session::start(words, directory);
    session.first(is_complete);
    while !waits(session.screen()) {
        measured.add("busy key", session.shows("?", helps));
        thread::sleep(BETWEEN_KEYS / 8);
        measured.add("busy key", session.shows("\x1b", |screen| !helps(screen)));
        thread::sleep(BETWEEN_KEYS / 8);
    }
    session.ends(|session| session.key("q"));
}

fn measure(players: &[Player], pairs: usize, directory: &Path, cluster: &Cluster) -> Vec<Measured> {
    let mut all: Vec<Measured> = players.iter().map(|_| Measured::default()).collect();
    for nth in 0..pairs {
        // Who begins changes from pair to pair.
        let mut turns: Vec<_> = players.iter().zip(&mut all).collect();
        if nth % 2 == 1 {
            turns.reverse();
        }
        for (player, measured) in turns {
            measured.begin_pair();
            pair(player, measured, directory, cluster);
        }
    }
    all
}

/// Everything once, of one player.
fn pair(player: &Player, measured: &mut Measured, directory: &Path, cluster: &Cluster) {
    for _ in 0..STARTS {
        let mut session = Session::start(&player.bare, directory);
        measured.add("first frame", session.first(is_complete));
        session.ends(|session| session.signal(Signal::KILL));
    }
    waiting(player, measured, directory, cluster);
    for words in std::iter::repeat_n(player.busy.as_ref(), STARTS).flatten() {
        recording(words, measured, directory);
    }
    let ends: [(&'static str, End); 4] = [
        ("exit q", |session| session.key("q")),
        ("exit TERM", |session| session.signal(Signal::TERM)),
        ("exit HUP", |session| session.signal(Signal::HUP)),
        ("exit INT", |session| session.signal(Signal::INT)),
    ];
    for (what, end) in ends {
        measured.add(what, idle(player, directory).ends(end));
    }
}

fn btm() -> Option<PathBuf> {
    let named = std::env::var_os("BTM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/btm");
    let candidates = named
        .into_iter()
        .chain(folders.iter().map(|f| f.join("btm")))
        .chain([own]);
    candidates.into_iter().find(|path| path.is_file())
}

/// One row: which value of ours, beside which of the other's, and its bar.
struct Figure {
    says: &'static str,
    command: &'static str,
    what: &'static str,
    /// What of the other it is put beside; `None`: the other has no such thing.
    beside: Option<&'static str>,
    percent: usize,
    unit: MeasuredUnit,
    bar: MeasuredBar,
}

const fn figure(says: &'static str, what: &'static str, bar: MeasuredBar) -> Figure {
    Figure {
        says,
        command: "drygate run --live-interval 0",
        what,
        beside: Some(what),
        percent: 50,
        unit: MeasuredUnit::Seconds,
        bar,
    }
}

const EXIT: MeasuredBar = MeasuredBar::AtMost(0.02);

const FIGURES: [Figure; 12] = [
    figure(
        "exec to first complete frame",
        "first frame",
        MeasuredBar::AtMostTimes(0.3),
    ),
    figure(
        "key to paint, idle, p50",
        "key",
        MeasuredBar::AtMostTimes(1.0),
    ),
    Figure {
        percent: 99,
        ..figure(
            "key to paint, idle, p99",
            "key",
            MeasuredBar::AtMostTimes(0.5),
        )
    },
    Figure {
        percent: 99,
        beside: Some("key"),
        ..figure(
            "key to paint while a run begins and records, p99; the other idle",
            "busy key",
            MeasuredBar::AtMostTimes(1.0),
        )
    },
    Figure {
        unit: MeasuredUnit::Bytes,
        ..figure("waiting 10 s: written", "bytes", MeasuredBar::AtMost(0.0))
    },
    figure("waiting 10 s: CPU", "cpu", MeasuredBar::AtMost(0.002)),
    Figure {
        beside: None,
        unit: MeasuredUnit::Count,
        ..figure(
            "waiting 10 s: sessions on the server",
            "sessions",
            MeasuredBar::AtMost(0.0),
        )
    },
    Figure {
        unit: MeasuredUnit::Bytes,
        ..figure(
            "peak memory, connected",
            "memory",
            MeasuredBar::AtMostTimes(1.5),
        )
    },
    figure("exit after q", "exit q", EXIT),
    figure("exit after TERM", "exit TERM", EXIT),
    figure("exit after HUP", "exit HUP", EXIT),
    figure("exit after INT", "exit INT", EXIT),
];

impl Figure {
    fn row(&self, ours: &Measured, theirs: Option<&Measured>) -> MeasuredRow {
        let own = ours.figure(self.what, self.percent);
        let row = MeasuredRow::new(self.says, self.command, own, self.unit).held_to(self.bar);
        let Some(beside) = self.beside else {
            return row;
        };
        let theirs = theirs.map(|theirs| theirs.figure(beside, self.percent));
        row.beside("btm", theirs)
    }
}

fn main() -> ExitCode {
    let place = tempfile::tempdir().expect("a folder");
    let repository = DemoRepository::create(&place.path().join("repository")).expect("git");
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Draft)
        .expect("it loads");
    // A server that takes the connection and never says a word.
    let silent = place.path().join("silent");
    fs::create_dir(&silent).expect("a folder");
    let _mute = UnixListener::bind(silent.join(".s.PGSQL.5432")).expect("a socket");
    let drygate = |url: &str, home: &str| -> Vec<String> {
        let home = place.path().join(home).display().to_string();
        let repository = repository.path().display().to_string();
        let words = [
            env!("CARGO_BIN_EXE_drygate"),
            "run",
            "--live-interval",
            "0",
            "--database-url",
            url,
        ];
        let rest = ["--repo", &repository, "--data-dir", &home];
        words
            .iter()
            .chain(&rest)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let mute = format!(
        "postgresql://{READER}@/{DATABASE}?host={}",
        silent.display()
    );
    let url = cluster.url(READER, DATABASE);
    let mut players = vec![Player {
        bare: drygate(&mute, "mute"),
        idle: drygate(&url, "home"),
        busy: Some(drygate(&url, "busy")),
        ready: waits,
    }];
    if let Some(btm) = btm() {
        let words = vec![btm.display().to_string()];
        players.push(Player {
            bare: words.clone(),
            idle: words,
            busy: None,
            ready: is_complete,
        });
    }
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let pairs = asked.unwrap_or(PAIRS);
    let measured = measure(&players, pairs, place.path(), &cluster);
    let theirs = measured.get(1);
    let verdicts = FIGURES
        .iter()
        .map(|figure| figure.row(&measured[0], theirs).tell());
    RowVerdict::exit_code(verdicts)
}
