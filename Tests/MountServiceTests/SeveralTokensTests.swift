// Mounts of several tokens: all are answered, or none.

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

struct SeveralTokensTests {
    /// Two tokens, two files; their repositories are `our-org/one` and `our-org/two`.
    private let both = [
        "tokens": """
        - { name: one, store: github, repository: our-org/one, permissions: { contents: read } }
        - { name: two, store: github, repository: our-org/two, permissions: { contents: read } }
        """,
        "files": """
        - { path: one, format: token, tokens: [one] }
        - { path: two, format: token, tokens: [two] }
        """,
    ]

    /// The first of them only.
    private let onlyOne = [
        "tokens": "[{ name: one, store: github, repository: our-org/one, permissions: { contents: read } }]",
        "files": "[{ path: one, format: token, tokens: [one] }]",
    ]

    /// Lets `our-org/two` wait for a gate, and then succeed or fail.
    private func script(_ fixture: MountFixture, gate: Box<Bool>, twoFails: Box<Bool>) {
        fixture.store.behave { [store = fixture.store] number, request throws(TokenStoreError) in
            if request.scope.repositories == ["our-org/two"] {
                await until { gate.get() }
                if twoFails.get() { throw TokenStoreError(.refused, "not this one") }
            }
            return store.token(number, request)
        }
    }

    private func contents(_ bytes: [UInt8]) throws -> [String] {
        try V1alpha1_MountResponse(serializedBytes: bytes).files.map { String(decoding: $0.contents, as: UTF8.self) }
    }

    /// The handles of the tokens that were minted for a repository.
    private func handles(_ fixture: MountFixture, _ repository: String) -> [String] {
        fixture.store.requests.enumerated().filter { $0.element.scope.repositories == [repository] }
            .map { "token-\($0.offset + 1)" }
    }

    @Test func whenOneFailsThoseThatWereMintedAreRevoked() async throws {
        try await MountFixture.with { fixture in
            let fails = Box(true)
            script(fixture, gate: Box(true), twoFails: fails)
            let attributes = try fixture.attributes(parameters: both)
            #expect(try await fixture.refusal(attributes)?.reason == .storeRefused)
            await until { fixture.store.revoked.count == 1 && fixture.journal.records.isEmpty }
            #expect(fixture.store.revoked == handles(fixture, "our-org/one"))
            #expect(fixture.journal.records.isEmpty && fixture.leases.counts.live == 0)
            fails.set(false)
            let files = try contents(await fixture.mount(attributes).get())
            #expect(fixture.store.requests.count == 4)
            #expect(files.count == 2 && files[0] != files[1])
            #expect(fixture.store.revoked.count == 1)
        }
    }

    @Test func whatAnotherMountOfTheVolumeGotStays() async throws {
        try await MountFixture.with { fixture in
            let (gate, fails) = (Box(false), Box(true))
            script(fixture, gate: gate, twoFails: fails)
            let attributes = try fixture.attributes(parameters: both)
            async let failing = fixture.refusal(attributes)
            await until { fixture.store.requests.count == 2 }
            // The class was changed meanwhile: the volume is mounted with the first token only, and gets it.
            let other = try fixture.attributes(parameters: onlyOne)
            let answer = try await fixture.mount(other).get()
            gate.set(true)
            #expect(try await failing?.reason == .storeRefused)
            #expect(try await fixture.mount(other).get() == answer)
            #expect(fixture.leases.counts.revoking == 0 && fixture.leases.counts.live == 1)
            #expect(fixture.store.revoked.isEmpty && fixture.store.requests.count == 2)
        }
    }

    @Test func aMountThatIsGivenUpRevokesNothingAndItsRetryJoins() async throws {
        try await MountFixture.with { fixture in
            let gate = Box(false)
            script(fixture, gate: gate, twoFails: Box(false))
            let attributes = try fixture.attributes(parameters: both)
            try await withThrowingTaskGroup(of: Result<[UInt8], Refusal>.self) { group in
                group.addTask { try await fixture.mount(attributes) }
                await until { fixture.leases.counts.live == 1 && fixture.store.requests.count == 2 }
                group.cancelAll()
                for try await result in group {
                    if case .success = result { Issue.record("a caller who left was answered") }
                }
            }
            #expect(fixture.leases.counts.live == 1 && fixture.leases.counts.intended == 1)
            async let retry = fixture.mount(attributes)
            await until { fixture.leases.waiterCount == 1 }
            gate.set(true)
            #expect(try contents(await retry.get()).count == 2)
            #expect(fixture.store.requests.count == 2 && fixture.store.revoked.isEmpty)
        }
    }

    @Test func whatAMountOutOfTimeWasAnsweredWithIsNotRevokedByAFailedOne() async throws {
        try await MountFixture.with { fixture in
            let (gate, fails) = (Box(true), Box(false))
            script(fixture, gate: gate, twoFails: fails)
            let attributes = try fixture.attributes(parameters: both)
            let first = try contents(await fixture.mount(attributes).get())
            // Both are due; the second takes its time, and its caller leaves.
            gate.set(false)
            fixture.clock.advance(by: .seconds(2500))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await fixture.mount(attributes) }
                await until { fixture.leases.counts.superseded == 1 && fixture.store.requests.count == 4 }
                group.cancelAll()
            }
            // The next one runs out of time: it gets the new first token and the old second one.
            // On a busy machine the time may be out before anything is looked at.
            var answer: [UInt8]?
            while answer == nil {
                answer = try? await fixture.mount(attributes, deadline: .milliseconds(200)).get()
            }
            let mixed = try contents(answer ?? [])
            #expect(mixed[0] != first[0] && mixed[1] == first[1])
            // Then the old second one expires, and its refresh fails for good.
            fixture.clock.advance(by: .seconds(1100))
            fails.set(true)
            gate.set(true)
            await until { fixture.leases.counts.intended == 0 }
            #expect(try await fixture.refusal(attributes)?.reason == .storeRefused)
            #expect(handles(fixture, "our-org/one").count == 2)
            // The Pod holds the new first token: it stays.
            let held = try #require(handles(fixture, "our-org/one").last)
            fails.set(false)
            let last = try contents(await fixture.mount(attributes).get())
            #expect(last[0] == mixed[0])
            #expect(!fixture.store.revoked.contains(held))
        }
    }
}
