//! Our transactions as the fold keeps them.
//! Invariant: a transaction has one end, and one that nobody saw is never called seen. What is set aside was closed, clean and
//! the source of no recorded survey, and is still counted (`RunState::drop_clean_read`; test
//! `what_is_set_aside_is_still_counted`).

use super::{Event, Purpose, RunState, Transaction, TransactionEnd, TransactionOpened};
use crate::survey::{Footprint, UtcTime};

/// Clean reads of which only number and cost are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadsAside {
    /// Number of reads.
    pub count: usize,
    /// Sum of what they cost the server.
    pub footprint: Footprint,
}

impl RunState {
    pub(super) fn open_transaction(&mut self, at: UtcTime, opened: &TransactionOpened) {
        self.transactions.push(Transaction {
            id: opened.id,
            purpose: opened.purpose,
            opened_at: at,
            end: TransactionEnd::Open,
            given_up_at: None,
            gave_survey: false,
        });
    }

    /// `given_up_at`: when a process of the run gave up seeing the end.
    pub(super) fn end_transaction(
        &mut self,
        id: u64,
        end: TransactionEnd,
        given_up_at: Option<UtcTime>,
    ) {
        if let Some(nth) = self.transaction(id) {
            let open = &mut self.transactions[nth];
            open.end = end;
            open.given_up_at = given_up_at;
            self.costs.count(open);
        }
    }

    /// The place of a transaction. Their numbers rise, so that a run with a hundred thousand reads is looked through in no
    /// time.
    pub(super) fn transaction(&self, id: u64) -> Option<usize> {
        self.transactions.binary_search_by_key(&id, |t| t.id).ok()
    }

    /// A survey that is recorded keeps the proof of its transaction, which is among the last.
    pub(super) fn note_survey_of(&mut self, nonce: &str) {
        let of_survey = |t: &&mut Transaction| matches!(&t.end, TransactionEnd::Closed(proof) if proof.nonce == nonce);
        if let Some(transaction) = self.transactions.iter_mut().rev().find(of_survey) {
            transaction.gave_survey = true;
        }
    }

    pub(super) fn abandon_open_transactions(&mut self) {
        for transaction in &mut self.transactions {
            if transaction.end == TransactionEnd::Open {
                transaction.end = TransactionEnd::Unseen("its process ended".to_owned());
            }
        }
    }

    /// Drops the proof of a clean read that is over, once this event has been applied: a transaction can be dropped when
    /// another one is opened after it, or when it is closed late.
    pub(super) fn drop_clean_read(&mut self, event: &Event) {
        let last = self.transactions.len().saturating_sub(1);
        let nth = if matches!(event, Event::TransactionOpened(_)) {
            last.checked_sub(1)
        } else if let Event::TransactionClosed(closed) = event {
            self.transaction(closed.id).filter(|nth| *nth != last)
        } else {
            None
        };
        let Some(nth) = nth else { return };
        let transaction = &self.transactions[nth];
        if let TransactionEnd::Closed(proof) = &transaction.end
            && transaction.purpose != Purpose::Validation
            && !transaction.gave_survey
            && proof.is_clean()
        {
            self.reads_aside.count += 1;
            self.reads_aside.footprint.add(&proof.footprint);
            self.transactions.remove(nth);
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
