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
