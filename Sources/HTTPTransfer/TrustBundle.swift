// The one file of trusted authorities that libcurl is handed. It caches a parsed file, but neither a directory nor bytes
// in memory, and parsing the system's bundle costs several milliseconds a connection; so sets are joined in a memory file.
// A set of one file too: libcurl's cache goes by the path, and would serve a replaced file's former content for a minute.

import CCurl
import Glibc
import Synchronization

/// Keeps a path to a PEM file with all authorities of a set, and follows changes of the files behind it.
final class TrustBundle: Sendable {
    private struct Joined {
        var stamps: [FileStamp?]
        var file: MemoryFile
        /// Kept so that the next file gets a number, and a path, that libcurl's cache does not know.
        var former: MemoryFile?
    }

    /// The set in words, for messages: `the system's CAs and those in /etc/x/ca.crt`.
    let summary: String
    private let files: [String]
    private let systemFile: String?
    private let pem: String
    private let joined: Mutex<Joined?>

    init(_ roots: TrustRoots, systemFile: String) throws(HTTPTransferSetupError) {
        self.systemFile = roots.includesSystem ? systemFile : nil
        files = (roots.includesSystem ? [systemFile] : []) + roots.files
        pem = roots.pem
        let names =
            (roots.includesSystem ? ["the system's CAs (\(systemFile))"] : [])
            + roots.files.map { "the CAs in \($0)" } + (roots.pem.isEmpty ? [] : ["the CAs of the configuration"])
        summary = names.joined(separator: " and ")
        joined = Mutex(nil)
        guard !files.isEmpty || !pem.isEmpty else {
            throw HTTPTransferSetupError("no CA is trusted: name a file, or take the system's")
        }
        for file in roots.files {
            guard let bytes = FileBytes.read(file) else {
                throw HTTPTransferSetupError("the CA file \(file) can't be read; check the path and its mode")
            }
            try Self.check(bytes, name: "the CA file \(file)")
        }
        if !pem.isEmpty { try Self.check(Array(pem.utf8), name: "the CA text of the configuration") }
    }

    /// The file to hand to libcurl for the next connection, by its path. Keep it while libcurl may open it. `nil` when
    /// none could be made; ``path(of:)`` then names a file that libcurl will find at fault.
    func file() -> MemoryFile? {
        joined.withLock { joined in
            let stamps = files.map(FileStamp.init)
            if joined?.stamps != stamps, let file = join() {
                joined = Joined(stamps: stamps, file: file, former: joined?.file)
            }
            return joined?.file
        }
    }

    /// What to tell libcurl.
    func path(of file: MemoryFile?) -> String { file?.path ?? files.last ?? "" }

    /// Writes all authorities into a new memory file; `nil`, which keeps the last good one in force, when a file that
    /// was named can't be read. A system without a bundle adds none.
    private func join() -> MemoryFile? {
        var bytes: [UInt8] = []
        for file in files {
            guard let more = FileBytes.read(file) else {
                if file == systemFile { continue }
                return nil
            }
            bytes += more + [UInt8(ascii: "\n")]
        }
        bytes += Array(pem.utf8)
        return bytes.isEmpty ? nil : MemoryFile(bytes, name: "daypass-trust")
    }

    private static func check(_ bytes: [UInt8], name: String) throws(HTTPTransferSetupError) {
        guard String(decoding: bytes, as: UTF8.self).contains("CERTIFICATE-----") else {
            throw HTTPTransferSetupError("\(name) holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        }
    }
}
