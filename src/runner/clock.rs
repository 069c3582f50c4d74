//! Time as a parameter: every time that is recorded comes from a [`Clock`], so that tests can set it. Time limits of hooks,
//! sockets and live reads are measured with the timers of the standard library and of tokio.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

use crate::survey::UtcTime;

/// Wall clock, boot identifier and uptime of this machine.
pub trait Clock: Send + Sync {
    /// The time now, by a clock that can be set. Only printed and compared with expiry; order is by journal number.
    fn now(&self) -> UtcTime;

    /// An identifier of this start of the machine.
    fn boot_id(&self) -> String;

    /// Milliseconds since this start of the machine, sleep included; nobody can set them. `None`: not known.
    fn uptime_ms(&self) -> Option<u64>;

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
        // Read once: it cannot change while this process lives.
        static BOOT_ID: OnceLock<String> = OnceLock::new();
        let known = BOOT_ID.get_or_init(|| boot_id().unwrap_or_else(|| "unknown".to_owned()));
        known.clone()
    }

    fn uptime_ms(&self) -> Option<u64> {
        let up = clock_gettime(SINCE_BOOT);
        let seconds = u64::try_from(up.tv_sec).ok()?;
        let millis = u64::try_from(up.tv_nsec).ok()? / 1_000_000;
        Some(seconds * 1_000 + millis)
    }

    fn random(&self) -> u32 {
        // Only makes run ids differ; nothing secret depends on it, so the process id will do.
        getrandom::u32().unwrap_or_else(|_| std::process::id())
    }
}

/// The clock that goes on while the machine sleeps: on Linux the monotonic one does not.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SINCE_BOOT: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// Linux names each boot; elsewhere the kernel's boot time would serve, and there it is unknown.
fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}
