//! Faults of the wire, of the server and of the terminal, on the real program and a real server.
//! Invariant: after each fault the eight promises of `docs/RELIABILITY.md` that it touches are looked at again; a fault that did not
//! happen is counted as void.

mod failover;
mod faulty_link;
mod one_run;
mod pooler;
mod server;
mod stages;
mod streams;
mod terminal;
mod wire;
