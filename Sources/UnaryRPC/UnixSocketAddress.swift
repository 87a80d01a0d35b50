// The path of a Unix socket, checked, and the name it is bound under before it is published.

import CGRPC
import Glibc

/// A socket's path that fits into `sockaddr_un`, in a directory that exists.
struct UnixSocketAddress {
    /// `sun_path` has 108 bytes, the last of them zero (unix(7)).
    static let longestPath = 107

    let path: String
    let directory: String
    let name: String

    init(path: String) throws(UnixSocketError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, name != ".", name != "..", !path.utf8.contains(0) else {
            throw UnixSocketError(.badPath, "\(path) names no file; give the path of a socket, such as /run/x.sock")
        }
        self.path = path
        self.name = String(name)
        let parent = parts.dropLast().joined(separator: "/")
        directory = parts.count == 1 ? "." : parent.isEmpty ? "/" : parent
        guard max(path.utf8.count, temporaryPrefix.utf8.count + Self.suffixLength) <= Self.longestPath else {
            throw UnixSocketError(
                .pathTooLong,
                "\(path) has \(path.utf8.count) bytes and a Unix socket's path at most \(Self.longestPath); "
                    + "choose a shorter directory or name"
            )
        }
        guard let status = FileStatus(of: directory, followingLinks: true), status.isDirectory else {
            throw UnixSocketError(
                .noDirectory,
                "the directory \(directory) of the socket \(path) does not exist; create it first"
            )
        }
    }

    // Not `.sock` at the end: whoever looks for sockets in this directory must not find it. The name is short because
    // the whole path has to fit as well.
    private static let suffixLength = 6
    private var temporaryName: String { ".\(name.prefix(8))~" }
    private var temporaryPrefix: String { "\(directory)/\(temporaryName)" }

    /// Whether a name in the directory is one of ours from before publication.
    func isTemporary(_ name: String) -> Bool {
        name.hasPrefix(temporaryName) && name.utf8.count == temporaryName.utf8.count + Self.suffixLength
    }

    /// A path beside the socket's own that nobody uses.
    func temporaryPath() -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        let suffix = (0..<Self.suffixLength).map { _ in digits[Int.random(in: digits.indices)] }
        return temporaryPrefix + String(suffix)
    }

    /// Calls `body` while no other listener looks at its path in this directory and then changes it: between the look and
    /// the change another's socket could have come.
    ///
    /// Listeners hold the lock (flock(2), on the directory) for two system calls. Whoever else holds it is waited for at
    /// most a second: a lock of a stranger must not keep a server from its start or its end.
    func withDirectoryLocked<R>(_ body: () -> R) -> R {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        var attempts = descriptor >= 0 ? 200 : 0
        while attempts > 0, daypass_lock(descriptor) != 0, errno == EWOULDBLOCK || errno == EINTR {
            usleep(5000)
            attempts -= 1
        }
        return body()
    }

    /// Refuses a path that something other than a socket has.
    func checkReplaceable() throws(UnixSocketError) {
        guard let status = FileStatus(of: path, followingLinks: false), !status.isSocket else { return }
        throw UnixSocketError(
            .notASocket,
            "\(path) exists and is not a socket; remove it or choose another path"
        )
    }
}

/// What is at a path.
struct FileStatus {
    let device: UInt64
    let inode: UInt64
    let mode: UInt32
    let modified: Int

    /// Nil when nothing is there, or it cannot be seen.
    init?(of path: String, followingLinks: Bool) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        mode = UInt32(status.st_mode)
        modified = status.st_mtim.tv_sec
    }

    var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }
    var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }

    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}
