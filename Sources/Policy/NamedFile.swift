// The files that a configuration names beside the key files of its stores.

import StrictYAML

/// A file that the configuration names, and where it does.
package struct NamedFile: Sendable, Hashable {
    /// What the file is for.
    package enum Purpose: String, Sendable, CaseIterable {
        /// The cluster's public keys, a JSON Web Key Set.
        case keySet = "identity.jwks.file"
        /// Authorities that are trusted besides the system's, as PEM.
        case authorities = "http.caFile"
        /// The certificate that servers are shown, as PEM.
        case clientCertificate = "http.clientCertificate.certificate"
        /// The private key of that certificate, as PEM.
        case clientKey = "http.clientCertificate.key"
        /// Authorities of the API server at which Pods are watched, as PEM.
        case podAuthorities = "builds.pods.caFile"
    }

    /// What the file is for; the raw value is its key in the configuration.
    package var purpose: Purpose
    /// The path of the file.
    package var path: String
    /// The place of the path in the configuration, from 1.
    package var line: Int
    /// The column in Unicode scalars, from 1.
    package var column: Int

    static func all(in root: YAMLValue) -> [NamedFile] {
        Purpose.allCases.compactMap { purpose in
            let value = purpose.rawValue.split(separator: ".").reduce(Optional(root)) { $0?[String($1)] }
            guard let value, !value.isNull, let path = value.text else { return nil }
            return NamedFile(purpose: purpose, path: path, line: value.line, column: value.column)
        }
    }
}
