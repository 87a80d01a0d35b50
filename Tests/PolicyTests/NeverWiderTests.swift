// Promise 1 of the design, over random asks and grants: a scope is never wider than the ask or the grant.

import MountRequests
import Refusals
import Support
import Testing
import TokenStore

@testable import Policy

@Suite struct NeverWiderTests {
    private static let names = ["o/a", "o/b", "O/A", "p/a", "p/b-c"]
    private static let patterns = ["o/*", "*/a", "p/b-?", "**", "o/a", "P/*"].compactMap { try? Glob($0) }
    private static let namespaces = ["binder", "b*", "other"].compactMap { try? Glob($0) }
    private static let serviceAccounts = ["builder", "*", "x"].compactMap { try? Glob($0) }
    private static let permissions = ["contents", "packages", "metadata"]
    private static let stores = [Samples.github, Samples.gitlab]

    private static func levels(_ random: inout SeededRandom) -> [String: AccessLevel] {
        Dictionary(
            uniqueKeysWithValues: random.some(of: permissions).map {
                ($0, AccessLevel.allCases.randomElement(using: &random) ?? .read)
            }
        )
    }

    private static func grant(_ index: Int, _ random: inout SeededRandom) throws -> Grant {
        Grant(
            name: "g\(index)",
            namespace: try #require(namespaces.randomElement(using: &random)),
            serviceAccount: try #require(serviceAccounts.randomElement(using: &random)),
            store: stores.randomElement(using: &random)?.name ?? "",
            repositories: random.some(of: patterns),
            permissions: levels(&random),
            actions: Set(random.some(of: RegistryAction.allCases))
        )
    }

    @Test func scopesAreWithinAskAndGrant() throws {
        var random = SeededRandom(seed: 7)
        var granted = 0
        var narrowed = 0
        for _ in 0..<2000 {
            let grants = try (0..<Int.random(in: 0...4, using: &random)).map { try Self.grant($0, &random) }
            let policy = NodePolicy(stores: Self.stores, grants: grants)
            let ask = Samples.ask(
                random.some(of: Self.names),
                store: Self.stores.randomElement(using: &random)?.name ?? "",
                permissions: Self.levels(&random),
                actions: Set(random.some(of: RegistryAction.allCases))
            )
            let explanation = policy.explain([ask], for: Samples.builder).tokens[0]
            let expected = Self.expectedGrant(for: ask, among: grants)
            do {
                let authorization = try policy.authorize(ask, for: Samples.builder)
                let grant = try #require(grants.first { $0.name == authorization.grant })
                Self.check(authorization, ask, grant)
                #expect(authorization.grant == expected)
                #expect(explanation.granted?.grant == authorization.grant)
                #expect(explanation.granted?.repositories == authorization.scope.repositories)
                #expect(explanation.granted?.narrowing == authorization.narrowing)
                #expect(explanation.grants.filter(\.decides).map(\.grant) == [authorization.grant])
                granted += 1
                if !authorization.narrowing.isEmpty { narrowed += 1 }
            } catch {
                #expect(expected == nil)
                #expect(explanation.refused?.line == (error as? Refusal)?.description)
                #expect(explanation.granted == nil && !explanation.grants.contains(where: \.decides))
            }
        }
        #expect(granted > 200 && narrowed > 40 && granted - narrowed > 40)
    }

    private static func check(_ authorization: Authorization, _ ask: TokenAsk, _ grant: Grant) {
        let scope = authorization.scope
        #expect(!scope.isEmpty)
        #expect(grant.names(Samples.builder))
        #expect(grant.store == ask.store && authorization.store == ask.store)
        #expect(Set(scope.repositories).isSubset(of: ask.repositories))
        let ignoringCase = authorization.service.git?.namesIgnoreCase ?? false
        for repository in scope.repositories {
            #expect(grant.repositories.contains { $0.matches(repository, ignoringCase: ignoringCase) })
        }
        for (name, level) in scope.permissions {
            #expect(ask.permissions[name].map { level <= $0 } ?? false)
            #expect(grant.permissions[name].map { level <= $0 } ?? false)
        }
        #expect(scope.actions.isSubset(of: ask.actions) && scope.actions.isSubset(of: grant.actions))
        // Nothing that both allow is lost, and what is cut is told.
        let cut = authorization.narrowing
        for (name, asked) in ask.permissions {
            #expect(scope.permissions[name] == grant.permissions[name].map { min($0, asked) })
            let told = cut.permissions.first { $0.name == name }
            #expect((told == nil) == (scope.permissions[name] == asked))
            #expect(told.map { $0.asked == asked && $0.given == scope.permissions[name] } ?? true)
        }
        #expect(scope.actions == ask.actions.intersection(grant.actions))
        #expect(Set(cut.actions) == ask.actions.subtracting(grant.actions))
    }

    /// The rule of choice, spelled out: the first that gives all, else the first that gives some.
    private static func expectedGrant(for ask: TokenAsk, among grants: [Grant]) -> String? {
        guard !ask.repositories.isEmpty else { return nil }
        let able = grants.filter { grant in
            grant.names(Samples.builder) && grant.store == ask.store
                && ask.repositories.allSatisfy { repository in
                    grant.repositories.contains { $0.matches(repository, ignoringCase: ask.store == "github") }
                }
        }
        let all = able.first { grant in
            ask.permissions.allSatisfy { name, level in grant.permissions[name].map { $0 >= level } ?? false }
                && ask.actions.isSubset(of: grant.actions) && !(ask.permissions.isEmpty && ask.actions.isEmpty)
        }
        let some = able.first { grant in
            ask.permissions.keys.contains { grant.permissions[$0] != nil }
                || !ask.actions.isDisjoint(with: grant.actions)
        }
        return (all ?? some)?.name
    }
}
