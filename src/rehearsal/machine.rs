//! What this machine has for a rehearsal, without carrying one out. Invariant: nothing is tried, so nothing is promised.

use super::isolation::Isolation;
use super::programs::Programs;

/// What a rehearsal of a database of this major version would take; `None`: of any version. The error says what is missing.
pub fn means(production: Option<u32>) -> Result<String, String> {
    let isolation = Isolation::of_machine().ok_or(Isolation::NONE)?;
    let (programs, of) = if let Some(major) = production {
        let of = format!("production is PostgreSQL {major}, ");
        (Programs::find(major)?, of)
    } else {
        let newest = Programs::newest()?;
        let of = format!("production up to PostgreSQL {}: ", newest.major);
        (newest, of)
    };
    let by = isolation.name();
    Ok(format!(
        "{of}{}; isolated by {by}, not tried",
        programs.says()
    ))
}
