// One connection to the loopback Pod API: one request, one answer, the end. HTTP/1.1 by hand, so that it can break off
// anywhere.

import FlyingSocks
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct PodConnection: Sendable {
    let socket: AsyncSocket
    let pods: LoopbackPods

    /// Serves the connection until either side closes it.
    func serve() async {
        if let request = try? await readRequest() {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await self.answer(request) }
                // The client sends nothing more: what comes is its end.
                group.addTask { _ = try? await socket.read() }
                await group.next()
                group.cancelAll()
            }
        }
        try? socket.close()
    }

    private func readRequest() async throws -> PodRequest? {
        var bytes: [UInt8] = []
        while bytes.count < 64 << 10 {
            bytes += try await socket.read(atMost: 4096)
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
            guard var request = PodRequest(head: String(decoding: bytes[..<end.lowerBound], as: UTF8.self)),
                request.contentLength <= 4 << 20
            else { return nil }
            request.body = Array(bytes[end.upperBound...])
            while request.body.count < request.contentLength {
                request.body += try await socket.read(atMost: min(4096, request.contentLength - request.body.count))
            }
            return request
        }
        return nil
    }

    // MARK: Answers

    private func answer(_ request: PodRequest) async throws {
        guard let call = request.call else { return try await send(404, PodObjects.status(404)) }
        guard pods.admits(request, call) else { return try await send(401, PodObjects.status(401)) }
        let fault = pods.takeFault(call)
        switch fault {
        case .status(let code, let retryAfter):
            return try await send(code, PodObjects.status(code, of: call), retryAfter: retryAfter)
        case .hangs: return try await hang()
        case .drops: return
        case .talksGarbage: return try await send(200, "<html>\n<body>Sign in</body></html>\n")
        case .delays(let time): try await Task.sleep(for: time)
        default: break
        }
        switch call {
        case .list: try await list(request, fault)
        case .get:
            let found = pods.state.withLock { $0.ledger.pod(namespace: request.path[3], name: request.path[5]) }
            guard let found else { return try await send(404, PodObjects.status(404, pod: request.path[5])) }
            try await send(200, PodObjects.pod(found))
        case .watch: try await watch(request, fault)
        case .createEvent, .patchEvent, .getClass, .getNode, .patchNode:
            let answer = pods.answer(request, call, fault)
            if fault != .losesAnswer { try await send(answer.status, answer.body) }
        }
    }

    private func list(_ request: PodRequest, _ fault: PodFault?) async throws {
        guard let node = request.node else { return try await send(400, PodObjects.status(400)) }
        if fault == .emptyList {
            let version = pods.state.withLock { $0.ledger.version }
            return try await send(200, PodObjects.list([], version: version, next: nil, remaining: 0))
        }
        let limit = Int(request.query["limit"] ?? "") ?? .max
        guard fault != .expiresPages || request.query["continue"] == nil,
            let page = pods.page(node: node, limit: limit, continuing: request.query["continue"])
        else { return try await send(410, PodObjects.status(410)) }
        guard fault == .cutsList else { return try await send(200, page) }
        try await write(Self.head(200, "Content-Length: \(page.utf8.count)"))
        try await write(String(decoding: Array(page.utf8).prefix(page.utf8.count / 2), as: UTF8.self))
    }

    /// Keeps the connection until the client goes.
    func hang() async throws { try await Task.sleep(for: .seconds(3600)) }

    private func send(_ status: Int, _ body: String, retryAfter: Int? = nil) async throws {
        let retry = retryAfter.map { "\r\nRetry-After: \($0)" } ?? ""
        try await write(Self.head(status, "Content-Length: \(body.utf8.count)\(retry)") + body)
    }

    static func head(_ status: Int, _ field: String) -> String {
        """
        HTTP/1.1 \(status) \(status < 300 ? "OK" : "Failure")\r
        Content-Type: application/json\r
        Connection: close\r
        \(field)\r
        \r\n
        """
    }

    func write(_ text: String) async throws { try await socket.write(Data(text.utf8)) }
}

extension LoopbackPods {
    /// Counts a call; whether it shows the right token.
    func admits(_ request: PodRequest, _ call: PodCall) -> Bool {
        state.withLock { state in
            state.calls[call, default: 0] += 1
            let isAllowed = request.authorization == "Bearer \(state.accessToken)"
            if !isAllowed { state.denied += 1 }
            return isAllowed
        }
    }

    /// The fault for the next call of a kind.
    func takeFault(_ call: PodCall) -> PodFault? {
        state.withLock { state in
            guard let first = state.faults[call]?.first else { return nil }
            if let rest = first.rest {
                if rest <= 1 { state.faults[call]?.removeFirst() } else { state.faults[call]?[0].rest = rest - 1 }
            }
            return first.fault
        }
    }

    /// A page of a list; `nil` when its token is too old.
    func page(node: String?, limit: Int, continuing token: String?) -> String? {
        state.withLock { state in
            var version = state.ledger.version
            var pods = state.ledger.list(node: node)
            if let token {
                guard let snapshot = state.snapshots.removeValue(forKey: token),
                    snapshot.version > state.ledger.compacted
                else { return nil }
                (version, pods) = snapshot
            }
            let rest = Array(pods.dropFirst(limit))
            var next: String?
            if !rest.isEmpty {
                state.nextSnapshot += 1
                next = "page-\(state.nextSnapshot)=="
                state.snapshots["page-\(state.nextSnapshot)=="] = (version, rest)
            }
            return PodObjects.list(Array(pods.prefix(limit)), version: version, next: next, remaining: rest.count)
        }
    }
}
