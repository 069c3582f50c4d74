//! The page of an archive, read by an HTML parser: it loads nothing, tells every fact, and no text of others is markup.
//! Invariant: the pages are of real runs, and the parser is one that browsers are built like.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use drygate::journal::{DirectoryStore, Permissions, Reviews};
use drygate::postgres::throwaway::Scenario;
use drygate::run::{Person, RunId, Signer};
use drygate::survey::{FactKey, UtcTime};
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::safety::base64;
use super::support::server::{Workspace, text};

/// An element: its name, its attributes, and the text below it.
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A page as a browser takes it.
pub struct Page {
    source: String,
    pub elements: Vec<Element>,
    pub errors: Vec<String>,
}

impl Page {
    /// The page in the archive of a run.
    pub fn of(workspace: &Workspace, run: &Value) -> Self {
        let path = workspace.place().join("page.tar").display().to_string();
        workspace
            .drygate(&["export", text(&run["run_id"]), "--output", &path])
            .expect(0);
        let mut archive = tar::Archive::new(fs::File::open(&path).expect("written"));
        let mut entries = archive
            .entries()
            .expect("a tar")
            .map(|it| it.expect("an entry"));
        let mut entry = entries
            .find(|entry| entry.path().expect("a name").ends_with("run.html"))
            .expect("a page");
        let mut source = String::new();
        entry.read_to_string(&mut source).expect("UTF-8");
        Self::parse(source)
    }

    pub fn parse(source: String) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(source.as_str());
        let mut elements = Vec::new();
        collect(&dom.document, &mut elements);
        let errors = dom
            .errors
            .borrow()
            .iter()
            .map(ToString::to_string)
            .collect();
        Self {
            source,
            elements,
            errors,
        }
    }

    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements
            .iter()
            .filter(move |element| element.name == name)
    }

    fn one<'a>(&'a self, name: &'a str) -> &'a Element {
        let found: Vec<&Element> = self.named(name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    }

    fn text(&self) -> &str {
        &self.one("body").text
    }
}

fn collect(node: &Handle, elements: &mut Vec<Element>) -> String {
    let mut own = String::new();
    let at = elements.len();
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let pair = |it: &html5ever::Attribute| (it.name.local.to_string(), it.value.to_string());
        elements.push(Element {
            name: name.local.to_string(),
            attributes: attributes.iter().map(pair).collect(),
            text: String::new(),
        });
    }
    if let NodeData::Text { contents } = &node.data {
        own.push_str(&contents.borrow());
    }
    for child in node.children.borrow().iter() {
        own.push_str(&collect(child, elements));
    }
    if matches!(node.data, NodeData::Element { .. }) {
        elements[at].text.clone_from(&own);
    }
    own
}

/// What holds of every page.
#[track_caller]
fn check(page: &Page) {
    assert_eq!(page.errors, Vec::<String>::new());
    let known = "a article b blockquote body caption circle code dd details div dl dt em figcaption figure footer h1 h2 h3 h4 \
                 head header html li line main mark meta nav ol p pre q section small span strong style summary svg table \
                 tbody td text th thead time title tr ul wbr";
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    let mut ids = BTreeSet::new();
    for element in &page.elements {
        assert!(known.contains(element.name.as_str()), "<{}>", element.name);
        for (name, value) in &element.attributes {
            assert!(
                !name.starts_with("on") && name != "style" && name != "src",
                "{name}={value}"
            );
            let link = matches!(
                name.as_str(),
                "href" | "action" | "data" | "srcset" | "poster" | "ping"
            );
            assert!(!link || value.starts_with('#'), "{name}={value}");
            if name == "id" {
                assert!(ids.insert(value.as_str()), "{value} is there twice");
            }
        }
        if element.name == "th" {
            assert!(element.get("scope").is_some(), "{}", element.text);
        }
        if element.name == "table" {
            let headed = element.text.trim_start().lines().next();
            assert!(headed.is_some_and(|caption| !caption.trim().is_empty()));
        }
    }
    for link in page.named("a") {
        let target = link.get("href").and_then(|href| href.strip_prefix('#'));
        assert!(target.is_some_and(|id| ids.contains(id)), "{target:?}");
    }
    for landmark in ["header", "nav", "main", "footer", "h1", "title"] {
        assert!(!page.one(landmark).text.trim().is_empty(), "{landmark}");
    }
    assert_eq!(page.one("html").get("lang"), Some("en"));
    let style = &page.one("style").text;
    for word in ["url(", "@import", "http"] {
        assert!(!style.contains(word), "{word}");
    }
    let digest = base64(&Sha256::digest(style));
    let policy = page.named("meta").find_map(|meta| {
        meta.get("http-equiv")
            .filter(|it| *it == "Content-Security-Policy")
            .and(meta.get("content"))
    });
    let wanted = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    assert_eq!(policy, Some(wanted.as_str()));
}

#[test]
fn the_page_loads_nothing_and_tells_every_fact() {
    let workspace = Workspace::new(Scenario::Draft);
    let sealed = workspace.run_to_the_end().expect(0).json();
    let page = Page::of(&workspace, &sealed);
    check(&page);
    assert_eq!(page.one("h1").text, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    let shown = page.text();
    let facts = sealed["facts"].as_object().expect("facts by key");
    assert!(facts.len() >= 15);
    for (key, fact) in facts {
        let value = fact["value"]
            .as_str()
            .map_or_else(|| fact["value"].to_string(), str::to_owned);
        let provenance = text(&fact["provenance"]);
        let tells = |row: &Element| {
            row.text.trim_start().starts_with(key.as_str())
                && row.text.contains(&value)
                && row.text.contains(provenance)
        };
        assert!(page.named("tr").any(tells), "{key} {value} {provenance}");
    }
    // A gate that is begun again records its checks again: the last one counts.
    let recorded = workspace.events(&sealed, "check_recorded");
    let name = |record: &Value| (record["gate"].clone(), record["check"]["name"].clone());
    for (nth, record) in recorded.iter().enumerate() {
        let check = &record["check"];
        let again = recorded[nth + 1..]
            .iter()
            .any(|later| name(later) == name(record));
        assert!(shown.contains(text(&check["name"])), "{check}");
        assert!(again || shown.contains(text(&check["says"])), "{check}");
    }
    for record in workspace.events(&sealed, "approval_recorded") {
        assert!(shown.contains(text(&record["evidence"])), "{record}");
        assert!(shown.contains(text(&record["by"]["user"])), "{record}");
    }
    let claims = sealed["non_mutation"]["claims"]
        .as_object()
        .expect("claims");
    for claim in claims.values() {
        for member in ["says", "measured", "cannot_see"] {
            assert!(shown.contains(text(&claim[member])), "{member}: {claim}");
        }
    }
    for words in [
        "A live run would change ~180 rows",
        "unit_version ~60 updated",
        "Fake PASS",
        "Approver identity is an OS account, not cryptographic",
        "Nobody wrote a note.",
    ] {
        assert!(shown.contains(words), "{words}");
    }
}

#[test]
fn a_drift_stands_side_by_side_with_the_words_that_changed_marked() {
    let workspace = Workspace::new(Scenario::Drift);
    let waiting = workspace.run_to_sg2();
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let drifted = workspace.approve(&waiting, "SG2").expect(4).json();
    let page = Page::of(&workspace, &drifted);
    check(&page);
    assert_eq!(page.one("h1").text, "Facts drifted at SG2");
    let marked: Vec<&str> = page.named("mark").map(|mark| mark.text.as_str()).collect();
    for word in ["bảy", "năm", "seven", "five"] {
        assert!(marked.contains(&word), "{word}: {marked:?}");
    }
    for change in drifted["drift"].as_array().expect("changes") {
        for side in ["approved", "found"] {
            assert!(
                page.text().contains(text(&change[side])),
                "{side}: {change}"
            );
        }
    }
    assert!(page.text().contains("approved, void: the facts drifted"));
    assert!(page.text().contains("NOT SEALED"));
}

#[test]
fn hostile_text_is_shown_and_is_no_markup() {
    const HOSTILE: &str = "</blockquote><script src=//evil.example>1</script><img src=x onerror=y> {{ 7*7 }} {style} \u{1b}]52;c;x\u{7} \u{202e}abc &amp;";
    let workspace = Workspace::new(Scenario::Enacted);
    let title =
        |profile: &str| profile.replacen("title = \"", "title = \"<b>x</b></title><script>", 1);
    let profile = workspace.profile("hostile.toml", title);
    let url = workspace.url();
    let words = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let waiting = workspace.drygate(&words).expect(3).json();
    let run_id: RunId = text(&waiting["run_id"]).parse().expect("a run id");
    let words = [
        "reject",
        run_id.as_str(),
        "SG1",
        "--reason",
        HOSTILE,
        "--json",
    ];
    let rejected = workspace.drygate(&words).expect(5).json();
    let store =
        DirectoryStore::new(&workspace.data(), Permissions::private()).expect("it is there");
    let reviews = Reviews::new(store.storage().clone(), &DirectoryStore::run_path(&run_id));
    let by = Person {
        user: "<i>opb</i>".to_owned(),
        uid: 1,
        host: "ops".to_owned(),
        tty: None,
        pid: 1,
        signer: Signer::StubSigning,
        login_uid: None,
        account_doubt: None,
        store_role: None,
    };
    let at = UtcTime::from_unix_micros(1_700_000_000_000_000);
    let fact = Some(FactKey::new("icx_total"));
    reviews
        .write(at, by, fact, HOSTILE.to_owned())
        .expect("written");

    let page = Page::of(&workspace, &rejected);
    check(&page);
    let shown = HOSTILE
        .replace('\u{1b}', "\\u{1b}")
        .replace('\u{7}', "\\u{7}")
        .replace('\u{202e}', "\\u{202e}");
    assert_eq!(page.one("blockquote").text, shown);
    assert_eq!(page.one("q").text, shown);
    assert!(page.text().contains("<i>opb</i>"));
    assert!(page.text().contains("<b>x</b></title><script>"));
    let raw = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!page.source.contains(raw));
    assert!(!page.source.contains('\u{202e}'));
}

#[test]
fn the_parser_sees_what_a_page_must_not_have() {
    let page = Page::parse("<!DOCTYPE html><title>x</title><img src=a><p onclick=b>".to_owned());
    assert!(page.named("img").any(|image| image.get("src") == Some("a")));
    assert!(page.named("p").any(|it| it.get("onclick").is_some()));
    assert_eq!(Page::parse("<p>".to_owned()).errors.len(), 1);
}
