//! Time as a parameter. Invariant: nothing else in the runner reads a clock.

use crate::survey::UtcTime;

/// Tells time and boot.
pub trait Clock: Send + Sync {
    /// The time now. Only printed and compared with expiry; order is by journal number.
    fn now(&self) -> UtcTime;

    /// An identifier of this start of the machine.
    fn boot_id(&self) -> String;

    /// 32 random bits for a run id.
    fn random(&self) -> u32;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcTime {
        UtcTime::new(jiff::Timestamp::now())
    }

    fn boot_id(&self) -> String {
        boot_id().unwrap_or_else(|| "unknown".to_owned())
    }

    fn random(&self) -> u32 {
        getrandom::u32().unwrap_or_else(|_| std::process::id())
    }
}

/// Linux names each boot; elsewhere the kernel's boot time would serve, and there it is unknown.
fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}
