//! Who does something in a run, as the operating system names one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who signs records. drygate has only the stub, and shows it as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Signer {
    /// Signs nothing.
    StubSigning,
    /// What another program wrote into the journal: its name is kept, so that the audit can name it.
    Other(String),
}

impl Signer {
    const STUB: &str = "StubSigning";

    /// `StubSigning`, or the name that the journal holds.
    pub fn name(&self) -> &str {
        match self {
            Self::StubSigning => Self::STUB,
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Signer {
    fn from(name: String) -> Self {
        if name == Self::STUB {
            Self::StubSigning
        } else {
            Self::Other(name)
        }
    }
}

impl From<Signer> for String {
    fn from(signer: Signer) -> Self {
        signer.name().to_owned()
    }
}

/// Why the account of a process does not tell persons apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountDoubt {
    /// It runs in a user namespace: whoever made that chose which account has which number.
    UserNamespace,
    /// It runs in a container (a UTS or PID namespace of its own): who may start one runs there as any account.
    Container,
    /// The kernel did not show where it runs.
    NotSeen,
}

impl AccountDoubt {
    /// What is said of the process in a sentence: `runs in a user namespace`.
    pub fn says(self) -> &'static str {
        match self {
            Self::UserNamespace => "runs in a user namespace",
            Self::Container => "runs in a container (a host name or process numbers of its own)",
            Self::NotSeen => "cannot be seen in /proc",
        }
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
    /// The account that logged in, which `sudo` and `su` do not change. None: nobody logged in, or the kernel does not say.
    /// Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// Why the account does not tell persons apart; none: nothing was seen that speaks against it. Older journals did not
    /// record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_doubt: Option<AccountDoubt>,
    /// The role in the run store that this process writes as: its server stamps each line with it (`verify --store`). None: the run is
    /// kept on this machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_role: Option<String>,
}

impl Person {
    /// Whether both may be one human being: the same role of the run store, the same account of one machine, or accounts that the
    /// same account logged in for.
    pub fn may_be(&self, other: &Self) -> bool {
        match (&self.store_role, &other.store_role) {
            (Some(own), Some(others)) if own == others => return true,
            // Numbers of accounts say nothing from one machine to another.
            (Some(_), Some(_)) if self.host != other.host => return false,
            (Some(_), Some(_)) | (None, None) => {}
            // The store attests one of them, and nobody the other.
            (Some(_), None) | (None, Some(_)) => return true,
        }
        // Who did not log in, as a service of the account, counts as the account itself.
        let behind = |person: &Self| person.login_uid.unwrap_or(person.uid);
        self.uid == other.uid || behind(self) == behind(other)
    }

    /// What a person is called in a row: the role of the run store, else the account.
    pub fn name(&self) -> &str {
        self.store_role.as_deref().unwrap_or(&self.user)
    }

    /// Account and host: `root (uid 0, login uid 1000) on ops1`. The login is left out where it is the account's own.
    pub fn account(&self) -> String {
        let Self {
            user, uid, host, ..
        } = self;
        match self.login_uid.filter(|login| login != uid) {
            Some(login) => format!("{user} (uid {uid}, login uid {login}) on {host}"),
            None => format!("{user} (uid {uid}) on {host}"),
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.account())?;
        match &self.tty {
            Some(tty) => write!(f, " {tty}")?,
            None => f.write_str(", no terminal")?,
        }
        if let Some(doubt) = self.account_doubt {
            write!(f, ", {}", doubt.says())?;
        }
        match &self.store_role {
            Some(role) => write!(f, ", store role {role}"),
            None => Ok(()),
        }
    }
}
