//! A server that is 20 ms away: the round trips of `drygate survey` with 200 facts beside those with 10, and what an approval takes to
//! the next stop, direct and over the link. Invariant: the link is the same for all, and it counts round trips itself.
//!
//! `cargo bench --bench latency -- 3` takes three rounds. It fails where the round trips grow with the number of facts.

mod link;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::profile::built_in;
use drygate::repo::throwaway::DemoRepository;
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, median};
use link::Link;
use serde_json::Value;

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
/// What a round trip takes, there and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
const FEW: usize = 10;
const MANY: usize = 200;
const ROUNDS: usize = 5;
/// The exit code of a run that waits for a person.
const WAITS: i32 = 3;

/// The built-in profile with as many facts as asked for.
fn profile(facts: usize) -> String {
    let (_, text) = built_in("icx-const").expect("the built-in profile");
    let (before, rest) = text.split_once("[[facts]]\n").expect("facts");
    let own = 1 + rest.matches("[[facts]]").count();
    let mut more = String::new();
    for nth in own..facts {
        let _ = write!(
            more,
            "[[facts]]\nkey = \"bench_{nth}\"\nlabel = \"bench {nth}\"\ntype = \"integer\"\n\
             sql = \"SELECT count(*)::text FROM public.information_unit WHERE id <> '{nth}'\"\n\n"
        );
    }
    assert!(own <= FEW, "the profile has {own} facts itself");
    format!("{before}{more}[[facts]]\n{rest}")
}

/// The program with a data directory, and what it printed last.
struct Program<'p> {
    place: &'p Path,
}

impl Program<'_> {
    /// Runs a command that ends with `code`.
    fn take(&self, words: &[&str], code: i32) -> f64 {
        let printed = File::create(self.place.join("printed")).expect("a new file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .args(["--headless", "--json", "--data-dir"])
            .arg(self.place.join("data"))
            .stdout(printed);
        ProcessCost::of(&mut command, code).seconds
    }

    /// The evidence that waits after the last command.
    fn evidence(&self) -> String {
        let printed = fs::read(self.place.join("printed")).expect("its output");
        let document: Value = serde_json::from_slice(&printed).expect("a document");
        let evidence = document["evidence"].as_str();
        evidence.expect("evidence waits").to_owned()
    }

    /// A whole run on the demo: seconds from each approval to the next stop.
    fn approvals(&self, url: &str, repository: &str) -> [f64; 2] {
        let words = ["run", "--database-url", url, "--repo", repository];
        self.take(&words, WAITS);
        let (sg1, sg2) = (["approve", "last", "SG1"], ["approve", "last", "SG2"]);
        let digest = self.evidence();
        let first = self.take(&[&sg1[..], &["--digest", &digest]].concat(), WAITS);
        let digest = self.evidence();
        [
            first,
            self.take(&[&sg2[..], &["--digest", &digest]].concat(), 0),
        ]
    }
}

fn main() -> ExitCode {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let rounds: usize = asked.unwrap_or(ROUNDS);
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Draft)
        .expect("the scenario loads");
    let place = tempfile::tempdir().expect("a folder");
    let repository = DemoRepository::create(&place.path().join("repository")).expect("git");
    let repository = repository.path().display().to_string();
    let link = Link::to(&cluster.socket_dir().join(".s.PGSQL.5432"), ROUND_TRIP / 2);
    let far = format!(
        "postgresql://{READER}@127.0.0.1:{}/{DATABASE}?sslmode=disable",
        link.port()
    );
    let near = cluster.url(READER, DATABASE);
    let profiles = [FEW, MANY].map(|facts| {
        let path = place.path().join(format!("{facts}.toml"));
        fs::write(&path, profile(facts)).expect("a profile");
        path.display().to_string()
    });
    let program = Program {
        place: place.path(),
    };
    let (mut near_by, mut seconds) = ([vec![], vec![]], [vec![], vec![]]);
    let mut trips = [Vec::new(), Vec::new()];
    let (mut direct, mut linked) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..rounds {
        for (nth, profile) in profiles.iter().enumerate() {
            let before = link.round_trips();
            let words = ["survey", "--profile", profile, "--database-url", &far];
            seconds[nth].push(program.take(&words, 0));
            #[expect(clippy::cast_precision_loss, reason = "some hundred round trips")]
            trips[nth].push((link.round_trips() - before) as f64);
            let words = ["survey", "--profile", profile, "--database-url", &near];
            near_by[nth].push(program.take(&words, 0));
        }
        for (url, taken) in [(&near, &mut direct), (&far, &mut linked)] {
            for (all, one) in taken.iter_mut().zip(program.approvals(url, &repository)) {
                all.push(one);
            }
        }
    }
    let rows = rows(
        [&trips, &near_by, &seconds, &direct, &linked]
            .map(|pair| [0, 1].map(|nth| median(&pair[nth]))),
    );
    RowVerdict::exit_code(rows.iter().map(MeasuredRow::tell))
}

/// The rows of the medians, with few and many facts: round trips, seconds without the link, seconds over it; of the approvals of SG1
/// and SG2: without the link, over it.
fn rows([trips, near_by, seconds, direct, linked]: [[f64; 2]; 5]) -> Vec<MeasuredRow> {
    let few = format!("the same with {FEW} facts");
    let [less, more] = trips;
    let mut rows = vec![
        MeasuredRow::new(
            &format!("round trips of a survey with {MANY} facts"),
            "drygate survey",
            more,
            MeasuredUnit::Count,
        )
        .beside(&few, Some(less))
        .held_to(MeasuredBar::AtMostTimes(1.0)),
    ];
    for (nth, facts) in [FEW, MANY].into_iter().enumerate() {
        rows.push(
            MeasuredRow::new(
                &format!("a survey with {facts} facts, 20 ms away"),
                "drygate survey",
                seconds[nth],
                MeasuredUnit::Seconds,
            )
            .beside("the same without the link", Some(near_by[nth])),
        );
    }
    for (nth, says) in [
        (0, "SG1 approved, to the stop at SG2"),
        (1, "SG2 approved, to the seal"),
    ] {
        let command = format!("drygate approve last SG{} --digest HEX64", nth + 1);
        let unit = MeasuredUnit::Seconds;
        rows.push(MeasuredRow::new(
            &format!("{says}, demo"),
            &command,
            direct[nth],
            unit,
        ));
        let far = MeasuredRow::new(
            &format!("{says}, demo, 20 ms away"),
            &command,
            linked[nth],
            unit,
        );
        rows.push(far.beside("the same without the link", Some(direct[nth])));
    }
    rows
}
