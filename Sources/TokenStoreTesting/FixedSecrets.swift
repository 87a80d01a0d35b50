// Secrets that a test hands in by file name.

public import TokenStore

/// A secret reader for tests: it knows the secrets it was created with, by their `file`.
public struct FixedSecrets: SecretReader {
    private let secrets: [String: Secret]

    /// Creates a reader from texts by file name.
    public init(_ secrets: [String: String] = [:]) { self.secrets = secrets.mapValues { Secret(utf8: $0) } }

    public func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        guard let secret = secrets[reference.file] else {
            throw TokenStoreError(.misconfigured, "\(reference.file) does not exist", fix: "create it")
        }
        return secret
    }
}
