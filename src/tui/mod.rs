//! What is shown: terminal, inbox, keymap, model, update, event loop, theme, screens, widgets. Invariant: drawing only reads; nothing here knows where events come from.

mod action;
pub mod approving;
mod diff_pressing;
mod diff_scrolling;
pub mod diffing;
pub mod event_loop;
pub mod inbox;
mod input;
pub mod keymap;
mod keys;
pub mod model;
mod moving;
mod notification;
pub mod picker;
pub mod picker_keys;
pub mod picker_loop;
mod picker_search;
pub mod reading;
pub mod rejecting;
mod replay_keys;
pub mod retelling;
mod screen_backend;
pub mod screens;
mod signals;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod widgets;

pub use event_loop::{Clocks, Ending, Farewell, Outside, Screen};
pub use inbox::{News, Order, Progress, Rate, Source};
pub use input::{Input, InputError, spawn as spawn_input};
pub use notification::{Dialect, Notifier, Way};
pub use signals::{Signals, spawn as spawn_signals};
pub use terminal::{Guard, ScreenTerminal, TerminalError, TerminalOutside};
pub use theme::{Colours, Letters, Theme};
