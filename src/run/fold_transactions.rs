//! Folding the events of our transactions. Invariant: one has one end, and an end that nobody saw is never called seen.

use super::{Event, RunState, Transaction, TransactionEnd};
use crate::survey::UtcTime;

impl RunState {
    pub(super) fn apply_transaction(&mut self, at: UtcTime, event: &Event) {
        let (id, end, given_up_at) = match event {
            Event::TransactionOpened { id, purpose, .. } => {
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
            Event::TransactionClosed { id, proof } => {
                (id, TransactionEnd::Closed(proof.clone()), None)
            }
            Event::TransactionUnseen { id, reason } => {
                (id, TransactionEnd::Unseen(reason.clone()), Some(at))
            }
            _ => return,
        };
        if let Some(open) = self.transactions.iter_mut().rev().find(|t| t.id == *id) {
            open.end = end;
            open.given_up_at = given_up_at;
        }
    }

    pub(super) fn abandon_open_transactions(&mut self) {
        for transaction in &mut self.transactions {
            if transaction.end == TransactionEnd::Open {
                transaction.end = TransactionEnd::Unseen("its process ended".to_owned());
            }
        }
    }
}
