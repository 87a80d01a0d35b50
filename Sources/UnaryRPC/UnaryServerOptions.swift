// What can be set on a server.

/// The limits and times of a server.
package struct UnaryServerOptions: Sendable {
    /// The largest request in bytes; larger ones end in `RESOURCE_EXHAUSTED` before the handler sees them. Keep it above
    /// the handler's own limit, so that a client learns of that one with the handler's code.
    package var maxMessageBytes = 16 << 20
    /// The most calls at once on one connection; a client queues what exceeds it.
    package var maxConcurrentStreams = 1000
    /// How long a new connection may be silent before it is closed.
    package var handshakeTimeout: Duration = .seconds(10)
    /// The most connections that are accepted and still silent; the oldest is closed when there are more.
    package var maxSilentConnections = 256
    /// The least time between two lines of one kind about connections that are not served.
    package var logInterval: Duration = .seconds(10)
    /// How long a connection may be quiet before the server asks whether its peer is alive.
    package var keepaliveTime: Duration = .seconds(60)
    /// How long the peer may take to say so before its connection is closed.
    package var keepaliveTimeout: Duration = .seconds(20)
    /// How long a call's message may take to come after the call's head. Then the call is given up.
    package var messageTimeout: Duration = .seconds(30)
    /// The most time that a drain takes, but for a second in which peers take the last answers. The other two times of a
    /// drain are parts of it.
    package var drainTimeout: Duration = .seconds(10)
    /// How long a drain looks for a moment without calls, and serves new ones meanwhile. Afterwards new calls are answered
    /// with ``endingStatus``.
    package var settleTimeout: Duration = .seconds(2)
    /// How long cancelled handlers may take to answer: the last part of ``drainTimeout``. Then the answer is
    /// ``endingStatus``.
    package var cancelGrace: Duration = .seconds(1)
    /// Asked when a drain begins, in the place of ``drainTimeout`` and ``cancelGrace``; `nil` leaves it at those.
    package var drainTimes: (@Sendable () -> (timeout: Duration, grace: Duration))?
    /// The answer to calls that the server's end keeps from being handled.
    package var endingStatus = RPCStatus(.unavailable, "the server is shutting down")

    package init() {}
}
