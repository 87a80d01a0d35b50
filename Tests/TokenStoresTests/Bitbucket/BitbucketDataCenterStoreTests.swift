// The store for Bitbucket Data Center against a counterpart that checks what its API checks.

import Foundation
import LoopbackForge
import LoopbackSources
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct BitbucketDataCenterStoreTests {
    private static let file = "/etc/daypass/keys/bitbucket"
    private static let repository = "scm/PROJ/private"

    private struct Scene {
        let bitbucket: LoopbackBitbucketDataCenter
        let source: SourceScene
        let clock: any WallClock

        var settings: BitbucketDataCenterSettings {
            BitbucketDataCenterSettings(url: source.url, username: "builder", password: SecretReference(file: file))
        }
        var context: TokenStoreContext { source.context([file: "open sesame #4711\n"], clock: clock) }
        func store() throws -> BitbucketDataCenterStore {
            try BitbucketDataCenterStore(settings: settings, context: context)
        }
        /// The error of a mint that must fail.
        func error(_ request: TokenRequest) async throws -> TokenStoreError {
            let store = try store()
            return try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
        }
    }

    private func withScene(
        clock: any WallClock = SystemClock(),
        acceptsBasic: Bool = true,
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) },
        _ body: (Scene) async throws -> Void
    ) async throws {
        let bitbucket = LoopbackBitbucketDataCenter(clock: clock, acceptsBasic: acceptsBasic, git: git)
        bitbucket.add(account: "builder", password: "open sesame #4711")
        bitbucket.add(repository: "PROJ/private", administrators: ["builder"])
        bitbucket.add(repository: "PROJ/other", administrators: [])
        try await SourceScene.with({ await bitbucket.handle($0) }) { source in
            try await body(Scene(bitbucket: bitbucket, source: source, clock: clock))
        }
    }

    private static func request(
        _ level: AccessLevel = .read,
        _ repositories: [String] = [repository],
        lifetime: Duration? = nil,
        name: String? = nil
    ) -> TokenRequest {
        SourceScene.request(repositories, ["repository": level], lifetime: lifetime, name: name)
    }

    @Test func keepsTheContract() async throws {
        try await withScene { scene in
            let suite = TokenStoreCompatibilitySuite(
                BitbucketDataCenterStore.self,
                settings: scene.settings,
                context: scene.context,
                request: Self.request(.write)
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.bitbucket.made > 2)
        }
    }

    @Test func aTokenIsOfTheRepositoryAndLivesForDays() async throws {
        let clock = ManualClock()
        try await withScene(clock: clock) { scene in
            let request = Self.request(.write, lifetime: .seconds(90_000), name: "daypass-0123")
            let token = try await scene.store().issue(request)
            #expect(token.username == "x-token-auth")
            #expect(token.expiresAt == clock.now.advanced(by: .seconds(2 * 86400)))
            #expect(token.grantedScope == request.scope)
            #expect(token.handle?.identifier == "projects/PROJ/repos/private/252973515069")
            let call = try #require(scene.source.http.calls.first)
            #expect(call.method == "PUT")
            #expect(call.url == "\(scene.source.url)/rest/access-tokens/latest/projects/PROJ/repos/private")
            #expect(
                String(decoding: call.body ?? [], as: UTF8.self)
                    == #"{"expiryDays":2,"name":"daypass-0123","permissions":["REPO_WRITE"]}"#
            )
        }
    }

    @Test func aLostAnswerIsFoundByItsName() async throws {
        try await withScene { scene in
            scene.bitbucket.addOthers(150, repository: "PROJ/private") { "daypass-7-lost-\($0)" }
            let store = try scene.store()
            let lost = Self.request(name: "daypass-7-lost")
            scene.source.http.loseNextAnswer()
            let error = try await scene.error(lost)
            #expect(error.code == .unavailable)
            #expect(error.tokenMayExist)
            let found = try #require(try await scene.store().find(lost.tokenName, scope: lost.scope))
            #expect(found.map(\.identifier) == ["projects/PROJ/repos/private/252973515219"])
            try await store.revoke(found[0])
            #expect(scene.bitbucket.tokens.count == 150)
            #expect(try await store.find(lost.tokenName, scope: lost.scope) == [])
            #expect(scene.bitbucket.requests.filter { $0.hasPrefix("GET") }.count == 4)
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await withScene { scene in
            let unknown = try await scene.error(Self.request(.read, ["scm/PROJ/nowhere"]))
            #expect(unknown.code == .refused)
            #expect(unknown.message == "Bitbucket finds nothing to create a token of PROJ/nowhere (HTTP 404)")
            let noAdministrator = try await scene.error(Self.request(.read, ["scm/PROJ/other"]))
            #expect(noAdministrator.code == .misconfigured)
            #expect(noAdministrator.fix.contains("builder administers the repository"))
            #expect(!"\(noAdministrator)".contains("marked"))
            for (request, text) in [
                (Self.request(.read, ["PROJ/private"]), "no path of a Bitbucket repository"),
                (Self.request(.read, ["git/PROJ/private"]), "no path of a Bitbucket repository"),
                (Self.request(.admin), "the permission repository only"),
                (Self.request(.read, ["scm/P/a", "scm/P/b"]), "reaches one repository"),
            ] {
                let error = try await scene.error(request)
                #expect(error.code == .refused)
                #expect(error.message.contains(text), "\(error)")
            }
            #expect(scene.bitbucket.requests.count == 2)
            #expect(scene.bitbucket.tokens.isEmpty)
        }
    }

    private static func scripted(_ http: ScriptedTransport) throws -> BitbucketDataCenterStore {
        try BitbucketDataCenterStore(
            settings: BitbucketDataCenterSettings(
                url: "https://bitbucket.example.com",
                username: "builder",
                password: SecretReference(file: file)
            ),
            context: SourceScene.context(http, [file: "a password"], clock: ManualClock())
        )
    }

    /// More than was asked for: the token is deleted, and is not handed out. The clock shows 2026-01-01.
    @Test(arguments: [
        #""permissions":["REPO_READ","REPO_WRITE"]"#, #""permissions":[]"#, #""expiryDays":90"#,
        #""expiryDate":1775001600000"#, #""expiryDate":1775001600"#, #""expiryDate":1000"#,
    ])
    func aWrongTokenIsDeleted(fields: String) async throws {
        let http = ScriptedTransport()
        http.then(200, json: #"{"id":"77","name":"x","token":"BBDC-0123456789",\#(fields)}"#)
        http.then(204)
        let store = try Self.scripted(http)
        let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(Self.request()) }
        #expect(error.code == .malformedAnswer)
        #expect(!error.tokenMayExist)
        #expect(!"\(error)".contains("BBDC-"))
        #expect(
            http.calls.last?.url
                == "https://bitbucket.example.com/rest/access-tokens/latest/projects/PROJ/repos/private/77"
        )
    }

    /// The API's description promises neither permissions nor expiry in the answer.
    @Test func aTerseAnswerIsTaken() async throws {
        for fields in [#""createdDate":1767225600000"#, #""expiryDate":1767312000000"#, #""expiryDate":1767312000"#] {
            let http = ScriptedTransport()
            http.then(200, json: #"{"id":"77","name":"x","token":"BBDC-0123456789",\#(fields)}"#)
            let token = try await Self.scripted(http).issue(Self.request())
            #expect(token.expiresAt == UTCInstant(rfc3339: "2026-01-02T00:00:00Z"))
        }
    }

    @Test func aHiddenRepositoryIsNoRevocation() async throws {
        func exception(_ name: String) -> String { #"{"errors":[{"message":"x","exceptionName":"\#(name)"}]}"# }
        for (status, body, isGone) in [
            (204, "", true), (404, exception("NoSuchEntityException"), true),
            (404, exception("com.atlassian.bitbucket.repository.NoSuchRepositoryException"), false),
            (404, exception("com.atlassian.bitbucket.project.NoSuchProjectException"), false),
            (404, #"{"message":"HTTP 404 Not Found"}"#, false), (401, exception("x"), false),
        ] {
            let http = ScriptedTransport()
            http.then(status, json: body)
            let store = try Self.scripted(http)
            do throws(TokenStoreError) {
                try await store.revoke(RevocationHandle(identifier: "projects/PROJ/repos/private/77"))
                #expect(isGone)
            } catch {
                #expect(!isGone)
            }
        }
        for identifier in ["", "projects/PROJ/repos/private/x", "projects/../repos/a/1", "projects/PROJ/repos/private"]
        {
            let store = try Self.scripted(ScriptedTransport())
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.revoke(RevocationHandle(identifier: identifier))
            }
            #expect(error.code == .refused)
        }
    }

    /// As a password, and, where Bitbucket wants it so, as a bearer token in a field of git's configuration.
    @Test(arguments: [true, false])
    func realGitClonesWithALiveTokenOnly(acceptsBasic: Bool) async throws {
        try await RealGit.with { client in
            let repositories = GitRepositories(root: client.directory.appendingPathComponent("repositories"))
            try await repositories.create(Self.repository, files: ["a.txt": "a\n"])
            try await withScene(acceptsBasic: acceptsBasic, git: RealGit.server(repositories)) { scene in
                let store = try scene.store()
                let token = try await store.issue(Self.request())
                let url = "\(scene.source.url)/\(Self.repository).git"
                let field = "http.\(scene.source.url)/.extraHeader=Authorization: Bearer \(token.secret.revealText())"
                let basic = try await client.run(token, ["ls-remote", url])
                #expect((basic.code == 0) == acceptsBasic, "\(basic.text)")
                let bearer = try await client.run(token, ["-c", field, "ls-remote", url])
                #expect(bearer.code == 0, "\(bearer.text)")
                try await store.revoke(try #require(token.handle))
                #expect(try await client.run(token, ["-c", field, "ls-remote", url]).code != 0)
            }
        }
    }

    @Test func wrongSettingsAreNamed() throws {
        let right = BitbucketDataCenterSettings(
            url: "https://bitbucket.example.com",
            username: "builder",
            password: SecretReference(file: Self.file)
        )
        let git = try #require(try BitbucketDataCenterStore.service(for: right).git)
        #expect(try git.repository("https://bitbucket.example.com/scm/PROJ/app.git") == "scm/PROJ/app")
        for (change, expected) in [
            ({ $0.url = "https://example.com/bitbucket" }, "url can't be used"),
            ({ $0.username = "" }, "username is empty"),
        ] as [((inout BitbucketDataCenterSettings) -> Void, String)] {
            var settings = right
            change(&settings)
            do throws(TokenStoreError) {
                _ = try BitbucketDataCenterStore.service(for: settings)
                Issue.record("\(expected) did not come")
            } catch {
                #expect(error.code == .misconfigured)
                #expect(error.message.contains(expected), "\(error)")
            }
        }
    }
}
