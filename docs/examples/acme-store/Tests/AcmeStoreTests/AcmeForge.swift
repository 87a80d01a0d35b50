// Acme, played in memory: it refuses what the real one would refuse.

import Foundation
import Synchronization
import TokenStore

/// A counterpart of Acme's API behind the transport.
final class AcmeForge: HTTPTransport {
    static let adminToken = "acme-admin-0123456789"

    struct Token: Sendable {
        let name: String
        let secret: String
        var isLive = true
    }

    private let tokens = Mutex<[String: Token]>([:])
    private let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    /// The tokens that still work.
    var live: [Token] { tokens.withLock { $0.values.filter(\.isLive) } }

    private struct Ask: Decodable {
        let name: String
        let repository: String
        let code: String
        let seconds: Int64
    }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard !Task.isCancelled else {
            throw HTTPTransportError(.cancelled, "the task was cancelled", requestMayHaveArrived: false)
        }
        guard call.authorization?.revealText() == "Bearer \(Self.adminToken)" else { return HTTPAnswer(status: 401) }
        let path = call.url.dropFirst("https://acme.example".count)
        switch (call.method, path) {
        case ("POST", "/api/tokens"): return mint(call.body ?? [])
        case ("GET", _) where path.hasPrefix("/api/tokens?name="):
            let name = path.dropFirst("/api/tokens?name=".count)
            let ids = tokens.withLock { $0.filter { $0.value.name == name && $0.value.isLive }.map { "\"\($0.key)\"" } }
            return HTTPAnswer(status: 200, body: Array("[\(ids.joined(separator: ","))]".utf8))
        case ("DELETE", _) where path.hasPrefix("/api/tokens/"):
            let id = String(path.dropFirst("/api/tokens/".count))
            let wasLive = tokens.withLock { tokens in
                defer { tokens[id]?.isLive = false }
                return tokens[id]?.isLive == true
            }
            return HTTPAnswer(status: wasLive ? 204 : 404)
        default: return HTTPAnswer(status: 404)
        }
    }

    private func mint(_ body: [UInt8]) -> HTTPAnswer {
        guard let ask = try? JSONDecoder().decode(Ask.self, from: Data(body)), (60...86_400).contains(ask.seconds),
            ["read", "write"].contains(ask.code)
        else { return HTTPAnswer(status: 422) }
        guard ask.repository.hasPrefix("acme/") else { return HTTPAnswer(status: 404) }
        let id = String(UInt64.random(in: 1...(.max)), radix: 16)
        let secret = "acme_" + String(UInt64.random(in: 1 << 60...(.max)), radix: 36)
        tokens.withLock { $0[id] = Token(name: ask.name, secret: secret) }
        let expires = clock.now.epochSeconds + ask.seconds
        let json =
            #"{"id":"\#(id)","token":"\#(secret)","repository":"\#(ask.repository)","code":"\#(ask.code)","#
            + #""expires":\#(expires)}"#
        return HTTPAnswer(status: 201, body: Array(json.utf8))
    }
}
