//! What a run is: state, gate, verdict, check, claim, stop, approval, evidence, event, machine. Invariant: pure; no clock, socket, file or channel.
