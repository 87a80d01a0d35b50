// Why a Unix socket cannot be served.

/// A socket's path that cannot be bound or published: one line, a reason first, then the fix.
package struct UnixSocketError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable, Hashable {
        /// The path is empty or ends in a slash.
        case badPath = "SocketPathInvalid"
        /// The path does not fit into `sockaddr_un`.
        case pathTooLong = "SocketPathTooLong"
        /// The directory of the path is missing or no directory.
        case noDirectory = "SocketDirectoryMissing"
        /// Something that is not a socket has the path.
        case notASocket = "SocketPathTaken"
        /// A system call failed.
        case system = "SocketFailed"
    }

    package let reason: Reason
    package let message: String

    package var description: String { "\(reason.rawValue): \(message)" }
}
