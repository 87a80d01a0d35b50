// Sockets that a crash left under their temporary names.

import CGRPC
import Glibc

extension UnixSocketAddress {
    /// Removes the temporary sockets of servers that died between bind and publish: older than a minute, and nobody
    /// listens. Whatever cannot be removed stays: it does no harm.
    func removeAbandoned(olderThan age: Int = 60) {
        guard let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        let now = time(nil)
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let candidate = "\(directory)/\(name)"
            guard isTemporary(name), let status = FileStatus(of: candidate, followingLinks: false), status.isSocket,
                now - status.modified > age, !isServed(candidate)
            else { continue }
            _ = unlink(candidate)
        }
    }

    private func isServed(_ candidate: String) -> Bool {
        let probe = daypass_socket()
        guard probe >= 0 else { return true }
        defer { close(probe) }
        return withSocketAddress(candidate) { connect(probe, $0, $1) } == 0 || errno != ECONNREFUSED
    }
}
