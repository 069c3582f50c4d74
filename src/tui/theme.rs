//! Inks, glyphs and frame lines. Each colour has one job, and none says what no word or glyph says (test
//! `no_color_has_no_colour_and_loses_no_word` of tests/screens/situations.rs).

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
    /// Work that runs now.
    Running,
    /// A person is needed.
    Needed,
    /// PASS or PROVEN, nothing else.
    Good,
    /// FAIL, UNPROVEN, suspected mutation.
    Bad,
    /// Drift: facts that others changed.
    Drift,
    /// A simulated number.
    Simulated,
    /// The target's label, in the colour of the profile.
    Target,
}

#[cfg(test)]
impl Ink {
    /// Every one.
    pub(super) const ALL: [Self; 10] = [
        Self::Plain,
        Self::Bold,
        Self::Dim,
        Self::Running,
        Self::Needed,
        Self::Good,
        Self::Bad,
        Self::Drift,
        Self::Simulated,
        Self::Target,
    ];
}

/// A mark that stands for a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    /// Done, or a claim that holds.
    Done,
    /// Where the run stands now.
    Here,
    /// Not reached yet.
    Coming,
    /// A failure or a difference.
    Alarm,
    /// Informative, without a judgement.
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
    /// Piece of a horizontal line.
    pub across: &'static str,
    /// Piece of a vertical line.
    pub down: &'static str,
}

/// What the colours are drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Dark, or not known.
    #[default]
    Dark,
    /// Light: the sixteen colours of most palettes cannot be read on it, so that darker ones stand in.
    Light,
    /// Any: nothing is faint, and what needs somebody is reversed.
    HighContrast,
}

impl Background {
    /// A light one, or a dark one.
    pub fn of(light: bool) -> Self {
        if light { Self::Light } else { Self::Dark }
    }
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

/// Which letters of names, texts and rows a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Letters {
    /// All of Unicode.
    #[default]
    Any,
    /// Those of ASCII: with an ASCII theme every other one is written out as `\u{..}`.
    Ascii,
}

/// Colours, glyphs and letters of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    ascii: bool,
    letters: Letters,
    colours: Colours,
    background: Background,
    target: Color,
}

impl Theme {
    /// A theme; `ascii` keeps frames, marks and our own words within ASCII.
    pub fn new(ascii: bool, colours: Colours) -> Self {
        Self {
            ascii,
            letters: Letters::Any,
            colours,
            background: Background::default(),
            target: Color::Reset,
        }
    }

    /// The theme with the target's colour, by its name in the profile. An unknown name is plain.
    #[must_use]
    pub fn with_target(mut self, name: &str) -> Self {
        self.target = match name.to_ascii_lowercase().as_str() {
            "red" => Color::Red,
            "green" => Color::Green,
            // Orange and purple are none of the sixteen ANSI colours: the nearest one stands in.
            "yellow" | "amber" | "orange" => Color::Yellow,
            "blue" => Color::Blue,
            "magenta" | "purple" => Color::Magenta,
            "cyan" => Color::Cyan,
            "white" => Color::White,
            _ => Color::Reset,
        };
        self
    }

    /// The theme on another background.
    #[must_use]
    pub fn on(mut self, background: Background) -> Self {
        self.background = background;
        self
    }

    /// The theme on a terminal that has these letters.
    #[must_use]
    pub fn with_letters(mut self, letters: Letters) -> Self {
        self.letters = letters;
        self
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
        let (colour, modifier) = self.on_background(ink, colour, modifier);
        let style = style.add_modifier(modifier);
        // Bold, dim and italic stay without colours: with NO_COLOR they alone set the inks apart.
        match (self.colours, colour) {
            (Colours::Sixteen, Some(colour)) => style.fg(colour),
            _ => style,
        }
    }

    /// Colour and modifiers of an ink on this background.
    fn on_background(
        self,
        ink: Ink,
        colour: Option<Color>,
        modifier: Modifier,
    ) -> (Option<Color>, Modifier) {
        match self.background {
            Background::Dark => (colour, modifier),
            Background::Light => (colour.map(darker), modifier),
            Background::HighContrast => {
                let loud = matches!(ink, Ink::Needed | Ink::Bad | Ink::Drift);
                let reversed = if loud {
                    Modifier::REVERSED
                } else {
                    Modifier::empty()
                };
                (colour, modifier.difference(Modifier::DIM).union(reversed))
            }
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

    /// A text as this terminal gets it. In ASCII our own mark becomes a point; the letters of data stay, unless the terminal
    /// has none for them.
    pub fn fitting(&self, shown: &Shown) -> Shown {
        let text = shown.as_str();
        if !self.ascii || text.is_ascii() {
            return shown.clone();
        }
        // A text that is only our mark for cut characters, with or without their count (`…+12`).
        let counted = text
            .strip_prefix('…')
            .map(|rest| rest.trim_start_matches('+'));
        match counted {
            Some(count) if count.bytes().all(|byte| byte.is_ascii_digit()) => {
                Shown::of(text.replace('…', "."))
            }
            _ if self.letters == Letters::Ascii => shown.ascii(),
            _ => shown.clone(),
        }
    }

    /// Where a horizontal line crosses a vertical one.
    pub fn crossing(&self) -> &'static str {
        if self.ascii { "+" } else { "┼" }
    }

    /// Lines of a value over time, the lowest first.
    pub fn levels(&self) -> &'static [char] {
        if self.ascii {
            &['_', '-', '=', '#']
        } else {
            &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
        }
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

/// The colour in a shade that has a contrast of at least 4.5 to 1 on white (WCAG 2, level AA), by its number among the 256.
fn darker(colour: Color) -> Color {
    Color::Indexed(match colour {
        Color::Red => 124,
        Color::Green => 22,
        Color::Yellow => 94,
        Color::Blue => 19,
        Color::Magenta => 90,
        Color::Cyan => 23,
        // White on white: the label is plain.
        _ => return Color::Reset,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::{Background, Colours, Ink, Theme};

    /// Relative luminance of a colour of the cube of 256 colours, from 0 to 1 (WCAG 2).
    fn luminance(number: u8) -> f64 {
        let place = number - 16;
        let step = |nth: u8| {
            if nth == 0 {
                0.0
            } else {
                f64::from(55 + 40 * nth) / 255.0
            }
        };
        let linear = |part: f64| {
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = [place / 36, place / 6 % 6, place % 6].map(step).map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn on_a_light_ground_every_colour_can_be_read() {
        let theme = Theme::new(false, Colours::Sixteen).on(Background::Light);
        for name in ["red", "green", "yellow", "blue", "magenta", "cyan", "white"] {
            let theme = theme.with_target(name);
            for ink in Ink::ALL {
                match theme.style(ink).fg {
                    Some(Color::Indexed(number)) => {
                        let contrast = 1.05 / (luminance(number) + 0.05);
                        assert!(contrast >= 4.5, "{ink:?} {name}: {contrast}");
                    }
                    colour => assert!(matches!(colour, None | Some(Color::Reset)), "{colour:?}"),
                }
            }
        }
    }

    #[test]
    fn with_high_contrast_nothing_is_faint() {
        let theme = Theme::new(false, Colours::Sixteen).on(Background::HighContrast);
        for ink in Ink::ALL {
            let style = theme.style(ink);
            assert!(!style.add_modifier.contains(Modifier::DIM), "{ink:?}");
            let loud = matches!(ink, Ink::Needed | Ink::Bad | Ink::Drift);
            assert_eq!(
                style.add_modifier.contains(Modifier::REVERSED),
                loud,
                "{ink:?}"
            );
        }
    }
}
