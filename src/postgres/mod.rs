//! How we ask: connection, session, role, grants, facts, candidates, proof. Invariant: only the closed list of statements reaches a server.

mod acl;
mod budget;
mod candidates;
mod connect;
mod content;
mod discoverer;
mod environment;
mod error;
mod facts;
mod function_names;
mod grants;
mod guard;
mod lexer;
mod origins;
mod passfile;
mod plan;
mod proof;
mod reading;
mod record;
mod role;
mod secret;
mod session;
mod settings;
mod socket;
mod statement;
pub mod throwaway;
mod tls;
mod url;
mod validate;
mod wire;

pub use discoverer::LiveReadOnlyDiscoverer;
pub use environment::Environment;
pub use grants::document as grant_document;
pub use secret::Secret;
pub use settings::{ConnectionSettings, SettingsError};
pub use url::refuse_password_in_url;
