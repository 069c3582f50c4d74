//! A stage for screens: a model fed from a script, and a screen on a test backend with a clock that only a test moves. Invariant: time moves when a test says so.

use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use drygate::run::{Ask, Event, History, RecordedEvent, Request, RunBudget, RunCreated};
use drygate::survey::{Digest, UtcTime};
use drygate::tui::event_loop::frame;
use drygate::tui::keymap::{NO_KEY, bindings};
use drygate::tui::model::Model;
use drygate::tui::screens::band::{band, scope};
use drygate::tui::update::{is_about_sheet, update};
use drygate::tui::{
    Clocks, Colours, Ending, RequestRoutes, RunSnapshot, Screen, ScreenMessage, Source,
    TerminalActions, Theme,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

/// The sizes that every situation is drawn in.
pub const SIZES: [(u16, u16); 3] = [(160, 48), (120, 36), (80, 24)];

pub fn messages(script: &ScriptedRun) -> Vec<ScreenMessage> {
    script
        .records
        .iter()
        .map(|record| {
            ScreenMessage::Recorded(RecordedEvent {
                seq: record.seq,
                at: record.at,
                event: record.event.clone(),
                head: Digest::of(record.seq.to_string()),
            })
        })
        .collect()
}

/// What a look finds that sees these lines of a script for the first time.
pub fn found(script: &ScriptedRun, lines: Range<usize>) -> ScreenMessage {
    let mut history = History::without_clean_reads();
    for record in &script.records[..lines.end] {
        let head = Digest::of(record.seq.to_string());
        let taken = history.take(record.seq, record.at, &record.event, &head);
        taken.expect("a script is legal");
    }
    let events = script.records[lines].iter().map(|record| &record.event);
    let told = events.filter(|event| is_about_sheet(event));
    ScreenMessage::Found(Box::new(RunSnapshot {
        history: Arc::new(history),
        last_pass: None,
        sheet_events: told.map(|event| (**event).clone()).collect(),
    }))
}

/// A model of a script, looked at at a clock time.
pub fn model(script: &ScriptedRun, clock: &str, theme: Theme) -> Model {
    let size = Size::new(160, 48);
    let mut model = Model::new(Source::Live, person("op_a"), theme, size, at(clock));
    for messages in messages(script) {
        let _ = update(&mut model, messages, Duration::ZERO);
    }
    model.now = at(clock);
    model
}

/// The same run under a budget of its profile.
pub fn under(script: ScriptedRun, budget: RunBudget) -> ScriptedRun {
    created_as(script, |created| created.budget = budget)
}

/// The same run, begun otherwise.
pub fn created_as(mut script: ScriptedRun, change: impl FnOnce(&mut RunCreated)) -> ScriptedRun {
    let mut event = (*script.records[0].event).clone();
    if let Event::RunCreated(created) = &mut event {
        change(created);
    }
    script.records[0].event = event.into();
    script.history = History::default();
    for record in &script.records {
        let head = Digest::of(record.seq.to_string());
        let taken = script
            .history
            .take(record.seq, record.at, &record.event, &head);
        taken.expect("a script is legal");
    }
    script.run = script.history.run().clone();
    script
}

pub fn plain() -> Theme {
    Theme::new(false, Colours::Off)
}

/// The cells of a buffer as lines.
pub fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(symbol);
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // A sentence that names a key which its screen does not have.
    assert!(!text.contains(NO_KEY), "{text}");
    text
}

/// What a band or a footer offers is in the key table, for the screen that it is on.
fn offers_only_keys_that_are_there(model: &Model) {
    for narrow in [false, true] {
        let (scope, band) = (scope(model), band(model, narrow));
        for (action, does) in band.keys {
            let is_there = bindings(scope).any(|binding| binding.does(action));
            assert!(is_there, "{}: {action:?} {does} on {scope:?}", band.title);
        }
    }
}

/// The model drawn.
pub fn drawn(model: &mut Model, (width, height): (u16, u16)) -> String {
    offers_only_keys_that_are_there(model);
    lines(&frame(model, width, height))
}

/// What was done to the terminal besides drawing.
#[derive(Debug, Default)]
pub struct Done {
    pub titles: Vec<String>,
    pub bells: usize,
    pub notified: Vec<String>,
    pub copied: Vec<String>,
    pub suspended: usize,
}

struct Recorder(Rc<RefCell<Done>>);

impl TerminalActions for Recorder {
    fn title(&mut self, title: &str) -> io::Result<()> {
        self.0.borrow_mut().titles.push(title.to_owned());
        Ok(())
    }
    fn bell(&mut self) -> io::Result<()> {
        self.0.borrow_mut().bells += 1;
        Ok(())
    }
    fn notify(&mut self, title: &str, body: &str) -> io::Result<()> {
        let mut done = self.0.borrow_mut();
        done.notified.push(format!("{title}: {body}"));
        Ok(())
    }
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.0.borrow_mut().copied.push(text.to_owned());
        Ok(())
    }
    fn suspend(&mut self) -> io::Result<()> {
        self.0.borrow_mut().suspended += 1;
        Ok(())
    }
    fn retake(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A screen, its inbox, what it ordered, and its clock.
pub struct Stage {
    pub screen: Screen<TestBackend>,
    pub done: Rc<RefCell<Done>>,
    pub requests: Rc<RefCell<Vec<Request>>>,
    pub takes_orders: Rc<Cell<bool>>,
    inbox: Receiver<ScreenMessage>,
    pub sender: Sender<ScreenMessage>,
    clock: Rc<Cell<Duration>>,
    seq: u64,
    wall: Rc<Cell<UtcTime>>,
}

impl Stage {
    pub fn new(script: &ScriptedRun, clock: &str, size: (u16, u16)) -> Self {
        Self::from(script, clock, size, Source::Live)
    }

    pub fn from(script: &ScriptedRun, clock: &str, size: (u16, u16), source: Source) -> Self {
        let (sender, inbox) = channel();
        let ticks = Rc::new(Cell::new(Duration::from_secs(100)));
        let wall = Rc::new(Cell::new(at(clock)));
        let done = Rc::new(RefCell::new(Done::default()));
        let requests = Rc::new(RefCell::new(Vec::new()));
        let takes_orders = Rc::new(Cell::new(true));
        let (t, w, o, takes) = (
            ticks.clone(),
            wall.clone(),
            requests.clone(),
            takes_orders.clone(),
        );
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a test backend");
        let screen = Screen::new(
            terminal,
            Box::new(Recorder(done.clone())),
            plain(),
            source,
            person("op_a"),
            Clocks {
                monotonic: Box::new(move || t.get()),
                utc: Box::new(move || w.get()),
            },
            RequestRoutes {
                holder: Box::new(move |request| {
                    if takes.get() {
                        o.borrow_mut().push(request);
                    }
                    takes.get()
                }),
                local: Box::new(|_| true),
            },
        );
        let mut stage = Self {
            screen,
            done,
            requests,
            takes_orders,
            inbox,
            sender,
            clock: ticks,
            seq: script.records.len() as u64,
            wall,
        };
        stage.hear_all(messages(script));
        stage
    }

    /// Lets time pass, and the screen look at it.
    pub fn wait(&mut self, ms: u64) -> &mut Self {
        self.clock.set(self.clock.get() + Duration::from_millis(ms));
        self.turn(None)
    }

    fn turn(&mut self, messages: Option<ScreenMessage>) -> &mut Self {
        let ending = self
            .screen
            .turn(messages, &self.inbox)
            .expect("a test backend");
        assert!(ending.is_none(), "{ending:?}");
        self
    }

    pub fn hear(&mut self, messages: ScreenMessage) -> &mut Self {
        self.turn(Some(messages))
    }

    fn hear_all(&mut self, all: Vec<ScreenMessage>) {
        for messages in all {
            self.sender.send(messages).expect("the inbox is open");
        }
        self.turn(None);
        let first = self.inbox.try_recv().ok();
        self.turn(first);
    }

    /// The runner journals an event now.
    pub fn recorded(&mut self, event: Event) -> &mut Self {
        let (seq, at) = (self.seq, self.wall.get());
        self.seq += 1;
        self.hear(ScreenMessage::Recorded(RecordedEvent {
            seq,
            at,
            event: std::sync::Arc::new(event),
            head: Digest::of(seq.to_string()),
        }))
    }

    pub fn terminal_event(&mut self, event: TerminalEvent) -> &mut Self {
        let at = self.clock.get();
        self.hear(ScreenMessage::Terminal { event, at })
    }

    pub fn key(&mut self, code: KeyCode) -> &mut Self {
        self.terminal_event(TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    pub fn control(&mut self, c: char) -> &mut Self {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        self.terminal_event(TerminalEvent::Key(key))
    }

    pub fn repeat(&mut self, c: char) -> &mut Self {
        let mut key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        key.kind = KeyEventKind::Repeat;
        self.terminal_event(TerminalEvent::Key(key))
    }

    /// Types as a person does, 80 ms a key.
    pub fn types(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.wait(80).key(KeyCode::Char(c));
        }
        self
    }

    /// A key that leaves the screen.
    pub fn leaves_by(&mut self, code: KeyCode) -> Ending {
        let event = TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let at = self.clock.get();
        let messages = ScreenMessage::Terminal { event, at };
        self.screen
            .turn(Some(messages), &self.inbox)
            .expect("a test backend")
            .expect("the screen is left")
    }

    /// Runs the real loop until news ends it.
    pub fn run_loop(&mut self) -> drygate::tui::ScreenExit {
        self.screen.event_loop(&self.inbox)
    }

    pub fn text(&self) -> String {
        lines(self.screen.terminal().backend().buffer())
    }

    pub fn says(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// What was asked of the holder.
    pub fn asked(&self) -> Vec<Ask> {
        let requests = self.requests.borrow();
        requests.iter().map(|it| it.ask.clone()).collect()
    }
}
