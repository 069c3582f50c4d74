//! Who does something in a run, as the operating system names one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who signs records. There is only the stub, and it is shown as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Signer {
    /// Signs nothing.
    StubSigning,
}

impl Signer {
    /// `StubSigning`.
    pub fn name(self) -> &'static str {
        "StubSigning"
    }
}

/// A person, as the operating system names one: the account. Not cryptographic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Person {
    /// OS user.
    pub user: String,
    /// Uid.
    pub uid: u32,
    /// Host.
    pub host: String,
    /// Terminal device; none, or none that could be seen.
    pub tty: Option<String>,
    /// Process id; 0: not seen.
    pub pid: u32,
    /// Signer.
    pub signer: Signer,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (uid {}) on {}", self.user, self.uid, self.host)?;
        match &self.tty {
            Some(tty) => write!(f, " {tty}"),
            None => f.write_str(", no terminal"),
        }
    }
}
