// A registry's token server: accounts with rights, tokens by GET and POST, refresh tokens, and books of it all.

import Foundation
import Synchronization
package import TokenStore

/// A token server as the distribution specifications describe one (<https://distribution.github.io/distribution/spec/auth/>),
/// strict where they are. Who may do less than was asked gets a smaller token, and no error.
package final class LoopbackTokenServer: Sendable {
    /// An account.
    package struct Account: Sendable {
        package var password: String
        /// What it may do, by repository.
        package var rights: [String: Set<String>]

        package init(password: String, rights: [String: Set<String>]) {
            self.password = password
            self.rights = rights
        }
    }

    /// How the server behaves where servers differ.
    package struct Habits: Sendable {
        /// The life of tokens, in seconds; `nil` says none, and they live for 60 seconds.
        package var life: Int64? = 300
        /// How its tokens name their key.
        package var keyStyle = RegistrySigner.KeyStyle.fingerprint
        /// Whether tokens are random texts instead of JWTs.
        package var areTokensOpaque = false
        /// Which of the two calls it knows; the other is answered with 405.
        package var takesGET = true
        package var takesPOST = true
        package var givesRefreshTokens = true
        /// The life of refresh tokens, in seconds.
        package var refreshLife: Int64 = 3600
        /// What is put into each token besides what was asked for.
        package var extraAccess: [RegistryAccess] = []
        /// The fields that the token stands in.
        package var tokenFields: Set<String> = ["token", "access_token"]

        package init() {}
    }

    /// A token that was handed out.
    package struct Minted: Sendable, Equatable {
        package enum Way: String, Sendable { case get, password, refresh }
        package var account: String
        package var way: Way
        package var clientID: String
        /// `repository:name:actions`, actions in alphabetical order.
        package var asked: [String]
        package var granted: [String]
        package var isOffline: Bool
    }

    /// What happened so far.
    package struct Books: Sendable {
        package var minted: [Minted] = []
        package var refused = 0
        /// Refresh tokens that still work.
        package var refreshTokens: Set<String> = []
    }

    private struct Refresh {
        let account: String
        let expiresAt: UTCInstant
    }

    private struct Opaque {
        let access: [RegistryAccess]
        let expiresAt: UTCInstant
    }

    private struct State {
        var habits = Habits()
        var minted: [Minted] = []
        var refused = 0
        var refresh: [String: Refresh] = [:]
        var opaque: [String: Opaque] = [:]
    }

    package let service: String
    package let issuer = "the token server"
    package let signer: RegistrySigner
    private let accounts: [String: Account]
    private let clock: any WallClock
    private let state = Mutex(State())

    package init(
        signer: RegistrySigner,
        service: String = "registry.test",
        accounts: [String: Account],
        clock: any WallClock = SystemClock()
    ) {
        self.signer = signer
        self.service = service
        self.accounts = accounts
        self.clock = clock
    }

    /// What happened so far.
    package var books: Books {
        let now = clock.now
        return state.withLock { state in
            let live = state.refresh.filter { $0.value.expiresAt > now }.keys
            return Books(minted: state.minted, refused: state.refused, refreshTokens: Set(live))
        }
    }

    /// Changes how it behaves.
    package func change(_ change: @Sendable (inout Habits) -> Void) { state.withLock { change(&$0.habits) } }

    /// Takes all refresh tokens back.
    package func withdrawRefreshTokens() { state.withLock { $0.refresh = [:] } }

    /// Answers a request for a token.
    package func answer(_ request: SourceRequest) -> SourceAnswer {
        let habits = state.withLock { $0.habits }
        let answer: SourceAnswer =
            switch request.method {
            case "GET" where habits.takesGET: get(request, habits)
            case "POST" where habits.takesPOST: post(request, habits)
            default: .json(405, #"{"errors":[{"code":"UNSUPPORTED","message":"method not allowed"}]}"#)
            }
        if answer.status != 200 { state.withLock { $0.refused += 1 } }
        return answer
    }

    /// What a bearer token opens; `nil` for one that is wrong or has expired.
    package func access(of token: String) -> [RegistryAccess]? {
        let now = clock.now
        if let opaque = state.withLock({ $0.opaque[token] }) { return opaque.expiresAt > now ? opaque.access : nil }
        guard let claims = signer.verify(token), claims.aud == service, claims.iss == issuer,
            UTCInstant(epochSeconds: claims.exp) > now, UTCInstant(epochSeconds: claims.nbf) <= now
        else { return nil }
        return claims.access
    }
}

extension LoopbackTokenServer {
    private func get(_ request: SourceRequest, _ habits: Habits) -> SourceAnswer {
        guard let (name, password) = request.basic, accounts[name]?.password == password else {
            return .json(
                401,
                #"{"details":"incorrect username or password"}"#,
                headers: ["WWW-Authenticate": #"Basic realm="token server""#]
            )
        }
        func values(_ name: String) -> [String] { request.queryItems.filter { $0.name == name }.map(\.value) }
        let isOffline = values("offline_token").first == "true"
        let clientID = values("client_id").first ?? ""
        guard values("service") == [service], !clientID.isEmpty || !isOffline else {
            return Self.oauthError("invalid_request")
        }
        return mint(name, .get, clientID: clientID, scopes: values("scope"), isOffline: isOffline, habits)
    }

    private func post(_ request: SourceRequest, _ habits: Habits) -> SourceAnswer {
        guard request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true,
            request.form("service") == service, let clientID = request.form("client_id"), !clientID.isEmpty
        else { return Self.oauthError("invalid_request") }
        // By the specification one field with spaces; what is built on containers/image repeats the field.
        let scopes = request.form.filter { $0.name == "scope" }.flatMap {
            $0.value.split(separator: " ").map(String.init)
        }
        let isOffline = request.form("access_type") == "offline"
        switch request.form("grant_type") {
        case "password":
            let (name, password) = (request.form("username") ?? "", request.form("password") ?? "")
            guard accounts[name]?.password == password else { return Self.oauthError("invalid_grant") }
            return mint(name, .password, clientID: clientID, scopes: scopes, isOffline: isOffline, habits)
        case "refresh_token":
            let refresh = state.withLock { $0.refresh[request.form("refresh_token") ?? ""] }
            guard let refresh, refresh.expiresAt > clock.now else { return Self.oauthError("invalid_grant") }
            return mint(refresh.account, .refresh, clientID: clientID, scopes: scopes, isOffline: isOffline, habits)
        default: return Self.oauthError("unsupported_grant_type")
        }
    }

    private static func oauthError(_ word: String) -> SourceAnswer { .json(400, #"{"error":"\#(word)"}"#) }

    /// The intersection of what was asked for and what the account may do.
    private func mint(
        _ account: String,
        _ way: Minted.Way,
        clientID: String,
        scopes: [String],
        isOffline: Bool,
        _ habits: Habits
    ) -> SourceAnswer {
        var asked: [String] = []
        var access: [RegistryAccess] = []
        for scope in scopes {
            let parts = scope.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count >= 3, !parts[0].isEmpty, let actions = parts.last else {
                return Self.oauthError("invalid_scope")
            }
            let name = parts[1..<(parts.count - 1)].joined(separator: ":")
            let wanted = Set(actions.split(separator: ",").map(String.init))
            let rights = parts[0] == "repository" ? accounts[account]?.rights[name] ?? [] : []
            asked.append("\(parts[0]):\(name):\(wanted.sorted().joined(separator: ","))")
            access.append(RegistryAccess(name, wanted.intersection(rights).sorted().reversed(), type: parts[0]))
        }
        access += habits.extraAccess
        let now = clock.now
        let end = now.advanced(by: .seconds(habits.life ?? 60))
        let id = UUID().uuidString
        let token: String
        if habits.areTokensOpaque {
            token = "opaque-\(id)"
        } else {
            let claims = RegistryClaims(
                iss: issuer,
                sub: account,
                aud: service,
                exp: end.epochSeconds,
                nbf: now.epochSeconds,
                iat: now.epochSeconds,
                jti: id,
                access: access
            )
            guard let signed = try? signer.sign(claims, habits.keyStyle) else { return SourceAnswer(500) }
            token = signed
        }
        let refresh = isOffline && habits.givesRefreshTokens ? "refresh-\(UUID().uuidString)" : nil
        let granted = access.filter { !$0.actions.isEmpty }.map {
            "\($0.type):\($0.name):\($0.actions.sorted().joined(separator: ","))"
        }
        state.withLock { state in
            if habits.areTokensOpaque { state.opaque[token] = Opaque(access: access, expiresAt: end) }
            if let refresh {
                let expiresAt = now.advanced(by: .seconds(habits.refreshLife))
                state.refresh[refresh] = Refresh(account: account, expiresAt: expiresAt)
            }
            state.minted.append(
                Minted(
                    account: account,
                    way: way,
                    clientID: clientID,
                    asked: asked,
                    granted: granted,
                    isOffline: isOffline
                )
            )
        }
        var fields = habits.tokenFields.sorted().map { #""\#($0)":"\#(token)""# }
        if let life = habits.life { fields.append(#""expires_in":\#(life)"#) }
        fields.append(#""issued_at":"\#(now.rfc3339)""#)
        if way != .get { fields.append(#""scope":"\#(granted.joined(separator: " "))""#) }
        if let refresh { fields.append(#""refresh_token":"\#(refresh)""#) }
        return .json(200, "{\(fields.joined(separator: ","))}")
    }
}
