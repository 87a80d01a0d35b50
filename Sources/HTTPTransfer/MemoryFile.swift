// Files that libcurl opens by name: read from disk, copied into memory, and told apart from their later versions.

import CCurl
import Glibc

enum FileBytes {
    /// The bytes of a file; `nil` when it can't be read, or has 16 MiB or more.
    static func read(_ path: String) -> [UInt8]? {
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

/// A file in memory, open until nobody holds it.
final class MemoryFile: Sendable {
    private let descriptor: CInt

    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Writes `bytes`; the kernel shows `name` to who debugs. `nil` when the system has no descriptor or no memory.
    init?(_ bytes: [UInt8], name: String) {
        descriptor = daypass_memory_file(name)
        guard descriptor >= 0 else { return nil }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            // The end of the object, which closes the file, comes with a failure too.
            guard count > 0 else { return nil }
            rest = rest.dropFirst(count)
        }
    }

    deinit { if descriptor >= 0 { _ = close(descriptor) } }
}

/// What changes when a file is written or replaced.
struct FileStamp: Equatable {
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
