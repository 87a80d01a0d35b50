// The secrets engines of the counterpart: KV, Transit, and one that mints as the GitHub plugin does
// (<https://github.com/martinbaillie/vault-plugin-secrets-github>).

import Crypto
import CryptoExtras
import Foundation
import TokenStore

extension VaultState {
    func readKV1(_ path: String) -> SourceAnswer {
        guard let values = kv1[path] else { return Self.errors404 }
        return Self.envelope(["data": values, "lease_duration": 2_764_800])
    }

    func readKV2(_ path: String, _ query: [(name: String, value: String)]) -> SourceAnswer {
        let versions = kv2[path] ?? []
        let wanted = query.first { $0.name == "version" }.flatMap { Int($0.value) } ?? versions.count
        guard wanted >= 1, wanted <= versions.count else { return Self.errors404 }
        let version = versions[wanted - 1]
        let metadata: [String: Any] = [
            "created_time": version.created.rfc3339, "custom_metadata": NSNull(),
            "deletion_time": version.deleted?.rfc3339 ?? "", "destroyed": false, "version": wanted,
        ]
        guard version.deleted == nil else {
            let deleted = Self.envelope(["data": ["data": NSNull(), "metadata": metadata] as [String: Any]])
            return SourceAnswer(404, headers: deleted.headers, body: deleted.body)
        }
        return Self.envelope(["data": ["data": version.values, "metadata": metadata] as [String: Any]])
    }

    private static var errors404: SourceAnswer { .json(404, #"{"errors":[]}"#) }

    mutating func mint(
        _ path: String,
        _ body: [String: Any],
        _ request: SourceRequest,
        _ tokenID: String,
        _ token: Token,
        _ now: UTCInstant
    ) -> SourceAnswer {
        var fields = body
        for (name, value) in request.queryItems {
            let others = fields[name] as? [String] ?? (fields[name] as? String).map { [$0] } ?? []
            fields[name] = others.isEmpty ? value : others + [value]
        }
        guard let organisation = fields["org_name"] as? String, !organisation.isEmpty else {
            return Self.errors(400, "installation_id or org_name is a required parameter")
        }
        guard let installed = engine.repositories[organisation] else {
            return Self.errors(500, "1 error occurred:\n\t* unable to get installation: not found\n\n")
        }
        let asked = fields["repositories"] as? [String] ?? (fields["repositories"] as? String).map { [$0] } ?? []
        guard Set(asked).isSubset(of: installed) else { return Self.unprocessable }
        var permissions = fields["permissions"] as? [String: String] ?? engine.permissions
        for (name, level) in permissions {
            guard let most = engine.permissions[name], level == "read" || most == level else {
                return Self.unprocessable
            }
        }
        guard !engine.answersNonsense else { return Self.envelope(["data": ["no": "token"], "lease_id": "\(path)/x"]) }
        permissions["metadata"] = "read"
        permissions.merge(engine.widerPermissions) { $1 }
        let repositories = asked.isEmpty ? installed.sorted() : asked
        let value = Self.random("ghs_")
        let leaseID = engine.isUnleased ? "" : Self.random("\(path)/")
        let first = min(engine.leaseTTL, engine.leaseMaxTTL)
        var end = now.advanced(by: first)
        // A batch token can't keep a lease beyond its own end.
        if token.isBatch { end = min(end, token.expiresAt) }
        if !engine.isUnleased {
            leases[leaseID] = Lease(
                tokenID: tokenID,
                expiresAt: end,
                lastEnd: now.advanced(by: engine.leaseMaxTTL),
                isRenewable: engine.isRenewable && !token.isBatch
            )
        }
        minted.append(
            LoopbackVault.Minted(
                value: value,
                organisation: organisation,
                repositories: repositories,
                permissions: permissions,
                leaseID: leaseID
            )
        )
        return Self.envelope([
            "lease_id": leaseID, "renewable": engine.isRenewable && !token.isBatch,
            "lease_duration": engine.isUnleased ? 0 : now.duration(to: end).components.seconds,
            "data": [
                "token": value, "expires_at": now.advanced(by: .seconds(3600)).rfc3339, "installation_id": 42,
                "org_name": organisation, "permissions": permissions, "repository_selection": "selected",
                "repositories": repositories.map { ["name": $0, "full_name": "\(organisation)/\($0)"] },
            ] as [String: Any],
        ])
    }

    private static var unprocessable: SourceAnswer {
        errors(500, "1 error occurred:\n\t* unable to create access token: 422 Unprocessable Entity\n\n")
    }

    /// `transit/sign/NAME/HASH`
    func sign(_ path: String, _ body: [String: Any]) -> SourceAnswer {
        let parts = path.split(separator: "/").dropFirst(2).map(String.init)
        let hash = parts.count > 1 ? parts[1] : body["hash_algorithm"] as? String ?? "sha2-256"
        guard let name = parts.first, let pem = transitKeys[name],
            let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem)
        else { return Self.errors(400, "signing key not found") }
        guard hash == "sha2-256" else { return Self.errors(400, "invalid hash algorithm \"\(hash)\"") }
        guard let input = (body["input"] as? String).flatMap({ Data(base64Encoded: $0) }) else {
            return Self.errors(400, "unable to decode input as base64: illegal base64 data at input byte 0")
        }
        guard body["prehashed"] as? Bool ?? false == false else {
            return Self.errors(500, "crypto/rsa: input must be hashed message")
        }
        let isPKCS1 = (body["signature_algorithm"] as? String ?? "pss") == "pkcs1v15"
        let padding = isPKCS1 ? _RSA.Signing.Padding.insecurePKCS1v1_5 : .PSS
        guard let signature = try? key.signature(for: SHA256.hash(data: input), padding: padding) else {
            return Self.errors(500, "internal error")
        }
        let text = signature.rawRepresentation.base64EncodedString()
        return Self.envelope(["data": ["signature": "vault:v1:\(text)", "key_version": 1] as [String: Any]])
    }
}
