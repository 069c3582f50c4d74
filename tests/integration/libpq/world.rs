//! A primary with every way to log in, its standby, PgBouncer in front of it, and two clients: psql and drygate.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ServerBinaries};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::{Profile, built_in};
use drygate::runner::target::{Purpose, SurveyRequest, Target as _};
use tempfile::TempDir;

use super::super::around_the_rows::Alone;
use super::super::support::pooler::PgBouncer;
use super::certificates;
use super::habits::Habit;

pub struct World {
    primary: Cluster,
    // Kept for as long as the habits need it.
    _standby: Cluster,
    bouncer: Option<PgBouncer>,
    place: TempDir,
    addresses: [Ipv4Addr; 3],
}

/// Who was let in where.
#[derive(Debug, PartialEq)]
pub struct Session {
    user: String,
    database: String,
    in_recovery: bool,
    over_tls: bool,
}

impl Session {
    /// Whether ours is the same; over TLS only counts where it was asked for, because `prefer` leaves it to the profile, and not
    /// behind a pooler, where the server that psql asks sees the pooler's own connection.
    pub fn is_as(&self, ours: &Self, habit: &Habit) -> bool {
        let said = |text: &str| text.contains("ssl") && !text.contains("prefer");
        let asked = habit.text.is_some_and(said) && !habit.is_pooled()
            || habit.variables.iter().any(|(name, _)| *name == "PGSSLMODE");
        let ours = Self {
            user: ours.user.clone(),
            database: ours.database.clone(),
            in_recovery: ours.in_recovery,
            over_tls: if asked { ours.over_tls } else { self.over_tls },
        };
        *self == ours
    }
}

/// The methods of each role; `trust` on the socket for all others.
const HBA: &str = "\
local all r_local scram-sha-256
local all,replication all trust
hostssl all r_cert 127.0.0.0/8 cert
hostssl all r_tls 127.0.0.0/8 trust
hostnossl all r_plain 127.0.0.0/8 trust
host all r_scram 127.0.0.0/8 scram-sha-256
host all r_md5 127.0.0.0/8 md5
host all r_no 127.0.0.0/8 reject
host all r_trust 127.0.0.0/8 trust
host all r_none 127.0.0.0/8 trust
";

/// The same of PgBouncer, which knows no role that is not in its file of users.
const POOLED_HBA: &str = "\
hostssl all r_tls 127.0.0.0/8 trust
host all r_scram 127.0.0.0/8 scram-sha-256
host all r_md5 127.0.0.0/8 md5
host all r_no 127.0.0.0/8 reject
host all r_trust 127.0.0.0/8 trust
local all all trust
";

pub const PASSWORD: &str = "p:w'd \\x";

impl World {
    pub fn start() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        // The server runs as another account where the tests run as root.
        open(place.path());
        certificates::write(place.path(), "r_cert");
        let hba = place.path().join("hba");
        fs::write(&hba, HBA).expect("a new file");
        // Every address of 127/8 is this machine: no port has to be found.
        let [_, _, c, d] = std::process::id().to_be_bytes();
        let addresses = [1, 2, 3].map(|b| Ipv4Addr::new(127, 64 + b, c, d.max(1)));
        let options = |address: Ipv4Addr| ClusterOptions {
            settings: [
                ("listen_addresses", address.to_string()),
                ("hba_file", hba.display().to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
            ..ClusterOptions::default()
        };
        let primary = Cluster::start(&options(addresses[0])).expect("a primary");
        let sql = |text: &str| primary.load("postgres", text).expect("a superuser may");
        sql("SET password_encryption = 'scram-sha-256'");
        for role in [
            "r_trust", "r_scram", "r_md5", "r_cert", "r_tls", "r_plain", "r_no", "r_local",
        ] {
            sql(&format!("CREATE ROLE {role} LOGIN"));
        }
        let quoted = PASSWORD.replace('\'', "''");
        for (role, method) in [
            ("r_scram", "scram-sha-256"),
            ("r_local", "scram-sha-256"),
            ("r_md5", "md5"),
        ] {
            sql(&format!(
                "SET password_encryption = '{method}'; ALTER ROLE {role} PASSWORD '{quoted}'"
            ));
        }
        for database in ["db", "r_trust", "it's", "a b"] {
            primary.create_database(database).expect("a superuser may");
        }
        // Its files must belong to the account of the server.
        let owner = fs::metadata(primary.socket_dir()).expect("its directory");
        let key = place.path().join("server.key");
        chown(&key, Some(owner.uid()), Some(owner.gid())).expect("our own file");
        for (name, file) in [
            ("ssl_cert_file", "server.crt"),
            ("ssl_key_file", "server.key"),
            ("ssl_ca_file", "ca.crt"),
        ] {
            let file = place.path().join(file).display().to_string();
            sql(&format!("ALTER SYSTEM SET {name} = '{file}'"));
        }
        sql("ALTER SYSTEM SET ssl = on");
        sql("SELECT pg_reload_conf()");
        let ssl = || {
            primary
                .query("postgres", "postgres", "SHOW ssl")
                .expect("a superuser may")
        };
        while ssl()[0][0].as_deref() != Some("on") {}
        let standby = Cluster::standby_of(&primary, &options(addresses[1])).expect("a standby");
        let bouncer = pooled(&primary, place.path(), addresses[2]);
        let world = Self {
            primary,
            _standby: standby,
            bouncer,
            place,
            addresses,
        };
        world.write_homes();
        world
    }

    fn write_homes(&self) {
        let put = |path: &str, text: &str, mode: u32| {
            let path = self.place.path().join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a new one");
            fs::write(&path, text).expect("a new file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("our own file");
        };
        let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
        let address = self.addresses[0];
        put(
            "pass",
            &format!("{address}:5432:db:r_scram:{escaped}\n"),
            0o600,
        );
        put("pass-any", &format!("# note\n*:*:*:*:{escaped}\n"), 0o600);
        put("pass-open", &format!("*:*:*:*:{escaped}\n"), 0o644);
        put(
            "pass-local",
            &format!("localhost:*:*:r_local:{escaped}\n"),
            0o600,
        );
        let socket = self.primary.socket_dir().display();
        put(
            "pass-socket",
            &format!("{socket}:*:*:r_local:{escaped}\n"),
            0o600,
        );
        let two = format!("127.0.0.9:*:*:*:wrong\n{address}:*:*:*:{escaped}\n");
        put("pass-two", &two, 0o600);
        put("pass-group", &format!("*:*:*:*:{escaped}\n"), 0o640);
        // A field too few, one that ends with the line, a comment behind, and an empty password for others.
        let odd = format!(
            "*:*:*:wrong\n#*:*:*:*:wrong\n*:*:*:r_md5:\n\\*:*:*:*:wrong\n*:5432:d\\b:r_scram:{escaped}\r\n"
        );
        put("pass-odd", &odd, 0o600);
        put("pass-named", &format!("localhost:*:*:*:{escaped}"), 0o600);
        put("home/.pgpass", &format!("*:*:*:*:{escaped}\n"), 0o600);
        let services = self.filled(
            "[one]\nhost={p}\ndbname=db\nuser=r_trust\n\n# note\n[secret]\nhost={p}\ndbname=db\nuser=r_scram\npassfile={dir}/pass\n\
             [bad]\nhost={p}\nnonsense=1\n\
             [odd]\n  host={p}  \ndbname=a b\nuser=r_trust\n\n[twice]\nhost={p}\nuser=r_trust\ndbname=db\nuser=r_no\n[twice]\nuser=r_plain\n\
             [nested]\nservice=one\n",
        );
        put("services-broken", "[broken]\nhost\n", 0o644);
        put("home/.pg_service.conf", &services, 0o644);
        put("services", &services, 0o644);
        put("sysconf/pg_service.conf", &services, 0o644);
        for (from, to) in [
            ("ca.crt", "root.crt"),
            ("client.crt", "postgresql.crt"),
            ("client.key", "postgresql.key"),
        ] {
            let text = fs::read_to_string(self.place.path().join(from)).expect("written");
            let mode = if to.ends_with("key") { 0o600 } else { 0o644 };
            put(&format!("tls/.postgresql/{to}"), &text, mode);
        }
        fs::create_dir(self.place.path().join("empty")).expect("a new one");
    }

    /// Whether PgBouncer is installed here.
    pub fn has_pooler(&self) -> bool {
        self.bouncer.is_some()
    }

    /// A text with the names of the world filled in.
    fn filled(&self, text: &str) -> String {
        let socket = self.primary.socket_dir().display().to_string();
        let encoded = |text: &str| {
            text.bytes().fold(String::new(), |mut out, byte| {
                let _ = write!(out, "%{byte:02X}");
                out
            })
        };
        let in_pairs = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        [
            ("{p}", self.addresses[0].to_string()),
            ("{s}", self.addresses[1].to_string()),
            (
                "{b}",
                format!("{} port={}", self.addresses[2], PgBouncer::PORT),
            ),
            (
                "{b:port}",
                format!("{}:{}", self.addresses[2], PgBouncer::PORT),
            ),
            ("{sock}", socket.clone()),
            ("{%sock}", encoded(&socket)),
            ("{dir}", self.place.path().display().to_string()),
            ("{pw}", PASSWORD.to_owned()),
            ("{'pw}", in_pairs),
            ("{%pw}", encoded(PASSWORD)),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(name, &value)
        })
    }

    fn variables(&self, habit: &Habit) -> Vec<(String, String)> {
        let mut variables = vec![("HOME".to_owned(), self.filled("{dir}/empty"))];
        for (name, value) in habit.variables {
            variables.retain(|(set, _)| set != name);
            variables.push(((*name).to_owned(), self.filled(value)));
        }
        variables
    }

    /// The session that psql gets, or its error.
    pub fn psql(&self, habit: &Habit) -> Result<Session, String> {
        let server = ServerBinaries::find().expect("a server");
        let program = server.psql().expect("psql is installed");
        let sql = "SELECT session_user, current_database(), pg_is_in_recovery(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.variables(habit))
            .args(["-XtA", "-F", "\x01", "-c", sql]);
        if let Some(text) = habit.text {
            command.args(["-d", &self.filled(text)]);
        }
        let output = command.output().expect("psql runs");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let line = String::from_utf8(output.stdout).expect("UTF-8");
        let cells: Vec<_> = line.trim().split('\x01').collect();
        let [user, database, in_recovery, over_tls] = cells[..] else {
            panic!("{line:?}");
        };
        Ok(Session {
            user: user.to_owned(),
            database: database.to_owned(),
            in_recovery: in_recovery == "t",
            over_tls: over_tls == "t",
        })
    }

    /// The session that we get, or our error.
    pub fn ours(&self, habit: &Habit) -> Result<Session, String> {
        let variables = self.variables(habit);
        let variables: Vec<_> = variables
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let text = habit.text.map(|text| self.filled(text));
        let settings =
            ConnectionSettings::resolve(text.as_deref(), &LibpqEnvironment::of(&variables))
                .map_err(|error| error.to_string())?;
        // What is recorded of a run leads to the same server with the same settings.
        let secrets = LibpqEnvironment::of(&variables);
        let again = ConnectionSettings::resolve_recorded(&settings.reconnect(), &secrets);
        let again = again.map_err(|error| format!("not resolved again: {error}"))?;
        let recorded = again.reconnect();
        assert_eq!(recorded, settings.reconnect(), "{habit:?}");
        assert!(!recorded.contains("p%3Aw"), "{recorded}");
        let mut target = LiveReadOnlyDiscoverer::new(settings, profile(), "habit");
        let ask = SurveyRequest {
            purpose: Purpose::Survey,
            live_only: true,
            streams: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let taken = runtime.block_on(target.take(ask, &mut Alone));
        let taken = taken.map_err(|error| format!("{error:?}"))?;
        let server = taken.survey.server;
        Ok(Session {
            over_tls: server.transport.starts_with("TLS"),
            user: server.session_user,
            database: server.database,
            in_recovery: server.in_recovery,
        })
    }
}

/// PgBouncer with its own ways to log in and the server's certificate.
fn pooled(primary: &Cluster, place: &Path, address: Ipv4Addr) -> Option<PgBouncer> {
    let hba = place.join("pooled-hba");
    fs::write(&hba, POOLED_HBA).expect("a new file");
    let at = place.display();
    let settings = format!(
        "listen_addr = {address}\nauth_type = hba\nauth_hba_file = {}\nclient_tls_sslmode = allow\n\
         client_tls_key_file = {at}/server.key\nclient_tls_cert_file = {at}/server.crt\nclient_tls_ca_file = {at}/ca.crt\n",
        hba.display()
    );
    let mut users = String::new();
    for role in ["r_trust", "r_scram", "r_md5", "r_tls", "r_no"] {
        let _ = writeln!(users, "\"{role}\" \"{PASSWORD}\"");
    }
    PgBouncer::start(primary, &settings, &users)
}

/// A profile that asks nothing.
fn profile() -> Profile {
    built_in("icx-const").expect("built in").0
}

fn open(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("our own directory");
}
