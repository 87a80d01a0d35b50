// Mounts that must wait: deadlines, callers who leave, stores that fail, several tokens.

import DriverCall
import Leases
import MountService
import ProviderAPI
import Refusals
import Support
import SwiftProtobuf
import Testing
import TokenStore
import TokenStoreTesting

struct WaitingMountTests {
    /// A store that answers when the gate opens.
    private func slow(_ fixture: MountFixture, _ gate: Box<Bool>) {
        let clock = fixture.clock
        fixture.store.behave { number, request throws(TokenStoreError) in
            await until { gate.get() }
            return IssuedToken(
                username: "u",
                secret: Secret(utf8: "slow-\(number)"),
                expiresAt: clock.now.advanced(by: .seconds(3600)),
                grantedScope: request.scope
            )
        }
    }

    @Test func ourDeadlineEndsBeforeTheCallersAndTheRetryFindsTheToken() async throws {
        try await MountFixture.with(deadline: .milliseconds(50)) { fixture in
            let gate = Box(false)
            slow(fixture, gate)
            // On a machine under load the time may be out before the mint begins.
            repeat {
                let refusal = try await fixture.refusal(fixture.attributes())
                #expect(refusal?.reason == .outOfTime)
            } while fixture.store.requests.isEmpty
            #expect(fixture.leases.counts.intended == 1)
            gate.set(true)
            await until { fixture.leases.counts.live == 1 }
            // The answer may still take more than the short deadline on a busy machine; the mint must not be repeated.
            while case .failure(let late) = try await fixture.mount(fixture.attributes()) {
                #expect(late.reason == .outOfTime)
            }
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func aCallerWhoLeavesLeavesTheMintToTheNext() async throws {
        try await MountFixture.with { fixture in
            let gate = Box(false)
            slow(fixture, gate)
            let attributes = try fixture.attributes()
            try await withThrowingTaskGroup(of: Result<[UInt8], Refusal>.self) { group in
                group.addTask { try await fixture.mount(attributes) }
                await until { fixture.store.requests.count == 1 }
                group.cancelAll()
                for try await result in group {
                    if case .success = result { Issue.record("a caller who left was answered") }
                }
            }
            gate.set(true)
            _ = try await fixture.mount(attributes).get()
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func aRefreshThatIsTooSlowGivesTheOldToken() async throws {
        try await MountFixture.with { fixture in
            let first = try await fixture.mount(fixture.attributes()).get()
            let gate = Box(false)
            slow(fixture, gate)
            fixture.clock.advance(by: .seconds(2500))
            #expect(try await fixture.mount(fixture.attributes(), deadline: .milliseconds(200)).get() == first)
            gate.set(true)
        }
    }

    @Test(arguments: [
        (
            TokenStoreError(.refused, "the App is not installed on o", fix: "install it"),
            "StoreRefused: store github: the App is not installed on o; install it"
        ),
        (
            TokenStoreError(.misconfigured, "the key is bad", fix: "mend it"),
            "StoreMisconfigured: store github: the key is bad; mend it"
        ),
        (
            TokenStoreError(.rateLimited, "it asks to wait", retryAt: UTCInstant(epochSeconds: 1_767_225_660)),
            "StoreRateLimited: store github: it asks to wait; not before 2026-01-01T00:01:00Z; kubelet tries again by itself"
        ),
        (
            TokenStoreError(.malformedAnswer, "nonsense came"),
            "StoreAnswerUnusable: store github: nonsense came; kubelet tries again by itself"
        ),
    ])
    func aStoreThatFailsIsARefusalThatSaysHow(error: TokenStoreError, text: String) async throws {
        try await MountFixture.with { fixture in
            fixture.store.behave { _, _ throws(TokenStoreError) in throw error }
            let refusal = try await fixture.refusal(fixture.attributes())
            #expect(refusal?.description == text)
        }
    }

    @Test func anotherRequestOfOneVolumeGetsItsOwnFiles() async throws {
        try await MountFixture.with { fixture in
            let first = try await fixture.mount(fixture.attributes()).get()
            let changed = MountFixture.parameters.merging(["files": "[{path: t, format: token, tokens: [source]}]"]) {
                $1
            }
            let second = try await fixture.mount(fixture.attributes(parameters: changed)).get()
            #expect(first != second)
            #expect(try await fixture.mount(fixture.attributes()).get() == first)
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test(arguments: [("not protobuf \u{1}\u{2}", 1), ("\u{0A}", 5 << 20)])
    func bytesThatAreNoCallAreRefused(text: String, times: Int) async throws {
        try await MountFixture.with { fixture in
            let message = [UInt8](String(repeating: text, count: times).utf8)
            guard case .now(.failure(let refusal)) = fixture.service.mount(message, callerDeadline: nil) else {
                Issue.record("nonsense was taken")
                return
            }
            #expect(refusal.reason == (times == 1 ? .requestMalformed : .requestTooLarge), "\(refusal)")
        }
    }
}
