//! A server that stops, crashes, is full or lets nobody in, before or in the middle of a command. Invariant: the command ends with exit
//! 69 or as if nothing was, an acknowledged approval is kept, and once the server is as before the run goes on to PASS.

use std::sync::Arc;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ClusterSession};
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};
use rustix::process::{Pid, Signal, kill_process};

use super::stages::{Site, Stage, Worker};
use crate::support::ground::family;
use crate::support::server::{READER, SUPERUSER};

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerFault {
    /// All its processes stop, as under a dead disk.
    Stopped,
    /// The process of our session stops.
    BackendStopped,
    /// Our session is ended.
    Terminated,
    /// Our statement is cancelled.
    Cancelled,
    /// A process of it is killed, so that it recovers from its log.
    Crashed,
    /// The role may not log in.
    NoLogin,
    /// The role may have no connection.
    NoConnection,
    /// All connections are taken.
    Full,
    /// The role loses a privilege.
    Revoked,
}

const FAULTS: [(ServerFault, u8, &str); 9] = [
    (ServerFault::Stopped, 11, "the server is stopped by SIGSTOP"),
    (
        ServerFault::BackendStopped,
        11,
        "a session's process is stopped by SIGSTOP",
    ),
    (ServerFault::Terminated, 10, "a session is terminated"),
    (ServerFault::Cancelled, 10, "a statement is cancelled"),
    (ServerFault::Crashed, 10, "the server crashes and recovers"),
    (ServerFault::NoLogin, 10, "the role may not log in"),
    (
        ServerFault::NoConnection,
        10,
        "the role has a connection limit of 0",
    ),
    (
        ServerFault::Full,
        10,
        "all connections of the server are taken",
    ),
    (
        ServerFault::Revoked,
        13,
        "a privilege of the role is revoked",
    ),
];

/// Connections of the server, three of them for superusers.
const CONNECTIONS: usize = 12;

/// Sessions of the program.
const OURS: &str = "FROM pg_stat_activity WHERE usename = 'context_pack_readonly'";

/// What is undone by its drop.
#[derive(Default)]
struct Happened {
    /// The server, and what its role is given back.
    undo: Option<(Arc<Cluster>, &'static str)>,
    stopped: Vec<Pid>,
    sessions: Vec<ClusterSession>,
}

impl Drop for Happened {
    fn drop(&mut self) {
        send(&self.stopped, Signal::CONT);
        self.sessions.clear();
        if let Some((cluster, given)) = &self.undo {
            let sql = format!("ALTER ROLE context_pack_readonly {given}");
            cluster.load(SUPERUSER, &sql).expect("a superuser may");
        }
    }
}

fn pids(cluster: &Cluster) -> Vec<Pid> {
    let sql = format!("SELECT pid {OURS}");
    let rows = cluster
        .query(SUPERUSER, SUPERUSER, &sql)
        .expect("it answers");
    let pid = |row: Vec<Option<String>>| Pid::from_raw(row[0].as_ref()?.parse().ok()?);
    rows.into_iter().filter_map(pid).collect()
}

impl ServerFault {
    /// Whether it keeps every session out that begins later.
    fn keeps_out(self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::NoLogin | Self::NoConnection | Self::Full
        )
    }

    /// Lets it happen, until the value is dropped.
    fn happen(self, cluster: &Arc<Cluster>, database: &str) -> Happened {
        let sql = |sql: &str| cluster.load(database, sql).expect("a superuser may");
        let mut happened = Happened::default();
        match self {
            Self::Stopped => happened.stopped = family(cluster.postmaster_pid()),
            Self::BackendStopped => happened.stopped = pids(cluster),
            Self::Terminated => sql(&format!("SELECT pg_terminate_backend(pid) {OURS}")),
            Self::Cancelled => sql(&format!("SELECT pg_cancel_backend(pid) {OURS}")),
            Self::Crashed => send(&pids(cluster), Signal::KILL),
            Self::NoLogin => {
                sql("ALTER ROLE context_pack_readonly NOLOGIN");
                happened.undo = Some((Arc::clone(cluster), "LOGIN"));
            }
            Self::NoConnection => {
                sql("ALTER ROLE context_pack_readonly CONNECTION LIMIT 0");
                happened.undo = Some((Arc::clone(cluster), "CONNECTION LIMIT -1"));
            }
            Self::Full => {
                let more = || cluster.session(READER, database).ok();
                happened.sessions = std::iter::from_fn(more).collect();
            }
            Self::Revoked => sql("REVOKE SELECT ON public.unit_version FROM context_pack_readonly"),
        }
        send(&happened.stopped, Signal::STOP);
        happened
    }
}

fn send(processes: &[Pid], signal: Signal) {
    for process in processes {
        // A session may have ended meanwhile.
        let _ = kill_process(*process, signal);
    }
}

/// One fault, before the command or at a byte of the replies, and what must be true after it. `false`: it did not happen.
fn strike(
    site: &Site,
    worker: &Worker<'_>,
    stage: Stage,
    fault: ServerFault,
    at: Option<u64>,
) -> bool {
    let (cluster, database) = (&site.workspace.cluster, site.workspace.database.clone());
    worker.reset(stage);
    let before = ["SG1", "SG2"].map(|gate| worker.approvals(gate));
    let (tell, told) = std::sync::mpsc::channel();
    let happened = match at {
        None => Some(fault.happen(cluster, &database)),
        Some(at) => {
            let (cluster, database) = (Arc::clone(cluster), database.clone());
            worker.link.beside(at, move || {
                drop(tell.send(fault.happen(&cluster, &database)));
            });
            None
        }
    };
    let answer = worker.drygate(&worker.words(stage), stage.limit());
    let (_, struck) = worker.link.disarm();
    let happened = happened.or_else(|| told.try_recv().ok());
    assert!(happened.is_some() || !struck, "{fault:?} failed by itself");
    drop(happened);
    if fault == ServerFault::Revoked {
        site.workspace
            .sql("GRANT SELECT ON public.unit_version TO context_pack_readonly");
    }
    let fitting: &[i32] = match (fault, at) {
        // The survey began before, or what it could not read is an answer.
        (ServerFault::Revoked, _) => &[stage.undisturbed(), 2, 4, 9, 11],
        (_, None) if fault.keeps_out() => &[69],
        _ => &[stage.undisturbed(), 69],
    };
    assert!(
        fitting.contains(&answer.code),
        "{stage:?} {fault:?} {at:?}: {answer:?}"
    );
    worker.assert_approvals(stage, before, &answer);
    if answer.code == 69 {
        let document = answer.json();
        assert!(
            document["next"]
                .as_str()
                .is_some_and(|next| !next.is_empty()),
            "{document}"
        );
    }
    if matches!(stage, Stage::Run | Stage::Sg1 | Stage::Sg2)
        && let Some(last) = worker.taken_up()
    {
        let passed = worker.is_pass(&last);
        assert!(passed || fault == ServerFault::Revoked, "{fault:?}: {last}");
    }
    worker.assert_verifies();
    struck || at.is_none()
}

#[test]
fn a_server_that_fails_costs_a_run_no_approval_and_is_waited_for() {
    let settings = [("max_connections", CONNECTIONS.to_string())];
    let site = Site::of_runs(&ClusterOptions {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        ..ClusterOptions::default()
    });
    // What a crash forgets was not written yet.
    site.workspace.sql("CHECKPOINT");
    let worker = Worker::new(&site, 0);
    let kinds = FAULTS.len() as u64;
    let (rounds, seed) = (fault_rounds(4, 200), fault_seed(0x5e4f));
    for kind in 0..kinds.min(rounds) {
        let nth = usize::try_from((seed.wrapping_add(kind)) % kinds).expect("small");
        let (fault, number, words) = FAULTS[nth];
        let counts = FaultCounts::new(number, words);
        for round in (kind..rounds).step_by(FAULTS.len()) {
            let mut random = Random::new(seed ^ (round << 32));
            let stages = Stage::OF_RUNS.len() as u64;
            let stage = Stage::OF_RUNS[usize::try_from(random.below(stages)).expect("small")];
            // Where it keeps sessions out, every second time it is there before the command.
            let before = fault.keeps_out() && random.below(2) == 0;
            let at = (!before).then(|| random.below(worker.traffic(stage)));
            if strike(&site, &worker, stage, fault, at) {
                counts.injected();
            } else {
                counts.void();
            }
        }
    }
}
