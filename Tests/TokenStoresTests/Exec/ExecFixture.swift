// An exec store with a scripted program, a still clock and secrets of its own.

import Foundation
import Logging
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

/// What the tests of the exec store share.
struct ExecFixture {
    static let program = "/usr/local/libexec/daypass/helper"
    static let token = "helper-token-0123456789"

    let clock = ManualClock()
    let programs = ScriptedPrograms()
    let log = LogCapture()
    let settings: ExecSettings
    let store: ExecStore

    /// - Parameter json: the settings but the program, as JSON: `"protocol": ..., ...`.
    init(_ json: String, secrets: [String: String] = [:]) throws {
        settings = try Self.settings(json)
        store = try ExecStore(
            settings: settings,
            context: TokenStoreContext(
                name: "helper",
                clock: clock,
                http: ScriptedTransport(),
                secrets: FixedSecrets(secrets),
                programs: programs,
                logger: log.logger
            )
        )
    }

    static func settings(_ json: String, program: String = program) throws -> ExecSettings {
        try JSONDecoder().decode(ExecSettings.self, from: Data(#"{"program":"\#(program)",\#(json)}"#.utf8))
    }

    static func request(
        _ repositories: [String] = ["team/app"],
        actions: Set<RegistryAction> = [.pull],
        subjectToken: String? = nil
    ) -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: repositories, actions: actions),
            subjectToken: subjectToken.map { Secret(utf8: $0) }
        )
    }

    /// Issues with the next output.
    func issue(
        _ output: String,
        status: Int? = 0,
        errors: String = "",
        for request: TokenRequest = request()
    ) async throws(TokenStoreError) -> IssuedToken {
        programs.then(status: status, output: output, errors: errors)
        return try await store.issue(request)
    }

    /// The error of an issue that must fail. It must not show what the program wrote.
    func failure(
        _ output: String,
        status: Int? = 0,
        errors: String = "",
        for request: TokenRequest = request()
    ) async throws -> TokenStoreError {
        do throws(TokenStoreError) {
            _ = try await issue(output, status: status, errors: errors, for: request)
        } catch {
            #expect(!"\(error)".contains(Self.token) && !log.text.contains(Self.token))
            #expect(error.description.split(whereSeparator: \.isNewline).count == 1)
            #expect(!error.tokenMayExist)
            return error
        }
        throw Unexpected()
    }

    struct Unexpected: Error {}
}
