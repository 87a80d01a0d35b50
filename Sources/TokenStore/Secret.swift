// Bytes that are wiped when they go and never print.

public import Crypto

/// A secret: it is wiped from memory when its last copy goes, compares in constant time, and never prints.
///
/// It protects what is kept (caches, leases) and what is logged or dumped by mistake. Bytes that leave it through
/// ``reveal()`` or ``revealText()`` are ordinary memory and are not wiped.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // SymmetricKey's storage is cleansed on deallocation and compares in constant time.
    private let key: SymmetricKey

    /// Takes a copy of `bytes`.
    public init(_ bytes: [UInt8]) { key = SymmetricKey(data: bytes) }

    /// Takes a copy of the text's UTF-8 bytes.
    public init(utf8 text: String) { self.init(Array(text.utf8)) }

    /// The number of bytes.
    public var count: Int { key.bitCount / 8 }

    /// Whether there are no bytes.
    public var isEmpty: Bool { count == 0 }

    /// A copy of the bytes. Call it where they are needed, and keep them no longer than that.
    public func reveal() -> [UInt8] { key.withUnsafeBytes { Array($0) } }

    /// A copy of the bytes as text; bytes that are no UTF-8 are replaced.
    public func revealText() -> String { String(decoding: reveal(), as: UTF8.self) }

    /// The SHA-256 digest of the bytes in standard base64: GitHub's audit log calls it `hashed_token`
    /// (<https://docs.github.com/en/enterprise-cloud@latest/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/identifying-audit-log-events-performed-by-an-access-token>).
    public var sha256: SHA256Digest { SHA256.hash(data: reveal()) }

    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
