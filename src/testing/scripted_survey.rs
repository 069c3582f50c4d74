//! What the surveys of a scripted run see, and what somebody else changes in the database meanwhile.

use super::scripted_run::ScriptedRun;
use super::values;
use crate::run::{Event, LastPassDifference, LiveChange, LiveRead, Purpose};
use crate::simulate::{PredictedEffect, TableEffect};
use crate::survey::{
    Attribution, BESIDE, CALLED_CODE, Digest, DocumentRef, DriftRule, Fact, FactChange, FactKey,
    FactKind, FactOrigins, Live, NAME_RESOLUTION, Observed, OriginKeys, Origins, PRIVILEGES,
    RowChange, RowOrigin, Simulated, compare, definition_key,
};

/// What somebody changes who enacts a unit and replaces a function.
pub const ENACTED: [&str; 8] = [
    "icx_draft",
    "icx_enacted",
    "uv_enacted_at_nonnull",
    "lifecycle_log_rows",
    "fn_iu_enact_md5",
    "information_unit",
    "unit_version",
    "lifecycle_log",
];

fn md5(of: &str) -> String {
    Digest::of(of).as_str()[..32].to_owned()
}

/// The facts of 60 drafts, or of 60 enacted units.
pub(super) fn facts(enacted: bool) -> Vec<Fact> {
    use FactKind::{Boolean, Content, Integer, Md5, Sha256, Text};
    let (draft, enacted) = if enacted { ("0", "60") } else { ("60", "0") };
    let grants = Digest::of("grants");
    let scalars = [
        ("role", Text, "context_pack_readonly"),
        ("role_is_read_only", Boolean, "true"),
        ("icx_total", Integer, "60"),
        ("icx_draft", Integer, draft),
        ("icx_enacted", Integer, enacted),
        ("uv_enacted_at_nonnull", Integer, enacted),
        ("lifecycle_log_rows", Integer, enacted),
        ("fn_iu_enact_md5", Md5, &md5("enact")),
        ("fn_iu_apply_edit_draft_md5", Md5, &md5("edit")),
        ("grant_matrix_sha", Sha256, grants.as_str()),
    ];
    let contents = [
        ("source_document", 2),
        ("source_version", 3),
        ("information_unit", 60),
        ("unit_version", 60),
        ("lifecycle_log", 0),
    ];
    let content = |(table, rows): (&str, u64)| {
        let value = (rows > 0).then(|| Digest::of(table).to_string());
        Fact {
            rows: Some(rows),
            ..values::fact(table, Content, &value.unwrap_or_default())
        }
    };
    let scalars = scalars.map(|(key, kind, value)| values::fact(key, kind, value));
    scalars.into_iter().chain(contents.map(content)).collect()
}

/// What the steps change over 60 drafts, or over 60 enacted units.
pub(super) fn effect(enacted: bool) -> PredictedEffect {
    let n = if enacted { 0 } else { 60 };
    let table = |(table, insert, update): (&str, u64, u64)| TableEffect {
        table: table.to_owned(),
        insert: Simulated::new(insert),
        update: Simulated::new(update),
        delete: Simulated::new(0),
    };
    let tables = [
        ("information_unit", 0, n),
        ("unit_version", 0, n),
        ("lifecycle_log", n, 0),
        ("source_document", 0, 0),
        ("source_version", 0, 0),
    ];
    PredictedEffect {
        tables: tables.map(table).to_vec(),
    }
}

impl ScriptedRun {
    pub(super) fn last_pass_differences(&self) -> Vec<LastPassDifference> {
        let replaced = LastPassDifference {
            key: FactKey::new("fn_iu_enact_md5"),
            then: Some(md5("enact before")),
            now: Some(md5("enact")),
            lines: Some(3),
        };
        (!self.enacted).then_some(replaced).into_iter().collect()
    }

    /// A live read.
    pub fn live_read(
        &mut self,
        complete: bool,
        changed: &[(&str, &str)],
        failed: Option<&str>,
    ) -> &mut Self {
        let read_at = self.now();
        if failed.is_none() {
            self.transaction(Purpose::LiveRead);
        }
        let change = |(key, value): &(&str, &str)| LiveChange {
            key: FactKey::new(*key),
            value: Some((*value).to_owned()),
            reason: None,
            rows: Vec::new(),
        };
        self.push(Event::LiveRead(LiveRead {
            read_at,
            changed: changed.iter().map(change).collect(),
            complete,
            failed: failed.map(str::to_owned),
        }))
    }

    /// From here on a survey also reads what is around the rows.
    pub fn reads_around(&mut self) -> &mut Self {
        let tables = ["source_document", "unit_version"].map(definition_key);
        let others = [CALLED_CODE, PRIVILEGES, NAME_RESOLUTION, BESIDE].map(str::to_owned);
        let around = tables.into_iter().chain(others).map(|key| {
            let value = Digest::of(&key).to_string();
            values::fact(&key, FactKind::Sha256, &value)
        });
        self.database.facts.extend(around);
        for fact in &mut self.database.facts {
            fact.drift = DriftRule::of(fact.key.as_str(), Some("grant_matrix_sha"), false);
        }
        self
    }

    /// Somebody else makes a role that has nothing to do with the change.
    pub fn somebody_changes_beside(&mut self) -> &mut Self {
        let value = Digest::of("another role").to_string();
        self.fact(BESIDE).observed = Observed::Live(Live::new(value));
        self
    }

    /// Somebody else gives these facts other values.
    pub fn somebody_changes(&mut self, keys: &[&str]) -> &mut Self {
        let after = [
            ("icx_draft", "59".to_owned()),
            ("icx_enacted", "1".to_owned()),
            ("uv_enacted_at_nonnull", "1".to_owned()),
            ("lifecycle_log_rows", "1".to_owned()),
            ("fn_iu_enact_md5", md5("enact after")),
            ("information_unit", Digest::of("unit after").to_string()),
            ("unit_version", Digest::of("version after").to_string()),
            ("lifecycle_log", Digest::of("log after").to_string()),
            ("grant_matrix_sha", Digest::of("grants after").to_string()),
        ];
        for (key, value) in after.into_iter().filter(|(key, _)| keys.contains(key)) {
            let fact = self.fact(key);
            let kinds = [FactKind::Md5, FactKind::Sha256, FactKind::Content];
            fact.document = kinds.contains(&fact.kind).then(|| DocumentRef {
                sha256: Digest::of(&value),
                lines: 60,
            });
            fact.observed = Observed::Live(Live::new(value));
        }
        self
    }

    /// How the latest survey differs from the pin, with the rows.
    pub(super) fn changes(&self) -> Vec<FactChange> {
        let (_, latest) = self.run.latest.as_ref().expect("a survey");
        let mut changes = compare(self.pin(), latest);
        for change in &mut changes {
            let rows: &[&str] = match change.key.as_str() {
                "fn_iu_enact_md5" => &["line 12", "line 19"],
                "information_unit" | "unit_version" | "lifecycle_log" => &["ICX-CONST-0017"],
                "grant_matrix_sha" => &["table public.unit_version app_writer INSERT"],
                _ => &[],
            };
            let row = |key: &&str| RowChange {
                key: (*key).to_owned(),
                approved: Some("draft".to_owned()),
                found: Some("enacted".to_owned()),
            };
            change.rows = rows.iter().map(row).collect();
        }
        changes
    }

    /// Who changed the rows, as a survey of a server without commit times would tell it.
    pub(super) fn attributed(&mut self, drift: &[FactChange]) -> &mut Self {
        let (_, latest) = self.run.latest.as_ref().expect("a survey");
        let xmax = self.pin().snapshot.xmax().expect("it has one");
        let origin = RowOrigin {
            xmin: (xmax + 1).to_string(),
            committed_at: None,
        };
        let origins = Origins {
            facts: vec![FactOrigins {
                key: FactKey::new("unit_version"),
                keys: OriginKeys::Rows,
                origins: [("ICX-CONST-0017".to_owned(), origin)].into(),
            }],
            ..Origins::default()
        };
        let found = Attribution::of(self.pin(), latest, drift, &origins);
        self.push(Event::ChangesAttributed(Box::new(found)))
    }
}
