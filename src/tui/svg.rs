//! A frame as an SVG picture, for pages and documents.
//! Invariant: the picture loads nothing and runs nothing (test `a_picture_shows_the_frame_of_its_record_and_loads_nothing` of
//! tests/integration/svg.rs), and every character stands in its column whatever font a viewer has (`StyledRun::write_text`).
//!
//! A viewer chooses the font, so each text says where it begins and how wide it is. ASCII characters of one look up to the next
//! blank are one text: viewers drop blanks beside blanks, whatever they are told. Any other character is a text of its own: it
//! may come from another font, and beside others it could be joined with them or reordered. The lines of frames are drawn as
//! paths, since the characters for them leave gaps in many fonts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use minijinja::HtmlEscape;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::event_loop::visible_cells;

/// Red, green and blue, 0 to 255 each.
type Rgb = [u8; 3];

/// Text without a colour, on a background without one. Both are of the picture: what is around it may be light or dark.
const TEXT: Rgb = [0xe6, 0xed, 0xf3];
const BACKGROUND: Rgb = [0x15, 0x19, 0x20];

/// Pixels of a cell; a monospace font of 15 pixels is 9 wide.
const CELL_WIDTH: usize = 9;
const CELL_HEIGHT: usize = 18;
const FONT_SIZE: usize = 15;
/// From the top of a cell to the line that letters stand on.
const BASELINE: usize = 14;
/// A cell without a character.
const BLANK: &str = " ";
/// Pixels around the frame.
const MARGIN: usize = 12;

/// Fonts that systems have, most of them with the letters of every language.
const FONTS: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// Colours and modifiers of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    text: Rgb,
    background: Rgb,
    modifier: Modifier,
}

/// Cells of one look beside each other: a blank, a word of ASCII characters, or any other character.
struct StyledRun {
    x: usize,
    y: usize,
    columns: usize,
    text: String,
    look: Look,
}

/// Writes a frame as a picture.
pub fn write(mut output: impl Write, frame: &Buffer, title: &str) -> io::Result<()> {
    let width = usize::from(frame.area.width) * CELL_WIDTH + 2 * MARGIN;
    let height = usize::from(frame.area.height) * CELL_HEIGHT + 2 * MARGIN;
    writeln!(
        output,
        r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FONTS}" font-size="{FONT_SIZE}" style="font-variant-ligatures:none">"#
    )?;
    writeln!(output, "<title>{}</title>", HtmlEscape(&xml(title)))?;
    let paper = hex(BACKGROUND);
    writeln!(
        output,
        r#"<rect width="{width}" height="{height}" rx="8" fill="{paper}"/>"#
    )?;
    let mut lines = BTreeMap::<_, String>::new();
    for span in spans(frame) {
        span.write_background(&mut output)?;
        match frame_line(&span.text, span.x, span.y) {
            Some((stroke, path)) => lines
                .entry((span.look.text, stroke))
                .or_default()
                .push_str(&path),
            None => span.write_text(&mut output)?,
        }
    }
    // One path for all of a colour: lines that go on in the next cell are joined without a gap.
    for ((colour, stroke), path) in lines {
        let colour = hex(colour);
        writeln!(
            output,
            r#"<path fill="none" stroke="{colour}" stroke-width="{stroke}" d="{path}"/>"#
        )?;
    }
    writeln!(output, "</svg>")
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let modifier = cell.modifier;
        let (mut text, mut background) = (rgb(cell.fg, TEXT), rgb(cell.bg, BACKGROUND));
        if modifier.contains(Modifier::REVERSED) {
            (text, background) = (background, text);
        }
        // After REVERSED: a terminal dims the colour that the letters then have.
        if modifier.contains(Modifier::DIM) {
            text = dimmed(text, background);
        }
        Self {
            text,
            background,
            modifier,
        }
    }
}

impl StyledRun {
    fn write_background(&self, output: &mut impl Write) -> io::Result<()> {
        if self.look.background == BACKGROUND {
            return Ok(());
        }
        let (x, y) = pixels(self.x, self.y);
        let (width, colour) = (self.columns * CELL_WIDTH, hex(self.look.background));
        writeln!(
            output,
            r#"<rect x="{x}" y="{y}" width="{width}" height="{CELL_HEIGHT}" fill="{colour}" shape-rendering="crispEdges"/>"#
        )
    }

    fn write_text(&self, output: &mut impl Write) -> io::Result<()> {
        if self.text == BLANK {
            return Ok(());
        }
        let (x, y) = pixels(self.x, self.y);
        let (baseline, width) = (y + BASELINE, self.columns * CELL_WIDTH);
        let colour = hex(self.look.text);
        write!(
            output,
            r#"<text x="{x}" y="{baseline}" textLength="{width}" lengthAdjust="spacingAndGlyphs" fill="{colour}""#
        )?;
        for (modifier, attribute) in [
            (Modifier::BOLD, r#" font-weight="bold""#),
            (Modifier::ITALIC, r#" font-style="italic""#),
            (Modifier::UNDERLINED, r#" text-decoration="underline""#),
        ] {
            if self.look.modifier.contains(modifier) {
                write!(output, "{attribute}")?;
            }
        }
        writeln!(output, ">{}</text>", HtmlEscape(&self.text))
    }
}

/// The spans of a frame, row by row.
fn spans(frame: &Buffer) -> Vec<StyledRun> {
    let mut spans = Vec::<StyledRun>::new();
    for y in 0..frame.area.height {
        let mut is_word = false;
        for (x, cell, columns) in visible_cells(frame, y) {
            let (look, symbol) = (Look::of(cell), xml(cell.symbol()));
            let is_of_word = symbol.is_ascii() && symbol != BLANK;
            match spans.last_mut() {
                Some(span) if is_word && is_of_word && span.look == look => {
                    span.text.push_str(&symbol);
                    span.columns += columns;
                }
                _ => spans.push(StyledRun {
                    x: x.into(),
                    y: y.into(),
                    columns,
                    text: symbol,
                    look,
                }),
            }
            is_word = is_of_word;
        }
    }
    spans
}

/// The left upper corner of a cell.
fn pixels(x: usize, y: usize) -> (usize, usize) {
    (MARGIN + x * CELL_WIDTH, MARGIN + y * CELL_HEIGHT)
}

/// A character of a frame's lines as a path, before it how thick its stroke is.
fn frame_line(symbol: &str, x: usize, y: usize) -> Option<(usize, String)> {
    let (left, top) = pixels(x, y);
    let (right, bottom) = (left + CELL_WIDTH, top + CELL_HEIGHT);
    // Half a pixel off the edge of one: a stroke of an odd width then fills whole pixels.
    let (middle, centre) = (format!("{}.5", left + 4), format!("{}.5", top + 8));
    let path = match symbol {
        "─" | "━" => format!("M{left} {centre}H{right}"),
        "│" | "┃" => format!("M{middle} {top}V{bottom}"),
        "┌" | "┏" => format!("M{middle} {bottom}V{centre}H{right}"),
        "┐" | "┓" => format!("M{left} {centre}H{middle}V{bottom}"),
        "└" | "┗" => format!("M{middle} {top}V{centre}H{right}"),
        "┘" | "┛" => format!("M{left} {centre}H{middle}V{top}"),
        "┼" => format!("M{left} {centre}H{right}M{middle} {top}V{bottom}"),
        _ => return None,
    };
    let stroke = if "━┃┏┓┗┛".contains(symbol) {
        3
    } else {
        1
    };
    Some((stroke, path))
}

/// The colours of the theme, as a dark terminal has them.
fn rgb(colour: Color, without: Rgb) -> Rgb {
    match colour {
        Color::Red => [0xff, 0x7b, 0x72],
        Color::Green => [0x56, 0xd3, 0x64],
        Color::Yellow => [0xe3, 0xb3, 0x41],
        Color::Blue => [0x79, 0xc0, 0xff],
        Color::Magenta => [0xd2, 0xa8, 0xff],
        Color::Cyan => [0x56, 0xd4, 0xdd],
        Color::White => [0xff, 0xff, 0xff],
        _ => without,
    }
}

/// Two parts of the text's colour, one of the background's.
fn dimmed(text: Rgb, background: Rgb) -> Rgb {
    let mixed = |nth| {
        let (text, background) = (u16::from(text[nth]), u16::from(background[nth]));
        u8::try_from((2 * text + background) / 3).unwrap_or(u8::MAX)
    };
    std::array::from_fn(mixed)
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text without the characters that XML forbids even as references. A frame has no control characters; names and rows of a
/// database may have the other ones.
fn xml(text: &str) -> String {
    text.replace(
        |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
        "\u{fffd}",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};

    use super::{BACKGROUND, Look, Rgb, write};
    use crate::tui::theme::{Colours, Ink, Theme};

    fn frame(width: u16, height: u16) -> Buffer {
        Buffer::empty(Rect::new(0, 0, width, height))
    }

    /// The picture behind its head: what is drawn for the cells.
    fn drawn(frame: &Buffer) -> Vec<String> {
        let mut picture = Vec::new();
        write(&mut picture, frame, "a < b & \u{1b}").expect("a picture");
        let picture = String::from_utf8(picture).expect("UTF-8");
        let mut lines: Vec<String> = picture.lines().map(ToOwned::to_owned).collect();
        assert_eq!(lines[1], "<title>a &lt; b &amp; \u{fffd}</title>");
        assert_eq!(lines.pop().as_deref(), Some("</svg>"));
        lines.drain(..3);
        lines
    }

    fn text(x: u16, baseline: u16, length: u16, rest: &str) -> String {
        format!(
            "<text x=\"{x}\" y=\"{baseline}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"#{rest}</text>"
        )
    }

    #[test]
    fn a_word_of_one_look_is_one_text_at_its_column() {
        let mut frame = frame(20, 2);
        frame.set_string(2, 0, "  two words ", Style::new());
        frame.set_string(14, 0, "PASS", Style::new().green().bold());
        frame.set_string(0, 1, "on", Style::new().black().on_red());
        frame.set_string(4, 1, "off", Style::new().reversed().underlined().italic());
        assert_eq!(
            drawn(&frame),
            [
                text(48, 26, 27, "e6edf3\">two"),
                text(84, 26, 45, "e6edf3\">words"),
                text(138, 26, 36, "56d364\" font-weight=\"bold\">PASS"),
                r##"<rect x="12" y="30" width="18" height="18" fill="#ff7b72" shape-rendering="crispEdges"/>"##.to_owned(),
                text(12, 44, 18, "e6edf3\">on"),
                r##"<rect x="48" y="30" width="27" height="18" fill="#e6edf3" shape-rendering="crispEdges"/>"##.to_owned(),
                text(
                    48,
                    44,
                    27,
                    "151920\" font-style=\"italic\" text-decoration=\"underline\">off"
                ),
            ]
        );
    }

    #[test]
    fn what_is_not_ascii_moves_nothing_beside_it() {
        let mut frame = frame(20, 1);
        frame.set_string(0, 0, "a漢字e\u{301}b", Style::new());
        frame[(19, 0)].set_symbol("漢");
        assert_eq!(
            drawn(&frame),
            [
                text(12, 26, 9, "e6edf3\">a"),
                text(21, 26, 18, "e6edf3\">漢"),
                text(39, 26, 18, "e6edf3\">字"),
                text(57, 26, 9, "e6edf3\">e\u{301}"),
                text(66, 26, 9, "e6edf3\">b"),
                text(183, 26, 18, "e6edf3\">漢"),
            ]
        );
    }

    #[test]
    fn no_text_is_markup_or_forbidden_in_xml() {
        let mut frame = frame(8, 1);
        frame.set_string(0, 0, "<&>\"'", Style::new());
        for (x, symbol) in [(5, "\u{1b}"), (6, "\u{ffff}"), (7, "\u{fffe}")] {
            frame[(x, 0)].set_symbol(symbol);
        }
        let replaced = |x| text(x, 26, 9, "e6edf3\">\u{fffd}");
        assert_eq!(
            drawn(&frame),
            [
                text(12, 26, 45, "e6edf3\">&lt;&amp;&gt;&quot;&#x27;"),
                replaced(57),
                replaced(66),
                replaced(75),
            ]
        );
    }

    #[test]
    fn every_line_of_the_theme_is_drawn_to_the_edge_of_its_cell() {
        let theme = Theme::new(false, Colours::Sixteen);
        for (is_heavy, stroke) in [(false, 1), (true, 3)] {
            let lines = theme.lines(is_heavy);
            let (mut frame, style) = (frame(3, 3), Style::new());
            for (y, [left, right], between) in [
                (0, lines.top, lines.across),
                (2, lines.bottom, lines.across),
            ] {
                frame.set_string(0, y, format!("{left}{between}{right}"), style);
            }
            frame.set_string(0, 1, format!("{0} {0}", lines.down), style);
            assert_eq!(
                drawn(&frame),
                [format!(
                    "<path fill=\"none\" stroke=\"#e6edf3\" stroke-width=\"{stroke}\" d=\"{}\"/>",
                    "M16.5 30V20.5H21M21 20.5H30M30 20.5H34.5V30\
                     M16.5 30V48M34.5 30V48\
                     M16.5 48V56.5H21M21 56.5H30M30 56.5H34.5V48"
                )]
            );
        }
        let mut frame = frame(1, 1);
        frame[(0, 0)].set_symbol(theme.crossing());
        assert!(drawn(&frame)[0].contains("d=\"M12 20.5H21M16.5 12V30\""));
    }

    /// How bright a colour is, as WCAG 2 counts it.
    fn luminance(colour: Rgb) -> f64 {
        let linear = |part: u8| ((f64::from(part) / 255.0 + 0.055) / 1.055).powf(2.4);
        let [red, green, blue] = colour.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn every_ink_is_readable_and_every_colour_another() {
        let theme = Theme::new(false, Colours::Sixteen);
        let inks = Ink::ALL.into_iter().filter(|ink| *ink != Ink::Target);
        let targets = ["red", "green", "yellow", "blue", "magenta", "cyan", "white"];
        let targets = targets.map(|name| theme.with_target(name).style(Ink::Target));
        let styles = inks.map(|ink| theme.style(ink)).chain(targets);
        let (mut frame, mut seen) = (frame(1, 1), BTreeMap::<Rgb, (Color, bool)>::new());
        for style in styles {
            frame[(0, 0)].set_style(Style::reset().patch(style));
            let look = Look::of(&frame[(0, 0)]);
            let contrast = (luminance(look.text) + 0.05) / (luminance(BACKGROUND) + 0.05);
            assert!(contrast >= 4.5, "{style:?}: {contrast}");
            let is_dim = style.add_modifier.contains(Modifier::DIM);
            let meant = (style.fg.unwrap_or_default(), is_dim);
            let other = *seen.entry(look.text).or_insert(meant);
            assert_eq!(other, meant, "one colour for both");
        }
    }
}
