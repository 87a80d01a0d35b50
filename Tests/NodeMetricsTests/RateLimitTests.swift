// What sources say of their rate limits, in the ways in which they say it.

import Testing
import TokenStore
import TokenStoreTesting

@testable import NodeMetrics

struct RateLimitTests {
    private let clock = ManualClock()
    private let limits: RateLimits

    init() { limits = RateLimits(clock: clock) }

    private func fields(_ fields: [(String, String)]) -> [HTTPField] { fields.map { HTTPField($0.0, $0.1) } }

    @Test(
        arguments: [
            ([("X-RateLimit-Limit", "5000"), ("X-RateLimit-Remaining", "4987"), ("X-RateLimit-Used", "13")], 4987),
            ([("x-ratelimit-remaining", "0")], 0),
            ([("RateLimit-Limit", "2000"), ("RateLimit-Remaining", "1999"), ("RateLimit-Observed", "1")], 1999),
            ([("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")], 76),
            ([("RateLimit-Remaining", " 12 ")], 12),
            ([("X-RateLimit-Remaining", "7"), ("X-RateLimit-Remaining", "9")], 7),
            ([("X-RateLimit-Remaining", "-1")], nil),
            ([("X-RateLimit-Remaining", "many")], nil),
            ([("X-RateLimit-Remaining", "")], nil),
            ([("X-RateLimit-Remaining", "99999999999999999999999")], nil),
            ([("X-RateLimit-Limit", "5000"), ("Content-Type", "application/json")], nil),
            ([], nil),
        ] as [([(String, String)], Int?)]
    )
    func remaining(_ fields: [(String, String)], _ expected: Int?) {
        limits.read(self.fields(fields), store: "a")
        #expect(limits.remaining["a"] == expected)
    }

    @Test func anAnswerThatSaysNothingChangesNothing() {
        limits.read(fields([("X-RateLimit-Remaining", "5")]), store: "a")
        limits.read(fields([("Content-Type", "text/plain")]), store: "a")
        limits.read(fields([("X-RateLimit-Remaining", "8")]), store: "b")
        #expect(limits.remaining == ["a": 5, "b": 8])
        limits.read(fields([("X-RateLimit-Remaining", "4")]), store: "a")
        #expect(limits.remaining == ["a": 4, "b": 8])
    }

    @Test(arguments: [
        // A Unix time, seconds from now, and what is no use: an hour.
        ("X-RateLimit-Reset", "+60", 60), ("RateLimit-Reset", "30", 30), ("X-RateLimit-Reset", "+90000", 3600),
        ("X-RateLimit-Reset", "soon", 3600), ("RateLimit-Reset", "0", 3600), ("X-Other", "1", 3600),
    ])
    func aFigureGoesWithItsWindow(_ name: String, _ value: String, _ seconds: Int) {
        let value = value.hasPrefix("+") ? "\(clock.now.epochSeconds + (Int64(value.dropFirst()) ?? 0))" : value
        limits.read(fields([("X-RateLimit-Remaining", "3"), (name, value)]), store: "a")
        clock.advance(by: .seconds(seconds - 1))
        #expect(limits.remaining == ["a": 3])
        clock.advance(by: .seconds(1))
        #expect(limits.remaining == [:])
    }

    @Test func aStoresTransportIsRead() async throws {
        let scripted = ScriptedTransport()
        scripted.then(403, headers: [HTTPField("X-RateLimit-Remaining", "0")], json: "{}")
        let transport = limits.watching(scripted, store: "github")
        let answer = try await transport.send(HTTPCall("GET", "https://api.example/x"))
        #expect(answer.status == 403 && answer.body == Array("{}".utf8))
        #expect(limits.remaining == ["github": 0])
    }
}
