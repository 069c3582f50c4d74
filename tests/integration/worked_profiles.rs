//! The worked profiles on their demo databases: each to PASS, and to each refusal that its first lines name.
//! Invariant: nothing of a profile is edited; the database or the script is (`Worked`).

use std::fs;
use std::sync::Arc;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::profile::built_in;
use serde_json::Value;

use super::changing::rows;
use super::support::server::{Answer, Workspace, own_cluster};

/// A server of its own for each test: what a scenario makes of roles is drift for runs of others.
type Server = Arc<Cluster>;

fn server() -> Server {
    own_cluster(&ClusterOptions::default())
}

/// A scenario's database with its profile and the files of its change.
struct Worked {
    workspace: Workspace,
    profile: String,
    url: String,
}

impl Worked {
    fn new(server: &Server, scenario: Scenario) -> Self {
        let workspace = Workspace::on(server.clone(), scenario);
        let (profile, source) = built_in(scenario.profile()).expect("it parses");
        for (name, text) in scenario.change() {
            fs::write(workspace.place().join(name), text).expect("a new file");
        }
        let url = workspace
            .cluster
            .url(&profile.target.expected_role, &workspace.database);
        Self {
            profile: workspace.profile("worked.toml", |_| source.to_owned()),
            workspace,
            url,
        }
    }

    /// The same after another session changed the database.
    fn changed(server: &Server, scenario: Scenario, sql: &str) -> Self {
        let worked = Self::new(server, scenario);
        worked.workspace.sql(sql);
        worked
    }

    /// The same with another script.
    fn with_script(server: &Server, scenario: Scenario, script: &str) -> Self {
        let worked = Self::new(server, scenario);
        let (name, _) = scenario.change()[0];
        fs::write(worked.workspace.place().join(name), script).expect("our own file");
        worked
    }

    fn run(&self) -> Answer {
        let words = ["run", "--headless", "--json", "--database-url", &self.url];
        self.workspace
            .drygate(&[&words[..], &["--profile", &self.profile]].concat())
    }

    #[track_caller]
    fn to_sg2(&self) -> Value {
        let waiting = self.run().expect(3).json();
        self.workspace.approve(&waiting, "SG1").expect(3).json()
    }

    /// A run that both persons approve: what waits at SG2, and the end.
    #[track_caller]
    fn passes(&self) -> (Value, Value) {
        let words = [
            "profile",
            "check",
            &self.profile,
            "--database-url",
            &self.url,
        ];
        self.workspace.drygate(&words).expect(0);
        let waiting = self.to_sg2();
        let sealed = self.workspace.approve(&waiting, "SG2").expect(0).json();
        (waiting, sealed)
    }

    /// SG1 is approved, and the rehearsal says this: the run that waits at SG2 can no longer pass.
    #[track_caller]
    fn fails_when_rehearsed(&self, check: &str, says: &str) {
        let waiting = self.to_sg2();
        let obstacles = waiting["cannot_pass"].as_array();
        let mut found = obstacles.expect("obstacles").iter();
        let found = found.find(|it| it["check"] == check);
        let found = found.unwrap_or_else(|| panic!("{waiting}"));
        assert!(found.to_string().contains(says), "{found}");
    }

    /// Another session changes the database while SG2 waits: the approval is void.
    #[track_caller]
    fn drifts(&self, sql: &str) {
        let waiting = self.to_sg2();
        self.workspace.sql(sql);
        self.workspace.approve(&waiting, "SG2").expect(4);
    }
}

#[test]
fn the_publishing_flow_passes_and_refuses_what_it_says() {
    let server = server();
    let worked = Worked::new(&server, Scenario::Publish);
    let (waiting, sealed) = worked.passes();
    assert_eq!(sealed["result"], "SPRING_ISSUE_PASS");
    // Fifteen articles are there, three of them published; five manuscripts are not imported yet.
    let predicted = worked.workspace.sheet(&waiting)["predicted"].to_string();
    assert!(predicted.contains("site.publication"), "{predicted}");

    let embargo = "UPDATE site.article SET embargo = true WHERE slug = 'spring-09'";
    let refused = Worked::changed(&server, Scenario::Publish, embargo)
        .run()
        .expect(9);
    assert!(refused.stdout.contains("embargoed"), "{refused:?}");

    for (sql, subject) in [
        (
            "UPDATE site.article SET body = body || '!' WHERE slug = 'spring-09'",
            "spring-09",
        ),
        (
            "UPDATE site.article SET state = 'lost' WHERE slug = 'spring-10'",
            "spring-10",
        ),
    ] {
        let waiting = Worked::changed(&server, Scenario::Publish, sql)
            .run()
            .expect(3)
            .json();
        let obstacles = waiting["cannot_pass"].to_string();
        assert!(obstacles.contains(subject), "{obstacles}");
    }

    for sql in [
        "UPDATE site.manuscript SET body = body || '!' WHERE slug = 'spring-20'",
        "DELETE FROM site.article WHERE slug = 'spring-15'",
    ] {
        Worked::new(&server, Scenario::Publish).drifts(sql);
    }
}

#[test]
fn the_purge_passes_and_refuses_what_it_says() {
    let server = server();
    let worked = Worked::new(&server, Scenario::Purge);
    let (waiting, sealed) = worked.passes();
    let effect = rows(&waiting);
    assert_eq!(
        effect,
        [
            ("mail.attachment".to_owned(), [0, 0, 654]),
            ("mail.message".to_owned(), [0, 0, 327]),
        ]
    );
    assert_eq!(sealed["result"], "RETENTION_PURGE_PASS");
    let journal = worked.workspace.journal_text(&sealed);
    assert!(!journal.contains("tax audit"), "a hidden column");

    Worked::new(&server, Scenario::Purge)
        .drifts("INSERT INTO mail.legal_hold VALUES (7, '2026-11-01', 'a new claim')");
    Worked::new(&server, Scenario::Purge)
        .drifts("DELETE FROM mail.legal_hold WHERE mailbox_id = 3");

    let more =
        "INSERT INTO mail.message SELECT n, 1, '2018-01-01' FROM generate_series(2001, 2100) AS n";
    Worked::changed(&server, Scenario::Purge, more)
        .fails_when_rehearsed("change_as_expected", "mail.message");
    let audit = "CREATE TABLE mail.audit (message_id integer);
        ALTER TABLE mail.audit OWNER TO mail_owner;
        GRANT SELECT ON mail.audit TO mail_reader;
        CREATE FUNCTION mail.audited() RETURNS trigger LANGUAGE plpgsql SET search_path TO '' AS
          'BEGIN INSERT INTO mail.audit VALUES (OLD.id); RETURN NULL; END';
        CREATE TRIGGER audited AFTER DELETE ON mail.message FOR EACH ROW EXECUTE FUNCTION mail.audited();";
    Worked::changed(&server, Scenario::Purge, audit)
        .fails_when_rehearsed("change_as_expected", "mail.audit");
    Worked::with_script(
        &server,
        Scenario::Purge,
        "DELETE FROM mail.message WHERE received < '2019-01-01';\n",
    )
    .fails_when_rehearsed("change_ran", "is under legal hold");
}

#[test]
fn the_migration_passes_and_refuses_what_it_says() {
    let server = server();
    let (_, sealed) = Worked::new(&server, Scenario::Change).passes();
    assert_eq!(sealed["result"], "SHOP_REGION_PASS");

    let order = "INSERT INTO shop.orders VALUES (1001, 1, 5)";
    Worked::changed(&server, Scenario::Change, order)
        .fails_when_rehearsed("change_as_expected", "shop.orders");
    let trigger = "CREATE TABLE shop.outbox (order_id integer);
        ALTER TABLE shop.outbox OWNER TO shop_owner;
        GRANT SELECT ON shop.outbox TO context_pack_readonly;
        CREATE FUNCTION shop.tell() RETURNS trigger LANGUAGE plpgsql SET search_path TO '' AS
          'BEGIN INSERT INTO shop.outbox VALUES (NEW.id); RETURN NULL; END';
        CREATE TRIGGER tell AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.tell();";
    Worked::changed(&server, Scenario::Change, trigger)
        .fails_when_rehearsed("change_as_expected", "shop.outbox");
    Worked::with_script(
        &server,
        Scenario::Change,
        "ALTER TABLE shop.order ADD COLUMN region text;\n",
    )
    .fails_when_rehearsed("change_ran", "shop.order");
    Worked::new(&server, Scenario::Change).drifts(order);
}
