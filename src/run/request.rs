//! Requests to the process that holds a run.
//! Invariant: an [`Ask`] names no person; the holder puts the caller beside it, as the kernel names it (test
//! `what_is_asked_is_written_without_a_person`).

use serde::{Deserialize, Serialize};

use super::{ApprovalGate, ApprovalRequest, Person, TerminalSize};
use crate::survey::Digest;

/// A person asks for something. The screen makes it, the runner takes it. It has no written form: between processes only the
/// [`Ask`] travels, and the holder puts the person beside it that the kernel names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The person who asks.
    pub by: Person,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked. As JSON it is the line that another process sends: one that is not understood whole asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// The approval sheet is on a screen: record that it was shown, and read all facts again.
    #[serde(rename = "show_sheet")]
    OpenSheet {
        /// The gate of the sheet.
        gate: ApprovalGate,
        /// Digest of the evidence on the sheet.
        evidence: Digest,
        /// Size of the screen that it is on; `None`: not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<TerminalSize>,
    },
    /// Approve, reject or withdraw.
    Decide(ApprovalRequest),
    /// Take new evidence after drift or expiry, else nothing.
    // With braces, so that it too is refused where somebody says more than it.
    Renew {},
    /// Read everything again now; after drift or expiry take new evidence. Only the screen of the holder asks for it: other
    /// processes look without making the database work.
    #[serde(skip)]
    SurveyAgain,
}

impl Ask {
    /// Whether another process that asks for this waits until the run has stopped again. Else it only has to be heard.
    pub fn is_answered_by_the_next_stop(&self) -> bool {
        matches!(self, Self::Decide(_) | Self::Renew {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ApprovalGate, ApprovalRequest, Ask, Digest, TerminalSize};

    #[test]
    fn what_is_asked_is_written_without_a_person() {
        let zero = Digest::zero();
        let written = [
            (
                Ask::OpenSheet {
                    gate: ApprovalGate::SG1,
                    evidence: zero.clone(),
                    size: None,
                },
                json!({ "ask": "show_sheet", "gate": "SG1", "evidence": zero }),
            ),
            (
                Ask::OpenSheet {
                    gate: ApprovalGate::SG1,
                    evidence: zero.clone(),
                    size: Some(TerminalSize {
                        columns: 80,
                        rows: 24,
                    }),
                },
                json!({
                    "ask": "show_sheet", "gate": "SG1", "evidence": zero, "size": { "columns": 80, "rows": 24 },
                }),
            ),
            (
                Ask::Decide(ApprovalRequest::approve(ApprovalGate::SG2, zero.clone())),
                json!({
                    "ask": "decide", "gate": "SG2", "decision": "approve", "evidence": zero, "reason": null,
                }),
            ),
            (Ask::Renew {}, json!({ "ask": "renew" })),
        ];
        for (ask, line) in written {
            assert_eq!(serde_json::to_value(&ask).expect("it is written"), line);
            assert_eq!(serde_json::from_value::<Ask>(line).expect("it reads"), ask);
        }
    }

    #[test]
    fn a_request_that_lost_or_gained_a_field_asks_for_nothing() {
        let zero = Digest::zero();
        let whole = [
            json!({ "ask": "show_sheet", "gate": "SG1", "evidence": zero }),
            json!({ "ask": "decide", "gate": "SG1", "decision": "reject", "evidence": zero, "reason": "no" }),
            json!({ "ask": "renew" }),
        ];
        for line in whole {
            let read = |line: &serde_json::Value| serde_json::from_value::<Ask>(line.clone());
            assert!(read(&line).is_ok(), "{line}");
            for field in line.as_object().expect("an object").keys() {
                let mut lost = line.clone();
                lost.as_object_mut().expect("an object").remove(field);
                assert!(read(&lost).is_err(), "{lost}");
            }
            let mut gained = line.clone();
            gained["evide[nce"] = json!(zero);
            assert!(read(&gained).is_err(), "{gained}");
        }
    }

    #[test]
    fn only_the_screen_of_the_holder_lets_everything_be_read_again() {
        assert!(serde_json::to_value(Ask::SurveyAgain).is_err());
        let read = serde_json::from_value::<Ask>(json!({ "ask": "survey_again" }));
        assert!(read.is_err(), "{read:?}");
    }
}
