//! The ways in which a statement leads to a function that it does not name.

/// One way from an object of the catalogue to what can run because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolver {
    /// Children and partitions of a table.
    Inheritance,
    /// The query of a view.
    Rules,
    /// Expressions, predicates, operator classes and access methods of indexes, and the access method of a table.
    Indexes,
    /// CHECK and exclusion constraints.
    Constraints,
    /// Expressions of extended statistics.
    Statistics,
    /// Columns that are computed when they are read (PostgreSQL 18 and newer).
    GeneratedColumns,
    /// Expressions and operator classes of partition keys.
    Partitions,
    /// Row security.
    Policies,
    /// Types of columns, and the type of a whole row.
    Columns,
    /// What a domain is over, and its CHECK constraints.
    Domains,
    /// Elements of an array, and arrays of a type.
    Arrays,
    /// Fields of a composite type.
    Composites,
    /// Subtype, order and functions of a range type.
    Ranges,
    /// Casts from and to a type.
    Casts,
    /// Function, estimates, commutator and negator of an operator.
    Operators,
    /// Support functions and operators of the operator classes of a type.
    OperatorClasses,
    /// Input, output and the like of a type.
    TypeFunctions,
    /// Types, parts and defaults of a function.
    Functions,
    /// Configurations, dictionaries, templates and parsers.
    TextSearch,
    /// What stands in for a part of PostgreSQL itself.
    BuiltIns,
}

impl Resolver {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Inheritance,
        Self::Rules,
        Self::Indexes,
        Self::Constraints,
        Self::Statistics,
        Self::GeneratedColumns,
        Self::Partitions,
        Self::Policies,
        Self::Columns,
        Self::Domains,
        Self::Arrays,
        Self::Composites,
        Self::Ranges,
        Self::Casts,
        Self::Operators,
        Self::OperatorClasses,
        Self::TypeFunctions,
        Self::Functions,
        Self::TextSearch,
        Self::BuiltIns,
    ];

    /// Its name, as `assets/sql/reach` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inheritance => "inheritance",
            Self::Rules => "rules",
            Self::Indexes => "indexes",
            Self::Constraints => "constraints",
            Self::Statistics => "statistics",
            Self::GeneratedColumns => "generated columns",
            Self::Partitions => "partitions",
            Self::Policies => "policies",
            Self::Columns => "columns",
            Self::Domains => "domains",
            Self::Arrays => "arrays",
            Self::Composites => "composites",
            Self::Ranges => "ranges",
            Self::Casts => "casts",
            Self::Operators => "operators",
            Self::OperatorClasses => "operator classes",
            Self::TypeFunctions => "type functions",
            Self::Functions => "functions",
            Self::TextSearch => "text search",
            Self::BuiltIns => "built-ins",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}
