// What a reload puts in force, what it keeps, and what it refuses.

import Foundation
import Identity
import Leases
import LoopbackCluster
import MountService
import Policy
import Support
import Testing
import TokenStore

@testable import Daemon

struct ReloaderTests {
    @Test func whatDidNotChangeKeepsItsStore() async throws {
        try await ReloadBench.with { bench in
            let slot = try #require(bench.inForce.stores.slots["github"])
            try bench.write("key other", to: "other")
            let stores = [bench.store("github"), bench.store("push", host: "b.example", key: "other")]
            try bench.write("# a comment\n" + bench.yaml(stores), to: "node.yaml")
            let report = try await bench.reload()
            #expect(report.outcome == .applied)
            #expect(report.changes == ["store push added", "grant to-push added"])
            #expect(bench.inForce.stores.slots["github"] === slot)
            let again = try await bench.reload()
            #expect(again.outcome == .unchanged && again.changes.isEmpty && again.status.unchanged == 1)
            try bench.write("key rotated", to: "other")
            let rotated = try await bench.reload()
            #expect(rotated.changes == ["the files of store push changed"])
            #expect(bench.inForce.stores.slots["github"] === slot)
        }
    }

    /// A file that a store reads when it mints is no reason to make it anew: it would lose its caches.
    @Test func aFileThatIsReadAtEachMintChangesNothing() async throws {
        try await ReloadBench.with { bench in
            try bench.write("one", to: "password")
            let github = bench.store("github").replacing(
                "note: \"-\"",
                with: "password: { file: \(bench.path("password")) }"
            )
            try bench.write(bench.yaml([github]), to: "node.yaml")
            let first = try await bench.reload()
            #expect(first.changes == ["store github changed"])
            let slot = bench.inForce.stores.slots["github"]
            try bench.write("two", to: "password")
            let second = try await bench.reload()
            #expect(second.outcome == .unchanged && bench.inForce.stores.slots["github"] === slot)
            let lease = try await bench.mount("github")
            #expect(lease.token.secret.revealText() == "token by key 1 with two")
        }
    }

    /// A rotated key revokes what the former one minted: the source may not know that one any more.
    @Test func aRotatedKeyEndsTheTokensOfTheFormerOne() async throws {
        try await ReloadBench.with { bench in
            let lease = try await bench.mount("github")
            try bench.write("key 2", to: "key")
            _ = try await bench.reload()
            try bench.write("key 3", to: "key")
            _ = try await bench.reload()
            bench.leases.ended(.pod(uid: "uid-1", how: .deleted))
            let line = "https://a.example - key 3 \(lease.id.tokenName)"
            await until { KeyedStore.revoked.get().contains(line) }
            #expect(KeyedStore.revoked.get().filter { $0.hasSuffix(lease.id.tokenName) } == [line])
        }
    }

    /// A store that is gone, moved or another one still ends what it minted, and nobody else sees those tokens.
    @Test(arguments: ["gone", "moved", "other"]) func aFormerStoreEndsItsOwnTokens(_ how: String) async throws {
        try await ReloadBench.with { bench in
            let lease = try await bench.mount("github")
            try bench.write("key 2", to: "key2")
            let next =
                switch how {
                case "gone": bench.store("push", key: "key2")
                case "moved": bench.store("github", host: "b.example", key: "key2")
                default: bench.store("github", key: "key2", note: "other")
                }
            try bench.write(bench.yaml([next]), to: "node.yaml")
            let report = try await bench.reload()
            #expect(report.outcome == .applied)
            bench.leases.ended(.pod(uid: "uid-1", how: .deleted))
            let line = "https://a.example - key 1 \(lease.id.tokenName)"
            await until { KeyedStore.revoked.get().contains { $0.hasSuffix(lease.id.tokenName) } }
            #expect(KeyedStore.revoked.get().filter { $0.hasSuffix(lease.id.tokenName) } == [line])
        }
    }

    /// With a broken key file the store works on with the former key, and all else comes into force.
    @Test func aBrokenKeyHoldsBackItsStoreOnly() async throws {
        try await ReloadBench.with { bench in
            try bench.write("rubbish", to: "key")
            let refused = try await bench.reload()
            #expect(refused.outcome == .refused && refused.status.heldBack.keys.sorted() == ["github"])
            #expect(refused.problems.first?.contains("holds no key") == true, "\(refused.problems)")
            try bench.write("key other", to: "other")
            try bench.write(bench.yaml([bench.store("github"), bench.store("push", key: "other")]), to: "node.yaml")
            let applied = try await bench.reload()
            #expect(applied.outcome == .applied && applied.problems.count == 1 && !applied.status.isCurrent)
            #expect(bench.lines("error a store works on with its former file") == 2)
            let lease = try await bench.mount("github")
            #expect(lease.token.secret.revealText() == "token by key 1")
            try bench.write("key 2", to: "key")
            let mended = try await bench.reload()
            #expect(mended.outcome == .applied && mended.status.isCurrent && mended.status.heldBack.isEmpty)
            let next = try await bench.mount("github", pod: 2)
            #expect(next.token.secret.revealText() == "token by key 2")
        }
    }

    /// New settings with which a store that works can't be made are refused, and all that came with them.
    @Test func aStoreThatWorksIsNotBrokenByNewSettings() async throws {
        try await ReloadBench.with { bench in
            let digest = bench.inForce.status.digest
            try bench.write(
                bench.yaml([bench.store("github", key: "none"), bench.store("push")]),
                to: "node.yaml"
            )
            let refused = try await bench.reload()
            #expect(refused.outcome == .refused && refused.status.digest == digest)
            #expect(bench.inForce.stores.slots.keys.sorted() == ["github"])
            // The key comes: what was refused comes into force.
            try bench.write("key 2", to: "none")
            await until { bench.inForce.status.applied == 1 }
            #expect(bench.inForce.status.isCurrent && bench.inForce.stores.slots.count == 2)
        }
    }

    /// A new store without its key holds up nothing: it is refused by name until the key is there.
    @Test func aNewStoreWithoutItsKeyHoldsUpNothing() async throws {
        try await ReloadBench.with { bench in
            try bench.write(bench.yaml([bench.store("github"), bench.store("push", key: "none")]), to: "node.yaml")
            let report = try await bench.reload()
            #expect(report.outcome == .applied && bench.lines("error store can't be used", "push") == 1)
            await #expect(throws: (any Error).self) { _ = try await bench.mount("push") }
            try bench.write("key 2", to: "none")
            await until { bench.inForce.status.applied == 2 }
            let lease = try await bench.mount("push")
            #expect(lease.token.secret.revealText() == "token by key 2")
        }
    }

    @Test func brokenConfigurationsChangeNothing() async throws {
        try await ReloadBench.with { bench in
            let good = bench.yaml([bench.store("github")])
            let broken = [
                good + "grantz: []\n", good.replacing("keyed", with: "nothing"), good + "  - {", "stores: [",
                good.replacing("store: github", with: "store: nowhere"), good + "http: { caFile: /nowhere.pem }\n",
            ]
            let digest = bench.inForce.status.digest
            for (index, text) in broken.enumerated() {
                try bench.write(text, to: "node.yaml")
                let report = try await bench.reload()
                #expect(report.outcome == .refused && !report.problems.isEmpty, "\(text)")
                _ = try await bench.reload()
                #expect(bench.lines("configuration refused") == index + 1)
                #expect(bench.inForce.status.refused == index + 1 && bench.inForce.status.digest == digest)
            }
            let report = try await bench.reload()
            #expect(report.problems.first?.contains("/nowhere.pem") == true, "\(report.problems)")
        }
    }

    @Test func settingsOfAStartAreNamed() async throws {
        let started = "server: { adminSocket: /run/a.sock, drain: 5s }\nleases: { grace: 60s }\n"
        try await ReloadBench.with(more: { _ in started }) { bench in
            let github = bench.store("github")
            let more = "server: { adminSocket: /run/b.sock, drain: 7s }\nleases: { grace: 0s, journalBytes: 2097152 }\n"
            try bench.write(bench.yaml([github], more: more), to: "node.yaml")
            let report = try await bench.reload()
            #expect(report.changes.contains("server.drain changed") && report.changes.contains("leases.grace changed"))
            #expect(report.status.pendingRestart == ["leases.journalBytes", "server.adminSocket"])
            #expect(bench.lines("warning some settings take effect after a restart") == 1)
            #expect(bench.inForce.configuration.server.drain == .seconds(7))
            try bench.write(bench.yaml([github], more: started), to: "node.yaml")
            let back = try await bench.reload()
            #expect(back.status.pendingRestart == [])
        }
    }

    /// Keys that are withdrawn from the key file are withdrawn at once, and the key status is the new file's.
    @Test func aRotatedKeySetIsUsedAtOnce() async throws {
        let issuers = [try ServiceAccountIssuer(), try ServiceAccountIssuer()]
        try await ReloadBench.with(more: { folder in
            try issuers[0].writeJWKS(to: "\(folder)/jwks.json")
            return "identity: { issuer: \(issuers[0].name), jwks: { file: \(folder)/jwks.json } }\n"
        }) { bench in
            let tokens = try issuers.map {
                Secret(utf8: try $0.sign(PodToken(for: .build(1), at: SystemClock().now), .rs256))
            }
            func isGood(_ token: Secret) async -> Bool {
                guard case .serviceAccountToken(let verifier) = bench.inForce.identity else { return false }
                return (try? await verifier.verify(token)) != nil
            }
            let before = [await isGood(tokens[0]), await isGood(tokens[1])]
            #expect(before == [true, false])
            try bench.write("{}", to: "jwks.json")
            let refused = try await bench.reload()
            #expect(refused.outcome == .refused && refused.problems.first?.hasPrefix("identity: ") == true)
            let meanwhile = await isGood(tokens[0])
            #expect(meanwhile && bench.inForce.keyStatus?.keyCount ?? 0 > 0)
            try issuers[1].writeJWKS(to: bench.path("jwks.json"))
            let applied = try await bench.reload()
            #expect(applied.changes == ["the keys of identity changed"])
            let after = [await isGood(tokens[0]), await isGood(tokens[1])]
            #expect(after == [false, true])
            #expect(bench.inForce.keyStatus?.failure == nil && bench.inForce.keyStatus?.fetchedAt != nil)
        }
    }

    /// A transport goes with its last user: a store that is gone and still has a token to end keeps its own.
    @Test func transportsEndWithTheirLastUser() async throws {
        try await ReloadBench.with { bench in
            let stores = [bench.store("github")]
            for round in 1...100 {
                try bench.write(
                    bench.yaml(stores, more: "http: { connectTimeout: \(round % 2 + 1)s }\n"),
                    to: "node.yaml"
                )
                let report = try await bench.reload()
                // It may have been looked at a moment ago.
                #expect(report.outcome != .refused, "\(report.problems)")
            }
            #expect(bench.inForce.status.applied == 100)
            await until { bench.transports.count == 1 }
            #expect(bench.transports.count == 1)
            _ = try await bench.mount("github")
            try bench.write(bench.yaml([bench.store("push")], more: "http: { connectTimeout: 4s }\n"), to: "node.yaml")
            _ = try await bench.reload()
            #expect(bench.transports.count == 2)
            bench.leases.ended(.pod(uid: "uid-1", how: .deleted))
            await until { bench.transports.count == 1 }
            #expect(bench.transports.count == 1)
        }
    }

    @Test func limitsChangeWhileTheyAreUsed() async throws {
        let slow = "limits: { concurrent: 1 }"
        try await ReloadBench.with { bench in
            func entry(_ limits: String) -> String {
                bench.store("github").replacing("kind: keyed", with: "kind: keyed, \(limits)")
            }
            let slot = bench.inForce.stores.slots["github"]
            try bench.write(bench.yaml([entry(slow)]), to: "node.yaml")
            let report = try await bench.reload()
            #expect(report.changes == ["stores.github.limits changed"])
            #expect(bench.inForce.stores.slots["github"] === slot)
            try await bench.gates.enter(store: "github", namespace: "a", within: .seconds(60))
            async let second: Void = bench.gates.enter(store: "github", namespace: "a", within: .seconds(60))
            await until { bench.gates.status(store: "github").waiting == 1 }
            try bench.write(bench.yaml([entry("limits: { concurrent: 2 }")]), to: "node.yaml")
            _ = try await bench.reload()
            try await second
            #expect(bench.gates.status(store: "github").running == 2)
            bench.gates.leave(store: "github", outcome: .unused)
            bench.gates.leave(store: "github", outcome: .unused)
        }
    }
}
