// The GitLab store against a counterpart that checks what GitLab checks.

import Foundation
import LoopbackForge
import LoopbackSources
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GitLabStoreTests {
    @Test func keepsTheContractWithDeployTokens() async throws {
        try await GitLabScene.with { scene in
            let suite = TokenStoreCompatibilitySuite(
                GitLabStore.self,
                settings: scene.settings(),
                context: scene.context,
                request: GitLabScene.request(actions: [.pull, .push])
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.gitLab.tokens.count > 3)
            #expect(scene.gitLab.tokens.allSatisfy { $0.kind == .deploy })
        }
    }

    @Test func keepsTheContractWithAccessTokens() async throws {
        try await GitLabScene.with { scene in
            var suite = TokenStoreCompatibilitySuite(
                GitLabStore.self,
                settings: scene.settings(.access, group: "our-org"),
                context: scene.context,
                request: GitLabScene.request(
                    ["repository": .write],
                    repositories: [GitLabScene.project, "our-org/other"]
                )
            )
            // The expiry is a midnight.
            suite.lifeRounding = .seconds(86400)
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.gitLab.tokens.allSatisfy { $0.kind == .access && $0.owner == "groups/our-org" })
        }
    }

    @Test func aDeployTokenExpiresToTheSecond() async throws {
        let clock = ManualClock()
        try await GitLabScene.with(clock: clock) { scene in
            let request = GitLabScene.request(
                ["repository": .read, "package_registry": .write],
                actions: [.pull],
                lifetime: .seconds(7200),
                name: "daypass-0123"
            )
            let token = try await scene.store().issue(request)
            #expect(token.username == "gitlab+deploy-token-1")
            #expect(token.expiresAt == UTCInstant(rfc3339: "2026-01-01T02:00:00Z"))
            #expect(token.grantedScope == request.scope)
            #expect(token.handle?.identifier == "projects/our-org%2Fsub%2Fprivate/deploy_tokens/1")
            let call = try #require(scene.source.http.calls.first)
            #expect(call.method == "POST")
            #expect(
                call.url == "\(scene.source.url)/api/v4/projects/our-org%2Fsub%2Fprivate/deploy_tokens"
            )
            #expect(call.authorization == Secret(utf8: "Bearer \(GitLabScene.adminToken)"))
            #expect(
                String(decoding: call.body ?? [], as: UTF8.self)
                    == #"{"expires_at":"2026-01-01T02:00:00Z","name":"daypass-0123","scopes":["read_package_registry","#
                    + #""read_registry","read_repository","write_package_registry"]}"#
            )
            let secret = token.secret.revealText()
            #expect(scene.gitLab.authenticate(token.username, secret) != nil)
            #expect(scene.gitLab.authenticate("oauth2", secret) == nil)
            clock.advance(by: .seconds(7200))
            #expect(scene.gitLab.authenticate(token.username, secret) == nil)
        }
    }

    /// The expiry is the first midnight that is not before the wished end, and never today's.
    @Test(
        arguments: [
            ("2026-01-01T00:00:00Z", nil, "2026-01-02"),
            ("2026-01-01T12:00:00Z", 3600, "2026-01-02"),
            ("2026-01-01T23:00:00Z", 3600, "2026-01-02"),
            ("2026-01-01T23:00:01Z", 3600, "2026-01-03"),
            ("2026-02-28T12:00:00Z", 86400, "2026-03-02"),
            ("2026-12-31T23:59:59Z", 1, "2027-01-02"),
            ("2026-01-01T00:00:01Z", 500 * 86400, "2027-01-01"),
        ] as [(String, Int?, String)]
    )
    func anAccessTokenExpiresAtAMidnight(now: String, seconds: Int?, date: String) async throws {
        let clock = ManualClock(now: try #require(UTCInstant(rfc3339: now)))
        try await GitLabScene.with(clock: clock) { scene in
            let lifetime = seconds.map { Duration.seconds($0) }
            let token = try await scene.store(.access).issue(GitLabScene.request(lifetime: lifetime))
            #expect(token.expiresAt == UTCInstant(rfc3339: date + "T00:00:00Z"))
            #expect(token.username == "oauth2")
            let minted = try #require(scene.gitLab.tokens.first)
            #expect(minted.kind == .access)
            #expect(minted.accessLevel == 20)
        }
    }

    @Test func aGitPushTakesAnAccessToken() async throws {
        try await GitLabScene.with { scene in
            let store = try scene.store()
            let push = try await store.issue(GitLabScene.request(["repository": .write]))
            #expect(push.grantedScope.permissions == ["repository": .write])
            let registry = try await store.issue(GitLabScene.request([:], actions: [.push]))
            #expect(registry.grantedScope.actions == [.push])
            let tokens = scene.gitLab.tokens
            #expect(tokens.map(\.kind) == [.access, .deploy])
            #expect(tokens.map(\.scopes) == [["write_repository"], ["write_registry"]])
            #expect(tokens[0].accessLevel == 30)
            let given = try await scene.store(accessLevel: 40).issue(GitLabScene.request(["repository": .write]))
            #expect(given.handle != nil)
            #expect(scene.gitLab.tokens.last?.accessLevel == 40)
        }
    }

    @Test func groupsReachWiderAndSaySo() async throws {
        try await GitLabScene.with { scene in
            #expect(GitLabStore.reach(for: scene.settings()) == .exact)
            guard case .wider = GitLabStore.reach(for: scene.settings(group: "our-org")) else {
                Issue.record("a group's token reaches more than one project")
                return
            }
            let store = try scene.store(group: "our-org")
            let token = try await store.issue(
                GitLabScene.request(repositories: ["Our-Org/other", GitLabScene.project])
            )
            #expect(token.handle?.identifier == "groups/our-org/deploy_tokens/1")
            let outside = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request(repositories: ["our-org-2/other"]))
            }
            #expect(outside.code == .refused)
            #expect(outside.message == "the scope names a project outside of the group our-org")
        }
    }

    @Test func theAdminTokenIsReadAtEachUse() async throws {
        try await GitLabScene.with { scene in
            let secrets = ChangingSecrets([:])
            var context = scene.context
            context.secrets = secrets
            let store = try GitLabStore(settings: scene.settings(), context: context)
            let missing = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(missing.code == .misconfigured)
            #expect(missing.message == "\(GitLabScene.file) does not exist")
            secrets.set(GitLabScene.file, " \n")
            let empty = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(empty.message.hasPrefix("\(GitLabScene.file) is empty"))
            secrets.set(GitLabScene.file, GitLabScene.adminToken)
            let token = try await store.issue(GitLabScene.request())
            secrets.set(GitLabScene.file, "glpat-second-987654321")
            scene.gitLab.add("glpat-second-987654321", LoopbackGitLab.Caller(roles: [GitLabScene.project: 40]))
            scene.gitLab.remove(caller: GitLabScene.adminToken)
            try await store.revoke(try #require(token.handle))
            #expect(scene.gitLab.live.isEmpty)
        }
    }

    /// The answer to a mint is lost; the token is found by its name among two hundred others, and revoked.
    @Test(arguments: [GitLabSettings.TokenType.deploy, .access])
    func aLostAnswerIsFoundByItsName(type: GitLabSettings.TokenType) async throws {
        try await GitLabScene.with { scene in
            let store = try scene.store(type)
            scene.gitLab.addOthers(205, type == .deploy ? .deploy : .access, project: GitLabScene.project)
            let lost = GitLabScene.request(name: "other-7-los")
            scene.source.http.loseNextAnswer()
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(lost) }
            #expect(error.code == .unavailable)
            #expect(error.tokenMayExist)
            #expect(scene.gitLab.live.count == 206)
            // Another instance, as after a restart.
            let found = try #require(try await scene.store(type).find(lost.tokenName, scope: lost.scope))
            #expect(found.map(\.identifier) == ["projects/our-org%2Fsub%2Fprivate/\(type.rawValue)_tokens/206"])
            try await store.revoke(found[0])
            #expect(scene.gitLab.live.count == 205)
            #expect(!scene.gitLab.live.contains { $0.name == lost.tokenName })
            #expect(try await store.find(lost.tokenName, scope: lost.scope) == [])
            if type == .deploy {
                #expect(scene.gitLab.requests.filter { $0.hasPrefix("GET") }.count == 6)
            }
        }
    }

    @Test func realGitClonesWithALiveTokenOnly() async throws {
        try await RealGit.with { client in
            let root = client.directory.appendingPathComponent("repositories")
            let repositories = GitRepositories(root: root)
            try await repositories.create(GitLabScene.project, files: ["src/main.txt": "the source\n"])
            try await repositories.create("our-org/other", files: ["a": "b\n"])
            try await GitLabScene.with(git: RealGit.server(repositories)) { scene in
                let store = try scene.store()
                let url = "\(scene.source.url)/\(GitLabScene.project).git"
                let reader = try await store.issue(GitLabScene.request())
                let target = client.directory.appendingPathComponent("clone").path
                let clone = try await client.run(reader, ["clone", "-q", url, target])
                #expect(clone.code == 0, "\(clone.text)")
                let text = try String(contentsOfFile: target + "/src/main.txt", encoding: .utf8)
                #expect(text == "the source\n")
                let other = try await client.run(reader, ["ls-remote", "\(scene.source.url)/our-org/other.git"])
                #expect(other.code != 0)

                let commit = try await client.run(reader, ["-C", target, "commit", "-q", "--allow-empty", "-m", "x"])
                #expect(commit.code == 0, "\(commit.text)")
                let refused = try await client.run(reader, ["-C", target, "push", "-q", "origin", "main"])
                #expect(refused.code != 0)
                #expect(refused.text.contains("403"), "\(refused.text)")
                let writer = try await store.issue(GitLabScene.request(["repository": .write]))
                let pushed = try await client.run(writer, ["-C", target, "push", "-q", "origin", "main"])
                #expect(pushed.code == 0, "\(pushed.text)")

                try await store.revoke(try #require(reader.handle))
                let revoked = try await client.run(reader, ["ls-remote", url])
                #expect(revoked.code != 0)
                #expect(revoked.text.contains("Authentication failed"), "\(revoked.text)")
                #expect(try await client.run(writer, ["ls-remote", url]).code == 0)
                try await store.revoke(try #require(writer.handle))
                #expect(try await client.run(writer, ["ls-remote", url]).code != 0)
            }
        }
    }
}
