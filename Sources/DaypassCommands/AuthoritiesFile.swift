// Looks into a file of certificate authorities, without a TLS library: is there a certificate, and is each one whole.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A PEM file of authorities (RFC 7468).
enum AuthoritiesFile {
    /// The largest file that is read, in bytes; the transport takes no more either.
    private static let largest = 16 << 20
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"

    /// What is wrong with the file; `nil` when it can be used.
    static func problem(_ path: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            return "the CA file \(path) can't be read"
        }
        guard bytes.count <= largest else { return "the CA file \(path) is larger than \(largest) bytes" }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: begin, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return "the CA file \(path) holds no certificate in PEM form (\(begin))" }
        for (index, part) in parts.dropFirst().enumerated() where !isWhole(part) {
            return "certificate \(index + 1) of the CA file \(path) is damaged"
        }
        return nil
    }

    /// Whether the text after a begin line is base64 of a DER sequence (X.690, tag 0x30) up to its end line.
    private static func isWhole(_ text: Substring) -> Bool {
        let pieces = text.split(separator: end, maxSplits: 1, omittingEmptySubsequences: false)
        guard pieces.count == 2 else { return false }
        let base64 = String(pieces[0].filter { !$0.isWhitespace })
        return Data(base64Encoded: base64)?.first == 0x30
    }
}
