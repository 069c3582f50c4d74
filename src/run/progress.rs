//! Progress of long work. It is counted, never estimated, and not recorded: it may be dropped.

/// How far a long read has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// `Grant matrix`, `Live units`.
    pub what: String,
    /// What is counted: `rows`, `answers`; empty: nothing is.
    pub noun: &'static str,
    /// Number done so far.
    pub done: u64,
    /// Number expected; `None`: not known.
    pub total: Option<u64>,
}

impl Progress {
    /// `copying shop.orders`; where something is counted `Grant matrix: 212400 of 337671 rows`.
    pub fn words(&self) -> String {
        let Self {
            what, noun, done, ..
        } = self;
        match self.total {
            _ if noun.is_empty() => what.clone(),
            Some(total) => format!("{what}: {done} of {total} {noun}"),
            None => format!("{what}: {done} {noun}"),
        }
    }
}
