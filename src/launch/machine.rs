//! Who and what runs this process. Invariant: read from the operating system, not from variables that anybody can set.

use std::io::{self, Read};
use std::os::fd::AsFd;

use crate::run::{Person, Signer, ToolIdentity};
use crate::survey::{Digest, Hasher};

/// The person behind this process, as the operating system knows one.
pub fn person() -> Person {
    let uid = rustix::process::getuid().as_raw();
    Person {
        user: account(uid),
        uid,
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        tty: terminal(),
        pid: std::process::id(),
        signer: Signer::StubSigning,
    }
}

/// The name of an account; asking for it may take as long as a directory service does.
pub fn account(uid: u32) -> String {
    let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
    let known = known.ok().flatten();
    known.map_or_else(|| format!("uid-{uid}"), |user| user.name)
}

/// The terminal that this process reads from, if it reads from one.
fn terminal() -> Option<String> {
    let stdin = io::stdin();
    let name = rustix::termios::ttyname(stdin.as_fd(), Vec::new()).ok()?;
    let name = name.to_string_lossy();
    Some(name.strip_prefix("/dev/").unwrap_or(&name).to_owned())
}

/// The binary of this process.
pub fn tool() -> ToolIdentity {
    ToolIdentity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        binary_sha256: binary_sha256().ok(),
    }
}

fn binary_sha256() -> io::Result<Digest> {
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
