// Tokens of a registry's token server: for named repositories and actions, short, the same for any registry.

import Logging
import Synchronization
package import TokenStore

/// Gets tokens from the token server that a registry names: the protocol that Docker's registry began and most have.
///
/// One `issue` is: learn the token server from the registry (kept for an hour), ask it, compare what it granted with what
/// was asked. A token server that grants less answers with success all the same, so a token that lacks anything is
/// refused here, where the reason is known, and not in the middle of a build. Its life is the server's choice, so
/// ``TokenRequest/lifetime`` is ignored, and there is no way to end a token early.
package final class OCIRegistryStore: TokenStore {
    package typealias Settings = OCIRegistrySettings

    package static let kind = "oci-registry"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("as the token server says, often 5 to 60 minutes"),
        revocation: .unsupported
    )

    /// With the bearer token there is no user name; it stands in files that want one.
    package static let bearerUsername = "bearer"
    /// docker's own sign for a refresh token
    /// (<https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>).
    package static let identityUsername = "<token>"

    /// The longest time for which the registry is not asked again where its token server is.
    static let challengeLife: Duration = .seconds(3600)
    /// The most repositories of one token: their names stand in a URL.
    static let mostRepositories = 20

    private struct Challenge {
        let realm: RegistryRealm
        let service: String?
        let readAt: UTCInstant
    }

    private let endpoints: OCIRegistryEndpoints
    private let account: OCIRegistrySettings.Account
    private let context: TokenStoreContext
    private let registryErrors: SourceErrors
    private let challenge = Mutex<Challenge?>(nil)

    package static func service(for settings: OCIRegistrySettings) throws(TokenStoreError) -> TokenService {
        try OCIRegistryEndpoints(settings).tokenService
    }

    package static func reach(for settings: OCIRegistrySettings) -> StoreCapabilities.Reach {
        guard settings.hand == OCIRegistrySettings.Hand.identityToken.rawValue else { return .exact }
        return .wider("everything that the account \(settings.credential.username) may do at the registry")
    }

    package init(settings: OCIRegistrySettings, context: TokenStoreContext) throws(TokenStoreError) {
        endpoints = try OCIRegistryEndpoints(settings)
        account = settings.credential
        registryErrors = SourceErrors(source: "the registry", address: endpoints.origin, addressKey: "registry")
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try check(request.scope)
        let account = try readAccount()
        let challenge = try await currentChallenge()
        do throws(TokenStoreError) {
            return try await issue(request.scope, as: account, at: challenge)
        } catch {
            // The registry may have got another token server meanwhile.
            self.challenge.withLock { $0 = nil }
            throw error
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "the token server protocol has no call to end a token")
    }

    private func issue(
        _ scope: TokenScope,
        as account: RegistryTokens.Account,
        at challenge: Challenge
    ) async throws(TokenStoreError) -> IssuedToken {
        let server = RegistryTokens(
            realm: challenge.realm,
            service: challenge.service,
            http: context.http,
            clock: context.clock,
            errors: SourceErrors(
                source: "the token server",
                address: endpoints.tokenServer?.text ?? "the token server of \(endpoints.host)",
                addressKey: endpoints.tokenServer == nil ? "registry" : "tokenServer"
            )
        )
        let isOffline = endpoints.hand == .identityToken
        let ask = RegistryTokens.Ask(
            scopes: RegistryScope.texts(scope, name: endpoints.name),
            isOffline: isOffline,
            prefersPOST: isOffline
        )
        let answer = try await server.token(ask, as: account, mintStep(scope))
        try await checkGrant(answer.token, scope)
        guard isOffline else {
            return IssuedToken(
                username: Self.bearerUsername,
                secret: answer.token,
                expiresAt: answer.expiresAt,
                grantedScope: scope
            )
        }
        guard let identity = answer.refreshToken else {
            throw TokenStoreError(
                .misconfigured,
                "the token server gives no refresh token, which hand: identity-token wants",
                fix: "use hand: registry-token, or switch refresh tokens on at the token server"
            )
        }
        return IssuedToken(
            username: Self.identityUsername,
            secret: identity,
            expiresAt: UnverifiedJWT(identity)?.expiresAt,
            grantedScope: scope
        )
    }

    private func check(_ scope: TokenScope) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        guard scope.permissions.isEmpty, !scope.actions.isEmpty else {
            throw TokenStoreError(
                .refused,
                "tokens of a registry have actions, and the scope names permissions",
                fix: "ask for actions: [pull], [pull, push] or [delete]"
            )
        }
        guard scope.repositories.count <= Self.mostRepositories else {
            throw TokenStoreError(
                .refused,
                "one token of a registry is for \(Self.mostRepositories) repositories at most, and the scope names "
                    + "\(scope.repositories.count)",
                fix: "ask for several tokens"
            )
        }
    }

    /// The account, read anew for each token: an operator may replace its password.
    private func readAccount() throws(TokenStoreError) -> RegistryTokens.Account {
        let secret = Authorization.trimmed(try context.secrets.read(account.password))
        guard !secret.isEmpty, secret.reveal().allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw TokenStoreError(
                .misconfigured,
                "the password file \(account.password.file) is empty or holds several lines",
                fix: "write the password of \(account.username) into it, and nothing else"
            )
        }
        return account.username == Self.identityUsername
            ? .refreshToken(secret) : .password(username: account.username, secret)
    }

    private func mintStep(_ scope: TokenScope) -> SourceErrors.Step {
        let shown = TokenScope(repositories: Array(scope.repositories.prefix(5)), actions: scope.actions)
        return SourceErrors.Step(
            "give a token for \(shown.summary)",
            mints: true,
            onUnauthorised: "check credential.username and the file \(account.password.file)",
            onForbidden: "check what the account \(account.username) may do with these repositories",
            onNotFound: "set tokenServer to the realm that the registry's WWW-Authenticate field names"
        )
    }
}

// MARK: - Where the token server is

extension OCIRegistryStore {
    private func currentChallenge() async throws(TokenStoreError) -> Challenge {
        let now = context.clock.now
        // With both settings there is nothing to learn, and the registry is not asked.
        if let tokenServer = endpoints.tokenServer, let service = endpoints.service {
            return Challenge(realm: RegistryRealm(tokenServer), service: service, readAt: now)
        }
        let kept = challenge.withLock { $0 }
        if let kept, kept.readAt <= now, now < kept.readAt + Self.challengeLife { return kept }
        let found = try await askRegistry(now)
        challenge.withLock { $0 = found }
        return found
    }

    /// `GET /v2/`, which a registry answers with 401 and its challenge.
    private func askRegistry(_ now: UTCInstant) async throws(TokenStoreError) -> Challenge {
        let step = SourceErrors.Step(
            "say where its tokens come from",
            onForbidden: "check that registry is a registry's address and that the node may reach it",
            onNotFound: "check that registry is a registry's address"
        )
        let call = HTTPCall("GET", endpoints.origin + "/v2/", headers: [HTTPField("Accept", "application/json")])
        let answer = try await registryErrors.send(call, step, over: context.http)
        guard answer.status == 401 || answer.status == 200 else {
            throw registryErrors.error(answer, step, now: context.clock.now)
        }
        guard let bearer = BearerChallenge(in: answer) else {
            throw TokenStoreError(
                .misconfigured,
                "\(endpoints.origin) asks for no bearer token (HTTP \(answer.status)), so there are none to be had",
                fix:
                    "check registry; a registry with passwords only can't narrow them, use a store of kind exec or file"
            )
        }
        let service = endpoints.service ?? bearer.service
        if let tokenServer = endpoints.tokenServer {
            return Challenge(realm: RegistryRealm(tokenServer), service: service, readAt: now)
        }
        guard let realm = RegistryRealm(bearer.realm) else {
            throw TokenStoreError(
                .misconfigured,
                "\(endpoints.origin) names a token server that is not https, or no plain URL",
                fix: "mend the registry's realm, or set tokenServer"
            )
        }
        guard realm.belongs(to: endpoints.origin) else {
            throw TokenStoreError(
                .misconfigured,
                "\(endpoints.origin) names a token server on another host, and the credential does not go to a host "
                    + "that only the registry vouches for",
                fix: "set tokenServer to the realm that curl -i \(endpoints.origin)/v2/ shows, if it is the right one"
            )
        }
        return Challenge(realm: realm, service: service, readAt: now)
    }
}

// MARK: - What was granted

extension OCIRegistryStore {
    /// Refuses a token that has less or more than the scope. A token that says nothing of itself is tried.
    private func checkGrant(_ token: Secret, _ scope: TokenScope) async throws(TokenStoreError) {
        let missing: [String]
        if let access = RegistryScope.access(of: token) {
            let difference = RegistryScope.compare(access, with: scope, name: endpoints.name)
            guard !difference.isWider else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the token server gave a token that may do more than was asked for, and it was dropped",
                    fix: "use an account that may do no more than builds need, or a store made for this registry"
                )
            }
            missing = difference.missing
        } else {
            let probe = RegistryProbe(origin: endpoints.origin, http: context.http, errors: registryErrors)
            missing = try await probe.missing(token, scope, name: endpoints.name, now: context.clock.now)
            context.logger.debug("tried an opaque token", metadata: ["store": "\(context.name)"])
        }
        guard missing.isEmpty else {
            let shown = missing.prefix(5).joined(separator: " ") + (missing.count > 5 ? " ..." : "")
            throw TokenStoreError(
                .refused,
                "the account \(account.username) may not do all that was asked for; the token server left out \(shown)",
                fix: "give the account that right at the registry, or ask for less"
            )
        }
    }
}
