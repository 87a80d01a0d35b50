// What can be set on a client.

/// The settings of a client.
package struct UnaryClientOptions: Sendable {
    /// What the client calls the server in `:authority`.
    package var authority = "localhost"
    /// The largest answer in bytes; larger ones end in `RESOURCE_EXHAUSTED`.
    package var maxMessageBytes = 16 << 20
    /// Whether a call waits, up to its timeout, for a server that cannot be reached. Otherwise it fails with
    /// `UNAVAILABLE` at once.
    package var waitForReady = false
    /// The longest time between two attempts to connect.
    package var maxReconnectBackoff: Duration = .seconds(1)
    /// How long the connection may be quiet before the client asks whether the server is alive. A server allows no less
    /// than ten seconds.
    package var keepaliveTime: Duration = .seconds(60)
    /// How long the server may take to say so before the connection is closed.
    package var keepaliveTimeout: Duration = .seconds(20)
    /// A service config in JSON, such as a retry policy (<https://github.com/grpc/grpc/blob/master/doc/service_config.md>).
    package var serviceConfig: String?

    package init() {}
}
