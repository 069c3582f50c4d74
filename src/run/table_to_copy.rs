//! A table that SG1 asks about, and how large it is by the catalogue. Invariant: a size that the catalogue does not know is never
//! told as none (`TableToCopy::size_of`).

use serde::{Deserialize, Serialize};

/// A table whose rows may be copied to this machine once SG1 is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableToCopy {
    /// Schema and name.
    pub table: String,
    /// About how many rows, as the catalogue says; null: it does not know.
    pub rows: Option<u64>,
    /// About how many bytes, as the catalogue says; null: it does not know.
    pub bytes: Option<u64>,
    /// Whether the change asked for it on a schema without rows; else it is copied only where the change asks for it later.
    pub asked: bool,
}

impl TableToCopy {
    /// `about 60 rows, 8 kB`.
    pub fn size(&self) -> String {
        match (self.rows, self.bytes) {
            (Some(rows), Some(bytes)) => format!("about {rows} rows, {} kB", bytes.div_ceil(1024)),
            _ => "not counted yet".to_owned(),
        }
    }

    /// The size of all of these, as far as the catalogue knows it.
    pub fn size_of<'t>(tables: impl IntoIterator<Item = &'t Self>) -> String {
        let (mut rows, mut bytes, mut unknown) = (0, 0, 0);
        for table in tables {
            match (table.rows, table.bytes) {
                (Some(of_table), Some(size)) => {
                    rows += of_table;
                    bytes += size;
                }
                _ => unknown += 1,
            }
        }
        let known = format!("about {rows} rows, {} kB", u64::div_ceil(bytes, 1024));
        match unknown {
            0 => known,
            _ if rows == 0 => "not counted yet".to_owned(),
            _ => format!("{known}, {unknown} of them not counted yet"),
        }
    }
}
