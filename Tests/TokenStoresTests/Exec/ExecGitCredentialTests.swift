// The protocol of git's helpers: what is sent, what is read, what is refused.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ExecGitCredentialTests {
    static let settings = #""protocol":"git-credential","gitURL":"https://git.example.com""#
    private static let program = ExecFixture.program
    private static let token = ExecFixture.token

    @Test func theRunIsAsGitRunsAHelper() async throws {
        let fixture = try ExecFixture(
            Self.settings
                + #","arguments":["--file","/a b"],"environment":{"HOME":"/h","KEY":{"file":"/key"}},"timeoutSeconds":7"#,
            secrets: ["/key": "the-secret\n"]
        )
        _ = try await fixture.issue("username=u\npassword=\(Self.token)\n")
        let call = try #require(fixture.programs.calls.first)
        #expect(call.path == Self.program)
        #expect(call.arguments == ["--file", "/a b", "get"])
        #expect(call.environment == ["HOME": "/h", "KEY": "the-secret"])
        #expect(call.input.revealText() == "protocol=https\nhost=git.example.com\n\n")
        #expect(call.timeout == .seconds(7))
        #expect(!fixture.log.text.contains("the-secret"))
    }

    @Test(arguments: [
        (#""gitURL":"http://127.0.0.1:8080""#, "protocol=http\nhost=127.0.0.1:8080\n\n"),
        (
            #""gitURL":"https://git.example.com","repositoryPath":"repository""#,
            "protocol=https\nhost=git.example.com\npath=team/app\n\n"
        ),
        (
            #""gitURL":"https://git.example.com","repositoryPath":"repository.git","username":"bot""#,
            "protocol=https\nhost=git.example.com\npath=team/app.git\nusername=bot\n\n"
        ),
        (#""registryHost":"registry.example.com:5000""#, "protocol=https\nhost=registry.example.com:5000\n\n"),
        (#""otherHost":"pypi.example.com""#, "protocol=https\nhost=pypi.example.com\n\n"),
    ])
    func theInputNamesThePlace(_ settings: String, _ input: String) async throws {
        let fixture = try ExecFixture(#""protocol":"git-credential","# + settings)
        _ = try await fixture.issue("username=u\npassword=p\n")
        #expect(fixture.programs.calls.first?.input.revealText() == input)
    }

    @Test(arguments: [
        "username=u\npassword=helper-token-0123456789\n",
        "username=u\npassword=helper-token-0123456789",
        "username=u\r\npassword=helper-token-0123456789\r\n",
        "protocol=https\nhost=GIT.example.com\npath=x\nusername=u\npassword=helper-token-0123456789\n\n",
        "capability[]=authtype\nfuture=x=y\n=z\nusername=u\npassword=helper-token-0123456789\nquit=0\n",
        "username=other\nusername=u\npassword=old\npassword=helper-token-0123456789\n\nno line of it\npassword=late\n",
        "username=u\npassword=helper-token-0123456789\npassword_expiry_utc=0\n",
        "username=u\npassword=helper-token-0123456789\nauthtype=bearer\ncredential=x\nephemeral=1\n",
    ])
    func answersAreReadAsGitReadsThem(_ output: String) async throws {
        let fixture = try ExecFixture(Self.settings)
        let token = try await fixture.issue(output, errors: "warning: something\n")
        #expect(token.username == "u")
        #expect(token.secret.revealText() == Self.token)
        #expect(token.expiresAt == nil)
        #expect(token.handle == nil)
        #expect(token.refreshAfter == nil)
        #expect(token.grantedScope == ExecFixture.request().scope)
    }

    @Test func theExpiryIsTaken() async throws {
        let fixture = try ExecFixture(Self.settings + #","username":"bot","refreshAfterSeconds":600"#)
        let end = fixture.clock.now.epochSeconds + 900
        let token = try await fixture.issue("username=u\npassword=p\npassword_expiry_utc=\(end)\n")
        #expect(token.expiresAt == UTCInstant(epochSeconds: end))
        #expect(token.refreshAfter == .seconds(600))
        #expect(token.username == "bot")
    }

    /// {"exp":1767225900}: five minutes after the clock's time.
    static let jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU5MDB9.c2ln"

    @Test func aTokenThatSaysItsOwnEndIsBelieved() async throws {
        let fixture = try ExecFixture(Self.settings)
        let token = try await fixture.issue("username=u\npassword=\(Self.jwt)\npassword_expiry_utc=1999999999\n")
        #expect(token.expiresAt == UTCInstant(epochSeconds: 1_767_225_900))
        fixture.clock.advance(by: .seconds(300))
        let error = try await fixture.failure("username=u\npassword=\(Self.jwt)\n")
        #expect(error.code == .unavailable)
        #expect(error.message == "\(Self.program) gives a token that expired at 2026-01-01T00:05:00Z")
    }

    @Test(arguments: [
        ("", TokenStoreError.Code.refused, "has no credential for git.example.com"),
        ("\n", .refused, "has no credential for git.example.com"),
        ("username=u\n", .refused, "has no credential for git.example.com"),
        ("\nusername=u\npassword=helper-token-0123456789\n", .refused, "has no credential for git.example.com"),
        ("username=u\npassword=\n", .refused, "has no credential for git.example.com"),
        ("quit=1\n", .refused, "declines to give a credential for git.example.com (quit)"),
        ("quit=true\nusername=u\n", .refused, "declines to give a credential for git.example.com (quit)"),
        ("password=helper-token-0123456789\n", .misconfigured, "gives no user name with the token"),
        ("username=\npassword=helper-token-0123456789\n", .malformedAnswer, "gives a user name that is empty"),
        ("username=a:b\npassword=helper-token-0123456789\n", .malformedAnswer, "gives a user name that is empty"),
        ("username=u\npassword=helper-token-0123456789 x\n", .malformedAnswer, "gives a token that is empty or holds"),
        (
            "username=u\npassword=helper-token-0123456789\u{e9}\n", .malformedAnswer,
            "gives a token that is empty or holds"
        ),
        ("username=u\npassword=helper-token-0123456789\0\n", .malformedAnswer, "writes a NUL"),
        ("helper-token-0123456789\n", .malformedAnswer, "writes a line that is no key=value"),
        ("Password for https: helper-token-0123456789\nusername=u\n", .malformedAnswer, "writes a line that is no"),
        (
            "authtype=bearer\ncredential=helper-token-0123456789\n", .malformedAnswer,
            "gives a credential of another type"
        ),
        ("host=other.example\nusername=u\npassword=helper-token-0123456789\n", .malformedAnswer, "for another host"),
        ("protocol=http\nusername=u\npassword=helper-token-0123456789\n", .malformedAnswer, "for another host"),
        ("username=u\npassword=helper-token-0123456789\npassword_expiry_utc=soon\n", .malformedAnswer, "no number"),
        ("username=u\npassword=helper-token-0123456789\npassword_expiry_utc=-1\n", .malformedAnswer, "no number"),
        ("username=u\npassword=helper-token-0123456789\npassword_expiry_utc=1000\n", .unavailable, "expired at 1970-"),
    ])
    func whatIsNoCredentialIsRefused(_ output: String, _ code: TokenStoreError.Code, _ words: String) async throws {
        let error = try await ExecFixture(Self.settings).failure(output)
        #expect(error.code == code)
        #expect(error.message.hasPrefix(Self.program + " "))
        #expect(error.message.contains(words), "\(error)")
        #expect(!error.fix.isEmpty)
    }

    @Test func otherEndingsAreFailures() async throws {
        let fixture = try ExecFixture(Self.settings)
        // git, too, does not use what a helper wrote before it failed.
        let answer = "username=u\npassword=\(Self.token)\n"
        let failed = try await fixture.failure(answer, status: 128, errors: "fatal: \(Self.token)")
        #expect(failed.code == .unavailable)
        #expect(failed.message == "\(Self.program) ended with status 128")
        let killed = try await fixture.failure(answer, status: nil)
        #expect(killed.code == .unavailable)
        #expect(killed.message == "\(Self.program) was ended by a signal")
    }

    @Test(arguments: [
        (ProgramError.Code.notRunnable, TokenStoreError.Code.misconfigured), (.timedOut, .unavailable),
        (.noResources, .unavailable),
        (.tooMuchOutput, .malformedAnswer), (.cancelled, .cancelled),
    ])
    func runsWithoutAnOutputAreClassed(_ code: ProgramError.Code, _ expected: TokenStoreError.Code) async throws {
        let fixture = try ExecFixture(Self.settings)
        fixture.programs.then { _ throws(ProgramError) in throw ProgramError(code, "what happened") }
        let error = await #expect(throws: TokenStoreError.self) { try await fixture.store.issue(ExecFixture.request()) }
        #expect(error?.code == expected)
        #expect(error?.message == "what happened")
        #expect(code != .timedOut || error?.fix.contains("timeoutSeconds") == true)
    }

    @Test func severalRepositoriesShareAHostButNoPath() async throws {
        let two = ExecFixture.request(["team/app", "team/lib"])
        let host = try ExecFixture(Self.settings)
        let token = try await host.issue("username=u\npassword=p\n", for: two)
        #expect(token.grantedScope == two.scope)
        let path = try ExecFixture(Self.settings + #","repositoryPath":"repository""#)
        let error = try await path.failure("", for: two)
        #expect(error.code == .refused)
        #expect(path.programs.calls.isEmpty)
    }

    @Test func secretsOfTheEnvironmentAreReadAtEachRun() async throws {
        let fixture = try ExecFixture(Self.settings + #","environment":{"KEY":{"file":"/missing"}}"#)
        let error = try await fixture.failure("username=u\npassword=p\n")
        #expect(error.code == .misconfigured)
        #expect(error.message.contains("/missing"))
        #expect(fixture.programs.calls.isEmpty)
        let broken = try ExecFixture(
            Self.settings + #","environment":{"KEY":{"file":"/nul"}}"#,
            secrets: ["/nul": "a\0b"]
        )
        let nul = try await broken.failure("")
        #expect(nul.message == "/nul holds a NUL, and no variable can")
    }
}
