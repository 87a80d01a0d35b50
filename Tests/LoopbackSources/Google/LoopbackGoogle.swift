// Google's token service and its IAM Service Account Credentials API, as far as a registry's client meets them.

import Foundation
import LoopbackCluster
import Synchronization
package import TokenStore

/// Google as a relying party of a cluster's service account tokens.
package final class LoopbackGoogle: Sendable {
    /// What is set up at Google.
    package struct Setup: Sendable {
        /// The full name of the provider that trusts the cluster; the exchange's audience is this.
        package var audience: String
        /// The audience that the provider allows in subject tokens.
        package var allowedAudience: String
        /// The subjects that pass the provider's attribute condition.
        package var subjects: Set<String> = ["system:serviceaccount:binder:builder"]
        /// Service accounts, and the subjects that may impersonate them.
        package var impersonators: [String: Set<String>] = [:]
        /// The longest life of an impersonated token, in seconds.
        package var longestLife = 3600
        /// How much longer than asked for impersonated tokens live, in seconds.
        package var addedLife = 0
        /// Whether answers of the token service name a life.
        package var namesLife = true

        package init(audience: String, allowedAudience: String) {
            self.audience = audience
            self.allowedAudience = allowedAudience
        }
    }

    /// One access token.
    package struct Minted: Sendable {
        package let token: String
        /// Whose it is: a federated subject, or a service account.
        package let principal: String
        package let expiresAt: UTCInstant
    }

    package let subjects: SubjectTokens
    private let setupBox: Mutex<Setup>
    private let books = Mutex<[Minted]>([])
    private let now: @Sendable () -> UTCInstant

    package init(
        _ setup: Setup,
        subjects: SubjectTokens,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        setupBox = Mutex(setup)
        self.subjects = subjects
        self.now = now
    }

    package var setup: Setup {
        get { setupBox.withLock { $0 } }
        set { setupBox.withLock { $0 = newValue } }
    }

    package var minted: [Minted] { books.withLock { $0 } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        if request.path == "/v1/token" { return token(request) }
        let prefix = "/v1/projects/-/serviceAccounts/"
        let suffix = ":generateAccessToken"
        if request.path.hasPrefix(prefix), request.path.hasSuffix(suffix) {
            let account = request.path.dropFirst(prefix.count).dropLast(suffix.count)
            return impersonate(account.removingPercentEncoding ?? "", request)
        }
        return Self.failure(404, "NOT_FOUND")
    }

    private func token(_ request: SourceRequest) -> SourceAnswer {
        func refuse(_ code: String, _ text: String) -> SourceAnswer { LoopbackTokenEndpoint.error(code, text) }
        let setup = setup
        guard request.method == "POST" else { return SourceAnswer(405) }
        guard request.headers["authorization"] == nil else {
            return refuse("invalid_request", "the Authorization header must be empty")
        }
        let type = "urn:ietf:params:oauth:token-type:"
        guard request.form("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange" else {
            return refuse("unsupported_grant_type", "grant_type")
        }
        guard request.form("requested_token_type") == type + "access_token",
            request.form("subject_token_type") == type + "jwt"
        else { return refuse("invalid_request", "token types") }
        guard request.form("audience") == setup.audience else {
            return refuse("invalid_target", "The target service indicated by the audience parameters is invalid.")
        }
        guard let scope = request.form("scope"), scope.hasPrefix("https://www.googleapis.com/auth/") else {
            return refuse("invalid_scope", "Scope(s) must be provided")
        }
        let subjectToken = request.form("subject_token") ?? ""
        do throws(SubjectTokens.Rejection) {
            let claims = try subjects.verify(subjectToken, audience: setup.allowedAudience, now: now())
            guard claims.exp - claims.iat <= 86_400 else {
                return refuse("invalid_grant", "The lifetime of the ID token is too long")
            }
            guard setup.subjects.contains(claims.sub) else {
                return refuse("unauthorized_client", "The given credential is rejected by the attribute condition.")
            }
            let token = mint("ya29.d.", principal: claims.sub, life: 3600)
            let life = setup.namesLife ? #","expires_in":3599"# : ""
            return .json(
                200,
                #"{"access_token":"\#(token.token)","issued_token_type":"\#(type)access_token","token_type":"Bearer"\#(life)}"#
            )
        } catch {
            return refuse("invalid_grant", "ID token \(error): \(subjectToken)")
        }
    }

    private struct Body: Decodable {
        let scope: [String]
        let lifetime: String?
    }

    private func impersonate(_ account: String, _ request: SourceRequest) -> SourceAnswer {
        let setup = setup
        guard request.method == "POST" else { return Self.failure(404, "NOT_FOUND") }
        let caller = minted.first { $0.token == request.bearer && $0.expiresAt > now() }
        guard let caller else { return Self.failure(401, "UNAUTHENTICATED") }
        guard let impersonators = setup.impersonators[account] else { return Self.failure(404, "NOT_FOUND") }
        guard impersonators.contains(caller.principal) else { return Self.failure(403, "PERMISSION_DENIED") }
        guard let body = request.json(Body.self), !body.scope.isEmpty, let seconds = Self.seconds(body.lifetime),
            seconds > 0, seconds <= setup.longestLife
        else { return Self.failure(400, "INVALID_ARGUMENT") }
        let token = mint("ya29.c.", principal: account, life: seconds + setup.addedLife)
        return .json(200, #"{"accessToken":"\#(token.token)","expireTime":"\#(token.expiresAt.rfc3339)"}"#)
    }

    /// A duration in JSON: `900s`. An hour when there is none.
    private static func seconds(_ text: String?) -> Int? {
        guard let text else { return 3600 }
        return text.hasSuffix("s") ? Int(text.dropLast()) : nil
    }

    private func mint(_ prefix: String, principal: String, life: Int) -> Minted {
        let random = (0..<6).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        let token = Minted(token: prefix + random, principal: principal, expiresAt: now().advanced(by: .seconds(life)))
        books.withLock { $0.append(token) }
        return token
    }

    private static func failure(_ code: Int, _ status: String) -> SourceAnswer {
        .json(code, #"{"error":{"code":\#(code),"message":"\#(status.lowercased())","status":"\#(status)"}}"#)
    }
}
