//! The settings that must be in force inside a transaction of ours, as the server has them and not as they were asked for: a pooler
//! or a setting of the role may have kept one.

use std::collections::BTreeMap;

/// Name and value, beside the nonce.
const WANTED: [(&str, &str); 22] = [
    ("transaction_read_only", "on"),
    ("transaction_isolation", "repeatable read"),
    ("search_path", ""),
    ("row_security", "off"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "iso_8601"),
    ("timezone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("standard_conforming_strings", "on"),
    ("synchronize_seqscans", "off"),
    ("client_encoding", "UTF8"),
    ("quote_all_identifiers", "off"),
    ("lc_monetary", "C"),
    ("lc_numeric", "C"),
    ("lc_time", "C"),
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("xmloption", "content"),
    ("xmlbinary", "base64"),
];

/// The first setting that is not as it must be; `None`: all are.
pub(super) fn unlike(nonce: &str, settings: &BTreeMap<String, String>) -> Option<String> {
    let nonce = ("drygate.nonce", nonce);
    for (name, value) in [nonce].into_iter().chain(WANTED) {
        let found = settings.get(name).map_or("", String::as_str);
        let holds = match name {
            // Printed in two ways, by how it was set.
            "search_path" => found.is_empty() || found == "\"\"",
            _ => found == value,
        };
        if !holds {
            return Some(format!(
                "{name} is {found:?} inside the transaction, it must be {value:?}"
            ));
        }
    }
    None
}
