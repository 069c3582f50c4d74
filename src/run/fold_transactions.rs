//! Our transactions as the fold keeps them.
//! Invariant: a transaction has one end, and one that nobody saw is never called seen. What is set aside is over, without a
//! stain and the source of no recorded survey, and is still counted (`RunState::set_read_aside`; test
//! `what_is_set_aside_is_still_counted`).

use super::{Event, Purpose, RunState, Transaction, TransactionEnd, TransactionOpened};
use crate::survey::{Digest, EvidenceFormat, Footprint, Hasher, UtcTime};

/// Reads that are listed although they were not fully measured, or their end was not seen. Those that follow are counted.
const EXCEPTIONS_LISTED: u64 = 100;

/// What is left of reads that are counted and not listed: a run that waits for days reads by the hundred thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadsAside {
    /// Reads that were clean.
    pub clean: u64,
    /// Reads that were not fully measured; nothing that was measured speaks against them.
    pub unmeasured: u64,
    /// Reads whose end was not seen.
    pub unseen: u64,
    /// SHA-256 over number and end of all of them, with everything that was measured, in order. `None`: there is none.
    pub sha256: Option<Digest>,
    /// Sum of what they cost the server.
    pub footprint: Footprint,
    /// Reads like these that are listed all the same, because they came first.
    exceptions_listed: u64,
}

impl ReadsAside {
    /// How many reads are not listed.
    pub fn count(&self) -> u64 {
        self.clean + self.unmeasured + self.unseen
    }

    /// Counts a read that is over; `false`: it has to be listed.
    fn take(&mut self, read: &Transaction) -> bool {
        let number = match &read.end {
            TransactionEnd::Open => return false,
            TransactionEnd::Closed(proof) if proof.is_clean() => &mut self.clean,
            // What speaks against a transaction is evidence by itself: it is never a number among others.
            TransactionEnd::Closed(proof) if !proof.violations().is_empty() => return false,
            TransactionEnd::Closed(_) | TransactionEnd::Unseen(_)
                if self.exceptions_listed < EXCEPTIONS_LISTED =>
            {
                self.exceptions_listed += 1;
                return false;
            }
            TransactionEnd::Closed(_) => &mut self.unmeasured,
            TransactionEnd::Unseen(_) => &mut self.unseen,
        };
        *number += 1;
        // Each digest covers the one before: what was counted can be neither exchanged nor put in another order.
        let mut hasher = Hasher::new();
        if let Some(before) = &self.sha256 {
            hasher.field(before.as_str());
        }
        hasher.field(read.id.to_string());
        match &read.end {
            TransactionEnd::Closed(proof) => {
                self.footprint.add(&proof.footprint);
                proof.hash_into(&mut hasher);
            }
            TransactionEnd::Unseen(why) => hasher.field(why),
            TransactionEnd::Open => {}
        }
        self.sha256 = Some(hasher.finish());
        true
    }
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

    /// Whether reads are counted where claims, sheets and reports would list each.
    pub(super) fn counts_reads(&self) -> bool {
        self.created
            .as_ref()
            .is_some_and(|c| c.evidence_format > EvidenceFormat::One)
    }

    /// Counts a read that is over and drops its proof, once this event has been applied: a transaction can be dropped when
    /// another one is opened after it, or when it ends late.
    pub(super) fn set_read_aside(&mut self, event: &Event) {
        let last = self.transactions.len().saturating_sub(1);
        let ended = |run: &Self, id| run.transaction(id).filter(|nth| *nth != last);
        let nth = if matches!(event, Event::TransactionOpened(_)) {
            last.checked_sub(1)
        } else if let Event::TransactionClosed(closed) = event {
            ended(self, closed.id)
        } else if let Event::TransactionUnseen(unseen) = event {
            ended(self, unseen.id)
        } else {
            None
        };
        let Some(nth) = nth else { return };
        let read = &self.transactions[nth];
        // The proof of a recorded survey is what claims A and B rest on.
        let is_read =
            matches!(read.purpose, Purpose::Survey | Purpose::LiveRead) && !read.gave_survey;
        if is_read && self.reads_aside.take(read) {
            self.transactions.remove(nth);
        }
    }

    /// How many transactions there were.
    pub fn transactions_opened(&self) -> u64 {
        self.transactions.len() as u64 + self.reads_aside.count()
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
