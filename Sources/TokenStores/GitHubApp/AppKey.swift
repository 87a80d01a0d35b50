// The App's private key: what a key file can hold, and an explanation for each thing that is not such a key.

import JWTKit
import TokenStore

/// Reads the PEM file that GitHub generates for an App. PKCS#1 is what it generates; PKCS#8 is taken too.
enum AppKey {
    /// Reads a key.
    ///
    /// - Throws: ``TokenStoreError`` with code `misconfigured`, naming the file and what it holds instead.
    static func parse(_ secret: Secret, file: String) throws(TokenStoreError) -> Insecure.RSA.PrivateKey {
        let text = secret.revealText()
        if let mistake = Mistake(text) { throw mistake.error(file) }
        let lines = text.split(whereSeparator: \.isNewline).map(trimmed).filter { !$0.isEmpty }
        do {
            return try Insecure.RSA.PrivateKey(pem: lines.joined(separator: "\n") + "\n")
        } catch {
            // The library's error may quote what it read, so it is not kept as a cause.
            throw Mistake.unreadable.error(file)
        }
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.drop(while: \.isWhitespace)
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }

    /// What people put into a key file by mistake.
    private enum Mistake {
        case empty, escapedNewlines, base64, certificate, publicKey, encrypted, openSSH, ellipticCurve
        case noPEM, cut, oneLine, unreadable

        /// The mistake that can be seen without reading the key; `nil` when it looks like a private key in PEM.
        init?(_ text: String) {
            let begin = text.firstRange(of: "-----BEGIN ")
            if text.allSatisfy(\.isWhitespace) {
                self = .empty
            } else if begin == nil {
                // "-----BEGIN" in base64.
                self = text.drop(while: \.isWhitespace).hasPrefix("LS0tLS1CRUdJTi") ? .base64 : .noPEM
            } else if text.contains("\\n") {
                self = .escapedNewlines
            } else if text.contains("-----BEGIN CERTIFICATE") {
                self = .certificate
            } else if text.contains("PUBLIC KEY-----") {
                self = .publicKey
            } else if text.contains("ENCRYPTED") {
                self = .encrypted
            } else if text.contains("-----BEGIN OPENSSH") {
                self = .openSSH
            } else if text.contains("-----BEGIN EC ") {
                self = .ellipticCurve
            } else if !text.contains("-----END ") {
                self = .cut
            } else if text.split(whereSeparator: \.isNewline).filter({ $0.contains("-----") }).count < 2 {
                self = .oneLine
            } else {
                return nil
            }
        }

        func error(_ file: String) -> TokenStoreError {
            let (message, fix) = words
            return TokenStoreError(.misconfigured, "the private key file \(file) \(message)", fix: fix)
        }

        private var words: (String, String) {
            let generated = "put the .pem file there that GitHub generated for the App"
            return switch self {
            case .empty: ("is empty", generated)
            case .escapedNewlines:
                ("holds the two characters \\n where line breaks belong", "write it with real line breaks")
            case .base64: ("holds a PEM that was encoded in base64 once more", "decode it first (base64 -d)")
            case .certificate: ("holds a certificate, not a private key", generated)
            case .publicKey: ("holds a public key, not the private one", generated)
            case .encrypted:
                ("holds a key that is encrypted with a passphrase", "decrypt it (openssl rsa -in KEY -out PLAIN)")
            case .openSSH: ("holds a key in OpenSSH's own format", generated)
            case .ellipticCurve: ("holds an elliptic curve key, and GitHub takes RSA only", generated)
            case .noPEM: ("holds no PEM: it has no line that begins with -----BEGIN", generated)
            case .cut: ("ends before its -----END line; perhaps only its first line was stored", generated)
            case .oneLine: ("has lost its line breaks", "write it with real line breaks")
            case .unreadable: ("holds no readable RSA private key of 2048 bits or more", generated)
            }
        }
    }
}
