// CodeCommit: passwords that git itself presents, good for one repository.

import Foundation
import LoopbackSources
import Rendering
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct CodeCommitTests {
    private func store(_ fixture: AWSFixture, clock: (any WallClock)? = nil) throws -> CodeCommitStore {
        var context = fixture.context
        context.clock = clock ?? context.clock
        return try CodeCommitStore(settings: settings(fixture), context: context)
    }

    private func settings(_ fixture: AWSFixture) -> CodeCommitSettings {
        CodeCommitSettings(
            region: fixture.aws.options.region,
            roleARN: fixture.aws.options.roleARN,
            gitURL: fixture.url,
            stsURL: fixture.url
        )
    }

    private func request(
        _ fixture: AWSFixture,
        _ repositories: [String] = ["v1/repos/demo"],
        _ permissions: [String: AccessLevel] = ["contents": .read]
    ) throws -> TokenRequest {
        try fixture.request(repositories, [], permissions: permissions)
    }

    @Test func keepsTheContract() async throws {
        try await AWSFixture.run { fixture in
            let suite = TokenStoreCompatibilitySuite(
                CodeCommitStore.self,
                settings: settings(fixture),
                context: fixture.context,
                request: try request(fixture)
            )
            #expect(await suite.violations() == [])
        }
    }

    @Test func theSessionIsNarrowAndShort() async throws {
        try await AWSFixture.run { fixture in
            let before = fixture.context.clock.now
            let token = try await store(fixture).issue(try request(fixture))
            let call = try #require(fixture.aws.requests.first)
            #expect(fixture.aws.requests.count == 1)
            #expect(call.form("DurationSeconds") == "900")
            #expect(
                call.form("Policy")
                    == #"{"Statement":[{"Action":["codecommit:GitPull"],"Effect":"Allow","#
                    + #""Resource":["arn:aws:codecommit:eu-central-1:111122223333:demo"]}],"Version":"2012-10-17"}"#
            )
            let life = before.duration(to: try #require(token.expiresAt))
            #expect(life > .seconds(880) && life < .seconds(910))
            #expect(token.username.hasPrefix("ASIALOOPBACK00000001%"))
        }
    }

    /// git reads the credential from a file, as the `git-credential` format writes it, and lists the remote.
    private func list(_ url: String, _ token: IssuedToken, service: String = "ls-remote") async throws -> ProgramOutcome
    {
        let file = FileManager.default.temporaryDirectory.appending(path: "codecommit-\(UUID().uuidString)")
        try "username=\(token.username)\npassword=\(token.secret.revealText())\n".write(
            to: file,
            atomically: true,
            encoding: .utf8
        )
        defer { try? FileManager.default.removeItem(at: file) }
        return try await runProgram(
            "git",
            [
                "-c", "credential.helper=", "-c",
                "credential.helper=!f() { test \"$1\" = get && cat '\(file.path)'; }; f",
                "-c", "http.proxy=", service, url,
            ]
        )
    }

    @Test func gitPresentsIt() async throws {
        try await AWSFixture.run { fixture in
            let token = try await store(fixture).issue(try request(fixture))
            let own = try await list("\(fixture.url)/v1/repos/demo", token)
            #expect(own.code == 0, "\(own.error)")
            #expect(own.output == "\(LoopbackAWS.commit)\trefs/heads/main\n")
            // Another repository of the same host, for which the same credential is presented.
            #expect(try await list("\(fixture.url)/v1/repos/other", token).code != 0)
        }
    }

    @Test func isGoodForOneRepositoryOneRightAndAQuarterOfAnHour() async throws {
        let clock = ManualClock(now: SystemClock().now)
        var options = LoopbackAWSOptions()
        options.now = { clock.now }
        try await AWSFixture.run(options, clock: clock) { fixture in
            func status(_ token: IssuedToken, _ path: String, _ service: String) async throws -> Int {
                let pair = Data("\(token.username):\(token.secret.revealText())".utf8).base64EncodedString()
                let call = HTTPCall(
                    "GET",
                    "\(fixture.url)\(path)/info/refs?service=\(service)",
                    authorization: Secret(utf8: "Basic \(pair)")
                )
                return try await fixture.context.http.send(call).status
            }
            let read = try await store(fixture).issue(try request(fixture))
            #expect(try await status(read, "/v1/repos/demo", "git-upload-pack") == 200)
            #expect(try await status(read, "/v1/repos/demo", "git-receive-pack") == 403)
            #expect(try await status(read, "/v1/repos/demo2", "git-upload-pack") == 403)
            let write = try await store(fixture).issue(try request(fixture, ["v1/repos/demo"], ["contents": .write]))
            #expect(try await status(write, "/v1/repos/demo", "git-receive-pack") == 200)
            #expect(try await status(write, "/v1/repos/demo", "git-upload-pack") == 200)
            // Each has its session's own key: the password of one is none of the other's.
            var mixed = read
            mixed.secret = write.secret
            #expect(try await status(mixed, "/v1/repos/demo", "git-upload-pack") == 403)
            clock.advance(by: .seconds(901))
            #expect(try await status(read, "/v1/repos/demo", "git-upload-pack") == 403)
        }
    }

    private static let impossible: [(TokenScope, String)] = [
        (TokenScope(), "the scope is empty"),
        (
            TokenScope(repositories: ["v1/repos/a", "v1/repos/b"], permissions: ["contents": .read]),
            "a token of CodeCommit reaches one repository, and the scope names 2"
        ),
        (TokenScope(repositories: ["demo"], permissions: ["contents": .read]), "the repository is not written as"),
        (
            TokenScope(repositories: ["v1/repos/*"], permissions: ["contents": .read]),
            "the repository is not written as"
        ),
        (
            TokenScope(repositories: ["v2/repos/a"], permissions: ["contents": .read]),
            "the repository is not written as"
        ),
        (
            TokenScope(repositories: ["v1/repos/a.git"], permissions: ["contents": .read]),
            "the repository is not written as"
        ),
        (
            TokenScope(repositories: ["v1/repos/a"], permissions: ["issues": .read]),
            "a token of CodeCommit has the permission contents, read or write"
        ),
        (
            TokenScope(repositories: ["v1/repos/a"], permissions: ["contents": .admin]),
            "a token of CodeCommit has the permission contents, read or write"
        ),
        (
            TokenScope(repositories: ["v1/repos/a"], permissions: ["contents": .read], actions: [.pull]),
            "a token of CodeCommit has the permission contents, read or write"
        ),
    ]

    @Test(arguments: impossible) func refusesScopesWithoutSendingThem(scope: TokenScope, text: String) async throws {
        try await AWSFixture.run { fixture in
            var request = try request(fixture)
            request.scope = scope
            let store = try store(fixture)
            do throws(TokenStoreError) {
                _ = try await store.issue(request)
                Issue.record("a token was issued")
            } catch {
                #expect(error.code == .refused)
                #expect(error.message.hasPrefix(text), "\(error)")
            }
            #expect(fixture.aws.requests.isEmpty)
        }
    }
}
