// Our own deadline: always before the caller's, so that the caller gets a final answer.

package import Refusals

/// The time that one Mount has.
package enum MountDeadline {
    /// What is left to the caller for the way back. The driver's deadline is kubelet's, two minutes.
    static let margin = Duration.seconds(2)

    /// The time for a call that begins now: our own limit, or the caller's less a margin where that is shorter.
    package static func limit(own: Duration, caller: ContinuousClock.Instant?) -> Duration {
        guard let caller else { return own }
        let left = ContinuousClock.now.duration(to: caller)
        return min(own, left > margin * 2 ? left - margin : left / 2)
    }

    /// Runs `work`; when the time is out or the task is cancelled, ends it and takes `fallback` or refuses.
    package static func run(
        limit: Duration,
        _ work: @escaping @Sendable () async throws(Refusal) -> [UInt8],
        orElse fallback: @Sendable () -> [UInt8]?
    ) async -> Result<[UInt8], Refusal> {
        let outcome = await withTaskGroup(of: Result<[UInt8], Refusal>?.self) { group in
            group.addTask {
                do throws(Refusal) { return .success(try await work()) } catch { return .failure(error) }
            }
            group.addTask {
                try? await Task.sleep(for: limit, clock: .continuous)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let outcome { return outcome }
        if let bytes = fallback() { return .success(bytes) }
        if Task.isCancelled { return .failure(Refusal(.cancelled, "the caller ended the call")) }
        return .failure(
            Refusal(
                .outOfTime,
                "the token did not come within \(text(limit)); the mint goes on",
                fix: "kubelet tries again by itself and will find it"
            )
        )
    }

    /// Whole seconds, or milliseconds below one second.
    private static func text(_ limit: Duration) -> String {
        let (seconds, attoseconds) = limit.components
        return seconds > 0 ? "\(seconds) s" : "\(attoseconds / 1_000_000_000_000_000) ms"
    }
}
