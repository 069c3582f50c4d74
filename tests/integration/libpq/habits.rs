//! What people give libpq. `{p}` and `{s}` are the addresses of primary and standby, `{b}` is the
//! address of PgBouncer with its port, `{sock}` the primary's socket directory,
//! `{dir}` the directory with certificates, homes and password files, `{pw}` the password, in the quoting of its place.

/// What is right.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// As psql: the same session, or an error as well.
    Same,
    /// psql is let in and we are not, with this reason.
    Stricter(&'static str),
    /// Refused with this name, whatever psql does.
    Refused(&'static str),
}

/// One input.
#[derive(Debug)]
pub struct Habit {
    /// The connection text.
    pub text: Option<&'static str>,
    /// The environment.
    pub variables: &'static [(&'static str, &'static str)],
    /// What is right.
    pub expect: Expect,
}

impl Habit {
    /// Whether it goes through PgBouncer.
    pub fn is_pooled(&self) -> bool {
        self.text.is_some_and(|text| text.contains("{b"))
    }
}

use Expect::{Refused, Same, Stricter};

const fn text(text: &'static str) -> Habit {
    with(text, &[], Same)
}

const fn refused(text: &'static str, name: &'static str) -> Habit {
    with(text, &[], Refused(name))
}

const fn with(
    text: &'static str,
    variables: &'static [(&'static str, &'static str)],
    expect: Expect,
) -> Habit {
    Habit {
        text: Some(text),
        variables,
        expect,
    }
}

const fn environment(variables: &'static [(&'static str, &'static str)]) -> Habit {
    Habit {
        text: None,
        variables,
        expect: Same,
    }
}

/// Inputs of the forms, the sources and the settings that libpq has.
pub const HABITS: &[Habit] = &[
    // Forms of a text.
    text("postgresql://r_trust@{p}/db"),
    text("postgres://r_trust@{p}:5432/db"),
    text("postgresql://r_trust@{p}"),
    text("postgresql://{p}/db?user=r_trust"),
    text("postgresql:///db?host={p}&user=r_trust"),
    text("postgresql://r_trust@{%sock}/db"),
    text("postgresql:///db?host={sock}&user=r_trust"),
    text("postgresql://r_trust@{p}/it%27s"),
    text("postgresql://r_trust@{p}/a%20b"),
    text("postgresql://r%5Ftrust@{p}/db?connect_timeout=5&application_name=x%20y"),
    text("postgresql://r_trust@{p}/db?"),
    text("postgresql://r_trust@{p}/db?ssl=true"),
    text("host={p} user=r_trust dbname=db"),
    text("host = {p}   user= r_trust dbname =db"),
    text("host='{p}' user='r_trust' dbname='db'"),
    text("host={p} user=r_trust dbname='it\\'s'"),
    text("host={p} user=r_trust dbname=a\\ b"),
    text("host={sock} user=r_trust dbname=db"),
    text("host={p} user=r_trust dbname=db user=r_plain sslmode=disable"),
    text("postgresql://r_trust:@{p}/db"),
    text("postgresql://@{p}/db?user=r_trust"),
    text("postgresql://r_trust@{p}:/db"),
    text("postgresql://r_trust@{p}/?dbname=db"),
    text("postgresql://r_trust@{p}/absent?dbname=db"),
    text("postgresql://r_no@{p}/db?user=r_trust"),
    text("postgresql://{p}/db?us%65r=r_trust"),
    text("postgresql://r_trust@{p}/a+b"),
    text("postgresql://r_trust@{p}/db?application_name=a&application_name=b"),
    text("postgresql://r_trust@{p}/db?user=r_no&user=r_trust"),
    text("postgresql://r_trust@{p}/db?host=127.0.0.9&host={p}"),
    text("postgresql:///?host={p}&user=r_trust&dbname=it%27s"),
    text("POSTGRESQL://r_trust@{p}/db"),
    text("host={p}\tuser=r_trust\ndbname=db"),
    text("host={p} user=r_no user=r_trust dbname=db"),
    text("host={p} user='r\\_trust' dbname=db"),
    text("host={p} user=r\\_trust dbname=db"),
    text("host={p} user=r_trust dbname='a\\ b'"),
    text("host={p} user=r_trust dbname=''"),
    text("host={p} user=r_trust dbname= port=5432"),
    text("host={p} user=r_trust dbname=db password='' port=''"),
    text("host={p} hostaddr='' user=r_trust dbname=db"),
    text("dbname=db user=r_trust host={p} sslmode="),
    // Texts that are wrong.
    text("postgresql://r_trust@{p}/db?&connect_timeout=5"),
    text("postgresql://r_trust@{p}/db?connect_timeout=5&"),
    text("postgresql://r_trust@{p}/db?=x"),
    text("postgresql://r_trust@{p}/db?application_name=a=b"),
    text("postgresql://r_trust@{p}/d%2"),
    text("postgresql://r_trust@[::1/db"),
    text("postgresql://r_trust@{p}:x/db"),
    text("postgresql://r_trust@{p}:5432x/db"),
    text("host={p} user=r_trust dbname=db =x"),
    text("host={p} user=r_trust dbname db"),
    text("host={p} user=r_trust dbname=db port=0"),
    text("host={p} user=r_trust dbname=db port=-1"),
    text("host={p} user=r_trust dbname=db port='5432 x'"),
    text("host={p} user=r_trust dbname=db hostaddr=::zz"),
    text("host={p} USER=r_trust dbname=db"),
    text("postgresql://r_trust@{p}/db?nonsense=1"),
    text("postgresql://r_trust@{p}/db?sslmode"),
    text("postgresql://r_trust@{p}/db?options=-csearch_path=x"),
    text("postgresql://r_trust@{p}/d%zzb"),
    text("postgresql://r_trust@{p}/d%00b"),
    text("postgresql://r_trust@[{p}/db"),
    text("postgresql://r_scram:p@ss@{p}/db"),
    text("host={p} user=r_trust dbname=db nonsense=1"),
    text("host={p} user=r_trust dbname"),
    text("host={p} user=r_trust dbname='db"),
    text("host={p} user=r_trust dbname=db port=65536"),
    text("host={p} user=r_trust dbname=db port=x"),
    text("host={p} user=r_trust dbname=db port=1"),
    text("host={p} user=r_trust dbname=db connect_timeout=x"),
    text("host={p} user=r_trust dbname=db hostaddr=nowhere"),
    text("host={p} user=r_trust dbname=absent"),
    text("host={p} user=r_none dbname=db"),
    text("host={p} user=r_no dbname=db"),
    // Addresses, several hosts.
    text("host=db.invalid hostaddr={p} user=r_trust dbname=db"),
    text("hostaddr={p} user=r_trust dbname=db"),
    text("postgresql://r_trust@127.0.0.9,{p}/db"),
    text("postgresql://r_trust@127.0.0.9:1,{p}:5432/db"),
    text("postgresql://r_trust@[::1]:1,{p}:5432/db"),
    text("host=127.0.0.9,{p} user=r_trust dbname=db"),
    text("host={sock}/absent,{p} port=5432 user=r_trust dbname=db"),
    text("host=a.invalid,b hostaddr=127.0.0.9,{p} port=1,5432 user=r_trust dbname=db"),
    text("host={p},{s} port=5432,5432,5432 user=r_trust dbname=db"),
    text("host={p},{s} hostaddr={p} user=r_trust dbname=db"),
    text("host={p},{s} user=r_no dbname=db"),
    text("host={s},{p} user=r_trust dbname=db target_session_attrs=primary"),
    text("host={s},{p} user=r_trust dbname=db target_session_attrs=read-write"),
    text("host={p},{s} user=r_trust dbname=db target_session_attrs=standby"),
    text("host={p},{s} user=r_trust dbname=db target_session_attrs=read-only"),
    text("host={p},{s} user=r_trust dbname=db target_session_attrs=prefer-standby"),
    text("host={p} user=r_trust dbname=db target_session_attrs=prefer-standby"),
    text("host={s},{p} user=r_trust dbname=db target_session_attrs=any"),
    text("host={s} user=r_trust dbname=db target_session_attrs=primary"),
    text("host={p} user=r_trust dbname=db target_session_attrs=nonsense"),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGTARGETSESSIONATTRS", "standby")],
        Same,
    ),
    text("host={p},{s} port=5432 user=r_trust dbname=db"),
    text("host={p},{s} port=,5432 user=r_trust dbname=db"),
    text("host={p},{s} port=1,5432 user=r_trust dbname=db"),
    text("host=,{p} hostaddr={p},{p} user=r_trust dbname=db"),
    text("hostaddr=127.0.0.9,{p} user=r_trust dbname=db"),
    text("hostaddr={p},{s} port=1,5432 user=r_trust dbname=db"),
    text("host={sock} hostaddr={p} user=r_trust dbname=db"),
    text("host=/absent user=r_trust dbname=db"),
    text("host={sock} port=1 user=r_trust dbname=db"),
    text("postgresql://r_trust@{p},{s}/db?target_session_attrs=standby"),
    text("host={s},{p} user=r_trust dbname=db target_session_attrs=PRIMARY"),
    text("host={p},{s} user=r_trust dbname=db target_session_attrs="),
    // The environment, and which source wins.
    environment(&[
        ("PGHOST", "127.0.0.9,{p}"),
        ("PGUSER", "r_trust"),
        ("PGPORT", "1,5432"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGHOSTADDR", "127.0.0.9"),
        ("PGUSER", "r_trust"),
    ]),
    environment(&[("PGHOST", "{p}"), ("PGUSER", ""), ("PGDATABASE", "")]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGCONNECT_TIMEOUT", "x"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGSSLMODE", "bogus"),
    ]),
    environment(&[("PGHOST", "{p}"), ("PGUSER", "r_trust"), ("PGSSLMODE", "")]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_tls"),
        ("PGREQUIRESSL", "1"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGOPTIONS", "--geqo=off"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGGSSENCMODE", "disable"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGCLIENTENCODING", "UTF8"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_tls"),
        ("PGSSLMODE", "require"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_tls"),
        ("PGSSLMODE", "require"),
        ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_tls"),
        ("PGSSLMODE", "require"),
        ("PGSSLSNI", "0"),
    ]),
    environment(&[
        ("PGHOST", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGDATABASE", "db"),
    ]),
    environment(&[
        ("PGHOSTADDR", "{p}"),
        ("PGUSER", "r_trust"),
        ("PGDATABASE", "db"),
    ]),
    environment(&[("PGHOST", "{p}"), ("PGUSER", "r_trust"), ("PGPORT", "1")]),
    environment(&[("PGHOST", "{p}"), ("PGUSER", "r_trust"), ("PGPORT", "")]),
    environment(&[("PGHOST", "{sock}"), ("PGUSER", "r_trust")]),
    with(
        "host={p} user=r_trust dbname=db",
        &[
            ("PGHOST", "127.0.0.9"),
            ("PGUSER", "r_no"),
            ("PGDATABASE", "absent"),
        ],
        Same,
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGCONNECT_TIMEOUT", "5"), ("PGAPPNAME", "a pipeline")],
        Same,
    ),
    // Passwords.
    with(
        "host={p} user=r_scram dbname=db",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
    with(
        "host={p} user=r_md5 dbname=db",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db",
        &[("PGPASSWORD", "wrong")],
        Same,
    ),
    with(
        "host={p} user=r_md5 dbname=db",
        &[("PGPASSWORD", "wrong")],
        Same,
    ),
    // psql asks for the password; we say how one is given.
    refused("host={p} user=r_scram dbname=db", "PGPASSWORD"),
    text("host={p} user=r_scram dbname=db password='{'pw}'"),
    text("postgresql://r_scram:{%pw}@{p}/db"),
    text("host={p} user=r_scram dbname=db passfile={dir}/pass"),
    text("host={p} user=r_scram dbname=r_trust passfile={dir}/pass"),
    text("host={p} user=r_md5 dbname=db passfile={dir}/pass-any"),
    text("host={p} user=r_scram dbname=db passfile={dir}/pass-open"),
    text("host={p} user=r_scram dbname=db passfile={dir}/absent"),
    text("host={p} user=r_scram dbname=db passfile=/dev/null"),
    text("host={p} user=r_scram dbname=db passfile={dir}"),
    text("host={p} user=r_scram dbname=db passfile={dir}/pass-group"),
    text("host={p} user=r_scram dbname=db passfile={dir}/pass-odd"),
    text("host={p} user=r_md5 dbname=db passfile={dir}/pass-odd"),
    text("host={p} user=r_scram dbname=db password=wrong passfile={dir}/pass"),
    text("host={p} user=r_scram dbname=db password='' passfile={dir}/pass"),
    text("host=localhost hostaddr={p} user=r_scram dbname=db passfile={dir}/pass-named"),
    text("hostaddr={p} user=r_scram dbname=db passfile={dir}/pass"),
    with(
        "host={p} user=r_scram dbname=db passfile={dir}/pass",
        &[("PGPASSWORD", "wrong")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db",
        &[("PGPASSWORD", ""), ("HOME", "{dir}/home")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db",
        &[("PGPASSFILE", ""), ("HOME", "{dir}/home")],
        Same,
    ),
    text("host={sock} user=r_local dbname=db passfile={dir}/pass-local"),
    text("host={sock} user=r_local dbname=db passfile={dir}/pass-socket"),
    text("host=127.0.0.9,{p} user=r_scram dbname=db passfile={dir}/pass-two"),
    with(
        "host={p} user=r_scram dbname=db",
        &[("PGPASSFILE", "{dir}/pass")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db",
        &[("HOME", "{dir}/home")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db",
        &[("HOME", "{dir}/home"), ("PGPASSFILE", "/dev/null")],
        Same,
    ),
    // Services.
    with("service=one", &[("HOME", "{dir}/home")], Same),
    with("service=one", &[("PGSERVICEFILE", "{dir}/services")], Same),
    with("service=one", &[("PGSYSCONFDIR", "{dir}/sysconf")], Same),
    with("service=secret", &[("HOME", "{dir}/home")], Same),
    with("service=absent", &[("HOME", "{dir}/home")], Same),
    with("service=bad", &[("HOME", "{dir}/home")], Same),
    with("postgresql://?service=one", &[("HOME", "{dir}/home")], Same),
    with(
        "service=one dbname=r_trust",
        &[("HOME", "{dir}/home")],
        Same,
    ),
    with(
        "service=one",
        &[("HOME", "{dir}/home"), ("PGDATABASE", "absent")],
        Same,
    ),
    environment(&[("PGSERVICE", "one"), ("PGSERVICEFILE", "{dir}/services")]),
    with("service=one", &[("PGSERVICEFILE", "{dir}/absent")], Same),
    with("service=one", &[("PGSERVICEFILE", "{dir}")], Same),
    with(
        "service=one",
        &[
            ("PGSERVICEFILE", "{dir}/absent"),
            ("PGSYSCONFDIR", "{dir}/sysconf"),
        ],
        Same,
    ),
    with("service=odd", &[("PGSERVICEFILE", "{dir}/services")], Same),
    with(
        "service=twice",
        &[("PGSERVICEFILE", "{dir}/services")],
        Same,
    ),
    with(
        "service=nested",
        &[("PGSERVICEFILE", "{dir}/services")],
        Same,
    ),
    with(
        "service=broken",
        &[("PGSERVICEFILE", "{dir}/services-broken")],
        Same,
    ),
    with("service='' host={p} user=r_trust dbname=db", &[], Same),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSERVICE", "absent"), ("HOME", "{dir}/home")],
        Same,
    ),
    with(
        "service=one",
        &[("PGSERVICE", "absent"), ("PGSERVICEFILE", "{dir}/services")],
        Same,
    ),
    // TLS.
    text("host={p} user=r_tls dbname=db sslmode=REQUIRE"),
    with("host={p} user=r_plain dbname=db sslmode=allow", &[], Same),
    text("host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-ca"),
    text("host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full"),
    text("hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt"),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/client.key",
    ),
    text("host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert=system"),
    with(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt sslcrl={dir}/absent",
        &[],
        Stricter("sslcrl"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSERVICE", "")],
        Same,
    ),
    text("postgresql://r_trust@{p}/db?&"),
    text("postgresql://r_trust@{p}/db?connect_timeout=5&&"),
    text("host={p} user=r_trust dbname=db channel_binding="),
    text("host={p} user=r_trust dbname=db gssencmode="),
    text("host={p} user=r_trust dbname=db keepalives_idle='30 '"),
    text("host={p} user=r_trust dbname=db port='5432 '"),
    with(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt",
        &[("PGSSLCRL", "{dir}/server.crl")],
        Same,
    ),
    text("host={p} user=r_cert dbname=db sslmode=require sslcert={dir}/client.crt"),
    text(
        "host={p} user=r_cert dbname=db sslmode=require sslcert={dir}/absent sslkey={dir}/client.key",
    ),
    text("host={sock} user=r_trust dbname=db sslmode=require"),
    text("host={sock} user=r_trust dbname=db sslmode=verify-full"),
    text("host={sock} user=r_trust dbname=db sslmode=prefer"),
    text("host={p} user=r_trust dbname=db channel_binding=prefer"),
    text("host={p} user=r_tls dbname=db sslmode=require"),
    text("host={p} user=r_tls dbname=db sslmode=disable"),
    text("host={p} user=r_plain dbname=db sslmode=require"),
    text("host={p} user=r_trust dbname=db sslmode=bogus"),
    with(
        "host={p} user=r_tls dbname=db",
        &[("PGSSLMODE", "require")],
        Same,
    ),
    with(
        "host={p} user=r_tls dbname=db",
        &[],
        Stricter("sslmode=require"),
    ),
    with(
        "host={p} user=r_tls dbname=db sslmode=prefer",
        &[],
        Stricter("sslmode=require"),
    ),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt",
    ),
    text(
        "host=elsewhere hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt",
    ),
    text("host={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt"),
    text(
        "host=elsewhere hostaddr={p} user=r_tls dbname=db sslmode=verify-ca sslrootcert={dir}/ca.crt",
    ),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-ca sslrootcert={dir}/stranger.crt",
    ),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full sslrootcert={dir}/absent",
    ),
    text(
        "host=elsewhere hostaddr={p} user=r_tls dbname=db sslmode=require sslrootcert={dir}/ca.crt",
    ),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=require sslrootcert={dir}/stranger.crt",
    ),
    with(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full",
        &[("PGSSLROOTCERT", "{dir}/ca.crt")],
        Same,
    ),
    with(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-full",
        &[("HOME", "{dir}/tls")],
        Same,
    ),
    text(
        "host=localhost hostaddr={p} user=r_tls dbname=db sslmode=verify-ca sslrootcert={dir}/ca.crt sslcrl={dir}/server.crl",
    ),
    text(
        "host={p} user=r_cert dbname=db sslmode=require sslcert={dir}/client.crt sslkey={dir}/client.key",
    ),
    text(
        "host={p} user=r_cert dbname=db sslmode=require sslcert={dir}/client.crt sslkey={dir}/open.key",
    ),
    text(
        "host={p} user=r_cert dbname=db sslmode=require sslcert={dir}/client.crt sslkey={dir}/absent",
    ),
    text("host={p} user=r_cert dbname=db sslmode=require"),
    with(
        "host={p} user=r_cert dbname=db sslmode=require",
        &[("HOME", "{dir}/tls")],
        Same,
    ),
    with(
        "host={p} user=r_cert dbname=db sslmode=require",
        &[
            ("PGSSLCERT", "{dir}/client.crt"),
            ("PGSSLKEY", "{dir}/client.key"),
        ],
        Same,
    ),
    text("host={p} user=r_tls dbname=db sslmode=require sslsni=0"),
    text("host={p} user=r_tls dbname=db sslmode=require ssl_min_protocol_version=TLSv1.3"),
    text("host={p} user=r_tls dbname=db sslmode=require ssl_max_protocol_version=TLSv1.2"),
    text("host={p} user=r_tls dbname=db sslmode=require ssl_min_protocol_version=TLSv9"),
    text(
        "host={p} user=r_tls dbname=db sslmode=require ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
    ),
    with(
        "host={p} user=r_scram dbname=db sslmode=require channel_binding=require",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db sslmode=disable channel_binding=require",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db sslmode=disable",
        &[("PGPASSWORD", "{pw}"), ("PGCHANNELBINDING", "require")],
        Same,
    ),
    with(
        "host={p} user=r_scram dbname=db sslmode=require channel_binding=disable",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
    text("host={p} user=r_tls dbname=db sslmode=require channel_binding=require"),
    text("host={p} user=r_trust dbname=db channel_binding=bogus"),
    // Sessions.
    text("host={p} user=r_trust dbname=db options='-c geqo=off'"),
    text("host={p} user=r_trust dbname=db options='-c nonsense=1'"),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGOPTIONS", "-c geqo=off")],
        Same,
    ),
    text("host={p} user=r_trust dbname=db fallback_application_name=x"),
    text("host={p} user=r_trust dbname=db keepalives=0"),
    text(
        "host={p} user=r_trust dbname=db keepalives_idle=30 keepalives_interval=10 keepalives_count=2",
    ),
    text("host={p} user=r_trust dbname=db keepalives_idle=x"),
    text("host={p} user=r_trust dbname=db tcp_user_timeout=9000"),
    text("host={p} user=r_trust dbname=db client_encoding=UTF8 gssencmode=disable"),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGTZ", "Asia/Tokyo"), ("PGDATESTYLE", "German")],
        Same,
    ),
    text("host={p} user=r_trust dbname=db options='-c geqo=off -c jit=off'"),
    text("host={p} user=r_trust dbname=db options='-cgeqo=off --jit=off'"),
    text("host={p} user=r_trust dbname=db options='-c application_name=a\\\\ b'"),
    text("postgresql://r_trust@{p}/db?options=-c%20geqo%3Doff"),
    text("host={p} user=r_trust dbname=db options=''"),
    text("host={p} user=r_trust dbname=db connect_timeout=0"),
    text("host={p} user=r_trust dbname=db connect_timeout=-1"),
    text("host={p} user=r_trust dbname=db connect_timeout=1"),
    text("host={p} user=r_trust dbname=db connect_timeout='5 '"),
    text("host={p} user=r_trust dbname=db client_encoding=utf8"),
    text("host={p} user=r_trust dbname=db client_encoding=auto"),
    text("host={p} user=r_trust dbname=db client_encoding=nonsense"),
    text("host={p} user=r_trust dbname=db gssencmode=prefer"),
    text("host={p} user=r_trust dbname=db gssencmode=bogus"),
    text("host={p} user=r_trust dbname=db application_name='a b'"),
    text("host={p} user=r_trust dbname=db tcp_user_timeout=x"),
    // Refused by name.
    refused(
        "host={p} user=r_trust dbname=db sslcertmode=require",
        "sslcertmode",
    ),
    refused(
        "host={p} user=r_trust dbname=db gssdelegation=1",
        "gssdelegation",
    ),
    refused(
        "host={p} user=r_trust dbname=db max_protocol_version=2.0",
        "max_protocol_version",
    ),
    refused(
        "host={p} user=r_trust dbname=db scram_client_key=x",
        "scram_client_key",
    ),
    refused(
        "host={p} user=r_trust dbname=db oauth_issuer=x",
        "oauth_issuer",
    ),
    refused(
        "host={p} user=r_trust dbname=db sslkeylogfile=x",
        "sslkeylogfile",
    ),
    refused(
        "host={p} user=r_trust dbname=db require_auth=!password",
        "require_auth",
    ),
    refused("host={p} user=r_trust dbname=db gsslib=gssapi", "gsslib"),
    text("host={p} user=r_trust dbname=db authtype=x"),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGREQUIREPEER", "postgres")],
        Refused("PGREQUIREPEER"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGGSSENCMODE", "require")],
        Refused("PGGSSENCMODE"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGKRBSRVNAME", "x")],
        Refused("PGKRBSRVNAME"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGCLIENTENCODING", "LATIN1")],
        Refused("PGCLIENTENCODING"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGLOADBALANCEHOSTS", "random")],
        Refused("PGLOADBALANCEHOSTS"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSSLNEGOTIATION", "direct")],
        Refused("PGSSLNEGOTIATION"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSSLCERTMODE", "require")],
        Refused("PGSSLCERTMODE"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSSLCOMPRESSION", "1")],
        Refused("PGSSLCOMPRESSION"),
    ),
    refused(
        "host={p} user=r_trust dbname=db client_encoding=LATIN1",
        "client_encoding",
    ),
    refused(
        "host={p} user=r_trust dbname=db gssencmode=require",
        "gssencmode",
    ),
    refused("host={p} user=r_trust dbname=db krbsrvname=x", "krbsrvname"),
    refused(
        "host={p} user=r_trust dbname=db requirepeer=postgres",
        "requirepeer",
    ),
    refused(
        "host={p} user=r_trust dbname=db replication=database",
        "replication",
    ),
    refused(
        "host={p} user=r_trust dbname=db sslcrldir={dir}",
        "sslcrldir",
    ),
    refused(
        "host={p} user=r_trust dbname=db sslpassword=x",
        "sslpassword",
    ),
    refused(
        "host={p} user=r_trust dbname=db sslcompression=1",
        "sslcompression",
    ),
    refused(
        "host={p} user=r_trust dbname=db require_auth=scram-sha-256",
        "require_auth",
    ),
    refused(
        "host={p} user=r_trust dbname=db load_balance_hosts=random",
        "load_balance_hosts",
    ),
    refused(
        "host={p} user=r_trust dbname=db sslnegotiation=direct",
        "sslnegotiation",
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGREQUIREAUTH", "scram-sha-256")],
        Refused("PGREQUIREAUTH"),
    ),
    with(
        "host={p} user=r_trust dbname=db",
        &[("PGSSLCRLDIR", "{dir}")],
        Refused("PGSSLCRLDIR"),
    ),
];

/// The same through PgBouncer with its default settings.
pub const POOLED: &[Habit] = &[
    text("host={b} user=r_trust dbname=db"),
    text("postgresql://r_trust@{b:port}/db"),
    text("postgresql://r_trust@{b:port}/it%27s"),
    text("host={b} user=r_trust dbname=absent"),
    text("host={b} user=r_none dbname=db"),
    text("host={b} user=r_no dbname=db"),
    text("host={b} user=r_trust dbname=pgbouncer"),
    text("host={b} user=r_scram dbname=db password='{'pw}'"),
    text("host={b} user=r_scram dbname=db password=wrong"),
    text("host={b} user=r_scram dbname=db"),
    text("host={b} user=r_scram dbname=db passfile={dir}/pass-any"),
    text("host={b} user=r_md5 dbname=db password='{'pw}'"),
    text("host={b} user=r_md5 dbname=db password=wrong"),
    text("host={b} user=r_trust dbname=db sslmode=require"),
    text("host={b} user=r_tls dbname=db sslmode=require"),
    text("host={b} user=r_tls dbname=db sslmode=disable"),
    text("host={b} user=r_trust dbname=db sslmode=verify-ca sslrootcert={dir}/ca.crt"),
    text("host={b} user=r_trust dbname=db sslmode=verify-ca sslrootcert={dir}/stranger.crt"),
    text("host={b} user=r_trust dbname=db sslmode=verify-full sslrootcert={dir}/ca.crt"),
    text(
        "host={b} user=r_scram dbname=db password='{'pw}' sslmode=require channel_binding=require",
    ),
    text("host={b} user=r_trust dbname=db target_session_attrs=read-write"),
    text("host={b} user=r_trust dbname=db target_session_attrs=standby"),
    text("host={b} user=r_trust dbname=db application_name=x"),
    text("host={b} user=r_trust dbname=db options=-csearch_path=x"),
    with(
        "host={b} user=r_trust dbname=db",
        &[("PGOPTIONS", "-c search_path=x")],
        Same,
    ),
    with(
        "host={b} user=r_scram dbname=db",
        &[("PGPASSWORD", "{pw}")],
        Same,
    ),
];
