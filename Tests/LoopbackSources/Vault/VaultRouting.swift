// Which request is for what, and who may send it.

import Foundation
import TokenStore

extension VaultState {
    /// What Vault's default policy allows of what is played here.
    private static let defaultPolicy: [String: Set<String>] = [
        "auth/token/lookup-self": ["read"], "auth/token/renew-self": ["update"],
        "auth/token/revoke-self": ["update"], "sys/capabilities-self": ["update"],
        "sys/leases/renew": ["update"], "sys/wrapping/wrap": ["update"], "sys/wrapping/lookup": ["update"],
        "sys/wrapping/unwrap": ["update"],
    ]

    mutating func route(_ request: SourceRequest, _ subjects: SubjectTokens, _ now: UTCInstant) -> SourceAnswer {
        guard request.path.hasPrefix("/v1/") else { return SourceAnswer(404, body: Array("404 page not found".utf8)) }
        guard !isSealed else { return Self.errors(503, "Vault is sealed") }
        let path = String(request.path.dropFirst(4))
        guard !path.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == ".." }) else {
            return Self.errors(400, "path cannot contain parent references")
        }
        guard request.headers["x-vault-namespace"].map({ $0.hasSuffix("/") ? String($0.dropLast()) : $0 }) == namespace
        else { return Self.errors(404, "no handler for route \"\(path)\". route entry not found.") }
        var body: [String: Any] = [:]
        if !request.body.isEmpty {
            guard let object = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any] else {
                return Self.errors(400, "failed to parse JSON input: invalid character")
            }
            body = object
        }
        let isUpdate = ["POST", "PUT"].contains(request.method)
        guard isUpdate || request.method == "GET" else { return Self.errors(405, "unsupported operation") }
        if isUpdate, path.hasPrefix("auth/"), path.hasSuffix("/login") {
            return login(path, body, subjects, now)
        }
        if isUpdate, path == "sys/wrapping/lookup" {
            return lookUpWrapping(body["token"] as? String ?? Self.token(request) ?? "")
        }
        guard let id = Self.token(request), let token = tokens[id] else {
            if path == "sys/wrapping/unwrap" { return Self.invalidWrapping }
            return isOpenBao || Self.token(request) == nil
                ? Self.errors(403, "permission denied")
                : Self.errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
        }
        // With its last use a token ends, after the request.
        if token.usesLeft > 0 { tokens[id]?.usesLeft -= 1 }
        let isLastUse = token.usesLeft == 1 && token.wrapped == nil
        defer { if isLastUse { endToken(id) } }
        guard Self.allowed(token, path).contains(isUpdate ? "update" : "read") else {
            return Self.errors(403, "1 error occurred:\n\t* permission denied\n\n")
        }
        let answer = dispatch(path, isUpdate, body, request, id, token, now)
        guard let ttl = request.headers["x-vault-wrap-ttl"], answer.status == 200 else { return answer }
        guard ttl.hasSuffix("s"), let seconds = Int64(ttl.dropLast()) else {
            return Self.errors(400, "error parsing X-Vault-Wrap-TTL header: time: invalid duration")
        }
        let wrapping = wrap(String(decoding: answer.body, as: UTF8.self), ttl: .seconds(seconds), path: path, now)
        return Self.envelope([
            "wrap_info": [
                "token": wrapping, "accessor": Self.random(""), "ttl": seconds, "creation_time": now.rfc3339,
                "creation_path": path,
            ] as [String: Any]
        ])
    }

    static let invalidWrapping = errors(400, "wrapping token is not valid or does not exist")

    private static func allowed(_ token: Token, _ path: String) -> Set<String> {
        var capabilities: Set<String> = []
        let policies = [token.policy] + (token.hasDefaultPolicy ? [defaultPolicy] : [])
        for (pattern, names) in policies.flatMap({ Array($0) }) {
            let matches = pattern.hasSuffix("*") ? path.hasPrefix(pattern.dropLast()) : path == pattern
            if matches { capabilities.formUnion(names) }
        }
        return capabilities
    }

    private mutating func dispatch(
        _ path: String,
        _ isUpdate: Bool,
        _ body: [String: Any],
        _ request: SourceRequest,
        _ id: String,
        _ token: Token,
        _ now: UTCInstant
    ) -> SourceAnswer {
        switch path {
        case "auth/token/lookup-self":
            return Self.envelope(["data": ["policies": policyNames(token), "num_uses": token.usesLeft]])
        case "auth/token/renew-self": return renewToken(id, token, body, now)
        case "auth/token/revoke-self":
            guard !token.isBatch else { return Self.errors(400, "batch tokens cannot be revoked") }
            endToken(id)
            return SourceAnswer(204)
        case "sys/capabilities-self":
            var answer: [String: Any] = [:]
            for path in body["paths"] as? [String] ?? [] {
                let found = Self.allowed(token, path)
                answer[path] = found.isEmpty ? ["deny"] : found.sorted()
            }
            return Self.envelope(["data": answer])
        case "sys/leases/renew": return renewLease(body, token, now)
        case "sys/leases/revoke":
            guard let lease = body["lease_id"] as? String, !lease.isEmpty else {
                return Self.errors(400, "lease_id must be specified")
            }
            // A lease that is gone is no error.
            endLease(lease)
            return SourceAnswer(204)
        case "sys/wrapping/unwrap": return unwrap(id, token, body)
        default: break
        }
        if path == "github/token" || path.hasPrefix("github/token/") {
            return mint(path, body, request, id, token, now)
        }
        if path.hasPrefix("transit/sign/"), isUpdate { return sign(path, body) }
        guard !isUpdate else { return Self.errors(404, "no handler for route \"\(path)\". route entry not found.") }
        if path.hasPrefix("kv1/") { return readKV1(String(path.dropFirst(4))) }
        if path.hasPrefix("secret/data/") { return readKV2(String(path.dropFirst(12)), request.queryItems) }
        return Self.errors(404, "no handler for route \"\(path)\". route entry not found.")
    }

    func policyNames(_ token: Token) -> [String] { (token.hasDefaultPolicy ? ["default"] : []) + [token.role] }
}
