//! The statement guard: which SQL of a profile may be sent, decided before a server sees it.
//! Invariant: [`GuardedSql`] exists only for text that passed `guard` (its fields are private to this file).

use std::collections::BTreeSet;

use super::function_names::{is_built_in, is_syntax};
use super::lexer::{Token, tokens};

/// Longest SQL text of a profile, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// Longest SQL text that the program writes from a profile, in bytes: that of a table with 1,600 columns.
const WRITTEN_MAX: usize = 1024 * 1024;

/// SQL that starts as a read and calls only functions on the allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GuardedSql {
    text: String,
    attributes: String,
    named: BTreeSet<String>,
    qualified: BTreeSet<String>,
}

impl GuardedSql {
    /// The SQL text, without whitespace at its end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Every name after a dot that is not a call by itself, one per line: PostgreSQL reads `x.f` as `f(x)` where there is no
    /// column `f`.
    pub(super) fn attributes(&self) -> &str {
        &self.attributes
    }

    /// Every two names with a dot between them, here a tab: whatever relation the text reads that is not of pg_catalog is among
    /// them.
    pub(super) fn qualified(&self) -> &BTreeSet<String> {
        &self.qualified
    }

    /// The functions and types that the text names because the profile allows them.
    pub(super) fn named(&self) -> &BTreeSet<String> {
        &self.named
    }
}

/// Lets SQL of a profile pass, or says why not. `allowed` are the functions that the profile names.
pub(super) fn guard(sql: &str, allowed: &[String]) -> Result<GuardedSql, String> {
    guarded(sql, allowed, TEXT_MAX)
}

/// Lets SQL pass that the program wrote from a profile, and that calls `called` beside what any SQL may call.
pub(super) fn guard_written(sql: &str, called: &[&str]) -> Result<GuardedSql, String> {
    let called: Vec<String> = called.iter().map(|name| (*name).to_owned()).collect();
    guarded(sql, &called, WRITTEN_MAX)
}

/// Lets the tokens of a read of another program pass, which calls `called` beside what any SQL may call.
pub(super) fn guard_tokens(tokens: &[Token], called: &[&str]) -> Result<(), String> {
    let called: Vec<String> = called.iter().map(|name| (*name).to_owned()).collect();
    is_one_read(tokens)?;
    calls_are_known(tokens, &called).map(|_| ())
}

fn guarded(sql: &str, allowed: &[String], bytes_max: usize) -> Result<GuardedSql, String> {
    let tokens = readable(sql, bytes_max)?;
    is_one_read(&tokens)?;
    let named = calls_are_known(&tokens, allowed)?;
    Ok(GuardedSql {
        text: sql.trim_end().to_owned(),
        attributes: attributes(&tokens).join("\n"),
        named,
        qualified: qualified(&tokens),
    })
}

fn is_one_read(tokens: &[Token]) -> Result<(), String> {
    // A query may begin with parentheses: `(SELECT ..) UNION ..`.
    let first = tokens.iter().find(|token| **token != Token::Sign('('));
    let reads = matches!(first, Some(Token::Word { text, quoted: false })
        if ["select", "with", "values", "table"].contains(&text.as_str()));
    if !reads {
        return Err(
            "not a plain read: it must begin with SELECT, WITH, VALUES or TABLE".to_owned(),
        );
    }
    for token in tokens {
        if let Token::Word { text, quoted: true } = token
            && text.contains(['\n', '\t'])
        {
            return Err(format!("the name {text:?} has a line break or a tab"));
        }
        if let Token::Word {
            text,
            quoted: false,
        } = token
            && FORBIDDEN.contains(&text.as_str())
        {
            return Err(format!("the word {} is not read-only", text.to_uppercase()));
        }
    }
    // In the extended protocol the server refuses two statements itself; here it is said before.
    if tokens.contains(&Token::Sign(';')) {
        return Err("more than one statement, or a semicolon".to_owned());
    }
    Ok(())
}

fn qualified(tokens: &[Token]) -> BTreeSet<String> {
    let pairs = tokens.windows(3).filter_map(|three| match three {
        [
            Token::Word { text: schema, .. },
            Token::Sign('.'),
            Token::Word { text: name, .. },
        ] => Some(format!("{schema}\t{name}")),
        _ => None,
    });
    pairs.collect()
}

fn attributes(tokens: &[Token]) -> Vec<&str> {
    let after = |at: usize| tokens.get(at + 1);
    let names = tokens.iter().enumerate().filter_map(|(at, token)| {
        let Some(Token::Word { text, .. }) = after(at) else {
            return None;
        };
        let attribute = *token == Token::Sign('.') && after(at + 1) != Some(&Token::Sign('('));
        attribute.then_some(text.as_str())
    });
    names.collect()
}

/// Whether the body of one of PostgreSQL's own functions in SQL is what came with it, as far as its calls tell.
pub(super) fn guard_body(body: &str) -> Result<(), String> {
    let called = CALLED_BY_OWN.map(str::to_owned);
    // The marks of its parameters are no tokens of a profile's SQL, and its operators are PostgreSQL's own.
    let mut text = body.replace('$', "");
    while let Some(from) = text.find("operator(pg_catalog.") {
        let to = text[from..].find(')').ok_or("an operator without end")?;
        text.replace_range(from..=from + to, "+");
    }
    let tokens = tokens(&text)?;
    calls_are_known(&tokens, &called).map(|_| ())
}

/// What PostgreSQL's own functions in SQL call, beside what SQL of a profile may call.
const CALLED_BY_OWN: [&str; 15] = [
    "information_schema._pg_char_max_length",
    "information_schema._pg_expandarray",
    "overlaps",
    "pg_catalog.array_lower",
    "pg_catalog.array_upper",
    "pg_catalog.current_database",
    "pg_catalog.format_type",
    "pg_catalog.on_ppath",
    "pg_catalog.pg_encoding_max_length",
    "pg_catalog.polygon",
    "pg_catalog.quote_nullable",
    "pg_catalog.similar_to_escape",
    "pg_catalog.xpath",
    "pg_catalog.xpath_exists",
    "pg_catalog.regclass",
];

/// Words that begin or belong to writes; as names they can still be written in double quotes.
const FORBIDDEN: [&str; 25] = [
    "insert", "update", "delete", "merge", "truncate", "copy", "call", "do", "create", "alter",
    "drop", "grant", "revoke", "lock", "notify", "listen", "unlisten", "vacuum", "analyze",
    "cluster", "reindex", "into", "prepare", "execute", "commit",
];

fn readable(sql: &str, bytes_max: usize) -> Result<Vec<Token>, String> {
    if sql.contains('\0') {
        return Err("it has a NUL character".to_owned());
    }
    if sql.len() > bytes_max {
        return Err(format!("it has {} bytes, at most {bytes_max}", sql.len()));
    }
    tokens(sql)
}

/// Gives the names that are known only because they are allowed.
fn calls_are_known(tokens: &[Token], allowed: &[String]) -> Result<BTreeSet<String>, String> {
    let mut named = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word { text, quoted } = token else {
            continue;
        };
        let next = tokens.get(at + 1);
        if !quoted && text == "operator" && next == Some(&Token::Sign('(')) {
            return Err("OPERATOR(..) can name an operator of anybody".to_owned());
        }
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let qualified = before == Some(&Token::Sign('.'));
        if next == Some(&Token::Sign('(')) {
            let name = call_is_known(tokens, at, text, *quoted, allowed)?;
            named.extend(name);
        }
        if qualified && is_type_position(tokens, at) {
            let name = qualified_name(tokens, at);
            let longer = next == Some(&Token::Sign('.'));
            if longer || !name.starts_with("pg_catalog.") && !allowed.contains(&name) {
                return Err(format!(
                    "the type {name} is not of pg_catalog; its casts and checks could run anything"
                ));
            }
            named.insert(name);
        }
    }
    Ok(named)
}

fn call_is_known(
    tokens: &[Token],
    at: usize,
    text: &str,
    quoted: bool,
    allowed: &[String],
) -> Result<Option<String>, String> {
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    if before == Some(&Token::Sign('.')) {
        let name = qualified_name(tokens, at);
        let built_in = name.strip_prefix("pg_catalog.").is_some_and(is_built_in);
        if built_in {
            return Ok(None);
        }
        if allowed.contains(&name) {
            return Ok(Some(name));
        }
        return Err(format!("the function {name} is not on the allow-list"));
    }
    // `AS name (columns)` is an alias with a column list, not a call.
    let named_by_as = matches!(before, Some(Token::Word { text, quoted: false }) if text == "as");
    let syntax = !quoted && is_syntax(text);
    if syntax || named_by_as || is_built_in(text) {
        return Ok(None);
    }
    if allowed.iter().any(|name| name == text) {
        return Ok(Some(text.to_owned()));
    }
    Err(format!("the function {text} is not on the allow-list"))
}

/// `schema.name` of the word at `at`; of a longer chain the last two words.
fn qualified_name(tokens: &[Token], at: usize) -> String {
    let word = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
        Some(Token::Word { text, .. }) => text.as_str(),
        _ => "",
    };
    format!("{}.{}", word(at.checked_sub(2)), word(Some(at)))
}

/// Whether the qualified word at `at` stands where a type stands: after `::`, after `AS` in a cast, or before a string
/// constant.
fn is_type_position(tokens: &[Token], at: usize) -> bool {
    if tokens.get(at + 1) == Some(&Token::Text) {
        return true;
    }
    let Some(before) = at.checked_sub(3) else {
        return false;
    };
    match &tokens[before] {
        Token::Sign(':') => true,
        Token::Word {
            text,
            quoted: false,
        } => text == "as",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::guard;

    #[rstest]
    #[case("INSERT INTO public.t VALUES (1)")]
    #[case("WITH w AS (DELETE FROM public.t RETURNING 1) SELECT * FROM w")]
    #[case("SELECT 1; COMMIT")]
    #[case("SELECT public.steal()")]
    #[case("SELECT pg_catalog.lo_create(0)")]
    #[case("SELECT lo_create (0)")]
    #[case("SELECT \"lo_create\"(0)")]
    #[case("SELECT pg_catalog . /* x */ \"lo_unlink\" (1)")]
    #[case("SELECT query_to_xml('DELETE FROM t', true, true, '')")]
    #[case("SELECT nextval('s')")]
    #[case("SELECT set_config('transaction_read_only', 'off', false)")]
    #[case("SELECT 1 OPERATOR(public.+) 2")]
    #[case("SELECT 'x'::public.trap")]
    #[case("SELECT CAST('x' AS public.trap)")]
    #[case("SELECT public.trap 'x'")]
    #[case("SELECT * INTO t FROM public.a")]
    #[case("SELECT pg_notify('c', 'x')")]
    #[case("SELECT pg_terminate_backend(1)")]
    #[case("COMMIT")]
    #[case("ROLLBACK")]
    #[case("DO $$ BEGIN END $$")]
    #[case("CALL public.p()")]
    #[case("EXPLAIN ANALYZE SELECT 1")]
    #[case("COPY public.t TO PROGRAM 'x'")]
    #[case("SELECT U&\"\\0070\"()")]
    #[case("SELECT $1")]
    #[case("SELECT 1\0")]
    fn hostile_sql_is_refused(#[case] sql: &str) {
        assert!(guard(sql, &[]).is_err(), "{sql}");
    }

    #[test]
    fn sql_of_the_built_in_profile_passes() {
        let (profile, _) = crate::profile::built_in("icx-const").expect("it parses");
        let facts = profile.facts.iter().filter_map(|fact| fact.sql.as_deref());
        let units = profile.units().expect("it has units");
        let streams = [units.pieces, units.candidates];
        for sql in facts.chain(streams) {
            assert_eq!(guard(sql, &[]).map(|_| ()), Ok(()), "{sql}");
        }
    }

    #[test]
    fn a_function_that_the_profile_names_passes() {
        assert!(guard("SELECT public.f(1)", &["public.f".to_owned()]).is_ok());
    }
}
