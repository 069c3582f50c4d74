//! `drygate replay --svg` on a kept run. Invariant: the picture is read by a parser like that of browsers, and what stands in its columns is compared with the replay itself.

use std::fs;

use drygate::survey::Digest;
use unicode_segmentation::UnicodeSegmentation;

use super::golden::{Place, V1};
use super::page::{Element, Page};
use super::support::server::text;

/// Pixels of the picture: around the frame, of a cell, and from the top of a cell to the line that letters stand on.
const MARGIN: usize = 12;
const CELL: (usize, usize) = (9, 18);
const BASELINE: usize = 14;

/// The characters that are drawn as lines.
const LINES: &str = "─━│┃┌┏┐┓└┗┘┛";

/// A picture that goes to standard output.
fn picture(place: &Place, words: &[&str]) -> String {
    let first = ["replay", V1, "--svg", "-", "--color", "always"];
    place.drygate(&[&first, words].concat()).expect(0).stdout
}

/// The frame that the replay of a record prints, with nothing where lines are.
fn replayed(place: &Place, seq: u64) -> (Vec<String>, usize) {
    let words = ["replay", V1, "--at", &seq.to_string(), "--json"];
    let told = place.drygate(&words).expect(0).json();
    let frame = told["replay"]["frame"].as_array().expect("lines");
    let without = |line: &str| line.replace(|c| LINES.contains(c), " ");
    let lines = frame.iter().flat_map(|line| text(line).chars());
    let lines = lines.filter(|c| LINES.contains(*c)).count();
    let frame = frame.iter().map(|line| without(text(line)));
    (
        frame.map(|line| line.trim_end().to_owned()).collect(),
        lines,
    )
}

fn number(element: &Element, name: &str) -> usize {
    let value = element.get(name).expect("the attribute");
    value.parse().expect("a number")
}

/// What stands in each column of each row.
fn shown(page: &Page, rows: usize) -> Vec<String> {
    let mut cells = vec![vec![" ".to_owned(); 160]; rows];
    for element in page.named("text") {
        let (x, y) = (number(element, "x"), number(element, "y"));
        let (column, row) = ((x - MARGIN) / CELL.0, (y - MARGIN - BASELINE) / CELL.1);
        let pixels = (MARGIN + column * CELL.0, MARGIN + row * CELL.1 + BASELINE);
        assert_eq!((x, y), pixels, "{}", element.text);
        let letters: Vec<&str> = element.text.graphemes(true).collect();
        assert_eq!(number(element, "textLength"), letters.len() * CELL.0);
        assert!(!element.text.contains(' '), "{:?}", element.text);
        for (letter, cell) in letters.into_iter().zip(&mut cells[row][column..]) {
            assert_eq!(cell, " ", "one character a cell");
            letter.clone_into(cell);
        }
    }
    let line = |row: Vec<String>| row.concat().trim_end().to_owned();
    cells.into_iter().map(line).collect()
}

#[test]
fn a_picture_shows_the_frame_of_its_record_and_loads_nothing() {
    let place = Place::new();
    let last = place.drygate(&["replay", V1, "--json"]).expect(0).json();
    let last = last["replay"]["seq"].as_u64().expect("a number");
    assert_eq!(
        picture(&place, &[]),
        picture(&place, &["--at", &last.to_string()])
    );
    for seq in [0, last / 3, last / 2, last] {
        let words = ["--at", &seq.to_string()];
        let svg = picture(&place, &words);
        assert_eq!(svg, picture(&place, &words), "the same bytes");
        let inert =
            |c: char| c == '\n' || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
        assert!(svg.chars().all(inert));

        let page = Page::parse(format!("<!DOCTYPE html><title>x</title>{svg}"));
        assert_eq!(page.errors, Vec::<String>::new());
        let titles: Vec<&str> = page.named("title").map(|it| it.text.as_str()).collect();
        let title = format!("drygate replay {V1}: record {seq} of ");
        assert!(titles[1].starts_with(&title), "{titles:?}");
        let known = [
            "html", "head", "title", "body", "svg", "rect", "text", "path",
        ];
        for element in &page.elements {
            assert!(known.contains(&&*element.name), "<{}>", element.name);
            let links = ["href", "src"]
                .iter()
                .any(|name| element.get(name).is_some());
            let calls = element
                .attributes
                .iter()
                .any(|(name, value)| name.starts_with("on") || value.contains("url("));
            assert!(!links && !calls, "<{}>", element.name);
        }

        let (frame, lines) = replayed(&place, seq);
        assert_eq!(shown(&page, frame.len()), frame, "record {seq}");
        let paths = page.named("path").filter_map(|path| path.get("d"));
        assert_eq!(
            paths.map(|path| path.matches('M').count()).sum::<usize>(),
            lines
        );
    }
    let colours = |svg: &str| svg.matches("#56d364").count();
    let plain = place.drygate(&["replay", V1, "--svg", "-", "--color", "never"]);
    assert_eq!(colours(&plain.expect(0).stdout), 0);
    assert!(colours(&picture(&place, &[])) > 0);
}

#[test]
fn a_picture_replaces_nothing_and_says_what_it_wrote() {
    let place = Place::new();
    let path = place.0.path().join("run.svg");
    let shown = path.display().to_string();
    let words = [
        "replay", V1, "--at", "3", "--svg", &shown, "--width", "100", "--height", "30",
    ];
    let said = place.drygate(&words).expect(0);
    let bytes = fs::read(&path).expect("written");
    let sha256 = Digest::of(&bytes);
    assert_eq!(said.stdout, format!("{sha256}  {shown}\n"));
    assert!(said.stderr.contains("record 3 of "), "{}", said.stderr);
    let size = |cells: usize, pixels: usize| cells * pixels + 2 * MARGIN;
    let size = format!(
        r#" width="{}" height="{}" "#,
        size(100, CELL.0),
        size(30, CELL.1)
    );
    assert!(String::from_utf8_lossy(&bytes).contains(&size));
    let told = place.drygate(&[&words[..], &["--json"]].concat());
    let told = told.expect(0).json();
    assert_eq!(told["sha256"], sha256.as_str());
    assert_eq!(
        (&told["seq"], &told["bytes"]),
        (&3.into(), &bytes.len().into())
    );

    fs::write(&path, b"mine").expect("our own file");
    let refused = place.drygate(&words).expect(64);
    assert!(
        refused.stderr.contains("nothing is overwritten"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).expect("still there"), b"mine");
    let both = place.drygate(&["replay", V1, "--svg", "-", "--json"]);
    assert!(both.expect(64).stderr.contains("name a file for the svg"));
    let beyond = place.drygate(&["replay", V1, "--at", "999999", "--svg", "-"]);
    assert!(beyond.expect(64).stderr.contains("there is no record"));
}
