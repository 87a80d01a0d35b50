// An octo-sts service, and the one call of GitHub's API that ends its tokens.

import Foundation
import LoopbackCluster
import Synchronization
package import TokenStore

/// An octo-sts with trust policies in repositories.
package final class LoopbackOctoSTS: Sendable {
    /// A trust policy, `.github/chainguard/NAME.sts.yaml`.
    package struct Policy: Sendable {
        package var issuer: String
        package var subject: String
        /// `nil`: the service's own domain.
        package var audience: String?
        /// Whether the App has all that the policy grants.
        package var isGrantable = true
        package init(issuer: String, subject: String, audience: String? = nil) {
            self.issuer = issuer
            self.subject = subject
            self.audience = audience
        }
    }

    /// A token of GitHub's.
    package struct Minted: Sendable {
        package let token: String
        package let scope: String
        package var isRevoked = false
    }

    private struct State {
        var policies: [String: Policy] = [:]
        var minted: [Minted] = []
        var isLimited = false
        /// How many calls with a new token fail, because a replica does not know it yet.
        var lag = 0
    }

    package let subjects: SubjectTokens
    private let domain: String
    private let owners: Set<String>
    private let state = Mutex(State())
    private let now: @Sendable () -> UTCInstant

    /// - Parameters:
    ///   - domain: the service's own, the audience of policies that name none.
    ///   - owners: where its App is installed.
    package init(
        domain: String,
        owners: Set<String>,
        subjects: SubjectTokens,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        self.domain = domain
        self.owners = owners
        self.subjects = subjects
        self.now = now
    }

    /// Puts a policy into a repository, or into `.github` of an owner.
    package func add(_ policy: Policy, scope: String, identity: String) {
        state.withLock { $0.policies["\(scope) \(identity)"] = policy }
    }

    /// Makes GitHub limit the service's calls.
    package func limit() { state.withLock { $0.isLimited = true } }

    /// Lets the next calls with tokens fail.
    package func lag(_ calls: Int) { state.withLock { $0.lag = calls } }

    package var minted: [Minted] { state.withLock { $0.minted } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        switch (request.method, request.path) {
        case ("GET", "/sts/exchange"), ("POST", "/sts/exchange"): return exchange(request)
        case ("DELETE", "/api/v3/installation/token"): return revoke(request)
        case ("GET", let path) where path.hasPrefix("/api/v3/repos/"): return repository(request)
        default: return .json(404, #"{"code":5,"message":"Not Found","details":[]}"#)
        }
    }

    /// The checks in the service's own order.
    private func exchange(_ request: SourceRequest) -> SourceAnswer {
        guard let token = request.bearer else {
            return Self.failure(16, 401, "expected exactly one authorization header")
        }
        let fields = request.queryItems
        guard fields.filter({ $0.name == "scope" }).count <= 1 else {
            return Self.failure(3, 400, "multiple scopes not supported")
        }
        let claims: SubjectTokens.Claims
        let audience: String
        // The audience is the policy's to judge, after the signature.
        guard let named = Self.audiences(token).first else { return Self.failure(3, 400, "invalid bearer token") }
        do throws(SubjectTokens.Rejection) {
            claims = try subjects.verify(token, audience: named, now: now())
            audience = named
        } catch {
            return error == .wrongIssuer
                ? Self.failure(3, 400, "unable to fetch or create the provider")
                : Self.failure(16, 401, "unable to verify bearer token \(token)")
        }
        guard let scope = fields.first(where: { $0.name == "scope" })?.value, !scope.isEmpty,
            let identity = fields.first(where: { $0.name == "identity" })?.value, !identity.isEmpty
        else { return Self.failure(3, 400, "scope and identity must be provided") }
        let owner = String(scope.prefix { $0 != "/" })
        guard owners.contains(owner) else { return Self.failure(5, 404, "no installation found") }
        guard !state.withLock({ $0.isLimited }) else { return Self.failure(8, 429, "GitHub API rate limit exceeded") }
        guard let policy = state.withLock({ $0.policies["\(scope) \(identity)"] }) else {
            return Self.failure(5, 404, "unable to find trust policy")
        }
        guard policy.issuer == claims.iss, policy.subject == claims.sub, audience == policy.audience ?? domain else {
            return Self.failure(7, 403, "trust policy: subject did not match")
        }
        guard policy.isGrantable else {
            return Self.failure(7, 403, "token exchange failure (StatusUnprocessableEntity)")
        }
        let random = (0..<4).map { _ in String(UInt64.random(in: 1 << 60 ... .max), radix: 36) }.joined()
        let minted = Minted(token: "ghs_" + random, scope: scope)
        state.withLock { $0.minted.append(minted) }
        return .json(200, #"{"token":"\#(minted.token)"}"#)
    }

    private func repository(_ request: SourceRequest) -> SourceAnswer {
        state.withLock { state in
            state.lag -= 1
            let isKnown = state.minted.contains { $0.token == request.bearer && !$0.isRevoked }
            guard isKnown, state.lag < 0 else { return .json(401, #"{"message":"Bad credentials"}"#) }
            return .json(200, "{}")
        }
    }

    private func revoke(_ request: SourceRequest) -> SourceAnswer {
        guard request.headers["user-agent"] != nil else { return SourceAnswer(403) }
        return state.withLock { state in
            guard let index = state.minted.firstIndex(where: { $0.token == request.bearer && !$0.isRevoked }) else {
                return .json(401, #"{"message":"Bad credentials"}"#)
            }
            state.minted[index].isRevoked = true
            return SourceAnswer(204)
        }
    }

    private struct Audience: Decodable { let aud: [String] }

    private static func audiences(_ token: String) -> [String] {
        let parts = token.split(separator: ".")
        guard parts.count == 3 else { return [] }
        var text = parts[1].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        return Data(base64Encoded: text).flatMap { try? JSONDecoder().decode(Audience.self, from: $0) }?.aud ?? []
    }

    /// The gateway's form of a gRPC status.
    private static func failure(_ code: Int, _ status: Int, _ text: String) -> SourceAnswer {
        .json(status, #"{"code":\#(code),"message":"\#(text)","details":[]}"#)
    }
}
