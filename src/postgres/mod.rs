//! Access to PostgreSQL: connection, session, role survey, grants, facts, streams, proof.
//! Invariant: only the closed list of statements reaches a server (`Statement`; test `the_server_logs_only_the_closed_list` of
//! tests/postgres.rs).

mod acl;
mod budget;
mod called_code;
mod candidates;
mod connect;
mod content;
mod content_document;
mod content_parts;
mod content_sums;
mod cursor;
mod definition;
mod discoverer;
mod environment;
mod error;
mod fact_reader;
mod facts;
mod function_names;
mod grants;
mod guard;
mod lexer;
mod origins;
mod own_parts;
mod passfile;
mod privileges;
mod profile_query;
mod proof;
mod reach;
mod reach_functions;
mod read_batch;
mod resolver;
mod role;
mod role_setup;
mod row_digests;
mod secret;
mod session;
mod settings;
mod socket;
mod statement;
mod statement_record;
mod surroundings;
mod table_digest;
pub mod throwaway;
mod tls;
mod url;
mod validate;
mod wire;

pub use discoverer::LiveReadOnlyDiscoverer;
pub use environment::LibpqEnvironment;
pub use grants::document as grant_document;
pub use profile_query::guarded;
pub use resolver::Resolver;
pub use role_setup::role_setup;
pub use secret::Secret;
pub use settings::{ConnectionSettings, SettingsError};
