//! From the kernel's clock to the calendar.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A point of time: nanoseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

/// CLOCK_REALTIME less CLOCK_MONOTONIC, in nanoseconds.
///
/// Events carry CLOCK_MONOTONIC, which is cheap and never jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset(pub i64);

impl ClockOffset {
    /// The offset now: of a few readings, the one that took least time.
    #[must_use]
    pub fn measure() -> Self {
        let reading = || {
            let before = nanoseconds(clock_gettime(ClockId::Monotonic));
            let real = nanoseconds(clock_gettime(ClockId::Realtime));
            let after = nanoseconds(clock_gettime(ClockId::Monotonic));
            let took = after.saturating_sub(before);
            (took, real.saturating_sub(before).saturating_sub(took / 2))
        };
        let best = (0..8).map(|_| reading()).min_by_key(|&(took, _)| took);
        Self(best.map_or(0, |(_, offset)| offset))
    }

    /// The time of an event, from its CLOCK_MONOTONIC nanoseconds.
    #[must_use]
    pub fn time(self, monotonic: u64) -> Time {
        Time(self.0.saturating_add_unsigned(monotonic))
    }
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_time_now_is_the_system_time() {
        let clock = ClockOffset::measure();
        let monotonic = u64::try_from(nanoseconds(clock_gettime(ClockId::Monotonic))).unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let error = i128::from(clock.time(monotonic).0) - i128::try_from(now).unwrap();
        assert!(error.abs() < 1_000_000_000, "{error} ns");
    }

    #[test]
    fn an_absurd_event_time_does_not_overflow() {
        assert_eq!(ClockOffset(i64::MAX).time(u64::MAX), Time(i64::MAX));
    }
}
