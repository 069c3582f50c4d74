//! The code that pinned functions and protected tables call, as far as the catalogue and the sources tell. What cannot be told
//! is named in the document (`untold`).

use super::error::UnknownReason;
use super::wire::AnswerRows;
use crate::survey::FactDocument;

/// So many catalogue objects are followed; the statement reads one more.
const REACHED_MAX: u64 = 20_000;

/// The document, from rows of kind, name, language, owner with privileges, and text. A pinned function has a fact of its own: only what
/// it does not tell stands here.
pub(super) fn document(rows: AnswerRows) -> Result<FactDocument, UnknownReason> {
    let mut sections = Vec::new();
    let mut reached = None;
    for row in rows {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut cell = || cells.next().unwrap_or_default();
        let (kind, name, language, held, text) = (cell(), cell(), cell(), cell(), cell());
        match kind.as_str() {
            "reached" => reached = name.parse::<u64>().ok(),
            "pinned" => sections.extend(
                untold(&language, &text)
                    .map(|untold| format!("pinned function {name}\n{untold}\n")),
            ),
            _ => {
                let mut lines = vec![format!("{kind} {name}")];
                lines.extend((!held.is_empty()).then(|| format!("of {held}")));
                lines.extend(untold(&language, &text));
                lines.push(text.trim_end_matches('\n').to_owned());
                sections.push(lines.join("\n") + "\n");
            }
        }
    }
    sections.sort_unstable();
    match reached {
        None => return Err("it was not said how much was followed".into()),
        Some(reached) if reached > REACHED_MAX => sections.push(format!(
            "more than {REACHED_MAX} objects are called: what the others call is not told\n"
        )),
        Some(_) => {}
    }
    Ok(FactDocument::new(sections.join("\n")))
}

/// What the source of a function does not tell about what it calls; `None`: its words are all there is.
fn untold(language: &str, text: &str) -> Option<String> {
    let has_word = |word: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|found| found.eq_ignore_ascii_case(word))
    };
    match language {
        "sql" | "plpgsql" if has_word("execute") => {
            Some("not told: statements that EXECUTE puts together".to_owned())
        }
        "sql" | "plpgsql" if text.contains("U&\"") || text.contains("u&\"") => {
            Some("not told: names written as U&\"\"".to_owned())
        }
        // Of a trigger, rule or event trigger there is no source.
        "" | "sql" | "plpgsql" => None,
        "c" | "internal" => Some(format!("not told: what its {language} code calls")),
        other => Some(format!(
            "not told: what its {other} code calls by other ways than by name"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::document;

    fn row(cells: [&str; 5]) -> Vec<Option<String>> {
        cells.map(|cell| Some(cell.to_owned())).to_vec()
    }

    #[test]
    fn what_a_source_does_not_tell_is_named() {
        let text = |rows: Vec<[&str; 5]>| {
            let rows = rows.into_iter().map(row).collect();
            document(rows).expect("readable").text().to_owned()
        };
        let reached = ["reached", "2", "", "", ""];
        let dynamic = ["pinned", "p.f()", "plpgsql", "o", "BEGIN execute 'x'; END"];
        assert_eq!(
            text(vec![reached, dynamic]),
            "pinned function p.f()\nnot told: statements that EXECUTE puts together\n"
        );
        let plain = ["pinned", "p.f()", "plpgsql", "o", "BEGIN PERFORM g(); END"];
        assert_eq!(text(vec![reached, plain]), "");
        let called = ["function", "p.g()", "c", "o o=X/o", "body"];
        assert_eq!(
            text(vec![called, reached]),
            "function p.g()\nof o o=X/o\nnot told: what its c code calls\nbody\n"
        );
        let many = ["reached", "20001", "", "", ""];
        assert!(text(vec![many]).contains("more than 20000"));
    }

    #[test]
    fn without_the_count_nothing_is_known() {
        assert!(document(Vec::new()).is_err());
    }
}
