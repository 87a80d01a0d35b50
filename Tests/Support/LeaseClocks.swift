// The leases' clocks, moved by a test.

package import Leases
package import TokenStoreTesting

extension LeaseClock {
    /// Both clocks from one manual clock: `advance` moves both, `set` only the time of day.
    package static func manual(_ clock: ManualClock) -> LeaseClock {
        LeaseClock(
            wall: clock,
            steady: { clock.elapsed + .seconds(1_000_000) },
            sleep: { try await clock.sleep(for: $0) }
        )
    }
}

extension StoreGates {
    /// Gates that follow a manual clock and let everything pass, unless told.
    package static func manual(_ clock: ManualClock, limits: StoreLimits = .wide) -> StoreGates {
        let leaseClock = LeaseClock.manual(clock)
        return StoreGates(
            limits: [:],
            standard: limits,
            steady: leaseClock.steady,
            wall: clock,
            sleep: leaseClock.sleep
        )
    }
}

extension StoreLimits {
    /// Limits that no test reaches by accident.
    package static var wide: StoreLimits {
        StoreLimits(rate: 1000, burst: 10_000, concurrent: 1000, breakerFailures: 10_000)
    }
}
