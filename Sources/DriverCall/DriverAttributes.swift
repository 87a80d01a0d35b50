// The `attributes` of a Mount call, as the Secrets Store CSI driver sends them for a Pod.

package import TokenStore

/// What the driver puts into `attributes`: the SecretProviderClass parameters, over them what the Pod's volume says, over
/// that what kubelet says (`pkg/secrets-store/nodeserver.go`, `NodePublishVolume`).
package struct DriverAttributes: Sendable {
    /// One service account token among kubelet's.
    package struct Token: Sendable {
        /// The audience; empty for the API server's own.
        package var audience: String
        /// The token.
        package var token: String
        /// The token's end.
        package var expiresAt: UTCInstant

        package init(audience: String, token: String, expiresAt: UTCInstant) {
            self.audience = audience
            self.token = token
            self.expiresAt = expiresAt
        }
    }

    /// The Pod.
    package var subject: Subject
    /// The SecretProviderClass that the Pod's volume names.
    package var secretProviderClass: String
    /// The parameters of the SecretProviderClass.
    package var parameters: [String: String]
    /// The `volumeAttributes` of the Pod; they override parameters.
    package var volumeAttributes: [String: String]
    /// kubelet's tokens; none when the CSIDriver object has no `tokenRequests`.
    package var tokens: [Token]
    /// Whether kubelet names the Pod (`podInfoOnMount` of the CSIDriver object).
    package var hasPodInfo = true

    package init(
        subject: Subject,
        secretProviderClass: String = "build-credentials",
        parameters: [String: String],
        volumeAttributes: [String: String] = [:],
        tokens: [Token]
    ) {
        self.subject = subject
        self.secretProviderClass = secretProviderClass
        self.parameters = parameters
        self.volumeAttributes = volumeAttributes
        self.tokens = tokens
    }

    /// The attributes as a map of texts.
    package var map: [String: String] {
        var map = parameters
        map.merge(volumeAttributes) { $1 }
        map["secretProviderClass"] = secretProviderClass
        if hasPodInfo {
            map["csi.storage.k8s.io/pod.name"] = subject.podName
            map["csi.storage.k8s.io/pod.namespace"] = subject.namespace
            map["csi.storage.k8s.io/pod.uid"] = subject.podUID
            map["csi.storage.k8s.io/serviceAccount.name"] = subject.serviceAccount
            map["csi.storage.k8s.io/ephemeral"] = "true"
        }
        if !tokens.isEmpty { map["csi.storage.k8s.io/serviceAccount.tokens"] = tokensJSON }
        return map
    }

    /// The attributes as the driver sends them: Go's JSON, keys sorted.
    package var json: String { GoJSON.object(map) }

    /// The value of `csi.storage.k8s.io/serviceAccount.tokens`: a JSON document by itself.
    package var tokensJSON: String {
        let entries = tokens.map { token in
            let end = GoJSON.string(token.expiresAt.rfc3339)
            return (token.audience, "{\"token\":\(GoJSON.string(token.token)),\"expirationTimestamp\":\(end)}")
        }
        return GoJSON.objectOfJSON(Dictionary(entries) { $1 })
    }

    /// The `secrets` of the call when the CSIDriver object has `serviceAccountTokenInSecrets`: the tokens once more.
    package var secretsJSON: String { GoJSON.object(["csi.storage.k8s.io/serviceAccount.tokens": tokensJSON]) }

    /// The `target_path` of the Pod's volume below a kubelet directory.
    package func targetPath(volume: String, kubelet: String = "/var/lib/kubelet") -> String {
        "\(kubelet)/pods/\(subject.podUID)/volumes/kubernetes.io~csi/\(volume)/mount"
    }
}
