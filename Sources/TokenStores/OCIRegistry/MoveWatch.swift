// Whether a token server may have moved, by how the calls to it end.

import Synchronization
import TokenStore

/// Passes calls on, and looks at how the last one ended: nobody there, nothing there, or a redirect.
final class MoveWatch: HTTPTransport {
    private let base: any HTTPTransport
    private let moved = Mutex(false)

    init(base: any HTTPTransport) { self.base = base }

    /// Whether the last call found no server, or no token server, at its address.
    var looksMoved: Bool { moved.withLock { $0 } }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        do throws(HTTPTransportError) {
            let answer = try await base.send(call)
            moved.withLock { $0 = answer.status == 404 || (300..<400).contains(answer.status) }
            return answer
        } catch {
            moved.withLock { $0 = error.code != .cancelled }
            throw error
        }
    }
}
