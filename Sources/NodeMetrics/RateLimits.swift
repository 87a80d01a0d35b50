// What sources say is left of their rate limits, read from the answers that stores get anyway.

import Synchronization
package import TokenStore

/// Remembers for each store how many calls its source said are left.
///
/// The fields that are read, without regard to case:
/// - `X-RateLimit-Remaining`, `X-RateLimit-Reset` (a Unix time): GitHub,
///   <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>; Bitbucket Data Center has the
///   first of them.
/// - `RateLimit-Remaining`, `RateLimit-Reset` (a Unix time): GitLab,
///   <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>. In the IETF's draft of these names the
///   reset is a number of seconds.
/// - `RateLimit-Remaining: 76;w=21600`, without a reset: Docker Hub, <https://docs.docker.com/docker-hub/usage/pulls/>.
///
/// A figure is forgotten when its window is over: the limit is full again then, and nobody has said so yet.
package final class RateLimits: Sendable {
    private struct Figure {
        var remaining: Int
        var until: UTCInstant
    }

    /// How long a figure counts whose source names no end.
    static let window = Duration.seconds(3600)

    private let clock: any WallClock
    private let figures = Mutex<[String: Figure]>([:])

    package init(clock: any WallClock) { self.clock = clock }

    /// The transport for a store: all that goes through it is sent by `transport`.
    package func watching(_ transport: any HTTPTransport, store: String) -> any HTTPTransport {
        WatchedTransport(transport: transport, store: store, limits: self)
    }

    /// What is left, by store.
    var remaining: [String: Int] {
        let now = clock.now
        return figures.withLock { figures in figures.filter { now < $0.value.until }.mapValues(\.remaining) }
    }

    func read(_ headers: [HTTPField], store: String) {
        var remaining: Substring?
        var reset: Substring?
        for field in headers {
            // From "ratelimit-reset" to "x-ratelimit-remaining": most fields go no further than this.
            guard (15...21).contains(field.name.utf8.count) else { continue }
            switch field.name.lowercased() {
            case "x-ratelimit-remaining", "ratelimit-remaining": remaining = remaining ?? field.value[...]
            case "x-ratelimit-reset", "ratelimit-reset": reset = reset ?? field.value[...]
            default: break
            }
        }
        guard let remaining, let left = Self.number(remaining), left >= 0 else { return }
        let figure = Figure(remaining: left, until: until(reset: reset.flatMap(Self.number)))
        figures.withLock { $0[store] = figure }
    }

    /// The end of a window: a Unix time, or a number of seconds. Never more than an hour away, so that a wrong one does
    /// not keep an old figure for ever.
    private func until(reset: Int?) -> UTCInstant {
        let now = clock.now
        let latest = now.advanced(by: Self.window)
        guard let reset, reset > 0 else { return latest }
        if reset < 1_000_000_000 { return min(latest, now.advanced(by: .seconds(reset))) }
        return min(latest, UTCInstant(epochSeconds: Int64(reset)))
    }

    /// The number at the start of a field's value; parameters may follow.
    private static func number(_ value: Substring) -> Int? {
        let digits = value.drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 15 else { return nil }
        return Int(digits)
    }
}

/// A transport that shows the header fields of each answer to ``RateLimits``.
private struct WatchedTransport: HTTPTransport {
    let transport: any HTTPTransport
    let store: String
    let limits: RateLimits

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        let answer = try await transport.send(call)
        limits.read(answer.headers, store: store)
        return answer
    }
}
