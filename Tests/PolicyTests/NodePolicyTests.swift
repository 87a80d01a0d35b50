// What is granted, by which grant, and in which scope.

import MountRequests
import Refusals
import Testing
import TokenStore

@testable import Policy

@Suite struct NodePolicyTests {
    @Test func grantsWhatIsAskedAndGiven() throws {
        let policy = Samples.policy(try Samples.grant("clone", permissions: ["contents": .write, "packages": .read]))
        let authorization = try policy.authorize(
            Samples.ask(["https://github.com/our-org/x.git"], permissions: ["contents": .read]),
            for: Samples.builder
        )
        #expect(
            authorization
                == Authorization(
                    name: "source",
                    store: "github",
                    grant: "clone",
                    scope: TokenScope(repositories: ["our-org/x"], permissions: ["contents": .read]),
                    service: Samples.github.service,
                    origin: "https://github.com",
                    narrowing: Narrowing()
                )
        )
    }

    @Test func cutsPermissionsAndActionsDown() throws {
        let policy = Samples.policy(
            try Samples.grant("clone", permissions: ["contents": .read, "metadata": .read], actions: [.pull])
        )
        let authorization = try policy.authorize(
            Samples.ask(permissions: ["contents": .admin, "packages": .write], actions: [.pull, .push, .delete]),
            for: Samples.builder
        )
        #expect(
            authorization.scope
                == TokenScope(repositories: ["our-org/x"], permissions: ["contents": .read], actions: [.pull])
        )
        #expect(
            authorization.narrowing.summary
                == "contents:admin became read, packages:write is dropped, delete is dropped, push is dropped"
        )
    }

    @Test func readsEveryRepositoryOnce() throws {
        let policy = Samples.policy(try Samples.grant("clone", permissions: ["contents": .read]))
        let ask = Samples.ask(
            ["https://github.com/our-org/y", "our-org/x", "https://github.com/Our-Org/Y.git", "our-org/x/"],
            permissions: ["contents": .read]
        )
        #expect(try policy.authorize(ask, for: Samples.builder).scope.repositories == ["our-org/x", "our-org/y"])
    }

    @Test func caseMattersWhereTheStoreSaysSo() throws {
        let policy = Samples.policy(
            try Samples.grant("hub", repositories: ["Our-Org/x"], permissions: ["contents": .read]),
            try Samples.grant("lab", store: "gitlab", repositories: ["Our-Org/**"], permissions: ["api": .read])
        )
        let hub = Samples.ask(["OUR-ORG/X"], permissions: ["contents": .read])
        #expect(try policy.authorize(hub, for: Samples.builder).scope.repositories == ["OUR-ORG/X"])
        var lab = Samples.ask(["Our-Org/a/b"], store: "gitlab", permissions: ["api": .read])
        #expect(try policy.authorize(lab, for: Samples.builder).scope.repositories == ["Our-Org/a/b"])
        lab.repositories = ["our-org/a/b"]
        #expect(throws: Refusal.self) { try policy.authorize(lab, for: Samples.builder) }
        // Two spellings are two repositories there.
        lab.repositories = ["Our-Org/a/b", "Our-Org/a/B"]
        #expect(try policy.authorize(lab, for: Samples.builder).scope.repositories.count == 2)
    }

    @Test func readsImageReferences() throws {
        let policy = Samples.policy(
            try Samples.grant("push", store: "push", repositories: ["binder/*"], actions: [.pull, .push])
        )
        let ask = Samples.ask(["registry.example:5000/binder/x:tag"], name: "image", store: "push", actions: [.push])
        #expect(
            try policy.authorize(ask, for: Samples.builder).scope
                == TokenScope(repositories: ["binder/x"], actions: [.push])
        )
    }

    @Test func theFirstGrantThatGivesAllDecides() throws {
        let policy = Samples.policy(
            try Samples.grant("strangers", namespace: "other", permissions: ["contents": .admin]),
            try Samples.grant("less", permissions: ["contents": .read]),
            try Samples.grant("elsewhere", store: "gitlab", permissions: ["contents": .admin]),
            try Samples.grant("all", permissions: ["contents": .write]),
            try Samples.grant("more", permissions: ["contents": .admin])
        )
        func decided(_ level: AccessLevel) throws -> [String] {
            let result = try policy.authorize(Samples.ask(permissions: ["contents": level]), for: Samples.builder)
            return [result.grant, result.scope.permissions["contents"]?.rawValue ?? ""]
        }
        #expect(try decided(.read) == ["less", "read"])
        #expect(try decided(.write) == ["all", "write"])
        #expect(try decided(.admin) == ["more", "admin"])
    }

    @Test func theFirstGrantThatGivesSomeDecidesElse() throws {
        let policy = Samples.policy(
            try Samples.grant("nothing", permissions: ["metadata": .read]),
            try Samples.grant("some", permissions: ["contents": .read]),
            try Samples.grant("most", permissions: ["contents": .write])
        )
        let ask = Samples.ask(permissions: ["contents": .admin])
        #expect(try policy.authorize(ask, for: Samples.builder).grant == "some")
    }

    @Test func grantsAreNeverAddedUp() throws {
        let policy = Samples.policy(
            try Samples.grant("a", repositories: ["our-org/a"], permissions: ["contents": .read]),
            try Samples.grant("b", repositories: ["our-org/b"], permissions: ["contents": .read]),
            try Samples.grant("c", repositories: ["our-org/b"], permissions: ["packages": .read])
        )
        #expect(throws: Refusal.self) {
            try policy.authorize(
                Samples.ask(["our-org/a", "our-org/b"], permissions: ["contents": .read]),
                for: Samples.builder
            )
        }
        let both = Samples.ask(["our-org/b"], permissions: ["contents": .read, "packages": .read])
        #expect(
            try policy.authorize(both, for: Samples.builder).scope
                == TokenScope(repositories: ["our-org/b"], permissions: ["contents": .read])
        )
    }

    @Test func subjectsAreGlobs() throws {
        let policy = Samples.policy(
            try Samples.grant("teams", namespace: "team-*", serviceAccount: "ci?", permissions: ["contents": .read])
        )
        func allowed(_ namespace: String, _ serviceAccount: String) -> Bool {
            let subject = Subject(namespace: namespace, serviceAccount: serviceAccount, podName: "p", podUID: "u")
            return (try? policy.authorize(Samples.ask(permissions: ["contents": .read]), for: subject)) != nil
        }
        #expect(allowed("team-a", "ci1"))
        #expect(!allowed("team-a", "ci"))
        #expect(!allowed("ateam-a", "ci1"))
        #expect(!allowed("TEAM-a", "ci1"), "names in a cluster are compared with regard to case")
        #expect(!allowed("", ""))
    }

    /// Promise 5 of the design: whatever a tenant writes into its request, the grant is the limit.
    @Test(arguments: [
        Samples.ask(permissions: ["contents": .admin]),
        Samples.ask(permissions: ["contents": .write, "packages": .admin, "metadata": .admin]),
        Samples.ask(permissions: ["contents": .read], actions: [.pull, .push, .delete]),
        Samples.ask(["our-org/x", "our-org/y", "OUR-ORG/Z"], permissions: ["contents": .write]),
    ])
    func aWiderWishGetsTheGrantAtMost(ask: TokenAsk) throws {
        let policy = Samples.policy(
            try Samples.grant("clone", permissions: ["contents": .read]),
            try Samples.grant("strangers", namespace: "other", repositories: ["**"], permissions: ["contents": .admin])
        )
        let authorization = try policy.authorize(ask, for: Samples.builder)
        #expect(authorization.grant == "clone")
        #expect(authorization.scope.permissions == ["contents": .read])
        #expect(authorization.scope.actions.isEmpty)
        #expect(authorization.scope.repositories.allSatisfy { $0.lowercased().hasPrefix("our-org/") })
    }

    @Test(arguments: [
        Samples.ask(["other-org/x"], permissions: ["contents": .read]),
        Samples.ask(["our-org/x", "other-org/x"], permissions: ["contents": .read]),
        Samples.ask(["our-org/*"], permissions: ["contents": .read]),
        Samples.ask(["our-org/x/../../other-org/x"], permissions: ["contents": .read]),
        Samples.ask(["https://github.com@evil.example/our-org/x"], permissions: ["contents": .read]),
        Samples.ask(["https://evil.example/our-org/x"], permissions: ["contents": .read]),
        Samples.ask(["our-org%2fx"], permissions: ["contents": .read]),
        Samples.ask([], permissions: ["contents": .read]),
        Samples.ask([""], permissions: ["contents": .read]),
        Samples.ask(["our-org/x"]),
        Samples.ask(["our-org/x"], actions: [.pull]),
        Samples.ask(["our-org/x"], store: "gitlab", permissions: ["contents": .read]),
        Samples.ask(["our-org/x"], store: "push", actions: [.push]),
        Samples.ask(["our-org/x"], store: "", permissions: ["contents": .read]),
    ])
    func aWishForSomethingElseGetsNothing(ask: TokenAsk) throws {
        let policy = Samples.policy(
            try Samples.grant("clone", permissions: ["contents": .read]),
            try Samples.grant("push", namespace: "other", store: "push", actions: [.push])
        )
        #expect(throws: Refusal.self) { try policy.authorize(ask, for: Samples.builder) }
    }

    /// A longer `tokens` parameter gets each token by itself, and none by another's grant.
    @Test func moreTokensGetNoMore() throws {
        let policy = Samples.policy(try Samples.grant("clone", permissions: ["contents": .read]))
        let wanted = Samples.ask(permissions: ["contents": .read])
        var more = wanted
        more.name = "more"
        more.permissions["contents"] = .admin
        let other = Samples.ask(["other-org/x"], name: "other", permissions: ["contents": .read])
        let explanation = policy.explain([wanted, more, other], for: Samples.builder)
        #expect(
            explanation.tokens.map { $0.granted?.permissions } == [["contents": "read"], ["contents": "read"], nil]
        )
        #expect(explanation.tokens.map { $0.granted?.repositories } == [["our-org/x"], ["our-org/x"], nil])
        #expect(!explanation.isGranted, "a Mount is granted whole or not at all")
    }

    @Test func anEmptyPolicyGrantsNothing() {
        let policy = NodePolicy(stores: [Samples.github], grants: [])
        #expect(throws: Refusal.self) {
            try policy.authorize(Samples.ask(permissions: ["contents": .read]), for: Samples.builder)
        }
    }
}
