// Reads the files of a configuration, whole or as a digest.

import Crypto
import Glibc

/// Small regular files that operators and kubelet put there.
enum SmallFile {
    /// The largest file that is read, in bytes.
    static let largest = 4 << 20

    /// What a file holds, without the content: to tell whether it changed.
    enum Digest: Sendable, Hashable {
        case content([UInt8])
        /// It can't be read; the words of the system.
        case unreadable(String)
    }

    /// Why a file can't be read, in words that follow its path.
    struct Failure: Error { let message: String }

    static func digest(of path: String) -> Digest {
        var hash = SHA256()
        do throws(Failure) {
            try read(path) { hash.update(data: $0) }
            return .content(Array(hash.finalize()))
        } catch { return .unreadable(error.message) }
    }

    static func bytes(of path: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        try read(path) { bytes += $0 }
        return bytes
    }

    private static func read(_ path: String, _ part: (ArraySlice<UInt8>) -> Void) throws(Failure) {
        // O_NONBLOCK: a pipe of that name must not hold us up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(message: "can't be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(message: "is no regular file")
        }
        var room = [UInt8](repeating: 0, count: 16 << 10)
        var left = largest
        while true {
            let count = Glibc.read(descriptor, &room, room.count)
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(message: "can't be read: \(String(cString: strerror(errno)))")
            }
            left -= count
            guard left >= 0 else { throw Failure(message: "is larger than \(largest >> 20) MiB") }
            part(room[..<count])
        }
    }
}
