// The `auths` object that docker-config and containers-auth share, over a tenant's own JSON.

import MountRequests
import Refusals
import TokenStore

/// Registry credentials over static JSON. Everything of the static JSON stays, except entries of our own registries and
/// what would make a client ask a credential helper instead of this file.
struct RegistryAuths: Sendable {
    private let tokens: [PlannedToken]
    /// The keys of each token, in the order of ``tokens``.
    private let keys: [[String]]
    private let base: [String: JSONValue]
    private let baseAuths: [String: JSONValue]

    /// - Parameter normalized: what a key stands for, so that two spellings of one registry are found out.
    init(_ input: FormatInput, keys: [[String]], normalized: (String) -> String) throws(Refusal) {
        tokens = input.tokens
        self.keys = keys
        var base = try Self.base(of: input.ask)
        try Self.refuseHelpers(in: base, input, hosts: Set(keys.joined().map(RegistryKey.host)))
        let own = Set(keys.joined().map(normalized))
        let auths = base.removeValue(forKey: "auths") ?? .object([:])
        guard let members = auths.object else {
            throw input.ask.invalid("\"auths\" of merge is no object", fix: "write { \"auths\": {} } or leave it out")
        }
        baseAuths = members.filter { !own.contains(normalized($0.key)) }
        self.base = base
    }

    func contents(_ issued: [IssuedToken], in format: String) throws(Refusal) -> [UInt8] {
        var auths = baseAuths
        for (index, token) in tokens.enumerated() {
            let entry = RegistryEntry.fields(try Credential(issued[index], of: token, in: format), of: token)
            for key in keys[index] { auths[key] = .object(entry.mapValues { .string($0) }) }
        }
        var whole = base
        whole["auths"] = .object(auths)
        return try JSONValue.object(whole).encoded()
    }

    private static func base(of ask: FileAsk) throws(Refusal) -> [String: JSONValue] {
        guard let merge = ask.merge else { return [:] }
        let example = "write an object as JSON, for example { \"proxies\": {} }"
        guard !JSONValue.hasExponent(merge) else {
            throw ask.invalid("merge holds a number with an exponent", fix: "write its digits")
        }
        guard let value = JSONValue(parsing: merge) else { throw ask.invalid("merge is no JSON", fix: example) }
        guard let members = value.object else { throw ask.invalid("merge is no JSON object", fix: example) }
        return members
    }

    private static func refuseHelpers(
        in base: [String: JSONValue],
        _ input: FormatInput,
        hosts: Set<String>
    ) throws(Refusal) {
        if let store = base["credsStore"], store != .null, store.string != "" {
            let rule = "\"credsStore\" of merge makes clients ask a helper instead of this file"
            throw input.ask.invalid(rule, fix: "leave it out, or name other registries in \"credHelpers\"")
        }
        guard let helpers = base["credHelpers"], helpers != .null else { return }
        guard let members = helpers.object else {
            throw input.ask.invalid("\"credHelpers\" of merge is no object", fix: "leave it out")
        }
        for key in members.keys.sorted() where hosts.contains(RegistryKey.host(key)) {
            let rule = "\"credHelpers\" of merge has \(Refusal.quoted(key)), so clients would never read our token"
            throw input.ask.invalid(rule, fix: "leave that entry out")
        }
    }
}
