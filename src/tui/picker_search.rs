//! Searching the list of runs, fuzzy and word by word.
//! Invariant: every word of the query must be found in one column of a row (test `every_word_must_be_in_one_column`).

use std::collections::HashMap;

use frizbee::{CaseMatching, Config, Matcher, Pattern, SortStrategy};

use crate::run::{Overview, RunRow, RunStatus};
use crate::survey::UtcTime;

/// The columns of all rows, as they are searched: what many rows say is looked at once.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    columns: Vec<String>,
    /// For each column the places of the rows that have it.
    rows: Vec<Vec<usize>>,
    count: usize,
}

/// Values of one column that are compared one by one before all are asked: most columns say one of a few.
const RECENT_MAX: usize = 8;

/// Builds [`Texts`]: equal values of a column are stored once.
#[derive(Default)]
struct Gathered {
    texts: Texts,
    known: HashMap<String, usize>,
    /// For each column the values that were met first.
    recent: [Vec<usize>; 11],
    /// The day that was written last, since 1970, and its text.
    day: Option<(i64, String)>,
}

impl Gathered {
    /// A value that no other row has.
    fn push_name(&mut self, row: usize, name: &str) {
        self.texts.columns.push(name.to_owned());
        self.texts.rows.push(vec![row]);
    }

    fn push(&mut self, row: usize, column: usize, value: &str) {
        if value.is_empty() {
            return;
        }
        let (texts, recent) = (&mut self.texts, &mut self.recent[column]);
        if let Some(at) = recent.iter().find(|at| texts.columns[**at] == value) {
            texts.rows[*at].push(row);
            return;
        }
        let at = self.known.get(value).copied().unwrap_or_else(|| {
            self.known.insert(value.to_owned(), texts.columns.len());
            texts.columns.push(value.to_owned());
            texts.rows.push(Vec::new());
            texts.columns.len() - 1
        });
        texts.rows[at].push(row);
        if recent.len() < RECENT_MAX {
            recent.push(at);
        }
    }

    fn push_day(&mut self, row: usize, started_at: UtcTime) {
        let number = started_at.unix_micros().div_euclid(86_400_000_000);
        // Rows of one day mostly follow each other, and formatting a date is slow compared with the rest.
        let known = self.day.take().filter(|(day, _)| *day == number);
        let (number, text) = known.unwrap_or_else(|| (number, started_at.date()));
        self.push(row, 0, &text);
        self.day = Some((number, text));
    }

    fn push_run(&mut self, at: usize, run: &Overview) {
        self.push_day(at, run.started_at);
        self.push(at, 1, &run.situation());
        self.push(at, 2, run.state.name());
        self.push(at, 3, run.result_word().unwrap_or_default());
        self.push(at, 4, run.stop_code.map_or("", |code| code.name()));
        self.push(at, 5, &run.profile);
        self.push(at, 6, &run.target_label);
        self.push(at, 7, &run.target);
        self.push(
            at,
            8,
            &format!("{}@{}", run.started_by.name(), run.started_by.host),
        );
        self.push(at, 9, &run.approvers());
        if run.drifted {
            self.push(at, 10, "drifted");
        }
    }
}

impl Texts {
    /// The columns of these rows.
    pub fn of(rows: &[RunRow]) -> Self {
        let mut gathered = Gathered::default();
        gathered.texts.count = rows.len();
        for (at, row) in rows.iter().enumerate() {
            gathered.push_name(at, &row.name);
            match &row.standing {
                RunStatus::Run(run) => gathered.push_run(at, run),
                other => {
                    gathered.push(at, 1, other.name());
                    gathered.push(at, 4, other.reason().unwrap_or_default());
                }
            }
        }
        gathered.texts
    }

    /// The places of the rows that fit a query: all of them in their order without one, else the best first.
    pub fn find(&self, query: &str) -> Vec<usize> {
        let mut scores: Vec<Option<u32>> = vec![Some(0); self.count];
        for pattern in Pattern::parse_query(query) {
            self.narrow(&mut scores, &pattern);
        }
        let rows = scores.into_iter().enumerate();
        let mut found: Vec<(usize, u32)> =
            rows.filter_map(|(at, score)| Some((at, score?))).collect();
        found.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        found.into_iter().map(|(at, _)| at).collect()
    }

    /// Takes out the rows without a column that fits the word, or with one where the word must not be.
    fn narrow(&self, scores: &mut [Option<u32>], pattern: &Pattern) {
        let config = Config::default()
            .casing(CaseMatching::Ignore)
            .sort(SortStrategy::IndexAsc);
        let mut best: Vec<Option<u32>> = vec![None; self.count];
        // A negated word is searched for as well: the rows that have it are taken out below.
        let sought = pattern.clone().negated(false);
        let found = Matcher::from_patterns(&[sought], &config).match_list(&self.columns);
        for found in found {
            let column = usize::try_from(found.index).ok();
            for row in column
                .and_then(|at| self.rows.get(at))
                .into_iter()
                .flatten()
            {
                best[*row] = best[*row].max(Some(u32::from(found.score)));
            }
        }
        for (score, best) in scores.iter_mut().zip(best) {
            *score = match (*score, best, pattern.negated) {
                (Some(score), Some(best), false) => Some(score + best),
                (Some(score), None, true) => Some(score),
                _ => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use crate::run::{RunRow, RunStatus};

    fn row(name: &str, reason: &str) -> RunRow {
        RunRow {
            name: name.to_owned(),
            standing: RunStatus::Foreign {
                reason: reason.to_owned(),
            },
        }
    }

    #[test]
    fn every_word_must_be_in_one_column() {
        let rows = [
            row("alpha", "xyz"),
            row("albatross", "phase"),
            row("ALPHA 2", "漢字 é"),
        ];
        let texts = Texts::of(&rows);
        assert_eq!(texts.find(""), [0, 1, 2]);
        assert_eq!(texts.find("  "), [0, 1, 2]);
        assert_eq!(
            texts.find("alpha"),
            [0, 2],
            "not scattered over two columns"
        );
        assert_eq!(
            texts.find("xz alp"),
            [0],
            "each word in a column of its own"
        );
        assert_eq!(texts.find("!xyz"), [1, 2]);
        assert_eq!(texts.find("漢"), [2]);
        assert_eq!(texts.find("nothing of the kind"), Vec::<usize>::new());
        for hostile in ["\u{1b}[31m", "'", "!", "^$", "\\", "a\u{202e}"] {
            let _ = texts.find(hostile);
        }
    }
}
