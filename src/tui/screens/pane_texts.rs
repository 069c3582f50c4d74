//! Cache of the panes' texts, kept from frame to frame.
//! Invariant: a kept text is the one that would be made now (test `a_screen_shows_what_one_that_keeps_nothing_would` of
//! tests/screens/keeping.rs): it is dropped with every message but a key, and made again where time, size or enlargement is in
//! it.

use std::cell::RefCell;
use std::sync::Arc;

use ratatui::layout::Size;

use super::pane::{PaneText, pane_text};
use crate::tui::model::{Model, Pane};

/// The texts of the panes as they were made last. Making them is the most expensive part of answering a key, and keys change
/// none of them.
#[derive(Debug, Clone, Default)]
pub struct PaneTexts(RefCell<[Option<Kept>; Pane::ALL.len()]>);

#[derive(Debug, Clone)]
struct Kept {
    width: usize,
    size: Size,
    enlarged: bool,
    text: Arc<PaneText>,
}

impl PaneTexts {
    /// Something came that may change what a pane says.
    pub fn forget(&mut self) {
        self.0 = RefCell::default();
    }
}

/// What is in a pane of that inner width. Of the events only those of `window`: rows on screen; `None`: all.
pub(in crate::tui) fn kept_text(
    model: &Model,
    pane: Pane,
    width: usize,
    window: Option<usize>,
) -> Arc<PaneText> {
    let make = || Arc::new(pane_text(model, pane, width, window));
    // The events are made around the chosen one; while work runs, and in a replay, the time is in the gates.
    if pane == Pane::Events || model.is_running() || model.playback.is_some() {
        return make();
    }
    let mut all = model.panes.0.borrow_mut();
    let kept = &mut all[pane.index()];
    let (size, enlarged) = (model.size, model.enlarged);
    match kept {
        Some(kept) if (kept.width, kept.size, kept.enlarged) == (width, size, enlarged) => {
            kept.text.clone()
        }
        _ => {
            let text = make();
            *kept = Some(Kept {
                width,
                size,
                enlarged,
                text: text.clone(),
            });
            text
        }
    }
}
