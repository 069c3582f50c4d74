//! The statement record: every SQL text that was sent. A text is noted before it is on the wire (`Wire::batch_with_progress`,
//! `Wire::start`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Every statement that the connections of one discoverer sent, once each.
#[derive(Debug, Clone, Default)]
pub(super) struct StatementRecord(Arc<Mutex<BTreeSet<String>>>);

impl StatementRecord {
    /// Notes a statement that is about to be sent.
    pub(super) fn note(&self, text: &str) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !sent.contains(text) {
            sent.insert(text.to_owned());
        }
    }

    /// The statements, sorted, once each.
    pub(super) fn statements(&self) -> Vec<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().cloned().collect()
    }
}
