//! Our transactions as the fold keeps them. Invariant: one has one end, an end that nobody saw is never called seen, and what is set aside was closed, clean, a read that no recorded survey came from, and is counted.

use super::{
    Event, Purpose, RunState, Transaction, TransactionClosed, TransactionEnd, TransactionOpened,
    TransactionUnseen,
};
use crate::survey::{Footprint, UtcTime};

/// Clean reads of which only number and cost are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadsAside {
    /// How many.
    pub count: usize,
    /// What they cost the server together.
    pub footprint: Footprint,
}

impl RunState {
    pub(super) fn apply_transaction(&mut self, at: UtcTime, event: &Event) {
        let (id, end, given_up_at) = match event {
            Event::TransactionOpened(TransactionOpened { id, purpose, .. }) => {
                let end = TransactionEnd::Open;
                self.transactions.push(Transaction {
                    id: *id,
                    purpose: *purpose,
                    opened_at: at,
                    end,
                    given_up_at: None,
                });
                return;
            }
            Event::TransactionClosed(TransactionClosed { id, proof }) => {
                (id, TransactionEnd::Closed(proof.clone()), None)
            }
            Event::TransactionUnseen(TransactionUnseen { id, reason }) => {
                (id, TransactionEnd::Unseen(reason.clone()), Some(at))
            }
            _ => return,
        };
        if let Some(open) = self.transactions.iter_mut().rev().find(|t| t.id == *id) {
            open.end = end;
            open.given_up_at = given_up_at;
            self.costs.count(open);
        }
    }

    pub(super) fn abandon_open_transactions(&mut self) {
        for transaction in &mut self.transactions {
            if transaction.end == TransactionEnd::Open {
                transaction.end = TransactionEnd::Unseen("its process ended".to_owned());
            }
        }
    }

    /// Lets go of the proofs of clean reads that no recorded survey came from, but for the last transaction: a screen only counts
    /// them, and a run that waits for days reads by the hundred thousand. Who audits or reports needs every proof and never calls
    /// this.
    pub fn set_reads_aside(&mut self) {
        let last = self.transactions.last().map(|transaction| transaction.id);
        let (aside, surveys) = (&mut self.reads_aside, &self.surveys);
        self.transactions.retain(|transaction| {
            let TransactionEnd::Closed(proof) = &transaction.end else {
                return true;
            };
            let (id, purpose) = (transaction.id, transaction.purpose);
            let kept = purpose == Purpose::Validation
                || Some(id) == last
                || surveys.iter().any(|survey| survey.nonce == proof.nonce)
                || !proof.is_clean();
            if !kept {
                aside.count += 1;
                aside.footprint.add(&proof.footprint);
            }
            kept
        });
    }

    /// Lets go, once this event has been applied, of what it leaves behind: where none begins and none but the last ends, nothing.
    pub fn set_reads_aside_after(&mut self, event: &Event) {
        let last = self.transactions.last().map(|transaction| transaction.id);
        match event {
            Event::TransactionOpened(_) => self.set_reads_aside(),
            Event::TransactionClosed(TransactionClosed { id, .. }) if Some(*id) != last => {
                self.set_reads_aside();
            }
            _ => {}
        }
    }

    /// What reading cost the server so far.
    pub fn footprint(&self) -> Footprint {
        let mut sum = Footprint::default();
        for transaction in &self.transactions {
            if let TransactionEnd::Closed(proof) = &transaction.end {
                sum.add(&proof.footprint);
            }
        }
        sum.add(&self.reads_aside.footprint);
        sum
    }
}
