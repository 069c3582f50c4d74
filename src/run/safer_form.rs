//! The usual safer form of a statement that others wait for.
//! Invariant: a form is named only where the strong lock was measured that it avoids; the words of the statement choose between forms
//! and are no finding by themselves (`safer_form`).

use super::{LockMode, TakenLock};

/// One form: the command that the server named, the weakest lock that is worth it, and the words that the statement has and lacks.
struct SaferForm {
    command: &'static str,
    mode: LockMode,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
    form: &'static str,
}

const fn form(
    command: &'static str,
    mode: LockMode,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
    form: &'static str,
) -> SaferForm {
    SaferForm {
        command,
        mode,
        has,
        lacks,
        form,
    }
}

const ALTER: &str = "ALTER TABLE";
const FULL: LockMode = LockMode::AccessExclusive;

/// The first that fits is named, so the special ones come first.
const FORMS: &[SaferForm] = &[
    form(
        "CREATE INDEX",
        LockMode::Share,
        &[],
        &["CONCURRENTLY"],
        "CREATE INDEX CONCURRENTLY, outside of a transaction",
    ),
    form(
        "DROP INDEX",
        FULL,
        &[],
        &["CONCURRENTLY"],
        "DROP INDEX CONCURRENTLY, outside of a transaction",
    ),
    form(
        "REINDEX",
        LockMode::Share,
        &[],
        &["CONCURRENTLY"],
        "REINDEX CONCURRENTLY, outside of a transaction",
    ),
    form(
        "REFRESH MATERIALIZED VIEW",
        FULL,
        &[],
        &["CONCURRENTLY"],
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index",
    ),
    form(
        "VACUUM",
        FULL,
        &[],
        &[],
        "VACUUM without FULL; or rebuild the table beside, and swap",
    ),
    form(
        "CLUSTER",
        FULL,
        &[],
        &[],
        "rebuild the table beside in the wanted order, and swap",
    ),
    form(
        "TRUNCATE TABLE",
        FULL,
        &[],
        &[],
        "DELETE in batches, where others must go on reading",
    ),
    form(
        "LOCK TABLE",
        LockMode::Share,
        &[],
        &[],
        "the weakest mode that does, as late as possible, behind SET lock_timeout",
    ),
    form(
        ALTER,
        FULL,
        &["DETACH PARTITION"],
        &["CONCURRENTLY"],
        "DETACH PARTITION CONCURRENTLY (14 and newer), outside of a transaction",
    ),
    form(
        ALTER,
        LockMode::Share,
        &["ATTACH PARTITION"],
        &[],
        "first a CHECK of the same bounds, NOT VALID and then validated: the rows are not read under the lock",
    ),
    form(
        ALTER,
        LockMode::Share,
        &["FOREIGN KEY"],
        &["NOT VALID"],
        "ADD CONSTRAINT .. NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own",
    ),
    form(
        ALTER,
        LockMode::Share,
        &["REFERENCES"],
        &["NOT VALID"],
        "add the column alone, then ADD CONSTRAINT .. FOREIGN KEY .. NOT VALID, and VALIDATE CONSTRAINT",
    ),
    form(
        ALTER,
        FULL,
        &["PRIMARY KEY"],
        &["USING INDEX"],
        "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT .. PRIMARY KEY USING INDEX",
    ),
    form(
        ALTER,
        FULL,
        &["UNIQUE"],
        &["USING INDEX"],
        "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT .. UNIQUE USING INDEX",
    ),
    form(
        ALTER,
        FULL,
        &["EXCLUDE"],
        &[],
        "there is no weaker form: add it while the table is small, behind SET lock_timeout",
    ),
    form(
        ALTER,
        FULL,
        &["SET NOT NULL"],
        &[],
        "a CHECK (.. IS NOT NULL), NOT VALID and then validated; SET NOT NULL then reads no row",
    ),
    form(
        ALTER,
        FULL,
        &["CHECK"],
        &["NOT VALID"],
        "ADD CONSTRAINT .. CHECK .. NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own",
    ),
    form(
        ALTER,
        FULL,
        &["TYPE"],
        &["ADD"],
        "a new column of the type, filled in batches, then swapped by name",
    ),
    form(
        ALTER,
        FULL,
        &["SET TABLESPACE"],
        &[],
        "rebuild the table beside in that tablespace, and swap",
    ),
    form(
        ALTER,
        FULL,
        &["ADD", "DEFAULT", "("],
        &[],
        "add the column without a default that is computed, SET DEFAULT, then fill it in batches",
    ),
    form(
        ALTER,
        FULL,
        &["DROP COLUMN"],
        &[],
        "have nobody name the column any more, then drop it behind SET lock_timeout, and try again",
    ),
    // Whatever else: the lock is short, and waiting for it is not.
    form(
        ALTER,
        FULL,
        &[],
        &[],
        "SET lock_timeout before it, and try again: who waits for this lock holds up all behind",
    ),
    form(
        "DROP TABLE",
        FULL,
        &[],
        &[],
        "SET lock_timeout before it, and try again: who waits for this lock holds up all behind",
    ),
];

/// The safer form of a statement that was one of these commands and took these locks; `None`: nobody waits for it, or none is known.
pub fn safer_form(text: &str, tags: &[String], locks: &[TakenLock]) -> Option<&'static str> {
    let strongest = locks.iter().map(|lock| lock.mode).max()?;
    let words = text.split_whitespace().collect::<Vec<_>>();
    let words = words.join(" ").to_uppercase();
    let fits = |one: &&SaferForm| {
        strongest >= one.mode
            && tags.iter().any(|tag| tag == one.command)
            && one.has.iter().all(|word| words.contains(word))
            && !one.lacks.iter().any(|word| words.contains(word))
    };
    FORMS.iter().find(fits).map(|one| one.form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, tag: &str, mode: LockMode) -> Option<&'static str> {
        let lock = TakenLock {
            relation: "s.t".to_owned(),
            mode,
            held_ms: 1,
            sampled: false,
        };
        safer_form(text, &[tag.to_owned()], &[lock])
    }

    #[test]
    fn every_form_is_named_for_a_statement_that_asks_for_it() {
        for one in FORMS {
            let text = format!("{} {}", one.command, one.has.join(" x "));
            assert_eq!(
                named(&text, one.command, one.mode),
                Some(one.form),
                "{text}"
            );
        }
    }

    #[test]
    fn what_nobody_waits_for_has_no_safer_form_whatever_it_says() {
        let create = "CREATE INDEX i ON s.t (a)";
        assert_eq!(
            named(create, "CREATE INDEX", LockMode::ShareUpdateExclusive),
            None
        );
        assert_eq!(safer_form(create, &["CREATE INDEX".to_owned()], &[]), None);
        let update = "UPDATE s.t SET a = 'CREATE INDEX'";
        assert_eq!(named(update, "UPDATE 3", LockMode::RowExclusive), None);
        let said = named("alter table s.t\n  alter a set  not null", ALTER, FULL);
        assert!(
            said.is_some_and(|form| form.contains("IS NOT NULL")),
            "{said:?}"
        );
    }
}
