// Where a registry's tokens come from: asked of the registry, and believed within limits.

import Synchronization
import TokenStore

/// Learns a registry's token server from its challenge, and keeps what it learned for an hour.
final class TokenServerFinder: Sendable {
    /// The longest time for which the registry is not asked again.
    static let longestLife: Duration = .seconds(3600)

    /// A token server, and what the registry is called there.
    struct Place: Sendable {
        let realm: RegistryRealm
        let service: String?
    }

    private struct Kept {
        let place: Place
        let readAt: UTCInstant
    }

    private let endpoints: OCIRegistryEndpoints
    private let context: TokenStoreContext
    private let errors: SourceErrors
    private let kept = Mutex<Kept?>(nil)

    init(endpoints: OCIRegistryEndpoints, context: TokenStoreContext, errors: SourceErrors) {
        self.endpoints = endpoints
        self.context = context
        self.errors = errors
    }

    /// The token server. With both settings there is nothing to learn, and the registry is not asked.
    func current() async throws(TokenStoreError) -> Place {
        if let tokenServer = endpoints.tokenServer, let service = endpoints.service {
            return Place(realm: RegistryRealm(tokenServer), service: service)
        }
        let now = context.clock.now
        if let kept = kept.withLock({ $0 }), kept.readAt <= now, now < kept.readAt + Self.longestLife {
            return kept.place
        }
        let place = try await ask()
        kept.withLock { $0 = Kept(place: place, readAt: now) }
        return place
    }

    /// Has the registry asked anew with the next token.
    func forget() { kept.withLock { $0 = nil } }

    /// `GET /v2/`, which a registry answers with 401 and its challenge.
    private func ask() async throws(TokenStoreError) -> Place {
        let step = SourceErrors.Step(
            "say where its tokens come from",
            onForbidden: "check that registry is a registry's address and that the node may reach it",
            onNotFound: "check that registry is a registry's address"
        )
        let call = HTTPCall("GET", endpoints.origin + "/v2/", headers: [HTTPField("Accept", "application/json")])
        let answer = try await errors.send(call, step, over: context.http)
        guard answer.status == 401 || answer.status == 200 else {
            throw errors.error(answer, step, now: context.clock.now)
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
            return Place(realm: RegistryRealm(tokenServer), service: service)
        }
        return Place(realm: try trusted(bearer.realm), service: service)
    }

    private func trusted(_ text: String) throws(TokenStoreError) -> RegistryRealm {
        guard let realm = RegistryRealm(text) else {
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
        return realm
    }
}
