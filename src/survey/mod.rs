//! What was read from the database: facts, provenance, snapshots, digests, and how two surveys and two documents differ.
//! Invariant: pure; it imports no other folder and knows no clock, file, socket or thread. Held by tests/architecture.rs.

mod align;
mod attribution;
mod change;
mod changed_words;
mod compare;
mod content;
mod database_names;
mod derivation;
mod digest;
mod evidence_format;
mod fact;
mod fields;
mod finding;
mod folding;
mod hunks;
mod identifier;
mod inline_changes;
mod line_pairing;
mod lines;
mod named_enum;
mod parsed;
mod proof;
mod provenance;
mod role;
mod role_remedy;
mod side;
mod snapshot;
mod surroundings;
mod survey_taken;
mod table_definition;
mod time;

pub use align::{AlignedRow, Alignment, AlignmentCounts, DocumentShape};
pub use attribution::{
    Attribution, FactOrigins, OriginKeys, Origins, OtherSession, RowAttribution, RowOrigin,
};
pub use change::{DocumentSource, changes_with_rows, rows_of};
pub use changed_words::{
    ChangedWords, SentencePart, SentenceStyle, most_telling, passages, sentence,
};
pub use compare::{FactChange, RowChange, SurveyChanges, compare, compare_rows, differences};
pub use content::{
    ContentColumn, ContentHasher, DocumentContent, RowDigest, columns_line, content_format,
    content_hex, content_of_document, content_of_two_formats, decoded_row, encoded_columns,
    encoded_row, hidden_columns, names_columns, row_line, tagged,
};
pub use database_names::{DatabaseNames, NamedRelation, RelationDetails};
pub use derivation::{Depth, DerivationLine};
pub use digest::{Digest, DigestError, Hasher, facts_digest, is_of_no_rows};
pub use evidence_format::EvidenceFormat;
pub use fact::{DocumentRef, Fact, FactDocument, FactKey, FactKind, Observed};
pub use fields::{a_field_a_line, fields};
pub use finding::SearchPattern;
pub use folding::{Folding, Item};
pub use hunks::line_hunks;
pub use identifier::quoted_identifier;
pub use inline_changes::{FieldChange, InlineChanges, column, field_changes, inline_changes};
pub use lines::Lines;
pub(crate) use named_enum::named_enum;
pub use proof::{Footprint, Residue, TransactionProof};
pub use provenance::{Declared, Derived, Live, Provenance, Rehearsed, Simulated};
pub use role::{MoreFindings, RoleFinding, RoleSurvey, Severity};
pub use side::{Side, Sides};
pub use snapshot::{ServerIdentity, Snapshot};
pub use surroundings::{
    BESIDE, CALLED_CODE, DriftRule, FactPart, NAME_RESOLUTION, PRIVILEGES, definition_key,
    is_surroundings, parts_of, reads_surroundings,
};
pub use survey_taken::{StreamDigest, Survey, UnreadStream};
pub use table_definition::TableDefinition;
pub use time::UtcTime;
