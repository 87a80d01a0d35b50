// The keys of a journal: those that seal its tokens, and the one that makes file versions.

import TokenStore

/// A key that seals tokens, and its name.
struct SealingKey: Sendable, Equatable {
    /// 16 hexadecimal digits.
    let id: String
    /// 32 bytes.
    let key: Secret

    static func random() -> SealingKey {
        let id = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        return SealingKey(id: id, key: .random(bytes: 32))
    }
}

/// What the key file holds.
struct KeyRing: Sendable, Equatable {
    /// One key, or two while rows are sealed anew: the old one and the new one.
    private(set) var sealing: [SealingKey]
    /// The key of file versions, 32 bytes: the same as long as the journal lives.
    let version: Secret

    init(sealing: [SealingKey], version: Secret) {
        self.sealing = sealing
        self.version = version
    }

    /// A new journal's keys.
    static func random() -> KeyRing { KeyRing(sealing: [.random()], version: .random(bytes: 32)) }

    /// The key that seals what is written.
    var newest: SealingKey? { sealing.last }

    func key(_ id: String) -> SealingKey? { sealing.first { $0.id == id } }

    /// The ring with a new key beside the old one. One with two keys has its new one already: a resealing that did not
    /// come to its end goes on with it.
    func withNewKey() -> KeyRing {
        sealing.count > 1 ? self : KeyRing(sealing: sealing + [.random()], version: version)
    }

    /// The ring without the old key.
    func withoutOldKeys() -> KeyRing { KeyRing(sealing: sealing.suffix(1), version: version) }
}

extension Secret {
    /// Bytes of the system's random generator, which is a cryptographic one.
    static func random(bytes: Int) -> Secret { Secret((0..<bytes).map { _ in UInt8.random(in: .min ... .max) }) }
}
