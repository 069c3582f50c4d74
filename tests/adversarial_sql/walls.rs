//! Each wall taken away, and what then shows. Invariant: the same deed is red without its wall and green with it.

use std::sync::Arc;

use drygate::audit::claims;
use drygate::postgres::throwaway::Cluster;
use drygate::run::{ClaimName, Purpose, RunState, Transaction, TransactionEnd};
use drygate::runner::target::{SurveyRequest, TargetError};
use drygate::survey::{FactKind, UtcTime};

use super::observer::Observer;
use super::raw::{BEGIN, Deed, connect, measure, run};
use super::support::{
    DATABASE, FULL, READER, block_on, load, one, profile, say, survey, survey_url, versions,
};
use super::traps;

const CLEAN: Deed = Deed::CLEAN;
const WRITER: Deed = Deed {
    user: "postgres",
    begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
    ..CLEAN
};

/// What the proof must say of each deed.
const VIOLATIONS: [(&str, Deed, &str); 18] = [
    ("read only", WRITER, "not read only"),
    (
        "isolation",
        Deed {
            begin: "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
            ..CLEAN
        },
        "isolation was read committed",
    ),
    (
        "a row",
        Deed {
            inside: "INSERT INTO public.victim VALUES (8)",
            ..WRITER
        },
        "1 rows written",
    ),
    (
        "a row's transaction id",
        Deed {
            inside: "INSERT INTO public.victim VALUES (8)",
            ..WRITER
        },
        "a transaction id was assigned",
    ),
    (
        "a write that a savepoint took back",
        Deed {
            inside: "SAVEPOINT a; INSERT INTO public.victim VALUES (8); ROLLBACK TO a; RELEASE a",
            ..WRITER
        },
        "a transaction id was assigned",
    ),
    (
        "COMMIT in place of ROLLBACK",
        Deed {
            end: "COMMIT",
            ..CLEAN
        },
        "ended by COMMIT",
    ),
    (
        "NOTIFY that leaves",
        Deed {
            inside: "NOTIFY hostile, 'wall'",
            end: "COMMIT",
            ..CLEAN
        },
        "ended by COMMIT",
    ),
    (
        "LISTEN that stays",
        Deed {
            inside: "LISTEN hostile",
            end: "COMMIT",
            ..CLEAN
        },
        "1 channels still listened on",
    ),
    (
        "a session's advisory lock",
        Deed {
            inside: "SELECT pg_catalog.pg_advisory_lock(7)",
            ..CLEAN
        },
        "1 advisory locks left",
    ),
    (
        "a transaction's advisory lock",
        Deed {
            inside: "SELECT pg_catalog.pg_advisory_xact_lock(7)",
            ..CLEAN
        },
        "held a lock advisory/ExclusiveLock x1",
    ),
    (
        "a row lock",
        Deed {
            inside: "SELECT FROM public.victim LIMIT 1 FOR SHARE",
            ..WRITER
        },
        "held a lock relation/RowShareLock",
    ),
    (
        "a temporary table",
        Deed {
            user: "postgres",
            before: "CREATE TEMP TABLE t (i integer)",
            ..CLEAN
        },
        "a temporary schema was left",
    ),
    (
        "a row of a temporary table, in READ ONLY",
        Deed {
            user: "postgres",
            before: "CREATE TEMP TABLE t (i integer)",
            inside: "INSERT INTO pg_temp.t VALUES (1)",
            ..CLEAN
        },
        "a transaction id was assigned",
    ),
    (
        "a prepared transaction",
        Deed {
            inside: "INSERT INTO public.victim VALUES (8)",
            end: "PREPARE TRANSACTION 'wall'",
            ..WRITER
        },
        "1 prepared transactions left",
    ),
    (
        "public in search_path",
        Deed {
            inside: "SET LOCAL search_path = public, pg_catalog",
            ..CLEAN
        },
        "search_path was public, pg_catalog",
    ),
    (
        "row security hides rows",
        Deed {
            inside: "SET LOCAL row_security = on",
            ..CLEAN
        },
        "row_security was on",
    ),
    (
        "another nonce",
        Deed {
            inside: "SET LOCAL drygate.nonce = 'other'",
            ..CLEAN
        },
        "the nonce of the end",
    ),
    (
        "another transaction",
        Deed {
            inside: "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ..CLEAN
        },
        "virtual xid",
    ),
];

fn proof_walls(cluster: &Cluster) -> usize {
    block_on(async {
        let observer = Observer::start(cluster).await;
        let clean = measure(cluster, CLEAN).await.violations();
        assert_eq!(clean, Vec::<String>::new());
        for (name, deed, violation) in VIOLATIONS {
            let violations = measure(cluster, deed).await.violations();
            let found = violations.iter().any(|found| found.contains(violation));
            assert!(found, "{name}: {violation} is not in {violations:?}");
        }
        load(cluster, "ROLLBACK PREPARED 'wall'");
        // What A cannot see, and ROLLBACK takes back: the committed one was heard, this one is not.
        let quiet = Deed {
            inside: "NOTIFY hostile, 'unheard'",
            ..CLEAN
        };
        assert_eq!(
            measure(cluster, quiet).await.violations(),
            Vec::<String>::new()
        );
        assert_eq!(observer.look(cluster).await["notifications"], "wall");
    });
    VIOLATIONS.len() + 2
}

/// What the reader does with a plain SELECT in a READ ONLY transaction, by extension, statement, and what it left.
const READS: [(&str, &str, Left); 10] = [
    ("dblink", "SELECT v FROM public.far_view", Left::Row("99")),
    (
        "dblink",
        "SELECT id::text FROM public.far_guarded",
        Left::Row("99"),
    ),
    (
        "dblink",
        "EXPLAIN SELECT v FROM public.far_planned",
        Left::Row("98"),
    ),
    (
        "postgres_fdw",
        "SELECT v::text FROM public.away_view",
        Left::Remote,
    ),
    (
        "postgres_fdw",
        "SELECT v::text FROM public.mixed",
        Left::Remote,
    ),
    (
        "postgres_fdw",
        "SELECT v::text FROM public.heir_of",
        Left::Remote,
    ),
    (
        "",
        "SELECT g.pg_advisory_lock::text FROM pg_catalog.generate_series(1::bigint, 1) AS g",
        Left::Lock,
    ),
    ("", "SELECT count(*)::text FROM public.planned", Left::Lock),
    ("", "SELECT count(*)::text FROM public.parted", Left::Lock),
    (
        "",
        "SELECT count(*)::text FROM (SELECT m FROM public.moods ORDER BY m OFFSET 0) AS d",
        Left::Lock,
    ),
];

#[derive(Clone, Copy)]
enum Left {
    /// A row with this id that survives ROLLBACK.
    Row(&'static str),
    /// A statement that writes, run by the remote server.
    Remote,
    /// An advisory lock of the session.
    Lock,
}

fn trap_walls(cluster: &Cluster, had: &[&str]) -> usize {
    let mut checked = 0;
    for (needs, sql, left) in READS {
        if !needs.is_empty() && !had.contains(&needs) {
            continue;
        }
        checked += 1;
        load(cluster, "DELETE FROM public.victim");
        let refused = ruling(cluster, sql);
        assert!(!refused.is_empty(), "{sql}");
        assert_eq!(
            one(cluster, "SELECT count(*)::text FROM public.victim"),
            "0",
            "{sql}"
        );
        block_on(without_wall(cluster, sql, left));
    }
    checked
}

/// Runs it as the reader without the trap check, and sees what it does.
async fn without_wall(cluster: &Cluster, sql: &'static str, left: Left) {
    match left {
        Left::Row(id) => {
            let violations = measure(
                cluster,
                Deed {
                    inside: with_rows(sql),
                    ..CLEAN
                },
            )
            .await
            .violations();
            let ids = one(
                cluster,
                "SELECT string_agg(DISTINCT id::text, ',') FROM public.victim",
            );
            assert_eq!(ids, id, "{sql}");
            // The proof of A is blind here: only the trap check stands in the way.
            assert_eq!(violations, Vec::<String>::new(), "{sql}");
        }
        Left::Remote => {
            let client = connect(cluster, READER).await;
            run(&client, BEGIN).await;
            // The remote view writes and is told that the transaction is read only, or it writes: either way it was run.
            let ran = client.batch_execute(sql).await;
            let said = ran
                .err()
                .and_then(|error| error.as_db_error().map(|e| e.message().to_owned()));
            let wrote = said
                .as_deref()
                .is_none_or(|said| said.contains("read-only transaction"));
            assert!(wrote, "{sql}: {said:?}");
        }
        Left::Lock => {
            let violations = measure(
                cluster,
                Deed {
                    inside: sql,
                    ..CLEAN
                },
            )
            .await
            .violations();
            let locked = violations
                .iter()
                .any(|violation| violation.contains("advisory"));
            assert!(locked, "{sql}: {violations:?}");
        }
    }
}

/// The policy is not asked while `row_security` is off, as the opening query makes it: that wall is taken away too.
fn with_rows(sql: &'static str) -> &'static str {
    if sql.contains("far_guarded") {
        "SET LOCAL row_security = on; SELECT id::text FROM public.far_guarded; SET LOCAL row_security = off"
    } else {
        sql
    }
}

fn ruling(cluster: &Cluster, sql: &str) -> String {
    let mut profile = profile();
    profile.facts.truncate(1);
    profile.facts[0].sql = Some(sql.to_owned());
    profile.facts[0].kind = FactKind::Text;
    let name = format!("fact {}", profile.facts[0].key);
    let ask = SurveyRequest {
        streams: false,
        ..FULL
    };
    let (taken, mut witness) = survey_url(&cluster.url(READER, DATABASE), profile, ask);
    let proof = witness.closed.pop().expect("a closed transaction");
    assert_eq!(proof.violations(), Vec::<String>::new(), "{sql}");
    let taken = match taken {
        Err(TargetError::Unfit(why)) => {
            // What could be run by what measures the end is not run.
            assert_eq!(proof.unmeasured.len(), 3, "{proof:?}");
            return why;
        }
        taken => taken.expect("a survey"),
    };
    let ruling = taken
        .rulings
        .into_iter()
        .find(|ruling| ruling.query == name);
    ruling.and_then(|ruling| ruling.refused).unwrap_or_default()
}

/// Forgeries in pg_catalog and between built-in types: any SQL could call them, so all SQL is refused, our own too where it could.
fn forgery_walls(cluster: &Cluster) -> usize {
    const PLAIN: &str = "SELECT pg_catalog.md5('x')";
    let forgeries = [
        ("CREATE FUNCTION pg_catalog.md5(character varying) RETURNS text LANGUAGE sql AS 'SELECT ''forged''::text'", "DROP FUNCTION pg_catalog.md5(character varying)", "the function pg_catalog.md5 is not PostgreSQL's own here"),
        (
            "CREATE FUNCTION public.to_inet(integer) RETURNS inet LANGUAGE sql AS 'SELECT ''::1''::inet';
             CREATE CAST (integer AS inet) WITH FUNCTION public.to_inet(integer)",
            "DROP CAST (integer AS inet)",
            "the cast from int4 to inet is not PostgreSQL's own here",
        ),
        (
            "CREATE OPERATOR pg_catalog.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.textcat)",
            "DROP OPERATOR pg_catalog.+ (text, text)",
            "the operator pg_catalog.+ is not PostgreSQL's own here",
        ),
        (
            "CREATE CAST (oid AS bytea) WITH FUNCTION pg_catalog.lo_get(oid)",
            "DROP CAST (oid AS bytea)",
            "the cast from oid to bytea is not PostgreSQL's own here",
        ),
        (
            "CREATE OR REPLACE FUNCTION pg_catalog.initcap(text) RETURNS text LANGUAGE sql AS 'SELECT pg_catalog.lo_create(0)::text'",
            "CREATE OR REPLACE FUNCTION pg_catalog.initcap(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'initcap'",
            "the function pg_catalog.initcap is not PostgreSQL's own here",
        ),
        (
            "CREATE OR REPLACE FUNCTION pg_catalog.ascii(text) RETURNS integer LANGUAGE internal IMMUTABLE AS 'pg_read_file_all'",
            "CREATE OR REPLACE FUNCTION pg_catalog.ascii(text) RETURNS integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'ascii'",
            "function ascii(text) is not on the allow-list",
        ),
        (
            "CREATE FUNCTION public.json_order(json, json) RETURNS integer LANGUAGE sql AS 'SELECT 0';
             CREATE OPERATOR CLASS public.json_ops DEFAULT FOR TYPE json USING btree AS FUNCTION 1 public.json_order(json, json)",
            "DROP OPERATOR FAMILY public.json_ops USING btree; DROP FUNCTION public.json_order(json, json)",
            "function public.json_order(json,json) is not on the allow-list",
        ),
    ];
    for (forge, undo, reason) in forgeries {
        assert_eq!(ruling(cluster, PLAIN), "");
        load(cluster, forge);
        let refused = ruling(cluster, PLAIN);
        assert!(refused.contains(reason), "{reason}: {refused}");
        load(cluster, undo);
    }
    assert_eq!(ruling(cluster, PLAIN), "");
    forgeries.len()
}

/// Settings of the role and the database must not reach the survey.
fn setting_walls(cluster: &Cluster) -> usize {
    let right = md5_fact(cluster);
    load(
        cluster,
        "CREATE OR REPLACE FUNCTION public.md5(text) RETURNS text LANGUAGE sql AS 'SELECT ''forged''::text';
         CREATE TABLE public.hidden AS SELECT g AS id FROM generate_series(1, 60) AS g;
         ALTER TABLE public.hidden ENABLE ROW LEVEL SECURITY;
         CREATE POLICY few ON public.hidden USING (id <= 10);
         GRANT SELECT ON public.hidden TO context_pack_readonly;
         ALTER ROLE context_pack_readonly SET search_path = public, pg_catalog;
         ALTER ROLE context_pack_readonly SET row_security = on;
         ALTER ROLE context_pack_readonly SET default_transaction_read_only = off;
         ALTER DATABASE kb SET search_path = public, pg_catalog",
    );
    let raw = |sql: &str| {
        let rows = cluster.query(READER, DATABASE, sql).expect(sql);
        rows.into_iter()
            .flatten()
            .next()
            .flatten()
            .unwrap_or_default()
    };
    assert_eq!(raw("SELECT md5('x')"), "forged");
    assert_eq!(raw("SELECT count(*)::text FROM public.hidden"), "10");
    assert_eq!(raw("SHOW transaction_read_only"), "off");
    assert_eq!(md5_fact(cluster), right);
    let refused = ruling(cluster, "SELECT count(*)::text FROM public.hidden");
    assert!(refused.contains("has row security"), "{refused}");
    4
}

fn md5_fact(cluster: &Cluster) -> String {
    let (taken, proof) = survey(cluster, profile());
    assert_eq!(proof.violations(), Vec::<String>::new());
    let fact = taken.survey.fact("fn_iu_enact_md5").expect("a fact");
    fact.observed.value().expect("a value").to_owned()
}

/// Two surveys of one snapshot are equal by construction: claim B must not hold.
fn snapshot_wall(cluster: &Cluster) -> usize {
    const ONE: &str = "the two surveys are not two snapshots in order";
    let (pin, first) = survey(cluster, profile());
    let (post, second) = survey(cluster, profile());
    let transactions: Vec<Transaction> = [first, second]
        .into_iter()
        .zip(1..)
        .map(|(proof, id)| Transaction {
            id,
            purpose: Purpose::Survey,
            opened_at: UtcTime::from_unix_micros(0),
            end: TransactionEnd::Closed(proof.into()),
            given_up_at: None,
            gave_survey: true,
        })
        .collect();
    let measured = |post: &drygate::survey::Survey| {
        let run = RunState {
            transactions: transactions.clone(),
            pin: Some(Arc::new(pin.survey.clone())),
            post: Some(Arc::new(post.clone())),
            ..RunState::default()
        };
        let claim = claims(&run)
            .into_iter()
            .find(|claim| claim.name == ClaimName::B);
        claim.expect("claim B").measured
    };
    assert_eq!(measured(&pin.survey), ONE);
    assert_ne!(measured(&post.survey), ONE);
    1
}

#[test]
fn every_wall_that_is_taken_away_shows() {
    for version in versions() {
        let cluster = version.cluster();
        let had = traps::set(&cluster, &version.name);
        let proof = proof_walls(&cluster);
        let traps = trap_walls(&cluster, &had);
        let forged = forgery_walls(&cluster);
        let one = snapshot_wall(&cluster);
        let settings = setting_walls(&cluster);
        say(&format!(
            "PostgreSQL {}: walls taken away and seen: {proof} of the session proof, {traps} of the trap check ({} NOT CHECKED), {forged} forgeries, {settings} settings, {one} snapshot",
            version.name,
            READS.len() - traps,
        ));
    }
}
