//! What a query can run, changed by somebody between the ruling and the end of the read. Invariant: wherever in a run that happens the
//! fact has no value, and claims A and D name it.

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Answer, Workspace, approval, finish, text};
use super::support::table_lock::TableLock;

/// A table whose partition can be locked after the ruling, and one whose column gets a cast meanwhile.
const READ: &str = "
CREATE TABLE public.halves (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.half PARTITION OF public.halves FOR VALUES FROM (0) TO (10);
CREATE TYPE public.temper AS ENUM ('low');
CREATE TABLE public.tempered (m public.temper);
INSERT INTO public.tempered VALUES ('low');
CREATE FUNCTION public.temper_text(public.temper) RETURNS text LANGUAGE sql AS 'SELECT ''x''::text';
GRANT SELECT ON public.halves, public.tempered TO context_pack_readonly;
";

const CHANGED: &str =
    "CREATE CAST (public.temper AS text) WITH FUNCTION public.temper_text(public.temper)";

/// Sessions of the program that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE NOT granted AND application_name LIKE 'drygate/ictr%' AND datname = current_database()";

/// The fact and what changed of it, as the line names them that a claim gives.
const NAMED: [&str; 2] = ["fact by_cast: ", "cast from public.temper to text is new"];

struct Changing {
    workspace: Workspace,
    profile: String,
}

impl Changing {
    fn new() -> Self {
        let workspace = Workspace::new(Scenario::Draft);
        let loaded = workspace.cluster.load(&workspace.database, READ);
        loaded.expect("a superuser may");
        let facts = "[[facts]]\nkey = \"halves\"\nlabel = \"halves\"\ntype = \"integer\"\ncount = \"public.halves\"\n\n\
             [[facts]]\nkey = \"by_cast\"\nlabel = \"by_cast\"\ntype = \"text\"\nsql = \"SELECT m AS value FROM public.tempered\"\n\n\
             [[contents]]";
        let profile = workspace.profile("changing.toml", |text| {
            let text = text.replacen("[[contents]]", facts, 1);
            // The lock is let go as soon as it is waited for.
            format!("{text}\n[timeouts]\nlock_ms = 60000\nstatement_ms = 60000\n")
        });
        Self { workspace, profile }
    }

    fn run(&self) -> Vec<String> {
        let url = self.workspace.url();
        let words = ["run", "--headless", "--json", "--database-url", &url];
        let words = words.into_iter().chain(["--profile", &self.profile]);
        words.map(str::to_owned).collect()
    }

    /// A command that is kept from reading the partition until the cast is there.
    #[track_caller]
    fn changed_under(&self, words: &[String]) -> Answer {
        let workspace = &self.workspace;
        let lock = TableLock::on(&workspace.cluster, &workspace.database, "public.half");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child = workspace.command(&words).spawn().expect("it starts");
        while workspace.sql(WAITING)[0][0].as_deref() == Some("0") {
            let ended = child.try_wait().expect("our own child");
            assert!(ended.is_none(), "it never waited: {:?}", finish(child));
        }
        workspace.sql(CHANGED);
        drop(lock);
        finish(child)
    }

    /// The claims name the fact, and the run verifies.
    #[track_caller]
    fn assert_named(&self, document: &Value) {
        let claims = &document["non_mutation"]["claims"];
        for claim in ["A", "D"] {
            let claim = &claims[claim];
            assert_eq!(claim["verdict"], "NOT CHECKED", "{claim}");
            for named in NAMED {
                assert!(text(&claim["measured"]).contains(named), "{claim}");
            }
        }
        let verify = ["verify", text(&document["run_id"])];
        self.workspace.drygate(&verify).expect(0);
    }
}

#[test]
fn at_the_pin_it_fails_g1_and_a_and_d_name_it() {
    let changing = Changing::new();
    let failed = changing.changed_under(&changing.run()).expect(9).json();
    assert!(text(&failed["message"]).contains("by_cast"), "{failed}");
    changing.assert_named(&failed);
}

#[test]
fn at_an_approval_it_is_drift_and_a_and_d_name_it() {
    let changing = Changing::new();
    let workspace = &changing.workspace;
    let run = changing.run();
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let waits = workspace.drygate(&run).expect(3).json();
    let approve = approval(&waits, "SG1");
    let approve: Vec<String> = approve.into_iter().map(str::to_owned).collect();
    let drifted = changing.changed_under(&approve).expect(4).json();
    let drift = drifted["drift"].as_array().expect("a list");
    let change = drift.iter().find(|change| change["key"] == "by_cast");
    let change = change.unwrap_or_else(|| panic!("{drifted}"));
    assert_eq!(change["found"], Value::Null, "{change}");
    assert!(
        text(&change["reason"]).contains("changed while it was read"),
        "{change}"
    );
    // The new evidence is of a statement that is refused now, and the claims are of the whole run.
    let failed = workspace.resume(&drifted).expect(9).json();
    changing.assert_named(&failed);
}

#[test]
fn at_the_closeout_nothing_is_proven_and_a_and_d_name_it() {
    let changing = Changing::new();
    let workspace = &changing.workspace;
    let run = changing.run();
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let waits = workspace.drygate(&run).expect(3).json();
    let second = workspace.approve(&waits, "SG1").expect(3).json();
    let sealed = workspace.approve(&second, "SG2").expect(0).json();
    workspace.cut_back(&sealed, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    let resume = ["resume", text(&sealed["run_id"]), "--headless", "--json"];
    let ended = changing.changed_under(&resume.map(str::to_owned)).json();
    assert_eq!(ended["non_mutation"]["verdict"], "UNPROVEN", "{ended}");
    let b = &ended["non_mutation"]["claims"]["B"];
    assert!(text(&b["measured"]).contains("by_cast"), "{b}");
    changing.assert_named(&ended);
}
