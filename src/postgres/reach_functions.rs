//! Which functions may run: PostgreSQL's own without an effect, those of well-known extensions by library and symbol, those
//! that the profile names. Volatility that a function declares of itself is no evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::guard::guard_body;

/// What the catalogue says of a function.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of pg_proc by itself"
)]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FunctionFacts {
    /// `schema.name`, unquoted.
    pub(super) name: String,
    /// Whether it came with PostgreSQL itself.
    pub(super) own: bool,
    language: String,
    kind: String,
    source: Option<String>,
    library: Option<String>,
    definer: bool,
    settings: bool,
    /// Whether it is said to have an effect, or PostgreSQL's own function with the same code is.
    volatile: bool,
    /// Everything that decides what it does, for those that did not come with PostgreSQL.
    pub(super) definition: Option<String>,
}

/// PostgreSQL's own functions that are not volatile and yet have an effect, or run what a value names: tables and views, the
/// checks of a domain, the support functions of a partition key. By the name of their code.
const WITH_EFFECT: [&str; 15] = [
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "database_to_xmlschema",
    "domain_in",
    "domain_recv",
    "pg_current_xact_id",
    "pg_input_error_info",
    "pg_input_is_valid",
    "satisfies_hash_partition",
    "schema_to_xml",
    "schema_to_xml_and_xmlschema",
    "schema_to_xmlschema",
    "table_to_xml",
    "table_to_xml_and_xmlschema",
    "table_to_xmlschema",
];

/// Input functions whose type is a value. They belong to types; called by an expression, they could read any type.
const OF_ANY_TYPE: [&str; 7] = [
    "array_in",
    "array_recv",
    "multirange_in",
    "range_in",
    "record_in",
    "record_recv",
    "range_recv",
];

/// Libraries that PostgreSQL's own functions are in, by the beginning of their names: dictionaries and conversions.
const OWN_LIBRARIES: [&str; 4] = ["dict_snowball", "utf8_and_", "euc", "latin"];

/// Every function that these extensions ship in C, a line for each library. None of them writes, waits or runs text as SQL.
static EXTENSIONS: LazyLock<BTreeMap<&str, BTreeSet<&str>>> = LazyLock::new(|| {
    let lines = include_str!("../../assets/extension_functions.txt").lines();
    let libraries = lines.filter_map(|line| {
        let (library, symbols) = line.split_once(": ")?;
        Some((library, symbols.split(' ').collect()))
    });
    libraries.collect()
});

/// The C functions that PostgreSQL ships as volatile.
static VOLATILE: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../assets/volatile_functions.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(' ')).collect()
});

/// Their names, one a line.
pub(super) fn volatile_functions() -> String {
    let names: Vec<&str> = VOLATILE.iter().copied().collect();
    names.join("\n")
}

/// Volatile functions that PostgreSQL's own views call: they show the state of the server and change nothing.
const READ_BY_OWN_VIEWS: [&str; 14] = [
    "pg_get_aios",
    "pg_get_backend_memory_contexts",
    "pg_get_shmem_allocations",
    "pg_get_shmem_allocations_numa",
    "pg_get_wait_events",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_lock_status",
    "pg_prepared_xact",
    "pg_sequence_last_value",
    "pg_show_replication_origin_status",
    "pg_stat_get_io",
    "pg_stat_get_recovery_prefetch",
    "show_all_file_settings",
];

impl FunctionFacts {
    /// Whether it only shows what PostgreSQL's own views show.
    pub(super) fn is_read_by_own_views(&self) -> bool {
        let source = self.source.as_deref().unwrap_or_default();
        let transaction = source.starts_with("pg_stat_get_xact_");
        self.language == "internal" && (transaction || READ_BY_OWN_VIEWS.contains(&source))
    }

    /// Whether the profile names it.
    pub(super) fn named_in(&self, allowed: &[String]) -> bool {
        let short = self.name.strip_prefix("pg_catalog.");
        allowed
            .iter()
            .any(|name| *name == self.name || Some(name.as_str()) == short)
    }

    /// Whether it can be run without an effect. `by_expression`: an expression calls it, not a type that it belongs to.
    pub(super) fn is_harmless(&self, by_expression: bool) -> bool {
        let source = self.source.as_deref().unwrap_or_default();
        if self.definer || self.settings {
            return false;
        }
        match (self.language.as_str(), self.own) {
            ("internal", own) => {
                // A new aggregate or window function has no code of its own: its parts say nothing of its name.
                let named = own || self.kind == "f";
                let of_any_type = by_expression && OF_ANY_TYPE.contains(&source);
                named
                    && !self.volatile
                    && !VOLATILE.contains(source)
                    && !of_any_type
                    && !WITH_EFFECT.contains(&source)
            }
            ("c", true) => {
                let library = self.library.as_deref().unwrap_or_default();
                let library = library.strip_prefix("$libdir/").unwrap_or_default();
                !self.volatile && OWN_LIBRARIES.iter().any(|own| library.starts_with(own))
            }
            ("c", false) => {
                let library = self.library.as_deref().unwrap_or_default();
                let library = library.strip_prefix("$libdir/").unwrap_or(library);
                EXTENSIONS
                    .get(library)
                    .is_some_and(|symbols| symbols.contains(source))
            }
            // A parsed body has no text; what it calls is resolved.
            ("sql", true) => !self.volatile && guard_body(source).is_ok(),
            _ => false,
        }
    }
}
