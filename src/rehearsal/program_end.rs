//! Whether a program of the shadow has done its work. Invariant: a status of 0 alone is never believed (`is_done`, `whole`).

use std::process::{Command, Stdio};

/// What `psql` says on standard error when it has done everything before.
const DONE: &str = "drygate_done";

/// Has `psql` say at last that it came so far; a status of 0 alone does not say it.
pub(super) fn says_done(psql: &mut Command) -> &mut Command {
    psql.arg("-c").arg(format!("\\warn {DONE}"))
}

/// Whether `psql` said so. What a script said before need not end its line.
pub(super) fn is_done(said: &[u8]) -> Result<(), String> {
    let mut lines = said.split(|byte| *byte == b'\n');
    if lines.any(|line| line.ends_with(DONE.as_bytes())) {
        return Ok(());
    }
    Err("psql ended without an error, and before it had done its work".to_owned())
}

/// Waits for `psql`; one that fails, or leaves work undone, is an error.
pub(super) fn finished(mut psql: Command, doing: &str) -> Result<(), String> {
    let ended = says_done(&mut psql)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("psql cannot be run: {error}"))?;
    let done = if ended.status.success() {
        is_done(&ended.stderr)
    } else {
        Err(first_error("psql", &ended.stderr))
    };
    done.map_err(|why| format!("{doing}: {why}"))
}

/// Whether a script of `pg_dump` or `pg_restore` has its end.
pub(super) fn whole(program: &str, script: &[u8]) -> Result<(), String> {
    let mut lines = script.rsplit(|byte| *byte == b'\n');
    if lines.any(|line| line == b"-- PostgreSQL database dump complete") {
        return Ok(());
    }
    Err(format!(
        "{program} ended without an error, and its script has no end"
    ))
}

/// The first error in what a program said.
pub(super) fn first_error(program: &str, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let error = said
        .lines()
        .find(|line| line.to_lowercase().contains("error"));
    let line = error
        .or_else(|| said.lines().next())
        .unwrap_or("it said nothing");
    format!("{program}: {line}")
}

#[cfg(test)]
mod tests {
    use super::is_done;

    #[test]
    fn a_script_that_leaves_its_last_line_open_is_done_all_the_same() {
        for said in [
            "drygate_done\n",
            "NOTICE: a\ndrygate_done\n",
            "half a linedrygate_done\n",
        ] {
            assert_eq!(is_done(said.as_bytes()), Ok(()), "{said}");
        }
        for said in ["", "NOTICE: a\n", "drygate_don"] {
            assert!(is_done(said.as_bytes()).is_err(), "{said}");
        }
    }
}
