// The claims of a service account token, every one of which can be set wrong.

package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The claims that kube-apiserver puts into a token for a Pod's service account.
package struct PodToken: Sendable {
    /// `iss`; `nil` stands for the issuer that signs.
    package var issuer: String?
    /// `aud`.
    package var audiences: [String]
    /// Who the token is for; `sub` and `kubernetes.io` follow from it.
    package var subject: Subject
    /// `sub`, when it must differ from the subject.
    package var sub: String?
    /// Whether `kubernetes.io` names the Pod; `kubectl create token` makes tokens that name none.
    package var isPodBound = true
    /// The node that the Pod is on.
    package var nodeName: String? = "node-1"
    /// `iat`.
    package var issuedAt: UTCInstant
    /// `nbf`.
    package var notBefore: UTCInstant
    /// `exp`; `nil` leaves it out, as in the tokens of Secrets.
    package var expiresAt: UTCInstant?
    /// `jti`.
    package var id = "5f2b1a52-1111-4f5e-9d6e-0d7f7d4ad3c0"

    /// The claims of a right token, made at `now`.
    package init(
        for subject: Subject,
        audience: String = "daypass",
        at now: UTCInstant,
        lifetime: Duration = .seconds(3600)
    ) {
        self.subject = subject
        audiences = [audience]
        issuedAt = now
        notBefore = now
        expiresAt = now.advanced(by: lifetime)
    }

    /// The claims as JSON, keys sorted as kube-apiserver writes them.
    func json(issuer: String) throws -> [UInt8] {
        let node = nodeName.map { Claims.Object(name: $0, uid: "0f0e5c8e-2222-4f5e-9d6e-0d7f7d4ad3c0") }
        let claims = Claims(
            aud: audiences,
            exp: expiresAt?.epochSeconds,
            iat: issuedAt.epochSeconds,
            iss: self.issuer ?? issuer,
            jti: id,
            kubernetes: Claims.Kubernetes(
                namespace: subject.namespace,
                node: isPodBound ? node : nil,
                pod: isPodBound ? Claims.Object(name: subject.podName, uid: subject.podUID) : nil,
                serviceaccount: Claims.Object(name: subject.serviceAccount, uid: "77f3a9e4-3333-4f5e-9d6e-0d7f7d4ad3c0")
            ),
            nbf: notBefore.epochSeconds,
            sub: sub ?? "system:serviceaccount:\(subject.namespace):\(subject.serviceAccount)"
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(claims))
    }

    private struct Claims: Encodable {
        struct Kubernetes: Encodable {
            var namespace: String
            var node: Object?
            var pod: Object?
            var serviceaccount: Object
        }

        struct Object: Encodable {
            var name: String
            var uid: String
        }

        enum CodingKeys: String, CodingKey {
            case aud, exp, iat, iss, jti, nbf, sub
            case kubernetes = "kubernetes.io"
        }

        var aud: [String]
        var exp: Int64?
        var iat: Int64
        var iss: String
        var jti: String
        var kubernetes: Kubernetes
        var nbf: Int64
        var sub: String
    }
}
