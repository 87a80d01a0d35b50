// Calls to a loopback forge without a socket.

import TokenStore

@testable import LoopbackForge

/// Hands calls to a forge directly. An answer that breaks off becomes what a real transport makes of it.
struct ForgeTransport: HTTPTransport {
    let forge: LoopbackForge

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard !Task.isCancelled else {
            throw HTTPTransportError(.cancelled, "the task was cancelled", requestMayHaveArrived: false)
        }
        guard call.url.hasPrefix(forge.webURL) else {
            throw HTTPTransportError(.unreachable, "another host", requestMayHaveArrived: false)
        }
        var headers = Dictionary(call.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        headers["user-agent"] = "daypass/test"
        headers["authorization"] = call.authorization?.revealText()
        headers["host"] = forge.host
        let answer = await forge.answer(
            ForgeRequest(
                method: call.method,
                path: String(call.url.dropFirst(forge.webURL.count)),
                headers: headers,
                body: call.body ?? []
            )
        )
        guard !answer.breaks else {
            throw HTTPTransportError(.broken, "the connection broke", requestMayHaveArrived: true)
        }
        return HTTPAnswer(
            status: answer.status,
            headers: answer.headers.map { HTTPField($0.key, $0.value) },
            body: answer.body
        )
    }
}
