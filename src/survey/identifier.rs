//! Names as SQL reads them.

/// A name in double quotes, as an identifier of SQL: it is read as it is, whatever it consists of.
pub fn quoted_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
