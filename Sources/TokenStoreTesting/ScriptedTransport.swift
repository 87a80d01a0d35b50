// An HTTP transport that answers from a script and records what was sent.

import Synchronization
public import TokenStore

/// An HTTP transport for tests. Each call is given to the script in order; a call that the script does not expect fails
/// with `unreachable`, and is recorded all the same. As with a real transport, a cancelled task sends nothing.
public final class ScriptedTransport: HTTPTransport {
    /// Answers one call.
    public typealias Step = @Sendable (HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer

    private struct State {
        var steps: [Step]
        var calls: [HTTPCall] = []
    }

    private let state: Mutex<State>

    /// Creates a transport that plays `steps` in order.
    public init(_ steps: [Step] = []) { state = Mutex(State(steps: steps)) }

    /// The calls that were sent, in order.
    public var calls: [HTTPCall] { state.withLock { $0.calls } }

    /// The number of steps that nobody asked for yet.
    public var remaining: Int { state.withLock { $0.steps.count } }

    /// Adds a step to the end of the script.
    public func then(_ step: @escaping Step) { state.withLock { $0.steps.append(step) } }

    /// Adds an answer to the end of the script.
    public func then(_ status: Int, headers: [HTTPField] = [], json: String = "") {
        then { _ throws(HTTPTransportError) in
            HTTPAnswer(status: status, headers: headers, body: Array(json.utf8))
        }
    }

    public func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard !Task.isCancelled else {
            throw HTTPTransportError(.cancelled, "the task was cancelled", requestMayHaveArrived: false)
        }
        let step = state.withLock { state in
            state.calls.append(call)
            return state.steps.isEmpty ? nil : state.steps.removeFirst()
        }
        guard let step else {
            throw HTTPTransportError(.unreachable, "the script has no step for this call", requestMayHaveArrived: false)
        }
        return try await step(call)
    }
}
