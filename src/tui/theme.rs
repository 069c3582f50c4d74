//! Ink, glyphs and lines. Invariant: colour has seven jobs and no other, and none of them says what no word or glyph says.

use ratatui::style::{Color, Modifier, Style};

use super::widgets::Shown;

/// What a text is drawn in, by its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ink {
    /// LIVE values and everything without another job.
    #[default]
    Plain,
    /// A title or key.
    Bold,
    /// Frames, remarks, what is to come.
    Dim,
    /// Running.
    Running,
    /// A person is needed.
    Needed,
    /// PASS or PROVEN, nothing else.
    Good,
    /// FAIL, UNPROVEN, suspected mutation.
    Bad,
    /// Drift, changed by others.
    Drift,
    /// SIMULATED.
    Simulated,
    /// The target's label, in the colour of the profile.
    Target,
}

/// A mark that stands for a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    /// Done, holds.
    Done,
    /// Here, now.
    Here,
    /// To come.
    Coming,
    /// Look here.
    Alarm,
    /// Informative.
    Busy,
    /// Other than the last PASS.
    Other,
}

/// The strings that a frame is made of.
#[derive(Debug, Clone, Copy)]
pub struct FrameLines {
    /// Left and right upper corner.
    pub top: [&'static str; 2],
    /// Left and right lower corner.
    pub bottom: [&'static str; 2],
    /// Horizontal.
    pub across: &'static str,
    /// Vertical.
    pub down: &'static str,
}

/// How much a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    /// None: `NO_COLOR`, `TERM=dumb`, `--color never`.
    Off,
    /// The sixteen of the terminal, which follow its own palette.
    #[default]
    Sixteen,
}

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    ascii: bool,
    colours: Colours,
    target: Color,
}

impl Theme {
    /// A theme; `ascii` keeps every cell within ASCII.
    pub fn new(ascii: bool, colours: Colours) -> Self {
        Self {
            ascii,
            colours,
            target: Color::Reset,
        }
    }

    /// The theme with the target's colour, by its name in the profile. An unknown name is plain.
    #[must_use]
    pub fn with_target(mut self, name: &str) -> Self {
        self.target = match name.to_ascii_lowercase().as_str() {
            "red" => Color::Red,
            "green" => Color::Green,
            "yellow" | "amber" | "orange" => Color::Yellow,
            "blue" => Color::Blue,
            "magenta" | "purple" => Color::Magenta,
            "cyan" => Color::Cyan,
            "white" => Color::White,
            _ => Color::Reset,
        };
        self
    }

    /// Whether every cell is to be ASCII.
    pub fn ascii(&self) -> bool {
        self.ascii
    }

    /// The style of an ink.
    pub fn style(&self, ink: Ink) -> Style {
        let style = Style::new();
        let (colour, modifier) = match ink {
            Ink::Plain => (None, Modifier::empty()),
            Ink::Bold => (None, Modifier::BOLD),
            Ink::Dim => (None, Modifier::DIM),
            Ink::Running => (Some(Color::Blue), Modifier::BOLD),
            Ink::Needed => (Some(Color::Yellow), Modifier::BOLD),
            Ink::Good => (Some(Color::Green), Modifier::empty()),
            Ink::Bad => (Some(Color::Red), Modifier::BOLD),
            Ink::Drift => (Some(Color::Magenta), Modifier::BOLD),
            Ink::Simulated => (None, Modifier::DIM.union(Modifier::ITALIC)),
            Ink::Target => (Some(self.target), Modifier::BOLD),
        };
        let style = style.add_modifier(modifier);
        match (self.colours, colour) {
            (Colours::Sixteen, Some(colour)) => style.fg(colour),
            _ => style,
        }
    }

    /// The mark of a situation.
    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        match (glyph, self.ascii) {
            (Glyph::Done, false) => "✓",
            (Glyph::Done, true) => "v",
            (Glyph::Here, false) => "▸",
            (Glyph::Here, true) => ">",
            (Glyph::Coming, false) => "·",
            (Glyph::Coming, true) => ".",
            (Glyph::Alarm, _) => "!",
            (Glyph::Busy, false) => "○",
            (Glyph::Busy, true) => "o",
            (Glyph::Other, _) => "*",
        }
    }

    /// The mark of cut text.
    pub fn ellipsis(&self) -> &'static str {
        if self.ascii { ".." } else { "…" }
    }

    /// A text of ours or theirs in ASCII: our own mark becomes a point, the rest becomes `?`.
    pub fn in_ascii(&self, shown: &Shown) -> Shown {
        let twins = Shown::of(shown.as_str().replace('…', "."));
        twins.ascii()
    }

    /// Where a horizontal line crosses a vertical one.
    pub fn crossing(&self) -> &'static str {
        if self.ascii { "+" } else { "┼" }
    }

    /// The lines of a frame.
    pub fn lines(&self, heavy: bool) -> FrameLines {
        match (self.ascii, heavy) {
            (true, _) => FrameLines {
                top: ["+", "+"],
                bottom: ["+", "+"],
                across: "-",
                down: "|",
            },
            (false, true) => FrameLines {
                top: ["┏", "┓"],
                bottom: ["┗", "┛"],
                across: "━",
                down: "┃",
            },
            (false, false) => FrameLines {
                top: ["┌", "┐"],
                bottom: ["└", "┘"],
                across: "─",
                down: "│",
            },
        }
    }
}
