//! A view, or anything else that a query of the profile runs, that somebody replaces while a run waits. Invariant: what the ruling refuses is never executed, and the
//! refusal is drift that says why.

use std::fs;
use std::path::Path;

use drygate::postgres::throwaway::Scenario;
use drygate::profile::built_in;
use serde_json::Value;

use super::support::ground::{Ground, band, open_sheet, press_enter, type_seen, wait_at};
use super::support::pty::{Exit, Terminal};
use super::support::server::{Workspace, finish, text};

/// Read by a fact, a protected table, the pieces and the units of [`over_views`].
const VIEWS: &str = "
CREATE VIEW public.counted AS SELECT id, collection, state FROM public.information_unit;
CREATE VIEW public.documents AS SELECT * FROM public.source_document;
CREATE VIEW public.units AS SELECT * FROM public.information_unit;
CREATE VIEW public.protected AS SELECT id, title FROM public.source_document;
GRANT SELECT ON public.counted, public.documents, public.units, public.protected TO context_pack_readonly;
";

/// The same views over a function of a superuser. A read only transaction would not let it write, so it leaves its trace in the
/// server's log.
const TRAPS: &str = "
CREATE FUNCTION public.trap(reader text) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  AS $$BEGIN RAISE LOG 'trap of % executed', reader; RETURN true; END$$;
CREATE OR REPLACE VIEW public.counted AS SELECT id, collection, state FROM public.information_unit WHERE public.trap('counted');
CREATE OR REPLACE VIEW public.documents AS SELECT * FROM public.source_document WHERE public.trap('documents');
CREATE OR REPLACE VIEW public.units AS SELECT * FROM public.information_unit WHERE public.trap('units');
CREATE OR REPLACE VIEW public.protected AS SELECT id, title FROM public.source_document WHERE public.trap('protected');
";

/// What the ruling says of each, by its key among the differences.
const REFUSED: [(&str, &str); 4] = [
    (
        "icx_total",
        "the view public.counted -> function public.trap(text)",
    ),
    (
        "protected_view",
        "the view public.protected -> function public.trap(text)",
    ),
    (
        "pieces",
        "the view public.documents -> function public.trap(text)",
    ),
    (
        "candidates",
        "the view public.units -> function public.trap(text)",
    ),
];

/// The built-in profile, asked over the views.
fn over_views(profile: &str) -> String {
    let content = "[[contents]]\nkey = \"protected_view\"\nschema = \"public\"\ntable = \"protected\"\n\
                   columns = [\"id\", \"title\"]\nrow_key = [\"id\"]\n\n[pieces]\n";
    profile
        .replacen(
            "FROM public.information_unit WHERE collection = 'ICX-CONST'\"",
            "FROM public.counted WHERE collection = 'ICX-CONST'\"",
            1,
        )
        .replacen("[pieces]\n", content, 1)
        .replacen(
            "FROM public.source_document d",
            "FROM public.documents d",
            1,
        )
        .replacen("FROM public.information_unit u", "FROM public.units u", 1)
}

/// The lines of the server's log that a trap left.
fn executed(log: &Path) -> Vec<String> {
    let log = fs::read_to_string(log).expect("a log");
    // Somebody who makes an index runs its functions, and they may.
    let ours = log
        .lines()
        .filter(|line| !line.contains(" drygate/throwaway "));
    let traps = ours.filter(|line| line.contains("executed") && line.contains(" LOG: "));
    traps.map(str::to_owned).collect()
}

#[track_caller]
fn assert_refused(drift: &Value) {
    let drift = drift.as_array().expect("a list");
    for (key, says) in REFUSED {
        let change = drift.iter().find(|change| change["key"] == key);
        let change = change.unwrap_or_else(|| panic!("{key}: {drift:?}"));
        assert_eq!(change["found"], Value::Null, "{change}");
        assert!(text(&change["reason"]).starts_with(says), "{change}");
    }
}

/// A screen over the views that waits at SG1.
fn at_sg1(ground: &Ground, live_interval: &str) -> Terminal {
    ground.intrude(VIEWS);
    let (_, built_in) = built_in("icx-const").expect("it parses");
    let profile = ground.repository.path().with_extension("toml");
    fs::write(&profile, over_views(built_in)).expect("a new file");
    let terminal = ground
        .screen(live_interval)
        .env("DRYGATE_PROFILE", &profile)
        .open();
    wait_at(&terminal, "SG1");
    terminal
}

#[test]
fn a_view_replaced_while_the_screen_waits_is_drift_and_never_executed() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = at_sg1(&ground, "0");
    let digest = open_sheet(&mut terminal);
    type_seen(&mut terminal, &digest[58..]);
    ground.intrude(TRAPS);
    press_enter(&mut terminal);
    let drifted = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG1   FACTS DRIFTED")
    });
    // The band is the first frame; the panes begin with GATES.
    let (_, reason) = drifted.find("the view public.").expect("a reason");
    let (_, panes) = drifted.find("GATES").expect("the panes");
    assert!(reason < panes, "in the band: {drifted}");
    let run = ground.home().run();
    assert_refused(&run.events("drift_found")[0]["drift"]);
    let stop = run.events("stop_raised").pop().expect("a stop");
    assert_eq!(stop["stop_code"], "STOP_FACTS_DRIFTED");
    for (_, says) in REFUSED {
        assert!(text(&stop["message"]).contains(says), "{says}: {stop}");
    }
    assert_eq!(executed(&ground.cluster.log_path()), Vec::<String>::new());
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(4));
}

#[test]
fn a_live_read_of_a_replaced_view_never_executes_it() {
    let ground = Ground::new(Scenario::Draft);
    let terminal = at_sg1(&ground, "1");
    ground.intrude(TRAPS);
    terminal.wait_until("the move", |screen| {
        band(screen).starts_with("SG1   FACTS MOVED")
            || band(screen).starts_with("SG1   FACTS DRIFTED")
    });
    assert_eq!(executed(&ground.cluster.log_path()), Vec::<String>::new());
}

#[test]
fn a_view_replaced_before_the_closeout_is_told_and_never_executed() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql(VIEWS);
    let profile = workspace.profile("views.toml", over_views);
    let mut command = workspace.command(&[
        "run",
        "--headless",
        "--json",
        "--database-url",
        &workspace.url(),
    ]);
    command.env("DRYGATE_PROFILE", profile);
    let waiting = finish(command.spawn().expect("it starts")).expect(3).json();
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    workspace.cut_back(&last, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    let before = executed(&workspace.cluster.log_path());
    workspace.sql(TRAPS);
    let ended = workspace.resume(&last).json();
    assert_refused(&ended["drift"]);
    let claim = &ended["non_mutation"]["claims"]["B"];
    assert_ne!(claim["verdict"], "HOLDS", "{ended}");
    assert_eq!(executed(&workspace.cluster.log_path()), before);
    workspace
        .drygate(&["verify", text(&ended["run_id"])])
        .expect(0);
}

/// Read by a fact each: through a function that the profile allows, an operator of a view, a column's cast, a table, a partition.
const RUN_BY: &str = "
CREATE FUNCTION public.allowed(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TYPE public.temper AS ENUM ('low', 'high');
CREATE FUNCTION public.alike(public.temper, public.temper) RETURNS boolean LANGUAGE internal IMMUTABLE AS 'enum_eq';
CREATE OPERATOR public.=== (LEFTARG = public.temper, RIGHTARG = public.temper, FUNCTION = public.alike);
CREATE TABLE public.tempered (m public.temper);
INSERT INTO public.tempered VALUES ('low');
CREATE VIEW public.by_operator AS SELECT count(*) AS n FROM public.tempered WHERE m OPERATOR(public.===) 'low';
CREATE TABLE public.kept (id integer);
CREATE TABLE public.halves (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.half PARTITION OF public.halves FOR VALUES FROM (0) TO (10);
GRANT SELECT ON public.tempered, public.by_operator, public.kept, public.halves TO context_pack_readonly;
";

/// Everything that these run, replaced.
const REPLACED: &str = "
CREATE FUNCTION public.trap(reader text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
  AS $$BEGIN RAISE LOG 'trap of % executed', reader; RETURN true; END$$;
CREATE OR REPLACE FUNCTION public.allowed(integer) RETURNS integer LANGUAGE plpgsql
  AS $$BEGIN PERFORM public.trap('allowed'); RETURN $1; END$$;
CREATE OR REPLACE FUNCTION public.alike(public.temper, public.temper) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
  AS $$BEGIN RETURN public.trap('alike'); END$$;
CREATE FUNCTION public.temper_text(public.temper) RETURNS text LANGUAGE plpgsql
  AS $$BEGIN PERFORM public.trap('temper_text'); RETURN 'low'; END$$;
CREATE CAST (public.temper AS text) WITH FUNCTION public.temper_text(public.temper);
CREATE POLICY p ON public.kept USING (public.trap('kept'));
ALTER TABLE public.kept ENABLE ROW LEVEL SECURITY;
CREATE INDEX ON public.half (id) WHERE public.trap('half');
";

/// The facts of [`RUN_BY`], and how the reason of each begins when it is not read any more.
const RUN_FACTS: [(&str, &str, &str); 5] = [
    (
        "by_function",
        "SELECT public.allowed(1)::text",
        "what it can run is not what was pinned: function public.allowed(integer) was replaced",
    ),
    (
        "by_operator",
        "SELECT n::text FROM public.by_operator",
        "the view public.by_operator -> operator public.===(public.temper,public.temper) -> function public.alike(",
    ),
    (
        "by_cast",
        "SELECT m AS value FROM public.tempered",
        "public.tempered -> column m -> type public.temper -> cast from public.temper to text -> function public.temper_text(",
    ),
    (
        "by_policy",
        "SELECT count(*)::text FROM public.kept",
        "public.kept has row security, whose policies could run anything",
    ),
    (
        "by_partition",
        "SELECT count(*)::text FROM public.halves",
        "public.halves -> child -> public.half -> the index public.half_id_idx -> function public.trap(",
    ),
];

fn running_them(profile: &str) -> String {
    let mut facts = String::new();
    for (key, sql, _) in RUN_FACTS {
        let fact = format!("key = \"{key}\"\nlabel = \"{key}\"\ntype = \"text\"\nsql = \"{sql}\"");
        facts.push_str("[[facts]]\n");
        facts.push_str(&fact);
        facts.push_str("\n\n");
    }
    let allowed = "[role]\nfunctions = [\"public.allowed\"]\n";
    format!(
        "{}\n{allowed}",
        profile.replacen("[[facts]]\n", &format!("{facts}[[facts]]\n"), 1)
    )
}

#[test]
fn what_a_query_runs_replaced_while_a_run_waits_is_drift_by_name_and_never_executed() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql(RUN_BY);
    let profile = workspace.profile("runs.toml", running_them);
    let mut command = workspace.command(&[
        "run",
        "--headless",
        "--json",
        "--database-url",
        &workspace.url(),
    ]);
    command.env("DRYGATE_PROFILE", profile);
    let waiting = finish(command.spawn().expect("it starts")).expect(3).json();
    let sheet = workspace.sheet(&waiting);
    let runs = sheet["runs"].as_array().expect("a list");
    let named = |name: &str| runs.iter().any(|run| text(run).starts_with(name));
    assert!(named("function public.allowed(integer) "), "{sheet}");
    assert!(
        named("function public.alike(public.temper,public.temper) "),
        "{sheet}"
    );
    workspace.sql(REPLACED);
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    // What is recorded is what the answer says.
    let drift = drifted["drift"].as_array().expect("a list").clone();
    let recorded = workspace.events(&waiting, "drift_found");
    assert_eq!(
        recorded[0]["drift"].as_array().map(Vec::len),
        Some(drift.len())
    );
    for (key, _, says) in RUN_FACTS {
        let change = drift.iter().find(|change| change["key"] == key);
        let change = change.unwrap_or_else(|| panic!("{key}: {drift:?}"));
        assert_eq!(change["found"], Value::Null, "{change}");
        assert!(text(&change["reason"]).starts_with(says), "{change}");
        assert!(
            text(&drifted["message"]).contains(says),
            "{says}: {drifted}"
        );
    }
    assert_eq!(
        executed(&workspace.cluster.log_path()),
        Vec::<String>::new()
    );
}

/// A part of PostgreSQL that the first of our own statements calls, replaced, and put back.
const FORGED: &str = "
CREATE FUNCTION public.trap(reader text) RETURNS text LANGUAGE plpgsql IMMUTABLE
  AS $$BEGIN RAISE LOG 'trap of % executed', reader; RETURN ''; END$$;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT public.trap('current_setting')$$;
";
const UNFORGED: &str = "
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'show_config_by_name';
";

#[test]
fn a_part_of_postgresql_replaced_while_a_run_waits_is_named_and_never_executed() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    workspace.sql(FORGED);
    let refused = workspace.approve(&waiting, "SG1").expect(9);
    assert!(
        refused
            .stdout
            .contains("the function pg_catalog.current_setting is not PostgreSQL's own here"),
        "{}",
        refused.stdout
    );
    assert_eq!(
        executed(&workspace.cluster.log_path()),
        Vec::<String>::new()
    );
    workspace.sql(UNFORGED);
    // The approval was recorded and goes on; that nothing was measured in the transaction that ended there leads what is asked next.
    let second = workspace.resume(&waiting).expect(3).json();
    let message = text(&second["message"]);
    assert!(
        message.contains("claim A was not fully measured"),
        "{message}"
    );
    assert_eq!(second["state"], "awaiting_lifecycle_authorization");
}
