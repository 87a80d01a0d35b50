// The promises that hold without a journal: one build one token, idempotent, policy only, no secret printed.

import DriverCall
import LoopbackCluster
import MountService
import Policy
import ProviderAPI
import Refusals
import Support
import SwiftProtobuf
import Testing
import TokenStore
import TokenStoreTesting

struct PromiseTests {
    // MARK: 1. One build, one token

    @Test func twoPodsNeverShareAToken() async throws {
        try await MountFixture.with { fixture in
            let first = try await fixture.mount(fixture.attributes(MountFixture.build(1))).get()
            let second = try await fixture.mount(fixture.attributes(MountFixture.build(2))).get()
            #expect(fixture.store.requests.map(\.subject.podName) == ["build-1", "build-2"])
            #expect(first != second)
        }
    }

    @Test func theScopeIsWhatBothTheGrantAndThePodWant() async throws {
        try await MountFixture.with { fixture in
            let wide = """
                - { name: source, store: github, repository: our-org/app, permissions: { contents: admin, issues: write } }
                """
            let parameters = MountFixture.parameters.merging(["tokens": wide]) { $1 }
            _ = try await fixture.mount(fixture.attributes(parameters: parameters)).get()
            let scope = TokenScope(repositories: ["our-org/app"], permissions: ["contents": .read])
            #expect(fixture.store.requests.map(\.scope) == [scope])
        }
    }

    // MARK: 2. Mount is idempotent

    @Test func aFreshLeaseIsAnsweredAtOnceWithTheSameBytes() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            let first = try await fixture.mount(attributes).get()
            fixture.clock.advance(by: .seconds(2000))
            // A republish comes with kubelet's token of the day: it is no part of what is asked for.
            let renewed = try fixture.attributes()
            let renewedAnswer = try await fixture.mount(renewed).get()
            #expect(renewedAnswer == first)
            guard case .now(let again) = fixture.service.mount(try fixture.message(attributes), callerDeadline: nil)
            else {
                Issue.record("a fresh lease became a task")
                return
            }
            #expect(try again.get() == first)
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func identicalCallsAtOnceShareOneMint() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<40 { group.addTask { try await fixture.mount(attributes).get() } }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func aRefreshChangesTheBytesAndEachVersionWhoseBytesChange() async throws {
        try await MountFixture.with { fixture in
            let first = try V1alpha1_MountResponse(serializedBytes: await fixture.mount(fixture.attributes()).get())
            fixture.clock.advance(by: .seconds(2401))
            let second = try V1alpha1_MountResponse(serializedBytes: await fixture.mount(fixture.attributes()).get())
            #expect(fixture.store.requests.count == 2)
            for (old, new) in zip(first.files, second.files) {
                let before = first.objectVersion.first { $0.id == old.path }?.version
                let after = second.objectVersion.first { $0.id == new.path }?.version
                #expect((old.contents == new.contents) == (before == after), "\(old.path)")
            }
            #expect(first.files[0].contents == second.files[0].contents)
            #expect(first.files[1].contents != second.files[1].contents)
        }
    }

    @Test func theOldTokenIsServedWhileTheSourceFails() async throws {
        try await MountFixture.with { fixture in
            let first = try await fixture.mount(fixture.attributes()).get()
            fixture.store.behave { _, _ throws(TokenStoreError) in throw TokenStoreError(.unavailable, "it is down") }
            fixture.clock.advance(by: .seconds(2500))
            #expect(try await fixture.mount(fixture.attributes()).get() == first)
            #expect(fixture.log.text.contains("the old token is served"))
            fixture.clock.advance(by: .seconds(1200))
            let refusal = try await fixture.refusal(fixture.attributes())
            #expect(refusal?.description == "StoreUnavailable: store github: it is down; kubelet tries again by itself")
        }
    }

    // MARK: 5. Only the policy grants

    @Test(arguments: [
        (["level": "write"], nil),
        (["level": "admin"], nil),
        (["repository": "https://github.com/evil/app"], "NotGranted"),
        (["repository": "https://evil.example/our-org/app"], "RepositoryInvalid"),
        (["repository": "https://x:y@github.com/our-org/app"], "RepositoryInvalid"),
        (["repository": "http://github.com/our-org/app"], "RepositoryInvalid"),
        (
            ["tokens": "[{name: source, store: other, repository: our-org/app, permissions: {contents: read}}]"],
            "StoreUnknown"
        ),
        (["tokens": "[]"], "ParameterMissing"),
        (["tokens": "[{name: source, store: github, repository: our-org/app}]"], "ScopeEmpty"),
    ])
    func whatATenantWritesNeverWidens(volume: [String: String], reason: String?) async throws {
        try await MountFixture.with { fixture in
            let all = ["repository": "https://github.com/our-org/app", "level": "read"].merging(volume) { $1 }
            let refusal = try await fixture.refusal(fixture.attributes(volume: all))
            #expect(refusal?.reason.code == reason, "\(refusal?.description ?? "granted")")
            let widest = TokenScope(repositories: ["our-org/app"], permissions: ["contents": .read])
            #expect(fixture.store.requests.allSatisfy { $0.scope == widest })
            #expect(fixture.store.requests.count == (reason == nil ? 1 : 0))
        }
    }

    @Test func aTokenThatATenantWritesProvesNothing() async throws {
        try await MountFixture.with { fixture in
            let victim = MountFixture.build(1)
            let forged = try fixture.issuer.sign(PodToken(for: victim, at: fixture.clock.now), .hmacWithPublicKey)
            let refusal = try await fixture.refusal(fixture.attributes(victim, token: forged))
            #expect(refusal?.reason == .tokenRejected)
            let stolen = try fixture.issuer.sign(PodToken(for: victim, at: fixture.clock.now))
            let other = try await fixture.refusal(fixture.attributes(MountFixture.build(2), token: stolen))
            #expect(other?.reason == .tokenNotForPod)
            // Without tokenRequests the driver passes through what a tenant wrote under kubelet's own key.
            for signing in [TokenSigning.hmacWithPublicKey, .unsigned, .unknownKey, .forgedKeyID] {
                let token = try fixture.issuer.sign(PodToken(for: victim, at: fixture.clock.now), signing)
                let injected = try fixture.attributes(victim, volume: Self.injecting(token), token: "")
                #expect(try await fixture.refusal(injected)?.reason == .tokenRejected, "\(signing)")
            }
            let foreign = try fixture.attributes(MountFixture.build(2), volume: Self.injecting(stolen), token: "")
            #expect(try await fixture.refusal(foreign)?.reason == .tokenNotForPod)
            let missing = try await fixture.refusal(fixture.attributes(victim, token: ""))
            #expect(missing?.description.contains("tokenRequests") == true)
            #expect(missing?.description.contains("daypass") == true)
            #expect(fixture.store.requests.isEmpty)
        }
    }

    private static func injecting(_ token: String) -> [String: String] {
        let tokens = #"{"daypass":{"token":"\#(token)","expirationTimestamp":"2026-01-01T01:00:00Z"}}"#
        return [
            "csi.storage.k8s.io/serviceAccount.tokens": tokens, "repository": "https://github.com/our-org/app",
            "level": "read",
        ]
    }

    @Test func withDriverIdentityKubeletIsBelievedAndPolicyStillDecides() async throws {
        try await MountFixture.with(driverIdentity: true) { fixture in
            _ = try await fixture.mount(fixture.attributes(token: "")).get()
            let other = try fixture.attributes(MountFixture.build(2, namespace: "other"), token: "")
            #expect(try await fixture.refusal(other)?.reason == .notGranted)
            #expect(fixture.store.requests.count == 1)
        }
    }

    // MARK: 6. No secret is ever printed

    @Test func noTokenIsInALogLineARefusalOrAVersion() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            let response = try V1alpha1_MountResponse(serializedBytes: await fixture.mount(attributes).get())
            var printed = fixture.log.text + response.objectVersion.map(\.version).joined()
            for bad in try badCalls(fixture) {
                printed += try await fixture.refusal(bad)?.description ?? ""
            }
            printed += fixture.log.text
            let contents = response.files.map { String(decoding: $0.contents, as: UTF8.self) }.joined()
            #expect(contents.contains(MountFixture.secretMark))
            #expect(!printed.contains(MountFixture.secretMark))
            let proof = try #require(attributes.tokens.first?.token.split(separator: ".").last)
            #expect(!printed.contains(proof))
            #expect(!printed.contains("TENANTSECRET"))
        }
    }

    // MARK: 7 and 8. Final and helpful

    @Test func everyRefusalIsOneLineThatBeginsWithItsCode() async throws {
        try await MountFixture.with { fixture in
            for bad in try badCalls(fixture) {
                let refusal = try #require(try await fixture.refusal(bad))
                let line = refusal.description
                #expect(line.hasPrefix(refusal.reason.code + ": "))
                #expect(!line.contains("\n") && line.utf8.count <= Refusal.longestLine)
                #expect(!refusal.fix.isEmpty || line.contains("expected"), "\(line)")
            }
            #expect(fixture.store.requests.isEmpty)
        }
    }

    @Test func anAnswerHasFilesWithModesAndAVersionForEach() async throws {
        try await MountFixture.with { fixture in
            let response = try V1alpha1_MountResponse(serializedBytes: await fixture.mount(fixture.attributes()).get())
            #expect(response.files.map(\.path) == [".gitconfig", "git-credential"])
            #expect(response.files.allSatisfy { $0.mode == 0o444 && !$0.contents.isEmpty })
            #expect(response.objectVersion.map(\.id) == response.files.map(\.path))
            #expect(!response.hasError)
        }
    }

    private func badCalls(_ fixture: MountFixture) throws -> [DriverAttributes] {
        let files = [
            "[{path: ../x, format: token, tokens: [source]}]", "[{path: /x, format: token, tokens: [source]}]",
            "[{path: a//b, format: token, tokens: [source]}]",
            "[{path: a, format: token, tokens: [source]}, {path: a/b, format: token, tokens: [source]}]",
            "[{path: a, format: token, tokens: [source], mode: 01777}]",
            "[{path: a, format: nonsense, tokens: [source]}]",
            "[]", "[{path: a, format: token, tokens: [other]}]", "not yaml: [",
        ]
        let repositories = [
            "https://TENANTSECRET@github.com/our-org/app", "ssh://git@github.com/our-org/app", "our-org/../x",
        ]
        return try files.map {
            try fixture.attributes(parameters: MountFixture.parameters.merging(["files": $0]) { $1 })
        }
            + repositories.map { try fixture.attributes(volume: ["repository": $0, "level": "read"]) }
            + [
                try fixture.attributes(volume: [:]), try fixture.attributes(token: "TENANTSECRET"),
                try fixture.attributes(parameters: [:]), try fixture.attributes(token: ""),
            ]
    }
}
