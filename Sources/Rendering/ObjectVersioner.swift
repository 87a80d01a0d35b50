// The versions that the driver publishes in SecretProviderClassPodStatus, which the `view` role may read.

package import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gives a file a version that changes exactly when its bytes change, and tells nothing about them.
///
/// A version is a keyed digest: whoever reads the status objects can't test a guess of a token against it, and can't
/// recognise one token in two Pods without the node's key.
package struct ObjectVersioner: Sendable {
    private let key: SymmetricKey

    /// - Parameter key: a key of this node, at least 32 random bytes. It must outlive a restart, or every version
    ///   changes with it.
    package init(key: SymmetricKey) { self.key = key }

    /// The version of a file: HMAC-SHA256 over path, mode and contents, cut to 16 bytes, in base64url (22 characters).
    /// The object's id is the file's path.
    package func version(of file: RenderedFile) -> String {
        var hmac = HMAC<SHA256>(key: key)
        // Each field is preceded by its length, so that no two files feed the same bytes.
        for field in [Array("daypass/1".utf8), Array(file.path.utf8), Array(octal(file.mode).utf8), file.contents] {
            hmac.update(data: (0..<8).map { UInt8(truncatingIfNeeded: field.count >> ($0 * 8)) })
            hmac.update(data: field)
        }
        return Data(hmac.finalize().prefix(16)).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
