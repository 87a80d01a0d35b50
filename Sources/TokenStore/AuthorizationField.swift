// Values of the Authorization field, built once and kept as secrets.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Values of the Authorization field, and what makes a text fit for it.
public enum AuthorizationField {
    /// `Bearer TOKEN` (RFC 6750).
    public static func bearer(_ token: Secret) -> Secret { Secret(Array("Bearer ".utf8) + token.reveal()) }

    /// `Basic ...` (RFC 7617).
    public static func basic(_ username: String, _ password: Secret) -> Secret {
        let pair = Data(Array("\(username):".utf8) + password.reveal())
        return Secret(utf8: "Basic " + pair.base64EncodedString())
    }

    /// A secret as a file holds it, often with a line break at its end.
    public static func trimmed(_ secret: Secret) -> Secret {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var bytes = secret.reveal()[...].drop(while: isBlank)
        while bytes.last.map(isBlank) == true { bytes.removeLast() }
        return Secret(Array(bytes))
    }

    /// Whether a token can stand in a header field and in a file: printable ASCII without spaces, not empty.
    public static func isUsable(_ token: Secret) -> Bool {
        let bytes = token.reveal()
        return !bytes.isEmpty && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
