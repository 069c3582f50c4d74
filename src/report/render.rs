//! Renders the report templates with minijinja. Invariant: an undefined value is an error, and every value is escaped unless a
//! filter of this file made it safe (`environment`, `write_inline`).

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, context,
};

use super::{RenderedReport, ReportError, ReportInput, escape, names, view};
use crate::audit::{REPORTS, reports_of};
use crate::survey::FactKey;

const MACROS: (&str, &str) = ("macros.md", include_str!("../../assets/reports/macros.md"));

const TEMPLATES: [&str; 14] = [
    include_str!("../../assets/reports/01-ssot-repo-precheck.md"),
    include_str!("../../assets/reports/02-dryrun-feasibility-and-scope.md"),
    include_str!("../../assets/reports/03-context-and-prediction.md"),
    include_str!("../../assets/reports/04-live-dryrun-execution-result.md"),
    include_str!("../../assets/reports/05-resume-idempotency-result.md"),
    include_str!("../../assets/reports/06-test-safety-result.md"),
    include_str!("../../assets/reports/07-final-dry-run-report.md"),
    include_str!("../../assets/reports/08-live-facts-pre.md"),
    include_str!("../../assets/reports/09-live-facts-post.md"),
    include_str!("../../assets/reports/10-non-mutation-proof.md"),
    include_str!("../../assets/reports/11-grant-matrix.md"),
    include_str!("../../assets/reports/12-approvals-and-stops.md"),
    include_str!("../../assets/reports/13-forbidden-action-audit.md"),
    include_str!("../../assets/reports/14-rehearsal.md"),
];

/// The reports of a run, in order, thirteen and one more with a change; the same journal and blobs give the same bytes. Fails where the run has no
/// `run_created` or a template asks for a value that the view does not have.
pub fn render(input: &ReportInput) -> Result<Vec<RenderedReport>, ReportError> {
    let view = view::view(input)?;
    let environment = environment()?;
    let view = Value::from(Serde(view));
    let reports = reports_of(input.run).into_iter().zip(names(input.run));
    reports
        .zip(REPORTS)
        .map(|(([_, title], name), [number, ..])| {
            let text = environment
                .get_template(number)
                .and_then(|template| template.render(context! { title, ..view.clone() }))
                .map_err(|source| ReportError::Template {
                    name: number,
                    source,
                })?;
            Ok(RenderedReport { name, text })
        })
        .collect()
}

fn environment() -> Result<Environment<'static>, ReportError> {
    let mut environment = Environment::new();
    // A missing value would print as an empty text and a report would pass with a hole in it; strict mode turns it into an
    // error.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax()?);
    // minijinja marks the output of macros as safe only while some escaping is on. The mode itself does nothing here: the
    // formatter below does the escaping.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(write_inline);
    environment.add_filter("code", |text: &Value| {
        Value::from_safe_string(escape::code(&plain(text)))
    });
    environment.add_filter("key", |key: String| FactKey::new(key).to_string());
    environment.add_filter("fence", fence);
    let numbers = REPORTS.map(|[number, ..]| number);
    let all = numbers.into_iter().zip(TEMPLATES).chain([MACROS]);
    for (name, text) in all {
        environment
            .add_template(name, text)
            .map_err(|source| ReportError::Template { name, source })?;
    }
    Ok(environment)
}

/// Removes the line of a block tag, and keeps the newline at the end of a template: reports end with exactly one.
fn syntax() -> Result<SyntaxConfig, ReportError> {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(|source| ReportError::Template {
            name: "macros.md",
            source,
        })
}

/// The text of a value, not escaped. A string is taken as it is, without the quotes that its debug form would have.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Writes a value into the report: escaped for running text, unless one of our filters marked it safe. A null is refused too:
/// minijinja's strict mode rejects undefined values only.
fn write_inline(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "a value is missing where words are expected",
        ));
    }
    let text = plain(value);
    let text = if value.is_safe() {
        text
    } else {
        escape::inline(&text)
    };
    out.write_str(&text).map_err(Error::from)
}

/// The filter `fence`: a code block of a whole document or of a list of lines.
fn fence(lines: &Value) -> Result<Value, Error> {
    let fenced = if let Some(document) = lines.as_str() {
        escape::fence(document.lines())
    } else {
        let lines: Vec<String> = lines.try_iter()?.map(|line| plain(&line)).collect();
        escape::fence(lines.iter().map(String::as_str))
    };
    Ok(Value::from_safe_string(fenced))
}
