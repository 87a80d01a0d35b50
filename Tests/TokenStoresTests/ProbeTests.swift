// Trying a new token before it is handed out: patient, bounded, and never losing the token.

import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ProbeTests {
    /// Moves the clock whenever the store sleeps, until `body` has ended.
    private func withTimePassing<Result: Sendable>(
        _ clock: ManualClock,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while !Task.isCancelled {
                    if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(250)) }
                    await Task.yield()
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
        }
    }

    @Test func triesTheTokenOnce() async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        fixture.http.then(200, json: "{}")
        _ = try await fixture.store.issue(StoreFixture.request())
        let probe = try #require(fixture.http.calls.last)
        #expect("\(probe.method) \(probe.url)" == "GET https://api.github.com/repos/our-org/private")
        #expect(probe.authorization == Secret(utf8: "Bearer \(StoreFixture.token)"))
        #expect(fixture.http.calls.count == 3)
        #expect(!fixture.log.text.contains("ghs_"))
    }

    @Test(arguments: [[401], [403, 404], [404, 404, 401]])
    func waitsForReplicas(statuses: [Int]) async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        for status in statuses { fixture.http.then(status) }
        fixture.http.then(200)
        let token = try await withTimePassing(fixture.clock) {
            try await fixture.store.issue(StoreFixture.request())
        }
        #expect(token.secret == Secret(utf8: StoreFixture.token))
        #expect(fixture.http.remaining == 0)
    }

    @Test func givesUpAfterSomeSeconds() async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        for _ in 0..<50 { fixture.http.then(404) }
        let start = fixture.clock.now
        _ = try await withTimePassing(fixture.clock) { try await fixture.store.issue(StoreFixture.request()) }
        #expect(start.duration(to: fixture.clock.now) <= .seconds(6))
        let probes = fixture.http.calls.count - 2
        #expect(probes > 2 && probes <= 6)
    }

    @Test(arguments: [500, 301, 429]) func anythingElseEndsTheProbe(status: Int) async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        fixture.http.then(status)
        _ = try await fixture.store.issue(StoreFixture.request())
        #expect(fixture.http.calls.count == 3)
    }

    @Test func aBrokenProbeDoesNotCostTheToken() async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        fixture.http.then { _ throws(HTTPTransportError) in
            throw HTTPTransportError(.timedOut, "slow", requestMayHaveArrived: true)
        }
        _ = try await fixture.store.issue(StoreFixture.request())
    }

    @Test(.timeLimit(.minutes(1)), arguments: [204, 500])
    func aCancelledCallerLeavesNoToken(revocation: Int) async throws {
        let fixture = try StoreFixture(probe: true)
        fixture.scriptMint()
        fixture.http.then(404)
        fixture.http.then(revocation)
        let error = await withTaskGroup(of: TokenStoreError?.self) { group in
            group.addTask {
                do throws(TokenStoreError) {
                    _ = try await fixture.store.issue(StoreFixture.request())
                    return nil
                } catch {
                    return error
                }
            }
            while fixture.clock.sleeperCount == 0 { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.code == .cancelled)
        #expect(error?.tokenMayExist == (revocation != 204))
        let last = try #require(fixture.http.calls.last)
        #expect("\(last.method) \(last.url)" == "DELETE https://api.github.com/installation/token")
        #expect(last.timeout <= .seconds(5))
    }
}
