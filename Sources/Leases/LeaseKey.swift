// What a lease is for, and its name.

package import TokenStore

/// What a lease is for. Two Mounts with equal keys share one token; two Pods never do.
package struct LeaseKey: Sendable, Hashable {
    /// The UID of the Pod.
    package var podUID: String
    /// The name of the Pod's volume.
    package var volume: String
    /// The token's name in the tenant's parameters.
    package var token: String
    /// The store that mints it.
    package var store: String
    /// Where the store's tokens are good: a store of the same name that points elsewhere is another one.
    package var origin: String
    /// The scope after policy: with `store`, the effective request.
    package var scope: TokenScope

    package init(
        podUID: String,
        volume: String,
        token: String,
        store: String,
        origin: String = "",
        scope: TokenScope
    ) {
        self.podUID = podUID
        self.volume = volume
        self.token = token
        self.store = store
        self.origin = origin
        self.scope = scope
    }
}

extension LeaseKey {
    /// Whether two keys are for the same token name of the same volume: a Pod holds one of them at a time.
    func isSamePlace(as other: LeaseKey) -> Bool {
        podUID == other.podUID && volume == other.volume && token == other.token
    }
}

/// The name of a lease: random, so that it stays unique across restarts and says nothing.
package struct LeaseID: Sendable, Hashable, CustomStringConvertible {
    /// The number behind the name.
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// Reads 16 hexadecimal digits; `nil` when `text` is none of ours.
    package init?(_ text: String) {
        guard text.utf8.count == 16, text.first?.isHexDigit == true, let value = UInt64(text, radix: 16) else {
            return nil
        }
        self.value = value
    }

    /// 16 hexadecimal digits.
    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// What the token is called at its source, where the source gives tokens names.
    package var tokenName: String { "daypass-\(self)" }
}
