//! A person at the run screen: the real program in a real pty on a real server, driven by keystrokes.
//! Invariant: what the screen says is checked against the run's own files, and what those say against the server.

mod finishing;
mod misuse;
mod moving;
mod trouble;
