//! Documents of `doctor` and `config show`: the state of the machine before any run.

use serde::Serialize;
use serde_json::Value;

use super::SchemaVersion;
use crate::run::Verdict;

/// `doctor`: what this machine has and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DoctorDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// FAIL where a line is.
    pub verdict: Verdict,
    /// What was looked at, in order.
    pub findings: Vec<DoctorLine>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DoctorLine {
    /// Its name: `data directory`.
    pub name: String,
    /// Verdict.
    pub verdict: Verdict,
    /// What was found.
    pub says: String,
    /// What to do; null where nothing is wrong.
    pub next: Option<String>,
}

/// `config show`: the settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConfigDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The settings.
    pub settings: Vec<SettingRow>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SettingRow {
    /// Its key in a configuration file.
    pub key: &'static str,
    /// Its value, without secrets; null: not set. `live_interval` is in seconds.
    #[cfg_attr(test, schemars(extend("type" = ["string", "number", "boolean", "null"])))]
    pub value: Value,
    /// Where it comes from: a flag, a variable, a file with its line, `default`.
    pub origin: String,
}
