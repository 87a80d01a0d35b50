// The file that the keys are in.

import Crypto
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads and writes the key file: one JSON object with a digest, so that a damaged key is known for one.
enum KeyFile {
    /// What is at its path.
    enum Found: Sendable, Equatable {
        case nothing
        case ring(KeyRing)
        /// No key file, and why not.
        case damaged(String)
    }

    private struct Contents: Codable {
        struct Key: Codable {
            let id: String
            let key: Data
        }
        let format: String
        let versionKey: Data
        let sealingKeys: [Key]
        let digest: String
    }

    private static let format = "daypass-journal-keys-1"
    private static let sizeLimit = 16 << 10

    static func read(_ path: String) throws(FileFailure) -> Found {
        guard let status = try Files.status(path) else { return .nothing }
        guard status.isRegular else { return .damaged("it is no file") }
        let bytes = try Files.read(path, atMost: sizeLimit + 1)
        guard bytes.count <= sizeLimit, let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes))
        else {
            return .damaged(bytes.isEmpty ? "it is empty" : "it is not in the format of a key file")
        }
        guard contents.format == format else { return .damaged("its format is not \(format)") }
        let ring = KeyRing(
            sealing: contents.sealingKeys.map { SealingKey(id: $0.id, key: Secret(Array($0.key))) },
            version: Secret(Array(contents.versionKey))
        )
        guard (1...2).contains(ring.sealing.count),
            ([ring.version] + ring.sealing.map(\.key)).allSatisfy({ $0.count == 32 })
        else { return .damaged("its keys are not of the right number or length") }
        guard contents.digest == digest(ring) else { return .damaged("its digest does not fit") }
        return .ring(ring)
    }

    /// Puts the ring into the file in one step.
    static func write(_ ring: KeyRing, to path: String) throws(FileFailure) {
        let contents = Contents(
            format: format,
            versionKey: Data(ring.version.reveal()),
            sealingKeys: ring.sealing.map { Contents.Key(id: $0.id, key: Data($0.key.reveal())) },
            digest: digest(ring)
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(contents) else { throw FileFailure("encode", path, code: 0) }
        try Files.replacePrivate(path, with: Array(bytes))
    }

    private static func digest(_ ring: KeyRing) -> String {
        var hash = SHA256()
        hash.update(data: Data(format.utf8) + ring.version.reveal())
        for key in ring.sealing { hash.update(data: Data(key.id.utf8) + key.key.reveal()) }
        return hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
