// Tokens of a registry's token server: for named repositories and actions, short, the same for any registry.

import Logging
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

    /// The most repositories of one token: their names stand in a URL.
    static let mostRepositories = 20

    private let endpoints: OCIRegistryEndpoints
    private let account: OCIRegistrySettings.Account
    private let context: TokenStoreContext
    private let registryErrors: SourceErrors
    private let tokenServers: TokenServerFinder

    package static func service(for settings: OCIRegistrySettings) throws(TokenStoreError) -> TokenService {
        try OCIRegistryEndpoints(settings).tokenService
    }

    package static func reach(for settings: OCIRegistrySettings) -> StoreCapabilities.Reach {
        guard settings.hand == OCIRegistrySettings.Hand.identityToken.rawValue else { return .exact }
        return .wider("everything that the account \(settings.credential.username) may do at the registry")
    }

    /// Some token servers have one refresh token for an account and a client, and give it to whoever asks.
    package static func capabilities(for settings: OCIRegistrySettings) -> StoreCapabilities {
        var capabilities = capabilities
        capabilities.reach = reach(for: settings)
        guard settings.hand == OCIRegistrySettings.Hand.identityToken.rawValue else { return capabilities }
        capabilities.life = .fixed("as the token server says, which often does not tell")
        capabilities.sharesTokens = true
        return capabilities
    }

    package init(settings: OCIRegistrySettings, context: TokenStoreContext) throws(TokenStoreError) {
        endpoints = try OCIRegistryEndpoints(settings)
        account = settings.credential
        registryErrors = SourceErrors(source: "the registry", address: endpoints.origin, addressKey: "registry")
        tokenServers = TokenServerFinder(endpoints: endpoints, context: context, errors: registryErrors)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try check(request.scope)
        let account = try readAccount()
        let place = try await tokenServers.current()
        let watched = MoveWatch(base: context.http)
        do throws(TokenStoreError) {
            return try await issue(request.scope, as: account, at: place, over: watched)
        } catch {
            // The registry may have got another token server meanwhile. One that answers is still there, whatever it says.
            if watched.looksMoved { tokenServers.forget() }
            throw error
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "the token server protocol has no call to end a token")
    }

    private func issue(
        _ scope: TokenScope,
        as account: RegistryTokens.Account,
        at place: TokenServerFinder.Place,
        over http: MoveWatch
    ) async throws(TokenStoreError) -> IssuedToken {
        let server = RegistryTokens(
            realm: place.realm,
            service: place.service,
            http: http,
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
        try await checkGrant(answer, scope)
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
        try ImageScope.check(scope, host: endpoints.host)
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

// MARK: - What was granted

extension OCIRegistryStore {
    /// Refuses a token that has less or more than the scope: by what it says of itself, else by what the answer says.
    /// A token that says nothing is tried, because an answer may repeat what was asked and no more. What it may do with
    /// repositories that nobody named stays unseen then.
    private func checkGrant(_ answer: RegistryTokenAnswer, _ scope: TokenScope) async throws(TokenStoreError) {
        let own = RegistryScope.access(of: answer.token)
        var missing: [String] = []
        if let access = own ?? answer.access {
            let difference = RegistryScope.compare(access, with: scope, name: endpoints.name)
            guard !difference.isWider else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the token server gave a token that may do more than was asked for, and it was dropped",
                    fix: "use an account that may do no more than builds need, or a store made for this registry"
                )
            }
            missing = difference.missing
        }
        if own == nil, missing.isEmpty {
            let probe = RegistryProbe(origin: endpoints.origin, http: context.http, errors: registryErrors)
            missing = try await probe.missing(answer.token, scope, name: endpoints.name, now: context.clock.now)
            // With an identity token, nobody gets this one, and the reach is declared to be wider.
            if missing.isEmpty, endpoints.hand == .registryToken,
                try await probe.reachesFurther(answer.token, scope, name: endpoints.name, now: context.clock.now)
            {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the token server gave a token that reaches more than was asked for, and it was dropped",
                    fix: "use an account that may do no more than builds need, or a store made for this registry",
                    tokenMayExist: true
                )
            }
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
