//! The terminal user interface: terminal, inbox, keymap, model, update, event loop, theme, screens, widgets. Drawing only reads
//! the model; where messages come from is not known here.

mod action;
pub mod ansi;
pub mod approve_sheet;
pub mod cast;
mod diff_keys;
mod diff_scroll;
mod diff_search;
pub mod diff_view;
pub mod event_loop;
pub mod inbox;
mod input;
mod key_table;
mod key_table_names;
mod key_table_runs;
mod key_table_sheets;
pub mod keymap;
mod keys;
pub mod model;
mod navigation;
mod notification;
pub mod open_text;
pub mod picker;
pub mod picker_keys;
pub mod picker_loop;
mod picker_search;
pub mod playback;
pub mod reject_sheet;
mod replay_keys;
mod screen_backend;
pub mod screens;
mod signals;
pub mod svg;
pub mod terminal;
pub mod theme;
mod typing;
pub mod update;
pub mod widgets;

pub use event_loop::{Clocks, Ending, RequestRoutes, Screen, ScreenExit, TerminalActions};
pub use inbox::{LocalRequest, RunSnapshot, ScreenMessage, Source, TakeUp};
pub use input::{Input, InputError, spawn as spawn_input};
pub use notification::{Dialect, Notifier, TerminalRoute};
pub use signals::{Signals, ending_signals, spawn as spawn_signals};
pub use terminal::{Guard, RealTerminal, ScreenTerminal, TerminalError};
pub use theme::{Colours, Letters, Theme};
