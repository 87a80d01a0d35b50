// The sockets that the core reads, so that a server that ends can fall silent in one moment.

import Glibc
import Synchronization

/// The connections that were handed to the core, by descriptor and inode.
///
/// A call that one of the core's threads reads between the core's shutdown and the end of the connection is cut off as
/// `CANCELLED`, which no retry policy repeats. Nothing goes out of a connection that was closed for writing first: its
/// client sees the end of the connection, `UNAVAILABLE`, and calls again.
final class AdoptedSockets: Sendable {
    // The core closes descriptors by itself. A number that came back belongs to somebody else; its inode tells.
    private let inodes = Mutex<[Int32: UInt64]>([:])

    /// Remembers a socket that the core is about to own.
    func insert(_ descriptor: Int32) {
        guard let inode = Self.inode(of: descriptor) else { return }
        inodes.withLock { $0[descriptor] = inode }
    }

    /// Closes the sockets that are still open for writing. What was written before still arrives.
    func silence() {
        for (descriptor, inode) in inodes.withLock({ $0 }) {
            // The copy can't become another socket between the look and the call.
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { continue }
            if Self.inode(of: copy) == inode { shutdown(copy, Int32(SHUT_WR)) }
            close(copy)
        }
    }

    private static func inode(of descriptor: Int32) -> UInt64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        return UInt64(status.st_ino)
    }
}
