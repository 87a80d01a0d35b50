// What a user reads when no service account token came.

package import Refusals

/// The refusal for a Mount without a service account token of our audience.
package enum MissingToken {
    /// Names `tokenRequests`, the audience, the Helm value of the driver's chart, and which audiences did come.
    package static func refusal(audience: String, offered: [String]) -> Refusal {
        let wanted = Refusal.quoted(audience)
        // Short, so that the fix behind it is not cut off.
        let shown = offered.prefix(3).map { Refusal.quoted($0.count > 40 ? "\($0.prefix(40))..." : $0) }
        let more = offered.count > shown.count ? " and \(offered.count - shown.count) more" : ""
        let came = shown.isEmpty ? "no token came at all" : "tokens came for \(shown.joined(separator: ", "))\(more)"
        return Refusal(
            .tokenMissing,
            "no service account token for audience \(wanted) came with the call (\(came))",
            fix: """
                add {audience: \(wanted)} to tokenRequests of the CSIDriver object secrets-store.csi.k8s.io: it is the \
                Helm value tokenRequests of the Secrets Store CSI driver's chart
                """
        )
    }
}
