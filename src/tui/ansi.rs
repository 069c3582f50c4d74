//! A line of text with ANSI colours, for output that is no screen. Without colour no escape sequence is written; with it every
//! coloured piece is followed by a reset.

use std::fmt::Write as _;

use ratatui::style::{Color, Modifier};

use super::theme::Theme;
use super::widgets::Text;

/// A line with the colours of the theme.
pub fn painted(text: &Text, theme: Theme, colour: bool) -> String {
    let mut line = String::new();
    for (shown, ink) in text.pieces() {
        let shown = theme.fitting(shown);
        if !colour {
            line.push_str(shown.as_str());
            continue;
        }
        let style = theme.style(ink);
        let mut codes = Vec::new();
        let modifiers = [
            // SGR codes: 1 bold, 2 dim, 3 italic, 7 reversed, 30 to 37 the colours, 0 reset.
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::REVERSED, "7"),
        ];
        for (modifier, code) in modifiers {
            if style.add_modifier.contains(modifier) {
                codes.push(code.to_owned());
            }
        }
        codes.extend(style.fg.and_then(foreground));
        if codes.is_empty() {
            line.push_str(shown.as_str());
        } else {
            let _ = write!(
                line,
                "\u{1b}[{}m{}\u{1b}[0m",
                codes.join(";"),
                shown.as_str()
            );
        }
    }
    if colour {
        return line;
    }
    // Without colour the lines are for files and pipes: no trailing blanks.
    line.truncate(line.trim_end().len());
    line
}

/// The code of the colours that the theme uses.
fn foreground(colour: Color) -> Option<String> {
    let code = match colour {
        Color::Indexed(number) => return Some(format!("38;5;{number}")),
        Color::Red => "31",
        Color::Green => "32",
        Color::Yellow => "33",
        Color::Blue => "34",
        Color::Magenta => "35",
        Color::Cyan => "36",
        Color::White => "37",
        _ => return None,
    };
    Some(code.to_owned())
}
