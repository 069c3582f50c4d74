//! What this machine has for a rehearsal: its programs are looked for and its walls are tried, with nothing of a change.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::isolation::Isolation;
use super::message::{FromShadow, ToShadow};
use super::probes::{Probes, namespaces};
use super::programs::Programs;
use super::shadow_process::ShadowProcess;
use crate::postgres::throwaway::ScratchDirectory;
use crate::run::{ChangeCommand, RehearsalCheck, Verdict};

/// What to do where a shadow cannot be isolated.
pub(super) const NO_ISOLATION: &str = "Install bubblewrap or util-linux, and let this account make user namespaces; \
     as root, drygate's own program must be readable for the account `postgres`.";

/// What a rehearsal of a database of this major version would take (`None`: of any version), and whether it would be isolated.
pub async fn means(production: Option<u32>, hidden: &[PathBuf]) -> [RehearsalCheck; 2] {
    let not_checked =
        |name, why, next| RehearsalCheck::new(name, Verdict::NotChecked, why, Some(next));
    let found = match production {
        Some(major) => {
            Programs::find(major).map(|it| (format!("production is PostgreSQL {major}, "), it))
        }
        None => {
            Programs::newest().map(|it| (format!("production up to PostgreSQL {}: ", it.major), it))
        }
    };
    let (of, programs) = match found {
        Ok(found) => found,
        Err(why) => {
            let untried = "not tried without the programs of a server".to_owned();
            let next = "Only a rehearsal of a change needs them.";
            return [
                not_checked("rehearsal", why, next),
                not_checked("isolation", untried, next),
            ];
        }
    };
    let says = format!("{of}{}", programs.says());
    let tried = match ScratchDirectory::for_server() {
        Ok(scratch) => isolated(&scratch, &programs, None, hidden)
            .await
            .map(|(_, check)| check),
        Err(error) => Err(error.to_string()),
    };
    [
        RehearsalCheck::new("rehearsal", Verdict::Pass, says, None),
        tried.unwrap_or_else(|why| not_checked("isolation", why, NO_ISOLATION)),
    ]
}

/// Starts the isolated process and has its walls probed from inside. It sees what the program of a change needs; `hidden` is what it must not see beside what it never sees.
pub(super) async fn isolated(
    scratch: &ScratchDirectory,
    programs: &Programs,
    command: Option<&ChangeCommand>,
    hidden: &[PathBuf],
) -> Result<(ShadowProcess, RehearsalCheck), String> {
    let io = |doing: &'static str| move |error: std::io::Error| format!("{doing}: {error}");
    let isolation = Isolation::of_machine().ok_or(Isolation::NONE)?;
    let own_program =
        std::env::current_exe().map_err(io("drygate's own program cannot be found"))?;
    // What the probes try to reach is really there.
    let outside = ScratchDirectory::private().map_err(|error| error.to_string())?;
    let tcp = TcpListener::bind(("127.0.0.1", 0)).map_err(io("no TCP socket for a probe"))?;
    let unix = outside.path().join("probe");
    let _listener = UnixListener::bind(&unix).map_err(io("no unix socket for a probe"))?;
    let mut hidden = hidden.to_vec();
    hidden.push(outside.path().to_path_buf());
    let mut places = programs.places();
    let of_change = command.into_iter().flat_map(|command| &command.programs);
    let of_change: Vec<PathBuf> = of_change.map(PathBuf::from).collect();
    for place in &of_change {
        if !place.is_dir() {
            return Err(format!(
                "{} of the change's programs is no directory",
                place.display()
            ));
        }
        places.push(place.clone());
    }
    let probes = Probes {
        tcp: tcp.local_addr().map_err(io("no TCP socket for a probe"))?,
        unix,
        hidden,
        namespaces: namespaces(),
        shown: places.clone(),
        of_change,
        scratch: scratch.path().to_path_buf(),
    };
    let command = isolation.command(scratch, &own_program, &places);
    let mut shadow = ShadowProcess::start(command)?;
    // Where the process died before, its last words say more than the broken pipe.
    let told = shadow.tell(&ToShadow::Probe(probes));
    let outcomes = match shadow.next().await {
        Ok(FromShadow::Probed(outcomes)) => outcomes,
        Ok(FromShadow::Failed(why)) | Err(why) => return Err(why),
        Ok(_) => return Err("the shadow spoke out of turn".to_owned()),
    };
    told?;
    let open: Vec<&str> = (outcomes.iter())
        .filter(|outcome| !outcome.holds)
        .map(|outcome| outcome.tried.as_str())
        .collect();
    if !open.is_empty() || outcomes.is_empty() {
        return Err(format!(
            "{}: this does not hold: {}",
            isolation.name(),
            open.join(", ")
        ));
    }
    let says = format!(
        "{}: {} probes from inside held",
        isolation.name(),
        outcomes.len()
    );
    Ok((
        shadow,
        RehearsalCheck::new("isolation", Verdict::Pass, says, None),
    ))
}
