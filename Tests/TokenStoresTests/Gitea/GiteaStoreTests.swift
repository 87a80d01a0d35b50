// The Gitea store against a counterpart that plays Gitea, old Gitea and Forgejo 15.

import Foundation
import LoopbackForge
import LoopbackSources
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GiteaStoreTests {
    private static let file = "/etc/daypass/keys/gitea"

    private struct Scene {
        let gitea: LoopbackGitea
        let source: SourceScene

        func settings(repositoryTokens: Bool? = nil) -> GiteaSettings {
            GiteaSettings(
                url: source.url,
                username: "build bot",
                password: SecretReference(file: GiteaStoreTests.file),
                repositoryTokens: repositoryTokens
            )
        }
        var context: TokenStoreContext { source.context([GiteaStoreTests.file: "open sesame #4711\n"]) }
        func store(repositoryTokens: Bool? = nil) throws -> GiteaStore {
            try GiteaStore(settings: settings(repositoryTokens: repositoryTokens), context: context)
        }
    }

    private func withScene(
        _ version: LoopbackGitea.Version = .gitea,
        pageSize: Int = 50,
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) },
        _ body: (Scene) async throws -> Void
    ) async throws {
        let gitea = LoopbackGitea(version, pageSize: pageSize, git: git)
        gitea.add(account: "build bot", password: "open sesame #4711")
        for name in ["our-org/private", "our-org/other"] { gitea.add(repository: name) }
        try await SourceScene.with({ await gitea.handle($0) }) { source in
            try await body(Scene(gitea: gitea, source: source))
        }
    }

    private static func request(
        _ permissions: [String: AccessLevel] = ["repository": .read],
        actions: Set<RegistryAction> = [],
        repositories: [String] = ["our-org/private"],
        name: String? = nil
    ) -> TokenRequest {
        SourceScene.request(repositories, permissions, actions: actions, name: name)
    }

    @Test func keepsTheContractWithGitea() async throws {
        try await withScene { scene in
            let suite = TokenStoreCompatibilitySuite(
                GiteaStore.self,
                settings: scene.settings(),
                context: scene.context,
                request: Self.request(actions: [.pull, .push])
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.gitea.made > 2)
        }
    }

    @Test func keepsTheContractWithForgejo() async throws {
        try await withScene(.forgejo15) { scene in
            let suite = TokenStoreCompatibilitySuite(
                GiteaStore.self,
                settings: scene.settings(repositoryTokens: true),
                context: scene.context,
                request: Self.request(["repository": .write, "issue": .read])
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.gitea.made > 2)
        }
    }

    @Test func theScopesAreByCategory() async throws {
        try await withScene(.forgejo15) { scene in
            let request = Self.request(["repository": .write, "package": .read], actions: [.push], name: "daypass-01")
            let token = try await scene.store().issue(request)
            #expect(token.username == "build bot")
            #expect(token.expiresAt == nil)
            #expect(token.grantedScope == request.scope)
            let calls = scene.source.http.calls
            #expect(calls.count == 1)
            #expect(calls[0].url == "\(scene.source.url)/api/v1/users/build%20bot/tokens")
            #expect(
                String(decoding: calls[0].body ?? [], as: UTF8.self)
                    == #"{"name":"daypass-01","scopes":["write:package","write:repository"]}"#
            )
            guard case .wider = GiteaStore.reach(for: scene.settings()) else {
                Issue.record("a token reaches what its account reaches")
                return
            }
        }
    }

    @Test func forgejoLimitsToRepositories() async throws {
        try await withScene(.forgejo15) { scene in
            #expect(GiteaStore.reach(for: scene.settings(repositoryTokens: true)) == .exact)
            let store = try scene.store(repositoryTokens: true)
            let token = try await store.issue(
                Self.request(repositories: ["our-org/private", "our-org/other"], name: "daypass-02")
            )
            #expect(scene.gitea.tokens.first?.repositories == ["our-org/other", "our-org/private"])
            #expect(token.handle?.identifier == "1")
            #expect(
                String(decoding: scene.source.http.calls[0].body ?? [], as: UTF8.self)
                    == #"{"name":"daypass-02","repositories":[{"name":"other","owner":"our-org"},"#
                    + #"{"name":"private","owner":"our-org"}],"scopes":["read:repository"]}"#
            )
            let unknown = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(Self.request(repositories: ["our-org/nowhere"]))
            }
            #expect(unknown.code == .refused)
            #expect(unknown.fix.contains("the repositories of the scope"))
            let packages = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(Self.request([:], actions: [.pull]))
            }
            #expect(packages.message.contains("repository and issue only"))
        }
    }

    /// A server that does not know the limit, or no scopes at all, makes tokens that reach too far.
    @Test func aTokenThatReachesTooFarIsDeleted() async throws {
        for (version, limited, text) in [
            (LoopbackGitea.Version.gitea, true, "a reach of all repositories"),
            (.oldGitea, false, "none of the scopes"),
        ] {
            try await withScene(version) { scene in
                let store = try scene.store(repositoryTokens: limited)
                let error = try await storeError { () async throws(TokenStoreError) in
                    try await store.issue(Self.request())
                }
                #expect(error.code == .malformedAnswer)
                #expect(error.message.contains(text), "\(error)")
                #expect(!error.tokenMayExist)
                #expect(scene.gitea.made == 1)
                #expect(scene.gitea.tokens.isEmpty)
            }
        }
    }

    @Test func scopesThatWereNotAskedForAreRefused() async throws {
        let http = ScriptedTransport()
        http.then(201, json: #"{"id":5,"name":"x","sha1":"0123456789","scopes":["all"]}"#)
        http.then(500)
        let store = try Self.scripted(http)
        let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(Self.request()) }
        #expect(error.message.contains("scopes that were not asked for"))
        #expect(error.tokenMayExist)
        #expect(!"\(error)".contains("0123456789"))
    }

    @Test func aLostAnswerIsFoundByItsName() async throws {
        // The server's pages are shorter than asked for.
        try await withScene(.forgejo15, pageSize: 20) { scene in
            scene.gitea.addOthers(45, user: "build bot") { "daypass-7-lost-\($0)" }
            let store = try scene.store()
            let lost = Self.request(name: "daypass-7-lost")
            scene.source.http.loseNextAnswer()
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(lost) }
            #expect(error.code == .unavailable)
            #expect(error.tokenMayExist)
            let again = try await storeError { () async throws(TokenStoreError) in try await store.issue(lost) }
            #expect(again.message == "build bot has a token of this name already (HTTP 400)")
            #expect(again.tokenMayExist)
            let found = try #require(try await scene.store().find(lost.tokenName, scope: lost.scope))
            #expect(found.map(\.identifier) == ["46"])
            try await store.revoke(found[0])
            #expect(scene.gitea.tokens.count == 45)
            #expect(try await store.find(lost.tokenName, scope: lost.scope) == [])
        }
    }

    @Test func realGitClonesWithALiveTokenOnly() async throws {
        try await RealGit.with { client in
            let repositories = GitRepositories(root: client.directory.appendingPathComponent("repositories"))
            try await repositories.create("our-org/private", files: ["a.txt": "a\n"])
            try await repositories.create("our-org/other", files: ["a.txt": "b\n"])
            try await withScene(.forgejo15, git: RealGit.server(repositories)) { scene in
                let store = try scene.store(repositoryTokens: true)
                let token = try await store.issue(Self.request())
                let target = client.directory.appendingPathComponent("clone").path
                let clone = try await client.run(
                    token,
                    ["clone", "-q", "\(scene.source.url)/our-org/private.git", target]
                )
                #expect(clone.code == 0, "\(clone.text)")
                #expect(try String(contentsOfFile: target + "/a.txt", encoding: .utf8) == "a\n")
                let other = ["ls-remote", "\(scene.source.url)/our-org/other.git"]
                #expect(try await client.run(token, other).code != 0)
                try await store.revoke(try #require(token.handle))
                let revoked = try await client.run(token, ["-C", target, "fetch", "-q"])
                #expect(revoked.code != 0)
                #expect(revoked.text.contains("Authentication failed"), "\(revoked.text)")
            }
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await withScene { scene in
            scene.gitea.add(account: "build bot", password: "another")
            let store = try scene.store()
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(Self.request())
            }
            #expect(error.code == .misconfigured)
            #expect(error.fix.contains("no second factor"))
            #expect(!"\(error)".contains("presented"))
        }
        for (status, code) in [
            (400, TokenStoreError.Code.refused), (422, .refused), (403, .refused), (404, .refused), (500, .unavailable),
        ] {
            let http = ScriptedTransport()
            http.then(status, json: #"{"message":"marked"}"#)
            let store = try Self.scripted(http)
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(Self.request())
            }
            #expect(error.code == code)
            #expect(error.tokenMayExist == (status == 500))
            #expect(!"\(error)".contains("marked"))
        }
        for (request, text) in [
            (Self.request(["contents": .read]), "no token for contents:read"),
            (Self.request(["repository": .admin]), "no token for repository:admin"),
            (Self.request([:], actions: [.delete]), "may only delete"),
        ] {
            let http = ScriptedTransport()
            let store = try Self.scripted(http)
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
            #expect(error.code == .refused)
            #expect(error.message.contains(text), "\(error)")
            #expect(http.calls.isEmpty)
        }
    }

    @Test func aTokenThatIsGoneIsRevoked() async throws {
        for (status, body, isGone) in [
            (204, "", true), (404, #"{"message":"The target couldn't be found."}"#, true), (404, "<html>", false),
            (403, #"{"message":"x"}"#, false),
        ] {
            let http = ScriptedTransport()
            http.then(status, json: body)
            let store = try Self.scripted(http)
            do throws(TokenStoreError) {
                try await store.revoke(RevocationHandle(identifier: "7"))
                #expect(isGone)
            } catch {
                #expect(!isGone)
            }
            #expect(http.calls[0].url == "https://gitea.example.com/api/v1/users/bot/tokens/7")
        }
        // A name is none of our handles.
        let store = try Self.scripted(ScriptedTransport())
        let error = try await storeError { () async throws(TokenStoreError) in
            try await store.revoke(RevocationHandle(identifier: "daypass-1"))
        }
        #expect(error.code == .refused)
    }

    private static func scripted(_ http: ScriptedTransport) throws -> GiteaStore {
        try GiteaStore(
            settings: GiteaSettings(
                url: "https://gitea.example.com",
                username: "bot",
                password: SecretReference(file: file)
            ),
            context: SourceScene.context(http, [file: "a password"])
        )
    }

    @Test func wrongSettingsAreNamed() throws {
        let right = GiteaSettings(
            url: "https://gitea.example.com:3000",
            username: "bot",
            password: SecretReference(file: Self.file)
        )
        #expect(try GiteaStore.service(for: right).registryHost == "gitea.example.com:3000")
        for (change, expected) in [
            ({ $0.url = "https://example.com/gitea" }, "url can't be used"),
            ({ $0.username = "" }, "username is empty"),
            ({ $0.registryHost = "a b" }, "registryHost is no host name"),
        ] as [((inout GiteaSettings) -> Void, String)] {
            var settings = right
            change(&settings)
            do throws(TokenStoreError) {
                _ = try GiteaStore.service(for: settings)
                Issue.record("\(expected) did not come")
            } catch {
                #expect(error.code == .misconfigured)
                #expect(error.message.contains(expected), "\(error)")
            }
        }
    }
}
