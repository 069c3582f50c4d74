//! A run with a change: what may be copied is on SG1's sheet, the change is rehearsed at both approvals, and what it did on the shadow
//! is approved, compared and checked.
//! Invariant: no row of a table is copied before SG1 is approved, and production has the same rows afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::profile::built_in;
use serde_json::Value;

use super::page::Page;
use super::support::server::{Answer, Workspace, approval, finish, own_cluster, text};

/// Enacts every draft by the function of the demo.
pub const ENACT: &str = "SELECT public.fn_iu_enact(id, 'a rehearsal') FROM public.information_unit
 WHERE state = 'draft' ORDER BY id;\n";

/// A trigger that the profile's author did not know of, and a table beside.
const UNDECLARED: &str = "CREATE TABLE public.search_outbox (unit_id text NOT NULL);
 CREATE TABLE public.note (id integer PRIMARY KEY, seen boolean NOT NULL);
 INSERT INTO public.note SELECT n, false FROM generate_series(1, 5) AS n;
 ALTER TABLE public.search_outbox OWNER TO kb_owner;
 ALTER TABLE public.note OWNER TO kb_owner;
 GRANT SELECT ON public.search_outbox, public.note TO context_pack_readonly;
 CREATE FUNCTION public.tell_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path TO '' AS
   $$BEGIN INSERT INTO public.search_outbox VALUES (NEW.unit_id); RETURN NULL; END$$;
 ALTER FUNCTION public.tell_search() OWNER TO kb_owner;
 CREATE TRIGGER tell_search AFTER UPDATE ON public.unit_version FOR EACH ROW EXECUTE FUNCTION public.tell_search();
 ALTER ROLE kb_owner LOGIN;";

pub struct ChangedWorkspace {
    pub workspace: Workspace,
    profile: String,
    pub change: String,
    /// Variables of its commands.
    environment: Vec<(&'static str, PathBuf)>,
}

impl ChangedWorkspace {
    /// Drafts with the trigger, a change, and what the profile expects of it (the text of `change.expect`).
    pub fn new(change: &str, expect: Option<&str>) -> Self {
        let expect = expect.map_or_else(String::new, |rows| format!("expect = {rows}\n"));
        Self::under(change, &expect)
    }

    /// The same with these lines of `[change]`.
    pub fn under(change: &str, lines: &str) -> Self {
        let policy =
            format!("\n[change]\nrole = \"kb_owner\"\nfiles = [\"change.sql\"]\n{lines}\n");
        Self::of(change, |built_in| format!("{built_in}{policy}"))
    }

    /// The same with a profile of its own.
    pub fn of_profile(change: &str, profile: &str) -> Self {
        Self::of(change, |_| profile.to_owned())
    }

    /// With two phases: this one of SG1, then `ENACT` of SG2, and the simulator beside. The trigger is as undeclared as ever.
    pub fn phased(first: &str, expect: Option<&str>) -> Self {
        let expect = expect.map_or_else(String::new, |rows| format!("expect = {rows}\n"));
        let policy = format!(
            "\n[change]\nrole = \"kb_owner\"\n{expect}\n[[change.phase]]\ngate = \"SG1\"\nfiles = [\"first.sql\"]\n
             [[change.phase]]\ngate = \"SG2\"\nfiles = [\"change.sql\"]\n\n[rehearsal]\ncopy_before_sg1 = true\n"
        );
        let world = Self::of(ENACT, |built_in| format!("{built_in}{policy}"));
        fs::write(world.workspace.place().join("first.sql"), first).expect("a new file");
        world
    }

    /// The shop of the demo `change`, its migration, and its profile with these lines behind.
    pub fn of_demo(behind: &str) -> Self {
        Self::of_demo_profile(|profile| format!("{profile}{behind}"))
    }

    /// The same with its profile edited.
    pub fn of_demo_profile(edit: impl Fn(&str) -> String) -> Self {
        Self::of_demo_on(&ClusterOptions::default(), edit)
    }

    /// The same on a server with these options.
    pub fn of_demo_on(options: &ClusterOptions, edit: impl Fn(&str) -> String) -> Self {
        let workspace = Workspace::on(own_cluster(options), Scenario::Change);
        let [(name, migration)] = Scenario::Change.change() else {
            panic!("one file");
        };
        let (_, profile) = built_in(Scenario::Change.profile()).expect("it parses");
        Self::with(workspace, (name, migration), |_| edit(profile))
    }

    fn of(change: &str, profile: impl Fn(&str) -> String) -> Self {
        let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
        workspace.sql(UNDECLARED);
        Self::with(workspace, ("change.sql", change), profile)
    }

    fn with(
        workspace: Workspace,
        (name, change): (&str, &str),
        profile: impl Fn(&str) -> String,
    ) -> Self {
        let path = workspace.place().join(name);
        fs::write(&path, change).expect("a new file");
        let profile = workspace.profile("changed.toml", profile);
        let change = path.to_str().expect("UTF-8").to_owned();
        Self {
            workspace,
            profile,
            change,
            environment: Vec::new(),
        }
    }

    /// With these programs alone on the path.
    pub fn on_path(mut self, path: PathBuf) -> Self {
        self.environment.push(("PATH", path));
        self
    }

    /// With its throwaway clusters in this directory, where no command of another test removes what is left of one.
    pub fn with_clusters_in(mut self, place: &Path) -> Self {
        let place = place.to_path_buf();
        self.environment.push(("DRYGATE_TEST_CLUSTERS", place));
        self
    }

    pub fn drygate(&self, args: &[&str]) -> Answer {
        finish(self.spawn(args))
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.workspace.command(args);
        let environment = self.environment.iter().cloned();
        command
            .envs(environment)
            .spawn()
            .expect("the program starts")
    }

    /// An approval that is not waited for.
    #[track_caller]
    pub fn spawn_approval(&self, document: &Value, gate: &str) -> Child {
        self.spawn(&approval(document, gate))
    }

    #[track_caller]
    pub fn approve(&self, document: &Value, gate: &str) -> Answer {
        self.drygate(&approval(document, gate))
    }

    pub fn run(&self) -> Answer {
        self.run_with(&[])
    }

    /// Starts a run with further words on the command line.
    pub fn run_with(&self, words: &[&str]) -> Answer {
        let begins = self.begins();
        let args: Vec<&str> = begins.iter().map(String::as_str).collect();
        self.drygate(&[&args, words].concat())
    }

    /// The words that start a run.
    pub fn begins(&self) -> Vec<String> {
        let url = self.workspace.url();
        let words = ["run", "--headless", "--json", "--profile", &self.profile];
        let words = words.into_iter().chain(["--database-url", &url]);
        words.map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn to_sg2(&self) -> Value {
        let waiting = self.run().expect(3).json();
        self.approve(&waiting, "SG1").expect(3).json()
    }
}

/// Inserted, updated and deleted rows by table.
#[track_caller]
pub fn rows(document: &Value) -> Vec<(String, [u64; 3])> {
    let tables = document["change"]["rehearsed"]["effect"]
        .as_array()
        .expect("an effect");
    let number = |table: &Value, name: &str| table[name]["value"].as_u64().expect("a number");
    let counts = |table| ["inserted", "updated", "deleted"].map(|name| number(table, name));
    tables
        .iter()
        .map(|table| (text(&table["table"]).to_owned(), counts(table)))
        .collect()
}

pub fn last_check(workspace: &Workspace, document: &Value, name: &str) -> Value {
    let mut checks = workspace.events(document, "check_recorded");
    checks.retain(|record| record["check"]["name"] == name);
    checks.pop().expect("the check is recorded")["check"].clone()
}

/// The page begins with what the change was and did, and says nothing of a prediction that nobody asked for.
fn assert_page_says_what_the_change_did(workspace: &Workspace, sealed: &Value) {
    let page = Page::of(workspace, sealed);
    let cells: Vec<&str> = page.elements.iter().map(|it| it.text.as_str()).collect();
    assert!(cells.contains(&"Rehearsed change") && cells.contains(&"#60"));
    let begins = cells.iter().find(|cell| cell.contains("change.sql "));
    let begins = begins.expect("the change is named");
    assert!(
        begins.contains("as kb_owner: The change did, rehearsed: #"),
        "{begins}"
    );
    assert!(cells.iter().any(|cell| cell.starts_with("rows rehearsed")));
}

#[test]
fn a_change_is_rehearsed_at_both_approvals_and_ends_as_pass() {
    let expect = "[{ table = \"public.information_unit\", update = 60 }, { table = \"public.unit_version\", update = 60 },
      { table = \"public.lifecycle_log\", insert = 60 }, { table = \"public.search_outbox\", insert = \"50..70\" }]";
    let world = ChangedWorkspace::new(ENACT, Some(expect));
    let workspace = &world.workspace;
    let before = workspace
        .sql("SELECT count(*)::text, max(xmin::text::bigint)::text FROM public.information_unit");
    let waiting = world.run().expect(3).json();
    let copy = waiting["change"]["copy"].as_array().expect("tables");
    let asked: Vec<&str> = (copy.iter().filter(|table| table["asked"] == true))
        .map(|table| text(&table["table"]))
        .collect();
    assert!(asked.contains(&"public.information_unit"), "{copy:?}");
    assert!(
        copy.iter()
            .any(|table| table["table"] == "public.search_outbox"),
        "{copy:?}"
    );
    assert_eq!(waiting["change"]["rehearsed"], Value::Null);
    assert_eq!(
        workspace.sheet(&waiting)["change"]["copy"],
        waiting["change"]["copy"]
    );
    let sent = |document: &Value| -> String {
        let recorded = workspace.events(document, "statements_recorded");
        let blob = |record: &Value| {
            let path = workspace
                .run_dir(document)
                .join("blobs")
                .join(text(&record["blob"]));
            fs::read_to_string(path).expect("a blob")
        };
        recorded.iter().map(blob).collect()
    };
    assert!(
        !sent(&waiting).contains("COPY (SELECT"),
        "a row was copied before SG1"
    );
    let waiting = workspace.approve(&waiting, "SG1").expect(3).json();
    assert!(sent(&waiting).contains("COPY (SELECT"));
    let sixty = [
        ("public.information_unit".to_owned(), [0, 60, 0]),
        ("public.lifecycle_log".to_owned(), [60, 0, 0]),
        ("public.search_outbox".to_owned(), [60, 0, 0]),
        ("public.unit_version".to_owned(), [0, 60, 0]),
    ];
    assert_eq!(rows(&waiting), sixty);
    assert_eq!(workspace.sheet(&waiting)["change"], waiting["change"]);
    let table = &waiting["change"]["rehearsed"]["effect"][0]["updated"];
    assert_eq!(table["provenance"], "REHEARSED");
    let sealed = workspace.approve(&waiting, "SG2");
    let sealed = sealed.expect(0).json();
    assert!(text(&sealed["result"]).ends_with("_PASS"), "{sealed}");
    assert_eq!(sealed["counters"]["local_kb_markdown_files"]["value"], 14);
    let reports = fs::read_dir(workspace.run_dir(&sealed).join("kb")).expect("reports");
    let mut reports = reports.map(|report| report.expect("an entry").path());
    let last = reports.find(|path| path.to_string_lossy().contains("14-rehearsal"));
    let last = fs::read_to_string(last.expect("a report of the rehearsal")).expect("a text");
    assert!(
        last.contains("Rehearsed for SG2") && last.contains("#60"),
        "{last}"
    );
    let twin = fs::read_to_string(workspace.run_dir(&sealed).join("kb/report.json"));
    let twin: Value = serde_json::from_str(&twin.expect("report.json")).expect("JSON");
    let told = &twin["change"]["rehearsals"][1]["outcome"]["effect"][0];
    assert_eq!(told["updated"]["provenance"], "REHEARSED", "{told}");
    assert_eq!(told["updated"]["value"], 60);
    assert_page_says_what_the_change_did(workspace, &sealed);
    assert_eq!(workspace.events(&sealed, "change_rehearsed").len(), 2);
    for name in [
        "change_isolated",
        "change_ran",
        "change_rows_copied",
        "change_captured",
        "change_reproducible",
        "change_as_expected",
    ] {
        assert_eq!(
            last_check(workspace, &sealed, name)["verdict"],
            "PASS",
            "{name}"
        );
    }
    let verified = workspace
        .drygate(&["verify", text(&sealed["run_id"]), "--json"])
        .expect(0)
        .json();
    assert_eq!(verified["findings"], serde_json::json!([]));
    assert_eq!(verified["not_checked"], serde_json::json!([]));
    let replayed = workspace
        .drygate(&["replay", text(&sealed["run_id"]), "--json"])
        .expect(0)
        .json();
    assert_eq!(rows(&replayed), sixty);
    let after = workspace
        .sql("SELECT count(*)::text, max(xmin::text::bigint)::text FROM public.information_unit");
    assert_eq!(after, before, "production has the same rows");
}

#[test]
fn rows_that_nobody_expected_fail_g3() {
    let expect = "[{ table = \"public.information_unit\", update = 60 }, { table = \"public.unit_version\", update = 60 },
      { table = \"public.lifecycle_log\", insert = 60 }]";
    let world = ChangedWorkspace::new(ENACT, Some(expect));
    let waiting = world.to_sg2();
    let against = waiting["cannot_pass"].to_string();
    assert!(against.contains("public.search_outbox"), "{against}");
    let sealed = world.workspace.approve(&waiting, "SG2").expect(9).json();
    let check = last_check(&world.workspace, &sealed, "change_as_expected");
    assert_eq!(check["verdict"], "FAIL");
    assert!(
        text(&check["says"]).contains("public.search_outbox: insert #60"),
        "{check}"
    );
}

#[test]
fn an_effect_outside_of_what_was_approved_is_drift_and_inside_its_range_is_not() {
    let change = "UPDATE public.note SET seen = true;\n";
    let expect = "[{ table = \"public.note\", update = \"5..6\" }]";
    let world = ChangedWorkspace::new(change, Some(expect));
    let waiting = world.to_sg2();
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 5, 0])]);
    world
        .workspace
        .sql("INSERT INTO public.note VALUES (6, false), (7, false)");
    let drifted = world.workspace.approve(&waiting, "SG2").expect(4).json();
    let drift = drifted["drift"].as_array().expect("a list");
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(drift[0]["key"], "effect.public.note");
    assert!(
        text(&drift[0]["approved"]).contains("update #5"),
        "{drift:?}"
    );
    assert!(text(&drift[0]["found"]).contains("update #7"), "{drift:?}");
    world.workspace.sql("DELETE FROM public.note WHERE id = 7");
    let waiting = world.workspace.resume(&drifted).expect(3).json();
    let waiting = world.workspace.approve(&waiting, "SG1").expect(3).json();
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 6, 0])]);
    world.workspace.sql("DELETE FROM public.note WHERE id = 6");
    let sealed = world.workspace.approve(&waiting, "SG2").expect(0).json();
    let check = last_check(&world.workspace, &sealed, "change_as_expected");
    assert!(
        text(&check["says"]).contains("public.note update #6, at the approval #5"),
        "{check}"
    );
    world
        .workspace
        .drygate(&["verify", text(&sealed["run_id"])])
        .expect(0);
}

#[test]
fn a_file_of_the_change_that_was_replaced_is_drift_and_the_new_one_is_rehearsed() {
    let world = ChangedWorkspace::new("UPDATE public.note SET seen = true WHERE id = 1;\n", None);
    let waiting = world.run().expect(3).json();
    fs::write(
        &world.change,
        "UPDATE public.note SET seen = true WHERE id < 3;\n",
    )
    .expect("our own file");
    let drifted = world.workspace.approve(&waiting, "SG1").expect(4).json();
    assert_eq!(drifted["drift"][0]["key"], "change.change.sql");
    let waiting = world.workspace.resume(&drifted).expect(3).json();
    let waiting = world.workspace.approve(&waiting, "SG1").expect(3).json();
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 2, 0])]);
}

#[test]
fn a_change_that_fails_is_on_the_sheet_with_its_statement_and_fails_g3() {
    let world = ChangedWorkspace::new(ENACT, None);
    world
        .workspace
        .sql("UPDATE public.unit_version SET is_current = false WHERE unit_id = 'ICX-CONST-0042'");
    let waiting = world.to_sg2();
    let script = &waiting["change"]["rehearsed"]["script"];
    assert!(
        text(&script["error"]).contains("ICX-CONST-0042"),
        "{script}"
    );
    assert!(
        text(&script["statement"]).contains("fn_iu_enact"),
        "{script}"
    );
    let sealed = world.workspace.approve(&waiting, "SG2").expect(9).json();
    assert_eq!(
        last_check(&world.workspace, &sealed, "change_ran")["verdict"],
        "FAIL"
    );
}

/// The role of the change may not even connect: the socket of the shadow is another one each time, the error is the same.
#[test]
fn the_same_error_in_both_rehearsals_is_no_drift() {
    let world = ChangedWorkspace::new("SELECT 1;\n", None);
    let database = &world.workspace.database;
    let revoke = format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC, kb_owner; ALTER DATABASE {database} OWNER TO postgres"
    );
    world.workspace.sql(&revoke);
    let waiting = world.to_sg2();
    let error = text(&waiting["change"]["rehearsed"]["script"]["error"]).to_owned();
    assert!(error.contains("permission denied for database"), "{error}");
    assert!(!error.contains("drygate-pg"), "{error}");
    world.workspace.approve(&waiting, "SG2").expect(9);
}
