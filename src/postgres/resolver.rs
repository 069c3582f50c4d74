//! The ways in which a statement leads to a function that it does not name.

use serde::Serialize;

use crate::survey::named_enum;

named_enum! {
    /// One way from an object of the catalogue to what can run because of it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    pub enum Resolver {
        /// Children and partitions of a table.
        Inheritance = "inheritance",
        /// The query of a view.
        Rules = "rules",
        /// Expressions, predicates, operator classes and access methods of indexes, and the access method of a table.
        Indexes = "indexes",
        /// CHECK and exclusion constraints.
        Constraints = "constraints",
        /// Expressions of extended statistics.
        Statistics = "statistics",
        /// Columns that are computed when they are read (PostgreSQL 18 and newer).
        GeneratedColumns = "generated columns",
        /// Expressions and operator classes of partition keys.
        Partitions = "partitions",
        /// Row security.
        Policies = "policies",
        /// Types of columns, and the type of a whole row.
        Columns = "columns",
        /// What a domain is over, and its CHECK constraints.
        Domains = "domains",
        /// Elements of an array, and arrays of a type.
        Arrays = "arrays",
        /// Fields of a composite type.
        Composites = "composites",
        /// Subtype, order and functions of a range type.
        Ranges = "ranges",
        /// Casts from and to a type.
        Casts = "casts",
        /// Function, estimates, commutator and negator of an operator.
        Operators = "operators",
        /// Support functions and operators of the operator classes of a type.
        OperatorClasses = "operator classes",
        /// Input, output and the like of a type.
        TypeFunctions = "type functions",
        /// Types, parts and defaults of a function.
        Functions = "functions",
        /// Configurations, dictionaries, templates and parsers.
        TextSearch = "text search",
        /// What stands in for a part of PostgreSQL itself.
        BuiltIns = "built-ins",
    }
}

impl Resolver {
    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}
