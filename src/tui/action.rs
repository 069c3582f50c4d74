//! What a key can mean. Invariant: an action names what a person wants, not the key nor the screen.

/// What a key means. On a sheet only the sheet's own keys mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go to a pane, 1 to 6.
    Pane(u8),
    /// Next pane.
    NextPane,
    /// Pane before.
    PreviousPane,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Pane to the left.
    Left,
    /// Pane to the right.
    Right,
    /// First row.
    First,
    /// Last row.
    Last,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// Open the row, else enlarge the pane.
    Open,
    /// Back.
    Back,
    /// Search in the focused pane.
    Search,
    /// Next match.
    NextMatch,
    /// Match before.
    PreviousMatch,
    /// All keys.
    Help,
    /// Differences.
    Differences,
    /// The evidence, whole.
    Evidence,
    /// The approval sheet.
    Approve,
    /// The rejection sheet.
    Reject,
    /// Read the facts again.
    SurveyAgain,
    /// Copy the whole value.
    Copy,
    /// Leave.
    Quit,
    /// Suspend.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Next change of the document.
    NextChange,
    /// The change before.
    PreviousChange,
    /// Next fact.
    NextFact,
    /// The fact before.
    PreviousFact,
    /// All facts, or those that differ.
    ToggleEqual,
    /// Long lines go on below, or are cut with a count.
    ToggleWrap,
    /// Side by side, or stacked.
    ToggleStacked,
    /// Opens the equal lines that are folded, or folds them.
    Fold,
    /// Write a note.
    Note,
    /// How the fact was read.
    HowRead,
    /// The reports of a run.
    Reports,
    /// Verify a run.
    Verify,
    /// Order by the next thing.
    Sort,
    /// Order the other way round.
    SortReversed,
    /// Look at the runs again.
    LookAgain,
    /// Retell a run from its journal.
    Replay,
    /// Follow a run as it is written.
    Watch,
    /// Write a run into an archive.
    Export,
    /// Play the recording, or pause.
    PlayPause,
    /// One record on.
    StepForward,
    /// One record back.
    StepBack,
    /// To the next stop, gate or decision.
    NextStop,
    /// To the one before.
    PreviousStop,
    /// Go to a record or time.
    GoTo,
    /// Play twice as fast.
    Faster,
    /// Play half as fast.
    Slower,
    /// Waits in real time, or cut short.
    ToggleWaits,
    /// What the approver saw.
    ApproversView,
    /// Timeline in place of the events.
    ToggleTimeline,
    /// What was typed counts: approve, reject, find, write, go.
    Confirm,
    /// Take the last letter back.
    TakeBack,
}
