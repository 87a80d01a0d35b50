// A listening socket: IPv4, IPv6, or a Unix socket that appears only when it is served.

import FlyingSocks
import Glibc

/// A socket that listens.
final class HTTPListener: Sendable {
    let socket: Socket
    /// Where it listens; the port is the real one.
    let address: ListenAddress
    /// The inode of a Unix socket's file.
    private let inode: UInt64?

    private init(socket: Socket, address: ListenAddress, inode: UInt64?) {
        self.socket = socket
        self.address = address
        self.inode = inode
    }

    /// Binds and listens.
    ///
    /// A Unix socket is bound under another name and renamed into its place. It takes the place of an older one: of a
    /// daemon that was killed, or of one that still runs and whose successor this is.
    ///
    /// - Throws: ``ListenFailure`` when the address can't be had.
    static func listen(on address: ListenAddress) throws(ListenFailure) -> HTTPListener {
        do {
            switch address {
            case .ip4(let ip, let port): return try tcp(AF_INET, try .inet(ip4: ip, port: port), address)
            case .ip6(let ip, let port): return try tcp(AF_INET6, try .inet6(ip6: ip, port: port), address)
            case .unix(let path): return try unix(path, address)
            }
        } catch let failure as ListenFailure {
            throw failure
        } catch let SocketError.failed(_, number, message) {
            throw ListenFailure(description: "cannot listen on \(address): \(message)\(fix(number, address))")
        } catch {
            throw ListenFailure(description: "cannot listen on \(address): \(error)")
        }
    }

    private static func tcp(
        _ family: Int32,
        _ wanted: some SocketAddress,
        _ address: ListenAddress
    ) throws -> HTTPListener {
        let socket = try make(family)
        do {
            // A port that a former daemon has just left can be had at once. One that somebody listens on can't.
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: wanted)
            let bound: ListenAddress =
                switch try socket.sockname() {
                case .ip4(let ip, let port): .ip4(ip, port: port)
                case .ip6(let ip, let port): .ip6(ip, port: port)
                case .unix: address
                }
            try listen(socket)
            return HTTPListener(socket: socket, address: bound, inode: nil)
        } catch {
            try? socket.close()
            throw error
        }
    }

    private static func unix(_ path: String, _ address: ListenAddress) throws -> HTTPListener {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFSOCK {
            throw ListenFailure(description: "cannot listen on \(path): it exists and is no socket; remove it")
        }
        // Two daemons in two Pods can have the same process id.
        let temporary = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 36))~"
        let socket = try make(AF_UNIX)
        do {
            // The file gets the socket's mode, less the umask: nobody can open it in between.
            guard fchmod(socket.file.rawValue, 0o600) == 0 else { throw SocketError.makeFailed("Mode") }
            try socket.bind(to: .unix(path: temporary))
            guard chmod(temporary, 0o600) == 0, lstat(temporary, &status) == 0 else {
                throw SocketError.makeFailed("Mode")
            }
            try listen(socket)
            guard rename(temporary, path) == 0 else { throw SocketError.makeFailed("Rename") }
            return HTTPListener(socket: socket, address: address, inode: UInt64(status.st_ino))
        } catch {
            unlink(temporary)
            try? socket.close()
            throw error
        }
    }

    private static func make(_ family: Int32) throws -> Socket {
        let socket = try Socket(domain: family)
        socket.closeOnExec()
        return socket
    }

    private static func listen(_ socket: Socket) throws {
        // Not `Socket.listen()`: it closes the socket when it fails.
        guard Glibc.listen(socket.file.rawValue, 128) == 0 else { throw SocketError.makeFailed("Listen") }
    }

    private static func fix(_ number: Int32, _ address: ListenAddress) -> String {
        let isUnix = if case .unix = address { true } else { false }
        return switch number {
        case EADDRINUSE: "; choose another port in server.adminHTTP.listen, or end the process that has it"
        case EADDRNOTAVAIL: "; this machine has no such address, and 0.0.0.0 means all that it has"
        case EACCES where isUnix: "; run as a user who may write there"
        case EACCES: "; ports below 1024 need a capability, so choose a higher one"
        case EAFNOSUPPORT: "; this machine has no IPv6, so write 0.0.0.0 in the place of [::]"
        case ENOENT where isUnix: "; make the folder first"
        default: ""
        }
    }

    /// Ends it, and removes the file of a Unix socket unless another one has its name by now.
    func close() {
        if case .unix(let path) = address {
            var status = stat()
            if lstat(path, &status) == 0, UInt64(status.st_ino) == inode { unlink(path) }
        }
        try? socket.close()
    }
}

extension Socket {
    /// Keeps programs that stores run from inheriting it.
    func closeOnExec() { _ = fcntl(file.rawValue, F_SETFD, FD_CLOEXEC) }
}

extension AsyncSocket {
    /// Tells the peer that nothing more comes.
    func endWriting() { shutdown(socket.file.rawValue, Int32(SHUT_WR)) }
}
