//! What would happen: units, lifecycle, CUT, VERIFY, ENACT and the predicted effect. Invariant: pure; every number it makes is SIMULATED.
