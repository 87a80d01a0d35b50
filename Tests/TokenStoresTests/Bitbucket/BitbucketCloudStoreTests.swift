// The store for Bitbucket Cloud against a counterpart of its token endpoint.

import Foundation
import LoopbackForge
import LoopbackSources
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct BitbucketCloudStoreTests {
    private static let file = "/etc/daypass/keys/bitbucket"
    private static let secret = "consumer-secret-0123456789"

    private struct Scene {
        let cloud: LoopbackBitbucketCloud
        let source: SourceScene
        let clock: any WallClock

        var settings: BitbucketCloudSettings {
            BitbucketCloudSettings(
                workspace: "our-team",
                key: "consumerKey",
                secret: SecretReference(file: file),
                url: source.url
            )
        }
        var context: TokenStoreContext { source.context([file: secret + "\n"], clock: clock) }
        func store() throws -> BitbucketCloudStore {
            try BitbucketCloudStore(settings: settings, context: context)
        }
        func add(scopes: String, isPrivate: Bool = true) {
            cloud.add(
                "consumerKey",
                .init(secret: secret, workspace: "our-team", scopes: scopes, isPrivate: isPrivate)
            )
        }
        /// The error of a mint that must fail.
        func error(_ request: TokenRequest) async throws -> TokenStoreError {
            let store = try store()
            return try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
        }
    }

    private func withScene(
        clock: any WallClock = SystemClock(),
        scopes: String = "repository",
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) },
        _ body: (Scene) async throws -> Void
    ) async throws {
        let cloud = LoopbackBitbucketCloud(clock: clock, git: git)
        try await SourceScene.with({ await cloud.handle($0) }) { source in
            let scene = Scene(cloud: cloud, source: source, clock: clock)
            scene.add(scopes: scopes)
            try await body(scene)
        }
    }

    private static func request(
        _ level: AccessLevel = .read,
        _ repositories: [String] = ["our-team/private"]
    ) -> TokenRequest {
        SourceScene.request(repositories, ["repository": level])
    }

    @Test func keepsTheContract() async throws {
        try await withScene { scene in
            let suite = TokenStoreCompatibilitySuite(
                BitbucketCloudStore.self,
                settings: scene.settings,
                context: scene.context,
                request: Self.request()
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.cloud.count > 1)
        }
    }

    @Test func theCallIsAClientCredentialsGrant() async throws {
        let clock = ManualClock()
        try await withScene(clock: clock, scopes: "repository:write repository account") { scene in
            let token = try await scene.store().issue(Self.request(.write))
            #expect(token.username == "x-token-auth")
            #expect(token.expiresAt == clock.now.advanced(by: .seconds(7200)))
            #expect(token.grantedScope.permissions == ["repository": .write])
            #expect(token.handle == nil)
            let call = try #require(scene.source.http.calls.first)
            #expect(call.url == "\(scene.source.url)/site/oauth2/access_token")
            #expect(String(decoding: call.body ?? [], as: UTF8.self) == "grant_type=client_credentials")
            let pair = Data("consumerKey:\(Self.secret)".utf8).base64EncodedString()
            #expect(call.authorization == Secret(utf8: "Basic \(pair)"))
        }
    }

    /// What the consumer may do is not what is asked for.
    @Test(arguments: [
        ("repository:write", AccessLevel.read, TokenStoreError.Code.misconfigured, "may do more than read"),
        ("repository repository:admin", .write, .misconfigured, "may do more than write"),
        ("repository webhook", .read, .misconfigured, "may do more than read"),
        ("repository pullrequest:write", .read, .misconfigured, "may do more than read"),
        ("account", .read, .refused, "may not read repositories"),
        ("repository", .write, .refused, "may not write repositories"),
        ("", .read, .refused, "may not read repositories"),
    ])
    func theConsumersScopesDecide(scopes: String, level: AccessLevel, code: TokenStoreError.Code, text: String)
        async throws
    {
        try await withScene(scopes: scopes) { scene in
            let error = try await scene.error(Self.request(level))
            #expect(error.code == code)
            #expect(error.message.contains(text), "\(error)")
            #expect(error.tokenMayExist)
            #expect(scene.cloud.count == 1)
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await withScene { scene in
            let outside = try await scene.error(Self.request(.read, ["other-team/private"]))
            #expect(outside.message == "the scope names a repository outside of the workspace our-team")
            #expect(try await scene.error(Self.request(.admin)).code == .refused)
            #expect(scene.source.http.calls.isEmpty)
            scene.add(scopes: "repository", isPrivate: false)
            let grant = try await scene.error(Self.request())
            #expect(grant.code == .misconfigured)
            #expect(grant.fix.contains("private consumer"))
            #expect(!"\(grant)".contains("marked"))
            scene.cloud.add("consumerKey", .init(secret: "another", workspace: "our-team", scopes: "repository"))
            let client = try await scene.error(Self.request())
            #expect(client.code == .misconfigured)
            #expect(client.fix.contains("the secret in \(Self.file)"))
        }
    }

    @Test func nothingCanBeRevoked() async throws {
        try await withScene { scene in
            let store = try scene.store()
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.revoke(RevocationHandle(identifier: "x"))
            }
            #expect(error.code == .refused)
            #expect(try await store.find("daypass-1", scope: Self.request().scope) == nil)
            scene.source.http.loseNextAnswer()
            #expect(try await scene.error(Self.request()).tokenMayExist)
        }
    }

    @Test func anAnswerWithoutALifeIsRefused() async throws {
        for body in [
            #"{"access_token":"at-0123456789","scopes":"repository"}"#, #"{"scopes":"repository","expires_in":7200}"#,
            #"{"access_token":"at-0123456789","scopes":"repository","expires_in":0}"#,
            #"{"access_token":"a b","scopes":"repository","expires_in":7200}"#,
        ] {
            let http = ScriptedTransport()
            http.then(200, json: body)
            let store = try BitbucketCloudStore(
                settings: BitbucketCloudSettings(
                    workspace: "our-team",
                    key: "k",
                    secret: SecretReference(file: Self.file)
                ),
                context: SourceScene.context(http, [Self.file: Self.secret])
            )
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(Self.request())
            }
            #expect(error.code == .malformedAnswer)
            #expect(!"\(error)".contains("0123456789"))
            #expect(http.calls[0].url == "https://bitbucket.org/site/oauth2/access_token")
        }
    }

    @Test func realGitClonesUntilTheTokenExpires() async throws {
        let clock = ManualClock()
        try await RealGit.with { client in
            let repositories = GitRepositories(root: client.directory.appendingPathComponent("repositories"))
            try await repositories.create("our-team/private", files: ["a.txt": "a\n"])
            try await withScene(clock: clock, git: RealGit.server(repositories)) { scene in
                let token = try await scene.store().issue(Self.request())
                let url = "\(scene.source.url)/our-team/private.git"
                let target = client.directory.appendingPathComponent("clone").path
                let clone = try await client.run(token, ["clone", "-q", url, target])
                #expect(clone.code == 0, "\(clone.text)")
                clock.advance(by: .seconds(7200))
                #expect(try await client.run(token, ["ls-remote", url]).code != 0)
            }
        }
    }

    @Test func wrongSettingsAreNamed() throws {
        let right = BitbucketCloudSettings(workspace: "our-team", key: "k", secret: SecretReference(file: Self.file))
        #expect(try BitbucketCloudStore.service(for: right).git?.origin == "https://bitbucket.org")
        for (change, expected) in [
            ({ $0.workspace = "our team" }, "workspace is no name"),
            ({ $0.workspace = "a/b" }, "workspace is no name"),
            ({ $0.key = "a:b" }, "key is empty or holds"),
            ({ $0.url = "http://bitbucket.org" }, "url can't be used"),
        ] as [((inout BitbucketCloudSettings) -> Void, String)] {
            var settings = right
            change(&settings)
            do throws(TokenStoreError) {
                _ = try BitbucketCloudStore.service(for: settings)
                Issue.record("\(expected) did not come")
            } catch {
                #expect(error.code == .misconfigured)
                #expect(error.message.contains(expected), "\(error)")
            }
        }
    }
}
