// Tokens of a GitHub App's installations: minted for named repositories and permissions, good for an hour, revocable.

import Logging
import Synchronization
package import TokenStore

/// Mints installation tokens of a GitHub App, on github.com, GHE.com or an Enterprise Server.
///
/// One `issue` is: find the owner's installation (kept), mint, compare what was granted with what was asked, try the
/// token once. A token that can't be handed out is revoked before `issue` returns. The life of these tokens is one
/// hour and can't be chosen, so ``TokenRequest/lifetime`` is ignored.
package final class GitHubAppStore: TokenStore {
    package typealias Settings = GitHubAppSettings

    package static let kind = "github-app"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )

    /// The user name that GitHub documents for these tokens.
    package static let username = "x-access-token"

    /// The permissions that concern a repository, by the names of GitHub's REST API
    /// (<https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>). Those of
    /// organisations and accounts reach further than the repositories of a scope and are left out on purpose.
    package static let knownPermissions: Set<String> = [
        "actions", "actions_variables", "administration", "attestations", "checks", "codespaces",
        "codespaces_lifecycle_admin", "codespaces_metadata", "codespaces_secrets", "contents",
        "custom_properties", "dependabot_secrets", "deployments", "discussions", "environments", "issues",
        "merge_queues", "metadata", "packages", "pages", "pull_requests", "repository_advisories",
        "repository_custom_properties", "repository_hooks", "repository_projects", "secret_scanning_alerts",
        "secrets", "security_events", "single_file", "statuses", "vulnerability_alerts", "workflows",
    ]

    /// Tokens of an App have permissions; `packages` is the one for GitHub's registry.
    package static let knownActions: Set<RegistryAction> = []

    private struct State {
        var installations = Installations()
        /// No call as the App before this time: GitHub asked to wait.
        var pausedUntil: UTCInstant?
    }

    private let endpoints: GitHubEndpoints
    let fixedInstallation: Int64?
    private let probes: Bool
    let api: GitHubAPI
    let errors: GitHubErrors
    let context: TokenStoreContext
    private let state = Mutex(State())

    package static func service(for settings: GitHubAppSettings) throws(TokenStoreError) -> TokenService {
        try GitHubEndpoints(settings).service
    }

    package init(settings: GitHubAppSettings, context: TokenStoreContext) throws(TokenStoreError) {
        endpoints = try GitHubEndpoints(settings)
        let signer = try settings.signer(context)
        api = GitHubAPI(
            base: endpoints.api,
            appTokens: AppTokenSource(appID: settings.appID, signer: signer),
            http: context.http,
            clock: context.clock
        )
        errors = GitHubErrors(appID: settings.appID, keyPlace: signer.place, api: endpoints.api.text)
        fixedInstallation = settings.installationID
        probes = settings.usabilityProbe ?? true
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try GitHubAsk(request.scope, git: endpoints.git)
        try refuseWhilePaused()
        let (answer, installation) = try await mint(ask)
        guard let token = MintAnswer.token(answer.body) else {
            throw TokenStoreError(
                .malformedAnswer,
                "GitHub's answer to the mint holds no usable token",
                fix: "check that apiURL \(endpoints.api.text) is GitHub's REST API",
                tokenMayExist: true
            )
        }
        let minted: MintAnswer
        let scope: TokenScope
        do throws(TokenStoreError) {
            minted = try MintAnswer(answer.body, now: context.clock.now)
            scope = try minted.scope(for: ask)
        } catch {
            throw await discard(token, because: error)
        }
        if probes {
            let probe = UsabilityProbe(clock: context.clock) { [api] token, name throws(HTTPTransportError) in
                try await api.probe(token, repository: name)
            }
            let outcome = await probe.run(token, repository: ask.firstRepository)
            context.logger.debug("tried a new token", metadata: ["store": "\(context.name)", "outcome": "\(outcome)"])
            if outcome == .cancelled {
                throw await discard(token, because: TokenStoreError(.cancelled, "the caller gave up"))
            }
        }
        return IssuedToken(
            username: Self.username,
            secret: token,
            expiresAt: minted.expiresAt,
            grantedScope: scope,
            handle: RevocationHandle(
                identifier: Self.identifier(token, installation: installation, expiresAt: minted.expiresAt),
                secret: token
            )
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let token = handle.secret else {
            throw TokenStoreError(.refused, "GitHub revokes a token only when it is presented, and it was not kept")
        }
        try await revoke(token, timeout: GitHubAPI.callTimeout)
    }

    private func revoke(_ token: Secret, timeout: Duration) async throws(TokenStoreError) {
        let answer: HTTPAnswer
        do throws(HTTPTransportError) {
            answer = try await api.revoke(token, timeout: timeout)
        } catch {
            throw errors.error(error, .revoke)
        }
        // 401: GitHub does not know the token any more, because it has expired or was revoked before.
        guard answer.status == 204 || answer.status == 401 else {
            throw errors.error(answer, .revoke, now: context.clock.now)
        }
    }

    /// Revokes a token that will not be handed out, and returns the error to throw for it.
    private func discard(_ token: Secret, because error: TokenStoreError) async -> TokenStoreError {
        let isGone = await shieldedFromCancellation { [self] in
            do throws(TokenStoreError) {
                try await revoke(token, timeout: GitHubAPI.discardTimeout)
                return true
            } catch {
                return false
            }
        }
        var error = error
        error.tokenMayExist = !isGone
        return error
    }

    /// Mints a token. An installation that GitHub no longer knows is looked up once more: an App that was removed and
    /// installed again has another id.
    private func mint(_ ask: GitHubAsk) async throws(TokenStoreError) -> (HTTPAnswer, Int64) {
        let body = try ask.body()
        var (id, isFromCache) = try await installation(for: ask)
        while true {
            let answer: HTTPAnswer
            do throws(GitHubAPI.Failure) {
                answer = try await api.mint(installation: id, body: body)
            } catch {
                throw classified(error, .mint(ask))
            }
            if answer.status == 201 { return (answer, id) }
            if answer.status == 403 || answer.status == 404 {
                state.withLock { $0.installations.forget(id, owner: ask.owner) }
            }
            guard answer.status == 404, isFromCache else { throw classified(answer, .mint(ask)) }
            (id, isFromCache) = try await installation(for: ask)
        }
    }

    private func installation(for ask: GitHubAsk) async throws(TokenStoreError) -> (id: Int64, isFromCache: Bool) {
        if let fixedInstallation { return (fixedInstallation, false) }
        let repository = ask.firstRepository
        let now = context.clock.now
        let finding = state.withLock { $0.installations.finding(owner: ask.owner, repository: repository, now: now) }
        switch finding {
        case .known(let id): return (id, true)
        case .absent(.notInstalled): throw errors.notInstalled(repository)
        case .absent(.suspended): throw GitHubErrors.suspended(ask.owner)
        case .unknown: break
        }
        let step = GitHubErrors.Step.findInstallation(repository: repository)
        let answer: HTTPAnswer
        do throws(GitHubAPI.Failure) {
            answer = try await api.findInstallation(repository: repository)
        } catch {
            throw classified(error, step)
        }
        guard answer.status == 200, let found = InstallationAnswer.read(answer.body) else {
            let error = classified(answer, step)
            if answer.status == 404, error.code == .refused {
                state.withLock { $0.installations.absent(.notInstalled, repository: repository, now: now) }
            }
            throw error
        }
        guard found.suspendedAt == nil else {
            state.withLock { $0.installations.absent(.suspended, repository: repository, now: now) }
            throw GitHubErrors.suspended(ask.owner)
        }
        state.withLock { $0.installations.found(found.id, owner: ask.owner, repository: repository) }
        return (found.id, false)
    }

    /// Calls during a limit make it longer, so they are not sent.
    private func refuseWhilePaused() throws(TokenStoreError) {
        let now = context.clock.now
        guard let until = state.withLock({ $0.pausedUntil }), now < until, until <= now + RetryAfter.longest else {
            return
        }
        throw TokenStoreError(
            .rateLimited,
            "GitHub limits this App's calls until \(until.rfc3339)",
            retryAt: until
        )
    }

    private func classified(_ answer: HTTPAnswer, _ step: GitHubErrors.Step) -> TokenStoreError {
        let error = errors.error(answer, step, now: context.clock.now)
        if let retryAt = error.retryAt { state.withLock { $0.pausedUntil = retryAt } }
        return error
    }

    private func classified(_ failure: GitHubAPI.Failure, _ step: GitHubErrors.Step) -> TokenStoreError {
        switch failure {
        case .transport(let error): errors.error(error, step)
        case .own(let error): error
        }
    }

    /// A name for a token that tells nothing about it: installation, expiry and a part of its digest.
    private static func identifier(_ token: Secret, installation: Int64, expiresAt: UTCInstant) -> String {
        let digits = Array("0123456789abcdef")
        let digest = token.sha256.prefix(6).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "\(installation)-\(expiresAt.epochSeconds)-\(String(digest))"
    }
}
