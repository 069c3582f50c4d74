//! Tests that a text names. Invariant: each of them exists.

use std::fs;
use std::path::Path;

use super::{File, collect, has_word};

/// Whether a file of the test program defines the test, by the name of its function. `lib` is the program of the unit tests;
/// a case of rstest is named after its function.
pub fn has_test(program: &str, test: &str, files: &[File]) -> bool {
    let mut path = test.split("::").collect::<Vec<_>>();
    path.retain(|name| !name.starts_with("case_"));
    let function = format!("fn {}", path.last().copied().unwrap_or_default());
    let folder = match program {
        "lib" => "src/".to_owned(),
        program => format!("tests/{program}/"),
    };
    let file = format!("tests/{program}.rs");
    files.iter().any(|(path, text)| {
        (*path == file || path.starts_with(&folder)) && has_word(text, &function)
    })
}

/// The tests that a document names as `program::module::test`.
fn named(document: &str) -> Vec<&str> {
    let between = document.split('`').skip(1).step_by(2);
    between
        .filter(|name| name.contains("::") && !name.contains(' '))
        .collect()
}

fn missing(document: &str, files: &[File]) -> Vec<String> {
    let exists = |name: &&&str| {
        let (program, test) = name.split_once("::").unwrap_or_default();
        has_test(program, test, files)
    };
    let names = named(document);
    names
        .iter()
        .filter(|name| !exists(name))
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_test_that_the_document_of_reliability_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/RELIABILITY.md")).expect("the document");
    let mut files = Vec::new();
    collect(root, "src", &mut files);
    collect(root, "tests", &mut files);
    assert!(named(&document).len() > 80, "{}", named(&document).len());
    assert_eq!(missing(&document, &files), Vec::<String>::new());
    let invented = document.replace("safety::a_disk", "safety::no_disk");
    assert_eq!(
        missing(&invented, &files),
        ["integration::safety::no_disk_that_is_full_ends_with_74_and_nothing_is_acknowledged"]
    );
}
