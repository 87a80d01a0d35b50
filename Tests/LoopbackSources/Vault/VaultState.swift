// What the counterpart of Vault remembers, and how it ends.

import Foundation
import TokenStore

struct VaultState: Sendable {
    /// A login, or a wrapping token.
    struct Token: Sendable {
        struct Wrapped: Sendable {
            let json: String
            let path: String
            let created: UTCInstant
            let ttl: Duration
        }

        let role: String
        var expiresAt: UTCInstant
        let lastEnd: UTCInstant
        let isRenewable: Bool
        let isBatch: Bool
        let hasDefaultPolicy: Bool
        var policy: [String: Set<String>]
        /// 0 stands for any number.
        var usesLeft: Int
        var wrapped: Wrapped?
    }

    struct Lease: Sendable {
        let tokenID: String
        var expiresAt: UTCInstant
        let lastEnd: UTCInstant
        let isRenewable: Bool
    }

    struct Version: Sendable {
        let values: [String: String]
        let created: UTCInstant
        var deleted: UTCInstant?
    }

    let namespace: String?
    let isOpenBao: Bool
    var isSealed = false
    var roles: [String: LoopbackVault.Role] = [:]
    var engine = LoopbackVault.Engine()
    var tokens: [String: Token] = [:]
    var leases: [String: Lease] = [:]
    var minted: [LoopbackVault.Minted] = []
    var kv1: [String: [String: String]] = [:]
    var kv2: [String: [Version]] = [:]
    var transitKeys: [String: String] = [:]
    var seen: [LoopbackVault.Seen] = []
    var loginCount = 0

    init(namespace: String?, isOpenBao: Bool) {
        self.namespace = namespace
        self.isOpenBao = isOpenBao
    }

    /// Ends what has expired.
    mutating func sweep(_ now: UTCInstant) {
        for (id, token) in tokens where token.expiresAt <= now { endToken(id) }
        for (id, lease) in leases where lease.expiresAt <= now { endLease(id) }
    }

    /// Ends a token, and every lease that was made with it.
    mutating func endToken(_ id: String) {
        tokens[id] = nil
        for (leaseID, lease) in leases where lease.tokenID == id { endLease(leaseID) }
    }

    mutating func endLease(_ id: String) {
        leases[id] = nil
        for index in minted.indices where minted[index].leaseID == id { minted[index].end() }
    }

    mutating func wrap(_ json: String, ttl: Duration, path: String, _ now: UTCInstant) -> String {
        let id = Self.random("s.")
        tokens[id] = Token(
            role: "",
            expiresAt: now.advanced(by: ttl),
            lastEnd: now.advanced(by: ttl),
            isRenewable: false,
            isBatch: false,
            hasDefaultPolicy: false,
            policy: ["sys/wrapping/unwrap": ["update"]],
            usesLeft: 1,
            wrapped: Token.Wrapped(json: json, path: path, created: now, ttl: ttl)
        )
        return id
    }

    static func random(_ prefix: String) -> String {
        let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return prefix + String((0..<24).map { _ in letters.randomElement() ?? "x" })
    }

    /// The token of a request; `X-Vault-Token` goes before `Authorization`.
    static func token(_ request: SourceRequest) -> String? { request.headers["x-vault-token"] ?? request.bearer }

    static func json(_ object: [String: Any]) -> String {
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    static func errors(_ status: Int, _ texts: String...) -> SourceAnswer {
        .json(status, json(["errors": texts]))
    }

    /// An answer in Vault's envelope.
    static func envelope(_ fields: [String: Any]) -> SourceAnswer {
        var whole: [String: Any] = [
            "request_id": UUID().uuidString.lowercased(), "lease_id": "", "renewable": false, "lease_duration": 0,
            "data": NSNull(), "wrap_info": NSNull(), "warnings": NSNull(), "auth": NSNull(),
        ]
        whole.merge(fields) { $1 }
        return .json(200, json(whole))
    }
}
