// A Unix socket that appears at its path only when it is served, and leaves nobody else's socket there.

import CGRPC
import Glibc
package import Logging
import Synchronization

/// A listening Unix socket.
///
/// It is bound under a temporary name beside its path, and ``publish()`` renames it into place: a client finds either
/// the former server's socket or one that is served. ``withUnaryServer(on:options:logger:handler:_:)`` publishes and
/// closes it; call ``close()`` only when no server ever took it.
package final class UnixSocketListener: Sendable {
    private enum Phase {
        case bound(temporaryPath: String)
        case published
        case closed
    }

    private let phase: Mutex<Phase>
    private let address: UnixSocketAddress
    let identity: FileStatus
    let descriptor: Int32
    /// The peers' user ids that may connect.
    package let allowedUIDs: Set<UInt32>
    let logger: Logger

    /// The path at which clients find the socket.
    package var path: String { address.path }

    private init(
        address: UnixSocketAddress,
        phase: Phase,
        identity: FileStatus,
        descriptor: Int32,
        allowedUIDs: Set<UInt32>,
        logger: Logger
    ) {
        self.phase = Mutex(phase)
        self.address = address
        self.identity = identity
        self.descriptor = descriptor
        self.allowedUIDs = allowedUIDs
        self.logger = logger
    }

    deinit { close() }

    /// Binds a socket under a temporary name. Nothing changes at `path` yet.
    ///
    /// - Parameters:
    ///   - path: Where clients will find the socket; at most 107 bytes, in a directory that exists.
    ///   - mode: The permissions of the socket's file, whatever the umask.
    ///   - allowedUIDs: The user ids of peers that may connect (`SO_PEERCRED`); root and our own by default.
    ///   - logger: Where refused peers are reported.
    package static func bind(
        path: String,
        mode: UInt32 = 0o600,
        allowedUIDs: Set<UInt32> = [0, geteuid()],
        logger: Logger
    ) throws(UnixSocketError) -> UnixSocketListener {
        let address = try UnixSocketAddress(path: path)
        try address.checkReplaceable()
        address.removeAbandoned()
        let descriptor = daypass_socket()
        guard descriptor >= 0 else { throw .system("cannot create a socket for \(path)") }
        let temporaryPath = address.temporaryPath()
        // The socket's own mode is that of the file which bind creates, less the umask: nobody can open it in between.
        guard fchmod(descriptor, mode_t(mode)) == 0,
            withSocketAddress(temporaryPath, { Glibc.bind(descriptor, $0, $1) }) == 0
        else {
            let error = UnixSocketError.system("cannot bind a socket in \(address.directory) for \(path)")
            _ = Glibc.close(descriptor)
            throw error
        }
        // A mode that is wider than the umask needs a second word. Connections are refused until listen.
        guard chmod(temporaryPath, mode_t(mode)) == 0, listen(descriptor, 4096) == 0,
            let identity = FileStatus(of: temporaryPath, followingLinks: false)
        else {
            let error = UnixSocketError.system("cannot listen on a socket in \(address.directory) for \(path)")
            _ = unlink(temporaryPath)
            _ = Glibc.close(descriptor)
            throw error
        }
        return UnixSocketListener(
            address: address,
            phase: .bound(temporaryPath: temporaryPath),
            identity: identity,
            descriptor: descriptor,
            allowedUIDs: allowedUIDs,
            logger: logger
        )
    }

    /// Takes over a socket that another process served, with the clients that wait for it.
    ///
    /// - Parameter path: Where clients will find the socket.
    /// - Returns: Nil when the socket is not the one at `path` (any more).
    package static func take(
        _ inherited: InheritedSocket,
        path: String,
        allowedUIDs: Set<UInt32> = [0, geteuid()],
        logger: Logger
    ) throws(UnixSocketError) -> UnixSocketListener? {
        let address = try UnixSocketAddress(path: path)
        let descriptor = inherited.release()
        guard inherited.offered.path == path, let identity = FileStatus(of: path, followingLinks: false),
            identity.isSocket, identity.device == inherited.offered.device, identity.inode == inherited.offered.inode,
            isListening(descriptor)
        else {
            // Clients that wait in it look for the socket at the path then.
            _ = Glibc.close(descriptor)
            return nil
        }
        address.removeAbandoned()
        return UnixSocketListener(
            address: address,
            phase: .published,
            identity: identity,
            descriptor: descriptor,
            allowedUIDs: allowedUIDs,
            logger: logger
        )
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0 && isListening != 0
    }

    /// Calls `body` with the descriptor while nobody can close it; nil when it is closed.
    func withOpenDescriptor<R>(_ body: (Int32) -> R) -> R? {
        phase.withLock { phase in
            if case .closed = phase { return nil }
            return body(descriptor)
        }
    }

    /// Renames the socket into place; a former socket at the path is replaced at that instant.
    ///
    /// Does nothing when it is published already.
    package func publish() throws(UnixSocketError) {
        let failure: UnixSocketError? = phase.withLock { phase in
            guard case .bound(let temporaryPath) = phase else { return nil }
            let failure: UnixSocketError? = address.withDirectoryLocked {
                do throws(UnixSocketError) {
                    try address.checkReplaceable()
                    guard rename(temporaryPath, address.path) == 0 else {
                        throw .system("cannot rename a socket to \(address.path)")
                    }
                    return nil
                } catch {
                    return error
                }
            }
            if failure == nil { phase = .published }
            return failure
        }
        if let failure { throw failure }
    }

    /// Closes the socket, and removes its file unless another one has its path by now.
    package func close() { close(leavingFile: false) }

    /// Closes our copy of the socket.
    ///
    /// - Parameter leavingFile: Whether the published file stays, because another process serves the socket now.
    func close(leavingFile: Bool) {
        phase.withLock { phase in
            switch phase {
            case .bound(let temporaryPath): _ = unlink(temporaryPath)
            case .published where leavingFile: break
            case .published:
                address.withDirectoryLocked {
                    if FileStatus(of: address.path, followingLinks: false)?.isSameFile(as: identity) == true {
                        _ = unlink(address.path)
                    }
                }
            case .closed: return
            }
            phase = .closed
            _ = Glibc.close(descriptor)
        }
    }
}

extension UnixSocketError {
    init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// A system call's failure, with the text of `errno`.
    static func system(_ message: String) -> UnixSocketError {
        let number = errno
        let text = strerror(number).map { String(cString: $0) } ?? "error \(number)"
        let fix =
            switch number {
            case EACCES, EPERM: "; run as a user who may write there"
            case EROFS: "; mount the directory writable"
            case EMFILE, ENFILE: "; raise the limit of open files"
            case ENOSPC: "; free space there"
            default: ""
            }
        return UnixSocketError(.system, "\(message): \(text)\(fix)")
    }
}

/// Calls `body` with the address of the socket at `path`, which fits (``UnixSocketAddress``).
func withSocketAddress<R>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { room in
        room.copyBytes(from: path.utf8.prefix(room.count - 1))
    }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
