// How a call ended: one of gRPC's codes and a text.

/// The status of a call that did not succeed, as it travels on the wire.
package struct RPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
    /// gRPC's status codes (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>).
    package enum Code: Int32, Sendable, Hashable, CaseIterable {
        case ok = 0
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16

        /// The name as the gRPC documents write it, such as `PERMISSION_DENIED`.
        package var name: String {
            switch self {
            case .ok: "OK"
            case .cancelled: "CANCELLED"
            case .unknown: "UNKNOWN"
            case .invalidArgument: "INVALID_ARGUMENT"
            case .deadlineExceeded: "DEADLINE_EXCEEDED"
            case .notFound: "NOT_FOUND"
            case .alreadyExists: "ALREADY_EXISTS"
            case .permissionDenied: "PERMISSION_DENIED"
            case .resourceExhausted: "RESOURCE_EXHAUSTED"
            case .failedPrecondition: "FAILED_PRECONDITION"
            case .aborted: "ABORTED"
            case .outOfRange: "OUT_OF_RANGE"
            case .unimplemented: "UNIMPLEMENTED"
            case .internal: "INTERNAL"
            case .unavailable: "UNAVAILABLE"
            case .dataLoss: "DATA_LOSS"
            case .unauthenticated: "UNAUTHENTICATED"
            }
        }
    }

    package var code: Code
    /// What a person reads. A server sends no more of it than ``longestMessage``.
    package var message: String

    /// Creates a status. A handler that fails with ``Code/ok`` is a mistake; the caller then sees ``Code/unknown``.
    package init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }

    package var description: String { message.isEmpty ? code.name : "\(code.name): \(message)" }

    /// The most bytes that a message takes on the wire, percent-encoded: clients on the C core refuse a response whose
    /// metadata is larger than 8 KiB, and would lose the code with it.
    package static let longestMessage = 4096

    /// The message cut to ``longestMessage``, at a character's border.
    var sentMessage: String {
        // The common case needs no look at each byte: even percent-encoded three times over it fits.
        if message.utf8.count <= Self.longestMessage / 3 { return message }
        var room = Self.longestMessage - 3
        var cut = ""
        for character in message {
            let cost = character.utf8.reduce(0) { $0 + Self.encodedLength(of: $1) }
            if cost > room { return cut + "..." }
            room -= cost
            cut.append(character)
        }
        return message
    }

    // gRPC's `grpc-message` percent-encodes everything but printable ASCII, and the percent sign
    // (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
    private static func encodedLength(of byte: UInt8) -> Int {
        (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%") ? 1 : 3
    }
}
