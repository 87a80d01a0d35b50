// The bounds of the HTTP server.

/// What a caller may take of the daemon.
package struct HTTPServerOptions: Sendable {
    /// Connections at a time. For one more, the oldest whose request is not complete is closed; when there is none, the
    /// new one is.
    package var maxConnections = 64
    /// Connections of one address at a time, and of all callers of a Unix socket: one that hangs keeps nobody else out.
    package var maxConnectionsOfPeer = 16
    /// The bytes of a request's head: the line with the path, and the header fields.
    package var maxHeadBytes = 8 << 10
    /// The time from the connection to the end of the head.
    package var headTimeout: Duration = .seconds(5)
    /// The time for finding the answer.
    package var answerTimeout: Duration = .seconds(10)
    /// The time for taking the answer.
    package var writeTimeout: Duration = .seconds(10)
    /// How long is waited for a caller to close after its answer, so that it can read it to the end.
    package var lingerTimeout: Duration = .seconds(1)
    /// How often the log says that connections can't be accepted, or had to be closed.
    package var logInterval: Duration = .seconds(30)

    package init() {}
}
