//! The keywords of libpq's connection texts, their environment variables, and what is done with each.
//! Invariant: a keyword that is not obeyed is refused by name wherever it is set (`check`; test
//! `no_keyword_of_libpq_is_left_without_an_answer`).
//! Source of the list: PostgreSQL 18, "Database Connection Control Functions" and "Environment Variables".

use super::settings::{SettingsError, value_error};
use crate::profile::nearest;

/// What is done with a keyword.
enum Support {
    /// It is obeyed.
    Obeyed,
    /// Only these values are taken: they ask for what is done anyway. Others are refused for this reason.
    Only(&'static [&'static str], &'static str),
    /// No value is taken, for this reason.
    Refused(&'static str),
}

use Support::{Obeyed, Only, Refused};

const NO_GSS: &str = "authentication and encryption by GSSAPI are not supported";
const NO_OAUTH: &str = "authentication by OAuth is not supported";
const KEYS_OF_SCRAM: &str = "passing on the keys of SCRAM is not supported; give the password";

/// Keyword, environment variable, what is done with it.
const KEYWORDS: [(&str, Option<&str>, Support); 52] = [
    ("host", Some("PGHOST"), Obeyed),
    ("hostaddr", Some("PGHOSTADDR"), Obeyed),
    ("port", Some("PGPORT"), Obeyed),
    ("dbname", Some("PGDATABASE"), Obeyed),
    ("user", Some("PGUSER"), Obeyed),
    ("password", Some("PGPASSWORD"), Obeyed),
    ("passfile", Some("PGPASSFILE"), Obeyed),
    ("service", Some("PGSERVICE"), Obeyed),
    ("servicefile", Some("PGSERVICEFILE"), Obeyed),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Obeyed),
    ("application_name", Some("PGAPPNAME"), Obeyed),
    ("fallback_application_name", None, Obeyed),
    ("options", Some("PGOPTIONS"), Obeyed),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Obeyed),
    ("channel_binding", Some("PGCHANNELBINDING"), Obeyed),
    ("keepalives", None, Obeyed),
    ("keepalives_idle", None, Obeyed),
    ("keepalives_interval", None, Obeyed),
    ("keepalives_count", None, Obeyed),
    ("tcp_user_timeout", None, Obeyed),
    ("sslmode", Some("PGSSLMODE"), Obeyed),
    ("sslrootcert", Some("PGSSLROOTCERT"), Obeyed),
    ("sslcert", Some("PGSSLCERT"), Obeyed),
    ("sslkey", Some("PGSSLKEY"), Obeyed),
    (
        "sslcertmode",
        Some("PGSSLCERTMODE"),
        Only(
            &["allow", "disable"],
            "whether the server asked for the certificate is not looked at; allow sends it when it is asked for",
        ),
    ),
    ("sslcrl", Some("PGSSLCRL"), Obeyed),
    ("sslsni", Some("PGSSLSNI"), Obeyed),
    (
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        Obeyed,
    ),
    (
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
        Obeyed,
    ),
    (
        "require_auth",
        Some("PGREQUIREAUTH"),
        Refused(
            "the way of authentication cannot be chosen; channel_binding=require makes it SCRAM over TLS",
        ),
    ),
    (
        "sslpassword",
        None,
        Refused("an encrypted private key is not supported; name a key that only you can read"),
    ),
    (
        "sslcrldir",
        Some("PGSSLCRLDIR"),
        Refused("a directory of revocation lists is not supported; name one file with sslcrl"),
    ),
    (
        "sslkeylogfile",
        None,
        Refused("the keys of a session are never written to a file"),
    ),
    (
        "sslnegotiation",
        Some("PGSSLNEGOTIATION"),
        Only(&["postgres"], "TLS without asking first is not supported"),
    ),
    (
        "sslcompression",
        Some("PGSSLCOMPRESSION"),
        Only(&["0"], "compression of TLS is not supported"),
    ),
    (
        "requiressl",
        Some("PGREQUIRESSL"),
        Only(&["0"], "libpq gave it up; say sslmode=require"),
    ),
    (
        "requirepeer",
        Some("PGREQUIREPEER"),
        Refused("the account of the server process is not looked at"),
    ),
    (
        "gssencmode",
        Some("PGGSSENCMODE"),
        Only(&["disable", "prefer"], NO_GSS),
    ),
    ("krbsrvname", Some("PGKRBSRVNAME"), Refused(NO_GSS)),
    ("gsslib", Some("PGGSSLIB"), Refused(NO_GSS)),
    (
        "gssdelegation",
        Some("PGGSSDELEGATION"),
        Only(&["0"], NO_GSS),
    ),
    (
        "client_encoding",
        Some("PGCLIENTENCODING"),
        Only(
            &["utf8", "utf-8", "unicode", "auto"],
            "what is read is always UTF-8",
        ),
    ),
    (
        "replication",
        None,
        Only(
            &["false", "off", "no", "0"],
            "a replication session is never opened",
        ),
    ),
    (
        "load_balance_hosts",
        Some("PGLOADBALANCEHOSTS"),
        Only(
            &["disable"],
            "a run must come back to the same server, so hosts are tried in their order",
        ),
    ),
    (
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        Only(&["3.0"], "version 3.0 of the protocol is spoken"),
    ),
    (
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
        Only(
            &["3.0", "3.2", "latest"],
            "version 3.0 of the protocol is spoken",
        ),
    ),
    ("scram_client_key", None, Refused(KEYS_OF_SCRAM)),
    ("scram_server_key", None, Refused(KEYS_OF_SCRAM)),
    ("oauth_issuer", None, Refused(NO_OAUTH)),
    ("oauth_client_id", None, Refused(NO_OAUTH)),
    ("oauth_client_secret", None, Refused(NO_OAUTH)),
    ("oauth_scope", None, Refused(NO_OAUTH)),
];

/// Keywords whose empty value is a wrong one in libpq, and not none.
const NEVER_EMPTY: [&str; 4] = [
    "sslmode",
    "channel_binding",
    "target_session_attrs",
    "gssencmode",
];

/// Names of the keywords.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|(name, _, _)| *name)
}

/// Keywords that have an environment variable, with its name.
pub(super) fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYWORDS
        .iter()
        .filter_map(|(name, variable, _)| Some((*name, (*variable)?)))
}

/// Checks that a setting is known and can be obeyed. `place` is where it stands: "the connection text", "PGSSLCRLDIR".
pub(super) fn check(name: &str, value: &str, place: &str) -> Result<(), SettingsError> {
    let Some((name, _, support)) = KEYWORDS.iter().find(|(known, _, _)| *known == name) else {
        return Err(SettingsError::Unknown {
            place: place.to_owned(),
            near: nearest(name, names()),
        });
    };
    if value.is_empty() && NEVER_EMPTY.contains(name) {
        return Err(value_error(name, "an empty value is none that it can have"));
    }
    let why = match support {
        Obeyed => return Ok(()),
        // libpq takes an empty value as none.
        Only(..) | Refused(_) if value.is_empty() => return Ok(()),
        Only(values, _) if values.iter().any(|it| it.eq_ignore_ascii_case(value)) => return Ok(()),
        Only(_, why) | Refused(why) => why,
    };
    Err(SettingsError::NotSupported {
        place: place.to_owned(),
        name,
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, Obeyed, check};

    #[test]
    fn no_keyword_of_libpq_is_left_without_an_answer() {
        let place = "the connection text";
        for (name, _, support) in &KEYWORDS {
            let answer = check(name, "canary", place);
            if matches!(support, Obeyed) {
                assert_eq!(answer, Ok(()), "{name}");
                continue;
            }
            let text = answer.expect_err(name).to_string();
            assert!(text.contains(name) && !text.contains("canary"), "{text}");
        }
        let unknown = check("sslmod", "x", place).expect_err("unknown");
        assert!(unknown.to_string().contains("sslmode"), "{unknown}");
        // It may be a part of a password that stands without quotes.
        let word = check("hunter2", "x", place).expect_err("unknown");
        assert!(!word.to_string().contains("hunter2"), "{word}");
    }
}
