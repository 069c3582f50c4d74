//! What a person waits for on the diff screen. Invariant: keys go through the update of the screen, and each figure ends with a drawn frame.

use std::fs;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use drygate::compare::{AlignedDocuments, Compare, ComparedFact, Comparison, SideValue};
use drygate::run::{Person, Signer};
use drygate::survey::{FactKey, FactKind, Provenance, Sides, UtcTime};
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit};
use drygate::tui::diff_view::DiffView;
use drygate::tui::event_loop::frame;
use drygate::tui::model::{Model, Over};
use drygate::tui::update::update;
use drygate::tui::{Colours, ScreenMessage, Source, Theme};
use ratatui::layout::Size;

use super::FACT;

const WIDTH: u16 = 160;
const HEIGHT: u16 = 48;
/// Steps of one process, and what each is held to.
const STEPS: [(&str, MeasuredBar); 8] = [
    ("load both documents", MeasuredBar::None),
    ("first frame after loading", MeasuredBar::AtMost(0.2)),
    ("next change", MeasuredBar::AtMost(0.016)),
    ("scroll a page", MeasuredBar::AtMost(0.016)),
    ("search, no match", MeasuredBar::AtMost(0.016)),
    ("search, letters, no match", MeasuredBar::AtMost(0.016)),
    ("search, match at the end", MeasuredBar::AtMost(0.016)),
    ("search back to the start", MeasuredBar::AtMost(0.016)),
];

/// How long each step took, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameTimes(Vec<u64>);

impl FrameTimes {
    /// From what the process printed.
    pub fn read(printed: &str) -> io::Result<Self> {
        let steps: Vec<u64> = printed
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        if steps.len() == STEPS.len() {
            Ok(Self(steps))
        } else {
            Err(io::Error::other(format!("the screen printed {printed:?}")))
        }
    }

    /// Of each step the median.
    pub fn median(all: &[Self]) -> Self {
        let step = |nth: usize| {
            let mut times: Vec<u64> = all.iter().map(|seen| seen.0[nth]).collect();
            times.sort_unstable();
            times[times.len() / 2]
        };
        Self((0..STEPS.len()).map(step).collect())
    }

    /// A row for each step.
    pub fn rows(&self) -> impl Iterator<Item = MeasuredRow> {
        let row = |((name, bar), micros): (&(&str, MeasuredBar), &u64)| {
            let seconds = Duration::from_micros(*micros).as_secs_f64();
            let what = format!("on the screen, key to drawn frame: {name}");
            let library = "library: event_loop::frame";
            MeasuredRow::new(&what, library, seconds, MeasuredUnit::Seconds).held_to(*bar)
        };
        STEPS.iter().zip(&self.0).map(row)
    }
}

fn side() -> SideValue {
    let mut value = SideValue::bare(Some("a digest".to_owned()), Provenance::Live);
    value.text = Some(String::new());
    value
}

#[expect(
    clippy::default_trait_access,
    reason = "nobody is said to have changed anything, and the type has no name outside"
)]
fn opened_screen() -> Model {
    let fact = ComparedFact::of(
        FactKey::new(FACT),
        "grant matrix".to_owned(),
        FactKind::Sha256,
        Sides::new(Some(side()), Some(side())),
    );
    let comparison = Comparison {
        compare: Compare::PrePost,
        sources: Sides::default(),
        verdict: None,
        claims: Vec::new(),
        attribution: Default::default(),
        facts: vec![fact],
        method: Vec::new(),
        after: None,
    };
    let who = Person {
        user: "op_a".to_owned(),
        uid: 1000,
        host: "ops1".to_owned(),
        tty: None,
        pid: 1,
        signer: Signer::StubSigning,
        login_uid: None,
        account_doubt: None,
        store_role: None,
    };
    let size = Size::new(WIDTH, HEIGHT);
    let theme = Theme::new(false, Colours::Off);
    let now = UtcTime::from_unix_micros(0);
    let mut model = Model::new(Source::Live, who, theme, size, now);
    let view = DiffView::of(
        vec![Compare::PrePost],
        Compare::PrePost,
        Ok(comparison),
        true,
    );
    let _ = update(
        &mut model,
        ScreenMessage::Compared(Box::new(view)),
        Duration::ZERO,
    );
    press(&mut model, &[KeyCode::Char('2')]);
    model
}

fn press(model: &mut Model, keys: &[KeyCode]) {
    for key in keys {
        let event = Event::Key(KeyEvent::new(*key, KeyModifiers::NONE));
        let at = Duration::ZERO;
        let _ = update(model, ScreenMessage::Terminal { event, at }, at);
    }
}

/// What lies between the key and the end of its frame.
fn key(model: &mut Model, code: KeyCode) -> Duration {
    let began = Instant::now();
    press(model, &[code]);
    let _ = frame(model, WIDTH, HEIGHT);
    began.elapsed()
}

fn search(model: &mut Model, text: &str) -> Duration {
    let typed: Vec<KeyCode> = std::iter::once('/')
        .chain(text.chars())
        .map(KeyCode::Char)
        .collect();
    press(model, &typed);
    key(model, KeyCode::Enter)
}

fn expect(model: &Model, what: &str, holds: impl Fn(&DiffView) -> bool) -> io::Result<()> {
    match &model.over {
        Over::Diff(view) if holds(view) => Ok(()),
        _ => Err(io::Error::other(format!("not so: {what}"))),
    }
}

/// Opens both documents on the screen and goes through the steps; prints what each took.
pub fn looked_at(before: &str, after: &str) -> io::Result<()> {
    let mut steps = Vec::new();
    let began = Instant::now();
    let texts = Sides::new(fs::read_to_string(before)?, fs::read_to_string(after)?);
    steps.push(began.elapsed());
    let lines = texts.before.lines().count();
    let mut model = opened_screen();
    let began = Instant::now();
    let opened = AlignedDocuments::of(texts.map(Some), FactKind::Sha256);
    let messages = ScreenMessage::Opened {
        compare: Compare::PrePost,
        key: FactKey::new(FACT),
        result: Ok(Arc::new(opened)),
    };
    let _ = update(&mut model, messages, Duration::ZERO);
    let _ = frame(&mut model, WIDTH, HEIGHT);
    steps.push(began.elapsed());
    expect(&model, "the first change is shown", |view| {
        view.change == Some(0)
    })?;
    let slowest = |model: &mut Model, code: KeyCode| (0..200).map(|_| key(model, code)).max();
    steps.extend(slowest(&mut model, KeyCode::Char(']')));
    expect(&model, "the keys went on", |view| view.change == Some(200))?;
    steps.extend(slowest(&mut model, KeyCode::PageDown));
    press(&mut model, &[KeyCode::Char('g')]);
    steps.push(search(&mut model, "object_9000001 grantee"));
    steps.push(search(&mut model, "ownership of nobody"));
    expect(&model, "nothing is found", |view| view.found.is_none())?;
    steps.push(search(&mut model, &format!("object_{:07}", lines - 1)));
    expect(&model, "the last line is found", |view| {
        view.found.is_some_and(|row| row >= lines - 1)
    })?;
    press(
        &mut model,
        &[
            KeyCode::Char('g'),
            KeyCode::Esc,
            KeyCode::Char('G'),
            KeyCode::Char('/'),
        ],
    );
    let typed: Vec<KeyCode> = "object_0000000".chars().map(KeyCode::Char).collect();
    press(&mut model, &typed);
    press(&mut model, &[KeyCode::Enter]);
    steps.push(key(&mut model, KeyCode::Char('N')));
    expect(&model, "the first line is found", |view| {
        view.found == Some(0)
    })?;
    let printed: Vec<String> = steps
        .iter()
        .map(|step| step.as_micros().to_string())
        .collect();
    writeln!(io::stdout(), "{}", printed.join(" "))
}
