// Where the admin endpoints listen.

/// An address that HTTP is served on.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 address and a port; port 0 takes a free one.
    case ip4(String, port: UInt16)
    /// An IPv6 address without brackets and a port. `::` takes IPv4 connections too.
    case ip6(String, port: UInt16)
    /// The path of a Unix socket.
    case unix(String)

    /// As one writes it into a configuration.
    package var description: String {
        switch self {
        case .ip4(let address, let port): "\(address):\(port)"
        case .ip6(let address, let port): "[\(address)]:\(port)"
        case .unix(let path): path
        }
    }
}

/// Why an address can't be listened on. One line, with what to do.
package struct ListenFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
}
