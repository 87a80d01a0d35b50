// The keys that every store has, whatever its kind.

import StrictYAML
import TokenStore

/// What the configuration says of a store beside its kind's own settings.
struct CommonStoreSettings {
    /// The keys that a kind's own settings never see.
    static let keys: Set<String> = ["kind", "limits", "lifetime", "acceptWiderTokens"]

    let limits: StoreLimitSettings
    private var acceptsWiderTokens = false

    init(_ entry: YAMLValue.Entry, _ findings: inout Findings) {
        limits = StoreLimitSettings(entry.value["limits"], &findings)
        if let value = entry.value["acceptWiderTokens"], !value.isNull {
            acceptsWiderTokens =
                findings.collect { () throws(YAMLProblems) in try value.decode(Bool.self) } ?? false
        }
    }

    /// The life that tokens are to have; `nil` when the entry says nothing, or what can't be had.
    static func lifetime(
        _ entry: YAMLValue.Entry,
        _ life: StoreCapabilities.Life,
        _ findings: inout Findings
    ) -> Duration? {
        guard let value = entry.value["lifetime"], !value.isNull else { return nil }
        switch life {
        case .chosen(let limits):
            return findings.collect { () throws(YAMLProblems) in try value.duration(in: limits) }
        case .fixed(let text):
            findings.error(
                value.problem("the life of this store's tokens can't be chosen: it is \(text)", fix: Self.remove)
            )
        case .untilRevoked:
            findings.error(
                value.problem("this store's tokens have no expiry: they live until they are revoked", fix: Self.remove)
            )
        }
        return nil
    }

    private static let remove = "remove the key"

    /// Says so when tokens reach more than a grant can name and nobody accepted it: a grant would promise what the store
    /// can't keep.
    func check(_ reach: StoreCapabilities.Reach, of entry: YAMLValue.Entry, _ findings: inout Findings) {
        switch (reach, acceptsWiderTokens) {
        case (.wider(let what), false):
            findings.error(
                entry.problem(
                    "a token of this store reaches \(what), and not only what a grant names",
                    fix: "if that is acceptable, add acceptWiderTokens: true to the store"
                )
            )
        case (.exact, true):
            findings.warning(
                entry.problem("its tokens reach no more than they should", fix: "remove acceptWiderTokens")
            )
        default: break
        }
    }
}
