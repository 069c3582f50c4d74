//! What this machine has for a rehearsal: its programs are looked for and its walls are tried, with nothing of a change.

use std::path::PathBuf;

use super::programs::Programs;
use super::rehearse::{NO_ISOLATION, isolated};
use crate::postgres::throwaway::ScratchDirectory;
use crate::run::{RehearsalCheck, Verdict};

/// What a rehearsal of a database of this major version would take (`None`: of any version), and whether it would be isolated.
pub async fn means(production: Option<u32>, hidden: &[PathBuf]) -> [RehearsalCheck; 2] {
    let not_checked =
        |name, why, next| RehearsalCheck::new(name, Verdict::NotChecked, why, Some(next));
    let found = match production {
        Some(major) => {
            Programs::find(major).map(|it| (format!("production is PostgreSQL {major}, "), it))
        }
        None => {
            Programs::newest().map(|it| (format!("production up to PostgreSQL {}: ", it.major), it))
        }
    };
    let (of, programs) = match found {
        Ok(found) => found,
        Err(why) => {
            let untried = "not tried without the programs of a server".to_owned();
            let next = "Only a rehearsal of a change needs them.";
            return [
                not_checked("rehearsal", why, next),
                not_checked("isolation", untried, next),
            ];
        }
    };
    let says = format!("{of}{}", programs.says());
    let tried = match ScratchDirectory::for_server() {
        Ok(scratch) => isolated(&scratch, &programs, hidden)
            .await
            .map(|(_, check)| check),
        Err(error) => Err(error.to_string()),
    };
    [
        RehearsalCheck::new("rehearsal", Verdict::Pass, says, None),
        tried.unwrap_or_else(|why| not_checked("isolation", why, NO_ISOLATION)),
    ]
}
