// One unary call as its handler sees it, and the two ways to answer it.

/// A name and a value of a call's metadata.
package struct MetadataEntry: Sendable, Hashable {
    /// The name in lower case. The values of names that end in `-bin` are arbitrary bytes.
    package var name: String
    package var value: [UInt8]

    package init(_ name: String, _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// Creates an entry with a text; printable ASCII unless the name ends in `-bin`.
    package init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }

    /// The value as text; bytes that are no UTF-8 are replaced.
    package var text: String { String(decoding: value, as: UTF8.self) }
}

/// One call, received whole.
package struct UnaryCall: Sendable {
    /// The full method, such as `/v1alpha1.CSIDriverProvider/Mount`.
    package let method: String
    /// What the client calls the server: any text, such as `localhost` or a socket's path. Not to be trusted.
    package let authority: String
    /// The metadata that the client sent, in its order.
    package let metadata: [MetadataEntry]
    /// When the client gives up; nil when it waits for ever.
    package let deadline: ContinuousClock.Instant?
    /// The request's bytes.
    package let message: [UInt8]

    /// Creates a call, for tests of a handler.
    package init(
        method: String,
        authority: String = "localhost",
        metadata: [MetadataEntry] = [],
        deadline: ContinuousClock.Instant? = nil,
        message: [UInt8]
    ) {
        self.method = method
        self.authority = authority
        self.metadata = metadata
        self.deadline = deadline
        self.message = message
    }
}

/// A handler's answer.
package enum UnaryReply: Sendable {
    /// The answer itself; it is sent at once, from the thread that received the call.
    case now(Result<[UInt8], RPCStatus>)
    /// Work that ends in the answer. It runs in a task of its own, which is cancelled when the client's deadline passes,
    /// the client cancels or dies, or the server's drain takes too long. It must return soon after that.
    case later(@Sendable () async -> Result<[UInt8], RPCStatus>)
}

/// Answers calls. It runs on the one thread that receives them all, so it must not block: what waits goes into
/// ``UnaryReply/later(_:)``.
package typealias UnaryHandler = @Sendable (UnaryCall) -> UnaryReply
