// Logins with service account tokens, verified for real, and what becomes of login tokens.

import Foundation
import TokenStore

extension VaultState {
    mutating func login(
        _ path: String,
        _ body: [String: Any],
        _ subjects: SubjectTokens,
        _ now: UTCInstant
    ) -> SourceAnswer {
        let mount = path.dropFirst("auth/".count).dropLast("/login".count)
        guard mount == "jwt" || mount == "kubernetes" else { return Self.errors(403, "permission denied") }
        let name = body["role"] as? String ?? ""
        guard !name.isEmpty else { return Self.errors(400, "missing role") }
        guard let role = roles[name], role.method.rawValue == mount else {
            return Self.errors(
                400,
                mount == "jwt" ? "role \"\(name)\" could not be found" : "invalid role name \"\(name)\""
            )
        }
        guard let jwt = body["jwt"] as? String, !jwt.isEmpty else { return Self.errors(400, "missing token") }
        do throws(SubjectTokens.Rejection) {
            // jwt allows for clocks that differ; kubernetes asks the cluster, which does not.
            let leeway: Duration = mount == "jwt" ? .seconds(150) : .zero
            let claims = try subjects.verify(jwt, audience: role.boundAudience, now: now, leeway: leeway)
            guard role.boundSubject == nil || role.boundSubject == claims.sub else {
                return mount == "jwt"
                    ? Self.errors(400, "error validating token: invalid subject (sub) claim")
                    : Self.errors(403, "service account name not authorized")
            }
        } catch {
            guard mount == "jwt" else { return Self.errors(403, "permission denied") }
            let why =
                switch error {
                case .malformed: "error parsing token"
                case .badSignature: "error verifying token signature: no known key successfully validated the token"
                case .wrongIssuer: "invalid issuer (iss) claim"
                case .wrongAudience: "invalid audience (aud) claim: audience claim does not match any expected audience"
                case .expired: "invalid expiration time (exp) claim: token is expired"
                case .notYetValid: "invalid not before (nbf) claim: token not yet valid"
                }
            return Self.errors(400, "error validating token: \(why)")
        }
        loginCount += 1
        let id = Self.random(role.isBatch ? "b." : "s.")
        let token = Token(
            role: name,
            expiresAt: now.advanced(by: role.ttl),
            lastEnd: now.advanced(by: role.maxTTL),
            isRenewable: role.isRenewable && !role.isBatch,
            isBatch: role.isBatch,
            hasDefaultPolicy: role.hasDefaultPolicy,
            policy: role.policy,
            usesLeft: role.uses
        )
        tokens[id] = token
        return Self.envelope(["auth": auth(id, token, now)])
    }

    private func auth(_ id: String, _ token: Token, _ now: UTCInstant) -> [String: Any] {
        [
            "client_token": id, "accessor": token.isBatch ? "" : Self.random(""), "policies": policyNames(token),
            "token_policies": policyNames(token), "metadata": ["role": token.role],
            "lease_duration": now.duration(to: token.expiresAt).components.seconds, "renewable": token.isRenewable,
            "entity_id": "", "token_type": token.isBatch ? "batch" : "service", "orphan": true,
            "mfa_requirement": NSNull(), "num_uses": token.usesLeft,
        ]
    }

    mutating func renewToken(
        _ id: String,
        _ token: Token,
        _ body: [String: Any],
        _ now: UTCInstant
    ) -> SourceAnswer {
        guard !token.isBatch else { return Self.errors(400, "batch tokens cannot be renewed") }
        guard token.isRenewable else { return Self.errors(400, "lease is not renewable") }
        let increment = body["increment"] as? Int ?? 0
        var renewed = token
        renewed.expiresAt = min(now.advanced(by: .seconds(increment)), token.lastEnd)
        tokens[id] = renewed
        return Self.envelope(["auth": auth(id, renewed, now)])
    }

    mutating func renewLease(_ body: [String: Any], _ token: Token, _ now: UTCInstant) -> SourceAnswer {
        guard let id = body["lease_id"] as? String, let lease = leases[id] else {
            return Self.errors(400, "lease not found")
        }
        guard lease.isRenewable, tokens[lease.tokenID]?.isBatch != true else {
            return Self.errors(400, "lease is not renewable")
        }
        let increment = body["increment"] as? Int ?? 0
        let end = min(now.advanced(by: .seconds(increment)), lease.lastEnd)
        leases[id]?.expiresAt = end
        return .json(
            200,
            Self.json([
                "lease_id": id, "renewable": true, "lease_duration": now.duration(to: end).components.seconds,
            ])
        )
    }

    func lookUpWrapping(_ id: String) -> SourceAnswer {
        guard let wrapped = tokens[id]?.wrapped else { return Self.invalidWrapping }
        return Self.envelope([
            "data": [
                "creation_path": wrapped.path, "creation_time": wrapped.created.rfc3339,
                "creation_ttl": wrapped.ttl.components.seconds,
            ] as [String: Any]
        ])
    }

    mutating func unwrap(_ id: String, _ token: Token, _ body: [String: Any]) -> SourceAnswer {
        // The first use is spent by the header; a body that names the token wants a second one.
        if let named = body["token"] as? String {
            if token.wrapped != nil { tokens[id] = nil }
            guard let wrapped = tokens[named]?.wrapped else { return Self.invalidWrapping }
            tokens[named] = nil
            return .json(200, wrapped.json)
        }
        guard let wrapped = token.wrapped else { return Self.invalidWrapping }
        tokens[id] = nil
        return .json(200, wrapped.json)
    }
}
