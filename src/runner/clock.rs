//! Time as a parameter. Invariant: nothing else in the runner reads a clock.

use crate::survey::UtcTime;

/// Tells time and boot.
pub trait Clock: Send {
    /// The time now. Only printed and compared with expiry; order is by journal number.
    fn now(&self) -> UtcTime;

    /// An identifier of this start of the machine.
    fn boot_id(&self) -> String;

    /// 32 random bits for a run id.
    fn random(&self) -> u32;
}
