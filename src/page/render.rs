//! Renders the page.
//! Invariant: every value is escaped by the formatter, there is no script, and the only style is the one whose digest the
//! content security policy of the page names. Held by `write_escaped` and the tests of tests/integration/page.rs.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, HtmlEscape, Output, State, UndefinedBehavior,
};
use sha2::{Digest as _, Sha256};

use super::{PageError, PageInput, view};
use crate::report::visible;
use crate::survey::UtcTime;

const PAGE: &str = include_str!("../../assets/page/run.html");
const PARTS: &str = include_str!("../../assets/page/parts.html");
const STYLE: &str = include_str!("../../assets/page/run.css");

/// The page of a run. The same journal, blobs, reviews and hook records give the same bytes.
pub fn page(input: &PageInput<'_>) -> Result<String, PageError> {
    let mut context = view::view(input)?;
    // The policy allows a style by the SHA-256 of the exact text between its tags, so both uses are trimmed alike.
    context["style_sha256"] = base64(&Sha256::digest(STYLE.trim_end())).into();
    let environment = environment()?;
    let page = environment.get_template("run.html")?;
    Ok(page.render(Value::from(Serde(context)))?)
}

fn environment() -> Result<Environment<'static>, PageError> {
    let mut environment = Environment::new();
    // A name that the template misspells is an error and not an empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(write_escaped);
    environment.add_filter("words", words);
    environment.add_filter("when", when);
    environment.add_template("run.css", STYLE.trim_end())?;
    environment.add_template("parts.html", PARTS)?;
    environment.add_template("run.html", PAGE)?;
    Ok(environment)
}

/// Escapes a value: characters that cannot be seen are made visible, then everything that HTML would
/// read as markup is replaced.
fn write_escaped(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "a value is missing where words are expected",
        ));
    }
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    // Only values that a filter has escaped already, such as those of `words`.
    if value.is_safe() {
        return out.write_str(&text).map_err(Error::from);
    }
    // Tabs are kept: rows of documents are `key<TAB>value`.
    let columns: Vec<String> = text.split('\t').map(visible).collect();
    write!(out, "{}", HtmlEscape(&columns.join("\t"))).map_err(Error::from)
}

/// A long name in which a line may break behind each `_`.
fn words(text: &str) -> Value {
    // Escaped before `<wbr>` is put in, because a safe string is not escaped again.
    let escaped = HtmlEscape(&visible(text)).to_string();
    Value::from_safe_string(escaped.replace('_', "_<wbr>"))
}

/// A time of the journal to the second: `2026-05-21 02:15:23Z`. Any other text is returned as it is.
fn when(text: &str) -> String {
    text.parse::<UtcTime>().map_or_else(
        |_| text.to_owned(),
        |at| format!("{} {}", at.date(), at.clock()),
    )
}

/// Base64 with padding: the form in which a content security policy names a digest.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    // Three bytes are four digits of six bits; missing bytes at the end are `=`.
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, nth| {
            group << 8 | u32::from(chunk.get(nth).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let digit = usize::try_from((group >> (18 - 6 * place)) & 63).unwrap_or(0);
            text.push(if place > chunk.len() {
                '='
            } else {
                char::from(ALPHABET[digit])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_known_texts() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
