//! A protected table of very many partitions, whose definitions are too long for one answer. Invariant: the run goes on, what changes in
//! one partition voids by its name, and a new one without rows is beside.

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Workspace, text};

/// Partitions of 60 kB each: together more than the server may answer to one question.
const PARTITIONED: &str = "
DO $$ BEGIN
  EXECUTE format('CREATE TABLE public.happening (id integer NOT NULL, what text DEFAULT %L) PARTITION BY RANGE (id)', repeat('x', 60000));
  FOR n IN 0..449 LOOP
    EXECUTE format('CREATE TABLE public.happening_%s PARTITION OF public.happening FOR VALUES FROM (%s) TO (%s)', n, n, n + 1);
  END LOOP;
END $$;
INSERT INTO public.happening VALUES (1, 'one'), (2, 'two');
GRANT SELECT ON public.happening TO context_pack_readonly;
";

const DEFINITION: &str = "definition.happenings";

fn waits(workspace: &Workspace) -> Value {
    let loaded = workspace.cluster.load(&workspace.database, PARTITIONED);
    loaded.expect("a superuser may");
    let content = "[[contents]]\nkey = \"happenings\"\nschema = \"public\"\ntable = \"happening\"\n\
                   columns = [\"id\", \"what\"]\nrow_key = [\"id\"]\n\n[[contents]]";
    let profile = workspace.profile("partitions.toml", |text| {
        text.replacen("[[contents]]", content, 1)
    });
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let run = [&run[..], &["--profile", &profile]].concat();
    workspace.drygate(&run).expect(3).json()
}

/// The change of the definition in a list.
#[track_caller]
fn of_definition(changes: &Value) -> Value {
    let mut changes = changes.as_array().expect("a list").iter();
    let found = changes.find(|change| change["key"] == DEFINITION);
    found
        .unwrap_or_else(|| panic!("{DEFINITION} is not in it"))
        .clone()
}

#[test]
fn definitions_too_long_for_one_answer_are_read_in_parts_and_compared_by_partition() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = waits(&workspace);
    let taken = &workspace.events(&waiting, "survey_taken")[0];
    let facts = taken["survey"]["facts"].as_array().expect("a list");
    let definition = facts.iter().find(|fact| fact["key"] == DEFINITION);
    let definition = definition.expect("it was read");
    assert_eq!(
        definition["document"],
        Value::Null,
        "it is too long to be kept"
    );
    assert_eq!(definition["parts"].as_array().map(Vec::len), Some(451));

    workspace.sql("CREATE TABLE public.happening_new PARTITION OF public.happening FOR VALUES FROM (900) TO (901)");
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let beside = of_definition(&second["beside"]);
    assert_eq!(beside["rows"].as_array().map(Vec::len), Some(1), "{beside}");
    assert_eq!(beside["rows"][0]["key"], "public.happening_new");

    workspace.sql("ALTER TABLE public.happening_7 SET (fillfactor = 70)");
    let drifted = workspace.approve(&second, "SG2").expect(4).json();
    let drift = of_definition(&drifted["drift"]);
    let rows = drift["rows"].as_array().expect("a list");
    let named: Vec<&str> = rows.iter().map(|row| text(&row["key"])).collect();
    assert!(named.contains(&"public.happening_7"), "{named:?}");
    workspace
        .drygate(&["verify", text(&waiting["run_id"])])
        .expect(0);
}
