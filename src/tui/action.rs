//! What a key can mean. An action says what a person wants, independent of the key and of the screen.

/// What a key means. On a sheet only the sheet's own keys mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go to a pane by its digit, 1 to 6.
    Pane(u8),
    /// Focus the next pane.
    NextPane,
    /// Focus the pane before.
    PreviousPane,
    /// Move one row down.
    Down,
    /// Move one row up.
    Up,
    /// Pane to the left.
    Left,
    /// Pane to the right.
    Right,
    /// Go to the first row.
    First,
    /// Go to the last row, and follow it as rows come.
    Last,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// Move a page down.
    PageDown,
    /// Move a page up.
    PageUp,
    /// Open the row, else enlarge the pane.
    Open,
    /// Close what lies on top, or go back to the list.
    Back,
    /// Search in the focused pane.
    Search,
    /// Go to the next match of the search.
    NextMatch,
    /// Go to the match before.
    PreviousMatch,
    /// Show the help page with all keys.
    Help,
    /// Open the diff screen.
    Differences,
    /// Read the whole evidence sheet.
    Evidence,
    /// Read the files of the change.
    ChangeFiles,
    /// Open the approval sheet.
    Approve,
    /// Open the rejection sheet.
    Reject,
    /// Read the facts again.
    SurveyAgain,
    /// Take up a run that nobody holds.
    TakeUp,
    /// Copy the whole value.
    Copy,
    /// Leave the screen.
    Quit,
    /// Suspend the process, as Ctrl-z does in a shell (raw mode turns the terminal's own Ctrl-z off).
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Next change of the document.
    NextChange,
    /// Change of the document before.
    PreviousChange,
    /// Choose the next fact.
    NextFact,
    /// Choose the fact before.
    PreviousFact,
    /// All facts, or those that differ.
    ToggleEqual,
    /// Long lines go on below, or are cut with a count.
    ToggleWrap,
    /// Side by side, or stacked.
    ToggleStacked,
    /// Opens the equal lines that are folded, or folds them.
    Fold,
    /// Type a reviewer's note.
    Note,
    /// How the fact was read.
    HowRead,
    /// The reports of a run.
    Reports,
    /// Verify the chosen run.
    Verify,
    /// Order by the next thing.
    Sort,
    /// Order the other way round.
    SortReversed,
    /// Look at the runs again.
    LookAgain,
    /// Play a run back from its journal.
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
    /// To the next stop or decision.
    NextStop,
    /// To the stop or decision before.
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
