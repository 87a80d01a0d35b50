// Looks into a file of certificates or of a private key, without a TLS library: is there one, and is each one whole.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A PEM file (RFC 7468) of certificates, or of one private key.
enum CertificateFile {
    /// The largest file that is read, in bytes; the transport takes no more either.
    private static let largest = 16 << 20
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"

    /// What is wrong with a file of certificates; `nil` when it can be used.
    ///
    /// - Parameter what: the file in words: `the CA file`.
    static func problem(_ path: String, _ what: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return "\(what) \(path) can't be read" }
        guard bytes.count <= largest else { return "\(what) \(path) is larger than \(largest) bytes" }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: begin, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return "\(what) \(path) holds no certificate in PEM form (\(begin))" }
        for (index, part) in parts.dropFirst().enumerated() where !isWhole(part) {
            return "certificate \(index + 1) of \(what) \(path) is damaged"
        }
        return nil
    }

    /// What is wrong with the text of a private key; `nil` when it can be used. It shows nothing of the key.
    static func problem(key text: String) -> String? {
        guard text.contains("PRIVATE KEY-----") else { return "holds no private key in PEM form" }
        return text.contains("ENCRYPTED") ? "holds a private key that is encrypted" : nil
    }

    /// Whether the text after a begin line is base64 of a DER sequence (X.690, tag 0x30) up to its end line.
    private static func isWhole(_ text: Substring) -> Bool {
        let pieces = text.split(separator: end, maxSplits: 1, omittingEmptySubsequences: false)
        guard pieces.count == 2 else { return false }
        let base64 = String(pieces[0].filter { !$0.isWhitespace })
        return Data(base64Encoded: base64)?.first == 0x30
    }
}
