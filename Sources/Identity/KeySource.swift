// Where the cluster's public keys come from.

package import Refusals

/// The issuer of a cluster's service account tokens and its public keys, as they were fetched.
package struct JWKSDocument: Sendable, Hashable {
    /// The issuer: what `iss` of a token must be.
    package var issuer: String
    /// The JSON Web Key Set (RFC 7517), as JSON.
    package var jwks: [UInt8]

    package init(issuer: String, jwks: [UInt8]) {
        self.issuer = issuer
        self.jwks = jwks
    }
}

/// A place that the cluster's public keys are fetched from. ``TokenVerifier`` decides when.
package protocol KeySource: Sendable {
    /// The place, for messages: a path or a URL.
    var location: String { get }

    /// Fetches the keys, in bounded time and size.
    ///
    /// - Throws: `KeysUnavailable`, or `Cancelled` when the caller's task is.
    func fetch() async throws(Refusal) -> JWKSDocument
}
