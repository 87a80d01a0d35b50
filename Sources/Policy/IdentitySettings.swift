// The key `identity`: how the node learns who asks.

import StrictYAML

/// How the node learns who asks.
package enum IdentitySettings: Sendable, Hashable {
    /// Where the cluster's public keys come from.
    package enum Keys: Sendable, Hashable {
        /// The API server, by the usual in-cluster files.
        case cluster
        /// A file that holds a JSON Web Key Set.
        case file(String)
    }

    /// `identity: driver`: kubelet's attributes are believed.
    case driver
    /// The Pod's service account token proves it.
    ///
    /// - `issuer`: what `iss` must be; `nil` takes the one that the API server names, and is never `nil` with a file.
    /// - `audience`: what `aud` must contain.
    /// - `leeway`: how far clocks may be apart.
    case serviceAccountTokens(issuer: String?, audience: String, keys: Keys, leeway: Duration)

    /// What is in force when the configuration says nothing.
    package static let standard = Self.serviceAccountTokens(
        issuer: nil,
        audience: "daypass",
        keys: .cluster,
        leeway: .seconds(30)
    )

    init(_ value: YAMLValue, _ findings: inout Findings) {
        self = .standard
        guard value.text == nil else {
            guard value.text == "driver" else {
                findings.error(value.notAllowed(["driver"]).or("a mapping of issuer, audience, jwks and leeway"))
                return
            }
            self = .driver
            findings.warning(
                value.problem(
                    "kubelet's word is believed: any tenant in any namespace may ask in the name of any Pod, unless the "
                        + "CSIDriver object has podInfoOnMount: true; whoever reaches the socket always may",
                    fix: "prefer service account tokens: set tokenRequests in the CSIDriver object and remove this line"
                )
            )
            return
        }
        guard var fields = Fields(value, &findings) else { return }
        let issuer = fields.optional("issuer", &findings) { value throws(YAMLProblems) in try value.word(longest: 2048)
        }
        let audience = fields.optional("audience", &findings) { value throws(YAMLProblems) in
            try value.word(longest: 256)
        }
        let leeway = fields.optional("leeway", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .zero ... .seconds(300))
        }
        let jwks = fields.optional("jwks")
        let file = jwks.flatMap { Self.file($0, &findings) }
        fields.finish(&findings)
        if let jwks, value["issuer"]?.isNull ?? true {
            findings.error(
                jwks.problem(
                    "a key file does not say whose keys it holds",
                    fix: "set identity.issuer to the API server's --service-account-issuer"
                )
            )
        }
        self = .serviceAccountTokens(
            issuer: issuer,
            audience: audience ?? "daypass",
            keys: file.map { .file($0) } ?? .cluster,
            leeway: leeway ?? .seconds(30)
        )
    }

    private static func file(_ value: YAMLValue, _ findings: inout Findings) -> String? {
        guard var fields = Fields(value, &findings) else { return nil }
        let file = fields.required("file", &findings) { value throws(YAMLProblems) in try value.absolutePath() }
        fields.finish(&findings)
        return file
    }
}

extension YAMLProblem {
    /// The same problem with one more thing that would have been right.
    fileprivate func or(_ other: String) -> YAMLProblem {
        var copy = self
        copy.message = message.replacing(", found", with: " or \(other), found", maxReplacements: 1)
        return copy
    }
}
