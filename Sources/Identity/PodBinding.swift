// The Pod that a token proves must be the Pod that kubelet mounts for.

package import Refusals
package import TokenStore

/// Compares who asks, in every place that says it.
package enum PodBinding {
    /// Checks that the token, kubelet's attributes and the target path name one Pod.
    ///
    /// - Parameters:
    ///   - token: the verified token.
    ///   - claimed: the Pod of the `csi.storage.k8s.io/*` attributes.
    ///   - targetPathPodUID: the Pod's UID in `target_path`.
    /// - Throws: `TokenNotForPod`, naming all that differs and showing the first of it.
    package static func check(
        _ token: VerifiedToken,
        claimed: Subject,
        targetPathPodUID: String
    ) throws(Refusal) {
        let proved = token.subject
        let pairs = [
            ("namespace", proved.namespace, claimed.namespace, "kubelet's attributes"),
            ("service account", proved.serviceAccount, claimed.serviceAccount, "kubelet's attributes"),
            ("Pod name", proved.podName, claimed.podName, "kubelet's attributes"),
            ("Pod UID", proved.podUID, claimed.podUID, "kubelet's attributes"),
            ("Pod UID", proved.podUID, targetPathPodUID, "target_path"),
        ]
        let differing = pairs.filter { !same($0.1, $0.2) }
        guard let (what, inToken, elsewhere, place) = differing.first else { return }
        let others = differing.dropFirst().map { "\($0.0) in \($0.3)" }.joined(separator: ", ")
        let also = others.isEmpty ? "" : " (other too: \(others))"
        throw Refusal(
            .tokenNotForPod,
            """
            the service account token is of another Pod: its \(what) is \(Refusal.quoted(inToken)), that of \(place) \
            is \(Refusal.quoted(elsewhere))\(also)
            """
        )
    }

    /// Checks that kubelet's attributes and the target path name one Pod; all there is to check without a token.
    ///
    /// - Throws: `TargetPathMalformed`.
    package static func check(claimed: Subject, targetPathPodUID: String) throws(Refusal) {
        guard same(claimed.podUID, targetPathPodUID) else {
            throw Refusal(
                .targetPathMalformed,
                """
                target_path is of Pod UID \(Refusal.quoted(targetPathPodUID)), kubelet's attributes are of Pod UID \
                \(Refusal.quoted(claimed.podUID))
                """
            )
        }
    }

    /// Byte by byte: Swift's own `==` takes different Unicode spellings for equal. An empty text is nobody.
    private static func same(_ left: String, _ right: String) -> Bool {
        !left.isEmpty && left.utf8.elementsEqual(right.utf8)
    }
}
