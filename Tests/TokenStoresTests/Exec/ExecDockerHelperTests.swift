// The protocol of docker's helpers: what is sent, what is read, what is refused.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ExecDockerHelperTests {
    static let settings = #""protocol":"docker-credential-helper","registryHost":"registry.example.com""#
    private static let program = ExecFixture.program
    private static let token = ExecFixture.token

    @Test(arguments: [
        (#""registryHost":"registry.example.com""#, "registry.example.com"),
        (#""registryHost":"Registry.example.com:5000""#, "registry.example.com:5000"),
        (#""registryHost":"docker.io""#, "https://index.docker.io/v1/"),
        (#""registryHost":"index.docker.io""#, "https://index.docker.io/v1/"),
        (
            #""registryHost":"registry.example.com","serverURL":"https://registry.example.com/v2/""#,
            "https://registry.example.com/v2/"
        ),
        (#""gitURL":"https://git.example.com""#, "https://git.example.com"),
        (#""otherHost":"pypi.example.com""#, "pypi.example.com"),
    ])
    func theServerIsAskedFor(_ settings: String, _ input: String) async throws {
        let fixture = try ExecFixture(#""protocol":"docker-credential-helper","# + settings)
        _ = try await fixture.issue(#"{"Username":"u","Secret":"p"}"#)
        let call = try #require(fixture.programs.calls.first)
        #expect(call.arguments == ["get"])
        #expect(call.input.revealText() == input)
        #expect(call.environment == [:])
    }

    @Test(arguments: [
        #"{"ServerURL":"https://registry.example.com","Username":"u","Secret":"helper-token-0123456789"}"#,
        #"{"Username":"u","Secret":"helper-token-0123456789","More":[1]}"# + "\r\n",
        #"{"username":"u","SECRET":"helper-token-0123456789"}"#,
    ])
    func answersAreRead(_ output: String) async throws {
        let token = try await ExecFixture(Self.settings).issue(output, errors: "noise")
        #expect(token.username == "u")
        #expect(token.secret.revealText() == Self.token)
        #expect(token.expiresAt == nil)
    }

    @Test func anIdentityTokenKeepsItsSign() async throws {
        let output = #"{"Username":"<token>","Secret":"\#(ExecGitCredentialTests.jwt)"}"#
        let token = try await ExecFixture(Self.settings).issue(output)
        #expect(token.username == "<token>")
        #expect(token.expiresAt == UTCInstant(epochSeconds: 1_767_225_900))
    }

    @Test(arguments: [
        ("credentials not found in native keychain\n", TokenStoreError.Code.refused, "has no credential for registry"),
        ("credentials not found in native keychain", .refused, "has no credential for registry.example.com"),
        ("no credentials server URL\n", .misconfigured, "does not take registry.example.com as a server"),
        ("no credentials username\n", .misconfigured, "does not take registry.example.com as a server"),
        ("error getting helper-token-0123456789", .unavailable, "ended with status 1"),
        ("", .unavailable, "ended with status 1"),
    ])
    func errorsOnTheStandardOutputAreUnderstood(
        _ output: String,
        _ code: TokenStoreError.Code,
        _ words: String
    ) async throws {
        let error = try await ExecFixture(Self.settings).failure(output, status: 1)
        #expect(error.code == code)
        #expect(error.message.hasPrefix(Self.program + " " + words), "\(error)")
        #expect(!error.fix.isEmpty)
    }

    @Test(arguments: [
        // As docker-credential-pass answers for a server that it does not know.
        (#"{"ServerURL":"registry.example.com","Username":"","Secret":""}"#, TokenStoreError.Code.refused, "has no"),
        (#"{}"#, .refused, "has no credential"),
        (#"{"Username":"u"}"#, .refused, "has no credential"),
        (#"{"Username":"","Secret":"helper-token-0123456789"}"#, .malformedAnswer, "gives a user name that is empty"),
        (#"{"Secret":"helper-token-0123456789"}"#, .misconfigured, "gives no user name"),
        (#"{"Username":"u","Secret":12}"#, .malformedAnswer, "does not write the JSON object"),
        (#"[{"Username":"u","Secret":"helper-token-0123456789"}]"#, .malformedAnswer, "does not write the JSON object"),
        (#"{"Username":"u","Secret":"helper-token-0123456789""#, .malformedAnswer, "does not write the JSON object"),
        ("helper-token-0123456789", .malformedAnswer, "does not write the JSON object"),
        ("", .malformedAnswer, "does not write the JSON object"),
        // The fixed texts mean something with a failure only.
        ("credentials not found in native keychain", .malformedAnswer, "does not write the JSON object"),
        (#"{"Username":"u","Secret":"helper-token-0123456789\n"}"#, .malformedAnswer, "gives a token that is empty"),
    ])
    func whatIsNoCredentialIsRefused(_ output: String, _ code: TokenStoreError.Code, _ words: String) async throws {
        let error = try await ExecFixture(Self.settings).failure(output)
        #expect(error.code == code)
        #expect(error.message.contains(words), "\(error)")
    }

    @Test func theFixedTextsNeedAStatus() async throws {
        let error = try await ExecFixture(Self.settings)
            .failure("credentials not found in native keychain", status: nil)
        #expect(error.code == .unavailable)
    }
}
