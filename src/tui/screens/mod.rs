//! One file per region of the screen. Invariant: a screen is a pure function of the model; it never changes it.

pub mod approve_sheet;
pub mod band;
mod body;
pub mod details;
mod diff;
mod diff_band;
mod diff_document;
mod diff_facts;
mod diff_lines;
mod diff_pages;
mod differences;
mod documents;
mod effect;
mod events;
mod fact_row;
mod facts;
mod footer;
mod gates;
mod header;
mod pane;
mod proof;
pub mod reading_screen;
pub mod reject_sheet;
mod running;
mod sealed;
mod stops;
mod waiting;
mod words;

pub use body::{Shape, draw, panes_on_screen, shape};
pub use diff::{DiffAreas, diff_areas, diff_layout};
pub use diff_lines::{DiffLayout, DiffLine, diff_lines};
pub use diff_pages::diff_page;
pub use events::count as events_count;
pub use pane::{PaneRow, PaneText, pane_text};
