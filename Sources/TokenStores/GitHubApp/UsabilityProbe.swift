// A new token is not known to all of GitHub's replicas at once: one cheap call shows when it works.

import TokenStore

/// Waits until a new token works, for some seconds at most.
///
/// A fresh token can be answered with 401, 403 or 404 for a while. Handing it out then makes the first `git clone` of a
/// build fail, and such failures look like missing permissions.
struct UsabilityProbe: Sendable {
    /// The time for the whole probe, its last call included.
    static let limit: Duration = .seconds(6)
    /// The waits between the calls.
    static let waits: [Duration] = [.milliseconds(500), .seconds(1), .seconds(1), .seconds(1)]

    /// How the probe ended.
    enum Outcome: Sendable, Equatable { case usable, unknown, cancelled }

    let clock: any WallClock
    /// `GET /repos/{owner}/{repo}` with the token.
    let ask: @Sendable (Secret, String) async throws(HTTPTransportError) -> HTTPAnswer

    /// Tries the token until it works, the time is up, or something else is in the way: then the token is as good as
    /// it can be known to be.
    func run(_ token: Secret, repository: String) async -> Outcome {
        let end = clock.now + Self.limit
        for wait in Self.waits + [.zero] {
            do throws(HTTPTransportError) {
                let answer = try await ask(token, repository)
                if answer.status == 200 { return .usable }
                let isTooNew = [401, 403, 404].contains(answer.status)
                guard isTooNew, GitHubErrors.rateLimit(answer, now: clock.now) == nil else { return .unknown }
            } catch {
                return error.code == .cancelled || Task.isCancelled ? .cancelled : .unknown
            }
            let next = clock.now + wait
            guard wait > .zero, next + GitHubAPI.probeTimeout <= end else { break }
            do {
                try await clock.sleep(until: next, tolerance: nil)
            } catch {
                return .cancelled
            }
        }
        return Task.isCancelled ? .cancelled : .unknown
    }
}
