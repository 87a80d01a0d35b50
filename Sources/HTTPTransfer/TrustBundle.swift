// The one file of trusted authorities that libcurl is handed. It caches a parsed file, but neither a directory nor bytes
// in memory, and parsing the system's bundle costs several milliseconds a connection; so sets are joined in a memory file.

import CCurl
import Glibc
import Synchronization

/// Keeps a path to a PEM file with all authorities of a set, and follows changes of the files behind it.
final class TrustBundle: Sendable {
    private struct Joined {
        var stamps: [FileStamp?]
        var descriptor: CInt
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
            guard let bytes = Self.read(file) else {
                throw HTTPTransferSetupError("the CA file \(file) can't be read; check the path and its mode")
            }
            try Self.check(bytes, name: "the CA file \(file)")
        }
        if !pem.isEmpty { try Self.check(Array(pem.utf8), name: "the CA text of the configuration") }
    }

    deinit { joined.withLock { if let joined = $0 { _ = close(joined.descriptor) } } }

    /// The path to hand to libcurl for the next connection.
    func path() -> String {
        if files.count == 1, pem.isEmpty { return files[0] }
        return joined.withLock { joined in
            let stamps = files.map(FileStamp.init)
            if joined?.stamps != stamps, let descriptor = join() {
                // The new file is opened first: another number, another path, so libcurl's cache does not serve the old.
                if let old = joined { _ = close(old.descriptor) }
                joined = Joined(stamps: stamps, descriptor: descriptor)
            }
            return joined.map { "/proc/self/fd/\($0.descriptor)" } ?? files.last ?? ""
        }
    }

    /// Writes all authorities into a new memory file; `nil`, which keeps the last good one in force, when a file that
    /// was named can't be read. A system without a bundle adds none.
    private func join() -> CInt? {
        var bytes: [UInt8] = []
        for file in files {
            guard let more = Self.read(file) else {
                if file == systemFile { continue }
                return nil
            }
            bytes += more + [UInt8(ascii: "\n")]
        }
        bytes += Array(pem.utf8)
        let descriptor = daypass_memory_file("daypass-trust")
        guard descriptor >= 0 else { return nil }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                _ = close(descriptor)
                return nil
            }
            rest = rest.dropFirst(count)
        }
        return descriptor
    }

    private static func check(_ bytes: [UInt8], name: String) throws(HTTPTransferSetupError) {
        guard String(decoding: bytes, as: UTF8.self).contains("CERTIFICATE-----") else {
            throw HTTPTransferSetupError("\(name) holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 16 << 20 {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += chunk.prefix(count)
        }
        return nil
    }
}

/// What changes when a file is written or replaced.
private struct FileStamp: Equatable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int

    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
