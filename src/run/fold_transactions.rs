//! Our transactions as the fold keeps them. Invariant: what is set aside was closed, clean, a live read, and is counted.

use super::{Event, Purpose, RunState, Transaction, TransactionEnd};
use crate::survey::{Footprint, UtcTime};

/// Clean live reads of which only number and cost are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadsAside {
    /// How many.
    pub count: usize,
    /// What they cost the server together.
    pub footprint: Footprint,
}

impl RunState {
    pub(super) fn apply_transaction(&mut self, at: UtcTime, event: &Event) {
        let (id, end) = match event {
            Event::TransactionOpened { id, purpose, .. } => {
                let end = TransactionEnd::Open;
                self.transactions.push(Transaction {
                    id: *id,
                    purpose: *purpose,
                    opened_at: at,
                    end,
                });
                return;
            }
            Event::TransactionClosed { id, proof } => (id, TransactionEnd::Closed(proof.clone())),
            Event::TransactionUnseen { id, reason } => (id, TransactionEnd::Unseen(reason.clone())),
            _ => return,
        };
        if let Some(open) = self.transactions.iter_mut().rev().find(|t| t.id == *id) {
            open.end = end;
        }
    }

    pub(super) fn abandon_open_transactions(&mut self) {
        for transaction in &mut self.transactions {
            if transaction.end == TransactionEnd::Open {
                transaction.end = TransactionEnd::Unseen("its process ended".to_owned());
            }
        }
    }

    /// Lets go of the proofs of clean live reads, but for the last transaction: a screen only counts them, and a run that waits
    /// for days reads by the hundred thousand. Who audits or reports needs every proof and never calls this.
    pub fn set_reads_aside(&mut self) {
        let last = self.transactions.last().map(|transaction| transaction.id);
        let aside = &mut self.reads_aside;
        self.transactions.retain(|transaction| {
            let kept = transaction.purpose != Purpose::LiveRead || Some(transaction.id) == last;
            match &transaction.end {
                TransactionEnd::Closed(proof) if !kept && proof.stains().is_empty() => {
                    aside.count += 1;
                    aside.footprint.add(&proof.footprint);
                    false
                }
                _ => true,
            }
        });
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
