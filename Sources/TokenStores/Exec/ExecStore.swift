// Tokens of any program that speaks the protocol of a git, docker or kubelet credential helper.

import Logging
package import TokenStore

/// Asks a program for a credential, once for each token. What the token reaches is the program's own affair, and two
/// builds may get the same one: helpers keep what they have.
///
/// The program is run by the context's ``ProgramRunner``: without a shell, with no other environment than the settings
/// name, for a limited time.
package final class ExecStore: TokenStore {
    package typealias Settings = ExecSettings

    package static let kind = "exec"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential, .podToken],
        reach: .wider("whatever the program hands out"),
        life: .fixed("as the program says"),
        revocation: .unsupported,
        sharesTokens: true
    )

    private let plan: ExecPlan
    private let context: TokenStoreContext

    package static func service(for settings: ExecSettings) throws(TokenStoreError) -> TokenService {
        try ExecPlan(settings).service
    }

    package static func subjectTokenAudience(for settings: ExecSettings) -> String? { settings.audience }

    package init(settings: ExecSettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try ExecPlan(settings)
        try context.programs.check(plan.failures)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try AskChecks.notEmpty(request.scope)
        let call = ProgramCall(
            plan.failures.program,
            plan.arguments + plan.talk.arguments,
            environment: try environment(),
            input: try plan.talk.input(request),
            timeout: plan.timeout
        )
        let output = try await context.programs.run(call, plan.failures)
        context.logger.debug("ran a program", metadata: ["store": "\(context.name)", "ending": "\(output)"])
        var credential = try plan.talk.credential(output, for: request)
        credential.refreshAfter = plan.refreshAfter ?? credential.refreshAfter
        return try credential.issued(
            request.scope,
            username: plan.username,
            source: plan.failures.program,
            now: context.clock.now
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "a program's credentials can't be revoked")
    }

    private func environment() throws(TokenStoreError) -> [String: String] {
        var environment: [String: String] = [:]
        for (name, variable) in plan.environment {
            switch variable {
            case .value(let value): environment[name] = value
            case .secret(let reference):
                let value = Authorization.trimmed(try context.secrets.read(reference)).revealText()
                guard !value.utf8.contains(0) else {
                    throw TokenStoreError(
                        .misconfigured,
                        "\(reference.file) holds a NUL, and no variable can",
                        fix: "write the secret into it as text"
                    )
                }
                environment[name] = value
            }
        }
        return environment
    }
}
