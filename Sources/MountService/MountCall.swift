// The bytes of a Mount call, decoded.

package import MountRequests
import ProviderAPI
package import Refusals
import SwiftProtobuf

/// Reads the message of a Mount call.
package enum MountCall {
    /// The largest message that is read unless the configuration says otherwise, in bytes. A real one has a few
    /// kilobytes.
    package static let largestMessage = 1 << 20

    /// Decodes a `MountRequest` and reads who asks.
    ///
    /// - Throws: ``Refusal``; the message is never repeated in it, because it holds service account tokens.
    package static func claim(_ message: [UInt8], audience: String, largest: Int) throws(Refusal) -> MountClaim {
        guard message.count <= largest else {
            throw Refusal(
                .requestTooLarge,
                "the Mount call has \(message.count) bytes, and \(largest) are allowed",
                fix: "shorten the parameters of the SecretProviderClass and the Pod's volumeAttributes"
            )
        }
        let call: V1alpha1_MountRequest
        do { call = try V1alpha1_MountRequest(serializedBytes: message) } catch {
            throw Refusal(
                .requestMalformed,
                "the message is no v1alpha1.MountRequest",
                fix: "call this socket with the Secrets Store CSI driver"
            )
        }
        return try MountRequestParser.claim(
            attributes: call.attributes,
            secrets: call.secrets,
            targetPath: call.targetPath,
            permission: call.permission,
            audience: audience
        )
    }
}
