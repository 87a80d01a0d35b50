// A client that speaks HTTP/2 frame by frame, or something else, or dies.

import Glibc
import Testing

@testable import UnaryRPC

/// A connected Unix socket and nothing around it.
final class RawPeer {
    /// An HTTP/2 frame (RFC 9113, section 4).
    struct Frame {
        let kind: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]

        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let endStream: UInt8 = 1
        var endsStream: Bool { flags & Self.endStream != 0 }
    }

    private let descriptor: Int32
    private var received: [UInt8] = []

    /// Nil when nobody accepts connections at `path`.
    init?(connectingTo path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        // deinit closes it, after nil too.
        guard withSocketAddress(path, { connect(descriptor, $0, $1) }) == 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Sends bytes; a connection that is gone swallows them.
    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = UInt32(payload.count)
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), kind, flags]
            + (0..<4).map { UInt8(stream >> (24 - 8 * $0) & 255) } + payload
    }

    /// The preface and empty settings.
    static let hello = preface + frame(4)

    /// A whole gRPC request, marked as compressed when it has an encoding, its headers as literals without indexing (RFC 7541, section 6.2.2).
    static func request(
        _ method: String,
        authority: String,
        message: [UInt8],
        stream: UInt32 = 1,
        encoding: String? = nil
    ) -> [UInt8] {
        let headers = [
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", authority),
            ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", encoding ?? "identity"),
        ]
        let block = headers.flatMap { name, value -> [UInt8] in
            [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let data: [UInt8] =
            [encoding == nil ? 0 : 1, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 255)] + message
        return frame(1, flags: 4, stream: stream, block) + frame(0, flags: 1, stream: stream, data)
    }

    /// Waits for the end of the connection; what comes before it is dropped.
    func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) async {
        await eventually("the server did not close the connection", sourceLocation: sourceLocation) {
            while true {
                switch receive() {
                case nil: return false
                case 0: return true
                default: continue
                }
            }
        }
    }

    /// Waits for a frame that `matches`; earlier frames are dropped.
    func expectFrame(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ matches: (Frame) -> Bool
    ) async -> Frame? {
        var found: Frame?
        await eventually("the frame did not come", sourceLocation: sourceLocation) {
            _ = receive()
            while let frame = takeFrame() {
                guard matches(frame) else { continue }
                found = frame
                return true
            }
            return false
        }
        return found
    }

    /// Makes calls, one after the other, until the server closes the connection.
    ///
    /// - Returns: What came instead of an answer: the trailers of failed calls, and the codes of resets.
    func callUntilEnd(answered: Tally) async -> [String] {
        var failures: [String] = []
        var stream: UInt32 = 1
        var hasMessage = false
        send(Self.hello + Self.request("/test/Echo", authority: "localhost", message: [1], stream: stream))
        while true {
            let count = receive()
            while let frame = takeFrame() {
                guard frame.stream == stream else { continue }
                if frame.kind == Frame.data { hasMessage = true }
                guard frame.endsStream || frame.kind == Frame.reset else { continue }
                if hasMessage {
                    answered.add()
                } else if frame.kind == Frame.reset {
                    failures.append("reset \(frame.payload)")
                } else {
                    failures.append(String(decoding: frame.payload, as: UTF8.self))
                }
                stream += 2
                hasMessage = false
                send(Self.request("/test/Echo", authority: "localhost", message: [1], stream: stream))
            }
            if count == 0 { return failures }
            if count == nil { try? await Task.sleep(for: .microseconds(200)) }
        }
    }

    /// Waits for a frame on stream 1.
    func expectAnswer(sourceLocation: SourceLocation = #_sourceLocation) async -> Frame? {
        await expectFrame(sourceLocation: sourceLocation) { $0.stream == 1 && $0.kind == Frame.headers }
    }

    // The number of bytes that came, 0 at the end, nil when there are none yet.
    private func receive() -> Int? {
        var room = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &room, room.count, Int32(MSG_DONTWAIT))
        if count < 0 { return errno == EAGAIN ? nil : 0 }
        received += room.prefix(count)
        return count
    }

    private func takeFrame() -> Frame? {
        guard received.count >= 9 else { return nil }
        let length = Int(received[0]) << 16 | Int(received[1]) << 8 | Int(received[2])
        guard received.count >= 9 + length else { return nil }
        let stream = received[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        defer { received.removeFirst(9 + length) }
        return Frame(kind: received[3], flags: received[4], stream: stream, payload: Array(received[9..<9 + length]))
    }
}
