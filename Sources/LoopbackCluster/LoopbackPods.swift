// An API server on loopback that lists, watches and gets Pods, and misbehaves where it is told to.

import FlyingSocks
import Glibc
import Synchronization
package import TokenStore

/// The Pods of a cluster over plain HTTP on 127.0.0.1, and the hand that moves them.
package final class LoopbackPods: Sendable {
    struct Injected {
        var fault: PodFault
        /// How many calls it is still for; `nil` for all.
        var rest: Int?
    }

    struct State {
        var ledger = PodLedger()
        var objects = ClusterLedger()
        var faults: [PodCall: [Injected]] = [:]
        var calls: [PodCall: Int] = [:]
        var denied = 0
        var openWatches = 0
        /// The rest of lists that were begun, by their continue token: each list is of one moment.
        var snapshots: [String: (version: Int, pods: [LedgerPod])] = [:]
        var nextSnapshot = 0
        var accessToken: String
        var bookmarks = 0
        var endings = 0
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextListener = 0
    }

    /// The base URL: `http://127.0.0.1:` and the port.
    package let url: String
    let state: Mutex<State>

    init(url: String, accessToken: String) {
        self.url = url
        state = Mutex(State(accessToken: accessToken))
    }

    // MARK: Pods

    /// A Pod is put on a node.
    ///
    /// - Parameter className: the SecretProviderClass of its volume; `nil` names none.
    package func addPod(
        _ subject: Subject,
        phase: String = "Running",
        node: String = "node-1",
        className: String? = nil
    ) {
        change { $0.ledger.add(subject, node: node, phase: phase, className: className) }
    }

    /// The container of a Pod runs.
    ///
    /// - Parameters:
    ///   - takenUp: when kubelet took the Pod up (`status.startTime`).
    ///   - at: when the container that runs now started.
    ///   - restarts: how often it was started anew.
    package func start(_ podUID: String, takenUp: UTCInstant, at: UTCInstant, restarts: Int = 0) {
        change { state in
            state.ledger.change(podUID) { $0.run = LedgerPod.Run(takenUp: takenUp, startedAt: at, restarts: restarts) }
        }
    }

    /// A Pod's phase changes.
    package func setPhase(_ phase: String, of podUID: String) {
        change { $0.ledger.change(podUID) { $0.phase = phase } }
    }

    /// A Pod's deletion is asked for; it goes on in its grace period.
    package func beginDeletion(of podUID: String) {
        change { $0.ledger.change(podUID) { $0.isBeingDeleted = true } }
    }

    /// A Pod is gone.
    package func deletePod(_ podUID: String) {
        change { $0.ledger.delete(podUID) }
    }

    /// A Pod is gone, and another one has its name.
    package func replacePod(_ podUID: String, by newUID: String, node: String = "node-1") {
        change { state in
            guard var subject = state.ledger.pods[podUID]?.subject else { return }
            state.ledger.delete(podUID)
            subject.podUID = newUID
            state.ledger.add(subject, node: node, phase: "Running")
        }
    }

    /// The history is forgotten: watches from what was listed before answer 410.
    package func compact() { change { $0.ledger.compact() } }

    /// Each open watch ends properly.
    package func endWatches() { change { $0.endings += 1 } }

    /// Each open watch gets a bookmark.
    package func sendBookmarks() { change { $0.bookmarks += 1 } }

    // MARK: Behaviour

    /// Misbehaves at calls of one kind.
    ///
    /// - Parameter times: how many calls; `nil` for all until ``heal()``.
    package func fail(_ call: PodCall, _ fault: PodFault, times: Int? = nil) {
        change { $0.faults[call, default: []].append(Injected(fault: fault, rest: times)) }
    }

    /// All is well from now on; calls that misbehave already go on doing so until they end.
    package func heal() { change { $0.faults = [:] } }

    /// The bearer token that callers must show from now on.
    package func setAccessToken(_ token: String) { change { $0.accessToken = token } }

    // MARK: Books

    /// The number of calls of a kind that came, refused ones included; later pages of a list count too.
    package func count(_ call: PodCall) -> Int { state.withLock { $0.calls[call] ?? 0 } }

    /// The number of calls without the right bearer token.
    package var deniedCalls: Int { state.withLock { $0.denied } }

    /// The number of watches that are open now.
    package var openWatches: Int { state.withLock { $0.openWatches } }

    private func change(_ change: (inout State) -> Void) {
        let listeners = state.withLock { state in
            change(&state)
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    /// An element at each change, the first at once.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        continuation.yield()
        return stream
    }
}

/// Runs a Pod API on a free port of 127.0.0.1 while `body` runs.
///
/// - Parameters:
///   - accessToken: the bearer token that callers must show.
///   - port: a port that is wanted, 0 for any: a server that comes back has its old one.
package func withLoopbackPods<Result>(
    accessToken: String,
    port: UInt16 = 0,
    _ body: (LoopbackPods) async throws -> Result
) async throws -> Result {
    let pool = SocketPool.make()
    try await pool.prepare()
    let socket = try Socket(domain: Int32(AF_INET))
    try socket.setValue(true, for: BoolSocketOption.localAddressReuse)
    try socket.bind(to: sockaddr_in.inet(ip4: "127.0.0.1", port: port))
    try socket.listen()
    guard case .ip4(_, let bound) = try socket.sockname() else { throw SocketError.unsupportedAddress }
    let listener = try AsyncSocket(socket: socket, pool: pool)
    defer { try? listener.close() }
    let pods = LoopbackPods(url: "http://127.0.0.1:\(bound)", accessToken: accessToken)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await pool.run() }
        group.addTask {
            await withDiscardingTaskGroup { connections in
                while let socket = try? await listener.accept() {
                    connections.addTask { await PodConnection(socket: socket, pods: pods).serve() }
                }
                connections.cancelAll()
            }
        }
        defer { group.cancelAll() }
        return try await body(pods)
    }
}
