//! What runs this process. Invariant: read from the operating system, not from variables that anybody can set.

use std::io::{self, Read};

use crate::run::ToolIdentity;
use crate::survey::{Digest, Hasher};

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
