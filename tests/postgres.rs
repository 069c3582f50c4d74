//! Surveys of a real server. Invariant: every expectation is about what the server holds or logged, never about time.

use std::collections::BTreeSet;
use std::fs;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin, Scenario};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::{ContentSpec, FactSpec, Profile, built_in};
use drygate::runner::target::{
    Progress, Purpose, SurveyRequest, Taken, Target, TargetError, Witness, WitnessError,
};
use drygate::simulate::{Joiner, Piece, StreamError, Unit, Want};
use drygate::survey::{
    Digest, EvidenceFormat, FactDocument, FactKind, Hasher, RoleFinding, ServerIdentity, Survey,
    TransactionProof, compare, compare_rows, is_of_no_rows,
};

/// A witness that remembers, and merges the streams as the simulator does.
#[derive(Default)]
struct Memory {
    opened: Vec<(Purpose, String)>,
    closed: Vec<TransactionProof>,
    joiner: Joiner,
    kept: BTreeSet<Digest>,
}

impl Witness for Memory {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        self.opened.push((purpose, nonce.to_owned()));
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.closed.push(proof.clone());
        Ok(())
    }

    fn kept_documents(&self) -> BTreeSet<Digest> {
        self.kept.clone()
    }

    fn wants(&mut self) -> Want {
        while self.joiner.next_pairing().is_some() {}
        self.joiner.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.joiner
            .add_pieces(batch)
            .map_err(|error| refused(&error))
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.joiner
            .add_units(batch)
            .map_err(|error| refused(&error))
    }

    fn progress(&mut self, _progress: Progress) {}
}

fn refused(error: &StreamError) -> WitnessError {
    WitnessError {
        message: error.to_string(),
    }
}

const FULL: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: true,
};

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";

fn cluster(scenario: Scenario) -> Cluster {
    cluster_with(scenario, &ClusterOptions::default())
}

fn cluster_with(scenario: Scenario, options: &ClusterOptions) -> Cluster {
    let cluster = Cluster::start(options).expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, scenario)
        .expect("the scenario loads");
    cluster
}

fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

fn discoverer(cluster: &Cluster, user: &str, profile: Profile) -> LiveReadOnlyDiscoverer {
    let url = cluster.url(user, DATABASE);
    let settings = ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::default())
        .expect("usable settings");
    LiveReadOnlyDiscoverer::new(settings, profile, "ictr-20260521T021523Z-8a941203")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn take_with(
    cluster: &Cluster,
    user: &str,
    profile: Profile,
    ask: SurveyRequest,
) -> (Result<Taken, TargetError>, Memory) {
    let mut witness = Memory::default();
    let taken = block_on(discoverer(cluster, user, profile).take(ask, &mut witness));
    (taken, witness)
}

fn take(cluster: &Cluster) -> Taken {
    let (taken, witness) = take_with(cluster, READER, profile(), FULL);
    let taken = taken.expect("a survey");
    for proof in &witness.closed {
        assert_eq!(proof.violations(), Vec::<String>::new());
    }
    assert_eq!(witness.closed.len(), 1);
    taken
}

fn value<'a>(survey: &'a Survey, key: &str) -> &'a str {
    survey.fact(key).expect("a fact of this key").value()
}

fn unknown(survey: &Survey) -> Vec<String> {
    survey
        .unknown()
        .map(|fact| format!("{}: {:?}", fact.key, fact.observed))
        .collect()
}

fn changed(cluster: &Cluster, sql: &str) -> Vec<String> {
    let before = take(cluster);
    cluster.load(DATABASE, sql).expect("the change is made");
    let after = take(cluster);
    compare(&before.survey, &after.survey)
        .into_iter()
        .map(|change| change.key.to_string())
        .collect()
}

#[test]
fn the_demo_has_the_facts_of_the_source_report() {
    let cluster = cluster(Scenario::Enacted);
    let (taken, mut witness) = take_with(&cluster, READER, profile(), FULL);
    let taken = taken.expect("a survey");
    let survey = &taken.survey;
    assert_eq!(unknown(survey), Vec::<String>::new());
    for (key, wanted) in [
        ("role", READER),
        ("role_is_read_only", "true"),
        ("icx_total", "60"),
        ("icx_draft", "0"),
        ("icx_enacted", "60"),
        ("uv_enacted_at_nonnull", "60"),
        ("lifecycle_log_rows", "60"),
    ] {
        assert_eq!(value(survey, key), wanted, "{key}");
    }
    assert_eq!(value(survey, "fn_iu_enact_md5").len(), 32);
    assert_eq!(value(survey, "fn_iu_apply_edit_draft_md5").len(), 32);
    assert_eq!(value(survey, "grant_matrix_sha").len(), 64);
    assert_eq!(survey.fact("unit_version").and_then(|f| f.rows), Some(60));
    assert!(survey.digest_holds());
    let proof = witness.closed.pop().expect("one closed transaction");
    assert_eq!(proof.violations(), Vec::<String>::new());
    assert_eq!(witness.opened, [(Purpose::Survey, proof.nonce.clone())]);
    assert_eq!(witness.joiner.pieces_digest().rows, 60);
    assert_eq!(witness.joiner.units_digest().rows, 60);
    let refused: Vec<_> = taken
        .rulings
        .iter()
        .filter(|r| r.refused.is_some())
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(
        taken
            .rulings
            .iter()
            .any(|ruling| ruling.query == "live units"
                && ruling.relations == ["public.information_unit", "public.unit_version"])
    );
}

#[test]
fn a_write_grant_is_named_with_table_and_privilege() {
    let cluster = cluster(Scenario::UnsafeRole);
    let survey = take(&cluster).survey;
    assert_eq!(value(&survey, "role_is_read_only"), "false");
    let ways: Vec<String> = survey.role.ways_to_write().map(RoleFinding::line).collect();
    assert_eq!(
        ways,
        ["column privilege: UPDATE (content) on public.unit_version via context_pack_readonly"]
    );
}

#[test]
fn each_change_moves_exactly_its_own_facts() {
    let cluster = cluster(Scenario::Enacted);
    assert_eq!(changed(&cluster, "SELECT 1"), Vec::<String>::new());
    assert_eq!(
        changed(
            &cluster,
            "UPDATE public.source_document SET title = title || '!'"
        ),
        ["source_document"]
    );
    assert_eq!(
        changed(
            &cluster,
            "CREATE ROLE passer_by; GRANT SELECT ON public.unit_version TO passer_by"
        ),
        ["grant_matrix_sha", "privileges.held"]
    );
    assert_eq!(
        changed(
            &cluster,
            "CREATE OR REPLACE FUNCTION public.fn_iu_enact(p_unit text, p_reason text) RETURNS text LANGUAGE sql \
             SET search_path TO '' AS 'SELECT p_unit'"
        ),
        ["fn_iu_enact_md5"]
    );
}

#[test]
fn a_survey_does_not_hold_documents_that_are_kept() {
    let cluster = cluster(Scenario::Enacted);
    let first = take(&cluster);
    let kept = first.survey.documents();
    assert!(kept.len() > 2, "function, grants, rows: {kept:?}");
    let again = || {
        let mut witness = Memory {
            kept: kept.clone(),
            ..Memory::default()
        };
        let mut target = discoverer(&cluster, READER, profile());
        let taken = block_on(target.take(FULL, &mut witness));
        taken.expect("a survey")
    };
    let same = again();
    assert_eq!(same.documents, Vec::new());
    assert_eq!(same.survey.facts, first.survey.facts, "but names them");
    let change = "UPDATE public.source_document SET title = title || '!'";
    cluster.load(DATABASE, change).expect("the change is made");
    let changed = again();
    let held = changed.documents.iter().map(FactDocument::reference);
    let table = changed.survey.fact("source_document").expect("a table");
    assert_eq!(
        held.collect::<Vec<_>>(),
        [table.document.as_ref().expect("rows")]
    );
}

#[test]
fn a_grant_is_named_by_object_grantee_and_privilege() {
    let cluster = cluster(Scenario::Enacted);
    let document = |taken: &Taken| {
        let fact = taken.survey.fact("grant_matrix_sha").expect("the matrix");
        let reference = fact.document.clone().expect("a document");
        let found = taken.documents.iter().find(|d| *d.reference() == reference);
        found.expect("it came along").text().to_owned()
    };
    let before = document(&take(&cluster));
    cluster
        .load(
            DATABASE,
            "CREATE ROLE \"odd = name/\"; GRANT UPDATE ON public.unit_version TO \"odd = name/\" WITH GRANT OPTION",
        )
        .expect("granted");
    let rows = compare_rows(&before, &document(&take(&cluster)));
    let named: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.key.as_str(),
                row.approved.as_deref(),
                row.found.as_deref(),
            )
        })
        .collect();
    let wanted = (
        "table public.unit_version \"odd = name/\" UPDATE",
        None,
        Some("by kb_owner with grant option"),
    );
    assert_eq!(named, [wanted]);
}

#[test]
fn one_failing_fact_alone_is_unknown() {
    let cluster = cluster(Scenario::Enacted);
    let mut profile = profile();
    profile.facts[1].sql =
        Some("SELECT (1 / (count(*) - count(*)))::text FROM public.lifecycle_log".to_owned());
    profile.facts[2].sql = Some("SELECT nothing FROM public.nowhere".to_owned());
    profile.functions[0].name = "fn_gone".to_owned();
    let (taken, witness) = take_with(&cluster, READER, profile, FULL);
    let survey = taken.expect("a survey").survey;
    let keys: Vec<_> = survey.unknown().map(|fact| fact.key.to_string()).collect();
    assert_eq!(keys, ["icx_draft", "icx_enacted", "fn_iu_enact_md5"]);
    assert_eq!(value(&survey, "icx_total"), "60");
    assert_eq!(witness.closed[0].violations(), Vec::<String>::new());
}

#[test]
fn a_superuser_is_not_read_only() {
    let cluster = cluster(Scenario::Enacted);
    let (taken, _) = take_with(&cluster, "postgres", profile(), FULL);
    let survey = taken.expect("a survey").survey;
    assert_eq!(value(&survey, "role_is_read_only"), "false");
    let found = survey
        .role
        .ways_to_write()
        .any(|way| way.privilege == "SUPERUSER");
    assert!(found);
}

#[test]
fn two_clusters_with_the_same_content_digest_the_same() {
    let made = ClusterOptions {
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    };
    let (one, two) = (
        cluster(Scenario::Enacted),
        cluster_with(Scenario::Enacted, &made),
    );
    let (one, two) = (take(&one).survey, take(&two).survey);
    assert_eq!(one.facts_digest, two.facts_digest);
    assert_ne!(one.server.system_identifier, two.server.system_identifier);
}

#[test]
fn a_live_read_asks_only_the_live_facts() {
    let cluster = cluster(Scenario::Draft);
    let ask = SurveyRequest {
        purpose: Purpose::LiveRead,
        live_only: true,
        streams: false,
    };
    let (taken, witness) = take_with(&cluster, READER, profile(), ask);
    let survey = taken.expect("a live read").survey;
    let keys: Vec<_> = survey.facts.iter().map(|fact| fact.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "icx_total",
            "icx_draft",
            "icx_enacted",
            "uv_enacted_at_nonnull",
            "lifecycle_log_rows"
        ]
    );
    assert_eq!(value(&survey, "icx_draft"), "60");
    assert_eq!(witness.closed[0].violations(), Vec::<String>::new());
}

#[test]
fn the_server_logs_only_the_closed_list() {
    let options = ClusterOptions {
        log_statement_all: true,
        ..ClusterOptions::default()
    };
    let cluster = cluster_with(Scenario::Enacted, &options);
    let log_before = fs::read_to_string(cluster.log_path()).expect("a log").len();
    take(&cluster);
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    let executed: Vec<&str> = log[log_before..]
        .split("execute ")
        .skip(1)
        .filter_map(|entry| entry.split_once(": ").map(|(_, sql)| sql.trim_start()))
        .collect();
    assert!(executed.len() > 50, "{}", &log[log_before..]);
    let known = [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SAVEPOINT s",
        "ROLLBACK TO SAVEPOINT s",
        "RELEASE SAVEPOINT s",
        "DECLARE ",
        "FETCH FORWARD ",
        "ROLLBACK\n",
        "SELECT ",
        "WITH ",
    ];
    for sql in &executed {
        assert!(known.iter().any(|start| sql.starts_with(start)), "{sql}");
    }
    assert!(!log[log_before..].contains("COMMIT"));
}

/// Objects that turn a plain SELECT into something else; a superuser made them.
const TRAPS: &str = "
CREATE TABLE public.victim (id integer);
CREATE FUNCTION public.steal() RETURNS integer LANGUAGE sql VOLATILE SECURITY DEFINER
  AS 'INSERT INTO public.victim VALUES (1) RETURNING id';
CREATE FUNCTION public.liar() RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END';
CREATE VIEW public.trap_view AS SELECT public.steal() AS v;
CREATE VIEW public.trap_nested AS SELECT v FROM public.trap_view;
CREATE VIEW public.trap_builtin AS SELECT pg_catalog.lo_create(0)::text AS v;
CREATE VIEW public.trap_xml AS SELECT query_to_xml('SELECT 1', true, true, '')::text AS v;
CREATE TABLE public.guarded (id integer);
ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.guarded USING (public.liar() = 1);
CREATE DOMAIN public.trap_domain AS text CHECK (public.liar() = 1);
CREATE TYPE public.pair AS (a integer);
CREATE FUNCTION public.pair_text(public.pair) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_advisory_lock(8); RETURN 1; END';
CREATE CAST (public.pair AS text) WITH FUNCTION public.pair_text(public.pair) AS ASSIGNMENT;
CREATE TABLE public.cast_trap (p public.pair);
INSERT INTO public.cast_trap VALUES (ROW(1));
CREATE FUNCTION public.plus(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT public.steal()';
CREATE OPERATOR public.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.plus);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly;
";

/// SQL that must not run, whoever refuses it.
const HOSTILE: [&str; 38] = [
    "INSERT INTO public.victim VALUES (1)",
    "UPDATE public.victim SET id = 2 RETURNING id::text",
    "WITH w AS (INSERT INTO public.victim VALUES (1) RETURNING id) SELECT id::text FROM w",
    "SELECT 'x' INTO public.stolen",
    "CREATE TABLE public.stolen AS SELECT 1",
    "SELECT '1'; COMMIT",
    "SELECT '1'; SELECT '2'",
    "COMMIT",
    "SET TRANSACTION READ WRITE",
    "PREPARE TRANSACTION 'x'",
    "DO $$BEGIN PERFORM public.steal(); END$$",
    "CALL public.steal()",
    "SELECT public.steal()::text",
    "SELECT \"public\".\"steal\"()::text",
    "SELECT public . /* ( */ steal -- )\n ()::text",
    "SELECT v::text FROM public.trap_view",
    "SELECT v::text FROM public.trap_nested",
    "SELECT v FROM public.trap_builtin",
    "SELECT v FROM public.trap_xml",
    "SELECT count(*)::text FROM public.guarded",
    "SELECT 'x'::public.trap_domain::text",
    "SELECT CAST('x' AS public.trap_domain)::text",
    "SELECT public.trap_domain 'x'",
    "SELECT p FROM public.cast_trap",
    "SELECT (1 OPERATOR(public.+) 2)::text",
    "SELECT lo_create(0)::text",
    "SELECT pg_advisory_lock(1)::text",
    "SELECT pg_notify('c', 'x')::text",
    "SELECT pg_logical_emit_message(false, 'a', 'b')::text",
    "SELECT set_config('search_path', 'public', false)",
    "SELECT pg_current_xact_id()::text",
    "SELECT nextval('public.s')::text",
    "SELECT query_to_xml('SELECT public.steal()', true, true, '')::text",
    "SELECT pg_terminate_backend(pg_backend_pid())::text",
    "SELECT count(*)::text FROM public.victim FOR UPDATE",
    "SELECT id::text FROM public.victim FOR KEY SHARE",
    "SELECT E''\n'\\'' , public.steal(), ''",
    "SELECT '1') AS q (value); DELETE FROM public.victim; SELECT ('1'",
];

#[test]
fn hostile_sql_is_refused_and_does_nothing() {
    let cluster = cluster(Scenario::Enacted);
    cluster.load(DATABASE, TRAPS).expect("the traps are set");
    let mut profile = profile();
    let template = profile.facts[0].clone();
    profile.facts = HOSTILE
        .iter()
        .enumerate()
        .map(|(nth, sql)| FactSpec {
            key: format!("hostile_{nth}"),
            sql: Some((*sql).to_owned()),
            kind: FactKind::Text,
            ..template.clone()
        })
        .collect();
    let (taken, witness) = take_with(&cluster, READER, profile, FULL);
    let taken = taken.expect("a survey");
    for (nth, sql) in HOSTILE.iter().enumerate() {
        let name = format!("fact hostile_{nth}");
        let ruling = taken.rulings.iter().find(|ruling| ruling.query == name);
        let refused = ruling.expect("a ruling").refused.as_ref();
        assert!(refused.is_some(), "let pass: {sql}");
        let key = format!("hostile_{nth}");
        let observed = &taken.survey.fact(&key).expect("a fact").observed;
        assert_eq!(observed.value(), None, "{sql}");
    }
    assert_eq!(witness.closed[0].violations(), Vec::<String>::new());
    let written = cluster
        .query(
            "postgres",
            DATABASE,
            "SELECT count(*)::text FROM public.victim",
        )
        .expect("counted");
    assert!(format!("{written:?}").contains("\"0\""), "{written:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_stopped_server_is_unavailable_within_the_deadline_of_the_client() {
    let cluster = cluster(Scenario::Enacted);
    let mut profile = profile();
    profile.timeouts.statement_ms = 300;
    profile.timeouts.connect_ms = 300;
    let pid =
        Pid::from_raw(i32::try_from(cluster.postmaster_pid()).expect("a pid")).expect("not zero");
    let mut stopper = Stopper {
        pid,
        memory: Memory::default(),
    };
    let url = cluster.url(READER, DATABASE);
    let settings = ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::default())
        .expect("usable settings");
    let mut discoverer = LiveReadOnlyDiscoverer::new(settings, profile, "run");
    let taken = block_on(discoverer.take(FULL, &mut stopper));
    signal_server(pid, Signal::CONT);
    let error = taken.expect_err("nobody answers");
    assert!(
        matches!(error, TargetError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(stopper.memory.closed.is_empty());
}

#[cfg(target_os = "linux")]
/// Stops the server, with every backend, once the transaction is about to open.
struct Stopper {
    pid: Pid,
    memory: Memory,
}

#[cfg(target_os = "linux")]
impl Witness for Stopper {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        signal_server(self.pid, Signal::STOP);
        self.memory.opening(purpose, nonce)
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.memory.closed(proof)
    }

    fn wants(&mut self) -> Want {
        self.memory.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.memory.pieces(batch)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.memory.units(batch)
    }

    fn progress(&mut self, _progress: Progress) {}
}

#[cfg(target_os = "linux")]
/// Signals the postmaster and its children, which are in sessions of their own.
fn signal_server(postmaster: Pid, signal: Signal) {
    let children = format!("/proc/{0}/task/{0}/children", postmaster.as_raw_nonzero());
    let children = fs::read_to_string(children).unwrap_or_default();
    let pids = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    for pid in pids.filter_map(Pid::from_raw).chain([postmaster]) {
        // A child that has just ended needs no signal.
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

#[test]
fn a_long_table_is_digested_by_the_server_and_a_swap_of_equal_counts_shows() {
    let cluster = cluster(Scenario::Enacted);
    let fill = "CREATE TABLE public.\"Odd \"\"t\" (\"k'1\" text, note text);
        INSERT INTO public.\"Odd \"\"t\" SELECT g::text, 'x' FROM generate_series(1, 800001) AS g;
        CREATE TABLE public.nothing (id text);
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly";
    cluster.load(DATABASE, fill).expect("filled");
    let mut profile = profile();
    let spec = |key: &str, table: &str, column: &str| ContentSpec {
        key: key.to_owned(),
        table: table.to_owned(),
        columns: vec![column.to_owned()],
        row_key: vec![column.to_owned()],
        ..profile.contents[0].clone()
    };
    let extra = [
        spec("odd", "Odd \"t", "k'1"),
        spec("nothing", "nothing", "id"),
    ];
    profile.contents.extend(extra);
    let survey = |profile: &Profile| {
        let (taken, _) = take_with(&cluster, READER, profile.clone(), FULL);
        taken.expect("a survey").survey
    };
    let before = survey(&profile);
    assert_eq!(unknown(&before), Vec::<String>::new());
    assert!(value(&before, "odd").starts_with("v2:"));
    let document = |key: &str| before.fact(key).and_then(|fact| fact.document.clone());
    assert_eq!(document("odd"), None, "too many bytes for a document");
    assert_eq!(document("nothing").map(|document| document.lines), Some(1));
    assert_eq!(before.fact("odd").and_then(|f| f.rows), Some(800_001));
    assert_eq!(before.fact("nothing").and_then(|f| f.rows), Some(0));
    assert!(is_of_no_rows(value(&before, "nothing")));
    let change = "UPDATE public.\"Odd \"\"t\" SET \"k'1\" = 'other' WHERE \"k'1\" = '77'";
    cluster.load(DATABASE, change).expect("changed");
    let keys: Vec<_> = compare(&before, &survey(&profile))
        .into_iter()
        .map(|change| change.key.to_string())
        .collect();
    assert_eq!(keys, ["odd"]);
}

#[test]
fn a_run_of_the_first_format_is_read_as_version_0_1_0_read_it() {
    let cluster = cluster(Scenario::Enacted);
    let fill = "CREATE TABLE public.long AS SELECT g AS id FROM generate_series(1, 200001) AS g;
        GRANT SELECT ON public.long TO context_pack_readonly;
        CREATE ROLE \"Odd\"; GRANT UPDATE ON public.unit_version TO \"Odd\"";
    cluster.load(DATABASE, fill).expect("filled");
    let mut profile = profile();
    profile.contents.push(ContentSpec {
        key: "long".to_owned(),
        table: "long".to_owned(),
        columns: vec!["id".to_owned()],
        row_key: vec!["id".to_owned()],
        ..profile.contents[0].clone()
    });
    let mut old = discoverer(&cluster, READER, profile).in_format(EvidenceFormat::One);
    let mut witness = Memory::default();
    let taken = block_on(old.take(FULL, &mut witness)).expect("a survey");
    let survey = &taken.survey;
    assert_eq!(unknown(survey), Vec::<String>::new());
    let document = |key: &str| {
        let reference = survey.fact(key).and_then(|fact| fact.document.as_ref());
        let found = taken
            .documents
            .iter()
            .find(|d| Some(d.reference()) == reference);
        found.expect("a document").text().to_owned()
    };
    let rows = document("unit_version");
    let mut hasher = Hasher::new();
    rows.lines().for_each(|line| hasher.field(line));
    assert_eq!(value(survey, "unit_version"), hasher.finish().as_str());
    assert!(
        rows.contains("\"version_no\":1,"),
        "numbers as JSON has them: {rows}"
    );
    let sums = "SELECT sum(('x' || substr(md5, 1, 16))::bit(64)::bigint) || '/' || sum(('x' || substr(md5, 17, 16))::bit(64)::bigint)
           FROM (SELECT md5(octet_length(row_to_json(t)::text) || ':' || row_to_json(t)::text) FROM public.long AS t) AS r";
    let sums = cluster.query("postgres", DATABASE, sums).expect("sums");
    let sums = sums[0][0].clone().expect("two sums");
    let (high, low) = sums.split_once('/').expect("two sums");
    let [high, low] = [high, low].map(|sum| sum.parse::<i128>().expect("a sum"));
    assert_eq!(value(survey, "long"), format!("md5sum128:{high:x}:{low:x}"));
    assert!(document("grant_matrix_sha").contains("unit_version Odd UPDATE"));
}

#[test]
fn a_role_called_public_is_not_everybody() {
    let cluster = cluster(Scenario::Enacted);
    let matrix = |sql: &str| {
        cluster.load(DATABASE, sql).expect(sql);
        value(&take(&cluster).survey, "grant_matrix_sha").to_owned()
    };
    let role = "CREATE ROLE \"PUBLIC\"; GRANT SELECT ON public.unit_version TO \"PUBLIC\"";
    let to_role = matrix(role);
    let to_all = "REVOKE SELECT ON public.unit_version FROM \"PUBLIC\"; GRANT SELECT ON public.unit_version TO PUBLIC";
    assert_ne!(to_role, matrix(to_all));
}

#[test]
fn a_password_is_in_no_text() {
    const CANARY: &str = "c4nary-p%ss/w:rd";
    let cluster = cluster(Scenario::Enacted);
    let url = cluster.url(READER, DATABASE);
    let env = LibpqEnvironment::of(&[("PGPASSWORD", CANARY)]);
    let settings = ConnectionSettings::resolve(Some(&url), &env).expect("usable settings");
    let mut discoverer = LiveReadOnlyDiscoverer::new(settings.clone(), profile(), "run");
    let mut witness = Memory::default();
    let taken = block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
    let shown = format!(
        "{settings:?} {:?} {taken:?} {:?} {:?}",
        discoverer.identity(),
        witness.closed,
        discoverer.statements()
    );
    assert!(!shown.contains(CANARY));
    let again = ConnectionSettings::resolve(Some(&settings.reconnect()), &env);
    assert_eq!(again.expect("resolved again"), settings);
}

#[test]
fn a_server_that_is_not_there_is_unavailable_and_nothing_was_opened() {
    let url = "postgresql:///kb?host=/nonexistent&user=reader";
    let settings = ConnectionSettings::resolve(Some(url), &LibpqEnvironment::default())
        .expect("usable settings");
    let mut witness = Memory::default();
    let mut discoverer = LiveReadOnlyDiscoverer::new(settings, profile(), "run");
    let error = block_on(discoverer.take(FULL, &mut witness)).expect_err("no server");
    assert!(
        matches!(error, TargetError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(witness.opened.is_empty());
}

#[test]
fn a_writing_statement_is_refused_without_a_server() {
    let url = "postgresql:///kb?host=/nonexistent&user=reader";
    let settings = ConnectionSettings::resolve(Some(url), &LibpqEnvironment::default())
        .expect("usable settings");
    let discoverer = LiveReadOnlyDiscoverer::new(settings, profile(), "run");
    assert!(
        discoverer
            .refuses_write()
            .is_ok_and(|why| why.starts_with("INSERT"))
    );
    assert_eq!(discoverer.statements(), Vec::<String>::new());
}

/// Replaces a view under a survey, at up to three moments, once each.
struct Replacing<'c> {
    cluster: &'c Cluster,
    /// When the session is open: its snapshot is older than the view then.
    opened: Option<&'static str>,
    /// When every query was ruled on.
    ruled: Option<&'static str>,
    /// While the protected tables are read.
    reading: Option<&'static str>,
    /// Why the last could not be done.
    refused: Option<String>,
    memory: Memory,
}

impl<'c> Replacing<'c> {
    fn of(cluster: &'c Cluster) -> Self {
        Self {
            cluster,
            opened: None,
            ruled: None,
            reading: None,
            refused: None,
            memory: Memory::default(),
        }
    }
}

impl Witness for Replacing<'_> {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        self.memory.opening(purpose, nonce)
    }

    fn reached(&mut self, _: &ServerIdentity) -> Result<(), WitnessError> {
        if let Some(sql) = self.opened.take() {
            self.cluster.load(DATABASE, sql).expect("replaced");
        }
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.memory.closed(proof)
    }

    fn wants(&mut self) -> Want {
        self.memory.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.memory.pieces(batch)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.memory.units(batch)
    }

    fn progress(&mut self, progress: Progress) {
        if progress.noun == "queries" {
            if progress.total == Some(progress.done)
                && let Some(sql) = self.ruled.take()
            {
                self.cluster.load(DATABASE, sql).expect("replaced");
            }
        } else if let Some(sql) = self.reading.take() {
            let replaced = self.cluster.load(DATABASE, sql);
            self.refused = replaced.err().map(|error| error.to_string());
        }
    }
}

#[test]
fn a_view_replaced_after_the_snapshot_is_ruled_on_as_it_is_executed() {
    let cluster = cluster(Scenario::Enacted);
    let view =
        "CREATE VIEW public.counted AS SELECT 1 AS n; GRANT SELECT ON public.counted TO PUBLIC";
    let trap = "CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
                  AS $$BEGIN RAISE LOG 'trap executed'; RETURN true; END$$";
    cluster
        .load(DATABASE, &format!("{view}; {trap}"))
        .expect("loaded");
    let replaced = "CREATE OR REPLACE VIEW public.counted AS SELECT 1 AS n WHERE public.trap()";
    let made_anew =
        "DROP VIEW public.counted; CREATE VIEW public.counted AS SELECT 1 AS n WHERE public.trap();
                     GRANT SELECT ON public.counted TO PUBLIC";
    for sql in [replaced, made_anew] {
        let plain = "DROP VIEW public.counted; CREATE VIEW public.counted AS SELECT 1 AS n;
                     GRANT SELECT ON public.counted TO PUBLIC";
        cluster.load(DATABASE, plain).expect("as it was");
        let mut profile = profile();
        profile.facts[0].sql = Some("SELECT count(*)::text FROM public.counted".to_owned());
        let mut witness = Replacing {
            opened: Some(sql),
            ..Replacing::of(&cluster)
        };
        let mut discoverer = discoverer(&cluster, READER, profile);
        let taken = block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
        let unknown = unknown(&taken.survey);
        assert!(
            unknown[0].contains("the view public.counted -> function public.trap() "),
            "{unknown:?}"
        );
        assert_eq!(
            witness.memory.closed.len(),
            2,
            "a second snapshot was needed"
        );
        let log = fs::read_to_string(cluster.log_path()).expect("a log");
        assert!(!log.contains("trap executed"), "{sql}");
    }
}

#[test]
fn a_view_cannot_be_replaced_between_its_ruling_and_its_read() {
    let cluster = cluster(Scenario::Enacted);
    let views = "CREATE VIEW public.units AS SELECT * FROM public.information_unit;
                 GRANT SELECT ON public.units TO PUBLIC;
                 CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
                   AS $$BEGIN RAISE LOG 'trap executed'; RETURN true; END$$";
    cluster.load(DATABASE, views).expect("loaded");
    let mut profile = profile();
    let sql = &mut profile.candidates.as_mut().expect("live units").sql;
    *sql = sql.replace("FROM public.information_unit u", "FROM public.units u");
    assert!(sql.contains("public.units"));
    let mut witness = Replacing {
        ruled: Some(
            "CREATE OR REPLACE VIEW public.units AS SELECT * FROM public.information_unit LIMIT 100000",
        ),
        reading: Some(
            "SET lock_timeout = '100ms';
             CREATE OR REPLACE VIEW public.units AS SELECT * FROM public.information_unit WHERE public.trap()",
        ),
        ..Replacing::of(&cluster)
    };
    let mut discoverer = discoverer(&cluster, READER, profile);
    block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    assert!(!log.contains("trap executed"), "the trap was executed");
    let refused = witness.refused.expect("it was tried and refused");
    assert!(refused.contains("lock timeout"), "{refused}");
    assert_eq!(
        witness.memory.closed.len(),
        2,
        "the first replacement needs a second snapshot"
    );
}

/// Every way to write that a role can be given, and the line that must name it.
const WAYS: [(&str, &str); 12] = [
    (
        "CREATE ROLE helper; GRANT helper TO context_pack_readonly; GRANT DELETE ON public.lifecycle_log TO helper",
        "table privilege: DELETE on public.lifecycle_log via helper",
    ),
    (
        "GRANT TRUNCATE ON public.unit_version TO PUBLIC",
        "table privilege: TRUNCATE on public.unit_version via PUBLIC",
    ),
    (
        "CREATE SEQUENCE public.\"S 1\"; GRANT USAGE ON SEQUENCE public.\"S 1\" TO context_pack_readonly",
        "table privilege: USAGE on sequence public.\"S 1\" via context_pack_readonly",
    ),
    (
        "CREATE TABLE public.own (); ALTER TABLE public.own OWNER TO context_pack_readonly",
        "ownership: OWNER on table public.own via context_pack_readonly",
    ),
    (
        "GRANT CREATE ON SCHEMA public TO context_pack_readonly",
        "create or temporary: CREATE on schema public via context_pack_readonly",
    ),
    (
        "GRANT CREATE ON DATABASE kb TO helper",
        "create or temporary: CREATE on database kb via helper",
    ),
    (
        "GRANT pg_write_server_files TO context_pack_readonly",
        "predefined role: MEMBER on role pg_write_server_files via context_pack_readonly",
    ),
    (
        "GRANT pg_signal_backend TO helper",
        "predefined role: MEMBER on role pg_signal_backend via context_pack_readonly",
    ),
    (
        "ALTER ROLE helper REPLICATION",
        "role attribute: REPLICATION on role helper via membership in helper",
    ),
    (
        "CREATE ROLE other; GRANT other TO context_pack_readonly WITH ADMIN OPTION",
        "role membership: ADMIN OPTION on role other via context_pack_readonly",
    ),
    (
        "SELECT lo_create(4711); GRANT UPDATE ON LARGE OBJECT 4711 TO PUBLIC",
        "large object: UPDATE on large object 4711 via PUBLIC",
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; \
         GRANT USAGE ON FOREIGN SERVER far TO context_pack_readonly",
        "foreign data: USAGE on foreign server far via context_pack_readonly",
    ),
];

#[test]
fn every_way_to_write_is_named_and_an_allowed_one_does_not_fail() {
    let cluster = cluster(Scenario::Enacted);
    for (sql, _) in WAYS {
        cluster.load(DATABASE, sql).expect(sql);
    }
    let definer = "CREATE FUNCTION public.definer() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM PUBLIC";
    cluster.load(DATABASE, definer).expect("made");
    let survey = take(&cluster).survey;
    assert_eq!(value(&survey, "role_is_read_only"), "false");
    assert_eq!(survey.role.unanswered, Vec::<String>::new());
    assert_eq!(survey.server.system_identifier, None);
    let ways: Vec<String> = survey.role.ways_to_write().map(RoleFinding::line).collect();
    for (_, line) in WAYS {
        assert!(
            ways.iter().any(|way| way == line),
            "{line} is not in {ways:#?}"
        );
    }
    let warned = "security definer: EXECUTE on public.definer() via PUBLIC";
    assert!(
        survey
            .role
            .warnings()
            .any(|finding| finding.line() == warned)
    );
    let mut profile = profile();
    profile.role.allow = ways;
    let (taken, _) = take_with(&cluster, READER, profile, FULL);
    let survey = taken.expect("a survey").survey;
    assert_eq!(value(&survey, "role_is_read_only"), "true");
    assert!(survey.role.findings.iter().any(|finding| finding.allowed));
}
