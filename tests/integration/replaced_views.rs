//! A view of the profile that somebody replaces while a run waits. Invariant: what the ruling refuses is never executed, and the
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
    ("icx_total", "the view public.counted: "),
    ("protected_view", "the view public.protected: "),
    ("pieces", "the view public.documents: "),
    ("candidates", "the view public.units: "),
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
    let traps = log.lines().filter(|line| line.contains("executed"));
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
    assert!(drifted.contains("the view public."), "{drifted}");
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
