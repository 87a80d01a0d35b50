// Two clocks read at once: the time of day, which may jump, and the time since the boot, which may not.

import Glibc
package import TokenStore

/// A point in time by two clocks.
///
/// Tokens end by the time of day of their source. The node's own time of day may be wrong, and jumps when it is
/// corrected; the time since boot only goes on (also while the machine sleeps). A token is served while both say that
/// it lives, and counts as ended only when both say so.
package struct Moment: Sendable, Hashable {
    /// The time of day.
    package var wall: UTCInstant
    /// The time since the machine booted.
    package var steady: Duration

    package init(wall: UTCInstant, steady: Duration) {
        self.wall = wall
        self.steady = steady
    }

    /// The longest time that may have passed since `earlier`: by the clock that says more.
    package func mostSince(_ earlier: Moment) -> Duration {
        max(earlier.wall.duration(to: wall), steady - earlier.steady)
    }

    /// The time that has passed since `earlier` for certain: by the clock that says less.
    package func leastSince(_ earlier: Moment) -> Duration {
        min(earlier.wall.duration(to: wall), steady - earlier.steady)
    }

    /// The moment that is later by `duration` on both clocks.
    package func advanced(by duration: Duration) -> Moment {
        Moment(wall: wall.advanced(by: duration), steady: steady + duration)
    }
}

/// Reads both clocks, and waits.
package struct LeaseClock: Sendable {
    /// The time of day.
    package var wall: any WallClock
    /// The time since the machine booted.
    package var steady: @Sendable () -> Duration
    /// Waits for a while of the steady clock.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        wall: any WallClock,
        steady: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.steady = steady
        self.sleep = sleep
    }

    /// What both clocks say now.
    package var now: Moment { Moment(wall: wall.now, steady: steady()) }

    /// The machine's clocks; `CLOCK_BOOTTIME` of clock_gettime(2) goes on while the machine sleeps.
    package static var system: LeaseClock {
        LeaseClock(
            wall: SystemClock(),
            steady: {
                var time = timespec()
                clock_gettime(CLOCK_BOOTTIME, &time)
                return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
            },
            sleep: { try await Task.sleep(for: $0, clock: .continuous) }
        )
    }
}
