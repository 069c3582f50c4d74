//! A statement of the closed list with the values of its parameters.

use super::statement::Statement;

/// One statement with its text parameters.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What is sent.
    pub(super) statement: Statement,
    /// The values of its parameters.
    pub(super) params: Vec<String>,
    /// Whether it is parsed only.
    pub(super) parse_only: bool,
}

impl Call {
    /// A call with parameters.
    pub(super) fn with(statement: Statement, params: Vec<String>) -> Self {
        Self {
            statement,
            params,
            parse_only: false,
        }
    }

    /// A statement that is parsed, analysed and rewritten but never executed. It answers one empty row for each parameter.
    pub(super) fn parse(statement: Statement) -> Self {
        Self {
            parse_only: true,
            ..Self::from(statement)
        }
    }
}

impl From<Statement> for Call {
    fn from(statement: Statement) -> Self {
        Self::with(statement, Vec::new())
    }
}
