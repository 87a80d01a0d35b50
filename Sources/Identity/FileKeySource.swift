// The cluster's public keys from a file, for nodes that do not ask the API server.

package import Refusals

/// Keys from a file with a JSON Web Key Set: what `kubectl get --raw /openid/v1/jwks` prints.
///
/// The file is read anew whenever a fetch is due; replace it by renaming a new one over it.
package struct FileKeySource: KeySource {
    /// The largest file that is read, in bytes.
    static let limit = 256 << 10

    /// The file's path.
    package let path: String
    /// The issuer whose keys they are; a key set does not say it.
    package let issuer: String

    package init(path: String, issuer: String) {
        self.path = path
        self.issuer = issuer
    }

    package var location: String { path }

    package func fetch() async throws(Refusal) -> JWKSDocument { try read() }

    /// Reads the file and looks for a usable key, for offline checks.
    ///
    /// - Throws: `KeysUnavailable` when no token could be verified with this file.
    package func check() throws(Refusal) {
        let document = try read()
        do throws(SigningKeys.Problem) { _ = try SigningKeys(jwks: document.jwks) } catch {
            throw error.refusal(from: path)
        }
    }

    private func read() throws(Refusal) -> JWKSDocument {
        let bytes: [UInt8]
        do throws(BoundedFile.Problem) { bytes = try BoundedFile.read(path, limit: Self.limit) } catch {
            throw Refusal(
                .keysUnavailable,
                "the key file \(path) \(error.message)",
                fix: "write the output of kubectl get --raw /openid/v1/jwks there"
            )
        }
        return JWKSDocument(issuer: issuer, jwks: bytes)
    }
}
