//! A statement of the closed list with the values of its parameters, and the reads of a survey that are made of them.

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

/// One read of a survey; each has a savepoint of its own, so that it fails alone.
#[derive(Debug, Clone)]
pub(super) struct PlannedRead {
    /// What is read, for error messages: `fact icx_total`.
    pub(super) name: String,
    pub(super) steps: ReadSteps,
}

/// How a read is asked.
#[derive(Debug, Clone)]
pub(super) enum ReadSteps {
    /// A constant SELECT with its parameters.
    Ask(Call),
    /// DECLARE of a cursor, and its FETCH.
    Cursor(Call, Statement),
}

impl PlannedRead {
    /// A read with a constant SELECT.
    pub(super) fn ask(name: impl Into<String>, call: impl Into<Call>) -> Self {
        Self {
            name: name.into(),
            steps: ReadSteps::Ask(call.into()),
        }
    }

    /// A read through a cursor.
    pub(super) fn cursor(
        name: impl Into<String>,
        declare: impl Into<Call>,
        fetch: Statement,
    ) -> Self {
        Self {
            name: name.into(),
            steps: ReadSteps::Cursor(declare.into(), fetch),
        }
    }
}
