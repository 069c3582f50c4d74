//! What the read-only proxy does with a statement of `pg_dump`, decided by its shape before a server sees it.
//! Invariant: [`ProxiedSql`] exists only for text that `judge` let pass (its field is private to this file): a read of
//! `pg_catalog` that calls functions of the allow-list, or `LOCK TABLE .. IN ACCESS SHARE MODE`.

use std::collections::BTreeSet;

use super::guard::guard_tokens;
use super::lexer::{Token, tokens_with_parameters};

/// A statement that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProxiedSql(String);

impl ProxiedSql {
    /// The SQL text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// What the proxy does with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProxyRuling {
    /// It is sent.
    Send(ProxiedSql),
    /// It is not sent: transaction and settings are ours and stay as they are. The client is told this command tag.
    Swallow(&'static str),
    /// It is not sent; the client is told one row with this value in one column.
    Answer(&'static str),
}

/// The functions that `pg_dump` calls, beside what SQL of a profile may call. None of them writes, waits, signals, reads files or
/// runs text as SQL; all of them are of `pg_catalog`, because the search path is empty.
const CALLED: [&str; 29] = [
    "acldefault",
    "aclexplode",
    "array_remove",
    "array_upper",
    "current_database",
    "current_schemas",
    "format_type",
    "obj_description",
    "pg_encoding_to_char",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_partition_constraintdef",
    "pg_get_partkeydef",
    "pg_get_ruledef",
    "pg_get_statisticsobjdef",
    "pg_get_triggerdef",
    "pg_get_userbyid",
    "pg_get_viewdef",
    "pg_is_in_recovery",
    "pg_options_to_table",
    "pg_table_is_visible",
    "shobj_description",
    "ts_token_type",
];

/// The settings that `pg_dump` makes. None of them reaches the server: those of our session stay, its deadlines among them.
const SETTINGS: [&str; 14] = [
    "client_encoding",
    "datestyle",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "intervalstyle",
    "lock_timeout",
    "quote_all_identifiers",
    "row_security",
    "search_path",
    "standard_conforming_strings",
    "statement_timeout",
    "synchronize_seqscans",
    "transaction",
    "transaction_timeout",
];

/// Whether a test has taken this layer of the proxy out, to see what stands behind it. A program that people have knows no such.
pub(super) fn taken_out(layer: &str) -> bool {
    cfg!(feature = "testing")
        && std::env::var("DRYGATE_TEST_PROXY_WITHOUT").is_ok_and(|named| named == layer)
}

/// Decides about one statement. `prepared` are the names that PREPARE has made through this proxy; the error says why not.
pub(super) fn judge(sql: &str, prepared: &mut BTreeSet<String>) -> Result<ProxyRuling, String> {
    let text = sql.trim().trim_end_matches(';').trim_end();
    if text.contains('\0') {
        return Err("it has a NUL character".to_owned());
    }
    let all = with_plain_operators(&tokens_with_parameters(text)?);
    let (verb, rest) = match all.split_first() {
        Some((
            Token::Word {
                text,
                quoted: false,
            },
            rest,
        )) => (text.as_str(), rest),
        _ => return Err("it begins with no command".to_owned()),
    };
    if all.contains(&Token::Sign(';')) {
        return Err("more than one statement".to_owned());
    }
    let send = || Ok(ProxyRuling::Send(ProxiedSql(text.to_owned())));
    match verb {
        "begin" if rest.is_empty() => Ok(ProxyRuling::Swallow("BEGIN")),
        "commit" | "rollback" if rest.is_empty() => Ok(ProxyRuling::Swallow("COMMIT")),
        "set" | "reset" => match word(rest.first()) {
            Some(_) if taken_out("settings") => send(),
            Some(name) if SETTINGS.contains(&name) => Ok(ProxyRuling::Swallow(if verb == "set" {
                "SET"
            } else {
                "RESET"
            })),
            name => Err(format!(
                "the setting {} is not on the list",
                name.unwrap_or("?")
            )),
        },
        // Settings are ours: asked for by a function, they stay as they are too.
        "select" if sets_a_setting(rest) => Ok(ProxyRuling::Answer("")),
        "select" if taken_out("functions") => send(),
        "select" | "with" | "values" => {
            reads_the_catalogue(&all)?;
            send()
        }
        "lock" => {
            only_access_share(rest)?;
            send()
        }
        "prepare" => {
            let name = word(rest.first()).ok_or("PREPARE without a name")?;
            let query = query_of_prepare(rest).ok_or("PREPARE without AS")?;
            reads_the_catalogue(query)?;
            prepared.insert(name.to_owned());
            send()
        }
        "execute" => {
            let name = word(rest.first()).ok_or("EXECUTE without a name")?;
            if !prepared.contains(name) {
                return Err(format!("{name} was not prepared through the proxy"));
            }
            let plain = |token: &Token| match token {
                Token::Text | Token::Sign('(' | ')' | ',' | '-') => true,
                Token::Sign(sign) => sign.is_ascii_digit(),
                Token::Word { .. } => false,
            };
            if !rest[1..].iter().all(plain) {
                return Err("EXECUTE with more than constants".to_owned());
            }
            send()
        }
        other => Err(format!("{} is not on the list", other.to_uppercase())),
    }
}

/// With a sign for each `OPERATOR(pg_catalog.=)`, as pg_dump writes operators where it matches names.
fn with_plain_operators(all: &[Token]) -> Vec<Token> {
    let mut plain = Vec::with_capacity(all.len());
    let mut rest = all;
    while let [first, after @ ..] = rest {
        let end = match after {
            [Token::Sign('('), schema, Token::Sign('.'), signs @ ..]
                if is(Some(first), "operator") && is(Some(schema), "pg_catalog") =>
            {
                let signs = signs.iter().take_while(|token| is_of_operator(token));
                let end = 3 + signs.count();
                (end > 3 && after.get(end) == Some(&Token::Sign(')'))).then_some(end + 1)
            }
            _ => None,
        };
        plain.push(end.map_or_else(|| first.clone(), |_| Token::Sign('=')));
        rest = &after[end.unwrap_or_default()..];
    }
    plain
}

/// A character that the name of an operator may have.
fn is_of_operator(token: &Token) -> bool {
    matches!(token, Token::Sign(sign) if "+-*/<>=~!@#%^&|`?".contains(*sign))
}

fn word(token: Option<&Token>) -> Option<&str> {
    match token {
        Some(Token::Word { text, .. }) => Some(text),
        _ => None,
    }
}

fn is(token: Option<&Token>, keyword: &str) -> bool {
    matches!(token, Some(Token::Word { text, quoted: false }) if text == keyword)
}

/// `set_config(..)` as the whole select list.
fn sets_a_setting(rest: &[Token]) -> bool {
    let at = if is(rest.first(), "pg_catalog") { 2 } else { 0 };
    is(rest.get(at), "set_config")
        && rest
            .iter()
            .filter(|token| **token == Token::Sign('('))
            .count()
            == 1
}

/// What a PREPARE prepares.
fn query_of_prepare(rest: &[Token]) -> Option<&[Token]> {
    let at = rest.iter().position(|token| is(Some(token), "as"))?;
    Some(&rest[at + 1..])
}

/// `TABLE [ONLY] name [, ..] IN ACCESS SHARE MODE`.
fn only_access_share(rest: &[Token]) -> Result<(), String> {
    let mode = ["in", "access", "share", "mode"];
    let refused = || "LOCK is let through as LOCK TABLE .. IN ACCESS SHARE MODE only".to_owned();
    let names = rest.len().checked_sub(mode.len()).ok_or_else(refused)?;
    let fits = mode
        .iter()
        .zip(&rest[names..])
        .all(|(word, token)| is(Some(token), word));
    let is_name = |token: &Token| matches!(token, Token::Word { .. } | Token::Sign('.' | ','));
    let modes = rest[..names]
        .iter()
        .any(|token| is(Some(token), "in") || is(Some(token), "mode"));
    if fits && !modes && is(rest.first(), "table") && rest[..names].iter().all(is_name) {
        Ok(())
    } else {
        Err(refused())
    }
}

/// Whether a query names no relation outside of `pg_catalog` and calls nothing beyond the list.
fn reads_the_catalogue(all: &[Token]) -> Result<(), String> {
    let qualified = CALLED.map(|name| format!("pg_catalog.{name}"));
    let mut called = CALLED.to_vec();
    called.extend(qualified.iter().map(String::as_str));
    guard_tokens(all, &called)?;
    let mut depth = 0_usize;
    // For each depth of parentheses: whether we are in its list of FROM.
    let mut in_from = vec![false];
    let mut expects = false;
    for (at, token) in all.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| all.get(at));
        match token {
            Token::Sign('(') => {
                depth += 1;
                in_from.push(false);
                // `FROM (a JOIN b ..)`: what stands in there is a list of FROM too. `FROM (SELECT ..)` begins with its own word.
                if expects {
                    in_from[depth] = true;
                    continue;
                }
            }
            Token::Sign(')') => {
                depth = depth.checked_sub(1).ok_or("a parenthesis too many")?;
                in_from.pop();
            }
            Token::Sign(',') if in_from[depth] => {
                expects = true;
                continue;
            }
            Token::Word { text, quoted } => {
                let keyword = if *quoted { "" } else { text.as_str() };
                match keyword {
                    "from" if !is(before, "distinct") => {
                        in_from[depth] = true;
                        expects = true;
                        continue;
                    }
                    "join" => {
                        expects = true;
                        continue;
                    }
                    "only" | "lateral" if expects => continue,
                    "for" => return Err("it locks rows, or reads them otherwise".to_owned()),
                    "where" | "group" | "order" | "having" | "union" | "except" | "intersect"
                    | "limit" | "window" | "select" => in_from[depth] = false,
                    _ => {}
                }
                if expects && all.get(at + 1) == Some(&Token::Sign('.')) && text != "pg_catalog" {
                    return Err(format!("it reads a relation of the schema {text}"));
                }
            }
            _ => {}
        }
        expects = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::{ProxyRuling, judge};

    fn ruled(sql: &str) -> Result<ProxyRuling, String> {
        judge(sql, &mut BTreeSet::from(["dumpfunc".to_owned()]))
    }

    #[rstest]
    #[case("INSERT INTO public.t VALUES (1)")]
    #[case("SELECT * FROM public.t")]
    #[case("SELECT 1 FROM pg_class c, public.t")]
    #[case("SELECT 1 FROM pg_class c JOIN public.t ON true")]
    #[case("SELECT 1 FROM (pg_class c CROSS JOIN public.t)")]
    #[case("SELECT (SELECT 1 FROM ONLY public.t)")]
    #[case("SELECT 1 FROM pg_class WHERE oid IN (SELECT 1 FROM \"S\".\"t\")")]
    #[case("SELECT 1; SELECT 2")]
    #[case("SELECT pg_catalog.pg_terminate_backend(1)")]
    #[case("SELECT pg_export_snapshot()")]
    #[case("SELECT set_config('a', lo_create(0)::text, false)")]
    #[case("SELECT public.f()")]
    #[case("SELECT nextval('s')")]
    #[case("SELECT 1 FROM pg_class FOR UPDATE")]
    #[case("LOCK TABLE public.t")]
    #[case("LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")]
    #[case("LOCK TABLE public.t IN EXCLUSIVE MODE IN ACCESS SHARE MODE")]
    #[case("LOCK TABLE public.t IN ACCESS SHARE MODE NOWAIT")]
    #[case("START TRANSACTION")]
    #[case("BEGIN ISOLATION LEVEL SERIALIZABLE")]
    #[case("SAVEPOINT x")]
    #[case("SET ROLE postgres")]
    #[case("SET SESSION AUTHORIZATION postgres")]
    #[case("SET default_transaction_read_only = off")]
    #[case("PREPARE f AS INSERT INTO public.t VALUES (1)")]
    #[case("PREPARE f(int) AS SELECT * FROM public.t WHERE a = $1")]
    #[case("EXECUTE dumpFunc((SELECT 1))")]
    #[case("EXECUTE other('1')")]
    #[case("COPY pg_class TO STDOUT")]
    #[case("DO $x$ BEGIN END $x$")]
    // Texts that a mark of a parameter, or the name of an operator, once made end elsewhere than on the server.
    #[case("SELECT $a$1$a$ || pg_terminate_backend(1) /*$a1$*/")]
    #[case(
        "SELECT concat('OPERATOR(pg_catalog.') || pg_terminate_backend(1) || concat('OPERATOR(pg_catalog.')"
    )]
    #[case("SELECT 1 OPERATOR(public.+) 2")]
    #[case("SELECT 1 OPERATOR(pg_catalog.+ + lo_create(0)) 2")]
    fn what_is_on_no_list_is_refused(#[case] sql: &str) {
        assert!(ruled(sql).is_err(), "{sql}");
    }

    #[rstest]
    #[case("BEGIN")]
    #[case("SET statement_timeout = 0")]
    #[case("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")]
    #[case("RESET search_path")]
    #[case("SELECT pg_catalog.set_config('search_path', '', false);")]
    #[case("SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'x'")]
    fn settings_and_transaction_are_never_sent(#[case] sql: &str) {
        assert!(
            !matches!(ruled(sql), Ok(ProxyRuling::Send(_)) | Err(_)),
            "{sql}"
        );
    }

    #[rstest]
    #[case("LOCK TABLE ONLY shop.orders, \"S\".\"in\" IN ACCESS SHARE MODE")]
    #[case("EXECUTE dumpFunc('16385')")]
    #[case(
        "PREPARE g(pg_catalog.oid) AS SELECT oid, pg_catalog.pg_get_expr(a, $1) FROM pg_catalog.pg_attrdef WHERE oid = $1"
    )]
    #[case(
        "SELECT oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.~) '^(x)$' COLLATE pg_catalog.default"
    )]
    #[case(
        "SELECT a.b FROM unnest('{1}'::pg_catalog.oid[]) AS src(b) JOIN pg_catalog.pg_class a ON (src.b = a.oid)"
    )]
    fn what_pg_dump_asks_is_sent(#[case] sql: &str) {
        assert!(
            matches!(ruled(sql), Ok(ProxyRuling::Send(_))),
            "{sql}: {:?}",
            ruled(sql)
        );
    }

    /// What a text, a name or a comment may contain that could be taken for its end, or for the beginning of another.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "OPERATOR(pg_catalog.",
            "(",
            ")",
            "=",
            "$a$",
            "$1",
            "$",
            "a",
            "1",
            "--",
            "/",
            "*",
            "\\",
            " as ",
            " ",
            "\n",
            ";",
            "e",
            "'",
            "\"",
        ]);
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    /// Something that PostgreSQL reads as a whole, whatever stands around it. Without AS: a name behind it is no call.
    fn lexeme() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "pg_class",
            "concat(",
            "format_type(",
            "(",
            ")",
            ",",
            "from",
            "join",
            "||",
            "$1",
            "$12",
            "1",
            ".5",
            "OPERATOR(pg_catalog.~)",
            "::text",
            "select",
            "where",
            "null",
            "union all",
        ]);
        (0_u8..8, pieces(), words).prop_map(|(kind, inside, word)| match kind {
            0 => format!("'{}'", inside.replace('\'', "''")),
            1 => format!("E'{}'", inside.replace('\\', "\\\\").replace('\'', "''")),
            2 => format!("$a${}$a$", inside.replace('$', "")),
            3 => format!("\"n{}\"", inside.replace('"', "\"\"").replace('\n', "")),
            4 => format!("/*{}*/", inside.replace(['/', '*'], "")),
            5 => format!("--{}\n", inside.replace('\n', "")),
            _ => word.to_owned(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        /// Whatever stands around it: texts, names and comments hide nothing.
        #[test]
        fn what_may_not_be_asked_is_never_sent(
            before in prop::collection::vec(lexeme(), 0..8),
            after in prop::collection::vec(lexeme(), 0..8),
            verb in prop::sample::select(vec!["SELECT", "WITH w AS (SELECT 1) SELECT", "VALUES", "PREPARE g AS SELECT", "PREPARE g(text) AS SELECT"]),
            hostile in prop::sample::select(vec![
                "pg_terminate_backend(1)", "public.f(1)", "pg_catalog.\"lo_create\"(0)", "nextval('s')", "FROM public.t",
                "; SELECT 1", "'x'::public.trap", "1 OPERATOR(public.+) 2", "FOR UPDATE", "INTO t", "set_config('a', 'b', false)",
            ]),
        ) {
            let sql = format!("{verb} {} {hostile} {}", before.join(" "), after.join(" "));
            let ruling = ruled(&sql);
            prop_assert!(!matches!(ruling, Ok(ProxyRuling::Send(_))), "{}", sql);
        }
    }
}
