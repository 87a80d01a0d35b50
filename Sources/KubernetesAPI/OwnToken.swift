// Daypass's own service account token, read anew for each call.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads the token that kubelet keeps fresh in a file.
enum OwnToken {
    /// The largest file that is taken, in bytes.
    private static let largest = 64 << 10

    /// The value of the `Authorization` field.
    static func authorization(_ path: String) throws(KubernetesError) -> Secret {
        let file = URL(filePath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        guard attributes?[.type] as? FileAttributeType == .typeRegular,
            let data = FileManager.default.contents(atPath: file)
        else {
            throw KubernetesError(
                .noToken,
                "Daypass's own service account token \(path) can't be read",
                fix: "let the Pod of Daypass mount its token (automountServiceAccountToken)"
            )
        }
        let token = data.split(separator: UInt8(ascii: "\n")).first ?? Data()
        guard data.count <= largest, !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw KubernetesError(.noToken, "Daypass's own service account token \(path) holds no token")
        }
        return Secret(Array("Bearer ".utf8) + token)
    }
}
